//! What begins every object. SPEC §6.

use crate::error::Error;
use crate::labels::{MAGIC, PREFIX_LEN, SUITE};
use crate::wire::Reader as Wire;

/// Reads magic, suite and type of any object. SPEC §6 [OBJ-01] [SUITE-01]
pub(crate) fn decode_prefix(wire: &mut Wire<'_>) -> Result<u8, Error> {
    if wire.array::<4>("magic")? != MAGIC {
        return Err(Error::Malformed { field: "magic" });
    }
    if wire.u16("suite")? != SUITE {
        return Err(Error::Unsupported { field: "suite" });
    }
    wire.u8("type")
}

/// The seven bytes that begin an object of type `code`. [OBJ-01]
pub(crate) const fn prefix(code: u8) -> [u8; PREFIX_LEN] {
    let [m0, m1, m2, m3] = *MAGIC;
    let [s0, s1] = SUITE.to_be_bytes();
    [m0, m1, m2, m3, s0, s1, code]
}
