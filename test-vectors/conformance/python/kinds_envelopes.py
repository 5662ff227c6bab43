"""Kinds of test vectors: the wire format, envelopes and what is in them, texts. SPEC.md §3 to §10, §17.

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import os

import identity
import sealroom
import wire
from sealroom import Passphrase, PrivateKey
from vectors import Draw, Vector, kind, raw, read_key, read_sender

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
