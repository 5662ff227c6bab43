//! The primitives of sealroom's backend without sealroom.

#[cfg(feature = "aws-lc-rs")]
mod awslc;
#[cfg(not(feature = "aws-lc-rs"))]
mod rustcrypto;

#[cfg(feature = "aws-lc-rs")]
pub(crate) use awslc::{Pair, Pieces, Signer, sha256};
#[cfg(not(feature = "aws-lc-rs"))]
pub(crate) use rustcrypto::{Pair, Pieces, Signer, sha256};

const PIECE_LEN: usize = 16 * 1024;
const TAG_LEN: usize = 16;

/// Bytes of `plain_len` ones as [`Pieces`] seals them.
pub(crate) fn sealed_len(plain_len: usize) -> usize {
    plain_len + plain_len.div_ceil(PIECE_LEN) * TAG_LEN
}
