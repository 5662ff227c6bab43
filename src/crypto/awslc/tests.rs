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
        assert_eq!(ours.agree(peer.public()).unwrap().expose(), theirs.agree(&same_peer).unwrap().expose());
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

/// The group's order, big-endian.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// Zero, one, those beside the order and its half, and all ones.
fn edges() -> Vec<[u8; 32]> {
    let (mut half, mut carry) = ([0; 32], 0);
    for (place, octet) in half.iter_mut().zip(ORDER) {
        (*place, carry) = (octet >> 1 | carry << 7, octet & 1);
    }
    let mut all = vec![[0; 32], [0xff; 32], [1; 32], half, ORDER];
    for (number, by) in [([0; 32], 1), (ORDER, 1), (ORDER, -1), (ORDER, -2), (half, 1), (half, -1)] {
        let mut number: [u8; 32] = number;
        number[31] = number[31].wrapping_add_signed(by);
        all.push(number);
    }
    all
}

#[test]
fn edges_of_the_group_are_the_same() {
    for scalar in edges() {
        let (ours, theirs) = (P256Private::from_scalar(&scalar), other::P256Private::from_scalar(&scalar));
        assert_eq!(ours.as_ref().map(|key| *key.public().encoded()), theirs.map(|key| *key.public().encoded()));
        for digest in edges() {
            let Some(key) = &ours else { continue };
            let signature = key.sign(&digest).unwrap();
            let same = other::P256Public::decode(key.public().encoded()).unwrap();
            assert_eq!(ecdsa_verify(key.public(), &digest, &signature), Ok(()));
            assert_eq!(other::ecdsa_verify(&same, &digest, &signature), Ok(()));
        }
    }
    let key = P256Private::from_scalar(&[7; 32]).unwrap();
    let same = other::P256Public::decode(key.public().encoded()).unwrap();
    for (r, s) in edges().into_iter().flat_map(|r| edges().into_iter().map(move |s| (r, s))) {
        for digest in [[0; 32], [0xff; 32], ORDER, r] {
            let signature: [u8; 64] = [r, s].concat().try_into().unwrap();
            let verdict = ecdsa_verify(key.public(), &digest, &signature);
            assert_eq!(verdict, other::ecdsa_verify(&same, &digest, &signature));
            let (mut one, mut two) = (signature, signature);
            assert_eq!(ecdsa_normalize(&mut one), other::ecdsa_normalize(&mut two));
            assert_eq!(one, two);
        }
    }
}

/// What AWS-LC cannot agree on is an error, and never a secret that everybody knows.
#[test]
fn a_failed_agreement_is_no_secret() {
    let (ours, nowhere) = (P256Private::from_scalar(&[7; 32]).unwrap(), P256Public::of([4; POINT_LEN]));
    assert_eq!(ours.agree(&nowhere).map(drop), Err(Error::Key));
    // A key that AWS-LC could not make at once is made when it is used.
    let later = P256Private { agreement: Arc::default(), ..ours.clone() };
    assert_eq!(later.agree(ours.public()).unwrap().expose(), ours.agree(ours.public()).unwrap().expose());
}

/// Also where an allocation fails in between: a key is another's only by its seed. [ID-04] [DET-01]
#[test]
fn a_seed_has_one_key() {
    for seed in 1..20 {
        let (ours, again) =
            (crate::det_keygen::p256(&[seed; 32]).unwrap(), crate::det_keygen::p256(&[seed; 32]).unwrap());
        assert_eq!(ours.public().encoded(), again.public().encoded());
        let pair = || crate::hpke::derive_key_pair(&[seed; 32]).map(|key| *key.public().encoded());
        if let (Ok(ours), Ok(again)) = (pair(), pair()) {
            assert_eq!(ours, again);
        }
    }
}

#[cfg(feature = "rsa")]
mod rsa_edges {
    use super::*;
    use crypto_bigint::BoxedUint;

    fn keys(p: &[u8], q: &[u8]) -> (RsaPrivate, other::RsaPrivate) {
        (RsaPrivate::from_primes(p, q).unwrap(), other::RsaPrivate::from_primes(p, q).unwrap())
    }

    fn primes() -> (Vec<u8>, Vec<u8>) {
        let der = crate::det_keygen::rsa(&[1; 32], 2048, &mut crate::progress::unwatched).unwrap().to_pkcs8().unwrap();
        let info = ::rsa::pkcs8::PrivateKeyInfoRef::try_from(&der[..]).unwrap();
        let read = ::rsa::PrivateKey::try_from(info).unwrap();
        let [p, q] = ::rsa::traits::PrivateKeyParts::primes(&read) else { panic!() };
        (p.as_ref().to_be_bytes().to_vec(), q.as_ref().to_be_bytes().to_vec())
    }

    fn number(bytes: &[u8]) -> BoxedUint {
        BoxedUint::from_be_slice(bytes, 8 * bytes.len() as u32).unwrap()
    }

    #[test]
    fn debug_shows_no_secret() {
        let (p, q) = primes();
        let (ours, theirs) = keys(&p, &q);
        assert_eq!(std::format!("{ours:?}"), "RsaPrivate(..)");
        assert_eq!(std::format!("{:?}", ours.public()), std::format!("{:?}", theirs.public()));
    }

    /// The same verdict of both on everything that is near a ciphertext or a signature, in whichever order the primes are.
    #[test]
    fn ciphertexts_and_signatures_have_one_verdict() {
        let (p, q) = primes();
        for (p, q) in [(&p, &q), (&q, &p)] {
            let (ours, theirs) = keys(p, q);
            let rng = &mut Counting(1);
            let digest = [3; 32];
            let (sealed, n) =
                (ours.public().oaep_encrypt(&[7; 64], &[8; 32]).unwrap(), ours.public().modulus().to_vec());
            assert_eq!(ours.oaep_decrypt_64(&sealed, rng).unwrap().expose(), &[7; 64]);
            let signature = ours.pss_sign(&digest, rng).unwrap();
            assert_eq!(theirs.public().pss_verify(&digest, &signature), Ok(()));
            let near = |by: i8| {
                let mut near = n.clone();
                near[255] = near[255].wrapping_add_signed(by);
                near
            };
            let mut one = vec![0; 256];
            one[255] = 1;
            let mut wrongs = vec![vec![], vec![0], vec![0; 255], vec![0; 256], vec![0; 257], vec![0xff; 256], one];
            wrongs.extend([near(0), near(-1), near(1), vec![0xff; 512], vec![0; 100_000]]);
            for good in [&sealed, &signature] {
                wrongs.extend([
                    good[1..].to_vec(),
                    good[..255].to_vec(),
                    [&[0], &good[..]].concat(),
                    [&good[..], &[0]].concat(),
                ]);
                wrongs.push(good.clone());
            }
            for len in [0, 1, 63, 65, 190] {
                wrongs.push(ours.public().oaep_encrypt(&vec![7; len], &[8; 32]).unwrap());
            }
            for wrong in &wrongs {
                let (one, two) = (ours.oaep_decrypt_64(wrong, rng), theirs.oaep_decrypt_64(wrong, rng));
                assert_eq!(one.map(|secret| *secret.expose()), two.map(|secret| *secret.expose()), "{}", wrong.len());
                let (one, two) = (ours.oaep_decrypt(wrong, rng), theirs.oaep_decrypt(wrong, rng));
                assert_eq!(one.map(|text| text.to_vec()), two.map(|text| text.to_vec()), "{}", wrong.len());
                let verdicts = (ours.public().pss_verify(&digest, wrong), theirs.public().pss_verify(&digest, wrong));
                assert_eq!(verdicts.0, verdicts.1, "{}", wrong.len());
            }
        }
    }

    /// Encoded messages with one fault each, under the public operation alone.
    #[test]
    fn faults_of_an_encoding_have_one_verdict() {
        let (p, q) = primes();
        let (ours, theirs) = keys(&p, &q);
        let raw = ::rsa::PublicKey::new(number(ours.public().modulus()), 65537_u32.into()).unwrap();
        for at in [0, 1, 32, 33, 34, 64, 65, 100, 190, 191, 192, 255] {
            for to in [0, 1, 2, 0xff] {
                for mask in [false, true] {
                    let mut em = vec![0; 256];
                    crate::crypto::oaep::encode(&[0; 64], &[9; 32], &mut em).unwrap();
                    let unmask = |em: &mut [u8]| {
                        let (seed, db) = em[1..].split_at_mut(32);
                        crate::crypto::oaep::mgf1_xor(db, seed);
                        crate::crypto::oaep::mgf1_xor(seed, db);
                    };
                    let again = |em: &mut [u8]| {
                        let (seed, db) = em[1..].split_at_mut(32);
                        crate::crypto::oaep::mgf1_xor(seed, db);
                        crate::crypto::oaep::mgf1_xor(db, seed);
                    };
                    if mask {
                        unmask(&mut em);
                    }
                    em[at] = to;
                    if mask {
                        again(&mut em);
                    }
                    let Ok(c) = ::rsa::hazmat::rsa_encrypt(&raw, &number(&em)) else { continue };
                    let c = c.to_be_bytes();
                    let rng = &mut Counting(2);
                    let (one, two) = (ours.oaep_decrypt(&c, rng), theirs.oaep_decrypt(&c, rng));
                    assert_eq!(one.map(|text| text.to_vec()), two.map(|text| text.to_vec()), "{at} {to} {mask}");
                }
            }
        }
    }

    /// What are no primes makes a key of either, whose uses fail and never panic.
    #[test]
    fn keys_that_are_none_fail_with_both() {
        let (p, q) = primes();
        for (at, to) in [(127, 2), (127, 4), (60, 1), (1, 1)] {
            let mut composite = p.clone();
            composite[at] ^= to;
            let (one, two) = (RsaPrivate::from_primes(&composite, &q), other::RsaPrivate::from_primes(&composite, &q));
            assert_eq!(one.as_ref().err(), two.as_ref().err());
            let (Ok(one), Ok(two)) = (one, two) else { continue };
            let rng = &mut Counting(3);
            let sealed = one.public().oaep_encrypt(&[7; 64], &[8; 32]).unwrap();
            assert_eq!(
                one.oaep_decrypt_64(&sealed, rng).map(drop),
                two.oaep_decrypt_64(&sealed, rng).map(drop),
                "{at}"
            );
            assert_eq!(one.pss_sign(&[0; 32], rng).map(drop), two.pss_sign(&[0; 32], rng).map(drop), "{at}");
        }
    }

    /// Any odd number with its top bit set is a public key, and verifies nothing.
    #[test]
    fn moduli_that_are_none_verify_nothing() {
        for (first, fill, last) in [(0x80, 0, 1), (0xff, 0xff, 0xff), (0x80, 0x55, 3), (0xc0, 0, 5)] {
            let mut modulus = vec![fill; 256];
            (modulus[0], modulus[255]) = (first, last);
            let (one, two) =
                (RsaPublic::from_modulus(&modulus).unwrap(), other::RsaPublic::from_modulus(&modulus).unwrap());
            let mut unit = vec![0; 256];
            unit[255] = 1;
            for signature in [vec![0; 256], unit, vec![0x7f; 256]] {
                assert_eq!(one.pss_verify(&[0; 32], &signature), two.pss_verify(&[0; 32], &signature));
            }
        }
    }

    /// A salt of another length is refused by both. SPEC §5
    #[test]
    fn salts_are_of_one_length() {
        let (p, q) = primes();
        let (ours, theirs) = keys(&p, &q);
        let key = ::rsa::PrivateKey::from_p_q(number(&p), number(&q), 65537_u32.into()).unwrap();
        for len in [0, 20, 31, 32, 33, 64, 222] {
            let mut rng = <chacha20::ChaCha20Rng as chacha20::rand_core::SeedableRng>::from_seed([4; 32]);
            let pss = ::rsa::Pss::<sha2::Sha256>::new_with_salt(len);
            let signature = key.sign_with_rng(&mut rng, pss, &[3; 32]).unwrap();
            let verdict = ours.public().pss_verify(&[3; 32], &signature);
            assert_eq!(verdict, theirs.public().pss_verify(&[3; 32], &signature), "{len}");
            assert_eq!(verdict.is_ok(), len == 32, "{len}");
        }
    }
}
