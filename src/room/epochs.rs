//! The epochs that a room holds.

use crate::epoch::{Held, Transcript};
use crate::labels::COMMITMENT_LEN;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use core::ops::{Deref, RangeBounds};

/// An epoch's number and transcript.
pub(crate) type Key = (u64, Transcript);

/// All epochs of a room, ascending. Each in a place of its own: what is moved within a map leaves a copy of its secrets behind.
#[derive(Default)]
pub(super) struct Epochs {
    held: BTreeMap<Key, Box<Held>>,
    /// Each after its parent, which need not be held: there may be many of one number.
    children: BTreeSet<(Key, Key)>,
    /// Each that has its secret, after its number and commitment.
    committed: BTreeSet<(u64, [u8; COMMITMENT_LEN], Transcript)>,
    /// Those that no other one follows, of those that count: to look for them would take as long as the room is.
    last: BTreeSet<Key>,
}

impl Epochs {
    pub(super) fn insert(&mut self, held: Box<Held>) {
        let key = held.key();
        if let Some(parent) = held.parent_key() {
            self.children.insert((parent, key));
        }
        if held.secret.is_some() {
            self.committed.insert((key.0, held.commitment, key.1));
        }
        self.held.insert(key, held);
        self.find_last(&key);
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
        self.last.remove(key);
        let Some(held) = self.held.remove(key) else { return };
        self.committed.remove(&(key.0, held.commitment, key.1));
        let Some(parent) = held.parent_key() else { return };
        self.children.remove(&(parent, *key));
        self.find_if_last(parent);
    }

    /// Its secret was taken away.
    pub(super) fn lost_secret(&mut self, key: &Key) {
        let Some(held) = self.held.get(key) else { return };
        self.committed.remove(&(key.0, held.commitment, key.1));
        if !held.counts() {
            self.last.remove(key);
            if let Some(parent) = held.parent_key() {
                self.find_if_last(parent);
            }
        }
    }

    /// Which of all are last, after it was found anew which of them count.
    pub(super) fn find_all_last(&mut self) {
        let keys: BTreeSet<Key> = self.held.values().filter(|held| held.counts()).map(|held| held.key()).collect();
        let parents: BTreeSet<Key> = keys.iter().filter_map(|key| self.held.get(key)?.parent_key()).collect();
        self.last = keys.difference(&parents).copied().collect();
    }

    /// After one came: it or its parent.
    fn find_last(&mut self, key: &Key) {
        let Some(held) = self.held.get(key).filter(|held| held.counts()) else { return };
        if let Some(parent) = held.parent_key() {
            self.last.remove(&parent);
        }
        self.find_if_last(*key);
    }

    fn find_if_last(&mut self, key: Key) {
        let counts = self.held.get(&key).is_some_and(|held| held.counts());
        if counts && self.children(key).all(|child| !child.counts()) {
            self.last.insert(key);
        }
    }

    /// Which may not be given another parent.
    pub(super) fn get_mut(&mut self, key: &Key) -> Option<&mut Held> {
        self.held.get_mut(key).map(Box::as_mut)
    }

    pub(super) fn range_mut(&mut self, keys: impl RangeBounds<Key>) -> impl Iterator<Item = (&Key, &mut Box<Held>)> {
        self.held.range_mut(keys)
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
        let children = (parent, (0, Transcript([0; 32])))..=(parent, (u64::MAX, Transcript([0xff; 32])));
        self.children.range(children).filter_map(|(_, key)| self.held.get(key)).map(Box::as_ref)
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
