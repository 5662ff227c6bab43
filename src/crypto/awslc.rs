//! The primitives from AWS-LC, by the crate aws-lc-rs: for hosted platforms, and fast. SPEC §5.
//!
//! What it does not offer is done by the RustCrypto crates: files of keys, RSA encryption with a seed of the caller's, and the
//! hashes of passphrases. AWS-LC draws the nonces of ECDSA, the salts of PSS and what blinds RSA from its own generator, so
//! signatures are other bytes each time; all else is the same bytes as with the default backend.

use super::rustcrypto;
use crate::error::Error;
use crate::labels::{ECDSA_LEN, KEY_LEN, NONCE_LEN, POINT_LEN, TAG_LEN};
use crate::secret::Secret;
use alloc::sync::Arc;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P256};
use aws_lc_rs::digest::{self, Digest, SHA256};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::signature::{self, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
#[cfg(feature = "hazmat")]
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::OnceLock;

pub(crate) use rustcrypto::ecdsa_normalize;
#[cfg(feature = "passphrase")]
pub(crate) use rustcrypto::{argon2id, pbkdf2};

#[cfg(feature = "rsa")]
mod rsa;
#[cfg(feature = "rsa")]
pub(crate) use rsa::{RsaPrivate, RsaPublic};

/// Set once vectors are made: then signatures are the default backend's, which are the same bytes each time.
#[cfg(feature = "hazmat")]
static REPRODUCIBLE: AtomicBool = AtomicBool::new(false);

#[cfg(feature = "hazmat")]
pub(crate) fn sign_reproducibly() {
    REPRODUCIBLE.store(true, Ordering::Relaxed);
}

#[cfg(feature = "hazmat")]
fn is_reproducible() -> bool {
    REPRODUCIBLE.load(Ordering::Relaxed)
}

#[cfg(not(feature = "hazmat"))]
const fn is_reproducible() -> bool {
    false
}

/// What is in `place`, made when it is asked for the first time.
fn on_first_use<T>(place: &OnceLock<T>, make: impl FnOnce() -> Result<T, Error>) -> Result<&T, Error> {
    if let Some(made) = place.get() {
        return Ok(made);
    }
    let made = make()?;
    Ok(place.get_or_init(|| made))
}

/// SHA-256, fed in pieces. FIPS 180-4
#[derive(Clone)]
pub(crate) struct Sha256(digest::Context);

impl Sha256 {
    pub(crate) fn new() -> Self {
        Self(digest::Context::new(&SHA256))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        array(self.0.finish().as_ref())
    }
}

/// What is as long as a hash.
fn array(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.iter_mut().zip(bytes).for_each(|(place, octet)| *place = *octet);
    out
}

/// One HMAC-SHA-256 key, prepared for many messages; zeroized on drop. RFC 2104
pub(crate) struct HmacKey(hmac::Key);

impl HmacKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(HMAC_SHA256, key))
    }

    /// HMAC over `pieces`.
    pub(crate) fn mac(&self, pieces: &[&[u8]]) -> [u8; 32] {
        array(mac(&self.0, pieces.iter().copied()).as_ref())
    }
}

fn mac<'a>(key: &hmac::Key, pieces: impl Iterator<Item = &'a [u8]>) -> hmac::Tag {
    let mut mac = hmac::Context::with_key(key);
    pieces.for_each(|piece| mac.update(piece));
    mac.sign()
}

/// HKDF-Extract with SHA-256; the input keying material is given in pieces. RFC 5869 §2.2
pub(crate) fn extract(salt: &[u8], ikm: &[&[u8]]) -> Secret<32> {
    let mut prk = array(mac(&hmac::Key::new(HMAC_SHA256, salt), ikm.iter().copied()).as_ref());
    Secret::take(&mut prk)
}

/// HKDF-Expand with SHA-256; `info` is the concatenation of all pieces. RFC 5869 §2.3
pub(crate) fn expand(prk: &Secret<32>, info: &[&[&[u8]]], out: &mut [u8]) -> Result<(), Error> {
    let too_long = Error::Argument { what: "length of a derived key" };
    let key = hmac::Key::new(HMAC_SHA256, prk.expose());
    let mut before: Option<Secret<32>> = None;
    for (number, piece) in (1_usize..).zip(out.chunks_mut(32)) {
        let number = [u8::try_from(number).map_err(|_| too_long)?];
        let info = info.iter().copied().flatten().copied();
        let mut block = array(
            mac(&key, before.iter().map(|before| &before.expose()[..]).chain(info).chain([&number[..]])).as_ref(),
        );
        piece.iter_mut().zip(&block).for_each(|(place, octet)| *place = *octet);
        before = Some(Secret::take(&mut block));
    }
    Ok(())
}

/// AES-256-GCM under one prepared key, with 12-byte nonces and 16-byte tags. NIST SP 800-38D
pub(crate) struct Aead(Option<LessSafeKey>);

impl Aead {
    pub(crate) fn new(key: &[u8; KEY_LEN]) -> Self {
        // `None` where there is no memory for it.
        Self(UnboundKey::new(&AES_256_GCM, key).ok().map(LessSafeKey::new))
    }

    fn key(&self) -> Result<&LessSafeKey, Error> {
        self.0.as_ref().ok_or(Error::Key)
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
        if out.len() != plain.len() {
            return Err(Error::Buffer { needed });
        }
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let done = self.key()?.seal_out_of_place_scatter(nonce, Aad::from(aad), plain, out, &[], tag);
        done.map_err(|_| Error::Limit { limit: "chunks" })
    }

    /// Encrypts in place: the last 16 bytes of `buffer` receive the tag.
    pub(crate) fn seal_in_place(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], buffer: &mut [u8]) -> Result<(), Error> {
        let (text, tag) = buffer.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::Buffer { needed: TAG_LEN })?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let done = self.key()?.seal_in_place_scatter(nonce, Aad::from(aad), text, &[], tag);
        done.map_err(|_| Error::Limit { limit: "chunks" })
    }

    /// Checks the tag at the end of `sealed` and decrypts into `plain`, which is shorter by the tag. [SUITE-02]
    pub(crate) fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
        plain: &mut [u8],
    ) -> Result<(), Error> {
        let (text, tag) = sealed.split_last_chunk::<TAG_LEN>().ok_or(Error::Decrypt)?;
        if plain.len() != text.len() {
            return Err(Error::Buffer { needed: text.len() });
        }
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let done = self.key()?.open_separate_gather(nonce, Aad::from(aad), text, tag, plain);
        // It decrypts as it checks.
        done.map_err(|_| {
            plain.fill(0);
            Error::Decrypt
        })
    }
}

/// A P-256 public key: a point on the curve that is not the identity, kept with its encoding.
#[derive(Clone)]
pub(crate) struct P256Public {
    encoded: [u8; POINT_LEN],
    /// Made when a signature is verified for the first time.
    verifier: Arc<OnceLock<signature::ParsedPublicKey>>,
}

impl P256Public {
    /// As with the default backend, which checks the point. [SUITE-03]
    pub(crate) fn decode(encoded: &[u8; POINT_LEN]) -> Result<Self, Error> {
        rustcrypto::P256Public::decode(encoded).map(|_| Self::of(*encoded))
    }

    fn of(encoded: [u8; POINT_LEN]) -> Self {
        Self { encoded, verifier: Arc::default() }
    }

    pub(crate) const fn encoded(&self) -> &[u8; POINT_LEN] {
        &self.encoded
    }

    fn verifier(&self) -> Result<&signature::ParsedPublicKey, Error> {
        on_first_use(&self.verifier, || {
            signature::ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.encoded).map_err(|_| Error::Signature)
        })
    }
}

/// A P-256 private key with its public key, for key agreement and for signing.
#[derive(Clone)]
pub(crate) struct P256Private {
    scalar: Secret<32>,
    public: P256Public,
    /// Made at once, if there is memory for it.
    agreement: Arc<OnceLock<agreement::PrivateKey>>,
    /// Made when it signs for the first time.
    signing: Arc<OnceLock<EcdsaKeyPair>>,
}

impl P256Private {
    /// A big-endian scalar; `None` unless it is in 1 to n - 1.
    pub(crate) fn from_scalar(scalar: &[u8; 32]) -> Option<Self> {
        let made = agreement::PrivateKey::from_private_key(&ECDH_P256, scalar).ok();
        let public = made.as_ref().and_then(|key| key.compute_public_key().ok()?.as_ref().try_into().ok());
        // `None` is of the scalar alone: for want of memory, seeds would go on to another one and give other keys.
        let public = match public {
            Some(public) => public,
            None => *rustcrypto::P256Private::from_scalar(scalar)?.public().encoded(),
        };
        let agreement = Arc::new(made.map_or_else(OnceLock::new, OnceLock::from));
        let scalar = Secret::take(&mut { *scalar });
        Some(Self { scalar, public: P256Public::of(public), agreement, signing: Arc::default() })
    }

    pub(crate) const fn public(&self) -> &P256Public {
        &self.public
    }

    /// The big-endian scalar, for vectors.
    #[cfg(feature = "hazmat")]
    pub(crate) fn scalar(&self) -> Secret<32> {
        self.scalar.clone()
    }

    /// From a DER PKCS#8 PrivateKeyInfo; a public key in it must be this key's. RFC 5958 §2, RFC 5915 §3
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        let scalar = rustcrypto::P256Private::from_pkcs8(der)?.scalar();
        Self::from_scalar(scalar.expose()).ok_or(Error::Malformed { field: "p256 private key" })
    }

    /// The DER PKCS#8 PrivateKeyInfo, public key included. RFC 5958 §2, RFC 5915 §3
    ///
    /// # Errors
    /// [`Error::Key`] if the backend cannot encode it.
    pub(crate) fn to_pkcs8(&self) -> Result<zeroize::Zeroizing<alloc::vec::Vec<u8>>, Error> {
        rustcrypto::P256Private::from_scalar(self.scalar.expose()).ok_or(Error::Key)?.to_pkcs8()
    }

    /// ECDH: the x coordinate of the shared point. SEC 1 §3.3.1
    ///
    /// # Errors
    /// [`Error::Key`] if there is no memory for it: valid points of a curve of prime order always agree.
    pub(crate) fn agree(&self, peer: &P256Public) -> Result<Secret<32>, Error> {
        let own = on_first_use(&self.agreement, || {
            agreement::PrivateKey::from_private_key(&ECDH_P256, self.scalar.expose()).map_err(|_| Error::Key)
        })?;
        let peer = agreement::UnparsedPublicKey::new(&ECDH_P256, &peer.encoded[..]);
        agreement::agree(own, peer, Error::Key, |shared| Ok(Secret::take(&mut array(shared))))
    }

    /// ECDSA over a SHA-256 digest: r then s, s in the lower half. [SUITE-04]
    pub(crate) fn sign(&self, digest: &[u8; 32]) -> Result<[u8; ECDSA_LEN], Error> {
        if is_reproducible() {
            return rustcrypto::P256Private::from_scalar(self.scalar.expose()).ok_or(Error::Key)?.sign(digest);
        }
        let pair = on_first_use(&self.signing, || {
            let (scalar, public) = (self.scalar.expose(), &self.public.encoded);
            let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
            EcdsaKeyPair::from_private_key_and_public_key(algorithm, scalar, public).map_err(|_| Error::Key)
        })?;
        let made = pair.sign_digest(&imported(digest)?).map_err(|_| Error::Key)?;
        let mut signature = made.as_ref().try_into().map_err(|_| Error::Key)?;
        ecdsa_normalize(&mut signature)?;
        Ok(signature)
    }
}

fn imported(digest: &[u8; 32]) -> Result<Digest, Error> {
    Digest::import_less_safe(digest, &SHA256).map_err(|_| Error::Key)
}

/// ECDSA P-256 verification over a SHA-256 digest; refuses s in the upper half. [SUITE-04]
pub(crate) fn ecdsa_verify(key: &P256Public, digest: &[u8; 32], signature: &[u8; ECDSA_LEN]) -> Result<(), Error> {
    let mut lower = *signature;
    ecdsa_normalize(&mut lower).map_err(|_| Error::Signature)?;
    if lower != *signature {
        return Err(Error::Signature);
    }
    key.verifier()?.verify_digest_sig(&imported(digest)?, signature).map_err(|_| Error::Signature)
}

#[cfg(test)]
mod tests;
