//! Opening a room message. SPEC §19.

use super::super::body::Roster;
use super::super::held::Held;
use super::super::roster::{Directory, Epoch, Transcript, look_up};
use super::{DeviceId, Header, MessageId, NONCE, Origin, UNSALTED_LEN, aead, associated, content_hash};
use crate::error::Error;
use crate::public_identity::{Fingerprint, PublicIdentity};
use crate::wire::Reader as Wire;
use core::fmt;
use core::ops::Range;
use zeroize::Zeroize;

/// A message of one epoch that was opened, and whose sender was verified.
pub struct EpochMessage<C> {
    content: C,
    facts: Facts,
}

/// What a message says of itself, verified.
#[derive(Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) epoch: u64,
    pub(crate) transcript: Transcript,
    pub(crate) sender: Fingerprint,
    pub(crate) device: DeviceId,
    pub(crate) sequence: u64,
    pub(crate) id: MessageId,
}

impl<C: AsRef<[u8]>> EpochMessage<C> {
    /// The content.
    pub fn content(&self) -> &[u8] {
        self.content.as_ref()
    }
}

impl<C> EpochMessage<C> {
    pub(crate) const fn new(content: C, facts: Facts) -> Self {
        Self { content, facts }
    }

    /// The content.
    #[must_use]
    pub fn into_content(self) -> C {
        self.content
    }

    /// Who wrote it.
    #[must_use]
    pub const fn sender(&self) -> &Fingerprint {
        &self.facts.sender
    }

    /// On which of their devices.
    #[must_use]
    pub const fn device(&self) -> &DeviceId {
        &self.facts.device
    }

    /// As that device's how manieth message in this room, from 0.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.facts.sequence
    }

    /// What names it: the same for a message that was encrypted again.
    #[must_use]
    pub const fn id(&self) -> &MessageId {
        &self.facts.id
    }

    /// The epoch it was sealed in.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        Epoch::new(self.facts.epoch)
    }
}

impl<C> fmt::Debug for EpochMessage<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EpochMessage")
            .field("epoch", &self.facts.epoch)
            .field("sender", &self.facts.sender)
            .field("sequence", &self.facts.sequence)
            .finish_non_exhaustive()
    }
}

/// Decrypts to `out` under one epoch's key, and verifies the sender; gives the content's place. [RMSG-03] [RMSG-05]
///
/// On an error `out` is zeroized: nothing is handed out that was not verified.
pub(crate) fn open_under(
    held: &Held<impl Roster>,
    header: &Header<'_>,
    aad: &[u8],
    out: &mut [u8],
    directory: &dyn Directory,
) -> Result<(Range<usize>, Facts), Error> {
    let opened = decrypt(held, header, aad, out)
        .and_then(|plain| plain.verify(held, header, aad, out, look_up(directory, &plain.sender)?));
    if opened.is_err() {
        out.zeroize();
    }
    opened
}

/// What was decrypted, and by whom it says that it is: not verified.
pub(crate) struct Decrypted {
    plain: Plaintext,
    pub(crate) sender: Fingerprint,
}

/// Decrypts to `out` under one epoch's key. [RMSG-03]
pub(crate) fn decrypt(
    held: &Held<impl Roster>,
    header: &Header<'_>,
    aad: &[u8],
    out: &mut [u8],
) -> Result<Decrypted, Error> {
    aead(&held.keys.message_key, header.salt)?.open(&NONCE, &associated(header.bytes, aad), header.sealed, out)?;
    let plain = decode_plaintext(out).map_err(|_| Error::Decrypt)?;
    let place = usize::try_from(plain.sender).map_err(|_| Error::Decrypt)?;
    let sender = held.body.roster.get(place).ok_or(Error::Decrypt)?.fingerprint;
    Ok(Decrypted { plain, sender })
}

impl Decrypted {
    /// Verifies what was decrypted to `out` under `held`, by its sender's identity; gives the content's place. [RMSG-05]
    pub(crate) fn verify(
        &self,
        held: &Held<impl Roster>,
        header: &Header<'_>,
        aad: &[u8],
        out: &[u8],
        identity: &PublicIdentity,
    ) -> Result<(Range<usize>, Facts), Error> {
        let Self { plain, sender } = self;
        let key = identity.signing_key();
        let origin = Origin {
            sender,
            algorithm: key.algorithm(),
            transcript: &held.transcript,
            device: plain.device,
            sequence: plain.sequence,
        };
        let unsalted: &[u8; UNSALTED_LEN] = header.bytes.first_chunk().ok_or(Error::Decrypt)?;
        let content = out.get(plain.content.clone()).ok_or(Error::Decrypt)?;
        let id = origin.id(&content_hash(unsalted, aad, content));
        if plain.signature.len() != key.algorithm().signature_len() {
            return Err(Error::Signature);
        }
        key.verify(id.as_bytes(), out.get(plain.signature.clone()).ok_or(Error::Decrypt)?)?;
        let facts = Facts {
            epoch: held.body.epoch,
            transcript: held.transcript,
            sender: *sender,
            device: plain.device,
            sequence: plain.sequence,
            id,
        };
        Ok((plain.content.clone(), facts))
    }
}

/// Where the fields of a plaintext stand.
struct Plaintext {
    sender: u32,
    device: DeviceId,
    sequence: u64,
    signature: Range<usize>,
    content: Range<usize>,
}

/// [RMSG-03]
fn decode_plaintext(plain: &[u8]) -> Result<Plaintext, Error> {
    let mut wire = Wire::new(plain);
    let sender = wire.u32("sender")?;
    let device = DeviceId::from_bytes(*wire.array("device")?);
    let sequence = wire.u64("sequence")?;
    let mut vector = |field| {
        let len = wire.vector(field)?.len();
        let end = plain.len().saturating_sub(wire.remaining());
        Ok(end.saturating_sub(len)..end)
    };
    let (signature, content) = (vector("signature")?, vector("content")?);
    let zeros = plain.get(content.end..).unwrap_or_default();
    if signature.is_empty() || zeros.iter().any(|byte| *byte != 0) {
        return Err(Error::Malformed { field: "zeros" });
    }
    Ok(Plaintext { sender, device, sequence, signature, content })
}
