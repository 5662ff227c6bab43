//! What losing a device means, and what is left to do. SPEC §22.4.

use crate::epoch::RoomId;
use crate::error::Error;
use crate::identity::{Identity, Root, Transition};
use crate::keyring::Keyring;
use crate::public_identity::Profile;
use crate::room::{Change, Room};
use alloc::vec::Vec;
use core::fmt;
use rand_core::TryCryptoRng;

/// Something that is left to do after the keys were changed, in the order in which it should be done. SPEC §22.4
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Left {
    /// Give the server the new identity and the transition: from then on it refuses the lost device's certificates.
    Publish,
    /// Upload a whole keyring under the new key, see [`Succession::seal_keyring`].
    Keyring,
    /// Replace the old identity in this room, see [`Succession::replace`]: the thief reads it until then.
    Room(RoomId),
    /// Link the devices that are still there anew: each by its own request.
    Devices,
}

/// The change from one generation of keys to the next, everywhere: after a device was lost, with the words. SPEC §22.4
///
/// It keeps nothing that could not be made again: after a restart make it again, from the same words, and say what was done.
///
/// ```
/// # use sealroom::*;
/// # #[cfg(feature = "std")]
/// # fn main() -> Result<(), Error> {
/// # let mut rng = SystemRng;
/// # let root = Root::from_bip39_seed(&[1; 64]);
/// # let old = root.identity(Profile::P256, 0, &mut rng)?;
/// # let package = Room::create(&old.sender(), &[], HistoryPolicy::Shared, &mut rng)?;
/// # let mut room = Room::join(&package, old.public(), &[old.reader()], &mut rng)?.finish()?;
/// # let mut keyring = Keyring::new(&mut rng)?;
/// let mut succession = Succession::new(&root, &old, Profile::P256, &mut rng)?;
/// let new = succession.identity().clone();
/// let people = [old.public(), new.public()];
/// // The server takes new.public() and succession.transition().
/// succession.published();
/// let whole = succession.seal_keyring(&mut keyring, &mut rng)?;
/// succession.keyring_uploaded();
/// assert_eq!(succession.left(&[&room]), [Left::Room(*room.id()), Left::Devices]);
/// let package = succession.replace(&room)?.seal(&new.sender(), &people, &mut rng)?;
/// room.apply(&package, &[new.reader(), old.reader()], &people, &mut rng)?;
/// succession.devices_linked();
/// assert_eq!(succession.left(&[&room]), []);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "std"))]
/// # fn main() {}
/// ```
pub struct Succession {
    identity: Identity,
    transition: Transition,
    published: bool,
    keyring: bool,
    devices: bool,
}

impl Succession {
    /// Derives the next generation and signs the transition to it. RSA keys take seconds.
    ///
    /// # Errors
    /// As [`Root::identity`] and [`Root::succeed`].
    pub fn new(root: &Root, old: &Identity, profile: Profile, rng: &mut impl TryCryptoRng) -> Result<Self, Error> {
        let no = Error::Argument { what: "the last generation" };
        let identity = root.identity(profile, old.public().generation().checked_add(1).ok_or(no)?, rng)?;
        let transition = root.succeed(old, &identity, rng)?;
        Ok(Self { identity, transition, published: false, keyring: false, devices: false })
    }

    /// The new generation.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The transition to it, for the server and for everyone.
    #[must_use]
    pub const fn transition(&self) -> &Transition {
        &self.transition
    }

    /// What is left to do, in this order: `rooms` are all rooms of this person.
    #[must_use]
    pub fn left(&self, rooms: &[&Room]) -> Vec<Left> {
        let new = self.identity.public().fingerprint();
        let rooms = rooms.iter().filter(|room| room.me() != new).map(|room| Left::Room(*room.id()));
        let first = [(self.published, Left::Publish), (self.keyring, Left::Keyring)];
        let first = first.into_iter().filter(|(done, _)| !done).map(|(_, left)| left);
        first.chain(rooms).chain((!self.devices).then_some(Left::Devices)).collect()
    }

    /// The server has the new identity and the transition.
    pub const fn published(&mut self) {
        self.published = true;
    }

    /// Seals the whole keyring under the new key, with the new identity in it. To be uploaded after the keyring was
    /// [stored](Keyring::save).
    ///
    /// # Errors
    /// As [`Keyring::whole`]. Then the keyring has not changed.
    pub fn seal_keyring(&self, keyring: &mut Keyring, rng: &mut impl TryCryptoRng) -> Result<Vec<u8>, Error> {
        let mut next = keyring.copy();
        next.know(self.identity.public())?;
        // Where the old identity is not known, whoever recovers gets the transition of the server.
        match next.follow(&self.transition) {
            Ok(()) | Err(Error::UnknownIdentity { .. }) => {}
            Err(error) => return Err(error),
        }
        let whole = next.whole(&self.identity.keyring_key()?, rng)?;
        *keyring = next;
        Ok(whole)
    }

    /// The server has it.
    pub const fn keyring_uploaded(&mut self) {
        self.keyring = true;
    }

    /// Puts the new identity in the old one's place in a room: to be sealed by the new one. [ROOM-14]
    ///
    /// # Errors
    /// As [`Room::replace`].
    pub fn replace(&self, room: &Room) -> Result<Change, Error> {
        room.replace(&self.transition)
    }

    /// The devices that are still there were linked anew.
    pub const fn devices_linked(&mut self) {
        self.devices = true;
    }
}

impl fmt::Debug for Succession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Succession").field("identity", &self.identity).finish_non_exhaustive()
    }
}
