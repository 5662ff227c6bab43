//! Bare keys in and out: SubjectPublicKeyInfo and PKCS#8, DER and PEM. RFC 5280 §4.1, RFC 5958, RFC 7468. SPEC §5.

use super::{P256PrivateKey, P256PublicKey};
#[cfg(feature = "rsa")]
use super::{RsaPrivateKey, RsaPublicKey};
use crate::crypto::P256Private;
#[cfg(feature = "rsa")]
use crate::crypto::RsaPrivate;
use crate::error::Error;
use crate::labels::MAX_KEY_FILE_LEN;
use alloc::string::String;
use zeroize::Zeroizing;

/// A secret DER or PEM document, zeroized on drop.
pub struct SecretDocument<T: zeroize::Zeroize>(Zeroizing<T>);

impl<T: zeroize::Zeroize> SecretDocument<T> {
    /// The document, to be stored by the application.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: zeroize::Zeroize> core::fmt::Debug for SecretDocument<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SecretDocument(..)")
    }
}
