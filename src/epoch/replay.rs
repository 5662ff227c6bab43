//! Which messages of one device were seen. SPEC §19.4.

use super::message::EpochMessage;
use core::fmt;

/// Sequences that are kept of one device. [RMSG-07]
pub(crate) const WINDOW: usize = 64;
/// Bytes that are kept of a message's id.
pub(crate) const SEEN_ID_LEN: usize = 16;

/// A sequence, with the start of its message's id.
pub(crate) type SeenMessage = (u64, [u8; SEEN_ID_LEN]);

/// Whether a message was seen before. SPEC §19.4
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Freshness {
    /// Not before.
    Fresh {
        /// How many of the device's messages, right before this one, were not seen yet.
        skipped: u64,
    },
    /// The very same message: show nothing twice.
    Duplicate,
    /// Another message had this number: the device went on from an older state, or is a copy of another.
    SequenceReused,
    /// Older than all that is remembered: it may have been seen or not.
    TooOld,
}

/// What was seen of one device of one sender: its 64 greatest sequences. For devices that hold one epoch; a
/// [`Room`](crate::Room) keeps its own. SPEC §19.4
///
/// It goes on over all epochs of a room. One that begins anew, as after a restart, takes what comes again for fresh.
#[derive(Clone)]
pub struct ReplayWindow {
    len: usize,
    messages: [SeenMessage; WINDOW],
}

impl Default for ReplayWindow {
    fn default() -> Self {
        Self::new()
    }
}

impl ReplayWindow {
    /// Nothing was seen.
    #[must_use]
    pub const fn new() -> Self {
        Self { len: 0, messages: [(0, [0; SEEN_ID_LEN]); WINDOW] }
    }

    /// Answers for a message, and notes it if it is fresh. Give each window the messages of one
    /// [`sender`](EpochMessage::sender) and [`device`](EpochMessage::device). [RMSG-07]
    pub fn observe<C>(&mut self, message: &EpochMessage<C>) -> Freshness {
        self.note(message.sequence(), &message.id().seen())
    }

    /// What is kept, ascending by sequence.
    pub(crate) fn messages(&self) -> &[SeenMessage] {
        self.messages.get(..self.len).unwrap_or_default()
    }

    /// [RMSG-07]
    pub(crate) fn note(&mut self, sequence: u64, id: &[u8; SEEN_ID_LEN]) -> Freshness {
        let seen = self.messages();
        let place = match seen.binary_search_by_key(&sequence, |(sequence, _)| *sequence) {
            Ok(place) if seen.get(place).is_some_and(|(_, known)| known == id) => return Freshness::Duplicate,
            Ok(_) => return Freshness::SequenceReused,
            Err(place) => place,
        };
        let full = seen.len() >= WINDOW;
        if full && place == 0 {
            return Freshness::TooOld;
        }
        let skipped = seen.last().map_or(0, |(greatest, _)| sequence.saturating_sub(*greatest).saturating_sub(1));
        // The least goes where there is no place, and the others make one.
        let moved = if full { self.messages.get_mut(..place) } else { self.messages.get_mut(place..=self.len) };
        let moved = moved.unwrap_or_default();
        if full {
            moved.rotate_left(1);
        } else {
            moved.rotate_right(1);
            self.len = self.len.saturating_add(1);
        }
        let slot = if full { moved.last_mut() } else { moved.first_mut() };
        if let Some(slot) = slot {
            *slot = (sequence, *id);
        }
        Freshness::Fresh { skipped }
    }
}

impl fmt::Debug for ReplayWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayWindow").field("seen", &self.len).finish_non_exhaustive()
    }
}
