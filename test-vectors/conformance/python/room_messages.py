"""Room messages and the guard against replays. SPEC.md §19.

An independent implementation, written from SPEC.md. Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass

import algorithms
import wire
from rooms import Epoch, People, find
from sealroom import ZERO_NONCE, Sender, padme
from wire import BadSignature, Decrypt, Limit, Malformed, Unknown, derive, integer, sha256, sign_input, vector

HEADER = 63
ROUTE = 39  # the header without the salt
SEEN, DEVICES = 64, 32


def route_of(epoch: Epoch) -> bytes:
    """The MessageHeader without its salt."""
    return wire.prefix(wire.ROOM_MESSAGE) + epoch.body.public_data + epoch.transcript[:8]


def digest(route: bytes, aad: bytes, content: bytes) -> bytes:
    return sha256(route + vector(aad) + vector(content))


def signed_bytes(signer, algorithm: int, epoch: Epoch, device: bytes, sequence: int, hashed: bytes) -> bytes:
    content = signer + integer(algorithm, 1) + epoch.transcript + device + integer(sequence, 8) + hashed
    return sign_input("room message", content)


def seal_message(
    epoch: Epoch, sender: Sender, device: bytes, sequence: int, content: bytes, aad: bytes = b"", padding: bool = False,
    random=None,
) -> bytes:
    """§19.1 to §19.3; `random` gives what the signature draws and then 32 bytes."""
    me = sender.identity.fingerprint
    place = integer([member for member, _ in epoch.body.roster].index(me), 4)
    route = route_of(epoch)
    hashed = digest(route, aad, content)
    signed = signed_bytes(me, sender.identity.algorithm, epoch, device, sequence, hashed)
    signature = algorithms.sign(sender.key, signed, random)
    plaintext = place + device + integer(sequence, 8) + vector(signature) + vector(content)
    plaintext += bytes(padme(len(plaintext)) - len(plaintext) if padding else 0)
    if len(plaintext) > wire.MAX_MESSAGE:  # RMSG-02
        raise Limit("message: too long")
    drawn = (random or os.urandom)(32)
    drawn += hashed + place + device + integer(sequence, 8) + vector(signature) + integer(len(plaintext), 8)
    salt = hmac.digest(derive(epoch.message_key, "message salt", b"", 32), drawn, "sha256")[:24]  # RMSG-06
    return encrypt(epoch, salt, plaintext, aad)


def encrypt(epoch: Epoch, salt: bytes, plaintext: bytes, aad: bytes) -> bytes:
    header, key = route_of(epoch) + salt, derive(epoch.message_key, "message", salt, 32)
    return header + algorithms.gcm_seal(key, ZERO_NONCE, plaintext, header + sha256(aad))


@dataclass(frozen=True)
class Message:
    epoch: Epoch
    sender: bytes
    device: bytes
    sequence: int
    content: bytes
    id: bytes


def check_form(data: bytes) -> None:
    """RMSG-02"""
    reader = wire.Reader(data[:HEADER])
    reader.prefix({wire.ROOM_MESSAGE})
    reader.take(HEADER - 7, "message header")
    if len(data) < HEADER + 20 + 2 + 1 + 16:
        raise Malformed("message: too short")
    if len(data) > HEADER + wire.MAX_MESSAGE + 16:
        raise Limit("message: too long")


def open_message(data: bytes, epochs: Iterable[Epoch], people: People, aad: bytes = b"") -> Message:
    """Opens and verifies a message under one of the epochs that are held, on whatever branch."""
    check_form(data)
    held = list(epochs)
    if held and all(epoch.body.room_id != data[7:23] for epoch in held):  # RMSG-01
        raise Malformed("message: another room")
    epochs = [epoch for epoch in held if route_of(epoch) == data[:ROUTE]]
    if not epochs:
        raise Unknown("an epoch that is not held")
    for epoch in epochs:
        key = derive(epoch.message_key, "message", data[ROUTE:HEADER], 32)
        try:
            plaintext = algorithms.gcm_open(key, ZERO_NONCE, data[HEADER:], data[:HEADER] + sha256(aad))
            break
        except Decrypt:
            continue
    else:
        raise Decrypt("decryption failed")
    return verify(epoch, plaintext, people, aad)


def verify(epoch: Epoch, plaintext: bytes, people: People, aad: bytes) -> Message:
    """RMSG-03, RMSG-05"""
    reader = wire.Reader(plaintext)
    try:
        place, device, sequence = reader.number(4, "sender"), reader.take(8, "device"), reader.number(8, "sequence")
        signature, content = reader.vector("signature"), reader.vector("content")
    except Malformed:
        raise Decrypt("decryption failed") from None
    if not signature or place >= len(epoch.body.roster) or any(plaintext[reader.at :]):
        raise Decrypt("decryption failed")
    fingerprint = epoch.body.roster[place][0]
    sender = find(people, fingerprint)
    hashed = digest(route_of(epoch), aad, content)
    signed = signed_bytes(fingerprint, sender.algorithm, epoch, device, sequence, hashed)
    if len(signature) != wire.SIGNATURE_BYTES[sender.algorithm]:
        raise BadSignature("signature")
    algorithms.verify(sender.signing_key, signature, signed)
    return Message(epoch, fingerprint, device, sequence, content, sha256(signed))


# Replays


@dataclass(frozen=True)
class SeenDevice:
    sender: bytes
    device: bytes
    used: int
    seen: tuple[tuple[int, bytes], ...]  # sequences and the first 16 bytes of ids, ascending


def answer(
    devices: tuple[SeenDevice, ...], used: int, sender: bytes, device: bytes, sequence: int, identifier: bytes,
    most_seen: int = SEEN, most_devices: int = DEVICES,
) -> tuple[str, tuple[SeenDevice, ...], int]:
    """`fresh N`, `duplicate`, `reused` or `old`; and what is kept after. RMSG-07, RMSG-08

    A reader of one epoch may keep less (ROOM-30): it says `old` and `fresh` of what it forgot.
    """
    kept = {(entry.sender, entry.device): entry for entry in devices}
    mine = kept.get((sender, device))
    seen, identifier = dict(mine.seen) if mine else {}, identifier[:16]
    if sequence in seen:
        return ("duplicate" if seen[sequence] == identifier else "reused"), devices, used
    if len(seen) == most_seen and sequence < min(seen):
        return "old", devices, used
    skipped = sequence - max(seen) - 1 if seen and sequence > max(seen) else 0
    used, seen = used + 1, seen | {sequence: identifier}
    kept[sender, device] = SeenDevice(sender, device, used, tuple(sorted(seen.items())[-most_seen:]))
    others = [entry for entry in kept.values() if entry.sender == sender]
    if len(others) > most_devices:
        silent = min(others, key=lambda entry: entry.used)
        del kept[silent.sender, silent.device]
    return f"fresh {skipped}", tuple(kept[key] for key in sorted(kept)), used
