//! What a blob is, to whoever holds no key. SPEC §6.

use crate::detached::{self, DetachedSignature};
use crate::envelope::EnvelopeInfo;
use crate::error::Error;
use crate::identity::{Transition, transition};
use crate::object::decode_prefix;
use crate::public_identity::{self, Fingerprint, PublicIdentity};
use crate::wire::Reader as Wire;

/// What [`inspect`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Info<'a> {
    /// An envelope; nothing of it is authentic to whoever cannot open it.
    Envelope(EnvelopeInfo<'a>),
    /// A public identity, checked as [`PublicIdentity::from_bytes`] does.
    PublicIdentity {
        /// Its fingerprint.
        fingerprint: Fingerprint,
        /// Its generation.
        generation: u32,
    },
    /// A transition, whose signatures are not checked.
    Transition {
        /// The identity that it starts from.
        old: Fingerprint,
    },
    /// A detached signature, not checked.
    DetachedSignature {
        /// Who says to have signed.
        signer: Fingerprint,
    },
}

/// Tells what `bytes` are, without a key: for servers that store them.
///
/// The whole object is decoded as a reader would, within the default limits. SPEC §6 [OBJ-01] [OBJ-02]
///
/// # Errors
/// [`Error::Malformed`], [`Error::Unsupported`], [`Error::Limit`] or [`Error::Signature`] if no reader would take it.
pub fn inspect(bytes: &[u8]) -> Result<Info<'_>, Error> {
    match decode_prefix(&mut Wire::new(bytes))? {
        public_identity::TYPE => {
            let identity = PublicIdentity::from_bytes(bytes)?;
            Ok(Info::PublicIdentity { fingerprint: *identity.fingerprint(), generation: identity.generation() })
        }
        transition::TYPE => Ok(Info::Transition { old: *Transition::from_bytes(bytes)?.old_fingerprint() }),
        detached::TYPE => {
            Ok(Info::DetachedSignature { signer: *DetachedSignature::from_bytes(bytes)?.claimed_signer() })
        }
        _ => EnvelopeInfo::of(bytes, u64::try_from(bytes.len()).unwrap_or(u64::MAX)).map(Info::Envelope),
    }
}
