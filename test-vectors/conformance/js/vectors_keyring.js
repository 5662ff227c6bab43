// Vectors of keyrings (SPEC §20).

import { decodeIdentity, decodeTransition } from './identity.js';
import { encodeSegment, Keyring, KIND, openSegment, REGISTER, sealSegment } from './keyring.js';
import { replay } from './replay.js';
import { sealStoredForm } from './state.js';
import { identityFrom, outcome, roomJson } from './vectors_inputs.js';
import { equal, hex, TYPE, unhex } from './wire.js';

const entryJson = ({ kind, content }) => ({ kind, content: hex(content) });
const revisionJson = ({ device, revision }) => ({ device: hex(device), revision: Number(revision) });

async function readSegment(v) {
  const { segment, content } = await openSegment(unhex(v.segment), [unhex(v.key)]);
  if (!equal(encodeSegment(segment), content)) throw new Error('the segment encodes differently');
  const { own, kind, seen, entries } = segment;
  return {
    content: hex(content), device: hex(own.device), revision: Number(own.revision), segment_kind: kind, seen: seen.map(revisionJson),
    entries: entries.map(entryJson),
  };
}

async function readState(v) {
  const keyring = await Keyring.open(unhex(v.state), unhex(v.kek));
  return { content: hex(keyring.encode()) };
}

/** What the device writes next; what it draws is `random`. */
async function readWrite(v) {
  const source = replay(unhex(v.random));
  const key = unhex(v.key);
  const keyring = await Keyring.open(unhex(v.state), unhex(v.kek), source);
  for (const data of v.segments) await keyring.merge((await openSegment(unhex(data), [key])).segment);
  const next = keyring.next(v.whole);
  const { envelope } = await sealSegment(next, key, source);
  if (!source.finished()) throw new Error('not all of random was drawn');
  return { segment: hex(envelope), content: hex(encodeSegment(next)) };
}

export const contactsOf = async (keyring) => (await keyring.contacts()).map(({ name, fingerprint, verified }) => ({
  name: hex(name), identity: hex(fingerprint), verified,
}));

export const lackingOf = (missing) => missing.map(({ device, from, to }) => ({ device, first: Number(from), last: Number(to) }));

/** Merges in the order of `places`. */
async function mergeIn(v, places) {
  const keyring = new Keyring();
  const given = [];
  const told = [];
  for (const place of places) {
    told[place] = { changed: [], ...await outcome(async () => {
      const { segment } = await openSegment(unhex(v.segments[place].segment), [unhex(v.key)]);
      const { changed } = await keyring.merge(segment);
      if (v.given.includes(place)) given.push(segment);
      return { changed: changed.map(hex) };
    }) };
  }
  const conflicts = keyring.conflicts().map(({ register, name }) => ({ register, name: hex(name) }));
  const all = {
    entries: keyring.all.map(entryJson), conflicts, lacking: lackingOf(keyring.missing(given)), contacts: await contactsOf(keyring),
  };
  return { told, all };
}

async function readMerge(v) {
  const places = v.segments.map((_, i) => i);
  const { told, all } = await mergeIn(v, places);
  const orders = [[...places].reverse(), [...places.slice(1), ...places.slice(0, 1)], [...places, ...places]];
  for (const order of orders) {
    if (JSON.stringify((await mergeIn(v, order)).all) !== JSON.stringify(all)) throw new Error(`merged as ${order}, it differs`);
  }
  const { result, check } = told.find((t) => t.result !== 'ok') ?? { result: 'ok' };
  return { ...all, segments: told, result, ...(check ? { check } : {}) };
}

async function keyringOf(v) {
  const keyring = new Keyring();
  for (const data of v.segments) await keyring.merge((await openSegment(unhex(data), [unhex(v.key)])).segment);
  return keyring;
}

async function readRoom(v) {
  const room = await (await keyringOf(v)).room(unhex(v.room_id), v.mine.map(unhex));
  return { room: roomJson(room) };
}

/** What one step of a contact does, and answers. */
async function contactStep(keyring, name, key, step) {
  const before = keyring.read(REGISTER.pinned, name).value;
  switch (step.do) {
    case 'sight': {
      const answer = await keyring.meet(name, await identityFrom(step.identity));
      return { answer, pinned: ['changed', 'succeeded'].includes(answer) ? hex(before) : null };
    }
    case 'pin': keyring.pin(name, await identityFrom(step.identity)); return {};
    case 'unpin': keyring.unpin(name); return {};
    case 'verify': keyring.verify(unhex(step.fingerprint), step.verified); return {};
    case 'know': keyring.add(KIND.identity, (await decodeIdentity(unhex(step.identity))).bytes); return {};
    case 'follow': await keyring.follow(await decodeTransition(unhex(step.transition))); return {};
    case 'merge': await keyring.merge((await openSegment(unhex(step.segment), [key])).segment); return {};
    default: throw new Error(`a step of unknown kind ${step.do}`);
  }
}

async function readContact(v) {
  const keyring = new Keyring();
  const name = unhex(v.name);
  const out = { steps: [] };
  for (const step of v.steps) {
    const told = await outcome(() => contactStep(keyring, name, unhex(v.key), step));
    const { result, check } = told;
    if (step.do === 'follow') told.answer = result;
    if (result === 'ok' || step.do === 'follow') for (const key of ['result', 'check']) delete told[key];
    out.steps.push(told);
    if (result !== 'ok') Object.assign(out, { result, ...(check ? { check } : {}) });
  }
  const { value } = keyring.read(REGISTER.pinned, name);
  const pinned = value?.length ? value : null;
  return { ...out, pinned: pinned && hex(pinned), verified: pinned !== null && keyring.isVerified(pinned) };
}

const CONTACT_INPUTS = {
  sight: ['identity'], pin: ['identity'], unpin: [], verify: ['fingerprint', 'verified'], know: ['identity'], follow: ['transition'], merge: ['segment'],
};

export const KEYRINGS = {
  segment: {
    read: readSegment,
    compared: ['content', 'device', 'revision', 'segment_kind', 'seen', 'entries'],
    sealed: ['segment'],
    reseal: async (v, source) => ({ segment: hex((await sealStoredForm(TYPE.keyring, unhex(v.content), unhex(v.key), source)).envelope) }),
  },
  keyring_merge: { read: readMerge, compared: ['entries', 'conflicts', 'lacking', 'contacts'], steps: { segments: () => ['segment'] } },
  keyring_state: {
    read: readState,
    compared: ['content'],
    sealed: ['state'],
    reseal: async (v, source) => ({ state: hex((await sealStoredForm(TYPE.keyring_state, unhex(v.content), unhex(v.kek), source)).envelope) }),
  },
  keyring_write: { read: readWrite, compared: ['segment', 'content'], sealed: ['state'] },
  keyring_room: { read: readRoom, compared: ['room'] },
  contact: { read: readContact, compared: ['pinned', 'verified'], steps: { steps: (step) => ['do', ...CONTACT_INPUTS[step.do]] } },
};
