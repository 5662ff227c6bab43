//! Devices of a person: linked to an identity without the words, and known to servers. SPEC §22, §23.

mod certificate;
#[cfg(feature = "alloc")]
mod link;
#[cfg(feature = "alloc")]
mod linking;
mod proof;
mod request;

pub(crate) use certificate::TYPE as CERTIFICATE_TYPE;
pub use certificate::{DeviceCertificate, UnsignedCertificate};
#[cfg(feature = "alloc")]
pub(crate) use link::TYPE as LINK_REQUEST_TYPE;
#[cfg(feature = "alloc")]
pub use link::{ConfirmedLink, LinkCode, LinkRequest};
#[cfg(feature = "alloc")]
pub use linking::{Linked, LinkedIdentity, Linking};
pub(crate) use proof::TYPE as PROOF_TYPE;
pub use proof::{RequestProof, UnsignedProof};
#[cfg(feature = "alloc")]
pub use request::RememberedProofs;
pub use request::{Replays, Request};

use crate::error::Error;

/// A rule of SPEC §23 that does not hold.
const fn refused(check: &'static str) -> Error {
    Error::Proof { check }
}

/// A verifier's time, and how far other clocks may be from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    now: u64,
    tolerance: u64,
}

impl Clock {
    /// Seconds since 1970-01-01T00:00:00Z, without leap seconds; other clocks may differ by 60 seconds. SPEC §23.1, §23.2
    /// [CRT-03] [PRF-03]
    #[must_use]
    pub const fn at(now: u64) -> Self {
        Self { now, tolerance: 60 }
    }

    /// Sets by how many seconds other clocks may differ, either way.
    #[must_use]
    pub const fn tolerance(self, seconds: u64) -> Self {
        Self { tolerance: seconds, ..self }
    }
}
