// Wrapping and unwrapping of an envelope's DEK (SPEC §8).

import { aesOpen, aesSeal, derive, digestOf, hpkeKey, deriveKeyPair, LIVE, oaepOpen, pbkdf2, publicOf, sha256, spki } from './algorithms.js';
import { allowWork, KDF, LIMITS, STANZA, wrapInfo } from './header.js';
import { compare, concat, equal, hex, refuse, Skipped, zeros } from './wire.js';

const NONCE = zeros(12); // the wrapping keys are used once [STZ-13]
const EMPTY = zeros(0);

export const bareId = (publicKey) => digestOf('bare key', spki(publicKey));
export const rsaKeyId = async (recipientId, modulus) => (await digestOf('rsa key id', concat(recipientId, spki(modulus)))).slice(0, 8);
export const symmetricKeyId = (kek) => derive(kek, 'key id', EMPTY, 16);

/** §8.5: one round after the other; the last is the KEK. */
export async function passphraseRounds(kdf, passphrase, limits = LIMITS) {
  allowWork(kdf, limits);
  if (kdf.type === KDF.argon2id) throw new Skipped('Argon2id is not in WebCrypto');
  const keys = [];
  for (let i = 0; i < kdf.rounds; i += 1) keys.push(await pbkdf2('SHA-256', keys.at(-1) ?? passphrase, kdf.salt, kdf.iterations, 32));
  return keys;
}

const passphraseKek = async (kdf, passphrase, limits) => (await passphraseRounds(kdf, passphrase, limits)).at(-1);

// --- opening ---

const openers = {
  async* p256(header, key) {
    const group = header.stanzas.find((s) => s.type === STANZA.p256);
    if (!group) return;
    const info = wrapInfo(header.type, STANZA.p256, header.salt, key.recipientId);
    const hpke = await hpkeKey(key.private, group.enc, group.enc, key.private.point, info);
    for (const entry of group.entries) {
      const dek = await aesOpen(hpke.key, hpke.nonce, EMPTY, entry);
      if (dek) yield dek; // the caller goes on where the commitment is missed [STZ-09]
    }
  },
  async* rsa(header, key) {
    const keyId = await rsaKeyId(key.recipientId, key.private.modulus);
    const stanza = header.stanzas.find((s) => s.type === STANZA.rsa && equal(s.keyId, keyId));
    if (!stanza || stanza.wrapped.length !== key.private.modulus.length) return;
    const message = await oaepOpen(key.private, stanza.wrapped);
    const info = wrapInfo(header.type, STANZA.rsa, header.salt, key.recipientId);
    if (message?.length === 64 && equal(message.subarray(32), await sha256(info))) yield message.slice(0, 32); // [STZ-11]
  },
  async* symmetric(header, key) {
    const keyId = await symmetricKeyId(key.kek);
    const stanza = header.stanzas.find((s) => s.type === STANZA.symmetric && equal(s.keyId, keyId));
    if (!stanza) return;
    const info = wrapInfo(header.type, STANZA.symmetric, header.salt);
    const dek = await aesOpen(await derive(key.kek, 'symmetric wrap', info, 32), NONCE, EMPTY, stanza.wrapped);
    if (dek) yield dek;
  },
  async* passphrase(header, key, limits) {
    const [stanza] = header.stanzas;
    if (stanza?.type !== STANZA.passphrase) return;
    const kek = await passphraseKek(stanza.kdf, key.passphrase, limits);
    const info = wrapInfo(header.type, STANZA.passphrase, header.salt);
    const dek = await aesOpen(await derive(kek, 'passphrase wrap', info, 32), NONCE, EMPTY, stanza.wrapped);
    if (dek) yield dek;
  },
  /** A DEK that came by another way: an attachment's, or a room secret that a later package names. */
  async* dek(_header, key) { yield key.dek; },
};

/** All DEKs to which a key leads; the commitment decides which is the envelope's. */
export const unwrap = (header, key, limits = LIMITS) => openers[key.kind](header, key, limits);

// --- sealing ---

/** Merges recipients with the same key and id [STZ-03]. */
function merged(recipients) {
  const identity = (r) => `${r.kind}:${hex(r.public ?? r.kek ?? zeros(0))}:${hex(r.recipientId ?? zeros(0))}`;
  return [...new Map(recipients.map((r) => [identity(r), r])).values()];
}

async function p256Group(recipients, decoys, type, salt, dek, source) {
  const ephemeral = await deriveKeyPair(source.draw(32));
  const entries = [];
  for (const r of recipients) {
    const { key, nonce } = await hpkeKey(ephemeral, r.public, ephemeral.point, r.public, wrapInfo(type, STANZA.p256, salt, r.recipientId));
    entries.push(await aesSeal(key, nonce, EMPTY, dek)); // [STZ-04]
  }
  for (let i = 0; i < decoys; i += 1) entries.push(source.draw(48)); // [STZ-05]
  return { type: STANZA.p256, enc: ephemeral.point, entries: entries.sort(compare) };
}

async function ordered(recipients, keyIdOf) {
  const all = await Promise.all(recipients.map(async (recipient) => ({ recipient, keyId: await keyIdOf(recipient) })));
  all.sort((a, b) => compare(a.keyId, b.keyId));
  for (let i = 1; i < all.length; i += 1) {
    if (equal(all[i - 1].keyId, all[i].keyId)) throw new Error('two keys with one key id'); // [STZ-12]
  }
  return all;
}

/** Makes the stanzas, in their order, drawing in the order of §7.4. */
export async function wrapAll(recipients, { type, salt, dek, decoys = 0, source = LIVE }) {
  const of = (kind) => merged(recipients).filter((r) => r.kind === kind);
  const stanzas = [];
  const readers = of('p256');
  if (decoys && !readers.length) throw new Error('decoys stand only beside a reader');
  if (readers.length) stanzas.push(await p256Group(readers, decoys, type, salt, dek, source));
  for (const { recipient, keyId } of await ordered(of('rsa'), (r) => rsaKeyId(r.recipientId, r.public))) {
    const message = concat(dek, await sha256(wrapInfo(type, STANZA.rsa, salt, recipient.recipientId)));
    stanzas.push({ type: STANZA.rsa, keyId, wrapped: await source.oaepSeal(recipient.public, message) });
  }
  for (const { recipient, keyId } of await ordered(of('symmetric'), (r) => symmetricKeyId(r.kek))) {
    const key = await derive(recipient.kek, 'symmetric wrap', wrapInfo(type, STANZA.symmetric, salt), 32);
    stanzas.push({ type: STANZA.symmetric, keyId, wrapped: await aesSeal(key, NONCE, EMPTY, dek) });
  }
  const passphrases = of('passphrase');
  if (passphrases.length && recipients.length > 1) refuse('malformed', 'passphrase beside'); // [ENV-05]
  for (const { passphrase, kdf } of passphrases) {
    const key = await derive(await passphraseKek(kdf, passphrase), 'passphrase wrap', wrapInfo(type, STANZA.passphrase, salt), 32);
    stanzas.push({ type: STANZA.passphrase, kdf, wrapped: await aesSeal(key, NONCE, EMPTY, dek) });
  }
  return stanzas;
}

/** The recipient that a private key opens as. */
export const recipientOf = (key, recipientId) => ({ kind: key.kind, public: publicOf(key), recipientId });
