//! Who signs. SPEC §10.

use crate::keys::Sign;
use crate::public_identity::PublicIdentity;
use core::fmt;

/// Who signs an envelope, and keeps a copy of it: an identity with its signing key.
///
/// Most come from [`Identity::sender`](crate::Identity::sender).
#[derive(Clone, Copy)]
pub struct Sender<'a> {
    pub(crate) identity: &'a PublicIdentity,
    pub(crate) key: Option<&'a dyn Sign>,
}

impl<'a> Sender<'a> {
    /// An identity whose signing key answers at once: in memory, in a card, in an enclave.
    #[must_use]
    pub const fn new(identity: &'a PublicIdentity, key: &'a dyn Sign) -> Self {
        Self { identity, key: Some(key) }
    }

    /// An identity whose signing key is behind an asynchronous API: seal with
    /// [`Envelope::stream`](crate::Envelope::stream) and end with
    /// [`SealStream::finish_request`](crate::SealStream::finish_request).
    #[must_use]
    pub const fn elsewhere(identity: &'a PublicIdentity) -> Self {
        Self { identity, key: None }
    }
}

impl fmt::Debug for Sender<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(self.identity.fingerprint()).finish()
    }
}
