//! Streams: bytes are pushed in as they come, and what is ready comes out, in constant memory. SPEC §9.

use super::open::{Locked, Opening, Unlocked};
use super::opened::{Opened, Unverified};
use super::payload::{Chunks, LENGTH_PREFIX_LEN};
use super::seal::{PendingBlock, Sealing};
use super::{ContentType, Envelope, Limits, PendingEnvelope};
use crate::error::Error;
use crate::labels::{CHUNK_LEN, SEALED_CHUNK_LEN, TAG_LEN};
use alloc::vec::Vec;
use core::fmt;
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

impl<'a> Envelope<'a> {
    /// Begins a sealed stream. With padding, `content_len` says beforehand how many bytes will be pushed. [PAD-03]
    ///
    /// # Errors
    /// As [`seal`](Self::seal), and [`Error::Argument`] if padding is set and `content_len` is `None`.
    pub fn stream(&self, content_len: Option<u64>, rng: &mut impl TryCryptoRng) -> Result<SealStream<'a>, Error> {
        self.start(ContentType::Message, content_len, rng)
    }

    /// Begins a streamed attachment; it ends with [`SealStream::finish_attachment`]. SPEC §10.4
    ///
    /// # Errors
    /// As [`seal_attachment`](Self::seal_attachment), and [`Error::Argument`] if padding is set and `content_len` is `None`.
    pub fn stream_attachment(
        &self,
        content_len: Option<u64>,
        rng: &mut impl TryCryptoRng,
    ) -> Result<SealStream<'a>, Error> {
        self.start(ContentType::Attachment, content_len, rng)
    }

    pub(super) fn start(
        &self,
        content_type: ContentType,
        content_len: Option<u64>,
        rng: &mut impl TryCryptoRng,
    ) -> Result<SealStream<'a>, Error> {
        self.check(content_type)?;
        let padded = self.is_padded();
        let mut plain = Zeroizing::new(Vec::with_capacity(CHUNK_LEN));
        let mut zeros = 0;
        if padded {
            let len = content_len.ok_or(Error::Argument { what: "a padded stream needs its content's length" })?;
            plain.extend_from_slice(&len.to_be_bytes());
            let prefix = u64::try_from(LENGTH_PREFIX_LEN).unwrap_or(u64::MAX);
            zeros = self.plain_len(len)?.saturating_sub(len).saturating_sub(prefix);
        }
        let mut out = alloc::vec![0; self.max_head_len()];
        let (sealing, head_len) = self.begin(content_type, &mut out, rng)?;
        out.truncate(head_len);
        Ok(SealStream { sealing, plain, out, taken: false, left: content_len, zeros })
    }
}

/// How much padding one call gives.
const PAD_STEP: u64 = 64 * 1024;

/// Seals content that comes piece by piece.
///
/// Each call gives the envelope's bytes that are ready, to be written out before the next call. The memory held is one
/// chunk and what the last call gave; the last call gives all padding that [`pad`](Self::pad) was not asked for.
pub struct SealStream<'a> {
    sealing: Sealing<'a>,
    /// Plaintext that does not fill a chunk yet.
    plain: Zeroizing<Vec<u8>>,
    /// What was given out last, or the header at the start.
    out: Vec<u8>,
    taken: bool,
    /// Content bytes still to come, where the length was told.
    left: Option<u64>,
    zeros: u64,
}

impl<'a> SealStream<'a> {
    /// Takes more content; gives the bytes that are ready, the first time with the header.
    ///
    /// # Errors
    /// [`Error::Argument`] if more comes than was told [PAD-03]; [`Error::Limit`] past 2^38 chunks.
    pub fn push(&mut self, content: &[u8]) -> Result<&[u8], Error> {
        if let Some(left) = &mut self.left {
            let len = u64::try_from(content.len()).unwrap_or(u64::MAX);
            *left = left.checked_sub(len).ok_or(Error::Argument { what: "more content than was told" })?;
        }
        self.turn();
        self.feed(content)?;
        Ok(&self.out)
    }

    /// Gives some of the padding once all content was pushed, and `None` when the rest is for the last chunk.
    ///
    /// Padding may take a ninth of the content, and what was not taken here comes at once with the stream's last bytes:
    /// where that is more than memory should hold, call this until it gives `None`, then finish. SPEC §9.2
    ///
    /// # Errors
    /// [`Error::Argument`] if less came than was told. [PAD-03]
    pub fn pad(&mut self) -> Result<Option<&[u8]>, Error> {
        self.content_is_whole()?;
        if self.zeros == 0 {
            return Ok(None);
        }
        self.turn();
        self.feed_zeros(PAD_STEP)?;
        Ok(Some(&self.out))
    }

    /// Ends the stream; gives its last bytes.
    ///
    /// # Errors
    /// [`Error::Argument`] if less came than was told, if the sender's key is elsewhere, or for an attachment;
    /// [`Error::Key`] if the signing key failed; [`Error::Generator`]. Nothing that opens was written then. [PAD-03]
    pub fn finish(mut self, rng: &mut impl TryCryptoRng) -> Result<Vec<u8>, Error> {
        self.last_chunk()?;
        let at = self.out.len();
        let block_len = self.sealing.block_len();
        self.out.resize(at.saturating_add(block_len), 0);
        self.sealing.finish_into(self.out.get_mut(at..).unwrap_or_default(), rng)?;
        Ok(self.out)
    }

    /// Ends the stream of a sender whose key is elsewhere; gives what is to be signed.
    ///
    /// # Errors
    /// [`Error::Argument`] if less came than was told [PAD-03], or if there is no sender.
    pub fn finish_request(mut self) -> Result<PendingSignature<'a>, Error> {
        self.last_chunk()?;
        let pending = self.sealing.finish_request()?.ok_or(Error::Argument { what: "nobody signs this envelope" })?;
        Ok(PendingSignature { pending, out: self.out })
    }

    /// Ends the stream of an attachment; gives its last bytes and its key.
    ///
    /// # Errors
    /// [`Error::Argument`] if less came than was told [PAD-03], or if it is not an attachment.
    pub fn finish_attachment(mut self) -> Result<(Vec<u8>, super::AttachmentKey), Error> {
        self.last_chunk()?;
        Ok((self.out, self.sealing.finish_attachment()?))
    }

    /// Forgets what the last call gave out.
    fn turn(&mut self) {
        if self.taken {
            self.out.clear();
        }
        self.taken = true;
    }

    fn feed(&mut self, mut content: &[u8]) -> Result<(), Error> {
        while !content.is_empty() {
            // A whole chunk is sealed from where it stands.
            if let Some((chunk, rest)) = content.split_at_checked(CHUNK_LEN).filter(|_| self.plain.is_empty()) {
                seal_onto(&mut self.sealing.chunks, chunk, &mut self.out)?;
                content = rest;
                continue;
            }
            let room = CHUNK_LEN.saturating_sub(self.plain.len());
            let (head, rest) = content.split_at(room.min(content.len()));
            self.plain.extend_from_slice(head);
            content = rest;
            if self.plain.len() == CHUNK_LEN {
                self.seal_chunk()?;
            }
        }
        Ok(())
    }

    fn seal_chunk(&mut self) -> Result<(), Error> {
        seal_onto(&mut self.sealing.chunks, &self.plain, &mut self.out)?;
        self.plain.clear();
        Ok(())
    }

    /// Pads, and seals what is left as the last chunk. [PAY-01] [PAD-03]
    fn last_chunk(&mut self) -> Result<(), Error> {
        self.content_is_whole()?;
        self.turn();
        self.feed_zeros(self.zeros)?;
        self.seal_chunk()
    }

    /// [PAD-03]
    fn content_is_whole(&self) -> Result<(), Error> {
        match self.left {
            None | Some(0) => Ok(()),
            Some(_) => Err(Error::Argument { what: "less content than was told" }),
        }
    }

    fn feed_zeros(&mut self, count: u64) -> Result<(), Error> {
        const ZEROS: [u8; 1024] = [0; 1024];
        let mut left = count.min(self.zeros);
        self.zeros = self.zeros.saturating_sub(left);
        while left > 0 {
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(ZEROS.len());
            self.feed(ZEROS.get(..take).unwrap_or_default())?;
            left = left.saturating_sub(u64::try_from(take).unwrap_or(u64::MAX));
        }
        Ok(())
    }
}

/// Seals the next chunk to the end of `out`.
fn seal_onto(chunks: &mut Chunks, plain: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let at = out.len();
    out.resize(at.saturating_add(plain.len()).saturating_add(TAG_LEN), 0);
    chunks.seal(plain, out.get_mut(at..).unwrap_or_default())
}

impl fmt::Debug for SealStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealStream(..)")
    }
}

/// An envelope that is complete but for its signature: for keys behind asynchronous APIs. SPEC §10.2
pub struct PendingSignature<'a> {
    pending: PendingBlock<'a>,
    out: Vec<u8>,
}

impl<'a> PendingSignature<'a> {
    /// What is to be signed, and the envelope's bytes before it that were not given out yet.
    pub(super) fn into_parts(self) -> (PendingBlock<'a>, Vec<u8>) {
        (self.pending, self.out)
    }

    /// The SHA-256 digest that the sender's key has to sign.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.pending.digest
    }

    /// Takes the signature; gives the envelope's last bytes.
    ///
    /// # Errors
    /// [`Error::Key`] if it is not the sender's signature over [`digest`](Self::digest). It is verified, since it comes
    /// from elsewhere.
    pub fn complete(self, signature: &[u8]) -> Result<Vec<u8>, Error> {
        let Self { pending, out } = self;
        PendingEnvelope::new(out, pending).complete(signature)
    }
}

impl fmt::Debug for PendingSignature<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingSignature").field("digest", &self.pending.digest).finish_non_exhaustive()
    }
}

/// The first bytes of an envelope that comes piece by piece, up to where it can be unlocked.
///
/// Holds at most the header that its limits allow. [LIM-02] [WIRE-05]
///
/// ```
/// # use sealroom::*;
/// # #[cfg(feature = "std")]
/// # fn main() -> Result<(), Error> {
/// # let mut rng = SystemRng;
/// # let bob = Root::from_bip39_seed(&[2; 64]).identity(Profile::P256, 0, &mut rng)?;
/// # let envelope = Envelope::to(&[bob.public().recipient()]).seal(&[7; 50_000], &mut rng)?;
/// # let mut content = Vec::new();
/// let mut start = EnvelopeStart::new(Limits::default());
/// let mut pieces = envelope.chunks(1000);
/// let rest = loop {
///     let piece = pieces.next().ok_or(Error::Decrypt)?; // an envelope that was cut
///     if let Some(rest) = start.push(piece)? {
///         break rest;
///     }
/// };
/// let mut stream = start.locked()?.unlock(&[bob.reader()], &mut rng)?.stream();
/// content.extend_from_slice(stream.push(rest)?.unverified());
/// for piece in pieces {
///     content.extend_from_slice(stream.push(piece)?.unverified());
/// }
/// let end = stream.finish()?;
/// content.extend(end.unverified()); // or end.verify(&signer)?
/// # assert_eq!(content, [7; 50_000]);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "std"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct EnvelopeStart {
    limits: Limits,
    bytes: Vec<u8>,
    complete: bool,
}

impl EnvelopeStart {
    /// Waits for a header within `limits`.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, bytes: Vec::new(), complete: false }
    }

    /// Takes more bytes. Once header and commitment are there, gives those of `input` that come after them.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Unsupported`] or [`Error::Limit`]: of the fixed fields and of lengths as soon as they
    /// are there, of stanzas once the header is complete.
    pub fn push<'i>(&mut self, input: &'i [u8]) -> Result<Option<&'i [u8]>, Error> {
        if self.complete {
            return Ok(Some(input));
        }
        let mut input = input;
        loop {
            let wanted = super::head_len(&self.bytes, &self.limits)?;
            let missing = wanted.saturating_sub(self.bytes.len());
            if missing == 0 {
                break;
            }
            let (head, rest) = input.split_at(missing.min(input.len()));
            self.bytes.extend_from_slice(head);
            input = rest;
            if head.len() < missing {
                // What is wrong already is refused already.
                super::head_len(&self.bytes, &self.limits)?;
                return Ok(None);
            }
        }
        Locked::decode(&self.bytes, &self.limits)?;
        self.complete = true;
        Ok(Some(input))
    }

    /// The envelope's header, to be unlocked.
    ///
    /// # Errors
    /// [`Error::Malformed`] before [`push`](Self::push) has told that it is complete.
    pub fn locked(&self) -> Result<Locked<'_>, Error> {
        Locked::decode(&self.bytes, &self.limits)
    }
}

impl Unlocked {
    /// Opens what follows header and commitment piece by piece. A stream of an envelope that is neither a message nor an
    /// attachment gives nothing but [`Error::Unsupported`].
    #[must_use]
    pub fn stream(self) -> OpenStream {
        let block_len = self.block_len();
        let content = if self.padded { Content::Length } else { Content::All };
        // [OBJ-03] what is inside the protocol's own types is not given out.
        let failed = self.is_for_applications().err();
        OpenStream {
            opening: self.start(),
            block_len,
            sealed: Vec::with_capacity(SEALED_CHUNK_LEN.saturating_add(block_len)),
            plain: Zeroizing::new(Vec::new()),
            content,
            failed,
        }
    }
}

/// Opens an envelope that comes piece by piece.
///
/// Every byte given out was authenticated with its chunk [PAY-04]; who signed is known only at the end, and the type says
/// so. [ENV-13] The memory held is one chunk and what the last call gave.
pub struct OpenStream {
    opening: Opening,
    block_len: usize,
    /// Sealed bytes that are not a whole chunk yet, or may be the signature block.
    sealed: Vec<u8>,
    plain: Zeroizing<Vec<u8>>,
    content: Content,
    failed: Option<Error>,
}

/// Where in a plaintext a stream is.
enum Content {
    /// Not padded: all of it is content.
    All,
    /// At its start, which is shorter than its first chunk and so never cut.
    Length,
    /// This many content bytes are to come, then zeros.
    Left(u64),
}

impl OpenStream {
    /// Takes more of the envelope; gives the content that could be opened.
    ///
    /// # Errors
    /// [`Error::Decrypt`] if a chunk was changed; the stream gives nothing more after that.
    pub fn push(&mut self, mut input: &[u8]) -> Result<Unverified<&[u8]>, Error> {
        self.check()?;
        let chunks = self.sealed.len().saturating_add(input.len()) / SEALED_CHUNK_LEN;
        self.make_room(chunks.saturating_mul(CHUNK_LEN));
        // Whatever is followed by as many bytes as a block, and is as long as a full chunk, is one: the last is shorter.
        let full = SEALED_CHUNK_LEN.saturating_add(self.block_len);
        while self.sealed.len().saturating_add(input.len()) >= full {
            let missing = SEALED_CHUNK_LEN.saturating_sub(self.sealed.len());
            let (head, rest) = input.split_at(missing.min(input.len()));
            // A whole chunk is opened from where it stands.
            let opened = if self.sealed.is_empty() {
                self.open_chunk(head)
            } else {
                self.sealed.extend_from_slice(head);
                self.open_kept(SEALED_CHUNK_LEN)
            };
            opened.map_err(|error| self.fail(error))?;
            input = rest;
        }
        self.sealed.extend_from_slice(input);
        Ok(Unverified(&self.plain))
    }

    /// Ends the stream: opens the last chunk and the signature block; gives the content that the last chunk held. Verifying it
    /// verifies all that the stream gave out. SPEC §10.2 [SIG-03]
    ///
    /// # Errors
    /// [`Error::Decrypt`] if the envelope was cut or changed.
    pub fn finish(mut self) -> Result<Opened<Vec<u8>>, Error> {
        self.check()?;
        self.make_room(self.sealed.len());
        let last_len = self.sealed.len().checked_sub(self.block_len).ok_or(Error::Decrypt)?;
        // [PAY-03]
        if !(TAG_LEN..SEALED_CHUNK_LEN).contains(&last_len) {
            return Err(Error::Decrypt);
        }
        self.open_kept(last_len)?;
        if !matches!(self.content, Content::All | Content::Left(0)) {
            return Err(Error::Decrypt);
        }
        let claim = self.opening.finish(&self.sealed)?;
        Ok(Opened::new(core::mem::take(&mut *self.plain), claim))
    }

    /// Forgets what the last call gave, and makes room for what this one can give: a vector that grew on its way would
    /// leave plaintext behind that nobody erases.
    fn make_room(&mut self, needed: usize) {
        self.plain.clear();
        if self.plain.capacity() < needed {
            self.plain = Zeroizing::new(Vec::with_capacity(needed));
        }
    }

    fn check(&self) -> Result<(), Error> {
        self.failed.map_or(Ok(()), Err)
    }

    fn fail(&mut self, error: Error) -> Error {
        self.failed = Some(error);
        self.plain.clear();
        error
    }

    /// Opens the first `len` bytes of those that were kept.
    fn open_kept(&mut self, len: usize) -> Result<(), Error> {
        let mut sealed = core::mem::take(&mut self.sealed);
        self.open_chunk(sealed.get(..len).ok_or(Error::Decrypt)?)?;
        sealed.drain(..len);
        self.sealed = sealed;
        Ok(())
    }

    /// Opens the next chunk, and keeps of its plaintext what is content. [PAD-01]
    fn open_chunk(&mut self, sealed: &[u8]) -> Result<(), Error> {
        let at = self.plain.len();
        self.plain.resize(at.saturating_add(sealed.len().saturating_sub(TAG_LEN)), 0);
        self.opening.chunks.open(sealed, self.plain.get_mut(at..).unwrap_or_default())?;
        if let Content::Length = self.content {
            // The chunk is at the start: nothing stands before it.
            let (prefix, _) = self.plain.split_first_chunk::<LENGTH_PREFIX_LEN>().ok_or(Error::Decrypt)?;
            self.content = Content::Left(u64::from_be_bytes(*prefix));
            self.plain.drain(..LENGTH_PREFIX_LEN);
        }
        if let Content::Left(left) = &mut self.content {
            let fresh = self.plain.len().saturating_sub(at);
            let take = usize::try_from(*left).unwrap_or(usize::MAX).min(fresh);
            *left = left.saturating_sub(u64::try_from(take).unwrap_or(u64::MAX));
            let end = at.saturating_add(take);
            if self.plain.get(end..).unwrap_or_default().iter().any(|&byte| byte != 0) {
                return Err(Error::Decrypt);
            }
            self.plain.truncate(end);
        }
        Ok(())
    }
}

impl fmt::Debug for OpenStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenStream(..)")
    }
}
