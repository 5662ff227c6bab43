package sealroom;

import java.util.Arrays;

/** Identities, SPEC §11; transitions and safety numbers, §12. */
final class Identity {
    private Identity() {}

    static final int P256 = 1, RSA_3072 = 2, RSA_4096 = 3, RSA_2048 = 4;

    /** Bytes of an encryption or signing key in an IdentityBody. */
    private static int keyLength(int profile) {
        return switch (profile) {
            case P256 -> 65;
            case RSA_3072 -> 384;
            case RSA_4096 -> 512;
            case RSA_2048 -> 256;
            default -> throw Refused.unsupported("profile");
        };
    }

    record PublicIdentity(int profile, long generation, Keys.Public encryption, Keys.Public signing, byte[] next, byte[] body,
                          byte[] signature) {
        byte[] bytes() { return Wire.cat(body, signature); }
        byte[] fingerprint() { return Algorithms.sha256(Algorithms.signInput("fingerprint", body)); }
        /** §10.2, §12.1: the algorithm is the identity's, and the signature its signing key's. */
        boolean signed(int algorithm, byte[] input, byte[] sig) {
            return algorithm == signing.algorithm() && Algorithms.verify(signing, input, sig);
        }
    }

    private static Keys.Public key(int profile, byte[] raw, String field) {
        return profile == P256 ? Keys.p256(raw, field) : Keys.rsa(raw, field);
    }

    /** The form alone; `valid` checks the signature. */
    private static PublicIdentity form(Wire.In in) {
        int from = in.pos;
        Wire.prefix(in, Wire.PUBLIC_IDENTITY);
        int profile = in.u8("profile");
        int n = keyLength(profile);
        long generation = in.u32("generation");
        byte[] enc = in.take(n, "encryption_key"), sig = in.take(n, "signing_key");
        byte[] next = in.take(32, "next");
        byte[] body = Wire.slice(in.b, from, in.pos);
        byte[] signature = in.take(profile == P256 ? 64 : n, "signature");
        if (Wire.same(enc, sig)) throw Refused.malformed("ID-06", "one key for both");
        return new PublicIdentity(profile, generation, key(profile, enc, "encryption_key"), key(profile, sig, "signing_key"), next,
                body, signature);
    }

    /** [ID-06], the signature included. */
    static PublicIdentity read(Wire.In in) {
        PublicIdentity id = form(in);
        if (!Algorithms.verify(id.signing, Algorithms.signInput("identity signature", id.body), id.signature)) {
            throw Refused.signature("ID-06");
        }
        return id;
    }
    static PublicIdentity decode(byte[] b) { return Wire.whole(b, "PublicIdentity", Identity::read); }

    // ---- From words, §11.2, §11.3

    static byte[] root(byte[] bip39Seed) { return Algorithms.hkdfExtract(Wire.ascii("sealroom/1 identity"), bip39Seed); }
    static byte[] generationSecret(byte[] root, long g) {
        return Algorithms.derive(root, "generation", new Wire.Out().u32(g).bytes(), 32);
    }
    static byte[] seed(byte[] gen, String purpose) { return Algorithms.derive(gen, purpose, new byte[0], 32); }
    static byte[] keyringKey(byte[] gen) { return seed(gen, "keyring"); }
    static Keys.Private rotationKey(byte[] root, long g) {
        return Keys.p256(DetKeygen.p256(Algorithms.derive(root, "rotation", new Wire.Out().u32(g).bytes(), 32)));
    }

    static Keys.Private encryptionKey(byte[] gen, int profile) {
        if (profile == P256) return Keys.p256(Algorithms.deriveKeyPair(seed(gen, "p256 encryption")));
        return Keys.rsa(DetKeygen.rsa(seed(gen, "rsa encryption"), rsaBits(profile)));
    }
    static Keys.Private signingKey(byte[] gen, int profile) {
        if (profile == P256) return Keys.p256(DetKeygen.p256(seed(gen, "p256 signing")));
        return Keys.rsa(DetKeygen.rsa(seed(gen, "rsa signing"), rsaBits(profile)));
    }
    private static int rsaBits(int profile) {
        if (profile == RSA_2048) throw new IllegalArgumentException("[ID-08] rsa_2048 is not derived from words");
        return keyLength(profile) * 8;
    }

    record Own(PublicIdentity pub, byte[] secret, Keys.Private encryption, Keys.Private signing) {}

    static Own own(byte[] root, long generation, int profile) {
        byte[] gen = generationSecret(root, generation);
        byte[] next = rotationHash(rotationKey(root, generation + 1).pub().raw());
        return own(gen, generation, profile, next);
    }
    static Own own(byte[] gen, long generation, int profile, byte[] next) {
        Keys.Private enc = encryptionKey(gen, profile), sig = signingKey(gen, profile);
        byte[] body = Wire.prefix(Wire.PUBLIC_IDENTITY).u8(profile).u32(generation).put(enc.pub().raw()).put(sig.pub().raw())
                .put(next).bytes();
        byte[] signature = Algorithms.sign(sig, Algorithms.signInput("identity signature", body), Draws.fresh());
        return new Own(new PublicIdentity(profile, generation, enc.pub(), sig.pub(), next, body, signature), gen, enc, sig);
    }

    static byte[] rotationHash(byte[] point) { return Algorithms.sha256(Algorithms.signInput("rotation key", point)); }

    // ---- Transition, §12.1

    record Transition(byte[] old, int algorithm, PublicIdentity next, byte[] rotationKey, byte[] body, byte[] signature,
                      byte[] rotationSignature) {
        byte[] bytes() { return Wire.cat(body, signature, rotationSignature); }
    }

    static Transition readTransition(Wire.In in) {
        int from = in.pos;
        Wire.prefix(in, Wire.TRANSITION);
        byte[] old = in.take(32, "old_fingerprint");
        int algorithm = in.u8("algorithm");
        int n = Algorithms.signatureLength(algorithm);
        PublicIdentity next = read(in);
        byte[] rotation = in.take(65, "rotation_key");
        sealroom.P256.decode(rotation, "rotation_key");
        byte[] body = Wire.slice(in.b, from, in.pos);
        return new Transition(old, algorithm, next, rotation, body, in.take(n, "signature"), in.take(64, "rotation_signature"));
    }
    static Transition decodeTransition(byte[] b) { return Wire.whole(b, "Transition", Identity::readTransition); }

    /** [TRN-01]; gives the new identity. */
    static PublicIdentity follow(PublicIdentity old, Transition t) {
        boolean good = Wire.same(t.old, old.fingerprint())
                && t.next.generation == old.generation + 1
                && Wire.same(rotationHash(t.rotationKey), old.next)
                && old.signed(t.algorithm, Algorithms.signInput("transition", t.body), t.signature)
                && Algorithms.verify(Keys.p256(t.rotationKey, "rotation_key"),
                        Algorithms.signInput("transition rotation", t.body), t.rotationSignature);
        if (!good) throw Refused.signature("TRN-01");
        return t.next;
    }

    static Transition transition(Own old, byte[] root, PublicIdentity next) {
        Keys.Private rotation = rotationKey(root, next.generation);
        byte[] body = Wire.prefix(Wire.TRANSITION).put(old.pub.fingerprint()).u8(old.signing.pub().algorithm()).put(next.bytes())
                .put(rotation.pub().raw()).bytes();
        return new Transition(old.pub.fingerprint(), old.signing.pub().algorithm(), next, rotation.pub().raw(), body,
                Algorithms.sign(old.signing, Algorithms.signInput("transition", body), Draws.fresh()),
                Algorithms.sign(rotation, Algorithms.signInput("transition rotation", body), Draws.fresh()));
    }

    // ---- Safety number, §12.2

    /** The half of a fingerprint: 30 digits. */
    static String half(byte[] f) {
        StringBuilder b = new StringBuilder();
        for (int i = 0; i < 6; i++) {
            long v = 0;
            for (int j = 0; j < 5; j++) v = v << 8 | f[5 * i + j] & 0xff;
            b.append(String.format("%05d", v % 100000));
        }
        return b.toString();
    }
    /** In groups of five, separated by one space. */
    static String grouped(String digits) { return digits.replaceAll("(.{5})(?!$)", "$1 "); }

    static String safetyNumber(byte[] a, byte[] b) {
        String[] halves = {half(a), half(b)};
        Arrays.sort(halves);
        return grouped(halves[0] + halves[1]);
    }
    static String safetyQr(byte[] a, byte[] b) {
        return TextForms.write("slrm-sn:", Wire.compare(a, b) <= 0 ? Wire.cat(a, b) : Wire.cat(b, a));
    }
}
