//! One error type, split by whose fault it is. SPEC §14.

use core::fmt;

/// Why an operation failed.
///
/// Three groups: the bytes are wrong ([`Malformed`](Error::Malformed), [`Unsupported`](Error::Unsupported),
/// [`Limit`](Error::Limit)), the cryptography or a rule refuses ([`Decrypt`](Error::Decrypt),
/// [`Signature`](Error::Signature), [`Room`](Error::Room), [`Link`](Error::Link), [`Proof`](Error::Proof)), something is missing that the caller can get
/// ([`UnknownIdentity`](Error::UnknownIdentity), [`UnknownEpoch`](Error::UnknownEpoch)), or the caller's arguments do not fit (the rest). Once a key is in use there is one opaque failure,
/// [`Decrypt`](Error::Decrypt): it does not tell a wrong key from a changed byte. SPEC §14 [ERR-01]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not the one canonical encoding of any object.
    Malformed {
        /// The field of SPEC.md at which decoding stopped.
        field: &'static str,
    },
    /// A suite, type or algorithm that this build does not know or was built without.
    Unsupported {
        /// The field of SPEC.md that named it.
        field: &'static str,
    },
    /// A count, size or work factor is over the reader's limit; nothing was computed or allocated for it.
    Limit {
        /// The limit's name in SPEC §13.
        limit: &'static str,
    },
    /// No given key opens it, or a byte of it was changed.
    Decrypt,
    /// The signature is missing, is not this identity's, or does not verify.
    Signature,
    /// A package, grant or statement was opened, and a rule of its room refuses it. The room is as it was.
    Room {
        /// The tag of the rule in SPEC §18, such as `ROOM-09`.
        check: &'static str,
    },
    /// The answer to a link request was opened, and is not to be taken. Nothing is kept of it.
    Link {
        /// The tag of the rule in SPEC §22, such as `LNK-06`.
        check: &'static str,
    },
    /// A device certificate or request proof does not hold: it is not the device's request. Nothing is remembered of it.
    Proof {
        /// The tag of the rule in SPEC §23, such as `PRF-04`.
        check: &'static str,
    },
    /// The directory that was given lacks this identity: get it and try again. The room is as it was.
    UnknownIdentity {
        /// Its fingerprint, 32 bytes.
        fingerprint: [u8; 32],
    },
    /// The room holds no key of the epoch that a message names: get the epoch's package, apply it and try again.
    UnknownEpoch {
        /// Its number.
        epoch: u64,
    },
    /// The room's head is not vouched for: confirm it, apply what is missing, or accept it explicitly. [ROOM-22] [ROOM-24]
    Unconfirmed,
    /// The caller's buffer is too small.
    Buffer {
        /// How many bytes would have been enough.
        needed: usize,
    },
    /// An argument that cannot be used: the caller's fault.
    Argument {
        /// What is wrong with it.
        what: &'static str,
    },
    /// A key held elsewhere did not answer, or answered with something else.
    Key,
    /// The caller's progress callback gave the work up.
    GivenUp,
    /// The random number generator failed.
    Generator,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { field } => write!(f, "malformed at {field}"),
            Self::Unsupported { field } => write!(f, "unsupported {field}"),
            Self::Limit { limit } => write!(f, "over the limit of {limit}"),
            Self::Decrypt => f.write_str("no key given opens it, or it was changed"),
            Self::Signature => f.write_str("not signed by this identity"),
            Self::Room { check } => write!(f, "refused by the rules of its room, {check}"),
            Self::Link { check } => write!(f, "not an answer to this device's request, {check}"),
            Self::Proof { check } => write!(f, "not a request of the account's device, {check}"),
            Self::UnknownIdentity { .. } => f.write_str("an identity is missing from the directory"),
            Self::UnknownEpoch { epoch } => write!(f, "the room holds no key of epoch {epoch}"),
            Self::Unconfirmed => f.write_str("nobody vouched for the room's head"),
            Self::Buffer { needed } => write!(f, "the buffer is too small, {needed} bytes are needed"),
            Self::Argument { what } => write!(f, "cannot be used: {what}"),
            Self::Key => f.write_str("the key's holder did not answer as it should"),
            Self::GivenUp => f.write_str("given up by the caller"),
            Self::Generator => f.write_str("the random number generator failed"),
        }
    }
}

impl core::error::Error for Error {}
