package sealroom;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Recovery, SPEC §21: what a server does not give, or gives changed, keeps nothing else from coming back [REC-01]. */
final class Recovery {

    /** What a new device asks for; null and empty lists are what is missing. */
    interface Server {
        byte[] transition(byte[] fromFingerprint);
        List<byte[]> segments();
        /** Rooms of the person, whether the keyring knows them or not. */
        List<byte[]> rooms();
        List<byte[]> packages(byte[] roomId);
        byte[] identity(byte[] fingerprint);
    }

    final List<Identity.Own> generations = new ArrayList<>();
    final Keyring keyring = new Keyring(Draws.fresh());
    final Map<String, Room> rooms = new LinkedHashMap<>();
    /** Step and error of what did not come back [REC-03]. */
    final List<String> told = new ArrayList<>();
    private final Directory ids = new Directory();
    private final Server server;

    private Recovery(Server server) { this.server = server; }

    static Recovery withWords(String words, String passphrase, int profile, Server server) {
        Mnemonic.check(words);
        Recovery r = new Recovery(server);
        r.generations(Identity.root(Mnemonic.seed(words, passphrase)), profile);
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

    private void tell(String step, Refused e) { told.add(step + ": " + e.getMessage()); }

    /** Step 1 [REC-02]. */
    private void generations(byte[] root, int profile) {
        generations.add(Identity.own(root, 0, profile));
        while (true) {
            Identity.PublicIdentity last = generations.get(generations.size() - 1).pub();
            byte[] b = server.transition(last.fingerprint());
            if (b == null) return;
            try {
                Identity.PublicIdentity next = Identity.follow(last, Identity.decodeTransition(b));
                if (next.profile() == Identity.RSA_2048) throw Refused.signature("REC-02");
                Identity.Own own = Identity.own(root, next.generation(), next.profile());
                if (!Wire.same(own.pub().fingerprint(), next.fingerprint())) throw Refused.signature("REC-02");
                generations.add(own);
            } catch (Refused e) {
                tell("generations", e);
                return;
            }
        }
    }

    private void rest() {
        keyring();
        for (Identity.Own g : generations) ids.add(g.pub());
        for (Identity.PublicIdentity id : keyring.identities().all()) ids.add(id);
        List<byte[]> persons = generations.stream().map(g -> g.pub().fingerprint()).toList();
        List<Envelope.Reader> keys = new ArrayList<>();
        for (Identity.Own g : generations) keys.add(new Envelope.KeyReader(g.encryption(), g.pub().fingerprint()));
        TreeSet<String> all = keyring.rooms();
        for (byte[] r : server.rooms()) all.add(Wire.hex(r));
        for (String r : all) if (!keyring.givenUp(Wire.unhex(r))) packages(r, persons, keys);
        // Step 4, then step 3 again for all: what is applied already is held.
        if (identities()) for (String r : all) if (!keyring.givenUp(Wire.unhex(r))) packages(r, persons, keys);
    }

    /** Step 2 [REC-04]. */
    private void keyring() {
        List<byte[]> left = new ArrayList<>(server.segments());
        List<Segment> merged = new ArrayList<>();
        boolean whole = false;
        for (int g = generations.size() - 1; g >= 0 && !whole; g--) {
            byte[] key = Identity.keyringKey(generations.get(g).secret());
            for (byte[] b : List.copyOf(left)) {
                try {
                    Segment s = Segment.open(b, key);
                    keyring.merge(s);
                    merged.add(s);
                    left.remove(b);
                    whole |= g == generations.size() - 1 && s.kind() == Segment.WHOLE;
                } catch (Refused e) {
                    if (!e.cls.equals("decrypt")) {
                        tell("keyring", e);
                        left.remove(b);
                    }
                }
            }
        }
        for (byte[] b : left) tell("keyring", Refused.decrypt());
        for (Keyring.Range r : keyring.missing(merged)) told.add("keyring: revisions " + r.from() + " to " + r.to() + " of " + r.device());
    }

    /** Step 3. */
    private void packages(String room, List<byte[]> persons, List<Envelope.Reader> keys) {
        byte[] id = Wire.unhex(room);
        List<byte[]> given = server.packages(id);
        Room r = rooms.get(room);
        if (r == null) {
            try {
                r = fromKeyring(id, persons);
            } catch (Refused e) { tell("room " + room, e); }
        }
        List<Refused> refused = new ArrayList<>();
        if (r == null) {
            r = RoomRecovery.recover(id, given, persons, keys, ids, refused);
        } else {
            refused.addAll(r.apply(given, keys));
            RoomRecovery.goBack(r, given, keys);
        }
        for (Refused e : refused) tell("packages " + room, e);
        if (r.head == null) {
            told.add("packages " + room + ": nothing opens");
            return;
        }
        r.confirmed = false;
        rooms.put(room, r);
        for (long[] gap : r.gaps()) told.add("packages " + room + ": epochs " + gap[0] + " to " + gap[1]);
    }

    /** Null if the keyring has nothing of it; a room whose head is not there begins at the latest epoch that is. */
    private Room fromKeyring(byte[] id, List<byte[]> persons) {
        List<Epoch> all = keyring.epochs(id);
        if (all.isEmpty()) return null;
        try {
            return keyring.room(id, persons, ids);
        } catch (Refused e) {
            tell("room " + Wire.hex(id), e);
            Epoch latest = all.stream().filter(x -> x.secret() != null && Packages.first(x.body(), persons) != null).max(Branches.ORDER).orElse(null);
            return latest == null ? null : keyring.room(latest, all, persons, ids);
        }
    }

    /** Step 4; whether any came. */
    private boolean identities() {
        boolean any = false;
        for (String f : List.copyOf(ids.missed)) {
            byte[] b = server.identity(Wire.unhex(f));
            if (b == null) { told.add("identity " + f + ": missing"); continue; }
            try {
                Identity.PublicIdentity id = Identity.decode(b);
                if (!Wire.hex(id.fingerprint()).equals(f)) throw Refused.signature("REC-01"); // not asked for
                ids.add(id);
                any = true;
            } catch (Refused e) { tell("identity " + f, e); }
        }
        return any;
    }
}
