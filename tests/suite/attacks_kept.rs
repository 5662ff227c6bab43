//! Epochs that were kept to be read, and were never held against their parent. SPEC §18.5, §20.6, §21

use crate::common::keyrings::{by_hand, kept, knows, me, of, part, recover, register};
use crate::common::rooms::*;
use crate::common::*;
use sealroom::*;

/// A plain member signs an epoch in which they are the admin, and a recovery with a gap keeps it, to be read. Once the gap is
/// closed and its parent, a refresh, came, what follows it is no admin's branch that members' refreshes give way to. [ROOM-19]
#[test]
fn a_member_takes_no_room_over_by_what_was_kept() {
    let (bob, mallory, carol, me) = (&crowd()[1], &crowd()[2], &crowd()[3], me());
    let members = [(bob.id(), ADMIN), (mallory.id(), MEMBER), (carol.id(), MEMBER), (id(&me), MEMBER)];
    let all = [&bob.public, &mallory.public, &carol.public, me.public()];
    let zero = of(&Craft::new(Body::first(FROM_JOIN, &members), bob.sender(), &all).seal(), bob);
    let refresh = |known: &Known, by: &Outsider| {
        let package = Craft::new(known.next(), by.sender(), &all).with_previous(&known.secret).seal();
        (of(&package, by), package)
    };
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
    let members = [(bob.id(), ADMIN), (id(&me), MEMBER)];
    let all = [&bob.public, me.public()];
    let zero = of(&Craft::new(Body::first(FROM_JOIN, &members), bob.sender(), &all).seal(), bob);
    let one = of(&Craft::new(zero.next(), bob.sender(), &all).with_previous(&zero.secret).seal(), bob);
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
    let members = [(bob.id(), ADMIN), (id(&me), MEMBER)];
    let all = [&bob.public, me.public()];
    let zero = of(&Craft::new(Body::first(FROM_JOIN, &members), bob.sender(), &all).seal(), bob);
    let next =
        |known: &Known| of(&Craft::new(known.next(), bob.sender(), &all).with_previous(&known.secret).seal(), bob);
    let one = next(&zero);
    let two = next(&one);
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
