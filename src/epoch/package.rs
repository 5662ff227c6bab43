//! A package on its way: decoded, opened, authorised. SPEC §18.1, §18.3.
//!
//! ```text
//! bytes --Decoded::decode--> Decoded --open--> Opened --verify_author, check--> Authorised --Room::place--> applied
//! ```
//!
//! Each stage is a type that only the stage before makes. `verify_author` is apart from `check`: on the way back through
//! the past an epoch's author is verified before its parent is there to check it against.

use super::body::{self, Lent, RoomEpoch, Roster, Shared};
use super::held::{Held, Named};
use super::roster::{Directory, HistoryPolicy, Role, RoomId, Transcript, look_up, refused};
use super::rules::{self, Wraps};
use crate::envelope::{Claim, ContentType, Limits, Locked, Reader, Stanza, Unlocked};
use crate::error::Error;
use crate::identity::Transition;
use crate::labels::KEY_LEN;
use crate::public_identity::{Fingerprint, PublicIdentity};
use crate::secret::Secret;
#[cfg(feature = "alloc")]
use crate::side_by_side;
use crate::wire::Reader as Wire;
#[cfg(feature = "alloc")]
use crate::wire::{length_len, push_length};
#[cfg(feature = "alloc")]
use alloc::{collections::BTreeSet, vec::Vec};
use zeroize::Zeroize;
#[cfg(feature = "alloc")]
use zeroize::Zeroizing;

/// What a package's public data hold: room id and epoch. [ROOM-01]
#[cfg(feature = "alloc")]
pub(crate) fn public_data(room: &RoomId, epoch: u64) -> [u8; RoomId::LEN + 8] {
    let mut bytes = [0; RoomId::LEN + 8];
    let (id, number) = bytes.split_at_mut(RoomId::LEN);
    id.copy_from_slice(room.as_bytes());
    number.copy_from_slice(&epoch.to_be_bytes());
    bytes
}

/// The reverse of [`public_data`]. [ROOM-01]
fn decode_public_data(bytes: &[u8]) -> Result<(RoomId, u64), Error> {
    let field = "public_data";
    let mut wire = Wire::new(bytes);
    let room = RoomId::from_bytes(*wire.array(field)?);
    let epoch = wire.u64(field)?;
    wire.finish(field)?;
    Ok((room, epoch))
}

/// The content of a package. SPEC §18.1
#[cfg(feature = "alloc")]
pub(crate) struct EpochPayload {
    pub(crate) body: RoomEpoch,
    pub(crate) previous_secret: Option<Secret<KEY_LEN>>,
    pub(crate) transition: Option<Transition>,
}

#[cfg(feature = "alloc")]
impl EpochPayload {
    pub(crate) fn encode(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let previous: &[u8] = self.previous_secret.as_ref().map_or(&[], |secret| secret.expose());
        let transition = self.transition.as_ref().map(Transition::to_bytes).transpose()?.unwrap_or_default();
        // All that it will hold, so that no copy with the secret is left behind.
        let lens = [self.body.encoded_len(), 1, previous.len(), length_len(transition.len()), transition.len()];
        let mut out = Zeroizing::new(Vec::with_capacity(lens.into_iter().fold(0, usize::saturating_add)));
        self.body.encode(&mut out);
        out.push(u8::from(self.previous_secret.is_some()));
        out.extend_from_slice(previous);
        push_length(&mut out, transition.len());
        out.extend_from_slice(&transition);
        Ok(out)
    }
}

/// The content of a package that was opened, in the memory it was opened into.
struct Content<'c> {
    body: RoomEpoch<Lent<'c>>,
    previous_secret: Option<Secret<KEY_LEN>>,
    transition: Option<&'c [u8]>,
}

impl<'c> Content<'c> {
    /// [ROOM-02] The previous secret is erased from `bytes`.
    fn decode(bytes: &'c mut [u8]) -> Result<Self, Error> {
        let lens = (|| {
            let body_len = body::encoded_len(bytes)?;
            let previous_len = match bytes.get(body_len..) {
                Some([0, ..]) => 1,
                Some([1, rest @ ..]) if rest.len() >= KEY_LEN => 1 + KEY_LEN,
                _ => return Err(Error::Malformed { field: "has_previous" }),
            };
            Ok((body_len, previous_len))
        })();
        let Ok((body_len, previous_len)) = lens else {
            bytes.zeroize();
            return Err(Error::Malformed { field: "room epoch" });
        };
        let (body, rest) = bytes.split_at_mut(body_len);
        let (previous, transition) =
            rest.split_at_mut_checked(previous_len).ok_or(Error::Malformed { field: "previous_secret" })?;
        let previous_secret = previous.split_first_chunk_mut().and_then(|([_], secret)| secret.try_into().ok());
        let previous_secret = previous_secret.map(Secret::take);
        let mut wire = Wire::new(transition);
        let transition = Some(wire.vector("transition")?).filter(|bytes| !bytes.is_empty());
        wire.finish("epoch payload")?;
        Ok(Self { body: RoomEpoch::decode(&mut Wire::new(body))?, previous_secret, transition })
    }
}

/// A package whose form was checked. Nothing of it is authentic.
pub(crate) struct Decoded<'a> {
    pub(crate) locked: Locked<'a>,
    pub(crate) room: RoomId,
    pub(crate) epoch: u64,
    pub(crate) wraps: Wraps,
}

impl<'a> Decoded<'a> {
    /// [ROOM-01]
    pub(crate) fn decode(package: &'a [u8]) -> Result<Self, Error> {
        let locked = Locked::decode(package, &Limits::default())?;
        locked.require(ContentType::RoomEpoch)?;
        let header = locked.header();
        if header.signature.is_none() {
            return Err(Error::Malformed { field: "signature" });
        }
        if header.padded {
            return Err(Error::Malformed { field: "padding" });
        }
        let (room, epoch) = decode_public_data(header.public_data)?;
        let mut wraps = Wraps::default();
        for stanza in header.stanzas() {
            match stanza? {
                Stanza::P256Group { entries, .. } => wraps.public = wraps.public.saturating_add(entries.len()),
                Stanza::Rsa { .. } => wraps.public = wraps.public.saturating_add(1),
                Stanza::Symmetric { key_id, .. } => {
                    wraps.symmetric = wraps.symmetric.saturating_add(1);
                    wraps.key_id = *key_id;
                }
                Stanza::Passphrase { .. } => return Err(Error::Malformed { field: "stanzas" }),
            }
        }
        Ok(Self { locked, room, epoch, wraps })
    }

    /// Unlocks by the symmetric stanza of an addition, under the parent's key. SPEC §18.3
    pub(crate) fn unlock_by(&self, parent: &Held<impl Roster>) -> Option<Unlocked> {
        let follows = self.wraps.symmetric > 0 && parent.body.epoch.checked_add(1) == Some(self.epoch);
        let kek = parent.epoch_kek().filter(|_| follows)?.ok()?;
        self.locked.unlock_symmetric(&kek).ok()
    }

    /// For which keys it has symmetric stanzas.
    #[cfg(feature = "alloc")]
    pub(crate) fn symmetric_ids(&self) -> BTreeSet<[u8; 16]> {
        let id = |stanza| match stanza {
            Ok(Stanza::Symmetric { key_id, .. }) => Some(*key_id),
            _ => None,
        };
        self.locked.header().stanzas().filter_map(id).collect()
    }

    /// [`open_into`](Self::open_into), in memory of its own.
    #[cfg(feature = "alloc")]
    pub(crate) fn open(&self, unlocked: Unlocked) -> Result<Opened, Error> {
        let secret = unlocked.keys.dek.clone();
        let (content, claim) = unlocked.open_any(self.locked.payload())?.into_parts();
        Ok(self.read(secret, claim, &mut Zeroizing::new(content))?.share())
    }

    /// Opens it to `out`, where the roster stays: on an error too, if it decrypts. The previous secret never does.
    pub(crate) fn open_into<'o>(&self, unlocked: Unlocked, out: &'o mut [u8]) -> Result<Opened<Lent<'o>>, Error> {
        let secret = unlocked.keys.dek.clone();
        let (range, claim) = unlocked.open_any_into(self.locked.payload(), out)?;
        self.read(secret, claim, out.get_mut(range).unwrap_or_default())
    }

    /// [ROOM-02] [ROOM-03] [ROOM-04]
    // Not inlined: on a small stack its frame is gone before the payload is opened.
    #[inline(never)]
    fn read<'c>(
        &self,
        secret: Secret<KEY_LEN>,
        claim: Option<Claim>,
        content: &'c mut [u8],
    ) -> Result<Opened<Lent<'c>>, Error> {
        let commitment = *self.locked.commitment();
        // [ROOM-01] says that it is signed.
        let claim = claim.ok_or(Error::Decrypt)?;
        let no = refused("ROOM-02");
        let Content { body, previous_secret, transition } = Content::decode(content).map_err(|_| no)?;
        let replaced = transition.map(fingerprints).transpose().map_err(|_| no)?;
        if (body.room_id(), body.epoch) != (self.room, self.epoch) {
            return Err(refused("ROOM-03"));
        }
        if body.epoch == 0 {
            let first = body.previous == Transcript([0; 32])
                && body.adds_since_rekey == 0
                && previous_secret.is_none()
                && transition.is_none()
                && claim.signer == body.creator
                && body.is_admin(&claim.signer)
                && self.wraps.symmetric == 0;
            if !first {
                return Err(refused("ROOM-04"));
            }
            rules::count(&self.wraps, body.roster.len())?;
        }
        let (named, message_key) = Named::with_secret(claim.signer, body, commitment, &secret)?;
        Ok(Opened {
            named,
            secret,
            message_key,
            previous_secret,
            transition,
            replaced,
            claim,
            wraps: self.wraps,
            author: None,
            signed: None,
        })
    }
}

/// A package whose content was opened; who made it, and whether they may, is not known yet.
pub(crate) struct Opened<R: Roster = Shared> {
    pub(crate) named: Named<R>,
    secret: Secret<KEY_LEN>,
    message_key: Secret<KEY_LEN>,
    previous_secret: Option<Secret<KEY_LEN>>,
    /// Encoded: it is long, and mostly there is none.
    transition: Option<R::Bytes>,
    /// The old and the new fingerprint of the transition.
    replaced: Option<(Fingerprint, Fingerprint)>,
    claim: Claim,
    wraps: Wraps,
    /// Whether its signature is its signer's, and its transition what it says, once that was looked at: by what its
    /// fingerprints name, so that it holds for every directory.
    author: Option<bool>,
    /// The same of its signature alone.
    signed: Option<bool>,
}

#[cfg(feature = "alloc")]
impl Opened<Lent<'_>> {
    /// The same, in memory of its own.
    fn share(self) -> Opened {
        Opened {
            named: self.named.share(),
            secret: self.secret,
            message_key: self.message_key,
            previous_secret: self.previous_secret,
            transition: self.transition.map(<[u8]>::to_vec),
            replaced: self.replaced,
            claim: self.claim,
            wraps: self.wraps,
            author: self.author,
            signed: self.signed,
        }
    }
}

impl<R: Roster> Opened<R> {
    /// The signatures of its transition and its own. [ROOM-07] [ROOM-14]
    pub(crate) fn verify_author(&mut self, directory: &dyn Directory) -> Result<(), Error> {
        let good = match self.author {
            Some(good) => good,
            None => match self.verify_signatures(directory) {
                // Who is not known may come to be.
                Err(error @ Error::UnknownIdentity { .. }) => return Err(error),
                verdict => verdict.is_ok(),
            },
        };
        self.author = Some(good);
        if good { Ok(()) } else { Err(Error::Signature) }
    }

    /// Its own signature. A transition is not looked at.
    fn verify_signature(&mut self, signer: &PublicIdentity) -> Result<(), Error> {
        if self.named.signer != *signer.fingerprint() {
            return Err(Error::Signature);
        }
        let without = self.author.filter(|good| *good || self.transition.is_none());
        let good = self.signed.or(without).unwrap_or_else(|| self.claim.verify(signer).is_ok());
        self.signed = Some(good);
        if self.transition.is_none() {
            self.author = Some(good);
        }
        if good { Ok(()) } else { Err(Error::Signature) }
    }

    /// Its own signature. Who replaces themselves is known by the transition, by which [TRN-01] is checked then. [ROOM-07]
    pub(crate) fn verify_own(&mut self, directory: &dyn Directory) -> Result<(), Error> {
        if self.replaced.is_none_or(|(_, new)| new != self.named.signer) {
            return self.verify_signature(look_up(directory, &self.named.signer)?);
        }
        let by_transition = |transition: &R::Bytes| is_signed_by(transition.as_ref(), &self.claim);
        let good = self.signed.unwrap_or_else(|| self.transition.as_ref().is_some_and(by_transition));
        self.signed = Some(good);
        if good { Ok(()) } else { Err(Error::Signature) }
    }

    /// Its own first, so that nobody waits for who is named in what its author did not sign.
    fn verify_signatures(&mut self, directory: &dyn Directory) -> Result<(), Error> {
        self.verify_own(directory)?;
        let (Some((old, _)), Some(transition)) = (self.replaced, &self.transition) else { return Ok(()) };
        check_transition(transition.as_ref(), look_up(directory, &old)?)
    }

    /// The rules that hold between it and its parent, once its author was verified. SPEC §18.3
    pub(crate) fn check(&self, parent: &Held<impl Roster>) -> Result<Authorised<R>, Error> {
        let body = &self.named.body;
        rules::change(parent, body, &self.named.signer, self.replaced)?;
        rules::wrapped(parent, body, &self.wraps)?;
        rules::previous(parent, body, self.previous_secret.as_ref())?;
        Ok(Authorised { held: self.held()?, replaced: self.replaced })
    }

    /// What can be checked of the first package of a run, which has no parent that is held. SPEC §18.4 [ROOM-15]
    ///
    /// `invited`: somebody joins by it, and does not only recover.
    pub(crate) fn begin(&mut self, signer: &PublicIdentity, invited: Invited) -> Result<Held<R>, Error> {
        self.verify_signature(signer)?;
        let body = &self.named.body;
        let member = body.member(signer.fingerprint()).ok_or(refused("ROOM-15"))?;
        let adds = body.adds_since_rekey > 0;
        let by_admin = member.role == Role::Admin;
        match invited {
            Invited::ByAdmin if !by_admin => return Err(refused("ROOM-15")),
            Invited::Unknown if !by_admin && (adds || self.previous_secret.is_none()) => {
                return Err(refused("ROOM-15"));
            }
            Invited::ByAdmin | Invited::Unknown => {}
        }
        if body.epoch > 0 {
            rules::adds_fit(&self.wraps, body)?;
            let shared = body.history == HistoryPolicy::Shared;
            let present = self.previous_secret.is_some();
            // [ROOM-12] Who is new is new to the parent.
            let fits = match invited {
                Invited::ByAdmin => present == shared && self.transition.is_none(),
                Invited::Unknown => present || !shared,
            };
            if !fits {
                return Err(refused("ROOM-12"));
            }
        }
        self.held()
    }

    /// That an admin of `head` made it, whose parent is not held, with the number `least` or a later one: it stops sealing.
    /// Gives its number. Without a `least` nothing is later. [ROOM-24] [ROOM-08]
    pub(crate) fn check_ahead(
        &mut self,
        head: &Held<impl Roster>,
        least: Option<u64>,
        directory: &dyn Directory,
    ) -> Result<u64, Error> {
        let epoch = self.named.body.epoch;
        let ahead = least.is_some_and(|least| epoch >= least) && head.body.is_admin(&self.named.signer);
        match look_up(directory, &self.named.signer) {
            // Nothing else of it is checked, what its transition says neither.
            Ok(signer) if ahead => self.verify_signature(signer)?,
            _ => self.verify_author(directory)?,
        }
        if ahead { Ok(epoch) } else { Err(refused("ROOM-08")) }
    }

    pub(crate) fn held(&self) -> Result<Held<R>, Error> {
        Held::new(self.named.clone(), Some(self.secret.clone()), self.message_key.clone())
    }
}

#[cfg(feature = "alloc")]
impl Opened {
    /// Verifies the authors of many, side by side where there are threads; what a transition says is left for its turn, and
    /// so is who is not known. [ROOM-07]
    pub(crate) fn verify_authors<'o>(many: impl Iterator<Item = &'o mut Self>, directory: &dyn Directory) {
        let new = many.filter(|opened| opened.author.is_none() && opened.transition.is_none());
        let (mut slots, mut signed) = (Vec::new(), Vec::new());
        for Self { author, claim, named, .. } in new {
            if let Ok(signer) = look_up(directory, &named.signer) {
                slots.push(author);
                signed.push((&*claim, signer));
            }
        }
        let verified = side_by_side::map(&signed, |(claim, signer)| claim.verify(signer).is_ok());
        for (author, good) in slots.into_iter().zip(verified) {
            *author = Some(good);
        }
    }

    /// Whose place its author took by its transition, if that can be checked. [ROOM-14]
    pub(crate) fn successor_of(&mut self, directory: &dyn Directory) -> Option<Fingerprint> {
        let (old, new) = self.replaced?;
        (new == self.named.signer && self.verify_author(directory).is_ok()).then_some(old)
    }

    /// Another package of the same transcript.
    pub(crate) fn open_copy(&self, copy: &Decoded<'_>) -> Result<Self, Error> {
        let opened = copy.open(copy.locked.unlock_dek(Secret::clone(&self.secret))?)?;
        if opened.named.key() == self.named.key() { Ok(opened) } else { Err(Error::Decrypt) }
    }

    /// The previous epoch's package, opened with the secret that this one names, or a copy of it. [ROOM-16]
    pub(crate) fn open_previous(&self, previous: &Decoded<'_>) -> Result<Self, Error> {
        let no = refused("ROOM-16");
        let secret = self.previous_secret.as_ref().ok_or(no)?;
        if previous.room != self.named.body.room_id() {
            return Err(no);
        }
        let opened = previous.open(previous.locked.unlock_dek(secret.clone())?)?;
        if self.named.parent_key() == Some(opened.named.key()) { Ok(opened) } else { Err(no) }
    }
}

/// Whose fingerprint a transition replaces by which. [ROOM-02]
#[inline(never)]
fn fingerprints(transition: &[u8]) -> Result<(Fingerprint, Fingerprint), Error> {
    Transition::from_bytes(transition).map(|transition| transition.fingerprints())
}

/// Whether a transition's new identity signed.
#[inline(never)]
fn is_signed_by(transition: &[u8], claim: &Claim) -> bool {
    Transition::from_bytes(transition).is_ok_and(|transition| claim.verify(transition.new_identity()).is_ok())
}

/// Follows a transition from `old`. [TRN-01]
#[inline(never)]
fn check_transition(transition: &[u8], old: &PublicIdentity) -> Result<(), Error> {
    old.follow(&Transition::from_bytes(transition)?).map(|_| ())
}

/// By whose word the first package of a run is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invited {
    /// The application named who invites.
    ByAdmin,
    /// A server kept it: the room stays unconfirmed.
    Unknown,
}

/// An epoch that may be applied.
pub(crate) struct Authorised<R = Shared> {
    pub(crate) held: Held<R>,
    /// Whose fingerprint was replaced by which.
    pub(crate) replaced: Option<(Fingerprint, Fingerprint)>,
}

/// As which of `readers` somebody comes in by a package: the first that is in its roster. [ROOM-15]
pub(crate) fn comes_in_as(opened: &Opened<impl Roster>, readers: &[Reader<'_>]) -> Result<Fingerprint, Error> {
    let mut ids = readers.iter().map(|reader| Fingerprint::from_bytes(*reader.id()));
    ids.find(|id| opened.named.body.has(id)).ok_or(refused("ROOM-15"))
}

/// Room and epoch of a package, without a key. [ROOM-01]
pub(crate) fn decode_package(package: &[u8]) -> Result<(RoomId, u64), Error> {
    Decoded::decode(package).map(|decoded| (decoded.room, decoded.epoch))
}
