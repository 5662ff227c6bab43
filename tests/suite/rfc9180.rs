//! The vectors of RFC 9180 for DHKEM(P-256, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM.
//!
//! An envelope needs base mode (0) and of each context the message of sequence number 0. Not implemented, and so not
//! tested: the key schedules of the modes PSK (1), Auth (2) and AuthPSK (3), AuthEncap and AuthDecap, and the export of
//! secrets. Of those modes the vectors give key pairs, and mode 1 the unauthenticated KEM's shared secrets.

use sealroom::{Error, hazmat};
use serde_json::Value;

fn vectors() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/test-vectors/external/rfc9180-p256-hkdfsha256-aes256gcm.json");
    let vectors: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for (vector, mode) in vectors.iter().zip(0..) {
        assert_eq!([&vector["mode"], &vector["kem_id"], &vector["kdf_id"], &vector["aead_id"]], [mode, 16, 1, 2]);
    }
    assert_eq!(vectors.len(), 4);
    vectors
}

fn hex(field: &Value) -> Vec<u8> {
    let text = field.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn array<const N: usize>(field: &Value) -> [u8; N] {
    hex(field).try_into().unwrap()
}

/// [STZ-04] [ID-04] the key pairs of all modes.
#[test]
fn derive_key_pair() {
    let mut pairs = 0;
    for vector in vectors() {
        for who in ["E", "R", "S"] {
            let ikm = &vector[format!("ikm{who}")];
            assert_eq!(ikm.is_null(), who == "S" && vector["mode"].as_u64() < Some(2));
            if !ikm.is_null() {
                let (scalar, point) = hazmat::hpke_derive_key_pair(&hex(ikm)).unwrap();
                assert_eq!(scalar, array(&vector[format!("sk{who}m")]));
                assert_eq!(point, array(&vector[format!("pk{who}m")]));
                pairs += 1;
            }
        }
    }
    assert_eq!(pairs, 2 + 2 + 3 + 3);
}

/// [STZ-04] Encap and Decap, which modes 0 and 1 share.
#[test]
fn shared_secret() {
    for vector in &vectors()[..2] {
        let expected = array(&vector["shared_secret"]);
        let encapped = hazmat::hpke_encap_derand(&hex(&vector["ikmE"]), &hex(&vector["pkRm"]));
        assert_eq!(encapped, Ok((expected, array(&vector["enc"]))));
        assert_eq!(hazmat::hpke_decap(&array(&vector["skRm"]), &hex(&vector["enc"])), Ok(expected));
    }
    // AuthEncap has a second Diffie-Hellman in it: these are other secrets.
    for vector in &vectors()[2..] {
        let decapped = hazmat::hpke_decap(&array(&vector["skRm"]), &hex(&vector["enc"])).unwrap();
        assert_ne!(decapped, array(&vector["shared_secret"]));
    }
}

/// [STZ-04] the key schedule of base mode.
#[test]
fn key_schedule() {
    for vector in vectors() {
        let made = hazmat::hpke_key_schedule(&array(&vector["shared_secret"]), &hex(&vector["info"])).unwrap();
        let expected = (array(&vector["key"]), array(&vector["base_nonce"]));
        // The mode is in the context: no other mode's keys come out.
        assert_eq!(made == expected, vector["mode"] == 0);
    }
}

/// [STZ-04] [PAY-02] every message of the base mode's context. An envelope's chunks are numbered as HPKE's messages are.
#[test]
fn encryptions() {
    let base = &vectors()[0];
    let (key, base_nonce) = (array(&base["key"]), array(&base["base_nonce"]));
    let encryptions = base["encryptions"].as_array().unwrap();
    assert_eq!(encryptions.len(), 257);
    for (sequence, message) in encryptions.iter().enumerate() {
        let nonce = hazmat::chunk_nonce(&base_nonce, sequence as u64).unwrap();
        assert_eq!(nonce, array(&message["nonce"]));
        let (aad, plain, sealed) = (hex(&message["aad"]), hex(&message["pt"]), hex(&message["ct"]));
        assert_eq!(hazmat::aes_256_gcm_seal(&key, &nonce, &aad, &plain).unwrap(), sealed);
        assert_eq!(hazmat::aes_256_gcm_open(&key, &nonce, &aad, &sealed).unwrap(), plain);
    }
}

/// [STZ-04] the wrap of a DEK, which no vector has, is the vector's context at sequence number 0 with empty aad.
#[test]
fn wrap_is_message_zero() {
    let base = &vectors()[0];
    let (point, info, dek) = (hex(&base["pkRm"]), hex(&base["info"]), [9; 32]);
    let (enc, entries) = hazmat::hpke_seal_group(&hex(&base["ikmE"]), &[(&point, &info)], &dek).unwrap();
    assert_eq!(enc, array(&base["enc"]));
    let sealed = hazmat::aes_256_gcm_seal(&array(&base["key"]), &array(&base["base_nonce"]), b"", &dek).unwrap();
    assert_eq!(entries, [&sealed[..]]);
    let scalar = array(&base["skRm"]);
    assert_eq!(hazmat::hpke_open(&scalar, &enc, &info, &entries[0]), Ok(dek));
    assert_eq!(hazmat::hpke_open(&scalar, &enc, &info[1..], &entries[0]), Err(Error::Decrypt));
    let other = array(&base["skEm"]);
    assert_eq!(hazmat::hpke_open(&other, &enc, &info, &entries[0]), Err(Error::Decrypt));
}
