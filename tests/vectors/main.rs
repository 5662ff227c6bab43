//! `test-vectors/*/*.json`: made here from fixed seeds, compared with what is checked in, and replayed.
//! SPEC §16 [VEC-01] [VEC-02]
//!
//! `SEALROOM_WRITE_VECTORS=1 cargo test --test vectors` writes them anew: do that only with a change of
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

#[path = "../common/mod.rs"]
mod common;

mod device_requests;
mod devices;
mod envelope_rejects;
mod histories;
mod hold;
mod identities;
mod kept;
mod keyring_merges;
mod keyring_rooms;
mod keyrings;
mod messages;
mod package_rejects;
mod payloads;
mod plays;
mod recoveries;
mod room_packages;
mod room_views;
mod rooms;
mod samples;
mod schema;
mod seeds;
mod statements;
mod states;
mod wires;
mod wraps;

use envelope_rejects::Entry;
use hold::hold;
use samples::{Sealer, hex, unhex};
use sealroom::*;
use serde_json::json;

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
    for Entry { id, comment, flag, keys, envelope, result } in envelope_rejects::rejects(&sealed()) {
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
    let told = room_packages::told();
    let mut vectors = told.vectors.clone();
    vectors.extend(messages::messages(told));
    vectors.extend(messages::replays());
    vectors.extend(statements::statements(told));
    vectors.extend(statements::grants(told));
    vectors.extend(states::states(told));
    vectors.extend(states::settling(told));
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

/// Keyrings: segments, merges, what is stored and written next, rooms, contacts.
/// [KRG-01] [KRG-02] [KRG-03] [KRG-04] [KRG-05] [KRG-06] [KRG-07] [KRG-08] [KRG-09] [KRG-10] [KRG-11]
#[test]
fn keyrings() {
    hold("20-keyring/segments.json", "20.1", "segments and their entries, right and wrong", keyrings::segments());
    hold(
        "20-keyring/merges.json",
        "20.3",
        "several segments: entries, conflicts, what is missing",
        keyring_merges::merges(),
    );
    hold("20-keyring/contacts.json", "20.5", "what an application is told of a contact", keyring_rooms::contacts());
    hold("20-keyring/rooms.json", "20.6", "rooms that come back from a keyring", keyring_rooms::rooms());
    hold("20-keyring/states.json", "20.7", "keyrings as they are stored", keyring_merges::states());
    hold("20-keyring/writes.json", "20.1", "the segment that a device writes next", keyring_merges::parts());
}

/// Lengths, prefixes, ids and text forms. [WIRE-01] [WIRE-02] [WIRE-03] [WIRE-04] [WIRE-05] [OBJ-01] [OBJ-02] [TXT-01] [TXT-02]
#[test]
fn forms() {
    hold("03-wire/vectors.json", "3", "lengths, minimal and not", wires::vectors());
    hold("03-wire/objects.json", "6", "what an object is, by its first seven bytes", wires::objects());
    hold("03-wire/room_ids.json", "18.1", "ids of rooms", wires::room_ids());
    hold("17-text/texts.json", "17", "text forms, right and wrong", wires::texts());
}

/// One stanza of each type alone. [STZ-02] [STZ-04] [STZ-09] [STZ-10] [STZ-11] [STZ-13] [STZ-14] [STZ-15] [SUITE-06] [LIM-09]
#[test]
fn wraps() {
    hold("08-wraps/p256.json", "8.2", "P-256 groups, each for one of their readers", wraps::p256());
    hold("08-wraps/rsa.json", "8.3", "RSA stanzas", wraps::rsa());
    hold("08-wraps/symmetric.json", "8.4", "symmetric stanzas", wraps::symmetric());
    hold("08-wraps/passphrase.json", "8.5", "passphrase stanzas", wraps::passphrases());
    hold("08-wraps/bare_keys.json", "8.1", "keys without an identity, as they are handed in", wraps::recipient_ids());
}

/// [PAY-01] [PAY-02] [PAY-03] [PAD-01] [PAD-02] [OFF-01] [LIM-01]
#[test]
fn payloads() {
    hold("09-payload/layouts.json", "9.1", "lengths of chunks, payloads and padding", payloads::layouts());
    hold("09-payload/chunks.json", "9.1", "chunks under a key, and their nonces", payloads::chunks());
    hold("09-payload/padding.json", "9.2", "padded plaintexts, right and wrong", payloads::paddings());
    hold("09-payload/reads.json", "9.3", "reading at an offset", payloads::reads());
}

/// [ID-01] [ID-02] [ID-04] [DET-01] [DET-02]
#[test]
fn seeds() {
    hold("11-identities/rsa_keys.json", "11.3", "RSA keys from seeds", seeds::rsa_keys());
    hold("11-identities/p256_keys.json", "11.3", "P-256 keys from seeds", seeds::p256_keys());
    hold("11-identities/mnemonics.json", "11.1", "words in every language, right and wrong", seeds::mnemonics());
}

/// Rooms from the view of one reader: joins, removals, forks, grants, what comes late, twice or changed.
/// [ROOM-06] [ROOM-16] [ROOM-17] [ROOM-18] [ROOM-19] [ROOM-22] [ROOM-24] [ROOM-28] [ROOM-29] [RMSG-08] [RMSG-09]
#[test]
fn histories() {
    hold("18-rooms/histories.json", "18", "whole stories, from the view of one reader", histories::histories());
}

/// A whole account, from whatever a server gives. [REC-01] [REC-02] [REC-03] [REC-04]
#[test]
fn recoveries() {
    hold("21-recovery/recoveries.json", "21", "what comes back of an account", recoveries::recoveries());
}

/// Linked devices, certificates and request proofs.
/// [LNK-02] [LNK-03] [LNK-05] [LNK-06] [LNK-07] [LNK-08] [LNK-09] [CRT-01] [CRT-02] [CRT-03] [CRT-04]
/// [PRF-01] [PRF-02] [PRF-03] [PRF-04] [PRF-05] [PRF-06] [TXT-02]
#[test]
fn devices() {
    hold("22-linked-devices/requests.json", "22.1", "link requests as text, right and wrong", devices::requests());
    hold("22-linked-devices/answers.json", "22.2", "answers to a link request, right and wrong", devices::answers());
    hold("22-linked-devices/states.json", "22.3", "what a linked device stores", devices::stored());
    hold(
        "23-requests/certificates.json",
        "23.1",
        "device certificates, right and wrong",
        device_requests::certificates(),
    );
    hold("23-requests/proofs.json", "23.2", "request proofs, right and wrong", device_requests::proofs());
    hold("23-requests/sequences.json", "23.2", "requests to a server that remembers", device_requests::replays());
}

/// The files are also read as a stranger would: from their text alone.
#[test]
fn replay() {
    let file = &hold::files()["07-envelopes/envelopes.json"];
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
