#!/usr/bin/env node
// Small checks of what has no vectors yet (SPEC §9.3, §18.3 to §18.8, §20 to §23), over what this implementation makes itself, and
// of the standards' own vectors: own_checks.mjs [DIR], the folder test-vectors.

import { readFileSync } from 'node:fs';
import { aesOpen, ALGORITHMS, detKeygenP256, hpkeKey, importKeyFile, importPkcs8, LIVE, deriveKeyPair, publicFromSpki, spki } from './algorithms.js';
import * as devices from './devices.js';
import { openAtOffset, openEnvelope, sealEnvelope, signDetached, verifyDetached } from './envelope.js';
import { fingerprintFromText, fingerprintText, identityFromText, identityOf, identityText, makeTransition, rootOf, rotationKey, decodeTransition, follow, seedOfWords } from './identity.js';
import { Keyring, KIND, REGISTER, decodeSegment, encodeSegment, openSegment, sealSegment } from './keyring.js';
import { KDF, LIMITS } from './header.js';
import { padme } from './payload.js';
import { readChecks, roomChecks } from './own_checks_rooms.mjs';
import { ascii, concat, equal, hex, Refused, u8, unhex, unText, zeros } from './wire.js';

let failed = 0;
let passed = 0;
const is = (what, name) => { if (what) passed += 1; else { failed += 1; console.log(`failed: ${name}`); } };
async function refused(kind, tag, run, name) {
  try { await run(); is(false, `${name}: accepted`); } catch (error) {
    if (!(error instanceof Refused)) { is(false, `${name}: ${error.stack}`); return; }
    is(error.kind === kind && (!tag || error.tag === tag), `${name}: ${error.message}`);
  }
}

const draw = (n) => LIVE.draw(n);
const person = async (profile = 1) => {
  const root = await rootOf(draw(64));
  const at = async (g) => { const made = await identityOf(root, g, profile); return { ...made, sender: { identity: made.identity, key: made.keys.signing } }; };
  const zero = await at(0);
  const one = await at(1);
  const transition = await makeTransition(zero.identity, zero.keys.signing, one.identity, await rotationKey(root, 1));
  return { root, zero, one, transition };
};
const alice = await person();
const bob = await person();

async function texts() {
  const { identity } = alice.zero;
  is(equal((await identityFromText(identityText(identity))).bytes, identity.bytes), 'identity text');
  is(equal(fingerprintFromText(fingerprintText(identity.fingerprint)), identity.fingerprint), 'fingerprint text');
  for (const bad of ['SLRM-fp:AAAA', 'slrm-fp:AAAA', 'slrm-fp:AB', 'slrm-fp:A', 'slrm-fp:AA==', 'slrm-fp: AAA', 'slrm-fp:AA+A']) {
    await refused('malformed', null, async () => fingerprintFromText(bad), `text ${bad}`);
  }
  is(unText('x:', 'x:-_8').length === 2, 'alphabet');
  is(equal(publicFromSpki(spki(identity.signingKey)), identity.signingKey), 'SPKI');
  await refused('malformed', null, async () => publicFromSpki(concat(spki(identity.signingKey), u8(0))), 'SPKI, longer');
}

async function offsets() {
  const recipients = [{ kind: 'symmetric', kek: draw(32) }];
  for (const [size, padding] of [[0, 'none'], [16384, 'none'], [40000, 'none'], [0, 'padme'], [16376, 'padme'], [40000, 'padme'], [70000, 'padme']]) {
    const content = new Uint8Array(size).map((_, i) => i % 251);
    const { envelope } = await sealEnvelope({ recipients, content, padding, sender: alice.zero.sender });
    const fetch = async (at, n) => envelope.subarray(at, at + n);
    const reader = await openAtOffset(envelope.subarray(0, 400), envelope.length, fetch, recipients);
    for (const [at, n] of [[0, 10], [16380, 20], [size, 5], [0, size + 1]]) {
      is(equal((await reader.read(at, n)).content, content.subarray(at, at + n)), `offset ${size} ${padding} ${at}`);
    }
    const cut = () => openAtOffset(envelope.subarray(0, 400), envelope.length - 1, fetch, recipients).then((r) => r.read(0, 1));
    await refused('decrypt', null, cut, `offset ${size} ${padding}, cut`);
  }
  const detached = await signDetached(alice.zero.sender, ascii('c'), ascii('content'));
  await verifyDetached(detached, alice.zero.identity, ascii('c'), ascii('content'));
  is(detached.length === 40 + ALGORITHMS[1].size, 'detached signature');
}

/** The limits on work are of who hashes, writers included. [STZ-15] [LIM-06] [LIM-10] */
async function work() {
  const to = (rounds, iterations) => [{ kind: 'passphrase', passphrase: ascii('x'), kdf: { type: KDF.pbkdf2, salt: draw(16), rounds, iterations } }];
  const { envelope } = await sealEnvelope({ recipients: to(2, 50), content: zeros(0) });
  const read = (key, pbkdf2Work) => openEnvelope(envelope, [key], { limits: { ...LIMITS, pbkdf2Work } });
  const [passphrase, other] = [{ kind: 'passphrase', passphrase: ascii('x') }, { kind: 'symmetric', kek: draw(32) }];
  is((await read(passphrase, 100)).content.length === 0, 'a passphrase within the limits');
  await refused('limit', null, () => read(passphrase, 99), 'a passphrase over them');
  await refused('decrypt', null, () => read(other, 99), 'limits of who does not hash');
  await refused('limit', null, () => sealEnvelope({ recipients: to(1, 10_000_001), content: zeros(0) }), 'a writer over the limits');
}

/** [PAD-02] as §9.2 writes it, without floating point. */
function padmeOf(length) {
  const log2 = (n) => BigInt(n.toString(2).length - 1);
  const e = log2(length);
  const mask = (1n << (e - log2(e) - 1n)) - 1n;
  return (length + mask) & ~mask;
}

async function lengths() {
  for (let bits = 3n; bits < 53n; bits += 1n) {
    for (const n of [1n << bits, (1n << bits) + 1n, (2n << bits) - 1n]) is(BigInt(padme(Number(n))) === padmeOf(n), `padme ${n}`);
  }
  const words = Array(11).fill('abandon').join(' ');
  const seed = await seedOfWords(`${words} about`);
  is(equal(await seedOfWords(`${words.replaceAll(' ', '\u0085')}\u2003about\u3000`), seed), 'white space of Unicode');
  await refused('malformed', null, () => seedOfWords(`${words}\ufeffabout`), 'U+FEFF is no white space');
}

async function links() {
  const { key, request } = await devices.makeLinkRequest();
  is(devices.linkText(request).length === 149, 'link text');
  is(equal(devices.linkFromText(devices.linkText(request)).bytes, request.bytes), 'link text, back');
  const one = [{ secret: alice.zero.secret, identity: alice.zero.identity }];
  const both = [...one, { secret: alice.one.secret, identity: alice.one.identity }];
  const seal = async (generations, transitions, sender) => (await devices.sealLink(devices.confirm(request), generations, transitions, sender)).envelope;
  const single = await seal(one, [], alice.zero.sender);
  is(single.length === 631, `an answer has 631 bytes, not ${single.length}`);
  is((await devices.openLink(single, key, request)).generations.length === 1, 'link');
  const answer = await seal(both, [alice.transition], alice.one.sender);
  const opened = await devices.openLink(answer, key, request);
  is(opened.code === devices.linkCode(alice.one.identity) && opened.code.length === 35, 'link code');
  await refused('decrypt', null, async () => devices.openLink(answer, (await deriveKeyPair(draw(32))), request), 'link, another key');
  await refused('link', 'LNK-03', () => devices.openLink(answer, key, { echo: zeros(32) }), 'link, another echo');
  await refused('link', 'LNK-06', async () => devices.openLink(await seal(both, [], alice.one.sender), key, request), 'link, no transition');
  await refused('link', 'LNK-06', async () => devices.openLink(await seal(both.slice(1), [], alice.one.sender), key, request), 'link, from 1');
  await refused('link', 'LNK-07', async () => devices.openLink(await seal(one, [], bob.zero.sender), key, request), 'link, another signer');
  const other = [{ secret: bob.zero.secret, identity: alice.zero.identity }];
  await refused('link', 'LNK-08', async () => devices.openLink(await seal(other, [], alice.zero.sender), key, request), 'link, another secret');
  const kek = draw(32);
  const { envelope } = await devices.sealStored(both, [alice.transition], kek);
  is((await devices.openStored(envelope, kek)).generations.length === 2, 'stored link');
  await refused('malformed', 'LNK-02', () => devices.openLink(envelope, key, request), 'a stored link is no answer');
}

async function proofs() {
  const deviceKey = await deriveKeyPair(draw(32));
  const terms = { deviceId: draw(16), deviceKey: deviceKey.point, notBefore: 1000n, notAfter: 2000n };
  const certificate = await devices.makeCertificate(alice.zero.sender, terms);
  is(certificate.bytes.length === 201, 'certificate');
  const { identity } = alice.zero;
  for (const now of [940n, 1500n, 2059n]) await devices.verifyCertificate(certificate, identity, now);
  await refused('proof', 'CRT-03', () => devices.verifyCertificate(certificate, identity, 939n), 'too early');
  await refused('proof', 'CRT-03', () => devices.verifyCertificate(certificate, identity, 2060n), 'over');
  await refused('proof', 'CRT-01', () => devices.verifyCertificate(certificate, alice.one.identity, 1500n), 'after a transition');
  await refused('malformed', 'CRT-04', () => devices.makeCertificate(alice.zero.sender, { ...terms, notAfter: 1000n }), 'validity');
  const request = { audience: ascii('example.org'), method: ascii('GET'), target: ascii('/a?b'), body: zeros(0), serverNonce: zeros(0) };
  const made = await devices.makeProof(deviceKey, certificate, request, 1500n);
  is(devices.proofText(made).length === 406, 'proof text');
  const remembered = new devices.Remembered();
  const verify = (changes = {}) => devices.verifyProof(made.bytes, { identity, request, now: 1500n, remembered, ...changes });
  await refused('proof', 'PRF-03', () => verify({ now: 1561n }), 'late');
  await refused('proof', 'PRF-04', () => verify({ request: { ...request, body: ascii('x') } }), 'another body');
  await refused('proof', 'PRF-04', () => verify({ request: { ...request, method: zeros(33) } }), 'a long method');
  await refused('proof', 'PRF-06', () => devices.makeProof(deviceKey, certificate, { ...request, method: zeros(33) }, 1500n), 'signing a long method');
  await verify({ now: 1560n });
  await refused('proof', 'PRF-05', () => verify({ now: 1560n }), 'twice');
  const later = await devices.makeProof(deviceKey, certificate, request, 1501n);
  remembered.forget(1561n);
  await refused('proof', 'PRF-05', () => verify({ now: 1500n }), 'forgotten, and the clock set back');
  await devices.verifyProof(later.bytes, { identity, request, now: 1500n, remembered });
  await refused('proof', 'PRF-05', () => verify({ remembered: new devices.Remembered({ since: 1500n }) }), 'from before the start');
  await refused('malformed', null, () => devices.verifyProof(made.bytes.slice(1), { identity, request, now: 1500n }), 'cut');
}

async function keyrings() {
  const [a, b] = [new Keyring(), new Keyring()];
  const name = ascii('bob');
  is(await a.meet(name, bob.zero.identity) === 'first' && await a.meet(name, bob.zero.identity) === 'known', 'first sight');
  const [first, kek] = [a.next(false), alice.zero.keyring];
  const { envelope } = await sealSegment(first, kek);
  const { segment, latest } = await openSegment(envelope, [kek]);
  is(latest && equal(encodeSegment(segment), encodeSegment(first)), 'segment');
  await refused('decrypt', null, () => openSegment(envelope, [draw(32)]), 'segment, another key');
  await b.merge(segment);
  is(await b.meet(name, bob.one.identity) === 'changed', 'a changed key');
  b.add(KIND.transition, bob.transition);
  is(await b.meet(name, bob.one.identity) === 'succeeded', 'succeeded');
  const second = b.next(false);
  is(second.seen.length === 1 && second.entries.length === 3, 'a part');
  const told = await a.merge(second);
  is(told.changed.length === 0 && hex(a.encode()).length > 0, 'merged');
  is(a.missing([second]).length === 1 && a.missing([second])[0].to === 1n && a.missing([first, second]).length === 0, 'missing');
  is(a.missing([b.next(true)]).length === 0, 'a whole segment covers');
  // Two write at one clock.
  a.write(REGISTER.verified, bob.one.identity.fingerprint, u8(1));
  b.write(REGISTER.verified, bob.one.identity.fingerprint, u8(2));
  const [sa, sb] = [a.next(false), b.next(false)];
  await a.merge(sb);
  await b.merge(sa);
  is(!a.isVerified(bob.one.identity.fingerprint) && a.conflicts().length === 1 && b.conflicts().length === 1, 'conflict');
  is(hex(concat(...a.all.map((e) => e.content))) === hex(concat(...b.all.map((e) => e.content))), 'the same in both orders');
  a.write(REGISTER.verified, bob.one.identity.fingerprint, u8(1));
  is(a.isVerified(bob.one.identity.fingerprint) && a.conflicts().length === 0, 'settled');
  // What is stored comes back; what came back too old takes a new id.
  const stored = await a.seal(kek);
  const again = await Keyring.open(stored.envelope, kek);
  is(equal(again.encode(), a.encode()), 'stored');
  const old = hex(again.device);
  await again.merge(a.next(false));
  is(hex(again.device) !== old && again.revision === 0n && again.fresh.size === again.entries.size, 'a new id');
  await refused('malformed', 'KRG-09', () => Keyring.decode(concat(a.encode(), u8(0))), 'a byte more');
  const lacking = await Keyring.decode(a.encode());
  lacking.known.clear();
  await refused('malformed', 'KRG-09', () => Keyring.decode(lacking.encode()), 'seen and not known');
  // Unknown entries are kept.
  b.put([{ kind: 77, content: ascii('later') }, { kind: KIND.register, content: concat(u8(9), zeros(1), zeros(7), u8(1), draw(8), zeros(1)) }], false);
  const whole = await decodeSegment(encodeSegment(b.next(true)));
  is(whole.entries.some((e) => e.kind === 77), 'unknown kinds are passed on');
  await refused('malformed', 'KRG-01', () => decodeSegment(encodeSegment({ ...whole, kind: 3 })), 'segment kind');
  await refused('malformed', 'KRG-01', () => decodeSegment(encodeSegment({ ...whole, entries: [...whole.entries].reverse() })), 'order');
  await refused('malformed', 'KRG-01', () => decodeSegment(encodeSegment({ ...whole, own: { ...whole.own, revision: 0n } })), 'revision 0');
  }

async function standards(dir) {
  const read = (name) => JSON.parse(readFileSync(`${dir}/external/${name}`, 'utf8'));
  const base64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  for (const [, words, seed] of read('bip39-trezor-vectors.json').english) is(hex(await seedOfWords(words, 'TREZOR')) === seed, `BIP-39 ${words}`);
  for (const v of read('c2sp-det-keygen-p256.json')) {
    const { private: key } = await importKeyFile(ascii(`-----BEGIN PRIVATE KEY-----\n${v.private_key_pkcs8}\n-----END PRIVATE KEY-----\n`));
    is(equal((await detKeygenP256(base64(v.seed))).point, key.point), `det-keygen ${v.seed}`);
    is(equal((await importPkcs8(base64(v.private_key_pkcs8))).point, key.point), 'PKCS#8');
  }
  await refused('malformed', 'DET-01', () => detKeygenP256(zeros(15)), 'a short seed');
  for (const v of read('rfc9180-p256-hkdfsha256-aes256gcm.json').filter(({ mode }) => mode === 0)) {
    const receiver = await deriveKeyPair(unhex(v.ikmR));
    is(hex(receiver.point) === v.pkRm && hex((await deriveKeyPair(unhex(v.ikmE))).point) === v.pkEm, 'DeriveKeyPair');
    const { key, nonce } = await hpkeKey(receiver, unhex(v.enc), unhex(v.enc), receiver.point, unhex(v.info));
    const [first] = v.encryptions;
    is(hex(await aesOpen(key, nonce, unhex(first.aad), unhex(first.ct ?? first.ciphertext))) === (first.pt ?? first.plaintext), 'HPKE');
  }
  const phrase = read('bip39-trezor-vectors.json').english[0][1];
  for (const bad of [phrase.replace('about', 'abandon'), phrase.replace('about', 'aboutt'), phrase.replace(' about', '')]) {
    await refused('malformed', null, () => seedOfWords(bad), bad);
  }
}

async function transitions() {
  const next = await follow(alice.zero.identity, await decodeTransition(alice.transition));
  is(equal(next.fingerprint, alice.one.identity.fingerprint), 'transition');
  await refused('signature', null, async () => follow(bob.zero.identity, await decodeTransition(alice.transition)), 'transition of another');
  is((await openEnvelope((await sealEnvelope({ recipients: [{ kind: 'symmetric', kek: zeros(32) }], content: zeros(0) })).envelope,
    [{ kind: 'symmetric', kek: zeros(32) }])).content.length === 0, 'empty');
}

for (const run of [texts, offsets, work, lengths, transitions, links, proofs, keyrings]) await run();
if (process.argv[2]) await standards(process.argv[2]);
await roomChecks({ is, refused, person });
await readChecks({ is, person });
console.log(`own checks: ${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
