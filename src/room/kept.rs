//! Epochs as a keyring keeps them. SPEC §20.2, §20.6.

use super::{Epochs, Room};
use crate::epoch::{Held, HistoryPolicy, RoomEpoch, RoomId, StoredKey, Transcript, refused};
use crate::error::Error;
use crate::labels::{COMMITMENT_LEN, KEY_LEN};
use crate::public_identity::Fingerprint;
use crate::wire::Reader as Wire;
use alloc::boxed::Box;
use alloc::vec::Vec;
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

/// One epoch with its key, of a room that is not put together yet.
pub(crate) struct KeptEpoch<'a> {
    body: RoomEpoch,
    signer: Fingerprint,
    commitment: [u8; COMMITMENT_LEN],
    key: StoredKey<'a>,
}

impl<'a> KeptEpoch<'a> {
    /// All epochs that a room holds, encoded.
    pub(crate) fn all(room: &Room) -> impl Iterator<Item = Zeroizing<Vec<u8>>> {
        room.epochs.values().map(|held| {
            let mut out = Zeroizing::new(Vec::with_capacity(held.body.encoded_len().saturating_add(4 * KEY_LEN)));
            held.body.encode(&mut out);
            out.extend_from_slice(held.signer.as_bytes());
            out.extend_from_slice(&held.commitment);
            held.encode_key(&mut out);
            out
        })
    }

    fn decode(content: &'a [u8]) -> Result<Self, Error> {
        let mut wire = Wire::new(content);
        let body = RoomEpoch::decode(&mut wire)?.share();
        let signer = Fingerprint::from_bytes(*wire.array("signer")?);
        let commitment = *wire.array("commitment")?;
        let key = StoredKey::decode(&mut wire)?;
        wire.finish("epoch")?;
        Ok(Self { body, signer, commitment, key })
    }

    /// [KRG-02]
    pub(crate) fn check(content: &[u8]) -> Result<(), Error> {
        KeptEpoch::decode(content).map(|_| ())
    }

    /// The room, and what every epoch of it, and others of that creator and number, begins with.
    pub(crate) fn origin(content: &[u8]) -> Result<(RoomId, [u8; 48]), Error> {
        // Without the roster, since a keyring has thousands of them.
        let mut wire = Wire::new(content);
        let creator = Fingerprint::from_bytes(*wire.array("creator")?);
        let creation_nonce = wire.array("creation_nonce")?;
        wire.u64("epoch")?;
        wire.array::<{ Transcript::LEN }>("previous_transcript")?;
        let id = RoomId::of(&creator, creation_nonce, HistoryPolicy::decode(&mut wire)?);
        Ok((id, *Wire::new(content).array("creator")?))
    }

    /// Of that room.
    fn of(id: &RoomId, content: &'a [u8]) -> Result<Option<Held>, Error> {
        let kept = Self::decode(content)?;
        if kept.body.room_id() == *id { kept.held().map(Some) } else { Ok(None) }
    }

    fn held(self) -> Result<Held, Error> {
        Held::stored(self.signer, self.body, self.commitment, self.key)
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
        // Each once, in the order in which they came.
        let is_first = |(at, one): &(usize, &Fingerprint)| !mine.iter().take(*at).any(|before| before == *one);
        let mine: Vec<Fingerprint> = mine.iter().enumerate().filter(is_first).map(|(_, one)| *one).collect();
        let mut epochs = Epochs::default();
        for content in kept {
            let Some(held) = KeptEpoch::of(&id, content)? else { continue };
            // They come in ascending order: of one epoch the secret before the message key that was granted.
            epochs.insert_new(Box::new(held));
        }
        let fits = |held: &&Held| match head {
            Some(head) => held.transcript == *head,
            None => mine.iter().any(|mine| held.body.has(mine)),
        };
        let found = epochs.values().rev().map(Box::as_ref).filter(|held| held.secret.is_some()).find(fits).ok_or(no)?;
        let head = found.key();
        let me = mine.iter().rev().find(|mine| found.body.has(mine)).copied().ok_or(refused("KRG-08"))?;
        let mut room = Room::on_new_device(id, mine, me, head, epochs, rng)?;
        room.set_head(head);
        // A device that had not come as far may have written the head last: what follows it is held, and leads on.
        room.go_on();
        Ok(room)
    }
}

impl Room {
    /// Takes in epochs that were kept, beside those that it holds: evidence, but for what leads to the head. Tells whether any
    /// were kept.
    pub(crate) fn take_kept<'a>(&mut self, kept: impl Iterator<Item = &'a [u8]>) -> bool {
        let mut any = false;
        for held in kept.filter_map(|content| KeptEpoch::of(&self.id, content).ok()?) {
            self.epochs.insert_new(Box::new(held));
            any = true;
        }
        if any {
            self.set_head(self.head);
        }
        any
    }
}
