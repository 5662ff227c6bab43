//! Identities: from a phrase's seed to keys, and the public identity that travels. SPEC §11.

mod safety;
pub(crate) mod transition;

pub use safety::SafetyNumber;
pub(crate) use safety::{GROUPS as SAFETY_GROUPS, half as safety_half, write_groups};
pub use transition::{Transition, UnsignedTransition};

use crate::crypto::{P256Private, extract};
use crate::derive::derive;
use crate::det_keygen;
use crate::detached::DetachedSignature;
use crate::envelope::{Reader, Sender};
use crate::error::Error;
use crate::hpke;
#[cfg(feature = "rsa")]
use crate::keys::RsaPrivateKey;
use crate::keys::{P256PrivateKey, Sign, VerifyingKey};
use crate::labels::{self, Label, ROOT_SALT};
use crate::progress::{Watch, unwatched};
use crate::public_identity::{Keys, Profile, PublicIdentity, UnsignedIdentity, rotation_key_hash};
use crate::secret::{Secret, Settled};
use core::fmt;
use rand_core::TryCryptoRng;

/// The secret from which every generation of an identity comes. Zeroized on drop: drop it after use.
#[derive(Clone)]
pub struct Root(Secret<32>);

impl Root {
    /// `HKDF-Extract("sealroom/1 identity", seed)` over a BIP-39 seed of 64 bytes. SPEC §11.2 [ID-03]
    #[must_use]
    pub fn from_bip39_seed(seed: &[u8; 64]) -> Self {
        Self(extract(ROOT_SALT, &[seed]))
    }

    /// `gen(g)`. SPEC §11.2 [ID-03]
    fn generation(&self, generation: u32) -> Result<GenerationSecret, Error> {
        derive(&self.0, labels::GENERATION, &[&generation.to_be_bytes()]).map(GenerationSecret)
    }

    /// The key that signs the transition to a generation. From the root and not from the generation's secret, so that no
    /// device that was given generations, be it both, can sign a transition between them. SPEC §11.3 [ID-07]
    fn rotation_key(&self, generation: u32) -> Result<P256Private, Error> {
        let seed = derive::<32>(&self.0, labels::ROTATION, &[&generation.to_be_bytes()])?;
        det_keygen::p256(seed.expose())
    }

    /// The signed statement that `old` becomes `new`, the generation after it. SPEC §12.1
    ///
    /// # Errors
    /// [`Error::Argument`] if `new` is not one generation after `old`, or `old` is not of this root's words;
    /// [`Error::Generator`].
    pub fn succeed(&self, old: &Identity, new: &Identity, rng: &mut impl TryCryptoRng) -> Result<Transition, Error> {
        let rotation_key = P256PrivateKey::new(self.rotation_key(new.public.generation())?);
        UnsignedTransition::new(&old.public, &new.public, rotation_key.public_key())?.sign(
            old.private.keys.signer(),
            &rotation_key,
            rng,
        )
    }

    /// The identity of a generation, which is 0 until keys are changed: the same for the same words, for ever.
    ///
    /// `rng` serves the RSA profiles' signature over their own public identity.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for an RSA profile without the feature `rsa`, [`Error::Argument`] for the last generation,
    /// [`Error::Generator`].
    pub fn identity(&self, profile: Profile, generation: u32, rng: &mut impl TryCryptoRng) -> Result<Identity, Error> {
        self.make(profile, generation, &mut unwatched, rng)
    }

    /// [`identity`](Self::identity), with progress of the search for RSA primes, which can be given up. [ERR-02]
    ///
    /// `watch` hears of each key in turn: encryption first, then signing.
    ///
    /// # Errors
    /// As [`identity`](Self::identity), and [`Error::GivenUp`].
    #[cfg(feature = "rsa")]
    pub fn identity_watched(
        &self,
        profile: Profile,
        generation: u32,
        watch: &mut Watch<'_>,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Identity, Error> {
        self.make(profile, generation, watch, rng)
    }

    fn make(
        &self,
        profile: Profile,
        generation: u32,
        watch: &mut Watch<'_>,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Identity, Error> {
        let next = generation.checked_add(1).ok_or(Error::Argument { what: "the last generation" })?;
        let next = rotation_key_hash(self.rotation_key(next)?.public().encoded());
        let secret = self.generation(generation)?;
        let keys = PrivateKeys::derive(profile, &secret, watch)?;
        let unsigned = UnsignedIdentity::new(generation, keys.public(), next)?;
        let public = unsigned.sign_own(keys.signer(), rng)?;
        Ok(Identity { public, private: Settled::new(Private { keys, secret }) })
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Root(..)")
    }
}

/// One generation's secret. SPEC §11.2
#[derive(Clone)]
pub(crate) struct GenerationSecret(Secret<32>);

impl GenerationSecret {
    /// `Derive(gen(g), purpose, "", 32)`. SPEC §11.3 [ID-04]
    fn seed(&self, purpose: Label) -> Result<Secret<32>, Error> {
        derive(&self.0, purpose, &[])
    }
}

/// The private keys of one profile.
#[derive(Clone)]
#[cfg_attr(
    feature = "rsa",
    expect(clippy::large_enum_variant, reason = "the common variant does without an allocator")
)]
enum PrivateKeys {
    P256 {
        encryption: P256PrivateKey,
        signing: P256PrivateKey,
    },
    #[cfg(feature = "rsa")]
    Rsa {
        encryption: alloc::boxed::Box<RsaPrivateKey>,
        signing: alloc::boxed::Box<RsaPrivateKey>,
    },
}

impl PrivateKeys {
    /// The P-256 profile's keys. [ID-04]
    fn derive_p256(secret: &GenerationSecret) -> Result<Self, Error> {
        let encryption = hpke::derive_key_pair(secret.seed(labels::P256_ENCRYPTION)?.expose())?;
        let signing = det_keygen::p256(secret.seed(labels::P256_SIGNING)?.expose())?;
        Ok(Self::P256 { encryption: P256PrivateKey::new(encryption), signing: P256PrivateKey::new(signing) })
    }

    #[cfg(not(feature = "rsa"))]
    fn derive(profile: Profile, secret: &GenerationSecret, _: &mut Watch<'_>) -> Result<Self, Error> {
        match profile {
            Profile::P256 => Self::derive_p256(secret),
            Profile::Rsa3072 | Profile::Rsa4096 | Profile::Rsa2048 => Err(Error::Unsupported { field: "profile" }),
        }
    }

    #[cfg(feature = "rsa")]
    fn derive(profile: Profile, secret: &GenerationSecret, watch: &mut Watch<'_>) -> Result<Self, Error> {
        let bits = match profile {
            Profile::P256 => return Self::derive_p256(secret),
            Profile::Rsa3072 => 3072,
            Profile::Rsa4096 => 4096,
            // [ID-08]
            Profile::Rsa2048 => return Err(Error::Argument { what: "2048-bit keys from words" }),
        };
        let mut key = |purpose| {
            let seed = secret.seed(purpose)?;
            det_keygen::rsa(seed.expose(), bits, watch).map(RsaPrivateKey::new).map(alloc::boxed::Box::new)
        };
        Ok(Self::Rsa { encryption: key(labels::RSA_ENCRYPTION)?, signing: key(labels::RSA_SIGNING)? })
    }

    fn public(&self) -> Keys {
        match self {
            Self::P256 { encryption, signing } => Keys::P256 {
                encryption: encryption.public_key().clone(),
                signing: VerifyingKey::P256(signing.public_key().clone()),
            },
            #[cfg(feature = "rsa")]
            Self::Rsa { encryption, signing } => Keys::Rsa {
                encryption: encryption.public_key().clone(),
                signing: VerifyingKey::Rsa(signing.public_key().clone()),
            },
        }
    }

    fn signer(&self) -> &dyn Sign {
        match self {
            Self::P256 { signing, .. } => signing,
            #[cfg(feature = "rsa")]
            Self::Rsa { signing, .. } => signing.as_ref(),
        }
    }
}

/// A person's private keys of one generation, with the public identity. Zeroized on drop.
#[derive(Clone)]
pub struct Identity {
    public: PublicIdentity,
    private: Settled<Private>,
}

#[derive(Clone)]
struct Private {
    keys: PrivateKeys,
    secret: GenerationSecret,
}

impl Identity {
    /// What others need: to be published, and compared by safety number.
    #[must_use]
    pub const fn public(&self) -> &PublicIdentity {
        &self.public
    }

    /// This identity as the sender of envelopes.
    #[must_use]
    pub fn sender(&self) -> Sender<'_> {
        Sender::own(&self.public, self.private.keys.signer())
    }

    /// This identity as a reader of envelopes.
    #[must_use]
    pub fn reader(&self) -> Reader<'_> {
        match &self.private.keys {
            PrivateKeys::P256 { encryption, .. } => Reader::p256(encryption, &self.public),
            #[cfg(feature = "rsa")]
            PrivateKeys::Rsa { encryption, .. } => Reader::rsa(encryption.as_ref(), &self.public),
        }
    }

    /// The key under which this identity seals to itself alone, the same on every device: for
    /// [`Recipient::symmetric`](crate::Recipient::symmetric) and [`Reader::symmetric`]. SPEC §11.3 [ID-04]
    ///
    /// # Errors
    /// None that can be reached.
    pub fn keyring_key(&self) -> Result<crate::keys::SymmetricKey, Error> {
        self.private.secret.seed(labels::KEYRING).map(crate::keys::SymmetricKey)
    }

    /// The identity whose secret and public identity came by another way than the root: if the keys are those that the
    /// secret gives. `next` is not a function of the secret, and taken as it is. SPEC §22.2 [LNK-08]
    #[cfg(feature = "alloc")]
    pub(crate) fn of_secret(
        secret: &Secret<32>,
        public: PublicIdentity,
        watch: &mut Watch<'_>,
    ) -> Result<Option<Self>, Error> {
        let secret = GenerationSecret(secret.clone());
        let keys = match PrivateKeys::derive(public.profile(), &secret, watch) {
            // Keys of 2048 bits come from no secret.
            Err(Error::Argument { .. }) => return Ok(None),
            keys => keys?,
        };
        Ok((keys.public() == *public.keys()).then(|| Self { public, private: Settled::new(Private { keys, secret }) }))
    }

    /// `gen(g)`, for a device of the same person. SPEC §11.2
    #[cfg(feature = "alloc")]
    pub(crate) fn secret(&self) -> &Secret<32> {
        &self.private.secret.0
    }

    /// The encryption and the signing key in PKCS#8, for vectors.
    #[cfg(all(feature = "hazmat", feature = "alloc"))]
    pub(crate) fn private_pkcs8(&self) -> Result<[crate::keys::SecretDer; 2], Error> {
        match &self.private.keys {
            PrivateKeys::P256 { encryption, signing } => Ok([encryption.to_pkcs8_der()?, signing.to_pkcs8_der()?]),
            #[cfg(feature = "rsa")]
            PrivateKeys::Rsa { encryption, signing } => Ok([encryption.to_pkcs8_der()?, signing.to_pkcs8_der()?]),
        }
    }

    /// Signs any bytes for a purpose that `context` names, 0 to 255 bytes. SPEC §10.3
    ///
    /// # Errors
    /// [`Error::Limit`] if `context` is longer; [`Error::Generator`].
    pub fn sign(
        &self,
        context: &[u8],
        content: &[u8],
        rng: &mut impl TryCryptoRng,
    ) -> Result<DetachedSignature, Error> {
        DetachedSignature::sign(&self.sender(), context, content, rng)
    }
}

/// The keyring key of each identity, in a list that has its length from the start: one that grows leaves copies behind.
#[cfg(feature = "alloc")]
pub(crate) fn keyring_keys(identities: &[Identity]) -> Result<alloc::vec::Vec<crate::keys::SymmetricKey>, Error> {
    let mut keys = alloc::vec::Vec::with_capacity(identities.len());
    for identity in identities {
        keys.push(identity.keyring_key()?);
    }
    Ok(keys)
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").field(self.public.fingerprint()).finish()
    }
}
