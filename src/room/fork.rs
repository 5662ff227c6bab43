//! Forks: kept as evidence, shown, settled by people. SPEC §18.5.

use super::{Applied, Key, NO_HEAD, Room};
use crate::epoch::{Branch, Epoch, Held, Transcript, rules};
use crate::error::Error;
use crate::public_identity::Fingerprint;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::ops::Bound;

/// Ends of branches that are kept as evidence. [ROOM-18]
const MAX_TIPS: usize = 64;

/// Another branch of a room: where it begins, and where it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fork {
    /// The number of its first epoch, of which this room's branch has another.
    pub epoch: Epoch,
    /// Who made its first epoch.
    pub author: Fingerprint,
    /// The transcript of its first epoch: for [`Room::switch_to`].
    pub transcript: Transcript,
    /// Who made the epoch of this room's branch that stands in its place.
    pub own_author: Fingerprint,
    /// The transcript of that epoch.
    pub own_transcript: Transcript,
}

impl Room {
    /// The branches beside this room's that were seen, ascending by epoch.
    #[must_use]
    pub fn forks(&self) -> Vec<Fork> {
        // Not looked for among all children of one parent, each time.
        let own: BTreeMap<Key, &Held> = self.own_branch().filter_map(|own| Some((own.parent_key()?, own))).collect();
        let fork = |held: &Held| {
            // Where the parent is on the own branch, its own child is what stands in this one's place.
            let own = own.get(&held.parent_key()?)?;
            Some(Fork {
                epoch: Epoch::new(held.body.epoch),
                author: held.signer,
                transcript: held.transcript,
                own_author: own.signer,
                own_transcript: own.transcript,
            })
        };
        self.evidence().filter_map(fork).collect()
    }

    /// The head that this room would have if all who see the same epochs settle by the same rule. [ROOM-20]
    ///
    /// Equal to [`transcript`](Self::transcript) where nothing is to be done; otherwise, after the user was shown the fork,
    /// give it to [`switch_to`](Self::switch_to).
    #[must_use]
    pub fn settle(&self) -> Transcript {
        let mut best = self.head;
        // To the earliest epoch from which the head can be reached.
        while let Some(parent) =
            self.epochs.get(&best).and_then(|held| held.parent_key()).filter(|key| self.epochs.contains_key(key))
        {
            best = parent;
        }
        self.tip(best).1
    }

    /// Goes over to another branch: to the best epoch at or after the one with that transcript. The branch that was left
    /// is kept as evidence, and its messages open. SPEC §18.5
    ///
    /// # Errors
    /// [`Error::Argument`] if no such epoch is held with its secret, or this member is not in its roster.
    pub fn switch_to(&mut self, transcript: &Transcript) -> Result<(), Error> {
        let no = Error::Argument { what: "no epoch to switch to" };
        let found = self.epochs.values().find(|held| held.transcript == *transcript && held.counts()).ok_or(no)?;
        let tip = self.tip(found.key());
        let target = self.epochs.get(&tip).ok_or(no)?;
        let me = self.me_in(target).filter(|_| target.secret.is_some()).ok_or(no)?;
        self.set_head(tip);
        self.me = me;
        Ok(())
    }

    /// Goes on from the head, from best child to best child, to the last one that can be the head; tells whether there is one.
    /// [KRG-08]
    pub(crate) fn go_on(&mut self) -> bool {
        let (mut at, mut last) = (self.head, None);
        while let Some(child) = self.best_child(at, |child| self.may_follow(child)) {
            let held = self.epochs.get(&child).filter(|held| held.secret.is_some());
            last = held.and_then(|held| self.me_in(held)).map(|me| (child, me)).or(last);
            at = child;
        }
        if let Some((head, me)) = last {
            self.set_head(head);
            self.me = me;
        }
        last.is_some()
    }

    /// From an epoch to its best child, to that one's, and so on. [ROOM-20]
    fn tip(&self, from: Key) -> Key {
        let mut best = from;
        while let Some(child) = self.best_child(best, Held::counts) {
            best = child;
        }
        best
    }

    /// Whether it may follow its parent, as far as can be told without its package: it may have begun a run, before that came.
    fn may_follow(&self, held: &Held) -> bool {
        let parent = held.parent_key().and_then(|key| self.epochs.get(&key));
        parent.is_some_and(|parent| rules::may_follow(parent, held))
    }

    fn best_child(&self, parent: Key, of: impl Fn(&Held) -> bool) -> Option<Key> {
        let before = self.epochs.get(&parent);
        let follows = |child: &Held| before.is_some_and(|before| rules::seems_to_follow(before, child));
        let removes = |child: &Held| {
            before.is_some_and(|before| before.body.roster.iter().any(|member| !child.body.has(&member.fingerprint)))
        };
        let rank = |child: &&Held| {
            (!follows(child), self.yields(child), !self.may_follow(child), !removes(child), child.transcript)
        };
        let children = self.epochs.children(parent).filter(|child| of(child));
        children.min_by_key(rank).map(|child| child.key())
    }

    /// The epoch of the own branch that follows one, which need not be held.
    pub(super) fn own_child(&self, parent: Key) -> Option<&Held> {
        self.epochs.counting(parent).find(|child| child.branch == Branch::Own)
    }

    /// Takes in an epoch that does not follow the head. [ROOM-18] [ROOM-19]
    ///
    /// `me` is this member there, `new` a fingerprint of its own that came by this epoch.
    pub(super) fn place_fork(&mut self, mut held: Held, me: Fingerprint, new: Option<Fingerprint>) -> Applied {
        let (key, author) = (held.key(), held.signer);
        held.branch = Branch::Evidence;
        if self.gives_way_to(&held) {
            self.epochs.insert(Box::new(held));
            self.mine.extend(new);
            self.change_to(key);
            self.me = me;
            return Applied::Switched { author };
        }
        if !self.has_place(held.parent_key()) {
            return Applied::Fork { author, kept: false };
        }
        self.epochs.insert(Box::new(held));
        self.knows_as(new);
        Applied::Fork { author, kept: true }
    }

    /// Whether the own branch gives way by itself to the one that ends with `held`. [ROOM-19]
    fn gives_way_to(&mut self, held: &Held) -> bool {
        // An addition is wrapped under the old key: it must not undo a refresh that locked somebody out of that.
        if self.yields(held) || held.body.adds_since_rekey > 0 {
            return false;
        }
        // Up the other branch, to the last common epoch.
        let mut common = held.parent_key();
        while let Some(other) =
            common.and_then(|key| self.epochs.get(&key)).filter(|held| held.branch == Branch::Evidence)
        {
            if !other.counts() || !self.yields(other) || !self.may_follow(other) {
                return false;
            }
            common = other.parent_key();
        }
        common.is_some_and(|common| self.epochs.contains_key(&common) && self.unyielding() <= common.0)
    }

    /// The number of the latest epoch of the own branch that does not yield. Kept, or each fork from far below would look for it
    /// again.
    pub(super) fn unyielding(&mut self) -> u64 {
        let ((head, known), mut at) = (self.unyielding, self.head);
        let number = loop {
            if at == head {
                break known;
            }
            let yielding = self.epochs.get(&at).filter(|epoch| self.yields(epoch));
            let Some(parent) = yielding.and_then(|epoch| epoch.parent_key()) else { break at.0 };
            at = parent;
        };
        self.unyielding = (self.head, number);
        number
    }

    /// Whether an epoch yields to an admin's branch; not where its parent is not held. SPEC §18.5
    pub(super) fn yields(&self, held: &Held) -> bool {
        let parent = held.parent_key().and_then(|key| self.epochs.get(&key)).filter(|parent| parent.counts());
        parent.is_some_and(|parent| rules::yields(&parent.body, &held.body, &held.signer))
    }

    /// What is only read is evidence of nothing.
    fn evidence(&self) -> impl Iterator<Item = &Held> {
        self.epochs.values().map(Box::as_ref).filter(|held| held.is_evidence())
    }

    /// Whether evidence has place for an epoch that follows `parent`, if need be in the place of plain members' epochs: those
    /// at the end of the latest branch that has no others. [ROOM-18]
    fn has_place(&mut self, parent: Option<Key>) -> bool {
        // What goes on from a tip takes no place.
        let follows_tip = parent.and_then(|parent| self.epochs.get(&parent)).is_some_and(|held| self.is_tip(held));
        if follows_tip || self.tips().nth(MAX_TIPS.saturating_sub(1)).is_none() {
            return true;
        }
        let Some(end) = self.tips().rev().find_map(|tip| self.yielding_end(tip, parent)) else { return false };
        for key in end {
            self.epochs.remove(&key);
        }
        true
    }

    fn is_tip(&self, held: &Held) -> bool {
        held.is_evidence() && self.epochs.is_last(&held.key())
    }

    /// Ascending. [ROOM-18]
    fn tips(&self) -> impl DoubleEndedIterator<Item = &Held> {
        self.epochs.last().filter(|held| held.is_evidence())
    }

    /// A tip of evidence and what leads to it, up to where another branch, the own one or the child of `parent` goes on; if
    /// all of it yields.
    fn yielding_end(&self, tip: &Held, parent: Option<Key>) -> Option<Vec<Key>> {
        let (mut end, mut at) = (alloc::vec![tip.key()], tip);
        while self.yields(at) {
            at = self.epochs.get(&at.parent_key()?)?;
            let goes_on = || Some(at.key()) == parent || self.epochs.counting(at.key()).nth(1).is_some();
            if !at.is_evidence() || goes_on() {
                return Some(end);
            }
            end.push(at.key());
        }
        None
    }

    /// Makes a held epoch the head, or finds again what leads to it: that is the own branch, and the rest is evidence.
    pub(super) fn set_head(&mut self, head: Key) {
        let own = self.path_to(head);
        self.epochs.mark(&own, ..);
        self.unyielding = NO_HEAD;
        self.come_to(head);
    }

    /// The same where the new head alone was not held before: as far back as another branch leads.
    pub(super) fn change_to(&mut self, head: Key) {
        self.lead(head, Bound::Unbounded);
        self.come_to(head);
    }

    /// Finds the own branch again after one epoch came that may be the parent of one there.
    pub(super) fn lead_to(&mut self, parent: Key) {
        if let Some(child) = self.own_child(parent).map(|child| child.key()) {
            self.lead(child, Bound::Included(child));
            self.unyielding = NO_HEAD;
        }
    }

    /// What leads to `from`, down to where it leads on as before, is of the own branch; else nothing is, up to `end`.
    fn lead(&mut self, from: Key, end: Bound<Key>) {
        let (mut own, mut next, mut start) = (BTreeSet::from([from]), self.before(from), Bound::Unbounded);
        while let Some(key) = next {
            if self.epochs.get(&key).is_some_and(|held| held.branch == Branch::Own) {
                start = Bound::Excluded(key);
                break;
            }
            own.insert(key);
            next = self.before(key);
        }
        self.epochs.mark(&own, (start, end));
    }

    /// What leads to an epoch: down to one whose parent is not held, on from the latest before that parent that was of the
    /// own branch and has its secret, and so on. SPEC §18.5
    pub(super) fn path_to(&self, head: Key) -> BTreeSet<Key> {
        let (mut path, mut next) = (BTreeSet::new(), Some(head));
        while let Some(key) = next {
            path.insert(key);
            next = self.before(key);
        }
        path
    }

    /// One step of that way.
    fn before(&self, key: Key) -> Option<Key> {
        let parent = self.epochs.get(&key).and_then(|held| held.parent_key());
        let earlier = (0, Transcript([0; 32]))..(key.0.saturating_sub(1), Transcript([0; 32]));
        let is_own = |held: &Held| held.branch == Branch::Own && held.secret.is_some();
        let mut own = self.epochs.range(earlier).rev().filter(|(_, held)| is_own(held));
        parent.filter(|parent| self.epochs.contains_key(parent)).or_else(|| own.next().map(|(key, _)| *key))
    }
}
