//! This crate as a program of the line protocol, for what `cross` exchanges and what needs nothing but the crate. The crate's own
//! tests make and replay all vectors.

use crate::Outcome;
use sealroom::{
    AttachmentKey, DetachedSignature, Draft, Envelope, Error, Fingerprint, Limits, Locked, P256PrivateKey, Padding,
    PassphraseKey, PublicIdentity, Reader, Recipient, Room, RoomMessage, RsaPrivateKey, Sender, Sign, SymmetricKey,
    SystemRng, Transition, Unlocked, WorkLimits, hazmat,
};
use serde_json::{Value, json};
use std::io::{BufRead, Write, stdin, stdout};

pub(crate) fn serve() -> Outcome<()> {
    let mut out = stdout().lock();
    for line in stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let (op, kind) = (request["op"].as_str().unwrap_or_default(), request["kind"].as_str().unwrap_or_default());
        let answer = match (op, kind) {
            ("read", "derive") => derive(&request),
            ("read", "sign_input") => sign_input(&request),
            ("read", "envelope") => read_envelope(&request),
            ("read", "message") => read_message(&request),
            ("read", "detached_signature") => verify(&request),
            ("read", "public_identity") => decode_identity(&request),
            ("read", "transition") => follow(&request),
            ("seal", "envelope") => seal_envelope(&request),
            ("seal", "message") => seal_message(&request),
            _ => Ok(json!({"result": "skipped", "reason": "the crate's own tests do this"})),
        };
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(error) => json!({"result": class(error.downcast_ref().ok_or(error.to_string())?)}),
        };
        if answer["result"].is_null() {
            answer["result"] = json!("ok");
        }
        answer["id"] = request["id"].clone();
        writeln!(out, "{answer}")?;
    }
    Ok(())
}

fn class(error: &Error) -> &'static str {
    match error {
        Error::Malformed { .. } => "malformed",
        Error::Unsupported { .. } => "unsupported",
        Error::Limit { .. } => "limit",
        Error::Signature => "signature",
        Error::UnknownEpoch { .. } | Error::UnknownIdentity { .. } => "unknown",
        _ => "decrypt",
    }
}

// ---- what requests hold

fn text<'v>(value: &'v Value, name: &str) -> Outcome<&'v str> {
    value[name].as_str().ok_or_else(|| format!("no {name}").into())
}

fn bytes(value: &Value, name: &str) -> Outcome<Vec<u8>> {
    let digits = text(value, name)?.as_bytes();
    let (pairs, rest) = digits.as_chunks::<2>();
    let byte = |pair: &[u8; 2]| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { Err(format!("{name} is cut").into()) }
}

fn array<const LEN: usize>(value: &Value, name: &str) -> Outcome<[u8; LEN]> {
    bytes(value, name)?.try_into().map_err(|_| format!("{name} has another length").into())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn identity(value: &Value, name: &str) -> Outcome<PublicIdentity> {
    Ok(PublicIdentity::from_bytes(&bytes(value, name)?)?)
}

fn identities(request: &Value) -> Outcome<Vec<PublicIdentity>> {
    let list = request["identities"].as_array().ok_or("no identities")?;
    list.iter().map(|one| identity(&json!({"one": one}), "one")).collect()
}

fn padding(request: &Value) -> Outcome<Padding> {
    Ok(if text(request, "padding")? == "padme" { Padding::Padme } else { Padding::None })
}

fn signing_key(der: &[u8]) -> Outcome<Box<dyn Sign>> {
    Ok(match P256PrivateKey::from_pkcs8_der(der) {
        Ok(key) => Box::new(key),
        Err(_) => Box::new(RsaPrivateKey::from_pkcs8_der(der)?),
    })
}

/// Labels are known in advance.
fn label(name: &str) -> &'static str {
    name.to_owned().leak()
}

// ---- what they ask

fn derive(request: &Value) -> Outcome<Value> {
    let len = request["length"].as_u64().ok_or("no length")?;
    let (key, context) = (array(request, "key")?, bytes(request, "context")?);
    let out = hazmat::derive(&key, label(text(request, "label")?), &context, usize::try_from(len)?)?;
    Ok(json!({"output": hex(&out)}))
}

fn sign_input(request: &Value) -> Outcome<Value> {
    let input = hazmat::sign_input(label(text(request, "label")?), &bytes(request, "content")?);
    Ok(json!({"sha256": hex(&hazmat::sha256(&input))}))
}

fn verify(request: &Value) -> Outcome<Value> {
    let (signer, signature) = (identity(request, "identity")?, bytes(request, "signature")?);
    let signature = DetachedSignature::from_bytes(&signature)?;
    signature.verify(&signer, &bytes(request, "context")?, &bytes(request, "content")?)?;
    Ok(json!({}))
}

fn decode_identity(request: &Value) -> Outcome<Value> {
    identity(request, "identity").map(|_| json!({}))
}

fn follow(request: &Value) -> Outcome<Value> {
    let transition = Transition::from_bytes(&bytes(request, "transition")?)?;
    identity(request, "old")?.follow(&transition)?;
    Ok(json!({}))
}

/// With one key of the vector.
fn unlock(envelope: &[u8], locked: &Locked<'_>, key: &Value) -> Outcome<Unlocked> {
    let mut rng = SystemRng;
    Ok(match text(key, "kind")? {
        "p256" => {
            let private = P256PrivateKey::from_pkcs8_der(&bytes(key, "pkcs8")?)?;
            locked.unlock(&[hazmat::p256_reader(&private, array(key, "recipient_id")?)], &mut rng)?
        }
        "rsa" => {
            let private = RsaPrivateKey::from_pkcs8_der(&bytes(key, "pkcs8")?)?;
            locked.unlock(&[hazmat::rsa_reader(&private, array(key, "recipient_id")?)], &mut rng)?
        }
        "symmetric" => {
            let key = SymmetricKey::take(&mut array(key, "key")?);
            locked.unlock(&[Reader::symmetric(&key)], &mut rng)?
        }
        "passphrase" => {
            let (passphrase, limits) = (bytes(key, "passphrase")?, WorkLimits::default());
            let key = PassphraseKey::of(envelope, &passphrase, &limits, &mut |_| std::ops::ControlFlow::Continue(()))?;
            locked.unlock(&[Reader::passphrase(&key)], &mut rng)?
        }
        _ => AttachmentKey::take(&mut array(key, "key")?).unlock(locked)?,
    })
}

fn read_envelope(request: &Value) -> Outcome<Value> {
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

fn seal_envelope(request: &Value) -> Outcome<Value> {
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

/// The room of a vector's epoch, as a device of it that has sent `sequence` messages. SPEC §18.9
fn room(request: &Value, me: &Fingerprint, device: [u8; 8], sequence: u64) -> Outcome<Room> {
    let epoch = &request["epoch"];
    let (signer, body) = (bytes(epoch, "signer")?, bytes(epoch, "body")?);
    let commitment = bytes(epoch, "commitment")?;
    let (kind, key) =
        if epoch["secret"].is_string() { (1, bytes(epoch, "secret")?) } else { (2, bytes(epoch, "message_key")?) };
    let hash = hazmat::sha256(&hazmat::sign_input("room epoch", &[&signer[..], &body, &commitment].concat()));
    let derive = |key: &[u8], label| -> Outcome<Vec<u8>> { Ok(hazmat::derive(key.try_into()?, label, &hash, 32)?) };
    let message_key = if kind == 1 { derive(&key, "messages")? } else { key.clone() };
    let transcript = derive(&message_key, "room transcript")?;
    let stored = [&signer[..], &[1], &body, &commitment, &[kind], &key].concat();
    let mut state = [&[32][..], me.as_bytes(), &device, &sequence.to_be_bytes(), &[1], &[0; 8], &transcript].concat();
    state.extend(length(stored.len())?);
    state.extend(stored);
    state.extend([0; 9]);
    Ok(hazmat::room_of_state(&state)?)
}

/// A length prefix of up to 4 bytes. SPEC §3.3
fn length(len: usize) -> Outcome<Vec<u8>> {
    Ok(match len {
        0..0x40 => vec![u8::try_from(len)?],
        0x40..0x4000 => (u16::try_from(len)? | 0x4000).to_be_bytes().to_vec(),
        _ => (u32::try_from(len)? | 0x8000_0000).to_be_bytes().to_vec(),
    })
}

fn read_message(request: &Value) -> Outcome<Value> {
    let people = identities(request)?;
    let body = bytes(&request["epoch"], "body")?;
    // Anyone of the roster: a fingerprint and a role each, at the end.
    let me: [u8; 32] = body.len().checked_sub(33).and_then(|at| body.get(at..at + 32)).ok_or("a roster")?.try_into()?;
    let mut room = room(request, &Fingerprint::from_bytes(me), [9; 8], 0)?;
    let message: RoomMessage<Vec<u8>> = room.open(&bytes(request, "message")?, &bytes(request, "aad")?, &people)?;
    Ok(json!({"sender": hex(message.sender().as_bytes()), "device": hex(message.device().as_bytes()),
        "sequence": message.sequence(), "content": hex(message.content()), "message_id": hex(message.id().as_bytes())}))
}

fn seal_message(request: &Value) -> Outcome<Value> {
    let (people, key) = (identities(request)?, signing_key(&bytes(request, "pkcs8")?)?);
    let sender = Fingerprint::from_bytes(array(request, "sender")?);
    let found = people.iter().find(|one| *one.fingerprint() == sender).ok_or("no such sender")?;
    let sequence = request["sequence"].as_u64().ok_or("no sequence")?;
    let mut room = room(request, &sender, array(request, "device")?, sequence)?;
    let (content, aad) = (bytes(request, "content")?, bytes(request, "aad")?);
    let draft = Draft::new(&content).associated_data(&aad).padding(padding(request)?);
    let sealed = room.seal(&draft, &Sender::new(found, &*key), &mut SystemRng)?;
    Ok(json!({"message": hex(&sealed)}))
}
