"""A room as a device holds and stores it: joining, applying, forks, recovery, settling. SPEC.md §18.3 to §18.9.

An independent implementation, written from SPEC.md. Dedicated to the public domain under CC0 1.0, like SPEC.md.
States are values: a function that fails leaves the room as it was (ROOM-06).
"""

import os
from dataclasses import dataclass, replace

import room_messages
import rooms
import sealroom
import wire
from header import PAD_LENGTH, SYMMETRIC, decode_header
from room_messages import Message, SeenDevice
from rooms import SHARED, Epoch, People, form_of, need, read_body
from sealroom import PrivateKey, Sender, SymmetricKey
from wire import Malformed, Room, SealroomError, Unsupported, integer, vector

BRANCH, EVIDENCE = 1, 2
SECRET, GRANTED = 1, 2
CONFIRMED, UNCONFIRMED = 1, 2
MAX_EVIDENCE = 64  # ROOM-18


@dataclass(frozen=True)
class RoomState:
    mine: tuple[bytes, ...]  # this member's fingerprints, in the order in which they came
    device: bytes
    next_sequence: int
    standing: int
    behind: int
    head: bytes
    branch: dict[bytes, Epoch]  # the reader's, by transcript
    evidence: dict[bytes, Epoch]
    used: int = 0
    devices: tuple[SeenDevice, ...] = ()

    @property
    def me(self) -> bytes:
        return next(name for name in reversed(self.mine) if name in self.at_head.body.members)

    @property
    def held(self) -> dict[bytes, Epoch]:
        return self.branch | self.evidence

    @property
    def at_head(self) -> Epoch:
        return self.branch[self.head]

    @property
    def room_id(self) -> bytes:
        return self.at_head.body.room_id

    def yields(self, epoch: Epoch) -> bool:
        return rooms.yields(epoch, self.held.get(epoch.body.previous_transcript))

    def line(self) -> list[Epoch]:
        """The reader's branch in ascending order."""
        return sorted(self.branch.values(), key=lambda epoch: epoch.body.epoch)


def start(epochs: list[Epoch], head: Epoch, me: bytes, standing: int) -> RoomState:
    return RoomState((me,), os.urandom(8), 0, standing, 0, head.transcript, {e.transcript: e for e in epochs}, {})


# Form


def encode_state(state: RoomState) -> bytes:
    """§18.9"""
    epochs = devices = b""
    for epoch in sorted(state.held.values(), key=lambda epoch: (epoch.body.epoch, epoch.transcript)):
        epochs += epoch.signer + integer(BRANCH if epoch.transcript in state.branch else EVIDENCE, 1)
        epochs += epoch.body.encode() + epoch.commitment
        granted = epoch.secret is None
        epochs += integer(GRANTED if granted else SECRET, 1) + (epoch.granted if granted else epoch.secret)
    for entry in state.devices:
        seen = b"".join(integer(sequence, 8) + identifier for sequence, identifier in entry.seen)
        devices += entry.sender + entry.device + integer(entry.used, 8) + vector(seen)
    data = vector(b"".join(state.mine)) + state.device + integer(state.next_sequence, 8) + integer(state.standing, 1)
    data += integer(state.behind, 8) + state.head + vector(epochs)
    return data + integer(state.used, 8) + vector(devices)


def choice(reader: wire.Reader, values: tuple[int, int], field: str) -> int:
    value = reader.number(1, field)
    if value not in values:
        raise Malformed(field)
    return value


def ascends(keys: list) -> None:
    if any(one >= two for one, two in zip(keys, keys[1:])):
        raise Malformed("not in strictly ascending order")


def decode_state(data: bytes) -> RoomState:
    """ROOM-26"""
    with form_of("ROOM-26"):
        reader, order = wire.Reader(data), []
        names, mine = wire.Reader(reader.vector("mine")), []
        while names.left():
            mine.append(names.take(32, "mine"))
        device, sequence = reader.take(8, "device"), reader.number(8, "next_sequence")
        standing, behind = choice(reader, (CONFIRMED, UNCONFIRMED), "standing"), reader.number(8, "behind")
        head, inner = reader.take(32, "head"), wire.Reader(reader.vector("epochs"))
        branches = {BRANCH: {}, EVIDENCE: {}}
        while inner.left():
            signer, branch = inner.take(32, "signer"), choice(inner, (BRANCH, EVIDENCE), "branch")
            body = read_body(inner)
            commitment, kind = inner.take(32, "commitment"), choice(inner, (SECRET, GRANTED), "kind")
            key = {"secret" if kind == SECRET else "granted": inner.take(32, "key")}
            epoch = Epoch(signer, body, commitment, **key)
            order.append((body.epoch, epoch.transcript))
            branches[branch][epoch.transcript] = epoch
        ascends(order)
        used, inner, devices = reader.number(8, "used"), wire.Reader(reader.vector("devices")), []
        while inner.left():
            entry = inner.take(32, "sender"), inner.take(8, "device"), inner.number(8, "used")
            seen, list_reader = [], wire.Reader(inner.vector("seen"))
            while list_reader.left():
                seen.append((list_reader.number(8, "sequence"), list_reader.take(16, "id")))
            ascends([number for number, _ in seen])
            if len(seen) > room_messages.SEEN:
                raise Malformed("seen: too many")
            devices.append(SeenDevice(*entry, tuple(seen)))
        ascends([(entry.sender, entry.device) for entry in devices])
        reader.end("state")
    senders = [entry.sender for entry in devices]
    need("ROOM-26", all(senders.count(sender) <= room_messages.DEVICES for sender in set(senders)), "too many devices")
    state = RoomState(
        tuple(mine), device, sequence, standing, behind, head, branches[BRANCH], branches[EVIDENCE], used, tuple(devices)
    )
    need("ROOM-26", head in state.branch and state.at_head.secret is not None, "head")
    need("ROOM-26", len(set(mine)) == len(mine), "a fingerprint twice")
    need("ROOM-26", any(name in state.at_head.body.members for name in mine), "not in the roster")
    rooms_and_policies = {(epoch.body.room_id, epoch.body.history) for epoch in state.held.values()}
    need("ROOM-26", len(rooms_and_policies) == 1, "epochs of different rooms or policies")
    return state


def seal_state(state: RoomState, kek: bytes, random=None) -> bytes:
    content = encode_state(state)
    decode_state(content)  # write nothing that is refused
    key = [SymmetricKey(kek)]
    return sealroom.seal_parts(content, key, wire.ROOM_STATE, None, True, b"", 0, random).envelope


def open_content(data: bytes, kek: bytes) -> bytes:
    header = decode_header(data)
    if header.content_type != wire.ROOM_STATE:
        raise Unsupported("type: not a room state")
    if header.padding != PAD_LENGTH or [stanza.type for stanza in header.stanzas] != [SYMMETRIC]:
        raise Unsupported("padding or stanzas")
    if header.signature or header.public_data:
        raise Malformed("a signature or public data")
    return sealroom.open_parts(data, header, sealroom.unwrap(header, SymmetricKey(kek)), None, None).content


def open_state(data: bytes, kek: bytes) -> RoomState:
    return decode_state(open_content(data, kek))


# Joining and applying


def join(
    data: bytes, keys: list[PrivateKey], inviter: bytes, people: People, earlier: list[bytes] = (),
    held: RoomState | None = None,
) -> RoomState:
    """§18.4; `earlier` are the packages of the epochs before, which the policy `shared` needs."""
    package = rooms.open_package(data, keys, room_id=held.room_id if held else None)
    body = package.epoch.body
    me = own_name(package.epoch, keys)
    epochs = [rooms.check_first(package, me, inviter, people)]
    if held:
        need("ROOM-17", all(body.epoch > epoch.body.epoch for epoch in held.held.values()), "an earlier package")
    if body.history == SHARED:
        epochs = rooms.go_back(package, earlier, people, whole=True)  # ROOM-16
    state = start(epochs, epochs[0], me, CONFIRMED)
    if not held:
        return state
    branch = held.branch | state.branch
    evidence = {key: epoch for key, epoch in held.evidence.items() if key not in branch}
    return replace(held, mine=names(held.mine, me), standing=CONFIRMED, behind=0, head=state.head, branch=branch, evidence=evidence)


def own_name(epoch: Epoch, keys: list[PrivateKey]) -> bytes:
    """The latest of the reader's fingerprints that is in the roster."""
    for key in reversed(keys):
        if key.id in epoch.body.members:
            return key.id
    raise Room("ROOM-15", "not in the roster")


def move_head(state: RoomState, epoch: Epoch, keys: list[PrivateKey]) -> RoomState:
    behind = 0 if epoch.body.epoch >= state.behind else state.behind  # ROOM-24
    return replace(state, head=epoch.transcript, mine=names(state.mine, own_name(epoch, keys)), behind=behind)


def names(mine: tuple[bytes, ...], me: bytes) -> tuple[bytes, ...]:
    """With this one as the latest."""
    return tuple(name for name in mine if name != me) + (me,)


def open_next(state: RoomState, data: bytes, keys: list[PrivateKey]) -> rooms.Package:
    """Opens a package by own keys, or under the epoch_kek of a held epoch of the number before."""
    number = int.from_bytes(rooms.decode_package(data, state.room_id).public_data[16:], "big")
    before = [epoch for epoch in state.held.values() if epoch.secret and epoch.body.epoch + 1 == number]
    return rooms.open_package(data, [*(SymmetricKey(epoch.kek) for epoch in before), *keys], room_id=state.room_id)


def apply(state: RoomState, data: bytes, keys: list[PrivateKey], people: People) -> tuple[RoomState, str]:
    """The state after a package, and what became of it: `held`, `head`, `fork`, `changed`, `not kept`, `behind`."""
    package = open_next(state, data, keys)
    epoch = package.epoch
    if epoch.transcript in state.held and state.held[epoch.transcript].secret:
        return state, "held"
    parent = state.held.get(epoch.body.previous_transcript)
    if parent is None or epoch.body.epoch == 0:
        ahead = epoch.body.epoch > state.at_head.body.epoch and state.at_head.body.is_admin(epoch.signer)
        need("ROOM-08", ahead, "no parent that is held")
        rooms.check_signer(package, people)
        return replace(state, behind=max(state.behind, epoch.body.epoch)), "behind"  # ROOM-24
    epoch = rooms.authorise(package, parent, people)
    if parent.transcript == state.head:
        state = replace(state, branch=state.branch | {epoch.transcript: epoch})
        return move_head(state, epoch, keys), "head"
    fuller = replace(state, evidence=state.evidence | {epoch.transcript: epoch})
    if gives_way(fuller, epoch):
        return change_branch(fuller, epoch.transcript, keys), "changed"
    if len(fuller.evidence) <= MAX_EVIDENCE:
        return fuller, "fork"
    lesser = [key for key, other in state.evidence.items() if state.yields(other)]
    if fuller.yields(epoch) or not lesser:
        return state, "not kept"
    return replace(fuller, evidence={k: e for k, e in fuller.evidence.items() if k != lesser[0]}), "fork"


def path(state: RoomState, transcript: bytes) -> list[Epoch]:
    """From an epoch back to the first one after the last that is on the reader's branch."""
    found, held = [], state.held
    while transcript in held and transcript not in state.branch:
        found.append(held[transcript])
        transcript = found[-1].body.previous_transcript
    return found if transcript in state.branch else []


def after(state: RoomState, number: int) -> list[Epoch]:
    return [epoch for epoch in state.branch.values() if epoch.body.epoch > number]


def gives_way(state: RoomState, epoch: Epoch) -> bool:
    """Whether the reader's branch gives way to the one that ends with this epoch. ROOM-19"""
    other = path(state, epoch.transcript)
    if not other or state.yields(epoch) or epoch.body.adds or not all(map(state.yields, other[1:])):
        return False
    return all(map(state.yields, after(state, other[-1].body.epoch - 1)))


def change_branch(state: RoomState, transcript: bytes, keys: list[PrivateKey]) -> RoomState:
    """The branch that ends with this epoch becomes the reader's. §18.5"""
    other = {epoch.transcript: epoch for epoch in path(state, transcript)}
    if not other:
        raise ValueError("not an epoch of another branch")
    left = {epoch.transcript: epoch for epoch in after(state, min(e.body.epoch for e in other.values()) - 1)}
    branch = {key: epoch for key, epoch in (state.branch | other).items() if key not in left}
    evidence = {key: epoch for key, epoch in (state.evidence | left).items() if key not in other}
    return move_head(replace(state, branch=branch, evidence=evidence), branch[transcript], keys)


def settle(epochs: list[Epoch], first: Epoch) -> Epoch:
    """The epoch that is recommended. ROOM-20"""
    at = first
    while True:
        children = [e for e in epochs if e.body.previous_transcript == at.transcript]
        if not children:
            return at
        lacks = {e.transcript: bool(at.body.members.keys() - e.body.members.keys()) for e in children}
        at = min(children, key=lambda e: (rooms.yields(e, at), not lacks[e.transcript], e.transcript))


def recommended(state: RoomState) -> Epoch:
    return settle(list(state.held.values()), state.line()[0])


# Recovery


def recover(packages: list[bytes], keys: list[PrivateKey], people: People) -> tuple[RoomState | None, list[Epoch]]:
    """A room from a server's packages in ascending order, and the first epoch of each run. §18.7"""
    state, runs = None, []
    for number, data in enumerate(packages):
        try:
            if state:
                state, outcome = apply(state, data, keys, people)
                if outcome != "behind":
                    continue
            package = rooms.open_package(data, keys, room_id=state.room_id if state else None)
            signer, body = package.epoch.signer, package.epoch.body
            admin_needed = state or package.symmetric() or package.previous_secret is None
            need("ROOM-15", signer in body.members and (not admin_needed or body.is_admin(signer)), "signer")
            own_name(package.epoch, keys)
            rooms.check_signer(package, people)
            rooms.check_wraps(package, None)
            epochs = rooms.go_back(package, packages[:number], people, whole=False) if body.epoch else [package.epoch]
            fresh = start(epochs, epochs[0], own_name(package.epoch, keys), UNCONFIRMED)
            state = move_head(replace(state, branch=state.branch | fresh.branch), epochs[0], keys) if state else fresh
            runs.append(epochs[-1])
        except SealroomError:
            continue
    return state, runs


# Messages


def check_sealing(state: RoomState) -> None:
    need("ROOM-22", state.standing == CONFIRMED, "unconfirmed")
    need("ROOM-24", state.behind <= state.at_head.body.epoch, "behind")


def confirm(state: RoomState) -> RoomState:
    """After a head statement was checked. ROOM-22, ROOM-23"""
    return replace(state, standing=CONFIRMED)


def accept(state: RoomState) -> RoomState:
    """The user accepts the head explicitly. ROOM-22, ROOM-24"""
    return replace(state, standing=CONFIRMED, behind=0)


def send(
    state: RoomState, sender: Sender, content: bytes, aad: bytes = b"", padding: bool = True
) -> tuple[RoomState, bytes]:
    """The new state is stored before the message is sent. §18.9"""
    check_sealing(state)
    message = room_messages.seal_message(
        state.at_head, sender, state.device, state.next_sequence, content, aad, padding
    )
    return replace(state, next_sequence=state.next_sequence + 1), message


@dataclass(frozen=True)
class Received:
    message: Message
    answer: str
    superseded: bool
    in_head: bool  # whether the sender is in the head's roster. RMSG-09


def receive(state: RoomState, data: bytes, people: People, aad: bytes = b"") -> tuple[RoomState, Received]:
    message = room_messages.open_message(data, state.held.values(), people, aad)
    seen, devices, used = room_messages.answer(
        state.devices, state.used, message.sender, message.device, message.sequence, message.id
    )
    superseded = message.epoch.transcript != state.head
    received = Received(message, seen, superseded, message.sender in state.at_head.body.members)
    return replace(state, devices=devices, used=used), received
