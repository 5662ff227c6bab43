//! A symmetric key that a group holds, or oneself. SPEC §8.4.

use super::{NO_ID, WrapInfo};
use crate::crypto::Aead;
use crate::derive::derive;
use crate::envelope::{ContentType, Header, stanza};
use crate::error::Error;
use crate::keys::SymmetricKey;
use crate::labels::{self, KEY_LEN, Label, NONCE_LEN, SALT_LEN, WRAPPED_LEN};
use crate::secret::Secret;

/// A KEK's AEAD for one envelope. `info` holds the envelope's salt, so this key seals once.
fn aead(kek: &Secret<KEY_LEN>, label: Label, info: &WrapInfo) -> Result<Aead, Error> {
    Ok(Aead::new(derive::<KEY_LEN>(kek, label, &[info.as_bytes()])?.expose()))
}

/// [STZ-13] Zero is safe as the nonce of a key that seals a single message.
const NONCE: [u8; NONCE_LEN] = [0; NONCE_LEN];

/// Wraps a DEK under a KEK. Also what a passphrase stanza does, under its own label.
pub(crate) fn wrap(
    kek: &Secret<KEY_LEN>,
    label: Label,
    content_type: ContentType,
    stanza_type: u8,
    salt: &[u8; SALT_LEN],
    dek: &Secret<KEY_LEN>,
) -> Result<[u8; WRAPPED_LEN], Error> {
    let mut wrapped = [0; WRAPPED_LEN];
    let info = WrapInfo::new(content_type, stanza_type, salt, &NO_ID);
    aead(kek, label, &info)?.seal(&NONCE, &[], dek.expose(), &mut wrapped)?;
    Ok(wrapped)
}

/// The reverse of [`wrap`].
pub(crate) fn unwrap(
    kek: &Secret<KEY_LEN>,
    label: Label,
    stanza_type: u8,
    header: &Header<'_>,
    wrapped: &[u8; WRAPPED_LEN],
) -> Option<Secret<KEY_LEN>> {
    let info = WrapInfo::new(header.content_type, stanza_type, header.salt, &NO_ID);
    let mut dek = Secret::zero();
    aead(kek, label, &info).ok()?.open(&NONCE, &[], wrapped, dek.expose_mut()).ok()?;
    Some(dek)
}

/// A whole stanza: type, key id, wrapped DEK.
pub(crate) fn stanza_of(
    key: &SymmetricKey,
    content_type: ContentType,
    salt: &[u8; SALT_LEN],
    dek: &Secret<KEY_LEN>,
) -> Result<[u8; stanza::SYMMETRIC_LEN], Error> {
    let mut bytes = [0; stanza::SYMMETRIC_LEN];
    let mut out = crate::wire::Writer::new(&mut bytes);
    out.u8(stanza::SYMMETRIC)?;
    out.put(&key.key_id()?)?;
    out.put(&wrap(&key.0, labels::SYMMETRIC_WRAP, content_type, stanza::SYMMETRIC, salt, dek)?)?;
    Ok(bytes)
}
