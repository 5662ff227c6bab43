//! Sealing. SPEC §7.4.

use super::payload::{Chunks, Hashed, LENGTH_PREFIX_LEN, padme, sealed_len};
use super::recipient::{RecipientKind, p256, symmetric};
use super::signature::{self, BlockKey, Signed};
use super::{AttachmentKey, ContentType, KeySchedule, Limits, Recipient, Sender, stanza};
use crate::crypto::{Random, sha256};
use crate::error::Error;
use crate::keys::SignatureAlgorithm;
use crate::labels::{CHUNK_LEN, COMMITMENT_LEN, KEY_LEN, PREFIX_LEN, SALT_LEN, SEALED_CHUNK_LEN, TAG_LEN, WRAPPED_LEN};
use crate::object::prefix;
use crate::public_identity::Fingerprint;
use crate::secret::Secret;
use crate::wire::{VECTOR_MAX, Writer, length_len};
#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use rand_core::TryCryptoRng;
use zeroize::Zeroize;

/// How an envelope hides the length of its content. SPEC §9.2
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Padding {
    /// Not at all: the length can be read off the envelope.
    #[default]
    None,
    /// Rounded up by less than 12 percent, so that few lengths are told apart. [PAD-02]
    Padme,
}

/// An envelope to be sealed: to whom, by whom, how padded.
///
/// ```
/// # use sealroom::*;
/// # #[cfg(feature = "std")]
/// # fn main() -> Result<(), Error> {
/// # let mut rng = SystemRng;
/// # let alice = Root::from_bip39_seed(&[1; 64]).identity(Profile::P256, 0, &mut rng)?;
/// # let bob = Root::from_bip39_seed(&[2; 64]).identity(Profile::P256, 0, &mut rng)?;
/// let envelope = Envelope::to(&[bob.public().recipient()])
///     .signed_by(alice.sender())
///     .padding(Padding::Padme)
///     .seal(b"Meet me at noon.", &mut rng)?;
/// # let content = open(&envelope, &[bob.reader()], &mut rng)?.verify(alice.public())?;
/// # assert_eq!(content, b"Meet me at noon.");
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "std"))]
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Envelope<'a> {
    recipients: &'a [Recipient<'a>],
    sender: Option<Sender<'a>>,
    copy: bool,
    padding: Padding,
    public_data: &'a [u8],
    decoys: usize,
    limits: Limits,
}

impl<'a> Envelope<'a> {
    /// An envelope to `recipients`. The same key given twice is sealed to once. [STZ-03]
    pub fn to(recipients: &'a [Recipient<'a>]) -> Self {
        Self {
            recipients,
            sender: None,
            copy: true,
            padding: Padding::None,
            public_data: &[],
            decoys: 0,
            limits: Limits::default(),
        }
    }

    /// Signs as `sender`, who also becomes a recipient, and so can read what was sent.
    pub const fn signed_by(self, sender: Sender<'a>) -> Self {
        Self { sender: Some(sender), ..self }
    }

    /// Keeps no copy for the sender: the sender cannot open what was sealed.
    pub const fn without_copy_for_me(self) -> Self {
        Self { copy: false, ..self }
    }

    /// Hides the length of the content. None unless said.
    pub const fn padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    /// Adds bytes that everyone can read and nobody can change unseen. Empty unless said.
    pub const fn public_data(self, public_data: &'a [u8]) -> Self {
        Self { public_data, ..self }
    }

    /// Adds `count` random entries of 48 bytes to the P-256 group, to blur how many readers there are. [STZ-05]
    pub const fn decoys(self, count: usize) -> Self {
        Self { decoys: count, ..self }
    }

    /// Seals over the default limits of readers, who then have to raise theirs. [LIM-10]
    pub const fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// An upper bound of the sealed length of `content_len` bytes [ENV-06], and a buffer that is always large enough for
    /// [`seal_into`](Self::seal_into): exact but for at most 6 bytes of length prefixes, 5 of a passphrase's costs, and
    /// what a recipient takes that was given twice.
    ///
    /// # Errors
    /// [`Error::Limit`] if it does not fit memory's address space.
    pub fn max_sealed_len(&self, content_len: usize) -> Result<usize, Error> {
        let too_long = Error::Limit { limit: "chunks" };
        let plain_len = self.plain_len(u64::try_from(content_len).map_err(|_| too_long)?)?;
        let payload_len = usize::try_from(plain_len).ok().and_then(sealed_len).ok_or(too_long)?;
        let block_len = self.signature().map_or(0, signature::block_len);
        self.max_head_len().checked_add(payload_len).and_then(|len| len.checked_add(block_len)).ok_or(too_long)
    }

    /// Seals `content`.
    ///
    /// # Errors
    /// [`Error::Argument`] for no recipient at all, a passphrase beside others [ENV-05], two RSA keys with one key id
    /// [STZ-12], decoys without a P-256 recipient, or a sender whose key is elsewhere; [`Error::Limit`];
    /// [`Error::Key`] if the signing key failed or is not the sender's; [`Error::Generator`].
    #[cfg(feature = "alloc")]
    pub fn seal(&self, content: &[u8], rng: &mut impl TryCryptoRng) -> Result<Vec<u8>, Error> {
        self.seal_as(ContentType::Message, content, rng)
    }

    /// Seals `content` into a caller's buffer of [`max_sealed_len`](Self::max_sealed_len) bytes, without an allocation
    /// (P-256 and symmetric keys); gives the envelope's length.
    ///
    /// # Errors
    /// As [`seal`](Self::seal), and [`Error::Buffer`].
    pub fn seal_into(&self, content: &[u8], out: &mut [u8], rng: &mut impl TryCryptoRng) -> Result<usize, Error> {
        self.seal_into_as(ContentType::Message, content, out, rng)
    }

    #[inline(never)]
    pub(super) fn seal_into_as(
        &self,
        content_type: ContentType,
        content: &[u8],
        out: &mut [u8],
        rng: &mut dyn Random,
    ) -> Result<usize, Error> {
        let needed = self.max_sealed_len(content.len())?;
        if out.len() < needed {
            return Err(Error::Buffer { needed });
        }
        self.check(content_type)?;
        // Before the work, not after it.
        self.sender.map_or(Ok(()), |sender| sender.key().map(|_| ()))?;
        let sealed = self.seal_all(content_type, content, out, rng);
        if sealed.is_err() {
            // A padded or signed part may stand there in clear.
            out.get_mut(..needed).unwrap_or_default().zeroize();
        }
        sealed
    }

    fn seal_all(
        &self,
        content_type: ContentType,
        content: &[u8],
        out: &mut [u8],
        rng: &mut dyn Random,
    ) -> Result<usize, Error> {
        let (mut sealing, head_len) = self.begin(content_type, out, rng)?;
        let payload = out.get_mut(head_len..).unwrap_or_default();
        let payload_len = self.seal_payload(&mut sealing.chunks, content, payload)?;
        let block_len = sealing.finish_into(payload.get_mut(payload_len..).unwrap_or_default(), rng)?;
        Ok(head_len.saturating_add(payload_len).saturating_add(block_len))
    }

    /// Whom it is sealed to: the recipients, and the sender unless that was declined.
    fn all_recipients(&self) -> impl Iterator<Item = RecipientKind<'a>> + Clone {
        let copy = self.sender.filter(|_| self.copy).map(|sender| sender.identity.recipient().0);
        self.recipients.iter().map(|recipient| recipient.0).chain(copy)
    }

    fn signature(&self) -> Option<SignatureAlgorithm> {
        self.sender.map(|sender| sender.identity.signing_key().algorithm())
    }

    #[cfg(feature = "alloc")]
    pub(super) fn is_padded(&self) -> bool {
        self.padding != Padding::None
    }

    /// Bytes of the plaintext: content, and what padding adds. [PAD-02]
    pub(super) fn plain_len(&self, content_len: u64) -> Result<u64, Error> {
        let prefix = u64::try_from(LENGTH_PREFIX_LEN).unwrap_or(u64::MAX);
        match self.padding {
            Padding::None => Ok(content_len),
            Padding::Padme => content_len.checked_add(prefix).and_then(padme).ok_or(Error::Limit { limit: "chunks" }),
        }
    }

    /// Upper bound of header and commitment, with room for length prefixes that turn out shorter.
    pub(super) fn max_head_len(&self) -> usize {
        let mut points = self.decoys;
        let mut others = 0_usize;
        for recipient in self.all_recipients() {
            match recipient {
                RecipientKind::P256 { .. } => points = points.saturating_add(1),
                #[cfg(feature = "rsa")]
                RecipientKind::Rsa { key, .. } => {
                    others = others.saturating_add(super::recipient::rsa::max_len(key));
                }
                RecipientKind::Symmetric(_) => others = others.saturating_add(stanza::SYMMETRIC_LEN),
                #[cfg(feature = "passphrase")]
                RecipientKind::Passphrase(_) => others = others.saturating_add(stanza::PASSPHRASE_MAX_LEN),
            }
        }
        let group = if points > 0 { p256::max_len(points) } else { 0 };
        STANZAS_AT
            .saturating_add(group)
            .saturating_add(others)
            .saturating_add(length_len(self.public_data.len()))
            .saturating_add(self.public_data.len())
            .saturating_add(COMMITMENT_LEN)
    }

    /// Draws salt and DEK, writes header and commitment to the front of `out`; gives their length. Its callers have made
    /// sure by [`check`](Self::check) that it can be sealed. SPEC §7.4 [ENV-09]
    pub(super) fn begin(
        &self,
        content_type: ContentType,
        out: &mut [u8],
        rng: &mut dyn Random,
    ) -> Result<(Sealing<'a>, usize), Error> {
        let mut salt = [0; SALT_LEN];
        rng.fill(&mut salt)?;
        // [ENV-10] a fresh DEK for each envelope: no caller can give one.
        let mut dek = Secret::<KEY_LEN>::zero();
        rng.fill(dek.expose_mut())?;

        let needed = self.max_head_len();
        let area = out.get_mut(STANZAS_AT..).ok_or(Error::Buffer { needed })?;
        let stanzas_len = self.write_stanzas(content_type, &salt, &dek, area, rng)?;
        if stanzas_len > VECTOR_MAX || self.public_data.len() > VECTOR_MAX {
            return Err(Error::Limit { limit: "header bytes" });
        }
        // The prefix's length is known only now: the stanzas move up to it.
        let stanzas_at = FIXED_LEN.saturating_add(length_len(stanzas_len));
        out.copy_within(STANZAS_AT..STANZAS_AT.saturating_add(stanzas_len), stanzas_at);
        let mut head = Writer::new(out);
        head.put(&prefix(content_type.code()))?;
        head.u8(self.signature().map_or(0, SignatureAlgorithm::code))?;
        head.u8(match self.padding {
            Padding::None => 0,
            Padding::Padme => 1,
        })?;
        head.put(&salt)?;
        head.length(stanzas_len)?;
        head.reserve(stanzas_len)?;
        head.vector(self.public_data)?;
        let header_len = head.len();
        if header_len > self.limits.header_len {
            return Err(Error::Limit { limit: "header bytes" });
        }

        let (header, rest) = out.split_at_mut_checked(header_len).ok_or(Error::Buffer { needed })?;
        let header_hash = sha256(header);
        let keys = KeySchedule::new(dek, &header_hash)?;
        Writer::new(rest).put(&keys.commitment)?;
        let hashed = content_type == ContentType::Attachment || self.sender.is_some();
        let hashed = if hashed { Hashed::Yes } else { Hashed::No };
        let sealing = Sealing { chunks: Chunks::new(keys, hashed), content_type, header_hash, sender: self.sender };
        Ok((sealing, header_len.saturating_add(COMMITMENT_LEN)))
    }

    /// What of the builder cannot be sealed: to be asked before memory is taken for it.
    pub(super) fn check(&self, content_type: ContentType) -> Result<(), Error> {
        let count = self.all_recipients().count();
        if content_type == ContentType::Attachment {
            // [ENV-02] [ATT-02]
            return if count == 0 && self.decoys == 0 && self.sender.is_none() {
                Ok(())
            } else {
                Err(Error::Argument { what: "an attachment has no recipients, decoys or sender" })
            };
        }
        // [ENV-02]
        if count == 0 {
            return Err(Error::Argument { what: "an envelope for nobody" });
        }
        #[cfg(feature = "passphrase")]
        if count > 1 && self.all_recipients().any(|kind| matches!(kind, RecipientKind::Passphrase(_))) {
            return Err(Error::Argument { what: "a passphrase stands alone, without a copy for the sender" });
        }
        if self.decoys > 0 && !self.all_recipients().any(|kind| matches!(kind, RecipientKind::P256 { .. })) {
            return Err(Error::Argument { what: "decoys without a P-256 recipient" });
        }
        // [LIM-10] and no more than a vector can hold, whatever the limits.
        if count.saturating_add(self.decoys) > self.limits.entries || self.decoys > VECTOR_MAX / WRAPPED_LEN {
            return Err(Error::Limit { limit: "entries" });
        }
        Ok(())
    }

    /// Writes the stanzas in ascending order of type. [ENV-03]
    fn write_stanzas(
        &self,
        content_type: ContentType,
        salt: &[u8; SALT_LEN],
        dek: &Secret<KEY_LEN>,
        area: &mut [u8],
        rng: &mut dyn Random,
    ) -> Result<usize, Error> {
        let mut used = 0_usize;
        let points = self.all_recipients().filter_map(|kind| match kind {
            RecipientKind::P256 { key, id } => Some((key, id)),
            _ => None,
        });
        if points.clone().next().is_some() {
            used = p256::write(points, self.decoys, content_type, salt, dek, area, rng)?;
        }
        let area_len = area.len();
        let rest = area.get_mut(used..).ok_or(Error::Buffer { needed: area_len })?;
        #[cfg(feature = "rsa")]
        let rest = {
            let moduli = self.all_recipients().filter_map(|kind| match kind {
                RecipientKind::Rsa { key, id } => Some((key, id)),
                _ => None,
            });
            let mut out = Writer::new(rest);
            super::recipient::rsa::write(moduli, content_type, salt, dek, &mut out, rng)?;
            used = used.saturating_add(out.len());
            area.get_mut(used..).ok_or(Error::Buffer { needed: area_len })?
        };

        let (places, _) = rest.as_chunks_mut::<{ stanza::SYMMETRIC_LEN }>();
        let mut count = 0_usize;
        for kind in self.all_recipients() {
            if let RecipientKind::Symmetric(key) = kind {
                *places.get_mut(count).ok_or(Error::Buffer { needed: area_len })? =
                    symmetric::stanza_of(key, content_type, salt, dek)?;
                count = count.saturating_add(1);
            }
        }
        // Type and key id lead each stanza: sorting stanzas sorts key ids, and the same key gives the same stanza.
        let made = places.get_mut(..count).ok_or(Error::Buffer { needed: area_len })?;
        p256::sort(made);
        let unique = p256::drop_repeats(made);
        // [STZ-12]
        let ids = made.get(..unique).unwrap_or_default().iter().map(|stanza| stanza.get(..=stanza::KEY_ID_LEN));
        if !ids.is_sorted_by(|a, b| a < b) {
            return Err(Error::Argument { what: "two symmetric recipients with one key id" });
        }
        used = used.saturating_add(unique.saturating_mul(stanza::SYMMETRIC_LEN));

        #[cfg(feature = "passphrase")]
        for kind in self.all_recipients() {
            if let RecipientKind::Passphrase(key) = kind {
                let rest = area.get_mut(used..).ok_or(Error::Buffer { needed: area_len })?;
                let mut out = Writer::new(rest);
                out.u8(stanza::PASSPHRASE)?;
                key.kdf.encode(&mut out)?;
                let label = crate::labels::PASSPHRASE_WRAP;
                out.put(&symmetric::wrap(&key.kek, label, content_type, stanza::PASSPHRASE, salt, dek)?)?;
                used = used.saturating_add(out.len());
            }
        }
        Ok(used)
    }

    /// Seals the whole content to `out`; gives the sealed length.
    pub(crate) fn seal_payload(&self, chunks: &mut Chunks, content: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        let too_long = Error::Limit { limit: "chunks" };
        let content_len = u64::try_from(content.len()).map_err(|_| too_long)?;
        let plain_len = usize::try_from(self.plain_len(content_len)?).map_err(|_| too_long)?;
        let payload_len = sealed_len(plain_len).ok_or(too_long)?;
        let mut out = out.get_mut(..payload_len).ok_or(Error::Buffer { needed: payload_len })?;
        let mut plain_left = plain_len;
        let length = content_len.to_be_bytes();
        let (mut head, mut content) = match self.padding {
            Padding::None => (&[][..], content),
            Padding::Padme => (&length[..], content),
        };
        loop {
            if head.is_empty() {
                // Chunks that the content alone fills: from there to here in one pass.
                let count = content.len() / CHUNK_LEN;
                let (text, content_rest) = content.split_at(count.saturating_mul(CHUNK_LEN));
                let sealed = count.saturating_mul(SEALED_CHUNK_LEN);
                let (full, rest) = out.split_at_mut_checked(sealed).ok_or(too_long)?;
                chunks.seal_full(text, full)?;
                plain_left = plain_left.saturating_sub(text.len());
                (content, out) = (content_rest, rest);
            }
            let text_len = plain_left.min(CHUNK_LEN);
            let (chunk, rest) = out.split_at_mut_checked(text_len.saturating_add(TAG_LEN)).ok_or(too_long)?;
            let mut room = chunk.get_mut(..text_len).unwrap_or_default();
            for source in [&mut head, &mut content] {
                let take = source.len().min(room.len());
                let (text, source_rest) = source.split_at(take);
                let (place, room_rest) = room.split_at_mut(take);
                place.copy_from_slice(text);
                (*source, room) = (source_rest, room_rest);
            }
            room.fill(0);
            chunks.seal_in_place(chunk)?;
            plain_left = plain_left.saturating_sub(text_len);
            // [PAY-01] the last chunk is the one that is shorter.
            if text_len < CHUNK_LEN {
                return Ok(payload_len);
            }
            out = rest;
        }
    }
}

/// Header bytes before the stanzas' length prefix.
const FIXED_LEN: usize = PREFIX_LEN + 2 + SALT_LEN;
/// Where stanzas are written before the length of their prefix is known.
const STANZAS_AT: usize = FIXED_LEN + 4;

/// An envelope whose header is written and whose chunks are being sealed.
pub(super) struct Sealing<'a> {
    pub(super) chunks: Chunks,
    content_type: ContentType,
    header_hash: [u8; 32],
    sender: Option<Sender<'a>>,
}

impl<'a> Sealing<'a> {
    pub(super) fn block_len(&self) -> usize {
        self.sender.map_or(0, |sender| signature::block_len(sender.identity.signing_key().algorithm()))
    }

    /// After the last chunk: writes the signature block to the front of `out`, if there is a sender; gives its length.
    pub(super) fn finish_into(self, out: &mut [u8], rng: &mut dyn Random) -> Result<usize, Error> {
        // Its key would be lost.
        if self.content_type == ContentType::Attachment {
            return Err(Error::Argument { what: "an attachment ends with `finish_attachment`" });
        }
        let block_len = self.block_len();
        let Some(pending) = self.finish_request()? else { return Ok(0) };
        let block = out.get_mut(..block_len).ok_or(Error::Buffer { needed: block_len })?;
        pending.block_key.seal(pending.signer(), block, |place| pending.sender.sign(&pending.digest, place, rng))?;
        Ok(block_len)
    }

    /// What is to be signed, if there is a sender.
    pub(super) fn finish_request(self) -> Result<Option<PendingBlock<'a>>, Error> {
        let (keys, chunks_hash) = self.chunks.finish();
        let (Some(sender), Some(chunks_hash)) = (self.sender, chunks_hash) else { return Ok(None) };
        let algorithm = sender.identity.signing_key().algorithm();
        let signed = Signed { header_hash: &self.header_hash, commitment: &keys.commitment, chunks_hash: &chunks_hash };
        let digest = signed.digest(sender.identity.fingerprint(), algorithm);
        Ok(Some(PendingBlock { sender, digest, block_key: BlockKey::new(&keys.dek, &self.header_hash)? }))
    }

    /// The key of an attachment.
    pub(super) fn finish_attachment(self) -> Result<AttachmentKey, Error> {
        let not_one = Error::Argument { what: "not an attachment" };
        if self.content_type != ContentType::Attachment {
            return Err(not_one);
        }
        let (keys, chunks_hash) = self.chunks.finish();
        let chunks_hash = chunks_hash.ok_or(not_one)?;
        let signed = Signed { header_hash: &self.header_hash, commitment: &keys.commitment, chunks_hash: &chunks_hash };
        Ok(AttachmentKey::new(&keys.dek, &signed))
    }
}

/// A signature block that waits for its signature.
pub(super) struct PendingBlock<'a> {
    pub(super) sender: Sender<'a>,
    pub(super) digest: [u8; 32],
    pub(super) block_key: BlockKey,
}

impl PendingBlock<'_> {
    pub(super) fn signer(&self) -> &Fingerprint {
        self.sender.identity.fingerprint()
    }
}
