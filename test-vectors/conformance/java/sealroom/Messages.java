package sealroom;

import java.util.Arrays;
import java.util.List;

/** Room messages, SPEC §19. */
final class Messages {
    private Messages() {}

    static final int HEADER = 63, MIN = 102, MAX_PLAIN = 16777216;
    private static final byte[] ZERO_NONCE = new byte[12];

    record Opened(Epoch epoch, byte[] sender, byte[] device, long sequence, byte[] content, byte[] id) {}

    private static byte[] d(byte[] headerWithoutSalt, byte[] aad, byte[] content) {
        return Algorithms.sha256(new Wire.Out().put(headerWithoutSalt).vec(aad).vec(content).bytes());
    }
    private static byte[] signed(byte[] sender, int algorithm, Epoch epoch, byte[] device, long sequence, byte[] d) {
        return Algorithms.signInput("room message",
                new Wire.Out().put(sender).u8(algorithm).put(epoch.transcript()).put(device).u64(sequence).put(d).bytes());
    }
    private static byte[] headerWithoutSalt(Epoch e) {
        return Wire.prefix(Wire.ROOM_MESSAGE).put(e.body().roomId()).u64(e.number()).put(Wire.slice(e.transcript(), 0, 8)).bytes();
    }

    static byte[] seal(Epoch epoch, Envelope.Sender sender, byte[] device, long sequence, byte[] aad, byte[] content, boolean padme,
                       Draws random) {
        byte[] f = sender.identity().fingerprint(), head = headerWithoutSalt(epoch), d = d(head, aad, content);
        int place = 0;
        while (!Wire.same(epoch.body().roster().get(place).fingerprint(), f)) place++;
        int algorithm = sender.identity().signing().algorithm();
        byte[] signature = Algorithms.sign(sender.key(), signed(f, algorithm, epoch, device, sequence, d), random);
        byte[] plain = new Wire.Out().u32(place).put(device).u64(sequence).vec(signature).vec(content).bytes();
        if (padme) plain = Arrays.copyOf(plain, (int) Algorithms.padme(plain.length));
        if (plain.length > MAX_PLAIN) throw Refused.limit("LIM-12", "message");
        // [RMSG-06]
        byte[] drawn = new Wire.Out().put(random.draw(32)).put(d).u32(place).put(device).u64(sequence).vec(signature).u64(plain.length).bytes();
        byte[] salt = Wire.slice(Algorithms.hmac(Algorithms.derive(epoch.messageKey(), "message salt", new byte[0], 32), drawn), 0, 24);
        byte[] header = Wire.cat(head, salt);
        byte[] key = Algorithms.derive(epoch.messageKey(), "message", salt, 32);
        return Wire.cat(header, Algorithms.gcmSeal(key, ZERO_NONCE, Wire.cat(header, Algorithms.sha256(aad)), plain));
    }

    /** [RMSG-02], without a key. */
    static void length(byte[] b) {
        if (b.length < MIN) throw Refused.malformed("RMSG-02", "length");
        if (b.length > HEADER + MAX_PLAIN + 16) throw Refused.limit("LIM-12", "length");
    }

    /** `held`: all epochs that the reader holds, on whatever branch, of one room. */
    static Opened open(byte[] b, byte[] aad, List<Epoch> held, Directory ids) {
        Wire.In in = new Wire.In(b);
        Wire.prefix(in, Wire.ROOM_MESSAGE);
        length(b);
        byte[] room = in.take(16, "room_id");
        if (held.stream().noneMatch(e -> Wire.same(e.body().roomId(), room))) throw Refused.malformed("RMSG-01", "another room");
        long number = in.u64("epoch");
        byte[] tag = in.take(8, "epoch_tag"), salt = in.take(24, "salt");
        byte[] sealed = in.take(in.left(), "sealed"), header = Wire.slice(b, 0, HEADER);
        Refused failed = Refused.unknown("epoch");
        for (Epoch e : held) {
            if (e.number() != number || !Wire.same(Wire.slice(e.transcript(), 0, 8), tag)) continue;
            byte[] key = Algorithms.derive(e.messageKey(), "message", salt, 32);
            byte[] plain = Algorithms.gcmOpen(key, ZERO_NONCE, Wire.cat(header, Algorithms.sha256(aad)), sealed);
            if (plain == null) { failed = Refused.decrypt(); continue; }
            return verify(plain, header, aad, e, ids);
        }
        throw failed;
    }

    /** [RMSG-03], then [RMSG-05]. */
    private static Opened verify(byte[] plain, byte[] header, byte[] aad, Epoch epoch, Directory ids) {
        Wire.In in = new Wire.In(plain);
        long place;
        byte[] device, signature, content;
        long sequence;
        try {
            place = in.u32("sender");
            device = in.take(8, "device");
            sequence = in.u64("sequence");
            signature = in.vec("signature");
            content = in.vec("content");
        } catch (Refused e) { throw Refused.decrypt(); }
        if (signature.length == 0 || place >= epoch.body().roster().size()) throw Refused.decrypt();
        for (int i = in.pos; i < plain.length; i++) if (plain[i] != 0) throw Refused.decrypt();
        byte[] sender = epoch.body().roster().get((int) place).fingerprint();
        Identity.PublicIdentity id = ids.get(sender);
        int algorithm = id.signing().algorithm();
        byte[] signed = signed(sender, algorithm, epoch, device, sequence, d(Wire.slice(header, 0, HEADER - 24), aad, content));
        if (!id.signed(algorithm, signed, signature)) throw Refused.signature("RMSG-05");
        return new Opened(epoch, sender, device, sequence, content, Algorithms.sha256(signed));
    }
}
