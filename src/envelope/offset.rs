//! Reading at an offset: only the chunks that hold what is wanted. SPEC §9.3.

use super::open::Unlocked;
use super::opened::Unverified;
use super::payload::{CHUNK, LENGTH_PREFIX_LEN, SEALED_CHUNK, chunk_nonce, plaintext_len};
use crate::crypto::Aead;
use crate::error::Error;
use crate::labels::{CHUNK_LEN, SEALED_CHUNK_LEN, TAG_LEN};
use core::fmt;
use core::ops::Range;
use zeroize::Zeroize;

const PREFIX: u64 = 8;
const _: () = assert!(LENGTH_PREFIX_LEN == 8);

impl Unlocked {
    /// Prepares reading at offsets in an envelope of `envelope_len` bytes, which whoever stores it says.
    ///
    /// # Errors
    /// [`Error::Decrypt`] if no envelope has that length [PAY-03]; [`Error::Unsupported`] if it is neither a message nor an
    /// attachment.
    pub fn at_offsets(self, envelope_len: u64) -> Result<OffsetProbe, Error> {
        self.is_for_applications()?;
        let wide = |len: usize| u64::try_from(len).map_err(|_| Error::Decrypt);
        let head_len = wide(self.head_len)?;
        let payload_len = envelope_len
            .checked_sub(head_len)
            .and_then(|len| len.checked_sub(wide(self.block_len()).unwrap_or(u64::MAX)))
            .ok_or(Error::Decrypt)?;
        let plain_len = plaintext_len(payload_len)?;
        Ok(OffsetProbe { unlocked: self, head_len, last: payload_len / SEALED_CHUNK, payload_len, plain_len })
    }
}

/// An envelope to be read at offsets, whose length is still only what its store says.
pub struct OffsetProbe {
    unlocked: Unlocked,
    head_len: u64,
    /// Number of the last chunk.
    last: u64,
    payload_len: u64,
    plain_len: u64,
}

impl OffsetProbe {
    /// The envelope's bytes to fetch first: the last chunk, which proves the length.
    #[must_use]
    pub fn last_chunk(&self) -> Range<u64> {
        self.sealed(self.last..=self.last)
    }

    /// The bytes to fetch as well if the envelope is padded: the first chunk, which begins with the content's length.
    #[must_use]
    pub fn first_chunk(&self) -> Option<Range<u64>> {
        self.unlocked.padded.then(|| self.sealed(0..=0))
    }

    /// Where chunks stand in the envelope.
    fn sealed(&self, chunks: core::ops::RangeInclusive<u64>) -> Range<u64> {
        let start = chunks.start().saturating_mul(SEALED_CHUNK);
        let end = chunks.end().saturating_add(1).saturating_mul(SEALED_CHUNK).min(self.payload_len);
        self.head_len.saturating_add(start)..self.head_len.saturating_add(end)
    }

    /// Opens both chunks: from here on the content's length is authentic. [OFF-01]
    ///
    /// # Errors
    /// [`Error::Decrypt`] if either is not what was sealed, or the length is not. [`Error::Argument`] if the first chunk
    /// is missing.
    pub fn authenticate(self, last_chunk: &[u8], first_chunk: Option<&[u8]>) -> Result<OffsetReader, Error> {
        let mut scratch = [0; CHUNK_LEN];
        let mut content_len = self.plain_len;
        if self.unlocked.padded {
            let first = first_chunk.ok_or(Error::Argument { what: "a padded envelope's first chunk is needed" })?;
            let plain = self.open_chunk(0, first, &mut scratch)?;
            let (prefix, _) = plain.split_first_chunk::<LENGTH_PREFIX_LEN>().ok_or(Error::Decrypt)?;
            content_len = u64::from_be_bytes(*prefix);
            // [PAD-01]
            if content_len > self.plain_len.checked_sub(PREFIX).ok_or(Error::Decrypt)? {
                return Err(Error::Decrypt);
            }
            self.check_zeros(0, plain, content_len)?;
        }
        let plain = self.open_chunk(self.last, last_chunk, &mut scratch)?;
        self.check_zeros(self.last, plain, content_len)?;
        Ok(OffsetReader { probe: self, content_len })
    }

    /// Where the content begins in the plaintext. SPEC §9.2
    const fn content_at(&self) -> u64 {
        if self.unlocked.padded { PREFIX } else { 0 }
    }

    /// What of a chunk stands after the content is zeros. [PAD-01]
    fn check_zeros(&self, index: u64, plain: &[u8], content_len: u64) -> Result<(), Error> {
        let left = content_len.saturating_add(self.content_at()).saturating_sub(index.saturating_mul(CHUNK));
        let content = usize::try_from(left).unwrap_or(usize::MAX).min(plain.len());
        if plain.get(content..).unwrap_or_default().iter().any(|&byte| byte != 0) {
            return Err(Error::Decrypt);
        }
        Ok(())
    }

    /// Verifies one chunk under its number, with the length that its number has. [OFF-01]
    fn open_chunk<'p>(&self, index: u64, sealed: &[u8], plain: &'p mut [u8]) -> Result<&'p [u8], Error> {
        let place = self.sealed(index..=index);
        if u64::try_from(sealed.len()).ok() != place.end.checked_sub(place.start) {
            return Err(Error::Decrypt);
        }
        let plain = plain.get_mut(..sealed.len().saturating_sub(TAG_LEN)).ok_or(Error::Decrypt)?;
        let nonce = chunk_nonce(self.unlocked.keys.base_nonce.expose(), index).map_err(|_| Error::Decrypt)?;
        Aead::new(self.unlocked.keys.key.expose()).open(&nonce, &[], sealed, plain)?;
        Ok(plain)
    }
}

impl fmt::Debug for OffsetProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OffsetProbe(..)")
    }
}

/// Reads an envelope at offsets.
///
/// A signed envelope's signature covers all chunks, so what is read here is [`Unverified`]. [OFF-02]
#[derive(Debug)]
pub struct OffsetReader {
    probe: OffsetProbe,
    content_len: u64,
}

impl OffsetReader {
    /// Length of the content in bytes; authentic.
    #[must_use]
    pub const fn content_len(&self) -> u64 {
        self.content_len
    }

    /// The envelope's bytes to fetch for `content`: whole chunks.
    ///
    /// # Errors
    /// [`Error::Argument`] if the range ends before it starts or after the content.
    pub fn fetch(&self, content: &Range<u64>) -> Result<Range<u64>, Error> {
        let plain = self.plain(content)?;
        let last = plain.end.saturating_sub(1).max(plain.start) / CHUNK;
        Ok(self.probe.sealed(plain.start / CHUNK..=last))
    }

    fn plain(&self, content: &Range<u64>) -> Result<Range<u64>, Error> {
        if content.start > content.end || content.end > self.content_len {
            return Err(Error::Argument { what: "a range outside of the content" });
        }
        let shift = self.probe.content_at();
        Ok(content.start.saturating_add(shift)..content.end.saturating_add(shift))
    }

    /// Opens `sealed`, the bytes that [`fetch`](Self::fetch) named for `content`, to `out`; gives the content.
    ///
    /// `out` is as long as `sealed`, or longer.
    ///
    /// # Errors
    /// [`Error::Decrypt`] if a chunk is not what was sealed there: what was written to `out` is zeroized then.
    /// [`Error::Argument`], [`Error::Buffer`].
    pub fn open_into<'o>(
        &self,
        content: &Range<u64>,
        sealed: &[u8],
        out: &'o mut [u8],
    ) -> Result<Unverified<&'o [u8]>, Error> {
        let place = self.fetch(content)?;
        if u64::try_from(sealed.len()).ok() != place.end.checked_sub(place.start) {
            return Err(Error::Decrypt);
        }
        if out.len() < sealed.len() {
            return Err(Error::Buffer { needed: sealed.len() });
        }
        let plain = self.plain(content)?;
        let first = plain.start / CHUNK;
        let mut done = 0_usize;
        for (index, chunk) in (first..).zip(sealed.chunks(SEALED_CHUNK_LEN)) {
            let rest = out.get_mut(done..).unwrap_or_default();
            let opened = self.probe.open_chunk(index, chunk, rest).and_then(|text| {
                self.probe.check_zeros(index, text, self.content_len)?;
                Ok(text.len())
            });
            match opened {
                Ok(len) => done = done.saturating_add(len),
                Err(error) => {
                    let done = done.saturating_add(chunk.len()).min(out.len());
                    // [ENV-12] what was decrypted before the failure is not handed out.
                    out.get_mut(..done).unwrap_or_default().zeroize();
                    return Err(error);
                }
            }
        }
        let start = usize::try_from(plain.start % CHUNK).map_err(|_| Error::Decrypt)?;
        let len = usize::try_from(plain.end.saturating_sub(plain.start)).map_err(|_| Error::Decrypt)?;
        let end = start.checked_add(len).filter(|end| *end <= done).ok_or(Error::Decrypt)?;
        out.get(start..end).map(Unverified).ok_or(Error::Decrypt)
    }

    /// [`open_into`](Self::open_into) into a new vector.
    ///
    /// # Errors
    /// As [`open_into`](Self::open_into).
    #[cfg(feature = "alloc")]
    pub fn open(&self, content: &Range<u64>, sealed: &[u8]) -> Result<Unverified<alloc::vec::Vec<u8>>, Error> {
        let mut out = alloc::vec![0; sealed.len()];
        let len = self.open_into(content, sealed, &mut out)?.unverified().len();
        let start = usize::try_from(self.plain(content)?.start % CHUNK).map_err(|_| Error::Decrypt)?;
        out.truncate(start.saturating_add(len));
        out.drain(..start);
        Ok(Unverified(out))
    }
}
