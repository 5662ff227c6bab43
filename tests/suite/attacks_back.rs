//! What comes back of a room beside packages that do not fit, and of epochs that were granted. SPEC §18.3, §18.7, §21

use crate::common::keyrings::{by_hand, granted, kept, knows, me, of, recover, recover_from, register};
use crate::common::rooms::*;
use crate::common::*;
use sealroom::*;

/// A keyring has an epoch without its secret, by which nothing can be the head. Whether that epoch's package is given too takes
/// nothing else away. SPEC §21 [REC-01]
#[test]
fn back_one_package_more_is_no_less() {
    let (bob, carol, me) = (&crowd()[1], &crowd()[2], me());
    let members = [(bob.id(), ADMIN), (carol.id(), MEMBER), (id(&me), MEMBER)];
    let to = [&bob.public, &carol.public, me.public()];
    let first = Craft::new(Body::first(FROM_JOIN, &members), bob.sender(), &to).seal();
    let zero = of(&first, bob);
    let at = |epoch, by: &Outsider| {
        let body = Body { epoch, previous: [epoch as u8; 32], ..zero.body.clone() };
        Craft::new(body, by.sender(), &to).with_previous(&[3; 32]).seal()
    };
    // A plain member's refresh after a gap, and an admin's.
    let (second, fourth) = (at(2, carol), at(4, bob));
    let one = of(&Craft::new(zero.next(), bob.sender(), &to).with_previous(&zero.secret).seal(), bob);
    let given = [first, second.clone(), fourth];
    let held = |entry, packages: &[Vec<u8>]| {
        let recovery = recover(&[knows(&bob.public), knows(&carol.public), by_hand(5, 1, &[entry])], packages, false);
        let account = recovery.finish().unwrap();
        epochs(&account.rooms[0]).contains(&(2, of(&second, carol).transcript()))
    };
    // Beside an epoch of which there is no package, or without the package of that one.
    assert!(held(granted(&one), &given));
    assert!(held(granted(&zero), &given[1..]));
    assert!(held(granted(&zero), &given));
}

/// A package that is later than the head, of an admin there, and is no head itself, stops sealing after a recovery from packages
/// alone too. [ROOM-24]
#[test]
fn back_behind_what_did_not_fit() {
    let (bob, me) = (&crowd()[1], me());
    let members = [(bob.id(), ADMIN), (id(&me), MEMBER)];
    let to = [&bob.public, me.public()];
    let first = Craft::new(Body::first(FROM_JOIN, &members), bob.sender(), &to).seal();
    let zero = of(&first, bob);
    // Wrapped to one more than there are.
    let body = Body { epoch: 2, previous: [9; 32], ..zero.body.clone() };
    let late = Craft::new(body, bob.sender(), &[to[0], to[1], &crowd()[2].public]).with_previous(&[3; 32]).seal();
    let head = register(1, &zero.body.room_id(), 1, 5, &zero.transcript());
    let segments = [knows(&bob.public), by_hand(5, 1, &[kept(&zero), head])];
    let packages = [first, late];
    let two = Standing::Behind { epoch: recover(&segments, &packages, false).finish().unwrap().rooms[0].epoch() };
    assert!(matches!(two, Standing::Behind { .. }));
    let standing = |segments: &[Vec<u8>]| recover(segments, &packages, false).finish().unwrap().rooms[0].standing();
    assert!(matches!(standing(&segments), Standing::Behind { .. }));
    let from_packages = standing(&segments[..1]);
    assert!(matches!(from_packages, Standing::Behind { .. }), "{from_packages:?}");
}

/// Of a package that is ahead nothing but its signature is checked. [ROOM-24]
#[test]
fn back_behind_whatever_its_transition() {
    let (mut devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[1, 0, 2], 1);
    let (by, zero) = (&crowd()[1], Known::of(&first, crowd()[1].reader(), crowd()[1].id()));
    let to = [0, 1, 2].map(|n: usize| &crowd()[n].public);
    let (_, transition) = successor(&crowd()[2], 77);
    let body = Body { epoch: 5, previous: [9; 32], ..zero.body.clone() };
    let mut craft = Craft::new(body, by.sender(), &to).with_previous(&[3; 32]);
    craft.transition = transition.to_bytes().unwrap();
    let at = craft.transition.len() - 70;
    craft.transition[at] ^= 1;
    let invalid = craft.seal();
    craft.transition = successor(&outsider(50), 77).1.to_bytes().unwrap();
    let unknown = craft.seal();
    let mut reader = devices.remove(1);
    let ahead = Ok(Applied::Ahead { author: *by.public.fingerprint(), epoch: Epoch::new(5) });
    assert_eq!([reader.copy().apply(&invalid), reader.apply(&unknown)], [ahead, ahead]);
}

/// What is held by a grant, and opens only by the secret that an addition names, which the reader's own key opens: its secret is
/// taken, and the addition passes. [ROOM-29]
#[test]
fn back_addition_names_what_was_granted() {
    let (bob, me) = (&crowd()[1], me());
    let both = Body::first(SHARED, &[(bob.id(), ADMIN), (id(&me), MEMBER)]);
    let zero = of(&Craft::new(both.clone(), bob.sender(), &[&bob.public, me.public()]).seal(), bob);
    let by_bob = |package: &[u8]| Known::of(package, bob.reader(), bob.id());
    let mut body = zero.next();
    body.roster = roster(&[(bob.id(), ADMIN)]);
    let removal = Craft::new(body, bob.sender(), &[&bob.public]).with_previous(&zero.secret).seal();
    let one = by_bob(&removal);
    let refresh = Craft::new(one.next(), bob.sender(), &[&bob.public]).with_previous(&one.secret).seal();
    let two = by_bob(&refresh);
    let body = Body { adds: 1, roster: both.roster, ..two.next() };
    let kek = SymmetricKey::take(&mut two.epoch_kek());
    let addition = Craft::new(body, bob.sender(), &[me.public()]).with_previous(&two.secret);
    let addition = addition.but(|craft| craft.to.push(Recipient::symmetric(&kek))).seal();
    let three = of(&addition, bob);
    let head = register(1, &zero.body.room_id(), 1, 5, &zero.transcript());
    let held = |entries: &[(u8, Vec<u8>)]| {
        let segments = [knows(&bob.public), by_hand(5, 1, &[entries, &[kept(&zero), head.clone()]].concat())];
        let account = recover(&segments, &[refresh.clone(), addition.clone()], false).finish().unwrap();
        epochs(&account.rooms[0]).contains(&(3, three.transcript()))
    };
    assert!(held(&[]));
    assert!(held(&[granted(&two)]));
}

/// What leaves the reader out is opened by the one that names its secret, whoever signed that, and whether or not that has a
/// symmetric stanza. [ROOM-29]
#[test]
fn back_whoever_signed() {
    let (devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[1, 0, 2], 1);
    let (by, stranger) = (&crowd()[1], outsider(60));
    let known = |package: &[u8]| Known::of(package, by.reader(), by.id());
    let zero = known(&first);
    let left_out = [7, 1, 2].map(|n: usize| &crowd()[n].public);
    let one = Craft::new(zero.next(), by.sender(), &left_out).with_previous(&zero.secret).seal();
    let known = known(&one);
    let later = Craft::new(known.next(), stranger.sender(), &[&crowd()[0].public]).with_previous(&known.secret);
    let nobodys = SymmetricKey::take(&mut [7; 32]);
    let with_stanza = later.but(|craft| craft.to.push(Recipient::symmetric(&nobodys))).seal();
    let answers = [later.seal(), with_stanza].map(|naming| devices[1].copy().catch_up(&[&one, &naming])[0]);
    assert_eq!(answers, [head(1), head(1)]);
}

/// Identities are asked for again as long as some come, and as long as others come to be asked for. [REC-05]
#[test]
fn back_asks_again_while_some_come() {
    let (bob, me) = (&crowd()[1], me());
    // Carol's epoch opens Dave's; nobody gives Erin.
    let [carol, dave, erin, newcomer] = [2, 3, 4, 5].map(|n| &crowd()[n]);
    let members = [bob, carol, dave, erin].map(|one| (one.id(), ADMIN));
    let zero = Body::first(FROM_JOIN, &[&members[..], &[(id(&me), MEMBER)]].concat());
    let to = [&bob.public, &carol.public, &dave.public, &erin.public, me.public()];
    let zero = of(&Craft::new(zero, bob.sender(), &to).seal(), bob);
    let next = |author: &Outsider| Craft::new(zero.next(), author.sender(), &to).with_previous(&zero.secret).seal();
    let (carols, erins) = (next(carol), next(erin));
    let one = of(&carols, carol);
    let mut body = Body { adds: 1, ..one.next() };
    body.roster = roster(&[&body.roster[..], &[(newcomer.id(), MEMBER)]].concat());
    let kek = SymmetricKey::take(&mut one.epoch_kek());
    let addition = Craft::new(body, dave.sender(), &[&newcomer.public]);
    let addition = addition.but(|craft| craft.to.push(Recipient::symmetric(&kek))).seal();
    let head = register(1, &zero.body.room_id(), 1, 5, &zero.transcript());
    let mut asked = Vec::new();
    let recovery = recover_from(|wanted| match wanted {
        Wanted::Segments => vec![knows(&bob.public), by_hand(5, 1, &[kept(&zero), head.clone()])],
        Wanted::Packages { .. } => vec![carols.clone(), erins.clone(), addition.clone()],
        Wanted::Identities { of } => {
            let of = |who: &&&Outsider| of.contains(who.public.fingerprint());
            asked.push([carol, dave, erin].iter().filter(of).map(|who| who.id()).collect::<Vec<_>>());
            // One at a time, and never her.
            [carol, dave].iter().find(of).map(|who| who.public.to_bytes()).into_iter().collect()
        }
        _ => Vec::new(),
    });
    let ids = |who: &[&Outsider]| who.iter().map(|who| who.id()).collect::<Vec<_>>();
    assert_eq!(asked, [ids(&[carol, erin]), ids(&[erin]), ids(&[dave, erin]), ids(&[erin])]);
    assert_eq!(recovery.progress().epochs, 3);
    assert_eq!(recovery.missing(), [Missing::Identity(*erin.public.fingerprint())]);
}

/// What is held, and is said to be, before the epoch that it follows opens: it is the head once that is. [ROOM-29]
#[test]
fn back_held_before_its_parent_opens() {
    let (bob, carol, me, stranger) = (&crowd()[1], &crowd()[2], me(), outsider(60));
    let zero = Body::first(FROM_JOIN, &[(bob.id(), ADMIN), (id(&me), MEMBER)]);
    let zero = of(&Craft::new(zero, bob.sender(), &[&bob.public, me.public()]).seal(), bob);
    let left_out = [&bob.public, &crowd()[7].public];
    let first = Craft::new(zero.next(), bob.sender(), &left_out).with_previous(&zero.secret).seal();
    let one = Known::of(&first, bob.reader(), bob.id());
    // Who is added is not told what was before; a stranger tells it, and only in its turn.
    let mut body = one.next();
    body.roster = roster(&[&body.roster[..], &[(carol.id(), MEMBER)]].concat());
    let second = Craft::new(body, bob.sender(), &[&bob.public, &carol.public, me.public()]).seal();
    let two = of(&second, bob);
    let nobodys = SymmetricKey::take(&mut [7; 32]);
    let naming = Craft::new(one.next(), stranger.sender(), &[me.public()]).with_previous(&one.secret);
    let naming = naming.but(|craft| craft.to.push(Recipient::symmetric(&nobodys))).seal();
    let head = register(1, &zero.body.room_id(), 1, 5, &zero.transcript());
    let segments = [knows(&bob.public), by_hand(5, 1, &[kept(&zero), kept(&two), head])];
    let mut room = recover(&segments, &[], false).finish().unwrap().rooms.remove(0);
    assert_eq!(*room.transcript().as_bytes(), zero.transcript());
    let given = [&first[..], &second, &naming];
    let answers = room.catch_up(&given, &[me.reader()], &directory(), &mut SystemRng);
    let author = *bob.public.fingerprint();
    assert_eq!(answers[..2], [Ok(Applied::Head { author }); 2]);
    assert_eq!(*room.transcript().as_bytes(), two.transcript());
}
