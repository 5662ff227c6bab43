//! A device that holds one epoch of a room, beside rooms with all of their past. SPEC §18.11.

use crate::common::rooms::*;
use crate::common::*;
use sealroom::*;

const DEVICE: DeviceId = DeviceId::from_bytes([0xd0; 8]);

/// Who of the crowd joins by a package of `inviter`.
pub(crate) fn join<'b>(
    who: usize,
    inviter: usize,
    package: &[u8],
    memory: &'b mut [u8],
) -> Result<SingleEpoch<'b>, Error> {
    SingleEpoch::join(package, &crowd()[inviter].public, &[crowd()[who].reader()], memory, &mut SystemRng)
}

/// Who of the crowd takes a package; what is refused leaves the epoch as it was.
pub(crate) fn follow<'n>(
    who: usize,
    epoch: &mut SingleEpoch<'_>,
    package: &[u8],
    memory: &'n mut [u8],
) -> Result<SingleEpoch<'n>, Error> {
    let before = (*epoch.transcript(), *epoch.me());
    let next = epoch.follow(package, &[crowd()[who].reader()], &directory(), memory, &mut SystemRng);
    assert_eq!((*epoch.transcript(), *epoch.me()), before);
    next
}

pub(crate) fn says(who: usize, epoch: &SingleEpoch<'_>, sequence: u64, content: &[u8]) -> Result<Vec<u8>, Error> {
    let draft = Draft::new(content);
    let mut out = vec![0; draft.sealed_len(&crowd()[who].public)?];
    let len = epoch.seal_into(&draft, DEVICE, sequence, &crowd()[who].sender(), &mut out, &mut SystemRng)?;
    assert_eq!(len, out.len());
    Ok(out)
}

/// What an epoch says to a message; after a failure the buffer shows nothing of it.
fn hears(epoch: &SingleEpoch<'_>, message: &[u8], aad: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = vec![0; message.len()];
    let opened = epoch.open_into(message, aad, &mut out, &directory()).map(|opened| opened.content().to_vec());
    assert!(opened.is_ok() || out.iter().all(|byte| *byte == 0));
    opened
}

/// Each opens what the other seals, through additions, a refresh, a removal and a replaced fingerprint, under both
/// policies, and after restarts. [ROOM-30] [ROOM-10] [ROOM-14] [RMSG-01]
#[test]
fn it_follows_a_room_and_speaks_with_it() {
    for history in [HistoryPolicy::FromJoin, HistoryPolicy::Shared] {
        let (mut devices, first) = Device::rooms(history, &[0, 1], 2);
        // Carol, who joins at epoch 1: a second device of hers holds the room.
        let package = devices[0].package(|room| room.add(&[(&crowd()[2].public, Role::Member)]));
        for device in &mut devices {
            device.apply(&package).unwrap();
        }
        let mut memory = [vec![0; 2000], vec![0; 2000]];
        let [even, odd] = &mut memory;
        let mut epoch = join(2, 0, &package, even).unwrap();
        assert_eq!(join(2, 0, &first, &mut [0; 2000]).err(), Some(Error::Decrypt));

        let check = |devices: &mut [Device], epoch: &SingleEpoch<'_>, who: usize, sequence: u64| {
            let room = &devices[0].room;
            assert_eq!((epoch.id(), epoch.epoch(), epoch.code()), (*room.id(), room.epoch(), room.code()));
            assert_eq!(epoch.transcript(), room.transcript());
            assert!(epoch.roster().eq(room.roster().iter().copied()));
            let message = says(who, epoch, sequence, b"21.5 degrees").unwrap();
            for device in devices {
                let opened = device.room.open(&message, b"", &directory()).unwrap();
                assert_eq!(
                    (opened.content(), opened.sender()),
                    (&b"21.5 degrees"[..], crowd()[who].public.fingerprint())
                );
                assert_eq!((opened.device(), opened.sequence()), (&DEVICE, sequence));
                assert_eq!(opened.freshness(), Freshness::Fresh { skipped: 0 });
                let answer = device.says(b"heard");
                assert_eq!(hears(epoch, &answer, b"").unwrap(), b"heard");
            }
        };
        check(&mut devices, &epoch, 2, 0);

        // An addition, which is wrapped to it under its epoch's key alone.
        let package = devices[1].package(|room| room.add(&[(&crowd()[3].public, Role::Member)]));
        devices.iter_mut().for_each(|device| assert!(device.apply(&package).is_ok()));
        let mut epoch = follow(2, &mut epoch, &package, odd).unwrap();
        check(&mut devices, &epoch, 2, 1);

        // A restart: the package and the key are enough, and only together.
        let key = EpochKey::take(&mut { *epoch.key().expose() });
        let me = *crowd()[2].public.fingerprint();
        let mut place = vec![0; package.len()];
        let again = SingleEpoch::reopen(&package, &key, &me, &mut place).unwrap();
        check(&mut devices, &again, 2, 2);
        let mut place = vec![0; 2000];
        assert_eq!(SingleEpoch::reopen(&first, &key, &me, &mut place).err(), Some(Error::Decrypt));
        for at in [0, 31, 32, 63] {
            let mut other = *key.expose();
            other[at] ^= 1;
            let opened = SingleEpoch::reopen(&package, &EpochKey::take(&mut other), &me, &mut place);
            assert_eq!(opened.err(), Some(Error::Decrypt), "{at}");
        }
        let stranger = crowd()[7].public.fingerprint();
        assert_eq!(SingleEpoch::reopen(&package, &key, stranger, &mut place).err(), Some(refused("ROOM-15")));

        // A removal: what is sealed after it is not for him.
        let message = says(2, &epoch, 3, b"to Bob too").unwrap();
        let package = devices[0].package(|room| room.remove(&[*crowd()[1].public.fingerprint()]));
        let mut bobs = devices.pop().unwrap();
        devices[0].apply(&package).unwrap();
        let mut third = vec![0; 2000];
        let mut epoch = follow(2, &mut epoch, &package, &mut third).unwrap();
        assert_eq!(bobs.apply(&package), Err(Error::Decrypt));
        assert_eq!(bobs.hears(&message).unwrap(), b"to Bob too");
        assert_eq!(devices[0].hears(&message).unwrap(), b"to Bob too");
        check(&mut devices, &epoch, 2, 4);
        let old = bobs.says(b"from before");
        assert_eq!(hears(&epoch, &old, b"").err(), Some(Error::UnknownEpoch { epoch: 2 }));

        // Carol's keys change: she goes on as her new identity.
        let (new, transition) = successor(&crowd()[2], 2);
        let change = devices[0].room.replace(&transition).unwrap();
        let package = change.seal(&crowd()[0].sender(), &directory(), &mut SystemRng).unwrap();
        devices[0].apply(&package).unwrap();
        let mut fourth = vec![0; 4000];
        let readers = [crowd()[2].reader(), new.reader()];
        let epoch = epoch.follow(&package, &readers, &directory(), &mut fourth, &mut SystemRng).unwrap();
        assert_eq!(epoch.me(), new.public.fingerprint());
        let draft = Draft::new(b"as who I am now");
        let mut out = vec![0; draft.sealed_len(&new.public).unwrap()];
        epoch.seal_into(&draft, DEVICE, 5, &new.sender(), &mut out, &mut SystemRng).unwrap();
        let opened = devices[0].room.open(&out, b"", &[&new.public]).unwrap();
        assert_eq!(opened.sender(), new.public.fingerprint());
        let as_old = epoch.seal_into(&draft, DEVICE, 6, &crowd()[2].sender(), &mut out, &mut SystemRng);
        assert!(matches!(as_old, Err(Error::Argument { .. })));
    }
}

/// Nobody invites but whom the device was told, an admin; and a package that is no package is none. [ROOM-30] [ROOM-15] [ROOM-01] [ROOM-12]
#[test]
fn a_strangers_package_is_refused() {
    let body = |history| Body::first(history, &[(crowd()[0].id(), ADMIN), (crowd()[1].id(), MEMBER)]);
    let to = [&crowd()[0].public, &crowd()[1].public];
    let first = Craft::new(body(FROM_JOIN), crowd()[0].sender(), &to);
    let memory = &mut [0; 1000];
    assert!(join(1, 0, &first.seal(), memory).is_ok());
    // Another made it than the one who was expected: it is theirs in every way, or only signed by them.
    let theirs = Body::first(FROM_JOIN, &[(crowd()[4].id(), ADMIN), (crowd()[1].id(), MEMBER)]);
    let theirs = Craft::new(theirs, crowd()[4].sender(), &[&crowd()[4].public, &crowd()[1].public]).seal();
    assert!(join(1, 4, &theirs, memory).is_ok());
    assert_eq!(join(1, 0, &theirs, memory).err(), Some(Error::Signature));
    let signed = first.but(|craft| craft.author = Some(crowd()[4].sender())).seal();
    assert_eq!(join(1, 0, &signed, memory).err(), Some(refused("ROOM-04")));
    let claimed = first.seal_by_hand(&to, None, crowd()[0].id(), &crowd()[4]);
    assert_eq!(join(1, 0, &claimed, memory).err(), Some(Error::Signature));
    // A member who is no admin invites.
    let later = |history| {
        first.but(|craft| {
            craft.body = Body { epoch: 5, previous: [9; 32], ..body(history) };
            craft.author = Some(crowd()[1].sender());
        })
    };
    assert_eq!(join(0, 1, &later(FROM_JOIN).seal(), memory).err(), Some(refused("ROOM-15")));
    // Under shared the previous secret is there; it is all that is told of the past.
    let admins = later(SHARED).but(|craft| craft.author = Some(crowd()[0].sender()));
    assert_eq!(join(1, 0, &admins.seal(), memory).err(), Some(refused("ROOM-12")));
    assert!(join(1, 0, &admins.with_previous(&[8; 32]).seal(), memory).is_ok());
    // The secret of the epoch before does not stay in the device's memory.
    assert!(!memory.windows(32).any(|window| window == [8; 32]));
    // Somebody who is not in it, a changed byte, a message, too little memory.
    let first = first.seal();
    assert_eq!(join(2, 0, &first, memory).err(), Some(Error::Decrypt));
    for at in (0..first.len()).step_by(7) {
        let mut changed = first.clone();
        changed[at] ^= 1;
        assert!(join(1, 0, &changed, memory).is_err(), "{at}");
    }
    let reader = [crowd()[1].public.recipient()];
    let mail = Envelope::to(&reader).signed_by(crowd()[0].sender());
    let mail = mail.seal(b"no package", &mut SystemRng).unwrap();
    assert_eq!(join(1, 0, &mail, memory).err(), Some(Error::Unsupported { field: "type" }));
    assert!(matches!(join(1, 0, &first, &mut [0; 100]), Err(Error::Buffer { .. })));
}

/// What a member may not do is refused; what is missing, and a fork of an admin's, stops sealing, also after a restart.
/// [ROOM-30] [ROOM-08] [ROOM-09] [ROOM-17] [ROOM-24]
#[test]
fn it_holds_to_the_epoch_that_it_has() {
    // Alice and Bob are admins, Carol and Dave are not. Carol has the small device.
    let (mut devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[0, 1, 2, 3], 2);
    let mut memory = vec![0; 2000];
    let mut epoch = join(2, 0, &first, &mut memory).unwrap();
    let place = &mut vec![0; 2000];
    let to: Vec<_> = crowd()[..4].iter().map(|person| &person.public).collect();
    let known = Known::of(&first, crowd()[0].reader(), crowd()[0].id());

    // Dave, no admin, removes Alice; somebody who is not in the room refreshes it. Neither stops the device.
    let mut body = known.next();
    body.roster.retain(|(who, _)| *who != crowd()[0].id());
    let daves = Craft::new(body, crowd()[3].sender(), &to[1..]).with_previous(&known.secret).seal();
    assert_eq!(follow(2, &mut epoch, &daves, place).err(), Some(refused("ROOM-09")));
    let strangers = Craft::new(known.next(), crowd()[6].sender(), &to).with_previous(&known.secret).seal();
    assert_eq!(follow(2, &mut epoch, &strangers, place).err(), Some(refused("ROOM-09")));
    // Dave has an epoch far ahead, and another first one.
    let ahead = Body { epoch: 9, previous: [3; 32], ..known.next() };
    let daves = Craft::new(ahead, crowd()[3].sender(), &to).with_previous(&[1; 32]).seal();
    assert_eq!(follow(2, &mut epoch, &daves, place).err(), Some(refused("ROOM-08")));
    // Alice makes the epoch after the next, wrapped under the key of this one alone: this key opens the next and no other.
    let skipping = Body { epoch: known.body.epoch + 2, previous: [3; 32], ..known.next() };
    let key = SymmetricKey::take(&mut known.epoch_kek());
    let alices =
        Craft::new(skipping, crowd()[0].sender(), &[]).but(|craft| craft.to = vec![Recipient::symmetric(&key)]);
    assert_eq!(follow(2, &mut epoch, &alices.seal(), place).err(), Some(Error::Decrypt));
    // Its own package again, and another room's.
    assert_eq!(follow(2, &mut epoch, &first, place).err(), Some(refused("ROOM-08")));
    let (_, other) = Device::rooms(HistoryPolicy::FromJoin, &[1, 2], 2);
    assert_eq!(follow(2, &mut epoch, &other, place).err(), Some(refused("ROOM-03")));
    assert!(says(2, &epoch, 0, b"still here").is_ok());

    // Two refreshes by admins, of which the first does not arrive.
    let one = devices[0].package(Room::refresh);
    devices.iter_mut().for_each(|device| assert!(device.apply(&one).is_ok()));
    let two = devices[1].package(Room::refresh);
    assert_eq!(follow(2, &mut epoch, &two, place).err(), Some(Error::Unconfirmed));
    assert_eq!(says(2, &epoch, 0, b"").err(), Some(Error::Unconfirmed));
    let restarted = &mut vec![0; 2000];
    let carol = *crowd()[2].public.fingerprint();
    let mut epoch = SingleEpoch::reopen(&first, &epoch.key(), &carol, restarted).unwrap();
    assert_eq!(says(2, &epoch, 0, b"").err(), Some(Error::Unconfirmed));
    let mut at_one = follow(2, &mut epoch, &one, place).unwrap();
    assert_eq!(says(2, &at_one, 0, b"").err(), Some(Error::Unconfirmed));
    let place = &mut vec![0; 2000];
    let mut at_two = follow(2, &mut at_one, &two, place).unwrap();
    devices.iter_mut().for_each(|device| assert!(device.apply(&two).is_ok()));
    let message = says(2, &at_two, 0, b"there again").unwrap();
    assert_eq!(devices[3].hears(&message).unwrap(), b"there again");

    // Dave refreshes while Alice removes him, and he is faster. The device stops when it sees her package.
    let race = devices[3].package(Room::refresh);
    let removal = devices[0].package(|room| room.remove(&[*crowd()[3].public.fingerprint()]));
    let place = &mut vec![0; 2000];
    let mut raced = follow(2, &mut at_two, &race, place).unwrap();
    let spare = &mut vec![0; 2000];
    assert!(says(2, &raced, 1, b"").is_ok());
    assert_eq!(follow(2, &mut raced, &removal, spare).err(), Some(Error::Unconfirmed));
    assert_eq!(says(2, &raced, 1, b"").err(), Some(Error::Unconfirmed));

    // Who was removed and added again joins again, and never by what added them before.
    devices.truncate(2);
    devices.iter_mut().for_each(|device| assert!(device.apply(&removal).is_ok()));
    let removal = devices[0].package(|room| room.remove(&[carol]));
    devices.iter_mut().for_each(|device| assert!(device.apply(&removal).is_ok()));
    let added = devices[0].package(|room| room.add(&[(&crowd()[2].public, Role::Member)]));
    devices.iter_mut().for_each(|device| assert!(device.apply(&added).is_ok()));
    let again = |package: &[u8], place: &mut [u8]| {
        let (inviter, reader) = (&crowd()[0].public, crowd()[2].reader());
        let joined = raced.join_again(package, inviter, &[reader], place, &mut SystemRng)?;
        says(2, &joined, 1, b"back")
    };
    let message = again(&added, &mut [0; 2000]).unwrap();
    assert_eq!(devices[1].hears(&message).unwrap(), b"back");
    assert_eq!(again(&first, &mut [0; 2000]).err(), Some(refused("ROOM-17")));
    let elsewhere = Craft::new(Body::first(SHARED, &known.body.roster), crowd()[0].sender(), &to);
    let elsewhere = elsewhere.but(|craft| craft.body.creator = crowd()[0].id()).seal();
    assert_eq!(again(&elsewhere, &mut [0; 2000]).err(), Some(refused("ROOM-08")));
}

/// Bytes are those of rooms, and every other byte is refused; replays are told. [RMSG-04] [RMSG-05] [RMSG-07]
#[test]
fn messages_are_those_of_rooms() {
    let (mut devices, first) = Device::rooms(HistoryPolicy::FromJoin, &[0, 1], 2);
    let mut memory = vec![0; 2000];
    let epoch = join(1, 0, &first, &mut memory).unwrap();
    // The same draws, device and number make the same bytes.
    let state = hazmat::room_state(&devices[1].room);
    let device = DeviceId::from_bytes(*hazmat::room_of_state(&state).unwrap().device().as_bytes());
    let content = content(300);
    for (sequence, padding) in [(0, Padding::None), (1, Padding::Padme)] {
        let draft = Draft::new(&content).associated_data(b"here").padding(padding);
        let rooms = devices[1].room.seal(&draft, &crowd()[1].sender(), &mut Draws::new(5)).unwrap();
        let mut own = vec![0; rooms.len()];
        epoch.seal_into(&draft, device, sequence, &crowd()[1].sender(), &mut own, &mut Draws::new(5)).unwrap();
        assert_eq!(own, rooms);
        assert_eq!(hears(&epoch, &own, b"here").unwrap(), content);
        assert_eq!(hears(&epoch, &own, b"there").err(), Some(Error::Decrypt));
        for at in 0..own.len() {
            let mut changed = own.clone();
            changed[at] ^= 1;
            assert!(hears(&epoch, &changed, b"here").is_err(), "{at}");
        }
        let mut short = vec![0; own.len() - 1];
        let sealed = epoch.seal_into(&draft, device, sequence, &crowd()[1].sender(), &mut short, &mut SystemRng);
        assert_eq!(sealed, Err(Error::Buffer { needed: own.len() }));
    }
    // A writer who is no member, and a number that is none.
    let draft = Draft::new(b"");
    let sealed = epoch.seal_into(&draft, device, 0, &crowd()[0].sender(), &mut [0; 200], &mut SystemRng);
    assert!(matches!(sealed, Err(Error::Argument { .. })));
    assert_eq!(says(1, &epoch, u64::MAX, b"").err(), Some(Error::Limit { limit: "messages of one device" }));

    // A window says what a room says.
    let mut window = ReplayWindow::new();
    let messages: Vec<_> = (0..80).map(|_| devices[1].says(b"tick")).collect();
    // Its device goes on from an older state.
    let mut restored = Device { who: &crowd()[1], room: hazmat::room_of_state(&state).unwrap() };
    let reused = (0..3).map(|_| restored.says(b"tock")).last().unwrap();
    let order = (0..3).chain([2, 10, 5, 5]).chain(11..80).chain([0, 14, 15, 79]);
    let mut answers = Vec::new();
    for message in order.map(|at| &messages[at]).chain([&reused]) {
        let mut out = vec![0; message.len()];
        let opened = epoch.open_into(message, b"", &mut out, &directory()).unwrap();
        let freshness = window.observe(&opened);
        assert_eq!(freshness, devices[0].room.open(message, b"", &directory()).unwrap().freshness());
        answers.push(freshness);
    }
    for expected in [Freshness::Duplicate, Freshness::Fresh { skipped: 7 }, Freshness::TooOld] {
        assert!(answers.contains(&expected), "{expected:?}");
    }
    let mut window = ReplayWindow::default();
    for (message, expected) in [(&messages[0], Freshness::Fresh { skipped: 0 }), (&reused, Freshness::SequenceReused)] {
        let mut out = vec![0; message.len()];
        let opened = epoch.open_into(message, b"", &mut out, &directory()).unwrap();
        assert_eq!(window.observe(&opened), expected);
    }
}

/// One that is behind of the last number does not go on by a plain member's refresh of that number: none could end it. [ROOM-30]
#[test]
fn behind_of_the_last_number() {
    let (bob, carol, meter) = (&crowd()[1], &crowd()[2], &crowd()[3]);
    let members = [(bob.id(), ADMIN), (carol.id(), MEMBER), (meter.id(), MEMBER)];
    let all = [&bob.public, &carol.public, &meter.public];
    let body = Body { epoch: u64::MAX - 1, previous: [7; 32], ..Body::first(FROM_JOIN, &members) };
    let first = Craft::new(body.clone(), bob.sender(), &all).seal();
    let known = Known::of(&first, meter.reader(), bob.id());
    let (mut one, mut two, mut three) = ([0; 2048], [0; 2048], [0; 2048]);
    let mut reader = SingleEpoch::join(&first, &bob.public, &[meter.reader()], &mut one, &mut SystemRng).unwrap();
    // Bob's removal of Carol, on a branch that the server shows late.
    let roster = roster(&[(bob.id(), ADMIN), (meter.id(), MEMBER)]);
    let late = Body { epoch: u64::MAX, previous: [8; 32], roster, ..body };
    let late = Craft::new(late, bob.sender(), &[&bob.public, &meter.public]).with_previous(&[3; 32]).seal();
    let ahead = reader.follow(&late, &[meter.reader()], &directory(), &mut two, &mut SystemRng).map(|_| ());
    assert_eq!(ahead, Err(Error::Unconfirmed));
    let refresh = Craft::new(known.next(), carol.sender(), &all).with_previous(&known.secret).seal();
    let next = reader.follow(&refresh, &[meter.reader()], &directory(), &mut three, &mut SystemRng).map(|_| ());
    assert_eq!(next, Err(Error::Room { check: "ROOM-30" }));
}
