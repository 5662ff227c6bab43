//! Work: what costs a reader more than it cost to send.

use crate::common::keyrings::{knows, late_epoch, me, recover_from, recovers};
use crate::common::rooms::*;
use crate::common::{fewer, is_linear, outsider};
use cpu_time::ThreadTime;
use sealroom::*;

/// By one of the crowd, for the first three of it.
fn refresh(parent: &Known, by: usize) -> Vec<u8> {
    let to: Vec<&PublicIdentity> = [0, 1, 2].map(|n: usize| &crowd()[n].public).to_vec();
    Craft::new(parent.next(), crowd()[by].sender(), &to).with_previous(&parent.secret).seal()
}

fn known(package: &[u8], by: usize) -> Known {
    Known::of(package, crowd()[1].reader(), crowd()[by].id())
}

/// A plain member's refresh, an admin's in its place, and so on: each changes the branch.
#[test]
fn races_that_are_given_way_to() {
    let (devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[0, 1, 2], 1);
    let mut head = known(&first, 0);
    let mut packages = Vec::new();
    for _ in 0..fewer(6000) {
        packages.push(refresh(&head, 2));
        let package = refresh(&head, 0);
        head = known(&package, 0);
        packages.push(package);
    }
    is_linear(fewer(1500), |count| {
        let (taken, room) = catches_up(&devices[1], &packages.iter().take(2 * count).collect::<Vec<_>>());
        assert_eq!(room.transcript().as_bytes(), &known(&packages[2 * count - 1], 0).transcript());
        taken
    });
}

/// An admin's refresh, a plain member's after it; and forks of the admin's for which there is no place.
#[test]
fn forks_beside_a_long_branch() {
    let (devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[0, 1, 2], 1);
    let first = known(&first, 0);
    let package = refresh(&first, 0);
    let mut head = known(&package, 0);
    let mut chain = vec![package];
    for _ in 0..fewer(3200) {
        let package = refresh(&head, 2);
        head = known(&package, 2);
        chain.push(package);
    }
    let fork = |_| {
        let change = devices[0].room.refresh().unwrap();
        change.seal(&crowd()[0].sender(), &directory(), &mut SystemRng).unwrap()
    };
    let forks: Vec<Vec<u8>> = (0..fewer(3200)).map(fork).collect();
    is_linear(fewer(800), |count| {
        let mut bob = devices[1].copy();
        bob.catch_up(&chain.iter().take(count).collect::<Vec<_>>());
        let (taken, _) = catches_up(&bob, &forks.iter().take(count).collect::<Vec<_>>());
        taken
    });
}

/// Many who are not known, one of whom a server tells at a time.
#[test]
fn identities_one_by_one() {
    let (bob, me) = (&crowd()[1], me());
    let people: Vec<_> = (10..=249).map(outsider).collect();
    let body = Body::first(FROM_JOIN, &[(bob.id(), ADMIN), (id(&me), MEMBER)]);
    let to = [&bob.public, me.public()];
    let mut chain = vec![Craft::new(body, bob.sender(), &to).seal()];
    for _ in 0..fewer(7200) {
        let last = Known::of(chain.last().unwrap(), me.reader(), bob.id());
        chain.push(Craft::new(last.next(), bob.sender(), &to).with_previous(&last.secret).seal());
    }
    let body = Known::of(&chain[0], me.reader(), bob.id()).body;
    let strange = |(n, who): (usize, &crate::common::Outsider)| {
        let body = Body { epoch: 5000, previous: numbered(n as u64), ..body.clone() };
        Craft::new(body, who.sender(), &to).with_previous(&[4; 32]).seal()
    };
    let strange: Vec<Vec<u8>> = people.iter().enumerate().map(strange).collect();
    is_linear(fewer(60), |count| {
        let given: Vec<Vec<u8>> = chain.iter().take(30 * count).chain(strange.iter().take(count)).cloned().collect();
        let start = ThreadTime::now();
        let mut steps = 0;
        let recovery = recover_from(|wanted| match wanted {
            Wanted::Segments => vec![knows(&bob.public)],
            Wanted::Packages { .. } => given.clone(),
            Wanted::Identities { of } => {
                steps += 1;
                let who = people.iter().find(|who| of.contains(who.public.fingerprint()));
                who.map(|who| who.public.to_bytes()).into_iter().collect()
            }
            _ => Vec::new(),
        });
        let taken = start.elapsed();
        assert_eq!((recovery.progress().epochs, steps), (30 * count, count));
        taken
    });
}

/// Copies of what begins a run, and of what was before it, which does not follow what is held.
#[test]
fn copies_of_what_leads_back() {
    let people: Vec<_> = (1..=60).map(outsider).collect();
    let members: Vec<_> =
        people.iter().map(|who| (who.id(), if who.id() == people[0].id() { ADMIN } else { MEMBER })).collect();
    let to: Vec<&PublicIdentity> = people.iter().map(|who| &who.public).collect();
    let mut members = members;
    members[0].1 = ADMIN;
    let body = Body::first(FROM_JOIN, &members);
    let known = |package: &[u8]| Known::of(package, people[1].reader(), people[0].id());
    let first = Craft::new(body, people[0].sender(), &to).seal();
    let second = Craft::new(known(&first).next(), people[0].sender(), &to).with_previous(&[1; 32]).seal();
    let parent = known(&second);
    let third = Craft::new(parent.next(), people[0].sender(), &to).with_previous(&parent.secret).seal();
    let room = RoomId::from_bytes(known(&first).body.room_id());
    let directory: Vec<PublicIdentity> = people.iter().map(|who| who.public.clone()).collect();
    is_linear(250, |count| {
        let mut given: Vec<&[u8]> = vec![&first];
        given.extend(std::iter::repeat_n(&second[..], count));
        given.extend(std::iter::repeat_n(&third[..], count));
        let start = ThreadTime::now();
        let found = Room::recover(&room, &given, &[people[1].reader()], &directory, &mut SystemRng).unwrap();
        let taken = start.elapsed();
        assert_eq!(found.room.epoch().number(), 2);
        assert_eq!(found.room.epochs().count(), 2);
        taken
    });
}

/// Copies under one header by somebody who is not known, of which each follows an epoch that came by a grant.
#[test]
fn what_follows_a_granted_epoch() {
    let to: Vec<&PublicIdentity> = [0, 1, 2].map(|n: usize| &crowd()[n].public).to_vec();
    let members = [(crowd()[0].id(), ADMIN), (crowd()[1].id(), MEMBER), (crowd()[2].id(), MEMBER)];
    let body = Body { epoch: 4, previous: [9; 32], ..Body::first(FROM_JOIN, &members) };
    let granted = known(&Craft::new(body, crowd()[0].sender(), &to).with_previous(&[3; 32]).seal(), 0);
    let second = Craft::new(granted.next(), crowd()[0].sender(), &to).with_previous(&granted.secret);
    let head = known(&second.seal_by_hand(&to, None, crowd()[0].id(), &crowd()[0]), 0);
    let mut state = State::of(crowd()[1].id(), &[&granted, &head]);
    state.epochs[0] = granted.stored_granted(1);
    let bob = Device { who: &crowd()[1], room: state.room() };
    let stranger = outsider(99);
    let junk = second.seal_by_hand(&to, None, stranger.id(), &stranger);
    is_linear(1500, |count| {
        let (taken, room) = catches_up(&bob, &vec![&junk; count]);
        assert_eq!(room.epochs().count(), 2);
        taken
    });
}

/// Additions for many keys beside many epochs of one number.
#[test]
fn additions_for_many_keys() {
    let (bob, me) = (&crowd()[1], me());
    let to = [&bob.public, me.public()];
    let (late, segments) = late_epoch(1_000_000);
    let keys: Vec<SymmetricKey> = (0..60).map(|_| SymmetricKey::generate(&mut SystemRng).unwrap()).collect();
    let stranger = outsider(99);
    let packages: Vec<[Vec<u8>; 2]> = (0..800)
        .map(|n| {
            let body = Body { epoch: 5, previous: numbered(n), ..late.body.clone() };
            let run = Craft::new(body, bob.sender(), &to).with_previous(&[4; 32]).seal();
            let body = Body { epoch: 6, previous: numbered(n), ..late.body.clone() };
            let mut addition = Craft::new(body, stranger.sender(), &[]).with_previous(&[4; 32]);
            addition.to = keys.iter().map(Recipient::symmetric).collect();
            [run, addition.seal()]
        })
        .collect();
    is_linear(200, |count| {
        let given: Vec<Vec<u8>> = packages.iter().take(count).flatten().cloned().collect();
        recovers(&segments, &given, count + 1)
    });
}

/// A long chain that leads nowhere, which is looked at again each time that what another one lacks is opened.
#[test]
fn what_leads_nowhere_is_forgotten() {
    const EACH: usize = 30;
    let (devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[0, 1, 2], 1);
    let first = known(&first, 0);
    let stranger = outsider(99);
    let (key, admin) = (SymmetricKey::generate(&mut SystemRng).unwrap(), crowd()[0].sender());
    is_linear(150, |count| {
        let mut last = Known { body: Body { epoch: 9, ..first.body.clone() }, ..first.clone() };
        let mut given = Vec::new();
        for level in 0..count + count / EACH {
            let package = refresh(&last, 0);
            last = known(&package, 0);
            given.push(package.clone());
            for n in 0..if level < count { 0 } else { EACH } {
                let body = Body { epoch: last.body.epoch - 1, previous: numbered(n as u64), ..last.body.clone() };
                let lacking = Craft::new(body, admin, &[&stranger.public]).with_previous(&[7; 32]).seal();
                let lacking = (Known::of(&lacking, stranger.reader(), crowd()[0].id()), given.push(lacking)).0;
                let next = Craft::new(lacking.next(), admin, &[&crowd()[1].public]);
                given.push(next.clone().with_previous(&[8; 32]).seal());
                let mut opens = next.with_previous(&lacking.secret);
                opens.to.push(Recipient::symmetric(&key));
                given.push(opens.seal());
                given.push(package.clone());
            }
        }
        let (taken, room) = catches_up(&devices[1], &given.iter().collect::<Vec<_>>());
        assert_eq!(room.epochs().count(), 1);
        taken
    });
}

/// Grants of what is held, in a long room.
#[test]
fn grants_that_bring_nothing() {
    let members = [(crowd()[0].id(), ADMIN), (crowd()[1].id(), MEMBER), (crowd()[2].id(), MEMBER)];
    let first = Body::first(FROM_JOIN, &members);
    let mut chain: Vec<Known> = Vec::new();
    for n in 0..6000_u64 {
        let body = chain.last().map_or_else(|| first.clone(), Known::next);
        let secret = numbered(n);
        chain.push(Known { signer: crowd()[2].id(), body, commitment: [7; 32], secret, rest: Vec::new() });
    }
    let content = [&first.room_id()[..], &crate::common::hand::vector(&chain[0].granted())].concat();
    let (to, id) = ([crowd()[1].public.recipient()], first.room_id());
    let grant = Envelope::to(&to).signed_by(crowd()[2].sender()).public_data(&id);
    let grant = hazmat::seal_as(&grant, ContentType::HistoryGrant, &content, &mut SystemRng).unwrap();
    is_linear(1500, |count| {
        let held: Vec<&Known> = chain.iter().take(count).collect();
        let mut room = State::of(crowd()[1].id(), &held).room();
        let start = ThreadTime::now();
        for _ in 0..count / 10 {
            let reader = crowd()[1].reader();
            assert_eq!(room.accept_grant(&grant, &crowd()[2].public, &[reader], &mut SystemRng), Ok(0));
        }
        start.elapsed()
    });
}
