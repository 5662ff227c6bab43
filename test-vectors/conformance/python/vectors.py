"""The registry of the kinds of test vectors, and the fields that they have in common. SPEC.md §16.

A kind is one function, from the inputs to what is compared, which check.py compares and serve.py prints. To add one,
write it with @kind(...) before it, in the kinds_*.py of its section. What is refused is a wire.SealroomError; a kind of
which parts are refused and the rest is not says the result itself.

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import algorithms
import identity
import rooms
import wire
from rooms import Epoch, People
from sealroom import Passphrase, PrivateKey, Sender, SymmetricKey

Vector = dict
Draw = Callable[[int], bytes]


@dataclass(frozen=True)
class Kind:
    read: Callable[[Vector], dict]  # what is refused is a wire.SealroomError
    compared: tuple[str, ...]
    consumed: tuple[str, ...]  # fields in which a changed bit makes reading fail; with "?" where it fails without them
    computed: tuple[str, ...]  # fields in which it makes another answer, or reading fail
    seal: Callable[[Vector, Draw | None], dict] | None  # the fields of what is sealed from the same inputs
    random: Callable[[Vector], tuple[str, ...]]  # what is compared in other vectors, and is drawn at random in this one
    parts: str | None  # a field with a list, of whose items some fields are inputs and the others are compared


KINDS: dict[str, Kind] = {}


class Tape:
    """The bytes of a vector's `random`, in their order."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def __call__(self, length):
        self.at += length
        assert self.at <= len(self.data), "more random bytes were drawn than the vector has"
        return self.data[self.at - length : self.at]

    def end(self):
        assert self.at == len(self.data), "fewer random bytes were drawn than the vector has"


def kind(name: str, compared="", consumed="", computed="", seal=None, random=lambda vector: (), parts=None):
    def register(read):
        KINDS[name] = Kind(read, *(tuple(one.split()) for one in (compared, consumed, computed)), seal, random, parts)
        return read

    return register


def inputs(vector: Vector) -> Vector:
    """Without what is compared, but for what sealing takes as well."""
    kind = KINDS[vector["kind"]]
    hidden = {"result", "check", "flags", "comment", *kind.compared} - {kind.parts}
    given = {name: value for name, value in vector.items() if name not in hidden}
    return given | ({kind.parts: [divided(part)[0] for part in vector[kind.parts]]} if kind.parts else {})


PART_INPUTS = set(
    "do package packages past inviter message grant granter statement nonce member identity fingerprint verified"
    " transition segment proof audience method target body server_nonce now"
    " offset length state kek".split()
)


def divided(part: dict) -> tuple[dict, dict]:
    """The inputs, and what is compared, of a step, a segment or a request."""
    names = PART_INPUTS - ({"member"} if part.get("do") == "leave" else set())
    return tuple({name: part[name] for name in part if (name in names) == given} for given in (True, False))


def answer(vector: Vector) -> dict:
    """The result, and what is compared."""
    return outcome(KINDS[vector["kind"]].read, vector)


def sealed(vector: Vector) -> dict:
    """The result, and the object in its field."""
    return outcome(KINDS[vector["kind"]].seal, vector)


def outcome(call: Callable[[Vector], dict], vector: Vector) -> dict:
    try:
        return {"result": "ok"} | plain(call(vector))
    except wire.SealroomError as error:
        return refusal(error)


def refusal(error: wire.SealroomError) -> dict:
    return {"result": error.kind} | ({"check": error.check} if isinstance(error, wire.Refused) else {})


def first_refusal(parts: list[dict]) -> dict:
    """The result of a vector of which one part is refused."""
    return next(({n: one[n] for n in ("result", "check") if n in one} for one in parts if one["result"] != "ok"), {})


def plain(value):
    """As JSON has it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


# Fields


def raw(data: dict, name: str) -> bytes | None:
    return None if data.get(name) is None else bytes.fromhex(data[name])


@functools.cache  # to load one takes long under RSA
def private_key(pkcs8: str):
    return algorithms.private_from_pkcs8(bytes.fromhex(pkcs8))


def read_key(key: dict):
    if key["kind"] == "symmetric":
        return SymmetricKey(raw(key, "key"))
    if key["kind"] == "passphrase":
        return Passphrase(raw(key, "passphrase"))
    return PrivateKey(private_key(key["pkcs8"]), raw(key, "recipient_id"))


def read_sender(data: dict | None) -> Sender | None:
    if data is None:
        return None
    return Sender(private_key(data["pkcs8"]), identity.decode_identity(raw(data, "identity")))


def read_epoch(data: dict | None) -> Epoch | None:
    if data is None:
        return None
    reader = wire.Reader(raw(data, "body"))
    body = rooms.read_body(reader)
    reader.end("body")
    secret, granted = raw(data, "secret"), raw(data, "message_key")
    return Epoch(raw(data, "signer"), body, raw(data, "commitment"), secret, None if secret else granted)


def write_epoch(epoch: Epoch) -> dict:
    fields = {"signer": epoch.signer, "body": epoch.body.encode(), "commitment": epoch.commitment}
    return fields | ({"message_key": epoch.message_key} if epoch.secret is None else {"secret": epoch.secret})


def read_people(vector: Vector) -> People:
    """`identities`, or the `people` of a history."""
    texts = vector["identities"] if "identities" in vector else [one["identity"] for one in vector["people"]]
    people = [identity.decode_identity(bytes.fromhex(one)) for one in texts]
    return {one.fingerprint: one for one in people}
