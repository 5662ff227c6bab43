//! What the programs of this package share.

#![no_std]

pub mod people;

/// Two packages of a room of Alice and the device, to which Carol is added by the second; Alice's message there, and her
/// envelope to the device.
pub const FIRST: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/first"));
pub const NEXT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/next"));
pub const MESSAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/message"));
pub const ENVELOPE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/envelope"));
