//! The public interface of sealroom, from the JSON of rustdoc, beside the list that is kept: a change of the interface is
//! seen in a commit as a change of `api.txt`.
//!
//! `bash tests/api/run` compares, and `bash tests/api/run --write` writes the list.

use std::collections::BTreeSet;
use std::error::Error;
use std::process::ExitCode;
use std::{env, fs};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (json, kept, write) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [json, kept] => (json, kept, false),
        [json, kept, "--write"] => (json, kept, true),
        _ => return Err("usage: sealroom-api sealroom.json api.txt [--write]".into()),
    };

    // What each type has of `T: Any` and `T: Send` says little, and would be most of the list.
    let api = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()?
        .to_string();
    if write {
        fs::write(kept, api)?;
        return Ok(ExitCode::SUCCESS);
    }

    let was = fs::read_to_string(kept)?;
    if was == api {
        println!("{} items, all as in {kept}", api.lines().count());
        return Ok(ExitCode::SUCCESS);
    }
    let (before, now): (BTreeSet<&str>, BTreeSet<&str>) = (was.lines().collect(), api.lines().collect());
    before.difference(&now).for_each(|line| println!("- {line}"));
    now.difference(&before).for_each(|line| println!("+ {line}"));
    println!("the interface is not that of {kept}");
    Ok(ExitCode::FAILURE)
}
