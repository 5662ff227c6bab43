// History grants (SPEC §18.8).

import { LIVE } from './algorithms.js';
import { openEnvelope, sealEnvelope, verifySignature } from './envelope.js';
import { decodeHeader, LIMITS } from './header.js';
import { inRoom, isParent, makeEpoch, readEpochBody, roleIn } from './rooms.js';
import { concat, equal, Reader, refuse, TYPE, vec } from './wire.js';

async function decodeGrant(content) {
  const reader = new Reader(content, { fail: inRoom('ROOM-25') });
  const roomId = reader.take(16, 'room_id');
  const raw = reader.list('epochs', (inner) => ({
    signer: inner.take(32, 'signer'), body: readEpochBody(inner), commitment: inner.take(32, 'commitment'), messageKey: inner.take(32, 'message_key'),
  }));
  reader.end();
  if (!raw.length) reader.refuse('no epochs');
  const epochs = [];
  for (const one of raw) epochs.push(await makeEpoch(one));
  return { roomId, epochs };
}

/** `branch`: the reader's own branch; its last epoch is the head. Returns the granted epochs. [ROOM-25] */
export async function openGrant(data, keys, { branch, granter, lookup, limits = LIMITS }) {
  const head = branch.at(-1);
  const header = decodeHeader(data, limits);
  if (header.type !== TYPE.history_grant) refuse('unsupported', 'type', 'ROOM-25');
  if (!header.signature || header.padding || !equal(header.publicData, head.roomId)) refuse('malformed', 'form of a grant', 'ROOM-25');
  const opened = await openEnvelope(data, keys, { limits });
  if (!equal(opened.signer, granter)) refuse('signature', 'granter', 'ROOM-25');
  await verifySignature(opened, (await lookup(opened.signer)) ?? refuse('unknown', 'granter'));
  const no = (why) => refuse('room', why, 'ROOM-25');
  if (!roleIn(head.body, opened.signer)) no('the granter is not in the roster');
  const { roomId, epochs } = await decodeGrant(opened.content);
  if (!equal(roomId, head.roomId)) no('another room');
  for (const [i, epoch] of epochs.entries()) {
    if (!equal(epoch.roomId, roomId) || epoch.body.history !== head.body.history) no('another room or policy');
    if (i && !isParent(epochs[i - 1], epoch)) no('not one after the other');
  }
  if (!branch.some((epoch) => isParent(epochs.at(-1), epoch))) no('does not lead to the branch');
  return epochs;
}

export async function sealGrant(epochs, recipients, sender, source = LIVE) {
  const granted = epochs.map((e) => concat(e.signer, e.body.bytes, e.commitment, e.messageKey));
  const { roomId } = epochs[0];
  const content = concat(roomId, vec(concat(...granted)));
  return sealEnvelope({ type: TYPE.history_grant, recipients, content, sender, publicData: roomId, source });
}
