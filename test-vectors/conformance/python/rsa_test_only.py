"""RSAES-OAEP with a given seed and RSASSA-PSS with a given salt. RFC 8017 §7.1.1, §8.1.1, §9.1.1. FOR TEST VECTORS ONLY: the
private operation is neither blinded nor constant-time, which SPEC.md [SUITE-07] forbids for keys in use.

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import hashlib


def xor(left, right):
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def mgf1(seed, length):
    blocks = range((length + 31) // 32)
    return b"".join(hashlib.sha256(seed + count.to_bytes(4, "big")).digest() for count in blocks)[:length]


def oaep(public, message, seed):
    size = public.key_size // 8
    data = hashlib.sha256(b"").digest() + bytes(size - len(message) - 66) + b"\x01" + message
    data = xor(data, mgf1(seed, len(data)))
    encoded = b"\x00" + xor(seed, mgf1(data, 32)) + data
    numbers = public.public_numbers()
    return pow(int.from_bytes(encoded, "big"), numbers.e, numbers.n).to_bytes(size, "big")


def pss(private, message, salt):
    size = private.key_size // 8
    digest = hashlib.sha256(bytes(8) + hashlib.sha256(message).digest() + salt).digest()
    data = bytes(size - len(salt) - 34) + b"\x01" + salt
    data = xor(data, mgf1(digest, len(data)))
    encoded = bytes([data[0] & 0x7F]) + data[1:] + digest + b"\xbc"
    numbers = private.private_numbers()
    return pow(int.from_bytes(encoded, "big"), numbers.d, numbers.public_numbers.n).to_bytes(size, "big")
