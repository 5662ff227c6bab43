package sealroom;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A room as a member's device holds it, SPEC §18.3 to §18.7, §18.9, §19.4. */
final class Room {
    enum Done { HELD, APPLIED, TAKEN, EVIDENCE, CHANGED, NOT_KEPT, AHEAD }

    /** This member's fingerprints, as it joined, began a run or was renamed by them. */
    final List<byte[]> mine;
    final Directory ids;
    byte[] device;
    long nextSequence;
    boolean confirmed;
    /** The greatest epoch of [ROOM-24], as long as the reader is behind it, or 0. */
    long behind;
    Epoch head;
    /** By transcript, in hexadecimal. */
    private final Map<String, Epoch> held = new LinkedHashMap<>();
    private List<Epoch> own = new ArrayList<>();
    Replays replays = new Replays();

    Room(List<byte[]> mine, Directory ids, byte[] device) {
        this.mine = mine;
        this.ids = ids;
        this.device = device;
    }

    byte[] roomId() { return head.body().roomId(); }
    /** Also what is only read. */
    Collection<Epoch> held() { return held.values(); }
    /** Evidence without its secret: nobody held it against its parent, and it counts as not held (§18.5). */
    private boolean onlyRead(Epoch e) { return e.secret() == null && !own.contains(e); }
    private List<Epoch> known() { return held().stream().filter(e -> !onlyRead(e)).toList(); }
    /** Descending. */
    List<Epoch> branch() { return own; }
    boolean reads(byte[] transcript) { return held.containsKey(Wire.hex(transcript)); }
    /** Null for what is only read. */
    Epoch at(byte[] transcript) {
        Epoch e = held.get(Wire.hex(transcript));
        return e == null || onlyRead(e) ? null : e;
    }
    void hold(Epoch e) { held.put(Wire.hex(e.transcript()), e); }
    Epoch parent(Epoch e) {
        Epoch p = at(e.body().previous());
        return p != null && p.isParentOf(e) ? p : null;
    }

    /** As in §16: confirmed, unconfirmed, or behind and the greatest epoch of [ROOM-24]. */
    String standing() {
        if (behind != 0) return "behind " + Long.toUnsignedString(behind);
        return confirmed ? "confirmed" : "unconfirmed";
    }

    /** From a keyring, §20.6: unconfirmed, an empty replay guard. */
    void restore(Epoch newHead, Collection<Epoch> epochs) {
        epochs.forEach(this::hold);
        head = newHead;
        own = Branches.own(head, held(), held());
    }

    // ---- Applying, §18.3

    /** Many packages at once [ROOM-29]; gives what became of each, in the order in which they were given. */
    List<Given.Item> apply(List<byte[]> packages, List<Envelope.Reader> keys) {
        Given g = new Given(this, packages, keys, roomId());
        g.take(this::place);
        return g.items;
    }
    /** One package alone. */
    Done apply(byte[] b, List<Envelope.Reader> keys) {
        Given.Item i = apply(List.of(b), keys).get(0);
        if (i.refused != null) throw i.refused;
        return i.done;
    }

    /** [ROOM-24], or [ROOM-08]. */
    void ahead(Packages.Opened p) {
        Packages.signature(p, ids);
        boolean ahead = parent(p.epoch()) == null && isBeyond(p.epoch().number()) && head.body().role(p.signer()) == RoomEpoch.ADMIN;
        if (!ahead) throw Refused.room("ROOM-08", "no parent");
        // Of who is an admin there no more only an admin's epoch before is missing.
        long of = p.epoch().body().role(p.signer()) == RoomEpoch.ADMIN ? p.epoch().number() : Branches.reached(own) + 1;
        if (Long.compareUnsigned(of, behind) > 0) behind = of;
    }

    /** Stages 3 and 4, and what is said of packages that are held [ROOM-28]. */
    Done place(Packages.Opened p) {
        Epoch e = p.epoch(), same = at(e.transcript());
        Epoch parent = parent(e);
        boolean asNew = same == null || parent != null && parent == head;
        if (!asNew && same.secret() != null) return Done.HELD;
        Packages.signature(p, ids);
        if (!asNew) {
            replace(e);
            return Done.HELD;
        }
        if (parent == null) throw Refused.room("ROOM-08", "no parent");
        Packages.authorised(p, parent, ids);
        byte[] renamed = p.transition() != null && mine.stream().anyMatch(f -> Wire.same(f, p.transition().old()))
                ? p.transition().next().fingerprint() : null;
        if (me(e.body()) == null && renamed == null) throw Refused.room("ROOM-15", "the reader is not there");
        if (renamed != null && mine.stream().noneMatch(f -> Wire.same(f, renamed))) mine.add(renamed);
        return put(e, parent);
    }
    /** The member is in an epoch by the last of `mine` that is in its roster. */
    byte[] me(RoomEpoch body) {
        for (int i = mine.size() - 1; i >= 0; i--) if (body.has(mine.get(i))) return mine.get(i);
        return null;
    }
    /** Each is once in `mine`, and the last that is in a roster counts. */
    void isNow(byte[] fingerprint) {
        mine.removeIf(f -> Wire.same(f, fingerprint));
        mine.add(fingerprint);
    }
    /** Of what is kept to be read: who the member is else goes before. */
    void wasOnce(byte[] fingerprint) { if (mine.stream().noneMatch(f -> Wire.same(f, fingerprint))) mine.add(0, fingerprint); }
    /** Without its secret, but for what the own branch leads through. */
    void onlyToRead(Epoch e) {
        if (!own.contains(e)) hold(Epoch.withMessageKey(e.signer(), e.body(), e.commitment(), e.messageKey()));
    }
    void moveTo(Epoch e) {
        hold(e);
        head = e;
        findOwn();
    }
    private void replace(Epoch e) {
        hold(e);
        own.replaceAll(o -> Wire.same(o.transcript(), e.transcript()) ? e : o);
    }

    private Done put(Epoch e, Epoch parent) {
        if (parent == head) {
            hold(e);
            head = e;
            own.add(0, e);
            reached();
            return Done.APPLIED;
        }
        if (own.stream().anyMatch(e::isParentOf)) {
            hold(e);
            findOwn();
            return Done.TAKEN;
        }
        if (!evidence(e, parent)) return Done.NOT_KEPT;
        if (!yields(e)) return Done.EVIDENCE;
        changeTo(e.transcript());
        return Done.CHANGED;
    }

    // ---- Forks, §18.5

    void findOwn() {
        own = Branches.own(head, held(), own);
        reached();
    }
    /** Plain members' refreshes come to nothing: who was removed still makes them [ROOM-24]. */
    boolean isBeyond(long number) { return Long.compareUnsigned(number, Branches.reached(own)) > 0; }
    /** What was ahead is not any more, once that was reached. */
    private void reached() { if (!isBeyond(behind)) behind = 0; }

    /** By what is kept, on by best children [KRG-08]; whether there is another head. */
    boolean goOn() {
        Epoch last = head;
        for (Epoch e : Branches.onward(head, held())) if (e.secret() != null && me(e.body()) != null) last = e;
        boolean further = last != head;
        if (further) moveTo(last);
        return further;
    }

    /** The application's explicit act, and [ROOM-19]. */
    void changeTo(byte[] transcript) {
        Epoch to = at(transcript);
        if (to == null || to.secret() == null) throw Refused.unknown("epoch");
        head = to;
        findOwn();
    }

    private static final int TIPS = 64;

    /** [ROOM-18]; false if it is reported and not kept. */
    private boolean evidence(Epoch e, Epoch parent) {
        List<Epoch> tips = new ArrayList<>();
        List<Epoch> known = known();
        for (Epoch x : known) if (!own.contains(x) && known.stream().noneMatch(x::isParentOf)) tips.add(x);
        if (tips.size() >= TIPS && !tips.contains(parent)) {
            Epoch out = tips.stream().filter(t -> end(t, e).stream().allMatch(x -> Branches.yielding(x, parent(x)))).max(Branches.ORDER).orElse(null);
            if (out == null) return false;
            for (Epoch x : end(out, e)) held.remove(Wire.hex(x.transcript()));
        }
        hold(e);
        return true;
    }
    /** The tip, its parent and so on, up to the first whose own parent is of the own branch, or is followed by another. */
    private List<Epoch> end(Epoch tip, Epoch arriving) {
        List<Epoch> end = new ArrayList<>();
        for (Epoch x = tip;;) {
            end.add(x);
            Epoch p = parent(x);
            if (p == null || own.contains(p) || p.isParentOf(arriving) || known().stream().filter(p::isParentOf).count() > 1) return end;
            x = p;
        }
    }

    /** Whether the reader's branch yields to that which ends in e, which has just arrived [ROOM-19]. */
    private boolean yields(Epoch e) {
        if (Branches.yielding(e, parent(e)) || e.body().adds() != 0) return false;
        Epoch c = parent(e);
        while (c != null && !own.contains(c)) {
            if (!Branches.yielding(c, parent(c)) || !Branches.mayFollow(parent(c), c)) return false;
            c = parent(c);
        }
        if (c == null) return false;
        for (Epoch x : own) {
            if (x == c) return true;
            if (!Branches.yielding(x, parent(x))) return false;
        }
        return false;
    }

    /** [ROOM-20] */
    Epoch recommended() {
        Epoch from = head;
        for (Epoch p = parent(from); p != null; p = parent(from)) from = p;
        return Branches.settle(from, known());
    }

    // ---- Joining, §18.4

    /** Joins a room with the package that adds one of `persons`; `earlier` are needed under shared. */
    static Room join(byte[] b, byte[] inviter, List<byte[]> persons, List<Envelope.Reader> keys, List<byte[]> earlier, Directory ids) {
        Room r = new Room(new ArrayList<>(), ids, Draws.fresh().draw(8));
        r.joinAgain(b, inviter, persons, keys, earlier);
        return r;
    }

    /** Also a room that was held before [ROOM-17]. */
    void joinAgain(byte[] b, byte[] inviter, List<byte[]> persons, List<Envelope.Reader> keys, List<byte[]> earlier) {
        Given g = new Given(this, List.of(b), keys, head == null ? null : roomId());
        g.open();
        Given.Item i = g.items.get(0);
        if (i.opened == null) throw i.refused != null ? i.refused : Refused.decrypt();
        Packages.Opened p = i.opened;
        byte[] me = Packages.joining(p, inviter, persons, ids);
        if (head != null) {
            for (Epoch e : known()) {
                if (Long.compareUnsigned(p.epoch().number(), e.number()) <= 0) throw Refused.room("ROOM-17", "an old package");
            }
            if (p.body().history() != head.body().history()) throw Refused.room("ROOM-08", "another policy");
        }
        List<Epoch> past = new ArrayList<>();
        if (p.body().history() == RoomEpoch.SHARED) {
            Given all = new Given(this, earlier, List.of(), p.body().roomId());
            ids.missed.clear();
            boolean[] opened = {true};
            if (!leadsToZero(p, all.envelopes(), past, new HashSet<>(), opened)) {
                if (!ids.missed.isEmpty()) throw Refused.unknown("who signed an earlier package");
                throw opened[0] ? Refused.room("ROOM-16", "the past does not lead on") : Refused.decrypt();
            }
        }
        isNow(me);
        past.forEach(this::hold);
        moveTo(p.epoch());
        confirmed = true;
        behind = 0;
    }

    /** [ROOM-16]: down to epoch 0, trying every copy; `opened` tells whether, at the end of the way, any was opened. */
    private boolean leadsToZero(Packages.Opened p, List<Envelope> all, List<Epoch> past, Set<String> dead, boolean[] opened) {
        if (p.epoch().number() == 0) return true;
        opened[0] = false;
        for (Envelope e : all) {
            if (Packages.number(e) != p.epoch().number() - 1 || p.previous() == null || !e.commits(p.previous())) continue;
            opened[0] = true;
            try {
                Packages.Opened before = Packages.open(e, p.previous());
                if (!before.epoch().isParentOf(p.epoch())) continue;
                Packages.signature(before, ids);
                Packages.authorised(p, before.epoch(), ids);
                String copy = Wire.hex(Algorithms.sha256(before.envelope().content()));
                if (dead.contains(copy)) continue;
                past.add(before.epoch());
                if (leadsToZero(before, all, past, dead, opened)) return true;
                past.remove(past.size() - 1);
                dead.add(copy);
            } catch (Refused notThisOne) {
                // Another copy may lead on.
            }
        }
        return false;
    }

    // ---- What is missing, §21

    /** Numbers of epochs that are missing on the own branch; under shared also those before the first. */
    List<long[]> gaps() {
        List<long[]> l = new ArrayList<>();
        for (int i = 0; i + 1 < own.size(); i++) {
            long after = own.get(i + 1).number() + 1, before = own.get(i).number();
            if (after != before) l.add(new long[] {after, before - 1});
        }
        long first = own.get(own.size() - 1).number();
        if (head.body().history() == RoomEpoch.SHARED && first != 0) l.add(new long[] {0, first - 1});
        if (Long.compareUnsigned(behind, head.number()) > 0) l.add(new long[] {head.number() + 1, behind});
        return l;
    }

    // ---- Confirmed, unconfirmed, behind, §18.7

    boolean maySeal() { return confirmed && behind == 0; } // [ROOM-22], [ROOM-24]
    void accept() {
        confirmed = true;
        behind = 0;
    }
    void confirm(byte[] statement, byte[] nonce, byte[] named) {
        Statements.checkHead(statement, head, nonce, named, ids);
        confirmed = true;
    }

    /** [ROOM-25]; gives how many epochs are new. */
    int grant(byte[] b, List<Envelope.Reader> keys, byte[] granter) {
        List<Epoch> anew = Grants.open(b, keys, granter, head, own, ids).stream().filter(e -> !reads(e.transcript())).toList();
        anew.forEach(this::hold);
        findOwn();
        return anew.size();
    }

    // ---- Messages

    record Heard(Messages.Opened message, String replay, boolean superseded, boolean senderIsThere) {}

    byte[] seal(Envelope.Sender me, byte[] aad, byte[] content, boolean padme) {
        if (!maySeal()) throw Refused.room(confirmed ? "ROOM-24" : "ROOM-22", null);
        return Messages.seal(head, me, device, nextSequence++, aad, content, padme, Draws.fresh());
    }
    Heard open(byte[] b, byte[] aad) {
        Messages.Opened m = Messages.open(b, aad, List.copyOf(held()), ids);
        String replay = replays.see(m.sender(), m.device(), m.sequence(), m.id());
        return new Heard(m, replay, m.epoch() != head, head.body().has(m.sender())); // [RMSG-09]
    }

    // ---- What is stored

    RoomState state() {
        List<RoomState.Stored> l = new ArrayList<>();
        for (Epoch e : held().stream().sorted(Branches.ORDER).toList()) {
            l.add(new RoomState.Stored(e, own.contains(e) ? RoomState.OWN : RoomState.EVIDENCE));
        }
        return new RoomState(List.copyOf(mine), device, nextSequence, confirmed ? RoomState.CONFIRMED : RoomState.UNCONFIRMED, behind,
                head.transcript(), l, replays.used, RoomState.heard(replays));
    }
    static Room load(RoomState s, Directory ids) {
        Room r = new Room(new ArrayList<>(s.mine()), ids, s.device());
        r.nextSequence = s.nextSequence();
        r.confirmed = s.standing() == RoomState.CONFIRMED;
        r.behind = s.behind();
        List<Epoch> ownUntil = new ArrayList<>();
        for (RoomState.Stored x : s.epochs()) {
            r.hold(x.epoch());
            if (x.branch() == RoomState.OWN) ownUntil.add(x.epoch());
        }
        r.head = r.held.get(Wire.hex(s.head()));
        r.own = Branches.own(r.head, r.held(), ownUntil);
        r.replays = Replays.of(s);
        return r;
    }
}
