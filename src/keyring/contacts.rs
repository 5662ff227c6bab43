//! Contacts: whom a name is pinned to. SPEC §20.5.

use super::Keyring;
use super::entry::{Entry, Register, Slot};
use crate::error::Error;
use crate::identity::Transition;
use crate::public_identity::{Fingerprint, PublicIdentity};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// What seeing an identity under a contact's name has shown. SPEC §20.5 [KRG-07]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Sighting {
    /// It is the first one under this name, and pinned now. It is nobody's word but the server's, until it is verified.
    First,
    /// It is the one that is pinned.
    Known,
    /// The pinned one became this one, by transitions that were checked: it is pinned now. It is not verified, and its safety
    /// number is a new one.
    Succeeded {
        /// Who was pinned before.
        from: Fingerprint,
    },
    /// It is another one, and nothing leads to it: a new phrase, or somebody else. The pinned one stays; ask the user, and
    /// [`pin`](Keyring::pin) it only on their word.
    Changed {
        /// Who is pinned.
        pinned: Fingerprint,
    },
}

/// A contact as it is pinned.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Contact<'k> {
    /// Who it is pinned to.
    pub identity: &'k PublicIdentity,
    /// Whether the user compared safety numbers with this very identity.
    pub verified: bool,
}

impl Keyring {
    /// Compares an identity that a server gave for a contact's name with the one that is pinned. SPEC §20.5 [KRG-07]
    ///
    /// # Errors
    /// [`Error::Argument`] for a name that is not of 1 to 255 bytes; [`Error::Limit`].
    pub fn sight(&mut self, name: &[u8], identity: &PublicIdentity) -> Result<Sighting, Error> {
        let (pinned, settled) = self.all_pinned(name);
        let Some(pinned) = pinned else {
            self.pin(name, identity)?;
            return Ok(Sighting::First);
        };
        if pinned == *identity.fingerprint() {
            // Where another device pinned it, and its segment with the identity has not come.
            self.know(identity)?;
            return Ok(Sighting::Known);
        }
        // What devices wrote without knowing of each other the user settles. [KRG-05]
        if !settled || !self.leads(&pinned, identity.fingerprint(), &mut BTreeMap::new()) {
            return Ok(Sighting::Changed { pinned });
        }
        self.pin(name, identity)?;
        Ok(Sighting::Succeeded { from: pinned })
    }

    /// Pins a contact's name to an identity, whatever it was pinned to: on the user's word.
    ///
    /// # Errors
    /// As [`sight`](Self::sight).
    pub fn pin(&mut self, name: &[u8], identity: &PublicIdentity) -> Result<(), Error> {
        check_name(name)?;
        self.write(&Slot::contact(name), identity.fingerprint().as_bytes())?;
        self.know(identity)
    }

    /// Gives a contact up: its name is pinned to nobody.
    ///
    /// # Errors
    /// As [`sight`](Self::sight).
    pub fn unpin(&mut self, name: &[u8]) -> Result<(), Error> {
        check_name(name)?;
        self.write(&Slot::contact(name), &[])
    }

    /// Keeps an identity for [`Directory`](crate::Directory): of somebody who wrote in a room, and is no contact. One that is
    /// known already is not kept again, however it is signed.
    ///
    /// # Errors
    /// None that can be reached.
    pub fn know(&mut self, identity: &PublicIdentity) -> Result<(), Error> {
        if self.identities.contains_key(identity.fingerprint()) {
            return Ok(());
        }
        self.add(Entry::identity(identity))
    }

    /// Keeps a transition, with the identity it leads to: for [`sight`](Self::sight). It is checked against the old identity,
    /// which has to be known. [TRN-01] A step that is known already is not kept again, however it is signed.
    ///
    /// # Errors
    /// [`Error::UnknownIdentity`]; [`Error::Signature`] if it does not follow.
    pub fn follow(&mut self, transition: &Transition) -> Result<(), Error> {
        let old = transition.old_fingerprint();
        let known = self.identities.get(old).ok_or(Error::UnknownIdentity { fingerprint: *old.as_bytes() })?;
        let new = known.follow(transition)?;
        // One that another device wrote is not checked yet.
        let same = |held: &Transition| held.fingerprints() == transition.fingerprints() && known.follow(held).is_ok();
        let held = self.transitions.get(old).is_some_and(|held| held.iter().any(same));
        self.know(&new)?;
        if held { Ok(()) } else { self.add(Entry::transition(transition)?) }
    }

    /// Notes whether the user compared safety numbers with this identity.
    ///
    /// # Errors
    /// [`Error::Limit`] after 2^64 times.
    pub fn set_verified(&mut self, fingerprint: &Fingerprint, verified: bool) -> Result<(), Error> {
        self.write(&Slot::verified(fingerprint), &[if verified { 1 } else { 2 }])
    }

    /// The contact of that name.
    #[must_use]
    pub fn contact(&self, name: &[u8]) -> Option<Contact<'_>> {
        self.contact_if(name, |who| self.is_verified(who))
    }

    fn contact_if(&self, name: &[u8], verified: impl FnOnce(&Fingerprint) -> bool) -> Option<Contact<'_>> {
        let identity = self.identities.get(&self.pinned(name)?)?;
        Some(Contact { identity, verified: verified(identity.fingerprint()) })
    }

    fn is_verified(&self, who: &Fingerprint) -> bool {
        let slot = Slot::verified(who);
        let mut verified = self.registers(&slot).map(|register| register.value == [1]).peekable();
        // Where devices disagree it is not.
        verified.peek().is_some() && verified.all(|verified| verified)
    }

    /// All contacts with their names, ascending by the names' lengths and bytes.
    pub fn contacts(&self) -> impl Iterator<Item = (&[u8], Contact<'_>)> {
        let mut last = None;
        let names = self.entries.iter().filter_map(|entry| Register::of(entry)?.slot.contact_name());
        let names = names.filter(move |name| last.replace(*name) != Some(*name));
        // Many names may be of one identity, and many devices may have verified it.
        let mut known = BTreeMap::new();
        names.filter_map(move |name| {
            let verified = |who: &Fingerprint| *known.entry(*who).or_insert_with(|| self.is_verified(who));
            Some((name, self.contact_if(name, verified)?))
        })
    }

    fn pinned(&self, name: &[u8]) -> Option<Fingerprint> {
        // Empty where it was given up.
        let value = self.registers(&Slot::contact(name)).next_back()?.value;
        value.try_into().ok().map(Fingerprint::from_bytes)
    }

    /// Whom the names that some entries are about are pinned to.
    pub(super) fn pins_of(&self, entries: &[Entry]) -> BTreeMap<Vec<u8>, Fingerprint> {
        let names = entries.iter().filter_map(|entry| Register::of(entry)?.slot.contact_name());
        names.filter_map(|name| Some((name.to_vec(), self.pinned(name)?))).collect()
    }

    /// Those of them that are pinned to nobody now, or to somebody else whom nothing leads to. [KRG-11]
    pub(super) fn changed_since(&self, pins: BTreeMap<Vec<u8>, Fingerprint>) -> Vec<Vec<u8>> {
        let mut steps = BTreeMap::new();
        let changed = |(name, before): &(Vec<u8>, Fingerprint)| {
            self.pinned(name).is_none_or(|now| now != *before && !self.leads(before, &now, &mut steps))
        };
        pins.into_iter().filter(changed).map(|(name, _)| name).collect()
    }

    /// Whom it is pinned to, or was on some device, and whether all devices agree.
    fn all_pinned(&self, name: &[u8]) -> (Option<Fingerprint>, bool) {
        let slot = Slot::contact(name);
        let mut held = self.registers(&slot).rev().map(|held| held.value);
        let Some(first) = held.next() else { return (None, true) };
        let (mut last, mut settled) = (first, true);
        for other in held.filter(|other| *other != first) {
            settled = false;
            if last.is_empty() {
                last = other;
            }
        }
        (last.try_into().ok().map(Fingerprint::from_bytes), settled)
    }

    /// Whether known transitions lead from one to the other, each checked once: `steps` are those that were checked, by whom
    /// they replace.
    fn leads(
        &self,
        from: &Fingerprint,
        to: &Fingerprint,
        steps: &mut BTreeMap<Fingerprint, Vec<PublicIdentity>>,
    ) -> bool {
        let (mut at, mut seen) = (Vec::from_iter(self.identities.get(from).cloned()), BTreeSet::new());
        while let Some(old) = at.pop() {
            if old.fingerprint() == to {
                return true;
            }
            // Whoever makes a transition can sign it as often as they like.
            if seen.insert(*old.fingerprint()) {
                let next = steps.entry(*old.fingerprint()).or_insert_with(|| {
                    let next = self.transitions.get(old.fingerprint()).into_iter().flatten();
                    // A transition has the whole identity that it leads to.
                    next.filter_map(|transition| old.follow(transition).ok()).collect()
                });
                at.extend(next.iter().cloned());
            }
        }
        false
    }
}

fn check_name(name: &[u8]) -> Result<(), Error> {
    if (1..=255).contains(&name.len()) { Ok(()) } else { Err(Error::Argument { what: "a name not of 1 to 255 bytes" }) }
}
