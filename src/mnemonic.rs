//! Mnemonics: the words from which an identity comes back. BIP-39; SPEC §11.1.

use crate::crypto::Random;
use crate::error::Error;
use crate::identity::Root;
use crate::secret::Secret;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use rand_core::TryCryptoRng;
use unicode_normalization::char::{canonical_combining_class, decompose_compatible};
use zeroize::{Zeroize, Zeroizing};

/// The most words of a phrase, and bytes that no word is longer than, however it is typed: 16 characters.
const MAX_WORDS: usize = 24;
const MAX_WORD_LEN: usize = 64;

const MALFORMED: Error = Error::Malformed { field: "mnemonic" };

/// How many words a new mnemonic has, and how many bits of entropy they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum WordCount {
    /// 128 bits.
    Twelve,
    /// 160 bits.
    Fifteen,
    /// 192 bits: what det-keygen asks for against attacks on many targets at once.
    Eighteen,
    /// 224 bits.
    TwentyOne,
    /// 256 bits.
    #[default]
    TwentyFour,
}

impl WordCount {
    const fn entropy_len(self) -> usize {
        match self {
            Self::Twelve => 16,
            Self::Fifteen => 20,
            Self::Eighteen => 24,
            Self::TwentyOne => 28,
            Self::TwentyFour => 32,
        }
    }
}

/// A word list of BIP-39.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names say it")]
pub enum Language {
    #[default]
    English,
    ChineseSimplified,
    ChineseTraditional,
    Czech,
    French,
    Italian,
    Japanese,
    Korean,
    Portuguese,
    Spanish,
}

impl Language {
    const fn list(self) -> bip39::Language {
        match self {
            Self::English => bip39::Language::English,
            Self::ChineseSimplified => bip39::Language::SimplifiedChinese,
            Self::ChineseTraditional => bip39::Language::TraditionalChinese,
            Self::Czech => bip39::Language::Czech,
            Self::French => bip39::Language::French,
            Self::Italian => bip39::Language::Italian,
            Self::Japanese => bip39::Language::Japanese,
            Self::Korean => bip39::Language::Korean,
            Self::Portuguese => bip39::Language::Portuguese,
            Self::Spanish => bip39::Language::Spanish,
        }
    }
}

/// 12 to 24 words with a right checksum. Zeroized on drop. [ID-01]
#[derive(Clone)]
pub struct Mnemonic(bip39::Mnemonic);

impl Mnemonic {
    /// Draws 24 English words: 256 bits.
    ///
    /// # Errors
    /// [`Error::Generator`] if the generator failed.
    pub fn generate(rng: &mut impl TryCryptoRng) -> Result<Self, Error> {
        Self::generate_in(WordCount::default(), Language::default(), rng)
    }

    /// Draws as many words as are asked for, in a language.
    ///
    /// # Errors
    /// [`Error::Generator`] if the generator failed.
    pub fn generate_in(count: WordCount, language: Language, rng: &mut impl TryCryptoRng) -> Result<Self, Error> {
        let mut entropy = Secret::<32>::zero();
        let used = entropy.expose_mut().get_mut(..count.entropy_len()).unwrap_or_default();
        rng.fill(used)?;
        let words = bip39::Mnemonic::from_entropy_in(language.list(), used);
        words.map(Self).map_err(|_| Error::Argument { what: "entropy" })
    }

    /// Reads words, in any language of [`Language`], with white space between them.
    ///
    /// # Errors
    /// [`Error::Malformed`] for another number of words than 12, 15, 18, 21 or 24, an unknown word, a wrong checksum, or
    /// words that two languages share and read differently (then use [`parse_in`](Self::parse_in)). [ID-01]
    pub fn parse(words: &str) -> Result<Self, Error> {
        bip39::Mnemonic::parse_normalized(&typed(words)?).map(Self).map_err(|_| MALFORMED)
    }

    /// Reads words of one language.
    ///
    /// # Errors
    /// [`Error::Malformed`] as for [`parse`](Self::parse). [ID-01]
    pub fn parse_in(language: Language, words: &str) -> Result<Self, Error> {
        let words = typed(words)?;
        bip39::Mnemonic::parse_in_normalized(language.list(), &words).map(Self).map_err(|_| MALFORMED)
    }

    /// The words, to be shown to their owner and to nobody else.
    pub fn words(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.words()
    }

    /// The root of all keys, without a BIP-39 passphrase. SPEC §11.2
    #[must_use]
    pub fn root(&self) -> Root {
        self.root_with_passphrase("")
    }

    /// The root of all keys, with a BIP-39 passphrase: other keys for each one, and no error for a wrong one. [ID-02]
    #[must_use]
    pub fn root_with_passphrase(&self, passphrase: &str) -> Root {
        let mut seed = self.0.to_seed_normalized(&nfkd(passphrase.chars()));
        let root = Root::from_bip39_seed(&seed);
        seed.zeroize();
        root
    }

    /// The BIP-39 seed, 64 bytes, for tests against BIP-39's own vectors.
    #[cfg(feature = "hazmat")]
    #[must_use]
    pub fn to_bip39_seed(&self, passphrase: &str) -> [u8; 64] {
        self.0.to_seed_normalized(&nfkd(passphrase.chars()))
    }
}

/// Words as they are compared, with one space after each. What can be no phrase is refused before it costs anything.
fn typed(words: &str) -> Result<Zeroizing<String>, Error> {
    // Each character stands for one or more in NFKD, and white space for white space.
    let fits = |(number, word): (usize, &str)| number < MAX_WORDS && word.len() <= MAX_WORD_LEN;
    if !words.split_whitespace().enumerate().all(fits) {
        return Err(MALFORMED);
    }
    Ok(nfkd(words.split_whitespace().flat_map(|word| word.chars().chain([' ']))))
}

/// The text in NFKD. The crates `bip39` and `unicode-normalization` would leave copies of it in memory.
fn nfkd(text: impl Iterator<Item = char> + Clone) -> Zeroizing<String> {
    let each = |take: &mut dyn FnMut(char)| text.clone().for_each(|one| decompose_compatible(one, &mut *take));
    let (mut count, mut len) = (0_usize, 0_usize);
    each(&mut |one| {
        count = count.saturating_add(1);
        len = len.saturating_add(one.len_utf8());
    });
    // As much as they will ever hold, so that no copy is left behind.
    let mut chars = Zeroizing::new(Vec::with_capacity(count));
    each(&mut |one| chars.push(one));
    // What combines with a character is in the order of its class. Up to a thousand are sorted without memory of their own.
    for run in chars.chunk_by_mut(|_, next| canonical_combining_class(*next) != 0) {
        run.sort_by_key(|one| canonical_combining_class(*one));
    }
    let mut text = Zeroizing::new(String::with_capacity(len));
    text.extend(chars.iter());
    text
}

impl fmt::Debug for Mnemonic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mnemonic(..)")
    }
}
