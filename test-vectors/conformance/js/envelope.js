// Envelopes: sealing, opening, signatures and attachments (SPEC §7, §10).

import { aesOpen, aesSeal, ALGORITHMS, derive, digestOf, LIVE, readAlgorithm, sha256, signInput, verify } from './algorithms.js';
import { decodeHeader, encodeHeader, LIMITS, PADDING } from './header.js';
import { cut, OffsetReader, openPayload, pad, sealPayload, unpad } from './payload.js';
import { unwrap, wrapAll } from './stanzas.js';
import { concat, equal, prefix, Reader, readPrefix, refuse, TYPE, u8, vec, zeros } from './wire.js';

const EMPTY = zeros(0);
const failed = () => refuse('decrypt', 'the envelope does not open'); // one failure for every cause [ENV-11] [ERR-01]

/** §7.3 and §10.1. */
async function schedule(dek, h) {
  const out = await derive(dek, 'envelope', h, 76);
  return { key: out.slice(0, 32), baseNonce: out.slice(32, 44), commitment: out.slice(44) };
}

async function blockKey(dek, h) {
  const out = await derive(dek, 'signature', h, 44);
  return { key: out.slice(0, 32), nonce: out.slice(32) };
}

const hashChunks = async (chunks) => sha256(concat(...await Promise.all(chunks.map(sha256))));

export const signedBytes = (signer, algorithm, h, commitment, chunksHash) =>
  signInput('envelope signature', concat(signer, u8(algorithm), h, commitment, chunksHash));

const attachmentDigest = (h, commitment, chunksHash) => digestOf('attachment', concat(h, commitment, chunksHash));

const blockSize = (algorithm) => (algorithm ? ALGORITHMS[algorithm].size + 48 : 0);

/** The DEK and keys of the envelope, from the first key that leads to the commitment. [ENV-07] [ENV-08] */
async function unlock(header, keys, limits) {
  const h = await sha256(header.bytes);
  for (const key of keys) {
    for await (const dek of unwrap(header, key, limits)) {
      const scheduled = await schedule(dek, h);
      if (equal(scheduled.commitment, header.commitment)) return { h, dek, by: key, ...scheduled };
    }
  }
  return failed();
}

/**
 * Opens an envelope with any of `keys`. The signature is not verified here but by `verifySignature`, by whoever finds the
 * identity that `signer` names: `verified` is false until then. [ENV-13]
 */
export async function openEnvelope(data, keys, { limits = LIMITS, expected = null } = {}) {
  const header = decodeHeader(data, limits);
  if (expected !== null && header.type !== expected) refuse('unsupported', 'type'); // [OBJ-03]
  const unlocked = await unlock(header, keys, limits);
  const blockAt = data.length - blockSize(header.signature);
  if (blockAt < header.payloadAt) failed();
  const chunks = cut(data.subarray(header.payloadAt, blockAt));
  const plaintext = await openPayload(unlocked, chunks);
  const content = header.padding === PADDING.none ? plaintext : unpad(plaintext);
  const opened = { header, content, dek: unlocked.dek, h: unlocked.h, by: unlocked.by, commitment: header.commitment, chunks, verified: false };
  if (header.signature) {
    const { key, nonce } = await blockKey(unlocked.dek, unlocked.h);
    const block = (await aesOpen(key, nonce, EMPTY, data.subarray(blockAt))) ?? failed();
    Object.assign(opened, { signer: block.slice(0, 32), signature: block.slice(32) });
  }
  return opened;
}

/** [SIG-03] */
export async function verifySignature(opened, identity) {
  const { header, signer, signature, h, commitment, chunks } = opened;
  if (!signer || !equal(signer, identity.fingerprint)) refuse('signature', 'signer');
  if (identity.algorithm !== header.signature) refuse('signature', 'algorithm');
  const signed = signedBytes(signer, header.signature, h, commitment, await hashChunks(chunks));
  if (!await verify(header.signature, identity.signingKey, signed, signature)) refuse('signature', 'signature');
  opened.verified = true;
  return opened;
}

/** Opens an attachment by its AttachmentKey, 64 bytes; another digest is `decrypt`. [ATT-01] */
export async function openAttachment(data, attachmentKey, options = {}) {
  if (attachmentKey.length !== 64) refuse('malformed', 'AttachmentKey');
  const opened = await openEnvelope(data, [{ kind: 'dek', dek: attachmentKey.slice(0, 32) }], { ...options, expected: TYPE.attachment });
  const digest = await attachmentDigest(opened.h, opened.commitment, await hashChunks(opened.chunks));
  if (!equal(digest, attachmentKey.subarray(32))) failed();
  return opened;
}

/** For reading at an offset (§9.3): the head of the envelope, its whole length, and a way to fetch the rest. */
export async function openAtOffset(head, envelopeBytes, fetch, keys, limits = LIMITS) {
  const header = decodeHeader(head, limits);
  const unlocked = await unlock(header, keys, limits);
  return new OffsetReader({
    keys: unlocked, payloadAt: header.payloadAt, fetch, padded: header.padding !== PADDING.none,
    payloadBytes: envelopeBytes - header.payloadAt - blockSize(header.signature),
  });
}

/**
 * Seals. `recipients`: as stanzas.js takes them. `sender`: null or { identity, key }. `padding`: `none` or `padme`.
 * Draws in the order of §7.4 [ENV-09]; a fresh salt and DEK each time [ENV-10].
 */
export async function sealEnvelope({
  type = TYPE.message, recipients, content, sender = null, padding = 'none', publicData = EMPTY, decoys = 0, source = LIVE,
}) {
  if (type === TYPE.attachment ? recipients.length || sender : !recipients.length) throw new Error('stanzas'); // [ENV-02] [ATT-02]
  const salt = source.draw(24);
  const dek = source.draw(32);
  const stanzas = await wrapAll(recipients, { type, salt, dek, decoys, source });
  const signature = sender ? sender.identity.algorithm : 0;
  const header = encodeHeader({ type, signature, padding: padding === 'none' ? 0 : 1, salt, stanzas, publicData });
  const h = await sha256(header);
  const keys = await schedule(dek, h);
  const sealed = concat(header, keys.commitment);
  decodeHeader(sealed); // a writer keeps the limits too [LIM-10]
  const chunks = await sealPayload(keys, pad(content, padding));
  const chunksHash = await hashChunks(chunks);
  let block = EMPTY;
  if (sender) {
    const signer = sender.identity.fingerprint;
    const value = await source.sign(sender.key, signedBytes(signer, signature, h, keys.commitment, chunksHash));
    const { key, nonce } = await blockKey(dek, h);
    block = await aesSeal(key, nonce, EMPTY, concat(signer, value));
  }
  return {
    envelope: concat(sealed, ...chunks, block), dek, h, commitment: keys.commitment,
    digest: type === TYPE.attachment ? await attachmentDigest(h, keys.commitment, chunksHash) : null,
  };
}

// --- detached signatures, §10.3 ---

const CONTEXT = 255; // [LIM-07]

const detachedBytes = async (signer, algorithm, context, content) =>
  signInput('detached signature', concat(signer, u8(algorithm), vec(context), await sha256(content)));

export function decodeDetached(data) {
  const reader = new Reader(data);
  readPrefix(reader, TYPE.detached_signature);
  const algorithm = readAlgorithm(reader);
  const out = { algorithm, signer: reader.take(32, 'signer'), signature: reader.take(ALGORITHMS[algorithm].size, 'signature') };
  reader.end();
  return out;
}

/** [SIG-04] */
export async function verifyDetached(data, identity, context, content) {
  if (context.length > CONTEXT) refuse('limit', 'context');
  const { algorithm, signer, signature } = decodeDetached(data);
  if (!equal(signer, identity.fingerprint)) refuse('signature', 'signer');
  if (algorithm !== identity.algorithm) refuse('signature', 'algorithm');
  const signed = await detachedBytes(signer, algorithm, context, content);
  if (!await verify(algorithm, identity.signingKey, signed, signature)) refuse('signature', 'signature');
}

export async function signDetached({ identity, key }, context, content, source = LIVE) {
  if (context.length > CONTEXT) refuse('limit', 'context');
  const { fingerprint, algorithm } = identity;
  const value = await source.sign(key, await detachedBytes(fingerprint, algorithm, context, content));
  return concat(prefix(TYPE.detached_signature), u8(algorithm), fingerprint, value);
}

