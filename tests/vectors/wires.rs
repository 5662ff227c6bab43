//! Lengths, prefixes of objects, ids, text forms. SPEC §3, §6, §17, §18.1.

use crate::common::hand::{Hand, vector as bytes_of};
use crate::devices::base64url;
use crate::hold::{Expected, OK, vector};
use crate::keyrings::{Segment, keyring, part, seal};
use crate::rooms::{class_of, people};
use crate::samples::{SeedRng, cast, hex};
use sealroom::*;
use serde_json::{Value, json};

const MALFORMED: Expected = ("malformed", None);

/// One `opaque x<V>` and nothing after it, read as the content of an entry of a keyring.
fn read_vector(bytes: &[u8]) -> Result<(), Error> {
    let Segment { device, revision, kind, .. } = part(1, 1, &[]);
    let entries = [&[77][..], bytes].concat();
    let own = [[device; 8], revision.to_be_bytes()].concat();
    let content = [&own[..], &[kind, 0], &bytes_of(&entries)].concat();
    let merged =
        keyring("vector").merge(&seal("vector", &content).0, &[&crate::keyrings::key()], &mut SeedRng::new(b""));
    merged.map(|_| ())
}

pub(crate) fn vectors() -> Vec<Value> {
    let mut vectors = Vec::new();
    let mut push = |id: &str, comment: &str, expected: Expected, bytes: &[u8], content: Option<&[u8]>| {
        assert_eq!(read_vector(bytes).map_or_else(class_of, |()| OK), expected, "{id}");
        let mut fields = json!({"bytes": hex(bytes)});
        if let Some(content) = content {
            fields["content"] = json!(hex(content));
        }
        vectors.push(vector("vector", id, comment, expected, fields));
    };
    for len in [0, 1, 63, 64, 255, 16_383, 16_384, 16_385] {
        let content: Vec<u8> = (0..len).map(|n| n as u8).collect();
        push(&format!("vector-{len}"), "the shortest length", OK, &bytes_of(&content), Some(&content));
    }
    let with = |length: &[u8], len: usize| [length, &vec![7; len]].concat();
    for (id, comment, bytes) in [
        ("vector-0-in-two", "no byte, its length in two bytes", with(&[0x40, 0], 0)),
        ("vector-63-in-two", "63 bytes, their length in two", with(&[0x40, 63], 63)),
        ("vector-0-in-four", "no byte, its length in four bytes", with(&[0x80, 0, 0, 0], 0)),
        ("vector-63-in-four", "63 bytes, their length in four", with(&[0x80, 0, 0, 63], 63)),
        ("vector-64-in-four", "64 bytes, their length in four", with(&[0x80, 0, 0, 64], 64)),
        ("vector-16383-in-four", "16,383 bytes, their length in four", with(&[0x80, 0, 0x3f, 0xff], 16_383)),
        ("vector-reserved", "first bits 11", with(&[0xc0, 0, 0, 0, 0, 0, 0, 1], 1)),
        ("vector-reserved-one", "first bits 11, one byte", with(&[0xc0], 0)),
        ("vector-nothing", "not even a length", vec![]),
        ("vector-half-of-two", "half of a length of two bytes", vec![0x40]),
        ("vector-half-of-four", "three of the four bytes of a length", vec![0x80, 0, 0x40]),
        ("vector-longer", "a byte less than the length says", with(&[5], 4)),
        ("vector-longer-two", "a byte less than a length of two bytes says", with(&[0x40, 64], 63)),
        ("vector-maximum", "2^30 - 1 bytes, of which none is there", with(&[0xbf, 0xff, 0xff, 0xff], 0)),
        ("vector-trailing", "a byte after the last", with(&[4], 5)),
    ] {
        push(id, comment, MALFORMED, &bytes, None);
    }
    vectors
}

/// What an object is, by its first seven bytes. SPEC §6
pub(crate) fn objects() -> Vec<Value> {
    let (alice, bob) = (&cast().alice, &cast().bob);
    let mut vectors = Vec::new();
    let mut push = |id: &str, comment: &str, expected: Expected, bytes: &[u8]| {
        let found = inspect(bytes).map_or_else(class_of, |_| OK);
        assert_eq!(found, expected, "{id}");
        let mut fields = json!({"object": hex(bytes)});
        if expected == OK {
            fields["type"] = json!(bytes[6]);
        }
        vectors.push(vector("object", id, comment, expected, fields));
    };
    let to = [bob.public().recipient()];
    for (code, name, kind) in [
        (1, "message", ContentType::Message),
        (2, "room-epoch", ContentType::RoomEpoch),
        (3, "keyring", ContentType::Keyring),
        (4, "device-link", ContentType::DeviceLink),
        (5, "history-grant", ContentType::HistoryGrant),
        (7, "room-state", ContentType::RoomState),
        (8, "keyring-state", ContentType::KeyringState),
    ] {
        let public_data = vec![
            0;
            if code == 2 {
                24
            } else if code == 5 {
                16
            } else {
                0
            }
        ];
        let mut envelope = Envelope::to(&to).public_data(&public_data);
        if code == 2 {
            envelope = envelope.signed_by(alice.sender()).without_copy_for_me();
        }
        let id = format!("object-{name}");
        let made = hazmat::seal_as(&envelope, kind, b"", &mut SeedRng::new(id.as_bytes())).unwrap();
        assert_eq!(made[6], code);
        push(&id, "an envelope of this type", OK, &made);
    }
    let rng = &mut SeedRng::new(b"objects");
    let attachment = Envelope::to(&[]).seal_attachment(b"", rng).unwrap().0;
    push("object-attachment", "an envelope of this type", OK, &attachment);
    // [STZ-15] who decodes does not hash: the greatest costs that a header may have.
    let most = [0xff; 4];
    let argon2id = [&most[..], &most, &most, &[16]].concat();
    for (id, kdf, costs) in
        [("object-passphrase-argon2id", 1, argon2id), ("object-passphrase-pbkdf2", 2, [most; 2].concat())]
    {
        let stanzas = [&[4, kdf][..], &[0x5c; 16], &costs, &[7; 48]].concat();
        let sealed = Hand { stanzas, ..Hand::symmetric(&[0; 32]) }.envelope(&[b""]);
        push(id, "costs of 2^32 - 1 that nobody could pay, and who decodes need not", OK, &sealed);
    }
    let identity = alice.public().to_bytes();
    push("object-public-identity", "a public identity", OK, &identity);
    push("object-transition", "a transition", OK, &people().bobs_transition.to_bytes().unwrap());
    let signature = alice.sign(b"", b"", rng).unwrap().to_bytes();
    push("object-detached-signature", "a detached signature", OK, &signature);
    let linking = Linking::new(rng).unwrap().request().to_bytes();
    push("object-link-request", "a link request", OK, &linking);

    let with = |at: usize, byte: u8| {
        let mut other = identity.clone();
        other[at] = byte;
        other
    };
    for (at, byte) in [(0, b's'), (1, b'l'), (2, b'r'), (3, b'N')] {
        push(&format!("object-magic-{at}"), "another byte of the magic", MALFORMED, &with(at, byte));
    }
    let unsupported = ("unsupported", None);
    for (id, at, byte) in [("object-suite-0", 5, 0), ("object-suite-2", 5, 2), ("object-suite-256", 4, 1)] {
        push(id, "another suite", unsupported, &with(at, byte));
    }
    for code in [0_u8, 9, 0x1f, 0x29, 0x7f, 0x80, 0xff] {
        push(&format!("object-type-{code}"), "a type that is not in the registry", unsupported, &with(6, code));
    }
    push("object-empty", "no byte", MALFORMED, &[]);
    push("object-six-bytes", "six of the seven bytes", MALFORMED, &identity[..6]);
    push("object-seven-bytes", "the seven bytes alone", MALFORMED, &identity[..7]);
    vectors
}

/// Room ids. SPEC §18.1
pub(crate) fn room_ids() -> Vec<Value> {
    let of = |n: u8, creator: [u8; 32], nonce: [u8; 16], history: u8| {
        let hash = hazmat::sha256(&hazmat::sign_input("room id", &[&creator[..], &nonce, &[history]].concat()));
        let fields = json!({"creator": hex(&creator), "creation_nonce": hex(&nonce), "history": history,
            "room_id": hex(&hash[..16])});
        vector("room_id", &format!("room-id-{n}"), "the first 16 bytes of a hash", OK, fields)
    };
    let alice = *cast().alice.public().fingerprint().as_bytes();
    vec![of(0, [0; 32], [0; 16], 1), of(1, alice, [7; 16], 1), of(2, alice, [8; 16], 1), of(3, alice, [8; 16], 2)]
}

/// Text forms, right and wrong. SPEC §17
pub(crate) fn texts() -> Vec<Value> {
    let (alice, carol) = (cast().alice.public(), cast().carol.public());
    let mut vectors = Vec::new();
    let mut push = |id: &str, comment: &str, expected: Expected, form: &str, text: &str, bytes: &[u8]| {
        let read = match form {
            "fingerprint" => text.parse::<Fingerprint>().map(|read| read.as_bytes().to_vec()),
            _ => text.parse::<PublicIdentity>().map(|read| read.to_bytes()),
        };
        let mut fields = json!({"form": form, "text": text});
        match read {
            Ok(read) => {
                assert_eq!((expected, &read[..]), (OK, bytes), "{id}");
                fields["bytes"] = json!(hex(bytes));
            }
            Err(error) => assert_eq!(class_of(error), expected, "{id}"),
        }
        vectors.push(vector("text", id, comment, expected, fields));
    };
    let fingerprint = |bytes: &[u8]| format!("slrm-fp:{}", base64url(bytes));
    for (n, bytes) in
        [[0; 32], [0xff; 32], *alice.fingerprint().as_bytes(), *carol.fingerprint().as_bytes()].iter().enumerate()
    {
        let text = fingerprint(bytes);
        assert_eq!(Fingerprint::from_bytes(*bytes).to_string(), text);
        push(&format!("text-fingerprint-{n}"), "a fingerprint", OK, "fingerprint", &text, bytes);
    }
    for (id, identity) in [("text-identity-p256", alice), ("text-identity-rsa", carol)] {
        assert_eq!(identity.to_string(), format!("slrm-id:{}", base64url(&identity.to_bytes())));
        push(id, "a public identity", OK, "identity", &identity.to_string(), &identity.to_bytes());
    }
    let good = fingerprint(&[0xfb; 32]);
    let last = good.len() - 1;
    for (id, comment, text) in [
        ("text-prefix-none", "no prefix", good[8..].to_owned()),
        ("text-prefix-other", "the prefix of an identity", good.replace("slrm-fp:", "slrm-id:")),
        ("text-prefix-upper-case", "the prefix in upper case", good.replace("slrm-fp:", "SLRM-FP:")),
        ("text-prefix-space", "a space before it", format!(" {good}")),
        ("text-prefix-twice", "the prefix twice", format!("slrm-fp:{good}")),
        ("text-space-within", "a space within", format!("{} {}", &good[..20], &good[20..])),
        ("text-line-end", "a line end after it", format!("{good}\n")),
        ("text-padding", "a padding character", format!("{good}=")),
        ("text-base64", "the alphabet of base64", good.replace('-', "+").replace("slrm+", "slrm-").replace('_', "/")),
        ("text-unused-bits", "unused bits that are not zero", format!("{}t", &good[..last])),
        ("text-31", "31 bytes", fingerprint(&[0xfb; 31])),
        ("text-33", "33 bytes", fingerprint(&[0xfb; 33])),
        ("text-one-character-more", "a character more", format!("{good}A")),
        ("text-one-character-less", "a character less", good[..last].to_owned()),
        ("text-empty", "nothing after the prefix", "slrm-fp:".to_owned()),
        ("text-not-ascii", "a character that is not ASCII", format!("{}é", &good[..last])),
        ("text-hexadecimal", "in hexadecimal", format!("slrm-fp:{}", hex(&[0xfb; 32]))),
    ] {
        push(id, comment, MALFORMED, "fingerprint", &text, &[]);
    }
    let identity = alice.to_bytes();
    let text = |bytes: &[u8]| format!("slrm-id:{}", base64url(bytes));
    for (id, comment, expected, text) in [
        ("text-identity-trailing", "a byte after the identity", MALFORMED, text(&[&identity[..], &[0]].concat())),
        ("text-identity-cut", "a byte is missing", MALFORMED, text(&identity[..237])),
        (
            "text-identity-type",
            "a transition",
            ("unsupported", None),
            text(&people().bobs_transition.to_bytes().unwrap()[..238]),
        ),
        (
            "text-identity-prefix",
            "the prefix of a fingerprint",
            MALFORMED,
            alice.to_string().replace("slrm-id:", "slrm-fp:"),
        ),
    ] {
        push(id, comment, expected, "identity", &text, &[]);
    }
    vectors
}
