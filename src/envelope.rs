//! The envelope: header, key schedule, and what a server may know of it. SPEC §7.
//!
//! ```text
//! "SLRM" suite type sig pad salt[24] stanzas<V> public_data<V> | commitment[32] | chunk 0 | chunk 1 | .. | signature block
//! '------------------------- Header --------------------------'
//! ```

mod attachment;
mod offset;
mod open;
mod opened;
mod payload;
mod recipient;
mod seal;
mod sender;
mod signature;
mod stanza;
#[cfg(feature = "alloc")]
mod stream;
#[cfg(feature = "alloc")]
mod typed;

pub use attachment::AttachmentKey;
pub use offset::{OffsetProbe, OffsetReader};
#[cfg(feature = "alloc")]
pub use open::open;
pub use open::open_into;
pub use open::{Locked, Operation, Unlocked};
pub use opened::{Opened, Unverified};
#[cfg(feature = "hazmat")]
pub(crate) use payload::chunk_nonce;
pub(crate) use payload::padme;
#[cfg(all(feature = "hazmat", feature = "alloc"))]
pub(crate) use payload::{Chunks, Hashed, sealed_len};
#[cfg(feature = "passphrase")]
pub use recipient::passphrase::{PassphraseCost, PassphraseKey, WorkLimits};
pub use recipient::{Reader, Recipient};
#[cfg(feature = "hazmat")]
pub(crate) use recipient::{ReaderKind, RecipientKind};
pub use seal::{Envelope, Padding};
pub use sender::Sender;
pub(crate) use signature::{Claim, verify as verify_signature};
#[cfg(feature = "alloc")]
pub use stream::{EnvelopeStart, OpenStream, PendingSignature, SealStream};
#[cfg(feature = "alloc")]
pub(crate) use typed::PendingEnvelope;

use crate::crypto::{P256Public, sha256};
use crate::derive::derive;
use crate::error::Error;
use crate::keys::SignatureAlgorithm;
use crate::labels::{self, COMMITMENT_LEN, KEY_LEN, MAX_ENTRIES, MAX_HEADER_LEN, NONCE_LEN, SALT_LEN};
use crate::object::decode_prefix;
use crate::secret::Secret;
use crate::wire::Reader as Wire;
pub(crate) use stanza::Stanza;
use stanza::Stanzas;
use subtle::ConstantTimeEq;

/// What an envelope is, which is bound into all of its keys. SPEC §6
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContentType {
    /// Content for people: a file, a mail, a message.
    Message,
    /// The package of one epoch of a room: opened by [`Room`](crate::Room).
    RoomEpoch,
    /// An identity's secrets for a new device, or as that device stores them: opened by
    /// [`Linking::open`](crate::Linking::open), [`LinkedIdentity::load`](crate::LinkedIdentity::load).
    DeviceLink,
    /// Message keys of a room's past: opened by [`Room::accept_grant`](crate::Room::accept_grant).
    HistoryGrant,
    /// An envelope without stanzas, whose key travels in another object.
    Attachment,
    /// A room as a device stores it: opened by [`Room::load`](crate::Room::load).
    RoomState,
    /// What a person's devices know together: opened by [`Keyring::merge`](crate::Keyring::merge).
    Keyring,
    /// A keyring as a device stores it: opened by [`Keyring::load`](crate::Keyring::load).
    KeyringState,
}

impl ContentType {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Message => 0x01,
            Self::RoomEpoch => 0x02,
            Self::DeviceLink => 0x04,
            Self::HistoryGrant => 0x05,
            Self::Attachment => 0x06,
            Self::RoomState => 0x07,
            Self::Keyring => 0x03,
            Self::KeyringState => 0x08,
        }
    }

    /// [OBJ-02] reserved and unassigned types are refused.
    pub(crate) const fn from_code(code: u8) -> Result<Self, Error> {
        match code {
            0x01 => Ok(Self::Message),
            0x02 => Ok(Self::RoomEpoch),
            0x04 => Ok(Self::DeviceLink),
            0x05 => Ok(Self::HistoryGrant),
            0x06 => Ok(Self::Attachment),
            0x07 => Ok(Self::RoomState),
            0x03 => Ok(Self::Keyring),
            0x08 => Ok(Self::KeyringState),
            _ => Err(Error::Unsupported { field: "type" }),
        }
    }

    /// Whether an application reads the content: what is inside the others is for the protocol alone. [OBJ-03]
    const fn is_for_applications(self) -> bool {
        matches!(self, Self::Message | Self::Attachment)
    }
}

/// How much a reader is ready to hold and to try before it knows whether an envelope is for it. SPEC §13 [LIM-00]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(crate) header_len: usize,
    pub(crate) entries: usize,
}

impl Default for Limits {
    /// 1,048,576 header bytes, 16,384 entries. [LIM-02] [LIM-03]
    fn default() -> Self {
        Self { header_len: MAX_HEADER_LEN, entries: MAX_ENTRIES }
    }
}

impl Limits {
    /// Sets the greatest header length, in bytes.
    #[must_use]
    pub const fn header_len(self, bytes: usize) -> Self {
        Self { header_len: bytes, ..self }
    }

    /// Sets the greatest number of wrapped keys in one header, decoys included.
    #[must_use]
    pub const fn entries(self, entries: usize) -> Self {
        Self { entries, ..self }
    }
}

/// A decoded header: public, authenticated only once a DEK's commitment is right.
#[derive(Clone)]
pub(crate) struct Header<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) content_type: ContentType,
    pub(crate) signature: Option<SignatureAlgorithm>,
    /// Whether the plaintext is length-prefixed and padded. SPEC §9.2
    pub(crate) padded: bool,
    pub(crate) salt: &'a [u8; SALT_LEN],
    stanzas: &'a [u8],
    pub(crate) public_data: &'a [u8],
    /// The P-256 group's `enc`, decoded.
    pub(crate) enc: Option<P256Public>,
    /// SHA-256 of `bytes`: h of SPEC §7.3.
    pub(crate) hash: [u8; 32],
}

impl<'a> Header<'a> {
    /// Decodes the header at the start of `envelope`; returns it and what follows. SPEC §7.1
    #[inline(never)]
    pub(crate) fn decode(envelope: &'a [u8], limits: &Limits) -> Result<(Self, &'a [u8]), Error> {
        let mut wire = Wire::new(envelope);
        let (content_type, signature, padded) = decode_kind(&mut wire)?;
        let salt = wire.array("salt")?;
        let stanzas = limited(&mut wire, envelope.len(), limits, "stanzas")?;
        let public_data = limited(&mut wire, envelope.len(), limits, "public_data")?;
        let len = envelope.len().saturating_sub(wire.remaining());
        let (bytes, rest) = envelope.split_at_checked(len).ok_or(Error::Malformed { field: "header" })?;

        // [ENV-02] an attachment's key travels elsewhere, and its signature with it. [ATT-02]
        let attachment = content_type == ContentType::Attachment;
        if stanzas.is_empty() != attachment {
            return Err(Error::Malformed { field: "stanzas" });
        }
        if attachment && signature.is_some() {
            return Err(Error::Malformed { field: "signature" });
        }
        let enc = stanza::check(stanzas, limits)?;
        let hash = sha256(bytes);
        Ok((Self { bytes, content_type, signature, padded, salt, stanzas, public_data, enc, hash }, rest))
    }

    /// The stanzas, which decoding has checked.
    pub(crate) const fn stanzas(&self) -> Stanzas<'a> {
        Stanzas::new(self.stanzas)
    }

    /// Bytes of the signature block: 0 if unsigned.
    pub(crate) fn block_len(&self) -> usize {
        self.signature.map_or(0, signature::block_len)
    }
}

/// Reads prefix, signature and padding of an envelope. [ENV-01]
fn decode_kind(wire: &mut Wire<'_>) -> Result<(ContentType, Option<SignatureAlgorithm>, bool), Error> {
    let content_type = ContentType::from_code(decode_prefix(wire)?)?;
    let signature = SignatureAlgorithm::from_code(wire.u8("signature")?)?;
    match wire.u8("padding")? {
        0 => Ok((content_type, signature, false)),
        1 => Ok((content_type, signature, true)),
        _ => Err(Error::Unsupported { field: "padding" }),
    }
}

/// A vector of the header, refused as soon as its length leads over the header's limit. [LIM-02] [WIRE-05]
fn limited<'a>(wire: &mut Wire<'a>, total: usize, limits: &Limits, field: &'static str) -> Result<&'a [u8], Error> {
    let len = wire.length(field)?;
    let before = total.saturating_sub(wire.remaining());
    if before.saturating_add(len) > limits.header_len {
        return Err(Error::Limit { limit: "header bytes" });
    }
    wire.take(len, field)
}

/// How many bytes header and commitment take, as far as the first bytes of an envelope tell: at least one more than
/// `bytes` until they are all there. Refuses at once what the limits do not allow. [WIRE-05]
#[cfg(feature = "alloc")]
pub(crate) fn head_len(bytes: &[u8], limits: &Limits) -> Result<usize, Error> {
    if let Some(kind) = bytes.get(..labels::PREFIX_LEN + 2) {
        // What is no envelope at all is not waited for.
        decode_kind(&mut Wire::new(kind))?;
    }
    // Up to the stanzas' prefix, then each vector in turn, then the commitment.
    let mut known = labels::PREFIX_LEN + 2 + SALT_LEN;
    let mut wire = Wire::new(bytes.get(known..).unwrap_or_default());
    for field in ["stanzas", "public_data"] {
        let Some(first) = bytes.get(known) else {
            return Ok(known.saturating_add(1));
        };
        let prefix_len = 1_usize << (first >> 6);
        if bytes.len() < known.saturating_add(prefix_len) {
            return Ok(known.saturating_add(prefix_len));
        }
        let len = wire.length(field)?;
        known = known.saturating_add(prefix_len).saturating_add(len);
        if known > limits.header_len {
            return Err(Error::Limit { limit: "header bytes" });
        }
        if bytes.len() < known {
            // What follows the vector is a prefix of at least a byte, or the commitment.
            return Ok(known.saturating_add(1));
        }
        wire.take(len, field)?;
    }
    Ok(known.saturating_add(COMMITMENT_LEN))
}

/// The keys of one envelope. SPEC §7.3
pub(crate) struct KeySchedule {
    pub(crate) dek: Secret<KEY_LEN>,
    /// As it is: prepared, it is many times as long, and schedules are handed on.
    pub(crate) key: Secret<KEY_LEN>,
    pub(crate) base_nonce: Secret<NONCE_LEN>,
    pub(crate) commitment: [u8; COMMITMENT_LEN],
}

impl KeySchedule {
    /// `key ‖ base_nonce ‖ commitment` from a DEK and the header's hash. [ENV-07]
    pub(crate) fn new(dek: Secret<KEY_LEN>, header_hash: &[u8; 32]) -> Result<Self, Error> {
        const OUT_LEN: usize = KEY_LEN + NONCE_LEN + COMMITMENT_LEN;
        let out = derive::<OUT_LEN>(&dek, labels::ENVELOPE, &[header_hash])?;
        let mut fields = Wire::new(out.expose());
        let mut key = Secret::zero();
        key.expose_mut().copy_from_slice(fields.array::<KEY_LEN>("key")?);
        let mut base_nonce = Secret::zero();
        base_nonce.expose_mut().copy_from_slice(fields.array::<NONCE_LEN>("base_nonce")?);
        let commitment = *fields.array("commitment")?;
        Ok(Self { dek, key, base_nonce, commitment })
    }

    /// The schedule of a DEK that was unwrapped, unless it misses `commitment`. [ENV-07] [ENV-08]
    pub(crate) fn committed(
        dek: Secret<KEY_LEN>,
        header_hash: &[u8; 32],
        commitment: &[u8; COMMITMENT_LEN],
    ) -> Option<Self> {
        let schedule = Self::new(dek, header_hash).ok()?;
        bool::from(schedule.commitment.ct_eq(commitment)).then_some(schedule)
    }
}

/// What a server, or anyone without a key, can know of an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnvelopeInfo<'a> {
    /// What it is.
    pub content_type: ContentType,
    /// The signature's algorithm, if it is signed.
    pub signature: Option<SignatureAlgorithm>,
    /// Whether its length was padded.
    pub padded: bool,
    /// Entries of the P-256 group, decoys included.
    pub p256_entries: usize,
    /// RSA stanzas.
    pub rsa_stanzas: usize,
    /// Symmetric stanzas.
    pub symmetric_stanzas: usize,
    /// Passphrase stanzas: 0 or 1.
    pub passphrase_stanzas: usize,
    /// The public data: readable by anyone, authentic only to whoever opens the envelope.
    pub public_data: &'a [u8],
    /// Header length in bytes.
    pub header_len: usize,
    /// Bytes of the sealed chunks: content, padding and tags.
    pub payload_len: u64,
}

impl<'a> EnvelopeInfo<'a> {
    /// Of an envelope of `envelope_len` bytes, of which `head` holds the first: header and commitment at least. For
    /// servers that do not hold all of a large one.
    ///
    /// # Errors
    /// As [`inspect`](crate::inspect), and [`Error::Malformed`] at "chunks" if no envelope with this head has that length.
    pub fn of(head: &'a [u8], envelope_len: u64) -> Result<Self, Error> {
        let malformed = Error::Malformed { field: "chunks" };
        let (header, rest) = Header::decode(head, &Limits::default())?;
        Wire::new(rest).array::<COMMITMENT_LEN>("commitment")?;
        let around = header.bytes.len().saturating_add(COMMITMENT_LEN).saturating_add(header.block_len());
        let around = u64::try_from(around).map_err(|_| malformed)?;
        let payload_len = envelope_len.checked_sub(around).ok_or(malformed)?;
        payload::plaintext_len(payload_len).map_err(|_| malformed)?;
        let mut info = Self {
            content_type: header.content_type,
            signature: header.signature,
            padded: header.padded,
            p256_entries: 0,
            rsa_stanzas: 0,
            symmetric_stanzas: 0,
            passphrase_stanzas: 0,
            public_data: header.public_data,
            header_len: header.bytes.len(),
            payload_len,
        };
        for stanza in header.stanzas() {
            let count = match stanza? {
                Stanza::P256Group { entries, .. } => {
                    info.p256_entries = entries.len();
                    continue;
                }
                Stanza::Rsa { .. } => &mut info.rsa_stanzas,
                Stanza::Symmetric { .. } => &mut info.symmetric_stanzas,
                Stanza::Passphrase { .. } => &mut info.passphrase_stanzas,
            };
            *count = count.saturating_add(1);
        }
        Ok(info)
    }
}
