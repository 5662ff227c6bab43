//! Every decoder.

use crate::common::symmetric;
use sealroom::{
    DetachedSignature, DeviceCertificate, EnvelopeInfo, EnvelopeStart, Fingerprint, HeadStatement, Keyring,
    LeaveStatement, Limits, LinkRequest, LinkedIdentity, Locked, P256PrivateKey, P256PublicKey, PublicIdentity,
    RequestProof, Room, RsaPrivateKey, RsaPublicKey, Transition, hazmat, inspect,
};

/// No panic, and what decodes encodes to the same bytes. [WIRE-04] [TXT-02]
pub fn decode(bytes: &[u8]) {
    envelopes(bytes);
    if let Ok(identity) = PublicIdentity::from_bytes(bytes) {
        assert_eq!(identity.to_bytes(), bytes);
        assert_eq!(identity.to_string().parse(), Ok(identity));
    }
    if let Ok(transition) = Transition::from_bytes(bytes) {
        assert_eq!(transition.to_bytes().unwrap(), bytes);
    }
    if let Ok(signature) = DetachedSignature::from_bytes(bytes) {
        assert_eq!(signature.to_bytes(), bytes);
    }
    if let Ok(statement) = LeaveStatement::from_bytes(bytes) {
        assert_eq!(statement.to_bytes(), bytes);
    }
    if let Ok(statement) = HeadStatement::from_bytes(bytes) {
        assert_eq!(statement.to_bytes(), bytes);
    }
    if let Ok(request) = LinkRequest::from_bytes(bytes) {
        assert_eq!(request.to_bytes(), bytes);
    }
    if let Ok(certificate) = DeviceCertificate::from_bytes(bytes) {
        assert_eq!(certificate.to_bytes(), bytes);
        assert!(!certificate.validity().is_empty());
    }
    if let Ok(proof) = RequestProof::from_bytes(bytes) {
        assert_eq!(proof.to_bytes(), bytes);
    }
    if let Ok(room) = hazmat::room_of_state(bytes) {
        assert_eq!(hazmat::room_state(&room), bytes);
    }
    let key = symmetric();
    assert!(LinkedIdentity::load(bytes, &key).is_err());
    assert!(Keyring::load(bytes, &key).is_err());
    assert!(Room::load(bytes, &key).is_err());
    key_files(bytes);
    json(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        texts(text);
    }
}

/// The ways to decode an envelope's head agree.
fn envelopes(bytes: &[u8]) {
    let _ = inspect(bytes);
    let whole = Locked::decode(bytes, &Limits::default());
    let info = EnvelopeInfo::of(bytes, bytes.len() as u64);
    assert!(whole.is_ok() || info.is_err());
    let mut start = EnvelopeStart::new(Limits::default());
    let mut rest = Ok(None);
    for piece in bytes.chunks(bytes.len() / 3 + 1) {
        rest = start.push(piece);
        if !matches!(rest, Ok(None)) {
            break;
        }
    }
    match (&whole, rest) {
        (Ok(locked), Ok(Some(_))) => assert_eq!(start.locked().unwrap().content_type(), locked.content_type()),
        (Err(_), Ok(None) | Err(_)) => {}
        (_, rest) => panic!("{:?} as a whole, {rest:?} in pieces", whole.err()),
    }
}

/// DER and PEM. [SUITE-06]
fn key_files(bytes: &[u8]) {
    if let Some(Ok(key)) = bytes.as_array().map(P256PublicKey::from_bytes) {
        assert_eq!(key.as_bytes(), bytes);
    }
    if let Ok(key) = P256PublicKey::from_spki_der(bytes) {
        assert_eq!(key.to_spki_der(), bytes);
    }
    if let Ok(key) = RsaPublicKey::from_spki_der(bytes) {
        assert_eq!(key.spki_der(), bytes);
    }
    // A private key may come in several forms, and is given in one.
    if let Ok(der) = P256PrivateKey::from_pkcs8_der(bytes).and_then(|key| key.to_pkcs8_der()) {
        let again = P256PrivateKey::from_pkcs8_der(der.expose()).unwrap();
        assert_eq!(again.to_pkcs8_der().unwrap().expose(), der.expose());
    }
    if let Ok(der) = RsaPrivateKey::from_pkcs8_der(bytes).and_then(|key| key.to_pkcs8_der()) {
        let again = RsaPrivateKey::from_pkcs8_der(der.expose()).unwrap();
        assert_eq!(again.to_pkcs8_der().unwrap().expose(), der.expose());
    }
}

/// serde takes a text where its own decoder takes it.
fn json(bytes: &[u8]) {
    let Ok(text) = serde_json::from_slice::<String>(bytes) else { return };
    assert_eq!(serde_json::from_slice::<Fingerprint>(bytes).ok(), text.parse().ok());
    assert_eq!(serde_json::from_slice::<PublicIdentity>(bytes).ok(), text.parse().ok());
}

fn texts(text: &str) {
    if let Ok(fingerprint) = text.parse::<Fingerprint>() {
        assert_eq!(fingerprint.to_string(), text);
    }
    if let Ok(identity) = text.parse::<PublicIdentity>() {
        assert_eq!(identity.to_string(), text);
    }
    if let Ok(request) = text.parse::<LinkRequest>() {
        assert_eq!(request.to_string(), text);
    }
    if let Ok(proof) = text.parse::<RequestProof>() {
        assert_eq!(proof.to_string(), text);
    }
    if let Ok(pem) = P256PublicKey::from_spki_pem(text).and_then(|key| key.to_spki_pem()) {
        assert!(P256PublicKey::from_spki_pem(&pem).is_ok());
    }
    if let Ok(pem) = RsaPublicKey::from_spki_pem(text).and_then(|key| key.to_spki_pem()) {
        assert!(RsaPublicKey::from_spki_pem(&pem).is_ok());
    }
    let _ = P256PrivateKey::from_pkcs8_pem(text);
    let _ = RsaPrivateKey::from_pkcs8_pem(text);
}
