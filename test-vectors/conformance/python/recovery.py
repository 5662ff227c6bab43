"""What a new device gets back from a server, and what it tells of the rest. SPEC.md §21.

An independent implementation, written from SPEC.md. Dedicated to the public domain under CC0 1.0, like SPEC.md.
Whatever a server gives, an object that is missing, twice, another's or changed is told, and keeps nothing else from
being recovered (REC-01).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import identity
import keyring
import room_state
import rooms
import wire
from devices import Linked
from identity import Generation, PublicIdentity
from keyring import Keyring
from room_state import RoomState
from rooms import SHARED, People, Room
from sealroom import PrivateKey
from wire import SealroomError

GENERATIONS, KEYRING, PACKAGES, IDENTITIES = "generations", "keyring", "packages", "identities"


@dataclass(frozen=True)
class Told:
    step: str
    what: bytes  # the object; or whose or where something is missing: a device, a room id, a fingerprint
    error: str


def once(step: str, given: Iterable[bytes], told: list[Told]) -> list[bytes]:
    found: dict[bytes, None] = {}
    for data in given:
        if data in found:
            told.append(Told(step, data, "twice"))
        found[data] = None
    return list(found)


# Generations


def from_words(root: bytes, profile: int, transitions: Iterable[bytes]) -> tuple[Linked, list[Told]]:
    """The generations to which the server's transitions lead; the profile of generation 0 is the user's to say."""
    told: list[Told] = []
    following: dict[bytes, list[bytes]] = {}
    for data in once(GENERATIONS, transitions, told):
        try:
            following.setdefault(identity.decode_transition(data)[0], []).append(data)
        except SealroomError as error:
            told.append(Told(GENERATIONS, data, str(error)))
    own, taken = [Generation(root, 0, profile)], []
    while True:
        last = own[-1]
        for data in following.pop(last.identity.fingerprint, []):
            try:
                if own[-1] is not last:
                    raise wire.BadSignature("another one was taken")  # TRN-02
                own.append(next_generation(root, last.identity, data))
                taken.append(data)
            except SealroomError as error:
                told.append(Told(GENERATIONS, data, str(error)))
        if own[-1] is last:
            break
    told += [Told(GENERATIONS, data, "from another identity") for rest in following.values() for data in rest]
    return Linked(tuple((one.secret, one.identity) for one in own), tuple(taken)), told


def next_generation(root: bytes, old: PublicIdentity, transition: bytes) -> Generation:
    """REC-02"""
    new = identity.accept_transition(old, transition)
    if new.profile == identity.RSA_2048:  # ID-08
        raise wire.BadSignature("a profile that does not come from words")
    derived = Generation(root, new.generation, new.profile)
    if derived.identity.fingerprint != new.fingerprint:
        raise wire.BadSignature("not the identity that the words derive")
    return derived


def keys_of(linked: Linked) -> list[PrivateKey]:
    """Of the latest generation first."""
    return [
        PrivateKey(identity.keys_of(secret, public.profile)[0], public.fingerprint)
        for secret, public in reversed(linked.generations)
    ]


# Keyring


def merge_segments(linked: Linked, given: Iterable[bytes], mine: Keyring) -> tuple[Keyring, list[Told]]:
    """REC-04, KRG-06, KRG-11"""
    told: list[Told] = []
    keys = [identity.keyring_of(secret) for secret, _ in reversed(linked.generations)]
    segments, failed = keyring.open_segments(once(KEYRING, given, told), keys)
    merged = keyring.merge(mine, segments)
    told += [Told(KEYRING, data, error) for data, error in failed]
    for device, first, last in keyring.missing(merged, segments):
        told.append(Told(KEYRING, device, f"revisions {first} to {last} are missing"))
    told += [Told(KEYRING, name, "pinned to another identity") for name, _, _ in keyring.repinned(mine, merged)]
    return merged, told


# Packages


def by_room(given: Iterable[bytes], told: list[Told]) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for data in once(PACKAGES, given, told):
        try:
            found.setdefault(rooms.decode_package(data).public_data[:16], []).append(data)
        except SealroomError as error:
            told.append(Told(PACKAGES, data, str(error)))
    return found


def put_together(
    mine: Keyring, room_id: bytes, given: list[bytes], keys: list[PrivateKey], people: People
) -> tuple[RoomState | None, list[Told]]:
    """A room from the keyring and the packages since, or from all packages; and what of it is missing. REC-03"""
    told: list[Told] = []
    state = None
    if room_id in keyring.epochs_of(mine):
        try:
            state = keyring.room_from(mine, room_id, keys, latest=True)
            if keyring.value_of(mine, keyring.HEAD, room_id) not in state.held:
                told.append(Told(KEYRING, room_id, "the head is missing"))
        except Room as error:
            told.append(Told(KEYRING, room_id, str(error)))
    state = room_state.fill(state, given, keys, people) if state else room_state.recover(given, keys, people)[0]
    if state is None:
        return None, [*told, Told(PACKAGES, room_id, "nothing opens")]
    state, outcomes = room_state.catch_up(state, given, keys, people)
    for data, outcome in zip(room_state.in_order(given), outcomes):
        if outcome.startswith(("refused", "behind", "not kept")):
            told.append(Told(PACKAGES, data, outcome))
    line = [epoch.body.epoch for epoch in state.line()]
    line = [-1, *line] if state.at_head.body.history == SHARED else line
    for one, two in zip(line, line[1:]):
        if one + 1 < two:
            told.append(Told(PACKAGES, room_id, f"epochs {one + 1} to {two - 1} are missing"))
    return state, told


def unknown_signers(
    state: RoomState | None, given: list[bytes], keys: list[PrivateKey], people: People
) -> set[bytes]:
    """Who signed a package that opens, or the transition in it, and is not known."""
    found: set[bytes] = set()
    for package in room_state.open_all(state, given, keys, {}).values():
        old, new = rooms.named(package)
        found |= {old} if new else set()
        found |= set() if new and new.fingerprint == package.epoch.signer else {package.epoch.signer}
    return found - people.keys()


# All of it


@dataclass
class Recovered:
    linked: Linked
    keyring: Keyring
    people: People
    rooms: dict[bytes, RoomState]  # all of them unconfirmed
    told: list[Told]


def recover(
    linked: Linked, segments: Iterable[bytes], packages: Iterable[bytes], ask: Callable[[set[bytes]], Iterable[bytes]],
    mine: Keyring | None = None,
) -> Recovered:
    """What a device with these generations gets from a server; `ask` gets the identities of fingerprints."""
    keys = keys_of(linked)
    merged, told = merge_segments(linked, segments, mine or keyring.begin())
    people = keyring.people_of(merged) | {public.fingerprint: public for _, public in linked.generations}
    given = by_room(packages, told)
    todo = given.keys() | keyring.epochs_of(merged).keys()
    todo = {one for one in todo if keyring.value_of(merged, keyring.ROOM, one) != keyring.GIVEN_UP}
    states, reports, asked = {}, {}, set()
    while todo:
        wanted: dict[bytes, set[bytes]] = {}
        for room_id in todo:
            of_room = given.get(room_id, [])
            states[room_id], reports[room_id] = put_together(merged, room_id, of_room, keys, people)
            wanted[room_id] = unknown_signers(states[room_id], of_room, keys, people)
        asking = set().union(*wanted.values()) - asked
        if asking:
            learn(asking, ask(asking), people, told)
        asked |= asking
        todo = {one for one, signers in wanted.items() if signers & asking & people.keys()}
    told += [Told(IDENTITIES, one, "missing") for one in sorted(asked - people.keys())]
    told += [one for room_id in sorted(reports) for one in reports[room_id]]
    return Recovered(linked, merged, people, {key: state for key, state in states.items() if state}, told)


def learn(asking: set[bytes], given: Iterable[bytes], people: People, told: list[Told]) -> None:
    for data in once(IDENTITIES, given, told):
        try:
            one = identity.decode_identity(data)
        except SealroomError as error:
            told.append(Told(IDENTITIES, data, str(error)))
            continue
        if one.fingerprint in asking:
            people[one.fingerprint] = one
        else:
            told.append(Told(IDENTITIES, data, "not asked for"))
