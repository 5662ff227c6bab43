//! Opening a room message. SPEC §19.

use super::super::Room;
use super::super::epoch::Held;
use super::super::replay::Freshness;
use super::super::roster::{Directory, Epoch, Transcript, look_up};
use super::{DeviceId, Header, MessageId, NONCE, Origin, UNSALTED_LEN, aead, associated, content_hash, decode_header};
use crate::error::Error;
use crate::public_identity::Fingerprint;
use crate::wire::Reader as Wire;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use zeroize::Zeroize;

/// A message that was opened, and whose sender was verified.
pub struct RoomMessage<C> {
    content: C,
    facts: Facts,
    freshness: Freshness,
    superseded: bool,
    sender_in_current_roster: bool,
}

/// What a message says of itself, verified.
#[derive(Clone, Copy)]
struct Facts {
    epoch: u64,
    transcript: Transcript,
    sender: Fingerprint,
    device: DeviceId,
    sequence: u64,
    id: MessageId,
}

impl<C: AsRef<[u8]>> RoomMessage<C> {
    /// The content.
    pub fn content(&self) -> &[u8] {
        self.content.as_ref()
    }
}

impl<C> RoomMessage<C> {
    /// The content.
    #[must_use]
    pub fn into_content(self) -> C {
        self.content
    }

    /// Who wrote it.
    #[must_use]
    pub const fn sender(&self) -> &Fingerprint {
        &self.facts.sender
    }

    /// On which of their devices.
    #[must_use]
    pub const fn device(&self) -> &DeviceId {
        &self.facts.device
    }

    /// As that device's how manieth message in this room, from 0.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.facts.sequence
    }

    /// What names it: the same for a message that was encrypted again.
    #[must_use]
    pub const fn id(&self) -> &MessageId {
        &self.facts.id
    }

    /// The epoch it was sealed in.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        Epoch::new(self.facts.epoch)
    }

    /// Whether it was seen before. [RMSG-07]
    #[must_use]
    pub const fn freshness(&self) -> Freshness {
        self.freshness
    }

    /// Whether its epoch is not the head: it is old, or of another branch. [RMSG-09]
    #[must_use]
    pub const fn is_superseded(&self) -> bool {
        self.superseded
    }

    /// Whether its sender is still in the room. [RMSG-09]
    #[must_use]
    pub const fn sender_in_current_roster(&self) -> bool {
        self.sender_in_current_roster
    }
}

impl<C> fmt::Debug for RoomMessage<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomMessage")
            .field("epoch", &self.facts.epoch)
            .field("sender", &self.facts.sender)
            .field("sequence", &self.facts.sequence)
            .field("freshness", &self.freshness)
            .finish_non_exhaustive()
    }
}

impl Room {
    /// Opens a message of any epoch that is held, verifies its sender, and notes it against replays: save the room
    /// afterwards, or a replay of it will pass for fresh.
    ///
    /// `aad` is what the sender bound, nothing unless the application uses it; `directory` looks up the sender. A message that
    /// was seen before, or is old, opens all the same: see [`RoomMessage::freshness`] and
    /// [`is_superseded`](RoomMessage::is_superseded). SPEC §19
    ///
    /// # Errors
    /// The errors of decoding; [`Error::UnknownEpoch`] if no such epoch is held; [`Error::Decrypt`] if it was changed or
    /// `aad` is another; [`Error::UnknownIdentity`]; [`Error::Signature`] if it is not its sender's.
    pub fn open(
        &mut self,
        message: &[u8],
        aad: &[u8],
        directory: &dyn Directory,
    ) -> Result<RoomMessage<Vec<u8>>, Error> {
        let header = self.decode_message(message)?;
        let mut out = alloc::vec![0; header.plain_len()];
        let (range, facts) = self.open_any(&header, aad, &mut out, directory)?;
        out.truncate(range.end);
        out.drain(..range.start);
        Ok(self.note(out, facts))
    }

    /// [`open`](Self::open) into a caller's buffer, without an allocation (P-256 keys, a device that was heard before). As
    /// many bytes as the message are enough.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`Error::Buffer`]. On an error the buffer's part that was written is zeroized.
    pub fn open_into<'o>(
        &mut self,
        message: &[u8],
        aad: &[u8],
        out: &'o mut [u8],
        directory: &dyn Directory,
    ) -> Result<RoomMessage<&'o [u8]>, Error> {
        let header = self.decode_message(message)?;
        let needed = header.plain_len();
        let out = out.get_mut(..needed).ok_or(Error::Buffer { needed })?;
        let (range, facts) = self.open_any(&header, aad, out, directory)?;
        Ok(self.note(out.get(range).unwrap_or_default(), facts))
    }

    fn decode_message<'m>(&self, message: &'m [u8]) -> Result<Header<'m>, Error> {
        let header = decode_header(message)?;
        if header.room == self.id { Ok(header) } else { Err(Error::Malformed { field: "room_id" }) }
    }

    /// Tries the epochs of that number and tag: one, unless somebody searched for a second. [RMSG-01]
    fn open_any(
        &self,
        header: &Header<'_>,
        aad: &[u8],
        out: &mut [u8],
        directory: &dyn Directory,
    ) -> Result<(Range<usize>, Facts), Error> {
        let mut failed = Error::UnknownEpoch { epoch: header.epoch };
        for held in self.numbered(header.epoch) {
            if !held.transcript.0.starts_with(header.tag) {
                continue;
            }
            match open_under(held, header, aad, out, directory) {
                Ok(opened) => return Ok(opened),
                Err(error) => failed = error,
            }
            // [RMSG-05] nothing is handed out that was not verified.
            out.zeroize();
        }
        Err(failed)
    }

    /// [RMSG-08] after the verification, and never before.
    fn note<C>(&mut self, content: C, facts: Facts) -> RoomMessage<C> {
        let id = facts.id.as_bytes().first_chunk().copied().unwrap_or_default();
        let freshness = self.guard.observe(&facts.sender, facts.device, facts.sequence, &id);
        let superseded = (facts.epoch, facts.transcript) != self.head;
        let sender_in_current_roster = self.head().is_ok_and(|head| head.body.has(&facts.sender));
        RoomMessage { content, facts, freshness, superseded, sender_in_current_roster }
    }
}

/// Decrypts under one epoch's key and verifies the sender. [RMSG-03] [RMSG-05]
fn open_under(
    held: &Held,
    header: &Header<'_>,
    aad: &[u8],
    out: &mut [u8],
    directory: &dyn Directory,
) -> Result<(Range<usize>, Facts), Error> {
    aead(&held.keys.message_key, header.salt)?.open(&NONCE, &associated(header.bytes, aad), header.sealed, out)?;
    let plain = decode_plaintext(out).map_err(|_| Error::Decrypt)?;
    let place = usize::try_from(plain.sender).map_err(|_| Error::Decrypt)?;
    let sender = held.body.roster.get(place).ok_or(Error::Decrypt)?.fingerprint;
    let key = look_up(directory, &sender)?.signing_key();
    let origin = Origin {
        sender: &sender,
        algorithm: key.algorithm(),
        transcript: &held.transcript,
        device: plain.device,
        sequence: plain.sequence,
    };
    let unsalted: &[u8; UNSALTED_LEN] = header.bytes.first_chunk().ok_or(Error::Decrypt)?;
    let content = out.get(plain.content.clone()).ok_or(Error::Decrypt)?;
    let id = origin.id(&content_hash(unsalted, aad, content));
    if plain.signature.len() != key.algorithm().signature_len() {
        return Err(Error::Signature);
    }
    key.verify(id.as_bytes(), out.get(plain.signature).ok_or(Error::Decrypt)?)?;
    let facts = Facts {
        epoch: held.body.epoch,
        transcript: held.transcript,
        sender,
        device: plain.device,
        sequence: plain.sequence,
        id,
    };
    Ok((plain.content, facts))
}

/// Where the fields of a plaintext stand.
struct Plaintext {
    sender: u32,
    device: DeviceId,
    sequence: u64,
    signature: Range<usize>,
    content: Range<usize>,
}

/// [RMSG-03]
fn decode_plaintext(plain: &[u8]) -> Result<Plaintext, Error> {
    let mut wire = Wire::new(plain);
    let sender = wire.u32("sender")?;
    let device = DeviceId::from_bytes(*wire.array("device")?);
    let sequence = wire.u64("sequence")?;
    let mut vector = |field| {
        let len = wire.vector(field)?.len();
        let end = plain.len().saturating_sub(wire.remaining());
        Ok(end.saturating_sub(len)..end)
    };
    let (signature, content) = (vector("signature")?, vector("content")?);
    let zeros = plain.get(content.end..).unwrap_or_default();
    if signature.is_empty() || zeros.iter().any(|byte| *byte != 0) {
        return Err(Error::Malformed { field: "zeros" });
    }
    Ok(Plaintext { sender, device, sequence, signature, content })
}
