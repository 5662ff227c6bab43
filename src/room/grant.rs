//! Grants of a room's past. SPEC §18.8.

use super::Room;
use crate::envelope::{ContentType, Envelope, Limits, Locked, Reader, Recipient, Sender, Unlocked};
use crate::epoch::{Epoch, Held, RoomEpoch, RoomId, StoredKey, refused};
use crate::error::Error;
use crate::labels::KEY_LEN;
use crate::public_identity::{Fingerprint, PublicIdentity};
use crate::wire::{Reader as Wire, VECTOR_MAX, push_length};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

impl Room {
    /// Lets members read the messages of earlier epochs: those whose number is in `epochs`, up to the one right before the
    /// earliest that they hold. Nothing before the first of them opens by it. SPEC §18.8
    ///
    /// # Errors
    /// [`Error::Argument`] for epochs that are not all held on this room's branch, for nobody, for somebody who is not in
    /// the room, or another sender than this room's member; [`Error::Unconfirmed`]; [`Error::Limit`]; [`Error::Key`];
    /// [`Error::Generator`].
    pub fn grant_history(
        &self,
        epochs: RangeInclusive<Epoch>,
        to: &[&PublicIdentity],
        sender: &Sender<'_>,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Vec<u8>, Error> {
        self.require_confirmed()?;
        let head = &self.head()?.body;
        if to.is_empty() || !to.iter().all(|identity| head.has(identity.fingerprint())) {
            return Err(Error::Argument { what: "a grant to nobody in the room" });
        }
        self.own_algorithm(sender)?;
        let granted: Vec<&Held> =
            self.own_branch().filter(|held| epochs.contains(&Epoch::new(held.body.epoch))).collect();
        let whole = granted.first().map(|held| held.body.epoch) == Some(epochs.start().number())
            && granted.last().map(|held| held.body.epoch) == Some(epochs.end().number())
            && granted.is_sorted_by(|one, next| Some(one.key()) == next.parent_key());
        if !whole {
            return Err(Error::Argument { what: "epochs that are not all held" });
        }
        let one_len = |held: &Held| held.body.encoded_len().saturating_add(3 * KEY_LEN);
        let len = granted.iter().fold(32_usize, |len, held| len.saturating_add(one_len(held)));
        let mut list = Zeroizing::new(Vec::with_capacity(len));
        for held in granted {
            list.extend_from_slice(held.signer.as_bytes());
            held.body.encode(&mut list);
            list.extend_from_slice(&held.commitment);
            list.extend_from_slice(held.keys.message_key.expose());
        }
        if list.len() > VECTOR_MAX {
            return Err(Error::Limit { limit: "epochs" });
        }
        let mut content = Zeroizing::new(Vec::with_capacity(list.len().saturating_add(RoomId::LEN + 4)));
        content.extend_from_slice(self.id.as_bytes());
        push_length(&mut content, list.len());
        content.extend_from_slice(&list);
        let recipients: Vec<Recipient<'_>> = to.iter().map(|identity| identity.recipient()).collect();
        let envelope = Envelope::to(&recipients).signed_by(*sender).public_data(self.id.as_bytes());
        envelope.seal_as(ContentType::HistoryGrant, &content, rng)
    }

    /// Takes a grant that `granter` was expected to give; tells how many epochs came by it. Save the room afterwards.
    /// SPEC §18.8 [ROOM-25]
    ///
    /// # Errors
    /// The errors of decoding; [`Error::Decrypt`] if no reader opens it; [`Error::Signature`] if it is not the granter's;
    /// [`Error::Room`] if the granter is not in the room, or the epochs do not lead to one that is held; [`Error::Generator`].
    pub fn accept_grant(
        &mut self,
        grant: &[u8],
        granter: &PublicIdentity,
        readers: &[Reader<'_>],
        rng: &mut impl TryCryptoRng,
    ) -> Result<usize, Error> {
        let locked = self.decode_grant(grant)?;
        self.take_grant(&locked, locked.unlock(readers, rng)?, granter)
    }

    /// [`accept_grant`](Self::accept_grant) for a private key behind an asynchronous API: `unlocked` comes from
    /// [`Locked::answer_agree`] or [`Locked::answer_decrypt`](Locked::answer_decrypt) over the same grant.
    ///
    /// # Errors
    /// As [`accept_grant`](Self::accept_grant).
    pub fn accept_grant_unlocked(
        &mut self,
        grant: &[u8],
        unlocked: Unlocked,
        granter: &PublicIdentity,
    ) -> Result<usize, Error> {
        let locked = self.decode_grant(grant)?;
        // Keys of another envelope do not open this one.
        let unlocked = locked.unlock_dek(unlocked.keys.dek.clone())?;
        self.take_grant(&locked, unlocked, granter)
    }

    fn decode_grant<'g>(&self, grant: &'g [u8]) -> Result<Locked<'g>, Error> {
        let (locked, room) = decode_grant(grant)?;
        if room == self.id { Ok(locked) } else { Err(Error::Malformed { field: "public_data" }) }
    }

    fn take_grant(
        &mut self,
        locked: &Locked<'_>,
        unlocked: Unlocked,
        granter: &PublicIdentity,
    ) -> Result<usize, Error> {
        let opened = unlocked.open_any(locked.payload())?;
        let (content, claim) = opened.into_parts();
        // Wiped also where the signature turns out to be another's.
        let content = Zeroizing::new(content);
        claim.ok_or(Error::Signature)?.verify(granter)?;
        let no = refused("ROOM-25");
        if !self.head()?.body.has(granter.fingerprint()) {
            return Err(no);
        }
        let granted = decode(&content, &self.id).map_err(|_| no)?;
        let history = self.history();
        let chained = granted.is_sorted_by(|one, next| Some(one.key()) == next.parent_key());
        let leads_here = |last: &Held| self.own_child(last.key()).is_some();
        if !chained
            || !granted.last().map(Box::as_ref).is_some_and(leads_here)
            || granted.iter().any(|held| held.body.history != history)
        {
            return Err(no);
        }
        let mut taken = 0_usize;
        for held in granted {
            taken = taken.saturating_add(usize::from(self.epochs.insert_new(held)));
        }
        // It may show that an epoch which was taken for one's own is of another branch.
        if taken > 0 {
            self.set_head(self.head);
        }
        Ok(taken)
    }
}

/// The form of its envelope, and the room that it says to be for. [ROOM-25]
pub(crate) fn decode_grant(grant: &[u8]) -> Result<(Locked<'_>, RoomId), Error> {
    let locked = Locked::decode(grant, &Limits::default())?;
    locked.require(ContentType::HistoryGrant)?;
    if locked.header().padded {
        return Err(Error::Malformed { field: "padding" });
    }
    let room = locked.public_data().try_into().map_err(|_| Error::Malformed { field: "public_data" })?;
    Ok((locked, RoomId::from_bytes(room)))
}

/// The epochs of a HistoryGrant, all of the room `id`.
#[expect(clippy::vec_box, reason = "what is moved within a list leaves a copy of its secrets behind")]
fn decode(content: &[u8], id: &RoomId) -> Result<Vec<Box<Held>>, Error> {
    let mut wire = Wire::new(content);
    let field = "granted epochs";
    if wire.array("room_id")? != id.as_bytes() {
        return Err(Error::Malformed { field });
    }
    let mut list = Wire::new(wire.vector(field)?);
    wire.finish(field)?;
    let mut granted = Vec::new();
    while list.remaining() > 0 {
        let signer = Fingerprint::from_bytes(*list.array("signer")?);
        let body = RoomEpoch::decode(&mut list)?.share();
        let commitment = *list.array("commitment")?;
        let message_key = StoredKey::Message(list.array("message_key")?);
        if body.room_id() != *id {
            return Err(Error::Malformed { field });
        }
        granted.push(Box::new(Held::stored(signer, body, commitment, message_key)?));
    }
    Ok(granted)
}
