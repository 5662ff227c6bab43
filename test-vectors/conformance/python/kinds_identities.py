"""Kinds of test vectors: words, keys and identities. SPEC.md §11, §12.

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import algorithms
import det_keygen
import identity
import wire
from vectors import kind, raw
from wire import Malformed, Unsupported

# Words, and keys from seeds


@kind("mnemonic", "entropy bip39_seed")
def read_mnemonic(vector):
    words, language = vector["words"], vector["language"]
    seed = identity.seed_from_words(words, vector["passphrase"], language)
    return {"entropy": identity.entropy_from_words(words, language), "bip39_seed": seed}


def key_fields(private) -> dict:
    return {"scalar": algorithms.scalar_of(private), "public_key": algorithms.point_of(private.public_key())}


@kind("p256_key", "scalar public_key pkcs8", computed="seed")
def read_p256_key(vector):
    private = identity.det_p256(raw(vector, "seed"))
    return key_fields(private) | {"pkcs8": algorithms.pkcs8_of(private)}


@kind("derive_key_pair", "scalar public_key", computed="ikm")
def read_derive_key_pair(vector):
    return key_fields(algorithms.derive_key_pair(raw(vector, "ikm")))


@kind("rsa_key", "p q modulus pkcs8 p_candidates q_candidates")
def read_rsa_key(vector):
    seed, bits = raw(vector, "seed"), vector["bits"]
    if bits not in algorithms.RSA_BITS.values():  # SUITE-05
        raise Unsupported("bits")
    if len(seed) < 16:  # DET-01
        raise Malformed("det-keygen: a seed shorter than 16 bytes")
    (p, q, d), counts = det_keygen.search(seed, bits)
    names = {"p": wire.integer(p, bits // 16), "q": wire.integer(q, bits // 16)}
    names |= {"modulus": wire.integer(p * q, bits // 8), "pkcs8": det_keygen.pkcs8(p, q, d)}
    return names | dict(zip(("p_candidates", "q_candidates"), counts))


# Identities

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
