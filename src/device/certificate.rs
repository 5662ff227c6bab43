//! Device certificates: an identity's word that a signing key is a device of its. SPEC §23.1.

use super::{Clock, refused};
use crate::derive::sign_input_hash;
use crate::envelope::{Sender, verify_signature};
use crate::error::Error;
use crate::keys::{MAX_SIGNATURE_LEN, P256PublicKey, Signature, SignatureAlgorithm, VerifyingKey};
use crate::labels::{self, FINGERPRINT_LEN, POINT_LEN, PREFIX_LEN};
use crate::object::{decode_prefix, prefix};
use crate::public_identity::{Fingerprint, PublicIdentity};
use crate::wire::{Reader as Wire, Writer};
use core::fmt;
use core::ops::Range;
use rand_core::TryCryptoRng;

/// Object type of SPEC §6.
pub(crate) const TYPE: u8 = 0x27;

/// Bytes of a device's id in certificates.
const DEVICE_ID_LEN: usize = 16;

/// Prefix, fingerprint, device id, device key, two times, algorithm.
const BODY_LEN: usize = PREFIX_LEN + FINGERPRINT_LEN + DEVICE_ID_LEN + POINT_LEN + 8 + 8 + 1;

/// What an identity signs of a device.
#[derive(Clone, PartialEq, Eq)]
struct Body {
    identity: Fingerprint,
    device_id: [u8; DEVICE_ID_LEN],
    device_key: P256PublicKey,
    not_before: u64,
    not_after: u64,
    algorithm: SignatureAlgorithm,
}

impl Body {
    fn encode(&self, out: &mut Writer<'_>) -> Result<(), Error> {
        out.put(&prefix(TYPE))?;
        out.put(self.identity.as_bytes())?;
        out.put(&self.device_id)?;
        out.put(self.device_key.as_bytes())?;
        out.put(&self.not_before.to_be_bytes())?;
        out.put(&self.not_after.to_be_bytes())?;
        out.u8(self.algorithm.code())
    }

    fn decode(wire: &mut Wire<'_>) -> Result<Self, Error> {
        // [OBJ-03]
        if decode_prefix(wire)? != TYPE {
            return Err(Error::Unsupported { field: "type" });
        }
        let identity = Fingerprint::from_bytes(*wire.array("identity")?);
        let device_id = *wire.array("device_id")?;
        let device_key = P256PublicKey::from_bytes(wire.array("device_key")?);
        let device_key = device_key.map_err(|_| Error::Malformed { field: "device_key" })?;
        let (not_before, not_after) = (wire.u64("not_before")?, wire.u64("not_after")?);
        // [CRT-04]
        if not_before >= not_after {
            return Err(Error::Malformed { field: "not_after" });
        }
        let algorithm = SignatureAlgorithm::from_code(wire.u8("algorithm")?)?;
        let algorithm = algorithm.ok_or(Error::Malformed { field: "algorithm" })?;
        Ok(Self { identity, device_id, device_key, not_before, not_after, algorithm })
    }

    fn digest(&self) -> Result<[u8; 32], Error> {
        let mut bytes = [0; BODY_LEN];
        self.encode(&mut Writer::new(&mut bytes))?;
        Ok(sign_input_hash(labels::DEVICE_CERTIFICATE, &[&bytes]))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCertificate")
            .field("identity", &self.identity)
            .field("device_id", &self.device_id)
            .field("validity", &(self.not_before..self.not_after))
            .finish_non_exhaustive()
    }
}

/// A device certificate that waits for its signature: for an identity whose signing key is behind an asynchronous API.
#[derive(Clone, Debug)]
pub struct UnsignedCertificate {
    body: Body,
    key: VerifyingKey,
}

impl UnsignedCertificate {
    /// As [`DeviceCertificate::issue`].
    ///
    /// # Errors
    /// [`Error::Argument`] if `validity` is empty.
    pub fn new(
        identity: &PublicIdentity,
        device_id: [u8; 16],
        device_key: &P256PublicKey,
        validity: Range<u64>,
    ) -> Result<Self, Error> {
        // [CRT-04]
        if validity.is_empty() {
            return Err(Error::Argument { what: "a certificate that is never valid" });
        }
        let key = identity.signing_key().clone();
        let body = Body {
            identity: *identity.fingerprint(),
            device_id,
            device_key: device_key.clone(),
            not_before: validity.start,
            not_after: validity.end,
            algorithm: key.algorithm(),
        };
        Ok(Self { body, key })
    }

    /// The SHA-256 digest that the identity's signing key has to sign.
    ///
    /// # Errors
    /// None that can be reached.
    pub fn digest(&self) -> Result<[u8; 32], Error> {
        self.body.digest()
    }

    /// Takes the signature over [`digest`](Self::digest).
    ///
    /// # Errors
    /// [`Error::Key`] if it is not the signing key's.
    pub fn complete(self, signature: &[u8]) -> Result<DeviceCertificate, Error> {
        let signature = self.key.accept(&self.digest()?, signature)?;
        Ok(DeviceCertificate { body: self.body, signature })
    }
}

/// An identity's word that a signing key is a device of its, for a time. One that was decoded is not checked. SPEC §23.1
///
/// ```
/// use sealroom::*;
/// # #[cfg(feature = "std")]
/// # fn main() -> Result<(), Error> {
/// # let mut rng = SystemRng;
/// # let alice = Root::from_bip39_seed(&[1; 64]).identity(Profile::P256, 0, &mut rng)?;
/// let device_key = P256PrivateKey::generate(&mut rng)?; // or any `Sign`, an enclave's
/// let year = 1_800_000_000..1_831_536_000;
/// let certificate =
///     DeviceCertificate::issue(&alice.sender(), [7; 16], device_key.public_key(), year, &mut rng)?;
///
/// let received = DeviceCertificate::from_bytes(&certificate.to_bytes())?;
/// received.verify(alice.public(), &Clock::at(1_800_000_000))?;
/// let over = received.verify(alice.public(), &Clock::at(1_900_000_000));
/// assert_eq!(over, Err(Error::Proof { check: "CRT-03" }));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "std"))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct DeviceCertificate {
    body: Body,
    signature: Signature,
}

impl DeviceCertificate {
    /// The longest encoding in bytes.
    pub const MAX_LEN: usize = BODY_LEN + MAX_SIGNATURE_LEN;

    /// Says for `sender` that `device_key` is a device of its, for `validity`: seconds since 1970-01-01T00:00:00Z, the end
    /// not among them.
    ///
    /// `device_id`: 16 random bytes that the device draws once, for servers to tell devices apart; not a room's
    /// `DeviceId`. Whether the device holds the key is not checked. SPEC §23.1
    ///
    /// # Errors
    /// [`Error::Argument`] if `validity` is empty, or for a sender whose key is elsewhere (then see
    /// [`UnsignedCertificate`]); [`Error::Key`]; [`Error::Generator`].
    pub fn issue(
        sender: &Sender<'_>,
        device_id: [u8; 16],
        device_key: &P256PublicKey,
        validity: Range<u64>,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, Error> {
        let UnsignedCertificate { body, .. } =
            UnsignedCertificate::new(sender.identity, device_id, device_key, validity)?;
        let digest = body.digest()?;
        let signature = Signature::make(body.algorithm, |place| sender.sign(&digest, place, rng))?;
        Ok(Self { body, signature })
    }

    /// Decodes exactly one certificate: 201, 393, 521 or 649 bytes by algorithm. [WIRE-04]
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::Unsupported`], naming the field.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut wire = Wire::new(bytes);
        let certificate = Self::decode(&mut wire)?;
        wire.finish("device certificate")?;
        Ok(certificate)
    }

    pub(super) fn decode(wire: &mut Wire<'_>) -> Result<Self, Error> {
        let body = Body::decode(wire)?;
        let given = wire.take(body.algorithm.signature_len(), "signature")?;
        let signature = Signature::from_slice(body.algorithm, given).ok_or(Error::Malformed { field: "signature" })?;
        Ok(Self { body, signature })
    }

    /// The encoding in a caller's buffer of at most [`MAX_LEN`](Self::MAX_LEN) bytes.
    ///
    /// # Errors
    /// [`Error::Buffer`].
    pub fn encode_into<'o>(&self, out: &'o mut [u8]) -> Result<&'o [u8], Error> {
        let mut writer = Writer::new(out);
        self.encode(&mut writer)?;
        let len = writer.len();
        out.get(..len).ok_or(Error::Buffer { needed: len })
    }

    pub(super) fn encode(&self, out: &mut Writer<'_>) -> Result<(), Error> {
        self.body.encode(out)?;
        out.put(self.signature.as_bytes())
    }

    /// The encoding: 201, 393, 521 or 649 bytes by the identity's algorithm. SPEC §23.1
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn to_bytes(&self) -> alloc::vec::Vec<u8> {
        let mut bytes = [0; Self::MAX_LEN];
        self.encode_into(&mut bytes).unwrap_or_default().to_vec()
    }

    /// The identity that is said to have issued it: look it up by it.
    #[must_use]
    pub const fn claimed_identity(&self) -> &Fingerprint {
        &self.body.identity
    }

    /// The device's id, 16 bytes: its own choice, told by nothing else.
    #[must_use]
    pub const fn device_id(&self) -> &[u8; 16] {
        &self.body.device_id
    }

    /// The device's signing key.
    #[must_use]
    pub const fn device_key(&self) -> &P256PublicKey {
        &self.body.device_key
    }

    /// From which second on it is valid, and the first one at which it is over.
    #[must_use]
    pub const fn validity(&self) -> Range<u64> {
        self.body.not_before..self.body.not_after
    }

    /// Checks that `identity` issued it and that it is valid now. `identity` is the one that the account has now: so a
    /// transition revokes what earlier generations issued. SPEC §23.1 [CRT-01] [CRT-02] [CRT-03]
    ///
    /// # Errors
    /// [`Error::Proof`] with `CRT-01` if it is not this identity's, `CRT-03` if it is not valid yet or over.
    pub fn verify(&self, identity: &PublicIdentity, clock: &Clock) -> Result<(), Error> {
        let Body { identity: issuer, not_before, not_after, .. } = &self.body;
        // [CRT-01] fingerprint, algorithm, signature; [CRT-02] the fingerprint names the generation.
        verify_signature(identity, issuer, &self.body.digest()?, &self.signature).map_err(|_| refused("CRT-01"))?;
        // [CRT-03]
        let Clock { now, tolerance } = *clock;
        if now.saturating_add(tolerance) < *not_before || now.saturating_sub(tolerance) >= *not_after {
            return Err(refused("CRT-03"));
        }
        Ok(())
    }
}

impl fmt::Debug for DeviceCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.body, f)
    }
}
