"""A reader that holds one epoch of a room and nothing else, as a sensor would. SPEC.md §18.11.

An independent implementation, written from SPEC.md. Dedicated to the public domain under CC0 1.0, like SPEC.md.
States are values: a function that fails leaves the reader as it was (ROOM-06).
"""

import os
from dataclasses import dataclass, replace

import room_messages
import rooms
from room_messages import Message, SeenDevice
from room_state import CONFIRMED, RoomState, own_name
from rooms import Epoch, Package, People, need
from sealroom import PrivateKey, Sender, SymmetricKey
from wire import SealroomError

FOLLOWED, HELD = "followed", "held"
Outcome = str | SealroomError  # what became of a package, or why it was refused


@dataclass(frozen=True)
class Reader:
    """It cannot make packages, grants and head statements: there is no function for it. ROOM-30"""

    mine: tuple[bytes, ...]  # its fingerprints, the one by which it came last at the end
    epoch: Epoch  # with its secret
    device: bytes
    next_sequence: int = 0
    behind: int = 0  # it seals nothing before it holds an epoch of this number or a later one; or 0
    used: int = 0
    seen: tuple[SeenDevice, ...] = ()
    window: tuple[int, int] = (room_messages.SEEN, room_messages.DEVICES)  # what it remembers: at most as §19.4

    @property
    def me(self) -> bytes:
        return next(name for name in reversed(self.mine) if name in self.epoch.body.members)


def join(data: bytes, keys: list[PrivateKey], inviter: bytes, people: People, reader: Reader | None = None) -> Reader:
    """§18.4 without the packages before, under either policy; again by a later epoch than the one held. ROOM-17

    (A room of another policy has another id.)
    """
    package = rooms.open_package(data, keys, room_id=reader.epoch.body.room_id if reader else None)
    me = own_name(package.epoch, keys)
    epoch = rooms.check_first(package, me, inviter, people)
    if reader is None:
        return Reader((me,), epoch, os.urandom(8))
    need("ROOM-17", epoch.body.epoch > reader.epoch.body.epoch, "an earlier package")
    return replace(reader, mine=(*(name for name in reader.mine if name != me), me), epoch=epoch, behind=0)


def open_next(reader: Reader, data: bytes, keys: list[PrivateKey]) -> Package:
    """The first two stages of §18.3, with the epoch that is held and the reader's own keys."""
    held = reader.epoch
    header = rooms.decode_package(data, held.body.room_id)
    number, commitment = int.from_bytes(header.public_data[16:], "big"), data[header.length : header.length + 32]
    same = [held.secret] if (number, commitment) == (held.body.epoch, held.commitment) else []
    before = [SymmetricKey(held.kek)] if number == held.body.epoch + 1 else []
    return rooms.open_package(data, [*before, *keys], same)


def apply(reader: Reader, data: bytes, keys: list[PrivateKey], people: People) -> tuple[Reader, Outcome]:
    """The reader after a package, and what became of it. A reader that refuses one may be behind by it. ROOM-30"""
    return take(reader, open_next(reader, data, keys), keys, people)


def take(reader: Reader, package: Package, keys: list[PrivateKey], people: People) -> tuple[Reader, Outcome]:
    epoch, held = package.epoch, reader.epoch
    if epoch.transcript == held.transcript:  # ROOM-28
        return reader, HELD
    try:
        rooms.authorise(package, held, people)  # ROOM-08 is that its parent is the epoch that is held
        me = own_name(epoch, keys, reader.mine)  # ROOM-15
        ended = epoch.body.epoch >= reader.behind and not rooms.yields(epoch, held)  # a removed one's refresh ends nothing
        stays = reader.behind and not ended
        need("ROOM-30", not stays or after(epoch), "nothing later could end that it is behind")
    except SealroomError as error:
        return fall_behind(reader, package, people), error
    mine = reader.mine if me in reader.mine else (*reader.mine, me)
    behind = max(reader.behind, after(epoch)) if stays else 0
    return replace(reader, mine=mine, epoch=epoch, behind=behind), FOLLOWED


def after(epoch: Epoch) -> int:
    """The number of the next epoch; 0 after the last number, which has none."""
    return (epoch.body.epoch + 1) % (1 << 64)


def fall_behind(reader: Reader, package: Package, people: People) -> Reader:
    """After another epoch than the one held, which was refused: the same number is a fork that began before. ROOM-30"""
    held, epoch = reader.epoch.body, package.epoch
    if not after(reader.epoch):
        return reader
    if epoch.body.epoch < held.epoch or not held.is_admin(epoch.signer) or not rooms.is_signed(package, people):
        return reader
    return replace(reader, behind=max(reader.behind, epoch.body.epoch, after(reader.epoch)))


def accept(reader: Reader) -> Reader:
    """The user accepts the epoch that is held explicitly. §18.7"""
    return replace(reader, behind=0)


def send(
    reader: Reader, sender: Sender, content: bytes, aad: bytes = b"", padding: bool = True, random=None
) -> tuple[Reader, bytes]:
    """The new state is stored before the message is sent. §18.9, §19"""
    need("ROOM-24", reader.behind == 0, "behind")
    device, sequence = reader.device, reader.next_sequence
    message = room_messages.seal_message(reader.epoch, sender, device, sequence, content, aad, padding, random)
    return replace(reader, next_sequence=sequence + 1), message


def receive(reader: Reader, data: bytes, people: People, aad: bytes = b"") -> tuple[Reader, Message, str]:
    """Opens a message of the epoch that is held, and says whether it is fresh as far as the reader remembers."""
    message = room_messages.open_message(data, [reader.epoch], people, aad)
    seen, kept, used = room_messages.answer(
        reader.seen, reader.used, message.sender, message.device, message.sequence, message.id, *reader.window
    )
    return replace(reader, seen=kept, used=used), message, seen


def stored(reader: Reader) -> RoomState:
    """As a room of one epoch: the form of §18.9."""
    return RoomState(
        reader.mine, reader.device, reader.next_sequence, CONFIRMED, reader.behind, reader.epoch.transcript,
        {reader.epoch.transcript: reader.epoch}, {}, reader.used, reader.seen,
    )


def restored(state: RoomState) -> Reader:
    need("ROOM-26", list(state.there) == [state.head], "more than one epoch")
    return Reader(
        state.mine, state.at_head, state.device, state.next_sequence, state.behind, state.used, state.devices
    )
