//! Attacks on what comes back: by members who fill a room, by a server that withholds and then gives, by chance.

use crate::common::hand::vector;
use crate::common::keyrings::*;
use crate::common::rooms::*;
use crate::common::{Broken, Outsider, is_linear};
use cpu_time::ThreadTime;
use sealroom::*;
use std::time::Duration;

const BOB: usize = 1;
const CAROL: usize = 2;
const DAVE: usize = 3;

/// Fills everything with one byte.
struct Same(u8);

impl rand_core::TryRng for Same {
    type Error = std::io::Error;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(u32::from_be_bytes([self.0; 4]))
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(u64::from_be_bytes([self.0; 8]))
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        out.fill(self.0);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Same {}

/// A whole segment by hand. SPEC §20.1
fn whole_by_hand(device: u8, seen: &[u8], key: &SymmetricKey) -> Vec<u8> {
    let content = [&[device; 8][..], &1_u64.to_be_bytes(), &[1], &vector(seen), &vector(&[])].concat();
    let to = [Recipient::symmetric(key)];
    let envelope = Envelope::to(&to).padding(Padding::Padme);
    hazmat::seal_as(&envelope, ContentType::Keyring, &content, &mut SystemRng).unwrap()
}

/// A part that is kept back takes nothing with it which another part has: epochs that were granted. [REC-01]
#[test]
fn a_missing_part_takes_no_granted_epoch_with_it() {
    let (bob, carol, me, rng) = (&crowd()[BOB], &crowd()[CAROL], me(), &mut SystemRng);
    let people = vec![bob.public.clone(), carol.public.clone(), me.public().clone()];
    let to = [(&carol.public, Role::Admin)];
    let mut packages = vec![Room::create(&bob.sender(), &to, HistoryPolicy::FromJoin, rng).unwrap()];
    let mut bobs = Room::join(&packages[0], &bob.public, &[bob.reader()], rng).unwrap().finish().unwrap();
    let mut messages = vec![bobs.seal(&Draft::new(b"x"), &bob.sender(), rng).unwrap()];
    for epoch in 1..3 {
        let change = if epoch == 1 { bobs.refresh() } else { bobs.add(&[(me.public(), Role::Member)]) };
        let package = change.unwrap().seal(&bob.sender(), &people, rng).unwrap();
        bobs.apply(&package, &[bob.reader()], &people, rng).unwrap();
        messages.push(bobs.seal(&Draft::new(b"x"), &bob.sender(), rng).unwrap());
        packages.push(package);
    }
    let mut mine = Room::join(&packages[2], &bob.public, &[me.reader()], rng).unwrap().finish().unwrap();
    let mut phone = keyring();
    phone.record(&mine).unwrap();
    let first = part(&mut phone);
    let grant = bobs.grant_history(Epoch::new(0)..=Epoch::new(1), &[me.public()], &bob.sender(), rng).unwrap();
    assert_eq!(mine.accept_grant(&grant, &bob.public, &[me.reader()], rng), Ok(2));
    phone.record(&mine).unwrap();
    let second = part(&mut phone);
    let read = |segments: &[Vec<u8>]| {
        let mut account = recover(segments, &packages, false).finish().unwrap();
        let mut opens =
            |message: &Vec<u8>| account.rooms.iter_mut().any(|room| room.open(message, b"", &people).is_ok());
        messages.iter().map(&mut opens).collect::<Vec<_>>()
    };
    assert_eq!(read(&[first.clone(), second.clone()]), [true; 3]);
    assert_eq!(read(&[first]), [false, false, true]);
    // The second part has the first two epochs, and the packages the third.
    assert_eq!(read(&[second]), [true; 3]);
}

/// A member who filled the places for evidence takes no epoch of the own branch away, whose author is not known at first. [REC-01]
#[test]
fn full_evidence_takes_no_own_epoch_away() {
    for forks in [0, 64] {
        let (bob, carol, dave, me, rng) = (&crowd()[BOB], &crowd()[CAROL], &crowd()[DAVE], me(), &mut SystemRng);
        let people = vec![bob.public.clone(), carol.public.clone(), dave.public.clone(), me.public().clone()];
        let to = [(&carol.public, Role::Admin), (&dave.public, Role::Admin), (me.public(), Role::Member)];
        let mut packages = vec![Room::create(&bob.sender(), &to, HistoryPolicy::FromJoin, rng).unwrap()];
        let join = |who: &Outsider, rng: &mut SystemRng| {
            Room::join(&packages[0], &bob.public, &[who.reader()], rng).unwrap().finish().unwrap()
        };
        let (mut bobs, carols, mut daves) = (join(bob, rng), join(carol, rng), join(dave, rng));
        let mut mine = Room::join(&packages[0], &bob.public, &[me.reader()], rng).unwrap().finish().unwrap();
        let mut messages = vec![bobs.seal(&Draft::new(b"x"), &bob.sender(), rng).unwrap()];
        let mut phone = keyring();
        for epoch in 1..5 {
            let (by, room) = if epoch == 4 { (dave, &daves) } else { (bob, &bobs) };
            let package = room.refresh().unwrap().seal(&by.sender(), &people, rng).unwrap();
            bobs.apply(&package, &[bob.reader()], &people, rng).unwrap();
            daves.apply(&package, &[dave.reader()], &people, rng).unwrap();
            messages.push(bobs.seal(&Draft::new(b"x"), &bob.sender(), rng).unwrap());
            if epoch == 1 {
                mine.apply(&package, &[me.reader()], &people, rng).unwrap();
                // Carol, an admin in epoch 0, goes on from there again and again.
                for _ in 0..forks {
                    let fork = carols.refresh().unwrap().seal(&carol.sender(), &people, rng).unwrap();
                    let applied = mine.apply(&fork, &[me.reader()], &people, rng);
                    assert_eq!(applied, Ok(Applied::Fork { author: *carol.public.fingerprint(), kept: true }));
                }
                phone.record(&mine).unwrap();
                phone.know(&dave.public).unwrap();
            }
            packages.push(package);
        }
        let recovery = recover(&[part(&mut phone)], &packages, false);
        let missing = recovery.missing();
        let mut account = recovery.finish().unwrap();
        assert_eq!(account.rooms[0].transcript(), bobs.transcript());
        let mut opens = |message: &Vec<u8>| account.rooms[0].open(message, b"", &people).is_ok();
        let read: Vec<bool> = messages.iter().map(&mut opens).collect();
        assert_eq!((read, missing), (vec![true; 5], vec![]), "{forks} forks");
    }
}

/// Under shared also what was before one was there comes back, where a segment is missing. [REC-01] [ROOM-16]
#[test]
fn what_was_before_one_was_there_comes_back() {
    let (bob, me, rng) = (&crowd()[BOB], me(), &mut SystemRng);
    let people = vec![bob.public.clone(), me.public().clone()];
    let first = Room::create(&bob.sender(), &[], HistoryPolicy::Shared, rng).unwrap();
    let mut bobs = Room::join(&first, &bob.public, &[bob.reader()], rng).unwrap().finish().unwrap();
    let message = bobs.seal(&Draft::new(b"x"), &bob.sender(), rng).unwrap();
    let addition = bobs.add(&[(me.public(), Role::Member)]).unwrap().seal(&bob.sender(), &people, rng).unwrap();
    let known = Known::of(&addition, me.reader(), bob.id());
    let head = register(1, &known.body.room_id(), 1, 5, &known.transcript());
    let recovery = recover(&[by_hand(5, 1, &[kept(&known), head])], &[first, addition], false);
    assert_eq!(recovery.missing(), []);
    let mut account = recovery.finish().unwrap();
    assert!(account.rooms[0].open(&message, b"", &people).is_ok());
}

/// In which order a server gives identities says nothing of the head. [REC-05]
#[test]
fn identities_in_any_order_give_one_head() {
    let (bob, carol, me, rng) = (&crowd()[BOB], &crowd()[CAROL], me(), &mut SystemRng);
    let people = vec![bob.public.clone(), carol.public.clone(), me.public().clone()];
    let to = [(&carol.public, Role::Admin), (me.public(), Role::Member)];
    let mut packages = vec![Room::create(&bob.sender(), &to, HistoryPolicy::FromJoin, rng).unwrap()];
    let mut bobs = Room::join(&packages[0], &bob.public, &[bob.reader()], rng).unwrap().finish().unwrap();
    let mine = Room::join(&packages[0], &bob.public, &[me.reader()], rng).unwrap().finish().unwrap();
    let known = Known::of(&packages[0], me.reader(), bob.id());
    // Bob removes Carol.
    for epoch in 1..3 {
        let change = if epoch == 1 { bobs.remove(&[*carol.public.fingerprint()]) } else { bobs.refresh() };
        let package = change.unwrap().seal(&bob.sender(), &people, rng).unwrap();
        bobs.apply(&package, &[bob.reader()], &people, rng).unwrap();
        packages.push(package);
    }
    // Carol, who was removed, makes up what is to be the head.
    let body = Body { epoch: 50, previous: [7; 32], ..known.next() };
    let made_up = Craft::new(body, carol.sender(), &[&bob.public, &carol.public, me.public()]);
    packages.push(made_up.with_previous(&[7; 32]).seal());
    let mut phone = keyring();
    phone.record(&mine).unwrap();
    let segment = part(&mut phone);
    for in_keyring in [true, false] {
        let head = |order: &[&[&Outsider]]| {
            let mut order = order.iter();
            let recovery = recover_from(|wanted| match wanted {
                Wanted::Segments if in_keyring => vec![segment.clone()],
                Wanted::Packages { .. } => packages.clone(),
                Wanted::Identities { .. } => order.next().unwrap().iter().map(|who| who.public.to_bytes()).collect(),
                _ => Vec::new(),
            });
            let account = recovery.finish().unwrap();
            let kept = account.keyring.room(mine.id(), &[*me.public().fingerprint()], &mut SystemRng);
            (account.rooms[0].epoch().number(), kept.ok().map(|room| room.epoch().number()))
        };
        let together = head(&[&[bob, carol]]);
        assert_eq!(together.0, 2, "{in_keyring}");
        assert_eq!(head(&[&[bob], &[carol]]), together, "{in_keyring}");
        assert_eq!(head(&[&[carol], &[bob]]), together, "{in_keyring}");
    }
}

/// The least time of three.
fn least(mut work: impl FnMut()) -> Duration {
    let once = |()| {
        let start = ThreadTime::now();
        work();
        start.elapsed()
    };
    [(); 3].map(once).into_iter().min().unwrap()
}

/// The first revision of each of many devices, as a segment names them.
fn first_of(devices: u32) -> Vec<u8> {
    (0..devices).flat_map(|n| [&n.to_be_bytes()[..], &[0; 4], &1_u64.to_be_bytes()].concat()).collect()
}

/// A segment that names many devices takes time by their number, and not by its square.
#[test]
fn many_devices_take_linear_time() {
    is_linear(2_000, |n| {
        let seen = first_of(n as u32);
        let mut one = keyring();
        let given = [merge(&mut one, &whole_by_hand(0xff, &seen, &key()))];
        least(|| assert_eq!(one.lacking(&given), []))
    });
}

/// So it is with two of them, of which one may replace the other.
#[test]
fn many_devices_are_replaced_in_linear_time() {
    is_linear(2_000, |n| {
        let seen = first_of(n as u32);
        let mut one = keyring();
        let earlier = merge(&mut one, &whole_by_hand(0xfe, &seen, &key()));
        let seen = [seen, [&[0xfe; 8][..], &1_u64.to_be_bytes()].concat()].concat();
        let later = merge(&mut one, &whole_by_hand(0xff, &seen, &key()));
        least(|| assert!(later.replaces(&earlier)))
    });
}

/// Many names of one identity, which many devices verified at once.
#[test]
fn many_contacts_take_linear_time() {
    is_linear(1_000, |n| {
        let n = n as u32;
        let bob = &crowd()[BOB];
        let mut entries = vec![(2, bob.public.to_bytes())];
        entries.extend((0..n).map(|n| register(3, &n.to_be_bytes(), 1, 1, &bob.id())));
        // Written by as many devices at one clock.
        entries.extend((0..n).map(|n| {
            let (kind, mut content) = register(4, &bob.id(), 1, 1, &[1]);
            let at = content.len() - 10;
            content[at..at + 4].copy_from_slice(&n.to_be_bytes());
            (kind, content)
        }));
        let mut one = keyring();
        merge(&mut one, &by_hand(1, 1, &entries));
        least(|| assert!(one.contacts().all(|(_, contact)| contact.verified)))
    });
}

/// Many names that were pinned to one identity, and many steps that lead from it elsewhere: each is looked at once.
#[test]
fn many_changed_names_take_linear_time() {
    let bob = &crowd()[BOB];
    is_linear(20, |n| {
        let n = n as u8;
        let mut entries = vec![(2, bob.public.to_bytes())];
        entries.extend((0..n).map(|n| (3, successor(bob, 100 + n).1.to_bytes().unwrap())));
        entries.extend((0..n).map(|n| register(3, &[n], 1, 1, &bob.id())));
        let first = by_hand(1, 1, &entries);
        let entries: Vec<_> = (0..n).map(|n| register(3, &[n], 2, 1, &crowd()[DAVE].id())).collect();
        let second = by_hand(1, 2, &entries);
        let mut one = keyring();
        merge(&mut one, &first);
        let start = ThreadTime::now();
        assert_eq!(merge(&mut one, &second).changed_contacts().len(), usize::from(n));
        start.elapsed()
    });
}

/// A generator that fails while segments of earlier generations are merged loses none of them. [REC-01] [REC-04]
#[test]
fn a_generator_that_fails_loses_no_segment() {
    let (root, rng) = (words(), &mut SystemRng);
    let [old, new] = [0, 1].map(|n| root.identity(Profile::P256, n, &mut SystemRng).unwrap());
    let transition = root.succeed(&old, &new, rng).unwrap().to_bytes().unwrap();
    // One of this very device, as a generator has it that repeats itself: to go on as another takes a draw.
    let pinned = [(2, crowd()[BOB].public.to_bytes()), register(3, b"bob", 1, 9, &crowd()[BOB].id())];
    let pins = by_hand(9, 5, &pinned);
    let mut whole = whole_by_hand(1, &[], &old.keyring_key().unwrap());
    while whole > pins {
        whole = whole_by_hand(1, &[], &old.keyring_key().unwrap());
    }
    for fails in [false, true] {
        let mut recovery = Recovery::new(words(), Profile::P256, &mut Same(9)).unwrap();
        while let Some(wanted) = recovery.wanted() {
            match wanted {
                Wanted::Transition { .. } => recovery.give(&transition, rng).unwrap(),
                Wanted::Segments => {
                    recovery.give(&pins, rng).unwrap();
                    recovery.give(&whole, rng).unwrap();
                    if fails {
                        assert_eq!(recovery.proceed(&mut Broken), Err(Error::Generator));
                    }
                }
                _ => {}
            }
            recovery.proceed(rng).unwrap();
        }
        assert_eq!(recovery.progress().segments, 2, "{fails}");
        assert!(recovery.finish().unwrap().keyring.contact(b"bob").is_some(), "{fails}");
    }
}

/// A recovery that lacks the head which a keyring names does not write another in its place: when that comes, it stands.
/// SPEC §15.13
#[test]
fn a_head_that_was_kept_back_is_not_written_over() {
    let (bob, me) = (&crowd()[BOB], me());
    let (to, back) = ([&bob.public, me.public()], [me.public(), &bob.public]);
    let of = |package: &[u8]| Known::of(package, me.reader(), bob.id());
    let body = Body::first(FROM_JOIN, &[(bob.id(), ADMIN), (id(&me), MEMBER)]);
    let first = Craft::new(body, bob.sender(), &to).seal();
    let zero = of(&first);
    let mut next = [&to, &back].map(|to| Craft::new(zero.next(), bob.sender(), to).with_previous(&zero.secret).seal());
    // The user has chosen the one that is not the best child.
    next.sort_by_key(|package| of(package).transcript());
    let [best, chosen] = next.each_ref().map(|package| of(package));
    let id = zero.body.room_id();
    let head = |clock, known: &Known| register(1, &id, clock, 5, &known.transcript());
    let segments = [
        by_hand(5, 1, &[kept(&zero)]),
        by_hand(5, 2, &[kept(&best), kept(&chosen), head(1, &best)]),
        by_hand(5, 3, &[head(2, &chosen)]),
    ];
    let room_id = RoomId::from_bytes(id);
    let mine = [*me.public().fingerprint()];
    let mut all = keyring();
    segments.iter().for_each(|segment| drop(merge(&mut all, segment)));
    assert_eq!(all.room(&room_id, &mine, &mut SystemRng).unwrap().transcript().as_bytes(), &chosen.transcript());
    // The server keeps back the second segment, and one of the packages.
    let recovery = recover(&[segments[0].clone(), segments[2].clone()], &[first, next[0].clone()], false);
    let mut account = recovery.finish().unwrap();
    assert_eq!(account.rooms[0].transcript().as_bytes(), &best.transcript());
    let by_recovery = part(&mut account.keyring);
    merge(&mut all, &by_recovery);
    let again = all.room(&room_id, &mine, &mut SystemRng).unwrap();
    assert_eq!(again.transcript().as_bytes(), &chosen.transcript(), "conflicts: {:?}", all.conflicts());
}
