package sealroom;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** What the devices of one person know together, SPEC §20. */
final class Keyring {
    String device;
    /** The last revision of this device, 0 before its first. */
    long revision;
    private final TreeSet<Segment.Entry> entries = new TreeSet<>();
    /** Added here, and in no segment of this device yet. */
    private final TreeSet<Segment.Entry> fresh = new TreeSet<>();
    /** Merged of each other device, from 1 on without a gap. */
    private final TreeMap<String, Long> merged = new TreeMap<>();
    private final TreeMap<String, Long> known = new TreeMap<>();
    /** Parts beyond a gap, by device; they may be forgotten. */
    private final Map<String, TreeSet<Long>> beyond = new HashMap<>();
    private final Draws random;

    Keyring(Draws random) { this(random, Wire.hex(random.draw(8))); }
    private Keyring(Draws random, String device) {
        this.random = random;
        this.device = device;
    }

    /** Names that are pinned, each to an identity that is there; ascending. */
    TreeMap<String, byte[]> contacts() {
        TreeMap<String, byte[]> l = pins();
        Directory ids = identities();
        l.values().removeIf(f -> f.length == 0 || ids.find(f) == null);
        return l;
    }
    Collection<Segment.Entry> entries() { return entries; }
    Map<String, Long> seen() { return merged; }

    // ---- Merging, §20.3

    /** Adds by this device. */
    void add(Segment.Entry e) {
        if (entries.contains(e)) return;
        union(List.of(e));
        if (entries.contains(e)) fresh.add(e);
    }

    private void union(Collection<Segment.Entry> more) {
        entries.addAll(more);
        // [KRG-04]: of a register only the greatest clock stays.
        Map<String, Long> greatest = new HashMap<>();
        for (Segment.Entry e : entries) {
            if (e.kind() != Segment.REGISTER) continue;
            Segment.Register r = Segment.readRegister(e.content());
            greatest.merge(r.key(), r.clock(), (a, b) -> Long.compareUnsigned(a, b) >= 0 ? a : b);
        }
        entries.removeIf(e -> e.kind() == Segment.REGISTER && replaced(e, greatest));
        fresh.retainAll(entries);
    }
    private static boolean replaced(Segment.Entry e, Map<String, Long> greatest) {
        Segment.Register r = Segment.readRegister(e.content());
        return r.clock() != greatest.get(r.key());
    }

    /** What merging tells the application [KRG-05], [KRG-11]: names in conflict, and names given up or pinned to somebody else. */
    record Told(List<Segment.Register> conflicts, List<byte[]> changedPins) {}

    Told merge(Segment s) {
        TreeMap<String, byte[]> before = pins();
        // [KRG-10]: this device came back in an older state, or was copied.
        long mine = s.device().equals(device) ? s.revision() : s.seen().getOrDefault(device, 0L);
        if (Long.compareUnsigned(mine, revision) > 0) {
            if (revision != 0) raise(merged, device, revision);
            raise(known, device, mine);
            device = Wire.hex(random.draw(8));
            revision = 0;
            fresh.addAll(entries);
        }
        union(s.entries());
        if (s.kind() == Segment.WHOLE) s.seen().forEach((d, r) -> { if (!d.equals(device)) raise(merged, d, r); });
        s.seen().forEach((d, r) -> { if (!d.equals(device)) raise(known, d, r); });
        if (!s.device().equals(device)) {
            raise(known, s.device(), s.revision());
            if (s.kind() == Segment.WHOLE) raise(merged, s.device(), s.revision());
            else beyond.computeIfAbsent(s.device(), d -> new TreeSet<>(Long::compareUnsigned)).add(s.revision());
        }
        // Parts that now stand without a gap.
        beyond.forEach((d, l) -> {
            while (!l.isEmpty() && Long.compareUnsigned(l.first(), merged.getOrDefault(d, 0L) + 1) <= 0) raise(merged, d, l.pollFirst());
        });
        List<byte[]> changed = new ArrayList<>();
        pins().forEach((name, f) -> {
            byte[] old = before.get(name);
            boolean another = old != null && old.length != 0 && !Wire.same(old, f);
            if (another && (f.length == 0 || !leads(old, f))) changed.add(Wire.unhex(name));
        });
        return new Told(conflicts(), changed);
    }
    private static void raise(Map<String, Long> m, String d, long r) { m.merge(d, r, (a, b) -> Long.compareUnsigned(a, b) >= 0 ? a : b); }

    // ---- Segments

    Segment whole() { return segment(Segment.WHOLE, entries); }
    Segment part() { return segment(Segment.PART, fresh); }
    private Segment segment(int kind, Collection<Segment.Entry> content) {
        Segment s = new Segment(device, ++revision, kind, new TreeMap<>(merged), List.copyOf(content));
        fresh.clear();
        return s;
    }

    // ---- Registers

    List<Segment.Register> writes(int register, byte[] name) {
        List<Segment.Register> l = new ArrayList<>();
        for (Segment.Entry e : entries) {
            if (e.kind() != Segment.REGISTER) continue;
            Segment.Register r = Segment.readRegister(e.content());
            if (r.register() == register && Wire.same(r.name(), name)) l.add(r);
        }
        return l;
    }
    /** By the greatest device, of these the greatest value; null if nobody wrote. */
    byte[] value(int register, byte[] name) {
        return writes(register, name).stream().max(Comparator.comparing(Segment.Register::device, Wire::compare)
                .thenComparing(Segment.Register::value, Wire::compare)).map(Segment.Register::value).orElse(null);
    }
    boolean conflict(int register, byte[] name) {
        List<Segment.Register> l = writes(register, name);
        return l.stream().anyMatch(r -> !Wire.same(r.value(), l.get(0).value()));
    }
    List<Segment.Register> conflicts() {
        Map<String, Segment.Register> l = new LinkedHashMap<>();
        for (Segment.Entry e : entries) {
            if (e.kind() != Segment.REGISTER) continue;
            Segment.Register r = Segment.readRegister(e.content());
            if (conflict(r.register(), r.name())) l.put(r.key(), r);
        }
        return List.copyOf(l.values());
    }
    void write(int register, byte[] name, byte[] value) {
        long clock = writes(register, name).stream().map(Segment.Register::clock).max(Long::compareUnsigned).orElse(0L);
        if (clock == -1L) throw new ArithmeticException("[KRG-05] there is no greater clock");
        add(new Segment.Register(register, name, clock + 1, Wire.unhex(device), value).entry());
    }

    // ---- What is missing, §20.4

    record Range(String device, long from, long to) {}

    /** The known revisions that none of these segments covers, when they are all that a server has [KRG-06]. */
    List<Range> missing(Collection<Segment> onServer) {
        Map<String, Long> upTo = new HashMap<>();
        Map<String, TreeSet<Long>> single = new HashMap<>();
        for (Segment s : onServer) {
            if (s.kind() == Segment.WHOLE) {
                raise(upTo, s.device(), s.revision());
                s.seen().forEach((d, r) -> raise(upTo, d, r));
            } else {
                single.computeIfAbsent(s.device(), d -> new TreeSet<>(Long::compareUnsigned)).add(s.revision());
            }
        }
        TreeMap<String, Long> all = new TreeMap<>(known);
        if (revision != 0) all.put(device, revision);
        List<Range> missing = new ArrayList<>();
        all.forEach((d, last) -> {
            long covered = upTo.getOrDefault(d, 0L);
            for (long r : single.getOrDefault(d, new TreeSet<>())) {
                if (Long.compareUnsigned(r, covered) <= 0) continue;
                if (Long.compareUnsigned(r - 1, last) > 0) break;
                if (r != covered + 1) missing.add(new Range(d, covered + 1, r - 1));
                covered = r;
            }
            if (Long.compareUnsigned(covered, last) < 0) missing.add(new Range(d, covered + 1, last));
        });
        return missing;
    }

    // ---- Contacts, §20.5

    private TreeMap<String, byte[]> pins() {
        TreeMap<String, byte[]> l = new TreeMap<>();
        for (Segment.Entry e : entries) {
            if (e.kind() != Segment.REGISTER) continue;
            Segment.Register r = Segment.readRegister(e.content());
            if (r.register() == Segment.CONTACT) l.put(Wire.hex(r.name()), value(Segment.CONTACT, r.name()));
        }
        return l;
    }

    Directory identities() {
        Directory d = new Directory();
        for (Segment.Entry e : entries) {
            if (e.kind() == Segment.IDENTITY) d.add(Identity.decode(e.content()));
            if (e.kind() == Segment.TRANSITION) d.add(Identity.decodeTransition(e.content()).next());
        }
        return d;
    }

    /** Whether transitions that are held lead from one to the other, each by [TRN-01]. */
    boolean leads(byte[] from, byte[] to) {
        Directory ids = identities();
        List<byte[]> at = new ArrayList<>(List.of(from));
        for (int i = 0; i < at.size(); i++) {
            if (Wire.same(at.get(i), to)) return true;
            Identity.PublicIdentity old = ids.find(at.get(i));
            if (old == null) continue;
            for (Segment.Entry e : entries) {
                if (e.kind() != Segment.TRANSITION) continue;
                try {
                    // Generations rise by one, so this comes to an end.
                    at.add(Identity.follow(old, Identity.decodeTransition(e.content())).fingerprint());
                } catch (Refused notThisOne) {
                    // Another one may lead on.
                }
            }
        }
        return false;
    }

    enum Pin { FIRST, KNOWN, SUCCEEDED, CHANGED }

    /** The server's identity for a name [KRG-07]. */
    Pin compare(byte[] name, Identity.PublicIdentity given) {
        byte[] pinned = pinned(name), f = given.fingerprint();
        if (pinned != null && Wire.same(pinned, f)) return Pin.KNOWN;
        if (conflict(Segment.CONTACT, name)) return Pin.CHANGED;
        if (pinned == null) {
            pin(name, given);
            return Pin.FIRST;
        }
        if (!leads(pinned, f)) return Pin.CHANGED;
        pin(name, given);
        return Pin.SUCCEEDED;
    }
    /** Also when the user says so. */
    void pin(byte[] name, Identity.PublicIdentity id) {
        add(new Segment.Entry(Segment.IDENTITY, id.bytes()));
        write(Segment.CONTACT, name, id.fingerprint());
    }
    void unpin(byte[] name) { write(Segment.CONTACT, name, new byte[0]); }
    /** Whom a name is pinned to, or null. */
    byte[] pinned(byte[] name) {
        byte[] f = value(Segment.CONTACT, name);
        return f == null || f.length == 0 ? null : f;
    }
    /** Keeps a transition of somebody who is known [TRN-01], and the identity that it leads to. */
    void follow(Identity.Transition t) {
        Identity.PublicIdentity old = identities().find(t.old());
        if (old == null) throw Refused.unknown("the identity before");
        Identity.follow(old, t);
        add(new Segment.Entry(Segment.TRANSITION, t.bytes()));
    }
    void verify(byte[] fingerprint, boolean verified) { write(Segment.VERIFIED, fingerprint, new byte[] {(byte) (verified ? 1 : 2)}); }
    boolean verified(byte[] fingerprint) {
        byte[] v = value(Segment.VERIFIED, fingerprint);
        return v != null && v[0] == 1 && !conflict(Segment.VERIFIED, fingerprint); // [KRG-05]
    }

    // ---- Rooms, §20.6

    List<Epoch> epochs(byte[] roomId) {
        Map<String, Epoch> l = new LinkedHashMap<>();
        for (Segment.Entry e : entries) {
            if (e.kind() != Segment.EPOCH) continue;
            Epoch x = Segment.readEpoch(e.content());
            if (!Wire.same(x.body().roomId(), roomId)) continue;
            // One transcript with its secret, or else a granted key.
            l.merge(Wire.hex(x.transcript()), x, (a, b) -> a.secret() != null ? a : b);
        }
        return new ArrayList<>(l.values());
    }
    TreeSet<String> rooms() {
        TreeSet<String> l = new TreeSet<>();
        for (Segment.Entry e : entries) if (e.kind() == Segment.EPOCH) l.add(Wire.hex(Segment.readEpoch(e.content()).body().roomId()));
        for (Segment.Entry e : entries) {
            if (e.kind() != Segment.REGISTER) continue;
            Segment.Register r = Segment.readRegister(e.content());
            if (r.register() == Segment.HEAD || r.register() == Segment.KEPT) l.add(Wire.hex(r.name()));
        }
        return l;
    }
    boolean givenUp(byte[] roomId) {
        byte[] v = value(Segment.KEPT, roomId);
        return v != null && v[0] == 2;
    }

    /** [KRG-08]; `persons` are the person's identities, the latest generation last. The room is unconfirmed. */
    Room room(byte[] roomId, List<byte[]> persons, Directory ids) {
        byte[] register = value(Segment.HEAD, roomId);
        List<Epoch> all = epochs(roomId);
        Epoch head = register == null ? null : all.stream().filter(e -> Wire.same(e.transcript(), register)).findFirst().orElse(null);
        if (head == null) throw Refused.unknown("the head");
        return room(head, all, persons, ids);
    }
    Room room(Epoch registered, List<Epoch> held, List<byte[]> persons, Directory ids) {
        if (registered.secret() == null) throw Refused.unknown("the head's secret");
        if (persons.stream().noneMatch(registered.body()::has)) throw Refused.room("KRG-08", "none of the person's identities is there");
        // A device that had not come as far may have written last.
        Epoch head = registered;
        for (Epoch e : Branches.onward(registered, held)) {
            if (e.secret() != null && persons.stream().anyMatch(e.body()::has)) head = e;
        }
        List<byte[]> there = persons.stream().filter(head.body()::has).toList();
        Room r = new Room(new ArrayList<>(there.subList(there.size() - 1, there.size())), ids, random.draw(8));
        r.restore(head, held);
        return r;
    }

    // ---- What is stored, §20.7

    byte[] encode() {
        Segment whole = new Segment(device, revision, Segment.WHOLE, new TreeMap<>(merged), List.copyOf(entries));
        return new Wire.Out().vec(whole.encode()).vec(Segment.encodeEntries(fresh)).vec(Segment.encodeRevisions(known)).bytes();
    }
    byte[] seal(byte[] kek, Draws draws) { return SegmentForm.seal(Wire.KEYRING_STATE, encode(), kek, draws); }

    static Keyring open(byte[] b, byte[] kek, Draws random) {
        return decode(SegmentForm.open(b, Wire.KEYRING_STATE, "KRG-09", kek), random);
    }
    /** [KRG-09] */
    static Keyring decode(byte[] content, Draws random) {
        return Wire.whole(content, "KeyringState", in -> {
            Wire.In w = in.sub("whole");
            Segment s = Segment.read(w, true);
            w.done("whole");
            List<Segment.Entry> fresh = Segment.readEntries(in);
            TreeMap<String, Long> known = Segment.readRevisions(in, s.device());
            Keyring k = new Keyring(random, s.device());
            k.union(s.entries());
            boolean good = s.kind() == Segment.WHOLE && k.entries.size() == s.entries().size() && k.entries.containsAll(fresh)
                    && s.seen().entrySet().stream().allMatch(e -> Long.compareUnsigned(known.getOrDefault(e.getKey(), 0L), e.getValue()) >= 0);
            if (!good) throw Refused.malformed("KRG-09", "KeyringState");
            Keyring r = new Keyring(random, s.device());
            r.revision = s.revision();
            r.entries.addAll(s.entries());
            r.fresh.addAll(fresh);
            r.merged.putAll(s.seen());
            r.known.putAll(known);
            return r;
        });
    }
}
