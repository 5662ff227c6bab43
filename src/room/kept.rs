//! Epochs as a keyring keeps them. SPEC §20.2, §20.6.

use super::Room;
use super::epoch::{Held, Named};
use super::roster::{RoomEpoch, RoomId, Transcript, refused};
use crate::error::Error;
use crate::labels::KEY_LEN;
use crate::public_identity::Fingerprint;
use crate::secret::Secret;
use crate::wire::Reader as Wire;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

/// One epoch with its key, of a room that is not put together yet.
pub(crate) struct KeptEpoch<'a> {
    named: Named,
    has_secret: bool,
    key: &'a [u8; KEY_LEN],
}

impl<'a> KeptEpoch<'a> {
    /// All epochs that a room holds, encoded.
    pub(crate) fn all(room: &Room) -> impl Iterator<Item = Zeroizing<Vec<u8>>> {
        room.epochs.values().map(|held| {
            let mut out = Zeroizing::new(Vec::with_capacity(held.body.max_len().saturating_add(4 * KEY_LEN)));
            held.body.encode(&mut out);
            out.extend_from_slice(held.signer.as_bytes());
            out.extend_from_slice(&held.commitment);
            let (kind, key) = held.key_to_keep();
            out.push(kind);
            out.extend_from_slice(key.expose());
            out
        })
    }

    fn decode(content: &'a [u8]) -> Result<Self, Error> {
        let mut wire = Wire::new(content);
        let body = RoomEpoch::decode(&mut wire)?;
        let signer = Fingerprint::from_bytes(*wire.array("signer")?);
        let named = Named::new(signer, body, *wire.array("commitment")?);
        let has_secret = match wire.u8("kind")? {
            1 => true,
            2 => false,
            _ => return Err(Error::Malformed { field: "kind" }),
        };
        let key = wire.array("key")?;
        wire.finish("epoch")?;
        Ok(Self { named, has_secret, key })
    }

    /// [KRG-02]
    pub(crate) fn check(content: &[u8]) -> Result<(), Error> {
        KeptEpoch::decode(content).map(|_| ())
    }

    /// The room, and what every epoch of it begins with.
    pub(crate) fn origin(content: &[u8]) -> Result<(RoomId, [u8; 48]), Error> {
        let origin = *Wire::new(content).array::<48>("creator")?;
        let mut wire = Wire::new(&origin);
        let creator = Fingerprint::from_bytes(*wire.array("creator")?);
        Ok((RoomId::of(&creator, wire.array("creation_nonce")?), origin))
    }

    fn held(self) -> Result<Held, Error> {
        let mut key = Secret::zero();
        key.expose_mut().copy_from_slice(self.key);
        if self.has_secret { Held::with_secret(self.named, key) } else { Held::granted(self.named, key) }
    }

    /// A room of these epochs, unconfirmed; without a head as far as they go. [KRG-08]
    pub(crate) fn room(
        id: RoomId,
        kept: &[&[u8]],
        head: Option<&Transcript>,
        mine: &[Fingerprint],
        rng: &mut impl TryCryptoRng,
    ) -> Result<Room, Error> {
        let no = Error::Argument { what: "a room whose head is not kept" };
        let mut epochs: BTreeMap<(u64, Transcript), Held> = BTreeMap::new();
        for content in kept {
            let kept = KeptEpoch::decode(content)?;
            let key = kept.named.key();
            // A secret before what was granted, and of several the greatest: they come in ascending order.
            if kept.has_secret || epochs.get(&key).is_none_or(|held| held.secret.is_none()) {
                epochs.insert(key, kept.held()?);
            }
        }
        let fits = |held: &&Held| match head {
            Some(head) => held.transcript == *head,
            None => mine.iter().any(|mine| held.body.has(mine)),
        };
        let found = epochs.values().rev().filter(|held| held.secret.is_some()).find(fits).ok_or(no)?;
        let (head, history) = (found.key(), found.body.history);
        let me = mine.iter().rev().find(|mine| found.body.has(mine)).copied().ok_or(refused("ROOM-15"))?;
        epochs.retain(|_, held| held.body.history == history);
        let mut room = Room::on_new_device(id, mine.to_vec(), me, head, epochs, rng)?;
        room.set_head(head);
        // A device that had not come as far may have written the head last: what follows it is held, and leads on. Where
        // that cannot be the head, it stays.
        room.switch_to(&head.1).ok();
        Ok(room)
    }
}
