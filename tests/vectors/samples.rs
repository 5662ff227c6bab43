//! The envelopes of the vectors, and what is done to them.

pub(crate) use crate::common::hex;
use rand_core::{TryCryptoRng, TryRng};
use sealroom::*;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::OnceLock;

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
        // What is drawn from here decides every byte.
        hazmat::sign_reproducibly();
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
