//! What memory is taken: none with a caller's buffer, and never on the word of a length field. [WIRE-05]

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::panic,
    clippy::string_slice,
    reason = "a test fails where it may"
)]

mod common;

use allocation_counter::{AllocationInfo, measure};
use common::hand::{Hand, length};
use common::*;
use sealroom::*;

/// Chunks take none with any backend. [PAY-02]
#[test]
fn chunks_take_no_memory() {
    let people = people();
    let (to, content, rng) = ([people.bob.public().recipient()], content(10 * CHUNK), &mut SystemRng);
    for envelope in [Envelope::to(&to), Envelope::to(&to).signed_by(people.alice.sender())] {
        let mut sealing = envelope.stream(None, rng).unwrap();
        let mut sealed = sealing.push(&content[..CHUNK]).unwrap().to_vec();
        // The first one leaves its place to all that follow.
        sealed.extend(sealing.push(&content[CHUNK..2 * CHUNK]).unwrap());
        for chunk in content[2 * CHUNK..].chunks(CHUNK) {
            let used = of(|| assert_eq!(sealing.push(chunk).unwrap().len(), CHUNK + 16));
            assert_eq!(used.count_total, 0, "{used:?}");
        }
    }
}

/// What `f` allocated.
fn of(mut f: impl FnMut()) -> AllocationInfo {
    measure(&mut f)
}

/// `seal_into` and `open_into` for P-256 and symmetric keys. SPEC §1
#[test]
#[cfg_attr(feature = "aws-lc-rs", ignore = "AWS-LC's keys are on the heap")]
fn a_callers_buffer_is_enough() {
    let people = people();
    let (alice, bob, carol) = (&people.alice, &people.bob, &people.carol);
    let [one, two] = &people.keys;
    let to =
        [bob.public().recipient(), carol.public().recipient(), Recipient::symmetric(one), Recipient::symmetric(two)];
    let content = content(3 * CHUNK + 7);
    let mut rng = SystemRng;
    for envelope in [
        Envelope::to(&to[..1]),
        Envelope::to(&to).signed_by(alice.sender()).decoys(3).public_data(b"public"),
        Envelope::to(&to).signed_by(alice.sender()).padding(Padding::Padme),
    ] {
        let mut sealed = vec![0; envelope.max_sealed_len(content.len()).unwrap()];
        let mut plain = vec![0; sealed.len()];
        // Once before it is measured: tables of the curve are made on first use.
        let mut len = envelope.seal_into(&content, &mut sealed, &mut rng).unwrap();
        let used = of(|| len = envelope.seal_into(&content, &mut sealed, &mut rng).unwrap());
        assert_eq!(used.count_total, 0, "{used:?}");
        let key = Reader::symmetric(one);
        let readers = [bob.reader(), carol.reader(), key];
        let count = if envelope.max_sealed_len(0).unwrap() < 350 { 1 } else { 3 };
        for reader in &readers[..count] {
            let used = of(|| {
                let opened = open_into(&sealed[..len], &[*reader], &mut plain, &mut rng).unwrap();
                match opened.claimed_signer() {
                    Some(_) => assert!(opened.verify(alice.public()).unwrap() == content),
                    None => assert!(opened.unverified() == content),
                }
            });
            assert_eq!(used.count_total, 0, "{used:?}");
        }
        let used = of(|| assert!(open_into(&sealed[..len - 1], &readers, &mut plain, &mut rng).is_err()));
        assert_eq!(used.count_total, 0, "{used:?}");
    }
}

/// Identities, signatures, transitions and texts of P-256.
#[test]
#[cfg_attr(feature = "aws-lc-rs", ignore = "AWS-LC's keys are on the heap")]
fn small_objects_take_no_memory() {
    let (old, new) = (generation(1, 0), generation(1, 1));
    let mut rng = SystemRng;
    let (bytes, text) = (old.public().to_bytes(), old.public().to_string());
    let transition = Root::from_bip39_seed(&[1; 64]).succeed(&old, &new, &mut rng).unwrap().to_bytes().unwrap();
    let root = Root::from_bip39_seed(&[1; 64]);
    // A place for the private part, so that an identity leaves no copy of it where it is moved.
    let used = of(|| assert!(root.identity(Profile::P256, 0, &mut rng).is_ok()));
    assert_eq!(used.count_total, 1, "{used:?}");
    let used = of(|| {
        assert!(PublicIdentity::from_bytes(&bytes).is_ok());
        assert!(text.parse::<PublicIdentity>().is_ok());
        let followed = old.public().follow(&Transition::from_bytes(&transition).unwrap());
        assert!(followed.is_ok());
        let signature = old.sign(b"context", &transition, &mut rng).unwrap();
        let mut buffer = [0; DetachedSignature::MAX_LEN];
        let signature = DetachedSignature::from_bytes(signature.encode_into(&mut buffer).unwrap()).unwrap();
        signature.verify(old.public(), b"context", &transition).unwrap();
        assert!(SafetyNumber::of(old.public(), new.public()).groups()[0] < 100_000);
        assert!(inspect(&bytes).is_ok());
    });
    assert_eq!(used.count_total, 0, "{used:?}");
}

/// Certificates, proofs and their texts.
#[test]
#[cfg_attr(feature = "aws-lc-rs", ignore = "AWS-LC's keys are on the heap")]
fn requests_of_devices_take_no_memory() {
    struct AlwaysFirst;
    impl Replays for AlwaysFirst {
        fn first(&mut self, _: &[u8; 32], _: u64, _: u64) -> bool {
            true
        }
    }
    let (alice, mut rng) = (generation(1, 0), SystemRng);
    let key = P256PrivateKey::generate(&mut rng).unwrap();
    let request = Request::new(b"server", b"GET", b"/").server_nonce(b"nonce");
    let issue = |rng: &mut SystemRng| DeviceCertificate::issue(&alice.sender(), [7; 16], key.public_key(), 5..9, rng);
    let certificate = issue(&mut rng).unwrap();
    let text = RequestProof::sign(&request, &certificate, &key, 6, &mut rng).unwrap().to_string();
    let used = of(|| {
        let mut buffer = [0; DeviceCertificate::MAX_LEN];
        let certificate = issue(&mut rng).unwrap();
        let certificate = DeviceCertificate::from_bytes(certificate.encode_into(&mut buffer).unwrap()).unwrap();
        certificate.verify(alice.public(), &Clock::at(5)).unwrap();
        assert!(RequestProof::sign(&request, &certificate, &key, 6, &mut rng).is_ok());
        let proof: RequestProof = text.parse().unwrap();
        assert!(proof.verify(&request, alice.public(), &Clock::at(6), &mut AlwaysFirst).is_ok());
        let mut buffer = [0; RequestProof::MAX_LEN];
        assert!(inspect(proof.encode_into(&mut buffer).unwrap()).is_ok());
    });
    assert_eq!(used.count_total, 0, "{used:?}");
}

/// Whatever is mutated, an opener takes no more than a few times what it was given, and what one chunk and one RSA
/// operation need. [WIRE-05]
#[test]
fn mutants_take_memory_in_proportion_to_their_length() {
    const FIXED: u64 = 128 * 1024;
    for sample in samples() {
        let readers: Vec<_> = sample.all_readers().collect();
        let mut rng = SystemRng;
        let places = (0..sample.bytes.len()).filter(|place| *place < 40 || place % 61 == 0);
        for place in places.chain([sample.header_len, sample.header_len + 32]) {
            for byte in [0xbf, 0x7f, 0xff, 0x80] {
                let mut mutant = sample.bytes.clone();
                if let Some(place) = mutant.get_mut(place) {
                    *place = byte;
                }
                let bound = 4 * mutant.len() as u64 + FIXED;
                let readers = if sample.slow.is_empty() || place % 244 == 0 { &readers[..] } else { &[] };
                let used = of(|| {
                    let _ = inspect(&mutant);
                    let _ = open(&mutant, readers, &mut rng);
                });
                assert!(used.bytes_max <= bound, "{} {place} {used:?}", sample.name);
                let used = of(|| {
                    let _ = open_stream(&mutant, 4096, |locked| locked.unlock(readers, &mut rng));
                });
                assert!(used.bytes_max <= bound, "{} {place} {used:?}", sample.name);
            }
        }
    }
}

/// Lengths at their maximum, and lengths just below a limit, with few bytes behind them. [WIRE-05] [LIM-02]
#[test]
fn length_fields_take_no_memory() {
    let hand = Hand::symmetric(&[31; 32]);
    let fixed = &hand.header()[..33];
    let stanzas = [&length(hand.stanzas.len())[..], &hand.stanzas].concat();
    for prefix in [[0xbf, 0xff, 0xff, 0xff], [0x80, 0x10, 0, 0], [0x80, 0x0f, 0xf0, 0], [0x80, 0, 0x40, 0], [0xff; 4]] {
        let group = [&[1][..], &[4; 65], &prefix].concat();
        let rsa = [&[2][..], &[1; 8], &prefix].concat();
        for header in [
            [fixed, &prefix].concat(),
            [fixed, &stanzas, &prefix].concat(),
            [fixed, &length(group.len()), &group, &[0; 40]].concat(),
            [fixed, &length(rsa.len()), &rsa, &[0; 40]].concat(),
        ] {
            let used = of(|| {
                assert!(inspect(&header).is_err());
                assert!(Locked::decode(&header, &Limits::default()).is_err());
                assert!(open_into(&header, &[], &mut [], &mut SystemRng).is_err());
                assert!(open(&header, &[], &mut SystemRng).is_err());
            });
            assert_eq!(used.count_total, 0, "{used:?}");
            let used = of(|| {
                let mut start = EnvelopeStart::new(Limits::default());
                for byte in &header {
                    if start.push(&[*byte]).is_err() {
                        break;
                    }
                }
            });
            assert!(used.bytes_max <= 1024, "{used:?}");
        }
    }
}

/// An envelope's length that a store lies about. [OFF-01] [WIRE-05]
#[test]
#[cfg_attr(feature = "aws-lc-rs", ignore = "AWS-LC's keys are on the heap")]
fn claimed_lengths_take_no_memory() {
    for name in ["p256 chunks", "p256 padded chunks", "signed"] {
        let sample = sample(name);
        let locked = Locked::decode(&sample.bytes, &Limits::default()).unwrap();
        for len in [0, 1, sample.bytes.len() as u64 + 16400, 1 << 40, u64::MAX - 20_000, u64::MAX] {
            let used = of(|| {
                let unlocked = locked.unlock(&sample.readers, &mut SystemRng).unwrap();
                if let Ok(probe) = unlocked.at_offsets(len) {
                    let _ = (probe.last_chunk(), probe.first_chunk());
                    assert!(probe.authenticate(&sample.bytes[..100], Some(&sample.bytes[..100])).is_err());
                }
            });
            assert_eq!(used.count_total, 0, "{used:?}");
        }
    }
}

/// A passphrase's memory is asked for only within the limits. [STZ-15] [LIM-04] [LIM-05]
#[test]
fn costs_over_the_limit_take_no_memory() {
    let sample = sample("argon2id");
    let limits = WorkLimits::default().argon2id(16, 32);
    let of_sample = |bytes: &[u8]| PassphraseKey::of(bytes, PASSPHRASE, &limits, &mut unwatched).map(|_| ());
    let used = of(|| of_sample(&sample.bytes).unwrap());
    assert!(used.bytes_max <= 2 * 16 * 1024, "{used:?}");
    // After the fixed fields and the stanzas' prefix: two types, salt, rounds; then memory and passes.
    let memory = 33 + 2 + 2 + 16 + 4;
    for place in memory..memory + 8 {
        let mut mutant = sample.bytes.clone();
        mutant[place] |= 0x40;
        let used = of(|| assert!(matches!(of_sample(&mutant), Err(Error::Limit { .. }))));
        assert_eq!(used.count_total, 0, "{used:?}");
    }
}

/// Room messages, once a device was heard: nothing with a caller's buffer. SPEC §19
#[test]
#[cfg_attr(feature = "aws-lc-rs", ignore = "AWS-LC's keys are on the heap")]
fn room_messages_take_no_memory() {
    let people = people();
    let (alice, bob) = (&people.alice, &people.bob);
    let mut rng = SystemRng;
    let others = [(bob.public(), Role::Admin)];
    let package = Room::create(&alice.sender(), &others, HistoryPolicy::FromJoin, &mut rng).unwrap();
    let join = |reader| Room::join(&package, alice.public(), &[reader], &mut SystemRng).unwrap().finish().unwrap();
    let (mut alices, mut bobs) = (join(alice.reader()), join(bob.reader()));
    let directory = [alice.public(), bob.public()];
    let content = content(5000);
    for padding in [Padding::None, Padding::Padme] {
        let draft = Draft::new(&content).associated_data(b"here").padding(padding);
        let mut sealed = vec![0; alices.sealed_len(&draft, alice.public()).unwrap()];
        let mut plain = sealed.clone();
        alices.seal_into(&draft, &alice.sender(), &mut sealed, &mut rng).unwrap();
        bobs.open_into(&sealed, b"here", &mut plain, &directory).unwrap();
        for _ in 0..70 {
            let used = of(|| {
                alices.seal_into(&draft, &alice.sender(), &mut sealed, &mut rng).unwrap();
                let opened = bobs.open_into(&sealed, b"here", &mut plain, &directory).unwrap();
                assert!(opened.content() == content && opened.freshness() == Freshness::Fresh { skipped: 0 });
            });
            assert_eq!(used.count_total, 0, "{used:?}");
        }
    }
}

/// A device that holds one epoch: nothing at all, from joining to opening. SPEC §18.11
#[test]
#[cfg_attr(feature = "aws-lc-rs", ignore = "AWS-LC's keys are on the heap")]
fn a_single_epoch_takes_no_memory() {
    let people = people();
    let (alice, bob) = (&people.alice, &people.bob);
    let mut rng = SystemRng;
    let others = [(bob.public(), Role::Admin)];
    let first = Room::create(&alice.sender(), &others, HistoryPolicy::FromJoin, &mut rng).unwrap();
    let mut room = Room::join(&first, alice.public(), &[alice.reader()], &mut rng).unwrap().finish().unwrap();
    let directory = [alice.public(), bob.public()];
    let added = room.add(&[(people.carol.public(), Role::Member)]).unwrap();
    let added = added.seal(&alice.sender(), &directory, &mut rng).unwrap();
    room.apply(&added, &[alice.reader()], &directory, &mut rng).unwrap();
    let message = room.seal(&Draft::new(b"heard"), &alice.sender(), &mut rng).unwrap();
    let mut window = ReplayWindow::new();
    let used = of(|| {
        let (mut memory, mut next, mut again) = ([0; 1000], [0; 1000], [0; 1000]);
        let mut epoch = SingleEpoch::join(&first, alice.public(), &[bob.reader()], &mut memory, &mut rng).unwrap();
        let epoch = epoch.follow(&added, &[bob.reader()], &directory, &mut next, &mut rng).unwrap();
        let key = epoch.key();
        let epoch = SingleEpoch::reopen(&added, &key, bob.public().fingerprint(), &mut again).unwrap();
        let (mut sealed, mut out) = ([0; 300], [0; 300]);
        let draft = Draft::new(b"hello").padding(Padding::Padme);
        let device = DeviceId::from_bytes([1; 8]);
        let len = epoch.seal_into(&draft, device, 0, &bob.sender(), &mut sealed, &mut rng).unwrap();
        assert!(epoch.open_into(&sealed[..len], b"", &mut out, &directory).unwrap().content() == b"hello");
        let opened = epoch.open_into(&message, b"", &mut out, &directory).unwrap();
        assert!(opened.content() == b"heard" && opened.sender() == alice.public().fingerprint());
        assert!(matches!(window.observe(&opened), Freshness::Fresh { .. }));
        assert!(epoch.open_into(&message, b"other", &mut out, &directory).is_err());
    });
    assert_eq!(used.count_total, 0, "{used:?}");
}

/// Packages, messages, grants, statements and states that a stranger changed take memory in proportion to their length. [WIRE-05] [LIM-11]
#[test]
fn mutants_of_rooms_take_memory_in_proportion_to_their_length() {
    let people = people();
    let (alice, bob) = (&people.alice, &people.bob);
    let others = [(bob.public(), Role::Admin)];
    let package = Room::create(&alice.sender(), &others, HistoryPolicy::Shared, &mut SystemRng).unwrap();
    let mut room = Room::join(&package, alice.public(), &[alice.reader()], &mut SystemRng).unwrap().finish().unwrap();
    let directory = [alice.public(), bob.public()];
    let next = room.refresh().unwrap().seal(&alice.sender(), &directory, &mut SystemRng).unwrap();
    let message = room.seal(&Draft::new(b"x"), &alice.sender(), &mut SystemRng).unwrap();
    let state = hazmat::room_state(&room);
    let zero = Epoch::new(0);
    let grant = room.grant_history(zero..=zero, &[bob.public()], &alice.sender(), &mut SystemRng).unwrap();
    let leave = room.leave(&alice.sender(), &mut SystemRng).unwrap().to_bytes();
    let head = room.vouch(&[7; 32], &alice.sender(), &mut SystemRng).unwrap().to_bytes();
    let key = SymmetricKey::take(&mut [9; 32]);
    let stored = room.save(&key, &mut SystemRng).unwrap();
    let id = *room.id();
    let objects = [&next, &message, &state, &grant, &leave, &head, &stored, &next, &package];
    for (kind, object) in objects.into_iter().enumerate() {
        for place in 0..object.len() {
            for byte in [0x3f, 0x7f, 0xbf, 0xff] {
                let mut mutant = object.clone();
                mutant[place] = byte;
                let readers = if place < 60 { &[bob.reader()][..] } else { &[] };
                let used = of(|| match kind {
                    0 => drop(room.apply(&mutant, readers, &directory, &mut SystemRng)),
                    1 => drop(room.open(&mutant, b"", &directory)),
                    2 => drop(hazmat::room_of_state(&mutant)),
                    3 => drop(room.accept_grant(&mutant, alice.public(), readers, &mut SystemRng)),
                    4 => drop(LeaveStatement::from_bytes(&mutant).map(|leave| room.check_leave(&leave, &directory))),
                    5 => drop(HeadStatement::from_bytes(&mutant)),
                    6 => drop(Room::load(&mutant, &key)),
                    7 => drop(room.catch_up(&[&next, &mutant, &mutant], readers, &directory, &mut SystemRng)),
                    _ => drop(Room::recover(&id, &[&mutant, &next, &mutant], readers, &directory, &mut SystemRng)),
                });
                assert!(used.bytes_max <= 8 * mutant.len() as u64 + 64 * 1024, "{kind} {place} {used:?}");
            }
        }
    }
}
