//! The code that a room's people compare. SPEC §18.10.

use super::roster::Transcript;
use crate::derive::sign_input_hash;
use crate::identity::{SAFETY_GROUPS, safety_half};
use crate::labels;
use core::fmt;

/// 60 digits that are the same for all who are in the same room at the same epoch, with the same people, key and past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomCode([u32; 2 * SAFETY_GROUPS]);

impl RoomCode {
    /// [ROOM-27]
    pub(crate) fn of(transcript: &Transcript) -> Self {
        let half = |number| safety_half(&sign_input_hash(labels::ROOM_CODE, &[&[number], transcript.as_bytes()]));
        let mut groups = [0; 2 * SAFETY_GROUPS];
        groups.iter_mut().zip(half(0).into_iter().chain(half(1))).for_each(|(place, group)| *place = group);
        Self(groups)
    }

    /// The twelve groups of five digits. [ROOM-27]
    #[must_use]
    pub const fn groups(&self) -> [u32; 2 * SAFETY_GROUPS] {
        self.0
    }
}

impl fmt::Display for RoomCode {
    /// Twelve groups of five digits, separated by spaces. [ROOM-27]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::identity::write_groups(&self.0, f)
    }
}
