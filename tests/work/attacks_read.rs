//! What is only read, and the own branch beside it: stored, long, in many rounds, and as a tip. SPEC §18.5, §18.9, §21

use crate::common::keyrings::{
    by_hand, granted, kept, knows, late_epoch, me, of, ours, recover, recovers, refreshed, register, with_a_gap,
};
use crate::common::rooms::*;
use crate::common::*;
use sealroom::*;

/// A room that came back can be stored and loaded, where another run begins beside the head and what led to that was granted.
/// [ROOM-26]
#[test]
fn a_run_beside_what_was_granted_is_loaded_again() {
    let (bob, me) = (&crowd()[1], me());
    let all = [&bob.public, me.public()];
    let zero = ours();
    let (one, _) = refreshed(&zero, bob, &all);
    // After another epoch 1, which the server does not give.
    let body = Body { epoch: 2, previous: [7; 32], ..one.body.clone() };
    let beside = Craft::new(body, bob.sender(), &all).with_previous(&[3; 32]).seal();
    let head = register(1, &zero.body.room_id(), 1, 5, &one.transcript());
    let segments = [knows(&bob.public), by_hand(5, 1, &[granted(&zero), kept(&one), head])];
    let room = recover(&segments, std::slice::from_ref(&beside), false).finish().unwrap().rooms.remove(0);
    assert_eq!(room.transcript().as_bytes(), &of(&beside, bob).transcript());
    assert_eq!(hazmat::room_of_state(&hazmat::room_state(&room)).map(|_| ()), Ok(()));
}

/// The same where what is only read is the parent of what begins a run.
#[test]
fn a_run_after_what_is_only_read_is_loaded_again() {
    let (bob, me) = (&crowd()[1], me());
    let all = [&bob.public, me.public()];
    let zero = ours();
    let (one, _) = refreshed(&zero, bob, &all);
    let body = Body { previous: [7; 32], ..one.body.clone() };
    let other = of(&Craft::new(body, bob.sender(), &all).with_previous(&[3; 32]).seal(), bob);
    let beside = Craft::new(other.next(), bob.sender(), &all).with_previous(&other.secret).seal();
    let head = register(1, &zero.body.room_id(), 1, 5, &one.transcript());
    let segments = [knows(&bob.public), by_hand(5, 1, &[kept(&zero), granted(&other), kept(&one), head])];
    let room = recover(&segments, std::slice::from_ref(&beside), false).finish().unwrap().rooms.remove(0);
    assert_eq!(room.transcript().as_bytes(), &of(&beside, bob).transcript());
    assert_eq!(hazmat::room_of_state(&hazmat::room_state(&room)).map(|_| ()), Ok(()));
}

/// A chain that is only read costs as many times as much as it is long.
#[test]
fn a_chain_that_is_only_read() {
    let (bob, me) = (&crowd()[1], me());
    let all = [&bob.public, me.public()];
    let (late, segments) = late_epoch(1_000_000);
    let body = Body { epoch: 5, previous: [8; 32], ..late.body.clone() };
    let mut chain = vec![Craft::new(body, bob.sender(), &all).with_previous(&[3; 32]).seal()];
    for _ in 1..fewer(1200) {
        let last = of(chain.last().unwrap(), bob);
        chain.push(Craft::new(last.next(), bob.sender(), &all).with_previous(&last.secret).seal());
    }
    is_linear(fewer(300), |n| recovers(&segments, &chain[..n], n + 1));
}

/// What is only read, under one header.
#[test]
fn what_is_only_read_under_one_header() {
    let (bob, me) = (&crowd()[1], me());
    let to = [&bob.public, me.public()];
    let (late, segments) = late_epoch(1_000_000);
    let count = fewer(4800);
    let packages: Vec<Vec<u8>> = (0..count)
        .map(|n| {
            let body = Body { epoch: 5, previous: numbered(n as u64), ..late.body.clone() };
            Craft::new(body, bob.sender(), &to).with_previous(&[4; 32]).seal_by_hand(&to, None, bob.id(), bob)
        })
        .collect();
    let entries: Vec<_> = packages.iter().map(|package| granted(&of(package, bob))).collect();
    is_linear(count / 4, |n| {
        let segments = [&segments[..], &[by_hand(6, 1, &entries[..n])]].concat();
        recovers(&segments, &packages[..n], n + 1)
    });
}

/// What is kept of evidence is at most 64 ends, whatever strangers' epochs are only read. [ROOM-18]
#[test]
fn what_is_only_read_makes_no_more_places() {
    for planted in [false, true] {
        let (bob, stranger, carol, me) = (&crowd()[1], &crowd()[2], &crowd()[3], me());
        let all = [&bob.public, &carol.public, me.public()];
        let ([zero, ..], segments) = with_a_gap(MEMBER);
        let refresh = |known: &Known, by: &Outsider| refreshed(known, by, &all);
        let forks: Vec<_> = (0..100).map(|_| refresh(&zero, carol)).collect();
        let to = [&stranger.public, me.public()];
        let children: Vec<_> = forks
            .iter()
            .filter(|_| planted)
            .map(|(known, _)| {
                let body = Body { roster: roster(&[(stranger.id(), ADMIN), (id(&me), MEMBER)]), ..known.next() };
                Craft::new(body, stranger.sender(), &to).with_previous(&[3; 32]).seal()
            })
            .collect();
        let mut room = recover(&segments, &children, false).finish().unwrap().rooms.remove(0);
        assert_eq!(room.epochs().count(), 3 + children.len());
        for (_, package) in &forks {
            room.apply(package, &[me.reader()], &directory(), &mut SystemRng).unwrap();
        }
        assert!(room.forks().len() <= 64, "planted {planted}: {}", room.forks().len());
    }
}

/// What goes on from a branch needs no place, though a stranger's epoch that is only read follows there. [ROOM-18]
#[test]
fn what_is_only_read_keeps_nothing_from_going_on() {
    for planted in [false, true] {
        let (bob, stranger, carol, me) = (&crowd()[1], &crowd()[2], &crowd()[3], me());
        let all = [&bob.public, &carol.public, me.public()];
        let ([zero, ..], segments) = with_a_gap(ADMIN);
        let refresh = |known: &Known, by: &Outsider| refreshed(known, by, &all);
        let (first, fork) = refresh(&zero, carol);
        let (_, next) = refresh(&first, carol);
        let to = [&stranger.public, me.public()];
        let body = Body { roster: roster(&[(stranger.id(), ADMIN), (id(&me), MEMBER)]), ..first.next() };
        let child = Craft::new(body, stranger.sender(), &to).with_previous(&[3; 32]).seal();
        let children = if planted { vec![child] } else { Vec::new() };
        let mut room = recover(&segments, &children, false).finish().unwrap().rooms.remove(0);
        let mut apply = |package: &[u8]| room.apply(package, &[me.reader()], &directory(), &mut SystemRng);
        let author = *carol.public.fingerprint();
        assert_eq!(apply(&fork), Ok(Applied::Fork { author, kept: true }));
        for _ in 0..64 {
            apply(&refresh(&zero, carol).1).unwrap();
        }
        assert_eq!(apply(&next), Ok(Applied::Fork { author, kept: true }), "planted {planted}");
    }
}
