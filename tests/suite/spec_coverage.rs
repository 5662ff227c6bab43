//! SPEC.md held against the code: every requirement has a tag, every tag has code that names it and a test or vector that
//! names it, and the tables of labels and limits are the constants of `src/labels.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, str};

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The text of all files below a folder that have one of these endings.
fn read_all(folder: &str, endings: &[&str]) -> String {
    fn walk(folder: &Path, endings: &[&str], text: &mut String) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.to_string_lossy().into_owned();
            if path.is_dir() {
                walk(&path, endings, text);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                text.push_str(&fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut text = String::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), endings, &mut text);
    text
}

/// Every tag in a text: letters, a dash and two digits in square brackets.
fn tags(text: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for piece in text.split('[').skip(1) {
        if let Some((tag, _)) = piece.split_once(']')
            && let Some((area, number)) = tag.split_once('-')
            && (2..=5).contains(&area.len())
            && area.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            && number.len() == 2
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            found.insert(tag);
        }
    }
    found
}

/// Source without its `#[cfg(test)] mod tests`: what names a tag there is a test.
fn source_and_unit_tests() -> (String, String) {
    let (mut code, mut tests) = (String::new(), String::new());
    let all = read_all("src", &[".rs"]);
    let mut in_tests = false;
    for line in all.lines() {
        if line == "mod tests {" {
            in_tests = true;
        }
        let place = if in_tests { &mut tests } else { &mut code };
        place.push_str(line);
        place.push('\n');
        if line == "}" {
            in_tests = false;
        }
    }
    (code, tests)
}

#[test]
fn every_requirement_has_a_tag() {
    let spec = read("SPEC.md");
    for paragraph in spec.split("\n\n") {
        let words = |text: &str| text.split(|c: char| !c.is_ascii_uppercase()).any(|word| word == "MUST");
        let after_last_tag = paragraph.rsplit("]`").next().unwrap();
        assert!(!words(after_last_tag), "a MUST without a tag after it:\n{paragraph}");
    }
    assert!(tags(&spec).len() > 80);
}

#[test]
fn every_tag_has_code_and_a_test() {
    let spec = read("SPEC.md");
    let (code, unit_tests) = source_and_unit_tests();
    // The writer of the vectors is the code of the requirements on vectors.
    let vectors = read("tests/vectors/main.rs");
    let code = code + &vectors;
    let shown = unit_tests + &read_all("tests", &[".rs"]) + &read_all("test-vectors", &[".json", ".md", ".py"]);
    let (defined, coded, shown) = (tags(&spec), tags(&code), tags(&shown));
    let without_code: Vec<_> = defined.difference(&coded).collect();
    let without_test: Vec<_> = defined.difference(&shown).collect();
    assert!(without_code.is_empty(), "tags that no code names: {without_code:?}");
    assert!(without_test.is_empty(), "tags that no test or vector names: {without_test:?}");
    let invented: Vec<_> = coded.union(&shown).filter(|tag| !defined.contains(*tag)).collect();
    assert!(invented.is_empty(), "tags that SPEC.md does not have: {invented:?}");
}

/// The rows of the table whose header begins with `first`, as cells.
fn table<'s>(spec: &'s str, first: &str) -> Vec<Vec<&'s str>> {
    let start = spec.find(&format!("| {first} |")).unwrap();
    spec[start..]
        .lines()
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect())
        .collect()
}

/// [LAB-02]
#[test]
fn labels_are_the_table_of_labels() {
    let spec = read("SPEC.md");
    let source = read("src/labels.rs");
    let start = source.find("labels! {").unwrap();
    let block = &source[start..start + source[start..].find("\n}").unwrap()];
    let coded: Vec<_> = block
        .lines()
        .filter(|line| line.ends_with("\";"))
        .filter_map(|line| line.trim().split_once(" = \""))
        .map(|(_, text)| text.trim_end_matches("\";"))
        .collect();
    let specified: Vec<_> = table(&spec, "label").iter().map(|row| row[0]).collect();
    assert_eq!(coded.iter().collect::<BTreeSet<_>>(), specified.iter().collect());
    assert_eq!(coded.len(), specified.len(), "a label stands twice");
    // Each is used where the table says, by constant: no other file spells a label out.
    let sections: BTreeMap<_, _> = table(&spec, "label").iter().map(|row| (row[0], row[3])).collect();
    for (label, section) in sections {
        let line = format!("§{section}\n");
        let at = block.find(&format!("= \"{label}\";")).unwrap();
        let doc = block[..at].rfind("///").unwrap();
        assert!(block[doc..at].contains(line.trim_end()), "{label}: not the section of the table");
    }
}

/// What SPEC.md promises, `proofs/README.md` says who shows it: a model that is there, a test that is there, or the section
/// that argues.
#[test]
fn every_promise_has_a_model_a_test_or_an_argument() {
    let (spec, proofs, tests) = (read("SPEC.md"), read("proofs/README.md"), read_all("tests", &[".rs"]));
    let promised = table(&spec, "property");
    let shown = table(&proofs, "property");
    assert_eq!(promised.len(), 18);
    for row in &promised {
        let by = shown.iter().find(|by| by[0] == row[0]).unwrap_or_else(|| panic!("nothing shows: {}", row[0]));
        let section = row[2].trim_start_matches('§');
        assert!(by[1].split(", ").any(|named| named == section), "{}: argued in {section}, not in {}", row[0], by[1]);
        assert!(spec.contains(&format!("\n### {section} ")), "{section}");
    }
    assert_eq!(shown.len(), promised.len() + 1);
    for by in shown {
        let named: Vec<&str> = by[2..].iter().flat_map(|cell| cell.split('`')).collect();
        for model in named.iter().filter(|name| name.ends_with(".pv") || name.ends_with(".vp")) {
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("proofs").join(model).exists(), "{model}");
        }
        let names = by[3].split([' ', ',', ';', '`']).filter(|word| word.contains('_') && !word.ends_with(".rs"));
        for test in names {
            let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(test);
            assert!(tests.contains(&format!("fn {test}(")) || module.exists(), "{test}");
        }
    }
}

/// `1 << 38`, `256 * 1024`, `16_384`.
fn value(expression: &str) -> u64 {
    let number = |text: &str| text.trim().replace('_', "").parse::<u64>().unwrap();
    match expression.split_once("<<") {
        Some((base, shift)) => number(base) << number(shift),
        None => expression.split('*').map(number).product(),
    }
}

/// [LIM-00]
#[test]
fn limits_are_the_table_of_limits() {
    let spec = read("SPEC.md");
    let source = read("src/labels.rs");
    let rows = table(&spec, "tag");
    assert_eq!(rows.len(), 12);
    for row in rows {
        let (tag, limit, expected) = (row[0], row[1], row[2]);
        let at = source.find(tag).unwrap_or_else(|| panic!("{tag} is not in labels.rs"));
        let constant = source[at..].lines().nth(1).unwrap();
        let (_, expression) = constant.split_once(" = ").unwrap();
        assert_eq!(value(expression.trim_end_matches(';')), expected.parse::<u64>().unwrap(), "{tag}");
        // The error names the limit as the table does.
        if limit != "chunks" {
            assert!(read_all("src", &[".rs"]).contains(&format!("limit: \"{limit}\"")), "{limit}");
        }
    }
}
