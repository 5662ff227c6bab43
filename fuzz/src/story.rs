//! Stories of a room: devices of several people, a server between them that withholds, repeats, reorders and changes, and
//! members who write by hand. SPEC §18, §19.
//!
//! The model in `tests/room_model` says of every honest step exactly what comes of it. Here any bytes may come, so what is
//! looked at after each step is what has to hold whatever was given.

mod forge;
mod ledger;

use crate::common::{Input, Person, Rng, directory, people};
use ledger::Ledger;
use sealroom::{
    Applied, Change, Draft, Epoch, Error, Fingerprint, Freshness, HeadStatement, HistoryPolicy, Identity, Padding,
    PublicIdentity, Role, Room, RoomId, Standing, Transcript, hazmat,
};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Steps of a story, and the packages and messages that the server keeps: everybody gets them all in the end.
const LONGEST: usize = 32;
const PACKAGES: usize = 16;
const MESSAGES: usize = 8;

/// One of the devices: whose, and their room.
struct Device {
    person: usize,
    room: Option<Room>,
    /// States that it stored.
    saved: Vec<Vec<u8>>,
}

/// A message that a device sealed.
#[derive(Clone)]
struct Message {
    bytes: Vec<u8>,
    content: Vec<u8>,
    aad: &'static [u8],
    sender: Fingerprint,
    epoch: Transcript,
}

/// A package or grant, and who signed it.
#[derive(Clone)]
struct Signed {
    bytes: Vec<u8>,
    by: PublicIdentity,
}

struct World {
    rng: Rng,
    directory: Vec<PublicIdentity>,
    id: RoomId,
    shared: bool,
    devices: Vec<Device>,
    ledger: Ledger,
    /// The server's.
    packages: Vec<Signed>,
    grants: Vec<Signed>,
    messages: Vec<Message>,
}

/// What fails changes nothing, what is held can be stored, who has a transcript has the same room, nobody makes a change
/// that their role does not allow, and nobody reads what is not for them. [ROOM-06] [ROOM-09] [ROOM-26] [ROOM-27] [RMSG-05]
/// [RMSG-07]
pub fn story(bytes: &[u8]) {
    let input = &mut Input(bytes);
    let mut world = World::new(input);
    for _ in 0..LONGEST {
        if input.is_empty() {
            break;
        }
        world.step(input);
    }
    world.at_end();
}

/// A call that fails changes nothing. [ROOM-06]
fn attempt<T>(room: &mut Room, call: impl FnOnce(&mut Room) -> Result<T, Error>) -> Result<T, Error> {
    let before = hazmat::room_state(room);
    let answer = call(room);
    assert!(answer.is_ok() || hazmat::room_state(room) == before, "a call failed and changed the room");
    answer
}

/// How a story begins: the first package, and who has joined by it.
#[derive(Clone)]
struct Beginning {
    package: Signed,
    id: RoomId,
    /// States, of the devices that are there.
    rooms: [Option<Vec<u8>>; DEVICES.len()],
}

/// Whose the devices are.
const DEVICES: [usize; 6] = [0, 1, 2, 3, 0, 1];

impl Beginning {
    /// A room of the first person and some others, admins or not.
    fn new(how: u8) -> Self {
        let (creator, rng) = (people()[0].first(), &mut Rng(0));
        let others = &people()[1..=1 + usize::from(how >> 1) % 3];
        let role = |place: usize| if how >> (3 + place) & 1 == 1 { Role::Admin } else { Role::Member };
        let others: Vec<_> =
            others.iter().enumerate().map(|(place, person)| (person.first().public(), role(place))).collect();
        let history = if how & 1 == 1 { HistoryPolicy::Shared } else { HistoryPolicy::FromJoin };
        let bytes = Room::create(&creator.sender(), &others, history, rng).unwrap();
        let rooms = DEVICES.map(|person| {
            let joining = Room::join(&bytes, creator.public(), &people()[person].readers(), rng);
            joining.ok().map(|joining| joining.finish().unwrap())
        });
        let id = *rooms[0].as_ref().unwrap().id();
        let rooms = rooms.map(|room| room.map(|room| hazmat::room_state(&room)));
        Self { package: Signed { bytes, by: creator.public().clone() }, id, rooms }
    }

    /// Made once in each run.
    fn cached(how: u8) -> Self {
        thread_local!(static MADE: RefCell<BTreeMap<u8, Beginning>> = RefCell::default());
        MADE.with_borrow_mut(|made| made.entry(how).or_insert_with(|| Self::new(how)).clone())
    }
}

impl World {
    fn new(input: &mut Input<'_>) -> Self {
        let how = input.byte() % 64;
        let Beginning { package, id, rooms } = Beginning::cached(how);
        let rooms = rooms.map(|state| state.map(|state| hazmat::room_of_state(&state).unwrap()));
        let device = |(person, room)| Device { person, room, saved: Vec::new() };
        let mut world = Self {
            rng: Rng(u64::from(how) + 1),
            directory: directory(),
            id,
            shared: how & 1 == 1,
            devices: DEVICES.into_iter().zip(rooms).map(device).collect(),
            ledger: Ledger::default(),
            packages: vec![package],
            grants: Vec::new(),
            messages: Vec::new(),
        };
        (0..DEVICES.len()).for_each(|device| world.check(device));
        world
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let (what, device) = (input.byte() % 20, input.place(self.devices.len()));
        match what {
            0..=3 => self.change(device, input),
            4..=6 => {
                let package = input.place(self.packages.len());
                self.deliver(device, package);
            }
            7 => self.catch_up(device, input),
            8 | 9 => self.seal(device, input),
            10 => {
                let which = usize::from(input.byte());
                if let Some(which) = which.checked_rem(self.messages.len()) {
                    self.open(device, which);
                }
            }
            11 => self.corrupt(device, input),
            12 | 13 => self.forge_package(device, input),
            14 => self.impersonate(device, input),
            15 => self.grant(device, input),
            16 => self.store(device, input),
            17 => self.stand(device, input),
            18 => self.recover(device, input),
            _ => self.leave(device, input),
        }
        self.check(device);
    }

    /// Looks at what a device holds now.
    fn check(&mut self, device: usize) {
        if let Some(room) = &self.devices[device].room {
            crate::common::assert_state_is_stable(room);
            self.ledger.note(room);
            assert_eq!(*room.id(), self.id);
        }
    }

    /// Another of the room's devices than this, or this one.
    fn other(&self, input: &mut Input<'_>) -> usize {
        input.place(self.devices.len())
    }

    fn publish(&mut self, bytes: Vec<u8>, by: &PublicIdentity) {
        if self.packages.len() < PACKAGES {
            self.packages.push(Signed { bytes, by: by.clone() });
        }
    }

    // -- packages

    fn change(&mut self, device: usize, input: &mut Input<'_>) {
        let Device { person, room: Some(room), .. } = &self.devices[device] else { return };
        let (kind, Person { generations, transition }) = (input.byte(), &people()[input.place(4)]);
        let role = if kind & 64 != 0 { Role::Admin } else { Role::Member };
        let whom = generations[usize::from(kind >> 7)].public();
        let change: Result<Change, Error> = match kind % 7 {
            0 | 1 => room.add(&[(whom, role)]),
            2 => room.remove(&[*whom.fingerprint()]),
            3 => room.refresh(),
            4 => room.promote(whom.fingerprint()),
            5 => room.demote(whom.fingerprint()),
            _ => room.replace(transition),
        };
        let Ok(change) = change else { return };
        let by = |own: &&Identity| own.public().fingerprint() == change.author();
        let Some(author) = people()[*person].generations.iter().find(by) else { return };
        let before = hazmat::room_state(room);
        let sealed = change.seal(&author.sender(), &self.directory, &mut self.rng);
        assert_eq!(hazmat::room_state(room), before, "making a package changed the room");
        // An admin who is not honest can have added somebody whom nobody knows.
        let known = |who| self.directory.iter().any(|identity| identity.fingerprint() == who);
        assert_eq!(sealed.is_ok(), change.wraps_to().all(known), "{:?}", sealed.err());
        let Ok(package) = sealed else { return };
        self.publish(package.clone(), author.public());
        if kind & 8 == 0 {
            let applied = self.apply(device, &package);
            assert!(matches!(applied, Some(Ok(Applied::Head { .. }))), "{applied:?}");
        }
    }

    /// A device applies a package; a new head is one that its author may make. [ROOM-09] [ROOM-10]
    fn apply(&mut self, device: usize, package: &[u8]) -> Option<Result<Applied, Error>> {
        let Device { person, room, .. } = &mut self.devices[device];
        let room = room.as_mut()?;
        let (readers, before) = (people()[*person].readers(), room.roster().to_vec());
        let epoch = room.epoch();
        let applied = attempt(room, |room| room.apply(package, &readers, &self.directory, &mut self.rng));
        if let Ok(Applied::Head { author }) = &applied {
            assert_eq!(room.epoch().number(), epoch.number() + 1);
            ledger::assert_may(author, &before, room.roster());
        }
        Some(applied)
    }

    fn deliver(&mut self, device: usize, package: usize) {
        if self.devices[device].room.is_none() {
            return self.join(device, package);
        }
        let package = self.packages[package].bytes.clone();
        let _ = self.apply(device, &package);
        // What was taken is held, and taken no more.
        let again = self.apply(device, &package);
        assert!(!matches!(again, Some(Ok(Applied::Head { .. } | Applied::Switched { .. }))), "{again:?}");
    }

    /// As a newcomer, or again, where its author is who was expected to invite. [ROOM-15]
    fn join(&mut self, device: usize, package: usize) {
        let Device { person, room, .. } = &mut self.devices[device];
        let (Signed { bytes, by }, readers) = (&self.packages[package], people()[*person].readers());
        let Ok(mut joining) = Room::join(bytes, by, &readers, &mut self.rng) else { return };
        let other = self.directory.iter().find(|other| *other != by).unwrap();
        assert!(Room::join(bytes, other, &readers, &mut self.rng).is_err());
        while let Some(wanted) = joining.wanted() {
            let leads =
                |past: &Signed| joining.past(&past.bytes, &self.directory).is_ok() && joining.wanted() != Some(wanted);
            if !self.packages.iter().any(leads) {
                return;
            }
        }
        match room {
            Some(room) => drop(attempt(room, |room| joining.finish_into(room))),
            None => *room = Some(joining.finish().unwrap()),
        }
        self.check(device);
    }

    fn catch_up(&mut self, device: usize, input: &mut Input<'_>) {
        let given = self.some_packages(input);
        let given: Vec<&[u8]> = given.iter().map(|package| &self.packages[*package].bytes[..]).collect();
        let Device { person, room: Some(room), .. } = &mut self.devices[device] else { return };
        let (readers, before) = (people()[*person].readers(), hazmat::room_state(room));
        let answers = room.catch_up(&given, &readers, &self.directory, &mut self.rng);
        assert_eq!(answers.len(), given.len());
        assert!(answers.iter().any(Result::is_ok) || hazmat::room_state(room) == before);
    }

    /// All of the server's or some, in some order.
    fn some_packages(&self, input: &mut Input<'_>) -> Vec<usize> {
        let (how, many) = (input.byte(), self.packages.len());
        let mut given: Vec<usize> = match how & 1 {
            0 => (0..many).collect(),
            _ => input.take(usize::from(how >> 4)).iter().map(|which| usize::from(*which) % many).collect(),
        };
        if how & 2 != 0 {
            given.reverse();
        }
        given
    }

    fn recover(&mut self, device: usize, input: &mut Input<'_>) {
        let given = self.some_packages(input);
        let given: Vec<&[u8]> = given.iter().map(|package| &self.packages[*package].bytes[..]).collect();
        let readers = people()[self.devices[device].person].readers();
        if let Ok(recovered) = Room::recover(&self.id, &given, &readers, &self.directory, &mut self.rng) {
            let mut room = recovered.room;
            assert_eq!(room.standing(), Standing::Unconfirmed);
            let sender = people()[self.devices[device].person].first().sender();
            assert!(attempt(&mut room, |room| room.seal(&Draft::new(b""), &sender, &mut Rng(0))).is_err());
            self.devices[device].room = Some(room);
        }
    }

    // -- messages

    fn seal(&mut self, device: usize, input: &mut Input<'_>) {
        let Device { person, room: Some(room), .. } = &mut self.devices[device] else { return };
        let (content, aad) = (input.string().to_vec(), [&b""[..], b"bound"][input.place(2)]);
        let padding = if input.flag() { Padding::Padme } else { Padding::None };
        let draft = Draft::new(&content).associated_data(aad).padding(padding);
        for identity in &people()[*person].generations {
            let sealed = attempt(room, |room| room.seal(&draft, &identity.sender(), &mut self.rng));
            let own = identity.public().fingerprint() == room.me();
            assert_eq!(sealed.is_ok(), own && room.standing() == Standing::Confirmed);
            let Ok(bytes) = sealed else { continue };
            if self.messages.len() < MESSAGES {
                let (sender, epoch) = (*identity.public().fingerprint(), *room.transcript());
                self.messages.push(Message { bytes, content: content.clone(), aad, sender, epoch });
            }
        }
    }

    /// It opens where its epoch is held and nowhere else, and the second time it is not fresh. [RMSG-05] [RMSG-07]
    fn open(&mut self, device: usize, which: usize) {
        let Message { bytes, content, aad, sender, epoch } = &self.messages[which];
        let Device { person, room: Some(room), .. } = &mut self.devices[device] else { return };
        let held = room.epochs().any(|(_, transcript, _)| transcript == epoch);
        let opened = attempt(room, |room| room.open(bytes, aad, &self.directory));
        assert_eq!(opened.is_ok(), held, "{opened:?}");
        assert!(attempt(room, |room| room.open(bytes, b"other", &self.directory)).is_err());
        let Ok(opened) = opened else { return };
        assert_eq!((opened.content(), opened.sender()), (&content[..], sender));
        assert_eq!(opened.is_superseded(), room.transcript() != epoch);
        let again = attempt(room, |room| room.open(bytes, aad, &self.directory)).unwrap();
        assert!(!matches!(again.freshness(), Freshness::Fresh { .. }));
        self.ledger.assert_may_read(*person, epoch, self.shared);
    }

    // -- grants

    fn grant(&mut self, device: usize, input: &mut Input<'_>) {
        let (from, more, to) = (input.byte(), input.byte() % 4, input.place(4));
        let to = people()[to].generations[input.place(2)].public();
        let Device { person, room: Some(room), .. } = &self.devices[device] else { return };
        let (first, last) = (u64::from(from % 8), u64::from(from % 8 + more));
        let numbers = Epoch::new(first)..=Epoch::new(last);
        for identity in &people()[*person].generations {
            let grant = room.grant_history(numbers.clone(), &[to], &identity.sender(), &mut self.rng);
            self.grants.extend(grant.map(|bytes| Signed { bytes, by: identity.public().clone() }));
        }
        let Some(grant) = input.place(8).checked_rem(self.grants.len()) else { return };
        let (grant, to) = (self.grants[grant].clone(), self.other(input));
        self.accept(to, &grant);
    }

    fn accept(&mut self, to: usize, Signed { bytes, by }: &Signed) {
        let Device { person, room: Some(room), .. } = &mut self.devices[to] else { return };
        let held: Vec<_> = room.epochs().map(|(_, transcript, _)| *transcript).collect();
        let readers = people()[*person].readers();
        let other = self.directory.iter().find(|other| *other != by).unwrap();
        assert!(attempt(room, |room| room.accept_grant(bytes, other, &readers, &mut self.rng)).is_err());
        let _ = attempt(room, |room| room.accept_grant(bytes, by, &readers, &mut self.rng));
        let new = room.epochs().map(|(_, transcript, _)| *transcript).filter(|epoch| !held.contains(epoch));
        self.ledger.granted.extend(new.map(|epoch| (*person, epoch)));
        self.check(to);
    }

    // -- what a user and a device do

    /// Stores the room, or has an older state come back.
    fn store(&mut self, device: usize, input: &mut Input<'_>) {
        let Device { room, saved, .. } = &mut self.devices[device];
        let key = crate::common::symmetric();
        if let Some(room) = room
            && saved.len() < 4
        {
            let stored = room.save(&key, &mut self.rng).unwrap();
            let loaded = Room::load(&stored, &key).unwrap();
            assert_eq!(hazmat::room_state(&loaded), hazmat::room_state(room));
            saved.push(stored);
        }
        if input.flag()
            && let Some(which) = input.place(4).checked_rem(saved.len())
        {
            *room = Some(Room::load(&saved[which], &key).unwrap());
        }
    }

    /// Accepts the head, settles a fork, or asks somebody about the head. [ROOM-20] [ROOM-23]
    fn stand(&mut self, device: usize, input: &mut Input<'_>) {
        let (what, by) = (input.byte(), self.other(input));
        if what % 4 == 0 {
            let (Some(room), Some(others)) = (&self.devices[device].room, &self.devices[by].room) else { return };
            let nonce = HeadStatement::nonce(&mut self.rng).unwrap();
            let person = &people()[self.devices[by].person];
            let own = person.generations.iter().find(|own| own.public().fingerprint() == others.me()).unwrap();
            let Ok(statement) = others.vouch(&nonce, &own.sender(), &mut self.rng) else { return };
            let same = room.transcript() == others.transcript();
            let room = self.devices[device].room.as_mut().unwrap();
            assert!(attempt(room, |room| room.confirm(&statement, &[0; 32], own.public())).is_err());
            assert_eq!(attempt(room, |room| room.confirm(&statement, &nonce, own.public())).is_ok(), same);
            return;
        }
        let Some(room) = &mut self.devices[device].room else { return };
        match what % 4 {
            1 => room.accept_head(),
            2 => {
                let best = room.settle();
                if attempt(room, |room| room.switch_to(&best)).is_ok() {
                    assert_eq!(*room.transcript(), best);
                }
            }
            _ => {
                let all: Vec<_> = room.forks().into_iter().map(|fork| fork.transcript).collect();
                if let Some(which) = input.place(8).checked_rem(all.len()) {
                    let _ = attempt(room, |room| room.switch_to(&all[which]));
                }
            }
        }
    }

    /// [ROOM-21]
    fn leave(&mut self, device: usize, input: &mut Input<'_>) {
        let by = self.other(input);
        let (Some(room), Some(others)) = (&self.devices[device].room, &self.devices[by].room) else { return };
        let person = &people()[self.devices[device].person];
        let own = person.generations.iter().find(|own| own.public().fingerprint() == room.me()).unwrap();
        let statement = room.leave(&own.sender(), &mut self.rng).unwrap();
        let checked = others.check_leave(&statement, &self.directory);
        assert_eq!(statement.to_bytes().len(), 7 + 16 + 32 + 32 + 1 + 64);
        if let Ok(member) = checked {
            assert_eq!(member, *room.me());
            assert!(others.roster().iter().any(|there| there.fingerprint == member));
        }
    }

    /// The server gives everything to everybody: who reads a message may read it. A device that was never in the room
    /// has none to read with.
    fn at_end(&mut self) {
        for device in 0..self.devices.len() {
            self.check(device);
            for package in 0..self.packages.len() {
                if self.devices[device].room.is_some() {
                    let package = self.packages[package].bytes.clone();
                    let _ = self.apply(device, &package);
                } else {
                    self.join(device, package);
                }
            }
            self.check(device);
        }
        for message in 0..self.messages.len() {
            (0..self.devices.len()).for_each(|device| self.open(device, message));
        }
    }
}
