//! RSA keys: encryption by RSAES-OAEP, signatures by RSASSA-PSS. SPEC §5.

use super::{Sign, SignatureAlgorithm};
use crate::crypto::{Random, RsaPrivate, RsaPublic};
use crate::derive::sign_input_hash;
use crate::error::Error;
use crate::labels::{self, FINGERPRINT_LEN};
use crate::secret::Secret;
use alloc::vec::Vec;
use core::fmt;

/// An RSA public key of 2048, 3072 or 4096 bits with exponent 65537. [SUITE-05]
#[derive(Clone)]
pub struct RsaPublicKey(RsaPublic);

impl RsaPublicKey {
    pub(crate) fn from_modulus(modulus: &[u8]) -> Result<Self, Error> {
        RsaPublic::from_modulus(modulus).map(Self)
    }

    /// Decodes SubjectPublicKeyInfo in DER, in its one form: rsaEncryption with NULL parameters. RFC 3279 §2.3.1 [SUITE-06]
    ///
    /// Checked: the modulus has 2048, 3072 or 4096 bits and is odd, the exponent is 65537. Not checked: that the modulus
    /// is a product of two primes, and whose it is.
    ///
    /// # Errors
    /// [`Error::Malformed`] for any other bytes.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, Error> {
        RsaPublic::from_spki(der).map(Self)
    }

    /// SubjectPublicKeyInfo in DER: 294, 422 or 550 bytes.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        self.0.spki()
    }

    /// Bytes of the modulus: 256, 384 or 512.
    #[must_use]
    pub fn modulus_len(&self) -> usize {
        self.0.size()
    }

    pub(crate) fn modulus(&self) -> &[u8] {
        self.0.modulus()
    }

    /// The recipient id of this key where it is used without an identity. SPEC §8.1
    #[must_use]
    pub fn bare_id(&self) -> [u8; FINGERPRINT_LEN] {
        sign_input_hash(labels::BARE_KEY, &[self.spki_der()])
    }

    pub(crate) fn signature_algorithm(&self) -> SignatureAlgorithm {
        match self.modulus_len() {
            256 => SignatureAlgorithm::RsaPss2048,
            384 => SignatureAlgorithm::RsaPss3072,
            _ => SignatureAlgorithm::RsaPss4096,
        }
    }

    pub(crate) fn encrypt_oaep(&self, message: &[u8], seed: &[u8; 32]) -> Result<Vec<u8>, Error> {
        self.0.oaep_encrypt(message, seed)
    }

    pub(crate) fn verify(&self, digest: &[u8; 32], signature: &[u8]) -> Result<(), Error> {
        self.0.pss_verify(digest, signature)
    }
}

impl PartialEq for RsaPublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.modulus() == other.modulus()
    }
}

impl Eq for RsaPublicKey {}

impl fmt::Debug for RsaPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaPublicKey({} bits, ", self.modulus_len().saturating_mul(8))?;
        self.modulus().iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("..)")
    }
}

/// An RSA private key. Its numbers are zeroized on drop, copies that the crate `rsa` made of them are not: SECURITY.md. Every
/// private operation is blinded. [SUITE-07]
#[derive(Clone)]
pub struct RsaPrivateKey {
    pub(super) key: RsaPrivate,
    public: RsaPublicKey,
}

impl RsaPrivateKey {
    pub(crate) fn new(key: RsaPrivate) -> Self {
        let public = RsaPublicKey(key.public().clone());
        Self { key, public }
    }

    /// The public key.
    #[must_use]
    pub const fn public_key(&self) -> &RsaPublicKey {
        &self.public
    }
}

impl fmt::Debug for RsaPrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RsaPrivateKey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// The 64 secret bytes that an RSA stanza holds: what a key held elsewhere answers. Zeroized on drop. SPEC §8.3
pub struct WrappedContent(pub(crate) Secret<64>);

impl WrappedContent {
    /// Takes the decrypted message over and erases the original.
    #[must_use]
    pub fn take(message: &mut [u8; 64]) -> Self {
        Self(Secret::take(message))
    }
}

impl fmt::Debug for WrappedContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrappedContent(..)")
    }
}

/// An RSA private key that can decrypt, here or elsewhere: a card, an enclave, a key service.
pub trait DecryptOaep: Send + Sync {
    /// Its public key.
    fn public_key(&self) -> &RsaPublicKey;

    /// RSAES-OAEP with SHA-256, MGF1-SHA-256 and an empty label; the message has 64 bytes. RFC 8017 §7.1.2
    ///
    /// An implementation decodes in constant time and gives one error for all that can be wrong. [SUITE-08]
    ///
    /// # Errors
    /// [`Error::Decrypt`] for a message that does not decrypt to 64 bytes, [`Error::Key`] if the key cannot be used now,
    /// [`Error::Generator`] if the generator for blinding failed.
    fn decrypt_oaep(&self, ciphertext: &[u8], rng: &mut dyn Random) -> Result<WrappedContent, Error>;
}

impl DecryptOaep for RsaPrivateKey {
    fn public_key(&self) -> &RsaPublicKey {
        &self.public
    }

    fn decrypt_oaep(&self, ciphertext: &[u8], rng: &mut dyn Random) -> Result<WrappedContent, Error> {
        self.key.oaep_decrypt_64(ciphertext, rng).map(WrappedContent)
    }
}

impl Sign for RsaPrivateKey {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.public.signature_algorithm()
    }

    fn sign_digest(&self, digest: &[u8; 32], signature: &mut [u8], rng: &mut dyn Random) -> Result<(), Error> {
        let made = self.key.pss_sign(digest, rng)?;
        if signature.len() != made.len() {
            return Err(Error::Buffer { needed: made.len() });
        }
        signature.copy_from_slice(&made);
        Ok(())
    }
}
