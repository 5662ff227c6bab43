package sealroom;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.LongUnaryOperator;

/** Kinds of vectors of SPEC §3 to §12 and §17. */
final class KindsForms {
    private KindsForms() {}

    static void add(Map<String, Kinds.Kind> all) {
        all.put("vector", Kinds.kind(KindsForms::vector));
        all.put("object", Kinds.kind(KindsForms::object));
        all.put("derive", Kinds.kind(KindsForms::derive));
        all.put("sign_input", Kinds.kind(KindsForms::signInput));
        all.put("envelope", Kinds.kind(KindsForms::envelope, KindsForms::sealEnvelope, "envelope"));
        all.put("bare_key", Kinds.kind(KindsForms::bareKey));
        all.put("wrap", Kinds.kind(KindsForms::wrap, KindsForms::sealWrap));
        all.put("layout", Kinds.kind(KindsForms::layout));
        all.put("padme", Kinds.kind(KindsForms::padme));
        all.put("padme_range", Kinds.kind(v -> range(v, Algorithms::padme)));
        all.put("payload_range", Kinds.kind(v -> range(v, Envelope::payloadLength)));
        all.put("chunks", Kinds.kind(KindsForms::chunks));
        all.put("chunk_nonce", Kinds.kind(v -> Vec.fields("nonce", Envelope.nonce(v.hex("base_nonce"), v.num("number")))));
        all.put("read_at", Kinds.kind(KindsForms::readAt).inputs("offset", "length"));
        all.put("detached_signature", Kinds.kind(KindsForms::detached, "signature"));
        all.put("mnemonic", Kinds.kind(KindsForms::mnemonic));
        all.put("rsa_key", Kinds.kind(KindsForms::rsaKey));
        all.put("p256_key", Kinds.kind(KindsForms::p256Key));
        all.put("derive_key_pair", Kinds.kind(KindsForms::deriveKeyPair));
        all.put("identity", Kinds.kind(KindsForms::identity));
        all.put("public_identity", Kinds.kind(KindsForms::publicIdentity, "identity"));
        all.put("transition", Kinds.kind(KindsForms::transition, "transition"));
        all.put("safety_number", Kinds.kind(KindsForms::safetyNumber));
        all.put("text", Kinds.kind(KindsForms::text));
    }

    // ---- §3, §6

    private static Map<String, Object> vector(Vec v) {
        return Vec.fields("content", Wire.whole(v.hex("bytes"), "vector", in -> in.vec("vector")));
    }

    /** As a server decodes it, without a key. */
    private static Map<String, Object> object(Vec v) {
        byte[] b = v.hex("object");
        int type = Wire.prefix(new Wire.In(b), Wire.ANY);
        switch (type) {
            case Wire.PUBLIC_IDENTITY -> Identity.decode(b);
            case Wire.TRANSITION -> Identity.decodeTransition(b);
            case Wire.DETACHED_SIGNATURE -> Detached.decode(b);
            case Wire.ROOM_MESSAGE -> Messages.length(b);
            case Wire.LEAVE -> Statements.decodeLeave(b);
            case Wire.HEAD -> Statements.decodeHead(b);
            case Wire.LINK_REQUEST -> Devices.decodeRequest(b);
            case Wire.CERTIFICATE -> Proofs.decodeCertificate(b);
            case Wire.PROOF -> Proofs.decode(b);
            default -> Envelope.decode(b, type);
        }
        return Vec.fields("type", type);
    }

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
        Envelope.Sealed s = Envelope.seal(type, v.hex("content"), Kinds.padme(v), v.has("sender") ? v.obj("sender").sender() : null,
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

    // ---- §8

    private static Map<String, Object> bareKey(Vec v) {
        Keys.Public key = Keys.imported(v.hex("spki"));
        boolean p256 = v.text("algorithm").equals("p256");
        if (key.p256() != p256) throw Refused.malformed("SUITE-06", "a key of another algorithm");
        byte[] id = Envelope.bareId(key);
        Map<String, Object> result = Vec.fields("recipient_id", id);
        if (!p256) result.put("key_id", Wire.hex(Envelope.rsaKeyId(key, id)));
        return result;
    }

    private static Header.Stanza stanza(Vec v) { return Wire.whole(v.hex("stanza"), "Stanza", in -> Header.readStanza(in, Header.MAX_ENTRIES)); }

    private static Map<String, Object> wrap(Vec v) {
        Header.Stanza stanza = stanza(v);
        Envelope.Reader reader = v.obj("key").reader();
        int type = (int) v.num("content_type");
        Header h = Header.write(type, 0, 0, v.hex("salt"), List.of(stanza), new byte[0]);
        byte[] dek = null;
        if (v.has("envelope")) {
            Envelope e = Envelope.decode(v.hex("envelope"), type);
            Header.Stanza only = e.header.stanzas().get(0);
            if (!Wire.same(Header.writeStanza(only), v.hex("stanza"))) throw new IllegalStateException("the envelope has another stanza");
            dek = e.unwrap(reader);
            if (dek != null && e.open(dek).content().length != 0) throw new IllegalStateException("the envelope has a content");
        } else { // no commitment tells between DEKs
            for (byte[] d : Envelope.candidates(h, reader)) if (dek == null) dek = d;
        }
        if (dek == null) throw Refused.decrypt();
        byte[] id = reader instanceof Envelope.KeyReader k ? k.recipientId() : Envelope.ZERO_ID;
        byte[] info = Envelope.info(type, Header.type(stanza), h.salt(), id);
        Map<String, Object> result = Vec.fields("dek", dek, "info", info);
        if (reader instanceof Envelope.KeyReader k && stanza instanceof Header.Group g) {
            byte[] pub = k.key().pub().raw(), dh = Algorithms.dh(k.key(), Keys.p256(g.enc(), "enc"));
            Algorithms.HpkeKey key = Algorithms.hpke(dh, g.enc(), pub, info);
            for (byte[] entry : g.entries()) {
                byte[] opened = Algorithms.gcmOpen(key.key(), key.nonce(), new byte[0], entry);
                if (opened != null && Wire.same(opened, dek)) result.put("entry", Wire.hex(entry));
            }
            result.putAll(Vec.fields("enc", g.enc(), "dh", dh, "shared_secret", Algorithms.sharedSecret(dh, g.enc(), pub),
                    "hpke_key", key.key(), "hpke_nonce", key.nonce(), "public_key", pub));
        } else if (reader instanceof Envelope.KeyReader k) {
            result.putAll(Vec.fields("key_id", Envelope.rsaKeyId(k.key().pub(), id), "spki", k.key().pub().spki(),
                    "message", Wire.cat(dek, Algorithms.sha256(info))));
        } else if (reader instanceof Envelope.KekReader k) {
            result.putAll(Vec.fields("key_id", Envelope.kekId(k.kek()), "wrapping_key", Algorithms.derive(k.kek(), "symmetric wrap", info, 32)));
        } else if (reader instanceof Envelope.PassphraseReader p && stanza instanceof Header.Passphrase s) {
            byte[] key = p.passphrase();
            List<String> rounds = new ArrayList<>();
            for (long i = 0; i < s.kdf().rounds(); i++) {
                key = Envelope.passphraseRound(key, s.kdf());
                rounds.add(Wire.hex(key));
            }
            result.putAll(Vec.fields("kdf_salt", s.kdf().salt(), "wrapping_key", Algorithms.derive(key, "passphrase wrap", info, 32)));
            result.put("rounds", rounds);
        }
        return result;
    }

    private static Map<String, Object> sealWrap(Vec v, Draws random) {
        Envelope.Reader reader = v.obj("key").reader();
        byte[] drawn = v.hex("random");
        Envelope.Recipient to;
        int decoys = 0;
        Map<String, Object> result = Vec.fields();
        if (reader instanceof Envelope.KeyReader k) {
            to = new Envelope.KeyRecipient(k.key().pub(), k.recipientId());
            if (k.key().p256()) {
                decoys = (drawn.length - 32) / 48;
                result.put("ephemeral", Wire.hex(P256.fixed(Algorithms.deriveKeyPair(Wire.slice(drawn, 0, 32)), 32)));
            }
        } else if (reader instanceof Envelope.KekReader k) {
            to = new Envelope.KekRecipient(k.kek());
        } else if (reader instanceof Envelope.PassphraseReader p && stanza(v) instanceof Header.Passphrase s) {
            to = new Envelope.PassphraseRecipient(p.passphrase(), s.kdf());
        } else {
            throw new IllegalArgumentException("key");
        }
        List<Header.Stanza> l = Envelope.wraps((int) v.num("content_type"), v.hex("salt"), v.hex("dek"), List.of(to), decoys, random);
        result.put("stanza", Wire.hex(Header.writeStanza(l.get(0))));
        return result;
    }

    // ---- §9

    private static Map<String, Object> layout(Vec v) {
        long n = v.num("content_length"), plain = Kinds.padme(v) ? Algorithms.padme(8 + n) : n;
        return Vec.fields("plaintext_length", plain, "chunks", plain / Envelope.CHUNK + 1, "last_chunk", plain % Envelope.CHUNK + 16,
                "payload_length", Envelope.payloadLength(plain));
    }
    private static Map<String, Object> padme(Vec v) {
        List<Object> l = new ArrayList<>();
        for (long n : v.nums("lengths")) l.add(Vec.number(Algorithms.padme(n)));
        return Vec.fields("padded", l);
    }
    private static Map<String, Object> range(Vec v, LongUnaryOperator f) {
        Wire.Out o = new Wire.Out();
        for (long n = v.num("from"); n <= v.num("to"); n++) o.u64(f.applyAsLong(n));
        return Vec.fields("sha256", Algorithms.sha256(o.bytes()));
    }
    private static Map<String, Object> chunks(Vec v) {
        byte[] plain = new byte[(int) v.num("length")];
        for (int i = 0; i < plain.length; i++) plain[i] = (byte) (7 * i + i / 251);
        List<String> hashes = new ArrayList<>();
        Wire.Out all = new Wire.Out();
        for (int i = 0; i <= plain.length / Envelope.CHUNK; i++) {
            byte[] chunk = Wire.slice(plain, i * Envelope.CHUNK, Math.min(plain.length, (i + 1) * Envelope.CHUNK));
            byte[] sealed = Envelope.sealChunk(v.hex("key"), v.hex("base_nonce"), i, chunk);
            hashes.add(Wire.hex(Algorithms.sha256(sealed)));
            all.put(sealed);
        }
        return Vec.fields("chunk_hashes", hashes, "sha256", Algorithms.sha256(all.bytes()));
    }
    private static Map<String, Object> readAt(Vec v) {
        Envelope e = Envelope.decode(v.hex("envelope"), Wire.ATTACHMENT);
        // Nothing covers all of what is read, so the digest in the key is not compared [OFF-02].
        byte[] dek = e.unwrap(new Envelope.AttachmentReader(Wire.slice(v.hex("key"), 0, 32), new byte[32]));
        if (dek == null) throw Refused.decrypt();
        Envelope.Layout l = e.layout(dek);
        List<Object> reads = new ArrayList<>();
        for (Vec r : v.objs("reads")) {
            reads.add(Vec.fields("sha256", Algorithms.sha256(e.readUnverified(l, r.num("offset"), Math.toIntExact(r.num("length"))))));
        }
        return Vec.fields("content_length", l.contentLength(), "reads", reads);
    }

    // ---- §10

    private static Map<String, Object> detached(Vec v) {
        Detached.verify(v.hex("signature"), Identity.decode(v.hex("identity")), v.hex("context"), v.hex("content"));
        return Vec.fields();
    }

    // ---- §11, §12

    private static Map<String, Object> mnemonic(Vec v) {
        if (!v.text("language").equals("english")) throw new Skipped("the word list of " + v.text("language"));
        return Vec.fields("entropy", Mnemonic.check(v.text("words")), "bip39_seed", Mnemonic.seed(v.text("words"), v.text("passphrase")));
    }
    private static Map<String, Object> rsaKey(Vec v) {
        int bits = (int) v.num("bits");
        if (bits != 2048 && bits != 3072 && bits != 4096) throw Refused.unsupported("an RSA key of " + bits + " bits");
        DetKeygen.RsaKey k = DetKeygen.rsa(v.hex("seed"), bits);
        return Vec.fields("p", P256.fixed(k.p(), bits / 16), "q", P256.fixed(k.q(), bits / 16), "modulus", P256.fixed(k.n(), bits / 8),
                "pkcs8", Keys.rsaPrivate(k).getEncoded(), "p_candidates", k.candidates()[0], "q_candidates", k.candidates()[1]);
    }
    private static Map<String, Object> p256Key(Vec v) {
        Keys.Private k = Keys.p256(DetKeygen.p256(v.hex("seed")));
        return Vec.fields("scalar", P256.fixed(k.scalar(), 32), "public_key", k.pub().raw(), "pkcs8", Keys.ecPkcs8(k));
    }
    private static Map<String, Object> deriveKeyPair(Vec v) {
        Keys.Private k = Keys.p256(Algorithms.deriveKeyPair(v.hex("ikm")));
        return Vec.fields("scalar", P256.fixed(k.scalar(), 32), "public_key", k.pub().raw());
    }

    private static Map<String, Object> identity(Vec v) {
        Mnemonic.check(v.text("words"));
        byte[] seed = Mnemonic.seed(v.text("words"), v.text("passphrase"));
        Identity.Own own = Identity.own(Identity.root(seed), v.num("generation"), Kinds.profile(v.text("profile")));
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

    // ---- §17

    private static Map<String, Object> text(Vec v) {
        String text = v.text("text");
        boolean fingerprint = v.text("form").equals("fingerprint");
        byte[] b = fingerprint ? TextForms.fingerprint(text) : Identity.decode(TextForms.read("slrm-id:", text)).bytes();
        if (!TextForms.write(fingerprint ? "slrm-fp:" : "slrm-id:", b).equals(text)) throw new IllegalStateException("written in another way");
        return Vec.fields("bytes", b);
    }
}
