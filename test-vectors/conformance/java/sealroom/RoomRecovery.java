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
        for (int before = -1; before != room.held().size() || room.goOn();) {
            before = room.held().size();
            given.rounds(room::place);
            while (room.goOn()) given.rounds(room::place);
            for (Epoch e : List.copyOf(room.branch())) if (e.number() != 0) r.goBack(e);
            room.findOwn();
            r.further();
        }
        given.end(true);
        return given.items;
    }
    /** Those that were opened, were not taken and have no parent: further runs, or evidence of a number that the own branch lacks. */
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
            boolean later = Long.compareUnsigned(e.number(), room.head.number()) > 0;
            if (!later && room.branch().stream().anyMatch(o -> o.number() == e.number())) continue;
            try {
                begin(i.opened, !later);
                given.follow();
                i.done = later ? Room.Done.APPLIED : Room.Done.EVIDENCE;
                i.refused = null;
                last = e;
            } catch (Refused notThisOne) { i.refused = notThisOne; }
        }
    }

    private Room.Done take(Packages.Opened p) {
        boolean follows = room.head != null && (room.parent(p.epoch()) != null || room.at(p.epoch().transcript()) != null);
        if (follows) return room.place(p);
        begin(p, false);
        return Room.Done.APPLIED;
    }

    /** The first package, or one that begins a further run, or a run of evidence. */
    private void begin(Packages.Opened p, boolean evidence) {
        RoomEpoch body = p.body(), head = room.head == null ? null : room.head.body();
        boolean heir = head != null && !evidence && heir(p, head);
        // Of any other its transition is not checked, and makes nobody known.
        if (!p.envelope().signedBy(heir ? p.transition().next() : room.ids.get(p.signer()))) throw Refused.signature("ROOM-07");
        byte[] me = Packages.first(body, persons);
        if (me == null || !body.has(p.signer())) throw Refused.room("ROOM-15", "reader or signer is not there");
        boolean needsAdmin = !p.envelope().header().symmetric().isEmpty() || p.previous() == null;
        if (needsAdmin && body.role(p.signer()) != RoomEpoch.ADMIN) throw Refused.room("ROOM-15", "no admin signed");
        if (body.history() == RoomEpoch.SHARED && (p.previous() == null) != (body.epoch() == 0)) throw Refused.room("ROOM-12", null);
        Packages.withoutParent(p);
        if (head != null && !evidence) {
            boolean further = (heir || head.role(p.signer()) == RoomEpoch.ADMIN) && Long.compareUnsigned(body.epoch(), head.epoch()) > 0
                    && body.history() == head.history();
            if (!further) throw Refused.room("ROOM-08", "no parent");
        }
        if (evidence) {
            room.wasOnce(me);
            room.hold(p.epoch());
        } else {
            room.isNow(me);
            room.moveTo(p.epoch());
        }
        goBack(p.epoch());
        room.findOwn();
    }
    /** Whether the signer is the successor of an admin at the head by a transition in the package, which is valid. */
    private boolean heir(Packages.Opened p, RoomEpoch head) {
        Identity.Transition t = p.transition();
        if (head.role(p.signer()) == RoomEpoch.ADMIN || t == null || !Wire.same(t.next().fingerprint(), p.signer())
                || head.role(t.old()) != RoomEpoch.ADMIN) return false;
        Identity.follow(room.ids.get(t.old()), t);
        if (room.ids.find(p.signer()) == null) room.ids.add(t.next());
        return true;
    }

    /** Back from an epoch, among what was given, as far as each one after passes against the one before. */
    private void goBack(Epoch from) {
        for (Epoch at = from; at != null && at.number() != 0 && room.parent(at) == null;) {
            at = before(at);
            if (at != null) room.hold(at);
        }
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
