//! Device certificates and request proofs. SPEC §23.

use crate::common::hand::{sha256, sign_input, vector as bytes_of};
use crate::devices::base64url;
use crate::hold::{Expected, OK, vector};
use crate::rooms::class_of;
use crate::samples::{SeedRng, cast, flipped, hex, negated};
use sealroom::*;
use serde_json::{Value, json};

const ID: [u8; 16] = [0x1d; 16];
const START: u64 = 1_800_000_000;
const END: u64 = START + 1000;
const NOW: u64 = START + 500;
const T: u64 = 60;

fn device_key() -> P256PrivateKey {
    P256PrivateKey::generate(&mut SeedRng::new(b"device key")).unwrap()
}

fn signing_key(identity: &Identity) -> P256PrivateKey {
    let [_, signing] = hazmat::identity_keys(identity).unwrap();
    P256PrivateKey::from_pkcs8_der(signing.expose()).unwrap()
}

fn ecdsa(key: &P256PrivateKey, label: &str, content: &[u8]) -> [u8; 64] {
    let mut signature = [0; 64];
    key.sign_digest(&sha256(&sign_input(label, content)), &mut signature, &mut SeedRng::new(b"")).unwrap();
    signature
}

/// All of a certificate but its signature. SPEC §23.1
fn certificate_body(identity: &PublicIdentity, [not_before, not_after]: [u64; 2]) -> Vec<u8> {
    let (identity, key) = (identity.fingerprint().as_bytes(), device_key());
    let head = [b"SLRM\x00\x01\x27", &identity[..], &ID, key.public_key().as_bytes()].concat();
    [&head[..], &not_before.to_be_bytes(), &not_after.to_be_bytes(), &[1]].concat()
}

/// By whatever key.
fn certificate_by(identity: &PublicIdentity, validity: [u64; 2], key: &P256PrivateKey, label: &str) -> Vec<u8> {
    let body = certificate_body(identity, validity);
    [&body[..], &ecdsa(key, label, &body)].concat()
}

/// Alice's word for the device.
fn certificate(validity: [u64; 2]) -> Vec<u8> {
    let alice = &cast().alice;
    let made = certificate_by(alice.public(), validity, &signing_key(alice), "device certificate");
    let key = device_key();
    let [from, to] = validity;
    if from < to {
        let issued =
            DeviceCertificate::issue(&alice.sender(), ID, key.public_key(), from..to, &mut SeedRng::new(b"")).unwrap();
        assert_eq!(issued.to_bytes(), made);
    }
    made
}

/// Alice's next generation.
fn alice_1() -> Identity {
    Root::from_bip39_seed(&[1; 64]).identity(Profile::P256, 1, &mut SeedRng::new(b"alice 1")).unwrap()
}

pub(crate) fn certificates() -> Vec<Value> {
    let (alice, bob, carol) = (&cast().alice, &cast().bob, &cast().carol);
    let mut vectors = Vec::new();
    let mut push = |id: &str,
                    comment: &str,
                    expected: Expected,
                    bytes: &[u8],
                    identity: &PublicIdentity,
                    [now, tolerance]: [u64; 2]| {
        let decoded = DeviceCertificate::from_bytes(bytes);
        let clock = Clock::at(now).tolerance(tolerance);
        let verified = decoded.and_then(|made| made.verify(identity, &clock).map(|()| made));
        let mut fields = json!({"certificate": hex(bytes), "identity": hex(&identity.to_bytes()), "now": now,
            "tolerance": tolerance});
        match verified {
            Ok(made) => {
                assert_eq!(expected, OK, "{id}");
                let body = &bytes[..137];
                let validity = made.validity();
                let more = json!({"device_id": hex(made.device_id()), "device_key": hex(made.device_key().as_bytes()),
                    "not_before": validity.start, "not_after": validity.end,
                    "digest": hex(&sha256(&sign_input("device certificate", body)))});
                fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            }
            Err(error) => assert_eq!(class_of(error), expected, "{id}"),
        }
        vectors.push(vector("certificate", id, comment, expected, fields));
    };
    let good = certificate([START, END]);
    let at = |now| [now, T];
    let key = device_key();
    let by_rsa = DeviceCertificate::issue(&carol.sender(), ID, key.public_key(), START..END, &mut SeedRng::new(b"rsa"));
    let by_rsa = by_rsa.unwrap().to_bytes();
    push("certificate", "valid now", OK, &good, alice.public(), at(NOW));
    push("certificate-rsa", "by an identity of 3072-bit keys", OK, &by_rsa, carol.public(), at(NOW));
    for (id, comment, now, tolerance, valid) in [
        ("certificate-first-second", "the first second, by the same clock", START, 0, true),
        ("certificate-last-second", "the last second, by the same clock", END - 1, 0, true),
        ("certificate-before-tolerated", "60 seconds before", START - 60, T, true),
        ("certificate-after-tolerated", "59 seconds after it is over", END + 59, T, true),
        ("certificate-time-zero", "a tolerance beyond the beginning of time", 0, START, true),
        ("certificate-before", "a second before, by the same clock", START - 1, 0, false),
        ("certificate-not-yet", "61 seconds before", START - 61, T, false),
        ("certificate-over", "the first second at which it is over", END, 0, false),
        ("certificate-over-tolerated", "60 seconds after it is over", END + 60, T, false),
    ] {
        let expected = if valid { OK } else { ("proof", Some("CRT-03")) };
        push(id, comment, expected, &good, alice.public(), [now, tolerance]);
    }
    let one = ("proof", Some("CRT-01"));
    push("certificate-other-identity", "another person's", one, &good, bob.public(), at(NOW));
    push(
        "certificate-earlier-generation",
        "of the generation before the account's",
        one,
        &good,
        alice_1().public(),
        at(NOW),
    );
    push("certificate-other-algorithm", "the account's keys are RSA now", one, &good, carol.public(), at(NOW));
    for (id, comment, key, label) in [
        ("certificate-by-another", "another person's key signed it", signing_key(bob), "device certificate"),
        ("certificate-by-itself", "the device's key signed it", device_key(), "device certificate"),
        ("certificate-label-proof", "a signature for a request", signing_key(alice), "request proof"),
        ("certificate-label-detached", "a signature over bytes", signing_key(alice), "detached signature"),
    ] {
        push(id, comment, one, &certificate_by(alice.public(), [START, END], &key, label), alice.public(), at(NOW));
    }
    for (id, comment, place) in [
        ("certificate-bit-identity", "a bit of the fingerprint", 10),
        ("certificate-bit-device-id", "a bit of the device id", 40),
        ("certificate-bit-not-before", "a bit of not_before", 127),
        ("certificate-bit-not-after", "a bit of not_after", 135),
        ("certificate-bit-r", "a bit of r", 150),
        ("certificate-bit-s", "a bit of s", 199),
    ] {
        push(id, comment, one, &flipped(&good, place), alice.public(), at(NOW));
    }
    push("certificate-high-s", "the other s", one, &negated(&good), alice.public(), at(NOW));
    let with = |at: usize, byte: u8| {
        let mut other = good.clone();
        other[at] = byte;
        other
    };
    let malformed = ("malformed", None);
    for (id, comment, expected, bytes) in [
        ("certificate-never", "it is over when it begins", malformed, certificate([NOW, NOW])),
        ("certificate-backwards", "it is over before it begins", malformed, certificate([END, START])),
        ("certificate-key-compressed", "a compressed device key", malformed, with(55, 2)),
        ("certificate-key-off-curve", "a device key that is not on the curve", malformed, flipped(&good, 119)),
        ("certificate-algorithm-none", "the algorithm none", malformed, with(136, 0)),
        ("certificate-algorithm-rsa", "the algorithm of another length", malformed, with(136, 3)),
        ("certificate-algorithm-unknown", "an unknown algorithm", ("unsupported", None), with(136, 9)),
        ("certificate-type", "another type", ("unsupported", None), with(6, 0x28)),
        ("certificate-suite", "suite 2", ("unsupported", None), with(5, 2)),
        ("certificate-magic", "another magic", malformed, with(0, 0)),
        ("certificate-cut", "a byte is missing", malformed, good[..200].to_vec()),
        ("certificate-trailing", "a byte is left over", malformed, [&good[..], &[0]].concat()),
    ] {
        push(id, comment, expected, &bytes, alice.public(), at(NOW));
    }
    vectors
}

/// A request as a client made it, or as a server received it.
#[derive(Clone)]
struct Asked {
    audience: Vec<u8>,
    method: Vec<u8>,
    target: Vec<u8>,
    body: Vec<u8>,
    server_nonce: Vec<u8>,
}

impl Asked {
    fn new() -> Self {
        let target = b"/mail?to=bob".to_vec();
        let (audience, method) = (b"api.example.org".to_vec(), b"POST".to_vec());
        Self { audience, method, target, body: b"Hello.".to_vec(), server_nonce: b"nonce".to_vec() }
    }

    fn but(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut other = self.clone();
        change(&mut other);
        other
    }

    fn request(&self) -> Request<'_> {
        let request = Request::new(&self.audience, &self.method, &self.target).body(&self.body);
        request.server_nonce(&self.server_nonce)
    }

    /// RequestInput. SPEC §23.2
    fn input(&self, certificate: &[u8], time: u64, nonce: &[u8; 16]) -> Vec<u8> {
        let head = [&sha256(certificate)[..], &bytes_of(&self.audience), &bytes_of(&self.method)].concat();
        let hashes = [sha256(&self.target), sha256(&self.body)].concat();
        [&head[..], &hashes, &time.to_be_bytes(), nonce, &bytes_of(&self.server_nonce)].concat()
    }

    /// A proof by whatever key.
    fn proof(&self, certificate: &[u8], time: u64, key: &P256PrivateKey, label: &str) -> Vec<u8> {
        let nonce = [0x40; 16];
        let signature = ecdsa(key, label, &self.input(certificate, time, &nonce));
        [b"SLRM\x00\x01\x28", certificate, &time.to_be_bytes(), &nonce, &signature].concat()
    }

    fn fields(&self) -> Value {
        json!({"audience": hex(&self.audience), "method": hex(&self.method), "target": hex(&self.target),
            "body": hex(&self.body), "server_nonce": hex(&self.server_nonce)})
    }
}

fn as_text(proof: &[u8]) -> String {
    format!("slrm-proof:{}", base64url(proof))
}

fn taken(text: &str, asked: &Asked, account: &PublicIdentity, now: u64, seen: &mut RememberedProofs) -> Expected {
    let proof: Result<RequestProof, Error> = text.parse();
    let verified = proof.and_then(|proof| proof.verify(&asked.request(), account, &Clock::at(now), seen).map(|_| ()));
    verified.map_or_else(class_of, |()| OK)
}

pub(crate) fn proofs() -> Vec<Value> {
    let (alice, carol) = (&cast().alice, &cast().carol);
    let (good, key) = (certificate([START, END]), device_key());
    let asked = Asked::new();
    let honest = asked.proof(&good, NOW, &key, "request proof");
    let mut vectors = Vec::new();
    let mut push =
        |id: &str, comment: &str, expected: Expected, text: &str, asked: &Asked, account: &PublicIdentity, now: u64| {
            assert_eq!(taken(text, asked, account, now, &mut RememberedProofs::new(9)), expected, "{id}");
            let mut fields = json!({"proof": text, "identity": hex(&account.to_bytes()), "now": now, "tolerance": T});
            let all = fields.as_object_mut().unwrap();
            all.extend(asked.fields().as_object().unwrap().clone());
            if expected == OK {
                let proof = text.parse::<RequestProof>().unwrap().to_bytes();
                let at = proof.len() - 88;
                let (certificate, time) = (&proof[7..at], u64::from_be_bytes(proof[at..at + 8].try_into().unwrap()));
                let input = asked.input(certificate, time, proof[at + 8..at + 24].try_into().unwrap());
                let more = json!({"device_id": hex(&ID), "time": time, "nonce": hex(&proof[at + 8..at + 24]),
                "input": hex(&input), "digest": hex(&sha256(&sign_input("request proof", &input)))});
                all.extend(more.as_object().unwrap().clone());
            }
            vectors.push(vector("request_proof", id, comment, expected, fields));
        };
    let text = as_text(&honest);
    let me = alice.public();
    push("proof", "every field used", OK, &text, &asked, me, NOW);
    for (id, comment, other) in [
        (
            "proof-plain",
            "no body and no server nonce",
            asked.but(|asked| {
                asked.body.clear();
                asked.server_nonce.clear();
            }),
        ),
        (
            "proof-longest",
            "audience, method and server nonce as long as may be",
            asked.but(|asked| {
                asked.audience = vec![b'a'; 255];
                asked.method = vec![b'M'; 32];
                asked.server_nonce = vec![7; 64];
            }),
        ),
        (
            "proof-shortest",
            "audience and method of a byte, no target",
            asked.but(|asked| {
                (asked.audience, asked.method, asked.target) = (b"a".to_vec(), b"M".to_vec(), vec![]);
            }),
        ),
        ("proof-63", "a length of one byte", asked.but(|asked| asked.audience = vec![b'a'; 63])),
        ("proof-64", "a length of two bytes", asked.but(|asked| asked.audience = vec![b'a'; 64])),
    ] {
        push(id, comment, OK, &as_text(&other.proof(&good, NOW, &key, "request proof")), &other, me, NOW);
    }
    let rsa = DeviceCertificate::issue(&carol.sender(), ID, key.public_key(), START..END, &mut SeedRng::new(b"rsa"));
    let rsa = rsa.unwrap().to_bytes();
    push(
        "proof-rsa",
        "the account's keys are RSA",
        OK,
        &as_text(&asked.proof(&rsa, NOW, &key, "request proof")),
        &asked,
        carol.public(),
        NOW,
    );
    push("proof-early", "60 seconds before the server's time", OK, &text, &asked, me, NOW + 60);
    push("proof-late", "60 seconds after it", OK, &text, &asked, me, NOW - 60);

    let check = |check| ("proof", Some(check));
    push("proof-expired", "61 seconds before the server's time", check("PRF-03"), &text, &asked, me, NOW + 61);
    push("proof-from-the-future", "61 seconds after it", check("PRF-03"), &text, &asked, me, NOW - 61);
    for (id, comment, other) in [
        ("proof-other-audience", "for another server", asked.but(|asked| asked.audience.push(b'x'))),
        ("proof-other-method", "for another method", asked.but(|asked| asked.method = b"PUT".to_vec())),
        ("proof-method-case", "the method in lower case", asked.but(|asked| asked.method = b"post".to_vec())),
        ("proof-other-target", "for another target", asked.but(|asked| asked.target = b"/mail?to=eve".to_vec())),
        ("proof-other-query", "a query left out", asked.but(|asked| asked.target = b"/mail".to_vec())),
        ("proof-other-body", "another body", asked.but(|asked| asked.body = b"Hello!".to_vec())),
        ("proof-no-body", "no body", asked.but(|asked| asked.body.clear())),
        ("proof-other-nonce", "another server nonce", asked.but(|asked| asked.server_nonce = b"other".to_vec())),
        ("proof-no-nonce", "no server nonce is demanded", asked.but(|asked| asked.server_nonce.clear())),
        (
            "proof-moved-bytes",
            "a byte moved from the audience to the method",
            asked.but(|asked| {
                asked.audience.pop();
                asked.method.insert(0, b'g');
            }),
        ),
        ("proof-audience-too-long", "an audience of 256 bytes", asked.but(|asked| asked.audience = vec![b'a'; 256])),
        ("proof-audience-empty", "no audience", asked.but(|asked| asked.audience.clear())),
        ("proof-method-too-long", "a method of 33 bytes", asked.but(|asked| asked.method = vec![b'M'; 33])),
        ("proof-method-empty", "no method", asked.but(|asked| asked.method.clear())),
        ("proof-nonce-too-long", "a server nonce of 65 bytes", asked.but(|asked| asked.server_nonce = vec![7; 65])),
    ] {
        // What is too long or empty was signed so: it is refused for its length.
        let signed = id.ends_with("long") || id.ends_with("empty");
        let made = if signed { &other } else { &asked };
        let text = as_text(&made.proof(&good, NOW, &key, "request proof"));
        push(id, comment, check("PRF-04"), &text, &other, me, NOW);
    }
    for (id, comment, by, label) in [
        ("proof-by-the-identity", "the identity's key signed it", signing_key(alice), "request proof"),
        ("proof-label", "a signature for another purpose", device_key(), "device certificate"),
    ] {
        push(id, comment, check("PRF-04"), &as_text(&asked.proof(&good, NOW, &by, label)), &asked, me, NOW);
    }
    let len = honest.len();
    for (id, comment, tag, at) in [
        ("proof-bit-time", "a bit of the time", "PRF-04", len - 81),
        ("proof-bit-nonce", "a bit of the nonce", "PRF-04", len - 80),
        ("proof-bit-r", "a bit of r", "PRF-04", len - 64),
        ("proof-bit-s", "a bit of s", "PRF-04", len - 1),
        ("proof-bit-certificate", "a bit of the certificate's signature", "CRT-01", 7 + 190),
        ("proof-bit-device-id", "a bit of the certificate's device id", "CRT-01", 7 + 40),
    ] {
        push(id, comment, check(tag), &as_text(&flipped(&honest, at)), &asked, me, NOW);
    }
    push("proof-high-s", "the other s", check("PRF-04"), &as_text(&negated(&honest)), &asked, me, NOW);
    let other = certificate([START, END + 1]);
    let spliced = [&honest[..7], &other, &honest[208..]].concat();
    push(
        "proof-other-certificate",
        "another certificate of the same device",
        check("PRF-04"),
        &as_text(&spliced),
        &asked,
        me,
        NOW,
    );
    push(
        "proof-revoked",
        "the account has its next generation",
        check("CRT-01"),
        &text,
        &asked,
        alice_1().public(),
        NOW,
    );
    let late = asked.proof(&good, END + 70, &key, "request proof");
    push("proof-certificate-over", "the certificate is over", check("CRT-03"), &as_text(&late), &asked, me, END + 70);
    let early = asked.proof(&good, START - 70, &key, "request proof");
    push(
        "proof-certificate-not-yet",
        "the certificate does not hold yet",
        check("CRT-03"),
        &as_text(&early),
        &asked,
        me,
        START - 70,
    );
    let with = |at: usize, byte: u8| {
        let mut other = honest.clone();
        other[at] = byte;
        as_text(&other)
    };
    let (malformed, unsupported) = (("malformed", None), ("unsupported", None));
    for (id, comment, expected, text) in [
        ("proof-cut", "a byte is missing", malformed, as_text(&honest[..len - 1])),
        ("proof-trailing", "a byte is left over", malformed, as_text(&[&honest[..], &[0]].concat())),
        ("proof-type", "another type", unsupported, with(6, 0x27)),
        ("proof-certificate-type", "another type inside", unsupported, with(13, 0x28)),
        ("proof-suite", "suite 2", unsupported, with(5, 2)),
        ("proof-prefix", "another prefix", malformed, text.replace("slrm-proof:", "slrm-id:")),
        ("proof-padded-text", "padding characters", malformed, format!("{text}=")),
        ("proof-white-space", "a space at the end", malformed, format!("{text} ")),
        (
            "proof-standard-alphabet",
            "the alphabet of base64",
            malformed,
            text.replace('-', "+").replace('_', "/").replace("slrm+", "slrm-"),
        ),
    ] {
        push(id, comment, expected, &text, &asked, me, NOW);
    }
    vectors
}

/// Several requests to one server, which remembers.
pub(crate) fn replays() -> Vec<Value> {
    let me = cast().alice.public();
    let (good, key, asked) = (certificate([START, END]), device_key(), Asked::new());
    let at = |time| as_text(&asked.proof(&good, time, &key, "request proof"));
    let first = at(NOW);
    // The same signed bytes under another signature: ECDSA by another nonce.
    let again = {
        let digest = sha256(&sign_input("request proof", &asked.input(&good, NOW, &[0x40; 16])));
        let (r, s) = second_signature(&key, &digest);
        let mut proof = asked.proof(&good, NOW, &key, "request proof");
        let len = proof.len();
        proof[len - 64..].copy_from_slice(&[r, s].concat());
        as_text(&proof)
    };
    let mut vectors = Vec::new();
    for (id, comment, requests) in [
        ("replays-none", "two requests", vec![(first.clone(), NOW), (at(NOW + 1), NOW + 1)]),
        ("proof-again", "one request twice", vec![(first.clone(), NOW), (first.clone(), NOW)]),
        (
            "proof-again-last-second",
            "again, in the last second of its time",
            vec![(first.clone(), NOW), (first.clone(), NOW + 60)],
        ),
        ("proof-again-signed", "the same request, signed anew", vec![(first.clone(), NOW), (again, NOW + 1)]),
        ("proof-too-early-then-taken", "what was refused is not remembered: it is taken once its time has come", {
            vec![(at(NOW + 61), NOW), (at(NOW + 61), NOW + 1)]
        }),
        (
            "proof-again-between",
            "again, after another one",
            vec![(first.clone(), NOW), (at(NOW + 1), NOW + 1), (first.clone(), NOW + 2)],
        ),
    ] {
        let mut seen = RememberedProofs::new(9);
        let mut result = OK;
        let requests: Vec<Value> = requests
            .iter()
            .map(|(proof, now)| {
                let answer = taken(proof, &asked, me, *now, &mut seen);
                result = if answer == OK { result } else { answer };
                let mut fields = json!({"proof": proof, "now": now, "result": answer.0});
                if let Some(check) = answer.1 {
                    fields["check"] = json!(check);
                }
                fields.as_object_mut().unwrap().extend(asked.fields().as_object().unwrap().clone());
                fields
            })
            .collect();
        assert_eq!(result == OK, id == "replays-none", "{id}");
        let fields = json!({"identity": hex(&me.to_bytes()), "tolerance": T, "requests": requests});
        vectors.push(vector("proof_sequence", id, comment, result, fields));
    }
    vectors
}

/// A signature by a nonce that is not RFC 6979's.
fn second_signature(key: &P256PrivateKey, digest: &[u8; 32]) -> ([u8; 32], [u8; 32]) {
    use p256::ecdsa::SigningKey;
    use p256::ecdsa::signature::hazmat::RandomizedPrehashSigner;
    use p256::pkcs8::DecodePrivateKey;
    let key = SigningKey::from_pkcs8_der(key.to_pkcs8_der().unwrap().expose()).unwrap();
    let signature: p256::ecdsa::Signature =
        key.sign_prehash_with_rng(&mut SeedRng::new(b"another nonce"), digest).unwrap();
    let signature = signature.normalize_s();
    let bytes = signature.to_bytes();
    (bytes[..32].try_into().unwrap(), bytes[32..].try_into().unwrap())
}
