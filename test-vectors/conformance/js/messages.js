// Room messages (SPEC §19): sealing, opening, and telling replays.

import { aesOpen, aesSeal, derive, hmac, LIVE, sha256, signInput, verify } from './algorithms.js';
import { padme } from './payload.js';
import { compare, concat, equal, prefix, Reader, readPrefix, refuse, Refused, TYPE, u32, u64, u8, vec, zeros } from './wire.js';

const HEADER = 63;
const SMALLEST = 102;
const PLAINTEXT = 16777216; // [LIM-12]
const NONCE = zeros(12); // the key is used once: its salt is never repeated for another plaintext (§19.1)
const AAD = 2 ** 30;
const failed = () => refuse('decrypt', 'the message does not open');

const gcmAad = async (header, aad) => concat(header, await sha256(aad));

/** D, without the header's salt. §19.2 */
const digestD = (header, aad, content) => sha256(concat(header.subarray(0, HEADER - 24), vec(aad), vec(content)));

const signedBytes = ({ sender, algorithm, transcript, device, sequence, d }) =>
  signInput('room message', concat(sender, u8(algorithm), transcript, device, u64(sequence), d));

export function decodeMessage(data) {
  if (data.length < SMALLEST) refuse('malformed', 'length', 'RMSG-02');
  if (data.length > HEADER + PLAINTEXT + 16) refuse('limit', 'length', 'RMSG-02');
  const reader = new Reader(data);
  readPrefix(reader, TYPE.room_message);
  const out = { roomId: reader.take(16, 'room_id'), number: reader.u64('epoch'), tag: reader.take(8, 'epoch_tag'), salt: reader.take(24, 'salt') };
  return { ...out, header: reader.since(0), sealed: reader.take(reader.left, 'sealed') };
}

/** [RMSG-03] */
function decodePlaintext(plaintext, roster) {
  const reader = new Reader(plaintext, { fail: (field) => new Refused('decrypt', field) });
  const out = {
    place: reader.u32('sender'), device: reader.take(8, 'device'), sequence: reader.u64('sequence'),
    signature: reader.vec('signature'), content: reader.vec('content'),
  };
  if (reader.take(reader.left, 'zeros').some((b) => b !== 0) || !out.signature.length || out.place >= roster.length) failed();
  return out;
}

/** `epochs`: all that are held of this room, on whatever branch. [RMSG-01] [RMSG-05] */
export async function openMessage(data, aad, epochs, lookup, roomId = epochs[0].roomId) {
  if (aad.length >= AAD) refuse('limit', 'aad');
  const message = decodeMessage(data);
  if (!equal(message.roomId, roomId)) refuse('malformed', 'another room', 'RMSG-01');
  const routed = epochs.filter((e) => e.number === message.number && equal(e.transcript.subarray(0, 8), message.tag));
  if (!routed.length) refuse('unknown', 'epoch', 'RMSG-01');
  for (const epoch of routed) {
    const key = await derive(epoch.messageKey, 'message', message.salt, 32);
    const plaintext = await aesOpen(key, NONCE, await gcmAad(message.header, aad), message.sealed);
    if (plaintext) return verified(message, decodePlaintext(plaintext, epoch.body.roster), aad, epoch, lookup);
  }
  return failed();
}

async function verified({ header }, { place, device, sequence, signature, content }, aad, epoch, lookup) {
  const sender = epoch.body.roster[place].fingerprint;
  const identity = (await lookup(sender)) ?? refuse('unknown', 'sender');
  const d = await digestD(header, aad, content);
  const signed = signedBytes({ sender, algorithm: identity.algorithm, transcript: epoch.transcript, device, sequence, d });
  if (!await verify(identity.algorithm, identity.signingKey, signed, signature)) refuse('signature', 'message', 'RMSG-05');
  return { sender, device, sequence, content, id: await sha256(signed), epoch };
}

/** `padding`: `none` or `padme`. The salt is made as §19.3 says. [RMSG-06] */
export async function sealMessage({ epoch, identity, key, device, sequence, aad = zeros(0), content, padding = 'none', source = LIVE }) {
  const place = epoch.body.roster.findIndex((m) => equal(m.fingerprint, identity.fingerprint));
  if (place < 0) refuse('room', 'not in the roster');
  const start = concat(prefix(TYPE.room_message), epoch.roomId, u64(epoch.number), epoch.transcript.subarray(0, 8));
  const d = await digestD(concat(start, zeros(24)), aad, content);
  const signed = signedBytes({ sender: identity.fingerprint, algorithm: identity.algorithm, transcript: epoch.transcript, device, sequence, d });
  const signature = await source.sign(key, signed);
  const plain = concat(u32(place), device, u64(sequence), vec(signature), vec(content));
  const length = padding === 'none' ? plain.length : padme(plain.length);
  if (length > PLAINTEXT) refuse('limit', 'message', 'RMSG-02');
  const drawn = source.draw(32);
  const saltKey = await derive(epoch.messageKey, 'message salt', zeros(0), 32);
  const salt = (await hmac(saltKey, concat(drawn, d, u32(place), device, u64(sequence), vec(signature), u64(length)))).slice(0, 24);
  const header = concat(start, salt);
  const messageKey = await derive(epoch.messageKey, 'message', salt, 32);
  const sealed = await aesSeal(messageKey, NONCE, await gcmAad(header, aad), concat(plain, zeros(length - plain.length)));
  return { message: concat(header, sealed), id: await sha256(signed) };
}

// --- replays, §19.4 ---

const KEPT = 64;
const DEVICES = 32;

/** What was seen of each device. Only a fresh message changes it. [RMSG-07] [RMSG-08] */
export class ReplayGuard {
  constructor({ used = 0n, devices = [] } = {}) {
    Object.assign(this, { used, devices: devices.map((d) => ({ ...d, seen: [...d.seen] })) });
  }

  tell(sender, device, sequence, id) {
    const known = this.devices.find((d) => equal(d.sender, sender) && equal(d.device, device));
    const seen = known?.seen ?? [];
    const short = id.slice(0, 16);
    const same = seen.find((s) => s.sequence === sequence);
    if (same) return equal(same.id, short) ? 'duplicate' : 'reused';
    if (seen.length === KEPT && sequence < seen[0].sequence) return 'old';
    const greatest = seen.at(-1)?.sequence;
    const skipped = greatest === undefined || sequence < greatest ? 0n : sequence - greatest - 1n;
    const entry = known ?? this.admit(sender, device);
    entry.seen = [...seen, { sequence, id: short }].sort((a, b) => (a.sequence < b.sequence ? -1 : 1)).slice(-KEPT);
    this.used += 1n;
    entry.used = this.used;
    return `fresh ${skipped}`;
  }

  admit(sender, device) {
    const theirs = this.devices.filter((d) => equal(d.sender, sender));
    if (theirs.length >= DEVICES) {
      const silent = theirs.reduce((a, b) => (a.used <= b.used ? a : b));
      this.devices.splice(this.devices.indexOf(silent), 1);
    }
    const entry = { sender, device, used: 0n, seen: [] };
    this.devices.push(entry);
    this.devices.sort((a, b) => compare(concat(a.sender, a.device), concat(b.sender, b.device)));
    return entry;
  }
}

