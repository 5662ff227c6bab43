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

/// `SHA-256(SignInput("room transcript", signer ‖ RoomEpoch ‖ commitment))`. SPEC §18.1
pub(crate) fn transcript(signer: &Fingerprint, body: &RoomEpoch, commitment: &[u8; COMMITMENT_LEN]) -> Transcript {
    let mut encoded = Vec::with_capacity(body.max_len());
    body.encode(&mut encoded);
    Transcript(sign_input_hash(labels::ROOM_TRANSCRIPT, &[signer.as_bytes(), &encoded, commitment]))
}

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

/// An epoch with the keys that are held of it.
pub(crate) struct Held {
    pub(crate) signer: Fingerprint,
    pub(crate) body: RoomEpoch,
    pub(crate) commitment: [u8; COMMITMENT_LEN],
    pub(crate) transcript: Transcript,
    /// Absent where only the message key was granted. SPEC §18.8
    pub(crate) secret: Option<Secret<KEY_LEN>>,
    pub(crate) keys: MessageKeys,
    /// Whether it yields to an admin's branch. SPEC §18.5
    pub(crate) yielding: bool,
    pub(crate) branch: Branch,
}

/// What a [`Held`] is identified by besides its keys.
pub(crate) struct Named {
    pub(crate) signer: Fingerprint,
    pub(crate) body: RoomEpoch,
    pub(crate) commitment: [u8; COMMITMENT_LEN],
}

impl Held {
    pub(crate) fn with_secret(named: Named, secret: Secret<KEY_LEN>) -> Result<Self, Error> {
        let Named { signer, body, commitment } = named;
        let transcript = transcript(&signer, &body, &commitment);
        let keys = MessageKeys::of_secret(&secret, &transcript)?;
        let branch = Branch::Own;
        Ok(Self { signer, body, commitment, transcript, secret: Some(secret), keys, yielding: false, branch })
    }

    pub(crate) fn granted(named: Named, message_key: Secret<KEY_LEN>) -> Result<Self, Error> {
        let Named { signer, body, commitment } = named;
        let transcript = transcript(&signer, &body, &commitment);
        let keys = MessageKeys::new(message_key)?;
        Ok(Self { signer, body, commitment, transcript, secret: None, keys, yielding: false, branch: Branch::Own })
    }

    /// What orders and finds epochs.
    pub(crate) const fn key(&self) -> (u64, Transcript) {
        (self.body.epoch, self.transcript)
    }

    /// The key under which its parent is held, if it has one.
    pub(crate) fn parent_key(&self) -> Option<(u64, Transcript)> {
        self.body.parent_key()
    }

    /// `Derive(secret, "epoch wrap", transcript, 32)`, if the secret is held. SPEC §18.1
    pub(crate) fn epoch_kek(&self) -> Option<Result<SymmetricKey, Error>> {
        let secret = self.secret.as_ref()?;
        Some(derive(secret, labels::EPOCH_WRAP, &[self.transcript.as_bytes()]).map(SymmetricKey))
    }
}
