package sealroom;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

/** Checks this implementation against the vectors of a directory. */
final class Check {
    private final Path dir;
    private final boolean slow;
    private final int mutate; // 0: no mutations
    private int passed, failed, skipped;
    private long mutations;
    private final Set<String> ids = new HashSet<>();

    Check(Path dir, boolean slow, int mutate) {
        this.dir = dir;
        this.slow = slow;
        this.mutate = mutate;
    }

    private static final int MAX_POSITIONS = 500;

    /** Gives whether nothing failed. */
    boolean run() throws IOException {
        int[] total = new int[3];
        List<Path> files;
        try (Stream<Path> s = Files.walk(dir, 2)) {
            files = s.filter(p -> dir.relativize(p).toString().matches("[0-9].*[/\\\\].*\\.json")).sorted().toList();
        }
        for (Path f : files) file(dir.relativize(f).toString(), total, () -> vectors(f));
        if (files.isEmpty()) { System.out.println("no vectors in " + dir); total[1]++; }
        file("det_keygen/rsa.json", total, () -> detKeygen("det_keygen/rsa.json", true));
        file("external/c2sp-det-keygen-rsa.json", total, () -> detKeygen("external/c2sp-det-keygen-rsa.json", true));
        file("external/c2sp-det-keygen-p256.json", total, () -> detKeygen("external/c2sp-det-keygen-p256.json", false));
        file("external/bip39-trezor-vectors.json", total, this::bip39);
        file("external/rfc9180-p256-hkdfsha256-aes256gcm.json", total, this::hpke);
        System.out.printf("total: %d passed, %d failed, %d skipped%s%n", total[0], total[1], total[2],
                mutate > 0 ? ", " + mutations + " mutations tried" : "");
        return total[1] == 0;
    }

    private interface Body { void run() throws IOException; }

    private void file(String name, int[] total, Body body) throws IOException {
        if (!Files.exists(dir.resolve(name))) return;
        passed = failed = skipped = 0;
        long from = System.nanoTime();
        body.run();
        System.out.printf("%s: %d passed, %d failed, %d skipped (%.1f s)%n", name, passed, failed, skipped, (System.nanoTime() - from) / 1e9);
        total[0] += passed;
        total[1] += failed;
        total[2] += skipped;
    }

    private interface Test { void run() throws Wrong; }
    private static final class Wrong extends Exception {
        private static final long serialVersionUID = 1;
        Wrong(String what) { super(what, null, false, false); }
    }

    private void test(String id, Test t) {
        try {
            t.run();
            passed++;
        } catch (Skipped e) {
            skipped++;
            System.out.println("  skipped " + id + ": " + e.getMessage());
        } catch (Wrong | RuntimeException e) {
            failed++;
            System.out.println("  FAILED " + id + ": " + (e instanceof Wrong ? e.getMessage() : e));
            if (!(e instanceof Wrong) && !(e instanceof Refused)) {
                StackTraceElement[] t2 = e.getStackTrace();
                for (int i = 0; i < Math.min(4, t2.length); i++) System.out.println("    " + t2[i]);
            }
        }
    }

    private static Object json(Path p) throws IOException { return Json.parse(Files.readString(p)); }

    // ---- The numbered folders

    private void vectors(Path f) throws IOException {
        for (Vec v : Vec.of(json(f)).objs("vectors")) test(v.text("id"), () -> vector(v));
    }

    private void vector(Vec v) throws Wrong {
        if (!ids.add(v.text("id"))) System.out.println("  note: the id " + v.text("id") + " stands twice [VEC-01]");
        Kinds.Kind kind = Kinds.ALL.get(v.text("kind"));
        if (kind == null) throw new Wrong("unknown kind " + v.text("kind"));
        if (v.text("kind").equals("identity") && v.text("profile").equals("rsa4096") && !slow) throw new Skipped("RSA-4096 key derivation without --slow");
        String result = v.text("result");
        Map<String, Object> out;
        try {
            out = kind.read().read(v);
        } catch (Refused e) {
            if (!result.equals(e.cls)) throw new Wrong("expected " + result + ", got " + e.getMessage());
            if (v.has("check") && !v.text("check").equals(e.tag)) throw new Wrong("expected " + v.text("check") + ", got " + e.getMessage());
            return;
        }
        if (!result.equals(out.getOrDefault("result", "ok"))) throw new Wrong("not refused: " + result + " " + v.m.get("flags"));
        for (Map.Entry<String, Object> e : out.entrySet()) {
            if (!v.m.containsKey(e.getKey())) throw new Wrong("nothing to compare with: " + e.getKey());
            compare(e.getKey(), e.getValue(), kind.withoutInputs(v.m.get(e.getKey())));
        }
        if (v.has("random") && kind.seal() != null) sealAgain(v, kind);
        if (mutate > 0) for (String field : kind.consumed()) if (v.has(field)) mutations(v, kind, field);
    }
    /** Names the first place that differs. Equality of objects does not depend on the order of names. */
    private static void compare(String where, Object got, Object expected) throws Wrong {
        if (Objects.equals(got, expected)) return;
        if (got instanceof List<?> a && expected instanceof List<?> b && a.size() == b.size()) {
            for (int i = 0; i < a.size(); i++) compare(where + "[" + i + "]", a.get(i), b.get(i));
        }
        if (got instanceof Map<?, ?> a && expected instanceof Map<?, ?> b && a.keySet().equals(b.keySet())) {
            for (Object name : a.keySet()) compare(where + "." + name, a.get(name), b.get(name));
        }
        throw new Wrong("another " + where + ": " + cut(got) + ", expected " + cut(expected));
    }
    private static String cut(Object o) {
        String s = String.valueOf(o);
        return s.length() > 300 ? s.substring(0, 300) + "..." : s;
    }

    private static void sealAgain(Vec v, Kinds.Kind kind) throws Wrong {
        Draws.Fixed random = new Draws.Fixed(v.hex("random"));
        Map<String, Object> again = kind.seal().seal(v, random);
        for (Map.Entry<String, Object> e : again.entrySet()) {
            if (e.getKey().equals("keys")) {
                if (!Objects.equals(e.getValue(), v.m.get("keys"))) throw new Wrong("sealed again: another attachment key");
            } else if (!e.getValue().equals(v.m.get(e.getKey()))) {
                throw new Wrong("sealed again: another " + e.getKey());
            }
        }
        if (random.left() != 0) throw new Wrong("sealed again: draws left over");
    }

    /** One bit in every Nth byte, at most MAX_POSITIONS of them. */
    private void mutations(Vec v, Kinds.Kind kind, String field) throws Wrong {
        byte[] b = v.hex(field);
        int step = Math.max(mutate, (b.length + MAX_POSITIONS - 1) / MAX_POSITIONS);
        for (int i = 0; i < b.length; i += step) {
            byte[] changed = b.clone();
            changed[i] ^= (byte) (1 << i % 8);
            mutations++;
            try {
                kind.read().read(v.with(field, Wire.hex(changed)));
            } catch (Refused e) {
                continue;
            } catch (RuntimeException e) { throw new Wrong("a bit of byte " + i + " of " + field + ": " + e); }
            throw new Wrong("a bit of byte " + i + " of " + field + " is not refused");
        }
    }

    // ---- The vectors of others

    private void detKeygen(String file, boolean rsa) throws IOException {
        int i = 0;
        for (Object o : (List<?>) json(dir.resolve(file))) {
            Vec v = Vec.of(o);
            test("vector " + i++, () -> {
                byte[] seed = Base64.getDecoder().decode(v.text("seed"));
                if (rsa && v.num("bits") > 3072 && !slow) throw new Skipped("RSA-4096 key derivation without --slow");
                java.security.PrivateKey k = rsa ? Keys.rsaPrivate(DetKeygen.rsa(seed, (int) v.num("bits"))) : Keys.p256(DetKeygen.p256(seed)).key();
                byte[] expected = Base64.getDecoder().decode(v.text("private_key_pkcs8"));
                // JCA leaves out the public key, which EC's PKCS#8 may have: those are compared by scalar and point.
                boolean same = rsa ? Wire.same(k.getEncoded(), expected)
                        : Keys.pkcs8(expected).scalar().equals(DetKeygen.p256(seed))
                                && Wire.same(Wire.slice(expected, expected.length - 65, expected.length), Keys.pkcs8(expected).pub().raw());
                if (!same) throw new Wrong("another key");
            });
        }
    }

    private void bip39() throws IOException {
        for (Map.Entry<String, Object> language : Vec.of(json(dir.resolve("external/bip39-trezor-vectors.json"))).m.entrySet()) {
            int i = 0;
            for (Object o : (List<?>) language.getValue()) {
                List<?> v = (List<?>) o;
                test(language.getKey() + " " + i++, () -> {
                    String words = (String) v.get(1);
                    if (!Wire.hex(Mnemonic.seed(words, "TREZOR")).equals(v.get(2))) throw new Wrong("another seed");
                    if (language.getKey().equals("english")) Mnemonic.check(words);
                });
            }
        }
    }

    private void hpke() throws IOException {
        int i = 0;
        for (Object o : (List<?>) json(dir.resolve("external/rfc9180-p256-hkdfsha256-aes256gcm.json"))) {
            Vec v = Vec.of(o);
            test("vector " + i++, () -> {
                if (v.num("mode") != 0) throw new Skipped("HPKE mode " + v.num("mode") + ", which the protocol does not use");
                Keys.Private r = Keys.p256(Algorithms.deriveKeyPair(v.hex("ikmR"))), e = Keys.p256(Algorithms.deriveKeyPair(v.hex("ikmE")));
                if (!Wire.same(r.pub().raw(), v.hex("pkRm")) || !Wire.same(e.pub().raw(), v.hex("enc"))) throw new Wrong("DeriveKeyPair");
                Algorithms.HpkeKey k = Algorithms.hpke(Algorithms.dh(e, r.pub()), e.pub().raw(), r.pub().raw(), v.hex("info"));
                if (!Wire.same(k.key(), v.hex("key")) || !Wire.same(k.nonce(), v.hex("base_nonce"))) throw new Wrong("key schedule");
                Vec first = v.objs("encryptions").get(0);
                byte[] plain = Algorithms.gcmOpen(k.key(), k.nonce(), first.hex("aad"), first.hex("ct"));
                if (plain == null || !Wire.same(plain, first.hex("pt"))) throw new Wrong("OpenBase");
            });
        }
    }
}
