//! Keys within what is opened, where nothing else of it is secret.
//!
//! All that is opened with a secret depends on it. To watch what becomes of the keys in it alone, it is opened with a key that is not
//! secret, from ciphertext that is poisoned where the keys are: counter mode makes each byte from its own. (AWS-LC adds the ciphertext
//! before the last round, so that memcheck sees 16 bytes depend on each of them. What follows is the same code with both backends.)

use crate::memcheck::poison;
use crate::rooms::{place_of, settled};
use crate::{Drawn, Public, depends, plain};
use sealroom::*;

/// What stands before a content that is padded: its length. SPEC §9.2
const PADDED: usize = 8;

/// Poisons 32 bytes of ciphertext, at a place in what was encrypted.
fn poison_at(sealed: &mut [u8], at: usize) {
    let start = sealed.len() - Locked::decode(sealed, &Limits::default()).unwrap().payload().len();
    poison(&mut sealed[start + at..][..32]);
}

/// The same, at the place that `place` gives for the content.
fn poison_within(sealed: &mut [u8], reader: Reader<'_>, place: impl Fn(&[u8]) -> usize) {
    let locked = Locked::decode(sealed, &Limits::default()).unwrap();
    let unlocked = locked.unlock(&[reader], &mut Public(Drawn(1))).unwrap();
    let (_, content) = hazmat::dek_and_content(unlocked, locked.payload()).unwrap();
    poison_at(sealed, place(&content));
}

fn secret_of(room: &Room) -> [u8; 32] {
    hazmat::epoch_keys(room, room.transcript()).unwrap().secret.unwrap()
}

fn joined(package: &[u8], inviter: &Identity, who: &Identity) -> Room {
    Room::join(package, inviter.public(), &[who.reader()], &mut Public(Drawn(2))).unwrap().finish().unwrap()
}

/// The secret of the epoch before.
#[inline(never)]
pub(crate) fn package() {
    let ([alice, bob], rng) = ([110, 111].map(plain), &mut Public(Drawn(112)));
    let people = [alice.public(), bob.public()];
    let members = [(bob.public(), Role::Member)];
    let first = Room::create(&alice.sender(), &members, HistoryPolicy::Shared, rng).unwrap();
    let mut room = joined(&first, &alice, &bob);
    let secret = secret_of(&room);
    let mut next = joined(&first, &alice, &alice).refresh().unwrap().seal(&alice.sender(), &people, rng).unwrap();
    poison_within(&mut next, bob.reader(), |content| place_of(content, &secret));
    assert!(matches!(room.apply(&next, &[bob.reader()], &people, rng), Ok(Applied::Head { .. })));
}

/// The key of an epoch's messages.
#[inline(never)]
pub(crate) fn grant() {
    let ([alice, bob], rng) = ([113, 114].map(plain), &mut Public(Drawn(115)));
    let people = [alice.public(), bob.public()];
    let first = Room::create(&alice.sender(), &[], HistoryPolicy::FromJoin, rng).unwrap();
    let mut alices = joined(&first, &alice, &alice);
    let key = hazmat::epoch_keys(&alices, alices.transcript()).unwrap().message_key;
    let added = alices.add(&[(bob.public(), Role::Member)]).unwrap().seal(&alice.sender(), &people, rng).unwrap();
    alices.apply(&added, &[alice.reader()], &people, rng).unwrap();
    let mut bobs = joined(&added, &alice, &bob);
    let past = Epoch::new(0)..=Epoch::new(0);
    let mut grant = alices.grant_history(past, &[bob.public()], &alice.sender(), rng).unwrap();
    poison_within(&mut grant, bob.reader(), |content| place_of(content, &key));
    assert_eq!(bobs.accept_grant(&grant, alice.public(), &[bob.reader()], rng), Ok(1));
}

/// A keyring with one room, what it is sealed under, and the secret of the room's epoch.
fn keyring(n: u8) -> (Keyring, SymmetricKey, Identity, Room) {
    let ([alice, bob], rng) = ([n, n + 1].map(plain), &mut Public(Drawn(116)));
    let members = [(alice.public(), Role::Admin)];
    let package = Room::create(&bob.sender(), &members, HistoryPolicy::FromJoin, rng).unwrap();
    let room = joined(&package, &bob, &alice);
    let mut keyring = Keyring::new(rng).unwrap();
    let _ = keyring.sight(b"bob@example.org", bob.public()).unwrap();
    keyring.record(&room).unwrap();
    (keyring, alice.keyring_key().unwrap(), alice, room)
}

fn room_again(keyring: Keyring, who: &Identity, room: &Room) {
    let back = keyring.room(room.id(), &[*who.public().fingerprint()], &mut Public(Drawn(117))).unwrap();
    // Which looks whether its key is secret.
    settled(back);
}

/// The secret of an epoch.
#[inline(never)]
pub(crate) fn segment() {
    let (mut keyring, key, alice, room) = keyring(118);
    let rng = &mut Public(Drawn(120));
    let mut segment = keyring.part(&key, rng).unwrap();
    poison_within(&mut segment, Reader::symmetric(&key), |content| PADDED + place_of(content, &secret_of(&room)));
    let mut other = Keyring::new(rng).unwrap();
    // What is held already, and it again.
    for _ in 0..2 {
        other.merge(&segment, &[&key], rng).unwrap();
    }
    room_again(other, &alice, &room);
}

/// The same in a device's own store.
#[inline(never)]
pub(crate) fn keyring_state() {
    let (keyring, key, alice, room) = keyring(121);
    let mut state = keyring.save(&key, &mut Public(Drawn(123))).unwrap();
    poison_within(&mut state, Reader::symmetric(&key), |content| PADDED + place_of(content, &secret_of(&room)));
    room_again(Keyring::load(&state, &key).unwrap(), &alice, &room);
}

/// What an answer repeats of the request, 32 bytes at its start; and a generation's secret, which the length of a list stands before.
#[inline(never)]
pub(crate) fn link() {
    let (alice, rng) = (plain(124), &mut Public(Drawn(125)));
    let key = alice.keyring_key().unwrap();
    let linking = Linking::new(rng).unwrap();
    let mut answer = linking.request().confirm().answer(&[&alice], &[], rng).unwrap();
    poison_at(&mut answer, PADDED);
    let mut stored = linking.open(&answer).unwrap().confirm().save(&key, rng).unwrap();
    poison_at(&mut stored, PADDED + 32 + 2);
    let loaded = LinkedIdentity::load(&stored, &key).unwrap();
    depends(loaded.current().keyring_key().unwrap().expose());
}
