"""The header of an envelope: stanzas, costs of a passphrase, and every check of their form. SPEC.md §7.1, §8, §13.

An independent implementation, written from SPEC.md. Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import hashlib
from dataclasses import dataclass, field

from argon2.low_level import Type, hash_secret_raw

import algorithms
import wire
from wire import ATTACHMENT, NONE, SIGNATURE_BYTES, Limit, Limits, Malformed, Unsupported, integer, sha256
from wire import sign_input, vector

P256_GROUP, RSA, SYMMETRIC, PASSPHRASE = 1, 2, 3, 4
ARGON2ID, PBKDF2 = 1, 2
PAD_NONE, PAD_LENGTH = 0, 1
ENVELOPES = {wire.MESSAGE, wire.ROOM_EPOCH, wire.KEYRING, wire.DEVICE_LINK, wire.HISTORY_GRANT, ATTACHMENT}  # OBJ-02
ENVELOPES |= {wire.ROOM_STATE, wire.KEYRING_STATE}


@dataclass(frozen=True)
class Kdf:
    """§8.5; `memory_kib`, `passes` and `lanes` of Argon2id, or `iterations` of PBKDF2."""

    type: int
    salt: bytes
    rounds: int
    memory_kib: int = 0
    passes: int = 0
    lanes: int = 0
    iterations: int = 0

    def encode(self):
        data = integer(self.type, 1) + self.salt + integer(self.rounds, 4)
        if self.type == PBKDF2:
            return data + integer(self.iterations, 4)
        return data + integer(self.memory_kib, 4) + integer(self.passes, 4) + integer(self.lanes, 1)

    def allow(self, limits):
        """The work, by who is about to do it. STZ-15"""
        if self.memory_kib > limits.argon2_memory_kib:  # LIM-04
            raise Limit("memory_kib")
        if self.memory_kib * self.passes * self.rounds > limits.argon2_work:  # LIM-05
            raise Limit("argon2id work")
        if self.iterations * self.rounds > limits.pbkdf2_work:  # LIM-06
            raise Limit("pbkdf2 work")

    def kek(self, passphrase, limits=Limits()):
        return self.keys(passphrase, limits)[-1]

    def keys(self, passphrase, limits=Limits()):
        """That of each round."""
        self.allow(limits)
        key, found = passphrase, []
        for _ in range(self.rounds):
            if self.type == PBKDF2:
                key = hashlib.pbkdf2_hmac("sha256", key, self.salt, self.iterations, 32)
            else:
                key = hash_secret_raw(
                    key, self.salt, self.passes, self.memory_kib, self.lanes, 32, Type.ID, version=0x13
                )
            found.append(key)
        return found


def read_kdf(reader):
    kind = reader.number(1, "kdf type")
    if kind not in (ARGON2ID, PBKDF2):
        raise Unsupported("kdf type")
    salt, rounds = reader.take(16, "kdf salt"), reader.number(4, "rounds")
    if kind == ARGON2ID:
        costs = {"memory_kib": reader.number(4, "memory_kib"), "passes": reader.number(4, "passes")}
        costs["lanes"] = reader.number(1, "lanes")
    else:
        costs = {"iterations": reader.number(4, "iterations")}
    kdf = Kdf(kind, salt, rounds, **costs)
    if rounds == 0 or 0 in costs.values():  # STZ-14
        raise Malformed("a cost of zero")
    if kdf.lanes > wire.MAX_LANES:  # LIM-08
        raise Limit("lanes")
    if kdf.memory_kib < 8 * kdf.lanes:  # STZ-14
        raise Malformed("memory_kib: less than 8 for each lane")
    return kdf


@dataclass(frozen=True)
class Stanza:
    type: int
    key_id: bytes = b""
    wrapped: bytes = b""
    enc: bytes = b""
    entries: tuple = ()
    kdf: Kdf = None

    def encode(self):
        data = integer(self.type, 1)
        if self.type == P256_GROUP:
            return data + self.enc + vector(b"".join(self.entries))
        if self.type == RSA:
            return data + self.key_id + vector(self.wrapped)
        if self.type == SYMMETRIC:
            return data + self.key_id + self.wrapped
        return data + self.kdf.encode() + self.wrapped


@dataclass(frozen=True)
class Header:
    content_type: int
    signature: int
    padding: int
    salt: bytes
    stanzas: list
    public_data: bytes
    length: int = 0  # of the encoded header, where it was decoded
    hash: bytes = field(default=b"", compare=False)

    def encode(self):
        data = wire.prefix(self.content_type) + integer(self.signature, 1) + integer(self.padding, 1) + self.salt
        return data + vector(b"".join(stanza.encode() for stanza in self.stanzas)) + vector(self.public_data)

    def info(self, stanza_type, recipient_id):
        """STZ-02"""
        return wrap_info(self.content_type, stanza_type, self.salt, recipient_id)


def wrap_info(content_type, stanza_type, salt, recipient_id):
    content = integer(wire.SUITE, 2) + integer(content_type, 1) + integer(stanza_type, 1) + salt + recipient_id
    return sign_input("wrap", content)


def read_stanza(reader, limits):
    kind = reader.number(1, "stanza type")
    if kind == P256_GROUP:
        enc = reader.take(65, "enc")
        algorithms.point_key(enc, "enc")  # STZ-08
        entries = reader.vector("entries")
        if not entries or len(entries) % 48:  # STZ-07
            raise Malformed("entries: length")
        if len(entries) // 48 > limits.entries:  # LIM-03
            raise Limit("entries")
        entries = tuple(entries[i : i + 48] for i in range(0, len(entries), 48))
        if any(one >= two for one, two in zip(entries, entries[1:])):  # STZ-06
            raise Malformed("entries: not in strictly ascending order")
        return Stanza(kind, enc=enc, entries=entries)
    if kind == RSA:
        stanza = Stanza(kind, key_id=reader.take(8, "rsa key_id"), wrapped=reader.vector("rsa wrapped"))
        if len(stanza.wrapped) not in (256, 384, 512):  # STZ-10
            raise Malformed("rsa wrapped: length")
        return stanza
    if kind == SYMMETRIC:
        return Stanza(kind, key_id=reader.take(16, "symmetric key_id"), wrapped=reader.take(48, "symmetric wrapped"))
    if kind == PASSPHRASE:
        return Stanza(kind, kdf=read_kdf(reader), wrapped=reader.take(48, "passphrase wrapped"))
    raise Unsupported("stanza type")  # STZ-01


def decode_header(data, limits=Limits()):
    reader = wire.Reader(data, limits.header_bytes)
    content_type = reader.prefix(ENVELOPES)
    signature, padding = reader.number(1, "signature"), reader.number(1, "padding")
    if signature not in SIGNATURE_BYTES or padding not in (PAD_NONE, PAD_LENGTH):  # ENV-01
        raise Unsupported("signature or padding")
    salt = reader.take(24, "salt")
    inner, stanzas, entries = wire.Reader(reader.vector("stanzas")), [], 0
    while inner.left():
        stanza = read_stanza(inner, limits)
        entries += len(stanza.entries) or 1
        if entries > limits.entries:  # LIM-03
            raise Limit("entries")
        if stanzas:
            last = stanzas[-1]
            if stanza.type in (RSA, SYMMETRIC):
                ascends = (last.type, last.key_id) < (stanza.type, stanza.key_id)
            else:
                ascends = last.type < stanza.type  # ENV-04
            if not ascends:  # ENV-03
                raise Malformed("stanzas: not in ascending order")
            if PASSPHRASE in (last.type, stanza.type):  # ENV-05
                raise Malformed("stanzas: a passphrase beside another")
        stanzas.append(stanza)
    if (content_type != ATTACHMENT) != bool(stanzas):  # ENV-02
        raise Malformed("stanzas: some in an attachment, or none in another envelope")
    if content_type == ATTACHMENT and signature != NONE:  # ATT-02
        raise Malformed("signature: on an attachment")
    public_data = reader.vector("public_data")
    return Header(
        content_type, signature, padding, salt, stanzas, public_data, reader.at, sha256(data[: reader.at])
    )
