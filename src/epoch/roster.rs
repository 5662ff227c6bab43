//! What names rooms and epochs, who is in a room, and who knows whom. SPEC §18.1.

use crate::derive::sign_input_hash;
use crate::error::Error;
use crate::labels;
use crate::public_identity::{Fingerprint, PublicIdentity};
use crate::wire::Reader as Wire;
use core::fmt;

/// The error of a rule of SPEC §18.
pub(crate) const fn refused(check: &'static str) -> Error {
    Error::Room { check }
}

/// What names a room: 16 bytes, from its creator, a random number and its history policy. SPEC §18.1
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId([u8; Self::LEN]);

impl RoomId {
    /// Length in bytes.
    pub const LEN: usize = 16;

    /// Takes 16 bytes as a room's id.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// `SHA-256(SignInput("room id", creator ‖ creation_nonce ‖ history))[0..16]`.
    pub(crate) fn of(creator: &Fingerprint, creation_nonce: &[u8; 16], history: HistoryPolicy) -> Self {
        let hash = sign_input_hash(labels::ROOM_ID, &[creator.as_bytes(), creation_nonce, &[history.code()]]);
        Self(hash.first_chunk().copied().unwrap_or_default())
    }
}

impl fmt::Debug for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomId(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// The number of an epoch, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch of that number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What names one epoch with all of its past: 32 bytes. SPEC §18.1
///
/// Who holds the same transcript has the same roster, the same key and the same epochs before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Transcript(pub(crate) [u8; 32]);

impl Transcript {
    /// Length in bytes.
    pub const LEN: usize = 32;

    pub(crate) const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transcript(")?;
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("..)")
    }
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Writes, reads, refreshes the key, replaces its own fingerprint, leaves.
    Member,
    /// Also changes who is in the room, and who is an admin.
    Admin,
}

impl Role {
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Member => 1,
            Self::Admin => 2,
        }
    }

    pub(super) const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Member),
            2 => Some(Self::Admin),
            _ => None,
        }
    }
}

/// What a newcomer may read of the past. It is chosen when the room is made and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum HistoryPolicy {
    /// Nothing, unless a member grants it.
    #[default]
    FromJoin,
    /// Everything.
    Shared,
}

impl HistoryPolicy {
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::FromJoin => 1,
            Self::Shared => 2,
        }
    }

    pub(crate) fn decode(wire: &mut Wire<'_>) -> Result<Self, Error> {
        match wire.u8("history")? {
            1 => Ok(Self::FromJoin),
            2 => Ok(Self::Shared),
            _ => Err(Error::Malformed { field: "history" }),
        }
    }
}

/// Somebody in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Whose identity.
    pub fingerprint: Fingerprint,
    /// What they may do.
    pub role: Role,
}

/// Looks up public identities by fingerprint: an application's contacts, or what its server gave.
///
/// A fingerprint is a hash of the whole identity, so where an identity came from does not matter: a wrong one is not found
/// by it, or does not verify. Whose a fingerprint is, a comparison of safety numbers tells.
pub trait Directory {
    /// The identity with this fingerprint.
    fn identity(&self, fingerprint: &Fingerprint) -> Option<&PublicIdentity>;
}

impl Directory for &[PublicIdentity] {
    fn identity(&self, fingerprint: &Fingerprint) -> Option<&PublicIdentity> {
        self.iter().find(|identity| identity.fingerprint() == fingerprint)
    }
}

impl Directory for &[&PublicIdentity] {
    fn identity(&self, fingerprint: &Fingerprint) -> Option<&PublicIdentity> {
        self.iter().find(|identity| identity.fingerprint() == fingerprint).copied()
    }
}

impl<const N: usize> Directory for [&PublicIdentity; N] {
    fn identity(&self, fingerprint: &Fingerprint) -> Option<&PublicIdentity> {
        self.iter().find(|identity| identity.fingerprint() == fingerprint).copied()
    }
}

#[cfg(feature = "alloc")]
impl Directory for alloc::vec::Vec<PublicIdentity> {
    fn identity(&self, fingerprint: &Fingerprint) -> Option<&PublicIdentity> {
        self.iter().find(|identity| identity.fingerprint() == fingerprint)
    }
}

#[cfg(feature = "alloc")]
impl Directory for alloc::collections::BTreeMap<Fingerprint, PublicIdentity> {
    fn identity(&self, fingerprint: &Fingerprint) -> Option<&PublicIdentity> {
        self.get(fingerprint)
    }
}

/// [`Directory::identity`], or the error that says which one is missing.
pub(crate) fn look_up<'d>(directory: &'d dyn Directory, who: &Fingerprint) -> Result<&'d PublicIdentity, Error> {
    let found = directory.identity(who).filter(|identity| identity.fingerprint() == who);
    found.ok_or(Error::UnknownIdentity { fingerprint: *who.as_bytes() })
}
