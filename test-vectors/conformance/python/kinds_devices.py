"""Kinds of test vectors: linked devices, certificates and proofs. SPEC.md §22, §23.

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import algorithms
import devices
import identity
import vectors
import wire
from devices import LinkRequest, Verifier
from vectors import Draw, Vector, kind, private_key, raw, read_sender

# §22


def write_request(vector: Vector, draw: Draw | None = None) -> dict:
    private, request = devices.make_request(draw)
    return {"pkcs8": algorithms.pkcs8_of(private), "text": request.to_text()}


@kind("link_request", "encryption_key echo", computed="text", seal=write_request)
def read_request(vector):
    request = devices.request_from_text(vector["text"])
    assert request.to_text() == vector["text"], "encoded again"
    return {"encryption_key": request.point, "echo": request.echo}


def linked_fields(linked: devices.Linked) -> dict:
    return {"generations": [public.fingerprint for _, public in linked.generations]}


def seal_answer(vector: Vector, draw: Draw | None = None) -> dict:
    point = algorithms.point_of(private_key(vector["pkcs8"]).public_key())
    linked = devices.decode_link(raw(vector, "content"), raw(vector, "echo"))
    request = LinkRequest(point, raw(vector, "echo"))
    return {"answer": devices.seal_answer(request, linked, read_sender(vector["sender"]), draw)}


@kind("link_answer", "generations code", consumed="answer echo", seal=seal_answer)
def read_answer(vector):
    private = private_key(vector["pkcs8"])
    request = LinkRequest(algorithms.point_of(private.public_key()), raw(vector, "echo"))
    linked = devices.open_answer(raw(vector, "answer"), private, request)
    return linked_fields(linked) | {"code": linked.code}


def seal_linked(vector: Vector, draw: Draw | None = None) -> dict:
    linked = devices.decode_link(raw(vector, "content"), devices.NOTHING)
    return {"state": devices.adopt(linked, True, raw(vector, "kek"), draw)}


@kind("linked_state", "generations content", consumed="state kek", seal=seal_linked)
def read_linked_state(vector):
    linked = devices.open_adopted(raw(vector, "state"), raw(vector, "kek"))
    return linked_fields(linked) | {"content": linked.encode(devices.NOTHING)}


# §23


@kind("certificate", "device_id device_key not_before not_after digest", consumed="certificate identity")
def read_certificate(vector):
    found = devices.decode_certificate(raw(vector, "certificate"))
    account = identity.decode_identity(raw(vector, "identity"))
    devices.check_certificate(found, account, vector["now"], vector["tolerance"])
    names = {"device_id": found.device_id, "device_key": found.device_key, "not_before": found.not_before}
    return names | {"not_after": found.not_after, "digest": wire.sha256(found.signed())}


def verify(verifier: Verifier, account: identity.PublicIdentity, given: dict) -> dict:
    request = devices.Request(*(raw(given, name) for name in ("audience", "method", "target", "body", "server_nonce")))
    proof = devices.proof_from_text(given["proof"])
    certificate = devices.verify_proof(verifier, proof, account, request, given["now"])
    _, time, nonce, _ = devices.decode_proof(proof)
    input_ = devices.request_input(certificate.encode(), request, time, nonce)
    digest = wire.sha256(devices.signed_request(certificate.encode(), request, time, nonce))
    return {"device_id": certificate.device_id, "time": time, "nonce": nonce, "input": input_, "digest": digest}


@kind("request_proof", "device_id time nonce input digest",
      consumed="proof identity audience method target body server_nonce")
def read_proof(vector):
    return verify(Verifier(vector["tolerance"]), identity.decode_identity(raw(vector, "identity")), vector)


@kind("proof_sequence", "requests", consumed="identity", computed="requests", parts="requests")
def read_sequence(vector):
    verifier, account = Verifier(vector["tolerance"]), identity.decode_identity(raw(vector, "identity"))
    answers = [vectors.outcome(lambda given: verify(verifier, account, given), one) for one in vector["requests"]]
    answers = [{name: one[name] for name in ("result", "check") if name in one} for one in answers]
    return vectors.first_refusal(answers[::-1]) | {"requests": answers}
