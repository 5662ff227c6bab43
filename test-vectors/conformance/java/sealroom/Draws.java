package sealroom;

import java.security.SecureRandom;

/** Where random bytes come from: the order of the draws is part of the protocol (SPEC §7.4). */
interface Draws {
    byte[] draw(int n);

    static Draws fresh() {
        SecureRandom r = new SecureRandom();
        return n -> {
            byte[] b = new byte[n];
            r.nextBytes(b);
            return b;
        };
    }

    /** The `random` of a vector: all of it and no more is drawn. */
    final class Fixed implements Draws {
        private final Wire.In in;
        Fixed(byte[] b) { in = new Wire.In(b); }
        @Override public byte[] draw(int n) { return in.take(n, "random"); }
        int left() { return in.left(); }
    }
}
