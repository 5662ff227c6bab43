//! A recovery from what an earlier one left.

use crate::common::keyrings::{by_hand, kept, keyring, knows, me, merge, part, past, recover, register};
use crate::common::rooms::*;
use crate::common::{Choices, symmetric};
use sealroom::*;

/// Random histories: what a recovery gave comes back from the keyring that it left, with the same packages.
#[test]
fn what_was_recovered_comes_back() {
    let mut choices = Choices(0x1234_5678);
    let me = me();
    let people = [&crowd()[1], &crowd()[2], &crowd()[3]];
    let mut bad = 0;
    for round in 0..150 {
        let history = if choices.below(2) == 0 { FROM_JOIN } else { SHARED };
        let members = [(people[0].id(), ADMIN), (people[1].id(), ADMIN), (people[2].id(), MEMBER), (id(&me), MEMBER)];
        let all = |body: &Body| -> Vec<&PublicIdentity> {
            let mut to: Vec<&PublicIdentity> = Vec::new();
            for (who, _) in &body.roster {
                to.extend(people.iter().find(|one| one.id() == *who).map(|one| &one.public));
                if *who == id(&me) {
                    to.push(me.public());
                }
            }
            to
        };
        let first = Body::first(history, &members);
        let package = Craft::new(first.clone(), people[0].sender(), &all(&first)).seal();
        let mut nodes = vec![(Known::of(&package, me.reader(), people[0].id()), package)];
        for _ in 0..3 + choices.below(6) {
            let at = if choices.below(3) > 0 { nodes.len() - 1 } else { choices.below(nodes.len()) };
            let parent = nodes[at].0.clone();
            let mut body = parent.next();
            let dave = people[2].id();
            let there = body.roster.iter().any(|(who, _)| *who == dave);
            let mut author = choices.below(3);
            if author == 2 && !there {
                author = 0;
            }
            let mut newcomer = false;
            if author < 2 && choices.below(3) == 0 {
                if there {
                    body.roster.retain(|(who, _)| *who != dave);
                } else {
                    body.roster = roster(&[&body.roster[..], &[(dave, MEMBER)]].concat());
                    newcomer = true;
                }
            }
            let mut craft = Craft::new(body.clone(), people[author].sender(), &all(&body));
            if history == SHARED || !newcomer {
                craft = craft.with_previous(&parent.secret);
            }
            let package = craft.seal();
            if nodes.iter().any(|(_, other)| *other == package) {
                continue;
            }
            nodes.push((Known::of(&package, me.reader(), people[author].id()), package));
        }
        let mut segments: Vec<Vec<u8>> = people.iter().map(|who| knows(&who.public)).collect();
        let mut entries = Vec::new();
        let mut heads = Vec::new();
        for (known, _) in &nodes {
            if choices.below(3) == 0 {
                entries.push(kept(known));
                heads.push(known.transcript());
            }
        }
        match choices.below(3) {
            0 if !heads.is_empty() => {
                let head = heads[choices.below(heads.len())];
                entries.push(register(1, &first.room_id(), 1, 5, &head));
            }
            1 => {
                let head = nodes[choices.below(nodes.len())].0.transcript();
                entries.push(register(1, &first.room_id(), 1, 5, &head));
            }
            _ => {}
        }
        segments.push(by_hand(5, 1, &entries));
        let packages: Vec<Vec<u8>> =
            nodes.iter().filter(|_| choices.below(4) > 0).map(|(_, package)| package.clone()).collect();
        let account = recover(&segments, &packages, false).finish().unwrap();
        let Some(room) = account.rooms.first() else { continue };
        let again = Room::load(&room.save(&symmetric(1), &mut SystemRng).unwrap(), &symmetric(1)).unwrap();
        assert_eq!(epochs(&again), epochs(room));
        let mut keyring = account.keyring;
        let was_kept = keyring.rooms().count() == 1;
        if keyring.has_news() {
            segments.push(part(&mut keyring));
        }
        for thrifty in [false, true] {
            let second = recover(&segments, &packages, thrifty).finish().unwrap();
            let other = &second.rooms[0];
            let lost: Vec<_> = epochs(room).difference(&epochs(other)).map(|(number, _)| *number).collect();
            let more = epochs(other).difference(&epochs(room)).count();
            if !lost.is_empty() || more > 0 || other.transcript() != room.transcript() {
                bad += 1;
                let numbers: Vec<_> = nodes
                    .iter()
                    .map(|(known, package)| {
                        let parent = nodes.iter().position(|(one, _)| one.transcript() == known.body.previous);
                        let author = people.iter().position(|one| one.id() == known.signer).unwrap();
                        (
                            known.body.epoch,
                            parent,
                            author,
                            packages.contains(package),
                            heads.contains(&known.transcript()),
                        )
                    })
                    .collect();
                let place = |transcript: &Transcript| {
                    nodes.iter().position(|(known, _)| known.transcript() == *transcript.as_bytes())
                };
                eprintln!(
                    "round {round} h{history} kept {was_kept} thrifty {thrifty}: lost {lost:?} more {more} head {:?} then {:?}\n  {numbers:?}",
                    place(room.transcript()),
                    place(other.transcript())
                );
            }
        }
    }
    assert_eq!(bad, 0);
}

/// A tablet that lags wrote the head last, and the segment between is withheld: its package is given, and what follows it is
/// held. [KRG-08] [REC-01]
#[test]
fn what_follows_a_gap_that_is_closed_is_the_head() {
    for history in [HistoryPolicy::FromJoin, HistoryPolicy::Shared] {
        let past = past(history, 4, false);
        let mut phone = keyring();
        let mut parts = vec![knows(&crowd()[1].public)];
        for epoch in 1..4 {
            phone.record(past.room(epoch)).unwrap();
            parts.push(part(&mut phone));
        }
        let mut tablet = keyring();
        for segment in &parts {
            merge(&mut tablet, segment);
        }
        tablet.record(past.room(1)).unwrap();
        // Without what holds the second epoch.
        parts.remove(2);
        parts.push(part(&mut tablet));
        let account = recover(&parts, &past.packages, false).finish().unwrap();
        assert_eq!(account.rooms[0].epochs().count(), 4);
        assert_eq!(account.rooms[0].transcript(), past.room(3).transcript());
    }
}

/// The same where the last epoch removed somebody: all packages are given, and who was removed reads nothing.
#[test]
fn who_was_removed_after_a_gap_reads_nothing() {
    let (bob, dave, me) = (&crowd()[1], &crowd()[3], me());
    let all = [&bob.public, &dave.public, me.public()];
    let first = Body::first(FROM_JOIN, &[(bob.id(), ADMIN), (dave.id(), MEMBER), (id(&me), MEMBER)]);
    let mut packages = vec![Craft::new(first, bob.sender(), &all).seal()];
    let of = |package: &[u8]| Known::of(package, me.reader(), bob.id());
    let mut known = vec![of(&packages[0])];
    for n in 0..4_usize {
        let mut body = known[n].next();
        let mut to = all.to_vec();
        if n >= 2 {
            body.roster.retain(|(who, _)| *who != dave.id());
            to.remove(1);
        }
        packages.push(Craft::new(body, bob.sender(), &to).with_previous(&known[n].secret).seal());
        known.push(of(&packages[n + 1]));
    }
    // The third is the removal; the second is in no segment.
    let head = register(1, &known[0].body.room_id(), 2, 5, &known[1].transcript());
    let entries = [kept(&known[0]), kept(&known[1]), kept(&known[3]), head];
    let segments = [knows(&bob.public), by_hand(5, 1, &entries)];
    let mut account = recover(&segments, &packages, false).finish().unwrap();
    let room = &mut account.rooms[0];
    room.accept_head();
    let message = room.seal(&Draft::new(b"x"), &me.sender(), &mut SystemRng).unwrap();
    let daves = State::of(dave.id(), &[&known[0], &known[1], &known[2]]);
    let people = [bob.public.clone(), me.public().clone()].to_vec();
    assert_eq!(daves.room().open(&message, b"", &people).err(), Some(Error::UnknownEpoch { epoch: 4 }));
}
