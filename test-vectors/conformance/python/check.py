"""Runs the vectors of test-vectors/ against this implementation: python3 check.py DIR [--slow] [--mutate [N]]

    --slow      derives the RSA keys of 4096 bits as well
    --mutate    changes one bit in every 7th (every Nth) byte of each envelope of less than 3 KiB: all must be refused

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import argparse
import json
import pathlib
import sys

import algorithms
import identity
import own_checks
import sealroom
import wire

PROFILES = {"p256": identity.P256, "rsa3072": identity.RSA_3072, "rsa4096": identity.RSA_4096}
PROFILES |= {"rsa_3072": identity.RSA_3072, "rsa_4096": identity.RSA_4096}


class Skipped(Exception):
    pass


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


def same(what, one, other):
    if isinstance(one, bytes):
        one = one.hex()
    assert one == other, f"{what}: {str(one)[:80]} for {str(other)[:80]}"


def kind_of(call):
    """The class of the error that a call raises, or ok."""
    try:
        call()
    except wire.SealroomError as error:
        return error.kind
    return "ok"


def check_label(vector, _):
    if "key" in vector:
        data = bytes.fromhex(vector["key"]), vector["label"], bytes.fromhex(vector["context"]), vector["length"]
        same("output", wire.derive(*data), vector["output"])
    else:
        content = wire.sign_input(vector["label"], bytes.fromhex(vector["content"]))
        same("sha256", wire.sha256(content), vector["sha256"])


def check_identity(vector, options):
    if vector["kind"] == "safety_number":
        fingerprints = [bytes.fromhex(fingerprint) for fingerprint in vector["fingerprints"]]
        for one, other in (fingerprints, fingerprints[::-1]):
            same("digits", identity.safety_number(one, other), vector["digits"])
            same("qr", identity.safety_text(one, other), vector["qr"])
        same("halves", wire.from_text("slrm-sn:", vector["qr"], 64), b"".join(sorted(fingerprints)).hex())
        return None
    if vector["kind"] == "transition":
        old = identity.decode_identity(bytes.fromhex(vector["old"]))
        return refusal(vector, kind_of(lambda: identity.accept_transition(old, bytes.fromhex(vector["transition"]))))
    profile = PROFILES[vector["profile"]]
    seed = identity.seed_from_words(vector["words"], vector["passphrase"])
    same("bip39_seed", seed, vector["bip39_seed"])
    decoded = identity.identity_from_text(vector["text"])
    same("signature", decoded.signature, vector["signature"])
    same("body", decoded.body, vector["body"])
    same("fingerprint", decoded.fingerprint, vector["fingerprint"])
    same("fingerprint_text", wire.to_text("slrm-fp:", decoded.fingerprint), vector["fingerprint_text"])
    same("text", decoded.to_text(), vector["text"])
    if profile == identity.RSA_4096 and not options.slow:
        raise Skipped
    generation = identity.Generation(identity.root_from_seed(seed), vector["generation"], profile)
    same("body from words", generation.identity.body, vector["body"])
    same("keyring_key", generation.keyring, vector["keyring_key"])
    if profile == identity.P256:
        same("signature from words", generation.identity.signature, vector["signature"])
    return None


def refusal(vector, kind):
    """What to report of a vector that is to be refused."""
    if vector["result"] == "ok" or kind == "ok":
        assert kind == vector["result"], f"{kind} for {vector['result']}"
    return None if kind == vector["result"] else f"{kind} for {vector['result']}"


def read_key(key):
    if key["kind"] == "symmetric":
        return sealroom.SymmetricKey(bytes.fromhex(key["key"]))
    if key["kind"] == "passphrase":
        return sealroom.Passphrase(bytes.fromhex(key["passphrase"]))
    private = algorithms.private_from_pkcs8(bytes.fromhex(key["pkcs8"]))
    return sealroom.PrivateKey(private, bytes.fromhex(key["recipient_id"]))


def read_sender(vector):
    if not vector.get("sender"):
        return None
    key = algorithms.private_from_pkcs8(bytes.fromhex(vector["sender"]["pkcs8"]))
    return sealroom.Sender(key, identity.decode_identity(bytes.fromhex(vector["sender"]["identity"])))


def openers(vector):
    """A function for each key, which opens an envelope with it alone."""
    sender = read_sender(vector)
    signer = sender and sender.identity
    for key in vector["keys"]:
        if key["kind"] == "attachment":
            yield lambda envelope, key=bytes.fromhex(key["key"]): sealroom.open_attachment(envelope, key)
        else:
            yield lambda envelope, key=read_key(key): sealroom.open(envelope, [key], signer)


def check_envelope(vector, _):
    envelope, content = bytes.fromhex(vector["envelope"]), bytes.fromhex(vector["content"])
    sender, public_data = read_sender(vector), bytes.fromhex(vector["public_data"])
    for opener in openers(vector):
        opened = opener(envelope)
        same("content", opened.content, vector["content"])
        same("dek", opened.dek, vector["dek"])
        same("h", opened.header.hash, vector["h"])
        same("commitment", opened.commitment, vector["commitment"])
        same("public_data", opened.header.public_data, vector["public_data"])
        same("signer", opened.signer, sender and sender.identity.fingerprint.hex())
        assert opened.verified == bool(sender)
        for offset, length in ((0, 10), (5, 20000), (16380, 10), (len(content) - 3, 100), (len(content) + 9, 1)):
            offset = max(offset, 0)
            part = sealroom.read_at(
                lambda start, end: envelope[start:end], len(envelope), opened.header, opened.commitment, opened.dek,
                offset, length,
            )
            same("read at an offset", part, content[offset : offset + length].hex())
    same("header", opened.header.encode(), envelope[: opened.header.length].hex())
    tape, padding = Tape(bytes.fromhex(vector["random"])), vector["padding"] == "padme"
    if vector["keys"][0]["kind"] == "attachment":
        sealed, key = sealroom.seal_attachment(content, padding, public_data, tape)
        same("attachment key", key, vector["keys"][0]["key"])
    else:
        recipients = []
        for key in vector["keys"]:
            key = read_key(key)
            if isinstance(key, sealroom.Passphrase):
                key = sealroom.Passphrase(key.passphrase, opened.header.stanzas[0].kdf)
            recipients.append(key.recipient() if isinstance(key, sealroom.PrivateKey) else key)
        recipients += recipients[:1]  # STZ-03
        sealed = sealroom.seal(content, recipients, sender, padding, public_data, vector["decoys"], tape)
    same("sealed again", sealed, vector["envelope"])
    if not sender or sender.identity.profile == identity.P256:  # else what the blinding took follows
        tape.end()
    if {key["kind"] for key in vector["keys"]} == {"p256"} and sender and not padding and not public_data:
        same("size", size(len(content), len(vector["keys"])), len(envelope))
    return None


def size(length, readers):
    """ENV-06"""
    entries = 48 * readers
    prefix = len(wire.vector(bytes(entries))) - entries
    group = 66 + prefix + entries
    return 260 + len(wire.vector(bytes(group))) - group + prefix + entries + length + 16 * (length // 16384)


def check_reject(vector, _):
    kinds = [kind_of(lambda: opener(bytes.fromhex(vector["envelope"]))) for opener in openers(vector)]
    assert "ok" not in kinds, "opened"
    return next((report for report in (refusal(vector, kind) for kind in kinds) if report), None)


def check_signature(vector, _):
    data = bytes.fromhex(vector["identity"])
    if vector["kind"] == "public_identity":
        kind = kind_of(lambda: identity.decode_identity(data))
        if kind == "ok":
            same("encoding", identity.decode_identity(data).encode(), vector["identity"])
    else:
        signature, content, context = (bytes.fromhex(vector[name]) for name in ("signature", "content", "context"))
        signer = identity.decode_identity(data)
        kind = kind_of(lambda: sealroom.verify_detached(signature, content, context, signer))
    return refusal(vector, kind)


def check_mutations(vector, options):
    envelope = bytes.fromhex(vector["envelope"])
    if len(envelope) >= 3072:
        raise Skipped
    for opener in openers(vector):
        for at in range(0, len(envelope), options.mutate):
            changed = bytearray(envelope)
            changed[at] ^= 1 << (at // options.mutate + at) % 8
            assert kind_of(lambda: opener(bytes(changed))) != "ok", f"opened with byte {at} changed"


def check_own(vector, _):
    vector["check"]()


def load(path):
    return json.loads(path.read_text())["vectors"]


def run(name, vectors, check, options):
    passed, failed, skipped, differing = 0, 0, 0, 0
    for vector in vectors:
        try:
            difference = check(vector, options)
            passed += 1
            if difference:
                differing += 1
                print(f"  {vector['id']}: another class of error, {difference}")
        except Skipped:
            skipped += 1
        except Exception as error:  # noqa: BLE001
            failed += 1
            print(f"  {vector['id']}: FAILED: {type(error).__name__}: {error}")
    rest = f", {skipped} skipped" if skipped else ""
    print(f"{name}: {passed} passed, {failed} failed{rest}" + (f", {differing} of another class" if differing else ""))
    return passed, failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--mutate", nargs="?", type=int, const=7, default=0, metavar="N")
    options = parser.parse_args()
    checks = [
        ("labels.json", check_label),
        ("identities.json", check_identity),
        ("envelopes.json", check_envelope),
        ("signatures.json", check_signature),
        ("rejects.json", check_reject),
    ]
    results = [run(name, load(options.directory / name), check, options) for name, check in checks]
    if options.mutate:
        vectors = load(options.directory / "envelopes.json")
        results.append(run("envelopes.json, one bit changed", vectors, check_mutations, options))
    own = [{"id": name, "check": check} for name, check in vars(own_checks).items() if name.startswith("check_")]
    results.append(run("what no vector covers", own, check_own, options))
    passed, failed = (sum(column) for column in zip(*results))
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
