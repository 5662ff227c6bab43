//! Attacks on what a device of one epoch holds, on many messages and packages at once, and on work that is done side by side.
//! SPEC §18.11, §19

use crate::common::rooms::*;
#[cfg(feature = "parallel")]
use crate::common::*;
use crate::single_epoch::{follow, join, says};
use sealroom::*;

/// No number is later than the last one: a device is not told that it stopped where it goes on. [ROOM-30] [ROOM-24]
#[test]
fn the_last_number_has_no_later_one() {
    let body = Body::first(FROM_JOIN, &[(crowd()[0].id(), ADMIN), (crowd()[1].id(), MEMBER)]);
    let to = [&crowd()[0].public, &crowd()[1].public];
    let at = |epoch, previous| Craft::new(Body { epoch, previous, ..body.clone() }, crowd()[0].sender(), &to).seal();
    for number in [u64::MAX - 1, u64::MAX] {
        let (memory, place) = (&mut [0; 1000], &mut [0; 1000]);
        let mut epoch = join(1, 0, &at(number, [9; 32]), memory).unwrap();
        let fork = follow(1, &mut epoch, &at(number, [8; 32]), place).map(drop);
        let stopped = says(1, &epoch, 0, b"21.5") == Err(Error::Unconfirmed);
        assert_eq!(fork == Err(Error::Unconfirmed), stopped, "{number}: {fork:?}");
    }
}

/// Who was removed does not start again what the removal stopped. [ROOM-30] [ROOM-24]
#[test]
fn a_racing_member_does_not_undo_the_stop() {
    let (mut devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[0, 1, 2, 3], 2);
    let memory: &mut [_] = &mut [[0; 1000]; 4];
    let [one, two, three, four] = memory else { panic!() };
    let mut epoch = join(2, 0, &first, one).unwrap();
    // Alice removes Dave, who refreshes first, and again.
    let removal = devices[0].package(|room| room.remove(&[*crowd()[3].public.fingerprint()]));
    let race = devices[3].package(Room::refresh);
    devices[3].apply(&race).unwrap();
    let again = devices[3].package(Room::refresh);
    devices[3].apply(&again).unwrap();
    let mut raced = follow(2, &mut epoch, &race, two).unwrap();
    assert_eq!(follow(2, &mut raced, &removal, three).err(), Some(Error::Unconfirmed));
    assert_eq!(says(2, &raced, 0, b"21.5"), Err(Error::Unconfirmed));
    let mut on = follow(2, &mut raced, &again, three).unwrap();
    assert_eq!(says(2, &on, 0, b"21.5"), Err(Error::Unconfirmed));
    // Nor does a restart in between.
    let (key, mut place) = (on.key(), [0; 1000]);
    let carol = *crowd()[2].public.fingerprint();
    let restarted = SingleEpoch::reopen(&again, &key, &carol, &mut place).unwrap();
    assert_eq!(says(2, &restarted, 0, b"21.5"), Err(Error::Unconfirmed));
    // Bob, an admin who took Dave's branch, stands for it.
    for package in [&race, &again] {
        devices[1].apply(package).unwrap();
    }
    let bobs = devices[1].package(Room::refresh);
    let on = follow(2, &mut on, &bobs, four).unwrap();
    assert!(says(2, &on, 0, b"21.5").is_ok());
}

/// Who makes many packages of an epoch and many that name secrets for it costs a reader 4,096 tries. Up to there it finds what
/// leads back, wherever that stands and whatever was tried before; beyond, that stays closed. [ROOM-29]
#[test]
fn a_flood_takes_so_many_tries_and_no_more() {
    let (devices, first) = Device::rooms(HistoryPolicy::Shared, &[0, 1, 2, 3], 2);
    let [mut alice, _, _, dave] = devices.try_into().ok().unwrap();
    // Dave is removed and comes back: what was between opens by the secrets that follow.
    let mut after = |change: &dyn Fn(&Room) -> Result<Change, Error>| {
        let package = alice.package(change);
        assert_eq!(alice.apply(&package), head(0));
        package
    };
    let removal = after(&|room| room.remove(&[dave.fingerprint()]));
    let between = after(&Room::refresh);
    let back = after(&|room| room.add(&[(&dave.who.public, Role::Member)]));
    // Carol's: of the number of what was between, not for him; and after that, naming a secret of nothing.
    let [by_alice, by_carol] = [0, 2].map(|n| &crowd()[n]);
    let removed = Known::of(&removal, by_alice.reader(), by_alice.id());
    let noise = Craft::new(removed.next(), by_carol.sender(), &[0, 1, 2].map(|n| &crowd()[n].public));
    let noise = noise.with_previous(&removed.secret);
    let people = Known::of(&first, by_alice.reader(), by_alice.id()).body.roster;
    let body = Body { epoch: 3, previous: [7; 32], roster: people, ..removed.next() };
    let lie = Craft::new(body, by_carol.sender(), &[0, 1, 2, 3].map(|n| &crowd()[n].public));
    let lie = lie.with_previous(&[7; 32]);
    // Each secret is tried with the noise, and with what was between, which is the last of its epoch; the true one after the
    // others, since what brings Dave back he opens after all that is for everybody.
    let found = |noises: usize, lies: usize| {
        let [noises, lies] = [(&noise, noises), (&lie, lies)]
            .map(|(craft, count)| (0..count).map(|_| sealed_anew(craft)).collect::<Vec<_>>());
        let noises = noises.iter().map(|noise| &noise[..]);
        let lies = lies.iter().map(|lie| &lie[..]);
        let given: Vec<&[u8]> = [&first[..], &removal]
            .into_iter()
            .chain(noises)
            .chain([&between[..]])
            .chain(lies)
            .chain([&back[..]])
            .collect();
        let readers = [dave.who.reader()];
        let found = Room::recover(dave.room.id(), &given, &readers, &directory(), &mut SystemRng).unwrap();
        found.room.epochs().map(|(epoch, ..)| epoch.number()).collect::<Vec<_>>()
    };
    assert_eq!((63 + 1) * (63 + 1), 4096);
    assert_eq!(found(63, 63), [0, 1, 2, 3]);
    assert_eq!((240 + 1) * (16 + 1), 4097);
    assert_eq!(found(240, 16), [0, 3]);
}

/// What is not whole is no secret of the epoch before, and does not stay in the device's memory either. [ROOM-02]
#[test]
fn a_secret_that_was_cut_is_erased() {
    let body = Body::first(SHARED, &[(crowd()[0].id(), ADMIN), (crowd()[1].id(), MEMBER)]);
    let to = [&crowd()[0].public, &crowd()[1].public];
    let whole = Craft::new(Body { epoch: 3, previous: [9; 32], ..body }, crowd()[0].sender(), &to);
    let whole = whole.with_previous(&[0xa5; 32]);
    for (cut, wrong) in [
        (1, whole.but(|craft| craft.payload = Some(craft.payload()[..craft.body.encode().len() + 32].to_vec()))),
        (2, whole.but(|craft| craft.payload = Some(craft.payload()[..craft.body.encode().len() + 33].to_vec()))),
        (3, whole.but(|craft| craft.tail = vec![1])),
        (4, whole.but(|craft| craft.transition = vec![1; 9])),
        (5, whole.but(|craft| craft.public_data = Some([&craft.body.room_id()[..], &[0; 8]].concat()))),
        (6, whole.but(|craft| craft.author = Some(crowd()[1].sender()))),
    ] {
        let mut memory = [0; 1000];
        assert!(join(1, 0, &wrong.seal(), &mut memory).is_err(), "{cut}");
        assert!(!memory.windows(16).any(|window| window == [0xa5; 16]), "{cut}");
    }
}

/// Many at once are opened as one after the other, whatever was mixed in between. [RMSG-01] [RMSG-05] [RMSG-07]
#[test]
fn many_at_once_say_what_one_by_one_do() {
    let (mut devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[0, 1, 2], 2);
    let known = Known::of(&first, crowd()[0].reader(), crowd()[0].id());
    let reader = devices[0].copy();
    let mut messages: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for round in 0..3 {
        for who in [1, 2] {
            for _ in 0..24 {
                messages.push((devices[who].says(b"tick"), Vec::new()));
            }
        }
        if round < 2 {
            let package = devices[1].package(Room::refresh);
            devices.iter_mut().for_each(|device| assert!(device.apply(&package).is_ok()));
        }
    }
    let odd = [
        Written::new(&known, &crowd()[1], b"again 0").but(|written| written.device = [1; 8]).seal(&crowd()[1]),
        Written::new(&known, &crowd()[1], b"again 1").but(|written| written.device = [1; 8]).seal(&crowd()[1]),
        Written::new(&known, &crowd()[1], b"forged").seal(&crowd()[2]),
        Written::new(&known, &crowd()[1], b"nobody").but(|written| written.place = 9).seal(&crowd()[1]),
        Written::new(&known, &crowd()[1], b"zeros").but(|written| written.zeros = vec![0, 1]).seal(&crowd()[1]),
        Written::new(&known, &crowd()[1], b"last").but(|written| written.sequence = u64::MAX).seal(&crowd()[1]),
        Written::new(&known, &crowd()[1], b"short").seal_with(&[1; 63]),
        Written::new(&known, &crowd()[1], b"none").seal_with(&[]),
        Written::new(&known, &crowd()[1], b"long").seal_with(&[1; 600]),
        b"SLRM\x00\x01\x23".to_vec(),
        Vec::new(),
    ];
    for (at, message) in odd.into_iter().enumerate() {
        messages.insert(at * 11, (message, Vec::new()));
    }
    for at in [3, 17, 60, 61, 90] {
        let mut changed = messages[at].clone();
        if let Some(byte) = changed.0.last_mut() {
            *byte ^= 1;
        }
        messages.push(changed);
        messages.push((messages[at].0.clone(), b"bound".to_vec()));
        messages.push(messages[at].clone());
    }
    // A fixed shuffle.
    crate::common::Choices(7).shuffle(&mut messages);
    // With Carol unknown, and with everybody.
    let without: Vec<PublicIdentity> =
        directory().into_iter().filter(|identity| identity.fingerprint() != crowd()[2].public.fingerprint()).collect();
    for known in [without, directory()] {
        for device in [&reader, &devices[0]] {
            let (mut one, mut many) = (device.copy(), device.copy());
            let all: Vec<(&[u8], &[u8])> = messages.iter().map(|(message, aad)| (&message[..], &aad[..])).collect();
            let opened = many.room.open_many(&all, &known);
            assert_eq!(opened.len(), all.len());
            for ((message, aad), opened) in all.into_iter().zip(opened) {
                let expected = one.room.open(message, aad, &known);
                let facts = |opened: Result<RoomMessage<Vec<u8>>, Error>| {
                    opened.map(|opened| {
                        let about = (opened.freshness(), opened.is_superseded(), opened.sender_in_current_roster());
                        let from =
                            (*opened.sender(), *opened.device(), opened.sequence(), *opened.id(), opened.epoch());
                        (about, from, opened.into_content())
                    })
                };
                assert_eq!(facts(opened), facts(expected));
            }
            assert_eq!(one.state(), many.state());
        }
    }
}

/// Without threads the work is done in turn: where the system gives none, nothing panics.
#[cfg(feature = "parallel")]
#[test]
fn without_threads_work_is_done_in_turn() {
    if std::env::var_os("RUST_MIN_STACK").is_some() {
        let bob = person(2);
        let sealed = Envelope::to(&[bob.public().recipient()]).seal(&content(9 * CHUNK), &mut SystemRng).unwrap();
        assert!(open(&sealed, &[bob.reader()], &mut SystemRng).unwrap().unverified() == content(9 * CHUNK));
        let many: Vec<_> = crowd().iter().map(|person| person.public.recipient()).collect();
        assert!(many.len() >= 8 && Envelope::to(&many).seal(b"text", &mut SystemRng).is_ok());
        return;
    }
    let name = "attacks_recent::without_threads_work_is_done_in_turn";
    let own = std::env::current_exe().unwrap();
    // A stack that no thread can have.
    let run = std::process::Command::new(own)
        .args(["--exact", name, "--test-threads=1"])
        .env("RUST_MIN_STACK", (1_u64 << 47).to_string())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
}
