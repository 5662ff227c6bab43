//! Opening: from bytes to a header, to its keys, to content, to its signer. SPEC §7.5.
//!
//! ```text
//! bytes --decode--> Locked --unlock--> Unlocked --open--> Opened --verify--> content
//! ```

use super::opened::Opened;
use super::payload::{Chunks, Hashed, plaintext_len, unpad};
use super::recipient::{ReaderKind, RecipientKind, p256, symmetric};
use super::signature::{BlockKey, Claim, Signed};
use super::stanza::{self, Stanza};
use super::{ContentType, Header, KeySchedule, Limits, Reader, Recipient};
use crate::crypto::Random;
use crate::derive::sign_input_hash;
use crate::error::Error;
#[cfg(feature = "rsa")]
use crate::keys::WrappedContent;
use crate::keys::{P256PublicKey, SharedSecret, SignatureAlgorithm, SymmetricKey};
use crate::labels::{self, CHUNK_LEN, COMMITMENT_LEN, SEALED_CHUNK_LEN, TAG_LEN};
use crate::secret::Secret;
use crate::wire::Reader as Wire;
#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Opens a whole message envelope for whoever of `readers` it is sealed to.
///
/// The result names the claimed signer; [`Opened::verify`] gives the content. `rng` blinds RSA operations.
/// For other limits, attachments, a caller's buffer or keys behind asynchronous APIs, start at [`Locked::decode`].
/// SPEC §7.5 [ENV-11] [ENV-12]
///
/// # Errors
/// The errors of decoding; [`Error::Unsupported`] for an envelope that is not a message [OBJ-03];
/// [`Error::Decrypt`] if no reader's key opens it or a byte of it was changed: also if a key held elsewhere did not answer
/// [ERR-01]; [`Error::Generator`] if none but an RSA key is left, which the generator would have had to blind.
#[cfg(feature = "alloc")]
pub fn open(
    envelope: &[u8],
    readers: &[Reader<'_>],
    rng: &mut impl rand_core::TryCryptoRng,
) -> Result<Opened<Vec<u8>>, Error> {
    let locked = Locked::decode(envelope, &Limits::default())?;
    locked.require(ContentType::Message)?;
    locked.unlock(readers, rng)?.open(locked.payload())
}

/// [`open`] into a caller's buffer, without an allocation (P-256 and symmetric keys).
///
/// `out` takes the plaintext: content, and if padded 8 bytes and the zeros; as many bytes as the envelope are always enough.
/// It still holds them if [`Opened::verify`] fails: use what `verify` returns, and never `out` itself.
///
/// # Errors
/// As [`open`], and [`Error::Buffer`].
pub fn open_into<'o>(
    envelope: &[u8],
    readers: &[Reader<'_>],
    out: &'o mut [u8],
    rng: &mut impl rand_core::TryCryptoRng,
) -> Result<Opened<&'o [u8]>, Error> {
    let locked = Locked::decode(envelope, &Limits::default())?;
    locked.require(ContentType::Message)?;
    locked.unlock(readers, rng)?.open_into(locked.payload(), out)
}

/// An envelope whose header was decoded: nothing of it is authentic yet.
#[derive(Clone)]
pub struct Locked<'a> {
    header: Header<'a>,
    commitment: &'a [u8; COMMITMENT_LEN],
    payload: &'a [u8],
}

/// What a private key that is held elsewhere is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation<'a> {
    /// ECDH with this uncompressed point of 65 bytes; the answer goes to [`Locked::answer_agree`].
    Agree {
        /// The envelope's ephemeral public key.
        peer: &'a [u8; labels::POINT_LEN],
    },
    /// RSAES-OAEP decryption, SHA-256 and empty label; the answer goes to [`Locked::answer_decrypt`].
    DecryptOaep {
        /// As many bytes as the modulus.
        ciphertext: &'a [u8],
    },
}

impl<'a> Locked<'a> {
    /// Decodes header and commitment at the start of `envelope`, which may end anywhere after them.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Unsupported`] or [`Error::Limit`], naming the field or limit.
    pub fn decode(envelope: &'a [u8], limits: &Limits) -> Result<Self, Error> {
        let (header, rest) = Header::decode(envelope, limits)?;
        let mut rest = Wire::new(rest);
        let commitment = rest.array("commitment")?;
        let payload = rest.take(rest.remaining(), "chunks")?;
        Ok(Self { header, commitment, payload })
    }

    /// What the envelope is.
    #[must_use]
    pub const fn content_type(&self) -> ContentType {
        self.header.content_type
    }

    /// The public data: authentic only if unlocking succeeds.
    #[must_use]
    pub const fn public_data(&self) -> &'a [u8] {
        self.header.public_data
    }

    /// What follows header and commitment in the bytes that were decoded.
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The decoded header.
    pub(crate) const fn header(&self) -> &Header<'a> {
        &self.header
    }

    /// Key commitment, 32 bytes.
    pub(crate) const fn commitment(&self) -> &'a [u8; COMMITMENT_LEN] {
        self.commitment
    }

    /// Bytes of header and commitment.
    pub(crate) const fn head_len(&self) -> usize {
        self.header.bytes.len() + COMMITMENT_LEN
    }

    /// Refuses another type than the one expected. [OBJ-03]
    pub(crate) fn require(&self, expected: ContentType) -> Result<(), Error> {
        if self.header.content_type == expected { Ok(()) } else { Err(Error::Unsupported { field: "type" }) }
    }

    /// Unlocks with the first of `readers` that can. SPEC §7.5
    ///
    /// # Errors
    /// [`Error::Decrypt`] if none can, for whatever reason [ENV-11]; [`Error::Generator`] if none but an RSA key is left, which
    /// the generator would have had to blind.
    pub fn unlock(&self, readers: &[Reader<'_>], rng: &mut impl rand_core::TryCryptoRng) -> Result<Unlocked, Error> {
        self.unlock_any(readers, rng)
    }

    /// [`unlock`](Self::unlock) with any generator.
    pub(crate) fn unlock_any(&self, readers: &[Reader<'_>], rng: &mut dyn Random) -> Result<Unlocked, Error> {
        let mut failure = Error::Decrypt;
        for reader in readers {
            match self.try_reader(reader, rng) {
                Ok(schedule) => return self.unlocked(Some(schedule)),
                // Of no key and no envelope: later it may open.
                Err(Error::Generator) => failure = Error::Generator,
                Err(_) => {}
            }
        }
        Err(failure)
    }

    // Not inlined, nor is the opening below: on a small stack one frame is gone before the next.
    #[inline(never)]
    fn try_reader(&self, reader: &Reader<'_>, rng: &mut dyn Random) -> Result<KeySchedule, Error> {
        // Only RSA draws, for blinding.
        #[cfg(not(feature = "rsa"))]
        let _ = &rng;
        let no = Error::Decrypt;
        let schedule = match &reader.0 {
            ReaderKind::P256 { key, id } => {
                let enc = self.header.enc.clone().ok_or(no)?;
                let shared = key.agree(&P256PublicKey(enc)).map_err(|_| no)?;
                self.unwrap_p256(key.public_key(), id, &shared)
            }
            #[cfg(feature = "rsa")]
            ReaderKind::Rsa { key, id } => {
                let ciphertext = self.rsa_wrapped(key.public_key(), id).ok_or(no)?;
                let content = key.decrypt_oaep(ciphertext, rng)?;
                super::recipient::rsa::unwrap(&self.header, self.commitment, id, &content)
            }
            ReaderKind::Symmetric(key) => self.unwrap_symmetric(key),
            #[cfg(feature = "passphrase")]
            ReaderKind::Passphrase(key) => {
                let wrapped = self.header.stanzas().find_map(|stanza| match stanza {
                    Ok(Stanza::Passphrase { kdf, wrapped }) if kdf == key.kdf => Some(wrapped),
                    _ => None,
                });
                let wrapped = wrapped.ok_or(no)?;
                symmetric::unwrap(&key.kek, labels::PASSPHRASE_WRAP, stanza::PASSPHRASE, &self.header, wrapped)
                    .and_then(|dek| KeySchedule::committed(dek, &self.header.hash, self.commitment))
            }
        };
        schedule.ok_or(no)
    }

    fn unwrap_p256(&self, key: &P256PublicKey, id: &[u8; 32], shared: &SharedSecret) -> Option<KeySchedule> {
        let entries = self.header.stanzas().find_map(|stanza| match stanza {
            Ok(Stanza::P256Group { entries, .. }) => Some(entries),
            _ => None,
        })?;
        p256::unwrap(&self.header, self.commitment, entries, key, id, shared)
    }

    fn unwrap_symmetric(&self, key: &SymmetricKey) -> Option<KeySchedule> {
        let own_id = key.key_id().ok()?;
        let wrapped = self.header.stanzas().find_map(|stanza| match stanza {
            Ok(Stanza::Symmetric { key_id, wrapped }) if *key_id == own_id => Some(wrapped),
            _ => None,
        })?;
        let dek = symmetric::unwrap(&key.0, labels::SYMMETRIC_WRAP, stanza::SYMMETRIC, &self.header, wrapped)?;
        KeySchedule::committed(dek, &self.header.hash, self.commitment)
    }

    #[cfg(feature = "rsa")]
    fn rsa_wrapped(&self, key: &crate::keys::RsaPublicKey, id: &[u8; 32]) -> Option<&'a [u8]> {
        let own_id = super::recipient::rsa::key_id(key, id);
        self.header.stanzas().find_map(|stanza| match stanza {
            Ok(Stanza::Rsa { key_id, wrapped }) if *key_id == own_id => Some(wrapped),
            _ => None,
        })
    }

    /// What the private key of `reader` has to do for this envelope; `None` if the envelope has no stanza of its kind,
    /// or if it is not a public key.
    ///
    /// For keys behind asynchronous APIs: ask, carry the answer back, go on. SPEC §7.5
    #[must_use]
    pub fn operation(&self, reader: &Recipient<'_>) -> Option<Operation<'_>> {
        match &reader.0 {
            RecipientKind::P256 { .. } => Some(Operation::Agree { peer: self.header.enc.as_ref()?.encoded() }),
            #[cfg(feature = "rsa")]
            RecipientKind::Rsa { key, id } => Some(Operation::DecryptOaep { ciphertext: self.rsa_wrapped(key, id)? }),
            RecipientKind::Symmetric(_) => None,
            #[cfg(feature = "passphrase")]
            RecipientKind::Passphrase(_) => None,
        }
    }

    /// Unlocks with the answer to [`Operation::Agree`], given by the private key of `reader`.
    ///
    /// # Errors
    /// [`Error::Decrypt`] if it does not open. [ENV-11]
    pub fn answer_agree(&self, reader: &Recipient<'_>, shared: &SharedSecret) -> Result<Unlocked, Error> {
        let RecipientKind::P256 { key, id } = &reader.0 else {
            return Err(Error::Decrypt);
        };
        self.unlocked(self.unwrap_p256(key, id, shared))
    }

    /// Unlocks with the answer to [`Operation::DecryptOaep`], given by the private key of `reader`.
    ///
    /// # Errors
    /// [`Error::Decrypt`] if it does not open. [ENV-11]
    #[cfg(feature = "rsa")]
    pub fn answer_decrypt(&self, reader: &Recipient<'_>, content: &WrappedContent) -> Result<Unlocked, Error> {
        let RecipientKind::Rsa { id, .. } = &reader.0 else {
            return Err(Error::Decrypt);
        };
        self.unlocked(super::recipient::rsa::unwrap(&self.header, self.commitment, id, content))
    }

    /// Unlocks with a DEK that came by another way: an attachment's.
    pub(crate) fn unlock_dek(&self, dek: Secret<{ labels::KEY_LEN }>) -> Result<Unlocked, Error> {
        self.unlocked(KeySchedule::committed(dek, &self.header.hash, self.commitment))
    }

    /// Unlocks with a symmetric key alone, which draws no randomness.
    pub(crate) fn unlock_symmetric(&self, key: &SymmetricKey) -> Result<Unlocked, Error> {
        self.unlocked(self.unwrap_symmetric(key))
    }

    fn unlocked(&self, schedule: Option<KeySchedule>) -> Result<Unlocked, Error> {
        Ok(Unlocked {
            keys: schedule.ok_or(Error::Decrypt)?,
            content_type: self.header.content_type,
            header_hash: self.header.hash,
            signature: self.header.signature,
            padded: self.header.padded,
            head_len: self.head_len(),
            attachment: None,
        })
    }
}

impl fmt::Debug for Locked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locked").field("content_type", &self.header.content_type).finish_non_exhaustive()
    }
}

/// An envelope's keys: the commitment was right, so header and public data are authentic. Zeroized on drop.
pub struct Unlocked {
    pub(crate) keys: KeySchedule,
    pub(crate) content_type: ContentType,
    pub(crate) header_hash: [u8; 32],
    pub(crate) signature: Option<SignatureAlgorithm>,
    pub(crate) padded: bool,
    pub(crate) head_len: usize,
    /// The digest that an attachment's chunks must have. [ATT-01]
    pub(crate) attachment: Option<[u8; 32]>,
}

impl Unlocked {
    pub(crate) fn block_len(&self) -> usize {
        self.signature.map_or(0, super::signature::block_len)
    }

    /// Refuses what is inside the types that are not for applications: a room's secrets are no content. [OBJ-03]
    pub(super) const fn is_for_applications(&self) -> Result<(), Error> {
        if self.content_type.is_for_applications() { Ok(()) } else { Err(Error::Unsupported { field: "type" }) }
    }

    /// Opens the whole payload: all that follows header and commitment.
    ///
    /// # Errors
    /// [`Error::Decrypt`] if anything of it was changed, cut or added [ENV-11]; [`Error::Unsupported`] if it is neither a
    /// message nor an attachment.
    #[cfg(feature = "alloc")]
    pub fn open(self, payload: &[u8]) -> Result<Opened<Vec<u8>>, Error> {
        self.is_for_applications()?;
        self.open_any(payload)
    }

    /// [`open`](Self::open) for the protocol's own types.
    #[cfg(feature = "alloc")]
    pub(crate) fn open_any(self, payload: &[u8]) -> Result<Opened<Vec<u8>>, Error> {
        let padded = self.padded;
        let plain_len = self.plain_len(payload)?;
        let mut out = alloc::vec![0; plain_len];
        let (range, claim) = self.open_payload(payload, &mut out)?;
        if padded {
            out.truncate(range.end);
            out.drain(..range.start);
        }
        Ok(Opened::new(out, claim))
    }

    /// [`open`](Self::open) into a caller's buffer, which takes the plaintext: content, and if padded 8 bytes and the zeros.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`Error::Buffer`]. On an error the buffer's part that was written is zeroized.
    pub fn open_into<'o>(self, payload: &[u8], out: &'o mut [u8]) -> Result<Opened<&'o [u8]>, Error> {
        self.is_for_applications()?;
        let (range, claim) = self.open_any_into(payload, out)?;
        Ok(Opened::new(out.get(range).ok_or(Error::Decrypt)?, claim))
    }

    /// [`open_into`](Self::open_into) for the protocol's own types; gives the content's place.
    pub(crate) fn open_any_into(
        self,
        payload: &[u8],
        out: &mut [u8],
    ) -> Result<(core::ops::Range<usize>, Option<Claim>), Error> {
        let plain_len = self.plain_len(payload)?;
        let out = out.get_mut(..plain_len).ok_or(Error::Buffer { needed: plain_len })?;
        self.open_payload(payload, out)
    }

    fn plain_len(&self, payload: &[u8]) -> Result<usize, Error> {
        let payload_len = payload.len().checked_sub(self.block_len()).ok_or(Error::Decrypt)?;
        let plain_len = plaintext_len(u64::try_from(payload_len).map_err(|_| Error::Decrypt)?)?;
        usize::try_from(plain_len).map_err(|_| Error::Decrypt)
    }

    /// Opens chunks and block to `out`, which has the plaintext's length; gives the content's place in it.
    #[inline(never)]
    fn open_payload(self, payload: &[u8], out: &mut [u8]) -> Result<(core::ops::Range<usize>, Option<Claim>), Error> {
        let split = payload.len().checked_sub(self.block_len()).ok_or(Error::Decrypt)?;
        let (chunks, block) = payload.split_at_checked(split).ok_or(Error::Decrypt)?;
        let padded = self.padded;
        let mut opening = self.start();
        let opened = (|| {
            // The last chunk is never a full one. [PAY-01]
            let count = chunks.len() / SEALED_CHUNK_LEN;
            let (full, last) = chunks.split_at(count.saturating_mul(SEALED_CHUNK_LEN));
            let (plain, rest) = out.split_at_mut_checked(count.saturating_mul(CHUNK_LEN)).ok_or(Error::Decrypt)?;
            opening.chunks.open_full(full, plain)?;
            let last_len = last.len().checked_sub(TAG_LEN).ok_or(Error::Decrypt)?;
            opening.chunks.open(last, rest.get_mut(..last_len).ok_or(Error::Decrypt)?)?;
            let claim = opening.finish(block)?;
            let range = if padded { unpad(out)? } else { 0..out.len() };
            Ok((range, claim))
        })();
        if opened.is_err() {
            // [ENV-12] what was decrypted before the failure is not handed out.
            out.zeroize();
        }
        opened
    }

    /// Begins with chunk 0.
    pub(crate) fn start(self) -> Opening {
        let hashed = if self.signature.is_some() || self.attachment.is_some() { Hashed::Yes } else { Hashed::No };
        Opening {
            chunks: Chunks::new(self.keys, hashed),
            header_hash: self.header_hash,
            signature: self.signature,
            attachment: self.attachment,
        }
    }
}

impl fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unlocked(..)")
    }
}

/// An envelope whose chunks are being opened in their order.
pub(crate) struct Opening {
    pub(crate) chunks: Chunks,
    header_hash: [u8; 32],
    signature: Option<SignatureAlgorithm>,
    attachment: Option<[u8; 32]>,
}

impl Opening {
    /// After the last chunk: opens the signature block, compares an attachment's digest. [ATT-01]
    pub(crate) fn finish(&self, block: &[u8]) -> Result<Option<Claim>, Error> {
        let (keys, chunks_hash) = self.chunks.finish();
        let signed = chunks_hash.as_ref().map(|chunks_hash| Signed {
            header_hash: &self.header_hash,
            commitment: &keys.commitment,
            chunks_hash,
        });
        if let (Some(expected), Some(signed)) = (self.attachment, &signed)
            && !bool::from(attachment_digest(signed).ct_eq(&expected))
        {
            return Err(Error::Decrypt);
        }
        match (self.signature, signed) {
            (Some(algorithm), Some(signed)) => {
                BlockKey::new(&keys.dek, &self.header_hash)?.open(algorithm, block, &signed).map(Some)
            }
            // [SIG-02] no block where there is no signature.
            _ if block.is_empty() => Ok(None),
            _ => Err(Error::Decrypt),
        }
    }
}

/// SHA-256(SignInput("attachment", h ‖ commitment ‖ chunks_hash)). SPEC §10.4
pub(crate) fn attachment_digest(signed: &Signed<'_>) -> [u8; 32] {
    sign_input_hash(labels::ATTACHMENT, &[signed.header_hash, signed.commitment, signed.chunks_hash])
}
