//! Which messages were seen. SPEC §19.4.

use super::message::DeviceId;
use crate::public_identity::Fingerprint;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Sequences that are kept of one device. [RMSG-07]
pub(super) const WINDOW: usize = 64;
/// Devices that are kept of one sender. [RMSG-08]
pub(super) const MAX_DEVICES: usize = 32;
/// Bytes that are kept of a message's id.
pub(super) const SEEN_ID_LEN: usize = 16;

/// Whether a message was seen before. SPEC §19.4
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Freshness {
    /// Not before.
    Fresh {
        /// How many of the device's messages, right before this one, were not seen yet.
        skipped: u64,
    },
    /// The very same message: show nothing twice.
    Duplicate,
    /// Another message had this number: the device went on from an older state, or is a copy of another.
    SequenceReused,
    /// Older than all that is remembered: it may have been seen or not.
    TooOld,
}

/// What was seen of one device.
#[derive(Clone)]
pub(super) struct Seen {
    /// When it last moved, on the room's own count.
    pub(super) used: u64,
    /// Ascending sequences with the starts of their ids, at most [`WINDOW`]; never reallocated.
    pub(super) messages: Vec<(u64, [u8; SEEN_ID_LEN])>,
}

/// The replay guard of a room.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) used: u64,
    pub(super) devices: BTreeMap<(Fingerprint, DeviceId), Seen>,
}

impl Guard {
    pub(super) const fn new() -> Self {
        Self { used: 0, devices: BTreeMap::new() }
    }

    /// Answers for a message that was verified, and notes it if it is fresh. [RMSG-07] [RMSG-08]
    pub(super) fn observe(
        &mut self,
        sender: &Fingerprint,
        device: DeviceId,
        sequence: u64,
        id: &[u8; SEEN_ID_LEN],
    ) -> Freshness {
        let id = *id;
        let key = (*sender, device);
        let Some(seen) = self.devices.get_mut(&key) else {
            self.make_place(sender);
            self.used = self.used.saturating_add(1);
            let mut messages = Vec::with_capacity(WINDOW);
            messages.push((sequence, id));
            self.devices.insert(key, Seen { used: self.used, messages });
            return Freshness::Fresh { skipped: 0 };
        };
        let place = match seen.messages.binary_search_by_key(&sequence, |(sequence, _)| *sequence) {
            Ok(place) if seen.messages.get(place).is_some_and(|(_, known)| *known == id) => {
                return Freshness::Duplicate;
            }
            Ok(_) => return Freshness::SequenceReused,
            Err(place) => place,
        };
        let full = seen.messages.len() >= WINDOW;
        if full && place == 0 {
            return Freshness::TooOld;
        }
        let skipped = match seen.messages.last() {
            Some((greatest, _)) if *greatest < sequence => sequence.saturating_sub(*greatest).saturating_sub(1),
            _ => 0,
        };
        let place = if full {
            seen.messages.remove(0);
            place.saturating_sub(1)
        } else {
            place
        };
        seen.messages.insert(place, (sequence, id));
        self.used = self.used.saturating_add(1);
        seen.used = self.used;
        Freshness::Fresh { skipped }
    }

    /// Forgets the device of `sender` that was silent for longest, if there are as many as are kept.
    fn make_place(&mut self, sender: &Fingerprint) {
        let (first, last) = (DeviceId::from_bytes([0; DeviceId::LEN]), DeviceId::from_bytes([0xff; DeviceId::LEN]));
        let devices = || self.devices.range((*sender, first)..=(*sender, last));
        if devices().count() < MAX_DEVICES {
            return;
        }
        if let Some((key, _)) = devices().min_by_key(|(_, seen)| seen.used) {
            let key = *key;
            self.devices.remove(&key);
        }
    }
}
