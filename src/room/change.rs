//! Making packages: what changes is planned first, then sealed. SPEC §18.2.

use super::Room;
use crate::crypto::Random;
use crate::envelope::{ContentType, Envelope, PendingEnvelope, Recipient, Sender};
use crate::epoch::{
    Directory, EpochPayload, HistoryPolicy, Member, Role, RoomEpoch, Transcript, check_roster, look_up, public_data,
    refused, rules,
};
use crate::error::Error;
use crate::identity::Transition;
use crate::keys::SymmetricKey;
use crate::labels::KEY_LEN;
use crate::public_identity::{Fingerprint, PublicIdentity};
use crate::secret::Secret;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use rand_core::TryCryptoRng;

/// The next epoch of a room, planned and not sealed yet. The room is as it was.
///
/// If another package reaches the server first, drop this one: apply the other, and plan again.
#[must_use]
pub struct Change {
    author: Fingerprint,
    body: RoomEpoch,
    previous_secret: Option<Secret<KEY_LEN>>,
    transition: Option<Transition>,
    /// For everyone who was there before, where only newcomers are wrapped to by public key.
    kek: Option<SymmetricKey>,
    wrap_to: Vec<Fingerprint>,
    /// Identities that were given with the change.
    given: Vec<PublicIdentity>,
}

impl Room {
    /// The package of epoch 0 of a new room of the author, an admin, and `others`. Give it to [`Room::join`] on every device,
    /// the author's too. In a room of two, make both admins: who is left could not change anything otherwise. SPEC §18.1
    ///
    /// # Errors
    /// [`Error::Argument`] for somebody given twice or for a sender whose key is elsewhere; [`Error::Limit`];
    /// [`Error::Key`]; [`Error::Generator`].
    pub fn create(
        author: &Sender<'_>,
        others: &[(&PublicIdentity, Role)],
        history: HistoryPolicy,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Vec<u8>, Error> {
        let creator = *author.identity.fingerprint();
        let mut creation_nonce = [0; 16];
        rng.fill(&mut creation_nonce)?;
        let mut roster = Vec::with_capacity(others.len().saturating_add(1));
        roster.push(Member { fingerprint: creator, role: Role::Admin });
        roster
            .extend(others.iter().map(|(identity, role)| Member { fingerprint: *identity.fingerprint(), role: *role }));
        let roster = sorted(roster)?;
        let wrap_to = roster.iter().map(|member| member.fingerprint).collect();
        let body = RoomEpoch {
            creator,
            creation_nonce,
            epoch: 0,
            previous: Transcript([0; 32]),
            history,
            adds_since_rekey: 0,
            roster,
        };
        let given = others.iter().map(|(identity, _)| (*identity).clone()).collect();
        let change =
            Change { author: creator, body, previous_secret: None, transition: None, kek: None, wrap_to, given };
        // All identities are given with the change.
        change.seal(author, &Vec::new(), rng)
    }

    /// Adds people. It costs one wrap for each of them, whatever the size of the room, but for one in 64 times, when
    /// everybody is wrapped to. SPEC §18.2
    ///
    /// # Errors
    /// [`Error::Argument`] for nobody, or somebody who is there already; [`Error::Room`] if this member is not an admin;
    /// [`Error::Limit`] for too many; [`Error::Unconfirmed`].
    pub fn add(&self, newcomers: &[(&PublicIdentity, Role)]) -> Result<Change, Error> {
        let mut roster = self.roster().to_vec();
        roster.extend(
            newcomers.iter().map(|(identity, role)| Member { fingerprint: *identity.fingerprint(), role: *role }),
        );
        if newcomers.is_empty() {
            return Err(Error::Argument { what: "nobody to add" });
        }
        let given = newcomers.iter().map(|(identity, _)| (*identity).clone()).collect();
        Ok(Change { given, ..self.plan(roster, self.me, None)? })
    }

    /// Removes people: the next epoch's secret is fresh, and wrapped to all who stay. SPEC §18.2
    ///
    /// # Errors
    /// [`Error::Argument`] for nobody, or somebody who is not there; [`Error::Room`] if this member is not an admin, or
    /// would remove itself; [`Error::Unconfirmed`].
    pub fn remove(&self, leavers: &[Fingerprint]) -> Result<Change, Error> {
        let head = &self.head()?.body;
        if leavers.is_empty() || !leavers.iter().all(|who| head.has(who)) {
            return Err(Error::Argument { what: "nobody to remove" });
        }
        let stays = |member: &&Member| !leavers.contains(&member.fingerprint);
        self.plan(self.roster().iter().filter(stays).copied().collect(), self.me, None)
    }

    /// A fresh secret for the same people: locks out whoever got hold of the old one. Any member may. SPEC §18.2
    ///
    /// # Errors
    /// [`Error::Unconfirmed`].
    pub fn refresh(&self) -> Result<Change, Error> {
        self.plan(self.roster().to_vec(), self.me, None)
    }

    /// Makes a member an admin. SPEC §18.2
    ///
    /// # Errors
    /// [`Error::Argument`] for somebody who is no plain member; [`Error::Room`] if this member is not an admin;
    /// [`Error::Unconfirmed`].
    pub fn promote(&self, who: &Fingerprint) -> Result<Change, Error> {
        self.set_role(who, Role::Admin)
    }

    /// Makes an admin a plain member. SPEC §18.2
    ///
    /// # Errors
    /// [`Error::Argument`] for somebody who is no admin; [`Error::Room`] if this member is not an admin, or would demote
    /// itself: that takes another admin; [`Error::Unconfirmed`].
    pub fn demote(&self, who: &Fingerprint) -> Result<Change, Error> {
        self.set_role(who, Role::Member)
    }

    /// Puts the next generation of a member's identity in the old one's place. The new identity seals it, or an admin; the
    /// old one must be in the directory. SPEC §18.3 [ROOM-14]
    ///
    /// # Errors
    /// [`Error::Room`] if the old identity is not in the room or the new one is; [`Error::Unconfirmed`].
    pub fn replace(&self, transition: &Transition) -> Result<Change, Error> {
        let (old, new) = (*transition.old_fingerprint(), transition.new_identity());
        let replace = |member: &Member| match member.fingerprint == old {
            true => Member { fingerprint: *new.fingerprint(), role: member.role },
            false => *member,
        };
        let roster: Vec<_> = self.roster().iter().map(replace).collect();
        let author = if old == self.me { *new.fingerprint() } else { self.me };
        let given = alloc::vec![new.clone()];
        Ok(Change { given, ..self.plan(roster, author, Some(transition.clone()))? })
    }

    fn set_role(&self, who: &Fingerprint, role: Role) -> Result<Change, Error> {
        let mut roster = self.roster().to_vec();
        let mut found = roster.iter_mut().filter(|member| member.fingerprint == *who && member.role != role);
        found.next().ok_or(Error::Argument { what: "nobody whose role would change" })?.role = role;
        self.plan(roster, self.me, None)
    }

    fn plan(&self, roster: Vec<Member>, author: Fingerprint, transition: Option<Transition>) -> Result<Change, Error> {
        self.require_confirmed()?;
        let head = self.head()?;
        // [ROOM-09] It would be the author's own going.
        if !roster.iter().any(|member| member.role == Role::Admin) {
            return Err(refused("ROOM-09"));
        }
        let replaced = transition.as_ref().map(Transition::fingerprints);
        let mut body = RoomEpoch {
            epoch: head.body.epoch.checked_add(1).ok_or(Error::Limit { limit: "epochs" })?,
            previous: head.transcript,
            adds_since_rekey: 0,
            roster: sorted(roster)?,
            ..head.body.clone()
        };
        // What readers would refuse is refused here.
        rules::change(head, &body, &author, replaced)?;
        let secret = head.secret.as_ref().ok_or(refused("ROOM-26"))?;
        let mut kek = None;
        let adds = head.body.adds_since_rekey;
        // [ROOM-10]
        if rules::is_addition(&head.body, &body) && adds < rules::MAX_ADDS {
            body.adds_since_rekey = adds.saturating_add(1);
            kek = head.epoch_kek().transpose()?;
        }
        let wrap_to = match kek {
            Some(_) => rules::newcomers(&head.body, &body).map(|member| member.fingerprint).collect(),
            None => body.roster.iter().map(|member| member.fingerprint).collect(),
        };
        // [ROOM-12]
        let previous_secret = rules::carries_previous(&head.body, &body).then(|| secret.clone());
        Ok(Change { author, body, previous_secret, transition, kek, wrap_to, given: Vec::new() })
    }
}

impl Change {
    /// Whom it takes as the author: who must seal it.
    #[must_use]
    pub const fn author(&self) -> &Fingerprint {
        &self.author
    }

    /// The people whose identities [`seal`](Self::seal) looks up: newcomers, or everyone.
    pub fn wraps_to(&self) -> impl Iterator<Item = &Fingerprint> {
        self.wrap_to.iter()
    }

    /// Seals the package, for the server to give to everyone in the new roster: its size is that of SPEC §18.2. [ROOM-05]
    ///
    /// # Errors
    /// [`Error::UnknownIdentity`] for somebody who is not in the directory; [`Error::Argument`] for another sender than
    /// [`author`](Self::author), or one whose key is elsewhere; [`Error::Limit`]; [`Error::Key`]; [`Error::Generator`].
    pub fn seal(
        &self,
        author: &Sender<'_>,
        directory: &dyn Directory,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Vec<u8>, Error> {
        self.envelope(author, directory, |envelope, content| envelope.seal_as(ContentType::RoomEpoch, content, rng))
    }

    /// [`seal`](Self::seal) for an author whose signing key is behind an asynchronous API.
    ///
    /// # Errors
    /// As [`seal`](Self::seal).
    pub fn request(
        &self,
        author: &Sender<'_>,
        directory: &dyn Directory,
        rng: &mut impl TryCryptoRng,
    ) -> Result<PendingPackage, Error> {
        self.envelope(author, directory, |envelope, content| envelope.request_as(ContentType::RoomEpoch, content, rng))
            .map(PendingPackage)
    }

    fn envelope<T>(
        &self,
        author: &Sender<'_>,
        directory: &dyn Directory,
        seal: impl FnOnce(&Envelope<'_>, &[u8]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if *author.identity.fingerprint() != self.author {
            return Err(Error::Argument { what: "a sender who is not the change's author" });
        }
        let mut recipients = Vec::with_capacity(self.wrap_to.len().saturating_add(1));
        for who in &self.wrap_to {
            let given = self.given.iter().chain([author.identity]).find(|identity| identity.fingerprint() == who);
            recipients.push(given.map_or_else(|| look_up(directory, who), Ok)?.recipient());
        }
        recipients.extend(self.kek.as_ref().map(Recipient::symmetric));
        let payload = EpochPayload {
            body: self.body.clone(),
            previous_secret: self.previous_secret.clone(),
            transition: self.transition.clone(),
        };
        let public_data = public_data(&self.body.room_id(), self.body.epoch);
        // Everyone is named, the author too: a second copy would be one wrap more than [ROOM-11] counts.
        let envelope = Envelope::to(&recipients).signed_by(*author).without_copy_for_me().public_data(&public_data);
        seal(&envelope, &payload.encode()?)
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change").field("epoch", &self.body.epoch).field("author", &self.author).finish_non_exhaustive()
    }
}

/// A package that is complete but for its signature.
pub struct PendingPackage(PendingEnvelope);

impl PendingPackage {
    /// The SHA-256 digest that the author's key has to sign.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.0.digest
    }

    /// Takes the signature; gives the package.
    ///
    /// # Errors
    /// [`Error::Key`] if it is not the author's.
    pub fn complete(self, signature: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.complete(signature)
    }
}

impl fmt::Debug for PendingPackage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingPackage").field("digest", self.digest()).finish_non_exhaustive()
    }
}

/// A roster in its one order. [ROOM-02]
fn sorted(mut roster: Vec<Member>) -> Result<Arc<[Member]>, Error> {
    roster.sort_unstable_by_key(|member| member.fingerprint);
    let roster = roster.into();
    match check_roster(&roster) {
        Err(Error::Malformed { .. }) => Err(Error::Argument { what: "somebody twice in a roster" }),
        checked => checked.map(|()| roster),
    }
}
