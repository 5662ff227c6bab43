// The header of an envelope and its stanzas (SPEC §7.1, §8): form only, no key is used here.

import { isPoint, signInput } from './algorithms.js';
import { compare, concat, prefix, Reader, readPrefix, refuse, TYPE, u16, u32, u8, vec, zeros } from './wire.js';

/** §13, those that an application may set. */
export const LIMITS = {
  headerBytes: 1048576, entries: 16384, argonMemory: 262144, argonWork: 4194304, pbkdf2Work: 10000000,
};
const LANES = 16; // [LIM-08]

export const STANZA = { p256: 1, rsa: 2, symmetric: 3, passphrase: 4 };
export const KDF = { argon2id: 1, pbkdf2: 2 };
export const PADDING = { none: 0, length_prefixed: 1 };

function readKdf(reader) {
  const type = reader.u8('kdf');
  if (type !== KDF.argon2id && type !== KDF.pbkdf2) refuse('unsupported', 'kdf');
  const kdf = { type, salt: reader.take(16, 'kdf salt'), rounds: reader.u32('rounds') };
  if (type === KDF.argon2id) {
    Object.assign(kdf, { memory: reader.u32('memory_kib'), passes: reader.u32('passes'), lanes: reader.u8('lanes') });
    if (!kdf.rounds || !kdf.passes || !kdf.lanes || kdf.memory < 8 * kdf.lanes) reader.refuse('kdf costs'); // [STZ-14]
    if (kdf.lanes > LANES) refuse('limit', 'argon2id lanes'); // [LIM-08]
  } else {
    kdf.iterations = reader.u32('iterations');
    if (!kdf.rounds || !kdf.iterations) reader.refuse('kdf costs');
  }
  return kdf;
}

/** Compares the costs with the limits, by who is about to hash. In BigInt: a product has up to 96 bits. [STZ-15] */
export function allowWork(kdf, limits) {
  const over = (limit, ...costs) => costs.reduce((product, cost) => product * BigInt(cost), 1n) > BigInt(limit);
  if (kdf.type === KDF.argon2id) {
    if (kdf.memory > limits.argonMemory) refuse('limit', 'argon2id memory'); // [LIM-04]
    if (over(limits.argonWork, kdf.memory, kdf.passes, kdf.rounds)) refuse('limit', 'argon2id work'); // [LIM-05]
  } else if (over(limits.pbkdf2Work, kdf.iterations, kdf.rounds)) refuse('limit', 'pbkdf2 work'); // [LIM-06]
}

const encodeKdf = (kdf) => concat(u8(kdf.type), kdf.salt, u32(kdf.rounds), kdf.type === KDF.argon2id
  ? concat(u32(kdf.memory), u32(kdf.passes), u8(kdf.lanes)) : u32(kdf.iterations));

function readGroup(reader, limits, seen) {
  const enc = reader.take(65, 'enc');
  if (!isPoint(enc)) reader.refuse('enc'); // [STZ-08]
  const all = reader.vec('entries');
  if (all.length === 0 || all.length % 48) reader.refuse('entries'); // [STZ-07]
  if (seen + all.length / 48 > limits.entries) refuse('limit', 'entries'); // [LIM-03]
  const entries = [];
  for (let at = 0; at < all.length; at += 48) {
    entries.push(all.subarray(at, at + 48));
    if (at && compare(entries.at(-2), entries.at(-1)) >= 0) reader.refuse('order of entries'); // [STZ-06]
  }
  return { enc, entries };
}

function readStanza(reader, limits, seen) {
  const type = reader.u8('stanza type');
  switch (type) {
    case STANZA.p256: return { type, ...readGroup(reader, limits, seen) };
    case STANZA.rsa: {
      const stanza = { type, keyId: reader.take(8, 'key id'), wrapped: reader.vec('wrapped') };
      if (![256, 384, 512].includes(stanza.wrapped.length)) reader.refuse('wrapped'); // [STZ-10]
      return stanza;
    }
    case STANZA.symmetric: return { type, keyId: reader.take(16, 'key id'), wrapped: reader.take(48, 'wrapped') };
    case STANZA.passphrase: return { type, kdf: readKdf(reader), wrapped: reader.take(48, 'wrapped') };
    default: return refuse('unsupported', 'stanza type'); // [STZ-01]
  }
}

/** One stanza alone. */
export function decodeStanza(data, limits = LIMITS) {
  const reader = new Reader(data);
  const stanza = readStanza(reader, limits, 0);
  reader.end();
  return stanza;
}

export function encodeStanza(stanza) {
  switch (stanza.type) {
    case STANZA.p256: return concat(u8(1), stanza.enc, vec(concat(...stanza.entries)));
    case STANZA.rsa: return concat(u8(2), stanza.keyId, vec(stanza.wrapped));
    case STANZA.symmetric: return concat(u8(3), stanza.keyId, stanza.wrapped);
    default: return concat(u8(4), encodeKdf(stanza.kdf), stanza.wrapped);
  }
}

/** [ENV-03] [ENV-04] */
function checkOrder(before, stanza, reader) {
  if (before.type > stanza.type) reader.refuse('order of stanzas');
  if (before.type !== stanza.type) return;
  if (stanza.type === STANZA.p256) reader.refuse('a second P-256 group');
  if (stanza.keyId && compare(before.keyId, stanza.keyId) >= 0) reader.refuse('order of stanzas');
}

/** Decodes Header and commitment. What follows is the payload, from `payloadAt` on. */
export function decodeHeader(data, limits = LIMITS) {
  const reader = new Reader(data, { limit: limits.headerBytes }); // [LIM-02]
  const type = readPrefix(reader);
  if (type > TYPE.keyring_state) refuse('unsupported', 'not an envelope');
  const signature = reader.u8('signature');
  if (signature > 4) refuse('unsupported', 'signature'); // [ENV-01]
  const padding = reader.u8('padding');
  if (padding > 1) refuse('unsupported', 'padding');
  const salt = reader.take(24, 'salt');
  let entries = 0;
  const stanzas = [];
  reader.list('stanzas', (inner) => {
    const stanza = readStanza(inner, limits, entries);
    entries += stanza.entries?.length ?? 1;
    if (entries > limits.entries) refuse('limit', 'entries');
    if (stanzas.length) checkOrder(stanzas.at(-1), stanza, inner);
    stanzas.push(stanza);
  });
  if ((type === TYPE.attachment) !== (stanzas.length === 0)) reader.refuse('stanzas'); // [ENV-02]
  if (stanzas.length > 1 && stanzas.some((s) => s.type === STANZA.passphrase)) reader.refuse('passphrase beside'); // [ENV-05]
  if (type === TYPE.attachment && signature) reader.refuse('a signed attachment'); // [ATT-02]
  const publicData = reader.vec('public_data');
  const bytes = reader.since(0);
  const rest = new Reader(data.subarray(reader.at));
  const commitment = rest.take(32, 'commitment');
  return { type, signature, padding, salt, stanzas, publicData, bytes, commitment, payloadAt: reader.at + 32 };
}

export const encodeHeader = ({ type, signature, padding, salt, stanzas, publicData }) => concat(
  prefix(type), u8(signature), u8(padding), salt, vec(concat(...stanzas.map(encodeStanza))), vec(publicData));

/** What every wrap binds, §8.1. [STZ-02] */
export const wrapInfo = (type, stanzaType, salt, recipientId = zeros(32)) =>
  signInput('wrap', concat(u16(1), u8(type), u8(stanzaType), salt, recipientId));
