"""Kinds of test vectors: the wire format, envelopes and what is in them, texts. SPEC.md §3 to §10, §17.

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import os

from cryptography.hazmat.primitives.asymmetric import ec, rsa

import algorithms
import devices
import identity
import room_messages
import room_statements
import rooms
import sealroom
import vectors
import wire
from header import ENVELOPES, decode_header, read_stanza
from sealroom import Passphrase, PrivateKey
from vectors import Draw, Vector, kind, raw, read_key, read_sender
from wire import Limits, Malformed

# §3, §6


DECODERS = dict.fromkeys(ENVELOPES, decode_header) | {
    wire.PUBLIC_IDENTITY: identity.decode_identity, wire.TRANSITION: identity.decode_transition,
    wire.DETACHED_SIGNATURE: sealroom.decode_detached, wire.ROOM_MESSAGE: room_messages.check_form,
    wire.LEAVE_STATEMENT: room_statements.decode_leave, wire.HEAD_STATEMENT: room_statements.decode_head,
    wire.LINK_REQUEST: devices.decode_request, wire.DEVICE_CERTIFICATE: devices.decode_certificate,
    wire.REQUEST_PROOF: devices.decode_proof,
}


@kind("object", "type")
def read_object(vector):
    found = wire.Reader(raw(vector, "object")).prefix(DECODERS)
    DECODERS[found](raw(vector, "object"))
    return {"type": found}


@kind("vector", "content", computed="bytes")
def read_vector(vector):
    reader = wire.Reader(raw(vector, "bytes"))
    content = reader.vector("vector")
    reader.end("vector")
    assert wire.vector(content) == raw(vector, "bytes"), "encoded again"
    return {"content": content}


@kind("room_id", "room_id", computed="creator creation_nonce")
def read_room_id(vector):
    return {"room_id": rooms.room_id(raw(vector, "creator"), raw(vector, "creation_nonce"), vector["history"])}


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


# §8


KEY_TYPES = {"p256": ec.EllipticCurvePublicKey, "rsa": rsa.RSAPublicKey}


@kind("bare_key", "recipient_id key_id", computed="spki")
def read_bare_key(vector):
    spki = raw(vector, "spki")
    public = algorithms.public_from_spki(spki)
    if not isinstance(public, KEY_TYPES[vector["algorithm"]]):
        raise Malformed("SPKI: of another algorithm")
    recipient_id = sealroom.bare_id(public)
    names = {"recipient_id": recipient_id}
    return names | ({"key_id": sealroom.rsa_key_id(recipient_id, spki)} if vector["algorithm"] == "rsa" else {})


def seal_wrap(vector: Vector, draw: Draw | None = None) -> dict:
    """The stanza alone; beside one reader of a P-256 group there are decoys."""
    key, stanza = read_key(vector["key"]), read_stanza(wire.Reader(raw(vector, "stanza")), Limits())
    if isinstance(key, Passphrase):
        key = Passphrase(key.passphrase, stanza.kdf)
    readers = [key.recipient() if isinstance(key, PrivateKey) else key]
    decoys = max(len(stanza.entries) - 1, 0)
    made = sealroom.wrap(raw(vector, "dek"), readers, vector["content_type"], raw(vector, "salt"), decoys, draw, True)
    return {"stanza": made[0].encode()}


@kind("wrap", "dek info enc public_key dh shared_secret hpke_key hpke_nonce entry spki key_id message wrapping_key kdf_salt"
      " rounds", consumed="stanza salt key envelope", seal=seal_wrap)
def read_wrap(vector):
    """Of all DEKs that the key obtains the envelope's commitment decides."""
    reader, key = wire.Reader(raw(vector, "stanza")), read_key(vector["key"])
    stanza = read_stanza(reader, Limits())
    reader.end("stanza")
    envelope = raw(vector, "envelope")
    header = decode_header(envelope)
    if header.stanzas != [stanza] or (header.content_type, header.salt) != (vector["content_type"], raw(vector, "salt")):
        raise Malformed("an envelope of another stanza, type or salt")
    opened = sealroom.open_parts(envelope, header, sealroom.unwrap(header, key), None, None)
    if opened.content:
        raise Malformed("an envelope with content")
    dek = opened.dek
    info = header.info(stanza.type, key.id if isinstance(key, PrivateKey) else sealroom.ANYONE)
    return {"info": info, "dek": dek} | WRAPS[stanza.type](vector, stanza, key, info, dek)


def p256_fields(vector, stanza, key, info, dek):
    public = key.key.public_key()
    dh = algorithms.agree(key.key, algorithms.point_key(stanza.enc, "enc"))
    if "ephemeral" in vector:
        ephemeral = algorithms.p256_private(raw(vector, "ephemeral"))
        assert algorithms.point_of(ephemeral.public_key()) == stanza.enc and algorithms.agree(ephemeral, public) == dh
    secret = algorithms.kem_secret(dh, stanza.enc, algorithms.point_of(public))
    hpke_key, nonce = algorithms.hpke_schedule(secret, info)
    entry = algorithms.gcm_seal(hpke_key, nonce, dek)
    names = {"enc": stanza.enc, "public_key": algorithms.point_of(public), "dh": dh, "shared_secret": secret}
    return names | {"hpke_key": hpke_key, "hpke_nonce": nonce, "entry": entry}


def rsa_fields(_, stanza, key, info, dek):
    message = algorithms.oaep_open(key.key, stanza.wrapped)
    return {"spki": algorithms.spki_of(key.key.public_key()), "key_id": stanza.key_id, "message": message}


def symmetric_fields(_, stanza, key, info, dek):
    wrapping_key = wire.derive(key.key, "symmetric wrap", info, 32)
    return {"key_id": wire.derive(key.key, "key id", b"", 16), "wrapping_key": wrapping_key}


def passphrase_fields(_, stanza, key, info, dek):
    rounds = stanza.kdf.keys(key.passphrase)
    wrapping_key = wire.derive(rounds[-1], "passphrase wrap", info, 32)
    return {"kdf_salt": stanza.kdf.salt, "rounds": rounds, "wrapping_key": wrapping_key}


WRAPS = {sealroom.P256_GROUP: p256_fields, sealroom.RSA: rsa_fields, sealroom.SYMMETRIC: symmetric_fields}
WRAPS[sealroom.PASSPHRASE] = passphrase_fields


# §9


@kind("chunks", "chunk_hashes sha256", computed="key base_nonce")
def read_chunks(vector):
    plaintext = bytes((7 * n + n // 251) % 256 for n in range(vector["length"]))
    chunks = sealroom.seal_chunks(plaintext, raw(vector, "key"), raw(vector, "base_nonce"))
    return {"chunk_hashes": list(map(wire.sha256, chunks)), "sha256": wire.sha256(b"".join(chunks))}


@kind("chunk_nonce", "nonce", computed="base_nonce")
def read_chunk_nonce(vector):
    return {"nonce": sealroom.nonce(raw(vector, "base_nonce"), vector["number"])}


@kind("layout", "plaintext_length chunks last_chunk payload_length")
def read_layout(vector):
    length = vector["content_length"]
    plaintext = sealroom.padme(8 + length) if vector["padding"] == "padme" else length
    payload = sealroom.payload_length(plaintext)
    names = {"plaintext_length": plaintext, "payload_length": payload}
    return names | {"chunks": payload // sealroom.SEALED_CHUNK + 1, "last_chunk": payload % sealroom.SEALED_CHUNK}


@kind("padme", "padded")
def read_padme(vector):
    return {"padded": list(map(sealroom.padme, vector["lengths"]))}


def hash_of_range(vector: Vector, call) -> dict:
    """The last one included."""
    numbers = range(vector["from"], vector["to"] + 1)
    return {"sha256": wire.sha256(b"".join(wire.integer(call(number), 8) for number in numbers))}


@kind("padme_range", "sha256")
def read_padme_range(vector):
    return hash_of_range(vector, sealroom.padme)


@kind("payload_range", "sha256")
def read_payload_range(vector):
    return hash_of_range(vector, sealroom.payload_length)


@kind("read_at", "reads content_length", parts="reads")
def read_reads(vector):
    found: list[dict] = []  # what was read until one is refused
    try:
        return {"reads": found, "content_length": read_each(vector, found)}
    except wire.SealroomError as error:
        return vectors.refusal(error) | {"reads": found + [{} for _ in vector["reads"][len(found) :]]}


def read_each(vector: Vector, found: list[dict]) -> int:
    envelope, dek = raw(vector, "envelope"), raw(vector, "key")[:32]
    header, whole = decode_header(envelope), 0
    commitment = envelope[header.length : header.length + 32]
    for read in vector["reads"]:
        part, whole = sealroom.read_at(
            lambda start, end: envelope[start:end], len(envelope), header, commitment, dek, read["offset"],
            read["length"],
        )
        found.append({"sha256": wire.sha256(part)})
    return whole


# §17


@kind("text", "bytes", computed="text")
def read_text(vector):
    if vector["form"] == "identity":
        return {"bytes": identity.identity_from_text(vector["text"]).encode()}
    return {"bytes": wire.from_text("slrm-fp:", vector["text"], 32)}
