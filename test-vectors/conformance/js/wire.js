// The presentation language (SPEC §3), byte helpers, and the classes of errors (§14).
// Dedicated to the public domain under CC0 1.0, like SPEC.md.

/** What a reader refuses: a class of §14, the field or reason, and for `room`, `link`, `proof` the tag. */
export class Refused extends Error {
  constructor(kind, why, tag = null) {
    super(`${kind}: ${why}${tag ? ` [${tag}]` : ''}`);
    Object.assign(this, { kind, why, tag });
  }
}

/** What this implementation cannot do, by name. It is neither a success nor a refusal. */
export class Skipped extends Error {}

export const refuse = (kind, why, tag) => { throw new Refused(kind, why, tag); };

export const bytes = (...numbers) => Uint8Array.from(numbers);
export const ascii = (text) => new TextEncoder().encode(text);
export const zeros = (n) => new Uint8Array(n);

export function concat(...parts) {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) { out.set(part, at); at += part.length; }
  return out;
}

/** Looks at every byte, so that where two secrets differ does not show in the time it takes. */
export function equal(a, b) {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i += 1) difference |= a[i] ^ b[i];
  return difference === 0;
}

/** The order of byte strings. */
export function compare(a, b) {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i += 1) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

export const hex = (b) => Array.from(b, (x) => x.toString(16).padStart(2, '0')).join('');

export function unhex(text) {
  if (typeof text !== 'string' || !/^([0-9a-f]{2})*$/.test(text)) throw new TypeError(`not lower-case hexadecimal: ${String(text).slice(0, 40)}`);
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i += 1) out[i] = parseInt(text.substr(2 * i, 2), 16);
  return out;
}

export const u8 = (n) => bytes(n);
export const u16 = (n) => bytes(n >>> 8, n & 255);
export const u32 = (n) => bytes(n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255);
export function u64(n) {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(n));
  return out;
}

/** `opaque(x)<V>`: the shortest length, then the bytes. [WIRE-02] */
export function vec(x) {
  const n = x.length;
  if (n < 64) return concat(u8(n), x);
  if (n < 16384) return concat(u16(n | 0x4000), x);
  if (n < 2 ** 30) return concat(u32((n | 0x80000000) >>> 0), x);
  throw new RangeError('a vector has less than 2^30 bytes');
}

/**
 * A bounded decoder. It gives out views into what it was given, so nothing is allocated by a length field [WIRE-05].
 * `fail` makes the error: the same form is `malformed` in an object and `room` in a payload that was opened.
 */
export class Reader {
  constructor(data, { fail = (field) => new Refused('malformed', field), limit = Infinity, base = 0 } = {}) {
    Object.assign(this, { data, fail, limit, base, at: 0 });
  }

  get left() { return this.data.length - this.at; }

  refuse(field) { throw this.fail(field); }

  take(n, field) {
    // The limit comes first: it is told as such whether or not the bytes are there (§13).
    if (this.base + this.at + n > this.limit) throw new Refused('limit', field);
    if (n > this.left) this.refuse(field);
    this.at += n;
    return this.data.subarray(this.at - n, this.at);
  }

  u8(field) { return this.take(1, field)[0]; }
  u16(field) { const b = this.take(2, field); return b[0] * 256 + b[1]; }
  u32(field) { const b = this.take(4, field); return ((b[0] << 24) | (b[1] << 16) | (b[2] << 8) | b[3]) >>> 0; }
  u64(field) { const b = this.take(8, field); return new DataView(b.buffer, b.byteOffset, 8).getBigUint64(0); }

  vec(field) {
    const first = this.u8(field);
    let n = first & 63;
    if (first >= 192) this.refuse(`${field}: reserved length`); // [WIRE-02]
    if (first >= 128) {
      const more = this.take(3, field);
      n = n * 2 ** 24 + more[0] * 2 ** 16 + more[1] * 256 + more[2];
      if (n < 16384) this.refuse(`${field}: longer form of a length`); // [WIRE-03]
    } else if (first >= 64) {
      n = n * 256 + this.u8(field);
      if (n < 64) this.refuse(`${field}: longer form of a length`);
    }
    return this.take(n, field);
  }

  /** A vector of structures: `read` is called until its bytes are used up, and cannot leave any over. [WIRE-04] */
  list(field, read) {
    const inner = this.vec(field);
    const reader = new Reader(inner, { fail: this.fail, limit: this.limit, base: this.base + this.at - inner.length });
    const out = [];
    while (reader.left) out.push(read(reader));
    return out;
  }

  end(field = 'bytes left over') { if (this.left) this.refuse(field); }

  since(start) { return this.data.subarray(start, this.at); }
}

// --- objects, §6 ---

export const MAGIC = ascii('SLRM');
export const SUITE = 1;

export const TYPE = {
  message: 1, room_epoch: 2, keyring: 3, device_link: 4, history_grant: 5, attachment: 6, room_state: 7, keyring_state: 8,
  public_identity: 0x20, transition: 0x21, detached_signature: 0x22, room_message: 0x23, leave_statement: 0x24,
  head_statement: 0x25, link_request: 0x26, device_certificate: 0x27, request_proof: 0x28,
};

export const prefix = (type) => concat(MAGIC, u16(SUITE), u8(type));

/** Reads a Prefix and returns the type; with `expected`, refuses every other. [OBJ-01] [SUITE-01] [OBJ-02] [OBJ-03] */
export function readPrefix(reader, expected = null) {
  if (!equal(reader.take(4, 'magic'), MAGIC)) reader.refuse('magic');
  if (reader.u16('suite') !== SUITE) refuse('unsupported', 'suite');
  const type = reader.u8('type');
  if (expected === null ? !Object.values(TYPE).includes(type) : type !== expected) refuse('unsupported', 'type');
  return type;
}

// --- text forms, §17 ---

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

export function base64url(data) {
  let out = '';
  for (let i = 0; i < data.length; i += 3) {
    const n = (data[i] << 16) | ((data[i + 1] ?? 0) << 8) | (data[i + 2] ?? 0);
    const used = Math.min(3, data.length - i) + 1;
    for (let k = 0; k < used; k += 1) out += ALPHABET[(n >>> (18 - 6 * k)) & 63];
  }
  return out;
}

/** Strict: alphabet only, no padding, unused bits zero. [TXT-02] */
export function unbase64url(text) {
  if (text.length % 4 === 1) refuse('malformed', 'text: length');
  const out = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let value = 0;
  let at = 0;
  for (const character of text) {
    const digit = ALPHABET.indexOf(character);
    if (digit < 0) refuse('malformed', 'text: alphabet');
    value = (value << 6) | digit;
    bits += 6;
    if (bits >= 8) { bits -= 8; out[at] = value >>> bits; at += 1; value &= (1 << bits) - 1; }
  }
  if (value !== 0) refuse('malformed', 'text: unused bits');
  return out;
}

/** Takes bytes of any length: what they are, their own decoder says. */
export function unText(prefixText, text) {
  if (!text.startsWith(prefixText)) refuse('malformed', 'text: prefix');
  return unbase64url(text.slice(prefixText.length));
}
