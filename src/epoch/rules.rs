//! Who may change what, and how it must be wrapped. SPEC §18.2, §18.3.
//!
//! Authors and readers are held to the same functions.

use super::body::{RoomEpoch, Roster};
use super::held::Held;
use super::roster::{HistoryPolicy, Member, refused};
use crate::error::Error;
use crate::labels::KEY_LEN;
use crate::public_identity::Fingerprint;
use crate::secret::Secret;
use subtle::ConstantTimeEq;

/// Additions in a row, after which everyone is wrapped to by public key again. [ROOM-10]
pub(crate) const MAX_ADDS: u8 = 64;

/// The wrapped keys of a package.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wraps {
    /// By public key.
    pub(crate) public: usize,
    /// Under symmetric keys.
    pub(crate) symmetric: usize,
    /// The last symmetric stanza's.
    pub(crate) key_id: [u8; 16],
}

/// Whether one that was kept without its package may follow another. [ROOM-08] [ROOM-09]
#[cfg(feature = "alloc")]
pub(crate) fn may_follow(parent: &Held<impl Roster>, next: &Held<impl Roster>) -> bool {
    change(parent, &next.body, &next.signer, None).is_ok()
}

/// The same, where who signed may be the successor of a member: that cannot be told without the package. [ROOM-20]
#[cfg(feature = "alloc")]
pub(crate) fn seems_to_follow(parent: &Held<impl Roster>, next: &Held<impl Roster>) -> bool {
    let gone = parent.body.roster.iter().find(|member| !next.body.has(&member.fingerprint));
    let replaced = gone.map(|member| (member.fingerprint, next.signer));
    may_follow(parent, next) || replaced.is_some() && change(parent, &next.body, &next.signer, replaced).is_ok()
}

/// Whether `next` may follow `parent` by the hand of `signer`.
///
/// `replaced`: the old and the new fingerprint of a valid transition. [ROOM-08] [ROOM-09] [ROOM-14]
pub(crate) fn change(
    parent: &Held<impl Roster>,
    next: &RoomEpoch<impl Roster>,
    signer: &Fingerprint,
    replaced: Option<(Fingerprint, Fingerprint)>,
) -> Result<(), Error> {
    let old = &parent.body;
    let follows = next.creator == old.creator
        && next.creation_nonce == old.creation_nonce
        && next.history == old.history
        && old.epoch.checked_add(1) == Some(next.epoch)
        && next.previous == parent.transcript;
    if !follows {
        return Err(refused("ROOM-08"));
    }
    if let Some((from, to)) = replaced
        && !is_replacement(old, next, &from, &to)
    {
        return Err(refused("ROOM-14"));
    }
    if old.is_admin(signer) {
        // Somebody always stays who may change the roster.
        return if next.is_admin(signer) { Ok(()) } else { Err(refused("ROOM-09")) };
    }
    match replaced {
        Some((_, to)) if to == *signer => Ok(()),
        None if old.has(signer) && old.roster.iter().eq(next.roster.iter()) => Ok(()),
        _ => Err(refused("ROOM-09")),
    }
}

/// Whether an epoch that was authorised yields: its author was not an admin before. A replacement counts by the role that
/// is replaced, which is the new one's too. SPEC §18.5
pub(crate) fn yields(old: &RoomEpoch<impl Roster>, next: &RoomEpoch<impl Roster>, signer: &Fingerprint) -> bool {
    if old.has(signer) { !old.is_admin(signer) } else { !next.is_admin(signer) }
}

/// The same roster with one fingerprint in the other's place, its role kept. [ROOM-14]
fn is_replacement(
    old: &RoomEpoch<impl Roster>,
    next: &RoomEpoch<impl Roster>,
    from: &Fingerprint,
    to: &Fingerprint,
) -> bool {
    let Some(replaced) = old.member(from) else { return false };
    !old.has(to)
        && next.roster.len() == old.roster.len()
        && next.member(to).is_some_and(|member| member.role == replaced.role)
        && old
            .roster
            .iter()
            .filter(|member| member.fingerprint != *from)
            .all(|member| next.member(&member.fingerprint) == Some(member))
}

/// Whether only newcomers make the difference. [ROOM-10]
pub(crate) fn is_addition(old: &RoomEpoch<impl Roster>, next: &RoomEpoch<impl Roster>) -> bool {
    next.roster.len() > old.roster.len()
        && old.roster.iter().all(|member| next.member(&member.fingerprint) == Some(member))
}

/// Those of the new roster who are not in the old one.
pub(crate) fn newcomers(old: &RoomEpoch<impl Roster>, next: &RoomEpoch<impl Roster>) -> impl Iterator<Item = Member> {
    next.roster.iter().filter(move |member| !old.has(&member.fingerprint))
}

/// As many wrapped keys by public key as there are people to wrap to. [ROOM-11]
pub(crate) fn count(wraps: &Wraps, people: usize) -> Result<(), Error> {
    if wraps.public == people { Ok(()) } else { Err(refused("ROOM-11")) }
}

/// What of [ROOM-10] and [ROOM-11] can be checked without the parent.
pub(crate) fn adds_fit(wraps: &Wraps, body: &RoomEpoch<impl Roster>) -> Result<(), Error> {
    match (body.adds_since_rekey, wraps.symmetric) {
        (0, 0) => count(wraps, body.roster.len()),
        (1..=MAX_ADDS, 1) if wraps.public >= 1 && wraps.public < body.roster.len() => Ok(()),
        (1..=MAX_ADDS, 1) => Err(refused("ROOM-11")),
        _ => Err(refused("ROOM-10")),
    }
}

/// How it is wrapped fits what it changes. [ROOM-10] [ROOM-11]
pub(crate) fn wrapped(parent: &Held<impl Roster>, next: &RoomEpoch<impl Roster>, wraps: &Wraps) -> Result<(), Error> {
    let no = refused("ROOM-10");
    if next.adds_since_rekey == 0 {
        return if wraps.symmetric == 0 { count(wraps, next.roster.len()) } else { Err(no) };
    }
    let numbered = parent.body.adds_since_rekey.checked_add(1) == Some(next.adds_since_rekey);
    let key_id = parent.epoch_kek().ok_or(no)??.key_id()?;
    let fits = numbered
        && next.adds_since_rekey <= MAX_ADDS
        && wraps.symmetric == 1
        && wraps.key_id == key_id
        && is_addition(&parent.body, next);
    if !fits {
        return Err(no);
    }
    count(wraps, next.roster.len().saturating_sub(parent.body.roster.len()))
}

/// Whether the previous epoch's secret belongs into the package. [ROOM-12]
pub(crate) fn carries_previous(old: &RoomEpoch<impl Roster>, next: &RoomEpoch<impl Roster>) -> bool {
    next.history == HistoryPolicy::Shared || newcomers(old, next).next().is_none()
}

/// The previous secret is there where it belongs, and is the parent's. [ROOM-12] [ROOM-13]
pub(crate) fn previous(
    parent: &Held<impl Roster>,
    next: &RoomEpoch<impl Roster>,
    given: Option<&Secret<KEY_LEN>>,
) -> Result<(), Error> {
    if given.is_some() != carries_previous(&parent.body, next) {
        return Err(refused("ROOM-12"));
    }
    let Some(given) = given else { return Ok(()) };
    let held = parent.secret.as_ref().ok_or(refused("ROOM-13"))?;
    if bool::from(held.ct_eq(given)) { Ok(()) } else { Err(refused("ROOM-13")) }
}
