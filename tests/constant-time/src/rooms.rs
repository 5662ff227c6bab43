//! Packages of rooms, grants of their past, and readers of a single epoch.

use crate::memcheck::{self, bits, poison, publish};
use crate::{Drawn, Public, depends, given_out, heap, person, plain};
use sealroom::*;

/// The state of a room, of which nothing but the keys is secret; and what names its epochs.
#[inline(never)]
fn state_of(room: &Room) -> (Vec<u8>, Vec<Transcript>) {
    let mut state = hazmat::room_state(room);
    publish(&state);
    let poisoned = bits(&state);
    publish(&state[..]);
    let mut transcripts: Vec<Transcript> = room.epochs().map(|(_, transcript, _)| *transcript).collect();
    publish(&transcripts);
    publish(&transcripts[..]);
    transcripts.iter_mut().for_each(|transcript| {
        let keys = hazmat::epoch_keys(room, transcript).unwrap();
        let key = keys.secret.unwrap_or(keys.message_key);
        publish(&key);
        let at = place_of(&state, &key);
        assert!(poisoned[at..at + 32].iter().all(|bits| *bits == 0xff), "a key that was no secret");
        poison(&mut state[at..at + 32]);
    });
    (state, transcripts)
}

pub(crate) fn place_of(bytes: &[u8], key: &[u8]) -> usize {
    let mut places = bytes.windows(key.len()).enumerate().filter(|(_, window)| *window == key).map(|(at, _)| at);
    places.next().unwrap()
}

/// The room again, of which nothing but its keys is secret: not its people, and not what names its epochs.
pub(crate) fn settled(mut room: Room) -> Room {
    settle(&mut room);
    room
}

fn settle(room: &mut Room) {
    let (state, transcripts) = state_of(room);
    // How long the old one's lists are may have come from what was opened.
    std::mem::forget(std::mem::replace(room, hazmat::room_of_state(&state).unwrap()));
    transcripts.iter().for_each(|transcript| heap::publish_copies(transcript.as_bytes()));
    publish(room);
}

fn join(package: &[u8], inviter: &Identity, who: &Identity) -> Joining {
    Room::join(package, inviter.public(), &[who.reader()], &mut Drawn(44)).unwrap()
}

/// Made and joined; changed by an admin, and followed by that admin and a member; joined with what came before.
#[inline(never)]
pub(crate) fn packages() {
    let [alice, bob, carol] = [40, 41, 42].map(person);
    let people = [alice.public(), bob.public(), carol.public()];
    for policy in [HistoryPolicy::FromJoin, HistoryPolicy::Shared] {
        let members = [(bob.public(), Role::Member)];
        let first = given_out(Room::create(&alice.sender(), &members, policy, &mut Drawn(43)).unwrap());
        let mut rooms = [&alice, &bob].map(|who| settled(join(&first, &alice, who).finish().unwrap()));
        let mut changed = |change: &dyn Fn(&Room) -> Result<Change, Error>| {
            let package = given_out(change(&rooms[0]).unwrap().seal(&alice.sender(), &people, &mut Drawn(45)).unwrap());
            for (room, who) in rooms.iter_mut().zip([&alice, &bob]) {
                let applied = room.apply(&package, &[who.reader()], &people, &mut Drawn(46));
                assert!(matches!(applied, Ok(Applied::Head { .. })));
                settle(room);
            }
            package
        };
        let added = changed(&|room| room.add(&[(carol.public(), Role::Member)]));
        let mut carols = join(&added, &alice, &carol);
        if policy == HistoryPolicy::Shared {
            carols.past(&first, &people).unwrap();
        }
        std::mem::forget(settled(carols.finish().unwrap()));
        changed(&Room::refresh);
        changed(&|room| room.remove(&[*carol.public().fingerprint()]));
    }
}

/// Joined with what a key that is elsewhere answered.
#[inline(never)]
pub(crate) fn package_answered() {
    let [alice, bob] = [47, 48].map(plain);
    let rng = &mut Public(Drawn(49));
    let members = [(bob.public(), Role::Member)];
    let package = Room::create(&alice.sender(), &members, HistoryPolicy::FromJoin, rng).unwrap();
    let locked = Locked::decode(&package, &Limits::default()).unwrap();
    let me = bob.public().recipient();
    let Some(Operation::Agree { peer }) = locked.operation(&me) else { panic!() };
    let [encryption, _] = hazmat::identity_keys(&bob).unwrap();
    let key = P256PrivateKey::from_pkcs8_der(encryption.expose()).unwrap();
    let mut shared = Agreed(key.agree(&P256PublicKey::from_bytes(peer).unwrap()).unwrap());
    poison(&mut shared);
    let unlocked = locked.answer_agree(&me, &shared.0).unwrap();
    let joining = Room::join_unlocked(&package, unlocked, alice.public(), bob.public().fingerprint(), rng).unwrap();
    std::mem::forget(settled(joining.finish().unwrap()));
}

/// Whose bytes are nothing but the secret.
struct Agreed(SharedSecret);

/// The past given to who joined without it.
#[inline(never)]
pub(crate) fn grant() {
    let [alice, bob] = [50, 51].map(person);
    let people = [alice.public(), bob.public()];
    let first = given_out(Room::create(&alice.sender(), &[], HistoryPolicy::FromJoin, &mut Drawn(52)).unwrap());
    let mut alices = settled(join(&first, &alice, &alice).finish().unwrap());
    let added = alices.add(&[(bob.public(), Role::Member)]).unwrap().seal(&alice.sender(), &people, &mut Drawn(53));
    let added = given_out(added.unwrap());
    alices.apply(&added, &[alice.reader()], &people, &mut Drawn(54)).unwrap();
    let alices = settled(alices);
    let mut bobs = settled(join(&added, &alice, &bob).finish().unwrap());
    let past = Epoch::new(0)..=Epoch::new(0);
    let grant = given_out(alices.grant_history(past, &[bob.public()], &alice.sender(), &mut Drawn(55)).unwrap());
    assert_eq!(bobs.accept_grant(&grant, alice.public(), &[bob.reader()], &mut Drawn(56)), Ok(1));
    std::mem::forget(settled(bobs));
}

/// A reader of one epoch: joined, followed, opened again; its messages.
#[inline(never)]
pub(crate) fn single_epoch() {
    let [alice, bob] = [57, 58].map(person);
    let people = [alice.public(), bob.public()];
    let members = [(bob.public(), Role::Member)];
    let first = given_out(Room::create(&alice.sender(), &members, HistoryPolicy::FromJoin, &mut Drawn(59)).unwrap());
    let mut alices = settled(join(&first, &alice, &alice).finish().unwrap());
    let next = given_out(alices.refresh().unwrap().seal(&alice.sender(), &people, &mut Drawn(60)).unwrap());
    alices.apply(&next, &[alice.reader()], &people, &mut Drawn(61)).unwrap();
    let mut alices = settled(alices);

    let mut memory = [[0; 1024]; 3];
    let lent = memcheck::place(&memory);
    let [one, two, three] = &mut memory;
    let mut joined = SingleEpoch::join(&first, alice.public(), &[bob.reader()], one, &mut Drawn(62)).unwrap();
    memcheck::publish_at(lent);
    let followed = joined.follow(&next, &[bob.reader()], &people, two, &mut Drawn(63)).unwrap();
    memcheck::publish_at(lent);
    let mut key = *followed.key().expose();
    depends(&key[..32]);
    publish(&key[32..]);
    let key = EpochKey::take(&mut key);
    let again = SingleEpoch::reopen(&next, &key, bob.public().fingerprint(), three).unwrap();
    memcheck::publish_at(lent);
    let (mut sealed, draft) = ([0; 512], Draft::new(&[7; 100]));
    let device = DeviceId::from_bytes([7; 8]);
    let len = again.seal_into(&draft, device, 0, &bob.sender(), &mut sealed, &mut Drawn(64)).unwrap();
    publish(&len);
    let message = given_out(&sealed[..len]);
    depends(alices.open(message, b"", &people).unwrap().content());
    let mut out = [0; 512];
    let opened = followed.open_into(message, b"", &mut out, &people);
    publish(&opened);
    depends(opened.unwrap().content());
}
