package sealroom;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Recovery, SPEC §21: what a server does not give, or gives changed, keeps nothing else from coming back [REC-01]. */
final class Recovery {

    /** All that a server has for the person, in its order. */
    record Server(List<byte[]> transitions, List<byte[]> segments, List<byte[]> packages, List<byte[]> identities) {}

    /** What did not come back: by its place in the list, or (-1) by the room of a package that was decoded. */
    record Problem(String step, Refused error, int blob, String room) {}
    /** Numbers of epochs, from and to. */
    record Gap(String room, long first, long last) {}

    final List<Identity.Own> generations = new ArrayList<>();
    final Keyring keyring = new Keyring(Draws.fresh());
    /** By room id, in hexadecimal. */
    final TreeMap<String, Room> rooms = new TreeMap<>();
    final TreeSet<String> asked = new TreeSet<>();
    final List<Problem> problems = new ArrayList<>();
    /** What is missing [REC-03]. */
    List<Keyring.Range> lacking = List.of();
    final List<Gap> gaps = new ArrayList<>();
    /** Names of [KRG-11]. */
    final TreeSet<String> changedPins = new TreeSet<>();
    final TreeSet<String> unknown = new TreeSet<>(), unopened = new TreeSet<>();

    private final Directory ids = new Directory();
    private final Server server;
    private final List<byte[]> persons = new ArrayList<>();
    private final List<Envelope.Reader> keys = new ArrayList<>();

    private Recovery(Server server) { this.server = server; }

    static Recovery withWords(byte[] bip39Seed, int profile, Server server) {
        Recovery r = new Recovery(server);
        r.generations(Identity.root(bip39Seed), profile);
        r.rest();
        return r;
    }
    /** A linked device has its generations. */
    static Recovery linked(List<Identity.Own> generations, Server server) {
        Recovery r = new Recovery(server);
        r.generations.addAll(generations);
        r.rest();
        return r;
    }

    private void tell(String step, Refused e, int blob) { problems.add(new Problem(step, e, blob, null)); }

    // ---- Step 1 [REC-02]

    private void generations(byte[] root, int profile) {
        generations.add(Identity.own(root, 0, profile));
        List<byte[]> given = server.transitions;
        Identity.Transition[] decoded = new Identity.Transition[given.size()];
        Refused[] refused = new Refused[given.size()];
        for (int i = 0; i < decoded.length; i++) {
            try {
                decoded[i] = Identity.decodeTransition(given.get(i));
            } catch (Refused e) { refused[i] = e; }
        }
        for (int g = 0; g < generations.size(); g++) {
            Identity.PublicIdentity last = generations.get(g).pub();
            for (int i = 0; i < decoded.length; i++) {
                if (decoded[i] == null || !Wire.same(decoded[i].old(), last.fingerprint())) continue;
                try {
                    Identity.Own next = next(root, last, decoded[i]);
                    if (generations.size() == g + 1) generations.add(next); // one that comes twice changes nothing
                } catch (Refused e) { refused[i] = e; }
                decoded[i] = null;
            }
        }
        for (int i = 0; i < decoded.length; i++) {
            if (decoded[i] != null) refused[i] = Refused.signature("TRN-01"); // from somebody else
            if (refused[i] != null) tell("generations", refused[i], i);
        }
    }
    private static Identity.Own next(byte[] root, Identity.PublicIdentity last, Identity.Transition t) {
        Identity.PublicIdentity next = Identity.follow(last, t);
        if (next.profile() == Identity.RSA_2048) throw Refused.signature("REC-02");
        Identity.Own own = Identity.own(root, next.generation(), next.profile());
        if (!Wire.same(own.pub().fingerprint(), next.fingerprint())) throw Refused.signature("REC-02");
        return own;
    }

    // ---- Step 2 [REC-04]

    private void keyring() {
        List<byte[]> given = server.segments;
        List<Segment> merged = new ArrayList<>();
        Refused[] refused = new Refused[given.size()];
        java.util.Arrays.fill(refused, Refused.decrypt());
        boolean whole = false;
        for (int g = generations.size() - 1; g >= 0; g--) {
            byte[] key = Identity.keyringKey(generations.get(g).secret());
            boolean latest = g == generations.size() - 1, left = whole;
            for (int i = 0; i < given.size(); i++) {
                if (refused[i] == null || !refused[i].cls.equals("decrypt")) continue;
                try {
                    Segment s = Segment.open(given.get(i), key);
                    refused[i] = null;
                    if (!latest && left) continue;
                    for (byte[] name : keyring.merge(s).changedPins()) changedPins.add(Wire.hex(name));
                    merged.add(s);
                    whole |= latest && s.kind() == Segment.WHOLE;
                } catch (Refused e) { refused[i] = e; }
            }
        }
        for (int i = 0; i < refused.length; i++) if (refused[i] != null) tell("keyring", refused[i], i);
        lacking = keyring.missing(merged);
    }

    private void rest() {
        for (Identity.Own g : generations) {
            ids.add(g.pub());
            persons.add(g.pub().fingerprint());
            keys.add(new Envelope.KeyReader(g.encryption(), g.pub().fingerprint()));
        }
        keyring();
        for (Identity.PublicIdentity id : keyring.identities().all()) ids.add(id);
        packages();
    }

    // ---- Steps 3 and 4

    private void packages() {
        TreeMap<String, List<byte[]>> byRoom = new TreeMap<>();
        for (String r : keyring.rooms()) byRoom.put(r, new ArrayList<>());
        for (int i = 0; i < server.packages.size(); i++) {
            byte[] b = server.packages.get(i);
            try {
                byRoom.computeIfAbsent(Wire.hex(Packages.roomId(Packages.decode(b))), r -> new ArrayList<>()).add(b);
            } catch (Refused e) { tell("packages", e, i); }
        }
        byRoom.keySet().removeIf(r -> keyring.givenUp(Wire.unhex(r)));

        Map<String, List<Problem>> told = new TreeMap<>();
        Map<String, Set<String>> lacks = new TreeMap<>();
        Set<String> again = byRoom.keySet();
        while (!again.isEmpty()) {
            for (String r : again) {
                ids.missed.clear();
                told.put(r, room(r, byRoom.get(r)));
                lacks.put(r, new TreeSet<>(ids.missed));
            }
            // Step 4, then step 3 for the rooms which they are missing from.
            Set<String> came = identities(lacks.values());
            again = new TreeSet<>(byRoom.keySet());
            again.removeIf(r -> lacks.get(r).stream().noneMatch(came::contains));
        }
        told.values().forEach(problems::addAll);
        tellIdentities();
        rooms.forEach((id, r) -> {
            for (long[] gap : r.gaps()) gaps.add(new Gap(id, gap[0], gap[1]));
        });
        unopened.addAll(byRoom.keySet());
        unopened.removeAll(rooms.keySet());
    }

    private List<Problem> room(String id, List<byte[]> given) {
        byte[] roomId = Wire.unhex(id);
        Room r = fromKeyring(roomId);
        List<Given.Item> items;
        if (r == null) {
            RoomRecovery.Result result = RoomRecovery.recover(roomId, given, persons, keys, ids);
            r = result.room();
            items = result.items();
            // Epochs of which none can be the head are held beside what came.
            List<Epoch> kept = keyring.epochs(roomId);
            if (r.head != null && !kept.isEmpty()) {
                for (Epoch e : kept) if (!r.reads(e.transcript())) r.hold(e);
                r.findOwn();
                items = RoomRecovery.goOn(r, given, persons, keys);
            }
        } else {
            items = RoomRecovery.goOn(r, given, persons, keys);
        }
        List<Problem> l = new ArrayList<>();
        for (Given.Item i : items) {
            boolean came = i.opened != null && r.head != null && r.reads(i.opened.epoch().transcript());
            if (i.refused != null && !came) l.add(new Problem("packages", i.refused, -1, id));
        }
        // Packages of a room are not told apart: those of one error stand together.
        l.sort(Comparator.comparing(p -> p.error.cls + p.error.tag));
        rooms.remove(id);
        if (r.head != null) rooms.put(id, r);
        return l;
    }

    /** Null if the keyring has nothing of it; a room whose head is not there begins at the latest epoch that is. */
    private Room fromKeyring(byte[] id) {
        List<Epoch> all = keyring.epochs(id);
        if (all.isEmpty()) return null;
        try {
            return keyring.room(id, persons, ids);
        } catch (Refused e) {
            Epoch latest = all.stream().filter(x -> x.secret() != null && Packages.first(x.body(), persons) != null).max(Branches.ORDER).orElse(null);
            return latest == null ? null : keyring.room(latest, all, persons, ids);
        }
    }

    /** Gives those that came of whom is missing. */
    private Set<String> identities(java.util.Collection<Set<String>> missing) {
        Set<String> came = new TreeSet<>();
        for (Set<String> m : missing) for (String f : m) if (ids.find(Wire.unhex(f)) == null) asked.add(f);
        for (byte[] b : server.identities) {
            try {
                Identity.PublicIdentity id = Identity.decode(b);
                if (ids.find(id.fingerprint()) != null || !asked.contains(Wire.hex(id.fingerprint()))) continue;
                ids.add(id);
                came.add(Wire.hex(id.fingerprint()));
            } catch (Refused e) {
                // It is told once, at the end.
            }
        }
        return came;
    }
    private void tellIdentities() {
        for (int i = 0; i < server.identities.size() && !asked.isEmpty(); i++) {
            try {
                Identity.PublicIdentity id = Identity.decode(server.identities.get(i));
                if (!asked.contains(Wire.hex(id.fingerprint()))) throw Refused.unknown("nobody asked for it");
            } catch (Refused e) { tell("identities", e, i); }
        }
        for (String f : asked) if (ids.find(Wire.unhex(f)) == null) unknown.add(f);
    }
}
