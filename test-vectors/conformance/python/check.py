"""Runs the vectors of test-vectors/ against this implementation: python3 check.py DIR [--slow] [--mutate [N]]

    --slow      derives the RSA keys of 4096 bits as well
    --mutate    changes one bit in every 7th (every Nth) byte of each envelope of less than 3 KiB, and in up to
                500 bytes of each object of a room: all must be refused

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import argparse
import json
import pathlib
import sys

import algorithms
import check_histories
import check_kinds
import devices_own_checks
import identity
import keyring_own_checks
import own_checks
import room_messages
import room_state
import room_statements
import rooms
import rooms_own_checks
import sealroom
import wire

PROFILES = {"p256": identity.P256, "rsa3072": identity.RSA_3072, "rsa4096": identity.RSA_4096}
PROFILES |= {"rsa_3072": identity.RSA_3072, "rsa_4096": identity.RSA_4096}


Skipped = check_kinds.Skipped


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
    if vector["kind"] == "derive":
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
    sender, public_data = read_sender(vector), bytes.fromhex(vector.get("public_data", ""))
    for opener in openers(vector):
        opened = opener(envelope)
        same("content", opened.content, vector["content"])
        same("dek", opened.dek, vector["dek"])
        same("h", opened.header.hash, vector["h"])
        same("commitment", opened.commitment, vector["commitment"])
        same("public_data", opened.header.public_data, public_data.hex())
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
    if "random" not in vector:
        return None
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


# Rooms

CONSUMED = {"package": "package", "message": "message", "leave": "statement", "head": "statement", "grant": "grant",
            "state": "state"}  # the field that opening consumes, by kind


def room_bytes(vector, name):
    return bytes.fromhex(vector[name])


def read_epoch(data):
    if data is None:
        return None
    reader = wire.Reader(room_bytes(data, "body"))
    body = rooms.read_body(reader)
    reader.end("body")
    secret, granted = (data.get(name) and room_bytes(data, name) for name in ("secret", "message_key"))
    held = None if secret else granted
    return rooms.Epoch(room_bytes(data, "signer"), body, room_bytes(data, "commitment"), secret, held)


def read_people(vector):
    people = [identity.decode_identity(bytes.fromhex(one)) for one in vector.get("identities", [])]
    return {one.fingerprint: one for one in people}


def read_signer(vector, fingerprint):
    key = algorithms.private_from_pkcs8(room_bytes(vector, "pkcs8"))
    return sealroom.Sender(key, read_people(vector)[fingerprint])


def open_room_package(vector, data):
    people, parent = read_people(vector), read_epoch(vector.get("parent"))
    keys = [sealroom.SymmetricKey(parent.kek)] if parent and parent.secret else []
    keys += [read_key(vector["key"])] if vector.get("key") else []
    secret = room_bytes(vector, "secret") if vector.get("secret") else None
    package = rooms.open_package(data, keys, secret, parent.body.room_id if parent else None)
    if parent:
        return package, rooms.authorise(package, parent, people)
    return package, rooms.check_first(package, room_bytes(vector, "me"), room_bytes(vector, "inviter"), people)


def open_room_object(vector, data):
    """What a reader of a vector makes of the field that opening consumes."""
    kind, people = vector["kind"], read_people(vector)
    if kind == "package":
        return open_room_package(vector, data)
    if kind == "message":
        aad = bytes.fromhex(vector.get("aad") or "")
        return room_messages.open_message(data, [read_epoch(vector["epoch"])], people, aad)
    if kind == "leave":
        since = [read_epoch(epoch) for epoch in vector["since"]]
        return room_statements.check_leave(data, room_bytes(vector, "room_id"), since, people)
    if kind == "head":
        nonce, member = room_bytes(vector, "nonce"), room_bytes(vector, "member")
        return room_statements.check_head(data, read_epoch(vector["epoch"]), nonce, member, people)
    if kind == "grant":
        held, granter = read_epoch(vector["epoch"]), room_bytes(vector, "granter")
        return room_statements.open_grant(data, [read_key(vector["key"])], [held], held, granter, people)
    content = room_state.open_content(data, room_bytes(vector, "kek"))
    return content, room_state.decode_state(content)


def same_epoch(epoch, expected):
    same("signer", epoch.signer, expected["signer"])
    same("body", epoch.body.encode(), expected["body"])
    same("commitment", epoch.commitment, expected["commitment"])
    if expected.get("secret"):
        same("secret", epoch.secret, expected["secret"])
    if expected.get("message_key"):
        same("message_key", epoch.message_key, expected["message_key"])


def compare_package(vector, data, result):
    package, epoch = result
    same("room_id", epoch.body.room_id, vector["room_id"])
    same_epoch(epoch, vector["epoch"])
    for name, value in (("transcript", epoch.transcript), ("message_key", epoch.message_key), ("epoch_kek", epoch.kek)):
        same(name, value, vector[name])
    same("previous_secret", package.previous_secret, vector["previous_secret"])
    same("yielding", rooms.yields(epoch, read_epoch(vector.get("parent"))), bool(vector["yielding"]))
    same("code", rooms.code(epoch.transcript), vector["code"])
    payload = rooms.encode_payload(epoch.body, package.previous_secret, package.transition)
    same("payload encoded again", payload, package.opened.content.hex())
    if vector.get("pkcs8") and vector.get("random"):
        people, parent, tape = read_people(vector), read_epoch(vector.get("parent")), Tape(room_bytes(vector, "random"))
        addition = len(package.symmetric())
        readers = [people[m] for m in epoch.body.members if not addition or m not in parent.body.members]
        made, _ = rooms.seal_package(
            epoch.body, read_signer(vector, epoch.signer), readers, parent.kek if addition else None,
            package.previous_secret, package.transition, tape,
        )
        same("sealed again", made, data.hex())


def compare_message(vector, data, message):
    expected = vector["sender"]
    by_place = isinstance(expected, int)
    place = [member for member, _ in message.epoch.body.roster].index(message.sender)
    same("sender", place if by_place else message.sender, expected)
    same("device", message.device, vector["device"])
    same("sequence", message.sequence, vector["sequence"])
    same("content", message.content, vector["content"])
    same("message_id", message.id, vector["message_id"])
    if vector.get("pkcs8") and vector.get("random"):
        tape = Tape(room_bytes(vector, "random"))
        made = room_messages.seal_message(
            message.epoch, read_signer(vector, message.sender), message.device, message.sequence, message.content,
            bytes.fromhex(vector.get("aad") or ""), vector["padding"] == "padme", tape,
        )
        same("sealed again", made, data.hex())
        tape.end()


def compare_statement(vector, data, member):
    epoch = None
    if vector["kind"] == "leave":
        same("member", member, vector["member"])
        epoch = next(e for e in map(read_epoch, vector["since"]) if e.transcript == data[23:55])
    if vector.get("pkcs8") and read_people(vector)[room_bytes(vector, "member")].profile == identity.P256:
        by = read_signer(vector, room_bytes(vector, "member"))
        if epoch:
            made = room_statements.make_leave(epoch, by)
        else:
            made = room_statements.make_head(read_epoch(vector["epoch"]), room_bytes(vector, "nonce"), by)
        same("made again", made, data.hex())


def compare_grant(vector, data, epochs):
    same("number of epochs", len(epochs), len(vector["epochs"]))
    for epoch, expected in zip(epochs, vector["epochs"]):
        same_epoch(epoch, expected)
    if vector.get("pkcs8") and vector.get("random"):
        recipient, tape = read_key(vector["key"]).recipient(), Tape(room_bytes(vector, "random"))
        reader = read_people(vector)[recipient.id]
        by = read_signer(vector, room_bytes(vector, "granter"))
        same("sealed again", room_statements.make_grant(epochs, by, [reader], tape), data.hex())


def compare_state(vector, data, result):
    content, state = result
    same("content", content, vector["content"])
    same("encoded again", room_state.encode_state(state), vector["content"])
    if data is not None and vector.get("random"):
        tape = Tape(room_bytes(vector, "random"))
        same("sealed again", room_state.seal_state(state, room_bytes(vector, "kek"), tape), data.hex())


COMPARE = {"package": compare_package, "message": compare_message, "leave": compare_statement,
           "head": compare_statement, "grant": compare_grant, "state": compare_state}


def check_settle(vector):
    epochs = [read_epoch(epoch) for epoch in vector["epochs"]]
    same("transcript", room_state.settle(epochs, epochs[0]).transcript, vector["transcript"])


def check_replays(vector):
    devices, used, answers = (), 0, []
    for seen in vector["seen"]:
        answer, devices, used = room_messages.answer(
            devices, used, bytes(32), room_bytes(seen, "device"), seen["sequence"], room_bytes(seen, "id")
        )
        answers.append(answer)
    same("answers", answers, vector["answers"])


def check_room(vector, _):
    kind = vector["kind"]
    if kind in ("settle", "replays"):
        return {"settle": check_settle, "replays": check_replays}[kind](vector)
    consumed, found = vector.get(CONSUMED[kind]), []
    data = None if consumed is None else bytes.fromhex(consumed)

    def call():
        if data is None:  # a state's content alone
            content = room_bytes(vector, "content")
            found.append((content, room_state.decode_state(content)))
        else:
            found.append(open_room_object(vector, data))

    try:
        call()
        outcome = "ok"
    except wire.SealroomError as error:
        outcome = f"{error.kind} {error.check}" if isinstance(error, wire.Refused) else error.kind
    expected = vector["result"] + (f" {vector['check']}" if vector["result"] == "room" else "")
    if outcome == "ok" == expected:
        return COMPARE[kind](vector, data, found[0])
    assert "ok" not in (outcome, expected), f"{outcome} for {expected}"
    return None if outcome == expected else f"{outcome} for {expected}"


def check_room_mutations(vector, options):
    field = CONSUMED.get(vector["kind"])
    if vector["result"] != "ok" or not vector.get(field):
        raise Skipped
    data = room_bytes(vector, field)
    step = max(options.mutate, len(data) // 500)
    for at in range(0, len(data), step):
        changed = bytearray(data)
        changed[at] ^= 1 << (at // step + at) % 8
        assert kind_of(lambda: open_room_object(vector, bytes(changed))) != "ok", f"opened with byte {at} changed"


CHECKS = {"derive": check_label, "sign_input": check_label, "public_identity": check_signature}
CHECKS |= {kind: check_identity for kind in ("identity", "safety_number", "transition")}
CHECKS["history"] = check_histories.check
CHECKS |= {"detached_signature": check_signature, "envelope": lambda vector, options: (
    check_envelope if vector["result"] == "ok" else check_reject)(vector, options)}


def check_vector(vector, options):
    if vector["kind"] in check_kinds.READ or vector["kind"] in check_kinds.LEFT_OUT:
        return check_kinds.check(vector, options)
    return CHECKS.get(vector["kind"], check_room)(vector, options)


def check_mutated(vector, options):
    if vector["kind"] != "envelope" and vector["kind"] not in CONSUMED:
        raise Skipped
    (check_mutations if vector["kind"] == "envelope" else check_room_mutations)(vector, options)


def check_own(vector, _):
    vector["check"]()



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
    files = {path: json.loads(path.read_text())["vectors"] for path in sorted(options.directory.glob("[0-9]*/*.json"))}
    results = []
    for path, vectors in files.items():
        results.append(run(f"{path.parent.name}/{path.name}", vectors, check_vector, options))
    if options.mutate:
        vectors = [vector for vectors in files.values() for vector in vectors if vector["result"] == "ok"]
        results.append(run("one bit changed", vectors, check_mutated, options))
    own = [("what no vector covers", own_checks), ("rooms made here", rooms_own_checks)]
    own += [("keyrings made here", keyring_own_checks), ("devices made here", devices_own_checks)]
    for title, module in own:
        cases = [{"id": name, "check": check} for name, check in vars(module).items() if name.startswith("check_")]
        results.append(run(title, cases, check_own, options))
    passed, failed = (sum(column) for column in zip(*results))
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
