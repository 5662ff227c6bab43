// The suite (SPEC §5) over WebCrypto, and labels (§4). Nothing here is of the platform but `globalThis.crypto.subtle`.

import { ascii, base64url, bytes, concat, equal, refuse, Skipped, u16, u8, unbase64url, unhex, vec, zeros } from './wire.js';
import { ORDER, bigOf, bytesOf, isOnCurve, publicPoint } from './p256.js';

const { subtle } = globalThis.crypto;

export const random = (n) => globalThis.crypto.getRandomValues(new Uint8Array(n));

export const sha256 = async (data) => new Uint8Array(await subtle.digest('SHA-256', data));

export async function hmac(key, data) {
  // WebCrypto refuses an empty key; HMAC pads keys with zeros, so 32 zero bytes are the same key.
  const k = await subtle.importKey('raw', key.length ? key : zeros(32), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await subtle.sign('HMAC', k, data));
}

export const hkdfExtract = hmac;

/** WebCrypto has HKDF only as Extract and Expand together. */
export async function hkdfExpand(key, info, length) {
  let out = zeros(0);
  let block = zeros(0);
  for (let i = 1; out.length < length; i += 1) {
    block = await hmac(key, concat(block, info, u8(i)));
    out = concat(out, block);
  }
  return out.slice(0, length);
}

/** §4.1. */
export const derive = (key, label, context, length) =>
  hkdfExpand(key, concat(u16(length), vec(ascii(`sealroom/1 ${label}`)), vec(context)), length);

/** §4.2. */
export const signInput = (label, content) => concat(vec(ascii(`sealroom/1 ${label}`)), vec(content));

export const digestOf = (label, content) => sha256(signInput(label, content));

// --- AES-256-GCM ---

const aesKey = (key) => subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt', 'decrypt']);
const gcm = (iv, additionalData) => ({ name: 'AES-GCM', iv, additionalData, tagLength: 128 });

export async function aesSeal(key, nonce, aad, plaintext) {
  return new Uint8Array(await subtle.encrypt(gcm(nonce, aad), await aesKey(key), plaintext));
}

/** The plaintext, or null: no reason is told. [SUITE-02] [ERR-01] */
export async function aesOpen(key, nonce, aad, sealed) {
  if (sealed.length < 16) return null;
  try {
    return new Uint8Array(await subtle.decrypt(gcm(nonce, aad), await aesKey(key), sealed));
  } catch {
    return null;
  }
}

// --- keys ---
// A private key is { kind: 'p256', point, jwk } or { kind: 'rsa', modulus, jwk }; a public key is the point or the modulus.

const EC = { name: 'ECDSA', namedCurve: 'P-256' };
const OAEP = { name: 'RSA-OAEP', hash: 'SHA-256' };
const PSS = { name: 'RSA-PSS', hash: 'SHA-256' };

/** [SUITE-03] */
export const isPoint = (b) => b.length === 65 && b[0] === 4 && isOnCurve(b.subarray(1, 33), b.subarray(33));

/** [SUITE-05], for the modulus; the exponent is fixed wherever a key has only a modulus. */
export const isModulus = (b) => [256, 384, 512].includes(b.length) && b[0] >= 128 && (b[b.length - 1] & 1) === 1;

/** A PKCS#8 key, not encrypted, in DER. It is P-256 or RSA, whichever WebCrypto takes it for. */
export async function importPkcs8(der) {
  if (der.length > 16384) refuse('limit', 'key file'); // [LIM-09]
  const jwk = await subtle.importKey('pkcs8', der, EC, true, ['sign']).then((key) => subtle.exportKey('jwk', key), () => null);
  if (jwk) return { kind: 'p256', point: concat(bytes(4), unbase64url(jwk.x), unbase64url(jwk.y)), jwk };
  const rsa = await subtle.importKey('pkcs8', der, OAEP, true, ['decrypt']).then((key) => subtle.exportKey('jwk', key), () => null);
  if (!rsa) refuse('malformed', 'PKCS#8');
  const modulus = unbase64url(rsa.n);
  if (!isModulus(modulus) || rsa.e !== 'AQAB') refuse('malformed', 'RSA key');
  return { kind: 'rsa', modulus, jwk: rsa };
}

const KEY_FILE = 16384; // [LIM-09]

/** A key without an identity, as it is handed in (§5). `kind`: `p256` or `rsa`. */
export function bareKey(data, kind) {
  if (data.length > KEY_FILE) refuse('limit', 'key');
  const key = publicFromSpki(data);
  return (key.length === 65 ? 'p256' : 'rsa') === kind ? key : refuse('malformed', 'a key of another algorithm');
}

/** A key from a file: SPKI (a public key) or PKCS#8 (a private one), in DER or PEM. §5 [LIM-09] */
export async function importKeyFile(data) {
  if (data.length > KEY_FILE) refuse('limit', 'key file');
  const pem = /^\s*-----BEGIN (PUBLIC|PRIVATE) KEY-----([A-Za-z0-9+/=\s]*)-----END \1 KEY-----\s*$/.exec(new TextDecoder('latin1').decode(data));
  const decoded = pem ? unbase64url(pem[2].replace(/[\s=]/g, '').replaceAll('+', '-').replaceAll('/', '_')) : data;
  if (pem?.[1] === 'PRIVATE') return { private: await importPkcs8(decoded) };
  if (pem) return { public: publicFromSpki(decoded) };
  // SEQUENCE { SEQUENCE ... } is SPKI; PKCS#8 begins with a version.
  const inside = decoded[1] < 128 ? 2 : 2 + (decoded[1] & 127);
  return decoded[inside] === 0x30 ? { public: publicFromSpki(decoded) } : { private: await importPkcs8(decoded) };
}

/** From a scalar: the public point, which a JWK must have, is computed in p256.js. */
export function p256FromScalar(scalar) {
  const point = publicPoint(scalar);
  const jwk = { kty: 'EC', crv: 'P-256', d: base64url(scalar), x: base64url(point.subarray(1, 33)), y: base64url(point.subarray(33)) };
  return { kind: 'p256', point, jwk };
}

export const publicOf = (key) => (key.kind === 'p256' ? key.point : key.modulus);

const der = (tag, ...parts) => {
  const body = concat(...parts);
  const n = body.length;
  return concat(n < 128 ? bytes(tag, n) : n < 256 ? bytes(tag, 0x81, n) : bytes(tag, 0x82, n >>> 8, n & 255), body);
};
const P256_ALGORITHM = unhex('301306072a8648ce3d020106082a8648ce3d030107');
const RSA_ALGORITHM = unhex('300d06092a864886f70d0101010500');

/** The one SubjectPublicKeyInfo of a key. [SUITE-06] */
export function spki(publicKey) {
  if (publicKey.length === 65) return der(0x30, P256_ALGORITHM, der(3, bytes(0), publicKey));
  const integers = der(0x30, der(2, bytes(0), publicKey), der(2, bytes(1, 0, 1)));
  return der(0x30, RSA_ALGORITHM, der(3, bytes(0), integers));
}

/** PKCS#8 of a P-256 key, with its public key, as most libraries write it. */
export const pkcs8 = ({ jwk, point }) => der(0x30, bytes(2, 1, 0), P256_ALGORITHM, der(4,
  der(0x30, bytes(2, 1, 1), der(4, unbase64url(jwk.d)), der(0xa1, der(3, bytes(0), point)))));

/** Takes exactly what `spki` gives: whatever is found where a key would be has to give the same bytes. [SUITE-06] */
export function publicFromSpki(data) {
  for (const [size, after] of [[65, 0], [256, 5], [384, 5], [512, 5]]) {
    const key = data.slice(Math.max(0, data.length - after - size), data.length - after);
    if ((size === 65 ? isPoint(key) : key.length === size && isModulus(key)) && equal(spki(key), data)) return key;
  }
  return refuse('malformed', 'SPKI');
}

// --- signatures ---

/** SignatureAlgorithm, §7.1: the size of a signature, and of the public key. */
export const ALGORITHMS = {
  1: { size: 64, key: 65 }, 2: { size: 256, key: 256 }, 3: { size: 384, key: 384 }, 4: { size: 512, key: 512 },
};

/** Reads a SignatureAlgorithm that is not none. */
export function readAlgorithm(reader) {
  const algorithm = reader.u8('algorithm');
  if (algorithm === 0) refuse('malformed', 'algorithm none'); // §14
  if (!ALGORITHMS[algorithm]) refuse('unsupported', 'algorithm');
  return algorithm;
}

export const algorithmOf = (publicKey) => Number(Object.keys(ALGORITHMS).find((a) => ALGORITHMS[a].key === publicKey.length));

export async function verify(algorithm, publicKey, message, signature) {
  const { size, key } = ALGORITHMS[algorithm] ?? {};
  if (publicKey.length !== key || signature.length !== size) return false;
  if (algorithm === 1) {
    const r = bigOf(signature.subarray(0, 32));
    const s = bigOf(signature.subarray(32));
    if (r === 0n || r >= ORDER || s === 0n || s > (ORDER - 1n) / 2n) return false; // [SUITE-04]
    const k = await subtle.importKey('raw', publicKey, EC, false, ['verify']);
    return subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, k, signature, message);
  }
  const k = await subtle.importKey('spki', spki(publicKey), PSS, false, ['verify']);
  return subtle.verify({ name: 'RSA-PSS', saltLength: 32 }, k, signature, message);
}

async function sign(key, message) {
  if (key.kind === 'rsa') {
    const { kty, n, e, d, p, q, dp, dq, qi } = key.jwk;
    const k = await subtle.importKey('jwk', { kty, n, e, d, p, q, dp, dq, qi }, PSS, false, ['sign']);
    return new Uint8Array(await subtle.sign({ name: 'RSA-PSS', saltLength: 32 }, k, message));
  }
  const { kty, crv, d, x, y } = key.jwk;
  const k = await subtle.importKey('jwk', { kty, crv, d, x, y }, EC, false, ['sign']);
  const signature = new Uint8Array(await subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, k, message));
  return lowS(signature);
}

/** WebCrypto gives either s; a writer gives the lower one. [SUITE-04] */
export function lowS(signature) {
  const s = bigOf(signature.subarray(32));
  return s > (ORDER - 1n) / 2n ? concat(signature.subarray(0, 32), bytesOf(ORDER - s, 32)) : signature;
}

// --- RSAES-OAEP ---

async function oaepSeal(modulus, message) {
  const k = await subtle.importKey('spki', spki(modulus), OAEP, false, ['encrypt']);
  return new Uint8Array(await subtle.encrypt(OAEP, k, message));
}

/** The message, or null. That the library blinds and checks in constant time is its own promise [SUITE-07] [SUITE-08]. */
export async function oaepOpen(key, sealed) {
  const { kty, n, e, d, p, q, dp, dq, qi } = key.jwk;
  const k = await subtle.importKey('jwk', { kty, n, e, d, p, q, dp, dq, qi }, OAEP, false, ['decrypt']);
  return subtle.decrypt(OAEP, k, sealed).then((m) => new Uint8Array(m), () => null);
}

// --- HPKE, RFC 9180, base mode ---

const KEM = concat(ascii('KEM'), u16(0x10));
const HPKE = concat(ascii('HPKE'), u16(0x10), u16(1), u16(2));
const EMPTY = zeros(0);

const labeledExtract = (suite, salt, label, ikm) => hkdfExtract(salt, concat(ascii('HPKE-v1'), suite, ascii(label), ikm));
const labeledExpand = (suite, prk, label, info, length) =>
  hkdfExpand(prk, concat(u16(length), ascii('HPKE-v1'), suite, ascii(label), info), length);

/** RFC 9180 §7.1.3. */
export async function deriveKeyPair(ikm) {
  const prk = await labeledExtract(KEM, EMPTY, 'dkp_prk', ikm);
  for (let counter = 0; counter < 256; counter += 1) {
    const scalar = await labeledExpand(KEM, prk, 'candidate', u8(counter), 32);
    const n = bigOf(scalar);
    if (n !== 0n && n < ORDER) return p256FromScalar(scalar);
  }
  throw new Error('DeriveKeyPair found no scalar');
}

async function diffieHellman(key, point) {
  const ECDH = { name: 'ECDH', namedCurve: 'P-256' };
  const { kty, crv, d, x, y } = key.jwk;
  const mine = await subtle.importKey('jwk', { kty, crv, d, x, y }, ECDH, false, ['deriveBits']);
  const theirs = await subtle.importKey('raw', point, ECDH, false, []);
  return new Uint8Array(await subtle.deriveBits({ name: 'ECDH', public: theirs }, mine, 256));
}

/** Key and first nonce of HPKE's base mode, from either side's Diffie-Hellman; and what they came from, for vectors. */
export async function hpkeKey(mine, theirs, enc, receiver, info) {
  const dh = await diffieHellman(mine, theirs);
  const prk = await labeledExtract(KEM, EMPTY, 'eae_prk', dh);
  const shared = await labeledExpand(KEM, prk, 'shared_secret', concat(enc, receiver), 32);
  const pskIdHash = await labeledExtract(HPKE, EMPTY, 'psk_id_hash', EMPTY);
  const infoHash = await labeledExtract(HPKE, EMPTY, 'info_hash', info);
  const context = concat(bytes(0), pskIdHash, infoHash);
  const secret = await labeledExtract(HPKE, shared, 'secret', EMPTY);
  return {
    dh,
    shared,
    key: await labeledExpand(HPKE, secret, 'key', context, 32),
    nonce: await labeledExpand(HPKE, secret, 'base_nonce', context, 12),
  };
}

// --- det-keygen, C2SP ---

/** An ECDSA P-256 key from a seed: one retry, then the end. §11.3 */
export async function detKeygenP256(seed) {
  if (seed.length < 16) refuse('malformed', 'det-keygen seed', 'DET-01');
  const seeded = concat(seed, ascii('det ECDSA key gen P-256'));
  let k = zeros(32);
  let v = new Uint8Array(32).fill(1);
  for (const step of [0, 1]) {
    k = await hmac(k, concat(v, bytes(step), seeded));
    v = await hmac(k, v);
  }
  for (let attempt = 0; attempt < 2; attempt += 1) {
    v = await hmac(k, v);
    const d = bigOf(v);
    if (d === 0n) break;
    if (d < ORDER) return p256FromScalar(v);
    k = await hmac(k, concat(v, bytes(0)));
    v = await hmac(k, v);
  }
  throw new Error('det-keygen: there is no such key');
}

export async function detKeygenRsa(seed, bits) {
  if (seed.length < 16) refuse('malformed', 'det-keygen seed', 'DET-01');
  if (![2048, 3072, 4096].includes(bits)) refuse('unsupported', 'bits of a modulus'); // [SUITE-05]
  throw new Skipped('RSA det-keygen is left out');
}

// --- passphrases ---

export async function pbkdf2(hash, password, salt, iterations, length) {
  const k = await subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits']);
  return new Uint8Array(await subtle.deriveBits({ name: 'PBKDF2', hash, salt, iterations }, k, 8 * length));
}

/** What a writer draws and does at random. Tests put what was drawn before in its place (replay.js). */
export const LIVE = { draw: random, sign, oaepSeal };
