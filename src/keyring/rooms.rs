//! Rooms in a keyring. SPEC §20.6.

use super::Keyring;
use super::entry::{Entry, Slot};
use crate::epoch::{RoomId, Transcript};
use crate::error::Error;
use crate::public_identity::Fingerprint;
use crate::room::{KeptEpoch, Room};
use alloc::vec::Vec;
use rand_core::TryCryptoRng;

const LACKS: Error = Error::Argument { what: "a room that the keyring lacks" };

impl Keyring {
    /// Takes in the epochs of a room that are new, and its head: after packages were applied, before
    /// [`part`](Self::part).
    ///
    /// # Errors
    /// [`Error::Limit`] after 2^64 heads.
    pub fn record(&mut self, room: &Room) -> Result<(), Error> {
        // First what can fail.
        self.write(&Slot::head(room.id()), room.transcript().as_bytes())?;
        self.add_epochs(room)
    }

    /// The same of a room that was recovered. A head that is there and not among its epochs its user could not see: that stays.
    /// SPEC §21
    pub(crate) fn record_found(&mut self, room: &Room) -> Result<(), Error> {
        let head = self.value(&Slot::head(room.id()));
        if head.is_none_or(|head| room.epochs().any(|(_, transcript, _)| transcript.as_bytes()[..] == *head)) {
            return self.record(room);
        }
        self.add_epochs(room)
    }

    fn add_epochs(&mut self, room: &Room) -> Result<(), Error> {
        KeptEpoch::all(room).try_for_each(|kept| self.add(Entry::epoch(kept)))
    }

    /// Notes whether a room is still this person's. Its epochs stay: another device may hold them.
    ///
    /// # Errors
    /// [`Error::Limit`] after 2^64 times.
    pub fn set_kept(&mut self, room: &RoomId, kept: bool) -> Result<(), Error> {
        self.write(&Slot::kept(room), &[if kept { 1 } else { 2 }])
    }

    /// The rooms, but for those that were given up.
    pub fn rooms(&self) -> impl Iterator<Item = &RoomId> {
        self.rooms.keys().filter(|id| self.is_kept(id))
    }

    /// Whether a room was not given up.
    pub(crate) fn is_kept(&self, room: &RoomId) -> bool {
        self.value(&Slot::kept(room)) != Some(&[2])
    }

    /// Puts a room together, [`Unconfirmed`](crate::Standing::Unconfirmed): the server may have kept back the latest
    /// segments. `mine`: this person's fingerprints of all generations, ascending. SPEC §20.6 [KRG-08]
    ///
    /// # Errors
    /// [`Error::Argument`] for a room that is not there, or whose head is not there with its secret; [`Error::Room`] if none
    /// of `mine` is in its roster; [`Error::Generator`].
    pub fn room(&self, id: &RoomId, mine: &[Fingerprint], rng: &mut impl TryCryptoRng) -> Result<Room, Error> {
        let head = self.value(&Slot::head(id)).and_then(|value| value.try_into().ok()).map(Transcript::from_bytes);
        self.room_at(id, Some(&head.ok_or(LACKS)?), mine, rng)
    }

    /// A room, if need be without its head, whose segment a server may keep back: as far as its epochs go. [REC-01]
    pub(crate) fn room_as_kept(
        &self,
        id: &RoomId,
        mine: &[Fingerprint],
        rng: &mut impl TryCryptoRng,
    ) -> Result<Room, Error> {
        match self.room(id, mine, rng) {
            // It says nothing of the head.
            Err(Error::Generator) => Err(Error::Generator),
            found => found.or_else(|_| self.room_at(id, None, mine, rng)),
        }
    }

    fn room_at(
        &self,
        id: &RoomId,
        head: Option<&Transcript>,
        mine: &[Fingerprint],
        rng: &mut impl TryCryptoRng,
    ) -> Result<Room, Error> {
        let kept: Vec<&[u8]> = self.epochs_of(id).ok_or(LACKS)?.collect();
        KeptEpoch::room(*id, &kept, head, mine, rng)
    }

    /// Gives a room that came from elsewhere the epochs that are here, and tells whether there are any. [REC-01]
    pub(crate) fn lend_epochs(&self, room: &mut Room) -> bool {
        let id = *room.id();
        self.epochs_of(&id).is_some_and(|kept| room.take_kept(kept))
    }

    fn epochs_of(&self, id: &RoomId) -> Option<impl Iterator<Item = &[u8]>> {
        let entries = self.entries.range(Entry::epochs_of(self.rooms.get(id)?));
        Some(entries.map(|entry| &entry.content[..]))
    }
}
