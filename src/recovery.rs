//! Everything back on a new device, whatever the server gives. SPEC §21.

mod rooms;

use self::rooms::Found;
use crate::device::LinkedIdentity;
use crate::epoch::{Epoch, RoomId, decode_package};
use crate::error::Error;
use crate::identity::{Identity, Root, Transition, keyring_keys};
use crate::keyring::{Keyring, Lacking, Merged};
use crate::keys::SymmetricKey;
use crate::public_identity::{Fingerprint, Profile, PublicIdentity};
use crate::room::{Batch, Room};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::fmt;
use rand_core::TryCryptoRng;

/// A step of a recovery. SPEC §21
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The identity's generations.
    Generations,
    /// The keyring's segments.
    Keyring,
    /// The rooms' packages.
    Packages,
    /// The identities of people who made them.
    Identities,
}

/// What a recovery wants of the server next. SPEC §21
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wanted {
    /// The transition from this identity, if the server has one.
    Transition {
        /// Whose.
        from: Fingerprint,
    },
    /// All segments of this person's keyring.
    Segments,
    /// All packages of this person's rooms; of these rooms, those from this epoch on are enough for what comes after what
    /// the keyring has.
    Packages {
        /// Those that the keyring gave: the head, or the first epoch that is missing before it.
        held: Vec<(RoomId, Epoch)>,
    },
    /// These public identities.
    Identities {
        /// Whose.
        of: Vec<Fingerprint>,
    },
}

/// A blob that was not used, or a room that was not: the others are not affected. SPEC §21 [REC-01]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// In which step.
    pub step: Step,
    /// Why.
    pub error: Error,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = match self.step {
            Step::Generations => "a transition",
            Step::Keyring => "a segment of the keyring",
            Step::Packages => "a package",
            Step::Identities => "an identity",
        };
        write!(f, "{step}: {}", self.error)
    }
}

impl core::error::Error for Refused {}

/// What could not be recovered. SPEC §21 [REC-03]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// Segments of the keyring that others name.
    Segments(Lacking),
    /// Epochs of a room.
    Epochs {
        /// The room.
        room: RoomId,
        /// The first of them.
        first: Epoch,
        /// The last.
        last: Epoch,
    },
    /// Somebody's identity: what they made could not be checked.
    Identity(Fingerprint),
    /// A room of which nothing opens: this person may never have been in it.
    Room(RoomId),
}

/// How far a recovery has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveryProgress {
    /// Generations of the identity.
    pub generations: usize,
    /// Segments that were merged.
    pub segments: usize,
    /// Packages that were given, each counted once.
    pub packages: usize,
    /// Rooms that were found.
    pub rooms: usize,
    /// Epochs whose messages open.
    pub epochs: usize,
}

/// Recovers an account from the words or from a linked identity: asks, takes what it gets, goes on.
///
/// ```
/// # use sealroom::*;
/// # fn recover(root: Root, server: impl Fn(&Wanted) -> Vec<Vec<u8>>) -> Result<Account, Error> {
/// # let mut rng = SystemRng;
/// let mut recovery = Recovery::new(root, Profile::P256, &mut rng)?;
/// while let Some(wanted) = recovery.wanted() {
///     for blob in server(&wanted) {
///         if let Err(refused) = recovery.give(&blob, &mut rng) {
///             println!("Not used: {refused}.");
///         }
///     }
///     recovery.proceed(&mut rng)?;
/// }
/// println!("{:?}, without {:?}", recovery.progress(), recovery.missing());
/// let recovered = recovery.finish()?; // its rooms are not confirmed
/// # Ok(recovered)
/// # }
/// ```
pub struct Recovery {
    root: Option<Root>,
    identities: Vec<Identity>,
    transitions: Vec<Transition>,
    keyring: Keyring,
    covers: Vec<Merged>,
    earlier_segments: BTreeSet<Vec<u8>>,
    /// Whether one of the latest generation was whole.
    whole: bool,
    /// `None` once nothing is left to do.
    step: Option<Step>,
    /// Whether something came in this step.
    moved: bool,
    /// Whether identities came that the rooms were not put together with.
    waited: bool,
    rooms: BTreeMap<RoomId, Found>,
    /// Whose identities were asked for, and whether they came.
    asked: BTreeMap<Fingerprint, bool>,
}

/// What came back. Its rooms are unconfirmed, or behind an epoch that did not fit: see [`Standing`](crate::Standing).
#[derive(Debug)]
#[non_exhaustive]
pub struct Account {
    /// All generations of the identity, ascending.
    pub identities: Vec<Identity>,
    /// The transitions between them.
    pub transitions: Vec<Transition>,
    /// The keyring of this device. The rooms that came from it are brought up to date there; others may be of strangers, who
    /// can add anybody: [record](Keyring::record) those that the user takes.
    pub keyring: Keyring,
    /// The rooms, but for those that were given up.
    pub rooms: Vec<Room>,
    /// Contacts' names that some device pinned to another identity, to which no known transitions lead, or gave up: to be
    /// shown. [KRG-11]
    pub changed_contacts: Vec<Vec<u8>>,
}

impl Recovery {
    /// Begins with the words; `profile` is that of generation 0. RSA keys take seconds. The root is dropped with the last
    /// generation that is asked for.
    ///
    /// # Errors
    /// As [`Root::identity`].
    pub fn new(root: Root, profile: Profile, rng: &mut impl TryCryptoRng) -> Result<Self, Error> {
        let first = root.identity(profile, 0, rng)?;
        let mut recovery = Self::of(alloc::vec![first], Vec::new(), Step::Generations, rng)?;
        recovery.root = Some(root);
        Ok(recovery)
    }

    /// Begins with a linked identity, which has its generations.
    ///
    /// # Errors
    /// [`Error::Generator`].
    pub fn of_linked(linked: &LinkedIdentity, rng: &mut impl TryCryptoRng) -> Result<Self, Error> {
        Self::of(linked.generations().cloned().collect(), linked.transitions().to_vec(), Step::Keyring, rng)
    }

    fn of(
        identities: Vec<Identity>,
        transitions: Vec<Transition>,
        step: Step,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, Error> {
        let mut keyring = Keyring::new(rng)?;
        for identity in &identities {
            keyring.know(identity.public())?;
        }
        for transition in &transitions {
            keyring.follow(transition)?;
        }
        Ok(Self {
            root: None,
            identities,
            transitions,
            keyring,
            covers: Vec::new(),
            earlier_segments: BTreeSet::new(),
            whole: false,
            step: Some(step),
            moved: false,
            waited: false,
            rooms: BTreeMap::new(),
            asked: BTreeMap::new(),
        })
    }

    /// What the server is asked for next; `None` when all is done.
    #[must_use]
    pub fn wanted(&self) -> Option<Wanted> {
        Some(match self.step? {
            Step::Generations => Wanted::Transition { from: *self.latest()?.public().fingerprint() },
            Step::Keyring => Wanted::Segments,
            // Where a segment is missing, an epoch before the first that is held may be as well.
            Step::Packages if !self.keyring.lacking(&self.covers).is_empty() => Wanted::Packages { held: Vec::new() },
            Step::Packages => {
                let from = |room: &Room| room.gaps().first().map_or(room.epoch(), |(first, _)| *first);
                let held = |(id, found): (&RoomId, &Found)| Some((*id, from(found.room.as_ref()?)));
                Wanted::Packages { held: self.rooms.iter().filter_map(held).collect() }
            }
            Step::Identities => {
                let of = self.asked.iter().filter(|(_, came)| !**came).map(|(who, _)| *who).collect();
                Wanted::Identities { of }
            }
        })
    }

    /// Takes one of the blobs that are [`wanted`](Self::wanted), as often as the server has any.
    ///
    /// # Errors
    /// What is wrong with this one: the others are not affected. A package is only decoded here: see
    /// [`proceed`](Self::proceed).
    pub fn give(&mut self, blob: &[u8], rng: &mut impl TryCryptoRng) -> Result<(), Refused> {
        let Some(step) = self.step else {
            return Err(Refused { step: Step::Identities, error: Error::Argument { what: "nothing is wanted" } });
        };
        let taken = match step {
            Step::Generations => self.take_transition(blob, rng),
            Step::Keyring => self.take_segment(blob, rng),
            Step::Packages => self.take_package(blob),
            Step::Identities => self.take_identity(blob),
        };
        taken.map_err(|error| Refused { step, error })
    }

    /// [REC-02]
    fn take_transition(&mut self, blob: &[u8], rng: &mut impl TryCryptoRng) -> Result<(), Error> {
        let transition = Transition::from_bytes(blob)?;
        if self.transitions.iter().any(|known| known.fingerprints() == transition.fingerprints()) {
            return Ok(());
        }
        let no = Error::Argument { what: "a generation without the words" };
        let (latest, root) = (self.latest().ok_or(no)?.public(), self.root.as_ref().ok_or(no)?);
        let new = latest.follow(&transition)?;
        let next = root.identity(new.profile(), new.generation(), rng)?;
        if next.public().fingerprint() != new.fingerprint() {
            return Err(Error::Signature);
        }
        self.keyring.follow(&transition)?;
        self.identities.push(next);
        self.transitions.push(transition);
        self.moved = true;
        Ok(())
    }

    fn take_segment(&mut self, blob: &[u8], rng: &mut impl TryCryptoRng) -> Result<(), Error> {
        let (latest, earlier) = self.identities.split_last().ok_or(Error::Decrypt)?;
        match self.keyring.merge(blob, &[&latest.keyring_key()?], rng) {
            Ok(covers) => {
                self.whole |= covers.whole;
                self.covers.push(covers);
            }
            Err(Error::Decrypt) => {
                // Of an earlier generation, if it opens: whether it is to be merged shows when all are there.
                let keys = keyring_keys(earlier)?;
                Keyring::new(rng)?.merge(blob, &keys.iter().collect::<Vec<_>>(), rng)?;
                self.earlier_segments.insert(blob.to_vec());
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Segments of earlier generations, unless one of the latest holds it all: a thief of those could write them. [REC-04]
    fn take_earlier_segments(&mut self, rng: &mut impl TryCryptoRng) -> Result<(), Error> {
        if self.whole {
            return Ok(());
        }
        let keys = keyring_keys(&self.identities)?;
        let keys: Vec<&SymmetricKey> = keys.iter().collect();
        while let Some(segment) = self.earlier_segments.pop_first() {
            match self.keyring.merge(&segment, &keys, rng) {
                Err(Error::Generator) => {
                    self.earlier_segments.insert(segment);
                    return Err(Error::Generator);
                }
                merged => self.covers.extend(merged),
            }
        }
        Ok(())
    }

    fn take_package(&mut self, blob: &[u8]) -> Result<(), Error> {
        let (room, _) = decode_package(blob)?;
        self.rooms.entry(room).or_default().packages.insert(blob.to_vec());
        Ok(())
    }

    fn take_identity(&mut self, blob: &[u8]) -> Result<(), Error> {
        let identity = PublicIdentity::from_bytes(blob)?;
        let came = self.asked.get_mut(identity.fingerprint()).ok_or(Error::Argument { what: "nobody asked for" })?;
        // One that is given again is nothing new, or a server could go on for ever.
        if !*came {
            self.keyring.know(&identity)?;
            (*came, self.moved) = (true, true);
        }
        Ok(())
    }

    /// Does what can be done with what was given, and goes to the next step.
    ///
    /// # Errors
    /// [`Error::Generator`]: then it can be called again.
    pub fn proceed(&mut self, rng: &mut impl TryCryptoRng) -> Result<(), Error> {
        let moved = self.moved;
        self.step = match self.step {
            Some(Step::Generations) if moved => Some(Step::Generations),
            Some(Step::Generations) => {
                self.root = None;
                Some(Step::Keyring)
            }
            Some(Step::Keyring) => {
                self.take_earlier_segments(rng)?;
                self.take_kept_rooms(rng)?;
                Some(Step::Packages)
            }
            Some(Step::Packages) => {
                self.rooms.retain(|id, _| self.keyring.is_kept(id));
                self.rooms.iter_mut().for_each(|(id, found)| found.begin(id));
                let next = self.put_together(rng, |_| true);
                if next.is_err() {
                    self.rooms.values_mut().for_each(Found::begin_again);
                }
                next?
            }
            // All that come are waited for: to put the rooms together once for each would cost the product.
            Some(Step::Identities) if moved && self.asked.values().any(|came| !came) => {
                self.waited = true;
                Some(Step::Identities)
            }
            Some(Step::Identities) if moved || self.waited => {
                let asked = self.asked.len();
                let lacks = |batch: &Batch<'_>| batch.lacks_identity().next().is_some() || batch.lacks_random();
                let next = self.put_together(rng, lacks);
                // Also where the generator failed after some were asked for, and this is called again.
                self.moved |= self.asked.len() > asked;
                let next = next?;
                self.waited = false;
                // Who did not come when asked again does not come.
                next.filter(|_| self.moved)
            }
            Some(Step::Identities) | None => None,
        };
        self.moved = false;
        Ok(())
    }

    fn take_kept_rooms(&mut self, rng: &mut impl TryCryptoRng) -> Result<(), Error> {
        let ids: Vec<RoomId> = self.keyring.rooms().copied().collect();
        for id in ids {
            self.rooms.insert(id, Found::kept(&id, &self.keyring, &self.identities, rng)?);
        }
        Ok(())
    }

    /// Applies packages; gives the next step.
    fn put_together(
        &mut self,
        rng: &mut impl TryCryptoRng,
        which: impl Fn(&Batch<'_>) -> bool,
    ) -> Result<Option<Step>, Error> {
        for (id, found) in self.rooms.iter_mut().filter(|(_, found)| found.batch.as_ref().is_some_and(&which)) {
            found.put_together(id, &self.keyring, &self.identities, rng)?;
            for who in found.batch.iter().flat_map(Batch::lacks_identity) {
                self.asked.entry(who).or_insert(false);
            }
        }
        if self.rooms.values().any(|found| found.batch.as_ref().is_some_and(Batch::lacks_random)) {
            return Err(Error::Generator);
        }
        Ok(self.asked.values().any(|came| !came).then_some(Step::Identities))
    }

    fn latest(&self) -> Option<&Identity> {
        self.identities.last()
    }

    /// The identity's generations so far, ascending: a server may want the latest one's proof before it gives more.
    #[must_use]
    pub fn identities(&self) -> &[Identity] {
        &self.identities
    }

    /// The packages that were not used, and why.
    pub fn refused(&self) -> impl Iterator<Item = (RoomId, Refused)> {
        let of_room = |(id, found): (&RoomId, &Found)| {
            let id = *id;
            let answers = found.batch.iter().flat_map(|batch| &batch.answers).filter_map(|answer| answer.err());
            answers.map(move |error| (id, Refused { step: Step::Packages, error })).collect::<Vec<_>>()
        };
        self.rooms.iter().flat_map(of_room)
    }

    /// How far it has come.
    #[must_use]
    pub fn progress(&self) -> RecoveryProgress {
        let rooms = || self.rooms.values().filter_map(|found| found.room.as_ref());
        let packages =
            |found: &Found| found.packages.len().max(found.batch.as_ref().map_or(0, |batch| batch.answers.len()));
        RecoveryProgress {
            generations: self.identities.len(),
            segments: self.covers.len(),
            packages: self.rooms.values().map(packages).sum(),
            rooms: rooms().count(),
            epochs: rooms().map(|room| room.epochs().count()).sum(),
        }
    }

    /// What is known to be missing. [REC-03]
    #[must_use]
    pub fn missing(&self) -> Vec<Missing> {
        let mut missing: Vec<Missing> = self.keyring.lacking(&self.covers).into_iter().map(Missing::Segments).collect();
        for (id, found) in &self.rooms {
            match &found.room {
                Some(room) => missing.extend(room.gaps().into_iter().map(|(first, last)| Missing::Epochs {
                    room: *id,
                    first,
                    last,
                })),
                None => missing.push(Missing::Room(*id)),
            }
        }
        missing.extend(self.asked.iter().filter(|(_, came)| !**came).map(|(who, _)| Missing::Identity(*who)));
        missing
    }

    /// What came back, whether or not all was done.
    ///
    /// # Errors
    /// [`Error::Limit`] if the keyring holds all that it can.
    pub fn finish(mut self) -> Result<Account, Error> {
        let mut rooms = Vec::new();
        for found in self.rooms.into_values() {
            let Some(room) = found.room else { continue };
            // A head that no later clock can replace keeps no room from coming back. [REC-01]
            match if found.kept { self.keyring.record_found(&room) } else { Ok(()) } {
                Ok(()) | Err(Error::Limit { .. }) => {}
                Err(error) => return Err(error),
            }
            rooms.push(room);
        }
        let Self { identities, transitions, keyring, covers, .. } = self;
        let changed: BTreeSet<&Vec<u8>> = covers.iter().flat_map(Merged::changed_contacts).collect();
        let changed_contacts = changed.into_iter().cloned().collect();
        Ok(Account { identities, transitions, keyring, rooms, changed_contacts })
    }
}

impl fmt::Debug for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recovery").field("wanted", &self.wanted()).field("progress", &self.progress()).finish()
    }
}
