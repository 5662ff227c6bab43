//! sealroom
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
#[allow(unused_extern_crates)]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod crypto;
mod det_keygen;
mod error;
#[cfg(feature = "hazmat")]
pub mod hazmat;
mod labels;
mod progress;
mod secret;
mod wire;

pub use error::Error;
