package sealroom;

import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.KeyAgreement;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import javax.crypto.spec.SecretKeySpec;

/** The suite, SPEC §5, and the labels, §4. */
final class Algorithms {
    private Algorithms() {}

    /** JCA names all of these in every Java; that one is missing is no verdict about the input. */
    private static IllegalStateException broken(GeneralSecurityException e) { return new IllegalStateException(e); }

    static byte[] sha256(byte[]... parts) {
        try {
            MessageDigest d = MessageDigest.getInstance("SHA-256");
            for (byte[] p : parts) d.update(p);
            return d.digest();
        } catch (GeneralSecurityException e) { throw broken(e); }
    }

    private static Mac mac(String name, byte[] key) {
        try {
            Mac m = Mac.getInstance(name);
            // JCA refuses an empty key; HMAC fills keys with zeros, so one zero byte is the same key.
            m.init(new SecretKeySpec(key.length == 0 ? new byte[1] : key, name));
            return m;
        } catch (GeneralSecurityException e) { throw broken(e); }
    }
    static byte[] hmac(byte[] key, byte[] message) { return mac("HmacSHA256", key).doFinal(message); }

    static byte[] hkdfExtract(byte[] salt, byte[] ikm) { return hmac(salt, ikm); }
    static byte[] hkdfExpand(byte[] prk, byte[] info, int n) {
        Wire.Out out = new Wire.Out();
        byte[] t = new byte[0];
        for (int i = 1; (i - 1) * 32 < n; i++) {
            t = hmac(prk, Wire.cat(t, info, new byte[] {(byte) i}));
            out.put(t);
        }
        return Wire.slice(out.bytes(), 0, n);
    }

    /** PBKDF2 over bytes: JCA's takes characters only. One block is all that is used of each hash here. */
    static byte[] pbkdf2(String mac, byte[] password, byte[] salt, long iterations) {
        Mac m = mac(mac, password);
        byte[] u = m.doFinal(Wire.cat(salt, new byte[] {0, 0, 0, 1})), sum = u.clone();
        for (long i = 1; i < iterations; i++) {
            u = m.doFinal(u);
            for (int j = 0; j < sum.length; j++) sum[j] ^= u[j];
        }
        return sum;
    }

    private static byte[] labelled(String label) { return Wire.ascii("sealroom/1 " + label); } // [LAB-01]

    /** §4.1 [LAB-03] */
    static byte[] derive(byte[] key, String label, byte[] context, int n) {
        return hkdfExpand(key, new Wire.Out().u16(n).vec(labelled(label)).vec(context).bytes(), n);
    }
    /** §4.2 [LAB-04] */
    static byte[] signInput(String label, byte[]... content) {
        return new Wire.Out().vec(labelled(label)).vec(Wire.cat(content)).bytes();
    }

    private static byte[] gcm(int mode, byte[] key, byte[] nonce, byte[] aad, byte[] text) throws AEADBadTagException {
        try {
            Cipher c = Cipher.getInstance("AES/GCM/NoPadding");
            c.init(mode, new SecretKeySpec(key, "AES"), new GCMParameterSpec(128, nonce));
            c.updateAAD(aad);
            return c.doFinal(text);
        } catch (AEADBadTagException e) {
            throw e;
        } catch (GeneralSecurityException e) { throw broken(e); }
    }
    static byte[] gcmSeal(byte[] key, byte[] nonce, byte[] aad, byte[] plain) {
        try {
            return gcm(Cipher.ENCRYPT_MODE, key, nonce, aad, plain);
        } catch (AEADBadTagException e) { throw broken(e); }
    }
    /** Null if the tag is wrong: nothing is given out before it was verified [SUITE-02]. */
    static byte[] gcmOpen(byte[] key, byte[] nonce, byte[] aad, byte[] sealed) {
        if (sealed.length < 16) return null;
        try {
            return gcm(Cipher.DECRYPT_MODE, key, nonce, aad, sealed);
        } catch (AEADBadTagException e) { return null; }
    }

    // ---- Signatures

    static final int NONE = 0, ECDSA_P256 = 1, PSS_2048 = 2, PSS_3072 = 3, PSS_4096 = 4;

    /** Length of a signature; unknown algorithms are unsupported, and none is malformed where one must be (§14). */
    static int signatureLength(int algorithm) {
        return switch (algorithm) {
            case NONE -> throw Refused.malformed("signature algorithm none");
            case ECDSA_P256 -> 64;
            case PSS_2048 -> 256;
            case PSS_3072 -> 384;
            case PSS_4096 -> 512;
            default -> throw Refused.unsupported("signature algorithm");
        };
    }

    private static final PSSParameterSpec PSS = new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1);

    /** `random` gives the salt of RSASSA-PSS (the last draw of §7.4). */
    static byte[] sign(Keys.Private key, byte[] message, Draws random) {
        if (key.p256()) return P256.sign(key.scalar(), message);
        try {
            Signature s = Signature.getInstance("RSASSA-PSS");
            s.setParameter(PSS);
            s.initSign(key.key(), new Given(random.draw(32)));
            s.update(message);
            return s.sign();
        } catch (GeneralSecurityException e) { throw broken(e); }
    }

    static boolean verify(Keys.Public key, byte[] message, byte[] signature) {
        if (signature.length != signatureLength(key.algorithm())) return false;
        try {
            Signature s;
            if (key.p256()) {
                BigInteger r = new BigInteger(1, Wire.slice(signature, 0, 32)), t = new BigInteger(1, Wire.slice(signature, 32, 64));
                // [SUITE-04]
                if (r.signum() == 0 || r.compareTo(P256.N) >= 0 || t.signum() == 0 || t.compareTo(P256.N.shiftRight(1)) > 0) return false;
                s = Signature.getInstance("SHA256withECDSAinP1363Format");
            } else {
                s = Signature.getInstance("RSASSA-PSS");
                s.setParameter(PSS);
            }
            s.initVerify(key.key());
            s.update(message);
            return s.verify(signature);
        } catch (java.security.SignatureException e) {
            return false;
        } catch (GeneralSecurityException e) { throw broken(e); }
    }

    /** Gives JCA bytes that were drawn beforehand, once. */
    private static final class Given extends SecureRandom {
        private static final long serialVersionUID = 1;
        private final byte[] bytes;
        private boolean used;
        Given(byte[] bytes) { this.bytes = bytes; }
        @Override public void nextBytes(byte[] out) {
            // Randomness for blinding is drawn after what §7.4 names.
            if (used || out.length != bytes.length) { new SecureRandom().nextBytes(out); return; }
            used = true;
            System.arraycopy(bytes, 0, out, 0, out.length);
        }
    }

    // ---- RSAES-OAEP, with MGF1-SHA-256 said aloud: JCA's default is MGF1 with SHA-1.

    private static final OAEPParameterSpec OAEP =
            new OAEPParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, PSource.PSpecified.DEFAULT);

    static byte[] oaepSeal(Keys.Public key, byte[] message, Draws random) {
        try {
            Cipher c = Cipher.getInstance("RSA/ECB/OAEPPadding");
            c.init(Cipher.ENCRYPT_MODE, key.key(), OAEP, new Given(random.draw(32)));
            return c.doFinal(message);
        } catch (GeneralSecurityException e) { throw broken(e); }
    }
    /** Null for every failure [SUITE-08]. */
    static byte[] oaepOpen(Keys.Private key, byte[] sealed) {
        try {
            Cipher c = Cipher.getInstance("RSA/ECB/OAEPPadding");
            c.init(Cipher.DECRYPT_MODE, key.key(), OAEP);
            return c.doFinal(sealed);
        } catch (GeneralSecurityException e) { return null; }
    }

    // ---- HPKE base mode, RFC 9180, with DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM

    private static final byte[] KEM = Wire.cat(Wire.ascii("KEM"), new byte[] {0, 0x10});
    private static final byte[] HPKE = Wire.cat(Wire.ascii("HPKE"), new byte[] {0, 0x10, 0, 1, 0, 2});
    private static final byte[] V1 = Wire.ascii("HPKE-v1");
    private static final byte[] EMPTY = new byte[0];

    private static byte[] labeledExtract(byte[] suite, byte[] salt, String label, byte[] ikm) {
        return hkdfExtract(salt, Wire.cat(V1, suite, Wire.ascii(label), ikm));
    }
    private static byte[] labeledExpand(byte[] suite, byte[] prk, String label, byte[] info, int n) {
        return hkdfExpand(prk, Wire.cat(new Wire.Out().u16(n).bytes(), V1, suite, Wire.ascii(label), info), n);
    }

    /** RFC 9180 §7.1.3. */
    static BigInteger deriveKeyPair(byte[] ikm) {
        byte[] prk = labeledExtract(KEM, EMPTY, "dkp_prk", ikm);
        for (int i = 0; i < 256; i++) {
            BigInteger k = new BigInteger(1, labeledExpand(KEM, prk, "candidate", new byte[] {(byte) i}, 32));
            if (k.signum() > 0 && k.compareTo(P256.N) < 0) return k;
        }
        throw new ArithmeticException("DeriveKeyPairError");
    }

    /** The x coordinate; a checked point and scalar never give the identity [SUITE-03]. */
    static byte[] dh(Keys.Private key, Keys.Public other) {
        try {
            KeyAgreement a = KeyAgreement.getInstance("ECDH");
            a.init(key.key());
            a.doPhase(other.key(), true);
            return a.generateSecret();
        } catch (GeneralSecurityException e) { throw broken(e); }
    }

    record HpkeKey(byte[] key, byte[] nonce) {}

    /** ExtractAndExpand of DHKEM. */
    static byte[] sharedSecret(byte[] dh, byte[] enc, byte[] receiver) {
        return labeledExpand(KEM, labeledExtract(KEM, EMPTY, "eae_prk", dh), "shared_secret", Wire.cat(enc, receiver), 32);
    }
    /** Key and nonce for the first message of both sides, from the Diffie-Hellman result. */
    static HpkeKey hpke(byte[] dh, byte[] enc, byte[] receiver, byte[] info) {
        byte[] shared = sharedSecret(dh, enc, receiver);
        byte[] context = Wire.cat(new byte[] {0}, labeledExtract(HPKE, EMPTY, "psk_id_hash", EMPTY),
                labeledExtract(HPKE, EMPTY, "info_hash", info));
        byte[] secret = labeledExtract(HPKE, shared, "secret", EMPTY);
        return new HpkeKey(labeledExpand(HPKE, secret, "key", context, 32), labeledExpand(HPKE, secret, "base_nonce", context, 12));
    }

    /** The Padmé policy, §9.2 [PAD-02]; for n >= 8. */
    static long padme(long n) {
        int e = 63 - Long.numberOfLeadingZeros(n);
        int s = 32 - Integer.numberOfLeadingZeros(e);
        long mask = (1L << (e - s)) - 1;
        return (n + mask) & ~mask;
    }
}
