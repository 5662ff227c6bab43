//! Public and private keys, their ids, and the traits for private keys that are held elsewhere. SPEC §5, §8.1.

#[cfg(feature = "alloc")]
mod pkcs;
#[cfg(feature = "rsa")]
mod rsa;
mod signature;

#[cfg(feature = "rsa")]
pub use self::rsa::{DecryptOaep, RsaPrivateKey, RsaPublicKey, WrappedContent};
#[cfg(feature = "alloc")]
pub use pkcs::{SecretDer, SecretPem};
pub(crate) use signature::{MAX_SIGNATURE_LEN, Signature, Verifiable, VerifyingKey};
pub use signature::{Sign, SignatureAlgorithm};

use crate::crypto::{P256Private, P256Public, Random, ecdsa_verify};
use crate::derive::{derive, sign_input_hash};
use crate::error::Error;
use crate::labels::{self, ECDSA_LEN, FINGERPRINT_LEN, KEY_LEN, POINT_LEN};
use crate::secret::Secret;
use core::fmt;
use subtle::ConstantTimeEq;

/// The P-256 SubjectPublicKeyInfo up to the point: id-ecPublicKey, prime256v1, BIT STRING. RFC 5480 §2 [SUITE-06]
pub(crate) const P256_SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// What a recipient's key belongs to, as every wrap binds it: 32 bytes. SPEC §8.1 [STZ-02]
pub(crate) type RecipientId = [u8; FINGERPRINT_LEN];

/// A P-256 public key that is a valid point.
#[derive(Clone)]
pub struct P256PublicKey(pub(crate) P256Public);

impl P256PublicKey {
    /// Decodes an uncompressed point of 65 bytes (SEC 1 §2.3.4).
    ///
    /// Checked: the form, both coordinates below the field prime, on the curve, not the identity (NIST SP 800-56A
    /// §5.6.2.3.3). Not checked: whose it is. SPEC §5 [SUITE-03]
    ///
    /// # Errors
    /// [`Error::Malformed`] for any other bytes.
    pub fn from_bytes(point: &[u8; POINT_LEN]) -> Result<Self, Error> {
        P256Public::decode(point).map(Self)
    }

    /// The uncompressed point, 65 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; POINT_LEN] {
        self.0.encoded()
    }

    /// SubjectPublicKeyInfo, DER, 91 bytes. RFC 5480 §2 [SUITE-06]
    #[must_use]
    pub fn to_spki_der(&self) -> [u8; 91] {
        let mut der = [0; 91];
        let (prefix, point) = der.split_at_mut(P256_SPKI_PREFIX.len());
        prefix.copy_from_slice(&P256_SPKI_PREFIX);
        point.copy_from_slice(self.as_bytes());
        der
    }

    /// Decodes SubjectPublicKeyInfo in DER, 91 bytes, in its one form. SPEC §5 [SUITE-06]
    ///
    /// # Errors
    /// [`Error::Malformed`] for any other bytes, compressed points and explicit curve parameters included.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, Error> {
        let malformed = Error::Malformed { field: "SubjectPublicKeyInfo" };
        let point = der.strip_prefix(&P256_SPKI_PREFIX).ok_or(malformed)?;
        Self::from_bytes(point.try_into().map_err(|_| malformed)?)
    }

    /// The recipient id of this key where it is used without an identity. SPEC §8.1
    #[must_use]
    pub fn bare_id(&self) -> [u8; FINGERPRINT_LEN] {
        sign_input_hash(labels::BARE_KEY, &[&P256_SPKI_PREFIX, self.as_bytes()])
    }

    /// Verifies an ECDSA signature (r then s, s in the lower half) over a SHA-256 digest. SPEC §5 [SUITE-04]
    pub(crate) fn verify(&self, digest: &[u8; 32], signature: &[u8]) -> Result<(), Error> {
        let signature = signature.try_into().map_err(|_| Error::Signature)?;
        ecdsa_verify(&self.0, digest, signature)
    }
}

impl PartialEq for P256PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for P256PublicKey {}

impl fmt::Debug for P256PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P256PublicKey(")?;
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// A P-256 private key, zeroized on drop: for key agreement or for signing, never for both.
#[derive(Clone)]
pub struct P256PrivateKey {
    pub(crate) key: P256Private,
    public: P256PublicKey,
}

impl P256PrivateKey {
    pub(crate) fn new(key: P256Private) -> Self {
        let public = P256PublicKey(key.public().clone());
        Self { key, public }
    }

    /// Makes a key from 32 random bytes by DeriveKeyPair. RFC 9180 §7.1.3
    ///
    /// # Errors
    /// [`Error::Generator`] if the generator failed.
    pub fn generate(rng: &mut impl rand_core::TryCryptoRng) -> Result<Self, Error> {
        let mut ikm = Secret::<32>::zero();
        rng.fill(ikm.expose_mut())?;
        crate::hpke::derive_key_pair(ikm.expose()).map(Self::new)
    }

    /// The public key.
    #[must_use]
    pub const fn public_key(&self) -> &P256PublicKey {
        &self.public
    }
}

impl fmt::Debug for P256PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("P256PrivateKey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// The x coordinate of a Diffie-Hellman's shared point, 32 bytes big-endian: what a key held elsewhere answers.
pub struct SharedSecret(pub(crate) Secret<32>);

impl SharedSecret {
    /// Takes the 32 bytes over and erases the original. SEC 1 §3.3.1
    #[must_use]
    pub fn take(x: &mut [u8; 32]) -> Self {
        Self(Secret::take(x))
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(..)")
    }
}

/// A P-256 private key that can agree on a secret, here or elsewhere: an enclave, a card, a key service.
///
/// Shared between threads, so that readers and senders can be. A key that cannot be is asked by its own thread: see
/// [`Operation`](crate::Operation).
pub trait Agree: Send + Sync {
    /// Its public key.
    fn public_key(&self) -> &P256PublicKey;

    /// ECDH with `peer`. SEC 1 §3.3.1
    ///
    /// # Errors
    /// [`Error::Key`] if the key cannot be used now.
    fn agree(&self, peer: &P256PublicKey) -> Result<SharedSecret, Error>;
}

impl Agree for P256PrivateKey {
    fn public_key(&self) -> &P256PublicKey {
        &self.public
    }

    fn agree(&self, peer: &P256PublicKey) -> Result<SharedSecret, Error> {
        self.key.agree(&peer.0).map(SharedSecret)
    }
}

impl Sign for P256PrivateKey {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::EcdsaP256
    }

    fn sign_digest(&self, digest: &[u8; 32], signature: &mut [u8], _: &mut dyn Random) -> Result<(), Error> {
        let out: &mut [u8; ECDSA_LEN] = signature.try_into().map_err(|_| Error::Buffer { needed: ECDSA_LEN })?;
        *out = self.key.sign(digest)?;
        Ok(())
    }
}

/// A symmetric key that wraps DEKs: held by a group, or by oneself. 32 bytes, zeroized on drop.
#[derive(Clone)]
pub struct SymmetricKey(pub(crate) Secret<KEY_LEN>);

impl SymmetricKey {
    /// Takes 32 uniformly random bytes over and erases the original.
    #[must_use]
    pub fn take(key: &mut [u8; KEY_LEN]) -> Self {
        Self(Secret::take(key))
    }

    /// Makes a key.
    ///
    /// # Errors
    /// [`Error::Generator`] if the generator failed.
    pub fn generate(rng: &mut impl rand_core::TryCryptoRng) -> Result<Self, Error> {
        let mut key = Secret::zero();
        rng.fill(key.expose_mut())?;
        Ok(Self(key))
    }

    /// The 32 secret bytes, to be stored by the application.
    #[must_use]
    pub const fn expose(&self) -> &[u8; KEY_LEN] {
        self.0.expose()
    }

    /// The id by which a stanza names this key, 16 bytes. SPEC §8.4
    pub(crate) fn key_id(&self) -> Result<[u8; 16], Error> {
        derive(&self.0, labels::KEY_ID, &[]).map(|id| *id.expose())
    }
}

impl PartialEq for SymmetricKey {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SymmetricKey {}

impl fmt::Debug for SymmetricKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SymmetricKey(..)")
    }
}
