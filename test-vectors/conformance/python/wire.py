"""Errors, limits, the wire format, Derive and SignInput of the sealroom protocol, version 1. SPEC.md §3, §4, §13, §17.

An independent implementation, written from SPEC.md. Dedicated to the public domain under CC0 1.0, like SPEC.md.
Clear rather than fast, and not for keys in use: Python does not run in constant time and cannot erase memory.
"""

import base64
import hashlib
import hmac
import string
from dataclasses import dataclass


class SealroomError(Exception):
    kind = ""


class Malformed(SealroomError):
    kind = "malformed"


class Unsupported(SealroomError):
    kind = "unsupported"


class Limit(SealroomError):
    kind = "limit"


class Decrypt(SealroomError):
    """The one failure once a key is in use. ENV-11, ERR-01"""

    kind = "decrypt"


class BadSignature(SealroomError):
    kind = "signature"


class Refused(SealroomError):
    """What was opened and a rule refuses; `check` is the rule's tag."""

    def __init__(self, check, text=""):
        super().__init__(f"{check} {text}".strip())
        self.check = check


class Room(Refused):
    """A rule of §18, or of a room from a keyring. KRG-08"""

    kind = "room"


class Link(Refused):
    """A rule of §22."""

    kind = "link"


class Proof(Refused):
    """A rule of §23."""

    kind = "proof"


class Unknown(SealroomError):
    """An identity or an epoch that the reader does not have yet."""

    kind = "unknown"


@dataclass(frozen=True)
class Limits:
    """§13; the ones that an application may set."""

    header_bytes: int = 1048576  # LIM-02
    entries: int = 16384  # LIM-03
    argon2_memory_kib: int = 262144  # LIM-04
    argon2_work: int = 4194304  # LIM-05
    pbkdf2_work: int = 10000000  # LIM-06


MAX_CHUNKS = 1 << 38  # LIM-01
MAX_CONTEXT = 255  # LIM-07
MAX_LANES = 16  # LIM-08
MAX_KEY_FILE = 16384  # LIM-09
MAX_MEMBERS = 16384  # LIM-11
MAX_MESSAGE = 16777216  # LIM-12
MAX_GENERATIONS = 256  # LIM-13

MAGIC = b"SLRM"
SUITE = 1
MESSAGE, ROOM_EPOCH, KEYRING, DEVICE_LINK, HISTORY_GRANT = 0x01, 0x02, 0x03, 0x04, 0x05
ATTACHMENT, ROOM_STATE, KEYRING_STATE = 0x06, 0x07, 0x08
PUBLIC_IDENTITY, TRANSITION, DETACHED_SIGNATURE = 0x20, 0x21, 0x22
ROOM_MESSAGE, LEAVE_STATEMENT, HEAD_STATEMENT = 0x23, 0x24, 0x25
LINK_REQUEST, DEVICE_CERTIFICATE, REQUEST_PROOF = 0x26, 0x27, 0x28
NONE, ECDSA_P256, RSA_PSS_2048, RSA_PSS_3072, RSA_PSS_4096 = range(5)
SIGNATURE_BYTES = {NONE: 0, ECDSA_P256: 64, RSA_PSS_2048: 256, RSA_PSS_3072: 384, RSA_PSS_4096: 512}

PREFIX = b"sealroom/1 "  # LAB-01
LABELS = frozenset(  # LAB-02
    "envelope,signature,envelope signature,wrap,bare key,rsa key id,key id,symmetric wrap,passphrase wrap,attachment,"
    "detached signature,generation,p256 encryption,p256 signing,rsa encryption,rsa signing,rotation,keyring,ml-kem,"
    "rotation key,fingerprint,identity signature,transition,transition rotation,room id,room epoch,room transcript,messages,"
    "epoch wrap,leave,head,room code,message,room message,message salt,device certificate,request proof".split(",")
)


def sha256(data):
    return hashlib.sha256(data).digest()


def integer(number, length):
    return number.to_bytes(length, "big")


def vector(data):
    """opaque data<V>. WIRE-02"""
    length = len(data)
    if length < 1 << 6:
        return integer(length, 1) + data
    if length < 1 << 14:
        return integer(length | 1 << 14, 2) + data
    if length < 1 << 30:
        return integer(length | 2 << 30, 4) + data
    raise Limit("a vector of 2^30 bytes or more")


class Reader:
    """Reads one object from its first byte to its last, within an optional limit on its bytes."""

    def __init__(self, data, limit=None):
        self.data, self.at, self.limit = data, 0, limit

    def take(self, length, field):
        if self.limit is not None and self.at + length > self.limit:  # WIRE-05, before the bytes are looked for
            raise Limit(f"{field}: beyond the limit")
        if self.at + length > len(self.data):
            raise Malformed(f"{field}: ends early")
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self, length, field):
        return int.from_bytes(self.take(length, field), "big")

    def vector(self, field):
        first = self.number(1, field)
        if first >> 6 == 3:
            raise Malformed(f"{field}: a length that begins with the bits 11")
        more = (0, 1, 3)[first >> 6]
        length = (first & 63) << 8 * more | self.number(more, field)
        if more and length < 1 << (6 if more == 1 else 14):  # WIRE-03
            raise Malformed(f"{field}: a length that is not in its shortest form")
        return self.take(length, field)

    def left(self):
        return len(self.data) - self.at

    def end(self, field):
        if self.left():  # WIRE-04
            raise Malformed(f"{field}: bytes are left over")

    def prefix(self, expected):
        """The seven bytes of every object. OBJ-01, SUITE-01, OBJ-02, OBJ-03"""
        if self.take(4, "magic") != MAGIC:
            raise Malformed("magic")
        if self.number(2, "suite") != SUITE:
            raise Unsupported("suite")
        kind = self.number(1, "type")
        if kind not in expected:
            raise Unsupported("type")
        return kind


def prefix(kind):
    return MAGIC + integer(SUITE, 2) + integer(kind, 1)


def extract(salt, material):
    """HKDF-Extract, RFC 5869."""
    return hmac.new(salt, material, hashlib.sha256).digest()


def expand(key, info, length):
    """HKDF-Expand, RFC 5869."""
    out, block, count = b"", b"", 0
    while len(out) < length:
        count += 1
        block = hmac.new(key, block + info + integer(count, 1), hashlib.sha256).digest()
        out += block
    return out[:length]


def derive(key, label, context, length):
    assert len(key) == 32 and label in LABELS
    return expand(key, integer(length, 2) + vector(PREFIX + label.encode()) + vector(context), length)


def sign_input(label, content):
    assert label in LABELS
    return vector(PREFIX + label.encode()) + vector(content)


def to_text(name, data):
    """TXT-01"""
    return name + base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_text(name, text, length=None):
    """TXT-02"""
    if not text.startswith(name):
        raise Malformed("text: another prefix")
    body = text[len(name) :]
    if set(body) - set(string.ascii_letters + string.digits + "-_") or len(body) % 4 == 1:
        raise Malformed("text: not base64url")
    data = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    if to_text(name, data) != text:
        raise Malformed("text: unused bits that are not zero")
    if length is not None and len(data) != length:
        raise Malformed("text: length")
    return data
