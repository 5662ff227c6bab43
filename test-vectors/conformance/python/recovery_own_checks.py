"""What SPEC.md §21 asks for, tried with servers that keep back, add, repeat and change. Run by check.py.

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import random
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

import devices
import identity
import keyring
import recovery
import room_state
import rooms
import wire
from algorithms import ORDER
from keyring import CONTACT, EPOCH, GIVEN_UP, PART, ROOM, WHOLE, Keyring
from own_checks import ALICE_2, WORDS, refused
from recovery import IDENTITIES, KEYRING, PACKAGES
from rooms import FROM_JOIN, SHARED
from rooms_own_checks import ALICE, ALICE_1, BOB, CAROL, DAVE, EVE, PEOPLE, begun, copied, follow, grown, keys, name
from rooms_own_checks import refused_by, roster, sender, wrapped_to

ROOT = identity.root_from_seed(identity.seed_from_words(WORDS, "a"))
BOBS = devices.Linked(((BOB.secret, BOB.identity),), ())


def moved(old, new):
    return identity.make_transition(old.identity, old.signing, new.identity, new.rotation)


FIRST, SECOND = moved(ALICE, ALICE_1), moved(ALICE_1, ALICE_2)


def flipped(data, at=-1):
    return data[:at] + bytes([data[at] ^ 1]) + (data[at:][1:])


def nobody(_):
    raise AssertionError("nobody had to be asked for")


def known(*people):
    return lambda asked: [one.identity.encode() for one in people if name(one) in asked]


def told(got):
    """Of what, and which class of error."""
    return {(one.data, one.error.kind) for one in got.problems}


def quiet(got):
    return not got.problems and not got.missing


def holding(*states, write=True):
    """A keyring with these rooms."""
    mine = keyring.begin()
    for state in states:
        mine = keyring.keep_room(mine, state)
    return keyring.make_segment(mine, WHOLE, BOB.keyring)[1] if write else mine


def recover(segments, packages, ask=nobody, linked=BOBS):
    got = recovery.recover(linked, segments, packages, ask)
    for state in got.rooms.values():
        assert state.standing == room_state.UNCONFIRMED
        assert room_state.decode_state(room_state.encode_state(state)) == state
    return got


def check_generations():  # §21.1, REC-02
    def numbers(*transitions):
        linked, found = recovery.from_words(ROOT, identity.P256, transitions)
        devices.check_chain(linked)
        devices.check_keys(linked)
        return [public.generation for _, public in linked.generations], {one.data: str(one.error) for one in found}

    assert numbers() == ([0], {}) and numbers(FIRST, SECOND) == ([0, 1, 2], {}) == numbers(SECOND, FIRST)
    assert numbers(SECOND) == ([0], {SECOND: "from another identity"})  # what leads there is missing
    assert numbers(FIRST, SECOND, FIRST) == ([0, 1, 2], {})
    stolen = identity.make_identity(identity.P256, 1, EVE.encryption, EVE.signing, ALICE_2.rotation.public_key())
    short = [rsa.generate_private_key(65537, 2048) for _ in range(2)]
    short = identity.make_identity(identity.RSA_2048, 1, *short, ALICE_2.rotation.public_key())
    wrong = [identity.make_transition(ALICE.identity, ALICE.signing, one, ALICE_1.rotation) for one in (stolen, short)]
    for data in wrong:
        identity.accept_transition(ALICE.identity, data)  # it is not wrong for others
    wrong += [flipped(FIRST), FIRST[:-1], b"", moved(BOB, ALICE_1), moved(ALICE, ALICE_2)]
    for place in range(len(wrong) + 1):
        found, errors = numbers(*wrong[:place], FIRST, *wrong[place:], SECOND)
        assert found == [0, 1, 2] and errors.keys() == set(wrong)
    assert numbers(*wrong)[0] == [0]
    body = FIRST[:-128]
    r, s = decode_dss_signature(ALICE.signing.sign(wire.sign_input("transition", body), ec.ECDSA(SHA256())))
    again = body + wire.integer(r, 32) + wire.integer(min(s, ORDER - s), 32) + FIRST[-64:]  # signed a second time
    assert again != FIRST and identity.accept_transition(ALICE.identity, again) == ALICE_1.identity
    for given in ((FIRST, again), (again, FIRST)):
        assert numbers(*given, SECOND) == ([0, 1, 2], {given[1]: "another one was taken"})


def check_keyring():  # §21.2, REC-04, KRG-06
    linked, _ = recovery.from_words(ROOT, identity.P256, [FIRST])
    mine = keyring.write(Keyring(b"d" * 8), CONTACT, b"a", name(CAROL))
    mine, one = keyring.make_segment(mine, PART, ALICE.keyring)
    mine, two = keyring.make_segment(keyring.write(mine, CONTACT, b"b", name(CAROL)), PART, ALICE_1.keyring)
    whole = keyring.make_segment(mine, WHOLE, ALICE_1.keyring)[1]
    _, thief = keyring.make_segment(keyring.write(Keyring(b"e" * 8), CONTACT, b"c", name(EVE)), WHOLE, ALICE.keyring)
    junk = [b"", flipped(one), two[:-1], thief + b"x"]

    def names(*given):
        got = recover(given, [], linked=linked)
        assert {one.step for one in got.problems} <= {KEYRING}
        labels = {label for label in (b"a", b"b", b"c") if keyring.value_of(got.keyring, CONTACT, label)}
        return labels, told(got), [(one["device"], one["first"], one["last"]) for one in got.missing]

    assert names(one, two) == ({b"a", b"b"}, set(), [])
    assert names(two) == ({b"b"}, set(), [(b"d" * 8, 1, 1)])
    assert names(thief, two, one) == ({b"a", b"b", b"c"}, set(), [])
    assert names(thief, whole) == ({b"a", b"b"}, set(), [])  # which is left out
    assert names(thief, whole, flipped(thief))[1] == {(flipped(thief), "decrypt")}
    found, errors, _ = names(*junk, one, *junk, two)
    assert found == {b"a", b"b"} and {data for data, _ in errors} == set(junk)
    start = keyring.write(keyring.begin(), CONTACT, b"a", name(BOB))
    got = recovery.recover(linked, [b"x"], [], nobody, start)
    assert keyring.value_of(got.keyring, CONTACT, b"a") == name(BOB)  # what a device has stays


def check_rooms():  # §21.2, §21.3
    for history in (SHARED, FROM_JOIN):
        packages, epochs = grown(history)
        room_id = epochs[0].body.room_id
        first = room_state.join(packages[0], keys(BOB), name(ALICE), PEOPLE)
        full, _ = room_state.catch_up(first, packages, keys(BOB), PEOPLE)
        got = recover([holding(full)], [])
        assert got.rooms[room_id].line() == epochs and quiet(got)
        got = recover([holding(first)], packages, known(ALICE))
        assert got.rooms[room_id].line() == epochs and quiet(got) and got.people[name(ALICE)] == ALICE.identity
        got = recover([], packages, known(ALICE))
        assert got.rooms[room_id].line() == epochs and quiet(got)
        headless = holding(full, write=False)
        entry = EPOCH, keyring.encode_epoch(epochs[3])
        headless = replace(headless, entries=headless.entries - {entry})
        data = keyring.make_segment(headless, WHOLE, BOB.keyring)[1]
        got = recover([data], [])  # as far as its epochs go
        assert got.rooms[room_id].line() == epochs[:3] and quiet(got)
        got = recover([data], packages[3:], known(ALICE))
        assert got.rooms[room_id].line() == epochs
        given_up = keyring.write(holding(full, write=False), ROOM, room_id, GIVEN_UP)
        assert not recover([keyring.make_segment(given_up, WHOLE, BOB.keyring)[1]], packages).rooms
        removed = rooms.make_package(epochs[3], roster([ALICE]), sender(ALICE), PEOPLE)
        got = recover([holding(first)], [*packages, removed], known(ALICE))
        assert got.rooms[room_id].line() == epochs and told(got) == {(removed, "decrypt")}
    alone = rooms.make_room(roster([CAROL]), sender(CAROL), SHARED, PEOPLE)
    got = recover([holding(full)], [alone])
    assert got.rooms.keys() == {room_id} and told(got) == {(alone, "decrypt")}
    assert got.missing == [{"what": "room", "room_id": rooms.decode_package(alone).public_data[:16]}]


def check_gaps():  # §21.3, REC-03
    package, zero = begun(members=(BOB, CAROL))
    packages, epochs = [package], [zero]
    for by in (ALICE, CAROL, ALICE, ALICE):
        packages.append(rooms.make_package(epochs[-1], zero.body.members, sender(by), PEOPLE))
        epochs.append(follow(packages[-1], epochs[-1]))
    room_id = zero.body.room_id

    def line(entries, given, asked=(ALICE, CAROL)):
        mine = keyring.add(keyring.begin(), [(EPOCH, keyring.encode_epoch(one)) for one in entries])
        got = recover([keyring.make_segment(mine, WHOLE, BOB.keyring)[1]], given, known(*asked))
        missing = [(one["first"], one["last"]) for one in got.missing if one["what"] == "epochs"]
        return [one.body.epoch for one in got.rooms[room_id].line()], missing

    assert line(epochs, []) == ([0, 1, 2, 3, 4], [])
    assert line(epochs[3:4], []) == ([3], [(0, 2)])
    ends = [epochs[0], epochs[4]]
    assert line(ends, []) == ([0, 4], [(1, 3)])
    assert line(ends, packages) == ([0, 1, 2, 3, 4], []) and line(epochs[4:], packages) == ([0, 1, 2, 3, 4], [])
    assert line(epochs[3:4], packages) == ([0, 1, 2, 3, 4], [])
    assert line(ends, packages[:4]) == ([0, 1, 2, 3, 4], [])
    assert line(epochs[4:], packages[:4]) == ([0, 1, 2, 3, 4], [])  # a further run, to which the head leads back
    false = copied(packages[3], epochs[3], EVE, ALICE, epochs[2].secret)
    assert line(epochs[4:], [*packages[:3], false, packages[4]]) == ([4], [(0, 3)])  # not signed by its author
    assert line(epochs[4:], packages[:3]) == ([4], [(0, 3)])
    assert line(ends, packages[2:]) == ([0, 2, 3, 4], [(1, 1)])
    assert line(epochs[4:], packages[2:]) == ([2, 3, 4], [(0, 1)])
    assert line(epochs[4:], packages, [ALICE]) == ([3, 4], [(0, 2)])  # the signer is not known
    hidden, one = wrapped_to(epochs[3], zero.body.members, ALICE, (ALICE, CAROL, EVE))
    last = rooms.make_package(one, zero.body.members, sender(ALICE), PEOPLE)
    later = follow(last, one)
    assert line([zero, later], [*packages[1:4], hidden, last]) == ([0, 1, 2, 3, 4, 5], [])  # who was left out
    joined, epochs = grown(FROM_JOIN, 4)
    mine = room_state.join(joined[4], keys(DAVE), name(ALICE), PEOPLE)
    filled = room_state.fill(mine, joined, keys(DAVE), PEOPLE)
    assert mine.line() == epochs[4:] == filled.line()  # nothing names what was before
    got = recovery.put_together(keyring.begin(), mine.room_id, joined, keys(DAVE), dict(PEOPLE))
    assert got[0].line() == epochs[4:] and not got[1].missing


def lacking(got):
    return [one["fingerprint"] for one in got.missing if one["what"] == "identity"]


def check_identities():  # §21.4
    packages, epochs = grown(SHARED, 2)
    packages.append(rooms.make_package(epochs[2], epochs[2].body.members, sender(CAROL), PEOPLE))
    epochs.append(follow(packages[3], epochs[2]))
    packages.append(rooms.make_package(epochs[3], roster([ALICE_1], [BOB, CAROL]), sender(ALICE_1), PEOPLE, FIRST))
    epochs.append(follow(packages[4], epochs[3], BOB))
    packages.append(rooms.make_package(epochs[4], epochs[4].body.members, sender(ALICE_1), PEOPLE))
    epochs.append(follow(packages[5], epochs[4], BOB))
    asked = []

    def server(*answers):
        return lambda wanted: asked.append(wanted) or [one if isinstance(one, bytes) else one.identity.encode()
                                                       for one in answers]

    got = recover([], packages, server(ALICE, CAROL))
    (state,) = got.rooms.values()
    assert state.line() == epochs and quiet(got) and got.people[name(ALICE_1)] == ALICE_1.identity  # by transition
    assert set().union(*asked) <= {name(ALICE), name(CAROL), name(ALICE_1)}
    got = recover([], packages, server(ALICE, b"x", EVE, EVE, flipped(ALICE.identity.encode())))
    (state,) = got.rooms.values()
    assert state.line() == epochs[:3] and name(EVE) not in got.people
    errors = {one.data: one.error.kind for one in got.problems if one.step == IDENTITIES}
    wrong = {b"x": "malformed", EVE.identity.encode(): "unknown", flipped(ALICE.identity.encode()): "signature"}
    assert errors == wrong and name(CAROL) in lacking(got) and set(lacking(got)) <= {name(CAROL), name(ALICE_1)}
    got = recover([], packages, server())
    assert not got.rooms and name(ALICE) in lacking(got) and {one.step for one in got.problems} == {PACKAGES}
    mine = keyring.add(keyring.begin(), [(keyring.IDENTITY, one.identity.encode()) for one in (ALICE, CAROL)])
    got = recover([keyring.make_segment(mine, WHOLE, BOB.keyring)[1]], packages, server())
    assert got.rooms[state.room_id].line() == epochs  # whom the keyring has

    _, zero = begun()
    moving = rooms.make_package(zero, roster([ALICE_1], [BOB]), sender(ALICE_1), PEOPLE, FIRST)
    mine = keyring.keep_room(keyring.begin(), room_state.start([zero], zero, name(BOB), room_state.CONFIRMED))
    segments = [keyring.make_segment(mine, WHOLE, BOB.keyring)[1]]
    got = recover(segments, [moving], known(ALICE))  # who was replaced
    assert got.rooms[zero.body.room_id].at_head.body.epoch == 1
    other = rooms.make_room(roster([EVE], [BOB]), sender(EVE), FROM_JOIN, PEOPLE)
    got = recover([], [*packages, other], known(ALICE, CAROL))
    assert len(got.rooms) == 1 and lacking(got) == [name(EVE)]
    assert len(recover([], [*packages, other], known(ALICE, CAROL, EVE)).rooms) == 2


def check_bad_servers():  # REC-01
    draw = random.Random(21)
    rooms_ = [grown(history) for history in (SHARED, FROM_JOIN)]
    joined = [room_state.join(packages[0], keys(BOB), name(ALICE), PEOPLE) for packages, _ in rooms_]
    mine = keyring.keep_room(keyring.begin(), joined[0])
    mine, one = keyring.make_segment(keyring.write(mine, CONTACT, b"a", name(CAROL)), PART, BOB.keyring)
    mine, two = keyring.make_segment(keyring.write(mine, CONTACT, b"b", name(EVE)), PART, BOB.keyring)
    good = [one, two], [data for packages, _ in rooms_ for data in packages], [ALICE.identity.encode()]
    foreign = begun(members=(CAROL,))[0], FIRST, EVE.identity.encode(), b"", one, good[1][0], good[2][0]

    def spoilt(given, again=True):
        more = [draw.choice(given) for _ in range(3)] if again else []
        changed = [flipped(one, draw.randrange(len(one))) for one in draw.choices(given, k=4)]
        changed += [one[: draw.randrange(len(one))] for one in draw.choices(given, k=2)]
        mixed = [*given, *more, *changed, *(other for other in foreign if other not in given)]
        draw.shuffle(mixed)
        return mixed

    def result(segments, packages, identities):
        got = recover(segments, packages, lambda _: identities)
        return {key: (state.line(), state.evidence) for key, state in got.rooms.items()}, got.keyring.entries, got

    expected = result(*good)
    assert len(expected[0]) == 2 and all(len(line) == 4 for line, _ in expected[0].values()) and quiet(expected[2])
    for _ in range(4):
        found = result(*(spoilt(given) for given in good))
        assert found[:2] == expected[:2] and found[2].problems
        some = [draw.sample(given, draw.randrange(len(given) + 1)) for given in good[:2]] + [good[2]]
        less, spoilt_ = result(*some), result(*(spoilt(given) if given else [b"x"] for given in some))
        assert less[0].keys() <= spoilt_[0].keys() and less[1] <= spoilt_[1]


def check_lost_device():  # §22.4
    package, zero = begun(admins=(ALICE, BOB), members=(CAROL,))
    state = room_state.join(package, keys(ALICE), name(ALICE), PEOPLE)
    mine, part = keyring.make_segment(keyring.keep_room(keyring.begin(), state), PART, ALICE.keyring)
    linked, _ = recovery.from_words(ROOT, identity.P256, [FIRST])
    both = recovery.keys_of(linked)
    assert [key.id for key in both] == [name(ALICE_1), name(ALICE)]
    moved_ = room_state.make_package(state, roster([ALICE_1, BOB], [CAROL]), sender(ALICE_1), PEOPLE, FIRST)
    after, outcome = room_state.apply(state, moved_, both, PEOPLE)
    assert outcome == "head" and after.me == name(ALICE_1)
    refused(wire.Decrypt, room_state.apply, state, moved_, keys(ALICE), PEOPLE)  # what the thief has
    _, whole = keyring.make_segment(keyring.keep_room(mine, after), WHOLE, ALICE_1.keyring)
    thief = keyring.write(keyring.keep_room(keyring.begin(), state), ROOM, state.room_id, GIVEN_UP)
    _, thief = keyring.make_segment(thief, WHOLE, ALICE.keyring)
    got = recover([part, thief, whole], [], linked=linked)
    assert got.rooms[state.room_id].line() == after.line() and got.rooms[state.room_id].me == name(ALICE_1)
    assert not recover([part, thief], [], linked=linked).rooms  # until a whole segment is there
    refused_by("ROOM-22", room_state.send, got.rooms[state.room_id], sender(ALICE_1), b"")
