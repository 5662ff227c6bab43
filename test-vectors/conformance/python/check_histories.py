"""What check.py does with histories of rooms: the reader takes one step after the other.

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import algorithms
import identity
import room_state
import room_statements
import sealroom
import wire
from check_kinds import data, room_of

BECAME = {"changed": "switched", "completed": "past", "behind": "ahead", "not kept": "fork not kept"}


class Reader:
    def __init__(self, vector):
        self.state = None
        self.keys = [
            sealroom.PrivateKey(algorithms.private_from_pkcs8(data(key, "pkcs8")), data(key, "recipient_id"))
            for key in vector["keys"]
        ]
        people = [identity.decode_identity(data(one, "identity")) for one in vector["people"]]
        self.people = {one.fingerprint: one for one in people}

    def join(self, step):
        earlier = [bytes.fromhex(package) for package in step["past"]]
        inviter = data(step, "inviter")
        self.state = room_state.join(data(step, "package"), self.keys, inviter, self.people, earlier, self.state)

    def recover(self, step):
        packages = [bytes.fromhex(package) for package in step["packages"]]
        self.state, _ = room_state.recover(packages, self.keys, self.people)

    def apply(self, step):
        self.state, became = room_state.apply(self.state, data(step, "package"), self.keys, self.people)
        return {"became": BECAME.get(became, became)}

    def catch_up(self, step):
        packages = [bytes.fromhex(package) for package in step["packages"]]
        self.state, became = room_state.catch_up(self.state, packages, self.keys, self.people)
        # What was taken on the way to a later one may be called held.
        refused = sum(one.startswith("refused") for one in became)
        assert refused == sum(answer["result"] != "ok" for answer in step["answers"]), became

    def message(self, step):
        self.state, received = room_state.receive(self.state, data(step, "message"), self.people)
        message = received.message
        return {"sender": message.sender.hex(), "content": message.content.hex(), "sequence": message.sequence,
                "freshness": received.answer, "superseded": received.superseded, "sender_in_head": received.in_head}

    def grant(self, step):
        held = list(self.state.branch.values())
        fields = data(step, "grant"), self.keys, held, self.state.at_head, data(step, "granter"), self.people
        epochs = room_statements.open_grant(*fields)
        before = len(self.state.held)
        self.state = room_state.take_grant(self.state, epochs)
        return {"count": len(self.state.held) - before}

    def confirm(self, step):
        fields = self.state.at_head, data(step, "nonce"), data(step, "member"), self.people
        room_statements.check_head(data(step, "statement"), *fields)
        self.state = room_state.confirm(self.state)

    def leave(self, step):
        branch = sorted(self.state.branch.values(), key=lambda epoch: epoch.body.epoch)
        found = room_statements.check_leave(data(step, "statement"), self.state.room_id, branch, self.people)
        return {"member": found.hex()}

    def accept_head(self, _):
        self.state = room_state.accept(self.state)

    def settle(self, step):
        best = room_state.recommended(self.state).transcript
        if best != self.state.head:
            self.state = room_state.change_branch(self.state, best, self.keys)
        return {"recommended": best.hex()}


def check(vector, _):
    reader, differing = Reader(vector), []
    for place, step in enumerate(vector["steps"]):
        try:
            result, told = "ok", getattr(reader, step["do"])(step) or {}
        except wire.SealroomError as error:
            result, told = error.kind, {}
        at = f"step {place}, {step['do']}"
        assert (result == "ok") == (step["result"] == "ok"), f"{at}: {result} for {step['result']}"
        differing += [f"{result} for {step['result']} at {at}"] if result != step["result"] else []
        for name, value in told.items():
            assert value == step[name], f"{at}: {name} {value} for {step[name]}"
        if reader.state:
            assert reader.state.head.hex() == step["transcript"], f"{at}: another head"
            assert room_of(reader.state)["standing"] == step["standing"], at
    assert room_of(reader.state) == vector["room"], f"{room_of(reader.state)} for {vector['room']}"
    return differing[0] if differing else None
