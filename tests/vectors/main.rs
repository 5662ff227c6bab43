//! `test-vectors/*.json`: made here from fixed seeds, compared with what is checked in, and replayed.
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
            .push(json!({"id": id, "comment": "Derive(key, label, context, L)", "flags": ["valid"], "key": hex(&key),
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
            "label": label, "content": hex(&content), "sha256": hex(&hazmat::sha256(&input)), "result": "ok"}));
    }
    hold("labels.json", "4", "Derive and SignInput, with each form of a length prefix", vectors);
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
    hold("identities.json", "11", "words to public identities, safety numbers, transitions", vectors);
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
    hold("envelopes.json", "7", "envelopes of each kind, with every key that opens them", vectors);
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
        vectors.push(json!({"id": id, "comment": comment, "flags": [flag], "keys": keys, "envelope": hex(&envelope),
            "result": result}));
    }
    hold("rejects.json", "7", "what a reader refuses, one fault each", vectors);
}

/// The files are also read as a stranger would: from their text alone.
#[test]
fn replay() {
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path("envelopes.json")).unwrap()).unwrap();
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
