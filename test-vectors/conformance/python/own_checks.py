"""What SPEC.md asks for and test-vectors/ does not cover. Run by check.py.

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import io
import json
import os

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import algorithms
import identity
import rooms
import sealroom
import serve
import wire
from sealroom import Header, Kdf, Passphrase, PrivateKey, Recipient, Sender, Stanza, SymmetricKey

WORDS = "abandon " * 11 + "about"


def made(passphrase, number=0):
    root = identity.root_from_seed(identity.seed_from_words(WORDS, passphrase))
    return identity.Generation(root, number, identity.P256)


ALICE, ALICE_1, ALICE_2, BOB, EVE = made("a"), made("a", 1), made("a", 2), made("b"), made("e")
ALICE_SENDS = Sender(ALICE.signing, ALICE.identity)
BOB_READS = PrivateKey(BOB.encryption, BOB.identity.fingerprint)
RSA_KEY = rsa.generate_private_key(65537, 3072)


def refused(error, call, *arguments):
    try:
        call(*arguments)
    except error:
        return
    raise AssertionError(f"no {error.__name__}")


def high_s(signature):
    s = algorithms.ORDER - int.from_bytes(signature[-32:], "big")
    return signature[:-32] + wire.integer(s, 32)


def rsa_generation(number=0):
    """An identity without words."""
    keys = rsa.generate_private_key(65537, 3072)
    return keys, identity.make_identity(identity.RSA_3072, number, RSA_KEY, keys, ALICE_1.rotation.public_key())


def check_lengths():  # WIRE-02, WIRE-03
    for length in (0, 63, 64, 16383, 16384):
        reader = wire.Reader(wire.vector(bytes(length)))
        assert reader.vector("x") == bytes(length)
        reader.end("x")
    for data in ("4000", "403f", "80000001", "80003fff", "c0", "ff"):
        refused(wire.Malformed, wire.Reader(bytes.fromhex(data) + bytes(20000)).vector, "x")


def check_padme():  # PAD-02
    assert [sealroom.padme(n) for n in (8, 9, 16, 17, 33, 1008, 17008)] == [8, 10, 16, 18, 36, 1024, 17408]


def check_padding():  # PAD-01
    for plaintext in (b"", bytes(7), wire.integer(1, 8), wire.integer(2**64 - 1, 8), bytes(9) + b"\x01"):
        refused(wire.Decrypt, sealroom.unpad, plaintext)
    assert sealroom.unpad(sealroom.pad(b"abc", 40)) == b"abc"


def check_words():  # ID-01
    refused(wire.Malformed, identity.seed_from_words, "abandon " * 12)
    refused(wire.Malformed, identity.seed_from_words, "abandon " * 11)
    refused(wire.Malformed, identity.seed_from_words, "abandon " * 11 + "abaut")
    assert identity.seed_from_words(WORDS.replace(" ", "\u2003\x85")) == identity.seed_from_words(WORDS)
    refused(wire.Malformed, identity.seed_from_words, WORDS.replace(" ", "\x1f"))  # no White_Space of Unicode


def check_det_keygen():  # DET-01
    refused(wire.Malformed, identity.det_p256, bytes(15))
    refused(wire.Malformed, identity.det_rsa, bytes(15), 3072)


def check_text():  # TXT-02
    text = ALICE.identity.to_text()
    fingerprint = wire.to_text("slrm-fp:", ALICE.identity.fingerprint)
    other = fingerprint[:-1] + chr(ord(fingerprint[-1]) + 1)
    for changed in (text[1:], text + "=", text + " ", text[:-1] + "+", "slrm-fp:" + text[8:], text[:-4]):
        refused(wire.Malformed, identity.identity_from_text, changed)
    for changed in (other, fingerprint + "A", fingerprint + "\n", fingerprint[:-1] + "é"):
        refused(wire.Malformed, wire.from_text, "slrm-fp:", changed, 32)


def check_identities():  # ID-06
    data = ALICE.identity.encode()
    for change, error in (
        (data[:7] + b"\x05" + data[8:], wire.Unsupported),
        (data[:7] + b"\x02" + data[8:], wire.Malformed),
        (data[:6] + b"\x21" + data[7:], wire.Unsupported),
        (data[:11] + b"\x01" + data[12:], wire.BadSignature),
        (data[:12] + data[77:142] + data[77:], wire.Malformed),
        (high_s(data), wire.BadSignature),
        (data[:-64] + bytes(64), wire.BadSignature),
        (data + b"\x00", wire.Malformed),
        (data[:12] + b"\x02" + data[13:], wire.Malformed),
        (data[:13] + b"\xff" * 32 + data[45:], wire.Malformed),
    ):
        assert change != data
        refused(error, identity.decode_identity, change)


def check_rsa_identity():
    keys, public = rsa_generation()
    data = public.encode()
    refused(wire.Malformed, identity.decode_identity, data[:12] + b"\x7f" + data[13:])
    content, sender = bytes(50000), Sender(keys, public)
    recipient = PrivateKey(RSA_KEY, public.fingerprint)
    envelope = sealroom.seal(content, [recipient.recipient()], sender, True)
    assert sealroom.open(envelope, [recipient], public).content == content
    refused(wire.Decrypt, sealroom.open, envelope, [PrivateKey(RSA_KEY, sealroom.bare_id(RSA_KEY.public_key()))])


def check_transitions():  # TRN-01, TRN-02
    old, new = ALICE.identity, ALICE_1.identity
    good = identity.make_transition(old, ALICE.signing, new, ALICE_1.rotation)
    assert identity.accept_transition(old, good) == new
    for data in (
        identity.make_transition(old, EVE.signing, new, ALICE_1.rotation),
        identity.make_transition(old, ALICE.signing, new, ALICE_2.rotation),
        identity.make_transition(old, ALICE.signing, ALICE_2.identity, ALICE_1.rotation),
        identity.make_transition(old, ALICE.signing, old, ALICE_1.rotation),
        high_s(good),
    ):
        refused(wire.BadSignature, identity.accept_transition, old, data)
    keys, public = rsa_generation(1)
    data = identity.make_transition(old, ALICE.signing, public, ALICE_1.rotation)
    assert identity.accept_transition(old, data) == public
    changed = bytearray(good)
    changed[39] = wire.RSA_PSS_3072
    refused(wire.SealroomError, identity.accept_transition, old, bytes(changed))


def check_detached():  # SIG-04
    _, rsa_public = rsa_generation()
    data = sealroom.sign_detached(b"content", b"context", ALICE_SENDS)
    sealroom.verify_detached(data, b"content", b"context", ALICE.identity)
    for arguments in (
        (data, b"Content", b"context", ALICE.identity),
        (data, b"content", b"", ALICE.identity),
        (data, b"content", b"context", BOB.identity),
        (data, b"content", b"context", rsa_public),
        (high_s(data), b"content", b"context", ALICE.identity),
    ):
        refused(wire.BadSignature, sealroom.verify_detached, *arguments)
    changes = (7, 0, wire.Malformed), (7, 2, wire.Malformed), (7, 5, wire.Unsupported), (6, 1, wire.Unsupported)
    for at, value, error in changes:
        changed = bytearray(data)
        changed[at] = value
        refused(error, sealroom.verify_detached, bytes(changed), b"content", b"context", ALICE.identity)
    refused(wire.Limit, sealroom.sign_detached, b"content", bytes(256), ALICE_SENDS)


def check_senders():  # SIG-03
    recipients = [BOB_READS.recipient()]
    envelope = sealroom.seal(b"content", recipients, ALICE_SENDS)
    assert sealroom.open(envelope, [BOB_READS], ALICE.identity).verified
    assert not sealroom.open(envelope, [BOB_READS]).verified
    refused(wire.Decrypt, sealroom.open, envelope, [BOB_READS], EVE.identity)
    pretended = sealroom.seal(b"content", recipients, Sender(EVE.signing, ALICE.identity))
    refused(wire.Decrypt, sealroom.open, pretended, [BOB_READS], ALICE.identity)
    refused(wire.Decrypt, sealroom.open, sealroom.seal(b"", recipients), [BOB_READS], ALICE.identity)


def check_recipients():  # STZ-02, STZ-09
    envelope = sealroom.seal(b"content", [Recipient(BOB.encryption.public_key(), EVE.identity.fingerprint)])
    refused(wire.Decrypt, sealroom.open, envelope, [BOB_READS])
    opened = sealroom.open(envelope, [SymmetricKey(bytes(32)), Passphrase(b""), BOB_READS,
                                      PrivateKey(BOB.encryption, EVE.identity.fingerprint)])
    assert opened.content == b"content"


def check_two_entries_open():  # STZ-09
    salt, material, point = os.urandom(24), os.urandom(32), algorithms.point_of(BOB.encryption.public_key())
    ephemeral = algorithms.derive_key_pair(material)
    enc = algorithms.point_of(ephemeral.public_key())
    info = sealroom.wrap_info(wire.MESSAGE, sealroom.P256_GROUP, salt, BOB_READS.id)
    secret = algorithms.hpke_key(ephemeral, BOB.encryption.public_key(), enc, point, info)
    deks = [os.urandom(32) for _ in range(2)]
    entries = tuple(sorted(algorithms.gcm_seal(*secret, dek) for dek in deks))
    group = Stanza(sealroom.P256_GROUP, enc=enc, entries=entries)
    header = Header(wire.MESSAGE, 0, 0, salt, [group], b"").encode()
    for dek in deks:
        key, base, commitment = sealroom.schedule(dek, wire.sha256(header))
        envelope = header + commitment + algorithms.gcm_seal(key, base, b"content")
        assert sealroom.open(envelope, [BOB_READS]).dek == dek


def check_limits():  # LIM-02, LIM-03, LIM-06
    envelope = sealroom.seal(b"", [BOB_READS.recipient()], decoys=9, public_data=bytes(500))
    length = sealroom.decode_header(envelope).length
    sealroom.open(envelope, [BOB_READS], None, wire.Limits(entries=10, header_bytes=length))
    refused(wire.Limit, sealroom.open, envelope, [BOB_READS], None, wire.Limits(entries=9))
    refused(wire.Limit, sealroom.open, envelope, [BOB_READS], None, wire.Limits(header_bytes=length - 1))
    refused(wire.Limit, sealroom.seal, b"", [Passphrase(b"x", Kdf(sealroom.PBKDF2, bytes(16), 1, iterations=10000001))])
    envelope = sealroom.seal(b"", [Passphrase(b"x", Kdf(sealroom.PBKDF2, bytes(16), 2, iterations=50))])
    sealroom.open(envelope, [Passphrase(b"x")], None, wire.Limits(pbkdf2_work=100))
    refused(wire.Limit, sealroom.open, envelope, [Passphrase(b"x")], None, wire.Limits(pbkdf2_work=99))
    refused(wire.Decrypt, sealroom.open, envelope, [BOB_READS], None, wire.Limits(pbkdf2_work=99))  # STZ-15


def served(*requests):
    """The answers by id; a request that is a string stands as it is."""
    lines = [one if isinstance(one, str) else json.dumps({"id": number} | one) for number, one in enumerate(requests)]
    out = io.StringIO()
    serve.serve(io.StringIO("".join(line + "\n" for line in lines)), out)
    return {answer["id"]: answer for answer in map(json.loads, out.getvalue().splitlines())}


def check_line_protocol():  # test-vectors/conformance/README.md
    derive = {"op": "read", "kind": "derive", "key": "00" * 32, "label": "messages", "context": "01", "length": 5}
    output = wire.derive(bytes(32), "messages", b"\x01", 5).hex()
    other, hidden = derive | {"kind": "other"}, derive | {"op": "seal"}
    found = served(derive, other, hidden, {"op": "x"}, derive | {"key": "0"}, derive | {"id": "b", "context": ""})
    assert found[0] == {"id": 0, "result": "ok", "output": output}
    assert [found[number]["result"] for number in (1, 2, 3, 4)] == ["skipped"] * 3 + ["failed"]
    assert found["b"]["output"] != output and all(found[number]["reason"] for number in (1, 2, 3, 4))
    assert served({"op": "read", "kind": "public_identity", "identity": "00"})[0] == {"id": 0, "result": "malformed"}

    def pkcs8(key):
        form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return key.private_bytes(*form).hex()

    keys = [{"kind": "p256", "pkcs8": pkcs8(BOB.encryption), "recipient_id": BOB_READS.id.hex()}]
    by = {"identity": ALICE.identity.encode().hex(), "pkcs8": pkcs8(ALICE.signing)}
    by_name = ALICE.identity.fingerprint.hex()
    request = {"kind": "envelope", "content": b"hello".hex(), "padding": "padme", "sender": by, "public_data": "",
               "decoys": 1}
    for given in (keys, [{"kind": "symmetric", "key": "07" * 32}], [{"kind": "attachment"}],
                  [{"kind": "passphrase", "passphrase": ""}]):
        sealed = served({"op": "seal", "keys": given} | request)[0]
        got = served({"op": "read", "kind": "envelope", "keys": sealed.pop("keys", given)} | sealed)[0]
        assert got["result"] == "ok" and got["content"] == b"hello".hex(), got
    other = {"op": "read", "kind": "envelope", "keys": keys, "envelope": sealed["envelope"]}
    assert served(other)[0] == {"id": 0, "result": "decrypt"}
    me, known = ALICE.identity.fingerprint, {ALICE.identity.fingerprint: ALICE.identity}
    package = rooms.make_room({me: rooms.ADMIN}, ALICE_SENDS, rooms.SHARED, known)
    given = {"kind": "package", "package": package.hex(), "inviter": by_name, "me": by_name,
             "identities": [by["identity"]],
             "key": {"kind": "p256", "pkcs8": pkcs8(ALICE.encryption), "recipient_id": by_name}}
    read = served({"op": "read", "parent": None} | given, {"op": "read"} | given | {"me": "00" * 32})
    assert read[1] == {"id": 1, "result": "room", "check": "ROOM-15"}
    message = {"kind": "message", "aad": "01", "epoch": read[0]["epoch"], "identities": [by["identity"]]}
    more = {"content": "02", "padding": "none", "pkcs8": by["pkcs8"]}
    more |= {"sender": by_name, "device": "03" * 8, "sequence": 4}
    sealed = served({"op": "seal"} | message | more)[0]
    got = served({"op": "read"} | message | sealed)[0]
    assert {name: got[name] for name in ("content", "sender", "device", "sequence")}.items() <= more.items()


def check_attachments():  # ATT-01
    envelope, key = sealroom.seal_attachment(bytes(40000), True)
    assert sealroom.open_attachment(envelope, key).content == bytes(40000)
    refused(wire.Decrypt, sealroom.open_attachment, envelope, key[:63] + bytes([key[63] ^ 1]))
    refused(wire.Unsupported, sealroom.open, envelope, [BOB_READS])
