//! Segments: what devices upload and merge, and what is missing of them. SPEC §20.1, §20.4.

use super::Keyring;
use super::entry::{Entry, keep};
use crate::envelope::{ContentType, Envelope, Limits, Locked, Padding, Recipient, Stanza};
use crate::epoch::DeviceId;
use crate::error::Error;
use crate::identity::Transition;
use crate::keys::SymmetricKey;
use crate::public_identity::Fingerprint;
use crate::wire::{Reader as Wire, VECTOR_MAX, push_length};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

const WHOLE: u8 = 1;
const PART: u8 = 2;

/// Which segments a keyring has merged.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// This device's last.
    own: u64,
    devices: BTreeMap<DeviceId, Seen>,
}

/// Of one other device.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// Seen from the first up to this one, without a gap.
    up_to: u64,
    /// Seen beyond a gap.
    beyond: BTreeSet<u64>,
    /// The greatest that is known to be there.
    greatest: u64,
}

impl Seen {
    fn take(&mut self, first: u64, last: u64) {
        self.greatest = self.greatest.max(last);
        if first <= self.up_to.saturating_add(1) {
            self.up_to = self.up_to.max(last);
        } else {
            // A single one: a whole segment covers from the first.
            self.beyond.insert(last);
        }
        // Only what is taken away is looked at: a server can give them from the last back.
        while let Some(next) = self.beyond.first().copied().filter(|next| *next <= self.up_to.saturating_add(1)) {
            self.beyond.pop_first();
            self.up_to = self.up_to.max(next);
        }
    }
}

/// What became of a segment that was merged. Keep it for [`Keyring::lacking`]. SPEC §20.4
#[derive(Clone, Debug)]
pub struct Merged {
    /// Whose revisions, from which to which: its own first.
    covers: Vec<(DeviceId, u64, u64)>,
    pub(crate) whole: bool,
    changed: Vec<Vec<u8>>,
}

impl Merged {
    /// The contacts' names that are given up since, or pinned to another identity, to which no known transitions lead from the
    /// one before: to be shown as a changed key. Another device did so, on whatever word. [KRG-11]
    #[must_use]
    pub fn changed_contacts(&self) -> &[Vec<u8>] {
        &self.changed
    }

    /// Whether the server can drop the other segment, since this one is a later, whole one that covers it. SPEC §20.1
    ///
    /// A segment of one's own is merged to find out.
    #[must_use]
    pub fn replaces(&self, other: &Self) -> bool {
        let of = by_device(core::slice::from_ref(self));
        let holds = |(device, first, last): &(DeviceId, u64, u64)| {
            of.get(device).is_some_and(|covers| covers.iter().any(|(from, to)| from <= first && last <= to))
        };
        self.whole && self.covers.first() != other.covers.first() && other.covers.iter().all(holds)
    }
}

/// What segments cover, from which revision to which.
fn by_device(given: &[Merged]) -> BTreeMap<DeviceId, Vec<(u64, u64)>> {
    let mut of: BTreeMap<DeviceId, Vec<(u64, u64)>> = BTreeMap::new();
    for (device, first, last) in given.iter().flat_map(|given| &given.covers) {
        of.entry(*device).or_default().push((*first, *last));
    }
    of
}

/// Segments that are known to be there, and were not given. SPEC §20.4 [KRG-06]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lacking {
    /// Whose.
    pub device: DeviceId,
    /// The first revision that is missing.
    pub first: u64,
    /// The last one, up to the next that is there.
    pub last: u64,
}

impl Keyring {
    /// Whether a [part](Self::part) would hold anything.
    #[must_use]
    pub fn has_news(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Seals what this device found since its segment before: to be uploaded, after the keyring was
    /// [stored](Self::save). After a start, [merge](Self::merge) what the server has first. SPEC §20.1
    ///
    /// # Errors
    /// [`Error::Limit`] over 2^30 bytes; [`Error::Generator`]. Then nothing has changed.
    pub fn part(&mut self, key: &SymmetricKey, rng: &mut impl TryCryptoRng) -> Result<Vec<u8>, Error> {
        self.segment(PART, key, rng)
    }

    /// Seals all of it: to be uploaded in the place of all segments that this keyring has merged, after it was
    /// [stored](Self::save). SPEC §20.1
    ///
    /// # Errors
    /// As [`part`](Self::part).
    pub fn whole(&mut self, key: &SymmetricKey, rng: &mut impl TryCryptoRng) -> Result<Vec<u8>, Error> {
        self.segment(WHOLE, key, rng)
    }

    fn segment(&mut self, kind: u8, key: &SymmetricKey, rng: &mut impl TryCryptoRng) -> Result<Vec<u8>, Error> {
        let revision = self.known.own.checked_add(1).ok_or(Error::Limit { limit: "revisions" })?;
        let entries = if kind == WHOLE { &self.entries } else { &self.fresh };
        let content = self.encode(revision, kind, entries)?;
        let sealed = seal(ContentType::Keyring, &content, key, rng)?;
        self.known.own = revision;
        self.fresh.clear();
        Ok(sealed)
    }

    fn encode(&self, revision: u64, kind: u8, entries: &BTreeSet<Entry>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let seen = self.known.devices.iter().filter(|(_, merged)| merged.up_to > 0);
        let seen: Vec<u8> = seen.flat_map(|(device, merged)| encode_revision(device, merged.up_to)).collect();
        let list = encode_entries(entries)?;
        let len = seen.len().saturating_add(list.len()).saturating_add(32);
        let mut out = Zeroizing::new(Vec::with_capacity(len));
        out.extend(encode_revision(&self.device, revision));
        out.push(kind);
        push_length(&mut out, seen.len());
        out.extend_from_slice(&seen);
        push_length(&mut out, list.len());
        out.extend_from_slice(&list);
        Ok(out)
    }

    /// Merges a segment of this person's devices, whichever and in whatever order; tells what it covers. SPEC §20.3
    ///
    /// `keys`: the keyring key of the latest generation, and those of earlier ones as long as it lacks a whole segment: who
    /// holds an earlier one, a thief say, could write.
    ///
    /// # Errors
    /// The errors of decoding; [`Error::Decrypt`] if it is another person's, or changed; [`Error::Generator`]. Then nothing
    /// was merged. [KRG-01]
    pub fn merge(
        &mut self,
        segment: &[u8],
        keys: &[&SymmetricKey],
        rng: &mut impl TryCryptoRng,
    ) -> Result<Merged, Error> {
        let content = open(ContentType::Keyring, segment, keys)?;
        let Segment { device, revision, kind, seen, entries } = Segment::decode(&content)?;
        let ahead = |(of, last): &(DeviceId, u64)| *of == self.device && *last > self.known.own;
        let other =
            if [(device, revision)].iter().chain(&seen).any(ahead) { Some(DeviceId::random(rng)?) } else { None };
        let pins = self.pins_of(&entries);
        self.take(entries)?;
        let changed = self.changed_since(pins);
        if let Some(other) = other {
            self.become_another(other);
        }
        let whole = kind == WHOLE;
        let mut covers = alloc::vec![(device, if whole { 1 } else { revision }, revision)];
        for (other, up_to) in seen {
            if whole {
                covers.push((other, 1, up_to));
            } else {
                self.note(&other, up_to);
            }
        }
        for (device, first, last) in &covers {
            if *device != self.device {
                self.known.devices.entry(*device).or_default().take(*first, *last);
            }
        }
        Ok(Merged { covers, whole, changed })
    }

    /// An older state of this device has come back, or a copy of it writes too: numbers were taken that it does not know.
    /// It goes on as another device, which has uploaded nothing. [KRG-10]
    fn become_another(&mut self, other: DeviceId) {
        let own = core::mem::take(&mut self.known.own);
        let old = core::mem::replace(&mut self.device, other);
        self.known.devices.insert(old, Seen { up_to: own, beyond: BTreeSet::new(), greatest: own });
        self.fresh = self.entries.clone();
    }

    /// All entries, encoded, for tests.
    #[cfg(feature = "hazmat")]
    pub(crate) fn entries(&self) -> Vec<u8> {
        encode_entries(&self.entries).map(|entries| entries.to_vec()).unwrap_or_default()
    }

    fn note(&mut self, device: &DeviceId, revision: u64) {
        if *device != self.device {
            let merged = self.known.devices.entry(*device).or_default();
            merged.greatest = merged.greatest.max(revision);
        }
    }

    /// Takes all entries in, or none.
    fn take(&mut self, entries: Vec<Entry>) -> Result<(), Error> {
        let mut transitions: BTreeMap<Fingerprint, Vec<Transition>> = BTreeMap::new();
        let (mut rooms, mut identities) = (BTreeMap::new(), BTreeMap::new());
        for entry in entries.iter().filter(|entry| !self.entries.contains(entry)) {
            entry.index(&mut rooms, &mut identities, &mut transitions)?;
        }
        self.rooms.extend(rooms);
        identities.into_values().for_each(|identity| keep(&mut self.identities, identity));
        for (old, more) in transitions {
            self.transitions.entry(old).or_default().extend(more);
        }
        for entry in entries {
            self.insert(entry);
        }
        Ok(())
    }

    /// Of all segments that this keyring knows of, those that `given` do not cover: `given` is what merging all that the
    /// server has said. Of this device's own, those that were not uploaded yet are among them. Anything else the server rolled back, or keeps back. SPEC §20.4 [KRG-06]
    #[must_use]
    pub fn lacking(&self, given: &[Merged]) -> Vec<Lacking> {
        let own = (&self.device, self.known.own);
        let others = self.known.devices.iter().map(|(device, merged)| (device, merged.greatest));
        let (mut lacking, mut of) = (Vec::new(), by_device(given));
        for (device, greatest) in others.chain([own]) {
            let mut covered = of.remove(device).unwrap_or_default();
            covered.sort_unstable();
            let mut next = 1_u64;
            for (first, last) in covered.into_iter().chain([(greatest.saturating_add(1), greatest)]) {
                if first > next && next <= greatest {
                    lacking.push(Lacking { device: *device, first: next, last: first.saturating_sub(1).min(greatest) });
                }
                next = next.max(last.saturating_add(1));
            }
        }
        lacking.sort_unstable_by_key(|lacking| (lacking.device, lacking.first));
        lacking
    }

    /// Seals the keyring for this device to store, under a key that only this device holds. Before a segment is uploaded.
    ///
    /// # Errors
    /// [`Error::Limit`] over 2^30 bytes; [`Error::Generator`].
    pub fn save(&self, key: &SymmetricKey, rng: &mut impl TryCryptoRng) -> Result<Vec<u8>, Error> {
        let whole = self.encode(self.known.own, WHOLE, &self.entries)?;
        let fresh = encode_entries(&self.fresh)?;
        let known: Vec<u8> =
            self.known.devices.iter().flat_map(|(device, merged)| encode_revision(device, merged.greatest)).collect();
        let len = whole.len().saturating_add(fresh.len()).saturating_add(known.len()).saturating_add(16);
        let mut content = Zeroizing::new(Vec::with_capacity(len));
        for part in [&whole[..], &fresh, &known] {
            push_length(&mut content, part.len());
            content.extend_from_slice(part);
        }
        seal(ContentType::KeyringState, &content, key, rng)
    }

    /// Loads what [`save`](Self::save) sealed. SPEC §20.7 [KRG-09]
    ///
    /// # Errors
    /// The errors of decoding; [`Error::Decrypt`] for another key or a changed byte.
    pub fn load(state: &[u8], key: &SymmetricKey) -> Result<Self, Error> {
        let content = open(ContentType::KeyringState, state, &[key])?;
        let field = "keyring state";
        let mut wire = Wire::new(&content);
        let Segment { device, revision, kind, seen, entries } = Segment::decode_any(wire.vector(field)?)?;
        let fresh: BTreeSet<Entry> = decode_entries(wire.vector(field)?)?.into_iter().collect();
        let known = decode_revisions(wire.vector(field)?, &device)?;
        wire.finish(field)?;
        let mut keyring = Self::of_device(device);
        let count = entries.len();
        keyring.take(entries)?;
        keyring.known.own = revision;
        for (other, up_to) in seen {
            keyring.known.devices.entry(other).or_default().up_to = up_to;
        }
        for (other, greatest) in &known {
            keyring.known.devices.entry(*other).or_default().greatest = *greatest;
        }
        // In the one form: all that is fresh is held, no register is there that a later one replaced.
        let sound = kind == WHOLE
            && keyring.entries.len() == count
            && fresh.is_subset(&keyring.entries)
            && keyring.known.devices.len() == known.len()
            && keyring.known.devices.values().all(|merged| merged.greatest >= merged.up_to);
        keyring.fresh = fresh;
        if sound { Ok(keyring) } else { Err(Error::Malformed { field }) }
    }
}

/// [KRG-01]
fn seal(
    content_type: ContentType,
    content: &[u8],
    key: &SymmetricKey,
    rng: &mut impl TryCryptoRng,
) -> Result<Vec<u8>, Error> {
    if content.len() > VECTOR_MAX {
        return Err(Error::Limit { limit: "bytes of a keyring" });
    }
    Envelope::to(&[Recipient::symmetric(key)]).padding(Padding::Padme).seal_as(content_type, content, rng)
}

/// [KRG-01]
fn open(content_type: ContentType, envelope: &[u8], keys: &[&SymmetricKey]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let locked = Locked::decode(envelope, &Limits::default())?;
    locked.require(content_type)?;
    let header = locked.header();
    let mut stanzas = header.stanzas();
    let one = matches!((stanzas.next(), stanzas.next()), (Some(Ok(Stanza::Symmetric { .. })), None));
    if !one || header.signature.is_some() || !header.padded || !header.public_data.is_empty() {
        return Err(Error::Malformed { field: "keyring" });
    }
    let mut unlocked = keys.iter().map(|key| locked.unlock_symmetric(key));
    let unlocked = unlocked.find_map(Result::ok).ok_or(Error::Decrypt)?;
    Ok(Zeroizing::new(unlocked.open_any(locked.payload())?.unverified()))
}

/// A segment's content.
struct Segment {
    device: DeviceId,
    revision: u64,
    kind: u8,
    seen: Vec<(DeviceId, u64)>,
    entries: Vec<Entry>,
}

impl Segment {
    /// [KRG-01] [KRG-02]
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let segment = Self::decode_any(bytes)?;
        if segment.revision == 0 { Err(Error::Malformed { field: "revision" }) } else { Ok(segment) }
    }

    /// A stored one may be of a device that has uploaded nothing.
    fn decode_any(bytes: &[u8]) -> Result<Self, Error> {
        let mut wire = Wire::new(bytes);
        let (device, revision) = decode_revision(&mut wire)?;
        let kind = wire.u8("kind")?;
        let seen = decode_revisions(wire.vector("seen")?, &device)?;
        let entries = decode_entries(wire.vector("entries")?)?;
        wire.finish("segment")?;
        if !matches!(kind, WHOLE | PART) {
            return Err(Error::Malformed { field: "kind" });
        }
        Ok(Self { device, revision, kind, seen, entries })
    }
}

fn encode_revision(device: &DeviceId, revision: u64) -> impl Iterator<Item = u8> {
    device.as_bytes().iter().copied().chain(revision.to_be_bytes()).collect::<Vec<_>>().into_iter()
}

fn decode_revision(wire: &mut Wire<'_>) -> Result<(DeviceId, u64), Error> {
    Ok((DeviceId::from_bytes(*wire.array("device")?), wire.u64("revision")?))
}

/// Strictly ascending, without `own`, none 0.
fn decode_revisions(bytes: &[u8], own: &DeviceId) -> Result<Vec<(DeviceId, u64)>, Error> {
    let mut wire = Wire::new(bytes);
    let mut revisions: Vec<(DeviceId, u64)> = Vec::new();
    while wire.remaining() > 0 {
        let (device, revision) = decode_revision(&mut wire)?;
        if revisions.last().is_some_and(|(last, _)| *last >= device) || device == *own || revision == 0 {
            return Err(Error::Malformed { field: "revisions" });
        }
        revisions.push((device, revision));
    }
    Ok(revisions)
}

fn encode_entries(entries: &BTreeSet<Entry>) -> Result<Zeroizing<Vec<u8>>, Error> {
    let len = entries.iter().fold(0_usize, |len, entry| len.saturating_add(entry.content.len()).saturating_add(5));
    if len > VECTOR_MAX {
        return Err(Error::Limit { limit: "bytes of a keyring" });
    }
    // As much as it will ever hold, so that no copy with keys is left behind.
    let mut list = Zeroizing::new(Vec::with_capacity(len));
    entries.iter().for_each(|entry| entry.encode(&mut list));
    Ok(list)
}

/// Strictly ascending. [KRG-02]
fn decode_entries(bytes: &[u8]) -> Result<Vec<Entry>, Error> {
    let mut wire = Wire::new(bytes);
    let mut entries: Vec<Entry> = Vec::new();
    while wire.remaining() > 0 {
        let entry = Entry::decode(&mut wire)?;
        if entries.last().is_some_and(|last| *last >= entry) {
            return Err(Error::Malformed { field: "entries" });
        }
        entries.push(entry);
    }
    Ok(entries)
}
