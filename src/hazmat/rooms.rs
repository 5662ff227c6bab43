//! What is inside of rooms. SPEC §18.

use crate::envelope::{ContentType, Envelope, Locked, Unlocked};
use crate::epoch::Freshness;
use crate::error::Error;
use crate::keyring::Keyring;
use crate::room::{self, Room};
pub use crate::room::{EpochKeys, epoch_keys};
use crate::secret::Secret;
use alloc::vec::Vec;
use rand_core::TryCryptoRng;

/// Seals any content as an envelope of any type: packages, grants and states that no honest writer makes.
///
/// # Errors
/// As [`Envelope::seal`].
pub fn seal_as(
    envelope: &Envelope<'_>,
    content_type: ContentType,
    content: &[u8],
    rng: &mut impl TryCryptoRng,
) -> Result<Vec<u8>, Error> {
    envelope.seal_as(content_type, content, rng)
}

/// The DEK of an envelope, and the content of its payload, not verified, whatever its type.
///
/// # Errors
/// As [`Unlocked::open`].
pub fn dek_and_content(unlocked: Unlocked, payload: &[u8]) -> Result<([u8; 32], Vec<u8>), Error> {
    let dek = *unlocked.keys.dek.expose();
    Ok((dek, unlocked.open_any(payload)?.unverified()))
}

/// The content that [`Room::save`] seals. SPEC §18.9
#[must_use]
pub fn room_state(room: &Room) -> Vec<u8> {
    room.encode().to_vec()
}

/// The reverse of [`room_state`]. SPEC §18.9 [ROOM-26]
///
/// # Errors
/// [`Error::Malformed`] or [`Error::Limit`].
pub fn room_of_state(content: &[u8]) -> Result<Room, Error> {
    Room::decode_state(content)
}

/// Unlocks an envelope with its DEK.
///
/// # Errors
/// [`Error::Decrypt`] if it is another envelope's.
pub fn unlock_dek(locked: &Locked<'_>, dek: [u8; 32]) -> Result<Unlocked, Error> {
    let mut dek = dek;
    locked.unlock_dek(Secret::take(&mut dek))
}

/// All entries of a keyring, encoded: alike in keyrings that hold the same. SPEC §20.2
#[must_use]
pub fn keyring_entries(keyring: &Keyring) -> Vec<u8> {
    keyring.entries()
}

/// The answers of a new replay guard to messages of one sender: device, sequence, start of the message's id. SPEC §19.4
#[must_use]
pub fn replay_answers(seen: &[([u8; 8], u64, [u8; 16])]) -> Vec<Freshness> {
    room::replay_answers(seen)
}
