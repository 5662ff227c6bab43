//! Attacks on keyrings, recoveries, links and proofs: by who holds a key of them, by a server, by chance.

use crate::common::keyrings::*;
use crate::common::rooms::*;
use crate::common::{Broken, generation, outsider, person};
use sealroom::*;

const BOB: usize = 1;

/// A keyring that was last written before somebody was removed and added again takes away no packages. [REC-01]
#[test]
fn a_keyring_keeps_no_later_run_away() {
    for history in [HistoryPolicy::FromJoin, HistoryPolicy::Shared] {
        let past = past(history, 6, true);
        let mut phone = keyring();
        phone.record(past.room(1)).unwrap();
        let first = part(&mut phone);
        let without = reads(&mut recover(&[], &past.packages, false).finish().unwrap(), &past);
        assert!(without[4] && without[5]);
        assert_eq!(
            reads(&mut recover(&[first], &past.packages, false).finish().unwrap(), &past),
            without,
            "{history:?}"
        );
    }
}

/// Nor does a keyring make one package that is missing take all with it that came after. [REC-01]
#[test]
fn one_package_that_is_missing_takes_none_after_it() {
    for history in [HistoryPolicy::FromJoin, HistoryPolicy::Shared] {
        let past = past(history, 6, false);
        let mut phone = keyring();
        phone.record(past.room(1)).unwrap();
        let first = part(&mut phone);
        let packages = [&past.packages[..2], &past.packages[3..]].concat();
        let without = reads(&mut recover(&[], &packages, false).finish().unwrap(), &past);
        assert_eq!(without, [true, true, false, true, true, true]);
        assert_eq!(reads(&mut recover(&[first], &packages, false).finish().unwrap(), &past), without, "{history:?}");
    }
}

/// Nor does one of which the earlier segment is missing. [REC-01]
#[test]
fn a_keyring_keeps_no_earlier_run_away() {
    let past = past(HistoryPolicy::FromJoin, 6, true);
    let mut phone = keyring();
    phone.record(past.room(1)).unwrap();
    part(&mut phone);
    phone.record(past.room(5)).unwrap();
    let second = part(&mut phone);
    let without = reads(&mut recover(&[], &past.packages, false).finish().unwrap(), &past);
    assert_eq!(without, [true, true, false, false, true, true]);
    assert_eq!(reads(&mut recover(&[second], &past.packages, false).finish().unwrap(), &past), without);
}

/// A package that came takes none with it which would be there without it: of somebody who replaced themselves. [REC-01]
#[test]
fn a_replacement_after_a_gap_is_not_lost() {
    let (bob, rng, root) = (&crowd()[BOB], &mut SystemRng, words());
    let [old, new] = [0, 1].map(|n| root.identity(Profile::P256, n, &mut SystemRng).unwrap());
    let transition = root.succeed(&old, &new, rng).unwrap();
    let people = vec![bob.public.clone(), old.public().clone(), new.public().clone()];
    let to = [(old.public(), Role::Admin)];
    let first = Room::create(&bob.sender(), &to, HistoryPolicy::FromJoin, rng).unwrap();
    let mut room = Room::join(&first, &bob.public, &[old.reader()], rng).unwrap().finish().unwrap();
    let second = room.refresh().unwrap().seal(&old.sender(), &people, rng).unwrap();
    room.apply(&second, &[old.reader()], &people, rng).unwrap();
    let third = room.replace(&transition).unwrap().seal(&new.sender(), &people, rng).unwrap();
    let readers = [new.reader(), old.reader()];
    let heads = [vec![&third[..]], vec![&first[..], &third[..]]].map(|packages| {
        let again = Room::recover(room.id(), &packages, &readers, &people, &mut SystemRng).unwrap();
        again.room.epoch()
    });
    assert_eq!(heads, [Epoch::new(2); 2]);
}

/// What is wanted of packages is enough, as it says: where a segment is missing too. [REC-01]
#[test]
fn what_is_wanted_is_enough() {
    let past = past(HistoryPolicy::FromJoin, 6, false);
    let mut phone = keyring();
    phone.record(past.room(2)).unwrap();
    part(&mut phone);
    phone.record(past.room(3)).unwrap();
    let second = part(&mut phone);
    let all = reads(&mut recover(std::slice::from_ref(&second), &past.packages, false).finish().unwrap(), &past);
    assert_eq!(all, [true; 6]);
    assert_eq!(reads(&mut recover(&[second], &past.packages, true).finish().unwrap(), &past), all);
}

/// An epoch of a room that a thief of the keyring key makes up takes no true one with it. [REC-01]
#[test]
fn a_made_up_epoch_takes_no_true_one_with_it() {
    let past = past(HistoryPolicy::FromJoin, 6, false);
    let known = Known::of(&past.packages[0], me().reader(), crowd()[BOB].id());
    let mut lost = Vec::new();
    for (history, in_keyring) in [(SHARED, true), (SHARED, false), (FROM_JOIN, true), (FROM_JOIN, false)] {
        let body = Body { epoch: 1000, previous: [7; 32], history, ..known.next() };
        let made_up = Known { body, secret: [9; 32], ..known.clone() };
        let head = register(1, &made_up.body.room_id(), 1 << 40, 9, &made_up.transcript());
        let forged = by_hand(9, 1, &[kept(&made_up), head]);
        let mut phone = keyring();
        phone.record(past.room(3)).unwrap();
        let segments = if in_keyring { vec![part(&mut phone), forged] } else { vec![forged] };
        let read = reads(&mut recover(&segments, &past.packages, false).finish().unwrap(), &past);
        if read != [true; 6] {
            lost.push((history, in_keyring, read));
        }
    }
    assert!(lost.is_empty(), "policy, true epochs in the keyring, what is read: {lost:?}");
}

/// Nor does one that cannot be a head hold a room back to where a device that lags was. [KRG-08]
#[test]
fn an_epoch_that_is_no_head_holds_no_room_back() {
    let past = past(HistoryPolicy::FromJoin, 6, false);
    let mut phone = keyring();
    phone.record(past.room(3)).unwrap();
    let by_phone = part(&mut phone);
    let mut tablet = keyring();
    merge(&mut tablet, &by_phone);
    tablet.record(past.room(1)).unwrap();
    let by_tablet = part(&mut tablet);
    let mut new = keyring();
    merge(&mut new, &by_phone);
    merge(&mut new, &by_tablet);
    let (id, mine) = (*past.room(0).id(), [*me().public().fingerprint()]);
    assert_eq!(new.room(&id, &mine, &mut SystemRng).unwrap().epoch(), Epoch::new(3));
    // A successor of which only the message key is there, as a grant gives it: it leads nowhere.
    let known = Known::of(&past.packages[3], me().reader(), crowd()[BOB].id());
    let next = Known { body: known.next(), ..known };
    let granted = [&next.body.encode()[..], &next.signer, &next.commitment, &[2], &[7; 32]].concat();
    merge(&mut new, &by_hand(9, 1, &[(1, granted)]));
    assert_eq!(new.room(&id, &mine, &mut SystemRng).unwrap().epoch(), Epoch::new(3));
}

/// A contact is not replaced silently in two steps: by who gives them up first. [KRG-11]
#[test]
fn a_contact_that_was_given_up_between_is_not_replaced_silently() {
    let (bob, mallory) = (&crowd()[BOB], person(66));
    let mut phone = keyring();
    phone.pin(b"bob", &bob.public).unwrap();
    phone.set_verified(bob.public.fingerprint(), true).unwrap();
    let other = *mallory.public().fingerprint().as_bytes();
    let segments = [
        by_hand(9, 1, &[register(3, b"bob", 2, 9, &[])]),
        by_hand(
            9,
            2,
            &[(2, mallory.public().to_bytes()), register(3, b"bob", 3, 9, &other), register(4, &other, 1, 9, &[1])],
        ),
    ];
    let told = segments.map(|segment| merge(&mut phone, &segment).changed_contacts().to_vec());
    assert_eq!(told, [vec![b"bob".to_vec()], vec![]]);
}

/// Transitions that are held lead on, also where the identity between them came with the first one only. [KRG-07]
#[test]
fn transitions_lead_through_identities_that_are_only_in_them() {
    let (root, generations) = (Root::from_bip39_seed(&[66; 64]), [0, 1, 2].map(|n| generation(66, n)));
    let [first, second, third] = &generations;
    let steps = [(first, second), (second, third)].map(|(old, new)| root.succeed(old, new, &mut SystemRng).unwrap());
    let mut one = keyring();
    one.pin(b"x", first.public()).unwrap();
    let entries = steps.map(|step| (3, step.to_bytes().unwrap()));
    merge(&mut one, &by_hand(1, 1, &entries));
    let from = *first.public().fingerprint();
    assert_eq!(one.sight(b"x", third.public()), Ok(Sighting::Succeeded { from }));
}

/// A room from a keyring can be stored and loaded, whatever the application says who it is. [ROOM-26] [KRG-08]
#[test]
fn a_room_from_a_keyring_can_be_loaded_again() {
    let past = past(HistoryPolicy::FromJoin, 6, false);
    let mut phone = keyring();
    phone.record(past.room(1)).unwrap();
    let mine = [*me().public().fingerprint(); 2];
    let Ok(room) = phone.room(past.room(1).id(), &mine, &mut SystemRng) else { return };
    let state = room.save(&key(), &mut SystemRng).unwrap();
    assert_eq!(Room::load(&state, &key()).err(), None);
}

/// A clock that is set back takes no proof again that was taken and forgotten since. [PRF-05]
#[test]
fn a_clock_that_is_set_back_takes_no_proof_again() {
    let rng = &mut SystemRng;
    let (me, device) = (me(), outsider(9).signing);
    let certificate = DeviceCertificate::issue(&me.sender(), [1; 16], device.public_key(), 0..9999, rng).unwrap();
    let request = Request::new(b"a", b"GET", b"/");
    let proofs = [1000, 1001, 2000].map(|time| RequestProof::sign(&request, &certificate, &device, time, rng).unwrap());
    let mut seen = RememberedProofs::new(2);
    let mut takes = |n: usize, now: u64| proofs[n].verify(&request, me.public(), &Clock::at(now), &mut seen).is_ok();
    assert!(takes(0, 1000) && takes(1, 1000));
    assert!(takes(2, 2000));
    // The clock was wrong for a moment.
    assert!(!takes(0, 1001), "it is taken a second time");
    assert!(!takes(1, 1001), "nor is the last that was forgotten");
}

/// What fails changes nothing. [KRG-05]
#[test]
fn a_pin_that_fails_changes_nothing() {
    let mut one = keyring();
    merge(&mut one, &by_hand(1, 1, &[register(3, b"x", u64::MAX, 1, &[])]));
    let before = (hazmat::keyring_entries(&one), one.has_news());
    assert!(one.pin(b"x", &crowd()[BOB].public).is_err());
    assert_eq!((hazmat::keyring_entries(&one), one.has_news()), before);
}

/// Nor is the next generation sealed to a signing key of this one, which a thief has as well. [LNK-05]
#[test]
fn an_answer_goes_to_no_signing_key_of_a_generation() {
    let (rng, root) = (&mut SystemRng, words());
    let [old, new] = [0, 1].map(|n| root.identity(Profile::P256, n, &mut SystemRng).unwrap());
    let transition = root.succeed(&old, &new, rng).unwrap();
    let keys = hazmat::identity_keys(&old).unwrap();
    let signing = P256PrivateKey::from_pkcs8_der(keys[1].expose()).unwrap();
    let mut request = Linking::new(rng).unwrap().request().to_bytes();
    request[7..72].copy_from_slice(signing.public_key().as_bytes());
    let confirmed = LinkRequest::from_bytes(&request).unwrap().confirm();
    assert!(confirmed.answer(&[&old, &new], &[transition], rng).is_err());
}

/// A generator that fails for once is told as such, and loses no room. [REC-01]
#[test]
fn a_generator_that_fails_loses_no_room() {
    let past = past(HistoryPolicy::FromJoin, 6, false);
    let mut phone = keyring();
    phone.record(past.room(1)).unwrap();
    let mut recovery = Recovery::new(words(), Profile::P256, &mut SystemRng).unwrap();
    recovery.proceed(&mut SystemRng).unwrap();
    recovery.give(&part(&mut phone), &mut SystemRng).unwrap();
    let told = recovery.proceed(&mut Broken);
    while recovery.wanted().is_some() {
        recovery.proceed(&mut SystemRng).unwrap();
    }
    assert_eq!((told, recovery.progress().rooms), (Err(Error::Generator), 1), "{:?}", recovery.missing());
}

/// Nor where it is a private key's operation that cannot be blinded then: the packages are tried again. (AWS-LC draws by itself.)
/// [SUITE-07] [REC-01]
#[cfg(not(feature = "aws-lc-rs"))]
#[test]
fn a_generator_that_fails_while_packages_are_opened_loses_no_room() {
    let (alice, rita) = (person(1), crate::common::rsa_person());
    let identities = [(rita.public(), Role::Member)];
    let created = Room::create(&alice.sender(), &identities, HistoryPolicy::FromJoin, &mut SystemRng).unwrap();
    let Ok(Info::RoomEpoch { room, .. }) = inspect(&created) else { panic!() };
    let joined = Room::join(&created, alice.public(), &[alice.reader()], &mut SystemRng).unwrap().finish().unwrap();
    let directory = [alice.public(), rita.public()];
    let refresh = joined.refresh().unwrap().seal(&alice.sender(), &&directory[..], &mut SystemRng).unwrap();
    let reader = [rita.reader()];
    let recovered = Room::recover(&room, &[&created], &reader, &[alice.public()], &mut Broken);
    assert_eq!(recovered.err(), Some(Error::Generator));
    let root = Root::from_bip39_seed(&[7; 64]);
    let mut recovery = Recovery::new(root, Profile::Rsa3072, &mut SystemRng).unwrap();
    let mut told = Vec::new();
    while let Some(wanted) = recovery.wanted() {
        let given = match &wanted {
            Wanted::Packages { .. } => Some(created.clone()),
            Wanted::Identities { of } => {
                assert_eq!(*of, [*alice.public().fingerprint()]);
                Some(alice.public().to_bytes())
            }
            _ => None,
        };
        if let Some(blob) = &given {
            recovery.give(blob, &mut SystemRng).unwrap();
        }
        // Twice: what was not tried is tried again, and again, and what comes meanwhile is not lost.
        if matches!(wanted, Wanted::Packages { .. }) {
            told.push(recovery.proceed(&mut Broken));
            recovery.give(&refresh, &mut SystemRng).unwrap();
            // What is given again is one package all the same.
            recovery.give(&created, &mut SystemRng).unwrap();
            assert_eq!(recovery.progress().packages, 2);
            told.push(recovery.proceed(&mut Broken));
        }
        recovery.proceed(&mut SystemRng).unwrap();
    }
    assert_eq!((told, recovery.progress().rooms), (vec![Err(Error::Generator); 2], 1), "{:?}", recovery.missing());
    let rooms = recovery.finish().unwrap().rooms;
    assert_eq!(rooms.iter().map(|room| room.epoch().number()).collect::<Vec<_>>(), [1]);
}

/// A batch says so too, in whichever of its rounds: Rita, who comes back by an addition of which the parent is not there, is told
/// that it was not tried. [SUITE-07] [ROOM-29]
#[cfg(not(feature = "aws-lc-rs"))]
#[test]
fn a_generator_that_fails_is_told_in_each_round() {
    let (alice, rita, rng) = (person(1), crate::common::rsa_person(), &mut SystemRng);
    let (dave, member) = (person(2), [(rita.public(), Role::Member)]);
    let directory = [alice.public(), rita.public(), dave.public()];
    let created = Room::create(&alice.sender(), &member, HistoryPolicy::FromJoin, rng).unwrap();
    let join = |who: &Identity| {
        let joining = Room::join(&created, alice.public(), &[who.reader()], &mut SystemRng).unwrap();
        joining.finish().unwrap()
    };
    let (one, mut other, mut ritas) = (join(&alice), join(&alice), join(rita));
    // This one opens by its parent's key, and with it the second round begins.
    let addition = one.add(&[(dave.public(), Role::Member)]).unwrap();
    let addition = addition.seal(&alice.sender(), &&directory[..], rng).unwrap();
    let removal = other.remove(&[*rita.public().fingerprint()]).unwrap();
    let removal = removal.seal(&alice.sender(), &&directory[..], rng).unwrap();
    other.apply(&removal, &[alice.reader()], &&directory[..], rng).unwrap();
    let back = other.add(&member).unwrap().seal(&alice.sender(), &&directory[..], rng).unwrap();
    let answers = ritas.catch_up(&[&addition, &back], &[rita.reader()], &&directory[..], &mut Broken);
    assert_eq!(answers, [Ok(Applied::Head { author: *alice.public().fingerprint() }), Err(Error::Generator)]);
}

/// Once a whole segment under the latest key is there, clearing a server's segments, as `examples/chat/phone.rs` does it,
/// merges nothing that a thief of the earlier key wrote. [KRG-01]
#[test]
fn clearing_segments_merges_nothing_of_a_thief() {
    let (rng, root) = (&mut SystemRng, words());
    let old = me();
    let mut succession = Succession::new(&root, &old, Profile::P256, rng).unwrap();
    assert_eq!(old.public().follow(succession.transition()).as_ref(), Ok(succession.identity().public()));
    succession.published();
    let mut phone = keyring();
    phone.pin(b"bob", &crowd()[BOB].public).unwrap();
    let (old, new) = (key(), succession.identity().keyring_key().unwrap());
    let mut thief = keyring();
    merge(&mut thief, &part(&mut phone));
    thief.pin(b"bob", person(66).public()).unwrap();
    // It came to the server after the phone had merged what was there.
    let forged = part(&mut thief);
    let whole = succession.seal_keyring(&mut phone, rng).unwrap();
    // Phone::clear
    let (keys, mut apart) = (&[&new, &old], keyring());
    let by = apart.merge(&whole, keys, rng).unwrap();
    let replaced = [&forged, &whole].map(|segment| by.replaces(&apart.merge(segment, keys, rng).unwrap()));
    assert_eq!(replaced, [false, false]);
    assert_eq!(phone.contact(b"bob").unwrap().identity, &crowd()[BOB].public);
}

/// What a whole segment covers counts as merged, also to a device that merged nothing before. [KRG-06]
#[test]
fn a_whole_segment_counts_for_a_device_that_has_nothing_else() {
    let (mut phone, mut new) = (keyring(), keyring());
    phone.know(person(1).public()).unwrap();
    let first = part(&mut phone);
    let whole = phone.whole(&key(), &mut SystemRng).unwrap();
    merge(&mut new, &whole);
    let by_new = new.whole(&key(), &mut SystemRng).unwrap();
    let mut third = keyring();
    let by_new = merge(&mut third, &by_new);
    assert!([first, whole].iter().all(|segment| by_new.replaces(&merge(&mut third, segment))));
}

/// A device that goes on as another one has merged what it wrote before. [KRG-10]
#[test]
fn who_goes_on_as_another_knows_what_it_wrote() {
    let mut phone = keyring();
    phone.know(person(1).public()).unwrap();
    let first = part(&mut phone);
    let stored = phone.save(&key(), &mut SystemRng).unwrap();
    phone.know(person(2).public()).unwrap();
    let second = part(&mut phone);
    let mut restored = Keyring::load(&stored, &key()).unwrap();
    merge(&mut restored, &second);
    let whole = restored.whole(&key(), &mut SystemRng).unwrap();
    let mut other = keyring();
    let whole = merge(&mut other, &whole);
    assert!([first, second].iter().all(|segment| whole.replaces(&merge(&mut other, segment))));
}

/// A whole segment has all that was new; and a register that is written twice is new once. [KRG-09]
#[test]
fn what_is_new_is_new_once() {
    let mut phone = keyring();
    phone.pin(b"bob", person(1).public()).unwrap();
    phone.pin(b"bob", person(2).public()).unwrap();
    let stored = phone.save(&key(), &mut SystemRng).unwrap();
    assert!(Keyring::load(&stored, &key()).unwrap().has_news());
    phone.whole(&key(), &mut SystemRng).unwrap();
    assert!(!phone.has_news());
}

/// A head of which the secret is not there is none; a secret goes before a key that was granted; without a head the latest
/// epoch is it. [KRG-08] [REC-01]
#[test]
fn heads_have_their_secrets() {
    let past = past(HistoryPolicy::FromJoin, 6, false);
    let (id, mine) = (*past.room(0).id(), [*me().public().fingerprint()]);
    let known: Vec<Known> =
        past.packages.iter().take(4).map(|package| Known::of(package, me().reader(), crowd()[BOB].id())).collect();
    let granted = |known: &Known| {
        let entry = [&known.body.encode()[..], &known.signer, &known.commitment, &[2], &known.message_key()];
        (1, entry.concat())
    };
    let head = |known: &Known| register(1, id.as_bytes(), 1, 9, &known.transcript());
    let room = |entries: &[(u8, Vec<u8>)]| {
        let mut new = keyring();
        merge(&mut new, &by_hand(9, 1, entries));
        new.room(&id, &mine, &mut SystemRng).map(|room| room.epoch())
    };
    assert!(room(&[kept(&known[0]), granted(&known[1]), head(&known[1])]).is_err());
    assert_eq!(room(&[kept(&known[0]), kept(&known[1]), granted(&known[1]), head(&known[1])]), Ok(Epoch::new(1)));
    // In recovery, of a segment without the head's register.
    let entries: Vec<_> = known[..3].iter().map(kept).collect();
    let recovery = recover(&[by_hand(9, 1, &entries)], &[], false);
    let account = recovery.finish().unwrap();
    assert_eq!(account.rooms[0].epoch(), Epoch::new(2));
    // What came from the keyring is brought up to date there: its head is written.
    assert!(account.keyring.room(&id, &mine, &mut SystemRng).is_ok());
}

/// Rooms that nobody of this person recorded are not written down by a recovery: anybody can add anybody.
#[test]
fn rooms_of_packages_alone_are_not_recorded() {
    let past = past(HistoryPolicy::FromJoin, 6, false);
    let account = recover(&[], &past.packages, false).finish().unwrap();
    assert_eq!((account.rooms.len(), account.keyring.rooms().count()), (1, 0));
}

/// A keyring that never heard of this person's own identity goes to the next generation all the same. §22.4
#[test]
fn a_keyring_without_the_old_identity_is_sealed_for_the_next() {
    let rng = &mut SystemRng;
    let succession = Succession::new(&words(), &me(), Profile::P256, rng).unwrap();
    let mut phone = keyring();
    let whole = succession.seal_keyring(&mut phone, rng).unwrap();
    let key = succession.identity().keyring_key().unwrap();
    assert!(keyring().merge(&whole, &[&key], rng).is_ok());
}

/// A successor of the head that came by a grant alone does not keep the room from going on: its package makes it the head.
/// [ROOM-28]
#[test]
fn a_granted_successor_does_not_stop_a_room() {
    let past = past(HistoryPolicy::FromJoin, 6, false);
    let known = |n: usize| Known::of(&past.packages[n], me().reader(), crowd()[BOB].id());
    let (first, second) = (known(0), known(1));
    let granted = [&second.body.encode()[..], &second.signer, &second.commitment, &[2], &second.message_key()].concat();
    let head = register(1, past.room(0).id().as_bytes(), 1, 9, &first.transcript());
    let segment = by_hand(9, 1, &[kept(&first), (1, granted), head]);
    let account = recover(&[segment], &past.packages, false).finish().unwrap();
    assert_eq!(account.rooms[0].transcript(), past.room(5).transcript());
}
