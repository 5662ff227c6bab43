//! A server that drops, repeats, reorders, mixes, rolls back and changes what it stores, with a plain member on its side,
//! against two honest people in two rooms. SPEC §1
//!
//! Whatever it does: nothing is taken that its author did not make, what is refused changes nothing, who holds one
//! transcript holds one room, and what honest delivery brings later is the same for both, or a fork that both are told.

use crate::common::rooms::{Craft, FROM_JOIN, Known, Written, crowd};
use crate::common::server::Spoil;
use crate::common::*;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sealroom::*;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

const NOW: u64 = 1_800_000_000;
const AUDIENCES: [&[u8]; 2] = [b"api.example.org", b"mirror.example.org"];

/// Alice and Bob, who are admins of both rooms.
fn honest(n: usize) -> &'static Identity {
    static MADE: OnceLock<[Identity; 2]> = OnceLock::new();
    &MADE.get_or_init(|| [0xa1, 0xb0].map(person))[n]
}

/// A plain member, whose keys the server has.
fn insider() -> &'static Outsider {
    &crowd()[3]
}

fn everyone() -> &'static Vec<PublicIdentity> {
    static MADE: OnceLock<Vec<PublicIdentity>> = OnceLock::new();
    MADE.get_or_init(|| vec![honest(0).public().clone(), honest(1).public().clone(), insider().public.clone()])
}

fn fingerprint(n: usize) -> Fingerprint {
    *honest(n).public().fingerprint()
}

/// What everyone who holds a transcript must agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Agreed {
    room: RoomId,
    epoch: Epoch,
    author: Fingerprint,
    message_key: [u8; 32],
    secret: Option<[u8; 32]>,
}

/// What an honest person wrote.
#[derive(Clone, Debug)]
struct Sent {
    by: Fingerprint,
    room: RoomId,
    epoch: Epoch,
    content: Vec<u8>,
}

struct Person {
    n: usize,
    rooms: [Room; 2],
    keyring: Keyring,
    /// Messages that opened here.
    seen: BTreeSet<Vec<u8>>,
}

impl Person {
    fn identity(&self) -> &'static Identity {
        honest(self.n)
    }

    fn says(&mut self, room: usize, content: &[u8]) -> Result<Vec<u8>, Error> {
        let identity = self.identity();
        self.rooms[room].seal(&Draft::new(content), &identity.sender(), &mut SystemRng)
    }
}

/// The people, what the server stores, and what was truly sent.
struct World {
    people: [Person; 2],
    stored: Vec<Vec<u8>>,
    sent: BTreeMap<Vec<u8>, Sent>,
    packages: BTreeMap<Vec<u8>, (Fingerprint, RoomId)>,
    segments: BTreeMap<Vec<u8>, usize>,
    /// With the server that each is for, and what is asked.
    proofs: BTreeMap<Vec<u8>, (usize, u8)>,
    taken: BTreeSet<Vec<u8>>,
    servers: [RememberedProofs; 2],
    device: P256PrivateKey,
    certificate: DeviceCertificate,
    /// What the insider can open of packages.
    known: Vec<Known>,
    agreed: BTreeMap<Transcript, Agreed>,
    rosters: BTreeMap<Transcript, Vec<Member>>,
    /// What happened, and how often.
    tally: BTreeMap<&'static str, usize>,
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    Refresh,
    /// Adds the insider, or removes them.
    Toggle,
}

#[derive(Clone, Debug)]
enum Move {
    /// An honest message, which the server gets.
    Says { who: usize, room: usize, text: u8 },
    /// An honest package; if `takes`, its author is told that it was taken.
    Changes { who: usize, room: usize, deed: Deed, takes: bool },
    /// A segment of an honest keyring.
    Records { who: usize },
    /// A request with its proof.
    Asks { server: usize, target: u8 },
    /// A plain member's honest refresh or message.
    InsiderWrites { at: usize, package: bool },
    /// A message or package of the plain member's in an honest person's name, or with more rights than they have.
    InsiderForges { at: usize, package: bool, as_who: usize },
    /// The object that is so far from the last that is stored, as it is or spoilt, given to somebody wherever it could go.
    Gives { to: usize, what: usize, spoil: Spoil },
    /// Some of the packages at once, from the last back if `reversed`.
    GivesMany { to: usize, room: usize, which: u64, reversed: bool },
}

fn moves() -> impl Strategy<Value = Move> {
    let (who, room, at) = (|| 0..2_usize, || 0..2_usize, || 0..4096_usize);
    // Mostly what came last.
    let what = || prop_oneof![3 => 0..3_usize, 1 => 0..4096_usize];
    let deed = || prop_oneof![Just(Deed::Refresh), Just(Deed::Toggle)];
    prop_oneof![
        3 => (who(), room(), any::<u8>()).prop_map(|(who, room, text)| Move::Says { who, room, text }),
        6 => (who(), room(), deed(), prop::bool::weighted(0.6))
            .prop_map(|(who, room, deed, takes)| Move::Changes { who, room, deed, takes }),
        1 => who().prop_map(|who| Move::Records { who }),
        1 => (0..2_usize, any::<u8>()).prop_map(|(server, target)| Move::Asks { server, target }),
        4 => (at(), any::<bool>()).prop_map(|(at, package)| Move::InsiderWrites { at, package }),
        2 => (at(), any::<bool>(), who())
            .prop_map(|(at, package, as_who)| Move::InsiderForges { at, package, as_who }),
        16 => (who(), what()).prop_map(|(to, what)| Move::Gives { to, what, spoil: Spoil::Not }),
        4 => (who(), what(), Spoil::any()).prop_map(|(to, what, spoil)| Move::Gives { to, what, spoil }),
        2 => (who(), room(), any::<u64>(), any::<bool>())
            .prop_map(|(to, room, which, reversed)| Move::GivesMany { to, room, which, reversed }),
    ]
}

impl World {
    fn new() -> Self {
        let rng = &mut SystemRng;
        let others = [(honest(1).public(), Role::Admin), (&insider().public, Role::Member)];
        let policies = [HistoryPolicy::FromJoin, HistoryPolicy::Shared];
        let first = policies.map(|policy| Room::create(&honest(0).sender(), &others, policy, rng).unwrap());
        let people = [0, 1].map(|n| Person {
            n,
            rooms: first.each_ref().map(|package| {
                let joining = Room::join(package, honest(0).public(), &[honest(n).reader()], &mut SystemRng);
                joining.unwrap().finish().unwrap()
            }),
            keyring: Keyring::new(&mut SystemRng).unwrap(),
            seen: BTreeSet::new(),
        });
        let device = P256PrivateKey::generate(rng).unwrap();
        let (alice, key) = (honest(0).sender(), device.public_key());
        let certificate = DeviceCertificate::issue(&alice, [1; 16], key, NOW..NOW + 100, rng).unwrap();
        let mut world = Self {
            stored: Vec::new(),
            sent: BTreeMap::new(),
            packages: BTreeMap::new(),
            segments: BTreeMap::new(),
            proofs: BTreeMap::new(),
            taken: BTreeSet::new(),
            servers: [(); 2].map(|()| RememberedProofs::new(100)),
            certificate,
            device,
            known: Vec::new(),
            agreed: BTreeMap::new(),
            rosters: BTreeMap::new(),
            tally: BTreeMap::new(),
            people,
        };
        for (room, package) in first.into_iter().enumerate() {
            let id = *world.people[0].rooms[room].id();
            world.stores_package(package, fingerprint(0), id);
        }
        world.agree();
        world
    }

    fn id(&self, room: usize) -> RoomId {
        *self.people[0].rooms[room].id()
    }

    fn stores_package(&mut self, package: Vec<u8>, author: Fingerprint, room: RoomId) {
        let locked = Locked::decode(&package, &Limits::default()).unwrap();
        // What the insider is wrapped to, or can open by what they hold already.
        let keks: Vec<SymmetricKey> =
            self.known.iter().map(|known| SymmetricKey::take(&mut known.epoch_kek())).collect();
        let readers: Vec<Reader<'_>> = keks.iter().map(Reader::symmetric).chain([insider().reader()]).collect();
        for reader in readers {
            if locked.unlock(&[reader], &mut SystemRng).is_ok() {
                self.known.push(Known::of(&package, reader, *author.as_bytes()));
                break;
            }
        }
        self.packages.insert(package.clone(), (author, room));
        self.stored.push(package);
    }

    fn stores_message(&mut self, message: Vec<u8>, sent: Sent) {
        self.sent.insert(message.clone(), sent);
        self.stored.push(message);
    }

    fn packages_of(&self, room: usize) -> Vec<Vec<u8>> {
        let id = self.id(room);
        let is_its = |bytes: &&Vec<u8>| self.packages.get(*bytes).is_some_and(|(_, room)| *room == id);
        self.stored.iter().filter(is_its).cloned().collect()
    }

    /// Who holds a transcript holds what all hold who have it.
    fn agree(&mut self) {
        for room in self.people.iter().flat_map(|person| &person.rooms) {
            agree(&mut self.agreed, room);
            let roster = self.rosters.entry(*room.transcript()).or_insert_with(|| room.roster().to_vec());
            assert_eq!(roster, room.roster());
        }
        let [one, other] = &self.people;
        for (one, other) in one.rooms.iter().zip(&other.rooms) {
            assert_eq!(one.code() == other.code(), one.transcript() == other.transcript());
        }
    }

    fn plays(&mut self, step: &Move) {
        match step {
            Move::Says { who, room, text } => self.says(*who, *room, *text),
            Move::Changes { who, room, deed, takes } => self.changes(*who, *room, *deed, *takes),
            Move::Records { who } => self.records(*who),
            Move::Asks { server, target } => self.asks(*server, *target),
            Move::InsiderWrites { at, package } => self.insider_writes(*at, *package),
            Move::InsiderForges { at, package, as_who } => self.insider_forges(*at, *package, *as_who),
            Move::Gives { to, what, spoil } => {
                let last = self.stored.len() - 1;
                let bytes = spoil.apply(&self.stored, last - what % self.stored.len());
                self.gives(*to, &bytes);
            }
            Move::GivesMany { to, room, which, reversed } => {
                let mut packages = self.packages_of(*room);
                let mut place = 0;
                packages.retain(|_| {
                    place += 1;
                    which >> (place % 64) & 1 == 1
                });
                if *reversed {
                    packages.reverse();
                }
                self.catches_up(*to, *room, &packages);
            }
        }
        self.agree();
    }

    /// Only who was told that packages are missing does not write.
    fn may_write(&self, who: usize, room: usize) -> bool {
        self.people[who].rooms[room].standing() == Standing::Confirmed
    }

    fn says(&mut self, who: usize, room: usize, text: u8) {
        let (id, may) = (self.id(room), self.may_write(who, room));
        let epoch = self.people[who].rooms[room].epoch();
        match self.people[who].says(room, &[text]) {
            Ok(message) => {
                let sent = Sent { by: fingerprint(who), room: id, epoch, content: vec![text] };
                self.stores_message(message, sent);
                assert!(may);
            }
            Err(error) => assert_eq!((error, may), (Error::Unconfirmed, false)),
        }
    }

    fn changes(&mut self, who: usize, room: usize, deed: Deed, takes: bool) {
        let may = self.may_write(who, room);
        let person = &mut self.people[who];
        let (held, carol) = (&mut person.rooms[room], *insider().public.fingerprint());
        let change = match deed {
            Deed::Refresh => held.refresh(),
            Deed::Toggle if held.roster().iter().any(|member| member.fingerprint == carol) => held.remove(&[carol]),
            Deed::Toggle => held.add(&[(&insider().public, Role::Member)]),
        };
        let change = match change {
            Ok(change) => change,
            Err(error) => return assert_eq!((error, may), (Error::Unconfirmed, false)),
        };
        let (sender, reader, rng) = (honest(who).sender(), honest(who).reader(), &mut SystemRng);
        let package = change.seal(&sender, everyone(), rng).unwrap();
        let (author, id) = (fingerprint(who), *held.id());
        if takes {
            assert_eq!(held.apply(&package, &[reader], everyone(), rng), Ok(Applied::Head { author }));
        }
        self.stores_package(package, author, id);
    }

    fn records(&mut self, who: usize) {
        let person = &mut self.people[who];
        for room in &person.rooms {
            person.keyring.record(room).unwrap();
        }
        let segment = person.keyring.part(&honest(who).keyring_key().unwrap(), &mut SystemRng).unwrap();
        self.segments.insert(segment.clone(), who);
        self.stored.push(segment);
    }

    fn asks(&mut self, server: usize, target: u8) {
        let target = [target];
        let request = Request::new(AUDIENCES[server], b"GET", &target);
        let proof = RequestProof::sign(&request, &self.certificate, &self.device, NOW, &mut SystemRng).unwrap();
        self.proofs.insert(proof.to_bytes(), (server, target[0]));
        self.stored.push(proof.to_bytes());
    }

    /// Of what the insider holds, mostly the last.
    fn recent(&self, at: usize) -> Known {
        let len = self.known.len();
        self.known[len - 1 - at % if at.is_multiple_of(2) { len.min(3) } else { len }].clone()
    }

    fn insider_writes(&mut self, at: usize, package: bool) {
        let known = self.recent(at);
        if !known.body.roster.iter().any(|(who, _)| *who == insider().id()) {
            return;
        }
        let (room, by) = (room_id(&known), *insider().public.fingerprint());
        if package {
            let made = self.refresh_by_insider(&known).seal();
            self.stores_package(made, by, room);
        } else {
            let sequence = self.stored.len() as u64;
            let written = Written { sequence, ..Written::new(&known, insider(), b"from Carol") };
            let sent = Sent { by, room, epoch: Epoch::new(known.body.epoch), content: written.content.clone() };
            self.stores_message(written.seal(insider()), sent);
        }
    }

    fn refresh_by_insider(&self, known: &Known) -> Craft<'static> {
        let is_there =
            |who: &&PublicIdentity| known.body.roster.iter().any(|(member, _)| member == who.fingerprint().as_bytes());
        let to: Vec<&'static PublicIdentity> = everyone().iter().filter(is_there).collect();
        Craft::new(known.next(), insider().sender(), &to).with_previous(&known.secret)
    }

    /// Nothing of this is stored as sent: nobody may take it.
    fn insider_forges(&mut self, at: usize, package: bool, as_who: usize) {
        let known = self.recent(at);
        let claimed = *fingerprint(as_who).as_bytes();
        let forged = if package {
            let refresh = self.refresh_by_insider(&known);
            match at % 3 {
                // In an admin's name.
                0 => {
                    let to: Vec<&PublicIdentity> = everyone().iter().take(refresh.to.len()).collect();
                    refresh.seal_by_hand(&to, None, claimed, insider())
                }
                // In their own, with an admin's rights.
                1 => refresh
                    .but(|craft| {
                        craft.body.roster.retain(|(who, _)| *who != claimed);
                        craft.to = everyone()
                            .iter()
                            .filter(|who| {
                                craft.body.roster.iter().any(|(member, _)| member == who.fingerprint().as_bytes())
                            })
                            .map(PublicIdentity::recipient)
                            .collect();
                    })
                    .seal(),
                _ => refresh
                    .but(|craft| {
                        craft.body.roster.iter_mut().for_each(|(who, role)| {
                            *role = if *who == insider().id() { 2 } else { *role };
                        })
                    })
                    .but(|craft| {
                        if !craft.body.roster.iter().any(|(who, _)| *who == insider().id()) {
                            craft.body.adds = 9;
                        }
                    })
                    .seal(),
            }
        } else {
            let place = known.body.place(&claimed);
            Written { place, sequence: at as u64, ..written(&known, b"not from them") }.seal(insider())
        };
        self.stored.push(forged);
    }

    /// Everything that a client or another server could do with these bytes.
    fn gives(&mut self, to: usize, bytes: &[u8]) {
        let person = &mut self.people[to];
        let (identity, rng) = (person.identity(), &mut SystemRng);
        for room in &mut person.rooms {
            let before = hazmat::room_state(room);
            let applied = room.apply(bytes, &[identity.reader()], everyone(), rng);
            let became = check_applied(&self.packages, room, bytes, &applied);
            *self.tally.entry(became).or_default() += 1;
            let unchanged = hazmat::room_state(room) == before;
            assert!(unchanged || applied.is_ok_and(|applied| applied != Applied::Held));

            let before = hazmat::room_state(room);
            match room.open(bytes, b"", everyone()) {
                Ok(opened) => {
                    let sent = self.sent.get(bytes).expect("nobody sent it");
                    assert_eq!((opened.sender(), opened.content()), (&sent.by, &sent.content[..]));
                    assert_eq!((*room.id(), opened.epoch()), (sent.room, sent.epoch));
                    if sent.by != *insider().public.fingerprint() {
                        // Few come of each device, so none is too old.
                        let again = !person.seen.insert(bytes.to_vec());
                        assert_eq!(opened.freshness() == Freshness::Duplicate, again, "{:?}", opened.freshness());
                        *self.tally.entry(if again { "repeated" } else { "opened" }).or_default() += 1;
                    }
                    if opened.is_superseded() {
                        *self.tally.entry("superseded").or_default() += 1;
                    }
                }
                Err(_) => {
                    assert!(hazmat::room_state(room) == before);
                }
            }
            // Nobody vouched for anything, granted anything, or leaves.
            assert!(room.accept_grant(bytes, honest(1 - to).public(), &[identity.reader()], rng).is_err());
            assert!(HeadStatement::from_bytes(bytes).is_err() && LeaveStatement::from_bytes(bytes).is_err());
            assert!(Room::load(bytes, &identity.keyring_key().unwrap()).is_err());
        }
        let before = hazmat::keyring_entries(&person.keyring);
        match person.keyring.merge(bytes, &[&identity.keyring_key().unwrap()], rng) {
            Ok(_) => assert_eq!(self.segments.get(bytes), Some(&to)),
            Err(_) => assert_ne!(self.segments.get(bytes), Some(&to)),
        }
        // Its own come back to each, so nothing is new in any.
        assert!(hazmat::keyring_entries(&person.keyring) == before);
        assert!(open(bytes, &[identity.reader()], rng).is_err());

        for (n, server) in self.servers.iter_mut().enumerate() {
            let Ok(proof) = RequestProof::from_bytes(bytes) else { break };
            for target in 0..=u8::MAX {
                // Few of those that were not asked.
                let asked = self.proofs.get(bytes) == Some(&(n, target));
                if !asked && target % 50 != 0 {
                    continue;
                }
                let target = [target];
                let request = Request::new(AUDIENCES[n], b"GET", &target);
                let answer = proof.verify(&request, honest(0).public(), &Clock::at(NOW), server);
                let first = asked && self.taken.insert(bytes.to_vec());
                assert_eq!(answer.is_ok(), first, "{answer:?}");
                if first {
                    *self.tally.entry("proof").or_default() += 1;
                }
            }
        }
    }

    fn catches_up(&mut self, to: usize, room: usize, packages: &[Vec<u8>]) {
        let room = &mut self.people[to].rooms[room];
        let all: Vec<&[u8]> = packages.iter().map(|package| &package[..]).collect();
        let answers = room.catch_up(&all, &[honest(to).reader()], everyone(), &mut SystemRng);
        for (package, answer) in packages.iter().zip(&answers) {
            check_applied(&self.packages, room, package, answer);
        }
    }

    /// An honest server from here on: both get everything.
    fn delivers(&mut self) {
        for room in 0..2 {
            let packages = self.packages_of(room);
            for who in 0..2 {
                self.catches_up(who, room, &packages);
                self.catches_up(who, room, &packages);
            }
            self.agree();
            let held = |world: &Self, who: usize| -> Vec<Transcript> {
                world.people[who].rooms[room].epochs().map(|(_, transcript, _)| *transcript).collect()
            };
            assert_eq!(held(self, 0), held(self, 1), "both hold all epochs");
            let [alice, bob] = &mut self.people;
            let (alices, bobs) = (&mut alice.rooms[room], &mut bob.rooms[room]);
            let settled = alices.settle();
            assert_eq!(settled, bobs.settle());
            if alices.transcript() != bobs.transcript() {
                assert!(!alices.forks().is_empty() && !bobs.forks().is_empty(), "the fork is told");
            }
            for room in [alices, bobs] {
                if *room.transcript() != settled {
                    assert!(!room.forks().is_empty(), "another branch is told");
                    room.switch_to(&settled).unwrap();
                }
                // Of a longer branch that both left.
                if room.standing() != Standing::Confirmed {
                    assert!(matches!(room.standing(), Standing::Behind { .. }));
                    room.accept_head();
                }
            }
            self.agree();
            assert_eq!(self.people[0].rooms[room].code(), self.people[1].rooms[room].code());
            assert_eq!(self.people[0].rooms[room].roster(), self.people[1].rooms[room].roster());
            for who in 0..2 {
                self.says(who, room, 0xee);
            }
        }
        // Every message that was sent opens for both.
        let sent: Vec<(Vec<u8>, Sent)> = self.sent.iter().map(|(bytes, sent)| (bytes.clone(), sent.clone())).collect();
        for (bytes, sent) in &sent {
            for who in 0..2 {
                let room = self.people[who].rooms.iter_mut().find(|room| *room.id() == sent.room).unwrap();
                let opened = room.open(bytes, b"", everyone()).unwrap();
                assert_eq!((opened.sender(), opened.content()), (&sent.by, &sent.content[..]));
            }
        }
        self.opens_many();
        self.locks_out();
    }

    /// All that is stored, and each of it spoilt, opened at once: as one by one.
    fn opens_many(&self) {
        let spoilt = |(at, _): (usize, &Vec<u8>)| Spoil::Flip { place: 64 + at, bit: 3 }.apply(&self.stored, at);
        let spoilt: Vec<Vec<u8>> = self.stored.iter().enumerate().map(spoilt).collect();
        let all: Vec<(&[u8], &[u8])> =
            self.stored.iter().zip(&spoilt).flat_map(|(one, other)| [(&one[..], &b""[..]), (other, b"")]).collect();
        for room in self.people.iter().flat_map(|person| &person.rooms) {
            let copy = || hazmat::room_of_state(&hazmat::room_state(room)).unwrap();
            let (mut at_once, mut one_by_one) = (copy(), copy());
            for (answer, (bytes, aad)) in at_once.open_many(&all, everyone()).into_iter().zip(&all) {
                let alone = one_by_one.open(bytes, aad, everyone());
                assert_eq!(answer.is_ok(), self.sent.get(*bytes).is_some_and(|sent| sent.room == *room.id()));
                assert_eq!(format!("{answer:?}"), format!("{alone:?}"));
            }
            assert!(hazmat::room_state(&at_once) == hazmat::room_state(&one_by_one));
        }
    }

    /// The insider, with all that they ever held and all that the server has, reads what was written while they were there.
    fn locks_out(&mut self) {
        let carol = *insider().public.fingerprint();
        for (transcript, agreed) in &self.agreed {
            let Some(roster) = self.rosters.get(transcript) else { continue };
            // Under shared history a newcomer is told of the past, so there an earlier secret is rightly theirs.
            let named = |known: &Known| known.body.history == FROM_JOIN && known.rest[0] == 1;
            let holds = self.known.iter().any(|known| {
                known.message_key() == agreed.message_key
                    || named(known) && agreed.secret.is_some_and(|secret| secret == known.rest[1..33])
            });
            let is_member = roster.iter().any(|member| member.fingerprint == carol);
            assert!(is_member || !holds, "who was removed has the key of {:?}", agreed.epoch);
        }
    }

    /// A new device of Alice's, from a server that kept back some segments and packages, and then from all.
    fn recovers(&mut self, kept: u64) {
        self.records(0);
        let segments: Vec<Vec<u8>> =
            self.stored.iter().filter(|bytes| self.segments.get(*bytes) == Some(&0)).cloned().collect();
        let packages: Vec<Vec<u8>> = [self.packages_of(0), self.packages_of(1)].concat();
        // A server that rolls the keyring back is noticed by the device that saw more.
        let upto = kept as usize % segments.len();
        let key = honest(0).keyring_key().unwrap();
        let mut own = self.people[0].keyring.save(&key, &mut SystemRng).map(|kept| Keyring::load(&kept, &key).unwrap());
        let own = own.as_mut().unwrap();
        let mut merge = |segments: &[Vec<u8>]| -> Vec<Lacking> {
            let merged: Vec<Merged> =
                segments.iter().map(|bytes| own.merge(bytes, &[&key], &mut SystemRng).unwrap()).collect();
            own.lacking(&merged)
        };
        let told = merge(&segments[..upto]);
        let revisions = (upto as u64 + 1, segments.len() as u64);
        assert_eq!(told.iter().map(|lacking| (lacking.first, lacking.last)).collect::<Vec<_>>(), [revisions]);
        assert_eq!(merge(&segments), []);

        for all in [false, true] {
            let is_kept = |place: usize| all || kept >> (place % 64) & 1 == 1;
            let mut recovery =
                Recovery::new(Root::from_bip39_seed(&[0xa1; 64]), Profile::P256, &mut SystemRng).unwrap();
            while let Some(wanted) = recovery.wanted() {
                let given: Vec<Vec<u8>> = match wanted {
                    Wanted::Segments => segments[..if all { segments.len() } else { upto }].to_vec(),
                    Wanted::Packages { .. } => {
                        packages.iter().enumerate().filter(|(at, _)| is_kept(*at)).map(|(_, one)| one.clone()).collect()
                    }
                    Wanted::Identities { of } => everyone()
                        .iter()
                        .filter(|who| of.contains(who.fingerprint()))
                        .map(PublicIdentity::to_bytes)
                        .collect(),
                    _ => Vec::new(),
                };
                for blob in given {
                    let _ = recovery.give(&blob, &mut SystemRng);
                }
                recovery.proceed(&mut SystemRng).unwrap();
            }
            let missing = recovery.missing();
            let mut account = recovery.finish().unwrap();
            for room in &mut account.rooms {
                let held = self.agreed.len();
                agree(&mut self.agreed, room);
                assert_eq!(self.agreed.len(), held, "an epoch that nobody made");
                assert_eq!(room.standing(), Standing::Unconfirmed);
                let sealed = room.seal(&Draft::new(b"x"), &honest(0).sender(), &mut SystemRng);
                assert_eq!(sealed, Err(Error::Unconfirmed));
                let bobs = self.people[1].rooms.iter().find(|bobs| bobs.id() == room.id()).unwrap();
                let nonce = HeadStatement::nonce(&mut SystemRng).unwrap();
                let vouched = bobs.vouch(&nonce, &honest(1).sender(), &mut SystemRng).unwrap();
                let other = bobs.vouch(&[7; 32], &honest(1).sender(), &mut SystemRng).unwrap();
                assert!(room.confirm(&other, &nonce, honest(1).public()).is_err());
                let confirmed = room.confirm(&vouched, &nonce, honest(1).public());
                assert_eq!(confirmed.is_ok(), room.transcript() == bobs.transcript());
                if all {
                    assert_eq!((confirmed, room.code()), (Ok(()), bobs.code()));
                }
            }
            if all {
                assert_eq!((account.rooms.len(), missing), (2, Vec::new()));
            }
        }
    }
}

fn room_id(known: &Known) -> RoomId {
    RoomId::from_bytes(known.body.room_id())
}

fn written<'k>(known: &'k Known, content: &[u8]) -> Written<'k> {
    Written {
        epoch: known,
        place: 0,
        device: [0xd0; 8],
        sequence: 0,
        aad: Vec::new(),
        content: content.to_vec(),
        zeros: Vec::new(),
        random: [0x1a; 32],
    }
}

fn agree(all: &mut BTreeMap<Transcript, Agreed>, room: &Room) {
    for (epoch, transcript, author) in room.epochs() {
        let hazmat::EpochKeys { message_key, secret, .. } = hazmat::epoch_keys(room, transcript).unwrap();
        let held = Agreed { room: *room.id(), epoch, author: *author, message_key, secret };
        assert_eq!(*all.entry(*transcript).or_insert_with(|| held.clone()), held);
    }
}

/// What was taken is a package, byte for byte, of this room and by its author.
#[track_caller]
fn check_applied(
    packages: &BTreeMap<Vec<u8>, (Fingerprint, RoomId)>,
    room: &Room,
    bytes: &[u8],
    applied: &Result<Applied, Error>,
) -> &'static str {
    let Ok(applied) = applied else { return if packages.contains_key(bytes) { "refused" } else { "not a package" } };
    let (by, of) = packages.get(bytes).unwrap_or_else(|| panic!("nobody made it: {applied:?}"));
    assert_eq!(of, room.id());
    let (became, author) = match applied {
        Applied::Head { author } => ("head", author),
        Applied::Fork { author, kept: true } => ("fork", author),
        Applied::Switched { author } => ("switched", author),
        Applied::Ahead { author, .. } => ("ahead", author),
        Applied::Held => return "held",
        other => panic!("{other:?}"),
    };
    assert_eq!(author, by);
    became
}

/// Random games of 40 to 90 moves. [ROOM-06] [ROOM-07] [ROOM-09] [ROOM-18] [ROOM-20] [ROOM-22] [RMSG-05] [RMSG-07] [KRG-06]
/// [PRF-05]
#[test]
fn no_game_is_won() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    // A game is as long as many cases of other properties.
    let cases = std::env::var_os("PROPTEST_CASES").map_or(24, |_| config.cases / 20);
    let games = (prop::collection::vec(moves(), 40..90), any::<u64>());
    let tally = RefCell::new(BTreeMap::new());
    let played =
        TestRunner::new(ProptestConfig { cases, max_shrink_iters: 300, ..config }).run(&games, |(steps, kept)| {
            let mut world = World::new();
            steps.iter().for_each(|step| world.plays(step));
            world.delivers();
            world.recovers(kept);
            for (what, count) in world.tally {
                *tally.borrow_mut().entry(what).or_insert(0) += count;
            }
            Ok(())
        });
    played.unwrap();
    // The games were no empty ones.
    let tally = tally.into_inner();
    for what in ["head", "fork", "held", "refused", "not a package", "opened", "repeated"] {
        assert!(tally.get(what).is_some_and(|count| *count > 2), "{what} of {tally:?}");
    }
}

/// A world after these moves.
fn after(steps: &[Move]) -> World {
    let mut world = World::new();
    steps.iter().for_each(|step| world.plays(step));
    world
}

const ALICE: usize = 0;
const BOB: usize = 1;

/// What was stored so many before the last, given to somebody.
fn gives(to: usize, what: usize) -> Move {
    Move::Gives { to, what, spoil: Spoil::Not }
}

fn changes(who: usize, deed: Deed, takes: bool) -> Move {
    Move::Changes { who, room: 0, deed, takes }
}

impl World {
    fn room(&self, who: usize) -> &Room {
        &self.people[who].rooms[0]
    }
}

/// Each is shown another package: two rooms, which their codes tell; what one writes the other does not take for his own; once
/// both packages are there, both see the fork and agree. [ROOM-18] [ROOM-20] [ROOM-27] [RMSG-01]
#[test]
fn a_fork_is_told() {
    let mut world = after(&[changes(ALICE, Deed::Refresh, true), changes(BOB, Deed::Refresh, true)]);
    assert_eq!(world.room(ALICE).epoch(), world.room(BOB).epoch());
    assert_ne!(world.room(ALICE).code(), world.room(BOB).code());
    world.plays(&Move::Says { who: ALICE, room: 0, text: 1 });
    let message = world.stored.last().unwrap().clone();
    let unknown = world.people[BOB].rooms[0].open(&message, b"", everyone()).unwrap_err();
    assert_eq!(unknown, Error::UnknownEpoch { epoch: 1 });
    assert!(world.room(ALICE).forks().is_empty());
    world.plays(&gives(ALICE, 1));
    world.plays(&gives(BOB, 2));
    assert_eq!(world.tally["fork"], 2);
    for (who, other) in [(ALICE, BOB), (BOB, ALICE)] {
        let forks = world.room(who).forks();
        assert_eq!((forks.len(), forks[0].author, forks[0].own_author), (1, fingerprint(other), fingerprint(who)));
    }
    world.delivers();
    world.recovers(0);
}

/// A removal that is withheld from Bob: what Alice writes after it is not for Carol; what Bob writes is told as of an old
/// epoch; and an object of a later epoch tells Bob that he is behind. [ROOM-24] [RMSG-09]
#[test]
fn a_withheld_removal_is_told() {
    let mut world = after(&[
        changes(ALICE, Deed::Toggle, true),
        Move::Says { who: BOB, room: 0, text: 1 },
        gives(ALICE, 0),
        Move::Says { who: ALICE, room: 0, text: 2 },
    ]);
    assert_eq!((world.tally["opened"], world.tally["superseded"]), (1, 1));
    let message = world.stored.last().unwrap().clone();
    let unknown = world.people[BOB].rooms[0].open(&message, b"", everyone()).unwrap_err();
    assert_eq!(unknown, Error::UnknownEpoch { epoch: 1 });
    world.plays(&changes(ALICE, Deed::Refresh, true));
    world.plays(&gives(BOB, 0));
    assert_eq!(world.room(BOB).standing(), Standing::Behind { epoch: Epoch::new(2) });
    assert!(!world.may_write(BOB, 0));
    // He does not write, so Carol reads no more of him.
    world.plays(&Move::Says { who: BOB, room: 0, text: 3 });
    assert_eq!(*world.stored.last().unwrap(), world.packages_of(0)[2]);
    world.delivers();
    let holds = |epoch: &Agreed| world.known.iter().any(|known| known.message_key() == epoch.message_key);
    let readable: Vec<u64> = world
        .agreed
        .values()
        .filter(|epoch| epoch.room == world.id(0) && holds(epoch))
        .map(|epoch| epoch.epoch.number())
        .collect();
    assert_eq!(readable, [0]);
}

/// Carol races her removal with a refresh, which the server gives Bob first: her refresh yields, wherever it came first.
/// [ROOM-19]
#[test]
fn a_race_against_a_removal_is_lost() {
    let mut world = World::new();
    let of_first_room = world.known.iter().position(|known| room_id(known) == world.id(0)).unwrap();
    world.known.swap(0, of_first_room);
    world.known.truncate(1);
    for step in [
        changes(ALICE, Deed::Toggle, true),
        Move::InsiderWrites { at: 0, package: true },
        gives(BOB, 0),
        gives(ALICE, 0),
        gives(BOB, 1),
    ] {
        world.plays(&step);
    }
    assert_eq!((world.tally["head"], world.tally["fork"], world.tally["switched"]), (1, 1, 1));
    assert_eq!(world.room(ALICE).code(), world.room(BOB).code());
    assert_eq!(world.room(BOB).roster().len(), 2);
    world.delivers();
}

/// Each spoilt form of each object there is, to each: refused, and both are as they were. [ROOM-06] [KRG-01]
#[test]
fn spoilt_objects_change_nothing() {
    let mut world = after(&[
        Move::Says { who: ALICE, room: 0, text: 1 },
        Move::Says { who: BOB, room: 1, text: 1 },
        changes(ALICE, Deed::Refresh, false),
        changes(BOB, Deed::Toggle, false),
        Move::Records { who: ALICE },
        Move::Records { who: BOB },
        Move::Asks { server: 0, target: 1 },
    ]);
    let states = |world: &World| -> Vec<Vec<u8>> {
        let rooms = world.people.iter().flat_map(|person| &person.rooms).map(hazmat::room_state);
        rooms.chain(world.people.iter().map(|person| hazmat::keyring_entries(&person.keyring))).collect()
    };
    let (before, count) = (states(&world), world.stored.len());
    for what in 0..count {
        for with in 0..count {
            for spoil in [
                Spoil::Splice { with, at: 40 },
                Spoil::Splice { with, at: 100 },
                Spoil::Transplant { with },
                Spoil::SwapStanzas { with },
            ] {
                let spoilt = spoil.apply(&world.stored, what);
                if !world.stored.contains(&spoilt) {
                    (0..2).for_each(|to| world.gives(to, &spoilt));
                }
            }
        }
        for spoil in [Spoil::Cut { len: 50 }, Spoil::Extend { by: vec![0] }, Spoil::Flip { place: 150, bit: 0 }] {
            let spoilt = spoil.apply(&world.stored, what);
            (0..2).for_each(|to| world.gives(to, &spoilt));
        }
    }
    assert!(before == states(&world));
    assert_eq!(world.tally.keys().collect::<Vec<_>>(), [&"not a package"]);
    world.delivers();
}

/// A proof of a request, caught and played again: to its own server, to another, for another request. [PRF-05] [PRF-04]
#[test]
fn a_proof_is_taken_once() {
    let world = after(&[Move::Asks { server: 0, target: 50 }, gives(ALICE, 0), gives(BOB, 0), gives(ALICE, 0)]);
    assert_eq!(world.tally["proof"], 1);
}
