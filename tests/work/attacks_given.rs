//! What a recovery and a batch make of what others put beside an honest person's packages. SPEC §18.3, §18.7, §21

use crate::common::keyrings::{by_hand, kept, knows, late_epoch, me, recover, recover_from, recovers, register, words};
use crate::common::rooms::*;
use crate::common::*;
use sealroom::*;
use std::time::Duration;

fn of(package: &[u8]) -> Known {
    Known::of(package, me().reader(), crowd()[1].id())
}

/// Stored and loaded.
fn restored(room: &Room) -> Result<Room, Error> {
    Room::load(&room.save(&symmetric(1), &mut SystemRng)?, &symmetric(1))
}

/// An epoch that the own branch names, by an author who is known, with a transition of somebody who is not: whatever comes of
/// it, what was recovered can be stored. [ROOM-26]
#[test]
fn given_unknown_old_identity_is_stored() {
    let (bob, me) = (&crowd()[1], me());
    let (old, new) = (outsider(50), successor(&outsider(50), 77));
    let members = [(bob.id(), ADMIN), (id(&me), MEMBER), (new.0.id(), MEMBER)];
    let first = Body { epoch: 5, previous: [8; 32], ..Body::first(SHARED, &members) };
    let to = [&bob.public, me.public(), &new.0.public];
    let mut craft = Craft::new(first, bob.sender(), &to).with_previous(&[3; 32]);
    craft.transition = new.1.to_bytes().unwrap();
    assert_eq!(new.1.old_fingerprint(), old.public.fingerprint());
    let fifth = craft.seal();
    let sixth = of(&Craft::new(of(&fifth).next(), bob.sender(), &to).with_previous(&of(&fifth).secret).seal());
    let head = register(1, &sixth.body.room_id(), 1, 5, &sixth.transcript());
    let segments = [knows(&bob.public), by_hand(5, 1, &[kept(&sixth), head])];
    let account = recover(&segments, &[fifth], false).finish().unwrap();
    assert_eq!(account.rooms.len(), 1);
    assert_eq!(restored(&account.rooms[0]).err(), None);
}

/// The same with a copy that its author, a plain member, made of their own refresh, with a transition that nobody signed.
#[test]
fn given_spoilt_copy_is_stored() {
    let (bob, carol, me) = (&crowd()[1], &crowd()[2], me());
    let members = [(bob.id(), ADMIN), (carol.id(), MEMBER), (id(&me), MEMBER)];
    let to = [&bob.public, &carol.public, me.public()];
    let body = Body { epoch: 5, previous: [8; 32], ..Body::first(FROM_JOIN, &members) };
    let refresh = Craft::new(body, carol.sender(), &to).with_previous(&[3; 32]);
    let fifth = Known::of(&refresh.seal_by_hand(&to, None, carol.id(), carol), me.reader(), carol.id());
    let mut copy = refresh.clone();
    copy.transition = successor(&crowd()[1], 77).1.to_bytes().unwrap();
    let at = copy.transition.len() - 70;
    copy.transition[at] ^= 1;
    let copy = copy.seal_by_hand(&to, None, carol.id(), carol);
    let sixth = of(&Craft::new(fifth.next(), bob.sender(), &to).with_previous(&fifth.secret).seal());
    let head = register(1, &sixth.body.room_id(), 1, 5, &sixth.transcript());
    let segments = [knows(&bob.public), knows(&carol.public), by_hand(5, 1, &[kept(&sixth), head])];
    let account = recover(&segments, &[copy], false).finish().unwrap();
    assert_eq!(restored(&account.rooms[0]).err(), None);
}

/// Who removed somebody is not known at first: whoever was removed makes no head of a room that the keyring has. [REC-05]
#[test]
fn given_removed_admin_is_no_head() {
    let (bob, carol, mallory, me) = (&crowd()[1], &crowd()[2], &crowd()[3], me());
    let members = [(bob.id(), ADMIN), (carol.id(), ADMIN), (mallory.id(), ADMIN), (id(&me), MEMBER)];
    let all = [&bob.public, &carol.public, &mallory.public, me.public()];
    let first = of(&Craft::new(Body::first(SHARED, &members), bob.sender(), &all).seal());
    let mut body = first.next();
    body.roster.retain(|(who, _)| *who != mallory.id());
    let without = [&bob.public, &carol.public, me.public()];
    let removal = Craft::new(body, carol.sender(), &without).with_previous(&first.secret).seal();
    // Mallory's own, two later, whose parent nobody has.
    let body = Body { epoch: 2, previous: [9; 32], ..first.body.clone() };
    let false_one = Craft::new(body, mallory.sender(), &all).with_previous(&[7; 32]).seal();
    let head = register(1, &first.body.room_id(), 1, 5, &first.transcript());
    let kept = by_hand(5, 1, &[kept(&first), head]);
    let heads = |known: &[&PublicIdentity]| {
        let mut segments: Vec<Vec<u8>> = known.iter().map(|who| knows(who)).collect();
        segments.push(kept.clone());
        let packages = [removal.clone(), false_one.clone()];
        let account = recover(&segments, &packages, false).finish().unwrap();
        let room = &account.rooms[0];
        (room.epoch().number(), room.roster().iter().any(|member| *member.fingerprint.as_bytes() == mallory.id()))
    };
    assert_eq!(heads(&[&bob.public, &carol.public, &mallory.public]), (1, false));
    // Carol is asked for and given.
    assert_eq!(heads(&[&bob.public, &mallory.public]), (1, false));
}

/// What the own branch names is taken if it passes against its own parent, where that is held. SPEC §18.7, §21
#[test]
fn given_parent_passes_against_its_own() {
    let (bob, carol, me) = (&crowd()[1], &crowd()[2], me());
    let of_carol = |package: &[u8]| Known::of(package, me.reader(), carol.id());
    let members = [(bob.id(), ADMIN), (carol.id(), MEMBER), (id(&me), MEMBER)];
    let to = [&bob.public, &carol.public, me.public()];
    let first = of(&Craft::new(Body::first(SHARED, &members), bob.sender(), &to).seal());
    // Carol, who is a plain member, makes herself an admin.
    let mut body = first.next();
    body.roster = roster(&[(bob.id(), ADMIN), (carol.id(), ADMIN), (id(&me), MEMBER)]);
    let risen = Craft::new(body, carol.sender(), &to).with_previous(&first.secret).seal();
    let second =
        Craft::new(of_carol(&risen).next(), carol.sender(), &to).with_previous(&of_carol(&risen).secret).seal();
    let known = of_carol(&second);
    let head = register(1, &first.body.room_id(), 1, 5, &known.transcript());
    let segments = [knows(&bob.public), knows(&carol.public), by_hand(5, 1, &[kept(&first), kept(&known), head])];
    let no = refused("ROOM-09");
    for given in [vec![risen.clone()], vec![risen, second]] {
        let recovery = recover(&segments, &given, false);
        let told: Vec<Error> = recovery.refused().map(|(_, refused)| refused.error).collect();
        assert_eq!((recovery.progress().epochs, told), (2, vec![no]));
    }
}

/// A room of the persons 0, who reads, and 1.
fn pair() -> (Device, Known, [&'static PublicIdentity; 2]) {
    let (mut devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[1, 0], 2);
    let known = Known::of(&first, crowd()[0].reader(), crowd()[1].id());
    (devices.pop().unwrap(), known, [&crowd()[0].public, &crowd()[1].public])
}

/// A chain that leads nowhere, and packages after it that the head's key opens one by one: where it leads is not searched for
/// again after each. [ROOM-29]
#[test]
fn given_chain_that_leads_nowhere() {
    let (_, first, to) = pair();
    let by = &crowd()[1];
    let known = |package: &[u8]| Known::of(package, crowd()[0].reader(), by.id());
    let late = Body { epoch: 1_000_000, previous: [9; 32], ..first.body.clone() };
    let head_one = known(&Craft::new(late, by.sender(), &to).with_previous(&[3; 32]).seal());
    let reader = Device { who: &crowd()[0], room: State::of(crowd()[0].id(), &[&head_one]).room() };
    let kek = SymmetricKey::take(&mut head_one.epoch_kek());
    is_linear(fewer(700), |count| {
        let mut packages = Vec::new();
        let mut dead = first.clone();
        dead.body.epoch = 1_000_000 - count as u64;
        for _ in 0..count {
            let package = Craft::new(dead.next(), by.sender(), &to).with_previous(&dead.secret).seal();
            dead = known(&package);
            packages.push(package);
        }
        let after = Craft::new(dead.next(), by.sender(), &[]).with_previous(&dead.secret);
        let after = after.but(|craft| craft.to = vec![Recipient::symmetric(&kek)]).seal();
        packages.extend(vec![after; count]);
        let (time, room) = catches_up(&reader, &packages.iter().collect::<Vec<_>>());
        assert_eq!(room.epochs().count(), 1);
        time
    });
}

/// Packages each of which needs what the one before led to, later in the order, which makes a round for each, beside what
/// nobody can open. [ROOM-29]
#[test]
fn given_rounds() {
    let (reader, first, to) = pair();
    let (by, newcomer) = (&crowd()[1], &crowd()[2]);
    let left_out = [&crowd()[7].public, to[1]];
    let known = |package: &[u8]| Known::of(package, by.reader(), by.id());
    is_linear(100, |count| {
        let mut packages = Vec::new();
        let (mut parents, mut kek) = (vec![first.clone()], None);
        for n in 0..count {
            // After the addition before the last.
            let parent = parents[n.saturating_sub(1).min(parents.len() - 1)].clone();
            let mut body = parent.next();
            body.roster = first.body.roster.clone();
            let named = Craft::new(body, by.sender(), &left_out).with_previous(&parent.secret).seal();
            let named_one = known(&named);
            let mut body = named_one.next();
            body.roster = roster(&[&body.roster[..], &[(newcomer.id(), MEMBER)]].concat());
            body.adds = 1;
            let next_kek = SymmetricKey::take(&mut named_one.epoch_kek());
            let mut addition = Craft::new(body, by.sender(), &[&newcomer.public]);
            addition.to.push(Recipient::symmetric(&next_kek));
            let addition = addition.seal();
            let naming = Craft::new(named_one.next(), by.sender(), &to).with_previous(&named_one.secret);
            let naming = match &kek {
                None => naming.seal(),
                Some(kek) => naming.but(|craft| craft.to = vec![Recipient::symmetric(kek)]).seal(),
            };
            let addition_one = Known::of(&addition, newcomer.reader(), by.id());
            kek = Some(SymmetricKey::take(&mut addition_one.epoch_kek()));
            if n == 0 {
                parents = vec![named_one.clone()];
            }
            parents.push(addition_one);
            packages.extend([named, addition, naming]);
        }
        let nobodys = SymmetricKey::take(&mut [7; 32]);
        let junk = Craft::new(first.next(), by.sender(), &[]);
        packages.extend(vec![junk.but(|craft| craft.to = vec![Recipient::symmetric(&nobodys)]).seal(); 10 * count]);
        let (time, room) = catches_up(&reader, &packages.iter().collect::<Vec<_>>());
        // All that could be taken was, the first that names one too.
        assert_eq!(room.epochs().count(), 2 + 2 * count);
        time
    });
}

/// The same where what nobody is known to have signed has a transition that is valid: it is not verified again in each round.
#[test]
fn given_runs_beside_transitions() {
    let (bob, me, stranger) = (&crowd()[1], me(), outsider(60));
    let transition = successor(bob, 77).1.to_bytes().unwrap();
    let to = [&bob.public, me.public()];
    let (Known { body, .. }, segments) = late_epoch(1_000_000);
    is_linear(10, |count| {
        let mut given = Vec::new();
        for n in 0..count as u64 {
            let body = Body { epoch: 1, previous: numbered(n + 1), ..body.clone() };
            let mut junk = Craft::new(body.clone(), stranger.sender(), &to).with_previous(&[4; 32]);
            junk.transition = transition.clone();
            given.push(junk.seal());
            let run = Craft::new(Body { epoch: 3 + 2 * n, ..body }, bob.sender(), &to).with_previous(&[5; 32]);
            given.push(run.seal());
        }
        recovers(&segments, &given, count + 1)
    });
}

/// Runs that begin one by one, of many numbers or of one, beside what does not open or is refused. [REC-01]
#[test]
fn given_runs_beside_junk() {
    let (bob, me) = (&crowd()[1], me());
    let to = [&bob.public, me.public()];
    let (Known { body, .. }, segments) = late_epoch(1_000_000);
    let nobodys = SymmetricKey::take(&mut [7; 32]);
    for step in [2, 0] {
        is_linear(100, |count| {
            let mut given = Vec::new();
            for n in 0..count as u64 {
                let body = Body { epoch: 3 + step * n, previous: numbered(n), ..body.clone() };
                given.push(Craft::new(body.clone(), bob.sender(), &to).with_previous(&[5; 32]).seal());
                for epoch in [1, body.epoch, body.epoch + 1] {
                    let junk = Craft::new(Body { epoch, ..body.clone() }, bob.sender(), &[]);
                    given.push(junk.but(|craft| craft.to = vec![Recipient::symmetric(&nobodys)]).seal());
                }
            }
            recovers(&segments, &given, count + 1)
        });
    }
}

/// Forks from a long branch of evidence, for most of which there is no place. [ROOM-18]
#[test]
fn given_forks_of_evidence() {
    let (devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[1, 0], 2);
    let (by, to) = (&crowd()[1], [&crowd()[0].public, &crowd()[1].public]);
    let known = |package: &[u8]| Known::of(package, by.reader(), by.id());
    let root = known(&first);
    let mut reader = devices[1].copy();
    let own = Craft::new(root.next(), by.sender(), &to).with_previous(&root.secret).seal();
    assert_eq!(reader.apply(&own), head(1));
    is_linear(fewer(500), |count| {
        let (mut at, mut packages) = (root.clone(), Vec::new());
        for _ in 0..count {
            let [next, fork] =
                [0, 1].map(|_| sealed_anew(&Craft::new(at.next(), by.sender(), &to).with_previous(&at.secret)));
            at = known(&next);
            packages.extend([next, fork]);
        }
        let (time, room) = catches_up(&reader, &packages.iter().collect::<Vec<_>>());
        assert!(room.epochs().count() >= 2 + count.min(64));
        time
    });
}

/// Runs that each go back, and are evidence or lead to the head. [ROOM-16]
#[test]
fn given_runs_that_go_back() {
    let (bob, me) = (&crowd()[1], me());
    let to = [&bob.public, me.public()];
    for head in [1, 1_000_000] {
        let (Known { body, .. }, segments) = late_epoch(head);
        is_linear(fewer(200), |count| {
            let mut given = Vec::new();
            for n in 0..count as u64 {
                let body = Body { epoch: 3 + 3 * n, previous: numbered(n), ..body.clone() };
                let one = Craft::new(body, bob.sender(), &to).with_previous(&[5; 32]).seal();
                let past = of(&one);
                given.push(Craft::new(past.next(), bob.sender(), &to).with_previous(&past.secret).seal());
                given.push(one);
            }
            recovers(&segments, &given, 2 * count + 1)
        });
    }
}

/// Where evidence is full, an epoch that takes the place of another is a further one all the same: what needs it is taken,
/// wherever it stands. [ROOM-29]
#[test]
fn given_places_are_full() {
    let (devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[1, 0, 2], 1);
    let (by, plain, newcomer) = (&crowd()[1], &crowd()[2], &crowd()[3]);
    let root = Known::of(&first, by.reader(), by.id());
    let to = [0, 1, 2].map(|n: usize| &crowd()[n].public);
    let mut reader = devices[1].copy();
    let own = Craft::new(root.next(), by.sender(), &to).with_previous(&root.secret).seal();
    assert_eq!(reader.apply(&own), head(1));
    for _ in 0..64 {
        let fork = devices[2].package(Room::refresh);
        assert!(matches!(reader.apply(&fork), Ok(Applied::Fork { kept: true, .. })));
    }
    let known = |package: &[u8], who: &Outsider| Known::of(package, who.reader(), by.id());
    let left_out = [&crowd()[7].public, to[1], to[2]];
    let other = Craft::new(root.next(), by.sender(), &left_out).with_previous(&root.secret).seal();
    let other_one = known(&other, by);
    let kek = SymmetricKey::take(&mut known(&own, by).epoch_kek());
    let naming = Craft::new(other_one.next(), plain.sender(), &[]).with_previous(&other_one.secret);
    let naming = naming.but(|craft| craft.to = vec![Recipient::symmetric(&kek)]).seal();
    let kek = SymmetricKey::take(&mut other_one.epoch_kek());
    let mut body = Body { adds: 1, ..other_one.next() };
    body.roster = roster(&[&body.roster[..], &[(newcomer.id(), MEMBER)]].concat());
    let mut addition = Craft::new(body, by.sender(), &[&newcomer.public]);
    addition.to.push(Recipient::symmetric(&kek));
    let addition = addition.seal();
    let given = |packages: &[&Vec<u8>]| {
        let mut device = reader.copy();
        device.catch_up(packages);
        epochs(&device.room)
    };
    let taken = (2, known(&addition, newcomer).transcript());
    assert!(given(&[&other, &naming, &addition]).contains(&taken));
    assert!(given(&[&other, &addition, &naming]).contains(&taken));
}

/// Two that take each other's place, each for one that is refused then: that ends. [ROOM-29]
#[test]
fn given_places_are_taken_in_turn() {
    let (devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[1, 0, 2], 1);
    let (by, plain) = (&crowd()[1], &crowd()[2]);
    let root = Known::of(&first, by.reader(), by.id());
    let to = [0, 1, 2].map(|n: usize| &crowd()[n].public);
    let mut reader = devices[1].copy();
    // An admin's, which yield to nobody, and one place that is left.
    for _ in 0..64 {
        let _ = reader.apply(&devices[0].package(Room::refresh)).unwrap();
    }
    let pair = |to: [&PublicIdentity; 3]| {
        let one = Craft::new(root.next(), plain.sender(), &to).with_previous(&root.secret).seal();
        let known = Known::of(&one, plain.reader(), plain.id());
        // Who is a plain member makes herself an admin.
        let mut body = known.next();
        body.roster.iter_mut().for_each(|(_, role)| *role = ADMIN);
        (one, Craft::new(body, plain.sender(), &to).with_previous(&known.secret).seal())
    };
    let [(one, refused_after), (other, refused_too)] = [to, [to[2], to[1], to[0]]].map(pair);
    let answers = reader.catch_up(&[&one, &other, &refused_after, &refused_too]);
    let kept = Ok(Applied::Fork { author: *plain.public.fingerprint(), kept: true });
    assert_eq!(answers, [kept, kept, Err(refused("ROOM-09")), Err(refused("ROOM-09"))]);
    assert_eq!(epochs(&reader.room).len(), 1 + 64 + 1);
}

/// Who was behind and came to that epoch is not behind again, by a change to a branch that is not as long. [ROOM-24]
#[test]
fn given_behind_ends() {
    let (devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[1, 0, 2], 1);
    let root = Known::of(&first, crowd()[1].reader(), crowd()[1].id());
    let to = [0, 1, 2].map(|n: usize| &crowd()[n].public);
    let (mut admin, mut reader) = (devices[0].copy(), devices[1].copy());
    let packages: Vec<_> = (0..3)
        .map(|_| {
            let package = admin.package(Room::refresh);
            admin.apply(&package).unwrap();
            package
        })
        .collect();
    assert!(matches!(reader.apply(&packages[2]), Ok(Applied::Ahead { .. })));
    for package in &packages {
        reader.apply(package).unwrap();
    }
    assert_eq!(reader.room.standing(), Standing::Confirmed);
    let other = Craft::new(root.next(), crowd()[1].sender(), &to).with_previous(&root.secret).seal();
    reader.apply(&other).unwrap();
    let other = reader.room.forks()[0].transcript;
    reader.room.switch_to(&other).unwrap();
    assert_eq!(reader.room.standing(), Standing::Confirmed);
}

/// What many at once are told is what each would be told. SPEC §18.3
#[test]
fn given_answers() {
    let (reader, first, to) = pair();
    let by = &crowd()[1];
    let craft = Craft::new(first.next(), by.sender(), &to).with_previous(&first.secret);
    let other_data = [&first.body.room_id()[..], &5_u64.to_be_bytes()].concat();
    for bad in [craft.but(|craft| craft.public_data = Some(other_data)), craft.but(|craft| craft.has_previous = 2)] {
        let package = bad.seal();
        let mut device = reader.copy();
        assert_eq!(device.catch_up(&[&package]), [reader.copy().apply(&package)]);
    }
}

/// A room that the keyring has goes on with a package by the successor of an admin, in whose place the successor signed it: the
/// successor is asked for, like whoever signed, and who was replaced. SPEC §21 [REC-01]
#[test]
fn given_successor_is_asked_for() {
    let (bob, me) = (&crowd()[1], me());
    let (new, transition) = successor(bob, 77);
    let first = Body::first(SHARED, &[(bob.id(), ADMIN), (id(&me), MEMBER)]);
    let zero = of(&Craft::new(first.clone(), bob.sender(), &[&bob.public, me.public()]).seal());
    // The package of epoch 1 is kept back.
    let body = Body { epoch: 2, previous: [9; 32], roster: roster(&[(new.id(), ADMIN), (id(&me), MEMBER)]), ..first };
    let mut second = Craft::new(body, new.sender(), &[&new.public, me.public()]).with_previous(&[3; 32]);
    second.transition = transition.to_bytes().unwrap();
    let second = second.seal();
    let entries = [kept(&zero), register(1, &zero.body.room_id(), 1, 5, &zero.transcript())];
    let head = |known: &[&PublicIdentity]| {
        let segments: Vec<Vec<u8>> = known.iter().map(|who| knows(who)).chain([by_hand(5, 1, &entries)]).collect();
        let recovery = recover_from(|wanted| match wanted {
            Wanted::Segments => segments.clone(),
            Wanted::Packages { .. } => vec![second.clone()],
            Wanted::Identities { of } => [&bob.public, &new.public]
                .into_iter()
                .filter(|who| of.contains(who.fingerprint()))
                .map(PublicIdentity::to_bytes)
                .collect(),
            _ => Vec::new(),
        });
        recovery.finish().unwrap().rooms[0].epoch().number()
    };
    assert_eq!(head(&[&bob.public, &new.public]), 2);
    assert_eq!(head(&[&bob.public]), 2);
    assert_eq!(head(&[&new.public]), 2);
}

/// Somebody of a random room: an outsider, or one generation of the person of the words.
#[derive(Clone)]
enum Who {
    Other(std::rc::Rc<Outsider>),
    Me(std::rc::Rc<Identity>),
}

impl Who {
    fn public(&self) -> &PublicIdentity {
        match self {
            Self::Other(outsider) => &outsider.public,
            Self::Me(identity) => identity.public(),
        }
    }
    fn id(&self) -> [u8; 32] {
        *self.public().fingerprint().as_bytes()
    }
    fn reader(&self) -> Reader<'_> {
        match self {
            Self::Other(outsider) => outsider.reader(),
            Self::Me(identity) => identity.reader(),
        }
    }
    fn sender(&self) -> Sender<'_> {
        match self {
            Self::Other(outsider) => outsider.sender(),
            Self::Me(identity) => identity.sender(),
        }
    }
    fn is_me(&self) -> bool {
        matches!(self, Self::Me(_))
    }
}

struct World {
    /// By person, then by generation.
    people: Vec<Vec<(Who, Option<Vec<u8>>)>>,
    mine: Transition,
}

fn world() -> World {
    let mut people = Vec::new();
    for n in 1..=4_u8 {
        let first = outsider(n);
        let (second, one) = successor(&first, 100 + n);
        let (third, two) = successor(&second, 120 + n);
        let other = |outsider| Who::Other(std::rc::Rc::new(outsider));
        people.push(vec![
            (other(first), None),
            (other(second), Some(one.to_bytes().unwrap())),
            (other(third), Some(two.to_bytes().unwrap())),
        ]);
    }
    let root = words();
    let (zero, one) = (me(), root.identity(Profile::P256, 1, &mut SystemRng).unwrap());
    let mine = root.succeed(&zero, &one, &mut SystemRng).unwrap();
    let bytes = mine.to_bytes().unwrap();
    let of_me = |identity| Who::Me(std::rc::Rc::new(identity));
    people.push(vec![(of_me(zero), None), (of_me(one), Some(bytes))]);
    World { people, mine }
}

impl World {
    fn find(&self, id: &[u8; 32]) -> (usize, usize) {
        let at = |person: usize| self.people[person].iter().position(|(who, _)| who.id() == *id).map(|g| (person, g));
        (0..self.people.len()).find_map(at).unwrap()
    }
    fn who(&self, id: &[u8; 32]) -> &Who {
        let (person, generation) = self.find(id);
        &self.people[person][generation].0
    }
    fn all(&self) -> impl Iterator<Item = &Who> {
        self.people.iter().flatten().map(|(who, _)| who)
    }

    /// What is recovered; of the identities, those of `known` are in the keyring.
    fn recover(
        &self,
        known: &[&PublicIdentity],
        entries: &[(u8, Vec<u8>)],
        packages: &[Vec<u8>],
        hidden: &[[u8; 32]],
    ) -> Recovery {
        recover_from(|wanted| match wanted {
            Wanted::Transition { from } if from == self.mine.old_fingerprint() => vec![self.mine.to_bytes().unwrap()],
            Wanted::Segments => known.iter().map(|who| knows(who)).chain([by_hand(5, 1, entries)]).collect(),
            Wanted::Packages { .. } => packages.to_vec(),
            Wanted::Identities { of } => self
                .all()
                .filter(|who| of.contains(who.public().fingerprint()) && !hidden.contains(&who.id()))
                .map(|who| who.public().to_bytes())
                .collect(),
            _ => Vec::new(),
        })
    }
}

/// The room that was recovered: its epochs and its head, and it can be stored.
fn outcome(recovery: Recovery, what: &str) -> Option<(Epochs, [u8; 32])> {
    let account = recovery.finish().unwrap();
    let room = account.rooms.first()?;
    let state = hazmat::room_state(room);
    let loaded = hazmat::room_of_state(&state).map(|loaded| hazmat::room_state(&loaded));
    assert_eq!(loaded.as_ref(), Ok(&state), "{what}");
    Some((epochs(room), *room.transcript().as_bytes()))
}

/// Random rooms with replaced identities, removals and returns, of which a keyring has some: what comes back does not depend on
/// which identities are known at first, nor on what others put beside it.
#[test]
fn given_random() {
    let world = world();
    for round in 0..30_u64 {
        let mut choices = Choices(round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let history = if choices.below(2) == 0 { FROM_JOIN } else { SHARED };
        let members: Vec<_> = (0..5).map(|n| (world.people[n][0].0.id(), if n < 2 { ADMIN } else { MEMBER })).collect();
        let to: Vec<&PublicIdentity> = (0..5).map(|n| world.people[n][0].0.public()).collect();
        let first = Body { nonce: [round as u8; 16], ..Body::first(history, &members) };
        let package = Craft::new(first, world.people[0][0].0.sender(), &to).seal();
        let mut known = vec![Known::of(&package, world.people[0][0].0.reader(), members[0].0)];
        let (mut packages, mut junk) = (vec![package], Vec::new());
        for n in 0..10_u8 {
            // No forks: which branch is the own one may depend on what came first.
            let parent = known[known.len() - 1].clone();
            let (author, role) = parent.body.roster[choices.below(parent.body.roster.len())];
            let mut author = world.who(&author).clone();
            let mut body = parent.next();
            let (mut transition, mut newcomers) = (Vec::new(), Vec::new());
            match choices.below(6) {
                0 | 1 if role == ADMIN => {
                    // Add or remove somebody, in whatever generation they would be.
                    let person = choices.below(5);
                    let there = body.roster.iter().position(|(who, _)| world.find(who).0 == person);
                    match there {
                        Some(at) if body.roster[at].0 != author.id() => drop(body.roster.remove(at)),
                        Some(_) => {}
                        None => {
                            let generation = choices.below(world.people[person].len());
                            let who = world.people[person][generation].0.id();
                            body.roster = roster(&[&body.roster[..], &[(who, MEMBER)]].concat());
                            newcomers.push(who);
                            if parent.body.adds < 64 && choices.below(2) == 0 {
                                body.adds = parent.body.adds + 1;
                            }
                        }
                    }
                }
                2 => {
                    // The next generation of the author, or of somebody else by an admin.
                    let at = choices.below(body.roster.len());
                    let old = body.roster[at].0;
                    let (person, generation) = world.find(&old);
                    let next = world.people[person].get(generation + 1);
                    let by_self = old == author.id();
                    if let Some((new, Some(bytes))) = next.filter(|_| by_self || role == ADMIN) {
                        body.roster[at].0 = new.id();
                        body.roster.sort_unstable();
                        transition = bytes.clone();
                        newcomers.push(new.id());
                        if by_self {
                            author = new.clone();
                        }
                    }
                }
                _ => {}
            }
            let left_out = choices.below(4) == 0;
            let eve = &crowd()[7].public;
            let reader = |who: &[u8; 32]| {
                let who = world.who(who);
                if who.is_me() && left_out && !author.is_me() { eve } else { who.public() }
            };
            let to: Vec<&PublicIdentity> = if body.adds > 0 && !newcomers.is_empty() {
                newcomers.iter().map(|who| world.who(who).public()).collect()
            } else {
                body.adds = 0;
                body.roster.iter().map(|(who, _)| reader(who)).collect()
            };
            let previous = history == SHARED || newcomers.is_empty();
            let mut craft = Craft::new(body.clone(), author.sender(), &to);
            if previous {
                craft = craft.with_previous(&parent.secret);
            }
            craft.transition = transition;
            let kek = SymmetricKey::take(&mut parent.epoch_kek());
            if body.adds > 0 {
                craft.to.push(Recipient::symmetric(&kek));
            }
            let package = craft.seal();
            let opens = if body.adds > 0 { world.who(&newcomers[0]) } else { &author };
            known.push(Known::of(&package, opens.reader(), author.id()));
            packages.push(package);
            // A stranger's, or somebody's who is no member there: after whatever.
            if choices.below(3) == 0 {
                let stranger = outsider(60);
                let mut body = known[choices.below(known.len())].next();
                if choices.below(2) == 0 {
                    body.previous = [n; 32];
                }
                let to: Vec<&PublicIdentity> = body.roster.iter().map(|(who, _)| world.who(who).public()).collect();
                let other = known[choices.below(known.len())].secret;
                junk.push(Craft::new(body, stranger.sender(), &to).with_previous(&other).seal());
            }
        }
        let given: Vec<Vec<u8>> = packages.iter().filter(|_| choices.below(4) > 0).cloned().collect();
        let mut entries = Vec::new();
        let mut heads = None;
        for one in &known {
            let there = one.body.roster.iter().any(|(who, _)| world.who(who).is_me());
            if there && choices.below(3) == 0 {
                entries.push(kept(one));
                heads = Some(one.transcript());
            }
        }
        if choices.below(4) == 0 {
            (entries, heads) = (Vec::new(), None);
        }
        let room_id = known[0].body.room_id();
        entries.sort();
        entries.dedup();
        entries.extend(heads.map(|head| register(1, &room_id, 1, 5, &head)));
        let everyone: Vec<&PublicIdentity> = world.all().filter(|who| !who.is_me()).map(Who::public).collect();
        let hidden =
            if choices.below(3) == 0 { vec![world.people[choices.below(4)][choices.below(3)].0.id()] } else { vec![] };
        let knows: Vec<&PublicIdentity> =
            everyone.iter().filter(|who| !hidden.contains(who.fingerprint().as_bytes())).copied().collect();
        let what = format!("round {round}, kept {}", heads.is_some());
        let one = outcome(world.recover(&knows, &entries, &given, &hidden), &what);
        let later = outcome(world.recover(&[], &entries, &given, &hidden), &what);
        assert_eq!(one, later, "{what}: by who is known");
        let with = outcome(world.recover(&knows, &entries, &[&given[..], &junk].concat(), &hidden), &what);
        let all_there = one.as_ref().is_none_or(|(epochs, head)| {
            with.as_ref().is_some_and(|(more, other)| epochs.iter().all(|epoch| more.contains(epoch)) && head == other)
        });
        assert!(all_there, "{what}: {one:?} {with:?}");
        let twice = outcome(world.recover(&knows, &entries, &[&given[..], &given].concat(), &hidden), &what);
        assert_eq!(one, twice);
    }
}

/// What a plain member makes so that runs begin beside, lose their place, are refused, and begin again: that ends. [REC-01]
#[test]
fn given_runs_end() {
    let (bob, plain, me) = (&crowd()[1], &crowd()[2], me());
    let members = [(bob.id(), ADMIN), (plain.id(), MEMBER), (id(&me), MEMBER)];
    let to = [&bob.public, &plain.public, me.public()];
    let first = of(&Craft::new(Body::first(FROM_JOIN, &members), bob.sender(), &to).seal());
    let late = Body { epoch: 10, previous: [9; 32], ..first.body.clone() };
    let late = of(&Craft::new(late, bob.sender(), &to).with_previous(&[3; 32]).seal());
    let head = register(1, &first.body.room_id(), 1, 5, &late.transcript());
    let segments = [knows(&bob.public), knows(&plain.public), by_hand(5, 1, &[kept(&first), kept(&late), head])];
    let mut packages: Vec<Vec<u8>> = (0..63)
        .map(|_| sealed_anew(&Craft::new(first.next(), bob.sender(), &to).with_previous(&first.secret)))
        .collect();
    let by_plain = |package: &[u8]| Known::of(package, me.reader(), plain.id());
    let without_me = |mut body: Body| {
        body.roster.retain(|(who, _)| *who != id(&me));
        body
    };
    let some = [&plain.public, me.public()];
    let set = || {
        let z = sealed_anew(&Craft::new(first.next(), plain.sender(), &to).with_previous(&first.secret));
        let zk = by_plain(&z);
        let w = sealed_anew(&Craft::new(zk.next(), plain.sender(), &to).with_previous(&[4; 32]));
        let wk = by_plain(&w);
        let refused = sealed_anew(&Craft::new(without_me(zk.next()), plain.sender(), &some).with_previous(&zk.secret));
        let after = sealed_anew(&Craft::new(without_me(wk.next()), plain.sender(), &some).with_previous(&wk.secret));
        [z, w, refused, after]
    };
    // In the order of their bytes.
    let (one, other) = loop {
        let (one, other) = (set(), set());
        if one[2] < other[2] && one[3] < other[3] {
            break (one, other);
        }
    };
    packages.extend(one);
    packages.extend(other);
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(recover(&segments, &packages, false).progress().epochs).unwrap());
    let epochs = wait.recv_timeout(Duration::from_secs(60)).expect("it ends");
    assert!(epochs >= 2 + 63);
}
