//! Devices of a person: linked to an identity without the words, and known to servers. SPEC §22, §23.

mod certificate;
#[cfg(feature = "alloc")]
mod link;
#[cfg(feature = "alloc")]
mod linking;
mod proof;
mod request;

pub(crate) use certificate::TYPE as CERTIFICATE_TYPE;
pub use certificate::{Clock, DeviceCertificate, UnsignedCertificate};
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
