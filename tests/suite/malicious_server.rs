//! A server that drops, repeats, reorders, mixes, rolls back and changes what it stores, and shows one person as another, with a
//! plain member and another account on its side, against two honest people in two rooms and their new devices. SPEC §1
//!
//! Whatever it does: nothing is taken that its author did not make, what is refused changes nothing, who holds one
//! transcript holds one room, and what honest delivery brings later is the same for both, or a fork that both are told.

mod end;
mod gives;
mod grants;
mod insider;
mod moves;
mod people;
mod world;

use crate::common::server::Spoil;
use moves::*;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sealroom::*;
use std::cell::RefCell;
use std::collections::BTreeMap;
use world::*;

/// Random games of 60 to 110 moves. [ROOM-06] [ROOM-07] [ROOM-09] [ROOM-18] [ROOM-20] [ROOM-22] [ROOM-25] [RMSG-05] [RMSG-07]
/// [KRG-06] [KRG-07] [LNK-03] [LNK-07] [LNK-08] [PRF-05]
#[test]
fn no_game_is_won() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    // A game is as long as many cases of other properties. Fewer than 40 would not show all that is counted at the end.
    let cases = (config.cases / 20).max(40);
    let games = (prop::collection::vec(moves(), 60..110), any::<u64>());
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
    // The games were no empty ones: the rarest of these comes more than ten times, mostly.
    let tally = tally.into_inner();
    let of_rooms = ["head", "fork", "held", "refused", "not a package", "opened", "repeated"];
    let of_grants = ["granted", "granted again", "granted by Carol", "grant refused", "read by grant"];
    let of_people =
        ["not known", "not wrapped", "swap told", "linked", "another's answer", "answer to another request"];
    for what in of_rooms.into_iter().chain(of_grants).chain(of_people) {
        assert!(tally.contains_key(what), "{what} of {tally:?}");
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
const CAROL: usize = 2;

/// What was stored so many before the last, given to somebody.
fn gives(to: usize, what: usize) -> Move {
    Move::Gives { to, what, spoil: Spoil::Not }
}

fn changes(who: usize, deed: Deed, takes: bool) -> Move {
    Move::Changes { who, room: 0, deed, takes }
}

impl World {
    /// What was told since it was asked last.
    fn told(&mut self, of: &[&'static str]) -> Vec<(&'static str, usize)> {
        let mut told = std::mem::take(&mut self.tally);
        told.retain(|what, _| of.contains(what));
        told.into_iter().collect()
    }

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

/// Each spoilt form of each object there is, to each: refused, and both are as they were, a new phone too. [ROOM-06] [KRG-01]
/// [ROOM-25] [LNK-02]
#[test]
fn spoilt_objects_change_nothing() {
    let mut world = after(&[
        changes(ALICE, Deed::Refresh, true),
        gives(BOB, 0),
        Move::Begins { room: 0, at: 0 },
        Move::Grants { who: ALICE, room: 0, len: 0, to: BOB, now: false },
        Move::Links { who: ALICE, now: false },
        Move::Says { who: ALICE, room: 0, text: 1 },
        Move::Says { who: BOB, room: 1, text: 1 },
        changes(ALICE, Deed::Refresh, false),
        changes(BOB, Deed::Toggle, false),
        Move::Records { who: ALICE },
        Move::Records { who: BOB },
        Move::Asks { server: 0, target: 1 },
    ]);
    let states = |world: &World| -> Vec<Vec<u8>> {
        let rooms = world.people.iter().flat_map(|person| &person.rooms).chain(world.phones.values());
        rooms
            .map(hazmat::room_state)
            .chain(world.people.iter().map(|person| hazmat::keyring_entries(&person.keyring)))
            .collect()
    };
    let (before, count) = (states(&world), world.stored.len());
    world.tally.clear();
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

/// To a new phone of Bob's, which holds the last epoch alone: a grant for Carol and one with a lie in it bring nothing, Alice's
/// brings what it names, once, and Carol's what she says as herself. His other devices hold all of that. [ROOM-25]
#[test]
fn a_grant_is_for_whom_it_names() {
    let refresh = || changes(ALICE, Deed::Refresh, true);
    let begins = Move::Begins { room: 0, at: 0 };
    let mut world = after(&[refresh(), gives(BOB, 0), refresh(), gives(BOB, 0), begins]);
    let grants = ["grant refused", "granted", "granted again", "granted by Carol"];
    let held = |world: &World| world.phones[&(BOB, 0)].epochs().count();
    let mut after = |step: Move| {
        world.plays(&step);
        world.plays(&gives(BOB, 0));
        (world.told(&grants), held(&world))
    };
    let by_alice = |to| Move::Grants { who: ALICE, room: 0, len: 0, to, now: false };
    assert_eq!(after(by_alice(CAROL)), (vec![("grant refused", 3)], 1));
    // Of the first two epochs, with the lie about either.
    let by_carol = |at, lie| Move::InsiderGrants { at, to: BOB, lie, now: false };
    for lie in &Lie::ALL[1..] {
        for at in [0, 2] {
            assert_eq!(after(by_carol(at, *lie)), (vec![], 1), "{lie:?}");
        }
    }
    let once = vec![("grant refused", 1), ("granted", 1), ("granted again", 1)];
    assert_eq!(after(by_alice(BOB)), (once, 2));
    assert_eq!(after(gives(BOB, 0)).0, [("grant refused", 2), ("granted again", 4)]);
    let by_her = vec![("grant refused", 1), ("granted again", 1), ("granted by Carol", 1)];
    assert_eq!(after(by_carol(0, Lie::Nothing)), (by_her, 3));
    // Once she is removed her word does not count, even for what she was there for.
    for step in [changes(ALICE, Deed::Toggle, true), gives(BOB, 0), Move::Begins { room: 0, at: 0 }] {
        world.plays(&step);
    }
    world.tally.clear();
    world.plays(&by_carol(0, Lie::Nothing));
    world.plays(&gives(BOB, 0));
    assert_eq!((world.told(&grants), held(&world)), (vec![("grant refused", 3)], 1));
    world.delivers();
}

/// Three requests and their answers, each offered to all; and what somebody answers who saw a request. [LNK-03] [LNK-04]
/// [LNK-07] [LNK-08]
#[test]
fn an_answer_is_for_its_request() {
    let mut world = after(&[ALICE, ALICE, BOB].map(|who| Move::Links { who, now: false }));
    let answers = ["linked", "another's answer", "answer to another request"];
    for what in 0..3 {
        (0..2).for_each(|to| world.plays(&gives(to, what)));
    }
    assert_eq!(world.told(&answers), [("answer to another request", 3), ("linked", 3)]);
    for (lie, told) in FalseAnswer::ALL.into_iter().zip([1, 0, 0, 0]) {
        world.plays(&Move::MalloryAnswers { request: 0, lie, now: true });
        let expected = [("another's answer", told)].into_iter().filter(|(_, told)| *told > 0).collect::<Vec<_>>();
        assert_eq!(world.told(&answers), expected, "{lie:?}");
    }
}

/// The server has Carol's identity for Bob: Alice is told, takes nothing of his and nothing that Carol signs as him, and wraps
/// nothing for Carol in his place; with the right identity all is as if it had not been. [KRG-07] [ROOM-07] [RMSG-05]
#[test]
fn a_swapped_identity_is_told() {
    let mut world = after(&[Move::Swaps { of: BOB, by: CAROL }, Move::LooksUp { who: ALICE }]);
    let told = ["swap told", "not known", "not wrapped", "opened", "head"];
    assert_eq!(world.told(&told), [("swap told", 1)]);
    for step in [
        Move::Says { who: BOB, room: 0, text: 1 },
        changes(BOB, Deed::Toggle, true),
        Move::InsiderForges { at: 0, package: false, as_who: BOB },
        Move::InsiderForges { at: 0, package: true, as_who: BOB },
    ] {
        world.plays(&step);
        let before = hazmat::room_state(world.room(ALICE));
        world.plays(&gives(ALICE, 0));
        assert!(before == hazmat::room_state(world.room(ALICE)));
        assert_eq!(world.told(&told), [("not known", 1)], "{step:?}");
    }
    world.plays(&changes(ALICE, Deed::Refresh, true));
    assert_eq!(world.told(&told), [("not wrapped", 1)]);
    world.plays(&Move::Swaps { of: BOB, by: BOB });
    (0..4).for_each(|what| world.plays(&gives(ALICE, what)));
    assert_eq!(world.told(&told), [("head", 1), ("opened", 1)]);
    world.plays(&changes(ALICE, Deed::Refresh, true));
    world.delivers();
}
