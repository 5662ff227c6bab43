"""The keyring that the devices of one person share: entries, segments, merging, contacts, rooms. SPEC.md §20.

An independent implementation, written from SPEC.md. Dedicated to the public domain under CC0 1.0, like SPEC.md.
Keyrings are values: a function that fails leaves the keyring as it was.
"""

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import identity
import room_state
import sealroom
import wire
from identity import PublicIdentity
from room_state import GRANTED, SECRET, RoomState, ascends, choice
from rooms import Epoch, People, find, need, read_body
from wire import Limit, Malformed, Unknown, integer, vector

WHOLE, PART = 1, 2
EPOCH, IDENTITY, TRANSITION, REGISTER = 1, 2, 3, 4
HEAD, ROOM, CONTACT, VERIFIED = 1, 2, 3, 4
KEPT, GIVEN_UP = b"\x01", b"\x02"
YES, NO = b"\x01", b"\x02"

Entry = tuple[int, bytes]  # kind and content
Revisions = dict[bytes, int]  # by device


# Entries


@dataclass(frozen=True)
class Register:
    register: int
    name: bytes
    clock: int
    device: bytes
    value: bytes

    def encode(self) -> bytes:
        data = integer(self.register, 1) + vector(self.name) + integer(self.clock, 8)
        return data + self.device + vector(self.value)


def decode_register(data: bytes) -> Register:
    """KRG-02; what is written in registers that are not known is left as it is. KRG-03"""
    reader = wire.Reader(data)
    register, name, clock = reader.number(1, "register"), reader.vector("name"), reader.number(8, "clock")
    device, value = reader.take(8, "device"), reader.vector("value")
    reader.end("register")
    right = {
        HEAD: len(name) == 16 and len(value) == 32,
        ROOM: len(name) == 16 and value in (KEPT, GIVEN_UP),
        CONTACT: 0 < len(name) < 256 and len(value) in (0, 32),
        VERIFIED: len(name) == 32 and value in (YES, NO),
    }
    if clock == 0 or not right.get(register, True):
        raise Malformed("KRG-02 register")
    return Register(register, name, clock, device, value)


def encode_epoch(epoch: Epoch) -> bytes:
    data = epoch.body.encode() + epoch.signer + epoch.commitment
    granted = epoch.secret is None
    return data + integer(GRANTED if granted else SECRET, 1) + (epoch.granted if granted else epoch.secret)


def decode_epoch(data: bytes) -> Epoch:
    """A KeptEpoch. KRG-02"""
    reader = wire.Reader(data)
    body, signer, commitment = read_body(reader), reader.take(32, "signer"), reader.take(32, "commitment")
    kind, key = choice(reader, (SECRET, GRANTED), "kind"), reader.take(32, "key")
    reader.end("epoch")
    return Epoch(signer, body, commitment, **{"secret" if kind == SECRET else "granted": key})


DECODE = {EPOCH: decode_epoch, IDENTITY: identity.decode_identity, TRANSITION: identity.decode_transition}
DECODE[REGISTER] = decode_register


def encode_entries(entries: Iterable[Entry]) -> bytes:
    return vector(b"".join(integer(kind, 1) + vector(content) for kind, content in sorted(entries)))


def read_entries(data: bytes) -> frozenset[Entry]:
    """KRG-02; entries of kinds that are not known are left as they are. KRG-03"""
    reader, entries = wire.Reader(data), []
    while reader.left():
        kind, content = reader.number(1, "kind"), reader.vector("content")
        DECODE.get(kind, bytes)(content)
        entries.append((kind, content))
    ascends(entries)
    return frozenset(entries)


def settled(entries: Iterable[Entry]) -> frozenset[Entry]:
    """Without the registers that a later one replaced. KRG-04"""
    entries, latest = frozenset(entries), {}
    registers = {content: decode_register(content) for kind, content in entries if kind == REGISTER}
    for one in registers.values():
        latest[one.register, one.name] = max(latest.get((one.register, one.name), 0), one.clock)
    old = {content for content, one in registers.items() if one.clock < latest[one.register, one.name]}
    return frozenset(entry for entry in entries if entry[0] != REGISTER or entry[1] not in old)


# Segments


@dataclass(frozen=True)
class Segment:
    device: bytes
    revision: int
    kind: int
    seen: Revisions
    entries: frozenset[Entry]

    @property
    def names(self) -> Revisions:
        return self.seen | {self.device: self.revision}


def encode_revisions(revisions: Revisions) -> bytes:
    return vector(b"".join(device + integer(number, 8) for device, number in sorted(revisions.items())))


def read_revisions(data: bytes, own: bytes) -> Revisions:
    """KRG-01"""
    reader, found = wire.Reader(data), []
    while reader.left():
        found.append((reader.take(8, "device"), reader.number(8, "revision")))
    ascends([device for device, _ in found])
    if any(device == own or number == 0 for device, number in found):
        raise Malformed("KRG-01 revisions")
    return dict(found)


def encode_segment(segment: Segment) -> bytes:
    data = segment.device + integer(segment.revision, 8) + integer(segment.kind, 1)
    return data + encode_revisions(segment.seen) + encode_entries(segment.entries)


def decode_segment(data: bytes, first: int = 1) -> Segment:
    """KRG-01; `first` is the least revision."""
    reader = wire.Reader(data)
    device, revision = reader.take(8, "device"), reader.number(8, "revision")
    kind = choice(reader, (WHOLE, PART), "kind")
    seen, entries = read_revisions(reader.vector("seen"), device), read_entries(reader.vector("entries"))
    reader.end("segment")
    if revision < first:
        raise Malformed("KRG-01 revision")
    return Segment(device, revision, kind, seen, entries)


def open_segment(data: bytes, keys: list[bytes]) -> Segment:
    """With the keyring keys of some generations. KRG-01, KRG-02"""
    return decode_segment(sealroom.open_own(data, wire.KEYRING, keys))


def open_segments(
    given: list[bytes], keys: list[bytes], whole: bool = False
) -> tuple[list[Segment], list[tuple[bytes, wire.SealroomError]]]:
    """What is merged of a server's segments, and why the others are not. KRG-01, REC-04

    `keys` are the keyring keys, of the latest generation first; `whole`: a whole segment under that one was merged.
    """
    latest, earlier, failed = {}, {}, {}
    for found, some in ((latest, keys[:1]), (earlier, keys[1:])):
        for data in given:
            try:
                if data not in latest:
                    found[data] = open_segment(data, some)
            except wire.SealroomError as error:
                failed[data] = error
    left_out = whole or any(segment.kind == WHOLE for segment in latest.values())
    merged = [*latest.values(), *(() if left_out else earlier.values())]
    return merged, [(data, error) for data, error in failed.items() if data not in latest | earlier]


# The keyring


@dataclass(frozen=True)
class Keyring:
    device: bytes
    revision: int = 0  # the last one
    entries: frozenset[Entry] = frozenset()
    fresh: frozenset[Entry] = frozenset()  # what this device added since its last segment
    seen: Revisions = field(default_factory=dict)  # up to where the segments of others are merged, from 1 on
    known: Revisions = field(default_factory=dict)  # the greatest revisions of others


def begin(draw=os.urandom) -> Keyring:
    return Keyring(draw(8))


def add(keyring: Keyring, entries: Iterable[Entry]) -> Keyring:
    new = frozenset(entries) - keyring.entries
    kept = settled(keyring.entries | new)
    return replace(keyring, entries=kept, fresh=(keyring.fresh | new) & kept)


def make_segment(keyring: Keyring, kind: int, key: bytes, random=None) -> tuple[Keyring, bytes]:
    """The new state is stored before the segment is uploaded, and the segment until the server has it. §20.1"""
    entries = keyring.entries if kind == WHOLE else keyring.fresh
    segment = Segment(keyring.device, keyring.revision + 1, kind, keyring.seen, entries)
    data = sealroom.seal_own(encode_segment(segment), wire.KEYRING, key, random)
    return replace(keyring, revision=segment.revision, fresh=frozenset()), data


def merge(keyring: Keyring, segments: list[Segment], draw=os.urandom) -> Keyring:
    """KRG-04; in whatever order they are given."""
    if any(segment.names.get(keyring.device, 0) > keyring.revision for segment in segments):
        keyring = renewed(keyring, draw)
    entries = settled(keyring.entries.union(*(segment.entries for segment in segments)))
    seen, known = dict(keyring.seen), dict(keyring.known)
    for segment in sorted(segments, key=lambda one: (one.kind, one.revision)):  # whole ones before parts
        if segment.kind == WHOLE:
            seen = greatest(seen, segment.names)
        elif segment.revision == seen.get(segment.device, 0) + 1:
            seen[segment.device] = segment.revision
        known = greatest(known, segment.names)
    for own in (seen, known):
        own.pop(keyring.device, None)
    return replace(keyring, entries=entries, fresh=keyring.fresh & entries, seen=seen, known=known)


def greatest(one: Revisions, other: Revisions) -> Revisions:
    return one | {device: max(number, one.get(device, 0)) for device, number in other.items()}


def renewed(keyring: Keyring, draw) -> Keyring:
    """With another device id: an older state came back, and its next revision is taken. KRG-10"""
    before = {keyring.device: keyring.revision} if keyring.revision else {}
    seen, known = keyring.seen | before, keyring.known | before
    return Keyring(draw(8), 0, keyring.entries, keyring.entries, seen, known)


def missing(keyring: Keyring, given: list[Segment]) -> list[tuple[bytes, int, int]]:
    """The known revisions that nothing covers which the server gave: device, first and last. KRG-06"""
    upto, found = {}, []
    for segment in given:
        if segment.kind == WHOLE:
            upto = greatest(upto, segment.names)
    for device, last in sorted((keyring.known | {keyring.device: keyring.revision}).items()):
        first = upto.get(device, 0) + 1
        parts = {one.revision for one in given if one.device == device and first <= one.revision <= last}
        for number in [*sorted(parts), last + 1]:
            if first < number:
                found.append((device, first, number - 1))
            first = number + 1
    return found


# Registers


def written(keyring: Keyring, register: int, name: bytes) -> list[Register]:
    """All that was written at the greatest clock; what counts is the first. KRG-05"""
    found = [decode_register(content) for kind, content in keyring.entries if kind == REGISTER]
    found = [one for one in found if (one.register, one.name) == (register, name)]
    return sorted(found, key=lambda one: (one.device, one.value), reverse=True)


def value_of(keyring: Keyring, register: int, name: bytes) -> bytes | None:
    found = written(keyring, register, name)
    return found[0].value if found else None


def write(keyring: Keyring, register: int, name: bytes, value: bytes) -> Keyring:
    clock = max((one.clock for one in written(keyring, register, name)), default=0) + 1
    if clock >> 64:
        raise Limit("clock")
    content = Register(register, name, clock, keyring.device, value).encode()
    decode_register(content)  # write nothing that is refused
    return add(keyring, [(REGISTER, content)])


def in_conflict(keyring: Keyring, register: int, name: bytes) -> bool:
    """KRG-05"""
    return len({one.value for one in written(keyring, register, name)}) > 1


def conflicts(keyring: Keyring) -> list[list[Register]]:
    """Of each register in which devices differ, what was written; the first counts. KRG-05"""
    registers = [decode_register(content) for kind, content in keyring.entries if kind == REGISTER]
    names = sorted({(one.register, one.name) for one in registers})
    return [written(keyring, *key) for key in names if in_conflict(keyring, *key)]


# Contacts


def know(keyring: Keyring, one: PublicIdentity) -> Keyring:
    return add(keyring, [(IDENTITY, one.encode())])


def follow(keyring: Keyring, transition: bytes) -> Keyring:
    """Keeps a transition from somebody who is known, and who it leads to. TRN-01"""
    old = identity.decode_transition(transition)[0]
    new = identity.accept_transition(find(people_of(keyring), old), transition)
    return add(know(keyring, new), [(TRANSITION, transition)])


def people_of(keyring: Keyring) -> People:
    found = [identity.decode_identity(content) for kind, content in keyring.entries if kind == IDENTITY]
    return {one.fingerprint: one for one in found}


def way_to(old: PublicIdentity, new: bytes, transitions: Iterable[bytes]) -> list[bytes] | None:
    """Transitions that lead from an identity to a fingerprint, each by TRN-01."""
    ways, at = {old.fingerprint: []}, [old]
    for one in at:  # which grows
        for data in transitions:
            with contextlib.suppress(wire.SealroomError):
                following = identity.accept_transition(one, data)
                if following.fingerprint not in ways:
                    ways[following.fingerprint] = ways[one.fingerprint] + [data]
                    at.append(following)
    return ways.get(new)


def pin(
    keyring: Keyring, name: bytes, one: PublicIdentity, transitions: Iterable[bytes] = (), anyway: bool = False
) -> tuple[Keyring, str]:
    """What becomes of an identity that the server gives for a name: `pinned`, `same`, `followed`, `changed`. KRG-07

    `anyway`: the user says so.
    """
    pinned = value_of(keyring, CONTACT, name)
    conflict = in_conflict(keyring, CONTACT, name)
    if pinned == one.fingerprint and not (anyway and conflict):
        return keyring, "same"
    way, outcome = [], "pinned"
    if conflict and not anyway:
        return keyring, "changed"
    if pinned and not anyway:
        way, outcome = held_way(keyring, pinned, one.fingerprint, transitions), "followed"
        if way is None:
            return keyring, "changed"
    keyring = add(know(keyring, one), [(TRANSITION, data) for data in way])
    return write(keyring, CONTACT, name, one.fingerprint), outcome


def held_way(keyring: Keyring, old: bytes, new: bytes, more: Iterable[bytes] = ()) -> list[bytes] | None:
    """Transitions that are held, or come besides, and lead from one fingerprint to another."""
    known, held = people_of(keyring), [content for kind, content in keyring.entries if kind == TRANSITION]
    return way_to(known[old], new, [*held, *more]) if old in known else None


def repinned(before: Keyring, after: Keyring) -> list[tuple[bytes, bytes, bytes]]:
    """What the application is told after merging: names, with the fingerprints before and after. KRG-11"""
    registers = [decode_register(content) for kind, content in before.entries if kind == REGISTER]
    found = []
    for name in sorted({one.name for one in registers if one.register == CONTACT}):
        old, new = (value_of(keyring, CONTACT, name) for keyring in (before, after))
        if old and old != new and (not new or held_way(after, old, new) is None):
            found.append((name, old, new))
    return found


def contacts(keyring: Keyring) -> list[tuple[bytes, bytes]]:
    """Names and fingerprints of those whose identity is there."""
    registers = [decode_register(content) for kind, content in keyring.entries if kind == REGISTER]
    names = sorted({one.name for one in registers if one.register == CONTACT})
    pinned, people = [(name, value_of(keyring, CONTACT, name)) for name in names], people_of(keyring)
    return [(name, value) for name, value in pinned if value in people]


def is_verified(keyring: Keyring, fingerprint: bytes) -> bool:
    conflict = in_conflict(keyring, VERIFIED, fingerprint)
    return not conflict and value_of(keyring, VERIFIED, fingerprint) == YES


# Rooms


def keep_room(keyring: Keyring, state: RoomState) -> Keyring:
    """With what a device holds of a room."""
    keyring = add(keyring, [(EPOCH, encode_epoch(epoch)) for epoch in state.there.values()])
    if value_of(keyring, HEAD, state.room_id) != state.head:
        keyring = write(keyring, HEAD, state.room_id, state.head)
    known = value_of(keyring, ROOM, state.room_id)
    return keyring if known else write(keyring, ROOM, state.room_id, KEPT)


def epochs_of(keyring: Keyring) -> dict[bytes, dict[bytes, Epoch]]:
    """By room id and transcript; a secret goes before a granted key."""
    found = [decode_epoch(content) for kind, content in keyring.entries if kind == EPOCH]
    rooms_: dict[bytes, dict[bytes, Epoch]] = {}
    for epoch in sorted(found, key=lambda one: one.secret is not None):
        rooms_.setdefault(epoch.body.room_id, {})[epoch.transcript] = epoch
    return rooms_


def room_from(keyring: Keyring, room_id: bytes, mine: list[bytes], latest: bool = False) -> RoomState:
    """A room with the head of the register, or what was best after it; `mine` has the latest generation first.

    `latest`: in recovery, a room whose head is refused begins at the latest epoch that is. KRG-08, §21
    """
    held = epochs_of(keyring).get(room_id, {})
    head = held.get(value_of(keyring, HEAD, room_id))
    if latest and not (head and may_lead(head, mine)):
        there = [one for one in held.values() if may_lead(one, mine)]
        head = max(there, key=lambda one: (one.body.epoch, one.transcript), default=None)
    if not (head and head.secret):
        raise Unknown("KRG-08 head")
    need("KRG-08", may_lead(head, mine), "not in the roster")
    head = [one for one in room_state.onward(list(held.values()), head) if may_lead(one, mine)][-1]
    me = next(name for name in mine if name in head.body.members)
    fresh = room_state.start(held.values(), head, me, room_state.UNCONFIRMED)
    return room_state.arrange(fresh, held, head.transcript)


def may_lead(epoch: Epoch, mine: list[bytes]) -> bool:
    return epoch.secret is not None and any(name in epoch.body.members for name in mine)


# The stored state


def encode_keyring(keyring: Keyring) -> bytes:
    """§20.7"""
    whole = Segment(keyring.device, keyring.revision, WHOLE, keyring.seen, keyring.entries)
    return vector(encode_segment(whole)) + encode_entries(keyring.fresh) + encode_revisions(keyring.known)


def decode_keyring(data: bytes) -> Keyring:
    """KRG-09"""
    reader = wire.Reader(data)
    whole, fresh = decode_segment(reader.vector("whole"), 0), read_entries(reader.vector("fresh"))
    known = read_revisions(reader.vector("known"), whole.device)
    reader.end("keyring")
    if whole.kind != WHOLE or not fresh <= whole.entries or settled(whole.entries) != whole.entries:
        raise Malformed("KRG-09 entries")
    if any(number > known.get(device, 0) for device, number in whole.seen.items()):
        raise Malformed("KRG-09 revisions")
    return Keyring(whole.device, whole.revision, whole.entries, fresh, whole.seen, known)


def seal_keyring(keyring: Keyring, key: bytes, random=None) -> bytes:
    content = encode_keyring(keyring)
    decode_keyring(content)  # write nothing that is refused
    return sealroom.seal_own(content, wire.KEYRING_STATE, key, random)


def open_keyring(data: bytes, key: bytes) -> Keyring:
    return decode_keyring(sealroom.open_own(data, wire.KEYRING_STATE, [key]))
