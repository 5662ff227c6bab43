//! This crate as a program of the line protocol, for what `cross` exchanges and for every object that is read. The
//! crate's own tests make and replay all vectors; this lets them be changed byte by byte. One file for each subject.

mod devices;
mod envelopes;
mod given;
mod keyrings;
mod rooms;
mod values;

use crate::Outcome;
use sealroom::Error;
use serde_json::{Value, json};
use std::io::{BufRead, Write, stdin, stdout};

pub(crate) fn serve() -> Outcome<()> {
    let mut out = stdout().lock();
    for line in stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let (op, kind) = (request["op"].as_str().unwrap_or_default(), request["kind"].as_str().unwrap_or_default());
        let answer = match op {
            "read" => read(kind, &request),
            "seal" => seal(kind, &request),
            _ => Ok(skipped()),
        };
        let mut answer = told(answer).map_err(|error| format!("{}: {error}", request["id"]))?;
        answer["id"] = request["id"].clone();
        writeln!(out, "{answer}")?;
    }
    Ok(())
}

fn read(kind: &str, request: &Value) -> Outcome<Value> {
    match kind {
        "derive" => envelopes::derive(request),
        "sign_input" => envelopes::sign_input(request),
        "envelope" => envelopes::read_envelope(request),
        "detached_signature" => envelopes::verify(request),
        "public_identity" => envelopes::decode_identity(request),
        "transition" => envelopes::follow(request),
        "package" => rooms::read_package(request),
        "message" => rooms::read_message(request),
        "leave" => rooms::check_leave(request),
        "head" => rooms::confirm_head(request),
        "grant" => rooms::accept_grant(request),
        "state" => rooms::load_state(request),
        "segment" => keyrings::merge_segment(request),
        "keyring_state" => keyrings::load_keyring(request),
        "link_request" => devices::read_link_request(request),
        "link_answer" => devices::open_answer(request),
        "linked_state" => keyrings::load_linked(request),
        "certificate" => devices::verify_certificate(request),
        "request_proof" => devices::read_proof(request),
        "object" => values::read_object(request),
        "text" => values::read_text(request),
        "chunk_nonce" => values::chunk_nonce(request),
        "p256_key" => values::p256_key(request),
        "derive_key_pair" => values::derive_key_pair(request),
        "replays" => values::replays(request),
        "proof_sequence" => devices::read_sequence(request),
        _ => Ok(skipped()),
    }
}

fn seal(kind: &str, request: &Value) -> Outcome<Value> {
    match kind {
        "envelope" => envelopes::seal_envelope(request),
        "message" => rooms::seal_message(request),
        _ => Ok(skipped()),
    }
}

fn skipped() -> Value {
    json!({"result": "skipped", "reason": "the crate's own tests do this"})
}

/// With its result. What is no error of the crate's is a fault of this program, or of the request.
fn told(answer: Outcome<Value>) -> Outcome<Value> {
    match answer {
        Ok(mut answer) => {
            if answer["result"].is_null() {
                answer["result"] = json!("ok");
            }
            Ok(answer)
        }
        Err(error) => Ok(refusal(error.downcast_ref().ok_or(error.to_string())?)),
    }
}

/// Class, and tag where the class names one. SPEC §14, §16
fn refusal(error: &Error) -> Value {
    match error {
        Error::Room { check } => json!({"result": "room", "check": check}),
        Error::Link { check } => json!({"result": "link", "check": check}),
        Error::Proof { check } => json!({"result": "proof", "check": check}),
        error => json!({"result": class(error)}),
    }
}

fn class(error: &Error) -> &'static str {
    match error {
        // Of what is read here, a seed alone can be an argument that is none.
        Error::Malformed { .. } | Error::Argument { .. } => "malformed",
        Error::Unsupported { .. } => "unsupported",
        Error::Limit { .. } => "limit",
        Error::Signature => "signature",
        Error::UnknownEpoch { .. } | Error::UnknownIdentity { .. } => "unknown",
        _ => "decrypt",
    }
}

/// What came of a list: of the last that was refused, if one was.
fn last_refusal(answers: &[Value]) -> Value {
    answers.iter().rfind(|one| one["result"] != "ok").cloned().unwrap_or_else(|| json!({"result": "ok"}))
}
