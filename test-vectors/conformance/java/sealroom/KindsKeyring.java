package sealroom;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Kinds of vectors of SPEC §20 and §21. */
final class KindsKeyring {
    private KindsKeyring() {}

    static void add(Map<String, Kinds.Kind> all) {
        all.put("segment", Kinds.kind(KindsKeyring::segment, KindsKeyring::sealSegment, "segment"));
        all.put("keyring_merge", Kinds.kind(KindsKeyring::merge).inputs("segment"));
        all.put("keyring_state", Kinds.kind(KindsKeyring::state, KindsKeyring::sealState, "state"));
        all.put("keyring_write", Kinds.kind(KindsKeyring::write, "state"));
        all.put("keyring_room", Kinds.kind(KindsKeyring::room));
        all.put("contact", Kinds.kind(KindsKeyring::contact).inputs("do", "identity", "fingerprint", "verified", "transition", "segment"));
        all.put("recovery", Kinds.kind(KindsKeyring::recovery));
    }

    private static List<Object> entries(Iterable<Segment.Entry> l) {
        List<Object> out = new ArrayList<>();
        for (Segment.Entry e : l) out.add(Vec.fields("kind", e.kind(), "content", e.content()));
        return out;
    }

    private static Map<String, Object> segment(Vec v) {
        Segment s = Segment.open(v.hex("segment"), v.hex("key"));
        List<Object> seen = new ArrayList<>();
        s.seen().forEach((d, r) -> seen.add(Vec.fields("device", d, "revision", r)));
        return Vec.fields("content", s.encode(), "device", s.device(), "revision", s.revision(), "segment_kind", s.kind(), "seen", seen,
                "entries", entries(s.entries()));
    }
    private static Map<String, Object> sealSegment(Vec v, Draws random) {
        return Vec.fields("segment", SegmentForm.seal(Wire.KEYRING, v.hex("content"), v.hex("key"), random));
    }

    /** In the order in which they are given, and in others: what is compared is the same in all [KRG-04]. */
    private static Map<String, Object> merge(Vec v) {
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < v.list("segments").size(); i++) order.add(i);
        Map<String, Object> result = merge(v, order), changed = Vec.fields("segments", result.remove("segments"));
        for (int i = 0; i < order.size(); i++) {
            Collections.rotate(order, 1);
            if (i % 2 == 1) Collections.reverse(order);
            Map<String, Object> other = merge(v, order);
            other.remove("segments");
            if (!other.equals(result)) throw new IllegalStateException("the order counts");
        }
        result.putAll(changed);
        return result;
    }
    private static Map<String, Object> merge(Vec v, List<Integer> order) {
        Keyring k = new Keyring(Draws.fresh());
        List<Vec> given = v.objs("segments");
        List<Object> answers = new ArrayList<>();
        Segment[] merged = new Segment[given.size()];
        Map<String, Object> result = Vec.fields("result", "ok");
        for (int i : order) {
            List<String> changed = new ArrayList<>();
            Map<String, Object> answer = Vec.fields("result", "ok", "changed", changed);
            try {
                merged[i] = Segment.open(given.get(i).hex("segment"), v.hex("key"));
                for (byte[] name : k.merge(merged[i]).changedPins()) changed.add(Wire.hex(name));
            } catch (Refused e) {
                Kinds.refused(answer, e);
                Kinds.refused(result, e);
            }
            answers.add(answer);
        }
        List<Object> conflicts = new ArrayList<>(), lacking = new ArrayList<>();
        for (Segment.Register r : k.conflicts()) conflicts.add(Vec.fields("register", r.register(), "name", r.name()));
        List<Segment> onServer = new ArrayList<>();
        for (long i : v.nums("given")) if (merged[(int) i] != null) onServer.add(merged[(int) i]);
        for (Keyring.Range r : k.missing(onServer)) lacking.add(range(r));
        result.putAll(Vec.fields("entries", entries(k.entries()), "conflicts", conflicts, "lacking", lacking, "contacts", contacts(k),
                "segments", answers));
        return result;
    }
    static Map<String, Object> range(Keyring.Range r) { return Vec.fields("device", r.device(), "first", r.from(), "last", r.to()); }
    static List<Object> contacts(Keyring k) {
        List<Object> l = new ArrayList<>();
        k.contacts().forEach((name, f) -> l.add(Vec.fields("name", name, "identity", f, "verified", k.verified(f))));
        return l;
    }

    private static Map<String, Object> state(Vec v) {
        return Vec.fields("content", Keyring.open(v.hex("state"), v.hex("kek"), Draws.fresh()).encode());
    }
    private static Map<String, Object> sealState(Vec v, Draws random) {
        return Vec.fields("state", SegmentForm.seal(Wire.KEYRING_STATE, v.hex("content"), v.hex("kek"), random));
    }

    private static Map<String, Object> write(Vec v) {
        // Without draws of its own, as of who asks by the line protocol, it draws.
        Draws random = v.has("random") ? new Draws.Fixed(v.hex("random")) : Draws.fresh();
        Keyring k = Keyring.open(v.hex("state"), v.hex("kek"), random);
        for (byte[] b : v.hexes("segments")) k.merge(Segment.open(b, v.hex("key")));
        Segment s = v.flag("whole") ? k.whole() : k.part();
        Map<String, Object> result = Vec.fields("content", s.encode(), "segment", s.seal(v.hex("key"), random));
        if (random instanceof Draws.Fixed f && f.left() != 0) throw new IllegalStateException("draws left over");
        return result;
    }

    static Keyring keyring(List<byte[]> segments, byte[] key) {
        Keyring k = new Keyring(Draws.fresh());
        for (byte[] b : segments) k.merge(Segment.open(b, key));
        return k;
    }
    private static Map<String, Object> room(Vec v) {
        Keyring k = keyring(v.hexes("segments"), v.hex("key"));
        return Vec.fields("room", KindsRooms.roomFields(k.room(v.hex("room_id"), v.hexes("mine"), k.identities())));
    }

    private static Map<String, Object> recovery(Vec v) {
        Recovery r = Recovery.withWords(v.hex("bip39_seed"), Kinds.profile(v.text("profile")),
                new Recovery.Server(v.hexes("transitions"), v.hexes("segments"), v.hexes("packages"), v.hexes("identities")));
        Map<String, Object> result = Vec.fields("result", "ok");
        List<Object> problems = new ArrayList<>(), missing = new ArrayList<>();
        for (Recovery.Problem p : r.problems) {
            Map<String, Object> problem = p.room() == null ? Vec.fields("step", p.step(), "blob", p.blob())
                    : Vec.fields("step", p.step(), "room_id", p.room());
            Kinds.refused(problem, p.error());
            problems.add(problem);
            if (result.get("result").equals("ok")) Kinds.refused(result, p.error());
        }
        for (Keyring.Range l : r.lacking) {
            Map<String, Object> m = range(l);
            m.put("what", "segments");
            missing.add(m);
        }
        for (Recovery.Gap g : r.gaps) missing.add(Vec.fields("what", "epochs", "room_id", g.room(), "first", g.first(), "last", g.last()));
        for (String f : r.unknown) missing.add(Vec.fields("what", "identity", "fingerprint", f));
        for (String id : r.unopened) missing.add(Vec.fields("what", "room", "room_id", id));
        result.putAll(Vec.fields("generations", r.generations.stream().map(g -> Wire.hex(g.pub().fingerprint())).toList(),
                "rooms", r.rooms.values().stream().map(KindsRooms::roomFields).toList(), "contacts", contacts(r.keyring),
                "asked", List.copyOf(r.asked), "missing", missing, "problems", problems));
        return result;
    }

    private static Map<String, Object> contact(Vec v) {
        Keyring k = new Keyring(Draws.fresh());
        byte[] name = v.hex("name");
        Map<String, Object> result = Vec.fields("result", "ok");
        List<Object> answers = new ArrayList<>();
        for (Vec s : v.objs("steps")) {
            Map<String, Object> answer = Vec.fields();
            try {
                step(k, v, s, name, answer);
            } catch (Refused e) {
                if (s.text("do").equals("follow")) answer.put("answer", e.cls);
                Kinds.refused(result, e);
            }
            answers.add(answer);
        }
        byte[] pinned = k.pinned(name);
        result.putAll(Vec.fields("steps", answers, "pinned", pinned, "verified", pinned != null && k.verified(pinned)));
        return result;
    }
    private static void step(Keyring k, Vec v, Vec s, byte[] name, Map<String, Object> answer) {
        switch (s.text("do")) {
            case "sight" -> {
                byte[] before = k.pinned(name);
                Keyring.Pin pin = k.compare(name, Identity.decode(s.hex("identity")));
                answer.putAll(Vec.fields("answer", pin.name().toLowerCase(Locale.ROOT), "pinned", pin == Keyring.Pin.KNOWN ? null : before));
            }
            case "pin" -> k.pin(name, Identity.decode(s.hex("identity")));
            case "unpin" -> k.unpin(name);
            case "verify" -> k.verify(s.hex("fingerprint"), s.flag("verified"));
            case "know" -> k.add(new Segment.Entry(Segment.IDENTITY, Identity.decode(s.hex("identity")).bytes()));
            case "follow" -> {
                k.follow(Identity.decodeTransition(s.hex("transition")));
                answer.put("answer", "ok");
            }
            case "merge" -> k.merge(Segment.open(s.hex("segment"), v.hex("key")));
            default -> throw new IllegalArgumentException("step " + s.text("do"));
        }
    }
}
