//! Messages as a room seals and opens them. SPEC §19.

use super::Room;
use crate::envelope::Sender;
use crate::epoch::{
    Decrypted, Directory, Draft, EpochMessage, Facts, Freshness, Header, Held, Prepared, decode_header_of, decrypt,
    look_up, open_under,
};
use crate::error::Error;
use crate::keys::Verifiable;
use crate::public_identity::PublicIdentity;
use crate::side_by_side;
use alloc::vec::Vec;
use core::fmt;
use core::mem;
use core::ops::{Deref, Range};
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

/// A message that a room opened, whose sender was verified, and what the room knows of it besides.
pub struct RoomMessage<C> {
    message: EpochMessage<C>,
    freshness: Freshness,
    superseded: bool,
    sender_in_current_roster: bool,
}

impl<C> RoomMessage<C> {
    /// The content.
    #[must_use]
    pub fn into_content(self) -> C {
        self.message.into_content()
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

/// A message that was decrypted under one epoch's key.
struct Tried<'r, 'm> {
    held: &'r Held,
    header: Header<'m>,
    aad: &'m [u8],
    out: Zeroizing<Vec<u8>>,
    decrypted: Decrypted,
    sender: Result<&'m PublicIdentity, Error>,
}

impl Tried<'_, '_> {
    fn verify(&self) -> Result<(Range<usize>, Facts), Error> {
        self.decrypted.verify(self.held, &self.header, self.aad, &self.out, self.sender?)
    }
}

impl<C> Deref for RoomMessage<C> {
    type Target = EpochMessage<C>;

    fn deref(&self) -> &EpochMessage<C> {
        &self.message
    }
}

impl<C> fmt::Debug for RoomMessage<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomMessage")
            .field("epoch", &self.epoch().number())
            .field("sender", self.sender())
            .field("sequence", &self.sequence())
            .field("freshness", &self.freshness)
            .finish_non_exhaustive()
    }
}

/// The content, of all that was decrypted.
fn cut(mut plain: Vec<u8>, content: Range<usize>) -> Vec<u8> {
    plain.truncate(content.end);
    plain.drain(..content.start);
    plain
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
        let header = decode_header_of(message, &self.id)?;
        let mut out = alloc::vec![0; header.plain_len()];
        let (range, facts) = self.open_any(&header, aad, &mut out, directory)?;
        Ok(self.note(cut(out, range), facts))
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
        let header = decode_header_of(message, &self.id)?;
        let needed = header.plain_len();
        let out = out.get_mut(..needed).ok_or(Error::Buffer { needed })?;
        let (range, facts) = self.open_any(&header, aad, out, directory)?;
        Ok(self.note(out.get(range).unwrap_or_default(), facts))
    }

    /// Opens many messages, as when somebody scrolls back: each with what its sender bound. Gives what [`open`](Self::open)
    /// would say of each, one after the other; with the feature `parallel` on all cores. `directory` is asked by the caller's
    /// thread only. Save the room afterwards.
    pub fn open_many(
        &mut self,
        messages: &[(&[u8], &[u8])],
        directory: &dyn Directory,
    ) -> Vec<Result<RoomMessage<Vec<u8>>, Error>> {
        let room: &Self = self;
        let mut tried = side_by_side::map(messages, |(message, aad)| room.decrypt_any(message, aad));
        for one in tried.iter_mut().flatten().flatten() {
            one.sender = look_up(directory, &one.decrypted.sender);
        }
        let verified = side_by_side::map(&tried, |tries| {
            let mut failed = Error::Decrypt;
            for (place, one) in tries.iter().enumerate() {
                match one.as_ref().map_err(|error| *error).and_then(Tried::verify) {
                    Ok((range, facts)) => return Ok((place, range, facts)),
                    Err(error) => failed = error,
                }
            }
            Err(failed)
        });
        let opened = tried.into_iter().zip(verified).map(|(tries, verified)| {
            let (place, range, facts) = verified?;
            let one = tries.into_iter().nth(place).ok_or(Error::Decrypt)?;
            Ok((cut(mem::take(&mut *one?.out), range), facts))
        });
        let opened: Vec<_> = opened.collect();
        opened.into_iter().map(|opened| opened.map(|(content, facts)| self.note(content, facts))).collect()
    }

    /// What [`open_any`](Self::open_any) would try in turn, before anything is verified; never nothing.
    fn decrypt_any<'r, 'm>(&'r self, message: &'m [u8], aad: &'m [u8]) -> Vec<Result<Tried<'r, 'm>, Error>> {
        let header = match decode_header_of(message, &self.id) {
            Ok(header) => header,
            Err(error) => return alloc::vec![Err(error)],
        };
        let routed = self.epochs.numbered(header.epoch).filter(|held| header.routes_to(held));
        let tried = routed.map(|held| {
            let mut out = Zeroizing::new(alloc::vec![0; header.plain_len()]);
            let decrypted = decrypt(held, &header, aad, &mut out)?;
            Ok(Tried { held, header, aad, out, decrypted, sender: Err(Error::Decrypt) })
        });
        let mut tried: Vec<_> = tried.collect();
        if tried.is_empty() {
            tried.push(Err(Error::UnknownEpoch { epoch: header.epoch }));
        }
        tried
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
        for held in self.epochs.numbered(header.epoch) {
            if !header.routes_to(held) {
                continue;
            }
            match open_under(held, header, aad, out, directory) {
                Ok(opened) => return Ok(opened),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// [RMSG-08] after the verification, and never before.
    fn note<C>(&mut self, content: C, facts: Facts) -> RoomMessage<C> {
        let freshness = self.guard.observe(&facts.sender, facts.device, facts.sequence, &facts.id.seen());
        let superseded = (facts.epoch, facts.transcript) != self.head;
        let sender_in_current_roster = self.head().is_ok_and(|head| head.body.has(&facts.sender));
        RoomMessage { message: EpochMessage::new(content, facts), freshness, superseded, sender_in_current_roster }
    }
}

impl Room {
    /// Bytes of `draft` as a message of this sender: exact. 165 + V + content for ECDSA and no padding. [RMSG-04]
    ///
    /// # Errors
    /// [`Error::Limit`] for more than about 16 MiB.
    pub fn sealed_len(&self, draft: &Draft<'_>, sender: &PublicIdentity) -> Result<usize, Error> {
        draft.sealed_len(sender)
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
        let len = prepared.seal_into(&self.head()?.keys, draft, sender, out, rng)?;
        self.next_sequence = self.next_sequence.saturating_add(1);
        Ok(len)
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
        Prepared::new(self.head()?, &self.me, self.device, self.next_sequence, draft, sender)
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
        let signature: Verifiable = self.sender.signing_key().accept(self.digest(), signature)?;
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
