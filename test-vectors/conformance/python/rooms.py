"""Epoch packages of rooms: form, making, opening, authorising; the code of a room. SPEC.md §18.1 to §18.4, §18.10.

An independent implementation, written from SPEC.md. Dedicated to the public domain under CC0 1.0, like SPEC.md.
Clear rather than fast, and not for keys in use: Python does not run in constant time and cannot erase memory.
"""

import contextlib
import hmac
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import identity
import sealroom
import wire
from header import PAD_NONE, PASSPHRASE, RSA, SYMMETRIC, Header, decode_header
from identity import PublicIdentity
from sealroom import Opened, Recipient, Sender, SymmetricKey
from wire import Malformed, Room, Unknown, Unsupported, derive, integer, sha256, sign_input, vector

MEMBER, ADMIN = 1, 2
FROM_JOIN, SHARED = 1, 2
MAX_ADDS = 64  # ROOM-10
MAX_TRIES = 4096  # ROOM-29
NOTHING = bytes(32)

Roster = dict[bytes, int]  # fingerprint to role
People = dict[bytes, PublicIdentity]  # the identities that a reader can look up, by fingerprint


def need(check: str, condition: object, text: str = "") -> None:
    if not condition:
        raise Room(check, text)


@contextlib.contextmanager
def form_of(check: str):
    """Turns faults of form in what was opened into the class `room`."""
    try:
        yield
    except (Malformed, Unsupported, wire.Limit) as error:
        raise Room(check, str(error)) from None


def find(people: People, fingerprint: bytes) -> PublicIdentity:
    try:
        return people[fingerprint]
    except KeyError:
        raise Unknown("an identity that is not known") from None


# Form


def room_id(creator: bytes, nonce: bytes, history: int) -> bytes:
    return sha256(sign_input("room id", creator + nonce + integer(history, 1)))[:16]


@dataclass(frozen=True)
class RoomEpoch:
    creator: bytes
    creation_nonce: bytes
    epoch: int
    previous_transcript: bytes
    history: int
    adds: int
    roster: tuple[tuple[bytes, int], ...]  # members and roles, in ascending order

    def encode(self) -> bytes:
        data = self.creator + self.creation_nonce + integer(self.epoch, 8) + self.previous_transcript
        data += integer(self.history, 1) + integer(self.adds, 1)
        return data + vector(b"".join(member + integer(role, 1) for member, role in self.roster))

    @cached_property
    def members(self) -> Roster:
        return dict(self.roster)

    @property
    def room_id(self) -> bytes:
        return room_id(self.creator, self.creation_nonce, self.history)

    @property
    def public_data(self) -> bytes:
        return self.room_id + integer(self.epoch, 8)

    def is_admin(self, member: bytes) -> bool:
        return self.members.get(member) == ADMIN


def ordered(roster: Roster) -> tuple[tuple[bytes, int], ...]:
    return tuple(sorted(roster.items()))


def read_body(reader: wire.Reader) -> RoomEpoch:
    """A RoomEpoch. ROOM-02"""
    creator, nonce, epoch = reader.take(32, "creator"), reader.take(16, "nonce"), reader.number(8, "epoch")
    previous, history, adds = reader.take(32, "previous"), reader.number(1, "history"), reader.number(1, "adds")
    inner, roster = wire.Reader(reader.vector("roster")), []
    if inner.left() > 33 * wire.MAX_MEMBERS:  # LIM-11
        raise Malformed("roster: too many members")
    while inner.left():
        roster.append((inner.take(32, "fingerprint"), inner.number(1, "role")))
    if history not in (FROM_JOIN, SHARED) or any(role not in (MEMBER, ADMIN) for _, role in roster):
        raise Malformed("an unknown policy or role")
    if any(one[0] >= two[0] for one, two in zip(roster, roster[1:])):
        raise Malformed("roster: not in strictly ascending order")
    if ADMIN not in (role for _, role in roster):  # nor empty
        raise Malformed("roster: no admin")
    return RoomEpoch(creator, nonce, epoch, previous, history, adds, tuple(roster))


@dataclass(frozen=True)
class Epoch:
    """An epoch that is held: with its secret, or with no more than a granted message key."""

    signer: bytes
    body: RoomEpoch
    commitment: bytes
    secret: bytes | None = None
    granted: bytes | None = None

    @cached_property
    def hash(self) -> bytes:
        return sha256(sign_input("room epoch", self.signer + self.body.encode() + self.commitment))

    @cached_property
    def message_key(self) -> bytes:
        return self.granted if self.secret is None else derive(self.secret, "messages", self.hash, 32)

    @cached_property
    def transcript(self) -> bytes:
        return derive(self.message_key, "room transcript", self.hash, 32)

    @property
    def kek(self) -> bytes:
        return derive(self.secret, "epoch wrap", self.transcript, 32)


def granted_only(epoch: Epoch) -> Epoch:
    """What a grant leaves of it."""
    return replace(epoch, secret=None, granted=epoch.message_key)


def parent_of(epoch: Epoch, held: dict[bytes, Epoch]) -> Epoch | None:
    """The epoch that has the number before and the transcript that is named, if it is held. §18.3"""
    found = held.get(epoch.body.previous_transcript)
    return found if found and found.body.epoch + 1 == epoch.body.epoch else None


@dataclass(frozen=True)
class Package:
    """A package that was opened; who made it, and whether they might, is not yet known."""

    epoch: Epoch
    previous_secret: bytes | None
    transition: bytes
    opened: Opened

    def symmetric(self) -> list:
        return [stanza for stanza in self.opened.header.stanzas if stanza.type == SYMMETRIC]

    def wrapped_keys(self) -> int:
        """Those by public key."""
        return sum(len(s.entries) or s.type == RSA for s in self.opened.header.stanzas)


def encode_payload(body: RoomEpoch, previous_secret: bytes | None, transition: bytes) -> bytes:
    previous = b"\x00" if previous_secret is None else b"\x01" + previous_secret
    return body.encode() + previous + vector(transition)


def read_payload(data: bytes) -> tuple[RoomEpoch, bytes | None, bytes]:
    """ROOM-02"""
    with form_of("ROOM-02"):
        reader = wire.Reader(data)
        body, has_previous = read_body(reader), reader.number(1, "has_previous")
        if has_previous > 1:
            raise Malformed("has_previous")
        previous_secret = reader.take(32, "previous_secret") if has_previous else None
        transition = reader.vector("transition")
        reader.end("payload")
        if transition:
            identity.decode_transition(transition)
        return body, previous_secret, transition


# Opening


def decode_package(data: bytes, room_id: bytes | None = None) -> Header:
    """The first stage; `room_id` is that of the room at hand. ROOM-01, ROOM-03"""
    header = decode_header(data)
    if header.content_type != wire.ROOM_EPOCH:
        raise Unsupported("type: not an epoch package")
    if header.signature == wire.NONE:
        raise Malformed("signature: none")
    if header.padding != PAD_NONE:
        raise Malformed("padding")
    if any(stanza.type == PASSPHRASE for stanza in header.stanzas):
        raise Malformed("stanza type")
    if len(header.public_data) != 24:
        raise Malformed("public data: length")
    need("ROOM-03", room_id in (None, header.public_data[:16]), "another room")
    return header


def open_package(data: bytes, keys: list, secrets: Iterable[bytes] = (), room_id: bytes | None = None) -> Package:
    """The second stage: with keys, or with secrets that are held or named. ROOM-02, ROOM-03, ROOM-04"""
    header = decode_package(data, room_id)
    deks = (dek for found in (secrets, *(sealroom.unwrap(header, key) for key in keys)) for dek in found)
    opened = sealroom.open_parts(data, header, deks, None, None)
    body, previous_secret, transition = read_payload(opened.content)
    need("ROOM-03", header.public_data == body.public_data, "other public data")
    if body.epoch == 0:
        plain = body.previous_transcript == NOTHING and body.adds == 0 and previous_secret is None and not transition
        need("ROOM-04", plain, "epoch 0")
        need("ROOM-04", opened.signer == body.creator and body.is_admin(opened.signer), "epoch 0: signer")
    package = Package(Epoch(opened.signer, body, opened.commitment, opened.dek), previous_secret, transition, opened)
    need("ROOM-04", body.epoch or not package.symmetric(), "epoch 0: wrapped under an epoch before")
    return package


# Authorising


def named(package: Package) -> tuple[bytes | None, PublicIdentity | None]:
    """The old fingerprint and the new identity of a package's transition, unchecked."""
    return identity.decode_transition(package.transition)[:3:2] if package.transition else (None, None)


def check_signer(package: Package, people: People, new: PublicIdentity | None = None) -> None:
    """ROOM-07; the successor that a transition names may be unknown otherwise, and is checked by ROOM-14."""
    signer = package.epoch.signer
    sealroom.verify_signer(package.opened, new if new and new.fingerprint == signer else find(people, signer))


def is_signed(package: Package, people: People) -> bool:
    """Whether ROOM-07 holds."""
    try:
        check_signer(package, people, named(package)[1])
        return True
    except wire.SealroomError:
        return False


def check_wraps(package: Package, readers: int | None) -> None:
    """ROOM-11, and the part of ROOM-10 for which no parent is needed; `readers` is None if it is not known."""
    body, count, symmetric = package.epoch.body, package.wrapped_keys(), len(package.symmetric())
    need("ROOM-10", symmetric == (body.adds > 0) and body.adds <= MAX_ADDS, "adds_since_rekey")
    if symmetric and readers is None:
        need("ROOM-11", count < len(body.roster), "as many wrapped keys as members")
    else:
        need("ROOM-11", count == (readers if symmetric else len(body.roster)), "wrapped keys")


def authorise(package: Package, parent: Epoch, people: People) -> Epoch:
    """The third stage: the checks against the parent. ROOM-07 to ROOM-14

    By a transition that passes, a reader knows the new identity.
    """
    epoch, before, body = package.epoch, parent.body, package.epoch.body
    need("ROOM-08", body.epoch > 0 and body.previous_transcript == parent.transcript, "another parent")
    old, new = named(package)
    check_signer(package, people, new)
    kept = body.creator, body.creation_nonce, body.history
    need("ROOM-08", kept == (before.creator, before.creation_nonce, before.history), "another room or policy")
    need("ROOM-08", body.epoch == before.epoch + 1, "not the next epoch")

    replaced = None  # the parent's roster after the transition
    if new and old in before.members and new.fingerprint not in before.members:
        replaced = {new.fingerprint if member == old else member: role for member, role in before.roster}
    if before.is_admin(epoch.signer):
        need("ROOM-09", body.is_admin(epoch.signer), "an admin who goes or steps down")
    elif epoch.signer in before.members:
        need("ROOM-09", body.roster == before.roster, "a change by a member")
    else:
        need("ROOM-09", new and epoch.signer == new.fingerprint and old in before.members, "a stranger")
        need("ROOM-09", body.members == replaced, "more than a replacement")

    newcomers = body.members.keys() - before.members.keys()
    if body.adds or package.symmetric():
        need("ROOM-10", body.adds == before.adds + 1 <= MAX_ADDS, "adds_since_rekey")
        need("ROOM-10", newcomers and before.roster == tuple(m for m in body.roster if m[0] not in newcomers), "roster")
        key_ids = [stanza.key_id for stanza in package.symmetric()]
        expected = [derive(parent.kek, "key id", b"", 16)] if parent.secret else None  # none if it was granted
        need("ROOM-10", key_ids == expected, "symmetric stanza")
    check_wraps(package, len(newcomers))

    present = body.history == SHARED or not newcomers
    need("ROOM-12", (package.previous_secret is not None) == present, "previous secret")
    if present:
        need("ROOM-13", hmac.compare_digest(package.previous_secret, parent.secret or b""), "previous secret")
    if package.transition:
        need("ROOM-14", replaced is not None and body.members == replaced, "roster")
        people[new.fingerprint] = identity.accept_transition(find(people, old), package.transition)
    return epoch


def yields(epoch: Epoch, parent: Epoch | None) -> bool:
    """Whether an epoch is yielding; `parent` is None if it is not held. §18.5"""
    if parent is None:
        return False
    if epoch.signer in parent.body.members:
        return not parent.body.is_admin(epoch.signer)
    return not epoch.body.is_admin(epoch.signer)


def check_first(package: Package, me: bytes, inviter: bytes, people: People) -> Epoch:
    """What a newcomer, who has no parent, checks of the package that adds them. ROOM-15"""
    body = package.epoch.body
    check_signer(package, people)
    need("ROOM-15", me in body.members, "not in the roster")
    need("ROOM-15", package.epoch.signer == inviter and body.is_admin(inviter), "not by the inviter")
    check_without_parent(package)
    return package.epoch


def check_without_parent(package: Package) -> None:
    body = package.epoch.body
    check_wraps(package, None)
    present = body.history == SHARED and body.epoch > 0
    need("ROOM-12", (package.previous_secret is not None) == present, "previous secret")
    need("ROOM-12", not package.transition, "transition")


# Going back


def of_number(given: list[bytes], room_id: bytes, number: int) -> list[bytes]:
    """The packages of an epoch, by what they say themselves."""
    found = []
    for data in given:
        with contextlib.suppress(wire.SealroomError):
            if decode_package(data, room_id).public_data == room_id + integer(number, 8):
                found.append(data)
    return found


class Copies(dict[bytes, list[Package]]):
    """The opened packages of each transcript, which its author signed; and what was opened and tried. ROOM-29"""

    def __init__(self):
        super().__init__()
        self.known: dict[bytes, Package] = {}  # what was opened, by whomever it is
        self.tried: dict[bytes, dict[bytes, set[bytes]]] = {}  # of each epoch by its public data: secrets by package
        self.only_read: dict[bytes, Epoch] = {}  # with secrets, which open additions until a recovery ends. §21

    def untried(self, data: bytes, secrets: Iterable[bytes]) -> list[bytes]:
        """Those of these secrets that are to be tried with a package; they count as tried."""
        of_epoch = self.tried.setdefault(decode_package(data).public_data, {})
        found, done = [], of_epoch.setdefault(data, set())
        left = MAX_TRIES - sum(map(len, of_epoch.values()))
        for secret in secrets:
            if secret not in done and len(found) < left:
                done.add(secret)
                found.append(secret)
        return found


def note(opened: Copies, package: Package, people: People) -> None:
    """Keeps a package with those of its transcript, which binds neither previous secret nor transition. ROOM-29"""
    copies = opened.setdefault(package.epoch.transcript, [])
    contents = [(copy.previous_secret, copy.transition) for copy in copies]
    if (package.previous_secret, package.transition) not in contents and is_signed(package, people):
        copies.append(package)


def look(given: list[bytes], opened: Copies, body: RoomEpoch, number: int, secret: bytes, people: People) -> None:
    """Opens what a secret opens among the packages of an epoch."""
    for data in of_number(given, body.room_id, number):
        if data not in opened.known:
            with contextlib.suppress(wire.SealroomError):
                opened.known[data] = open_package(data, [], opened.untried(data, [secret]))
        if data in opened.known and opened.known[data].epoch.secret == secret:
            note(opened, opened.known[data], people)


def way_back(
    package: Package, given: list[bytes], opened: Copies, held: dict[bytes, Epoch], people: People
) -> list[list[Package]]:
    """A package, its parent and so on, each with its copies, to one whose parent is held with its secret or not found.

    A parent is one that was opened before, or that the previous secret of a copy opens; `opened` grows by what was.
    ROOM-16, ROOM-29
    """
    body = package.epoch.body
    look(given, opened, body, body.epoch, package.epoch.secret, people)
    way = [[package] + [copy for copy in opened.get(package.epoch.transcript, []) if copy != package]]
    while body.epoch:
        parent = parent_of(way[-1][0].epoch, held)
        if parent and parent.secret:
            break
        for copy in way[-1]:
            if copy.previous_secret is not None:
                look(given, opened, body, body.epoch - 1, copy.previous_secret, people)
        copies = [one for one in opened.get(body.previous_transcript, []) if one.epoch.body.epoch + 1 == body.epoch]
        if not copies:
            break
        way.append(copies)
        body = copies[0].epoch.body
    return way


def one_passes(copies: list[Package], check: Callable[[Package], object]) -> None:
    """One that is refused does not stand for the others. ROOM-29"""
    for number, copy in enumerate(copies, 1):
        try:
            check(copy)
            return
        except wire.SealroomError:
            if number == len(copies):
                raise


def go_back(way: list[list[Package]], held: dict[bytes, Epoch], people: People) -> Iterator[Epoch]:
    """The epochs of a way back, newest first, each when what follows it passed against it. ROOM-16

    The first package was checked before. One whose parent is held has to pass against that as well.
    """
    yield way[0][0].epoch
    for copies, earlier in zip(way, way[1:]):
        epoch = earlier[0].epoch
        one_passes(copies, lambda copy: authorise(copy, epoch, people))
        parent = parent_of(epoch, held)
        if parent:
            one_passes(earlier, lambda copy: authorise(copy, parent, people))
        elif epoch.body.epoch == 0:
            one_passes(earlier, check_without_parent)
        yield epoch


# Making


def seal_package(
    body: RoomEpoch, sender: Sender, readers: list[PublicIdentity], kek: bytes | None = None,
    previous_secret: bytes | None = None, transition: bytes = b"", random=None,
) -> tuple[bytes, bytes]:
    """Any package, right or wrong, and its secret."""
    recipients = [Recipient(reader.encryption_key, reader.fingerprint) for reader in readers]
    recipients += [SymmetricKey(kek)] if kek else []
    content, public_data = encode_payload(body, previous_secret, transition), body.public_data
    made = sealroom.seal_parts(content, recipients, wire.ROOM_EPOCH, sender, False, public_data, 0, random)
    return made.envelope, made.dek


def make_room(roster: Roster, sender: Sender, history: int, people: People, nonce: bytes = b"", random=None) -> bytes:
    """The package of epoch 0. §18.2"""
    creator, nonce = sender.identity.fingerprint, nonce or os.urandom(16)
    body = RoomEpoch(creator, nonce, 0, NOTHING, history, 0, ordered(roster))
    package, secret = seal_package(body, sender, [find(people, member) for member in roster], random=random)
    check_first(open_package(package, [], [secret]), creator, creator, people)  # write nothing that is refused
    return package


def make_package(
    parent: Epoch, roster: Roster, sender: Sender, people: People, transition: bytes = b"", random=None
) -> bytes:
    """The package after `parent` that changes the roster to this one. §18.2"""
    before = parent.body
    newcomers = [member for member in roster if member not in before.members]
    addition = newcomers and before.members.items() <= roster.items() and before.adds < MAX_ADDS and not transition
    previous_secret = parent.secret if before.history == SHARED or not newcomers else None
    body = replace(
        before, epoch=before.epoch + 1, previous_transcript=parent.transcript,
        adds=before.adds + 1 if addition else 0, roster=ordered(roster),
    )
    readers = [find(people, member) for member in (newcomers if addition else roster)]
    kek = parent.kek if addition else None
    package, secret = seal_package(body, sender, readers, kek, previous_secret, transition, random)
    authorise(open_package(package, [], [secret]), parent, people)  # write nothing that is refused
    return package


# Code


def code(transcript: bytes) -> str:
    """ROOM-27"""
    digits = "".join(identity.half(sha256(sign_input("room code", part + transcript))) for part in (b"\x00", b"\x01"))
    return " ".join(digits[i : i + 5] for i in range(0, 60, 5))
