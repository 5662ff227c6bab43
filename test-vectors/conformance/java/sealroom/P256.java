package sealroom;

import java.math.BigInteger;

/**
 * The curve P-256 over BigInteger, for what JCA does not give: checking a point, a public point from a private scalar,
 * DeriveKeyPair and ECDSA with the nonce of RFC 6979. Not constant-time, and for tests only.
 */
final class P256 {
    private P256() {}

    static final BigInteger P = new BigInteger("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", 16);
    static final BigInteger N = new BigInteger("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16);
    static final BigInteger B = new BigInteger("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b", 16);
    static final BigInteger GX = new BigInteger("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296", 16);
    static final BigInteger GY = new BigInteger("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5", 16);
    private static final BigInteger THREE = BigInteger.valueOf(3);

    record Point(BigInteger x, BigInteger y) {
        byte[] encode() { return Wire.cat(new byte[] {4}, fixed(x, 32), fixed(y, 32)); }
    }

    /** [SUITE-03]; the identity has no encoding of 65 bytes. */
    static Point decode(byte[] b, String field) {
        if (b.length != 65 || b[0] != 4) throw Refused.malformed("SUITE-03", field);
        BigInteger x = new BigInteger(1, Wire.slice(b, 1, 33)), y = new BigInteger(1, Wire.slice(b, 33, 65));
        if (x.compareTo(P) >= 0 || y.compareTo(P) >= 0) throw Refused.malformed("SUITE-03", field);
        BigInteger right = x.multiply(x).subtract(THREE).multiply(x).add(B).mod(P);
        if (!y.multiply(y).mod(P).equals(right)) throw Refused.malformed("SUITE-03", field);
        return new Point(x, y);
    }

    /** k·G in Jacobian coordinates, for k from 1 to n - 1. */
    static Point times(BigInteger k) {
        BigInteger x = null, y = null, z = null;
        for (int i = k.bitLength() - 1; i >= 0; i--) {
            if (x != null) {
                BigInteger yy = y.multiply(y).mod(P), zz = z.multiply(z).mod(P);
                BigInteger s = x.multiply(yy).shiftLeft(2).mod(P);
                BigInteger m = x.subtract(zz).multiply(x.add(zz)).multiply(THREE).mod(P);
                BigInteger nx = m.multiply(m).subtract(s.shiftLeft(1)).mod(P);
                z = y.multiply(z).shiftLeft(1).mod(P);
                y = m.multiply(s.subtract(nx)).subtract(yy.multiply(yy).shiftLeft(3)).mod(P);
                x = nx;
            }
            if (!k.testBit(i)) continue;
            if (x == null) { x = GX; y = GY; z = BigInteger.ONE; continue; }
            // The accumulator is never G or -G here: it is jG with 2 <= j < n - 1 and j even.
            BigInteger zz = z.multiply(z).mod(P);
            BigInteger h = GX.multiply(zz).subtract(x).mod(P);
            BigInteger r = GY.multiply(zz).multiply(z).subtract(y).mod(P);
            BigInteger hh = h.multiply(h).mod(P), hhh = hh.multiply(h).mod(P), v = x.multiply(hh).mod(P);
            BigInteger nx = r.multiply(r).subtract(hhh).subtract(v.shiftLeft(1)).mod(P);
            y = r.multiply(v.subtract(nx)).subtract(y.multiply(hhh)).mod(P);
            z = z.multiply(h).mod(P);
            x = nx;
        }
        BigInteger zi = z.modInverse(P), zi2 = zi.multiply(zi).mod(P);
        return new Point(x.multiply(zi2).mod(P), y.multiply(zi2).multiply(zi).mod(P));
    }

    /** r ‖ s with the nonce of RFC 6979 §3.2 and s in the lower half [SUITE-04]. */
    static byte[] sign(BigInteger d, byte[] message) {
        byte[] hash = Algorithms.sha256(message);
        BigInteger e = new BigInteger(1, hash);
        byte[] seed = Wire.cat(fixed(d, 32), fixed(e.mod(N), 32));
        DetKeygen.Drbg drbg = new DetKeygen.Drbg(seed);
        while (true) {
            BigInteger k = new BigInteger(1, drbg.generate(32));
            if (k.signum() > 0 && k.compareTo(N) < 0) {
                BigInteger r = times(k).x().mod(N);
                BigInteger s = k.modInverse(N).multiply(e.add(r.multiply(d))).mod(N);
                if (r.signum() > 0 && s.signum() > 0) {
                    if (s.compareTo(N.shiftRight(1)) > 0) s = N.subtract(s);
                    return Wire.cat(fixed(r, 32), fixed(s, 32));
                }
            }
            drbg.again();
        }
    }

    /** A big-endian integer of exactly n bytes. */
    static byte[] fixed(BigInteger v, int n) {
        byte[] b = v.toByteArray(), out = new byte[n];
        int from = Math.max(0, b.length - n);
        System.arraycopy(b, from, out, n - (b.length - from), b.length - from);
        return out;
    }
}
