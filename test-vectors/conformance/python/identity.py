"""Words, generations, public identities, transitions and safety numbers. SPEC.md §11 and §12.

An independent implementation, written from SPEC.md. Dedicated to the public domain under CC0 1.0, like SPEC.md.
Clear rather than fast, and not for keys in use: Python does not run in constant time and cannot erase memory.
"""

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives import serialization
from mnemonic import Mnemonic

import algorithms
import det_keygen
import wire
from wire import BadSignature, Malformed, Unsupported, derive, integer, sha256, sign_input

P256, RSA_3072, RSA_4096, RSA_2048 = 1, 2, 3, 4
# ID-08: 2048 bits are taken and not made.
RSA_BITS = {RSA_3072: 3072, RSA_4096: 4096}
PROFILE_ALGORITHM = {P256: wire.ECDSA_P256, RSA_3072: wire.RSA_PSS_3072, RSA_4096: wire.RSA_PSS_4096}
PROFILE_ALGORITHM[RSA_2048] = wire.RSA_PSS_2048
KEY_BYTES = {P256: 65, RSA_3072: 384, RSA_4096: 512, RSA_2048: 256}


WHITE_SPACE = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")  # of Unicode


def normal(text):
    return unicodedata.normalize("NFKD", text)


def split_words(phrase):
    return [word for word in WHITE_SPACE.split(normal(phrase)) if word]


def entropy_from_words(phrase, language="english"):
    """ID-01"""
    words = split_words(phrase)
    numbers = {normal(word): number for number, word in enumerate(Mnemonic(language.replace("-", "_")).wordlist)}
    if len(words) not in (12, 15, 18, 21, 24):
        raise Malformed("words: another number of words")
    if any(word not in numbers for word in words):
        raise Malformed("words: an unknown word")
    bits = "".join(f"{numbers[word]:011b}" for word in words)
    size = len(bits) * 32 // 33
    entropy = int(bits[:size], 2).to_bytes(size // 8, "big")
    if f"{sha256(entropy)[0]:08b}"[: size // 32] != bits[size:]:
        raise Malformed("words: wrong checksum")
    return entropy


def seed_from_words(phrase, passphrase="", language="english"):
    """The BIP-39 seed. ID-02"""
    entropy_from_words(phrase, language)
    words, salt = " ".join(split_words(phrase)), "mnemonic" + normal(passphrase)
    return hashlib.pbkdf2_hmac("sha512", words.encode(), salt.encode(), 2048)


def root_from_seed(seed):
    return wire.extract(b"sealroom/1 identity", seed)


def det_p256(seed):
    if len(seed) < 16:
        raise Malformed("det-keygen: a seed shorter than 16 bytes")  # DET-01
    return algorithms.p256_private(det_keygen.p256(seed)[0])


def det_rsa(seed, bits):
    if len(seed) < 16:
        raise Malformed("det-keygen: a seed shorter than 16 bytes")  # DET-01
    return serialization.load_der_private_key(det_keygen.pkcs8(*det_keygen.rsa(seed, bits)), None)


def keys_of(secret, profile):
    """The encryption and the signing key of a generation. ID-04"""
    if profile == P256:
        encryption = algorithms.derive_key_pair(derive(secret, "p256 encryption", b"", 32))
        return encryption, det_p256(derive(secret, "p256 signing", b"", 32))
    seeds = [derive(secret, purpose, b"", 32) for purpose in ("rsa encryption", "rsa signing")]
    return tuple(det_rsa(seed, RSA_BITS[profile]) for seed in seeds)


def keyring_of(secret):
    return derive(secret, "keyring", b"", 32)


class Generation:
    """The private keys of one generation of one profile. ID-03, ID-04, ID-05"""

    def __init__(self, root, number, profile):
        if number + 1 >> 32:  # there is no next generation to name
            raise Malformed("generation: too great")
        self.number, self.profile = number, profile
        self.secret = derive(root, "generation", integer(number, 4), 32)
        self.encryption, self.signing = keys_of(self.secret, profile)
        # ID-07: the rotation keys come from the root.
        self.rotation = det_p256(derive(root, "rotation", integer(number, 4), 32))
        self.keyring = keyring_of(self.secret)
        self.next_rotation = det_p256(derive(root, "rotation", integer(number + 1, 4), 32))
        self.identity = make_identity(profile, number, self.encryption, self.signing, self.next_rotation.public_key())


@dataclass(frozen=True)
class PublicIdentity:
    body: bytes
    signature: bytes
    profile: int
    generation: int
    encryption_key: object
    signing_key: object
    next: bytes

    @cached_property
    def fingerprint(self):
        return sha256(sign_input("fingerprint", self.body))

    @property
    def algorithm(self):
        return PROFILE_ALGORITHM[self.profile]

    def encode(self):
        return self.body + self.signature

    def to_text(self):
        return wire.to_text("slrm-id:", self.encode())


def make_identity(profile, generation, encryption, signing, rotation_public):
    encode = algorithms.point_of if profile == P256 else algorithms.modulus_of
    body = wire.prefix(wire.PUBLIC_IDENTITY) + integer(profile, 1) + integer(generation, 4)
    body += encode(encryption.public_key()) + encode(signing.public_key())
    body += sha256(sign_input("rotation key", algorithms.point_of(rotation_public)))
    return decode_identity(body + algorithms.sign(signing, sign_input("identity signature", body)))


def read_identity(reader):
    """ID-06"""
    start = reader.at
    reader.prefix({wire.PUBLIC_IDENTITY})
    profile = reader.number(1, "profile")
    if profile not in PROFILE_ALGORITHM:
        raise Unsupported("profile")
    generation = reader.number(4, "generation")
    keys = [reader.take(KEY_BYTES[profile], field) for field in ("encryption_key", "signing_key")]
    decode = algorithms.point_key if profile == P256 else algorithms.modulus_key
    encryption, signing = decode(keys[0], "encryption_key"), decode(keys[1], "signing_key")
    if keys[0] == keys[1]:
        raise Malformed("signing_key: equals encryption_key")
    following = reader.take(32, "next")
    body = reader.data[start : reader.at]
    signature = reader.take(wire.SIGNATURE_BYTES[PROFILE_ALGORITHM[profile]], "signature")
    algorithms.verify(signing, signature, sign_input("identity signature", body))
    return PublicIdentity(body, signature, profile, generation, encryption, signing, following)


def decode_identity(data):
    reader = wire.Reader(data)
    identity = read_identity(reader)
    reader.end("identity")
    return identity


def identity_from_text(text):
    return decode_identity(wire.from_text("slrm-id:", text))


def make_transition(old, old_signing, new, rotation):
    """From the old identity to the new one; `rotation` is the rotation key of the new generation."""
    body = wire.prefix(wire.TRANSITION) + old.fingerprint + integer(old.algorithm, 1) + new.encode()
    body += algorithms.point_of(rotation.public_key())
    signature = algorithms.sign(old_signing, sign_input("transition", body))
    return body + signature + algorithms.sign(rotation, sign_input("transition rotation", body))


def decode_transition(data):
    """The old fingerprint, the algorithm, the new identity, the rotation key, the body and its two signatures."""
    reader = wire.Reader(data)
    transition = read_transition(reader)
    reader.end("transition")
    return transition


def read_transition(reader):
    start = reader.at
    reader.prefix({wire.TRANSITION})
    fingerprint = reader.take(32, "old_fingerprint")
    algorithm = reader.number(1, "algorithm")
    if algorithm not in wire.SIGNATURE_BYTES:
        raise Unsupported("algorithm")
    if algorithm == wire.NONE:
        raise Malformed("algorithm")
    new = read_identity(reader)
    point = reader.take(65, "rotation_key")
    algorithms.point_key(point, "rotation_key")
    body = reader.data[start : reader.at]
    signature = reader.take(wire.SIGNATURE_BYTES[algorithm], "signature")
    rotation_signature = reader.take(64, "rotation_signature")
    return fingerprint, algorithm, new, point, body, signature, rotation_signature


def accept_transition(old, data):
    """The new identity, if the transition leads to it from the old one, which the reader holds. TRN-01, TRN-02"""
    fingerprint, algorithm, new, point, body, signature, rotation_signature = decode_transition(data)
    if not hmac.compare_digest(fingerprint, old.fingerprint):
        raise BadSignature("old_fingerprint: another identity")
    if algorithm != old.algorithm:
        raise BadSignature("algorithm: not the old identity's")
    if new.generation != old.generation + 1:
        raise BadSignature("generation: not the next one")
    if sha256(sign_input("rotation key", point)) != old.next:
        raise BadSignature("rotation_key: not the one that was named")
    algorithms.verify(old.signing_key, signature, sign_input("transition", body))
    rotation = algorithms.point_key(point, "rotation_key")
    algorithms.verify(rotation, rotation_signature, sign_input("transition rotation", body))
    return new


def half(fingerprint):
    return "".join(f"{int.from_bytes(fingerprint[5 * i : 5 * i + 5], 'big') % 100000:05d}" for i in range(6))


def safety_number(one, other):
    """SAF-01"""
    digits = "".join(sorted((half(one), half(other))))
    return " ".join(digits[i : i + 5] for i in range(0, 60, 5))


def safety_text(one, other):
    """SAF-02"""
    return wire.to_text("slrm-sn:", b"".join(sorted((one, other))))
