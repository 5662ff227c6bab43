//! Histories that the model found, told by hand.

use crate::people::{Who, directory, readers};
use rand_core::SeedableRng;
use sealroom::*;

/// A device that stands on one branch keeps another as evidence, goes over to it and goes on, also where its person's
/// fingerprint was replaced there. [ROOM-14] [ROOM-18] [ROOM-20]
#[test]
fn keys_that_changed_on_the_other_branch() {
    let rng = &mut chacha20::ChaCha20Rng::seed_from_u64(1);
    let (alice, bob) = (Who::first(0), Who::first(1));
    let new = alice.next().unwrap();
    let package = Room::create(&alice.sender(), &[(bob.public(), Role::Admin)], HistoryPolicy::FromJoin, rng).unwrap();
    let keys = readers(&[alice, new]);
    let join = |rng: &mut _| Room::join(&package, alice.public(), &keys, rng).unwrap().finish().unwrap();
    let (mut phone, mut laptop) = (join(rng), join(rng));
    let mut bobs = Room::join(&package, alice.public(), &readers(&[bob]), rng).unwrap().finish().unwrap();

    // Bob refreshes while Alice's phone changes her keys; the laptop hears of Bob's first.
    let refreshed = bobs.refresh().unwrap().seal(&bob.sender(), directory(), rng).unwrap();
    let replaced = phone.replace(alice.transition().unwrap()).unwrap();
    let replaced = replaced.seal(&new.sender(), directory(), rng).unwrap();
    phone.apply(&replaced, &keys, directory(), rng).unwrap();
    bobs.apply(&replaced, &readers(&[bob]), directory(), rng).unwrap();
    laptop.apply(&refreshed, &keys, directory(), rng).unwrap();
    assert!(matches!(laptop.apply(&replaced, &keys, directory(), rng), Ok(Applied::Fork { kept: true, .. })));

    // Everyone else is on the other branch, and it goes on.
    let on = bobs.refresh().unwrap().seal(&bob.sender(), directory(), rng).unwrap();
    bobs.apply(&on, &readers(&[bob]), directory(), rng).unwrap();
    let message = bobs.seal(&Draft::new(b"where are you?"), &bob.sender(), rng).unwrap();
    assert_eq!(laptop.apply(&on, &keys, directory(), rng), Ok(Applied::Fork { author: bob.fingerprint(), kept: true }));
    assert!(laptop.open(&message, b"", directory()).is_ok());
    laptop.switch_to(bobs.transcript()).unwrap();
    assert_eq!((laptop.me(), laptop.transcript()), (&new.fingerprint(), bobs.transcript()));
}
