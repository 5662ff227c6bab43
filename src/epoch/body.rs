//! What an epoch's package says of the epoch, and the roster in it. SPEC §18.1.

use super::roster::{HistoryPolicy, Member, Role, RoomId, Transcript};
use crate::error::Error;
use crate::labels::{FINGERPRINT_LEN, MAX_MEMBERS};
use crate::public_identity::Fingerprint;
use crate::wire::{Reader as Wire, encode_length, length_len};
#[cfg(feature = "alloc")]
use alloc::vec::Vec;

/// Bytes of a member on the wire.
pub(crate) const MEMBER_LEN: usize = FINGERPRINT_LEN + 1;

/// Members in their one order, wherever they stand in memory.
pub(crate) trait Roster: Clone {
    /// Bytes beside it.
    type Bytes: AsRef<[u8]>;

    fn len(&self) -> usize;

    fn get(&self, place: usize) -> Option<Member>;

    /// Where somebody stands.
    fn place(&self, who: &Fingerprint) -> Option<usize>;

    fn iter(&self) -> impl Iterator<Item = Member> {
        (0..self.len()).filter_map(|place| self.get(place))
    }
}

/// A roster in memory of its own, shared between epochs of the same people.
#[cfg(feature = "alloc")]
pub(crate) type Shared = alloc::sync::Arc<[Member]>;
/// There is none without an allocator: this stands where a type is wanted.
#[cfg(not(feature = "alloc"))]
pub(crate) type Shared = Lent<'static>;

#[cfg(feature = "alloc")]
impl Roster for Shared {
    type Bytes = Vec<u8>;

    fn len(&self) -> usize {
        self.as_ref().len()
    }

    fn get(&self, place: usize) -> Option<Member> {
        self.as_ref().get(place).copied()
    }

    fn place(&self, who: &Fingerprint) -> Option<usize> {
        self.binary_search_by(|member| member.fingerprint.cmp(who)).ok()
    }
}

/// A roster as it stands on the wire, checked.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Lent<'c>(&'c [[u8; MEMBER_LEN]]);

impl<'c> Roster for Lent<'c> {
    type Bytes = &'c [u8];

    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, place: usize) -> Option<Member> {
        decode_member(self.0.get(place)?)
    }

    fn place(&self, who: &Fingerprint) -> Option<usize> {
        self.0.binary_search_by(|[fingerprint @ .., _]| fingerprint.cmp(who.as_bytes())).ok()
    }
}

fn decode_member(bytes: &[u8; MEMBER_LEN]) -> Option<Member> {
    let [fingerprint @ .., role] = bytes;
    Some(Member { fingerprint: Fingerprint::from_bytes(*fingerprint), role: Role::from_code(*role)? })
}

/// The public part of an epoch's content. SPEC §18.1
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoomEpoch<R = Shared> {
    pub(crate) creator: Fingerprint,
    pub(crate) creation_nonce: [u8; 16],
    pub(crate) epoch: u64,
    pub(crate) previous: Transcript,
    pub(crate) history: HistoryPolicy,
    pub(crate) adds_since_rekey: u8,
    pub(crate) roster: R,
}

/// Bytes before the roster.
const FIXED_LEN: usize = FINGERPRINT_LEN + 16 + 8 + Transcript::LEN + 2;

/// How many of these bytes a RoomEpoch at their start takes.
pub(super) fn encoded_len(bytes: &[u8]) -> Result<usize, Error> {
    let mut wire = Wire::new(bytes);
    wire.take(FIXED_LEN, "room epoch")?;
    wire.vector("roster")?;
    Ok(bytes.len().saturating_sub(wire.remaining()))
}

impl<'c> RoomEpoch<Lent<'c>> {
    /// [ROOM-02] [LIM-11]
    pub(crate) fn decode(wire: &mut Wire<'c>) -> Result<Self, Error> {
        let creator = Fingerprint::from_bytes(*wire.array("creator")?);
        let creation_nonce = *wire.array("creation_nonce")?;
        let epoch = wire.u64("epoch")?;
        let previous = Transcript(*wire.array("previous_transcript")?);
        let history = HistoryPolicy::decode(wire)?;
        let adds_since_rekey = wire.u8("adds_since_rekey")?;
        let field = "roster";
        let (members, rest) = wire.vector(field)?.as_chunks::<MEMBER_LEN>();
        let roster = Lent(members);
        if !rest.is_empty() {
            return Err(Error::Malformed { field });
        }
        // Checked before anything is taken for it.
        check_roster(&roster)?;
        if members.iter().any(|member| decode_member(member).is_none()) {
            return Err(Error::Malformed { field: "role" });
        }
        Ok(Self { creator, creation_nonce, epoch, previous, history, adds_since_rekey, roster })
    }

    /// The same, in memory of its own.
    #[cfg(feature = "alloc")]
    pub(crate) fn share(&self) -> RoomEpoch {
        RoomEpoch {
            creator: self.creator,
            creation_nonce: self.creation_nonce,
            epoch: self.epoch,
            previous: self.previous,
            history: self.history,
            adds_since_rekey: self.adds_since_rekey,
            roster: self.roster.iter().collect::<Vec<_>>().into(),
        }
    }
}

impl<R: Roster> RoomEpoch<R> {
    pub(crate) fn room_id(&self) -> RoomId {
        RoomId::of(&self.creator, &self.creation_nonce, self.history)
    }

    /// Feeds the encoding to `sink`, piece by piece.
    pub(super) fn encode_to(&self, mut sink: impl FnMut(&[u8])) {
        sink(self.creator.as_bytes());
        sink(&self.creation_nonce);
        sink(&self.epoch.to_be_bytes());
        sink(self.previous.as_bytes());
        sink(&[self.history.code(), self.adds_since_rekey]);
        let (len, used) = encode_length(self.roster_len());
        sink(len.get(..used).unwrap_or_default());
        for member in self.roster.iter() {
            sink(member.fingerprint.as_bytes());
            sink(&[member.role.code()]);
        }
    }

    #[cfg(feature = "alloc")]
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        self.encode_to(|piece| out.extend_from_slice(piece));
    }

    fn roster_len(&self) -> usize {
        self.roster.len().saturating_mul(MEMBER_LEN)
    }

    /// The encoding's length.
    pub(crate) fn encoded_len(&self) -> usize {
        let roster_len = self.roster_len();
        FIXED_LEN.saturating_add(length_len(roster_len)).saturating_add(roster_len)
    }

    /// The key under which its parent is held, if it has one.
    pub(crate) fn parent_key(&self) -> Option<(u64, Transcript)> {
        Some((self.epoch.checked_sub(1)?, self.previous))
    }

    pub(crate) fn member(&self, who: &Fingerprint) -> Option<Member> {
        self.roster.get(self.roster.place(who)?)
    }

    pub(crate) fn has(&self, who: &Fingerprint) -> bool {
        self.roster.place(who).is_some()
    }

    pub(crate) fn is_admin(&self, who: &Fingerprint) -> bool {
        self.member(who).is_some_and(|member| member.role == Role::Admin)
    }
}

/// Strictly ascending, with an admin, not too long. [ROOM-02] [LIM-11]
pub(crate) fn check_roster(roster: &impl Roster) -> Result<(), Error> {
    if roster.len() > MAX_MEMBERS {
        return Err(Error::Limit { limit: "room members" });
    }
    let sorted = roster.iter().map(|member| member.fingerprint).is_sorted_by(|one, other| one < other);
    if sorted && roster.iter().any(|member| member.role == Role::Admin) {
        Ok(())
    } else {
        Err(Error::Malformed { field: "roster" })
    }
}
