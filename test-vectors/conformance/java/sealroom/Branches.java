package sealroom;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** The tree of epochs, SPEC §18.5. */
final class Branches {
    private Branches() {}

    static final Comparator<Epoch> ORDER = Comparator.comparing(Epoch::number, Long::compareUnsigned)
            .thenComparing(Epoch::transcript, Wire::compare);

    static Epoch parent(Epoch e, Collection<Epoch> held) {
        for (Epoch p : held) if (p.isParentOf(e)) return p;
        return null;
    }

    /**
     * The own branch that leads to the head, descending, also through what has no secret. Where a parent is not held it goes
     * on with the latest epoch before that parent that was of the own branch until then and has its secret.
     */
    static List<Epoch> own(Epoch head, Collection<Epoch> held, Collection<Epoch> until) {
        List<Epoch> branch = new ArrayList<>();
        for (Epoch e = head; e != null;) {
            branch.add(e);
            Epoch child = e;
            e = parent(child, held);
            if (e == null && child.number() != 0) {
                e = until.stream().filter(o -> o.secret() != null && Long.compareUnsigned(o.number(), child.number() - 1) < 0)
                        .max(ORDER).orElse(null);
            }
        }
        return branch;
    }

    static boolean yielding(Epoch e, Epoch parent) { return parent != null && Epoch.yielding(e.signer(), e.body(), parent.body()); }

    /** The number of the latest epoch of the own branch (descending) that is not yielding: behind counts against it [ROOM-24]. */
    static long reached(List<Epoch> own) {
        return own.stream().filter(e -> !yielding(e, parent(e, own))).findFirst().orElseThrow().number();
    }

    /** [ROOM-20]: from an epoch to the child that is best, until there is none. */
    static Epoch settle(Epoch from, Collection<Epoch> held) {
        Epoch at = from;
        for (Epoch e = from; e != null; e = bestChild(e, held)) at = e;
        return at;
    }
    /** From an epoch by best children, also by such as are only read, as far as each may follow by what is kept of it [KRG-08]. */
    static List<Epoch> onward(Epoch from, Collection<Epoch> held) {
        List<Epoch> way = new ArrayList<>();
        for (Epoch e = from; e != null;) {
            way.add(e);
            Epoch at = e;
            e = bestChild(at, held.stream().filter(x -> at.isParentOf(x) && mayFollow(at, x)).toList());
        }
        return way;
    }
    /** [ROOM-08] [ROOM-09], without a transition. */
    static boolean mayFollow(Epoch parent, Epoch next) {
        RoomEpoch old = parent.body(), body = next.body();
        if (!sameRoom(old, body)) return false;
        if (old.role(next.signer()) == RoomEpoch.ADMIN) return body.role(next.signer()) == RoomEpoch.ADMIN;
        return old.has(next.signer()) && body.sameRoster(old.roster());
    }
    /** Whether who signed may be the successor of a member [ROOM-20]. */
    private static boolean mayReplace(Epoch parent, Epoch next) {
        RoomEpoch old = parent.body(), body = next.body();
        if (!sameRoom(old, body) || old.has(next.signer()) || body.roster().size() != old.roster().size()) return false;
        List<RoomEpoch.Member> gone = old.roster().stream().filter(m -> !body.has(m.fingerprint())).toList();
        boolean kept = old.roster().stream().allMatch(m -> gone.contains(m) || body.role(m.fingerprint()) == m.role());
        return gone.size() == 1 && kept && body.role(next.signer()) == gone.get(0).role();
    }
    private static boolean sameRoom(RoomEpoch old, RoomEpoch body) {
        return Wire.same(body.creator(), old.creator()) && Wire.same(body.nonce(), old.nonce()) && body.history() == old.history();
    }
    static Epoch bestChild(Epoch parent, Collection<Epoch> held) {
        return held.stream().filter(parent::isParentOf).min(Comparator
                .comparing((Epoch e) -> !mayFollow(parent, e) && !mayReplace(parent, e))
                .thenComparing(e -> yielding(e, parent))
                .thenComparing(e -> !mayFollow(parent, e))
                .thenComparing(e -> e.body().hasAllOf(parent.body()))
                .thenComparing(Epoch::transcript, Wire::compare)).orElse(null);
    }
}
