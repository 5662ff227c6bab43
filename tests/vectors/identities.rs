//! Words, identities, transitions, safety numbers, detached signatures. SPEC §10.3, §11, §12.

use crate::hold::hold;
use crate::samples::{self, SeedRng, hex};
use sealroom::*;
use serde_json::json;

/// [ID-01] [ID-02] [ID-03] [ID-04] [ID-05] [ID-06] [DET-01] [DET-02] [TRN-01] [TRN-02] [SAF-01] [SAF-02] [TXT-01]
#[test]
fn identities() {
    let mut rng = SeedRng::new(b"identities");
    let mut vectors = Vec::new();
    let mut publics = Vec::new();
    let mut roots = Vec::new();
    for (count, passphrase, profile, generation) in [
        (WordCount::TwentyFour, "", Profile::P256, 0),
        (WordCount::TwentyFour, "", Profile::P256, 1),
        (WordCount::Twelve, "", Profile::P256, 0),
        (WordCount::Eighteen, "correct horse", Profile::P256, 7),
        (WordCount::TwentyFour, "", Profile::Rsa3072, 0),
        (WordCount::Twelve, "", Profile::Rsa4096, 0),
    ] {
        // The same words for each number of words, so that generations and profiles can be compared.
        let words =
            Mnemonic::generate_in(count, Language::English, &mut SeedRng::new(&[passphrase.len() as u8])).unwrap();
        let text = words.words().collect::<Vec<_>>().join(" ");
        let root = words.root_with_passphrase(passphrase);
        let identity = root.identity(profile, generation, &mut rng).unwrap();
        let bytes = identity.public().to_bytes();
        let signature_len = match profile {
            Profile::P256 => 64,
            Profile::Rsa3072 => 384,
            _ => 512,
        };
        let (body, signature) = bytes.split_at(bytes.len() - signature_len);
        let profile_name = format!("{profile:?}").to_lowercase();
        vectors.push(json!({
            "id": format!("identity-{profile_name}-{}-words-generation-{generation}", text.split(' ').count()),
            "comment": "words to a public identity; the signature of an RSA profile is random and need only verify",
            "flags": ["valid"], "kind": "identity", "words": text, "passphrase": passphrase, "profile": profile_name,
            "generation": generation, "bip39_seed": hex(&words.to_bip39_seed(passphrase)), "body": hex(body),
            "signature": hex(signature), "fingerprint": hex(identity.public().fingerprint().as_bytes()),
            "text": identity.public().to_string(), "fingerprint_text": identity.public().fingerprint().to_string(),
            "keyring_key": hex(identity.keyring_key().unwrap().expose()), "result": "ok"}));
        roots.push(root);
        publics.push(identity);
    }
    for (one, other) in [(0, 1), (1, 0), (2, 4), (3, 5)] {
        let (one, other) = (publics[one].public(), publics[other].public());
        let number = SafetyNumber::of(one, other);
        vectors.push(json!({"id": format!("safety-{}", vectors.len()), "comment": "the safety number of two fingerprints",
            "flags": ["valid"], "kind": "safety_number", "fingerprints": [hex(one.fingerprint().as_bytes()),
            hex(other.fingerprint().as_bytes())], "digits": number.to_string(), "qr": number.qr().to_string(), "result": "ok"}));
    }
    let transition = roots[0].succeed(&publics[0], &publics[1], &mut rng).unwrap().to_bytes().unwrap();
    let old = publics[0].public().to_bytes();
    let mut push = |id: &str, comment: &str, flag: &str, old: &[u8], transition: &[u8], result: &str| {
        vectors.push(json!({"id": id, "comment": comment, "flags": [flag], "kind": "transition", "old": hex(old),
            "transition": hex(transition), "result": result}));
    };
    push("transition", "from generation 0 to 1", "valid", &old, &transition, "ok");
    push(
        "transition-other-old",
        "the old identity is another person's",
        "other-old-identity",
        &publics[2].public().to_bytes(),
        &transition,
        "signature",
    );
    push(
        "transition-twice",
        "generation 1 is held already",
        "followed-already",
        &publics[1].public().to_bytes(),
        &transition,
        "signature",
    );
    for (id, at) in [("old-signature", transition.len() - 100), ("rotation-signature", transition.len() - 10)] {
        let mut bad = transition.clone();
        bad[at] ^= 1;
        push(&format!("transition-bad-{id}"), "one bit changed", &format!("{id}-bit"), &old, &bad, "signature");
    }
    push("transition-cut", "a byte is missing", "truncated", &old, &transition[..transition.len() - 1], "malformed");
    push("transition-long", "a byte is left over", "trailing", &old, &[&transition[..], &[0]].concat(), "malformed");
    let of = |kind| vectors.iter().filter(|vector| vector["kind"] == kind).cloned().collect();
    hold("11-identities/identities.json", "11", "words to public identities", of("identity"));
    hold("12-identities-over-time/transitions.json", "12.1", "transitions, right and wrong", of("transition"));
    hold("12-identities-over-time/safety_numbers.json", "12.2", "safety numbers", of("safety_number"));
}

/// Detached signatures and encoded identities, right and wrong.
/// [SIG-04] [SUITE-04] [LIM-07] [ID-06] [ID-08] [OBJ-03] [WIRE-04]
#[test]
fn signatures() {
    let mut rng = SeedRng::new(b"signatures");
    let cast = samples::cast();
    let mut vectors = Vec::new();
    let content = b"what is signed".to_vec();

    let mut push = |id: &str,
                    flag: &str,
                    signer: &PublicIdentity,
                    signature: &[u8],
                    context: &[u8],
                    content: &[u8],
                    result: &str| {
        let verified = DetachedSignature::from_bytes(signature).and_then(|made| made.verify(signer, context, content));
        assert_eq!(samples::class(&verified.map(|()| Vec::new())), result, "{id}");
        vectors.push(
            json!({"id": format!("signature-{id}"), "comment": "a detached signature", "flags": [flag], "kind": "detached_signature",
            "identity": hex(&signer.to_bytes()), "context": hex(context), "content": hex(content),
            "signature": hex(signature), "result": result}),
        );
    };
    let (alice, bob, carol) = (cast.alice.public(), cast.bob.public(), cast.carol.public());
    for (id, context) in [("empty-context", vec![]), ("context-63", vec![7; 63]), ("context-255", vec![7; 255])] {
        let made = cast.alice.sign(&context, &content, &mut rng).unwrap().to_bytes();
        push(&format!("p256-{id}"), "valid", alice, &made, &context, &content, "ok");
    }
    let made = cast.carol.sign(b"files", &content, &mut rng).unwrap().to_bytes();
    push("signed-rsa-3072", "valid", carol, &made, b"files", &content, "ok");
    push("rsa-3072-bit", "signature-bit", carol, &samples::flipped(&made, 300), b"files", &content, "signature");
    let good = cast.alice.sign(b"files", b"", &mut rng).unwrap().to_bytes();
    push("p256-empty-content", "valid", alice, &good, b"files", b"", "ok");
    push("other-content", "other-content", alice, &good, b"files", b"x", "signature");
    push("other-context", "other-context", alice, &good, b"file", b"", "signature");
    push("context-joined-with-content", "context-joined", alice, &good, b"", b"files", "signature");
    push("context-256", "context-too-long", alice, &good, &[7; 256], b"", "limit");
    push("other-signer", "other-identity", bob, &good, b"files", b"", "signature");
    push("signer-bit", "signer-bit", alice, &samples::flipped(&good, 8), b"files", b"", "signature");
    push("r-bit", "signature-bit", alice, &samples::flipped(&good, 40), b"files", b"", "signature");
    push("high-s", "high-s", alice, &samples::negated(&good), b"files", b"", "signature");
    let zeroed = |range: std::ops::Range<usize>| {
        let mut bytes = good.clone();
        bytes[range].fill(0);
        bytes
    };
    push("r-zero", "r-zero", alice, &zeroed(40..72), b"files", b"", "signature");
    push("s-zero", "s-zero", alice, &zeroed(72..104), b"files", b"", "signature");
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    push("algorithm-none", "algorithm-none", alice, &with(7, 0), b"files", b"", "malformed");
    push("algorithm-unknown", "algorithm-unknown", alice, &with(7, 5), b"files", b"", "unsupported");
    push("algorithm-rsa", "algorithm-other", alice, &with(7, 3), b"files", b"", "malformed");
    push("another-type", "other-type", alice, &with(6, 0x20), b"files", b"", "unsupported");
    push("cut", "truncated", alice, &good[..103], b"files", b"", "malformed");
    push("trailing", "trailing", alice, &[&good[..], &[0]].concat(), b"files", b"", "malformed");

    let mut push = |id: &str, flag: &str, identity: &[u8], result: &str| {
        let decoded = PublicIdentity::from_bytes(identity);
        assert_eq!(samples::class(&decoded.map(|_| Vec::new())), result, "{id}");
        vectors.push(
            json!({"id": id, "comment": "an encoded public identity", "flags": [flag], "kind": "public_identity",
            "identity": hex(identity), "result": result}),
        );
    };
    let good = alice.to_bytes();
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = good.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    push("identity-p256", "valid", &good, "ok");
    push("identity-rsa-3072", "valid", &carol.to_bytes(), "ok");
    push("identity-profile-unknown", "profile-unknown", &with(7, &[5]), "unsupported");
    push("identity-profile-zero", "profile-unknown", &with(7, &[0]), "unsupported");
    push("identity-profile-other", "profile-other", &with(7, &[2]), "malformed");
    push("identity-suite", "suite", &with(5, &[2]), "unsupported");
    push("identity-type", "other-type", &with(6, &[0x21]), "unsupported");
    push("identity-generation", "body-bit", &with(11, &[1]), "signature");
    push("identity-next", "body-bit", &samples::flipped(&good, 142), "signature");
    push("identity-one-key-twice", "keys-equal", &with(12, &good[77..142]), "malformed");
    push("identity-compressed", "point-compressed", &with(12, &[2]), "malformed");
    push("identity-off-curve", "point-off-curve", &samples::flipped(&good, 76), "malformed");
    push("identity-coordinate", "coordinate-too-large", &with(78, &[0xff; 32]), "malformed");
    push("identity-high-s", "high-s", &samples::negated(&good), "signature");
    push("identity-cut", "truncated", &good[..237], "malformed");
    push("identity-trailing", "trailing", &[&good[..], &[0]].concat(), "malformed");
    let rsa = carol.to_bytes();
    push("identity-rsa-even", "modulus-even", &samples::flipped(&rsa, 12 + 383), "malformed");
    let mut short = rsa.clone();
    short[12] &= 0x7f;
    push("identity-rsa-short", "modulus-short", &short, "malformed");
    let of = |kind| vectors.iter().filter(|vector| vector["kind"] == kind).cloned().collect();
    hold("10-signatures/detached.json", "10.3", "detached signatures, right and wrong", of("detached_signature"));
    hold("11-identities/public.json", "11.4", "encoded public identities, right and wrong", of("public_identity"));
}
