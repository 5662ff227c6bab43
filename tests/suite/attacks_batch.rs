//! What many packages at once must not depend on: their order, what failed before, what somebody else put beside them.
//! SPEC §18.3, §18.7, §21

use crate::common::hand::{Hand, group, wrap_info, wrap_p256};
use crate::common::keyrings::{self, by_hand, kept, knows, me, past, recover, register};
use crate::common::rooms::*;
use crate::common::*;
use sealroom::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Fails once.
struct Once(usize);
impl rand_core::TryRng for Once {
    type Error = Exhausted;
    fn try_next_u32(&mut self) -> Result<u32, Exhausted> {
        unreachable!()
    }
    fn try_next_u64(&mut self) -> Result<u64, Exhausted> {
        unreachable!()
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Exhausted> {
        out.fill(self.0 as u8 + 1);
        self.0 += 1;
        if self.0 == 1 { Err(Exhausted) } else { Ok(()) }
    }
}
impl rand_core::TryCryptoRng for Once {}

/// A room with Bob: its first epoch, two that follow it, and one that follows the second of these.
fn forked() -> [Known; 4] {
    let (bob, me) = (&crowd()[1], me());
    // The order of its readers makes another epoch of it.
    let (to, back) = ([&bob.public, me.public()], [me.public(), &bob.public]);
    let of = |package: &[u8]| Known::of(package, me.reader(), bob.id());
    let body = Body::first(FROM_JOIN, &[(bob.id(), ADMIN), (id(&me), MEMBER)]);
    let first = of(&Craft::new(body, bob.sender(), &to).seal());
    let next = |known: &Known, to| of(&Craft::new(known.next(), bob.sender(), to).with_previous(&known.secret).seal());
    let [own, other] = [&to, &back].map(|to| next(&first, to));
    let later = next(&other, &to);
    [first, own, other, later]
}

/// The first and the last epoch that are missing, in one stretch of one room.
fn missing(recovery: &Recovery) -> [u64; 2] {
    let [Missing::Epochs { first, last, .. }] = recovery.missing()[..] else { panic!("{:?}", recovery.missing()) };
    [first, last].map(Epoch::number)
}

/// What evidence alone names is evidence too, where the keyring lost it. SPEC §18.5, §21
#[test]
fn what_evidence_names_is_evidence() {
    let (bob, me) = (&crowd()[1], me());
    let first = Body::first(SHARED, &[(bob.id(), ADMIN), (id(&me), MEMBER)]);
    // The order of its readers makes another epoch of it.
    let (to, back) = ([&bob.public, me.public()], [me.public(), &bob.public]);
    let seal = |body: Body, to| Craft::new(body, bob.sender(), to).with_previous(&[3; 32]).seal();
    let at = |epoch, previous| seal(Body { epoch, previous, ..first.clone() }, &to);
    let of = |package: &[u8]| Known::of(package, me.reader(), bob.id());
    let second = at(2, [8; 32]);
    let [third, other] = [&to, &back].map(|to| of(&seal(of(&second).next(), to)));
    let fourth = of(&at(4, [9; 32]));
    let identity = knows(&bob.public);
    // The third is kept, and the own branch has the fourth alone, or another third: that follows the second as well.
    for (own, lacking) in [(&fourth, 3), (&other, 1), (&third, 1)] {
        let head = register(1, &own.body.room_id(), 1, 5, &own.transcript());
        let entries =
            if own.body.epoch == 4 { vec![kept(&third), kept(own)] } else { vec![kept(&third), kept(&other)] };
        let segments = [identity.clone(), by_hand(5, 1, &[entries, vec![head]].concat())];
        let recovery = recover(&segments, std::slice::from_ref(&second), false);
        assert_eq!(recovery.progress().epochs, 3);
        assert_eq!(missing(&recovery), [0, lacking]);
    }
}

/// Where the generator fails once, the head is the one that the keyring names all the same. [KRG-08]
#[test]
fn a_generator_that_fails_once() {
    let [zero, own, other, later] = forked();
    let id = zero.body.room_id();
    let entries = [kept(&zero), kept(&own), kept(&other), kept(&later), register(1, &id, 1, 5, &own.transcript())];
    let segment = by_hand(5, 1, &entries);
    let head = |proceed: &mut dyn FnMut(&mut Recovery)| {
        let mut recovery = Recovery::new(keyrings::words(), Profile::P256, &mut SystemRng).unwrap();
        recovery.proceed(&mut SystemRng).unwrap();
        recovery.give(&segment, &mut SystemRng).unwrap();
        proceed(&mut recovery);
        while recovery.wanted().is_some() {
            recovery.proceed(&mut SystemRng).unwrap();
        }
        *recovery.finish().unwrap().rooms[0].transcript()
    };
    let good = head(&mut |recovery| recovery.proceed(&mut SystemRng).unwrap());
    assert_eq!(good.as_bytes(), &own.transcript());
    let bad = head(&mut |recovery| {
        assert_eq!(recovery.proceed(&mut Once(0)), Err(Error::Generator));
    });
    assert_eq!(bad, good);
}

/// A later run by the successor of somebody unknown: it waits for the one who was replaced, who is told. [REC-01]
#[test]
fn who_was_replaced_is_asked_for() {
    let (mut devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[1, 0, 2], 2);
    let (new, transition) = successor(&crowd()[0], 77);
    let refresh = devices[0].package(Room::refresh);
    devices[1].apply(&refresh).unwrap();
    let known = [directory(), vec![new.public.clone()]].concat();
    let change = devices[1].room.replace(&transition).unwrap();
    let replaced = change.seal(&new.sender(), &known, &mut SystemRng).unwrap();
    let given: [&[u8]; 2] = [&first, &replaced];
    let id = devices[0].room.id();
    let with = Room::recover(id, &given, &[crowd()[2].reader()], &known, &mut SystemRng).unwrap();
    assert_eq!(with.room.epoch().number(), 2);
    let without: Vec<_> =
        known.iter().filter(|who| who.fingerprint() != crowd()[0].public.fingerprint()).cloned().collect();
    let found = Room::recover(id, &given, &[crowd()[2].reader()], &without, &mut SystemRng).unwrap();
    assert_eq!(found.problems, [(1, Error::UnknownIdentity { fingerprint: crowd()[0].id() })]);
}

/// The way back from evidence is evidence too: the own branch is what was so before. SPEC §18.5, §21
#[test]
fn evidence_stays_evidence() {
    let past = past(HistoryPolicy::Shared, 8, true);
    let (bob, me) = (&crowd()[1], me());
    let segment = knows(&bob.public);
    let second = by_hand(5, 1, &[kept(&Known::of(&past.packages[7], me.reader(), bob.id()))]);
    let recovery = recover(&[segment, second], &past.packages[..6], false);
    // All that came is there to be read; of the own branch, which leads to the head, is nothing of it.
    assert_eq!(recovery.progress().epochs, 7);
    assert_eq!(missing(&recovery), [0, 6]);
}

/// What is granted is taken with its secret if one names it that the room holds, but no key of the reader opens. [ROOM-29]
#[test]
fn what_is_held_opens_what_was_before() {
    let (devices, first) = Device::rooms(HistoryPolicy::Shared, &[0, 1, 2], 2);
    let of = |package: &[u8]| Known::of(package, crowd()[0].reader(), crowd()[0].id());
    let zero = of(&first);
    // Not for Carol, who is the third.
    let to = [0, 1, 5].map(|n: usize| &crowd()[n].public);
    let left_out = Craft::new(zero.next(), crowd()[0].sender(), &to).with_previous(&zero.secret).seal();
    let mut alice = devices[0].copy();
    assert_eq!(alice.apply(&left_out), head(0));
    let addition = alice.package(|room| room.add(&[(&crowd()[3].public, Role::Member)]));
    let (one, two) = (of(&left_out), Known::of(&addition, crowd()[3].reader(), crowd()[0].id()));
    let mut state = State::of(crowd()[2].id(), &[&zero, &one, &two]);
    let at = state.epochs[1].len() - 33;
    state.epochs[1][at] = 2;
    state.epochs[1][at + 1..].copy_from_slice(&one.message_key());
    let mut carol = Device { who: &crowd()[2], room: state.room() };
    let answers = carol.catch_up(&[&left_out, &addition]);
    assert_eq!(answers, [Ok(Applied::Past { author: alice.fingerprint() }), Ok(Applied::Held)]);
    // Where nobody knows who made them, the one waits; the other is held, whatever is before it.
    let (mut room, unknown) = (state.room(), Error::UnknownIdentity { fingerprint: crowd()[0].id() });
    let packages: [&[u8]; 2] = [&left_out, &addition];
    let answers = room.catch_up(&packages, &[crowd()[2].reader()], &&directory()[1..], &mut SystemRng);
    assert_eq!(answers, [Err(unknown), Ok(Applied::Held)]);
}

/// A key held elsewhere, which counts how often it is asked.
struct Counted<'a>(&'a P256PrivateKey, AtomicUsize);

impl Agree for Counted<'_> {
    fn public_key(&self) -> &P256PublicKey {
        self.0.public_key()
    }

    fn agree(&self, peer: &P256PublicKey) -> Result<SharedSecret, Error> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.agree(peer)
    }
}

/// A private key, which may be a slow one, is asked for what nothing else opens: not for an addition to an epoch that is held or
/// comes to be, nor for what a later package names. [ROOM-29]
#[test]
fn keys_are_asked_for_what_nothing_else_opens() {
    for history in [HistoryPolicy::FromJoin, HistoryPolicy::Shared] {
        let (mut devices, _) = Device::rooms(history, &[0, 1, 2], 2);
        let mut away = devices.pop().unwrap();
        let mut package = |change: &dyn Fn(&Room) -> Result<Change, Error>| {
            let package = devices[0].package(|room| change(room));
            devices[0].apply(&package).unwrap();
            package
        };
        let add = |n: usize| move |room: &Room| room.add(&[(&crowd()[n].public, Role::Member)]);
        let packages =
            [package(&add(3)), package(&add(4)), package(&Room::refresh), package(&Room::refresh), package(&add(5))];
        let key = Counted(&away.who.encryption, AtomicUsize::new(0));
        let packages: Vec<&[u8]> = packages.iter().map(|package| &package[..]).collect();
        let reader = [Reader::p256(&key, &away.who.public)];
        let answers = away.room.catch_up(&packages, &reader, &directory(), &mut SystemRng);
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!((away.room.epoch().number(), key.1.into_inner()), (5, 1));
    }
}

/// And once, whatever comes meanwhile: not again for what it did not open, as a removal. [ROOM-29]
#[test]
fn keys_are_asked_once() {
    let (mut devices, _) = Device::rooms(HistoryPolicy::FromJoin, &[0, 1, 2], 2);
    let mut away = devices.pop().unwrap();
    let removed = away.fingerprint();
    let mut packages = Vec::new();
    for removal in [false, false, true] {
        packages.push(devices[0].package(|room| if removal { room.remove(&[removed]) } else { room.refresh() }));
        devices[0].apply(packages.last().unwrap()).unwrap();
    }
    let key = Counted(&away.who.encryption, AtomicUsize::new(0));
    let packages: Vec<&[u8]> = packages.iter().map(|package| &package[..]).collect();
    let answers = away.room.catch_up(&packages, &[Reader::p256(&key, &away.who.public)], &directory(), &mut SystemRng);
    assert_eq!(answers, [head(0), head(0), Err(Error::Decrypt)]);
    // For the second refresh and for the removal.
    assert_eq!(key.1.into_inner(), 2);
}

/// The room as the device's member puts it together from packages alone.
fn recovered_by(device: &Device, given: &[&Vec<u8>]) -> Result<Room, Error> {
    let given: Vec<&[u8]> = given.iter().map(|package| &package[..]).collect();
    let recovered = Room::recover(device.room.id(), &given, &[device.who.reader()], &directory(), &mut SystemRng);
    recovered.map(|recovered| recovered.room)
}

/// Random rooms, with forks: what a device that was away holds does not depend on the order in which it is given all of it.
#[test]
fn orders() {
    let mut choices = Choices(0x9e37_79b9);
    for round in 0..30 {
        let history = if choices.below(2) == 0 { HistoryPolicy::FromJoin } else { HistoryPolicy::Shared };
        let (mut devices, first) = Device::rooms(history, &[0, 1, 2, 3], 2);
        let mut packages = vec![first];
        for _ in 0..8 {
            let at = choices.below(4);
            let device = &devices[at];
            let who = choices.below(4);
            let other = devices[who].fingerprint();
            let there = device.room.roster().iter().any(|member| member.fingerprint == other);
            let change = match choices.below(4) {
                0 | 1 => device.room.refresh(),
                _ if there && who != 3 => device.room.remove(&[other]),
                _ if there => device.room.refresh(),
                _ => device.room.add(&[(&crowd()[who].public, Role::Member)]),
            };
            let Ok(change) = change else { continue };
            let Ok(package) = change.seal(&device.who.sender(), &directory(), &mut SystemRng) else { continue };
            packages.push(package);
            let last = packages.last().unwrap().clone();
            for (n, device) in devices.iter_mut().enumerate() {
                if n != 3 && (n == at || choices.below(3) > 0) {
                    let _ = device.apply(&last);
                    device.room.accept_head();
                }
            }
        }
        let reader = devices[3].copy();
        // A slow one: one by one, in all orders that are needed.
        let mut slow = reader.copy();
        let mut sorted = packages.clone();
        sorted.sort_by_key(|package| match inspect(package).unwrap() {
            Info::RoomEpoch { epoch, .. } => epoch.number(),
            _ => panic!(),
        });
        for _ in 0..4 {
            for package in &sorted {
                let _ = slow.apply(package);
            }
        }
        let (mut seen, mut recovered) = (None, None);
        for turn in 0..8 {
            let mut given: Vec<&Vec<u8>> = packages.iter().collect();
            choices.shuffle(&mut given);
            if turn % 2 == 1 {
                let again = given[choices.below(given.len())];
                given.push(again);
            }
            let mut device = reader.copy();
            if turn % 4 == 3 {
                let cut = choices.below(given.len());
                device.catch_up(&given[..cut]);
            }
            device.catch_up(&given);
            let found = (epochs(&device.room), device.room.settle());
            assert!(epochs(&slow.room).is_subset(&found.0));
            assert_eq!(found, *seen.get_or_insert_with(|| found.clone()), "round {round} {history:?}");
            let found = epochs(&recovered_by(&device, &given).unwrap());
            assert_eq!(found, *recovered.get_or_insert_with(|| found.clone()), "round {round} {history:?}");
        }
    }
}

/// A package by hand under a DEK of its own: copies of it with another payload have its transcript if only what follows the
/// body differs.
pub(crate) fn sealed(craft: &Craft<'_>, to: &[&PublicIdentity], n: u8, claims: [u8; 32], by: &Outsider) -> Vec<u8> {
    let (salt, dek) = ([0x5a; 24], [n; 32]);
    let mut enc = [0; 65];
    let wrap = |identity: &&PublicIdentity| {
        let info = wrap_info(2, 1, &salt, identity.fingerprint().as_bytes());
        let entry;
        (enc, entry) = wrap_p256(identity.p256_encryption_key().unwrap(), &info, &dek, [n; 32]);
        entry
    };
    let entries: Vec<_> = to.iter().map(wrap).collect();
    let stanzas = group(&enc, &entries);
    let hand = Hand { content_type: 2, signature: 1, padding: 0, salt, dek, stanzas, public_data: craft.public_data() };
    let payload = craft.payload();
    hand.seal_signed(&payload, &claims, &by.sign(&hand.signed_digest(&[&payload], &claims)))
}

/// The epochs that are held in the end, slowly: every secret that is named is tried with everything, and all of them are applied
/// one by one until nothing more comes. [ROOM-29]
fn slowly(device: &Device, given: &[&Vec<u8>]) -> BTreeSet<(u64, [u8; 32])> {
    let (mut device, rng) = (device.copy(), &mut SystemRng);
    let mut secrets: BTreeMap<&Vec<u8>, [u8; 32]> = BTreeMap::new();
    let mut named: Vec<[u8; 32]> = Vec::new();
    loop {
        let before = secrets.len();
        for package in given {
            let locked = Locked::decode(package, &Limits::default()).unwrap();
            let by_named = || named.iter().find_map(|secret| hazmat::unlock_dek(&locked, *secret).ok());
            let unlocked = locked.unlock(&[device.who.reader()], rng).ok().or_else(by_named);
            if let Some(unlocked) = unlocked.filter(|_| !secrets.contains_key(package)) {
                let (secret, content) = hazmat::dek_and_content(unlocked, locked.payload()).unwrap();
                named.extend(Body::decode(&content).1.strip_prefix(&[1]).and_then(|rest| rest.first_chunk::<32>()));
                secrets.insert(package, secret);
            }
        }
        if secrets.len() == before {
            break;
        }
    }
    let mut held = epochs(&device.room);
    loop {
        for (package, secret) in &secrets {
            let locked = Locked::decode(package, &Limits::default()).unwrap();
            let unlocked = hazmat::unlock_dek(&locked, *secret).unwrap();
            let _ = device.room.apply_unlocked(package, unlocked, &directory());
        }
        let now = epochs(&device.room);
        if now == held {
            return held;
        }
        held = now;
    }
}

/// The same with packages that leave the reader out, copies of them with another secret or a wrong signature, and some that are
/// kept back: what is held is what a slow search finds, in whatever order; in a recovery nothing depends on what comes twice.
#[test]
fn left_out_and_copied() {
    let mut choices = Choices(5);
    let mut most = 0;
    for _ in 0..60 {
        let history = if choices.below(2) == 0 { HistoryPolicy::FromJoin } else { HistoryPolicy::Shared };
        let (devices, first) = Device::rooms(history, &[0, 1, 2, 3], 2);
        let mut known = vec![Known::of(&first, crowd()[0].reader(), crowd()[0].id())];
        let mut packages = Vec::new();
        for n in 0..9_u8 {
            let parent =
                if choices.below(3) == 0 { &known[choices.below(known.len())] } else { &known[known.len() - 1] };
            let author = &crowd()[choices.below(3)];
            let Some((_, role)) = parent.body.roster.iter().find(|(who, _)| *who == author.id()) else { continue };
            let (mut body, mut newcomers) = (parent.next(), false);
            if *role == ADMIN && choices.below(3) == 0 {
                let who = crowd()[2 + choices.below(2)].id();
                newcomers = !body.roster.iter().any(|(member, _)| *member == who);
                if newcomers {
                    body.roster = roster(&[&body.roster[..], &[(who, MEMBER)]].concat());
                } else {
                    body.roster.retain(|(member, _)| *member != who);
                }
            }
            if !body.roster.iter().any(|(member, _)| *member == author.id()) {
                continue;
            }
            let left_out = choices.below(2) == 0;
            let reader = |(who, _): &([u8; 32], u8)| {
                let place = crowd().iter().position(|person| person.id() == *who).unwrap();
                &crowd()[if place == 3 && left_out { 7 } else { place }].public
            };
            let to: Vec<&PublicIdentity> = body.roster.iter().map(reader).collect();
            let craft = Craft::new(body, author.sender(), &to);
            let secret = parent.secret;
            let craft =
                if newcomers && history == HistoryPolicy::FromJoin { craft } else { craft.with_previous(&secret) };
            let package = sealed(&craft, &to, n + 1, author.id(), author);
            for _ in 0..choices.below(3) {
                packages.push(match choices.below(2) {
                    0 => sealed(&craft, &to, n + 1, author.id(), &crowd()[6]),
                    _ => sealed(&craft.clone().with_previous(&[0xee; 32]), &to, n + 1, author.id(), author),
                });
            }
            known.push(Known::of(&package, author.reader(), author.id()));
            packages.insert(choices.below(packages.len() + 1), package);
        }
        let mut given: Vec<&Vec<u8>> = packages.iter().collect();
        if choices.below(3) == 0 && !given.is_empty() {
            given.remove(choices.below(given.len()));
        }
        let expected = slowly(&devices[3], &given);
        most = most.max(expected.len());
        for _ in 0..4 {
            choices.shuffle(&mut given);
            let mut device = devices[3].copy();
            device.catch_up(&given);
            assert_eq!(epochs(&device.room), expected);
            let recovered =
                |given: &[&Vec<u8>]| recovered_by(&device, given).map(|room| (epochs(&room), *room.transcript())).ok();
            assert_eq!(recovered(&[&given[..], &given[..]].concat()), recovered(&given));
        }
    }
    assert!(most > 5);
}

/// What opens late, by a secret that a worthless package names, prevails, and what was kept and follows it is the head. What is
/// said of the others stays. [ROOM-29]
#[test]
fn what_follows_one_that_opens_late_is_the_head() {
    let (bob, carol, dave, stranger, me) = (&crowd()[1], &crowd()[3], &crowd()[4], &crowd()[7], me());
    let members = [(bob.id(), ADMIN), (carol.id(), MEMBER), (id(&me), MEMBER)];
    let all = [&bob.public, &carol.public, me.public()];
    let by = |package: &[u8], who: &Outsider| Known::of(package, who.reader(), who.id());
    let zero = by(&Craft::new(Body::first(FROM_JOIN, &members), bob.sender(), &all).seal(), bob);
    let refresh = |known: &Known, who: &Outsider, to| {
        let package = Craft::new(known.next(), who.sender(), to).with_previous(&known.secret).seal();
        (by(&package, who), package)
    };
    let (one, _) = refresh(&zero, carol, &all);
    let (_, after_one) = refresh(&one, carol, &all);
    // Bob's, which leaves me out, and one that adds Dave and hence does not name its secret.
    let (beside, late) = refresh(&zero, bob, &[&bob.public, &carol.public, &stranger.public]);
    let with_dave = roster(&[&members[..], &[(dave.id(), MEMBER)]].concat());
    let to = [&bob.public, &carol.public, &dave.public, me.public()];
    let anew = Craft::new(Body { roster: with_dave.clone(), ..beside.next() }, bob.sender(), &to).seal();
    let two = by(&anew, bob);
    // Under the key of another epoch than it names, by which it opens in its turn.
    let kek = SymmetricKey::take(&mut one.epoch_kek());
    let body = Body { adds: 1, roster: with_dave, ..beside.next() };
    let worthless = Craft::new(body, carol.sender(), &[&dave.public]).with_previous(&beside.secret);
    let worthless = worthless.but(|craft| craft.to.push(Recipient::symmetric(&kek))).seal();

    let mut state = State::of(id(&me), &[&zero, &one]);
    state.epochs.push(two.stored(2));
    let mut room = state.room();
    let packages = [&late, &after_one, &anew, &worthless].map(Vec::as_slice);
    let answers = room.catch_up(&packages, &[me.reader()], &directory(), &mut SystemRng);
    let (by_bob, by_carol) = (*bob.public.fingerprint(), *carol.public.fingerprint());
    assert_eq!(answers[..2], [Ok(Applied::Switched { author: by_bob }), Ok(Applied::Head { author: by_carol })]);
    assert_eq!(answers[2], Ok(Applied::Head { author: by_bob }));
    assert!(answers[3].is_err());
    assert_eq!(room.transcript().as_bytes(), &two.transcript());
}
