//! One epoch of a room: who is in it, its keys, its package, its messages. No allocator and no history. SPEC §18, §19.
//!
//! [`Room`](crate::Room) puts epochs together; a device that holds one alone has a [`SingleEpoch`].

mod body;
mod code;
mod held;
mod message;
mod package;
mod replay;
mod roster;
pub(crate) mod rules;
mod single;

pub use code::RoomCode;
pub use message::{DeviceId, Draft, EpochMessage, MessageId};
pub use replay::{Freshness, ReplayWindow};
pub use roster::{Directory, Epoch, HistoryPolicy, Member, Role, RoomId, Transcript};
pub use single::{EpochKey, SingleEpoch};

pub(crate) use message::{TYPE as MESSAGE_TYPE, decode_header};
pub(crate) use package::decode_package;
// For those who put epochs together.
#[cfg(feature = "alloc")]
pub(crate) use {
    body::{RoomEpoch, check_roster},
    held::{Branch, Held, StoredKey},
    message::{Decrypted, Facts, Header, Prepared, decode_header_of, decrypt, open_under},
    package::{Authorised, Decoded, EpochPayload, Invited, Opened, comes_in_as, public_data},
    replay::{SEEN_ID_LEN, WINDOW},
    roster::{look_up, refused},
};
