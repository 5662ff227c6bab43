//! A room as a device stores it. SPEC §18.9.

use super::replay::{Guard, MAX_DEVICES, Seen};
use super::{Epochs, NO_HEAD, Room};
use crate::envelope::{ContentType, Envelope, Limits, Locked, Padding, Recipient};
use crate::epoch::{
    Branch, DeviceId, Held, ReplayWindow, RoomEpoch, SEEN_ID_LEN, StoredKey, Transcript, WINDOW, refused,
};
use crate::error::Error;
use crate::keys::SymmetricKey;
use crate::labels::{FINGERPRINT_LEN, KEY_LEN};
use crate::public_identity::Fingerprint;
use crate::wire::{Reader as Wire, VECTOR_MAX, push_length};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

/// Bytes of a message that was seen: sequence, start of the id.
const SEEN_LEN: usize = 8 + SEEN_ID_LEN;

impl Room {
    /// Seals the room for this device to store, under a key that only this device holds. SPEC §18.9
    ///
    /// Save after a package was applied and before anything is sealed in the new epoch; after a message was sealed and
    /// before it is sent; after messages were opened.
    ///
    /// # Errors
    /// [`Error::Limit`] for a room of more than 2^30 bytes; [`Error::Generator`].
    pub fn save(&self, key: &SymmetricKey, rng: &mut impl TryCryptoRng) -> Result<Vec<u8>, Error> {
        let content = self.encode();
        if content.len() > VECTOR_MAX {
            return Err(Error::Limit { limit: "bytes of a stored room" });
        }
        let to = [Recipient::symmetric(key)];
        Envelope::to(&to).padding(Padding::Padme).seal_as(ContentType::RoomState, &content, rng)
    }

    /// Loads what [`save`](Self::save) sealed. An older state may be loaded and gone on from: readers see that message
    /// numbers repeat, and nothing else comes of it. SPEC §18.9 [ROOM-26]
    ///
    /// # Errors
    /// The errors of decoding; [`Error::Decrypt`] for another key or a changed byte; [`Error::Room`] for a content that no
    /// room has.
    pub fn load(state: &[u8], key: &SymmetricKey) -> Result<Self, Error> {
        let locked = Locked::decode(state, &Limits::default())?;
        locked.require(ContentType::RoomState)?;
        let header = locked.header();
        if header.signature.is_some() || !header.padded || !header.public_data.is_empty() {
            return Err(Error::Malformed { field: "room state" });
        }
        let opened = locked.unlock_symmetric(key)?.open_any(locked.payload())?;
        let content = Zeroizing::new(opened.unverified());
        Self::decode_state(&content).map_err(|_| refused("ROOM-26"))
    }

    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let one_len = |held: &Held| held.body.encoded_len().saturating_add(4 * KEY_LEN);
        let epochs_len = self.epochs.values().fold(0_usize, |len, held| len.saturating_add(one_len(held)));
        let mut epochs = Zeroizing::new(Vec::with_capacity(epochs_len));
        for held in self.epochs.values() {
            epochs.extend_from_slice(held.signer.as_bytes());
            epochs.push(match held.branch {
                Branch::Own => 1,
                Branch::Evidence => 2,
            });
            held.body.encode(&mut epochs);
            epochs.extend_from_slice(&held.commitment);
            held.encode_key(&mut epochs);
        }
        let mut devices = Vec::new();
        for ((sender, device), seen) in &self.guard.devices {
            devices.extend_from_slice(sender.as_bytes());
            devices.extend_from_slice(device.as_bytes());
            devices.extend_from_slice(&seen.used.to_be_bytes());
            push_length(&mut devices, seen.window.messages().len().saturating_mul(SEEN_LEN));
            for (sequence, id) in seen.window.messages() {
                devices.extend_from_slice(&sequence.to_be_bytes());
                devices.extend_from_slice(id);
            }
        }
        let mine_len = self.mine.len().saturating_mul(FINGERPRINT_LEN);
        let len = [epochs.len(), devices.len(), mine_len].into_iter().fold(128_usize, usize::saturating_add);
        let mut out = Zeroizing::new(Vec::with_capacity(len));
        push_length(&mut out, mine_len);
        self.mine.iter().for_each(|mine| out.extend_from_slice(mine.as_bytes()));
        out.extend_from_slice(self.device.as_bytes());
        out.extend_from_slice(&self.next_sequence.to_be_bytes());
        out.push(if self.confirmed { 1 } else { 2 });
        out.extend_from_slice(&self.behind.to_be_bytes());
        out.extend_from_slice(self.head.1.as_bytes());
        push_length(&mut out, epochs.len());
        out.extend_from_slice(&epochs);
        out.extend_from_slice(&self.guard.used.to_be_bytes());
        push_length(&mut out, devices.len());
        out.extend_from_slice(&devices);
        out
    }

    /// [ROOM-26]
    pub(crate) fn decode_state(bytes: &[u8]) -> Result<Self, Error> {
        let field = "room state";
        let no = Error::Malformed { field };
        let mut wire = Wire::new(bytes);
        let (mine, rest) = wire.vector("mine")?.as_chunks::<FINGERPRINT_LEN>();
        let mine: Vec<_> = mine.iter().copied().map(Fingerprint::from_bytes).collect();
        let twice =
            mine.iter().enumerate().any(|(at, one)| mine.iter().skip(at.saturating_add(1)).any(|other| one == other));
        if !rest.is_empty() || twice {
            return Err(no);
        }
        let device = DeviceId::from_bytes(*wire.array("device")?);
        let next_sequence = wire.u64("next_sequence")?;
        let confirmed = match wire.u8("standing")? {
            1 => true,
            2 => false,
            _ => return Err(no),
        };
        let behind = wire.u64("behind")?;
        let head = Transcript(*wire.array("head")?);
        let epochs = decode_epochs(wire.vector("epochs")?)?;
        let used = wire.u64("used")?;
        let devices = decode_devices(wire.vector("devices")?)?;
        wire.finish(field)?;

        let held = epochs.values().find(|held| held.transcript == head).ok_or(no)?;
        let (id, history) = (held.body.room_id(), held.body.history);
        let me = mine.iter().rev().find(|mine| held.body.has(mine)).copied().ok_or(no)?;
        let sound = held.secret.is_some()
            && epochs.values().all(|held| held.body.room_id() == id && held.body.history == history);
        if !sound {
            return Err(no);
        }
        let head = held.key();
        let guard = Guard { used, devices };
        let mut room =
            Self { id, mine, me, device, next_sequence, confirmed, behind, head, epochs, unyielding: NO_HEAD, guard };
        let is_reached = behind > 0 && behind <= room.unyielding();
        let is_own = room.own_branch().map(|held| held.key()).eq(room.path_to(head));
        if is_own && !is_reached { Ok(room) } else { Err(no) }
    }
}

fn decode_epochs(bytes: &[u8]) -> Result<Epochs, Error> {
    let no = Error::Malformed { field: "epochs" };
    let mut wire = Wire::new(bytes);
    let mut epochs = Epochs::default();
    while wire.remaining() > 0 {
        let signer = Fingerprint::from_bytes(*wire.array("signer")?);
        let branch = match wire.u8("branch")? {
            1 => Branch::Own,
            2 => Branch::Evidence,
            _ => return Err(no),
        };
        let body = RoomEpoch::decode(&mut wire)?.share();
        let commitment = *wire.array("commitment")?;
        let held = Held::stored(signer, body, commitment, StoredKey::decode(&mut wire)?)?;
        if epochs.last_key_value().is_some_and(|(last, _)| *last >= held.key()) {
            return Err(no);
        }
        epochs.insert(Box::new(Held { branch, ..held }));
    }
    Ok(epochs)
}

fn decode_devices(bytes: &[u8]) -> Result<BTreeMap<(Fingerprint, DeviceId), Seen>, Error> {
    let no = Error::Malformed { field: "devices" };
    let mut wire = Wire::new(bytes);
    let mut devices = BTreeMap::new();
    let mut of_sender = 0_usize;
    while wire.remaining() > 0 {
        let key = (Fingerprint::from_bytes(*wire.array("sender")?), DeviceId::from_bytes(*wire.array("device")?));
        let used = wire.u64("used")?;
        let (seen, rest) = wire.vector("seen")?.as_chunks::<SEEN_LEN>();
        if !rest.is_empty() || seen.is_empty() || seen.len() > WINDOW {
            return Err(no);
        }
        let mut window = Box::<ReplayWindow>::default();
        for bytes in seen {
            let mut fields = Wire::new(bytes);
            let (sequence, id) = (fields.u64("sequence")?, fields.array("id")?);
            let last = window.messages().last().map(|(last, _)| *last);
            if last.is_some_and(|last| last >= sequence) {
                return Err(no);
            }
            window.note(sequence, id);
        }
        let last = devices.last_key_value().map(|(last, _): (&(Fingerprint, DeviceId), &Seen)| *last);
        of_sender = if last.is_some_and(|last| last.0 == key.0) { of_sender.saturating_add(1) } else { 1 };
        if last.is_some_and(|last| last >= key) || of_sender > MAX_DEVICES {
            return Err(no);
        }
        devices.insert(key, Seen { used, window });
    }
    Ok(devices)
}
