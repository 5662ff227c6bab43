// Room epochs, packages and their rules (SPEC §18.1 to §18.4), settling (§18.5), codes (§18.10).

import { derive, digestOf, LIVE } from './algorithms.js';
import { openEnvelope, sealEnvelope, verifySignature } from './envelope.js';
import { decodeHeader, LIMITS, STANZA } from './header.js';
import { decodeTransition, digits, follow, grouped } from './identity.js';
import { symmetricKeyId } from './stanzas.js';
import { compare, concat, equal, hex, Reader, refuse, Refused, TYPE, u64, u8, vec, zeros } from './wire.js';

export const ROLE = { member: 1, admin: 2 };
export const HISTORY = { from_join: 1, shared: 2 };
const MEMBERS = 16384; // [LIM-11]
const ADDS = 64;
const EMPTY = zeros(0);
const ZERO_32 = zeros(32);

export const inRoom = (tag) => (field) => new Refused('room', field, tag);

// --- RoomEpoch ---

/** [ROOM-02], or another tag where an epoch stands in a grant or in a state. */
export function readEpochBody(reader) {
  const start = reader.at;
  const body = {
    creator: reader.take(32, 'creator'),
    creationNonce: reader.take(16, 'creation_nonce'),
    epoch: reader.u64('epoch'),
    previousTranscript: reader.take(32, 'previous_transcript'),
    history: reader.u8('history'),
    adds: reader.u8('adds_since_rekey'),
  };
  if (body.history !== HISTORY.from_join && body.history !== HISTORY.shared) reader.refuse('history');
  body.roster = reader.list('roster', (inner) => ({ fingerprint: inner.take(32, 'fingerprint'), role: inner.u8('role') }));
  const { roster } = body;
  if (roster.length < 1 || roster.length > MEMBERS) reader.refuse('roster');
  if (roster.some(({ role }) => role !== ROLE.member && role !== ROLE.admin)) reader.refuse('role');
  if (!roster.some(({ role }) => role === ROLE.admin)) reader.refuse('no admin');
  for (let i = 1; i < roster.length; i += 1) {
    if (compare(roster[i - 1].fingerprint, roster[i].fingerprint) >= 0) reader.refuse('order of the roster');
  }
  body.bytes = reader.since(start);
  body.roles = new Map(roster.map(({ fingerprint, role }) => [hex(fingerprint), role]));
  return body;
}

export function decodeEpochBody(data, tag = 'ROOM-02') {
  const reader = new Reader(data, { fail: inRoom(tag) });
  const body = readEpochBody(reader);
  reader.end();
  return body;
}

export const encodeEpochBody = ({ creator, creationNonce, epoch, previousTranscript, history, adds, roster }) => concat(
  creator, creationNonce, u64(epoch), previousTranscript, u8(history), u8(adds),
  vec(concat(...roster.map(({ fingerprint, role }) => concat(fingerprint, u8(role))))));

export const roomIdOf = async ({ creator, creationNonce, history }) => (await digestOf('room id', concat(creator, creationNonce, u8(history)))).slice(0, 16);

/** An epoch with its derived keys (§18.1). It has `secret`, or only `messageKey` where it was granted. */
export async function makeEpoch({ body, signer, commitment, secret = null, messageKey = null }) {
  const epochHash = await digestOf('room epoch', concat(signer, body.bytes, commitment));
  const key = secret ? await derive(secret, 'messages', epochHash, 32) : messageKey;
  const transcript = await derive(key, 'room transcript', epochHash, 32);
  return {
    body, signer, commitment, secret, messageKey: key, transcript, number: body.epoch,
    roomId: await roomIdOf(body),
    kek: secret ? await derive(secret, 'epoch wrap', transcript, 32) : null,
  };
}

export const roleIn = (body, fingerprint) => body.roles.get(hex(fingerprint)) ?? 0;
export const isParent = (parent, epoch) =>
  parent.number + 1n === epoch.number && equal(parent.transcript, epoch.body.previousTranscript);

/** [ROOM-27] */
export async function codeOf(transcript) {
  const half = async (i) => digits(await digestOf('room code', concat(u8(i), transcript)));
  return grouped(await half(0) + await half(1));
}

// --- packages: decoded, opened ---

/** Stage 1. Form is `malformed`, another type is `unsupported`. [ROOM-01] */
export function decodePackage(data, limits = LIMITS) {
  const header = decodeHeader(data, limits);
  if (header.type !== TYPE.room_epoch) refuse('unsupported', 'type', 'ROOM-01');
  if (!header.signature || header.padding) refuse('malformed', 'form of a package', 'ROOM-01');
  if (header.stanzas.some(({ type }) => type === STANZA.passphrase)) refuse('malformed', 'stanzas', 'ROOM-01');
  if (header.publicData.length !== 24) refuse('malformed', 'public data', 'ROOM-01');
  const number = new DataView(header.publicData.buffer, header.publicData.byteOffset + 16, 8).getBigUint64(0);
  return { header, roomId: header.publicData.subarray(0, 16), number };
}

/** The room is the one at hand, as soon as there is one. [ROOM-03] */
export function decodePackageOf(roomId, data) {
  const decoded = decodePackage(data);
  if (roomId && !equal(decoded.roomId, roomId)) refuse('room', 'another room', 'ROOM-03');
  return decoded;
}

async function decodePayload(content) {
  const fail = inRoom('ROOM-02');
  const reader = new Reader(content, { fail });
  const body = readEpochBody(reader);
  const hasPrevious = reader.u8('has_previous');
  if (hasPrevious > 1) reader.refuse('has_previous');
  const previousSecret = hasPrevious ? reader.take(32, 'previous_secret') : null;
  const encoded = reader.vec('transition');
  reader.end();
  let transition = null;
  if (encoded.length) {
    try {
      transition = await decodeTransition(encoded);
    } catch (error) {
      throw error instanceof Refused ? fail(`transition: ${error.why}`) : error;
    }
  }
  return { body, previousSecret, transition };
}

/** Stage 2: content and signature block are opened; ROOM-02 and ROOM-03 are checked. */
export async function openPackage(data, keys, limits = LIMITS) {
  const { roomId, number } = decodePackage(data, limits);
  const opened = await openEnvelope(data, keys, { limits });
  const payload = await decodePayload(opened.content);
  const epoch = await makeEpoch({ body: payload.body, signer: opened.signer, commitment: opened.commitment, secret: opened.dek });
  if (!equal(roomId, epoch.roomId) || number !== epoch.number) refuse('room', 'public data', 'ROOM-03');
  if (epoch.number === 0n) checkFirst(payload, epoch, opened.header);
  return { ...payload, epoch, opened };
}

/** [ROOM-04] */
function checkFirst({ body, previousSecret, transition }, epoch, header) {
  const bad = !equal(body.previousTranscript, ZERO_32) || body.adds || previousSecret || transition
    || keksOf(header).length || !equal(epoch.signer, body.creator) || roleIn(body, epoch.signer) !== ROLE.admin;
  if (bad) refuse('room', 'epoch 0', 'ROOM-04');
}

export const keksOf = (header) => header.stanzas.filter(({ type }) => type === STANZA.symmetric);
const wrapsOf = (header) => header.stanzas.reduce((n, s) => n + (s.type === STANZA.p256 ? s.entries.length : s.type === STANZA.rsa ? 1 : 0), 0);

// --- packages: authorised ---

const room = (tag, why) => refuse('room', why, tag);

/** The successor that the package's transition makes, or null. */
const successorOf = ({ transition }) => transition?.identity ?? null;

/**
 * The identity of the signer: looked up, or the one that the transition names. Whether the transition is valid is checked too
 * before anything is believed ([ROOM-14]).
 */
export async function signerIdentity(pack, lookup) {
  const { signer } = pack.epoch;
  const next = successorOf(pack);
  if (next && equal(next.fingerprint, signer)) return next;
  return (await lookup(signer)) ?? refuse('unknown', 'signer');
}

/** [ROOM-07] */
export async function checkSignature(pack, lookup) {
  await verifySignature(pack.opened, await signerIdentity(pack, lookup));
}

const sameRoster = (a, b) => a.length === b.length
  && a.every((m, i) => equal(m.fingerprint, b[i].fingerprint) && m.role === b[i].role);

/** Whether `roster` is the parent's with `next` in the place of `old`, its role kept. */
function isReplacement(parent, body, old, next) {
  const role = roleIn(parent, old);
  if (!role || roleIn(parent, next)) return false;
  const expected = parent.roster.filter((m) => !equal(m.fingerprint, old)).concat({ fingerprint: next, role });
  return sameRoster(expected.sort((a, b) => compare(a.fingerprint, b.fingerprint)), body.roster);
}

/** [ROOM-09] */
function checkAuthor(pack, parent) {
  const { epoch: { signer }, body, transition } = pack;
  const before = roleIn(parent.body, signer);
  if (before === ROLE.admin && roleIn(body, signer) === ROLE.admin) return;
  if (before === ROLE.member && sameRoster(parent.body.roster, body.roster)) return;
  const next = successorOf(pack);
  if (next && equal(next.fingerprint, signer) && isReplacement(parent.body, body, transition.oldFingerprint, signer)) return;
  room('ROOM-09', 'who may change what');
}

/** [ROOM-10] */
async function checkAdds({ body, opened: { header } }, parent) {
  const keks = keksOf(header);
  if (body.adds === 0 && keks.length === 0) return;
  const kept = parent.body.roster.every((m) => roleIn(body, m.fingerprint) === m.role);
  const good = body.adds === parent.body.adds + 1 && body.adds <= ADDS && keks.length === 1 && kept
    && body.roster.length > parent.body.roster.length
    && parent.kek && equal(keks[0].keyId, await symmetricKeyId(parent.kek));
  if (!good) room('ROOM-10', 'additions');
}

/** [ROOM-11] */
function checkWraps({ body, opened: { header } }, parent) {
  const newcomers = parent && body.roster.filter((m) => !roleIn(parent.body, m.fingerprint)).length;
  const wraps = wrapsOf(header);
  if (!keksOf(header).length) return wraps === body.roster.length || room('ROOM-11', 'wraps');
  // Who has no parent cannot count newcomers: somebody was there before (§18.4).
  return (parent ? wraps === newcomers : wraps < body.roster.length) || room('ROOM-11', 'wraps');
}

/** [ROOM-12] [ROOM-13] */
function checkPrevious({ body, previousSecret }, parent) {
  const nobodyNew = body.roster.every((m) => roleIn(parent.body, m.fingerprint));
  if (Boolean(previousSecret) !== (body.history === HISTORY.shared || nobodyNew)) room('ROOM-12', 'previous secret');
  if (previousSecret && !(parent.secret && equal(previousSecret, parent.secret))) room('ROOM-13', 'previous secret');
}

/** [ROOM-14], of what stands in the package and in the parent. */
function checkReplacement({ body, transition }, parent) {
  if (!transition) return;
  if (!isReplacement(parent.body, body, transition.oldFingerprint, transition.identity.fingerprint)) room('ROOM-14', 'transition');
}

/** The signature, and only then the transition: nobody looks for an old identity whom somebody else named in a copy. [ROOM-07] [ROOM-14] */
export async function checkSigned(pack, lookup) {
  const { transition } = pack;
  await checkSignature(pack, lookup);
  if (transition) await follow((await lookup(transition.oldFingerprint)) ?? refuse('unknown', 'old identity'), transition);
}

/** Stage 3 against a held parent; `me` are the reader's fingerprints, or null where it need not be there (§18.7). */
export async function authorise(pack, parent, lookup, me = null) {
  const { body, epoch } = pack;
  if (!isParent(parent, epoch)) room('ROOM-08', 'no such parent');
  const same = equal(body.creator, parent.body.creator) && equal(body.creationNonce, parent.body.creationNonce);
  if (!same || body.history !== parent.body.history) room('ROOM-08', 'creator, nonce or history');
  checkReplacement(pack, parent);
  checkAuthor(pack, parent);
  await checkAdds(pack, parent);
  checkWraps(pack, parent);
  checkPrevious(pack, parent);
  await checkSigned(pack, lookup);
  if (me && !me.some((mine) => roleIn(body, mine))) room('ROOM-15', 'not in the roster');
}

/** What can be checked of a package without its parent, when joining (§18.4) and in recovery (§18.7). */
export function checkAlone(pack) {
  const { body, opened: { header } } = pack;
  checkWraps(pack, null);
  const keks = keksOf(header).length;
  if (keks > 1 || (keks === 1) !== (body.adds >= 1 && body.adds <= ADDS) || body.adds > ADDS) room('ROOM-10', 'additions');
}

/** A first package, from the inviter whom the application expected. [ROOM-15] */
export async function authoriseFirst(pack, { inviter, me, lookup }) {
  const { body, epoch, previousSecret, transition } = pack;
  if (!equal(epoch.signer, inviter)) refuse('signature', 'inviter', 'ROOM-15');
  if (!me.some((mine) => roleIn(body, mine))) room('ROOM-15', 'not in the roster');
  if (roleIn(body, epoch.signer) !== ROLE.admin) room('ROOM-15', 'the inviter is no admin');
  if (transition) room('ROOM-12', 'a newcomer by a transition');
  if (Boolean(previousSecret) !== (body.history === HISTORY.shared && epoch.number !== 0n)) room('ROOM-12', 'previous secret');
  checkAlone(pack);
  await checkSignature(pack, lookup);
}

/** §18.5: by the author's role in the parent's roster, or in the new one for who is not there. */
export function isYielding(epoch, parent) {
  if (!parent) return false;
  return (roleIn(parent.body, epoch.signer) || roleIn(epoch.body, epoch.signer)) !== ROLE.admin;
}

export const findParent = (epochs, epoch) => epochs.find((e) => isParent(e, epoch)) ?? null;

/** The number of the latest epoch of an own branch that is not yielding. There is one: nobody is the parent of the first. */
export const firmNumber = (own) => own.findLast((e) => !isYielding(e, findParent(own, e))).number;

// --- settling, §18.5 ---

export const childrenOf = (epochs, parent) => epochs.filter((e) => isParent(parent, e));

/** The better of two children of one parent comes first. */
export function betterChild(parent) {
  const removes = (e) => parent.body.roster.some((m) => !roleIn(e.body, m.fingerprint));
  const strays = (e) => !mayFollow(parent.body, e) && !mayReplace(parent.body, e);
  return (a, b) => (strays(a) - strays(b)) || (isYielding(a, parent) - isYielding(b, parent))
    || (mayFollow(parent.body, b) - mayFollow(parent.body, a)) || (removes(b) - removes(a)) || compare(a.transcript, b.transcript);
}

export const bestChild = (epochs, parent) => childrenOf(epochs, parent).sort(betterChild(parent))[0] ?? null;

/** From an epoch by best children, as far as each may follow by what is kept of it, without a transition. [KRG-08] [ROOM-09] */
export function onward(epochs, start) {
  const way = [start];
  const next = (at) => bestChild(epochs.filter((e) => isParent(at, e) && mayFollow(at.body, e)), at);
  for (let best = next(start); best; best = next(best)) way.push(best);
  return way;
}

const sameRoom = (a, b) => equal(a.creator, b.creator) && equal(a.creationNonce, b.creationNonce) && a.history === b.history;

/** Whether who signed may be the successor of a member. [ROOM-20] */
function mayReplace(old, { body, signer }) {
  if (!sameRoom(old, body) || roleIn(old, signer) || body.roster.length !== old.roster.length) return false;
  const gone = old.roster.filter((m) => !roleIn(body, m.fingerprint));
  const kept = old.roster.every((m) => gone.includes(m) || roleIn(body, m.fingerprint) === m.role);
  return gone.length === 1 && kept && roleIn(body, signer) === gone[0].role;
}

export function mayFollow(old, { body, signer }) {
  const role = roleIn(old, signer);
  if (!sameRoom(old, body) || !role) return false;
  if (role === ROLE.admin) return roleIn(body, signer) === ROLE.admin;
  return body.roster.length === old.roster.length && body.roster.every((m) => roleIn(old, m.fingerprint) === m.role);
}

/** [ROOM-20], from an epoch on. */
export function settle(epochs, start) {
  let at = start;
  for (let best = at; best; best = bestChild(epochs, at)) at = best;
  return at;
}

// --- making a package ---

/** Seals a RoomEpoch as a package. `readers`: recipients by public key; `kek`: the parent's epoch_kek, for an addition. */
export async function sealPackage({ body, previousSecret = null, transition = EMPTY, readers, kek = null, sender, source = LIVE }) {
  const encoded = encodeEpochBody(body);
  const content = concat(encoded, u8(previousSecret ? 1 : 0), previousSecret ?? EMPTY, vec(transition));
  const roomId = await roomIdOf(body);
  const recipients = kek ? [...readers, { kind: 'symmetric', kek }] : readers;
  return sealEnvelope({ type: TYPE.room_epoch, recipients, content, sender, publicData: concat(roomId, u64(body.epoch)), source });
}
