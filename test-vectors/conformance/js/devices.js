// Linked devices, device certificates and request proofs (SPEC §22, §23).

import { ALGORITHMS, deriveKeyPair, isPoint, LIVE, publicOf, readAlgorithm, sha256, signInput, verify } from './algorithms.js';
import { openEnvelope, sealEnvelope, verifySignature } from './envelope.js';
import { decodeHeader, LIMITS, STANZA } from './header.js';
import { checkedIdentity, checkedTransition, digits, follow, grouped, keysOfGeneration, readIdentity, readTransition } from './identity.js';
import { checkStoredForm, sealStoredForm } from './state.js';
import { bareId } from './stanzas.js';
import { base64url, concat, equal, hex, prefix, Reader, readPrefix, refuse, Refused, TYPE, u64, u8, unText, vec, zeros } from './wire.js';

const link = (tag, why) => refuse('link', why, tag);

// --- link request, §22.1 ---

export function decodeLinkRequest(data) {
  const reader = new Reader(data);
  readPrefix(reader, TYPE.link_request);
  const encryptionKey = reader.take(65, 'encryption_key');
  if (!isPoint(encryptionKey)) reader.refuse('encryption_key');
  const echo = reader.take(32, 'echo');
  reader.end();
  return { bytes: data, encryptionKey, echo };
}

export const linkText = (request) => `slrm-link:${base64url(request.bytes)}`;
export const linkFromText = (text) => decodeLinkRequest(unText('slrm-link:', text));

/** The key pair is kept in memory only. */
export async function makeLinkRequest(source = LIVE) {
  const key = await deriveKeyPair(source.draw(32));
  const data = concat(prefix(TYPE.link_request), key.point, source.draw(32));
  return { key, request: decodeLinkRequest(data) };
}

/** What the user sees before an answer is made. Only `confirm` gives what an answer takes. [LNK-01] */
const confirmed = new WeakSet();
export function confirm(request) {
  const token = { request };
  confirmed.add(token);
  return token;
}

// --- answer, §22.2 ---

const GENERATIONS = 256; // [LIM-13]

export const encodeLink = (echo, generations, transitions) => concat(
  echo, vec(concat(...generations.map((g) => concat(g.secret, g.identity.bytes)))), vec(concat(...transitions)));

/** What is sealed as an answer to the holder of a request's key. */
export async function sealAnswer(encryptionKey, content, sender, source = LIVE) {
  const recipients = [{ kind: 'p256', public: encryptionKey, recipientId: await bareId(encryptionKey) }];
  return sealEnvelope({ type: TYPE.device_link, recipients, content, sender, padding: 'padme', source });
}

/** `sender`: the last generation's { identity, key }; `transitions`: encoded. */
export async function sealLink(confirmation, generations, transitions, sender, source = LIVE) {
  if (!confirmed.has(confirmation)) throw new Error('not confirmed by the user');
  const { encryptionKey, echo } = confirmation.request;
  return sealAnswer(encryptionKey, encodeLink(echo, generations, transitions), sender, source);
}

/** [LNK-03] */
async function decodeLink(content, echo) {
  try {
    const reader = new Reader(content);
    const theirs = reader.take(32, 'echo');
    const generations = reader.list('generations', (inner) => ({ secret: inner.take(32, 'secret'), unchecked: readIdentity(inner) }));
    const transitions = reader.list('transitions', readTransition);
    reader.end();
    if (generations.length > GENERATIONS) reader.refuse('generations');
    if (!equal(theirs, echo)) reader.refuse('echo');
    for (const g of generations) g.identity = await checkedIdentity(g.unchecked);
    for (const [i, t] of transitions.entries()) transitions[i] = await checkedTransition(t);
    return { generations, transitions };
  } catch (error) {
    throw error instanceof Refused ? new Refused('link', error.why, 'LNK-03') : error;
  }
}

/** [LNK-06] */
async function checkGenerations({ generations, transitions }) {
  if (!generations.length || generations[0].identity.generation !== 0) link('LNK-06', 'the first generation');
  if (transitions.length !== generations.length - 1) link('LNK-06', 'number of transitions');
  for (const [i, t] of transitions.entries()) {
    let next = null;
    try {
      next = await follow(generations[i].identity, t);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
    if (!next || !equal(next.bytes, generations[i + 1].identity.bytes)) link('LNK-06', 'a transition');
  }
}

/** [LNK-08] */
async function checkKeys({ generations }) {
  for (const { secret, identity } of generations) {
    if (identity.profile === 4) link('LNK-08', 'a profile that is not derived'); // [ID-08]
    const keys = await keysOfGeneration(secret, identity.profile);
    const good = equal(publicOf(keys.encryption), identity.encryptionKey) && equal(publicOf(keys.signing), identity.signingKey);
    if (!good) link('LNK-08', 'keys of another secret');
  }
}

export const linkCode = (identity) => grouped(digits(identity.fingerprint)); // [LNK-04]

/** What the new device opens. Its user compares `code` before anything is adopted. [LNK-02] [LNK-07] */
export async function openLink(data, key, request, limits = LIMITS) {
  const header = decodeHeader(data, limits);
  if (header.type !== TYPE.device_link) refuse('unsupported', 'type', 'LNK-02');
  const one = header.stanzas.length === 1 && header.stanzas[0].type === STANZA.p256 && header.stanzas[0].entries.length === 1;
  if (!one || !header.signature || header.padding !== 1 || header.publicData.length) refuse('malformed', 'form of an answer', 'LNK-02');
  const opened = await openEnvelope(data, [{ kind: 'p256', private: key, recipientId: await bareId(key.point) }], { limits });
  const content = await decodeLink(opened.content, request.echo);
  await checkGenerations(content);
  const last = content.generations.at(-1).identity;
  await verifySignature(opened, last).catch((error) => { throw error instanceof Refused ? new Refused('link', error.why, 'LNK-07') : error; });
  await checkKeys(content);
  return { ...content, code: linkCode(last) };
}

// --- what a linked device stores, §22.3 ---

export const encodeStored = ({ generations, transitions }) => encodeLink(zeros(32), generations, transitions.map((t) => t.bytes));

export const sealStored = (generations, transitions, kek, source = LIVE) =>
  sealStoredForm(TYPE.device_link, encodeLink(zeros(32), generations, transitions), kek, source);

/** [LNK-09] */
export async function openStored(data, kek, limits = LIMITS) {
  const header = decodeHeader(data, limits);
  if (header.type !== TYPE.device_link) refuse('unsupported', 'type', 'LNK-09');
  checkStoredForm(header, () => refuse('malformed', 'form of what is stored', 'LNK-09'));
  const opened = await openEnvelope(data, [{ kind: 'symmetric', kek }], { limits });
  const stored = await decodeLink(opened.content, zeros(32));
  await checkGenerations(stored);
  await checkKeys(stored);
  return { ...stored, content: opened.content };
}

// --- certificates, §23.1 ---

const U64 = 2n ** 64n - 1n;
const plus = (a, b) => (a + b > U64 ? U64 : a + b); // sums end at the bounds
const minus = (a, b) => (a > b ? a - b : 0n);
const proof = (tag, why) => refuse('proof', why, tag);

function readCertificate(reader) {
  const start = reader.at;
  readPrefix(reader, TYPE.device_certificate);
  const out = { identity: reader.take(32, 'identity'), deviceId: reader.take(16, 'device_id'), deviceKey: reader.take(65, 'device_key') };
  if (!isPoint(out.deviceKey)) reader.refuse('device_key');
  out.notBefore = reader.u64('not_before');
  out.notAfter = reader.u64('not_after');
  if (out.notBefore >= out.notAfter) refuse('malformed', 'validity', 'CRT-04');
  out.algorithm = readAlgorithm(reader);
  out.body = reader.since(start);
  out.signature = reader.take(ALGORITHMS[out.algorithm].size, 'signature');
  out.bytes = reader.since(start);
  return out;
}

const signedCertificate = ({ body }) => signInput('device certificate', body);
export const certificateDigest = (certificate) => sha256(signedCertificate(certificate));

export function decodeCertificate(data) {
  const reader = new Reader(data);
  const certificate = readCertificate(reader);
  reader.end();
  return certificate;
}

/** `identity`: the one that the account has now [CRT-02]. Times in seconds, as BigInt. [CRT-01] [CRT-03] */
export async function verifyCertificate(certificate, identity, now, tolerance = 60n) {
  const { algorithm, signature, notBefore, notAfter } = certificate;
  if (!equal(certificate.identity, identity.fingerprint)) proof('CRT-01', 'identity');
  if (algorithm !== identity.algorithm) proof('CRT-01', 'algorithm');
  if (!await verify(algorithm, identity.signingKey, signedCertificate(certificate), signature)) proof('CRT-01', 'signature');
  if (plus(now, tolerance) < notBefore) proof('CRT-03', 'not valid yet');
  if (minus(now, tolerance) >= notAfter) proof('CRT-03', 'over');
}

export async function makeCertificate({ identity, key }, { deviceId, deviceKey, notBefore, notAfter }, source = LIVE) {
  const body = concat(prefix(TYPE.device_certificate), identity.fingerprint, deviceId, deviceKey, u64(notBefore), u64(notAfter), u8(identity.algorithm));
  return decodeCertificate(concat(body, await source.sign(key, signedCertificate({ body }))));
}

// --- proofs, §23.2 ---

/** [PRF-02] */
export function decodeProof(data) {
  const reader = new Reader(data);
  readPrefix(reader, TYPE.request_proof);
  const out = { certificate: readCertificate(reader), time: reader.u64('time'), nonce: reader.take(16, 'nonce'), signature: reader.take(64, 'signature') };
  reader.end();
  return { ...out, bytes: data };
}

export const proofText = (p) => `slrm-proof:${base64url(p.bytes)}`;
export const proofFromText = (text) => decodeProof(unText('slrm-proof:', text));

/**
 * A RequestInput. `request`: audience, method, target, body, serverNonce, in bytes. No writer signs a field of another length, so
 * to a verifier it is a signature that cannot be there. [PRF-06]
 */
async function requestInput(certificate, request, time, nonce, tag = 'PRF-06') {
  const { audience, method, target, body, serverNonce } = request;
  const between = (x, least, most) => { if (x.length < least || x.length > most) proof(tag, 'length of a field'); };
  between(audience, 1, 255);
  between(method, 1, 32);
  between(serverNonce, 0, 64);
  return concat(
    await sha256(certificate.bytes), vec(audience), vec(method), await sha256(target), await sha256(body), u64(time), nonce, vec(serverNonce));
}

export async function makeProof(deviceKey, certificate, request, time, source = LIVE) {
  const nonce = source.draw(16);
  const signature = await source.sign(deviceKey, signInput('request proof', await requestInput(certificate, request, time, nonce)));
  return decodeProof(concat(prefix(TYPE.request_proof), certificate.bytes, u64(time), nonce, signature));
}

/**
 * What a verifier remembers: hashes of signed bytes, until its clock has passed their time. `since`: of one that lost what it had,
 * its start plus T. What would not be remembered any more is refused, so that a clock that is set back takes nothing twice.
 */
export class Remembered {
  constructor({ since = null, capacity = 1000000 } = {}) { Object.assign(this, { since, capacity, until: new Map(), forgotten: -1n }); }

  forget(now) {
    for (const [key, end] of this.until) {
      if (now <= end) continue;
      this.until.delete(key);
      if (end > this.forgotten) this.forgotten = end;
    }
  }

  /** Looks up and remembers in one step. [PRF-05] */
  take(hash, time, now, tolerance) {
    this.forget(now);
    const key = hex(hash);
    const end = plus(time, tolerance);
    if (this.since !== null && time <= this.since) proof('PRF-05', 'from before the start');
    if (end <= this.forgotten) proof('PRF-05', 'from before what is remembered');
    if (this.until.has(key)) proof('PRF-05', 'a second time');
    if (this.until.size >= this.capacity) proof('PRF-05', 'cannot be remembered');
    this.until.set(key, end);
  }
}

/** In the order of [PRF-01]. `data`: the bytes; `identity`: the account's now; `request`: as the verifier received it. */
export async function verifyProof(data, { identity, request, now, tolerance = 60n, remembered }) {
  const { certificate, time, nonce, signature } = decodeProof(data);
  await verifyCertificate(certificate, identity, now, tolerance);
  const apart = time > now ? time - now : now - time;
  if (apart > tolerance) proof('PRF-03', 'time');
  const input = await requestInput(certificate, request, time, nonce, 'PRF-04');
  const signed = signInput('request proof', input);
  if (!await verify(1, certificate.deviceKey, signed, signature)) proof('PRF-04', 'signature'); // [PRF-04]
  const hash = await sha256(signed);
  remembered?.take(hash, time, now, tolerance);
  return { deviceId: certificate.deviceId, time, nonce, input, hash };
}
