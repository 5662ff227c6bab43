//! Wycheproof's vectors for the two RSA schemes, with exact counts, so that a file that went missing is noticed.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use rsa::pkcs8::EncodePublicKey;
use sealroom::{Error, hazmat};
use sha2::Digest;
use wycheproof::{TestResult, rsa_oaep, rsa_pss_verify};

#[test]
fn oaep() {
    use rsa_oaep::TestName::{Rsa2048Sha256Mgf1Sha256, Rsa3072Sha256Mgf1Sha256, Rsa4096Sha256Mgf1Sha256};
    let mut rng = ChaCha20Rng::from_seed([2; 32]);
    for name in [Rsa2048Sha256Mgf1Sha256, Rsa3072Sha256Mgf1Sha256, Rsa4096Sha256Mgf1Sha256] {
        let (mut valid, mut invalid, mut labelled, mut first_octet) = (0, 0, 0, 0);
        for group in rsa_oaep::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let decrypted = hazmat::rsa_oaep_decrypt(&group.pkcs8, &test.ct, &mut rng);
                let exactly = hazmat::rsa_oaep_decrypt_64(&group.pkcs8, &test.ct, &mut rng);
                if !test.label.is_empty() {
                    // Right under their label, which is not ours.
                    assert_eq!(decrypted, Err(Error::Decrypt), "{}", test.tc_id);
                    labelled += 1;
                } else if test.result == TestResult::Valid {
                    assert_eq!(decrypted.as_deref(), Ok(&test.pt[..]), "{}", test.tc_id);
                    valid += 1;
                } else {
                    assert_eq!(decrypted, Err(Error::Decrypt), "{} {}", test.tc_id, test.comment);
                    invalid += 1;
                }
                let expected = decrypted.and_then(|message| <[u8; 64]>::try_from(message).map_err(|_| Error::Decrypt));
                assert_eq!(exactly, expected);
                // Right but for its first octet: the one that the backend's own decoding lets through.
                if test.tc_id == 23 {
                    assert_eq!((&*test.comment, test.result), ("First byte is 1", TestResult::Invalid));
                    assert_eq!(exactly, Err(Error::Decrypt));
                    first_octet += 1;
                }
            }
        }
        assert_eq!((valid, invalid, labelled, first_octet), (10, 19, 8, 1), "{name:?}");
    }
}

#[test]
fn pss() {
    use rsa_pss_verify::TestName::{
        RsaPss2048Sha256Mgf1SaltLen32, RsaPss3072Sha256Mgf1SaltLen32, RsaPss4096Sha256Mgf1SaltLen32,
    };
    for name in [RsaPss2048Sha256Mgf1SaltLen32, RsaPss3072Sha256Mgf1SaltLen32, RsaPss4096Sha256Mgf1SaltLen32] {
        let (mut valid, mut invalid) = (0, 0);
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            assert_eq!(group.salt_size, 32);
            let integer = |bytes: &[u8]| rsa::BoxedUint::from_be_slice_vartime(bytes);
            let key = rsa::PublicKey::new(integer(&group.key.n), integer(&group.key.e)).unwrap();
            let spki = key.to_public_key_der().unwrap().into_vec();
            for test in group.tests {
                let verified = hazmat::rsa_pss_verify(&spki, &sha2::Sha256::digest(&test.msg).into(), &test.sig);
                if test.result == TestResult::Valid {
                    assert_eq!(verified, Ok(()), "{}", test.tc_id);
                    valid += 1;
                } else {
                    assert_eq!(verified, Err(Error::Signature), "{} {}", test.tc_id, test.comment);
                    invalid += 1;
                }
            }
        }
        assert_eq!((valid, invalid), (63, 45), "{name:?}");
    }
}
