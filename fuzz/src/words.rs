//! Words, and keys from seeds.

use crate::common::{Input, Rng};
use sealroom::{
    Error, Language, Mnemonic, P256PrivateKey, Profile, PublicIdentity, Root, RsaPublicKey, WordCount, hazmat,
};
use std::ops::ControlFlow;

const LANGUAGES: [Language; 10] = [
    Language::English,
    Language::ChineseSimplified,
    Language::ChineseTraditional,
    Language::Czech,
    Language::French,
    Language::Italian,
    Language::Japanese,
    Language::Korean,
    Language::Portuguese,
    Language::Spanish,
];

const COUNTS: [WordCount; 5] =
    [WordCount::Twelve, WordCount::Fifteen, WordCount::Eighteen, WordCount::TwentyOne, WordCount::TwentyFour];

/// Text is taken for a phrase only if it is one; seeds of any length give one key or none. [ID-01] [DET-01] [ID-04]
pub fn words(bytes: &[u8]) {
    let input = &mut Input(bytes);
    match input.byte() % 5 {
        0 => {
            if let Ok(text) = std::str::from_utf8(input.0) {
                phrase(text);
            }
        }
        1 => {
            let (language, count) = (LANGUAGES[input.place(10)], COUNTS[input.place(5)]);
            let words = Mnemonic::generate_in(count, language, &mut Rng(input.long())).unwrap();
            let words: Vec<&str> = words.words().collect();
            assert!(Mnemonic::parse_in(language, &words.join(" ")).is_ok());
            let mut text = words.join("\u{3000}").into_bytes();
            input.edit(&mut text);
            if let Ok(text) = String::from_utf8(text) {
                phrase(&text);
            }
        }
        2 => p256_seed(input.0),
        3 => {
            let bits = input.short();
            rsa_seed(input.0, bits);
        }
        _ => generations(input),
    }
}

fn phrase(text: &str) {
    let any = Mnemonic::parse(text);
    let mut taken = Vec::new();
    for language in LANGUAGES {
        if let Ok(mnemonic) = Mnemonic::parse_in(language, text) {
            let words: Vec<&str> = mnemonic.words().collect();
            assert!(matches!(words.len(), 12 | 15 | 18 | 21 | 24));
            assert_eq!(text.split_whitespace().count(), words.len());
            let again = Mnemonic::parse_in(language, &words.join(" ")).unwrap();
            assert!(again.words().eq(words.iter().copied()));
            taken.push(words);
        }
    }
    // What no language takes is no phrase; what one takes alone is this one.
    match any {
        Ok(any) => assert!(taken.contains(&any.words().collect())),
        Err(error) => {
            assert!(matches!(error, Error::Malformed { .. }));
            assert_ne!(taken.len(), 1);
        }
    }
}

fn p256_seed(seed: &[u8]) {
    match hazmat::det_keygen_p256_pkcs8(seed) {
        Ok(der) => {
            assert!(seed.len() >= 16);
            assert_eq!(hazmat::det_keygen_p256_pkcs8(seed), Ok(der.clone()));
            let key = P256PrivateKey::from_pkcs8_der(&der).unwrap();
            assert_eq!(key.to_pkcs8_der().unwrap().expose(), der);
        }
        Err(error) => {
            assert!(seed.len() < 16, "{error:?}");
        }
    }
}

fn rsa_seed(seed: &[u8], bits: usize) {
    if seed.len() < 16 || !matches!(bits, 2048 | 3072 | 4096) {
        let key = hazmat::det_keygen_rsa_pkcs8(seed, bits);
        assert!(matches!(key, Err(Error::Argument { .. })));
        return;
    }
    // A key takes as long as thousands of other inputs: one seed in a hundred or so gives one, of the least size.
    if bits == 2048 && seed.iter().fold(0, |sum: u8, byte| sum.wrapping_mul(5).wrapping_add(*byte)) < 3 {
        let key = hazmat::det_keygen_rsa_pkcs8(seed, bits).unwrap();
        assert_eq!(hazmat::rsa_pkcs8(&key).as_ref(), Ok(&key));
        // SPKI is 294 bytes long where the modulus has 2048 bits.
        let public = hazmat::rsa_spki(&key).unwrap();
        assert_eq!((public.len(), RsaPublicKey::from_spki_der(&public).unwrap().spki_der()), (294, &public[..]));
    }
}

/// Any generation of any root: an identity that is decoded, one that was given up, or the end of the generations. RSA keys
/// are given up so soon that few roots give one.
fn generations(input: &mut Input<'_>) {
    let (rsa, generation) = (input.flag(), input.long() as u32);
    let mut seed = [0; 64];
    input.take(64).iter().zip(&mut seed).for_each(|(byte, place)| *place = *byte);
    let root = Root::from_bip39_seed(&seed);
    let profile = if rsa { Profile::Rsa3072 } else { Profile::P256 };
    let mut more = input.byte() % 16;
    let watch = &mut |_| match more {
        0 => ControlFlow::Break(()),
        _ => {
            more -= 1;
            ControlFlow::Continue(())
        }
    };
    match root.identity_watched(profile, generation, watch, &mut Rng(0)) {
        Ok(identity) => {
            assert_ne!(generation, u32::MAX);
            assert_eq!(PublicIdentity::from_bytes(&identity.public().to_bytes()).as_ref(), Ok(identity.public()));
        }
        Err(Error::GivenUp) => assert!(rsa),
        Err(error) => assert_eq!((generation, error), (u32::MAX, Error::Argument { what: "the last generation" })),
    }
}
