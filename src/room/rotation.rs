//! When a key has served long enough. SPEC §18.2.

use super::Room;
use crate::epoch::rules;
use core::time::Duration;

/// When a room's key should be replaced though nobody leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationPolicy {
    messages: u64,
    age: Duration,
}

impl Default for RotationPolicy {
    /// 1,000 messages or 7 days.
    fn default() -> Self {
        Self { messages: 1000, age: Duration::from_secs(7 * 24 * 60 * 60) }
    }
}

impl RotationPolicy {
    /// Sets how many messages, of all members, one key seals.
    #[must_use]
    pub const fn messages(self, messages: u64) -> Self {
        Self { messages, ..self }
    }

    /// Sets how long one key is used.
    #[must_use]
    pub const fn age(self, age: Duration) -> Self {
        Self { age, ..self }
    }
}

impl Room {
    /// Whether it is time to [`refresh`](Self::refresh): by the number of messages sealed in this epoch and its age, which
    /// the application counts, or because no further addition could be wrapped cheaply.
    #[must_use]
    pub fn needs_rotation(&self, policy: &RotationPolicy, sent: u64, age: Duration) -> bool {
        let adds = self.head().map_or(0, |head| head.body.adds_since_rekey);
        sent >= policy.messages || age >= policy.age || adds >= rules::MAX_ADDS
    }
}
