//! The two functions that use labels. SPEC §4.1, §4.2.

use crate::crypto::{Sha256, expand};
use crate::error::Error;
use crate::labels::{Label, PREFIX};
use crate::secret::Secret;
use crate::wire::encode_length;

/// `Derive(key, label, context, L)` with L the length of `out`. SPEC §4.1 [LAB-03]
///
/// `context` is given in pieces that are concatenated.
pub(crate) fn derive_into(key: &Secret<32>, label: Label, context: &[&[u8]], out: &mut [u8]) -> Result<(), Error> {
    // At most 255 * 32 bytes can be expanded, so L always fits two bytes where expand succeeds.
    let out_len = u16::try_from(out.len()).map_err(|_| Error::Argument { what: "length of a derived key" })?;
    let (label_len, label_used) = encode_length(PREFIX.len().saturating_add(label.0.len()));
    let (context_len, context_used) = encode_length(total_len(context));
    expand(
        key,
        &[
            &[
                &out_len.to_be_bytes(),
                label_len.get(..label_used).unwrap_or(&[]),
                PREFIX,
                label.0.as_bytes(),
                context_len.get(..context_used).unwrap_or(&[]),
            ],
            context,
        ],
        out,
    )
}

/// [`derive_into`] for one secret of `N` bytes.
pub(crate) fn derive<const N: usize>(key: &Secret<32>, label: Label, context: &[&[u8]]) -> Result<Secret<N>, Error> {
    let mut out = Secret::zero();
    derive_into(key, label, context, out.expose_mut())?;
    Ok(out)
}

/// SHA-256 of `SignInput(label, content)`, with `content` given in pieces. SPEC §4.2 [LAB-04]
pub(crate) fn sign_input_hash(label: Label, content: &[&[u8]]) -> [u8; 32] {
    let write = |hash: &mut Sha256| content.iter().for_each(|piece| hash.update(piece));
    sign_input_hash_of(label, total_len(content), write)
}

/// [`sign_input_hash`] of a content of `len` bytes that `write` feeds to the hash.
pub(crate) fn sign_input_hash_of(label: Label, len: usize, write: impl FnOnce(&mut Sha256)) -> [u8; 32] {
    let mut hash = Sha256::new();
    sign_input_head(label, len, |piece| hash.update(piece));
    write(&mut hash);
    hash.finish()
}

/// Feeds `SignInput(label, content)` to `sink`, piece by piece. SPEC §4.2 [LAB-04]
pub(crate) fn sign_input(label: Label, content: &[&[u8]], mut sink: impl FnMut(&[u8])) {
    sign_input_head(label, total_len(content), &mut sink);
    content.iter().for_each(|piece| sink(piece));
}

/// What stands before a content of `len` bytes.
fn sign_input_head(label: Label, len: usize, mut sink: impl FnMut(&[u8])) {
    let (label_len, label_used) = encode_length(PREFIX.len().saturating_add(label.0.len()));
    let (len, used) = encode_length(len);
    let pieces: [&[u8]; 4] = [
        label_len.get(..label_used).unwrap_or_default(),
        PREFIX,
        label.0.as_bytes(),
        len.get(..used).unwrap_or_default(),
    ];
    pieces.iter().for_each(|piece| sink(piece));
}

fn total_len(pieces: &[&[u8]]) -> usize {
    pieces.iter().fold(0, |sum, piece| sum.saturating_add(piece.len()))
}
