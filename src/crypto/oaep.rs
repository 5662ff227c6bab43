//! EME-OAEP with SHA-256, MGF1-SHA-256 and the empty label, for every backend. SPEC §5.
//!
//! Ours rather than a backend's, for three reasons: the seed of an encryption is explicit, so that vectors can be
//! made; decoding runs in constant time; and decoding requires the first octet to be zero, without which an attacker
//! learns whether a chosen plaintext is below 2^(8(k-1)) (Manger, CRYPTO 2001). RFC 8017 §7.1

use crate::crypto::{Sha256, sha256};
use crate::error::Error;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// Length of the hash and of the seed.
pub(crate) const SEED_LEN: usize = 32;
/// Bytes of an encoded message that are not message: first octet, seed, label hash, separator.
#[cfg(test)]
const OVERHEAD: usize = 2 + 2 * SEED_LEN;

/// Encodes `message` into the whole of `em`, whose length is the modulus's. RFC 8017 §7.1.1 step 2
///
/// # Errors
/// [`Error::Argument`] if the message is longer than `em` less 66 bytes.
pub(crate) fn encode(message: &[u8], seed: &[u8; SEED_LEN], em: &mut [u8]) -> Result<(), Error> {
    let too_long = Error::Argument { what: "length of an OAEP message" };
    let (first, rest) = em.split_first_mut().ok_or(too_long)?;
    let (masked_seed, db) = rest.split_first_chunk_mut::<SEED_LEN>().ok_or(too_long)?;
    let (label_hash, tail) = db.split_first_chunk_mut::<SEED_LEN>().ok_or(too_long)?;
    let (padding, text) = tail.split_at_mut(tail.len().checked_sub(message.len()).ok_or(too_long)?);
    let (separator, zeros) = padding.split_last_mut().ok_or(too_long)?;
    *first = 0;
    *label_hash = sha256(&[]);
    zeros.fill(0);
    *separator = 1;
    text.copy_from_slice(message);
    *masked_seed = *seed;
    mgf1_xor(seed, db);
    mgf1_xor(db, masked_seed);
    Ok(())
}

/// Removes the masks of `em` in place and judges it. RFC 8017 §7.1.2 step 3
///
/// Returns whether the encoding is right, the data block, and the message's place in it; the place means nothing
/// unless the encoding is right. Nothing but the length of `em` decides which instructions run or which memory is
/// touched: the verdict is one bit in the end, and the caller adds to it before it branches.
pub(crate) fn decode(em: &mut [u8]) -> Result<(Choice, &[u8], u32), Error> {
    let (first, rest) = em.split_first_mut().ok_or(Error::Decrypt)?;
    let (seed, db) = rest.split_first_chunk_mut::<SEED_LEN>().ok_or(Error::Decrypt)?;
    mgf1_xor(db, seed);
    mgf1_xor(seed, db);
    let db = &*db;
    let (label_hash, tail) = db.split_first_chunk::<SEED_LEN>().ok_or(Error::Decrypt)?;

    let mut good = first.ct_eq(&0) & label_hash.ct_eq(&sha256(&[]));
    let mut looking = Choice::from(1);
    let mut start = 0u32;
    // Past the label hash: zeros, then the first other octet must be 0x01, then the message.
    for (octet, next) in tail.iter().zip(33u32..) {
        let separator = octet.ct_eq(&1);
        good &= !looking | separator | octet.ct_eq(&0);
        start.conditional_assign(&next, looking & separator);
        looking &= !separator;
    }
    Ok((good & !looking, db, start))
}

/// XORs MGF1-SHA-256 of `seed` onto `out`. RFC 8017 App. B.2.1
pub(super) fn mgf1_xor(seed: &[u8], out: &mut [u8]) {
    for (block, counter) in out.chunks_mut(SEED_LEN).zip(0u32..) {
        let mut hash = Sha256::new();
        hash.update(seed);
        hash.update(&counter.to_be_bytes());
        for (octet, mask) in block.iter_mut().zip(hash.finish()) {
            *octet ^= mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(em: &mut [u8]) -> Option<(usize, alloc::vec::Vec<u8>)> {
        let (good, db, start) = decode(em).unwrap();
        bool::from(good).then(|| (start as usize, db[start as usize..].to_vec()))
    }

    #[test]
    fn decodes_what_it_encodes_at_every_length() {
        for len in 0..=256 - OVERHEAD {
            let mut em = [0xff; 256];
            encode(&[7; 256][..len], &[9; 32], &mut em).unwrap();
            assert_eq!(decoded(&mut em).unwrap().1, [7; 256][..len]);
        }
        let mut em = [0; 256];
        assert!(encode(&[7; 257 - OVERHEAD], &[9; 32], &mut em).is_err());
    }

    #[test]
    fn each_fault_is_refused() {
        // Faults of the unmasked form: first octet, label hash, no separator, another octet before it.
        for (place, value) in [(0, 1), (33, 0), (255 - 64, 0), (255 - 64, 2), (70, 2), (70, 0xff)] {
            let mut em = [0; 256];
            encode(&[0; 64], &[9; 32], &mut em).unwrap();
            let (head, db) = em[1..].split_at_mut(32);
            mgf1_xor(db, head);
            mgf1_xor(head, db);
            em[place] = value;
            let (head, db) = em[1..].split_at_mut(32);
            mgf1_xor(head, db);
            mgf1_xor(db, head);
            assert_eq!(decoded(&mut em), None, "{place} {value}");
        }
    }
}
