//! The primitives from the RustCrypto crates: pure Rust, `no_std`, the default backend. SPEC §5.

use crate::crypto::Random;
use crate::error::Error;
use crate::labels::{ECDSA_LEN, KEY_LEN, NONCE_LEN, POINT_LEN, TAG_LEN};
use crate::secret::Secret;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use hmac::Mac;
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use p256::elliptic_curve::sec1::ToSec1Point;
use sha2::Digest;
use zeroize::Zeroize;

/// SHA-256, fed in pieces. FIPS 180-4
#[derive(Clone)]
pub(crate) struct Sha256(sha2::Sha256);

impl Sha256 {
    pub(crate) fn new() -> Self {
        Self(sha2::Sha256::new())
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// HMAC-SHA-256 over `pieces`. RFC 2104
pub(crate) fn hmac(key: &[u8], pieces: &[&[u8]]) -> Result<[u8; 32], Error> {
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(key).map_err(|_| Error::Argument { what: "HMAC key" })?;
    pieces.iter().for_each(|piece| mac.update(piece));
    Ok(mac.finalize().into_bytes().into())
}

/// HKDF-Extract with SHA-256; the input keying material is given in pieces. RFC 5869 §2.2
pub(crate) fn extract(salt: &[u8], ikm: &[&[u8]]) -> Secret<32> {
    let mut extract = hkdf::HkdfExtract::<sha2::Sha256>::new(Some(salt));
    ikm.iter().for_each(|piece| extract.input_ikm(piece));
    let (mut prk, _) = extract.finalize();
    Secret::take(prk.as_mut())
}

/// HKDF-Expand with SHA-256; `info` is the concatenation of all pieces. RFC 5869 §2.3
pub(crate) fn expand(prk: &Secret<32>, info: &[&[&[u8]]], out: &mut [u8]) -> Result<(), Error> {
    let too_long = Error::Argument { what: "length of a derived key" };
    // A handful of pieces at most: gathered on the stack, since the crate takes them in one list.
    let mut pieces: [&[u8]; 16] = [&[]; 16];
    let mut places = pieces.iter_mut();
    for piece in info.iter().copied().flatten() {
        *places.next().ok_or(Error::Argument { what: "pieces of a derivation's context" })? = piece;
    }
    let hkdf = hkdf::Hkdf::<sha2::Sha256>::from_prk(prk.expose()).map_err(|_| too_long)?;
    hkdf.expand_multi_info(&pieces, out).map_err(|_| too_long)
}

/// AES-256-GCM under one prepared key, with 12-byte nonces and 16-byte tags. NIST SP 800-38D
pub(crate) struct Aead(aes_gcm::Aes256Gcm);

impl Aead {
    pub(crate) fn new(key: &[u8; KEY_LEN]) -> Self {
        Self(aes_gcm::Aes256Gcm::new(key.into()))
    }

    /// Encrypts `plain` into `sealed`, whose length is that of `plain` and a tag.
    pub(crate) fn seal(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], plain: &[u8], sealed: &mut [u8]) -> Result<(), Error> {
        let needed = plain.len().saturating_add(TAG_LEN);
        let (out, tag) = sealed.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::Buffer { needed })?;
        let inout = InOutBuf::new(plain, out).map_err(|_| Error::Buffer { needed })?;
        let made = self.0.encrypt_inout_detached(nonce.into(), aad, inout).map_err(|_| Error::Limit { limit: "chunk" })?;
        tag.copy_from_slice(&made);
        Ok(())
    }

    /// Encrypts in place: the last 16 bytes of `buffer` receive the tag.
    pub(crate) fn seal_in_place(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], buffer: &mut [u8]) -> Result<(), Error> {
        let (text, tag) = buffer.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::Buffer { needed: TAG_LEN })?;
        let made = self.0.encrypt_inout_detached(nonce.into(), aad, text.into()).map_err(|_| Error::Limit { limit: "chunk" })?;
        tag.copy_from_slice(&made);
        Ok(())
    }

    /// Checks the tag at the end of `sealed`, then decrypts into `plain`, which is shorter by the tag.
    pub(crate) fn open(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], sealed: &[u8], plain: &mut [u8]) -> Result<(), Error> {
        let (text, tag) = sealed.split_last_chunk::<TAG_LEN>().ok_or(Error::Decrypt)?;
        let inout = InOutBuf::new(text, plain).map_err(|_| Error::Buffer { needed: text.len() })?;
        self.0.decrypt_inout_detached(nonce.into(), aad, inout, tag.into()).map_err(|_| Error::Decrypt)
    }

    /// Checks the tag at the end of `buffer`, then decrypts in place; the tag's place is left as it was.
    pub(crate) fn open_in_place(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], buffer: &mut [u8]) -> Result<(), Error> {
        let (text, tag) = buffer.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::Decrypt)?;
        self.0.decrypt_inout_detached(nonce.into(), aad, text.into(), (&*tag).into()).map_err(|_| Error::Decrypt)
    }
}

/// A P-256 public key: a point on the curve that is not the identity, kept with its encoding.
#[derive(Clone)]
pub(crate) struct P256Public {
    point: p256::PublicKey,
    encoded: [u8; POINT_LEN],
}

impl P256Public {
    /// Decodes 65 bytes, uncompressed form only. SEC 1 §2.3.4; checks of NIST SP 800-186 App. D.1.1: both coordinates
    /// below the prime, on the curve, not the identity; the curve has cofactor 1. [SUITE-03]
    pub(crate) fn decode(encoded: &[u8; POINT_LEN]) -> Result<Self, Error> {
        let malformed = Error::Malformed { field: "p256 public key" };
        if encoded.first() != Some(&0x04) {
            return Err(malformed);
        }
        let point = p256::PublicKey::from_sec1_bytes(encoded).map_err(|_| malformed)?;
        Ok(Self { point, encoded: *encoded })
    }

    fn of(point: p256::PublicKey) -> Result<Self, Error> {
        let encoded = <[u8; POINT_LEN]>::try_from(point.to_sec1_point(false).as_bytes()).map_err(|_| Error::Key)?;
        Ok(Self { point, encoded })
    }

    pub(crate) const fn encoded(&self) -> &[u8; POINT_LEN] {
        &self.encoded
    }
}

/// A P-256 private key with its public key, for key agreement and for signing.
#[derive(Clone)]
pub(crate) struct P256Private {
    // Holds scalar and public point; zeroized on drop by the crate.
    key: p256::ecdsa::SigningKey,
    public: P256Public,
}

impl P256Private {
    /// A big-endian scalar; `None` unless it is in 1 to n - 1.
    pub(crate) fn from_scalar(scalar: &[u8; 32]) -> Option<Self> {
        let key = p256::ecdsa::SigningKey::from_slice(scalar).ok()?;
        let public = P256Public::of(p256::PublicKey::from(key.verifying_key())).ok()?;
        Some(Self { key, public })
    }

    pub(crate) const fn public(&self) -> &P256Public {
        &self.public
    }

    /// The scalar, big-endian.
    pub(crate) fn to_scalar(&self) -> Secret<32> {
        let mut bytes: [u8; 32] = self.key.to_bytes().into();
        Secret::take(&mut bytes)
    }

    /// ECDH: the x coordinate of the shared point. SEC 1 §3.3.1
    ///
    /// The identity cannot come out: the order is prime and neither factor is zero or the identity. [SUITE-03]
    pub(crate) fn agree(&self, peer: &P256Public) -> Secret<32> {
        let shared = p256::ecdh::diffie_hellman(self.key.as_nonzero_scalar(), peer.point.as_affine());
        let mut x: [u8; 32] = (*shared.raw_secret_bytes()).into();
        Secret::take(&mut x)
    }

    /// ECDSA over a SHA-256 digest: r then s, s in the lower half, the nonce by RFC 6979. [SUITE-04]
    pub(crate) fn sign(&self, digest: &[u8; 32]) -> Result<[u8; ECDSA_LEN], Error> {
        let signature: p256::ecdsa::Signature = self.key.sign_prehash(digest).map_err(|_| Error::Key)?;
        Ok(signature.normalize_s().to_bytes().into())
    }
}

/// Brings s to the lower half. [SUITE-04]
pub(crate) fn ecdsa_normalize(signature: &mut [u8; ECDSA_LEN]) -> Result<(), Error> {
    let parsed = p256::ecdsa::Signature::from_slice(signature).map_err(|_| Error::Key)?;
    *signature = parsed.normalize_s().to_bytes().into();
    Ok(())
}

/// ECDSA P-256 verification over a SHA-256 digest; refuses s in the upper half. [SUITE-04]
pub(crate) fn ecdsa_verify(key: &P256Public, digest: &[u8; 32], signature: &[u8; ECDSA_LEN]) -> Result<(), Error> {
    let signature = p256::ecdsa::Signature::from_slice(signature).map_err(|_| Error::Signature)?;
    if signature.normalize_s() != signature {
        return Err(Error::Signature);
    }
    p256::ecdsa::VerifyingKey::from(&key.point).verify_prehash(digest, &signature).map_err(|_| Error::Signature)
}
