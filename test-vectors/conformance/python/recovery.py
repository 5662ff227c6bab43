"""What a new device gets back from a server, and what it tells of the rest. SPEC.md §21.

An independent implementation, written from SPEC.md. Dedicated to the public domain under CC0 1.0, like SPEC.md.
Whatever a server gives, an object that is missing, twice, another's or changed is told, and keeps nothing else from
being recovered (REC-01).
"""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import identity
import keyring
import room_state
import rooms
from devices import Linked
from identity import Generation, PublicIdentity
from keyring import Keyring
from room_state import RoomState
from rooms import SHARED, People
from sealroom import PrivateKey
from wire import BadSignature, SealroomError, Unknown

GENERATIONS, KEYRING, PACKAGES, IDENTITIES = "generations", "keyring", "packages", "identities"


@dataclass(frozen=True)
class Problem:
    step: str
    error: SealroomError
    data: bytes = b""  # the object
    room_id: bytes | None = None  # of a package that was decoded, or of a room that the keyring has


@dataclass
class Report:
    """What is told; what is missing is an object as the test vectors have it. REC-01, REC-03"""

    problems: list[Problem] = field(default_factory=list)
    missing: list[dict] = field(default_factory=list)


def once(given: Iterable[bytes]) -> list[bytes]:
    return list(dict.fromkeys(given))


# Generations


def from_words(root: bytes, profile: int, transitions: Iterable[bytes]) -> tuple[Linked, list[Problem]]:
    """The generations to which the server's transitions lead; the profile of generation 0 is the user's to say."""
    problems: list[Problem] = []
    following: dict[bytes, list[bytes]] = {}
    for data in once(transitions):
        try:
            following.setdefault(identity.decode_transition(data)[0], []).append(data)
        except SealroomError as error:
            problems.append(Problem(GENERATIONS, error, data))
    own, taken = [Generation(root, 0, profile)], []
    while True:
        last = own[-1]
        for data in following.pop(last.identity.fingerprint, []):
            try:
                if own[-1] is not last:
                    raise BadSignature("another one was taken")  # TRN-02
                own.append(next_generation(root, last.identity, data))
                taken.append(data)
            except SealroomError as error:
                problems.append(Problem(GENERATIONS, error, data))
        if own[-1] is last:
            break
    foreign = BadSignature("from another identity")
    problems += [Problem(GENERATIONS, foreign, data) for rest in following.values() for data in rest]
    return Linked(tuple((one.secret, one.identity) for one in own), tuple(taken)), problems


def next_generation(root: bytes, old: PublicIdentity, transition: bytes) -> Generation:
    """REC-02"""
    new = identity.accept_transition(old, transition)
    if new.profile == identity.RSA_2048:  # ID-08
        raise BadSignature("a profile that does not come from words")
    derived = Generation(root, new.generation, new.profile)
    if derived.identity.fingerprint != new.fingerprint:
        raise BadSignature("not the identity that the words derive")
    return derived


def keys_of(linked: Linked) -> list[PrivateKey]:
    """Of the latest generation first."""
    return [
        PrivateKey(identity.keys_of(secret, public.profile)[0], public.fingerprint)
        for secret, public in reversed(linked.generations)
    ]


# Keyring


def merge_segments(linked: Linked, given: Iterable[bytes], mine: Keyring) -> tuple[Keyring, Report]:
    """REC-04, KRG-06"""
    keys = [identity.keyring_of(secret) for secret, _ in reversed(linked.generations)]
    segments, failed = keyring.open_segments(once(given), keys)
    merged = keyring.merge(mine, segments)
    missing = [
        {"what": "segments", "device": device, "first": first, "last": last}
        for device, first, last in keyring.missing(merged, segments)
    ]
    return merged, Report([Problem(KEYRING, error, data) for data, error in failed], missing)


# Packages


def by_room(given: Iterable[bytes]) -> tuple[dict[bytes, list[bytes]], list[Problem]]:
    found: dict[bytes, list[bytes]] = {}
    problems = []
    for data in once(given):
        try:
            found.setdefault(rooms.decode_package(data).public_data[:16], []).append(data)
        except SealroomError as error:
            problems.append(Problem(PACKAGES, error, data))
    return found, problems


def put_together(
    mine: Keyring, room_id: bytes, given: list[bytes], keys: list[PrivateKey], people: People
) -> tuple[RoomState | None, Report]:
    """A room from the keyring and the packages since, or from all packages; and what of it is missing. REC-03"""
    report, state = Report(), None
    kept = keyring.epochs_of(mine).get(room_id)
    if kept:
        with contextlib.suppress(SealroomError):  # none of them can be the head
            state = keyring.room_from(mine, room_id, [key.id for key in keys], latest=True)
    if state:
        state, outcomes = room_state.complete(state, given, keys, people)
    else:
        state, _, outcomes = room_state.recover(given, keys, people)
        if state and kept:  # they are held beside what came
            state = room_state.arrange(state, kept | state.there, state.head)
            state, outcomes = room_state.complete(state, given, keys, people)
    for data, outcome in zip(room_state.in_order(given), outcomes):
        if isinstance(outcome, SealroomError):
            report.problems.append(Problem(PACKAGES, outcome, data, room_id))
    if state is None:
        report.missing.append({"what": "room", "room_id": room_id})
        return None, report
    line = [epoch.body.epoch for epoch in state.line()]
    line = [-1, *line] if state.at_head.body.history == SHARED else line
    line = [*line, state.behind + 1] if state.behind > line[-1] else line
    for one, two in zip(line, line[1:]):
        if one + 1 < two:
            report.missing.append({"what": "epochs", "room_id": room_id, "first": one + 1, "last": two - 1})
    return state, report


class Known(dict):
    """People, and who was looked up in vain."""

    def __init__(self, people: People):
        super().__init__(people)
        self.lacked: set[bytes] = set()

    def __missing__(self, fingerprint: bytes):
        self.lacked.add(fingerprint)
        raise KeyError(fingerprint)


# All of it


@dataclass
class Recovered:
    linked: Linked
    keyring: Keyring
    people: People
    rooms: dict[bytes, RoomState]  # all of them unconfirmed
    asked: list[bytes]  # whose identities, each once
    problems: list[Problem]
    missing: list[dict]
    changed: list[tuple[bytes, bytes, bytes]]  # contacts, as keyring.repinned() says


def recover(
    linked: Linked, segments: Iterable[bytes], packages: Iterable[bytes], ask: Callable[[set[bytes]], Iterable[bytes]],
    mine: Keyring | None = None,
) -> Recovered:
    """What a device with these generations gets from a server; `ask` gets the identities of fingerprints."""
    keys = keys_of(linked)
    before = mine or keyring.begin()
    merged, report = merge_segments(linked, segments, before)
    changed = keyring.repinned(before, merged)
    people = keyring.people_of(merged) | {public.fingerprint: public for _, public in linked.generations}
    given, problems = by_room(packages)
    report.problems += problems
    todo = given.keys() | keyring.epochs_of(merged).keys()
    todo = {one for one in todo if keyring.value_of(merged, keyring.ROOM, one) != keyring.GIVEN_UP}
    states, reports, lacking, asked, refused = {}, {}, {}, [], {}
    while todo:
        for room_id in todo:
            of_room = given.get(room_id, [])
            known = Known(people)
            states[room_id], reports[room_id] = put_together(merged, room_id, of_room, keys, known)
            lacking[room_id], people = known.lacked - known.keys(), dict(known)
        lacked = set().union(*lacking.values())
        wanted = lacked - set(asked)
        if not wanted:
            break
        asked += wanted
        new = learn(lacked, set(asked), ask(wanted), people, refused)
        todo = {one for one, signers in lacking.items() if signers & new}
    unknown = sorted(set().union(*lacking.values()))
    report.missing += [{"what": "identity", "fingerprint": one} for one in unknown]
    for one in ([*refused.values()], *(reports[room_id].problems for room_id in sorted(reports))):
        report.problems += one
    report.missing += [one for room_id in sorted(reports) for one in reports[room_id].missing]
    found = {key: state for key, state in states.items() if state}
    return Recovered(linked, merged, people, found, asked, report.problems, report.missing, changed)


def learn(
    wanted: set[bytes], asked: set[bytes], given: Iterable[bytes], people: People, refused: dict[bytes, Problem]
) -> set[bytes]:
    """Whose identities came; `people` and `refused` grow."""
    came = set()
    for data in once(given):
        try:
            one = identity.decode_identity(data)
            if one.fingerprint not in asked:
                raise Unknown("not asked for")
        except SealroomError as error:
            refused[data] = Problem(IDENTITIES, error, data)
            continue
        if one.fingerprint in wanted:
            came.add(one.fingerprint)
            people[one.fingerprint] = one
    return came
