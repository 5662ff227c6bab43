//! Request proofs: a server that holds public keys only knows which device a request comes from. SPEC §23.2.

use super::certificate::DeviceCertificate;
use super::request::{Replays, Request};
use super::{Clock, refused};
use crate::crypto::{Random, sha256};
use crate::error::Error;
use crate::keys::{Sign, Signature, SignatureAlgorithm, Verifiable, VerifyingKey};
use crate::labels::{ECDSA_LEN, PREFIX_LEN};
use crate::object::{decode_prefix, prefix};
use crate::public_identity::{Fingerprint, PublicIdentity};
use crate::text;
use crate::wire::{Reader as Wire, Writer};
use core::fmt;
use core::str::FromStr;
use rand_core::TryCryptoRng;

/// Object type of SPEC §6.
pub(crate) const TYPE: u8 = 0x28;

/// Bytes of a proof's nonce.
const NONCE_LEN: usize = 16;

/// What a proof is made of, but for its signature.
#[derive(Clone)]
struct Unsigned {
    certificate: DeviceCertificate,
    time: u64,
    nonce: [u8; NONCE_LEN],
}

impl Unsigned {
    /// What the device key signs. [PRF-04]
    fn digest(&self, request: &Request<'_>) -> Result<[u8; 32], Error> {
        let mut bytes = [0; DeviceCertificate::MAX_LEN];
        let certificate_hash = sha256(self.certificate.encode_into(&mut bytes)?);
        request.digest(&certificate_hash, self.time, &self.nonce)
    }
}

/// A request proof that waits for its signature: for a device key behind an asynchronous API, such as a browser's.
#[derive(Clone)]
pub struct UnsignedProof {
    unsigned: Unsigned,
    digest: [u8; 32],
}

impl UnsignedProof {
    /// As [`RequestProof::sign`].
    ///
    /// # Errors
    /// [`Error::Argument`] for an audience, method or server nonce of another length than [`Request`] takes;
    /// [`Error::Generator`].
    pub fn new(
        request: &Request<'_>,
        certificate: &DeviceCertificate,
        time: u64,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, Error> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill(&mut nonce)?;
        let unsigned = Unsigned { certificate: certificate.clone(), time, nonce };
        let digest = unsigned.digest(request)?;
        Ok(Self { unsigned, digest })
    }

    /// The SHA-256 digest that the device key has to sign.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Takes the signature over [`digest`](Self::digest), 64 bytes.
    ///
    /// # Errors
    /// [`Error::Key`] if it is not the device key's.
    pub fn complete(self, signature: &[u8]) -> Result<RequestProof, Error> {
        let key = VerifyingKey::P256(self.unsigned.certificate.device_key().clone());
        let signature = key.accept(&self.digest, signature)?;
        Ok(RequestProof { unsigned: self.unsigned, signature })
    }
}

impl fmt::Debug for UnsignedProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsignedProof").field("digest", &self.digest).finish_non_exhaustive()
    }
}

/// A device's proof that a request is its own, made for this request: one header. SPEC §23.2
///
/// ```
/// use sealroom::*;
/// # #[cfg(feature = "std")]
/// # fn main() -> Result<(), Error> {
/// # let mut rng = SystemRng;
/// # let alice = Root::from_bip39_seed(&[1; 64]).identity(Profile::P256, 0, &mut rng)?;
/// # let key = P256PrivateKey::generate(&mut rng)?;
/// # let (now, year) = (1_800_000_000, 1_800_000_000..1_831_536_000);
/// # let certificate = DeviceCertificate::issue(&alice.sender(), [7; 16], key.public_key(), year, &mut rng)?;
/// let request = Request::new(b"api.example.org", b"POST", b"/mail?to=bob").body(b"Hello.");
/// let header = RequestProof::sign(&request, &certificate, &key, now, &mut rng)?.to_string();
///
/// let mut seen = RememberedProofs::new(100_000);
/// let proof: RequestProof = header.parse()?;
/// // The account's identity as it is now, by `proof.claimed_identity()`; the request as it was received.
/// let device = proof.verify(&request, alice.public(), &Clock::at(now), &mut seen)?;
/// assert_eq!(device.device_id(), &[7; 16]);
/// let again = proof.verify(&request, alice.public(), &Clock::at(now), &mut seen);
/// assert_eq!(again.err(), Some(Error::Proof { check: "PRF-05" }));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "std"))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct RequestProof {
    unsigned: Unsigned,
    signature: Signature,
}

impl RequestProof {
    /// The longest encoding in bytes.
    pub const MAX_LEN: usize = PREFIX_LEN + DeviceCertificate::MAX_LEN + 8 + NONCE_LEN + ECDSA_LEN;

    /// Signs `request` with the key that `certificate` names, here or elsewhere, at `time`: seconds since
    /// 1970-01-01T00:00:00Z. SPEC §23.2
    ///
    /// # Errors
    /// [`Error::Argument`] for an audience, method or server nonce of another length than [`Request`] takes;
    /// [`Error::Key`] if the key failed or is another one; [`Error::Generator`].
    pub fn sign(
        request: &Request<'_>,
        certificate: &DeviceCertificate,
        device_key: &dyn Sign,
        time: u64,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, Error> {
        let unsigned = UnsignedProof::new(request, certificate, time, rng)?;
        let algorithm = SignatureAlgorithm::EcdsaP256;
        if device_key.algorithm() != algorithm {
            return Err(Error::Key);
        }
        let made = Verifiable::make(algorithm, |place| device_key.sign_digest(&unsigned.digest, place, rng))?;
        unsigned.complete(made.as_bytes())
    }

    /// Decodes exactly one proof: 296, 488, 616 or 744 bytes by the identity's algorithm. SPEC §23.2 [PRF-02]
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::Unsupported`], naming the field.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut wire = Wire::new(bytes);
        // [OBJ-03]
        if decode_prefix(&mut wire)? != TYPE {
            return Err(Error::Unsupported { field: "type" });
        }
        let certificate = DeviceCertificate::decode(&mut wire)?;
        let time = wire.u64("time")?;
        let nonce = *wire.array("nonce")?;
        let given = wire.take(ECDSA_LEN, "signature")?;
        wire.finish("request proof")?;
        let signature = Signature::from_slice(SignatureAlgorithm::EcdsaP256, given);
        let signature = signature.ok_or(Error::Malformed { field: "signature" })?;
        Ok(Self { unsigned: Unsigned { certificate, time, nonce }, signature })
    }

    /// The encoding in a caller's buffer of at most [`MAX_LEN`](Self::MAX_LEN) bytes.
    ///
    /// # Errors
    /// [`Error::Buffer`].
    pub fn encode_into<'o>(&self, out: &'o mut [u8]) -> Result<&'o [u8], Error> {
        let mut writer = Writer::new(out);
        writer.put(&prefix(TYPE))?;
        self.unsigned.certificate.encode(&mut writer)?;
        writer.put(&self.unsigned.time.to_be_bytes())?;
        writer.put(&self.unsigned.nonce)?;
        writer.put(self.signature.as_bytes())?;
        let len = writer.len();
        out.get(..len).ok_or(Error::Buffer { needed: len })
    }

    /// The encoding: 296, 488, 616 or 744 bytes by the identity's algorithm. SPEC §23.2
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn to_bytes(&self) -> alloc::vec::Vec<u8> {
        let mut bytes = [0; Self::MAX_LEN];
        self.encode_into(&mut bytes).unwrap_or_default().to_vec()
    }

    /// The identity whose device it says to be of: find the account by it.
    #[must_use]
    pub const fn claimed_identity(&self) -> &Fingerprint {
        self.unsigned.certificate.claimed_identity()
    }

    /// The device as it says to be.
    pub(crate) const fn claimed_device(&self) -> &[u8; 16] {
        self.unsigned.certificate.device_id()
    }

    /// Checks that a device of `identity` made this request now, and that it comes for the first time; gives the device's
    /// certificate. SPEC §23.2 [PRF-01]
    ///
    /// `request`: as it was received, with the verifier's own audience and the server nonce that it demands. `identity`:
    /// the one that the account has now. `replays` is asked last, so nothing is remembered of what is refused.
    ///
    /// # Errors
    /// [`Error::Proof`] with `CRT-01` if the certificate is not the identity's, `CRT-03` if it is not valid yet or over,
    /// `PRF-03` if the proof's time is too far from the clock, `PRF-04` if the device key did not sign this request,
    /// `PRF-05` if it came before or cannot be remembered.
    pub fn verify(
        &self,
        request: &Request<'_>,
        identity: &PublicIdentity,
        clock: &Clock,
        replays: &mut dyn Replays,
    ) -> Result<&DeviceCertificate, Error> {
        let Unsigned { certificate, time, .. } = &self.unsigned;
        certificate.verify(identity, clock)?;
        let Clock { now, tolerance } = *clock;
        // [PRF-03]
        if now.abs_diff(*time) > tolerance {
            return Err(refused("PRF-03"));
        }
        // [PRF-04] A request that no proof can be over is not this proof's.
        let digest = self.unsigned.digest(request).map_err(|_| refused("PRF-04"))?;
        certificate.device_key().verify(&digest, self.signature.as_bytes()).map_err(|_| refused("PRF-04"))?;
        // [PRF-05] The first second at which [PRF-03] refuses it.
        let until = time.saturating_add(tolerance).saturating_add(1);
        if !replays.first(&digest, now, until) {
            return Err(refused("PRF-05"));
        }
        Ok(certificate)
    }
}

impl fmt::Display for RequestProof {
    /// `slrm-proof:` and base64url. SPEC §17 [TXT-01]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; Self::MAX_LEN];
        let bytes = self.encode_into(&mut bytes).map_err(|_| fmt::Error)?;
        text::encode(text::REQUEST_PROOF, bytes, f)
    }
}

impl FromStr for RequestProof {
    type Err = Error;

    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), and [`Error::Malformed`] for other text. [TXT-02]
    fn from_str(s: &str) -> Result<Self, Error> {
        let mut bytes = [0; Self::MAX_LEN];
        Self::from_bytes(text::decode(text::REQUEST_PROOF, s, &mut bytes)?)
    }
}

impl fmt::Debug for RequestProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unsigned { certificate, time, .. } = &self.unsigned;
        f.debug_struct("RequestProof").field("certificate", certificate).field("time", time).finish_non_exhaustive()
    }
}
