//! The epochs that a room holds.

use crate::epoch::{Branch, Held, Transcript};
use crate::labels::COMMITMENT_LEN;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::ops::{Deref, RangeBounds};

/// An epoch's number and transcript.
pub(crate) type Key = (u64, Transcript);

/// All epochs of a room, ascending. Each in a place of its own: what is moved within a map leaves a copy of its secrets behind.
#[derive(Default)]
pub(super) struct Epochs {
    held: BTreeMap<Key, Box<Held>>,
    /// Each after its parent, which need not be held, and those that count before what is only read: there may be many of one
    /// number.
    children: BTreeSet<(Key, bool, Key)>,
    /// Each that has its secret, after its number and commitment.
    committed: BTreeSet<(u64, [u8; COMMITMENT_LEN], Transcript)>,
    /// Those that no other one follows, of those that count: to look for them would take as long as the room is.
    last: BTreeSet<Key>,
}

impl Epochs {
    pub(super) fn insert(&mut self, held: Box<Held>) {
        let (key, parent) = (held.key(), held.parent_key());
        if held.secret.is_some() {
            self.committed.insert((key.0, held.commitment, key.1));
        }
        self.held.insert(key, held);
        self.order(key, parent);
    }

    /// Unless it is held; tells whether it was not.
    pub(super) fn insert_new(&mut self, held: Box<Held>) -> bool {
        let is_new = !self.held.contains_key(&held.key());
        if is_new {
            self.insert(held);
        }
        is_new
    }

    pub(super) fn remove(&mut self, key: &Key) {
        let Some(held) = self.held.remove(key) else { return };
        self.committed.remove(&(key.0, held.commitment, key.1));
        self.order(*key, held.parent_key());
    }

    /// Leaves of one what opens messages.
    pub(super) fn erase_secret(&mut self, key: &Key) {
        let Some(held) = self.held.get_mut(key) else { return };
        held.secret = None;
        self.committed.remove(&(key.0, held.commitment, key.1));
        let parent = held.parent_key();
        self.order(*key, parent);
    }

    /// Of `keys`, those of `own` are of the own branch, and the rest is evidence.
    pub(super) fn mark(&mut self, own: &BTreeSet<Key>, keys: impl RangeBounds<Key>) {
        let mut changed = Vec::new();
        for (key, held) in self.held.range_mut(keys) {
            let counted = held.counts();
            held.branch = if own.contains(key) { Branch::Own } else { Branch::Evidence };
            if held.counts() != counted {
                changed.push((*key, held.parent_key()));
            }
        }
        for (key, parent) in changed {
            self.order(key, parent);
        }
    }

    /// Puts one among those that follow its parent, after it came, went, or came to count or no more.
    fn order(&mut self, key: Key, parent: Option<Key>) {
        let only_read = self.held.get(&key).map(|held| !held.counts());
        if let Some(parent) = parent {
            for place in [false, true] {
                if only_read == Some(place) {
                    self.children.insert((parent, place, key));
                } else {
                    self.children.remove(&(parent, place, key));
                }
            }
            self.find_if_last(parent);
        }
        self.find_if_last(key);
    }

    fn find_if_last(&mut self, key: Key) {
        if self.held.get(&key).is_some_and(|held| held.counts()) && self.counting(key).next().is_none() {
            self.last.insert(key);
        } else {
            self.last.remove(&key);
        }
    }

    pub(super) fn extend(&mut self, other: Self) {
        for held in other.held.into_values() {
            self.insert(held);
        }
    }

    /// Those of that number, on all branches.
    pub(super) fn numbered(&self, epoch: u64) -> impl Iterator<Item = &Held> {
        self.held.range((epoch, Transcript([0; 32]))..=(epoch, Transcript([0xff; 32]))).map(|(_, held)| &**held)
    }

    /// Those of that number and commitment: mostly one.
    pub(super) fn committed(&self, epoch: u64, commitment: [u8; COMMITMENT_LEN]) -> impl Iterator<Item = &Held> {
        let all = (epoch, commitment, Transcript([0; 32]))..=(epoch, commitment, Transcript([0xff; 32]));
        self.committed
            .range(all)
            .filter_map(|(epoch, _, transcript)| self.held.get(&(*epoch, *transcript)))
            .map(Box::as_ref)
    }

    /// Those that follow one, which need not be held.
    pub(super) fn children(&self, parent: Key) -> impl Iterator<Item = &Held> {
        self.counting(parent).chain(self.after(parent, true))
    }

    /// Those of them that count.
    pub(super) fn counting(&self, parent: Key) -> impl Iterator<Item = &Held> {
        self.after(parent, false)
    }

    fn after(&self, parent: Key, only_read: bool) -> impl Iterator<Item = &Held> {
        let (first, last) = ((0, Transcript([0; 32])), (u64::MAX, Transcript([0xff; 32])));
        let keys = self.children.range((parent, only_read, first)..=(parent, only_read, last));
        keys.filter_map(|(_, _, key)| self.held.get(key)).map(Box::as_ref)
    }

    pub(super) fn is_last(&self, key: &Key) -> bool {
        self.last.contains(key)
    }

    /// Those that no other one follows, ascending.
    pub(super) fn last(&self) -> impl DoubleEndedIterator<Item = &Held> {
        self.last.iter().filter_map(|key| self.held.get(key)).map(Box::as_ref)
    }
}

/// To be read as the map that it is.
impl Deref for Epochs {
    type Target = BTreeMap<Key, Box<Held>>;

    fn deref(&self) -> &Self::Target {
        &self.held
    }
}
