//! AES-256-GCM ciphertexts that authenticate under two keys at once: one block is solved for over GF(2^128).
//!
//! The tag of ciphertext blocks c_1 .. c_m is `E(nonce ‖ 1) + Σ c_i · H^(m + 2 - i) + ..`, linear in every block, with
//! H = E(0). Both tags agree for one value of any block that is left free. NIST SP 800-38D §6, §7

use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::{BlockCipherEncrypt, KeyInit};

/// A product in GCM's field, whose first bit is the coefficient of x^0. NIST SP 800-38D §6.3
fn product(x: u128, mut y: u128) -> u128 {
    let mut sum = 0;
    for bit in (0..128).rev() {
        if x >> bit & 1 == 1 {
            sum ^= y;
        }
        y = y >> 1 ^ if y & 1 == 1 { 0xe1 << 120 } else { 0 };
    }
    sum
}

/// x^(2^128 - 2), the inverse of all but zero.
fn inverse(x: u128) -> u128 {
    let one = 1 << 127;
    let (square, product_of_powers) = (1..128).fold((x, one), |(power, product_of_powers), _| {
        let power = product(power, power);
        (power, product(product_of_powers, power))
    });
    assert_eq!((product(x, product_of_powers), product(square, square)), (one, x));
    product_of_powers
}

fn blocks(bytes: &[u8]) -> impl Iterator<Item = u128> + '_ {
    bytes.chunks(16).map(|chunk| {
        let mut block = [0; 16];
        block[..chunk.len()].copy_from_slice(chunk);
        u128::from_be_bytes(block)
    })
}

/// A key with the nonce and associated data with which it opens.
pub(crate) struct Lock {
    aes: Aes256,
    nonce: [u8; 12],
    aad: Vec<u8>,
}

impl Lock {
    pub(crate) fn new(key: &[u8], nonce: [u8; 12], aad: &[u8]) -> Self {
        Self { aes: Aes256::new_from_slice(key).unwrap(), nonce, aad: aad.to_vec() }
    }

    fn encrypt(&self, block: [u8; 16]) -> [u8; 16] {
        let mut block = block.into();
        self.aes.encrypt_block(&mut block);
        block.into()
    }

    fn counter(&self, count: u32) -> [u8; 16] {
        let mut block = [0; 16];
        block[..12].copy_from_slice(&self.nonce);
        block[12..].copy_from_slice(&count.to_be_bytes());
        self.encrypt(block)
    }

    fn h(&self) -> u128 {
        u128::from_be_bytes(self.encrypt([0; 16]))
    }

    /// The tag that these bytes have.
    fn tag(&self, sealed: &[u8]) -> u128 {
        let lengths = ((self.aad.len() as u128 * 8) << 64) | (sealed.len() as u128 * 8);
        let all = blocks(&self.aad).chain(blocks(sealed)).chain([lengths]);
        let hash = all.fold(0, |hash, block| product(hash ^ block, self.h()));
        hash ^ u128::from_be_bytes(self.counter(1))
    }

    /// Encrypts or decrypts, from byte `at` on.
    pub(crate) fn stream(&self, at: usize, bytes: &[u8]) -> Vec<u8> {
        let key = |place: usize| self.counter(2 + (place / 16) as u32)[place % 16];
        bytes.iter().enumerate().map(|(place, byte)| byte ^ key(at + place)).collect()
    }
}

/// Puts into the whole block at `free` what makes both tags of `sealed` the same, and appends that tag.
pub(crate) fn with_both(locks: [&Lock; 2], mut sealed: Vec<u8>, free: usize) -> Vec<u8> {
    assert!(free.is_multiple_of(16) && free + 16 <= sealed.len());
    sealed[free..free + 16].fill(0);
    let [one, other] = locks;
    let after = (sealed.len() - free).div_ceil(16);
    let power = |h: u128| (0..after).fold(h, |power, _| product(power, h));
    let missing = one.tag(&sealed) ^ other.tag(&sealed);
    let block = product(missing, inverse(power(one.h()) ^ power(other.h())));
    sealed[free..free + 16].copy_from_slice(&block.to_be_bytes());
    let tag = one.tag(&sealed);
    assert_eq!(tag, other.tag(&sealed));
    sealed.extend_from_slice(&tag.to_be_bytes());
    sealed
}
