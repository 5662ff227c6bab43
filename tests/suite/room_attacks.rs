//! Attacks on rooms: by members, admins, people who were removed, and whoever delivers packages. SPEC §18.

use crate::common::rooms::*;
use sealroom::*;

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;
const DAVE: usize = 3;
const EVE: usize = 4;

fn public(n: usize) -> &'static PublicIdentity {
    &crowd()[n].public
}

fn fingerprint(n: usize) -> Fingerprint {
    *public(n).fingerprint()
}

fn fork(author: usize) -> Result<Applied, Error> {
    Ok(Applied::Fork { author: fingerprint(author), kept: true })
}

fn switched(author: usize) -> Result<Applied, Error> {
    Ok(Applied::Switched { author: fingerprint(author) })
}

/// Alice and Bob are admins, Carol and Dave are members. Also the first package, and what it holds.
fn four(history: HistoryPolicy) -> ([Device; 4], Vec<u8>, Known) {
    let (devices, package) = Device::rooms(history, &[ALICE, BOB, CAROL, DAVE], 2);
    let known = Known::of(&package, crowd()[ALICE].reader(), crowd()[ALICE].id());
    (devices.try_into().ok().unwrap(), package, known)
}

/// A package of the next epoch, by hand: the same people give the same header, secret and commitment, whoever signs.
fn by_hand(parent: &Known, author: usize, change: impl FnOnce(&mut Body)) -> Vec<u8> {
    let to = [ALICE, BOB, CAROL, DAVE].map(public);
    let mut body = parent.next();
    change(&mut body);
    let craft = Craft::new(body, crowd()[author].sender(), &to).with_previous(&parent.secret);
    craft.seal_by_hand(&to, None, crowd()[author].id(), &crowd()[author])
}

fn set_role(body: &mut Body, who: usize, role: u8) {
    body.roster.iter_mut().find(|(member, _)| *member == crowd()[who].id()).unwrap().1 = role;
}

/// Every reader of a package knows its DEK, and can put a payload and a signature of their own under its header and
/// commitment. Such a copy is another epoch: it must not hide the one that it was made from. [ROOM-18] [ROOM-19] [ROOM-28]
#[test]
fn copies_of_a_package_do_not_hide_it() {
    let ([alice, bob, _, dave], _, parent) = four(HistoryPolicy::FromJoin);
    let (by_alice, by_carol) = (by_hand(&parent, ALICE, |_| {}), by_hand(&parent, CAROL, |_| {}));
    let known = |package: &[u8], author: usize| Known::of(package, crowd()[BOB].reader(), crowd()[author].id());
    assert_eq!(known(&by_alice, ALICE).commitment, known(&by_carol, CAROL).commitment);
    // A member's copy comes first: the admin's epoch prevails all the same.
    let mut room = dave.copy();
    assert_eq!((room.apply(&by_carol), room.apply(&by_alice)), (head(CAROL), switched(ALICE)));
    assert_eq!(room.room.transcript().as_bytes(), &known(&by_alice, ALICE).transcript());
    // It comes second: a fork is seen.
    let mut room = bob.copy();
    assert_eq!((room.apply(&by_alice), room.apply(&by_carol)), (head(ALICE), fork(CAROL)));
    assert_eq!((room.apply(&by_alice), room.apply(&by_carol)), (Ok(Applied::Held), Ok(Applied::Held)));
    assert_eq!(room.room.forks().len(), 1);
    // An admin who is demoted demotes the other, under the same header.
    let demoted = by_hand(&parent, ALICE, |body| set_role(body, BOB, MEMBER));
    let revenge = by_hand(&parent, BOB, |body| set_role(body, ALICE, MEMBER));
    let mut room = dave.copy();
    assert_eq!((room.apply(&revenge), room.apply(&demoted)), (head(BOB), fork(ALICE)));
    assert_eq!(room.room.forks().len(), 1);
    // Who made the package is not hidden from itself either.
    let mut room = alice.copy();
    assert_eq!((room.apply(&by_carol), room.apply(&by_alice)), (head(CAROL), switched(ALICE)));
}

/// An inviter who changes the policy of a room that was held before leaves the device a room that it can load. [ROOM-26]
#[test]
fn rejoining_does_not_change_the_policy() {
    let ([_, _, _, mut dave], _, parent) = four(HistoryPolicy::Shared);
    let mut body = parent.next();
    (body.epoch, body.history) = (7, FROM_JOIN);
    let to = [ALICE, BOB, CAROL, DAVE].map(public);
    let package = Craft::new(body, crowd()[ALICE].sender(), &to).seal();
    let joining = Room::join(&package, public(ALICE), &[crowd()[DAVE].reader()], &mut SystemRng).unwrap();
    let before = dave.state();
    // By its id it is another room.
    assert!(matches!(joining.finish_into(&mut dave.room), Err(Error::Argument { .. })));
    assert_eq!(dave.state(), before);
    assert!(hazmat::room_of_state(&dave.state()).is_ok());
}

fn recover(who: usize, id: &RoomId, packages: &[&[u8]]) -> Recovered {
    Room::recover(id, packages, &[crowd()[who].reader()], &directory(), &mut SystemRng).unwrap()
}

/// Nor does an admin's package in recovery: what was recovered can be saved and loaded. [ROOM-03] [ROOM-26]
#[test]
fn recovery_does_not_change_the_policy() {
    let ([_, _, _, dave], first, parent) = four(HistoryPolicy::FromJoin);
    for epoch in [1, 5] {
        let mut body = parent.next();
        (body.epoch, body.history) = (epoch, SHARED);
        let to = [ALICE, BOB, CAROL, DAVE].map(public);
        let strange = Craft::new(body, crowd()[ALICE].sender(), &to).with_previous(&parent.secret).seal();
        let recovered = recover(DAVE, dave.room.id(), &[&first, &strange]);
        assert!(hazmat::room_of_state(&hazmat::room_state(&recovered.room)).is_ok());
        assert_eq!(recovered.room.history(), HistoryPolicy::FromJoin);
        assert_eq!(recovered.problems, [(1, refused("ROOM-03"))]);
    }
}

/// In recovery a member's package begins only where it adds nobody and names the secret before it; and goes on after a gap never,
/// whoever's transition it carries. [ROOM-15] [ROOM-08]
#[test]
fn recovery_takes_little_on_a_members_word() {
    for history in [HistoryPolicy::FromJoin, HistoryPolicy::Shared] {
        let ([_, _, _, dave], first, parent) = four(history);
        let (id, to) = (dave.room.id(), [ALICE, BOB, CAROL, DAVE].map(public));
        let craft = |author: usize| {
            let mut body = parent.next();
            body.epoch = 5;
            Craft::new(body, crowd()[author].sender(), &to)
        };
        let begins = |craft: &Craft<'_>, author: usize| {
            let (readers, kek) = if craft.body.adds > 0 { (&to[3..], Some(&[1; 32])) } else { (&to[..], None) };
            let package = craft.seal_by_hand(readers, kek, crowd()[author].id(), &crowd()[author]);
            let recovered = Room::recover(id, &[&package], &[crowd()[DAVE].reader()], &directory(), &mut SystemRng);
            recovered.map(|recovered| recovered.room.epoch().number()).map_err(|error| (author, error))
        };
        let no = |author| Err((author, Error::Decrypt));
        let with = |author| craft(author).with_previous(&parent.secret);
        assert_eq!((begins(&with(BOB), BOB), begins(&with(CAROL), CAROL)), (Ok(5), Ok(5)));
        if history == HistoryPolicy::FromJoin {
            assert_eq!((begins(&craft(BOB), BOB), begins(&craft(CAROL), CAROL)), (Ok(5), no(CAROL)));
        } else {
            let adds = |author| with(author).but(|craft| craft.body.adds = 1);
            assert_eq!((begins(&adds(BOB), BOB), begins(&adds(CAROL), CAROL)), (Ok(5), no(CAROL)));
        }
        let (_, transition) = successor(&crowd()[ALICE], 9);
        for (author, problems) in [(BOB, vec![]), (CAROL, vec![(1, refused("ROOM-08"))])] {
            let later = with(author).but(|craft| craft.transition = transition.to_bytes().unwrap());
            assert_eq!(recover(DAVE, id, &[&first, &later.seal()]).problems, problems);
        }
    }
}

/// A member's epoch that makes place for an admin's is never the one which that follows. [ROOM-18]
#[test]
fn evidence_does_not_lose_its_parent() {
    let ([mut alice, bob, mut carol, mut dave], ..) = four(HistoryPolicy::FromJoin);
    assert_eq!(dave.apply(&bob.package(Room::refresh)), head(BOB));
    for _ in 0..63 {
        assert_eq!(dave.apply(&alice.package(Room::refresh)), fork(ALICE));
    }
    let by_carol = carol.package(Room::refresh);
    assert_eq!((alice.apply(&by_carol), carol.apply(&by_carol)), (head(CAROL), head(CAROL)));
    assert_eq!(dave.apply(&by_carol), fork(CAROL));
    // It is the end of a branch that goes on; and where another goes on from it too, it stays.
    let follows = alice.package(Room::refresh);
    assert_eq!(dave.apply(&follows), fork(ALICE));
    let (forks, before) = (dave.room.forks(), dave.state());
    assert_eq!(
        dave.apply(&alice.package(Room::refresh)),
        Ok(Applied::Fork { author: fingerprint(ALICE), kept: false })
    );
    assert_eq!(dave.room.forks(), forks);
    assert_eq!(dave.state(), before);
    assert!(dave.hears(&carol.says(b"kept")).is_ok());
}

/// A branch of plain members makes place as a whole, up to where another goes on. [ROOM-18]
#[test]
fn whole_branches_make_place() {
    let ([mut alice, bob, mut carol, mut dave], ..) = four(HistoryPolicy::FromJoin);
    let mut members: Vec<Vec<u8>> = Vec::new();
    for _ in 0..3 {
        let refresh = carol.package(Room::refresh);
        assert_eq!(carol.apply(&refresh), head(CAROL));
        members.push(refresh);
    }
    assert_eq!(dave.apply(&bob.package(Room::refresh)), head(BOB));
    for refresh in &members {
        assert_eq!(dave.apply(refresh), fork(CAROL));
    }
    // From the first of them an admin goes on.
    assert_eq!(alice.copy().apply(&members[0]), head(CAROL));
    let mut other = alice.copy();
    assert_eq!(other.apply(&members[0]), head(CAROL));
    assert_eq!(dave.apply(&other.package(Room::refresh)), fork(ALICE));
    for _ in 0..62 {
        assert_eq!(dave.apply(&alice.package(Room::refresh)), fork(ALICE));
    }
    assert_eq!(dave.room.epochs().count(), 2 + 4 + 62);
    // The second and the third go, the first stays.
    let refresh = alice.package(Room::refresh);
    assert_eq!((dave.apply(&refresh), alice.apply(&refresh)), (fork(ALICE), head(ALICE)));
    assert_eq!(dave.room.epochs().count(), 2 + 2 + 63);
    assert_eq!(dave.apply(&members[2]), Err(refused("ROOM-08")));
    assert_eq!(dave.copy().state(), dave.state());
}

/// A member wraps a refresh to an outsider in the place of somebody: who was left out.
fn without_dave(parent: &Known) -> Vec<u8> {
    let to = [ALICE, BOB, CAROL, EVE].map(public);
    Craft::new(parent.next(), crowd()[CAROL].sender(), &to).with_previous(&parent.secret).seal()
}

/// Who was left out of a package gets it back by the next refresh, whose package names the secret. [ROOM-24] [ROOM-29]
#[test]
fn who_was_left_out_comes_back_by_a_refresh() {
    let ([mut alice, _, _, mut dave], _, parent) = four(HistoryPolicy::FromJoin);
    let omits = without_dave(&parent);
    assert_eq!((alice.apply(&omits), dave.apply(&omits)), (head(CAROL), Err(Error::Decrypt)));
    let refresh = alice.package(Room::refresh);
    assert_eq!(alice.apply(&refresh), head(ALICE));
    let ahead = Applied::Ahead { author: fingerprint(ALICE), epoch: Epoch::new(2) };
    assert_eq!(dave.apply(&refresh), Ok(ahead));
    for given in [vec![&refresh, &omits], vec![&omits, &refresh, &omits]] {
        let mut dave = dave.copy();
        let answers = dave.catch_up(&given);
        let expected = |package: &&Vec<u8>| head(if **package == refresh { ALICE } else { CAROL });
        assert_eq!(answers[..2], given[..2].iter().map(expected).collect::<Vec<_>>());
        assert!(answers[2..].iter().all(|answer| *answer == Ok(Applied::Held)), "{answers:?}");
        assert_eq!(dave.room.transcript(), alice.room.transcript());
        assert_eq!(dave.room.standing(), Standing::Confirmed);
    }
    // Over several epochs, and by a plain member's refresh too, which does not say that somebody is behind.
    let ([mut alice, _, mut carol, mut dave], _, parent) = four(HistoryPolicy::FromJoin);
    let first = without_dave(&parent);
    let second = without_dave(&Known::of(&first, crowd()[BOB].reader(), crowd()[CAROL].id()));
    for device in [&mut alice, &mut carol] {
        assert_eq!((device.apply(&first), device.apply(&second)), (head(CAROL), head(CAROL)));
    }
    let refresh = carol.package(Room::refresh);
    assert_eq!(dave.apply(&refresh), Err(refused("ROOM-08")));
    // Where one is missing nothing is taken, and nothing said of the others.
    let decrypt = Err(Error::Decrypt);
    assert_eq!(dave.catch_up(&[&first, &refresh]), [decrypt, Err(refused("ROOM-08"))]);
    assert_eq!(dave.catch_up(&[&first, &second]), [decrypt, decrypt]);
    let sender = crowd()[ALICE].sender();
    let foreign = Room::create(&sender, &[], HistoryPolicy::FromJoin, &mut SystemRng).unwrap();
    let answers = dave.catch_up(&[&refresh, &second, &foreign, &first, &first[1..].to_vec()]);
    assert_eq!(answers[..2], [head(CAROL), head(CAROL)]);
    assert_eq!((&answers[2], &answers[3]), (&Err(refused("ROOM-03")), &head(CAROL)));
    assert!(matches!(answers[4], Err(Error::Unsupported { .. } | Error::Malformed { .. })));
    assert_eq!(alice.apply(&refresh), head(CAROL));
    assert_eq!(dave.room.transcript(), alice.room.transcript());
    assert_eq!(dave.room.standing(), Standing::Confirmed);
}

/// What a later package names opens earlier ones, and gives them no other right. [ROOM-06] [ROOM-09]
#[test]
fn named_secrets_give_no_rights() {
    let ([_, _, _, mut dave], _, parent) = four(HistoryPolicy::FromJoin);
    let mut body = parent.next();
    set_role(&mut body, CAROL, ADMIN);
    let to = [ALICE, BOB, CAROL, EVE].map(public);
    let usurped = Craft::new(body, crowd()[CAROL].sender(), &to).with_previous(&parent.secret).seal();
    let known = Known::of(&usurped, crowd()[CAROL].reader(), crowd()[CAROL].id());
    let to = [ALICE, BOB, CAROL, DAVE].map(public);
    let next = Craft::new(known.next(), crowd()[CAROL].sender(), &to).with_previous(&known.secret).seal();
    let before = dave.state();
    assert_eq!(dave.catch_up(&[&usurped, &next]), [Err(refused("ROOM-09")), Err(refused("ROOM-08"))]);
    assert_eq!(dave.state(), before);
}

/// A transcript tells nothing of a package's previous secret: a copy with another one, which its author has not signed, does
/// not stand in for the true one. [ROOM-07] [ROOM-29]
#[test]
fn copies_do_not_stand_in() {
    let ([mut alice, _, _, mut dave], first, parent) = four(HistoryPolicy::FromJoin);
    let to = [ALICE, BOB, CAROL, EVE].map(public);
    let by = |signer: usize, secret: &[u8; 32]| {
        let craft = Craft::new(parent.next(), crowd()[CAROL].sender(), &to).with_previous(secret);
        craft.seal_by_hand(&to, None, crowd()[CAROL].id(), &crowd()[signer])
    };
    let (copy, omits) = (by(BOB, &[7; 32]), by(CAROL, &parent.secret));
    let known = |package: &[u8]| Known::of(package, crowd()[BOB].reader(), crowd()[CAROL].id()).transcript();
    assert_eq!(known(&copy), known(&omits));
    assert_eq!(alice.apply(&omits), head(CAROL));
    let refresh = alice.package(Room::refresh);
    assert_eq!(alice.apply(&refresh), head(ALICE));
    let recovered = recover(DAVE, dave.room.id(), &[&first, &copy, &omits, &refresh]);
    assert_eq!((recovered.room.epochs().count(), &recovered.problems[..]), (3, &[][..]));
    assert_eq!(dave.catch_up(&[&copy, &omits, &refresh]), [Ok(Applied::Held), head(CAROL), head(ALICE)]);
}

/// Recovery brings back who was left out. [ROOM-16]
#[test]
fn who_was_left_out_recovers() {
    let ([mut alice, _, _, dave], first, parent) = four(HistoryPolicy::FromJoin);
    let omits = without_dave(&parent);
    assert_eq!(alice.apply(&omits), head(CAROL));
    let refresh = alice.package(Room::refresh);
    assert_eq!(alice.apply(&refresh), head(ALICE));
    let recovered = recover(DAVE, dave.room.id(), &[&first, &omits, &refresh]);
    assert_eq!((recovered.room.transcript(), recovered.room.epochs().count()), (alice.room.transcript(), 3));
    assert_eq!(recovered.problems, []);
}

/// A member who fills all places of evidence does not keep a device from an admin's branch. In whatever order the flood
/// comes, what others followed is taken again right before what follows it. [ROOM-18] [ROOM-19]
#[test]
fn a_flood_of_refreshes_does_not_keep_a_device_away() {
    let ([mut alice, mut bob, carol, dave], ..) = four(HistoryPolicy::FromJoin);
    assert_eq!(bob.apply(&carol.package(Room::refresh)), head(CAROL));
    for _ in 0..64 {
        assert_eq!(bob.apply(&carol.package(Room::refresh)), fork(CAROL));
    }
    // What all others follow: with a great transcript, so that the flood displaces it.
    let by_dave = loop {
        let refresh = dave.package(Room::refresh);
        if Known::of(&refresh, crowd()[BOB].reader(), crowd()[DAVE].id()).transcript()[0] >= 0xf0 {
            break refresh;
        }
    };
    assert_eq!(alice.apply(&by_dave), head(DAVE));
    let refresh = alice.package(Room::refresh);
    assert_eq!(alice.apply(&refresh), head(ALICE));
    let flood: Vec<_> = (0..65).map(|_| carol.package(Room::refresh)).collect();
    let mut given: Vec<_> = flood.iter().collect();
    for place in [0, 33, 65] {
        let mut bob = bob.copy();
        given.insert(place, &by_dave);
        let answers = bob.catch_up(&[&given[..], &[&refresh]].concat());
        assert_eq!((&answers[place], &answers[66]), (&fork(DAVE), &switched(ALICE)));
        assert_eq!(bob.room.transcript(), alice.room.transcript());
        given.remove(place);
    }
    assert_eq!((bob.apply(&by_dave), bob.apply(&refresh)), (fork(DAVE), switched(ALICE)));
    assert_eq!(bob.room.transcript(), alice.room.transcript());
}

fn grant(granter: &Device, epochs: core::ops::RangeInclusive<u64>, to: usize) -> Result<Vec<u8>, Error> {
    let epochs = Epoch::new(*epochs.start())..=Epoch::new(*epochs.end());
    granter.room.grant_history(epochs, &[public(to)], &granter.who.sender(), &mut SystemRng)
}

/// Where a grant shows that an epoch which was held is of another branch, it is a fork, and no epoch of one's own.
/// [ROOM-18] [ROOM-25]
#[test]
fn a_grant_shows_a_fork() {
    let ([alice, mut bob, _, mut dave], ..) = four(HistoryPolicy::FromJoin);
    assert_eq!(dave.apply(&alice.package(Room::refresh)), head(ALICE));
    let refresh = bob.package(Room::refresh);
    assert_eq!(bob.apply(&refresh), head(BOB));
    let removal = bob.package(|room| room.remove(&[fingerprint(DAVE)]));
    assert_eq!(bob.apply(&removal), head(BOB));
    let last = bob.package(|room| room.add(&[(public(DAVE), Role::Member)]));
    assert_eq!(bob.apply(&last), head(BOB));
    let joining = Room::join(&last, public(BOB), &[dave.who.reader()], &mut SystemRng).unwrap();
    joining.finish_into(&mut dave.room).unwrap();
    let granted = grant(&bob, 1..=2, DAVE).unwrap();
    assert_eq!(dave.room.accept_grant(&granted, public(BOB), &[dave.who.reader()], &mut SystemRng), Ok(2));
    let [seen] = dave.room.forks()[..] else { panic!("{:?}", dave.room.forks()) };
    assert_eq!((seen.author, seen.own_author), (fingerprint(ALICE), fingerprint(BOB)));
    assert!(grant(&dave, 0..=3, BOB).is_ok());
}

/// The same where recovery goes back by the secrets that packages name: it is a fork as it would have been for a device that
/// was there, and people settle it. [ROOM-16] [ROOM-18]
#[test]
fn recovery_shows_a_fork() {
    let ([mut alice, bob, _, dave], first, parent) = four(HistoryPolicy::FromJoin);
    let (by_bob, omits) = (bob.package(Room::refresh), without_dave(&parent));
    assert_eq!(alice.apply(&omits), head(CAROL));
    let refresh = alice.package(Room::refresh);
    assert_eq!(alice.apply(&refresh), head(ALICE));
    let mut room = recover(DAVE, dave.room.id(), &[&first, &by_bob, &omits, &refresh]).room;
    let [seen] = room.forks()[..] else { panic!("{:?}", room.forks()) };
    assert_eq!((seen.author, seen.own_author), (fingerprint(CAROL), fingerprint(BOB)));
    room.switch_to(alice.room.transcript()).unwrap();
    assert_eq!(room.transcript(), alice.room.transcript());
    room.accept_head();
    let recovered = Device { who: &crowd()[DAVE], room };
    assert!(grant(&recovered, 0..=2, BOB).is_ok());
}

/// Recovery comes back to what opens only by an epoch that a later one led to. [ROOM-16] [ROOM-29]
#[test]
fn recovery_comes_back_to_what_opens_later() {
    let ([mut alice, mut bob, _, dave], ..) = four(HistoryPolicy::FromJoin);
    // Two of epoch 1: only one begins a run of its own.
    let beside = bob.package(Room::refresh);
    let parent = alice.package(Room::refresh);
    assert_eq!((alice.apply(&parent), bob.apply(&parent)), (head(ALICE), head(ALICE)));
    // Dave reads an addition by its parent's key alone.
    let addition = bob.package(|room| room.add(&[(public(EVE), Role::Member)]));
    let refresh = alice.package(Room::refresh);
    let recover = |given: [&Vec<u8>; 4]| {
        let recovered = recover(DAVE, dave.room.id(), &given.map(|package| &package[..]));
        (recovered.room.epochs().count(), recovered.problems)
    };
    // The other one of epoch 1 comes in as what is before the head, and with it the addition.
    assert_eq!(recover([&beside, &parent, &addition, &refresh]), (4, vec![]));
    assert_eq!(recover([&parent, &beside, &addition, &refresh]), (3, vec![(1, refused("ROOM-08"))]));
}

/// An epoch that recovery opens on the way back is checked against its parent where that is held already. [ROOM-16]
#[test]
fn recovery_checks_where_runs_meet() {
    let ([_, _, _, dave], first, parent) = four(HistoryPolicy::FromJoin);
    // Carol makes herself an admin, and does not wrap to Dave; an admin goes on from there.
    let mut body = parent.next();
    set_role(&mut body, CAROL, ADMIN);
    let to = [ALICE, BOB, CAROL, EVE].map(public);
    let usurped = Craft::new(body, crowd()[CAROL].sender(), &to).with_previous(&parent.secret).seal();
    let known = Known::of(&usurped, crowd()[CAROL].reader(), crowd()[CAROL].id());
    let to = [ALICE, BOB, CAROL, DAVE].map(public);
    let next = Craft::new(known.next(), crowd()[ALICE].sender(), &to).with_previous(&known.secret).seal();
    let recovered = recover(DAVE, dave.room.id(), &[&first, &usurped, &next]);
    assert!(recovered.room.epochs().all(|(_, transcript, _)| *transcript.as_bytes() != known.transcript()));
}

/// A message that was requested before a later epoch was seen is not completed after that. [ROOM-24]
#[test]
fn requested_messages_stop_behind() {
    let ([mut alice, _, _, mut dave], ..) = four(HistoryPolicy::FromJoin);
    let pending = dave.room.request(&Draft::new(b"late"), public(DAVE)).unwrap();
    let signature = dave.who.sign(pending.digest());
    let first = alice.package(Room::refresh);
    assert_eq!(alice.apply(&first), head(ALICE));
    let ahead = Applied::Ahead { author: fingerprint(ALICE), epoch: Epoch::new(2) };
    assert_eq!(dave.apply(&alice.package(Room::refresh)), Ok(ahead));
    assert_eq!(pending.complete(&dave.room, &signature, &mut SystemRng), Err(Error::Unconfirmed));
}

/// The same transcript does not say that the rest of a payload, or the signature, is the same: who knows the secret makes
/// copies that no check passes. They do not stand in the way of the true one. [ROOM-29]
#[test]
fn copies_do_not_keep_who_was_left_out_away() {
    let ([mut alice, _, _, dave], first, parent) = four(HistoryPolicy::FromJoin);
    let to = [ALICE, BOB, CAROL, EVE].map(public);
    let craft = Craft::new(parent.next(), crowd()[CAROL].sender(), &to);
    let by = |secret: &[u8; 32], who: usize| {
        craft.clone().with_previous(secret).seal_by_hand(&to, None, crowd()[CAROL].id(), &crowd()[who])
    };
    let (omits, wrong_secret, wrong_signature) =
        (by(&parent.secret, CAROL), by(&[7; 32], CAROL), by(&parent.secret, EVE));
    let transcript = |package: &[u8]| Known::of(package, crowd()[BOB].reader(), crowd()[CAROL].id()).transcript();
    assert_eq!(alice.apply(&wrong_secret), Err(refused("ROOM-13")));
    assert_eq!(alice.apply(&wrong_signature), Err(Error::Signature));
    assert_eq!(alice.apply(&omits), head(CAROL));
    let refresh = alice.package(Room::refresh);
    assert_eq!(alice.apply(&refresh), head(ALICE));
    for copy in [wrong_secret, wrong_signature] {
        assert_eq!(transcript(&copy), transcript(&omits));
        for given in [[&copy, &omits, &refresh], [&omits, &copy, &refresh]] {
            let mut dave = dave.copy();
            dave.catch_up(&given);
            assert_eq!(dave.room.transcript(), alice.room.transcript());
            let recovered = recover(DAVE, dave.room.id(), &[&first, given[0], given[1], given[2]]);
            assert_eq!(recovered.room.epochs().count(), 3);
        }
    }
}

/// Nor in the way back through the past. [ROOM-16]
#[test]
fn copies_do_not_hide_the_past() {
    let (devices, first) = Device::rooms(HistoryPolicy::Shared, &[ALICE, BOB, CAROL], 2);
    let mut alice = devices.into_iter().next().unwrap();
    let parent = Known::of(&first, crowd()[ALICE].reader(), crowd()[ALICE].id());
    let to = [ALICE, BOB, CAROL].map(public);
    let craft = Craft::new(parent.next(), crowd()[ALICE].sender(), &to);
    let by = |secret: &[u8; 32], who: usize| {
        craft.clone().with_previous(secret).seal_by_hand(&to, None, crowd()[ALICE].id(), &crowd()[who])
    };
    let (second, copies) = (by(&parent.secret, ALICE), [by(&parent.secret, CAROL), by(&[7; 32], CAROL)]);
    assert_eq!(alice.apply(&second), head(ALICE));
    let added = alice.package(|room| room.add(&[(public(DAVE), Role::Member)]));
    for copy in &copies {
        for given in [[&first, copy, &second, &added], [&first, &second, copy, &added]] {
            let recovered = recover(DAVE, alice.room.id(), &given.map(|package| &package[..]));
            assert_eq!(recovered.room.epochs().count(), 3);
        }
    }
    // Alone, one that its author did not sign is not taken for the past, whatever names it. [ROOM-07]
    let recovered = recover(DAVE, alice.room.id(), &[&first, &copies[0], &added]);
    assert_eq!(recovered.room.epochs().count(), 1);
}

/// Who was removed and added again recovers under shared history what was between, too. [ROOM-16]
#[test]
fn recovery_goes_back_through_a_removal() {
    let ([mut alice, _, _, dave], first, _) = four(HistoryPolicy::Shared);
    let mut given = vec![first];
    for change in [
        |room: &Room| room.remove(&[fingerprint(DAVE)]),
        |room: &Room| room.refresh(),
        |room: &Room| room.add(&[(public(DAVE), Role::Member)]),
        |room: &Room| room.refresh(),
    ] {
        let package = alice.package(change);
        assert_eq!(alice.apply(&package), head(ALICE));
        given.push(package);
    }
    let given: Vec<&[u8]> = given.iter().map(|package| &package[..]).collect();
    let recovered = recover(DAVE, dave.room.id(), &given);
    assert_eq!((recovered.room.epochs().count(), recovered.problems), (5, vec![]));
    assert_eq!(recovered.room.transcript(), alice.room.transcript());
}

/// What opens only by an epoch that a later package led to is opened all the same, in whatever order they come. [ROOM-29]
#[test]
fn many_at_once_in_any_order() {
    let ([mut alice, _, mut carol, dave], first, parent) = four(HistoryPolicy::FromJoin);
    let omits = without_dave(&parent);
    assert_eq!((alice.apply(&omits), carol.apply(&omits)), (head(CAROL), head(CAROL)));
    let added = alice.package(|room| room.add(&[(public(5), Role::Member)]));
    let refresh = carol.package(Room::refresh);
    let mut seen = Vec::new();
    for given in [[&omits, &added, &refresh], [&omits, &refresh, &added], [&refresh, &added, &omits]] {
        let mut dave = dave.copy();
        let answers = dave.catch_up(&given);
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!(dave.room.forks().len(), 1);
        // Who was first is the head; what is held, and settles, is the same.
        let held: Vec<Transcript> = dave.room.epochs().map(|(_, transcript, _)| *transcript).collect();
        seen.push((held, dave.room.settle()));
        let recovered = recover(DAVE, dave.room.id(), &[&first, given[0], given[1], given[2]]);
        assert_eq!(recovered.problems, []);
        assert_eq!(recovered.room.forks().len(), 1);
    }
    assert!(seen.iter().all(|one| *one == seen[0]));
}

/// A copy by the author of an epoch, which leads to no earlier one, does not keep newcomers from joining. [ROOM-16]
#[test]
fn copies_do_not_keep_newcomers_away() {
    let (devices, first) = Device::rooms(HistoryPolicy::Shared, &[ALICE, BOB, CAROL], 2);
    let mut alice = devices.into_iter().next().unwrap();
    let parent = Known::of(&first, crowd()[ALICE].reader(), crowd()[ALICE].id());
    let to = [ALICE, BOB, CAROL].map(public);
    let craft = Craft::new(parent.next(), crowd()[CAROL].sender(), &to);
    let by = |secret: &[u8; 32], who: usize| {
        craft.clone().with_previous(secret).seal_by_hand(&to, None, crowd()[CAROL].id(), &crowd()[who])
    };
    let (second, copy, forged) = (by(&parent.secret, CAROL), by(&[7; 32], CAROL), by(&parent.secret, BOB));
    assert_eq!((alice.apply(&copy), alice.apply(&second)), (Err(refused("ROOM-13")), head(CAROL)));
    let added = alice.package(|room| room.add(&[(public(DAVE), Role::Member)]));
    assert_eq!(alice.apply(&added), head(ALICE));
    let mut joining = Room::join(&added, public(ALICE), &[crowd()[DAVE].reader()], &mut SystemRng).unwrap();
    assert_eq!(joining.past(&forged, &directory()), Err(Error::Signature));
    assert_eq!(joining.past(&copy, &directory()), Ok(()));
    assert!(joining.past(&first, &directory()).is_err());
    assert_eq!(joining.past(&forged, &directory()), Err(Error::Signature));
    assert_eq!(joining.past(&second, &directory()), Ok(()));
    assert_eq!(joining.past(&first, &directory()), Ok(()));
    assert_eq!(joining.finish().unwrap().transcript(), alice.room.transcript());
}

/// A wrong key that a member grants for an epoch is refused, and a right one does not keep the epoch's package out. [ROOM-25]
/// [ROOM-28]
#[test]
fn a_package_completes_a_grant() {
    let ([mut alice, _, _, dave], first, _) = four(HistoryPolicy::FromJoin);
    let second = alice.package(Room::refresh);
    assert_eq!(alice.apply(&second), head(ALICE));
    let message = alice.says(b"in between");
    let third = alice.package(Room::refresh);
    let room = recover(DAVE, dave.room.id(), &[&first, &third]).room;
    let mut dave = Device { who: &crowd()[DAVE], room };
    let known = Known::of(&second, crowd()[DAVE].reader(), crowd()[ALICE].id());
    let id = known.body.room_id();
    let mut carols_grant = |key: [u8; 32]| {
        let granted = [&known.signer[..], &known.body.encode(), &known.commitment, &key].concat();
        let len = (granted.len() as u16 | 0x4000).to_be_bytes();
        let content = [&id[..], &len, &granted].concat();
        let to = [public(DAVE).recipient()];
        let envelope = Envelope::to(&to).signed_by(crowd()[CAROL].sender()).without_copy_for_me().public_data(&id);
        let grant = hazmat::seal_as(&envelope, ContentType::HistoryGrant, &content, &mut SystemRng).unwrap();
        dave.room.accept_grant(&grant, public(CAROL), &[dave.who.reader()], &mut SystemRng)
    };
    assert_eq!(carols_grant([7; 32]), Err(refused("ROOM-25")));
    assert_eq!(carols_grant(known.secret), Err(refused("ROOM-25")));
    assert_eq!(carols_grant(known.message_key()), Ok(1));
    let transcript = *dave.room.epochs().find(|(_, one, _)| *one.as_bytes() == known.transcript()).unwrap().1;
    assert_eq!(hazmat::epoch_keys(&dave.room, &transcript).unwrap().secret, None);
    assert_eq!(dave.apply(&second), Ok(Applied::Past { author: fingerprint(ALICE) }));
    assert_eq!(dave.hears(&message), Ok(b"in between".to_vec()));
    assert_eq!(dave.copy().state(), dave.state());
    assert_eq!(dave.apply(&second), Ok(Applied::Held));
}

/// As whom a device is in a room is the same after the room was stored. [ROOM-26]
#[test]
fn who_one_is_survives_storing() {
    let ([alice, bob, _, mut dave], ..) = four(HistoryPolicy::FromJoin);
    let (new, transition) = successor(&crowd()[DAVE], 9);
    // An admin adds the successor as somebody else; on another branch it replaces.
    let added = alice.package(|room| room.add(&[(&new.public, Role::Member)]));
    assert_eq!(dave.apply(&added), head(ALICE));
    let replaced = bob.package(|room| room.replace(&transition));
    let readers = [dave.who.reader(), new.reader()];
    assert_eq!(dave.room.apply(&replaced, &readers, &directory(), &mut SystemRng), fork(BOB));
    assert_eq!(dave.copy().room.me(), dave.room.me());
}

/// A member who shows a device another refresh, and others so many that they do not all find a place as evidence, does not
/// keep it from an admin's branch. [ROOM-18] [ROOM-19]
#[test]
fn a_long_branch_does_not_keep_a_device_away() {
    let ([mut alice, mut bob, mut carol, _], ..) = four(HistoryPolicy::FromJoin);
    assert_eq!(bob.apply(&carol.package(Room::refresh)), head(CAROL));
    let mut branch = Vec::new();
    for _ in 0..66 {
        let refresh = carol.package(Room::refresh);
        assert_eq!((alice.apply(&refresh), carol.apply(&refresh)), (head(CAROL), head(CAROL)));
        branch.push(refresh);
    }
    let removal = alice.package(|room| room.remove(&[fingerprint(CAROL)]));
    assert_eq!(alice.apply(&removal), head(ALICE));
    branch.push(removal);
    let given: Vec<_> = branch.iter().collect();
    bob.catch_up(&given);
    assert_eq!(bob.room.transcript(), alice.room.transcript());
}

/// A package of an early epoch, by somebody who makes themselves an admin there, begins another history, which nobody vouches
/// for. What does not fit it is named, and the room of all others is put together from that. [ROOM-22]
#[test]
fn an_early_package_leaves_the_others_to_recover() {
    let (devices, _) = Device::rooms(HistoryPolicy::FromJoin, &[ALICE, BOB, CAROL], 2);
    let mut alice = devices.into_iter().next().unwrap();
    for _ in 0..2 {
        let refresh = alice.package(Room::refresh);
        assert_eq!(alice.apply(&refresh), head(ALICE));
    }
    let added = alice.package(|room| room.add(&[(public(DAVE), Role::Member)]));
    let known = Known::of(&added, crowd()[DAVE].reader(), crowd()[ALICE].id());
    assert_eq!(alice.apply(&added), head(ALICE));
    let refresh = alice.package(Room::refresh);
    assert_eq!(alice.apply(&refresh), head(ALICE));
    let people = roster(&[(crowd()[CAROL].id(), ADMIN), (crowd()[DAVE].id(), MEMBER)]);
    let body = Body { epoch: 1, previous: [7; 32], adds: 0, roster: people, ..known.body };
    let early = Craft::new(body, crowd()[CAROL].sender(), &[CAROL, DAVE].map(public)).seal();
    let given = [&early[..], &added, &refresh];
    let recovered = recover(DAVE, alice.room.id(), &given);
    assert_eq!(recovered.room.standing(), Standing::Unconfirmed);
    let rest: Vec<_> = recovered.problems.iter().map(|(place, _)| given[*place]).collect();
    assert_eq!(recover(DAVE, alice.room.id(), &rest).room.transcript(), alice.room.transcript());
}

/// What begins no run, since no admin of the head made it, is not gone back from. SPEC §18.7 [REC-01]
#[test]
fn who_begins_no_run_brings_no_past() {
    let (bob, carol, me) = (&crowd()[1], &crowd()[2], &crowd()[3]);
    let members = [(bob.id(), ADMIN), (carol.id(), MEMBER), (me.id(), MEMBER)];
    let to = [&bob.public, &carol.public, &me.public];
    let first = Craft::new(Body::first(FROM_JOIN, &members), bob.sender(), &to).seal();
    let body = Known::of(&first, me.reader(), bob.id()).body;
    let by_carol = |body: Body, previous: &[u8; 32]| {
        let package = sealed_anew(&Craft::new(body, carol.sender(), &to).with_previous(previous));
        (Known::of(&package, me.reader(), carol.id()), package)
    };
    let (past, before) = by_carol(Body { epoch: 4, previous: [9; 32], ..body.clone() }, &[3; 32]);
    let (_, after) = by_carol(past.next(), &past.secret);
    let id = RoomId::from_bytes(body.room_id());
    let found = Room::recover(&id, &[&first, &before, &after], &[me.reader()], &directory(), &mut SystemRng).unwrap();
    assert_eq!(found.problems, [1, 2].map(|place| (place, refused("ROOM-08"))));
    assert_eq!(found.room.epochs().count(), 1);
}
