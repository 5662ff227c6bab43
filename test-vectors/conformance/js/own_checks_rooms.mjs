// Own checks of rooms as a reader holds them, and of recovery (SPEC §18.3 to §18.8, §21). Imported by own_checks.mjs.

import { LIVE } from './algorithms.js';
import { sealGrant } from './grants.js';
import { encodeKept, Keyring, KIND, REGISTER, sealSegment } from './keyring.js';
import { recoverKeyring, recoverRooms } from './recovery.js';
import { createRoom, Room } from './room.js';
import { HISTORY, ROLE, sealPackage } from './rooms.js';
import { openState } from './state.js';
import { makeHead, makeLeave, checkLeave } from './statements.js';
import { ascii, equal, hex, Refused, u8 } from './wire.js';

/** Four people, and what they do. */
async function cast(person) {
  const people = [await person(), await person(), await person(), await person()];
  const [alice, bob, carol, dave] = people.map((p) => ({ ...p.zero, one: p.one, transition: p.transition, fingerprint: p.zero.identity.fingerprint }));
  const directory = new Map(people.flatMap((p) => [p.zero, p.one]).map((g) => [hex(g.identity.fingerprint), g.identity]));
  const lookup = async (fingerprint) => directory.get(hex(fingerprint)) ?? null;
  const recipientOf = async (fingerprint) => ({ kind: 'p256', public: (await lookup(fingerprint)).encryptionKey, recipientId: fingerprint });
  const readerOf = (...generations) => ({
    keys: generations.map((g) => ({ kind: 'p256', private: g.keys.encryption, recipientId: g.identity.fingerprint })), mine: generations.map((g) => g.identity.fingerprint), lookup,
  });
  const join = (who, data, inviter, others = []) => new Room(readerOf(who)).join(data, { inviter: inviter.fingerprint, others });
  const admin = (who) => ({ fingerprint: who.fingerprint, role: ROLE.admin });
  const member = (who) => ({ fingerprint: who.fingerprint, role: ROLE.member });
  const make = async (history) => (await createRoom({
    creator: alice.fingerprint, nonce: LIVE.draw(16), history, roster: [admin(alice), member(bob)], sender: alice.sender, recipientOf,
  })).envelope;
  const change = async (room, who, roster, options) => (await room.change(roster, who.sender, recipientOf, options)).envelope;
  const give = async (data, ...rooms) => { const out = []; for (const room of rooms) out.push((await room.receive([data].flat())).map((i) => i.answer ?? i.error.message).join()); return out.join(); };
  return { people: [alice, bob, carol, dave], directory, lookup, recipientOf, readerOf, join, admin, member, make, change, give };
}

export async function roomChecks({ is, refused, person }) {
  const { people: [alice, bob, carol, dave], lookup, recipientOf, readerOf, join, admin, member, make, change, give } = await cast(person);

  for (const history of [HISTORY.from_join, HISTORY.shared]) {
    const zero = await make(history);
    const [a, b] = [await join(alice, zero, alice), await join(bob, zero, alice)];
    const add = await change(a, alice, [admin(alice), member(bob), member(carol)]);
    is(await give(add, a, b) === 'head,head', 'an addition is applied');
    is(await give(add, a) === 'held', 'it is held');
    const c = await join(carol, add, alice, [zero]);
    is(c.head.transcript.join() === a.head.transcript.join() && c.epochs.length === (history === HISTORY.shared ? 2 : 1), 'joined');
    if (history === HISTORY.shared) await refused('room', 'ROOM-16', () => join(carol, add, alice, []), 'joining without the past');
    const said = await c.seal(carol.sender, ascii('hello'));
    const heard = await b.open(said.message);
    is(heard.answer === 'fresh 0' && !heard.superseded && equal(heard.sender, carol.fingerprint), 'a message');
    is((await b.open(said.message)).answer === 'duplicate', 'twice');
    if (history === HISTORY.from_join) {
      const grant = await sealGrant(a.own.slice(0, 1), [await recipientOf(carol.fingerprint)], alice.sender);
      is((await c.grant(grant.envelope, alice.fingerprint)).length === 1 && c.own.length === 2, 'a grant');
      is(await give(zero, c) !== 'held', 'a granted epoch has no secret');
    }
    const { state } = await openState((await b.store(new Uint8Array(32))).envelope, new Uint8Array(32));
    is(equal(state.head, b.head.transcript) && state.devices.length === 1, 'stored');

    // A plain member's refresh yields to the admin's removal, whichever came first.
    const refresh = await change(b, bob, b.head.body.roster);
    const removal = await change(a, alice, [admin(alice), member(carol)]);
    is(await give(refresh, b, c) === 'head,head', 'a refresh');
    is(await give(removal, c) === 'switched', 'the removal takes its place');
    is(await give(removal, a) === 'head' && await give(refresh, a) === 'fork', 'the refresh is evidence');
    is(equal(c.recommended().transcript, a.head.transcript), 'settled');
    is((await b.receive([removal]))[0].error instanceof Refused, 'who is removed cannot open it');

    // Out of order: opened by the parents that are among them.
    const later = [await change(a, alice, a.head.body.roster)];
    await give(later[0], a);
    later.unshift(await change(a, alice, [admin(alice), member(carol), member(dave)]));
    await give(later[0], a);
    is(await give(later, c) === 'head,head', 'the last first');
    const stale = await join(carol, add, alice, [zero]);
    const far = await change(a, alice, a.head.body.roster);
    is(await give(far, stale) === 'ahead' && stale.behind === 5n, 'behind');
    await refused('room', 'ROOM-24', () => stale.seal(carol.sender, ascii('x')), 'behind, it seals nothing');
    is(await give([far, ...later, removal], stale) === 'head,head,head,head' && stale.behind === 0n, 'caught up');

    // Leaving, and vouching for a head.
    const leave = await makeLeave({ roomId: c.roomId, transcript: c.head.transcript }, carol.sender);
    is(equal(await checkLeave(leave, a.roomId, a.own, lookup), carol.fingerprint), 'leave');
    const all = [zero, add, removal, ...later];
    const back = new Room(readerOf(carol, carol.one));
    await back.recover(all);
    is(back.own.length === (history === HISTORY.shared ? 5 : 4) && equal(back.head.transcript, a.head.transcript), `recovered ${back.own.length}`);
    await refused('room', 'ROOM-22', () => back.seal(carol.sender, ascii('x')), 'unconfirmed, it seals nothing');
    const nonce = LIVE.draw(32);
    await refused('room', 'ROOM-23', async () => back.confirm(await makeHead(back.head, LIVE.draw(32), alice.sender), nonce, alice.fingerprint), 'another nonce');
    await back.confirm(await makeHead(a.head, nonce, alice.sender), nonce, alice.fingerprint);
    await back.seal(carol.sender, ascii('x'));

    // A new identity takes the old one's place, by its own transition.
    const roster = c.head.body.roster.map((m) => (equal(m.fingerprint, carol.fingerprint) ? { ...m, fingerprint: carol.one.identity.fingerprint } : m));
    const replaced = await change(c, carol.one, roster, { transition: carol.transition });
    is(await give(replaced, a, back) === 'head,head', 'replaced');
    await refused('room', 'ROOM-17', () => stale.join(add, { inviter: alice.fingerprint, others: [zero] }), 'an old invitation');

    // A new device: the keyring has an epoch, the server the rest.
    const ring = new Keyring();
    ring.add(KIND.epoch, encodeKept(c.own[1]));
    ring.write(REGISTER.head, c.roomId, c.own[1].transcript);
    ring.write(REGISTER.kept, c.roomId, u8(1));
    const sealed = await sealSegment(ring.next(false), carol.keyring);
    const told = [];
    const server = {
      packages: [...all, replaced, ascii('?')],
      identities: async (ids) => Promise.all(ids.map(async (id) => (await lookup(id)).bytes)),
    };
    const generations = [carol, carol.one];
    const { keyring, missing } = await recoverKeyring(generations, [sealed.envelope, sealed.envelope.slice(1)], told);
    const recovered = await recoverRooms(generations, keyring, server, told);
    const room = recovered.rooms.get(hex(c.roomId));
    is(missing.length === 0 && told.length >= 2 && room?.head.number === 5n && room.standing === 2, `recovery ${room?.head.number}`);
  }
  // 64 places for evidence: a 65th end that yields takes one of them; what follows a tip needs none.
  const zero = await make(HISTORY.from_join);
  const [a, b] = [await join(alice, zero, alice), await join(bob, zero, alice)];
  await give(await change(a, alice, a.head.body.roster), a);
  const refreshes = [];
  for (let i = 0; i < 65; i += 1) refreshes.push(await change(b, bob, b.head.body.roster));
  is((await a.receive(refreshes)).every(({ answer }) => answer === 'fork' || answer === 'held') && a.tips().length === 64, `tips ${a.tips().length}`);
  const tip = a.tips()[0];
  b.epochs = [...a.epochs];
  b.refind(tip);
  is(await give(await change(b, bob, tip.body.roster), a) === 'fork' && a.tips().length === 64, 'a tip is followed');
  is(a.end(a.tips().find((t) => t.number === 2n), a.head).length === 2, 'an end of two');
  a.changeTo(tip.transcript);
  is(equal(a.head.transcript, tip.transcript) && a.own.length === 2, 'changed by the application');

  // A room that the keyring has with gaps: ways back, further runs, evidence, and what may not begin a run.
  const line = await join(alice, zero, alice);
  const chain = [zero];
  for (let i = 0; i < 4; i += 1) {
    chain.push(await change(line, alice, line.head.body.roster));
    await give(chain.at(-1), line);
  }
  const resumed = async (kept, packages) => {
    const ring = new Keyring();
    for (const n of kept) ring.add(KIND.epoch, encodeKept(line.own[n]));
    ring.write(REGISTER.head, line.roomId, line.own[kept.at(-1)].transcript);
    const told = [];
    const server = { packages, identities: async (ids) => Promise.all(ids.map(async (id) => (await lookup(id)).bytes)) };
    const { rooms } = await recoverRooms([bob], ring, server, told);
    const { own, epochs } = rooms.get(hex(line.roomId));
    return `${own.map((e) => e.number)} of ${epochs.length}${told.map(({ error }) => ` ${error.tag}`).join('')}`;
  };
  for (const [kept, given, expected] of [
    [[0, 4], [2], '0,4 of 3'], [[0, 4], [3], '0,3,4 of 3'], [[0, 4], [3, 4, 2], '0,2,3,4 of 4'], [[0, 4], [1, 2], '0,4 of 4'], [[0, 4], [1, 3, 2], '0,1,2,3,4 of 5'],
    [[0], [2, 4], '0,2,4 of 3'], [[0], [4, 3], '0,3,4 of 3'], [[0, 2], [1], '0,1,2 of 3'], [[0], [1, 2, 3, 4], '0,1,2,3,4 of 5'], [[0, 2], [4, 3, 1], '0,1,2,3,4 of 5'],
  ]) {
    const got = await resumed(kept, given.map((n) => chain[n]));
    is(got === expected, `resumed from ${kept} with ${given}: ${got}`);
  }
  const readers = await Promise.all(line.head.body.roster.map((m) => recipientOf(m.fingerprint)));
  const after = async (n, sender, options) => (await sealPackage({
    body: { ...line.own[n].body, epoch: BigInt(n + 1), previousTranscript: line.own[n].transcript }, readers, sender, ...options,
  })).envelope;
  is(await resumed([0], [await after(0, alice.sender)]) === '0 of 1 ROOM-12', 'what has a parent begins no run');
  is(await resumed([0], [await after(1, bob.sender, { previousSecret: line.own[1].secret })]) === '0 of 1 ROOM-08', 'nor does a plain member');
  const successor = async (who) => {
    const roster = line.head.body.roster.map((m) => (equal(m.fingerprint, who.fingerprint) ? { ...m, fingerprint: who.one.identity.fingerprint } : m));
    return change(line, who.one, roster, { transition: who.transition });
  };
  is(await resumed([0], [await successor(alice)]) === '0,5 of 2', 'the successor of an admin does');
  const bobs = new Room(readerOf(bob, bob.one));
  await bobs.recover([zero, await successor(bob)]);
  is(bobs.head.number === 0n, 'the successor of a member does not');

  // Secrets are tried 4,096 times with the packages of one epoch.
  const many = [];
  for (let i = 0; i < 65; i += 1) {
    many.push(await after(1, alice.sender, { previousSecret: LIVE.draw(32) }));
    many.push(await after(0, alice.sender, { readers: [await recipientOf(dave.fingerprint)] }));
  }
  is((await (await join(bob, zero, alice)).receive(many)).tries.get(1n) === 4096, 'tries are bounded');

  // A room of a keyring whose head is not there, or is somebody else's.
  const ring = new Keyring();
  await refused('unknown', 'KRG-08', () => ring.room(a.roomId, [alice.fingerprint]), 'no head');
  ring.add(KIND.epoch, encodeKept(a.own[0]));
  ring.write(REGISTER.head, a.roomId, a.own[0].transcript);
  await refused('room', 'KRG-08', () => ring.room(a.roomId, [dave.fingerprint]), 'a stranger');
  is((await ring.room(a.roomId, [alice.fingerprint])).standing === 2, 'unconfirmed');
  const { secret, kek, ...granted } = a.own[1];
  ring.add(KIND.epoch, encodeKept(granted));
  is(equal((await ring.room(a.roomId, [alice.fingerprint])).head.transcript, a.own[0].transcript), 'no head without its secret');
  is(secret && kek, 'it had one');
}

/** What is only read, what plain members' refreshes do not stop, and whom a copy names (SPEC §18.3, §18.5, §18.7, §21). */
export async function readChecks({ is, person }) {
  const { people: [alice, bob, carol, dave], lookup, recipientOf, readerOf, join, admin, member, make, change, give } = await cast(person);
  const both = [admin(alice), member(bob)];
  /** Packages of one author, each after the one before, and the author's room. */
  const line = async (first, who, rosters) => {
    const room = await join(who, first, alice);
    const packages = [first];
    for (const roster of rosters) {
      packages.push(await change(room, who, roster));
      await give(packages.at(-1), room);
    }
    return { room, packages };
  };
  const zero = await make(HISTORY.from_join);
  const { room: a, packages: admins } = await line(zero, alice, [both, both, both, both]);
  const { room: b, packages: members } = await line(zero, bob, [both, both, both]);
  const read = (epoch) => ({ ...epoch, secret: null, kek: null });
  const numbers = ({ own, epochs }) => `${own.map((e) => e.number)} of ${epochs.filter((e) => e.secret).length}/${epochs.length}`;

  // Refreshes that yield end no being behind, and keep no admin's epoch from being ahead.
  const slow = await join(bob, zero, alice);
  is(await give(admins[2], slow) === 'ahead' && slow.behind === 2n, 'behind');
  is(await give(members.slice(1), slow) === 'head,head,head' && slow.behind === 2n, 'refreshes do not end it');
  is(await give(admins[3], slow) === 'ahead' && slow.behind === 3n, 'an epoch of the number of a head that yields is ahead');
  is(await give(admins[1], slow) === 'switched' && slow.behind === 3n, 'an earlier one of an admin does not end it');
  is(await give(admins.slice(2), slow) === 'head,head,head' && slow.behind === 0n, 'the one that it is behind of does');

  // What is only read.
  const only = await join(alice, zero, alice);
  only.hold(read(b.own[1]));
  is(only.tips().length === 0 && !only.held(b.own[1].transcript) && only.epochs.length === 2, 'only read: no tip');
  is(equal(only.recommended().transcript, only.head.transcript), 'only read: nothing settles on it');
  is((await only.receive([members[2]]))[0].error?.tag === 'ROOM-08', 'only read: no parent');
  b.changeTo(b.own[1].transcript);
  is((await only.open((await b.seal(bob.sender, ascii('x'))).message)).answer === 'fresh 0', 'only read: its messages open');
  await give(admins[1], only);
  is(await give(members[1], only) === 'fork' && only.tips().length === 1 && await give(members[2], only) === 'fork', 'only read, until its package passes');

  // A run over refreshes, from packages alone.
  const raced = new Room(readerOf(bob));
  await raced.recover([zero, members[1], members[2], admins[2]]);
  is(numbers(raced) === '0,2 of 4/4', `a run over refreshes: ${numbers(raced)}`);

  // A room that the keyring has.
  const resumed = async (kept, packages, people = lookup) => {
    const ring = new Keyring();
    for (const epoch of kept) ring.add(KIND.epoch, encodeKept(epoch));
    ring.write(REGISTER.head, kept[0].roomId, kept.at(-1).transcript);
    const told = [];
    const given = { packages, identities: async (ids) => (await Promise.all(ids.map(people))).filter(Boolean).map(({ bytes }) => bytes) };
    const { rooms, asked } = await recoverRooms([bob], ring, given, told);
    const room = rooms.get(hex(kept[0].roomId));
    return { room, asked: asked.length, told: `${numbers(room)}${told.map(({ error }) => ` ${error.tag ?? error.kind}`).join('')}` };
  };
  const resumes = async (expected, ...given) => {
    const { room, told } = await resumed(...given);
    is(told === expected && !room.reading.size, `resumed: ${told}, not ${expected}`);
  };
  await resumes('0,4 of 2/3', [a.own[0], read(a.own[1]), a.own[4]], []); // over the gap it goes on at 0
  await resumes('0,4 of 2/3', [a.own[0], a.own[4]], [admins[2]]);
  await resumes('0,3,4 of 3/3', [a.own[0], a.own[4]], [admins[3]]); // the own branch leads through it
  const shared = await make(HISTORY.shared);
  const { room: c } = await line(shared, alice, [both, both, both, both]);
  const { packages: [, without, again] } = await line(shared, alice, [[admin(alice)], both]);
  await resumes('0,4 of 2/3', [c.own[0], c.own[4]], [again]);
  await resumes('0,4 of 4/4', [c.own[0], c.own[4]], [again, without]); // a way back on which Bob is not comes to 0: it is evidence

  // Whoever is named in a copy is not looked for before its signature was checked: against a parent, and where it would begin a run.
  const next = alice.one;
  const renamed = [admin({ fingerprint: next.identity.fingerprint }), member(bob)];
  const good = next.sender;
  const forged = { ...good, key: carol.sender.key };
  const nobody = async () => null;
  for (const kept of [a.own, a.own.slice(0, 1)]) {
    for (const [sender, asked, kind] of [[good, 1, 'unknown'], [forged, 0, 'signature']]) {
      const { envelope } = await a.change(renamed, sender, recipientOf, { transition: alice.transition });
      const got = await resumed(kept, [envelope], nobody);
      is(got.asked === asked && got.told.endsWith(` ${kind}`), `a copy's transition: ${got.told}, asked ${got.asked}`);
    }
  }

  // What a named one names is opened: three packages leave Bob out, and the last does not.
  const author = await join(alice, zero, alice);
  const left = [];
  for (const last of [dave, dave, dave, bob]) {
    const { body, number, transcript, secret } = author.head;
    const readers = [await recipientOf(alice.fingerprint), await recipientOf(last.fingerprint)];
    const after = { ...body, epoch: number + 1n, previousTranscript: transcript };
    left.push((await sealPackage({ body: after, previousSecret: secret, readers, sender: alice.sender })).envelope);
    await give(left.at(-1), author);
  }
  is(await give(left, await join(bob, zero, alice)) === 'head,head,head,head', 'what a named one names is opened');
}
