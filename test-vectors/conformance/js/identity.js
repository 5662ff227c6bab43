// Identities: words to keys, public identities, transitions, safety numbers (SPEC §11, §12).

import {
  ALGORITHMS, deriveKeyPair, derive, detKeygenP256, detKeygenRsa, digestOf, hkdfExtract, isModulus, isPoint, LIVE, pbkdf2, publicOf,
  readAlgorithm, sha256, signInput, verify,
} from './algorithms.js';
import { ascii, base64url, compare, concat, equal, prefix, Reader, readPrefix, refuse, TYPE, u32, u8, unText, zeros } from './wire.js';
import { WORDS } from './words.js';

const EMPTY = zeros(0);

/** Profile (§11.4): the size of each public key, and the signing key's algorithm. */
export const PROFILES = {
  1: { name: 'p256', key: 65, algorithm: 1 },
  2: { name: 'rsa3072', key: 384, algorithm: 3 },
  3: { name: 'rsa4096', key: 512, algorithm: 4 },
  4: { name: 'rsa2048', key: 256, algorithm: 2 },
};
export const profileNamed = (name) => Number(Object.keys(PROFILES).find((p) => PROFILES[p].name === name));

// --- words, §11.1 ---

/** What the words stand for, and the words as BIP-39 joins them. [ID-01] */
export async function readWords(phrase) {
  const words = phrase.normalize('NFKD').split(/\p{White_Space}+/u).filter(Boolean);
  if (![12, 15, 18, 21, 24].includes(words.length)) refuse('malformed', 'number of words');
  const bits = words.map((word) => {
    const i = WORDS.indexOf(word);
    if (i < 0) refuse('malformed', 'unknown word');
    return i.toString(2).padStart(11, '0');
  }).join('');
  const checksum = bits.length / 33;
  const entropy = Uint8Array.from({ length: checksum * 4 }, (_, i) => parseInt(bits.substr(8 * i, 8), 2));
  const hash = (await sha256(entropy))[0].toString(2).padStart(8, '0');
  if (bits.slice(-checksum) !== hash.slice(0, checksum)) refuse('malformed', 'checksum of the words');
  return { entropy, words: words.join(' ') };
}

/** [ID-02] */
export async function seedOfWords(phrase, passphrase = '') {
  const { words } = await readWords(phrase);
  return pbkdf2('SHA-512', ascii(words), ascii(`mnemonic${passphrase.normalize('NFKD')}`), 2048, 64);
}

// --- generations and keys, §11.2, §11.3 ---

export const rootOf = (seed) => hkdfExtract(ascii('sealroom/1 identity'), seed);

/** [ID-03] */
export function generationSecret(root, generation) {
  if (!(generation >= 0 && generation <= 0xfffffffe)) refuse('malformed', 'generation');
  return derive(root, 'generation', u32(generation), 32);
}

const seedFor = (secret, purpose) => derive(secret, purpose, EMPTY, 32);

export const rotationKey = async (root, generation) => detKeygenP256(await derive(root, 'rotation', u32(generation), 32));
export const keyringKey = (secret) => seedFor(secret, 'keyring');
export const nextOf = (rotationPoint) => digestOf('rotation key', rotationPoint);

/** Encryption and signing key of a generation. [ID-04] [ID-08] */
export async function keysOfGeneration(secret, profile) {
  if (profile === 1) {
    return {
      encryption: await deriveKeyPair(await seedFor(secret, 'p256 encryption')),
      signing: await detKeygenP256(await seedFor(secret, 'p256 signing')),
    };
  }
  if (profile === 4) refuse('unsupported', 'rsa2048 is not derived from words');
  const bits = PROFILES[profile].key * 8;
  return {
    encryption: await detKeygenRsa(await seedFor(secret, 'rsa encryption'), bits),
    signing: await detKeygenRsa(await seedFor(secret, 'rsa signing'), bits),
  };
}

// --- public identity, §11.4 ---

/** The form alone: where several stand in a vector, their signatures are checked after all are read. */
export function readIdentity(reader) {
  const start = reader.at;
  readPrefix(reader, TYPE.public_identity);
  const profile = reader.u8('profile');
  if (!PROFILES[profile]) refuse('unsupported', 'profile');
  const { key, algorithm } = PROFILES[profile];
  const generation = reader.u32('generation');
  const good = profile === 1 ? isPoint : isModulus;
  const [encryptionKey, signingKey] = ['encryption_key', 'signing_key'].map((field) => {
    const value = reader.take(key, field);
    if (!good(value)) reader.refuse(field); // [SUITE-03] [SUITE-05]
    return value;
  });
  if (equal(encryptionKey, signingKey)) reader.refuse('one key for both'); // [ID-06]
  const next = reader.take(32, 'next');
  const body = reader.since(start);
  const signature = reader.take(ALGORITHMS[algorithm].size, 'signature');
  return { bytes: reader.since(start), body, profile, generation, encryptionKey, signingKey, algorithm, next, signature };
}

export const fingerprintOf = (body) => digestOf('fingerprint', body);

export async function checkedIdentity(identity) {
  const signed = signInput('identity signature', identity.body);
  if (!await verify(identity.algorithm, identity.signingKey, signed, identity.signature)) refuse('signature', 'identity'); // [ID-06]
  return { ...identity, fingerprint: await fingerprintOf(identity.body) };
}

export async function decodeIdentity(data) {
  const reader = new Reader(data);
  const identity = readIdentity(reader);
  reader.end();
  return checkedIdentity(identity);
}

export const identityText = (identity) => `slrm-id:${base64url(identity.bytes)}`;
export const fingerprintText = (fingerprint) => `slrm-fp:${base64url(fingerprint)}`;
export const identityFromText = (text) => decodeIdentity(unText('slrm-id:', text));
export function fingerprintFromText(text) {
  const data = unText('slrm-fp:', text);
  return data.length === 32 ? data : refuse('malformed', 'fingerprint');
}

export const encodeBody = (profile, generation, encryptionKey, signingKey, next) =>
  concat(prefix(TYPE.public_identity), u8(profile), u32(generation), encryptionKey, signingKey, next);

/** The identity of a generation, with its private keys. [ID-05] */
export async function identityOf(root, generation, profile, source = LIVE) {
  const secret = await generationSecret(root, generation);
  const keys = await keysOfGeneration(secret, profile);
  const next = await nextOf((await rotationKey(root, generation + 1)).point);
  const body = encodeBody(profile, generation, publicOf(keys.encryption), publicOf(keys.signing), next);
  const signature = await source.sign(keys.signing, signInput('identity signature', body));
  return { secret, keys, keyring: await keyringKey(secret), identity: await decodeIdentity(concat(body, signature)) };
}

// --- transitions, §12.1 ---

export function readTransition(reader) {
  const start = reader.at;
  readPrefix(reader, TYPE.transition);
  const oldFingerprint = reader.take(32, 'old_fingerprint');
  const algorithm = readAlgorithm(reader);
  const unchecked = readIdentity(reader);
  const rotation = reader.take(65, 'rotation_key');
  if (!isPoint(rotation)) reader.refuse('rotation_key');
  const body = reader.since(start);
  const signature = reader.take(ALGORITHMS[algorithm].size, 'signature');
  const rotationSignature = reader.take(64, 'rotation_signature');
  return { bytes: reader.since(start), oldFingerprint, algorithm, unchecked, rotation, body, signature, rotationSignature };
}

/** With its new identity's own signature; whom it follows is checked by `follow`. */
export const checkedTransition = async (transition) => ({ ...transition, identity: await checkedIdentity(transition.unchecked) });

export async function decodeTransition(data) {
  const reader = new Reader(data);
  const transition = readTransition(reader);
  reader.end();
  return checkedTransition(transition);
}

/** Returns the new identity. [TRN-01] [TRN-02] */
export async function follow(old, transition) {
  const { oldFingerprint, algorithm, identity, rotation, body, signature, rotationSignature } = transition;
  if (!equal(oldFingerprint, old.fingerprint)) refuse('signature', 'old fingerprint');
  if (algorithm !== old.algorithm) refuse('signature', 'algorithm');
  if (identity.generation !== old.generation + 1) refuse('signature', 'generation');
  if (!equal(await nextOf(rotation), old.next)) refuse('signature', 'rotation key');
  if (!await verify(algorithm, old.signingKey, signInput('transition', body), signature)) refuse('signature', 'signature');
  if (!await verify(1, rotation, signInput('transition rotation', body), rotationSignature)) refuse('signature', 'rotation signature');
  return identity;
}

export async function makeTransition(old, oldKey, identity, rotation, source = LIVE) {
  const body = concat(prefix(TYPE.transition), old.fingerprint, u8(old.algorithm), identity.bytes, rotation.point);
  const signature = await source.sign(oldKey, signInput('transition', body));
  return concat(body, signature, await source.sign(rotation, signInput('transition rotation', body)));
}

// --- comparison, §12.2 ---

/** The 30 digits of 32 bytes, of which 30 count. */
export function digits(f) {
  let out = '';
  for (let i = 0; i < 6; i += 1) {
    const n = f.subarray(5 * i, 5 * i + 5).reduce((sum, b) => sum * 256 + b, 0); // below 2^40
    out += String(n % 100000).padStart(5, '0');
  }
  return out;
}

export const grouped = (text) => text.match(/.{5}/g).join(' ');

/** [SAF-01] */
export const safetyNumber = (a, b) => grouped([digits(a), digits(b)].sort().join(''));

/** [SAF-02] */
export const safetyQr = (a, b) => `slrm-sn:${base64url(concat(...[a, b].sort(compare)))}`;
