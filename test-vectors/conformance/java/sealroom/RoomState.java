package sealroom;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a device stores of a room, SPEC §18.9. */
record RoomState(List<byte[]> mine, byte[] device, long nextSequence, int standing, long behind, byte[] head, List<Stored> epochs,
                 long used, List<Heard> devices) {
    static final int CONFIRMED = 1, UNCONFIRMED = 2, OWN = 1, EVIDENCE = 2;

    record Stored(Epoch epoch, int branch) {}
    record Seen(long sequence, byte[] id) {}
    record Heard(byte[] sender, byte[] device, long used, List<Seen> seen) {}

    static RoomState open(byte[] b, byte[] kek) {
        return RoomState.decode(SegmentForm.open(b, Wire.ROOM_STATE, "ROOM-26", kek));
    }
    byte[] seal(byte[] kek) { return SegmentForm.seal(Wire.ROOM_STATE, encode(), kek, Draws.fresh()); }

    /** [ROOM-26] */
    static RoomState decode(byte[] content) {
        return RoomEpoch.form("ROOM-26", () -> {
            RoomState s = Wire.whole(content, "RoomState", RoomState::read);
            s.check();
            return s;
        });
    }

    private static RoomState read(Wire.In in) {
        Wire.In m = in.sub("mine");
        List<byte[]> mine = new ArrayList<>();
        while (m.left() > 0) mine.add(m.take(32, "mine"));
        byte[] device = in.take(8, "device");
        long next = in.u64("next_sequence");
        int standing = in.u8("standing");
        long behind = in.u64("behind");
        byte[] head = in.take(32, "head");
        Wire.In l = in.sub("epochs");
        List<Stored> epochs = new ArrayList<>();
        while (l.left() > 0) {
            byte[] signer = l.take(32, "signer");
            int branch = l.u8("branch");
            RoomEpoch body = RoomEpoch.read(l);
            byte[] commitment = l.take(32, "commitment");
            int kind = l.u8("kind");
            byte[] key = l.take(32, "key");
            if (branch < 1 || branch > 2 || kind < 1 || kind > 2) throw Refused.malformed("branch or kind");
            epochs.add(new Stored(kind == 1 ? Epoch.withSecret(signer, body, commitment, key)
                    : Epoch.withMessageKey(signer, body, commitment, key), branch));
        }
        long used = in.u64("used");
        Wire.In d = in.sub("devices");
        List<Heard> devices = new ArrayList<>();
        while (d.left() > 0) {
            byte[] sender = d.take(32, "sender"), dev = d.take(8, "device");
            long moved = d.u64("used");
            Wire.In s = d.sub("seen");
            List<Seen> seen = new ArrayList<>();
            while (s.left() > 0) seen.add(new Seen(s.u64("sequence"), s.take(16, "id")));
            devices.add(new Heard(sender, dev, moved, seen));
        }
        return new RoomState(mine, device, next, standing, behind, head, epochs, used, devices);
    }

    private static void must(boolean b, String what) { if (!b) throw Refused.malformed(what); }

    private void check() {
        for (int i = 0; i < mine.size(); i++) for (int j = 0; j < i; j++) must(!Wire.same(mine.get(i), mine.get(j)), "mine twice");
        must(standing == CONFIRMED || standing == UNCONFIRMED, "standing");
        Epoch h = null;
        List<Epoch> held = new ArrayList<>(), own = new ArrayList<>();
        for (Stored s : epochs) {
            Epoch e = s.epoch;
            if (!held.isEmpty()) {
                Epoch before = held.get(held.size() - 1);
                must(Branches.ORDER.compare(before, e) < 0, "order of epochs");
                must(Wire.same(before.body().roomId(), e.body().roomId()) && before.body().history() == e.body().history(), "room or policy");
            }
            held.add(e);
            if (s.branch == OWN) own.add(e);
            if (Wire.same(e.transcript(), head)) h = e;
        }
        must(h != null && h.secret() != null, "head");
        // An own branch that leads elsewhere than to all that is said to be of it is another one.
        List<Epoch> branch = Branches.own(h, held, own);
        must(branch.size() == own.size() && own.containsAll(branch), "own branch");
        must(behind == 0 || Long.compareUnsigned(behind, Branches.reached(branch)) > 0, "behind what was reached");
        must(Packages.first(h.body(), mine) != null, "mine");
        int ofSender = 0;
        for (int i = 0; i < devices.size(); i++) {
            Heard d = devices.get(i);
            ofSender++;
            if (i > 0) {
                Heard before = devices.get(i - 1);
                int c = Wire.compare(before.sender, d.sender);
                must(c < 0 || (c == 0 && Wire.compare(before.device, d.device) < 0), "order of devices");
                if (c != 0) ofSender = 1;
            }
            must(ofSender <= Replays.DEVICES && !d.seen.isEmpty() && d.seen.size() <= Replays.MESSAGES, "number of devices or messages");
            for (int j = 1; j < d.seen.size(); j++) {
                must(Long.compareUnsigned(d.seen.get(j - 1).sequence, d.seen.get(j).sequence) < 0, "order of sequences");
            }
        }
    }

    byte[] encode() {
        Wire.Out l = new Wire.Out(), d = new Wire.Out();
        for (Stored s : epochs) {
            Epoch e = s.epoch;
            l.put(e.signer()).u8(s.branch).put(e.body().bytes()).put(e.commitment()).u8(e.secret() != null ? 1 : 2)
                    .put(e.secret() != null ? e.secret() : e.messageKey());
        }
        for (Heard h : devices) {
            Wire.Out s = new Wire.Out();
            for (Seen m : h.seen) s.u64(m.sequence).put(m.id);
            d.put(h.sender).put(h.device).u64(h.used).vec(s.bytes());
        }
        return new Wire.Out().vec(Wire.cat(mine.toArray(byte[][]::new))).put(device).u64(nextSequence).u8(standing).u64(behind)
                .put(head).vec(l.bytes()).u64(used).vec(d.bytes()).bytes();
    }

    /** The replay guard's part of a state. */
    static List<Heard> heard(Replays r) {
        List<Heard> l = new ArrayList<>();
        for (Map.Entry<String, Map<String, Replays.Device>> s : new TreeMap<>(r.senders).entrySet()) {
            for (Map.Entry<String, Replays.Device> d : new TreeMap<>(s.getValue()).entrySet()) {
                List<Seen> seen = new ArrayList<>();
                d.getValue().seen.forEach((n, id) -> seen.add(new Seen(n, id)));
                l.add(new Heard(Wire.unhex(s.getKey()), Wire.unhex(d.getKey()), d.getValue().used, seen));
            }
        }
        return l;
    }
}
