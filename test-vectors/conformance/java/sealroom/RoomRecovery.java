package sealroom;

import java.util.ArrayList;
import java.util.List;

/** A room that is put together from a server's packages, SPEC §18.7 and §21 step 3. It is unconfirmed. */
final class RoomRecovery {
    private final Room room;
    private final Given given;
    private final List<byte[]> persons;

    private RoomRecovery(Room room, Given given, List<byte[]> persons) {
        this.room = room;
        this.given = given;
        this.persons = persons;
    }

    record Result(Room room, List<Given.Item> items) {}

    /** From packages alone, for these identities. The head is null if nothing opens. */
    static Result recover(byte[] roomId, List<byte[]> packages, List<byte[]> persons, List<Envelope.Reader> keys, Directory ids) {
        Room room = new Room(new ArrayList<>(), ids, Draws.fresh().draw(8));
        Given given = new Given(room, packages, keys, roomId);
        RoomRecovery r = new RoomRecovery(room, given, persons);
        given.rounds(r::take);
        given.end(true);
        return new Result(room, given.items);
    }

    /** Of a room that the keyring has; gives what became of each package. */
    static List<Given.Item> goOn(Room room, List<byte[]> packages, List<byte[]> persons, List<Envelope.Reader> keys) {
        Given given = new Given(room, packages, keys, room.roomId());
        RoomRecovery r = new RoomRecovery(room, given, persons);
        for (long before = -1; before != r.came() || room.goOn();) {
            before = r.came();
            given.rounds(room::place);
            while (room.goOn()) given.rounds(room::place);
            for (Epoch e : List.copyOf(room.branch())) if (e.number() != 0) r.goBack(e);
            room.findOwn();
            r.further();
        }
        given.end(true);
        return given.items;
    }
    /** Grows with each epoch that is new, and with each secret of one that was without. */
    private long came() { return room.held().size() + room.held().stream().filter(e -> e.secret() != null).count(); }

    /** Those that were opened, were not taken and have no parent: they begin further runs, or are kept to be read. */
    private void further() {
        Epoch last = null;
        for (Given.Item i : given.ascending) {
            // What follows from those of one number goes before the next.
            if (last != null && last.number() != Packages.number(i.envelope)) {
                given.rounds(room::place);
                last = null;
            }
            if (i.opened == null || i.done != null) continue;
            Epoch e = i.opened.epoch();
            if (room.at(e.transcript()) != null || room.parent(e) != null) continue;
            boolean may = mayBegin(e);
            Refused noRun = may ? refusal(() -> begin(i.opened)) : null;
            if (may && noRun == null) {
                given.follow();
                i.done = Room.Done.APPLIED;
                i.refused = null;
                last = e;
                continue;
            }
            if (noRun != null) i.refused = noRun;
            if (!mayKeep(e)) continue;
            // It is not done with: its parent may come, or a head that it can follow as a run.
            long before = came();
            Refused notKept = refusal(() -> keep(i.opened));
            if (notKept != null && (noRun == null || notKept.cls.equals("unknown"))) i.refused = notKept;
            if (came() != before) last = e;
        }
    }
    private static Refused refusal(Runnable r) {
        try {
            r.run();
            return null;
        } catch (Refused e) { return e; }
    }

    /** By its number; plain members' refreshes keep no admin's epoch away. */
    private boolean mayBegin(Epoch e) {
        return Long.compareUnsigned(e.number(), room.head.number()) > 0 || e.body().adds() == 0 && room.isBeyond(e.number());
    }
    private boolean mayKeep(Epoch e) {
        return Long.compareUnsigned(e.number(), room.head.number()) <= 0
                && room.branch().stream().noneMatch(o -> o.number() == e.number() && !Branches.yielding(o, room.parent(o)));
    }

    private Room.Done take(Packages.Opened p) {
        boolean follows = room.head != null && (room.parent(p.epoch()) != null || room.at(p.epoch().transcript()) != null);
        if (follows) return room.place(p);
        begin(p);
        return Room.Done.APPLIED;
    }

    /** The first package, or one that begins a further run. */
    private void begin(Packages.Opened p) {
        RoomEpoch head = room.head == null ? null : room.head.body();
        boolean heir = head != null && heir(p, head);
        // Of any other its transition is not checked, and makes nobody known.
        byte[] me = withoutParent(p, heir ? p.transition().next() : room.ids.get(p.signer()));
        if (head != null) {
            boolean further = (heir || head.role(p.signer()) == RoomEpoch.ADMIN) && mayBegin(p.epoch()) && p.body().history() == head.history();
            if (!further) throw Refused.room("ROOM-08", "no parent");
        }
        room.isNow(me);
        room.moveTo(p.epoch());
        goBack(p.epoch());
        room.findOwn();
    }
    /** Evidence if its way back comes to what is held; else it is only read, and what is on the way (§18.5). */
    private void keep(Packages.Opened p) {
        room.wasOnce(withoutParent(p, room.ids.get(p.signer())));
        room.hold(p.epoch());
        List<Epoch> way = goBack(p.epoch());
        room.findOwn();
        if (room.parent(way.get(way.size() - 1)) != null) return;
        for (Epoch e : way) {
            if (given.onWay.stream().noneMatch(o -> Wire.same(o.transcript(), e.transcript()))) given.onWay.add(e);
            room.onlyToRead(e);
        }
    }
    /** What is checked of both; gives who the reader is there. */
    private byte[] withoutParent(Packages.Opened p, Identity.PublicIdentity signer) {
        RoomEpoch body = p.body();
        if (!p.envelope().signedBy(signer)) throw Refused.signature("ROOM-07");
        byte[] me = Packages.first(body, persons);
        if (me == null || !body.has(p.signer())) throw Refused.room("ROOM-15", "reader or signer is not there");
        boolean needsAdmin = !p.envelope().header().symmetric().isEmpty() || p.previous() == null;
        if (needsAdmin && body.role(p.signer()) != RoomEpoch.ADMIN) throw Refused.room("ROOM-15", "no admin signed");
        if (body.history() == RoomEpoch.SHARED && (p.previous() == null) != (body.epoch() == 0)) throw Refused.room("ROOM-12", null);
        Packages.withoutParent(p);
        return me;
    }
    /** Whether the signer is the successor of an admin at the head by a transition in the package, which is valid. */
    private boolean heir(Packages.Opened p, RoomEpoch head) {
        Identity.Transition t = p.transition();
        if (head.role(p.signer()) == RoomEpoch.ADMIN || t == null || !Wire.same(t.next().fingerprint(), p.signer())
                || head.role(t.old()) != RoomEpoch.ADMIN) return false;
        // Who made a copy can name anybody: nobody waits for them.
        if (!p.envelope().signedBy(t.next())) throw Refused.signature("ROOM-07");
        Identity.follow(room.ids.get(t.old()), t);
        if (room.ids.find(p.signer()) == null) room.ids.add(t.next());
        return true;
    }

    /** Back from an epoch, among what was given, as far as each one after passes against the one before; gives the way. */
    private List<Epoch> goBack(Epoch from) {
        List<Epoch> way = new ArrayList<>(List.of(from));
        for (Epoch at = from; at.number() != 0 && room.parent(at) == null;) {
            at = before(at);
            if (at == null) break;
            room.hold(at);
            way.add(at);
        }
        return way;
    }
    /** Every copy of both packages that its author signed is looked at [ROOM-29]. */
    private Epoch before(Epoch child) {
        List<Packages.Opened> parents = signed(child.body().previous());
        if (parents.isEmpty()) return null;
        for (Packages.Opened after : signed(child.transcript())) {
            for (Packages.Opened before : parents) {
                try {
                    Packages.authorised(after, before.epoch(), room.ids);
                    Epoch grand = room.parent(before.epoch());
                    if (grand != null) Packages.authorised(before, grand, room.ids);
                    return before.epoch();
                } catch (Refused notThisOne) {
                    // Another copy may pass.
                }
            }
        }
        return null;
    }
    private List<Packages.Opened> signed(byte[] transcript) {
        List<Packages.Opened> l = new ArrayList<>();
        for (Packages.Opened p : given.opened(transcript)) {
            try {
                Packages.signature(p, room.ids);
                l.add(p);
            } catch (Refused notThisOne) {
                // Another copy may be.
            }
        }
        return l;
    }
}
