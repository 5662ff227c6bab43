//! The primitives from the RustCrypto crates: pure Rust, `no_std`, the default backend. SPEC §5.

use crate::error::Error;
use crate::labels::{ECDSA_LEN, KEY_LEN, NONCE_LEN, POINT_LEN, TAG_LEN};
use crate::secret::Secret;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use hmac::Mac;
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use p256::elliptic_curve::point::AffineCoordinates;
use p256::elliptic_curve::sec1::ToSec1Point;
use sha2::Digest;
#[cfg(feature = "passphrase")]
use zeroize::Zeroize;

#[cfg(feature = "rsa")]
mod rsa;
#[cfg(feature = "rsa")]
pub(crate) use rsa::{RsaPrivate, RsaPublic};

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

/// One HMAC-SHA-256 key, prepared for many messages; zeroized on drop. RFC 2104
pub(crate) struct HmacKey(hmac::Hmac<sha2::Sha256>);

impl HmacKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        // The crate wants the key as HMAC pads it, to a whole block.
        let mut block = zeroize::Zeroizing::new([0; 64]);
        block.iter_mut().zip(key).for_each(|(place, octet)| *place = *octet);
        Self(hmac::Hmac::new((&*block).into()))
    }

    /// HMAC over `pieces`.
    pub(crate) fn mac(&self, pieces: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        pieces.iter().for_each(|piece| mac.update(piece));
        mac.finalize().into_bytes().into()
    }
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
    pub(crate) fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        plain: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), Error> {
        let needed = plain.len().saturating_add(TAG_LEN);
        let (out, tag) = sealed.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::Buffer { needed })?;
        let inout = InOutBuf::new(plain, out).map_err(|_| Error::Buffer { needed })?;
        let made =
            self.0.encrypt_inout_detached(nonce.into(), aad, inout).map_err(|_| Error::Limit { limit: "chunks" })?;
        tag.copy_from_slice(&made);
        Ok(())
    }

    /// Encrypts in place: the last 16 bytes of `buffer` receive the tag.
    pub(crate) fn seal_in_place(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], buffer: &mut [u8]) -> Result<(), Error> {
        let (text, tag) = buffer.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::Buffer { needed: TAG_LEN })?;
        let made = self
            .0
            .encrypt_inout_detached(nonce.into(), aad, text.into())
            .map_err(|_| Error::Limit { limit: "chunks" })?;
        tag.copy_from_slice(&made);
        Ok(())
    }

    /// Checks the tag at the end of `sealed`, then decrypts into `plain`, which is shorter by the tag. [SUITE-02]
    pub(crate) fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
        plain: &mut [u8],
    ) -> Result<(), Error> {
        let (text, tag) = sealed.split_last_chunk::<TAG_LEN>().ok_or(Error::Decrypt)?;
        let inout = InOutBuf::new(text, plain).map_err(|_| Error::Buffer { needed: text.len() })?;
        self.0.decrypt_inout_detached(nonce.into(), aad, inout, tag.into()).map_err(|_| Error::Decrypt)
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
        let [0x04, coordinates @ ..] = encoded else { return Err(malformed) };
        let (x, y) = coordinates.split_first_chunk::<32>().ok_or(malformed)?;
        let y: &[u8; 32] = y.try_into().map_err(|_| malformed)?;
        // By coordinates, since the crate's decoder of all forms brings the square roots of compressed ones.
        let point = Option::from(p256::AffinePoint::from_coordinates(&(*x).into(), &(*y).into())).ok_or(malformed)?;
        let point = p256::PublicKey::from_affine(point).map_err(|_| malformed)?;
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

    /// The big-endian scalar, for vectors.
    #[cfg(any(feature = "hazmat", feature = "aws-lc-rs"))]
    pub(crate) fn scalar(&self) -> Secret<32> {
        Secret::take(&mut self.key.to_bytes().into())
    }

    /// From a DER PKCS#8 PrivateKeyInfo; a public key in it must be this key's. RFC 5958 §2, RFC 5915 §3
    ///
    /// # Errors
    /// [`Error::Malformed`].
    #[cfg(feature = "alloc")]
    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        use p256::pkcs8::DecodePrivateKey;
        let malformed = Error::Malformed { field: "p256 private key" };
        let key = p256::SecretKey::from_pkcs8_der(der).map_err(|_| malformed)?;
        let mut scalar: [u8; 32] = key.to_bytes().into();
        Self::from_scalar(Secret::take(&mut scalar).expose()).ok_or(malformed)
    }

    /// The DER PKCS#8 PrivateKeyInfo, public key included. RFC 5958 §2, RFC 5915 §3
    ///
    /// # Errors
    /// [`Error::Key`] if the backend cannot encode it.
    #[cfg(feature = "alloc")]
    pub(crate) fn to_pkcs8(&self) -> Result<zeroize::Zeroizing<alloc::vec::Vec<u8>>, Error> {
        use p256::pkcs8::EncodePrivateKey;
        let der = self.key.to_pkcs8_der().map_err(|_| Error::Key)?;
        Ok(zeroize::Zeroizing::new(der.as_bytes().to_vec()))
    }

    /// ECDH: the x coordinate of the shared point. SEC 1 §3.3.1
    ///
    /// The identity cannot come out: the order is prime and neither factor is zero or the identity. [SUITE-03]
    ///
    /// # Errors
    /// None with this backend.
    pub(crate) fn agree(&self, peer: &P256Public) -> Result<Secret<32>, Error> {
        let shared = p256::ecdh::diffie_hellman(self.key.as_nonzero_scalar(), peer.point.as_affine());
        let mut x: [u8; 32] = (*shared.raw_secret_bytes()).into();
        Ok(Secret::take(&mut x))
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

/// Argon2id version 0x13 with an empty secret and no associated data, 32 bytes out. RFC 9106 §3
///
/// `memory_kib` of memory are taken, in blocks of 1 KiB, and erased afterwards.
///
/// # Errors
/// [`Error::Argument`] for costs or a salt length that RFC 9106 does not allow, [`Error::Limit`] if the memory is not
/// to be had.
#[cfg(feature = "passphrase")]
pub(crate) fn argon2id(
    password: &[u8],
    salt: &[u8],
    memory_kib: u32,
    passes: u32,
    lanes: u32,
) -> Result<Secret<32>, Error> {
    let costs = Error::Argument { what: "Argon2id costs" };
    let params = argon2::Params::new(memory_kib, passes, lanes, Some(32)).map_err(|_| costs)?;
    let mut memory = alloc::vec::Vec::new();
    // Asked for first, so that too little memory is an error and not the end of the process.
    memory.try_reserve_exact(params.block_count()).map_err(|_| Error::Limit { limit: "argon2id memory KiB" })?;
    memory.resize(params.block_count(), argon2::Block::default());
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let mut out = Secret::zero();
    let done = argon2.hash_password_into_with_memory(password, salt, out.expose_mut(), &mut memory);
    // The crate erases its own working values but not memory that is lent to it.
    memory.iter_mut().for_each(Zeroize::zeroize);
    done.map_err(|_| costs)?;
    Ok(out)
}

/// PBKDF2 with HMAC-SHA-256, 32 bytes out. RFC 8018 §5.2
///
/// # Errors
/// [`Error::Argument`] if `iterations` is zero.
#[cfg(feature = "passphrase")]
pub(crate) fn pbkdf2(password: &[u8], salt: &[u8], iterations: u32) -> Result<Secret<32>, Error> {
    if iterations == 0 {
        return Err(Error::Argument { what: "PBKDF2 iterations" });
    }
    let mut out = Secret::zero();
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(password, salt, iterations, out.expose_mut());
    Ok(out)
}

#[cfg(all(test, feature = "passphrase"))]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]
mod tests {
    use super::*;

    fn hex(bytes: &Secret<32>) -> std::string::String {
        bytes.expose().iter().map(|octet| std::format!("{octet:02x}")).collect()
    }

    /// The reference implementation's test of version 0x13 with 256 KiB.
    #[test]
    fn argon2id_is_that_of_the_reference() {
        for (lanes, expected) in [
            (1, "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"),
            (2, "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"),
        ] {
            assert_eq!(hex(&argon2id(b"password", b"somesalt", 256, 2, lanes).unwrap()), expected);
        }
        for (memory, passes, lanes) in [(7, 1, 1), (8, 0, 1), (8, 1, 0), (15, 1, 2)] {
            assert!(matches!(argon2id(b"", b"somesalt", memory, passes, lanes), Err(Error::Argument { .. })));
        }
        assert!(matches!(argon2id(b"", b"7 bytes", 8, 1, 1), Err(Error::Argument { .. })));
    }

    /// RFC 7914 §11
    #[test]
    fn pbkdf2_is_that_of_the_rfc() {
        let expected = "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc";
        assert_eq!(hex(&pbkdf2(b"passwd", b"salt", 1).unwrap()), expected);
        assert!(matches!(pbkdf2(b"", b"", 0), Err(Error::Argument { .. })));
    }
}
