//! Attacks on people: on their keyrings, recoveries, devices and proofs. SPEC §20 to §23.

use crate::common::Choices;
use crate::common::hand::vector;
use crate::common::keyrings::*;
use crate::common::rooms::*;
use crate::common::{generation, outsider, person};
use cpu_time::ThreadTime;
use p256::ecdsa::signature::hazmat::RandomizedPrehashSigner;
use p256::pkcs8::EncodePrivateKey;
use sealroom::*;
use std::time::Duration;

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;

fn public(n: usize) -> &'static PublicIdentity {
    &crowd()[n].public
}

fn fingerprint(n: usize) -> Fingerprint {
    *public(n).fingerprint()
}

/// A server that keeps back one identity and gives another one again does not keep a recovery going. [REC-01]
#[test]
fn an_identity_that_came_is_not_asked_for_again_and_again() {
    let rng = &mut SystemRng;
    let (bob, carol, me) = (&crowd()[BOB], &crowd()[CAROL], me());
    let packages = [bob, carol]
        .map(|by| Room::create(&by.sender(), &[(me.public(), Role::Member)], HistoryPolicy::Shared, rng).unwrap());
    let mut recovery = Recovery::new(words(), Profile::P256, rng).unwrap();
    let mut asked = 0;
    while let Some(wanted) = recovery.wanted() {
        match wanted {
            Wanted::Packages { .. } => packages.iter().for_each(|package| recovery.give(package, rng).unwrap()),
            // Carol's never comes.
            Wanted::Identities { .. } => {
                let _ = recovery.give(&bob.public.to_bytes(), rng);
                asked += 1;
            }
            _ => {}
        }
        recovery.proceed(rng).unwrap();
        assert!(asked < 10, "it asks for ever");
    }
    assert_eq!(recovery.missing().len(), 2);
}

/// A segment that is kept back does not keep packages from being used which would be used without a keyring. [REC-01]
#[test]
fn a_segment_that_is_missing_takes_no_package_with_it() {
    for history in [HistoryPolicy::FromJoin, HistoryPolicy::Shared] {
        let past = past(history, 4, false);
        let mut phone = keyring();
        phone.record(past.room(1)).unwrap();
        part(&mut phone);
        phone.record(past.room(2)).unwrap();
        let second = part(&mut phone);
        let mut without = recover(&[], &past.packages, false).finish().unwrap();
        assert_eq!(reads(&mut without, &past), [true; 4]);
        let recovery = recover(&[second], &past.packages, false);
        let mut with = recovery.finish().unwrap();
        assert_eq!(reads(&mut with, &past), [true; 4], "{history:?}");
    }
}

/// What a phone wrote, which has applied the package of epoch 2, and then a tablet, which gets packages later and has applied
/// the one before.
fn one_lags(past: &Past) -> [Vec<u8>; 2] {
    let (mut phone, mut tablet) = (keyring(), keyring());
    phone.record(past.room(2)).unwrap();
    let by_phone = part(&mut phone);
    merge(&mut tablet, &by_phone);
    tablet.record(past.room(1)).unwrap();
    [by_phone, part(&mut tablet)]
}

/// A device that has not applied the latest package yet does not hold a recovered room back to where it is. [REC-01] [KRG-08]
#[test]
fn a_device_that_lags_holds_no_room_back() {
    let past = past(HistoryPolicy::FromJoin, 4, false);
    let recovery = recover(&one_lags(&past), &past.packages, false);
    assert_eq!(recovery.refused().count(), 0);
    let account = recovery.finish().unwrap();
    assert_eq!(account.rooms[0].epoch(), Epoch::new(3));
}

/// The same, where nothing came after: what is held is not left aside, as a head that lets people read who were removed.
#[test]
fn a_device_that_lags_brings_nobody_back() {
    let past = past(HistoryPolicy::FromJoin, 3, false);
    let account = recover(&one_lags(&past), &past.packages, false).finish().unwrap();
    let room = &account.rooms[0];
    assert_eq!((room.epoch(), *room.transcript()), (Epoch::new(2), *past.room(2).transcript()));
}

/// What a thief of an old generation's keyring key put in does not keep the rest from being recovered. [REC-01]
#[test]
fn a_register_at_its_last_clock_takes_nothing_with_it() {
    let past = past(HistoryPolicy::FromJoin, 2, false);
    let last = by_hand(1, 1, &[register(1, past.room(0).id().as_bytes(), u64::MAX, 1, &[7; 32])]);
    let recovery = recover(&[last], &past.packages, false);
    assert_eq!(recovery.progress().rooms, 1);
    let account = recovery.finish();
    assert!(account.is_ok_and(|account| account.rooms.len() == 1));
}

/// A revision that a thief writes in a device's name does not keep that device from writing.
#[test]
fn a_revision_that_is_the_last_stops_no_device() {
    let mut phone = keyring();
    let sealed = part(&mut phone);
    let (key, rng) = (key(), &mut SystemRng);
    let locked = Locked::decode(&sealed, &Limits::default()).unwrap();
    let unlocked = locked.unlock(&[Reader::symmetric(&key)], rng).unwrap();
    let mut content = hazmat::dek_and_content(unlocked, locked.payload()).unwrap().1;
    content[8..16].copy_from_slice(&u64::MAX.to_be_bytes());
    let to = [Recipient::symmetric(&key)];
    let envelope = Envelope::to(&to).padding(Padding::Padme);
    let forged = hazmat::seal_as(&envelope, ContentType::Keyring, &content, rng).unwrap();
    let _ = phone.merge(&forged, &[&key], &mut SystemRng);
    assert!(phone.part(&key, rng).is_ok());
}

/// A room that the keyring names, and that does not come back, is named. [REC-01] [REC-03]
#[test]
fn a_room_whose_head_is_not_kept_is_named() {
    let past = past(HistoryPolicy::FromJoin, 3, false);
    let id = *past.room(0).id();
    let (mut phone, mut tablet) = (keyring(), keyring());
    phone.record(past.room(1)).unwrap();
    let first = part(&mut phone);
    phone.record(past.room(2)).unwrap();
    let second = part(&mut phone);
    // The tablet was behind, and is where the phone is: it writes which head there is, and no epoch.
    merge(&mut tablet, &first);
    tablet.record(past.room(0)).unwrap();
    merge(&mut tablet, &second);
    tablet.record(past.room(2)).unwrap();
    let third = part(&mut tablet);
    let named = |recovery: &Recovery| {
        recovery
            .missing()
            .iter()
            .any(|missing| matches!(missing, Missing::Room(room) | Missing::Epochs { room, .. } if *room == id))
    };
    // The server keeps the second segment back, and all packages.
    let recovery = recover(&[first, third], &[], false);
    assert!(recovery.progress().rooms > 0 || named(&recovery), "{:?}", recovery.missing());
}

/// A contact whose key is another one after merging is told of. The server is who gave the other one, to a device from which
/// it kept the keyring. [KRG-05] [KRG-07] [KRG-11]
#[test]
fn merging_replaces_no_contact_silently() {
    let (mut phone, mut tablet) = (keyring(), keyring());
    assert_eq!(phone.sight(b"bob", public(BOB)), Ok(Sighting::First));
    phone.set_verified(&fingerprint(BOB), true).unwrap();
    let by_phone = part(&mut phone);
    // The server's own words, and as many transitions as it likes.
    let mallory = Root::from_bip39_seed(&[66; 64]);
    let [first, second] = [0, 1].map(|n| mallory.identity(Profile::P256, n, &mut SystemRng).unwrap());
    let transition = mallory.succeed(&first, &second, &mut SystemRng).unwrap();
    assert_eq!(tablet.sight(b"bob", first.public()), Ok(Sighting::First));
    tablet.follow(&transition).unwrap();
    assert!(matches!(tablet.sight(b"bob", second.public()), Ok(Sighting::Succeeded { .. })));
    let by_tablet = part(&mut tablet);
    // The tablet wrote more often, so its pin stands; the phone is told, and the user says who it is.
    let merged = merge(&mut phone, &by_tablet);
    assert_eq!(merged.changed_contacts(), [b"bob".to_vec()]);
    assert!(!phone.contact(b"bob").unwrap().verified);
    assert_eq!(merge(&mut phone, &by_tablet).changed_contacts(), [] as [Vec<u8>; 0]);
    phone.pin(b"bob", public(BOB)).unwrap();
    assert!(phone.contact(b"bob").unwrap().verified);
    // And so is the tablet, when the phone's comes.
    merge(&mut tablet, &by_phone);
    assert_eq!(merge(&mut tablet, &part(&mut phone)).changed_contacts(), [b"bob".to_vec()]);
    assert_eq!(tablet.contact(b"bob").unwrap().identity, public(BOB));
}

/// A server's identity for a name does not settle what two devices wrote of it. [KRG-05] [KRG-07]
#[test]
fn a_sighting_settles_no_conflict() {
    let (bob, carol) = (crowd()[BOB].id(), crowd()[CAROL].id());
    let mallory = person(66);
    let named = [Conflict::Contact(b"x".to_vec())];
    // One device pinned Carol, another gave her up at the same time.
    let mut one = keyring();
    one.know(public(CAROL)).unwrap();
    merge(&mut one, &by_hand(1, 1, &[register(3, b"x", 2, 1, &carol), register(3, b"x", 2, 2, &[])]));
    assert_eq!(one.conflicts(), named);
    let seen = one.sight(b"x", mallory.public()).unwrap();
    assert!(one.conflicts() == named, "{seen:?}, and the conflict is gone");
    // One pinned Bob, another somebody who then makes a transition.
    let ([old, new], root) = ([0, 1].map(|n| generation(66, n)), Root::from_bip39_seed(&[66; 64]));
    let transition = root.succeed(&old, &new, &mut SystemRng).unwrap();
    let mut one = keyring();
    one.know(public(BOB)).unwrap();
    one.know(old.public()).unwrap();
    one.follow(&transition).unwrap();
    let entries = [register(3, b"x", 2, 1, &bob), register(3, b"x", 2, 2, old.public().fingerprint().as_bytes())];
    merge(&mut one, &by_hand(1, 1, &entries));
    assert_eq!(one.conflicts(), named);
    let seen = one.sight(b"x", new.public()).unwrap();
    assert!(one.conflicts() == named, "{seen:?}, and the conflict is gone");
}

/// A contact who is pinned by what another device wrote is there once the identity was seen.
#[test]
fn a_contact_is_there_once_seen() {
    let mut one = keyring();
    // The part with the identity is kept back, the one with the pin is not.
    merge(&mut one, &by_hand(1, 2, &[register(3, b"bob", 1, 1, &crowd()[BOB].id())]));
    assert!(one.contact(b"bob").is_none());
    assert_eq!(one.sight(b"bob", public(BOB)), Ok(Sighting::Known));
    assert!(one.contact(b"bob").is_some());
}

/// A contact who signs the same transitions several times does not make a look at them take longer than their number. [KRG-07]
#[test]
fn copies_of_transitions_are_looked_at_once() {
    // Of one device none takes a second one.
    let mut devices = [keyring(), keyring()];
    let secret = |n: u8| p256::SecretKey::from_slice(&[n; 32]).unwrap();
    let ours = |n: u8| P256PrivateKey::from_pkcs8_der(secret(n).to_pkcs8_der().unwrap().as_bytes()).unwrap();
    let identity = |n: u8| {
        let keys = [3 * n + 1, 3 * n + 2, 3 * n + 6].map(ours);
        let publics = keys.each_ref().map(|key| key.public_key().clone());
        let [encryption, signing, rotation] = publics;
        let unsigned = UnsignedIdentity::p256(u32::from(n), encryption, signing, &rotation).unwrap();
        unsigned.sign(&keys[1], &mut SystemRng).unwrap()
    };
    let sign = |n: u8, digest: &[u8; 32]| -> Vec<u8> {
        let key = p256::ecdsa::SigningKey::from(secret(n));
        let signature: p256::ecdsa::Signature = key.sign_prehash_with_rng(&mut SystemRng, digest).unwrap();
        signature.normalize_s().to_bytes().to_vec()
    };
    devices[0].pin(b"x", &identity(0)).unwrap();
    devices[1].know(&identity(0)).unwrap();
    let generations = 13_u8;
    for n in 0..generations {
        for one in &mut devices {
            let rotation = 3 * n + 6;
            let unsigned =
                UnsignedTransition::new(&identity(n), &identity(n + 1), ours(rotation).public_key()).unwrap();
            let [first, second] = unsigned.digests().unwrap();
            let transition = unsigned.complete(&sign(3 * n + 2, &first), &sign(rotation, &second)).unwrap();
            one.follow(&transition).unwrap();
        }
    }
    let [mut one, mut other] = devices;
    merge(&mut one, &part(&mut other));
    let steps = hazmat::keyring_entries(&one).windows(7).filter(|bytes| bytes == b"SLRM\x00\x01\x21").count();
    assert_eq!(steps, 2 * usize::from(generations));
    let pinned = *identity(0).fingerprint();
    let start = ThreadTime::now();
    assert_eq!(one.sight(b"x", public(BOB)), Ok(Sighting::Changed { pinned }));
    // 26 checks, and not 2^14.
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
}

/// Many values of one register take time by their number, and not by its square.
#[test]
fn many_values_of_a_register_take_linear_time() {
    let entries: Vec<_> = (0..16_000_u32).map(|n| register(99, b"x", 1, 1, &n.to_be_bytes())).collect();
    let (segment, mut one, start) = (by_hand(1, 1, &entries), keyring(), ThreadTime::now());
    merge(&mut one, &segment);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

/// The next generation is not sealed to a key of this one, whoever asks for it. [LNK-05]
#[test]
fn an_answer_goes_to_no_key_of_a_generation() {
    let (rng, root) = (&mut SystemRng, words());
    let [old, new] = [0, 1].map(|n| root.identity(Profile::P256, n, &mut SystemRng).unwrap());
    let transition = root.succeed(&old, &new, rng).unwrap();
    let stolen = P256PrivateKey::from_pkcs8_der(hazmat::identity_keys(&old).unwrap()[0].expose()).unwrap();
    let mut request = Linking::new(rng).unwrap().request().to_bytes();
    request[7..72].copy_from_slice(stolen.public_key().as_bytes());
    let confirmed = LinkRequest::from_bytes(&request).unwrap().confirm();
    assert!(confirmed.answer(&[&old, &new], &[transition], rng).is_err());
}

/// A proof is remembered up to the end of time.
#[test]
fn no_proof_is_taken_twice_at_the_end_of_time() {
    let rng = &mut SystemRng;
    let (me, device) = (me(), outsider(9).signing);
    let certificate = DeviceCertificate::issue(&me.sender(), [1; 16], device.public_key(), 0..u64::MAX, rng).unwrap();
    let request = Request::new(b"a", b"GET", b"/");
    for now in [u64::MAX - 61, u64::MAX - 60, u64::MAX - 1, u64::MAX] {
        let clock = Clock::at(now);
        let proof = RequestProof::sign(&request, &certificate, &device, now, rng).unwrap();
        let mut seen = RememberedProofs::new(1);
        let first = proof.verify(&request, me.public(), &clock, &mut seen).is_ok();
        let second = proof.verify(&request, me.public(), &clock, &mut seen).is_ok();
        assert!(!(first && second), "{now}");
    }
}

/// Every text form has one encoding, whatever is changed in it. [TXT-02]
#[test]
fn text_has_one_form() {
    let rng = &mut SystemRng;
    let (me, device) = (me(), outsider(9).signing);
    let certificate = DeviceCertificate::issue(&me.sender(), [1; 16], device.public_key(), 0..9, rng).unwrap();
    let proof = RequestProof::sign(&Request::new(b"a", b"GET", b"/"), &certificate, &device, 5, rng).unwrap();
    let link = Linking::new(rng).unwrap().request();
    let (proof_text, link_text) = (proof.to_string(), link.to_string());
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= \n\t.~";
    let changed = |text: &str, place: usize, with: char| {
        let mut chars: Vec<char> = text.chars().collect();
        chars[place] = with;
        chars.into_iter().collect::<String>()
    };
    for place in 0..proof_text.len() {
        for with in alphabet.chars().filter(|with| !proof_text[place..].starts_with(*with)) {
            let other = changed(&proof_text, place, with).parse::<RequestProof>();
            assert!(other.is_err() || other.unwrap().to_bytes() != proof.to_bytes());
        }
    }
    for place in 0..link_text.len() {
        for with in alphabet.chars().filter(|with| !link_text[place..].starts_with(*with)) {
            let other = changed(&link_text, place, with).parse::<LinkRequest>();
            assert!(other.is_err() || other.unwrap().to_bytes() != link.to_bytes());
        }
    }
}

/// Proofs are refused for more than twice the tolerance by a server that lost what it remembered: it may have taken some whose
/// time was a tolerance ahead. [PRF-05]
#[test]
fn a_restart_takes_more_than_twice_the_tolerance() {
    let rng = &mut SystemRng;
    let (me, device) = (me(), outsider(9).signing);
    let certificate = DeviceCertificate::issue(&me.sender(), [1; 16], device.public_key(), 0..9999, rng).unwrap();
    let request = Request::new(b"a", b"GET", b"/");
    let proof = RequestProof::sign(&request, &certificate, &device, 1060, rng).unwrap();
    let taken =
        |now: u64, seen: &mut RememberedProofs| proof.verify(&request, me.public(), &Clock::at(now), seen).is_ok();
    assert!(taken(1000, &mut RememberedProofs::new(9)));
    // Started again in the same second.
    assert!(taken(1000 + 120, &mut RememberedProofs::new(9)));
    assert!(!taken(1000 + 121, &mut RememberedProofs::new(9)));
}

/// A device that was restored and goes on writes a revision again: what is in the second one is neither lost nor is that
/// unnoticed, where others saw the first. [KRG-06]
#[test]
fn a_restored_device_loses_nothing_unnoticed() {
    let mut phone = keyring();
    phone.pin(b"first", public(ALICE)).unwrap();
    let first = part(&mut phone);
    let stored = phone.save(&key(), &mut SystemRng).unwrap();
    phone.pin(b"second", public(BOB)).unwrap();
    let second = part(&mut phone);
    // It merges what is there before it writes, and goes on as another device. [KRG-10]
    let mut phone = Keyring::load(&stored, &key()).unwrap();
    merge(&mut phone, &second);
    phone.pin(b"again", public(CAROL)).unwrap();
    let again = part(&mut phone);
    // The tablet saw the first of them. What its whole one covers the server may drop.
    let mut tablet = keyring();
    merge(&mut tablet, &first);
    merge(&mut tablet, &second);
    let whole = tablet.whole(&key(), &mut SystemRng).unwrap();
    let mut new = keyring();
    let covers = [merge(&mut new, &whole), merge(&mut new, &again)];
    assert!(new.contact(b"again").is_some() && new.contact(b"second").is_some());
    assert!(new.lacking(&covers).is_empty());
    assert!(!new.lacking(&covers[..1]).is_empty());
    // Nor is a device that saw both told of one that is kept back.
    let mut both = keyring();
    let given = [&first, &second, &again].map(|segment| merge(&mut both, segment));
    assert!(!both.lacking(&given[..2]).is_empty());
}

/// Identities that come one after the other bring back what they would together. [REC-01]
#[test]
fn identities_may_come_one_by_one() {
    let (bob, carol, me, rng) = (&crowd()[BOB], &crowd()[CAROL], me(), &mut SystemRng);
    let people = [bob.public.clone(), carol.public.clone(), me.public().clone()].to_vec();
    let to = [(&carol.public, Role::Admin), (me.public(), Role::Admin)];
    let package = Room::create(&bob.sender(), &to, HistoryPolicy::FromJoin, rng).unwrap();
    let join =
        |reader, rng: &mut SystemRng| Room::join(&package, &bob.public, &[reader], rng).unwrap().finish().unwrap();
    let (mine, mut bobs, mut carols) = (join(me.reader(), rng), join(bob.reader(), rng), join(carol.reader(), rng));
    let mut phone = keyring();
    phone.record(&mine).unwrap();
    let segment = part(&mut phone);
    let mut packages = vec![package.clone()];
    for by in [carol, bob] {
        let room = if by.public == carol.public { &carols } else { &bobs };
        let package = room.refresh().unwrap().seal(&by.sender(), &people, rng).unwrap();
        bobs.apply(&package, &[bob.reader()], &people, rng).unwrap();
        carols.apply(&package, &[carol.reader()], &people, rng).unwrap();
        packages.push(package);
    }
    let mut recovery = Recovery::new(words(), Profile::P256, rng).unwrap();
    let mut order = [bob, carol].into_iter();
    while let Some(wanted) = recovery.wanted() {
        match wanted {
            Wanted::Segments => recovery.give(&segment, rng).unwrap(),
            Wanted::Packages { .. } => packages.iter().for_each(|package| recovery.give(package, rng).unwrap()),
            Wanted::Identities { of } => {
                let next = order.next().unwrap();
                assert!(of.contains(next.public.fingerprint()), "{of:?}");
                recovery.give(&next.public.to_bytes(), rng).unwrap();
            }
            _ => {}
        }
        recovery.proceed(rng).unwrap();
    }
    assert_eq!(recovery.missing(), []);
    let account = recovery.finish().unwrap();
    assert_eq!(account.rooms[0].transcript(), bobs.transcript());
}

/// A device that was given another room's epochs or heads under a room's id puts no room together from them, and what merging
/// the same segments gives knows no order, also of keys of one epoch, of unknown kinds, and of equal clocks. [KRG-04]
#[test]
fn nothing_knows_an_order() {
    let past = past(HistoryPolicy::FromJoin, 3, false);
    let known = Known::of(&past.packages[2], me().reader(), crowd()[BOB].id());
    let kept = |kind: u8, key: [u8; 32]| {
        (1, [&known.body.encode()[..], &known.signer, &known.commitment, &[kind], &key].concat())
    };
    let id = known.body.room_id();
    let mut phone = keyring();
    phone.record(past.room(2)).unwrap();
    let transition = successor(&crowd()[BOB], 40).1;
    let segments = [
        part(&mut phone),
        by_hand(1, 1, &[kept(2, [9; 32]), register(1, &id, 2, 1, &known.transcript())]),
        by_hand(1, 2, &[kept(1, [0; 32]), kept(1, [0xfe; 32])]),
        by_hand(2, 1, &[register(1, &id, 2, 2, &[3; 32]), register(1, &id, 2, 2, &known.transcript())]),
        by_hand(2, 2, &[register(9, b"", 1, 2, b""), register(9, b"", 1, 2, b"\0"), register(9, b"\0", 1, 2, b"")]),
        by_hand(3, 1, &[register(9, b"", 1, 3, b"x"), (9, vec![]), (9, vec![0]), (255, vec![1; 20_000])]),
        by_hand(3, 2, &[(2, public(BOB).to_bytes()), (3, transition.to_bytes().unwrap())]),
        phone.whole(&key(), &mut SystemRng).unwrap(),
    ];
    let mut seen = None;
    let mut choices = Choices(1);
    for _ in 0..40 {
        let mut one = keyring();
        let mut order: Vec<usize> = (0..segments.len()).chain([0, 3, 5]).collect();
        choices.shuffle(&mut order);
        let covers: Vec<Merged> = order.iter().map(|n| merge(&mut one, &segments[*n])).collect();
        assert_eq!(one.lacking(&covers), []);
        let rooms: Vec<_> = one.rooms().copied().collect();
        let room = one.room(&rooms[0], &[*me().public().fingerprint()], &mut SystemRng).map(|room| {
            let epochs: Vec<_> = room.epochs().map(|(epoch, transcript, _)| (epoch, *transcript)).collect();
            let keys = hazmat::epoch_keys(&room, room.transcript());
            (*room.transcript(), epochs, keys, room.standing())
        });
        let mine = (hazmat::keyring_entries(&one), one.conflicts(), rooms, room);
        assert_eq!(seen.get_or_insert(mine.clone()), &mine);
        let stored = one.save(&key(), &mut SystemRng).unwrap();
        let loaded = Keyring::load(&stored, &key()).unwrap();
        assert_eq!(hazmat::keyring_entries(&loaded), hazmat::keyring_entries(&one));
        assert_eq!((loaded.conflicts(), loaded.lacking(&[])), (one.conflicts(), one.lacking(&[])));
    }
}

/// A thief of an old generation, with the server, knows all that the author signed of the epoch which locked the thief out, but
/// not its secret. With one that the thief makes up it is another epoch. SPEC §1, §15.13, §22.4
#[test]
fn a_thief_gives_no_secret_to_an_epoch_of_others() {
    assert!(!a_thief_reads(false));
}

/// Nor where the server gives nothing but what the thief made.
#[test]
fn a_thief_gives_no_secret_to_an_epoch_that_nobody_gives() {
    assert!(!a_thief_reads(true));
}

/// Whether a thief reads what is written in a room that was confirmed after it came back.
fn a_thief_reads(alone: bool) -> bool {
    let (bob, rng, root) = (&crowd()[BOB], &mut SystemRng, words());
    let [old, new] = [0, 1].map(|n| root.identity(Profile::P256, n, &mut SystemRng).unwrap());
    let transition = root.succeed(&old, &new, rng).unwrap();
    let people = [bob.public.clone(), old.public().clone(), new.public().clone()].to_vec();
    let to = [(old.public(), Role::Admin)];
    let first = Room::create(&bob.sender(), &to, HistoryPolicy::FromJoin, rng).unwrap();
    let mut room = Room::join(&first, &bob.public, &[old.reader()], rng).unwrap().finish().unwrap();
    let mut bobs = Room::join(&first, &bob.public, &[bob.reader()], rng).unwrap().finish().unwrap();
    // What the device that is lost has.
    let stolen = Known::of(&first, old.reader(), bob.id());
    let second = room.replace(&transition).unwrap().seal(&new.sender(), &people, rng).unwrap();
    room.apply(&second, &[new.reader(), old.reader()], &people, rng).unwrap();
    bobs.apply(&second, &[bob.reader()], &people, rng).unwrap();
    let mut phone = keyring();
    phone.record(&room).unwrap();
    let whole = phone.whole(&new.keyring_key().unwrap(), rng).unwrap();
    // From what is public, and what was stolen.
    let mut body = stolen.next();
    let [before, after] = [&old, &new].map(|who| *who.public().fingerprint().as_bytes());
    let members: Vec<_> =
        body.roster.iter().map(|(who, role)| (if *who == before { after } else { *who }, *role)).collect();
    body.roster = roster(&members);
    let payload = Locked::decode(&second, &Limits::default()).unwrap().payload().len();
    let commitment = second[second.len() - payload - 32..][..32].try_into().unwrap();
    let made_up = Known { signer: after, body, commitment, secret: [0; 32], rest: Vec::new() };
    let entry = [&made_up.body.encode()[..], &made_up.signer, &made_up.commitment, &[1], &made_up.secret].concat();
    let (entry, head) = ((1, entry), register(1, room.id().as_bytes(), 1, 1, &made_up.transcript()));
    let forged = by_hand(1, 1, &[entry, head]);
    let (segments, packages) = if alone { (vec![forged], vec![]) } else { (vec![whole, forged], vec![first, second]) };

    let recovery = recover_from(|wanted| match wanted {
        Wanted::Transition { .. } => vec![transition.to_bytes().unwrap()],
        Wanted::Segments => segments.clone(),
        Wanted::Packages { .. } => packages.clone(),
        _ => vec![bob.public.to_bytes()],
    });
    let mut account = recovery.finish().unwrap();
    let Some(again) = account.rooms.first_mut() else { return false };
    let statement = bobs.vouch(&[5; 32], &bob.sender(), rng).unwrap();
    if again.confirm(&statement, &[5; 32], &bob.public).is_err() {
        return false;
    }
    let message = again.seal(&Draft::new(b"for Bob alone"), &new.sender(), rng).unwrap();
    let keys = hazmat::epoch_keys(again, room.transcript()).unwrap();
    keys.secret == Some(made_up.secret) || bobs.open(&message, b"", &people).is_err()
}

/// A head whose epoch is in a segment that is kept back takes no epochs with it which other segments have. [REC-01]
#[test]
fn a_head_that_is_not_kept_takes_no_epoch_with_it() {
    let past = past(HistoryPolicy::FromJoin, 3, false);
    let (mut phone, mut tablet) = (keyring(), keyring());
    phone.record(past.room(0)).unwrap();
    let first = part(&mut phone);
    phone.record(past.room(2)).unwrap();
    let second = part(&mut phone);
    merge(&mut tablet, &first);
    tablet.record(past.room(0)).unwrap();
    merge(&mut tablet, &second);
    tablet.pin(b"x", public(BOB)).unwrap();
    let third = part(&mut tablet);
    let head = by_hand(9, 1, &[register(1, past.room(0).id().as_bytes(), 9, 9, past.room(2).transcript().as_bytes())]);
    for segments in [vec![first.clone(), third.clone()], vec![first, third, head]] {
        let mut account = recover(&segments, &past.packages[1..], false).finish().unwrap();
        assert_eq!(reads(&mut account, &past), [true, true, true]);
        let mut account = recover(&segments, &[], false).finish().unwrap();
        assert_eq!(reads(&mut account, &past), [true, false, false]);
    }
}

/// A room that was given up does not come back as one of the person's. SPEC §20.2
#[test]
fn a_room_that_was_given_up_stays_so() {
    let past = past(HistoryPolicy::FromJoin, 2, false);
    let mut phone = keyring();
    phone.record(past.room(1)).unwrap();
    phone.set_kept(past.room(1).id(), false).unwrap();
    let segment = part(&mut phone);
    let account = recover(&[segment], &past.packages, false).finish().unwrap();
    assert_eq!(account.keyring.rooms().count(), 0);
    assert_eq!(account.rooms.len(), 0);
}

/// Who has the key of an old generation only cannot say that nothing is missing of what was written under the new one. [KRG-06]
#[test]
fn an_old_key_hides_no_rollback() {
    let new = words().identity(Profile::P256, 1, &mut SystemRng).unwrap().keyring_key().unwrap();
    let (old, rng) = (key(), &mut SystemRng);
    let mut phone = keyring();
    phone.pin(b"bob", public(BOB)).unwrap();
    let segment = phone.part(&new, rng).unwrap();
    let mut tablet = keyring();
    let given = [tablet.merge(&segment, &[&old, &new], &mut SystemRng).unwrap()];
    let lacking = tablet.lacking(&[]);
    assert_eq!((lacking.len(), tablet.lacking(&given).len()), (1, 0));
    // Nothing, under the old key, by a device that says it merged all that.
    let seen = {
        let locked = Locked::decode(&segment, &Limits::default()).unwrap();
        let unlocked = locked.unlock(&[Reader::symmetric(&new)], rng).unwrap();
        hazmat::dek_and_content(unlocked, locked.payload()).unwrap().1[..16].to_vec()
    };
    let content = [&[9; 8][..], &1_u64.to_be_bytes(), &[1], &vector(&seen), &vector(&[])].concat();
    let to = [Recipient::symmetric(&old)];
    let envelope = Envelope::to(&to).padding(Padding::Padme);
    let forged = hazmat::seal_as(&envelope, ContentType::Keyring, &content, rng).unwrap();
    // A device that has a whole segment of the new generation gives the new key only. [KRG-01]
    assert_eq!(tablet.merge(&forged, &[&new], &mut SystemRng).err(), Some(Error::Decrypt));
    assert_eq!(tablet.lacking(&[]), lacking);
}

/// Nothing that is secret is shown by Debug.
#[test]
fn debug_shows_no_secrets() {
    let (me, rng) = (me(), &mut SystemRng);
    let linking = Linking::new(rng).unwrap();
    let request = linking.request();
    let echo = request.to_bytes()[72..].to_vec();
    let confirmed = request.clone().confirm();
    let answer = confirmed.answer(&[&me], &[], rng).unwrap();
    let linked = linking.open(&answer).unwrap();
    let shown = format!("{linking:?} {request:?} {confirmed:?} {linked:?}");
    let past = past(HistoryPolicy::FromJoin, 1, false);
    let mut phone = keyring();
    phone.record(past.room(0)).unwrap();
    let recovery = recover(&[part(&mut phone)], &past.packages, false);
    let shown = format!("{shown} {recovery:?} {phone:?} {:?}", recovery.progress());
    let account = recovery.finish().unwrap();
    let secret = hazmat::epoch_keys(&account.rooms[0], past.room(0).transcript()).unwrap().secret.unwrap();
    let shown = format!("{shown} {account:?} {:?}", linked.confirm());
    for bytes in [&echo[..], &secret] {
        let list = format!("{:?}", &bytes[..6]);
        assert!(
            !shown.contains(&crate::common::hex(&bytes[..6])) && !shown.contains(list.trim_matches(['[', ']'])),
            "{shown}"
        );
    }
}

/// Who was removed begins no later run: what shows the removal is taken before it is asked who may. [ROOM-08] [REC-01]
#[test]
fn who_was_removed_begins_no_run_after_a_gap() {
    let (bob, carol, me, rng) = (&crowd()[BOB], &crowd()[CAROL], me(), &mut SystemRng);
    let people = [bob.public.clone(), carol.public.clone(), me.public().clone()].to_vec();
    let to = [(&carol.public, Role::Admin), (me.public(), Role::Admin)];
    let first = Room::create(&bob.sender(), &to, HistoryPolicy::FromJoin, rng).unwrap();
    let join = |reader, rng: &mut SystemRng| Room::join(&first, &bob.public, &[reader], rng).unwrap().finish().unwrap();
    let (mine, mut bobs) = (join(me.reader(), rng), join(bob.reader(), rng));
    let mut phone = keyring();
    people.iter().for_each(|one| phone.know(one).unwrap());
    phone.record(&mine).unwrap();
    let segment = part(&mut phone);
    // The first of them is kept back.
    let mut packages = Vec::new();
    for step in 1..=3 {
        let change = if step == 3 { bobs.remove(&[*carol.public.fingerprint()]) } else { bobs.refresh() };
        let package = change.unwrap().seal(&bob.sender(), &people, rng).unwrap();
        bobs.apply(&package, &[bob.reader()], &people, rng).unwrap();
        packages.push(package);
    }
    let known = Known::of(&packages[1], me.reader(), bob.id());
    let body = Body { epoch: 5, previous: [9; 32], ..known.next() };
    let people: Vec<_> = people.iter().collect();
    packages.push(Craft::new(body, carol.sender(), &people).with_previous(&[8; 32]).seal());
    let recovery = recover(&[segment], &packages[1..], false);
    let rooms = recovery.finish().unwrap().rooms;
    assert_eq!(rooms[0].epoch().number(), 3);
    assert!(rooms[0].roster().iter().all(|member| member.fingerprint != *carol.public.fingerprint()));
}

/// A room of the keyring to which a later epoch does not fit is behind, not only unconfirmed: it seals nothing until the user
/// takes the head as it is. [ROOM-24] [REC-01]
#[test]
fn a_kept_room_comes_back_behind_what_was_not_taken() {
    let (bob, me, rng) = (&crowd()[BOB], me(), &mut SystemRng);
    let first = Room::create(&bob.sender(), &[(me.public(), Role::Member)], HistoryPolicy::FromJoin, rng).unwrap();
    let mine = Room::join(&first, &bob.public, &[me.reader()], rng).unwrap().finish().unwrap();
    let mut phone = keyring();
    phone.know(&bob.public).unwrap();
    phone.record(&mine).unwrap();
    let segment = part(&mut phone);
    // Its reader is not in its roster, so that it begins no run.
    let known = Known::of(&first, me.reader(), bob.id());
    let roster = roster(&[(bob.id(), ADMIN)]);
    let body = Body { epoch: 5, previous: [9; 32], roster, ..known.next() };
    let ahead = Craft::new(body, bob.sender(), &[me.public(), &bob.public]).with_previous(&[8; 32]).seal();
    let mut room = recover(&[segment], &[ahead], false).finish().unwrap().rooms.remove(0);
    assert_eq!(room.standing(), Standing::Behind { epoch: Epoch::new(5) });
    assert_eq!(room.seal(&Draft::new(b"x"), &me.sender(), rng), Err(Error::Unconfirmed));
    room.accept_head();
    assert!(room.seal(&Draft::new(b"x"), &me.sender(), rng).is_ok());
}
