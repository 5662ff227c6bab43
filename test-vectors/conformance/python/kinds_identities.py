"""Kinds of test vectors: words, keys and identities. SPEC.md §11, §12.

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import identity
import wire
from vectors import kind, raw

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
