//! The vectors of BIP-39 in all languages, as Trezor publishes them, and phrases that are none.

use cpu_time::ThreadTime;
use rand_core::{Infallible, TryCryptoRng, TryRng};
use sealroom::{Error, Language, Mnemonic, WordCount};
use serde_json::Value;
use std::collections::BTreeMap;

/// A generator that gives out bytes that are known.
struct Given(Vec<u8>);

impl TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("entropy is drawn as bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("entropy is drawn as bytes")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.copy_from_slice(&self.0.drain(..out.len()).collect::<Vec<u8>>());
        Ok(())
    }
}

impl TryCryptoRng for Given {}

fn vectors() -> BTreeMap<String, Vec<[String; 4]>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/test-vectors/external/bip39-trezor-vectors.json");
    let vectors: BTreeMap<String, Vec<Value>> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let row = |row: Value| serde_json::from_value(row).unwrap();
    vectors.into_iter().map(|(language, rows)| (language, rows.into_iter().map(row).collect())).collect()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn language(name: &str) -> Option<Language> {
    Some(match name {
        "english" => Language::English,
        "chinese_simplified" => Language::ChineseSimplified,
        "chinese_traditional" => Language::ChineseTraditional,
        "czech" => Language::Czech,
        "french" => Language::French,
        "italian" => Language::Italian,
        "japanese" => Language::Japanese,
        "korean" => Language::Korean,
        "portuguese" => Language::Portuguese,
        "spanish" => Language::Spanish,
        _ => return None,
    })
}

const REFUSED: Option<Error> = Some(Error::Malformed { field: "mnemonic" });

/// [ID-01] [ID-02]
#[test]
fn words_and_seeds_are_those_of_the_vectors() {
    let (mut rows_of, mut skipped) = (BTreeMap::new(), Vec::new());
    let (mut detected, mut ambiguous) = (0, Vec::new());
    for (name, rows) in vectors() {
        let Some(language) = language(&name) else {
            skipped.push(name);
            continue;
        };
        assert_eq!(rows.len(), 24, "{name}");
        for [entropy, words, seed, _] in rows {
            let entropy = hex(&entropy);
            let (count, len) = match entropy.len() {
                16 => (WordCount::Twelve, 12),
                24 => (WordCount::Eighteen, 18),
                _ => (WordCount::TwentyFour, 24),
            };
            let parsed = Mnemonic::parse_in(language, &words).unwrap();
            assert_eq!(parsed.to_bip39_seed("TREZOR"), *hex(&seed), "{name} {words}");
            assert_ne!(parsed.to_bip39_seed(""), *hex(&seed));
            assert!(parsed.words().eq(words.split_whitespace()), "{name} {words}");
            assert_eq!(parsed.words().count(), len);

            let drawn = Mnemonic::generate_in(count, language, &mut Given(entropy)).unwrap();
            assert!(drawn.words().eq(words.split_whitespace()), "{name} {words}");
            assert_eq!(drawn.to_bip39_seed("TREZOR"), *hex(&seed));

            match Mnemonic::parse(&words) {
                // Words that are in two lists give the same seed by either: the seed is of the words.
                Ok(parsed) => {
                    assert_eq!(parsed.to_bip39_seed("TREZOR"), *hex(&seed));
                    detected += 1;
                }
                Err(error) => {
                    assert_eq!(Some(error), REFUSED);
                    ambiguous.push(name.clone());
                }
            }
            *rows_of.entry(len).or_insert(0) += 1;
        }
    }
    assert_eq!(skipped, ["russian", "turkish"]);
    assert_eq!(rows_of, [(12, 80), (18, 80), (24, 80)].into());
    // Four phrases of characters that stand at the same places of both Chinese lists.
    ambiguous.dedup_by(|a, b| a == b);
    assert_eq!((detected, ambiguous), (232, vec!["chinese_simplified".into(), "chinese_traditional".into()]));
}

/// [ID-01] of all last words, the share that the checksum's 4, 6 or 8 bits leave.
#[test]
fn checksum() {
    let vectors = vectors();
    for (count, accepted) in [(12, 2048 >> 4), (18, 2048 >> 6), (24, 2048 >> 8)] {
        let [_, words, ..] = vectors["english"].iter().find(|row| row[1].split(' ').count() == count).unwrap();
        let (rest, last) = words.rsplit_once(' ').unwrap();
        let mut right = Vec::new();
        for word in bip39::Language::English.word_list() {
            match Mnemonic::parse_in(Language::English, &format!("{rest} {word}")) {
                Ok(parsed) => right.push(parsed.words().last().unwrap()),
                Err(error) => assert_eq!(Some(error), REFUSED),
            }
        }
        assert_eq!(right.len(), accepted, "{words}");
        assert!(right.contains(&last));
    }
}

/// [ID-01]
#[test]
fn phrases_that_are_none_are_refused() {
    let twelve = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    let refused = |words: &str| {
        assert_eq!(Mnemonic::parse_in(Language::English, words).err(), REFUSED, "{words}");
        assert_eq!(Mnemonic::parse(words).err(), REFUSED, "{words}");
    };
    assert!(Mnemonic::parse(twelve).is_ok());
    // Every number of words. In the five that there are, it is the checksum that refuses these.
    for count in 0..=40 {
        refused(&vec!["abandon"; count].join(" "));
    }
    // One word more or less, also where what is left or repeated is right.
    refused(twelve.rsplit_once(' ').unwrap().0);
    refused(&format!("{twelve} abandon"));
    refused(&format!("{twelve} {twelve}"));
    // Two words changed round.
    refused("winner legal thank year wave sausage worth useful legal winner thank yellow");
    // Words that are in no list, or not as they are written there.
    for word in ["legale", "lega", "Legal", "LEGAL", "legal.", "leg\u{200b}al", "1028", "\u{ff4c}egalo"] {
        refused(&twelve.replacen("legal", word, 1));
    }
    refused(&twelve.replace(' ', ","));
    // Words, then more of anything than a phrase has.
    for more in ["abandon ".repeat(13), "a".repeat(65), "\u{fdfa}".repeat(65)] {
        refused(&format!("{twelve} {more}"));
    }
    // Of another language than the one asked for.
    assert_eq!(Mnemonic::parse_in(Language::Italian, twelve).err(), REFUSED);
}

/// [ID-02] how words and passphrase are typed makes no other seed.
#[test]
fn typing() {
    let seed = |words: &str| Mnemonic::parse(words).unwrap().to_bip39_seed("");
    let twelve = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    for space in ["  ", "\t", "\n", "\r\n", "\u{3000}", "\u{a0}"] {
        assert_eq!(seed(&format!("{space}{}{space}", twelve.replace(' ', space))), seed(twelve));
    }
    // Accents as one character or two; width as a Japanese keyboard gives it.
    let spanish = |word: &str| format!("{} abierto", [word; 11].join(" "));
    assert_eq!(seed(&spanish("\u{e1}baco")), seed(&spanish("a\u{301}baco")));
    assert_eq!(Mnemonic::parse(&spanish("abaco")).err(), REFUSED);
    let japanese = |last: &str| format!("{}\u{3000}{last}", ["あいこくしん"; 11].join("\u{3000}"));
    assert_eq!(seed(&japanese("あお\u{305e}ら")), seed(&japanese("あお\u{305d}\u{3099}ら")));
    assert_eq!(seed(&twelve.replace("legal", "\u{ff4c}egal")), seed(twelve));

    let mnemonic = Mnemonic::parse(twelve).unwrap();
    assert_eq!(mnemonic.to_bip39_seed("\u{e9}"), mnemonic.to_bip39_seed("e\u{301}"));
    assert_ne!(mnemonic.to_bip39_seed("\u{e9}"), mnemonic.to_bip39_seed("e"));
    assert_ne!(mnemonic.to_bip39_seed(" "), mnemonic.to_bip39_seed(""));
}

/// Each word of each list, in characters of as many bytes as there are, and with much white space.
#[test]
fn the_longest_phrases_are_taken() {
    // Letters of mathematics, which NFKD makes plain: four bytes each.
    let bold = |one: char| match one {
        'a'..='z' => char::from_u32(0x1d41a + u32::from(one) - u32::from('a')).unwrap(),
        other => other,
    };
    for language in [
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
    ] {
        // Entropy by which the words at these places come first, and a last one that is right.
        for first in (0..2048_u32).step_by(23) {
            let bits: Vec<bool> =
                (first..first + 24).flat_map(|n| (0..11).map(move |bit| n >> (10 - bit) & 1 == 1)).collect();
            let byte = |bits: &[bool]| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
            let entropy = bits.chunks(8).map(byte).take(32).collect();
            let drawn = Mnemonic::generate_in(WordCount::TwentyFour, language, &mut Given(entropy)).unwrap();
            let space = "\u{3000}".repeat(999);
            let word = |word: &str| word.chars().map(bold).collect::<String>() + &space;
            let typed: String = drawn.words().map(word).collect();
            let parsed = Mnemonic::parse_in(language, &typed).unwrap();
            assert!(parsed.words().eq(drawn.words()), "{typed}");
        }
    }
}

/// Every character, and marks in any order, come to what the crate `unicode-normalization` makes of them. [ID-02]
#[test]
fn passphrases_are_in_nfkd() {
    let mnemonic =
        Mnemonic::parse(&vec!["abandon"; 11].into_iter().chain(["about"]).collect::<Vec<_>>().join(" ")).unwrap();
    let other = bip39::Mnemonic::parse_normalized(&mnemonic.words().collect::<Vec<_>>().join(" ")).unwrap();
    let same = |text: &str| assert_eq!(mnemonic.to_bip39_seed(text), other.to_seed(text), "{:?}", text.get(..99));
    same(&('\0'..=char::MAX).collect::<String>());
    same(&('\0'..=char::MAX).rev().collect::<String>());
    // Marks of all classes in runs of one to forty, at the start too.
    let marks: Vec<char> =
        ('\u{300}'..='\u{36f}').chain(['\u{3099}', '\u{5b0}', '\u{5b1}', '\u{94d}', '\u{e38}']).collect();
    for run in 1..40 {
        let place = |n: usize| if n % (run + 1) == run { '\u{1ec7}' } else { marks[n * n * 7 % marks.len()] };
        same(&(0..400).map(place).collect::<String>());
    }
}

/// What is no phrase costs no more than to look for its words, however long it is.
#[test]
fn long_texts_are_refused_early() {
    for text in ["a", "a ", "\u{e9}", "\u{fdfa}", "abandon ", "\u{3000}"] {
        let text = text.repeat(2_000_000);
        let start = ThreadTime::now();
        assert_eq!(Mnemonic::parse(&text).err(), REFUSED);
        assert_eq!(Mnemonic::parse_in(Language::French, &text).err(), REFUSED);
        let took = start.elapsed();
        assert!(took.as_millis() < 500, "{took:?} for {} bytes", text.len());
    }
}
