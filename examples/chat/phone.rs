//! Alice's phone: the keyring that it uploads in parts, and how everything comes back on another device.

use crate::device::Read;
use crate::server::{SEGMENT_START, Server};
use crate::{Outcome, grouped, require, step};
use sealroom::{
    Account, Directory, Identity, Info, Keyring, Missing, Recovery, Room, SymmetricKey, SystemRng, Wanted, inspect,
};

/// What a device keeps for its person.
pub(crate) struct Phone {
    pub(crate) keyring: Keyring,
    /// Under which segments are sealed: of the identity.
    pub(crate) key: SymmetricKey,
    /// Under which the keyring is stored: of this device alone.
    pub(crate) store: SymmetricKey,
    pub(crate) parts: usize,
}

impl Phone {
    pub(crate) fn new(identity: &Identity, keyring: Keyring) -> Outcome<Self> {
        let store = SymmetricKey::generate(&mut SystemRng)?;
        Ok(Self { keyring, key: identity.keyring_key()?, store, parts: 0 })
    }

    /// Takes in what is new of a room, and uploads it.
    pub(crate) fn keep(&mut self, room: &Room, server: &Server) -> Outcome<()> {
        self.keyring.record(room)?;
        self.upload(server)
    }

    /// Uploads what is new. The keyring is stored before: no revision is used twice.
    pub(crate) fn upload(&mut self, server: &Server) -> Outcome<()> {
        let part = self.keyring.part(&self.key, &mut SystemRng)?;
        let stored = self.keyring.save(&self.store, &mut SystemRng)?;
        self.keyring = Keyring::load(&stored, &self.store)?;
        self.parts += 1;
        server.post("Alice", &part)
    }

    /// Has the server drop what a whole segment replaces.
    pub(crate) fn clear(&mut self, whole: &[u8], new: &SymmetricKey, server: &Server) -> Outcome<()> {
        let keys = &[new, &self.key];
        // Only looked at, and apart: a thief can still write under the old key.
        let mut apart = Keyring::new(&mut SystemRng)?;
        let by = apart.merge(whole, keys, &mut SystemRng)?;
        let mut replaced = Vec::new();
        let segments = server.segments("Alice")?;
        for segment in &segments {
            if by.replaces(&apart.merge(segment, keys, &mut SystemRng)?) {
                replaced.push(segment.get(..SEGMENT_START).unwrap_or_default().to_vec());
            }
        }
        server.drop_segments("Alice", &replaced)?;
        let (left, count) = (server.segments("Alice")?, segments.len());
        require(left == [whole], "another segment than the whole one is left")?;
        let len = grouped(u64::try_from(whole.len())?);
        step("Keyring", &format!("of {count} segments the whole one is left, of {len} bytes"));
        Ok(())
    }
}

/// What the server is asked for.
fn gives(wanted: &Wanted, server: &Server) -> Outcome<Vec<Vec<u8>>> {
    Ok(match wanted {
        Wanted::Transition { from } => server.transition(from)?.into_iter().collect(),
        Wanted::Segments => server.segments("Alice")?,
        Wanted::Packages { held } => {
            let mut packages = server.packages("Alice")?;
            packages.retain(|package| match inspect(package) {
                Ok(Info::RoomEpoch { room, epoch, .. }) => held.iter().all(|(id, from)| *id != room || *from <= epoch),
                _ => false,
            });
            packages
        }
        Wanted::Identities { of } => {
            let found = of.iter().map(|who| server.identity(who)).collect::<Outcome<Vec<_>>>()?;
            found.into_iter().flatten().collect()
        }
        other => return Err(format!("{other:?} is wanted").into()),
    })
}

/// Goes through all steps. `passes` tells what the server gives, by its number: another keeps things back.
pub(crate) fn go_through(
    recovery: &mut Recovery,
    server: &Server,
    shown: bool,
    passes: impl Fn(&Wanted, usize) -> bool,
) -> Outcome<usize> {
    let mut unused = 0;
    while let Some(wanted) = recovery.wanted() {
        let given = gives(&wanted, server)?.into_iter().enumerate().filter(|(number, _)| passes(&wanted, *number));
        let mut count = 0;
        for (_, blob) in given {
            count += 1;
            unused += usize::from(recovery.give(&blob, &mut SystemRng).is_err());
        }
        recovery.proceed(&mut SystemRng)?;
        if shown {
            let (what, now) = (name(&wanted), recovery.progress());
            let rooms = format!("{} rooms, {} epochs", now.rooms, now.epochs);
            step(&format!("  {what}"), &format!("{count:2} given; {} generations, {rooms}", now.generations));
        }
    }
    Ok(unused + recovery.refused().count())
}

fn name(wanted: &Wanted) -> &'static str {
    match wanted {
        Wanted::Transition { .. } => "transitions",
        Wanted::Segments => "segments",
        Wanted::Packages { .. } => "packages",
        _ => "identities",
    }
}

/// All of it, from a server that keeps nothing back.
pub(crate) fn whole(mut recovery: Recovery, server: &Server) -> Outcome<Account> {
    let unused = go_through(&mut recovery, server, true, |_, _| true)?;
    require(unused == 0, "something that the server gave was not used")?;
    require(recovery.missing().is_empty(), "something is missing")?;
    Ok(recovery.finish()?)
}

/// What is missing, in words.
pub(crate) fn missing(recovery: &Recovery, who: &dyn Fn(&sealroom::Fingerprint) -> &'static str) -> Vec<String> {
    let tell = |missing: &Missing| match missing {
        Missing::Segments(lacking) if lacking.first == lacking.last => format!("segment {}", lacking.first),
        Missing::Segments(lacking) => format!("segments {} to {}", lacking.first, lacking.last),
        Missing::Epochs { first, last, .. } if first == last => format!("epoch {first} of a room"),
        Missing::Epochs { first, last, .. } => format!("epochs {first} to {last} of a room"),
        Missing::Identity(fingerprint) => format!("{}'s identity", who(fingerprint)),
        other => format!("{other:?}"),
    };
    recovery.missing().iter().map(tell).collect()
}

/// All messages on the server that rooms open.
pub(crate) fn read_all(rooms: &mut [Room], people: &dyn Directory, server: &Server, who: &str) -> Outcome<Read> {
    let mut read = Read::new();
    for room in rooms {
        for object in server.room(who, room.id(), 0)? {
            if matches!(inspect(&object)?, Info::RoomMessage { .. })
                && let Ok(message) = room.open(&object, b"", people)
            {
                read.insert(*message.id(), message.into_content());
            }
        }
    }
    Ok(read)
}
