//! Keyrings, recovery from words, devices that are linked, and proofs of requests.

use crate::memcheck::{poison, publish};
use crate::rooms::settled;
use crate::{Drawn, Public, depends, given_out, heap, person, secret, typed_words};
use sealroom::*;

const NOW: u64 = 1_800_000_000;

/// A room's keys in segments and in a device's own store: sealed, merged, loaded, and the room from them.
#[inline(never)]
pub(crate) fn keyring() {
    let [alice, bob] = [70, 71].map(person);
    let first = Room::create(&bob.sender(), &[(alice.public(), Role::Admin)], HistoryPolicy::FromJoin, &mut Drawn(72));
    let first = given_out(first.unwrap());
    let room = Room::join(&first, bob.public(), &[alice.reader()], &mut Drawn(73)).unwrap().finish().unwrap();
    let room = settled(room);
    let (key, store) = (alice.keyring_key().unwrap(), SymmetricKey::take(&mut secret(74)));

    let mut keyring = Keyring::new(&mut Public(Drawn(75))).unwrap();
    let _ = keyring.sight(b"bob@example.org", bob.public()).unwrap();
    keyring.record(&room).unwrap();
    let part = given_out(keyring.part(&key, &mut Drawn(76)).unwrap());
    let whole = given_out(keyring.whole(&key, &mut Drawn(77)).unwrap());
    let state = given_out(keyring.save(&store, &mut Drawn(78)).unwrap());

    let mut merged = Keyring::new(&mut Public(Drawn(79))).unwrap();
    for segment in [&part, &whole] {
        std::mem::forget(merged.merge(segment, &[&key], &mut Drawn(80)).unwrap());
    }
    assert!(merged.merge(&part, &[&store], &mut Drawn(80)).is_err());
    for keyring in [merged, Keyring::load(&state, &store).unwrap()] {
        let back = keyring.room(room.id(), &[*alice.public().fingerprint()], &mut Drawn(81)).unwrap();
        std::mem::forget((settled(back), keyring));
    }
}

/// An account with one room, from words that are typed.
#[inline(never)]
pub(crate) fn recovery() {
    let mut root = typed_words().root();
    // Words that were looked up are those of the list, and nothing marks them any more.
    poison(&mut root);
    let alice = root.identity(Profile::P256, 0, &mut Drawn(82)).unwrap();
    publish(alice.public());
    let bob = person(83);
    let people = [alice.public(), bob.public()];
    let first = Room::create(&bob.sender(), &[(alice.public(), Role::Admin)], HistoryPolicy::Shared, &mut Drawn(84));
    let first = given_out(first.unwrap());
    let room = Room::join(&first, bob.public(), &[alice.reader()], &mut Drawn(85)).unwrap().finish().unwrap();
    let room = settled(room);
    let mut keyring = Keyring::new(&mut Public(Drawn(86))).unwrap();
    let _ = keyring.sight(b"bob@example.org", bob.public()).unwrap();
    keyring.record(&room).unwrap();
    let segment = given_out(keyring.part(&alice.keyring_key().unwrap(), &mut Drawn(87)).unwrap());
    let next = given_out(room.refresh().unwrap().seal(&alice.sender(), &people, &mut Drawn(88)).unwrap());

    let mut recovery = Recovery::new(root, Profile::P256, &mut Drawn(89)).unwrap();
    let own = recovery.identities()[0].public();
    publish(own);
    let own = own.to_bytes();
    publish(&own[..]);
    heap::publish_copies(&own);
    while let Some(wanted) = recovery.wanted() {
        let blobs = match wanted {
            Wanted::Segments => vec![&segment],
            Wanted::Packages { .. } => vec![&first, &next],
            _ => vec![],
        };
        for blob in blobs {
            recovery.give(blob, &mut Drawn(90)).unwrap();
        }
        recovery.proceed(&mut Drawn(91)).unwrap();
    }
    let mut account = recovery.finish().unwrap();
    std::mem::forget(settled(account.rooms.pop().unwrap()));
    std::mem::forget(account);
}

/// A generation's secret on its way to another device, and in that one's store.
#[inline(never)]
pub(crate) fn link() {
    let (alice, store) = (person(92), SymmetricKey::take(&mut secret(93)));
    let linking = Linking::new(&mut Drawn(94)).unwrap();
    let shown = linking.request().to_bytes();
    // The key, but not what the answer repeats.
    publish(&shown[..72]);
    depends(&shown[72..]);
    let text = LinkRequest::from_bytes(&shown).unwrap().to_string();
    let request: LinkRequest = text.parse().unwrap();
    let answer = given_out(request.confirm().answer(&[&alice], &[], &mut Drawn(95)).unwrap());
    let linked = linking.open(&answer).unwrap().confirm();
    let stored = given_out(linked.save(&store, &mut Drawn(96)).unwrap());
    let loaded = LinkedIdentity::load(&stored, &store).unwrap();
    depends(loaded.current().keyring_key().unwrap().expose());
    std::mem::forget((linked, loaded));
}

/// A device's key, certified by an identity's, and used.
#[inline(never)]
pub(crate) fn proof() {
    let (alice, device) = (person(97), P256PrivateKey::generate(&mut Drawn(98)).unwrap());
    publish(device.public_key());
    let certificate =
        DeviceCertificate::issue(&alice.sender(), [1; 16], device.public_key(), NOW..NOW + 10, &mut Drawn(99));
    let certificate = given_out(certificate.unwrap().to_bytes());
    let certificate = DeviceCertificate::from_bytes(&certificate).unwrap();
    let request = Request::new(b"api.example.org", b"POST", b"/mail").body(b"content");
    let proof = RequestProof::sign(&request, &certificate, &device, NOW, &mut Drawn(100)).unwrap();
    let proof = RequestProof::from_bytes(&given_out(proof.to_bytes())).unwrap();
    proof.verify(&request, alice.public(), &Clock::at(NOW), &mut RememberedProofs::new(1)).unwrap();
}
