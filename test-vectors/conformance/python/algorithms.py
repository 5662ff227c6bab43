"""The algorithms of the suite: P-256, RSA, HPKE and signatures. SPEC.md §5, RFC 9180.

An independent implementation, written from SPEC.md. Dedicated to the public domain under CC0 1.0, like SPEC.md.
Clear rather than fast, and not for keys in use: Python does not run in constant time and cannot erase memory.
"""

from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import wire
from wire import BadSignature, Decrypt, Limit, Malformed, Unsupported, integer

PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
EXPONENT = 65537
RSA_BITS = {wire.RSA_PSS_2048: 2048, wire.RSA_PSS_3072: 3072, wire.RSA_PSS_4096: 4096}
SHA256 = hashes.SHA256()
OAEP = padding.OAEP(mgf=padding.MGF1(SHA256), algorithm=SHA256, label=None)
PSS = padding.PSS(mgf=padding.MGF1(SHA256), salt_length=32)


def gcm_seal(key, nonce, plaintext, aad=b""):
    return AESGCM(key).encrypt(nonce, plaintext, aad)


def gcm_open(key, nonce, ciphertext, aad=b""):
    if len(ciphertext) < 16:
        raise Decrypt("decryption failed")
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, aad)
    except InvalidTag:
        raise Decrypt("decryption failed") from None


# Keys


def point_key(point, field):
    """A P-256 public key from 65 bytes. SUITE-03"""
    if len(point) != 65 or point[0] != 4:
        raise Malformed(f"{field}: not an uncompressed point")
    if any(int.from_bytes(half, "big") >= PRIME for half in (point[1:33], point[33:])):
        raise Malformed(f"{field}: a coordinate not below the prime")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise Malformed(f"{field}: not on the curve") from None


def modulus_key(modulus, field):
    """An RSA public key from its modulus. SUITE-05"""
    number = int.from_bytes(modulus, "big")
    if number.bit_length() != 8 * len(modulus) or number % 2 == 0:
        raise Malformed(f"{field}: not a modulus of {8 * len(modulus)} bits")
    return rsa.RSAPublicNumbers(EXPONENT, number).public_key()


def checked(key):
    """A public or private key of a library, if the suite has it. SUITE-05"""
    public = key.public_key() if hasattr(key, "public_key") else key
    if isinstance(public, ec.EllipticCurvePublicKey):
        if not isinstance(public.curve, ec.SECP256R1):
            raise Unsupported("a curve other than P-256")
    elif isinstance(public, rsa.RSAPublicKey):
        if public.key_size not in RSA_BITS.values() or public.public_numbers().e != EXPONENT:
            raise Unsupported("an RSA key of another size or exponent")
        if public.public_numbers().n % 2 == 0:
            raise Malformed("an even modulus")
    else:
        raise Unsupported("a key of another algorithm")
    return key


def point_of(public):
    return public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def modulus_of(public):
    return integer(public.public_numbers().n, public.key_size // 8)


def spki_of(public):
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def public_from_spki(spki):
    """SUITE-06: any other encoding of the same key is refused."""
    if len(spki) > wire.MAX_KEY_FILE:  # LIM-09
        raise Limit("SPKI")
    try:
        public = checked(serialization.load_der_public_key(spki))
    except ValueError:
        raise Malformed("SPKI") from None
    except UnsupportedAlgorithm:
        raise Unsupported("SPKI") from None
    if spki_of(public) != spki:
        raise Malformed("SPKI: another encoding")
    return public


def pkcs8_of(private):
    form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return private.private_bytes(*form)


def private_from_pkcs8(data):
    try:
        return checked(serialization.load_der_private_key(data, None))
    except (ValueError, TypeError):
        raise Malformed("PKCS#8") from None


def scalar_of(private):
    return integer(private.private_numbers().private_value, 32)


def p256_private(scalar):
    return ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())


# HPKE in base mode: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. RFC 9180

KEM_SUITE = b"KEM" + integer(0x0010, 2)
HPKE_SUITE = b"HPKE" + integer(0x0010, 2) + integer(0x0001, 2) + integer(0x0002, 2)


def labeled_extract(suite, salt, label, material):
    return wire.extract(salt, b"HPKE-v1" + suite + label + material)


def labeled_expand(suite, key, label, info, length):
    return wire.expand(key, integer(length, 2) + b"HPKE-v1" + suite + label + info, length)


def derive_key_pair(material):
    """RFC 9180 §7.1.3."""
    root = labeled_extract(KEM_SUITE, b"", b"dkp_prk", material)
    for counter in range(256):
        scalar = labeled_expand(KEM_SUITE, root, b"candidate", integer(counter, 1), 32)
        if 0 < int.from_bytes(scalar, "big") < ORDER:
            return p256_private(scalar)
    raise AssertionError("DeriveKeyPairError")


def agree(private, public):
    return private.exchange(ec.ECDH(), public)


def hpke_key(private, public, enc, recipient_point, info):
    """Key and nonce of the first and only message, for the sender and the recipient alike."""
    return hpke_schedule(kem_secret(agree(private, public), enc, recipient_point), info)


def kem_secret(dh, enc, recipient_point):
    root = labeled_extract(KEM_SUITE, b"", b"eae_prk", dh)
    return labeled_expand(KEM_SUITE, root, b"shared_secret", enc + recipient_point, 32)


def hpke_schedule(secret, info):
    context = b"\x00" + labeled_extract(HPKE_SUITE, b"", b"psk_id_hash", b"")
    context += labeled_extract(HPKE_SUITE, b"", b"info_hash", info)
    secret = labeled_extract(HPKE_SUITE, secret, b"secret", b"")
    key = labeled_expand(HPKE_SUITE, secret, b"key", context, 32)
    return key, labeled_expand(HPKE_SUITE, secret, b"base_nonce", context, 12)


# RSAES-OAEP


def oaep_seal(public, message, draw):
    if draw is None:
        return public.encrypt(message, OAEP)
    import rsa_test_only

    return rsa_test_only.oaep(public, message, draw(32))


def oaep_open(private, ciphertext):
    try:
        return private.decrypt(ciphertext, OAEP)  # blinded and constant-time in OpenSSL: SUITE-07, SUITE-08
    except ValueError:
        raise Decrypt("decryption failed") from None


# Signatures


def algorithm_of(public):
    if isinstance(public, ec.EllipticCurvePublicKey):
        return wire.ECDSA_P256
    return {bits: algorithm for algorithm, bits in RSA_BITS.items()}[public.key_size]


def sign(private, message, draw=None):
    if isinstance(private, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(private.sign(message, ec.ECDSA(SHA256, deterministic_signing=True)))
        return integer(r, 32) + integer(min(s, ORDER - s), 32)  # SUITE-04
    if draw is None:
        return private.sign(message, PSS, SHA256)
    import rsa_test_only

    return rsa_test_only.pss(private, message, draw(32))


def verify(public, signature, message):
    try:
        if isinstance(public, rsa.RSAPublicKey):
            if len(signature) != public.key_size // 8:
                raise BadSignature("signature")
            return public.verify(signature, message, PSS, SHA256)
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        if len(signature) != 64 or not 0 < r < ORDER or not 0 < s <= (ORDER - 1) // 2:  # SUITE-04
            raise BadSignature("signature")
        return public.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256))
    except InvalidSignature:
        raise BadSignature("signature") from None
