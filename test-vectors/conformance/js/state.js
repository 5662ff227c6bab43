// A room as a device stores it (SPEC §18.9), and the own branch (§18.5).

import { LIVE } from './algorithms.js';
import { openEnvelope, sealEnvelope } from './envelope.js';
import { decodeHeader, LIMITS, STANZA } from './header.js';
import { findParent, firmNumber, inRoom, makeEpoch, readEpochBody, roleIn } from './rooms.js';
import { compare, concat, equal, Reader, refuse, TYPE, u64, u8, vec } from './wire.js';

const bad = (why) => refuse('room', why, 'ROOM-26');
const KEPT = 64;
const DEVICES = 32;

/**
 * From the head back to the parents. Where a parent is not held, on from the latest epoch before that parent that was of the
 * own branch until then (`was`) and has its secret. Ascending. Of several such epochs (which a state cannot have) the greatest transcript.
 */
export function ownBranch(epochs, head, was) {
  const branch = [head];
  for (let at = head; ;) {
    const missing = at.number - 1n;
    const parent = findParent(epochs, at);
    const before = parent ? null : was.filter((e) => e.secret && e.number < missing);
    const next = parent ?? before.sort((a, b) => Number(b.number - a.number) || compare(b.transcript, a.transcript))[0];
    if (!next) return branch.reverse();
    branch.push(next);
    at = next;
  }
}

function readSeen(reader) {
  const device = { sender: reader.take(32, 'sender'), device: reader.take(8, 'device'), used: reader.u64('used') };
  device.seen = reader.list('seen', (inner) => ({ sequence: inner.u64('sequence'), id: inner.take(16, 'id') }));
  if (device.seen.length < 1 || device.seen.length > KEPT) bad('messages of a device');
  for (let i = 1; i < device.seen.length; i += 1) if (device.seen[i - 1].sequence >= device.seen[i].sequence) bad('order of sequences');
  return device;
}

function readStored(reader) {
  const stored = { signer: reader.take(32, 'signer'), branch: reader.u8('branch'), body: readEpochBody(reader), commitment: reader.take(32, 'commitment') };
  if (stored.branch !== 1 && stored.branch !== 2) bad('branch');
  stored.kind = reader.u8('kind');
  if (stored.kind !== 1 && stored.kind !== 2) bad('kind');
  stored[stored.kind === 1 ? 'secret' : 'messageKey'] = reader.take(32, 'key');
  return stored;
}

/** [ROOM-26] */
export async function decodeState(content) {
  const reader = new Reader(content, { fail: inRoom('ROOM-26') });
  const mine = reader.list('mine', (inner) => inner.take(32, 'mine'));
  if (mine.some((a, i) => mine.slice(0, i).some((b) => equal(a, b)))) bad('a fingerprint twice');
  const state = { mine, device: reader.take(8, 'device'), nextSequence: reader.u64('next_sequence'), standing: reader.u8('standing') };
  if (state.standing !== 1 && state.standing !== 2) bad('standing');
  state.behind = reader.u64('behind');
  state.head = reader.take(32, 'head');
  const stored = reader.list('epochs', readStored);
  state.used = reader.u64('used');
  state.devices = reader.list('devices', readSeen);
  reader.end();
  state.epochs = [];
  for (const one of stored) state.epochs.push({ ...await makeEpoch(one), branch: one.branch });
  checkEpochs(state);
  checkDevices(state);
  return state;
}

function checkEpochs({ epochs, head, mine, behind }) {
  for (let i = 1; i < epochs.length; i += 1) {
    const [a, b] = [epochs[i - 1], epochs[i]];
    if (a.number > b.number || (a.number === b.number && compare(a.transcript, b.transcript) >= 0)) bad('order of epochs');
    if (!equal(a.roomId, b.roomId) || a.body.history !== b.body.history) bad('rooms or policies');
  }
  const first = epochs.find((e) => equal(e.transcript, head));
  if (!first?.secret) bad('head');
  const own = epochs.filter((e) => e.branch === 1);
  const branch = ownBranch(epochs, first, own);
  if (branch.length !== own.length || !branch.every((e) => e.branch === 1)) bad('the own branch');
  if (behind && behind <= firmNumber(own)) bad('behind what was reached');
  if (!mine.some((m) => roleIn(first.body, m))) bad('not in the roster');
}

function checkDevices({ devices }) {
  const senders = new Map();
  for (const [i, d] of devices.entries()) {
    if (i && compare(concat(devices[i - 1].sender, devices[i - 1].device), concat(d.sender, d.device)) >= 0) bad('order of devices');
    const key = d.sender.join();
    senders.set(key, (senders.get(key) ?? 0) + 1);
    if (senders.get(key) > DEVICES) bad('devices of a sender');
  }
}

export function encodeState({ mine, device, nextSequence, standing, behind, head, epochs, used, devices }) {
  const stored = epochs.map((e) => concat(e.signer, u8(e.branch), e.body.bytes, e.commitment, u8(e.secret ? 1 : 2), e.secret ?? e.messageKey));
  const heard = devices.map((d) => concat(d.sender, d.device, u64(d.used), vec(concat(...d.seen.map((s) => concat(u64(s.sequence), s.id))))));
  return concat(vec(concat(...mine)), device, u64(nextSequence), u8(standing), u64(behind), head, vec(concat(...stored)), u64(used), vec(concat(...heard)));
}

/** The form of what a device stores for itself: unsigned, one symmetric stanza, length_prefixed, no public data. */
export function checkStoredForm(header, no) {
  const { signature, padding, stanzas, publicData } = header;
  if (signature || padding !== 1 || stanzas.length !== 1 || stanzas[0].type !== STANZA.symmetric || publicData.length) no();
}

export async function openState(data, kek, limits = LIMITS) {
  const header = decodeHeader(data, limits);
  if (header.type !== TYPE.room_state) refuse('unsupported', 'type', 'ROOM-26');
  checkStoredForm(header, () => refuse('malformed', 'form of a state', 'ROOM-26'));
  const { content } = await openEnvelope(data, [{ kind: 'symmetric', kek }], { limits });
  return { content, state: await decodeState(content) };
}

/** An envelope of that form. */
export const sealStoredForm = (type, content, kek, source = LIVE) =>
  sealEnvelope({ type, recipients: [{ kind: 'symmetric', kek }], content, padding: 'padme', source });

export const sealState = (state, kek, source = LIVE) => sealStoredForm(TYPE.room_state, encodeState(state), kek, source);
