//! A room from a server's packages and the words alone. SPEC §18.7.

use super::batch::{ALL, Batch};
use super::{Applied, Key, Room};
use crate::envelope::Reader;
use crate::epoch::{Branch, Directory, Held, Invited, RoomId, comes_in_as, look_up, refused};
use crate::error::Error;
use crate::public_identity::Fingerprint;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use rand_core::TryCryptoRng;

/// A room that was put together from packages, unconfirmed, and what was wrong with some of them.
#[derive(Debug)]
#[non_exhaustive]
pub struct Recovered {
    /// The room: it opens what the words can open, and seals once it was confirmed.
    pub room: Room,
    /// The packages that could not be used, by their place in what was given, and why. A room's removals are among them,
    /// with [`Error::Decrypt`]: nobody can open the package that removed them.
    pub problems: Vec<(usize, Error)>,
}

impl Room {
    /// Puts a room together from the packages that a server kept, in whatever order and with whatever else among them.
    ///
    /// The server may have left out the latest ones: the room is [`Unconfirmed`](crate::Standing::Unconfirmed) until
    /// [`confirm`](Self::confirm). Who began it, nobody vouched for: [`epochs`](Self::epochs) tells who made each epoch. Who
    /// knew the room once can make an early package that begins another history: if nobody whom the user trusts confirms
    /// the head, recover again from the packages that were problems. SPEC §18.7 [ROOM-22]
    ///
    /// # Errors
    /// [`Error::Decrypt`] if no package of the room can be opened by `readers`; [`Error::Generator`].
    pub fn recover(
        id: &RoomId,
        packages: &[&[u8]],
        readers: &[Reader<'_>],
        directory: &dyn Directory,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Recovered, Error> {
        let mut batch = Batch::new(id, packages.iter().map(|package| Cow::Borrowed(*package)));
        let room = batch.recover(readers, directory, rng);
        let none = if batch.lacks_random() { Error::Generator } else { Error::Decrypt };
        let room = room.ok_or(none)?;
        let problems = batch.into_answers().into_iter().enumerate();
        let problems = problems.filter_map(|(place, answer)| Some((place, answer.err()?))).collect();
        Ok(Recovered { room, problems })
    }
}

impl Batch<'_> {
    /// Puts a room together, or nothing if none of them opens. What was opened by an earlier call is not opened again.
    pub(crate) fn recover(
        &mut self,
        readers: &[Reader<'_>],
        directory: &dyn Directory,
        rng: &mut impl TryCryptoRng,
    ) -> Option<Room> {
        let mut found: Option<Room> = None;
        self.begin_again();
        self.open_backwards(None, readers, rng);
        self.verify_authors(|_| true, directory);
        self.take_all(|batch, at| {
            batch.open(at, found.as_ref(), readers, rng)?;
            batch.recover_one(at, &mut found, readers, directory, rng)
        });
        found
    }

    /// Applies one that was opened, or begins a run of epochs with it.
    fn recover_one(
        &mut self,
        at: usize,
        found: &mut Option<Room>,
        readers: &[Reader<'_>],
        directory: &dyn Directory,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Applied, Error> {
        let mut unknown = None;
        if let Some(room) = found {
            let applied = self.apply(at, room, directory);
            let lacks_parent = self.lacks_parent(&[at], room);
            if applied == Ok(Applied::Held) && lacks_parent {
                // A copy of the first of a run may lead back where that does not.
                self.take_past(at, room, directory);
            }
            if applied == Ok(Applied::Held) || !lacks_parent {
                return applied;
            }
            unknown = applied.err().filter(|error| matches!(error, Error::UnknownIdentity { .. }));
        }
        // Who was replaced may be all that is lacking: that is told before what follows from it. [REC-01]
        let told = |error| unknown.unwrap_or(error);
        let (held, me, old) = self.first_of_run(at, readers, directory).map_err(told)?;
        let author = held.signer;
        let room = match found {
            None => found.insert(Room::with_first(held, me, rng)?),
            Some(room) => {
                if !room.begins_run(&held, old) {
                    return Err(told(refused("ROOM-08")));
                }
                room.begin_run(held, me);
                room
            }
        };
        self.take_past(at, room, directory);
        self.go_on(room, directory);
        Ok(Applied::Head { author })
    }

    /// Takes what epochs of the own branch name as their parents: a transcript says what came before it. For a room of which
    /// some were kept elsewhere and lost. Tells whether any came for the first time. [REC-01]
    pub(crate) fn take_named(&mut self, room: &mut Room, directory: &dyn Directory) -> bool {
        let (mut any, mut more) = (false, false);
        let mut named: BTreeSet<Key> = room.own_branch().filter_map(|own| own.parent_key()).collect();
        for at in self.failed(ALL).into_iter().rev() {
            let Ok(opened) = self.opened_mut(at) else { continue };
            let key = opened.named.key();
            if room.counts(&key) || !named.contains(&key) {
                continue;
            }
            let Ok(held) = opened.verify_own(directory).and_then(|()| opened.held()) else { continue };
            // Of a parent that came by a grant there is no secret to compare with.
            if let Some(parent) = room.parent_of(opened).filter(|parent| parent.secret.is_some()) {
                if opened.verify_author(directory).is_err() {
                    continue;
                }
                if let Err(error) = opened.check(parent) {
                    self.answer(at, Err(error));
                    continue;
                }
            }
            let author = held.signer;
            // It leads to the head, and is of the own branch. What was until now is found again below.
            named.extend(held.parent_key());
            room.epochs.insert(Box::new(held));
            any |= self.answer(at, Ok(Applied::Past { author }));
            more = true;
        }
        if more {
            room.set_head(room.head);
        }
        any
    }

    /// Leaves of what was not held against its parent, and does not lead to the head, what opens messages.
    fn only_reads(&mut self, of: &[(usize, Key)], room: &mut Room) {
        for (at, key) in of {
            if let Some(held) = room.epochs.get(key).filter(|held| held.branch == Branch::Evidence) {
                self.keks.keep(held);
                room.epochs.erase_secret(key);
                self.only_read(*at, room);
            }
        }
    }

    /// Begins further runs of a room that came from elsewhere, with what was opened and has no parent that is held; tells
    /// whether any came for the first time. What follows from those of one number is taken before the next. [REC-01]
    pub(crate) fn begin_further_runs(
        &mut self,
        room: &mut Room,
        readers: &[Reader<'_>],
        directory: &dyn Directory,
        rng: &mut impl TryCryptoRng,
    ) -> bool {
        let mut any = false;
        for number in self.numbers() {
            let mut has_own = room.has_unyielding(number);
            // Also what was opened since by what came before.
            for at in self.failed(number..=number) {
                if !self.lacks_parent(&[at], room) || self.is_looked_at(at, room) {
                    continue;
                }
                match self.begin_beside(at, has_own, room, readers, directory) {
                    Ok((author, key)) => {
                        any |= self.answer(at, Ok(Applied::Past { author }));
                        if !self.take_past(at, room, directory) {
                            self.only_reads(&[(at, key)], room);
                        }
                        self.go_on(room, directory);
                        if room.is_own(&key) {
                            has_own = room.has_unyielding(number);
                        }
                    }
                    Err(error) => self.tell(at, error),
                }
            }
            self.take_came(|batch, at| batch.take_one(at, room, readers, directory, rng));
        }
        any
    }

    /// Why it begins no run. Who signed it may be all that is lacking: that is told before what follows from it. [REC-01]
    fn tell(&mut self, at: usize, error: Error) {
        let is_unknown = |error: &Error| matches!(error, Error::UnknownIdentity { .. });
        if is_unknown(&error) || !self.said(at).err().as_ref().is_some_and(is_unknown) {
            self.answer(at, Err(error));
        }
    }

    /// `has_own`: whether the own branch has one of its number that does not yield.
    fn begin_beside(
        &mut self,
        at: usize,
        has_own: bool,
        room: &mut Room,
        readers: &[Reader<'_>],
        directory: &dyn Directory,
    ) -> Result<(Fingerprint, Key), Error> {
        let (mut held, me, old) = self.first_of_run(at, readers, directory)?;
        let (author, key) = (held.signer, held.key());
        if room.begins_run(&held, old) {
            room.begin_run(held, me);
        } else if key.0 > room.head.0 || has_own {
            return Err(refused("ROOM-08"));
        } else {
            // What was before the head, to be read.
            held.branch = Branch::Evidence;
            // What follows there opens too; who this member is on the own branch goes before.
            if !room.mine.contains(&me) {
                room.mine.insert(0, me);
            }
            room.epochs.insert(Box::new(held));
            room.lead_to(key);
        }
        Ok((author, key))
    }

    /// What a run may begin with: the epoch, who the reader is in it, and whose successor its author is.
    fn first_of_run(
        &mut self,
        at: usize,
        readers: &[Reader<'_>],
        directory: &dyn Directory,
    ) -> Result<(Held, Fingerprint, Option<Fingerprint>), Error> {
        let opened = self.opened_mut(at)?;
        let held = opened.begin(look_up(directory, &opened.named.signer)?, Invited::Unknown)?;
        Ok((held, comes_in_as(opened, readers)?, opened.successor_of(directory)))
    }

    /// Back from the first epoch of a run, by the previous secrets, as far as they lead; tells whether they do to one that is
    /// held. If not, what does not lead to the head is only read. [ROOM-16]
    fn take_past(&mut self, first: usize, room: &mut Room, directory: &dyn Directory) -> bool {
        // Its transition was not checked when the run began.
        if self.opened_mut(first).and_then(|opened| opened.verify_author(directory)).is_err() {
            return false;
        }
        // What the room only reads already leads nowhere, or is taken in its turn.
        let is_run = self.opened(first).is_ok_and(|opened| room.is_own(&opened.named.key()));
        let (mut later, mut past) = (alloc::vec![first], Vec::new());
        while self.lacks_parent(&later, room) {
            let found = self.previous(&later, directory);
            let fits = |at: &usize, parent: &Held| self.opened(*at).is_ok_and(|opened| opened.check(parent).is_ok());
            // They are copies of one epoch: what it is they all tell, what was before it the one that fits.
            let taken = found.first().filter(|at| is_run || !self.is_read(**at)).and_then(|at| {
                let previous = self.opened(*at).ok()?;
                let held = previous.held().ok().filter(|held| later.iter().any(|at| fits(at, held)))?;
                // Where an earlier run holds its parent, the rules between the two can be checked.
                let parent = room.parent_of(previous);
                parent.is_none_or(|parent| found.iter().any(|at| fits(at, parent))).then_some((*at, held))
            });
            let Some((at, mut held)) = taken else { break };
            // Of the own branch is only what leads to the head, which is found again below.
            held.branch = Branch::Evidence;
            let author = held.signer;
            past.push((at, held.key()));
            room.epochs.insert(Box::new(held));
            self.answer(at, Ok(Applied::Past { author }));
            later = found;
        }
        for (_, key) in &past {
            room.lead_to(*key);
        }
        let leads = !self.lacks_parent(&later, room);
        if !leads {
            self.only_reads(&past, room);
        }
        leads
    }
}

impl Room {
    /// Whether a later run of epochs may begin with one that has no parent that is held.
    ///
    /// `old`: whose successor its author is.
    fn begins_run(&mut self, held: &Held, old: Option<Fingerprint>) -> bool {
        // As if it led on from where plain members' refreshes began. [ROOM-19]
        let takes_over = held.body.adds_since_rekey == 0 && held.body.epoch > self.unyielding();
        self.head().is_ok_and(|head| {
            let by_admin = head.body.is_admin(&held.signer) || old.is_some_and(|old| head.body.is_admin(&old));
            by_admin && held.body.history == head.body.history && (takes_over || held.body.epoch > head.body.epoch)
        })
    }

    fn has_unyielding(&self, number: u64) -> bool {
        self.epochs.numbered(number).any(|own| own.branch == Branch::Own && !self.yields(own))
    }

    /// A later run of epochs, whose first has no parent that is held. [ROOM-08] [ROOM-24]
    fn begin_run(&mut self, held: Held, me: Fingerprint) {
        let key = held.key();
        self.epochs.insert(Box::new(held));
        self.change_to(key);
        self.becomes(me);
    }
}
