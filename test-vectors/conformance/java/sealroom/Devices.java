package sealroom;

import java.util.ArrayList;
import java.util.List;

/** Linked devices, SPEC §22. */
final class Devices {
    private Devices() {}

    // ---- Link request, §22.1

    record LinkRequest(Keys.Public key, byte[] echo) {
        byte[] bytes() { return Wire.prefix(Wire.LINK_REQUEST).put(key.raw()).put(echo).bytes(); }
        String text() { return TextForms.write("slrm-link:", bytes()); }
    }
    static LinkRequest decodeRequest(byte[] b) {
        return Wire.whole(b, "LinkRequest", in -> {
            Wire.prefix(in, Wire.LINK_REQUEST);
            return new LinkRequest(Keys.p256(in.take(65, "encryption_key"), "encryption_key"), in.take(32, "echo"));
        });
    }
    static LinkRequest decodeRequest(String text) { return decodeRequest(TextForms.read("slrm-link:", text)); }

    /** What a new device draws: the key pair by DeriveKeyPair from 32 bytes, then the echo. */
    record NewDevice(Keys.Private key, byte[] echo) {
        LinkRequest request() { return new LinkRequest(key.pub(), echo); }
    }
    static NewDevice draw(Draws random) {
        return new NewDevice(Keys.p256(Algorithms.deriveKeyPair(random.draw(32))), random.draw(32));
    }

    // ---- DeviceLink, §22.2

    private static final int MAX_GENERATIONS = 256;

    record Generation(byte[] secret, Identity.PublicIdentity identity) {}
    record DeviceLink(byte[] echo, List<Generation> generations, List<Identity.Transition> transitions) {
        byte[] encode() {
            Wire.Out g = new Wire.Out(), t = new Wire.Out();
            for (Generation x : generations) g.put(x.secret).put(x.identity.bytes());
            for (Identity.Transition x : transitions) t.put(x.bytes());
            return new Wire.Out().put(echo).vec(g.bytes()).vec(t.bytes()).bytes();
        }
        Identity.PublicIdentity last() { return generations.get(generations.size() - 1).identity; }
        /** What both devices show, six groups of five digits. */
        String code() { return Identity.grouped(Identity.half(last().fingerprint())); }
    }

    /** The answer to a request that the user confirmed [LNK-01]; `signer` is the last generation's signing key. */
    static byte[] answer(LinkRequest confirmed, List<Generation> generations, List<Identity.Transition> transitions, Keys.Private signer) {
        DeviceLink l = new DeviceLink(confirmed.echo, generations, transitions);
        return answer(confirmed.key, l.encode(), new Envelope.Sender(l.last(), signer), Draws.fresh());
    }
    static byte[] answer(Keys.Public request, byte[] content, Envelope.Sender signer, Draws random) {
        Envelope.Recipient to = new Envelope.KeyRecipient(request, Envelope.bareId(request));
        return Envelope.seal(Wire.DEVICE_LINK, content, true, signer, new byte[0], List.of(to), 0, random).bytes();
    }

    /** What the new device checks before it shows the code; it adopts nothing yet [LNK-04]. */
    static DeviceLink open(byte[] b, Keys.Private requestKey, byte[] echo) {
        Envelope e = Envelope.decode(b, Wire.DEVICE_LINK);
        Header h = e.header;
        boolean good = h.signature() != 0 && h.padding() == 1 && h.publicData().length == 0 && h.stanzas().size() == 1
                && h.group() != null && h.group().entries().size() == 1;
        if (!good) throw Refused.malformed("LNK-02", "form of the envelope");
        byte[] dek = e.unwrap(new Envelope.KeyReader(requestKey, Envelope.bareId(requestKey.pub())));
        if (dek == null) throw Refused.decrypt();
        Envelope.Opened o = e.open(dek);
        DeviceLink l = content(o.content(), echo);
        chain(l);
        if (!o.signedBy(l.last())) throw Refused.link("LNK-07");
        keys(l);
        return l;
    }

    /** [LNK-03] */
    private static DeviceLink content(byte[] b, byte[] echo) {
        DeviceLink l;
        try {
            l = Wire.whole(b, "DeviceLink", in -> {
                byte[] e = in.take(32, "echo");
                Wire.In g = in.sub("generations");
                List<Generation> generations = new ArrayList<>();
                while (g.left() > 0) {
                    if (generations.size() == MAX_GENERATIONS) throw Refused.limit("LIM-13", "generations");
                    generations.add(new Generation(g.take(32, "secret"), Identity.read(g)));
                }
                Wire.In t = in.sub("transitions");
                List<Identity.Transition> transitions = new ArrayList<>();
                while (t.left() > 0) transitions.add(Identity.readTransition(t));
                return new DeviceLink(e, generations, transitions);
            });
        } catch (Refused e) { throw Refused.link("LNK-03"); }
        if (!Wire.sameSecret(l.echo, echo)) throw Refused.link("LNK-03");
        return l;
    }

    /** [LNK-06] */
    private static void chain(DeviceLink l) {
        int n = l.generations.size();
        if (n == 0 || l.generations.get(0).identity.generation() != 0 || l.transitions.size() != n - 1) throw Refused.link("LNK-06");
        for (int i = 1; i < n; i++) {
            try {
                Identity.PublicIdentity next = Identity.follow(l.generations.get(i - 1).identity, l.transitions.get(i - 1));
                // Two signatures of one body are one identity: the fingerprint counts.
                if (!Wire.same(next.fingerprint(), l.generations.get(i).identity.fingerprint())) throw Refused.link("LNK-06");
            } catch (Refused e) { throw Refused.link("LNK-06"); }
        }
    }

    /** [LNK-08]; RSA keys take long, so it comes last. */
    private static void keys(DeviceLink l) {
        for (Generation g : l.generations) {
            int p = g.identity.profile();
            boolean good = p != Identity.RSA_2048
                    && Wire.same(Identity.signingKey(g.secret, p).pub().raw(), g.identity.signing().raw())
                    && Wire.same(Identity.encryptionKey(g.secret, p).pub().raw(), g.identity.encryption().raw());
            if (!good) throw Refused.link("LNK-08");
        }
    }

    // ---- What is stored, §22.3

    static byte[] store(DeviceLink l, byte[] kek) {
        return SegmentForm.seal(Wire.DEVICE_LINK, stored(l), kek, Draws.fresh());
    }
    /** With an echo of zeros. */
    static byte[] stored(DeviceLink l) {
        return new DeviceLink(new byte[32], l.generations, l.transitions).encode();
    }
    /** [LNK-09] */
    static DeviceLink load(byte[] b, byte[] kek) {
        DeviceLink l = content(SegmentForm.open(b, Wire.DEVICE_LINK, "LNK-09", kek), new byte[32]);
        chain(l);
        keys(l);
        return l;
    }
}
