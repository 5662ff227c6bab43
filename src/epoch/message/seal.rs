//! Sealing a room message. SPEC §19.

use super::super::body::Roster;
use super::super::held::{Held, MessageKeys};
use super::super::roster::Transcript;
use super::{
    DeviceId, FIELDS_LEN, HEADER_LEN, MessageId, NONCE, Origin, UNSALTED_LEN, aead, associated, content_hash, unsalted,
};
use crate::crypto::Random;
use crate::envelope::{Padding, Sender, padme};
use crate::error::Error;
use crate::keys::{SignatureAlgorithm, Verifiable};
use crate::labels::{MAX_MESSAGE_LEN, SALT_LEN, TAG_LEN};
use crate::public_identity::{Fingerprint, PublicIdentity};
use crate::wire::{VECTOR_MAX, Writer, encode_length, length_len};
use core::fmt;
use zeroize::Zeroize;

/// A message to be sealed.
#[derive(Clone, Copy)]
#[must_use]
pub struct Draft<'a> {
    content: &'a [u8],
    aad: &'a [u8],
    padding: Padding,
}

impl<'a> Draft<'a> {
    /// A message with this content, at most about 16 MiB. Files and pictures go as attachments, whose keys are content.
    pub const fn new(content: &'a [u8]) -> Self {
        Self { content, aad: &[], padding: Padding::None }
    }

    /// Binds bytes that readers know by another way: a message opens only with the same. None unless said.
    pub const fn associated_data(self, aad: &'a [u8]) -> Self {
        Self { aad, ..self }
    }

    /// Hides the length of the content. None unless said. SPEC §19.1
    pub const fn padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    /// Bytes of it as a message of this sender: exact. 165 + V + content for ECDSA and no padding. [RMSG-04]
    ///
    /// # Errors
    /// [`Error::Limit`] for more than about 16 MiB.
    pub fn sealed_len(&self, sender: &PublicIdentity) -> Result<usize, Error> {
        Ok(self.plain_len(sender.signing_key().algorithm())?.saturating_add(HEADER_LEN + TAG_LEN))
    }

    /// Bytes of the plaintext, padding included. [LIM-12]
    fn plain_len(&self, algorithm: SignatureAlgorithm) -> Result<usize, Error> {
        let too_long = Error::Limit { limit: "room message bytes" };
        if self.aad.len() > VECTOR_MAX {
            return Err(too_long);
        }
        let signature_len = algorithm.signature_len();
        let len = [signature_len, length_len(signature_len), self.content.len(), length_len(self.content.len())];
        let len = len.into_iter().fold(FIELDS_LEN, usize::saturating_add);
        let padded = match self.padding {
            Padding::None => Some(len),
            Padding::Padme => u64::try_from(len).ok().and_then(padme).and_then(|len| usize::try_from(len).ok()),
        };
        padded.filter(|len| *len <= MAX_MESSAGE_LEN).ok_or(too_long)
    }
}

impl fmt::Debug for Draft<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("padding", &self.padding).finish_non_exhaustive()
    }
}

/// A message that is complete but for signature and salt.
pub(crate) struct Prepared {
    pub(crate) epoch: (u64, Transcript),
    unsalted: [u8; UNSALTED_LEN],
    content_hash: [u8; 32],
    pub(crate) id: MessageId,
    /// Sender, device, sequence, as on the wire.
    fields: [u8; FIELDS_LEN],
    algorithm: SignatureAlgorithm,
    plain_len: usize,
}

impl Prepared {
    /// A member's message, as the device's how manieth it says.
    pub(crate) fn new(
        held: &Held<impl Roster>,
        me: &Fingerprint,
        device: DeviceId,
        sequence: u64,
        draft: &Draft<'_>,
        sender: &PublicIdentity,
    ) -> Result<Self, Error> {
        let place = held.body.roster.place(me).filter(|_| sender.fingerprint() == me);
        let place = place.and_then(|place| u32::try_from(place).ok());
        let place = place.ok_or(Error::Argument { what: "a sender who is not this room's member" })?;
        if sequence == u64::MAX {
            return Err(Error::Limit { limit: "messages of one device" });
        }
        let algorithm = sender.signing_key().algorithm();
        let plain_len = draft.plain_len(algorithm)?;
        let unsalted = unsalted(&held.body.room_id(), held.body.epoch, &held.transcript);
        let content_hash = content_hash(&unsalted, draft.aad, draft.content);
        let origin = Origin { sender: me, algorithm, transcript: &held.transcript, device, sequence };
        let mut fields = [0; FIELDS_LEN];
        let mut writer = Writer::new(&mut fields);
        writer.put(&place.to_be_bytes())?;
        writer.put(device.as_bytes())?;
        writer.put(&sequence.to_be_bytes())?;
        let id = origin.id(&content_hash);
        Ok(Self { epoch: held.key(), unsalted, content_hash, id, fields, algorithm, plain_len })
    }

    /// Signs, and writes the message to the front of `out`; gives its length.
    pub(crate) fn seal_into(
        &self,
        keys: &MessageKeys,
        draft: &Draft<'_>,
        sender: &Sender<'_>,
        out: &mut [u8],
        rng: &mut dyn Random,
    ) -> Result<usize, Error> {
        let needed = self.sealed_len();
        if out.len() < needed {
            return Err(Error::Buffer { needed });
        }
        let sign = |place: &mut [u8]| sender.sign(self.id.as_bytes(), place, rng);
        let signature = Verifiable::make(self.algorithm, sign)?;
        self.write(keys, draft, signature.as_bytes(), out, rng)
    }

    pub(crate) const fn sealed_len(&self) -> usize {
        self.plain_len.saturating_add(HEADER_LEN + TAG_LEN)
    }

    /// Makes the salt, writes the message to the front of `out`. [RMSG-06]
    pub(crate) fn write(
        &self,
        keys: &MessageKeys,
        draft: &Draft<'_>,
        signature: &[u8],
        out: &mut [u8],
        rng: &mut dyn Random,
    ) -> Result<usize, Error> {
        let needed = self.sealed_len();
        let out = out.get_mut(..needed).ok_or(Error::Buffer { needed })?;
        let mut random = [0; 32];
        rng.fill(&mut random)?;
        let (signature_len, used) = encode_length(signature.len());
        let signature_len = signature_len.get(..used).unwrap_or_default();
        let plain_len = u64::try_from(self.plain_len).map_err(|_| Error::Limit { limit: "room message bytes" })?;
        let plain_len = plain_len.to_be_bytes();
        let mac = keys.salt_key.mac(&[&random, &self.content_hash, &self.fields, signature_len, signature, &plain_len]);
        let salt: &[u8; SALT_LEN] = mac.first_chunk().ok_or(Error::Generator)?;

        let (header, sealed) = out.split_first_chunk_mut::<HEADER_LEN>().ok_or(Error::Buffer { needed })?;
        let mut writer = Writer::new(header);
        writer.put(&self.unsalted)?;
        writer.put(salt)?;
        let (plain, _) = sealed.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::Buffer { needed })?;
        let mut writer = Writer::new(plain);
        writer.put(&self.fields)?;
        writer.vector(signature)?;
        writer.vector(draft.content)?;
        let end = writer.len();
        plain.get_mut(end..).unwrap_or_default().fill(0);
        let done = aead(&keys.message_key, salt)
            .and_then(|aead| aead.seal_in_place(&NONCE, &associated(header, draft.aad), sealed));
        if done.is_err() {
            // Content stands there in clear.
            sealed.zeroize();
        }
        done.map(|()| needed)
    }
}
