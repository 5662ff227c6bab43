//! Values that one function of the crate computes or reads. SPEC §3, §6, §9.1, §11.3, §17, §19.4

use super::given::{array, bytes, hex, text};
use crate::Outcome;
use sealroom::{Fingerprint, Freshness, P256PrivateKey, PublicIdentity, hazmat, inspect};
use serde_json::{Value, json};

/// The type stands in the header, which is read before anything else of the object.
pub(super) fn read_object(request: &Value) -> Outcome<Value> {
    let object = bytes(request, "object")?;
    inspect(&object)?;
    Ok(json!({"type": object.get(6).ok_or("no type")?}))
}

pub(super) fn read_text(request: &Value) -> Outcome<Value> {
    let given = text(request, "text")?;
    let (read, written) = match text(request, "form")? {
        "fingerprint" => {
            let read: Fingerprint = given.parse()?;
            (read.as_bytes().to_vec(), read.to_string())
        }
        _ => {
            let read: PublicIdentity = given.parse()?;
            (read.to_bytes(), read.to_string())
        }
    };
    if written == given { Ok(json!({"bytes": hex(&read)})) } else { Err("text that is written otherwise".into()) }
}

pub(super) fn chunk_nonce(request: &Value) -> Outcome<Value> {
    let number = request["number"].as_u64().ok_or("no number")?;
    Ok(json!({"nonce": hex(&hazmat::chunk_nonce(&array(request, "base_nonce")?, number)?)}))
}

pub(super) fn p256_key(request: &Value) -> Outcome<Value> {
    let pkcs8 = hazmat::det_keygen_p256_pkcs8(&bytes(request, "seed")?)?;
    let key = P256PrivateKey::from_pkcs8_der(&pkcs8)?;
    // RFC 5915: the scalar is the only octet string of 32 bytes.
    let at = pkcs8.windows(2).position(|two| two == [4, 32]).ok_or("no scalar")?;
    let scalar = pkcs8.get(at + 2..at + 34).ok_or("no scalar")?;
    Ok(json!({"scalar": hex(scalar), "public_key": hex(key.public_key().as_bytes()), "pkcs8": hex(&pkcs8)}))
}

pub(super) fn derive_key_pair(request: &Value) -> Outcome<Value> {
    let (scalar, public) = hazmat::hpke_derive_key_pair(&bytes(request, "ikm")?)?;
    Ok(json!({"scalar": hex(&scalar), "public_key": hex(&public)}))
}

pub(super) fn replays(request: &Value) -> Outcome<Value> {
    let seen = request["seen"].as_array().ok_or("no messages")?;
    let seen = seen.iter().map(|one| {
        let sequence = one["sequence"].as_u64().ok_or("no sequence")?;
        Ok((array(one, "device")?, sequence, array(one, "id")?))
    });
    let answers = hazmat::replay_answers(&seen.collect::<Outcome<Vec<_>>>()?);
    let told = answers.iter().map(|answer| match answer {
        Freshness::Fresh { skipped } => format!("fresh {skipped}"),
        Freshness::Duplicate => "duplicate".to_owned(),
        Freshness::SequenceReused => "reused".to_owned(),
        _ => "old".to_owned(),
    });
    Ok(json!({"answers": told.collect::<Vec<_>>()}))
}
