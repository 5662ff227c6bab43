//! What the fuzzer begins with, made of the test vectors: the same in every run, and too much to be checked in.

use crate::common::Rng;
use rand_core::Rng as _;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The longest input that the targets are given.
pub const MAX_LEN: usize = 4096;

/// Stories and other scripts of which no vector has any.
const SCRIPTS: u64 = 48;

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors")
}

/// Every file of the numbered folders.
fn files() -> Vec<Value> {
    let list = |folder: &Path| {
        let mut paths: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let is_numbered = |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes()[0].is_ascii_digit());
    let folders = list(&vectors()).into_iter().filter(is_numbered);
    let paths = folders.flat_map(|folder| list(&folder));
    paths.map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
}

/// The strings in a vector, and below which names they stand.
fn strings<'v>(value: &'v Value, name: &'v str, found: &mut Vec<(&'v str, &'v str)>) {
    match value {
        Value::String(text) => found.push((name, text)),
        Value::Array(values) => values.iter().for_each(|value| strings(value, name, found)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| strings(value, name, found)),
        _ => {}
    }
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    hex.len().is_multiple_of(2).then(|| hex.as_bytes().chunks(2).map(pair).collect()).flatten()
}

/// The RSA key of 2048 bits of the vectors, PKCS#8: to find one takes seconds.
pub(crate) fn rsa_2048() -> Vec<u8> {
    let path = vectors().join("11-identities/rsa_keys.json");
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let key = file["vectors"].as_array().unwrap().iter().find(|vector| vector["id"] == "rsa-key-2048").unwrap();
    bytes_of(key["pkcs8"].as_str().unwrap()).unwrap()
}

/// The seeds of a target, each once.
#[must_use]
pub fn seeds(target: &str) -> BTreeSet<Vec<u8>> {
    let files = files();
    let mut found = Vec::new();
    files.iter().for_each(|file| strings(file, "", &mut found));
    let is_text = |name: &str| matches!(name, "text" | "words" | "proof" | "fingerprint_text" | "qr");
    let object = |bytes: &Vec<u8>| bytes.starts_with(b"SLRM");
    let objects = || found.iter().filter_map(|(_, text)| bytes_of(text)).filter(object);
    let named = |wanted: &'static [&str]| {
        found.iter().filter(move |(name, _)| wanted.contains(name)).filter_map(|(_, text)| bytes_of(text))
    };
    let texts = || found.iter().filter(|(name, _)| is_text(name)).map(|(_, text)| text.as_bytes().to_vec());
    let after = |first: u8, bytes: Vec<u8>| [&[first], &bytes[..]].concat();
    let mut seeds: BTreeSet<Vec<u8>> = match target {
        "decode" => objects()
            .chain(texts())
            .chain(texts().map(|text| serde_json::to_vec(&String::from_utf8_lossy(&text)).unwrap()))
            .chain(named(&["spki", "pkcs8", "content", "public_key"]))
            .collect(),
        "words" => {
            let phrases = texts().map(|text| after(0, text));
            // Of 2048 bits.
            let rsa = [[&[3, 8, 0], &[0; 16][..]].concat()];
            phrases
                .chain(rsa)
                .chain(named(&["seed"]).flat_map(|seed| [after(2, seed.clone()), after(3, seed)]))
                .collect()
        }
        "open" => {
            // One bit of each kind, at places all over it.
            let flips =
                (0..192_u16).map(|n| [&[(n % 48) as u8, 0, 0, 1, 2][..], &(n * 331).to_be_bytes(), &[1]].concat());
            flips.chain(named(&["envelope"])).collect()
        }
        "stream" => (0..=255).map(|kind| [kind; 24].to_vec()).collect(),
        "room" => named(&["package", "grant", "message"]).map(|bytes| after(0, bytes)).collect(),
        // A certificate and a proof, as they are, at the times before and after which they are refused.
        "device" => (66..70)
            .chain(186..190)
            .flat_map(|near| {
                let certificate = |edge| vec![2, 0, 60, edge, near, 0, 0];
                [certificate(0), certificate(2), vec![3, 0, 60, 1, near, 7, 1, 128, 0, 0]]
            })
            .collect(),
        // A message of four bytes, and one byte of its plaintext changed: who sent it, on which device, as which one, the
        // signature, the content.
        "story" => [3, 10, 19, 50, 87, 90]
            .map(|at| vec![0x0e, 8, 0, 4, 1, 2, 3, 4, 0, 0, 14, 0, 0, 1, 2, 0, at, 0, 1, 4])
            .into(),
        _ => BTreeSet::new(),
    };
    for script in 0..if target == "decode" { 0 } else { SCRIPTS } {
        let mut bytes = vec![0; 16 << (script % 5)];
        let mut rng = Rng(script);
        rng.fill_bytes(&mut bytes);
        // Long runs of changes hide all else: fewer of them.
        bytes.iter_mut().for_each(|byte| *byte >>= rng.next_u32() % 8);
        seeds.insert(bytes);
    }
    seeds.retain(|seed| seed.len() <= MAX_LEN);
    seeds
}

/// Inputs that failed once.
#[must_use]
pub fn regressions(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions").join(target);
    let paths = folder.read_dir().into_iter().flatten().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}
