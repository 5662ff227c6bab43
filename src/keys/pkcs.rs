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
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use pem_rfc7468::LineEnding;
use zeroize::Zeroizing;

const PUBLIC_LABEL: &str = "PUBLIC KEY";
const PRIVATE_LABEL: &str = "PRIVATE KEY";

/// A private key in DER PKCS#8. Zeroized on drop.
pub struct SecretDer(Zeroizing<Vec<u8>>);

impl SecretDer {
    /// The bytes, to be stored by the application.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretDer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDer(..)")
    }
}

/// A private key in PEM PKCS#8. Zeroized on drop.
pub struct SecretPem(Zeroizing<String>);

impl SecretPem {
    /// The text, to be stored by the application.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretPem(..)")
    }
}

/// The DER in a PEM text that has the label, and is not longer than a key file may be. [LIM-09]
fn from_pem(pem: &str, label: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    limit(pem.len())?;
    // Of our own, and longer than what it will hold: where a later line is wrong, the lines before it are in it.
    let mut der = Zeroizing::new(vec![0; pem.len()]);
    let found = pem_rfc7468::decode(pem.as_bytes(), &mut der).map(|(found, der)| (found, der.len()));
    let (found, len) = found.map_err(|_| Error::Malformed { field: "PEM" })?;
    der.truncate(len);
    if found == label { Ok(der) } else { Err(Error::Malformed { field: "PEM label" }) }
}

fn to_pem(der: &[u8], label: &str) -> Result<String, Error> {
    pem_rfc7468::encode_string(label, LineEnding::LF, der).map_err(|_| Error::Key)
}

/// [LIM-09]
fn limit(len: usize) -> Result<(), Error> {
    if len > MAX_KEY_FILE_LEN { Err(Error::Limit { limit: "imported key file bytes" }) } else { Ok(()) }
}

macro_rules! public_pem {
    ($key:ty, $der:ident) => {
        impl $key {
            /// Decodes SubjectPublicKeyInfo in PEM, at most 16,384 bytes. RFC 7468 §13
            ///
            /// # Errors
            /// [`Error::Limit`] if it is longer, [`Error::Malformed`] for other text.
            pub fn from_spki_pem(pem: &str) -> Result<Self, Error> {
                Self::from_spki_der(&from_pem(pem, PUBLIC_LABEL)?)
            }

            /// SubjectPublicKeyInfo in PEM. RFC 7468 §13
            ///
            /// # Errors
            /// None that can be reached.
            pub fn to_spki_pem(&self) -> Result<String, Error> {
                to_pem(self.$der().as_ref(), PUBLIC_LABEL)
            }
        }
    };
}

macro_rules! private_pkcs8 {
    ($key:ty, $backend:ty) => {
        impl $key {
            /// Decodes PKCS#8 in DER, not encrypted, at most 16,384 bytes. RFC 5958 §2
            ///
            /// The key is checked to be what this library takes: see the type.
            ///
            /// # Errors
            /// [`Error::Limit`] if it is longer, [`Error::Malformed`] for other bytes.
            pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, Error> {
                limit(der.len())?;
                <$backend>::from_pkcs8(der).map(Self::new)
            }

            /// Decodes PKCS#8 in PEM, not encrypted, at most 16,384 bytes. RFC 7468 §10
            ///
            /// # Errors
            /// [`Error::Limit`] if it is longer, [`Error::Malformed`] for other text.
            pub fn from_pkcs8_pem(pem: &str) -> Result<Self, Error> {
                Self::from_pkcs8_der(&from_pem(pem, PRIVATE_LABEL)?)
            }

            /// PKCS#8 in DER. RFC 5958 §2
            ///
            /// # Errors
            /// None that can be reached.
            pub fn to_pkcs8_der(&self) -> Result<SecretDer, Error> {
                self.key.to_pkcs8().map(SecretDer)
            }

            /// PKCS#8 in PEM. RFC 7468 §10
            ///
            /// # Errors
            /// None that can be reached.
            pub fn to_pkcs8_pem(&self) -> Result<SecretPem, Error> {
                to_pem(&self.key.to_pkcs8()?, PRIVATE_LABEL).map(|pem| SecretPem(Zeroizing::new(pem)))
            }
        }
    };
}

public_pem!(P256PublicKey, to_spki_der);
private_pkcs8!(P256PrivateKey, P256Private);
#[cfg(feature = "rsa")]
public_pem!(RsaPublicKey, spki_der);
#[cfg(feature = "rsa")]
private_pkcs8!(RsaPrivateKey, RsaPrivate);
