//! The vectors of C2SP det-keygen, byte for byte, and every RSA key of theirs at work.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PrivateKeyParts;
use sealroom::{Error, hazmat};
use serde_json::Value;
use std::collections::BTreeMap;

fn vectors(name: &str) -> Vec<Value> {
    let path = format!("{}/test-vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn base64(field: &Value) -> Vec<u8> {
    let digit =
        |c: u8| b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".iter().position(|d| *d == c);
    let mut out = Vec::new();
    let digits: Vec<usize> = field.as_str().unwrap().bytes().map_while(digit).collect();
    for four in digits.chunks(4) {
        let bits = four.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - four.len()));
        out.extend(&[(bits >> 16) as u8, (bits >> 8) as u8, bits as u8][..four.len() - 1]);
    }
    out
}

/// [DET-01] [DET-02]
#[test]
fn p256_keys_are_those_of_the_vectors() {
    let vectors = vectors("external/c2sp-det-keygen-p256.json");
    assert_eq!(vectors.len(), 3);
    for vector in vectors {
        assert_eq!(vector["curve"], "secp256r1");
        let key = hazmat::det_keygen_p256_pkcs8(&base64(&vector["seed"])).unwrap();
        assert_eq!(key, base64(&vector["private_key_pkcs8"]));
    }
}

/// [DET-02] the first scalar of this seed is not below the order: step 11.
///
/// The expected scalar comes from `test-vectors/conformance/python/det_keygen.py`.
#[test]
fn p256_retries_once() {
    let seed = u128::from_str_radix("b432f9be30890480298218510559aed7", 16).unwrap().to_be_bytes();
    let key = hazmat::det_keygen_p256_pkcs8(&seed).unwrap();
    let scalar = key.windows(2).position(|pair| pair == [0x04, 0x20]).unwrap() + 2;
    assert_eq!(
        crate::common::hex(&key[scalar..scalar + 32]),
        "8e33078565bd7d1f9f81011fa8b788632af840074ab0eb31f8022b77547d61f3"
    );
}

/// [DET-01]
#[test]
fn short_seeds_and_other_sizes_are_refused() {
    assert!(matches!(hazmat::det_keygen_p256_pkcs8(&[0; 15]), Err(Error::Argument { .. })));
    assert!(matches!(hazmat::det_keygen_rsa_pkcs8(&[0; 15], 2048), Err(Error::Argument { .. })));
    for bits in [0, 1024, 2064, 8192] {
        assert!(matches!(hazmat::det_keygen_rsa_pkcs8(&[0; 32], bits), Err(Error::Argument { .. })));
    }
}

/// [DET-02] and each key signs, verifies, encrypts and decrypts; p is the smaller prime of some and the larger of others.
#[test]
fn rsa_keys_are_those_of_the_vectors_and_work() {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let (mut p_smaller, mut p_larger) = (0, 0);
    let mut sizes = BTreeMap::new();
    // C2SP has one key of 3072 bits and none of 4096; the others come from a second implementation.
    for vector in [vectors("external/c2sp-det-keygen-rsa.json"), vectors("det_keygen/rsa.json")].concat() {
        let bits = vector["bits"].as_u64().unwrap() as usize;
        *sizes.entry(bits).or_insert(0) += 1;
        let made = hazmat::det_keygen_rsa_pkcs8(&base64(&vector["seed"]), bits);
        if !matches!(bits, 2048 | 3072 | 4096) {
            assert!(matches!(made, Err(Error::Argument { .. })));
            continue;
        }
        let pkcs8 = made.unwrap();
        assert_eq!(pkcs8, base64(&vector["private_key_pkcs8"]), "{bits} {}", vector["seed"]);
        assert_eq!(hazmat::rsa_pkcs8(&pkcs8).unwrap(), pkcs8);

        let key = rsa::PrivateKey::from_pkcs8_der(&pkcs8).unwrap();
        if key.primes()[0] < key.primes()[1] {
            p_smaller += 1
        } else {
            p_larger += 1
        }

        let spki = hazmat::rsa_spki(&pkcs8).unwrap();
        let signature = hazmat::rsa_pss_sign(&pkcs8, &[7; 32], &mut rng).unwrap();
        assert_eq!(signature.len(), bits / 8);
        assert_eq!(hazmat::rsa_pss_verify(&spki, &[7; 32], &signature), Ok(()));
        assert_eq!(hazmat::rsa_pss_verify(&spki, &[8; 32], &signature), Err(Error::Signature));
        assert_eq!(hazmat::rsa_pss_verify(&spki, &[7; 32], &signature[1..]), Err(Error::Signature));

        for len in [0, 63, 64, 65, bits / 8 - 66] {
            let ciphertext = hazmat::rsa_oaep_encrypt(&spki, &vec![5; len], &[9; 32]).unwrap();
            assert_eq!(ciphertext, hazmat::rsa_oaep_encrypt(&spki, &vec![5; len], &[9; 32]).unwrap());
            assert_eq!(hazmat::rsa_oaep_decrypt(&pkcs8, &ciphertext, &mut rng).unwrap(), vec![5; len]);
            let exactly = hazmat::rsa_oaep_decrypt_64(&pkcs8, &ciphertext, &mut rng);
            assert_eq!(exactly, if len == 64 { Ok([5; 64]) } else { Err(Error::Decrypt) });
        }
        assert!(matches!(
            hazmat::rsa_oaep_encrypt(&spki, &vec![5; bits / 8 - 65], &[9; 32]),
            Err(Error::Argument { .. })
        ));
    }
    assert_eq!(sizes, [(2048, 8), (2064, 1), (3072, 3), (4096, 2), (8192, 1)].into());
    assert!(p_smaller > 0 && p_larger > 0, "{p_smaller} {p_larger}");
}

/// One encoding: what the key was read from must be what it is written as.
#[test]
fn other_encodings_of_a_key_are_refused() {
    let pkcs8 = hazmat::det_keygen_rsa_pkcs8(&[3; 32], 2048).unwrap();
    let spki = hazmat::rsa_spki(&pkcs8).unwrap();
    assert!(hazmat::rsa_oaep_encrypt(&spki, b"", &[0; 32]).is_ok());
    let refused = |spki: &[u8]| {
        matches!(hazmat::rsa_oaep_encrypt(spki, b"", &[0; 32]), Err(Error::Malformed { field: "rsa public key" }))
    };
    for len in 0..spki.len() {
        assert!(refused(&spki[..len]));
    }
    assert!(refused(&[&spki[..], &[0]].concat()));
    // Everything but the modulus is fixed: of its bits, the first and the last are too.
    let modulus = spki.len() - 5 - 256..spki.len() - 5;
    for place in (0..spki.len()).filter(|place| !modulus.contains(place)) {
        for bit in 0..8 {
            let mut changed = spki.clone();
            changed[place] ^= 1 << bit;
            assert!(refused(&changed), "{place} {bit}");
        }
    }
    for (place, mask) in [(modulus.start, 0x80), (modulus.end - 1, 1)] {
        let mut changed = spki.clone();
        changed[place] ^= mask;
        assert!(refused(&changed));
    }
    assert!(matches!(hazmat::rsa_oaep_encrypt(&[0x30; 16_385], b"", &[0; 32]), Err(Error::Limit { .. })));
    assert!(matches!(hazmat::rsa_pkcs8(&[0x30; 16_385]), Err(Error::Limit { .. })));
    for len in (0..pkcs8.len()).step_by(7) {
        assert!(matches!(hazmat::rsa_pkcs8(&pkcs8[..len]), Err(Error::Malformed { .. })));
    }
    // A bit of n, e, d, p or q. The values that follow can be computed from these, and are.
    for place in (26..pkcs8.len() - 3 * 131).step_by(5) {
        let mut changed = pkcs8.clone();
        changed[place] ^= 4;
        assert!(hazmat::rsa_pkcs8(&changed).is_err(), "{place}");
    }
}
