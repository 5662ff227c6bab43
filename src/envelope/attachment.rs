//! Attachments: an envelope without stanzas, whose key travels inside another object. SPEC §10.4.

use super::ContentType;
use super::open::{Locked, Unlocked, attachment_digest};
#[cfg(feature = "alloc")]
use super::opened::Opened;
use super::signature::Signed;
#[cfg(feature = "alloc")]
use super::{Envelope, Limits};
use crate::error::Error;
use crate::labels::KEY_LEN;
use crate::secret::Secret;
use core::fmt;
#[cfg(feature = "alloc")]
use rand_core::TryCryptoRng;

#[cfg(feature = "alloc")]
impl Envelope<'_> {
    /// Seals an attachment: an envelope for nobody, and the key that opens it, to be sent inside a signed message. It has
    /// this builder's padding and public data. SPEC §10.4
    ///
    /// # Errors
    /// [`Error::Argument`] if there are recipients, decoys or a sender [ENV-02] [ATT-02]; [`Error::Generator`];
    /// [`Error::Limit`].
    pub fn seal_attachment(
        &self,
        content: &[u8],
        rng: &mut impl TryCryptoRng,
    ) -> Result<(alloc::vec::Vec<u8>, AttachmentKey), Error> {
        self.check(ContentType::Attachment)?;
        let mut out = alloc::vec![0; self.max_sealed_len(content.len())?];
        let (mut sealing, head_len) = self.begin(ContentType::Attachment, &mut out, rng)?;
        let payload = out.get_mut(head_len..).unwrap_or_default();
        let payload_len = self.seal_payload(&mut sealing.chunks, content, payload)?;
        out.truncate(head_len.saturating_add(payload_len));
        Ok((out, sealing.finish_attachment()?))
    }
}

/// What opens an attachment and proves it whole: 64 bytes, to be sent inside a signed message. Zeroized on drop.
#[derive(Clone)]
pub struct AttachmentKey(Secret<{ Self::LEN }>);

impl AttachmentKey {
    /// Encoded length in bytes.
    pub const LEN: usize = KEY_LEN + 32;

    pub(crate) fn new(dek: &Secret<KEY_LEN>, signed: &Signed<'_>) -> Self {
        let mut key = Secret::zero();
        let (dek_part, digest_part) = key.expose_mut().split_at_mut(KEY_LEN);
        dek_part.copy_from_slice(dek.expose());
        digest_part.copy_from_slice(&attachment_digest(signed));
        Self(key)
    }

    /// Takes the encoded key over and erases the original. SPEC §10.4
    #[must_use]
    pub fn take(bytes: &mut [u8; Self::LEN]) -> Self {
        Self(Secret::take(bytes))
    }

    /// The 64 secret bytes, to be sent inside a signed message. SPEC §10.4
    #[must_use]
    pub const fn expose(&self) -> &[u8; Self::LEN] {
        self.0.expose()
    }

    /// Opens a whole attachment: the very content that the key was made for, and so of whoever signed what brought the
    /// key. [ATT-01]
    ///
    /// # Errors
    /// The errors of decoding; [`Error::Unsupported`] if it is no attachment [OBJ-03]; [`Error::Decrypt`] if it is not the
    /// one that the key was made for.
    #[cfg(feature = "alloc")]
    pub fn open(&self, envelope: &[u8]) -> Result<alloc::vec::Vec<u8>, Error> {
        let locked = Locked::decode(envelope, &Limits::default())?;
        // The digest in the key has been compared when this gives something.
        self.unlock(&locked)?.open(locked.payload()).map(Opened::unverified)
    }

    /// Unlocks an attachment. What is opened with it fails at its end if it is not the very attachment that the key was
    /// made for. [ATT-01]
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the envelope is no attachment [OBJ-03], [`Error::Decrypt`] if the key does not open it.
    pub fn unlock(&self, locked: &Locked<'_>) -> Result<Unlocked, Error> {
        locked.require(ContentType::Attachment)?;
        let (dek_part, digest_part) = self.0.expose().split_at(KEY_LEN);
        let mut dek = Secret::zero();
        dek.expose_mut().copy_from_slice(dek_part);
        let mut digest = [0; 32];
        digest.copy_from_slice(digest_part);
        Ok(Unlocked { attachment: Some(digest), ..locked.unlock_dek(dek)? })
    }
}

impl fmt::Debug for AttachmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AttachmentKey(..)")
    }
}
