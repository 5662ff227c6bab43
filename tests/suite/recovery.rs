//! A new device gets everything back, whatever the server gives. SPEC §21.

use crate::common::Choices;
use crate::common::rooms::{Craft, Known, crowd, refused, successor};
use proptest::prelude::*;
use sealroom::*;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// What a server has of Alice, who changed her keys once, is in two rooms and has a keyring of one of them.
struct Server {
    transitions: Vec<Vec<u8>>,
    segments: Vec<Vec<u8>>,
    packages: Vec<Vec<u8>>,
    identities: BTreeMap<Fingerprint, Vec<u8>>,
    /// Messages, and what they say.
    messages: Vec<(Vec<u8>, Vec<u8>)>,
    rooms: Vec<RoomId>,
    heads: Vec<Transcript>,
}

fn words() -> Root {
    Root::from_bip39_seed(&[0xa1; 64])
}

fn alice(generation: u32) -> &'static Identity {
    static MADE: OnceLock<[Identity; 2]> = OnceLock::new();
    &MADE.get_or_init(|| [0, 1].map(|n| words().identity(Profile::P256, n, &mut SystemRng).unwrap()))
        [generation as usize]
}

fn transition() -> &'static Transition {
    static MADE: OnceLock<Transition> = OnceLock::new();
    MADE.get_or_init(|| words().succeed(alice(0), alice(1), &mut SystemRng).unwrap())
}

fn people() -> Vec<PublicIdentity> {
    let others = crowd().iter().map(|person| person.public.clone());
    [0, 1].map(|n| alice(n).public().clone()).into_iter().chain(others).collect()
}

fn readers() -> [Reader<'static>; 2] {
    [alice(1).reader(), alice(0).reader()]
}

fn server() -> &'static Server {
    static MADE: OnceLock<Server> = OnceLock::new();
    MADE.get_or_init(|| {
        let (people, rng) = (people(), &mut SystemRng);
        let (bob, carol) = (&crowd()[1], &crowd()[2]);
        let mut server = Server {
            transitions: vec![transition().to_bytes().unwrap()],
            segments: Vec::new(),
            packages: Vec::new(),
            identities: people.iter().map(|who| (*who.fingerprint(), who.to_bytes())).collect(),
            messages: Vec::new(),
            rooms: Vec::new(),
            heads: Vec::new(),
        };
        let mut keyring = Keyring::new(rng).unwrap();
        for (n, history) in [HistoryPolicy::FromJoin, HistoryPolicy::Shared].into_iter().enumerate() {
            let to = [(&bob.public, Role::Admin), (alice(0).public(), Role::Admin)];
            let package = Room::create(&carol.sender(), &to, history, rng).unwrap();
            let mut room = Room::join(&package, &carol.public, &readers(), rng).unwrap().finish().unwrap();
            let mut bobs = Room::join(&package, &carol.public, &[bob.reader()], rng).unwrap().finish().unwrap();
            server.packages.push(package);
            for epoch in 0..5_u8 {
                let message = bobs.seal(&Draft::new(&[epoch, n as u8]), &bob.sender(), rng).unwrap();
                server.messages.push((message, vec![epoch, n as u8]));
                let package = match epoch {
                    2 => room.replace(transition()).unwrap().seal(&alice(1).sender(), &people, rng).unwrap(),
                    _ => bobs.refresh().unwrap().seal(&bob.sender(), &people, rng).unwrap(),
                };
                room.apply(&package, &readers(), &people, rng).unwrap();
                bobs.apply(&package, &[bob.reader()], &people, rng).unwrap();
                server.packages.push(package);
                if n == 0 && epoch < 3 {
                    keyring.record(&room).unwrap();
                    let key = alice(if epoch < 2 { 0 } else { 1 }).keyring_key().unwrap();
                    server.segments.push(keyring.part(&key, rng).unwrap());
                }
            }
            server.rooms.push(*room.id());
            server.heads.push(*room.transcript());
        }
        server
    })
}

impl Server {
    fn gives(&self, wanted: &Wanted) -> Vec<Vec<u8>> {
        match wanted {
            Wanted::Transition { .. } => self.transitions.clone(),
            Wanted::Segments => self.segments.clone(),
            Wanted::Packages { .. } => self.packages.clone(),
            Wanted::Identities { of } => of.iter().filter_map(|who| self.identities.get(who).cloned()).collect(),
            _ => panic!("{wanted:?}"),
        }
    }
}

fn begin() -> Recovery {
    Recovery::new(words(), Profile::P256, &mut SystemRng).unwrap()
}

/// What is asked for, in order; `gives` answers.
fn drive(recovery: &mut Recovery, gives: &mut dyn FnMut(&Wanted) -> Vec<Vec<u8>>) -> (Vec<Wanted>, Vec<Refused>) {
    let (mut asked, mut refused) = (Vec::new(), Vec::new());
    while let Some(wanted) = recovery.wanted() {
        for blob in gives(&wanted) {
            refused.extend(recovery.give(&blob, &mut SystemRng).err());
        }
        asked.push(wanted);
        recovery.proceed(&mut SystemRng).unwrap();
        assert!(asked.len() < 20, "{asked:?}");
    }
    (asked, refused)
}

/// All messages that open in the rooms that came back.
fn reads(account: &mut Account) -> Vec<Vec<u8>> {
    let people = people();
    let read = |(message, content): &(Vec<u8>, Vec<u8>)| {
        let opened = account.rooms.iter_mut().find_map(|room| room.open(message, b"", &people).ok())?;
        assert_eq!(opened.content(), content);
        Some(content.clone())
    };
    server().messages.iter().filter_map(read).collect()
}

fn whole(account: &mut Account) {
    let heads: Vec<Transcript> = server()
        .rooms
        .iter()
        .map(|id| *account.rooms.iter().find(|room| room.id() == id).unwrap().transcript())
        .collect();
    assert_eq!(heads, server().heads);
    assert!(account.rooms.iter().all(|room| room.standing() == Standing::Unconfirmed));
    assert!(account.rooms.iter().all(|room| room.me() == alice(1).public().fingerprint()));
    assert_eq!(reads(account).len(), 10);
    assert_eq!(account.identities.len(), 2);
    assert_eq!(account.identities[1].public().fingerprint(), alice(1).public().fingerprint());
    let second = account.rooms.iter().find(|room| *room.id() == server().rooms[1]).unwrap();
    account.keyring.record(second).unwrap();
    let kept = account.keyring.room(&server().rooms[1], &[*alice(1).public().fingerprint()], &mut SystemRng).unwrap();
    assert_eq!(*kept.transcript(), server().heads[1]);
}

/// From the words: generations, keyring, packages, identities, in this order, and all of it is back. [REC-01] [REC-02]
#[test]
fn everything_comes_back() {
    let mut recovery = begin();
    let (asked, problems) = drive(&mut recovery, &mut |wanted| server().gives(wanted));
    // The transition that is there is given a second time, from the identity that it led to.
    assert_eq!(problems, []);
    let from = |n: u32| Wanted::Transition { from: *alice(n).public().fingerprint() };
    assert_eq!(asked[..3], [from(0), from(1), Wanted::Segments]);
    assert_eq!(asked[3], Wanted::Packages { held: vec![(server().rooms[0], Epoch::new(3))] });
    let Wanted::Identities { of } = &asked[4] else { panic!("{asked:?}") };
    let mut signers = [crowd()[1].public.fingerprint(), crowd()[2].public.fingerprint()].map(|who| *who);
    signers.sort();
    assert_eq!((of[..].to_vec(), asked.len()), (signers.to_vec(), 5));
    assert_eq!(recovery.missing(), []);
    assert_eq!(recovery.refused().count(), 0);
    let progress = recovery.progress();
    assert_eq!((progress.generations, progress.segments, progress.packages), (2, 3, 12));
    assert_eq!((progress.rooms, progress.epochs), (2, 12));
    assert_eq!(recovery.identities().len(), 2);
    whole(&mut recovery.finish().unwrap());
    // Without a keyring.
    let mut recovery = begin();
    drive(&mut recovery, &mut |wanted| match wanted {
        Wanted::Segments => Vec::new(),
        _ => server().gives(wanted),
    });
    assert_eq!(recovery.missing(), []);
    whole(&mut recovery.finish().unwrap());
    // With a keyring, what came before its heads is not needed.
    let mut recovery = begin();
    drive(&mut recovery, &mut |wanted| match wanted {
        Wanted::Packages { .. } => server().packages[4..].to_vec(),
        _ => server().gives(wanted),
    });
    assert_eq!(recovery.missing(), []);
    whole(&mut recovery.finish().unwrap());
}

/// Once a whole segment of the latest generation is there, those of earlier ones are not merged: a thief could write them.
/// [REC-04]
#[test]
fn earlier_generations_write_no_keyring() {
    let rng = &mut SystemRng;
    let mut thief = Keyring::new(rng).unwrap();
    thief.pin(b"bob", &crowd()[5].public).unwrap();
    let forged = thief.part(&alice(0).keyring_key().unwrap(), rng).unwrap();
    let mut recovery = begin();
    drive(&mut recovery, &mut |wanted| match wanted {
        Wanted::Segments => [server().segments.clone(), vec![forged.clone()]].concat(),
        _ => server().gives(wanted),
    });
    let account = recovery.finish().unwrap();
    assert!(account.keyring.contact(b"bob").is_some());
    let mut keyring = account.keyring;
    keyring.unpin(b"bob").unwrap();
    let whole = keyring.whole(&alice(1).keyring_key().unwrap(), rng).unwrap();
    thief.unpin(b"bob").unwrap();
    thief.pin(b"bob", &crowd()[6].public).unwrap();
    let forged = thief.part(&alice(0).keyring_key().unwrap(), rng).unwrap();
    let mut recovery = begin();
    drive(&mut recovery, &mut |wanted| match wanted {
        Wanted::Segments => [vec![forged.clone(), whole.clone()], server().segments.clone()].concat(),
        _ => server().gives(wanted),
    });
    assert_eq!(recovery.missing(), []);
    let account = recovery.finish().unwrap();
    assert!(account.keyring.contact(b"bob").is_none());
    assert_eq!(account.rooms.len(), 2);
}

/// A linked device needs no words, and makes no generations. [REC-01]
#[test]
fn a_linked_device_recovers() {
    let linking = Linking::new(&mut SystemRng).unwrap();
    let confirmed = linking.request().confirm();
    let answer = confirmed.answer(&[alice(0), alice(1)], std::slice::from_ref(transition()), &mut SystemRng).unwrap();
    let linked = linking.open(&answer).unwrap().confirm();
    let mut recovery = Recovery::of_linked(&linked, &mut SystemRng).unwrap();
    assert_eq!(recovery.wanted(), Some(Wanted::Segments));
    drive(&mut recovery, &mut |wanted| server().gives(wanted));
    whole(&mut recovery.finish().unwrap());
}

/// What is wrong names its step, and takes nothing else with it. [REC-01] [REC-02]
#[test]
fn errors_name_their_step() {
    let mut recovery = begin();
    let mut stranger = successor(&crowd()[3], 50).1.to_bytes().unwrap();
    let refused_in = |step, error| Err(Refused { step, error });
    let give = |recovery: &mut Recovery, blob: &[u8]| recovery.give(blob, &mut SystemRng);
    let generations = |error| refused_in(Step::Generations, error);
    assert_eq!(give(&mut recovery, &stranger), generations(Error::Signature));
    stranger[6] = 0;
    assert_eq!(give(&mut recovery, &stranger), generations(Error::Unsupported { field: "type" }));
    assert!(give(&mut recovery, &[]).unwrap_err().to_string().starts_with("a transition: "));
    // Signed by the right keys, to an identity of other words.
    let root = hazmat::hkdf_extract(b"sealroom/1 identity", &[0xa1; 64]);
    let seed = hazmat::derive(&root, "rotation", &1_u32.to_be_bytes(), 32).unwrap();
    let rotation = P256PrivateKey::from_pkcs8_der(&hazmat::det_keygen_p256_pkcs8(&seed).unwrap()).unwrap();
    let other = Root::from_bip39_seed(&[9; 64]).identity(Profile::P256, 1, &mut SystemRng).unwrap();
    let foreign = UnsignedTransition::new(alice(0).public(), other.public(), rotation.public_key()).unwrap();
    let signing = P256PrivateKey::from_pkcs8_der(hazmat::identity_keys(alice(0)).unwrap()[1].expose()).unwrap();
    let foreign = foreign.sign(&signing, &rotation, &mut SystemRng).unwrap();
    assert!(alice(0).public().follow(&foreign).is_ok());
    assert_eq!(give(&mut recovery, &foreign.to_bytes().unwrap()), generations(Error::Signature));
    assert_eq!(give(&mut recovery, &server().transitions[0]), Ok(()));
    assert_eq!(give(&mut recovery, &server().transitions[0]), Ok(()));
    recovery.proceed(&mut SystemRng).unwrap();
    recovery.proceed(&mut SystemRng).unwrap();
    let keyring = |error| refused_in(Step::Keyring, error);
    let mut changed = server().segments[0].clone();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(give(&mut recovery, &changed), keyring(Error::Decrypt));
    assert_eq!(give(&mut recovery, &server().packages[0]), keyring(Error::Unsupported { field: "type" }));
    for segment in server().segments.iter().chain(&server().segments) {
        assert_eq!(give(&mut recovery, segment), Ok(()));
    }
    recovery.proceed(&mut SystemRng).unwrap();
    let packages = |error| refused_in(Step::Packages, error);
    assert_eq!(give(&mut recovery, &server().segments[0]), packages(Error::Unsupported { field: "type" }));
    for package in server().packages.iter().chain(&server().packages) {
        assert_eq!(give(&mut recovery, package), Ok(()));
    }
    let mut changed = server().packages[3].clone();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(give(&mut recovery, &changed), Ok(()));
    recovery.proceed(&mut SystemRng).unwrap();
    let identities = |error| refused_in(Step::Identities, error);
    let other = Error::Argument { what: "nobody asked for" };
    assert_eq!(give(&mut recovery, &crowd()[5].public.to_bytes()), identities(other));
    assert_eq!(give(&mut recovery, &server().packages[0]), identities(Error::Unsupported { field: "type" }));
    let (_, more) = drive(&mut recovery, &mut |wanted| server().gives(wanted));
    assert_eq!(more, []);
    assert_eq!(recovery.give(&[], &mut SystemRng).unwrap_err().error, Error::Argument { what: "nothing is wanted" });
    let problems: Vec<_> = recovery.refused().collect();
    assert_eq!(problems, [(server().rooms[0], Refused { step: Step::Packages, error: Error::Decrypt })]);
    assert_eq!(recovery.progress().packages, 13);
    whole(&mut recovery.finish().unwrap());
}

/// What is kept back is named. [REC-03]
#[test]
fn what_is_missing_is_named() {
    let without = |change: &dyn Fn(&Wanted, &mut Vec<Vec<u8>>)| {
        let mut recovery = begin();
        drive(&mut recovery, &mut |wanted| {
            let mut blobs = server().gives(wanted);
            change(wanted, &mut blobs);
            blobs
        });
        (recovery.missing(), recovery.finish().unwrap())
    };
    // A segment that others name.
    let (missing, mut account) = without(&|wanted, blobs| {
        if *wanted == Wanted::Segments {
            blobs.remove(1);
        }
    });
    assert!(matches!(missing[..], [Missing::Segments(Lacking { first: 2, last: 2, .. })]), "{missing:?}");
    whole(&mut account);
    // Epochs, under from_join and shared; the first two under shared come back by what names them.
    let (missing, mut account) = without(&|wanted, blobs| match wanted {
        Wanted::Segments => blobs.clear(),
        Wanted::Packages { .. } => {
            blobs.remove(8);
            blobs.remove(2);
        }
        _ => {}
    });
    let gap = |n: usize, epoch: u64| Missing::Epochs {
        room: server().rooms[n],
        first: Epoch::new(epoch),
        last: Epoch::new(epoch),
    };
    let mut expected = vec![gap(0, 2), gap(1, 2)];
    expected.sort_by_key(|missing| if let Missing::Epochs { room, .. } = missing { Some(*room) } else { None });
    assert_eq!(missing, expected);
    assert_eq!(reads(&mut account).len(), 8);
    let (missing, _) = without(&|wanted, blobs| match wanted {
        Wanted::Segments => blobs.clear(),
        Wanted::Packages { .. } => drop(blobs.drain(6..8)),
        _ => {}
    });
    assert_eq!(missing, [Missing::Epochs { room: server().rooms[1], first: Epoch::new(0), last: Epoch::new(1) }]);
    // Bob's identity: what he made is not taken.
    let bob = *crowd()[1].public.fingerprint();
    let (missing, mut account) = without(&|wanted, blobs| {
        if let Wanted::Identities { .. } = wanted {
            blobs.retain(|blob| *blob != crowd()[1].public.to_bytes());
        }
    });
    assert!(missing.contains(&Missing::Identity(bob)), "{missing:?}");
    assert!(!reads(&mut account).is_empty());
    // The latest generation.
    let (_, account) = without(&|wanted, blobs| {
        if let Wanted::Transition { .. } = wanted {
            blobs.clear();
        }
    });
    assert_eq!(account.identities.len(), 1);
    assert!(account.rooms.iter().all(|room| room.me() == alice(0).public().fingerprint()));
    // A room of other people.
    let package = Room::create(&crowd()[1].sender(), &[], HistoryPolicy::Shared, &mut SystemRng).unwrap();
    let Info::RoomEpoch { room, .. } = inspect(&package).unwrap() else { panic!() };
    let (missing, mut account) = without(&|wanted, blobs| {
        if let Wanted::Packages { .. } = wanted {
            blobs.push(package.clone());
        }
    });
    assert_eq!(missing, [Missing::Room(room)]);
    whole(&mut account);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..ProptestConfig::default() })]

    /// Whatever is added, repeated, reordered or changed beside what is there, everything comes back; and what is left out
    /// takes nothing else with it. [REC-01]
    #[test]
    fn nothing_else_is_lost(
        seed in any::<u64>(),
        noise in proptest::collection::vec((any::<u16>(), any::<u16>(), any::<u8>()), 0..12),
        left_out in proptest::option::of(0..12_usize),
    ) {
        let mut choices = Choices(seed);
        let mut recovery = begin();
        drive(&mut recovery, &mut |wanted| {
            let mut blobs = server().gives(wanted);
            if let (Wanted::Packages { .. }, Some(place)) = (wanted, left_out) {
                blobs.remove(place);
            }
            let honest = blobs.clone();
            for (which, place, byte) in &noise {
                let Some(which) = usize::from(*which).checked_rem(honest.len()) else { continue };
                let mut changed = honest[which].clone();
                let place = usize::from(*place) % changed.len();
                changed[place] ^= byte;
                blobs.push(changed);
            }
            choices.shuffle(&mut blobs);
            blobs
        });
        let mut account = recovery.finish().unwrap();
        match left_out {
            // Those of the first room up to epoch 3 are in the keyring.
            Some(place) if place > 3 => {
                let epoch = place % 6;
                let lost = [epoch as u8, (place / 6) as u8];
                let read = reads(&mut account);
                for (_, content) in &server().messages {
                    let gone = content[..] == lost;
                    prop_assert!(gone || read.contains(content), "{lost:?} {content:?}");
                }
            }
            _ => whole(&mut account),
        }
    }
}

/// What becomes of the blobs of one step, by their places; and in what order they are given.
#[derive(Clone, Debug)]
struct Mangled {
    fates: Vec<u8>,
    place: u16,
    order: u64,
}

fn mangled() -> impl Strategy<Value = Mangled> {
    // More often than not a blob is given as it is.
    let fates = proptest::collection::vec(0..12_u8, 12);
    (fates, any::<u16>(), any::<u64>()).prop_map(|(fates, place, order)| Mangled { fates, place, order })
}

impl Mangled {
    /// Whether a blob is given as it is, among others or not.
    fn intact(&self, n: usize) -> bool {
        self.fates[n % self.fates.len()] > 1
    }

    fn intact_of(&self, blobs: &[Vec<u8>]) -> Vec<Vec<u8>> {
        blobs.iter().enumerate().filter(|(n, _)| self.intact(*n)).map(|(_, blob)| blob.clone()).collect()
    }

    fn give(&self, blobs: &[(usize, Vec<u8>)]) -> Vec<Vec<u8>> {
        let mut given = Vec::new();
        for (n, blob) in blobs {
            let changed = || {
                let (mut changed, place) = (blob.clone(), usize::from(self.place) % blob.len());
                changed[place] ^= 1 << (self.place % 8);
                changed
            };
            match self.fates[n % self.fates.len()] {
                0 => {}
                1 => given.push(changed()),
                2 => given.extend([changed(), blob.clone()]),
                3 => given.extend([blob[..usize::from(self.place) % blob.len()].to_vec(), blob.clone()]),
                4 => given.extend([blob.clone(), blob.clone()]),
                // Of a kind that no step wants.
                5 => given.extend([server().messages[0].0.clone(), Vec::new(), blob.clone()]),
                _ => given.push(blob.clone()),
            }
        }
        Choices(self.order).shuffle(&mut given);
        given
    }
}

/// The messages that open in rooms which `room` puts together.
fn reads_in(room: impl Fn(&RoomId) -> Option<Room>) -> Vec<Vec<u8>> {
    let people = people();
    let mut rooms: Vec<Room> = server().rooms.iter().filter_map(room).collect();
    let mut opens = |message: &[u8]| rooms.iter_mut().any(|room| room.open(message, b"", &people).is_ok());
    server().messages.iter().filter(|(message, _)| opens(message)).map(|(_, content)| content.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    /// Whatever of all that a server has is left out, changed, repeated or given in another order: what opens by the segments
    /// alone that came as they are, and what opens by the packages alone, is back; and nothing panics or goes on for ever.
    /// [REC-01] [REC-02] [REC-03]
    #[test]
    fn no_blob_takes_another_with_it(
        transitions in mangled(),
        segments in mangled(),
        packages in mangled(),
        identities in mangled(),
    ) {
        let numbered = |blobs: &[Vec<u8>]| blobs.iter().cloned().enumerate().collect::<Vec<_>>();
        let others: Vec<(usize, Fingerprint, Vec<u8>)> =
            server().identities.iter().enumerate().map(|(n, (who, blob))| (n, *who, blob.clone())).collect();
        let mut recovery = begin();
        drive(&mut recovery, &mut |wanted| match wanted {
            Wanted::Transition { .. } => transitions.give(&numbered(&server().transitions)),
            Wanted::Segments => segments.give(&numbered(&server().segments)),
            Wanted::Packages { .. } => packages.give(&numbered(&server().packages)),
            Wanted::Identities { of } => {
                let of = others.iter().filter(|(_, who, _)| of.contains(who));
                identities.give(&of.map(|(n, _, blob)| (*n, blob.clone())).collect::<Vec<_>>())
            }
            _ => panic!("{wanted:?}"),
        });

        // What each could do for itself.
        let rng = &mut SystemRng;
        let generations = if transitions.intact(0) { 2 } else { 1 };
        prop_assert_eq!(recovery.identities().len(), generations);
        let mine: Vec<Fingerprint> = (0..generations).map(|n| *alice(n as u32).public().fingerprint()).collect();
        let keys: Vec<SymmetricKey> = (0..generations).map(|n| alice(n as u32).keyring_key().unwrap()).collect();
        let keys: Vec<&SymmetricKey> = keys.iter().collect();
        let mut keyring = Keyring::new(rng).unwrap();
        let mut covers = Vec::new();
        for segment in segments.intact_of(&server().segments) {
            // Not those of a generation that did not come.
            covers.extend(keyring.merge(&segment, &keys, rng));
        }
        let by_segments = reads_in(|id| keyring.room(id, &mine, &mut SystemRng).ok());
        let intact = packages.intact_of(&server().packages);
        let intact: Vec<&[u8]> = intact.iter().map(|package| &package[..]).collect();
        let known: Vec<PublicIdentity> = others
            .iter()
            .filter(|(n, who, _)| identities.intact(*n) || mine.contains(who))
            .map(|(_, _, blob)| PublicIdentity::from_bytes(blob).unwrap())
            .collect();
        let readers: Vec<Reader<'_>> = (0..generations).rev().map(|n| alice(n as u32).reader()).collect();
        let recovered = |id: &RoomId| Room::recover(id, &intact, &readers, &known, &mut SystemRng).ok();
        let by_packages = reads_in(|id| Some(recovered(id)?.room));

        let missing = recovery.missing();
        for lacking in keyring.lacking(&covers) {
            prop_assert!(missing.contains(&Missing::Segments(lacking)), "{lacking:?} {missing:?}");
        }
        let mut account = recovery.finish().unwrap();
        prop_assert!(account.rooms.iter().all(|room| room.standing() != Standing::Confirmed));
        let read = reads(&mut account);
        for content in by_segments.iter().chain(&by_packages) {
            prop_assert!(read.contains(content), "{content:?} is lost: {read:?}, {by_segments:?}, {by_packages:?}");
        }
        // It can be stored, and goes on.
        let key = SymmetricKey::generate(rng).unwrap();
        for room in &account.rooms {
            let again = Room::load(&room.save(&key, rng).unwrap(), &key).unwrap();
            prop_assert_eq!(again.transcript(), room.transcript());
        }
        let stored = account.keyring.save(&key, rng).unwrap();
        prop_assert!(Keyring::load(&stored, &key).is_ok());
    }
}

/// Somebody who knew a room begins another history of it: the true one is there from the keyring. [REC-01]
#[test]
fn a_keyring_names_the_true_head() {
    let first = &server().packages[0];
    let known = Known::of(first, alice(0).reader(), crowd()[2].id());
    let mut body = known.next();
    body.previous = [7; 32];
    let mallory = crowd()[1].sender();
    let early = Craft::new(body, mallory, &[&crowd()[1].public, &crowd()[2].public, alice(0).public()]);
    let early = early.with_previous(&[7; 32]).seal();
    let mut recovery = begin();
    drive(&mut recovery, &mut |wanted| match wanted {
        Wanted::Packages { .. } => [vec![early.clone()], server().gives(wanted)].concat(),
        _ => server().gives(wanted),
    });
    let problems: Vec<_> = recovery.refused().collect();
    assert_eq!(problems, [(server().rooms[0], Refused { step: Step::Packages, error: refused("ROOM-08") })]);
    whole(&mut recovery.finish().unwrap());
}

/// After a device was lost: what is left to do is told until it is done, and what the thief has opens nothing after it.
/// [CRT-02] [ROOM-14]
#[test]
fn a_lost_device_is_left_behind() {
    let (rng, bob) = (&mut SystemRng, &crowd()[1]);
    let (root, old) = (Root::from_bip39_seed(&[0xb2; 64]), &Root::from_bip39_seed(&[0xb2; 64]));
    let old = old.identity(Profile::P256, 0, rng).unwrap();
    let thief = old.clone();
    let mut succession = Succession::new(&root, &old, Profile::P256, rng).unwrap();
    let new = succession.identity().clone();
    let people = vec![old.public().clone(), new.public().clone(), bob.public.clone()];
    let mut keyring = Keyring::new(rng).unwrap();
    keyring.know(old.public()).unwrap();
    let make = |rng: &mut SystemRng| {
        let package = Room::create(&bob.sender(), &[(old.public(), Role::Member)], HistoryPolicy::Shared, rng).unwrap();
        let join = |reader, rng: &mut SystemRng| Room::join(&package, &bob.public, &[reader], rng).unwrap().finish();
        [join(old.reader(), rng).unwrap(), join(bob.reader(), rng).unwrap(), join(thief.reader(), rng).unwrap()]
    };
    let ([mut one, mut bobs, mut stolen], [mut other, ..]) = (make(rng), make(rng));
    let (first, second) = (Left::Room(*one.id()), Left::Room(*other.id()));
    assert_eq!(succession.left(&[&one, &other]), [Left::Publish, Left::Keyring, first, second, Left::Devices]);
    succession.published();
    let whole = succession.seal_keyring(&mut keyring, rng).unwrap();
    assert_eq!(
        Keyring::new(rng).unwrap().merge(&whole, &[&thief.keyring_key().unwrap()], &mut SystemRng).err(),
        Some(Error::Decrypt)
    );
    let mut again = Keyring::new(rng).unwrap();
    again.merge(&whole, &[&new.keyring_key().unwrap()], &mut SystemRng).unwrap();
    assert_eq!(Directory::identity(&again, new.public().fingerprint()), Some(new.public()));
    succession.keyring_uploaded();
    let package = succession.replace(&one).unwrap().seal(&new.sender(), &people, rng).unwrap();
    for (room, reader) in [(&mut one, new.reader()), (&mut bobs, bob.reader())] {
        assert!(matches!(room.apply(&package, &[reader], &people, rng), Ok(Applied::Head { .. })));
    }
    assert_eq!(stolen.apply(&package, &[thief.reader()], &people, rng), Err(Error::Decrypt));
    let message = bobs.seal(&Draft::new(b"without the thief"), &bob.sender(), rng).unwrap();
    assert!(one.open(&message, b"", &people).is_ok());
    assert!(matches!(stolen.open(&message, b"", &people), Err(Error::UnknownEpoch { .. })));
    assert_eq!(succession.left(&[&one, &other]), [second, Left::Devices]);
    succession.devices_linked();
    let package = succession.replace(&other).unwrap().seal(&new.sender(), &people, rng).unwrap();
    other.apply(&package, &[new.reader()], &people, rng).unwrap();
    assert_eq!(succession.left(&[&one, &other]), []);
    // The lost device's certificate names the old generation.
    let device = P256PrivateKey::generate(rng).unwrap();
    let issue = |who: &Identity, rng: &mut SystemRng| {
        DeviceCertificate::issue(&who.sender(), [1; 16], device.public_key(), 0..100, rng).unwrap()
    };
    let clock = Clock::at(50);
    assert!(issue(&thief, rng).verify(new.public(), &clock).is_err());
    assert_eq!(issue(&new, rng).verify(new.public(), &clock), Ok(()));
    // The same words make the same step again.
    let again = Succession::new(&root, &old, Profile::P256, rng).unwrap();
    assert_eq!(again.identity().public(), new.public());
    assert_eq!(again.left(&[&one, &other]), [Left::Publish, Left::Keyring, Left::Devices]);
}
