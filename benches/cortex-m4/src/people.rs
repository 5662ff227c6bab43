//! Whom the programs know, and a generator that repeats itself, so that counts do: a device has a true one.

use core::convert::Infallible;
use rand_core::{TryCryptoRng, TryRng};
use sealroom::{Error, Identity, Profile, Root};

/// What is sealed.
pub const CONTENT: [u8; 1024] = [0x5e; 1024];

pub struct Draws(u64);

impl Draws {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }
}

impl TryRng for Draws {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|word| word as u32)
    }

    // SplitMix64.
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(word ^ (word >> 31))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for piece in out.chunks_mut(8) {
            let word = self.try_next_u64()?.to_le_bytes();
            piece.copy_from_slice(&word[..piece.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Draws {}

/// 1 is Alice, 2 the device, 3 Carol.
pub fn identity(number: u8) -> Result<Identity, Error> {
    Root::from_bip39_seed(&[number; 64]).identity(Profile::P256, 0, &mut Draws::new(9))
}
