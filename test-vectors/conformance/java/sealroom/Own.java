package sealroom;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Checks of its own for what the vectors leave out or cannot show: sizes, offsets, §18 as a whole, §20 to §23. */
final class Own {
    private int passed, failed;

    static boolean run() {
        Own o = new Own();
        o.all();
        System.out.printf("own: %d passed, %d failed%n", o.passed, o.failed);
        return o.failed == 0;
    }

    private void must(boolean b, String what) {
        if (b) passed++;
        else {
            failed++;
            System.out.println("  FAILED " + what);
        }
    }
    private interface Act { void run(); }
    /** Refused, by this tag or class. */
    private void refused(String by, String what, Act a) {
        try {
            a.run();
            must(false, what + ": not refused");
        } catch (Refused e) { must(by.equals(e.tag) || by.equals(e.cls), what + ": " + e.getMessage() + ", not " + by); }
    }

    private void all() {
        wire();
        texts();
        envelopes();
        devices();
        proofs();
        keyring();
        rooms();
        recovery();
    }

    // ---- §3, §17

    private void wire() {
        for (int n : new int[] {0, 63, 64, 16383, 16384, 100000}) {
            byte[] b = new Wire.Out().vec(new byte[n]).bytes();
            must(b.length == n + (n < 64 ? 1 : n < 16384 ? 2 : 4), "length of " + n);
            must(new Wire.In(b).vec("x").length == n, "read " + n);
        }
        refused("WIRE-03", "63 in two bytes", () -> new Wire.In(Wire.cat(new byte[] {0x40, 63}, new byte[63])).vec("x"));
        refused("WIRE-03", "16383 in four", () -> new Wire.In(Wire.cat(Wire.unhex("80003fff"), new byte[16383])).vec("x"));
        refused("WIRE-02", "bits 11", () -> new Wire.In(Wire.unhex("c0000000")).vec("x"));
        refused("malformed", "past the end", () -> new Wire.In(Wire.unhex("bfffffff")).vec("x"));
        must(Algorithms.padme(8) == 8 && Algorithms.padme(9) == 10 && Algorithms.padme(1000) == 1024, "padme");
    }

    private void texts() {
        byte[] f = new byte[32];
        String t = TextForms.write("slrm-fp:", f);
        must(Arrays.equals(TextForms.fingerprint(t), f), "fingerprint text");
        for (String bad : List.of(t + "=", t + " ", "SLRM-fp:" + t.substring(8), "slrm-id:" + t.substring(8), t.substring(0, t.length() - 1) + "B",
                t.substring(0, t.length() - 1), t + "A", t.replace('A', '+'))) {
            refused("TXT-02", bad, () -> TextForms.fingerprint(bad));
        }
    }

    // ---- People

    private static byte[] root(int who) {
        byte[] seed = new byte[64];
        Arrays.fill(seed, (byte) who);
        return Identity.root(seed);
    }
    private record Person(Identity.Own own) {
        Identity.PublicIdentity pub() { return own.pub(); }
        byte[] f() { return own.pub().fingerprint(); }
        Envelope.Sender sender() { return new Envelope.Sender(own.pub(), own.signing()); }
        Envelope.Reader key() { return new Envelope.KeyReader(own.encryption(), f()); }
        List<Envelope.Reader> keys() { return List.of(key()); }
    }
    private static Person person(int who, long generation) { return new Person(Identity.own(root(who), generation, Identity.P256)); }

    private final Person alice = person(1, 0), bob = person(2, 0), carol = person(3, 0), dave = person(4, 0);
    private static final byte[] NONE = new byte[0];

    private Directory directory() {
        Directory d = new Directory();
        for (Person p : List.of(alice, bob, carol, dave)) d.add(p.pub());
        return d;
    }

    // ---- §7 to §10

    private static int v(int n) { return n < 64 ? 1 : n < 16384 ? 2 : 4; }

    private void envelopes() {
        byte[] content = new byte[50000];
        for (int i = 0; i < content.length; i++) content[i] = (byte) (i * 31 >> 3);
        for (int n : new int[] {0, 100, 16376, 16384, 50000}) {
            byte[] c = Arrays.copyOf(content, n);
            Envelope.Sealed s = Envelope.seal(Wire.MESSAGE, c, false, alice.sender(), NONE,
                    List.of(new Envelope.KeyRecipient(alice.pub()), new Envelope.KeyRecipient(bob.pub())), 0, Draws.fresh());
            must(s.bytes().length == 260 + v(66 + v(96) + 96) + v(96) + 96 + n + 16 * (n / 16384), "[ENV-06] " + n);
            Envelope.Opened o = Envelope.open(s.bytes(), Wire.MESSAGE, bob.key());
            must(Arrays.equals(o.content(), c) && o.signedBy(alice.pub()) && !o.signedBy(bob.pub()), "open " + n);
            for (boolean padme : new boolean[] {false, true}) {
                byte[] b = Envelope.seal(Wire.MESSAGE, c, padme, null, NONE, List.of(new Envelope.KekRecipient(new byte[32])), 0, Draws.fresh()).bytes();
                Envelope e = Envelope.decode(b, Wire.MESSAGE);
                byte[] dek = e.unwrap(new Envelope.KekReader(new byte[32]));
                boolean same = true;
                for (int at : new int[] {0, 1, 16367, 16375, 16376, 16383, 16384, 32768, 49999, 50000, 60000}) {
                    for (int len : new int[] {0, 1, 17, 16384, 40000}) {
                        byte[] got = e.readUnverified(e.layout(dek), at, len);
                        same &= Arrays.equals(got, at >= n ? NONE : Arrays.copyOfRange(c, at, Math.min(n, at + len)));
                    }
                }
                must(same, "offsets of " + n + (padme ? " padded" : ""));
            }
        }
        for (Header.Kdf over : List.of(new Header.Kdf(Header.Kdf.PBKDF2, new byte[16], 1, 10_000_001, 1, 1),
                new Header.Kdf(Header.Kdf.ARGON2ID, new byte[16], 1, 262145, 1, 1), new Header.Kdf(Header.Kdf.ARGON2ID, new byte[16], 17, 262144, 1, 1))) {
            refused("limit", "[LIM-10] a writer", () -> Envelope.seal(Wire.MESSAGE, NONE, false, null, NONE,
                    List.of(new Envelope.PassphraseRecipient(NONE, over)), 0, Draws.fresh()));
        }
        byte[] d = Detached.sign(alice.sender(), NONE, content);
        Detached.verify(d, alice.pub(), NONE, content);
        refused("SIG-04", "another signer", () -> Detached.verify(d, bob.pub(), NONE, content));
    }

    // ---- §22

    private void devices() {
        byte[] root = root(1);
        Person next = person(1, 1);
        Identity.Transition t = Identity.transition(alice.own, root, next.pub());
        must(Wire.same(Identity.follow(alice.pub(), Identity.decodeTransition(t.bytes())).fingerprint(), next.f()), "transition");
        Keys.Private key = Keys.p256(Algorithms.deriveKeyPair(new byte[32]));
        byte[] echo = new byte[32];
        echo[0] = 9;
        Devices.LinkRequest request = new Devices.LinkRequest(key.pub(), echo);
        must(request.text().length() == 149, "149 characters");
        must(Arrays.equals(Devices.decodeRequest(request.text()).bytes(), request.bytes()), "link request");
        Devices.Generation g0 = new Devices.Generation(alice.own.secret(), alice.pub()), g1 = new Devices.Generation(next.own.secret(), next.pub());
        byte[] one = Devices.answer(request, List.of(g0), List.of(), alice.own.signing());
        must(one.length == 631, "631 bytes: " + one.length);
        must(Devices.open(one, key, echo).code().length() == 35, "code");
        byte[] two = Devices.answer(request, List.of(g0, g1), List.of(t), next.own.signing());
        Devices.DeviceLink l = Devices.open(two, key, echo);
        must(l.generations().size() == 2, "two generations");
        refused("LNK-03", "another echo", () -> Devices.open(two, key, new byte[32]));
        refused("LNK-06", "without the first", () -> Devices.open(Devices.answer(request, List.of(g1), List.of(), next.own.signing()), key, echo));
        refused("LNK-06", "without a transition", () -> Devices.open(Devices.answer(request, List.of(g0, g1), List.of(), next.own.signing()), key, echo));
        refused("LNK-07", "signed by the first", () -> Devices.open(Devices.answer(request, List.of(g0, g1), List.of(t), alice.own.signing()), key, echo));
        refused("LNK-08", "another's secret", () -> Devices.open(Devices.answer(request, List.of(new Devices.Generation(next.own.secret(), alice.pub())),
                List.of(), alice.own.signing()), key, echo));
        refused("LNK-02", "public data", () -> Devices.open(Envelope.seal(Wire.DEVICE_LINK, l.encode(), true, next.sender(), new byte[1],
                List.of(new Envelope.KeyRecipient(key.pub(), Envelope.bareId(key.pub()))), 0, Draws.fresh()).bytes(), key, echo));
        refused("decrypt", "another key", () -> Devices.open(two, bob.own.encryption(), echo));
        byte[] kek = new byte[32];
        must(Devices.load(Devices.store(l, kek), kek).generations().size() == 2, "stored link");
        refused("LNK-09", "an answer as what is stored", () -> Devices.load(two, kek));
    }

    // ---- §23

    private void proofs() {
        Keys.Private device = Keys.p256(Algorithms.deriveKeyPair(new byte[33]));
        Proofs.Certificate c = Proofs.certify(alice.sender(), new byte[16], device.pub(), 1000, 2000);
        must(c.bytes().length == 201, "201 bytes");
        c.verify(alice.pub(), 1000, 0);
        c.verify(alice.pub(), 1999, 0);
        c.verify(alice.pub(), 2059, 60);
        c.verify(alice.pub(), 940, 60);
        c.verify(alice.pub(), 30, -1L);
        refused("CRT-03", "before", () -> c.verify(alice.pub(), 999, 0));
        refused("CRT-03", "after", () -> c.verify(alice.pub(), 2060, 60));
        refused("CRT-01", "another identity", () -> c.verify(bob.pub(), 1500, 0));
        refused("CRT-04", "no time", () -> Proofs.certify(alice.sender(), new byte[16], device.pub(), 5, 5));
        Proofs.Request r = new Proofs.Request(Wire.ascii("a.example"), Wire.ascii("GET"), Wire.ascii("/x?y"), NONE, NONE);
        Proofs.Proof p = Proofs.prove(c, device, r, 1500);
        must(p.text().length() == 406, "406 characters: " + p.text().length());
        Proofs.Verifier v = new Proofs.Verifier(60);
        v.take(p, alice.pub(), r, 1440);
        refused("PRF-05", "again", () -> v.take(p, alice.pub(), r, 1560));
        refused("PRF-03", "late", () -> v.take(p, alice.pub(), r, 1561));
        refused("PRF-05", "after the clock was set back", () -> v.take(p, alice.pub(), r, 1500));
        Proofs.Proof late = Proofs.prove(c, device, r, 1700);
        v.take(late, alice.pub(), r, 1700);
        refused("PRF-05", "set back, of what was forgotten", () -> v.take(p, alice.pub(), r, 1500));
        refused("PRF-05", "set back, of what is remembered", () -> v.take(late, alice.pub(), r, 1650));
        v.take(Proofs.prove(c, device, r, 1600), alice.pub(), r, 1600);
        refused("PRF-05", "after a restart", () -> new Proofs.Verifier(60, 1450).take(p, alice.pub(), r, 1450));
        refused("PRF-04", "another body", () -> Proofs.verify(p, alice.pub(), new Proofs.Request(r.audience(), r.method(), r.target(), new byte[1], NONE), 1500, 60));
        refused("PRF-04", "another audience", () -> Proofs.verify(p, alice.pub(), new Proofs.Request(Wire.ascii("b"), r.method(), r.target(), NONE, NONE), 1500, 60));
        refused("PRF-04", "no audience", () -> Proofs.verify(p, alice.pub(), new Proofs.Request(NONE, r.method(), r.target(), NONE, NONE), 1500, 60));
        refused("malformed", "left over", () -> Proofs.decode(Wire.cat(p.bytes(), new byte[1])));
        byte[] b = p.bytes();
        for (int i = 0; i < b.length; i++) {
            byte[] x = b.clone();
            x[i] ^= (byte) (1 << i % 8);
            try {
                Proofs.verify(Proofs.decode(x), alice.pub(), r, 1500, 60);
                must(false, "a bit of byte " + i + " of a proof");
            } catch (Refused e) { passed++; }
        }
    }

    // ---- §20

    private void keyring() {
        Keyring a = new Keyring(Draws.fresh()), b = new Keyring(Draws.fresh());
        byte[] name = Wire.ascii("bob"), key = new byte[32];
        must(a.compare(name, bob.pub()) == Keyring.Pin.FIRST, "first sight");
        must(a.compare(name, bob.pub()) == Keyring.Pin.KNOWN, "same");
        must(a.compare(name, carol.pub()) == Keyring.Pin.CHANGED, "changed key");
        b.pin(name, carol.pub());
        a.add(new Segment.Entry(77, Wire.ascii("of a later version")));
        byte[] pa = a.part().seal(key, Draws.fresh()), pb = b.whole().seal(key, Draws.fresh());
        Keyring x = new Keyring(Draws.fresh()), y = new Keyring(Draws.fresh());
        for (byte[] s : List.of(pa, pb)) x.merge(Segment.open(s, key));
        for (byte[] s : List.of(pb, pa, pb)) y.merge(Segment.open(s, key));
        must(new ArrayList<>(x.entries()).equals(new ArrayList<>(y.entries())), "merging commutes");
        must(x.conflict(Segment.CONTACT, name), "conflict");
        must(x.compare(name, dave.pub()) == Keyring.Pin.CHANGED, "in conflict");
        byte[] winner = x.value(Segment.CONTACT, name);
        must(Wire.same(winner, a.device.compareTo(b.device) > 0 ? bob.f() : carol.f()), "the greatest device");
        x.write(Segment.CONTACT, name, bob.f());
        must(!x.conflict(Segment.CONTACT, name) && Wire.same(x.value(Segment.CONTACT, name), bob.f()), "settled");
        Keyring.Told told = b.merge(x.whole());
        must(told.changedPins().size() == 1, "[KRG-11]");
        Keyring z = Keyring.open(x.seal(key, Draws.fresh()), key, Draws.fresh());
        must(Arrays.equals(z.encode(), x.encode()), "state");
        // Missing: x knows of two revisions of a, of which the server has the second alone.
        a.add(new Segment.Entry(78, NONE));
        Segment second = a.part();
        x.merge(second);
        must(x.missing(List.of(second, Segment.open(pb, key), x.whole())).isEmpty(), "covered by a whole one");
        must(x.missing(List.of(second)).stream().anyMatch(r -> r.device().equals(a.device) && r.from() == 1 && r.to() == 1), "missing");
        // An older state of a, after which another segment of a is found [KRG-10].
        Keyring old = new Keyring(Draws.fresh());
        old.device = a.device;
        old.revision = 1;
        String before = old.device;
        old.merge(second);
        must(!old.device.equals(before) && old.revision == 0 && old.seen().get(before) == 2L, "[KRG-10]");
        // A contact's own transition.
        Person bob1 = person(2, 1);
        Keyring c = new Keyring(Draws.fresh());
        c.compare(name, bob.pub());
        c.write(Segment.VERIFIED, bob.f(), new byte[] {1});
        c.add(new Segment.Entry(Segment.TRANSITION, Identity.transition(bob.own, root(2), bob1.pub()).bytes()));
        must(c.compare(name, bob1.pub()) == Keyring.Pin.SUCCEEDED && c.verified(bob.f()) && !c.verified(bob1.f()), "followed");
        // A name that another device gave up [KRG-11].
        Keyring g = new Keyring(Draws.fresh());
        g.merge(c.whole());
        g.unpin(name);
        List<byte[]> changed = c.merge(g.part()).changedPins();
        must(changed.size() == 1 && Wire.same(changed.get(0), name) && c.merge(g.part()).changedPins().isEmpty(), "given up");
        must(c.compare(name, bob.pub()) == Keyring.Pin.FIRST, "pinned again");
        refused("KRG-01", "a padded message is no segment", () -> Segment.open(Envelope.seal(Wire.KEYRING, NONE, false, null, NONE,
                List.of(new Envelope.KekRecipient(key)), 0, Draws.fresh()).bytes(), key));
        refused("KRG-02", "a register's clock", () -> Segment.decode(new Segment(a.device, 1, 2, new java.util.TreeMap<>(),
                List.of(new Segment.Register(3, name, 0, new byte[8], NONE).entry())).encode()));
    }

    // ---- §18

    private static RoomEpoch body(Epoch parent, int history, int adds, Object... personThenRole) {
        List<RoomEpoch.Member> l = new ArrayList<>();
        for (int i = 0; i < personThenRole.length; i += 2) l.add(new RoomEpoch.Member(((Person) personThenRole[i]).f(), (int) personThenRole[i + 1]));
        return body(parent, history, adds, l);
    }
    private static RoomEpoch body(Epoch parent, int history, int adds, List<RoomEpoch.Member> l) {
        List<RoomEpoch.Member> roster = new ArrayList<>(l);
        roster.sort((a, b) -> Wire.compare(a.fingerprint(), b.fingerprint()));
        if (parent == null) throw new IllegalArgumentException();
        RoomEpoch o = parent.body();
        return new RoomEpoch(o.creator(), o.nonce(), o.epoch() + 1, parent.transcript(), history, adds, roster);
    }
    private byte[] create(Person creator, int history, Person... others) {
        List<RoomEpoch.Member> l = new ArrayList<>(List.of(new RoomEpoch.Member(creator.f(), RoomEpoch.ADMIN)));
        List<Identity.PublicIdentity> to = new ArrayList<>(List.of(creator.pub()));
        for (Person p : others) {
            l.add(new RoomEpoch.Member(p.f(), RoomEpoch.MEMBER));
            to.add(p.pub());
        }
        l.sort((a, b) -> Wire.compare(a.fingerprint(), b.fingerprint()));
        RoomEpoch b = new RoomEpoch(creator.f(), Draws.fresh().draw(16), 0, RoomEpoch.ZERO, history, 0, l);
        return Packages.make(creator.sender(), null, b, null, null, to, false);
    }
    private byte[] refresh(Person by, Epoch head) {
        List<Identity.PublicIdentity> to = new ArrayList<>();
        for (RoomEpoch.Member m : head.body().roster()) to.add(directory().get(m.fingerprint()));
        return Packages.make(by.sender(), head, body(head, head.body().history(), 0, head.body().roster()), head.secret(), null, to, false);
    }
    private byte[] remove(Person by, Epoch head, Person who) {
        List<RoomEpoch.Member> l = head.body().roster().stream().filter(m -> !Wire.same(m.fingerprint(), who.f())).toList();
        List<Identity.PublicIdentity> to = new ArrayList<>();
        for (RoomEpoch.Member m : l) to.add(directory().get(m.fingerprint()));
        return Packages.make(by.sender(), head, body(head, head.body().history(), 0, l), head.secret(), null, to, false);
    }
    private byte[] add(Person by, Epoch head, Person who) {
        List<RoomEpoch.Member> l = new ArrayList<>(head.body().roster());
        l.add(new RoomEpoch.Member(who.f(), RoomEpoch.MEMBER));
        boolean shared = head.body().history() == RoomEpoch.SHARED;
        return Packages.make(by.sender(), head, body(head, head.body().history(), head.body().adds() + 1, l), shared ? head.secret() : null, null,
                List.of(who.pub()), true);
    }
    private Room join(byte[] p, Person inviter, Person me, byte[]... earlier) {
        return Room.join(p, inviter.f(), List.of(me.f()), me.keys(), List.of(earlier), directory());
    }

    private static int group(int k) { return 66 + v(48 * k) + 48 * k; }
    private static int plain(int m, int p) { return 90 + v(33 * m) + 33 * m + 2 + 32 * p; }
    private static int payload(int n) { return n + 16 * (n / 16384 + 1); }

    private void rooms() {
        byte[] p0 = create(alice, RoomEpoch.FROM_JOIN, bob, carol);
        must(p0.length == 33 + v(group(3)) + group(3) + 25 + 32 + payload(plain(3, 0)) + 112, "[ROOM-05] all");
        Room a = join(p0, alice, alice), b = join(p0, alice, bob), c = join(p0, alice, carol);
        must(a.head.code().equals(b.head.code()), "one code");
        byte[] p1 = add(alice, a.head, dave);
        must(p1.length == 33 + v(group(1) + 65) + group(1) + 65 + 25 + 32 + payload(plain(4, 0)) + 112, "[ROOM-05] addition");
        for (Room r : List.of(a, b, c)) must(r.apply(p1, r == a ? alice.keys() : r == b ? bob.keys() : carol.keys()) == Room.Done.APPLIED, "addition");
        must(b.apply(p1, bob.keys()) == Room.Done.HELD, "held");
        Room d = join(p1, alice, dave);

        byte[] m = b.seal(bob.sender(), NONE, Wire.ascii("hello"), false);
        must(m.length == 165 + 1 + 5, "[RMSG-04]");
        Room.Heard h = d.open(m, NONE);
        must(h.replay().equals("fresh 0") && !h.superseded() && Wire.same(h.message().sender(), bob.f()), "message");
        must(d.open(m, NONE).replay().equals("duplicate"), "duplicate");
        refused("unknown", "of an epoch before", () -> d.open(Messages.seal(b.branch().get(1), bob.sender(), new byte[8], 0, NONE, NONE, true, Draws.fresh()), NONE));

        // A grant of epoch 0 to Dave, by a plain member.
        byte[] grant = Grants.seal(bob.sender(), a.roomId(), List.of(b.branch().get(1)), List.of(dave.pub()));
        d.grant(grant, dave.keys(), bob.f());
        must(d.held().size() == 2 && d.branch().size() == 2, "grant");
        byte[] stored = d.state().seal(new byte[32]);
        must(Arrays.equals(Room.load(RoomState.open(stored, new byte[32]), directory()).state().encode(), d.state().encode()), "state");
        refused("decrypt", "the package of a granted epoch", () -> d.apply(p0, dave.keys()));

        // Carol races her removal by a refresh: who applied it first changes by itself [ROOM-19].
        byte[] race = refresh(carol, c.head), removal = remove(alice, a.head, carol);
        must(b.apply(race, bob.keys()) == Room.Done.APPLIED, "race");
        must(b.apply(removal, bob.keys()) == Room.Done.CHANGED, "removal wins");
        must(a.apply(removal, alice.keys()) == Room.Done.APPLIED && a.apply(race, alice.keys()) == Room.Done.EVIDENCE, "race is evidence");
        must(Wire.same(a.recommended().transcript(), b.head.transcript()), "recommended");
        refused("decrypt", "who was removed", () -> c.apply(removal, carol.keys()));
        must(RoomState.open(a.state().seal(new byte[32]), new byte[32]).epochs().size() == 4, "state with evidence");

        // Dave was away, and is left out of one package: the next one tells its secret [ROOM-29].
        RoomEpoch body = body(a.head, RoomEpoch.FROM_JOIN, 0, a.head.body().roster());
        byte[] leftOut = Packages.make(alice.sender(), a.head, body, a.head.secret(), null, List.of(alice.pub(), bob.pub(), carol.pub()), false);
        a.apply(leftOut, alice.keys());
        byte[] after = refresh(bob, a.head);
        refused("decrypt", "left out", () -> d.apply(leftOut, dave.keys()));
        List<Refused> told = Given.refused(d.apply(List.of(after, leftOut, removal), dave.keys()));
        must(told.isEmpty() && d.head.number() == 4, "[ROOM-29] " + told);
        a.apply(after, alice.keys());

        // Behind [ROOM-24].
        byte[] later = refresh(alice, a.head);
        a.apply(later, alice.keys());
        byte[] latest = refresh(alice, a.head);
        Room e = Room.load(RoomState.open(d.state().seal(new byte[32]), new byte[32]), directory());
        must(e.apply(latest, dave.keys()) == Room.Done.AHEAD && !e.maySeal(), "behind");
        refused("ROOM-24", "sealing", () -> e.seal(dave.sender(), NONE, NONE, false));
        must(Given.refused(e.apply(List.of(latest, later), dave.keys())).isEmpty() && e.maySeal(), "not behind");

        // Recovery from packages alone: unconfirmed until somebody vouches.
        RoomRecovery.Result recovered = RoomRecovery.recover(a.roomId(), List.of(latest, p0, removal, race, p1, leftOut, after, later),
                List.of(bob.f()), bob.keys(), directory());
        Room r = recovered.room();
        List<Refused> none = Given.refused(recovered.items());
        must(none.isEmpty() && r.head.number() == 6 && r.branch().size() == 7 && !r.maySeal(), "recovered " + none);
        must(Wire.same(r.head.transcript(), e.head.transcript()), "the same head");
        refused("ROOM-22", "unconfirmed", () -> r.seal(bob.sender(), NONE, NONE, false));
        byte[] nonce = new byte[32];
        refused("ROOM-23", "for an older head", () -> r.confirm(Statements.head(dave.sender(), d.head, nonce), nonce, dave.f()));
        r.confirm(Statements.head(dave.sender(), e.head, nonce), nonce, dave.f());
        must(r.maySeal(), "confirmed");
        must(Wire.same(Statements.checkLeave(Statements.leave(dave.sender(), d.head), r.roomId(), ascending(r), directory()), dave.f()), "leave");
        // Without the first packages a run begins in the middle, and goes back by the secrets that are told.
        Room f = RoomRecovery.recover(a.roomId(), List.of(latest, later, after, leftOut, removal), List.of(dave.f()), dave.keys(), directory()).room();
        must(f.head.number() == 6 && f.branch().size() == 5, "run " + f.branch().size());

        tips();
        tries();
        named();
        raced();
        onlyRead();
        keptToBeRead();
        copies();

        // Shared: a newcomer gets the past [ROOM-16].
        byte[] s0 = create(alice, RoomEpoch.SHARED, bob);
        Room sa = join(s0, alice, alice);
        byte[] s1 = refresh(bob, sa.head);
        sa.apply(s1, alice.keys());
        byte[] s2 = add(alice, sa.head, carol);
        Room sc = join(s2, alice, carol, s0, s1);
        must(sc.branch().size() == 3, "the past");
        refused("decrypt", "the past is not whole", () -> join(s2, alice, carol, s0));
        refused("ROOM-17", "an old package", () -> sc.joinAgain(s2, alice.f(), List.of(carol.f()), carol.keys(), List.of(s0, s1)));

        // A transition in a room [ROOM-14].
        Person bob1 = person(2, 1);
        Identity.Transition t = Identity.transition(bob.own, root(2), bob1.pub());
        sa.apply(s2, alice.keys());
        List<RoomEpoch.Member> roster = Packages.replaced(sa.head.body(), t);
        byte[] s3 = Packages.make(bob1.sender(), sa.head, body(sa.head, RoomEpoch.SHARED, 0, roster), sa.head.secret(), t,
                List.of(alice.pub(), bob1.pub(), carol.pub()), false);
        must(sa.apply(s3, alice.keys()) == Room.Done.APPLIED && sa.ids.find(bob1.f()) != null, "replaced");
    }
    /** A member fills the places for evidence: one that follows nothing of it takes the place of the greatest [ROOM-18]. */
    private void tips() {
        byte[] p0 = create(alice, RoomEpoch.FROM_JOIN, bob);
        Room a = join(p0, alice, alice);
        Epoch zero = a.head;
        a.apply(refresh(alice, zero), alice.keys());
        for (int i = 0; i < 64; i++) must(a.apply(refresh(bob, zero), alice.keys()) == Room.Done.EVIDENCE, "evidence");
        byte[] more = refresh(bob, zero);
        must(a.apply(more, alice.keys()) == Room.Done.EVIDENCE && a.held().size() == 66, "one takes a place");
        Epoch last = a.held().stream().filter(e -> e.number() == 1 && !a.branch().contains(e)).max(Branches.ORDER).orElseThrow();
        must(a.apply(refresh(bob, last), alice.keys()) == Room.Done.EVIDENCE && a.held().size() == 67, "what goes on needs no place");
        RoomState s = RoomState.open(a.state().seal(new byte[32]), new byte[32]);
        must(s.epochs().size() == 67, "stored");
        // One package under the draws of another: the signer makes it another epoch (§15.10).
        byte[] drawn = Draws.fresh().draw(24 + 32 + 32);
        List<Envelope.KeyRecipient> to = List.of(new Envelope.KeyRecipient(alice.pub()), new Envelope.KeyRecipient(bob.pub()));
        RoomEpoch body = body(a.head, RoomEpoch.FROM_JOIN, 0, a.head.body().roster());
        byte[] content = new Wire.Out().put(body.bytes()).u8(1).put(a.head.secret()).vec(NONE).bytes();
        byte[] named = new Wire.Out().put(body.roomId()).u64(body.epoch()).bytes();
        Room b = Room.load(s, directory());
        byte[] byAlice = Envelope.seal(Wire.ROOM_EPOCH, content, false, alice.sender(), named, to, 0, new Draws.Fixed(drawn)).bytes();
        byte[] byBob = Envelope.seal(Wire.ROOM_EPOCH, content, false, bob.sender(), named, to, 0, new Draws.Fixed(drawn)).bytes();
        must(a.apply(byAlice, alice.keys()) == Room.Done.APPLIED && a.apply(byBob, alice.keys()) == Room.Done.EVIDENCE, "[ROOM-28]");
        must(b.apply(byBob, alice.keys()) == Room.Done.APPLIED && b.apply(byAlice, alice.keys()) == Room.Done.CHANGED, "[ROOM-28] in the other order");
        must(Wire.same(a.head.transcript(), b.head.transcript()), "one head");
    }

    /** Many who name secrets do not cost the square of their number [ROOM-29]. */
    private void tries() {
        Room a = join(create(alice, RoomEpoch.FROM_JOIN, bob), alice, alice);
        List<byte[]> given = new ArrayList<>();
        RoomEpoch one = body(a.head, RoomEpoch.FROM_JOIN, 0, a.head.body().roster());
        for (int i = 0; i < 65; i++) given.add(Packages.make(bob.sender(), a.head, one, a.head.secret(), null, List.of(carol.pub()), false));
        Epoch next = Epoch.withSecret(bob.f(), one, new byte[32], new byte[32]);
        RoomEpoch two = body(next, RoomEpoch.FROM_JOIN, 0, one.roster());
        for (int i = 0; i < 65; i++) given.add(Packages.make(bob.sender(), next, two, Draws.fresh().draw(32), null, List.of(alice.pub()), false));
        Given all = new Given(a, given, alice.keys(), a.roomId());
        all.take(a::place);
        must(all.tries(1) == Given.TRIES && all.tries(0) == 0 && all.tries(2) == 0, "tries " + all.tries(1));
    }

    private static Epoch epoch(byte[] p, Person reader) {
        Envelope e = Packages.decode(p);
        return Packages.open(e, e.unwrap(reader.key())).epoch();
    }
    private static Epoch withoutSecret(Epoch e) { return Epoch.withMessageKey(e.signer(), e.body(), e.commitment(), e.messageKey()); }
    private Room restored(Person me, Epoch head, Epoch... before) {
        List<Epoch> all = new ArrayList<>(List.of(before));
        all.add(head);
        Room r = new Room(new ArrayList<>(List.of(me.f())), directory(), new byte[8]);
        r.restore(head, all);
        return r;
    }
    private List<Given.Item> goOn(Room r, Person me, byte[]... packages) {
        return RoomRecovery.goOn(r, List.of(packages), List.of(me.f()), me.keys());
    }

    /** Bob is left out of two packages: the third names the second, which names the first, whoever signed it [ROOM-29]. */
    private void named() {
        byte[] p0 = create(alice, RoomEpoch.FROM_JOIN, bob);
        Room a = join(p0, alice, alice), b = join(p0, alice, bob);
        List<byte[]> given = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            RoomEpoch body = body(a.head, RoomEpoch.FROM_JOIN, 0, a.head.body().roster());
            given.add(Packages.make(alice.sender(), a.head, body, a.head.secret(), null, List.of(alice.pub(), carol.pub()), false));
            a.apply(given.get(i), alice.keys());
        }
        given.add(refresh(alice, a.head));
        must(Given.refused(b.apply(given, bob.keys())).isEmpty() && b.head.number() == 3, "named by what is named");
    }

    /** Carol, who was removed, makes refreshes on the branch that came first [ROOM-24]. */
    private void raced() {
        Epoch zero = epoch(create(alice, RoomEpoch.FROM_JOIN, bob, carol), bob), one = epoch(remove(alice, zero, carol), bob);
        Epoch two = epoch(refresh(alice, one), bob), race1 = epoch(refresh(carol, zero), bob), race2 = epoch(refresh(carol, race1), bob);
        byte[] after = refresh(alice, two), race3 = refresh(carol, race2);
        Room b = restored(bob, race2, race1, zero);
        b.accept();
        must(b.apply(refresh(alice, one), bob.keys()) == Room.Done.AHEAD && b.standing().equals("behind 2"), "behind of the head's own number");
        must(b.gaps().isEmpty(), "nothing after the head is missing");
        must(b.apply(race3, bob.keys()) == Room.Done.APPLIED && b.head.number() == 3, "a refresh that yields");
        must(b.standing().equals("behind 2") && !b.maySeal(), "it ends nothing");
        RoomState.open(b.state().seal(new byte[32]), new byte[32]);
        must(b.apply(refresh(alice, b.head), bob.keys()) == Room.Done.APPLIED && b.maySeal(), "an admin's ends it");
        b.behind = 4;
        refused("ROOM-26", "behind what was reached", () -> RoomState.open(b.state().seal(new byte[32]), new byte[32]));
        b.behind = 5;
        must(RoomState.open(b.state().seal(new byte[32]), new byte[32]).behind() == 5, "behind what was not");
        refused("ROOM-08", "what was reached", () -> b.apply(refresh(alice, two), bob.keys()));

        // In a recovery an admin's epoch begins a run above them, on from what came before its parent.
        Room r = restored(bob, epoch(race3, bob), race2, race1, zero);
        List<Given.Item> items = goOn(r, bob, after);
        must(Given.refused(items).isEmpty() && r.head.number() == 3 && Wire.same(r.head.signer(), alice.f()), "a run over refreshes");
        must(r.branch().size() == 3 && r.branch().get(1) == race1 && r.held().size() == 5 && !r.standing().startsWith("behind"), "its own branch");
        // Not below the latest that does not yield, nor a plain member's.
        Room s = restored(bob, epoch(refresh(alice, race2), bob), race2, race1, zero);
        goOn(s, bob, after);
        must(s.head.number() == 3 && s.branch().size() == 4 && s.held().size() == 4, "no run");
        Room t = restored(bob, race2, race1, zero);
        goOn(t, bob, refresh(bob, epoch(refresh(carol, zero), bob)));
        must(t.head == race2 && t.standing().equals("unconfirmed"), "a plain member begins none");
    }

    /** What is held without its secret, and is not of the own branch, counts as not held (§18.5). */
    private void onlyRead() {
        byte[] p0 = create(alice, RoomEpoch.FROM_JOIN, bob), x = refresh(bob, epoch(p0, alice));
        Epoch zero = epoch(p0, alice), fork = epoch(x, alice), one = epoch(refresh(bob, zero), alice);
        byte[] over = refresh(alice, fork);
        Room a = restored(alice, one, zero, withoutSecret(fork));
        must(a.held().size() == 3 && a.reads(fork.transcript()) && a.at(fork.transcript()) == null, "only read");
        must(a.open(Messages.seal(fork, bob.sender(), new byte[8], 0, NONE, NONE, true, Draws.fresh()), NONE).superseded(), "its messages open");
        must(a.apply(over, alice.keys()) == Room.Done.AHEAD && a.head == one, "it is nobody's parent, and nothing yields to what follows it");
        must(a.recommended() == one, "nothing settles on it");
        // Of 64 places none is taken by it.
        for (int i = 0; i < 63; i++) a.apply(refresh(bob, zero), alice.keys());
        int before = a.held().size();
        must(a.apply(refresh(bob, zero), alice.keys()) == Room.Done.EVIDENCE && a.held().size() == before + 1, "no tip");
        must(a.at(fork.transcript()) == null, "it is still only read");
        Room b = restored(alice, one, zero, withoutSecret(fork));
        must(b.apply(x, alice.keys()) == Room.Done.EVIDENCE && b.at(fork.transcript()).secret() != null, "its package is one that is not held");
        must(b.apply(over, alice.keys()) == Room.Done.CHANGED, "and then it is a parent");

        // The own branch leads through it, but does not go on over a gap at it.
        must(restored(alice, epoch(over, alice), withoutSecret(fork), zero).branch().size() == 3, "through what has no secret");
        Epoch three = epoch(refresh(alice, epoch(refresh(alice, one), alice)), alice);
        Room gap = restored(alice, three, withoutSecret(one), zero);
        must(gap.branch().size() == 2 && gap.branch().get(1) == zero, "over a gap");
        byte[] grant = Grants.seal(bob.sender(), gap.roomId(), List.of(withoutSecret(epoch(refresh(alice, one), alice))), List.of(alice.pub()));
        refused("ROOM-25", "a grant that leads nowhere", () -> gap.grant(grant, alice.keys(), bob.f()));
    }

    /** What has no parent and begins no run is kept to be read, or is evidence if its way back comes to what is held (§21). */
    private void keptToBeRead() {
        Epoch zero = epoch(create(alice, RoomEpoch.SHARED, bob, carol), bob);
        byte[] removal = remove(alice, zero, bob), addition = add(alice, epoch(removal, alice), bob);
        Epoch gone = epoch(removal, alice), back = epoch(addition, bob);
        Epoch race1 = epoch(refresh(carol, zero), bob), race2 = epoch(refresh(carol, race1), bob);
        Room r = restored(bob, race2, race1, zero);
        goOn(r, bob, addition);
        must(r.head == race2 && r.reads(back.transcript()) && r.at(back.transcript()) == null && r.held().size() == 4, "only read");
        must(r.standing().equals("behind 2"), "and the room is behind for it");
        Room s = restored(bob, race2, race1, zero);
        goOn(s, bob, addition, removal);
        must(s.head == race2 && s.at(back.transcript()) != null && s.at(gone.transcript()) != null && s.branch().size() == 3, "evidence");
        must(s.standing().equals("unconfirmed"), "whose parent is held");
        // On the way all is only read if it ends before.
        Room t = restored(bob, race2, race1);
        goOn(t, bob, addition, removal);
        must(t.at(back.transcript()) == null && t.reads(gone.transcript()) && t.at(gone.transcript()) == null, "the way is only read");
        // But for what the own branch leads through, which names it.
        byte[] first = refresh(carol, zero);
        Room v = restored(bob, epoch(refresh(carol, epoch(first, bob)), bob));
        goOn(v, bob, first);
        must(v.branch().size() == 2 && v.branch().get(1).secret() != null, "of the own branch");
        // An admin's own epoch of that number keeps it away.
        Room u = restored(bob, epoch(refresh(alice, race1), bob), race1, zero);
        goOn(u, bob, addition);
        must(!u.reads(back.transcript()) && u.standing().equals("unconfirmed"), "a number that is taken");
    }

    /** Nobody waits for an identity that somebody else named in a copy [ROOM-14]. */
    private void copies() {
        Epoch zero = epoch(create(dave, RoomEpoch.FROM_JOIN, bob), bob), one = epoch(refresh(dave, zero), bob);
        Person dave1 = person(4, 1);
        Identity.Transition t = Identity.transition(dave.own, root(4), dave1.pub());
        for (Person signs : List.of(bob, dave1)) {
            for (Epoch parent : List.of(zero, one)) {
                Room r = new Room(new ArrayList<>(List.of(bob.f())), new Directory(), new byte[8]);
                r.restore(zero, List.of(zero));
                byte[] p = Packages.make(new Envelope.Sender(dave1.pub(), signs.own.signing()), parent,
                        body(parent, RoomEpoch.FROM_JOIN, 0, Packages.replaced(parent.body(), t)), null, t, List.of(bob.pub(), dave1.pub()), false);
                Refused why = goOn(r, bob, p).get(0).refused;
                String what = (parent == zero ? "after its parent" : "as a run") + (signs == bob ? ", forged" : "");
                must(why != null && why.cls.equals(signs == bob ? "signature" : "unknown"), what + ": " + why);
                must(r.ids.missed.contains(Wire.hex(dave.f())) == (signs == dave1), what + ": who is asked for");
            }
        }
    }

    private static List<Epoch> ascending(Room r) {
        List<Epoch> l = new ArrayList<>(r.branch());
        java.util.Collections.reverse(l);
        return l;
    }

    // ---- §21

    private void recovery() {
        String words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
        byte[] root = Identity.root(Mnemonic.seed(words, ""));
        Person me = new Person(Identity.own(root, 0, Identity.P256)), me1 = new Person(Identity.own(root, 1, Identity.P256));
        Identity.Transition t = Identity.transition(me.own, root, me1.pub());
        byte[] p0 = create(alice, RoomEpoch.FROM_JOIN, me1), q0 = create(bob, RoomEpoch.SHARED, me1);
        Directory ids = directory();
        ids.add(me1.pub());
        Room a = Room.join(p0, alice.f(), List.of(me1.f()), me1.keys(), List.of(), ids);
        Room q = Room.join(q0, bob.f(), List.of(me1.f()), me1.keys(), List.of(), ids);
        RoomEpoch next = body(a.head, RoomEpoch.FROM_JOIN, 0, a.head.body().roster());
        byte[] p1 = Packages.make(alice.sender(), a.head, next, a.head.secret(), null, List.of(alice.pub(), me1.pub()), false);
        Keyring k = new Keyring(Draws.fresh());
        k.add(Segment.kept(a.head));
        k.write(Segment.HEAD, a.roomId(), a.head.transcript());
        byte[] segment = k.whole().seal(Identity.keyringKey(me1.own.secret()), Draws.fresh());
        byte[] broken = segment.clone();
        broken[broken.length - 1] ^= 1;
        Recovery r = Recovery.withWords(Mnemonic.seed(words, ""), Identity.P256, new Recovery.Server(List.of(t.bytes()),
                List.of(broken, segment), List.of(p1, q0, p0), List.of(alice.pub().bytes(), bob.pub().bytes())));
        must(r.generations.size() == 2, "generations");
        must(r.rooms.size() == 2, "rooms " + r.rooms.size());
        Room ra = r.rooms.get(Wire.hex(a.roomId()));
        must(ra != null && ra.head.number() == 1 && !ra.maySeal(), "the room goes on from the keyring's head");
        must(r.problems.size() == 1 && r.problems.get(0).step().equals("keyring"), "the broken segment is told " + r.problems);

        // A room of the keyring goes on beyond a gap, with its admin or the admin's successor, and older epochs are evidence.
        byte[] key = Identity.keyringKey(me1.own.secret());
        Epoch zero = a.head;
        a.apply(p1, me1.keys());
        Epoch one = a.head;
        List<Identity.PublicIdentity> both = List.of(alice.pub(), me1.pub());
        byte[] p2 = Packages.make(alice.sender(), one, body(one, RoomEpoch.FROM_JOIN, 0, one.body().roster()), one.secret(), null, both, false);
        Person alice1 = person(1, 1);
        Identity.Transition at = Identity.transition(alice.own, root(1), alice1.pub());
        byte[] heir = Packages.make(alice1.sender(), one, body(one, RoomEpoch.FROM_JOIN, 0, Packages.replaced(one.body(), at)), null, at,
                List.of(alice1.pub(), me1.pub()), false);
        byte[] stranger = Packages.make(bob.sender(), one, body(one, RoomEpoch.FROM_JOIN, 0,
                List.of(new RoomEpoch.Member(bob.f(), RoomEpoch.ADMIN), new RoomEpoch.Member(me1.f(), RoomEpoch.MEMBER))), null, null,
                List.of(bob.pub(), me1.pub()), false);
        String id = Wire.hex(a.roomId());
        for (byte[] p : List.of(p2, heir)) {
            Room x = recovered(words, t, segment, p).rooms.get(id);
            must(x.head.number() == 2 && x.branch().size() == 2 && x.gaps().get(0)[0] == 1 && !x.maySeal(), "beyond the gap");
        }
        Recovery none = recovered(words, t, segment, stranger);
        must(none.rooms.get(id).head.number() == 0 && none.problems.get(0).error().tag.equals("ROOM-08"), "no admin of the head");
        must(recovered(words, t, segment, p2, p1).rooms.get(id).branch().size() == 3, "no gap");
        a.apply(p2, me1.keys());
        Keyring l = new Keyring(Draws.fresh());
        l.add(Segment.kept(a.head));
        l.write(Segment.HEAD, a.roomId(), a.head.transcript());
        byte[] later = l.whole().seal(key, Draws.fresh());
        Room e = recovered(words, t, later, p0).rooms.get(id);
        must(e.head.number() == 2 && e.branch().size() == 1 && e.held().size() == 2, "evidence");
        must(recovered(words, t, later, p0, p1).rooms.get(id).branch().size() == 3, "evidence that leads to the head is of the own branch");
        must(recovered(words, t, later, p2, p1).rooms.get(id).branch().size() == 2, "the way back");
        // Where a device that had not come as far wrote the head: on by best children, beyond one that was granted [KRG-08].
        l.add(Segment.kept(zero));
        l.write(Segment.HEAD, a.roomId(), zero.transcript());
        l.add(Segment.kept(Epoch.withMessageKey(one.signer(), one.body(), one.commitment(), one.messageKey())));
        Room on = l.room(a.roomId(), List.of(me1.f()), ids);
        must(on.head.number() == 2 && on.branch().size() == 3, "the last that can be head");
        refused("KRG-08", "nobody of the person is there", () -> l.room(a.roomId(), List.of(bob.f()), ids));
    }
    private Recovery recovered(String words, Identity.Transition t, byte[] segment, byte[]... packages) {
        return Recovery.withWords(Mnemonic.seed(words, ""), Identity.P256, new Recovery.Server(List.of(t.bytes()), List.of(segment),
                List.of(packages), List.of(alice.pub().bytes(), bob.pub().bytes())));
    }
}
