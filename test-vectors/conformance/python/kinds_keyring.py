"""Kinds of test vectors: the keyring and recovery. SPEC.md §20, §21.

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import itertools
import os

import identity
import keyring
import recovery
import sealroom
import vectors
import wire
from keyring import CONTACT, NO, PART, VERIFIED, WHOLE, YES
from kinds_identities import PROFILES
from kinds_rooms import room_fields
from vectors import Draw, Tape, Vector, kind, raw


def entries_of(entries) -> list[dict]:
    return [{"kind": kind, "content": content} for kind, content in sorted(entries)]


def open_all(vector: Vector) -> list[keyring.Segment]:
    return [keyring.open_segment(bytes.fromhex(one), [raw(vector, "key")]) for one in vector["segments"]]


def seal_segment(vector: Vector, draw: Draw | None = None) -> dict:
    return {"segment": sealroom.seal_own(raw(vector, "content"), wire.KEYRING, raw(vector, "key"), draw)}


@kind("segment", "content device revision segment_kind seen entries", consumed="segment key", seal=seal_segment)
def read_segment(vector):
    content = sealroom.open_own(raw(vector, "segment"), wire.KEYRING, [raw(vector, "key")])
    segment = keyring.decode_segment(content)
    assert keyring.encode_segment(segment) == content, "encoded again"
    seen = [{"device": device, "revision": revision} for device, revision in sorted(segment.seen.items())]
    names = {"content": content, "device": segment.device, "revision": segment.revision, "seen": seen}
    return names | {"segment_kind": segment.kind, "entries": entries_of(segment.entries)}


def contacts_of(mine: keyring.Keyring) -> list[dict]:
    return [
        {"name": name, "identity": fingerprint, "verified": keyring.is_verified(mine, fingerprint)}
        for name, fingerprint in keyring.contacts(mine)
    ]


@kind("keyring_merge", "segments entries conflicts lacking contacts", computed="segments key", parts="segments")
def read_merge(vector):
    mine, opened, parts = keyring.begin(), {}, []
    for place, part in enumerate(vector["segments"]):
        before = mine
        try:
            opened[place] = keyring.open_segment(raw(part, "segment"), [raw(vector, "key")])
            mine, outcome = keyring.merge(mine, [opened[place]]), {"result": "ok"}
        except wire.SealroomError as error:
            outcome = vectors.refusal(error)
        parts.append(outcome | {"changed": [name for name, _, _ in keyring.repinned(before, mine)]})
    given = [opened[place] for place in vector["given"] if place in opened]
    found = merged(mine, given)
    for order in itertools.islice(itertools.permutations(opened.values()), 24):
        other = keyring.begin()
        for segment in order:
            other = keyring.merge(other, [segment])
        assert merged(other, given) == found == merged(keyring.merge(keyring.begin(), list(order)), given), "order"
    return vectors.first_refusal(parts) | {"segments": parts} | found


def merged(mine: keyring.Keyring, given: list[keyring.Segment]) -> dict:
    conflicts = [{"register": one[0].register, "name": one[0].name} for one in keyring.conflicts(mine)]
    lacking = [dict(zip(("device", "first", "last"), one)) for one in keyring.missing(mine, given)]
    names = {"entries": entries_of(mine.entries), "conflicts": conflicts, "lacking": lacking}
    return names | {"contacts": contacts_of(mine)}


def seal_state(vector: Vector, draw: Draw | None = None) -> dict:
    return {"state": keyring.seal_keyring(keyring.decode_keyring(raw(vector, "content")), raw(vector, "kek"), draw)}


@kind("keyring_state", "content", consumed="state kek", seal=seal_state)
def read_keyring_state(vector):
    return {"content": keyring.encode_keyring(keyring.open_keyring(raw(vector, "state"), raw(vector, "kek")))}


@kind("keyring_write", "segment content", consumed="state kek segments", computed="key")
def read_write(vector):
    mine = keyring.open_keyring(raw(vector, "state"), raw(vector, "kek"))
    draw = Tape(raw(vector, "random")) if vector.get("random") else os.urandom
    for segment in open_all(vector):
        mine = keyring.merge(mine, [segment], draw)
    mine, data = keyring.make_segment(mine, WHOLE if vector["whole"] else PART, raw(vector, "key"), draw)
    if vector.get("random"):
        draw.end()
    return {"segment": data, "content": sealroom.open_own(data, wire.KEYRING, [raw(vector, "key")])}


@kind("keyring_room", "room", consumed="key segments", computed="room_id")
def read_keyring_room(vector):
    mine = keyring.merge(keyring.begin(), open_all(vector))
    names = [bytes.fromhex(one) for one in reversed(vector["mine"])]
    return {"room": room_fields(keyring.room_from(mine, raw(vector, "room_id"), names))}


# Contacts


@kind("contact", "steps pinned verified", computed="steps", parts="steps")
def read_contact(vector):
    mine, name, answers = keyring.begin(), raw(vector, "name"), []
    for step in vector["steps"]:
        mine, answer = take_step(mine, name, step, raw(vector, "key"))
        answers.append(answer)
    refused = [one["answer"] for one in answers if one.get("answer") in REFUSED]
    pinned = keyring.value_of(mine, CONTACT, name) or None
    names = {"steps": answers, "pinned": pinned, "verified": bool(pinned) and keyring.is_verified(mine, pinned)}
    return names | ({"result": refused[0]} if refused else {})


SIGHTS = {"pinned": "first", "same": "known", "followed": "succeeded", "changed": "changed"}
REFUSED = {one.kind for one in wire.SealroomError.__subclasses__()}


def take_step(mine: keyring.Keyring, name: bytes, step: dict, key: bytes) -> tuple[keyring.Keyring, dict]:
    """The keyring after a step, and what is compared of it."""
    do, one = step["do"], identity.decode_identity(raw(step, "identity")) if step.get("identity") else None
    if do == "sight":
        before = keyring.value_of(mine, CONTACT, name) or None
        mine, answer = keyring.pin(mine, name, one)
        return mine, {"answer": SIGHTS[answer], "pinned": None if answer == "same" else before}
    if do == "pin":
        return keyring.pin(mine, name, one, anyway=True)[0], {}
    if do == "know":
        return keyring.know(mine, one), {}
    if do == "unpin":
        return keyring.write(mine, CONTACT, name, b""), {}
    if do == "verify":
        return keyring.write(mine, VERIFIED, raw(step, "fingerprint"), YES if step["verified"] else NO), {}
    if do == "merge":
        return keyring.merge(mine, [keyring.open_segment(raw(step, "segment"), [key])]), {}
    assert do == "follow", do
    try:
        return keyring.follow(mine, raw(step, "transition")), {"answer": "ok"}
    except wire.SealroomError as error:
        return mine, {"answer": error.kind}


# §21


@kind("recovery", "generations rooms contacts asked missing problems",
      computed="bip39_seed transitions segments packages identities")
def read_recovery(vector):
    given = {name: [bytes.fromhex(one) for one in vector[name]] for name in LISTS.values()}
    root = identity.root_from_seed(raw(vector, "bip39_seed"))
    linked, problems = recovery.from_words(root, PROFILES[vector["profile"]], given["transitions"])
    got = recovery.recover(linked, given["segments"], given["packages"], lambda _: given["identities"])
    told = [write_problem(one, given) for one in problems + got.problems]
    refused = {name: told[0][name] for name in ("result", "check") if name in told[0]} if told else {}
    return refused | {
        "generations": [public.fingerprint for _, public in linked.generations],
        "rooms": [room_fields(got.rooms[room_id]) for room_id in sorted(got.rooms)],
        "contacts": contacts_of(got.keyring), "asked": sorted(got.asked), "missing": got.missing, "problems": told,
    }


LISTS = {"generations": "transitions", "keyring": "segments", "packages": "packages", "identities": "identities"}


def write_problem(one: recovery.Problem, given: dict[str, list[bytes]]) -> dict:
    where = {"room_id": one.room_id} if one.room_id else {"blob": given[LISTS[one.step]].index(one.data)}
    return {"step": one.step} | vectors.refusal(one.error) | where
