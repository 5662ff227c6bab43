//! Room messages. SPEC §19.
//!
//! ```text
//! "SLRM" suite type room_id[16] epoch tag[8] salt[24] | AES-256-GCM( sender device[8] sequence signature<V> content<V> zeros )
//! '--------------------- 63 bytes -------------------'
//! ```

mod open;
mod seal;

pub use open::EpochMessage;
pub use seal::Draft;

pub(crate) use open::open_under;
#[cfg(feature = "alloc")]
pub(crate) use open::{Decrypted, Facts, decrypt};
pub(crate) use seal::Prepared;

use super::body::Roster;
use super::held::Held;
use super::replay::SEEN_ID_LEN;
use super::roster::{RoomId, Transcript};
#[cfg(feature = "alloc")]
use crate::crypto::Random;
use crate::crypto::{Aead, Sha256, sha256};
use crate::derive::{derive, sign_input_hash};
use crate::error::Error;
use crate::keys::SignatureAlgorithm;
use crate::labels::{self, KEY_LEN, MAX_MESSAGE_LEN, NONCE_LEN, PREFIX_LEN, SALT_LEN, TAG_LEN};
use crate::object::{decode_prefix, prefix};
use crate::public_identity::Fingerprint;
use crate::secret::Secret;
use crate::wire::{Reader as Wire, encode_length};
use core::fmt;
#[cfg(feature = "alloc")]
use rand_core::TryCryptoRng;

/// Object type of SPEC §6.
pub(crate) const TYPE: u8 = 0x23;
/// Bytes of the transcript that route a message.
const EPOCH_TAG_LEN: usize = 8;
/// Header bytes before the salt.
const UNSALTED_LEN: usize = PREFIX_LEN + RoomId::LEN + 8 + EPOCH_TAG_LEN;
/// Bytes of a message's header.
const HEADER_LEN: usize = UNSALTED_LEN + SALT_LEN;
/// Sender, device, sequence.
const FIELDS_LEN: usize = 4 + DeviceId::LEN + 8;
/// The shortest plaintext: fields, a signature of a byte, no content.
const MIN_PLAIN_LEN: usize = FIELDS_LEN + 2 + 1;
/// Zero is safe as the nonce of a key that seals a single message. SPEC §19.1
const NONCE: [u8; NONCE_LEN] = [0; NONCE_LEN];

/// What names one device of a member in one room: 8 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId([u8; Self::LEN]);

impl DeviceId {
    /// Length in bytes.
    pub const LEN: usize = 8;

    /// Takes 8 bytes as a device's id: drawn once for each device and room, and kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// Of a new device.
    #[cfg(feature = "alloc")]
    pub(crate) fn random(rng: &mut impl TryCryptoRng) -> Result<Self, Error> {
        let mut bytes = [0; Self::LEN];
        rng.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The 8 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceId(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// What names a message: the hash of what its sender signed, 32 bytes. The same for a message that was encrypted again.
/// SPEC §19.2
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId([u8; 32]);

impl MessageId {
    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What is kept of it. [RMSG-07]
    pub(crate) fn seen(&self) -> [u8; SEEN_ID_LEN] {
        self.0.first_chunk().copied().unwrap_or_default()
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageId(")?;
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("..)")
    }
}

/// The header before its salt: what routes a message, and what its signature covers of the header.
fn unsalted(room: &RoomId, epoch: u64, transcript: &Transcript) -> [u8; UNSALTED_LEN] {
    let mut bytes = [0; UNSALTED_LEN];
    let pieces: [&[u8]; 4] = [&prefix(TYPE), room.as_bytes(), &epoch.to_be_bytes(), epoch_tag(transcript)];
    bytes.iter_mut().zip(pieces.into_iter().flatten()).for_each(|(place, byte)| *place = *byte);
    bytes
}

/// The transcript's start, which only routes. [RMSG-01]
fn epoch_tag(transcript: &Transcript) -> &[u8] {
    transcript.0.get(..EPOCH_TAG_LEN).unwrap_or_default()
}

/// Who wrote a message, where, as its how manieth.
#[derive(Clone, Copy)]
struct Origin<'a> {
    sender: &'a Fingerprint,
    algorithm: SignatureAlgorithm,
    transcript: &'a Transcript,
    device: DeviceId,
    sequence: u64,
}

/// `D` of SPEC §19.2: the one pass over the content.
fn content_hash(unsalted: &[u8; UNSALTED_LEN], aad: &[u8], content: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(unsalted);
    for vector in [aad, content] {
        let (len, used) = encode_length(vector.len());
        hash.update(len.get(..used).unwrap_or_default());
        hash.update(vector);
    }
    hash.finish()
}

impl Origin<'_> {
    /// SHA-256 of what is signed, which is the message's id. SPEC §19.2
    fn id(&self, content_hash: &[u8; 32]) -> MessageId {
        let content: [&[u8]; 6] = [
            self.sender.as_bytes(),
            &[self.algorithm.code()],
            self.transcript.as_bytes(),
            self.device.as_bytes(),
            &self.sequence.to_be_bytes(),
            content_hash,
        ];
        MessageId(sign_input_hash(labels::ROOM_MESSAGE, &content))
    }
}

/// The key of one message. SPEC §19.1
fn aead(message_key: &Secret<KEY_LEN>, salt: &[u8; SALT_LEN]) -> Result<Aead, Error> {
    Ok(Aead::new(derive::<KEY_LEN>(message_key, labels::MESSAGE, &[salt])?.expose()))
}

/// `MessageHeader ‖ SHA-256(aad)`: GCM's associated data. SPEC §19.1
fn associated(header: &[u8; HEADER_LEN], aad: &[u8]) -> [u8; HEADER_LEN + 32] {
    let mut bytes = [0; HEADER_LEN + 32];
    let (first, second) = bytes.split_at_mut(HEADER_LEN);
    first.copy_from_slice(header);
    second.copy_from_slice(&sha256(aad));
    bytes
}

/// A message whose header was decoded: nothing of it is authentic.
#[derive(Clone, Copy)]
pub(crate) struct Header<'a> {
    bytes: &'a [u8; HEADER_LEN],
    pub(crate) room: RoomId,
    pub(crate) epoch: u64,
    tag: &'a [u8; EPOCH_TAG_LEN],
    salt: &'a [u8; SALT_LEN],
    sealed: &'a [u8],
}

impl Header<'_> {
    /// Bytes of the plaintext.
    pub(crate) const fn plain_len(&self) -> usize {
        self.sealed.len().saturating_sub(TAG_LEN)
    }

    /// Whether it may be of that epoch: its tag only routes. [RMSG-01]
    pub(crate) fn routes_to(&self, held: &Held<impl Roster>) -> bool {
        self.epoch == held.body.epoch && self.tag == epoch_tag(&held.transcript)
    }
}

/// [`decode_header`] for the room at hand. [RMSG-01]
pub(crate) fn decode_header_of<'m>(message: &'m [u8], room: &RoomId) -> Result<Header<'m>, Error> {
    let header = decode_header(message)?;
    if header.room == *room { Ok(header) } else { Err(Error::Malformed { field: "room_id" }) }
}

/// Decodes a message's header, and checks its length. [RMSG-02] [OBJ-03] [LIM-12]
pub(crate) fn decode_header(message: &[u8]) -> Result<Header<'_>, Error> {
    let (bytes, sealed) =
        message.split_first_chunk::<HEADER_LEN>().ok_or(Error::Malformed { field: "message header" })?;
    let mut wire = Wire::new(bytes);
    if decode_prefix(&mut wire)? != TYPE {
        return Err(Error::Unsupported { field: "type" });
    }
    let room = RoomId::from_bytes(*wire.array("room_id")?);
    let epoch = wire.u64("epoch")?;
    let (tag, salt) = (wire.array("epoch_tag")?, wire.array("salt")?);
    if sealed.len() < MIN_PLAIN_LEN + TAG_LEN {
        return Err(Error::Malformed { field: "message" });
    }
    if sealed.len() > MAX_MESSAGE_LEN + TAG_LEN {
        return Err(Error::Limit { limit: "room message bytes" });
    }
    Ok(Header { bytes, room, epoch, tag, salt, sealed })
}
