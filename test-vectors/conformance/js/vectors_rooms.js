// Vectors of rooms and their messages (SPEC §18, §19).

import { importPkcs8, LIVE } from './algorithms.js';
import { openGrant } from './grants.js';
import { openMessage, ReplayGuard, sealMessage } from './messages.js';
import { authorise, authoriseFirst, codeOf, decodePackageOf, isYielding, openPackage, settle } from './rooms.js';
import { decodeState, encodeState, openState } from './state.js';
import { Room } from './room.js';
import { checkHead, checkLeave } from './statements.js';
import { epochFrom, epochJson, keyFrom, lookupIn, outcome, problemOf, roomJson, standingText } from './vectors_inputs.js';
import { equal, hex, refuse, unhex, zeros } from './wire.js';

async function readPackage(v) {
  const lookup = await lookupIn(v.identities);
  const parent = v.parent ? await epochFrom(v.parent) : null;
  const data = unhex(v.package);
  const keys = [];
  if (v.secret) keys.push({ kind: 'dek', dek: unhex(v.secret) });
  if (parent?.kek) keys.push({ kind: 'symmetric', kek: parent.kek });
  if (v.key) keys.push(await keyFrom(v.key));
  decodePackageOf(parent?.roomId ?? null, data);
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

async function sealMessageOf(v, source) {
  const lookup = await lookupIn(v.identities);
  const key = await importPkcs8(unhex(v.pkcs8));
  return sealMessage({
    epoch: await epochFrom(v.epoch), identity: await lookup(unhex(v.sender)), key, device: unhex(v.device), sequence: BigInt(v.sequence),
    aad: unhex(v.aad), content: unhex(v.content), padding: v.padding, source,
  });
}

// --- histories ---

/** What became of a package, by the words of §16. */
function becameOf({ answer, error, pack }) {
  if (!answer) throw error;
  if (answer === 'held' || answer === 'secret') return { became: 'held' };
  const { signer, number } = pack.epoch;
  return { became: answer, author: hex(signer), ...(answer === 'ahead' ? { epoch: Number(number) } : {}) };
}

const STEPS = {
  async join(room, step) {
    await room.join(unhex(step.package), { inviter: unhex(step.inviter), others: step.past.map(unhex) });
  },
  async load(room, step) { room.load((await openState(unhex(step.state), unhex(step.kek))).state); },
  async recover(room, step) {
    const items = await room.recover(step.packages.map(unhex));
    if (!room.head) throw items[0]?.error ?? refuse('decrypt', 'nothing opens');
    return { problems: items.flatMap((item, i) => (item.answer ? [] : [{ package: i, ...problemOf(item.error) }])) };
  },
  async apply(room, step) {
    return becameOf((await room.receive([unhex(step.package)]))[0]);
  },
  async catch_up(room, step) {
    const answers = [];
    for (const item of await room.receive(step.packages.map(unhex))) answers.push(await outcome(async () => becameOf(item)));
    return { answers };
  },
  async message(room, step) {
    const opened = await room.open(unhex(step.message));
    return {
      sender: hex(opened.sender), content: hex(opened.content), sequence: Number(opened.sequence), freshness: opened.answer,
      superseded: opened.superseded, sender_in_head: opened.inRoster,
    };
  },
  async grant(room, step) {
    return { count: (await room.grant(unhex(step.grant), unhex(step.granter))).length };
  },
  async confirm(room, step) {
    await room.confirm(unhex(step.statement), unhex(step.nonce), unhex(step.member));
  },
  async leave(room, step) {
    return { member: hex(await checkLeave(unhex(step.statement), room.roomId, room.own, room.lookup)) };
  },
  async accept_head(room) { room.accept(); },
  async settle(room) {
    const { transcript } = room.recommended();
    room.changeTo(transcript);
    return { recommended: hex(transcript) };
  },
};

const STEP_INPUTS = {
  join: ['package', 'inviter', 'past'], load: ['state', 'kek'], recover: ['packages'], apply: ['package'], catch_up: ['packages'], message: ['message'],
  grant: ['grant', 'granter'], confirm: ['statement', 'nonce', 'member'], leave: ['statement'], accept_head: [], settle: [],
};

async function readHistory(v) {
  const keys = [];
  for (const raw of v.keys) keys.push(await keyFrom(raw));
  const room = new Room({ keys, mine: keys.map((k) => k.recipientId), lookup: await lookupIn(v.people.map((p) => p.identity)) });
  const steps = [];
  for (const step of v.steps) {
    const told = await outcome(() => STEPS[step.do](room, step));
    steps.push({ ...told, ...(room.head ? { transcript: hex(room.head.transcript), standing: standingText(room) } : {}) });
  }
  const { result, check } = steps.find((step) => step.result !== 'ok') ?? { result: 'ok' };
  return { steps, room: roomJson(room), result, ...(check ? { check } : {}) };
}

export const ROOMS = {
  package: {
    read: readPackage,
    compared: ['room_id', 'epoch', 'transcript', 'message_key', 'epoch_kek', 'previous_secret', 'yielding', 'code'],
    sealed: ['package'],
  },
  message: {
    read: readMessage,
    compared: ['sender', 'device', 'sequence', 'content', 'message_id'],
    sealed: ['message', 'aad'],
    reseal: async (v, source) => ({ message: hex((await sealMessageOf(v, source)).message) }),
    seal: async (v) => ({ message: hex((await sealMessageOf(v, LIVE)).message) }),
  },
  leave: {
    read: async (v) => {
      const branch = [];
      for (const e of v.since) branch.push(await epochFrom(e));
      return { member: hex(await checkLeave(unhex(v.statement), unhex(v.room_id), branch, await lookupIn(v.identities))) };
    },
    compared: ['member'],
    sealed: ['statement', 'room_id'],
  },
  head: {
    read: async (v) => {
      await checkHead(unhex(v.statement), await epochFrom(v.epoch), unhex(v.nonce), unhex(v.member), await lookupIn(v.identities));
      return {};
    },
    compared: [],
    sealed: ['statement', 'nonce', 'member'],
  },
  grant: {
    read: async (v) => {
      const branch = [await epochFrom(v.epoch)];
      const options = { branch, granter: unhex(v.granter), lookup: await lookupIn(v.identities) };
      const epochs = await openGrant(unhex(v.grant), [await keyFrom(v.key)], options);
      return { epochs: epochs.map(epochJson) };
    },
    compared: ['epochs'],
    sealed: ['grant', 'granter'],
  },
  state: { read: readState, compared: ['content'], sealed: ['state'] },
  settle: {
    read: async (v) => {
      const epochs = [];
      for (const e of v.epochs) epochs.push(await epochFrom(e));
      const [start, ...others] = epochs; // there is no own branch here: what has no secret is only read
      return { transcript: hex(settle([start, ...others.filter((e) => e.secret)], start).transcript) };
    },
    compared: ['transcript'],
  },
  replays: {
    read: async (v) => {
      const guard = new ReplayGuard();
      return { answers: v.seen.map((s) => guard.tell(zeros(32), unhex(s.device), BigInt(s.sequence), unhex(s.id))) };
    },
    compared: ['answers'],
  },
  history: { read: readHistory, compared: ['room'], steps: { steps: (step) => ['do', ...STEP_INPUTS[step.do]] } },
};
