"""The kinds of test vectors: what a reader makes of the inputs of each. SPEC.md §16.

A kind is one function, from the inputs to what is compared, which check.py compares and serve.py prints. To add one,
write it with @kind(...) before it. Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass

import algorithms
import identity
import room_messages
import room_state
import room_statements
import rooms
import sealroom
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


KINDS: dict[str, Kind] = {}


def kind(name: str, compared="", consumed="", computed="", seal=None, random=lambda vector: ()):
    def register(read):
        KINDS[name] = Kind(read, *(tuple(one.split()) for one in (compared, consumed, computed)), seal, random)
        return read

    return register


def inputs(vector: Vector) -> Vector:
    """Without what is compared, but for what sealing takes as well."""
    hidden = {"result", "check", "flags", "comment", *KINDS[vector["kind"]].compared}
    return {name: value for name, value in vector.items() if name not in hidden}


def answer(vector: Vector) -> dict:
    """The result, and what is compared."""
    return outcome(KINDS[vector["kind"]].read, vector)


def sealed(vector: Vector) -> dict:
    """The result, and the object in its field."""
    return outcome(KINDS[vector["kind"]].seal, vector)


def outcome(call: Callable[[Vector], dict], vector: Vector) -> dict:
    try:
        return {"result": "ok"} | plain(call(vector))
    except wire.Refused as error:
        return {"result": error.kind, "check": error.check}
    except wire.SealroomError as error:
        return {"result": error.kind}


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
    people = [identity.decode_identity(bytes.fromhex(one)) for one in vector["identities"]]
    return {one.fingerprint: one for one in people}


# §4


@kind("derive", "output", computed="key context")
def read_derive(vector):
    return {"output": wire.derive(raw(vector, "key"), vector["label"], raw(vector, "context"), vector["length"])}


@kind("sign_input", "sha256", computed="content")
def read_sign_input(vector):
    return {"sha256": wire.sha256(wire.sign_input(vector["label"], raw(vector, "content")))}


# §7 to §10


def openers(vector):
    """For each key, what opens the envelope with it alone."""
    sender, envelope = read_sender(vector.get("sender")), raw(vector, "envelope")
    for key in vector["keys"]:
        if key["kind"] == "attachment":
            yield lambda key=key: sealroom.open_attachment(envelope, raw(key, "key"))
        else:
            yield lambda key=key: sealroom.open(envelope, [read_key(key)], sender and sender.identity)


def seal_envelope(vector: Vector, draw: Draw | None = None) -> dict:
    content, public_data, padding = raw(vector, "content"), raw(vector, "public_data"), vector["padding"] == "padme"
    if vector["keys"][0]["kind"] == "attachment":
        sealed, key = sealroom.seal_attachment(content, padding, public_data, draw)
        return {"envelope": sealed, "keys": [{"kind": "attachment", "key": key}]}
    recipients = []
    for key in map(read_key, vector["keys"]):
        if isinstance(key, Passphrase):
            key = Passphrase(key.passphrase, kdf_of(vector))
        recipients.append(key.recipient() if isinstance(key, PrivateKey) else key)
    recipients += recipients[:1]  # STZ-03
    sender = read_sender(vector.get("sender"))
    return {"envelope": sealroom.seal(content, recipients, sender, padding, public_data, vector["decoys"], draw)}


def kdf_of(vector: Vector) -> sealroom.Kdf:
    """That of the envelope, or what a writer takes by §8.5."""
    if vector.get("envelope"):
        return sealroom.decode_header(raw(vector, "envelope")).stanzas[0].kdf
    return sealroom.Kdf(sealroom.ARGON2ID, os.urandom(16), 2, memory_kib=65536, passes=3, lanes=4)


@kind("envelope", "content dek h commitment", consumed="envelope keys sender", seal=seal_envelope)
def read_envelope(vector):
    found, errors = [], []
    for opener in openers(vector):
        try:
            opened = opener()
            names = {"content": opened.content, "dek": opened.dek}
            found.append(names | {"h": opened.header.hash, "commitment": opened.commitment})
        except wire.SealroomError as error:
            errors.append(error)
    assert not (found and errors), "some keys open it and some do not"
    if errors:
        raise errors[0]
    assert all(one == found[0] for one in found), "two keys open it differently"
    return found[0]


@kind("detached_signature", consumed="identity context content signature")
def read_detached(vector):
    signer = identity.decode_identity(raw(vector, "identity"))
    sealroom.verify_detached(*(raw(vector, name) for name in ("signature", "content", "context")), signer)
    return {}


# §11, §12

PROFILES = {"p256": identity.P256, "rsa3072": identity.RSA_3072, "rsa4096": identity.RSA_4096}
SIGNED = "text", "signature"  # random under RSA


@kind("identity", "bip39_seed body text fingerprint fingerprint_text keyring_key signature",
      random=lambda vector: () if vector["profile"] == "p256" else SIGNED)
def read_words(vector):
    seed = identity.seed_from_words(vector["words"], vector["passphrase"])
    root = identity.root_from_seed(seed)
    made = identity.Generation(root, vector["generation"], PROFILES[vector["profile"]])
    one = made.identity
    answers = {"bip39_seed": seed, "body": one.body, "text": one.to_text(), "signature": one.signature}
    answers |= {"fingerprint": one.fingerprint, "fingerprint_text": wire.to_text("slrm-fp:", one.fingerprint)}
    return answers | {"keyring_key": made.keyring}


@kind("public_identity", consumed="identity")
def read_public_identity(vector):
    assert identity.decode_identity(raw(vector, "identity")).encode() == raw(vector, "identity")
    return {}


@kind("transition", consumed="old transition")
def read_transition(vector):
    identity.accept_transition(identity.decode_identity(raw(vector, "old")), raw(vector, "transition"))
    return {}


@kind("safety_number", "digits qr", computed="fingerprints")
def read_safety_number(vector):
    one, other = (bytes.fromhex(fingerprint) for fingerprint in vector["fingerprints"])
    digits, text = identity.safety_number(one, other), identity.safety_text(one, other)
    assert (digits, text) == (identity.safety_number(other, one), identity.safety_text(other, one)), "another order"
    assert wire.from_text("slrm-sn:", text, 64) == b"".join(sorted((one, other)))
    return {"digits": digits, "qr": text}


# §18


@kind("package", "room_id epoch transcript message_key epoch_kek previous_secret yielding code",
      consumed="package parent identities me key? secret? inviter?")
def read_package(vector):
    people, parent = read_people(vector), read_epoch(vector.get("parent"))
    keys = [SymmetricKey(parent.kek)] if parent and parent.secret else []
    keys += [read_key(vector["key"])] if vector.get("key") else []
    secrets = [raw(vector, "secret")] if vector.get("secret") else []
    package = rooms.open_package(raw(vector, "package"), keys, secrets, parent.body.room_id if parent else None)
    if parent:
        epoch = rooms.authorise(package, parent, people)
        rooms.need("ROOM-15", vector.get("me") is None or raw(vector, "me") in epoch.body.members, "not in the roster")
    else:
        epoch = rooms.check_first(package, raw(vector, "me"), raw(vector, "inviter"), people)
    payload = rooms.encode_payload(epoch.body, package.previous_secret, package.transition)
    assert payload == package.opened.content, "encoded again"
    return {
        "room_id": epoch.body.room_id, "epoch": write_epoch(epoch), "transcript": epoch.transcript,
        "message_key": epoch.message_key, "epoch_kek": epoch.kek, "previous_secret": package.previous_secret,
        "yielding": rooms.yields(epoch, parent), "code": rooms.code(epoch.transcript),
    }


@kind("leave", "member", consumed="statement room_id identities")
def read_leave(vector):
    since = [read_epoch(epoch) for epoch in vector["since"]]
    statement, room_id = raw(vector, "statement"), raw(vector, "room_id")
    return {"member": room_statements.check_leave(statement, room_id, since, read_people(vector))}


@kind("head", consumed="statement epoch nonce member identities")
def read_head(vector):
    statement, nonce, member = (raw(vector, name) for name in ("statement", "nonce", "member"))
    room_statements.check_head(statement, read_epoch(vector["epoch"]), nonce, member, read_people(vector))
    return {}


@kind("grant", "epochs", consumed="grant key granter identities")
def read_grant(vector):
    held, keys, granter = read_epoch(vector["epoch"]), [read_key(vector["key"])], raw(vector, "granter")
    epochs = room_statements.open_grant(raw(vector, "grant"), keys, [held], held, granter, read_people(vector))
    return {"epochs": [write_epoch(epoch) for epoch in epochs]}


@kind("state", "content", consumed="state kek")
def read_state(vector):
    content = raw(vector, "content")
    if vector.get("state") is not None:
        content = room_state.open_content(raw(vector, "state"), raw(vector, "kek"))
    encoded = room_state.encode_state(room_state.decode_state(content))
    assert encoded == content, "encoded again"
    return {"content": encoded}


@kind("settle", "transcript")
def read_settle(vector):
    epochs = [read_epoch(epoch) for epoch in vector["epochs"]]
    return {"transcript": room_state.settle(epochs, epochs[0]).transcript}


# §19


def seal_message(vector: Vector, draw: Draw | None = None) -> dict:
    by = Sender(private_key(vector["pkcs8"]), read_people(vector)[raw(vector, "sender")])
    device, content, aad = (raw(vector, name) for name in ("device", "content", "aad"))
    padding = vector["padding"] == "padme"
    epoch, sequence = read_epoch(vector["epoch"]), vector["sequence"]
    return {"message": room_messages.seal_message(epoch, by, device, sequence, content, aad, padding, draw)}


@kind("message", "sender device sequence content message_id", consumed="message aad epoch identities",
      seal=seal_message)
def read_message(vector):
    epoch, people = read_epoch(vector["epoch"]), read_people(vector)
    opened = room_messages.open_message(raw(vector, "message"), [epoch], people, raw(vector, "aad"))
    names = {"sender": opened.sender, "device": opened.device, "sequence": opened.sequence}
    return names | {"content": opened.content, "message_id": opened.id}


@kind("replays", "answers")
def read_replays(vector):
    devices, used, answers = (), 0, []
    for seen in vector["seen"]:
        one, devices, used = room_messages.answer(
            devices, used, bytes(32), raw(seen, "device"), seen["sequence"], raw(seen, "id")
        )
        answers.append(one)
    return {"answers": answers}
