//! Which messages were seen. SPEC §19.4.

use crate::epoch::{DeviceId, Freshness, ReplayWindow, SEEN_ID_LEN};
use crate::public_identity::Fingerprint;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;

/// Devices that are kept of one sender. [RMSG-08]
pub(super) const MAX_DEVICES: usize = 32;

/// What was seen of one device.
#[derive(Clone)]
pub(super) struct Seen {
    /// When it last moved, on the room's own count.
    pub(super) used: u64,
    pub(super) window: Box<ReplayWindow>,
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
        let key = (*sender, device);
        if !self.devices.contains_key(&key) {
            self.make_place(sender);
        }
        let seen = self.devices.entry(key).or_insert_with(|| Seen { used: 0, window: Box::default() });
        let freshness = seen.window.note(sequence, id);
        if matches!(freshness, Freshness::Fresh { .. }) {
            self.used = self.used.saturating_add(1);
            seen.used = self.used;
        }
        freshness
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
