//! What the devices of one person know together, merged in any order. SPEC §20.

mod contacts;
mod entry;
mod rooms;
mod segment;

pub use contacts::{Contact, Sighting};
pub use segment::{Lacking, Merged};

use crate::epoch::{DeviceId, Directory, RoomId};
use crate::error::Error;
use crate::identity::Transition;
use crate::public_identity::{Fingerprint, PublicIdentity};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::fmt;
use entry::{Entry, Register, Slot};
use rand_core::TryCryptoRng;
use segment::Known;

/// A conflict that merging found: two devices wrote one thing without knowing of each other. The value that holds is the one
/// that all devices take; the others are kept until it is written again. SPEC §20.3 [KRG-05]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conflict {
    /// Two heads of one room: its fork is to be settled.
    Head(RoomId),
    /// A room that one device gave up, and another did not.
    Kept(RoomId),
    /// Two identities under one contact's name: to be compared, and pinned again.
    Contact(Vec<u8>),
    /// Two answers to whether this identity was verified.
    Verified(Fingerprint),
    /// Something of a later version.
    Unknown,
}

/// The keys of a person's rooms, which head each has, who is pinned and verified.
///
/// ```
/// use sealroom::*;
///
/// # #[cfg(feature = "std")]
/// # fn main() -> Result<(), Error> {
/// # let mut rng = SystemRng;
/// # let alice = Root::from_bip39_seed(&[1; 64]).identity(Profile::P256, 0, &mut rng)?;
/// # let bob = Root::from_bip39_seed(&[2; 64]).identity(Profile::P256, 0, &mut rng)?;
/// # let package = Room::create(&alice.sender(), &[(bob.public(), Role::Admin)], HistoryPolicy::Shared, &mut rng)?;
/// # let room = Room::join(&package, alice.public(), &[alice.reader()], &mut rng)?.finish()?;
/// let key = alice.keyring_key()?;
/// let mut phone = Keyring::new(&mut rng)?;
/// phone.record(&room)?;
/// assert_eq!(phone.sight(b"bob", bob.public())?, Sighting::First);
/// let part = phone.part(&key, &mut rng)?; // store the keyring, then upload this
///
/// let mut tablet = Keyring::new(&mut rng)?;
/// let covers = tablet.merge(&part, &[&key], &mut rng)?;
/// assert!(tablet.lacking(&[covers]).is_empty()); // nothing was kept back that is known of
/// let again = tablet.room(room.id(), &[*alice.public().fingerprint()], &mut rng)?;
/// assert_eq!(again.transcript(), room.transcript());
/// assert_eq!(again.standing(), Standing::Unconfirmed); // until somebody vouches for it
/// assert_eq!(tablet.contact(b"bob").map(|bob| bob.verified), Some(false));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "std"))]
/// # fn main() {}
/// ```
pub struct Keyring {
    /// This device, in keyrings.
    device: DeviceId,
    known: Known,
    /// All of it. The others are found again from it.
    entries: BTreeSet<Entry>,
    /// What no segment of this device holds yet.
    fresh: BTreeSet<Entry>,
    rooms: BTreeMap<RoomId, entry::RoomOrigin>,
    identities: BTreeMap<Fingerprint, PublicIdentity>,
    /// By the old fingerprint.
    transitions: BTreeMap<Fingerprint, Vec<Transition>>,
}

impl Keyring {
    /// An empty one, of a new device.
    ///
    /// # Errors
    /// [`Error::Generator`].
    pub fn new(rng: &mut impl TryCryptoRng) -> Result<Self, Error> {
        DeviceId::random(rng).map(Self::of_device)
    }

    fn of_device(device: DeviceId) -> Self {
        Self {
            device,
            known: Known::default(),
            entries: BTreeSet::new(),
            fresh: BTreeSet::new(),
            rooms: BTreeMap::new(),
            identities: BTreeMap::new(),
            transitions: BTreeMap::new(),
        }
    }

    /// For several changes of which all are made or none. Not `Clone`: two that write are two devices.
    pub(crate) fn copy(&self) -> Self {
        Self {
            device: self.device,
            known: self.known.clone(),
            entries: self.entries.clone(),
            fresh: self.fresh.clone(),
            rooms: self.rooms.clone(),
            identities: self.identities.clone(),
            transitions: self.transitions.clone(),
        }
    }

    /// What two devices wrote without knowing of each other, and nobody settled yet. [KRG-05]
    #[must_use]
    pub fn conflicts(&self) -> Vec<Conflict> {
        let mut found = Vec::new();
        let mut last: Option<Register<'_>> = None;
        for register in self.entries.iter().filter_map(Register::of) {
            let same = last.as_ref().is_some_and(|last| last.slot == register.slot);
            let other = last.as_ref().is_some_and(|last| last.value != register.value);
            let conflict = register.slot.conflict();
            if same && other && found.last() != Some(&conflict) {
                found.push(conflict);
            }
            last = Some(register);
        }
        found
    }

    /// Takes an entry in that was indexed; tells whether it is new. [KRG-04]
    fn insert(&mut self, entry: Entry) -> bool {
        if let Some(register) = Register::of(&entry) {
            // One slot's are all of one clock.
            let clock = self.registers(&register.slot).next().map(|held| held.clock);
            if clock.is_some_and(|clock| clock > register.clock) {
                return false;
            }
            if clock.is_some_and(|clock| clock < register.clock) {
                let older: Vec<Entry> = self.entries.range(register.slot.range()).cloned().collect();
                for held in &older {
                    self.entries.remove(held);
                    self.fresh.remove(held);
                }
            }
        }
        self.entries.insert(entry)
    }

    /// What was written to a slot at its greatest clock, ascending by device.
    fn registers<'s>(&'s self, slot: &Slot<'s>) -> impl DoubleEndedIterator<Item = Register<'s>> {
        let slot = *slot;
        let found = self.entries.range(slot.range()).filter_map(Register::of);
        found.filter(move |held| held.slot == slot)
    }

    /// The value of a slot. [KRG-05]
    fn value<'s>(&'s self, slot: &Slot<'s>) -> Option<&'s [u8]> {
        self.registers(slot).next_back().map(|register| register.value)
    }

    /// Writes a slot, if its value is another one or in conflict.
    fn write(&mut self, slot: &Slot<'_>, value: &[u8]) -> Result<(), Error> {
        let mut held = self.registers(slot);
        let (first, clock) = held.next().map_or((None, 0), |first| (Some(first.value), first.clock));
        if first == Some(value) && held.all(|other| other.value == value) {
            return Ok(());
        }
        drop(held);
        let clock = clock.checked_add(1).ok_or(Error::Limit { limit: "clock" })?;
        self.add(Entry::register(slot, clock, &self.device, value))
    }

    /// Takes in what this device found, for its next segment.
    fn add(&mut self, entry: Entry) -> Result<(), Error> {
        if !self.entries.contains(&entry) {
            entry.index(&mut self.rooms, &mut self.identities, &mut self.transitions)?;
            self.insert(entry.clone());
            self.fresh.insert(entry);
        }
        Ok(())
    }
}

impl Directory for Keyring {
    fn identity(&self, fingerprint: &Fingerprint) -> Option<&PublicIdentity> {
        self.identities.get(fingerprint)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("device", &self.device)
            .field("entries", &self.entries.len())
            .field("rooms", &self.rooms.len())
            .finish_non_exhaustive()
    }
}
