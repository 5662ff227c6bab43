package sealroom;

import java.util.HashMap;
import java.util.Map;

/** Device certificates and request proofs, SPEC §23. Times are uint64. */
final class Proofs {
    private Proofs() {}

    private static long plus(long a, long b) { return Long.compareUnsigned(a + b, a) < 0 ? -1L : a + b; }
    private static long minus(long a, long b) { return Long.compareUnsigned(a, b) < 0 ? 0 : a - b; }

    // ---- §23.1

    record Certificate(byte[] identity, byte[] deviceId, Keys.Public deviceKey, long notBefore, long notAfter, int algorithm,
                       byte[] signature, byte[] bytes) {
        /** All bytes before the signature. */
        byte[] input() {
            return Algorithms.signInput("device certificate", Wire.slice(bytes, 0, bytes.length - signature.length));
        }

        /** [CRT-01], [CRT-03], with the identity that the account has now [CRT-02]. */
        void verify(Identity.PublicIdentity now, long clock, long tolerance) {
            if (!Wire.same(identity, now.fingerprint()) || !now.signed(algorithm, input(), signature)) throw Refused.proof("CRT-01");
            if (Long.compareUnsigned(plus(clock, tolerance), notBefore) < 0
                    || Long.compareUnsigned(minus(clock, tolerance), notAfter) >= 0) throw Refused.proof("CRT-03");
        }
    }

    static Certificate readCertificate(Wire.In in) {
        int from = in.pos;
        Wire.prefix(in, Wire.CERTIFICATE);
        byte[] identity = in.take(32, "identity"), id = in.take(16, "device_id");
        Keys.Public key = Keys.p256(in.take(65, "device_key"), "device_key");
        long notBefore = in.u64("not_before"), notAfter = in.u64("not_after");
        if (Long.compareUnsigned(notBefore, notAfter) >= 0) throw Refused.malformed("CRT-04", "times");
        int algorithm = in.u8("algorithm");
        byte[] signature = in.take(Algorithms.signatureLength(algorithm), "signature");
        return new Certificate(identity, id, key, notBefore, notAfter, algorithm, signature, Wire.slice(in.b, from, in.pos));
    }
    static Certificate decodeCertificate(byte[] b) { return Wire.whole(b, "DeviceCertificate", Proofs::readCertificate); }

    static Certificate certify(Envelope.Sender who, byte[] deviceId, Keys.Public deviceKey, long notBefore, long notAfter) {
        byte[] head = Wire.prefix(Wire.CERTIFICATE).put(who.identity().fingerprint()).put(deviceId).put(deviceKey.raw())
                .u64(notBefore).u64(notAfter).u8(who.identity().signing().algorithm()).bytes();
        byte[] signature = Algorithms.sign(who.key(), Algorithms.signInput("device certificate", head), Draws.fresh());
        return decodeCertificate(Wire.cat(head, signature));
    }

    // ---- §23.2

    /** A request as its two sides see it. */
    record Request(byte[] audience, byte[] method, byte[] target, byte[] body, byte[] serverNonce) {
        /** [PRF-06] */
        boolean lengths() {
            return audience.length >= 1 && audience.length <= 255 && method.length >= 1 && method.length <= 32 && serverNonce.length <= 64;
        }
        /** RequestInput */
        byte[] input(byte[] certificate, long time, byte[] nonce) {
            return new Wire.Out().put(Algorithms.sha256(certificate)).vec(audience).vec(method).put(Algorithms.sha256(target))
                    .put(Algorithms.sha256(body)).u64(time).put(nonce).vec(serverNonce).bytes();
        }
        byte[] signed(byte[] certificate, long time, byte[] nonce) {
            return Algorithms.signInput("request proof", input(certificate, time, nonce));
        }
    }

    record Proof(Certificate certificate, long time, byte[] nonce, byte[] signature) {
        byte[] bytes() {
            return Wire.prefix(Wire.PROOF).put(certificate.bytes).u64(time).put(nonce).put(signature).bytes();
        }
        String text() { return TextForms.write("slrm-proof:", bytes()); }
    }

    static Proof prove(Certificate c, Keys.Private deviceKey, Request r, long time) {
        if (!r.lengths()) throw new IllegalArgumentException("[PRF-06]");
        byte[] nonce = Draws.fresh().draw(16);
        return new Proof(c, time, nonce, Algorithms.sign(deviceKey, r.signed(c.bytes, time, nonce), Draws.fresh()));
    }

    /** Step 1 [PRF-02]. */
    static Proof decode(String text) { return decode(TextForms.read("slrm-proof:", text)); }
    static Proof decode(byte[] b) {
        return Wire.whole(b, "RequestProof", in -> {
            Wire.prefix(in, Wire.PROOF);
            return new Proof(readCertificate(in), in.u64("time"), in.take(16, "nonce"), in.take(64, "signature"));
        });
    }

    /** Steps 2 to 4; gives the hash that step 5 remembers. */
    static byte[] verify(Proof p, Identity.PublicIdentity now, Request asReceived, long clock, long tolerance) {
        p.certificate.verify(now, clock, tolerance);
        long apart = Long.compareUnsigned(p.time, clock) > 0 ? p.time - clock : clock - p.time;
        if (Long.compareUnsigned(apart, tolerance) > 0) throw Refused.proof("PRF-03");
        byte[] signed = asReceived.signed(p.certificate.bytes, p.time, p.nonce);
        // Fields of a length that nobody signs, [PRF-06], are of this step too.
        if (!asReceived.lengths() || !Algorithms.verify(p.certificate.deviceKey, signed, p.signature)) throw Refused.proof("PRF-04");
        return Algorithms.sha256(signed);
    }

    /** A verifier that remembers [PRF-05]. */
    static final class Verifier {
        private final long tolerance;
        private final Map<String, Long> until = new HashMap<>();
        /** The greatest time until which anything that was forgotten was remembered; null if nothing was. */
        private Long forgotten;
        /** Proofs of this time or before could have been taken and lost; none if null. */
        private Long refuseTo;

        Verifier(long tolerance) { this.tolerance = tolerance; }
        /** One that lost what it remembered, and starts at `start`. */
        Verifier(long tolerance, long start) {
            this(tolerance);
            refuseTo = plus(start, tolerance);
        }

        synchronized void take(Proof proof, Identity.PublicIdentity now, Request asReceived, long clock) {
            byte[] hash = verify(proof, now, asReceived, clock, tolerance);
            long end = plus(proof.time, tolerance);
            if (refuseTo != null && Long.compareUnsigned(proof.time, refuseTo) <= 0) throw Refused.proof("PRF-05");
            until.values().removeIf(u -> {
                boolean passed = Long.compareUnsigned(clock, u) > 0;
                if (passed && (forgotten == null || Long.compareUnsigned(u, forgotten) > 0)) forgotten = u;
                return passed;
            });
            if (forgotten != null && Long.compareUnsigned(end, forgotten) <= 0) throw Refused.proof("PRF-05"); // the clock was set back
            if (until.putIfAbsent(Wire.hex(hash), end) != null) throw Refused.proof("PRF-05");
        }
    }
}
