// Recovery of a person's generations, keyring and rooms from what a server gives (SPEC §21). Everything is tolerated and told.

import { decodeIdentity, decodeTransition, follow, identityOf, rootOf, seedOfWords } from './identity.js';
import { Keyring, KIND, openSegment, REGISTER } from './keyring.js';
import { Room } from './room.js';
import { equal, hex, Refused, unhex } from './wire.js';

/** Runs a step; a refusal is told and keeps nothing else from being recovered. [REC-01] */
async function tolerant(told, step, run) {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    told.push({ step, error });
    return null;
  }
}

/** Step 1, with the words. `server.transitions(fingerprint)`: what it has. [REC-02] */
export async function recoverGenerations({ words, passphrase = '', profile = 1 }, server, told) {
  const root = await rootOf(await seedOfWords(words, passphrase));
  const generations = [await identityOf(root, 0, profile)];
  for (;;) {
    const { identity } = generations.at(-1);
    let next = null;
    for (const data of await server.transitions(identity.fingerprint)) {
      next ??= await tolerant(told, 'generations', async () => {
        const claimed = await follow(identity, await decodeTransition(data));
        const derived = await identityOf(root, claimed.generation, claimed.profile);
        if (!equal(derived.identity.fingerprint, claimed.fingerprint)) throw new Refused('signature', 'not of these words', 'REC-02');
        return derived;
      });
    }
    if (!next) return generations;
    generations.push(next);
  }
}

/** Step 2. Segments under earlier generations' keys count unless one of the latest is whole. [REC-04] */
export async function recoverKeyring(generations, server, told) {
  const keks = generations.map((g) => g.keyring);
  const opened = [];
  for (const data of await server.segments()) {
    const one = await tolerant(told, 'keyring', () => openSegment(data, keks));
    if (one) opened.push(one);
  }
  const latestOnly = opened.some(({ segment, latest }) => latest && segment.whole);
  const segments = opened.filter(({ latest }) => latest || !latestOnly).map(({ segment }) => segment);
  const keyring = new Keyring();
  for (const segment of segments) await keyring.merge(segment);
  return { keyring, missing: keyring.missing(segments) }; // [KRG-06]
}

/** A room from the keyring; one whose head is not there begins at the latest epoch that is. */
async function roomFromKeyring(keyring, roomId, room, told) {
  const found = await tolerant(told, 'keyring room', () => keyring.room(roomId, room.mine));
  if (found) {
    Object.assign(room, { epochs: found.epochs, own: found.own, standing: 2 });
    room.refind(found.head);
    return true;
  }
  const epochs = await keyring.epochsOf(roomId);
  const head = epochs.filter((e) => e.secret).at(-1);
  if (!head) return false;
  Object.assign(room, { epochs: epochs.filter((e) => e.body.history === head.body.history), own: epochs, standing: 2 });
  room.refind(head);
  return true;
}

/** The epochs that are not there between those that are, and under shared before the first. [REC-03] */
export function gaps(room) {
  const out = [];
  let expected = room.own[0].body.history === 2 ? 0n : room.own[0].number;
  for (const { number } of room.own) {
    if (number > expected) out.push({ from: expected, to: number - 1n });
    expected = number + 1n;
  }
  return out;
}

/** Steps 3 and 4. `server`: rooms(), packages(roomId), identities(fingerprints). Every room is unconfirmed. */
export async function recoverRooms(generations, keyring, server, told) {
  const identities = await keyring.identities();
  for (const { identity } of generations) identities.set(hex(identity.fingerprint), identity);
  const missing = new Set();
  const lookup = async (fingerprint) => {
    if (!identities.has(hex(fingerprint))) missing.add(hex(fingerprint));
    return identities.get(hex(fingerprint)) ?? null;
  };
  const mine = generations.map((g) => g.identity.fingerprint);
  const keys = generations.map((g) => ({ kind: g.keys.encryption.kind, private: g.keys.encryption, recipientId: g.identity.fingerprint }));
  const kept = new Set();
  for (const e of keyring.registers()) if (e.register === REGISTER.head) kept.add(hex(e.name));
  const all = new Set([...kept, ...(await server.rooms()).map(hex)]);
  const rooms = new Map();
  const put = async (id) => {
    const roomId = unhex(id);
    if (keyring.read(REGISTER.kept, roomId).value?.[0] === 2) return; // given up
    const room = new Room({ keys, mine, lookup });
    const packages = await server.packages(roomId);
    const begun = kept.has(id) && await roomFromKeyring(keyring, roomId, room, told);
    const answers = begun ? await room.receive(packages) : await tolerant(told, `room ${id}`, () => room.recover(packages));
    if (begun) await room.fill(packages);
    for (const answer of answers ?? []) if (answer instanceof Refused) told.push({ step: `room ${id}`, error: answer });
    if (room.head) rooms.set(id, room);
  };
  for (const id of all) await put(id);
  if (missing.size && await fetchIdentities(missing, identities, keyring, server, told)) for (const id of all) await put(id);
  return { rooms, gaps: new Map([...rooms].map(([id, room]) => [id, gaps(room)])), missing: [...missing].filter((id) => !identities.has(id)) };
}

/** Step 4: an identity that was not asked for is refused. */
async function fetchIdentities(missing, identities, keyring, server, told) {
  let got = 0;
  for (const data of await server.identities([...missing].map(unhex))) {
    await tolerant(told, 'identities', async () => {
      const identity = await decodeIdentity(data);
      const id = hex(identity.fingerprint);
      if (!missing.has(id)) throw new Refused('signature', 'not asked for');
      identities.set(id, identity);
      keyring.add(KIND.identity, identity.bytes);
      got += 1;
    });
  }
  return got;
}
