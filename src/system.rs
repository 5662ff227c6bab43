//! The system's random number generator.

use crate::error::Error;
use rand_core::{TryCryptoRng, TryRng};

/// The system's random number generator, ready to use. Never panics: a failure is [`Error::Generator`].
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRng;

impl TryRng for SystemRng {
    type Error = Error;

    fn try_next_u32(&mut self) -> Result<u32, Error> {
        getrandom::SysRng.try_next_u32().map_err(|_| Error::Generator)
    }

    fn try_next_u64(&mut self) -> Result<u64, Error> {
        getrandom::SysRng.try_next_u64().map_err(|_| Error::Generator)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Error> {
        getrandom::SysRng.try_fill_bytes(out).map_err(|_| Error::Generator)
    }
}

impl TryCryptoRng for SystemRng {}
