// Recovery of a person's generations, keyring and rooms from what a server gives (SPEC §21). Everything is tolerated and told:
// `told` is a list of { step, error } and `blob`, the place in its list, or `roomId`. [REC-01]

import { decodeIdentity, decodeTransition, follow, identityOf } from './identity.js';
import { Keyring, openSegment, REGISTER } from './keyring.js';
import { Room } from './room.js';
import { decodePackage, HISTORY, roleIn } from './rooms.js';
import { compare, equal, hex, refuse, Refused, unhex } from './wire.js';

const UNCONFIRMED = 2;

/** The result, or null with the refusal told. */
async function tolerant(told, place, run) {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    told.push({ ...place, error });
    return null;
  }
}

// --- 1. generations ---

/** By [TRN-01], and to the identity that the words derive. [REC-02] */
async function derived(root, identity, transition) {
  const claimed = await follow(identity, transition);
  const next = await identityOf(root, claimed.generation, claimed.profile);
  return equal(next.identity.fingerprint, claimed.fingerprint) ? next : refuse('signature', 'not of these words', 'REC-02');
}

/** `root`: of the words; `profile`: that of generation 0; `transitions`: all that the server has. */
export async function recoverGenerations(root, profile, transitions, told) {
  const generations = [await identityOf(root, 0, profile)];
  const left = [];
  for (const [blob, data] of transitions.entries()) {
    const transition = await tolerant(told, { step: 'generations', blob }, () => decodeTransition(data));
    if (transition) left.push({ blob, transition });
  }
  for (let found = true; found;) {
    found = false;
    const { identity } = generations.at(-1);
    for (const { transition } of left.filter((one) => equal(one.transition.oldFingerprint, identity.fingerprint))) {
      const next = await tolerant([], {}, () => derived(root, identity, transition));
      if (next) { generations.push(next); found = true; break; }
    }
  }
  // What was taken passes again, also where it comes twice; the rest is told.
  for (const { blob, transition } of left) {
    const old = generations.find((g) => equal(g.identity.fingerprint, transition.oldFingerprint)) ?? generations.at(-1);
    await tolerant(told, { step: 'generations', blob }, () => derived(root, old.identity, transition));
  }
  return generations;
}

// --- 2. keyring ---

/** Segments under earlier generations' keys count unless one of the latest is whole. [REC-04] */
export async function recoverKeyring(generations, segments, told) {
  const keks = generations.map((g) => g.keyring);
  const opened = [];
  for (const [blob, data] of segments.entries()) {
    const one = await tolerant(told, { step: 'keyring', blob }, () => openSegment(data, keks));
    if (one) opened.push(one);
  }
  const latestOnly = opened.some(({ segment, latest }) => latest && segment.whole);
  const merged = opened.filter(({ latest }) => latest || !latestOnly).map(({ segment }) => segment);
  const keyring = new Keyring();
  const changed = new Map(); // names, by their hex [KRG-11]
  for (const segment of merged) for (const name of (await keyring.merge(segment)).changed) changed.set(hex(name), name);
  return { keyring, missing: keyring.missing(merged), changed: [...changed.values()] }; // [KRG-06]
}

/** Where its head is not there, a room begins at the latest epoch that is there with its secret and has one of the person. */
async function beginning(keyring, roomId, mine) {
  const found = await tolerant([], {}, () => keyring.room(roomId, mine));
  if (found) return found;
  const epochs = await keyring.epochsOf(roomId);
  const meIn = ({ body }) => mine.filter((m) => roleIn(body, m)).at(-1);
  const latest = epochs.filter((e) => e.secret && meIn(e)).sort((a, b) => Number(a.number - b.number) || compare(a.transcript, b.transcript)).at(-1);
  return latest ? keyring.roomAt(latest, epochs, meIn(latest)) : null;
}

// --- 3. packages, 4. identities ---

/** The epochs that are not there between those that are, and under shared before the first. [REC-03] */
export function gaps(room) {
  const out = [];
  let expected = room.own[0].body.history === HISTORY.shared ? 0n : room.own[0].number;
  for (const { number } of room.own) {
    if (number > expected) out.push({ roomId: room.roomId, first: expected, last: number - 1n });
    expected = number + 1n;
  }
  if (room.behind >= expected) out.push({ roomId: room.roomId, first: expected, last: room.behind });
  return out;
}

/** Packages by room, in hex; those that do not decode are told by their place. */
async function byRoom(packages, told) {
  const rooms = new Map();
  for (const [blob, data] of packages.entries()) {
    const decoded = await tolerant(told, { step: 'packages', blob }, async () => decodePackage(data));
    if (!decoded) continue;
    const id = hex(decoded.roomId);
    rooms.set(id, [...rooms.get(id) ?? [], data]);
  }
  return rooms;
}

/** A room, what was refused of it, and whose identities it lacks. Nothing of an earlier try is kept. */
async function putTogether(roomId, packages, { generations, keyring, identities }) {
  const lacking = new Set();
  const lookup = async (fingerprint) => {
    const id = hex(fingerprint);
    if (!identities.has(id)) lacking.add(id);
    return identities.get(id) ?? null;
  };
  const mine = generations.map((g) => g.identity.fingerprint);
  const keys = generations.map((g) => ({ kind: g.keys.encryption.kind, private: g.keys.encryption, recipientId: g.identity.fingerprint }));
  const room = new Room({ keys, mine, lookup });
  const begun = await beginning(keyring, roomId, mine);
  if (begun) {
    for (const m of mine) if (begun.epochs.some(({ body }) => roleIn(body, m))) room.be(m); // of the head's, the latest generation
    Object.assign(room, { epochs: begun.epochs, own: begun.own, standing: UNCONFIRMED });
    room.refind(begun.head);
  }
  let items = begun ? await room.resume(packages) : await room.recover(packages);
  const kept = begun || !room.head ? [] : await keyring.epochsOf(roomId);
  if (kept.length) { // none of them can be the head: they are held beside what came
    for (const epoch of kept) room.hold(epoch);
    room.refind();
    items = await room.resume(packages);
  }
  const refused = items.filter((item) => !item.answer && !(item.pack && room.held(item.pack.epoch.transcript)));
  return { room, told: refused.map(({ error }) => ({ step: 'packages', roomId, error })), lacking };
}

/**
 * `given`: { packages }, a list, and identities(fingerprints), which gives a list. Returns the rooms, all unconfirmed, whose
 * identities were asked for, and what is missing.
 */
export async function recoverRooms(generations, keyring, given, told) {
  const packages = await byRoom(given.packages, told);
  const known = keyring.registers().filter((r) => r.register === REGISTER.head).map((r) => hex(r.name));
  const ids = new Set([...known, ...await keyring.roomIds(), ...packages.keys()]);
  const kept = [...ids].sort().filter((id) => keyring.read(REGISTER.kept, unhex(id)).value?.[0] !== 2); // not what was given up
  const identities = await keyring.identities();
  for (const { identity } of generations) identities.set(hex(identity.fingerprint), identity);
  const asked = [];
  const rooms = new Map();
  const strangers = new Map(); // by place, each is told once
  for (let todo = kept; todo.length;) {
    for (const id of todo) rooms.set(id, await putTogether(unhex(id), packages.get(id) ?? [], { generations, keyring, identities }));
    const lacking = [...new Set([...rooms.values()].flatMap((r) => [...r.lacking]))].filter((id) => !identities.has(id)).sort();
    if (!lacking.length) break;
    asked.push(...lacking.filter((id) => !asked.includes(id)));
    const got = new Set();
    for (const [blob, data] of (await given.identities(lacking.map(unhex))).entries()) {
      const refused = [];
      const identity = await tolerant(refused, { step: 'identities', blob }, () => decodeIdentity(data));
      const id = identity && hex(identity.fingerprint);
      if (refused.length) strangers.set(blob, refused[0]);
      else if (!asked.includes(id)) strangers.set(blob, { step: 'identities', blob, error: new Refused('unknown', 'not asked for') });
      else if (!identities.has(id)) { identities.set(id, identity); got.add(id); }
    }
    todo = [...rooms].filter(([, { lacking: ofRoom }]) => [...ofRoom].some((id) => got.has(id))).map(([id]) => id);
  }
  const all = [...rooms.entries()];
  told.push(...strangers.values(), ...all.flatMap(([, r]) => r.told));
  const lacked = new Set(all.flatMap(([, r]) => [...r.lacking]));
  return {
    rooms: new Map(all.filter(([, { room }]) => room.head).map(([id, { room }]) => [id, room])),
    asked: asked.sort(),
    missing: {
      epochs: all.flatMap(([, { room }]) => (room.head ? gaps(room) : [])),
      identities: [...lacked].filter((id) => !identities.has(id)).map(unhex),
      rooms: all.filter(([, { room }]) => !room.head).map(([id]) => unhex(id)),
    },
  };
}
