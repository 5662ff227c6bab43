//! The life of rooms: who comes and goes, what it costs, and keys that are held elsewhere. SPEC §18.

use crate::common::hand::{sha256, sign_input};
use crate::common::rooms::*;
use crate::common::*;
use sealroom::*;
use std::time::Duration;

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;
const DAVE: usize = 3;

fn fingerprint(n: usize) -> Fingerprint {
    *crowd()[n].public.fingerprint()
}

fn public(n: usize) -> &'static PublicIdentity {
    &crowd()[n].public
}

/// Everyone applies every package, the author too, and has the same room after it; who is gone reads no more. [ROOM-06]
/// [ROOM-09] [ROOM-27]
#[test]
fn people_come_and_go() {
    for history in [HistoryPolicy::FromJoin, HistoryPolicy::Shared] {
        let (mut devices, _) = Device::rooms(history, &[ALICE, BOB, CAROL], 2);
        let roles = |device: &Device| -> Vec<_> {
            [ALICE, BOB, CAROL]
                .iter()
                .filter_map(|n| device.room.roster().iter().find(|member| member.fingerprint == fingerprint(*n)))
                .map(|member| member.role)
                .collect()
        };
        let mut codes = vec![devices[0].room.code().to_string()];
        let all_apply = |devices: &mut Vec<Device>, package: &[u8], author, codes: &mut Vec<String>| {
            for device in devices.iter_mut() {
                assert_eq!(device.apply(package), head(author));
                assert_eq!(device.apply(package), Ok(Applied::Held));
            }
            assert!(devices.iter().all(|device| device.room.code() == devices[0].room.code()));
            codes.push(devices[0].room.code().to_string());
            let message = devices[0].says(b"to everyone");
            for device in &mut devices[1..] {
                assert_eq!(device.hears(&message).unwrap(), b"to everyone");
            }
        };
        let promotion = devices[0].package(|room| room.promote(&fingerprint(CAROL)));
        all_apply(&mut devices, &promotion, ALICE, &mut codes);
        assert_eq!(roles(&devices[1]), [Role::Admin; 3]);
        let demotion = devices[2].package(|room| room.demote(&fingerprint(BOB)));
        all_apply(&mut devices, &demotion, CAROL, &mut codes);
        assert_eq!(roles(&devices[1]), [Role::Admin, Role::Member, Role::Admin]);
        let refresh = devices[1].package(Room::refresh);
        all_apply(&mut devices, &refresh, BOB, &mut codes);
        let removal = devices[0].package(|room| room.remove(&[fingerprint(CAROL)]));
        let mut carol = devices.pop().unwrap();
        assert_eq!(carol.apply(&removal), Err(Error::Decrypt));
        all_apply(&mut devices, &removal, ALICE, &mut codes);
        assert_eq!(roles(&devices[1]), [Role::Admin, Role::Member]);
        let message = devices[1].says(b"without Carol");
        let behind = carol.hears(&message);
        assert_eq!(behind, Err(Error::UnknownEpoch { epoch: devices[0].room.epoch().number() }));
        let codes: std::collections::BTreeSet<_> = codes.into_iter().collect();
        assert_eq!(codes.len(), 5);
    }
}

/// Removed and added again: what was held stays readable, what was written between is not; and the package that added
/// somebody once does not undo their removal. [ROOM-17] [ROOM-22]
#[test]
fn people_come_back() {
    let (mut devices, _) = Device::rooms(HistoryPolicy::FromJoin, &[ALICE, BOB], 2);
    let addition = devices[0].package(|room| room.add(&[(public(CAROL), Role::Member)]));
    devices.iter_mut().for_each(|device| assert_eq!(device.apply(&addition), head(ALICE)));
    let mut carol = Device::join(CAROL, ALICE, &addition).unwrap();
    let (old, removal) = (devices[0].says(b"old"), devices[0].package(|room| room.remove(&[fingerprint(CAROL)])));
    devices.iter_mut().for_each(|device| assert_eq!(device.apply(&removal), head(ALICE)));
    let between = devices[1].says(b"between");
    // The server shows the first addition again.
    assert_eq!(carol.apply(&addition), Ok(Applied::Held));
    let again = || Room::join(&addition, public(ALICE), &[crowd()[CAROL].reader()], &mut SystemRng).unwrap();
    let before = carol.state();
    assert_eq!(again().finish_into(&mut carol.room), Err(refused("ROOM-17")));
    assert_eq!(carol.state(), before);
    let readmission = devices[1].package(|room| room.add(&[(public(CAROL), Role::Member)]));
    devices.iter_mut().for_each(|device| assert_eq!(device.apply(&readmission), head(BOB)));
    // Another room is not this one.
    let (others, _) = Device::rooms(HistoryPolicy::FromJoin, &[BOB, CAROL], 2);
    let joining = Room::join(&readmission, public(BOB), &[crowd()[CAROL].reader()], &mut SystemRng).unwrap();
    let mut other = others[1].copy();
    assert_eq!(joining.finish_into(&mut other.room), Err(Error::Argument { what: "another room" }));
    let joining = Room::join(&readmission, public(BOB), &[crowd()[CAROL].reader()], &mut SystemRng).unwrap();
    let device = *carol.room.device();
    joining.finish_into(&mut carol.room).unwrap();
    assert_eq!((carol.room.device(), carol.room.standing()), (&device, Standing::Confirmed));
    assert_eq!(carol.room.transcript(), devices[0].room.transcript());
    let new = devices[0].says(b"new");
    assert_eq!((carol.hears(&old).unwrap(), carol.hears(&new).unwrap()), (b"old".to_vec(), b"new".to_vec()));
    assert_eq!(carol.hears(&between), Err(Error::UnknownEpoch { epoch: 2 }));
    let message = carol.says(b"I am back");
    assert_eq!(devices[0].hears(&message).unwrap(), b"I am back");
    // And the first addition, which is older than what is held now, is refused all the more.
    assert_eq!(again().finish_into(&mut carol.room), Err(refused("ROOM-17")));
}

/// Who replaces their keys, by themselves or by an admin, goes on as the new one on every device. [ROOM-14]
#[test]
fn members_replace_their_keys() {
    for history in [HistoryPolicy::FromJoin, HistoryPolicy::Shared] {
        for by_admin in [false, true] {
            let (devices, _) = Device::rooms(history, &[ALICE, BOB, CAROL], 1);
            let [mut alice, mut bob, mut carol] = devices.try_into().ok().unwrap();
            let (new, transition) = successor(carol.who, 40);
            let mut known = directory();
            let change = if by_admin { &alice } else { &carol }.room.replace(&transition).unwrap();
            let (author, wrong) = if by_admin { (alice.who, &new) } else { (&new, carol.who) };
            assert_eq!(change.author(), author.public.fingerprint());
            let no = change.seal(&wrong.sender(), &known, &mut SystemRng);
            assert_eq!(no, Err(Error::Argument { what: "a sender who is not the change's author" }));
            let package = change.seal(&author.sender(), &known, &mut SystemRng).unwrap();
            assert_eq!(carol.apply(&package), Err(Error::Decrypt));
            let applied = Ok(Applied::Head { author: *author.public.fingerprint() });
            // The transition tells who the successor is: nobody has to be looked up but the old one.
            assert_eq!(alice.apply(&package), applied);
            assert_eq!(bob.apply(&package), applied);
            let readers = [carol.who.reader(), new.reader()];
            assert_eq!(carol.room.apply(&package, &readers, &known, &mut SystemRng), applied);
            assert_eq!(carol.room.me(), new.public.fingerprint());
            assert_eq!(alice.room.me(), alice.who.public.fingerprint());
            let old = carol.room.seal(&Draft::new(b""), &carol.who.sender(), &mut SystemRng);
            assert_eq!(old, Err(Error::Argument { what: "a sender who is not this room's member" }));
            let message = carol.room.seal(&Draft::new(b"as new"), &new.sender(), &mut SystemRng).unwrap();
            let unknown = Err(Error::UnknownIdentity { fingerprint: new.id() });
            assert_eq!(alice.hears(&message), unknown);
            known.push(new.public.clone());
            assert_eq!(bob.room.open(&message, b"", &known).unwrap().content(), b"as new");
            // The old ones are gone, and a second replacement of them too.
            assert_eq!(alice.room.replace(&transition).err(), Some(refused("ROOM-14")));
            let refresh = carol.room.refresh().unwrap().seal(&new.sender(), &known, &mut SystemRng).unwrap();
            let applied = alice.room.apply(&refresh, &[alice.who.reader()], &known, &mut SystemRng);
            assert_eq!(applied, Ok(Applied::Head { author: *new.public.fingerprint() }));
        }
    }
}

/// What an author may not do is refused before it is sealed, and what cannot be meant is told. [ROOM-09] [LIM-11]
#[test]
fn changes_are_refused_to_their_author() {
    let (devices, package) = Device::rooms(HistoryPolicy::FromJoin, &[ALICE, DAVE, BOB], 2);
    let before: Vec<_> = devices.iter().map(Device::state).collect();
    let (alice, bob) = (&devices[0].room, &devices[2].room);
    let newcomer = [(public(CAROL), Role::Member)];
    let argument = |change: Result<Change, Error>| assert!(matches!(change, Err(Error::Argument { .. })));
    for change in [
        bob.add(&newcomer),
        bob.remove(&[fingerprint(ALICE)]),
        bob.remove(&[fingerprint(BOB)]),
        bob.promote(&fingerprint(BOB)),
        bob.demote(&fingerprint(ALICE)),
        bob.replace(&successor(&crowd()[DAVE], 41).1),
        alice.remove(&[fingerprint(ALICE)]),
        alice.demote(&fingerprint(ALICE)),
    ] {
        assert_eq!(change.err(), Some(refused("ROOM-09")));
    }
    // Nobody would be left who can change the roster.
    let (alone, _) = Device::rooms(HistoryPolicy::FromJoin, &[ALICE, BOB], 1);
    assert_eq!(alone[0].room.remove(&[fingerprint(ALICE)]).err(), Some(refused("ROOM-09")));
    assert_eq!(alone[0].room.demote(&fingerprint(ALICE)).err(), Some(refused("ROOM-09")));
    argument(alice.add(&[]));
    argument(alice.add(&[newcomer[0], newcomer[0]]));
    argument(alice.add(&[(public(BOB), Role::Admin)]));
    argument(alice.remove(&[]));
    argument(alice.remove(&[fingerprint(CAROL)]));
    argument(alice.promote(&fingerprint(ALICE)));
    argument(alice.promote(&fingerprint(CAROL)));
    argument(alice.demote(&fingerprint(BOB)));
    let refresh = alice.refresh().unwrap();
    assert_eq!(refresh.wraps_to().count(), 3);
    let nobody: Vec<PublicIdentity> = Vec::new();
    let unknown = refresh.seal(&crowd()[ALICE].sender(), &nobody, &mut SystemRng);
    assert!(matches!(unknown, Err(Error::UnknownIdentity { .. })));
    let elsewhere = Sender::elsewhere(public(ALICE));
    assert!(matches!(refresh.seal(&elsewhere, &directory(), &mut SystemRng), Err(Error::Argument { .. })));
    let failing = &mut Draws::failing(1, 0);
    assert_eq!(refresh.seal(&crowd()[ALICE].sender(), &directory(), failing), Err(Error::Generator));
    let sender = crowd()[ALICE].sender();
    for others in [&[newcomer[0], newcomer[0]][..], &[(public(ALICE), Role::Member)]] {
        let made = Room::create(&sender, others, HistoryPolicy::FromJoin, &mut SystemRng);
        assert!(matches!(made, Err(Error::Argument { .. })));
    }
    assert_eq!(devices.iter().map(Device::state).collect::<Vec<_>>(), before);
    // A room that is full.
    let first = Known::of(&package, crowd()[ALICE].reader(), crowd()[ALICE].id());
    let full = |count: u32| {
        let members = (3..count).map(|n| ([&n.to_be_bytes()[..], &[0xcc; 28]].concat().try_into().unwrap(), MEMBER));
        let body =
            Body { roster: roster(&[first.body.roster.clone(), members.collect()].concat()), ..first.body.clone() };
        State::of(crowd()[ALICE].id(), &[&Known { body, ..first.clone() }]).room()
    };
    assert_eq!(full(16383).add(&newcomer).unwrap().wraps_to().count(), 1);
    assert_eq!(full(16384).add(&newcomer).err(), Some(Error::Limit { limit: "room members" }));
}

/// 64 additions are wrapped to the newcomers alone; the next one to everybody, and the count begins again. [ROOM-10]
#[test]
fn every_65th_addition_is_to_everybody() {
    let (devices, package) = Device::rooms(HistoryPolicy::FromJoin, &[ALICE], 1);
    let mut alice = devices.into_iter().next().unwrap();
    let newcomers = identities(66);
    let mut known = directory();
    known.extend(newcomers.iter().cloned());
    let policy = RotationPolicy::default();
    let mut epochs = vec![Known::of(&package, alice.who.reader(), alice.who.id())];
    for (place, newcomer) in newcomers.iter().enumerate() {
        assert_eq!(alice.room.needs_rotation(&policy, 0, Duration::ZERO), place == 64);
        let change = alice.room.add(&[(newcomer, Role::Member)]).unwrap();
        assert_eq!(change.wraps_to().count(), if place == 64 { 66 } else { 1 });
        let package = change.seal(&alice.who.sender(), &known, &mut SystemRng).unwrap();
        let applied = alice.room.apply(&package, &[alice.who.reader()], &known, &mut SystemRng).unwrap();
        assert_eq!(applied, Applied::Head { author: alice.fingerprint() });
        if place < 64 {
            // Everyone who was there opens it by the parent's key alone.
            let kek = SymmetricKey::take(&mut epochs.last().unwrap().epoch_kek());
            epochs.push(Known::of(&package, Reader::symmetric(&kek), alice.who.id()));
            assert_eq!(usize::from(epochs.last().unwrap().body.adds), place + 1);
        } else if place == 64 {
            assert_eq!(Known::of(&package, alice.who.reader(), alice.who.id()).body.adds, 0);
        }
    }
}

/// As many identities as a large room needs: only their encryption keys differ.
fn identities(count: usize) -> Vec<PublicIdentity> {
    let (Outsider { signing, rotation, .. }, mut rng) = (outsider(200), Draws::new(201));
    let mut made = Vec::new();
    for _ in 0..count {
        let encryption = P256PrivateKey::generate(&mut rng).unwrap().public_key().clone();
        let unsigned = UnsignedIdentity::p256(0, encryption, signing.public_key().clone(), rotation.public_key());
        made.push(unsigned.unwrap().sign(&signing, &mut rng).unwrap());
    }
    made
}

/// Sizes are those of the formulas, to the byte. [ROOM-05]
#[test]
fn packages_have_their_sizes() {
    let body = |m: usize| 90 + v(33 * m) + 33 * m;
    let plain = |m, p: usize| body(m) + 2 + 32 * p;
    let payload = |n: usize| n + 16 * (n / 16384 + 1);
    let group = |k: usize| 66 + v(48 * k) + 48 * k;
    let add = |m, k, p| 33 + v(group(k) + 65) + group(k) + 65 + 25 + 32 + payload(plain(m, p)) + 112;
    let rekey = |m, p| 33 + v(group(m)) + group(m) + 25 + 32 + payload(plain(m, p)) + 112;
    let people = identities(349);
    let alice = &crowd()[ALICE];
    let mut known = people.clone();
    known.push(alice.public.clone());
    for (history, policy, p) in [(FROM_JOIN, HistoryPolicy::FromJoin, 0), (SHARED, HistoryPolicy::Shared, 1)] {
        // Numbers at which a prefix grows: 33·m and 48·m at 64 and 16384, and a second chunk.
        for m in [1, 2, 3, 341, 342, 350] {
            let others: Vec<_> = people[..m - 1].iter().map(|identity| (identity, Role::Member)).collect();
            let package = Room::create(&alice.sender(), &others, policy, &mut SystemRng).unwrap();
            assert_eq!(package.len(), rekey(m, 0), "{m}");
            let room =
                Room::join(&package, &alice.public, &[alice.reader()], &mut SystemRng).unwrap().finish().unwrap();
            let refresh = room.refresh().unwrap().seal(&alice.sender(), &known, &mut SystemRng).unwrap();
            assert_eq!(refresh.len(), rekey(m, 1), "{m}");
        }
        for m in [2_usize, 3, 4, 100, 493, 494, 500, 2000] {
            for k in [1, 2, 341, 342, 349] {
                let Some(members) = m.checked_sub(k).filter(|members| *members > 0) else { continue };
                let strangers = (1..members as u32)
                    .map(|n| ([&n.to_be_bytes()[..], &[0xcc; 28]].concat().try_into().unwrap(), MEMBER))
                    .collect();
                let members = [vec![(alice.id(), ADMIN)], strangers].concat();
                let (signer, commitment) = (alice.id(), [1; 32]);
                let parent =
                    Known { signer, body: Body::first(history, &members), commitment, secret: [2; 32], rest: vec![] };
                let newcomers: Vec<_> = people[..k].iter().map(|identity| (identity, Role::Member)).collect();
                let change = State::of(alice.id(), &[&parent]).room().add(&newcomers).unwrap();
                let package = change.seal(&alice.sender(), &known, &mut SystemRng).unwrap();
                assert_eq!(package.len(), add(m, k, p), "{m} {k}");
            }
        }
    }
}

/// The code, computed by itself: 60 digits of the transcript. [ROOM-27]
#[test]
fn codes_are_digits_of_the_transcript() {
    let (devices, package) = Device::rooms(HistoryPolicy::FromJoin, &[ALICE, BOB], 2);
    let transcript = Known::of(&package, crowd()[BOB].reader(), crowd()[ALICE].id()).transcript();
    let groups: Vec<_> = [0, 1]
        .iter()
        .flat_map(|half| {
            let hash = sha256(&sign_input("room code", &[&[*half][..], &transcript].concat()));
            (0..6).map(move |i| {
                hash[5 * i..5 * i + 5].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)) % 100_000
            })
        })
        .collect();
    let text: Vec<_> = groups.iter().map(|group| format!("{group:05}")).collect();
    for device in &devices {
        assert_eq!(device.room.code().to_string(), text.join(" "));
        assert_eq!(device.room.code().groups().map(u64::from)[..], groups);
    }
}

/// When a key has served long enough.
#[test]
fn keys_are_rotated_by_policy() {
    let (devices, _) = Device::rooms(HistoryPolicy::FromJoin, &[ALICE, BOB], 2);
    let needs = |policy, sent, age| devices[0].room.needs_rotation(&policy, sent, Duration::from_secs(age));
    let week = 7 * 24 * 60 * 60;
    for (sent, age, expected) in [(0, 0, false), (999, week - 1, false), (1000, 0, true), (0, week, true)] {
        assert_eq!(needs(RotationPolicy::default(), sent, age), expected);
    }
    let policy = RotationPolicy::default().messages(5).age(Duration::from_secs(60));
    for (sent, age, expected) in [(4, 59, false), (5, 0, true), (0, 60, true)] {
        assert_eq!(needs(policy, sent, age), expected);
    }
}

/// Members with RSA keys: one stanza each, their signatures, and what is sealed to both kinds. [ROOM-11] [ROOM-07]
#[test]
fn members_may_have_rsa_keys() {
    let [encryption, signing, ..] = rsa_keys() else { panic!() };
    let rita = &people().rita;
    let (sender, reader) = (Sender::new(rita, signing), Reader::rsa(encryption, rita));
    let (devices, _) = Device::rooms(HistoryPolicy::Shared, &[ALICE, BOB], 2);
    let mut alice = devices.into_iter().next().unwrap();
    let mut known = directory();
    known.push(rita.clone());
    let addition = alice.room.add(&[(rita, Role::Admin), (public(CAROL), Role::Member)]).unwrap();
    let addition = addition.seal(&alice.who.sender(), &known, &mut SystemRng).unwrap();
    assert_eq!(alice.apply(&addition), head(ALICE));
    let joining = Room::join(&addition, public(ALICE), &[reader], &mut SystemRng).unwrap();
    assert_eq!(joining.wanted(), Some(Epoch::new(0)));
    let (_, first) = Device::rooms(HistoryPolicy::Shared, &[ALICE, BOB], 2);
    let mut joining = joining;
    joining.past(&first, &known).unwrap();
    let mut room = joining.finish().unwrap();
    let message = room.seal(&Draft::new(b"long signature"), &sender, &mut SystemRng).unwrap();
    assert_eq!(message.len(), 63 + 20 + 2 + 384 + 1 + 14 + 16);
    assert_eq!(alice.room.open(&message, b"", &known).unwrap().content(), b"long signature");
    let removal = room.remove(&[fingerprint(BOB)]).unwrap().seal(&sender, &known, &mut SystemRng).unwrap();
    let by_rita = Ok(Applied::Head { author: *rita.fingerprint() });
    assert_eq!(room.apply(&removal, &[reader], &known, &mut SystemRng), by_rita);
    assert_eq!(alice.room.apply(&removal, &[alice.who.reader()], &known, &mut SystemRng), by_rita);
    let message = alice.says(b"to both");
    assert_eq!(room.open(&message, b"", &known).unwrap().content(), b"to both");
}

/// Keys behind asynchronous APIs: the same packages and messages, by what they answered. [ROOM-06]
#[test]
fn keys_may_be_elsewhere() {
    let (mut devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[ALICE, BOB], 2);
    let (alice, known) = (&crowd()[ALICE], directory());
    let elsewhere = Sender::elsewhere(&alice.public);
    let change = devices[0].room.refresh().unwrap();
    let pending = change.request(&elsewhere, &known, &mut Draws::new(5)).unwrap();
    let signature = alice.sign(pending.digest());
    let package = pending.complete(&signature).unwrap();
    assert_eq!(package, change.seal(&alice.sender(), &known, &mut Draws::new(5)).unwrap());
    let wrong = change.request(&elsewhere, &known, &mut Draws::new(5)).unwrap().complete(&crowd()[BOB].sign(&[1; 32]));
    assert_eq!(wrong, Err(Error::Key));
    // Bob's encryption key is elsewhere.
    let bob = &crowd()[BOB];
    let unlock = |package: &[u8]| {
        let locked = Locked::decode(package, &Limits::default()).unwrap();
        let Some(Operation::Agree { peer }) = locked.operation(&bob.public.recipient()) else { panic!() };
        let shared = bob.encryption.agree(&P256PublicKey::from_bytes(peer).unwrap()).unwrap();
        locked.answer_agree(&bob.public.recipient(), &shared).unwrap()
    };
    let other = change.seal(&alice.sender(), &known, &mut Draws::new(6)).unwrap();
    let before = devices[1].state();
    // He joins by it and takes grants all the same.
    let (inviter, rng) = (&alice.public, &mut SystemRng);
    let me = fingerprint(BOB);
    let joined = |unlocked, me: &Fingerprint| Room::join_unlocked(&first, unlocked, inviter, me, &mut SystemRng);
    assert_eq!(joined(unlock(&package), &me).err(), Some(Error::Decrypt));
    assert_eq!(joined(unlock(&first), &fingerprint(DAVE)).err(), Some(refused("ROOM-15")));
    let mut again = joined(unlock(&first), &me).unwrap().finish().unwrap();
    assert_eq!(again.transcript(), devices[1].room.transcript());
    let mut later = devices[0].copy();
    assert_eq!(later.apply(&package), head(ALICE));
    let zero = Epoch::new(0);
    let grant = later.room.grant_history(zero..=zero, &[&bob.public], &alice.sender(), rng).unwrap();
    assert_eq!(
        again.apply_unlocked(&package, unlock(&package), &known),
        Ok(Applied::Head { author: fingerprint(ALICE) })
    );
    assert_eq!(again.accept_grant_unlocked(&grant, unlock(&package), inviter), Err(Error::Decrypt));
    assert_eq!(again.accept_grant_unlocked(&grant, unlock(&grant), inviter), Ok(0));
    assert_eq!(devices[1].room.apply_unlocked(&package, unlock(&other), &known), Err(Error::Decrypt));
    assert_eq!(devices[1].state(), before);
    let author = fingerprint(ALICE);
    assert_eq!(devices[1].room.apply_unlocked(&package, unlock(&package), &known), Ok(Applied::Head { author }));
    assert_eq!(devices[1].room.apply_unlocked(&package, unlock(&package), &known), Ok(Applied::Held));
    assert_eq!(devices[0].apply(&package), head(ALICE));
    // Alice's signing key is elsewhere for messages too: a number is used by each request.
    let draft = Draft::new(b"by request").associated_data(b"aad").padding(Padding::Padme);
    let pending = devices[0].room.request(&draft, &alice.public).unwrap();
    let abandoned = devices[0].room.request(&draft, &alice.public).unwrap();
    assert_eq!(abandoned.complete(&devices[0].room, &bob.sign(&[1; 32]), &mut SystemRng), Err(Error::Key));
    let signature = alice.sign(pending.digest());
    let id = *pending.digest();
    let message = pending.complete(&devices[0].room, &signature, &mut SystemRng).unwrap();
    let opened = devices[1].room.open(&message, b"aad", &known).unwrap();
    assert_eq!((opened.content(), opened.sequence(), opened.id().as_bytes()), (&b"by request"[..], 0, &id));
    let opened = devices[0].says(b"at once");
    let opened = devices[1].room.open(&opened, b"", &known).unwrap();
    assert_eq!((opened.sequence(), opened.freshness()), (2, Freshness::Fresh { skipped: 1 }));
    let mut foreign = Device::rooms(HistoryPolicy::FromJoin, &[ALICE, CAROL], 2).0.remove(0);
    let pending = devices[0].room.request(&draft, &alice.public).unwrap();
    let signature = alice.sign(pending.digest());
    assert!(matches!(pending.complete(&foreign.room, &signature, &mut SystemRng), Err(Error::Argument { .. })));
    let failed = [
        foreign.room.seal(&draft, &elsewhere, &mut SystemRng).err(),
        foreign.room.seal(&draft, &bob.sender(), &mut SystemRng).err(),
        foreign.room.request(&draft, &bob.public).err(),
        foreign.room.leave(&elsewhere, &mut SystemRng).err(),
        foreign.room.leave(&bob.sender(), &mut SystemRng).err(),
        foreign.room.vouch(&[0; 32], &bob.sender(), &mut SystemRng).err(),
    ];
    assert!(failed.iter().all(|error| matches!(error, Some(Error::Argument { .. }))), "{failed:?}");
    // What failed used no number.
    let message = foreign.says(b"first");
    assert_eq!(message.len(), 165 + 1 + 5);
    assert_eq!(foreign.room.open(&message, b"", &known).unwrap().sequence(), 0);
}
