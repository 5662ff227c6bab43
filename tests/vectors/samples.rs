//! The envelopes of the vectors, and what is done to them.

use rand_core::{TryCryptoRng, TryRng};
use sealroom::*;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::OnceLock;

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// SHA-256 in counter mode over a seed: the same bytes on every machine. Keeps what it gave.
pub(crate) struct SeedRng {
    seed: Vec<u8>,
    counter: u64,
    pub(crate) drawn: Vec<u8>,
}

impl SeedRng {
    pub(crate) fn new(seed: &[u8]) -> Self {
        Self { seed: seed.to_vec(), counter: 0, drawn: Vec::new() }
    }
}

impl TryRng for SeedRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for piece in out.chunks_mut(32) {
            let block = hazmat::sha256(&[&self.seed[..], &self.counter.to_be_bytes()].concat());
            self.counter += 1;
            piece.copy_from_slice(&block[..piece.len()]);
        }
        self.drawn.extend_from_slice(out);
        Ok(())
    }
}

impl TryCryptoRng for SeedRng {}

/// People and keys that take part; made once, since RSA keys take time.
pub(crate) struct Cast {
    pub(crate) alice: Identity,
    pub(crate) bob: Identity,
    pub(crate) carol: Identity,
    bare_p256: P256PrivateKey,
    bare_rsa: RsaPrivateKey,
    symmetric: [SymmetricKey; 2],
}

pub(crate) fn cast() -> &'static Cast {
    static CAST: OnceLock<Cast> = OnceLock::new();
    CAST.get_or_init(|| {
        let mut rng = SeedRng::new(b"cast");
        let mut person = |n: u8, profile| Root::from_bip39_seed(&[n; 64]).identity(profile, 0, &mut rng).unwrap();
        Cast {
            alice: person(1, Profile::P256),
            bob: person(2, Profile::P256),
            carol: person(3, Profile::Rsa3072),
            bare_p256: P256PrivateKey::generate(&mut SeedRng::new(b"bare")).unwrap(),
            bare_rsa: RsaPrivateKey::from_pkcs8_der(&hazmat::det_keygen_rsa_pkcs8(b"bare rsa key 2048", 2048).unwrap())
                .unwrap(),
            symmetric: [SymmetricKey::take(&mut [0x11; 32]), SymmetricKey::take(&mut [0x22; 32])],
        }
    })
}

/// Someone an envelope of the vectors is sealed to.
#[derive(Clone, Copy)]
pub(crate) enum Party {
    Alice,
    Bob,
    Carol,
    BareP256,
    BareRsa,
    Symmetric(usize),
    Argon2id,
    Pbkdf2,
}

const PASSPHRASE: &[u8] = b"tr\xc3\xa8s secret";

impl Party {
    fn key(self) -> Value {
        let cast = cast();
        let identity = |kind, identity: &Identity| {
            let [encryption, _] = hazmat::identity_keys(identity).unwrap();
            json!({"kind": kind, "pkcs8": hex(encryption.expose()),
                "recipient_id": hex(identity.public().fingerprint().as_bytes())})
        };
        match self {
            Self::Alice => identity("p256", &cast.alice),
            Self::Bob => identity("p256", &cast.bob),
            Self::Carol => identity("rsa", &cast.carol),
            Self::BareP256 => json!({"kind": "p256", "pkcs8": hex(cast.bare_p256.to_pkcs8_der().unwrap().expose()),
                "recipient_id": hex(&cast.bare_p256.public_key().bare_id())}),
            Self::BareRsa => json!({"kind": "rsa", "pkcs8": hex(cast.bare_rsa.to_pkcs8_der().unwrap().expose()),
                "recipient_id": hex(&cast.bare_rsa.public_key().bare_id())}),
            Self::Symmetric(n) => json!({"kind": "symmetric", "key": hex(cast.symmetric[n].expose())}),
            Self::Argon2id | Self::Pbkdf2 => json!({"kind": "passphrase", "passphrase": hex(PASSPHRASE)}),
        }
    }
}

/// One envelope of the vectors.
#[derive(Clone)]
pub(crate) struct Sealer {
    pub(crate) id: &'static str,
    comment: &'static str,
    pub(crate) to: Vec<Party>,
    signed_by: Option<Party>,
    copy: bool,
    padding: Padding,
    public_data: Vec<u8>,
    decoys: usize,
    content: Vec<u8>,
}

pub(crate) fn sealers() -> Vec<Sealer> {
    use Party::*;
    let content = |len: usize| (0..len).map(|n| (n * 7 + n / 251) as u8).collect::<Vec<_>>();
    let plain = |id, comment, to: &[Party], len| Sealer {
        id,
        comment,
        to: to.to_vec(),
        signed_by: None,
        copy: true,
        padding: Padding::None,
        public_data: Vec::new(),
        decoys: 0,
        content: content(len),
    };
    vec![
        plain("p256-empty", "one reader, no content: a single empty chunk", &[Bob], 0),
        plain("p256-short", "one reader, one chunk", &[Bob], 100),
        plain("p256-full-chunk", "exactly one chunk of content: a full one and an empty one", &[Bob], 16_384),
        plain("p256-two-chunks", "two chunks", &[Bob], 20_000),
        plain("p256-bare", "a key without an identity", &[BareP256], 33),
        plain("p256-three", "three readers: entries are sorted", &[Alice, Bob, BareP256], 64),
        plain("p256-merged", "a reader given twice is written once", &[Bob, Bob], 10),
        Sealer { decoys: 3, ..plain("p256-decoys", "three decoys among two readers", &[Bob, Alice], 20) },
        Sealer { public_data: content(64), ..plain("p256-public-data", "public data of 64 bytes", &[Bob], 5) },
        Sealer { signed_by: Some(Alice), ..plain("p256-signed", "signed by Alice, who keeps a copy", &[Bob], 1000) },
        Sealer {
            signed_by: Some(Alice),
            copy: false,
            ..plain("p256-signed-no-copy", "signed by Alice, who keeps no copy", &[Bob], 7)
        },
        Sealer {
            signed_by: Some(Alice),
            padding: Padding::Padme,
            ..plain("p256-signed-padded", "signed and padded, two chunks", &[Bob], 17_000)
        },
        Sealer { padding: Padding::Padme, ..plain("p256-padded-empty", "no content, padded", &[Bob], 0) },
        Sealer { padding: Padding::Padme, ..plain("p256-padded", "padded", &[Bob], 1000) },
        plain("rsa-2048-bare", "a 2048-bit key without an identity", &[BareRsa], 12),
        plain("rsa-3072", "a 3072-bit identity", &[Carol], 100),
        Sealer { signed_by: Some(Carol), ..plain("rsa-3072-signed", "signed with RSASSA-PSS", &[Bob], 100) },
        plain("symmetric", "a symmetric key", &[Symmetric(0)], 9),
        plain("symmetric-two", "two symmetric keys, by key id", &[Symmetric(0), Symmetric(1)], 9),
        plain("passphrase-argon2id", "Argon2id: 64 KiB, 2 passes, 2 lanes, 3 rounds", &[Argon2id], 30),
        plain("passphrase-pbkdf2", "PBKDF2: 1000 iterations, 2 rounds", &[Pbkdf2], 30),
        Sealer {
            signed_by: Some(Alice),
            decoys: 1,
            public_data: b"public".to_vec(),
            padding: Padding::Padme,
            ..plain("mixed", "every kind of stanza that may stand together", &[Carol, Symmetric(1), BareRsa, Bob], 300)
        },
        plain("attachment", "an envelope without stanzas", &[], 40_000),
        Sealer { padding: Padding::Padme, ..plain("attachment-padded", "the same, padded", &[], 10) },
    ]
}

impl Sealer {
    pub(crate) fn keys(&self) -> Vec<Value> {
        if self.to.is_empty() {
            return vec![json!({"kind": "attachment", "key": hex(self.seal().2.unwrap().expose())})];
        }
        let mut to = self.to.clone();
        to.extend(self.signed_by.filter(|_| self.copy));
        let mut keys: Vec<_> = to.iter().map(|party| party.key()).collect();
        keys.dedup();
        keys
    }

    /// Envelope, bytes drawn, and the key of an attachment.
    pub(crate) fn seal(&self) -> (Vec<u8>, Vec<u8>, Option<AttachmentKey>) {
        let cast = cast();
        let cost = |party| match party {
            Party::Argon2id => Some(PassphraseCost::argon2id_with(64, 2, 2, 3).unwrap()),
            Party::Pbkdf2 => Some(PassphraseCost::pbkdf2_with(1000, 2).unwrap()),
            _ => None,
        };
        let passphrase = self
            .to
            .iter()
            .find_map(|party| cost(*party))
            .map(|cost| PassphraseKey::new(PASSPHRASE, cost, &mut unwatched, &mut SeedRng::new(b"salt")).unwrap());
        let recipients: Vec<_> = self
            .to
            .iter()
            .map(|party| match party {
                Party::Alice => cast.alice.public().recipient(),
                Party::Bob => cast.bob.public().recipient(),
                Party::Carol => cast.carol.public().recipient(),
                Party::BareP256 => Recipient::bare_p256(cast.bare_p256.public_key()),
                Party::BareRsa => Recipient::bare_rsa(cast.bare_rsa.public_key()),
                Party::Symmetric(n) => Recipient::symmetric(&cast.symmetric[*n]),
                Party::Argon2id | Party::Pbkdf2 => Recipient::passphrase(passphrase.as_ref().unwrap()),
            })
            .collect();
        let mut envelope =
            Envelope::to(&recipients).padding(self.padding).public_data(&self.public_data).decoys(self.decoys);
        if let Some(identity) = self.signer() {
            envelope = envelope.signed_by(identity.sender());
        }
        if !self.copy {
            envelope = envelope.without_copy_for_me();
        }
        let mut rng = SeedRng::new(self.id.as_bytes());
        if self.to.is_empty() {
            let (sealed, key) = envelope.seal_attachment(&self.content, &mut rng).unwrap();
            return (sealed, rng.drawn, Some(key));
        }
        (envelope.seal(&self.content, &mut rng).unwrap(), rng.drawn, None)
    }

    fn signer(&self) -> Option<&'static Identity> {
        self.signed_by.map(|party| match party {
            Party::Carol => &cast().carol,
            _ => &cast().alice,
        })
    }

    /// Bytes of salt, DEK, ephemeral, decoys and OAEP seeds.
    fn drawn_len(&self) -> usize {
        let mut to = self.to.clone();
        to.extend(self.signed_by.filter(|_| self.copy));
        let rsa = to.iter().filter(|party| matches!(party, Party::Carol | Party::BareRsa)).count();
        let group = to.iter().any(|party| matches!(party, Party::Alice | Party::Bob | Party::BareP256));
        24 + 32 + if group { 32 + 48 * self.decoys } else { 0 } + 32 * rsa
    }

    pub(crate) fn vector(&self) -> Value {
        let (envelope, mut random, _) = self.seal();
        // What SPEC §7.4 lists; an RSA signature draws for blinding after it.
        let mut listed = self.drawn_len();
        if matches!(self.signed_by, Some(Party::Carol)) {
            listed += 32;
            random.truncate(listed);
        }
        assert_eq!(random.len(), listed, "{}", self.id);
        let Ok(Info::Envelope(info)) = inspect(&envelope) else { panic!("{}", self.id) };
        let sender = self.signer().map(|identity| {
            let [_, signing] = hazmat::identity_keys(identity).unwrap();
            json!({"identity": hex(&identity.public().to_bytes()), "pkcs8": hex(signing.expose())})
        });
        json!({
            "id": self.id, "comment": self.comment, "flags": ["valid"], "kind": "envelope", "keys": self.keys(), "sender": sender,
            "padding": if self.padding == Padding::Padme { "padme" } else { "none" }, "decoys": self.decoys,
            "public_data": hex(&self.public_data), "content": hex(&self.content), "random": hex(&random),
            "dek": hex(&random[24..56]), "h": hex(&hazmat::sha256(&envelope[..info.header_len])),
            "commitment": hex(&envelope[info.header_len..info.header_len + 32]), "envelope": hex(&envelope),
            "result": "ok",
        })
    }
}

/// Opens with keys in the form of the vectors; a signature must be one of the cast's.
pub(crate) fn open_any(envelope: &[u8], keys: &[Value]) -> Result<Vec<u8>, Error> {
    let mut rng = SeedRng::new(b"blinding");
    let text = |key: &Value, name: &str| unhex(key[name].as_str().unwrap());
    let id = |key: &Value| -> [u8; 32] { text(key, "recipient_id").try_into().unwrap() };
    let locked = Locked::decode(envelope, &Limits::default())?;
    let mut last = Error::Decrypt;
    for key in keys {
        let unlocked = match key["kind"].as_str().unwrap() {
            "p256" => {
                let private = P256PrivateKey::from_pkcs8_der(&text(key, "pkcs8")).unwrap();
                locked.unlock(&[hazmat::p256_reader(&private, id(key))], &mut rng)
            }
            "rsa" => {
                let private = RsaPrivateKey::from_pkcs8_der(&text(key, "pkcs8")).unwrap();
                locked.unlock(&[hazmat::rsa_reader(&private, id(key))], &mut rng)
            }
            "symmetric" => {
                let key = SymmetricKey::take(&mut text(key, "key").try_into().unwrap());
                locked.unlock(&[Reader::symmetric(&key)], &mut rng)
            }
            "passphrase" => {
                let passphrase = text(key, "passphrase");
                PassphraseKey::of(envelope, &passphrase, &WorkLimits::default(), &mut unwatched)
                    .and_then(|key| locked.unlock(&[Reader::passphrase(&key)], &mut rng))
            }
            _ => AttachmentKey::take(&mut text(key, "key").try_into().unwrap()).unlock(&locked),
        };
        match unlocked.and_then(|unlocked| unlocked.open(locked.payload())) {
            Ok(opened) => {
                return match opened.claimed_signer().copied() {
                    None => Ok(opened.unverified()),
                    Some(signer) => {
                        let signers = [cast().alice.public(), cast().carol.public()];
                        let found = signers.into_iter().find(|identity| *identity.fingerprint() == signer);
                        opened.verify(found.ok_or(Error::Signature)?)
                    }
                };
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

pub(crate) fn class(result: &Result<Vec<u8>, Error>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(Error::Malformed { .. }) => "malformed",
        Err(Error::Unsupported { .. }) => "unsupported",
        Err(Error::Limit { .. }) => "limit",
        Err(Error::Signature) => "signature",
        Err(Error::Room { .. }) => "room",
        Err(Error::UnknownEpoch { .. } | Error::UnknownIdentity { .. }) => "unknown",
        Err(_) => "decrypt",
    }
}

pub(crate) fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

/// The same with s of the ECDSA signature at its end replaced by n - s.
pub(crate) fn negated(bytes: &[u8]) -> Vec<u8> {
    let order = unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let mut bytes = bytes.to_vec();
    let at = bytes.len() - 32;
    let mut borrow = 0;
    for (place, digit) in bytes[at..].iter_mut().zip(&order).rev() {
        let difference = 256 + i32::from(*digit) - i32::from(*place) - borrow;
        borrow = i32::from(difference < 256);
        *place = (difference % 256) as u8;
    }
    bytes
}

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
    add("attachment", "signature", "an attachment that says it is signed", "malformed", &set(7, 1));
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
    add("p256-short", "tag", "a bit of the tag", "decrypt", &flip_end(1));
    add("p256-short", "trailing", "a byte is left over", "decrypt", &|envelope| envelope.push(0));
    add("p256-short", "cut", "a byte is missing", "decrypt", &|envelope| envelope.truncate(envelope.len() - 1));
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
    add("p256-signed", "block", "a bit of the signature block", "decrypt", &flip_end(50));
    add("p256-signed", "block-missing", "no signature block", "decrypt", &|envelope| {
        envelope.truncate(envelope.len() - 112);
    });
    entries
}
