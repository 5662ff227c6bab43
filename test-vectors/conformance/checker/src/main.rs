//! Checks implementations of SPEC.md: against the vectors, and against each other. The line protocol is in `../README.md`.
//!
//! ```text
//! conformance requests > requests.jsonl           what a program is asked
//! conformance results < answers.jsonl             which vectors pass by its answers
//! conformance run "node serve.mjs"                both, with a program that speaks the line protocol
//! conformance run --mutate 7 "node serve.mjs"     every 7th byte of what is read, changed: each must be refused
//! conformance cross python="..." js="..."         what each seals, all others and this crate open
//! conformance serve                               this crate, as such a program
//! ```

#![allow(clippy::indexing_slicing, reason = "of JSON objects: what is not there is null")]

mod cross;
mod kinds;
mod program;
mod serve;
mod vectors;

use clap::{Parser, Subcommand};
use program::Program;
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, Write, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use vectors::{File, Tally};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
struct Arguments {
    /// Where the vectors are.
    #[arg(long, default_value = "test-vectors")]
    vectors: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Prints the requests, one a line.
    Requests,
    /// Reads answers, one a line, and says which vectors pass.
    Results,
    /// Asks a program, and says which vectors pass.
    Run {
        /// Run by a shell.
        program: String,
        /// Asks for changed objects instead: one bit of every Nth byte, and each must be refused.
        #[arg(long, value_name = "N")]
        mutate: Option<usize>,
    },
    /// Lets each program seal, and all others and this crate open.
    Cross {
        /// NAME=COMMAND, run by a shell.
        programs: Vec<String>,
    },
    /// Answers requests with this crate.
    Serve,
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("conformance: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<bool> {
    let Arguments { vectors, what } = Arguments::parse();
    if let What::Serve = what {
        return serve::serve().map(|()| true);
    }
    let files = vectors::load(&vectors)?;
    match what {
        What::Requests => {
            let mut out = stdout().lock();
            for request in requests(&files)? {
                writeln!(out, "{request}")?;
            }
            Ok(true)
        }
        What::Results => {
            let lines = stdin().lock().lines();
            let answers = lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect::<Outcome<Vec<Value>>>()?;
            judge(&files, answers)
        }
        What::Run { program, mutate: None } => {
            judge(&files, Program::start(&program)?.ask(requests(&files)?.into_iter().map(Ok))?)
        }
        What::Run { program, mutate: Some(step) } => mutate(&files, &program, step),
        What::Cross { programs } => cross::cross(&files, &programs),
        What::Serve => Ok(true),
    }
}

fn requests(files: &[File]) -> Outcome<Vec<Value>> {
    files.iter().flat_map(|file| &file.vectors).map(kinds::request).collect()
}

/// By the answers' ids.
fn judge(files: &[File], answers: Vec<Value>) -> Outcome<bool> {
    let mut by_id: HashMap<String, Value> = HashMap::new();
    for answer in answers {
        let id = answer["id"].as_str().ok_or("an answer without an id")?.to_owned();
        by_id.insert(id, answer);
    }
    let mut all = Tally::default();
    for file in files {
        let mut tally = Tally::default();
        for vector in &file.vectors {
            let id = vector["id"].as_str().ok_or("a vector without an id")?;
            tally.count(id, kinds::judge(vector, by_id.get(id))?);
        }
        println!("{}: {tally}", file.name);
        all.add(&tally);
    }
    println!("all: {all}");
    Ok(all.failed == 0)
}

/// Changes one bit in every so many bytes of all that reading consumes.
fn mutate(files: &[File], program: &str, step: usize) -> Outcome<bool> {
    let valid = files.iter().flat_map(|file| &file.vectors).filter(|vector| vector["result"] == "ok");
    // Vector by vector: all of them at once would be gigabytes.
    let changed = valid.flat_map(|vector| match kinds::changed(vector, step.max(1)) {
        Ok(requests) => requests.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error.to_string())],
    });
    let answers = Program::start(program)?.ask(changed)?;
    let mut tally = Tally::default();
    for answer in &answers {
        let id = answer["id"].as_str().ok_or("an answer without an id")?;
        tally.count(id, kinds::refused(answer));
    }
    println!("one bit changed: {tally}");
    Ok(tally.failed == 0)
}
