//! One fault in each, made from the envelopes of the vectors.

use crate::samples::Sealer;
use serde_json::Value;

/// A vector that is refused.
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) comment: &'static str,
    pub(crate) flag: &'static str,
    pub(crate) keys: Vec<Value>,
    pub(crate) envelope: Vec<u8>,
    pub(crate) result: &'static str,
}

/// Where header and payload parts begin: after the 33 fixed bytes.
const STANZAS: usize = 33;

pub(crate) fn rejects(sealers: &[Sealer]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut add =
        |base: &str, flag: &'static str, comment: &'static str, result: &'static str, change: &dyn Fn(&mut Vec<u8>)| {
            let sealer = sealers.iter().find(|sealer| sealer.id == base).unwrap();
            let mut envelope = sealer.seal().0;
            change(&mut envelope);
            entries.push(Entry { id: format!("{base}-{flag}"), comment, flag, keys: sealer.keys(), envelope, result });
        };
    let set = |at: usize, byte: u8| move |envelope: &mut Vec<u8>| envelope[at] = byte;
    let flip = |at: usize| move |envelope: &mut Vec<u8>| envelope[at] ^= 1;
    let flip_end = |back: usize| {
        move |envelope: &mut Vec<u8>| {
            let at = envelope.len() - back;
            envelope[at] ^= 1;
        }
    };

    // Fixed fields.
    add("p256-short", "magic", "another magic", "malformed", &flip(0));
    add("p256-short", "suite", "suite 2", "unsupported", &set(5, 2));
    for (flag, kind) in [("type-unassigned", 9), ("type-public-identity", 0x20)] {
        add("p256-short", flag, "a type that is reserved, unassigned or no envelope", "unsupported", &set(6, kind));
    }
    for (flag, kind) in [
        ("type-room-epoch", 2),
        ("type-keyring", 3),
        ("type-device-link", 4),
        ("type-history-grant", 5),
        ("type-room-state", 7),
        ("type-keyring-state", 8),
    ] {
        add("p256-short", flag, "called an envelope of another type: every key is wrong", "decrypt", &set(6, kind));
    }
    add("p256-short", "type-attachment", "a message called an attachment: it has stanzas", "malformed", &set(6, 6));
    add("attachment", "type-message", "an attachment called a message: it has no stanza", "malformed", &set(6, 1));
    add("attachment", "attachment-signed", "an attachment that says it is signed", "malformed", &set(7, 1));
    add("p256-short", "signature-unknown", "an unknown signature algorithm", "unsupported", &set(7, 5));
    add("p256-short", "signature-added", "an unsigned envelope that says it is signed", "decrypt", &set(7, 1));
    add("p256-signed", "signature-stripped", "a signed envelope that says it is not", "decrypt", &|envelope| {
        envelope[7] = 0;
        envelope.truncate(envelope.len() - 112);
    });
    add("p256-signed", "signature-algorithm", "another algorithm", "decrypt", &set(7, 2));
    add("p256-short", "padding-unknown", "an unknown padding", "unsupported", &set(8, 2));
    add("p256-padded", "padding-stripped", "a padded envelope that says it is not", "decrypt", &set(8, 0));
    add("p256-short", "salt", "a bit of the salt", "decrypt", &flip(9));

    // Lengths. The group of one reader takes 115 bytes: a prefix of two.
    add("p256-short", "stanzas-length-longer-form", "a length of two bytes in four", "malformed", &|envelope| {
        let len = u16::from_be_bytes([envelope[STANZAS] & 0x3f, envelope[STANZAS + 1]]);
        envelope.splice(STANZAS..STANZAS + 2, (u32::from(len) | 0x8000_0000).to_be_bytes());
    });
    add("p256-short", "length-reserved", "a length that begins with the bits 11", "malformed", &set(STANZAS, 0xff));
    add("p256-short", "length-maximum", "a length of 2^30 - 1", "limit", &|envelope| {
        envelope.splice(STANZAS..STANZAS + 2, [0xbf, 0xff, 0xff, 0xff]);
    });
    add("p256-short", "length-past-the-end", "a length of 1,000 where 231 bytes are left", "malformed", &|envelope| {
        envelope[STANZAS..STANZAS + 2].copy_from_slice(&(1000_u16 | 0x4000).to_be_bytes());
        envelope.truncate(STANZAS + 2 + 231);
    });
    add("p256-public-data", "public-data", "a bit of the public data", "decrypt", &|envelope| {
        let at = STANZAS + 2 + 115 + 2;
        envelope[at] ^= 1;
    });

    // The P-256 group: type, enc[65], a length, entries.
    let group = STANZAS + 2;
    add("p256-short", "stanza-type-unknown", "a stanza of type 6", "unsupported", &set(group, 6));
    add("p256-short", "stanza-type-reserved", "a stanza of the reserved type 5", "unsupported", &set(group, 5));
    add("p256-short", "enc-compressed", "enc begins with 02", "malformed", &set(group + 1, 2));
    add("p256-short", "enc-off-curve", "enc is no point of the curve", "malformed", &flip(group + 65));
    add("p256-short", "enc-coordinate", "enc has a coordinate above the prime", "malformed", &|envelope| {
        envelope[group + 2..group + 34].fill(0xff);
    });
    add("p256-short", "entries-empty", "no entry", "malformed", &|envelope| {
        envelope.splice(STANZAS..STANZAS + 2, [0x40, 67]);
        envelope.splice(group + 66..group + 67 + 48, [0]);
    });
    add("p256-short", "entries-length", "entries of 47 bytes", "malformed", &|envelope| {
        envelope.splice(STANZAS..STANZAS + 2, [0x40, 114]);
        envelope[group + 66] = 47;
        envelope.remove(group + 67);
    });
    add("p256-short", "entry", "a bit of the entry", "decrypt", &flip(group + 67));
    add("p256-short", "entries-repeated", "an entry that stands twice", "malformed", &|envelope| {
        let entry = envelope[group + 67..group + 115].to_vec();
        envelope.splice(STANZAS..STANZAS + 2, [0x40, 115 + 49]);
        envelope.splice(group + 66..group + 67, [0x40, 96]);
        envelope.splice(group + 68..group + 68, entry);
    });
    add("p256-three", "entries-unsorted", "two entries swapped", "malformed", &|envelope| {
        let at = group + 68;
        let first = envelope[at..at + 48].to_vec();
        envelope.copy_within(at + 48..at + 96, at);
        envelope[at + 48..at + 96].copy_from_slice(&first);
    });
    add("p256-short", "group-twice", "two P-256 groups", "malformed", &|envelope| {
        let stanza = envelope[group..group + 115].to_vec();
        envelope.splice(group..group, stanza);
        envelope.splice(STANZAS..STANZAS + 2, [0x40, 230]);
    });

    // Other stanzas.
    add("rsa-2048-bare", "rsa-length", "a wrapped key of 255 bytes", "malformed", &|envelope| {
        // Type, key id, a length of two bytes.
        envelope.splice(STANZAS..STANZAS + 2, (0x4000_u16 | (1 + 8 + 2 + 255)).to_be_bytes());
        envelope[group + 9..group + 11].copy_from_slice(&(0x4000_u16 | 255).to_be_bytes());
        envelope.remove(group + 11);
    });
    add("rsa-2048-bare", "rsa-ciphertext", "a bit of the ciphertext", "decrypt", &flip(group + 100));
    add("rsa-2048-bare", "rsa-key-id", "a bit of the key id", "decrypt", &flip(group + 1));
    add("symmetric-two", "stanzas-unsorted", "two stanzas swapped", "malformed", &|envelope| {
        let first = envelope[group..group + 65].to_vec();
        envelope.copy_within(group + 65..group + 130, group);
        envelope[group + 65..group + 130].copy_from_slice(&first);
    });
    add("symmetric-two", "stanzas-repeated", "the same stanza twice", "malformed", &|envelope| {
        envelope.copy_within(group..group + 65, group + 65);
    });
    add("symmetric", "wrapped", "a bit of the wrapped key", "decrypt", &flip(group + 20));
    // Type, kdf, salt[16], rounds, memory_kib, passes, lanes: 1 + 1 + 16 + 4 + 4 + 4 + 1, then 48. The prefix has two bytes.
    add("passphrase-argon2id", "kdf-unknown", "an unknown passphrase hash", "unsupported", &set(group + 1, 3));
    add("passphrase-argon2id", "salt-changed", "a bit of the salt", "decrypt", &flip(group + 2));
    add("passphrase-argon2id", "rounds-zero", "no round", "malformed", &set(group + 21, 0));
    add("passphrase-argon2id", "memory-low", "less than 8 KiB for each lane", "malformed", &set(group + 25, 15));
    add("passphrase-argon2id", "memory-limit", "one KiB more than 256 MiB", "limit", &|envelope| {
        envelope[group + 22..group + 26].copy_from_slice(&(256 * 1024 + 1_u32).to_be_bytes());
    });
    add("passphrase-argon2id", "work-limit", "4,294,967,295 passes", "limit", &|envelope| {
        envelope[group + 26..group + 30].fill(0xff);
    });
    add("passphrase-argon2id", "passes-zero", "no pass", "malformed", &set(group + 29, 0));
    add("passphrase-argon2id", "lanes-zero", "no lane", "malformed", &set(group + 30, 0));
    add("passphrase-argon2id", "lanes-limit", "17 lanes, with memory enough for them", "limit", &|envelope| {
        envelope[group + 22..group + 26].copy_from_slice(&136_u32.to_be_bytes());
        envelope[group + 30] = 17;
    });
    add("passphrase-pbkdf2", "iterations-zero", "no iteration", "malformed", &|envelope| {
        envelope[group + 22..group + 26].fill(0);
    });
    add("passphrase-pbkdf2", "iterations-limit", "4,294,967,295 iterations", "limit", &|envelope| {
        envelope[group + 22..group + 26].fill(0xff);
    });
    add("passphrase-pbkdf2", "passphrase-twice", "two passphrase stanzas", "malformed", &|envelope| {
        let len = 1 + 1 + 16 + 4 + 4 + 48;
        let stanza = envelope[group..group + len].to_vec();
        envelope.splice(group..group, stanza);
        envelope.splice(STANZAS..STANZAS + 2, (0x4000_u16 | (2 * len as u16)).to_be_bytes());
    });
    add(
        "passphrase-pbkdf2",
        "passphrase-beside",
        "a symmetric stanza before the passphrase",
        "malformed",
        &|envelope| {
            let len = 1 + 1 + 16 + 4 + 4 + 48;
            envelope.splice(group..group, [&[3][..], &[0; 64]].concat());
            envelope.splice(STANZAS..STANZAS + 2, (0x4000_u16 | (65 + len as u16)).to_be_bytes());
        },
    );

    // Commitment, chunks, block.
    add("p256-short", "commitment", "a bit of the commitment", "decrypt", &|envelope| {
        let at = envelope.len() - 116 - 32;
        envelope[at] ^= 1;
    });
    add("p256-short", "cut-in-header", "cut within the header", "malformed", &|envelope| envelope.truncate(40));
    add("p256-short", "cut-in-commitment", "cut within the commitment", "malformed", &|envelope| {
        envelope.truncate(envelope.len() - 117);
    });
    add("p256-short", "chunk", "a bit of the chunk", "decrypt", &flip_end(20));
    add("p256-short", "chunk-tag", "a bit of the tag", "decrypt", &flip_end(1));
    add("p256-short", "envelope-trailing", "a byte is left over", "decrypt", &|envelope| envelope.push(0));
    add("p256-short", "envelope-cut", "a byte is missing", "decrypt", &|envelope| {
        envelope.truncate(envelope.len() - 1)
    });
    add("p256-short", "no-chunk", "no chunk at all", "decrypt", &|envelope| envelope.truncate(envelope.len() - 116));
    add("p256-full-chunk", "last-chunk-missing", "ends with a full chunk", "decrypt", &|envelope| {
        envelope.truncate(envelope.len() - 16);
    });
    add("p256-full-chunk", "last-chunk-only-tag-cut", "the last chunk has 15 bytes", "decrypt", &|envelope| {
        envelope.truncate(envelope.len() - 1);
    });
    add("attachment", "chunks-swapped", "the first two chunks are swapped", "decrypt", &|envelope| {
        let at = 33 + 1 + 1 + 32;
        let (first, rest) = envelope[at..at + 2 * 16_400].split_at_mut(16_400);
        first.swap_with_slice(rest);
    });
    add("attachment", "chunk-dropped", "the first chunk is missing", "decrypt", &|envelope| {
        let at = 33 + 1 + 1 + 32;
        envelope.drain(at..at + 16_400);
    });
    add("attachment", "chunk-repeated", "the first chunk stands twice", "decrypt", &|envelope| {
        let at = 33 + 1 + 1 + 32;
        let chunk = envelope[at..at + 16_400].to_vec();
        envelope.splice(at..at, chunk);
    });
    add("p256-signed", "signature-block", "a bit of the signature block", "decrypt", &flip_end(50));
    add("p256-signed", "signature-block-missing", "no signature block", "decrypt", &|envelope| {
        envelope.truncate(envelope.len() - 112);
    });
    entries.extend(unhashed(sealers));
    entries
}

/// Sealed to a passphrase, and read with other keys: who hashes nothing holds the costs to their form alone.
fn unhashed(sealers: &[Sealer]) -> Vec<Entry> {
    let of = |id: &str| sealers.iter().find(|sealer| sealer.id == id).unwrap();
    let keys: Vec<_> = ["p256-short", "rsa-2048-bare", "symmetric"].iter().flat_map(|id| of(id).keys()).collect();
    // Type, kdf, salt[16], then the costs: as above.
    let costs = STANZAS + 2 + 18;
    let most = [0xff; 4];
    let greatest = [&[most; 3].concat()[..], &[16]].concat();
    let lanes = [&1_u32.to_be_bytes()[..], &136_u32.to_be_bytes(), &1_u32.to_be_bytes(), &[17]].concat();
    [
        ("passphrase-argon2id", "costs-unhashed", "16 lanes, and 4,294,967,295 of all else", "decrypt", &greatest[..]),
        ("passphrase-pbkdf2", "costs-unhashed", "4,294,967,295 of everything", "decrypt", &[most; 2].concat()),
        ("passphrase-argon2id", "lanes-unhashed", "17 lanes, with memory enough for them", "limit", &lanes),
        ("passphrase-pbkdf2", "rounds-unhashed", "no round", "malformed", &[0; 4]),
    ]
    .map(|(base, flag, comment, result, changed)| {
        let mut envelope = of(base).seal().0;
        envelope[costs..costs + changed.len()].copy_from_slice(changed);
        Entry { id: format!("{base}-{flag}"), comment, flag, keys: keys.clone(), envelope, result }
    })
    .into()
}
