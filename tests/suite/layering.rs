//! The arrows between modules point down, backends stand behind the facade, and files stay short.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules of `src`, each of which uses only those before it: so no two can need each other.
const ORDER: &[(&str, &[&str])] = &[
    ("ground", &["error", "secret", "wire", "labels", "object", "progress", "side_by_side", "text"]),
    ("primitives", &["crypto", "derive", "det_keygen", "hpke"]),
    ("keys", &["keys", "public_identity"]),
    ("envelope", &["envelope"]),
    ("people", &["detached", "identity", "mnemonic"]),
    ("devices", &["device"]),
    ("rooms", &["epoch", "room"]),
    ("keyring", &["keyring"]),
    ("recovery", &["recovery", "succession"]),
    ("edges", &["hazmat", "inspect", "serde", "system"]),
];

/// Crates that only these files may name.
const BACKENDS: &[(&str, &[&str])] = &[
    ("aes_gcm", &["crypto/"]),
    ("argon2", &["crypto/"]),
    ("hkdf", &["crypto/"]),
    ("hmac", &["crypto/"]),
    ("p256", &["crypto/"]),
    ("pbkdf2", &["crypto/"]),
    ("rsa", &["crypto/"]),
    ("sha2", &["crypto/"]),
    ("crypto_bigint", &["crypto/", "det_keygen"]),
    ("bip39", &["mnemonic.rs"]),
    ("unicode_normalization", &["mnemonic.rs"]),
    ("base64ct", &["text.rs"]),
    ("pem_rfc7468", &["keys/pkcs.rs"]),
    ("serde", &["serde.rs"]),
    ("getrandom", &["system.rs"]),
    ("std", &["lib.rs", "crypto/awslc", "side_by_side.rs"]),
    ("aws_lc_rs", &["crypto/awslc"]),
    ("rayon", &["side_by_side"]),
];

/// A file that passes this wants to be two.
const MAX_LINES: usize = 500;

struct Source {
    /// Relative to `src`, with `/`.
    path: String,
    text: String,
    /// Without comments and without the tests at the end.
    code: String,
}

impl Source {
    /// The module of the first level that the file belongs to.
    fn module(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap()
    }
}

fn sources() -> Vec<Source> {
    fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &mut found);
    found.sort();
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        // The tests stand at the end of a file.
        let code = text.split_once("\nmod tests {").map_or(&*text, |(code, _)| code);
        let code = code.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n");
        let path = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        Source { path, text, code }
    };
    found.iter().map(read).collect()
}

fn rank(module: &str) -> usize {
    ORDER
        .iter()
        .flat_map(|(_, modules)| modules.iter())
        .position(|known| *known == module)
        .unwrap_or_else(|| panic!("say in tests/suite/layering.rs on which layer src/{module} stands"))
}

fn in_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The names that follow `prefix` in `code`, `crate::{a, b}` included.
fn names_after<'c>(code: &'c str, prefix: &str) -> Vec<&'c str> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        let listed = rest.strip_prefix('{').map_or(rest, |list| list.split('}').next().unwrap());
        let pieces: Vec<_> = if listed.len() < rest.len() { listed.split(',').collect() } else { vec![rest] };
        names.extend(pieces.into_iter().filter_map(|piece| piece.trim().split(|c| !in_name(c)).next()));
    }
    names.retain(|name| !name.is_empty());
    names
}

/// Whether a path in `code` begins with the crate `name`, rather than with a module of ours that has its name.
fn names_crate(code: &str, name: &str) -> bool {
    let imports = |line: &str| {
        let line = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
        let own = line.starts_with("use super::") || line.starts_with("use self::") || line.starts_with("use crate::");
        line.starts_with(&format!("mod {name};")) || (own && line.split(|c| !in_name(c)).any(|word| word == name))
    };
    let ours = code.lines().any(|line| imports(line.trim_start()));
    code.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = &code[..at];
        match before.strip_suffix("::") {
            Some(path) => !path.ends_with(|c| in_name(c) || c == '>'),
            None => !ours && !before.ends_with(in_name),
        }
    })
}

#[test]
fn modules_use_only_what_stands_below_them() {
    for source in sources() {
        if source.path == "lib.rs" {
            continue;
        }
        let own = rank(source.module());
        for name in names_after(&source.code, "crate::") {
            // The crate's own exports are for its users.
            assert!(
                name.starts_with(|c: char| c.is_lowercase()),
                "src/{} names crate::{name}, and not the module it is of",
                source.path
            );
            assert!(rank(name) <= own, "src/{} uses {name}, which stands above it", source.path);
        }
        // As many steps up as lead from this file to the root.
        let root = &"super::".repeat(1 + source.path.matches('/').count());
        assert!(!source.code.contains(root), "src/{} reaches other modules by `{root}`", source.path);
    }
}

#[test]
fn only_the_facade_names_backends() {
    for source in sources() {
        for (name, places) in BACKENDS {
            if names_crate(&source.code, name) {
                let allowed = places.iter().any(|place| source.path.starts_with(place));
                assert!(allowed, "src/{} names the crate {name}, which belongs to {places:?}", source.path);
            }
        }
    }
}

#[test]
fn each_layer_is_declared_in_its_place() {
    // lib.rs declares the modules layer by layer, in this order of layers.
    let library = sources().into_iter().find(|source| source.path == "lib.rs").unwrap();
    let mut last = 0;
    for module in names_after(&library.code.replace("pub mod ", "mod "), "\nmod ") {
        let layer = ORDER.iter().position(|(_, modules)| modules.contains(&module)).unwrap();
        assert!(layer >= last, "src/lib.rs declares {module} among the {}", ORDER[last].0);
        last = layer;
    }
    assert_eq!(last, ORDER.len() - 1);
}

#[test]
fn no_file_is_long() {
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(lines <= MAX_LINES, "src/{} has {lines} lines", source.path);
    }
}

#[test]
fn these_tests_see_what_they_look_for() {
    assert_eq!(
        names_after("use crate::wire::A;\nuse {crate::b, crate::{c, d::E}};", "crate::"),
        ["wire", "b", "c", "d"]
    );
    assert!(names_crate("use p256::A;", "p256"));
    assert!(names_crate("let a = ::p256::a();", "p256"));
    assert!(names_crate("x: p256::A", "p256"));
    assert!(!names_crate("use super::recipient::{A, p256};\nlet a = p256::a();", "p256"));
    assert!(!names_crate("super::rsa::a(); my_rsa::b();", "rsa"));
    assert!(names_crate("mod sha2_like;\nuse sha2::Sha256;", "sha2"));
}
