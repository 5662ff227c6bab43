//! Envelopes, signatures, identities, and what needs none of them. SPEC §4, §7 to §12.

use super::given::{Private, array, bytes, hex, identity, padding, signing_key, text};
use crate::Outcome;
use sealroom::{
    AttachmentKey, DetachedSignature, Envelope, Error, Limits, Locked, P256PrivateKey, PassphraseKey, Reader,
    Recipient, RsaPrivateKey, Sender, SymmetricKey, SystemRng, Transition, Unlocked, WorkLimits, hazmat, unwatched,
};
use serde_json::{Value, json};

/// Labels are known in advance.
fn label(name: &str) -> &'static str {
    name.to_owned().leak()
}

pub(super) fn derive(request: &Value) -> Outcome<Value> {
    let len = request["length"].as_u64().ok_or("no length")?;
    let (key, context) = (array(request, "key")?, bytes(request, "context")?);
    let out = hazmat::derive(&key, label(text(request, "label")?), &context, usize::try_from(len)?)?;
    Ok(json!({"output": hex(&out)}))
}

pub(super) fn sign_input(request: &Value) -> Outcome<Value> {
    let input = hazmat::sign_input(label(text(request, "label")?), &bytes(request, "content")?);
    Ok(json!({"sha256": hex(&hazmat::sha256(&input))}))
}

pub(super) fn verify(request: &Value) -> Outcome<Value> {
    let (signer, signature) = (identity(request, "identity")?, bytes(request, "signature")?);
    let signature = DetachedSignature::from_bytes(&signature)?;
    signature.verify(&signer, &bytes(request, "context")?, &bytes(request, "content")?)?;
    Ok(json!({}))
}

pub(super) fn decode_identity(request: &Value) -> Outcome<Value> {
    identity(request, "identity").map(|_| json!({}))
}

pub(super) fn follow(request: &Value) -> Outcome<Value> {
    let transition = Transition::from_bytes(&bytes(request, "transition")?)?;
    identity(request, "old")?.follow(&transition)?;
    Ok(json!({}))
}

/// With one key of the vector.
fn unlock(envelope: &[u8], locked: &Locked<'_>, key: &Value) -> Outcome<Unlocked> {
    Ok(match text(key, "kind")? {
        "passphrase" => {
            let (passphrase, limits) = (bytes(key, "passphrase")?, WorkLimits::default());
            let key = PassphraseKey::of(envelope, &passphrase, &limits, &mut unwatched)?;
            locked.unlock(&[Reader::passphrase(&key)], &mut SystemRng)?
        }
        "attachment" => AttachmentKey::take(&mut array(key, "key")?).unlock(locked)?,
        _ => locked.unlock(&[Private::of(key)?.reader()], &mut SystemRng)?,
    })
}

pub(super) fn read_envelope(request: &Value) -> Outcome<Value> {
    let envelope = bytes(request, "envelope")?;
    let locked = Locked::decode(&envelope, &Limits::default())?;
    let mut read = Value::Null;
    for key in request["keys"].as_array().ok_or("no keys")? {
        let (dek, _) = hazmat::dek_and_content(unlock(&envelope, &locked, key)?, locked.payload())?;
        let opened = unlock(&envelope, &locked, key)?.open(locked.payload())?;
        let content = match opened.claimed_signer() {
            None => opened.unverified(),
            Some(_) if request["sender"].is_null() => Err(Error::Signature)?,
            Some(_) => opened.verify(&identity(&request["sender"], "identity")?)?,
        };
        let header = envelope.len() - locked.payload().len() - 32;
        let (header, rest) = envelope.split_at(header);
        let commitment = rest.get(..32).unwrap_or_default();
        let one = json!({"content": hex(&content), "dek": hex(&dek), "h": hex(&hazmat::sha256(header)),
            "commitment": hex(commitment)});
        if !read.is_null() && read != one {
            return Err("keys open different things".into());
        }
        read = one;
    }
    Ok(read)
}

/// A recipient's public key, which lives as long as the request is answered.
enum Public {
    P256(sealroom::P256PublicKey, [u8; 32]),
    Rsa(sealroom::RsaPublicKey, [u8; 32]),
    Symmetric(SymmetricKey),
}

impl Public {
    fn of(key: &Value) -> Outcome<Self> {
        Ok(match text(key, "kind")? {
            "p256" => {
                let private = P256PrivateKey::from_pkcs8_der(&bytes(key, "pkcs8")?)?;
                Self::P256(private.public_key().clone(), array(key, "recipient_id")?)
            }
            "rsa" => {
                let private = RsaPrivateKey::from_pkcs8_der(&bytes(key, "pkcs8")?)?;
                Self::Rsa(private.public_key().clone(), array(key, "recipient_id")?)
            }
            _ => Self::Symmetric(SymmetricKey::take(&mut array(key, "key")?)),
        })
    }

    fn recipient(&self) -> Recipient<'_> {
        match self {
            Self::P256(key, id) => hazmat::p256_recipient(key, *id),
            Self::Rsa(key, id) => hazmat::rsa_recipient(key, *id),
            Self::Symmetric(key) => Recipient::symmetric(key),
        }
    }
}

pub(super) fn seal_envelope(request: &Value) -> Outcome<Value> {
    let keys = request["keys"].as_array().ok_or("no keys")?.iter().map(Public::of).collect::<Outcome<Vec<_>>>()?;
    let to: Vec<Recipient<'_>> = keys.iter().map(Public::recipient).collect();
    let public_data = bytes(request, "public_data")?;
    let decoys = usize::try_from(request["decoys"].as_u64().unwrap_or(0))?;
    let mut envelope = Envelope::to(&to).padding(padding(request)?).public_data(&public_data).decoys(decoys);
    let sender = &request["sender"];
    let signer;
    if !sender.is_null() {
        signer = (identity(sender, "identity")?, signing_key(&bytes(sender, "pkcs8")?)?);
        // Whoever is to read is among the keys.
        envelope = envelope.signed_by(Sender::new(&signer.0, &*signer.1)).without_copy_for_me();
    }
    Ok(json!({"envelope": hex(&envelope.seal(&bytes(request, "content")?, &mut SystemRng)?)}))
}
