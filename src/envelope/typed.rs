//! Envelopes of the protocol's own types, whose content is not the application's. SPEC §6, §18.

use super::seal::PendingBlock;
use super::signature::{self, BlockKey};
use super::{ContentType, Envelope};
use crate::error::Error;
use crate::keys::Verifiable;
use crate::public_identity::PublicIdentity;
use alloc::vec::Vec;
use rand_core::TryCryptoRng;

impl Envelope<'_> {
    /// Seals `content` as an object of `content_type`.
    pub(crate) fn seal_as(
        &self,
        content_type: ContentType,
        content: &[u8],
        rng: &mut impl TryCryptoRng,
    ) -> Result<Vec<u8>, Error> {
        self.check(content_type)?;
        let mut out = alloc::vec![0; self.max_sealed_len(content.len())?];
        let len = self.seal_into_as(content_type, content, &mut out, rng)?;
        out.truncate(len);
        Ok(out)
    }

    /// [`seal_as`](Self::seal_as) for a sender whose key is elsewhere.
    pub(crate) fn request_as(
        &self,
        content_type: ContentType,
        content: &[u8],
        rng: &mut impl TryCryptoRng,
    ) -> Result<PendingEnvelope, Error> {
        let mut stream = self.start(content_type, u64::try_from(content.len()).ok(), rng)?;
        let mut bytes = stream.push(content)?.to_vec();
        let (pending, last) = stream.finish_request()?.into_parts();
        bytes.extend(last);
        Ok(PendingEnvelope::new(bytes, pending))
    }
}

/// An envelope that is complete but for its signature, and that borrows nothing.
pub(crate) struct PendingEnvelope {
    bytes: Vec<u8>,
    pub(crate) digest: [u8; 32],
    block_key: BlockKey,
    signer: PublicIdentity,
}

impl PendingEnvelope {
    /// `bytes`: all or the last of those before the signature block.
    pub(super) fn new(bytes: Vec<u8>, pending: PendingBlock<'_>) -> Self {
        let PendingBlock { sender, digest, block_key } = pending;
        Self { bytes, digest, block_key, signer: sender.identity.clone() }
    }

    /// Takes the signature over `digest`; gives `bytes` with the signature block.
    pub(crate) fn complete(self, signature: &[u8]) -> Result<Vec<u8>, Error> {
        let Self { mut bytes, digest, block_key, signer } = self;
        let key = signer.signing_key();
        let at = bytes.len();
        bytes.resize(at.saturating_add(signature::block_len(key.algorithm())), 0);
        block_key.seal(signer.fingerprint(), bytes.get_mut(at..).unwrap_or_default(), |place| {
            let accepted: Verifiable = key.accept(&digest, signature)?;
            place.copy_from_slice(accepted.as_bytes());
            Ok(())
        })?;
        Ok(bytes)
    }
}
