"""What SPEC.md §20 asks for, tried on keyrings that are made here. Run by check.py.

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import itertools
import random
from dataclasses import replace

import identity
import keyring
import room_messages
import room_state
import rooms
import sealroom
import wire
from keyring import CONTACT, EPOCH, HEAD, IDENTITY, PART, REGISTER, TRANSITION, VERIFIED, WHOLE
from keyring import Keyring, Register, Segment
from own_checks import ALICE_2, made, refused
from rooms import FROM_JOIN, MEMBER, SHARED, granted_only
from rooms_own_checks import ALICE, ALICE_1, BOB, CAROL, EVE, PEOPLE
from rooms_own_checks import begun, follow, grown, keys, name, refused_by, roster, sender

KEY = bytes(range(32))
BOB_1 = made("b", 1)
D, E, F = (bytes([letter]) * 8 for letter in b"def")
CHANGE = identity.make_transition(ALICE.identity, ALICE.signing, ALICE_1.identity, ALICE_1.rotation)
CHANGE_2 = identity.make_transition(ALICE_1.identity, ALICE_1.signing, ALICE_2.identity, ALICE_2.rotation)


def on(register, label, clock, device, value):
    return REGISTER, Register(register, label, clock, device, value).encode()


def part(device, revision, *entries, seen=None, kind=PART):
    return Segment(device, revision, kind, seen or {}, frozenset(entries))


def same_to_all(one, other):
    """What devices have in common."""
    assert one.entries == other.entries and keyring.conflicts(one) == keyring.conflicts(other)


def written(mine, kind=PART):
    """The keyring after a segment, and the segment as it is opened."""
    mine, data = keyring.make_segment(mine, kind, KEY)
    return mine, keyring.open_segment(data, [bytes(32), KEY])


def check_segments():  # KRG-01
    mine = keyring.write(keyring.begin(), CONTACT, b"alice", name(ALICE))
    first, segment = written(mine)
    assert segment == Segment(mine.device, 1, PART, {}, mine.entries) and not first.fresh and first.revision == 1
    more = keyring.write(first, CONTACT, b"bob", name(BOB))
    _, segment = written(more)
    assert segment.revision == 2 and len(segment.entries) == 1
    more, segment = written(more, WHOLE)
    assert segment.kind == WHOLE and segment.entries == more.entries and len(more.entries) == 2
    content = keyring.encode_segment(segment)
    assert keyring.decode_segment(content) == segment
    data = sealroom.seal_own(content, wire.KEYRING, KEY)
    assert len(data) == 33 + 2 + 65 + 1 + 32 + 16 + sealroom.padme(8 + len(content))
    refused(wire.Decrypt, keyring.open_segment, data, [bytes(32)])
    refused(wire.Unsupported, sealroom.open, data, [sealroom.SymmetricKey(KEY)])
    sym = [sealroom.SymmetricKey(KEY)]
    by, both = sender(ALICE), sym + [sealroom.SymmetricKey(bytes(32))]
    person = sealroom.Recipient(ALICE.encryption.public_key(), name(ALICE))
    for recipients, kind, author, padding, public in (
        (sym, wire.KEYRING_STATE, None, True, b""), (sym, wire.MESSAGE, None, True, b""),
        (both, wire.KEYRING, None, True, b""), (sym + [person], wire.KEYRING, None, True, b""),
        ([person], wire.KEYRING, None, True, b""), (sym, wire.KEYRING, by, True, b""),
        (sym, wire.KEYRING, None, False, b""), (sym, wire.KEYRING, None, True, b"x"),
    ):
        wrong = sealroom.seal_parts(content, recipients, kind, author, padding, public, 0, None).envelope
        refused(wire.SealroomError, keyring.open_segment, wrong, [KEY])
    own = replace(segment, device=E, seen={D: 3, F: 1})
    assert keyring.decode_segment(keyring.encode_segment(own)) == own
    for wrong in (replace(own, revision=0), replace(own, kind=3), replace(own, kind=0), replace(own, seen={E: 1}),
                  replace(own, seen={D: 0})):
        refused(wire.Malformed, keyring.decode_segment, keyring.encode_segment(wrong))
    good = keyring.encode_segment(own)
    two = D + wire.integer(3, 8) + F + wire.integer(1, 8)
    for wrong in (F + wire.integer(1, 8) + D + wire.integer(3, 8), D + wire.integer(3, 8) + D + wire.integer(4, 8)):
        assert two in good
        refused(wire.Malformed, keyring.decode_segment, good.replace(two, wrong))
    refused(wire.Malformed, keyring.decode_segment, good + b"\x00")
    for cut in range(len(good)):
        refused(wire.Malformed, keyring.decode_segment, good[:cut])


def check_entries():  # KRG-02, KRG-03
    _, zero = begun()
    granted = granted_only(zero)
    epoch, number = keyring.encode_epoch(zero), wire.integer
    assert keyring.decode_epoch(epoch) == zero
    assert keyring.decode_epoch(keyring.encode_epoch(granted)) == granted
    room, finger = zero.body.room_id, name(BOB)
    right = [
        (EPOCH, epoch), (EPOCH, keyring.encode_epoch(granted)), (IDENTITY, ALICE.identity.encode()),
        (TRANSITION, CHANGE), on(HEAD, room, 1, D, bytes(32)), on(2, room, 2**64 - 1, D, b"\x01"),
        on(2, room, 1, D, b"\x02"), on(CONTACT, b"x", 1, D, finger), on(CONTACT, b"x" * 255, 1, D, b""),
        on(VERIFIED, finger, 1, D, b"\x01"), on(VERIFIED, finger, 1, D, b"\x02"),
        (0, b""), (5, b""), (255, bytes(70)), on(0, b"", 1, D, b""), on(5, bytes(300), 1, D, bytes(300)),
    ]
    segment = part(D, 1, *right)
    assert keyring.decode_segment(keyring.encode_segment(segment)) == segment
    mine = keyring.merge(keyring.begin(), [segment])
    assert {(255, bytes(70)), on(0, b"", 1, D, b"")} <= written(mine, WHOLE)[1].entries
    broken = [(EPOCH, b""), (IDENTITY, b""), (TRANSITION, b""), (REGISTER, b"")]
    broken += [(EPOCH, epoch[:-33] + kind + epoch[-32:]) for kind in (b"\x00", b"\x03")]
    broken += [(EPOCH, keyring.encode_epoch(replace(zero, body=replace(zero.body, roster=()))))]
    broken += [(kind, content + b"\x00") for kind, content in right if 0 < kind < 5]
    broken += [(kind, content[:-1]) for kind, content in right if 0 < kind < 5]
    flip = ALICE.identity.encode()
    broken += [
        on(HEAD, room[1:], 1, D, bytes(32)), on(HEAD, room + b"\x00", 1, D, bytes(32)), on(HEAD, room, 1, D, bytes(31)),
        on(HEAD, room, 1, D, b""), on(HEAD, room, 0, D, bytes(32)), on(2, room, 1, D, b""), on(2, room, 1, D, b"\x00"),
        on(2, room, 1, D, b"\x03"), on(2, room, 1, D, b"\x01\x01"), on(2, room[1:], 1, D, b"\x01"),
        on(CONTACT, b"", 1, D, finger), on(CONTACT, bytes(256), 1, D, finger), on(CONTACT, b"x", 1, D, finger[1:]),
        on(CONTACT, b"x", 1, D, finger + b"x"), on(VERIFIED, finger[1:], 1, D, b"\x01"),
        on(VERIFIED, b"", 1, D, b"\x01"),
        on(VERIFIED, finger, 1, D, b"\x03"), on(VERIFIED, finger, 1, D, b""), on(9, b"", 0, D, b""),
    ]
    for entry in broken:
        refused(wire.Malformed, keyring.decode_segment, keyring.encode_segment(part(D, 1, entry)))
    for entry, error in (((IDENTITY, flip[:-1] + bytes([flip[-1] ^ 1])), wire.BadSignature),
                         ((IDENTITY, CHANGE), wire.Unsupported), ((TRANSITION, flip), wire.Unsupported)):
        refused(error, keyring.decode_segment, keyring.encode_segment(part(D, 1, entry)))
    one, two = (0, b"a"), (0, b"b")
    good = keyring.encode_segment(part(D, 1, one, two))
    for wrong in (b"\x00\x01b\x00\x01a", b"\x00\x01a\x00\x01a", b"\x05\x01a\x04\x01a"):
        refused(wire.Malformed, keyring.decode_segment, good.replace(b"\x00\x01a\x00\x01b", wrong))


def check_merging():  # KRG-04: in whatever order, and however often
    draw = random.Random(4)
    for _ in range(30):
        devices = [Keyring(bytes([place] * 8)) for place in range(4)]
        server = []
        for step in range(40):
            place = draw.randrange(4)
            mine = devices[place]
            what = draw.randrange(6)
            if what < 3:
                label = draw.choice([b"x", b"y"])
                mine = keyring.write(mine, CONTACT, label, draw.choice([name(ALICE), name(BOB), b""]))
            elif what == 3:
                mine = keyring.add(mine, [(draw.choice([0, 9]), bytes([step]))])
            elif what == 4 and server:
                mine = keyring.merge(mine, draw.sample(server, draw.randrange(len(server) + 1)))
            else:
                mine, segment = written(mine, draw.choice([WHOLE, PART, PART]))
                server.append(segment)
            devices[place] = keyring.decode_keyring(keyring.encode_keyring(mine))
            assert devices[place] == mine
        for place in range(4):
            devices[place], segment = written(devices[place])
            server.append(segment)
        ends = []
        for start in (*devices, *(Keyring(D) for _ in range(6))):
            given = server * 2
            draw.shuffle(given)
            cut = draw.randrange(len(given))
            one = keyring.merge(keyring.merge(start, given[:cut]), given[cut:])
            one = keyring.merge(one, server)  # what came behind a gap comes again
            assert not keyring.missing(one, server)
            assert one.seen == one.known == {own.device: own.revision for own in devices if own.device != one.device}
            ends.append(one)
        for one in ends[1:]:
            same_to_all(ends[0], one)


def check_registers():  # KRG-04, KRG-05
    mine = Keyring(D)
    assert keyring.value_of(mine, CONTACT, b"x") is None
    entries = [on(CONTACT, b"x", 1, F, bytes(32)), on(CONTACT, b"x", 2, D, name(BOB)),
               on(CONTACT, b"x", 2, E, name(EVE)), on(CONTACT, b"x", 2, E, name(BOB)),
               on(CONTACT, b"y", 1, D, name(BOB)), on(CONTACT, b"y", 1, E, name(BOB)),
               on(9, b"x", 1, D, b"1"), on(9, b"x", 2, D, b"2")]
    for order in itertools.permutations(entries[:4]):
        one = mine
        for entry in (*order, *entries[4:]):
            one = keyring.merge(one, [part(E, 1, entry)])
        assert entries[0] not in one.entries and entries[6] not in one.entries and len(one.entries) == 6
        assert keyring.value_of(one, CONTACT, b"x") == max(name(EVE), name(BOB))  # by the greatest device
        (conflict,) = keyring.conflicts(one)  # not of y, of which all say the same
        assert len(conflict) == 3 and conflict[0].value == max(name(EVE), name(BOB))
    one = keyring.write(one, CONTACT, b"x", name(ALICE))
    assert not keyring.conflicts(one) and keyring.written(one, CONTACT, b"x")[0].clock == 3 and len(one.entries) == 4
    assert one.fresh == {on(CONTACT, b"x", 3, D, name(ALICE))}
    after = keyring.merge(one, [part(E, 2, on(CONTACT, b"x", 4, E, b""))])
    assert keyring.value_of(after, CONTACT, b"x") == b"" and not after.fresh  # nobody needs what was replaced
    last = keyring.merge(mine, [part(E, 1, on(CONTACT, b"x", 2**64 - 1, E, b""))])
    refused(wire.Limit, keyring.write, last, CONTACT, b"x", name(ALICE))
    refused(wire.Malformed, keyring.write, mine, CONTACT, b"", name(ALICE))


def check_missing():  # KRG-06
    def ends(given, start=Keyring(D)):
        mine = keyring.merge(start, given)
        return mine, keyring.missing(mine, given)

    assert ends([]) == (Keyring(D), []) and ends([part(E, 1), part(E, 2)])[1] == []
    mine, found = ends([part(E, 3), part(E, 1)])
    assert found == [(E, 2, 2)] and mine.seen == {E: 1} and mine.known == {E: 3}
    mine, found = ends([part(E, 2)], mine)
    assert found == [(E, 1, 1), (E, 3, 3)] and mine.seen == {E: 2}
    mine, found = ends([part(E, 1), part(E, 2), part(E, 3)], mine)
    assert found == [] and mine.seen == {E: 3}
    assert ends([], mine)[1] == [(E, 1, 3)]  # rolled back
    mine, found = ends([part(E, 4, seen={F: 2}, kind=WHOLE)])
    assert found == [] and mine.seen == {E: 4, F: 2}
    mine, found = ends([part(E, 4, seen={F: 2})])
    assert found == [(E, 1, 3), (F, 1, 2)] and mine.seen == {} and mine.known == {E: 4, F: 2}
    huge = 2**64 - 1
    assert ends([part(E, 1, seen={F: huge}), part(F, 7)])[1] == [(F, 1, 6), (F, 8, huge)]
    own, segment = written(keyring.add(Keyring(D), [(9, b"")]))
    assert keyring.missing(own, []) == [(D, 1, 1)] and keyring.missing(own, [segment]) == []
    assert keyring.missing(own, [part(E, 1, seen={D: 1})]) == [(D, 1, 1)]
    assert keyring.missing(own, [part(E, 1, seen={D: 1}, kind=WHOLE)]) == []
    old = keyring.merge(Keyring(D), [segment])  # an older state came back
    assert old.device != D and old.seen == old.known == {D: 1} and old.revision == 0
    old = keyring.merge(own, [part(E, 1, seen={D: 5})])
    assert old.device != D and old.seen == {D: 1, E: 1} and old.known == {D: 5, E: 1} and old.fresh == old.entries


def check_contacts():  # KRG-07
    mine, outcome = keyring.pin(keyring.begin(), b"a", ALICE.identity)
    assert outcome == "pinned" and keyring.value_of(mine, CONTACT, b"a") == name(ALICE)
    assert keyring.pin(mine, b"a", ALICE.identity) == (mine, "same")
    mine = keyring.write(mine, VERIFIED, name(ALICE), keyring.YES)
    assert keyring.is_verified(mine, name(ALICE)) and not keyring.is_verified(mine, name(BOB))
    others = [CHANGE[:-1] + bytes([CHANGE[-1] ^ 1]), b"x", identity.make_transition(
        ALICE.identity, EVE.signing, ALICE_1.identity, ALICE_1.rotation)]
    for other, given in ((ALICE_1, []), (ALICE_1, others), (BOB, [CHANGE]), (ALICE_2, [CHANGE]), (ALICE_2, [CHANGE_2])):
        assert keyring.pin(mine, b"a", other.identity, given) == (mine, "changed")
    after, outcome = keyring.pin(mine, b"a", ALICE_1.identity, [*others, CHANGE])
    assert outcome == "followed" and (TRANSITION, CHANGE) in after.entries
    assert not keyring.is_verified(after, name(ALICE_1))
    assert keyring.pin(after, b"a", ALICE.identity, [CHANGE]) == (after, "changed")  # an older one
    two, outcome = keyring.pin(mine, b"a", ALICE_2.identity, [CHANGE_2, CHANGE])
    assert outcome == "followed" and keyring.value_of(two, CONTACT, b"a") == name(ALICE_2)
    holding = keyring.add(mine, [(TRANSITION, CHANGE), (TRANSITION, CHANGE_2)])
    assert keyring.pin(holding, b"a", ALICE_2.identity)[1] == "followed"
    without = replace(mine, entries=frozenset(e for e in mine.entries if e[0] != IDENTITY))
    assert keyring.pin(without, b"a", ALICE_1.identity, [CHANGE])[1] == "changed"
    after, outcome = keyring.pin(mine, b"a", BOB.identity, anyway=True)
    assert outcome == "pinned" and keyring.value_of(after, CONTACT, b"a") == name(BOB)
    after = keyring.write(mine, CONTACT, b"a", b"")
    assert keyring.pin(after, b"a", EVE.identity)[1] == "pinned"
    assert keyring.pin(mine, b"b", EVE.identity)[1] == "pinned"


def check_conflicting_contacts():  # KRG-05, KRG-07
    both = [on(CONTACT, b"a", 1, D, name(ALICE)), on(CONTACT, b"a", 1, E, name(BOB))]
    mine = keyring.merge(keyring.begin(), [part(F, 1, *both, (IDENTITY, BOB.identity.encode()))])
    mine = keyring.add(mine, [(IDENTITY, ALICE.identity.encode()), (TRANSITION, CHANGE)])
    assert keyring.value_of(mine, CONTACT, b"a") == name(BOB) and len(keyring.conflicts(mine)) == 1
    assert keyring.pin(mine, b"a", BOB.identity) == (mine, "same")
    assert keyring.pin(mine, b"a", ALICE.identity) == (mine, "changed")
    change = identity.make_transition(BOB.identity, BOB.signing, BOB_1.identity, BOB_1.rotation)
    assert keyring.pin(mine, b"a", BOB_1.identity, [change]) == (mine, "changed")  # also where transitions lead
    after, outcome = keyring.pin(mine, b"a", BOB_1.identity, anyway=True)
    assert outcome == "pinned" and not keyring.conflicts(after)
    given_up = [on(CONTACT, b"a", 1, D, name(ALICE)), on(CONTACT, b"a", 1, E, b"")]
    mine = keyring.merge(keyring.begin(), [part(F, 1, *given_up)])
    assert keyring.pin(mine, b"a", ALICE.identity) == (mine, "changed")
    mine = keyring.merge(keyring.begin(), [part(D, 1, on(VERIFIED, name(BOB), 1, D, keyring.NO))])
    assert not keyring.is_verified(mine, name(BOB))
    mine = keyring.merge(mine, [part(E, 1, on(VERIFIED, name(BOB), 1, E, keyring.YES))])
    assert keyring.value_of(mine, VERIFIED, name(BOB)) == keyring.YES and not keyring.is_verified(mine, name(BOB))
    assert keyring.is_verified(keyring.write(mine, VERIFIED, name(BOB), keyring.YES), name(BOB))


def check_repinned():  # KRG-11
    mine, _ = keyring.pin(Keyring(D), b"a", ALICE.identity)

    def told(*entries, start=mine):
        return keyring.repinned(start, keyring.merge(start, [part(E, 1, *entries)]))

    to_bob, to_new = (on(CONTACT, b"a", 2, E, name(one)) for one in (BOB, ALICE_1))
    assert told(to_bob) == [(b"a", name(ALICE), name(BOB))]
    assert told(on(CONTACT, b"a", 1, E, name(BOB))) == [(b"a", name(ALICE), name(BOB))]  # a conflict, and theirs counts
    assert told(on(CONTACT, b"a", 1, bytes(8), name(BOB))) == []  # ours does
    assert told(to_new) == [(b"a", name(ALICE), name(ALICE_1))] and told(to_new, (TRANSITION, CHANGE)) == []
    far = on(CONTACT, b"a", 2, E, name(ALICE_2))
    assert told(far, (TRANSITION, CHANGE_2)) and not told(far, (TRANSITION, CHANGE_2), (TRANSITION, CHANGE))
    assert told(to_new, (TRANSITION, CHANGE_2)) and told(to_bob, (TRANSITION, CHANGE))
    assert told(on(CONTACT, b"a", 2, E, b"")) == [(b"a", name(ALICE), b"")]  # given up
    assert told(on(CONTACT, b"b", 9, E, name(BOB))) == []  # at first sight
    without = Keyring(D, entries=frozenset(one for one in mine.entries if one[0] != IDENTITY))
    assert told(to_new, (TRANSITION, CHANGE), start=without)  # nothing to check the transition by
    back = keyring.merge(mine, [part(E, 1, to_new, (TRANSITION, CHANGE), (IDENTITY, ALICE_1.identity.encode()))])
    assert told(on(CONTACT, b"a", 3, E, name(ALICE)), start=back)  # to an older one


def check_heads_that_lag():  # KRG-08, §21
    package, zero = begun(admins=(ALICE, BOB), members=(CAROL,))
    everyone = zero.body.members

    def after(parent, by=ALICE, members=everyone):
        return follow(rooms.make_package(parent, members, sender(by), PEOPLE), parent)

    def room(*epochs, head=zero, who=keys(BOB), latest=False):
        entries = [(EPOCH, keyring.encode_epoch(one)) for one in epochs]
        mine = keyring.add(keyring.begin(), [*entries, on(HEAD, zero.body.room_id, 1, D, head.transcript)])
        return keyring.room_from(mine, zero.body.room_id, [key.id for key in who], latest)

    one, yielding, removal = after(zero), after(zero, CAROL), after(zero, members=roster([ALICE, BOB]))
    two = after(one)
    got = room(zero, one, two, yielding)
    assert got.line() == [zero, one, two] and list(got.evidence) == [yielding.transcript]
    assert room(zero, one, two, yielding, removal).head == removal.transcript  # the best, not the longest
    assert room(zero, one, two, yielding, removal, head=one).head == two.transcript  # only what follows the register's
    assert room(zero, yielding, two, head=zero).head == yielding.transcript
    granted = granted_only(two)
    assert room(zero, one, granted).head == one.transcript  # what follows came by a grant alone
    three = after(two)
    assert room(zero, one, granted, three).line() == [zero, one, granted, three]
    assert room(zero, granted_only(one), three, head=three).line() == [zero, three]  # over a gap to one with its secret
    assert room_state.decode_state(room_state.encode_state(got)) == got
    refused(wire.Unknown, lambda: room(zero, one, head=two))
    refused(wire.Unknown, lambda: room(zero, one, head=two, who=keys(EVE), latest=True))
    assert room(zero, one, yielding, head=two, latest=True).head == max(one.transcript, yielding.transcript)
    assert room(zero, one, granted, head=two, latest=True).head == one.transcript
    assert room(zero, removal, who=keys(CAROL)).head == zero.transcript  # the best is not for this person
    assert room(zero, removal, head=two, who=keys(CAROL), latest=True).head == zero.transcript
    refused_by("KRG-08", room, zero, removal, head=removal, who=keys(CAROL))
    assert room(zero, one, head=zero, latest=True).head == one.transcript
    mine = keyring.add(keyring.begin(), [(EPOCH, keyring.encode_epoch(zero))])
    assert keyring.room_from(mine, zero.body.room_id, [name(BOB)], True).line() == [zero]
    replaced = roster([ALICE, ALICE_1, BOB], [CAROL])
    last = after(zero, members=replaced)
    assert room(zero, last, who=keys(ALICE_1, ALICE)).me == name(ALICE_1)


def check_rooms():  # KRG-08
    for history in (SHARED, FROM_JOIN):
        packages, epochs = grown(history)
        state = room_state.join(packages[0], keys(BOB), name(ALICE), PEOPLE)
        for package in packages[1:]:
            state, _ = room_state.apply(state, package, keys(BOB), PEOPLE)
        fork = rooms.make_package(epochs[1], epochs[1].body.members, sender(ALICE), PEOPLE)
        state, outcome = room_state.apply(state, fork, keys(BOB), PEOPLE)
        assert outcome == "fork"
        state, message = room_state.send(state, sender(BOB), b"")
        state, _ = room_state.receive(state, message, PEOPLE)
        first = keyring.keep_room(keyring.begin(), room_state.start([epochs[0]], epochs[0], name(BOB), 1))
        mine = keyring.keep_room(first, state)
        assert keyring.keep_room(mine, state) == mine and len(mine.entries) == 5 + 2
        _, segment = written(mine, WHOLE)
        mine = keyring.merge(keyring.begin(), [segment])
        room_id = state.room_id
        got = keyring.room_from(mine, room_id, [name(EVE), name(BOB), name(ALICE)])
        assert (got.branch, got.evidence, got.head) == (state.branch, state.evidence, state.head)
        read = {key: granted_only(one) for key, one in state.evidence.items()}
        only_read = keyring.keep_room(keyring.begin(), replace(state, evidence=read))
        assert keyring.room_from(only_read, room_id, [name(BOB)]).evidence == read
        assert got.me == name(BOB) and got.device != state.device and got.next_sequence == got.used == 0
        assert got.devices == () and got.behind == 0
        assert room_state.decode_state(room_state.encode_state(got)) == got
        refused_by("ROOM-22", room_state.send, got, sender(BOB), b"")
        assert room_messages.open_message(message, got.held.values(), PEOPLE).content == b""
        refused_by("KRG-08", keyring.room_from, mine, room_id, [name(CAROL)])
        refused(wire.Unknown, keyring.room_from, mine, bytes(16), [name(BOB)])

        def but(*drop, granted=()):
            entries = {(EPOCH, keyring.encode_epoch(one)) for one in (*drop, *granted)}
            more = {(EPOCH, keyring.encode_epoch(granted_only(one))) for one in granted}
            return replace(mine, entries=mine.entries - entries | more)

        refused(wire.Unknown, keyring.room_from, but(epochs[3]), room_id, [name(BOB)])
        refused(wire.Unknown, keyring.room_from, but(granted=epochs[3:]), room_id, [name(BOB)])
        headless = replace(mine, entries=frozenset(e for e in mine.entries if e[0] != REGISTER))
        refused(wire.Unknown, keyring.room_from, headless, room_id, [name(BOB)])
        got = keyring.room_from(but(granted=epochs[1:2]), room_id, [name(BOB)])
        assert [one.secret is None for one in got.line()] == [False, True, False, False]
        both = keyring.add(mine, [(EPOCH, keyring.encode_epoch(granted_only(epochs[1])))])
        assert keyring.room_from(both, room_id, [name(BOB)]).branch == state.branch  # a secret goes before
        other = follow(fork, epochs[1])
        got = keyring.room_from(but(epochs[2]), room_id, [name(BOB)])  # on from the latest before the missing parent
        assert got.line() == [epochs[0], epochs[1], epochs[3]] and list(got.evidence) == [other.transcript]
        got = keyring.room_from(but(epochs[2], epochs[1]), room_id, [name(BOB)])
        assert got.line() == [epochs[0], epochs[3]]
        ones = [epochs[0].body.members | {name(one): MEMBER} for one in (CAROL, EVE)]
        ones = [follow(rooms.make_package(epochs[0], members, sender(ALICE), PEOPLE), epochs[0]) for members in ones]
        wide = keyring.add(but(epochs[2], epochs[1]), [(EPOCH, keyring.encode_epoch(one)) for one in ones])
        got = keyring.room_from(wide, room_id, [name(BOB)])
        assert got.line()[1] == max(ones, key=lambda one: one.transcript)
        assert room_state.decode_state(room_state.encode_state(got)) == got
        stranger = replace(epochs[0], body=replace(epochs[0].body, history=3 - history))
        mixed = keyring.add(mine, [(EPOCH, keyring.encode_epoch(stranger))])
        assert keyring.room_from(mixed, room_id, [name(BOB)]).there == state.there  # of another policy


def check_states():  # KRG-09
    mine = keyring.write(Keyring(D), CONTACT, b"x", name(ALICE))
    assert keyring.decode_keyring(keyring.encode_keyring(mine)) == mine
    mine = keyring.merge(mine, [part(E, 1, (9, b"")), part(F, 4), part(F, 7, kind=WHOLE, seen={E: 1})])
    good = replace(mine, known=mine.known | {bytes(8): 3})  # of which nothing is merged
    for right in (mine, good, replace(mine, revision=2**64 - 1)):
        data = keyring.seal_keyring(right, KEY)
        assert keyring.open_keyring(data, KEY) == right
    refused(wire.Decrypt, keyring.open_keyring, data, bytes(32))
    refused(wire.Unsupported, keyring.open_segment, data, [KEY])
    old = on(CONTACT, b"y", 1, E, b""), on(CONTACT, b"y", 2, E, b"")
    for wrong in (
        replace(mine, fresh=mine.fresh | {(9, b"x")}), replace(mine, entries=mine.entries | set(old)),
        replace(mine, known={F: 7}), replace(mine, known=mine.known | {F: 6}), replace(mine, known={}),
        replace(mine, known=mine.known | {D: 1}), replace(mine, seen=mine.seen | {D: 1}, known=mine.known | {D: 1}),
        replace(mine, known=mine.known | {bytes(8): 0}), replace(mine, entries=mine.entries | {(REGISTER, b"")}),
    ):
        refused(wire.Malformed, keyring.decode_keyring, keyring.encode_keyring(wrong))
    content = keyring.encode_keyring(mine)
    refused(wire.Malformed, keyring.decode_keyring, content + b"\x00")
    segment = keyring.encode_segment(Segment(D, 1, PART, {}, frozenset()))
    refused(wire.Malformed, keyring.decode_keyring, wire.vector(segment) + b"\x00\x00")
    for cut in range(0, len(content), 5):
        refused(wire.Malformed, keyring.decode_keyring, content[:cut])


def check_lost_devices():  # KRG-01, §22.4: what a thief writes under the old key
    mine = keyring.write(keyring.begin(), CONTACT, b"a", name(ALICE))
    mine, first = keyring.make_segment(mine, PART, ALICE.keyring)
    mine, second = keyring.make_segment(keyring.write(mine, CONTACT, b"b", name(BOB)), PART, ALICE_1.keyring)
    _, whole = keyring.make_segment(mine, WHOLE, ALICE_1.keyring)
    _, old = keyring.make_segment(mine, WHOLE, ALICE.keyring)
    _, false = keyring.make_segment(keyring.write(Keyring(E), CONTACT, b"a", name(EVE)), WHOLE, ALICE.keyring)
    both = [ALICE_1.keyring, ALICE.keyring]

    def revisions(given, found=both, merged=False):
        segments, failed = keyring.open_segments(given, found, merged)
        assert {data for data, _ in failed} <= set(given) and len(segments) + len(failed) <= len(set(given))
        return sorted((one.device == mine.device, one.revision) for one in segments)

    for given in ([first, second, false], [false, second, first, first]):
        assert revisions(given) == [(False, 1), (True, 1), (True, 2)]  # until there is a whole one
        assert revisions(given, merged=True) == [(True, 2)]
        assert revisions([*given, whole]) == [(True, 2), (True, 3)] == revisions([whole, *given])
        assert revisions([*given, old], both[:1]) == [(True, 2)]
    assert revisions([first, second, old]) == [(True, 1), (True, 2), (True, 3)]  # a whole one of before is none
    assert revisions([first, b"x", second + b"x", whole[:-1]]) == [(True, 1)]


def check_generations():  # KRG-01: the keyring keys of all generations are tried
    mine = keyring.write(keyring.begin(), CONTACT, b"a", name(ALICE))
    assert made("a").keyring == ALICE.keyring == identity.keyring_of(ALICE.secret)
    for generation in (ALICE, ALICE_1):
        _, data = keyring.make_segment(mine, PART, generation.keyring)
        assert keyring.open_segment(data, [ALICE_1.keyring, ALICE.keyring]).entries == mine.entries
