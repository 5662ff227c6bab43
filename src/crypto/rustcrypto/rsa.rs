//! RSA with SHA-256 from the `rsa` crate: OAEP and PSS over moduli of 2048, 3072 or 4096 bits. SPEC §5.
//!
//! Every private operation is blinded and its result checked against the public key: there is no way in this module
//! to ask for one that is not.

use crate::crypto::{Random, oaep};
use crate::error::Error;
use crate::labels::MAX_KEY_FILE_LEN;
use crate::secret::Secret;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use crypto_bigint::BoxedUint;
use rand_core::{TryCryptoRng, TryRng};
use rsa::pkcs8::{DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use rsa::traits::PublicKeyParts;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The one public exponent.
const EXPONENT: u32 = 65537;
/// What an OAEP message of the protocol is: a key and a hash.
const WRAPPED_PAIR_LEN: u32 = 64;

const BAD_PUBLIC: Error = Error::Malformed { field: "rsa public key" };
const BAD_PRIVATE: Error = Error::Malformed { field: "rsa private key" };

/// An RSA public key: a modulus of exactly 2048, 3072 or 4096 bits with the exponent 65537, kept with its encodings.
#[derive(Clone)]
pub(crate) struct RsaPublic {
    key: rsa::PublicKey,
    modulus: Vec<u8>,
    spki: Vec<u8>,
}

impl RsaPublic {
    /// A big-endian modulus of exactly 256, 384 or 512 bytes with its top bit set; the exponent is 65537. RFC 8017 §3.1
    ///
    /// Checked: size and oddness. Not checked, because it cannot be: that it is the product of two primes.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub(crate) fn from_modulus(modulus: &[u8]) -> Result<Self, Error> {
        let (Some(first), Some(last)) = (modulus.first(), modulus.last()) else { return Err(BAD_PUBLIC) };
        if !matches!(modulus.len(), 256 | 384 | 512) || first & 0x80 == 0 || last & 1 == 0 {
            return Err(BAD_PUBLIC);
        }
        let n = integer(modulus, modulus.len()).ok_or(BAD_PUBLIC)?;
        let key = rsa::PublicKey::new(n, EXPONENT.into()).map_err(|_| BAD_PUBLIC)?;
        let spki = key.to_public_key_der().map_err(|_| BAD_PUBLIC)?.into_vec();
        Ok(Self { key, modulus: modulus.to_vec(), spki })
    }

    /// A DER SubjectPublicKeyInfo with the algorithm rsaEncryption and NULL parameters, in its one encoding: what was
    /// read must be what [`spki`](Self::spki) writes. RFC 3279 §2.3.1
    ///
    /// # Errors
    /// [`Error::Limit`] if longer than a key file may be, else [`Error::Malformed`].
    pub(crate) fn from_spki(der: &[u8]) -> Result<Self, Error> {
        if der.len() > MAX_KEY_FILE_LEN {
            return Err(Error::Limit { limit: "imported key file bytes" });
        }
        let read = rsa::PublicKey::from_public_key_der(der).map_err(|_| BAD_PUBLIC)?;
        let key = Self::from_modulus(&read.n_bytes())?;
        // Refuses another exponent, another algorithm of the same key type and any freedom of the encoding at once.
        if key.spki != der {
            return Err(BAD_PUBLIC);
        }
        Ok(key)
    }

    /// The DER SubjectPublicKeyInfo. RFC 3279 §2.3.1
    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The modulus, big-endian, [`size`](Self::size) bytes.
    pub(crate) fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// Bytes of the modulus, hence of every ciphertext and signature: 256, 384 or 512.
    pub(crate) fn size(&self) -> usize {
        self.modulus.len()
    }

    /// RSAES-OAEP with SHA-256, MGF1-SHA-256 and the empty label: [`size`](Self::size) bytes. RFC 8017 §7.1.1
    ///
    /// `seed` must be fresh random bytes from the caller; the result is a function of the message and it.
    ///
    /// # Errors
    /// [`Error::Argument`] if the message is longer than the modulus less 66 bytes.
    pub(crate) fn oaep_encrypt(&self, message: &[u8], seed: &[u8; oaep::SEED_LEN]) -> Result<Vec<u8>, Error> {
        let mut em = Zeroizing::new(vec![0; self.size()]);
        oaep::encode(message, seed, &mut em)?;
        let m = Zeroizing::new(integer(&em, self.size()).ok_or(Error::Key)?);
        let c = rsa::hazmat::rsa_encrypt(&self.key, &m).map_err(|_| Error::Key)?;
        Ok(c.to_be_bytes().into_vec())
    }

    /// RSASSA-PSS with SHA-256, MGF1-SHA-256 and a salt of exactly 32 bytes, over a SHA-256 digest. RFC 8017 §8.1.2
    ///
    /// # Errors
    /// [`Error::Signature`] for every failure, a wrong length included.
    pub(crate) fn pss_verify(&self, digest: &[u8; 32], signature: &[u8]) -> Result<(), Error> {
        self.key.pss_verify_prehash::<sha2::Sha256>(digest, signature).map_err(|_| Error::Signature)
    }
}

impl fmt::Debug for RsaPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RsaPublic").field("bits", &self.size().saturating_mul(8)).finish_non_exhaustive()
    }
}

/// An RSA private key with its public key: two primes in the order given, the exponent e^-1 mod lcm(p-1, q-1), and the
/// precomputed values of the Chinese remainder theorem. Zeroized on drop by the crate, but for copies that it made.
#[derive(Clone)]
pub(crate) struct RsaPrivate {
    key: rsa::PrivateKey,
    public: RsaPublic,
}

impl RsaPrivate {
    /// From two primes, big-endian, each exactly half as long as the modulus: 128, 192 or 256 bytes. Either may be the
    /// larger, and their order is kept.
    ///
    /// Checked: that they are odd and different, that 65537 has an inverse, that the product has its top bit set. Not
    /// checked: that they are prime.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub(crate) fn from_primes(p: &[u8], q: &[u8]) -> Result<Self, Error> {
        if p.len() != q.len() || !matches!(p.len(), 128 | 192 | 256) {
            return Err(BAD_PRIVATE);
        }
        // The crate takes the numbers over into the key, which erases them.
        let p = integer(p, p.len()).ok_or(BAD_PRIVATE)?;
        let q = integer(q, q.len()).ok_or(BAD_PRIVATE)?;
        let key = rsa::PrivateKey::from_p_q(p, q, EXPONENT.into()).map_err(|_| BAD_PRIVATE)?;
        let public = RsaPublic::from_modulus(&key.n_bytes())?;
        Ok(Self { key, public })
    }

    /// A DER PKCS#8 PrivateKeyInfo with the algorithm rsaEncryption. RFC 5958 §2, RFC 8017 App. A.1.2
    ///
    /// Checked: two primes of half the modulus's length whose product is the modulus, and that the private exponent
    /// inverts 65537. The key is rebuilt from its primes, so the exponent that is used and written is the one of
    /// [`RsaPrivate`] even where the file held another that works. Not checked: that the factors are prime.
    ///
    /// # Errors
    /// [`Error::Limit`] if longer than a key file may be, else [`Error::Malformed`].
    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        if der.len() > MAX_KEY_FILE_LEN {
            return Err(Error::Limit { limit: "imported key file bytes" });
        }
        let info = rsa::pkcs8::PrivateKeyInfoRef::try_from(der).map_err(|_| BAD_PRIVATE)?;
        // The crate also takes the algorithm id of keys that are for PSS alone.
        if info.algorithm != rsa::pkcs1::ALGORITHM_ID {
            return Err(BAD_PRIVATE);
        }
        // The crate computes with numbers of any size before it gives the key out.
        let numbers = info.private_key.decode_into::<rsa::pkcs1::RsaPrivateKeyRef<'_>>().map_err(|_| BAD_PRIVATE)?;
        if !matches!(numbers.modulus.as_bytes().len(), 256 | 384 | 512) {
            return Err(BAD_PRIVATE);
        }
        let read = rsa::PrivateKey::try_from(info).map_err(|_| BAD_PRIVATE)?;
        let public = RsaPublic::from_modulus(&read.n_bytes()).map_err(|_| BAD_PRIVATE)?;
        let half = public.size().div_ceil(2);
        let [p, q] = rsa::traits::PrivateKeyParts::primes(&read) else { return Err(BAD_PRIVATE) };
        let (p, q) = (Zeroizing::new(p.as_ref().to_be_bytes()), Zeroizing::new(q.as_ref().to_be_bytes()));
        if *read.e() != BoxedUint::from(EXPONENT) || p.len() != half || q.len() != half {
            return Err(BAD_PRIVATE);
        }
        Self::from_primes(&p, &q)
    }

    /// The DER PKCS#8 PrivateKeyInfo: rsaEncryption, two primes, all values of the Chinese remainder theorem. RFC 5958 §2
    ///
    /// # Errors
    /// [`Error::Key`] if the backend cannot encode it.
    pub(crate) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let der = self.key.to_pkcs8_der().map_err(|_| Error::Key)?;
        Ok(Zeroizing::new(der.as_bytes().to_vec()))
    }

    pub(crate) const fn public(&self) -> &RsaPublic {
        &self.public
    }

    /// RSAES-OAEP as [`RsaPublic::oaep_encrypt`], for a message of exactly 64 bytes. RFC 8017 §7.1.2
    ///
    /// `rng` blinds the operation and does not change its result. That the message is 64 bytes long is part of the one
    /// verdict, so that a message of another length is not told from a broken encoding.
    ///
    /// # Errors
    /// [`Error::Generator`] if `rng` failed, else [`Error::Decrypt`] for every failure, a wrong ciphertext length or a
    /// fault of the computation included.
    pub(crate) fn oaep_decrypt_64(&self, ciphertext: &[u8], rng: &mut dyn Random) -> Result<Secret<64>, Error> {
        let mut em = self.decrypt_blinded(ciphertext, rng)?;
        let (good, db, start) = oaep::decode(&mut em)?;
        let (_, message) = db.split_last_chunk::<64>().ok_or(Error::Decrypt)?;
        let expected = u32::try_from(db.len()).map_err(|_| Error::Decrypt)?.saturating_sub(WRAPPED_PAIR_LEN);
        // Copied whatever the verdict, so that the copy does not show it.
        let mut out = Secret::zero();
        out.expose_mut().copy_from_slice(message);
        if bool::from(good & start.ct_eq(&expected)) { Ok(out) } else { Err(Error::Decrypt) }
    }

    /// RSAES-OAEP as [`RsaPublic::oaep_encrypt`], for a message of any length. RFC 8017 §7.1.2
    ///
    /// For vectors only: the length of the result is not hidden.
    ///
    /// # Errors
    /// As [`oaep_decrypt_64`](Self::oaep_decrypt_64).
    #[cfg(any(test, feature = "hazmat"))]
    pub(crate) fn oaep_decrypt(&self, ciphertext: &[u8], rng: &mut dyn Random) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut em = self.decrypt_blinded(ciphertext, rng)?;
        let (good, db, start) = oaep::decode(&mut em)?;
        if !bool::from(good) {
            return Err(Error::Decrypt);
        }
        let start = usize::try_from(start).map_err(|_| Error::Decrypt)?;
        Ok(Zeroizing::new(db.get(start..).ok_or(Error::Decrypt)?.to_vec()))
    }

    /// RSADP, blinded, and checked by the public operation against a fault in one half of the computation, which would
    /// give the factors away. RFC 8017 §5.1.2
    fn decrypt_blinded(&self, ciphertext: &[u8], rng: &mut dyn Random) -> Result<Zeroizing<Vec<u8>>, Error> {
        if ciphertext.len() != self.public.size() {
            return Err(Error::Decrypt);
        }
        let c = integer(ciphertext, ciphertext.len()).ok_or(Error::Decrypt)?;
        // The crate refuses c >= n, blinds base, exponents and CRT moduli, and compares m^e with c.
        let m = rsa::hazmat::rsa_decrypt_and_check(&self.key, Some(&mut Generator(rng)), &c);
        let m = Zeroizing::new(m.map_err(|error| failure(&error, Error::Decrypt))?);
        Ok(Zeroizing::new(m.to_be_bytes().into_vec()))
    }

    /// RSASSA-PSS with SHA-256, MGF1-SHA-256 and a salt of 32 bytes, over a SHA-256 digest. RFC 8017 §8.1.1
    ///
    /// Draws the salt, 32 bytes, first; everything drawn after it blinds the operation and does not change its result,
    /// which is checked with the public key before it is given out.
    ///
    /// # Errors
    /// [`Error::Generator`] if `rng` failed, [`Error::Key`] if the computation did.
    pub(crate) fn pss_sign(&self, digest: &[u8; 32], rng: &mut dyn Random) -> Result<Vec<u8>, Error> {
        let pss = rsa::Pss::<sha2::Sha256>::new_blinded_with_salt(32);
        self.key.sign_with_rng(&mut Generator(rng), pss, digest).map_err(|error| failure(&error, Error::Key))
    }
}

impl fmt::Debug for RsaPrivate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RsaPrivate(..)")
    }
}

/// A big-endian number stored in exactly `len` bytes.
fn integer(bytes: &[u8], len: usize) -> Option<BoxedUint> {
    let bits = u32::try_from(len).ok()?.checked_mul(8)?;
    BoxedUint::from_be_slice(bytes, bits).ok()
}

/// Keeps a failure of the generator apart, since it says nothing about the key or the bytes.
fn failure(error: &rsa::Error, other: Error) -> Error {
    if matches!(error, rsa::Error::Rng) { Error::Generator } else { other }
}

/// Makes a [`Random`] what the crate wants.
struct Generator<'a>(&'a mut dyn Random);

impl TryRng for Generator<'_> {
    type Error = Error;

    fn try_next_u32(&mut self) -> Result<u32, Error> {
        let mut bytes = Zeroizing::new([0; 4]);
        self.0.fill(&mut *bytes)?;
        Ok(u32::from_le_bytes(*bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Error> {
        let mut bytes = Zeroizing::new([0; 8]);
        self.0.fill(&mut *bytes)?;
        Ok(u64::from_le_bytes(*bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Error> {
        self.0.fill(out)
    }
}

impl TryCryptoRng for Generator<'_> {}

// Keys in tests are those of the backend that is used.
#[cfg(all(test, not(feature = "aws-lc-rs")))]
mod tests {
    use super::*;
    use crate::det_keygen;
    use crate::progress::unwatched;
    use std::format;

    /// Gives a fixed sequence, keeps the length of each draw, and fails once `left` draws are made.
    struct Counted {
        draws: Vec<usize>,
        left: usize,
    }

    impl Random for Counted {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
            self.left = self.left.checked_sub(1).ok_or(Error::Generator)?;
            self.draws.push(out.len());
            out.fill(u8::try_from(self.draws.len()).unwrap());
            Ok(())
        }
    }

    fn counted(left: usize) -> Counted {
        Counted { draws: vec![], left }
    }

    /// The salt is drawn first; base, both exponents and both CRT moduli are blinded by what follows; and there is no
    /// result where that is not to be had.
    #[test]
    fn private_operations_are_blinded() {
        let key = det_keygen::rsa(&[1; 32], 2048, &mut unwatched).unwrap();
        let ciphertext = key.public().oaep_encrypt(&[2; 64], &[3; 32]).unwrap();

        let mut rng = counted(usize::MAX);
        key.oaep_decrypt_64(&ciphertext, &mut rng).unwrap();
        let blinding = rng.draws;
        assert_eq!(blinding, [256, 16, 16, 16, 16]);
        for left in 0..blinding.len() {
            assert!(matches!(key.oaep_decrypt_64(&ciphertext, &mut counted(left)), Err(Error::Generator)));
        }

        let mut rng = counted(usize::MAX);
        let signature = key.pss_sign(&[4; 32], &mut rng).unwrap();
        assert_eq!(rng.draws, [&[32], &blinding[..]].concat());
        assert_eq!(key.public().pss_verify(&[4; 32], &signature), Ok(()));
        for left in 0..rng.draws.len() {
            assert_eq!(key.pss_sign(&[4; 32], &mut counted(left)), Err(Error::Generator));
        }
    }

    #[test]
    fn wrong_lengths_and_values_of_a_ciphertext_are_one_failure() {
        let key = det_keygen::rsa(&[1; 32], 2048, &mut unwatched).unwrap();
        for ciphertext in [&[0; 255][..], &[0; 257], &[], &[0; 256], key.public().modulus(), &[0xff; 256]] {
            assert!(matches!(key.oaep_decrypt_64(ciphertext, &mut counted(9)), Err(Error::Decrypt)));
        }
    }

    #[test]
    fn unfit_primes_are_refused() {
        let key = det_keygen::rsa(&[1; 32], 2048, &mut unwatched).unwrap();
        let [p, q] = rsa::traits::PrivateKeyParts::primes(&key.key) else { panic!() };
        let (p, q) = (p.as_ref().to_be_bytes(), q.as_ref().to_be_bytes());
        assert!(RsaPrivate::from_primes(&p, &q).is_ok() && RsaPrivate::from_primes(&q, &p).is_ok());
        let even = [&p[..127], &[0]].concat();
        for (p, q) in [(&p, &*p), (&p, &even), (&p, &q[1..]), (&p, &[0; 128]), (&p, &[&[0; 127][..], &[1]].concat())] {
            assert!(matches!(RsaPrivate::from_primes(p, q), Err(Error::Malformed { .. })));
        }
    }

    #[test]
    fn another_exponent_is_refused() {
        use rsa::pkcs8::EncodePrivateKey;
        let key = det_keygen::rsa(&[1; 32], 2048, &mut unwatched).unwrap();
        let [p, q] = rsa::traits::PrivateKeyParts::primes(&key.key) else { panic!() };
        let of = |exponent: u32| {
            let key = rsa::PrivateKey::from_p_q(p.as_ref().clone(), q.as_ref().clone(), exponent.into()).unwrap();
            RsaPrivate::from_pkcs8(key.to_pkcs8_der().unwrap().as_bytes())
        };
        assert!(of(EXPONENT).is_ok());
        for exponent in [17, 257, 65539] {
            assert!(matches!(of(exponent), Err(Error::Malformed { .. })));
        }
    }

    #[test]
    fn numbers_are_drawn_as_bytes() {
        let mut rng = counted(3);
        let mut bytes = [0; 3];
        let mut draws = Generator(&mut rng);
        assert_eq!(draws.try_next_u32(), Ok(0x0101_0101));
        assert_eq!(draws.try_next_u64(), Ok(0x0202_0202_0202_0202));
        assert_eq!((draws.try_fill_bytes(&mut bytes), bytes), (Ok(()), [3; 3]));
        assert_eq!(draws.try_next_u32(), Err(Error::Generator));
        assert_eq!(draws.try_next_u64(), Err(Error::Generator));
        assert_eq!(rng.draws, [4, 8, 3]);
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = det_keygen::rsa(&[1; 32], 2048, &mut unwatched).unwrap();
        assert_eq!(format!("{key:?} {:?}", key.public()), "RsaPrivate(..) RsaPublic { bits: 2048, .. }");
    }
}
