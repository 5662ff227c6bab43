//! Who plays, what there is, and the moves.

use crate::common::rooms::{Craft, Known, Written, crowd};
use crate::common::server::Spoil;
use crate::common::*;
use proptest::prelude::*;
use sealroom::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
pub(super) const NOW: u64 = 1_800_000_000;
pub(super) const AUDIENCES: [&[u8]; 2] = [b"api.example.org", b"mirror.example.org"];

/// Alice and Bob, who are admins of both rooms.
pub(super) fn honest(n: usize) -> &'static Identity {
    static MADE: OnceLock<[Identity; 2]> = OnceLock::new();
    &MADE.get_or_init(|| [0xa1, 0xb0].map(person))[n]
}

/// A plain member, whose keys the server has.
pub(super) fn insider() -> &'static Outsider {
    &crowd()[3]
}

pub(super) fn everyone() -> &'static Vec<PublicIdentity> {
    static MADE: OnceLock<Vec<PublicIdentity>> = OnceLock::new();
    MADE.get_or_init(|| vec![honest(0).public().clone(), honest(1).public().clone(), insider().public.clone()])
}

pub(super) fn fingerprint(n: usize) -> Fingerprint {
    *honest(n).public().fingerprint()
}

/// What everyone who holds a transcript must agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Agreed {
    pub(super) room: RoomId,
    pub(super) epoch: Epoch,
    pub(super) author: Fingerprint,
    pub(super) message_key: [u8; 32],
    pub(super) secret: Option<[u8; 32]>,
}

/// What an honest person wrote.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) by: Fingerprint,
    pub(super) room: RoomId,
    pub(super) epoch: Epoch,
    pub(super) content: Vec<u8>,
}

pub(super) struct Person {
    pub(super) n: usize,
    pub(super) rooms: [Room; 2],
    pub(super) keyring: Keyring,
    /// Messages that opened here.
    pub(super) seen: BTreeSet<Vec<u8>>,
}

impl Person {
    pub(super) fn identity(&self) -> &'static Identity {
        honest(self.n)
    }

    pub(super) fn says(&mut self, room: usize, content: &[u8]) -> Result<Vec<u8>, Error> {
        let identity = self.identity();
        self.rooms[room].seal(&Draft::new(content), &identity.sender(), &mut SystemRng)
    }
}

/// The people, what the server stores, and what was truly sent.
pub(super) struct World {
    pub(super) people: [Person; 2],
    pub(super) stored: Vec<Vec<u8>>,
    pub(super) sent: BTreeMap<Vec<u8>, Sent>,
    pub(super) packages: BTreeMap<Vec<u8>, (Fingerprint, RoomId)>,
    pub(super) segments: BTreeMap<Vec<u8>, usize>,
    /// With the server that each is for, and what is asked.
    pub(super) proofs: BTreeMap<Vec<u8>, (usize, u8)>,
    pub(super) taken: BTreeSet<Vec<u8>>,
    pub(super) servers: [RememberedProofs; 2],
    pub(super) device: P256PrivateKey,
    pub(super) certificate: DeviceCertificate,
    /// What the insider can open of packages.
    pub(super) known: Vec<Known>,
    pub(super) agreed: BTreeMap<Transcript, Agreed>,
    pub(super) rosters: BTreeMap<Transcript, Vec<Member>>,
    /// What happened, and how often.
    pub(super) tally: BTreeMap<&'static str, usize>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Deed {
    Refresh,
    /// Adds the insider, or removes them.
    Toggle,
}

#[derive(Clone, Debug)]
pub(super) enum Move {
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

pub(super) fn moves() -> impl Strategy<Value = Move> {
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
    pub(super) fn new() -> Self {
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

    pub(super) fn id(&self, room: usize) -> RoomId {
        *self.people[0].rooms[room].id()
    }

    pub(super) fn stores_package(&mut self, package: Vec<u8>, author: Fingerprint, room: RoomId) {
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

    pub(super) fn stores_message(&mut self, message: Vec<u8>, sent: Sent) {
        self.sent.insert(message.clone(), sent);
        self.stored.push(message);
    }

    pub(super) fn packages_of(&self, room: usize) -> Vec<Vec<u8>> {
        let id = self.id(room);
        let is_its = |bytes: &&Vec<u8>| self.packages.get(*bytes).is_some_and(|(_, room)| *room == id);
        self.stored.iter().filter(is_its).cloned().collect()
    }

    /// Who holds a transcript holds what all hold who have it.
    pub(super) fn agree(&mut self) {
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

    pub(super) fn plays(&mut self, step: &Move) {
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
    pub(super) fn may_write(&self, who: usize, room: usize) -> bool {
        self.people[who].rooms[room].standing() == Standing::Confirmed
    }

    pub(super) fn says(&mut self, who: usize, room: usize, text: u8) {
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

    pub(super) fn changes(&mut self, who: usize, room: usize, deed: Deed, takes: bool) {
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

    pub(super) fn records(&mut self, who: usize) {
        let person = &mut self.people[who];
        for room in &person.rooms {
            person.keyring.record(room).unwrap();
        }
        let segment = person.keyring.part(&honest(who).keyring_key().unwrap(), &mut SystemRng).unwrap();
        self.segments.insert(segment.clone(), who);
        self.stored.push(segment);
    }

    pub(super) fn asks(&mut self, server: usize, target: u8) {
        let target = [target];
        let request = Request::new(AUDIENCES[server], b"GET", &target);
        let proof = RequestProof::sign(&request, &self.certificate, &self.device, NOW, &mut SystemRng).unwrap();
        self.proofs.insert(proof.to_bytes(), (server, target[0]));
        self.stored.push(proof.to_bytes());
    }

    /// Of what the insider holds, mostly the last.
    pub(super) fn recent(&self, at: usize) -> Known {
        let len = self.known.len();
        self.known[len - 1 - at % if at.is_multiple_of(2) { len.min(3) } else { len }].clone()
    }

    pub(super) fn insider_writes(&mut self, at: usize, package: bool) {
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

    pub(super) fn refresh_by_insider(&self, known: &Known) -> Craft<'static> {
        let is_there =
            |who: &&PublicIdentity| known.body.roster.iter().any(|(member, _)| member == who.fingerprint().as_bytes());
        let to: Vec<&'static PublicIdentity> = everyone().iter().filter(is_there).collect();
        Craft::new(known.next(), insider().sender(), &to).with_previous(&known.secret)
    }

    /// Nothing of this is stored as sent: nobody may take it.
    pub(super) fn insider_forges(&mut self, at: usize, package: bool, as_who: usize) {
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
    pub(super) fn gives(&mut self, to: usize, bytes: &[u8]) {
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

    pub(super) fn catches_up(&mut self, to: usize, room: usize, packages: &[Vec<u8>]) {
        let room = &mut self.people[to].rooms[room];
        let all: Vec<&[u8]> = packages.iter().map(|package| &package[..]).collect();
        let answers = room.catch_up(&all, &[honest(to).reader()], everyone(), &mut SystemRng);
        for (package, answer) in packages.iter().zip(&answers) {
            check_applied(&self.packages, room, package, answer);
        }
    }
}

pub(super) fn room_id(known: &Known) -> RoomId {
    RoomId::from_bytes(known.body.room_id())
}

pub(super) fn written<'k>(known: &'k Known, content: &[u8]) -> Written<'k> {
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

pub(super) fn agree(all: &mut BTreeMap<Transcript, Agreed>, room: &Room) {
    for (epoch, transcript, author) in room.epochs() {
        let hazmat::EpochKeys { message_key, secret, .. } = hazmat::epoch_keys(room, transcript).unwrap();
        let held = Agreed { room: *room.id(), epoch, author: *author, message_key, secret };
        assert_eq!(*all.entry(*transcript).or_insert_with(|| held.clone()), held);
    }
}

/// What was taken is a package, byte for byte, of this room and by its author.
#[track_caller]
pub(super) fn check_applied(
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
