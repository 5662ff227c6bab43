//! What comes back in an older state.

use super::*;

/// A device that comes back in an older state, with a generator that repeats itself too: no two messages are under one key
/// (their salts differ), all open, and readers are told. A keyring goes on as another device. [RMSG-06] [RMSG-07] [KRG-10]
#[test]
fn any_state_may_be_restored() {
    let (devices, _) = Device::rooms(HistoryPolicy::FromJoin, &[1, 2], 2);
    let [alice, mut bob] = devices.try_into().ok().unwrap();
    let (mut salts, mut told, mut sequences) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
    let saved = alice.room.save(&symmetric(1), &mut SystemRng).unwrap();
    for turn in 0..20_u8 {
        let mut restored = Device { who: alice.who, room: Room::load(&saved, &symmetric(1)).unwrap() };
        // The same draws each time.
        let sender = restored.who.sender();
        let message = restored.room.seal(&Draft::new(&[turn]), &sender, &mut Draws::new(1)).unwrap();
        assert!(salts.insert(message[39..63].to_vec()), "{turn}");
        let opened = bob.room.open(&message, b"", &directory()).unwrap();
        assert_eq!(opened.content(), &[turn]);
        sequences.insert(opened.sequence());
        told.push(opened.freshness());
    }
    assert_eq!(sequences.len(), 1);
    assert_eq!(told[0], Freshness::Fresh { skipped: 0 });
    assert!(told[1..].iter().all(|told| *told == Freshness::SequenceReused));
    // Another device of the room's is another device: nothing is counted together.
    let package = bob.package(Room::refresh);
    let (mut one, mut two) = (alice.copy(), alice.copy());
    assert!(one.apply(&package).is_ok() && two.apply(&package).is_ok() && bob.apply(&package).is_ok());
    assert_ne!(one.says(b"x")[39..63], two.says(b"x")[39..63]);

    // A reader of one epoch, which is opened again by its key, and whose count is elsewhere.
    let (_, first) = Device::rooms(HistoryPolicy::FromJoin, &[1, 2], 2);
    let (carol, device) = (&crowd()[2], DeviceId::from_bytes([4; 8]));
    let key = single_epoch::join(2, 1, &first, &mut vec![0; 2000]).unwrap().key();
    let mut salts = BTreeSet::new();
    for turn in 0..20_u8 {
        let (content, mut memory) = ([turn], vec![0; 2000]);
        let restored = SingleEpoch::reopen(&first, &key, carol.public.fingerprint(), &mut memory).unwrap();
        let draft = Draft::new(&content);
        let mut message = vec![0; draft.sealed_len(&carol.public).unwrap()];
        restored.seal_into(&draft, device, 0, &carol.sender(), &mut message, &mut Draws::new(1)).unwrap();
        assert!(salts.insert(message[39..63].to_vec()), "{turn}");
    }

    let (key, rng) = (symmetric(2), &mut SystemRng);
    let mut keyring = Keyring::new(rng).unwrap();
    let saved = keyring.save(&key, rng).unwrap();
    let _ = keyring.sight(b"bob", &crowd()[2].public).unwrap();
    let segment = keyring.part(&key, rng).unwrap();
    let mut restored = Keyring::load(&saved, &key).unwrap();
    restored.merge(&segment, &[&key], rng).unwrap();
    let _ = restored.sight(b"carol", &crowd()[3].public).unwrap();
    let next = restored.part(&key, rng).unwrap();
    let mut other = Keyring::new(rng).unwrap();
    let merged = [&next, &segment].map(|segment| other.merge(segment, &[&key], rng).unwrap());
    assert_eq!(other.contacts().count(), 2);
    assert!(!merged[0].replaces(&merged[1]) && other.lacking(&merged).is_empty());
}

/// What a server does with proofs that started again at `start`, with the memory that came back: those that it may have taken
/// before it refuses. SPEC §23.2
struct Restarted {
    start: u64,
    seen: RememberedProofs,
}

const TOLERANCE: u64 = 60;

impl Replays for Restarted {
    fn first(&mut self, digest: &[u8; 32], now: u64, until: u64) -> bool {
        // Remembered until the second after its time and the tolerance.
        let time = until - 1 - TOLERANCE;
        time > self.start + TOLERANCE && self.seen.first(digest, now, until)
    }
}

/// A server's memory of proofs is not stored: what comes back of it is a copy or nothing. So a server takes what it took since
/// then once more, as long as that is valid and not a second longer; if it refuses what it may have taken before its start, or
/// demands a nonce of its own, it takes nothing twice. [PRF-03] [PRF-04] [PRF-05]
#[test]
fn a_server_may_be_restored() {
    let (alice, device, rng) = (person(1), outsider(9).signing, &mut Draws::new(1));
    let validity = NOW - 1000..NOW + 1000;
    let certificate = DeviceCertificate::issue(&alice.sender(), [1; 16], device.public_key(), validity, rng).unwrap();
    let request = Request::new(b"server", b"GET", b"/");
    let mut at = |time| RequestProof::sign(&request, &certificate, &device, time, rng).unwrap();
    let takes = |proof: &RequestProof, request: &Request<'_>, now: u64, seen: &mut dyn Replays| {
        let clock = Clock::at(now).tolerance(TOLERANCE);
        proof.verify(request, alice.public(), &clock, seen).map(no_bytes)
    };
    let no = |check| Err(Error::Proof { check });
    // From clients whose clocks are behind, right, and before the server's. One came before the copy was made.
    let times = [NOW - TOLERANCE, NOW - 1, NOW, NOW + 1, NOW + TOLERANCE];
    let (early, proofs) = (at(NOW), times.map(&mut at));
    let mut seen = RememberedProofs::new(100);
    assert_eq!(takes(&early, &request, NOW, &mut seen), Ok(()));
    let copied = seen.clone();
    for proof in &proofs {
        assert_eq!(takes(proof, &request, NOW, &mut seen), Ok(()));
    }
    let start = NOW + 1;
    let mut taken_again = 0;
    for now in start..start + 4 * TOLERANCE {
        assert!(takes(&early, &request, now, &mut copied.clone()).is_err());
        for (proof, time) in proofs.iter().zip(times) {
            let is_valid = now <= time + TOLERANCE;
            assert_eq!(takes(proof, &request, now, &mut seen), no(if is_valid { "PRF-05" } else { "PRF-03" }));
            for restored in [copied.clone(), RememberedProofs::new(100)] {
                let again = if is_valid { Ok(()) } else { no("PRF-03") };
                let mut plain = restored.clone();
                assert_eq!(takes(proof, &request, now, &mut plain), again);
                assert!(takes(proof, &request, now, &mut plain).is_err());
                assert!(takes(proof, &request, now, &mut Restarted { start, seen: restored.clone() }).is_err());
                // Or with a nonce, which these proofs are not over.
                let mut nonces = restored;
                let answer = takes(proof, &request.server_nonce(b"after the start"), now, &mut nonces);
                assert_eq!(answer, no(if is_valid { "PRF-04" } else { "PRF-03" }));
                taken_again += usize::from(is_valid);
            }
        }
    }
    assert!(taken_again > 0);
    // It is not away for ever: twice the tolerance, and a second.
    let (last, first) = (at(start + TOLERANCE), at(start + TOLERANCE + 1));
    let mut restarted = Restarted { start, seen: RememberedProofs::new(100) };
    let now = start + 2 * TOLERANCE;
    assert_eq!(takes(&last, &request, now, &mut restarted), no("PRF-05"));
    assert_eq!(takes(&first, &request, now, &mut restarted), Ok(()));
    assert_eq!(takes(&first, &request, now, &mut restarted), no("PRF-05"));
}
