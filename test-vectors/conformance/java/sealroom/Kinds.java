package sealroom;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a reader does with a vector of each kind, SPEC §16. A kind is a method and a line in the table. */
final class Kinds {
    private Kinds() {}

    /** Gives what is compared; refuses by Refused. */
    interface Read { Map<String, Object> read(Vec v); }
    /** Seals what the vector says with these draws; gives the object's field alone. */
    interface Seal { Map<String, Object> seal(Vec v, Draws random); }

    /** `consumed`: hexadecimal fields of which every bit counts. */
    record Kind(Read read, Seal seal, List<String> consumed) {}

    static final Map<String, Kind> ALL = new LinkedHashMap<>();
    static {
        kind("derive", Kinds::derive);
        kind("sign_input", Kinds::signInput);
        ALL.put("envelope", new Kind(Kinds::envelope, Kinds::sealEnvelope, List.of("envelope")));
        kind("detached_signature", Kinds::detached, "signature");
        kind("identity", Kinds::identity);
        kind("public_identity", Kinds::publicIdentity, "identity");
        kind("transition", Kinds::transition, "transition");
        kind("safety_number", Kinds::safetyNumber);
        kind("package", Kinds::epochPackage, "package");
        ALL.put("message", new Kind(Kinds::message, Kinds::sealMessage, List.of("message")));
        kind("leave", Kinds::leave, "statement");
        kind("head", Kinds::head, "statement");
        kind("grant", Kinds::grant, "grant");
        kind("state", Kinds::state, "state");
        kind("settle", Kinds::settle);
        kind("replays", Kinds::replays);
    }
    private static void kind(String name, Read read, String... consumed) { ALL.put(name, new Kind(read, null, List.of(consumed))); }

    // ---- §4

    private static Map<String, Object> derive(Vec v) {
        byte[] out = Algorithms.derive(v.hex("key"), v.text("label"), v.hex("context"), (int) v.num("length"));
        return Vec.fields("output", out);
    }
    private static Map<String, Object> signInput(Vec v) {
        return Vec.fields("sha256", Algorithms.sha256(Algorithms.signInput(v.text("label"), v.hex("content"))));
    }

    // ---- §7 to §10

    private static Map<String, Object> envelope(Vec v) {
        Map<String, Object> result = null;
        for (Vec key : v.objs("keys")) {
            Envelope.Opened o = Envelope.open(v.hex("envelope"), Wire.ANY_ENVELOPE, key.reader());
            if (v.has("sender") && !o.signedBy(Identity.decode(v.obj("sender").hex("identity")))) throw Refused.signature("SIG-03");
            Map<String, Object> now = Vec.fields("content", o.content(), "dek", o.dek(), "h", o.h(), "commitment", o.commitment());
            if (result != null && !result.equals(now)) throw new IllegalStateException("two keys open two contents");
            result = now;
        }
        return result;
    }

    private static Map<String, Object> sealEnvelope(Vec v, Draws random) {
        List<Envelope.Recipient> to = new ArrayList<>();
        int type = Wire.MESSAGE;
        for (Vec key : v.objs("keys")) {
            Envelope.Reader r = key.reader();
            if (r instanceof Envelope.AttachmentReader) type = Wire.ATTACHMENT;
            else if (r instanceof Envelope.KeyReader k) to.add(new Envelope.KeyRecipient(k.key().pub(), k.recipientId()));
            else if (r instanceof Envelope.KekReader k) to.add(new Envelope.KekRecipient(k.kek()));
            else if (r instanceof Envelope.PassphraseReader p) to.add(new Envelope.PassphraseRecipient(p.passphrase(), kdf(v)));
        }
        Envelope.Sealed s = Envelope.seal(type, v.hex("content"), padme(v), v.has("sender") ? v.obj("sender").sender() : null,
                v.hex("public_data"), to, (int) v.num("decoys"), random);
        Map<String, Object> result = Vec.fields("envelope", s.bytes());
        // Who reads an attachment needs its key, which nobody knows before it is sealed.
        if (type == Wire.ATTACHMENT) result.put("keys", List.of(Vec.fields("kind", "attachment", "key", s.attachmentKey())));
        return result;
    }
    /** The costs stand in the envelope of a vector; where there is none, what §8.5 recommends of PBKDF2. */
    private static Header.Kdf kdf(Vec v) {
        if (!v.has("envelope")) return new Header.Kdf(Header.Kdf.PBKDF2, Draws.fresh().draw(16), 10, 60000, 1, 1);
        Envelope e = Envelope.decode(v.hex("envelope"), Wire.MESSAGE);
        return ((Header.Passphrase) e.header.stanzas().get(0)).kdf();
    }
    private static boolean padme(Vec v) {
        return switch (v.text("padding")) {
            case "none" -> false;
            case "padme" -> true;
            default -> throw new IllegalArgumentException("padding");
        };
    }

    private static Map<String, Object> detached(Vec v) {
        Detached.verify(v.hex("signature"), Identity.decode(v.hex("identity")), v.hex("context"), v.hex("content"));
        return Vec.fields();
    }

    // ---- §11, §12

    private static int profile(String name) {
        return switch (name) {
            case "p256" -> Identity.P256;
            case "rsa3072" -> Identity.RSA_3072;
            case "rsa4096" -> Identity.RSA_4096;
            default -> throw new IllegalArgumentException("profile");
        };
    }

    private static Map<String, Object> identity(Vec v) {
        Mnemonic.check(v.text("words"));
        byte[] seed = Mnemonic.seed(v.text("words"), v.text("passphrase"));
        Identity.Own own = Identity.own(Identity.root(seed), v.num("generation"), profile(v.text("profile")));
        Identity.PublicIdentity pub = own.pub();
        byte[] f = pub.fingerprint();
        Map<String, Object> result = Vec.fields("bip39_seed", seed, "body", pub.body(), "fingerprint", f,
                "fingerprint_text", TextForms.write("slrm-fp:", f), "keyring_key", Identity.keyringKey(own.secret()));
        if (own.signing().p256() || !v.has("signature")) {
            result.put("signature", Wire.hex(pub.signature()));
            result.put("text", TextForms.write("slrm-id:", pub.bytes()));
        } else {
            // The salt of RSASSA-PSS is random, so what is given is verified instead.
            Identity.PublicIdentity given = Identity.decode(Wire.cat(pub.body(), v.hex("signature")));
            result.put("text", TextForms.write("slrm-id:", given.bytes()));
        }
        Identity.decode(pub.bytes());
        return result;
    }
    private static Map<String, Object> publicIdentity(Vec v) {
        Identity.decode(v.hex("identity"));
        return Vec.fields();
    }
    private static Map<String, Object> transition(Vec v) {
        Identity.follow(Identity.decode(v.hex("old")), Identity.decodeTransition(v.hex("transition")));
        return Vec.fields();
    }
    private static Map<String, Object> safetyNumber(Vec v) {
        byte[] a = v.hexes("fingerprints").get(0), b = v.hexes("fingerprints").get(1);
        if (!Identity.safetyNumber(b, a).equals(Identity.safetyNumber(a, b)) || !Identity.safetyQr(b, a).equals(Identity.safetyQr(a, b))) {
            throw new IllegalStateException("the order counts");
        }
        return Vec.fields("digits", Identity.safetyNumber(a, b), "qr", Identity.safetyQr(a, b));
    }

    // ---- §18

    private static Map<String, Object> epochPackage(Vec v) {
        Epoch parent = v.has("parent") ? v.obj("parent").epoch() : null;
        Directory ids = v.identities();
        Envelope e = Packages.decode(v.hex("package"));
        if (parent != null && !Wire.same(Packages.roomId(e), parent.body().roomId())) throw Refused.room("ROOM-03", "another room");
        byte[] dek = null;
        if (v.has("secret")) {
            dek = e.commits(v.hex("secret")) ? v.hex("secret") : null;
        } else {
            if (parent != null && parent.secret() != null && !e.header.symmetric().isEmpty()) dek = e.unwrap(new Envelope.KekReader(parent.kek()));
            if (dek == null) dek = e.unwrap(v.obj("key").reader());
        }
        if (dek == null) throw Refused.decrypt();
        Packages.Opened p = Packages.open(e, dek);
        byte[] me = v.hex("me");
        if (parent == null) {
            Packages.joining(p, v.hex("inviter"), List.of(me), ids);
        } else {
            Packages.signature(p, ids);
            Packages.authorised(p, parent, ids);
            if (p.transition() != null && Wire.same(p.transition().old(), me)) me = p.transition().next().fingerprint();
            if (!p.body().has(me)) throw Refused.room("ROOM-15", "the reader is not there");
        }
        Epoch epoch = p.epoch();
        return Vec.fields("room_id", p.body().roomId(), "epoch", epochFields(epoch, false), "transcript", epoch.transcript(),
                "message_key", epoch.messageKey(), "epoch_kek", epoch.kek(), "previous_secret", p.previous(),
                "yielding", Branches.yielding(epoch, parent), "code", epoch.code());
    }
    static Map<String, Object> epochFields(Epoch e, boolean granted) {
        return Vec.fields("signer", e.signer(), "body", e.body().bytes(), "commitment", e.commitment(),
                granted ? "message_key" : "secret", granted ? e.messageKey() : e.secret());
    }

    private static Map<String, Object> leave(Vec v) {
        return Vec.fields("member", Statements.checkLeave(v.hex("statement"), v.hex("room_id"), v.epochs("since"), v.identities()));
    }
    private static Map<String, Object> head(Vec v) {
        Statements.checkHead(v.hex("statement"), v.obj("epoch").epoch(), v.hex("nonce"), v.hex("member"), v.identities());
        return Vec.fields();
    }
    private static Map<String, Object> grant(Vec v) {
        Epoch held = v.obj("epoch").epoch();
        List<Epoch> l = Grants.open(v.hex("grant"), v.obj("key").reader(), v.hex("granter"), held, List.of(held), v.identities());
        return Vec.fields("epochs", l.stream().map(e -> epochFields(e, true)).toList());
    }
    private static Map<String, Object> state(Vec v) {
        RoomState s = v.has("state") ? RoomState.open(v.hex("state"), v.hex("kek")) : RoomState.decode(v.hex("content"));
        return Vec.fields("content", s.encode());
    }
    private static Map<String, Object> settle(Vec v) {
        List<Epoch> l = v.epochs("epochs");
        return Vec.fields("transcript", Branches.settle(l.get(0), l).transcript());
    }

    // ---- §19

    private static Map<String, Object> message(Vec v) {
        Messages.Opened o = Messages.open(v.hex("message"), v.hex("aad"), List.of(v.obj("epoch").epoch()), v.identities());
        return Vec.fields("sender", o.sender(), "device", o.device(), "sequence", o.sequence(), "content", o.content(), "message_id", o.id());
    }
    private static Map<String, Object> sealMessage(Vec v, Draws random) {
        Envelope.Sender sender = new Envelope.Sender(v.identities().get(v.hex("sender")), Keys.pkcs8(v.hex("pkcs8")));
        return Vec.fields("message", Messages.seal(v.obj("epoch").epoch(), sender, v.hex("device"), v.num("sequence"), v.hex("aad"),
                v.hex("content"), padme(v), random));
    }
    private static Map<String, Object> replays(Vec v) {
        Replays r = new Replays();
        List<String> answers = new ArrayList<>();
        for (Vec s : v.objs("seen")) answers.add(r.see(new byte[32], s.hex("device"), s.num("sequence"), s.hex("id")));
        return Vec.fields("answers", answers);
    }
}
