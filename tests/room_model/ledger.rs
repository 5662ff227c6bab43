//! What is true of a room, as plain data: which epochs were made, by whom, for whom. Written after SPEC §18 alone.

use crate::people::Who;
use sealroom::*;
use std::collections::BTreeSet;

/// Who makes what of a roster.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) author: Who,
    pub(crate) roster: BTreeSet<(Who, bool)>,
    /// The old and the new fingerprint.
    pub(crate) replaced: Option<(Who, Who)>,
    /// Somebody of the roster to whom it is not wrapped: an outsider's key stands in their place.
    pub(crate) left_out: Option<Who>,
}

/// An epoch that was made: its package is the server's of the same place.
#[derive(Clone, Debug)]
pub(crate) struct Epoch {
    pub(crate) number: u64,
    pub(crate) parent: Option<usize>,
    pub(crate) author: Who,
    /// Everyone, and whether they are an admin.
    pub(crate) roster: BTreeSet<(Who, bool)>,
    pub(crate) replaced: Option<(Who, Who)>,
    /// Whose public keys open the package.
    pub(crate) wrapped: Vec<Who>,
    /// Whether the parent's key opens it too.
    pub(crate) symmetric: bool,
    pub(crate) carries_previous: bool,
    /// What its author's device said.
    pub(crate) transcript: Transcript,
    pub(crate) code: RoomCode,
    pub(crate) keys: hazmat::EpochKeys,
}

/// Message keys that somebody gave.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) by: Who,
    pub(crate) to: Who,
    pub(crate) epochs: Vec<usize>,
}

/// A message that was sealed.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) sender: Who,
    pub(crate) device: DeviceId,
    pub(crate) sequence: u64,
    pub(crate) epoch: usize,
    pub(crate) content: Vec<u8>,
    pub(crate) aad: Vec<u8>,
}

pub(crate) struct Ledger {
    pub(crate) shared: bool,
    pub(crate) epochs: Vec<Epoch>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) messages: Vec<Message>,
}

/// Additions in a row.
const MAX_ADDS: usize = 64;

impl Ledger {
    pub(crate) fn has(&self, epoch: usize, who: Who) -> bool {
        self.epochs[epoch].roster.iter().any(|(member, _)| *member == who)
    }

    pub(crate) fn is_admin(&self, epoch: usize, who: Who) -> bool {
        self.epochs[epoch].roster.contains(&(who, true))
    }

    /// The generation of a person that is in the roster.
    pub(crate) fn member(&self, epoch: usize, person: u8) -> Option<Who> {
        self.epochs[epoch].roster.iter().map(|(member, _)| *member).find(|member| member.person == person)
    }

    /// From the first epoch down to this one.
    pub(crate) fn path(&self, epoch: usize) -> Vec<usize> {
        let mut path: Vec<usize> = std::iter::successors(Some(epoch), |epoch| self.epochs[*epoch].parent).collect();
        path.reverse();
        path
    }

    /// Epochs that nothing follows.
    pub(crate) fn tips(&self) -> Vec<usize> {
        let parents: BTreeSet<usize> = self.epochs.iter().filter_map(|epoch| epoch.parent).collect();
        (0..self.epochs.len()).filter(|epoch| !parents.contains(epoch)).collect()
    }

    /// Whether its author was a plain member. SPEC §18.5
    pub(crate) fn yielding(&self, epoch: usize) -> bool {
        let Epoch { parent: Some(parent), author, replaced, .. } = self.epochs[epoch] else { return false };
        let as_whom = replaced.filter(|(_, new)| *new == author).map_or(author, |(old, _)| old);
        !self.is_admin(parent, author) && !self.is_admin(parent, as_whom)
    }

    /// Whether its author was in the parent's roster, and not the successor of who was.
    pub(crate) fn is_by_member(&self, epoch: usize) -> bool {
        let Epoch { parent: Some(parent), author, .. } = self.epochs[epoch] else { return false };
        self.has(parent, author)
    }

    /// Whether somebody of the parent's roster is missing.
    pub(crate) fn removes(&self, epoch: usize) -> bool {
        let Epoch { parent: Some(parent), .. } = self.epochs[epoch] else { return false };
        self.epochs[parent].roster.iter().any(|(member, _)| !self.has(epoch, *member))
    }

    /// Children of `parent` among `held`, the best of them. [ROOM-20]
    pub(crate) fn best_child<'h>(&self, parent: usize, held: impl Iterator<Item = (&'h usize, bool)>) -> Option<usize> {
        let children = held.filter(|(epoch, _)| self.epochs[**epoch].parent == Some(parent));
        let rank = |(epoch, yielding): &(&usize, bool)| {
            (
                *yielding,
                !self.is_by_member(**epoch),
                !self.removes(**epoch),
                *self.epochs[**epoch].transcript.as_bytes(),
            )
        };
        children.min_by_key(rank).map(|(epoch, _)| *epoch)
    }

    /// Who knows everything settles here.
    pub(crate) fn best_tip(&self) -> usize {
        let all: Vec<usize> = (0..self.epochs.len()).collect();
        let mut best = 0;
        while let Some(child) = self.best_child(best, all.iter().map(|epoch| (epoch, self.yielding(*epoch)))) {
            best = child;
        }
        best
    }

    /// Who may read messages of an epoch, whatever they keep or are given. SPEC §1, §18.1
    pub(crate) fn may_read(&self, person: u8, epoch: usize) -> bool {
        let there = |epoch: usize| self.member(epoch, person).is_some();
        let later = || (epoch..self.epochs.len()).filter(|later| self.path(*later).contains(&epoch));
        there(epoch)
            || (self.shared && later().any(there))
            || self.grants.iter().any(|grant| grant.to.person == person && grant.epochs.contains(&epoch))
    }

    /// Whether a person who holds what is before the first of some epochs can go to the last of them.
    pub(crate) fn opens_all(&self, epochs: &[usize], person: u8) -> bool {
        // By a key, or by what was opened before it; and what is missing yet by what comes after it.
        let mut before = true;
        let opened: Vec<bool> = epochs
            .iter()
            .map(|epoch| {
                let Epoch { symmetric, wrapped, .. } = &self.epochs[*epoch];
                before = wrapped.iter().any(|who| who.person == person) || (*symmetric && before);
                before
            })
            .collect();
        let mut named = false;
        epochs.iter().zip(opened).rev().all(|(epoch, opened)| {
            let opens = opened || named;
            named = self.epochs[*epoch].carries_previous;
            opens
        })
    }

    /// Whether it may follow. [ROOM-09] [ROOM-14]
    pub(crate) fn may_follow(&self, parent: usize, plan: &Plan) -> bool {
        let (old, new) = (&self.epochs[parent].roster, &plan.roster);
        let is_admin = new.iter().any(|(_, admin)| *admin);
        let replacement_fits = plan.replaced.is_none_or(|(from, to)| self.has(parent, from) && !self.has(parent, to));
        let may = match plan.replaced {
            _ if self.is_admin(parent, plan.author) => new.contains(&(plan.author, true)),
            Some((_, to)) => to == plan.author,
            None => self.has(parent, plan.author) && old == new,
        };
        is_admin && replacement_fits && may
    }

    /// Whose keys it is wrapped to, and so on. SPEC §18.2
    pub(crate) fn wrap(&self, parent: usize, plan: &Plan) -> (Vec<Who>, bool, bool) {
        let old = &self.epochs[parent].roster;
        let kept = old.is_subset(&plan.roster);
        let newcomers: Vec<Who> =
            plan.roster.iter().map(|(who, _)| *who).filter(|who| !self.has(parent, *who)).collect();
        let path = self.path(parent);
        let adds = path.iter().rev().take_while(|epoch| self.epochs[**epoch].symmetric).count();
        let symmetric = kept && !newcomers.is_empty() && adds < MAX_ADDS;
        let carries_previous = self.shared || newcomers.is_empty();
        let wrapped = if symmetric { newcomers } else { plan.roster.iter().map(|(who, _)| *who).collect() };
        (wrapped, symmetric, carries_previous)
    }
}
