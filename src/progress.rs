//! Progress of long work, and the way to give it up. SPEC §14.

#[cfg(any(feature = "rsa", feature = "passphrase"))]
use crate::error::Error;
use core::ops::ControlFlow;

/// How far long work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Units done: prime candidates of an RSA key, or rounds of a passphrase hash.
    pub done: u32,
    /// Units expected: exact for a passphrase hash, the mean for an RSA key, which may need fewer or more.
    pub expected: u32,
}

/// Is told of each unit of long work; [`ControlFlow::Break`] gives the work up with [`Error::GivenUp`].
pub type Watch<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// A [`Watch`] that never gives up and tells nobody.
pub fn unwatched(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Tells `watch` and turns its answer into the error.
#[cfg(any(feature = "rsa", feature = "passphrase"))]
pub(crate) fn tell(watch: &mut Watch<'_>, done: u32, expected: u32) -> Result<(), Error> {
    match watch(Progress { done, expected }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::GivenUp),
    }
}
