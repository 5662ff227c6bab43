package sealroom;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** RoomEpoch, SPEC §18.1. */
record RoomEpoch(byte[] creator, byte[] nonce, long epoch, byte[] previous, int history, int adds, List<Member> roster, byte[] bytes) {
    static final int MEMBER = 1, ADMIN = 2, FROM_JOIN = 1, SHARED = 2;
    static final byte[] ZERO = new byte[32];

    record Member(byte[] fingerprint, int role) {}

    RoomEpoch(byte[] creator, byte[] nonce, long epoch, byte[] previous, int history, int adds, List<Member> roster) {
        this(creator, nonce, epoch, previous, history, adds, roster, encode(creator, nonce, epoch, previous, history, adds, roster));
    }

    private static byte[] encode(byte[] creator, byte[] nonce, long epoch, byte[] previous, int history, int adds, List<Member> roster) {
        Wire.Out r = new Wire.Out();
        for (Member m : roster) r.put(m.fingerprint).u8(m.role);
        return new Wire.Out().put(creator).put(nonce).u64(epoch).put(previous).u8(history).u8(adds).vec(r.bytes()).bytes();
    }

    /** [ROOM-02]; the caller says of which class and tag a refusal is. */
    static RoomEpoch read(Wire.In in) {
        byte[] creator = in.take(32, "creator"), nonce = in.take(16, "creation_nonce");
        long epoch = in.u64("epoch");
        byte[] previous = in.take(32, "previous_transcript");
        int history = in.u8("history"), adds = in.u8("adds_since_rekey");
        if (history != FROM_JOIN && history != SHARED) throw Refused.malformed("history");
        Wire.In r = in.sub("roster");
        if (r.left() / 33 > 16384) throw Refused.limit("LIM-11", "roster");
        List<Member> roster = new ArrayList<>();
        boolean admin = false;
        while (r.left() > 0) {
            Member m = new Member(r.take(32, "fingerprint"), r.u8("role"));
            if (m.role != MEMBER && m.role != ADMIN) throw Refused.malformed("role");
            if (!roster.isEmpty() && Wire.compare(roster.get(roster.size() - 1).fingerprint, m.fingerprint) >= 0) {
                throw Refused.malformed("order of the roster");
            }
            admin |= m.role == ADMIN;
            roster.add(m);
        }
        if (!admin) throw Refused.malformed("a roster without an admin");
        return new RoomEpoch(creator, nonce, epoch, previous, history, adds, roster);
    }
    static RoomEpoch decode(byte[] b) { return Wire.whole(b, "RoomEpoch", RoomEpoch::read); }

    /** A refusal of form as one of class `room`. */
    static <T> T form(String tag, Supplier<T> decode) {
        try {
            return decode.get();
        } catch (Refused e) { throw Refused.room(tag, e.getMessage()); }
    }

    byte[] roomId() { return roomId(creator, nonce, history); }
    static byte[] roomId(byte[] creator, byte[] nonce, int history) {
        return Wire.slice(Algorithms.sha256(Algorithms.signInput("room id", creator, nonce, new byte[] {(byte) history})), 0, 16);
    }

    /** 0 for who is not there. */
    int role(byte[] fingerprint) {
        for (Member m : roster) if (Wire.same(m.fingerprint, fingerprint)) return m.role;
        return 0;
    }
    boolean has(byte[] fingerprint) { return role(fingerprint) != 0; }
    boolean sameRoster(RoomEpoch o) { return sameRoster(o.roster); }
    boolean sameRoster(List<Member> other) {
        if (roster.size() != other.size()) return false;
        for (int i = 0; i < roster.size(); i++) {
            if (roster.get(i).role != other.get(i).role || !Wire.same(roster.get(i).fingerprint, other.get(i).fingerprint)) return false;
        }
        return true;
    }
    /** Whether everyone of `o` is here. */
    boolean hasAllOf(RoomEpoch o) { return o.roster.stream().allMatch(m -> has(m.fingerprint)); }
}
