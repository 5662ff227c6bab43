//! Which algorithms an identity uses. SPEC §11.4.

use crate::error::Error;
use crate::keys::SignatureAlgorithm;
use crate::labels::POINT_LEN;

/// Which algorithms an identity's keys are of. SPEC §11.4
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Profile {
    /// ECDH and ECDSA on P-256: fast and small, for everyone who has no reason to choose otherwise.
    #[default]
    P256,
    /// RSA with 3072 bits. Finding its primes takes a good part of a second.
    Rsa3072,
    /// RSA with 4096 bits. Finding its primes takes seconds.
    Rsa4096,
    /// RSA with 2048 bits, for keys that exist already: sealed to, opened with, verified, never made from words. [ID-08]
    Rsa2048,
}

impl Profile {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::P256 => 1,
            Self::Rsa3072 => 2,
            Self::Rsa4096 => 3,
            Self::Rsa2048 => 4,
        }
    }

    /// [ID-06] unknown profiles are refused.
    pub(crate) const fn from_code(code: u8) -> Result<Self, Error> {
        match code {
            1 => Ok(Self::P256),
            2 => Ok(Self::Rsa3072),
            3 => Ok(Self::Rsa4096),
            4 => Ok(Self::Rsa2048),
            _ => Err(Error::Unsupported { field: "profile" }),
        }
    }

    /// Bytes of each public key in a public identity: a point or a modulus.
    pub(crate) const fn key_len(self) -> usize {
        match self {
            Self::P256 => POINT_LEN,
            Self::Rsa3072 => 384,
            Self::Rsa4096 => 512,
            Self::Rsa2048 => 256,
        }
    }

    pub(crate) const fn algorithm(self) -> SignatureAlgorithm {
        match self {
            Self::P256 => SignatureAlgorithm::EcdsaP256,
            Self::Rsa3072 => SignatureAlgorithm::RsaPss3072,
            Self::Rsa4096 => SignatureAlgorithm::RsaPss4096,
            Self::Rsa2048 => SignatureAlgorithm::RsaPss2048,
        }
    }
}
