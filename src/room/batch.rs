//! Many packages at once, each opened and verified once: in the order of epochs, and those that leave this member out by the
//! secrets which later ones name. SPEC §18.3.

use super::{Applied, Room};
use crate::envelope::{Reader, Unlocked};
use crate::epoch::{Branch, Decoded, Directory, Held, Opened, RoomId, Transcript, refused};
use crate::error::Error;
use crate::public_identity::Fingerprint;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;
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
        batch.answers
    }
}

/// Packages of one room, ascending by epoch and then as given.
pub(crate) struct Batch<'p> {
    items: Vec<Item<'p>>,
    /// What is said of each package, as given.
    pub(crate) answers: Vec<Result<Applied, Error>>,
    /// By epoch.
    tries: BTreeMap<u64, usize>,
    /// Parents from which nothing leads to what the room holds, and why: for want of which one. As long as no more are opened.
    pub(super) nowhere: BTreeMap<(u64, Transcript), (u64, Transcript)>,
}

struct Item<'p> {
    epoch: u64,
    /// Among what was given.
    place: usize,
    package: Cow<'p, [u8]>,
    /// In a place of its own: what is moved within a list leaves a copy of its secrets behind.
    opened: Option<Box<Opened>>,
    /// Whether the readers' keys were tried.
    tried: bool,
    /// Whether the secret that it names was tried with all of the epoch before.
    searched: bool,
}

/// How often secrets are tried with the packages of one epoch: who makes many of both must not cost their product. [ROOM-29]
const MAX_TRIES: usize = 4096;

/// By the readers' keys. What the generator kept from being tried is tried again.
fn unlock(
    decoded: &Decoded<'_>,
    tried: &mut bool,
    readers: &[Reader<'_>],
    rng: &mut impl TryCryptoRng,
) -> Result<Unlocked, Error> {
    let unlocked = decoded.locked.unlock(readers, rng);
    *tried = unlocked.as_ref().err() != Some(&Error::Generator);
    unlocked
}

impl<'p> Batch<'p> {
    pub(crate) fn new(id: &RoomId, packages: impl IntoIterator<Item = Cow<'p, [u8]>>) -> Self {
        let (mut items, mut answers) = (Vec::new(), Vec::new());
        for (place, package) in packages.into_iter().enumerate() {
            let decoded = Decoded::decode(&package).map(|decoded| (decoded.room == *id, decoded.epoch));
            let answer = match decoded {
                Ok((true, epoch)) => {
                    items.push(Item { epoch, place, package, opened: None, tried: false, searched: false });
                    // As long as nothing has opened it.
                    Error::Decrypt
                }
                Ok((false, _)) => refused("ROOM-03"),
                Err(error) => error,
            };
            Self::say(&mut answers, answer);
        }
        items.sort_by_key(|item| (item.epoch, item.place));
        Self { items, answers, tries: BTreeMap::new(), nowhere: BTreeMap::new() }
    }

    // Not inlined: what an error does not fill would hold what the caller's frame has left there, a key among it.
    #[inline(never)]
    fn say(answers: &mut Vec<Result<Applied, Error>>, error: Error) {
        answers.push(Err(error));
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
        for _ in 0..=self.items.len() {
            let before = room.epochs.len();
            self.nowhere.clear();
            for at in self.failed() {
                let opened = self.open(at, Some(room), readers, rng);
                let answer = opened.and_then(|()| self.apply(at, room, directory));
                self.answer(at, answer);
            }
            // Once more for what opens, or has its parent, only by what a later one led to.
            if room.epochs.len() <= before {
                break;
            }
        }
    }

    /// Takes what epochs that are held name as their parents: a transcript says what came before it. For a room of which
    /// some were kept elsewhere and lost. Tells whether there was any. [REC-01]
    pub(crate) fn take_named(&mut self, room: &mut Room, directory: &dyn Directory) -> bool {
        let mut any = false;
        for at in self.failed().into_iter().rev() {
            let Ok(opened) = self.opened_mut(at) else { continue };
            let key = opened.named.key();
            if room.epochs.contains_key(&key) || room.children(key).next().is_none() {
                continue;
            }
            let Ok(held) = opened.verify_author(directory).and_then(|()| opened.held()) else { continue };
            let author = held.signer;
            // Of the own branch is only what leads to the head, which is found again below.
            room.epochs.insert(key, Box::new(Held { branch: Branch::Evidence, ..held }));
            self.answer(at, Ok(Applied::Past { author }));
            any = true;
        }
        if any {
            room.set_head(room.head);
        }
        any
    }

    /// Those that were not taken yet, ascending: also what was ahead, for what it was ahead of may have come.
    pub(super) fn failed(&self) -> Vec<usize> {
        let open = |answer: &Result<Applied, Error>| matches!(answer, Err(_) | Ok(Applied::Ahead { .. }));
        let failed = |item: &Item<'_>| self.answers.get(item.place).is_some_and(open);
        self.items.iter().enumerate().filter(|(_, item)| failed(item)).map(|(at, _)| at).collect()
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
    pub(super) fn begin_again(&mut self) {
        for item in &self.items {
            if let Some(answer) = self.answers.get_mut(item.place) {
                *answer = Err(Error::Decrypt);
            }
        }
    }

    pub(super) fn answer(&mut self, at: usize, answer: Result<Applied, Error>) {
        let place = self.items.get(at).map(|item| item.place);
        if let Some(slot) = place.and_then(|place| self.answers.get_mut(place)) {
            *slot = answer;
        }
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
            for item in of_epoch.filter(|item| item.opened.is_none() && !item.tried) {
                item.opened = Decoded::decode(&item.package).ok().and_then(|decoded| {
                    let unlocked = match room.and_then(|room| room.unlock_by_held(&decoded)) {
                        Some(unlocked) => unlocked,
                        None if decoded.wraps.symmetric > 0 => return None,
                        None => unlock(&decoded, &mut item.tried, readers, rng).ok()?,
                    };
                    decoded.open(unlocked).ok().map(Box::new)
                });
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
        let start = self.items.partition_point(|item| item.epoch < epoch);
        let end = self.items.partition_point(|item| item.epoch <= epoch);
        let is_new = |at: &&usize| self.items.get(**at).is_some_and(|item| item.opened.is_some() && !item.searched);
        let later: Vec<usize> = later.iter().filter(is_new).copied().collect();
        let mut left = MAX_TRIES.saturating_sub(self.tries.get(&epoch).copied().unwrap_or(0));
        for at in start..end {
            // To decode one takes as long as its header is.
            let tries = left > 0 && !later.is_empty();
            let named = self.items.get(at).filter(|item| tries && item.opened.is_none()).and_then(|item| {
                let decoded = Decoded::decode(&item.package).ok()?;
                later.iter().find_map(|later| {
                    left = left.checked_sub(1)?;
                    self.opened(*later).ok()?.open_previous(&decoded).ok()
                })
            });
            if let (Some(item), Some(named)) = (self.items.get_mut(at), named) {
                item.opened = Some(Box::new(named));
                self.nowhere.clear();
            }
        }
        self.tries.insert(epoch, MAX_TRIES.saturating_sub(left));
        for at in later {
            if let Some(item) = self.items.get_mut(at) {
                item.searched = true;
            }
        }
        start..end
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
        let unlocked = match room.and_then(|room| room.unlock(&decoded)) {
            Some(unlocked) => unlocked,
            None if item.tried => return Err(Error::Decrypt),
            None => unlock(&decoded, &mut item.tried, readers, rng)?,
        };
        item.opened = Some(Box::new(decoded.open(unlocked)?));
        self.nowhere.clear();
        Ok(())
    }

    /// Applies one that was opened, and before it those that lead to it from what the room holds. [ROOM-29]
    pub(super) fn apply(&mut self, at: usize, room: &mut Room, directory: &dyn Directory) -> Result<Applied, Error> {
        for copies in self.chain_to(at, room, directory).into_iter().rev() {
            let key = copies.first().and_then(|at| self.opened(*at).ok()).map(|opened| opened.named.key());
            for earlier in copies {
                let answer = self.take(earlier, room, directory);
                self.answer(earlier, answer);
                if answer.is_ok() {
                    break;
                }
            }
            // A fork for which there was no place leads nowhere either.
            if key.is_none_or(|key| !room.epochs.contains_key(&key)) {
                self.nowhere.extend(key.map(|key| (key, key)));
                break;
            }
        }
        self.take(at, room, directory)
    }

    /// Applies one, unless it is not held and its parent, which came by a grant, has to wait for the identity of its author: what
    /// follows a successor of the head would be evidence otherwise, and not follow once that is the head.
    fn take(&mut self, at: usize, room: &mut Room, directory: &dyn Directory) -> Result<Applied, Error> {
        let opened = self.opened(at)?;
        let is_held = room.epochs.get(&opened.named.key()).is_some_and(|held| held.secret.is_some());
        if let Some(parent) = room.parent_of(opened).filter(|parent| parent.secret.is_none() && !is_held) {
            let is_parent = |opened: &Opened| opened.named.key() == parent.key();
            for item in self.items.iter().filter(|item| item.opened.as_deref().is_some_and(is_parent)) {
                if let Some(Err(unknown @ Error::UnknownIdentity { .. })) = self.answers.get(item.place) {
                    return Err(*unknown);
                }
            }
        }
        room.apply_opened(self.opened_mut(at)?, directory)
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
    fn known_end(&self, copies: &[usize], parent: (u64, Transcript), room: &Room) -> Option<(u64, Transcript)> {
        let searched = copies.iter().all(|at| self.items.get(*at).is_some_and(|item| item.searched));
        self.nowhere.get(&parent).copied().filter(|end| searched && !room.epochs.contains_key(end))
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
