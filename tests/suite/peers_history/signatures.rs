//! A signature is for one kind of object.

use super::*;

/// The labels of all signatures. SPEC §4.3
const SIGNED: [&str; 10] = [
    "envelope signature",
    "detached signature",
    "identity signature",
    "transition",
    "transition rotation",
    "room message",
    "leave",
    "head",
    "device certificate",
    "request proof",
];

/// Under which of them a signature by `key` over what an object signs is taken.
fn labels_taken(key: &P256PrivateKey, body: &[u8], takes: &dyn Fn(&[u8; 64]) -> bool) -> Vec<&'static str> {
    let taken = SIGNED.into_iter().filter(|label| {
        let mut signature = [0; 64];
        key.sign_digest(&sha256(&sign_input(label, body)), &mut signature, &mut Draws::new(2)).unwrap();
        takes(&signature)
    });
    taken.collect()
}

/// One signing key serves many protocols, and a signature serves one. What an object signs is signed by the right key under the
/// label of each: one of them is taken. [LAB-02] [LAB-04] [SIG-04] [ID-06] [TRN-01] [CRT-01] [ROOM-21] [ROOM-23] [PRF-04]
#[test]
fn signatures_do_not_move() {
    let (alice, bob, rng) = (&crowd()[1], &crowd()[2], &mut Draws::new(1));
    let content = b"the same bytes";
    let signature = DetachedSignature::sign(&alice.sender(), b"file", content, rng).unwrap();
    assert_eq!(signature.verify(&alice.public, b"file", content), Ok(()));
    for context in [&b""[..], b"mail", b"file ", b"fil"] {
        assert_eq!(signature.verify(&alice.public, context, content), Err(Error::Signature));
    }
    // With the signature at so many bytes before the end.
    let only = |key: &P256PrivateKey, object: &[u8], from_end: usize, body: &[u8], takes: &dyn Fn(&[u8]) -> bool| {
        assert!(takes(object));
        let taken = labels_taken(key, body, &|signature| {
            let mut bytes = object.to_vec();
            *bytes[object.len() - from_end..].first_chunk_mut().unwrap() = *signature;
            takes(&bytes)
        });
        let [label] = taken[..] else { panic!("{taken:?}") };
        label
    };
    let last = |object: &[u8], skipped: usize, takes: &dyn Fn(&[u8]) -> bool| {
        only(&alice.signing, object, 64, &object[skipped..object.len() - 64], takes)
    };
    let body = [&alice.id()[..], &[1, 4], b"file", &sha256(content)].concat();
    let verifies =
        |bytes: &[u8]| DetachedSignature::from_bytes(bytes).unwrap().verify(&alice.public, b"file", content).is_ok();
    assert_eq!(only(&alice.signing, &signature.to_bytes(), 64, &body, &verifies), "detached signature");
    let identity = last(&alice.public.to_bytes(), 0, &|bytes| PublicIdentity::from_bytes(bytes).is_ok());
    assert_eq!(identity, "identity signature");

    let step = successor(alice, 9).1.to_bytes().unwrap();
    let follows = |bytes: &[u8]| alice.public.follow(&Transition::from_bytes(bytes).unwrap()).is_ok();
    let body = &step[..step.len() - 128];
    assert_eq!(only(&alice.signing, &step, 128, body, &follows), "transition");
    assert_eq!(only(&alice.rotation, &step, 64, body, &follows), "transition rotation");

    let device = P256PrivateKey::generate(rng).unwrap();
    let certificate = DeviceCertificate::issue(&alice.sender(), [1; 16], device.public_key(), 100..200, rng).unwrap();
    let (certified, clock) = (certificate.to_bytes(), Clock::at(150));
    let certifies = |bytes: &[u8]| DeviceCertificate::from_bytes(bytes).unwrap().verify(&alice.public, &clock).is_ok();
    assert_eq!(last(&certified, 0, &certifies), "device certificate");
    let asked = Request::new(b"server", b"GET", b"/");
    let proof = RequestProof::sign(&asked, &certificate, &device, 150, rng).unwrap().to_bytes();
    let (vectors, hashes) = ([&b"server"[..], b"GET", b""].map(vector), [&b"/"[..], b""].map(sha256));
    let time_and_nonce = &proof[proof.len() - 64 - 24..proof.len() - 64];
    let input =
        [&sha256(&certified)[..], &vectors[0], &vectors[1], &hashes[0], &hashes[1], time_and_nonce, &vectors[2]];
    let proves = |bytes: &[u8]| {
        let proof = RequestProof::from_bytes(bytes).unwrap();
        proof.verify(&asked, &alice.public, &clock, &mut RememberedProofs::new(1)).is_ok()
    };
    assert_eq!(only(&device, &proof, 64, &input.concat(), &proves), "request proof");

    let others = [(&bob.public, Role::Member)];
    let first = Room::create(&alice.sender(), &others, HistoryPolicy::FromJoin, rng).unwrap();
    let room = Room::join(&first, &alice.public, &[alice.reader()], rng).unwrap().finish().unwrap();
    let leave = room.leave(&alice.sender(), rng).unwrap().to_bytes();
    let leaves = |bytes: &[u8]| room.check_leave(&LeaveStatement::from_bytes(bytes).unwrap(), &directory()).is_ok();
    assert_eq!(last(&leave, 7, &leaves), "leave");
    let vouched = room.vouch(&[7; 32], &alice.sender(), rng).unwrap().to_bytes();
    let confirms =
        |bytes: &[u8]| copy(&room).confirm(&HeadStatement::from_bytes(bytes).unwrap(), &[7; 32], &alice.public).is_ok();
    assert_eq!(last(&vouched, 7, &confirms), "head");
}

/// The same of signatures inside of what is encrypted: of a message, of a room's package, of a grant, and of a room's message.
/// [LAB-04] [SIG-03] [ROOM-07] [ROOM-25] [RMSG-05]
#[test]
fn sealed_signatures_do_not_move() {
    let (alice, bob) = (&crowd()[1], &crowd()[2]);
    let signed = |content_type: u8, public_data: Vec<u8>, plain: &[u8], takes: &dyn Fn(&[u8]) -> bool| {
        let hand = Hand { content_type, signature: 1, public_data, ..Hand::symmetric(&[31; 32]) };
        let info = |id: &[u8; 32]| wrap_info(content_type, 1, &hand.salt, id);
        let mut enc = [0; 65];
        let entries = [alice, bob].map(|who| {
            let entry;
            (enc, entry) = wrap_p256(who.encryption.public_key(), &info(&who.id()), &hand.dek, [4; 32]);
            entry
        });
        let hand = Hand { stanzas: group(&enc, &entries), ..hand.clone() };
        labels_taken(&alice.signing, &hand.signed_content(&[plain], &alice.id()), &|signature| {
            takes(&hand.seal_signed(plain, &alice.id(), signature))
        })
    };
    let envelope = ["envelope signature"];
    let opens = |bytes: &[u8]| open(bytes, &[bob.reader()], &mut Draws::new(1)).unwrap().verify(&alice.public).is_ok();
    assert_eq!(signed(1, Vec::new(), b"content", &opens), envelope);

    let members = [(alice.id(), 2), (bob.id(), 2)];
    let first = Craft::new(Body::first(FROM_JOIN, &members), alice.sender(), &[&alice.public, &bob.public]).seal();
    let parent = Known::of(&first, bob.reader(), alice.id());
    let bobs = |known: &Known| State::of(bob.id(), &[known]).room();
    let refresh = Craft::new(parent.next(), alice.sender(), &[]).with_previous(&parent.secret);
    let applies = |bytes: &[u8]| bobs(&parent).apply(bytes, &[bob.reader()], &directory(), &mut Draws::new(1)).is_ok();
    assert_eq!(signed(2, refresh.public_data(), &refresh.payload(), &applies), envelope);

    let head = Known { body: parent.next(), ..parent.clone() };
    let content = [&parent.body.room_id()[..], &vector(&parent.granted())].concat();
    let accepts =
        |bytes: &[u8]| bobs(&head).accept_grant(bytes, &alice.public, &[bob.reader()], &mut Draws::new(1)) == Ok(1);
    assert_eq!(signed(5, parent.body.room_id().to_vec(), &content, &accepts), envelope);

    let written = Written::new(&parent, alice, b"content");
    let message = labels_taken(&alice.signing, &written.signed_content(&alice.id()), &|signature| {
        bobs(&parent).open(&written.seal_with(signature), b"", &directory()).is_ok()
    });
    assert_eq!(message, ["room message"]);
}
