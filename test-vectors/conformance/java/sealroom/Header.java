package sealroom;

import java.util.ArrayList;
import java.util.List;

/** An envelope's header, SPEC §7.1, and its stanzas, §8, as they are read and written. */
record Header(int type, int signature, int padding, byte[] salt, List<Stanza> stanzas, byte[] publicData, byte[] bytes) {

    static final int GROUP = 1, RSA = 2, SYMMETRIC = 3, PASSPHRASE = 4;
    static final int MAX_HEADER = 1 << 20, MAX_ENTRIES = 16384;

    sealed interface Stanza permits Group, Rsa, Symmetric, Passphrase {}
    record Group(byte[] enc, List<byte[]> entries) implements Stanza {}
    record Rsa(byte[] keyId, byte[] wrapped) implements Stanza {}
    record Symmetric(byte[] keyId, byte[] wrapped) implements Stanza {}
    record Passphrase(Kdf kdf, byte[] wrapped) implements Stanza {}

    /** §8.5: `a` is memory_kib or iterations. */
    record Kdf(int type, byte[] salt, long rounds, long a, long passes, int lanes) {
        static final int ARGON2ID = 1, PBKDF2 = 2;

        static Kdf read(Wire.In in) {
            int type = in.u8("kdf");
            if (type != ARGON2ID && type != PBKDF2) throw Refused.unsupported("kdf");
            byte[] salt = in.take(16, "kdf salt");
            long rounds = in.u32("rounds"), a = in.u32("costs");
            Kdf k = type == PBKDF2 ? new Kdf(type, salt, rounds, a, 1, 1)
                    : new Kdf(type, salt, rounds, a, in.u32("passes"), in.u8("lanes"));
            k.check();
            return k;
        }
        /** [STZ-14] and [LIM-08]: the form. */
        private void check() {
            boolean argon = type == ARGON2ID;
            if (rounds < 1 || passes < 1 || lanes < 1 || a < (argon ? 8L * lanes : 1)) throw Refused.malformed("STZ-14", "costs");
            if (argon && lanes > 16) throw Refused.limit("LIM-08", "lanes");
        }
        /** The limits on work, by who is about to do it: reader or writer. [STZ-15] [LIM-10] */
        void allow() {
            check();
            if (type != ARGON2ID) {
                if (over(10_000_000, a, rounds)) throw Refused.limit("LIM-06", "iterations");
                return;
            }
            if (a > 262144) throw Refused.limit("LIM-04", "memory");
            if (over(4194304, a, passes, rounds)) throw Refused.limit("LIM-05", "work");
        }
        /** Each factor has 32 bits: a product is compared before the next one, so none overflows. */
        private static boolean over(long limit, long... factors) {
            long product = 1;
            for (long f : factors) {
                product *= f;
                if (product > limit) return true;
            }
            return false;
        }
        void write(Wire.Out o) {
            o.u8(type).put(salt).u32(rounds).u32(a);
            if (type == ARGON2ID) o.u32(passes).u8(lanes);
        }
    }

    static Header read(Wire.In in, int expected) {
        int from = in.pos;
        int type = Wire.prefix(in, expected);
        int signature = in.u8("signature"), padding = in.u8("padding");
        if (signature > 4 || padding > 1) throw Refused.unsupported("signature or padding"); // [ENV-01]
        boolean attachment = type == Wire.ATTACHMENT;
        if (attachment && signature != 0) throw Refused.malformed("ATT-02", "signature");
        byte[] salt = in.take(24, "salt");
        Wire.In s = in.sub("stanzas");
        List<Stanza> stanzas = new ArrayList<>();
        int entries = 0;
        while (s.left() > 0) {
            Stanza stanza = readStanza(s, MAX_ENTRIES - entries);
            entries += stanza instanceof Group g ? g.entries.size() : 1;
            if (entries > MAX_ENTRIES) throw Refused.limit("LIM-03", "entries");
            if (!stanzas.isEmpty()) order(stanzas.get(stanzas.size() - 1), stanza);
            stanzas.add(stanza);
        }
        if (stanzas.isEmpty() != attachment) throw Refused.malformed("ENV-02", "stanzas");
        byte[] publicData = in.vec("public_data");
        if (in.pos - from > MAX_HEADER) throw Refused.limit("LIM-02", "header");
        return new Header(type, signature, padding, salt, stanzas, publicData, Wire.slice(in.b, from, in.pos));
    }

    static int type(Stanza s) {
        return s instanceof Group ? GROUP : s instanceof Rsa ? RSA : s instanceof Symmetric ? SYMMETRIC : PASSPHRASE;
    }
    /** [ENV-03], [ENV-04], [ENV-05] */
    private static void order(Stanza a, Stanza b) {
        if (a instanceof Passphrase || b instanceof Passphrase) throw Refused.malformed("ENV-05", "passphrase is not alone");
        int c = type(a) - type(b);
        if (c == 0) {
            if (a instanceof Rsa x && b instanceof Rsa y) c = Wire.compare(x.keyId, y.keyId);
            if (a instanceof Symmetric x && b instanceof Symmetric y) c = Wire.compare(x.keyId, y.keyId);
        }
        if (c >= 0) throw Refused.malformed("ENV-03", "order of stanzas");
    }

    static Stanza readStanza(Wire.In in, int mayHave) {
        switch (in.u8("stanza type")) {
            case GROUP -> {
                byte[] enc = in.take(65, "enc");
                P256.decode(enc, "enc"); // [STZ-08]
                Wire.In e = in.sub("entries");
                if (e.left() == 0 || e.left() % 48 != 0) throw Refused.malformed("STZ-07", "entries");
                if (e.left() / 48 > mayHave) throw Refused.limit("LIM-03", "entries");
                List<byte[]> entries = new ArrayList<>();
                while (e.left() > 0) {
                    byte[] entry = e.take(48, "entry");
                    if (!entries.isEmpty() && Wire.compare(entries.get(entries.size() - 1), entry) >= 0) {
                        throw Refused.malformed("STZ-06", "order of entries");
                    }
                    entries.add(entry);
                }
                return new Group(enc, entries);
            }
            case RSA -> {
                byte[] keyId = in.take(8, "key_id"), wrapped = in.vec("wrapped");
                if (wrapped.length != 256 && wrapped.length != 384 && wrapped.length != 512) throw Refused.malformed("STZ-10", "wrapped");
                return new Rsa(keyId, wrapped);
            }
            case SYMMETRIC -> { return new Symmetric(in.take(16, "key_id"), in.take(48, "wrapped")); }
            case PASSPHRASE -> { return new Passphrase(Kdf.read(in), in.take(48, "wrapped")); }
            default -> throw Refused.unsupported("stanza type"); // [STZ-01]
        }
    }

    /** Stanzas in the order in which they stand. */
    static Header write(int type, int signature, int padding, byte[] salt, List<Stanza> stanzas, byte[] publicData) {
        Wire.Out s = new Wire.Out();
        int entries = 0;
        for (Stanza stanza : stanzas) {
            entries += stanza instanceof Group g ? g.entries.size() : 1;
            s.put(writeStanza(stanza));
        }
        byte[] b = Wire.prefix(type).u8(signature).u8(padding).put(salt).vec(s.bytes()).vec(publicData).bytes();
        if (b.length > MAX_HEADER || entries > MAX_ENTRIES) throw Refused.limit("LIM-10", "header"); // a writer's limit
        return new Header(type, signature, padding, salt, stanzas, publicData, b);
    }

    static byte[] writeStanza(Stanza stanza) {
        Wire.Out s = new Wire.Out().u8(type(stanza));
        if (stanza instanceof Group g) s.put(g.enc).vec(Wire.cat(g.entries.toArray(byte[][]::new)));
        else if (stanza instanceof Rsa r) s.put(r.keyId).vec(r.wrapped);
        else if (stanza instanceof Symmetric y) s.put(y.keyId).put(y.wrapped);
        else if (stanza instanceof Passphrase p) { p.kdf.write(s); s.put(p.wrapped); }
        return s.bytes();
    }

    byte[] hash() { return Algorithms.sha256(bytes); }
    int blockLength() { return signature == 0 ? 0 : 48 + Algorithms.signatureLength(signature); } // §7.2

    /** The one P-256 group, or null. */
    Group group() {
        for (Stanza s : stanzas) if (s instanceof Group g) return g;
        return null;
    }
    List<Symmetric> symmetric() {
        return stanzas.stream().filter(s -> s instanceof Symmetric).map(s -> (Symmetric) s).toList();
    }
    /** Wrapped keys by public key, as [ROOM-11] counts them. */
    int publicKeyWraps() {
        int n = 0;
        for (Stanza s : stanzas) n += s instanceof Group g ? g.entries.size() : s instanceof Rsa ? 1 : 0;
        return n;
    }
}
