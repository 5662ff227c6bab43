"""C2SP det-keygen, written from the text of c2sp.org/det-keygen with the standard library alone.

Dedicated to the public domain under CC0 1.0, like SPEC.md.

Run from the top of the project: checks the vectors in test-vectors/external, then prints test-vectors/det_keygen/rsa.json.
Clear rather than fast, and not for keys in use: nothing here runs in constant time.
"""

import base64
import hashlib
import hmac
import itertools
import json
import math


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


class Drbg:
    """HMAC_DRBG with SHA-256. NIST SP 800-90A Rev. 1, 10.1.2"""

    def __init__(self, seed, personalization):
        self.key, self.value = bytes(32), b"\x01" * 32
        self.update(b"\x00" + seed + personalization)
        self.update(b"\x01" + seed + personalization)

    def update(self, message=b"\x00"):
        self.key = mac(self.key, self.value + message)
        self.value = mac(self.key, self.value)

    def generate(self, length):
        out = b""
        while len(out) < length:
            self.value = mac(self.key, self.value)
            out += self.value
        return out[:length]


def p256(seed):
    """The scalar, and whether step 11 was taken."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    drbg = Drbg(seed, b"det ECDSA key gen P-256")
    scalar = drbg.generate(32)
    retried = int.from_bytes(scalar, "big") >= order
    if retried:
        drbg.update()
        scalar = drbg.generate(32)
    assert 0 < int.from_bytes(scalar, "big") < order
    return scalar, retried


def is_prime(number):
    small = [n for n in range(3, 1620, 2) if all(n % factor for factor in range(3, math.isqrt(n) + 1, 2))]
    if any(number % factor == 0 for factor in small):
        return False
    # number - 1 is twice an odd number.
    return all(pow(base, (number - 1) // 2, number) in (1, number - 1) for base in (2, 3, 5, 7, 11, 13, 17, 19, 23))


def rsa(seed, bits):
    """p, q and d."""
    return search(seed, bits)[0]


def search(seed, bits):
    """p, q and d; and how many candidates for p and for q were drawn."""
    drbg = Drbg(seed, b"det RSA key gen" + bits.to_bytes(2, "big"))

    def prime():
        for count in itertools.count(1):
            candidate = bytearray(drbg.generate(bits // 16))
            candidate[0] |= 0b11000000
            candidate[-1] |= 0b00000111
            drbg.update()
            number = int.from_bytes(candidate, "big")
            if is_prime(number):
                return number, count

    while True:
        (p, p_count), (q, q_count) = prime(), prime()
        ratio = math.gcd(p - 1, q - 1)
        if ratio >= 2**32:
            continue
        totient = (p - 1) * (q - 1) // ratio
        if math.gcd(65537, totient) == 1:
            return (p, q, pow(65537, -1, totient)), (p_count, q_count)


def tlv(tag, value):
    length = len(value)
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag]) + (bytes([length]) if length < 128 else bytes([0x80 | len(octets)]) + octets) + value


def integer(number):
    return tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def pkcs8(p, q, d):
    """RFC 5958 and RFC 8017, appendix A.1.2."""
    numbers = [0, p * q, 65537, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p)]
    key = tlv(0x30, b"".join(integer(number) for number in numbers))
    return tlv(0x30, integer(0) + bytes.fromhex("300d06092a864886f70d0101010500") + tlv(4, key))


def main():
    with open("test-vectors/external/c2sp-det-keygen-p256.json") as file:
        for vector in json.load(file):
            scalar, _ = p256(base64.b64decode(vector["seed"]))
            assert scalar in base64.b64decode(vector["private_key_pkcs8"])
    scalar, retried = p256(bytes.fromhex("b432f9be30890480298218510559aed7"))
    assert retried and scalar.hex() == "8e33078565bd7d1f9f81011fa8b788632af840074ab0eb31f8022b77547d61f3"
    with open("test-vectors/external/c2sp-det-keygen-rsa.json") as file:
        for vector in json.load(file):
            if vector["bits"] <= 3072:
                key = rsa(base64.b64decode(vector["seed"]), vector["bits"])
                assert pkcs8(*key) == base64.b64decode(vector["private_key_pkcs8"])
    vectors = []
    for bits in (3072, 4096):
        for number in range(2):
            seed = hashlib.sha256(f"sealroom det-keygen {bits} {number}".encode()).digest()
            key = pkcs8(*rsa(seed, bits))
            vectors.append(
                {
                    "bits": bits,
                    "seed": base64.b64encode(seed).decode(),
                    "private_key_pkcs8": base64.b64encode(key).decode(),
                }
            )
    print(json.dumps(vectors, indent=1))


if __name__ == "__main__":
    main()
