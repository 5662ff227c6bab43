//! Rooms with epochs that were kept to be read, while their parents were not there. SPEC §18.5, §21

use crate::histories::{ALICE, BOB, CAROL, begin};
use crate::hold::OK;
use crate::plays::{Device, Play, person};
use crate::rooms::{Body, Parts, epoch_value, fingerprint, state, transcript_of};
use sealroom::*;
use serde_json::Value;

/// Carol was removed, and Bob has of that only that he is behind. Her refreshes do not end it; the admin's epochs do. [ROOM-24]
pub(crate) fn raced() -> Value {
    let bob = person(BOB, 0);
    let mut all = begin("raced", HistoryPolicy::FromJoin);
    let mut play = Play::new("history-raced", "who was removed makes refreshes while the reader is behind", &[&bob]);
    play.join(&all.package, &person(ALICE, 0), &[]);
    let mut carol = all.carol.copy(&person(CAROL, 0));
    let removal = all.removes(CAROL);
    let refresh = all.alice.makes(Room::refresh);
    play.apply(&refresh);
    for _ in 0..2 {
        play.apply(&carol.makes(Room::refresh));
    }
    play.apply(&refresh);
    play.apply(&removal);
    play.apply(&refresh);
    play.hear(&all.alice.says(b"Without Carol."));
    play.end(OK)
}

/// Who makes an epoch was an admin at the reader's head and is none any more: what is missing is an admin's epoch, and nothing else.
/// [ROOM-24]
pub(crate) fn demoted() -> Value {
    let [alice, bob] = [ALICE, BOB].map(|n| person(n, 0));
    let mut all = begin("demoted", HistoryPolicy::FromJoin);
    let mut play =
        Play::new("history-demoted", "the refresh of who was an admin comes before what ended that", &[&bob]);
    play.join(&all.package, &alice, &[]);
    let demotion = Device::join(&bob, &alice, &all.package).makes(|room| room.demote(alice.public().fingerprint()));
    all.alice.apply(&demotion);
    let refresh = all.alice.makes(Room::refresh);
    for package in [&refresh, &demotion, &refresh] {
        play.apply(package);
    }
    play.end(OK)
}

/// Bob has the first epoch and his head, nothing between, and one that Carol signed as an admin beside it. Then the rest comes.
/// [ROOM-19]
pub(crate) fn kept() -> Value {
    let [alice, bob, carol] = [ALICE, BOB, CAROL].map(|n| person(n, 0));
    let mut all = begin("kept", HistoryPolicy::FromJoin);
    let first = epoch_value(&fingerprint(&alice), &all.parts(&all.package));
    let mut beside = all.carol.copy(&carol);
    let own = [(); 3].map(|()| all.carol.makes(Room::refresh));
    let head = epoch_value(&fingerprint(&carol), &all.parts(&own[2]));
    let other = beside.makes(Room::refresh);
    let parts = all.parts(&other);
    let previous = transcript_of(&epoch_value(&fingerprint(&carol), &parts));
    let of_two = parts.body.roster.iter().filter(|(who, _)| *who != fingerprint(&alice)).map(|(who, _)| (*who, 2));
    let body = Body { epoch: 2, previous, roster: of_two.collect(), ..parts.body };
    let planted = Parts { body, previous: None, transition: Vec::new(), secret: [6; 32], commitment: [6; 32] };
    let planted = epoch_value(&fingerprint(&carol), &planted);
    let mut takes = Device::of(&carol, &state(&fingerprint(&carol), &[(&planted, 1)], &transcript_of(&planted)));

    let mut play = Play::new(
        "history-kept",
        "an epoch that its author could not make was kept to be read: no branch that members' refreshes give way to",
        &[&bob],
    );
    play.load(&state(&fingerprint(&bob), &[(&first, 1), (&planted, 2), (&head, 1)], &transcript_of(&head)));
    for package in [&own[0], &own[1], &other, &takes.makes(Room::refresh)] {
        play.apply(package);
    }
    play.settle();
    // An admin's own is one.
    play.apply(&all.alice.makes(Room::refresh));
    play.end(OK)
}
