//! Linking devices, certificates of devices and proofs of requests. SPEC §22, §23.

use super::given::{Parts, Tape, bytes, hex, identity, length, text};
use crate::Outcome;
use sealroom::{
    Clock, DeviceCertificate, LinkRequest, LinkedIdentity, Linking, PublicIdentity, RememberedProofs, Request,
    RequestProof, UnsignedCertificate, UnsignedProof, hazmat,
};
use serde_json::{Value, json};

const REQUESTS: &str = include_str!("../../../../22-linked-devices/requests.json");

pub(super) fn generations(linked: &LinkedIdentity) -> Vec<String> {
    linked.generations().map(|one| hex(one.public().fingerprint().as_bytes())).collect()
}

pub(super) fn read_link_request(request: &Value) -> Outcome<Value> {
    let shown = text(request, "text")?;
    let made: LinkRequest = shown.parse()?;
    if made.to_string() != shown {
        return Err("a link request is written otherwise".into());
    }
    let bytes = made.to_bytes();
    let mut parts = Parts(&bytes);
    parts.take(7)?;
    Ok(json!({"encryption_key": hex(parts.take(65)?), "echo": hex(parts.take(32)?)}))
}

/// The new device that has this key and this echo. No device is made of its key, so it is made of what it drew for it,
/// which the vector of its request says.
fn new_device(request: &Value) -> Outcome<Option<Linking>> {
    let vectors: Value = serde_json::from_str(REQUESTS)?;
    let of_key = |vector: &&Value| vector["pkcs8"] == request["pkcs8"] && vector["random"].is_string();
    let Some(vector) = vectors["vectors"].as_array().into_iter().flatten().find(of_key) else { return Ok(None) };
    let drawn = bytes(vector, "random")?;
    let ikm = drawn.first_chunk::<32>().ok_or("a device that drew less")?;
    Ok(Some(Linking::new(&mut Tape([&ikm[..], &bytes(request, "echo")?].concat()))?))
}

pub(super) fn open_answer(request: &Value) -> Outcome<Value> {
    let Some(linking) = new_device(request)? else {
        return Ok(json!({"result": "skipped", "reason": "how the new device's key was drawn is not known"}));
    };
    let linked = linking.open(&bytes(request, "answer")?)?;
    let code = linked.code().to_string();
    Ok(json!({"code": code, "generations": generations(&linked.confirm())}))
}

fn clock(request: &Value, tolerance: &Value) -> Outcome<Clock> {
    let seconds = |value: &Value| value.as_u64().ok_or("no seconds");
    Ok(Clock::at(seconds(&request["now"])?).tolerance(seconds(tolerance)?))
}

pub(super) fn verify_certificate(request: &Value) -> Outcome<Value> {
    let made = DeviceCertificate::from_bytes(&bytes(request, "certificate")?)?;
    let account = identity(request, "identity")?;
    made.verify(&account, &clock(request, &request["tolerance"])?)?;
    let (key, validity) = (made.device_key(), made.validity());
    let digest = UnsignedCertificate::new(&account, *made.device_id(), key, validity.clone())?.digest()?;
    Ok(json!({"device_id": hex(made.device_id()), "device_key": hex(key.as_bytes()), "not_before": validity.start,
        "not_after": validity.end, "digest": hex(&digest)}))
}

/// One proof, by what a verifier remembers.
fn verify_proof(given: &Value, account: &PublicIdentity, clock: &Clock, seen: &mut RememberedProofs) -> Outcome<Value> {
    let fields = ["audience", "method", "target", "body", "server_nonce"].map(|name| bytes(given, name));
    let [audience, method, target, body, server_nonce] = fields;
    let (audience, method, target, body, server_nonce) = (audience?, method?, target?, body?, server_nonce?);
    let proof: RequestProof = text(given, "proof")?.parse()?;
    let request = Request::new(&audience, &method, &target).body(&body).server_nonce(&server_nonce);
    let certificate = proof.verify(&request, account, clock, seen)?.clone();
    let (encoded, certified) = (proof.to_bytes(), certificate.to_bytes());
    let mut parts = Parts(&encoded);
    parts.take(7 + certified.len())?;
    let (time, nonce) = (parts.number()?, parts.take(16)?);
    let digest = *UnsignedProof::new(&request, &certificate, time, &mut Tape(nonce.to_vec()))?.digest();
    let input = [
        &hazmat::sha256(&certified)[..],
        &length(audience.len())?,
        &audience,
        &length(method.len())?,
        &method,
        &hazmat::sha256(&target),
        &hazmat::sha256(&body),
        &time.to_be_bytes(),
        nonce,
        &length(server_nonce.len())?,
        &server_nonce,
    ]
    .concat();
    if hazmat::sha256(&hazmat::sign_input("request proof", &input)) != digest {
        return Err("another input than the crate signs".into());
    }
    Ok(json!({"device_id": hex(certificate.device_id()), "time": time, "nonce": hex(nonce), "input": hex(&input),
        "digest": hex(&digest)}))
}

pub(super) fn read_proof(request: &Value) -> Outcome<Value> {
    let (account, clock) = (identity(request, "identity")?, clock(request, &request["tolerance"])?);
    verify_proof(request, &account, &clock, &mut RememberedProofs::new(1))
}

/// Proofs that come one after the other.
pub(super) fn read_sequence(request: &Value) -> Outcome<Value> {
    let (account, mut seen) = (identity(request, "identity")?, RememberedProofs::new(100));
    let mut answers = Vec::new();
    for given in request["requests"].as_array().ok_or("no requests")? {
        let clock = clock(given, &request["tolerance"])?;
        let answer = super::told(verify_proof(given, &account, &clock, &mut seen))?;
        answers.push(json!({"result": answer["result"], "check": answer["check"]}));
    }
    let mut all = super::last_refusal(&answers);
    all["requests"] = json!(answers);
    Ok(all)
}
