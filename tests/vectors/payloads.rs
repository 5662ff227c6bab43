//! Chunks, padding, reading at an offset; large ranges as one digest. SPEC §9.

use crate::common::hand::{Hand, sha256};
use crate::hold::{Expected, OK, vector};
use crate::rooms::class_of;
use crate::samples::{SeedRng, flipped, hex, open_any};
use sealroom::*;
use serde_json::{Value, json};

const CHUNK: u64 = 16_384;

/// SPEC §9.2
fn padme(len: u64) -> u64 {
    let e = len.ilog2();
    let mask = (1 << (e - e.ilog2() - 1)) - 1;
    (len + mask) & !mask
}

/// SPEC §9.1
fn payload_len(plain: u64) -> u64 {
    plain + 16 * (plain / CHUNK + 1)
}

/// What the crate makes of a content's length: the payload's, or nothing where no memory has room for the envelope.
fn sealed_len(content: u64, padding: Padding) -> Option<u64> {
    let len = |content, padding| Envelope::to(&[]).padding(padding).max_sealed_len(content).ok();
    let around = len(0, Padding::None).unwrap() - 16;
    Some((len(usize::try_from(content).ok()?, padding)? - around) as u64)
}

fn holds(content: u64, padding: Padding, plain: u64) {
    let right = match sealed_len(content, padding) {
        Some(len) => len == payload_len(plain),
        None => usize::try_from(payload_len(plain) + 1024).is_err(), // with the header, which is shorter
    };
    assert!(right, "{content}, {padding:?}");
}

/// Lengths alone.
pub(crate) fn layouts() -> Vec<Value> {
    let mut vectors = Vec::new();
    let near = |at: u64| [at - 1, at, at + 1];
    let mut lengths = vec![0, 1, 15, 16];
    for at in [CHUNK - 8, CHUNK, 2 * CHUNK - 8, 2 * CHUNK, 1 << 20, 1 << 24, 1 << 32, 1 << 40] {
        lengths.extend(near(at));
    }
    for (name, padding) in [("none", Padding::None), ("padme", Padding::Padme)] {
        for length in &lengths {
            let plain = if padding == Padding::None { *length } else { padme(8 + length) };
            holds(*length, padding, plain);
            let fields = json!({"padding": name, "content_length": length, "plaintext_length": plain,
                "chunks": plain / CHUNK + 1, "last_chunk": plain % CHUNK + 16, "payload_length": payload_len(plain)});
            let id = format!("layout-{name}-{length}");
            vectors.push(vector("layout", &id, "how long chunks and payload are", OK, fields));
        }
    }
    for (id, from, to) in [("padme-range-small", 8, 100_000), ("padme-range-mebibyte", 1 << 20, (1 << 20) + 100_000)] {
        let mut all = Vec::new();
        for len in from..=to {
            all.extend(padme(len).to_be_bytes());
            holds(len - 8, Padding::Padme, padme(len));
        }
        let fields = json!({"from": from, "to": to, "sha256": hex(&sha256(&all))});
        let comment = "padme of every length from the first to the last, 8 bytes each, hashed";
        vectors.push(vector("padme_range", id, comment, OK, fields));
    }
    for exponent in 4..=50 {
        let near: Vec<u64> = (0..=4).map(|n| (1_u64 << exponent) - 2 + n).collect();
        let padded: Vec<u64> = near.iter().map(|len| padme(*len)).collect();
        let fields = json!({"lengths": near, "padded": padded});
        let id = format!("padme-2-to-{exponent}");
        vectors.push(vector("padme", &id, "lengths around a power of two", OK, fields));
    }
    let mut all = Vec::new();
    for len in 0..=100_000 {
        all.extend(payload_len(len).to_be_bytes());
    }
    let fields = json!({"from": 0, "to": 100_000, "sha256": hex(&sha256(&all))});
    let comment = "the payload's length for every plaintext length, 8 bytes each, hashed";
    vectors.push(vector("payload_range", "payload-range", comment, OK, fields));
    vectors
}

/// Chunks under a key and a base nonce, and single nonces.
pub(crate) fn chunks() -> Vec<Value> {
    let (key, nonce) = ([0x61; 32], [0xb0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xff, 0xff]);
    let mut vectors = Vec::new();
    for len in [0_usize, 1, 16, 16_383, 16_384, 16_385, 32_767, 32_768, 40_000] {
        let plain: Vec<u8> = (0..len).map(|n| (n * 7 + n / 251) as u8).collect();
        let sealed = hazmat::chunks_seal(&key, &nonce, &plain).unwrap();
        let hashes: Vec<String> = sealed.chunks(16_400).map(|chunk| hex(&sha256(chunk))).collect();
        let fields = json!({"key": hex(&key), "base_nonce": hex(&nonce), "length": len, "chunk_hashes": hashes,
            "sha256": hex(&sha256(&sealed))});
        let comment = "the plaintext's byte number n is 7 n + n / 251, modulo 256";
        vectors.push(vector("chunks", &format!("chunks-{len}"), comment, OK, fields));
    }
    for number in [0, 1, 255, 256, 65_535, 65_536, 1 << 32, (1 << 38) - 1] {
        let made = hazmat::chunk_nonce(&nonce, number).unwrap();
        let fields = json!({"base_nonce": hex(&nonce), "number": number, "nonce": hex(&made)});
        vectors.push(vector("chunk_nonce", &format!("chunk-nonce-{number}"), "the nonce of a chunk", OK, fields));
    }
    let error = hazmat::chunk_nonce(&nonce, 1 << 38).unwrap_err();
    let fields = json!({"base_nonce": hex(&nonce), "number": 1_u64 << 38});
    let expected = ("limit", None);
    assert_eq!(class_of(error), expected);
    vectors.push(vector("chunk_nonce", "chunk-nonce-too-great", "one chunk more than there may be", expected, fields));
    vectors
}

/// An attachment, and its key as vectors give it.
fn attachment(id: &str, len: usize, padding: Padding) -> (Vec<u8>, Vec<u8>, AttachmentKey) {
    let content: Vec<u8> = (0..len).map(|n| (n * 11 + n / 241) as u8).collect();
    let envelope = Envelope::to(&[]).padding(padding);
    let (sealed, key) = envelope.seal_attachment(&content, &mut SeedRng::new(id.as_bytes())).unwrap();
    (sealed, content, key)
}

/// Reads a range of an attachment's content.
fn read_at(envelope: &[u8], key: &AttachmentKey, offset: u64, length: u64) -> Result<Vec<u8>, Error> {
    let locked = Locked::decode(envelope, &Limits::default())?;
    crate::common::read_at(envelope, key.unlock(&locked)?, offset, length)
}

pub(crate) fn reads() -> Vec<Value> {
    let mut vectors = Vec::new();
    for (id, len, padding) in [
        ("read-empty", 0, Padding::None),
        ("read-one-chunk", 100, Padding::None),
        ("read-full-chunk", 16_384, Padding::None),
        ("read-three-chunks", 40_000, Padding::None),
        ("read-padded", 100, Padding::Padme),
        ("read-padded-chunk-end", 16_376, Padding::Padme),
        ("read-padded-chunks", 33_000, Padding::Padme),
    ] {
        let (sealed, content, key) = attachment(id, len, padding);
        let end = len as u64;
        let ranges =
            [(0, 10), (0, end), (end.saturating_sub(3), 100), (16_370, 20), (16_376, 16), (16_384, 1), (end + 9, 1)];
        let reads: Value = ranges
            .iter()
            .map(|(offset, length)| {
                let found = read_at(&sealed, &key, *offset, *length).unwrap();
                let range = (*offset as usize).min(len)..((offset + length) as usize).min(len);
                assert_eq!(found, content[range], "{id} {offset}");
                json!({"offset": offset, "length": length, "sha256": hex(&sha256(&found))})
            })
            .collect();
        let fields = json!({"envelope": hex(&sealed), "key": hex(key.expose()), "content_length": len, "reads": reads});
        vectors.push(vector("read_at", id, "parts of the content, by the chunks that are needed", OK, fields));
    }
    let (sealed, content, key) = attachment("read-changed", 33_000, Padding::None);
    let (padded, ..) = attachment("read-changed-padded", 17_000, Padding::Padme);
    let padded_key = attachment("read-changed-padded", 17_000, Padding::Padme).2;
    let head = sealed.len() - payload_len(33_000) as usize;
    // A chunk that is not read is not looked at.
    let elsewhere = flipped(&sealed, head + 16_400 + 5);
    let read = |envelope: &[u8], key: &AttachmentKey, offset| read_at(envelope, key, offset, 10);
    assert_eq!(read(&elsewhere, &key, 0).unwrap(), content[..10]);
    let reads = json!([{"offset": 0, "length": 10, "sha256": hex(&sha256(&content[..10]))}]);
    let fields =
        json!({"envelope": hex(&elsewhere), "key": hex(key.expose()), "content_length": 33_000, "reads": reads});
    vectors.push(vector("read_at", "read-changed-elsewhere", "a changed chunk that is not read", OK, fields));
    let swapped = {
        let mut other = sealed.clone();
        let (one, two) = other[head..head + 2 * 16_400].split_at_mut(16_400);
        one.swap_with_slice(two);
        other
    };
    let mut no = |id: &str, comment: &str, envelope: &[u8], key: &AttachmentKey, offset: u64| {
        let expected: Expected = ("decrypt", None);
        assert_eq!(class_of(read(envelope, key, offset).expect_err(id)), expected, "{id}");
        let fields =
            json!({"envelope": hex(envelope), "key": hex(key.expose()), "reads": [{"offset": offset, "length": 10}]});
        vectors.push(vector("read_at", id, comment, expected, fields));
    };
    no("read-changed-here", "a changed chunk that is read", &elsewhere, &key, 16_384);
    no(
        "read-changed-last",
        "a changed last chunk: the length is not proven",
        &flipped(&sealed, sealed.len() - 1),
        &key,
        0,
    );
    no("read-swapped", "two chunks swapped", &swapped, &key, 0);
    no("read-last-missing", "it ends with a full chunk", &sealed[..head + 2 * 16_400], &key, 0);
    no("read-cut", "it ends within a chunk that was not the last", &sealed[..head + 16_400 + 100], &key, 0);
    no("read-cut-short", "a last chunk of less than 16 bytes", &sealed[..head + 16_400 + 15], &key, 0);
    no("read-longer", "bytes after the last chunk", &[&sealed[..], &[0; 16]].concat(), &key, 0);
    let first = padded.len() - payload_len(padme(17_008)) as usize;
    no(
        "read-padded-first",
        "a changed first chunk, where the length stands",
        &flipped(&padded, first),
        &padded_key,
        16_990,
    );
    vectors
}

/// What the plaintext of a padded envelope may not be.
pub(crate) fn paddings() -> Vec<Value> {
    let kek = [0x41; 32];
    let hand = Hand { content_type: 1, padding: 1, ..padded(&kek) };
    let keys = json!([{"kind": "symmetric", "key": hex(&kek)}]);
    let mut vectors = Vec::new();
    let plain = |length: u64, rest: &[u8]| [&length.to_be_bytes()[..], rest].concat();
    let mut push = |id: &str, comment: &str, expected: Expected, plain: &[u8]| {
        let envelope = hand.seal(plain);
        let opened = open_any(&envelope, keys.as_array().unwrap());
        assert_eq!(opened.as_ref().map_or_else(|error| class_of(*error), |_| OK), expected, "{id}");
        let mut fields = json!({"envelope": hex(&envelope), "keys": keys});
        if let Ok(content) = opened {
            fields["content"] = json!(hex(&content));
            fields["dek"] = json!(hex(&hand.dek));
            fields["h"] = json!(hex(&sha256(&hand.header())));
            fields["commitment"] = json!(hex(&hand.schedule().2));
        }
        vectors.push(vector("envelope", id, comment, expected, fields));
    };
    let no = ("decrypt", None);
    push("padding-no-zeros", "no zero at all", OK, &plain(5, b"hello"));
    push("padding-odd", "a number of zeros that no policy makes", OK, &plain(5, b"hello\0\0\0\0\0\0\0"));
    push("padding-empty", "no content and no zeros", OK, &plain(0, b""));
    push("padding-second-chunk", "zeros up to a second chunk", OK, &plain(1, &[&[7][..], &[0; 16_400]].concat()));
    push("padding-chunk-end", "a plaintext of exactly a chunk", OK, &plain(1, &[&[7][..], &[0; 16_375]].concat()));
    push("padding-short", "a plaintext of 7 bytes", no, &[0; 7]);
    push("padding-nothing", "an empty plaintext", no, &[]);
    push("padding-length", "a length that is one too great", no, &plain(6, b"hello"));
    push("padding-length-maximum", "a length of 2^64 - 1", no, &plain(u64::MAX, b"hello"));
    push(
        "padding-length-wraps",
        "a length that wraps around with the 8 bytes before it",
        no,
        &plain(u64::MAX - 7, b""),
    );
    push("padding-first-zero", "the first zero is none", no, &plain(5, b"hello\x01\0\0"));
    push("padding-last-zero", "the last zero is none", no, &plain(5, b"hello\0\0\x80"));
    let far = plain(1, &[&[7][..], &[0; 16_399], &[1]].concat());
    push("padding-second-chunk-zero", "a zero of the second chunk is none", no, &far);
    vectors
}

fn padded(kek: &[u8; 32]) -> Hand {
    Hand::symmetric(kek)
}
