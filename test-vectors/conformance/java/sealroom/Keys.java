package sealroom;

import java.math.BigInteger;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPrivateKeySpec;
import java.security.spec.ECPublicKeySpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.RSAPrivateCrtKeySpec;
import java.security.spec.RSAPublicKeySpec;

/** Public and private keys, SPEC §5, in the two encodings that it knows. */
final class Keys {
    private Keys() {}

    static final BigInteger E = BigInteger.valueOf(65537);
    private static final ECParameterSpec CURVE;
    static {
        try {
            AlgorithmParameters a = AlgorithmParameters.getInstance("EC");
            a.init(new ECGenParameterSpec("secp256r1"));
            CURVE = a.getParameterSpec(ECParameterSpec.class);
        } catch (GeneralSecurityException e) { throw new IllegalStateException(e); }
    }

    /** `raw` is the uncompressed point, or the modulus. */
    record Public(PublicKey key, byte[] raw, int algorithm) {
        boolean p256() { return algorithm == Algorithms.ECDSA_P256; }
        int modulusLength() { return raw.length; }
        byte[] spki() { return p256() ? Wire.cat(EC_SPKI, raw) : rsaSpki(raw); }
    }

    record Private(PrivateKey key, BigInteger scalar, Public pub) {
        boolean p256() { return pub.p256(); }
    }

    static Public p256(byte[] point, String field) {
        P256.Point p = P256.decode(point, field);
        try {
            ECPublicKeySpec spec = new ECPublicKeySpec(new ECPoint(p.x(), p.y()), CURVE);
            return new Public(KeyFactory.getInstance("EC").generatePublic(spec), point, Algorithms.ECDSA_P256);
        } catch (GeneralSecurityException e) { throw new IllegalStateException(e); }
    }

    /** [SUITE-05]; the length of the encoding is the modulus'. */
    static Public rsa(byte[] modulus, String field) {
        int algorithm = switch (modulus.length) {
            case 256 -> Algorithms.PSS_2048;
            case 384 -> Algorithms.PSS_3072;
            case 512 -> Algorithms.PSS_4096;
            default -> throw Refused.malformed("SUITE-05", field);
        };
        if (modulus[0] >= 0 || (modulus[modulus.length - 1] & 1) == 0) throw Refused.malformed("SUITE-05", field);
        try {
            RSAPublicKeySpec spec = new RSAPublicKeySpec(new BigInteger(1, modulus), E);
            return new Public(KeyFactory.getInstance("RSA").generatePublic(spec), modulus, algorithm);
        } catch (GeneralSecurityException e) { throw new IllegalStateException(e); }
    }

    static Private p256(BigInteger scalar) {
        try {
            PrivateKey k = KeyFactory.getInstance("EC").generatePrivate(new ECPrivateKeySpec(scalar, CURVE));
            return new Private(k, scalar, p256(P256.times(scalar).encode(), "public key"));
        } catch (GeneralSecurityException e) { throw new IllegalStateException(e); }
    }

    static Private rsa(DetKeygen.RsaKey k) {
        return new Private(rsaPrivate(k), null, rsa(P256.fixed(k.n(), (k.n().bitLength() + 7) / 8), "modulus"));
    }
    /** Of any size that det-keygen knows. */
    static PrivateKey rsaPrivate(DetKeygen.RsaKey k) {
        BigInteger one = BigInteger.ONE;
        RSAPrivateCrtKeySpec spec = new RSAPrivateCrtKeySpec(k.n(), E, k.d(), k.p(), k.q(), k.d().mod(k.p().subtract(one)),
                k.d().mod(k.q().subtract(one)), k.q().modInverse(k.p()));
        try {
            return KeyFactory.getInstance("RSA").generatePrivate(spec);
        } catch (GeneralSecurityException e) { throw new IllegalStateException(e); }
    }

    /** A private key of a vector (§16): PKCS#8 in DER. */
    static Private pkcs8(byte[] der) {
        PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(der);
        try {
            ECPrivateKey k = (ECPrivateKey) KeyFactory.getInstance("EC").generatePrivate(spec);
            BigInteger s = k.getS();
            if (!k.getParams().getCurve().equals(CURVE.getCurve()) || s.signum() <= 0 || s.compareTo(P256.N) >= 0) {
                throw Refused.malformed("SUITE-03", "private key");
            }
            return p256(s);
        } catch (GeneralSecurityException noEc) {
            // It is RSA then.
        }
        try {
            RSAPrivateCrtKey k = (RSAPrivateCrtKey) KeyFactory.getInstance("RSA").generatePrivate(spec);
            if (!k.getPublicExponent().equals(E)) throw Refused.malformed("SUITE-05", "public exponent");
            return new Private(k, null, rsa(P256.fixed(k.getModulus(), (k.getModulus().bitLength() + 7) / 8), "modulus"));
        } catch (GeneralSecurityException e) { throw Refused.malformed("private key"); }
    }

    /** PKCS#8 of RFC 5915's key with its public point, which JCA leaves out. */
    static byte[] ecPkcs8(Private k) {
        return Wire.cat(Wire.unhex("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420"), P256.fixed(k.scalar, 32),
                Wire.unhex("a144034200"), k.pub.raw);
    }

    /** [LIM-09]: no key is that long, and none of it is looked at. */
    static Public imported(byte[] der) {
        if (der.length > 16384) throw Refused.limit("LIM-09", "key");
        return spki(der);
    }

    private static final byte[] EC_SPKI = Wire.unhex("3059301306072a8648ce3d020106082a8648ce3d030107034200");

    /** Strict by encoding again: one key has one SPKI [SUITE-06]. */
    static Public spki(byte[] der) {
        if (der.length == EC_SPKI.length + 65 && Wire.same(Wire.slice(der, 0, EC_SPKI.length), EC_SPKI)) {
            return p256(Wire.slice(der, EC_SPKI.length, der.length), "SPKI");
        }
        for (int n : new int[] {256, 384, 512}) {
            // The modulus ends 5 bytes before the end: 02 03 01 00 01.
            if (der.length < n + 5) continue;
            byte[] modulus = Wire.slice(der, der.length - 5 - n, der.length - 5);
            if (Wire.same(rsaSpki(modulus), der)) return rsa(modulus, "SPKI");
        }
        throw Refused.malformed("SUITE-06", "SPKI");
    }

    private static byte[] rsaSpki(byte[] modulus) {
        byte[] key = der(0x30, der(0x02, new byte[] {0}, modulus), der(0x02, new byte[] {1, 0, 1}));
        return der(0x30, Wire.unhex("300d06092a864886f70d0101010500"), der(0x03, new byte[] {0}, key));
    }
    private static byte[] der(int tag, byte[]... parts) {
        byte[] content = Wire.cat(parts);
        Wire.Out o = new Wire.Out().u8(tag);
        int n = content.length;
        if (n < 128) o.u8(n);
        else if (n < 256) o.u8(0x81).u8(n);
        else o.u8(0x82).u16(n);
        return o.put(content).bytes();
    }
}
