package sealroom;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Packages that a reader is given at once, SPEC §18.3 stage 2 and [ROOM-29], and what became of each. */
final class Given {
    /** `envelope` is null if it was not decoded, `opened` if it was not opened; then either `done` or `refused`. */
    static final class Item {
        final int place;
        final Envelope envelope;
        Packages.Opened opened;
        Room.Done done;
        Refused refused;
        private boolean keysTried;
        /** How many of the secrets that are named of its epoch were tried. */
        private int tried;

        private Item(int place, Envelope envelope, Refused refused) {
            this.place = place;
            this.envelope = envelope;
            this.refused = refused;
        }
    }

    private final Room room;
    private final List<Envelope.Reader> keys;
    /** In the order in which they were given. */
    final List<Item> items = new ArrayList<>();
    /** Those that were decoded, ascending by epoch. */
    final List<Item> ascending = new ArrayList<>();
    /** By epoch, the secrets that packages of the epoch after it name, each once. */
    private final Map<Long, List<byte[]>> named = new HashMap<>();
    private final Map<Long, Integer> tries = new HashMap<>();
    /** What is only read in the end, with its secret: additions after it open by that until the recovery ends (§21). */
    final List<Epoch> onWay = new ArrayList<>();
    /** Of secrets, with the packages of one epoch [ROOM-29]. */
    static final int TRIES = 4096;

    /** Of this room, or of any (null). */
    Given(Room room, List<byte[]> packages, List<Envelope.Reader> keys, byte[] roomId) {
        this.room = room;
        this.keys = keys;
        for (byte[] b : packages) {
            try {
                Envelope e = Packages.decode(b);
                if (roomId != null && !Wire.same(Packages.roomId(e), roomId)) throw Refused.room("ROOM-03", "another room");
                items.add(new Item(items.size(), e, null));
                ascending.add(items.get(items.size() - 1));
            } catch (Refused e) { items.add(new Item(items.size(), null, e)); }
        }
        ascending.sort((a, b) -> Long.compareUnsigned(Packages.number(a.envelope), Packages.number(b.envelope)));
    }

    List<Envelope> envelopes() { return ascending.stream().map(i -> i.envelope).toList(); }

    /** Those that were opened and are of this transcript. */
    List<Packages.Opened> opened(byte[] transcript) {
        return ascending.stream().filter(i -> i.opened != null && Wire.same(i.opened.epoch().transcript(), transcript)).map(i -> i.opened).toList();
    }

    /** From the last back, and by each the one before that it names, until nothing more opens. */
    void open() {
        for (boolean more = true; more;) {
            more = false;
            for (int n = ascending.size() - 1; n >= 0; n--) {
                Item i = ascending.get(n);
                if (i.opened != null || i.refused != null) continue;
                byte[] dek = dek(i);
                if (dek == null) continue;
                try {
                    i.opened = Packages.open(i.envelope, dek);
                    if (i.opened.previous() != null) name(i.opened.body().epoch() - 1, i.opened.previous());
                    more = true;
                } catch (Refused e) { i.refused = e; }
            }
        }
    }

    private void name(long epoch, byte[] secret) {
        List<byte[]> l = named.computeIfAbsent(epoch, n -> new ArrayList<>());
        if (l.stream().noneMatch(s -> Wire.same(s, secret))) l.add(secret);
    }
    /** How often secrets were tried with packages of this epoch. */
    int tries(long epoch) { return tries.getOrDefault(epoch, 0); }

    private byte[] dek(Item i) {
        Envelope e = i.envelope;
        long number = Packages.number(e);
        for (Epoch x : room.held()) {
            if (x.secret() == null) continue;
            if (x.number() == number && Wire.same(x.commitment(), e.commitment) && e.commits(x.secret())) return x.secret();
            byte[] dek = addition(e, x);
            if (dek != null) return dek;
        }
        for (Epoch x : onWay) {
            byte[] dek = addition(e, x);
            if (dek != null) return dek;
        }
        if (!i.keysTried) {
            i.keysTried = true;
            for (Envelope.Reader k : keys) {
                byte[] dek = e.unwrap(k);
                if (dek != null) return dek;
            }
        }
        List<byte[]> secrets = named.getOrDefault(number, List.of());
        while (i.tried < secrets.size() && tries(number) < TRIES) {
            tries.merge(number, 1, Integer::sum);
            byte[] secret = secrets.get(i.tried++);
            if (e.commits(secret)) return secret;
        }
        return null;
    }

    /** By the epoch before, or null. */
    private static byte[] addition(Envelope e, Epoch before) {
        boolean may = before.number() == Packages.number(e) - 1 && !e.header.symmetric().isEmpty();
        return may ? e.unwrap(new Envelope.KekReader(before.kek())) : null;
    }

    /** Takes what opens in ascending order, and what was refused again, until a round brings no further epoch. */
    void take(Function<Packages.Opened, Room.Done> how) {
        rounds(how);
        end();
    }
    void rounds(Function<Packages.Opened, Room.Done> how) {
        for (boolean more = true; more;) {
            more = false;
            open();
            for (Item i : ascending) {
                if (i.opened == null || i.done != null) continue;
                try {
                    i.done = how.apply(i.opened);
                    i.refused = null;
                    follow();
                    more |= i.done != Room.Done.HELD && i.done != Room.Done.NOT_KEPT;
                } catch (Refused e) { i.refused = e; }
            }
        }
    }
    /** What was held before the head that it follows is looked at again. */
    void follow() {
        for (Epoch before = null; before != room.head;) {
            before = room.head;
            for (Item i : ascending) {
                if (i.opened == null || room.at(i.opened.epoch().transcript()) == null) continue;
                if (room.head != before || room.parent(i.opened.epoch()) != room.head) continue;
                try {
                    room.place(i.opened);
                } catch (Refused e) { i.refused = e; }
            }
        }
    }
    /** When nothing more comes. */
    void end() { end(false); }
    /** `recovery`: why it begins no run is told, though the room is behind for it. */
    void end(boolean recovery) {
        for (Item i : ascending) {
            if (i.opened == null && i.refused == null) i.refused = Refused.decrypt();
            // Only what never found its parent is ahead [ROOM-24].
            if (i.opened == null || i.done != null || room.head == null) continue;
            try {
                room.ahead(i.opened);
                i.done = Room.Done.AHEAD;
                if (!recovery) i.refused = null;
            } catch (Refused e) {
                // What it was refused for stands.
            }
        }
    }

    static List<Refused> refused(List<Item> items) { return items.stream().filter(i -> i.refused != null).map(i -> i.refused).toList(); }
}
