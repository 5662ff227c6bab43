package sealroom;

/** Detached signatures, SPEC §10.3. */
final class Detached {
    private Detached() {}

    private static byte[] signed(byte[] signer, int algorithm, byte[] context, byte[] content) {
        if (context.length > 255) throw Refused.limit("LIM-07", "context");
        return Algorithms.signInput("detached signature",
                new Wire.Out().put(signer).u8(algorithm).vec(context).put(Algorithms.sha256(content)).bytes());
    }

    static byte[] sign(Envelope.Sender sender, byte[] context, byte[] content) {
        byte[] f = sender.identity().fingerprint();
        int algorithm = sender.identity().signing().algorithm();
        byte[] signature = Algorithms.sign(sender.key(), signed(f, algorithm, context, content), Draws.fresh());
        return Wire.prefix(Wire.DETACHED_SIGNATURE).u8(algorithm).put(f).put(signature).bytes();
    }

    private record Signature(int algorithm, byte[] signer, byte[] signature) {}
    private static Signature read(byte[] b) {
        Wire.In in = new Wire.In(b);
        Wire.prefix(in, Wire.DETACHED_SIGNATURE);
        int algorithm = in.u8("algorithm");
        int n = Algorithms.signatureLength(algorithm);
        byte[] signer = in.take(32, "signer"), signature = in.take(n, "signature");
        in.done("DetachedSignature");
        return new Signature(algorithm, signer, signature);
    }
    /** Its form alone. */
    static void decode(byte[] b) { read(b); }

    /** [SIG-04] */
    static void verify(byte[] b, Identity.PublicIdentity id, byte[] context, byte[] content) {
        Signature s = read(b);
        byte[] signed = signed(s.signer, s.algorithm, context, content);
        if (!Wire.same(s.signer, id.fingerprint()) || !id.signed(s.algorithm, signed, s.signature)) {
            throw Refused.signature("SIG-04");
        }
    }
}
