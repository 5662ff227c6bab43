package sealroom;

import java.util.ArrayList;
import java.util.List;

/** Epoch packages, SPEC §18.1 to §18.4: their form, and the checks of one against its parent or as a first one. */
final class Packages {
    private Packages() {}

    /** A package that was opened: `previous` and `transition` are null where they are absent. */
    record Opened(Envelope.Opened envelope, Epoch epoch, byte[] previous, Identity.Transition transition) {
        RoomEpoch body() { return epoch.body(); }
        byte[] signer() { return epoch.signer(); }
    }

    /** Stage 1, decoded [ROOM-01]. */
    static Envelope decode(byte[] b) {
        Envelope e = Envelope.decode(b, Wire.ROOM_EPOCH);
        form(e.header, 24, "ROOM-01");
        for (Header.Stanza s : e.header.stanzas()) if (s instanceof Header.Passphrase) throw Refused.malformed("ROOM-01", "passphrase");
        return e;
    }
    /** Signed, not padded, public data of this length: grants have this form too (§18.8). */
    static void form(Header h, int publicData, String tag) {
        if (h.signature() == 0) throw Refused.malformed(tag, "not signed");
        if (h.padding() != 0) throw Refused.malformed(tag, "padded");
        if (h.publicData().length != publicData) throw Refused.malformed(tag, "public data");
    }
    static byte[] roomId(Envelope e) { return Wire.slice(e.header.publicData(), 0, 16); }
    static long number(Envelope e) { return new Wire.In(e.header.publicData(), 16, 24, Integer.MAX_VALUE).u64("epoch"); }

    /** Stage 2, opened, with a DEK whose commitment is right [ROOM-02], [ROOM-03], [ROOM-04]. */
    static Opened open(Envelope e, byte[] dek) {
        Envelope.Opened o = e.open(dek);
        Wire.In in = new Wire.In(o.content());
        byte[][] previous = new byte[1][];
        Identity.Transition[] transition = new Identity.Transition[1];
        RoomEpoch body = RoomEpoch.form("ROOM-02", () -> {
            RoomEpoch r = RoomEpoch.read(in);
            int has = in.u8("has_previous");
            if (has > 1) throw Refused.malformed("has_previous");
            if (has == 1) previous[0] = in.take(32, "previous_secret");
            byte[] t = in.vec("transition");
            if (t.length > 0) transition[0] = Identity.decodeTransition(t);
            in.done("EpochPayload");
            return r;
        });
        byte[] named = new Wire.Out().put(body.roomId()).u64(body.epoch()).bytes();
        if (!Wire.same(named, o.header().publicData())) throw Refused.room("ROOM-03", null);
        Epoch epoch = Epoch.withSecret(o.signer(), body, o.commitment(), dek);
        if (body.epoch() == 0) {
            boolean good = Wire.same(body.previous(), RoomEpoch.ZERO) && body.adds() == 0 && previous[0] == null
                    && transition[0] == null && o.header().symmetric().isEmpty() && Wire.same(o.signer(), body.creator())
                    && body.role(body.creator()) == RoomEpoch.ADMIN;
            if (!good) throw Refused.room("ROOM-04", null);
        }
        return new Opened(o, epoch, previous[0], transition[0]);
    }

    /** [ROOM-07]: by the identity that the transition names, if that is the signer. */
    static void signature(Opened p, Directory ids) {
        Identity.PublicIdentity id = ids.find(p.signer());
        if (id == null && p.transition != null && Wire.same(p.transition.next().fingerprint(), p.signer())) id = p.transition.next();
        if (id == null) throw ids.miss(p.signer());
        if (!p.envelope.signedBy(id)) throw Refused.signature("ROOM-07");
    }

    /** Stage 3, against the parent: [ROOM-08] to [ROOM-14]. The new identity of a transition is known by it. */
    static void authorised(Opened p, Epoch parent, Directory ids) {
        RoomEpoch body = p.body(), old = parent.body();
        if (!parent.isParentOf(p.epoch)) throw Refused.room("ROOM-08", "no parent");
        if (!Wire.same(body.creator(), old.creator()) || !Wire.same(body.nonce(), old.nonce()) || body.history() != old.history()) {
            throw Refused.room("ROOM-08", "another room or policy");
        }
        mayChange(p, old);
        List<Header.Symmetric> kek = p.envelope.header().symmetric();
        if (body.adds() == 0) {
            if (!kek.isEmpty()) throw Refused.room("ROOM-10", "no addition, and a symmetric stanza");
        } else {
            boolean kept = old.roster().stream().allMatch(m -> body.role(m.fingerprint()) == m.role());
            if (body.adds() != old.adds() + 1 || body.adds() > 64 || kek.size() != 1 || parent.secret() == null
                    || !Wire.same(kek.get(0).keyId(), Envelope.kekId(parent.kek())) || !kept
                    || body.roster().size() <= old.roster().size()) {
                throw Refused.room("ROOM-10", "addition");
            }
        }
        int readers = body.roster().size() - (kek.isEmpty() ? 0 : old.roster().size());
        if (p.envelope.header().publicKeyWraps() != readers) throw Refused.room("ROOM-11", null);
        boolean told = body.history() == RoomEpoch.SHARED || old.hasAllOf(body);
        if (told != (p.previous != null)) throw Refused.room("ROOM-12", null);
        if (p.previous != null && (parent.secret() == null || !Wire.sameSecret(p.previous, parent.secret()))) {
            throw Refused.room("ROOM-13", null);
        }
        if (p.transition != null) {
            byte[] now = p.transition.next().fingerprint();
            if (!body.sameRoster(replaced(old, p.transition))) throw Refused.room("ROOM-14", null);
            Identity.follow(ids.get(p.transition.old()), p.transition);
            if (ids.find(now) == null) ids.add(p.transition.next());
        }
    }

    /** The roster with the one fingerprint in the other's place, or an empty one if that cannot be. */
    static List<RoomEpoch.Member> replaced(RoomEpoch old, Identity.Transition t) {
        byte[] next = t.next().fingerprint();
        if (!old.has(t.old()) || old.has(next)) return List.of();
        List<RoomEpoch.Member> r = new ArrayList<>();
        for (RoomEpoch.Member m : old.roster()) r.add(Wire.same(m.fingerprint(), t.old()) ? new RoomEpoch.Member(next, m.role()) : m);
        r.sort((a, b) -> Wire.compare(a.fingerprint(), b.fingerprint()));
        return r;
    }

    /** [ROOM-09] */
    private static void mayChange(Opened p, RoomEpoch old) {
        int role = old.role(p.signer());
        boolean may = switch (role) {
            case RoomEpoch.ADMIN -> p.body().role(p.signer()) == RoomEpoch.ADMIN;
            case RoomEpoch.MEMBER -> p.body().sameRoster(old);
            default -> p.transition != null && Wire.same(p.transition.next().fingerprint(), p.signer());
        };
        if (!may) throw Refused.room("ROOM-09", null);
        // A successor changes nothing else; that breaks [ROOM-14] too, which is reported.
        if (role == 0 && !p.body().sameRoster(replaced(old, p.transition))) throw Refused.room("ROOM-14", null);
    }

    /** What can be checked without a parent, §18.4: [ROOM-10], [ROOM-11]. */
    static void withoutParent(Opened p) {
        RoomEpoch body = p.body();
        int keks = p.envelope.header().symmetric().size(), wraps = p.envelope.header().publicKeyWraps();
        boolean addition = body.adds() >= 1 && body.adds() <= 64;
        if (body.adds() > 64 || keks != (addition ? 1 : 0)) throw Refused.room("ROOM-10", null);
        if (keks == 0 ? wraps != body.roster().size() : wraps >= body.roster().size()) throw Refused.room("ROOM-11", null);
    }

    /** A first package, §18.4 [ROOM-15]; gives who the reader is in it. */
    static byte[] joining(Opened p, byte[] inviter, List<byte[]> mine, Directory ids) {
        RoomEpoch body = p.body();
        if (!Wire.same(p.signer(), inviter)) throw Refused.signature("ROOM-15");
        if (!p.envelope.signedBy(ids.get(inviter))) throw Refused.signature("ROOM-07");
        if (body.role(inviter) != RoomEpoch.ADMIN) throw Refused.room("ROOM-15", "no admin invites");
        byte[] me = first(body, mine);
        if (me == null) throw Refused.room("ROOM-15", "the reader is not there");
        boolean told = body.history() == RoomEpoch.SHARED && body.epoch() != 0;
        if (told != (p.previous != null) || p.transition != null) throw Refused.room("ROOM-12", null);
        withoutParent(p);
        return me;
    }

    /** The first of these that is in the roster, or null. */
    static byte[] first(RoomEpoch body, List<byte[]> mine) {
        for (byte[] f : mine) if (body.has(f)) return f;
        return null;
    }

    // ---- Making

    /** A package by `author` that follows `parent` (null: epoch 0). `wrapTo` are the identities that it is wrapped to by public key. */
    static byte[] make(Envelope.Sender author, Epoch parent, RoomEpoch body, byte[] previousSecret, Identity.Transition transition,
                       List<Identity.PublicIdentity> wrapTo, boolean addition) {
        Wire.Out content = new Wire.Out().put(body.bytes()).u8(previousSecret == null ? 0 : 1);
        if (previousSecret != null) content.put(previousSecret);
        content.vec(transition == null ? new byte[0] : transition.bytes());
        List<Envelope.Recipient> to = new ArrayList<>();
        for (Identity.PublicIdentity id : wrapTo) to.add(new Envelope.KeyRecipient(id));
        if (addition) to.add(new Envelope.KekRecipient(parent.kek()));
        byte[] publicData = new Wire.Out().put(body.roomId()).u64(body.epoch()).bytes();
        return Envelope.seal(Wire.ROOM_EPOCH, content.bytes(), false, author, publicData, to, 0, Draws.fresh()).bytes();
    }
}
