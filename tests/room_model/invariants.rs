//! What holds after each action, and at the end.

use crate::ledger::Ledger;
use crate::people::{GENERATIONS, PEOPLE, Who, directory, generations, readers};
use crate::view::View;
use crate::world::World;
use sealroom::*;
use std::collections::{BTreeMap, BTreeSet};

/// A device holds what its view says; whoever has a transcript has the same roster, code, number and keys.
pub(crate) fn check_device(room: &Room, view: &View, ledger: &Ledger) {
    let head = &ledger.epochs[view.head];
    assert_eq!(*room.transcript(), head.transcript);
    assert_eq!(room.epoch().number(), head.number);
    assert_eq!(room.code(), head.code);
    assert_eq!(*room.me(), view.me.fingerprint());
    assert_eq!(room.standing(), view.standing(ledger));
    let roster: BTreeSet<(Who, bool)> =
        room.roster().iter().map(|member| (Who::of(&member.fingerprint), member.role == Role::Admin)).collect();
    assert_eq!((&roster, room.roster().len()), (&head.roster, head.roster.len()));
    let held: BTreeMap<_, _> =
        room.epochs().map(|(number, transcript, author)| ((number.number(), *transcript), *author)).collect();
    let expected = view.held.keys().map(|epoch| &ledger.epochs[*epoch]);
    let expected: BTreeMap<_, _> =
        expected.map(|epoch| ((epoch.number, epoch.transcript), epoch.author.fingerprint())).collect();
    assert_eq!(held, expected);
    for epoch in view.held.keys() {
        let epoch = &ledger.epochs[*epoch];
        let keys = hazmat::epoch_keys(room, &epoch.transcript).unwrap();
        assert_eq!(keys.message_key, epoch.keys.message_key);
        let secrets = (keys.secret, keys.epoch_kek);
        assert!(keys.secret.is_none() || secrets == (epoch.keys.secret, epoch.keys.epoch_kek), "another secret");
    }
    // What is beside an epoch of the own branch. [ROOM-18]
    let parent = |epoch: &usize| ledger.epochs[*epoch].parent;
    let beside = |epoch: &usize| {
        let mut own = view.held.iter().filter(|(_, holding)| holding.own);
        parent(epoch).is_some() && own.any(|(other, _)| parent(other) == parent(epoch))
    };
    let forks: BTreeSet<_> = room.forks().into_iter().map(|fork| fork.transcript).collect();
    let expected = view.held.iter().filter(|(epoch, holding)| !holding.own && beside(epoch));
    assert_eq!(forks, expected.map(|(epoch, _)| ledger.epochs[*epoch].transcript).collect());
    let state = hazmat::room_state(room);
    assert_eq!(hazmat::room_state(&hazmat::room_of_state(&state).unwrap()), state);
}

/// No message key meets a salt twice. [RMSG-06]
pub(crate) fn sealed_once(salts: &mut BTreeSet<([u8; 32], [u8; 24])>, message_key: &[u8; 32], message: &[u8]) {
    let salt = message[39..63].try_into().unwrap();
    assert!(salts.insert((*message_key, salt)), "a key and salt twice");
}

/// At the end of a history.
pub(crate) fn at_end(world: &mut World) {
    stored_rooms_come_back(world);
    nobody_reads_more(world);
    members_read_all(world);
    everyone_settles(world);
}

/// [ROOM-26]
fn stored_rooms_come_back(world: &mut World) {
    for device in &world.devices {
        let Some((room, _)) = &device.held else { continue };
        let stored = room.save(&device.key, &mut world.rng).unwrap();
        let loaded = Room::load(&stored, &device.key).unwrap();
        assert_eq!(hazmat::room_state(&loaded), hazmat::room_state(room));
    }
}

/// Nobody reads what they may not, with all they ever held and all that the server has.
fn nobody_reads_more(world: &mut World) {
    for person in 0..PEOPLE {
        let denied: Vec<usize> = (0..world.messages.len())
            .filter(|message| !world.ledger.may_read(person, world.ledger.messages[*message].epoch))
            .collect();
        if denied.is_empty() {
            continue;
        }
        let deny = |world: &World, room: &mut Room| {
            for message in &denied {
                let sealed = &world.ledger.messages[*message];
                let opened = room.open(&world.messages[*message], &sealed.aad, directory());
                assert!(opened.is_err(), "person {person} reads message {message}");
            }
        };
        for state in &world.states[usize::from(person)] {
            deny(world, &mut hazmat::room_of_state(state).unwrap());
        }
        for mut room in rooms_of(world, person) {
            drain(world, person, &mut room);
            deny(world, &mut room);
        }
    }
}

/// What a person can begin from: the devices as they are, the first state of all, every way to join, all packages.
fn rooms_of(world: &mut World, person: u8) -> Vec<Room> {
    let keys = generations(person, GENERATIONS);
    let packages: Vec<&[u8]> = world.packages.iter().map(|package| &**package).collect();
    let mut rooms: Vec<Room> = world
        .devices
        .iter()
        .filter(|device| device.person == person)
        .filter_map(|device| device.held.as_ref())
        .map(|(room, _)| crate::world::copy(room))
        .collect();
    rooms.extend(world.states[usize::from(person)].first().map(|state| hazmat::room_of_state(state).unwrap()));
    let recovered = Room::recover(&world.id, &packages, &readers(&keys), directory(), &mut world.rng);
    rooms.extend(recovered.map(|recovered| recovered.room));
    for (package, epoch) in packages.iter().zip(&world.ledger.epochs) {
        if !epoch.wrapped.iter().any(|who| who.person == person) {
            let joined = Room::join(package, epoch.author.public(), &readers(&keys), &mut world.rng);
            assert!(joined.is_err(), "person {person} joins");
            continue;
        }
        let Ok(mut joining) = Room::join(package, epoch.author.public(), &readers(&keys), &mut world.rng) else {
            continue;
        };
        while joining.wanted().is_some() && packages.iter().any(|package| joining.past(package, directory()).is_ok()) {}
        rooms.extend(joining.finish());
    }
    rooms
}

/// Gives a room all packages and grants, until it takes no more.
fn drain(world: &mut World, person: u8, room: &mut Room) {
    let keys = generations(person, GENERATIONS);
    room.accept_head();
    loop {
        let before = room.epochs().count();
        for package in &world.packages {
            let _ = room.apply(package, &readers(&keys), directory(), &mut world.rng);
        }
        let packages: Vec<&[u8]> = world.packages.iter().map(|package| &**package).collect();
        let _ = room.catch_up(&packages, &readers(&keys), directory(), &mut world.rng);
        for (grant, bytes) in world.ledger.grants.iter().zip(&world.grants) {
            let _ = room.accept_grant(bytes, grant.by.public(), &readers(&keys), &mut world.rng);
        }
        if room.epochs().count() == before {
            return;
        }
    }
}

/// Whoever has the packages of a branch reads all that they may there: a device that got them in order, and one that comes
/// back from the words alone.
fn members_read_all(world: &mut World) {
    let tips: BTreeSet<usize> =
        [Some(world.ledger.best_tip()), world.ledger.tips().pop()].into_iter().flatten().collect();
    for tip in tips {
        let path = world.ledger.path(tip);
        for member in world.ledger.epochs[tip].roster.iter().map(|(member, _)| *member).take(3).collect::<Vec<_>>() {
            let there = |epoch: &usize| world.ledger.member(*epoch, member.person).is_some();
            let joined = path.iter().rposition(|epoch| !there(epoch)).map_or(0, |place| place + 1);
            let keys = generations(member.person, member.generation + 1);
            // By which package they came in: a change of keys alone is no invitation.
            let first = path[joined];
            let (packages, rng) = (&world.packages, &mut world.rng);
            let mut room = {
                let inviter = world.ledger.epochs[first].author.public();
                let mut joining = Room::join(&packages[first], inviter, &readers(&keys), rng).unwrap();
                for epoch in path[..joined].iter().rev().filter(|_| world.ledger.shared) {
                    joining.past(&packages[*epoch], directory()).unwrap();
                }
                joining.finish().unwrap()
            };
            // Who is left out comes back by the next package that tells the secret.
            if !world.ledger.opens_all(&path[joined + 1..], member.person) {
                continue;
            }
            let given: Vec<&[u8]> = path[joined + 1..].iter().map(|epoch| &*packages[*epoch]).collect();
            let applied = room.catch_up(&given, &readers(&keys), directory(), rng);
            assert!(applied.iter().all(|applied| matches!(applied, Ok(Applied::Head { .. }))), "{applied:?}");
            assert_eq!((*room.me(), room.standing()), (member.fingerprint(), Standing::Confirmed));
            let earliest = if world.ledger.shared { 0 } else { joined };
            let mut rooms = vec![room];
            // Who was there without a break needs no invitation to come back.
            if path[..joined].iter().all(|epoch| !there(epoch)) {
                let given: Vec<&[u8]> = path.iter().rev().map(|epoch| &*packages[*epoch]).collect();
                let recovered = Room::recover(&world.id, &given, &readers(&keys), directory(), rng).unwrap();
                assert_eq!(recovered.room.standing(), Standing::Unconfirmed);
                rooms.push(recovered.room);
            }
            for mut room in rooms {
                assert_eq!(*room.transcript(), world.ledger.epochs[tip].transcript);
                let entitled = |epoch: &usize| path[earliest..].contains(epoch);
                for (sealed, bytes) in world.ledger.messages.iter().zip(&world.messages) {
                    if entitled(&sealed.epoch) {
                        let opened = room.open(bytes, &sealed.aad, directory()).unwrap();
                        assert_eq!(
                            (opened.content(), opened.sender()),
                            (&*sealed.content, &sealed.sender.fingerprint())
                        );
                    }
                }
            }
        }
    }
}

/// After everything was delivered to everybody, whoever sees the best branch from where they came in is at its end, and
/// whoever holds the same epochs is at the same. [ROOM-20]
fn everyone_settles(world: &mut World) {
    let best = world.ledger.best_tip();
    let path = world.ledger.path(best);
    let mut settled: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
    for device in world.there() {
        world.catch_up(device, &(0..world.packages.len()).collect::<Vec<_>>());
        let recommended = world.view(device).settle(&world.ledger);
        world.settle(device);
        let (view, ledger) = (world.view(device), &world.ledger);
        let first = view.path_up(ledger, view.head).last().unwrap();
        if first == 0 {
            let same = *settled.entry(view.held.keys().copied().collect()).or_insert(recommended);
            assert_eq!(same, recommended, "two who hold the same settle differently");
        }
        if view.held.contains_key(&best)
            && path.contains(&first)
            && view.path_up(ledger, best).any(|epoch| epoch == first)
        {
            assert_eq!(view.head, best, "device {device} is not where the others are");
        }
    }
    for message in 0..world.messages.len() {
        for device in world.there() {
            world.open(device, message);
        }
    }
}
