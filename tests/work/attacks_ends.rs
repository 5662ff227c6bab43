//! Which ends of evidence there are beside what is only read. SPEC §18.5

use crate::common::keyrings::{by_hand, granted, kept, knows, me, of, recover, refreshed, register};
use crate::common::rooms::*;
use crate::common::*;
use sealroom::*;
use std::collections::BTreeMap;

/// Of the branch that was left, an epoch that only one follows which is only read then is a tip: what goes on from it needs no
/// place. [ROOM-18]
#[test]
fn what_was_left_is_a_tip() {
    for stored in [true, false] {
        let (bob, carol, me) = (&crowd()[1], &crowd()[3], me());
        let members = [(bob.id(), ADMIN), (carol.id(), ADMIN), (id(&me), MEMBER)];
        let all = [&bob.public, &carol.public, me.public()];
        let zero = of(&Craft::new(Body::first(FROM_JOIN, &members), bob.sender(), &all).seal(), bob);
        let refresh = |known: &Known, by: &Outsider| refreshed(known, by, &all);
        let (one, _) = refresh(&zero, bob);
        let (two, _) = refresh(&one, bob);
        let (three, _) = refresh(&two, bob);
        let (other, beside) = refresh(&zero, carol);
        let (_, next) = refresh(&one, carol);
        let head = register(1, &zero.body.room_id(), 1, 5, &three.transcript());
        let entries = [kept(&zero), kept(&one), granted(&two), kept(&three), head];
        let segments = [knows(&bob.public), knows(&carol.public), by_hand(5, 1, &entries)];
        let mut room = recover(&segments, &[], false).finish().unwrap().rooms.remove(0);
        let apply = |room: &mut Room, package: &[u8]| room.apply(package, &[me.reader()], &directory(), &mut SystemRng);
        let author = *carol.public.fingerprint();
        assert_eq!(apply(&mut room, &beside), Ok(Applied::Fork { author, kept: true }));
        let fork = room.forks()[0].transcript;
        assert_eq!(fork.as_bytes(), &other.transcript());
        room.switch_to(&fork).unwrap();
        if stored {
            room = hazmat::room_of_state(&hazmat::room_state(&room)).unwrap();
        }
        // Two tips are there, the first and the third of what was left.
        let fork = |kept| Ok(Applied::Fork { author, kept });
        let others: Vec<_> = (0..63).map(|_| apply(&mut room, &refresh(&zero, carol).1)).collect();
        assert_eq!(apply(&mut room, &next), fork(true), "stored {stored}");
        assert_eq!((others[61], others[62]), (fork(true), fork(false)), "stored {stored}");
    }
}

/// Members' refreshes that take each other's place, after an epoch that strangers' epochs follow which are only read.
#[test]
fn places_beside_what_is_only_read() {
    let (bob, carol, me) = (&crowd()[1], &crowd()[3], me());
    let members = [(bob.id(), ADMIN), (carol.id(), MEMBER), (id(&me), MEMBER)];
    let all = [&bob.public, &carol.public, me.public()];
    let zero = of(&Craft::new(Body::first(FROM_JOIN, &members), bob.sender(), &all).seal(), bob);
    let (one, _) = refreshed(&zero, bob, &all);
    let (parent, _) = refreshed(&zero, carol, &all);
    let made = |before: &Known, signer, n: usize| Known {
        signer,
        body: before.next(),
        commitment: numbered(n as u64),
        secret: numbered(n as u64 + 1_000_000),
        rest: Vec::new(),
    };
    let forks: Vec<Known> = (0..63).map(|n| made(&zero, bob.id(), n)).collect();
    let few = 100;
    let packages: Vec<Vec<u8>> = (0..4 * few).map(|_| refreshed(&parent, carol, &all).1).collect();
    is_linear(few, |count| {
        let mut stored = BTreeMap::new();
        let mut put = |known: &Known, branch, is_read: bool| {
            let bytes = if is_read { known.stored_granted(branch) } else { known.stored(branch) };
            stored.insert((known.body.epoch, known.transcript()), bytes);
        };
        put(&zero, 1, false);
        put(&one, 1, false);
        put(&parent, 2, false);
        forks.iter().for_each(|fork| put(fork, 2, false));
        (0..100 * count).for_each(|n| put(&made(&parent, [5; 32], n), 2, true));
        let mut state = State::of(id(&me), &[&zero, &one]);
        state.epochs = stored.into_values().collect();
        let mut room = state.room();
        let start = cpu_time::ThreadTime::now();
        for package in &packages[..count] {
            let applied = room.apply(package, &[me.reader()], &directory(), &mut SystemRng);
            assert_eq!(applied, Ok(Applied::Fork { author: *carol.public.fingerprint(), kept: true }));
        }
        start.elapsed()
    });
}
