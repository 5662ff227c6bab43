package sealroom;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** History grants, SPEC §18.8. */
final class Grants {
    private Grants() {}

    static byte[] seal(Envelope.Sender granter, byte[] roomId, List<Epoch> epochs, List<Identity.PublicIdentity> to) {
        Wire.Out l = new Wire.Out();
        for (Epoch e : epochs) l.put(e.signer()).put(e.body().bytes()).put(e.commitment()).put(e.messageKey());
        byte[] content = new Wire.Out().put(roomId).vec(l.bytes()).bytes();
        return Envelope.seal(Wire.HISTORY_GRANT, content, false, granter, roomId,
                to.stream().map(Envelope.KeyRecipient::new).toList(), 0, Draws.fresh()).bytes();
    }

    /** [ROOM-25]; `head` is the reader's head, `branch` what the last granted epoch may lead to. */
    static List<Epoch> open(byte[] b, List<Envelope.Reader> keys, byte[] granter, Epoch head, List<Epoch> branch, Directory ids) {
        Envelope e = Envelope.decode(b, Wire.HISTORY_GRANT);
        Packages.form(e.header, 16, "ROOM-25");
        byte[] room = head.body().roomId();
        if (!Wire.same(e.header.publicData(), room)) throw Refused.malformed("ROOM-25", "public data");
        byte[] dek = keys.stream().map(e::unwrap).filter(Objects::nonNull).findFirst().orElse(null);
        if (dek == null) throw Refused.decrypt();
        Envelope.Opened o = e.open(dek);
        if (!Wire.same(o.signer(), granter) || !o.signedBy(ids.get(granter))) throw Refused.signature("ROOM-25");
        if (!head.body().has(granter)) throw Refused.room("ROOM-25", "the granter is not in the roster");
        List<Epoch> epochs = RoomEpoch.form("ROOM-25", () -> Wire.whole(o.content(), "HistoryGrant", in -> {
            if (!Wire.same(in.take(16, "room_id"), room)) throw Refused.malformed("room id");
            Wire.In l = in.sub("epochs");
            List<Epoch> r = new ArrayList<>();
            while (l.left() > 0) {
                byte[] signer = l.take(32, "signer");
                RoomEpoch body = RoomEpoch.read(l);
                r.add(Epoch.withMessageKey(signer, body, l.take(32, "commitment"), l.take(32, "message_key")));
            }
            return r;
        }));
        if (epochs.isEmpty()) throw Refused.room("ROOM-25", "no epochs");
        for (int i = 0; i < epochs.size(); i++) {
            Epoch g = epochs.get(i);
            if (!Wire.same(g.body().roomId(), room) || g.body().history() != head.body().history()) throw Refused.room("ROOM-25", "room");
            if (i > 0 && !epochs.get(i - 1).isParentOf(g)) throw Refused.room("ROOM-25", "gap");
        }
        Epoch last = epochs.get(epochs.size() - 1);
        if (branch.stream().noneMatch(last::isParentOf)) throw Refused.room("ROOM-25", "leads nowhere");
        return epochs;
    }
}
