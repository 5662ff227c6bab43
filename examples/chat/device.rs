//! A member's device: its room, the states that it stored, what it read.

use crate::Outcome;
use crate::people::Names;
use crate::rooms::packages;
use crate::server::Server;
use sealroom::{
    Applied, Change, Draft, Epoch, Error, Fork, Freshness, Identity, Info, MessageId, Padding, PublicIdentity, Room,
    RoomId, SymmetricKey, SystemRng, inspect,
};
use std::collections::BTreeMap;

/// Messages that were read, by their ids.
pub(crate) type Read = BTreeMap<MessageId, Vec<u8>>;

pub(crate) struct Device<'a> {
    pub(crate) name: &'static str,
    pub(crate) identity: &'a Identity,
    /// Of this device alone: its room is stored under it.
    pub(crate) key: SymmetricKey,
    pub(crate) room: Room,
    /// All that was ever stored, as somebody might keep it.
    pub(crate) states: Vec<Vec<u8>>,
    pub(crate) read: Read,
    /// How many of the server's objects were taken.
    taken: usize,
}

/// What came while a device caught up.
#[derive(Default)]
pub(crate) struct Caught {
    pub(crate) packages: usize,
    pub(crate) messages: Vec<Vec<u8>>,
    /// Packages that are not for this device, and messages of epochs that it does not hold.
    pub(crate) closed: usize,
}

impl<'a> Device<'a> {
    /// Joins with the room's last package.
    pub(crate) fn join(
        name: &'static str,
        identity: &'a Identity,
        (room, inviter): (&RoomId, &PublicIdentity),
        names: &Names,
        server: &Server,
    ) -> Outcome<Self> {
        let objects = server.room(name, room, 0)?;
        let package = *packages(&objects, room).last().ok_or("nobody invited")?;
        let mut joining = Room::join(package, inviter, &[identity.reader()], &mut SystemRng)?;
        // Under shared history the packages before it are asked for, one by one.
        while let Some(wanted) = joining.wanted() {
            let packages = objects.iter().filter(|object| is_package(object, room, wanted));
            let taken = packages.map(|package| joining.past(package, names)).find(Result::is_ok);
            taken.ok_or(format!("the package of epoch {wanted} is missing"))??;
        }
        Self::new(name, identity, joining.finish()?)
    }

    pub(crate) fn new(name: &'static str, identity: &'a Identity, room: Room) -> Outcome<Self> {
        let key = SymmetricKey::generate(&mut SystemRng)?;
        let mut device = Self { name, identity, key, room, states: Vec::new(), read: Read::new(), taken: 0 };
        device.save()?;
        Ok(device)
    }

    /// Stores the room, and goes on from what was stored.
    pub(crate) fn save(&mut self) -> Outcome<()> {
        let state = self.room.save(&self.key, &mut SystemRng)?;
        self.room = Room::load(&state, &self.key)?;
        self.states.push(state);
        Ok(())
    }

    /// Seals a message. The room is stored before it is sent.
    pub(crate) fn say(&mut self, content: &[u8], server: &Server) -> Outcome<()> {
        let draft = Draft::new(content).padding(Padding::Padme);
        let message = self.room.seal(&draft, &self.identity.sender(), &mut SystemRng)?;
        self.save()?;
        server.post(self.name, &message)
    }

    /// Seals a change, has the server take it, then applies it as everyone does; gives the package's length.
    pub(crate) fn make(&mut self, change: &Change, names: &Names, server: &Server) -> Outcome<usize> {
        let package = change.seal(&self.identity.sender(), names, &mut SystemRng)?;
        server.post(self.name, &package)?;
        self.apply(&package, names)?;
        Ok(package.len())
    }

    pub(crate) fn apply(&mut self, package: &[u8], names: &Names) -> Result<Applied, Error> {
        let applied = self.room.apply(package, &[self.identity.reader()], names, &mut SystemRng)?;
        if applied != Applied::Held {
            self.save().map_err(|_| Error::Generator)?;
        }
        Ok(applied)
    }

    /// Takes what came since.
    pub(crate) fn catch_up(&mut self, names: &Names, server: &Server) -> Outcome<Caught> {
        let mut caught = Caught::default();
        let (id, objects) = (*self.room.id(), server.room(self.name, self.room.id(), self.taken)?);
        self.taken += objects.len();
        let given = packages(&objects, &id);
        for applied in self.room.catch_up(&given, &[self.identity.reader()], names, &mut SystemRng) {
            match applied {
                Ok(_) => caught.packages += 1,
                Err(Error::Decrypt) => caught.closed += 1,
                Err(error) => return Err(format!("{} applies a package: {error}", self.name).into()),
            }
        }
        for object in &objects {
            if !matches!(inspect(object)?, Info::RoomMessage { room, .. } if room == id) {
                continue;
            }
            match self.room.open(object, b"", names) {
                Ok(message) => {
                    if message.freshness() == Freshness::SequenceReused {
                        return Err("a device went on from an older state".into());
                    }
                    self.read.insert(*message.id(), message.content().to_vec());
                    caught.messages.push(message.into_content());
                }
                Err(Error::UnknownEpoch { .. }) => caught.closed += 1,
                Err(error) => return Err(format!("{} opens a message: {error}", self.name).into()),
            }
        }
        if caught.packages + caught.messages.len() > 0 {
            self.save()?;
        }
        Ok(caught)
    }

    /// Takes all that is on the server once more: what was closed may open now.
    pub(crate) fn start_over(&mut self, names: &Names, server: &Server) -> Outcome<Caught> {
        self.taken = 0;
        self.catch_up(names, server)
    }

    /// The one fork that is to be seen.
    pub(crate) fn fork(&self) -> Outcome<Fork> {
        match *self.room.forks() {
            [fork] => Ok(fork),
            ref forks => Err(format!("{} sees {} forks", self.name, forks.len()).into()),
        }
    }

    /// Goes where everyone goes who sees the same; tells whether that was another branch.
    pub(crate) fn settle(&mut self) -> Outcome<bool> {
        let recommended = self.room.settle();
        if recommended == *self.room.transcript() {
            return Ok(false);
        }
        self.room.switch_to(&recommended)?;
        self.save()?;
        Ok(true)
    }
}

/// Whether an object is a package of that room and epoch.
fn is_package(object: &[u8], id: &RoomId, number: Epoch) -> bool {
    matches!(inspect(object), Ok(Info::RoomEpoch { room, epoch, .. }) if room == *id && epoch == number)
}
