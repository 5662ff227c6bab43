package sealroom;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;

/** A keyring's segment and its entries, SPEC §20.1, §20.2. Devices are named in hexadecimal, whose order is theirs. */
record Segment(String device, long revision, int kind, TreeMap<String, Long> seen, List<Entry> entries) {
    static final int WHOLE = 1, PART = 2;
    static final int EPOCH = 1, IDENTITY = 2, TRANSITION = 3, REGISTER = 4;

    record Entry(int kind, byte[] content) implements Comparable<Entry> {
        private static final Comparator<Entry> ORDER = Comparator.comparing(Entry::kind).thenComparing(Entry::content, Wire::compare);
        @Override public int compareTo(Entry o) { return ORDER.compare(this, o); }
        @Override public boolean equals(Object o) { return o instanceof Entry e && compareTo(e) == 0; }
        @Override public int hashCode() { return java.util.Arrays.hashCode(content); }
    }

    // ---- Registers

    static final int HEAD = 1, KEPT = 2, CONTACT = 3, VERIFIED = 4;

    record Register(int register, byte[] name, long clock, byte[] device, byte[] value) {
        Entry entry() {
            return new Entry(REGISTER, new Wire.Out().u8(register).vec(name).u64(clock).put(device).vec(value).bytes());
        }
        /** Number and name, by which registers are told apart. */
        String key() { return register + ":" + Wire.hex(name); }
    }
    static Register readRegister(byte[] content) {
        return Wire.whole(content, "Register", in -> new Register(in.u8("register"), in.vec("name"), in.u64("clock"), in.take(8, "device"),
                in.vec("value")));
    }
    private static boolean registerForm(Register r) {
        int name = r.name.length, value = r.value.length;
        boolean oneOrTwo = value == 1 && (r.value[0] == 1 || r.value[0] == 2);
        boolean known = switch (r.register) {
            case HEAD -> name == 16 && value == 32;
            case KEPT -> name == 16 && oneOrTwo;
            case CONTACT -> name >= 1 && name <= 255 && (value == 32 || value == 0);
            case VERIFIED -> name == 32 && oneOrTwo;
            default -> true; // [KRG-03]: name and value are not looked at
        };
        return known && r.clock != 0;
    }

    // ---- Kept epochs

    static Entry kept(Epoch e) {
        return new Entry(EPOCH, new Wire.Out().put(e.body().bytes()).put(e.signer()).put(e.commitment()).u8(e.secret() != null ? 1 : 2)
                .put(e.secret() != null ? e.secret() : e.messageKey()).bytes());
    }
    static Epoch readEpoch(byte[] content) {
        return Wire.whole(content, "KeptEpoch", in -> {
            RoomEpoch body = RoomEpoch.read(in);
            byte[] signer = in.take(32, "signer"), commitment = in.take(32, "commitment");
            int kind = in.u8("kind");
            byte[] key = in.take(32, "key");
            return switch (kind) {
                case 1 -> Epoch.withSecret(signer, body, commitment, key);
                case 2 -> Epoch.withMessageKey(signer, body, commitment, key);
                default -> throw Refused.malformed("KRG-02", "kind of key");
            };
        });
    }

    /** [KRG-02]; entries of unknown kinds pass [KRG-03]. */
    private static void checkEntry(Entry e) {
        switch (e.kind) {
            case EPOCH -> readEpoch(e.content);
            case IDENTITY -> Identity.decode(e.content);
            case TRANSITION -> Identity.decodeTransition(e.content);
            case REGISTER -> { if (!registerForm(readRegister(e.content))) throw Refused.malformed("KRG-02", "register"); }
            default -> { }
        }
    }

    // ---- The structure

    /** `first`: revision 0 is a device's before its first segment, in a KeyringState alone. */
    static Segment read(Wire.In in, boolean first) {
        String device = Wire.hex(in.take(8, "device"));
        long revision = in.u64("revision");
        if (revision == 0 && !first) throw Refused.malformed("KRG-01", "revision");
        int kind = in.u8("kind");
        if (kind != WHOLE && kind != PART) throw Refused.malformed("KRG-01", "kind of segment");
        TreeMap<String, Long> seen = readRevisions(in, device);
        return new Segment(device, revision, kind, seen, readEntries(in));
    }
    static TreeMap<String, Long> readRevisions(Wire.In in, String own) {
        Wire.In s = in.sub("revisions");
        TreeMap<String, Long> m = new TreeMap<>();
        while (s.left() > 0) {
            String d = Wire.hex(s.take(8, "device"));
            long r = s.u64("revision");
            if (r == 0 || d.equals(own) || (!m.isEmpty() && m.lastKey().compareTo(d) >= 0)) throw Refused.malformed("KRG-01", "revisions");
            m.put(d, r);
        }
        return m;
    }
    static List<Entry> readEntries(Wire.In in) {
        Wire.In l = in.sub("entries");
        List<Entry> entries = new ArrayList<>();
        while (l.left() > 0) {
            Entry e = new Entry(l.u8("kind"), l.vec("content"));
            if (!entries.isEmpty() && entries.get(entries.size() - 1).compareTo(e) >= 0) throw Refused.malformed("KRG-01", "order of entries");
            checkEntry(e);
            entries.add(e);
        }
        return entries;
    }

    byte[] encode() {
        return new Wire.Out().put(Wire.unhex(device)).u64(revision).u8(kind).vec(encodeRevisions(seen)).vec(encodeEntries(entries)).bytes();
    }
    static byte[] encodeRevisions(TreeMap<String, Long> m) {
        Wire.Out o = new Wire.Out();
        m.forEach((d, r) -> o.put(Wire.unhex(d)).u64(r));
        return o.bytes();
    }
    static byte[] encodeEntries(Iterable<Entry> l) {
        Wire.Out o = new Wire.Out();
        for (Entry e : l) o.u8(e.kind).vec(e.content);
        return o.bytes();
    }

    byte[] seal(byte[] keyringKey, Draws random) { return SegmentForm.seal(Wire.KEYRING, encode(), keyringKey, random); }

    static Segment decode(byte[] content) { return Wire.whole(content, "Segment", in -> read(in, false)); }
    /** [KRG-01] */
    static Segment open(byte[] b, byte[] keyringKey) { return decode(SegmentForm.open(b, Wire.KEYRING, "KRG-01", keyringKey)); }

    static BigInteger unsigned(long v) { return new BigInteger(Long.toUnsignedString(v)); }
}
