//! Packages, grants, messages, statements and states, against a live room and a reader of one epoch.

use crate::common::{Input, Rng, assert_state_is_stable, content_of, people, symmetric};
use sealroom::{
    ContentType, Draft, Envelope, Epoch, EpochKey, HeadStatement, HistoryPolicy, LeaveStatement, Limits, Locked, Role,
    Room, SingleEpoch, hazmat,
};
use std::sync::OnceLock;

/// A room of two as it is after a refresh, and what was made of it.
struct Made {
    state: Vec<u8>,
    packages: [Vec<u8>; 3],
    grant: Vec<u8>,
    message: Vec<u8>,
    leave: Vec<u8>,
    vouched: Vec<u8>,
    /// Of Bob's reader of one epoch, the room's last.
    key: EpochKey,
}

const NONCE: [u8; 32] = [9; 32];

/// As many bytes as the longest input.
const MEMORY: usize = 4096;

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let ([alice, bob, ..], rng) = (people(), &mut Rng(0));
        let (alice, bob) = (alice.first(), bob.first());
        let known = [alice.public(), bob.public()];
        let first =
            Room::create(&alice.sender(), &[(bob.public(), Role::Member)], HistoryPolicy::FromJoin, rng).unwrap();
        let mut room = Room::join(&first, alice.public(), &[alice.reader()], rng).unwrap().finish().unwrap();
        let refresh = |room: &Room, rng: &mut _| room.refresh().unwrap().seal(&alice.sender(), &known, rng).unwrap();
        let second = refresh(&room, rng);
        room.apply(&second, &[alice.reader()], &known, rng).unwrap();
        let message = room.seal(&Draft::new(b"content"), &alice.sender(), rng).unwrap();
        let zero = Epoch::new(0);
        let grant = room.grant_history(zero..=zero, &[bob.public()], &alice.sender(), rng).unwrap();
        let leave = room.leave(&alice.sender(), rng).unwrap().to_bytes();
        let vouched = room.vouch(&NONCE, &alice.sender(), rng).unwrap().to_bytes();
        let third = refresh(&room, rng);
        let state = hazmat::room_state(&room);
        let memory = &mut [[0; MEMORY]; 2];
        let [zero, one] = memory;
        let mut joined = SingleEpoch::join(&first, alice.public(), &[bob.reader()], zero, rng).unwrap();
        let key = joined.follow(&second, &[bob.reader()], &known, one, rng).unwrap().key();
        Made { state, packages: [first, second, third], grant, message, leave, vouched, key }
    })
}

/// What is in one of our own envelopes, with changes by the fuzzer, sealed again by somebody who may or may not.
fn sealed_again(envelope: &[u8], content_type: ContentType, who: u8, input: &mut Input<'_>) -> Vec<u8> {
    let [alice, bob, ..] = people();
    let locked = Locked::decode(envelope, &Limits::default()).unwrap();
    let mut content = content_of(envelope, &[alice.first().reader(), bob.first().reader()]).unwrap();
    input.edit(&mut content);
    let to = [alice.first().public().recipient(), bob.first().public().recipient()];
    let sender = if who & 1 == 0 { alice } else { bob }.first().sender();
    let builder = Envelope::to(&to).signed_by(sender).without_copy_for_me().public_data(locked.public_data());
    hazmat::seal_as(&builder, content_type, &content, &mut Rng(who.into())).unwrap()
}

/// Any bytes, changes to what is valid, and whatever a member puts into it. What is refused changes nothing, what is
/// taken can be stored and loaded, and a reader of one epoch takes what the room takes. [ROOM-06] [ROOM-21] [ROOM-23]
/// [ROOM-26] [ROOM-30] [RMSG-05]
pub fn room(bytes: &[u8]) {
    let input = &mut Input(bytes);
    let (kind, who, made) = (input.byte() % 8, input.byte(), made());
    let ([alice, bob, ..], rng) = (people(), &mut Rng(0));
    let (alice, bob) = (alice.first(), bob.first());
    let known = [alice.public(), bob.public()];
    let readers = [alice.reader()];
    let mut room = room_made();
    let package = &made.packages[usize::from(who >> 1) % made.packages.len()];
    let given = match kind {
        0 => input.0.to_vec(),
        1 | 2 => sealed_again(package, ContentType::RoomEpoch, who, input),
        3 => sealed_again(&made.grant, ContentType::HistoryGrant, who, input),
        4 => return statements(&mut room, input),
        form => {
            let mut given = [package, &made.grant, &made.message][usize::from(form) % 3].clone();
            input.edit(&mut given);
            given
        }
    };
    let by_nobody = kind == 0 || kind >= 5;
    let own = [&made.grant, &made.message].into_iter().chain(&made.packages).any(|own| *own == given);
    let mut attempt = |act: &mut dyn FnMut(&mut Room) -> bool| {
        let before = hazmat::room_state(&room);
        let taken = act(&mut room);
        assert!(taken || hazmat::room_state(&room) == before, "a call failed and changed the room");
        assert_state_is_stable(&room);
        taken
    };
    let opened = attempt(&mut |room| room.open(&given, b"", &known).is_ok());
    assert_eq!(opened, given == made.message);
    let granted = attempt(&mut |room| room.accept_grant(&given, bob.public(), &readers, rng).is_ok());
    assert!(!granted || !by_nobody, "a grant that Bob did not make");
    attempt(&mut |room| room.apply(&given, &readers, &known, rng).is_ok());
    let batch: Vec<&[u8]> = made.packages.iter().chain([&given]).map(|package| &package[..]).collect();
    attempt(&mut |room| room.catch_up(&batch, &readers, &known, rng).iter().any(Result::is_ok));
    if by_nobody && !own {
        assert_eq!(room.epochs().count(), 3, "an epoch that nobody made, or one that is kept back");
    }
    let id = *room.id();
    if let Ok(recovered) = Room::recover(&id, &batch, &readers, &known, rng) {
        assert_state_is_stable(&recovered.room);
    }
    let joined = Room::join(&given, alice.public(), &readers, rng);
    assert!(joined.is_err() || !by_nobody || own);
    if !given.is_empty() && given.len() <= MEMORY {
        one_epoch(&given, joined.and_then(|joining| joining.finish()).ok().as_ref());
    }
    assert!(Room::load(&given, &symmetric()).is_err());
    states(bytes);
}

fn room_made() -> Room {
    hazmat::room_of_state(&made().state).unwrap()
}

/// Bob's reader of one epoch is given what Alice's room is given: they take the same and hold the same afterwards. Hers
/// joins by what her room joins by. [ROOM-30]
fn one_epoch(given: &[u8], joined: Option<&Room>) {
    let ([alice, bob, ..], made, rng) = (people(), made(), &mut Rng(0));
    let (alice, bob) = (alice.first(), bob.first());
    let known = [alice.public(), bob.public()];
    let memory = &mut [[0; MEMORY]; 3];
    let [held, next, plain] = memory;
    let me = bob.public().fingerprint();
    let mut epoch = SingleEpoch::reopen(&made.packages[1], &made.key, me, held).unwrap();
    let before = (*epoch.transcript(), *epoch.me());

    let opened = epoch.open_into(given, b"", plain, &known).map(|opened| opened.content().to_vec());
    assert_eq!(opened.is_ok(), given == made.message);
    assert!(opened.is_ok() || *plain == [0; MEMORY], "a part of what was refused");

    let mut room = room_made();
    let applied = room.apply(given, &[alice.reader()], &known, rng).is_ok() && room.epoch() == Epoch::new(2);
    let is_in = |epoch: &SingleEpoch<'_>, who| epoch.roster().any(|member| member.fingerprint == who);
    let followed = epoch.follow(given, &[bob.reader()], &known, next, rng);
    if applied || followed.as_ref().is_ok_and(|next| is_in(next, *alice.public().fingerprint())) {
        let has_bob = room.roster().iter().any(|member| member.fingerprint == *me);
        match followed {
            Ok(next) => {
                assert!(applied && next.roster().eq(room.roster().iter().copied()));
                assert_eq!((next.transcript(), next.code()), (room.transcript(), room.code()));
            }
            Err(error) => assert!(!has_bob, "the room takes it, the reader of one epoch does not: {error:?}"),
        }
    }
    assert_eq!(before, (*epoch.transcript(), *epoch.me()));

    let alone = SingleEpoch::join(given, alice.public(), &[alice.reader()], next, rng);
    assert_eq!(alone.as_ref().map(|alone| *alone.transcript()).ok(), joined.map(|room| *room.transcript()));
    drop(alone);
    if let Ok(again) = epoch.join_again(given, alice.public(), &[bob.reader()], next, rng) {
        assert!(again.epoch() > epoch.epoch() && again.id() == epoch.id());
    }
}

/// A state that loads is stored as it was. [ROOM-26]
fn states(bytes: &[u8]) {
    let mut state = made().state.clone();
    Input(bytes).edit(&mut state);
    if let Ok(room) = hazmat::room_of_state(&state) {
        assert_eq!(hazmat::room_state(&room), state);
    }
}

/// Neither a leave statement nor one about a head is taken when it was changed, or says something else.
fn statements(room: &mut Room, input: &mut Input<'_>) {
    let (made, [alice, bob, ..]) = (made(), people());
    let (alice, bob) = (alice.first().public(), bob.first().public());
    let mut given = [&made.leave, &made.vouched][input.place(2)].clone();
    input.edit(&mut given);
    if let Ok(statement) = LeaveStatement::from_bytes(&given) {
        assert_eq!(room.check_leave(&statement, &[alice, bob]).is_ok(), given == made.leave);
    }
    if let Ok(statement) = HeadStatement::from_bytes(&given) {
        let mut nonce = NONCE;
        nonce[input.place(32)] ^= input.byte();
        assert_eq!(room.confirm(&statement, &nonce, alice).is_ok(), given == made.vouched && nonce == NONCE);
        assert!(room.confirm(&statement, &NONCE, bob).is_err());
    }
}
