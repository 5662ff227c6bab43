//! Public identities and fingerprints. SPEC §11.4.

mod profile;

pub use profile::Profile;

use crate::derive::sign_input_hash;
use crate::error::Error;
#[cfg(feature = "rsa")]
use crate::keys::RsaPublicKey;
use crate::keys::{P256PublicKey, Sign, Signature, Verifiable, VerifyingKey};
use crate::labels::{self, FINGERPRINT_LEN, POINT_LEN, PREFIX_LEN};
use crate::object::{decode_prefix, prefix};
use crate::text;
use crate::wire::{Reader as Wire, Writer};
use core::fmt;
use core::str::FromStr;
use rand_core::TryCryptoRng;

/// Bytes of a body before its keys: prefix, profile, generation.
const FIXED_LEN: usize = PREFIX_LEN + 1 + 4;

/// Object type of SPEC §6.
pub(crate) const TYPE: u8 = 0x20;

/// What names an identity: SHA-256 over its body, 32 bytes. SPEC §11.4
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; FINGERPRINT_LEN]);

impl Fingerprint {
    /// Takes 32 bytes as a fingerprint.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; FINGERPRINT_LEN]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; FINGERPRINT_LEN] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Fingerprint {
    /// `slrm-fp:` and 43 characters. SPEC §17 [TXT-01]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::encode(text::FINGERPRINT, &self.0, f)
    }
}

impl FromStr for Fingerprint {
    type Err = Error;

    /// # Errors
    /// [`Error::Malformed`] for any other text than a fingerprint's. [TXT-02]
    fn from_str(s: &str) -> Result<Self, Error> {
        let mut bytes = [0; FINGERPRINT_LEN];
        let len = text::decode(text::FINGERPRINT, s, &mut bytes)?.len();
        if len == FINGERPRINT_LEN { Ok(Self(bytes)) } else { Err(Error::Malformed { field: "fingerprint" }) }
    }
}

/// `next` of SPEC §11.4: the hash of a rotation public key.
pub(crate) fn rotation_key_hash(rotation_key: &[u8; POINT_LEN]) -> [u8; 32] {
    sign_input_hash(labels::ROTATION_KEY, &[rotation_key])
}

/// An identity's two public keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    P256 {
        encryption: P256PublicKey,
        signing: VerifyingKey,
    },
    #[cfg(feature = "rsa")]
    Rsa {
        encryption: RsaPublicKey,
        signing: VerifyingKey,
    },
}

impl Keys {
    /// The profile, which the kind and size of both keys must agree on.
    fn profile(&self) -> Option<Profile> {
        match self {
            Self::P256 { .. } => Some(Profile::P256),
            #[cfg(feature = "rsa")]
            Self::Rsa { encryption, signing: VerifyingKey::Rsa(signing) } => {
                match (encryption.modulus_len(), signing.modulus_len()) {
                    (384, 384) => Some(Profile::Rsa3072),
                    (512, 512) => Some(Profile::Rsa4096),
                    (256, 256) => Some(Profile::Rsa2048),
                    _ => None,
                }
            }
            #[cfg(feature = "rsa")]
            Self::Rsa { .. } => None,
        }
    }

    /// Points or moduli: encryption, signing.
    fn bytes(&self) -> (&[u8], &[u8]) {
        match self {
            Self::P256 { encryption, signing } => (encryption.as_bytes(), signing.bytes()),
            #[cfg(feature = "rsa")]
            Self::Rsa { encryption, signing } => (encryption.modulus(), signing.bytes()),
        }
    }

    const fn signing(&self) -> &VerifyingKey {
        match self {
            Self::P256 { signing, .. } => signing,
            #[cfg(feature = "rsa")]
            Self::Rsa { signing, .. } => signing,
        }
    }

    fn decode(profile: Profile, encryption: &[u8], signing: &[u8]) -> Result<Self, Error> {
        match profile {
            Profile::P256 => {
                let key = |bytes: &[u8], field| {
                    bytes
                        .try_into()
                        .map_err(|_| Error::Malformed { field })
                        .and_then(|point| P256PublicKey::from_bytes(point).map_err(|_| Error::Malformed { field }))
                };
                Ok(Self::P256 {
                    encryption: key(encryption, "encryption_key")?,
                    signing: VerifyingKey::P256(key(signing, "signing_key")?),
                })
            }
            #[cfg(feature = "rsa")]
            Profile::Rsa3072 | Profile::Rsa4096 | Profile::Rsa2048 => {
                let key = |bytes, field| RsaPublicKey::from_modulus(bytes).map_err(|_| Error::Malformed { field });
                Ok(Self::Rsa {
                    encryption: key(encryption, "encryption_key")?,
                    signing: VerifyingKey::Rsa(key(signing, "signing_key")?),
                })
            }
            #[cfg(not(feature = "rsa"))]
            Profile::Rsa3072 | Profile::Rsa4096 | Profile::Rsa2048 => Err(Error::Unsupported { field: "profile" }),
        }
    }
}

/// A public identity without its signature, a function of keys and generation alone [ID-05]: what the holder of keys
/// elsewhere assembles. SPEC §11.4
#[derive(Clone, Debug)]
pub struct UnsignedIdentity {
    /// Prefix, profile, generation.
    fixed: [u8; FIXED_LEN],
    profile: Profile,
    generation: u32,
    keys: Keys,
    next: [u8; 32],
}

impl UnsignedIdentity {
    pub(crate) fn new(generation: u32, keys: Keys, next: [u8; 32]) -> Result<Self, Error> {
        let profile = keys.profile().ok_or(Error::Argument { what: "keys of different sizes" })?;
        let (encryption, signing) = keys.bytes();
        // [ID-06]
        if encryption == signing {
            return Err(Error::Argument { what: "one key for encryption and signing" });
        }
        let [p0, p1, p2, p3, p4, p5, p6] = prefix(TYPE);
        let [g0, g1, g2, g3] = generation.to_be_bytes();
        let fixed = [p0, p1, p2, p3, p4, p5, p6, profile.code(), g0, g1, g2, g3];
        Ok(Self { fixed, profile, generation, keys, next })
    }

    /// An identity of P-256 keys that do not come from words, and so do not come back from words.
    ///
    /// `rotation_key` is the one that will sign the transition to the next generation: keep it apart from the others.
    ///
    /// # Errors
    /// [`Error::Argument`] if both keys are the same. [ID-06]
    pub fn p256(
        generation: u32,
        encryption: P256PublicKey,
        signing: P256PublicKey,
        rotation_key: &P256PublicKey,
    ) -> Result<Self, Error> {
        let next = rotation_key_hash(rotation_key.as_bytes());
        Self::new(generation, Keys::P256 { encryption, signing: VerifyingKey::P256(signing) }, next)
    }

    /// An identity of RSA keys, both of 2048, of 3072 or of 4096 bits, that do not come from words. [ID-08]
    ///
    /// # Errors
    /// [`Error::Argument`] if both keys are the same [ID-06], or not of one of these sizes.
    #[cfg(feature = "rsa")]
    pub fn rsa(
        generation: u32,
        encryption: RsaPublicKey,
        signing: RsaPublicKey,
        rotation_key: &P256PublicKey,
    ) -> Result<Self, Error> {
        let next = rotation_key_hash(rotation_key.as_bytes());
        Self::new(generation, Keys::Rsa { encryption, signing: VerifyingKey::Rsa(signing) }, next)
    }

    /// The SHA-256 digest that the signing key has to sign. SPEC §11.4
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.hash(labels::IDENTITY_SIGNATURE)
    }

    /// Takes the signature over [`digest`](Self::digest).
    ///
    /// # Errors
    /// [`Error::Key`] if it is not the signing key's.
    pub fn complete(self, signature: &[u8]) -> Result<PublicIdentity, Error> {
        let signature = self.keys.signing().accept(&self.digest(), signature)?;
        Ok(self.with(signature))
    }

    /// Signs with the signing key, here or elsewhere.
    ///
    /// # Errors
    /// [`Error::Key`] if the key failed or is another one, [`Error::Generator`].
    pub fn sign(self, key: &dyn Sign, rng: &mut impl TryCryptoRng) -> Result<PublicIdentity, Error> {
        let made = Verifiable::make(self.profile.algorithm(), |place| key.sign_digest(&self.digest(), place, rng))?;
        self.complete(made.as_bytes())
    }

    /// [`sign`](Self::sign) with the key that was derived with the others: it signs as it should.
    pub(crate) fn sign_own(self, key: &dyn Sign, rng: &mut impl TryCryptoRng) -> Result<PublicIdentity, Error> {
        let made = Verifiable::make(self.profile.algorithm(), |place| key.sign_digest(&self.digest(), place, rng))?;
        Ok(self.with(made))
    }

    fn with(self, signature: Verifiable) -> PublicIdentity {
        let fingerprint = Fingerprint(self.hash(labels::FINGERPRINT));
        PublicIdentity { body: self, fingerprint, signature }
    }

    /// SHA-256 of SignInput(label, IdentityBody).
    fn hash(&self, label: labels::Label) -> [u8; 32] {
        let (encryption, signing) = self.keys.bytes();
        sign_input_hash(label, &[&self.fixed, encryption, signing, &self.next])
    }
}

/// What others know of a person: keys, generation, and the hash of what may change them. SPEC §11.4
///
/// One that was decoded has been checked: valid keys, signed by its own signing key. Whose it is, a comparison of
/// safety numbers tells.
#[derive(Clone)]
pub struct PublicIdentity {
    body: UnsignedIdentity,
    fingerprint: Fingerprint,
    signature: Verifiable,
}

impl PublicIdentity {
    /// The longest encoding, of the profile RSA-4096, in bytes.
    pub const MAX_LEN: usize = PREFIX_LEN + 5 + 2 * 512 + 32 + 512;

    /// Decodes exactly one public identity: 238, 812, 1196 or 1580 bytes by profile. [ID-06] [WIRE-04]
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::Unsupported`], naming the field; [`Error::Signature`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut wire = Wire::new(bytes);
        let identity = Self::decode(&mut wire)?;
        wire.finish("public identity")?;
        Ok(identity)
    }

    #[inline(never)]
    pub(crate) fn decode(wire: &mut Wire<'_>) -> Result<Self, Error> {
        // [OBJ-03]
        if decode_prefix(wire)? != TYPE {
            return Err(Error::Unsupported { field: "type" });
        }
        let profile = Profile::from_code(wire.u8("profile")?)?;
        let generation = wire.u32("generation")?;
        let encryption = wire.take(profile.key_len(), "encryption_key")?;
        let signing = wire.take(profile.key_len(), "signing_key")?;
        let next = *wire.array("next")?;
        let signature = wire.take(profile.algorithm().signature_len(), "signature")?;
        let keys = Keys::decode(profile, encryption, signing)?;
        let body =
            UnsignedIdentity::new(generation, keys, next).map_err(|_| Error::Malformed { field: "signing_key" })?;
        // [SUITE-04] a decoder takes the one form only: nothing is normalised here.
        body.keys.signing().verify(&body.digest(), signature)?;
        let signature = Signature::from_slice(profile.algorithm(), signature).ok_or(Error::Signature)?;
        Ok(body.with(signature))
    }

    pub(crate) fn encode(&self, out: &mut Writer<'_>) -> Result<(), Error> {
        self.pieces().iter().try_for_each(|piece| out.put(piece))
    }

    /// The encoding in a caller's buffer of [`MAX_LEN`](Self::MAX_LEN) bytes.
    ///
    /// # Errors
    /// [`Error::Buffer`].
    pub fn encode_into<'o>(&self, out: &'o mut [u8]) -> Result<&'o [u8], Error> {
        let mut writer = Writer::new(out);
        self.encode(&mut writer)?;
        let len = writer.len();
        out.get(..len).ok_or(Error::Buffer { needed: len })
    }

    /// The encoding: 238, 812, 1196 or 1580 bytes by profile. SPEC §11.4
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn to_bytes(&self) -> alloc::vec::Vec<u8> {
        self.pieces().concat()
    }

    fn pieces(&self) -> [&[u8]; 5] {
        let (encryption, signing) = self.body.keys.bytes();
        [&self.body.fixed, encryption, signing, &self.body.next, self.signature.as_bytes()]
    }

    /// What names this identity, 32 bytes.
    #[must_use]
    pub const fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// How often its keys were changed.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.body.generation
    }

    /// Which algorithms its keys are of.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.body.profile
    }

    /// The P-256 encryption key, if the profile has one.
    #[must_use]
    pub const fn p256_encryption_key(&self) -> Option<&P256PublicKey> {
        match self.keys() {
            Keys::P256 { encryption, .. } => Some(encryption),
            #[cfg(feature = "rsa")]
            Keys::Rsa { .. } => None,
        }
    }

    /// Hash of the rotation key of the next generation.
    pub(crate) const fn next(&self) -> &[u8; 32] {
        &self.body.next
    }

    pub(crate) const fn keys(&self) -> &Keys {
        &self.body.keys
    }

    pub(crate) const fn signing_key(&self) -> &VerifyingKey {
        self.body.keys.signing()
    }
}

impl PartialEq for PublicIdentity {
    /// By body: the signature of an RSA profile is random.
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for PublicIdentity {}

impl fmt::Debug for PublicIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicIdentity")
            .field("profile", &self.body.profile)
            .field("generation", &self.body.generation)
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for PublicIdentity {
    /// `slrm-id:` and base64url. SPEC §17 [TXT-01]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; Self::MAX_LEN];
        let bytes = self.encode_into(&mut bytes).map_err(|_| fmt::Error)?;
        text::encode(text::IDENTITY, bytes, f)
    }
}

impl FromStr for PublicIdentity {
    type Err = Error;

    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), and [`Error::Malformed`] for other text. [TXT-02]
    fn from_str(s: &str) -> Result<Self, Error> {
        let mut bytes = [0; Self::MAX_LEN];
        Self::from_bytes(text::decode(text::IDENTITY, s, &mut bytes)?)
    }
}
