//! One stanza alone, of each type, and what opens it. SPEC §8.

use crate::common::hand::{
    Hand, derive, gcm_seal, group, rsa_key_id, rsa_stanza, sha256, sign_input, symmetric_stanza, wrap_info,
};
use crate::common::hand::{vector as bytes_of, wrap_p256};
use crate::hold::{Expected, OK, vector};
use crate::rooms::{class_of, fingerprint, key_of};
use crate::samples::{SeedRng, cast, flipped, hex, unhex};
use sealroom::*;
use serde_json::{Value, json};

const SALT: [u8; 24] = [0x5a; 24];
const DEK: [u8; 32] = [0xde; 32];

/// One stanza (or a group), for one reader.
struct Case<'a> {
    content_type: u8,
    salt: [u8; 24],
    stanza: &'a [u8],
    key: Value,
}

impl Case<'_> {
    /// An envelope without content that has this stanza, and is sealed under the DEK.
    fn envelope(&self) -> Vec<u8> {
        let (content_type, salt, stanzas) = (self.content_type, self.salt, self.stanza.to_vec());
        Hand { content_type, signature: 0, padding: 0, salt, dek: DEK, stanzas, public_data: vec![] }.seal(b"")
    }

    /// The DEK that the reader gets.
    fn unwrap(&self) -> Result<[u8; 32], Error> {
        let envelope = self.envelope();
        let text = |name: &str| unhex(self.key[name].as_str().unwrap());
        let id = |name: &str| -> [u8; 32] { text(name).try_into().unwrap() };
        let mut rng = SeedRng::new(b"blinding");
        let locked = Locked::decode(&envelope, &Limits::default())?;
        let unlocked = match self.key["kind"].as_str().unwrap() {
            "p256" => {
                let key = P256PrivateKey::from_pkcs8_der(&text("pkcs8")).unwrap();
                locked.unlock(&[hazmat::p256_reader(&key, id("recipient_id"))], &mut rng)
            }
            "rsa" => {
                let key = RsaPrivateKey::from_pkcs8_der(&text("pkcs8")).unwrap();
                locked.unlock(&[hazmat::rsa_reader(&key, id("recipient_id"))], &mut rng)
            }
            "symmetric" => locked.unlock(&[Reader::symmetric(&SymmetricKey::take(&mut id("key")))], &mut rng),
            _ => PassphraseKey::of(&envelope, &text("passphrase"), &WorkLimits::default(), &mut unwatched)
                .and_then(|key| locked.unlock(&[Reader::passphrase(&key)], &mut rng)),
        }?;
        hazmat::dek_and_content(unlocked, locked.payload()).map(|(dek, _)| dek)
    }

    fn vector(&self, id: &str, comment: &str, expected: Expected, more: Value) -> Value {
        let mut fields = json!({"content_type": self.content_type, "salt": hex(&self.salt), "stanza": hex(self.stanza),
            "envelope": hex(&self.envelope()), "key": self.key});
        match self.unwrap() {
            Ok(dek) => {
                assert_eq!((expected, dek), (OK, DEK), "{id}");
                fields["dek"] = json!(hex(&dek));
                fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            }
            Err(error) => assert_eq!(class_of(error), expected, "{id}"),
        }
        vector("wrap", id, comment, expected, fields)
    }
}

const DECRYPT: Expected = ("decrypt", None);
const MALFORMED: Expected = ("malformed", None);

/// A P-256 key and the id under which it reads.
struct To {
    key: P256PrivateKey,
    id: [u8; 32],
}

impl To {
    fn identity(identity: &Identity) -> Self {
        let [encryption, _] = hazmat::identity_keys(identity).unwrap();
        Self { key: P256PrivateKey::from_pkcs8_der(encryption.expose()).unwrap(), id: fingerprint(identity) }
    }

    fn bare(&self) -> Self {
        let key = P256PrivateKey::from_pkcs8_der(self.key.to_pkcs8_der().unwrap().expose()).unwrap();
        let id = key.public_key().bare_id();
        Self { key, id }
    }

    fn value(&self) -> Value {
        json!({"kind": "p256", "pkcs8": hex(self.key.to_pkcs8_der().unwrap().expose()), "recipient_id": hex(&self.id)})
    }

    fn info(&self, content_type: u8) -> Vec<u8> {
        wrap_info(content_type, 1, &SALT, &self.id)
    }

    /// `enc` and the entry, by two implementations of HPKE.
    fn wrap(&self, content_type: u8, dek: &[u8; 32], ikm: [u8; 32]) -> ([u8; 65], [u8; 48]) {
        let (point, info) = (self.key.public_key().as_bytes(), self.info(content_type));
        let (enc, entries) = hazmat::hpke_seal_group(&ikm, &[(point, &info)], dek).unwrap();
        assert_eq!((enc, entries[0]), wrap_p256(self.key.public_key(), &info, dek, ikm));
        (enc, entries[0])
    }

    /// What is between: SPEC §8.2, RFC 9180 §4.1, §5.1.
    fn between(&self, content_type: u8, ikm: [u8; 32]) -> Value {
        let (scalar, enc) = hazmat::hpke_derive_key_pair(&ikm).unwrap();
        let point = self.key.public_key().as_bytes();
        let (shared, _) = hazmat::hpke_encap_derand(&ikm, point).unwrap();
        let info = self.info(content_type);
        let (key, nonce) = hazmat::hpke_key_schedule(&shared, &info).unwrap();
        let (_, entry) = self.wrap(content_type, &DEK, ikm);
        json!({"info": hex(&info), "ephemeral": hex(&scalar), "enc": hex(&enc), "public_key": hex(point),
            "dh": hex(&hazmat::p256_agree(&scalar, point).unwrap()), "shared_secret": hex(&shared),
            "hpke_key": hex(&key), "hpke_nonce": hex(&nonce), "entry": hex(&entry)})
    }
}

pub(crate) fn p256() -> Vec<Value> {
    let (alice, bob) = (To::identity(&cast().alice), To::identity(&cast().bob));
    let bare = bob.bare();
    let ikm = hazmat::sha256(b"ephemeral");
    let of = |to: &[&To], content_type: u8, others: &[[u8; 48]]| {
        let made: Vec<_> = to.iter().map(|to| to.wrap(content_type, &DEK, ikm)).collect();
        let entries: Vec<[u8; 48]> = made.iter().map(|(_, entry)| *entry).chain(others.iter().copied()).collect();
        group(&made[0].0, &entries)
    };
    let mut vectors = Vec::new();
    let mut good =
        |id: &str, comment: &str, stanza: &[u8], content_type: u8, to: &To, decoys: &[[u8; 48]], again: bool| {
            let case = Case { content_type, salt: SALT, stanza, key: to.value() };
            let mut more = to.between(content_type, ikm);
            if again {
                more["random"] = json!(hex(&[&ikm[..], &decoys.concat()].concat()));
            }
            vectors.push(case.vector(id, comment, OK, more));
        };
    for (content_type, name) in [(1, "message"), (2, "room epoch"), (4, "device link"), (5, "history grant")] {
        let id = format!("wrap-p256-{}", name.replace(' ', "-"));
        good(&id, &format!("one reader of a {name}"), &of(&[&bob], content_type, &[]), content_type, &bob, &[], true);
    }
    good("wrap-p256-bare", "a key without an identity", &of(&[&bare], 1, &[]), 1, &bare, &[], true);
    let two = of(&[&alice, &bob], 1, &[]);
    good("wrap-p256-two-first", "two readers under one ephemeral, as one of them", &two, 1, &alice, &[], false);
    good("wrap-p256-two-second", "as the other", &two, 1, &bob, &[], false);
    let same = of(&[&bob, &bare], 1, &[]);
    good("wrap-p256-two-ids", "one key under two ids: two entries, as the identity's", &same, 1, &bob, &[], false);
    good("wrap-p256-two-ids-bare", "as the bare key", &same, 1, &bare, &[], false);
    let decoys = [[1; 48], [0xfe; 48]];
    good("wrap-p256-decoys", "one reader among two decoys", &of(&[&bob], 1, &decoys), 1, &bob, &decoys, true);
    // Entries that the reader's key opens, to another DEK: before the right one in the order of bytes, and after it.
    let right = bob.wrap(1, &DEK, ikm).1;
    let wrong = |before: bool| {
        let found = (0..=255_u8).map(|n| bob.wrap(1, &[n; 32], ikm).1).find(|entry| (*entry < right) == before);
        of(&[&bob], 1, &[found.unwrap()])
    };
    good("wrap-p256-other-dek-first", "an entry before it opens, to another DEK", &wrong(true), 1, &bob, &[], false);
    good("wrap-p256-other-dek-last", "an entry after it opens, to another DEK", &wrong(false), 1, &bob, &[], false);

    let stanza = of(&[&bob], 1, &[]);
    let mut bad =
        |id: &str, comment: &str, expected: Expected, stanza: &[u8], content_type: u8, salt: [u8; 24], to: &To| {
            let case = Case { content_type, salt, stanza, key: to.value() };
            vectors.push(case.vector(id, comment, expected, json!({})));
        };
    bad("wrap-p256-other-reader", "another's key", DECRYPT, &stanza, 1, SALT, &alice);
    bad("wrap-p256-other-id", "the key under its bare id", DECRYPT, &stanza, 1, SALT, &bare);
    bad("wrap-p256-other-type", "in an envelope of another type", DECRYPT, &stanza, 2, SALT, &bob);
    bad("wrap-p256-other-salt", "in an envelope with another salt", DECRYPT, &stanza, 1, [0x5b; 24], &bob);
    bad("wrap-p256-entry-bit", "a bit of the entry", DECRYPT, &flipped(&stanza, 70), 1, SALT, &bob);
    bad("wrap-p256-entry-tag", "a bit of the entry's tag", DECRYPT, &flipped(&stanza, stanza.len() - 1), 1, SALT, &bob);
    let other_enc = [&[1][..], alice.key.public_key().as_bytes(), &stanza[66..]].concat();
    bad("wrap-p256-other-enc", "another point", DECRYPT, &other_enc, 1, SALT, &bob);
    bad("wrap-p256-enc-bit", "a point that is not on the curve", MALFORMED, &flipped(&stanza, 65), 1, SALT, &bob);
    let zero = [&[1][..], &[0; 65], &stanza[66..]].concat();
    bad("wrap-p256-enc-zero", "the identity", MALFORMED, &zero, 1, SALT, &bob);
    let only_decoys = group(&stanza[1..66].try_into().unwrap(), &decoys);
    bad("wrap-p256-only-decoys", "decoys alone", DECRYPT, &only_decoys, 1, SALT, &bob);
    let swapped = [&two[..68], &two[116..164], &two[68..116]].concat();
    bad("wrap-p256-order", "two entries swapped", MALFORMED, &swapped, 1, SALT, &bob);
    let other_dek = group(&stanza[1..66].try_into().unwrap(), &[bob.wrap(1, &[1; 32], ikm).1]);
    bad("wrap-p256-other-dek", "an entry that opens, to another DEK", DECRYPT, &other_dek, 1, SALT, &bob);
    vectors
}

pub(crate) fn rsa() -> Vec<Value> {
    let (carol, large) = (&cast().carol, &crate::common::rsa_keys()[2]);
    let bare = crate::common::rsa_2048();
    let [encryption, _] = hazmat::identity_keys(carol).unwrap();
    let carols = RsaPrivateKey::from_pkcs8_der(encryption.expose()).unwrap();
    let bare_key = |key: &RsaPrivateKey| {
        json!({"kind": "rsa", "pkcs8": hex(key.to_pkcs8_der().unwrap().expose()),
            "recipient_id": hex(&key.public_key().bare_id())})
    };
    let info = |content_type, id: &[u8; 32]| wrap_info(content_type, 2, &SALT, id);
    let mut vectors = Vec::new();
    for (id, comment, key, recipient, value) in [
        ("wrap-rsa-2048", "2048 bits, without an identity", bare, bare.public_key().bare_id(), bare_key(bare)),
        ("wrap-rsa-3072", "3072 bits, of an identity", &carols, fingerprint(carol), key_of(carol)),
        ("wrap-rsa-4096", "4096 bits, without an identity", large, large.public_key().bare_id(), bare_key(large)),
    ] {
        let info = info(1, &recipient);
        let stanza = rsa_stanza(key.public_key(), &recipient, &sha256(&info), &DEK);
        let case = Case { content_type: 1, salt: SALT, stanza: &stanza, key: value };
        let more = json!({"info": hex(&info), "spki": hex(key.public_key().spki_der()), "key_id": hex(&stanza[1..9]),
            "message": hex(&[&DEK[..], &sha256(&info)].concat()), "random": hex(&[8; 32])});
        vectors.push(case.vector(id, comment, OK, more));
    }
    let id = bare.public_key().bare_id();
    let stanza = |hash: &[u8; 32]| rsa_stanza(bare.public_key(), &id, hash, &DEK);
    let good = stanza(&sha256(&info(1, &id)));
    let raw = |message: &[u8]| {
        let wrapped = hazmat::rsa_oaep_encrypt(bare.public_key().spki_der(), message, &[8; 32]).unwrap();
        [&good[..9], &bytes_of(&wrapped)].concat()
    };
    let whole = [&DEK[..], &sha256(&info(1, &id))].concat();
    let largest = [&good[..11], &[0xff; 256]].concat();
    for (id, comment, content_type, salt, stanza) in [
        ("wrap-rsa-other-type", "in an envelope of another type", 2, SALT, good.clone()),
        ("wrap-rsa-other-salt", "in an envelope with another salt", 1, [0x5b; 24], good.clone()),
        ("wrap-rsa-other-id", "bound to another recipient id, under this one's key id", 1, SALT, {
            stanza(&sha256(&info(1, &fingerprint(carol))))
        }),
        ("wrap-rsa-info-bit", "the last bit of the hash of `info`", 1, SALT, raw(&flipped(&whole, 63))),
        ("wrap-rsa-no-info", "the DEK alone", 1, SALT, raw(&DEK)),
        ("wrap-rsa-short", "a message of 63 bytes", 1, SALT, raw(&whole[..63])),
        ("wrap-rsa-long", "a message of 65 bytes", 1, SALT, raw(&[&whole[..], &[0]].concat())),
        ("wrap-rsa-bit", "a bit of the ciphertext", 1, SALT, flipped(&good, 100)),
        ("wrap-rsa-key-id-bit", "a bit of the key id", 1, SALT, flipped(&good, 1)),
        ("wrap-rsa-not-below", "a number that is not below the modulus", 1, SALT, largest),
    ] {
        let case = Case { content_type, salt, stanza: &stanza, key: bare_key(bare) };
        vectors.push(case.vector(id, comment, DECRYPT, json!({})));
    }
    let case = |stanza| Case { content_type: 1, salt: SALT, stanza, key: bare_key(large) };
    vectors.push(case(&good).vector("wrap-rsa-other-key", "another key", DECRYPT, json!({})));
    let short = [&good[..9], &bytes_of(&good[11..266])].concat();
    vectors.push(case(&short).vector("wrap-rsa-255", "a ciphertext of 255 bytes", MALFORMED, json!({})));
    vectors
}

pub(crate) fn symmetric() -> Vec<Value> {
    let kek = [0x31; 32];
    let key = |kek: &[u8; 32]| json!({"kind": "symmetric", "key": hex(kek)});
    let info = |content_type| wrap_info(content_type, 3, &SALT, &[0; 32]);
    let mut vectors = Vec::new();
    for (content_type, name) in [(1, "message"), (3, "keyring"), (7, "room state")] {
        let info = info(content_type);
        let stanza = symmetric_stanza(&kek, &info, &DEK);
        let case = Case { content_type, salt: SALT, stanza: &stanza, key: key(&kek) };
        let more = json!({"info": hex(&info), "key_id": hex(&stanza[1..17]),
            "wrapping_key": hex(&derive(&kek, "symmetric wrap", &info, 32)), "random": ""});
        let id = format!("wrap-symmetric-{}", name.replace(' ', "-"));
        vectors.push(case.vector(&id, &format!("in a {name}"), OK, more));
    }
    let good = symmetric_stanza(&kek, &info(1), &DEK);
    let renamed = [&good[..1], &derive(&[1; 32], "key id", b"", 16), &good[17..]].concat();
    let plain = [&good[..17], &gcm_seal(&kek, &[0; 12], &DEK)].concat();
    for (id, comment, content_type, salt, stanza, kek) in [
        ("wrap-symmetric-other-key", "another key", 1, SALT, &good, [0x32; 32]),
        ("wrap-symmetric-renamed", "another key's id before it", 1, SALT, &renamed, [1; 32]),
        ("wrap-symmetric-other-type", "in an envelope of another type", 3, SALT, &good, kek),
        ("wrap-symmetric-other-salt", "in an envelope with another salt", 1, [0x5b; 24], &good, kek),
        ("wrap-symmetric-key-id-bit", "a bit of the key id", 1, SALT, &flipped(&good, 1), kek),
        ("wrap-symmetric-bit", "a bit of the wrapped key", 1, SALT, &flipped(&good, 17), kek),
        ("wrap-symmetric-tag", "a bit of the tag", 1, SALT, &flipped(&good, 64), kek),
        ("wrap-symmetric-underived", "sealed under the KEK itself", 1, SALT, &plain, kek),
    ] {
        let case = Case { content_type, salt, stanza, key: key(&kek) };
        vectors.push(case.vector(id, comment, DECRYPT, json!({})));
    }
    vectors
}

/// Costs of a passphrase. SPEC §8.5
#[derive(Clone, Copy)]
enum Kdf {
    Argon2id { memory: u32, passes: u32, lanes: u8 },
    Pbkdf2 { iterations: u32 },
}

impl Kdf {
    fn encode(self, salt: &[u8; 16], rounds: u32) -> Vec<u8> {
        let (kind, costs) = match self {
            Self::Argon2id { memory, passes, lanes } => {
                (1, [&memory.to_be_bytes()[..], &passes.to_be_bytes(), &[lanes]].concat())
            }
            Self::Pbkdf2 { iterations } => (2, iterations.to_be_bytes().to_vec()),
        };
        [&[kind][..], salt, &rounds.to_be_bytes(), &costs].concat()
    }

    fn round(self, password: &[u8], salt: &[u8; 16]) -> Vec<u8> {
        let mut out = vec![0; 32];
        match self {
            Self::Argon2id { memory, passes, lanes } => {
                let params = argon2::Params::new(memory, passes, u32::from(lanes), Some(32)).unwrap();
                let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
                argon2.hash_password_into(password, salt, &mut out).unwrap();
            }
            Self::Pbkdf2 { iterations } => {
                pbkdf2::pbkdf2_hmac::<sha2::Sha256>(password, salt, iterations, &mut out);
            }
        }
        out
    }

    /// The key after each round.
    fn keys(self, passphrase: &[u8], salt: &[u8; 16], rounds: u32) -> Vec<Vec<u8>> {
        let mut keys = vec![passphrase.to_vec()];
        for _ in 0..rounds {
            keys.push(self.round(keys.last().unwrap(), salt));
        }
        keys.split_off(1)
    }
}

pub(crate) fn passphrases() -> Vec<Value> {
    let salt = [0x73; 16];
    let info = wrap_info(1, 4, &SALT, &[0; 32]);
    let stanza = |kdf: Kdf, passphrase: &[u8], rounds: u32| {
        let keys = kdf.keys(passphrase, &salt, rounds);
        let wrapping = derive(keys.last().unwrap().as_slice().try_into().unwrap(), "passphrase wrap", &info, 32);
        let stanza = [&[4][..], &kdf.encode(&salt, rounds), &gcm_seal(&wrapping, &[0; 12], &DEK)].concat();
        (stanza, keys, wrapping)
    };
    let key = |passphrase: &[u8]| json!({"kind": "passphrase", "passphrase": hex(passphrase)});
    let argon2id = Kdf::Argon2id { memory: 32, passes: 2, lanes: 1 };
    let pbkdf2 = Kdf::Pbkdf2 { iterations: 10 };
    let mut vectors = Vec::new();
    for (id, comment, kdf, passphrase, rounds) in [
        ("wrap-argon2id", "a round of two passes", argon2id, &b"secret"[..], 1),
        ("wrap-argon2id-rounds", "three rounds, each over the key before", argon2id, b"secret", 3),
        (
            "wrap-argon2id-lanes",
            "four lanes, the least memory for them",
            Kdf::Argon2id { memory: 32, passes: 1, lanes: 4 },
            b"secret",
            1,
        ),
        (
            "wrap-argon2id-16-lanes",
            "as many lanes as may be",
            Kdf::Argon2id { memory: 128, passes: 1, lanes: 16 },
            b"secret",
            1,
        ),
        (
            "wrap-argon2id-memory",
            "memory that is no multiple of four lanes",
            Kdf::Argon2id { memory: 65, passes: 1, lanes: 2 },
            b"secret",
            1,
        ),
        ("wrap-argon2id-empty", "an empty passphrase", argon2id, b"", 1),
        ("wrap-pbkdf2", "ten iterations", pbkdf2, b"secret", 1),
        ("wrap-pbkdf2-rounds", "three rounds, each over the key before", pbkdf2, b"secret", 3),
        ("wrap-pbkdf2-one", "one iteration", Kdf::Pbkdf2 { iterations: 1 }, b"secret", 1),
        ("wrap-pbkdf2-empty", "an empty passphrase", pbkdf2, b"", 1),
        ("wrap-pbkdf2-long", "a passphrase of more than a block", pbkdf2, &[b'x'; 100], 1),
        ("wrap-pbkdf2-zeros", "a passphrase with a zero byte", pbkdf2, b"se\0cret", 1),
    ] {
        let (stanza, keys, wrapping) = stanza(kdf, passphrase, rounds);
        let case = Case { content_type: 1, salt: SALT, stanza: &stanza, key: key(passphrase) };
        let rounds: Vec<String> = keys.iter().map(|key| hex(key)).collect();
        let more = json!({"info": hex(&info), "kdf_salt": hex(&salt), "rounds": rounds, "wrapping_key": hex(&wrapping),
            "random": ""});
        vectors.push(case.vector(id, comment, OK, more));
    }
    let (by_argon2id, ..) = stanza(argon2id, b"secret", 2);
    let (by_pbkdf2, ..) = stanza(pbkdf2, b"secret", 2);
    let with = |stanza: &[u8], at: usize, bytes: &[u8]| {
        let mut other = stanza.to_vec();
        other[at..at + bytes.len()].copy_from_slice(bytes);
        other
    };
    let limit = ("limit", None);
    let number = |n: u32| n.to_be_bytes();
    // Type, kdf, salt[16], rounds at 18; memory at 22, passes at 26, lanes at 30; or iterations at 22.
    for (id, comment, expected, stanza, passphrase) in [
        ("wrap-argon2id-other", "another passphrase", DECRYPT, by_argon2id.clone(), &b"Secret"[..]),
        ("wrap-argon2id-salt", "a bit of the salt", DECRYPT, flipped(&by_argon2id, 2), b"secret"),
        ("wrap-argon2id-more-rounds", "a round more", DECRYPT, with(&by_argon2id, 18, &number(3)), b"secret"),
        ("wrap-argon2id-other-memory", "a KiB more", DECRYPT, with(&by_argon2id, 22, &number(36)), b"secret"),
        ("wrap-argon2id-other-passes", "a pass more", DECRYPT, with(&by_argon2id, 26, &number(3)), b"secret"),
        ("wrap-argon2id-other-lanes", "a lane more", DECRYPT, with(&by_argon2id, 30, &[2]), b"secret"),
        ("wrap-argon2id-wrapped", "a bit of the wrapped key", DECRYPT, flipped(&by_argon2id, 40), b"secret"),
        ("wrap-argon2id-rounds-limit", "2^32 - 1 rounds", limit, with(&by_argon2id, 18, &[0xff; 4]), b"secret"),
        (
            "wrap-argon2id-product",
            "each below its limit, the product over it",
            limit,
            { with(&with(&with(&by_argon2id, 22, &number(262_144)), 26, &number(5)), 18, &number(4)) },
            b"secret",
        ),
        (
            "wrap-argon2id-overflow",
            "a product of 2^64 and more",
            limit,
            { with(&with(&with(&by_argon2id, 22, &number(262_144)), 26, &[0xff; 4]), 18, &[0xff; 4]) },
            b"secret",
        ),
        ("wrap-pbkdf2-other", "another passphrase", DECRYPT, by_pbkdf2.clone(), b"secret "),
        ("wrap-pbkdf2-salt", "a bit of the salt", DECRYPT, flipped(&by_pbkdf2, 17), b"secret"),
        ("wrap-pbkdf2-more-rounds", "a round more", DECRYPT, with(&by_pbkdf2, 18, &number(3)), b"secret"),
        (
            "wrap-pbkdf2-joined",
            "one round of twenty iterations",
            DECRYPT,
            { with(&with(&by_pbkdf2, 18, &number(1)), 22, &number(20)) },
            b"secret",
        ),
        ("wrap-pbkdf2-no-rounds", "no round", MALFORMED, with(&by_pbkdf2, 18, &number(0)), b"secret"),
        (
            "wrap-pbkdf2-product",
            "each below its limit, the product over it",
            limit,
            { with(&with(&by_pbkdf2, 18, &number(11)), 22, &number(1_000_000)) },
            b"secret",
        ),
        (
            "wrap-pbkdf2-overflow",
            "a product of 2^64 - 2^33 + 1",
            limit,
            { with(&with(&by_pbkdf2, 18, &[0xff; 4]), 22, &[0xff; 4]) },
            b"secret",
        ),
        ("wrap-passphrase-kdf-zero", "a hash 0", ("unsupported", None), with(&by_pbkdf2, 1, &[0]), b"secret"),
        (
            "wrap-passphrase-cut",
            "a wrapped key of 47 bytes",
            MALFORMED,
            by_pbkdf2[..by_pbkdf2.len() - 1].to_vec(),
            b"secret",
        ),
    ] {
        let case = Case { content_type: 1, salt: SALT, stanza: &stanza, key: key(passphrase) };
        vectors.push(case.vector(id, comment, expected, json!({})));
    }
    let case = Case { content_type: 3, salt: SALT, stanza: &by_pbkdf2, key: key(b"secret") };
    vectors.push(case.vector("wrap-passphrase-other-type", "in an envelope of another type", DECRYPT, json!({})));
    vectors
}

/// Recipient ids and key ids, and keys as they are handed in. SPEC §5, §8.1, §8.3.
pub(crate) fn recipient_ids() -> Vec<Value> {
    let mut vectors = Vec::new();
    let p256 = To::identity(&cast().bob).key.public_key().to_spki_der().to_vec();
    let rsa: Vec<Vec<u8>> = [crate::common::rsa_2048(), &crate::common::rsa_keys()[0], &crate::common::rsa_keys()[2]]
        .iter()
        .map(|key| key.public_key().spki_der().to_vec())
        .collect();
    let id = |spki: &[u8]| sha256(&sign_input("bare key", spki));
    let mut push = |name: &str, comment: &str, expected: Expected, spki: &[u8], is_rsa: bool| {
        let decoded = match is_rsa {
            true => RsaPublicKey::from_spki_der(spki).map(|key| key.bare_id()),
            false => P256PublicKey::from_spki_der(spki).map(|key| key.bare_id()),
        };
        let mut fields = json!({"spki": hex(spki), "algorithm": if is_rsa { "rsa" } else { "p256" }});
        match decoded {
            Ok(found) => {
                assert_eq!((expected, found), (OK, id(spki)), "{name}");
                fields["recipient_id"] = json!(hex(&found));
                if is_rsa {
                    fields["key_id"] = json!(hex(&rsa_key_id(&found, spki)));
                }
            }
            Err(error) => assert_eq!(class_of(error), expected, "{name}"),
        }
        vectors.push(vector("bare_key", name, comment, expected, fields));
    };
    push("bare-key-p256", "a P-256 key", OK, &p256, false);
    for (name, spki) in ["bare-key-rsa-2048", "bare-key-rsa-3072", "bare-key-rsa-4096"].iter().zip(&rsa) {
        push(name, "an RSA key", OK, spki, true);
    }
    let compressed = {
        // BIT STRING of 34 bytes, in a sequence of 57.
        let mut der = [&p256[..26], &[2 + (p256[90] & 1)], &p256[27..59]].concat();
        (der[1], der[24]) = (0x39, 0x22);
        der
    };
    let with = |spki: &[u8], at: usize, byte: u8| {
        let mut other = spki.to_vec();
        other[at] = byte;
        other
    };
    let small = &rsa[0];
    let (n, end) = (small.len() - 5 - 256, small.len());
    for (name, comment, spki, is_rsa) in [
        ("spki-p256-compressed", "a compressed point", compressed, false),
        ("spki-p256-off-curve", "a point that is not on the curve", flipped(&p256, 90), false),
        ("spki-p256-cut", "a byte is missing", p256[..90].to_vec(), false),
        ("spki-p256-trailing", "a byte is left over", [&p256[..], &[0]].concat(), false),
        ("spki-p256-curve", "another named curve", flipped(&p256, 22), false),
        ("spki-p256-unused-bits", "a bit string with unused bits", with(&p256, 25, 1), false),
        ("spki-rsa-trailing", "a byte is left over", [&small[..], &[0]].concat(), true),
        ("spki-rsa-even", "an even modulus", with(small, n + 255, small[n + 255] & 0xfe), true),
        ("spki-rsa-2047", "a modulus of 2047 bits in the form of 2048", with(small, n, small[n] & 0x7f), true),
        ("spki-rsa-exponent", "another public exponent", with(small, end - 1, 3), true),
        ("spki-rsa-no-null", "another algorithm", flipped(small, 14), true),
        ("spki-rsa-as-p256", "a P-256 key where RSA is expected", p256.clone(), true),
    ] {
        push(name, comment, MALFORMED, &spki, is_rsa);
    }
    push("spki-rsa-limit", "a file of 16,385 bytes", ("limit", None), &[0x30; 16_385], true);
    vectors
}
