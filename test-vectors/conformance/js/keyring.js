// What one person's devices know together: segments, merging, what is missing, contacts, rooms (SPEC §20).

import { LIVE } from './algorithms.js';
import { openEnvelope } from './envelope.js';
import { decodeHeader, LIMITS } from './header.js';
import { decodeIdentity, decodeTransition, follow } from './identity.js';
import { makeEpoch, onward, readEpochBody, roleIn, roomIdOf } from './rooms.js';
import { checkStoredForm, ownBranch, sealStoredForm } from './state.js';
import { compare, concat, equal, hex, Reader, refuse, Refused, TYPE, u64, u8, unhex, vec } from './wire.js';

export const KIND = { epoch: 1, identity: 2, transition: 3, register: 4 };
export const REGISTER = { head: 1, kept: 2, pinned: 3, verified: 4 };
const WHOLE = 1;
const PART = 2;
const MAX_CLOCK = 2n ** 64n - 1n;

const failing = (tag) => (field) => new Refused('malformed', field, tag);

// --- entries, §20.2 ---

function checkRegister({ register, name, value }, reader) {
  const oneOrTwo = value.length === 1 && (value[0] === 1 || value[0] === 2);
  const good = {
    [REGISTER.head]: () => name.length === 16 && value.length === 32,
    [REGISTER.kept]: () => name.length === 16 && oneOrTwo,
    [REGISTER.pinned]: () => name.length >= 1 && name.length <= 255 && (value.length === 32 || value.length === 0),
    [REGISTER.verified]: () => name.length === 32 && oneOrTwo,
  }[register];
  if (good && !good()) reader.refuse('register'); // numbers that are not known are not looked at [KRG-03]
}

export function decodeRegister(content) {
  const reader = new Reader(content, { fail: failing('KRG-02') });
  const out = { register: reader.u8('register'), name: reader.vec('name'), clock: reader.u64('clock'), device: reader.take(8, 'device'), value: reader.vec('value') };
  reader.end();
  if (out.clock === 0n) reader.refuse('clock');
  checkRegister(out, reader);
  return out;
}

export const encodeRegister = ({ register, name, clock, device, value }) => concat(u8(register), vec(name), u64(clock), device, vec(value));

export function decodeKept(content) {
  const reader = new Reader(content, { fail: failing('KRG-02') });
  const out = { body: readEpochBody(reader), signer: reader.take(32, 'signer'), commitment: reader.take(32, 'commitment') };
  const kind = reader.u8('kind');
  if (kind !== 1 && kind !== 2) reader.refuse('kind');
  out[kind === 1 ? 'secret' : 'messageKey'] = reader.take(32, 'key');
  reader.end();
  return out;
}

export const encodeKept = (e) => concat(e.body.bytes, e.signer, e.commitment, u8(e.secret ? 1 : 2), e.secret ?? e.messageKey);

/** [KRG-02]: form of what is known; the rest is kept as it is. [KRG-03] */
async function checkEntry({ kind, content }) {
  const decode = { [KIND.epoch]: decodeKept, [KIND.identity]: decodeIdentity, [KIND.transition]: decodeTransition, [KIND.register]: decodeRegister }[kind];
  if (decode) await decode(content);
}

const entryOrder = (a, b) => a.kind - b.kind || compare(a.content, b.content);
const keyOf = ({ kind, content }) => `${kind}:${hex(content)}`;
const registerKey = ({ register, name }) => `${register}:${hex(name)}`;

// --- segments, §20.1 ---

const readEntry = (reader) => ({ kind: reader.u8('kind'), content: reader.vec('content') });
const readRevision = (reader) => ({ device: reader.take(8, 'device'), revision: reader.u64('revision') });
const encodeEntries = (entries) => vec(concat(...entries.map((e) => concat(u8(e.kind), vec(e.content)))));
const encodeRevisions = (revisions) => vec(concat(...revisions.map((r) => concat(r.device, u64(r.revision)))));

function checkAscending(list, order, reader, field) {
  for (let i = 1; i < list.length; i += 1) if (order(list[i - 1], list[i]) >= 0) reader.refuse(field);
}

function readRevisions(reader, field, own) {
  const list = reader.list(field, readRevision);
  checkAscending(list, (a, b) => compare(a.device, b.device), reader, `order of ${field}`);
  if (list.some((r) => r.revision === 0n || equal(r.device, own))) reader.refuse(field);
  return list;
}

/** `stored`: the whole segment of a KeyringState may have revision 0 (§20.7). */
export async function decodeSegment(content, { stored = false } = {}) {
  const reader = new Reader(content, { fail: failing(stored ? 'KRG-09' : 'KRG-01') });
  const own = readRevision(reader);
  if (own.revision === 0n && !stored) reader.refuse('revision');
  const kind = reader.u8('kind');
  if (kind !== WHOLE && kind !== PART) reader.refuse('kind');
  const seen = readRevisions(reader, 'seen', own.device);
  const entries = reader.list('entries', readEntry);
  checkAscending(entries, entryOrder, reader, 'order of entries');
  reader.end();
  for (const entry of entries) await checkEntry(entry);
  return { own, kind, whole: kind === WHOLE, seen, entries };
}

export const encodeSegment = ({ own, kind, seen, entries }) =>
  concat(own.device, u64(own.revision), u8(kind), encodeRevisions(seen), encodeEntries(entries));

/** `keks`: keyring keys by generation, the latest last. Returns the segment and whether it is under the latest. [KRG-01] */
export async function openSegment(data, keks, limits = LIMITS) {
  const header = decodeHeader(data, limits);
  if (header.type !== TYPE.keyring) refuse('unsupported', 'type', 'KRG-01');
  checkStoredForm(header, () => refuse('malformed', 'form of a segment', 'KRG-01'));
  const opened = await openEnvelope(data, keks.map((kek) => ({ kind: 'symmetric', kek })), { limits });
  return { segment: await decodeSegment(opened.content), content: opened.content, latest: equal(opened.by.kek, keks.at(-1)) };
}

export const sealSegment = (segment, kek, source = LIVE) => sealStoredForm(TYPE.keyring, encodeSegment(segment), kek, source);

// --- revisions ---

/** Device id (in hex) to the greatest revision. */
class Revisions extends Map {
  raise(device, revision) {
    if (revision > (this.get(device) ?? 0n)) this.set(device, revision);
  }

  list(without) {
    return [...this].filter(([device]) => device !== without).sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([device, revision]) => ({ device: unhex(device), revision }));
  }
}

/** Known revisions that nothing of `segments` covers, as ranges: numbers may be great, lists are not. [KRG-06] */
export function missingRevisions(known, segments) {
  const out = [];
  for (const [device, last] of [...known].sort(([a], [b]) => (a < b ? -1 : 1))) {
    let upTo = 0n;
    const single = new Set();
    for (const { own, whole, seen } of segments) {
      if (hex(own.device) === device) { if (whole) upTo = own.revision > upTo ? own.revision : upTo; else single.add(own.revision); }
      const named = whole && seen.find((r) => hex(r.device) === device);
      if (named && named.revision > upTo) upTo = named.revision;
    }
    let from = upTo + 1n;
    for (const one of [...single].filter((r) => r > upTo && r <= last).sort((a, b) => (a < b ? -1 : 1))) {
      if (one > from) out.push({ device, from, to: one - 1n });
      from = one + 1n;
    }
    if (from <= last) out.push({ device, from, to: last });
  }
  return out;
}

// --- the keyring, §20.3 ---

export class Keyring {
  /** Begins empty, with a device id of its own. */
  constructor(source = LIVE) {
    Object.assign(this, {
      source, device: source.draw(8), revision: 0n, entries: new Map(), fresh: new Set(), merged: new Revisions(), known: new Revisions(), beyond: new Map(),
    });
  }

  get all() { return [...this.entries.values()].sort(entryOrder); }

  registers() { return this.all.filter((e) => e.kind === KIND.register).map((e) => ({ ...decodeRegister(e.content), entry: e })); }

  /** Union; of the registers of one number and name only those with the greatest clock stay. [KRG-04] */
  put(entries, fresh) {
    for (const entry of entries) {
      const key = keyOf(entry);
      if (!this.entries.has(key)) { this.entries.set(key, entry); if (fresh) this.fresh.add(key); }
    }
    const greatest = new Map();
    for (const r of this.registers()) if (r.clock > (greatest.get(registerKey(r)) ?? 0n)) greatest.set(registerKey(r), r.clock);
    for (const r of this.registers()) {
      if (r.clock === greatest.get(registerKey(r))) continue;
      this.entries.delete(keyOf(r.entry));
      this.fresh.delete(keyOf(r.entry));
    }
  }

  /** { value, conflict, clock }: by the greatest device, of these the greatest value. [KRG-05] */
  read(register, name) {
    const written = this.registers().filter((r) => r.register === register && equal(r.name, name));
    if (!written.length) return { value: null, conflict: [], clock: 0n };
    written.sort((a, b) => compare(b.device, a.device) || compare(b.value, a.value));
    const [first, ...rest] = written;
    const conflict = rest.filter((r) => !equal(r.value, first.value)).map((r) => r.value);
    return { value: first.value, conflict, clock: first.clock };
  }

  write(register, name, value) {
    const { clock } = this.read(register, name);
    if (clock === MAX_CLOCK) refuse('limit', 'there is no greater clock');
    this.put([{ kind: KIND.register, content: encodeRegister({ register, name, clock: clock + 1n, device: this.device, value }) }], true);
  }

  add(kind, content) { this.put([{ kind, content }], true); }

  /** Merges an opened segment; returns what the application is told. */
  async merge(segment) {
    const before = this.pins();
    this.put(segment.entries, false);
    this.count(segment);
    return { changed: await this.pinsThatJumped(before), conflicts: this.conflicts() };
  }

  count({ own, whole, seen }) {
    const mine = () => hex(this.device);
    for (const { device, revision } of [own, ...seen]) {
      if (hex(device) === mine() && revision > this.revision) this.renew(); // [KRG-10]
    }
    for (const { device, revision } of [own, ...seen]) if (hex(device) !== mine()) this.known.raise(hex(device), revision);
    const device = hex(own.device);
    if (device === mine()) return;
    if (whole) {
      for (const r of [own, ...seen]) if (hex(r.device) !== mine()) this.merged.raise(hex(r.device), r.revision);
    } else {
      const waiting = this.beyond.get(device) ?? new Set();
      waiting.add(own.revision);
      this.beyond.set(device, waiting);
    }
    for (const [id, waiting] of this.beyond) {
      while (waiting.has((this.merged.get(id) ?? 0n) + 1n)) this.merged.raise(id, (this.merged.get(id) ?? 0n) + 1n);
    }
  }

  /** Another device has this id, or this one came back in an older state: a new id, and everything is fresh. [KRG-10] */
  renew() {
    const old = hex(this.device);
    if (this.revision > 0n) { this.merged.raise(old, this.revision); this.known.raise(old, this.revision); }
    this.device = this.source.draw(8);
    this.revision = 0n;
    this.fresh = new Set(this.entries.keys());
  }

  /** The next segment. The state is stored before it is uploaded (§20.1). */
  next(whole) {
    this.revision += 1n;
    const entries = whole ? this.all : this.all.filter((e) => this.fresh.has(keyOf(e)));
    this.fresh.clear();
    return { own: { device: this.device, revision: this.revision }, kind: whole ? WHOLE : PART, whole, seen: this.merged.list(hex(this.device)), entries };
  }

  /** Once all that a server has was merged. */
  missing(segments) {
    const known = new Revisions(this.known);
    if (this.revision > 0n) known.raise(hex(this.device), this.revision);
    return missingRevisions(known, segments);
  }

  conflicts() {
    const names = new Map(this.registers().map((r) => [registerKey(r), r]));
    return [...names.values()].filter((r) => this.read(r.register, r.name).conflict.length).map(({ register, name }) => ({ register, name }));
  }

  // --- contacts, §20.5 ---

  pins() {
    const names = this.registers().filter((r) => r.register === REGISTER.pinned);
    return new Map(names.map((r) => [hex(r.name), this.read(REGISTER.pinned, r.name).value]));
  }

  async identities() {
    const all = new Map();
    for (const e of this.all.filter(({ kind }) => kind === KIND.identity)) { const i = await decodeIdentity(e.content); all.set(hex(i.fingerprint), i); }
    return all;
  }

  /** Whether the transitions that are held lead from one fingerprint to another, each by [TRN-01]. */
  async leads(from, to) {
    const identities = await this.identities();
    const transitions = [];
    for (const e of this.all.filter(({ kind }) => kind === KIND.transition)) transitions.push(await decodeTransition(e.content));
    let reached = identities.has(hex(from)) ? [identities.get(hex(from))] : [];
    while (reached.length) { // generations ascend by one, so this ends
      if (reached.some((i) => equal(i.fingerprint, to))) return true;
      const next = [];
      for (const old of reached) {
        for (const t of transitions.filter((one) => equal(one.oldFingerprint, old.fingerprint))) {
          await follow(old, t).then((identity) => next.push(identity), (error) => { if (!(error instanceof Refused)) throw error; });
        }
      }
      reached = next;
    }
    return false;
  }

  async pinsThatJumped(before) {
    const jumped = [];
    for (const [name, value] of this.pins()) { // [KRG-11]
      const old = before.get(name);
      if (!old?.length || equal(old, value)) continue;
      if (!value.length || !await this.leads(old, value)) jumped.push(unhex(name));
    }
    return jumped;
  }

  /** The server's identity for a name: `first`, `known`, `succeeded`, or `changed`, which pins nothing. [KRG-07] */
  async meet(name, identity) {
    const { value, conflict } = this.read(REGISTER.pinned, name);
    if (value?.length && equal(value, identity.fingerprint)) return 'known';
    if (conflict.length) return 'changed';
    const first = !value?.length; // also after the name was given up
    if (!first && !await this.leads(value, identity.fingerprint)) return 'changed';
    this.pin(name, identity);
    return first ? 'first' : 'succeeded';
  }

  unpin(name) { this.write(REGISTER.pinned, name, new Uint8Array(0)); }

  verify(fingerprint, verified) { this.write(REGISTER.verified, fingerprint, u8(verified ? 1 : 2)); }

  /** A contact's transition, from an identity that is held. [TRN-01] */
  async follow(transition) {
    const old = (await this.identities()).get(hex(transition.oldFingerprint)) ?? refuse('unknown', 'old identity');
    const { bytes } = await follow(old, transition);
    this.add(KIND.identity, bytes);
    this.add(KIND.transition, transition.bytes);
  }

  /** Pinned names whose identity is there. */
  async contacts() {
    const identities = await this.identities();
    const out = [];
    for (const [name, fingerprint] of this.pins()) {
      if (identities.has(hex(fingerprint))) out.push({ name: unhex(name), fingerprint, verified: this.isVerified(fingerprint) });
    }
    return out.sort((a, b) => compare(a.name, b.name));
  }

  pin(name, identity) {
    this.add(KIND.identity, identity.bytes);
    this.write(REGISTER.pinned, name, identity.fingerprint);
  }

  isVerified(fingerprint) {
    const { value, conflict } = this.read(REGISTER.verified, fingerprint);
    return value?.[0] === 1 && !conflict.length;
  }

  // --- rooms, §20.6 ---

  /** Every epoch once, with its secret where there is one. */
  async epochsOf(roomId) {
    const all = new Map();
    for (const e of this.all.filter(({ kind }) => kind === KIND.epoch)) {
      const epoch = await makeEpoch(decodeKept(e.content));
      const key = hex(epoch.transcript);
      if (equal(epoch.roomId, roomId) && !all.get(key)?.secret) all.set(key, epoch);
    }
    return [...all.values()].sort((a, b) => Number(a.number - b.number) || compare(a.transcript, b.transcript));
  }

  /** `mine`: the person's fingerprints by generation. [KRG-08] */
  async room(roomId, mine) {
    const epochs = await this.epochsOf(roomId);
    const { value } = this.read(REGISTER.head, roomId);
    const registered = value && epochs.find((e) => equal(e.transcript, value));
    if (!registered?.secret) refuse('unknown', 'the head', 'KRG-08');
    const meIn = ({ body }) => mine.filter((m) => roleIn(body, m)).at(-1);
    if (!meIn(registered)) refuse('room', 'not in the roster', 'KRG-08');
    let head = registered;
    for (const at of onward(epochs, registered)) if (at.secret && meIn(at)) head = at;
    return this.roomAt(head, epochs, meIn(head));
  }

  /** Unconfirmed: a server may have kept back the latest segments. */
  roomAt(head, epochs, me) {
    return { roomId: head.roomId, head, epochs, own: ownBranch(epochs, head, epochs), me, standing: 2, behind: 0n, nextSequence: 0n };
  }

  /** Of all epochs, in hex. */
  async roomIds() {
    const epochs = this.all.filter(({ kind }) => kind === KIND.epoch).map((e) => decodeKept(e.content));
    return Promise.all(epochs.map(async ({ body }) => hex(await roomIdOf(body))));
  }

  // --- storing, §20.7 ---

  encode() {
    const whole = { own: { device: this.device, revision: this.revision }, kind: WHOLE, seen: this.merged.list(hex(this.device)), entries: this.all };
    const fresh = this.all.filter((e) => this.fresh.has(keyOf(e)));
    return concat(vec(encodeSegment(whole)), encodeEntries(fresh), encodeRevisions(this.known.list(hex(this.device))));
  }

  /** [KRG-09] */
  static async decode(content, source = LIVE) {
    const reader = new Reader(content, { fail: failing('KRG-09') });
    const encoded = reader.vec('whole');
    const fresh = reader.list('fresh', readEntry);
    const whole = await decodeSegment(encoded, { stored: true });
    const known = readRevisions(reader, 'known', whole.own.device);
    reader.end();
    if (!whole.whole) reader.refuse('a part');
    checkAscending(fresh, entryOrder, reader, 'order of fresh');
    const keyring = Object.assign(Object.create(Keyring.prototype), {
      source, device: whole.own.device.slice(), revision: whole.own.revision, entries: new Map(), fresh: new Set(fresh.map(keyOf)), beyond: new Map(),
      merged: new Revisions(whole.seen.map((r) => [hex(r.device), r.revision])), known: new Revisions(known.map((r) => [hex(r.device), r.revision])),
    });
    keyring.put(whole.entries, false);
    if (keyring.entries.size !== whole.entries.length) reader.refuse('a register that a later one replaced');
    if (fresh.some((e) => !keyring.entries.has(keyOf(e)))) reader.refuse('fresh');
    for (const [device, revision] of keyring.merged) if ((keyring.known.get(device) ?? 0n) < revision) reader.refuse('known');
    return keyring;
  }

  static async open(data, kek, source = LIVE) {
    const header = decodeHeader(data);
    if (header.type !== TYPE.keyring_state) refuse('unsupported', 'type', 'KRG-09');
    checkStoredForm(header, () => refuse('malformed', 'form of a keyring state', 'KRG-09'));
    const { content } = await openEnvelope(data, [{ kind: 'symmetric', kek }]);
    return Keyring.decode(content, source);
  }

  seal(kek) {
    return sealStoredForm(TYPE.keyring_state, this.encode(), kek, this.source);
  }
}

