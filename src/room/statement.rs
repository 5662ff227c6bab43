//! Signed statements of members: that they leave, and what the head is. SPEC §18.6, §18.7.

use super::Room;
use crate::crypto::Random;
use crate::derive::sign_input_hash;
use crate::envelope::{Sender, verify_signature};
use crate::epoch::{Directory, Epoch, RoomId, Transcript, look_up, refused};
use crate::error::Error;
use crate::keys::{Signature, SignatureAlgorithm};
use crate::labels::{self, FINGERPRINT_LEN};
use crate::object::{decode_prefix, prefix};
use crate::public_identity::{Fingerprint, PublicIdentity};
use crate::wire::Reader as Wire;
use alloc::vec::Vec;
use core::fmt;
use rand_core::TryCryptoRng;

/// Object types of SPEC §6.
pub(crate) const LEAVE_TYPE: u8 = 0x24;
pub(crate) const HEAD_TYPE: u8 = 0x25;

/// The start of an object of that type.
fn begin<'b>(bytes: &'b [u8], expected: u8) -> Result<Wire<'b>, Error> {
    let mut wire = Wire::new(bytes);
    // [OBJ-03]
    if decode_prefix(&mut wire)? == expected { Ok(wire) } else { Err(Error::Unsupported { field: "type" }) }
}

/// Algorithm and signature, to the end.
fn end(wire: &mut Wire<'_>) -> Result<Signature, Error> {
    let algorithm = SignatureAlgorithm::from_code(wire.u8("algorithm")?)?;
    let algorithm = algorithm.ok_or(Error::Malformed { field: "algorithm" })?;
    let given = wire.take(algorithm.signature_len(), "signature")?;
    wire.finish("statement")?;
    Signature::from_slice(algorithm, given).ok_or(Error::Malformed { field: "signature" })
}

/// A member's statement that it leaves, by which an admin removes it. SPEC §18.6
#[derive(Clone)]
pub struct LeaveStatement {
    room: RoomId,
    transcript: Transcript,
    member: Fingerprint,
    signature: Signature,
}

impl LeaveStatement {
    fn digest(room: &RoomId, transcript: &Transcript, member: &Fingerprint, algorithm: SignatureAlgorithm) -> [u8; 32] {
        let content: [&[u8]; 4] = [room.as_bytes(), transcript.as_bytes(), member.as_bytes(), &[algorithm.code()]];
        sign_input_hash(labels::LEAVE, &content)
    }

    /// Decodes exactly one statement. Its signature is not checked: [`Room::check_leave`] does.
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::Unsupported`], naming the field.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut wire = begin(bytes, LEAVE_TYPE)?;
        let room = RoomId::from_bytes(*wire.array("room_id")?);
        let transcript = Transcript(*wire.array("transcript")?);
        let member = Fingerprint::from_bytes(*wire.array::<FINGERPRINT_LEN>("member")?);
        Ok(Self { room, transcript, member, signature: end(&mut wire)? })
    }

    /// The encoding: 152 bytes with ECDSA. SPEC §18.6
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let algorithm = [self.signature.algorithm().code()];
        let pieces: [&[u8]; 6] = [
            &prefix(LEAVE_TYPE),
            self.room.as_bytes(),
            self.transcript.as_bytes(),
            self.member.as_bytes(),
            &algorithm,
            self.signature.as_bytes(),
        ];
        pieces.concat()
    }

    /// The room it says to be about.
    #[must_use]
    pub const fn room(&self) -> &RoomId {
        &self.room
    }

    /// Who says to leave.
    #[must_use]
    pub const fn claimed_member(&self) -> &Fingerprint {
        &self.member
    }
}

impl fmt::Debug for LeaveStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaveStatement").field("room", &self.room).field("member", &self.member).finish_non_exhaustive()
    }
}

/// A member's statement of what the head of its room is, over the nonce of a device that asks. SPEC §18.7
#[derive(Clone)]
pub struct HeadStatement {
    room: RoomId,
    epoch: u64,
    transcript: Transcript,
    nonce: [u8; 32],
    member: Fingerprint,
    signature: Signature,
}

/// What a head statement is about.
struct Vouched<'a> {
    room: &'a RoomId,
    epoch: u64,
    transcript: &'a Transcript,
    nonce: &'a [u8; 32],
}

impl Vouched<'_> {
    fn digest(&self, member: &Fingerprint, algorithm: SignatureAlgorithm) -> [u8; 32] {
        let content: [&[u8]; 6] = [
            self.room.as_bytes(),
            &self.epoch.to_be_bytes(),
            self.transcript.as_bytes(),
            self.nonce,
            member.as_bytes(),
            &[algorithm.code()],
        ];
        sign_input_hash(labels::HEAD, &content)
    }
}

impl HeadStatement {
    /// Draws the 32 bytes over which a statement is asked for: keep them until it comes. SPEC §18.7
    ///
    /// # Errors
    /// [`Error::Generator`].
    pub fn nonce(rng: &mut impl TryCryptoRng) -> Result<[u8; 32], Error> {
        let mut nonce = [0; 32];
        rng.fill(&mut nonce)?;
        Ok(nonce)
    }

    /// Decodes exactly one statement. Its signature is not checked: [`Room::confirm`] does.
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::Unsupported`], naming the field.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut wire = begin(bytes, HEAD_TYPE)?;
        let room = RoomId::from_bytes(*wire.array("room_id")?);
        let epoch = wire.u64("epoch")?;
        let transcript = Transcript(*wire.array("transcript")?);
        let nonce = *wire.array("nonce")?;
        let member = Fingerprint::from_bytes(*wire.array::<FINGERPRINT_LEN>("member")?);
        Ok(Self { room, epoch, transcript, nonce, member, signature: end(&mut wire)? })
    }

    /// The encoding: 192 bytes with ECDSA. SPEC §18.7
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let algorithm = [self.signature.algorithm().code()];
        let pieces: [&[u8]; 8] = [
            &prefix(HEAD_TYPE),
            self.room.as_bytes(),
            &self.epoch.to_be_bytes(),
            self.transcript.as_bytes(),
            &self.nonce,
            self.member.as_bytes(),
            &algorithm,
            self.signature.as_bytes(),
        ];
        pieces.concat()
    }

    /// The room it says to be about.
    #[must_use]
    pub const fn room(&self) -> &RoomId {
        &self.room
    }

    /// The epoch it says to be the head.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        Epoch::new(self.epoch)
    }

    /// Who says to have made it.
    #[must_use]
    pub const fn claimed_member(&self) -> &Fingerprint {
        &self.member
    }

    const fn vouched(&self) -> Vouched<'_> {
        Vouched { room: &self.room, epoch: self.epoch, transcript: &self.transcript, nonce: &self.nonce }
    }
}

impl fmt::Debug for HeadStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeadStatement")
            .field("room", &self.room)
            .field("epoch", &self.epoch)
            .field("member", &self.member)
            .finish_non_exhaustive()
    }
}

impl Room {
    /// Says that this member leaves, for an admin. The room stays as it is, and messages come until the member is removed.
    /// SPEC §18.6
    ///
    /// # Errors
    /// [`Error::Argument`] for another sender than this room's member, or one whose key is elsewhere; [`Error::Key`];
    /// [`Error::Generator`].
    pub fn leave(&self, sender: &Sender<'_>, rng: &mut impl TryCryptoRng) -> Result<LeaveStatement, Error> {
        let algorithm = self.own_algorithm(sender)?;
        let digest = LeaveStatement::digest(&self.id, self.transcript(), &self.me, algorithm);
        let signature = Signature::make(algorithm, |place| sender.sign(&digest, place, rng))?;
        Ok(LeaveStatement { room: self.id, transcript: *self.transcript(), member: self.me, signature })
    }

    /// Checks that a member wants to leave now: give it to [`remove`](Self::remove) then. SPEC §18.6 [ROOM-21]
    ///
    /// # Errors
    /// [`Error::UnknownIdentity`]; [`Error::Signature`]; [`Error::Room`] for another room, an epoch that is not on this
    /// room's branch, or somebody who was not in the room ever since.
    pub fn check_leave(&self, statement: &LeaveStatement, directory: &dyn Directory) -> Result<Fingerprint, Error> {
        let LeaveStatement { room, transcript, member, signature } = statement;
        let digest = LeaveStatement::digest(room, transcript, member, signature.algorithm());
        verify_signature(look_up(directory, member)?, member, &digest, signature)?;
        // From the head down to the epoch that is named; a gap in what is held ends it too.
        let mut next = Some(self.head);
        while let Some(held) = next.and_then(|key| self.epochs.get(&key)) {
            if !held.body.has(member) {
                break;
            }
            if held.transcript == *transcript && *room == self.id {
                return Ok(*member);
            }
            next = held.parent_key();
        }
        Err(refused("ROOM-21"))
    }

    /// Vouches for this room's head to a device that asks with `nonce`: only to one whose user is known to be a member.
    /// SPEC §18.7
    ///
    /// # Errors
    /// [`Error::Unconfirmed`]; [`Error::Argument`] for another sender than this room's member, or one whose key is
    /// elsewhere; [`Error::Key`]; [`Error::Generator`].
    pub fn vouch(
        &self,
        nonce: &[u8; 32],
        sender: &Sender<'_>,
        rng: &mut impl TryCryptoRng,
    ) -> Result<HeadStatement, Error> {
        self.require_confirmed()?;
        let algorithm = self.own_algorithm(sender)?;
        let (epoch, transcript) = self.head;
        let vouched = Vouched { room: &self.id, epoch, transcript: &transcript, nonce };
        let digest = vouched.digest(&self.me, algorithm);
        let signature = Signature::make(algorithm, |place| sender.sign(&digest, place, rng))?;
        Ok(HeadStatement { room: self.id, epoch, transcript, nonce: *nonce, member: self.me, signature })
    }

    /// Confirms a recovered room: `member`, whom the user trusts and who is in the room, vouches for its head over the nonce
    /// that this device drew. SPEC §18.7 [ROOM-23]
    ///
    /// # Errors
    /// [`Error::Signature`] if it is not the member's; [`Error::Room`] if it is about another nonce, room or head, or the
    /// member is not in the room. The head may then lack packages that the member has.
    pub fn confirm(
        &mut self,
        statement: &HeadStatement,
        nonce: &[u8; 32],
        member: &PublicIdentity,
    ) -> Result<(), Error> {
        let digest = statement.vouched().digest(&statement.member, statement.signature.algorithm());
        verify_signature(member, &statement.member, &digest, &statement.signature)?;
        let fits = statement.room == self.id
            && (statement.epoch, statement.transcript) == self.head
            && statement.nonce == *nonce
            && self.head()?.body.has(member.fingerprint());
        if !fits {
            return Err(refused("ROOM-23"));
        }
        self.confirmed = true;
        Ok(())
    }

    /// The algorithm of this room's member, who must be the sender.
    pub(super) fn own_algorithm(&self, sender: &Sender<'_>) -> Result<SignatureAlgorithm, Error> {
        if *sender.identity.fingerprint() != self.me {
            return Err(Error::Argument { what: "a sender who is not this room's member" });
        }
        Ok(sender.identity.signing_key().algorithm())
    }
}
