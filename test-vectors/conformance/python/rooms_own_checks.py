"""What SPEC.md §18 and §19 ask for, tried on rooms that are made here. Run by check.py.

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import itertools
import os
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import rsa

import algorithms
import identity
import room_messages
import room_state
import room_statements
import rooms
import sealroom
import wire
from own_checks import made, refused
from rooms import ADMIN, FROM_JOIN, MEMBER, SHARED, granted_only
from sealroom import PrivateKey, Sender

ALICE, ALICE_1, BOB, CAROL, DAVE, EVE = made("a"), made("a", 1), made("b"), made("c"), made("d"), made("e")
EVERYONE = [ALICE, ALICE_1, BOB, CAROL, DAVE, EVE]
PEOPLE = {one.identity.fingerprint: one.identity for one in EVERYONE}
DEVICE = bytes(range(8))


def name(one):
    return one.identity.fingerprint


def sender(one):
    return Sender(one.signing, one.identity)


def keys(*generations):
    return [PrivateKey(one.encryption, name(one)) for one in generations]


def roster(admins, members=()):
    return {name(one): ADMIN for one in admins} | {name(one): MEMBER for one in members}


def opened(package, parent=None, secret=None, one=None):
    found = [sealroom.SymmetricKey(parent.kek)] if parent else []
    return rooms.open_package(package, found + (keys(one) if one else []), [secret] if secret else [])


def follow(package, parent, one=None):
    """The authorised epoch of a package."""
    return rooms.authorise(opened(package, parent, one=one or ALICE), parent, PEOPLE)


def begun(history=SHARED, admins=(ALICE,), members=(BOB,), nonce=b""):
    package = rooms.make_room(roster(admins, members), sender(admins[0]), history, PEOPLE, nonce)
    return package, rooms.check_first(opened(package, one=ALICE), name(ALICE), name(ALICE), PEOPLE)


def refused_by(check, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except wire.Room as error:
        assert error.check == check, f"{error} for {check}"
        return
    raise AssertionError(f"not refused by {check}")


def check_sizes():  # ROOM-05, RMSG-04
    def v(n):
        return len(wire.vector(bytes(n))) - n

    def group(k):
        return 66 + v(48 * k) + 48 * k

    def rest(m, p):
        n = 90 + v(33 * m) + 33 * m + 2 + 32 * p
        return 25 + 32 + n + 16 * (n // 16384 + 1) + 112

    many = [identity.PublicIdentity(b"", b"", identity.P256, 0, ALICE.encryption.public_key(), None, b"")]
    for m, k, p in itertools.product((2, 3, 31, 250, 500), (1, 2, 3), (0, 1)):
        if k >= m:
            continue
        members = {os.urandom(32): ADMIN for _ in range(m)}
        body = rooms.RoomEpoch(bytes(32), bytes(16), 1, bytes(32), SHARED, 0, rooms.ordered(members))
        readers = [replace(many[0]) for _ in range(m)]
        for reader, member in zip(readers, members):
            vars(reader)["fingerprint"] = member
        secret = bytes(32) if p else None
        rekey, _ = rooms.seal_package(body, sender(ALICE), readers, None, secret)
        assert len(rekey) == 33 + v(group(m)) + group(m) + rest(m, p), (m, p)
        added, _ = rooms.seal_package(body, sender(ALICE), readers[:k], bytes(32), secret)
        assert len(added) == 33 + v(group(k) + 65) + group(k) + 65 + rest(m, p), (m, k, p)
    _, epoch = begun()
    for n in (0, 1, 63, 64, 16383, 16384, 100000):
        assert len(room_messages.seal_message(epoch, sender(BOB), DEVICE, 0, bytes(n))) == 165 + v(n) + n


def check_changes():  # §18.2: add, refresh, promote, remove
    for history in (SHARED, FROM_JOIN):
        _, zero = begun(history)
        package = rooms.make_package(zero, roster([ALICE], [BOB, CAROL]), sender(ALICE), PEOPLE)
        one = rooms.authorise(opened(package, zero), zero, PEOPLE)
        assert one.body.adds == 1 and not rooms.yields(one, zero)
        found = opened(package, one=CAROL)
        assert found.epoch.secret == one.secret and (found.previous_secret == zero.secret) == (history == SHARED)
        refused(wire.Decrypt, lambda: opened(package, one=BOB))  # has to use the old epoch
        rooms.check_first(found, name(CAROL), name(ALICE), PEOPLE)
        refused_by("ROOM-15", rooms.check_first, found, name(CAROL), name(BOB), PEOPLE)
        refused_by("ROOM-15", rooms.check_first, found, name(DAVE), name(ALICE), PEOPLE)
        two = follow(rooms.make_package(one, one.body.members, sender(BOB), PEOPLE), one)
        assert rooms.yields(two, one) and two.body.adds == 0
        three = follow(rooms.make_package(two, roster([ALICE, BOB], [CAROL]), sender(ALICE), PEOPLE), two)
        package = rooms.make_package(three, roster([BOB], [CAROL, DAVE]), sender(BOB), PEOPLE)
        refused(wire.Decrypt, lambda: opened(package, three, one=ALICE))
        four = follow(package, three, DAVE)
        assert (opened(package, one=DAVE).previous_secret is None) == (history == FROM_JOIN)
        assert not rooms.yields(four, three) and len(rooms.code(four.transcript)) == 71


def check_adds():  # ROOM-10
    _, epoch = begun()
    full = replace(epoch, body=replace(epoch.body, adds=64))
    after = follow(rooms.make_package(full, roster([ALICE], [BOB, CAROL]), sender(ALICE), PEOPLE), full)
    assert after.body.adds == 0
    almost = replace(epoch, body=replace(epoch.body, adds=63))
    package = rooms.make_package(almost, roster([ALICE], [BOB, CAROL]), sender(ALICE), PEOPLE)
    assert follow(package, almost).body.adds == 64
    body = replace(full.body, epoch=1, previous_transcript=full.transcript, adds=65,
                   roster=rooms.ordered(roster([ALICE], [BOB, CAROL])))
    package, _ = rooms.seal_package(body, sender(ALICE), [CAROL.identity], full.kek, full.secret)
    refused_by("ROOM-10", follow, package, full)


def check_refusals():  # ROOM-01 to ROOM-14
    _, zero = begun()
    body = replace(zero.body, epoch=1, previous_transcript=zero.transcript)
    two, larger = [ALICE.identity, BOB.identity], rooms.ordered(roster([ALICE], [BOB, CAROL]))
    seal, by = rooms.seal_package, sender(ALICE)

    def attempt(check, changed, author=by, readers=two, kek=None, previous=zero.secret, transition=b""):
        package, secret = seal(changed, author, readers, kek, previous, transition)
        call = lambda: rooms.authorise(opened(package, secret=secret), zero, PEOPLE)  # noqa: E731
        return refused_by(check, call) if check else call()

    attempt(None, body)
    attempt("ROOM-02", replace(body, roster=body.roster[::-1]))
    attempt("ROOM-02", replace(body, roster=()))
    attempt("ROOM-02", replace(body, roster=rooms.ordered(roster([], [ALICE, BOB]))))
    attempt("ROOM-02", replace(body, roster=((name(ALICE), 3),)))
    attempt("ROOM-02", replace(body, history=3))
    attempt("ROOM-04", replace(body, epoch=0))
    attempt("ROOM-08", replace(body, epoch=2))
    attempt("ROOM-08", replace(body, previous_transcript=bytes(32)))
    attempt("ROOM-08", replace(body, creation_nonce=bytes(16)))
    attempt("ROOM-08", replace(body, creator=name(BOB)))
    attempt("ROOM-08", replace(body, history=FROM_JOIN))
    attempt("ROOM-09", body, sender(EVE))
    attempt("ROOM-09", replace(body, roster=rooms.ordered(roster([BOB], [ALICE]))), sender(BOB))
    attempt("ROOM-09", replace(body, roster=rooms.ordered(roster([BOB], [ALICE]))))
    attempt("ROOM-09", replace(body, roster=larger), sender(BOB), two + [CAROL.identity])
    attempt("ROOM-10", replace(body, roster=larger, adds=2), readers=[CAROL.identity], kek=zero.kek)
    attempt("ROOM-10", replace(body, roster=larger, adds=1), readers=[CAROL.identity])
    attempt("ROOM-10", replace(body, roster=larger), readers=[CAROL.identity], kek=zero.kek)
    attempt("ROOM-10", replace(body, roster=larger, adds=1), readers=[CAROL.identity], kek=bytes(32))
    attempt("ROOM-10", replace(body, adds=1), kek=zero.kek)
    promoted = rooms.ordered(roster([ALICE, BOB], [CAROL]))
    attempt("ROOM-10", replace(body, roster=promoted, adds=1), readers=[CAROL.identity], kek=zero.kek)
    attempt("ROOM-11", body, readers=two + [CAROL.identity])
    attempt("ROOM-11", body, readers=two[:1])
    attempt("ROOM-11", replace(body, roster=larger, adds=1), kek=zero.kek)
    attempt("ROOM-12", body, previous=None)
    attempt("ROOM-13", body, previous=bytes(32))
    transition = identity.make_transition(ALICE.identity, ALICE.signing, ALICE_1.identity, ALICE_1.rotation)
    attempt("ROOM-14", body, transition=transition)
    attempt("ROOM-02", body, transition=transition[:-1])
    attempt("ROOM-02", body, transition=b"x")
    refused(wire.BadSignature, attempt, None, body, Sender(EVE.signing, ALICE.identity))
    refused(wire.Unknown, attempt, None, body, Sender(made("x").signing, made("x").identity))

    package, secret = seal(body, by, two, None, zero.secret)
    for at, value, error in ((6, 1, wire.Unsupported), (6, 3, wire.Unsupported), (7, 0, wire.Malformed),
                             (8, 1, wire.Malformed), (7, 9, wire.Unsupported)):
        changed = bytearray(package)
        changed[at] = value
        refused(error, rooms.decode_package, bytes(changed))
    refused_by("ROOM-03", rooms.decode_package, package, bytes(16))
    content = rooms.encode_payload(body, zero.secret, b"")
    recipients = [key.recipient() for key in keys(ALICE, BOB)]
    for payload, public_data, check in ((content, body.room_id + bytes(8), "ROOM-03"),
                                        (content + b"\x00", body.public_data, "ROOM-02"),
                                        (content[:-34] + b"\x02" + content[-33:], body.public_data, "ROOM-02"),
                                        (content[:-1], body.public_data, "ROOM-02")):
        made_ = sealroom.seal_parts(payload, recipients, wire.ROOM_EPOCH, by, False, public_data, 0, None)
        refused_by(check, opened, made_.envelope, one=BOB)
    first = replace(zero.body, epoch=0)
    for changed, previous, transition, author in (
        (replace(first, previous_transcript=b"\x01" * 32), None, b"", by), (replace(first, adds=1), None, b"", by),
        (first, bytes(32), b"", by), (first, None, transition, by), (first, None, b"", sender(BOB)),
        (replace(first, roster=rooms.ordered(roster([BOB], [ALICE]))), None, b"", by),
    ):
        package, secret = seal(changed, author, two, None, previous, transition)
        refused_by("ROOM-04", opened, package, secret=secret)
    package, secret = seal(first, by, two, bytes(32))
    refused_by("ROOM-04", opened, package, secret=secret)


def check_replacement():  # ROOM-09, ROOM-14
    transition = identity.make_transition(ALICE.identity, ALICE.signing, ALICE_1.identity, ALICE_1.rotation)
    for history in (SHARED, FROM_JOIN):
        _, zero = begun(history)
        known = {fingerprint: one for fingerprint, one in PEOPLE.items() if one is not ALICE_1.identity}
        replaced = roster([ALICE_1], [BOB])
        package = rooms.make_package(zero, replaced, sender(ALICE_1), PEOPLE, transition)
        one = rooms.authorise(opened(package, one=BOB), zero, known)
        assert not rooms.yields(one, zero) and opened(package, one=ALICE_1).epoch.secret == one.secret
        assert known[name(ALICE_1)] == ALICE_1.identity  # by the transition
        assert rooms.yields(replace(one, signer=name(EVE)), zero)  # in neither roster
        refused_by("ROOM-09", rooms.make_package, zero, replaced, sender(ALICE_1), PEOPLE)
        refused_by("ROOM-09", rooms.make_package, zero, replaced, sender(EVE), PEOPLE, transition)
        refused_by("ROOM-09", rooms.make_package, zero, roster([], [ALICE_1]) | roster([BOB]), sender(ALICE_1), PEOPLE,
                   transition)
        refused_by("ROOM-09", rooms.make_package, zero, roster([ALICE_1], [BOB, EVE]), sender(ALICE_1), PEOPLE,
                   transition)
        broken = transition[:-1] + bytes([transition[-1] ^ 1])
        refused(wire.BadSignature, rooms.make_package, zero, replaced, sender(ALICE_1), PEOPLE, broken)
        refused_by("ROOM-02", rooms.make_package, zero, replaced, sender(ALICE_1), PEOPLE, transition + b"\x00")
        _, two = begun(history, (ALICE, BOB), (CAROL,))
        package = rooms.make_package(two, roster([ALICE_1, BOB], [CAROL]), sender(BOB), PEOPLE, transition)
        assert not rooms.yields(follow(package, two, BOB), two)
    _, zero = begun(admins=(ALICE, BOB), members=())
    zero = follow(rooms.make_package(zero, roster([BOB], [ALICE]), sender(BOB), PEOPLE), zero)
    package = rooms.make_package(zero, roster([BOB], [ALICE_1]), sender(ALICE_1), PEOPLE, transition)
    assert rooms.yields(follow(package, zero, BOB), zero)
    state = room_state.start([zero], zero, name(ALICE), room_state.CONFIRMED)
    state, outcome = room_state.apply(state, package, keys(ALICE, ALICE_1), PEOPLE)
    assert outcome == "head" and state.me == name(ALICE_1)


def grown(history, count=3):
    """Packages and epochs of a room that grows, is refreshed and loses Carol."""
    package, epoch = begun(history)
    packages, epochs = [package], [epoch]
    rosters = [roster([ALICE], [BOB, CAROL]), roster([ALICE], [BOB, CAROL]), roster([ALICE], [BOB]),
               roster([ALICE], [BOB, DAVE])]
    for after in rosters[:count]:
        packages.append(rooms.make_package(epochs[-1], after, sender(ALICE), PEOPLE))
        epochs.append(follow(packages[-1], epochs[-1]))
    return packages, epochs


def check_joining():  # ROOM-15, ROOM-16, ROOM-17
    packages, epochs = grown(SHARED, 4)
    state = room_state.join(packages[4], keys(DAVE), name(ALICE), PEOPLE, packages[:4])
    assert [epoch.secret for epoch in state.line()] == [epoch.secret for epoch in epochs]
    for earlier in (packages[1:4], packages[:3], []):
        refused_by("ROOM-16", room_state.join, packages[4], keys(DAVE), name(ALICE), PEOPLE, earlier)
    refused_by("ROOM-17", room_state.join, packages[4], keys(DAVE), name(ALICE), PEOPLE, packages, state)
    packages, epochs = grown(FROM_JOIN, 4)
    state = room_state.join(packages[4], keys(DAVE), name(ALICE), PEOPLE)
    assert [epoch.body.epoch for epoch in state.line()] == [4]
    refused_by("ROOM-12", room_state.join, packages[2], keys(BOB), name(ALICE), PEOPLE)


def check_forks():  # ROOM-18 to ROOM-20
    package, zero = begun(admins=(ALICE, BOB), members=(CAROL, DAVE))
    everyone, without = zero.body.members, roster([ALICE, BOB], [DAVE])
    start = room_state.join(package, keys(DAVE), name(ALICE), PEOPLE)
    refresh = rooms.make_package(zero, everyone, sender(CAROL), PEOPLE)
    removal = rooms.make_package(zero, without, sender(ALICE), PEOPLE)
    rotation = rooms.make_package(zero, everyone, sender(BOB), PEOPLE)

    def run(*packages, state=start):
        outcomes = []
        for data in packages:
            state, outcome = room_state.apply(state, data, keys(DAVE), PEOPLE)
            outcomes.append(outcome)
        return state, outcomes

    removed = follow(removal, zero).transcript
    for order in itertools.permutations((refresh, removal, rotation)):
        state, outcomes = run(*order, *order)
        assert outcomes[3:] == ["held"] * 3
        assert len(state.branch) == 2 and len(state.evidence) == 2
        assert room_state.recommended(state).transcript == removed
        best = next(data for data in order if data != refresh)
        assert state.head == follow(best, zero).transcript, outcomes
        assert run(order[0])[1] == ["head"]
    longer = run(refresh)[0]
    again = rooms.make_package(longer.at_head, everyone, sender(DAVE), PEOPLE)
    state, outcomes = run(refresh, again, removal)
    assert outcomes == ["head", "head", "changed"] and state.head == removed
    assert set(state.evidence) == set(longer.branch) - {zero.transcript} | {follow(again, longer.at_head).transcript}
    state = room_state.change_branch(state, follow(again, longer.at_head).transcript, keys(DAVE))
    assert len(state.branch) == 3 and list(state.evidence) == [removed]
    assert room_state.open_state(room_state.seal_state(state, bytes(32)), bytes(32)) == state
    state, outcomes = run(refresh, rooms.make_package(longer.at_head, everyone, sender(ALICE), PEOPLE), removal)
    assert outcomes == ["head", "head", "fork"]
    orphan = rooms.make_package(replace(zero, commitment=bytes(32)), everyone, sender(CAROL), PEOPLE)
    refused_by("ROOM-08", room_state.apply, start, orphan, keys(DAVE), PEOPLE)
    packages = [rooms.make_package(zero, everyone, sender(CAROL), PEOPLE) for _ in range(66)]
    state, outcomes = run(rotation, *packages)
    assert outcomes == ["head"] + ["fork"] * 66 and len(state.evidence) == 64


def wrapped_to(parent, members, by, readers):
    """A package that is wrapped to whom its author likes, with the previous secret."""
    body = replace(parent.body, epoch=parent.body.epoch + 1, previous_transcript=parent.transcript, adds=0,
                   roster=rooms.ordered(members))
    package, secret = rooms.seal_package(body, sender(by), [one.identity for one in readers], None, parent.secret)
    return package, rooms.authorise(opened(package, secret=secret), parent, PEOPLE)


def copied(package, epoch, by, claimed, previous_secret):
    """Another content and signature under the header and commitment of a package, by one who knows its secret."""
    header = rooms.decode_package(package)
    key, base, commitment = sealroom.schedule(epoch.secret, header.hash)
    chunks = [algorithms.gcm_seal(key, base, rooms.encode_payload(epoch.body, previous_secret, b""))]
    signed = sealroom.signed_bytes(name(claimed), claimed.identity.algorithm, header.hash, commitment, chunks)
    block = wire.derive(epoch.secret, "signature", header.hash, 44)
    block = algorithms.gcm_seal(block[:32], block[32:], name(claimed) + algorithms.sign(by.signing, signed))
    return package[: header.length] + commitment + chunks[0] + block


def check_left_out():  # ROOM-29
    for history in (SHARED, FROM_JOIN):
        package, zero = begun(history, members=(BOB, CAROL))
        carol = room_state.join(package, keys(CAROL), name(ALICE), PEOPLE)
        everyone = zero.body.members
        without_carol, one = wrapped_to(zero, everyone, BOB, (ALICE, BOB, EVE))
        refused(wire.Decrypt, room_state.apply, carol, without_carol, keys(CAROL), PEOPLE)
        addition = rooms.make_package(one, everyone | {name(DAVE): MEMBER}, sender(ALICE), PEOPLE)
        two = rooms.authorise(opened(addition, one), one, PEOPLE)
        refresh = rooms.make_package(two, two.body.members, sender(ALICE), PEOPLE)
        three = follow(refresh, two)
        state, outcome = room_state.apply(carol, refresh, keys(CAROL), PEOPLE)
        assert outcome == "behind"
        state, outcomes = room_state.catch_up(state, [refresh, addition, without_carol], keys(CAROL), PEOPLE)
        if history == SHARED:
            assert outcomes[2] == "head" and state.line() == [zero, one, two, three] and not state.behind
        else:  # who adds somebody does not tell the secret before
            assert outcomes[2] == "behind" and state.head == zero.transcript
        refresh = rooms.make_package(one, everyone, sender(ALICE), PEOPLE)
        false = copied(without_carol, one, EVE, BOB, bytes(32))  # of the same transcript
        for given in ([refresh, without_carol], [false, refresh, without_carol], [without_carol, refresh, false]):
            state, outcomes = room_state.catch_up(carol, given, keys(CAROL), PEOPLE)
            assert outcomes[-1] == "head" and state.line() == [zero, one, follow(refresh, one)], outcomes
        state, outcomes = room_state.catch_up(carol, [refresh, false], keys(CAROL), PEOPLE)
        assert outcomes[-1] == "behind" and state.head == zero.transcript  # to be named gives no right
        hidden, two = wrapped_to(one, everyone, BOB, (ALICE, BOB, EVE))
        refresh = rooms.make_package(two, everyone, sender(ALICE), PEOPLE)
        false = copied(hidden, two, EVE, BOB, one.secret)
        for middle, length in (([hidden, false], 4), ([false], 2)):  # which opens one, and does not stand for two
            state, outcomes = room_state.catch_up(carol, [without_carol, *middle, refresh], keys(CAROL), PEOPLE)
            assert len(state.line()) == length and outcomes[-1] == ("head" if length == 4 else "behind")
        stranger, _ = rooms.seal_package(one.body, sender(EVE), [EVE.identity] * 3, None, zero.secret)
        eves = opened(stranger, one=EVE).epoch
        refresh, _ = rooms.seal_package(
            replace(one.body, epoch=2, previous_transcript=eves.transcript), sender(ALICE),
            [ALICE.identity, BOB.identity, CAROL.identity], None, eves.secret,
        )
        state, outcomes = room_state.catch_up(carol, [stranger, refresh], keys(CAROL), PEOPLE)
        assert outcomes[-1] == "behind" and state.line() == [zero]


def check_copies():  # ROOM-28
    package, zero = begun(members=(BOB, CAROL))
    carol = room_state.join(package, keys(CAROL), name(ALICE), PEOPLE)
    true = rooms.make_package(zero, zero.body.members, sender(ALICE), PEOPLE)
    one = follow(true, zero)
    copy = copied(true, one, BOB, BOB, zero.secret)
    assert copy[:200] == true[:200] and opened(copy, one=CAROL).epoch.commitment == one.commitment
    for order, outcomes in (((copy, true), ["head", "changed"]), ((true, copy), ["head", "fork"])):
        state = carol
        for data, expected in zip((*order, *order), (*outcomes, "held", "held")):
            state, outcome = room_state.apply(state, data, keys(CAROL), PEOPLE)
            assert outcome == expected
        assert state.head == one.transcript and len(state.evidence) == 1
        assert [room_state.apply(state, data, [], PEOPLE)[1] for data in order] == ["held", "held"]
    false = copied(true, one, BOB, ALICE, zero.secret)
    refused(wire.BadSignature, room_state.apply, carol, false, keys(CAROL), PEOPLE)
    state, outcomes = room_state.catch_up(carol, [false, true], keys(CAROL), PEOPLE)
    assert outcomes[1] == "head" and state.head == one.transcript


def check_evidence():  # ROOM-18, ROOM-29
    package, zero = begun(admins=(ALICE, BOB), members=(CAROL, DAVE))
    everyone = zero.body.members
    start = room_state.join(package, keys(DAVE), name(ALICE), PEOPLE)

    def run(state, packages, outcome):
        for data in packages:
            state, found = room_state.apply(state, data, keys(DAVE), PEOPLE)
            assert found == outcome, found
        return state

    def rotations(by, count):
        return [rooms.make_package(zero, everyone, sender(by), PEOPLE) for _ in range(count)]

    start = run(start, rotations(ALICE, 1), "head")
    refreshes = rotations(CAROL, 64)
    full = run(start, refreshes, "fork")
    order = sorted((follow(data, zero).transcript, data) for data in refreshes)
    state = run(full, rotations(CAROL, 1), "fork")
    assert full.evidence.keys() - state.evidence.keys() == {order[-1][0]} and len(state.evidence) == 64
    displaced = follow(order[-1][1], zero)
    after = rooms.make_package(displaced, everyone, sender(BOB), PEOPLE)
    refused_by("ROOM-08", room_state.apply, state, rooms.make_package(displaced, everyone, sender(CAROL), PEOPLE),
               keys(DAVE), PEOPLE)
    given = [after, order[-1][1], *rotations(CAROL, 9)]  # which mostly drive it out again before what follows it
    state, outcomes = room_state.catch_up(state, given, keys(DAVE), PEOPLE)
    assert outcomes == ["fork"] * 11 and len(room_state.tips_of(state)) == 64 and len(state.evidence) == 65
    kept = {displaced.transcript, follow(after, displaced).transcript}
    assert kept <= state.evidence.keys()
    last = [one for one in state.evidence.values() if one.transcript not in kept and state.yields(one)]
    state = run(state, rotations(BOB, len(last)), "fork")
    assert len(room_state.tips_of(state)) == 64 and kept <= state.evidence.keys()  # not yielding as a whole
    state = run(state, rotations(BOB, 1) + rotations(CAROL, 1), "not kept")
    without, _ = wrapped_to(zero, roster([ALICE, BOB], [CAROL]), ALICE, (ALICE, BOB, DAVE))
    refused_by("ROOM-15", room_state.apply, start, without, keys(DAVE), PEOPLE)
    lost = rotations(CAROL, 1)
    after = rooms.make_package(follow(lost[0], zero), everyone, sender(BOB), PEOPLE)
    state, outcomes = room_state.catch_up(state, [*lost, after], keys(DAVE), PEOPLE)
    assert outcomes == ["not kept", "behind"] and state.behind == 2
    tip = next(one for one in room_state.tips_of(state) if one.body.epoch == 1)
    more = run(state, [rooms.make_package(tip, everyone, sender(CAROL), PEOPLE)], "fork")  # it follows a tip
    assert len(more.evidence) == len(state.evidence) + 1 and len(room_state.tips_of(more)) == 64
    assert room_state.open_state(room_state.seal_state(state, bytes(32)), bytes(32)) == state


def check_ends():  # ROOM-18
    package, zero = begun(admins=(ALICE, BOB), members=(CAROL, DAVE))
    everyone = zero.body.members

    def refreshed(parent, by=CAROL):
        return follow(rooms.make_package(parent, everyone, sender(by), PEOPLE), parent)

    def run(state, epoch, by):
        package = rooms.make_package(epoch, everyone, sender(by), PEOPLE)
        return room_state.apply(state, package, keys(DAVE), PEOPLE)

    def holding(*epochs):
        state = room_state.join(package, keys(DAVE), name(ALICE), PEOPLE)
        held = {epoch.transcript: epoch for epoch in (zero, head, *epochs, *fill[: 64 - tips])}
        return replace(room_state.arrange(state, held, head.transcript), mine=(name(DAVE),))

    head, fill, tips = refreshed(zero, ALICE), [refreshed(zero, BOB) for _ in range(64)], 1
    root = refreshed(zero)
    one = refreshed(root)
    two = refreshed(one)
    state = holding(root, one, two)
    after, outcome = run(state, zero, BOB)
    assert outcome == "fork" and len(after.evidence) == 64  # a yielding end goes as a whole
    assert not {root.transcript, one.transcript, two.transcript} & after.evidence.keys()
    after, outcome = run(state, root, CAROL)  # it follows the root, which stays
    assert outcome == "fork" and len(after.evidence) == 65 and root.transcript in after.evidence
    assert not {one.transcript, two.transcript} & after.evidence.keys()
    after, outcome = run(state, two, CAROL)
    assert outcome == "fork" and len(after.evidence) == 67
    tips, other = 2, refreshed(root)
    state = holding(root, one, two, other)
    after, outcome = run(state, zero, BOB)
    kept = {root.transcript, other.transcript}
    assert outcome == "fork" and len(after.evidence) == 65 and kept <= after.evidence.keys()
    after, outcome = run(after, zero, BOB)
    assert outcome == "fork" and not kept & after.evidence.keys()
    tips, by_admin = 1, refreshed(one, BOB)
    state = holding(root, one, by_admin)
    assert run(state, zero, CAROL)[1] == "not kept" and run(state, root, BOB)[1] == "not kept"
    tips, same = 3, sorted((refreshed(zero) for _ in range(3)), key=lambda epoch: epoch.transcript)
    after, _ = run(holding(*same), zero, BOB)
    assert [epoch.transcript in after.evidence for epoch in same] == [True, True, False]


def check_granted():  # §18.3, stage 2
    packages, epochs = grown(FROM_JOIN)
    gap, _, _ = room_state.recover([packages[0], packages[3]], keys(BOB), PEOPLE)
    state = room_state.take_grant(gap, [granted_only(one) for one in epochs[1:3]])
    after, outcome = room_state.apply(state, packages[2], keys(BOB), PEOPLE)
    assert outcome == "completed" and after.held[epochs[2].transcript] == epochs[2]
    assert list(after.branch) == list(state.branch) and after.head == state.head
    assert room_state.apply(after, packages[2], keys(BOB), PEOPLE)[1] == "held"
    body = epochs[2].body
    copy, _ = rooms.seal_package(body, sender(ALICE), [one.identity for one in (ALICE, BOB, CAROL)])
    one = opened(copy, one=BOB).epoch
    hollow = replace(state, branch={one.transcript: granted_only(one)} | state.branch)
    false = copied(copy, one, EVE, ALICE, None)
    refused(wire.BadSignature, room_state.apply, hollow, false, keys(BOB), PEOPLE)
    assert room_state.apply(hollow, copy, keys(BOB), PEOPLE)[1] == "completed"


def check_only_read():  # §18.5: evidence without its secret
    package, zero = begun(admins=(ALICE, BOB), members=(CAROL,))
    everyone = zero.body.members

    def after(parent, by=ALICE, members=everyone):
        made_ = rooms.make_package(parent, members, sender(by), PEOPLE)
        return made_, follow(made_, parent, BOB)

    def beside(state, *epochs):
        return replace(state, evidence=state.evidence | {one.transcript: granted_only(one) for one in epochs})

    start = room_state.join(package, keys(BOB), name(ALICE), PEOPLE)
    rotation, one = after(zero)
    refresh, other = after(zero, CAROL)
    by_member, _ = after(other, CAROL)
    by_admin, last = after(other)
    state = beside(room_state.apply(start, rotation, keys(BOB), PEOPLE)[0], other)
    assert room_state.decode_state(room_state.encode_state(state)) == state
    message = room_messages.seal_message(other, sender(CAROL), DEVICE, 0, b"read")
    assert room_state.receive(state, message, PEOPLE)[1].message.content == b"read"
    refused_by("ROOM-08", room_state.apply, state, by_member, keys(BOB), PEOPLE)  # it is nobody's parent
    assert room_state.apply(state, by_admin, keys(BOB), PEOPLE)[1] == "behind"
    yielding = beside(room_state.apply(start, after(zero, CAROL)[0], keys(BOB), PEOPLE)[0], other)
    assert room_state.apply(yielding, by_admin, keys(BOB), PEOPLE)[1] == "behind"  # and nothing gives way to it
    again, outcome = room_state.apply(state, refresh, keys(BOB), PEOPLE)
    assert outcome == "fork" and again.evidence == {other.transcript: other}  # its package is one that is not held
    assert not room_state.tips_of(state)
    assert room_state.tips_of(again) == [other] == room_state.tips_of(beside(again, last))
    assert room_state.recommended(beside(start, one, other)) == zero
    full = beside(state, *(after(zero, CAROL)[1] for _ in range(64)))
    assert len(room_state.apply(full, refresh, keys(BOB), PEOPLE)[0].there) == 67  # it takes no place
    adding = rooms.make_package(one, everyone | {name(DAVE): ADMIN}, sender(ALICE), PEOPLE)
    three = after(after(one)[1])[1]
    assert room_state.join(adding, keys(DAVE), name(ALICE), PEOPLE, [package, rotation], beside(start, three)).head
    held = {epoch.transcript: epoch for epoch in (zero, granted_only(one), three)}
    assert room_state.own_branch(held, three.transcript, held) == {one.transcript: one for one in (three, zero)}


def check_signed_copies():  # ROOM-16, ROOM-29: an author signs the same epoch with another previous secret
    package, zero = begun(members=(BOB, CAROL))
    everyone = zero.body.members
    start = room_state.join(package, keys(CAROL), name(ALICE), PEOPLE)
    hidden, one = wrapped_to(zero, everyone, ALICE, (ALICE, BOB, EVE))
    false = copied(hidden, one, ALICE, ALICE, bytes(32))
    later, two = wrapped_to(one, everyone, ALICE, (ALICE, BOB, EVE))
    dead = copied(later, two, ALICE, ALICE, bytes(32))
    last = rooms.make_package(two, everyone, sender(ALICE), PEOPLE)
    line = [zero, one, two, follow(last, two)]
    for order in itertools.permutations((hidden, false, later, dead)):
        state, outcomes = room_state.catch_up(start, [*order, last], keys(CAROL), PEOPLE)
        assert not [one for one in outcomes if one not in ("head", "held")] and state.line() == line, outcomes
        joined = room_state.join(last, keys(CAROL), name(ALICE), PEOPLE, [package, *order])
        assert joined.line() == line
        state, runs, _ = room_state.recover([*order, last], keys(CAROL), PEOPLE)
        assert [epoch.body.epoch for epoch in runs] == [1] and state.line() == line[1:]
        state, runs, _ = room_state.recover([package, *order, last], keys(CAROL), PEOPLE)
        assert len(runs) == 1 and state.line() == line
    given = [package, false, later]
    refused_by("ROOM-16", room_state.join, last, keys(CAROL), name(ALICE), PEOPLE, given)
    refused_by("ROOM-16", room_state.join, last, keys(CAROL), name(ALICE), PEOPLE, [package, hidden, dead])
    wrong = copied(last, line[3], ALICE, ALICE, bytes(32))  # of the package that begins a run
    for order in ([wrong, last], [last, wrong]):
        state, runs, _ = room_state.recover([package, hidden, later, *order], keys(CAROL), PEOPLE)
        assert state.line() == line
        state, runs, _ = room_state.recover([hidden, later, *order], keys(CAROL), PEOPLE)
        assert state.line() == line[1:] and runs == line[1:2]


def check_taken_again():  # ROOM-29
    package, zero = begun(admins=(ALICE, BOB), members=(CAROL, DAVE))
    start = room_state.join(package, keys(DAVE), name(ALICE), PEOPLE)
    everyone = zero.body.members
    hidden, one = wrapped_to(zero, everyone, ALICE, (ALICE, BOB, CAROL, EVE))
    addition = rooms.make_package(one, everyone | {name(EVE): MEMBER}, sender(ALICE), PEOPLE)  # under the old key
    two = rooms.authorise(opened(addition, one), one, PEOPLE)
    other, _ = wrapped_to(one, everyone, BOB, (ALICE, BOB, CAROL, DAVE))
    state, outcomes = room_state.catch_up(start, [hidden, addition], keys(DAVE), PEOPLE)
    assert all(isinstance(outcome, wire.SealroomError) for outcome in outcomes)
    state, outcomes = room_state.catch_up(start, [hidden, addition, other], keys(DAVE), PEOPLE)
    assert sorted(outcomes) == ["fork", "head", "head"] and two.transcript in state.held, outcomes

    def after(parent, by, members=everyone, transition=b""):
        package = rooms.make_package(parent, members, sender(by), PEOPLE, transition)
        return package, rooms.authorise(opened(package, parent, one=DAVE), parent, PEOPLE)

    known = {fingerprint: one for fingerprint, one in PEOPLE.items() if fingerprint != name(ALICE_1)}
    added, with_new = after(zero, ALICE, everyone | {name(ALICE_1): ADMIN})
    by_new, last = after(with_new, ALICE_1, with_new.body.members)
    refresh, other = after(zero, BOB)
    renamed = roster([ALICE_1, BOB], [CAROL, DAVE])
    transition = identity.make_transition(ALICE.identity, ALICE.signing, ALICE_1.identity, ALICE_1.rotation)
    naming, _ = after(other, BOB, renamed, transition)
    given = [added, refresh, by_new, naming]  # the signer of one is known by what comes after it
    state, outcomes = room_state.catch_up(start, given[:3], keys(DAVE), dict(known))
    assert isinstance(outcomes[2], wire.SealroomError) and state.head == with_new.transcript
    state, outcomes = room_state.catch_up(start, given, keys(DAVE), known)
    assert outcomes == ["head", "fork", "head", "fork"] and state.head == last.transcript
    assert known[name(ALICE_1)] == ALICE_1.identity


def check_opened_from_the_last():  # ROOM-29, §18.7
    package, zero = begun(members=(BOB, CAROL))
    start = room_state.join(package, keys(CAROL), name(ALICE), PEOPLE)
    everyone = zero.body.members
    one = follow(rooms.make_package(zero, everyone, sender(ALICE), PEOPLE), zero)  # which never arrives
    hidden, two = wrapped_to(one, everyone, ALICE, (ALICE, BOB, EVE))
    refresh = rooms.make_package(two, everyone, sender(BOB), PEOPLE)
    state, outcomes = room_state.catch_up(start, [hidden, refresh], keys(CAROL), PEOPLE)
    assert outcomes[0] == "behind" and state.behind == 2  # an admin made what a member names
    assert room_state.catch_up(start, [refresh], keys(CAROL), PEOPLE)[0].behind == 0
    state, runs, _ = room_state.recover([package, hidden, refresh], keys(CAROL), PEOPLE)
    assert runs == [zero, two] and state.line() == [zero, two, follow(refresh, two, CAROL)]
    assert room_state.recover([package, refresh], keys(CAROL), PEOPLE)[0].line() == [zero]
    first, one = wrapped_to(zero, everyone, ALICE, (ALICE, BOB, EVE))
    hidden, two = wrapped_to(one, everyone, ALICE, (ALICE, BOB, EVE))
    false = copied(hidden, two, EVE, ALICE, one.secret)  # named by the last, it opens the first and is refused
    refresh = rooms.make_package(two, everyone, sender(ALICE), PEOPLE)
    state, runs, _ = room_state.recover([first, false, refresh], keys(CAROL), PEOPLE)
    assert runs == [one, follow(refresh, two)] == state.line()


def check_gaps():  # §18.3 to §18.5, §18.7, §18.8
    for history in (SHARED, FROM_JOIN):
        packages, epochs = grown(history)
        gap, runs, _ = room_state.recover([packages[0], packages[3]], keys(BOB), PEOPLE)
        assert gap.line() == [epochs[0], epochs[3]] and room_state.recommended(gap) == epochs[3]
        assert room_state.decode_state(room_state.encode_state(gap)) == gap
        state, outcomes = room_state.catch_up(gap, packages, keys(BOB), PEOPLE)
        assert outcomes == ["held", "fork", "past", "held"] and state.line() == epochs and not state.evidence
        assert room_state.decode_state(room_state.encode_state(state)) == state
        hidden, two = wrapped_to(epochs[1], epochs[1].body.members, ALICE, (ALICE, CAROL, EVE))
        last = rooms.make_package(two, two.body.members, sender(ALICE), PEOPLE)
        gap, _, _ = room_state.recover([packages[0], last], keys(BOB), PEOPLE)
        state, outcomes = room_state.catch_up(gap, [packages[1], hidden, last], keys(BOB), PEOPLE)
        assert outcomes[1] == "past" and state.line() == [*epochs[:2], two, follow(last, two)]  # by what names it

    packages, epochs = grown(FROM_JOIN)
    gap, _, _ = room_state.recover([packages[0], packages[3]], keys(BOB), PEOPLE)
    granted = [granted_only(epoch) for epoch in epochs[1:3]]
    state = room_state.take_grant(gap, granted)
    assert state.line() == [epochs[0], *granted, epochs[3]]
    refresh = rooms.make_package(epochs[1], epochs[1].body.members, sender(ALICE), PEOPLE)
    refused_by("ROOM-13", room_state.apply, state, refresh, keys(BOB), PEOPLE)  # after a granted one
    addition = rooms.make_package(epochs[1], epochs[1].body.members | {name(DAVE): MEMBER}, sender(ALICE), PEOPLE)
    refused_by("ROOM-10", room_state.apply, state, addition, keys(BOB, DAVE), PEOPLE)
    exchange = rooms.make_package(epochs[1], roster([ALICE], [BOB, DAVE]), sender(ALICE), PEOPLE)
    assert room_state.apply(state, exchange, keys(BOB), PEOPLE)[1] == "fork"  # nothing of it depends on the secret
    state, outcomes = room_state.catch_up(state, packages, keys(BOB), PEOPLE)
    assert outcomes == ["held", "completed", "completed", "held"] and state.line() == epochs
    state = room_state.take_grant(gap, granted[1:])
    assert room_state.apply(state, packages[2], keys(BOB), PEOPLE)[1] == "completed"

    package, zero = begun()
    packages, epochs = [package], [zero]
    for _ in range(3):
        packages.append(rooms.make_package(epochs[-1], zero.body.members, sender(ALICE), PEOPLE))
        epochs.append(follow(packages[-1], epochs[-1]))
    gap, _, _ = room_state.recover([packages[0], packages[3]], keys(BOB), PEOPLE)
    assert room_state.apply(gap, packages[1], keys(BOB), PEOPLE)[1] == "fork"  # a head without a parent does not yield

    package, zero = begun(FROM_JOIN)
    bob = room_state.join(package, keys(BOB), name(ALICE), PEOPLE)
    ones = [follow(rooms.make_package(zero, zero.body.members, sender(ALICE), PEOPLE), zero) for _ in range(2)]
    held = {epoch.transcript: epoch for epoch in (zero, *ones)}
    bob = room_state.move_head(bob, held, ones[0], keys(BOB))
    without = follow(rooms.make_package(zero, roster([ALICE]), sender(ALICE), PEOPLE), zero)
    again = rooms.make_package(without, roster([ALICE], [BOB, CAROL]), sender(ALICE), PEOPLE)
    bob = replace(bob, mine=(name(BOB), name(CAROL)), standing=room_state.UNCONFIRMED, behind=9)
    other = room_state.join(again, keys(BOB, CAROL), name(ALICE), PEOPLE, state=bob)
    assert [epoch.transcript for epoch in other.line()] == [zero.transcript, other.head]  # and not ones[0]
    assert other.me == name(BOB) and other.mine == (name(CAROL), name(BOB))
    assert other.standing == room_state.CONFIRMED and not other.behind
    two = follow(rooms.make_package(ones[1], roster([ALICE]), sender(ALICE), PEOPLE), ones[1])
    again = rooms.make_package(two, roster([ALICE], [BOB]), sender(ALICE), PEOPLE)
    bob = room_state.join(again, keys(BOB), name(ALICE), PEOPLE, state=bob)
    assert [epoch.transcript for epoch in bob.line()] == [zero.transcript, ones[0].transcript, bob.head]
    grant = room_statements.make_grant([two], sender(ALICE), [BOB.identity])
    granted = room_statements.open_grant(grant, keys(BOB), bob.line(), bob.at_head, name(ALICE), PEOPLE)
    bob = room_state.take_grant(bob, granted)
    assert [epoch.transcript for epoch in bob.line()] == [e.transcript for e in (zero, ones[1], two)] + [bob.head]
    assert list(bob.evidence) == [ones[0].transcript]
    assert room_state.take_grant(bob, granted) == bob


def check_recovery():  # §18.7
    packages, epochs = grown(SHARED, 2)
    for after in (roster([ALICE], [BOB]), roster([ALICE, BOB], [CAROL])):
        packages.append(rooms.make_package(epochs[-1], after, sender(ALICE), PEOPLE))
        epochs.append(follow(packages[-1], epochs[-1]))
    held = room_state.join(packages[1], keys(CAROL), name(ALICE), PEOPLE, packages[:1])
    state, outcomes = room_state.catch_up(held, packages, keys(CAROL), PEOPLE)
    assert outcomes[4] == "behind" and state.head == epochs[2].transcript  # who was removed joins again
    state = room_state.join(packages[4], keys(CAROL), name(ALICE), PEOPLE, packages[:4], state)
    assert state.line() == epochs
    state, runs, _ = room_state.recover(packages[::-1], keys(CAROL), PEOPLE)
    assert state.line() == epochs and runs[-1] == epochs[3]  # in which Carol is not
    state, runs, _ = room_state.recover([packages[0], packages[4]], keys(BOB), PEOPLE)
    assert runs == [epochs[0], epochs[4]]
    refresh = rooms.make_package(epochs[4], epochs[4].body.members, sender(BOB), PEOPLE)
    state, runs, _ = room_state.recover([packages[0], refresh], keys(BOB), PEOPLE)
    assert runs == [epochs[0]] and state.head == epochs[0].transcript and not state.behind  # Bob was no admin then
    body = replace(epochs[4].body, history=FROM_JOIN)
    other, _ = rooms.seal_package(body, sender(ALICE), [one.identity for one in (ALICE, BOB, CAROL)])
    state, runs, _ = room_state.recover([packages[0], other], keys(BOB), PEOPLE)
    assert runs == [epochs[0]] and not state.behind  # another policy is another room
    refused_by("ROOM-03", room_state.join, other, keys(BOB), name(ALICE), PEOPLE, (), held)
    package, zero = begun(members=(BOB, CAROL))
    fewer = rooms.ordered(roster([ALICE], [BOB]))
    body = replace(zero.body, epoch=1, previous_transcript=zero.transcript, roster=fewer)
    no_admins, secret = rooms.seal_package(body, sender(BOB), [ALICE.identity, BOB.identity], None, zero.secret)
    added = rooms.make_package(opened(no_admins, secret=secret).epoch, zero.body.members, sender(ALICE), PEOPLE)
    state, runs, _ = room_state.recover([package, no_admins, added], keys(CAROL), PEOPLE)
    assert [epoch.body.epoch for epoch in runs] == [0, 2] and state.line() == [zero, runs[1]] and not state.behind
    body = replace(body, roster=zero.body.roster)
    readers = [one.identity for one in (ALICE, BOB, CAROL)]
    for previous, wrapped in ((None, readers), (zero.secret, readers[1:]), (zero.secret, [*readers, EVE.identity])):
        wrong, _ = rooms.seal_package(body, sender(ALICE), wrapped, None, previous)
        assert room_state.recover([wrong], keys(CAROL), PEOPLE)[:2] == (None, [])
    right, _ = rooms.seal_package(body, sender(BOB), readers, None, zero.secret)
    assert len(room_state.recover([right], keys(CAROL), PEOPLE)[1]) == 1
    wrong, _ = rooms.seal_package(replace(body, epoch=3), sender(ALICE), readers, None, zero.secret)
    state, runs, _ = room_state.recover([package, wrong], keys(BOB), PEOPLE)  # it names epoch 0, and is not the next
    assert len(runs) == 2 and state.line() == [zero, runs[1]] and room_state.recommended(state) == runs[1]
    state = room_state.join(package, keys(BOB), name(ALICE), PEOPLE)
    assert room_state.apply(state, wrong, keys(BOB), PEOPLE)[1] == "behind"
    transition = identity.make_transition(BOB.identity, BOB.signing, ALICE_1.identity, ALICE_1.rotation)
    for history in (SHARED, FROM_JOIN):
        _, zero = begun(history)
        package, _ = rooms.seal_package(
            replace(zero.body, epoch=1), sender(ALICE), [ALICE.identity, BOB.identity], None,
            zero.secret if history == SHARED else None, transition,
        )
        refused_by("ROOM-12", room_state.join, package, keys(BOB), name(ALICE), PEOPLE)
    package, zero = begun(admins=(ALICE, ALICE_1))
    assert room_state.recover([package], keys(ALICE, ALICE_1), PEOPLE)[0].me == name(ALICE)


def check_further_runs():  # §18.3, §18.7, §21
    package, zero = begun(admins=(ALICE, BOB))
    after = roster([ALICE_1, BOB])
    known = PEOPLE | {name(ALICE_1): ALICE_1.identity}
    readers = [ALICE_1.identity, BOB.identity]
    body = replace(zero.body, epoch=2, previous_transcript=bytes(32), roster=rooms.ordered(after))
    right = identity.make_transition(ALICE.identity, ALICE.signing, ALICE_1.identity, ALICE_1.rotation)
    wrong = right[:-1] + bytes([right[-1] ^ 1])
    for transition, number, head in ((right, 2, True), (wrong, 2, False), (b"", 2, False), (right, 1, True)):
        made, _ = rooms.seal_package(
            replace(body, epoch=number), sender(ALICE_1), readers, None, bytes(32), transition
        )
        state, runs, _ = room_state.recover([package, made], keys(BOB), dict(known))
        assert (len(runs) == 2) == head == (state.at_head.body.epoch == number), number
        state = room_state.join(package, keys(BOB), name(ALICE), PEOPLE)
        state, outcomes = room_state.complete(state, [package, made], keys(BOB), dict(known))
        assert outcomes[0] == "held" and (outcomes[1] == "held") == head == (state.at_head.body.epoch == number)
    without_alice = {fingerprint: one for fingerprint, one in known.items() if fingerprint != name(ALICE)}
    for by, error in ((ALICE_1, wire.Unknown), (EVE, wire.BadSignature)):  # before the old identity is missed
        for number, previous in ((2, bytes(32)), (1, zero.transcript)):
            members = rooms.ordered(roster([ALICE_1], [BOB]))
            changed = replace(body, epoch=number, previous_transcript=previous, roster=members)
            made, _ = rooms.seal_package(
                changed, Sender(by.signing, ALICE_1.identity), readers, None, zero.secret, right
            )
            state = room_state.join(package, keys(BOB), name(ALICE), PEOPLE)
            _, outcomes = room_state.complete(state, [made], keys(BOB), dict(without_alice))
            assert type(outcomes[0]) is error, outcomes
    packages, epochs = grown(FROM_JOIN, 4)
    state = room_state.start([rooms.granted_only(epochs[1]), epochs[0]], epochs[0], name(BOB), room_state.CONFIRMED)
    state, outcome = room_state.apply(state, packages[1], keys(BOB), PEOPLE)
    assert outcome == "head" and state.line() == epochs[:2]  # as if it were not held
    opened = rooms.Copies()
    secrets = [number.to_bytes(32, "big") for number in range(5000)]
    assert len(opened.untried(packages[0], secrets)) == 4096 and not opened.untried(packages[0], secrets)
    assert opened.untried(packages[1], secrets[:1]) == secrets[:1]


def raced():
    """A room that Carol is removed from, and refreshes beside that: what Alice makes, and what Carol makes."""
    package, zero = begun(members=(BOB, CAROL))
    made_, refreshes, at, beside = [], [], zero, zero
    for _ in range(3):
        made_.append(rooms.make_package(at, roster([ALICE], [BOB]), sender(ALICE), PEOPLE))
        refreshes.append(rooms.make_package(beside, zero.body.members, sender(CAROL), PEOPLE))
        at, beside = follow(made_[-1], at), follow(refreshes[-1], beside)
    return package, zero, made_, refreshes, beside


def check_behind_raced():  # ROOM-24, ROOM-26
    package, zero, by_alice, refreshes, beside = raced()
    start = room_state.join(package, keys(BOB), name(ALICE), PEOPLE)

    def run(state, *packages):
        outcomes = []
        for data in packages:
            state, outcome = room_state.apply(state, data, keys(BOB), PEOPLE)
            outcomes.append(outcome)
            assert room_state.decode_state(room_state.encode_state(state)) == state
        return state, outcomes

    for given in ([by_alice[1], *refreshes], [*refreshes, by_alice[1]]):
        state, outcomes = run(start, *given)
        assert outcomes.count("head") == 3 and outcomes.count("behind") == 1 and state.behind == 2
        refused_by("ROOM-24", room_state.send, state, sender(BOB), b"")
        state, outcomes = run(state, by_alice[0])
        assert outcomes == ["changed"] and state.behind == 2
        state, outcomes = run(state, by_alice[1])
        assert outcomes == ["head"] and not state.behind and room_state.send(state, sender(BOB), b"")
    state, _ = run(start, *refreshes)
    over = rooms.make_package(beside, zero.body.members, sender(ALICE), PEOPLE)
    ended, outcomes = run(state, by_alice[2], over)  # an admin's next one ends it
    assert outcomes == ["behind", "head"] and not ended.behind
    for room, reached in ((start, 0), (state, 0), (ended, 4)):
        for behind in range(6):
            data = room_state.encode_state(replace(room, behind=behind))
            if 0 < behind <= reached:
                refused_by("ROOM-26", room_state.decode_state, data)
            else:
                room_state.decode_state(data)


def check_runs_over_refreshes():  # §18.7
    package, zero, by_alice, refreshes, beside = raced()
    given = [package, *refreshes, by_alice[1]]
    state, runs, _ = room_state.recover(given, keys(BOB), PEOPLE)
    assert [one.body.epoch for one in runs] == [0, 2] and state.line() == [zero, runs[1]]
    assert len(state.evidence) == 3 and not state.behind
    start = room_state.join(package, keys(BOB), name(ALICE), PEOPLE)
    held, _ = room_state.catch_up(start, refreshes, keys(BOB), PEOPLE)
    state, _ = room_state.complete(held, given, keys(BOB), PEOPLE)
    assert state.line() == [zero, runs[1]] and len(state.evidence) == 3
    over = follow(rooms.make_package(beside, zero.body.members, sender(ALICE), PEOPLE), beside)
    newer = room_state.move_head(held, held.there | {over.transcript: over}, over, keys(BOB))
    state, _ = room_state.complete(newer, given, keys(BOB), PEOPLE)
    assert state.head == over.transcript  # an admin's is greater
    assert state.evidence[runs[1].transcript] == granted_only(runs[1])
    one = opened(by_alice[0], one=BOB).epoch
    adding = rooms.make_package(one, one.body.members | {name(DAVE): MEMBER}, sender(ALICE), PEOPLE)
    added = opened(adding, one=DAVE).epoch
    state, runs, _ = room_state.recover([package, *refreshes, adding], keys(BOB, DAVE), PEOPLE)
    assert len(runs) == 1 and state.head == beside.transcript and state.behind == 2  # it is wrapped under the old key
    state, outcomes = room_state.complete(held, [adding], keys(BOB, DAVE), PEOPLE)
    assert outcomes == ["only read"] and state.head == beside.transcript and state.behind == 2
    assert state.evidence == {added.transcript: granted_only(added)}


def check_kept_to_be_read():  # §21
    package, zero = begun(members=(BOB, CAROL))
    everyone = zero.body.members

    def after(parent, members=everyone, by=ALICE):
        made_ = rooms.make_package(parent, members, sender(by), PEOPLE)
        return made_, rooms.authorise(opened(made_, parent, one=by), parent, PEOPLE)

    def complete(line, *given):
        state = room_state.start(line, line[-1], name(BOB), room_state.CONFIRMED)
        return room_state.complete(state, given, keys(BOB), PEOPLE)

    line = [zero]
    for _ in range(5):
        line.append(after(line[-1])[1])
    ends = [line[0], line[5]]
    first, one = after(zero)
    second, two = after(one)
    third, three = after(two, everyone | {name(DAVE): MEMBER})
    fourth, four = after(three, three.body.members | {name(EVE): MEMBER})
    state, outcomes = complete(ends, second, third, fourth)  # each opens by what is only read
    assert outcomes == ["only read"] * 3 and state.line() == ends
    assert state.evidence == {epoch.transcript: granted_only(epoch) for epoch in (two, three, four)}
    refused(wire.Decrypt, room_state.apply, state, third, keys(BOB), PEOPLE)  # no more after that
    assert complete(ends, third)[1] != ["only read"]
    state, outcomes = complete(ends, first, second, third, fourth)
    assert outcomes == ["held"] * 4  # by §18.3
    assert state.evidence == {epoch.transcript: epoch for epoch in (one, two, three, four)}
    first, one = after(zero, roster([ALICE], [CAROL]))  # in which the reader is not, so that it is no fork itself
    second, two = after(one)
    state, outcomes = complete(ends, first, second)  # the way back comes to epoch 0
    assert outcomes[1] == "held" and state.line() == ends
    assert state.evidence == {epoch.transcript: epoch for epoch in (one, two)}
    state, outcomes = complete(ends[1:], first, second)
    assert state.line() == ends[1:] and outcomes[1] == "only read"
    assert state.evidence == {epoch.transcript: granted_only(epoch) for epoch in (one, two)}
    assert room_state.decode_state(room_state.encode_state(state)) == state


def check_behind_and_confirmation():  # ROOM-22 to ROOM-24
    packages, epochs = grown(SHARED)
    state = room_state.join(packages[0], keys(BOB), name(ALICE), PEOPLE)
    state, outcome = room_state.apply(state, packages[2], keys(BOB), PEOPLE)
    assert outcome == "behind" and state.behind == 2
    refused_by("ROOM-24", room_state.send, state, sender(BOB), b"")
    caught_up, _ = room_state.apply(state, packages[1], keys(BOB), PEOPLE)
    refused_by("ROOM-24", room_state.send, caught_up, sender(BOB), b"")
    refused_by("ROOM-24", room_state.make_package, caught_up, epochs[1].body.members, sender(BOB), PEOPLE)
    refused_by("ROOM-24", room_state.make_grant, caught_up, epochs[:1], sender(BOB), [CAROL.identity])
    caught_up, _ = room_state.apply(caught_up, packages[2], keys(BOB), PEOPLE)
    room_state.send(caught_up, sender(BOB), b"")
    room_state.send(room_state.accept(state), sender(BOB), b"")

    for history in (SHARED, FROM_JOIN):
        packages, epochs = grown(history)
        state, runs, _ = room_state.recover(packages, keys(BOB), PEOPLE)
        assert [epoch.secret for epoch in state.line()] == [epoch.secret for epoch in epochs]
        assert [epoch.body.epoch for epoch in runs] == [0]
        state, runs, _ = room_state.recover(packages[2:], keys(BOB), PEOPLE)
        assert [epoch.body.epoch for epoch in state.line()] == [2, 3]
        state, runs, _ = room_state.recover([packages[0], packages[3]], keys(BOB), PEOPLE)
        assert [epoch.body.epoch for epoch in runs] == [0, 3] and state.head == epochs[3].transcript
        refused_by("ROOM-22", room_state.send, state, sender(BOB), b"")
        refused_by("ROOM-22", room_state.make_package, state, epochs[3].body.members, sender(BOB), PEOPLE)
        refused_by("ROOM-22", room_state.make_grant, state, epochs[:1], sender(BOB), [ALICE.identity])
        state, _, _ = room_state.recover(packages, keys(BOB), PEOPLE)
        nonce = os.urandom(32)
        statement = room_statements.make_head(epochs[3], nonce, sender(ALICE))
        room_statements.check_head(statement, state.at_head, nonce, name(ALICE), PEOPLE)
        sure = room_state.confirm(state)
        room_state.send(sure, sender(BOB), b"")
        grant = room_state.make_grant(sure, epochs[2:3], sender(BOB), [ALICE.identity])
        room_statements.open_grant(grant, keys(ALICE), epochs, epochs[3], name(BOB), PEOPLE)
        refresh = room_state.make_package(sure, epochs[3].body.members, sender(BOB), PEOPLE)
        assert room_state.apply(sure, refresh, keys(BOB), PEOPLE)[1] == "head"
        for head, number, member in ((epochs[2], nonce, ALICE), (epochs[3], bytes(32), ALICE), (epochs[3], nonce, BOB)):
            refused_by("ROOM-23", room_statements.check_head, statement, head, number, name(member), PEOPLE)
        statement = room_statements.make_head(epochs[3], nonce, sender(CAROL))
        refused_by("ROOM-23", room_statements.check_head, statement, epochs[3], nonce, name(CAROL), PEOPLE)


def check_leaving():  # ROOM-21
    packages, epochs = grown(SHARED)
    room_id = epochs[0].body.room_id
    statement = room_statements.make_leave(epochs[1], sender(CAROL))
    assert room_statements.check_leave(statement, room_id, epochs[:3], PEOPLE) == name(CAROL)
    refused_by("ROOM-21", room_statements.check_leave, statement, room_id, epochs, PEOPLE)
    refused_by("ROOM-21", room_statements.check_leave, statement, room_id, epochs[2:3], PEOPLE)
    refused_by("ROOM-21", room_statements.check_leave, statement, bytes(16), epochs[:3], PEOPLE)
    pretended = room_statements.make_leave(epochs[1], Sender(EVE.signing, CAROL.identity))
    refused(wire.BadSignature, room_statements.check_leave, pretended, room_id, epochs[:3], PEOPLE)
    for at, value, error in ((87, 0, wire.Malformed), (87, 5, wire.Unsupported), (87, 2, wire.Malformed),
                             (6, 0x25, wire.Unsupported)):
        changed = bytearray(statement)
        changed[at] = value
        refused(error, room_statements.check_leave, bytes(changed), room_id, epochs[:3], PEOPLE)


def check_grants():  # ROOM-25
    packages, epochs = grown(FROM_JOIN, 4)
    state = room_state.join(packages[4], keys(DAVE), name(ALICE), PEOPLE)

    def open_grant(granted, by=BOB, granter=BOB):
        grant = room_statements.make_grant(granted, sender(by), [DAVE.identity])
        return room_statements.open_grant(grant, keys(DAVE), state.line(), state.at_head, name(granter), PEOPLE)

    granted = open_grant(epochs[1:4])
    assert [epoch.message_key for epoch in granted] == [epoch.message_key for epoch in epochs[1:4]]
    message = room_messages.seal_message(epochs[2], sender(CAROL), DEVICE, 0, b"hello")
    assert room_messages.open_message(message, granted, PEOPLE).content == b"hello"
    for wrong in (epochs[1:3], epochs[1:2] + epochs[3:4], epochs[1:]):
        refused_by("ROOM-25", open_grant, wrong)
    for other in (begun()[1], replace(epochs[3], body=replace(epochs[3].body, history=SHARED))):
        refused(wire.Malformed, open_grant, [other])
    refused(wire.BadSignature, open_grant, epochs[1:4], ALICE, BOB)
    refused_by("ROOM-25", open_grant, epochs[1:4], EVE, EVE)
    refused_by("ROOM-25", open_grant, [replace(epochs[3], secret=None, granted=bytes(32))])
    held = room_statements.merge_grant(state.branch, granted)
    assert [held[epoch.transcript].message_key for epoch in epochs[1:]] == [epoch.message_key for epoch in epochs[1:]]
    state = replace(state, branch=held)
    assert room_state.open_state(room_state.seal_state(state, bytes(32)), bytes(32)) == state


def check_messages():  # RMSG-01 to RMSG-05
    _, epoch = begun()
    place = [member for member, _ in epoch.body.roster].index(name(BOB))
    for content, aad, padding in ((b"", b"", False), (b"hi", b"x", True), (bytes(70000), b"", True)):
        message = room_messages.seal_message(epoch, sender(BOB), DEVICE, 7, content, aad, padding)
        got = room_messages.open_message(message, [epoch], PEOPLE, aad)
        assert (got.sender, got.device, got.sequence, got.content) == (name(BOB), DEVICE, 7, content)
        if padding:
            assert len(message) - 79 == sealroom.padme(len(message) - 79)
        refused(wire.Decrypt, room_messages.open_message, message, [epoch], PEOPLE, aad + b"y")
        refused(wire.Unknown, room_messages.open_message, message, [], PEOPLE, aad)
        refused(wire.Unknown, room_messages.open_message, message, [replace(epoch, commitment=bytes(32))], PEOPLE, aad)
    for size, error in ((101, wire.Malformed), (102, wire.Decrypt), (16777295, wire.Decrypt), (16777296, wire.Limit)):
        changed = (message + bytes(max(0, size - len(message))))[:size]
        refused(error, room_messages.open_message, changed, [epoch], PEOPLE)
    largest = room_messages.seal_message(epoch, sender(BOB), DEVICE, 0, bytes(16777216 - 90), b"", True)
    assert len(largest) == 16777295
    refused(wire.Limit, room_messages.seal_message, epoch, sender(BOB), DEVICE, 0, bytes(16777216 - 89))

    hashed = room_messages.digest(room_messages.route_of(epoch), b"", b"hi")
    signature = algorithms.sign(BOB.signing, room_messages.signed_bytes(name(BOB), 1, epoch, DEVICE, 7, hashed))

    def attempt(place, sequence, signature, rest):
        plaintext = wire.integer(place, 4) + DEVICE + wire.integer(sequence, 8) + wire.vector(signature) + rest
        return room_messages.open_message(room_messages.encrypt(epoch, bytes(24), plaintext, b""), [epoch], PEOPLE)

    first = attempt(place, 7, signature, b"\x02hi")
    assert attempt(place, 7, signature, b"\x02hi" + bytes(9)).id == first.id
    for arguments, error in (
        ((place, 7, signature, b"\x02hi\x00\x01"), wire.Decrypt), ((2, 7, signature, b"\x02hi"), wire.Decrypt),
        ((place, 7, signature, b"\x40\x02hi"), wire.Decrypt), ((place, 7, signature, b"\x03hi"), wire.Decrypt),
        ((1 - place, 7, signature, b"\x02hi"), wire.BadSignature),
        ((place, 8, signature, b"\x02hi"), wire.BadSignature),
        ((place, 7, signature, b"\x02ho"), wire.BadSignature), ((place, 7, bytes(64), b"\x02hi"), wire.BadSignature),
        ((place, 7, signature[:-1], b"\x02hi"), wire.BadSignature), ((place, 7, b"", b"\x02hi"), wire.Decrypt),
        ((place, 7, signature + b"\x00", b"\x02hi"), wire.BadSignature),
    ):
        refused(error, attempt, *arguments)
    draws = iter((bytes(32), bytes(32), b"\x01" * 32))
    salts = [room_messages.seal_message(epoch, sender(BOB), DEVICE, number, b"", random=lambda _: next(draws))[39:63]
             for number in (0, 1, 1)]
    assert len(set(salts)) == 3


def check_replays():  # RMSG-07, RMSG-08
    devices, used, answers = (), 0, []
    events = [(0, 5), (0, 5), (0, 4), (0, 9), (0, 9, 1)]
    events += [*((0, number) for number in range(10, 73)), (0, 5), (0, 8), (0, 9)]
    for device, sequence, *other in events:
        identifier = bytes([*other, *bytes(15)]) if other else bytes(16)
        mine = bytes([device] * 8)
        answer, devices, used = room_messages.answer(devices, used, bytes(32), mine, sequence, identifier)
        answers.append(answer)
    assert answers[:5] == ["fresh 0", "duplicate", "fresh 0", "fresh 3", "reused"], answers[:5]
    assert answers[5:-3] == ["fresh 0"] * 63 and answers[-3:] == ["old", "old", "duplicate"]
    for device in range(1, 33):  # the 33rd device drives out the first
        answer, devices, used = room_messages.answer(devices, used, bytes(32), bytes([device] * 8), 0, bytes(16))
        assert answer == "fresh 0"
    assert len(devices) == 32 and room_messages.answer(devices, used, bytes(32), bytes(8), 5, bytes(16))[0] == "fresh 0"


def check_conversation():  # RMSG-09
    packages, epochs = grown(SHARED, 1)
    bob = room_state.join(packages[0], keys(BOB), name(ALICE), PEOPLE)
    alice = room_state.join(packages[0], keys(ALICE), name(ALICE), PEOPLE)
    bob, message = room_state.send(bob, sender(BOB), b"one")
    alice, got = room_state.receive(alice, message, PEOPLE)
    assert got.answer == "fresh 0" and not got.superseded and got.in_head and got.message.content == b"one"
    alice, _ = room_state.apply(alice, packages[1], keys(ALICE), PEOPLE)
    alice, got = room_state.receive(alice, message, PEOPLE)
    assert got.answer == "duplicate" and got.superseded
    alice, got = room_state.receive(alice, room_state.send(bob, sender(BOB), b"two")[1], PEOPLE)
    alice, got = room_state.receive(alice, room_state.send(bob, sender(BOB), b"2")[1], PEOPLE)
    assert got.answer == "reused"
    assert room_state.open_state(room_state.seal_state(alice, bytes(32)), bytes(32)) == alice


def all_but(branch, epoch):
    return {key: one for key, one in branch.items() if key != epoch.transcript}


def check_states():  # ROOM-26
    packages, epochs = grown(SHARED)
    state = room_state.join(packages[0], keys(BOB), name(ALICE), PEOPLE)
    for package in packages[1:]:
        state, _ = room_state.apply(state, package, keys(BOB), PEOPLE)
    assert room_state.decode_state(room_state.encode_state(state)) == state
    seen = room_messages.SeenDevice(name(ALICE), DEVICE, 1, ((1, bytes(16)), (2, bytes(16))))
    good = replace(state, devices=(seen,), used=1)
    assert room_state.decode_state(room_state.encode_state(good)) == good
    granted = {e.transcript: granted_only(e) for e in epochs}
    fork = follow(rooms.make_package(epochs[2], epochs[2].body.members, sender(ALICE), PEOPLE), epochs[2])
    for right in (replace(state, branch=all_but(state.branch, epochs[1])),
                  replace(state, evidence={fork.transcript: fork})):
        assert room_state.decode_state(room_state.encode_state(right)) == right
    for wrong in (
        replace(state, mine=(name(CAROL),)), replace(state, head=bytes(32)), replace(state, standing=3),
        replace(state, branch={}, evidence=state.branch), replace(state, branch=granted),
        replace(state, branch=all_but(state.branch, epochs[1]), evidence={epochs[1].transcript: epochs[1]}),
        replace(state, branch=all_but(state.branch, epochs[0]), evidence={epochs[0].transcript: epochs[0]}),
        replace(state, head=epochs[2].transcript), replace(state, branch=state.branch | {fork.transcript: fork}),
        replace(state, devices=(seen, seen)), replace(state, devices=(replace(seen, seen=seen.seen[::-1]),)),
        replace(state, evidence={b"": begun()[1]}),
        replace(state, devices=(replace(seen, seen=tuple((n, bytes(16)) for n in range(65))),)),
        replace(state, devices=(replace(seen, seen=()),)),
        replace(state, devices=tuple(replace(seen, device=bytes([n]) * 8) for n in range(33))),
        replace(state, mine=(name(BOB), name(BOB))),
    ):
        refused_by("ROOM-26", room_state.decode_state, room_state.encode_state(wrong))
    refused_by("ROOM-26", room_state.decode_state, room_state.encode_state(state) + b"\x00")
    sealed = room_state.seal_state(state, bytes(32))
    refused(wire.Decrypt, room_state.open_state, sealed, b"\x01" * 32)
    refused(wire.Unsupported, sealroom.open, sealed, [sealroom.SymmetricKey(bytes(32))])


def check_rsa_members():
    encryption, signing = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    member = identity.make_identity(identity.RSA_2048, 0, encryption, signing, ALICE_1.rotation.public_key())
    people = PEOPLE | {member.fingerprint: member}
    by, key = Sender(signing, member), PrivateKey(encryption, member.fingerprint)
    both = {name(ALICE): ADMIN, member.fingerprint: ADMIN}
    package = rooms.make_room(both, by, SHARED, people)
    state = room_state.join(package, [key], member.fingerprint, people)
    package = rooms.make_package(state.at_head, both | {name(BOB): MEMBER}, by, people)
    state, _ = room_state.apply(state, package, [key], people)
    assert rooms.open_package(package, keys(BOB)).epoch.transcript == state.head
    package = rooms.make_package(state.at_head, both, sender(ALICE), people)
    state, outcome = room_state.apply(state, package, [key], people)
    assert outcome == "head" and state.at_head.body.adds == 0
    state, message = room_state.send(state, by, b"content", b"data")
    assert room_state.receive(state, message, people, b"data")[1].message.content == b"content"
    room_statements.check_leave(room_statements.make_leave(state.at_head, by), state.room_id, state.line(), people)
