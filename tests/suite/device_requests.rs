//! Servers know a device's requests by certificates and proofs. SPEC §23.

use crate::common::hand::{sha256, sign_input, vector};
use crate::common::*;
use cpu_time::ThreadTime;
use proptest::collection::vec;
use proptest::prelude::*;
use sealroom::*;
use std::time::Duration;

const ALICE: u8 = 1;
const BOB: u8 = 2;
const ID: [u8; 16] = [0x1d; 16];
const START: u64 = 1_800_000_000;
const END: u64 = START + 1000;
const NOW: u64 = START + 500;

fn refused(check: &'static str) -> Option<Error> {
    Some(Error::Proof { check })
}

fn device_key() -> P256PrivateKey {
    P256PrivateKey::generate(&mut Draws::new(20)).unwrap()
}

fn signing_key(identity: &Identity) -> P256PrivateKey {
    let [_, signing] = hazmat::identity_keys(identity).unwrap();
    P256PrivateKey::from_pkcs8_der(signing.expose()).unwrap()
}

fn ecdsa(key: &P256PrivateKey, label: &str, content: &[u8]) -> [u8; 64] {
    let mut signature = [0; 64];
    key.sign_digest(&sha256(&sign_input(label, content)), &mut signature, &mut Draws::new(1)).unwrap();
    signature
}

/// A certificate after SPEC §23.1, by whatever key.
fn certificate_by_hand(identity: &PublicIdentity, validity: [u64; 2], signing: &P256PrivateKey) -> Vec<u8> {
    let [not_before, not_after] = validity.map(u64::to_be_bytes);
    let (identity, key) = (identity.fingerprint(), device_key());
    let head = [b"SLRM\x00\x01\x27", &identity.as_bytes()[..], &ID, key.public_key().as_bytes()].concat();
    let body = [&head[..], &not_before, &not_after, &[1]].concat();
    [&body[..], &ecdsa(signing, "device certificate", &body)].concat()
}

fn certificate() -> DeviceCertificate {
    let (alice, key) = (person(ALICE), device_key());
    DeviceCertificate::issue(&alice.sender(), ID, key.public_key(), START..END, &mut Draws::new(1)).unwrap()
}

/// It is what SPEC says, to the byte, and nothing else is one. [CRT-01] [CRT-04]
#[test]
fn certificates_have_one_form() {
    let (alice, certificate) = (person(ALICE), certificate());
    let bytes = certificate.to_bytes();
    assert_eq!(bytes.len(), 201);
    assert_eq!(bytes, certificate_by_hand(alice.public(), [START, END], &signing_key(&alice)));
    let decoded = DeviceCertificate::from_bytes(&bytes).unwrap();
    assert_eq!(decoded.to_bytes(), bytes);
    assert_eq!(decoded.encode_into(&mut [0; 200]), Err(Error::Buffer { needed: 201 }));
    assert_eq!((decoded.device_id(), decoded.validity()), (&ID, START..END));
    assert_eq!(
        (decoded.device_key(), decoded.claimed_identity()),
        (device_key().public_key(), alice.public().fingerprint())
    );
    let identity = *alice.public().fingerprint();
    assert_eq!(inspect(&bytes), Ok(Info::DeviceCertificate { identity, device_id: ID }));
    assert_eq!(decoded.verify(alice.public(), &Clock::at(NOW)), Ok(()));

    for at in 0..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 1;
        let verified =
            DeviceCertificate::from_bytes(&other).and_then(|other| other.verify(alice.public(), &Clock::at(NOW)));
        assert!(verified.is_err(), "{at}");
    }
    for len in 0..bytes.len() {
        assert!(DeviceCertificate::from_bytes(&bytes[..len]).is_err());
    }
    assert!(DeviceCertificate::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    let with = |at: usize, byte| {
        let mut other = bytes.clone();
        other[at] = byte;
        DeviceCertificate::from_bytes(&other).err()
    };
    assert_eq!(with(6, 0x28), Some(Error::Unsupported { field: "type" }));
    assert_eq!(with(136, 0), Some(Error::Malformed { field: "algorithm" }));
    assert_eq!(with(136, 2), Some(Error::Malformed { field: "signature" }));
    assert_eq!(with(136, 9), Some(Error::Unsupported { field: "signature" }));
    assert_eq!(with(55, 2), Some(Error::Malformed { field: "device_key" }));
    for validity in [[NOW, NOW], [NOW + 1, NOW], [u64::MAX, 0]] {
        let never = certificate_by_hand(alice.public(), validity, &signing_key(&alice));
        assert_eq!(DeviceCertificate::from_bytes(&never).err(), Some(Error::Malformed { field: "not_after" }));
        let (key, validity) = (device_key(), validity[0]..validity[1]);
        let made = DeviceCertificate::issue(&alice.sender(), ID, key.public_key(), validity, &mut Draws::new(1));
        assert!(matches!(made, Err(Error::Argument { .. })));
    }
}

/// It is of one identity and one generation. [CRT-01] [CRT-02]
#[test]
fn certificates_are_of_one_identity() {
    let (alice, certificate) = (person(ALICE), certificate());
    let clock = Clock::at(NOW);
    assert_eq!(certificate.verify(person(BOB).public(), &clock).err(), refused("CRT-01"));
    // After a transition the account's identity is another.
    assert_eq!(certificate.verify(generation(ALICE, 1).public(), &clock).err(), refused("CRT-01"));
    assert_eq!(certificate.verify(rsa_person().public(), &clock).err(), refused("CRT-01"));
    // Signed by another key, in whoever's name.
    let by = |n| signing_key(&person(n));
    for (name, key) in [(ALICE, by(BOB)), (BOB, by(ALICE)), (ALICE, device_key())] {
        let forged = certificate_by_hand(person(name).public(), [START, END], &key);
        let forged = DeviceCertificate::from_bytes(&forged).unwrap();
        assert_eq!(forged.verify(person(name).public(), &clock).err(), refused("CRT-01"));
    }
    // A signature for another purpose over the same bytes.
    let bytes = certificate.to_bytes();
    for label in ["request proof", "leave", "detached signature"] {
        let signature = ecdsa(&signing_key(&alice), label, &bytes[..137]);
        let other = DeviceCertificate::from_bytes(&[&bytes[..137], &signature].concat()).unwrap();
        assert_eq!(other.verify(alice.public(), &clock).err(), refused("CRT-01"));
    }
}

/// It holds for a time, and by clocks that may differ. [CRT-03]
#[test]
fn certificates_are_for_a_time() {
    let (alice, key) = (person(ALICE), device_key());
    let at = |certificate: &DeviceCertificate, now, tolerance| {
        certificate.verify(alice.public(), &Clock::at(now).tolerance(tolerance)).err()
    };
    let some = certificate();
    for (now, tolerance, expected) in [
        (START - 1, 0, refused("CRT-03")),
        (START, 0, None),
        (END - 1, 0, None),
        (END, 0, refused("CRT-03")),
        (START - 60, 60, None),
        (START - 61, 60, refused("CRT-03")),
        (END + 59, 60, None),
        (END + 60, 60, refused("CRT-03")),
        (0, u64::MAX, None),
        (u64::MAX, u64::MAX, None),
        (0, 0, refused("CRT-03")),
        (u64::MAX, 0, refused("CRT-03")),
    ] {
        assert_eq!(at(&some, now, tolerance), expected, "{now} {tolerance}");
    }
    // 60 seconds unless told otherwise.
    assert_eq!(Clock::at(5), Clock::at(5).tolerance(60));
    let all = DeviceCertificate::issue(&alice.sender(), ID, key.public_key(), 0..u64::MAX, &mut Draws::new(1)).unwrap();
    for (now, expected) in [(0, None), (u64::MAX - 1, None), (u64::MAX, refused("CRT-03"))] {
        assert_eq!(at(&all, now, 0), expected);
    }
}

/// By keys elsewhere, and by RSA. [CRT-01]
#[test]
fn certificates_of_keys_elsewhere_and_of_rsa() {
    let (outsider, key) = (outsider(3), device_key());
    let elsewhere = Sender::elsewhere(&outsider.public);
    let issue =
        |sender: &Sender<'_>| DeviceCertificate::issue(sender, ID, key.public_key(), START..END, &mut Draws::new(1));
    assert!(matches!(issue(&elsewhere), Err(Error::Argument { .. })));
    let unsigned = || UnsignedCertificate::new(&outsider.public, ID, key.public_key(), START..END).unwrap();
    let mut signature = [0; 64];
    outsider.signing.sign_digest(&unsigned().digest().unwrap(), &mut signature, &mut Draws::new(1)).unwrap();
    let completed = unsigned().complete(&signature).unwrap();
    assert_eq!(completed.to_bytes(), issue(&Sender::new(&outsider.public, &outsider.signing)).unwrap().to_bytes());
    assert_eq!(completed.verify(&outsider.public, &Clock::at(NOW)), Ok(()));
    signature[0] ^= 1;
    assert_eq!(unsigned().complete(&signature).err(), Some(Error::Key));
    assert!(matches!(issue(&Sender::new(&outsider.public, &key)), Err(Error::Key)));

    let rita = rsa_person();
    let certificate = issue(&rita.sender()).unwrap();
    let bytes = certificate.to_bytes();
    assert_eq!(bytes.len(), 521);
    let certificate = DeviceCertificate::from_bytes(&bytes).unwrap();
    assert_eq!(certificate.verify(rita.public(), &Clock::at(NOW)), Ok(()));
    assert_eq!(certificate.verify(person(ALICE).public(), &Clock::at(NOW)).err(), refused("CRT-01"));
    let request = Request::new(b"server", b"GET", b"/");
    let proof = RequestProof::sign(&request, &certificate, &key, NOW, &mut Draws::new(1)).unwrap();
    assert_eq!((proof.to_bytes().len(), RequestProof::MAX_LEN), (616, 744));
    let proof: RequestProof = proof.to_string().parse().unwrap();
    assert!(proof.verify(&request, rita.public(), &Clock::at(NOW), &mut RememberedProofs::new(1)).is_ok());
    // The identity's signature again, by RSA another one: the proof is not over that certificate.
    let again = issue(&rita.sender()).unwrap().to_bytes();
    let other = DeviceCertificate::issue(&rita.sender(), ID, key.public_key(), START..END, &mut Draws::new(2)).unwrap();
    assert_eq!(again, bytes);
    let spliced = [&proof.to_bytes()[..7], &other.to_bytes(), &proof.to_bytes()[528..]].concat();
    let spliced = RequestProof::from_bytes(&spliced).unwrap();
    let verified = spliced.verify(&request, rita.public(), &Clock::at(NOW), &mut RememberedProofs::new(1));
    assert_eq!(verified.err(), refused("PRF-04"));
}

fn request() -> Request<'static> {
    Request::new(b"api.example.org", b"POST", b"/mail?to=bob").body(b"Hello.").server_nonce(b"nonce")
}

/// A proof after SPEC §23.2 of [`request`], by whatever key.
fn proof_by_hand(certificate: &[u8], time: u64, signing: &P256PrivateKey) -> Vec<u8> {
    let nonce = [0x40; 16];
    let input = [
        &sha256(certificate)[..],
        &vector(b"api.example.org"),
        &vector(b"POST"),
        &sha256(b"/mail?to=bob"),
        &sha256(b"Hello."),
        &time.to_be_bytes(),
        &nonce,
        &vector(b"nonce"),
    ];
    let signature = ecdsa(signing, "request proof", &input.concat());
    [b"SLRM\x00\x01\x28", certificate, &time.to_be_bytes(), &nonce, &signature].concat()
}

/// What a server does with the proofs of one account, by default.
struct Server {
    asked: usize,
    seen: RememberedProofs,
}

impl Replays for Server {
    fn first(&mut self, digest: &[u8; 32], now: u64, until: u64) -> bool {
        self.asked += 1;
        assert!(now < until);
        self.seen.first(digest, now, until)
    }
}

impl Server {
    fn new() -> Self {
        Self { asked: 0, seen: RememberedProofs::new(100) }
    }

    fn takes_at(&mut self, proof: &[u8], request: &Request<'_>, now: u64) -> Option<Error> {
        let proof = match RequestProof::from_bytes(proof) {
            Ok(proof) => proof,
            Err(error) => return Some(error),
        };
        proof.verify(request, person(ALICE).public(), &Clock::at(now), self).err()
    }

    fn takes(&mut self, proof: &[u8], request: &Request<'_>) -> Option<Error> {
        self.takes_at(proof, request, NOW)
    }
}

/// It is what SPEC says, to the byte, in one text. [PRF-01] [PRF-02] [TXT-01] [TXT-02]
#[test]
fn proofs_have_one_form() {
    let (certificate, key) = (certificate(), device_key());
    let by_hand = proof_by_hand(&certificate.to_bytes(), NOW, &key);
    let proof = RequestProof::from_bytes(&by_hand).unwrap();
    assert_eq!((by_hand.len(), proof.to_bytes()), (296, by_hand.clone()));
    let device = proof.verify(&request(), person(ALICE).public(), &Clock::at(NOW), &mut Server::new()).unwrap();
    assert_eq!(device.device_id(), &ID);
    let identity = *person(ALICE).public().fingerprint();
    assert_eq!(proof.claimed_identity(), &identity);
    assert_eq!(inspect(&by_hand), Ok(Info::RequestProof { identity, device_id: ID }));

    let mut rng = Draws::new(4);
    let made = RequestProof::sign(&request(), &certificate, &key, NOW, &mut rng).unwrap().to_bytes();
    assert_eq!((made[216..232].to_vec(), rng.lengths()), (rng.drawn[0].clone(), vec![16]));
    assert_eq!(Server::new().takes(&made, &request()), None);

    let text = proof.to_string();
    assert_eq!((text.len(), &text[..11]), (406, "slrm-proof:"));
    assert_eq!(text.parse::<RequestProof>().unwrap().to_bytes(), by_hand);
    for other in [text.replace("slrm-proof:", "slrm-link:"), format!(" {text}"), format!("{text}="), text[..405].into()]
    {
        assert!(other.parse::<RequestProof>().is_err());
    }
    assert!(format!("slrm-proof:{}", "A".repeat(2000)).parse::<RequestProof>().is_err());
    for at in 0..by_hand.len() {
        let mut other = by_hand.clone();
        other[at] ^= 1;
        assert!(Server::new().takes(&other, &request()).is_some(), "{at}");
    }
    for len in 0..by_hand.len() {
        assert!(RequestProof::from_bytes(&by_hand[..len]).is_err());
    }
    assert!(RequestProof::from_bytes(&[&by_hand[..], &[0]].concat()).is_err());
}

/// It is for one request at one server. [PRF-04]
#[test]
fn a_proof_serves_for_its_request_only() {
    let proof = proof_by_hand(&certificate().to_bytes(), NOW, &device_key());
    let new = |audience, method, target| Request::new(audience, method, target).body(b"Hello.").server_nonce(b"nonce");
    let (server, post, target): (&[u8], &[u8], &[u8]) = (b"api.example.org", b"POST", b"/mail?to=bob");
    let mut store = Server::new();
    for (name, other) in [
        ("audience", new(b"api.example.com", post, target)),
        ("audience", new(b"", post, target)),
        ("audience and method", new(b"api.example.orgP", b"OST", target)),
        ("method", new(server, b"PUT", target)),
        ("method", new(server, b"post", target)),
        ("target", new(server, post, b"/mail?to=carol")),
        ("target", new(server, post, b"/mail")),
        ("body", request().body(b"Hello!")),
        ("no body", request().body(b"")),
        ("body hash", request().body_hash([0; 32])),
        ("server nonce", request().server_nonce(b"other")),
        ("a server nonce that is demanded", request().server_nonce(b"")),
        ("too long", request().server_nonce(&[0; 65])),
    ] {
        assert_eq!(store.takes(&proof, &other), refused("PRF-04"), "{name}");
    }
    // A server nonce where none is demanded, none where one is.
    let without = Request::new(server, post, target).body(b"Hello.");
    let (certificate, key) = (certificate(), device_key());
    let made = RequestProof::sign(&without, &certificate, &key, NOW, &mut Draws::new(1)).unwrap().to_bytes();
    assert_eq!(store.takes(&made, &request()), refused("PRF-04"));
    assert_eq!(store.takes(&proof, &without), refused("PRF-04"));
    // [PRF-05] Nothing is remembered of what is refused.
    assert_eq!((store.asked, store.takes(&made, &without)), (0, None));
    assert_eq!(store.takes(&proof, &request().body_hash(sha256(b"Hello."))), None);

    // [PRF-06]
    let sign = |request: &Request<'_>| RequestProof::sign(request, &certificate, &key, NOW, &mut Draws::new(1)).err();
    let (long, nonce) = ([b'a'; 256], [7; 65]);
    for (request, fits) in [
        (new(&long[..255], post, target), true),
        (new(&long, post, target), false),
        (new(b"", post, target), false),
        (new(server, &long[..32], target), true),
        (new(server, &long[..33], target), false),
        (new(server, b"", target), false),
        (new(server, post, b""), true),
        (request().server_nonce(&nonce[..64]), true),
        (request().server_nonce(&nonce), false),
    ] {
        let error = sign(&request);
        assert_eq!(error.is_none(), fits);
        assert!(fits || matches!(error, Some(Error::Argument { .. })));
    }
}

/// It is taken once, for a time. [PRF-03] [PRF-05]
#[test]
fn a_proof_serves_once_and_now() {
    let proof = |time| proof_by_hand(&certificate().to_bytes(), time, &device_key());
    let mut store = Server::new();
    assert_eq!(store.takes(&proof(NOW), &request()), None);
    for now in [NOW - 60, NOW, NOW + 60] {
        assert_eq!(store.takes_at(&proof(NOW), &request(), now), refused("PRF-05"));
    }
    assert_eq!(store.asked, 4);
    for now in [NOW - 61, NOW + 61] {
        assert_eq!(store.takes_at(&proof(NOW), &request(), now), refused("PRF-03"));
    }
    for time in [0, u64::MAX] {
        assert_eq!(store.takes(&proof(time), &request()), refused("PRF-03"));
    }
    assert_eq!(store.asked, 4);
    for time in [NOW - 60, NOW + 60] {
        assert_eq!(store.takes(&proof(time), &request()), None);
    }
    // In the order of the steps: certificate, time, signature, memory.
    let first = RequestProof::from_bytes(&proof(NOW)).unwrap();
    let mut check = |request: &Request<'_>, public: &PublicIdentity, now| {
        first.verify(request, public, &Clock::at(now).tolerance(10), &mut store).err()
    };
    let (alice, bob) = (person(ALICE), person(BOB));
    let other = request().body(b"");
    assert_eq!(check(&other, bob.public(), END + 10), refused("CRT-01"));
    assert_eq!(check(&other, generation(ALICE, 1).public(), NOW), refused("CRT-01"));
    assert_eq!(check(&other, alice.public(), END + 10), refused("CRT-03"));
    assert_eq!(check(&other, alice.public(), NOW + 11), refused("PRF-03"));
    assert_eq!(check(&other, alice.public(), NOW + 10), refused("PRF-04"));
}

/// Memory ends, and refuses what it cannot hold. [PRF-05]
#[test]
fn what_is_remembered_is_bounded() {
    let mut seen = RememberedProofs::new(2);
    assert!(seen.first(&[1; 32], 0, 10));
    assert!(!seen.first(&[1; 32], 9, 10));
    assert!(seen.first(&[2; 32], 0, 20));
    assert!(!seen.first(&[3; 32], 9, 30));
    assert!(!seen.first(&[2; 32], 10, 20));
    assert!(seen.first(&[3; 32], 10, 30));
    assert!(!seen.first(&[1; 32], 19, 40));
    assert!(seen.first(&[1; 32], 20, 40));
    assert!(!RememberedProofs::new(0).first(&[1; 32], 0, 10));
    // A proof again, right before its time is over.
    let proof = proof_by_hand(&certificate().to_bytes(), NOW, &device_key());
    let mut server = Server { asked: 0, seen: RememberedProofs::new(1) };
    assert_eq!(server.takes(&proof, &request()), None);
    let next = proof_by_hand(&certificate().to_bytes(), NOW + 60, &device_key());
    assert_eq!(server.takes_at(&next, &request(), NOW + 60), refused("PRF-05"));
    assert_eq!(server.takes_at(&proof, &request(), NOW + 60), refused("PRF-05"));
    assert_eq!(server.takes_at(&next, &request(), NOW + 61), None);
}

/// Full of proofs that could come again, it refuses another one without a look at each. [PRF-05]
#[test]
fn a_full_memory_refuses_at_once() {
    let digest = |n: u32| sha256(&n.to_be_bytes());
    let time = |max: u32| {
        let mut seen = RememberedProofs::new(max as usize);
        assert!((0..max).all(|n| seen.first(&digest(n), 0, 100 + u64::from(n % 60))));
        let more: Vec<[u8; 32]> = (max..max + 2000).map(digest).collect();
        let start = ThreadTime::now();
        for (n, digest) in (0..).zip(&more) {
            assert!(!seen.first(digest, n % 100, 300));
        }
        start.elapsed()
    };
    let (few, many) = (time(10_000), time(40_000));
    assert!(many < few * 2 + Duration::from_millis(5), "{few:?} {many:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    /// Whenever it is full it forgets all whose time is over, and nothing else. [PRF-05]
    #[test]
    fn what_is_forgotten(
        max in 0..5_usize,
        asked in vec((0..8_u8, (0..12_u64, 0..8_u64), any::<u8>()), 1..60),
    ) {
        let (mut seen, mut held, mut forgotten) = (RememberedProofs::new(max), Vec::new(), 0);
        for (n, (digest, (now, until), end)) in asked.into_iter().enumerate() {
            // The clock goes on, and back at times; some until the end of time, or near it.
            let now = now + n as u64 / 4;
            let (now, until) = match end {
                0..8 => (now, u64::MAX),
                8..16 => (u64::MAX - now % 2, u64::MAX - until % 2),
                _ => (now, now + until),
            };
            if held.len() >= max {
                let over = |until: u64| now >= until && until != u64::MAX;
                let last = held.iter().map(|(_, until)| *until).filter(|until| over(*until)).max();
                forgotten = forgotten.max(last.unwrap_or(0));
                held.retain(|(_, until)| !over(*until));
            }
            let first = held.len() < max && until > forgotten && held.iter().all(|(held, _)| *held != digest);
            if first {
                held.push((digest, until));
            }
            prop_assert_eq!(seen.first(&[digest; 32], now, until), first);
        }
    }
}

/// A certificate is nothing without its key, and a key signs for the account that certified it. [PRF-04]
#[test]
fn a_stolen_certificate_serves_nobody() {
    let (certificate, thief) = (certificate(), P256PrivateKey::generate(&mut Draws::new(66)).unwrap());
    let sign = |key: &dyn Sign| RequestProof::sign(&request(), &certificate, key, NOW, &mut Draws::new(1)).err();
    assert_eq!(sign(&thief), Some(Error::Key));
    assert_eq!(sign(&rsa_keys()[0]), Some(Error::Key));
    let mut store = Server::new();
    let forged = proof_by_hand(&certificate.to_bytes(), NOW, &thief);
    assert_eq!(store.takes(&forged, &request()), refused("PRF-04"));
    // The identity's own key is not the device's.
    let forged = proof_by_hand(&certificate.to_bytes(), NOW, &signing_key(&person(ALICE)));
    assert_eq!(store.takes(&forged, &request()), refused("PRF-04"));
    assert_eq!(store.asked, 0);

    // Alice's device's proof, with a certificate of Bob's for the same key.
    let bob = person(BOB);
    let bobs = certificate_by_hand(bob.public(), [START, END], &signing_key(&bob));
    let proof = proof_by_hand(&certificate.to_bytes(), NOW, &device_key());
    let spliced = RequestProof::from_bytes(&[&proof[..7], &bobs, &proof[208..]].concat()).unwrap();
    let verified = spliced.verify(&request(), bob.public(), &Clock::at(NOW), &mut store).err();
    assert_eq!(verified, refused("PRF-04"));

    // A key that answers later; s in the upper half is brought to its one form, and not taken otherwise. [SUITE-04]
    let unsigned = UnsignedProof::new(&request(), &certificate, NOW, &mut Draws::new(4)).unwrap();
    let mut signature = [0; 64];
    device_key().sign_digest(unsigned.digest(), &mut signature, &mut Draws::new(1)).unwrap();
    assert_eq!(unsigned.clone().complete(&[0; 64]).err(), Some(Error::Key));
    let made = unsigned.complete(&signature).unwrap();
    let same = RequestProof::sign(&request(), &certificate, &device_key(), NOW, &mut Draws::new(4)).unwrap();
    assert_eq!(made.to_bytes(), same.to_bytes());
    assert!(UnsignedProof::new(&request(), &certificate, NOW, &mut Draws::failing(1, 0)).is_err());
}
