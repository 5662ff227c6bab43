package sealroom;

import java.math.BigInteger;

/** C2SP det-keygen (c2sp.org/det-keygen, as at commit 02f95675), SPEC §5, §11.3. */
final class DetKeygen {
    private DetKeygen() {}

    /** HMAC_DRBG with SHA-256 in the way det-keygen and RFC 6979 use it. */
    static final class Drbg {
        private byte[] k = new byte[32];
        private byte[] v = new byte[32];

        Drbg(byte[] seed) {
            java.util.Arrays.fill(v, (byte) 1);
            for (byte round = 0; round < 2; round++) {
                k = Algorithms.hmac(k, Wire.cat(v, new byte[] {round}, seed));
                v = Algorithms.hmac(k, v);
            }
        }
        byte[] generate(int n) {
            byte[] out = new byte[0];
            while (out.length < n) {
                v = Algorithms.hmac(k, v);
                out = Wire.cat(out, v);
            }
            return Wire.slice(out, 0, n);
        }
        void again() {
            k = Algorithms.hmac(k, Wire.cat(v, new byte[] {0}));
            v = Algorithms.hmac(k, v);
        }
    }

    private static void checkSeed(byte[] seed) {
        if (seed.length < 16) throw Refused.malformed("DET-01", "a seed of " + seed.length + " bytes");
    }

    static BigInteger p256(byte[] seed) {
        checkSeed(seed);
        Drbg drbg = new Drbg(Wire.cat(seed, Wire.ascii("det ECDSA key gen P-256")));
        BigInteger d = new BigInteger(1, drbg.generate(32));
        if (d.compareTo(P256.N) >= 0) {
            drbg.again();
            d = new BigInteger(1, drbg.generate(32));
        }
        // No other key takes its place, §11.3.
        if (d.signum() == 0 || d.compareTo(P256.N) >= 0) throw new ArithmeticException("no such generation");
        return d;
    }

    /** `candidates`: how many were drawn for p and for q, up to themselves. */
    record RsaKey(BigInteger n, BigInteger d, BigInteger p, BigInteger q, int[] candidates) {}

    static RsaKey rsa(byte[] seed, int bits) {
        checkSeed(seed);
        Drbg drbg = new Drbg(Wire.cat(seed, Wire.ascii("det RSA key gen"), new Wire.Out().u16(bits).bytes()));
        while (true) {
            int[] drawn = new int[2];
            BigInteger p = prime(drbg, bits, drawn, 0);
            drbg.again();
            BigInteger q = prime(drbg, bits, drawn, 1);
            BigInteger p1 = p.subtract(BigInteger.ONE), q1 = q.subtract(BigInteger.ONE), ratio = p1.gcd(q1);
            if (ratio.bitLength() <= 32) {
                BigInteger lambda = p1.multiply(q1).divide(ratio);
                if (lambda.gcd(Keys.E).equals(BigInteger.ONE)) {
                    return new RsaKey(p.multiply(q), Keys.E.modInverse(lambda), p, q, drawn); // p and q as drawn [DET-02]
                }
            }
            drbg.again();
        }
    }

    private static BigInteger prime(Drbg drbg, int bits, int[] drawn, int which) {
        while (true) {
            drawn[which]++;
            byte[] t = drbg.generate(bits / 16);
            t[0] |= (byte) 0xc0;
            t[t.length - 1] |= 7;
            BigInteger c = new BigInteger(1, t);
            if (mayBePrime(c) && c.isProbablePrime(128)) return c;
            drbg.again();
        }
    }

    /** Odd primes up to 1619, by which most composites are found; several at once in a product of 63 bits. */
    private static final java.util.List<long[]> PRIMES = new java.util.ArrayList<>();
    static {
        java.util.List<Long> group = new java.util.ArrayList<>();
        long product = 1;
        for (long n = 3; n <= 1619; n += 2) {
            if (!BigInteger.valueOf(n).isProbablePrime(40)) continue;
            if (product > Long.MAX_VALUE / n) {
                PRIMES.add(group.stream().mapToLong(x -> x).toArray());
                group.clear();
                product = 1;
            }
            group.add(n);
            product *= n;
        }
        PRIMES.add(group.stream().mapToLong(x -> x).toArray());
    }

    private static boolean mayBePrime(BigInteger c) {
        for (long[] group : PRIMES) {
            long product = 1;
            for (long n : group) product *= n;
            long rest = c.mod(BigInteger.valueOf(product)).longValue();
            for (long n : group) if (rest % n == 0) return false;
        }
        return true;
    }
}
