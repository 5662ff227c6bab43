//! Epochs that were kept to be read, and were never held against their parent. SPEC §18.5, §20.6, §21

use crate::common::keyrings::{by_hand, kept, knows, me, of, ours, part, recover, refreshed, register};
use crate::common::rooms::*;
use crate::common::*;
use sealroom::*;

/// Why what was refused was.
fn refused(recovery: &Recovery) -> Vec<Error> {
    recovery.refused().map(|(_, refused)| refused.error).collect()
}

/// A plain member signs an epoch in which they are the admin, and a recovery with a gap keeps it, to be read. Once the gap is
/// closed and its parent, a refresh, came, what follows it is no admin's branch that members' refreshes give way to. [ROOM-19]
#[test]
fn a_member_takes_no_room_over_by_what_was_kept() {
    let (bob, mallory, carol, me) = (&crowd()[1], &crowd()[2], &crowd()[3], me());
    let members = [(bob.id(), ADMIN), (mallory.id(), MEMBER), (carol.id(), MEMBER), (id(&me), MEMBER)];
    let all = [&bob.public, &mallory.public, &carol.public, me.public()];
    let zero = of(&Craft::new(Body::first(FROM_JOIN, &members), bob.sender(), &all).seal(), bob);
    let refresh = |known: &Known, by: &Outsider| refreshed(known, by, &all);
    let (one, first) = refresh(&zero, carol);
    let (two, second) = refresh(&one, carol);
    let (three, _) = refresh(&two, carol);
    // Mallory's, beside that.
    let (other, beside) = refresh(&zero, mallory);
    let both = [&mallory.public, me.public()];
    let body = Body { roster: roster(&[(mallory.id(), ADMIN), (id(&me), MEMBER)]), ..other.next() };
    let planted = Craft::new(body, mallory.sender(), &both).with_previous(&other.secret).seal();
    let false_two = of(&planted, mallory);
    let takes = Craft::new(false_two.next(), mallory.sender(), &both).with_previous(&false_two.secret).seal();

    let head = register(1, &zero.body.room_id(), 1, 5, &three.transcript());
    let mut segments: Vec<Vec<u8>> = [bob, mallory, carol].map(|who| knows(&who.public)).to_vec();
    segments.push(by_hand(5, 1, &[kept(&zero), kept(&three), head]));
    let mut room = recover(&segments, &[planted], false).finish().unwrap().rooms.remove(0);
    room.accept_head();
    assert_eq!(room.transcript().as_bytes(), &three.transcript());
    let mut answers = Vec::new();
    for package in [&first, &second, &beside, &takes] {
        answers.push(room.apply(package, &[me.reader()], &directory(), &mut SystemRng));
    }
    assert_eq!(
        (room.transcript().as_bytes(), room.roster().len()),
        (&three.transcript(), 4),
        "{answers:?} {:?}",
        room.standing()
    );
}

/// A stranger's epoch that was kept to be read, while its parent was not there, does not keep the head from an admin's beside
/// it. [KRG-08]
#[test]
fn what_may_not_follow_holds_nothing_back() {
    let (bob, stranger, me) = (&crowd()[1], &crowd()[2], me());
    let all = [&bob.public, me.public()];
    let zero = ours();
    let (one, _) = refreshed(&zero, bob, &all);
    let body = Body { roster: roster(&[(stranger.id(), ADMIN), (id(&me), MEMBER)]), ..zero.next() };
    let to = [&stranger.public, me.public()];
    let planted = of(&Craft::new(body, stranger.sender(), &to).with_previous(&[3; 32]).seal(), stranger);
    let head = register(1, &zero.body.room_id(), 1, 5, &zero.transcript());
    let recovered = |more: &[(u8, Vec<u8>)]| {
        let entries = [&[kept(&zero), kept(&one), head.clone()], more].concat();
        let segments = [knows(&bob.public), knows(&stranger.public), by_hand(5, 1, &entries)];
        *recover(&segments, &[], false).finish().unwrap().rooms[0].transcript().as_bytes()
    };
    assert_eq!(recovered(&[]), one.transcript());
    assert_eq!(recovered(&[kept(&planted)]), one.transcript());
}

/// A stranger's epoch that a recovery with a gap kept to be read, and wrote into the keyring, is not the one that is recommended
/// once its parent is there. [ROOM-20]
#[test]
fn nobody_settles_on_a_strangers_epoch() {
    let (bob, stranger, me) = (&crowd()[1], &crowd()[2], me());
    let all = [&bob.public, me.public()];
    let zero = ours();
    let (one, _) = refreshed(&zero, bob, &all);
    let (two, _) = refreshed(&one, bob, &all);
    let body = Body { roster: roster(&[(stranger.id(), ADMIN), (id(&me), MEMBER)]), ..zero.next() };
    let to = [&stranger.public, me.public()];
    let planted = Craft::new(body, stranger.sender(), &to).with_previous(&[3; 32]).seal();
    let head = register(1, &zero.body.room_id(), 1, 5, &two.transcript());
    let mut segments = vec![knows(&bob.public), by_hand(5, 1, &[kept(&two), head])];
    let mut account = recover(&segments, std::slice::from_ref(&planted), false).finish().unwrap();
    assert_eq!(account.rooms[0].epochs().count(), 2);
    segments.push(part(&mut account.keyring));
    segments.push(by_hand(6, 1, &[kept(&zero), kept(&one)]));
    let account = recover(&segments, &[], false).finish().unwrap();
    let room = &account.rooms[0];
    assert_eq!((room.epochs().count(), room.transcript().as_bytes()), (4, &two.transcript()));
    let planted = of(&planted, stranger).transcript();
    assert_ne!(room.settle().as_bytes(), &planted, "who was never a member is recommended");
}

/// Two epochs of one number, the parents of both missing: with the one begins a later run of the room, and the other is no past of
/// it. [ROOM-08] [REC-01]
#[test]
fn beside_what_begins_a_run_is_no_past() {
    let (bob, me) = (&crowd()[1], me());
    let all = [&bob.public, me.public()];
    let zero = ours();
    let later = |previous| {
        let body = Body { epoch: 5, previous: [previous; 32], ..zero.next() };
        Craft::new(body, bob.sender(), &all).with_previous(&[3; 32]).seal()
    };
    let packages = [later(8), later(9)];
    let recovery = recover(&[knows(&bob.public), by_hand(5, 1, &[kept(&zero)])], &packages, false);
    assert_eq!(refused(&recovery), [Error::Room { check: "ROOM-08" }]);
    let room = &recovery.finish().unwrap().rooms[0];
    assert_eq!((room.epochs().count(), room.epoch().number()), (2, 5));
}

/// Of what has no parent that is held it is told why no run begins with it. [ROOM-15] [REC-01]
#[test]
fn it_is_told_why_no_run_begins() {
    let (bob, stranger, me) = (&crowd()[1], &crowd()[2], me());
    let all = [&bob.public, me.public()];
    let zero = ours();
    let late = Craft::new(Body { epoch: 5, previous: [9; 32], ..zero.next() }, stranger.sender(), &all);
    let segments = [knows(&bob.public), knows(&stranger.public), by_hand(5, 1, &[kept(&zero)])];
    let recovery = recover(&segments, &[late.with_previous(&[3; 32]).seal()], false);
    assert_eq!(refused(&recovery), [Error::Room { check: "ROOM-15" }]);
}

/// What was only read leads to a run that begins later and names it: it is of the own branch then, and what follows it, only read
/// until then too, is a fork. [ROOM-16]
#[test]
fn a_run_takes_up_what_was_only_read() {
    let (bob, me) = (&crowd()[1], me());
    let all = [&bob.public, me.public()];
    let zero = ours();
    // Number 5 of what was kept is the head, and has no place among what leads to number 6.
    let late = |epoch, previous| {
        let body = Body { epoch, previous: [previous; 32], ..zero.next() };
        let package = Craft::new(body, bob.sender(), &all).with_previous(&[3; 32]).seal();
        (of(&package, bob), package)
    };
    let (five, _) = late(5, 8);
    let (mut last, first) = late(3, 9);
    let (beside, fork) = refreshed(&last, bob, &all);
    let mut packages = vec![first, fork];
    for _ in 4..=6 {
        let (next, package) = refreshed(&last, bob, &all);
        packages.push(package);
        last = next;
    }
    let segments = [knows(&bob.public), by_hand(5, 1, &[kept(&five)])];
    let recovery = recover(&segments, &packages, false);
    assert_eq!(refused(&recovery), []);
    let room = &recovery.finish().unwrap().rooms[0];
    assert_eq!((room.epochs().count(), room.transcript().as_bytes()), (6, &last.transcript()));
    assert_eq!(room.forks().iter().map(|fork| fork.transcript.as_bytes()).collect::<Vec<_>>(), [&beside.transcript()]);
}

/// The parent of a member's refresh comes back by its name; an admin's refresh beside that one prevails, and what was kept and
/// follows it is the head. [ROOM-19] [REC-01] [KRG-08]
#[test]
fn what_came_back_by_its_name_makes_a_fork() {
    let (bob, carol, me) = (&crowd()[1], &crowd()[3], me());
    let all = [&bob.public, &carol.public, me.public()];
    let body = Body::first(FROM_JOIN, &[(bob.id(), ADMIN), (carol.id(), MEMBER), (id(&me), MEMBER)]);
    let body = Body { epoch: 2, previous: [9; 32], ..body };
    let named = Craft::new(body, bob.sender(), &all).with_previous(&[3; 32]).seal();
    let two = of(&named, bob);
    let (three, _) = refreshed(&two, carol, &all);
    let (beside, fork) = refreshed(&two, bob, &all);
    let (four, _) = refreshed(&beside, bob, &all);
    let head = register(1, &two.body.room_id(), 1, 5, &three.transcript());
    let entries = [kept(&three), kept(&four), head];
    let segments = [knows(&bob.public), knows(&carol.public), by_hand(5, 1, &entries)];
    let recovered =
        |packages: &[Vec<u8>]| *recover(&segments, packages, false).finish().unwrap().rooms[0].transcript().as_bytes();
    assert_eq!(recovered(&[]), three.transcript());
    assert_eq!(recovered(&[named, fork]), four.transcript());
}

/// An epoch without me that one of mine names comes with that, and is only read like it, if nothing leads on from there. [ROOM-16]
#[test]
fn what_was_before_what_is_only_read_is_only_read() {
    let (bob, carol, me) = (&crowd()[1], &crowd()[3], me());
    let mine = [&bob.public, &carol.public, me.public()];
    let body = Body::first(SHARED, &[(bob.id(), ADMIN), (carol.id(), MEMBER), (id(&me), MEMBER)]);
    let late = |body: Body, to: &[&PublicIdentity]| Craft::new(body, bob.sender(), to).with_previous(&[3; 32]).seal();
    let five = of(&late(Body { epoch: 5, previous: [8; 32], ..body.clone() }, &mine), bob);
    let without = Body { epoch: 3, previous: [9; 32], ..body.clone() };
    let without = Body { roster: roster(&[(bob.id(), ADMIN), (carol.id(), MEMBER)]), ..without };
    let without = late(without, &mine[..2]);
    let three = Known::of(&without, bob.reader(), bob.id());
    let back = |to: &[&PublicIdentity]| {
        let body = Body { roster: body.roster.clone(), ..three.next() };
        Craft::new(body, bob.sender(), to).with_previous(&three.secret).seal()
    };
    // The order of its readers makes another epoch of it.
    let [named, beside] = [back(&mine), back(&[me.public(), &bob.public, &carol.public])];
    let segments = [knows(&bob.public), by_hand(5, 1, &[kept(&five)])];
    let mut room = recover(&segments, &[without, named], false).finish().unwrap().rooms.remove(0);
    assert_eq!((room.epochs().count(), room.epoch().number()), (3, 5));
    let applied = room.apply(&beside, &[me.reader()], &directory(), &mut SystemRng);
    assert_eq!((applied, room.forks()), (Err(Error::Room { check: "ROOM-08" }), vec![]));
}
