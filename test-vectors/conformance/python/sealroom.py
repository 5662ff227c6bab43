"""Envelopes, attachments and detached signatures of the sealroom protocol, version 1. SPEC.md §7 to §10.

An independent implementation, written from SPEC.md. Dedicated to the public domain under CC0 1.0, like SPEC.md.
Clear rather than fast, and not for keys in use: Python does not run in constant time and cannot erase memory.
Whole envelopes in memory only; the tags in comments are SPEC.md's.
"""

import hmac
import os
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import rsa

import algorithms
import wire
from algorithms import gcm_open, gcm_seal
from header import ARGON2ID, P256_GROUP, PAD_LENGTH, PAD_NONE, PASSPHRASE, PBKDF2, RSA, SYMMETRIC  # noqa: F401
from header import Header, Kdf, Stanza, decode_header, read_kdf, wrap_info  # noqa: F401
from wire import ATTACHMENT, MESSAGE, NONE, SIGNATURE_BYTES, BadSignature, Decrypt, Limit, Limits, Malformed
from wire import Unsupported, derive, integer, sha256, sign_input, vector

CHUNK, SEALED_CHUNK = 16384, 16400
ANYONE = bytes(32)  # the recipient id of symmetric keys and passphrases
ZERO_NONCE = bytes(12)


# Keys and recipients


def bare_id(public):
    return sha256(sign_input("bare key", algorithms.spki_of(public)))


@dataclass(frozen=True)
class Recipient:
    """A P-256 or RSA public key with the recipient id it is addressed under."""

    key: object
    id: bytes


@dataclass(frozen=True)
class PrivateKey:
    """A P-256 or RSA private key with the recipient id it reads under."""

    key: object
    id: bytes

    def recipient(self):
        return Recipient(self.key.public_key(), self.id)


@dataclass(frozen=True)
class SymmetricKey:
    """A KEK, to seal and to open."""

    key: bytes


@dataclass(frozen=True)
class Passphrase:
    """A passphrase, to open, and with `kdf` to seal."""

    passphrase: bytes
    kdf: Kdf = None


# Wrapping and unwrapping


def rsa_key_id(recipient_id, spki):
    return sha256(sign_input("rsa key id", recipient_id + spki))[:8]


def wrap(dek, recipients, content_type, salt, decoys, draw, deterministic):
    """The stanzas, in their order. STZ-03 merges what is given twice."""
    points, keys, stanzas = {}, {}, []
    for recipient in recipients:
        if isinstance(recipient, Recipient) and isinstance(recipient.key, rsa.RSAPublicKey):
            spki = algorithms.spki_of(recipient.key)
            identifier = (RSA, rsa_key_id(recipient.id, spki))
            if identifier in keys and algorithms.spki_of(keys[identifier].key) != spki:  # STZ-12
                raise ValueError("two keys with one key id")
            keys[identifier] = recipient
        elif isinstance(recipient, Recipient):
            points[algorithms.point_of(recipient.key), recipient.id] = recipient
        elif isinstance(recipient, SymmetricKey):
            keys[SYMMETRIC, derive(recipient.key, "key id", b"", 16)] = recipient
        elif (PASSPHRASE, b"") in keys:
            if keys[PASSPHRASE, b""] != recipient:  # ENV-05
                raise ValueError("two passphrases")
        else:
            read_kdf(wire.Reader(recipient.kdf.encode())).allow(Limits())  # LIM-10
            keys[PASSPHRASE, b""] = recipient
    if points:
        ephemeral = algorithms.derive_key_pair(draw(32))
        enc = algorithms.point_of(ephemeral.public_key())
        entries = [draw(48) for _ in range(decoys)]  # STZ-05
        for (point, _), recipient in points.items():  # STZ-04
            info = wrap_info(content_type, P256_GROUP, salt, recipient.id)
            key, nonce = algorithms.hpke_key(ephemeral, recipient.key, enc, point, info)
            entries.append(gcm_seal(key, nonce, dek))
        stanzas.append(Stanza(P256_GROUP, enc=enc, entries=tuple(sorted(entries))))
    for (kind, key_id), recipient in sorted(keys.items(), key=lambda item: item[0]):
        if kind == RSA:
            message = dek + sha256(wrap_info(content_type, RSA, salt, recipient.id))
            wrapped = algorithms.oaep_seal(recipient.key, message, draw if deterministic else None)
            stanzas.append(Stanza(RSA, key_id=key_id, wrapped=wrapped))
        elif kind == SYMMETRIC:
            key = derive(recipient.key, "symmetric wrap", wrap_info(content_type, SYMMETRIC, salt, ANYONE), 32)
            stanzas.append(Stanza(SYMMETRIC, key_id=key_id, wrapped=gcm_seal(key, ZERO_NONCE, dek)))  # STZ-13
        else:
            kek = recipient.kdf.kek(recipient.passphrase)
            key = derive(kek, "passphrase wrap", wrap_info(content_type, PASSPHRASE, salt, ANYONE), 32)
            stanzas.append(Stanza(PASSPHRASE, kdf=recipient.kdf, wrapped=gcm_seal(key, ZERO_NONCE, dek)))
    return stanzas


def unwrap(header, key, limits=Limits()):
    """Every DEK that a key obtains."""
    if isinstance(key, PrivateKey) and isinstance(key.key, rsa.RSAPrivateKey):
        spki = algorithms.spki_of(key.key.public_key())
        key_id = rsa_key_id(key.id, spki)
        for stanza in header.stanzas:
            if stanza.type == RSA and stanza.key_id == key_id and len(stanza.wrapped) == key.key.key_size // 8:
                try:
                    message = algorithms.oaep_open(key.key, stanza.wrapped)
                except Decrypt:
                    continue
                expected = sha256(header.info(RSA, key.id))
                if len(message) == 64 and hmac.compare_digest(message[32:], expected):  # STZ-11
                    yield message[:32]
    elif isinstance(key, PrivateKey):
        for stanza in header.stanzas:
            if stanza.type == P256_GROUP:
                point = algorithms.point_of(key.key.public_key())
                enc = algorithms.point_key(stanza.enc, "enc")
                secret = algorithms.hpke_key(key.key, enc, stanza.enc, point, header.info(P256_GROUP, key.id))
                for entry in stanza.entries:  # STZ-09
                    try:
                        yield gcm_open(*secret, entry)
                    except Decrypt:
                        pass
    else:
        for stanza in header.stanzas:
            if isinstance(key, SymmetricKey) and stanza.type == SYMMETRIC:
                if stanza.key_id != derive(key.key, "key id", b"", 16):
                    continue
                kek, label = key.key, "symmetric wrap"
            elif isinstance(key, Passphrase) and stanza.type == PASSPHRASE:
                kek, label = stanza.kdf.kek(key.passphrase, limits), "passphrase wrap"
            else:
                continue
            try:
                yield gcm_open(derive(kek, label, header.info(stanza.type, ANYONE), 32), ZERO_NONCE, stanza.wrapped)
            except Decrypt:
                pass


# The payload


def schedule(dek, header_hash):
    """Key, base nonce and commitment. §7.3"""
    keys = derive(dek, "envelope", header_hash, 76)
    return keys[:32], keys[32:44], keys[44:]


def nonce(base, number):
    """PAY-02"""
    if number >= wire.MAX_CHUNKS:  # LIM-01
        raise Limit("chunks")
    return integer(int.from_bytes(base, "big") ^ number, 12)


def padme(length):
    """PAD-02"""
    exponent = length.bit_length() - 1
    mask = (1 << exponent - exponent.bit_length()) - 1
    return length + mask & ~mask


def pad(content, size=None):
    """PAD-01; to Padmé's size unless another is given."""
    plaintext = integer(len(content), 8) + content
    return plaintext + bytes((padme(len(plaintext)) if size is None else size) - len(plaintext))


def unpad(plaintext):
    length = int.from_bytes(plaintext[:8], "big")
    if len(plaintext) < 8 or length > len(plaintext) - 8 or any(plaintext[8 + length :]):  # PAD-01
        raise Decrypt("decryption failed")
    return plaintext[8 : 8 + length]


def seal_chunks(plaintext, key, base):
    parts = [plaintext[i : i + CHUNK] for i in range(0, len(plaintext) + 1, CHUNK)]
    return [gcm_seal(key, nonce(base, number), part) for number, part in enumerate(parts)]


def payload_length(length):
    """Of so many bytes of plaintext. §9.1"""
    return length + 16 * (length // CHUNK + 1)


def split(payload):
    """The sealed chunks. PAY-01, PAY-03"""
    count = len(payload) // SEALED_CHUNK + 1
    if count > wire.MAX_CHUNKS:
        raise Limit("chunks")
    if len(payload) % SEALED_CHUNK < 16:
        raise Decrypt("decryption failed")
    return [payload[i * SEALED_CHUNK : (i + 1) * SEALED_CHUNK] for i in range(count)]


def chunks_hash(chunks):
    return sha256(b"".join(sha256(chunk) for chunk in chunks))


def signed_bytes(signer, algorithm, header_hash, commitment, chunks):
    content = signer + integer(algorithm, 1) + header_hash + commitment + chunks_hash(chunks)
    return sign_input("envelope signature", content)


def attachment_digest(header_hash, commitment, chunks):
    return sha256(sign_input("attachment", header_hash + commitment + chunks_hash(chunks)))


@dataclass(frozen=True)
class Sender:
    """A signing key and the public identity that it belongs to."""

    key: object
    identity: object


@dataclass(frozen=True)
class Sealed:
    envelope: bytes
    dek: bytes
    header_hash: bytes
    commitment: bytes
    digest: bytes


def seal_parts(content, recipients, content_type, sender, padding, public_data, decoys, random):
    """`random` gives bytes in the order of ENV-09, for test vectors; without it they are drawn from the system."""
    draw = random or os.urandom
    salt, dek = draw(24), draw(32)
    stanzas = wrap(dek, recipients, content_type, salt, decoys, draw, random is not None)
    algorithm = NONE if sender is None else sender.identity.algorithm
    header = Header(content_type, algorithm, PAD_LENGTH if padding else PAD_NONE, salt, stanzas, public_data).encode()
    decode_header(header)  # LIM-10, and that nothing is written which a reader would refuse
    header_hash = sha256(header)
    key, base, commitment = schedule(dek, header_hash)
    chunks = seal_chunks(pad(content) if padding else content, key, base)
    envelope = header + commitment + b"".join(chunks)
    if sender is not None:
        signer = sender.identity.fingerprint
        message = signed_bytes(signer, algorithm, header_hash, commitment, chunks)
        block = derive(dek, "signature", header_hash, 44)
        envelope += gcm_seal(block[:32], block[32:], signer + algorithms.sign(sender.key, message, random))
    return Sealed(envelope, dek, header_hash, commitment, attachment_digest(header_hash, commitment, chunks))


def seal(content, recipients, sender=None, padding=False, public_data=b"", decoys=0, random=None):
    return seal_parts(content, recipients, MESSAGE, sender, padding, public_data, decoys, random).envelope


def seal_attachment(content, padding=False, public_data=b"", random=None):
    """The envelope and the AttachmentKey, 64 bytes. §10.4"""
    sealed = seal_parts(content, [], ATTACHMENT, None, padding, public_data, 0, random)
    return sealed.envelope, sealed.dek + sealed.digest


@dataclass(frozen=True)
class Opened:
    content: bytes
    header: Header
    dek: bytes
    commitment: bytes
    signer: bytes  # the fingerprint in the signature block, or None
    verified: bool  # whether the signature was verified as the expected sender's. ENV-13
    signature: bytes = b""
    signed: bytes = b""


def open_parts(envelope, header, deks, sender, digest):
    reader = wire.Reader(envelope)
    reader.take(header.length, "header")
    commitment = reader.take(32, "commitment")
    block_bytes = SIGNATURE_BYTES[header.signature] and SIGNATURE_BYTES[header.signature] + 48
    payload = envelope[reader.at : max(reader.at, len(envelope) - block_bytes)]
    for dek in deks:
        key, base, expected = schedule(dek, header.hash)
        if hmac.compare_digest(commitment, expected):  # ENV-07
            break
    else:  # ENV-08
        raise Decrypt("decryption failed")
    chunks = split(payload)
    plaintext = b"".join(gcm_open(key, nonce(base, number), chunk) for number, chunk in enumerate(chunks))
    content, signer = unpad(plaintext) if header.padding else plaintext, None
    signature = message = b""
    if header.signature:
        block = derive(dek, "signature", header.hash, 44)
        block = gcm_open(block[:32], block[32:], envelope[len(envelope) - block_bytes :])  # SIG-01, SIG-02
        signer, signature = block[:32], block[32:]
        message = signed_bytes(signer, header.signature, header.hash, commitment, chunks)
    if digest is not None and not hmac.compare_digest(digest, attachment_digest(header.hash, commitment, chunks)):
        raise Decrypt("decryption failed")  # ATT-01
    if sender is not None:  # SIG-03
        if sender.algorithm != header.signature or not hmac.compare_digest(signer, sender.fingerprint):
            raise Decrypt("decryption failed")
        try:
            algorithms.verify(sender.signing_key, signature, message)
        except BadSignature:
            raise Decrypt("decryption failed") from None  # ENV-11
    return Opened(content, header, dek, commitment, signer, sender is not None, signature, message)


def verify_signer(opened, identity):
    """Verifies a signed envelope that was opened without its sender. SIG-03"""
    if identity.algorithm != opened.header.signature or not hmac.compare_digest(opened.signer, identity.fingerprint):
        raise BadSignature("signature")
    algorithms.verify(identity.signing_key, opened.signature, opened.signed)


def open(envelope, keys, sender=None, limits=Limits()):
    """Opens a message; with the public identity of the expected sender, verifies that it is the signer."""
    header = decode_header(envelope, limits)
    if header.content_type != MESSAGE:
        raise Unsupported("type: not a message")  # OBJ-03
    return open_parts(envelope, header, (dek for key in keys for dek in unwrap(header, key, limits)), sender, None)


def open_attachment(envelope, attachment_key, limits=Limits()):
    header = decode_header(envelope, limits)
    if header.content_type != ATTACHMENT:
        raise Unsupported("type: not an attachment")  # OBJ-03
    if len(attachment_key) != 64:
        raise Malformed("attachment key: length")
    return open_parts(envelope, header, [attachment_key[:32]], None, attachment_key[32:])


def seal_own(content, content_type, key, random=None):
    """What a person seals to their own devices: not signed, padded, under one symmetric key."""
    return seal_parts(content, [SymmetricKey(key)], content_type, None, True, b"", 0, random).envelope


def open_own(envelope, content_type, keys):
    """The content of such an envelope, with one of these symmetric keys. ROOM-26, KRG-01, LNK-09"""
    header = decode_header(envelope)
    if header.content_type != content_type:
        raise Unsupported("type: another one")
    if header.padding != PAD_LENGTH or [stanza.type for stanza in header.stanzas] != [SYMMETRIC]:
        raise Malformed("padding or stanzas")
    if header.signature or header.public_data:
        raise Malformed("a signature or public data")
    deks = (dek for key in keys for dek in unwrap(header, SymmetricKey(key)))
    return open_parts(envelope, header, deks, None, None).content


def read_at(fetch, envelope_length, header, commitment, dek, offset, size):
    """Unverified content at an offset, and its length; `fetch(start, end)` gives bytes. OFF-01, OFF-02"""
    key, base, expected = schedule(dek, header.hash)
    if not hmac.compare_digest(commitment, expected):
        raise Decrypt("decryption failed")
    start = header.length + 32
    end = envelope_length - (SIGNATURE_BYTES[header.signature] and SIGNATURE_BYTES[header.signature] + 48)
    if end < start or (end - start) % SEALED_CHUNK < 16:
        raise Decrypt("decryption failed")
    last = (end - start) // SEALED_CHUNK

    opened = {}

    def chunk(number):
        at = start + number * SEALED_CHUNK
        if number not in opened:
            opened[number] = gcm_open(key, nonce(base, number), fetch(at, min(at + SEALED_CHUNK, end)))
        return opened[number]

    length, before = last * CHUNK + len(chunk(last)), 0
    if header.padding:
        content_length, before = int.from_bytes(chunk(0)[:8], "big"), 8
        if content_length > length - 8:
            raise Decrypt("decryption failed")
        length = content_length + 8
    offset += before
    to = min(offset + size, length)
    first = offset // CHUNK
    data = b"".join(chunk(number) for number in range(first, (to - 1) // CHUNK + 1)) if offset < to else b""
    if any(any(part[max(length - number * CHUNK, 0) :]) for number, part in opened.items()):  # PAD-01
        raise Decrypt("decryption failed")
    return data[offset - first * CHUNK : max(to - first * CHUNK, 0)], length - before


# Detached signatures


def detached_message(signer, algorithm, context, content):
    if len(context) > wire.MAX_CONTEXT:  # LIM-07
        raise Limit("context")
    return sign_input("detached signature", signer + integer(algorithm, 1) + vector(context) + sha256(content))


def sign_detached(content, context, sender, random=None):
    signer, algorithm = sender.identity.fingerprint, sender.identity.algorithm
    signature = algorithms.sign(sender.key, detached_message(signer, algorithm, context, content), random)
    return wire.prefix(wire.DETACHED_SIGNATURE) + integer(algorithm, 1) + signer + signature


def decode_detached(data):
    """The algorithm, the signer and the signature."""
    reader = wire.Reader(data)
    reader.prefix({wire.DETACHED_SIGNATURE})
    algorithm = reader.number(1, "algorithm")
    if algorithm not in SIGNATURE_BYTES:
        raise Unsupported("algorithm")
    if algorithm == NONE:
        raise Malformed("algorithm")
    signer, signature = reader.take(32, "signer"), reader.take(SIGNATURE_BYTES[algorithm], "signature")
    reader.end("detached signature")
    return algorithm, signer, signature


def verify_detached(data, content, context, identity):
    """SIG-04"""
    algorithm, signer, signature = decode_detached(data)
    if not hmac.compare_digest(signer, identity.fingerprint) or algorithm != identity.algorithm:
        raise BadSignature("signature")
    algorithms.verify(identity.signing_key, signature, detached_message(signer, algorithm, context, content))
