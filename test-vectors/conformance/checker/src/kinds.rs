//! What of a vector is given, compared and consumed, for each kind. SPEC §16

use crate::Outcome;
use crate::vectors::Verdict;
use serde_json::{Map, Value, json};

struct Kind {
    name: &'static str,
    /// Objects that are read: no byte of them can be another.
    consumed: &'static [&'static str],
    /// What is not given, and has to be in the answer.
    compared: &'static [&'static str],
}

const fn kind(name: &'static str, consumed: &'static [&'static str], compared: &'static [&'static str]) -> Kind {
    Kind { name, consumed, compared }
}

const KINDS: &[Kind] = &[
    kind("derive", &[], &["output"]),
    kind("sign_input", &[], &["sha256"]),
    kind("envelope", &["envelope"], &["content", "dek", "h", "commitment"]),
    kind("detached_signature", &["signature"], &[]),
    kind("identity", &[], &["bip39_seed", "body", "fingerprint", "fingerprint_text", "keyring_key"]),
    kind("public_identity", &["identity"], &[]),
    kind("transition", &["transition"], &[]),
    kind("safety_number", &[], &["digits", "qr"]),
    kind(
        "package",
        &["package"],
        &["room_id", "epoch", "transcript", "message_key", "epoch_kek", "previous_secret", "yielding", "code"],
    ),
    kind("message", &["message", "aad"], &["sender", "device", "sequence", "content", "message_id"]),
    kind("leave", &["statement"], &["member"]),
    kind("head", &["statement", "nonce"], &[]),
    kind("grant", &["grant"], &["epochs"]),
    kind("state", &["state"], &["content"]),
    kind("settle", &[], &["transcript"]),
    kind("replays", &[], &["answers"]),
];

/// What is said about a vector, and is no input of it.
const ABOUT: &[&str] = &["comment", "flags", "result", "check", "random"];

fn of(vector: &Value) -> Outcome<&'static Kind> {
    let name = vector["kind"].as_str().ok_or("a vector without a kind")?;
    KINDS.iter().find(|kind| kind.name == name).ok_or_else(|| format!("the kind {name} is not known").into())
}

/// Whether a field is the object itself, and is compared only as written anew.
fn is_given(vector: &Value, field: &str) -> bool {
    field == "content" && vector["kind"] == "state" && vector["state"].is_null()
}

fn fields(vector: &Value) -> Outcome<Map<String, Value>> {
    Ok(vector.as_object().ok_or("a vector that is no object")?.clone())
}

/// To be read.
pub(crate) fn request(vector: &Value) -> Outcome<Value> {
    let kind = of(vector)?;
    let mut request = fields(vector)?;
    request.retain(|name, _| {
        let compared = kind.compared.contains(&name.as_str()) && !is_given(vector, name);
        !compared && !ABOUT.contains(&name.as_str())
    });
    request.insert("op".into(), json!("read"));
    Ok(Value::Object(request))
}

/// To be sealed with other random bytes, if vectors of the kind can be.
pub(crate) fn seal_request(vector: &Value) -> Outcome<Option<Value>> {
    let with_passphrase =
        |keys: &Vec<Value>| keys.iter().any(|key| key["kind"] == "passphrase" || key["kind"] == "attachment");
    let keys = vector["keys"].as_array();
    let sealed = match vector["kind"].as_str() {
        // How hard a passphrase is hashed, and the key of an attachment, a vector does not say.
        Some("envelope") => !vector["random"].is_null() && !keys.is_none_or(with_passphrase),
        Some("message") => !vector["random"].is_null(),
        _ => false,
    };
    if !sealed {
        return Ok(None);
    }
    let mut request = fields(vector)?;
    for name in of(vector)?.consumed.iter().filter(|name| **name != "aad") {
        request.remove(*name);
    }
    request.retain(|name, _| !["dek", "h", "commitment", "message_id"].contains(&name.as_str()));
    request.retain(|name, _| !ABOUT.contains(&name.as_str()));
    request.insert("op".into(), json!("seal"));
    Ok(Some(Value::Object(request)))
}

/// The vector of what a program sealed.
pub(crate) fn sealed(vector: &Value, answer: &Value) -> Outcome<Value> {
    let field = vector["kind"].as_str().ok_or("a vector without a kind")?;
    let mut sealed = fields(vector)?;
    let object = answer.get(field).ok_or("an answer without what was sealed")?;
    sealed.insert(field.into(), object.clone());
    // Others than before.
    sealed.retain(|name, _| !["dek", "h", "commitment", "message_id", "random"].contains(&name.as_str()));
    Ok(Value::Object(sealed))
}

/// Of one answer.
pub(crate) fn judge(vector: &Value, answer: Option<&Value>) -> Outcome<Verdict> {
    let Some(answer) = answer else { return Ok(Verdict::Failed("no answer".into())) };
    let (result, expected) = (outcome(answer), outcome(vector));
    if result == "skipped" {
        return Ok(Verdict::Skipped(answer["reason"].as_str().unwrap_or("no reason").into()));
    }
    if result != expected {
        let what = format!("{result} for {expected}");
        let refused = result != "ok" && expected != "ok";
        return Ok(if refused { Verdict::OtherClass(what) } else { Verdict::Failed(what) });
    }
    if expected == "ok" {
        for field in of(vector)?.compared {
            if let Some(expected) = vector.get(*field).filter(|expected| answer.get(*field) != Some(expected)) {
                let found = answer.get(*field).unwrap_or(&Value::Null);
                return Ok(Verdict::Failed(format!("{field}: {} for {}", short(found), short(expected))));
            }
        }
    }
    Ok(Verdict::Passed)
}

fn outcome(object: &Value) -> String {
    let result = object["result"].as_str().unwrap_or("no result");
    object["check"].as_str().map_or(result.to_owned(), |check| format!("{result} {check}"))
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(80).collect()
}

/// Requests with one bit changed in every so many bytes of what is consumed.
pub(crate) fn changed(vector: &Value, step: usize) -> Outcome<Vec<Value>> {
    let (request, id) = (request(vector)?, vector["id"].as_str().ok_or("a vector without an id")?);
    let mut changed = Vec::new();
    for field in of(vector)?.consumed {
        let Some(digits) = vector[*field].as_str() else { continue };
        for at in (0..digits.len() / 2).step_by(step) {
            // Another bit each time: of the first digit of the byte's two.
            let digit = digits.as_bytes().get(2 * at).copied().unwrap_or_default();
            let value = char::from(digit).to_digit(16).ok_or("a digit that is none")? ^ (1 << (at % 4));
            let new = char::from_digit(value, 16).ok_or("a digit that is none")?;
            let mut other = digits.to_owned();
            other.replace_range(2 * at..2 * at + 1, new.encode_utf8(&mut [0; 4]));
            let mut request = request.clone();
            request["id"] = json!(format!("{id}, {field} byte {at}"));
            request[*field] = json!(other);
            changed.push(request);
        }
    }
    Ok(changed)
}

/// Of an answer to what was changed.
pub(crate) fn refused(answer: &Value) -> Verdict {
    match answer["result"].as_str() {
        Some("ok") => Verdict::Failed("was read".into()),
        Some("skipped") => Verdict::Skipped(String::new()),
        Some(_) => Verdict::Passed,
        None => Verdict::Failed("no result".into()),
    }
}
