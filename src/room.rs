//! Rooms: groups with one key at a time, which is replaced when somebody leaves. SPEC §18, §19.

mod batch;
mod change;
mod epochs;
mod fork;
mod grant;
mod join;
mod keks;
mod kept;
mod message;
mod recover;
mod replay;
mod rotation;
mod state;
mod statement;

pub use change::{Change, PendingPackage};
pub use fork::Fork;
pub use join::Joining;
pub use message::{PendingMessage, RoomMessage};
pub use recover::Recovered;
pub use rotation::RotationPolicy;
pub use statement::{HeadStatement, LeaveStatement};

pub(crate) use batch::Batch;
pub(crate) use grant::decode_grant;
pub(crate) use kept::KeptEpoch;
pub(crate) use statement::{HEAD_TYPE, LEAVE_TYPE};

use crate::envelope::{Reader, Unlocked};
#[cfg(feature = "hazmat")]
use crate::epoch::Freshness;
use crate::epoch::{
    Authorised, Branch, Decoded, DeviceId, Directory, Epoch, Held, HistoryPolicy, Member, Opened, RoomCode, RoomId,
    Transcript, refused,
};
use crate::error::Error;
use crate::public_identity::Fingerprint;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use epochs::{Epochs, Key};
use rand_core::TryCryptoRng;
use replay::Guard;

/// Of no room. Not an option: what that does not fill would hold what a frame has left there, a key among it.
const NO_HEAD: (Key, u64) = ((0, Transcript([0; 32])), 0);

/// What became of a package that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Applied {
    /// It is the new head: save the room before sealing.
    Head {
        /// Who made it.
        author: Fingerprint,
    },
    /// It was held already: nothing changed.
    Held,
    /// It fills a gap before an epoch of this room's branch, as recovery leaves them, or gives the secret of an epoch that
    /// came by a grant: the head is what it was.
    Past {
        /// Who made it.
        author: Fingerprint,
    },
    /// It has the same parent as an epoch of this room's branch, or follows such a one: a fork. It is kept as evidence, and
    /// the head is what it was. Show it, see [`Room::forks`] and [`Room::settle`].
    Fork {
        /// Who made it.
        author: Fingerprint,
        /// False once there is no more place for evidence.
        kept: bool,
    },
    /// It is a fork, and the new head: an admin's epoch in the place of what plain members made meanwhile. Messages that
    /// were sealed in between may have to be sent again. [ROOM-19]
    Switched {
        /// Who made it.
        author: Fingerprint,
    },
    /// It cannot be applied, since packages before it are missing: sealing is stopped until they were applied. [ROOM-24]
    Ahead {
        /// Who made it.
        author: Fingerprint,
        /// Its number.
        epoch: Epoch,
    },
}

/// Whether a room's head is vouched for. SPEC §18.7
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// It is: messages can be sealed.
    Confirmed,
    /// It was put together from what a server gave: see [`Room::confirm`]. [ROOM-22]
    Unconfirmed,
    /// Packages of admins were seen whose parents are not held, up to this epoch: get and apply what is between. [ROOM-24]
    Behind {
        /// The greatest epoch seen, which the room's own may have reached by those of plain members only.
        epoch: Epoch,
    },
}

/// A room as one device of one member holds it.
///
/// Changes are made by [`add`](Self::add), [`remove`](Self::remove) and so on: each gives a [`Change`], which seals to a
/// package and leaves the room as it is. Everyone applies a package by [`apply`](Self::apply), its author too, once the
/// server took it. A call that fails leaves the room as it was. SPEC §18.3 [ROOM-06]
///
/// ```
/// use sealroom::*;
///
/// # #[cfg(feature = "std")]
/// # fn main() -> Result<(), Error> {
/// # let mut rng = SystemRng;
/// # let person = |n| Root::from_bip39_seed(&[n; 64]).identity(Profile::P256, 0, &mut SystemRng);
/// # let (alice, bob, carol) = (person(1)?, person(2)?, person(3)?);
/// let people = [alice.public(), bob.public(), carol.public()]; // who looks up whom
///
/// // Alice makes a room with Bob. The server gives the package to both.
/// let package = Room::create(
///     &alice.sender(),
///     &[(bob.public(), Role::Admin)],
///     HistoryPolicy::FromJoin,
///     &mut rng,
/// )?;
/// let mut alices = Room::join(&package, alice.public(), &[alice.reader()], &mut rng)?.finish()?;
/// let mut bobs = Room::join(&package, alice.public(), &[bob.reader()], &mut rng)?.finish()?;
/// assert_eq!(alices.code(), bobs.code()); // to be compared by voice
///
/// let message = bobs.seal(&Draft::new(b"Hello."), &bob.sender(), &mut rng)?;
/// let opened = alices.open(&message, b"", &people)?;
/// assert_eq!((opened.content(), opened.sender()), (&b"Hello."[..], bob.public().fingerprint()));
///
/// // Carol is added, later Bob is removed: what is written after that is not for him.
/// let package = alices.add(&[(carol.public(), Role::Member)])?.seal(&alice.sender(), &people, &mut rng)?;
/// for (room, reader) in [(&mut alices, alice.reader()), (&mut bobs, bob.reader())] {
///     room.apply(&package, &[reader], &people, &mut rng)?;
/// }
/// let mut carols = Room::join(&package, alice.public(), &[carol.reader()], &mut rng)?.finish()?;
/// let package = alices.remove(&[*bob.public().fingerprint()])?.seal(&alice.sender(), &people, &mut rng)?;
/// alices.apply(&package, &[alice.reader()], &people, &mut rng)?;
/// carols.apply(&package, &[carol.reader()], &people, &mut rng)?;
/// assert_eq!(bobs.apply(&package, &[bob.reader()], &people, &mut rng), Err(Error::Decrypt));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "std"))]
/// # fn main() {}
/// ```
pub struct Room {
    id: RoomId,
    /// This member's fingerprints, in the order in which they came: each replaced one before it, on some branch.
    mine: Vec<Fingerprint>,
    /// The one of them that is in the head's roster.
    me: Fingerprint,
    device: DeviceId,
    next_sequence: u64,
    confirmed: bool,
    /// The greatest epoch of [ROOM-24], which no epoch of the own branch that does not yield has reached; or 0.
    behind: u64,
    /// Key of the head in `epochs`.
    head: Key,
    /// Never empty, and the head is one of them.
    epochs: Epochs,
    /// For a head the number of the latest epoch that leads to it and does not yield; [`NO_HEAD`] until that is looked for.
    unyielding: (Key, u64),
    guard: Guard,
}

impl Room {
    /// The room's id.
    #[must_use]
    pub const fn id(&self) -> &RoomId {
        &self.id
    }

    /// As whom this device is in the room.
    #[must_use]
    pub const fn me(&self) -> &Fingerprint {
        &self.me
    }

    /// This device's id in this room.
    #[must_use]
    pub const fn device(&self) -> &DeviceId {
        &self.device
    }

    /// The number of the head.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        Epoch::new(self.head.0)
    }

    /// The transcript of the head: equal for all who are in the same room at the same epoch.
    #[must_use]
    pub const fn transcript(&self) -> &Transcript {
        &self.head.1
    }

    /// The members at the head, ascending by fingerprint.
    #[must_use]
    pub fn roster(&self) -> &[Member] {
        self.epochs.get(&self.head).map_or(&[], |held| &held.body.roster)
    }

    /// What newcomers may read of the past.
    #[must_use]
    pub fn history(&self) -> HistoryPolicy {
        self.epochs.get(&self.head).map_or_else(HistoryPolicy::default, |held| held.body.history)
    }

    /// The code that members compare to know that they are in the same room. SPEC §18.10 [ROOM-27]
    #[must_use]
    pub fn code(&self) -> RoomCode {
        RoomCode::of(self.transcript())
    }

    /// The epochs whose messages open, ascending, those of other branches included: number, transcript, who made it.
    pub fn epochs(&self) -> impl Iterator<Item = (Epoch, &Transcript, &Fingerprint)> {
        self.epochs.values().map(|held| (Epoch::new(held.body.epoch), &held.transcript, &held.signer))
    }

    /// Whether the head is vouched for. SPEC §18.7
    #[must_use]
    pub const fn standing(&self) -> Standing {
        if self.behind > 0 {
            Standing::Behind { epoch: Epoch::new(self.behind) }
        } else if self.confirmed {
            Standing::Confirmed
        } else {
            Standing::Unconfirmed
        }
    }

    /// Takes the head as it is, on the word of whoever gave the packages: after the user was told that somebody who was
    /// removed might read what is sealed now. SPEC §18.7 [ROOM-22] [ROOM-24]
    pub const fn accept_head(&mut self) {
        self.confirmed = true;
        self.behind = 0;
    }

    /// Applies a package. SPEC §18.3
    ///
    /// `readers` are this member's keys, of older generations too if there were any; `directory` looks up who made the
    /// package. A package of another member's replacement needs the old identity as well. Save the room afterwards.
    ///
    /// # Errors
    /// The errors of decoding; [`Error::Decrypt`] if nothing that is held or given opens it, as after a removal, or if
    /// packages before it are missing; [`Error::UnknownIdentity`]; [`Error::Signature`]; [`Error::Room`] with the tag of
    /// the rule that refuses it; [`Error::Generator`].
    pub fn apply(
        &mut self,
        package: &[u8],
        readers: &[Reader<'_>],
        directory: &dyn Directory,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Applied, Error> {
        let decoded = self.decode(package)?;
        let unlocked = self.unlock(&decoded).map_or_else(|| decoded.locked.unlock(readers, rng), Ok)?;
        self.apply_opened(&mut decoded.open(unlocked)?, directory)
    }

    /// [`apply`](Self::apply) for a private key behind an asynchronous API: `unlocked` comes from
    /// [`Locked::answer_agree`](crate::Locked::answer_agree) or
    /// [`Locked::answer_decrypt`](crate::Locked::answer_decrypt) over the same package.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn apply_unlocked(
        &mut self,
        package: &[u8],
        unlocked: Unlocked,
        directory: &dyn Directory,
    ) -> Result<Applied, Error> {
        let decoded = self.decode(package)?;
        // Keys of another envelope do not open this one.
        let unlocked = decoded.locked.unlock_dek(unlocked.keys.dek.clone())?;
        self.apply_opened(&mut decoded.open(unlocked)?, directory)
    }

    fn decode<'p>(&self, package: &'p [u8]) -> Result<Decoded<'p>, Error> {
        let decoded = Decoded::decode(package)?;
        if decoded.room == self.id { Ok(decoded) } else { Err(refused("ROOM-03")) }
    }

    /// By what is held.
    fn unlock(&self, decoded: &Decoded<'_>) -> Option<Unlocked> {
        self.unlock_by_held(decoded).or_else(|| self.unlock_by_parent(decoded))
    }

    /// With the secret of an epoch of the same commitment. It need not be the same epoch: every reader of a package can
    /// put another payload under its header, and sign that. So what is held is told by the transcript, after opening. [ROOM-28]
    fn unlock_by_held(&self, decoded: &Decoded<'_>) -> Option<Unlocked> {
        let mut same = self.epochs.committed(decoded.epoch, *decoded.locked.commitment());
        same.find_map(|held| decoded.locked.unlock_dek(held.secret.clone()?).ok())
    }

    /// By the symmetric stanza of an addition, under the parent's key. SPEC §18.3
    fn unlock_by_parent(&self, decoded: &Decoded<'_>) -> Option<Unlocked> {
        self.epochs.numbered(decoded.epoch.checked_sub(1)?).find_map(|parent| decoded.unlock_by(parent))
    }

    fn apply_opened(&mut self, opened: &mut Opened, directory: &dyn Directory) -> Result<Applied, Error> {
        // What was kept while the epoch before it was not there may be the head now. [ROOM-28]
        let follows_head = opened.named.parent_key() == Some(self.head);
        let held = self.epochs.get(&opened.named.key());
        if let Some(held) = held.filter(|held| held.counts() && !follows_head) {
            if held.secret.is_some() {
                return Ok(Applied::Held);
            }
            // It came by a grant, without its secret; it counts, so it is of the own branch, and stays there.
            opened.verify_own(directory)?;
            let author = held.signer;
            self.epochs.insert(Box::new(opened.held()?));
            return Ok(Applied::Past { author });
        }
        if self.parent_of(opened).is_none() {
            return self.note_ahead(opened, directory);
        }
        opened.verify_author(directory)?;
        let parent = self.parent_of(opened).ok_or(refused("ROOM-08"))?;
        let authorised = opened.check(parent)?;
        self.place(authorised)
    }

    /// A package whose parent is not held stops sealing, if it is by an admin and later than what does not yield. [ROOM-24]
    /// [ROOM-08]
    fn note_ahead(&mut self, opened: &mut Opened, directory: &dyn Directory) -> Result<Applied, Error> {
        let least = self.unyielding().checked_add(1);
        let epoch = opened.check_ahead(self.head()?, least, directory)?;
        // Of one who is an admin no more it only tells that an admin's is missing.
        let by_admin = opened.named.body.is_admin(&opened.named.signer);
        self.behind = self.behind.max(if by_admin { epoch } else { least.unwrap_or(epoch) });
        Ok(Applied::Ahead { author: opened.named.signer, epoch: Epoch::new(epoch) })
    }

    fn parent_of(&self, opened: &Opened) -> Option<&Held> {
        self.epochs.get(&opened.named.parent_key()?).map(Box::as_ref).filter(|held| held.counts())
    }

    fn is_own(&self, key: &Key) -> bool {
        self.epochs.get(key).is_some_and(|held| held.branch == Branch::Own)
    }

    /// Whether an epoch is held, and not only read.
    fn counts(&self, key: &Key) -> bool {
        self.epochs.get(key).is_some_and(|held| held.counts())
    }

    /// The head with its keys.
    fn head(&self) -> Result<&Held, Error> {
        // Never missing: see the field's comment.
        self.epochs.get(&self.head).map(Box::as_ref).ok_or(Error::Argument { what: "a room without a head" })
    }

    /// The epochs of this room's branch, ascending.
    fn own_branch(&self) -> impl DoubleEndedIterator<Item = &Held> {
        self.epochs.values().map(Box::as_ref).filter(|held| held.branch == Branch::Own)
    }

    /// Epochs that are not held: between those of the own branch, under shared also before the first one, and those that
    /// were seen ahead.
    pub(crate) fn gaps(&self) -> Vec<(Epoch, Epoch)> {
        let mut next = if self.history() == HistoryPolicy::Shared { Some(0) } else { None };
        let mut gaps = Vec::new();
        let mut gap = |next: Option<u64>, end: u64| {
            let first = next.filter(|first| *first < end)?;
            gaps.push((Epoch::new(first), Epoch::new(end.saturating_sub(1))));
            Some(())
        };
        for held in self.own_branch() {
            gap(next, held.body.epoch);
            next = held.body.epoch.checked_add(1);
        }
        gap(next, self.behind.saturating_add(1));
        gaps
    }

    /// Takes an authorised epoch in. SPEC §18.3, §18.5
    fn place(&mut self, authorised: Authorised) -> Result<Applied, Error> {
        let Authorised { mut held, replaced } = authorised;
        // Who replaces one of this member's fingerprints is this member. [ROOM-14]
        let new = replaced.filter(|(old, new)| self.mine.contains(old) && !self.mine.contains(new)).map(|(_, new)| new);
        let me = new.filter(|new| held.body.has(new)).or_else(|| self.me_in(&held));
        let me = me.ok_or(refused("ROOM-15"))?;
        let (key, author) = (held.key(), held.signer);
        if let Some(parent) = held.parent_key().and_then(|key| self.epochs.get(&key))
            && parent.body.roster == held.body.roster
        {
            held.named.body.roster = parent.body.roster.clone();
        }
        if held.parent_key() == Some(self.head) {
            self.epochs.insert(Box::new(held));
            self.mine.extend(new);
            self.me = me;
            self.come_to(key);
            return Ok(Applied::Head { author });
        }
        if self.own_child(key).is_some() {
            // Until the own branch is found again.
            held.branch = Branch::Evidence;
            self.epochs.insert(Box::new(held));
            self.knows_as(new);
            self.lead_to(key);
            return Ok(Applied::Past { author });
        }
        Ok(self.place_fork(held, me, new))
    }

    /// Has another head. What was seen ahead is not ahead any more once that was reached: by an epoch that does not yield, or
    /// who was removed would start again what the removal stopped. [ROOM-24]
    fn come_to(&mut self, head: Key) {
        self.head = head;
        if self.behind > 0 && self.behind <= self.unyielding() {
            self.behind = 0;
        }
    }

    /// Refuses to seal under a head that nobody vouches for. [ROOM-22] [ROOM-24]
    fn require_confirmed(&self) -> Result<(), Error> {
        if self.standing() == Standing::Confirmed { Ok(()) } else { Err(Error::Unconfirmed) }
    }

    /// This member is in the room by that fingerprint from now on: the latest comes last.
    fn becomes(&mut self, me: Fingerprint) {
        self.mine.retain(|mine| *mine != me);
        self.mine.push(me);
        self.me = me;
    }

    /// Another fingerprint of this member came by an epoch that is not the head.
    fn knows_as(&mut self, new: Option<Fingerprint>) {
        self.mine.extend(new);
        self.me = self.epochs.get(&self.head).and_then(|head| self.me_in(head)).unwrap_or(self.me);
    }

    /// As whom this member is in an epoch's roster: by the latest fingerprint that is there.
    fn me_in(&self, held: &Held) -> Option<Fingerprint> {
        self.mine.iter().rev().find(|mine| held.body.has(mine)).copied()
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room")
            .field("id", &self.id)
            .field("me", &self.me)
            .field("epoch", &self.head.0)
            .field("transcript", &self.head.1)
            .finish_non_exhaustive()
    }
}

/// The answers of a new guard to messages of one sender, for vectors. SPEC §19.4
#[cfg(feature = "hazmat")]
pub(crate) fn replay_answers(seen: &[([u8; 8], u64, [u8; 16])]) -> Vec<Freshness> {
    let mut guard = Guard::new();
    let sender = Fingerprint::from_bytes([0; 32]);
    let answer = |(device, sequence, id): &([u8; 8], u64, [u8; 16])| {
        guard.observe(&sender, DeviceId::from_bytes(*device), *sequence, id)
    };
    seen.iter().map(answer).collect()
}

/// The keys of an epoch that a room holds, for vectors. SPEC §18.1
#[cfg(feature = "hazmat")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochKeys {
    /// Absent where only the message key was granted.
    pub secret: Option<[u8; 32]>,
    /// What messages are sealed under.
    pub message_key: [u8; 32],
    /// What wraps the next addition.
    pub epoch_kek: Option<[u8; 32]>,
    /// Whether it yields to an admin's branch.
    pub yielding: bool,
}

/// The keys of the epoch with that transcript; `None` if it is not held. SPEC §18.1
#[cfg(feature = "hazmat")]
#[must_use]
pub fn epoch_keys(room: &Room, transcript: &Transcript) -> Option<EpochKeys> {
    let held = room.epochs.values().find(|held| held.transcript == *transcript)?;
    Some(EpochKeys {
        secret: held.secret.as_ref().map(|secret| *secret.expose()),
        message_key: *held.keys.message_key.expose(),
        epoch_kek: held.epoch_kek().and_then(Result::ok).map(|kek| *kek.expose()),
        yielding: room.yields(held),
    })
}
