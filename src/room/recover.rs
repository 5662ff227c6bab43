//! A room from a server's packages and the words alone. SPEC §18.7.

use super::batch::Batch;
use super::epoch::Held;
use super::join::comes_in_as;
use super::package::Invited;
use super::roster::{Directory, RoomId, look_up, refused};
use super::{Applied, Room};
use crate::envelope::Reader;
use crate::error::Error;
use crate::public_identity::Fingerprint;
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
    /// [`confirm`](Self::confirm). Who began it, nobody vouched for: [`epochs`](Self::epochs) tells who made each epoch.
    /// SPEC §18.7 [ROOM-22]
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
        let mut batch = Batch::decode(id, packages);
        let mut found: Option<Self> = None;
        for at in 0..batch.items.len() {
            let answer = match batch.open(at, found.as_ref(), readers, rng) {
                Ok(()) => batch.recover(at, &mut found, readers, directory, rng),
                Err(error) => Err(error),
            };
            batch.answer(at, answer);
        }
        let mut room = found.ok_or(Error::Decrypt)?;
        (room.confirmed, room.behind) = (false, 0);
        let problems = batch.finish(&room).into_iter().enumerate();
        let problems = problems.filter_map(|(place, answer)| Some((place, answer.err()?))).collect();
        Ok(Recovered { room, problems })
    }
}

impl Batch<'_> {
    /// Applies one that was opened, or begins a run of epochs with it.
    fn recover(
        &mut self,
        at: usize,
        found: &mut Option<Room>,
        readers: &[Reader<'_>],
        directory: &dyn Directory,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Applied, Error> {
        if let Some(room) = found {
            let applied = self.apply(at, room, directory);
            if applied == Ok(Applied::Held) || room.parent_of(self.opened(at)?).is_some() {
                return applied;
            }
        }
        let opened = self.opened(at)?;
        let author = opened.named.signer;
        let held = opened.begin(look_up(directory, &author)?, Invited::Unknown)?;
        let me = comes_in_as(opened, readers)?;
        let room = match found {
            None => found.insert(Room::with_first(held, me, rng)?),
            Some(room) => {
                room.begin_run(held, me)?;
                room
            }
        };
        self.take_past(at, room, directory);
        Ok(Applied::Head { author })
    }

    /// Back from the first epoch of a run, by the previous secrets, as far as they lead. [ROOM-16]
    fn take_past(&mut self, first: usize, room: &mut Room, directory: &dyn Directory) {
        let mut later = first;
        // Its transition was not checked when the run began.
        while self.opened(later).is_ok_and(|opened| {
            room.parent_of(opened).is_none() && (later != first || opened.verify_author(directory).is_ok())
        }) {
            let Some(at) = self.previous(later, directory) else { break };
            let taken = self.opened(later).and_then(|later| {
                let previous = self.opened(at)?;
                let held = previous.held()?;
                later.check(&held)?;
                // Where an earlier run holds its parent, the rules between the two can be checked.
                room.parent_of(previous).map_or(Ok(()), |parent| previous.check(parent).map(|_| ()))?;
                Ok(held)
            });
            let Ok(held) = taken else { break };
            let author = held.signer;
            room.epochs.insert(held.key(), held);
            self.answer(at, Ok(Applied::Past { author }));
            later = at;
        }
        room.set_head(room.head);
    }
}

impl Room {
    /// A later run of epochs, whose first has no parent that is held. [ROOM-08] [ROOM-24]
    fn begin_run(&mut self, held: Held, me: Fingerprint) -> Result<(), Error> {
        let head = &self.head()?.body;
        if held.body.history != head.history || held.body.epoch <= head.epoch || !head.is_admin(&held.signer) {
            return Err(refused("ROOM-08"));
        }
        let key = held.key();
        self.epochs.insert(key, held);
        self.set_head(key);
        self.becomes(me);
        Ok(())
    }
}
