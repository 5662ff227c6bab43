//! Whom an envelope is sealed to, and by which keys it is opened. SPEC §8.

pub(crate) mod p256;
#[cfg(feature = "passphrase")]
pub(crate) mod passphrase;
#[cfg(feature = "rsa")]
pub(crate) mod rsa;
pub(crate) mod symmetric;

use super::ContentType;
use crate::derive::sign_input;
use crate::keys::{Agree, P256PublicKey, RecipientId, SymmetricKey};
#[cfg(feature = "rsa")]
use crate::keys::{DecryptOaep, RsaPublicKey};
use crate::labels::{self, FINGERPRINT_LEN, SALT_LEN, SUITE};
use crate::public_identity::{Keys, PublicIdentity};
use core::fmt;

/// Recipient id of keys that belong to nobody in particular: symmetric keys and passphrases. SPEC §8.1
pub(crate) const NO_ID: RecipientId = [0; FINGERPRINT_LEN];

/// `info` of a wrap: `SignInput("wrap", suite ‖ content type ‖ stanza type ‖ salt ‖ recipient id)`. [STZ-02]
pub(crate) struct WrapInfo([u8; Self::LEN]);

impl WrapInfo {
    const CONTENT_LEN: usize = 2 + 1 + 1 + SALT_LEN + FINGERPRINT_LEN;
    /// Two length prefixes of one byte, the label with its prefix, the content.
    const LEN: usize = 1 + 11 + 4 + 1 + Self::CONTENT_LEN;

    pub(crate) fn new(content_type: ContentType, stanza_type: u8, salt: &[u8; SALT_LEN], id: &RecipientId) -> Self {
        let mut info = [0; Self::LEN];
        let mut places = info.iter_mut();
        let content: [&[u8]; 4] = [&SUITE.to_be_bytes(), &[content_type.code(), stanza_type], salt, id];
        sign_input(labels::WRAP, &content, |piece| places.by_ref().zip(piece).for_each(|(place, byte)| *place = *byte));
        Self(info)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Someone an envelope is sealed to: a public key and what it belongs to, a symmetric key, or a passphrase.
///
/// Most come from [`PublicIdentity::recipient`](crate::PublicIdentity::recipient).
#[derive(Clone, Copy)]
pub struct Recipient<'a>(pub(crate) RecipientKind<'a>);

#[derive(Clone, Copy)]
pub(crate) enum RecipientKind<'a> {
    P256 {
        key: &'a P256PublicKey,
        id: RecipientId,
    },
    #[cfg(feature = "rsa")]
    Rsa {
        key: &'a RsaPublicKey,
        id: RecipientId,
    },
    Symmetric(&'a SymmetricKey),
    #[cfg(feature = "passphrase")]
    Passphrase(&'a passphrase::PassphraseKey),
}

impl<'a> Recipient<'a> {
    /// A P-256 key without an identity. SPEC §8.1
    #[must_use]
    pub fn bare_p256(key: &'a P256PublicKey) -> Self {
        Self(RecipientKind::P256 { key, id: key.bare_id() })
    }

    /// An RSA key without an identity: 2048, 3072 or 4096 bits. SPEC §8.1
    #[cfg(feature = "rsa")]
    #[must_use]
    pub fn bare_rsa(key: &'a RsaPublicKey) -> Self {
        Self(RecipientKind::Rsa { key, id: key.bare_id() })
    }

    /// Whoever holds a symmetric key. SPEC §8.4
    #[must_use]
    pub const fn symmetric(key: &'a SymmetricKey) -> Self {
        Self(RecipientKind::Symmetric(key))
    }

    /// Whoever knows a passphrase; it stands alone in its envelope. SPEC §8.5 [ENV-05]
    #[cfg(feature = "passphrase")]
    #[must_use]
    pub const fn passphrase(key: &'a passphrase::PassphraseKey) -> Self {
        Self(RecipientKind::Passphrase(key))
    }
}

impl PublicIdentity {
    /// This identity as a recipient of envelopes.
    #[must_use]
    pub fn recipient(&self) -> Recipient<'_> {
        let id = *self.fingerprint().as_bytes();
        Recipient(match self.keys() {
            Keys::P256 { encryption, .. } => RecipientKind::P256 { key: encryption, id },
            #[cfg(feature = "rsa")]
            Keys::Rsa { encryption, .. } => RecipientKind::Rsa { key: encryption, id },
        })
    }
}

impl fmt::Debug for Recipient<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            RecipientKind::P256 { key, .. } => f.debug_tuple("P256").field(key).finish(),
            #[cfg(feature = "rsa")]
            RecipientKind::Rsa { key, .. } => f.debug_tuple("Rsa").field(key).finish(),
            RecipientKind::Symmetric(_) => f.write_str("Symmetric(..)"),
            #[cfg(feature = "passphrase")]
            RecipientKind::Passphrase(_) => f.write_str("Passphrase(..)"),
        }
    }
}

/// A key that opens envelopes, with the recipient id it is used under.
///
/// Most come from [`Identity::reader`](crate::Identity::reader).
#[derive(Clone, Copy)]
pub struct Reader<'a>(pub(crate) ReaderKind<'a>);

#[derive(Clone, Copy)]
pub(crate) enum ReaderKind<'a> {
    P256 {
        key: &'a dyn Agree,
        id: RecipientId,
    },
    #[cfg(feature = "rsa")]
    Rsa {
        key: &'a dyn DecryptOaep,
        id: RecipientId,
    },
    Symmetric(&'a SymmetricKey),
    #[cfg(feature = "passphrase")]
    Passphrase(&'a passphrase::PassphraseKey),
}

impl<'a> Reader<'a> {
    /// The P-256 encryption key of `identity`, here or elsewhere.
    #[must_use]
    pub fn p256(key: &'a dyn Agree, identity: &PublicIdentity) -> Self {
        Self(ReaderKind::P256 { key, id: *identity.fingerprint().as_bytes() })
    }

    /// The RSA encryption key of `identity`, here or elsewhere.
    #[cfg(feature = "rsa")]
    #[must_use]
    pub fn rsa(key: &'a dyn DecryptOaep, identity: &PublicIdentity) -> Self {
        Self(ReaderKind::Rsa { key, id: *identity.fingerprint().as_bytes() })
    }

    /// A P-256 key without an identity, here or elsewhere. SPEC §8.1
    #[must_use]
    pub fn bare_p256(key: &'a dyn Agree) -> Self {
        Self(ReaderKind::P256 { key, id: key.public_key().bare_id() })
    }

    /// An RSA key without an identity, here or elsewhere. SPEC §8.1
    #[cfg(feature = "rsa")]
    #[must_use]
    pub fn bare_rsa(key: &'a dyn DecryptOaep) -> Self {
        Self(ReaderKind::Rsa { key, id: key.public_key().bare_id() })
    }

    /// A symmetric key. SPEC §8.4
    #[must_use]
    pub const fn symmetric(key: &'a SymmetricKey) -> Self {
        Self(ReaderKind::Symmetric(key))
    }

    /// The recipient id under which this key reads: a fingerprint, where it is an identity's.
    pub(crate) const fn id(&self) -> &RecipientId {
        match &self.0 {
            ReaderKind::P256 { id, .. } => id,
            #[cfg(feature = "rsa")]
            ReaderKind::Rsa { id, .. } => id,
            ReaderKind::Symmetric(_) => &NO_ID,
            #[cfg(feature = "passphrase")]
            ReaderKind::Passphrase(_) => &NO_ID,
        }
    }

    /// A passphrase that was hashed for this envelope, by
    /// [`PassphraseKey::of`](crate::PassphraseKey::of). SPEC §8.5
    #[cfg(feature = "passphrase")]
    #[must_use]
    pub const fn passphrase(key: &'a passphrase::PassphraseKey) -> Self {
        Self(ReaderKind::Passphrase(key))
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            ReaderKind::P256 { .. } => "Reader::P256(..)",
            #[cfg(feature = "rsa")]
            ReaderKind::Rsa { .. } => "Reader::Rsa(..)",
            ReaderKind::Symmetric(_) => "Reader::Symmetric(..)",
            #[cfg(feature = "passphrase")]
            ReaderKind::Passphrase(_) => "Reader::Passphrase(..)",
        })
    }
}
