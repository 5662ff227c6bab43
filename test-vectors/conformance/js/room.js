// A room as one reader holds it: applying packages, joining, forks, recovery, confirmation (SPEC §18.3 to §18.8).

import { LIVE } from './algorithms.js';
import { openGrant } from './grants.js';
import { openMessage, ReplayGuard, sealMessage } from './messages.js';
import {
  authorise, authoriseFirst, checkAlone, checkSignature, checkSigned, childrenOf, decodeEpochBody, decodePackageOf, encodeEpochBody, findParent,
  firmNumber, HISTORY, isParent, isYielding, keksOf, mayFollow, onward, openPackage, ROLE, roleIn, sealPackage, settle,
} from './rooms.js';
import { ownBranch, sealState } from './state.js';
import { checkHead } from './statements.js';
import { compare, equal, hex, refuse, Refused, zeros } from './wire.js';

const TIPS = 64;
const ADDS = 64;
const TRIES = 4096; // of secrets that packages name, with the packages of one epoch [ROOM-29]
const CONFIRMED = 1;
const UNCONFIRMED = 2;

/** What became of a package that is not looked at again. The other answers are `ahead` and, after a recovery, `read`. */
const SETTLED = ['head', 'past', 'fork', 'fork not kept', 'switched', 'held', 'secret'];

const room = (tag, why) => refuse('room', why, tag);
const same = (a, b) => equal(a.transcript, b.transcript);
const byNumber = (a, b) => (a.pack.epoch.number < b.pack.epoch.number ? -1 : a.pack.epoch.number > b.pack.epoch.number ? 1 : 0);

/** The result, or null where it was refused, which `place` gets; every other error goes on. */
const passes = (run, place = {}) => orRefused(place, async () => (await run()) ?? true);

/**
 * Opens those packages that can be, from the last back, and by each the one before that it names. `items`: of
 * `itemsOf`, which get `decoded`, `pack` or `error`. [ROOM-29]
 */
async function openAll(items, keysFor, roomId) {
  for (const item of items) item.decoded ??= await orRefused(item, async () => decodePackageOf(roomId, item.data));
  const named = new Map(); // epochs to the secrets that the packages of the next one name, by their hex
  const name = ({ epoch, previousSecret }) => {
    if (!previousSecret) return;
    const number = epoch.number - 1n;
    named.set(number, (named.get(number) ?? new Map()).set(hex(previousSecret), previousSecret));
  };
  for (const { pack } of items) if (pack) name(pack);
  const waiting = items.filter((item) => item.decoded && !item.pack);
  waiting.sort((a, b) => Number(b.decoded.number - a.decoded.number));
  for (const item of waiting) {
    const keys = [...keysFor(item.decoded), ...untried(items, item, named.get(item.decoded.number) ?? new Map())];
    item.pack = await orRefused(item, () => openPackage(item.data, keys));
    if (item.pack) name(item.pack);
  }
}

/** Of these secrets those that are not tried yet with a package, as long as there are tries left for its epoch. */
function untried(items, item, secrets) {
  const { number } = item.decoded;
  const keys = [];
  for (const [id, dek] of secrets) {
    const tries = items.tries.get(number) ?? 0;
    if (tries >= TRIES) break;
    if (item.tried.has(id)) continue;
    item.tried.add(id);
    items.tries.set(number, tries + 1);
    keys.push({ kind: 'dek', dek });
  }
  return keys;
}

/** The result, or null with the refusal as the item's error. Whoever lacked an identity is not told of a parent that is lacking later. */
async function orRefused(item, run) {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.tag !== 'ROOM-08' || item.error?.kind !== 'unknown') item.error = error;
    return null;
  }
}

/** `tries`: how many secrets were tried with the packages of each epoch; `tried`, with one of them. */
const itemsOf = (list) => Object.assign(
  list.map((data) => ({ data, decoded: null, pack: null, answer: null, error: null, tried: new Set() })), { tries: new Map() });

const opened = (items) => items.filter((i) => i.pack).sort(byNumber);

/** Packages of the transcript that a package names as its parent, signed by their author; several copies of one are possible. */
async function parentsAmong(items, epoch, lookup) {
  const out = [];
  for (const item of items) {
    if (item.pack && isParent(item.pack.epoch, epoch) && await passes(() => checkSignature(item.pack, lookup))) out.push(item);
  }
  return out;
}

export class Room {
  /** `keys`: the reader's private keys, with recipient ids; `mine`: its fingerprints in its order; `lookup`: finds identities. */
  constructor({ keys, mine, lookup, device = LIVE.draw(8) }) {
    Object.assign(this, {
      keys, mine, app: lookup, device, learned: new Map(), epochs: [], own: [], head: null, standing: CONFIRMED, behind: 0n, nextSequence: 0n, guard: new ReplayGuard(),
      been: [], // this member's fingerprints: as it joined, began a run or was renamed by them (§18.9)
      reading: new Map(), // during a recovery, by transcript: what was kept in it to be read, with the kek that opens additions (§21)
    });
    this.lookup = async (fingerprint) => this.learned.get(hex(fingerprint)) ?? this.app(fingerprint);
  }

  get roomId() { return this.head?.roomId ?? null; }

  /** By the last of them that is in its roster, the member is in an epoch (§18.9). */
  meIn({ body }) { return this.been.filter((m) => roleIn(body, m)).at(-1) ?? null; }

  get me() { return this.meIn(this.head); }

  be(fingerprint) { if (!this.been.some((m) => equal(m, fingerprint))) this.been.push(fingerprint); }

  /** The first of the reader's identities that is in a roster (§18.4, §18.7). */
  firstIn(body) { return this.mine.find((m) => roleIn(body, m)) ?? room('ROOM-15', 'not in the roster'); }

  stored(transcript) { return this.epochs.find((e) => equal(e.transcript, transcript)) ?? null; }

  /** What counts as held: all but evidence without its secret, which is only read (§18.5). */
  get counting() { return this.epochs.filter((e) => e.secret || this.isOwn(e)); }

  held(transcript) { return this.counting.find((e) => equal(e.transcript, transcript)) ?? null; }

  parentOf(epoch) { return findParent(this.counting, epoch); }

  hold(epoch) {
    const stored = this.stored(epoch.transcript);
    if (stored && !stored.secret) Object.assign(stored, { secret: epoch.secret, kek: epoch.kek });
    if (stored) return;
    this.epochs.push(epoch);
    this.epochs.sort((a, b) => (a.number < b.number ? -1 : a.number > b.number ? 1 : compare(a.transcript, b.transcript)));
  }

  /** Finds the own branch anew (§18.5). */
  refind(head = this.head) {
    this.head = head;
    this.own = ownBranch(this.epochs, head, this.own);
    if (this.behind && firmNumber(this.own) >= this.behind) this.behind = 0n; // [ROOM-24]
  }

  isOwn(epoch) { return this.own.some((e) => same(e, epoch)); }

  /** As it was stored (§18.9). */
  load({ mine, device, nextSequence, standing, behind, head, epochs, used, devices }) {
    const own = epochs.filter((e) => e.branch === 1);
    Object.assign(this, { device, nextSequence, standing, behind, epochs, own, been: [...mine], guard: new ReplayGuard({ used, devices }) });
    this.head = this.stored(head);
  }

  // --- opening ---

  keysFor({ header, number }) {
    const deks = this.epochs.filter((e) => e.secret && e.number === number && equal(e.commitment, header.commitment)).map((e) => ({ kind: 'dek', dek: e.secret }));
    if (!keksOf(header).length) return [...deks, ...this.keys];
    const before = [...this.epochs, ...this.reading.values()].filter((e) => e.kek && e.number + 1n === number);
    return [...deks, ...before.map(({ kek }) => ({ kind: 'symmetric', kek })), ...this.keys];
  }

  // --- applying, §18.3 ---

  /** One package. Returns what became of it; `secret` if it was held by a grant. */
  async take(pack) {
    const { epoch } = pack;
    if (!equal(epoch.roomId, this.roomId)) room('ROOM-03', 'another room');
    const held = this.held(epoch.transcript); // by the transcript, and not by the commitment [ROOM-28]
    const parent = this.parentOf(epoch);
    const follows = parent && same(parent, this.head); // it was kept while that was not
    if (held?.secret && !follows) return 'held';
    if (held && !follows) {
      await checkSignature(pack, this.lookup);
      this.hold(epoch);
      return 'secret';
    }
    if (!parent) return this.withoutParent(pack);
    const renamed = pack.transition && this.been.some((m) => equal(m, pack.transition.oldFingerprint)) ? [pack.transition.identity.fingerprint] : [];
    await authorise(pack, parent, this.lookup, [...this.been, ...renamed]);
    if (pack.transition) this.learned.set(hex(pack.transition.identity.fingerprint), pack.transition.identity);
    for (const fingerprint of renamed) this.be(fingerprint);
    return this.place(epoch, parent);
  }

  /** [ROOM-24], or [ROOM-08]. */
  async withoutParent(pack) {
    const { epoch } = pack;
    if (epoch.number <= firmNumber(this.own) || roleIn(this.head.body, epoch.signer) !== ROLE.admin) room('ROOM-08', 'no such parent');
    await checkSignature(pack, this.lookup);
    // Of who is an admin there no more only an admin's epoch before is missing.
    const of = roleIn(epoch.body, epoch.signer) === ROLE.admin ? epoch.number : firmNumber(this.own) + 1n;
    if (of > this.behind) this.behind = of;
    return 'ahead';
  }

  place(epoch, parent) {
    if (same(parent, this.head)) {
      this.hold(epoch);
      this.own = [...this.own, epoch];
      this.refind(epoch);
      return 'head';
    }
    if (this.own.some((e) => isParent(epoch, e))) {
      this.hold(epoch);
      this.refind();
      return 'past';
    }
    if (this.mustChange(epoch)) {
      this.hold(epoch);
      this.refind(epoch);
      return 'switched';
    }
    return this.keepEvidence(epoch) ? 'fork' : 'fork not kept'; // [ROOM-18]
  }

  yielding(epoch) { return isYielding(epoch, this.parentOf(epoch)); }

  /** [ROOM-19] */
  mustChange(epoch) {
    if (this.yielding(epoch) || epoch.body.adds !== 0) return false;
    let at = this.parentOf(epoch);
    while (at && !this.isOwn(at)) {
      const parent = this.parentOf(at);
      if (!this.yielding(at) || !mayFollow(parent.body, at)) return false; // it may have begun a run, without its parent
      at = parent;
    }
    if (!at) return false;
    return this.own.filter((e) => e.number > at.number).every((e) => this.yielding(e));
  }

  tips() {
    const held = this.counting;
    return held.filter((e) => !this.isOwn(e) && !childrenOf(held, e).length);
  }

  /** The end of a tip, §18.5. */
  end(tip, epoch) {
    const held = this.counting;
    const out = [tip];
    for (let at = tip; ;) {
      const parent = findParent(held, at);
      if (!parent || this.isOwn(parent) || isParent(parent, epoch) || childrenOf(held, parent).some((e) => !same(e, at))) return out;
      out.push(parent);
      at = parent;
    }
  }

  keepEvidence(epoch) {
    const tips = this.tips();
    if (tips.length >= TIPS && !tips.some((tip) => isParent(tip, epoch))) {
      const ends = tips.map((tip) => this.end(tip, epoch)).filter((end) => end.every((e) => this.yielding(e)));
      ends.sort(([a], [b]) => (a.number > b.number ? -1 : a.number < b.number ? 1 : compare(b.transcript, a.transcript)));
      if (!ends.length) return false;
      this.epochs = this.epochs.filter((e) => !ends[0].includes(e));
    }
    this.hold(epoch);
    return true;
  }

  /**
   * Many packages at once [ROOM-29]: those that open, ascending, each after the parents among them that lead to a held epoch;
   * again until a round brings nothing. Returns the items, each with the answer of `take`, or an error.
   */
  async receive(list) {
    const items = itemsOf(list);
    await this.rounds(items, (item) => this.takeAfterParents(item, items));
    return items;
  }

  async rounds(items, take) {
    const known = new Set();
    const further = () => this.counting.filter(({ transcript }) => !known.has(hex(transcript)) && known.add(hex(transcript))).length > 0;
    further();
    do {
      await this.openAll(items);
      for (const item of opened(items)) {
        if (SETTLED.includes(item.answer)) continue;
        await take(item);
        await this.follow(items);
      }
    } while (further());
  }

  /** What was held before the head that it follows is looked at again. */
  async follow(items) {
    for (let before = null; this.head && before !== this.head;) {
      before = this.head;
      for (const item of opened(items)) {
        const held = this.held(item.pack.epoch.transcript);
        if (held && this.head === before && isParent(this.head, item.pack.epoch)) await this.answer(item);
      }
    }
  }

  /** What is kept and leads on from the head, through what is only read too. [KRG-08] */
  goOn() {
    const head = onward(this.epochs, this.head).filter((e) => e.secret && this.meIn(e)).at(-1);
    if (!head || same(head, this.head)) return false;
    this.refind(head);
    return true;
  }

  openAll(items) { return openAll(items, (header) => this.keysFor(header), this.roomId); }

  async takeAfterParents(item, items) {
    const levels = [];
    for (let { epoch } = item.pack; !this.parentOf(epoch) && !this.held(epoch.transcript);) {
      const copies = await parentsAmong(items, epoch, this.lookup);
      if (!copies.length) { levels.length = 0; break; }
      levels.unshift(copies);
      ({ epoch } = copies[0].pack); // copies have one transcript, so they name one parent
    }
    for (const copies of levels) {
      for (const copy of copies) await this.answer(copy);
      if (!this.held(copies[0].pack.epoch.transcript)) break;
    }
    await this.answer(item);
  }

  async answer(item) {
    item.answer = await orRefused(item, () => this.take(item.pack)) ?? item.answer;
  }

  // --- joining, §18.4 ---

  /** `data` adds the reader; `others`: under shared, the earlier packages. [ROOM-15] [ROOM-16] [ROOM-17] */
  async join(data, { inviter, others = [] }) {
    const pack = await openPackage(data, this.keys);
    const { epoch, body } = pack;
    if (this.head) {
      if (!equal(epoch.roomId, this.roomId)) room('ROOM-03', 'another room');
      if (this.counting.some((e) => e.number >= epoch.number)) room('ROOM-17', 'not later than what is held');
      if (body.history !== this.head.body.history) room('ROOM-08', 'another policy');
    }
    await authoriseFirst(pack, { inviter, me: this.mine, lookup: this.lookup });
    const earlier = body.history === HISTORY.shared ? await this.wayBack(pack, others) : [];
    for (const e of [...earlier, epoch]) this.hold(e);
    if (!this.head) this.own = [];
    this.be(this.firstIn(body));
    this.refind(this.held(epoch.transcript));
    Object.assign(this, { standing: CONFIRMED, behind: 0n });
    return this;
  }

  /** Down to epoch 0: any copy that its author signed, and another in its place where that does not lead on. [ROOM-16] */
  async wayBack(pack, others) {
    if (pack.epoch.number === 0n) return [];
    let opened = others.length === 0;
    for (const data of others) {
      const found = await passes(async () => {
        const before = await openPackage(data, [{ kind: 'dek', dek: pack.previousSecret }]);
        opened = true;
        if (before.epoch.number === 0n) checkAlone(before);
        await authorise(pack, before.epoch, this.lookup);
        await checkSignature(before, this.lookup);
        return [...await this.wayBack(before, others), before.epoch];
      });
      if (found) return found;
    }
    return opened ? room('ROOM-16', 'an earlier package') : refuse('decrypt', 'no earlier package opens');
  }

  // --- recovery, §18.7 ---

  /** From packages alone. The room is unconfirmed. */
  async recover(list) {
    const items = itemsOf(list);
    this.standing = UNCONFIRMED;
    await this.rounds(items, async (item) => {
      if (this.head) await this.takeAfterParents(item, items);
      if (!this.head || this.lacksParent(item)) await this.run(item, items);
    });
    return items;
  }

  /** Of a room that a keyring has: as `receive`, then ways back, further runs, what is to be read, until nothing more comes (§21, step 3). */
  async resume(list) {
    const items = itemsOf(list);
    const round = () => this.rounds(items, (item) => this.takeAfterParents(item, items));
    for (let more = true; more;) {
      await round();
      more = this.goOn() || await this.fill(items) || await this.runOn(items, round);
    }
    const isRead = (item) => this.reading.has(hex(item.pack.epoch.transcript)) && this.lacksParent(item);
    for (const item of opened(items)) if (!item.answer && isRead(item)) item.answer = 'read';
    this.reading = new Map();
    return items;
  }

  /** Those that were not taken and have no parent; what follows from those of one number goes before the next, also what opens only then. */
  async runOn(items, round) {
    let any = false;
    const after = (last) => opened(items).find(({ pack }) => pack.epoch.number > last)?.pack.epoch.number;
    for (let number = after(-1n); number !== undefined; number = after(number)) {
      let more = false;
      for (const item of opened(items).filter(({ pack }) => pack.epoch.number === number)) {
        const may = !SETTLED.includes(item.answer) && this.lacksParent(item);
        if (may && await this.run(item, items, { reading: true })) more = true;
        await this.follow(items);
      }
      if (more) await round();
      any ||= more;
    }
    return any;
  }

  lacksParent({ pack: { epoch } }) {
    return equal(epoch.roomId, this.roomId) && !this.held(epoch.transcript) && !this.parentOf(epoch);
  }

  /** A package without a parent begins the room, or a further run; or, with `reading`, is kept to be read. Returns whether anything came. */
  async run(item, items, { reading = false } = {}) {
    const { pack } = item;
    const extent = () => [this.epochs.length, this.epochs.filter((e) => e.secret).length, this.reading.size].join();
    const before = extent();
    const noRun = { error: null };
    item.answer = await orRefused(item, async () => {
      const toRead = this.head !== null && await this.onlyToRead(pack, reading, noRun);
      const me = await this.checkRun(pack);
      this.hold(pack.epoch);
      if (toRead && !this.been.some((m) => equal(m, me))) this.been.unshift(me);
      if (!toRead) {
        this.be(me);
        if (!this.head) this.own = [];
        this.refind(pack.epoch);
      }
      const way = await this.goBack(pack.epoch, items);
      this.refind();
      if (!toRead) return 'head';
      if (this.parentOf(way.at(-1))) return 'fork'; // it came to what is held, and each passed
      this.onlyRead(way.filter((e) => !this.isOwn(e)));
      return this.held(pack.epoch.transcript) ? 'fork' : null;
    });
    if (noRun.error?.kind === 'unknown') item.error = noRun.error; // before others
    return extent() !== before;
  }

  /** Of what nobody held against a parent the message keys stay, and until the recovery ends what opens additions. (§21) */
  onlyRead(way) {
    for (const { number, transcript, kek } of way) this.reading.set(hex(transcript), { number, kek });
    // Others: those of the packages are passed against still.
    this.epochs = this.epochs.map((e) => (way.some((w) => same(w, e)) ? { ...e, secret: null, kek: null } : e));
  }

  /** Whether a package begins no run, by `noRun`, but may be kept to be read; it is refused where it may neither. */
  async onlyToRead(pack, reading, noRun) {
    const { number } = pack.epoch;
    const mayBeRead = reading && number <= this.head.number && !this.own.some((e) => e.number === number && !this.yielding(e));
    if (!mayBeRead) await this.mayRunOn(pack);
    return mayBeRead && !await passes(() => this.mayRunOn(pack), noRun);
  }

  /** Signed by an admin at the head, or by the successor of one; later than the head, or than all that its yielding epochs follow. */
  async mayRunOn(pack) {
    const { epoch: { number, signer }, body, transition } = pack;
    if (number <= this.head.number && (body.adds !== 0 || number <= firmNumber(this.own))) room('ROOM-08', 'not later than the head');
    if (roleIn(this.head.body, signer) === ROLE.admin) return;
    const succeeds = transition && equal(transition.identity.fingerprint, signer) && roleIn(this.head.body, transition.oldFingerprint) === ROLE.admin;
    if (!succeeds) room('ROOM-08', 'no admin at the head');
    await checkSigned(pack, this.lookup);
  }

  /** The rules of a package that begins a run. Returns the reader's fingerprint. */
  async checkRun(pack) {
    const { epoch, body, previousSecret, opened: { header } } = pack;
    const me = this.firstIn(body);
    const signer = roleIn(body, epoch.signer);
    const admin = keksOf(header).length > 0 || !previousSecret;
    if (!signer || (admin && signer !== ROLE.admin)) room('ROOM-15', 'the signer');
    if (body.history === HISTORY.shared && epoch.number !== 0n && !previousSecret) room('ROOM-12', 'previous secret');
    checkAlone(pack);
    const looked = Object.assign(Object.create(null), pack, { transition: null }); // its transition makes nobody known
    await checkSignature(looked, this.lookup);
    return me;
  }

  /** Each parent among what was given, as long as the package after it passes against it. Returns the way, from the start on. */
  async goBack(start, items) {
    const way = [start];
    for (let epoch = start; epoch.number > 0n && !this.parentOf(epoch); epoch = way.at(-1)) {
      await this.openAll(items);
      const after = items.filter((i) => i.pack && same(i.pack.epoch, epoch));
      const taken = await this.pairUp(after, await parentsAmong(items, epoch, this.lookup));
      if (!taken) break;
      this.hold(taken);
      way.push(taken);
    }
    return way;
  }

  /** The way back from the epochs of the own branch that have no parent. Returns whether anything came. */
  async fill(items) {
    const gaps = this.own.filter((e) => e.number > 0n && !this.parentOf(e));
    let more = false;
    for (const epoch of gaps) more = (await this.goBack(epoch, items)).length > 1 || more;
    this.refind();
    return more;
  }

  async pairUp(after, before) {
    for (const b of before) {
      const grandparent = this.parentOf(b.pack.epoch);
      if (grandparent && !await passes(() => authorise(b.pack, grandparent, this.lookup))) continue;
      for (const a of after) if (await passes(() => authorise(a.pack, b.pack.epoch, this.lookup))) return b.pack.epoch;
    }
    return null;
  }

  // --- confirmation ---

  /** [ROOM-23] */
  async confirm(statement, nonce, member) {
    await checkHead(statement, this.head, nonce, member, this.lookup);
    this.standing = CONFIRMED;
  }

  /** The user's explicit word for the head. [ROOM-22] [ROOM-24] */
  accept() { Object.assign(this, { standing: CONFIRMED, behind: 0n }); }

  mayMake() {
    if (this.standing !== CONFIRMED) room('ROOM-22', 'unconfirmed');
    if (this.behind) room('ROOM-24', 'behind');
  }

  // --- forks, grants, messages ---

  /** From the earliest epoch to which the head leads back without a gap. [ROOM-20] */
  recommended() {
    let at = this.head;
    for (let parent = at; parent; parent = this.parentOf(at)) at = parent;
    return settle(this.counting, at);
  }

  /** The application's explicit act. */
  changeTo(transcript) {
    const epoch = this.held(transcript);
    if (!epoch?.secret) room('ROOM-26', 'no head without its secret');
    this.refind(epoch);
  }

  async grant(data, granter) {
    const epochs = await openGrant(data, this.keys, { branch: this.own, granter, lookup: this.lookup });
    const fresh = epochs.filter((epoch) => !this.stored(epoch.transcript));
    for (const epoch of fresh) this.hold(epoch);
    this.refind();
    return fresh;
  }

  /** [RMSG-09] */
  async open(data, aad = zeros(0)) {
    const message = await openMessage(data, aad, this.epochs, this.lookup, this.roomId);
    return {
      ...message, answer: this.guard.tell(message.sender, message.device, message.sequence, message.id),
      superseded: !same(message.epoch, this.head), inRoster: roleIn(this.head.body, message.sender) !== 0,
    };
  }

  async seal({ identity, key }, content, options = {}) {
    this.mayMake();
    const sequence = this.nextSequence;
    this.nextSequence += 1n;
    return sealMessage({ epoch: this.head, identity, key, device: this.device, sequence, content, ...options });
  }

  /** The package of a change (§18.2), which changes nothing here. `recipientOf`: a fingerprint's recipient by public key. */
  async change(roster, sender, recipientOf, { transition = zeros(0), source = LIVE } = {}) {
    this.mayMake();
    const { body: old, secret, number, transcript, kek } = this.head;
    const sorted = [...roster].sort((a, b) => compare(a.fingerprint, b.fingerprint));
    const newcomers = sorted.filter((m) => !roleIn(old, m.fingerprint));
    const kept = old.roster.every((o) => sorted.some((m) => equal(m.fingerprint, o.fingerprint) && m.role === o.role));
    const adding = newcomers.length > 0 && kept && old.adds < ADDS;
    const encoded = encodeEpochBody({ ...old, epoch: number + 1n, previousTranscript: transcript, adds: adding ? old.adds + 1 : 0, roster: sorted });
    const readers = [];
    for (const m of adding ? newcomers : sorted) readers.push(await recipientOf(m.fingerprint));
    const previous = old.history === HISTORY.shared || !newcomers.length ? secret : null;
    return sealPackage({ body: decodeEpochBody(encoded), previousSecret: previous, transition, readers, kek: adding ? kek : null, sender, source });
  }

  store(kek) {
    const epochs = this.epochs.map((e) => ({ ...e, branch: this.isOwn(e) ? 1 : 2 }));
    return sealState({
      mine: this.been, device: this.device, nextSequence: this.nextSequence, standing: this.standing, behind: this.behind, head: this.head.transcript, epochs,
      used: this.guard.used, devices: this.guard.devices,
    }, kek);
  }
}

/** A room is made by its first package, which its creator applies like everyone else. */
export async function createRoom({ creator, nonce, history, roster, sender, recipientOf, source = LIVE }) {
  const sorted = [...roster].sort((a, b) => compare(a.fingerprint, b.fingerprint));
  const body = { creator, creationNonce: nonce, epoch: 0n, previousTranscript: zeros(32), history, adds: 0, roster: sorted };
  const readers = [];
  for (const m of sorted) readers.push(await recipientOf(m.fingerprint));
  return sealPackage({ body: decodeEpochBody(encodeEpochBody(body)), readers, sender, source });
}

