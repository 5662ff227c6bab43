"""What SPEC.md §22 and §23 ask for, tried on devices that are made here. Run by check.py.

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import rsa

import algorithms
import devices
import identity
import sealroom
import wire
from devices import Linked, Request, Verifier
from own_checks import ALICE, ALICE_1, ALICE_2, BOB, EVE, high_s, refused
from sealroom import Recipient, Sender, SymmetricKey

KEY, LAST = bytes(range(32)), 2**64 - 1
DEVICE = devices.draw_key(lambda length: b"\x07" * length)


def name(one):
    return one.identity.fingerprint


def sender(one):
    return Sender(one.signing, one.identity)


def moved(old, new):
    return identity.make_transition(old.identity, old.signing, new.identity, new.rotation)


def linked(*generations):
    moves = tuple(moved(old, new) for old, new in zip(generations, generations[1:]))
    return Linked(tuple((one.secret, one.identity) for one in generations), moves)


ONE, THREE = linked(ALICE), linked(ALICE, ALICE_1, ALICE_2)


def refused_by(error, check, call, *arguments):
    try:
        call(*arguments)
    except error as found:
        assert found.check == check, f"{found} for {check}"
        return
    raise AssertionError(f"not refused by {check}")


def check_requests():  # §22.1
    private, request = devices.make_request()
    text = request.to_text()
    assert len(text) == 149 and devices.request_from_text(text) == request and len(request.encode()) == 104
    assert algorithms.point_of(private.public_key()) == request.point and devices.make_request()[1] != request
    data = request.encode()
    changes = (data[:6] + b"\x27" + data[7:], wire.Unsupported), (data[:5] + b"\x02" + data[6:], wire.Unsupported)
    changes += (data[:7] + b"\x02" + data[8:], wire.Malformed), (data[:-1], wire.Malformed)
    changes += (data[:40] + bytes([data[40] ^ 1]) + data[41:], wire.Malformed), (data + b"\x00", wire.Malformed)
    changes += (b"s" + data[1:], wire.Malformed), (data[:7] + b"\x04" + b"\xff" * 64 + data[72:], wire.Malformed)
    for changed, error in changes:
        refused(error, devices.decode_request, changed)
    for changed in (text[1:], text + "A", text + "=", text[:-1], "slrm-id:" + text[10:], text.upper()):
        refused(wire.Malformed, devices.request_from_text, changed)


def check_answers():  # LNK-01 to LNK-04
    private, request = devices.make_request()
    refused(ValueError, devices.answer, request, ONE, False)
    for what, last in ((ONE, ALICE), (THREE, ALICE_2)):
        data = devices.answer(request, what, True)
        got = devices.open_answer(data, private, request)
        assert got == what and got.last == last.identity
        assert got.code.replace(" ", "") == identity.half(got.last.fingerprint) and len(got.code) == 35
        assert got.code in (identity.safety_number(got.last.fingerprint, BOB.identity.fingerprint)[:35],
                            identity.safety_number(got.last.fingerprint, BOB.identity.fingerprint)[-35:])
        refused(ValueError, devices.adopt, got, False, KEY)
        stored = devices.adopt(got, True, KEY)
        assert devices.open_adopted(stored, KEY) == got
        refused(wire.Unsupported, sealroom.open, data, [])
        refused(wire.Malformed, devices.open_answer, stored, private, request)
        refused(wire.Malformed, devices.open_adopted, data, KEY)
        refused(wire.Decrypt, devices.open_adopted, stored, bytes(32))
    assert THREE.contains(name(ALICE)) and THREE.contains(name(ALICE_2)) and not ONE.contains(name(ALICE_1))
    assert len(devices.answer(request, ONE, True)) == 631
    other, second = devices.make_request()
    refused(wire.Decrypt, devices.open_answer, data, other, second)
    refused_by(wire.Link, "LNK-03", devices.open_answer, data, private, replace(request, echo=bytes(32)))


def check_answer_form():  # LNK-02
    private, request = devices.make_request()
    public = private.public_key()
    to, content, by = Recipient(public, sealroom.bare_id(public)), ONE.encode(request.echo), sender(ALICE)
    other = Recipient(BOB.encryption.public_key(), BOB.identity.fingerprint)
    for error, recipients, kind, author, padding, public_data, decoys in (
        (wire.Unsupported, [to], wire.MESSAGE, by, True, b"", 0),
        (wire.Unsupported, [to], wire.KEYRING, by, True, b"", 0),
        (wire.Malformed, [to], wire.DEVICE_LINK, None, True, b"", 0),
        (wire.Malformed, [to], wire.DEVICE_LINK, by, False, b"", 0),
        (wire.Malformed, [to], wire.DEVICE_LINK, by, True, b"x", 0),
        (wire.Malformed, [to], wire.DEVICE_LINK, by, True, b"", 1),
        (wire.Malformed, [to, other], wire.DEVICE_LINK, by, True, b"", 0),
        (wire.Malformed, [to, SymmetricKey(KEY)], wire.DEVICE_LINK, by, True, b"", 0),
        (wire.Malformed, [SymmetricKey(KEY)], wire.DEVICE_LINK, by, True, b"", 0),
        (wire.Decrypt, [Recipient(public, ALICE.identity.fingerprint)], wire.DEVICE_LINK, by, True, b"", 0),
    ):
        data = sealroom.seal_parts(content, recipients, kind, author, padding, public_data, decoys, None).envelope
        refused(error, devices.open_answer, data, private, request)
    sealed = sealroom.seal_parts(content, [to], wire.DEVICE_LINK, by, True, b"", 0, None)
    assert devices.open_answer(sealed.envelope, private, request) == ONE
    header = sealroom.decode_header(sealed.envelope)  # with another number of zeros
    key, base, commitment = sealroom.schedule(sealed.dek, header.hash)
    chunks = [algorithms.gcm_seal(key, base, sealroom.pad(content, 999))]
    message = sealroom.signed_bytes(by.identity.fingerprint, by.identity.algorithm, header.hash, commitment, chunks)
    block = wire.derive(sealed.dek, "signature", header.hash, 44)
    block = algorithms.gcm_seal(block[:32], block[32:], by.identity.fingerprint + algorithms.sign(by.key, message))
    data = sealed.envelope[: header.length] + commitment + chunks[0] + block
    assert devices.open_answer(data, private, request) == ONE
    for at in range(0, len(data), 3):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        refused(wire.SealroomError, devices.open_answer, bytes(changed), private, request)


def check_link_content():  # LNK-03, LNK-06, LNK-07, LNK-08, LNK-09
    private, request = devices.make_request()
    public = private.public_key()
    to = Recipient(public, sealroom.bare_id(public))

    def attempt(check, content, author, stored=True):
        data = sealroom.seal_parts(content, [to], wire.DEVICE_LINK, author, True, b"", 0, None).envelope
        refused_by(wire.Link, check, devices.open_answer, data, private, request)
        if stored:
            data = sealroom.seal_own(bytes(32) + content[32:], wire.DEVICE_LINK, KEY)
            refused_by(wire.Link, check, devices.open_adopted, data, KEY)

    echo, by = request.echo, sender(ALICE)
    good = THREE.encode(echo)
    attempt("LNK-03", THREE.encode(bytes(32)), sender(ALICE_2), False)
    refused_by(wire.Link, "LNK-03", devices.open_adopted, sealroom.seal_own(good, wire.DEVICE_LINK, KEY), KEY)
    for content in (good + b"\x00", good[:-1], b"x" * 32, ONE.encode(echo)[:-1] + b"\x01x"):
        attempt("LNK-03", content, sender(ALICE_2))
    attempt("LNK-03", echo, sender(ALICE_2), False)
    broken = replace(ALICE.identity, signature=high_s(ALICE.identity.signature))
    attempt("LNK-03", Linked(((ALICE.secret, broken),), ()).encode(echo), by)
    attempt("LNK-03", b"", by, False)
    three, moves = THREE.generations, THREE.transitions
    for generations, transitions, last in (
        ((), (), ALICE), (three, moves[:1], ALICE_2), (three, moves[::-1], ALICE_2), (three, (), ALICE_2),
        (three[1:], moves[1:], ALICE_2), (three[2:], (), ALICE_2), (three[:1], moves[:1], ALICE),
        (three[:1] * 2, moves[:1], ALICE),
        (three[:1] + three[2:], moves[:1], ALICE_2), (three[:1] + three[2:], (moved(ALICE, ALICE_2),), ALICE_2),
        (three[:2], (moved(BOB, ALICE_1),), ALICE_1), (three[:2], (high_s(moves[0]),), ALICE_1),
        (linked(BOB).generations + three[1:], moves, ALICE_2),
        (three[:2], (identity.make_transition(ALICE.identity, EVE.signing, ALICE_1.identity, ALICE_1.rotation),),
         ALICE_1),
    ):
        attempt("LNK-06", Linked(generations, transitions).encode(echo), sender(last))
    attempt("LNK-07", good, sender(ALICE_1), False)
    attempt("LNK-07", good, Sender(EVE.signing, ALICE_2.identity), False)
    attempt("LNK-07", ONE.encode(echo), sender(EVE), False)
    secrets = [(BOB.secret, *three[0][1:]), three[0]], [three[1], (ALICE.secret, three[1][1])]
    attempt("LNK-08", Linked((secrets[0][0],), ()).encode(echo), by)
    attempt("LNK-08", Linked((secrets[0][0], three[1]), moves[:1]).encode(echo), sender(ALICE_1))
    attempt("LNK-08", Linked((three[0], secrets[1][1]), moves[:1]).encode(echo), sender(ALICE_1))
    for pair in ((BOB.encryption, ALICE.signing), (ALICE.encryption, BOB.signing)):
        mixed = identity.make_identity(identity.P256, 0, *pair, ALICE_1.rotation.public_key())
        attempt("LNK-08", Linked(((ALICE.secret, mixed),), ()).encode(echo), Sender(pair[1], mixed))
    small = [rsa.generate_private_key(65537, 2048) for _ in range(2)]
    public = identity.make_identity(identity.RSA_2048, 0, *small, ALICE_1.rotation.public_key())
    attempt("LNK-08", Linked(((ALICE.secret, public),), ()).encode(echo), Sender(small[1], public))
    other = identity.make_identity(identity.P256, 0, ALICE.encryption, ALICE.signing, BOB.rotation.public_key())
    got = Linked(((ALICE.secret, other),), ())  # `next` does not follow from the secret
    assert devices.open_answer(devices.answer(request, got, True), private, request) == got


def check_stored_form():  # LNK-09
    content = ONE.encode(bytes(32))
    sym = [SymmetricKey(KEY)]
    person = Recipient(ALICE.encryption.public_key(), ALICE.identity.fingerprint)
    for recipients, kind, author, padding, public_data in (
        (sym, wire.KEYRING, None, True, b""), (sym, wire.DEVICE_LINK, sender(ALICE), True, b""),
        (sym, wire.DEVICE_LINK, None, False, b""), (sym, wire.DEVICE_LINK, None, True, b"x"),
        (sym + [SymmetricKey(bytes(32))], wire.DEVICE_LINK, None, True, b""),
        ([person], wire.DEVICE_LINK, None, True, b""),
        (sym + [person], wire.DEVICE_LINK, None, True, b""),
    ):
        data = sealroom.seal_parts(content, recipients, kind, author, padding, public_data, 0, None).envelope
        refused(wire.SealroomError, devices.open_adopted, data, KEY)


def certificate(one=ALICE, times=(1000, 2000), key=DEVICE):
    return devices.make_certificate(sender(one), bytes(16), key.public_key(), *times)


def check_certificates():  # CRT-01 to CRT-04
    data = certificate()
    assert len(data) == 201 and devices.decode_certificate(data).encode() == data

    def attempt(check, data, one=ALICE, now=1500, tolerance=60):
        call = devices.check_certificate, devices.decode_certificate(data), one.identity, now, tolerance
        return refused_by(wire.Proof, check, *call) if check else call[0](*call[1:])

    for now, tolerance in ((1500, 60), (1000, 0), (940, 60), (1999, 0), (2059, 60), (0, 1000), (5000, LAST), (0, LAST)):
        attempt(None, data, now=now, tolerance=tolerance)
    for now, tolerance in ((999, 0), (939, 60), (2000, 0), (2060, 60), (0, 999), (LAST, 60)):
        attempt("CRT-03", data, now=now, tolerance=tolerance)
    for times, now in (((LAST - 1, LAST), LAST - 1), ((0, 1), 0), ((LAST - 1, LAST), LAST - 61 + 1), ((0, LAST), LAST)):
        attempt(None, certificate(times=times), now=now)
    attempt("CRT-03", certificate(times=(0, LAST)), now=LAST, tolerance=0)
    for one in (BOB, ALICE_1):  # CRT-02: after a transition it is refused
        attempt("CRT-01", data, one)
    found = devices.decode_certificate(data)
    rsa_key = rsa.generate_private_key(65537, 2048)
    for wrong in (
        replace(found, device_id=b"\x01" * 16),
        replace(found, device_key=algorithms.point_of(BOB.signing.public_key())),
        replace(found, not_before=999), replace(found, not_after=2001), replace(found, signature=bytes(64)),
        replace(found, identity=BOB.identity.fingerprint), replace(found, signature=high_s(found.signature)),
        replace(found, algorithm=wire.RSA_PSS_2048, signature=bytes(256)),
        replace(found, signature=algorithms.sign(BOB.signing, found.signed())),
        replace(found, signature=algorithms.sign(ALICE.signing, wire.sign_input("request proof", found.body()))),
    ):
        attempt("CRT-01", wrong.encode())
    wrong = replace(found, algorithm=wire.RSA_PSS_2048)
    attempt("CRT-01", replace(wrong, signature=algorithms.sign(rsa_key, wrong.signed())).encode())
    for error, wrong in (
        (wire.Malformed, replace(found, not_before=2000)), (wire.Malformed, replace(found, not_before=LAST)),
        (wire.Malformed, replace(found, algorithm=0)), (wire.Unsupported, replace(found, algorithm=5)),
        (wire.Malformed, replace(found, device_key=b"\x02" + found.device_key[1:])),
        (wire.Malformed, replace(found, device_key=b"\x04" + bytes(64))),
        (wire.Malformed, replace(found, algorithm=wire.RSA_PSS_2048)),
    ):
        refused(error, devices.decode_certificate, wrong.encode())
    for wrong, error in ((data + b"\x00", wire.Malformed), (data[:-1], wire.Malformed),
                         (data[:6] + b"\x28" + data[7:], wire.Unsupported)):
        refused(error, devices.decode_certificate, wrong)
    refused(wire.Malformed, devices.make_certificate, sender(ALICE), bytes(16), DEVICE.public_key(), 5, 5)
    keys = rsa.generate_private_key(65537, 2048)
    public = identity.make_identity(identity.RSA_2048, 0, rsa_key, keys, ALICE_1.rotation.public_key())
    data = devices.make_certificate(Sender(keys, public), bytes(16), DEVICE.public_key(), 0, 9)
    assert len(data) == 137 + 256
    devices.check_certificate(devices.decode_certificate(data), public, 5, 0)


REQUEST = Request(b"example.org", b"POST", b"/a?b=c", b"body")


def proof(request=REQUEST, time=1500, nonce=bytes(range(16)), key=DEVICE, by=None):
    return devices.make_proof(key, by or certificate(), request, time, nonce)


def check_proofs():  # PRF-01 to PRF-04, PRF-06
    data = proof()
    text = devices.proof_to_text(data)
    assert len(text) == 406 and devices.proof_from_text(text) == data

    def attempt(check, data, request=REQUEST, now=1500, one=ALICE, verifier=None):
        call = devices.verify_proof, verifier or Verifier(), data, one.identity, request, now
        return refused_by(wire.Proof, check, *call) if check else call[0](*call[1:])

    for request in (REQUEST, replace(REQUEST, server_nonce=b"n" * 64), replace(REQUEST, body=b""),
                    Request(b"a" * 255, b"m" * 32, b"")):
        assert attempt(None, proof(request), request).device_id == bytes(16)
    for now in (1440, 1560):
        attempt(None, data, now=now)
    for now in (1439, 1561):
        attempt("PRF-03", data, now=now)
    for other in (replace(REQUEST, audience=b"example.com"), replace(REQUEST, method=b"post"), replace(
            REQUEST, target=b"/a"), replace(REQUEST, body=b""), replace(REQUEST, server_nonce=b"n")):
        attempt("PRF-04", data, other)
        attempt("PRF-04", proof(other))
    other = certificate(times=(1000, 2001))
    attempt("PRF-04", data[:7] + certificate() + proof(by=other)[208:])
    attempt("PRF-04", data[:7] + other + data[208:])
    attempt("PRF-04", data[:208] + wire.integer(1501, 8) + data[216:])
    attempt("PRF-04", data[:216] + bytes(16) + data[232:])
    attempt("PRF-04", high_s(data))
    attempt("PRF-04", data[:-64] + bytes(64))
    attempt("PRF-04", proof(key=ALICE.signing))
    attempt("CRT-01", proof(by=certificate(BOB)))
    attempt("CRT-01", data, one=ALICE_1)
    attempt("CRT-03", proof(by=certificate(times=(1000, 1440))))
    attempt("CRT-03", proof(by=certificate(times=(1561, 1600))))
    for request in (replace(REQUEST, audience=b""), replace(REQUEST, audience=bytes(256)), replace(REQUEST, method=b""),
                    replace(REQUEST, method=bytes(33)), replace(REQUEST, server_nonce=bytes(65))):
        refused_by(wire.Proof, "PRF-06", proof, request)
        attempt("PRF-04", data, request)
    attempt("CRT-01", proof(time=1, key=BOB.signing), one=BOB)  # in this order
    attempt("CRT-03", proof(time=1, key=BOB.signing), now=1)
    attempt("PRF-03", proof(time=1, key=BOB.signing))
    account = ALICE.identity
    for wrong, error in ((data + b"\x00", wire.Malformed), (data[:-1], wire.Malformed), (b"", wire.Malformed),
                         (data[:6] + b"\x27" + data[7:], wire.Unsupported),
                         (data[:13] + b"\x28" + data[14:], wire.Unsupported),
                         (data[:7] + replace(devices.decode_certificate(certificate()), not_before=LAST).encode()
                          + data[208:], wire.Malformed)):
        assert wrong != data
        refused(error, devices.verify_proof, Verifier(), wrong, account, REQUEST, 1500)
    for changed in (text[1:], text + "=", "slrm-link:" + text[11:], text + "\n"):
        refused(wire.Malformed, devices.proof_from_text, changed)
    for at in range(0, len(data), 3):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        refused(wire.SealroomError, devices.verify_proof, Verifier(), bytes(changed), account, REQUEST, 1500)


def check_replays():  # PRF-05
    verifier, account = Verifier(), ALICE.identity

    def run(data, now, request=REQUEST):
        try:
            devices.verify_proof(verifier, data, account, request, now)
            return "ok"
        except wire.Proof as error:
            return error.check

    data = proof()
    wrong = proof(key=BOB.signing)
    assert run(wrong, 1500) == "PRF-04" and not verifier.seen  # a stranger fills nothing
    assert run(data, 1500) == "ok" and run(data, 1500) == "PRF-05" and run(data, 1560) == "PRF-05"
    assert run(proof(nonce=b"1" * 16), 1560) == "ok" and len(verifier.seen) == 2
    assert run(data, 1561) == "PRF-03" and len(verifier.seen) == 2
    assert run(proof(time=1561), 1561) == "ok" and len(verifier.seen) == 1  # 1500 + 60 is over
    assert run(data, 1500) == "PRF-05"  # the clock was set back
    assert run(proof(time=1560, nonce=b"2" * 16), 1560) == "PRF-05"
    assert run(proof(nonce=b"2" * 16, time=1561), 1561) == "ok"
    again = replace(verifier, seen={}, lost=verifier.latest)  # after a restart
    verifier = again
    assert run(proof(nonce=b"2" * 16, time=1561), 1561) == "PRF-05" and run(proof(time=1621), 1621) == "PRF-05"
    assert run(proof(time=1622), 1622) == "ok"
    certify = certificate()  # the same again with another signature is the same
    signed = devices.signed_request(certify, REQUEST, 1700, bytes(16))
    one = wire.prefix(wire.REQUEST_PROOF) + certify + wire.integer(1700, 8) + bytes(16)
    first, second = one + algorithms.sign(DEVICE, signed), one
    while second == one or second == first:
        r, s = algorithms.decode_dss_signature(DEVICE.sign(signed, algorithms.ec.ECDSA(algorithms.SHA256)))
        second = one + wire.integer(r, 32) + wire.integer(min(s, algorithms.ORDER - s), 32)
    assert run(first, 1700) == "ok" and run(second, 1700) == "PRF-05"


def check_rsa_generations():  # a secret of another profile
    keys, derived = [rsa.generate_private_key(65537, 3072) for _ in range(2)], identity.keys_of
    public = identity.make_identity(identity.RSA_3072, 1, *keys, ALICE_2.rotation.public_key())
    move = identity.make_transition(ALICE.identity, ALICE.signing, public, ALICE_1.rotation)
    both = Linked((*ONE.generations, (bytes(32), public)), (move,))
    private, request = devices.make_request()
    try:  # in place of a derivation, which identities.json covers and which takes long
        identity.keys_of = lambda secret, profile: keys if secret == bytes(32) else derived(secret, profile)
        data = devices.answer(request, both, True)
        assert devices.open_answer(data, private, request) == both
        identity.keys_of = lambda secret, profile: keys[::-1] if secret == bytes(32) else derived(secret, profile)
        refused_by(wire.Link, "LNK-08", devices.open_answer, data, private, request)
    finally:
        identity.keys_of = derived
