//! Room messages, and what is told of those that come again. SPEC §19.

use crate::hold::flags;
use crate::room_packages::Told;
use crate::rooms::{class_of, directory, keys_of, room_at};
use crate::samples::{SeedRng, cast, flipped, hex};
use sealroom::*;
use serde_json::{Value, json};

/// Id, comment, content, associated data, padding.
type MessageCase<'a> = (&'a str, &'a str, &'a [u8], &'a [u8], Padding);
/// Id, comment, messages as device, sequence, id.
type ReplayCase<'a> = (&'a str, &'a str, Vec<(u8, u64, u8)>);

pub(crate) fn messages(told: &Told) -> Vec<Value> {
    let (alice, carol) = (&cast().alice, &cast().carol);
    let directory = directory(told);
    let mut vectors = Vec::new();
    // Epoch 1: Dave was added, Carol is still there.
    let epoch = &told.branch[1];
    let mut push = |id: &str, comment: &str, message: &[u8], aad: &[u8], expected: &str, more: Value| {
        let mut reader = room_at(epoch, &cast().bob);
        let before = hazmat::room_state(&reader);
        let mut vector = json!({"id": id, "comment": comment, "flags": flags(id, expected), "kind": "message", "message": hex(message),
            "aad": hex(aad), "epoch": epoch, "identities": told.identities, "result": expected});
        match reader.open(message, aad, &directory) {
            Ok(opened) => {
                assert_eq!(expected, "ok", "{id}");
                let fields = vector.as_object_mut().unwrap();
                fields.insert("sender".into(), json!(hex(opened.sender().as_bytes())));
                fields.insert("device".into(), json!(hex(opened.device().as_bytes())));
                fields.insert("sequence".into(), json!(opened.sequence()));
                fields.insert("content".into(), json!(hex(opened.content())));
                fields.insert("message_id".into(), json!(hex(opened.id().as_bytes())));
                fields.extend(more.as_object().unwrap().clone());
            }
            Err(error) => {
                assert_eq!((class_of(error).0, hazmat::room_state(&reader)), (expected, before), "{id}");
            }
        }
        vectors.push(vector);
    };
    let long: Vec<u8> = (0..20_000_u32).map(|n| n as u8).collect();
    let cases: [MessageCase<'_>; 7] = [
        ("message", "a short message", b"Hello.", b"", Padding::None),
        ("message-empty", "no content", b"", b"", Padding::None),
        ("message-aad", "with associated data", b"Hello.", b"thread 7", Padding::None),
        ("message-64", "a length of two bytes", &long[..64], b"", Padding::None),
        ("message-16384", "a length of four bytes", &long[..16_384], b"", Padding::None),
        ("message-padded", "padded", &long[..1000], b"", Padding::Padme),
        ("message-padded-empty", "no content, padded", b"", &long[..70], Padding::Padme),
    ];
    let [_, signing] = hazmat::identity_keys(alice).unwrap();
    for (id, comment, content, aad, padding) in cases {
        let mut room = room_at(epoch, alice);
        let mut rng = SeedRng::new(id.as_bytes());
        let draft = Draft::new(content).associated_data(aad).padding(padding);
        let message = room.seal(&draft, &alice.sender(), &mut rng).unwrap();
        assert_eq!(rng.drawn.len(), 32, "{id}");
        let padding = if padding == Padding::Padme { "padme" } else { "none" };
        let again = json!({"pkcs8": hex(signing.expose()), "random": hex(&rng.drawn), "padding": padding});
        push(id, comment, &message, aad, "ok", again);
    }
    let none = json!({});
    let mut carols = room_at(epoch, carol);
    let by_rsa = carols.seal(&Draft::new(b"By RSA."), &carol.sender(), &mut SeedRng::new(b"rsa")).unwrap();
    push("message-rsa", "signed with RSASSA-PSS", &by_rsa, b"", "ok", none.clone());

    let mut alices = room_at(epoch, alice);
    let draft = Draft::new(b"Hello.").associated_data(b"here");
    let good = alices.seal(&draft, &alice.sender(), &mut SeedRng::new(b"good")).unwrap();
    let mut bad = |id: &str, comment: &str, message: &[u8], aad: &[u8], expected: &str| {
        push(id, comment, message, aad, expected, none.clone());
    };
    bad("message-aad-other", "other associated data", &good, b"there", "decrypt");
    bad("message-aad-none", "associated data left out", &good, b"", "decrypt");
    for (id, at, expected) in [
        ("message-magic", 0, "malformed"),
        ("message-suite", 5, "unsupported"),
        ("message-type", 6, "unsupported"),
        ("message-room", 7, "malformed"),
        ("message-epoch", 30, "unknown"),
        ("message-tag", 31, "unknown"),
        ("message-salt", 39, "decrypt"),
        ("message-sealed", 63, "decrypt"),
        ("message-gcm-tag", good.len() - 1, "decrypt"),
    ] {
        bad(id, "one bit changed", &flipped(&good, at), b"here", expected);
    }
    bad("message-cut", "a byte is missing", &good[..good.len() - 1], b"here", "decrypt");
    bad("message-short", "shorter than any message", &good[..101], b"here", "malformed");
    bad("message-long", "a byte is left over", &[&good[..], &[0]].concat(), b"here", "decrypt");

    // By hand: an insider, who knows the message key.
    let (key, _) = keys_of(epoch);
    let seal = |plain: &[u8]| {
        let header = [&good[..39], &[5; 24]].concat();
        let message_key = hazmat::derive(&key, "message", &[5; 24], 32).unwrap().try_into().unwrap();
        let aad = [&header[..], &hazmat::sha256(b"")].concat();
        let sealed = hazmat::aes_256_gcm_seal(&message_key, &[0; 12], &aad, plain).unwrap();
        [header, sealed].concat()
    };
    let mut alices = room_at(epoch, alice);
    let known = alices.seal(&Draft::new(b"Hello."), &alice.sender(), &mut SeedRng::new(b"known")).unwrap();
    let message_key = hazmat::derive(&key, "message", &known[39..63], 32).unwrap().try_into().unwrap();
    let aad = [&known[..63], &hazmat::sha256(b"")].concat();
    let plain = hazmat::aes_256_gcm_open(&message_key, &[0; 12], &aad, &known[63..]).unwrap();
    let with = |at: usize, byte: u8| {
        let mut plain = plain.clone();
        plain[at] = byte;
        seal(&plain)
    };
    push("message-again", "the same message, encrypted again: the same id", &seal(&plain), b"", "ok", none.clone());
    let mut bad = |id: &str, comment: &str, message: &[u8], expected: &str| {
        push(id, comment, message, b"", expected, none.clone());
    };
    bad("message-place", "a sender's place that is not in the roster", &with(3, 4), "decrypt");
    let other = if plain[3] == 0 { 1 } else { 0 };
    bad("message-as-another", "an insider puts another's place", &with(3, other), "signature");
    bad("message-device", "an insider changes the device", &with(4, !plain[4]), "signature");
    bad("message-sequence", "an insider changes the sequence", &with(19, 9), "signature");
    bad("message-content", "an insider changes the content", &with(plain.len() - 1, b'!'), "signature");
    bad("message-padding", "a padding byte that is not zero", &seal(&[&plain[..], &[0, 1]].concat()), "decrypt");
    let unsigned = [&plain[..20], &[0], &plain[86..]].concat();
    bad("message-unsigned", "an empty signature", &seal(&unsigned), "decrypt");
    let short = [&plain[..20], &[0x40, 63], &plain[22..85], &plain[86..]].concat();
    bad("message-signature-short", "a signature of 63 bytes, its length in a longer form", &seal(&short), "decrypt");
    let cut = [&plain[..20], &[63], &plain[22..85], &plain[86..]].concat();
    bad("message-signature-63", "a signature of 63 bytes", &seal(&cut), "signature");
    bad("message-content-length", "a content that is longer than what is there", &with(86, 7), "decrypt");
    vectors
}

/// The guard's answers, as a real room gives them. [RMSG-07]
pub(crate) fn replays() -> Vec<Value> {
    let mut vectors = Vec::new();
    let long: Vec<(u8, u64, u8)> =
        (0..66).map(|n| (1, n, 1)).chain([(1, 0, 1), (1, 1, 1), (1, 2, 1), (1, 2, 2)]).collect();
    let crowd = |n: u8| (0..n).map(|device| (device, 0, 1));
    let cases: [ReplayCase<'_>; 7] = [
        ("replays-order", "one after the other", vec![(1, 0, 1), (1, 1, 1), (1, 2, 1)]),
        (
            "replays-gap",
            "numbers are skipped, and come late",
            vec![(1, 5, 1), (1, 9, 1), (1, 7, 1), (1, 7, 1), (1, 10, 1)],
        ),
        ("replays-reused", "a number with another id", vec![(1, 0, 1), (1, 0, 2), (1, 0, 1)]),
        ("replays-devices", "each device counts for itself", vec![(1, 0, 1), (2, 0, 1), (1, 0, 1), (2, 1, 1)]),
        ("replays-window", "66 messages, then old ones", long),
        (
            "replays-33-devices",
            "the device that was silent for longest is forgotten",
            crowd(33).chain([(1, 0, 1), (0, 0, 1)]).collect(),
        ),
        (
            "replays-silent-longest",
            "not the first one, which was heard again",
            crowd(32).chain([(0, 1, 1), (32, 0, 1), (0, 0, 1), (1, 0, 1)]).collect(),
        ),
    ];
    for (id, comment, seen) in cases {
        let answers: Vec<_> = hazmat::replay_answers(
            &seen.iter().map(|(device, sequence, id)| ([*device; 8], *sequence, [*id; 16])).collect::<Vec<_>>(),
        );
        let answers: Vec<_> = answers
            .into_iter()
            .map(|answer| match answer {
                Freshness::Fresh { skipped } => format!("fresh {skipped}"),
                Freshness::Duplicate => "duplicate".to_owned(),
                Freshness::SequenceReused => "reused".to_owned(),
                _ => "old".to_owned(),
            })
            .collect();
        let list: Vec<_> = seen
            .iter()
            .map(|(device, sequence, id)| json!({"device": hex(&[*device; 8]), "sequence": sequence, "id": hex(&[*id; 16])}))
            .collect();
        vectors.push(json!({"id": id, "comment": comment, "flags": ["valid"], "kind": "replays", "seen": list,
            "answers": answers, "result": "ok"}));
    }
    let expected = ["fresh 0", "fresh 3", "fresh 0", "duplicate", "fresh 0"];
    assert_eq!(vectors[1]["answers"], json!(expected));
    let tail = vectors[4]["answers"].as_array().unwrap()[66..].to_vec();
    assert_eq!(json!(tail), json!(["old", "old", "duplicate", "reused"]));
    vectors
}
