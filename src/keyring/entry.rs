//! The entries of a keyring, and their one order. SPEC §20.2.

use super::Conflict;
use crate::epoch::{DeviceId, RoomId, Transcript};
use crate::error::Error;
use crate::identity::Transition;
use crate::labels::FINGERPRINT_LEN;
use crate::public_identity::{Fingerprint, PublicIdentity};
use crate::room::KeptEpoch;
use crate::wire::{Reader as Wire, push_length};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::RangeInclusive;
use zeroize::Zeroizing;

const EPOCH: u8 = 1;
const IDENTITY: u8 = 2;
const TRANSITION: u8 = 3;
const REGISTER: u8 = 4;

const HEAD: u8 = 1;
const KEPT: u8 = 2;
const CONTACT: u8 = 3;
const VERIFIED: u8 = 4;

/// What a room's epochs begin with: creator and creation nonce.
pub(super) type RoomOrigin = [u8; 48];

/// One entry: it may hold keys. Its order is that of the wire.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: u8,
    pub(super) content: Zeroizing<Vec<u8>>,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.kind, &**self.content).cmp(&(other.kind, &**other.content))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Entry {
    fn new(kind: u8, content: &[u8]) -> Self {
        Self { kind, content: Zeroizing::new(content.to_vec()) }
    }

    pub(super) fn epoch(content: Zeroizing<Vec<u8>>) -> Self {
        Self { kind: EPOCH, content }
    }

    pub(super) fn identity(identity: &PublicIdentity) -> Self {
        Self::new(IDENTITY, &identity.to_bytes())
    }

    pub(super) fn transition(transition: &Transition) -> Result<Self, Error> {
        Ok(Self::new(TRANSITION, &transition.to_bytes()?))
    }

    pub(super) fn register(slot: &Slot<'_>, clock: u64, device: &DeviceId, value: &[u8]) -> Self {
        let mut content = Vec::with_capacity(slot.name.len().saturating_add(value.len()).saturating_add(32));
        slot.encode(&mut content);
        content.extend_from_slice(&clock.to_be_bytes());
        content.extend_from_slice(device.as_bytes());
        push_length(&mut content, value.len());
        content.extend_from_slice(value);
        Self { kind: REGISTER, content: Zeroizing::new(content) }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind);
        push_length(out, self.content.len());
        out.extend_from_slice(&self.content);
    }

    /// [KRG-02] [KRG-03]
    pub(super) fn decode(wire: &mut Wire<'_>) -> Result<Self, Error> {
        let (kind, content) = (wire.u8("entry")?, wire.vector("entry")?);
        match kind {
            EPOCH => KeptEpoch::check(content)?,
            REGISTER => Register::decode(content)?.check()?,
            // Identities and transitions are decoded when they are indexed; of other kinds nothing is known.
            _ => {}
        }
        Ok(Self::new(kind, content))
    }

    /// The epochs of a room, ascending by their number.
    pub(super) fn epochs_of(origin: &RoomOrigin) -> RangeInclusive<Self> {
        // Number, previous transcript, and a policy, which is never 0xff.
        let end = [&origin[..], &[0xff; 41]].concat();
        Self::new(EPOCH, origin)..=Self::new(EPOCH, &end)
    }

    /// Notes what it is found by.
    pub(super) fn index(
        &self,
        rooms: &mut BTreeMap<RoomId, RoomOrigin>,
        identities: &mut BTreeMap<Fingerprint, PublicIdentity>,
        transitions: &mut BTreeMap<Fingerprint, Vec<Transition>>,
    ) -> Result<(), Error> {
        match self.kind {
            EPOCH => {
                let (id, origin) = KeptEpoch::origin(&self.content)?;
                rooms.insert(id, origin);
            }
            IDENTITY => {
                keep(identities, PublicIdentity::from_bytes(&self.content)?);
            }
            TRANSITION => {
                let transition = Transition::from_bytes(&self.content)?;
                transitions.entry(*transition.old_fingerprint()).or_default().push(transition);
            }
            _ => {}
        }
        Ok(())
    }
}

/// One identity may be there several times, with other signatures: whatever the order, the greatest is taken. SPEC §20.3
pub(super) fn keep(identities: &mut BTreeMap<Fingerprint, PublicIdentity>, identity: PublicIdentity) {
    let held = identities.entry(*identity.fingerprint()).or_insert_with(|| identity.clone());
    if held.to_bytes() < identity.to_bytes() {
        *held = identity;
    }
}

/// What a register is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot<'a> {
    number: u8,
    name: &'a [u8],
}

impl<'a> Slot<'a> {
    pub(super) const fn head(room: &'a RoomId) -> Self {
        Self { number: HEAD, name: room.as_bytes() }
    }

    pub(super) const fn kept(room: &'a RoomId) -> Self {
        Self { number: KEPT, name: room.as_bytes() }
    }

    pub(super) const fn contact(name: &'a [u8]) -> Self {
        Self { number: CONTACT, name }
    }

    pub(super) const fn verified(fingerprint: &'a Fingerprint) -> Self {
        Self { number: VERIFIED, name: fingerprint.as_bytes() }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.number);
        push_length(out, self.name.len());
        out.extend_from_slice(self.name);
    }

    /// What is written to it, ascending by clock and device. No other slot has the same start.
    pub(super) fn range(&self) -> RangeInclusive<Entry> {
        let mut start = Vec::with_capacity(self.name.len().saturating_add(16));
        self.encode(&mut start);
        let mut end = start.clone();
        end.extend_from_slice(&[0xff; 17]);
        Entry::new(REGISTER, &start)..=Entry::new(REGISTER, &end)
    }

    pub(super) fn conflict(&self) -> Conflict {
        let room = || self.name.try_into().ok().map(RoomId::from_bytes);
        let found = match self.number {
            HEAD => room().map(Conflict::Head),
            KEPT => room().map(Conflict::Kept),
            CONTACT => Some(Conflict::Contact(self.name.to_vec())),
            VERIFIED => self.name.try_into().ok().map(Fingerprint::from_bytes).map(Conflict::Verified),
            _ => None,
        };
        found.unwrap_or(Conflict::Unknown)
    }

    /// The contact's name, if it is about one.
    pub(super) fn contact_name(&self) -> Option<&'a [u8]> {
        (self.number == CONTACT).then_some(self.name)
    }
}

/// Something that a device wrote and another may write anew.
#[derive(Clone, Copy, Debug)]
pub(super) struct Register<'a> {
    pub(super) slot: Slot<'a>,
    pub(super) clock: u64,
    pub(super) value: &'a [u8],
}

impl<'a> Register<'a> {
    pub(super) fn of(entry: &'a Entry) -> Option<Self> {
        if entry.kind == REGISTER { Self::decode(&entry.content).ok() } else { None }
    }

    fn decode(content: &'a [u8]) -> Result<Self, Error> {
        let mut wire = Wire::new(content);
        let slot = Slot { number: wire.u8("register")?, name: wire.vector("name")? };
        let clock = wire.u64("clock")?;
        wire.array::<{ DeviceId::LEN }>("device")?;
        let value = wire.vector("value")?;
        wire.finish("register")?;
        if clock == 0 {
            return Err(Error::Malformed { field: "clock" });
        }
        Ok(Self { slot, clock, value })
    }

    /// [KRG-02]
    fn check(&self) -> Result<(), Error> {
        let one_of_two = matches!(self.value, [1 | 2]);
        let fits = match (self.slot.number, self.slot.name.len()) {
            (HEAD, RoomId::LEN) => self.value.len() == Transcript::LEN,
            (KEPT, RoomId::LEN) => one_of_two,
            (CONTACT, 1..=255) => self.value.is_empty() || self.value.len() == FINGERPRINT_LEN,
            (VERIFIED, FINGERPRINT_LEN) => one_of_two,
            (HEAD | KEPT | CONTACT | VERIFIED, _) => false,
            // [KRG-03]
            _ => true,
        };
        if fits { Ok(()) } else { Err(Error::Malformed { field: "register" }) }
    }
}
