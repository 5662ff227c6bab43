//! Chunks and padding: C2SP chunked-encryption in its raw mode. SPEC §9.

use super::KeySchedule;
use crate::crypto::{Aead, Sha256, sha256};
use crate::error::Error;
use crate::labels::{CHUNK_LEN, MAX_CHUNKS, NONCE_LEN, SEALED_CHUNK_LEN, TAG_LEN};

/// Bytes of the content length that begins a padded plaintext. SPEC §9.2
pub(crate) const LENGTH_PREFIX_LEN: usize = 8;

/// Sealed bytes of `plaintext_len` bytes; `None` past what memory can hold. SPEC §9.1
pub(crate) fn sealed_len(plaintext_len: usize) -> Option<usize> {
    (plaintext_len / CHUNK_LEN).checked_add(1)?.checked_mul(TAG_LEN)?.checked_add(plaintext_len)
}

/// [`CHUNK_LEN`] and [`SEALED_CHUNK_LEN`], for envelopes that memory does not hold.
pub(crate) const CHUNK: u64 = 16 * 1024;
pub(crate) const SEALED_CHUNK: u64 = CHUNK + TAG;
const TAG: u64 = 16;
const _: () = assert!(CHUNK_LEN == 16 * 1024 && SEALED_CHUNK_LEN == CHUNK_LEN + 16 && TAG_LEN == 16);

/// Plaintext bytes in `payload_len` sealed bytes, if some plaintext has that length. [PAY-03]
pub(crate) fn plaintext_len(payload_len: u64) -> Result<u64, Error> {
    // The last chunk is never a full one, and has a tag at least.
    let last = (payload_len % SEALED_CHUNK).checked_sub(TAG).ok_or(Error::Decrypt)?;
    (payload_len / SEALED_CHUNK).checked_mul(CHUNK).and_then(|full| full.checked_add(last)).ok_or(Error::Decrypt)
}

/// Nonce of chunk `index`: base_nonce XOR the number as a 12-byte big-endian integer. [PAY-02] [LIM-01]
pub(crate) fn chunk_nonce(base_nonce: &[u8; NONCE_LEN], index: u64) -> Result<[u8; NONCE_LEN], Error> {
    if index >= MAX_CHUNKS {
        return Err(Error::Limit { limit: "chunks" });
    }
    let mut nonce = *base_nonce;
    nonce.iter_mut().rev().zip(index.to_be_bytes().iter().rev()).for_each(|(byte, number)| *byte ^= number);
    Ok(nonce)
}

/// SHA-256 over the SHA-256 of each sealed chunk. SPEC §10.2
///
/// A flat list of hashes, so that chunks can be hashed side by side.
#[derive(Clone)]
pub(crate) struct ChunksHash(Sha256);

impl ChunksHash {
    fn add(&mut self, sealed: &[u8]) {
        self.0.update(&sha256(sealed));
    }
}

/// Seals or opens the chunks of one envelope in their order.
pub(crate) struct Chunks {
    keys: KeySchedule,
    aead: Aead,
    index: u64,
    hash: Option<ChunksHash>,
}

impl Chunks {
    /// `hashed`: whether anything authenticates the chunks from outside: a signature or an attachment's digest.
    pub(crate) fn new(keys: KeySchedule, hashed: Hashed) -> Self {
        let hash = match hashed {
            Hashed::Yes => Some(ChunksHash(Sha256::new())),
            Hashed::No => None,
        };
        Self { aead: Aead::new(keys.key.expose()), keys, index: 0, hash }
    }

    fn next_nonce(&mut self) -> Result<[u8; NONCE_LEN], Error> {
        let nonce = chunk_nonce(self.keys.base_nonce.expose(), self.index)?;
        self.index = self.index.saturating_add(1);
        Ok(nonce)
    }

    fn note(&mut self, sealed: &[u8]) {
        if let Some(hash) = &mut self.hash {
            hash.add(sealed);
        }
    }

    /// Seals the next chunk from `plain` to `sealed`, longer by a tag.
    pub(crate) fn seal(&mut self, plain: &[u8], sealed: &mut [u8]) -> Result<(), Error> {
        let nonce = self.next_nonce()?;
        self.aead.seal(&nonce, &[], plain, sealed)?;
        self.note(sealed);
        Ok(())
    }

    /// Seals the next chunks from `plain`, all of them full, to `sealed`.
    pub(crate) fn seal_full(&mut self, plain: &[u8], sealed: &mut [u8]) -> Result<(), Error> {
        #[cfg(feature = "parallel")]
        return self.full((plain, CHUNK_LEN), (sealed, SEALED_CHUNK_LEN), |aead, nonce, plain, sealed| {
            aead.seal(nonce, &[], plain, sealed)?;
            Ok(sealed)
        });
        #[cfg(not(feature = "parallel"))]
        plain.chunks(CHUNK_LEN).zip(sealed.chunks_mut(SEALED_CHUNK_LEN)).try_for_each(|(from, to)| self.seal(from, to))
    }

    /// Verifies and decrypts the next chunks from `sealed`, all of them full, to `plain`. [PAY-04]
    pub(crate) fn open_full(&mut self, sealed: &[u8], plain: &mut [u8]) -> Result<(), Error> {
        #[cfg(feature = "parallel")]
        return self.full((sealed, SEALED_CHUNK_LEN), (plain, CHUNK_LEN), |aead, nonce, sealed, plain| {
            aead.open(nonce, &[], sealed, plain)?;
            Ok(sealed)
        });
        #[cfg(not(feature = "parallel"))]
        sealed.chunks(SEALED_CHUNK_LEN).zip(plain.chunks_mut(CHUNK_LEN)).try_for_each(|(from, to)| self.open(from, to))
    }

    /// Full chunks side by side, each of these lengths: `work` gets the key, a chunk's nonce and places, and gives its sealed
    /// form.
    #[cfg(feature = "parallel")]
    fn full(
        &mut self,
        (from, from_len): (&[u8], usize),
        (to, to_len): (&mut [u8], usize),
        work: impl for<'c> Fn(&Aead, &[u8; NONCE_LEN], &'c [u8], &'c mut [u8]) -> Result<&'c [u8], Error> + Sync + Send,
    ) -> Result<(), Error> {
        // Two mebibytes are enough to share out, and their hashes have their place on the stack.
        const BATCH: usize = 128;
        let batches = from.chunks(from_len.saturating_mul(BATCH)).zip(to.chunks_mut(to_len.saturating_mul(BATCH)));
        for (from, to) in batches {
            let mut hashes = [[0; 32]; BATCH];
            let count = from.len() / from_len;
            let (aead, base_nonce) = (&self.aead, self.keys.base_nonce.expose());
            let (first, hashed) = (self.index, self.hash.is_some());
            crate::side_by_side::pieces((from, from_len), (to, to_len), &mut hashes, |number, from, to, hash| {
                let number = u64::try_from(number).map_err(|_| Error::Limit { limit: "chunks" })?;
                let nonce = chunk_nonce(base_nonce, first.saturating_add(number))?;
                let sealed = work(aead, &nonce, from, to)?;
                if hashed {
                    *hash = sha256(sealed);
                }
                Ok(())
            })?;
            self.index = self.index.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            if let Some(hash) = &mut self.hash {
                hash.0.update(hashes.get(..count).unwrap_or_default().as_flattened());
            }
        }
        Ok(())
    }

    /// Seals the next chunk in place; its last 16 bytes receive the tag.
    pub(crate) fn seal_in_place(&mut self, chunk: &mut [u8]) -> Result<(), Error> {
        let nonce = self.next_nonce()?;
        self.aead.seal_in_place(&nonce, &[], chunk)?;
        self.note(chunk);
        Ok(())
    }

    /// Verifies the next chunk, then decrypts it to `plain`, shorter by the tag. [PAY-04]
    pub(crate) fn open(&mut self, sealed: &[u8], plain: &mut [u8]) -> Result<(), Error> {
        let nonce = self.next_nonce()?;
        self.aead.open(&nonce, &[], sealed, plain)?;
        self.note(sealed);
        Ok(())
    }

    /// The keys, and the hash of all chunks if they were hashed.
    pub(crate) fn finish(&self) -> (&KeySchedule, Option<[u8; 32]>) {
        (&self.keys, self.hash.clone().map(|hash| hash.0.finish()))
    }
}

/// Whether chunks are hashed as they pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hashed {
    Yes,
    No,
}

/// The Padmé length of a plaintext of `len` bytes, at least 8. [PAD-02]
pub(crate) fn padme(len: u64) -> Option<u64> {
    let exponent = len.checked_ilog2()?;
    let bits = exponent.checked_ilog2()?.checked_add(1)?;
    let mask = 1_u64.checked_shl(exponent.checked_sub(bits)?)?.checked_sub(1)?;
    Some(len.checked_add(mask)? & !mask)
}

/// The content within a padded plaintext: checks its length and the zeros after it. [PAD-01]
pub(crate) fn unpad(plaintext: &[u8]) -> Result<core::ops::Range<usize>, Error> {
    let (prefix, rest) = plaintext.split_first_chunk::<LENGTH_PREFIX_LEN>().ok_or(Error::Decrypt)?;
    let len = usize::try_from(u64::from_be_bytes(*prefix)).map_err(|_| Error::Decrypt)?;
    let zeros = rest.get(len..).ok_or(Error::Decrypt)?;
    if zeros.iter().any(|&byte| byte != 0) {
        return Err(Error::Decrypt);
    }
    Ok(LENGTH_PREFIX_LEN..LENGTH_PREFIX_LEN.saturating_add(len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padme_lengths() {
        // Worked by hand from SPEC §9.2: E, S and the mask of each.
        for (len, padded) in
            [(8, 8), (9, 10), (15, 16), (16, 16), (17, 18), (100, 104), (1000, 1024), (1_000_001, 1_015_808)]
        {
            assert_eq!(padme(len), Some(padded), "{len}");
        }
        assert_eq!(padme(u64::MAX), None);
    }

    #[test]
    fn lengths_are_each_others_inverse() {
        for len in [0, 1, CHUNK_LEN - 1, CHUNK_LEN, CHUNK_LEN + 1, 5 * CHUNK_LEN] {
            assert_eq!(plaintext_len(sealed_len(len).unwrap() as u64), Ok(len as u64));
        }
        for bad in [0, 15, SEALED_CHUNK, SEALED_CHUNK + 15] {
            assert_eq!(plaintext_len(bad), Err(Error::Decrypt));
        }
    }

    #[test]
    fn chunk_numbers_end() {
        assert!(chunk_nonce(&[0; 12], MAX_CHUNKS - 1).is_ok());
        assert_eq!(chunk_nonce(&[0; 12], MAX_CHUNKS), Err(Error::Limit { limit: "chunks" }));
    }
}
