//! Attachments: an envelope without stanzas, whose key travels inside another object. SPEC §10.4.

use super::ContentType;
use super::open::{Locked, Unlocked, attachment_digest};
use super::signature::Signed;
use crate::error::Error;
use crate::labels::KEY_LEN;
use crate::secret::Secret;
use core::fmt;

/// What opens an attachment and proves it whole: 64 bytes, to be sent inside a signed message. Zeroized on drop.
#[derive(Clone)]
pub struct AttachmentKey {
    dek: Secret<KEY_LEN>,
    digest: [u8; 32],
}

impl AttachmentKey {
    /// Encoded length in bytes.
    pub const LEN: usize = KEY_LEN + 32;

    pub(crate) fn new(dek: Secret<KEY_LEN>, signed: &Signed<'_>) -> Self {
        Self { dek, digest: attachment_digest(signed) }
    }

    /// Decodes `AttachmentKey` of SPEC §10.4.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        let (dek_part, digest_part) = bytes.split_at(KEY_LEN);
        let mut dek = Secret::zero();
        dek.expose_mut().copy_from_slice(dek_part);
        let mut digest = [0; 32];
        digest.copy_from_slice(digest_part);
        Self { dek, digest }
    }

    /// The 64 secret bytes. SPEC §10.4
    #[must_use]
    pub fn expose(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let (dek_part, digest_part) = bytes.split_at_mut(KEY_LEN);
        dek_part.copy_from_slice(self.dek.expose());
        digest_part.copy_from_slice(&self.digest);
        bytes
    }

    /// Unlocks an attachment. What is opened with it fails at its end if it is not the very attachment that the key was
    /// made for. [ATT-01]
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the envelope is no attachment [OBJ-03], [`Error::Decrypt`] if the key does not open it.
    pub fn unlock(&self, locked: &Locked<'_>) -> Result<Unlocked, Error> {
        locked.require(ContentType::Attachment)?;
        let unlocked = locked.unlock_dek(self.dek.clone())?;
        Ok(Unlocked { attachment: Some(self.digest), ..unlocked })
    }
}

impl fmt::Debug for AttachmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AttachmentKey(..)")
    }
}
