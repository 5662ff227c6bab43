//! A device that holds one epoch of a room and no history. SPEC §18.11.

use super::body::{Lent, Roster};
use super::code::RoomCode;
use super::held::Held;
use super::message::{DeviceId, Draft, EpochMessage, Prepared, decode_header_of, open_under};
use super::package::{Decoded, Invited, Opened, comes_in_as};
use super::roster::{Directory, Epoch, Member, RoomId, Transcript, refused};
use super::rules;
use crate::crypto::Random;
use crate::envelope::{Reader, Sender};
use crate::error::Error;
use crate::labels::KEY_LEN;
use crate::public_identity::{Fingerprint, PublicIdentity};
use crate::secret::Secret;
use crate::wire::{Reader as Wire, Writer};
use core::fmt;
use rand_core::TryCryptoRng;

/// One epoch of a room, for a device that has no allocator or no place for the room's past. SPEC §18.11 [ROOM-30]
///
/// The package is opened into a buffer that the device lends, where the roster stays; as many bytes as the package are
/// enough. The device follows the room from one epoch to the next, seals and opens the messages of the one it holds, and
/// makes no changes. It keeps three things itself:
///
/// - the package and its [`EpochKey`], by which the epoch [comes back](Self::reopen) after a restart;
/// - its [`DeviceId`], 8 random bytes, and how many messages it sealed in this room: the next one's number;
/// - what it saw of others' devices, a [`ReplayWindow`](crate::ReplayWindow) for each, if it has to tell replays.
///
/// What it cannot see: forks, whether its epoch is the latest, what it was left out of, and under shared history whether the
/// room's past is what the inviter says. A [`Room`](crate::Room) sees these.
///
/// ```
/// use sealroom::*;
///
/// # #[cfg(feature = "std")]
/// # fn main() -> Result<(), Error> {
/// # let mut rng = SystemRng;
/// # let person = |n| Root::from_bip39_seed(&[n; 64]).identity(Profile::P256, 0, &mut SystemRng);
/// # let (alice, meter) = (person(1)?, person(2)?);
/// # let package = Room::create(&alice.sender(), &[(meter.public(), Role::Member)], HistoryPolicy::FromJoin, &mut rng)?;
/// let mut memory = [0; 1024];
/// let epoch = SingleEpoch::join(&package, alice.public(), &[meter.reader()], &mut memory, &mut rng)?;
/// let device = DeviceId::from_bytes([7; 8]); // drawn once
///
/// let mut sealed = [0; 256];
/// let draft = Draft::new(b"21.5 degrees");
/// let len = epoch.seal_into(&draft, device, 0, &meter.sender(), &mut sealed, &mut rng)?; // store 1 before it is sent
///
/// # let mut room = Room::join(&package, alice.public(), &[alice.reader()], &mut rng)?.finish()?;
/// assert_eq!(room.open(&sealed[..len], b"", &[meter.public()])?.content(), b"21.5 degrees");
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "std"))]
/// # fn main() {}
/// ```
pub struct SingleEpoch<'b> {
    held: Held<Lent<'b>>,
    me: Fingerprint,
    /// The greatest epoch of [ROOM-24], or 0.
    behind: u64,
}

impl<'b> SingleEpoch<'b> {
    /// Joins by the package that added this member, whom `inviter` was expected to invite. Under shared history too, the
    /// room's past is taken on the inviter's word. SPEC §18.4, §18.11 [ROOM-15]
    ///
    /// A device that held an epoch of the room before [joins again](Self::join_again).
    ///
    /// # Errors
    /// The errors of decoding; [`Error::Decrypt`] if no reader opens it; [`Error::Signature`] if it is not the inviter's;
    /// [`Error::Room`] if the inviter is no admin there, or another rule refuses it; [`Error::Buffer`]; [`Error::Generator`].
    pub fn join(
        package: &[u8],
        inviter: &PublicIdentity,
        readers: &[Reader<'_>],
        buffer: &'b mut [u8],
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, Error> {
        let mut opened = open_first(package, readers, buffer, rng)?;
        let me = comes_in_as(&opened, readers)?;
        Ok(Self { held: opened.begin(inviter, Invited::ByAdmin)?, me, behind: 0 })
    }

    /// [`join`](Self::join) where an epoch was held before: after the member was removed and added again. Sequences go on.
    /// [ROOM-17]
    ///
    /// # Errors
    /// As [`join`](Self::join), and [`Error::Room`] if it is no later epoch, an old package that is shown again, or of
    /// another room or policy.
    pub fn join_again<'n>(
        &self,
        package: &[u8],
        inviter: &PublicIdentity,
        readers: &[Reader<'_>],
        buffer: &'n mut [u8],
        rng: &mut impl TryCryptoRng,
    ) -> Result<SingleEpoch<'n>, Error> {
        let joined = SingleEpoch::join(package, inviter, readers, buffer, rng)?;
        // [ROOM-08] The policy is part of the id.
        if joined.id() != self.id() {
            return Err(refused("ROOM-08"));
        }
        if joined.held.body.epoch <= self.held.body.epoch {
            return Err(refused("ROOM-17"));
        }
        Ok(joined)
    }

    /// Takes the next epoch's package, checked against this epoch by all rules of SPEC §18.3: drop this one then, keep that
    /// one. `directory` looks up who made it. [ROOM-30]
    ///
    /// # Errors
    /// As [`Room::apply`](crate::Room::apply), and [`Error::Buffer`]. [`Error::Unconfirmed`] for another epoch by an
    /// admin, of this number or a later one, whose parent is not this epoch: packages are missing, or there is a fork. Nothing
    /// is sealed from then on until a later epoch by an admin was taken, or the member added again. [ROOM-24] [`Error::Room`]
    /// with `ROOM-08` for any other such package, this epoch's own too.
    pub fn follow<'n>(
        &mut self,
        package: &[u8],
        readers: &[Reader<'_>],
        directory: &dyn Directory,
        buffer: &'n mut [u8],
        rng: &mut impl TryCryptoRng,
    ) -> Result<SingleEpoch<'n>, Error> {
        let mut opened = self.open_next(package, readers, buffer, rng)?;
        if opened.named.parent_key() != Some(self.held.key()) {
            let own = self.held.body.epoch;
            if opened.named.key() == self.held.key() {
                return Err(refused("ROOM-08"));
            }
            let later = own.checked_add(1);
            let epoch = opened.check_ahead(&self.held, later.map(|_| own), directory)?;
            self.behind = self.behind.max(epoch).max(later.unwrap_or(own));
            return Err(Error::Unconfirmed);
        }
        opened.verify_author(directory)?;
        self.take_next(&opened)
    }

    /// After its author was verified.
    #[inline(never)]
    fn take_next<'n>(&self, opened: &Opened<Lent<'n>>) -> Result<SingleEpoch<'n>, Error> {
        let authorised = opened.check(&self.held)?;
        let held = authorised.held;
        // Who replaces this member's fingerprint is this member. [ROOM-14]
        let me = authorised.replaced.filter(|(old, _)| *old == self.me).map_or(self.me, |(_, new)| new);
        let mut behind = self.behind;
        // What an admin's package stopped goes on by an admin's: who was removed is still a member on this branch.
        if behind > self.held.body.epoch && rules::yields(&self.held.body, &held.body, &held.signer) {
            behind = behind.max(held.body.epoch.checked_add(1).ok_or(refused("ROOM-30"))?);
        }
        if held.body.has(&me) { Ok(SingleEpoch { held, me, behind }) } else { Err(refused("ROOM-15")) }
    }

    // Not inlined: on a small stack its frame is gone before the checks'.
    #[inline(never)]
    fn open_next<'n>(
        &self,
        package: &[u8],
        readers: &[Reader<'_>],
        buffer: &'n mut [u8],
        rng: &mut dyn Random,
    ) -> Result<Opened<Lent<'n>>, Error> {
        let decoded = Decoded::decode(package)?;
        if decoded.room != self.id() {
            return Err(refused("ROOM-03"));
        }
        let by_held = decoded.unlock_by(&self.held);
        let unlocked = by_held.map_or_else(|| decoded.locked.unlock_any(readers, rng), Ok)?;
        decoded.open_into(unlocked, buffer)
    }

    /// What opens the epoch's package again: to be kept before anything is sealed, and again after [`follow`](Self::follow)
    /// said [`Error::Unconfirmed`].
    #[must_use]
    pub fn key(&self) -> EpochKey {
        let mut bytes = Secret::zero();
        let mut writer = Writer::new(bytes.expose_mut());
        // An epoch of a package always has its secret.
        let secret = self.held.secret.as_ref().map_or(&[0; KEY_LEN], Secret::expose);
        let pieces: [&[u8]; 3] = [secret, self.held.transcript.as_bytes(), &self.behind.to_be_bytes()];
        let _ = pieces.iter().try_for_each(|piece| writer.put(piece));
        EpochKey(bytes)
    }

    /// The epoch as this device held it, from its package and its key, as the member `me`. Nobody is asked who made it: the
    /// transcript says that it is the same.
    ///
    /// # Errors
    /// The errors of decoding; [`Error::Decrypt`] if the key is another package's, or the package another epoch's;
    /// [`Error::Room`] if `me` is not in its roster; [`Error::Buffer`].
    pub fn reopen(package: &[u8], key: &EpochKey, me: &Fingerprint, buffer: &'b mut [u8]) -> Result<Self, Error> {
        let decoded = Decoded::decode(package)?;
        let mut wire = Wire::new(key.0.expose());
        let mut secret = Secret::zero();
        secret.expose_mut().copy_from_slice(wire.array::<KEY_LEN>("secret")?);
        let (transcript, behind) = (Transcript::from_bytes(*wire.array("transcript")?), wire.u64("behind")?);
        let held = decoded.open_into(decoded.locked.unlock_dek(secret)?, buffer)?.held()?;
        // [ROOM-28] Whoever can open the package can put another payload under its header.
        if held.transcript != transcript {
            return Err(Error::Decrypt);
        }
        if held.body.has(me) { Ok(Self { held, me: *me, behind }) } else { Err(refused("ROOM-15")) }
    }

    /// The room's id.
    #[must_use]
    pub fn id(&self) -> RoomId {
        self.held.body.room_id()
    }

    /// As whom this device is in the room.
    #[must_use]
    pub const fn me(&self) -> &Fingerprint {
        &self.me
    }

    /// The epoch's number.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        Epoch::new(self.held.named.body.epoch)
    }

    /// The epoch's transcript: equal for all who are in the same room at the same epoch.
    #[must_use]
    pub const fn transcript(&self) -> &Transcript {
        &self.held.named.transcript
    }

    /// The code that members compare: that the room at this epoch is the same. SPEC §18.10 [ROOM-27]
    #[must_use]
    pub fn code(&self) -> RoomCode {
        RoomCode::of(self.transcript())
    }

    /// The members, ascending by fingerprint.
    pub fn roster(&self) -> impl Iterator<Item = Member> {
        self.held.body.roster.iter()
    }

    /// Seals a message to everyone in the epoch, into a buffer of [`Draft::sealed_len`] bytes; gives its length.
    ///
    /// `sequence` is how many messages `device` sealed in this room before, in all epochs. Store one more before the message
    /// is sent: a number that is used again is seen by readers (SPEC §18.9). No key is used twice, whatever is restored.
    ///
    /// # Errors
    /// [`Error::Unconfirmed`] while packages are missing [ROOM-24]; [`Error::Argument`] if the sender is not this member or
    /// its key is elsewhere; [`Error::Limit`]; [`Error::Key`]; [`Error::Generator`]; [`Error::Buffer`].
    pub fn seal_into(
        &self,
        draft: &Draft<'_>,
        device: DeviceId,
        sequence: u64,
        sender: &Sender<'_>,
        out: &mut [u8],
        rng: &mut impl TryCryptoRng,
    ) -> Result<usize, Error> {
        if self.behind > self.held.body.epoch {
            return Err(Error::Unconfirmed);
        }
        let prepared = Prepared::new(&self.held, &self.me, device, sequence, draft, sender.identity)?;
        prepared.seal_into(&self.held.keys, draft, sender, out, rng)
    }

    /// Opens a message of this epoch into a caller's buffer, and verifies its sender. As many bytes as the message are enough.
    ///
    /// `aad` is what the sender bound, nothing unless the application uses it; `directory` looks up the sender. Whether it was
    /// seen before, a [`ReplayWindow`](crate::ReplayWindow) tells. SPEC §19
    ///
    /// # Errors
    /// The errors of decoding; [`Error::UnknownEpoch`] if it is of another epoch; [`Error::Decrypt`] if it was changed or
    /// `aad` is another; [`Error::UnknownIdentity`]; [`Error::Signature`] if it is not its sender's; [`Error::Buffer`]. On an
    /// error the buffer's part that was written is zeroized.
    pub fn open_into<'o>(
        &self,
        message: &[u8],
        aad: &[u8],
        out: &'o mut [u8],
        directory: &dyn Directory,
    ) -> Result<EpochMessage<&'o [u8]>, Error> {
        let header = decode_header_of(message, &self.id())?;
        let needed = header.plain_len();
        let out = out.get_mut(..needed).ok_or(Error::Buffer { needed })?;
        if !header.routes_to(&self.held) {
            return Err(Error::UnknownEpoch { epoch: header.epoch });
        }
        let (range, facts) = open_under(&self.held, &header, aad, out, directory)?;
        Ok(EpochMessage::new(out.get(range).unwrap_or_default(), facts))
    }
}

/// By the readers' own keys.
#[inline(never)]
fn open_first<'b>(
    package: &[u8],
    readers: &[Reader<'_>],
    buffer: &'b mut [u8],
    rng: &mut dyn Random,
) -> Result<Opened<Lent<'b>>, Error> {
    let decoded = Decoded::decode(package)?;
    decoded.open_into(decoded.locked.unlock_any(readers, rng)?, buffer)
}

impl fmt::Debug for SingleEpoch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleEpoch")
            .field("id", &self.id())
            .field("me", &self.me)
            .field("epoch", &self.held.body.epoch)
            .field("transcript", &self.held.transcript)
            .finish_non_exhaustive()
    }
}

/// What opens one package again on the device that held its epoch: secret, transcript, and the greatest epoch it is behind.
/// 72 secret bytes for the device to store. Zeroized on drop.
#[derive(Clone)]
pub struct EpochKey(Secret<{ Self::LEN }>);

impl EpochKey {
    /// Length in bytes.
    pub const LEN: usize = KEY_LEN + Transcript::LEN + 8;

    /// Takes the stored bytes over and erases the original.
    #[must_use]
    pub fn take(bytes: &mut [u8; Self::LEN]) -> Self {
        Self(Secret::take(bytes))
    }

    /// The bytes to be stored.
    #[must_use]
    pub const fn expose(&self) -> &[u8; Self::LEN] {
        self.0.expose()
    }
}

impl fmt::Debug for EpochKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EpochKey(..)")
    }
}
