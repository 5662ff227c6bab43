//! What a device stores, what members state, and rooms that are put together again. SPEC §18.6, §18.7, §18.9.

use crate::common::hand::{sha256, sign_input, vector};
use crate::common::rooms::*;
use crate::common::*;
use sealroom::*;

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

/// Alice's room of three epochs, as she holds it.
fn known() -> [Known; 3] {
    let (devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[ALICE, BOB, CAROL], 2);
    let mut alice = devices.into_iter().next().unwrap();
    let mut of = vec![Known::of(&first, alice.who.reader(), alice.who.id())];
    for _ in 0..2 {
        let package = alice.package(Room::refresh);
        assert_eq!(alice.apply(&package), head(ALICE));
        of.push(Known::of(&package, alice.who.reader(), alice.who.id()));
    }
    of.try_into().unwrap()
}

fn seen_device(sender: u8, device: u8, seen: &[u64]) -> Vec<u8> {
    let messages: Vec<u8> = seen.iter().flat_map(|n| [&n.to_be_bytes()[..], &[*n as u8; 16]].concat()).collect();
    [&[sender; 32][..], &[device; 8], &7_u64.to_be_bytes(), &vector(&messages)].concat()
}

/// A room's state has one encoding, which is the one of SPEC.md; loading gives the same room. [ROOM-26]
#[test]
fn states_are_canonical() {
    let known = known();
    let mut state = State::of(crowd()[ALICE].id(), &[&known[0], &known[1], &known[2]]);
    state.devices = vec![
        seen_device(1, 1, &[0]),
        seen_device(1, 2, &(5..69).collect::<Vec<_>>()),
        seen_device(2, 1, &[7, u64::MAX]),
    ];
    (state.used, state.behind, state.next_sequence) = (9, 8, 77);
    for standing in [1, 2] {
        state.standing = standing;
        let content = state.encode();
        let mut room = hazmat::room_of_state(&content).unwrap();
        assert_eq!(hazmat::room_state(&room), content);
        assert_eq!(room.standing(), Standing::Behind { epoch: Epoch::new(8) });
        room.accept_head();
        assert_eq!(room.standing(), Standing::Confirmed);
        let key = symmetric(1);
        let saved = room.save(&key, &mut SystemRng).unwrap();
        let loaded = Room::load(&saved, &key).unwrap();
        assert_eq!(hazmat::room_state(&loaded), hazmat::room_state(&room));
        assert_eq!((loaded.transcript(), loaded.me()), (room.transcript(), &fingerprint(ALICE)));
        for len in 0..content.len() {
            assert!(hazmat::room_of_state(&content[..len]).is_err());
        }
        assert!(hazmat::room_of_state(&[&content[..], &[0]].concat()).is_err());
    }
    // What lived is stored as it is.
    let (mut devices, _) = Device::rooms(HistoryPolicy::Shared, &[ALICE, BOB, CAROL], 2);
    for author in [CAROL, BOB, ALICE] {
        let package = devices[author].package(Room::refresh);
        let _ = devices[0].apply(&package).unwrap();
    }
    let message = devices[1].says(b"content");
    assert_eq!(devices[0].hears(&message).unwrap(), b"content");
    assert_eq!(devices[0].copy().state(), devices[0].state());
}

/// Every other order and value is refused. [ROOM-26]
#[test]
fn other_states_are_refused() {
    let [first, second, third] = known();
    let me = crowd()[ALICE].id();
    let state = State::of(me, &[&first, &second, &third]);
    let key = symmetric(1);
    let load = |content: &[u8]| {
        let (to, padme) = ([Recipient::symmetric(&key)], Padding::Padme);
        let sealed =
            hazmat::seal_as(&Envelope::to(&to).padding(padme), ContentType::RoomState, content, &mut SystemRng);
        Room::load(&sealed.unwrap(), &key).map(|_| ())
    };
    assert_eq!(load(&state.encode()), Ok(()));
    let no = |name: &str, change: &dyn Fn(&mut State)| {
        let mut other = state.clone();
        change(&mut other);
        assert_eq!(load(&other.encode()), Err(refused("ROOM-26")), "{name}");
    };
    no("standing", &|state| state.standing = 0);
    no("standing", &|state| state.standing = 3);
    no("me", &|state| state.me = crowd()[DAVE].id());
    // Another identity before it is one; the same one twice, and bytes behind it, are not.
    let rest = &state.encode()[vector(&me).len()..];
    let mine = |mine: &[u8]| load(&[&vector(mine)[..], rest].concat());
    assert_eq!(mine(&[crowd()[DAVE].id(), me].concat()), Ok(()));
    assert_eq!(mine(&[me, me].concat()), Err(refused("ROOM-26")));
    assert_eq!(mine(&[&me[..], &[0]].concat()), Err(refused("ROOM-26")));
    no("head", &|state| state.head[0] ^= 1);
    no("no epochs", &|state| state.epochs.clear());
    no("order", &|state| state.epochs.swap(0, 1));
    no("twice", &|state| state.epochs[1] = state.epochs[0].clone());
    no("evidence on the own branch", &|state| state.epochs[0] = first.stored(2));
    no("evidence on the own branch", &|state| state.epochs[1] = second.stored(2));
    no("branch", &|state| state.epochs[0] = first.stored(0));
    no("branch", &|state| state.epochs[0] = first.stored(3));
    no("a head of evidence", &|state| state.epochs[2] = third.stored(2));
    let kind = third.stored(1).len() - 33;
    for code in [0, 3] {
        no("kind", &|state| state.epochs[0][kind] = code);
    }
    let mut past = state.clone();
    past.epochs[0] = first.stored_granted(1);
    assert_eq!(load(&past.encode()), Ok(()));
    no("a granted head", &|state| state.epochs[2] = third.stored_granted(1));
    let other = |change: &dyn Fn(&mut Known)| {
        let mut other = first.clone();
        change(&mut other);
        other.stored(1)
    };
    no("another room", &|state| state.epochs[0] = other(&|known| known.body.nonce[0] ^= 1));
    no("another policy", &|state| state.epochs[0] = other(&|known| known.body.history = SHARED));
    no("no policy", &|state| state.epochs[0] = other(&|known| known.body.history = 0));
    no("roster", &|state| state.epochs[0] = other(&|known| known.body.roster.reverse()));
    // Two of one number stand by their transcripts.
    let mut twin = first.clone();
    twin.commitment[0] ^= 1;
    let twins = [twin.stored(2), first.stored(1)];
    no("two of one number on the own branch", &|state| {
        let mut epochs = [twin.clone(), first.clone()];
        epochs.sort_by_key(Known::transcript);
        state.epochs.splice(..1, epochs.map(|known| known.stored(1)));
    });
    let beside = |change: &dyn Fn(&mut Known)| {
        let mut other = first.clone();
        change(&mut other);
        let mut state = state.clone();
        state.epochs.insert(usize::from(other.transcript() > first.transcript()), other.stored(2));
        load(&state.encode())
    };
    assert_eq!(beside(&|known| known.commitment[0] ^= 1), Ok(()));
    assert_eq!(beside(&|known| known.body.nonce[0] ^= 1), Err(refused("ROOM-26")), "evidence of another room");
    let both = [[0, 1], [1, 0]].map(|[one, two]| {
        let mut state = state.clone();
        state.epochs.splice(..1, [twins[one].clone(), twins[two].clone()]);
        load(&state.encode())
    });
    assert!(both == [Ok(()), Err(refused("ROOM-26"))] || both == [Err(refused("ROOM-26")), Ok(())]);
    no("no messages", &|state| state.devices = vec![seen_device(1, 1, &[])]);
    no("order of messages", &|state| state.devices = vec![seen_device(1, 1, &[2, 1])]);
    no("a message twice", &|state| state.devices = vec![seen_device(1, 1, &[1, 1])]);
    no("65 messages", &|state| state.devices = vec![seen_device(1, 1, &(0..65).collect::<Vec<_>>())]);
    no("order of devices", &|state| state.devices = vec![seen_device(1, 2, &[1]), seen_device(1, 1, &[1])]);
    no("order of senders", &|state| state.devices = vec![seen_device(2, 1, &[1]), seen_device(1, 2, &[1])]);
    no("a device twice", &|state| state.devices = vec![seen_device(1, 1, &[1]); 2]);
    let many = |count| (0..count).map(|device| seen_device(1, device, &[1])).collect();
    no("33 devices", &|state| state.devices = many(33));
    no("a cut device", &|state| state.devices = vec![seen_device(1, 1, &[1])[..71].to_vec()]);
    let mut most = state.clone();
    most.devices = [many(32), vec![seen_device(2, 1, &[1])]].concat();
    assert_eq!(load(&most.encode()), Ok(()));
    // The envelope's form, its key and its bytes.
    let content = state.encode();
    let to = [Recipient::symmetric(&key)];
    let sealed =
        |envelope: Envelope<'_>| hazmat::seal_as(&envelope, ContentType::RoomState, &content, &mut SystemRng).unwrap();
    let padded = Envelope::to(&to).padding(Padding::Padme);
    for other in
        [Envelope::to(&to), padded.public_data(&[0]), padded.signed_by(crowd()[ALICE].sender()).without_copy_for_me()]
    {
        assert_eq!(Room::load(&sealed(other), &key).err(), Some(Error::Malformed { field: "room state" }));
    }
    let honest = sealed(padded);
    assert_eq!(Room::load(&honest, &symmetric(2)).err(), Some(Error::Decrypt));
    for place in 0..honest.len() {
        let mut changed = honest.clone();
        changed[place] ^= 1;
        assert!(Room::load(&changed, &key).is_err(), "{place}");
    }
}

/// An older state that comes back uses numbers again: readers are told, and no message has another's key. [RMSG-07]
#[test]
fn older_states_go_on() {
    let (devices, _) = Device::rooms(HistoryPolicy::FromJoin, &[ALICE, BOB], 2);
    let [mut alice, mut bob] = devices.try_into().ok().unwrap();
    let mut older = alice.copy();
    let (one, other) = (alice.says(b"one"), older.says(b"other"));
    assert_ne!(one[39..63], other[39..63]);
    let mut answer = |message: &[u8]| {
        let opened = bob.room.open(message, b"", &directory()).unwrap();
        (opened.sequence(), opened.freshness())
    };
    assert_eq!(answer(&one), (0, Freshness::Fresh { skipped: 0 }));
    assert_eq!(answer(&other), (0, Freshness::SequenceReused));
    let before = bob.state();
    assert_eq!(bob.copy().state(), before);
}

/// Somebody leaves by their own word, and by no other: of this room, of now, of themselves. [ROOM-21]
#[test]
fn leave_statements_are_checked() {
    let (devices, _) = Device::rooms(HistoryPolicy::FromJoin, &[ALICE, BOB, CAROL], 1);
    let [mut alice, mut bob, mut carol] = devices.try_into().ok().unwrap();
    let says = |device: &Device| device.room.leave(&device.who.sender(), &mut SystemRng).unwrap();
    let check = |device: &Device, statement: &LeaveStatement| device.room.check_leave(statement, &directory());
    let statement = says(&carol);
    let (room, transcript) = (*carol.room.id().as_bytes(), *carol.room.transcript().as_bytes());
    // As it is written in SPEC.md, by hand.
    let make = |room: [u8; 16], transcript: [u8; 32], member: [u8; 32], by: usize| {
        let content = [&room[..], &transcript, &member, &[1]].concat();
        let signature = crowd()[by].sign(&sha256(&sign_input("leave", &content)));
        [b"SLRM\x00\x01\x24", &content[..], &signature].concat()
    };
    let honest = make(room, transcript, carol.who.id(), CAROL);
    assert_eq!((statement.to_bytes(), honest.len()), (honest.clone(), 152));
    let of = |bytes: &[u8]| LeaveStatement::from_bytes(bytes);
    let shown = format!("LeaveStatement {{ room: {:?}, member: {}, .. }}", carol.room.id(), carol.room.me());
    assert_eq!(format!("{statement:?}"), shown);
    assert_eq!(
        (of(&honest).unwrap().room(), of(&honest).unwrap().claimed_member()),
        (carol.room.id(), &fingerprint(CAROL))
    );
    assert_eq!(check(&alice, &statement), Ok(fingerprint(CAROL)));
    let rule = Err(refused("ROOM-21"));
    let check_bytes = |device: &Device, bytes: &[u8]| check(device, &of(bytes).unwrap());
    assert_eq!(check_bytes(&alice, &make(room, transcript, carol.who.id(), BOB)), Err(Error::Signature));
    assert_eq!(check_bytes(&alice, &make([1; 16], transcript, carol.who.id(), CAROL)), rule);
    assert_eq!(check_bytes(&alice, &make(room, [1; 32], carol.who.id(), CAROL)), rule);
    assert_eq!(check_bytes(&alice, &make(room, transcript, crowd()[DAVE].id(), DAVE)), rule);
    let unknown = alice.room.check_leave(&statement, &[public(ALICE)]);
    assert_eq!(unknown, Err(Error::UnknownIdentity { fingerprint: carol.who.id() }));
    for place in 0..honest.len() {
        let mut changed = honest.clone();
        changed[place] ^= 1;
        assert!(of(&changed).and_then(|statement| check(&alice, &statement)).is_err(), "{place}");
        assert!(of(&honest[..place]).is_err());
    }
    assert!(of(&[&honest[..], &[0]].concat()).is_err());
    let mut unsigned = honest;
    unsigned[87] = 0;
    assert!(matches!(of(&unsigned), Err(Error::Malformed { field: "algorithm" })));
    // It holds on for later epochs, as long as Carol is in them; not after she was removed and added again.
    let refresh = bob.package(Room::refresh);
    for device in [&mut alice, &mut bob, &mut carol] {
        assert_eq!(device.apply(&refresh), head(BOB));
    }
    assert_eq!(check(&alice, &statement), Ok(fingerprint(CAROL)));
    let removal = alice.package(|room| room.remove(&[check(&alice, &statement).unwrap()]));
    assert_eq!(alice.apply(&removal), head(ALICE));
    assert_eq!(check(&alice, &statement), rule);
    let addition = alice.package(|room| room.add(&[(public(CAROL), Role::Member)]));
    assert_eq!(alice.apply(&addition), head(ALICE));
    assert_eq!(check(&alice, &statement), rule);
    let carol = Device::join(CAROL, ALICE, &addition).unwrap();
    assert_eq!(check(&alice, &says(&carol)), Ok(fingerprint(CAROL)));
    // An epoch of another branch: Bob's side of a fork.
    let (devices, _) = Device::rooms(HistoryPolicy::FromJoin, &[ALICE, BOB, CAROL], 2);
    let [mut alice, bob, mut carol] = devices.try_into().ok().unwrap();
    let (by_alice, by_bob) = (alice.package(Room::refresh), bob.package(Room::refresh));
    assert_eq!((alice.apply(&by_alice), carol.apply(&by_bob)), (head(ALICE), head(BOB)));
    assert!(matches!(alice.apply(&by_bob), Ok(Applied::Fork { .. })));
    assert_eq!(check(&alice, &says(&carol)), rule);
}

/// What cannot be done from a head that nobody vouched for.
fn is_stopped(device: &mut Device) -> bool {
    let sender = device.who.sender();
    let epoch = device.room.epoch();
    let before = device.state();
    let answers = [
        device.room.seal(&Draft::new(b""), &sender, &mut SystemRng).err(),
        device.room.request(&Draft::new(b""), &device.who.public).err(),
        device.room.refresh().err(),
        device.room.add(&[(public(DAVE), Role::Member)]).err(),
        device.room.remove(&[fingerprint(BOB)]).err(),
        device.room.promote(&fingerprint(CAROL)).err(),
        device.room.grant_history(epoch..=epoch, &[public(BOB)], &sender, &mut SystemRng).err(),
        device.room.vouch(&[0; 32], &sender, &mut SystemRng).err(),
    ];
    let stopped = answers.iter().all(|answer| *answer == Some(Error::Unconfirmed));
    assert!(stopped != answers.iter().any(Option::is_none), "{answers:?}");
    assert!(!stopped || device.state() == before);
    stopped
}

/// A room out of a server's packages is unconfirmed until a trusted member's statement fits in every field. [ROOM-22]
/// [ROOM-23]
#[test]
fn recovered_rooms_are_confirmed_by_a_member() {
    let (devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[ALICE, BOB, CAROL], 2);
    let [mut alice, mut bob, _] = devices.try_into().ok().unwrap();
    let second = bob.package(|room| room.demote(&fingerprint(ALICE)));
    assert_eq!((alice.apply(&second), bob.apply(&second)), (head(BOB), head(BOB)));
    let (message, id) = (bob.says(b"before"), *alice.room.id());
    let (who, (_, foreign)) = (&crowd()[ALICE], Device::rooms(HistoryPolicy::Shared, &[ALICE, DAVE], 2));
    let packages: [&[u8]; 5] = [b"noise", &second, &foreign, &first, &second];
    let recover = |packages: &[&[u8]]| Room::recover(&id, packages, &[who.reader()], &directory(), &mut SystemRng);
    let Recovered { room, problems, .. } = recover(&packages).unwrap();
    assert_eq!(problems.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(problems[1].1, refused("ROOM-03"));
    let mut recovered = Device { who, room };
    assert_eq!((recovered.room.transcript(), recovered.room.epochs().count()), (alice.room.transcript(), 2));
    assert_eq!(recovered.room.standing(), Standing::Unconfirmed);
    assert_eq!(recovered.hears(&message).unwrap(), b"before");
    assert!(is_stopped(&mut recovered));
    assert!(is_stopped(&mut recovered.copy()));

    let nonce = HeadStatement::nonce(&mut SystemRng).unwrap();
    assert_ne!(nonce, HeadStatement::nonce(&mut SystemRng).unwrap());
    let (epoch, transcript, member) = (1, *alice.room.transcript().as_bytes(), bob.who.id());
    let make = |room: [u8; 16], epoch: u64, transcript: [u8; 32], nonce: [u8; 32], member: [u8; 32], by: usize| {
        let content = [&room[..], &epoch.to_be_bytes(), &transcript, &nonce, &member, &[1]].concat();
        let signature = crowd()[by].sign(&sha256(&sign_input("head", &content)));
        HeadStatement::from_bytes(&[b"SLRM\x00\x01\x25", &content[..], &signature].concat()).unwrap()
    };
    let room = *id.as_bytes();
    let honest = make(room, epoch, transcript, nonce, member, BOB);
    let vouched = bob.room.vouch(&nonce, &bob.who.sender(), &mut SystemRng).unwrap();
    let (room_id, at) = (bob.room.id(), bob.room.epoch());
    let shown = format!("HeadStatement {{ room: {room_id:?}, epoch: {at}, member: {}, .. }}", bob.room.me());
    assert_eq!(format!("{vouched:?}"), shown);
    assert_eq!((vouched.to_bytes(), vouched.to_bytes().len()), (honest.to_bytes(), 192));
    assert_eq!((vouched.room(), vouched.epoch(), vouched.claimed_member()), (&id, Epoch::new(1), &fingerprint(BOB)));
    let mut no = |statement: &HeadStatement, member: &PublicIdentity, error| {
        let before = recovered.state();
        assert_eq!(recovered.room.confirm(statement, &nonce, member), Err(error));
        assert_eq!((recovered.state(), recovered.room.standing()), (before, Standing::Unconfirmed));
    };
    let rule = refused("ROOM-23");
    no(&make([1; 16], epoch, transcript, nonce, member, BOB), public(BOB), rule);
    no(&make(room, 0, transcript, nonce, member, BOB), public(BOB), rule);
    no(&make(room, epoch, [1; 32], nonce, member, BOB), public(BOB), rule);
    no(&make(room, epoch, transcript, [1; 32], member, BOB), public(BOB), rule);
    no(&make(room, epoch, transcript, nonce, crowd()[DAVE].id(), DAVE), public(DAVE), rule);
    no(&make(room, epoch, transcript, nonce, member, DAVE), public(BOB), Error::Signature);
    no(&make(room, epoch, transcript, nonce, member, DAVE), public(DAVE), Error::Signature);
    no(&honest, public(CAROL), Error::Signature);
    let bytes = honest.to_bytes();
    for place in 0..bytes.len() {
        assert!(HeadStatement::from_bytes(&bytes[..place]).is_err());
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        if let Ok(changed) = HeadStatement::from_bytes(&changed) {
            no(&changed, public(BOB), Error::Signature);
        }
    }
    assert!(HeadStatement::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    recovered.room.confirm(&honest, &nonce, public(BOB)).unwrap();
    assert_eq!(recovered.room.standing(), Standing::Confirmed);
    assert!(!is_stopped(&mut recovered));
    // Another device of the same person may vouch; and the user may take the head as it is.
    let mut again = Device { who, room: recover(&packages).unwrap().room };
    let own = alice.room.vouch(&nonce, &alice.who.sender(), &mut SystemRng).unwrap();
    again.room.confirm(&own, &nonce, public(ALICE)).unwrap();
    assert!(!is_stopped(&mut again));
    let mut accepted = Device { who, room: recover(&packages).unwrap().room };
    accepted.room.accept_head();
    assert!(!is_stopped(&mut accepted));
    // A server that leaves out the last package: who holds it does not vouch for less.
    let mut early = Device { who, room: recover(&packages[2..4]).unwrap().room };
    assert_eq!(early.room.epoch(), Epoch::new(0));
    assert_eq!(early.room.confirm(&honest, &nonce, public(BOB)), Err(rule));
    assert_eq!(early.apply(&second), head(BOB));
    assert!(is_stopped(&mut early));
    assert_eq!(recover(&packages[..1]).err(), Some(Error::Decrypt));
    let nothing = Room::recover(&id, &packages, &[crowd()[DAVE].reader()], &directory(), &mut SystemRng);
    assert_eq!(nothing.err(), Some(Error::Decrypt));
}

/// Recovery goes on where packages are missing only by an admin of the head, and back as far as secrets lead; who was
/// removed and added again has two runs. [ROOM-16] [ROOM-24]
#[test]
fn recovery_puts_runs_together() {
    let (devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[ALICE, BOB, CAROL], 2);
    let [mut alice, mut bob, _] = devices.try_into().ok().unwrap();
    let mut packages = vec![first];
    let mut messages = vec![alice.says(b"")];
    for number in 0..5 {
        let package = match number {
            1 => alice.package(|room| room.remove(&[fingerprint(CAROL)])),
            3 => alice.package(|room| room.add(&[(public(CAROL), Role::Member)])),
            _ => alice.package(Room::refresh),
        };
        assert_eq!((alice.apply(&package), bob.apply(&package)), (head(ALICE), head(ALICE)));
        packages.push(package);
        messages.push(bob.says(b""));
    }
    let id = *alice.room.id();
    let recover = |who: usize, places: &[usize]| {
        let given: Vec<&[u8]> = places.iter().map(|place| &packages[*place][..]).collect();
        let found = Room::recover(&id, &given, &[crowd()[who].reader()], &directory(), &mut SystemRng).unwrap();
        let mut device = Device { who: &crowd()[who], room: found.room };
        let reads: Vec<_> = (0..6).filter(|place| device.hears(&messages[*place]).is_ok()).collect();
        let problems: Vec<_> = found.problems.iter().map(|(place, error)| (places[*place], *error)).collect();
        assert_eq!(device.room.standing(), Standing::Unconfirmed);
        (reads, problems, device.room.epoch().number())
    };
    let everything = [3, 1, 5, 0, 2, 4];
    assert_eq!(recover(BOB, &everything), (vec![0, 1, 2, 3, 4, 5], vec![], 5));
    let (reads, problems, last) = recover(CAROL, &everything);
    assert_eq!((reads, last), (vec![0, 1, 4, 5], 5));
    // The removal and what followed it are nothing that she can open.
    assert_eq!(problems, [(3, Error::Decrypt), (2, Error::Decrypt)]);
    // The whole of a gap. The later run begins, since an admin of the head signed it, and goes back by its secrets.
    assert_eq!(recover(BOB, &[0, 1, 5]), (vec![0, 1, 5], vec![], 5));
    assert_eq!(recover(BOB, &[3, 2]), (vec![2, 3], vec![], 3));
    assert_eq!(recover(BOB, &[5]), (vec![5], vec![], 5));
}

/// A device that missed a package: sealing stops, until all up to it are there, or the user takes the head. [ROOM-24]
#[test]
fn devices_that_are_behind_are_stopped() {
    let (devices, _) = Device::rooms(HistoryPolicy::FromJoin, &[ALICE, BOB, CAROL], 2);
    let [mut alice, mut bob, mut carol] = devices.try_into().ok().unwrap();
    let mut packages = Vec::new();
    for number in 0..3 {
        let author = if number == 1 { &bob } else { &alice };
        let package = author.package(Room::refresh);
        assert!(alice.apply(&package).is_ok() && bob.apply(&package).is_ok());
        packages.push(package);
    }
    let ahead = |author, number| Ok(Applied::Ahead { author: fingerprint(author), epoch: Epoch::new(number) });
    assert_eq!(carol.apply(&packages[2]), ahead(ALICE, 3));
    assert_eq!(carol.apply(&packages[1]), ahead(BOB, 2));
    assert_eq!(carol.room.standing(), Standing::Behind { epoch: Epoch::new(3) });
    assert!(is_stopped(&mut carol) && is_stopped(&mut carol.copy()));
    let mut impatient = carol.copy();
    impatient.room.accept_head();
    assert!(!is_stopped(&mut impatient));
    for (package, author) in packages.iter().zip([ALICE, BOB, ALICE]) {
        assert!(is_stopped(&mut carol));
        assert_eq!(carol.apply(package), head(author));
    }
    assert_eq!(carol.room.standing(), Standing::Confirmed);
    assert!(!is_stopped(&mut carol));
    // A plain member does not stop others so.
    let mut dave = carol.copy();
    let by_carol = carol.package(Room::refresh);
    assert_eq!(carol.apply(&by_carol), head(CAROL));
    let next = carol.package(Room::refresh);
    assert_eq!(dave.apply(&next), Err(refused("ROOM-08")));
    assert!(!is_stopped(&mut dave));
}
