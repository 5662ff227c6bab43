//! Signatures: algorithms, the trait for keys that sign, the keys that verify. SPEC §5, §10.

use super::P256PublicKey;
#[cfg(feature = "rsa")]
use super::RsaPublicKey;
use crate::crypto::{Random, ecdsa_normalize};
use crate::error::Error;
use crate::labels::ECDSA_LEN;

/// A signature algorithm: fixes the key type, the hash and the signature's length. SPEC §7.1
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// ECDSA P-256 with SHA-256, 64 bytes. FIPS 186-5
    EcdsaP256,
    /// RSASSA-PSS with SHA-256 and a 2048-bit key, 256 bytes: verified, not made. RFC 8017 §8.1
    RsaPss2048,
    /// RSASSA-PSS with SHA-256 and a 3072-bit key, 384 bytes. RFC 8017 §8.1
    RsaPss3072,
    /// RSASSA-PSS with SHA-256 and a 4096-bit key, 512 bytes. RFC 8017 §8.1
    RsaPss4096,
}

impl SignatureAlgorithm {
    /// Length of a signature in bytes: 64, 256, 384 or 512. [SIG-01]
    #[must_use]
    pub const fn signature_len(self) -> usize {
        match self {
            Self::EcdsaP256 => ECDSA_LEN,
            Self::RsaPss2048 => 256,
            Self::RsaPss3072 => 384,
            Self::RsaPss4096 => 512,
        }
    }

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::EcdsaP256 => 1,
            Self::RsaPss2048 => 2,
            Self::RsaPss3072 => 3,
            Self::RsaPss4096 => 4,
        }
    }

    /// `Ok(None)` is code 0, no signature. [ENV-01]
    pub(crate) const fn from_code(code: u8) -> Result<Option<Self>, Error> {
        match code {
            0 => Ok(None),
            1 => Ok(Some(Self::EcdsaP256)),
            2 => Ok(Some(Self::RsaPss2048)),
            3 => Ok(Some(Self::RsaPss3072)),
            4 => Ok(Some(Self::RsaPss4096)),
            _ => Err(Error::Unsupported { field: "signature" }),
        }
    }
}

/// The longest signature of any algorithm.
pub(crate) const MAX_SIGNATURE_LEN: usize = 512;

/// A signature of any algorithm, without an allocator: in a place of `N` bytes.
#[derive(Clone, Debug)]
pub(crate) struct Signature<const N: usize = MAX_SIGNATURE_LEN> {
    algorithm: SignatureAlgorithm,
    bytes: [u8; N],
}

/// A signature in a place for those that this build can make or verify: a small one without RSA.
pub(crate) type Verifiable = Signature<{ if cfg!(feature = "rsa") { MAX_SIGNATURE_LEN } else { ECDSA_LEN } }>;

impl<const N: usize> Signature<N> {
    /// `None` if it has another length than the algorithm's [SIG-01]. One that is longer than its place is none of this
    /// build's keys': it verifies by nobody, and its bytes are not kept.
    pub(crate) fn from_slice(algorithm: SignatureAlgorithm, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != algorithm.signature_len() {
            return None;
        }
        let mut signature = Self { algorithm, bytes: [0; N] };
        if bytes.len() <= N {
            signature.place().copy_from_slice(bytes);
        }
        Some(signature)
    }

    /// What `sign` puts in its place.
    pub(crate) fn make(
        algorithm: SignatureAlgorithm,
        sign: impl FnOnce(&mut [u8]) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let mut signature = Self { algorithm, bytes: [0; N] };
        sign(signature.place())?;
        Ok(signature)
    }

    pub(crate) const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.algorithm.signature_len()).unwrap_or_default()
    }

    fn place(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.algorithm.signature_len()).unwrap_or_default()
    }
}

/// A private key that signs SHA-256 digests, here or elsewhere.
pub trait Sign: Send + Sync {
    /// Its algorithm, which fixes the signature's length.
    fn algorithm(&self) -> SignatureAlgorithm;

    /// Signs `digest`, the SHA-256 of the message, and fills `signature`, whose length is that of the algorithm.
    ///
    /// ECDSA signatures are r then s, 32 bytes each; either half of s will do, the library keeps the lower.
    ///
    /// # Errors
    /// [`Error::Key`] if the key cannot be used now, [`Error::Generator`] if the generator failed.
    fn sign_digest(&self, digest: &[u8; 32], signature: &mut [u8], rng: &mut dyn Random) -> Result<(), Error>;
}

/// A public key that verifies signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum VerifyingKey {
    P256(P256PublicKey),
    #[cfg(feature = "rsa")]
    Rsa(RsaPublicKey),
}

impl VerifyingKey {
    pub(crate) fn algorithm(&self) -> SignatureAlgorithm {
        match self {
            Self::P256(_) => SignatureAlgorithm::EcdsaP256,
            #[cfg(feature = "rsa")]
            Self::Rsa(key) => key.signature_algorithm(),
        }
    }

    /// The point or the modulus.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::P256(key) => key.as_bytes(),
            #[cfg(feature = "rsa")]
            Self::Rsa(key) => key.modulus(),
        }
    }

    /// Verifies over a SHA-256 digest; every failure is [`Error::Signature`].
    pub(crate) fn verify(&self, digest: &[u8; 32], signature: &[u8]) -> Result<(), Error> {
        match self {
            Self::P256(key) => key.verify(digest, signature),
            #[cfg(feature = "rsa")]
            Self::Rsa(key) => key.verify(digest, signature),
        }
    }

    /// Brings a signature made elsewhere to its one form and verifies it; whatever is wrong with it is [`Error::Key`].
    ///
    /// A key service may give s in the upper half: negating it is the signer's own right. [SUITE-04]
    pub(crate) fn accept<const N: usize>(&self, digest: &[u8; 32], signature: &[u8]) -> Result<Signature<N>, Error> {
        let mut signature = Signature::from_slice(self.algorithm(), signature).ok_or(Error::Key)?;
        self.accept_in_place(digest, signature.place())?;
        Ok(signature)
    }

    /// [`accept`](Self::accept) where it stands.
    pub(crate) fn accept_in_place(&self, digest: &[u8; 32], signature: &mut [u8]) -> Result<(), Error> {
        if self.algorithm() == SignatureAlgorithm::EcdsaP256 {
            ecdsa_normalize(signature.try_into().map_err(|_| Error::Key)?)?;
        }
        self.verify(digest, signature).map_err(|_| Error::Key)
    }
}
