//! Every check of the table of SPEC §18.3, broken alone: packages that no honest writer makes, against a room's state.

use crate::common::rooms::*;
use crate::common::*;
use sealroom::*;

/// Alice and Bob are admins, Carol is a member; Dave comes, Eve never does. Carol's next generation is there too.
struct Cast {
    alice: Outsider,
    bob: Outsider,
    carol: Outsider,
    dave: Outsider,
    eve: Outsider,
    carol2: Outsider,
    transition: Vec<u8>,
}

impl Cast {
    fn new() -> Self {
        let [alice, bob, carol, dave, eve] = [1, 2, 3, 4, 5].map(outsider);
        let (carol2, transition) = successor(&carol, 33);
        Self { alice, bob, carol, dave, eve, carol2, transition: transition.to_bytes().unwrap() }
    }

    fn directory(&self) -> [&PublicIdentity; 6] {
        let Self { alice, bob, carol, dave, eve, carol2, .. } = self;
        [alice, bob, carol, dave, eve, carol2].map(|person| &person.public)
    }

    fn people(&self) -> Vec<([u8; 32], u8)> {
        vec![(self.alice.id(), ADMIN), (self.bob.id(), ADMIN), (self.carol.id(), MEMBER)]
    }

    /// Epoch 0 with these three, as it was sealed.
    fn first(&self, history: u8) -> (Craft<'_>, Known) {
        let body = Body::first(history, &self.people());
        let to = [&self.alice.public, &self.bob.public, &self.carol.public];
        let craft = Craft::new(body, self.alice.sender(), &to);
        let known = Known::of(&craft.seal(), self.bob.reader(), self.alice.id());
        (craft, known)
    }

    /// A refresh by Alice.
    fn refresh(&self, parent: &Known) -> Craft<'_> {
        let to = [&self.alice.public, &self.bob.public, &self.carol.public];
        Craft::new(parent.next(), self.alice.sender(), &to).with_previous(&parent.secret)
    }

    /// An addition of Dave by Alice, beside the parent's epoch KEK.
    fn addition<'a>(&'a self, parent: &Known, kek: &'a SymmetricKey) -> Craft<'a> {
        let mut body = parent.next();
        (body.adds, body.roster) = (parent.body.adds + 1, with(&body.roster, self.dave.id(), MEMBER));
        let mut craft = Craft::new(body, self.alice.sender(), &[&self.dave.public]);
        craft.to.push(Recipient::symmetric(kek));
        if parent.body.history == SHARED { craft.with_previous(&parent.secret) } else { craft }
    }

    /// Carol's replacement, by whoever.
    fn replacement<'a>(&'a self, parent: &Known, author: &'a Outsider) -> Craft<'a> {
        let mut body = parent.next();
        body.roster = with(&without(&body.roster, self.carol.id()), self.carol2.id(), MEMBER);
        let mut craft = Craft::new(body, author.sender(), &[&self.alice.public, &self.bob.public, &self.carol2.public]);
        craft.transition.clone_from(&self.transition);
        if parent.body.history == SHARED { craft.with_previous(&parent.secret) } else { craft }
    }
}

fn with(members: &[([u8; 32], u8)], who: [u8; 32], role: u8) -> Vec<([u8; 32], u8)> {
    roster(&[members, &[(who, role)]].concat())
}

fn without(members: &[([u8; 32], u8)], who: [u8; 32]) -> Vec<([u8; 32], u8)> {
    members.iter().copied().filter(|(member, _)| *member != who).collect()
}

fn with_role(members: &[([u8; 32], u8)], who: [u8; 32], role: u8) -> Vec<([u8; 32], u8)> {
    with(&without(members, who), who, role)
}

fn kek_of(known: &Known) -> SymmetricKey {
    SymmetricKey::take(&mut known.epoch_kek())
}

/// Bob's room at `parent`, and what it says to packages.
struct Gate<'a> {
    cast: &'a Cast,
    parent: &'a Known,
}

impl Gate<'_> {
    fn apply(&self, package: &[u8]) -> Result<Applied, Error> {
        let mut room = State::of(self.cast.bob.id(), &[self.parent]).room();
        let before = hazmat::room_state(&room);
        let applied = room.apply(package, &[self.cast.bob.reader()], &self.cast.directory(), &mut Draws::new(1));
        assert_eq!(applied.is_err(), before == hazmat::room_state(&room), "{applied:?}");
        applied
    }

    fn refuses(&self, name: &str, craft: &Craft<'_>, expected: Error) {
        assert_eq!(self.apply(&craft.seal()), Err(expected), "{name}");
    }

    fn accepts(&self, name: &str, craft: &Craft<'_>, author: [u8; 32]) {
        let author = Fingerprint::from_bytes(author);
        assert_eq!(self.apply(&craft.seal()), Ok(Applied::Head { author }), "{name}");
    }
}

/// What is right passes, and what was made after SPEC.md is what the crate makes: every key, id and transcript. [ROOM-06]
#[test]
fn honest_packages_pass() {
    let cast = Cast::new();
    for history in [FROM_JOIN, SHARED] {
        let (_, parent) = cast.first(history);
        let (kek, gate) = (kek_of(&parent), Gate { cast: &cast, parent: &parent });
        let old = &parent.body.roster;
        let refresh = cast.refresh(&parent);
        gate.accepts("refresh", &refresh, cast.alice.id());
        gate.accepts("a member's", &refresh.but(|craft| craft.author = Some(cast.carol.sender())), cast.carol.id());
        gate.accepts("addition", &cast.addition(&parent, &kek), cast.alice.id());
        let promotion = refresh.but(|craft| craft.body.roster = with_role(old, cast.carol.id(), ADMIN));
        gate.accepts("promotion", &promotion, cast.alice.id());
        let demotion = refresh.but(|craft| craft.body.roster = with_role(old, cast.bob.id(), MEMBER));
        gate.accepts("demotion", &demotion, cast.alice.id());
        let removal = refresh.but(|craft| {
            craft.body.roster = without(old, cast.carol.id());
            craft.to.truncate(2);
        });
        gate.accepts("removal", &removal, cast.alice.id());
        gate.accepts("own replacement", &cast.replacement(&parent, &cast.carol2), cast.carol2.id());
        gate.accepts("an admin's replacement", &cast.replacement(&parent, &cast.bob), cast.bob.id());

        let mut room = State::of(cast.bob.id(), &[&parent]).room();
        let package = room.refresh().unwrap().seal(&cast.bob.sender(), &cast.directory(), &mut Draws::new(3)).unwrap();
        let _ = room.apply(&package, &[cast.bob.reader()], &cast.directory(), &mut Draws::new(1)).unwrap();
        let known = Known::of(&package, cast.carol.reader(), cast.bob.id());
        assert_eq!((&known.body, &known.rest), (&parent.next(), &[&[1][..], &parent.secret, &[0]].concat()));
        assert_eq!(room.transcript().as_bytes(), &known.transcript());
        assert_eq!(room.id().as_bytes(), &known.body.room_id());
        let keys = hazmat::epoch_keys(&room, room.transcript()).unwrap();
        assert_eq!(keys.secret, Some(known.secret));
        assert_eq!((keys.message_key, keys.epoch_kek), (known.message_key(), Some(known.epoch_kek())));
    }
}

/// Another form of envelope, before any key is used. [ROOM-01] [OBJ-03]
#[test]
fn other_envelopes_are_refused() {
    let cast = Cast::new();
    let (_, parent) = cast.first(SHARED);
    let gate = Gate { cast: &cast, parent: &parent };
    let refresh = cast.refresh(&parent);
    let malformed = |field| Error::Malformed { field };
    for content_type in [ContentType::Message, ContentType::HistoryGrant, ContentType::RoomState] {
        let other = refresh.but(|craft| craft.content_type = content_type);
        gate.refuses("type", &other, Error::Unsupported { field: "type" });
    }
    gate.refuses("unsigned", &refresh.but(|craft| craft.author = None), malformed("signature"));
    gate.refuses("padded", &refresh.but(|craft| craft.padding = Padding::Padme), malformed("padding"));
    let passphrase = refresh.but(|craft| craft.to = vec![Recipient::passphrase(&people().pbkdf2)]);
    gate.refuses("passphrase", &passphrase, malformed("stanzas"));
    for cut in [0, 1, 16, 23] {
        let short = refresh.but(|craft| craft.public_data = Some(craft.public_data()[..cut].to_vec()));
        gate.refuses("short public data", &short, malformed("public_data"));
    }
    let long = refresh.but(|craft| craft.public_data = Some([craft.public_data(), vec![0]].concat()));
    gate.refuses("long public data", &long, malformed("public_data"));
    // Reserved, unassigned, and objects that are no envelopes.
    let honest = refresh.seal();
    for code in (0..=0x30).filter(|code| *code != 2) {
        let mut other = honest.clone();
        other[6] = code;
        let refused = gate.apply(&other).unwrap_err();
        let unlike = matches!(code, 0x06).then(|| is_structural(refused));
        assert!(unlike.unwrap_or(refused == Error::Unsupported { field: "type" }), "{code} {refused}");
    }
    let (attachment, _) = Envelope::to(&[]).seal_attachment(b"content", &mut Draws::new(1)).unwrap();
    assert_eq!(gate.apply(&attachment), Err(Error::Unsupported { field: "type" }));
    for len in 0..honest.len() {
        assert!(gate.apply(&honest[..len]).is_err());
    }
    let mut longer = honest;
    longer.push(0);
    assert_eq!(gate.apply(&longer), Err(Error::Decrypt));
}

/// The payload's and the roster's form. [ROOM-02] [LIM-11]
#[test]
fn malformed_payloads_are_refused() {
    let cast = Cast::new();
    let (_, parent) = cast.first(SHARED);
    let gate = Gate { cast: &cast, parent: &parent };
    let refresh = cast.refresh(&parent);
    let no = |name: &str, change: &dyn Fn(&mut Craft<'_>)| gate.refuses(name, &refresh.but(change), refused("ROOM-02"));
    no("trailing byte", &|craft| craft.tail = vec![0]);
    for role in [0, 3, 255] {
        no("role", &|craft| craft.body.roster[0].1 = role);
    }
    for policy in [0, 3, 255] {
        no("policy", &|craft| {
            craft.public_data = Some([&parent.body.room_id()[..], &1_u64.to_be_bytes()].concat());
            craft.body.history = policy;
        });
    }
    no("unsorted", &|craft| craft.body.roster.swap(0, 1));
    no("twice", &|craft| craft.body.roster[1].0 = craft.body.roster[0].0);
    no("no admin", &|craft| craft.body.roster.iter_mut().for_each(|(_, role)| *role = MEMBER));
    no("nobody", &|craft| craft.body.roster.clear());
    no("has_previous", &|craft| craft.has_previous = 2);
    no("secret without a flag", &|craft| craft.has_previous = 0);
    no("flag without a secret", &|craft| craft.previous.clear());
    no("short secret", &|craft| craft.previous.truncate(31));
    no("no transition", &|craft| craft.transition = vec![0]);
    no("cut transition", &|craft| craft.transition = cast.transition[1..].to_vec());
    no("long transition", &|craft| craft.transition = [&cast.transition[..], &[0]].concat());
    let payload = refresh.payload();
    for len in 0..payload.len() {
        no("cut", &|craft| craft.payload = Some(payload[..len].to_vec()));
    }
    // The roster's length in a longer form than its shortest, and not a multiple of a member's.
    assert_eq!(&payload[90..92], [0x40, 99]);
    let tampered = |put: &[u8]| [&payload[..90], put, &payload[92..]].concat();
    no("long form", &|craft| craft.payload = Some(tampered(&[0x80, 0, 0, 99])));
    no("a third of a member", &|craft| {
        craft.payload = Some([&payload[..90], &[0x40, 100], &payload[92..191], &[0], &payload[191..]].concat())
    });
    // The limit is met by who it is for, and refused by another rule.
    let crowd = |count: u32| {
        let strangers = (3..count).map(|n| ([&n.to_be_bytes()[..], &[0xcc; 28]].concat().try_into().unwrap(), MEMBER));
        roster(&[parent.body.roster.clone(), strangers.collect()].concat())
    };
    gate.refuses("16384", &refresh.but(|craft| craft.body.roster = crowd(16384)), refused("ROOM-11"));
    gate.refuses("16385", &refresh.but(|craft| craft.body.roster = crowd(16385)), refused("ROOM-02"));
}

/// Public data are the content's. [ROOM-03]
#[test]
fn other_public_data_are_refused() {
    let cast = Cast::new();
    let (_, parent) = cast.first(FROM_JOIN);
    let gate = Gate { cast: &cast, parent: &parent };
    let refresh = cast.refresh(&parent);
    let honest = refresh.public_data();
    for place in 0..24 {
        let other = refresh.but(|craft| {
            let mut public_data = honest.clone();
            public_data[place] ^= 1;
            craft.public_data = Some(public_data);
        });
        gate.refuses("public data", &other, refused("ROOM-03"));
    }
    for change in [|body: &mut Body| body.nonce[0] ^= 1, |body: &mut Body| body.creator[0] ^= 1] {
        let other = refresh.but(|craft| {
            craft.public_data = Some(honest.clone());
            change(&mut craft.body);
        });
        gate.refuses("another room's content", &other, refused("ROOM-03"));
        gate.refuses("another room", &other.but(|craft| craft.public_data = None), refused("ROOM-03"));
    }
    let other = refresh.but(|craft| (craft.public_data, craft.body.epoch) = (Some(honest.clone()), 2));
    gate.refuses("another epoch's content", &other, refused("ROOM-03"));
}

/// Whose signature it is. [ROOM-07]
#[test]
fn forged_signatures_are_refused() {
    let cast = Cast::new();
    let (_, parent) = cast.first(FROM_JOIN);
    let gate = Gate { cast: &cast, parent: &parent };
    let (refresh, to) = (cast.refresh(&parent), [&cast.alice.public, &cast.bob.public, &cast.carol.public]);
    let by_hand = |claims, by| gate.apply(&refresh.seal_by_hand(&to, None, claims, by));
    let author = *cast.alice.public.fingerprint();
    assert_eq!(by_hand(cast.alice.id(), &cast.alice), Ok(Applied::Head { author }));
    for forger in [&cast.carol, &cast.eve, &cast.bob] {
        assert_eq!(by_hand(cast.alice.id(), forger), Err(Error::Signature));
    }
    let nobody = [0xee; 32];
    assert_eq!(by_hand(nobody, &cast.eve), Err(Error::UnknownIdentity { fingerprint: nobody }));
    // A directory that gives somebody else for everyone.
    struct Liar<'a>(&'a PublicIdentity);
    impl Directory for Liar<'_> {
        fn identity(&self, _: &Fingerprint) -> Option<&PublicIdentity> {
            Some(self.0)
        }
    }
    let forged = refresh.seal_by_hand(&to, None, cast.alice.id(), &cast.eve);
    let mut room = State::of(cast.bob.id(), &[&parent]).room();
    let refused = room.apply(&forged, &[cast.bob.reader()], &Liar(&cast.eve.public), &mut Draws::new(1));
    assert_eq!(refused, Err(Error::UnknownIdentity { fingerprint: cast.alice.id() }));
}

/// What never changes, and the order of epochs. [ROOM-08] [ROOM-24]
#[test]
fn epochs_that_do_not_follow_are_refused() {
    let cast = Cast::new();
    for history in [FROM_JOIN, SHARED] {
        let (first, parent) = cast.first(history);
        let gate = Gate { cast: &cast, parent: &parent };
        let refresh = cast.refresh(&parent);
        let by_carol = refresh.but(|craft| craft.author = Some(cast.carol.sender()));
        let other = refresh.but(|craft| craft.body.history = 3 - history);
        // It is in the room's id.
        gate.refuses("another policy", &other, refused("ROOM-03"));
        // A parent that is not held: nothing but the sealing stops, and only where an admin of the head says so.
        for change in [|body: &mut Body| body.epoch = 2, |body: &mut Body| body.previous[31] ^= 1] {
            gate.refuses("a member's", &by_carol.but(|craft| change(&mut craft.body)), refused("ROOM-08"));
            let ahead = refresh.but(|craft| change(&mut craft.body));
            let stranger = ahead.but(|craft| craft.author = Some(cast.eve.sender()));
            gate.refuses("a stranger's", &stranger, refused("ROOM-08"));
            let (author, epoch) = (*cast.alice.public.fingerprint(), Epoch::new(ahead.body.epoch));
            assert_eq!(gate.apply(&ahead.seal()), Ok(Applied::Ahead { author, epoch }));
        }
        // Of the head's number, or below.
        let again = first.seal_by_hand(
            &[&cast.alice.public, &cast.bob.public, &cast.carol.public],
            None,
            cast.alice.id(),
            &cast.alice,
        );
        assert_eq!(gate.apply(&again), Err(refused("ROOM-08")));
        // There is no epoch after the last.
        let last = Known { body: Body { epoch: u64::MAX, ..parent.body.clone() }, ..parent.clone() };
        let gate = Gate { cast: &cast, parent: &last };
        let around = cast.refresh(&last);
        assert_eq!(around.body.epoch, 0);
        gate.refuses("around", &around, refused("ROOM-04"));
    }
}

/// Who may change what. [ROOM-09]
#[test]
fn changes_without_the_right_are_refused() {
    let cast = Cast::new();
    for history in [FROM_JOIN, SHARED] {
        let (_, parent) = cast.first(history);
        let (kek, gate) = (kek_of(&parent), Gate { cast: &cast, parent: &parent });
        let (refresh, old) = (cast.refresh(&parent), &parent.body.roster);
        let no = |name: &str, craft: Craft<'_>| gate.refuses(name, &craft, refused("ROOM-09"));
        let by = |person, craft: &Craft<'_>| -> Vec<u8> {
            craft.but(|craft| craft.author = Some(Outsider::sender(person))).seal()
        };
        let removal = refresh.but(|craft| {
            craft.body.roster = without(old, cast.alice.id());
            craft.to.remove(0);
        });
        let promotion = refresh.but(|craft| craft.body.roster = with_role(old, cast.carol.id(), ADMIN));
        let demotion = refresh.but(|craft| craft.body.roster = with_role(old, cast.alice.id(), MEMBER));
        let addition = cast.addition(&parent, &kek);
        for who in [&cast.carol, &cast.eve, &cast.dave] {
            for craft in [&removal, &promotion, &demotion, &addition] {
                assert_eq!(gate.apply(&by(who, craft)), Err(refused("ROOM-09")));
            }
        }
        assert_eq!(gate.apply(&by(&cast.eve, &refresh)), Err(refused("ROOM-09")));
        no("an admin goes", removal.clone());
        no("an admin steps down", demotion.clone());
        let elevated = addition.but(|craft| {
            craft.body.roster = with_role(&craft.body.roster, cast.dave.id(), ADMIN);
            craft.author = Some(cast.dave.sender());
        });
        no("a newcomer adds themselves", elevated);
        // A member with somebody's transition, and the one who is replaced.
        for who in [&cast.carol, &cast.dave, &cast.eve] {
            no("another's replacement", cast.replacement(&parent, who));
        }
        let silent = cast.replacement(&parent, &cast.carol2).but(|craft| craft.transition.clear());
        no("a successor without a transition", silent);
    }
}

/// How it is wrapped: once under the parent's key, or not at all. [ROOM-10]
#[test]
fn symmetric_stanzas_are_only_for_additions() {
    let cast = Cast::new();
    let other = symmetric(77);
    for history in [FROM_JOIN, SHARED] {
        let (_, parent) = cast.first(history);
        let (kek, gate) = (kek_of(&parent), Gate { cast: &cast, parent: &parent });
        let (refresh, addition, old) = (cast.refresh(&parent), cast.addition(&parent, &kek), &parent.body.roster);
        let no = |name: &str, craft: Craft<'_>| gate.refuses(name, &craft, refused("ROOM-10"));
        let stays =
            |craft: &mut Craft<'_>, people: &[([u8; 32], u8)]| craft.body.roster = with(people, cast.dave.id(), MEMBER);
        let bob = cast.bob.public.recipient();
        no(
            "another key",
            addition.but(|craft| craft.to = vec![cast.dave.public.recipient(), bob, Recipient::symmetric(&other)]),
        );
        no("two keys", addition.but(|craft| craft.to.push(Recipient::symmetric(&other))));
        no("no key", addition.but(|craft| craft.to = vec![cast.dave.public.recipient(), bob]));
        no("not counted", addition.but(|craft| craft.body.adds = 0));
        no("counted twice", addition.but(|craft| craft.body.adds = 2));
        no("counted far", addition.but(|craft| craft.body.adds = 255));
        no("a role changes", addition.but(|craft| stays(craft, &with_role(old, cast.carol.id(), ADMIN))));
        no("another goes", addition.but(|craft| stays(craft, &without(old, cast.carol.id()))));
        no("nobody comes", refresh.but(|craft| (craft.body.adds, craft.to) = (1, vec![Recipient::symmetric(&kek)])));
        no("a count without a key", refresh.but(|craft| craft.body.adds = 1));
        no(
            "a removal for the old key",
            refresh.but(|craft| {
                craft.body.roster = without(old, cast.carol.id());
                craft.to = vec![cast.alice.public.recipient(), bob, Recipient::symmetric(&kek)];
            }),
        );
        // The 64th addition is the last.
        for adds in [63, 64, 255] {
            let parent = Known { body: Body { adds, ..parent.body.clone() }, ..parent.clone() };
            let (kek, gate) = (kek_of(&parent), Gate { cast: &cast, parent: &parent });
            let addition =
                cast.addition(&Known { body: Body { adds: 0, ..parent.body.clone() }, ..parent.clone() }, &kek);
            let next = addition
                .but(|craft| (craft.body.adds, craft.body.previous) = (adds.wrapping_add(1), parent.transcript()));
            match adds {
                63 => gate.accepts("64th", &next, cast.alice.id()),
                _ => gate.refuses("65th", &next, refused("ROOM-10")),
            }
        }
    }
}

/// As many wrapped keys as people, no one's too few, no one's too many. [ROOM-11]
#[test]
fn every_wrapped_key_is_somebodys() {
    let cast = Cast::new();
    for history in [FROM_JOIN, SHARED] {
        let (_, parent) = cast.first(history);
        let (kek, gate) = (kek_of(&parent), Gate { cast: &cast, parent: &parent });
        let (refresh, addition) = (cast.refresh(&parent), cast.addition(&parent, &kek));
        let no = |name: &str, craft: Craft<'_>| gate.refuses(name, &craft, refused("ROOM-11"));
        no("one is left out", refresh.but(|craft| craft.to.truncate(2)));
        no("a decoy", refresh.but(|craft| craft.decoys = 1));
        no("a stranger listens", refresh.but(|craft| craft.to.push(cast.eve.public.recipient())));
        no("an RSA key listens", refresh.but(|craft| craft.to.push(people().rita.recipient())));
        no(
            "who was removed listens",
            refresh.but(|craft| craft.body.roster = without(&parent.body.roster, cast.carol.id())),
        );
        no("a decoy beside a newcomer", addition.but(|craft| craft.decoys = 1));
        no("a member beside a newcomer", addition.but(|craft| craft.to.insert(0, cast.bob.public.recipient())));
        no("no newcomer's key", addition.but(|craft| craft.to = vec![Recipient::symmetric(&kek)]));
        no(
            "one of two newcomers",
            addition.but(|craft| craft.body.roster = with(&craft.body.roster, cast.eve.id(), MEMBER)),
        );
        let everyone = addition.but(|craft| (craft.body.adds, craft.to) = (0, vec![cast.bob.public.recipient()]));
        no("a rekey to one", everyone);
    }
}

/// The previous secret: there where it belongs, and the right one. [ROOM-12] [ROOM-13]
#[test]
fn previous_secrets_are_checked() {
    let cast = Cast::new();
    for history in [FROM_JOIN, SHARED] {
        let (_, parent) = cast.first(history);
        let (kek, gate) = (kek_of(&parent), Gate { cast: &cast, parent: &parent });
        let (refresh, addition) = (cast.refresh(&parent), cast.addition(&parent, &kek));
        let swap = |craft: &mut Craft<'_>| (craft.has_previous, craft.previous) = (0, Vec::new());
        let toggle = |craft: &mut Craft<'_>| match craft.has_previous {
            0 => (craft.has_previous, craft.previous) = (1, parent.secret.to_vec()),
            _ => swap(craft),
        };
        let rekey = refresh.but(|craft| {
            craft.body.roster = with(&without(&parent.body.roster, cast.carol.id()), cast.dave.id(), MEMBER);
            craft.to[2] = cast.dave.public.recipient();
            if history == FROM_JOIN {
                swap(craft);
            }
        });
        gate.accepts("one goes, one comes", &rekey, cast.alice.id());
        for craft in [&refresh, &addition, &rekey, &cast.replacement(&parent, &cast.carol2)] {
            gate.refuses("there or not", &craft.but(toggle), refused("ROOM-12"));
        }
        for bit in [0, 255] {
            let other = refresh.but(|craft| craft.previous[bit / 8] ^= 1 << (bit % 8));
            gate.refuses("another secret", &other, refused("ROOM-13"));
        }
        // Another epoch's secret, and keys that come from the right one.
        for other in [parent.message_key(), parent.epoch_kek(), [0; 32]] {
            gate.refuses("another key", &refresh.clone().with_previous(&other), refused("ROOM-13"));
        }
    }
}

/// A replacement replaces, and does nothing else. [ROOM-14] [TRN-01]
#[test]
fn transitions_are_checked_against_the_roster() {
    let cast = Cast::new();
    for history in [FROM_JOIN, SHARED] {
        let (_, parent) = cast.first(history);
        let (gate, old) = (Gate { cast: &cast, parent: &parent }, &parent.body.roster);
        for author in [&cast.carol2, &cast.alice] {
            let honest = cast.replacement(&parent, author);
            let no = |name: &str, people: Vec<([u8; 32], u8)>| {
                gate.refuses(name, &honest.but(|craft| craft.body.roster = people), refused("ROOM-14"));
            };
            let new = honest.body.roster.clone();
            no("a role changes", with_role(&new, cast.carol2.id(), ADMIN));
            no("another's role changes", with_role(&new, cast.bob.id(), MEMBER));
            no("another goes", without(&new, cast.bob.id()));
            no("another comes", with(&new, cast.dave.id(), MEMBER));
            no("both stay", with(&new, cast.carol.id(), MEMBER));
            no("nothing changes", old.clone());
            no("another comes in the place", with(&without(old, cast.carol.id()), cast.dave.id(), MEMBER));
            // Of somebody who is not there, and to somebody who is.
            let mut there = parent.clone();
            there.body.roster = without(old, cast.carol.id());
            let gate = Gate { cast: &cast, parent: &there };
            let none = honest.but(|craft| craft.body.previous = there.transcript());
            gate.refuses("not there", &none, refused("ROOM-14"));
            there.body.roster = with(old, cast.carol2.id(), MEMBER);
            let gate = Gate { cast: &cast, parent: &there };
            let twice = honest.but(|craft| craft.body.previous = there.transcript());
            gate.refuses("there already", &twice, refused("ROOM-14"));
        }
        let honest = cast.replacement(&parent, &cast.carol2);
        for place in 1..=128 {
            let forged = honest.but(|craft| {
                let at = craft.transition.len() - place;
                craft.transition[at] ^= 1;
            });
            let refused = gate.apply(&forged.seal()).unwrap_err();
            // A signature whose numbers are out of range has no form.
            assert!(matches!(refused, Error::Signature | Error::Room { check: "ROOM-02" }), "{refused}");
            // Nor is it taken in a batch, whose authors are verified beforehand.
            let known = [&cast.alice, &cast.carol, &cast.carol2].map(|person| person.public.clone());
            let mut room = State::of(cast.bob.id(), &[&parent]).room();
            let answers = room.catch_up(&[&forged.seal()], &[cast.bob.reader()], &&known[..], &mut Draws::new(1));
            assert_eq!(answers, [Err(refused)]);
        }
        let mut room = State::of(cast.bob.id(), &[&parent]).room();
        let fewer = [&cast.alice.public, &cast.carol2.public];
        let unknown = room.apply(&honest.seal(), &[cast.bob.reader()], &fewer, &mut Draws::new(1));
        assert_eq!(unknown, Err(Error::UnknownIdentity { fingerprint: cast.carol.id() }));
    }
}
