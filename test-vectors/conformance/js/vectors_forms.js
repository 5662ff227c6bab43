// Vectors of single pieces: of the presentation language, wraps, payloads, keys from seeds, words and texts (SPEC §3, §8, §9, §11, §17).

import {
  bareKey, deriveKeyPair, detKeygenP256, detKeygenRsa, aesOpen, derive, hpkeKey, p256FromScalar, pkcs8, publicOf, sha256, spki,
} from './algorithms.js';
import { decodeCertificate, decodeLinkRequest, decodeProof } from './devices.js';
import { decodeDetached, openAtOffset } from './envelope.js';
import { decodeHeader, decodeStanza, encodeStanza, STANZA, wrapInfo } from './header.js';
import {
  decodeIdentity, decodeTransition, fingerprintFromText, fingerprintText, identityFromText, identityText, readWords, seedOfWords,
} from './identity.js';
import { decodeMessage } from './messages.js';
import { cut, layout, nonceOf, openPayload, padme, payloadLength, plaintextLength, sealPayload } from './payload.js';
import { roomIdOf } from './rooms.js';
import { bareId, passphraseRounds, rsaKeyId, unwrap, wrapAll } from './stanzas.js';
import { decodeHead, decodeLeave } from './statements.js';
import { keyFrom, outcome, recipientFrom } from './vectors_inputs.js';
import { concat, equal, hex, Reader, readPrefix, refuse, Skipped, TYPE, u64, unbase64url, unhex, vec, zeros } from './wire.js';

// --- §3, §6 ---

const DECODERS = {
  [TYPE.public_identity]: decodeIdentity, [TYPE.transition]: decodeTransition, [TYPE.detached_signature]: decodeDetached,
  [TYPE.room_message]: decodeMessage, [TYPE.leave_statement]: decodeLeave, [TYPE.head_statement]: decodeHead,
  [TYPE.link_request]: decodeLinkRequest, [TYPE.device_certificate]: decodeCertificate, [TYPE.request_proof]: decodeProof,
};

async function readObject(v) {
  const data = unhex(v.object);
  const type = readPrefix(new Reader(data));
  await (DECODERS[type] ?? decodeHeader)(data);
  return { type };
}

function readVector(v) {
  const data = unhex(v.bytes);
  const reader = new Reader(data);
  const content = reader.vec('vector');
  reader.end();
  if (!equal(vec(content), data)) throw new Error('the vector encodes differently');
  return { content: hex(content) };
}

// --- §8 ---

async function readBareKey(v) {
  const key = bareKey(unhex(v.spki), v.algorithm);
  const recipientId = await bareId(key);
  return { recipient_id: hex(recipientId), ...(v.algorithm === 'rsa' ? { key_id: hex(await rsaKeyId(recipientId, key)) } : {}) };
}

/** What stands between a key and the DEK, by the kind of key. */
const BETWEEN = {
  async p256({ stanza, info, key, dek }) {
    const { dh, shared, key: hpke, nonce } = await hpkeKey(key.private, stanza.enc, stanza.enc, key.private.point, info);
    const opened = await Promise.all(stanza.entries.map((entry) => aesOpen(hpke, nonce, zeros(0), entry)));
    const entry = stanza.entries[opened.findIndex((one) => one && equal(one, dek))];
    return { enc: stanza.enc, entry, public_key: key.private.point, dh, shared_secret: shared, hpke_key: hpke, hpke_nonce: nonce };
  },
  async rsa({ stanza, info, key, dek }) {
    return { key_id: stanza.keyId, spki: spki(key.private.modulus), message: concat(dek, await sha256(info)) };
  },
  async symmetric({ stanza, info, key }) {
    return { key_id: stanza.keyId, wrapping_key: await derive(key.kek, 'symmetric wrap', info, 32) };
  },
  async passphrase({ stanza, info, key }) {
    const rounds = await passphraseRounds(stanza.kdf, key.passphrase);
    return { kdf_salt: stanza.kdf.salt, rounds, wrapping_key: await derive(rounds.at(-1), 'passphrase wrap', info, 32) };
  },
};

/** A stanza has no commitment: what it would tell (§7.3), `dek` tells, which is the same in all of these vectors. */
const EXPECTED = 'de'.repeat(32);

async function readWrap(v) {
  const stanza = decodeStanza(unhex(v.stanza));
  const key = await keyFrom(v.key);
  const salt = unhex(v.salt);
  let dek = null;
  for await (const one of unwrap({ type: v.content_type, salt, stanzas: [stanza] }, key)) if (hex(one) === (v.dek ?? EXPECTED)) dek = one;
  if (!dek) refuse('decrypt', 'the stanza does not open');
  const info = wrapInfo(v.content_type, STANZA[key.kind], salt, key.recipientId);
  const between = await BETWEEN[key.kind]({ stanza, info, key, dek });
  if (v.ephemeral && !equal(p256FromScalar(unhex(v.ephemeral)).point, stanza.enc)) throw new Error('enc is of another key');
  const out = { dek: hex(dek), info: hex(info) };
  for (const [name, value] of Object.entries(between)) out[name] = Array.isArray(value) ? value.map(hex) : hex(value);
  return out;
}

const WRAP_FIELDS = {
  p256: ['enc', 'entry', 'public_key', 'dh', 'shared_secret', 'hpke_key', 'hpke_nonce'], rsa: ['key_id', 'spki', 'message'],
  symmetric: ['key_id', 'wrapping_key'], passphrase: ['kdf_salt', 'rounds', 'wrapping_key'],
};

/** For the one recipient, beside decoys. */
async function resealWrap(v, source) {
  const { kdf, entries = [] } = decodeStanza(unhex(v.stanza));
  const decoys = Math.max(0, entries.length - 1);
  const options = { type: v.content_type, salt: unhex(v.salt), dek: unhex(v.dek), decoys, source };
  const [stanza] = await wrapAll([await recipientFrom(v.key, kdf)], options);
  const ephemeral = v.key.kind === 'p256' ? { ephemeral: scalarOf(await deriveKeyPair(unhex(v.random).slice(0, 32))) } : {};
  return { stanza: hex(encodeStanza(stanza)), ...ephemeral };
}

const scalarOf = (key) => hex(unbase64url(key.jwk.d));

// --- §9 ---

async function readChunks(v) {
  const plaintext = Uint8Array.from({ length: v.length }, (_, n) => 7 * n + Math.floor(n / 251)); // modulo 256
  const keys = { key: unhex(v.key), baseNonce: unhex(v.base_nonce) };
  const chunks = await sealPayload(keys, plaintext);
  const payload = concat(...chunks);
  if (!equal(await openPayload(keys, cut(payload)), plaintext)) throw new Error('what was sealed opens differently');
  return { sha256: hex(await sha256(payload)), chunk_hashes: (await Promise.all(chunks.map(sha256))).map(hex) };
}

function readLayout(v) {
  const plaintext = plaintextLength(v.content_length, v.padding);
  const payload = payloadLength(plaintext);
  const { last, lastBytes, plaintext: again } = layout(payload);
  if (again !== plaintext) throw new Error('the payload is read as another');
  return { plaintext_length: plaintext, payload_length: payload, chunks: last + 1, last_chunk: lastBytes };
}

/** The hash of a function's values, as uint64, over a range with both its ends. */
async function rangeHash({ from, to }, of) {
  return { sha256: hex(await sha256(concat(...Array.from({ length: to - from + 1 }, (_, i) => u64(of(from + i)))))) };
}

/** Reads parts of an attachment, whose digest nothing of that compares (§9.3). */
async function readAt(v) {
  const data = unhex(v.envelope);
  const fetch = async (at, n) => data.subarray(at, at + n);
  const told = await outcome(async () => {
    const reader = await openAtOffset(data, data.length, fetch, [{ kind: 'dek', dek: unhex(v.key).slice(0, 32) }]);
    const reads = [];
    for (const { offset, length } of v.reads) reads.push({ sha256: hex(await sha256((await reader.read(offset, length)).content)) });
    return { reads, content_length: await reader.contentLength() };
  });
  return { reads: v.reads.map(() => ({})), ...told };
}

// --- §11 ---

async function readMnemonic(v) {
  if (v.language !== 'english') throw new Skipped('word lists but the English one');
  return { entropy: hex((await readWords(v.words)).entropy), bip39_seed: hex(await seedOfWords(v.words, v.passphrase)) };
}

// --- §17 ---

const FORMS_OF_TEXT = {
  fingerprint: { read: fingerprintFromText, bytesOf: (f) => f, write: fingerprintText },
  identity: { read: identityFromText, bytesOf: (i) => i.bytes, write: identityText },
};

async function readText(v) {
  const { read, bytesOf, write } = FORMS_OF_TEXT[v.form];
  const value = await read(v.text);
  if (write(value) !== v.text) throw new Error('it is written differently');
  return { bytes: hex(bytesOf(value)) };
}

export const FORMS = {
  object: { read: readObject, compared: ['type'] },
  vector: { read: async (v) => readVector(v), compared: ['content'] },
  room_id: {
    read: async (v) => ({ room_id: hex(await roomIdOf({ creator: unhex(v.creator), creationNonce: unhex(v.creation_nonce), history: v.history })) }),
    compared: ['room_id'],
  },
  bare_key: { read: readBareKey, compared: (v) => (v.algorithm === 'rsa' ? ['recipient_id', 'key_id'] : ['recipient_id']) },
  wrap: { read: readWrap, compared: (v) => ['dek', 'info', ...WRAP_FIELDS[v.key.kind]], sealed: ['salt'], reseal: resealWrap },
  chunks: { read: readChunks, compared: ['sha256', 'chunk_hashes'] },
  chunk_nonce: { read: async (v) => ({ nonce: hex(nonceOf(unhex(v.base_nonce), v.number)) }), compared: ['nonce'] },
  layout: { read: async (v) => readLayout(v), compared: ['plaintext_length', 'payload_length', 'chunks', 'last_chunk'] },
  padme: { read: async (v) => ({ padded: v.lengths.map(padme) }), compared: ['padded'] },
  padme_range: { read: (v) => rangeHash(v, padme), compared: ['sha256'] },
  payload_range: { read: (v) => rangeHash(v, payloadLength), compared: ['sha256'] },
  read_at: { read: readAt, compared: (v) => (v.result === 'ok' ? ['content_length'] : []), steps: { reads: () => ['offset', 'length'] } },
  mnemonic: { read: readMnemonic, compared: ['entropy', 'bip39_seed'] },
  p256_key: {
    read: async (v) => {
      const key = await detKeygenP256(unhex(v.seed));
      return { scalar: scalarOf(key), public_key: hex(publicOf(key)), pkcs8: hex(pkcs8(key)) };
    },
    compared: ['scalar', 'public_key', 'pkcs8'],
  },
  derive_key_pair: {
    read: async (v) => {
      const key = await deriveKeyPair(unhex(v.ikm));
      return { scalar: scalarOf(key), public_key: hex(publicOf(key)) };
    },
    compared: ['scalar', 'public_key'],
  },
  rsa_key: { read: (v) => detKeygenRsa(unhex(v.seed), v.bits), compared: [] },
  text: { read: readText, compared: ['bytes'] },
};
