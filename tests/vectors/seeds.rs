//! Keys from seeds, and words in every language. SPEC §11.1, §11.3.

use crate::common::rooms::hmac_sha256;
use crate::hold::{Expected, OK, vector};
use crate::rooms::class_of;
use crate::samples::{SeedRng, hex, unhex};
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use sealroom::*;
use serde_json::{Value, json};

/// HMAC_DRBG with SHA-256, as det-keygen uses it. NIST SP 800-90A Rev. 1 §10.1.2
struct Drbg {
    key: [u8; 32],
    value: [u8; 32],
}

impl Drbg {
    fn new(seed: &[u8], personalization: &[u8]) -> Self {
        let mut drbg = Self { key: [0; 32], value: [1; 32] };
        for round in [0, 1] {
            drbg.rekey(&[&[round], seed, personalization].concat());
        }
        drbg
    }

    fn rekey(&mut self, more: &[u8]) {
        self.key = hmac_sha256(&self.key, &[&self.value[..], more].concat());
        self.value = hmac_sha256(&self.key, &self.value);
    }

    fn candidate(&mut self, len: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while out.len() < len {
            self.value = hmac_sha256(&self.key, &self.value);
            out.extend(self.value);
        }
        out.truncate(len);
        self.rekey(&[0]);
        out[0] |= 0b1100_0000;
        out[len - 1] |= 0b0000_0111;
        out
    }

    /// How many candidates there are up to this prime, itself counted.
    fn up_to(&mut self, prime: &[u8]) -> u32 {
        (1..=40_960).find(|_| self.candidate(prime.len()) == prime).unwrap()
    }
}

pub(crate) fn rsa_keys() -> Vec<Value> {
    let mut vectors = Vec::new();
    let long = hazmat::sha256(b"rsa key of the vectors");
    for (id, comment, seed, bits) in [
        ("rsa-key-3072", "3072 bits", &long[..], 3072_usize),
        ("rsa-key-3072-short-seed", "a seed of 16 bytes, the least", &long[..16], 3072),
        ("rsa-key-3072-long-seed", "a seed of 64 bytes", &[0x33; 64], 3072),
        ("rsa-key-2048", "2048 bits, of no identity", &long[..], 2048),
        ("rsa-key-4096", "4096 bits", &long[..], 4096),
    ] {
        let pkcs8 = hazmat::det_keygen_rsa_pkcs8(seed, bits).unwrap();
        let key = rsa::PrivateKey::from_pkcs8_der(&pkcs8).unwrap();
        let octets = |number: &rsa::BoxedUint| number.to_be_bytes().to_vec();
        let [p, q] = [&key.primes()[0], &key.primes()[1]].map(|prime| {
            let octets = octets(prime);
            octets[octets.len() - bits / 16..].to_vec()
        });
        let modulus = octets(key.n().as_ref());
        let modulus = &modulus[modulus.len() - bits / 8..];
        let size = u16::try_from(bits).unwrap().to_be_bytes();
        let mut drbg = Drbg::new(seed, &[&b"det RSA key gen"[..], &size].concat());
        let (first, second) = (drbg.up_to(&p), drbg.up_to(&q));
        let fields = json!({"seed": hex(seed), "bits": bits, "p": hex(&p), "q": hex(&q), "p_candidates": first,
            "q_candidates": second, "modulus": hex(modulus), "pkcs8": hex(&pkcs8)});
        vectors.push(vector("rsa_key", id, comment, OK, fields));
    }
    for (id, comment, class, seed, bits) in [
        ("rsa-key-seed-15", "a seed of 15 bytes", "malformed", &long[..15], 3072),
        ("rsa-key-seed-none", "no seed", "malformed", &[], 3072),
        ("rsa-key-1024", "1024 bits", "unsupported", &long, 1024),
        ("rsa-key-3080", "3080 bits", "unsupported", &long, 3080),
        ("rsa-key-8192", "8192 bits", "unsupported", &long, 8192),
    ] {
        assert!(matches!(hazmat::det_keygen_rsa_pkcs8(seed, bits), Err(Error::Argument { .. })), "{id}");
        let fields = json!({"seed": hex(seed), "bits": bits});
        vectors.push(vector("rsa_key", id, comment, (class, None), fields));
    }
    vectors
}

pub(crate) fn p256_keys() -> Vec<Value> {
    let mut vectors = Vec::new();
    let long = hazmat::sha256(b"p256 key of the vectors");
    let retried = unhex("b432f9be30890480298218510559aed7");
    for (id, comment, seed) in [
        ("p256-key", "a seed of 32 bytes", &long[..]),
        ("p256-key-short-seed", "a seed of 16 bytes, the least", &long[..16]),
        ("p256-key-long-seed", "a seed of 64 bytes", &[0x33; 64]),
        ("p256-key-second-draw", "the first draw is not below the order", &retried),
    ] {
        let pkcs8 = hazmat::det_keygen_p256_pkcs8(seed).unwrap();
        let at = pkcs8.windows(2).position(|pair| pair == [0x04, 0x20]).unwrap() + 2;
        let key = P256PrivateKey::from_pkcs8_der(&pkcs8).unwrap();
        let fields = json!({"seed": hex(seed), "scalar": hex(&pkcs8[at..at + 32]),
            "public_key": hex(key.public_key().as_bytes()), "pkcs8": hex(&pkcs8)});
        vectors.push(vector("p256_key", id, comment, OK, fields));
    }
    for (id, comment, seed) in
        [("p256-key-seed-15", "a seed of 15 bytes", &long[..15]), ("p256-key-seed-none", "no seed", &[])]
    {
        assert!(matches!(hazmat::det_keygen_p256_pkcs8(seed), Err(Error::Argument { .. })), "{id}");
        vectors.push(vector("p256_key", id, comment, ("malformed", None), json!({"seed": hex(seed)})));
    }
    for n in 0..4_u8 {
        let ikm = hazmat::sha256(&[n]);
        let (scalar, point) = hazmat::hpke_derive_key_pair(&ikm).unwrap();
        let fields = json!({"ikm": hex(&ikm), "scalar": hex(&scalar), "public_key": hex(&point)});
        vectors.push(vector("derive_key_pair", &format!("derive-key-pair-{n}"), "RFC 9180 §7.1.3", OK, fields));
    }
    vectors
}

/// Words, right and wrong. SPEC §11.1
pub(crate) fn mnemonics() -> Vec<Value> {
    use Language::*;
    use WordCount::*;
    let mut vectors = Vec::new();
    let mut push = |id: &str,
                    comment: &str,
                    expected: Expected,
                    language: Language,
                    words: &str,
                    passphrase: &str,
                    entropy: &[u8]| {
        let mut fields = json!({"language": name(language), "words": words, "passphrase": passphrase});
        match Mnemonic::parse_in(language, words) {
            Ok(read) => {
                assert_eq!(expected, OK, "{id}");
                fields["entropy"] = json!(hex(entropy));
                fields["bip39_seed"] = json!(hex(&read.to_bip39_seed(passphrase)));
            }
            Err(error) => assert_eq!(class_of(error), expected, "{id}"),
        }
        vectors.push(vector("mnemonic", id, comment, expected, fields));
    };
    let draw = |count, language: Language| {
        let mut rng = SeedRng::new(name(language).as_bytes());
        let words = Mnemonic::generate_in(count, language, &mut rng).unwrap();
        (words.words().collect::<Vec<_>>().join(" "), rng.drawn)
    };
    for (n, language) in
        [English, ChineseSimplified, ChineseTraditional, Czech, French, Italian, Japanese, Korean, Portuguese, Spanish]
            .into_iter()
            .enumerate()
    {
        let count = [TwentyFour, Twelve, Fifteen, Eighteen, TwentyOne][n % 5];
        let (words, entropy) = draw(count, language);
        let id = format!("mnemonic-{}", name(language));
        push(&id, "words of this language", OK, language, &words, "", &entropy);
    }
    let (words, entropy) = draw(Twelve, English);
    for (id, comment, passphrase) in [
        ("mnemonic-passphrase", "a passphrase", "correct horse"),
        ("mnemonic-passphrase-composed", "é as one character", "caf\u{e9}"),
        ("mnemonic-passphrase-decomposed", "é as two: the same seed", "cafe\u{301}"),
        ("mnemonic-passphrase-compatibility", "a ligature, which NFKD takes apart", "\u{fb01}sh"),
    ] {
        push(id, comment, OK, English, &words, passphrase, &entropy);
    }
    push("mnemonic-zeros", "entropy of zeros", OK, English, &format!("{}about", "abandon ".repeat(11)), "", &[0; 16]);
    push("mnemonic-ones", "entropy of ones", OK, English, &format!("{}vote", "zoo ".repeat(23)), "", &[0xff; 32]);
    push(
        "mnemonic-spaces",
        "more white space than is needed",
        OK,
        English,
        &format!("  {}\n", words.replace(' ', "\t ")),
        "",
        &entropy,
    );
    let (french, french_entropy) = draw(TwentyFour, French);
    let composed = french.replace("e\u{301}", "\u{e9}").replace("e\u{300}", "\u{e8}");
    push("mnemonic-composed", "accents as one character", OK, French, &composed, "", &french_entropy);
    let (japanese, japanese_entropy) = draw(Fifteen, Japanese);
    push(
        "mnemonic-ideographic-space",
        "ideographic spaces",
        OK,
        Japanese,
        &japanese.replace(' ', "\u{3000}"),
        "",
        &japanese_entropy,
    );

    let list: Vec<&str> = words.split(' ').collect();
    let swapped = {
        let mut list = list.clone();
        list.swap(0, 1);
        list.join(" ")
    };
    let no: Expected = ("malformed", None);
    for (id, comment, language, words) in [
        ("mnemonic-11-words", "a word is missing", English, list[..11].join(" ")),
        ("mnemonic-13-words", "a word more", English, format!("{words} {}", list[0])),
        ("mnemonic-9-words", "nine words with a right checksum's length", English, list[..9].join(" ")),
        ("mnemonic-27-words", "27 words", English, "abandon ".repeat(27)),
        ("mnemonic-none", "no word", English, String::new()),
        ("mnemonic-checksum", "another last word", English, format!("{}abandon", "abandon ".repeat(11))),
        ("mnemonic-swapped", "two words swapped", English, swapped),
        ("mnemonic-unknown-word", "a word that is in no list", English, words.replace(list[3], "sealroom")),
        ("mnemonic-upper-case", "upper case", English, words.to_uppercase()),
        ("mnemonic-capital", "a capital letter", English, format!("{}{}", words[..1].to_uppercase(), &words[1..])),
        ("mnemonic-four-letters", "four letters of each word", English, {
            list.iter().map(|word| word.chars().take(4).collect::<String>()).collect::<Vec<_>>().join(" ")
        }),
        ("mnemonic-commas", "commas between words", English, list.join(",")),
        ("mnemonic-other-language", "English words read as Italian", Italian, words.clone()),
        ("mnemonic-two-languages", "a French word among English ones", English, words.replace(list[0], "abaisser")),
        ("mnemonic-no-accents", "accents left out", Spanish, {
            let (words, _) = draw(TwentyOne, Spanish);
            assert!(words.contains('\u{301}'));
            words.replace('\u{301}', "")
        }),
    ] {
        push(id, comment, no, language, &words, "", &[]);
    }
    vectors
}

const fn name(language: Language) -> &'static str {
    match language {
        Language::ChineseSimplified => "chinese-simplified",
        Language::ChineseTraditional => "chinese-traditional",
        Language::Czech => "czech",
        Language::French => "french",
        Language::Italian => "italian",
        Language::Japanese => "japanese",
        Language::Korean => "korean",
        Language::Portuguese => "portuguese",
        Language::Spanish => "spanish",
        _ => "english",
    }
}
