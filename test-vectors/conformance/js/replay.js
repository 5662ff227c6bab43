// Sealing again from the random bytes of a vector (SPEC §16): RFC 6979, and RSA with given seeds and salts, in BigInt.
// Nothing of this is constant-time or blinded: for tests only.

import { hmac, sha256 } from './algorithms.js';
import { bigOf, bytesOf, inverse, mod, multiplyBase, ORDER } from './p256.js';
import { bytes, concat, unbase64url, zeros, u32 } from './wire.js';

const xor = (a, b) => a.map((x, i) => x ^ b[i]);

async function mgf1(seed, length) {
  let out = zeros(0);
  for (let i = 0; out.length < length; i += 1) out = concat(out, await sha256(concat(seed, u32(i))));
  return out.slice(0, length);
}

function power(base, exponent, modulus) {
  let out = 1n;
  for (const bit of exponent.toString(2)) {
    out = (out * out) % modulus;
    if (bit === '1') out = (out * base) % modulus;
  }
  return out;
}

/** ECDSA by RFC 6979 with SHA-256, s in the lower half. */
async function signEcdsa(key, message) {
  const d = unbase64url(key.jwk.d);
  const e = bigOf(await sha256(message));
  const h = bytesOf(mod(e, ORDER), 32);
  let k = zeros(32);
  let v = new Uint8Array(32).fill(1);
  for (const step of [0, 1]) {
    k = await hmac(k, concat(v, bytes(step), d, h));
    v = await hmac(k, v);
  }
  for (;;) {
    v = await hmac(k, v);
    const nonce = bigOf(v);
    if (nonce > 0n && nonce < ORDER) {
      const r = mod(multiplyBase(nonce)[0], ORDER);
      const s = mod(inverse(nonce, ORDER) * (e + r * bigOf(d)), ORDER);
      if (r !== 0n && s !== 0n) return concat(bytesOf(r, 32), bytesOf(s > (ORDER - 1n) / 2n ? ORDER - s : s, 32));
    }
    k = await hmac(k, concat(v, bytes(0)));
    v = await hmac(k, v);
  }
}

/** RSASSA-PSS, RFC 8017 §9.1.1, for moduli of a multiple of eight bits. */
async function signPss(key, message, salt) {
  const n = key.modulus.length;
  const hash = await sha256(concat(zeros(8), await sha256(message), salt));
  const db = concat(zeros(n - 32 - salt.length - 2), bytes(1), salt);
  const masked = xor(db, await mgf1(hash, db.length));
  masked[0] &= 0x7f;
  const encoded = concat(masked, hash, bytes(0xbc));
  return bytesOf(power(bigOf(encoded), bigOf(unbase64url(key.jwk.d)), bigOf(key.modulus)), n);
}

/** RSAES-OAEP, RFC 8017 §7.1.1, with an empty label. */
async function sealOaep(modulus, message, seed) {
  const n = modulus.length;
  const db = concat(await sha256(zeros(0)), zeros(n - message.length - 66), bytes(1), message);
  const maskedDb = xor(db, await mgf1(seed, db.length));
  const maskedSeed = xor(seed, await mgf1(maskedDb, 32));
  return bytesOf(power(bigOf(concat(bytes(0), maskedSeed, maskedDb)), 65537n, bigOf(modulus)), n);
}

/** A source that gives out `drawn` from the front. `finished` says whether exactly all of it was drawn. */
export function replay(drawn) {
  let at = 0;
  const draw = (n) => {
    if (at + n > drawn.length) throw new RangeError('more is drawn than the vector has');
    at += n;
    return drawn.slice(at - n, at);
  };
  return {
    draw,
    sign: (key, message) => (key.kind === 'rsa' ? signPss(key, message, draw(32)) : signEcdsa(key, message)),
    oaepSeal: (modulus, message) => sealOaep(modulus, message, draw(32)),
    finished: () => at === drawn.length,
  };
}

