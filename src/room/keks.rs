//! By which keys the additions of a batch open. SPEC §18.3, §21.

use super::{Key, Room};
use crate::envelope::Unlocked;
use crate::epoch::{Decoded, Held};
use crate::keys::SymmetricKey;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// The keys of epochs by their ids: who makes many additions after many epochs of one number must not cost their product.
#[derive(Default)]
pub(super) struct Keks {
    held: BTreeMap<u64, OfNumber>,
    /// Of what the room only reads, by number and id.
    read: BTreeMap<(u64, [u8; 16]), SymmetricKey>,
}

#[derive(Default)]
struct OfNumber {
    /// Those that were looked at, ascending.
    epochs: Vec<Key>,
    by_id: BTreeMap<[u8; 16], Key>,
}

impl Keks {
    /// By the symmetric stanza of an addition, under the parent's key.
    pub(super) fn unlock(&mut self, decoded: &Decoded<'_>, room: &Room) -> Option<Unlocked> {
        let ids = decoded.symmetric_ids();
        let number = decoded.epoch.checked_sub(1).filter(|_| !ids.is_empty())?;
        let with_secret = || room.epochs.numbered(number).filter(|held| held.secret.is_some());
        let of_number = self.held.entry(number).or_default();
        if !with_secret().map(|held| held.key()).eq(of_number.epochs.iter().copied()) {
            for held in with_secret().filter(|held| of_number.epochs.binary_search(&held.key()).is_err()) {
                of_number.by_id.extend(id(held).map(|id| (id, held.key())));
            }
            of_number.epochs = with_secret().map(|held| held.key()).collect();
        }
        // One that is not held any more is left there, and not found.
        let by_held = |id| decoded.unlock_by(room.epochs.get(of_number.by_id.get(id)?)?);
        ids.iter()
            .find_map(|id| by_held(id).or_else(|| decoded.locked.unlock_symmetric(self.read.get(&(number, *id))?).ok()))
    }

    /// For additions after an epoch whose secret goes.
    pub(super) fn keep(&mut self, held: &Held) {
        if let (Some(Ok(kek)), Some(id)) = (held.epoch_kek(), id(held)) {
            self.read.insert((held.body.epoch, id), kek);
        }
    }
}

fn id(held: &Held) -> Option<[u8; 16]> {
    held.epoch_kek()?.ok()?.key_id().ok()
}
