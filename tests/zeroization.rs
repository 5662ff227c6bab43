//! No secret stays in memory that was given back: an allocator looks into every block that is freed or moved.
//!
//! What is searched for: any 16 bytes in a row of each secret, also backwards, as numbers are held on little-endian machines.
//! The stack and registers cannot be looked into. SECURITY.md, "Erasing"

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::panic,
    clippy::string_slice,
    reason = "a test fails where it may"
)]

mod common;

use common::Draws;
use common::hand::{derive, sha256, wrap_info};
use sealroom::*;
use std::ops::RangeInclusive;
use watched::{learn, learn_text, watch};

/// What a dependency leaves, which this crate cannot erase: the start of the secret's name, a function on the way to where the
/// memory was freed, and why.
const LEFT: &[(&str, &str, &str)] = &[
    ("rsa ", "drop_in_place<crypto_bigint::uint::boxed::BoxedUint>", NUMBERS),
    ("rsa ", "resize_in_place_unchecked", NUMBERS),
    ("draw of 256 bytes", "drop_in_place<crypto_bigint::uint::boxed::BoxedUint>", NUMBERS),
    ("draw of 256 bytes", "random_bits_core", NUMBERS),
    ("", "drop<core::result::Result<sealroom::room::Applied, sealroom::error::Error>", ANSWERS),
];

const ANSWERS: &str = "a list of answers, which hold no secret: they have room to spare, and with it the compiler copies what the stack \
    holds there";

const NUMBERS: &str = "numbers on the heap are not erased by crypto-bigint 0.7, and rsa 0.10 erases d, p, q, d mod (p - 1) and \
    d mod (q - 1) where a key has them, and none of the copies with which it makes, checks, writes and uses a key";

/// The allocator: the one place in the tests that is unsafe.
mod watched {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::backtrace::Backtrace;
    use std::cell::Cell;
    use std::collections::{BTreeSet, HashMap};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

    const WINDOW: usize = 16;

    /// A secret that was there when a block was given back.
    pub(super) struct Found {
        pub(super) secret: String,
        pub(super) at: String,
    }

    #[derive(Default)]
    struct Secrets {
        names: Vec<String>,
        windows: HashMap<[u8; WINDOW], usize>,
        /// Which two bytes any of them begins with: most places are passed over by this.
        begins: Vec<bool>,
    }

    static ON: AtomicBool = AtomicBool::new(false);
    static SECRETS: RwLock<Option<Secrets>> = RwLock::new(None);
    static FOUND: Mutex<Vec<Found>> = Mutex::new(Vec::new());
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    thread_local! {
        /// Whether this thread is looking, and frees memory by that.
        static LOOKING: Cell<bool> = const { Cell::new(false) };
    }

    struct Watched;

    #[global_allocator]
    static ALLOCATOR: Watched = Watched;

    #[allow(unsafe_code, reason = "an allocator is unsafe to implement; this one hands on to the system's")]
    // SAFETY: every call is the system allocator's with the same arguments. `look` reads a block before it is given back, whole
    // and by the size that it was asked for. A block that is to be resized is copied to a new one, as the default does.
    unsafe impl GlobalAlloc for Watched {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // Zeros, so that what is found in a block was written to it.
            unsafe { System.alloc_zeroed(layout) }
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            if ON.load(Ordering::Relaxed) {
                look(unsafe { std::slice::from_raw_parts(block, layout.size()) });
            }
            unsafe { System.dealloc(block, layout) }
        }
    }

    fn look(block: &[u8]) {
        if LOOKING.replace(true) {
            return;
        }
        if let Some(secrets) = &*SECRETS.read().unwrap_or_else(PoisonError::into_inner) {
            let begins = |window: &[u8]| secrets.begins[usize::from(window[0]) << 8 | usize::from(window[1])];
            let known = |window: &[u8]| begins(window).then(|| secrets.windows.get(window)).flatten();
            // The first of each block is enough.
            if let Some(number) = block.windows(WINDOW).find_map(known) {
                let secret = format!("{}, in {} bytes", secrets.names[*number], block.len());
                let at = Backtrace::force_capture().to_string();
                FOUND.lock().unwrap_or_else(PoisonError::into_inner).push(Found { secret, at });
            }
        }
        LOOKING.set(false);
    }

    /// Adds a secret to what is searched for.
    pub(super) fn learn(name: &str, secret: &[u8]) {
        let backwards: Vec<u8> = secret.iter().rev().copied().collect();
        let windows: Vec<&[u8]> = secret.windows(WINDOW).chain(backwards.windows(WINDOW)).collect();
        assert!(windows.iter().all(|part| varied(part)), "{name} is not random enough to be told from other bytes");
        add(name, windows.iter().map(|window| (*window).try_into().unwrap()));
    }

    /// Adds a text, as bytes and as a list of characters, but for what is not random enough.
    pub(super) fn learn_text(name: &str, text: &str) {
        let bytes = text.as_bytes().windows(WINDOW).filter(|part| varied(part));
        add(name, bytes.map(|window| window.try_into().unwrap()));
        let chars: Vec<char> = text.chars().collect();
        let differ = |part: &&[char]| part.iter().collect::<BTreeSet<_>>().len() > 3;
        let bytes = |part: &[char]| part.iter().flat_map(|one| u32::from(*one).to_ne_bytes()).collect::<Vec<_>>();
        let windows = chars.windows(WINDOW / 4).filter(differ);
        add(name, windows.map(|window| bytes(window).try_into().unwrap()));
    }

    fn varied(window: &[u8]) -> bool {
        window.iter().collect::<BTreeSet<_>>().len() > 5
    }

    fn add(name: &str, windows: impl Iterator<Item = [u8; WINDOW]>) {
        LOOKING.set(true);
        let mut secrets = SECRETS.write().unwrap_or_else(PoisonError::into_inner);
        let secrets = secrets.get_or_insert_default();
        secrets.begins.resize(1 << 16, false);
        secrets.names.push(name.to_owned());
        for window in windows {
            secrets.begins[usize::from(window[0]) << 8 | usize::from(window[1])] = true;
            secrets.windows.insert(window, secrets.names.len() - 1);
        }
        LOOKING.set(false);
    }

    /// Of what was learned, what stayed in memory that `work` gave back.
    pub(super) fn watch<T>(work: impl FnOnce() -> T) -> (T, Vec<Found>) {
        ON.store(true, Ordering::SeqCst);
        let done = work();
        ON.store(false, Ordering::SeqCst);
        let found = std::mem::take(&mut *FOUND.lock().unwrap_or_else(PoisonError::into_inner));
        (done, found)
    }

    /// Nobody else's memory is freed meanwhile, and nothing is known yet.
    pub(super) fn alone() -> MutexGuard<'static, ()> {
        let guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        LOOKING.set(true);
        *SECRETS.write().unwrap_or_else(PoisonError::into_inner) = None;
        LOOKING.set(false);
        guard
    }
}

/// Plays `story` twice with the same draws: once to learn its secrets from what it gives, then to look for them. What it gives
/// stays in memory until the end, so that its memory is not found.
fn erases<T>(story: impl Fn(&mut Draws) -> T, secrets_of: impl Fn(&Draws, &T)) {
    let _alone = watched::alone();
    let mut draws = Draws::new(77);
    let first = story(&mut draws);
    secrets_of(&draws, &first);
    let mut again = Draws::new(77);
    again.drawn.reserve(draws.drawn.len());
    let (second, found) = watch(|| story(&mut again));
    assert_eq!(draws.drawn, again.drawn, "the story was another one the second time");
    drop((first, second));
    let mut unknown: Vec<String> = found
        .iter()
        .filter(|found| !LEFT.iter().any(|(name, place, _)| found.secret.starts_with(name) && found.at.contains(place)))
        .map(|found| format!("{}:\n{}", found.secret, places(&found.at)))
        .collect();
    unknown.sort();
    unknown.dedup();
    assert!(unknown.is_empty(), "left in freed memory:\n{}", unknown.join("\n"));
}

/// The innermost functions of a trace that are not the standard library's or this file's.
fn places(trace: &str) -> String {
    let named = trace.lines().filter_map(|line| line.split_once(": ")).map(|(_, name)| name);
    let others = ["std::", "core::", "alloc::", "look", "dealloc", "drop_in_place"];
    let here = |name: &str| name.starts_with("zeroization") || name.starts_with("{closure");
    let own = |name: &&str| !here(name) && !others.iter().any(|other| name.trim_start_matches('<').starts_with(other));
    named.filter(own).take(8).map(|name| format!("    {name}\n")).collect()
}

/// The seed of a person whose every secret is as random as a real one's.
fn seed(n: u8) -> [u8; 64] {
    let half = |m| sha256(&[n, m]);
    [half(0), half(1)].concat().try_into().unwrap()
}

fn root(n: u8) -> Root {
    Root::from_bip39_seed(&seed(n))
}

fn person(n: u8) -> Identity {
    root(n).identity(Profile::P256, 0, &mut Draws::new(n)).unwrap()
}

fn learn_root(seed: &[u8; 64]) -> [u8; 32] {
    let root = hazmat::hkdf_extract(b"sealroom/1 identity", seed);
    learn("root", &root);
    root
}

/// All that comes from a root by SPEC §11.2 and §11.3.
fn learn_generations(root: &[u8; 32], generations: RangeInclusive<u32>) {
    for generation in generations {
        let number = generation.to_be_bytes();
        let secret: [u8; 32] = derive(root, "generation", &number, 32).try_into().unwrap();
        learn("generation secret", &secret);
        let rotation = derive(root, "rotation", &number, 32);
        learn("seed of the rotation key", &rotation);
        learn("rotation key", &scalar(&hazmat::det_keygen_p256_pkcs8(&rotation).unwrap()));
        for purpose in ["p256 encryption", "p256 signing", "rsa encryption", "rsa signing", "keyring"] {
            learn(purpose, &derive(&secret, purpose, b"", 32));
        }
        let seed = derive(&secret, "p256 encryption", b"", 32);
        learn("encryption key", &hazmat::hpke_derive_key_pair(&seed).unwrap().0);
        let seed = derive(&secret, "p256 signing", b"", 32);
        learn("signing key", &scalar(&hazmat::det_keygen_p256_pkcs8(&seed).unwrap()));
    }
}

/// The private scalar in a P-256 key's PKCS#8: version, algorithm, OCTET STRING { SEQUENCE { 1, OCTET STRING .. } }.
fn scalar(pkcs8: &[u8]) -> [u8; 32] {
    let at = pkcs8.windows(7).position(|bytes| bytes[2..] == [2, 1, 1, 4, 32]).unwrap() + 7;
    pkcs8[at..at + 32].try_into().unwrap()
}

/// The secret numbers of an RSA key's PKCS#8: d, p, q, d mod (p - 1), d mod (q - 1), q^-1 mod p.
fn learn_rsa(pkcs8: &[u8]) {
    // From the RSAPrivateKey on, all elements are numbers: version, n, e, then these.
    let (mut rest, mut numbers) = (&pkcs8[26..], Vec::new());
    assert_eq!(rest[..2], [0x30, 0x82]);
    rest = &rest[4..];
    while let [2, len, ..] = *rest {
        let (len, at) = match len {
            0x81 => (usize::from(rest[2]), 3),
            0x82 => (usize::from(rest[2]) << 8 | usize::from(rest[3]), 4),
            _ => (usize::from(len), 2),
        };
        numbers.push(&rest[at..at + len]);
        rest = &rest[at + len..];
    }
    assert_eq!(numbers.len(), 9);
    for (name, number) in ["rsa d", "rsa p", "rsa q", "rsa dp", "rsa dq", "rsa qinv"].iter().zip(&numbers[3..]) {
        // A leading zero only makes it positive.
        learn(name, number.strip_prefix(&[0]).unwrap_or(number));
    }
}

/// What was drawn and does not stand in `public` as it is. What is shorter than a key is none.
fn learn_draws(draws: &Draws, public: &[&[u8]]) {
    let is_public = |draw: &[u8]| public.iter().any(|object| object.windows(draw.len()).any(|part| part == draw));
    for draw in draws.drawn.iter().filter(|draw| draw.len() >= 32 && !is_public(draw)) {
        learn(&format!("draw of {} bytes", draw.len()), draw);
    }
}

/// The DEK of an envelope and all that comes from it. SPEC §7.3, §10.1
fn learn_envelope(envelope: &[u8], unlocked: Unlocked) {
    let locked = Locked::decode(envelope, &Limits::default()).unwrap();
    let (dek, _) = hazmat::dek_and_content(unlocked, locked.payload()).unwrap();
    learn("DEK", &dek);
    let header_len = envelope.len() - locked.payload().len() - 32;
    let hash = sha256(&envelope[..header_len]);
    learn("key of the chunks", &derive(&dek, "envelope", &hash, 76)[..32]);
    learn("key of the signature block", &derive(&dek, "signature", &hash, 44)[..32]);
}

fn unlock(envelope: &[u8], reader: Reader<'_>) -> Unlocked {
    Locked::decode(envelope, &Limits::default()).unwrap().unlock(&[reader], &mut Draws::new(0)).unwrap()
}

/// What is not erased is found: given back, moved to a larger block, backwards, and in part.
#[test]
fn what_is_not_erased_is_found() {
    let _alone = watched::alone();
    let secret = sha256(b"a secret");
    learn("secret", &secret);
    let mut backwards = secret;
    backwards.reverse();
    let found = |work: &dyn Fn()| {
        let ((), found) = watch(work);
        found.len()
    };
    assert_eq!(found(&|| drop(secret.to_vec())), 1);
    assert_eq!(found(&|| drop(backwards.to_vec())), 1);
    let long = |part: &[u8]| {
        let mut bytes = vec![0; 1000];
        bytes[900..][..part.len()].copy_from_slice(part);
    };
    assert_eq!((found(&|| long(&secret[3..19])), found(&|| long(&secret[3..18]))), (1, 0));
    assert_eq!(found(&|| drop(Box::new(SymmetricKey::take(&mut { secret })))), 0);
    let grown = found(&|| {
        let mut bytes = Vec::with_capacity(32);
        bytes.extend_from_slice(&secret);
        bytes.push(0);
        bytes.fill(0);
    });
    assert_eq!(grown, 1);
    let (_, found) = watch(|| drop(secret.to_vec()));
    assert!(found[0].secret.starts_with("secret") && found[0].at.contains("what_is_not_erased_is_found"));
}

/// [ID-01] to [ID-04], §12.1
#[test]
fn words_and_what_comes_from_them() {
    let passphrase = "a passphrase beside the words, 4711";
    let words: Vec<String> = [WordCount::Twelve, WordCount::TwentyFour]
        .map(|count| {
            let words = Mnemonic::generate_in(count, Language::English, &mut Draws::new(5)).unwrap();
            words.words().collect::<Vec<_>>().join(" ")
        })
        .to_vec();
    erases(
        |rng| {
            drop(Box::new(Mnemonic::generate(rng).unwrap()));
            for words in &words {
                let mnemonic = Box::new(Mnemonic::parse(words).unwrap());
                drop(Box::new(Mnemonic::parse_in(Language::English, words).unwrap()));
                let root = Box::new(mnemonic.root_with_passphrase(passphrase));
                drop(mnemonic.clone());
                let identities = [0, 1].map(|n| Box::new(root.identity(Profile::P256, n, rng).unwrap()));
                root.succeed(&identities[0], &identities[1], rng).unwrap();
                drop(Box::new(identities[0].keyring_key().unwrap()));
                drop(identities.clone());
                identities[0].sign(b"context", b"content", rng).unwrap();
                drop(hazmat::identity_keys(&identities[0]).unwrap());
            }
        },
        |draws, ()| {
            learn("passphrase", passphrase.as_bytes());
            learn_draws(draws, &[]);
            for words in &words {
                learn("words", words.as_bytes());
                // As the crate bip39 holds them: their places in the list.
                let places = bip39::Mnemonic::parse(words).unwrap();
                learn(
                    "words",
                    &places.word_indices().flat_map(|place| (place as u16).to_ne_bytes()).collect::<Vec<_>>(),
                );
                let seed = Mnemonic::parse(words).unwrap().to_bip39_seed(passphrase);
                learn("seed of the words", &seed);
                learn_generations(&learn_root(&seed), 0..=2);
            }
            for count in [WordCount::Twelve, WordCount::TwentyFour] {
                let mut rng = Draws::new(5);
                Mnemonic::generate_in(count, Language::English, &mut rng).unwrap();
                learn("entropy", &rng.drawn[0]);
            }
        },
    );
}

/// Words and passphrases as keyboards give them, which are not as they are hashed. [ID-01], [ID-02]
#[test]
fn words_as_they_are_typed() {
    let passphrase = "un mot de passe tr\u{e8}s compos\u{e9}, 4711";
    // As typed, and in NFKD.
    let phrase = |language, typed: &dyn Fn(&str) -> String| {
        let phrases = (0..).map(|seed| {
            let words = Mnemonic::generate_in(WordCount::TwentyFour, language, &mut Draws::new(seed)).unwrap();
            let words = words.words().collect::<Vec<_>>().join(" ");
            (language, typed(&words), words)
        });
        phrases.into_iter().find(|(_, typed, words)| typed != words).unwrap()
    };
    let phrases = [
        phrase(Language::French, &|words| words.replace("e\u{301}", "\u{e9}").replace("e\u{300}", "\u{e8}")),
        phrase(Language::Japanese, &|words| words.replace(' ', "\u{3000}").replace("か\u{3099}", "が")),
        phrase(Language::English, &|words| words.replace(' ', "\u{a0}")),
    ];
    erases(
        |_| {
            for (language, typed, _) in &phrases {
                let mnemonic = Box::new(Mnemonic::parse(typed).unwrap());
                drop(Box::new(Mnemonic::parse_in(*language, typed).unwrap()));
                drop(Box::new(mnemonic.root_with_passphrase(passphrase)));
                // A last word that is wrong, and one that is none.
                let (start, last) = typed.split_at(typed.rfind(char::is_whitespace).unwrap());
                let first = typed.split_whitespace().next().unwrap();
                for other in [first, "\u{e9}\u{e9}"] {
                    assert_ne!(last.trim(), other);
                    let wrong = [start, "\u{3000}", other].concat();
                    assert!(Mnemonic::parse(&wrong).is_err() && Mnemonic::parse_in(*language, &wrong).is_err());
                    // The story's own copy.
                    drop(zeroize::Zeroizing::new(wrong));
                }
            }
        },
        |_, ()| {
            let texts = phrases.iter().flat_map(|(_, typed, words)| [typed, words]).map(|words| ("words", &words[..]));
            let kept = passphrase.replace('\u{e8}', "e\u{300}").replace('\u{e9}', "e\u{301}");
            for (name, text) in texts.chain([("passphrase", passphrase), ("passphrase", &kept)]) {
                learn_text(name, text);
            }
        },
    );
}

/// [DET-02], [SUITE-07], [SUITE-08]
#[test]
fn rsa_keys() {
    let (seed, content) = (sha256(b"seed of an RSA key"), b"content");
    let pkcs8 = hazmat::det_keygen_rsa_pkcs8(&seed, 2048).unwrap();
    let pem = RsaPrivateKey::from_pkcs8_der(&pkcs8).unwrap().to_pkcs8_pem().unwrap();
    let spki = hazmat::rsa_spki(&pkcs8).unwrap();
    let public = RsaPublicKey::from_spki_der(&spki).unwrap();
    erases(
        |rng| {
            // The PKCS#8 that this gives is the caller's.
            let made = hazmat::det_keygen_rsa_pkcs8(&seed, 2048).unwrap();
            let key = Box::new(RsaPrivateKey::from_pkcs8_der(&pkcs8).unwrap());
            drop(Box::new(RsaPrivateKey::from_pkcs8_pem(pem.expose()).unwrap()));
            drop((key.to_pkcs8_der().unwrap(), key.to_pkcs8_pem().unwrap()));
            drop(key.clone());
            let envelope = Envelope::to(&[Recipient::bare_rsa(&public)]).seal(content, rng).unwrap();
            let opened = open(&envelope, &[Reader::bare_rsa(&*key)], rng).unwrap();
            let mut signature = [0; 256];
            key.sign_digest(&sha256(content), &mut signature, rng).unwrap();
            (made, envelope, opened)
        },
        |draws, (made, envelope, _)| {
            learn("seed of an RSA key", &seed);
            learn_rsa(made);
            // The salt of a signature is known to whoever can verify it.
            learn_draws(draws, &[envelope, &draws.drawn[draws.drawn.len() - 6].clone()]);
            let key = RsaPrivateKey::from_pkcs8_der(&pkcs8).unwrap();
            learn_envelope(envelope, unlock(envelope, Reader::bare_rsa(&key)));
            // The modulus and what stands before it take 299 bytes, 48 of which are a line.
            for line in pem.expose().lines().skip(1 + 7).filter(|line| line.len() == 64) {
                learn("PEM", line.as_bytes());
            }
        },
    );
}

/// A fault in a late line, where most of the key is decoded.
#[test]
fn keys_with_a_fault() {
    let own = P256PrivateKey::generate(&mut Draws::new(4)).unwrap();
    let rsa = common::rsa_2048();
    let pkcs8 = [own.to_pkcs8_der().unwrap(), rsa.to_pkcs8_der().unwrap()];
    let faulty = [own.to_pkcs8_pem().unwrap(), rsa.to_pkcs8_pem().unwrap()].map(|pem| {
        let lines: Vec<&str> = pem.expose().lines().collect();
        let last = lines[lines.len() - 2];
        let changed = |other: &str| pem.expose().replace(last, other);
        [
            changed(&last[1..]),
            changed(&last.replacen(&last[..1], "*", 1)),
            pem.expose().replace("PRIVATE KEY", "SECRET KEY"),
        ]
    });
    erases(
        |_| {
            for pem in faulty.iter().flatten() {
                assert!(P256PrivateKey::from_pkcs8_pem(pem).is_err() && RsaPrivateKey::from_pkcs8_pem(pem).is_err());
            }
        },
        |_, ()| {
            learn("scalar", &scalar(pkcs8[0].expose()));
            learn_rsa(pkcs8[1].expose());
        },
    );
}

/// Every kind of reader, at once, as a stream and at an offset; signed. [ENV-07], [STZ-04], [SIG-01]
#[test]
fn envelopes() {
    let (alice, bob) = (person(1), person(2));
    let (shared, kept) = (sha256(b"a shared key"), sha256(b"a key held elsewhere"));
    let wrapped: [u8; 64] = [kept, shared].concat().try_into().unwrap();
    let epoch_key: [u8; EpochKey::LEN] = [&kept[..], &shared, &[1; 8]].concat().try_into().unwrap();
    let content = [sha256(b"content"), sha256(b"of some length")].concat().repeat(1200);
    let own = P256PrivateKey::generate(&mut Draws::new(4)).unwrap();
    let (der, pem) = (own.to_pkcs8_der().unwrap(), own.to_pkcs8_pem().unwrap());
    let to = |key: &SymmetricKey, rng: &mut Draws| {
        let to = [bob.public().recipient(), Recipient::symmetric(key), Recipient::bare_p256(own.public_key())];
        let envelope = Envelope::to(&to).signed_by(alice.sender()).padding(Padding::Padme);
        let sealed = envelope.seal(&content[..100], rng).unwrap();
        let mut stream = envelope.stream(Some(content.len() as u64), rng).unwrap();
        let mut streamed = stream.push(&content).unwrap().to_vec();
        while let Some(more) = stream.pad().unwrap() {
            streamed.extend_from_slice(more);
        }
        streamed.extend(stream.finish(rng).unwrap());
        [sealed, streamed]
    };
    erases(
        |rng| {
            let mut kept_results = Vec::new();
            drop(Box::new(SharedSecret::take(&mut { kept })));
            drop(Box::new(WrappedContent::take(&mut { wrapped })));
            drop(Box::new(EpochKey::take(&mut { epoch_key })));
            let key = Box::new(SymmetricKey::take(&mut { shared }));
            drop(key.clone());
            let own = Box::new(P256PrivateKey::from_pkcs8_der(der.expose()).unwrap());
            drop(Box::new(P256PrivateKey::from_pkcs8_pem(pem.expose()).unwrap()));
            drop((own.to_pkcs8_der().unwrap(), own.to_pkcs8_pem().unwrap()));
            let sealed = to(&key, rng);
            for reader in [bob.reader(), alice.reader(), Reader::symmetric(&key), Reader::bare_p256(&*own)] {
                kept_results.extend(sealed.iter().map(|sealed| open(sealed, &[reader], rng).unwrap().unverified()));
                drop(Box::new(unlock(&sealed[1], reader)));
                drop(Box::new(unlock(&sealed[1], reader).at_offsets(sealed[1].len() as u64).unwrap()));
                let mut start = EnvelopeStart::new(Limits::default());
                let rest = start.push(&sealed[1]).unwrap().unwrap();
                let locked = start.locked().unwrap();
                let mut stream = Box::new(locked.unlock(&[reader], rng).unwrap().stream());
                let mut opened = Vec::with_capacity(content.len() + 100_000);
                // A chunk at once, then several.
                let (first, others) = rest.split_at(20_000);
                for piece in first.chunks(10_000).chain([others]) {
                    opened.extend_from_slice(stream.push(piece).unwrap().unverified());
                }
                kept_results.push(opened);
                // Given up before the end.
                drop(stream);
            }
            let (attachment, key) = Envelope::to(&[]).seal_attachment(&content, rng).unwrap();
            let key = Box::new(key);
            kept_results.push(key.open(&attachment).unwrap());
            (sealed, attachment, *key.expose(), kept_results)
        },
        |draws, (sealed, attachment, key, _)| {
            learn("shared key", &shared);
            learn("key held elsewhere", &kept);
            learn("key of a file", &scalar(der.expose()));
            // The scalar begins 48 characters in.
            pem.expose().lines().skip(1).take(2).for_each(|line| learn("PEM", &line.as_bytes()[..60]));
            learn_draws(draws, &[&sealed[0], &sealed[1], attachment]);
            for sealed in sealed {
                learn_envelope(sealed, unlock(sealed, bob.reader()));
                // The Diffie-Hellman's result and what HPKE makes of it. SPEC §8.2
                let locked = Locked::decode(sealed, &Limits::default()).unwrap();
                let Some(Operation::Agree { peer }) = locked.operation(&bob.public().recipient()) else { panic!() };
                let secret = learn_person(2);
                learn("Diffie-Hellman", &hazmat::p256_agree(&secret, peer).unwrap());
                let kem = hazmat::hpke_decap(&secret, peer).unwrap();
                learn("shared secret of the KEM", &kem);
                let salt: [u8; 24] = sealed[9..33].try_into().unwrap();
                let info = wrap_info(1, 1, &salt, bob.public().fingerprint().as_bytes());
                learn("key of HPKE", &hazmat::hpke_key_schedule(&kem, &info).unwrap().0);
                learn("wrapping key", &derive(&shared, "symmetric wrap", &wrap_info(1, 3, &salt, &[0; 32]), 32));
            }
            for draw in draws.drawn.iter().filter(|draw| draw.len() == 32) {
                learn("ephemeral key", &hazmat::hpke_derive_key_pair(draw).unwrap().0);
            }
            learn("attachment's key", &key[..32]);
            // Content in buffers that streams and the like have of their own.
            learn("content", &content[..4096]);
        },
    );
}

/// Signing, agreeing and decrypting by keys that are held elsewhere. §8.2, §8.3, §10.2
#[test]
fn keys_held_elsewhere() {
    let (alice, bob, rsa) = (common::outsider(1), common::outsider(2), common::rsa_2048());
    let content = sha256(b"content");
    erases(
        |rng| {
            let to = [bob.public.recipient(), Recipient::bare_rsa(rsa.public_key())];
            let envelope = Envelope::to(&to).signed_by(Sender::elsewhere(&alice.public)).without_copy_for_me();
            let mut stream = envelope.stream(None, rng).unwrap();
            let mut sealed = stream.push(&content).unwrap().to_vec();
            let pending = stream.finish_request().unwrap();
            let signature = alice.sign(pending.digest());
            sealed.extend(pending.complete(&signature).unwrap());
            let locked = Locked::decode(&sealed, &Limits::default()).unwrap();
            let Some(Operation::Agree { peer }) = locked.operation(&to[0]) else { panic!() };
            let shared = Box::new(bob.encryption.agree(&P256PublicKey::from_bytes(peer).unwrap()).unwrap());
            drop(Box::new(locked.answer_agree(&to[0], &shared).unwrap()));
            let opened = locked.answer_agree(&to[0], &shared).unwrap().open(locked.payload()).unwrap();
            let opened = opened.verify(&alice.public).unwrap();
            let Some(Operation::DecryptOaep { ciphertext }) = locked.operation(&to[1]) else { panic!() };
            let wrapped = Box::new(rsa.decrypt_oaep(ciphertext, rng).unwrap());
            drop(Box::new(locked.answer_decrypt(&to[1], &wrapped).unwrap()));
            (sealed, opened)
        },
        |draws, (sealed, opened)| {
            assert_eq!(*opened, content);
            learn_draws(draws, &[sealed]);
            learn_envelope(sealed, unlock(sealed, bob.reader()));
            let secret = scalar(bob.encryption.to_pkcs8_der().unwrap().expose());
            learn("Diffie-Hellman", &hazmat::p256_agree(&secret, &sealed[36..101]).unwrap());
        },
    );
}

/// Another generation of keys, for what the old one had. §12.1
#[test]
fn successions() {
    erases(
        |rng| {
            let (root, old) = (Box::new(root(1)), Box::new(person(1)));
            let mut keyring = Box::new(Keyring::new(rng).unwrap());
            keyring.know(old.public()).unwrap();
            let succession = Box::new(Succession::new(&root, &old, Profile::P256, rng).unwrap());
            succession.seal_keyring(&mut keyring, rng).unwrap()
        },
        |draws, whole| {
            learn_generations(&learn_root(&seed(1)), 0..=1);
            learn_draws(draws, &[whole]);
        },
    );
}

/// The encryption key of a person of these tests.
fn learn_person(n: u8) -> [u8; 32] {
    let root = learn_root(&seed(n));
    learn_generations(&root, 0..=1);
    let secret: [u8; 32] = derive(&root, "generation", &[0; 4], 32).try_into().unwrap();
    hazmat::hpke_derive_key_pair(&derive(&secret, "p256 encryption", b"", 32)).unwrap().0
}

/// [STZ-14]
#[test]
fn passphrases() {
    let passphrase = b"a long passphrase, 4711, which nobody knows";
    let costs = [PassphraseCost::argon2id_with(256, 2, 2, 2).unwrap(), PassphraseCost::pbkdf2_with(20, 3).unwrap()];
    erases(
        |rng| {
            costs.map(|cost| {
                let key = Box::new(PassphraseKey::new(passphrase, cost, &mut unwatched, rng).unwrap());
                let envelope = Envelope::to(&[Recipient::passphrase(&key)]).seal(b"content", rng).unwrap();
                let limits = WorkLimits::default();
                let key = Box::new(PassphraseKey::of(&envelope, passphrase, &limits, &mut unwatched).unwrap());
                let opened = open(&envelope, &[Reader::passphrase(&key)], rng).unwrap();
                (envelope, opened)
            })
        },
        |draws, results| {
            learn("passphrase", passphrase);
            for (number, (envelope, _)) in results.iter().enumerate() {
                learn_draws(draws, &[&results[0].0, &results[1].0]);
                let key = PassphraseKey::of(envelope, passphrase, &WorkLimits::default(), &mut unwatched).unwrap();
                learn_envelope(envelope, unlock(envelope, Reader::passphrase(&key)));
                // Each round's key is the next one's passphrase.
                let salt: [u8; 16] =
                    draws.drawn.iter().filter(|draw| draw.len() == 16).nth(number).unwrap()[..].try_into().unwrap();
                let mut round = passphrase.to_vec();
                for _ in 0..3 {
                    let mut out = [0; 32];
                    if number == 0 {
                        let params = argon2::Params::new(256, 2, 2, Some(32)).unwrap();
                        argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
                            .hash_password_into(&round, &salt, &mut out)
                            .unwrap();
                    } else {
                        pbkdf2::pbkdf2_hmac::<sha2::Sha256>(&round, &salt, 20, &mut out);
                    }
                    learn("key of a passphrase", &out);
                    round = out.to_vec();
                }
            }
        },
    );
}

/// More epochs than a node of a map has places, by everyone's ways of getting them. SPEC §18, §19, §20
#[test]
fn rooms_and_keyrings() {
    let (alice, bob, carol) = (person(1), person(2), person(3));
    let people = [alice.public(), bob.public(), carol.public()];
    let device_key = sha256(b"a device's key");
    erases(
        |rng| {
            let admins = [(bob.public(), Role::Admin)];
            let first = Room::create(&alice.sender(), &admins, HistoryPolicy::Shared, rng).unwrap();
            let joined = |package: &[u8], inviter: &Identity, as_whom: &Identity, rng: &mut Draws| {
                Room::join(package, inviter.public(), &[as_whom.reader()], rng).unwrap()
            };
            let mut room = Box::new(joined(&first, &alice, &alice, rng).finish().unwrap());
            let mut bobs = Box::new(joined(&first, &alice, &bob, rng).finish().unwrap());
            let mut packages = vec![first];
            for n in 0..30 {
                let change = if n == 20 { room.add(&[(carol.public(), Role::Member)]) } else { room.refresh() };
                let package = change.unwrap().seal(&alice.sender(), &people, rng).unwrap();
                room.apply(&package, &[alice.reader()], &people, rng).unwrap();
                bobs.apply(&package, &[bob.reader()], &people, rng).unwrap();
                packages.push(package);
            }
            let message = bobs.seal(&Draft::new(b"content"), &bob.sender(), rng).unwrap();
            let opened = room.open(&message, b"", &people).unwrap();
            // Who came later, with all that was before; who was away; who has nothing but the words.
            let mut joining = joined(&packages[21], &alice, &carol, rng);
            for package in packages[..21].iter().rev() {
                joining.past(package, &people).unwrap();
            }
            let carols = Box::new(joining.finish().unwrap());
            let all: Vec<&[u8]> = packages.iter().map(|package| &package[..]).collect();
            let mut away = Box::new(joined(&packages[0], &alice, &bob, rng).finish().unwrap());
            assert!(away.catch_up(&all, &[bob.reader()], &people, rng).iter().all(Result::is_ok));
            let recovered = Box::new(Room::recover(room.id(), &all, &[bob.reader()], &people, rng).unwrap());
            assert!(recovered.problems.is_empty());
            // Who came later to a room that hides what was before, and is granted it.
            let members = [(bob.public(), Role::Member)];
            let package = Room::create(&alice.sender(), &members, HistoryPolicy::FromJoin, rng).unwrap();
            let mut hiding = Box::new(joined(&package, &alice, &alice, rng).finish().unwrap());
            packages.push(package);
            for n in 0..8 {
                let change = if n == 7 { hiding.add(&[(carol.public(), Role::Member)]) } else { hiding.refresh() };
                let package = change.unwrap().seal(&alice.sender(), &people, rng).unwrap();
                hiding.apply(&package, &[alice.reader()], &people, rng).unwrap();
                packages.push(package);
            }
            let mut granted = Box::new(joined(&packages[39], &alice, &carol, rng).finish().unwrap());
            let range = Epoch::new(0)..=Epoch::new(7);
            let grant = hiding.grant_history(range, &[carol.public()], &alice.sender(), rng).unwrap();
            assert_eq!(granted.accept_grant(&grant, alice.public(), &[carol.reader()], rng), Ok(8));
            drop(granted);
            // Stored, and kept in the keyring.
            let key = SymmetricKey::take(&mut { device_key });
            let stored = [room.save(&key, rng).unwrap(), hiding.save(&key, rng).unwrap()];
            stored.iter().for_each(|stored| drop(Box::new(Room::load(stored, &key).unwrap())));
            let mut keyring = Box::new(Keyring::new(rng).unwrap());
            for room in [&room, &bobs, &carols, &away] {
                keyring.record(room).unwrap();
            }
            let mine = alice.keyring_key().unwrap();
            let segments = [keyring.part(&mine, rng).unwrap(), keyring.whole(&mine, rng).unwrap()];
            let saved = keyring.save(&mine, rng).unwrap();
            drop(Box::new(Keyring::load(&saved, &mine).unwrap()));
            let mut other = Box::new(Keyring::new(rng).unwrap());
            for segment in &segments {
                other.merge(segment, &[&mine], rng).unwrap();
            }
            drop(Box::new(other.room(room.id(), &[*alice.public().fingerprint()], rng).unwrap()));
            // One epoch, on a small device.
            let mut buffers = [vec![0; 4096], vec![0; 4096]];
            let [one, next] = &mut buffers;
            let mut single =
                Box::new(SingleEpoch::join(&packages[0], alice.public(), &[bob.reader()], one, rng).unwrap());
            let followed = Box::new(single.follow(&packages[1], &[bob.reader()], &people, next, rng).unwrap());
            drop((Box::new(followed.key()), followed, single));
            drop(buffers);
            // All of it from the words.
            let mut recovery = Recovery::new(root(1), Profile::P256, rng).unwrap();
            while let Some(wanted) = recovery.wanted() {
                let blobs = match wanted {
                    Wanted::Segments => segments.to_vec(),
                    Wanted::Packages { .. } => packages.clone(),
                    Wanted::Identities { .. } => people.map(|one| one.to_bytes().to_vec()).to_vec(),
                    _ => vec![],
                };
                for blob in blobs {
                    let _ = recovery.give(&blob, rng);
                }
                recovery.proceed(rng).unwrap();
            }
            let account = Box::new(recovery.finish().unwrap());
            assert_eq!(account.rooms.len(), 2);
            drop(account);
            (packages, message, opened, stored, segments, saved)
        },
        |draws, (packages, message, _, stored, segments, saved)| {
            let public: Vec<&[u8]> =
                packages.iter().chain([message, saved]).chain(stored).chain(segments).map(|o| &o[..]).collect();
            learn_draws(draws, &public);
            learn("device's key", &device_key);
            (1..=3).for_each(|n| {
                learn_person(n);
            });
            let key = SymmetricKey::take(&mut { device_key });
            let mut packages = packages.iter();
            for stored in stored {
                let room = Room::load(stored, &key).unwrap();
                for ((_, transcript, _), package) in room.epochs().zip(&mut packages) {
                    let keys = hazmat::epoch_keys(&room, transcript).unwrap();
                    let secret = keys.secret.unwrap();
                    learn("secret of an epoch", &secret);
                    learn("message key", &keys.message_key);
                    learn("epoch's KEK", &keys.epoch_kek.unwrap());
                    learn("key of the salts", &derive(&keys.message_key, "message salt", b"", 32));
                    let locked = Locked::decode(package, &Limits::default()).unwrap();
                    learn_envelope(package, hazmat::unlock_dek(&locked, secret).unwrap());
                }
                learn_envelope(stored, unlock(stored, Reader::symmetric(&key)));
            }
            assert_eq!(packages.len(), 0);
            let mine = alice.keyring_key().unwrap();
            for object in segments.iter().chain([saved]) {
                learn_envelope(object, unlock(object, Reader::symmetric(&mine)));
            }
        },
    );
}

/// More generations than a list begins with. SPEC §22
#[test]
fn linked_devices() {
    let root = root(8);
    let identities: Vec<Identity> =
        (0..6).map(|n| root.identity(Profile::P256, n, &mut Draws::new(n as u8)).unwrap()).collect();
    let steps: Vec<Transition> =
        identities.windows(2).map(|pair| root.succeed(&pair[0], &pair[1], &mut Draws::new(1)).unwrap()).collect();
    let generations: Vec<&Identity> = identities.iter().collect();
    let device_key = sha256(b"a device's key");
    erases(
        |rng| {
            let linking = Box::new(Linking::new(rng).unwrap());
            let request = linking.request();
            let answer = request.confirm().answer(&generations, &steps, rng).unwrap();
            let linked = Box::new(linking.open(&answer).unwrap().confirm());
            drop(linked.clone());
            let key = SymmetricKey::take(&mut { device_key });
            let stored = linked.save(&key, rng).unwrap();
            drop(Box::new(LinkedIdentity::load(&stored, &key).unwrap()));
            // A segment of the first generation is tried with the keys of all.
            let mut keyring = Keyring::new(rng).unwrap();
            let segment = keyring.whole(&generations[0].keyring_key().unwrap(), rng).unwrap();
            let mut recovery = Recovery::of_linked(&linked, rng).unwrap();
            recovery.give(&segment, rng).unwrap();
            while recovery.wanted().is_some() {
                recovery.proceed(rng).unwrap();
            }
            drop(Box::new(recovery.finish().unwrap()));
            // The same by the words: one generation after the other.
            let mut recovery = Recovery::new(root.clone(), Profile::P256, rng).unwrap();
            for step in &steps {
                recovery.give(&step.to_bytes().unwrap(), rng).unwrap();
                recovery.proceed(rng).unwrap();
            }
            while recovery.wanted().is_some() {
                recovery.proceed(rng).unwrap();
            }
            let account = Box::new(recovery.finish().unwrap());
            assert_eq!(account.identities.len(), generations.len());
            drop(account);
            (answer, stored)
        },
        |draws, (answer, stored)| {
            learn_draws(draws, &[answer, stored]);
            let key = hazmat::hpke_derive_key_pair(&draws.drawn[0]).unwrap().0;
            learn("key of the request", &key);
            learn("device's key", &device_key);
            learn_generations(&learn_root(&seed(8)), 0..=6);
            let own = P256PrivateKey::generate(&mut Draws::new(77)).unwrap();
            learn_envelope(answer, unlock(answer, Reader::bare_p256(&own)));
            learn_envelope(stored, unlock(stored, Reader::symmetric(&SymmetricKey::take(&mut { device_key }))));
        },
    );
}
