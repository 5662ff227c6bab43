"""Kinds of test vectors: what a device makes of a room, step by step. SPEC.md §18.

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

from collections.abc import Callable
from dataclasses import dataclass

import room_state
import room_statements
import rooms
import vectors
import wire
from kinds_rooms import room_fields, standing_of
from room_state import Outcome, RoomState
from rooms import People
from sealroom import PrivateKey
from vectors import kind, raw, read_key, read_people


@dataclass
class Device:
    keys: list[PrivateKey]
    people: People
    room: RoomState | None = None


Step = dict
STEPS: dict[str, Callable[[Device, Step], dict]] = {}  # each leaves the room as it was if it fails

BECAME = {"completed": "held", "changed": "switched", "not kept": "fork not kept", "behind": "ahead"}


def step(call):
    STEPS[call.__name__] = call
    return call


@kind("history", "steps room", computed="keys steps", parts="steps")
def read_history(vector):
    device, answers = Device([read_key(key) for key in vector["keys"]], read_people(vector)), []
    for one in vector["steps"]:
        found = vectors.outcome(lambda given: take_step(device, given), one)
        room = device.room
        answers.append(found | ({"transcript": room.head.hex(), "standing": standing_of(room)} if room else {}))
    names = vectors.first_refusal(answers) | {"steps": answers}
    return names | {"room": room_fields(device.room) if device.room else None}


def take_step(device: Device, given: Step) -> dict:
    if device.room is None and given["do"] not in ("join", "load", "recover"):
        raise wire.Unknown("no room")
    return STEPS[given["do"]](device, given)


def many(given: Step, name: str) -> list[bytes]:
    return [bytes.fromhex(one) for one in given[name]]


@step
def join(device: Device, given: Step) -> dict:
    package, inviter, past = raw(given, "package"), raw(given, "inviter"), many(given, "past")
    device.room = room_state.join(package, device.keys, inviter, device.people, past, device.room)
    return {}


@step
def load(device: Device, given: Step) -> dict:
    device.room = room_state.decode_state(room_state.open_content(raw(given, "state"), raw(given, "kek")))
    return {}


@step
def recover(device: Device, given: Step) -> dict:
    packages = many(given, "packages")
    room, _, outcomes = room_state.recover(packages, device.keys, device.people)
    told = [(place, one) for place, one in enumerate(placed(packages, outcomes)) if isinstance(one, wire.SealroomError)]
    if room is None:
        raise told[0][1] if told else wire.Unknown("no package")
    device.room = room
    return {"problems": [{"package": place} | vectors.refusal(one) for place, one in told]}


def placed(packages: list[bytes], outcomes: list[Outcome]) -> list[Outcome]:
    """What became of packages, in the order in which they were given."""
    found: dict[bytes, Outcome] = {}
    for data, outcome in zip(room_state.in_order(packages), outcomes):
        found.setdefault(data, outcome)  # of equal ones the first
    for data in packages:
        if data not in found:
            try:
                rooms.decode_package(data)
            except wire.SealroomError as error:
                found[data] = error
    return [found[data] for data in packages]


@step
def apply(device: Device, given: Step) -> dict:
    package = raw(given, "package")
    device.room, outcome = room_state.apply(device.room, package, device.keys, device.people)
    return became(device, package, outcome)


def became(device: Device, data: bytes, outcome: Outcome) -> dict:
    if isinstance(outcome, wire.SealroomError):
        return vectors.refusal(outcome)
    epoch = room_state.open_next(device.room, data, device.keys).epoch
    names = {"became": BECAME.get(outcome, outcome)}
    names |= {"epoch": epoch.body.epoch} if outcome == "behind" else {}
    return names | ({} if names["became"] == "held" else {"author": epoch.signer})


@step
def catch_up(device: Device, given: Step) -> dict:
    packages = many(given, "packages")
    device.room, outcomes = room_state.catch_up(device.room, packages, device.keys, device.people)
    answers = zip(packages, placed(packages, outcomes))
    return {"answers": [{"result": "ok"} | became(device, data, outcome) for data, outcome in answers]}


@step
def message(device: Device, given: Step) -> dict:
    device.room, got = room_state.receive(device.room, raw(given, "message"), device.people)
    one = got.message
    names = {"sender": one.sender, "content": one.content, "sequence": one.sequence, "freshness": got.answer}
    return names | {"superseded": got.superseded, "sender_in_head": got.in_head}


@step
def grant(device: Device, given: Step) -> dict:
    room, granter = device.room, raw(given, "granter")
    data, branch = raw(given, "grant"), room.line()
    epochs = room_statements.open_grant(data, device.keys, branch, room.at_head, granter, device.people)
    device.room = room_state.take_grant(room, epochs)
    return {"count": len(device.room.there) - len(room.there)}


@step
def confirm(device: Device, given: Step) -> dict:
    names = (raw(given, name) for name in ("nonce", "member"))
    room_statements.check_head(raw(given, "statement"), device.room.at_head, *names, device.people)
    device.room = room_state.confirm(device.room)
    return {}


@step
def leave(device: Device, given: Step) -> dict:
    room = device.room
    return {"member": room_statements.check_leave(raw(given, "statement"), room.room_id, room.line(), device.people)}


@step
def accept_head(device: Device, _: Step) -> dict:
    device.room = room_state.accept(device.room)
    return {}


@step
def settle(device: Device, _: Step) -> dict:
    """And goes over to it."""
    best = room_state.recommended(device.room).transcript
    if best != device.room.head:
        device.room = room_state.change_branch(device.room, best, device.keys)
    return {"recommended": best}
