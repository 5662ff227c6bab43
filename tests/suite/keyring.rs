//! The keyring: merged in any order, with what is missing and in conflict named. SPEC §20.

use crate::common::hand::vector;
use crate::common::keyrings::register;
use crate::common::rooms::*;
use crate::common::{Draws, generation, person, symmetric};
use p256::ecdsa::signature::hazmat::RandomizedPrehashSigner;
use proptest::collection::vec;
use proptest::prelude::*;
use sealroom::*;
use std::sync::OnceLock;

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;
const DAVE: usize = 3;

/// Two generations of one person, and the transition between them.
fn succession() -> &'static ([Identity; 2], Transition) {
    static MADE: OnceLock<([Identity; 2], Transition)> = OnceLock::new();
    MADE.get_or_init(|| {
        let identities = [0, 1].map(|n| generation(20, n));
        let root = Root::from_bip39_seed(&[20; 64]);
        let transition = root.succeed(&identities[0], &identities[1], &mut SystemRng).unwrap();
        (identities, transition)
    })
}

/// An ECDSA signature, another one each time.
fn signed(key: &P256PrivateKey, digest: &[u8; 32]) -> Vec<u8> {
    let der = key.to_pkcs8_der().unwrap();
    let key = p256::ecdsa::SigningKey::from_slice(&der.expose()[36..68]).unwrap();
    let signature: p256::ecdsa::Signature = key.sign_prehash_with_rng(&mut SystemRng, digest).unwrap();
    signature.normalize_s().to_bytes().to_vec()
}

/// Dave, signed anew.
fn dave_anew() -> PublicIdentity {
    let dave = &crowd()[DAVE];
    let [encryption, signing] = [&dave.encryption, &dave.signing].map(|key| key.public_key().clone());
    let unsigned = UnsignedIdentity::p256(0, encryption, signing, dave.rotation.public_key()).unwrap();
    let digest = unsigned.digest();
    unsigned.complete(&signed(&dave.signing, &digest)).unwrap()
}

/// One and the same step of Dave, signed anew.
fn step_anew() -> Transition {
    let (dave, (new, _)) = (&crowd()[DAVE], successor(&crowd()[DAVE], 66));
    let unsigned = UnsignedTransition::new(&dave.public, &new.public, dave.rotation.public_key()).unwrap();
    let [digest, rotation] = unsigned.digests().unwrap();
    unsigned.complete(&signed(&dave.signing, &digest), &signed(&dave.rotation, &rotation)).unwrap()
}

/// Dave and his step, each signed twice.
fn twice() -> &'static [(PublicIdentity, Transition); 2] {
    static MADE: OnceLock<[(PublicIdentity, Transition); 2]> = OnceLock::new();
    MADE.get_or_init(|| [(); 2].map(|()| (dave_anew(), step_anew())))
}

fn key() -> &'static SymmetricKey {
    static KEY: OnceLock<SymmetricKey> = OnceLock::new();
    KEY.get_or_init(|| symmetric(9))
}

fn keyring() -> Keyring {
    Keyring::new(&mut SystemRng).unwrap()
}

fn public(n: usize) -> &'static PublicIdentity {
    &crowd()[n].public
}

fn fingerprint(n: usize) -> Fingerprint {
    *public(n).fingerprint()
}

fn entries(keyring: &Keyring) -> Vec<u8> {
    hazmat::keyring_entries(keyring)
}

fn part(keyring: &mut Keyring) -> Vec<u8> {
    keyring.part(key(), &mut SystemRng).unwrap()
}

fn whole(keyring: &mut Keyring) -> Vec<u8> {
    keyring.whole(key(), &mut SystemRng).unwrap()
}

/// What fails leaves the keyring as it was.
fn merge(keyring: &mut Keyring, segment: &[u8]) -> Result<Merged, Error> {
    let before = state(keyring);
    let merged = keyring.merge(segment, &[&symmetric(1), key()], &mut SystemRng);
    assert!(merged.is_ok() || state(keyring) == before);
    merged
}

/// All of it, as it is stored.
fn state(keyring: &Keyring) -> Vec<u8> {
    let stored = keyring.save(key(), &mut SystemRng).unwrap();
    let locked = Locked::decode(&stored, &Limits::default()).unwrap();
    let unlocked = locked.unlock(&[Reader::symmetric(key())], &mut SystemRng).unwrap();
    hazmat::dek_and_content(unlocked, locked.payload()).unwrap().1
}

fn content(segment: &[u8]) -> Vec<u8> {
    let locked = Locked::decode(segment, &Limits::default()).unwrap();
    let unlocked = locked.unlock(&[Reader::symmetric(key())], &mut SystemRng).unwrap();
    hazmat::dek_and_content(unlocked, locked.payload()).unwrap().1
}

fn sealed(content: &[u8]) -> Vec<u8> {
    let to = [Recipient::symmetric(key())];
    let envelope = Envelope::to(&to).padding(Padding::Padme);
    hazmat::seal_as(&envelope, ContentType::Keyring, content, &mut SystemRng).unwrap()
}

/// A Segment by hand. SPEC §20.1
struct Segment {
    device: [u8; 8],
    revision: u64,
    kind: u8,
    seen: Vec<([u8; 8], u64)>,
    /// Kind and content.
    entries: Vec<(u8, Vec<u8>)>,
}

impl Segment {
    fn part(device: u8, revision: u64, entries: &[(u8, Vec<u8>)]) -> Self {
        Self { device: [device; 8], revision, kind: 2, seen: Vec::new(), entries: entries.to_vec() }
    }

    fn content(&self) -> Vec<u8> {
        let seen: Vec<u8> =
            self.seen.iter().flat_map(|(device, revision)| [&device[..], &revision.to_be_bytes()].concat()).collect();
        let entries: Vec<u8> =
            self.entries.iter().flat_map(|(kind, content)| [vec![*kind], vector(content)].concat()).collect();
        [&self.device[..], &self.revision.to_be_bytes(), &[self.kind], &vector(&seen), &vector(&entries)].concat()
    }

    fn seal(&self) -> Vec<u8> {
        sealed(&self.content())
    }
}

/// A room of Alice and Bob in three states, each one epoch later, and on another branch.
fn rooms() -> &'static [Vec<u8>] {
    static ROOMS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    ROOMS.get_or_init(|| {
        let (mut devices, _) = Device::rooms(HistoryPolicy::FromJoin, &[ALICE, BOB], 2);
        let mut states = vec![devices[0].state()];
        let mut other = devices[0].copy();
        for _ in 0..2 {
            let package = devices[1].package(Room::refresh);
            devices.iter_mut().for_each(|device| assert_eq!(device.apply(&package), head(BOB)));
            states.push(devices[0].state());
        }
        let package = other.package(Room::refresh);
        assert_eq!(other.apply(&package), head(ALICE));
        states.push(other.state());
        states
    })
}

fn room(n: usize) -> Room {
    hazmat::room_of_state(&rooms()[n % rooms().len()]).unwrap()
}

/// What a device does to its keyring.
#[derive(Clone, Debug)]
enum Act {
    Record(usize),
    Pin(u8, usize),
    Unpin(u8),
    Verify(usize, bool),
    Keep(bool),
    Follow,
    Know(usize),
    Step(usize),
    Upload { whole: bool },
    Merge(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => (0..4_usize).prop_map(Act::Record),
        3 => (0..2_u8, 0..4_usize).prop_map(|(name, who)| Act::Pin(name, who)),
        1 => (0..2_u8).prop_map(Act::Unpin),
        2 => (0..3_usize, any::<bool>()).prop_map(|(who, verified)| Act::Verify(who, verified)),
        1 => any::<bool>().prop_map(Act::Keep),
        1 => Just(Act::Follow),
        2 => (0..2_usize).prop_map(Act::Know),
        1 => (0..2_usize).prop_map(Act::Step),
        5 => prop_oneof![4 => Just(false), 1 => Just(true)].prop_map(|whole| Act::Upload { whole }),
        5 => any::<usize>().prop_map(Act::Merge),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    /// Merging is commutative, associative and idempotent: whoever merged all segments, in whatever order and with repeats, has
    /// the same entries, values and conflicts; and what was kept back is named. [KRG-04] [KRG-05] [KRG-06]
    #[test]
    fn merging_knows_no_order(
        acts in vec((0..3_usize, act()), 1..40),
        order in vec(any::<usize>(), 0..60),
        withheld in any::<usize>(),
    ) {
        let mut devices = [keyring(), keyring(), keyring()];
        let mut uploaded: Vec<Vec<u8>> = Vec::new();
        for (device, act) in acts {
            let device = &mut devices[device];
            match act {
                Act::Record(n) => device.record(&room(n)).unwrap(),
                Act::Pin(name, who) => device.pin(&[name + 1], public(who)).unwrap(),
                Act::Unpin(name) => device.unpin(&[name + 1]).unwrap(),
                Act::Verify(who, verified) => device.set_verified(&fingerprint(who), verified).unwrap(),
                Act::Keep(kept) => device.set_kept(room(0).id(), kept).unwrap(),
                Act::Follow => {
                    let ([old, _], transition) = succession();
                    device.know(old.public()).unwrap();
                    device.follow(transition).unwrap();
                }
                Act::Know(n) => device.know(&twice()[n].0).unwrap(),
                Act::Step(n) => {
                    device.know(public(DAVE)).unwrap();
                    device.follow(&twice()[n].1).unwrap();
                }
                Act::Upload { whole: true } => uploaded.push(whole(device)),
                Act::Upload { whole: false } => uploaded.push(part(device)),
                Act::Merge(which) => {
                    if let Some(which) = which.checked_rem(uploaded.len()) {
                        merge(device, &uploaded[which]).unwrap();
                    }
                }
            }
        }
        devices.iter_mut().for_each(|device| uploaded.push(part(device)));
        let mut seen = None;
        for mut device in devices.into_iter().chain([keyring()]) {
            for which in order.iter().map(|which| which % uploaded.len()) {
                merge(&mut device, &uploaded[which]).unwrap();
            }
            let covers: Vec<Merged> = uploaded.iter().map(|segment| merge(&mut device, segment).unwrap()).collect();
            // Dave may be there with any of three signatures.
            let dave = |device: &Keyring| device.identity(&fingerprint(DAVE)).map(PublicIdentity::to_bytes);
            let mine = (entries(&device), device.conflicts(), dave(&device));
            prop_assert_eq!(seen.get_or_insert(mine.clone()), &mine);
            prop_assert_eq!(device.lacking(&covers), []);
            // What no other segment covers is missed.
            let which = withheld % uploaded.len();
            let given: Vec<Merged> =
                covers.iter().enumerate().filter(|(n, _)| *n != which).map(|(_, covers)| covers.clone()).collect();
            let lacking = device.lacking(&given);
            prop_assert!(lacking.len() <= 1);
            if which + 3 >= uploaded.len() {
                prop_assert_eq!(lacking.len(), 1);
                prop_assert_eq!(lacking[0].first, lacking[0].last);
            }
            // A state comes back as it is.
            let stored = device.save(key(), &mut SystemRng).unwrap();
            let loaded = Keyring::load(&stored, key()).unwrap();
            prop_assert_eq!(state(&loaded), state(&device));
            prop_assert_eq!(dave(&loaded), dave(&device));
            prop_assert_eq!(loaded.lacking(&given), lacking);
            prop_assert_eq!(loaded.contacts().count(), device.contacts().count());
            prop_assert_eq!(loaded.rooms().count(), device.rooms().count());
        }
    }
}

/// A part holds what is new, a whole all of it, and both name what was merged. Written by hand it is the same. [KRG-01]
#[test]
fn segments_hold_what_is_new() {
    let mut one = keyring();
    one.pin(b"bob", public(BOB)).unwrap();
    let first = content(&part(&mut one));
    let device: [u8; 8] = first[..8].try_into().unwrap();
    let pin = (4, [&[3][..], &vector(b"bob"), &1_u64.to_be_bytes(), &device, &vector(&crowd()[BOB].id())].concat());
    let identity = (2, public(BOB).to_bytes());
    let expected = Segment { device, ..Segment::part(0, 1, &[identity.clone(), pin.clone()]) };
    assert_eq!(first, expected.content());
    // Nothing new is an empty part, and a revision all the same.
    assert!(!one.has_news());
    assert_eq!(content(&part(&mut one)), Segment { device, ..Segment::part(0, 2, &[]) }.content());
    one.set_verified(&fingerprint(BOB), true).unwrap();
    one.set_verified(&fingerprint(BOB), true).unwrap();
    assert!(one.has_news());
    let verified = (4, [&[4][..], &vector(&crowd()[BOB].id()), &1_u64.to_be_bytes(), &device, &vector(&[1])].concat());
    assert_eq!(
        content(&part(&mut one)),
        Segment { device, ..Segment::part(0, 3, std::slice::from_ref(&verified)) }.content()
    );
    let all = Segment { device, kind: 1, ..Segment::part(0, 4, &[identity, pin, verified]) };
    assert_eq!(content(&whole(&mut one)), all.content());
    // What was merged up to a gap is named.
    merge(&mut one, &Segment::part(1, 1, &[]).seal()).unwrap();
    merge(&mut one, &Segment::part(1, 3, &[]).seal()).unwrap();
    let named = Segment { device, seen: vec![([1; 8], 1)], ..Segment::part(0, 5, &[]) };
    assert_eq!(content(&part(&mut one)), named.content());
    merge(&mut one, &Segment::part(1, 2, &[]).seal()).unwrap();
    let named = Segment { device, seen: vec![([1; 8], 3)], ..Segment::part(0, 6, &[]) };
    assert_eq!(content(&part(&mut one)), named.content());
    // What fails changes nothing.
    let before = state(&one);
    assert_eq!(one.part(key(), &mut Draws::failing(1, 0)), Err(Error::Generator));
    assert_eq!(state(&one), before);
}

/// Another form of the envelope or of its content is refused. [KRG-01] [KRG-02]
#[test]
fn other_segments_are_refused() {
    let mut one = keyring();
    let good = Segment { seen: vec![([2; 8], 1)], ..Segment::part(1, 1, &[register(2, &[7; 16], 1, 1, &[1])]) };
    assert!(merge(&mut one, &good.seal()).is_ok());
    let (other, content) = (symmetric(5), good.content());
    let (to, both, mine) =
        ([Recipient::symmetric(key())], [Recipient::symmetric(key()), Recipient::symmetric(&other)], person(1));
    let padme = Padding::Padme;
    let with_public = [Recipient::symmetric(key()), mine.public().recipient()];
    for envelope in [
        Envelope::to(&to),
        Envelope::to(&to).padding(padme).public_data(&[0]),
        Envelope::to(&both).padding(padme),
        Envelope::to(&with_public).padding(padme),
        Envelope::to(&to).padding(padme).signed_by(mine.sender()).without_copy_for_me(),
    ] {
        let sealed = hazmat::seal_as(&envelope, ContentType::Keyring, &content, &mut SystemRng).unwrap();
        assert_eq!(merge(&mut one, &sealed).err(), Some(Error::Malformed { field: "keyring" }));
    }
    let padded = Envelope::to(&to).padding(padme);
    for other in [ContentType::RoomState, ContentType::KeyringState, ContentType::Message] {
        let sealed = hazmat::seal_as(&padded, other, &content, &mut SystemRng).unwrap();
        assert_eq!(merge(&mut one, &sealed).err(), Some(Error::Unsupported { field: "type" }));
    }
    assert_eq!(one.merge(&good.seal(), &[&other], &mut SystemRng).err(), Some(Error::Decrypt));
    assert_eq!(one.merge(&good.seal(), &[], &mut SystemRng).err(), Some(Error::Decrypt));
    let honest = good.seal();
    for place in 0..honest.len() {
        let mut changed = honest.clone();
        changed[place] ^= 1;
        assert!(merge(&mut one, &changed).is_err(), "{place}");
    }
    let mut no = |name: &str, change: &dyn Fn(&mut Segment)| {
        let mut other = Segment { seen: good.seen.clone(), entries: good.entries.clone(), ..good };
        change(&mut other);
        assert!(matches!(merge(&mut one, &other.seal()), Err(Error::Malformed { .. })), "{name}");
    };
    no("revision", &|segment| segment.revision = 0);
    no("kind", &|segment| segment.kind = 0);
    no("kind", &|segment| segment.kind = 3);
    no("itself", &|segment| segment.seen[0].0 = [1; 8]);
    no("a revision of 0", &|segment| segment.seen[0].1 = 0);
    no("a device twice", &|segment| segment.seen = vec![([2; 8], 1), ([2; 8], 2)]);
    no("order of devices", &|segment| segment.seen = vec![([3; 8], 1), ([2; 8], 2)]);
    no("an entry twice", &|segment| segment.entries = vec![segment.entries[0].clone(); 2]);
    no("order", &|segment| segment.entries = vec![(200, vec![2]), (200, vec![1])]);
    no("order of kinds", &|segment| segment.entries = vec![(201, vec![1]), (200, vec![1])]);
    for (name, entry) in [
        ("clock", register(2, &[7; 16], 0, 1, &[1])),
        ("kept", register(2, &[7; 16], 1, 1, &[0])),
        ("kept", register(2, &[7; 16], 1, 1, &[3])),
        ("kept", register(2, &[7; 15], 1, 1, &[1])),
        ("head", register(1, &[7; 16], 1, 1, &[1; 31])),
        ("head", register(1, &[7; 17], 1, 1, &[1; 32])),
        ("contact", register(3, &[], 1, 1, &[1; 32])),
        ("contact", register(3, &[7; 256], 1, 1, &[1; 32])),
        ("contact", register(3, b"bob", 1, 1, &[1; 33])),
        ("verified", register(4, &[7; 32], 1, 1, &[1, 1])),
        ("verified", register(4, &[7; 31], 1, 1, &[1])),
        ("a byte more", (4, [register(2, &[7; 16], 1, 1, &[1]).1, vec![0]].concat())),
        ("a byte less", (4, register(2, &[7; 16], 1, 1, &[1]).1[1..].to_vec())),
        ("epoch", (1, vec![0; 100])),
        ("transition", (3, vec![0; 100])),
    ] {
        no(name, &|segment| segment.entries = vec![entry.clone()]);
    }
    let mut identity = public(BOB).to_bytes();
    *identity.last_mut().unwrap() ^= 1;
    let forged = Segment::part(1, 1, &[(2, identity)]).seal();
    assert_eq!(merge(&mut one, &forged).err(), Some(Error::Signature));
    let mut long = good.content();
    long.push(0);
    assert!(merge(&mut one, &sealed(&long)).is_err());
}

/// Epochs by hand, and every byte of theirs that has a form. [KRG-02] [KRG-08]
#[test]
fn epochs_are_kept_as_specified() {
    let (devices, package) = Device::rooms(HistoryPolicy::FromJoin, &[ALICE, BOB], 2);
    let known = Known::of(&package, crowd()[ALICE].reader(), crowd()[ALICE].id());
    let mut one = keyring();
    one.record(&devices[0].room).unwrap();
    let recorded = content(&part(&mut one));
    let epoch = [&known.body.encode()[..], &known.signer, &known.commitment, &[1], &known.secret].concat();
    let device: [u8; 8] = recorded[..8].try_into().unwrap();
    let id = devices[0].room.id();
    let value = vector(&known.transcript());
    let head = (4, [&[1][..], &vector(id.as_bytes()), &1_u64.to_be_bytes(), &device, &value].concat());
    let expected = Segment { device, ..Segment::part(0, 1, &[(1, epoch.clone()), head]) };
    assert_eq!(recorded, expected.content());
    for (place, byte) in [(epoch.len() - 33, 0), (epoch.len() - 33, 3), (48 + 8 + 32, 0), (48 + 8 + 32, 3)] {
        let mut other = epoch.clone();
        other[place] = byte;
        assert!(merge(&mut one, &Segment::part(5, 1, &[(1, other)]).seal()).is_err());
    }
    assert!(merge(&mut one, &Segment::part(5, 1, &[(1, epoch[1..].to_vec())]).seal()).is_err());
}

/// What a later version wrote is kept, merged and passed on. [KRG-03]
#[test]
fn unknown_entries_are_kept() {
    let new = [register(99, b"of tomorrow", 3, 1, b"value"), (77, b"a fact".to_vec()), (255, vec![])];
    let mut one = keyring();
    merge(&mut one, &Segment::part(1, 1, &new).seal()).unwrap();
    merge(&mut one, &Segment::part(2, 1, &[register(99, b"of tomorrow", 2, 2, b"older")]).seal()).unwrap();
    let mut other = keyring();
    merge(&mut other, &whole(&mut one)).unwrap();
    let expected: Vec<u8> = new.iter().flat_map(|(kind, content)| [vec![*kind], vector(content)].concat()).collect();
    assert_eq!((entries(&other), entries(&one)), (expected.clone(), expected));
    merge(&mut one, &Segment::part(2, 2, &[register(99, b"of tomorrow", 3, 2, b"beside")]).seal()).unwrap();
    assert_eq!(one.conflicts(), [Conflict::Unknown]);
}

/// The greatest clock, then the greatest device, then the greatest value; what was written beside it is named until it is
/// written anew. [KRG-04] [KRG-05]
#[test]
fn conflicts_are_kept_and_named() {
    let (bob, carol) = (crowd()[BOB].id(), crowd()[CAROL].id());
    let identities = [(2, public(BOB).to_bytes()), (2, public(CAROL).to_bytes())];
    let mut one = keyring();
    for identity in &identities {
        merge(&mut one, &Segment::part(1, 1, std::slice::from_ref(identity)).seal()).unwrap();
    }
    let pinned = |one: &Keyring| one.contact(b"x").map(|contact| *contact.identity.fingerprint().as_bytes());
    let mut take = |revision: u64, entry: (u8, Vec<u8>)| {
        merge(&mut one, &Segment::part(1, revision, &[entry]).seal()).unwrap();
        (pinned(&one), one.conflicts())
    };
    let named = vec![Conflict::Contact(b"x".to_vec())];
    assert_eq!(take(2, register(3, b"x", 2, 5, &bob)), (Some(bob), vec![]));
    assert_eq!(take(3, register(3, b"x", 1, 6, &carol)), (Some(bob), vec![]));
    assert_eq!(take(4, register(3, b"x", 2, 4, &carol)), (Some(bob), named.clone()));
    assert_eq!(take(5, register(3, b"x", 2, 7, &carol)), (Some(carol), named.clone()));
    assert_eq!(take(6, register(3, b"x", 2, 7, &[])), (Some(carol), named));
    one.pin(b"x", public(CAROL)).unwrap();
    assert_eq!((pinned(&one), one.conflicts()), (Some(carol), vec![]));
    let written = content(&part(&mut one));
    assert!(written.windows(8).any(|bytes| bytes == 3_u64.to_be_bytes()));
    // Who writes what one of two devices wrote has said which it is.
    let mut settled = keyring();
    let both = [register(3, b"x", 2, 4, &carol), register(3, b"x", 2, 5, &bob)];
    for entries in [&identities[..1], &identities[1..], &both] {
        merge(&mut settled, &Segment::part(1, 1, entries).seal()).unwrap();
    }
    assert_eq!(settled.conflicts(), [Conflict::Contact(b"x".to_vec())]);
    settled.pin(b"x", public(CAROL)).unwrap();
    assert_eq!((settled.contact(b"x").unwrap().identity, settled.conflicts()), (public(CAROL), vec![]));
    // The same by two devices is none.
    let mut two = keyring();
    let mut take = |entries: &[(u8, Vec<u8>)]| merge(&mut two, &Segment::part(1, 9, entries).seal()).map(|_| ());
    take(&[register(3, b"x", 4, 1, &bob), register(3, b"x", 4, 2, &bob)]).unwrap();
    take(&[register(1, &[7; 16], 1, 1, &[1; 32]), register(1, &[7; 16], 1, 2, &[2; 32])]).unwrap();
    take(&[register(2, &[7; 16], 1, 1, &[1]), register(2, &[7; 16], 1, 2, &[2])]).unwrap();
    take(&[(2, public(BOB).to_bytes())]).unwrap();
    take(&[register(4, &bob, 1, 1, &[2]), register(4, &bob, 1, 2, &[1])]).unwrap();
    take(&[register(3, b"y", u64::MAX, 1, &bob)]).unwrap();
    let id = RoomId::from_bytes([7; 16]);
    let expected = [Conflict::Head(id), Conflict::Kept(id), Conflict::Verified(fingerprint(BOB))];
    assert_eq!(two.conflicts(), expected);
    // Where devices disagree, nobody is verified.
    assert_eq!(two.contact(b"x").map(|contact| contact.verified), Some(false));
    // The last clock of all.
    assert_eq!(two.pin(b"y", public(CAROL)), Err(Error::Limit { limit: "clock" }));
    assert_eq!(two.pin(b"y", public(BOB)), Ok(()));
}

/// A server that gives less than was seen is noticed: by who saw it, and by who sees that others did. [KRG-06]
#[test]
fn rollback_is_noticed() {
    let mut phone = keyring();
    let mut uploaded = Vec::new();
    for who in [ALICE, BOB, CAROL] {
        phone.know(public(who)).unwrap();
        uploaded.push(part(&mut phone));
    }
    let mut tablet = keyring();
    let covers: Vec<Merged> = uploaded.iter().map(|segment| merge(&mut tablet, segment).unwrap()).collect();
    assert!(tablet.lacking(&covers).is_empty());
    // Rolled back to the first: the tablet and the phone itself know better.
    let missing = |keyring: &Keyring, covers: &[Merged]| -> Vec<(u64, u64)> {
        let mut all: Vec<_> = keyring.lacking(covers).iter().map(|lacking| (lacking.first, lacking.last)).collect();
        all.sort(); // their order is that of devices, whose ids are drawn
        all
    };
    assert_eq!((missing(&tablet, &covers[..1]), missing(&phone, &covers[..1])), (vec![(2, 3)], vec![(2, 3)]));
    assert_eq!(missing(&tablet, &[covers[1].clone()]), [(1, 1), (3, 3)]);
    assert_eq!(missing(&tablet, &[]), [(1, 3)]);
    // A new device gets what the tablet wrote, which names all that the tablet saw.
    let by_tablet = part(&mut tablet);
    let mut new = keyring();
    let given = [merge(&mut new, &by_tablet).unwrap(), merge(&mut new, &uploaded[2]).unwrap()];
    assert_eq!(missing(&new, &given), [(1, 2)]);
    // A whole one covers all of that, and its own; not what came after.
    let covering = whole(&mut tablet);
    let after = part(&mut phone);
    let given = [merge(&mut new, &covering).unwrap()];
    assert_eq!(missing(&new, &given), []);
    merge(&mut new, &after).unwrap();
    assert_eq!(missing(&new, &given), [(4, 4)]);
    assert_eq!(entries(&new), entries(&tablet));
    // What a server can drop then: what the whole one covers, but not that itself nor what came later. A part covers nothing.
    let segments = [&uploaded[..], &[by_tablet, covering, after]].concat();
    let all: Vec<Merged> = segments.iter().map(|segment| merge(&mut tablet, segment).unwrap()).collect();
    let replaced = |one: &Merged| all.iter().map(|other| one.replaces(other)).collect::<Vec<_>>();
    assert_eq!(replaced(&all[4]), [true, true, true, true, false, false]);
    assert_eq!(replaced(&all[5]), [false; 6]);
    // A device that was restored learns from the server that its numbers are taken, and goes on as another one, with all that
    // it holds. [KRG-10]
    let mut restored = keyring();
    let stored = restored.save(key(), &mut SystemRng).unwrap();
    let last = part(&mut restored);
    let mut restored = Keyring::load(&stored, key()).unwrap();
    merge(&mut restored, &last).unwrap();
    restored.know(public(ALICE)).unwrap();
    let (before, after) = (content(&last), content(&part(&mut restored)));
    assert_ne!(after[..8], before[..8]);
    assert_eq!((&after[8..16], after[16]), (&1_u64.to_be_bytes()[..], 2));
    let named = Segment { device: after[..8].try_into().unwrap(), ..Segment::part(0, 1, &[]) };
    let seen = vec![(before[..8].try_into().unwrap(), 1)];
    let entries = vec![(2, public(ALICE).to_bytes())];
    assert_eq!(after, Segment { seen, entries, ..named }.content());
    // So does one that another device names with a number which it did not write; and what it wrote is written again.
    let mut copied = keyring();
    copied.know(public(BOB)).unwrap();
    let own: [u8; 8] = content(&part(&mut copied))[..8].try_into().unwrap();
    merge(&mut copied, &Segment { seen: vec![(own, 1)], ..Segment::part(1, 1, &[]) }.seal()).unwrap();
    assert_eq!(content(&part(&mut copied))[..8], own);
    merge(&mut copied, &Segment { seen: vec![(own, 3)], ..Segment::part(1, 2, &[]) }.seal()).unwrap();
    assert_eq!(missing(&copied, &[]), [(1, 2), (1, 3)]);
    let anew = content(&part(&mut copied));
    assert_ne!(anew[..8], own);
    assert!(anew.windows(32).any(|bytes| bytes == &public(BOB).to_bytes()[20..52]));
    let stored = copied.save(key(), &mut SystemRng).unwrap();
    assert_eq!(state(&Keyring::load(&stored, key()).unwrap()), state(&copied));
}

/// Whoever is first under a name is pinned; a transition is followed, anything else is told. [KRG-07]
#[test]
fn contacts_change_by_their_own_words() {
    let ([old, new], transition) = succession();
    let mut one = keyring();
    let name = b"carol@example.org";
    assert_eq!(one.sight(name, old.public()), Ok(Sighting::First));
    assert_eq!(one.sight(name, old.public()), Ok(Sighting::Known));
    one.set_verified(old.public().fingerprint(), true).unwrap();
    assert!(one.contact(name).unwrap().verified);
    let (pinned, before) = (*old.public().fingerprint(), state(&one));
    for other in [public(BOB), new.public()] {
        assert_eq!(one.sight(name, other), Ok(Sighting::Changed { pinned }));
        assert_eq!(state(&one), before);
    }
    // A transition of somebody who is not known, and one that does not follow.
    assert!(matches!(keyring().follow(transition), Err(Error::UnknownIdentity { .. })));
    one.follow(transition).unwrap();
    assert!(one.contact(name).unwrap().verified);
    assert_eq!(one.sight(name, new.public()), Ok(Sighting::Succeeded { from: pinned }));
    let contact = one.contact(name).unwrap();
    assert_eq!((contact.identity, contact.verified), (new.public(), false));
    // Not back, which nothing leads to.
    let pinned = *new.public().fingerprint();
    assert_eq!(one.sight(name, old.public()), Ok(Sighting::Changed { pinned }));
    // Another phrase, on the user's word.
    one.pin(name, generation(3, 0).public()).unwrap();
    assert_eq!(one.contact(name).unwrap().identity, generation(3, 0).public());
    one.unpin(name).unwrap();
    assert!(one.contact(name).is_none());
    assert_eq!(one.contacts().count(), 0);
    assert_eq!(one.sight(name, public(BOB)), Ok(Sighting::First));
    for name in [&[][..], &[1; 256]] {
        assert!(matches!(one.sight(name, public(BOB)), Err(Error::Argument { .. })));
        assert!(one.unpin(name).is_err());
    }
    one.pin(&[1; 255], public(BOB)).unwrap();
    assert_eq!(one.contacts().map(|(name, _)| name.len()).collect::<Vec<_>>(), [17, 255]);
    assert_eq!(Directory::identity(&one, &fingerprint(BOB)), Some(public(BOB)));
}

/// Who signs one thing again and again fills no keyring. Only what follows counts as known. [KRG-07]
#[test]
fn what_is_known_is_not_kept_again() {
    let mut one = keyring();
    one.pin(b"dave", public(DAVE)).unwrap();
    one.follow(&step_anew()).unwrap();
    part(&mut one);
    let before = state(&one);
    let last = (0..9).map(|_| {
        one.know(&dave_anew()).unwrap();
        one.pin(b"dave", &dave_anew()).unwrap();
        assert_eq!(one.sight(b"dave", &dave_anew()), Ok(Sighting::Known));
        one.follow(&step_anew()).unwrap();
        step_anew()
    });
    let last = last.last().unwrap();
    assert_eq!((state(&one), one.has_news()), (before, false));
    // Another step from the same identity is another one.
    one.follow(&successor(&crowd()[DAVE], 67).1).unwrap();
    assert!(one.has_news());
    // Another device may have written one that does not follow.
    let mut other = keyring();
    other.pin(b"dave", public(DAVE)).unwrap();
    let mut bad = last.to_bytes().unwrap();
    *bad.last_mut().unwrap() ^= 1;
    merge(&mut other, &Segment::part(1, 1, &[(3, bad)]).seal()).unwrap();
    let (new, _) = successor(&crowd()[DAVE], 66);
    let pinned = fingerprint(DAVE);
    assert_eq!(other.sight(b"dave", &new.public), Ok(Sighting::Changed { pinned }));
    other.follow(&last).unwrap();
    assert_eq!(other.sight(b"dave", &new.public), Ok(Sighting::Succeeded { from: pinned }));
}

/// A contact whose new identity known transitions lead to is no surprise when another device's segment brings it. [KRG-11]
#[test]
fn who_succeeds_on_another_device_is_not_told_as_changed() {
    let (mut one, mut other) = (keyring(), keyring());
    one.pin(b"dave", &crowd()[DAVE].public).unwrap();
    merge(&mut other, &part(&mut one)).unwrap();
    let (new, transition) = successor(&crowd()[DAVE], 66);
    other.follow(&transition).unwrap();
    assert_eq!(other.sight(b"dave", &new.public), Ok(Sighting::Succeeded { from: fingerprint(DAVE) }));
    let merged = merge(&mut one, &part(&mut other)).unwrap();
    assert_eq!(merged.changed_contacts(), [] as [Vec<u8>; 0]);
    assert_eq!(one.contact(b"dave").unwrap().identity, &new.public);
}

/// Of one identity that devices know with several signatures, all take the greatest, whatever came first. SPEC §20.3
#[test]
fn signatures_of_one_identity_have_no_order() {
    let both = [0, 1].map(|n| &twice()[n].0);
    let segments = both.map(|identity| {
        let mut one = keyring();
        one.pin(b"dave", identity).unwrap();
        one.follow(&step_anew()).unwrap();
        part(&mut one)
    });
    let greatest = both.map(PublicIdentity::to_bytes).into_iter().max().unwrap();
    let mut all = Vec::new();
    for order in [[0, 1, 0], [1, 0, 1]] {
        let mut one = keyring();
        let merged = order.map(|n| merge(&mut one, &segments[n]).unwrap());
        assert!(merged.iter().all(|merged| merged.changed_contacts().is_empty()));
        assert_eq!(one.contact(b"dave").unwrap().identity.to_bytes(), greatest);
        // Both are kept, and in one segment they have an order.
        let (whole, mut at_once) = (whole(&mut one), keyring());
        merge(&mut at_once, &whole).unwrap();
        assert_eq!(at_once.contact(b"dave").unwrap().identity.to_bytes(), greatest);
        all.extend([entries(&one), entries(&at_once)]);
    }
    assert!(all.iter().all(|entries| *entries == all[0]));
    assert_eq!(all[0].windows(32).filter(|bytes| **bytes == both[0].to_bytes()[20..52]).count(), 2);
}

/// What fails on the way to the next generation leaves the keyring as it was, and succeeds the next time. §22.4
#[test]
fn a_succession_that_fails_changes_no_keyring() {
    let ([old, new], _) = succession();
    let next = Succession::new(&Root::from_bip39_seed(&[20; 64]), old, Profile::P256, &mut SystemRng).unwrap();
    let mut one = keyring();
    one.know(old.public()).unwrap();
    part(&mut one);
    let before = state(&one);
    let mut failed = 0;
    let whole = loop {
        match next.seal_keyring(&mut one, &mut Draws::failing(1, failed)) {
            Ok(whole) => break whole,
            Err(error) => assert_eq!((error, state(&one)), (Error::Generator, before.clone())),
        }
        failed += 1;
    };
    assert!(failed > 0);
    let mut other = keyring();
    other.pin(b"x", old.public()).unwrap();
    let merged = other.merge(&whole, &[&new.keyring_key().unwrap()], &mut SystemRng).unwrap();
    assert_eq!(other.lacking(&[merged]), []);
    let from = *old.public().fingerprint();
    assert_eq!(other.sight(b"x", new.public()), Ok(Sighting::Succeeded { from }));
}

/// A room comes back from the keyring as it was, with its forks, unconfirmed and as a new device. [KRG-08]
#[test]
fn rooms_come_back() {
    let mut one = keyring();
    let [first, .., head, fork] = [0, 1, 2, 3].map(room);
    one.record(&first).unwrap();
    part(&mut one);
    one.record(&fork).unwrap();
    one.record(&head).unwrap();
    let mut new = keyring();
    merge(&mut new, &whole(&mut one)).unwrap();
    assert_eq!(new.rooms().collect::<Vec<_>>(), [head.id()]);
    let mut again = new.room(head.id(), &[fingerprint(ALICE)], &mut SystemRng).unwrap();
    assert_eq!((again.transcript(), again.me()), (head.transcript(), &fingerprint(ALICE)));
    assert_ne!(again.device(), head.device());
    assert_eq!(again.standing(), Standing::Unconfirmed);
    assert_eq!(again.epochs().count(), 4);
    let [seen] = again.forks()[..] else { panic!() };
    assert_eq!(seen.transcript, *fork.transcript());
    assert_eq!(
        hazmat::room_state(&hazmat::room_of_state(&hazmat::room_state(&again)).unwrap()),
        hazmat::room_state(&again)
    );
    // It reads, and writes once it is confirmed.
    let mut bob = head;
    let message = bob.seal(&Draft::new(b"back"), &crowd()[ALICE].sender(), &mut SystemRng).unwrap();
    assert_eq!(again.open(&message, b"", &directory()).unwrap().content(), b"back");
    let draft = Draft::new(b"x");
    assert_eq!(again.seal(&draft, &crowd()[ALICE].sender(), &mut SystemRng), Err(Error::Unconfirmed));
    again.accept_head();
    assert!(again.seal(&draft, &crowd()[ALICE].sender(), &mut SystemRng).is_ok());
    // Somebody else's, a room that is not there, one whose head is not.
    let other = new.room(again.id(), &[fingerprint(CAROL)], &mut SystemRng);
    assert_eq!(other.err(), Some(refused("KRG-08")));
    let unknown = new.room(&RoomId::from_bytes([1; 16]), &[fingerprint(ALICE)], &mut SystemRng);
    assert!(matches!(unknown, Err(Error::Argument { .. })));
    let moved = register(1, again.id().as_bytes(), 99, 1, &[5; 32]);
    merge(&mut new, &Segment::part(1, 1, &[moved]).seal()).unwrap();
    let headless = new.room(again.id(), &[fingerprint(ALICE)], &mut SystemRng);
    assert!(matches!(headless, Err(Error::Argument { .. })));
    // Given up, and taken back.
    new.set_kept(again.id(), false).unwrap();
    assert_eq!(new.rooms().count(), 0);
    new.set_kept(again.id(), true).unwrap();
    assert_eq!(new.rooms().count(), 1);
}

/// A stored keyring of another form is refused. [KRG-09]
#[test]
fn other_states_are_refused() {
    let mut one = keyring();
    one.pin(b"bob", public(BOB)).unwrap();
    part(&mut one);
    one.set_verified(&fingerprint(BOB), true).unwrap();
    merge(&mut one, &Segment { seen: vec![([2; 8], 4)], ..Segment::part(1, 1, &[]) }.seal()).unwrap();
    let good = state(&one);
    let load = |content: &[u8]| {
        let to = [Recipient::symmetric(key())];
        let envelope = Envelope::to(&to).padding(Padding::Padme);
        let sealed = hazmat::seal_as(&envelope, ContentType::KeyringState, content, &mut SystemRng).unwrap();
        Keyring::load(&sealed, key()).map(|keyring| state(&keyring))
    };
    assert_eq!(load(&good), Ok(good.clone()));
    for len in 0..good.len() {
        assert!(load(&good[..len]).is_err());
    }
    assert!(load(&[&good[..], &[0]].concat()).is_err());
    let device: [u8; 8] = content(&part(&mut one))[..8].try_into().unwrap();
    let entry = register(4, &crowd()[BOB].id(), 1, 1, &[1]);
    let encoded = |entries: &[(u8, Vec<u8>)]| -> Vec<u8> {
        entries.iter().flat_map(|(kind, content)| [vec![*kind], vector(content)].concat()).collect()
    };
    let revisions = |list: &[(u8, u64)]| -> Vec<u8> {
        list.iter().flat_map(|(device, revision)| [&[*device; 8][..], &revision.to_be_bytes()].concat()).collect()
    };
    let whole = |kind: u8, seen: &[(u8, u64)], entries: &[(u8, Vec<u8>)]| {
        let seen = seen.iter().map(|(device, revision)| ([*device; 8], *revision)).collect();
        Segment { device, revision: 0, kind, seen, entries: entries.to_vec() }.content()
    };
    let made = |whole: &[u8], fresh: &[(u8, Vec<u8>)], known: &[(u8, u64)]| {
        load(&[vector(whole), vector(&encoded(fresh)), vector(&revisions(known))].concat())
    };
    let one = std::slice::from_ref(&entry);
    assert!(made(&whole(1, &[(1, 2)], one), one, &[(1, 3), (2, 1)]).is_ok());
    let newer = register(4, &crowd()[BOB].id(), 2, 1, &[1]);
    for refused in [
        made(&whole(2, &[], one), one, &[]),
        made(&whole(1, &[], &[]), one, &[]),
        made(&whole(1, &[], &[entry.clone(), newer]), &[], &[]),
        made(&whole(1, &[(1, 2)], one), one, &[(1, 1)]),
        made(&whole(1, &[(1, 2)], one), one, &[]),
        made(&whole(1, &[], one), one, &[(1, 0)]),
        made(&whole(1, &[], one), one, &[(2, 1), (1, 1)]),
    ] {
        assert!(matches!(refused, Err(Error::Malformed { .. })));
    }
    let segment = Segment::part(1, 1, &[]).seal();
    assert_eq!(Keyring::load(&segment, key()).err(), Some(Error::Unsupported { field: "type" }));
}
