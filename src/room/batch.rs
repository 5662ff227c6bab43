//! Many packages at once, each opened once: in the order of epochs, and those that leave this member out by the secrets
//! which later ones name. SPEC §18.3.

use super::package::{Decoded, Opened};
use super::roster::{Directory, RoomId, refused};
use super::{Applied, Room};
use crate::envelope::Reader;
use crate::error::Error;
use alloc::vec::Vec;
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
        let mut batch = Batch::decode(&self.id, packages);
        for at in 0..batch.items.len() {
            let answer = match batch.open(at, Some(self), readers, rng) {
                Ok(()) => batch.apply(at, self, directory),
                Err(error) => Err(error),
            };
            batch.answer(at, answer);
        }
        batch.finish(self)
    }
}

/// Packages of one room, ascending by epoch and then as given.
pub(super) struct Batch<'p> {
    pub(super) items: Vec<Item<'p>>,
    /// What is said of each package, as given.
    pub(super) answers: Vec<Result<Applied, Error>>,
}

pub(super) struct Item<'p> {
    pub(super) decoded: Decoded<'p>,
    pub(super) opened: Option<Opened>,
    /// Among what was given.
    pub(super) place: usize,
}

impl<'p> Batch<'p> {
    pub(super) fn decode(id: &RoomId, packages: &[&'p [u8]]) -> Self {
        let mut items = Vec::with_capacity(packages.len());
        let mut answers = Vec::with_capacity(packages.len());
        for (place, package) in packages.iter().enumerate() {
            answers.push(Err(match Decoded::decode(package) {
                Ok(decoded) if decoded.room == *id => {
                    items.push(Item { decoded, opened: None, place });
                    // As long as nothing has opened it.
                    Error::Decrypt
                }
                Ok(_) => refused("ROOM-03"),
                Err(error) => error,
            }));
        }
        items.sort_by_key(|item| (item.decoded.epoch, item.place));
        Self { items, answers }
    }

    pub(super) fn answer(&mut self, at: usize, answer: Result<Applied, Error>) {
        let place = self.items.get(at).map(|item| item.place);
        if let Some(slot) = place.and_then(|place| self.answers.get_mut(place)) {
            *slot = answer;
        }
    }

    /// What is said of each package in the end: what is held is held, also where only a later package led to it.
    pub(super) fn finish(mut self, room: &Room) -> Vec<Result<Applied, Error>> {
        for item in &self.items {
            let Some(answer) = self.answers.get_mut(item.place).filter(|answer| answer.is_err()) else { continue };
            let by_held = || item.decoded.open(room.unlock_by_held(&item.decoded)?).ok();
            let key = item.opened.as_ref().map(|opened| opened.named.key());
            if key.or_else(|| Some(by_held()?.named.key())).is_some_and(|key| room.epochs.contains_key(&key)) {
                *answer = Ok(Applied::Held);
            }
        }
        self.answers
    }

    pub(super) fn opened(&self, at: usize) -> Result<&Opened, Error> {
        self.items.get(at).and_then(|item| item.opened.as_ref()).ok_or(Error::Decrypt)
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
        item.opened = Some(match room {
            Some(room) => room.open_package(&item.decoded, readers, rng)?,
            None => item.decoded.open(item.decoded.locked.unlock(readers, rng)?)?,
        });
        Ok(())
    }

    /// Applies one that was opened, and before it those that lead to it from what the room holds. [ROOM-29]
    pub(super) fn apply(&mut self, at: usize, room: &mut Room, directory: &dyn Directory) -> Result<Applied, Error> {
        for earlier in self.chain_to(at, room, directory).into_iter().rev() {
            let answer = self.opened(earlier).and_then(|opened| room.apply_opened(opened, directory));
            let failed = answer.is_err();
            self.answer(earlier, answer);
            if failed {
                break;
            }
        }
        room.apply_opened(self.opened(at)?, directory)
    }

    /// The packages between one and what the room holds, descending, opened; none if they do not lead there.
    fn chain_to(&mut self, at: usize, room: &Room, directory: &dyn Directory) -> Vec<usize> {
        let mut chain = Vec::new();
        let mut later = at;
        while self.opened(later).is_ok_and(|opened| room.parent_of(opened).is_none()) {
            let Some(found) = self.previous(later, directory) else { return Vec::new() };
            chain.push(found);
            later = found;
        }
        chain
    }

    /// The package of the epoch before, opened, its author verified.
    pub(super) fn previous(&mut self, later: usize, directory: &dyn Directory) -> Option<usize> {
        let opened = self.opened(later).ok()?;
        let key = opened.named.parent_key()?;
        let first = self.items.partition_point(|item| item.decoded.epoch < key.0);
        let numbered = || self.items.iter().enumerate().skip(first).take_while(|(_, item)| item.decoded.epoch == key.0);
        let is_it = |opened: &Opened| opened.named.key() == key && opened.verify_author(directory).is_ok();
        let known = numbered().find(|(_, item)| item.opened.as_ref().is_some_and(is_it));
        if let Some((at, _)) = known {
            return Some(at);
        }
        let mut locked = numbered().filter(|(_, item)| item.opened.is_none());
        let open = |item: &Item<'_>| opened.open_previous(&item.decoded, directory).ok();
        let (at, previous) = locked.find_map(|(at, item)| Some((at, open(item)?)))?;
        self.items.get_mut(at)?.opened = Some(previous);
        Some(at)
    }
}
