//! The files of vectors, and what is counted of them.

use crate::Outcome;
use serde_json::Value;
use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// A file of vectors.
pub(crate) struct File {
    /// Folder and name.
    pub(crate) name: String,
    pub(crate) vectors: Vec<Value>,
}

/// All files of the folders that are named by a section's number, by name.
pub(crate) fn load(directory: &Path) -> Outcome<Vec<File>> {
    let mut files = Vec::new();
    for folder in entries(directory)? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !folder.is_dir() || !name.starts_with(|first: char| first.is_ascii_digit()) {
            continue;
        }
        for path in entries(&folder)? {
            let mut file: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
            let vectors = file["vectors"].as_array_mut().map(std::mem::take).ok_or("a file without vectors")?;
            let name = format!("{name}/{}", path.file_name().unwrap_or_default().to_string_lossy());
            files.push(File { name, vectors });
        }
    }
    let mut ids = HashSet::new();
    for vector in files.iter().flat_map(|file| &file.vectors) {
        let id = vector["id"].as_str().ok_or("a vector without an id")?;
        if !ids.insert(id.to_owned()) {
            return Err(format!("two vectors are called {id}").into());
        }
    }
    if files.is_empty() { Err("no vectors there".into()) } else { Ok(files) }
}

fn entries(directory: &Path) -> Outcome<Vec<PathBuf>> {
    let mut paths = fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<Outcome<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// What came of a vector.
pub(crate) enum Verdict {
    Passed,
    /// Refused as it should be, for another reason than the one given: [VEC-02] lets it.
    OtherClass(String),
    Skipped(String),
    Failed(String),
}

#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    skipped: usize,
    other_class: usize,
}

impl Tally {
    /// Tells at once what did not just pass.
    pub(crate) fn count(&mut self, id: &str, verdict: Verdict) {
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::OtherClass(what) => {
                println!("  {id}: another class of error: {what}");
                (self.passed, self.other_class) = (self.passed + 1, self.other_class + 1);
            }
            Verdict::Skipped(reason) => {
                if !reason.is_empty() {
                    println!("  {id}: skipped: {reason}");
                }
                self.skipped += 1;
            }
            Verdict::Failed(what) => {
                println!("  {id}: FAILED: {what}");
                self.failed += 1;
            }
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.other_class += other.other_class;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        if self.other_class > 0 {
            write!(f, ", {} of another class", self.other_class)?;
        }
        Ok(())
    }
}
