"""Leave statements, head statements and history grants of rooms. SPEC.md §18.6 to §18.8.

An independent implementation, written from SPEC.md. Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import hmac

import algorithms
import sealroom
import wire
from header import PAD_NONE, decode_header
from identity import PublicIdentity
from rooms import Epoch, People, find, form_of, need, read_body
from sealroom import Recipient, Sender
from wire import NONE, SIGNATURE_BYTES, BadSignature, Malformed, Unsupported, integer, sign_input, vector


def make_statement(kind: int, label: str, fields: bytes, sender: Sender, random=None) -> bytes:
    """`fields` are those up to `member`."""
    algorithm = integer(sender.identity.algorithm, 1)
    signature = algorithms.sign(sender.key, sign_input(label, fields + algorithm), random)
    return wire.prefix(kind) + fields + algorithm + signature


def read_statement(data: bytes, kind: int, lengths: tuple[int, ...]) -> tuple[list[bytes], int, bytes]:
    reader = wire.Reader(data)
    reader.prefix({kind})
    fields = [reader.take(length, "statement") for length in lengths]
    algorithm = reader.number(1, "algorithm")
    if algorithm not in SIGNATURE_BYTES:
        raise Unsupported("algorithm")
    if algorithm == NONE:
        raise Malformed("algorithm")
    signature = reader.take(SIGNATURE_BYTES[algorithm], "signature")
    reader.end("statement")
    return fields, algorithm, signature


def decode_leave(data: bytes) -> tuple[list[bytes], int, bytes]:
    return read_statement(data, wire.LEAVE_STATEMENT, (16, 32, 32))


def decode_head(data: bytes) -> tuple[list[bytes], int, bytes]:
    return read_statement(data, wire.HEAD_STATEMENT, (16, 8, 32, 32, 32))


def check_statement(label: str, fields: list[bytes], algorithm: int, signature: bytes, people: People) -> None:
    member = find(people, fields[-1])
    if member.algorithm != algorithm:
        raise BadSignature("algorithm")
    algorithms.verify(member.signing_key, signature, sign_input(label, b"".join(fields) + integer(algorithm, 1)))


def make_leave(epoch: Epoch, sender: Sender, random=None) -> bytes:
    fields = epoch.body.room_id + epoch.transcript + sender.identity.fingerprint
    return make_statement(wire.LEAVE_STATEMENT, "leave", fields, sender, random)


def check_leave(data: bytes, room_id: bytes, branch: list[Epoch], people: People) -> bytes:
    """The member who wants to leave; `branch` is the reader's, in ascending order. ROOM-21"""
    fields, algorithm, signature = decode_leave(data)
    room, transcript, member = fields
    need("ROOM-21", room == room_id, "another room")
    places = [place for place, epoch in enumerate(branch) if epoch.transcript == transcript]
    need("ROOM-21", places, "an epoch that is not on the reader's branch")
    need("ROOM-21", all(member in epoch.body.members for epoch in branch[places[0] :]), "not in every roster since")
    check_statement("leave", fields, algorithm, signature, people)
    return member


def make_head(epoch: Epoch, nonce: bytes, sender: Sender, random=None) -> bytes:
    fields = epoch.body.public_data + epoch.transcript + nonce + sender.identity.fingerprint
    return make_statement(wire.HEAD_STATEMENT, "head", fields, sender, random)


def check_head(data: bytes, head: Epoch, nonce: bytes, member: bytes, people: People) -> None:
    """`member` is who the application named. ROOM-23"""
    fields, algorithm, signature = decode_head(data)
    body = head.body
    need("ROOM-23", fields[:3] == [body.room_id, integer(body.epoch, 8), head.transcript], "another head")
    need("ROOM-23", hmac.compare_digest(fields[3], nonce), "another nonce")
    need("ROOM-23", fields[4] == member and member in body.members, "another member")
    check_statement("head", fields, algorithm, signature, people)


# History grants


def encode_granted(epoch: Epoch) -> bytes:
    return epoch.signer + epoch.body.encode() + epoch.commitment + epoch.message_key


def make_grant(epochs: list[Epoch], sender: Sender, readers: list[PublicIdentity], random=None) -> bytes:
    """§18.8; the epochs in ascending order."""
    room_id = epochs[0].body.room_id
    content = room_id + vector(b"".join(encode_granted(epoch) for epoch in epochs))
    recipients = [Recipient(reader.encryption_key, reader.fingerprint) for reader in readers]
    return sealroom.seal_parts(content, recipients, wire.HISTORY_GRANT, sender, False, room_id, 0, random).envelope


def open_grant(
    data: bytes, keys: list, branch: list[Epoch], head: Epoch, granter: bytes, people: People
) -> list[Epoch]:
    """The granted epochs; `branch` are the epochs of the reader's. ROOM-25"""
    header = decode_header(data)
    if header.content_type != wire.HISTORY_GRANT:
        raise Unsupported("type: not a history grant")
    if header.signature == NONE:
        raise Malformed("signature: none")
    if header.padding != PAD_NONE:
        raise Malformed("padding")
    if header.public_data != head.body.room_id:
        raise Malformed("public data: another room")
    deks = (dek for key in keys for dek in sealroom.unwrap(header, key))
    opened = sealroom.open_parts(data, header, deks, None, None)
    with form_of("ROOM-25"):
        reader, epochs = wire.Reader(opened.content), []
        room_id, inner = reader.take(16, "room_id"), wire.Reader(reader.vector("epochs"))
        reader.end("grant")
        while inner.left():
            signer, body = inner.take(32, "signer"), read_body(inner)
            commitment, message_key = inner.take(32, "commitment"), inner.take(32, "message_key")
            epochs.append(Epoch(signer, body, commitment, granted=message_key))
    sealroom.verify_signer(opened, find(people, granter))
    need("ROOM-25", granter in head.body.members, "a granter who is not in the roster")
    need("ROOM-25", epochs and room_id == head.body.room_id, "no epochs, or another room")
    for epoch in epochs:
        same_room = epoch.body.room_id == room_id and epoch.body.history == head.body.history
        need("ROOM-25", same_room, "an epoch of another room or policy")
    for one, two in zip(epochs, epochs[1:]):
        follows = two.body.epoch == one.body.epoch + 1 and two.body.previous_transcript == one.transcript
        need("ROOM-25", follows, "epochs that do not follow")
    next_ones = [e for e in branch if e.body.previous_transcript == epochs[-1].transcript]
    need("ROOM-25", any(e.body.epoch == epochs[-1].body.epoch + 1 for e in next_ones), "does not lead to the branch")
    return epochs


def merge_grant(held: dict[bytes, Epoch], epochs: list[Epoch]) -> dict[bytes, Epoch]:
    """Held epochs, by transcript, after a grant: what is held stays. §18.8"""
    return {epoch.transcript: epoch for epoch in epochs} | held
