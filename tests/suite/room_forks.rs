//! Forks: who keeps what, who yields, and that people settle alike. SPEC §18.5.

use crate::common::Outsider;
use crate::common::rooms::*;
use sealroom::*;

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;
const DAVE: usize = 3;

fn fingerprint(n: usize) -> Fingerprint {
    *crowd()[n].public.fingerprint()
}

fn fork(author: usize) -> Result<Applied, Error> {
    Ok(Applied::Fork { author: fingerprint(author), kept: true })
}

fn switched(author: usize) -> Result<Applied, Error> {
    Ok(Applied::Switched { author: fingerprint(author) })
}

/// Alice and Bob are admins, Carol and Dave are members.
fn four() -> [Device; 4] {
    let (devices, _) = Device::rooms(HistoryPolicy::FromJoin, &[ALICE, BOB, CAROL, DAVE], 2);
    devices.try_into().ok().unwrap()
}

/// Two admins act at once: each reader stays where they were first, hears both sides, sees the fork, and settles alike.
/// [ROOM-18] [ROOM-20]
#[test]
fn the_first_of_two_stays() {
    let [mut alice, mut bob, mut carol, mut dave] = four();
    let (by_alice, by_bob) = (alice.package(Room::refresh), bob.package(Room::refresh));
    assert_eq!(alice.apply(&by_alice), head(ALICE));
    assert_eq!(bob.apply(&by_bob), head(BOB));
    assert_eq!((carol.apply(&by_alice), carol.apply(&by_bob)), (head(ALICE), fork(BOB)));
    assert_eq!((dave.apply(&by_bob), dave.apply(&by_alice)), (head(BOB), fork(ALICE)));
    assert_eq!(carol.apply(&by_bob), Ok(Applied::Held));
    assert_eq!((carol.room.transcript(), dave.room.transcript()), (alice.room.transcript(), bob.room.transcript()));
    assert!(alice.room.forks().is_empty());
    let (one, other) = (*alice.room.transcript(), *bob.room.transcript());
    let [seen] = carol.room.forks()[..] else { panic!() };
    assert_eq!((seen.epoch, seen.author, seen.transcript), (Epoch::new(1), fingerprint(BOB), other));
    assert_eq!((seen.own_author, seen.own_transcript), (fingerprint(ALICE), one));
    assert_ne!(carol.room.code(), dave.room.code());
    // Both sides are heard.
    let (from_alice, from_bob) = (alice.says(b"here"), bob.says(b"there"));
    for device in [&mut carol, &mut dave] {
        assert_eq!(
            (device.hears(&from_alice).unwrap(), device.hears(&from_bob).unwrap()),
            (b"here".into(), b"there".into())
        );
    }
    assert!(carol.room.open(&from_bob, b"", &directory()).unwrap().is_superseded());
    assert!(!carol.room.open(&from_alice, b"", &directory()).unwrap().is_superseded());
    // The same recommendation for all: of two alike, the lesser transcript.
    let best = *one.as_bytes().min(other.as_bytes());
    assert_eq!((carol.room.settle().as_bytes(), dave.room.settle().as_bytes()), (&best, &best));
    for device in [&mut carol, &mut dave] {
        let settled = device.room.settle();
        device.room.switch_to(&settled).unwrap();
        assert_eq!(device.room.transcript().as_bytes(), &best);
        assert_eq!(device.room.settle().as_bytes(), &best);
        assert_eq!(device.room.forks().len(), 1);
        assert_eq!(device.room.forks()[0].own_transcript.as_bytes(), &best);
        assert_eq!(
            (device.hears(&from_alice).unwrap(), device.hears(&from_bob).unwrap()),
            (b"here".into(), b"there".into())
        );
    }
    assert_eq!(carol.room.code(), dave.room.code());
    // What follows on either side is taken there.
    let (next_alice, next_bob) = (alice.package(Room::refresh), bob.package(Room::refresh));
    let answers = [carol.apply(&next_alice), carol.apply(&next_bob)];
    let on_alices = best == *one.as_bytes();
    assert_eq!(answers, if on_alices { [head(ALICE), fork(BOB)] } else { [fork(ALICE), head(BOB)] });
    // The explicit act goes against the recommendation too.
    let left = if on_alices { other } else { one };
    carol.room.switch_to(&left).unwrap();
    assert_eq!(carol.room.epoch(), Epoch::new(2));
    assert_ne!(carol.room.settle(), *carol.room.transcript());
    let before = carol.state();
    assert!(carol.room.switch_to(alice_of_another_room().room.transcript()).is_err());
    assert_eq!(carol.state(), before);
}

fn alice_of_another_room() -> Device {
    Device::rooms(HistoryPolicy::FromJoin, &[ALICE, CAROL], 2).0.remove(0)
}

/// Who is about to be removed gains nothing by a refresh: it yields, in whatever order the two come, and so does a chain.
/// [ROOM-19]
#[test]
fn members_epochs_yield_to_admins() {
    let [mut alice, mut bob, carol, mut dave] = four();
    let refresh = carol.package(Room::refresh);
    let removal = alice.package(|room| room.remove(&[fingerprint(CAROL)]));
    assert_eq!((bob.apply(&refresh), bob.apply(&removal)), (head(CAROL), switched(ALICE)));
    assert_eq!((dave.apply(&removal), dave.apply(&refresh)), (head(ALICE), fork(CAROL)));
    assert_eq!(alice.apply(&removal), head(ALICE));
    assert_eq!((bob.room.transcript(), dave.room.transcript()), (alice.room.transcript(), alice.room.transcript()));
    assert_eq!(bob.room.settle(), *bob.room.transcript());
    assert_eq!(bob.room.forks().len(), 1);
    // What Carol wrote on her side is heard, and told to be of a gone member on a side that was left.
    let mut alone = carol.copy();
    assert_eq!(alone.apply(&refresh), head(CAROL));
    let opened = bob.room.open(&alone.says(b"racing"), b"", &directory()).unwrap();
    assert!(opened.is_superseded() && !opened.sender_in_current_roster());

    // A chain of two members' epochs against one of an admin.
    let [alice, mut bob, mut carol, mut dave] = four();
    let first = carol.package(Room::refresh);
    let removal = alice.package(|room| room.remove(&[fingerprint(CAROL)]));
    for device in [&mut carol, &mut dave, &mut bob] {
        assert_eq!(device.apply(&first), head(CAROL));
    }
    let second = dave.package(Room::refresh);
    assert_eq!((bob.apply(&second), dave.apply(&second)), (head(DAVE), head(DAVE)));
    assert_eq!((bob.apply(&removal), dave.apply(&removal)), (switched(ALICE), switched(ALICE)));
    assert_eq!(bob.room.epoch(), Epoch::new(1));
    // And what the chain goes on with does not come back.
    let mut left = carol.copy();
    assert_eq!(left.apply(&second), head(DAVE));
    let third = left.package(Room::refresh);
    assert_eq!(bob.apply(&third), fork(CAROL));
    assert_eq!(bob.room.epoch(), Epoch::new(1));

    // An admin's epoch at the end of a chain of members' epochs on the other side.
    let [mut alice, mut bob, carol, mut dave] = four();
    let (by_carol, by_dave) = (carol.package(Room::refresh), dave.package(Room::refresh));
    assert_eq!((bob.apply(&by_carol), bob.apply(&by_dave)), (head(CAROL), fork(DAVE)));
    assert_eq!((dave.apply(&by_dave), alice.apply(&by_dave)), (head(DAVE), head(DAVE)));
    let after = alice.package(Room::refresh);
    assert_eq!(bob.apply(&after), switched(ALICE));
    assert_eq!(bob.room.epoch(), Epoch::new(2));
}

/// What an admin signed does not give way by itself: not to another admin, not to a longer side, not if only a part of it
/// yields. [ROOM-19]
#[test]
fn admins_epochs_do_not_yield() {
    // Own: Carol's, then Alice's. Other: Bob's.
    let [mut alice, bob, carol, mut dave] = four();
    let (by_carol, by_bob) = (carol.package(Room::refresh), bob.package(|room| room.remove(&[fingerprint(CAROL)])));
    for device in [&mut alice, &mut dave] {
        assert_eq!(device.apply(&by_carol), head(CAROL));
    }
    let by_alice = alice.package(Room::refresh);
    assert_eq!((dave.apply(&by_alice), dave.apply(&by_bob)), (head(ALICE), fork(BOB)));
    assert_eq!(dave.room.epoch(), Epoch::new(2));
    // Own: Alice's, then Carol's. Other: Bob's.
    let [mut alice, mut bob, mut carol, mut dave] = four();
    let (by_alice, by_bob) = (alice.package(Room::refresh), bob.package(Room::refresh));
    for device in [&mut alice, &mut carol, &mut dave] {
        assert_eq!(device.apply(&by_alice), head(ALICE));
    }
    let by_carol = carol.package(Room::refresh);
    assert_eq!((dave.apply(&by_carol), dave.apply(&by_bob)), (head(CAROL), fork(BOB)));
    // The other side grows by an admin's: its first is an admin's already, which did not prevail.
    assert_eq!(bob.apply(&by_bob), head(BOB));
    let more = bob.package(Room::refresh);
    assert_eq!(dave.apply(&more), fork(BOB));
    assert_eq!(dave.room.transcript(), &{
        let mut same = carol.copy();
        same.apply(&by_carol).unwrap();
        *same.room.transcript()
    });
}

/// What goes on from an admin's addition, which did not prevail, does not either. [ROOM-19]
#[test]
fn what_follows_an_addition_does_not_prevail() {
    let [_, mut bob, carol, mut dave] = four();
    let by_carol = carol.package(Room::refresh);
    let addition = bob.package(|room| room.add(&[(&crowd()[5].public, Role::Member)]));
    assert_eq!(bob.apply(&addition), head(BOB));
    let refresh = bob.package(Room::refresh);
    let answers = [by_carol, addition, refresh].map(|package| dave.apply(&package));
    assert_eq!(answers, [head(CAROL), fork(BOB), fork(BOB)]);
}

/// A replacement counts by the role that is replaced. [ROOM-19]
#[test]
fn replacements_yield_by_their_role() {
    for (who, yields) in [(CAROL, true), (BOB, false)] {
        let [alice, bob, carol, mut dave] = four();
        let device = if who == BOB { &bob } else { &carol };
        let (new, transition) = successor(device.who, 50);
        let change = device.room.replace(&transition).unwrap();
        let replacement = change.seal(&new.sender(), &directory(), &mut SystemRng).unwrap();
        let refresh = alice.package(Room::refresh);
        let author = *new.public.fingerprint();
        assert_eq!(dave.apply(&replacement), Ok(Applied::Head { author }));
        assert_eq!(dave.apply(&refresh), if yields { switched(ALICE) } else { fork(ALICE) });
    }
    // By an admin it is an admin's.
    let [alice, bob, carol, mut dave] = four();
    let transition = successor(carol.who, 50).1;
    let replacement = bob.package(|room| room.replace(&transition));
    let refresh = alice.package(Room::refresh);
    assert_eq!((dave.apply(&replacement), dave.apply(&refresh)), (head(BOB), fork(ALICE)));
}

/// All orders in which a tree of epochs can arrive lead to the same recommendation, which is the one of the rules:
/// an admin's before a member's, a removal before none, then the lesser transcript. [ROOM-20]
#[test]
fn everyone_settles_alike() {
    let [mut alice, mut bob, mut carol, dave] = four();
    let start = dave.copy();
    let by_carol = carol.package(Room::refresh);
    let by_alice = alice.package(Room::refresh);
    let removal = bob.package(|room| room.remove(&[fingerprint(CAROL)]));
    let other_removal = alice.package(|room| room.remove(&[fingerprint(CAROL)]));
    assert_eq!(bob.apply(&removal), head(BOB));
    let mut removed = bob.copy();
    let (after, after_dave) = (bob.package(Room::refresh), {
        let mut dave = dave.copy();
        assert_eq!(dave.apply(&removal), head(BOB));
        dave.package(Room::refresh)
    });
    assert_eq!(bob.apply(&after), head(BOB));
    let mut elsewhere = alice.copy();
    assert_eq!(elsewhere.apply(&other_removal), head(ALICE));
    assert_eq!((alice.apply(&by_alice), carol.apply(&by_carol)), (head(ALICE), head(CAROL)));
    let lesser = removed.room.transcript().as_bytes() < elsewhere.room.transcript().as_bytes();
    let best = if lesser { bob.room.transcript() } else { elsewhere.room.transcript() };
    // A parent stands before its children.
    let packages = [&by_carol, &by_alice, &removal, &other_removal, &after, &after_dave];
    let mut seen = 0;
    for order in permutations(6) {
        let at = |package| order.iter().position(|place| *place == package).unwrap();
        if at(2) > at(4) || at(2) > at(5) {
            continue;
        }
        seen += 1;
        // A few of all are enough, of every beginning.
        if seen % 7 != 0 {
            continue;
        }
        let mut device = start.copy();
        for place in &order {
            let _ = device.apply(packages[*place]).unwrap();
        }
        assert_eq!(device.room.settle().as_bytes(), best.as_bytes(), "{order:?}");
        let settled = device.room.settle();
        device.room.switch_to(&settled).unwrap();
        assert_eq!((device.room.transcript(), device.room.settle()), (best, settled));
        assert_eq!(hazmat::room_state(&device.copy().room), device.state());
    }
    assert_eq!(seen, 240);
    assert_eq!(removed.apply(&removal), Ok(Applied::Held));
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for next in 0..count {
        all = all
            .iter()
            .flat_map(|order: &Vec<usize>| {
                (0..=order.len()).map(move |place| {
                    let mut order = order.clone();
                    order.insert(place, next);
                    order
                })
            })
            .collect();
    }
    all
}

/// Evidence has place for 64 branches; beyond, an epoch takes the place of a branch of plain members, and finds none where
/// all that could go has gone. What goes on from a branch takes no place. What is kept opens messages. [ROOM-18]
#[test]
fn evidence_has_places() {
    let [mut alice, bob, mut carol, mut dave] = four();
    let own = bob.package(Room::refresh);
    assert_eq!(dave.apply(&own), head(BOB));
    let kept = |device: &Device| device.room.epochs().count() - 2;
    let by_carol: Vec<_> = (0..64).map(|_| carol.package(Room::refresh)).collect();
    let by_alice: Vec<_> = (0..64).map(|_| alice.package(Room::refresh)).collect();
    // One of Carol's is followed by an admin's: it does not go before that one.
    assert_eq!((alice.apply(&by_carol[0]), carol.apply(&by_carol[0])), (head(CAROL), head(CAROL)));
    let follows = alice.package(Room::refresh);
    assert_eq!((dave.apply(&by_carol[0]), dave.apply(&follows)), (fork(CAROL), fork(ALICE)));
    for (place, package) in by_carol.iter().enumerate().skip(1) {
        let applied = dave.apply(package);
        assert_eq!(applied, fork(CAROL));
        assert_eq!(kept(&dave), place + 2);
    }
    let message = carol.says(b"beside");
    assert_eq!(dave.hears(&message).unwrap(), b"beside");
    for (place, package) in by_alice.iter().enumerate() {
        let applied = dave.apply(package);
        assert_eq!(applied, Ok(Applied::Fork { author: fingerprint(ALICE), kept: place < 63 }));
        assert_eq!(kept(&dave), 65);
    }
    let carols = || dave.room.epochs().filter(|(epoch, _, who)| epoch.number() == 1 && **who == fingerprint(CAROL));
    assert_eq!(carols().count(), 1);
    assert_eq!(dave.room.forks().len(), 64);
    let before = dave.state();
    for package in [carol.copy().package(Room::refresh), alice.copy().package(Room::refresh), by_carol[63].clone()] {
        assert!(matches!(dave.apply(&package), Ok(Applied::Fork { kept: false, .. })));
    }
    assert_eq!(dave.state(), before);
    assert!(dave.copy().state() == before);
    assert_eq!(alice.apply(&follows), head(ALICE));
    assert_eq!(dave.apply(&alice.package(Room::refresh)), fork(ALICE));
    assert_eq!(dave.hears(&message).unwrap(), b"beside");
}

/// Who replaced their own keys yields to an admin's epoch of before like everyone else, as who they were. [ROOM-19]
#[test]
fn who_was_replaced_yields_too() {
    let [alice, _, mut carol, _] = four();
    let (new, transition) = successor(carol.who, 50);
    let change = carol.room.replace(&transition).unwrap();
    let replacement = change.seal(&new.sender(), &directory(), &mut SystemRng).unwrap();
    let readers = [carol.who.reader(), new.reader()];
    let applied = carol.room.apply(&replacement, &readers, &directory(), &mut SystemRng);
    assert_eq!(applied, Ok(Applied::Head { author: *new.public.fingerprint() }));
    let refresh = alice.package(Room::refresh);
    assert_eq!(carol.room.apply(&refresh, &readers, &directory(), &mut SystemRng), switched(ALICE));
    assert_eq!(*carol.room.me(), fingerprint(CAROL));
}

/// A tip that had to go does not make its parent one, while another epoch follows that. [ROOM-18]
#[test]
fn who_is_followed_is_no_tip() {
    let (devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[1, 0, 2], 1);
    let (by, plain) = (&crowd()[1], &crowd()[2]);
    let root = Known::of(&first, by.reader(), by.id());
    let to = [0, 1, 2].map(|n: usize| &crowd()[n].public);
    let after = |parent: &Known, who: &Outsider| {
        sealed_anew(&Craft::new(parent.next(), who.sender(), &to).with_previous(&parent.secret))
    };
    let mut reader = devices[1].copy();
    let mut apply = |package: &[u8]| (reader.apply(package), reader.room.epochs().count());
    assert_eq!(apply(&after(&root, by)), (head(1), 2));
    let fork = |who: &Outsider| Ok(Applied::Fork { author: *who.public.fingerprint(), kept: true });
    let one = after(&root, plain);
    let parent = Known::of(&one, plain.reader(), plain.id());
    for package in [one, after(&parent, plain), after(&parent, plain)] {
        assert_eq!(apply(&package).0, fork(plain));
    }
    for _ in 0..62 {
        assert_eq!(apply(&after(&root, by)).0, fork(by));
    }
    // 64 tips: one of the two goes, and of the other's the parent stays.
    let held = 2 + 3 + 62;
    assert_eq!(apply(&after(&root, by)), (fork(by), held));
    assert_eq!(apply(&after(&parent, plain)), (fork(plain), held));
}
