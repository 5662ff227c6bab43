package sealroom;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Packages that a reader is given at once, and what of them it has opened, SPEC §18.3 stage 2 and [ROOM-29]. */
final class Given {
    private final Room room;
    final List<Envelope> envelopes = new ArrayList<>();
    final Map<Envelope, Packages.Opened> opened = new LinkedHashMap<>();
    final Map<Envelope, Refused> refused = new LinkedHashMap<>();
    private final List<byte[]> named = new ArrayList<>();
    private final List<Envelope.Reader> keys;
    private final Set<Envelope> keysTried = new HashSet<>();

    /** What is not decoded, or of another room than this one (null: of any), is told. */
    Given(Room room, List<byte[]> packages, List<Envelope.Reader> keys, byte[] roomId, List<Refused> told) {
        this.room = room;
        this.keys = keys;
        for (byte[] b : packages) {
            try {
                Envelope e = Packages.decode(b);
                if (roomId != null && !Wire.same(Packages.roomId(e), roomId)) throw Refused.room("ROOM-03", "another room");
                envelopes.add(e);
            } catch (Refused e) { told.add(e); }
        }
        envelopes.sort((a, b) -> Long.compareUnsigned(Packages.number(a), Packages.number(b)));
    }

    /** From the last back, and by each the one before that it names, until nothing more opens. */
    boolean open() {
        boolean any = false;
        for (boolean more = true; more;) {
            more = false;
            for (int i = envelopes.size() - 1; i >= 0; i--) {
                Envelope e = envelopes.get(i);
                if (opened.containsKey(e) || refused.containsKey(e)) continue;
                byte[] dek = dek(e);
                if (dek == null) continue;
                try {
                    Packages.Opened p = Packages.open(e, dek);
                    opened.put(e, p);
                    if (p.previous() != null) named.add(p.previous());
                    more = any = true;
                } catch (Refused r) { refused.put(e, r); }
            }
        }
        return any;
    }

    private byte[] dek(Envelope e) {
        long number = Packages.number(e);
        for (Epoch x : room.held()) {
            if (x.secret() == null) continue;
            if (x.number() == number && Wire.same(x.commitment(), e.commitment) && e.commits(x.secret())) return x.secret();
            if (x.number() == number - 1 && !e.header.symmetric().isEmpty()) {
                byte[] dek = e.unwrap(new Envelope.KekReader(x.kek()));
                if (dek != null) return dek;
            }
        }
        if (keysTried.add(e)) {
            for (Envelope.Reader k : keys) {
                byte[] dek = e.unwrap(k);
                if (dek != null) return dek;
            }
        }
        for (byte[] secret : named) if (e.commits(secret)) return secret;
        return null;
    }

    /** Ascending by epoch. */
    List<Packages.Opened> ascending() {
        List<Packages.Opened> l = new ArrayList<>(opened.values());
        l.sort((a, b) -> Long.compareUnsigned(a.epoch().number(), b.epoch().number()));
        return l;
    }
}
