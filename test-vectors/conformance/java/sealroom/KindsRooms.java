package sealroom;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Kinds of vectors of SPEC §18 and §19. */
final class KindsRooms {
    private KindsRooms() {}

    static void add(Map<String, Kinds.Kind> all) {
        all.put("room_id", Kinds.kind(KindsRooms::roomId));
        all.put("package", Kinds.kind(KindsRooms::epochPackage, "package"));
        all.put("leave", Kinds.kind(KindsRooms::leave, "statement"));
        all.put("head", Kinds.kind(KindsRooms::head, "statement"));
        all.put("grant", Kinds.kind(KindsRooms::grant, "grant"));
        all.put("state", Kinds.kind(KindsRooms::state, "state"));
        all.put("settle", Kinds.kind(KindsRooms::settle));
        all.put("message", Kinds.kind(KindsRooms::message, KindsRooms::sealMessage, "message"));
        all.put("replays", Kinds.kind(KindsRooms::replays));
        all.put("history", Kinds.kind(History::read).inputs(History.INPUTS));
    }

    private static Map<String, Object> roomId(Vec v) {
        return Vec.fields("room_id", RoomEpoch.roomId(v.hex("creator"), v.hex("creation_nonce"), (int) v.num("history")));
    }

    // ---- §18

    private static Map<String, Object> epochPackage(Vec v) {
        Epoch parent = v.has("parent") ? v.obj("parent").epoch() : null;
        Directory ids = v.identities();
        Envelope e = Packages.decode(v.hex("package"));
        if (parent != null && !Wire.same(Packages.roomId(e), parent.body().roomId())) throw Refused.room("ROOM-03", "another room");
        byte[] dek = null;
        if (v.has("secret")) {
            dek = e.commits(v.hex("secret")) ? v.hex("secret") : null;
        } else {
            if (parent != null && parent.secret() != null && !e.header.symmetric().isEmpty()) dek = e.unwrap(new Envelope.KekReader(parent.kek()));
            if (dek == null) dek = e.unwrap(v.obj("key").reader());
        }
        if (dek == null) throw Refused.decrypt();
        Packages.Opened p = Packages.open(e, dek);
        byte[] me = v.hex("me");
        if (parent == null) {
            Packages.joining(p, v.hex("inviter"), List.of(me), ids);
        } else {
            Packages.signature(p, ids);
            Packages.authorised(p, parent, ids);
            if (p.transition() != null && Wire.same(p.transition().old(), me)) me = p.transition().next().fingerprint();
            if (!p.body().has(me)) throw Refused.room("ROOM-15", "the reader is not there");
        }
        Epoch epoch = p.epoch();
        return Vec.fields("room_id", p.body().roomId(), "epoch", epochFields(epoch, false), "transcript", epoch.transcript(),
                "message_key", epoch.messageKey(), "epoch_kek", epoch.kek(), "previous_secret", p.previous(),
                "yielding", Branches.yielding(epoch, parent), "code", epoch.code());
    }
    /** What a reader holds. */
    static Map<String, Object> roomFields(Room r) {
        List<Object> epochs = new ArrayList<>();
        for (Epoch e : r.held().stream().sorted(Branches.ORDER).toList()) {
            epochs.add(Vec.fields("epoch", e.number(), "transcript", e.transcript(), "branch", r.branch().contains(e) ? 1 : 2,
                    "secret", e.secret() != null));
        }
        return Vec.fields("room_id", r.roomId(), "epoch", r.head.number(), "transcript", r.head.transcript(), "me", r.me(r.head.body()),
                "standing", r.standing(), "epochs", epochs);
    }
    static Map<String, Object> epochFields(Epoch e, boolean granted) {
        return Vec.fields("signer", e.signer(), "body", e.body().bytes(), "commitment", e.commitment(),
                granted ? "message_key" : "secret", granted ? e.messageKey() : e.secret());
    }

    private static Map<String, Object> leave(Vec v) {
        return Vec.fields("member", Statements.checkLeave(v.hex("statement"), v.hex("room_id"), v.epochs("since"), v.identities()));
    }
    private static Map<String, Object> head(Vec v) {
        Statements.checkHead(v.hex("statement"), v.obj("epoch").epoch(), v.hex("nonce"), v.hex("member"), v.identities());
        return Vec.fields();
    }
    private static Map<String, Object> grant(Vec v) {
        Epoch held = v.obj("epoch").epoch();
        List<Epoch> l = Grants.open(v.hex("grant"), List.of(v.obj("key").reader()), v.hex("granter"), held, List.of(held), v.identities());
        return Vec.fields("epochs", l.stream().map(e -> epochFields(e, true)).toList());
    }
    private static Map<String, Object> state(Vec v) {
        RoomState s = v.has("state") ? RoomState.open(v.hex("state"), v.hex("kek")) : RoomState.decode(v.hex("content"));
        return Vec.fields("content", s.encode());
    }
    private static Map<String, Object> settle(Vec v) {
        List<Epoch> l = v.epochs("epochs");
        // What is only read is nobody's child, but the first is of the own branch.
        List<Epoch> known = l.stream().filter(e -> e == l.get(0) || e.secret() != null).toList();
        return Vec.fields("transcript", Branches.settle(l.get(0), known).transcript());
    }

    // ---- §19

    private static Map<String, Object> message(Vec v) {
        Messages.Opened o = Messages.open(v.hex("message"), v.hex("aad"), List.of(v.obj("epoch").epoch()), v.identities());
        return Vec.fields("sender", o.sender(), "device", o.device(), "sequence", o.sequence(), "content", o.content(), "message_id", o.id());
    }
    private static Map<String, Object> sealMessage(Vec v, Draws random) {
        Envelope.Sender sender = new Envelope.Sender(v.identities().get(v.hex("sender")), Keys.pkcs8(v.hex("pkcs8")));
        return Vec.fields("message", Messages.seal(v.obj("epoch").epoch(), sender, v.hex("device"), v.num("sequence"), v.hex("aad"),
                v.hex("content"), Kinds.padme(v), random));
    }
    private static Map<String, Object> replays(Vec v) {
        Replays r = new Replays();
        List<String> answers = new ArrayList<>();
        for (Vec s : v.objs("seen")) answers.add(r.see(new byte[32], s.hex("device"), s.num("sequence"), s.hex("id")));
        return Vec.fields("answers", answers);
    }
}
