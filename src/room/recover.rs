//! A room from a server's packages and the words alone. SPEC §18.7.

use super::join::open_as;
use super::package::{Decoded, Invited, Opened};
use super::roster::{Directory, RoomId, look_up, refused};
use super::{Applied, Room};
use crate::envelope::Reader;
use crate::error::Error;
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
        let mut problems = Vec::new();
        let mut decoded = Vec::new();
        for (place, package) in packages.iter().enumerate() {
            match Decoded::decode(package) {
                Ok(found) if found.room == *id => decoded.push((found.epoch, place, *package)),
                Ok(_) => problems.push((place, refused("ROOM-03"))),
                Err(error) => problems.push((place, error)),
            }
        }
        decoded.sort_by_key(|(epoch, place, _)| (*epoch, *place));

        let mut room: Option<Self> = None;
        let mut firsts = Vec::new();
        for (_, place, package) in &decoded {
            let applied = match &mut room {
                Some(room) => room.apply(package, readers, directory, rng),
                None => Err(refused("ROOM-08")),
            };
            let begun = match applied {
                Ok(Applied::Ahead { .. }) | Err(Error::Room { check: "ROOM-08" }) => {
                    begin(&mut room, package, readers, directory, rng)
                }
                Ok(_) => continue,
                Err(error) => Err(error),
            };
            match begun {
                Ok(first) => firsts.push(first),
                Err(error) => problems.push((*place, error)),
            }
        }
        let mut room = room.ok_or(Error::Decrypt)?;
        firsts.into_iter().for_each(|first| room.take_past(first, &decoded, directory));
        room.note_yielding();
        // What is held as an epoch is no problem, whenever it was opened.
        problems.retain(|(place, _)| {
            packages
                .get(*place)
                .is_some_and(|package| Decoded::decode(package).map_or(true, |found| !room.is_held(&found)))
        });
        (room.confirmed, room.behind) = (false, 0);
        Ok(Recovered { room, problems })
    }

    /// Back from the first epoch of a run, by the previous secrets, as far as they lead. [ROOM-16]
    fn take_past(&mut self, first: Opened, packages: &[(u64, usize, &[u8])], directory: &dyn Directory) {
        let mut later = first;
        // Its transition was not checked when the run began.
        if later.verify_author(directory).is_err() {
            return;
        }
        while let Some((epoch, _)) = later.parent_key().filter(|key| !self.epochs.contains_key(key)) {
            let mut candidates = packages.iter().filter(|(number, ..)| *number == epoch);
            let Some(opened) = candidates.find_map(|(.., package)| self.take_previous(&later, package, directory).ok())
            else {
                return;
            };
            later = opened;
        }
    }
}

/// Begins a run with a package whose parent is not held: the first one, or one by an admin of the head. SPEC §18.7
fn begin(
    room: &mut Option<Room>,
    package: &[u8],
    readers: &[Reader<'_>],
    directory: &dyn Directory,
    rng: &mut impl TryCryptoRng,
) -> Result<Opened, Error> {
    let decoded = Decoded::decode(package)?;
    let (opened, me) = open_as(&decoded, readers, rng)?;
    let held = opened.begin(look_up(directory, opened.signer())?, &me, Invited::Unknown)?;
    match room {
        None => *room = Some(Room::with_first(held, me, rng)?),
        Some(room) => {
            // [ROOM-24]
            if held.body.epoch <= room.head.0 || !room.head()?.body.is_admin(opened.signer()) {
                return Err(refused("ROOM-08"));
            }
            room.head = held.key();
            room.becomes(me);
            room.epochs.insert(held.key(), held);
        }
    }
    Ok(opened)
}
