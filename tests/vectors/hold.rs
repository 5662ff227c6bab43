//! The form of the files, and the notes on their flags. SPEC §16 [VEC-01]

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Tables of `| flag | tags | which bug it catches |`.
const NOTES: [&str; 5] = [
    include_str!("notes/forms.md"),
    include_str!("notes/envelopes.md"),
    include_str!("notes/identities.md"),
    include_str!("notes/rooms.md"),
    include_str!("notes/devices.md"),
];
/// `| file | tags |`: what the valid vectors of each file show.
const VALID: &str = include_str!("notes/valid.md");
/// `| tag | why |`: what no vector can show.
const NONE: &str = include_str!("notes/none.md");

pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("test-vectors").join(name)
}

/// The rows of a table, without its two first lines.
fn rows(table: &str) -> Vec<Vec<&str>> {
    let rows = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| flag |"));
    let rows = rows.filter(|line| !line.starts_with("| file |") && !line.starts_with("| tag |"));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

fn tags(cell: &str) -> Vec<&str> {
    cell.split(' ').filter(|tag| !tag.is_empty()).collect()
}

/// Every flag's tags and the bug that it catches.
fn notes() -> BTreeMap<&'static str, Value> {
    let mut notes = BTreeMap::new();
    for row in NOTES.iter().flat_map(|table| rows(table)) {
        let [flag, tagged, catches] = row[..] else { panic!("{row:?}") };
        assert!(!tags(tagged).is_empty() && catches.len() > 10, "{flag}");
        let note = json!({"tags": tags(tagged), "catches": catches});
        assert!(notes.insert(flag, note).is_none(), "{flag} has two notes");
    }
    notes
}

/// The flags of a vector of that id: `valid`, or its one fault, which the id names.
pub(crate) fn flags(id: &str, result: impl Outcome) -> Vec<String> {
    vec![if result.is_ok() { "valid" } else { id }.to_owned()]
}

/// What a vector's result is written as.
pub(crate) trait Outcome {
    fn is_ok(&self) -> bool;
}

impl Outcome for &str {
    fn is_ok(&self) -> bool {
        *self == "ok"
    }
}

impl Outcome for (&str, Option<&str>) {
    fn is_ok(&self) -> bool {
        self.0 == "ok"
    }
}

/// Whether all numbers are below 2^53.
fn exact(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.iter().all(exact),
        Value::Object(fields) => fields.values().all(exact),
        Value::Number(number) => number.as_u64().is_some_and(|number| number < 1 << 53),
        _ => true,
    }
}

/// Compares with, or writes, one file.
pub(crate) fn hold(name: &str, section: &str, comment: &str, vectors: Vec<Value>) {
    let mut ids: Vec<_> = vectors.iter().map(|vector| vector["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), vectors.len(), "an id stands twice in {name}");
    let (known, mut notes) = (notes(), Map::new());
    for flag in vectors.iter().flat_map(|vector| vector["flags"].as_array().unwrap()) {
        let flag = flag.as_str().unwrap();
        let note = match flag {
            "valid" => json!({"tags": tags(rows(VALID).iter().find(|row| row[0] == name).expect(name)[1])}),
            _ => known.get(flag).unwrap_or_else(|| panic!("{name}: no note on the flag {flag}")).clone(),
        };
        notes.insert(flag.to_owned(), note);
    }
    let file = json!({"section": section, "comment": comment, "notes": notes, "vectors": vectors});
    let made = serde_json::to_string_pretty(&file).unwrap();
    assert!(made.len() < 1_500_000, "{name} is too large");
    assert!(exact(&file), "{name} has a number that not every reader of JSON reads exactly");
    if writes() {
        std::fs::create_dir_all(path(name).parent().unwrap()).unwrap();
        std::fs::write(path(name), made.clone() + "\n").unwrap();
    }
    let kept = std::fs::read_to_string(path(name)).unwrap_or_default();
    assert!(kept.trim_end() == made, "{name} is not what this code makes");
}

pub(crate) fn writes() -> bool {
    std::env::var_os("SEALROOM_WRITE_VECTORS").is_some()
}

/// All files that are checked in, by name.
pub(crate) fn files() -> BTreeMap<String, Value> {
    let mut files = BTreeMap::new();
    for folder in std::fs::read_dir(path("")).unwrap().map(|entry| entry.unwrap()) {
        let name = folder.file_name().into_string().unwrap();
        if !name.as_bytes()[0].is_ascii_digit() {
            continue;
        }
        for file in std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap()) {
            let text = std::fs::read_to_string(file.path()).unwrap();
            let name = format!("{name}/{}", file.file_name().into_string().unwrap());
            files.insert(name, serde_json::from_str(&text).unwrap());
        }
    }
    files
}

/// Every note is of a flag that some vector has, and every file's valid vectors show something.
#[test]
fn every_note_is_used() {
    if writes() {
        return; // the files are not there yet
    }
    let files = files();
    let used: BTreeSet<&str> =
        files.values().flat_map(|file| file["notes"].as_object().unwrap().keys().map(String::as_str)).collect();
    let unused: Vec<_> = notes().into_keys().filter(|flag| !used.contains(flag)).collect();
    assert!(unused.is_empty(), "notes on flags that no vector has: {unused:?}");
    let unknown: Vec<_> = rows(VALID).into_iter().filter(|row| !files.contains_key(row[0])).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let mut ids = BTreeSet::new();
    for vector in files.values().flat_map(|file| file["vectors"].as_array().unwrap()) {
        assert!(ids.insert(vector["id"].as_str().unwrap()), "{} stands in two files", vector["id"]);
    }
}

/// Every tag of SPEC.md is named by a vector, or it is said why none can name it. [VEC-01]
#[test]
fn every_tag_is_shown() {
    if writes() {
        return;
    }
    let spec = std::fs::read_to_string(path("../SPEC.md")).unwrap();
    let is_tag = |text: &&str| {
        text.split_once('-').is_some_and(|(area, number)| {
            (2..=5).contains(&area.len())
                && area.bytes().all(|byte| byte.is_ascii_uppercase())
                && number.len() == 2
                && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let pieces = spec.split('[').skip(1).filter_map(|piece| Some(piece.split_once(']')?.0));
    let defined: BTreeSet<&str> = pieces.filter(is_tag).collect();
    let files = files();
    let noted = files.values().flat_map(|file| file["notes"].as_object().unwrap().values());
    let shown: BTreeSet<&str> =
        noted.flat_map(|note| note["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap())).collect();
    let none: BTreeSet<&str> = rows(NONE).iter().map(|row| row[0]).collect();
    assert!(rows(NONE).iter().all(|row| row[1].len() > 10));
    let invented: Vec<_> = shown.union(&none).filter(|tag| !defined.contains(*tag)).collect();
    assert!(invented.is_empty(), "tags that SPEC.md does not have: {invented:?}");
    let both: Vec<_> = shown.intersection(&none).collect();
    assert!(both.is_empty(), "tags that a vector names after all: {both:?}");
    let missing: Vec<_> = defined.iter().filter(|tag| !shown.contains(*tag) && !none.contains(*tag)).collect();
    assert!(missing.is_empty(), "tags that no vector names: {missing:?}");
}

/// Class, and the refused tag where there is one.
pub(crate) type Expected = (&'static str, Option<&'static str>);

pub(crate) const OK: Expected = ("ok", None);

/// A vector of these fields, whose flag is its id unless it is valid.
pub(crate) fn vector(kind: &str, id: &str, comment: &str, expected: Expected, fields: Value) -> Value {
    let flags = flags(id, expected);
    let mut vector = json!({"id": id, "comment": comment, "flags": flags, "kind": kind, "result": expected.0});
    if let Some(check) = expected.1 {
        vector["check"] = json!(check);
    }
    let Value::Object(fields) = fields else { panic!("{id}") };
    vector.as_object_mut().unwrap().extend(fields);
    vector
}
