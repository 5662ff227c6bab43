//! What a blob is, to whoever holds no key. SPEC §6.

use crate::detached::{self, DetachedSignature};
use crate::device::{self, DeviceCertificate, RequestProof};
use crate::envelope::{ContentType, EnvelopeInfo};
use crate::epoch::{self, Epoch, RoomId};
use crate::error::Error;
use crate::identity::{Transition, transition};
use crate::object::decode_prefix;
use crate::public_identity::{self, Fingerprint, PublicIdentity};
#[cfg(feature = "alloc")]
use crate::room::{self, HeadStatement, LeaveStatement};
use crate::wire::Reader as Wire;

/// What [`inspect`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Info<'a> {
    /// An envelope; nothing of it is authentic to whoever cannot open it.
    Envelope(EnvelopeInfo<'a>),
    /// A public identity, checked as [`PublicIdentity::from_bytes`] does.
    PublicIdentity {
        /// Its fingerprint.
        fingerprint: Fingerprint,
        /// Its generation.
        generation: u32,
    },
    /// A transition, whose signatures are not checked.
    Transition {
        /// The identity that it starts from.
        old: Fingerprint,
    },
    /// The package of an epoch of a room.
    RoomEpoch {
        /// The room.
        room: RoomId,
        /// The epoch that it begins.
        epoch: Epoch,
        /// The envelope.
        envelope: EnvelopeInfo<'a>,
    },
    /// A grant of a room's past.
    #[cfg(feature = "alloc")]
    HistoryGrant {
        /// The room.
        room: RoomId,
        /// The envelope.
        envelope: EnvelopeInfo<'a>,
    },
    /// A message of a room.
    RoomMessage {
        /// The room.
        room: RoomId,
        /// The epoch in which it was sealed.
        epoch: Epoch,
    },
    /// A statement that somebody leaves a room, not checked.
    #[cfg(feature = "alloc")]
    LeaveStatement {
        /// The room.
        room: RoomId,
        /// Who says to leave.
        member: Fingerprint,
    },
    /// A statement of what the head of a room is, not checked.
    #[cfg(feature = "alloc")]
    HeadStatement {
        /// The room.
        room: RoomId,
        /// The epoch that it says to be the head.
        epoch: Epoch,
        /// Who says so.
        member: Fingerprint,
    },
    /// A link request, which no server is meant to see.
    #[cfg(feature = "alloc")]
    LinkRequest,
    /// A device certificate, not checked.
    DeviceCertificate {
        /// Who says to have issued it.
        identity: Fingerprint,
        /// The device's id in certificates.
        device_id: [u8; 16],
    },
    /// A request proof, not checked.
    RequestProof {
        /// Whose device it says to be of.
        identity: Fingerprint,
        /// The device's id in certificates.
        device_id: [u8; 16],
    },
    /// A detached signature, not checked.
    DetachedSignature {
        /// Who says to have signed.
        signer: Fingerprint,
    },
}

/// Tells what `bytes` are, without a key: for servers that store them.
///
/// The whole object is decoded as a reader would, within the default limits. SPEC §6 [OBJ-01] [OBJ-02]
///
/// # Errors
/// [`Error::Malformed`], [`Error::Unsupported`], [`Error::Limit`] or [`Error::Signature`] if no reader would take it.
pub fn inspect(bytes: &[u8]) -> Result<Info<'_>, Error> {
    match decode_prefix(&mut Wire::new(bytes))? {
        public_identity::TYPE => {
            let identity = PublicIdentity::from_bytes(bytes)?;
            Ok(Info::PublicIdentity { fingerprint: *identity.fingerprint(), generation: identity.generation() })
        }
        transition::TYPE => Ok(Info::Transition { old: *Transition::from_bytes(bytes)?.old_fingerprint() }),
        detached::TYPE => {
            Ok(Info::DetachedSignature { signer: *DetachedSignature::from_bytes(bytes)?.claimed_signer() })
        }
        #[cfg(feature = "alloc")]
        device::LINK_REQUEST_TYPE => device::LinkRequest::from_bytes(bytes).map(|_| Info::LinkRequest),
        device::CERTIFICATE_TYPE => {
            let certificate = DeviceCertificate::from_bytes(bytes)?;
            let (identity, device_id) = (*certificate.claimed_identity(), *certificate.device_id());
            Ok(Info::DeviceCertificate { identity, device_id })
        }
        device::PROOF_TYPE => {
            let proof = RequestProof::from_bytes(bytes)?;
            Ok(Info::RequestProof { identity: *proof.claimed_identity(), device_id: *proof.claimed_device() })
        }
        epoch::MESSAGE_TYPE => {
            let header = epoch::decode_header(bytes)?;
            Ok(Info::RoomMessage { room: header.room, epoch: Epoch::new(header.epoch) })
        }
        #[cfg(feature = "alloc")]
        room::LEAVE_TYPE => {
            let statement = LeaveStatement::from_bytes(bytes)?;
            Ok(Info::LeaveStatement { room: *statement.room(), member: *statement.claimed_member() })
        }
        #[cfg(feature = "alloc")]
        room::HEAD_TYPE => {
            let statement = HeadStatement::from_bytes(bytes)?;
            let (room, epoch, member) = (*statement.room(), statement.epoch(), *statement.claimed_member());
            Ok(Info::HeadStatement { room, epoch, member })
        }
        _ => {
            let envelope = EnvelopeInfo::of(bytes, u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
            if envelope.content_type == ContentType::RoomEpoch {
                let (room, epoch) = epoch::decode_package(bytes)?;
                return Ok(Info::RoomEpoch { room, epoch: Epoch::new(epoch), envelope });
            }
            #[cfg(feature = "alloc")]
            if envelope.content_type == ContentType::HistoryGrant {
                return Ok(Info::HistoryGrant { room: room::decode_grant(bytes)?.1, envelope });
            }
            Ok(Info::Envelope(envelope))
        }
    }
}
