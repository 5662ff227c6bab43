//! Bodies of the fuzz targets: plain functions, so that an ordinary test can run them too.

mod common;
pub mod corpus;
mod decode;
mod device;
mod keyring;
mod limit;
mod open;
mod recovery;
mod room;
mod story;
mod stream;
mod words;

pub use decode::decode;
pub use device::device;
pub use keyring::keyring;
pub use open::open;
pub use recovery::recovery;
pub use room::room;
pub use story::story;
pub use stream::stream;
pub use words::words;

/// A body.
pub type Target = fn(&[u8]);

/// Every target, by the name of its binary.
pub const TARGETS: [(&str, Target); 9] = [
    ("decode", decode),
    ("words", words),
    ("open", open),
    ("stream", stream),
    ("device", device),
    ("room", room),
    ("keyring", keyring),
    ("recovery", recovery),
    ("story", story),
];
