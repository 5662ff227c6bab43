//! What was opened, before it is known who signed it. SPEC §10.2.

use super::signature::Claim;
use crate::error::Error;
use crate::public_identity::{Fingerprint, PublicIdentity};
use core::fmt;

/// Content whose chunks are authentic, and a claim of who signed them that is still to be verified. [ENV-13]
#[must_use]
pub struct Opened<C> {
    content: C,
    claim: Option<Claim>,
}

impl<C> Opened<C> {
    pub(super) const fn new(content: C, claim: Option<Claim>) -> Self {
        Self { content, claim }
    }

    /// Content and claim, for the protocol's own types.
    #[cfg(feature = "alloc")]
    pub(crate) fn into_parts(self) -> (C, Option<Claim>) {
        (self.content, self.claim)
    }

    /// Who says to have signed: look the identity up by it, then [`verify`](Self::verify). `None` if nobody.
    #[must_use]
    pub fn claimed_signer(&self) -> Option<&Fingerprint> {
        self.claim.as_ref().map(|claim| &claim.signer)
    }

    /// The content, if `signer` signed this envelope: its header, its recipients and its content. SPEC §10.2 [SIG-03]
    ///
    /// # Errors
    /// [`Error::Signature`] if nobody signed, another identity did, or the signature is wrong.
    pub fn verify(self, signer: &PublicIdentity) -> Result<C, Error> {
        self.claim.as_ref().ok_or(Error::Signature)?.verify(signer)?;
        Ok(self.content)
    }

    /// The content, from whoever could seal it: any stranger, if it is not signed or the signature is not checked.
    #[must_use]
    pub fn unverified(self) -> C {
        self.content
    }
}

impl<C> fmt::Debug for Opened<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("claimed_signer", &self.claimed_signer()).finish_non_exhaustive()
    }
}

/// A part of an envelope's content, given out before, or without, a check of its signer. [ENV-13] [OFF-02]
///
/// Each byte is authentic under the envelope's key: some sender put it there, at this place. Who, is not known.
#[must_use]
pub struct Unverified<C>(pub(crate) C);

impl<C> Unverified<C> {
    /// The bytes.
    pub fn unverified(self) -> C {
        self.0
    }
}

impl<C> fmt::Debug for Unverified<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unverified(..)")
    }
}
