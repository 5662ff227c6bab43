//! Joining: the first package of a room, and under shared history all those before it. SPEC §18.4.

use super::replay::Guard;
use super::{Epochs, Key, NO_HEAD, Room};
use crate::envelope::{Reader, Unlocked};
use crate::epoch::{
    Decoded, DeviceId, Directory, Epoch, Held, HistoryPolicy, Invited, Opened, RoomId, comes_in_as, refused,
};
use crate::error::Error;
use crate::public_identity::{Fingerprint, PublicIdentity};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use rand_core::TryCryptoRng;

/// A room that is being joined: complete once nothing is [`wanted`](Self::wanted).
#[must_use]
pub struct Joining {
    room: Room,
    /// The earliest package that was opened, while earlier ones are needed.
    earliest: Option<Opened>,
}

impl Room {
    /// Joins a room by the package that added this member, whom `inviter` was expected to invite. SPEC §18.4 [ROOM-15]
    ///
    /// Each device of the member joins for itself, with the same package. Under from-join history [`Joining::finish`] gives
    /// the room at once; under shared history every earlier package is needed first.
    ///
    /// # Errors
    /// The errors of decoding; [`Error::Decrypt`] if no reader opens it; [`Error::Signature`] if it is not the inviter's;
    /// [`Error::Room`] if the inviter is no admin there, or another rule refuses it; [`Error::Generator`].
    pub fn join(
        package: &[u8],
        inviter: &PublicIdentity,
        readers: &[Reader<'_>],
        rng: &mut impl TryCryptoRng,
    ) -> Result<Joining, Error> {
        let decoded = Decoded::decode(package)?;
        let opened = decoded.open(decoded.locked.unlock(readers, rng)?)?;
        let me = comes_in_as(&opened, readers)?;
        Self::join_opened(opened, inviter, me, rng)
    }

    /// [`join`](Self::join) for a private key behind an asynchronous API, as the member `me`: `unlocked` comes from
    /// [`Locked::answer_agree`](crate::Locked::answer_agree) or
    /// [`Locked::answer_decrypt`](crate::Locked::answer_decrypt) over the same package.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub fn join_unlocked(
        package: &[u8],
        unlocked: Unlocked,
        inviter: &PublicIdentity,
        me: &Fingerprint,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Joining, Error> {
        let decoded = Decoded::decode(package)?;
        // Keys of another envelope do not open this one.
        let opened = decoded.open(decoded.locked.unlock_dek(unlocked.keys.dek.clone())?)?;
        if !opened.named.body.has(me) {
            return Err(refused("ROOM-15"));
        }
        Self::join_opened(opened, inviter, *me, rng)
    }

    fn join_opened(
        mut opened: Opened,
        inviter: &PublicIdentity,
        me: Fingerprint,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Joining, Error> {
        let held = opened.begin(inviter, Invited::ByAdmin)?;
        let needs_past = held.body.epoch > 0 && held.body.history == HistoryPolicy::Shared;
        let mut room = Self::with_first(held, me, rng)?;
        room.confirmed = true;
        Ok(Joining { room, earliest: needs_past.then_some(opened) })
    }

    /// A room of one epoch, unconfirmed.
    pub(super) fn with_first(held: Held, me: Fingerprint, rng: &mut impl TryCryptoRng) -> Result<Self, Error> {
        let (id, head) = (held.body.room_id(), held.key());
        let mut epochs = Epochs::default();
        epochs.insert(Box::new(held));
        Self::on_new_device(id, alloc::vec![me], me, head, epochs, rng)
    }

    /// A room of these epochs on a device that has written and heard nothing, unconfirmed.
    pub(super) fn on_new_device(
        id: RoomId,
        mine: Vec<Fingerprint>,
        me: Fingerprint,
        head: Key,
        epochs: Epochs,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, Error> {
        let (device, guard) = (DeviceId::random(rng)?, Guard::new());
        Ok(Self {
            id,
            mine,
            me,
            device,
            next_sequence: 0,
            confirmed: false,
            behind: 0,
            head,
            epochs,
            unyielding: NO_HEAD,
            guard,
        })
    }
}

impl Joining {
    /// The epoch whose package is needed next, by [`past`](Self::past); `None` if nothing is.
    #[must_use]
    pub fn wanted(&self) -> Option<Epoch> {
        self.earliest.as_ref()?.named.body.epoch.checked_sub(1).map(Epoch::new)
    }

    /// Takes the package of the epoch that is [`wanted`](Self::wanted). SPEC §18.4 [ROOM-16]
    ///
    /// `directory` looks up who made it: people who left since may be among them. An author can sign several packages of one
    /// transcript, of which one leads back further. So if nothing fits, give it another one of the number that was taken last,
    /// which stands for that then.
    ///
    /// # Errors
    /// As [`Room::apply`], and [`Error::Argument`] if nothing is wanted. What was taken before stays.
    pub fn past(&mut self, package: &[u8], directory: &dyn Directory) -> Result<(), Error> {
        let later = self.earliest.as_ref().ok_or(Error::Argument { what: "no earlier package is wanted" })?;
        let decoded = Decoded::decode(package)?;
        if decoded.epoch == later.named.body.epoch {
            let mut copy = later.open_copy(&decoded)?;
            copy.verify_author(directory)?;
            self.earliest = Some(copy);
            return Ok(());
        }
        let mut opened = later.open_previous(&decoded)?;
        // Who can open it can copy it, with a false secret or transition inside: the signature tells them apart.
        opened.verify_author(directory)?;
        let held = opened.held()?;
        later.check(&held)?;
        self.room.epochs.insert(Box::new(held));
        self.earliest = (opened.named.body.epoch > 0).then_some(opened);
        Ok(())
    }

    /// The room.
    ///
    /// # Errors
    /// [`Error::Argument`] while an earlier package is [`wanted`](Self::wanted).
    pub fn finish(self) -> Result<Room, Error> {
        match self.earliest {
            None => Ok(self.room),
            Some(_) => Err(Error::Argument { what: "earlier packages are wanted" }),
        }
    }

    /// Joins a room again that this device held before, and was removed from: what was held stays readable. [ROOM-17]
    ///
    /// # Errors
    /// [`Error::Argument`] while an earlier package is [`wanted`](Self::wanted), or for another room; [`Error::Room`] if
    /// an epoch as late as the one that is joined by is held, an old package that is shown again, or if the policy of
    /// history is another.
    pub fn finish_into(self, room: &mut Room) -> Result<(), Error> {
        let joined = self.finish()?;
        if joined.id != room.id {
            return Err(Error::Argument { what: "another room" });
        }
        // [ROOM-08]
        if joined.history() != room.history() {
            return Err(refused("ROOM-08"));
        }
        let latest = room.epochs.values().rev().find(|held| held.counts()).map_or(0, |held| held.body.epoch);
        if joined.head.0 <= latest {
            return Err(refused("ROOM-17"));
        }
        room.epochs.extend(joined.epochs);
        room.set_head(joined.head);
        room.becomes(joined.me);
        room.accept_head();
        Ok(())
    }
}

impl fmt::Debug for Joining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joining").field("room", &self.room).field("wanted", &self.wanted()).finish()
    }
}
