// What stands in vectors (SPEC §16): inputs to objects of this implementation, and back.

import { importPkcs8, publicOf } from './algorithms.js';
import { decodeIdentity } from './identity.js';
import { decodeEpochBody, makeEpoch } from './rooms.js';
import { equal, hex, Refused, unhex } from './wire.js';

const known = new Map();

/** Identities stand in many vectors; each is verified once. */
export async function identityFrom(text) {
  if (!known.has(text)) known.set(text, await decodeIdentity(unhex(text)));
  return known.get(text);
}

export async function lookupIn(identities = []) {
  const all = new Map();
  for (const text of identities) { const identity = await identityFrom(text); all.set(hex(identity.fingerprint), identity); }
  return async (fingerprint) => all.get(hex(fingerprint)) ?? null;
}

export async function keyFrom(key) {
  switch (key.kind) {
    case 'p256': case 'rsa': return { kind: key.kind, private: await importPkcs8(unhex(key.pkcs8)), recipientId: unhex(key.recipient_id) };
    case 'symmetric': return { kind: 'symmetric', kek: unhex(key.key) };
    case 'passphrase': return { kind: 'passphrase', passphrase: unhex(key.passphrase) };
    case 'attachment': return { kind: 'attachment', attachmentKey: unhex(key.key) };
    default: throw new Error(`a key of unknown kind ${key.kind}`);
  }
}

export const epochFrom = (e) => makeEpoch({
  body: decodeEpochBody(unhex(e.body)), signer: unhex(e.signer), commitment: unhex(e.commitment),
  secret: e.secret ? unhex(e.secret) : null, messageKey: e.message_key ? unhex(e.message_key) : null,
});

export const epochJson = (e) => ({
  signer: hex(e.signer), body: hex(e.body.bytes), commitment: hex(e.commitment), ...(e.secret ? { secret: hex(e.secret) } : { message_key: hex(e.messageKey) }),
});

export async function recipientFrom(raw, kdf) {
  const key = await keyFrom(raw);
  if (key.kind === 'passphrase') return { ...key, kdf };
  return key.private ? { kind: key.kind, public: publicOf(key.private), recipientId: key.recipientId } : key;
}

export async function senderFrom(sender) {
  return sender ? { identity: await identityFrom(sender.identity), key: await importPkcs8(unhex(sender.pkcs8)) } : null;
}

/** What a step found, with its `result`; a refusal is a result too. */
export async function outcome(run) {
  try {
    return { result: 'ok', ...await run() };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return problemOf(error);
  }
}

/** A refusal as vectors tell it: the tag only with a class that names one (§14). */
export const problemOf = ({ kind, tag }) => ({ result: kind, ...(tag && ['room', 'link', 'proof'].includes(kind) ? { check: tag } : {}) });

export const standingText = ({ standing, behind }) => (behind ? `behind ${behind}` : standing === 1 ? 'confirmed' : 'unconfirmed');

/** A room that is held: a Room, or what a keyring gives. */
export function roomJson({ roomId, head, epochs, own, me, standing, behind }) {
  const isOwn = (epoch) => own.some((e) => equal(e.transcript, epoch.transcript));
  return {
    room_id: hex(roomId), epoch: Number(head.number), transcript: hex(head.transcript), me: hex(me), standing: standingText({ standing, behind }),
    epochs: epochs.map((e) => ({ epoch: Number(e.number), transcript: hex(e.transcript), branch: isOwn(e) ? 1 : 2, secret: Boolean(e.secret) })),
  };
}
