"""What a reader of one epoch must say to the vectors of rooms and messages, and to rooms made here. SPEC.md §18.11.

No vector is made for this reader. What it must say follows from what the vector says of a whole room, and from the
epoch that the reader holds; the functions below say how.

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import collections
from dataclasses import replace

import identity
import room_messages
import room_state
import rooms
import sealroom
import single_epoch
import vectors
import wire
from rooms import FROM_JOIN, SHARED
from rooms_own_checks import ALICE, ALICE_1, BOB, CAROL, DAVE, DEVICE, PEOPLE, keys, name, refused_by, roster, sender
from single_epoch import FOLLOWED, HELD, Reader
from vectors import Tape, raw, read_epoch, read_key, read_people

TOLD: collections.Counter[str] = collections.Counter()  # how often a reader said what, over all vectors


def cases(files: list[list[dict]]) -> list[dict]:
    """One for each vector that such a reader can be given."""
    kinds = {"package": play_package, "history": play_history, "message": play_message, "replays": play_replays}
    given = [vector for vectors_of_file in files for vector in vectors_of_file if vector["kind"] in kinds]
    given = [vector for vector in given if vector["kind"] != "history" or vector["steps"][0]["do"] == "join"]
    found = [{"id": one["id"], "check": lambda one=one: kinds[one["kind"]](one)} for one in given]
    made = [(name, check) for name, check in globals().items() if name.startswith("check_")]
    return found + [{"id": name, "check": check} for name, check in made]


def same(what, one, other):
    assert one == other, f"{what}: {one} for {other}"


def tell(what: str, result) -> None:
    TOLD[f"{what} {result}" if isinstance(result, str) else f"{what} refused"] += 1


def attempt(call, *arguments):
    """What a call gives, or the error."""
    try:
        return call(*arguments)
    except wire.SealroomError as error:
        return error


def same_refusal(error, recorded: dict) -> None:
    assert isinstance(error, wire.SealroomError), f"not refused: {recorded['result']}"
    found, expected = vectors.refusal(error), {n: recorded[n] for n in ("result", "check") if recorded.get(n)}
    TOLD["refused, of another class or tag than the vector says"] += found != expected  # VEC-02


def kept(reader: Reader) -> Reader:
    """The same reader, stored in the form of §18.9 and read again."""
    state = room_state.decode_state(room_state.encode_state(single_epoch.stored(reader)))
    restored = replace(single_epoch.restored(state), window=reader.window)
    same("restored", restored, reader)
    return restored


# Packages: what a whole room says that holds no more than the parent


def play_package(vector):
    people, parent, me = read_people(vector), read_epoch(vector["parent"]), raw(vector, "me")
    own = [read_key(vector["key"])] if vector.get("key") else []
    if parent is None:
        found = attempt(single_epoch.join, raw(vector, "package"), own, raw(vector, "inviter"), people)
        what = "joined" if isinstance(found, Reader) else found
        tell("join", what)
    else:
        reader = Reader((me,), parent, DEVICE)
        package = attempt(open_by, vector, reader, own)
        if isinstance(package, wire.SealroomError):
            found = what = package
        else:
            found, what = single_epoch.take(reader, package, own, people)
        tell("package", what)
    if vector["result"] != "ok":
        same_refusal(what, vector)
        if isinstance(found, Reader):
            # a check against the parent failed: it is behind if an admin of the parent's roster signed the package
            same("epoch", found.epoch, parent)
            by_admin = rooms.is_signed(package, people) and parent.body.is_admin(package.epoch.signer)
            same("behind", found.behind, parent.body.epoch + 1 if by_admin else 0)
            TOLD["package refused, and behind"] += by_admin
        return
    expected = read_epoch(vector["epoch"])
    same("epoch", kept(found).epoch, expected)
    same("transcript", found.epoch.transcript.hex(), vector["transcript"])
    same("code", rooms.code(found.epoch.transcript), vector["code"])
    same("me", found.me, me)
    if parent:
        same("outcome", what, FOLLOWED)
        same("again", single_epoch.apply(found, raw(vector, "package"), own, people), (found, HELD))
        same("one that follows an epoch before", refused_after(found, package, parent, people), "ROOM-08")


def open_by(vector, reader, own):
    """A vector may give the secret of a package in place of a key that opens it."""
    data = raw(vector, "package")
    if vector.get("secret"):
        return rooms.open_package(data, [], [raw(vector, "secret")], reader.epoch.body.room_id)
    return single_epoch.open_next(reader, data, own)


def refused_after(reader, package, parent, people):
    """The epoch that is held was followed, by another one than this package's: its parent is held no longer."""
    other = replace(reader.epoch, commitment=bytes(32))
    found, error = single_epoch.take(replace(reader, epoch=other), package, [], people)
    by_admin = other.body.is_admin(package.epoch.signer)  # of its own number: a fork that began before
    same("behind", found.behind, other.body.epoch + 1 if by_admin else 0)
    return error.check


# Histories: what a whole room says, step by step


def play_history(vector):
    """The reader takes the steps of a whole room that concern it."""
    people, own = read_people(vector), [read_key(key) for key in vector["keys"]]
    reader, received = None, []
    for step in vector["steps"]:
        if step["do"] == "join":
            reader = play_join(reader, step, own, people)
        elif step["do"] == "apply":
            reader = play_apply(reader, raw(step, "package"), step, own, people)
        elif step["do"] == "catch_up":  # one after the other: ROOM-29 does not bind it
            for data, answer in zip(step["packages"], step["answers"]):
                reader = play_apply(reader, bytes.fromhex(data), answer, own, people)
        elif step["do"] == "message":
            reader = play_message_step(reader, step, received, people)
        elif step["do"] == "accept_head":
            reader = single_epoch.accept(reader)
        if reader:
            reader = kept(reader)


def play_join(reader, step, own, people):
    data, inviter = raw(step, "package"), raw(step, "inviter")
    found = attempt(single_epoch.join, data, own, inviter, people, reader)
    tell("join", "joined" if isinstance(found, Reader) else found)
    number = int.from_bytes(rooms.decode_package(data).public_data[16:], "big")
    if reader and number <= reader.epoch.body.epoch:
        assert getattr(found, "check", None) == "ROOM-17", found
        return reader
    if step["result"] != "ok":  # only for what was before, which this reader does not look at
        assert step["past"], step["result"]
        TOLD["join joined, where the past is refused"] += 1
    else:
        same("transcript", found.epoch.transcript.hex(), step["transcript"])
    same("behind", found.behind, 0)
    return found


def play_apply(reader, data, recorded, own, people):
    """It follows what a whole room took after the epoch that it holds, if it can open it; and refuses all else."""
    held = reader.epoch
    given = [sealroom.SymmetricKey(held.kek), *own]
    package = attempt(rooms.open_package, data, given, [held.secret], held.body.room_id)
    found = attempt(single_epoch.apply, reader, data, own, people)
    after, what = (reader, found) if isinstance(found, wire.SealroomError) else found
    tell("history: package", what)
    if isinstance(package, wire.SealroomError):
        assert isinstance(what, wire.SealroomError) and after == reader, what
        if recorded["result"] != "ok":
            same_refusal(what, recorded)
        else:
            TOLD["history: package that a whole room opens and this reader cannot"] += 1
        return reader
    transcript, number = package.epoch.transcript, package.epoch.body.epoch
    if transcript == held.transcript:
        same("its own epoch again", (after, what), (reader, HELD))
    elif recorded["result"] == "ok" and package.epoch.body.previous_transcript == held.transcript:
        same("outcome", (what, after.epoch), (FOLLOWED, package.epoch))  # a whole room found it authorised
        if recorded["became"] == "head" and "transcript" in recorded:
            same("transcript", after.epoch.transcript.hex(), recorded["transcript"])
            TOLD["history: package followed, to the head of the whole room"] += 1
        stays = number + 1 if reader.behind and rooms.yields(package.epoch, held) else 0
        same("behind", after.behind, reader.behind if number < reader.behind else stays)
    else:
        assert isinstance(what, wire.SealroomError), what
        if recorded["result"] != "ok":
            same_refusal(what, recorded)
        else:
            same("tag", what.check, "ROOM-08")
        same("epoch", after.epoch, held)
        by_admin = held.body.is_admin(package.epoch.signer) and recorded["result"] != "signature"
        later = max(reader.behind, number, held.body.epoch + 1) if number >= held.body.epoch else reader.behind
        same("behind", after.behind, later if by_admin else reader.behind)
        TOLD["history: package refused, and behind"] += after.behind > reader.behind
    return after


def play_message_step(reader, step, received, people):
    data = raw(step, "message")
    found = attempt(single_epoch.receive, reader, data, people)
    tell("history: message", found if isinstance(found, wire.SealroomError) else "opened")
    held = reader.epoch
    mine = data[7:39] == held.body.public_data + held.transcript[:8]
    if step["result"] != "ok" or not mine:
        same_refusal(found, step if step["result"] != "ok" else {"result": "unknown"})
        return reader
    after, message, answer = found
    same("message", [message.sender.hex(), message.sequence, message.content.hex()],
         [step[name] for name in ("sender", "sequence", "content")])
    same("freshness", answer, freshness(received, message))
    received.append(message)
    return after


def freshness(received, message):
    """As the table of §19.4 says, of few messages."""
    before = [one for one in received if (one.sender, one.device) == (message.sender, message.device)]
    ids = [one.id for one in before if one.sequence == message.sequence]
    if ids:
        return "duplicate" if message.id == ids[0] else "reused"
    greatest = max((one.sequence for one in before), default=message.sequence)
    return f"fresh {max(message.sequence - greatest - 1, 0)}"


# Messages


def play_message(vector):
    """Opened, refused and sealed as by every member, byte for byte."""
    people, epoch = read_people(vector), read_epoch(vector["epoch"])
    reader = Reader(tuple(member for member, _ in epoch.body.roster[:1]), epoch, DEVICE)
    found = attempt(single_epoch.receive, reader, raw(vector, "message"), people, raw(vector, "aad"))
    tell("message", found if isinstance(found, wire.SealroomError) else "opened")
    if vector["result"] != "ok":
        return same_refusal(found, vector)
    after, message, answer = found
    same("message", vectors.plain([message.sender, message.device, message.sequence, message.content, message.id]),
         [vector[name] for name in ("sender", "device", "sequence", "content", "message_id")])
    same("freshness", answer, "fresh 0")
    same("again", single_epoch.receive(kept(after), raw(vector, "message"), people, raw(vector, "aad"))[2], "duplicate")
    if vector.get("random"):
        me, tape = raw(vector, "sender"), Tape(raw(vector, "random"))
        writer = Reader((me,), epoch, raw(vector, "device"), vector["sequence"])
        by = sealroom.Sender(vectors.private_key(vector["pkcs8"]), people[me])
        padded = vector["padding"] == "padme"
        after, sealed = single_epoch.send(writer, by, raw(vector, "content"), raw(vector, "aad"), padded, tape)
        tell("message", "sealed")
        same("sealed", sealed.hex(), vector["message"])
        same("next_sequence", after.next_sequence, vector["sequence"] + 1)


def play_replays(vector):
    """With the places of §19.4 the vector's answers; with fewer, none that says more than is remembered."""
    for window in ((64, 32), (8, 32), (1, 32), (2, 2)):
        devices, used = (), 0
        for one, answer in zip(vector["seen"], vector["answers"]):
            device, number = raw(one, "device"), one["sequence"]
            given = device, number, raw(one, "id")
            found, devices, used = room_messages.answer(devices, used, bytes(32), *given, *window)
            if window == (64, 32):
                same("answer", found, answer)
            elif found in ("duplicate", "reused"):
                same("answer of less memory", found, answer)
            elif window[1] == 32:
                assert found == answer or found == "old", f"{found} for {answer}"
            same("places", (len(devices) <= window[1], all(len(d.seen) <= window[0] for d in devices)), (True, True))


# Made here


def made(admins, members=(), history=SHARED):
    package = rooms.make_room(roster(admins, members), sender(admins[0]), history, PEOPLE)
    opened, creator = rooms.open_package(package, keys(admins[0])), name(admins[0])
    return package, rooms.check_first(opened, creator, creator, PEOPLE)


def next_of(parent, admins, members=(), by=ALICE):
    """A package, and its epoch as its author holds it."""
    package = rooms.make_package(parent, roster(admins, members), sender(by), PEOPLE)
    opened = rooms.open_package(package, [sealroom.SymmetricKey(parent.kek), *keys(by)])
    return package, opened.epoch


def joined(package, one=BOB, by=ALICE, reader=None):
    return single_epoch.join(package, keys(one), name(by), PEOPLE, reader)


def applied(reader, package, one=BOB):
    return single_epoch.apply(reader, package, keys(one), dict(PEOPLE))


def seals(reader, one=BOB):
    """Whether it seals, and what the others open is what it sealed."""
    try:
        after, message = single_epoch.send(reader, sender(one), b"21.5")
    except wire.Room as error:
        same("tag", error.check, "ROOM-24")
        return False
    opened = room_messages.open_message(message, [reader.epoch], PEOPLE)
    same("opened", (opened.content, opened.sender, opened.sequence), (b"21.5", name(one), reader.next_sequence))
    same("next", after.next_sequence, reader.next_sequence + 1)
    return True


def check_a_racing_member():
    """The branch that came first is the reader's; the admin's removal of that member makes it behind, for good."""
    first, epoch = made([ALICE], [BOB, CAROL])
    refresh, one = next_of(epoch, [ALICE], [BOB, CAROL], CAROL)
    removal, other = next_of(epoch, [ALICE], [BOB])
    reader, what = applied(joined(first), refresh)
    same("outcome", what, FOLLOWED)
    reader, error = applied(reader, removal)
    same("refused", (error.check, reader.epoch, reader.behind), ("ROOM-08", one, 2))
    assert not seals(kept(reader))
    same("the other way round", applied(applied(joined(first), removal)[0], refresh)[0].behind, 0)  # no admin signed it
    on_the_other, _ = next_of(other, [ALICE], [BOB])
    reader, error = applied(reader, on_the_other)
    same("refused", (error.check, reader.epoch, reader.behind), ("ROOM-08", one, 2))
    goes_on, two = next_of(one, [ALICE], [BOB, CAROL], CAROL)
    after, what = applied(reader, goes_on)
    same("another refresh", (what, after.behind, seals(after)), (FOLLOWED, 3, False))
    assert kept(after).behind == 3
    ended, what = applied(after, next_of(two, [ALICE], [BOB, CAROL])[0])
    same("an admin's after that", (what, ended.behind, seals(ended)), (FOLLOWED, 0, True))
    goes_on, _ = next_of(one, [ALICE], [BOB, CAROL])
    after, what = applied(reader, goes_on)
    same("an epoch of its own branch", (what, after.behind, seals(after)), (FOLLOWED, 0, True))
    again = joined(on_the_other, reader=reader)
    same("joined again", (again.behind, again.device, seals(again)), (0, reader.device, True))
    assert seals(single_epoch.accept(reader))


def check_ahead():
    """A later package tells how far behind it is; an epoch in between does not end it."""
    first, epoch = made([ALICE], [BOB])
    packages, epochs = [], [epoch]
    for _ in range(3):
        package, epoch = next_of(epochs[-1], [ALICE], [BOB])
        packages, epochs = [*packages, package], [*epochs, epoch]
    reader, error = applied(joined(first), packages[2])
    same("refused", (error.check, reader.epoch, reader.behind), ("ROOM-08", epochs[0], 3))
    same("the one before it, too", applied(reader, packages[1])[0].behind, 3)
    for number, package in enumerate(packages, 1):
        reader, what = applied(kept(reader), package)
        same("epoch", (what, reader.epoch, seals(reader)), (FOLLOWED, epochs[number], number == 3))
    for package in (first, *packages[:2]):
        same("an earlier one", (applied(reader, package)[0], applied(reader, package)[1].check), (reader, "ROOM-08"))
    same("its own", applied(reader, packages[2]), (reader, HELD))
    refused_by("ROOM-17", joined, packages[2], reader=reader)
    refused_by("ROOM-03", joined, next_of(made([ALICE], [BOB])[1], [ALICE], [BOB])[0], reader=joined(first))


def check_the_last_number():
    """Nothing is later, so that nobody is behind of it."""
    _, epoch = made([ALICE], [BOB], FROM_JOIN)
    readers = [ALICE.identity, BOB.identity]
    seal = lambda number: rooms.seal_package(replace(epoch.body, epoch=number), sender(ALICE), readers)[0]  # noqa: E731
    reader = joined(seal((1 << 64) - 1))
    after, error = applied(reader, seal((1 << 64) - 1))
    same("refused", (error.check, kept(after)), ("ROOM-08", kept(reader)))


def check_a_race_of_two_refreshes():
    """An admin's removal of a lesser number tells this reader nothing; the next epoch on that branch does."""
    first, epoch = made([ALICE], [BOB, CAROL])
    removal, other = next_of(epoch, [ALICE], [BOB])
    one, epoch = next_of(epoch, [ALICE], [BOB, CAROL], CAROL)
    two, epoch = next_of(epoch, [ALICE], [BOB, CAROL], CAROL)
    reader = applied(applied(joined(first), one)[0], two)[0]
    same("refused", (applied(reader, removal)[0], applied(reader, removal)[1].check), (reader, "ROOM-08"))
    assert seals(reader)
    for number in (2, 3):
        package, other = next_of(other, [ALICE], [BOB])
        same("behind", applied(reader, package)[0].behind, 3)


def check_an_addition_that_it_cannot_open():
    """An addition is wrapped under the epoch before: who does not hold that learns nothing by it, nor of a fork."""
    first, epoch = made([ALICE], [BOB, CAROL])
    addition, _ = next_of(epoch, [ALICE], [BOB, CAROL, DAVE])
    refresh, second = next_of(epoch, [ALICE], [BOB, CAROL])
    later, _ = next_of(second, [ALICE], [BOB, CAROL, DAVE])
    same("ahead", type(attempt(applied, joined(first), later)), wire.Decrypt)
    reader = applied(joined(first), refresh)[0]
    same("a fork", type(attempt(applied, reader, addition)), wire.Decrypt)
    same("joined by it", joined(later, DAVE).epoch, applied(reader, later)[0].epoch)


def check_ahead_by_a_member():
    """Who is no admin of the reader's roster makes nobody behind, nor does a copy that another signs."""
    first, epoch = made([ALICE], [BOB, CAROL])
    _, second = next_of(epoch, [ALICE], [BOB, CAROL])
    third, _ = next_of(second, [ALICE], [BOB, CAROL], CAROL)
    reader = joined(first)
    same("refused", (applied(reader, third)[0], applied(reader, third)[1].check), (reader, "ROOM-08"))
    forged = sender(CAROL)
    body = replace(second.body, epoch=5)
    copy, _ = rooms.seal_package(
        body, sealroom.Sender(forged.key, ALICE.identity), [BOB.identity, ALICE.identity, CAROL.identity],
        previous_secret=second.secret,
    )
    same("a wrong signature", applied(reader, copy)[0], reader)


def check_left_out():
    """Who was left out cannot open what follows by its secret, though the next package tells it. ROOM-29"""
    first, epoch = made([ALICE], [BOB, CAROL])
    body = replace(epoch.body, epoch=1, previous_transcript=epoch.transcript)
    package, secret = rooms.seal_package(
        body, sender(ALICE), [ALICE.identity, CAROL.identity, DAVE.identity], previous_secret=epoch.secret
    )
    left_out = rooms.open_package(package, [], [secret]).epoch
    later, _ = next_of(left_out, [ALICE], [BOB, CAROL])
    reader = joined(first)
    same("not opened", type(attempt(applied, reader, package)), wire.Decrypt)
    reader, error = applied(reader, later)
    same("refused", (error.check, reader.behind, seals(reader)), ("ROOM-08", 2, False))
    assert seals(joined(later, reader=reader))  # under shared history any package wrapped to it passes §18.4
    same("not opened", type(attempt(applied, reader, package)), wire.Decrypt)


def check_joins_again_under_from_join():
    """A refresh is no package to join again by; one that adds the reader is, or one that adds others by public key."""
    first, epoch = made([ALICE], [BOB, CAROL], FROM_JOIN)
    removal, second = next_of(epoch, [ALICE], [CAROL])
    addition, third = next_of(second, [ALICE], [BOB, CAROL])
    refresh, _ = next_of(third, [ALICE], [BOB, CAROL])
    reader = joined(first)
    same("removed", type(attempt(applied, reader, removal)), wire.Decrypt)
    refused_by("ROOM-12", joined, refresh, reader=reader)
    same("added", joined(addition, reader=reader).epoch, third)
    replacing, fourth = next_of(third, [ALICE], [BOB, DAVE])
    same("as others come and go", joined(replacing, reader=reader).epoch, fourth)
    same("the newcomer", joined(replacing, DAVE).epoch, fourth)
    refused_by("ROOM-15", joined, refresh, by=CAROL, reader=reader)


def check_own_fingerprint_replaced():
    """It goes on by the new fingerprint, with the same device and its count."""
    first, epoch = made([BOB], [ALICE])
    people = dict(PEOPLE)
    transition = identity.make_transition(ALICE.identity, ALICE.signing, ALICE_1.identity, ALICE_1.rotation)
    members = roster([BOB], [ALICE_1])
    package = rooms.make_package(epoch, members, sender(ALICE_1), people, transition)
    reader = joined(first, ALICE, BOB)
    del people[name(ALICE_1)]
    after, what = single_epoch.apply(replace(reader, next_sequence=7), package, keys(ALICE, ALICE_1), people)
    same("replaced", (what, after.me, after.next_sequence), (FOLLOWED, name(ALICE_1), 7))
    same("known", people.get(name(ALICE_1)), ALICE_1.identity)
    assert seals(kept(after), ALICE_1)
