"""A room as a device holds and stores it: joining, applying, forks, recovery, settling. SPEC.md §18.3 to §18.9.

An independent implementation, written from SPEC.md. Dedicated to the public domain under CC0 1.0, like SPEC.md.
States are values: a function that fails leaves the room as it was (ROOM-06).
"""

import contextlib
import itertools
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace

import identity
import room_messages
import room_statements
import rooms
import sealroom
import wire
from identity import PublicIdentity
from room_messages import Message, SeenDevice
from rooms import SHARED, Epoch, People, form_of, need, parent_of, read_body
from sealroom import PrivateKey, Sender, SymmetricKey
from wire import Malformed, Room, SealroomError, integer, vector

BRANCH, EVIDENCE = 1, 2
SECRET, GRANTED = 1, 2
CONFIRMED, UNCONFIRMED = 1, 2
MAX_TIPS = 64  # ROOM-18

Outcome = str | SealroomError  # what became of a package, as take() says, or why it was refused


@dataclass(frozen=True)
class RoomState:
    mine: tuple[bytes, ...]  # this member's fingerprints, the one by which it came last at the end
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
    def there(self) -> dict[bytes, Epoch]:
        """What is held, and what is only read."""
        return self.branch | self.evidence

    @property
    def held(self) -> dict[bytes, Epoch]:
        """Without evidence that is only read: nobody held that against its parent. §18.5"""
        return self.branch | {key: epoch for key, epoch in self.evidence.items() if epoch.secret}

    @property
    def at_head(self) -> Epoch:
        return self.branch[self.head]

    @property
    def room_id(self) -> bytes:
        return self.at_head.body.room_id

    def yields(self, epoch: Epoch) -> bool:
        return rooms.yields(epoch, parent_of(epoch, self.held))

    def line(self) -> list[Epoch]:
        """The reader's branch in ascending order."""
        return sorted(self.branch.values(), key=lambda epoch: epoch.body.epoch)

    def unyielding(self) -> list[int]:
        """The numbers of the epochs of the reader's branch that are not yielding, in ascending order; there is one."""
        return [one.body.epoch for one in self.line() if not rooms.yields(one, parent_of(one, self.branch))]


def start(epochs: list[Epoch], head: Epoch, me: bytes, standing: int) -> RoomState:
    return RoomState((me,), os.urandom(8), 0, standing, 0, head.transcript, {e.transcript: e for e in epochs}, {})


# Form


def encode_state(state: RoomState) -> bytes:
    """§18.9"""
    epochs = devices = b""
    for epoch in sorted(state.there.values(), key=lambda epoch: (epoch.body.epoch, epoch.transcript)):
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
            if not 0 < len(seen) <= room_messages.SEEN:
                raise Malformed("seen: none or too many")
            devices.append(SeenDevice(*entry, tuple(seen)))
        ascends([(entry.sender, entry.device) for entry in devices])
        reader.end("state")
    senders = [entry.sender for entry in devices]
    need("ROOM-26", all(senders.count(sender) <= room_messages.DEVICES for sender in set(senders)), "too many devices")
    state = RoomState(
        tuple(mine), device, sequence, standing, behind, head, branches[BRANCH], branches[EVIDENCE], used,
        tuple(devices),
    )
    need("ROOM-26", head in state.branch and state.at_head.secret is not None, "head")
    need("ROOM-26", state.branch == own_branch(state.there, head, state.branch), "not the own branch")
    need("ROOM-26", not behind or behind > state.unyielding()[-1], "behind what was reached")
    need("ROOM-26", len(set(mine)) == len(mine), "a fingerprint twice")
    need("ROOM-26", any(name in state.at_head.body.members for name in mine), "not in the roster")
    rooms_and_policies = {(epoch.body.room_id, epoch.body.history) for epoch in state.there.values()}
    need("ROOM-26", len(rooms_and_policies) == 1, "epochs of different rooms or policies")
    return state


def seal_state(state: RoomState, kek: bytes, random=None) -> bytes:
    content = encode_state(state)
    decode_state(content)  # write nothing that is refused
    return sealroom.seal_own(content, wire.ROOM_STATE, kek, random)


def open_content(data: bytes, kek: bytes) -> bytes:
    return sealroom.open_own(data, wire.ROOM_STATE, [kek])


def open_state(data: bytes, kek: bytes) -> RoomState:
    return decode_state(open_content(data, kek))


# The own branch


def own_branch(there: dict[bytes, Epoch], head: bytes, before: Iterable[bytes]) -> dict[bytes, Epoch]:
    """The epochs that lead to the head; `before` are the transcripts of the branch as it was. §18.5

    It leads through what is only read, and goes on over a gap at an epoch with its secret.
    """
    branch, at, known = {}, there[head], [there[key] for key in before if there[key].secret]
    while at:
        branch[at.transcript] = at
        earlier = [epoch for epoch in known if epoch.body.epoch + 1 < at.body.epoch]  # than the parent
        latest = max(earlier, key=lambda epoch: (epoch.body.epoch, epoch.transcript), default=None)  # KRG-08 for equals
        at = parent_of(at, there) or latest
    return branch


def arrange(state: RoomState, there: dict[bytes, Epoch], head: bytes) -> RoomState:
    """With these epochs and this head: the own branch is found anew, and all else is evidence. §18.5"""
    branch = own_branch(there, head, state.branch)
    evidence = {key: epoch for key, epoch in there.items() if key not in branch}
    return replace(state, head=head, branch=branch, evidence=evidence)


def move_head(state: RoomState, there: dict[bytes, Epoch], epoch: Epoch, keys: list[PrivateKey]) -> RoomState:
    me = own_name(epoch, keys, state.mine)
    mine = state.mine if me in state.mine else (*state.mine, me)
    moved = replace(arrange(state, there, epoch.transcript), mine=mine)
    reached = moved.unyielding()[-1] >= moved.behind  # a removed one's refresh ends nothing. ROOM-24
    return replace(moved, behind=0) if reached else moved


def own_name(epoch: Epoch, keys: list[PrivateKey], mine: tuple[bytes, ...] = ()) -> bytes:
    """By which fingerprint the reader is in an epoch: the last that was its own before, or the first of its keys'."""
    for name in (*reversed(mine), *(key.id for key in keys)):
        if name in epoch.body.members:
            return name
    raise Room("ROOM-15", "not in the roster")


def come_by(state: RoomState, me: bytes) -> RoomState:
    """Who joins again is there by this fingerprint, whatever it was before. §18.4, §18.9"""
    return replace(state, mine=(*(name for name in state.mine if name != me), me))


# Joining and applying


def join(
    data: bytes, keys: list[PrivateKey], inviter: bytes, people: People, earlier: list[bytes] = (),
    state: RoomState | None = None,
) -> RoomState:
    """§18.4; `earlier` are the packages of the epochs before, which the policy `shared` needs."""
    package = rooms.open_package(data, keys, room_id=state.room_id if state else None)
    body = package.epoch.body
    me = own_name(package.epoch, keys)
    epochs = [rooms.check_first(package, me, inviter, people)]
    if state:
        need("ROOM-17", all(body.epoch > epoch.body.epoch for epoch in state.held.values()), "an earlier package")
        need("ROOM-08", body.history == state.at_head.body.history, "another policy")
    if body.history == SHARED:
        epochs = list(rooms.go_back(rooms.way_back(package, earlier, rooms.Copies(), {}, people), {}, people))  # ROOM-16
        need("ROOM-16", epochs[-1].body.epoch == 0, f"no package of epoch {epochs[-1].body.epoch - 1}")
    fresh = start(epochs, epochs[0], me, CONFIRMED)
    if not state:
        return fresh
    joined = move_head(come_by(state, me), state.there | fresh.branch, epochs[0], keys)
    return replace(joined, standing=CONFIRMED, behind=0)


def open_next(
    state: RoomState | None, data: bytes, keys: list[PrivateKey], more: Iterable[Epoch] = ()
) -> rooms.Package:
    """Opens a package by what is held of its number and commitment or of the number before, or by own keys.

    `more`: what is only read, in the recovery that brought it. §21
    """
    header = rooms.decode_package(data, state.room_id if state else None)
    number, commitment = int.from_bytes(header.public_data[16:], "big"), data[header.length : header.length + 32]
    held = [epoch for epoch in (*state.held.values(), *more) if epoch.secret] if state else []
    same = [e.secret for e in held if (e.body.epoch, e.commitment) == (number, commitment)]
    before = [SymmetricKey(epoch.kek) for epoch in held if epoch.body.epoch + 1 == number]
    return rooms.open_package(data, [*before, *keys], same)


def open_all(state: RoomState | None, given: list[bytes], keys: list[PrivateKey], opened: rooms.Copies) -> None:
    """Opens what it can, from the last back, and by each the one before that it names; `opened` grows. ROOM-29"""
    named: dict[bytes, dict[bytes, None]] = {}  # secrets, by the public data of the packages that they may open
    for package in opened.known.values():
        name_secret(named, package)
    for data in reversed(given):
        if data not in opened.known:
            with contextlib.suppress(SealroomError):
                try:
                    opened.known[data] = open_next(state, data, keys, opened.only_read.values())
                except wire.Decrypt:
                    secrets = opened.untried(data, named.get(rooms.decode_package(data).public_data, ()))
                    opened.known[data] = rooms.open_package(data, [], secrets)
                name_secret(named, opened.known[data])


def name_secret(named: dict[bytes, dict[bytes, None]], package: rooms.Package) -> None:
    body = package.epoch.body
    if package.previous_secret and body.epoch:
        named.setdefault(body.room_id + integer(body.epoch - 1, 8), {})[package.previous_secret] = None


def apply(state: RoomState, data: bytes, keys: list[PrivateKey], people: People) -> tuple[RoomState, str]:
    """The state after a package, and what became of it, as take() says."""
    return take(state, open_next(state, data, keys), keys, people)


def take(state: RoomState, package: rooms.Package, keys: list[PrivateKey], people: People) -> tuple[RoomState, str]:
    """What becomes of a package: `held`, `completed`, `head`, `past`, `fork`, `changed`, `not kept`, `behind`."""
    epoch = package.epoch
    need("ROOM-03", epoch.body.room_id == state.room_id, "another room")
    before = state.held.get(epoch.transcript)
    follows = parent_of(epoch, state.held) == state.at_head  # it was kept while that was not
    if before and before.secret and not follows:  # ROOM-28
        return state, "held"
    if before and not follows:  # of the own branch, by a grant
        rooms.check_signer(package, people, rooms.named(package)[1])
        return replace(state, branch=state.branch | {epoch.transcript: epoch}), "completed"
    parent = parent_of(epoch, state.held)
    if parent is None:
        latest = state.unyielding()[-1]
        ahead = epoch.body.epoch > latest and state.at_head.body.is_admin(epoch.signer)
        need("ROOM-08", ahead, "no parent that is held")
        rooms.check_signer(package, people)
        # Of who is an admin there no more only an admin's epoch before is missing.
        of = epoch.body.epoch if epoch.body.is_admin(epoch.signer) else latest + 1
        return replace(state, behind=max(state.behind, of)), "behind"  # ROOM-24
    rooms.authorise(package, parent, people)
    own_name(epoch, keys, state.mine)  # ROOM-15
    there = state.there | {epoch.transcript: epoch}
    if parent.transcript == state.head:
        return move_head(state, there, epoch, keys), "head"
    fuller = arrange(state, there, state.head)
    if epoch.transcript in fuller.branch:
        return fuller, "past"
    if gives_way(fuller, epoch):
        return change_branch(fuller, epoch.transcript, keys), "changed"
    tips = tips_of(state)
    if len(tips) < MAX_TIPS or parent in tips:
        return fuller, "fork"
    ends = [end for end in (end_of(state, tip, epoch) for tip in tips) if all(map(state.yields, end))]
    if not ends:
        return state, "not kept"
    displaced = max(ends, key=lambda end: (end[0].body.epoch, end[0].transcript))
    return arrange(state, {key: e for key, e in there.items() if e not in displaced}, state.head), "fork"


def tips_of(state: RoomState) -> list[Epoch]:
    """The epochs of evidence that no held epoch follows. ROOM-18"""
    followed = [parent_of(epoch, state.held) for epoch in state.held.values()]
    return [epoch for epoch in state.evidence.values() if epoch.secret and epoch not in followed]


def end_of(state: RoomState, tip: Epoch, new: Epoch) -> list[Epoch]:
    """What leads to this tip and to no other, nor to the new epoch, newest first. ROOM-18"""
    parents = [parent_of(epoch, state.held) for epoch in (*state.held.values(), new)]
    end = [tip]
    while True:
        parent = parent_of(end[-1], state.held)
        if parent is None or parent.transcript in state.branch or parents.count(parent) > 1:
            return end
        end.append(parent)


def in_order(packages: list[bytes]) -> list[bytes]:
    """In ascending order of epochs, by what they say themselves; without what is no package."""
    found = []
    for data in packages:
        with contextlib.suppress(SealroomError):
            found.append((rooms.decode_package(data).public_data[16:], data))
    return [data for _, data in sorted(found, key=lambda one: one[0])]


def take_with_parents(
    state: RoomState, package: rooms.Package, given: list[bytes], opened: rooms.Copies, keys: list[PrivateKey],
    people: People,
) -> tuple[RoomState, Outcome]:
    """Takes a package after those that lead to it from an epoch that is held; it may be refused as well. ROOM-29

    Each of them passes its own checks, and stays taken if a later one does not.
    """
    rooms.note(opened, package, people)
    way = rooms.way_back(package, given, opened, state.held, people)
    if parent_of(way[-1][0].epoch, state.held):
        for earlier in itertools.chain(*reversed(way[1:])):
            with contextlib.suppress(SealroomError):
                state, _ = take(state, earlier, keys, people)
    try:
        return take(state, package, keys, people)
    except SealroomError as error:
        return state, error


def take_all(
    state: RoomState, packages: list[bytes], given: list[bytes], opened: rooms.Copies, keys: list[PrivateKey],
    people: People,
) -> tuple[RoomState, list[Outcome]]:
    """Takes packages in their order, and those that failed again until a round brings no further epoch. ROOM-29"""
    outcomes, ever = [None] * len(packages), set()
    while True:
        ever |= with_secret(state)
        open_all(state, given, keys, opened)
        for place, data in enumerate(packages):
            if is_open(outcomes[place]):
                try:
                    package = opened.known.get(data) or open_next(state, data, keys, opened.only_read.values())
                    head = state.head
                    state, outcomes[place] = take_with_parents(state, package, given, opened, keys, people)
                    if state.head != head:
                        state = follow(state, opened, keys, people)
                except SealroomError as error:
                    outcomes[place] = error
        if with_secret(state) <= ever:
            return state, outcomes


def follow(state: RoomState, opened: rooms.Copies, keys: list[PrivateKey], people: People) -> RoomState:
    """The state after what was held before the head that it follows was looked at again."""
    head = None
    while head != state.head:
        head = state.head
        for package in opened.known.values():
            held = package.epoch.transcript in state.held
            if held and state.head == head and parent_of(package.epoch, state.held) == state.at_head:
                with contextlib.suppress(SealroomError):
                    state, _ = take(state, package, keys, people)
    return state


def onward(epochs: list[Epoch], first: Epoch) -> list[Epoch]:
    """From an epoch by best children, as far as each may follow by what is kept of it. KRG-08"""
    held = {epoch.transcript: epoch for epoch in epochs}
    parents = ((epoch, parent_of(epoch, held)) for epoch in epochs)
    return best_way([epoch for epoch, parent in parents if parent and may_follow(parent, epoch)], first)


def may_follow(parent: Epoch, epoch: Epoch) -> bool:
    """Without a transition. ROOM-08, ROOM-09"""
    before, body, signer = parent.body, epoch.body, epoch.signer
    if (body.creator, body.creation_nonce, body.history) != (before.creator, before.creation_nonce, before.history):
        return False
    if before.is_admin(signer):
        return body.is_admin(signer)
    return signer in before.members and body.roster == before.roster


def seems_to_follow(parent: Epoch, epoch: Epoch) -> bool:
    """Also where who signed may be the successor of a member. ROOM-20"""
    before, after, signer = parent.body.members, epoch.body.members, epoch.signer
    gone, come = before.keys() - after.keys(), after.keys() - before.keys()
    replaced = len(gone) == 1 and come == {signer} and all(after[name] == before[name] for name in before.keys() - gone)
    same_room = epoch.body.room_id == parent.body.room_id
    return may_follow(parent, epoch) or same_room and replaced and after[signer] == before[gone.pop()]


def go_on(state: RoomState, keys: list[PrivateKey]) -> RoomState:
    """The state with the last head to which what is kept leads on. KRG-08"""
    names = {*state.mine, *(key.id for key in keys)}
    way = onward(list(state.there.values()), state.at_head)
    head = [one for one in way if one.secret and names & one.body.members.keys()][-1]
    return state if head == state.at_head else move_head(state, state.there, head, keys)


def is_open(outcome: Outcome | None) -> bool:
    """Whether a package may be taken yet."""
    return outcome is None or outcome == "behind" or isinstance(outcome, SealroomError)


def with_secret(state: RoomState) -> set[bytes]:
    return {key for key, epoch in state.held.items() if epoch.secret}


def catch_up(
    state: RoomState, packages: list[bytes], keys: list[PrivateKey], people: People, opened: rooms.Copies | None = None
) -> tuple[RoomState, list[Outcome]]:
    """The state after many packages, and what became of each in ascending order of epochs. ROOM-29"""
    given = in_order(packages)
    return take_all(state, given, given, rooms.Copies() if opened is None else opened, keys, people)


def take_grant(state: RoomState, epochs: list[Epoch]) -> RoomState:
    """After a grant was checked. §18.8"""
    return arrange(state, room_statements.merge_grant(state.there, epochs), state.head)


def path(state: RoomState, epoch: Epoch) -> list[Epoch]:
    """From an epoch back to the last that is on the reader's branch; nothing if it does not lead there."""
    found = [epoch]
    while found[-1].transcript not in state.branch:
        parent = parent_of(found[-1], state.held)
        if parent is None:
            return []
        found.append(parent)
    return found


def gives_way(state: RoomState, epoch: Epoch) -> bool:
    """Whether the reader's branch gives way to the one that ends with this epoch. ROOM-19"""
    *other, common = path(state, epoch) or [None]
    if not other or state.yields(epoch) or epoch.body.adds or not all(map(state.yields, other[1:])):
        return False
    if not all(may_follow(parent_of(one, state.held), one) for one in other[1:]):
        return False
    return all(state.yields(e) for e in state.branch.values() if e.body.epoch > common.body.epoch)


def change_branch(state: RoomState, transcript: bytes, keys: list[PrivateKey]) -> RoomState:
    """The branch that ends with this epoch becomes the reader's. §18.5"""
    if transcript not in state.evidence or state.evidence[transcript].secret is None:
        raise ValueError("not an epoch of another branch, or without its secret")
    return move_head(state, state.there, state.evidence[transcript], keys)


def settle(epochs: list[Epoch], first: Epoch) -> Epoch:
    """The epoch that is recommended. ROOM-20"""
    return best_way(epochs, first)[-1]


def best_way(epochs: list[Epoch], first: Epoch) -> list[Epoch]:
    """From an epoch on by best children. ROOM-20"""
    at, way = first, [first]
    while True:
        children = [e for e in epochs if parent_of(e, {at.transcript: at})]
        if not children:
            return way
        lacks = {e.transcript: bool(at.body.members.keys() - e.body.members.keys()) for e in children}
        parent = at
        at = min(
            children,
            key=lambda e: (
                not seems_to_follow(parent, e), rooms.yields(e, parent), not may_follow(parent, e),
                not lacks[e.transcript], e.transcript,
            ),
        )
        way.append(at)


def recommended(state: RoomState) -> Epoch:
    """From the earliest epoch to which the head leads back without a gap."""
    first, held = state.at_head, state.held
    while parent_of(first, held):
        first = parent_of(first, held)
    return settle(list(held.values()), first)


# Recovery


def recover(
    packages: list[bytes], keys: list[PrivateKey], people: People
) -> tuple[RoomState | None, list[Epoch], list[Outcome]]:
    """A room from a server's packages, the first epoch of each run, and what became of the packages in order. §18.7"""
    state, runs, given, opened, outcomes = None, [], in_order(packages), rooms.Copies(), []
    open_all(None, given, keys, opened)
    for data in given:
        outcome = None
        try:
            package = opened.known.get(data) or open_next(state, data, keys)
            if state:
                state, outcome = take_with_parents(state, package, given, opened, keys, people)
            if not state or lacks_parent(state, package):
                state, first = begin_run(state, package, given, opened, keys, people)
                runs.append(first)
                outcome = "head"
        except SealroomError as error:
            outcome = told(outcome, error)
        outcomes.append(outcome)
    if state:
        again = [place for place, outcome in enumerate(outcomes) if is_open(outcome)]
        state, later = take_all(state, [given[place] for place in again], given, opened, keys, people)
        for place, outcome in zip(again, later):
            if isinstance(outcome, SealroomError):
                outcomes[place] = told(outcomes[place], outcome)
            elif outcome != "behind":  # why it begins no run stands
                outcomes[place] = outcome
    return state, runs, outcomes


def told(before: Outcome | None, error: SealroomError) -> SealroomError:
    """Of several reasons that an identity is unknown goes before others. §21"""
    return before if isinstance(before, wire.Unknown) else error


def lacks_parent(state: RoomState, package: rooms.Package) -> bool:
    """Whether a package was not taken, and has no parent that is held."""
    return package.epoch.transcript not in state.held and parent_of(package.epoch, state.held) is None


def by_admin(state: RoomState, package: rooms.Package, people: People) -> bool:
    """Whether an admin at the head signed it, or the successor of one by a transition in it that is valid. §18.7"""
    signer, head = package.epoch.signer, state.at_head.body
    old, new = rooms.named(package)
    if head.is_admin(signer) or not (new and new.fingerprint == signer and head.is_admin(old)):
        return head.is_admin(signer)
    rooms.check_signer(package, people, new)  # nobody waits for one whom somebody else named in a copy
    identity.accept_transition(rooms.find(people, old), package.transition)
    return True


def begin_run(
    state: RoomState | None, package: rooms.Package, given: list[bytes], opened: rooms.Copies, keys: list[PrivateKey],
    people: People, to_read: bool = False,
) -> tuple[RoomState, Epoch]:
    """The state with a package that has no parent as its head, and the first epoch of the run. §18.7

    `to_read`: the head stays. §21
    """
    rooms.note(opened, package, people)
    signer, body = package.epoch.signer, package.epoch.body
    need("ROOM-15", signer in body.members, "signer")
    if body.history == SHARED:
        need("ROOM-12", (package.previous_secret is None) == (body.epoch == 0), "previous secret")
    if package.symmetric() or package.previous_secret is None:
        need("ROOM-15", body.is_admin(signer), "signer")
    if state:
        need("ROOM-03", body.room_id == state.room_id, "another room")
        need("ROOM-08", to_read or is_later(state, body), "not after the head")
        need("ROOM-08", to_read or by_admin(state, package, people), "not by an admin")
    me = own_name(package.epoch, keys)
    rooms.check_signer(package, people)
    rooms.check_wraps(package, None)
    held = state.held if state else {}
    epochs = []
    with contextlib.suppress(SealroomError):  # what was taken until then stays
        for epoch in rooms.go_back(rooms.way_back(package, given, opened, held, people), held, people):
            epochs.append(epoch)
    fresh = start(epochs, epochs[0], me, UNCONFIRMED)
    if to_read:
        mine = state.mine if me in state.mine else (me, *state.mine)
        return replace(keep(state, epochs, opened), mine=mine), epochs[-1]
    if state:
        fresh = move_head(come_by(state, me), state.there | fresh.branch, epochs[0], keys)
    return fresh, epochs[-1]


def is_later(state: RoomState, body: rooms.RoomEpoch) -> bool:
    """Whether an epoch without a parent may be the head; plain members' refreshes keep no admin's away. §18.7"""
    return body.epoch > state.at_head.body.epoch or not body.adds and body.epoch > state.unyielding()[-1]


def keep(state: RoomState, way: list[Epoch], opened: rooms.Copies) -> RoomState:
    """With an epoch that has no parent and what comes before it, newest first; only read if it leads nowhere. §21"""
    fuller = arrange(state, state.there | {epoch.transcript: epoch for epoch in way}, state.head)
    if any(parent_of(epoch, state.held) for epoch in way):
        return fuller
    beside = {epoch.transcript: epoch for epoch in way if epoch.transcript not in fuller.branch}
    opened.only_read |= beside
    return replace(fuller, evidence=fuller.evidence | {key: rooms.granted_only(epoch) for key, epoch in beside.items()})


def complete(
    state: RoomState, packages: list[bytes], keys: list[PrivateKey], people: People
) -> tuple[RoomState, list[Outcome]]:
    """A room of the keyring with what a server has of it, and what became of the packages in order. §21"""
    given, opened, reasons = in_order(packages), rooms.Copies(), {}
    while True:
        before = progress(state, opened)
        state, outcomes = catch_up(state, given, keys, people, opened)
        while (further := go_on(state, keys)) != state:
            state, outcomes = catch_up(further, given, keys, people, opened)
        state = fill(state, given, keys, people, opened)
        for _, of_number in itertools.groupby(given, lambda data: rooms.decode_package(data).public_data[16:]):
            held = progress(state, opened)
            for data in of_number:
                package = opened.known.get(data)
                if package and lacks_parent(state, package):
                    try:
                        state = begin_further(state, package, given, opened, keys, people)
                        state = follow(state, opened, keys, people)
                    except SealroomError as error:
                        reasons[data] = told(reasons.get(data), error)
            if progress(state, opened) != held:
                state, outcomes = catch_up(state, given, keys, people, opened)
        if progress(state, opened) == before:
            break
    for place, data in enumerate(given):
        package = opened.known.get(data)
        if package and is_open(outcomes[place]):
            if package.epoch.transcript in opened.only_read and lacks_parent(state, package):
                outcomes[place] = "only read"
            elif data in reasons:
                outcomes[place] = told(outcomes[place], reasons[data])
    return state, outcomes


def progress(state: RoomState, opened: rooms.Copies) -> tuple[set[bytes], bytes, int]:
    """What a recovery that came further has changed."""
    return with_secret(state), state.head, len(opened.only_read)


def begin_further(
    state: RoomState, package: rooms.Package, given: list[bytes], opened: rooms.Copies, keys: list[PrivateKey],
    people: People,
) -> RoomState:
    """A further run of a room that is held: it has the head if it may, and else is kept to be read. §21"""
    number = package.epoch.body.epoch
    try:
        return begin_run(state, package, given, opened, keys, people)[0]
    except SealroomError:
        if number > state.at_head.body.epoch or number in state.unyielding():
            raise
    return begin_run(state, package, given, opened, keys, people, to_read=True)[0]


def fill(
    state: RoomState, packages: list[bytes], keys: list[PrivateKey], people: People, opened: rooms.Copies | None = None
) -> RoomState:
    """With what comes before epochs of the own branch whose package is given, as before one that began a run. §21"""
    given, opened = in_order(packages), rooms.Copies() if opened is None else opened
    came, held = {}, state.held
    open_all(state, given, keys, opened)
    found = list(opened.known.values())
    for package in found:
        rooms.note(opened, package, people)
    for epoch in reversed(state.line()):
        parent = parent_of(epoch, held)
        if epoch.secret is None or parent and parent.secret:
            continue
        for package in (one for one in found if one.epoch == epoch):
            with contextlib.suppress(SealroomError):
                for one in rooms.go_back(rooms.way_back(package, given, opened, held, people), held, people):
                    came[one.transcript] = one
                    held = held | came
    return arrange(state, state.there | came, state.head)


# Messages


def check_sealing(state: RoomState) -> None:
    """Before a message, a package or a grant is sealed."""
    need("ROOM-22", state.standing == CONFIRMED, "unconfirmed")
    need("ROOM-24", not state.behind, "behind")


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


def make_package(state: RoomState, roster: rooms.Roster, sender: Sender, people: People, transition=b"") -> bytes:
    """The package after the head; the room is as it was until it comes back and is applied. §18.3"""
    check_sealing(state)
    return rooms.make_package(state.at_head, roster, sender, people, transition)


def make_grant(state: RoomState, epochs: list[Epoch], sender: Sender, readers: list[PublicIdentity]) -> bytes:
    """§18.8"""
    check_sealing(state)
    return room_statements.make_grant(epochs, sender, readers)


@dataclass(frozen=True)
class Received:
    message: Message
    answer: str
    superseded: bool
    in_head: bool  # whether the sender is in the head's roster. RMSG-09


def receive(state: RoomState, data: bytes, people: People, aad: bytes = b"") -> tuple[RoomState, Received]:
    message = room_messages.open_message(data, state.there.values(), people, aad)
    seen, devices, used = room_messages.answer(
        state.devices, state.used, message.sender, message.device, message.sequence, message.id
    )
    superseded = message.epoch.transcript != state.head
    received = Received(message, seen, superseded, message.sender in state.at_head.body.members)
    return replace(state, devices=devices, used=used), received
