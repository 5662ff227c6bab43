//! Linked devices, certificates, requests, and what else is signed.

use crate::common::{Input, Rng, content_of, content_under, people, store, symmetric};
use sealroom::{
    Clock, ContentType, DetachedSignature, DeviceCertificate, Envelope, Error, Identity, LinkCode, LinkRequest,
    LinkedIdentity, Linking, P256PrivateKey, Padding, PublicIdentity, Reader, Recipient, RememberedProofs, Request,
    RequestProof, SafetyNumber, Transition, hazmat,
};
use std::ops::ControlFlow;
use std::sync::OnceLock;

/// What a device, a server and a stranger who sees it all can give to somebody.
struct Made {
    linking: Linking,
    answer: Vec<u8>,
    content: Vec<u8>,
    state: Vec<u8>,
    device_key: P256PrivateKey,
    certificate: Vec<u8>,
    proof: RequestProof,
    signature: Vec<u8>,
}

const FROM: u64 = 1_000;
const UNTIL: u64 = 9_000;
const TIME: u64 = 5_000;

fn request() -> Request<'static> {
    Request::new(b"api.example.org", b"POST", b"/mail").body(b"Hello.").server_nonce(b"nonce")
}

fn alice() -> &'static Identity {
    people()[0].first()
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let rng = &mut Rng(7);
        // The key below, which opens the answer, is drawn from the same numbers.
        let linking = Linking::new(&mut Rng(8)).unwrap();
        let [first, second] = &people()[0].generations;
        let transitions = [people()[0].transition.clone()];
        let answer = linking.request().confirm().answer(&[first, second], &transitions, rng).unwrap();
        let key = P256PrivateKey::generate(&mut Rng(8)).unwrap();
        let content = content_of(&answer, &[Reader::bare_p256(&key)]).unwrap();
        let state = linking.open(&answer).unwrap().confirm().save(&symmetric(), rng).unwrap();
        let device_key = P256PrivateKey::generate(rng).unwrap();
        let public = device_key.public_key();
        let certificate = DeviceCertificate::issue(&alice().sender(), [7; 16], public, FROM..UNTIL, rng).unwrap();
        let proof = RequestProof::sign(&request(), &certificate, &device_key, TIME, rng).unwrap();
        let signature = DetachedSignature::sign(&alice().sender(), b"context", b"content", rng).unwrap().to_bytes();
        let certificate = certificate.to_bytes();
        Made { linking, answer, content, state, device_key, certificate, proof, signature }
    })
}

/// Nothing is taken but what was made, by whom it says and for what it is asked about. SPEC §12, §22, §23
pub fn device(bytes: &[u8]) {
    let input = &mut Input(bytes);
    match input.byte() % 7 {
        0 => answers(input),
        1 => states(input),
        2 => certificates(input),
        3 | 4 => proofs(input),
        5 => signatures(input),
        _ => texts(input),
    }
}

/// It has the first of her generations, or both.
fn is_alices(linked: &LinkedIdentity) -> bool {
    let mut own = people()[0].generations.iter().map(|identity| identity.public().fingerprint());
    linked.generations().all(|identity| own.next() == Some(identity.public().fingerprint()))
}

/// A link's answer: changed by who has no key, or made again by who saw the request and has somebody's keys. [LNK-02]
/// [LNK-03] [LNK-06] [LNK-07] [LNK-08]
fn answers(input: &mut Input<'_>) {
    let made = made();
    let mut given = made.answer.clone();
    let whose = input.place(5);
    if whose == 4 {
        input.edit(&mut given);
        assert_eq!(made.linking.open(&given).is_ok(), given == made.answer);
        return;
    }
    let mut content = made.content.clone();
    input.edit(&mut content);
    let key = made.linking.request();
    let point = key.to_bytes()[7..72].try_into().unwrap();
    let key = sealroom::P256PublicKey::from_bytes(&point).unwrap();
    let to = [Recipient::bare_p256(&key)];
    let signer = &people()[whose / 2].generations[whose % 2];
    let padding = if input.byte() % 8 == 7 { Padding::None } else { Padding::Padme };
    let envelope = Envelope::to(&to).signed_by(signer.sender()).without_copy_for_me().padding(padding);
    let given = hazmat::seal_as(&envelope, ContentType::DeviceLink, &content, &mut Rng(9)).unwrap();
    // An RSA identity takes seconds: its user gives up.
    let linked = made.linking.open_watched(&given, &mut |_| ControlFlow::Break(()));
    let own = content == made.content && whose == 1 && padding == Padding::Padme;
    assert!(linked.is_ok() || !own);
    if let Ok(linked) = linked {
        assert_eq!(linked.code(), LinkCode::of(signer.public()));
        assert!(is_alices(&linked.confirm()));
    }
}

/// [LNK-09]
fn states(input: &mut Input<'_>) {
    let (made, key) = (made(), symmetric());
    let mut given = made.state.clone();
    if input.flag() {
        input.edit(&mut given);
        assert_eq!(LinkedIdentity::load(&given, &key).is_ok(), given == made.state);
        return;
    }
    let mut content = content_under(&key, &made.state);
    input.edit(&mut content);
    let given = store(ContentType::DeviceLink, &content, &key, &mut Rng(9));
    if let Ok(linked) = LinkedIdentity::load_watched(&given, &key, &mut |_| ControlFlow::Break(())) {
        assert!(is_alices(&linked));
        let saved = linked.save(&key, &mut Rng(9)).unwrap();
        assert_eq!(content_under(&key, &saved), content);
    }
}

/// Any time, but mostly one near to where something begins or ends.
fn moment(input: &mut Input<'_>) -> u64 {
    match input.byte() % 4 {
        3 => input.long(),
        near => [FROM, TIME, UNTIL][usize::from(near)] + u64::from(input.byte()) - 128,
    }
}

/// Now, and the tolerance.
fn clock(input: &mut Input<'_>) -> (u64, u64) {
    let tolerance = if input.byte() % 8 == 7 { input.long() } else { input.byte().into() };
    (moment(input), tolerance)
}

fn is_valid_at((now, tolerance): (u64, u64)) -> bool {
    now.saturating_add(tolerance) >= FROM && now.saturating_sub(tolerance) < UNTIL
}

/// [CRT-01] [CRT-02] [CRT-03]
fn certificates(input: &mut Input<'_>) {
    let made = made();
    let (now, tolerance) = clock(input);
    let whose = input.place(4);
    let identity = people()[whose / 2].generations[whose % 2].public();
    let mut given = made.certificate.clone();
    input.edit(&mut given);
    let verified = DeviceCertificate::from_bytes(&given)
        .and_then(|certificate| certificate.verify(identity, &Clock::at(now).tolerance(tolerance)));
    let expected = given == made.certificate && whose == 0 && is_valid_at((now, tolerance));
    assert_eq!(verified.is_ok(), expected, "{verified:?}");
}

/// [PRF-01] to [PRF-06]
fn proofs(input: &mut Input<'_>) {
    let made = made();
    let (now, tolerance) = clock(input);
    let mut fields = [&b"api.example.org"[..], b"POST", b"/mail", b"Hello.", b"nonce"].map(<[u8]>::to_vec);
    let fields_were = fields.clone();
    let which = input.place(8);
    if let Some(field) = fields.get_mut(which) {
        input.edit(field);
    }
    let [audience, method, target, body, nonce] = &fields;
    let request = Request::new(audience, method, target).body(body).server_nonce(nonce);
    let own = made.proof.to_bytes();
    let mut given = own.clone();
    let time = moment(input);
    let sign_again = input.flag();
    let certificate = DeviceCertificate::from_bytes(&made.certificate).unwrap();
    if sign_again {
        // The device itself, at whatever time, for whatever it may be asked.
        match RequestProof::sign(&request, &certificate, &made.device_key, time, &mut Rng(10)) {
            Ok(proof) => given = proof.to_bytes(),
            Err(error) => {
                assert!(matches!(error, Error::Argument { .. }));
                assert!(!(1..=255).contains(&audience.len()) || !(1..=32).contains(&method.len()) || nonce.len() > 64);
                return;
            }
        }
    }
    let signed = given.clone();
    input.edit(&mut given);
    let (time, for_this) = if sign_again { (time, true) } else { (TIME, fields == fields_were) };
    let expected = given == signed && for_this && is_valid_at((now, tolerance)) && now.abs_diff(time) <= tolerance;
    let mut seen = RememberedProofs::new(2);
    let clock = Clock::at(now).tolerance(tolerance);
    let Ok(proof) = RequestProof::from_bytes(&given) else { return assert!(!expected) };
    let verified = proof.verify(&request, alice().public(), &clock, &mut seen).map(|_| ());
    assert_eq!(verified.is_ok(), expected, "{verified:?}");
    let again = proof.verify(&request, alice().public(), &clock, &mut seen).map(|_| ());
    assert_eq!(again, verified.and(Err(Error::Proof { check: "PRF-05" })));
    assert!(proof.verify(&request, people()[0].generations[1].public(), &clock, &mut seen).is_err());
}

/// Detached signatures and transitions. [SIG-04] [TRN-01] [TRN-02]
fn signatures(input: &mut Input<'_>) {
    let [alice, bob, ..] = people();
    if input.flag() {
        let valid = alice.transition.to_bytes().unwrap();
        let mut given = valid.clone();
        input.edit(&mut given);
        let Ok(transition) = Transition::from_bytes(&given) else { return assert_ne!(given, valid) };
        assert_eq!(alice.first().public().follow(&transition).is_ok(), given == valid);
        for other in [alice.generations[1].public(), bob.first().public()] {
            assert!(other.follow(&transition).is_err());
        }
        return;
    }
    let mut given = made().signature.clone();
    let (mut context, mut content) = (b"context".to_vec(), b"content".to_vec());
    input.edit(&mut context);
    input.edit(&mut content);
    input.edit(&mut given);
    let verified = DetachedSignature::from_bytes(&given)
        .and_then(|signature| signature.verify(alice.first().public(), &context, &content));
    let expected = given == made().signature && context == b"context" && content == b"content";
    assert_eq!(verified.is_ok(), expected);
}

/// [SAF-02] [TXT-02]
fn texts(input: &mut Input<'_>) {
    let [alice, bob] = [people()[0].first().public(), people()[1].first().public()];
    let number = SafetyNumber::of(alice, bob);
    let valid = [
        number.qr().to_string(),
        alice.to_string(),
        made().linking.request().to_string(),
        made().proof.to_string(),
        alice.fingerprint().to_string(),
    ];
    let valid = valid[input.place(5)].clone();
    let mut given = valid.clone().into_bytes();
    input.edit(&mut given);
    let Ok(text) = String::from_utf8(given) else { return };
    assert_eq!(number.matches(&text), text == number.qr().to_string());
    let proof = text.parse::<RequestProof>().map(|proof| proof.to_string());
    let request = text.parse::<LinkRequest>().map(|request| request.to_string());
    let identity = text.parse::<PublicIdentity>().map(|identity| identity.to_string());
    for decoded in [proof, request, identity].into_iter().flatten() {
        assert_eq!(decoded, text);
    }
}
