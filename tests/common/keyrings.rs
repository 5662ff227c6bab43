//! One person with a keyring, and segments of it by hand. SPEC §20

use super::Outsider;
use super::hand::vector;
use super::rooms::{ADMIN, Body, Craft, FROM_JOIN, Known, MEMBER, crowd, directory, id, sealed_anew};
use cpu_time::ThreadTime;
use sealroom::*;
use std::time::Duration;

pub(crate) fn words() -> Root {
    Root::from_bip39_seed(&[0xa1; 64])
}

/// Whose keyring it is: the person of [`words`].
pub(crate) fn me() -> Identity {
    words().identity(Profile::P256, 0, &mut SystemRng).unwrap()
}

pub(crate) fn key() -> SymmetricKey {
    me().keyring_key().unwrap()
}

pub(crate) fn keyring() -> Keyring {
    Keyring::new(&mut SystemRng).unwrap()
}

/// A part by hand, of whoever holds the keyring key; its entries in their order. SPEC §20.1
pub(crate) fn by_hand(device: u8, revision: u64, entries: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut entries = entries.to_vec();
    entries.sort();
    let entries: Vec<u8> = entries.iter().flat_map(|(kind, content)| [vec![*kind], vector(content)].concat()).collect();
    let content = [&[device; 8][..], &revision.to_be_bytes(), &[2], &vector(&[]), &vector(&entries)].concat();
    let (key, rng) = (key(), &mut SystemRng);
    let to = [Recipient::symmetric(&key)];
    hazmat::seal_as(&Envelope::to(&to).padding(Padding::Padme), ContentType::Keyring, &content, rng).unwrap()
}

/// A Register by hand. SPEC §20.2
pub(crate) fn register(number: u8, name: &[u8], clock: u64, device: u8, value: &[u8]) -> (u8, Vec<u8>) {
    (4, [&[number][..], &vector(name), &clock.to_be_bytes(), &[device; 8], &vector(value)].concat())
}

/// A KeptEpoch by hand. SPEC §20.2
pub(crate) fn kept(known: &Known) -> (u8, Vec<u8>) {
    (1, [&known.body.encode()[..], &known.signer, &known.commitment, &[1], &known.secret].concat())
}

/// As it is kept of one that was granted, or is only read.
pub(crate) fn granted(known: &Known) -> (u8, Vec<u8>) {
    (1, [&known.body.encode()[..], &known.signer, &known.commitment, &[2], &known.message_key()].concat())
}

/// A package by its author, as the person of the words opens it.
pub(crate) fn of(package: &[u8], who: &Outsider) -> Known {
    Known::of(package, me().reader(), who.id())
}

pub(crate) fn part(keyring: &mut Keyring) -> Vec<u8> {
    keyring.part(&key(), &mut SystemRng).unwrap()
}

/// A segment of a device that knows somebody, and nothing else.
pub(crate) fn knows(identity: &PublicIdentity) -> Vec<u8> {
    let mut phone = keyring();
    phone.know(identity).unwrap();
    part(&mut phone)
}

pub(crate) fn merge(keyring: &mut Keyring, segment: &[u8]) -> Merged {
    keyring.merge(segment, &[&key()], &mut SystemRng).unwrap()
}

/// A room of Bob, who is an admin, and me: its packages by epoch, what Bob wrote in each, and what I held after each (in which
/// I was).
pub(crate) struct Past {
    pub(crate) packages: Vec<Vec<u8>>,
    pub(crate) messages: Vec<Vec<u8>>,
    rooms: Vec<Option<Room>>,
}

impl Past {
    pub(crate) fn room(&self, epoch: usize) -> &Room {
        self.rooms[epoch].as_ref().unwrap()
    }
}

/// I am there all the time; or, if `away`, in epochs 0 and 1, removed in 2, away in 3, added again in 4, and there from then on.
pub(crate) fn past(history: HistoryPolicy, epochs: usize, away: bool) -> Past {
    let (bob, me, rng) = (&crowd()[1], me(), &mut SystemRng);
    let people = [bob.public.clone(), me.public().clone()].to_vec();
    let package = Room::create(&bob.sender(), &[(me.public(), Role::Admin)], history, rng).unwrap();
    let mut mine = Room::join(&package, &bob.public, &[me.reader()], rng).unwrap().finish().unwrap();
    let mut bobs = Room::join(&package, &bob.public, &[bob.reader()], rng).unwrap().finish().unwrap();
    let mut past = Past { packages: vec![package], messages: Vec::new(), rooms: Vec::new() };
    for epoch in 0..epochs {
        if epoch > 0 {
            let change = match epoch {
                2 if away => bobs.remove(&[*me.public().fingerprint()]),
                4 if away => bobs.add(&[(me.public(), Role::Admin)]),
                _ => bobs.refresh(),
            };
            let package = change.unwrap().seal(&bob.sender(), &people, rng).unwrap();
            bobs.apply(&package, &[bob.reader()], &people, rng).unwrap();
            past.packages.push(package.clone());
            match epoch {
                2 | 3 if away => {}
                4 if away => {
                    let mut joining = Room::join(&package, &bob.public, &[me.reader()], rng).unwrap();
                    while let Some(wanted) = joining.wanted() {
                        joining.past(&past.packages[wanted.number() as usize], &people).unwrap();
                    }
                    joining.finish_into(&mut mine).unwrap();
                }
                _ => drop(mine.apply(&package, &[me.reader()], &people, rng).unwrap()),
            }
        }
        past.messages.push(bobs.seal(&Draft::new(b"x"), &bob.sender(), rng).unwrap());
        let there = !(away && (epoch == 2 || epoch == 3));
        past.rooms.push(there.then(|| hazmat::room_of_state(&hazmat::room_state(&mine)).unwrap()));
    }
    past
}

/// A recovery, done with what is given for each wish.
pub(crate) fn recover_from(mut server: impl FnMut(&Wanted) -> Vec<Vec<u8>>) -> Recovery {
    let rng = &mut SystemRng;
    let mut recovery = Recovery::new(words(), Profile::P256, rng).unwrap();
    while let Some(wanted) = recovery.wanted() {
        for blob in server(&wanted) {
            recovery.give(&blob, rng).unwrap();
        }
        recovery.proceed(rng).unwrap();
    }
    recovery
}

/// A recovery, done with what a server has; of packages it gives those that are wanted, if it is `thrifty`.
pub(crate) fn recover(segments: &[Vec<u8>], packages: &[Vec<u8>], thrifty: bool) -> Recovery {
    recover_from(|wanted| match wanted {
        Wanted::Segments => segments.to_vec(),
        Wanted::Packages { held } => packages
            .iter()
            .filter(|package| {
                let Info::RoomEpoch { room, epoch, .. } = inspect(package).unwrap() else { panic!() };
                !thrifty || held.iter().all(|(id, from)| *id != room || *from <= epoch)
            })
            .cloned()
            .collect(),
        Wanted::Identities { of } => crowd()
            .iter()
            .filter(|who| of.contains(who.public.fingerprint()))
            .map(|who| who.public.to_bytes())
            .collect(),
        _ => Vec::new(),
    })
}

/// The first epoch of a room of Bob, who is the admin, and this person.
pub(crate) fn ours() -> Known {
    let (bob, me) = (&crowd()[1], me());
    let body = Body::first(FROM_JOIN, &[(bob.id(), ADMIN), (id(&me), MEMBER)]);
    of(&Craft::new(body, bob.sender(), &[&bob.public, me.public()]).seal(), bob)
}

/// An epoch of a room of the crowd's 1, who is an admin, and this person, and a keyring that has no other.
pub(crate) fn late_epoch(epoch: u64) -> (Known, [Vec<u8>; 2]) {
    let (bob, me) = (&crowd()[1], me());
    let body = Body::first(FROM_JOIN, &[(bob.id(), ADMIN), (id(&me), MEMBER)]);
    let body = Body { epoch, previous: [9; 32], ..body };
    let late = Craft::new(body, bob.sender(), &[&bob.public, me.public()]).with_previous(&[3; 32]).seal();
    let late = Known::of(&late, me.reader(), bob.id());
    let segments = [knows(&bob.public), by_hand(5, 1, &[kept(&late)])];
    (late, segments)
}

/// How long a recovery takes, that comes to so many epochs.
pub(crate) fn recovers(segments: &[Vec<u8>], packages: &[Vec<u8>], epochs: usize) -> Duration {
    let start = ThreadTime::now();
    let recovery = recover(segments, packages, false);
    let taken = start.elapsed();
    assert_eq!(recovery.progress().epochs, epochs);
    taken
}

/// Which of the messages open.
pub(crate) fn reads(account: &mut Account, past: &Past) -> Vec<bool> {
    let people = directory();
    let mut opens = |message: &Vec<u8>| account.rooms.iter_mut().any(|room| room.open(message, b"", &people).is_ok());
    past.messages.iter().map(&mut opens).collect()
}

/// The next epoch with the same people, by one of them, and its package.
pub(crate) fn refreshed(known: &Known, by: &Outsider, to: &[&PublicIdentity]) -> (Known, Vec<u8>) {
    let package = sealed_anew(&Craft::new(known.next(), by.sender(), to).with_previous(&known.secret));
    (of(&package, by), package)
}

/// The first epochs of a room of Bob, who made them, Carol in that role, and this person; and a keyring that has all but the
/// third, with the fourth as the head.
pub(crate) fn with_a_gap(role: u8) -> ([Known; 4], [Vec<u8>; 3]) {
    let (bob, carol, me) = (&crowd()[1], &crowd()[3], me());
    let members = [(bob.id(), ADMIN), (carol.id(), role), (id(&me), MEMBER)];
    let all = [&bob.public, &carol.public, me.public()];
    let zero = of(&Craft::new(Body::first(FROM_JOIN, &members), bob.sender(), &all).seal(), bob);
    let (one, _) = refreshed(&zero, bob, &all);
    let (two, _) = refreshed(&one, bob, &all);
    let (three, _) = refreshed(&two, bob, &all);
    let head = register(1, &zero.body.room_id(), 1, 5, &three.transcript());
    let entries = [kept(&zero), kept(&one), kept(&three), head];
    let segments = [knows(&bob.public), knows(&carol.public), by_hand(5, 1, &entries)];
    ([zero, one, two, three], segments)
}
