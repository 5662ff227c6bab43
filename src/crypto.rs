//! The primitives behind one private facade, one file per backend. SPEC §5.
//!
//! Nothing above this module names a backend's type. Every function takes and gives plain bytes, [`Secret`]s and the
//! opaque key types of the backend, so that a second backend is a second file.

#[cfg(feature = "aws-lc-rs")]
mod awslc;
#[cfg(feature = "rsa")]
mod oaep;
#[cfg_attr(feature = "aws-lc-rs", expect(dead_code, reason = "what the other backend does"))]
mod rustcrypto;

#[cfg(feature = "aws-lc-rs")]
use awslc as backend;
#[cfg(not(feature = "aws-lc-rs"))]
use rustcrypto as backend;

#[cfg(all(feature = "aws-lc-rs", feature = "hazmat"))]
pub(crate) use awslc::sign_reproducibly;
pub(crate) use backend::{
    Aead, HmacKey, P256Private, P256Public, Sha256, ecdsa_normalize, ecdsa_verify, expand, extract,
};
#[cfg(feature = "rsa")]
pub(crate) use backend::{RsaPrivate, RsaPublic};
#[cfg(feature = "passphrase")]
pub(crate) use backend::{argon2id, pbkdf2};

use crate::error::Error;
use rand_core::TryCryptoRng;

/// A source of secret random bytes: every [`TryCryptoRng`] is one.
///
/// This is the object-safe form in which a generator reaches a private key. It is implemented for all generators of
/// `rand_core` and needs no implementation by hand.
pub trait Random {
    /// Fills `out`.
    ///
    /// # Errors
    /// [`Error::Generator`] if the generator failed; the contents of `out` are then of no use.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error>;
}

impl<R: TryCryptoRng> Random for R {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        self.try_fill_bytes(out).map_err(|_| Error::Generator)
    }
}

/// SHA-256 of `bytes`. FIPS 180-4
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(bytes);
    hash.finish()
}
