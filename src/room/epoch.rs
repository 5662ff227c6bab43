//! An epoch that is held: what names it, and its keys. SPEC §18.1.

use super::roster::{RoomEpoch, Transcript};
use crate::crypto::HmacKey;
use crate::derive::{derive, sign_input_hash};
use crate::error::Error;
use crate::keys::SymmetricKey;
use crate::labels::{self, COMMITMENT_LEN, KEY_LEN};
use crate::public_identity::Fingerprint;
use crate::secret::Secret;
use alloc::vec::Vec;
use core::ops::Deref;

/// What opens and makes the messages of one epoch, prepared once.
pub(crate) struct MessageKeys {
    pub(crate) message_key: Secret<KEY_LEN>,
    /// Makes salts. SPEC §19.3
    pub(crate) salt_key: HmacKey,
}

impl MessageKeys {
    pub(crate) fn new(message_key: Secret<KEY_LEN>) -> Result<Self, Error> {
        let salt_key = HmacKey::new(derive::<32>(&message_key, labels::MESSAGE_SALT, &[])?.expose());
        Ok(Self { message_key, salt_key })
    }

    /// `Derive(secret, "messages", transcript, 32)`. SPEC §18.1
    fn of_secret(secret: &Secret<KEY_LEN>, transcript: &Transcript) -> Result<Self, Error> {
        Self::new(derive(secret, labels::MESSAGES, &[transcript.as_bytes()])?)
    }
}

/// On which side of a fork an epoch stands. SPEC §18.5
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Branch {
    Own,
    Evidence,
}

/// An epoch as its transcript names it.
#[derive(Clone)]
pub(crate) struct Named {
    pub(crate) signer: Fingerprint,
    pub(crate) body: RoomEpoch,
    pub(crate) commitment: [u8; COMMITMENT_LEN],
    pub(crate) transcript: Transcript,
}

impl Named {
    /// Its transcript is `SHA-256(SignInput("room transcript", signer ‖ RoomEpoch ‖ commitment))`. SPEC §18.1
    pub(crate) fn new(signer: Fingerprint, body: RoomEpoch, commitment: [u8; COMMITMENT_LEN]) -> Self {
        let mut encoded = Vec::with_capacity(body.max_len());
        body.encode(&mut encoded);
        let hash = sign_input_hash(labels::ROOM_TRANSCRIPT, &[signer.as_bytes(), &encoded, &commitment]);
        Self { signer, body, commitment, transcript: Transcript(hash) }
    }

    /// What orders and finds epochs.
    pub(crate) const fn key(&self) -> (u64, Transcript) {
        (self.body.epoch, self.transcript)
    }

    /// The key under which its parent is held, if it has one.
    pub(crate) fn parent_key(&self) -> Option<(u64, Transcript)> {
        self.body.parent_key()
    }
}

/// An epoch with the keys that are held of it.
pub(crate) struct Held {
    pub(crate) named: Named,
    /// Absent where only the message key was granted. SPEC §18.8
    pub(crate) secret: Option<Secret<KEY_LEN>>,
    pub(crate) keys: MessageKeys,
    pub(crate) branch: Branch,
}

impl Deref for Held {
    type Target = Named;

    fn deref(&self) -> &Named {
        &self.named
    }
}

impl Held {
    pub(crate) fn with_secret(named: Named, secret: Secret<KEY_LEN>) -> Result<Self, Error> {
        let keys = MessageKeys::of_secret(&secret, &named.transcript)?;
        Ok(Self { named, secret: Some(secret), keys, branch: Branch::Own })
    }

    pub(crate) fn granted(named: Named, message_key: Secret<KEY_LEN>) -> Result<Self, Error> {
        Ok(Self { named, secret: None, keys: MessageKeys::new(message_key)?, branch: Branch::Own })
    }

    /// What is stored of it: 1 and its secret, or 2 and the message key that was granted.
    pub(crate) fn key_to_keep(&self) -> (u8, &Secret<KEY_LEN>) {
        self.secret.as_ref().map_or((2, &self.keys.message_key), |secret| (1, secret))
    }

    /// `Derive(secret, "epoch wrap", transcript, 32)`, if the secret is held. SPEC §18.1
    pub(crate) fn epoch_kek(&self) -> Option<Result<SymmetricKey, Error>> {
        let secret = self.secret.as_ref()?;
        Some(derive(secret, labels::EPOCH_WRAP, &[self.transcript.as_bytes()]).map(SymmetricKey))
    }
}
