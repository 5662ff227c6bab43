//! Wycheproof's vectors for AES-GCM, HKDF, ECDH, ECDSA and C2SP chunked encryption.
//!
//! All counts are exact, of what ran and of what is not for us, so that no test can do nothing unseen. The RSA schemes
//! are in `wycheproof_rsa.rs`.

use sealroom::{Error, P256PublicKey, hazmat};
use sha2::Digest;
use std::collections::BTreeMap;
use wycheproof::TestResult::{Acceptable, Invalid, Valid};
use wycheproof::{aead, chunked_encryption, ecdh, ecdsa, hkdf};

/// [SUITE-02] AES-256-GCM with nonces of 12 bytes. Other sizes cannot be asked for.
#[test]
fn aes_256_gcm() {
    let (mut valid, mut invalid, mut other_key, mut other_nonce) = (0, 0, 0, 0);
    for group in aead::TestSet::load(aead::TestName::AesGcm).unwrap().test_groups {
        assert_eq!(group.tag_size, 128);
        for test in group.tests {
            let Ok(key) = <[u8; 32]>::try_from(&test.key[..]) else {
                other_key += 1;
                continue;
            };
            let Ok(nonce) = <[u8; 12]>::try_from(&test.nonce[..]) else {
                other_nonce += 1;
                continue;
            };
            let sealed = [&test.ct[..], &test.tag[..]].concat();
            let opened = hazmat::aes_256_gcm_open(&key, &nonce, &test.aad, &sealed);
            let made = hazmat::aes_256_gcm_seal(&key, &nonce, &test.aad, &test.pt).unwrap();
            if test.result == Valid {
                assert_eq!(opened.as_deref(), Ok(&test.pt[..]), "{}", test.tc_id);
                assert_eq!(made, sealed, "{}", test.tc_id);
                valid += 1;
            } else {
                assert_eq!(opened, Err(Error::Decrypt), "{} {}", test.tc_id, test.comment);
                assert_ne!(made, sealed);
                invalid += 1;
            }
        }
    }
    assert_eq!((valid, invalid, other_key, other_nonce), (39, 27, 211, 39));
}

/// HKDF with SHA-256: Extract, then Expand. More than 255 blocks are refused.
#[test]
fn hkdf_sha256() {
    let (mut valid, mut invalid) = (0, 0);
    for group in hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap().test_groups {
        for test in group.tests {
            let prk = hazmat::hkdf_extract(&test.salt, &test.ikm);
            let mut out = vec![0; test.size];
            let expanded = hazmat::hkdf_expand(&prk, &test.info, &mut out);
            if test.result == Valid {
                assert_eq!(expanded, Ok(()), "{}", test.tc_id);
                assert_eq!(out, **test.okm, "{}", test.tc_id);
                valid += 1;
            } else {
                assert_eq!(expanded, Err(Error::Argument { what: "length of a derived key" }), "{}", test.tc_id);
                invalid += 1;
            }
        }
    }
    assert_eq!((valid, invalid), (83, 3));
}

/// A private key as Java writes integers: with a zero in front, or without leading zeros.
fn scalar(integer: &[u8]) -> [u8; 32] {
    let mut scalar = [0; 32];
    let digits = &integer[integer.iter().position(|byte| *byte != 0).unwrap()..];
    scalar[32 - digits.len()..].copy_from_slice(digits);
    scalar
}

const BAD_POINT: Error = Error::Malformed { field: "p256 public key" };

/// [SUITE-03] points as bytes.
#[test]
fn ecdh_points() {
    let (mut valid, mut compressed, mut invalid) = (0, 0, 0);
    for group in ecdh::TestSet::load(ecdh::TestName::EcdhSecp256r1Ecpoint).unwrap().test_groups {
        for test in group.tests {
            let agreed = hazmat::p256_agree(&scalar(&test.private_key), &test.public_key);
            match test.result {
                Valid => {
                    assert_eq!(agreed.as_ref().map(|x| &x[..]), Ok(&test.shared_secret[..]), "{}", test.tc_id);
                    valid += 1;
                    continue;
                }
                // A right point, but compressed.
                Acceptable => compressed += 1,
                Invalid => invalid += 1,
            }
            assert_eq!(agreed, Err(BAD_POINT), "{} {}", test.tc_id, test.comment);
        }
    }
    assert_eq!((valid, compressed, invalid), (330, 1, 24));
}

/// [SUITE-03] [SUITE-06] points in a SubjectPublicKeyInfo, of which one encoding is right.
///
/// Wycheproof calls acceptable what other libraries let pass: a compressed point, BER, parameters that are wrong but not
/// used. We refuse all of them.
#[test]
fn ecdh_subject_public_key_infos() {
    let (mut valid, mut acceptable, mut invalid) = (0, 0, 0);
    for group in ecdh::TestSet::load(ecdh::TestName::EcdhSecp256r1).unwrap().test_groups {
        for test in group.tests {
            let decoded = P256PublicKey::from_spki_der(&test.public_key);
            match test.result {
                Valid => {
                    let point = decoded.unwrap();
                    assert_eq!(point.to_spki_der(), test.public_key[..]);
                    let agreed = hazmat::p256_agree(&scalar(&test.private_key), point.as_bytes()).unwrap();
                    assert_eq!(agreed, test.shared_secret[..], "{}", test.tc_id);
                    valid += 1;
                    continue;
                }
                Acceptable => acceptable += 1,
                Invalid => invalid += 1,
            }
            assert!(matches!(decoded, Err(Error::Malformed { .. })), "{} {}", test.tc_id, test.comment);
        }
    }
    assert_eq!((valid, acceptable, invalid), (330, 230, 52));
}

/// Half of the order of P-256, rounded down: the greatest s.
const HALF: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d,
    0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];

#[derive(Default, Debug, PartialEq)]
struct Verified {
    low: u32,
    /// Refused, and right once s was negated.
    high: u32,
    invalid: u32,
}

impl Verified {
    fn check(&mut self, point: &[u8], test: &ecdsa::Test, signature: &[u8]) {
        let digest = sha2::Sha256::digest(&test.msg).into();
        let verified = hazmat::p256_verify(point, &digest, signature);
        if test.result != Valid {
            assert_eq!(verified, Err(Error::Signature), "{} {}", test.tc_id, test.comment);
            // Nor may the other half of s be right.
            if let Ok(mut other) = signature.try_into()
                && hazmat::p256_normalize(&mut other).is_ok()
            {
                assert_eq!(hazmat::p256_verify(point, &digest, &other), Err(Error::Signature), "{}", test.tc_id);
            }
            self.invalid += 1;
            return;
        }
        let mut low: [u8; 64] = signature.try_into().unwrap();
        hazmat::p256_normalize(&mut low).unwrap();
        assert!(low[32..] <= HALF[..]);
        assert_eq!(low[..32], signature[..32]);
        assert_eq!(hazmat::p256_verify(point, &digest, &low), Ok(()), "{} {}", test.tc_id, test.comment);
        if signature[32..] <= HALF[..] {
            assert_eq!(low, signature);
            self.low += 1;
        } else {
            assert_eq!(verified, Err(Error::Signature), "{}", test.tc_id);
            self.high += 1;
        }
    }
}

/// [SUITE-04] signatures as r then s.
#[test]
fn ecdsa_r_s() {
    let mut counts = Verified::default();
    for group in ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap().test_groups {
        let key = P256PublicKey::from_spki_der(&group.der).unwrap();
        for test in &group.tests {
            counts.check(key.as_bytes(), test, &test.sig);
        }
    }
    assert_eq!(counts, Verified { low: 103, high: 70, invalid: 89 });
}

/// Why a signature in DER has no form as r then s.
#[derive(Debug)]
enum NotOurs {
    /// It is not an ECDSA-Sig-Value in DER.
    Encoding,
    /// It is, of an integer below 0 or over 32 bytes.
    Integer,
}

/// r then s of an ECDSA-Sig-Value in DER. RFC 3279 §2.2.3
fn r_s(der: &[u8]) -> Result<[u8; 64], NotOurs> {
    /// The contents of a short element of `tag`, and what follows it. 64 bytes and some never take a long form.
    fn element(tag: u8, der: &[u8]) -> Result<(&[u8], &[u8]), NotOurs> {
        match der {
            [found, len @ ..=0x7f, rest @ ..] if *found == tag => {
                rest.split_at_checked(usize::from(*len)).ok_or(NotOurs::Encoding)
            }
            _ => Err(NotOurs::Encoding),
        }
    }
    /// The digits of an integer, in its shortest form; `None` if it is negative.
    fn integer(contents: &[u8]) -> Result<Option<&[u8]>, NotOurs> {
        match contents {
            [] | [0, ..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => Err(NotOurs::Encoding),
            [0x80..=0xff, ..] => Ok(None),
            [0, digits @ ..] | digits => Ok(Some(digits)),
        }
    }
    let (pair, end) = element(0x30, der)?;
    let (r, rest) = element(0x02, pair)?;
    let (s, rest) = element(0x02, rest)?;
    if !rest.is_empty() || !end.is_empty() {
        return Err(NotOurs::Encoding);
    }
    let mut signature = [0; 64];
    let (halves, _) = signature.as_chunks_mut::<32>();
    for (half, digits) in halves.iter_mut().zip([integer(r)?, integer(s)?]) {
        let digits = digits.ok_or(NotOurs::Integer)?;
        half[32_usize.checked_sub(digits.len()).ok_or(NotOurs::Integer)?..].copy_from_slice(digits);
    }
    Ok(signature)
}

/// [SUITE-04] signatures in DER, which our formats do not have. What is wrong in its encoding alone, and integers that r
/// then s cannot hold, are not for us.
#[test]
fn ecdsa_der() {
    let mut counts = Verified::default();
    let mut not_ours = BTreeMap::new();
    for group in ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap().test_groups {
        let key = P256PublicKey::from_spki_der(&group.der).unwrap();
        for test in &group.tests {
            match r_s(&test.sig) {
                Ok(signature) => counts.check(key.as_bytes(), test, &signature),
                Err(why) => {
                    assert_eq!((test.result, test.flags.len()), (Invalid, 1), "{}", test.tc_id);
                    *not_ours.entry(format!("{why:?} {:?}", test.flags[0])).or_insert(0) += 1;
                }
            }
        }
    }
    assert_eq!(counts, Verified { low: 103, high: 71, invalid: 75 });
    let expected = [
        ("Encoding BerEncodedSignature", 7),
        ("Encoding InvalidEncoding", 92),
        ("Encoding InvalidTypesInSignature", 63),
        ("Encoding ModifiedSignature", 33),
        ("Integer ArithmeticError", 1),
        ("Integer IntegerOverflow", 5),
        ("Integer InvalidSignature", 15),
        ("Integer MissingZero", 1),
        ("Integer ModifiedInteger", 4),
        ("Integer ModifiedSignature", 8),
        ("Integer RangeCheck", 6),
    ];
    assert_eq!(not_ours, expected.map(|(class, count)| (class.into(), count)).into());
}

/// What we sign, we verify, and s is in the lower half. [SUITE-04]
#[test]
fn ecdsa_sign() {
    for number in 1..=64 {
        let (scalar, point) = hazmat::hpke_derive_key_pair(&[number; 32]).unwrap();
        let signature = hazmat::p256_sign(&scalar, &[number; 32]).unwrap();
        assert!(signature[32..] <= HALF[..]);
        assert_eq!(hazmat::p256_verify(&point, &[number; 32], &signature), Ok(()));
        // RFC 6979: no randomness, but AWS-LC's own while nothing in this program asked for the other.
        #[cfg(not(feature = "aws-lc-rs"))]
        assert_eq!(hazmat::p256_sign(&scalar, &[number; 32]), Ok(signature));
    }
}

/// HKDF-Expand with SHA-512, which C2SP derives the vectors' keys with, and nothing of ours does. RFC 5869 §2.3
fn expand_sha512(key: &[u8], info: &[u8], out: &mut [u8]) {
    use hmac::{KeyInit, Mac};
    let mut block = Vec::new();
    for (part, counter) in out.chunks_mut(64).zip(1..) {
        let mut mac = hmac::Hmac::<sha2::Sha512>::new_from_slice(key).unwrap();
        mac.update(&[&block, info, &[counter]].concat());
        block = mac.finalize().into_bytes().to_vec();
        part.copy_from_slice(&block[..part.len()]);
    }
}

/// [PAY-01] [PAY-02] [PAY-03] [PAY-04] [OFF-01] C2SP chunked encryption, whose chunks are ours: opened at once, as a
/// stream and at offsets.
///
/// C2SP's key derivation and commitment are not ours, and done here.
#[test]
fn chunked_encryption() {
    use chunked_encryption::TestFlag::{HeaderFailure, PartialPlaintext, ValidFinalChunk};
    let (mut valid, mut invalid, mut header, mut prefixes, mut ends) = (0, 0, 0, 0, 0);
    for group in chunked_encryption::TestSet::load(chunked_encryption::TestName::Cobblestone256).unwrap().test_groups {
        for test in group.tests {
            let sealed = miniz_oxide::inflate::decompress_to_vec_zlib(&test.ct).unwrap();
            let derived = sealed.split_first_chunk::<24>().and_then(|(salt, rest)| {
                let (commitment, chunks) = rest.split_first_chunk::<32>()?;
                let info = [b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0", &salt[..], &test.ctx].concat();
                let mut out = [0; 32 + 12 + 32];
                expand_sha512(&test.key, &info, &mut out);
                let right = test.key.len() == 32 && out[44..] == *commitment;
                right.then(|| (<[u8; 32]>::try_from(&out[..32]).unwrap(), out[32..44].try_into().unwrap(), chunks))
            });
            assert_eq!(derived.is_none(), test.flags.contains(&HeaderFailure), "{}", test.tc_id);
            let Some((key, base_nonce, chunks)) = derived else {
                assert_eq!(test.result, Invalid);
                header += 1;
                continue;
            };
            assert_eq!(test.aead_key.as_ref().unwrap()[..], key);
            assert_eq!(test.base_nonce.as_ref().unwrap()[..], base_nonce);

            let opened = hazmat::chunks_unlocked(&key, &base_nonce).open(chunks).map(|opened| opened.unverified());
            // What a stream gives out before it fails.
            let mut streamed = Vec::new();
            let mut stream = hazmat::chunks_unlocked(&key, &base_nonce).stream();
            let mut failed = false;
            for piece in chunks.chunks(16_400) {
                match stream.push(piece) {
                    Ok(plain) => streamed.extend_from_slice(plain.unverified()),
                    Err(error) => {
                        assert_eq!(error, Error::Decrypt);
                        failed = true;
                    }
                }
            }
            match stream.finish() {
                Ok(end) => {
                    assert!(!failed);
                    streamed.extend_from_slice(&end.unverified());
                }
                Err(error) => {
                    assert_eq!(error, Error::Decrypt);
                    failed = true;
                }
            }
            let offsets = hazmat::chunks_unlocked(&key, &base_nonce).at_offsets(chunks.len() as u64);
            let offsets = offsets.and_then(|probe| {
                let last = probe.last_chunk();
                probe.authenticate(&chunks[last.start as usize..last.end as usize], None)
            });

            assert_eq!(failed, test.result != Valid, "{} {}", test.tc_id, test.comment);
            if test.result == Valid || test.flags.contains(&PartialPlaintext) {
                assert_eq!(streamed.len(), test.msg_length.unwrap(), "{} {}", test.tc_id, test.comment);
                assert_eq!(sha2::Sha512::digest(&streamed)[..], test.msg_sha512.as_ref().unwrap()[..]);
            } else {
                assert!(streamed.is_empty(), "{}", test.tc_id);
            }
            let end = test.result == Valid || test.flags.contains(&ValidFinalChunk);
            assert_eq!(offsets.is_ok(), end, "{} {}", test.tc_id, test.comment);
            if test.result == Valid {
                assert_eq!(opened.unwrap(), streamed, "{}", test.tc_id);
                assert_eq!(hazmat::chunks_seal(&key, &base_nonce, &streamed).unwrap(), chunks, "{}", test.tc_id);
                let reader = offsets.unwrap();
                assert_eq!(reader.content_len(), streamed.len() as u64);
                for start in [0, streamed.len() / 2, streamed.len().saturating_sub(1), streamed.len()] {
                    let content = start as u64..streamed.len().min(start + 20_000) as u64;
                    let place = reader.fetch(&content).unwrap();
                    let part = reader.open(&content, &chunks[place.start as usize..place.end as usize]).unwrap();
                    assert_eq!(part.unverified(), streamed[start..content.end as usize], "{}", test.tc_id);
                }
                valid += 1;
            } else {
                assert_eq!(opened, Err(Error::Decrypt), "{} {}", test.tc_id, test.comment);
                invalid += 1;
                prefixes += u32::from(test.flags.contains(&PartialPlaintext));
                ends += u32::from(end);
            }
        }
    }
    assert_eq!((valid, invalid, header, prefixes, ends), (10, 15, 10, 9, 4));
}

/// [PAY-02] [LIM-01] the number is in the last five bytes of the nonce, and ends before 2^38.
#[test]
fn chunk_numbers() {
    assert_eq!(hazmat::chunk_nonce(&[0xff; 12], 0x12_3456_789a).unwrap()[7..], [0xed, 0xcb, 0xa9, 0x87, 0x65]);
    let mut last = [0; 12];
    last[7..].copy_from_slice(&[0x3f, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(hazmat::chunk_nonce(&[0; 12], (1 << 38) - 1), Ok(last));
    for number in [1 << 38, 1 << 40, u64::MAX] {
        assert_eq!(hazmat::chunk_nonce(&[0; 12], number), Err(Error::Limit { limit: "chunks" }));
    }
}
