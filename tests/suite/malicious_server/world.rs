//! Who plays, what there is, and what becomes of each move.

use super::grants::Given;
use super::moves::{Deed, Move};
use super::people::{Answer, Swapped};
use crate::common::rooms::{Known, crowd};
use crate::common::*;
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
    /// New phones, each begun with one package: whose, and of which room.
    pub(super) phones: BTreeMap<(usize, usize), Room>,
    pub(super) grants: BTreeMap<Vec<u8>, Given>,
    /// New devices that wait for an answer, and whose they are.
    pub(super) linkings: Vec<(usize, Linking)>,
    pub(super) answers: BTreeMap<Vec<u8>, Answer>,
    pub(super) directory: Swapped,
    /// What the insider can open of packages.
    pub(super) known: Vec<Known>,
    pub(super) agreed: BTreeMap<Transcript, Agreed>,
    pub(super) rosters: BTreeMap<Transcript, Vec<Member>>,
    /// What happened, and how often.
    pub(super) tally: BTreeMap<&'static str, usize>,
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
            phones: BTreeMap::new(),
            grants: BTreeMap::new(),
            linkings: Vec::new(),
            answers: BTreeMap::new(),
            directory: Swapped::default(),
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
        for who in 0..2 {
            assert_eq!(world.sights(who), Sighting::First);
        }
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

    /// What was made, if anything, and is given to somebody at once.
    fn stores(&mut self, made: Option<Vec<u8>>, to: Option<usize>) {
        if let (Some(bytes), Some(to)) = (&made, to) {
            self.gives(to, bytes);
        }
        self.stored.extend(made);
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
        for room in self.people.iter().flat_map(|person| &person.rooms).chain(self.phones.values()) {
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
            Move::Begins { room, at } => (0..2).for_each(|who| self.begins(who, *room, *at)),
            Move::Grants { who, room, len, to, now } => {
                let grant = self.grants(*who, *room, *len, *to);
                self.stores(grant, now.then_some(*to % 2));
            }
            Move::InsiderGrants { at, to, lie, now } => {
                let grant = self.insider_grants(*at, *to, *lie);
                self.stores(Some(grant), now.then_some(*to));
            }
            Move::Links { who, now } => {
                let answer = self.links(*who);
                self.stores(Some(answer), now.then_some(*who));
            }
            Move::MalloryAnswers { request, lie, now } => {
                let (who, answer) = self.mallory_answers(*request, *lie);
                self.stores(Some(answer), now.then_some(who));
            }
            Move::Swaps { of, by } => self.directory = Swapped { of: *of, by: *by },
            Move::LooksUp { who } => self.looks_up(*who),
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
        let (author, id) = (fingerprint(who), *held.id());
        // Who is added was given with the change, and the author knows themselves.
        let is_addition = !change.wraps_to().any(|wrapped| *wrapped == author);
        let mut looked_up = change.wraps_to().filter(|wrapped| **wrapped != author && !is_addition);
        let swapped = looked_up.find(|wrapped| self.directory.swaps(wrapped)).copied();
        let package = match (change.seal(&sender, &self.directory, rng), swapped) {
            (Ok(package), None) => package,
            // Nobody else is wrapped to in their place.
            (Err(Error::UnknownIdentity { fingerprint }), Some(swapped)) => {
                assert_eq!(fingerprint, *swapped.as_bytes());
                *self.tally.entry("not wrapped").or_default() += 1;
                return;
            }
            other => panic!("{other:?}"),
        };
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
}

pub(super) fn room_id(known: &Known) -> RoomId {
    RoomId::from_bytes(known.body.room_id())
}

pub(super) fn agree(all: &mut BTreeMap<Transcript, Agreed>, room: &Room) {
    for (epoch, transcript, author) in room.epochs() {
        let hazmat::EpochKeys { message_key, secret, .. } = hazmat::epoch_keys(room, transcript).unwrap();
        let held = Agreed { room: *room.id(), epoch, author: *author, message_key, secret };
        let known = all.entry(*transcript).or_insert_with(|| held.clone());
        // What was granted comes without its secret.
        known.secret = known.secret.or(secret);
        assert_eq!(*known, Agreed { secret: secret.or(known.secret), ..held });
    }
}
