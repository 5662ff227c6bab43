//! What devices of one person share, and what each stores. SPEC §20, §22.3

use super::given::{Parts, bytes, hex, symmetric};
use crate::Outcome;
use sealroom::{Keyring, Limits, LinkedIdentity, Locked, Reader, SymmetricKey, SystemRng, hazmat};
use serde_json::{Value, json};

/// The content of an envelope under one symmetric key, which the crate made or accepted.
fn inside(object: &[u8], key: &SymmetricKey) -> Outcome<Vec<u8>> {
    let locked = Locked::decode(object, &Limits::default())?;
    let unlocked = locked.unlock(&[Reader::symmetric(key)], &mut SystemRng)?;
    Ok(hazmat::dek_and_content(unlocked, locked.payload())?.1)
}

/// What is in a segment is what a keyring has that merged it alone.
pub(super) fn merge_segment(request: &Value) -> Outcome<Value> {
    let (segment, key) = (bytes(request, "segment")?, symmetric(request, "key")?);
    let mut keyring = Keyring::new(&mut SystemRng)?;
    if let Err(error) = keyring.merge(&segment, &[&key], &mut SystemRng) {
        let kept = hazmat::keyring_entries(&keyring);
        return Err(if kept.is_empty() { error.into() } else { "what was refused was merged".into() });
    }
    let content = inside(&segment, &key)?;
    let mut parts = Parts(&content);
    let (device, revision, kind) = (parts.take(8)?, parts.number()?, parts.byte()?);
    let (mut list, mut seen) = (Parts(parts.vector()?), Vec::new());
    while !list.is_empty() {
        seen.push(json!({"device": hex(list.take(8)?), "revision": list.number()?}));
    }
    let all = hazmat::keyring_entries(&keyring);
    let (mut list, mut entries) = (Parts(&all), Vec::new());
    while !list.is_empty() {
        entries.push(json!({"kind": list.byte()?, "content": hex(list.vector()?)}));
    }
    Ok(json!({"content": hex(&content), "device": hex(device), "revision": revision, "segment_kind": kind,
        "seen": seen, "entries": entries}))
}

/// What was loaded is stored again, and looked at.
pub(super) fn load_keyring(request: &Value) -> Outcome<Value> {
    let kek = symmetric(request, "kek")?;
    let keyring = Keyring::load(&bytes(request, "state")?, &kek)?;
    Ok(json!({"content": hex(&inside(&keyring.save(&kek, &mut SystemRng)?, &kek)?)}))
}

pub(super) fn load_linked(request: &Value) -> Outcome<Value> {
    let kek = symmetric(request, "kek")?;
    let linked = LinkedIdentity::load(&bytes(request, "state")?, &kek)?;
    let content = inside(&linked.save(&kek, &mut SystemRng)?, &kek)?;
    Ok(json!({"generations": super::devices::generations(&linked), "content": hex(&content)}))
}
