// What members say about a room, signed: leave and head statements (SPEC §18.6, §18.7).

import { ALGORITHMS, LIVE, readAlgorithm, signInput, verify } from './algorithms.js';
import { roleIn } from './rooms.js';
import { concat, equal, prefix, Reader, readPrefix, refuse, TYPE, u64, u8 } from './wire.js';

async function checkStatement({ algorithm, member, signature }, label, content, lookup) {
  const identity = (await lookup(member)) ?? refuse('unknown', 'member');
  if (algorithm !== identity.algorithm) refuse('signature', 'algorithm');
  if (!await verify(algorithm, identity.signingKey, signInput(label, content), signature)) refuse('signature', 'signature');
}

function readEnd(reader, fields) {
  const member = reader.take(32, 'member');
  const algorithm = readAlgorithm(reader);
  const signature = reader.take(ALGORITHMS[algorithm].size, 'signature');
  reader.end();
  return { ...fields, member, algorithm, signature };
}

export function decodeLeave(data) {
  const reader = new Reader(data);
  readPrefix(reader, TYPE.leave_statement);
  return readEnd(reader, { roomId: reader.take(16, 'room_id'), transcript: reader.take(32, 'transcript') });
}

const leaveContent = (s) => concat(s.roomId, s.transcript, s.member, u8(s.algorithm));

/** `branch`: the reader's own branch, ascending. Returns the member. [ROOM-21] */
export async function checkLeave(data, roomId, branch, lookup) {
  const statement = decodeLeave(data);
  // The signature first: what nobody signed says nothing about a room.
  await checkStatement(statement, 'leave', leaveContent(statement), lookup);
  if (!equal(statement.roomId, roomId)) refuse('room', 'another room', 'ROOM-21');
  const at = branch.findIndex((epoch) => equal(epoch.transcript, statement.transcript));
  if (at < 0) refuse('room', 'an epoch that is not on the branch', 'ROOM-21');
  if (!branch.slice(at).every((epoch) => roleIn(epoch.body, statement.member))) refuse('room', 'not there ever since', 'ROOM-21');
  return statement.member;
}

export async function makeLeave({ roomId, transcript }, { identity, key }, source = LIVE) {
  const s = { roomId, transcript, member: identity.fingerprint, algorithm: identity.algorithm };
  const signature = await source.sign(key, signInput('leave', leaveContent(s)));
  return concat(prefix(TYPE.leave_statement), leaveContent(s), signature);
}

export function decodeHead(data) {
  const reader = new Reader(data);
  readPrefix(reader, TYPE.head_statement);
  return readEnd(reader, {
    roomId: reader.take(16, 'room_id'), number: reader.u64('epoch'), transcript: reader.take(32, 'transcript'), nonce: reader.take(32, 'nonce'),
  });
}

const headContent = (s) => concat(s.roomId, u64(s.number), s.transcript, s.nonce, s.member, u8(s.algorithm));

/** `nonce` is the one that was drawn, `member` whom the application named. [ROOM-23] */
export async function checkHead(data, head, nonce, member, lookup) {
  const statement = decodeHead(data);
  if (!equal(statement.member, member)) refuse('signature', 'member', 'ROOM-23');
  await checkStatement(statement, 'head', headContent(statement), lookup);
  const same = equal(statement.roomId, head.roomId) && statement.number === head.number && equal(statement.transcript, head.transcript);
  if (!same) refuse('room', 'another head', 'ROOM-23');
  if (!equal(statement.nonce, nonce)) refuse('room', 'another nonce', 'ROOM-23');
  if (!roleIn(head.body, member)) refuse('room', 'not in the roster', 'ROOM-23');
}

export async function makeHead(head, nonce, { identity, key }, source = LIVE) {
  const s = { roomId: head.roomId, number: head.number, transcript: head.transcript, nonce, member: identity.fingerprint, algorithm: identity.algorithm };
  const signature = await source.sign(key, signInput('head', headContent(s)));
  return concat(prefix(TYPE.head_statement), headContent(s), signature);
}
