package sealroom;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Vectors of the kind history, SPEC §16: a room by its steps, as one reader sees it. */
final class History {
    static final String[] INPUTS = {"do", "package", "inviter", "past", "packages", "message", "grant", "granter", "statement", "nonce", "state", "kek"};

    private final List<Envelope.Reader> keys = new ArrayList<>();
    private final List<byte[]> persons = new ArrayList<>();
    private final Directory ids;
    private Room room;

    private History(Vec v) {
        ids = new Directory();
        for (Vec p : v.objs("people")) ids.add(Identity.decode(p.hex("identity")));
        for (Vec k : v.objs("keys")) {
            keys.add(k.reader());
            persons.add(k.hex("recipient_id"));
        }
    }

    static Map<String, Object> read(Vec v) {
        History h = new History(v);
        Map<String, Object> result = Vec.fields("result", "ok");
        List<Object> answers = new ArrayList<>();
        for (Vec s : v.objs("steps")) {
            Map<String, Object> answer = Vec.fields("result", "ok");
            try {
                answer.putAll(h.step(s));
            } catch (Refused e) {
                Kinds.refused(answer, e);
                if (result.get("result").equals("ok")) Kinds.refused(result, e);
            }
            if (h.room != null) answer.putAll(Vec.fields("transcript", h.room.head.transcript(), "standing", h.room.standing()));
            answers.add(answer);
        }
        result.putAll(Vec.fields("steps", answers, "room", h.room == null ? null : KindsRooms.roomFields(h.room)));
        return result;
    }

    private Map<String, Object> step(Vec s) {
        switch (s.text("do")) {
            case "join" -> {
                if (room == null) room = Room.join(s.hex("package"), s.hex("inviter"), persons, keys, s.hexes("past"), ids);
                else room.joinAgain(s.hex("package"), s.hex("inviter"), persons, keys, s.hexes("past"));
                return Vec.fields();
            }
            case "load" -> {
                room = Room.load(RoomState.open(s.hex("state"), s.hex("kek")), ids);
                return Vec.fields();
            }
            case "recover" -> { return recover(s.hexes("packages")); }
            case "apply" -> {
                Given.Item i = room.apply(List.of(s.hex("package")), keys).get(0);
                if (i.refused != null) throw i.refused;
                return became(i);
            }
            case "catch_up" -> {
                List<Object> answers = new ArrayList<>();
                for (Given.Item i : room.apply(s.hexes("packages"), keys)) {
                    Map<String, Object> answer = Vec.fields("result", "ok");
                    if (i.refused != null) Kinds.refused(answer, i.refused);
                    else answer.putAll(became(i));
                    answers.add(answer);
                }
                return Vec.fields("answers", answers);
            }
            case "message" -> {
                Room.Heard h = room.open(s.hex("message"), new byte[0]);
                Messages.Opened m = h.message();
                return Vec.fields("sender", m.sender(), "content", m.content(), "sequence", m.sequence(), "freshness", h.replay(),
                        "superseded", h.superseded(), "sender_in_head", h.senderIsThere());
            }
            case "grant" -> { return Vec.fields("count", room.grant(s.hex("grant"), keys, s.hex("granter"))); }
            case "confirm" -> {
                room.confirm(s.hex("statement"), s.hex("nonce"), s.hex("member"));
                return Vec.fields();
            }
            case "leave" -> {
                List<Epoch> branch = new ArrayList<>(room.branch());
                java.util.Collections.reverse(branch);
                return Vec.fields("member", Statements.checkLeave(s.hex("statement"), room.roomId(), branch, ids));
            }
            case "accept_head" -> {
                room.accept();
                return Vec.fields();
            }
            case "settle" -> {
                byte[] to = room.recommended().transcript();
                if (!Wire.same(to, room.head.transcript())) room.changeTo(to);
                return Vec.fields("recommended", to);
            }
            default -> throw new IllegalArgumentException("step " + s.text("do"));
        }
    }

    private Map<String, Object> recover(List<byte[]> packages) {
        // All are of the room of the first that is one.
        byte[] roomId = null;
        for (byte[] b : packages) {
            try {
                if (roomId == null) roomId = Packages.roomId(Packages.decode(b));
            } catch (Refused e) {
                // It is told below.
            }
        }
        RoomRecovery.Result r = RoomRecovery.recover(roomId, packages, persons, keys, ids);
        List<Object> problems = new ArrayList<>();
        for (Given.Item i : r.items()) {
            if (i.refused == null) continue;
            Map<String, Object> problem = Vec.fields("package", i.place);
            Kinds.refused(problem, i.refused);
            problems.add(problem);
        }
        if (r.room().head != null) room = r.room();
        return Vec.fields("problems", problems);
    }

    private static Map<String, Object> became(Given.Item i) {
        if (i.done == Room.Done.HELD) return Vec.fields("became", "held");
        String name = switch (i.done) {
            case APPLIED -> "head";
            case TAKEN -> "past";
            case EVIDENCE -> "fork";
            case NOT_KEPT -> "fork not kept";
            case CHANGED -> "switched";
            case AHEAD -> "ahead";
            case HELD -> "held";
        };
        Map<String, Object> m = Vec.fields("became", name, "author", i.opened.signer());
        if (i.done == Room.Done.AHEAD) m.putAll(Vec.fields("epoch", i.opened.epoch().number()));
        return m;
    }
}
