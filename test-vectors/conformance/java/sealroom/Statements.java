package sealroom;

import java.util.List;

/** Leave and head statements, SPEC §18.6, §18.7. */
final class Statements {
    private Statements() {}

    private static byte[] leaveInput(byte[] room, byte[] transcript, byte[] member, int algorithm) {
        return Algorithms.signInput("leave", room, transcript, member, new byte[] {(byte) algorithm});
    }
    private static byte[] headInput(byte[] room, long epoch, byte[] transcript, byte[] nonce, byte[] member, int algorithm) {
        return Algorithms.signInput("head",
                new Wire.Out().put(room).u64(epoch).put(transcript).put(nonce).put(member).u8(algorithm).bytes());
    }

    static byte[] leave(Envelope.Sender who, Epoch at) {
        byte[] room = at.body().roomId(), f = who.identity().fingerprint();
        int a = who.identity().signing().algorithm();
        return Wire.prefix(Wire.LEAVE).put(room).put(at.transcript()).put(f).u8(a)
                .put(Algorithms.sign(who.key(), leaveInput(room, at.transcript(), f, a), Draws.fresh())).bytes();
    }

    record Leave(byte[] room, byte[] transcript, byte[] member, int algorithm, byte[] signature) {}
    static Leave decodeLeave(byte[] b) {
        return Wire.whole(b, "LeaveStatement", in -> {
            Wire.prefix(in, Wire.LEAVE);
            byte[] room = in.take(16, "room_id"), transcript = in.take(32, "transcript"), member = in.take(32, "member");
            int algorithm = in.u8("algorithm");
            return new Leave(room, transcript, member, algorithm, in.take(Algorithms.signatureLength(algorithm), "signature"));
        });
    }

    /** [ROOM-21]; `branch` is the reader's own, ascending. Gives the member. */
    static byte[] checkLeave(byte[] b, byte[] roomId, List<Epoch> branch, Directory ids) {
        Leave l = decodeLeave(b);
        byte[] member = l.member;
        if (!ids.get(member).signed(l.algorithm, leaveInput(l.room, l.transcript, member, l.algorithm), l.signature)) {
            throw Refused.signature("ROOM-21");
        }
        if (!Wire.same(l.room, roomId)) throw Refused.room("ROOM-21", "another room");
        boolean since = false;
        for (Epoch e : branch) {
            since |= Wire.same(e.transcript(), l.transcript);
            if (since && !e.body().has(member)) throw Refused.room("ROOM-21", "not there since");
        }
        if (!since) throw Refused.room("ROOM-21", "not on the branch");
        return member;
    }

    static byte[] head(Envelope.Sender who, Epoch head, byte[] nonce) {
        byte[] room = head.body().roomId(), f = who.identity().fingerprint();
        int a = who.identity().signing().algorithm();
        byte[] input = headInput(room, head.number(), head.transcript(), nonce, f, a);
        return Wire.prefix(Wire.HEAD).put(room).u64(head.number()).put(head.transcript()).put(nonce).put(f).u8(a)
                .put(Algorithms.sign(who.key(), input, Draws.fresh())).bytes();
    }

    record Head(byte[] room, long epoch, byte[] transcript, byte[] nonce, byte[] member, int algorithm, byte[] signature) {}
    static Head decodeHead(byte[] b) {
        return Wire.whole(b, "HeadStatement", in -> {
            Wire.prefix(in, Wire.HEAD);
            byte[] room = in.take(16, "room_id");
            long epoch = in.u64("epoch");
            byte[] transcript = in.take(32, "transcript"), nonce = in.take(32, "nonce"), member = in.take(32, "member");
            int algorithm = in.u8("algorithm");
            byte[] signature = in.take(Algorithms.signatureLength(algorithm), "signature");
            return new Head(room, epoch, transcript, nonce, member, algorithm, signature);
        });
    }

    /** [ROOM-23] */
    static void checkHead(byte[] b, Epoch head, byte[] drawn, byte[] named, Directory ids) {
        Head s = decodeHead(b);
        byte[] member = s.member;
        if (!Wire.same(member, named)) throw Refused.signature("ROOM-23");
        byte[] input = headInput(s.room, s.epoch, s.transcript, s.nonce, member, s.algorithm);
        if (!ids.get(member).signed(s.algorithm, input, s.signature)) throw Refused.signature("ROOM-23");
        if (!Wire.same(s.room, head.body().roomId()) || s.epoch != head.number() || !Wire.same(s.transcript, head.transcript())) {
            throw Refused.room("ROOM-23", "another head");
        }
        if (!Wire.same(s.nonce, drawn)) throw Refused.room("ROOM-23", "nonce");
        if (!head.body().has(member)) throw Refused.room("ROOM-23", "not in the roster");
    }
}
