//! Random histories of a room beside a plain model of it: people with two devices each, and a server between them that
//! keeps, withholds, repeats and reorders everything. SPEC §18, §19.
//!
//! `PROPTEST_CASES=2000 cargo test --release --all-features --test room_model` for longer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::as_conversions,
    clippy::panic,
    reason = "tests may fail loudly"
)]

mod actions;
mod forge;
mod invariants;
mod known;
mod ledger;
mod people;
mod statements;
mod view;
mod world;

use actions::{Action, Kind, action};
use proptest::collection::vec;
use proptest::prelude::*;
use world::World;

/// Actions in a history.
const LONGEST: usize = 30;

fn cases() -> ProptestConfig {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let given = std::env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig { cases: if given { config.cases } else { 80 }, max_shrink_iters: 2000, ..config }
}

fn history(shared: bool, others: &[bool], seed: u64, actions: &[Action]) {
    let mut world = World::new(shared, others, seed);
    actions.iter().for_each(|action| world.run(action));
    invariants::at_end(&mut world);
}

/// A history that failed once: a device begins with a member's refresh, and is granted what was before it. It settles like
/// who was there. [ROOM-20]
#[test]
fn a_parent_that_came_by_a_grant() {
    let change = |by, kind, who| Action::Change { by, kind, who, mask: u16::MAX };
    let add = Kind::Add { admin: false, two: false };
    let actions = [
        Action::Fork { by: [188, 154], kinds: [add, Kind::Refresh], who: [86, 0], masks: [u16::MAX; 2] },
        change(0, Kind::Demote, 0),
        change(18, Kind::Refresh, 0),
        change(14, add, 0),
        change(0, Kind::Remove, 29),
        Action::Recover { to: 17, given: vec![147, 33], all: false },
        Action::Grant { by: 2, to: 0, last: 0, more: 1, given: true },
    ];
    for seed in 0..16 {
        history(true, &[false], seed, &actions);
    }
}

/// A history that failed once: a device is recovered from two packages, and gets what is between them later.
#[test]
fn a_gap_that_is_filled() {
    let change = |by, kind, who| Action::Change { by, kind, who, mask: u16::MAX };
    let add = Kind::Add { admin: false, two: false };
    let actions = [
        Action::Fork { by: [134, 6], kinds: [add, Kind::Promote], who: [0, 83], masks: [u16::MAX; 2] },
        change(64, add, 120),
        change(0, Kind::Refresh, 0),
        change(4, Kind::Refresh, 0),
        Action::Recover { to: 32, given: vec![131, 188], all: false },
    ];
    history(false, &[false, false], 0, &actions);
}

/// A history that failed once: what an addition names is opened also by a device that came in by it. [ROOM-29]
#[test]
fn what_a_held_addition_names() {
    let change = |by, kind, who, mask| Action::Change { by, kind, who, mask };
    let add = Kind::Add { admin: false, two: false };
    let actions = [
        change(0, Kind::Refresh, 0, 18032),
        change(34, add, 0, 10304),
        change(151, add, 0, u16::MAX),
        change(12, Kind::Remove, 6, u16::MAX),
        Action::Fork { by: [0, 44], kinds: [add; 2], who: [0; 2], masks: [u16::MAX; 2] },
        Action::Recover { to: 86, given: vec![188, 2], all: false },
    ];
    history(true, &[true, true], 0, &actions);
}

proptest! {
    #![proptest_config(cases())]

    /// Whatever happens, everyone holds and reads what the model says and nothing else, and no message is anybody's but
    /// its author's. Newcomers read nothing of the past unless it is granted. [ROOM-06] [ROOM-09] [ROOM-18] [ROOM-25]
    #[test]
    fn histories_from_join(
        others in vec(any::<bool>(), 1..5),
        seed in any::<u64>(),
        actions in vec(action(), 1..=LONGEST),
    ) {
        history(false, &others, seed, &actions);
    }

    /// The same, where newcomers read everything. [ROOM-16] [ROOM-19] [ROOM-20] [ROOM-22] [RMSG-06] [RMSG-07]
    #[test]
    fn histories_shared(
        others in vec(any::<bool>(), 1..5),
        seed in any::<u64>(),
        actions in vec(action(), 1..=LONGEST),
    ) {
        history(true, &others, seed, &actions);
    }
}
