//! Recovery of an account from whatever a server gives.

use crate::common::{Input, Rng, assert_state_is_stable, content_of, directory, people, root, store};
use sealroom::{
    ContentType, Envelope, HistoryPolicy, Keyring, Limits, Locked, Missing, Profile, Reader, Recovery, Role, Room,
    RoomId, Standing, Transcript, Wanted, hazmat,
};
use std::sync::OnceLock;

/// Rounds that a recovery may take: it asks for transitions twice, and once for all else, for identities until none comes.
const ROUNDS: usize = 8;

/// All that an honest server has of Alice: she made a room with Bob and refreshed it, she changed her keys, he refreshed it.
struct Account {
    id: RoomId,
    transcripts: Vec<Transcript>,
    /// Transitions, segments, packages, identities.
    blobs: [Vec<Vec<u8>>; 4],
}

fn account() -> &'static Account {
    static ACCOUNT: OnceLock<Account> = OnceLock::new();
    ACCOUNT.get_or_init(|| {
        let ([alice, bob, ..], rng, known) = (people(), &mut Rng(4), directory());
        let [first, second] = &alice.generations;
        let key = second.keyring_key().unwrap();
        let bobs = [(bob.first().public(), Role::Admin)];
        let made = Room::create(&first.sender(), &bobs, HistoryPolicy::Shared, rng).unwrap();
        let [mut room, mut other] = [alice, bob]
            .map(|person| Room::join(&made, first.public(), &person.readers(), rng).unwrap().finish().unwrap());
        let mut keyring = Keyring::new(rng).unwrap();
        let mut packages = vec![made];
        let (mut segments, mut transcripts) = (Vec::new(), vec![*room.transcript()]);
        for epoch in 1..4 {
            let (change, sender) = match epoch {
                1 => (room.refresh(), first.sender()),
                2 => (room.replace(&alice.transition), second.sender()),
                _ => (other.refresh(), bob.first().sender()),
            };
            let package = change.unwrap().seal(&sender, &known, rng).unwrap();
            room.apply(&package, &alice.readers(), &known, rng).unwrap();
            other.apply(&package, &bob.readers(), &known, rng).unwrap();
            packages.push(package);
            transcripts.push(*room.transcript());
            if epoch < 3 {
                keyring.record(&room).unwrap();
                segments.push(keyring.part(&key, rng).unwrap());
            }
        }
        let transitions = vec![alice.transition.to_bytes().unwrap()];
        let identities = vec![bob.first().public().to_bytes()];
        Account { id: *room.id(), transcripts, blobs: [transitions, segments, packages, identities] }
    })
}

/// It ends; what is refused changes nothing; all rooms are unconfirmed and can be stored; and what comes from who has no key
/// keeps nothing of what is true from being recovered. [REC-01] [REC-03]
pub fn recovery(bytes: &[u8]) {
    let (input, account) = (&mut Input(bytes), account());
    let (all, rng) = (input.flag(), &mut Rng(input.byte().into()));
    let mut recovery = Recovery::new(root(0), Profile::P256, rng).unwrap();
    let mut only_strangers = true;
    for round in 0.. {
        let Some(wanted) = recovery.wanted() else { break };
        assert!(round < ROUNDS, "it goes on for ever");
        let own = match wanted {
            Wanted::Transition { .. } => 0,
            Wanted::Segments => 1,
            Wanted::Packages { .. } => 2,
            _ => 3,
        };
        let own = &account.blobs[own];
        let late = input.byte();
        for place in 0..late % 8 {
            let (blob, by_stranger) = given(input, rng);
            only_strangers &= by_stranger;
            give(&mut recovery, &blob, rng);
            // The true ones come between the others, in one order or the other.
            if all && place == 3 {
                own.iter().for_each(|blob| give(&mut recovery, blob, rng));
            }
        }
        if all {
            own.iter().rev().for_each(|blob| give(&mut recovery, blob, rng));
        }
        recovery.proceed(rng).unwrap();
    }
    let missing = recovery.missing();
    let _ = recovery.refused().count();
    let recovered = recovery.finish().unwrap();
    for room in &recovered.rooms {
        assert_ne!(room.standing(), Standing::Confirmed);
        assert_state_is_stable(room);
    }
    if all && only_strangers {
        assert_eq!(recovered.identities.len(), 2);
        let room = recovered.rooms.iter().find(|room| *room.id() == account.id).expect("the room comes back");
        let held: Vec<Transcript> = room.epochs().map(|(_, transcript, _)| *transcript).collect();
        assert_eq!(held, account.transcripts);
        assert_eq!(Some(room.transcript()), account.transcripts.last());
        let of_room = |missing: &Missing| matches!(missing, Missing::Epochs { room, .. } if *room == account.id);
        assert!(!missing.iter().any(of_room));
    }
}

fn give(recovery: &mut Recovery, blob: &[u8], rng: &mut Rng) {
    let before = (recovery.progress(), recovery.missing(), recovery.wanted());
    if recovery.give(blob, rng).is_err() {
        assert_eq!((recovery.progress(), recovery.missing(), recovery.wanted()), before);
    }
}

/// A blob, changed, and whether a stranger could make it.
fn given(input: &mut Input<'_>, rng: &mut Rng) -> (Vec<u8>, bool) {
    let kind = input.place(5);
    let Some(blobs) = account().blobs.get(kind) else { return (input.string().to_vec(), true) };
    let blob = blobs[input.place(blobs.len())].clone();
    if input.flag() {
        let mut changed = blob;
        input.edit(&mut changed);
        return (changed, true);
    }
    let again = match kind {
        1 => segment_again(&blob, input, rng),
        2 => package_again(&blob, input, rng),
        _ => None,
    };
    again.map_or((blob, true), |again| (again, false))
}

/// What somebody with the keyring key makes of a segment.
fn segment_again(segment: &[u8], input: &mut Input<'_>, rng: &mut Rng) -> Option<Vec<u8>> {
    let key = people()[0].generations[input.place(2)].keyring_key().unwrap();
    let latest = people()[0].generations[1].keyring_key().unwrap();
    let mut content = content_of(segment, &[Reader::symmetric(&latest)])?;
    input.edit(&mut content);
    Some(store(ContentType::Keyring, &content, &key, rng))
}

/// What somebody of the room makes of a package.
fn package_again(package: &[u8], input: &mut Input<'_>, rng: &mut Rng) -> Option<Vec<u8>> {
    let [alice, bob, ..] = people();
    let mut content = content_of(package, &bob.readers())?;
    input.edit(&mut content);
    let locked = Locked::decode(package, &Limits::default()).ok()?;
    let to = [&alice.generations[input.place(2)], bob.first()].map(|identity| identity.public().recipient());
    let who = [bob.first(), alice.first(), &alice.generations[1], people()[2].first()][input.place(4)];
    let envelope = Envelope::to(&to).signed_by(who.sender()).without_copy_for_me().public_data(locked.public_data());
    hazmat::seal_as(&envelope, ContentType::RoomEpoch, &content, rng).ok()
}
