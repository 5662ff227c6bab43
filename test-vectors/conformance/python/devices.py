"""Linked devices, device certificates and request proofs. SPEC.md §22 and §23.

An independent implementation, written from SPEC.md. Dedicated to the public domain under CC0 1.0, like SPEC.md.
Clear rather than fast, and not for keys in use: Python does not run in constant time and cannot erase memory.
"""

import hmac
import os
from dataclasses import dataclass, field

import algorithms
import identity
import sealroom
import wire
from header import P256_GROUP, PAD_LENGTH, decode_header
from identity import PublicIdentity
from sealroom import PrivateKey, Recipient, Sender
from wire import NONE, SIGNATURE_BYTES, BadSignature, Link, Malformed, Proof, Unsupported, integer, sha256
from wire import sign_input, vector

NOTHING = bytes(32)  # the echo of what is stored
LAST = 2**64 - 1


def draw_key(draw):
    """A fresh P-256 key pair."""
    return algorithms.derive_key_pair(draw(32))


# Link requests


@dataclass(frozen=True)
class LinkRequest:
    point: bytes
    echo: bytes

    def encode(self) -> bytes:
        return wire.prefix(wire.LINK_REQUEST) + self.point + self.echo

    def to_text(self) -> str:
        return wire.to_text("slrm-link:", self.encode())


def make_request(draw=None) -> tuple[object, LinkRequest]:
    """The private key and the request, which stay in memory. §22.1"""
    draw = draw or os.urandom
    private = draw_key(draw)
    return private, LinkRequest(algorithms.point_of(private.public_key()), draw(32))


def decode_request(data: bytes) -> LinkRequest:
    reader = wire.Reader(data)
    reader.prefix({wire.LINK_REQUEST})
    point, echo = reader.take(65, "encryption_key"), reader.take(32, "echo")
    reader.end("link request")
    algorithms.point_key(point, "encryption_key")
    return LinkRequest(point, echo)


def request_from_text(text: str) -> LinkRequest:
    return decode_request(wire.from_text("slrm-link:", text, 104))


# Answers


@dataclass(frozen=True)
class Linked:
    """The secrets and public identities of generations 0 to g, and the transitions between them."""

    generations: tuple[tuple[bytes, PublicIdentity], ...]
    transitions: tuple[bytes, ...]

    @property
    def last(self) -> PublicIdentity:
        return self.generations[-1][1]

    @property
    def code(self) -> str:
        """What the users of both devices compare. LNK-04"""
        digits = identity.half(self.last.fingerprint)
        return " ".join(digits[i : i + 5] for i in range(0, 30, 5))

    def contains(self, fingerprint: bytes) -> bool:
        """Whether the identity that a device adopted before is among them; if not, its user is told. §22.2"""
        return any(public.fingerprint == fingerprint for _, public in self.generations)

    def signing_key(self) -> object:
        return identity.keys_of(self.generations[-1][0], self.last.profile)[1]

    def encode(self, echo: bytes) -> bytes:
        generations = b"".join(secret + public.encode() for secret, public in self.generations)
        return echo + vector(generations) + vector(b"".join(self.transitions))


def link(check: str, condition: object, text: str = "") -> None:
    if not condition:
        raise Link(check, text)


def decode_link(data: bytes, echo: bytes) -> Linked:
    """LNK-03"""
    try:
        reader = wire.Reader(data)
        given, inner, generations = reader.take(32, "echo"), wire.Reader(reader.vector("generations")), []
        while inner.left():
            generations.append((inner.take(32, "secret"), identity.read_identity(inner)))
        inner, transitions = wire.Reader(reader.vector("transitions")), []
        while inner.left():
            start = inner.at
            identity.read_transition(inner)
            transitions.append(inner.data[start : inner.at])
        reader.end("device link")
    except wire.SealroomError as error:
        raise Link("LNK-03", str(error)) from None
    link("LNK-03", len(generations) <= wire.MAX_GENERATIONS, "too many generations")
    link("LNK-03", hmac.compare_digest(given, echo), "another echo")
    return Linked(tuple(generations), tuple(transitions))


def check_chain(linked: Linked) -> None:
    """LNK-06"""
    publics = [public for _, public in linked.generations]
    link("LNK-06", publics and publics[0].generation == 0, "the first generation")
    link("LNK-06", len(linked.transitions) == len(publics) - 1, "transitions")
    for old, new, data in zip(publics, publics[1:], linked.transitions):
        try:
            led = identity.accept_transition(old, data)
        except wire.SealroomError as error:
            raise Link("LNK-06", str(error)) from None
        link("LNK-06", led.body == new.body, "a transition to another identity")


def check_keys(linked: Linked) -> None:
    """LNK-08"""
    for secret, public in linked.generations:
        link("LNK-08", public.profile != identity.RSA_2048, "profile")
        keys = identity.keys_of(secret, public.profile)
        expected = public.encryption_key, public.signing_key
        spkis = [[algorithms.spki_of(key) for key in found] for found in ([k.public_key() for k in keys], expected)]
        link("LNK-08", spkis[0] == spkis[1], "keys of another secret")


def answer(request: LinkRequest, linked: Linked, confirmed: bool, random=None) -> bytes:
    """What a linking device sends, when its user confirmed. LNK-01, LNK-05: to the fresh key of the request only."""
    if not confirmed:
        raise ValueError("the user did not confirm")
    check_chain(linked)
    check_keys(linked)
    return seal_answer(request, linked, Sender(linked.signing_key(), linked.last), random)


def seal_answer(request: LinkRequest, linked: Linked, sender: Sender, random=None) -> bytes:
    public = algorithms.point_key(request.point, "encryption_key")
    to, content = [Recipient(public, sealroom.bare_id(public))], linked.encode(request.echo)
    return sealroom.seal_parts(content, to, wire.DEVICE_LINK, sender, True, b"", 0, random).envelope


def open_answer(data: bytes, private: object, request: LinkRequest) -> Linked:
    """What the new device shows the code of; it adopts it when its user agrees. LNK-02 to LNK-08"""
    header = decode_header(data)
    if header.content_type != wire.DEVICE_LINK:
        raise Unsupported("type: not an answer")
    entries = [len(stanza.entries) for stanza in header.stanzas if stanza.type == P256_GROUP]
    if len(header.stanzas) != 1 or entries != [1] or header.padding != PAD_LENGTH:
        raise Malformed("LNK-02 stanzas or padding")
    if header.signature == NONE or header.public_data:
        raise Malformed("LNK-02 signature or public data")
    key = PrivateKey(private, sealroom.bare_id(private.public_key()))
    opened = sealroom.open_parts(data, header, sealroom.unwrap(header, key), None, None)
    linked = decode_link(opened.content, request.echo)
    check_chain(linked)
    try:
        sealroom.verify_signer(opened, linked.last)
    except BadSignature as error:
        raise Link("LNK-07", str(error)) from None
    check_keys(linked)
    return linked


def adopt(linked: Linked, agreed: bool, key: bytes, random=None) -> bytes:
    """What is stored when the user said that the codes agree. LNK-04, §22.3"""
    if not agreed:
        raise ValueError("the user did not agree")
    return sealroom.seal_own(linked.encode(NOTHING), wire.DEVICE_LINK, key, random)


def open_adopted(data: bytes, key: bytes) -> Linked:
    """LNK-09"""
    linked = decode_link(sealroom.open_own(data, wire.DEVICE_LINK, [key]), NOTHING)
    check_chain(linked)
    check_keys(linked)
    return linked


# Certificates


@dataclass(frozen=True)
class Certificate:
    identity: bytes
    device_id: bytes
    device_key: bytes  # a point
    not_before: int
    not_after: int
    algorithm: int
    signature: bytes = b""

    def body(self) -> bytes:
        data = wire.prefix(wire.DEVICE_CERTIFICATE) + self.identity + self.device_id + self.device_key
        return data + integer(self.not_before, 8) + integer(self.not_after, 8) + integer(self.algorithm, 1)

    def encode(self) -> bytes:
        return self.body() + self.signature

    def signed(self) -> bytes:
        return sign_input("device certificate", self.body())


def make_certificate(
    sender: Sender, device_id: bytes, device_public: object, not_before: int, not_after: int, random=None
) -> bytes:
    fields = sender.identity.fingerprint, device_id, algorithms.point_of(device_public), not_before, not_after
    made = Certificate(*fields, sender.identity.algorithm)
    data = made.body() + algorithms.sign(sender.key, made.signed(), random)
    decode_certificate(data)  # write nothing that is refused
    return data


def read_certificate(reader: wire.Reader) -> Certificate:
    """CRT-04"""
    reader.prefix({wire.DEVICE_CERTIFICATE})
    names, point = (reader.take(32, "identity"), reader.take(16, "device_id")), reader.take(65, "device_key")
    times = reader.number(8, "not_before"), reader.number(8, "not_after")
    algorithm = reader.number(1, "algorithm")
    algorithms.point_key(point, "device_key")
    if algorithm not in SIGNATURE_BYTES:
        raise Unsupported("algorithm")
    if algorithm == NONE:
        raise Malformed("algorithm")
    if times[0] >= times[1]:
        raise Malformed("CRT-04 not_after")
    return Certificate(*names, point, *times, algorithm, reader.take(SIGNATURE_BYTES[algorithm], "signature"))


def decode_certificate(data: bytes) -> Certificate:
    reader = wire.Reader(data)
    found = read_certificate(reader)
    reader.end("certificate")
    return found


def prove(check: str, condition: object, text: str = "") -> None:
    if not condition:
        raise Proof(check, text)


def check_signed(check: str, public: object, signature: bytes, message: bytes) -> None:
    try:
        algorithms.verify(public, signature, message)
    except BadSignature:
        raise Proof(check, "signature") from None


def check_certificate(certificate: Certificate, account: PublicIdentity, now: int, tolerance: int) -> None:
    """CRT-01, CRT-03; `account` is the identity that it has now. CRT-02"""
    named = hmac.compare_digest(certificate.identity, account.fingerprint)
    prove("CRT-01", named and certificate.algorithm == account.algorithm, "another identity")
    check_signed("CRT-01", account.signing_key, certificate.signature, certificate.signed())
    prove("CRT-03", min(now + tolerance, LAST) >= certificate.not_before, "not yet valid")
    prove("CRT-03", max(now - tolerance, 0) < certificate.not_after, "over")


# Request proofs


@dataclass(frozen=True)
class Request:
    """A request as it is sent, or as a verifier received it, with the verifier's own audience."""

    audience: bytes
    method: bytes
    target: bytes
    body: bytes = b""
    server_nonce: bytes = b""  # what the verifier demands, or empty


def request_input(certificate: bytes, request: Request, time: int, nonce: bytes) -> bytes:
    data = sha256(certificate) + vector(request.audience) + vector(request.method)
    data += sha256(request.target) + sha256(request.body)
    return data + integer(time, 8) + nonce + vector(request.server_nonce)


def signed_request(certificate: bytes, request: Request, time: int, nonce: bytes) -> bytes:
    return sign_input("request proof", request_input(certificate, request, time, nonce))


def check_lengths(check: str, request: Request) -> None:
    lengths = 0 < len(request.audience) < 256, 0 < len(request.method) < 33, len(request.server_nonce) < 65
    prove(check, all(lengths), "length")


def make_proof(private: object, certificate: bytes, request: Request, time: int, nonce: bytes = b"") -> bytes:
    check_lengths("PRF-06", request)
    nonce = nonce or os.urandom(16)
    signature = algorithms.sign(private, signed_request(certificate, request, time, nonce))
    return wire.prefix(wire.REQUEST_PROOF) + certificate + integer(time, 8) + nonce + signature


def proof_to_text(data: bytes) -> str:
    return wire.to_text("slrm-proof:", data)


def proof_from_text(text: str) -> bytes:
    return wire.from_text("slrm-proof:", text)


def decode_proof(data: bytes) -> tuple[Certificate, int, bytes, bytes]:
    """Certificate, time, nonce and signature. PRF-02"""
    reader = wire.Reader(data)
    reader.prefix({wire.REQUEST_PROOF})
    found = read_certificate(reader), reader.number(8, "time"), reader.take(16, "nonce"), reader.take(64, "signature")
    reader.end("proof")
    return found


@dataclass
class Verifier:
    """What a verifier remembers, for all servers of an audience."""

    tolerance: int = 60
    latest: int = 0  # the greatest time that its clock had
    lost: int | None = None  # what `latest` was when it lost what it remembered, by a restart say
    seen: dict[bytes, int] = field(default_factory=dict)  # hashes of what was signed, and the times there


def verify_proof(verifier: Verifier, data: bytes, account: PublicIdentity, request: Request, now: int) -> Certificate:
    """PRF-01: the checks in their order; what was verified is remembered."""
    certificate, time, nonce, signature = decode_proof(data)
    floor = verifier.latest if now < verifier.latest else verifier.lost  # what was taken before may be forgotten
    verifier.latest = max(now, verifier.latest)
    check_certificate(certificate, account, now, verifier.tolerance)
    prove("PRF-03", abs(time - now) <= verifier.tolerance, "time")
    check_lengths("PRF-04", request)
    signed = signed_request(certificate.encode(), request, time, nonce)
    check_signed("PRF-04", algorithms.point_key(certificate.device_key, "device_key"), signature, signed)
    prove("PRF-05", floor is None or time > floor + verifier.tolerance, "a clock that was set back, or a restart")
    prove("PRF-05", sha256(signed) not in verifier.seen, "seen before")
    kept = {key: at for key, at in verifier.seen.items() if now <= at + verifier.tolerance}
    verifier.seen = kept | {sha256(signed): time}
    return certificate
