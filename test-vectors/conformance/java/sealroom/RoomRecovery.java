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
        given.take(r::take);
        return new Result(room, given.items);
    }

    /** Of a room from a keyring: the way back from epochs of its branch that have no parent. */
    static void goBack(Room room, List<byte[]> packages, List<Envelope.Reader> keys) {
        Given given = new Given(room, packages, keys, room.roomId());
        given.open();
        RoomRecovery r = new RoomRecovery(room, given, List.of());
        for (Epoch e : List.copyOf(room.branch())) if (e.number() != 0) r.goBack(e);
        room.findOwn();
    }

    private Room.Done take(Packages.Opened p) {
        boolean follows = room.head != null && (room.parent(p.epoch()) != null || room.at(p.epoch().transcript()) != null);
        if (follows) return room.place(p);
        begin(p);
        return Room.Done.APPLIED;
    }

    /** The first package, or one that begins a further run. Its transition is not checked, and makes nobody known. */
    private void begin(Packages.Opened p) {
        RoomEpoch body = p.body();
        if (!p.envelope().signedBy(room.ids.get(p.signer()))) throw Refused.signature("ROOM-07");
        byte[] me = Packages.first(body, persons);
        if (me == null || !body.has(p.signer())) throw Refused.room("ROOM-15", "reader or signer is not there");
        boolean needsAdmin = !p.envelope().header().symmetric().isEmpty() || p.previous() == null;
        if (needsAdmin && body.role(p.signer()) != RoomEpoch.ADMIN) throw Refused.room("ROOM-15", "no admin signed");
        if (body.history() == RoomEpoch.SHARED && (p.previous() == null) != (body.epoch() == 0)) throw Refused.room("ROOM-12", null);
        Packages.withoutParent(p);
        if (room.head != null) {
            RoomEpoch head = room.head.body();
            boolean further = head.role(p.signer()) == RoomEpoch.ADMIN && Long.compareUnsigned(body.epoch(), head.epoch()) > 0
                    && body.history() == head.history();
            if (!further) throw Refused.room("ROOM-08", "no parent");
        }
        room.isNow(me);
        room.moveTo(p.epoch());
        goBack(p.epoch());
        room.findOwn();
    }

    /** Back from an epoch, among what was given, as far as each one after passes against the one before. */
    private void goBack(Epoch from) {
        for (Epoch at = from; at != null && room.parent(at) == null;) {
            at = before(at);
            if (at != null) room.hold(at);
        }
    }
    /** Every copy of both packages is looked at [ROOM-29]. */
    private Epoch before(Epoch child) {
        for (Packages.Opened after : given.opened()) {
            if (!Wire.same(after.epoch().transcript(), child.transcript())) continue;
            for (Packages.Opened before : given.opened()) {
                if (!before.epoch().isParentOf(child)) continue;
                try {
                    Packages.signature(after, room.ids);
                    Packages.signature(before, room.ids);
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
}
