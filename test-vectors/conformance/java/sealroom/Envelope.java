package sealroom;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** Envelopes, SPEC §7: sealing and opening; wraps, §8; payload, §9; signature block, §10. */
final class Envelope {
    static final int CHUNK = 16384, SEALED_CHUNK = 16400;
    static final long MAX_CHUNKS = 1L << 38;
    private static final byte[] EMPTY = new byte[0];

    final Header header;
    final byte[] h;
    final byte[] commitment;
    private final byte[] b;
    private final int payload; // offset
    private final int block;   // offset of the signature block, or the end

    private Envelope(Header header, byte[] b, int at) {
        this.header = header;
        this.b = b;
        h = header.hash();
        Wire.In in = new Wire.In(b, at, b.length, Integer.MAX_VALUE);
        commitment = in.take(32, "commitment");
        payload = in.pos;
        block = b.length - header.blockLength();
    }

    /** §9.1: bytes of the payload for n plaintext bytes. */
    static long payloadLength(long n) { return n + 16 * (n / CHUNK + 1); }

    /** Header and commitment: what is refused here is no secret (§14). */
    static Envelope decode(byte[] b, int expectedType) {
        Wire.In in = new Wire.In(b, 0, b.length, Header.MAX_HEADER);
        Header header = Header.read(in, expectedType);
        return new Envelope(header, b, in.pos);
    }

    // ---- What a reader holds

    sealed interface Reader permits KeyReader, KekReader, PassphraseReader, AttachmentReader {}
    /** A P-256 or RSA key, and the recipient id that it is used with. */
    record KeyReader(Keys.Private key, byte[] recipientId) implements Reader {}
    record KekReader(byte[] kek) implements Reader {}
    record PassphraseReader(byte[] passphrase) implements Reader {}
    /** An AttachmentKey, §10.4. */
    record AttachmentReader(byte[] dek, byte[] digest) implements Reader {}

    /** Recipient id of a key without an identity, §8.1. */
    static byte[] bareId(Keys.Public key) { return Algorithms.sha256(Algorithms.signInput("bare key", key.spki())); }

    // ---- Wraps

    static byte[] info(int contentType, int stanzaType, byte[] salt, byte[] recipientId) {
        return Algorithms.signInput("wrap",
                new Wire.Out().u16(1).u8(contentType).u8(stanzaType).put(salt).put(recipientId).bytes()); // [STZ-02]
    }
    static byte[] rsaKeyId(Keys.Public key, byte[] recipientId) {
        return Wire.slice(Algorithms.sha256(Algorithms.signInput("rsa key id", recipientId, key.spki())), 0, 8);
    }
    static byte[] kekId(byte[] kek) { return Algorithms.derive(kek, "key id", EMPTY, 16); }

    static final byte[] ZERO_ID = new byte[32], ZERO_NONCE = new byte[12];

    /** §7.3 */
    private record Schedule(byte[] key, byte[] baseNonce, byte[] commitment) {}
    private static Schedule schedule(byte[] dek, byte[] h) {
        byte[] k = Algorithms.derive(dek, "envelope", h, 76);
        return new Schedule(Wire.slice(k, 0, 32), Wire.slice(k, 32, 44), Wire.slice(k, 44, 76));
    }
    /** [ENV-07] */
    boolean commits(byte[] dek) { return Wire.sameSecret(schedule(dek, h).commitment, commitment); }

    /** The DEK with the right commitment that this reader unwraps, or null [ENV-08], [STZ-09]. */
    byte[] unwrap(Reader reader) {
        for (byte[] dek : candidates(header, reader)) if (dek != null && commits(dek)) return dek;
        return null;
    }

    /** What stanzas give for a key: null where nothing opens. */
    static List<byte[]> candidates(Header header, Reader reader) {
        List<byte[]> deks = new ArrayList<>();
        if (reader instanceof KeyReader k && k.key.p256()) {
            Header.Group g = header.group();
            if (g == null) return deks;
            byte[] info = info(header.type(), Header.GROUP, header.salt(), k.recipientId);
            byte[] dh = Algorithms.dh(k.key, Keys.p256(g.enc(), "enc"));
            Algorithms.HpkeKey key = Algorithms.hpke(dh, g.enc(), k.key.pub().raw(), info);
            for (byte[] entry : g.entries()) deks.add(Algorithms.gcmOpen(key.key(), key.nonce(), EMPTY, entry));
        } else if (reader instanceof KeyReader k) {
            byte[] id = rsaKeyId(k.key.pub(), k.recipientId);
            for (Header.Stanza s : header.stanzas()) {
                if (!(s instanceof Header.Rsa r) || !Wire.same(r.keyId(), id) || r.wrapped().length != k.key.pub().modulusLength()) continue;
                byte[] m = Algorithms.oaepOpen(k.key, r.wrapped());
                byte[] info = Algorithms.sha256(info(header.type(), Header.RSA, header.salt(), k.recipientId));
                if (m != null && m.length == 64 && Wire.sameSecret(Wire.slice(m, 32, 64), info)) deks.add(Wire.slice(m, 0, 32)); // [STZ-11]
            }
        } else if (reader instanceof KekReader k) {
            byte[] id = kekId(k.kek);
            for (Header.Symmetric s : header.symmetric()) {
                if (Wire.same(s.keyId(), id)) deks.add(openSymmetric(header, "symmetric wrap", Header.SYMMETRIC, k.kek, s.wrapped()));
            }
        } else if (reader instanceof PassphraseReader p) {
            if (header.stanzas().size() == 1 && header.stanzas().get(0) instanceof Header.Passphrase s) {
                deks.add(openSymmetric(header, "passphrase wrap", Header.PASSPHRASE, passphraseKek(p.passphrase, s.kdf()), s.wrapped()));
            }
        } else if (reader instanceof AttachmentReader a && header.type() == Wire.ATTACHMENT) {
            deks.add(a.dek);
        }
        return deks;
    }

    private static byte[] openSymmetric(Header header, String label, int stanza, byte[] kek, byte[] wrapped) {
        byte[] key = Algorithms.derive(kek, label, info(header.type(), stanza, header.salt(), ZERO_ID), 32);
        return Algorithms.gcmOpen(key, ZERO_NONCE, EMPTY, wrapped);
    }

    /** §8.5 */
    private static byte[] passphraseKek(byte[] passphrase, Header.Kdf kdf) {
        kdf.allow();
        byte[] key = passphrase;
        for (long i = 0; i < kdf.rounds(); i++) key = passphraseRound(key, kdf);
        return key;
    }
    static byte[] passphraseRound(byte[] key, Header.Kdf kdf) {
        if (kdf.type() == Header.Kdf.ARGON2ID) throw new Skipped("Argon2id");
        return Algorithms.pbkdf2("HmacSHA256", key, kdf.salt(), kdf.a());
    }

    // ---- Opening, §7.5

    /** `signer` and `signature` are null in an unsigned envelope. */
    record Opened(Header header, byte[] dek, byte[] h, byte[] commitment, byte[] content, byte[] chunksHash, byte[] signer,
                  byte[] signature) {
        /** §10.2 [SIG-03] */
        boolean signedBy(Identity.PublicIdentity id) {
            return signer != null && Wire.same(signer, id.fingerprint())
                    && id.signed(header.signature(), signed(signer, header.signature(), h, commitment, chunksHash), signature);
        }
    }

    private static byte[] signed(byte[] signer, int algorithm, byte[] h, byte[] commitment, byte[] chunksHash) {
        return Algorithms.signInput("envelope signature", signer, new byte[] {(byte) algorithm}, h, commitment, chunksHash);
    }

    static Opened open(byte[] b, int expectedType, Reader... keys) {
        Envelope e = decode(b, expectedType);
        for (Reader key : keys) {
            byte[] dek = e.unwrap(key);
            if (dek == null) continue;
            Opened o = e.open(dek);
            if (key instanceof AttachmentReader a && !Wire.sameSecret(digest(o.h, o.commitment, o.chunksHash), a.digest)) {
                throw Refused.decrypt(); // [ATT-01]
            }
            return o;
        }
        throw Refused.decrypt();
    }

    /** With a DEK whose commitment is right. Every failure is the same one [ENV-11]. */
    Opened open(byte[] dek) {
        Schedule s = schedule(dek, h);
        long last = lastChunk();
        Wire.Out plain = new Wire.Out();
        Wire.Out hashes = new Wire.Out();
        for (long i = 0; i <= last; i++) {
            hashes.put(Algorithms.sha256(sealedChunk(i)));
            plain.put(chunk(s, i));
        }
        byte[] content = plain.bytes();
        if (header.padding() == 1) content = unpad(content);
        byte[] signer = null, signature = null;
        if (header.signature() != 0) {
            byte[] k = Algorithms.derive(dek, "signature", h, 44);
            byte[] opened = Algorithms.gcmOpen(Wire.slice(k, 0, 32), Wire.slice(k, 32, 44), EMPTY, Wire.slice(b, block, b.length));
            if (opened == null) throw Refused.decrypt();
            signer = Wire.slice(opened, 0, 32);
            signature = Wire.slice(opened, 32, opened.length);
        }
        return new Opened(header, dek, h, commitment, content, Algorithms.sha256(hashes.bytes()), signer, signature);
    }

    /** Number of the last chunk [PAY-03]; 2^38 chunks [LIM-01] do not fit into an array. */
    private long lastChunk() {
        int p = block - payload;
        if (p < 0 || p % SEALED_CHUNK < 16) throw Refused.decrypt();
        return p / SEALED_CHUNK;
    }
    private byte[] sealedChunk(long i) {
        int from = payload + (int) i * SEALED_CHUNK;
        return Wire.slice(b, from, Math.min(from + SEALED_CHUNK, block));
    }
    private byte[] chunk(Schedule s, long i) {
        byte[] plain = Algorithms.gcmOpen(s.key, nonce(s.baseNonce, i), EMPTY, sealedChunk(i));
        if (plain == null) throw Refused.decrypt();
        return plain;
    }
    static byte[] sealChunk(byte[] key, byte[] baseNonce, long i, byte[] chunk) {
        return Algorithms.gcmSeal(key, nonce(baseNonce, i), EMPTY, chunk);
    }
    /** [PAY-02] */
    static byte[] nonce(byte[] base, long i) {
        if (i < 0 || i >= MAX_CHUNKS) throw Refused.limit("LIM-01", "chunks");
        byte[] n = base.clone();
        for (int j = 0; j < 8; j++) n[11 - j] ^= (byte) (i >>> 8 * j);
        return n;
    }

    /** [PAD-01] */
    private static byte[] unpad(byte[] plain) {
        if (plain.length < 8) throw Refused.decrypt();
        long n = new Wire.In(plain).u64("content_length");
        if (n < 0 || n > plain.length - 8) throw Refused.decrypt();
        for (int i = 8 + (int) n; i < plain.length; i++) if (plain[i] != 0) throw Refused.decrypt();
        return Wire.slice(plain, 8, 8 + (int) n);
    }

    /** What is to be known before a read at an offset: where the content stands. */
    record Layout(byte[] dek, long shift, long contentLength) {}

    /** §9.3: the last chunk is opened and, if padded, the first; the length of the content is proven then. */
    Layout layout(byte[] dek) {
        Schedule s = schedule(dek, h);
        long last = lastChunk(), plain = last * CHUNK + chunk(s, last).length;
        if (header.padding() == 0) return new Layout(dek, 0, plain);
        byte[] first = chunk(s, 0);
        if (first.length < 8) throw Refused.decrypt();
        long n = new Wire.In(first).u64("content_length");
        if (n < 0 || n > plain - 8) throw Refused.decrypt();
        zeros(first, 0, n + 8);
        zeros(chunk(s, last), last, n + 8);
        return new Layout(dek, 8, n);
    }

    /**
     * Up to n bytes of the content from offset on, opening only the chunks that are needed. No check of the sender's
     * signature covers this [OFF-02].
     */
    byte[] readUnverified(Layout l, long offset, int n) {
        Schedule s = schedule(l.dek, h);
        long from = Math.min(offset, l.contentLength), begin = from + l.shift, end = Math.min(from + n, l.contentLength) + l.shift;
        Wire.Out out = new Wire.Out();
        for (long i = begin / CHUNK; begin < end && i <= (end - 1) / CHUNK; i++) {
            byte[] c = chunk(s, i);
            if (l.shift != 0) zeros(c, i, l.contentLength + 8);
            out.put(Wire.slice(c, (int) Math.max(0, begin - i * CHUNK), (int) Math.min(c.length, end - i * CHUNK)));
        }
        return out.bytes();
    }
    private static void zeros(byte[] chunk, long i, long contentEnd) {
        for (long j = Math.max(0, contentEnd - i * CHUNK); j < chunk.length; j++) if (chunk[(int) j] != 0) throw Refused.decrypt();
    }

    // ---- Sealing, §7.4

    sealed interface Recipient permits KeyRecipient, KekRecipient, PassphraseRecipient {}
    record KeyRecipient(Keys.Public key, byte[] recipientId) implements Recipient {
        /** §8.1: an identity by its encryption key. */
        KeyRecipient(Identity.PublicIdentity id) { this(id.encryption(), id.fingerprint()); }
    }
    record KekRecipient(byte[] kek) implements Recipient {}
    record PassphraseRecipient(byte[] passphrase, Header.Kdf kdf) implements Recipient {}
    record Sender(Identity.PublicIdentity identity, Keys.Private key) {}

    record Sealed(byte[] bytes, byte[] dek, byte[] digest) {
        byte[] attachmentKey() { return Wire.cat(dek, digest); }
    }

    static byte[] digest(byte[] h, byte[] commitment, byte[] chunksHash) {
        return Algorithms.sha256(Algorithms.signInput("attachment", h, commitment, chunksHash));
    }

    static Sealed seal(int type, byte[] content, boolean padme, Sender sender, byte[] publicData, List<? extends Recipient> recipients,
                       int decoys, Draws random) {
        byte[] salt = random.draw(24), dek = random.draw(32);
        List<Header.Stanza> stanzas = wraps(type, salt, dek, recipients, decoys, random);
        if (type == Wire.ATTACHMENT ? sender != null || !stanzas.isEmpty() : stanzas.isEmpty()) {
            throw new IllegalArgumentException("[ENV-02] or [ATT-02]");
        }
        int algorithm = sender == null ? 0 : sender.identity.signing().algorithm();
        Header header = Header.write(type, algorithm, padme ? 1 : 0, salt, stanzas, publicData);
        byte[] h = header.hash();
        Schedule s = schedule(dek, h);

        byte[] plain = content;
        if (padme) {
            long n = Algorithms.padme(8L + content.length);
            plain = Arrays.copyOf(Wire.cat(new Wire.Out().u64(content.length).bytes(), content), Math.toIntExact(n));
        }
        Wire.Out out = new Wire.Out().put(header.bytes()).put(s.commitment), hashes = new Wire.Out();
        for (int i = 0; i <= plain.length / CHUNK; i++) { // the last chunk is always shorter [PAY-01]
            byte[] chunk = Wire.slice(plain, i * CHUNK, Math.min(plain.length, (i + 1) * CHUNK));
            byte[] sealed = sealChunk(s.key, s.baseNonce, i, chunk);
            hashes.put(Algorithms.sha256(sealed));
            out.put(sealed);
        }
        byte[] chunksHash = Algorithms.sha256(hashes.bytes());
        if (sender != null) {
            byte[] f = sender.identity.fingerprint();
            byte[] signature = Algorithms.sign(sender.key, signed(f, algorithm, h, s.commitment, chunksHash), random);
            byte[] k = Algorithms.derive(dek, "signature", h, 44);
            out.put(Algorithms.gcmSeal(Wire.slice(k, 0, 32), Wire.slice(k, 32, 44), EMPTY, Wire.cat(f, signature)));
        }
        return new Sealed(out.bytes(), dek, digest(h, s.commitment, chunksHash));
    }

    static List<Header.Stanza> wraps(int type, byte[] salt, byte[] dek, List<? extends Recipient> recipients, int decoys,
                                             Draws random) {
        List<KeyRecipient> p256 = new ArrayList<>(), rsa = new ArrayList<>();
        List<byte[]> keks = new ArrayList<>();
        PassphraseRecipient passphrase = null;
        for (Recipient r : recipients) { // [STZ-03]: the same one is written once
            if (r instanceof KeyRecipient k) {
                List<KeyRecipient> l = k.key.p256() ? p256 : rsa;
                if (l.stream().noneMatch(o -> Wire.same(o.key.raw(), k.key.raw()) && Wire.same(o.recipientId, k.recipientId))) l.add(k);
            } else if (r instanceof KekRecipient k) {
                if (keks.stream().noneMatch(o -> Wire.same(o, k.kek))) keks.add(k.kek);
            } else if (r instanceof PassphraseRecipient p) {
                if (recipients.size() != 1) throw new IllegalArgumentException("[ENV-05]");
                passphrase = p;
            }
        }
        if (decoys > 0 && p256.isEmpty()) throw new IllegalArgumentException("[STZ-05]");
        List<Header.Stanza> stanzas = new ArrayList<>();
        if (!p256.isEmpty()) {
            // One ephemeral for the group [STZ-04]; §15.5.
            Keys.Private e = Keys.p256(Algorithms.deriveKeyPair(random.draw(32)));
            byte[] enc = e.pub().raw();
            List<byte[]> entries = new ArrayList<>();
            for (int i = 0; i < decoys; i++) entries.add(random.draw(48));
            for (KeyRecipient r : p256) {
                byte[] info = info(type, Header.GROUP, salt, r.recipientId);
                Algorithms.HpkeKey k = Algorithms.hpke(Algorithms.dh(e, r.key), enc, r.key.raw(), info);
                entries.add(Algorithms.gcmSeal(k.key(), k.nonce(), EMPTY, dek));
            }
            entries.sort(Wire::compare);
            stanzas.add(new Header.Group(enc, entries));
        }
        rsa.sort(Comparator.comparing(r -> rsaKeyId(r.key, r.recipientId), Wire::compare));
        byte[] before = null;
        for (KeyRecipient r : rsa) {
            byte[] id = rsaKeyId(r.key, r.recipientId);
            if (before != null && Wire.same(before, id)) throw new IllegalArgumentException("[STZ-12]");
            before = id;
            byte[] info = Algorithms.sha256(info(type, Header.RSA, salt, r.recipientId));
            stanzas.add(new Header.Rsa(id, Algorithms.oaepSeal(r.key, Wire.cat(dek, info), random)));
        }
        keks.sort(Comparator.comparing(Envelope::kekId, Wire::compare));
        before = null;
        for (byte[] kek : keks) {
            byte[] id = kekId(kek);
            if (before != null && Wire.same(before, id)) throw new IllegalArgumentException("[STZ-12]");
            before = id;
            stanzas.add(new Header.Symmetric(id, sealSymmetric("symmetric wrap", type, Header.SYMMETRIC, salt, kek, dek)));
        }
        if (passphrase != null) {
            byte[] kek = passphraseKek(passphrase.passphrase, passphrase.kdf);
            stanzas.add(new Header.Passphrase(passphrase.kdf, sealSymmetric("passphrase wrap", type, Header.PASSPHRASE, salt, kek, dek)));
        }
        return stanzas;
    }

    private static byte[] sealSymmetric(String label, int type, int stanza, byte[] salt, byte[] kek, byte[] dek) {
        byte[] key = Algorithms.derive(kek, label, info(type, stanza, salt, ZERO_ID), 32);
        return Algorithms.gcmSeal(key, ZERO_NONCE, EMPTY, dek);
    }
}
