"""Kinds of test vectors: rooms and their messages. SPEC.md §18, §19.

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import room_messages
import room_state
import room_statements
import rooms
from sealroom import Sender, SymmetricKey
from vectors import Draw, Vector, kind, private_key, raw, read_epoch, read_key, read_people, write_epoch

# §18


def room_fields(state: room_state.RoomState) -> dict:
    epochs = sorted(state.there.values(), key=lambda one: (one.body.epoch, one.transcript))
    names = {"room_id": state.room_id, "epoch": state.at_head.body.epoch, "transcript": state.head, "me": state.me}
    return names | {"standing": standing_of(state), "epochs": [
        {"epoch": one.body.epoch, "transcript": one.transcript, "secret": one.secret is not None,
         "branch": room_state.BRANCH if one.transcript in state.branch else room_state.EVIDENCE}
        for one in epochs
    ]}


def standing_of(state: room_state.RoomState) -> str:
    if state.behind:
        return f"behind {state.behind}"
    return "confirmed" if state.standing == room_state.CONFIRMED else "unconfirmed"


@kind("package", "room_id epoch transcript message_key epoch_kek previous_secret yielding code",
      consumed="package parent identities me key? secret? inviter?")
def read_package(vector):
    people, parent = read_people(vector), read_epoch(vector.get("parent"))
    keys = [SymmetricKey(parent.kek)] if parent and parent.secret else []
    keys += [read_key(vector["key"])] if vector.get("key") else []
    secrets = [raw(vector, "secret")] if vector.get("secret") else []
    package = rooms.open_package(raw(vector, "package"), keys, secrets, parent.body.room_id if parent else None)
    if parent:
        epoch = rooms.authorise(package, parent, people)
        rooms.need("ROOM-15", vector.get("me") is None or raw(vector, "me") in epoch.body.members, "not in the roster")
    else:
        epoch = rooms.check_first(package, raw(vector, "me"), raw(vector, "inviter"), people)
    payload = rooms.encode_payload(epoch.body, package.previous_secret, package.transition)
    assert payload == package.opened.content, "encoded again"
    return {
        "room_id": epoch.body.room_id, "epoch": write_epoch(epoch), "transcript": epoch.transcript,
        "message_key": epoch.message_key, "epoch_kek": epoch.kek, "previous_secret": package.previous_secret,
        "yielding": rooms.yields(epoch, parent), "code": rooms.code(epoch.transcript),
    }


@kind("leave", "member", consumed="statement room_id identities")
def read_leave(vector):
    since = [read_epoch(epoch) for epoch in vector["since"]]
    statement, room_id = raw(vector, "statement"), raw(vector, "room_id")
    return {"member": room_statements.check_leave(statement, room_id, since, read_people(vector))}


@kind("head", consumed="statement epoch nonce member identities")
def read_head(vector):
    statement, nonce, member = (raw(vector, name) for name in ("statement", "nonce", "member"))
    room_statements.check_head(statement, read_epoch(vector["epoch"]), nonce, member, read_people(vector))
    return {}


@kind("grant", "epochs", consumed="grant key granter identities")
def read_grant(vector):
    held, keys, granter = read_epoch(vector["epoch"]), [read_key(vector["key"])], raw(vector, "granter")
    epochs = room_statements.open_grant(raw(vector, "grant"), keys, [held], held, granter, read_people(vector))
    return {"epochs": [write_epoch(epoch) for epoch in epochs]}


@kind("state", "content", consumed="state kek")
def read_state(vector):
    content = raw(vector, "content")
    if vector.get("state") is not None:
        content = room_state.open_content(raw(vector, "state"), raw(vector, "kek"))
    encoded = room_state.encode_state(room_state.decode_state(content))
    assert encoded == content, "encoded again"
    return {"content": encoded}


@kind("settle", "transcript")
def read_settle(vector):
    first, *epochs = [read_epoch(epoch) for epoch in vector["epochs"]]
    held = [epoch for epoch in epochs if epoch.secret]  # else it is only read. §18.5
    return {"transcript": room_state.settle(held, first).transcript}


# §19


def seal_message(vector: Vector, draw: Draw | None = None) -> dict:
    by = Sender(private_key(vector["pkcs8"]), read_people(vector)[raw(vector, "sender")])
    device, content, aad = (raw(vector, name) for name in ("device", "content", "aad"))
    padding = vector["padding"] == "padme"
    epoch, sequence = read_epoch(vector["epoch"]), vector["sequence"]
    return {"message": room_messages.seal_message(epoch, by, device, sequence, content, aad, padding, draw)}


@kind("message", "sender device sequence content message_id", consumed="message aad epoch identities",
      seal=seal_message)
def read_message(vector):
    epoch, people = read_epoch(vector["epoch"]), read_people(vector)
    opened = room_messages.open_message(raw(vector, "message"), [epoch], people, raw(vector, "aad"))
    names = {"sender": opened.sender, "device": opened.device, "sequence": opened.sequence}
    return names | {"content": opened.content, "message_id": opened.id}


@kind("replays", "answers")
def read_replays(vector):
    devices, used, answers = (), 0, []
    for seen in vector["seen"]:
        one, devices, used = room_messages.answer(
            devices, used, bytes(32), raw(seen, "device"), seen["sequence"], raw(seen, "id")
        )
        answers.append(one)
    return {"answers": answers}
