//! One room of a recovery: as the keyring has it, and from packages. SPEC §21.

use crate::envelope::Reader;
use crate::epoch::RoomId;
use crate::error::Error;
use crate::identity::Identity;
use crate::keyring::Keyring;
use crate::public_identity::Fingerprint;
use crate::room::{Batch, Room};
use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::mem;
use rand_core::TryCryptoRng;

/// What is known of one room.
#[derive(Default)]
pub(super) struct Found {
    pub(super) room: Option<Room>,
    pub(super) packages: BTreeSet<Vec<u8>>,
    pub(super) batch: Option<Batch<'static>>,
    /// Whether it came from the keyring, and has only to catch up.
    pub(super) kept: bool,
    /// Whether packages were applied to it.
    begun: bool,
}

impl Found {
    /// As the keyring has it.
    pub(super) fn kept(
        id: &RoomId,
        keyring: &Keyring,
        identities: &[Identity],
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, Error> {
        let mine: Vec<Fingerprint> = identities.iter().map(|identity| *identity.public().fingerprint()).collect();
        // One that does not come back from the keyring may do so from its packages; else it is missing. [REC-03]
        let room = match keyring.room_as_kept(id, &mine, rng) {
            Err(Error::Generator) => return Err(Error::Generator),
            other => other.ok(),
        };
        Ok(Self { kept: room.is_some(), room, ..Self::default() })
    }

    /// All packages that were given, to be applied.
    pub(super) fn begin(&mut self, id: &RoomId) {
        self.batch = Some(Batch::new(id, mem::take(&mut self.packages).into_iter().map(Cow::Owned)));
    }

    /// Where the generator fails, all of them are there for the next time, with what comes until then.
    pub(super) fn begin_again(&mut self) {
        self.packages.extend(self.batch.take().into_iter().flat_map(Batch::into_packages));
    }

    /// Applies the packages. Each time from the beginning: who is known by now may have removed whose package was taken
    /// while they were not. [REC-05]
    pub(super) fn put_together(
        &mut self,
        id: &RoomId,
        keyring: &Keyring,
        identities: &[Identity],
        rng: &mut impl TryCryptoRng,
    ) -> Result<(), Error> {
        let Some(batch) = &mut self.batch else { return Ok(()) };
        let readers: Vec<Reader<'_>> = identities.iter().rev().map(Identity::reader).collect();
        if mem::replace(&mut self.begun, true) && self.kept {
            self.room = Self::kept(id, keyring, identities, rng)?.room;
            batch.begin_again();
        }
        if !self.kept {
            self.room = batch.recover(&readers, keyring, rng);
        }
        let Some(room) = &mut self.room else { return Ok(()) };
        // What it has of one without a possible head is there to be read, as epochs that were granted.
        if self.kept || keyring.lend_epochs(room) {
            batch.catch_up(room, &readers, keyring, rng);
            // Also what is kept and follows a head that came; what was before it, where a segment is missing; what leads
            // nowhere; and what all that opens.
            while room.go_on()
                || batch.take_named(room, keyring)
                || batch.begin_further_runs(room, &readers, keyring, rng)
            {
                batch.catch_up(room, &readers, keyring, rng);
            }
        }
        Ok(())
    }
}
