//! Writes the corpora: `cargo run --example corpus [FOLDER]`, or to `fuzz/corpus`, where cargo-fuzz looks for them.

use sealroom_fuzz::{TARGETS, corpus};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let folder = env::args_os().nth(1).map_or_else(own, PathBuf::from);
    for (target, _) in TARGETS {
        let folder = folder.join(target);
        fs::create_dir_all(&folder)?;
        let regressions = corpus::regressions(target).into_iter().map(|(_, bytes)| bytes);
        for (number, seed) in corpus::seeds(target).into_iter().chain(regressions).enumerate() {
            fs::write(folder.join(format!("seed-{number:04}")), seed)?;
        }
    }
    Ok(())
}
