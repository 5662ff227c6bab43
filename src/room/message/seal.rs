//! Sealing a room message. SPEC §19.

use super::super::Room;
use super::super::epoch::MessageKeys;
use super::super::roster::Transcript;
use super::{FIELDS_LEN, HEADER_LEN, MessageId, NONCE, Origin, UNSALTED_LEN, aead, associated, content_hash, unsalted};
use crate::crypto::Random;
use crate::envelope::{Padding, Sender, padme};
use crate::error::Error;
use crate::keys::{Signature, SignatureAlgorithm};
use crate::labels::{MAX_MESSAGE_LEN, SALT_LEN, TAG_LEN};
use crate::public_identity::PublicIdentity;
use crate::wire::{VECTOR_MAX, Writer, encode_length, length_len};
use alloc::vec::Vec;
use core::fmt;
use rand_core::TryCryptoRng;
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
struct Prepared {
    epoch: (u64, Transcript),
    unsalted: [u8; UNSALTED_LEN],
    content_hash: [u8; 32],
    id: MessageId,
    /// Sender, device, sequence, as on the wire.
    fields: [u8; FIELDS_LEN],
    algorithm: SignatureAlgorithm,
    plain_len: usize,
}

impl Prepared {
    const fn sealed_len(&self) -> usize {
        self.plain_len.saturating_add(HEADER_LEN + TAG_LEN)
    }

    /// Makes the salt, writes the message to the front of `out`. [RMSG-06]
    fn write(
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

impl Room {
    /// Bytes of `draft` as a message of this sender: exact. 165 + V + content for ECDSA and no padding. [RMSG-04]
    ///
    /// # Errors
    /// [`Error::Limit`] for more than about 16 MiB.
    pub fn sealed_len(&self, draft: &Draft<'_>, sender: &PublicIdentity) -> Result<usize, Error> {
        Ok(draft.plain_len(sender.signing_key().algorithm())?.saturating_add(HEADER_LEN + TAG_LEN))
    }

    /// Seals a message to everyone in the room at its head.
    ///
    /// Save the room before the message is sent: otherwise a device that dies in between uses the message's number again,
    /// which readers see (SPEC §18.9). Nothing is lost by it, and no key is used twice.
    ///
    /// # Errors
    /// [`Error::Unconfirmed`] by the room's [`standing`](Self::standing); [`Error::Argument`] if the sender is not this
    /// room's member or its key is elsewhere; [`Error::Limit`]; [`Error::Key`]; [`Error::Generator`].
    pub fn seal(
        &mut self,
        draft: &Draft<'_>,
        sender: &Sender<'_>,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Vec<u8>, Error> {
        let mut out = alloc::vec![0; self.sealed_len(draft, sender.identity)?];
        self.seal_into(draft, sender, &mut out, rng)?;
        Ok(out)
    }

    /// [`seal`](Self::seal) into a caller's buffer of [`sealed_len`](Self::sealed_len) bytes, without an allocation
    /// (P-256 keys); gives the message's length.
    ///
    /// # Errors
    /// As [`seal`](Self::seal), and [`Error::Buffer`].
    pub fn seal_into(
        &mut self,
        draft: &Draft<'_>,
        sender: &Sender<'_>,
        out: &mut [u8],
        rng: &mut impl TryCryptoRng,
    ) -> Result<usize, Error> {
        let prepared = self.prepare(draft, sender.identity)?;
        let needed = prepared.sealed_len();
        if out.len() < needed {
            return Err(Error::Buffer { needed });
        }
        let signature = Signature::make(prepared.algorithm, |place| sender.sign(prepared.id.as_bytes(), place, rng))?;
        prepared.write(&self.head()?.keys, draft, signature.as_bytes(), out, rng)?;
        self.next_sequence = self.next_sequence.saturating_add(1);
        Ok(needed)
    }

    /// [`seal`](Self::seal) for a signing key behind an asynchronous API: what is to be signed. The message's number is used
    /// by this, whether it is completed or not.
    ///
    /// # Errors
    /// As [`seal`](Self::seal).
    pub fn request<'d>(&mut self, draft: &Draft<'d>, sender: &PublicIdentity) -> Result<PendingMessage<'d>, Error> {
        let prepared = self.prepare(draft, sender)?;
        self.next_sequence = self.next_sequence.saturating_add(1);
        Ok(PendingMessage { draft: *draft, prepared, sender: sender.clone() })
    }

    fn prepare(&self, draft: &Draft<'_>, sender: &PublicIdentity) -> Result<Prepared, Error> {
        self.require_confirmed()?;
        let head = self.head()?;
        let place = head.body.place(&self.me).filter(|_| *sender.fingerprint() == self.me);
        let place = place.and_then(|place| u32::try_from(place).ok());
        let place = place.ok_or(Error::Argument { what: "a sender who is not this room's member" })?;
        if self.next_sequence == u64::MAX {
            return Err(Error::Limit { limit: "messages of one device" });
        }
        let algorithm = sender.signing_key().algorithm();
        let plain_len = draft.plain_len(algorithm)?;
        let unsalted = unsalted(&self.id, head.body.epoch, &head.transcript);
        let content_hash = content_hash(&unsalted, draft.aad, draft.content);
        let origin = Origin {
            sender: &self.me,
            algorithm,
            transcript: &head.transcript,
            device: self.device,
            sequence: self.next_sequence,
        };
        let mut fields = [0; FIELDS_LEN];
        let mut writer = Writer::new(&mut fields);
        writer.put(&place.to_be_bytes())?;
        writer.put(self.device.as_bytes())?;
        writer.put(&self.next_sequence.to_be_bytes())?;
        let id = origin.id(&content_hash);
        Ok(Prepared { epoch: self.head, unsalted, content_hash, id, fields, algorithm, plain_len })
    }
}

/// A message that waits for its signature.
pub struct PendingMessage<'d> {
    draft: Draft<'d>,
    prepared: Prepared,
    sender: PublicIdentity,
}

impl PendingMessage<'_> {
    /// The SHA-256 digest that the sender's key has to sign; also the message's id.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        self.prepared.id.as_bytes()
    }

    /// Takes the signature; gives the message. [ROOM-22] [ROOM-24]
    ///
    /// # Errors
    /// [`Error::Unconfirmed`]; [`Error::Key`] if it is not the sender's; [`Error::Argument`] if `room` is not the one that
    /// was asked, or its head is another one since: request it again; [`Error::Generator`].
    pub fn complete(self, room: &Room, signature: &[u8], rng: &mut impl TryCryptoRng) -> Result<Vec<u8>, Error> {
        room.require_confirmed()?;
        let held = room.head()?;
        // Somebody may have been removed since.
        if held.key() != self.prepared.epoch {
            return Err(Error::Argument { what: "a message of another head" });
        }
        let signature = self.sender.signing_key().accept(self.digest(), signature)?;
        let mut out = alloc::vec![0; self.prepared.sealed_len()];
        self.prepared.write(&held.keys, &self.draft, signature.as_bytes(), &mut out, rng)?;
        Ok(out)
    }
}

impl fmt::Debug for PendingMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingMessage").field("digest", self.digest()).finish_non_exhaustive()
    }
}
