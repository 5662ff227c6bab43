//! An epoch that is held: what names it, and its keys. SPEC §18.1.

#[cfg(feature = "alloc")]
use super::body::Lent;
use super::body::{RoomEpoch, Roster, Shared};
use super::roster::Transcript;
use crate::crypto::HmacKey;
use crate::derive::{derive, sign_input_hash_of};
use crate::error::Error;
use crate::keys::SymmetricKey;
use crate::labels::{self, COMMITMENT_LEN, FINGERPRINT_LEN, KEY_LEN};
use crate::public_identity::Fingerprint;
use crate::secret::Secret;
#[cfg(feature = "alloc")]
use crate::wire::Reader as Wire;
#[cfg(feature = "alloc")]
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
}

/// On which side of a fork an epoch stands. Evidence without its secret is only read. SPEC §18.5
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Branch {
    Own,
    Evidence,
}

/// An epoch as its transcript names it: with one message key, and hence with one secret.
#[derive(Clone)]
pub(crate) struct Named<R = Shared> {
    pub(crate) signer: Fingerprint,
    pub(crate) body: RoomEpoch<R>,
    pub(crate) commitment: [u8; COMMITMENT_LEN],
    pub(crate) transcript: Transcript,
}

impl<R: Roster> Named<R> {
    /// From its secret, the DEK of its package; gives its message key as well. SPEC §18.1
    pub(crate) fn with_secret(
        signer: Fingerprint,
        body: RoomEpoch<R>,
        commitment: [u8; COMMITMENT_LEN],
        secret: &Secret<KEY_LEN>,
    ) -> Result<(Self, Secret<KEY_LEN>), Error> {
        let hash = epoch_hash(&signer, &body, &commitment);
        let message_key = derive(secret, labels::MESSAGES, &[&hash])?;
        let transcript = transcript(&message_key, &hash)?;
        Ok((Self { signer, body, commitment, transcript }, message_key))
    }

    /// From its message key. SPEC §18.1
    #[cfg(feature = "alloc")]
    fn with_message_key(
        signer: Fingerprint,
        body: RoomEpoch<R>,
        commitment: [u8; COMMITMENT_LEN],
        message_key: &Secret<KEY_LEN>,
    ) -> Result<Self, Error> {
        let transcript = transcript(message_key, &epoch_hash(&signer, &body, &commitment))?;
        Ok(Self { signer, body, commitment, transcript })
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

#[cfg(feature = "alloc")]
impl Named<Lent<'_>> {
    /// The same, in memory of its own.
    pub(super) fn share(&self) -> Named {
        Named { signer: self.signer, body: self.body.share(), commitment: self.commitment, transcript: self.transcript }
    }
}

/// `SHA-256(SignInput("room epoch", signer ‖ RoomEpoch ‖ commitment))`. SPEC §18.1
fn epoch_hash(signer: &Fingerprint, body: &RoomEpoch<impl Roster>, commitment: &[u8; COMMITMENT_LEN]) -> [u8; 32] {
    let len = body.encoded_len().saturating_add(FINGERPRINT_LEN + COMMITMENT_LEN);
    sign_input_hash_of(labels::ROOM_EPOCH, len, |hash| {
        hash.update(signer.as_bytes());
        body.encode_to(|piece| hash.update(piece));
        hash.update(commitment);
    })
}

/// `Derive(message_key, "room transcript", epoch_hash, 32)`. SPEC §18.1
fn transcript(message_key: &Secret<KEY_LEN>, epoch_hash: &[u8; 32]) -> Result<Transcript, Error> {
    Ok(Transcript(*derive(message_key, labels::ROOM_TRANSCRIPT, &[epoch_hash])?.expose()))
}

/// The key of an epoch, as it is stored. SPEC §18.9, §20.2
#[cfg(feature = "alloc")]
#[derive(Clone, Copy)]
pub(crate) enum StoredKey<'a> {
    Secret(&'a [u8; KEY_LEN]),
    /// That was granted, without the secret.
    Message(&'a [u8; KEY_LEN]),
}

#[cfg(feature = "alloc")]
impl<'a> StoredKey<'a> {
    pub(crate) fn decode(wire: &mut Wire<'a>) -> Result<Self, Error> {
        match wire.u8("kind")? {
            1 => Ok(Self::Secret(wire.array("key")?)),
            2 => Ok(Self::Message(wire.array("key")?)),
            _ => Err(Error::Malformed { field: "kind" }),
        }
    }
}

/// An epoch with the keys that are held of it.
pub(crate) struct Held<R = Shared> {
    pub(crate) named: Named<R>,
    /// Absent where only the message key was granted. SPEC §18.8
    pub(crate) secret: Option<Secret<KEY_LEN>>,
    pub(crate) keys: MessageKeys,
    pub(crate) branch: Branch,
}

impl<R> Deref for Held<R> {
    type Target = Named<R>;

    fn deref(&self) -> &Named<R> {
        &self.named
    }
}

impl<R: Roster> Held<R> {
    pub(crate) fn new(
        named: Named<R>,
        secret: Option<Secret<KEY_LEN>>,
        message_key: Secret<KEY_LEN>,
    ) -> Result<Self, Error> {
        Ok(Self { named, secret, keys: MessageKeys::new(message_key)?, branch: Branch::Own })
    }

    /// `Derive(secret, "epoch wrap", transcript, 32)`, if the secret is held. SPEC §18.1
    pub(crate) fn epoch_kek(&self) -> Option<Result<SymmetricKey, Error>> {
        let secret = self.secret.as_ref()?;
        Some(derive(secret, labels::EPOCH_WRAP, &[self.transcript.as_bytes()]).map(SymmetricKey))
    }
}

#[cfg(feature = "alloc")]
impl Held {
    /// As it was stored, or granted. With another key it is another epoch: its transcript tells.
    pub(crate) fn stored(
        signer: Fingerprint,
        body: RoomEpoch,
        commitment: [u8; COMMITMENT_LEN],
        key: StoredKey<'_>,
    ) -> Result<Self, Error> {
        let mut copy = Secret::zero();
        let (StoredKey::Secret(bytes) | StoredKey::Message(bytes)) = key;
        copy.expose_mut().copy_from_slice(bytes);
        match key {
            StoredKey::Secret(_) => {
                let (named, message_key) = Named::with_secret(signer, body, commitment, &copy)?;
                Self::new(named, Some(copy), message_key)
            }
            StoredKey::Message(_) => Self::new(Named::with_message_key(signer, body, commitment, &copy)?, None, copy),
        }
    }

    /// Whether it was held against its parent, began the own branch or leads to the head. What does not count is only read: it
    /// was granted, or kept while its parent was not there. SPEC §18.5
    pub(crate) fn counts(&self) -> bool {
        self.branch == Branch::Own || self.secret.is_some()
    }

    /// Beside the own branch, and not only read.
    pub(crate) fn is_evidence(&self) -> bool {
        self.branch == Branch::Evidence && self.counts()
    }

    /// The reverse of [`StoredKey::decode`]: the secret if it is held.
    pub(crate) fn encode_key(&self, out: &mut Vec<u8>) {
        let (kind, key) = self.secret.as_ref().map_or((2, &self.keys.message_key), |secret| (1, secret));
        out.push(kind);
        out.extend_from_slice(key.expose());
    }
}
