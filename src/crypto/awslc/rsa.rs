//! RSA with SHA-256 from AWS-LC, which blinds every private operation and checks its result; keys and encryption as with the
//! default backend. SPEC §5.

use super::{imported, on_first_use};
use crate::crypto::{Random, rustcrypto};
use crate::error::Error;
use crate::secret::Secret;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use aws_lc_rs::rsa::{KeyPair, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256};
use core::fmt;
use std::sync::OnceLock;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// An RSA public key: a modulus of exactly 2048, 3072 or 4096 bits with the exponent 65537, kept with its encodings.
#[derive(Clone)]
pub(crate) struct RsaPublic {
    key: rustcrypto::RsaPublic,
    /// Made when a signature is verified for the first time.
    verifier: Arc<OnceLock<ParsedPublicKey>>,
}

impl RsaPublic {
    fn of(key: rustcrypto::RsaPublic) -> Self {
        Self { key, verifier: Arc::default() }
    }

    pub(crate) fn from_modulus(modulus: &[u8]) -> Result<Self, Error> {
        rustcrypto::RsaPublic::from_modulus(modulus).map(Self::of)
    }

    pub(crate) fn from_spki(der: &[u8]) -> Result<Self, Error> {
        rustcrypto::RsaPublic::from_spki(der).map(Self::of)
    }

    pub(crate) fn spki(&self) -> &[u8] {
        self.key.spki()
    }

    pub(crate) fn modulus(&self) -> &[u8] {
        self.key.modulus()
    }

    pub(crate) fn size(&self) -> usize {
        self.key.size()
    }

    /// AWS-LC takes no seed.
    pub(crate) fn oaep_encrypt(&self, message: &[u8], seed: &[u8; 32]) -> Result<Vec<u8>, Error> {
        self.key.oaep_encrypt(message, seed)
    }

    /// RSASSA-PSS with SHA-256, MGF1-SHA-256 and a salt of exactly 32 bytes, over a SHA-256 digest. RFC 8017 §8.1.2
    ///
    /// # Errors
    /// [`Error::Signature`] for every failure, a wrong length included.
    pub(crate) fn pss_verify(&self, digest: &[u8; 32], signature: &[u8]) -> Result<(), Error> {
        let verifier = on_first_use(&self.verifier, || {
            ParsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, self.spki()).map_err(|_| Error::Signature)
        })?;
        verifier.verify_digest_sig(&imported(digest)?, signature).map_err(|_| Error::Signature)
    }
}

impl fmt::Debug for RsaPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}

/// An RSA private key with its public key. AWS-LC's copies are made when they are used for the first time; they are erased when
/// the last clone is dropped.
#[derive(Clone)]
pub(crate) struct RsaPrivate {
    key: rustcrypto::RsaPrivate,
    public: RsaPublic,
    signing: Arc<OnceLock<KeyPair>>,
    decrypting: Arc<OnceLock<OaepPrivateDecryptingKey>>,
}

impl RsaPrivate {
    fn of(key: rustcrypto::RsaPrivate) -> Self {
        let public = RsaPublic::of(key.public().clone());
        Self { key, public, signing: Arc::default(), decrypting: Arc::default() }
    }

    pub(crate) fn from_primes(p: &[u8], q: &[u8]) -> Result<Self, Error> {
        rustcrypto::RsaPrivate::from_primes(p, q).map(Self::of)
    }

    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        rustcrypto::RsaPrivate::from_pkcs8(der).map(Self::of)
    }

    pub(crate) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.key.to_pkcs8()
    }

    pub(crate) const fn public(&self) -> &RsaPublic {
        &self.public
    }

    /// RSAES-OAEP for a message of exactly 64 bytes. RFC 8017 §7.1.2 [SUITE-08]
    ///
    /// # Errors
    /// [`Error::Decrypt`] for every failure.
    pub(crate) fn oaep_decrypt_64(&self, ciphertext: &[u8], _rng: &mut dyn Random) -> Result<Secret<64>, Error> {
        let (message, len) = self.decrypted(ciphertext)?;
        // Copied whatever the verdict, of which the length is a part: AWS-LC's own and this one are told as one.
        let mut out = Secret::zero();
        out.expose_mut().copy_from_slice(message.first_chunk::<64>().ok_or(Error::Decrypt)?);
        if bool::from(len.unwrap_or(0).ct_eq(&64)) { Ok(out) } else { Err(Error::Decrypt) }
    }

    /// RSAES-OAEP for a message of any length. RFC 8017 §7.1.2
    ///
    /// For vectors only: the length of the result is not hidden.
    ///
    /// # Errors
    /// [`Error::Decrypt`] for every failure.
    #[cfg(any(test, feature = "hazmat"))]
    pub(crate) fn oaep_decrypt(&self, ciphertext: &[u8], _rng: &mut dyn Random) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (mut message, len) = self.decrypted(ciphertext)?;
        message.truncate(len.ok_or(Error::Decrypt)?);
        Ok(message)
    }

    /// A buffer as long as the modulus, and how much of its start is the message if it decrypts.
    fn decrypted(&self, ciphertext: &[u8]) -> Result<(Zeroizing<Vec<u8>>, Option<usize>), Error> {
        let key = on_first_use(&self.decrypting, || {
            let key = PrivateDecryptingKey::from_pkcs8(&self.to_pkcs8()?).map_err(|_| Error::Key)?;
            OaepPrivateDecryptingKey::new(key).map_err(|_| Error::Key)
        })?;
        let mut out = Zeroizing::new(vec![0; key.min_output_size()]);
        let len = key.decrypt(&OAEP_SHA256_MGF1SHA256, ciphertext, &mut out, None).ok().map(|message| message.len());
        Ok((out, len))
    }

    /// RSASSA-PSS with SHA-256, MGF1-SHA-256 and a salt of 32 bytes, over a SHA-256 digest. RFC 8017 §8.1.1
    ///
    /// # Errors
    /// [`Error::Key`] if the computation failed.
    pub(crate) fn pss_sign(&self, digest: &[u8; 32], rng: &mut dyn Random) -> Result<Vec<u8>, Error> {
        if super::is_reproducible() {
            return self.key.pss_sign(digest, rng);
        }
        let pair = on_first_use(&self.signing, || KeyPair::from_pkcs8(&self.to_pkcs8()?).map_err(|_| Error::Key))?;
        let mut signature = vec![0; self.public.size()];
        pair.sign_digest(&RSA_PSS_SHA256, &imported(digest)?, &mut signature).map_err(|_| Error::Key)?;
        Ok(signature)
    }
}

impl fmt::Debug for RsaPrivate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RsaPrivate(..)")
    }
}
