//! The two backends beside each other: the same bytes, or each opens what the other made.

use super::rustcrypto as other;
use super::*;
use crate::crypto::Random;
use std::vec;
use std::vec::Vec;

/// Any numbers will do.
struct Counting(u64);

impl Random for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for place in out {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *place = (self.0 >> 56) as u8;
        }
        Ok(())
    }
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n % 253) as u8).collect()
}

#[test]
fn hashes_and_derivations_are_the_same() {
    for len in [0, 1, 55, 56, 63, 64, 65, 1000] {
        let text = bytes(len);
        let (mut ours, mut theirs) = (Sha256::new(), other::Sha256::new());
        for piece in text.chunks(7) {
            ours.update(piece);
            theirs.update(piece);
        }
        assert_eq!(ours.finish(), theirs.finish());
        let pieces = [&text[..len / 2], &text[len / 2..]];
        assert_eq!(HmacKey::new(&[3; 32]).mac(&pieces), other::HmacKey::new(&[3; 32]).mac(&pieces));
        for salt in [&[][..], &[1; 32], &bytes(100)] {
            assert_eq!(extract(salt, &pieces).expose(), other::extract(salt, &pieces).expose());
        }
        for out_len in [0, 1, 12, 32, 33, 76, 255 * 32] {
            let (mut one, mut two) = (vec![0; out_len], vec![0; out_len]);
            let prk = extract(&[], &pieces);
            expand(&prk, &[&pieces, &[b"more"]], &mut one).unwrap();
            other::expand(&prk, &[&pieces, &[b"more"]], &mut two).unwrap();
            assert_eq!(one, two);
        }
    }
    let (prk, mut out) = (extract(&[], &[]), vec![0; 255 * 32 + 1]);
    assert_eq!(expand(&prk, &[], &mut out), other::expand(&prk, &[], &mut out));
    assert!(expand(&prk, &[], &mut out).is_err());
}

#[test]
fn aead_is_the_same() {
    let (ours, theirs) = (Aead::new(&[5; 32]), other::Aead::new(&[5; 32]));
    for len in [0, 1, 15, 16, 17, 1000, 16_384] {
        let (plain, nonce, aad) = (bytes(len), [9; 12], b"aad");
        let (mut one, mut two, mut three) = (vec![0; len + 16], vec![0; len + 16], [&plain[..], &[0; 16]].concat());
        ours.seal(&nonce, aad, &plain, &mut one).unwrap();
        theirs.seal(&nonce, aad, &plain, &mut two).unwrap();
        ours.seal_in_place(&nonce, aad, &mut three).unwrap();
        assert!(one == two && one == three);
        let mut opened = vec![1; len];
        ours.open(&nonce, aad, &one, &mut opened).unwrap();
        assert_eq!(opened, plain);
        for place in [0, len / 2, len + 15] {
            let mut changed = one.clone();
            changed[place] ^= 1;
            let mut opened = vec![1; len];
            assert_eq!(ours.open(&nonce, aad, &changed, &mut opened), Err(Error::Decrypt));
            assert!(opened.iter().all(|&byte| byte == 0));
        }
        assert_eq!(ours.open(&nonce, aad, &one[..len.min(15)], &mut []), Err(Error::Decrypt));
        // A place of another length is the caller's mistake with both.
        assert_eq!(
            ours.open(&nonce, aad, &one, &mut vec![0; len + 1]),
            theirs.open(&nonce, aad, &one, &mut vec![0; len + 1])
        );
        assert_eq!(ours.seal(&nonce, aad, &plain, &mut vec![0; len + 15]), Err(Error::Buffer { needed: len + 16 }));
        assert_eq!(ours.seal(&nonce, aad, &plain, &mut vec![0; len + 17]), Err(Error::Buffer { needed: len + 16 }));
    }
}

#[test]
fn keys_agree_and_verify_each_others_signatures() {
    for seed in 1..20 {
        let (ours, theirs) =
            (P256Private::from_scalar(&[seed; 32]).unwrap(), other::P256Private::from_scalar(&[seed; 32]).unwrap());
        assert_eq!(ours.public().encoded(), theirs.public().encoded());
        assert_eq!(*ours.to_pkcs8().unwrap(), *theirs.to_pkcs8().unwrap());
        let peer = P256Private::from_scalar(&[seed + 1; 32]).unwrap();
        let same_peer = other::P256Public::decode(peer.public().encoded()).unwrap();
        assert_eq!(ours.agree(peer.public()).expose(), theirs.agree(&same_peer).expose());
        let digest = crate::crypto::sha256(&[seed]);
        // AWS-LC draws its nonces; the other backend signs as RFC 6979 does.
        assert_ne!(ours.sign(&digest), ours.sign(&digest));
        assert_eq!(theirs.sign(&digest), theirs.sign(&digest));
        for signature in [ours.sign(&digest).unwrap(), theirs.sign(&digest).unwrap()] {
            assert_eq!(ecdsa_verify(ours.public(), &digest, &signature), Ok(()));
            assert_eq!(other::ecdsa_verify(theirs.public(), &digest, &signature), Ok(()));
            let mut high = signature;
            negate(&mut high);
            let mut back = high;
            ecdsa_normalize(&mut back).unwrap();
            assert_eq!(back, signature);
            let mut changed = signature;
            changed[40] ^= 1;
            for wrong in [high, changed, [0; 64], [0xff; 64]] {
                assert_eq!(ecdsa_verify(ours.public(), &digest, &wrong), Err(Error::Signature));
            }
            assert_eq!(ecdsa_verify(peer.public(), &digest, &signature), Err(Error::Signature));
        }
    }
    for scalar in [[0; 32], [0xff; 32]] {
        assert!(P256Private::from_scalar(&scalar).is_none());
    }
}

/// s becomes n - s.
fn negate(signature: &mut [u8; ECDSA_LEN]) {
    const N: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
        0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let mut borrow = 0;
    for (place, order) in signature[32..].iter_mut().zip(N).rev() {
        let difference = i16::from(order) - i16::from(*place) - borrow;
        borrow = i16::from(difference < 0);
        *place = (difference & 0xff) as u8;
    }
}

#[cfg(feature = "rsa")]
#[test]
fn rsa_opens_and_verifies_what_the_other_made() {
    let primes = crate::det_keygen::rsa(&[1; 32], 2048, &mut crate::progress::unwatched).unwrap();
    let der = primes.to_pkcs8().unwrap();
    let (ours, theirs) = (RsaPrivate::from_pkcs8(&der).unwrap(), other::RsaPrivate::from_pkcs8(&der).unwrap());
    let (digest, rng) = (crate::crypto::sha256(b"text"), &mut Counting(1));
    for signature in [ours.pss_sign(&digest, rng).unwrap(), theirs.pss_sign(&digest, rng).unwrap()] {
        assert_eq!(ours.public().pss_verify(&digest, &signature), Ok(()));
        assert_eq!(theirs.public().pss_verify(&digest, &signature), Ok(()));
        assert_eq!(ours.public().pss_verify(&[0; 32], &signature), Err(Error::Signature));
        assert_eq!(ours.public().pss_verify(&digest, &signature[1..]), Err(Error::Signature));
    }
    let sealed = ours.public().oaep_encrypt(&[7; 64], &[8; 32]).unwrap();
    assert_eq!(sealed, theirs.public().oaep_encrypt(&[7; 64], &[8; 32]).unwrap());
    assert_eq!(ours.oaep_decrypt_64(&sealed, rng).unwrap().expose(), &[7; 64]);
    assert_eq!(theirs.oaep_decrypt_64(&sealed, rng).unwrap().expose(), &[7; 64]);
    for wrong in
        [&sealed[1..], &vec![0; 256], &vec![0xff; 256], &ours.public().oaep_encrypt(&[7; 63], &[8; 32]).unwrap()]
    {
        assert_eq!(ours.oaep_decrypt_64(wrong, rng).map(drop), Err(Error::Decrypt));
    }
}
