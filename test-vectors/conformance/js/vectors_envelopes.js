// Vectors of labels, envelopes, signatures and identities (SPEC §4, §7, §10, §11, §12).

import { derive, digestOf, LIVE } from './algorithms.js';
import { openAttachment, openEnvelope, sealEnvelope, verifyDetached, verifySignature } from './envelope.js';
import { decodeHeader, KDF } from './header.js';
import {
  decodeIdentity, decodeTransition, fingerprintText, follow, generationSecret, identityFromText, identityOf, identityText, keyringKey,
  nextOf, profileNamed, rootOf, rotationKey, safetyNumber, safetyQr, seedOfWords,
} from './identity.js';
import { replay } from './replay.js';
import { identityFrom, keyFrom, recipientFrom, senderFrom } from './vectors_inputs.js';
import { equal, hex, Refused, Skipped, TYPE, unhex, zeros } from './wire.js';

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
  if (profile !== 1) {
    if (v.text && v.body) await checkRsaIdentity(v, root); // a request has no body
    throw new Skipped('RSA det-keygen is left out');
  }
  const { identity, keyring } = await identityOf(root, v.generation, profile, replay(zeros(0)));
  return {
    bip39_seed: hex(seed), body: hex(identity.body), fingerprint: hex(identity.fingerprint), fingerprint_text: fingerprintText(identity.fingerprint),
    keyring_key: hex(keyring), signature: hex(identity.signature), text: identityText(identity),
  };
}

/** What there is to check of an RSA identity without making its keys; then it is skipped. */
async function checkRsaIdentity(v, root) {
  const identity = await identityFromText(v.text);
  const good = hex(await seedOfWords(v.words, v.passphrase)) === v.bip39_seed && hex(identity.body) === v.body && hex(identity.fingerprint) === v.fingerprint
    && fingerprintText(identity.fingerprint) === v.fingerprint_text && identity.generation === v.generation
    && hex(await keyringKey(await generationSecret(root, v.generation))) === v.keyring_key
    && equal(identity.next, await nextOf((await rotationKey(root, v.generation + 1)).point));
  if (!good) throw new Error('an RSA identity differs in what is not its keys');
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

export const ENVELOPES = {
  derive: {
    read: async (v) => ({ output: hex(await derive(unhex(v.key), v.label, unhex(v.context), v.length)) }),
    compared: ['output'],
  },
  sign_input: {
    read: async (v) => ({ sha256: hex(await digestOf(v.label, unhex(v.content))) }),
    compared: ['sha256'],
  },
  envelope: {
    read: readEnvelope,
    compared: ['content', 'dek', 'h', 'commitment'],
    sealed: ['envelope'],
    reseal: async (v, source) => {
      const header = decodeHeader(unhex(v.envelope));
      return { envelope: hex((await sealEnvelopeOf(v, source, { type: header.type, kdf: header.stanzas[0]?.kdf })).envelope) };
    },
    seal: async (v) => {
      const kdf = { type: KDF.pbkdf2, salt: LIVE.draw(16), rounds: 10, iterations: 60000 }; // §8.5
      const sealed = await sealEnvelopeOf(v, LIVE, { kdf });
      const out = { envelope: hex(sealed.envelope) };
      // An attachment's key is made with it, so it is part of the answer.
      if (sealed.digest) out.keys = [{ kind: 'attachment', key: hex(sealed.dek) + hex(sealed.digest) }];
      return out;
    },
  },
  detached_signature: {
    read: async (v) => {
      await verifyDetached(unhex(v.signature), await identityFrom(v.identity), unhex(v.context), unhex(v.content));
      return {};
    },
    compared: [],
    sealed: ['signature', 'content', 'context'],
  },
  identity: {
    read: readIdentity,
    compared: ['bip39_seed', 'body', 'text', 'fingerprint', 'fingerprint_text', 'keyring_key', 'signature'],
  },
  public_identity: {
    read: async (v) => ({ fingerprint: hex((await decodeIdentity(unhex(v.identity))).fingerprint) }),
    compared: [],
    sealed: ['identity'],
  },
  transition: {
    read: async (v) => {
      const next = await follow(await identityFrom(v.old), await decodeTransition(unhex(v.transition)));
      return { fingerprint: hex(next.fingerprint) };
    },
    compared: [],
    sealed: ['transition'],
  },
  safety_number: {
    read: async (v) => {
      const [a, b] = v.fingerprints.map(unhex);
      const out = { digits: safetyNumber(a, b), qr: safetyQr(a, b) };
      if (safetyNumber(b, a) !== out.digits || safetyQr(b, a) !== out.qr) throw new Error('the order of the two matters');
      return out;
    },
    compared: ['digits', 'qr'],
  },
};
