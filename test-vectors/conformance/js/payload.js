// Chunks, padding, and reading at an offset (SPEC §9).

import { aesOpen, aesSeal } from './algorithms.js';
import { concat, refuse, u64, zeros } from './wire.js';

const CHUNK = 16384;
const SEALED = CHUNK + 16;
const CHUNKS = 2 ** 38; // [LIM-01]
const EMPTY = zeros(0);
const failed = () => refuse('decrypt', 'the envelope does not open');

/** base_nonce XOR the chunk's number [PAY-02]; numbers have up to 38 bits, so two 32-bit halves. */
export function nonceOf(baseNonce, i) {
  if (i >= CHUNKS) refuse('limit', 'chunks');
  const nonce = baseNonce.slice();
  const view = new DataView(nonce.buffer);
  view.setUint32(4, (view.getUint32(4) ^ Math.floor(i / 2 ** 32)) >>> 0);
  view.setUint32(8, (view.getUint32(8) ^ (i % 2 ** 32)) >>> 0);
  return nonce;
}

/** How a payload of P bytes is cut. [PAY-03] */
export function layout(payloadBytes) {
  if (payloadBytes < 0) failed();
  const last = Math.floor(payloadBytes / SEALED);
  const lastBytes = payloadBytes % SEALED;
  if (lastBytes < 16) failed();
  if (last >= CHUNKS) refuse('limit', 'chunks');
  return { last, lastBytes, plaintext: last * CHUNK + lastBytes - 16 };
}

/** n plaintext bytes, with the tags of their chunks. */
export const payloadLength = (n) => n + 16 * (Math.floor(n / CHUNK) + 1);

async function openChunk(keys, i, sealed) {
  return (await aesOpen(keys.key, nonceOf(keys.baseNonce, i), EMPTY, sealed)) ?? failed();
}

export async function sealPayload(keys, plaintext) {
  const chunks = [];
  for (let i = 0; i * CHUNK <= plaintext.length; i += 1) {
    chunks.push(await aesSeal(keys.key, nonceOf(keys.baseNonce, i), EMPTY, plaintext.subarray(i * CHUNK, (i + 1) * CHUNK))); // [PAY-01]
  }
  return chunks;
}

export function cut(payload) {
  const { last } = layout(payload.length);
  return Array.from({ length: last + 1 }, (_, i) => payload.subarray(i * SEALED, (i + 1) * SEALED));
}

export async function openPayload(keys, chunks) {
  const opened = [];
  for (const [i, chunk] of chunks.entries()) opened.push(await openChunk(keys, i, chunk));
  return concat(...opened);
}

// --- padding, §9.2 ---

/** ⌊log2 n⌋; Math.log2 rounds up right below a great power of two. */
const log2 = (n) => n.toString(2).length - 1;

/** [PAD-02], also of messages (§19.1). */
export function padme(length) {
  const e = log2(length);
  const unit = 2 ** (e - log2(e) - 1);
  return Math.ceil(length / unit) * unit; // exact: the unit is a power of two
}

/** The plaintext of n bytes of content. */
export const plaintextLength = (n, policy) => (policy === 'none' ? n : padme(8 + n));

export function pad(content, policy) {
  if (policy === 'none') return content;
  return concat(u64(content.length), content, zeros(plaintextLength(content.length, policy) - 8 - content.length));
}

/** [PAD-01] */
export function unpad(plaintext) {
  if (plaintext.length < 8) failed();
  const length = new DataView(plaintext.buffer, plaintext.byteOffset, 8).getBigUint64(0);
  if (length > BigInt(plaintext.length - 8)) failed();
  const end = 8 + Number(length);
  if (plaintext.subarray(end).some((b) => b !== 0)) failed();
  return plaintext.subarray(8, end);
}

// --- reading at an offset, §9.3 ---

/**
 * Opens only the chunks that are needed. `fetch(at, length)` gives bytes of the whole envelope. What is read is not covered
 * by a check of the signature: results say `verified: false`. [OFF-02]
 */
export class OffsetReader {
  constructor({ keys, payloadAt, payloadBytes, padded, fetch }) {
    Object.assign(this, { keys, payloadAt, padded, fetch, ...layout(payloadBytes), payloadBytes });
    this.cache = new Map();
  }

  /** A chunk is the last only by the envelope's length, and opens only under its own number. [OFF-01] */
  async chunk(i) {
    const at = i * SEALED;
    const sealed = await this.fetch(this.payloadAt + at, Math.min(SEALED, this.payloadBytes - at));
    return openChunk(this.keys, i, sealed);
  }

  async contentLength() {
    // Only the last chunk, once opened, shows that the envelope's length is true.
    this.end ??= await this.chunk(this.last);
    if (!this.padded) return this.plaintext;
    const first = this.last === 0 ? this.end : await this.chunk(0);
    if (first.length < 8) failed();
    const length = new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0);
    if (length > BigInt(this.plaintext - 8)) failed();
    return Number(length);
  }

  async read(offset, length) {
    const total = await this.contentLength();
    const start = (this.padded ? 8 : 0) + offset;
    const stop = (this.padded ? 8 : 0) + Math.min(total, offset + length);
    const parts = [];
    for (let at = start; at < stop;) {
      const i = Math.floor(at / CHUNK);
      const chunk = i === this.last ? this.end : await this.chunk(i);
      const from = at - i * CHUNK;
      const to = Math.min(chunk.length, stop - i * CHUNK);
      this.checkZeros(chunk, i, total);
      parts.push(chunk.subarray(from, to));
      at = i * CHUNK + to;
    }
    return { content: concat(...parts), verified: false };
  }

  checkZeros(chunk, i, total) {
    if (!this.padded) return;
    const from = Math.max(0, 8 + total - i * CHUNK);
    if (chunk.subarray(from).some((b) => b !== 0)) failed();
  }
}
