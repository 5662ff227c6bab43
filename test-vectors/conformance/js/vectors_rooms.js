// Vectors of rooms and their messages (SPEC §18, §19).

import { importPkcs8, LIVE } from './algorithms.js';
import { openGrant } from './grants.js';
import { openMessage, ReplayGuard, sealMessage } from './messages.js';
import { authorise, authoriseFirst, codeOf, isYielding, openPackage, settle } from './rooms.js';
import { decodeState, encodeState, openState } from './state.js';
import { checkHead, checkLeave } from './statements.js';
import { epochFrom, epochJson, keyFrom, lookupIn } from './vectors_inputs.js';
import { equal, hex, unhex, zeros } from './wire.js';

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

async function sealMessageOf(v, source) {
  const lookup = await lookupIn(v.identities);
  const key = await importPkcs8(unhex(v.pkcs8));
  return sealMessage({
    epoch: await epochFrom(v.epoch), identity: await lookup(unhex(v.sender)), key, device: unhex(v.device), sequence: BigInt(v.sequence),
    aad: unhex(v.aad), content: unhex(v.content), padding: v.padding, source,
  });
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
      return { transcript: hex(settle(epochs, epochs[0]).transcript) };
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
};
