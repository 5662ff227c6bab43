// Test vectors (SPEC §16): for each kind a function that reads its inputs, the fields that are compared, and how to seal again.
// Pure: no files, no platform. To add a kind, add it to READ, and to COMPARED what is compared.

import { derive, digestOf, importPkcs8, LIVE, publicOf } from './algorithms.js';
import { openAttachment, openEnvelope, sealEnvelope, verifyDetached, verifySignature } from './envelope.js';
import { decodeHeader, KDF } from './header.js';
import { openGrant } from './grants.js';
import {
  decodeIdentity, decodeTransition, fingerprintText, follow, generationSecret, identityFromText, identityOf, identityText, keyringKey,
  nextOf, profileNamed, rootOf, rotationKey, safetyNumber, safetyQr, seedOfWords,
} from './identity.js';
import { openMessage, ReplayGuard, sealMessage } from './messages.js';
import { replay } from './replay.js';
import { authorise, authoriseFirst, codeOf, decodeEpochBody, isYielding, makeEpoch, openPackage, settle } from './rooms.js';
import { decodeState, encodeState, openState } from './state.js';
import { checkHead, checkLeave } from './statements.js';
import { equal, hex, Refused, Skipped, TYPE, unhex, zeros } from './wire.js';

// --- inputs ---

const known = new Map();

/** Identities stand in many vectors; each is verified once. */
async function identityFrom(text) {
  if (!known.has(text)) known.set(text, await decodeIdentity(unhex(text)));
  return known.get(text);
}

async function lookupIn(identities = []) {
  const all = new Map();
  for (const text of identities) { const identity = await identityFrom(text); all.set(hex(identity.fingerprint), identity); }
  return async (fingerprint) => all.get(hex(fingerprint)) ?? null;
}

async function keyFrom(key) {
  switch (key.kind) {
    case 'p256': case 'rsa': return { kind: key.kind, private: await importPkcs8(unhex(key.pkcs8)), recipientId: unhex(key.recipient_id) };
    case 'symmetric': return { kind: 'symmetric', kek: unhex(key.key) };
    case 'passphrase': return { kind: 'passphrase', passphrase: unhex(key.passphrase) };
    case 'attachment': return { kind: 'attachment', attachmentKey: unhex(key.key) };
    default: throw new Error(`a key of unknown kind ${key.kind}`);
  }
}

const epochFrom = (e) => makeEpoch({
  body: decodeEpochBody(unhex(e.body)), signer: unhex(e.signer), commitment: unhex(e.commitment),
  secret: e.secret ? unhex(e.secret) : null, messageKey: e.message_key ? unhex(e.message_key) : null,
});

const epochJson = (e) => ({
  signer: hex(e.signer), body: hex(e.body.bytes), commitment: hex(e.commitment), ...(e.secret ? { secret: hex(e.secret) } : { message_key: hex(e.messageKey) }),
});

// --- reading, by kind ---

async function readEnvelope(v) {
  const data = unhex(v.envelope);
  const outcomes = [];
  for (const raw of v.keys) {
    try {
      const key = await keyFrom(raw);
      const opened = key.kind === 'attachment' ? await openAttachment(data, key.attachmentKey) : await openEnvelope(data, [key]);
      if (v.sender) await verifySignature(opened, await identityFrom(v.sender.identity));
      outcomes.push({ content: hex(opened.content), dek: hex(opened.dek), h: hex(opened.h), commitment: hex(opened.commitment) });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      outcomes.push(error);
    }
  }
  const refusals = outcomes.filter((o) => o instanceof Refused);
  if (refusals.length === outcomes.length) throw refusals[0];
  if (refusals.length || outcomes.some((o) => o.dek !== outcomes[0].dek || o.content !== outcomes[0].content)) throw new Error('keys disagree');
  return outcomes[0];
}

async function readIdentity(v) {
  const profile = profileNamed(v.profile);
  const seed = await seedOfWords(v.words, v.passphrase);
  const root = await rootOf(seed);
  if (profile !== 1) throw new Skipped('RSA det-keygen is left out');
  const { identity, keyring } = await identityOf(root, v.generation, profile, replay(zeros(0)));
  return {
    bip39_seed: hex(seed), body: hex(identity.body), fingerprint: hex(identity.fingerprint), fingerprint_text: fingerprintText(identity.fingerprint),
    keyring_key: hex(keyring), signature: hex(identity.signature), text: identityText(identity),
  };
}

async function readPackage(v) {
  const lookup = await lookupIn(v.identities);
  const parent = v.parent ? await epochFrom(v.parent) : null;
  const data = unhex(v.package);
  const keys = [];
  if (v.secret) keys.push({ kind: 'dek', dek: unhex(v.secret) });
  if (parent?.kek) keys.push({ kind: 'symmetric', kek: parent.kek });
  if (v.key) keys.push(await keyFrom(v.key));
  const pack = await openPackage(data, keys);
  const me = v.me ? [unhex(v.me)] : null;
  if (parent) await authorise(pack, parent, lookup, me);
  else await authoriseFirst(pack, { inviter: unhex(v.inviter), me, lookup });
  const { epoch } = pack;
  return {
    room_id: hex(epoch.roomId), epoch: epochJson(epoch), transcript: hex(epoch.transcript), message_key: hex(epoch.messageKey),
    epoch_kek: hex(epoch.kek), previous_secret: pack.previousSecret ? hex(pack.previousSecret) : null,
    yielding: isYielding(epoch, parent), code: await codeOf(epoch.transcript),
  };
}

async function readState(v) {
  const { content, state } = v.state !== undefined ? await openState(unhex(v.state), unhex(v.kek))
    : { content: unhex(v.content), state: await decodeState(unhex(v.content)) };
  const again = encodeState(state);
  if (!equal(again, content)) throw new Error('the state encodes differently');
  return { content: hex(again) };
}

async function readMessage(v) {
  const opened = await openMessage(unhex(v.message), unhex(v.aad), [await epochFrom(v.epoch)], await lookupIn(v.identities));
  return {
    sender: hex(opened.sender), device: hex(opened.device), sequence: Number(opened.sequence), content: hex(opened.content), message_id: hex(opened.id),
  };
}

export const READ = {
  derive: async (v) => ({ output: hex(await derive(unhex(v.key), v.label, unhex(v.context), v.length)) }),
  sign_input: async (v) => ({ sha256: hex(await digestOf(v.label, unhex(v.content))) }),
  envelope: readEnvelope,
  detached_signature: async (v) => {
    await verifyDetached(unhex(v.signature), await identityFrom(v.identity), unhex(v.context), unhex(v.content));
    return {};
  },
  identity: readIdentity,
  public_identity: async (v) => ({ fingerprint: hex((await decodeIdentity(unhex(v.identity))).fingerprint) }),
  transition: async (v) => {
    const next = await follow(await identityFrom(v.old), await decodeTransition(unhex(v.transition)));
    return { fingerprint: hex(next.fingerprint) };
  },
  safety_number: async (v) => {
    const [a, b] = v.fingerprints.map(unhex);
    const out = { digits: safetyNumber(a, b), qr: safetyQr(a, b) };
    if (safetyNumber(b, a) !== out.digits || safetyQr(b, a) !== out.qr) throw new Error('the order of the two matters');
    return out;
  },
  package: readPackage,
  message: readMessage,
  leave: async (v) => {
    const branch = [];
    for (const e of v.since) branch.push(await epochFrom(e));
    return { member: hex(await checkLeave(unhex(v.statement), unhex(v.room_id), branch, await lookupIn(v.identities))) };
  },
  head: async (v) => {
    await checkHead(unhex(v.statement), await epochFrom(v.epoch), unhex(v.nonce), unhex(v.member), await lookupIn(v.identities));
    return {};
  },
  grant: async (v) => {
    const branch = [await epochFrom(v.epoch)];
    const options = { branch, granter: unhex(v.granter), lookup: await lookupIn(v.identities) };
    const epochs = await openGrant(unhex(v.grant), [await keyFrom(v.key)], options);
    return { epochs: epochs.map(epochJson) };
  },
  state: readState,
  settle: async (v) => {
    const epochs = [];
    for (const e of v.epochs) epochs.push(await epochFrom(e));
    return { transcript: hex(settle(epochs, epochs[0]).transcript) };
  },
  replays: async (v) => {
    const guard = new ReplayGuard();
    return { answers: v.seen.map((s) => guard.tell(zeros(32), unhex(s.device), BigInt(s.sequence), unhex(s.id))) };
  },
};

export const COMPARED = {
  derive: ['output'],
  sign_input: ['sha256'],
  envelope: ['content', 'dek', 'h', 'commitment'],
  detached_signature: [],
  identity: ['bip39_seed', 'body', 'text', 'fingerprint', 'fingerprint_text', 'keyring_key', 'signature'],
  public_identity: [],
  transition: [],
  safety_number: ['digits', 'qr'],
  package: ['room_id', 'epoch', 'transcript', 'message_key', 'epoch_kek', 'previous_secret', 'yielding', 'code'],
  message: ['sender', 'device', 'sequence', 'content', 'message_id'],
  leave: ['member'],
  head: [],
  grant: ['epochs'],
  state: ['content'],
  settle: ['transcript'],
  replays: ['answers'],
};

// --- sealing ---

async function recipientFrom(raw, kdf) {
  const key = await keyFrom(raw);
  if (key.kind === 'passphrase') return { ...key, kdf };
  return key.private ? { kind: key.kind, public: publicOf(key.private), recipientId: key.recipientId } : key;
}

async function senderFrom(sender) {
  return sender ? { identity: await identityFrom(sender.identity), key: await importPkcs8(unhex(sender.pkcs8)) } : null;
}

/** `kdf` and the type are in no input of a vector: they stand in its envelope (§16), or are the program's choice. */
async function sealEnvelopeOf(v, source, { type, kdf }) {
  const attachment = v.keys.some((k) => k.kind === 'attachment');
  const recipients = [];
  for (const raw of attachment ? [] : v.keys) recipients.push(await recipientFrom(raw, kdf));
  return sealEnvelope({
    type: type ?? (attachment ? TYPE.attachment : TYPE.message), recipients, content: unhex(v.content), sender: await senderFrom(v.sender),
    padding: v.padding, publicData: unhex(v.public_data), decoys: v.decoys, source,
  });
}

async function sealMessageOf(v, source) {
  const lookup = await lookupIn(v.identities);
  const key = await importPkcs8(unhex(v.pkcs8));
  return sealMessage({
    epoch: await epochFrom(v.epoch), identity: await lookup(unhex(v.sender)), key, device: unhex(v.device), sequence: BigInt(v.sequence),
    aad: unhex(v.aad), content: unhex(v.content), padding: v.padding, source,
  });
}

/** Sealing with fresh randomness, for others to read. */
export const SEAL = {
  envelope: async (v) => {
    const kdf = { type: KDF.pbkdf2, salt: LIVE.draw(16), rounds: 10, iterations: 60000 }; // §8.5
    const sealed = await sealEnvelopeOf(v, LIVE, { kdf });
    const out = { envelope: hex(sealed.envelope) };
    // An attachment's key is made with it, so it is part of the answer.
    if (sealed.digest) out.keys = [{ kind: 'attachment', key: hex(sealed.dek) + hex(sealed.digest) }];
    return out;
  },
  message: async (v) => ({ message: hex((await sealMessageOf(v, LIVE)).message) }),
};

/** Sealing again from `random`: the same bytes. */
const RESEAL = {
  envelope: async (v, source) => {
    const header = decodeHeader(unhex(v.envelope));
    return hex((await sealEnvelopeOf(v, source, { type: header.type, kdf: header.stanzas[0]?.kdf })).envelope);
  },
  message: async (v, source) => hex((await sealMessageOf(v, source)).message),
};

// --- checking ---

const same = (a, b) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
const sorted = (x) => (Array.isArray(x) ? x.map(sorted) : x && typeof x === 'object'
  ? Object.fromEntries(Object.keys(x).sort().map((k) => [k, sorted(x[k])])) : x);

/** What there is to check of an RSA identity without making its keys; then it is skipped. */
async function checkRsaIdentity(v) {
  const seed = await seedOfWords(v.words, v.passphrase);
  const root = await rootOf(seed);
  const identity = await identityFromText(v.text);
  const good = hex(seed) === v.bip39_seed && hex(identity.body) === v.body && hex(identity.fingerprint) === v.fingerprint
    && fingerprintText(identity.fingerprint) === v.fingerprint_text && identity.generation === v.generation
    && hex(await keyringKey(await generationSecret(root, v.generation))) === v.keyring_key
    && equal(identity.next, await nextOf((await rotationKey(root, v.generation + 1)).point));
  if (!good) throw new Error('an RSA identity differs in what is not its keys');
}

/**
 * { status: passed | failed | skipped, why }. `note` tells where the class of error is another than the one given, which §16
 * allows [VEC-02].
 */
export async function check(v) {
  if (!READ[v.kind]) return { status: 'failed', why: `unknown kind ${v.kind}` };
  try {
    if (v.kind === 'identity' && v.profile !== 'p256') await checkRsaIdentity(v);
    const fields = await READ[v.kind](v);
    if (v.result !== 'ok') return { status: 'failed', why: `accepted, and should be ${v.result}` };
    for (const name of COMPARED[v.kind]) {
      if (v[name] === undefined) return { status: 'failed', why: `${name} is not in the vector` };
      if (!same(fields[name], v[name])) return { status: 'failed', why: `${name} is ${JSON.stringify(fields[name])}` };
    }
    if (v.random !== undefined && RESEAL[v.kind]) {
      const source = replay(unhex(v.random));
      if (await RESEAL[v.kind](v, source) !== v[v.kind]) return { status: 'failed', why: 'sealed again, it differs' };
      if (!source.finished()) return { status: 'failed', why: 'not all of random was drawn' };
    }
    return { status: 'passed' };
  } catch (error) {
    if (error instanceof Skipped) return { status: 'skipped', why: error.message };
    if (!(error instanceof Refused)) return { status: 'failed', why: error.stack ?? String(error) };
    if (v.result === 'ok') return { status: 'failed', why: error.message };
    const differs = error.kind !== v.result || (v.check && error.tag !== v.check);
    return { status: 'passed', note: differs ? `${error.message}, given ${v.result} ${v.check ?? ''}` : undefined };
  }
}

/** The inputs of which no byte can be changed without being refused. */
export const SEALED_FIELDS = {
  envelope: ['envelope'], detached_signature: ['signature', 'content', 'context'], public_identity: ['identity'], transition: ['transition'],
  package: ['package'], message: ['message', 'aad'], leave: ['statement', 'room_id'], head: ['statement', 'nonce', 'member'],
  grant: ['grant', 'granter'], state: ['state'],
};

/** Changes one bit in every `step`-th byte, at most `cap` positions; returns the positions that were not refused. */
export async function mutate(v, step = 1, cap = 500) {
  const accepted = [];
  let tried = 0;
  for (const field of v.result === 'ok' ? SEALED_FIELDS[v.kind] ?? [] : []) {
    const data = unhex(v[field] ?? '');
    const stride = Math.max(step, Math.ceil(data.length / cap));
    for (let at = 0; at < data.length; at += stride) {
      const changed = data.slice();
      changed[at] ^= 1 << (at % 8);
      tried += 1;
      try {
        await READ[v.kind]({ ...v, [field]: hex(changed) });
        accepted.push(`${field}[${at}]`);
      } catch (error) {
        if (error instanceof Skipped) return { tried: 0, accepted };
        if (!(error instanceof Refused)) accepted.push(`${field}[${at}]: ${error.stack ?? error}`);
      }
    }
  }
  return { tried, accepted };
}

/** One request of the line protocol. */
export async function answer(request) {
  const { id, op, kind } = request;
  try {
    const run = op === 'read' ? READ[kind] : op === 'seal' ? SEAL[kind] : null;
    if (!run) return { id, result: 'skipped', reason: `${op} of ${kind}` };
    return { id, result: 'ok', ...await run(request) };
  } catch (error) {
    if (error instanceof Skipped) return { id, result: 'skipped', reason: error.message };
    if (!(error instanceof Refused)) return { id, result: 'failed', reason: String(error) };
    return { id, result: error.kind, ...(error.kind === 'room' ? { check: error.tag } : {}) };
  }
}

