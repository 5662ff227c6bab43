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

/// Kind, consumed, compared.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

const KINDS: &[Row] = &[
    ("vector", &[], &["content"]),
    ("object", &[], &["type"]),
    ("text", &[], &["bytes"]),
    ("room_id", &[], &["room_id"]),
    ("derive", &[], &["output"]),
    ("sign_input", &[], &["sha256"]),
    ("bare_key", &[], &["recipient_id", "key_id"]),
    (
        "wrap",
        &[],
        &[
            "dek",
            "info",
            "enc",
            "dh",
            "shared_secret",
            "hpke_key",
            "hpke_nonce",
            "entry",
            "key_id",
            "message",
            "wrapping_key",
            "rounds",
        ],
    ),
    ("layout", &[], &["plaintext_length", "chunks", "last_chunk", "payload_length"]),
    ("padme", &[], &["padded"]),
    ("padme_range", &[], &["sha256"]),
    ("payload_range", &[], &["sha256"]),
    ("chunks", &[], &["chunk_hashes", "sha256"]),
    ("chunk_nonce", &[], &["nonce"]),
    ("read_at", &[], &["content_length"]),
    ("envelope", &["envelope"], &["content", "dek", "h", "commitment"]),
    ("detached_signature", &["signature", "identity", "context", "content"], &[]),
    ("identity", &[], &["bip39_seed", "body", "fingerprint", "fingerprint_text", "keyring_key"]),
    ("mnemonic", &[], &["entropy", "bip39_seed"]),
    ("rsa_key", &[], &["p", "q", "modulus", "pkcs8", "p_candidates", "q_candidates"]),
    ("p256_key", &[], &["scalar", "public_key", "pkcs8"]),
    ("derive_key_pair", &[], &["scalar", "public_key"]),
    ("public_identity", &["identity"], &[]),
    ("transition", &["transition", "old"], &[]),
    ("safety_number", &[], &["digits", "qr"]),
    (
        "package",
        &["package"],
        &["room_id", "epoch", "transcript", "message_key", "epoch_kek", "previous_secret", "yielding", "code"],
    ),
    ("message", &["message", "aad"], &["sender", "device", "sequence", "content", "message_id"]),
    ("leave", &["statement"], &["member"]),
    ("head", &["statement", "nonce"], &[]),
    ("grant", &["grant"], &["epochs"]),
    ("state", &["state", "kek"], &["content"]),
    ("settle", &[], &["transcript"]),
    ("replays", &[], &["answers"]),
    ("history", &[], &["room"]),
    ("segment", &["segment", "key"], &["content", "device", "revision", "segment_kind", "seen", "entries"]),
    ("keyring_merge", &[], &["entries", "conflicts", "lacking", "contacts"]),
    ("keyring_state", &["state", "kek"], &["content"]),
    ("keyring_write", &[], &["segment", "content"]),
    ("keyring_room", &[], &["room"]),
    ("contact", &[], &["pinned", "verified"]),
    ("recovery", &[], &["generations", "rooms", "contacts", "asked", "missing", "problems"]),
    ("link_request", &[], &["encryption_key", "echo"]),
    ("link_answer", &["answer", "echo"], &["generations", "code"]),
    ("linked_state", &["state", "kek"], &["generations", "content"]),
    ("certificate", &["certificate", "identity"], &["device_id", "device_key", "not_before", "not_after", "digest"]),
    (
        "request_proof",
        &["audience", "method", "target", "body", "server_nonce", "identity"],
        &["device_id", "time", "nonce", "input", "digest"],
    ),
    ("proof_sequence", &[], &[]),
];

/// Lists whose objects have what is given and what is compared side by side: of which kind, which list, what is compared.
const MIXED: &[Row] = &[
    (
        "history",
        &["steps"],
        &[
            "result",
            "check",
            "transcript",
            "standing",
            "became",
            "author",
            "epoch",
            "answers",
            "problems",
            "sender",
            "content",
            "sequence",
            "freshness",
            "superseded",
            "sender_in_head",
            "count",
            "recommended",
        ],
    ),
    ("keyring_merge", &["segments"], &["result", "changed"]),
    ("contact", &["steps"], &["answer", "pinned"]),
    ("proof_sequence", &["requests"], &["result", "check"]),
    ("read_at", &["reads"], &["sha256"]),
];

fn mixed(vector: &Value) -> Option<(&'static str, &'static [&'static str])> {
    let (_, lists, compared) = MIXED.iter().find(|(name, _, _)| vector["kind"] == *name)?;
    Some((lists.first()?, compared))
}

/// What is said about a vector, and is no input of it.
const ABOUT: &[&str] = &["comment", "flags", "result", "check", "random"];

fn of(vector: &Value) -> Outcome<Kind> {
    let kind = vector["kind"].as_str().ok_or("a vector without a kind")?;
    let found =
        KINDS.iter().find(|(name, _, _)| *name == kind).ok_or_else(|| format!("the kind {kind} is not known"))?;
    Ok(Kind { name: found.0, consumed: found.1, compared: found.2 })
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
        // What a device draws decides what it writes.
        let drawn = name == "random" && kind.name == "keyring_write";
        !compared && (drawn || !ABOUT.contains(&name.as_str()))
    });
    if let Some((list, compared)) = mixed(vector) {
        for object in request.get_mut(list).and_then(Value::as_array_mut).ok_or("no list")? {
            // Who leaves is told; who vouches is named.
            let told = object["do"] == "leave";
            if let Some(object) = object.as_object_mut() {
                object.retain(|name, _| !(compared.contains(&name.as_str()) || told && name == "member"));
            }
        }
    }
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
    if let Some((list, compared)) = mixed(vector) {
        for (at, expected) in vector[list].as_array().into_iter().flatten().enumerate() {
            let found = &answer[list][at];
            let differs = |field: &&&str| match expected.get(**field) {
                // [VEC-02]
                Some(result) if **field == "result" && result != "ok" => {
                    found["result"] == "ok" || found["result"].is_null()
                }
                Some(_) if **field == "check" => false,
                Some(value) => found.get(**field) != Some(value),
                None => false,
            };
            if let Some(field) = compared.iter().find(differs) {
                let what = format!("{list} {at}, {field}: {} for {}", short(&found[*field]), short(&expected[*field]));
                return Ok(Verdict::Failed(what));
            }
        }
    }
    // Stories tell what came of them whatever was refused on the way.
    if expected == "ok" || mixed(vector).is_some() || vector["kind"] == "recovery" {
        for field in of(vector)?.compared {
            let same = |expected: &&Value| {
                answer.get(*field).is_some_and(|found| ordered(found, field) == ordered(expected, field))
            };
            if let Some(expected) = vector.get(*field).filter(|expected| !same(expected)) {
                let found = answer.get(*field).unwrap_or(&Value::Null);
                return Ok(Verdict::Failed(format!("{field}: {} for {}", short(found), short(expected))));
            }
        }
    }
    Ok(Verdict::Passed)
}

/// What may come in any order, in one.
fn ordered(value: &Value, field: &str) -> Value {
    let mut value = value.clone();
    if let (Some(list), "missing" | "problems") = (value.as_array_mut(), field) {
        list.sort_by_key(Value::to_string);
    }
    value
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
