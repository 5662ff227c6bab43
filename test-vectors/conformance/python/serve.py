"""Answers requests, a line of JSON each, as test-vectors/conformance/README.md says: python3 serve.py

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import json
import sys

import kinds
from kinds import KINDS


def respond(request: dict) -> dict:
    kind, op = KINDS.get(request.get("kind")), request.get("op")
    if kind is None:
        return {"result": "skipped", "reason": f"unknown kind: {request.get('kind')}"}
    if op == "read":
        return kinds.answer(request)
    if op == "seal" and kind.seal:
        return kinds.sealed(request)
    return {"result": "skipped", "reason": f"cannot {op} a vector of kind {request['kind']}"}


def serve(lines, out) -> None:
    for line in lines:
        request = json.loads(line)
        try:
            answer = respond(request)
        except Exception as error:  # noqa: BLE001: a fault of this program or of the request, and no class of §14
            answer = {"result": "failed", "reason": f"{type(error).__name__}: {error}"}
        print(json.dumps({"id": request["id"]} | answer), file=out, flush=True)


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
