//! What the tests share: people, a recording generator, one of every kind of envelope, and a second writer made after
//! SPEC.md alone.
#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod hand;
pub(crate) mod keyrings;
pub(crate) mod rooms;
pub(crate) mod salamander;
pub(crate) mod server;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use rand_core::{TryCryptoRng, TryRng};
use sealroom::*;
use std::sync::OnceLock;
use std::time::Duration;

/// A deterministic generator that records what was drawn, and fails once it was asked `fails_after` times.
pub(crate) struct Draws {
    inner: ChaCha20Rng,
    /// Every draw's bytes, in order.
    pub(crate) drawn: Vec<Vec<u8>>,
    fails_after: usize,
}

/// What a generator says that has none.
#[derive(Debug)]
pub(crate) struct Exhausted;

impl core::fmt::Display for Exhausted {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("exhausted")
    }
}

impl core::error::Error for Exhausted {}

impl Draws {
    pub(crate) fn new(seed: u8) -> Self {
        Self::failing(seed, usize::MAX)
    }

    pub(crate) fn failing(seed: u8, fails_after: usize) -> Self {
        // What is drawn from here decides every byte.
        sealroom::hazmat::sign_reproducibly();
        Self { inner: ChaCha20Rng::from_seed([seed; 32]), drawn: Vec::new(), fails_after }
    }

    pub(crate) fn lengths(&self) -> Vec<usize> {
        self.drawn.iter().map(Vec::len).collect()
    }
}

impl TryRng for Draws {
    type Error = Exhausted;

    fn try_next_u32(&mut self) -> Result<u32, Exhausted> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Exhausted> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Exhausted> {
        if self.drawn.len() >= self.fails_after {
            return Err(Exhausted);
        }
        let _ = self.inner.try_fill_bytes(out);
        self.drawn.push(out.to_vec());
        Ok(())
    }
}

impl TryCryptoRng for Draws {}

/// A generator that always fails.
pub(crate) struct Broken;

impl TryRng for Broken {
    type Error = Exhausted;

    fn try_next_u32(&mut self) -> Result<u32, Exhausted> {
        Err(Exhausted)
    }

    fn try_next_u64(&mut self) -> Result<u64, Exhausted> {
        Err(Exhausted)
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Exhausted> {
        Err(Exhausted)
    }
}

impl TryCryptoRng for Broken {}

/// Four times as many take about four times as long; sixteen times would be the square. What else the machine does can only
/// make it longer, so that the shortest of three counts.
pub(crate) fn is_linear(few: usize, time: impl Fn(usize) -> Duration) {
    let (mut one, mut four) = (Duration::MAX, Duration::MAX);
    for _ in 0..3 {
        (one, four) = (one.min(time(few)), four.min(time(4 * few)));
        eprintln!("{few}: {one:?}, {}: {four:?}", 4 * few);
        if four < one * 8 {
            return;
        }
    }
    panic!("{few}: {one:?}, {}: {four:?}", 4 * few);
}

/// With the backend whose operations with keys are slow, fewer: what is not linear shows with the other one, in `.ci/run`.
pub(crate) const fn fewer(count: usize) -> usize {
    if cfg!(feature = "aws-lc-rs") { count } else { count / 3 }
}

/// Choices that are the same for the same seed: a linear congruential generator with the constants of Knuth's MMIX.
pub(crate) struct Choices(pub(crate) u64);

impl Choices {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, self.below(place + 1));
        }
    }
}

/// A P-256 identity: the same for the same number.
pub(crate) fn person(n: u8) -> Identity {
    generation(n, 0)
}

/// A generation of the P-256 identity of that number.
pub(crate) fn generation(n: u8, generation: u32) -> Identity {
    Root::from_bip39_seed(&[n; 64]).identity(Profile::P256, generation, &mut Draws::new(n)).unwrap()
}

/// `gen(g)` of the root of that number. SPEC §11.2
pub(crate) fn secret(n: u8, generation: u32) -> [u8; 32] {
    let (root, _) = hkdf::Hkdf::<sha2::Sha256>::extract(Some(b"sealroom/1 identity"), &[n; 64]);
    hand::derive(&root.into(), "generation", &generation.to_be_bytes(), 32).try_into().unwrap()
}

/// An identity of 3072-bit RSA keys from a seed.
pub(crate) fn rsa_person() -> &'static Identity {
    static MADE: OnceLock<Identity> = OnceLock::new();
    MADE.get_or_init(|| Root::from_bip39_seed(&[7; 64]).identity(Profile::Rsa3072, 0, &mut Draws::new(7)).unwrap())
}

/// PKCS#8 keys of the det-keygen vectors: two of 3072 bits, two of 4096.
pub(crate) fn rsa_keys() -> &'static [RsaPrivateKey] {
    static READ: OnceLock<Vec<RsaPrivateKey>> = OnceLock::new();
    READ.get_or_init(|| {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/test-vectors/det_keygen/rsa.json");
        let vectors: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut keys = Vec::new();
        for vector in vectors.as_array().unwrap() {
            keys.push(RsaPrivateKey::from_pkcs8_der(&base64(vector["private_key_pkcs8"].as_str().unwrap())).unwrap());
        }
        assert_eq!(keys.iter().map(|key| key.public_key().modulus_len()).collect::<Vec<_>>(), [384, 384, 512, 512]);
        keys
    })
}

/// A key of 2048 bits.
pub(crate) fn rsa_2048() -> &'static RsaPrivateKey {
    static MADE: OnceLock<RsaPrivateKey> = OnceLock::new();
    MADE.get_or_init(|| RsaPrivateKey::from_pkcs8_der(&hazmat::det_keygen_rsa_pkcs8(&[3; 32], 2048).unwrap()).unwrap())
}

/// What is printed of bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a range of an envelope's content, fetching no byte that is not needed. SPEC §9.3
pub(crate) fn read_at(envelope: &[u8], unlocked: Unlocked, offset: u64, length: u64) -> Result<Vec<u8>, Error> {
    let probe = unlocked.at_offsets(envelope.len() as u64)?;
    let bytes = |range: std::ops::Range<u64>| &envelope[range.start as usize..range.end as usize];
    let (last, first) = (probe.last_chunk(), probe.first_chunk());
    let reader = probe.authenticate(bytes(last), first.map(bytes))?;
    let end = reader.content_len().min(offset.saturating_add(length));
    let range = offset.min(end)..end;
    Ok(reader.open(&range, bytes(reader.fetch(&range)?))?.unverified())
}

/// Standard base64, for files of test vectors.
pub(crate) fn base64(text: &str) -> Vec<u8> {
    let digit =
        |c: u8| b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".iter().position(|d| *d == c);
    let digits: Vec<usize> = text.bytes().map_while(digit).collect();
    let mut out = Vec::new();
    for four in digits.chunks(4) {
        let bits = four.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - four.len()));
        out.extend(&[(bits >> 16) as u8, (bits >> 8) as u8, bits as u8][..four.len() - 1]);
    }
    out
}

/// An identity of keys that do not come from words, so that tests hold them.
pub(crate) struct Outsider {
    pub(crate) encryption: P256PrivateKey,
    pub(crate) signing: P256PrivateKey,
    pub(crate) rotation: P256PrivateKey,
    pub(crate) public: PublicIdentity,
}

pub(crate) fn outsider(n: u8) -> Outsider {
    let mut rng = Draws::new(n);
    let [encryption, signing, rotation] = [(); 3].map(|()| P256PrivateKey::generate(&mut rng).unwrap());
    let unsigned =
        UnsignedIdentity::p256(0, encryption.public_key().clone(), signing.public_key().clone(), rotation.public_key());
    let public = unsigned.unwrap().sign(&signing, &mut rng).unwrap();
    Outsider { encryption, signing, rotation, public }
}

pub(crate) fn symmetric(n: u8) -> SymmetricKey {
    SymmetricKey::take(&mut [n; 32])
}

/// Everyone who appears in the samples.
pub(crate) struct People {
    pub(crate) alice: Identity,
    pub(crate) bob: Identity,
    pub(crate) carol: Identity,
    pub(crate) stranger: Identity,
    /// Whose keys are the RSA vectors of 3072 bits.
    pub(crate) rita: PublicIdentity,
    pub(crate) keys: [SymmetricKey; 2],
    pub(crate) argon2id: PassphraseKey,
    pub(crate) pbkdf2: PassphraseKey,
}

pub(crate) const PASSPHRASE: &[u8] = b"correct horse";

pub(crate) fn people() -> &'static People {
    static MADE: OnceLock<People> = OnceLock::new();
    MADE.get_or_init(|| {
        let mut rng = Draws::new(200);
        let [encryption, signing, ..] = rsa_keys() else { panic!() };
        let rita = UnsignedIdentity::rsa(
            0,
            encryption.public_key().clone(),
            signing.public_key().clone(),
            outsider(100).rotation.public_key(),
        );
        let argon2id = PassphraseCost::argon2id_with(16, 1, 2, 2).unwrap();
        let pbkdf2 = PassphraseCost::pbkdf2_with(10, 3).unwrap();
        People {
            alice: person(1),
            bob: person(2),
            carol: person(3),
            stranger: person(4),
            rita: rita.unwrap().sign(signing, &mut rng).unwrap(),
            keys: [symmetric(31), symmetric(32)],
            argon2id: PassphraseKey::new(PASSPHRASE, argon2id, &mut unwatched, &mut rng).unwrap(),
            pbkdf2: PassphraseKey::new(PASSPHRASE, pbkdf2, &mut unwatched, &mut rng).unwrap(),
        }
    })
}

/// A valid envelope, and all that is needed to open it.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) content: Vec<u8>,
    pub(crate) signer: Option<&'static PublicIdentity>,
    /// Each of them opens it: the cheap ones.
    pub(crate) readers: Vec<Reader<'static>>,
    /// Each of them opens it, but takes milliseconds.
    pub(crate) slow: Vec<Reader<'static>>,
    /// An attachment's.
    pub(crate) key: Option<AttachmentKey>,
    pub(crate) header_len: usize,
}

impl Sample {
    pub(crate) fn all_readers(&self) -> impl Iterator<Item = Reader<'static>> + '_ {
        self.readers.iter().chain(&self.slow).copied()
    }
}

/// A content whose chunks all differ.
pub(crate) fn content(len: usize) -> Vec<u8> {
    (0..len).map(|place| (place * 7 + place / 251 + 1) as u8).collect()
}

pub(crate) const CHUNK: usize = 16384;

/// One of every kind of envelope.
pub(crate) fn samples() -> &'static [Sample] {
    static MADE: OnceLock<Vec<Sample>> = OnceLock::new();
    MADE.get_or_init(make_samples)
}

pub(crate) fn sample(name: &str) -> &'static Sample {
    samples().iter().find(|sample| sample.name == name).unwrap()
}

fn make_samples() -> Vec<Sample> {
    let people = people();
    let (alice, bob, carol) = (&people.alice, &people.bob, &people.carol);
    let [encryption, signing, large, ..] = rsa_keys() else { panic!() };
    let small = rsa_2048();
    let [one, two] = &people.keys;
    let rita = Sender::new(&people.rita, signing);
    let rita_reader = Reader::rsa(encryption, &people.rita);
    let (p256, bob_only) = ([bob.public().recipient()], vec![bob.reader()]);
    let three = [bob.public().recipient(), carol.public().recipient()];
    let bare_rsa = [Recipient::bare_rsa(small.public_key())];
    let rsa_3072 = [people.rita.recipient()];
    let bare_4096 = [Recipient::bare_rsa(large.public_key())];
    let rsa_all = [bare_rsa[0], rsa_3072[0], bare_4096[0]];
    let (symmetric_one, symmetric_two) =
        ([Recipient::symmetric(one)], [Recipient::symmetric(two), Recipient::symmetric(one)]);
    let (argon2id, pbkdf2) = ([Recipient::passphrase(&people.argon2id)], [Recipient::passphrase(&people.pbkdf2)]);
    let mixed = [Recipient::symmetric(two), bare_rsa[0], p256[0], Recipient::symmetric(one)];
    let padme = Padding::Padme;

    let mut made = Vec::new();
    let mut add = |name, envelope: Envelope<'_>, len: usize, readers: Vec<Reader<'static>>, slow: Vec<_>| {
        let content = content(len);
        let bytes = envelope.seal(&content, &mut Draws::new(made.len() as u8)).unwrap();
        let Info::Envelope(info) = inspect(&bytes).unwrap() else { panic!() };
        let signer = match info.signature {
            None => None,
            Some(SignatureAlgorithm::EcdsaP256) => Some(alice.public()),
            Some(_) => Some(&people.rita),
        };
        made.push(Sample { name, header_len: info.header_len, bytes, content, signer, readers, slow, key: None });
    };
    let by_alice = alice.sender();
    add("p256", Envelope::to(&p256), 11, bob_only.clone(), vec![]);
    add("p256 empty", Envelope::to(&p256), 0, bob_only.clone(), vec![]);
    add("p256 exact chunk", Envelope::to(&p256), CHUNK, bob_only.clone(), vec![]);
    add("p256 chunks", Envelope::to(&p256), 2 * CHUNK + 5, bob_only.clone(), vec![]);
    add("p256 padded", Envelope::to(&p256).padding(padme).public_data(b"to whom"), 100, bob_only.clone(), vec![]);
    add("p256 padded chunks", Envelope::to(&p256).padding(padme), 2 * CHUNK, bob_only.clone(), vec![]);
    let all = vec![bob.reader(), carol.reader(), alice.reader()];
    add("signed", Envelope::to(&three).signed_by(by_alice), 300, all.clone(), vec![]);
    let decoys = Envelope::to(&three).signed_by(by_alice).decoys(4).padding(padme).public_data(&[9; 64]);
    add("signed decoys", decoys, CHUNK + 1, all.clone(), vec![]);
    let no_copy = Envelope::to(&p256).signed_by(by_alice).without_copy_for_me().public_data(&[5; 63]);
    add("signed no copy", no_copy, 0, bob_only.clone(), vec![]);
    add("rsa 2048", Envelope::to(&bare_rsa), 50, vec![], vec![Reader::bare_rsa(small)]);
    add("rsa 3072", Envelope::to(&rsa_3072), 50, vec![], vec![rita_reader]);
    add("rsa 4096", Envelope::to(&bare_4096), 50, vec![], vec![Reader::bare_rsa(large)]);
    let all_rsa = vec![Reader::bare_rsa(small), rita_reader, Reader::bare_rsa(large)];
    add("rsa all", Envelope::to(&rsa_all).padding(padme), 50, vec![], all_rsa);
    add("symmetric", Envelope::to(&symmetric_one), 20, vec![Reader::symmetric(one)], vec![]);
    let both = vec![Reader::symmetric(one), Reader::symmetric(two)];
    add("symmetric two", Envelope::to(&symmetric_two), 20, both.clone(), vec![]);
    let mine = Envelope::to(&symmetric_one).signed_by(by_alice).without_copy_for_me();
    add("symmetric signed", mine, 20, vec![Reader::symmetric(one)], vec![]);
    add("argon2id", Envelope::to(&argon2id), 20, vec![Reader::passphrase(&people.argon2id)], vec![]);
    add("pbkdf2", Envelope::to(&pbkdf2).padding(padme), 20, vec![Reader::passphrase(&people.pbkdf2)], vec![]);
    let readers = [vec![bob.reader(), alice.reader()], both].concat();
    let all_kinds = Envelope::to(&mixed).signed_by(by_alice).padding(padme).decoys(1).public_data(&[6; 64]);
    add("mixed", all_kinds, 1000, readers, vec![Reader::bare_rsa(small)]);
    add("pss", Envelope::to(&p256).signed_by(rita), CHUNK + 10, bob_only, vec![rita_reader]);

    for (name, len, padding) in [("attachment", 40, Padding::None), ("attachment padded", 2 * CHUNK, padme)] {
        let content = content(len);
        let envelope = Envelope::to(&[]).padding(padding).public_data(b"image/png");
        let (bytes, key) = envelope.seal_attachment(&content, &mut Draws::new(len as u8)).unwrap();
        let Info::Envelope(info) = inspect(&bytes).unwrap() else { panic!() };
        made.push(Sample {
            name,
            header_len: info.header_len,
            bytes,
            content,
            signer: None,
            readers: vec![],
            slow: vec![],
            key: Some(key),
        });
    }
    made
}

/// Whether an error is one of decoding, which names its field.
pub(crate) fn is_structural(error: Error) -> bool {
    matches!(error, Error::Malformed { .. } | Error::Unsupported { .. } | Error::Limit { .. })
}

/// What a stream gave before its end, and its end.
pub(crate) type Streamed = (Vec<u8>, Opened<Vec<u8>>);

/// Opens a stream that comes in pieces of `piece` bytes: what came before its end, and the end. `None` if it ended within
/// the header.
pub(crate) fn open_stream(
    envelope: &[u8],
    piece: usize,
    unlock: impl FnOnce(&Locked<'_>) -> Result<Unlocked, Error>,
) -> Option<Result<Streamed, Error>> {
    let mut start = EnvelopeStart::new(Limits::default());
    let mut pieces = envelope.chunks(piece);
    let rest = loop {
        match start.push(pieces.next()?) {
            Ok(Some(rest)) => break rest,
            Ok(None) => {}
            Err(error) => return Some(Err(error)),
        }
    };
    let opened = || {
        let mut stream = unlock(&start.locked()?)?.stream();
        let mut content = stream.push(rest)?.unverified().to_vec();
        for piece in pieces {
            content.extend_from_slice(stream.push(piece)?.unverified());
        }
        Ok((content, stream.finish()?))
    };
    Some(opened())
}
