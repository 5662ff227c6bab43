"""Runs the vectors of test-vectors/ against this implementation: python3 check.py DIR [--slow] [--mutate [N]] ...

    --slow      derives the RSA keys of 4096 bits as well
    --mutate    changes one bit in every 7th (every Nth) byte of each hexadecimal field that reading consumes, in up to
                300 bytes of a field, or characters of a text: all must be refused, or give another answer where one is
                computed from the field
    --all       without that cap
    --only      reads the files with this in their names alone

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import argparse
import collections
import json
import pathlib
import sys

import devices_own_checks
import identity
import keyring_own_checks
import kinds
import kinds_envelopes
import own_checks
import recovery_own_checks
import rooms_own_checks
import sealroom
import single_epoch_checks
import vectors
import wire
from kinds import KINDS
from vectors import Tape, raw

MOST = 300  # bytes of a field; of several fields of one name together
SLOW = {"recovery": 10, "history": 10}  # times less
RESULT = "result", "check"
UNORDERED = {"missing", "problems"}
NOT_CHANGED = {"kind", "pkcs8", "do", "fingerprint"}  # of keys and steps


class Skipped(Exception):
    pass


def same(what, one, other):
    assert one == other, f"{what}: {str(one)[:80]} for {str(other)[:80]}"


def outcome(result):
    return result["result"] + (f" {result['check']}" if result.get("check") else "")


def check_vector(vector, options):
    """Compares the answer; another class of error is no failure, and is reported. VEC-02"""
    if vector["kind"] not in KINDS:
        raise AssertionError(f"unknown kind: {vector['kind']}")
    if vector["kind"] == "identity":
        check_text(vector)
    if takes_long(vector) and not options.slow:
        raise Skipped
    found = kinds.answer(request(vector))
    accepted = "ok" in (found["result"], vector["result"])
    if accepted:
        same("result", outcome(found), outcome(vector))
    differences = check_fields(vector, found, accepted)
    if accepted and vector["kind"] == "envelope":
        check_envelope(vector)
    if accepted and vector.get("random") and KINDS[vector["kind"]].seal:
        check_sealing(vector)
    differences += difference(found, vector)
    return ", ".join(dict.fromkeys(differences))


def difference(found, expected):
    return [f"{outcome(found)} for {outcome(expected)}"] if outcome(found) != outcome(expected) else []


def check_fields(vector, found, accepted):
    """What is compared; of some kinds also where a part is refused. Other classes of error of parts."""
    kind, differences = KINDS[vector["kind"]], []
    for name in kind.compared:
        assert not accepted or (name in found) == (name in vector), f"{name}: missing"
        if name == kind.parts and name in found:
            for number, (one, part) in enumerate(zip(found[name], vector[name], strict=True)):
                part = vectors.divided(part)[1]
                if "ok" not in (one.get("result", "ok"), part.get("result", "ok")):
                    differences += difference(one, part)
                    one, part = ({key: given[key] for key in given if key not in RESULT} for given in (one, part))
                same(f"{name} {number}", one, part)
        elif name in found and name not in kind.random(vector):
            same(name, *(in_order(name, one[name]) for one in (found, vector)))
    return differences


def in_order(name, value):
    return sorted(value, key=lambda one: str(sorted(one.items()))) if name in UNORDERED else value


def request(vector):
    """The inputs of a vector; the content of a state that stands alone is one."""
    alone = vector["kind"] == "state" and vector.get("state") is None
    return vectors.inputs(vector) | ({"content": vector["content"]} if alone else {})


def takes_long(vector):
    """RSA keys of 4096 bits from seeds."""
    return vector["result"] == "ok" and (vector.get("profile") == "rsa4096" or vector.get("bits", 0) > 3072)


def check_text(vector):
    """The signature is random under RSA."""
    decoded = identity.identity_from_text(vector["text"])
    same("text", decoded.encode().hex(), vector["body"] + vector["signature"])


def check_sealing(vector):
    """Seals again from the same random bytes."""
    tape = Tape(raw(vector, "random"))
    for name, sealed in vectors.plain(KINDS[vector["kind"]].seal(vector, tape)).items():
        same(f"{name} sealed again", sealed, vector[name])
    sender = vector.get("sender") if vector["kind"] == "envelope" else None
    if not sender or vectors.read_sender(sender).identity.profile == identity.P256:  # else what the blinding took follows
        tape.end()


def check_envelope(vector):
    """What else an envelope must give."""
    envelope, content = raw(vector, "envelope"), raw(vector, "content")
    sender = vectors.read_sender(vector.get("sender"))
    for opener in kinds_envelopes.openers(vector):
        opened = opener()
        same("public_data", opened.header.public_data.hex(), vector.get("public_data", ""))
        same("signer", opened.signer, sender and sender.identity.fingerprint)
        same("header", opened.header.encode(), envelope[: opened.header.length])
        assert opened.verified == bool(sender)
        for offset, length in ((0, 10), (5, 20000), (16380, 10), (len(content) - 3, 100), (len(content) + 9, 1)):
            offset = max(offset, 0)
            part, whole = sealroom.read_at(
                lambda start, end: envelope[start:end], len(envelope), opened.header, opened.commitment, opened.dek,
                offset, length,
            )
            same("length", whole, len(content))
            same("read at an offset", part, content[offset : offset + length])
    plain = vector.get("padding") == "none" and not vector["public_data"] and not vector["decoys"]
    by_p256 = sender and sender.identity.profile == identity.P256
    if plain and by_p256 and all(key["kind"] == "p256" for key in vector["keys"]):
        same("size", size(len(content), len(vector["keys"])), len(envelope))


def size(length, readers):
    """ENV-06"""
    entries = 48 * readers
    prefix = len(wire.vector(bytes(entries))) - entries
    group = 66 + prefix + entries
    return 260 + len(wire.vector(bytes(group))) - group + prefix + entries + length + 16 * (length // 16384)


# One bit changed


def hex_fields(value, path=()):
    """The paths of the hexadecimal fields in a value."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        for name, one in value.items() if isinstance(value, dict) else enumerate(value):
            if name not in NOT_CHANGED:
                yield from hex_fields(one, (*path, name))


def at(value, path):
    return at(value[path[0]], path[1:]) if path else value


def put(value, path, new):
    """A copy of a value with another one at a path."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


def needed(inputs, name):
    """Whether there is a field, and reading fails without it."""
    if not inputs.get(name):
        return False
    try:
        return kinds.answer({key: value for key, value in inputs.items() if key != name})["result"] != "ok"
    except Exception:  # noqa: BLE001
        return True


def unread(vector):
    """A field of which not all is read: packages of a room that was given up."""
    return "packages" if vector["id"] == "recovery-given-up" else None


def check_mutations(vector, options):
    kind, inputs = KINDS[vector["kind"]], request(vector)
    names = [name.rstrip("?") for name in kind.consumed + kind.computed if "?" not in name or needed(inputs, name[:-1])]
    names = [name for name in names if name != unread(vector)]
    fields = [(name, *path) for name in names for path in hex_fields(inputs.get(name))]
    if not fields:
        raise Skipped
    expected, counts = kinds.answer(inputs), collections.Counter(path[0] for path in fields)
    for path in fields:
        if path[0] == "keys":  # each of which reads alone
            inputs, path = request(vector) | {"keys": [vector["keys"][path[1]]]}, ("keys", 0, *path[2:])
        text = ":" in at(inputs, path)
        data = at(inputs, path).encode() if text else bytes.fromhex(at(inputs, path))
        most = MOST // SLOW.get(vector["kind"], 1) // counts[path[0]] + 1
        step = options.mutate if options.all else max(options.mutate, len(data) // most + 1)
        for place in range(0, len(data), step):
            changed = bytearray(data)
            changed[place] ^= 1 << (place // step + place) % (7 if text else 8)
            found = kinds.answer(put(inputs, path, changed.decode() if text else changed.hex()))
            noticed = found != expected if path[0] in kind.computed else found["result"] != "ok"
            assert noticed, f"byte {place} of {'.'.join(map(str, path))} changed, and not noticed"


# Running


def check_own(vector, _):
    vector["check"]()


def check_twice(*_):
    raise AssertionError("an id that not one vector has alone")


def run(name, given, check, options):
    passed, failed, skipped, differing = 0, 0, 0, 0
    for vector in given:
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
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", default="", metavar="NAME")
    options = parser.parse_args()
    paths = [path for path in sorted(options.directory.glob("[0-9]*/*.json")) if options.only in str(path)]
    files = {path: json.loads(path.read_text())["vectors"] for path in paths}
    results = []
    for path, given in files.items():
        results.append(run(f"{path.parent.name}/{path.name}", given, check_vector, options))
    if options.mutate:
        given = [vector for given in files.values() for vector in given if vector["result"] == "ok"]
        results.append(run("one bit changed", given, check_mutations, options))
    own = [("what no vector covers", own_checks), ("rooms made here", rooms_own_checks)]
    own += [("keyrings made here", keyring_own_checks), ("devices made here", devices_own_checks)]
    own += [("recovered from bad servers", recovery_own_checks)]
    for title, module in own:
        cases = [{"id": name, "check": check} for name, check in vars(module).items() if name.startswith("check_")]
        results.append(run(title, cases, check_own, options))
    results.append(run("readers of one epoch", single_epoch_checks.cases(list(files.values())), check_own, options))
    print("".join(f"  {what}: {count}\n" for what, count in sorted(single_epoch_checks.TOLD.items())), end="")
    ids = collections.Counter(vector["id"] for given in files.values() for vector in given)
    twice = [{"id": name} for name, count in ids.items() if count > 1]
    results.append(run("ids that two vectors have", twice, check_twice, options))  # VEC-01
    passed, failed = (sum(column) for column in zip(*results))
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
