//! Who signs. SPEC §10.

use crate::crypto::Random;
use crate::error::Error;
use crate::keys::Sign;
use crate::public_identity::PublicIdentity;
use core::fmt;

/// Who signs an envelope, and keeps a copy of it: an identity with its signing key.
///
/// Most come from [`Identity::sender`](crate::Identity::sender).
#[derive(Clone, Copy)]
pub struct Sender<'a> {
    pub(crate) identity: &'a PublicIdentity,
    key: SigningKey<'a>,
}

/// Where the signing key is.
#[derive(Clone, Copy)]
enum SigningKey<'a> {
    /// Made with the identity, in memory: it signs as it should.
    Own(&'a dyn Sign),
    /// The application's: it may be another identity's, or answer with anything.
    Given(&'a dyn Sign),
    /// Behind an asynchronous API.
    Elsewhere,
}

impl<'a> Sender<'a> {
    /// An identity whose signing key answers at once: in memory, in a card, in an enclave.
    #[must_use]
    pub const fn new(identity: &'a PublicIdentity, key: &'a dyn Sign) -> Self {
        Self { identity, key: SigningKey::Given(key) }
    }

    /// An identity whose signing key is behind an asynchronous API: seal with
    /// [`Envelope::stream`](crate::Envelope::stream) and end with
    /// [`SealStream::finish_request`](crate::SealStream::finish_request).
    #[must_use]
    pub const fn elsewhere(identity: &'a PublicIdentity) -> Self {
        Self { identity, key: SigningKey::Elsewhere }
    }

    /// An identity with the key that was derived with it.
    pub(crate) const fn own(identity: &'a PublicIdentity, key: &'a dyn Sign) -> Self {
        Self { identity, key: SigningKey::Own(key) }
    }

    /// The key, if it answers at once.
    pub(crate) const fn key(&self) -> Result<&'a dyn Sign, Error> {
        match self.key {
            SigningKey::Own(key) | SigningKey::Given(key) => Ok(key),
            SigningKey::Elsewhere => Err(Error::Argument { what: "the sender's key is elsewhere: ask for a request" }),
        }
    }

    /// Fills `signature`, whose length is that of the identity's algorithm. A key that was not derived with the identity
    /// is checked: what it gave is verified, and brought to its one form. [SUITE-04]
    pub(crate) fn sign(&self, digest: &[u8; 32], signature: &mut [u8], rng: &mut dyn Random) -> Result<(), Error> {
        let (key, verifying_key) = (self.key()?, self.identity.signing_key());
        if key.algorithm() != verifying_key.algorithm() {
            return Err(Error::Argument { what: "the sender's key is not of its identity's algorithm" });
        }
        key.sign_digest(digest, signature, rng)?;
        match self.key {
            SigningKey::Own(_) => Ok(()),
            SigningKey::Given(_) | SigningKey::Elsewhere => verifying_key.accept_in_place(digest, signature),
        }
    }
}

impl fmt::Debug for Sender<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(self.identity.fingerprint()).finish()
    }
}
