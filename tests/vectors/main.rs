//! `test-vectors/*/*.json`: made here from fixed seeds, compared with what is checked in, and replayed.
//! SPEC §16 [VEC-01] [VEC-02]
//!
//! `SEALROOM_WRITE_VECTORS=1 cargo test --all-features --test vectors` writes them anew: do that only with a change of
//! SPEC.md, and say in CHANGELOG.md which bytes changed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::as_conversions,
    clippy::panic,
    reason = "tests may fail loudly"
)]

mod room_messages;
mod room_packages;
mod rooms;
mod samples;

use samples::{Entry, Sealer, SeedRng, hex, unhex};
use sealroom::*;
use serde_json::{Value, json};
use std::path::PathBuf;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("test-vectors").join(name)
}

/// Compares with, or writes, one file.
fn hold(name: &str, section: &str, comment: &str, vectors: Vec<Value>) {
    let mut ids: Vec<_> = vectors.iter().map(|vector| vector["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), vectors.len(), "an id stands twice in {name}");
    let made =
        serde_json::to_string_pretty(&json!({"section": section, "comment": comment, "vectors": vectors})).unwrap();
    if std::env::var_os("SEALROOM_WRITE_VECTORS").is_some() {
        std::fs::write(path(name), made.clone() + "\n").unwrap();
    }
    let kept = std::fs::read_to_string(path(name)).unwrap();
    assert!(kept.trim_end() == made, "{name} is not what this code makes");
}

/// [LAB-01] [LAB-03] [LAB-04]
#[test]
fn labels() {
    let mut vectors = Vec::new();
    for (id, key, label, context, len) in [
        ("derive-empty-context", [0_u8; 32], "key id", vec![], 16_usize),
        ("derive-key", [1; 32], "symmetric wrap", vec![2; 77], 32),
        ("derive-long", [3; 32], "envelope", vec![4; 32], 76),
        ("derive-context-64", [5; 32], "generation", vec![6; 64], 32),
        ("derive-context-16384", [7; 32], "generation", vec![8; 16_384], 255),
    ] {
        let out = hazmat::derive(&key, label, &context, len).unwrap();
        vectors
            .push(json!({"id": id, "comment": "Derive(key, label, context, L)", "flags": ["valid"], "kind": "derive", "key": hex(&key),
            "label": label, "context": hex(&context), "length": len, "output": hex(&out), "result": "ok"}));
    }
    for (id, label, content) in [
        ("sign-input-empty", "fingerprint", vec![]),
        ("sign-input-63", "transition", vec![9; 63]),
        ("sign-input-64", "transition", vec![9; 64]),
        ("sign-input-16383", "wrap", vec![9; 16_383]),
        ("sign-input-16384", "wrap", vec![9; 16_384]),
    ] {
        let input = hazmat::sign_input(label, &content);
        vectors.push(json!({"id": id, "comment": "SHA-256 of SignInput(label, content)", "flags": ["valid"],
            "kind": "sign_input", "label": label, "content": hex(&content), "sha256": hex(&hazmat::sha256(&input)), "result": "ok"}));
    }
    hold("04-labels/labels.json", "4", "Derive and SignInput, with each form of a length prefix", vectors);
}

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
        "old_fingerprint",
        &publics[2].public().to_bytes(),
        &transition,
        "signature",
    );
    push(
        "transition-twice",
        "generation 1 is held already",
        "followed_already",
        &publics[1].public().to_bytes(),
        &transition,
        "signature",
    );
    for (id, at) in [("signature", transition.len() - 100), ("rotation-signature", transition.len() - 10)] {
        let mut bad = transition.clone();
        bad[at] ^= 1;
        push(&format!("transition-bad-{id}"), "one bit changed", id, &old, &bad, "signature");
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
    push("rsa-3072", "valid", carol, &made, b"files", &content, "ok");
    push("rsa-3072-bit", "signature", carol, &samples::flipped(&made, 300), b"files", &content, "signature");
    let good = cast.alice.sign(b"files", b"", &mut rng).unwrap().to_bytes();
    push("p256-empty-content", "valid", alice, &good, b"files", b"", "ok");
    push("other-content", "content", alice, &good, b"files", b"x", "signature");
    push("other-context", "context", alice, &good, b"file", b"", "signature");
    push("context-joined-with-content", "context", alice, &good, b"", b"files", "signature");
    push("context-256", "context_length", alice, &good, &[7; 256], b"", "limit");
    push("other-signer", "signer", bob, &good, b"files", b"", "signature");
    push("signer-bit", "signer", alice, &samples::flipped(&good, 8), b"files", b"", "signature");
    push("r-bit", "signature", alice, &samples::flipped(&good, 40), b"files", b"", "signature");
    push("high-s", "high_s", alice, &samples::negated(&good), b"files", b"", "signature");
    let zeroed = |range: std::ops::Range<usize>| {
        let mut bytes = good.clone();
        bytes[range].fill(0);
        bytes
    };
    push("r-zero", "range", alice, &zeroed(40..72), b"files", b"", "signature");
    push("s-zero", "range", alice, &zeroed(72..104), b"files", b"", "signature");
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    push("algorithm-none", "algorithm", alice, &with(7, 0), b"files", b"", "malformed");
    push("algorithm-unknown", "algorithm", alice, &with(7, 5), b"files", b"", "unsupported");
    push("algorithm-rsa", "algorithm", alice, &with(7, 3), b"files", b"", "malformed");
    push("another-type", "type", alice, &with(6, 0x20), b"files", b"", "unsupported");
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
    push("identity-profile-unknown", "profile", &with(7, &[5]), "unsupported");
    push("identity-profile-zero", "profile", &with(7, &[0]), "unsupported");
    push("identity-profile-other", "profile", &with(7, &[2]), "malformed");
    push("identity-suite", "suite", &with(5, &[2]), "unsupported");
    push("identity-type", "type", &with(6, &[0x21]), "unsupported");
    push("identity-generation", "generation", &with(11, &[1]), "signature");
    push("identity-next", "next", &samples::flipped(&good, 142), "signature");
    push("identity-one-key-twice", "keys", &with(12, &good[77..142]), "malformed");
    push("identity-compressed", "point", &with(12, &[2]), "malformed");
    push("identity-off-curve", "point", &samples::flipped(&good, 76), "malformed");
    push("identity-coordinate", "point", &with(78, &[0xff; 32]), "malformed");
    push("identity-high-s", "high_s", &samples::negated(&good), "signature");
    push("identity-cut", "truncated", &good[..237], "malformed");
    push("identity-trailing", "trailing", &[&good[..], &[0]].concat(), "malformed");
    let rsa = carol.to_bytes();
    push("identity-rsa-even", "modulus", &samples::flipped(&rsa, 12 + 383), "malformed");
    let mut short = rsa.clone();
    short[12] &= 0x7f;
    push("identity-rsa-short", "modulus", &short, "malformed");
    let of = |kind| vectors.iter().filter(|vector| vector["kind"] == kind).cloned().collect();
    hold("10-signatures/detached.json", "10.3", "detached signatures, right and wrong", of("detached_signature"));
    hold("11-identities/public.json", "11.4", "encoded public identities, right and wrong", of("public_identity"));
}

fn sealed() -> Vec<Sealer> {
    samples::sealers()
}

/// Each is sealed again from its random bytes, compared, and opened with each of its keys.
/// [ENV-06] [ENV-07] [ENV-09] [STZ-02] [STZ-04] [STZ-05] [STZ-10] [STZ-13] [PAY-01] [PAY-02] [PAD-02] [SIG-01] [SIG-02]
/// [SIG-03] [ATT-01]
#[test]
fn envelopes() {
    let vectors: Vec<_> = sealed().iter().map(Sealer::vector).collect();
    hold("07-envelopes/envelopes.json", "7", "envelopes of each kind, with every key that opens them", vectors);
}

/// One fault each, made from the envelopes above; the class is stated where the fault is made, and then compared.
/// [WIRE-02] [WIRE-03] [WIRE-04] [OBJ-01] [OBJ-02] [OBJ-03] [SUITE-01] [ENV-01] [ENV-02] [ENV-03] [ENV-04] [ENV-05]
/// [ENV-08] [ENV-11] [STZ-01] [STZ-06] [STZ-07] [STZ-08] [STZ-14] [STZ-15] [PAY-03] [LIM-04] [LIM-05] [LIM-08]
#[test]
fn rejects() {
    let mut vectors = Vec::new();
    for Entry { id, comment, flag, keys, envelope, result } in samples::rejects(&sealed()) {
        let got = samples::class(&samples::open_any(&envelope, &keys));
        assert_eq!(got, result, "{id}");
        vectors.push(json!({"id": id, "comment": comment, "flags": [flag], "kind": "envelope", "keys": keys, "envelope": hex(&envelope),
            "result": result}));
    }
    hold("07-envelopes/rejects.json", "7", "what a reader refuses, one fault each", vectors);
}

/// Rooms: packages, messages, statements, grants, states, settling, replays; what is refused, one fault each.
/// [ROOM-01] [ROOM-02] [ROOM-03] [ROOM-04] [ROOM-07] [ROOM-08] [ROOM-09] [ROOM-10] [ROOM-11] [ROOM-12] [ROOM-13]
/// [ROOM-14] [ROOM-15] [ROOM-20] [ROOM-21] [ROOM-23] [ROOM-25] [ROOM-26] [ROOM-27] [RMSG-01] [RMSG-02] [RMSG-03]
/// [RMSG-04] [RMSG-05] [RMSG-06] [RMSG-07]
#[test]
fn rooms() {
    let told = room_packages::packages();
    let others = room_messages::others(&told);
    let vectors: Vec<Value> = told.vectors.into_iter().chain(others).collect();
    for (file, section, comment, kinds) in [
        ("18-rooms/packages.json", "18.1", "packages, alone and against a parent", &["package"][..]),
        ("18-rooms/settle.json", "18.5", "which branch of a fork is recommended", &["settle"]),
        ("18-rooms/statements.json", "18.6", "who leaves, and who vouches for a head", &["leave", "head"]),
        ("18-rooms/grants.json", "18.8", "history grants", &["grant"]),
        ("18-rooms/states.json", "18.9", "rooms as they are stored", &["state"]),
        ("19-messages/messages.json", "19", "room messages", &["message"]),
        ("19-messages/replays.json", "19.4", "what is told of messages that come again", &["replays"]),
    ] {
        let of = vectors.iter().filter(|vector| kinds.contains(&vector["kind"].as_str().unwrap()));
        hold(file, section, comment, of.cloned().collect());
    }
}

/// The files are also read as a stranger would: from their text alone.
#[test]
fn replay() {
    let file: Value =
        serde_json::from_str(&std::fs::read_to_string(path("07-envelopes/envelopes.json")).unwrap()).unwrap();
    let mut opened = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let envelope = unhex(vector["envelope"].as_str().unwrap());
        for key in vector["keys"].as_array().unwrap() {
            let content = samples::open_any(&envelope, std::slice::from_ref(key));
            assert_eq!(content.unwrap(), unhex(vector["content"].as_str().unwrap()), "{}", vector["id"]);
            opened += 1;
        }
    }
    assert!(opened >= 30, "{opened}");
}
