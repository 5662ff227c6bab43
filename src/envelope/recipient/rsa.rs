//! RSA keys: one stanza for each. SPEC §8.3.

use super::WrapInfo;
use crate::crypto::{Random, sha256};
use crate::derive::sign_input_hash;
use crate::envelope::{ContentType, Header, KeySchedule, stanza};
use crate::error::Error;
use crate::keys::{RecipientId, RsaPublicKey, WrappedContent};
use crate::labels::{self, COMMITMENT_LEN, KEY_LEN, SALT_LEN};
use crate::secret::Secret;
use crate::wire::{Writer, length_len};
use alloc::vec::Vec;
use subtle::ConstantTimeEq;

/// Start of SHA-256(SignInput("rsa key id", recipient id ‖ SPKI)). SPEC §8.3
pub(crate) fn key_id(key: &RsaPublicKey, id: &RecipientId) -> [u8; stanza::RSA_KEY_ID_LEN] {
    let hash = sign_input_hash(labels::RSA_KEY_ID, &[id, key.spki_der()]);
    let [a, b, c, d, e, f, g, h, ..] = hash;
    [a, b, c, d, e, f, g, h]
}

/// Bytes that the stanza of `key` takes.
pub(crate) fn max_len(key: &RsaPublicKey) -> usize {
    let len = key.modulus_len();
    (1 + stanza::RSA_KEY_ID_LEN).saturating_add(length_len(len)).saturating_add(len)
}

/// Writes the stanzas of all RSA recipients, ascending by key id; draws each one's OAEP seed in that order. [ENV-09]
pub(crate) fn write<'k>(
    recipients: impl Iterator<Item = (&'k RsaPublicKey, RecipientId)>,
    content_type: ContentType,
    salt: &[u8; SALT_LEN],
    dek: &Secret<KEY_LEN>,
    out: &mut Writer<'_>,
    rng: &mut dyn Random,
) -> Result<(), Error> {
    let mut sorted: Vec<_> = recipients.map(|(key, id)| (key_id(key, &id), key, id)).collect();
    sorted.sort_by_key(|(key_id, ..)| *key_id);
    // [STZ-03] the same key under the same id, once.
    sorted.dedup_by(|a, b| a.1 == b.1 && a.2 == b.2);
    // [STZ-12] 8 bytes can collide by chance or by design.
    if !sorted.is_sorted_by(|a, b| a.0 < b.0) {
        return Err(Error::Argument { what: "two RSA recipients with one key id" });
    }
    for (key_id, key, id) in sorted {
        let info = WrapInfo::new(content_type, stanza::RSA, salt, &id);
        let mut content = Secret::<{ KEY_LEN + 32 }>::zero();
        let (dek_part, hash_part) = content.expose_mut().split_at_mut(KEY_LEN);
        dek_part.copy_from_slice(dek.expose());
        hash_part.copy_from_slice(&sha256(info.as_bytes()));
        let mut seed = Secret::<32>::zero();
        rng.fill(seed.expose_mut())?;
        out.u8(stanza::RSA)?;
        out.put(&key_id)?;
        out.vector(&key.encrypt_oaep(content.expose(), seed.expose())?)?;
    }
    Ok(())
}

/// The keys of an envelope from the decrypted message of its stanza. [STZ-11]
pub(crate) fn unwrap(
    header: &Header<'_>,
    commitment: &[u8; COMMITMENT_LEN],
    id: &RecipientId,
    content: &WrappedContent,
) -> Option<KeySchedule> {
    let info = WrapInfo::new(header.content_type, stanza::RSA, header.salt, id);
    let (dek_part, hash_part) = content.0.expose().split_at(KEY_LEN);
    let bound: bool = hash_part.ct_eq(&sha256(info.as_bytes())).into();
    if !bound {
        return None;
    }
    let mut dek = Secret::zero();
    dek.expose_mut().copy_from_slice(dek_part);
    KeySchedule::committed(dek, &header.hash, commitment)
}
