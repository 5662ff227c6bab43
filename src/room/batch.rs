//! Many packages at once, each opened and verified once: in the order of epochs, and those that leave this member out by the
//! secrets which later ones name. SPEC §18.3.

use super::keks::Keks;
use super::{Applied, Key, Room};
use crate::envelope::{Reader, Unlocked};
use crate::epoch::{Decoded, Directory, Opened, RoomId, refused};
use crate::error::Error;
use crate::public_identity::Fingerprint;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::ops::{Range, RangeInclusive};
use rand_core::TryCryptoRng;

impl Room {
    /// Applies many packages, in whatever order and with whatever else among them; gives what [`apply`](Self::apply) would
    /// say of each. Save the room afterwards. SPEC §18.3
    ///
    /// A device that was away gives it what the server kept since its head. So does one whose [`apply`](Self::apply) said
    /// [`Applied::Ahead`], or refused a package: a member can leave somebody out of a refresh, and that package opens only
    /// by the secret that a later one names.
    pub fn catch_up(
        &mut self,
        packages: &[&[u8]],
        readers: &[Reader<'_>],
        directory: &dyn Directory,
        rng: &mut impl TryCryptoRng,
    ) -> Vec<Result<Applied, Error>> {
        let mut batch = Batch::new(&self.id, packages.iter().map(|package| Cow::Borrowed(*package)));
        batch.catch_up(self, readers, directory, rng);
        batch.into_answers()
    }
}

/// Packages of one room, ascending by epoch and then as given.
pub(crate) struct Batch<'p> {
    items: Vec<Item<'p>>,
    /// What is said of each package, as given.
    pub(crate) answers: Vec<Result<Applied, Error>>,
    /// Of which package that was given before one is a copy.
    copies: Vec<(usize, usize)>,
    /// By epoch.
    tries: BTreeMap<u64, usize>,
    /// Parents from which nothing leads to what the room holds, and why: for want of which one. As long as none of them is
    /// opened.
    nowhere: BTreeMap<Key, Key>,
    /// The numbers of epochs that came, and what may follow from them was not looked at since.
    came: BTreeSet<u64>,
    pub(super) keks: Keks,
}

struct Item<'p> {
    epoch: u64,
    /// Among what was given.
    place: usize,
    package: Cow<'p, [u8]>,
    /// In a place of its own: what is moved within a list leaves a copy of its secrets behind.
    opened: Option<Box<Opened>>,
    /// Why the readers' keys did not open it, once they were tried.
    no: Option<Error>,
    /// Whether it was taken once.
    taken: bool,
    /// Of what the room only reads: the head at which it was looked at.
    read: Option<Key>,
    /// Whether the secret that it names was tried with all of the epoch before.
    searched: bool,
}

/// Whether it was taken in, or is held.
const fn is_taken(answer: &Result<Applied, Error>) -> bool {
    !matches!(answer, Err(_) | Ok(Applied::Ahead { .. } | Applied::Fork { kept: false, .. }))
}

/// How often secrets are tried with the packages of one epoch: who makes many of both must not cost their product. [ROOM-29]
const MAX_TRIES: usize = 4096;

/// All numbers of epochs.
pub(super) const ALL: RangeInclusive<u64> = 0..=u64::MAX;

/// By what is held, or by the readers' keys. These are tried once, but for what the generator kept from it.
fn open(
    decoded: &Decoded<'_>,
    held: Option<Unlocked>,
    no: &mut Option<Error>,
    readers: &[Reader<'_>],
    rng: &mut impl TryCryptoRng,
) -> Result<Box<Opened>, Error> {
    let opened = match (held, *no) {
        (Some(unlocked), _) => decoded.open(unlocked),
        (None, Some(no)) => Err(no),
        (None, None) => {
            let opened = decoded.locked.unlock(readers, rng).and_then(|unlocked| decoded.open(unlocked));
            *no = opened.as_ref().err().copied().filter(|error| *error != Error::Generator);
            opened
        }
    };
    opened.map(Box::new)
}

impl<'p> Batch<'p> {
    pub(crate) fn new(id: &RoomId, packages: impl IntoIterator<Item = Cow<'p, [u8]>>) -> Self {
        let (mut items, mut answers) = (Vec::new(), Vec::new());
        for (place, package) in packages.into_iter().enumerate() {
            let decoded = Decoded::decode(&package).map(|decoded| (decoded.room == *id, decoded.epoch));
            let answer = match decoded {
                Ok((true, epoch)) => {
                    let (taken, read, searched) = (false, None, false);
                    items.push(Item { epoch, place, package, opened: None, no: None, taken, read, searched });
                    // As long as nothing has opened it.
                    Error::Decrypt
                }
                Ok((false, _)) => refused("ROOM-03"),
                Err(error) => error,
            };
            Self::say(&mut answers, answer);
        }
        // Who stores packages can give one many times.
        let mut copies = Vec::new();
        items.sort_by(|one, other| (&one.package, one.place).cmp(&(&other.package, other.place)));
        items.dedup_by(|copy, first| {
            let same = copy.package == first.package;
            copies.extend(same.then_some((copy.place, first.place)));
            same
        });
        items.sort_by_key(|item| (item.epoch, item.place));
        let (tries, nowhere, came, keks) = Default::default();
        Self { items, answers, copies, tries, nowhere, came, keks }
    }

    // Not inlined: what an error does not fill would hold what the caller's frame has left there.
    #[inline(never)]
    fn say(answers: &mut Vec<Result<Applied, Error>>, error: Error) {
        answers.push(Err(error));
    }

    /// What is said of each, copies too.
    pub(super) fn into_answers(mut self) -> Vec<Result<Applied, Error>> {
        for (copy, first) in self.copies {
            let said = self.answers.get(first).copied().unwrap_or(Err(Error::Decrypt));
            if let Some(answer) = self.answers.get_mut(copy) {
                *answer = if is_taken(&said) { Ok(Applied::Held) } else { said };
            }
        }
        self.answers
    }

    /// What it was made of, but for what is of no room or of another.
    pub(crate) fn into_packages(self) -> impl Iterator<Item = Vec<u8>> {
        self.items.into_iter().map(|item| item.package.into_owned())
    }

    /// Applies all of them to a room that is held. What was opened by an earlier call is not opened again.
    pub(crate) fn catch_up(
        &mut self,
        room: &mut Room,
        readers: &[Reader<'_>],
        directory: &dyn Directory,
        rng: &mut impl TryCryptoRng,
    ) {
        self.open_backwards(Some(room), readers, rng);
        let is_new = |opened: &Opened| room.epochs.get(&opened.named.key()).is_none_or(|held| held.secret.is_none());
        self.verify_authors(is_new, directory);
        self.take_all(|batch, at| batch.take_one(at, room, readers, directory, rng));
    }

    /// Opens one if it can, and applies it.
    pub(super) fn take_one(
        &mut self,
        at: usize,
        room: &mut Room,
        readers: &[Reader<'_>],
        directory: &dyn Directory,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Applied, Error> {
        if self.is_looked_at(at, room) {
            return self.said(at);
        }
        self.open(at, Some(room), readers, rng)?;
        self.apply(at, room, directory)
    }

    /// Takes those that were not taken, ascending; then those of them again that may open or have a parent by what came of it,
    /// and at last all, until that brings nothing. [ROOM-29]
    ///
    /// Not all of them for each that comes: somebody can have many come one by one.
    pub(super) fn take_all(&mut self, mut take: impl FnMut(&mut Self, usize) -> Result<Applied, Error>) {
        loop {
            self.came.clear();
            self.nowhere.clear();
            self.take_of(ALL, &mut take);
            if self.came.is_empty() {
                break;
            }
            self.take_came(&mut take);
        }
    }

    /// Those that may open or have a parent by what came.
    pub(super) fn take_came(&mut self, mut take: impl FnMut(&mut Self, usize) -> Result<Applied, Error>) {
        while let Some(number) = self.came.pop_first() {
            self.take_of(number..=number.saturating_add(1), &mut take);
        }
    }

    fn take_of(
        &mut self,
        numbers: RangeInclusive<u64>,
        take: &mut impl FnMut(&mut Self, usize) -> Result<Applied, Error>,
    ) {
        for at in self.failed(numbers) {
            let answer = take(self, at);
            self.answer(at, answer);
        }
    }

    /// The numbers of all, each once.
    pub(super) fn numbers(&self) -> BTreeSet<u64> {
        self.items.iter().map(|item| item.epoch).collect()
    }

    /// Where those of one number are.
    fn places(&self, number: u64) -> Range<usize> {
        let start = self.items.partition_point(|item| item.epoch < number);
        start..self.items.partition_point(|item| item.epoch <= number)
    }

    /// Those of these numbers that were not taken yet, ascending: also what was ahead, had no place or is only read.
    pub(super) fn failed(&self, numbers: RangeInclusive<u64>) -> Vec<usize> {
        let places = self.places(*numbers.start()).start..self.places(*numbers.end()).end;
        places.filter(|at| self.is_read(*at) || !is_taken(&self.said(*at))).collect()
    }

    pub(super) fn only_read(&mut self, at: usize, room: &Room) {
        if let Some(item) = self.items.get_mut(at) {
            item.read = Some(room.head);
        }
    }

    pub(super) fn is_read(&self, at: usize) -> bool {
        self.items.get(at).is_some_and(|item| item.read.is_some())
    }

    /// Whether it is only read, and nothing came by which it could be more.
    pub(super) fn is_looked_at(&self, at: usize, room: &Room) -> bool {
        self.items.get(at).is_some_and(|item| item.read == Some(room.head)) && self.lacks_parent(&[at], room)
    }

    /// Whose identities the directory lacked.
    pub(crate) fn lacks_identity(&self) -> impl Iterator<Item = Fingerprint> {
        self.answers.iter().filter_map(|answer| match answer {
            Err(Error::UnknownIdentity { fingerprint }) => Some(Fingerprint::from_bytes(*fingerprint)),
            _ => None,
        })
    }

    /// Whether the generator failed, so that some were not tried.
    pub(crate) fn lacks_random(&self) -> bool {
        self.answers.contains(&Err(Error::Generator))
    }

    /// As if nothing had been said of them; what was opened stays so.
    pub(crate) fn begin_again(&mut self) {
        self.keks = Keks::default();
        for item in &mut self.items {
            (item.taken, item.read) = (false, None);
            if let Some(answer) = self.answers.get_mut(item.place) {
                *answer = Err(Error::Decrypt);
            }
        }
    }

    /// Tells whether it brings an epoch for the first time: all is looked at again only for that, or two that take each other's
    /// place would never end.
    pub(super) fn answer(&mut self, at: usize, answer: Result<Applied, Error>) -> bool {
        let Some(item) = self.items.get_mut(at) else { return false };
        let first = is_taken(&answer) && answer != Ok(Applied::Held) && !item.taken;
        if self.answers.get(item.place) != Some(&answer) {
            item.read = None;
        }
        if first {
            item.taken = true;
            self.came.insert(item.epoch);
        }
        if let Some(slot) = self.answers.get_mut(item.place) {
            *slot = answer;
        }
        first
    }

    pub(super) fn said(&self, at: usize) -> Result<Applied, Error> {
        let answer = self.items.get(at).and_then(|item| self.answers.get(item.place));
        answer.copied().unwrap_or(Err(Error::Decrypt))
    }

    pub(super) fn opened(&self, at: usize) -> Result<&Opened, Error> {
        self.items.get(at).and_then(|item| item.opened.as_deref()).ok_or(Error::Decrypt)
    }

    pub(super) fn opened_mut(&mut self, at: usize) -> Result<&mut Opened, Error> {
        self.items.get_mut(at).and_then(|item| item.opened.as_deref_mut()).ok_or(Error::Decrypt)
    }

    /// Opens from the last epoch back, so that only what is not held, and no later one names, costs a private-key operation.
    /// Additions are left to their parent's key, which the room may come to hold.
    pub(super) fn open_backwards(&mut self, room: Option<&Room>, readers: &[Reader<'_>], rng: &mut impl TryCryptoRng) {
        let mut end = self.items.len();
        while let Some(epoch) = end.checked_sub(1).and_then(|last| self.items.get(last)).map(|item| item.epoch) {
            let start = self.items.partition_point(|item| item.epoch < epoch);
            let of_epoch = self.items.iter_mut().take(end).skip(start);
            for item in of_epoch.filter(|item| item.opened.is_none() && item.no.is_none()) {
                let Ok(decoded) = Decoded::decode(&item.package) else { continue };
                let held = room.and_then(|room| room.unlock_by_held(&decoded));
                if held.is_some() || decoded.wraps.symmetric == 0 {
                    // Why not is told in its turn.
                    item.opened = open(&decoded, held, &mut item.no, readers, rng).ok();
                }
            }
            self.open_named(&(start..end).collect::<Vec<_>>());
            end = start;
        }
    }

    /// Verifies the authors of those that are opened and are `wanted`: the most of the work, which needs no order.
    pub(super) fn verify_authors(&mut self, wanted: impl Fn(&Opened) -> bool, directory: &dyn Directory) {
        let opened = self.items.iter_mut().filter_map(|item| item.opened.as_deref_mut());
        Opened::verify_authors(opened.filter(|opened| wanted(opened)), directory);
    }

    /// Opens what is before some of one epoch by the secrets that they name; gives where it may be.
    fn open_named(&mut self, later: &[usize]) -> Range<usize> {
        let first = later.iter().find_map(|at| self.opened(*at).ok());
        let Some(epoch) = first.and_then(|opened| opened.named.body.epoch.checked_sub(1)) else { return 0..0 };
        let places = self.places(epoch);
        let is_new = |at: &&usize| self.items.get(**at).is_some_and(|item| item.opened.is_some() && !item.searched);
        let later: Vec<usize> = later.iter().filter(is_new).copied().collect();
        if later.is_empty() {
            return places;
        }
        let mut left = MAX_TRIES.saturating_sub(self.tries.get(&epoch).copied().unwrap_or(0));
        for at in places.clone() {
            // To decode one takes as long as its header is.
            let named = self.items.get(at).filter(|item| left > 0 && item.opened.is_none()).and_then(|item| {
                let decoded = Decoded::decode(&item.package).ok()?;
                later.iter().find_map(|later| {
                    left = left.checked_sub(1)?;
                    self.opened(*later).ok()?.open_previous(&decoded).ok()
                })
            });
            if let (Some(item), Some(named)) = (self.items.get_mut(at), named) {
                let key = named.named.key();
                item.opened = Some(Box::new(named));
                self.leads_on(key);
                self.came.insert(epoch);
            }
        }
        self.tries.insert(epoch, MAX_TRIES.saturating_sub(left));
        for at in later {
            if let Some(item) = self.items.get_mut(at) {
                item.searched = true;
            }
        }
        places
    }

    /// Opens what is before one by the secret that it names, what is before that by theirs, and so on.
    fn open_all_named(&mut self, at: usize) {
        let mut later = alloc::vec![at];
        while !later.is_empty() {
            let places = self.open_named(&later);
            let is_new = |at: &usize| self.items.get(*at).is_some_and(|item| item.opened.is_some() && !item.searched);
            later = places.filter(is_new).collect();
        }
    }

    /// Opens one by what the room holds or by the readers' keys.
    pub(super) fn open(
        &mut self,
        at: usize,
        room: Option<&Room>,
        readers: &[Reader<'_>],
        rng: &mut impl TryCryptoRng,
    ) -> Result<(), Error> {
        let Some(item) = self.items.get_mut(at).filter(|item| item.opened.is_none()) else { return Ok(()) };
        let decoded = Decoded::decode(&item.package)?;
        let held = room.and_then(|room| room.unlock_by_held(&decoded).or_else(|| self.keks.unlock(&decoded, room)));
        let opened = open(&decoded, held, &mut item.no, readers, rng)?;
        let key = opened.named.key();
        item.opened = Some(opened);
        self.leads_on(key);
        self.open_all_named(at);
        Ok(())
    }

    /// One more of that epoch was opened: what led there may lead on.
    fn leads_on(&mut self, key: Key) {
        if self.nowhere.contains_key(&key) {
            self.nowhere.clear();
        }
    }

    /// Applies one that was opened, and before it those that lead to it from what the room holds. [ROOM-29]
    pub(super) fn apply(&mut self, at: usize, room: &mut Room, directory: &dyn Directory) -> Result<Applied, Error> {
        let head = room.head;
        for copies in self.chain_to(at, room, directory).into_iter().rev() {
            let key = copies.first().and_then(|at| self.opened(*at).ok()).map(|opened| opened.named.key());
            for earlier in copies {
                let answer = self.opened_mut(earlier).and_then(|opened| room.apply_opened(opened, directory));
                self.answer(earlier, answer);
                if answer.is_ok() {
                    break;
                }
            }
            // A fork for which there was no place leads nowhere either.
            if key.is_none_or(|key| !room.counts(&key)) {
                self.nowhere.extend(key.map(|key| (key, key)));
                break;
            }
        }
        let answer = room.apply_opened(self.opened_mut(at)?, directory);
        if room.head != head {
            self.go_on(room, directory);
        }
        answer
    }

    /// After another epoch became the head: takes what follows it and was held before, of which no more was said. SPEC §18.3
    pub(super) fn go_on(&mut self, room: &mut Room, directory: &dyn Directory) {
        while !room.epochs.is_last(&room.head) {
            let head = room.head;
            for at in self.places(head.0.saturating_add(1)) {
                let follows =
                    |opened: &Opened| opened.named.parent_key() == Some(head) && room.counts(&opened.named.key());
                if room.head == head && self.opened(at).is_ok_and(follows) {
                    let answer = self.opened_mut(at).and_then(|opened| room.apply_opened(opened, directory));
                    self.answer(at, answer);
                }
            }
            if room.head == head {
                break;
            }
        }
    }

    /// The packages between one and what the room holds, descending, as copies of one epoch each; none if they do not lead
    /// there.
    fn chain_to(&mut self, at: usize, room: &Room, directory: &dyn Directory) -> Vec<Vec<usize>> {
        let mut chain: Vec<Vec<usize>> = Vec::new();
        // What nobody answers for is worth no search.
        if self.opened_mut(at).and_then(|opened| opened.verify_author(directory)).is_err() {
            return chain;
        }
        let (mut later, mut lacking) = (alloc::vec![at], Vec::new());
        while self.lacks_parent(&later, room) {
            let parent = later.first().and_then(|at| self.opened(*at).ok()?.named.parent_key());
            lacking.extend(parent);
            // What leads nowhere is found out once, not for each that follows.
            let end = parent.and_then(|parent| self.known_end(&later, parent, room));
            let found = if end.is_some() { Vec::new() } else { self.previous(&later, directory) };
            if found.is_empty() {
                if let Some(end) = end.or(lacking.last().copied()) {
                    self.nowhere.extend(lacking.into_iter().map(|key| (key, end)));
                }
                return Vec::new();
            }
            chain.push(found.clone());
            later = found;
        }
        chain
    }

    /// What is lacking for copies with this parent, if that is known: none of them names a secret that was not tried, and it is
    /// lacking still.
    fn known_end(&self, copies: &[usize], parent: Key, room: &Room) -> Option<Key> {
        let searched = copies.iter().all(|at| self.items.get(*at).is_some_and(|item| item.searched));
        self.nowhere.get(&parent).copied().filter(|end| searched && !room.counts(end))
    }

    /// Of copies of one epoch: whether its parent is not held.
    pub(super) fn lacks_parent(&self, copies: &[usize], room: &Room) -> bool {
        let opened = copies.first().and_then(|at| self.opened(*at).ok());
        opened.is_some_and(|opened| room.parent_of(opened).is_none())
    }

    /// The packages of the epoch before, opened, each signed by its author. They are several where somebody made copies: with
    /// one transcript, hence of one epoch and one secret, but with another previous secret or transition. So are `later`.
    pub(super) fn previous(&mut self, later: &[usize], directory: &dyn Directory) -> Vec<usize> {
        let first = later.first().and_then(|at| self.opened(*at).ok());
        let Some(key) = first.and_then(|opened| opened.named.parent_key()) else { return Vec::new() };
        let mut found = Vec::new();
        for at in self.open_named(later) {
            let opened = self.opened_mut(at).ok().filter(|opened| opened.named.key() == key);
            if opened.is_some_and(|opened| opened.verify_author(directory).is_ok()) {
                found.push(at);
            }
        }
        found
    }
}
