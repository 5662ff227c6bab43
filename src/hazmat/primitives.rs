//! What the vectors of the standards need beside RSA: AES-GCM, HKDF, P-256, HPKE, chunks. SPEC §5, §8.2, §9.1.

use crate::crypto::{self, Aead, P256Private, P256Public};
use crate::envelope::{ContentType, KeySchedule, Unlocked};
use crate::error::Error;
use crate::hpke;
use crate::labels::{COMMITMENT_LEN, ECDSA_LEN, KEY_LEN, NONCE_LEN, POINT_LEN, WRAPPED_LEN};
use crate::secret::Secret;
#[cfg(feature = "alloc")]
use {
    crate::envelope::{Chunks, Envelope, Hashed, sealed_len},
    crate::labels::TAG_LEN,
    alloc::vec::Vec,
};

/// AES-256-GCM: `plain` encrypted, then the tag of 16 bytes. SPEC §5, NIST SP 800-38D
///
/// # Errors
/// [`Error::Limit`] if `plain` is longer than the mode allows.
#[cfg(feature = "alloc")]
pub fn aes_256_gcm_seal(
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    aad: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, Error> {
    let mut sealed = alloc::vec![0; plain.len().saturating_add(TAG_LEN)];
    Aead::new(key).seal(nonce, aad, plain, &mut sealed)?;
    Ok(sealed)
}

/// The opposite of [`aes_256_gcm_seal`]. SPEC §5 [SUITE-02]
///
/// # Errors
/// [`Error::Decrypt`] if the tag is not that of the rest, or missing.
#[cfg(feature = "alloc")]
pub fn aes_256_gcm_open(
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, Error> {
    let mut plain = alloc::vec![0; sealed.len().saturating_sub(TAG_LEN)];
    Aead::new(key).open(nonce, aad, sealed, &mut plain)?;
    Ok(plain)
}

/// HKDF-Extract with SHA-256. SPEC §2, RFC 5869 §2.2
#[must_use]
pub fn hkdf_extract(salt: &[u8], ikm: &[u8]) -> [u8; 32] {
    *crypto::extract(salt, &[ikm]).expose()
}

/// HKDF-Expand with SHA-256, as many bytes as `out` has. SPEC §2, RFC 5869 §2.3
///
/// # Errors
/// [`Error::Argument`] for more than 255 * 32 bytes.
pub fn hkdf_expand(prk: &[u8; 32], info: &[u8], out: &mut [u8]) -> Result<(), Error> {
    crypto::expand(&Secret::take(&mut { *prk }), &[&[info]], out)
}

/// The private key of a big-endian scalar from 1 to n - 1.
fn private(scalar: &[u8; 32]) -> Result<P256Private, Error> {
    P256Private::from_scalar(scalar).ok_or(Error::Malformed { field: "p256 private key" })
}

/// A point of 65 bytes, uncompressed. [SUITE-03]
fn public(point: &[u8]) -> Result<P256Public, Error> {
    P256Public::decode(point.try_into().map_err(|_| Error::Malformed { field: "p256 public key" })?)
}

/// ECDH on P-256: the x coordinate. SPEC §5 [SUITE-03], SEC 1 §3.3.1
///
/// # Errors
/// [`Error::Malformed`] for a scalar that is not in 1 to n - 1, or for a point that is not on the curve, is the identity
/// or is not in the uncompressed form of 65 bytes.
pub fn p256_agree(scalar: &[u8; 32], point: &[u8]) -> Result<[u8; 32], Error> {
    Ok(*private(scalar)?.agree(&public(point)?)?.expose())
}

/// ECDSA on P-256 over a SHA-256 digest: r then s, s in the lower half. SPEC §5 [SUITE-04]
///
/// # Errors
/// [`Error::Malformed`] for the scalar.
pub fn p256_sign(scalar: &[u8; 32], digest: &[u8; 32]) -> Result<[u8; ECDSA_LEN], Error> {
    private(scalar)?.sign(digest)
}

/// Verifies r then s, 64 bytes, over a SHA-256 digest; refuses s in the upper half. SPEC §5 [SUITE-04]
///
/// # Errors
/// [`Error::Malformed`] for the point, as for [`p256_agree`]; else [`Error::Signature`].
pub fn p256_verify(point: &[u8], digest: &[u8; 32], signature: &[u8]) -> Result<(), Error> {
    crypto::ecdsa_verify(&public(point)?, digest, signature.try_into().map_err(|_| Error::Signature)?)
}

/// Brings s to the lower half, as is done with what a key held elsewhere answers. SPEC §5 [SUITE-04]
///
/// # Errors
/// [`Error::Key`] if r or s is zero or not below n.
pub fn p256_normalize(signature: &mut [u8; ECDSA_LEN]) -> Result<(), Error> {
    crypto::ecdsa_normalize(signature)
}

/// DeriveKeyPair for P-256: scalar and uncompressed point. SPEC §8.2, RFC 9180 §7.1.3 [ID-04]
///
/// # Errors
/// None that can be reached.
pub fn hpke_derive_key_pair(ikm: &[u8]) -> Result<([u8; 32], [u8; POINT_LEN]), Error> {
    let key = hpke::derive_key_pair(ikm)?;
    Ok((*key.scalar().expose(), *key.public().encoded()))
}

/// Encap of DHKEM(P-256, HKDF-SHA256) with an ephemeral from `ikm`: the shared secret, and enc. RFC 9180 §4.1
///
/// # Errors
/// [`Error::Malformed`] for the point.
pub fn hpke_encap_derand(ikm: &[u8], recipient: &[u8]) -> Result<([u8; 32], [u8; POINT_LEN]), Error> {
    let (ephemeral, recipient) = (hpke::derive_key_pair(ikm)?, public(recipient)?);
    let enc = *ephemeral.public().encoded();
    let secret = hpke::shared_secret(&ephemeral.agree(&recipient)?, &enc, recipient.encoded())?;
    Ok((*secret.expose(), enc))
}

/// Decap of DHKEM(P-256, HKDF-SHA256): the shared secret. RFC 9180 §4.1
///
/// # Errors
/// [`Error::Malformed`] for the scalar or enc.
pub fn hpke_decap(scalar: &[u8; 32], enc: &[u8]) -> Result<[u8; 32], Error> {
    let (key, enc) = (private(scalar)?, public(enc)?);
    Ok(*hpke::shared_secret(&key.agree(&enc)?, enc.encoded(), key.public().encoded())?.expose())
}

/// KeySchedule in base mode: key and base nonce. RFC 9180 §5.1
///
/// # Errors
/// None that can be reached.
pub fn hpke_key_schedule(shared_secret: &[u8; 32], info: &[u8]) -> Result<([u8; KEY_LEN], [u8; NONCE_LEN]), Error> {
    let context = hpke::key_schedule(&Secret::take(&mut { *shared_secret }), info)?;
    Ok((*context.key.expose(), *context.base_nonce.expose()))
}

/// One ephemeral from `ikm` for all of `recipients`, each a point and its `info`: enc, and each one's entry in the order
/// given. SPEC §8.2 [STZ-04]
///
/// # Errors
/// [`Error::Malformed`] for a point.
#[cfg(feature = "alloc")]
pub fn hpke_seal_group(
    ikm: &[u8],
    recipients: &[(&[u8], &[u8])],
    dek: &[u8; KEY_LEN],
) -> Result<([u8; POINT_LEN], Vec<[u8; WRAPPED_LEN]>), Error> {
    let (ephemeral, dek) = (hpke::derive_key_pair(ikm)?, Secret::take(&mut { *dek }));
    let mut entries = alloc::vec![[0; WRAPPED_LEN]; recipients.len()];
    for ((point, info), entry) in recipients.iter().zip(&mut entries) {
        hpke::wrap(&ephemeral, &public(point)?, info, &dek, entry)?;
    }
    Ok((*ephemeral.public().encoded(), entries))
}

/// OpenBase of one entry, with empty aad: the DEK. SPEC §8.2, RFC 9180 §6.1
///
/// # Errors
/// [`Error::Malformed`] for the scalar or enc, [`Error::Decrypt`] if the entry is not this key's under `info`.
pub fn hpke_open(
    scalar: &[u8; 32],
    enc: &[u8],
    info: &[u8],
    entry: &[u8; WRAPPED_LEN],
) -> Result<[u8; KEY_LEN], Error> {
    let (key, enc) = (private(scalar)?, public(enc)?);
    let unwrapper = hpke::Unwrapper::new(&key.agree(&enc)?, enc.encoded(), key.public().encoded(), info)?;
    unwrapper.unwrap(entry).map(|dek| *dek.expose()).ok_or(Error::Decrypt)
}

/// Keys of chunks that are given, not derived.
fn raw_schedule(key: &[u8; KEY_LEN], base_nonce: &[u8; NONCE_LEN]) -> KeySchedule {
    let base_nonce = Secret::take(&mut { *base_nonce });
    KeySchedule { dek: Secret::zero(), key: Secret::take(&mut { *key }), base_nonce, commitment: [0; COMMITMENT_LEN] }
}

/// Nonce of chunk `index`. SPEC §9.1 [PAY-02] [LIM-01]
///
/// # Errors
/// [`Error::Limit`] from 2^38 on.
pub fn chunk_nonce(base_nonce: &[u8; NONCE_LEN], index: u64) -> Result<[u8; NONCE_LEN], Error> {
    crate::envelope::chunk_nonce(base_nonce, index)
}

/// The chunks of `plain` under a key and base nonce, by the code that seals envelopes. SPEC §9.1 [PAY-01] [PAY-02]
///
/// # Errors
/// [`Error::Limit`] for more than memory can hold.
#[cfg(feature = "alloc")]
pub fn chunks_seal(key: &[u8; KEY_LEN], base_nonce: &[u8; NONCE_LEN], plain: &[u8]) -> Result<Vec<u8>, Error> {
    let mut chunks = Chunks::new(raw_schedule(key, base_nonce), Hashed::No);
    let mut out = alloc::vec![0; sealed_len(plain.len()).ok_or(Error::Limit { limit: "chunks" })?];
    Envelope::to(&[]).seal_payload(&mut chunks, plain, &mut out)?;
    Ok(out)
}

/// Chunks under a key and base nonce, to be opened as those of an unsigned and unpadded envelope whose header has no
/// bytes: at once, as a stream or at offsets. SPEC §9.1, §9.3 [PAY-03]
#[must_use]
pub fn chunks_unlocked(key: &[u8; KEY_LEN], base_nonce: &[u8; NONCE_LEN]) -> Unlocked {
    Unlocked {
        keys: raw_schedule(key, base_nonce),
        header_hash: [0; 32],
        signature: None,
        padded: false,
        content_type: ContentType::Message,
        head_len: 0,
        attachment: None,
    }
}
