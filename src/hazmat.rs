//! Derandomised and low-level entry points, for test vectors and fuzzing. Not for applications. SPEC §5, §11.3.
//!
//! What is here has none of the protections that the rest of the crate gives: no context, no commitment, no checked
//! purpose. It may change in any release.

mod primitives;
#[cfg(feature = "alloc")]
mod rooms;

pub use primitives::*;
#[cfg(feature = "alloc")]
pub use rooms::*;

#[cfg(feature = "rsa")]
use crate::crypto::{RsaPrivate, RsaPublic};
#[cfg(feature = "alloc")]
use {crate::det_keygen, crate::error::Error, alloc::vec::Vec};

/// From now on every signature of this process is the same bytes for the same input: what ECDSA draws is derived (RFC 6979),
/// what RSASSA-PSS draws is the caller's generator's. The default backend always signs so; with `aws-lc-rs` the nonces are
/// AWS-LC's own until this was called. SPEC §16
pub fn sign_reproducibly() {
    #[cfg(feature = "aws-lc-rs")]
    crate::crypto::sign_reproducibly();
}

/// The P-256 key of a seed by C2SP det-keygen, as DER PKCS#8. SPEC §11.3
///
/// # Errors
/// [`Error::Argument`] if the seed is shorter than 16 bytes.
#[cfg(feature = "alloc")]
pub fn det_keygen_p256_pkcs8(seed: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(det_keygen::p256(seed)?.to_pkcs8()?.to_vec())
}

/// The RSA key of a seed by C2SP det-keygen, as DER PKCS#8; `bits` is 2048, 3072 or 4096. SPEC §11.3
///
/// # Errors
/// [`Error::Argument`] for another size, or if the seed is shorter than 16 bytes.
#[cfg(feature = "rsa")]
pub fn det_keygen_rsa_pkcs8(seed: &[u8], bits: usize) -> Result<Vec<u8>, Error> {
    Ok(det_keygen::rsa(seed, bits, &mut crate::progress::unwatched)?.to_pkcs8()?.to_vec())
}

/// The DER SubjectPublicKeyInfo of an RSA private key in DER PKCS#8. SPEC §5
///
/// # Errors
/// [`Error::Malformed`] or [`Error::Limit`] if the key is not one of 2048, 3072 or 4096 bits with the exponent 65537.
#[cfg(feature = "rsa")]
pub fn rsa_spki(pkcs8: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(RsaPrivate::from_pkcs8(pkcs8)?.public().spki().to_vec())
}

/// A DER PKCS#8 RSA private key, read and written again: in the one form that this crate gives it. SPEC §5
///
/// # Errors
/// As [`rsa_spki`].
#[cfg(feature = "rsa")]
pub fn rsa_pkcs8(pkcs8: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(RsaPrivate::from_pkcs8(pkcs8)?.to_pkcs8()?.to_vec())
}

/// RSAES-OAEP with SHA-256, MGF1-SHA-256 and the empty label; the seed is given. RFC 8017 §7.1.1
///
/// # Errors
/// [`Error::Malformed`] for the key, [`Error::Argument`] if the message is too long.
#[cfg(feature = "rsa")]
pub fn rsa_oaep_encrypt(spki: &[u8], message: &[u8], seed: &[u8; 32]) -> Result<Vec<u8>, Error> {
    RsaPublic::from_spki(spki)?.oaep_encrypt(message, seed)
}

/// The opposite of [`rsa_oaep_encrypt`]; `rng` only blinds. RFC 8017 §7.1.2
///
/// # Errors
/// [`Error::Malformed`] or [`Error::Limit`] for the key, [`Error::Generator`] for the generator, else
/// [`Error::Decrypt`].
#[cfg(feature = "rsa")]
pub fn rsa_oaep_decrypt(
    pkcs8: &[u8],
    ciphertext: &[u8],
    rng: &mut impl rand_core::TryCryptoRng,
) -> Result<Vec<u8>, Error> {
    Ok(RsaPrivate::from_pkcs8(pkcs8)?.oaep_decrypt(ciphertext, rng)?.to_vec())
}

/// As [`rsa_oaep_decrypt`], for a message of exactly 64 bytes. RFC 8017 §7.1.2
///
/// # Errors
/// As [`rsa_oaep_decrypt`].
#[cfg(feature = "rsa")]
pub fn rsa_oaep_decrypt_64(
    pkcs8: &[u8],
    ciphertext: &[u8],
    rng: &mut impl rand_core::TryCryptoRng,
) -> Result<[u8; 64], Error> {
    Ok(*RsaPrivate::from_pkcs8(pkcs8)?.oaep_decrypt_64(ciphertext, rng)?.expose())
}

/// RSASSA-PSS with SHA-256 and a salt of 32 bytes, which is the first thing drawn. RFC 8017 §8.1.1
///
/// # Errors
/// [`Error::Malformed`] or [`Error::Limit`] for the key, [`Error::Generator`] for the generator, else [`Error::Key`].
#[cfg(feature = "rsa")]
pub fn rsa_pss_sign(pkcs8: &[u8], digest: &[u8; 32], rng: &mut impl rand_core::TryCryptoRng) -> Result<Vec<u8>, Error> {
    RsaPrivate::from_pkcs8(pkcs8)?.pss_sign(digest, rng)
}

/// Verifies what [`rsa_pss_sign`] makes. RFC 8017 §8.1.2
///
/// # Errors
/// [`Error::Malformed`] for the key, else [`Error::Signature`].
#[cfg(feature = "rsa")]
pub fn rsa_pss_verify(spki: &[u8], digest: &[u8; 32], signature: &[u8]) -> Result<(), Error> {
    RsaPublic::from_spki(spki)?.pss_verify(digest, signature)
}

/// `Derive(key, label, context, len)` of SPEC §4.1, for any label.
///
/// # Errors
/// [`Error::Argument`] if more than 8,160 bytes are asked for.
#[cfg(feature = "alloc")]
pub fn derive(key: &[u8; 32], label: &'static str, context: &[u8], len: usize) -> Result<Vec<u8>, Error> {
    let mut secret = crate::secret::Secret::zero();
    *secret.expose_mut() = *key;
    let mut out = alloc::vec![0; len];
    crate::derive::derive_into(&secret, crate::labels::Label(label), &[context], &mut out)?;
    Ok(out)
}

/// `SignInput(label, content)` of SPEC §4.2, for any label.
#[cfg(feature = "alloc")]
#[must_use]
pub fn sign_input(label: &'static str, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    crate::derive::sign_input(crate::labels::Label(label), &[content], |piece| out.extend_from_slice(piece));
    out
}

/// SHA-256. FIPS 180-4
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    crate::crypto::sha256(bytes)
}

/// The encryption and the signing key of an identity, as DER PKCS#8. SPEC §11.3
///
/// # Errors
/// None that can be reached.
#[cfg(feature = "alloc")]
pub fn identity_keys(identity: &crate::identity::Identity) -> Result<[crate::keys::SecretDer; 2], Error> {
    identity.private_pkcs8()
}

/// A P-256 key that reads under any recipient id. SPEC §8.1
#[must_use]
pub fn p256_reader(key: &dyn crate::keys::Agree, recipient_id: [u8; 32]) -> crate::envelope::Reader<'_> {
    crate::envelope::Reader(crate::envelope::ReaderKind::P256 { key, id: recipient_id })
}

/// An RSA key that reads under any recipient id. SPEC §8.1
#[cfg(feature = "rsa")]
#[must_use]
pub fn rsa_reader(key: &dyn crate::keys::DecryptOaep, recipient_id: [u8; 32]) -> crate::envelope::Reader<'_> {
    crate::envelope::Reader(crate::envelope::ReaderKind::Rsa { key, id: recipient_id })
}

/// A P-256 key that is written to under any recipient id. SPEC §8.1
#[must_use]
pub const fn p256_recipient(
    key: &crate::keys::P256PublicKey,
    recipient_id: [u8; 32],
) -> crate::envelope::Recipient<'_> {
    crate::envelope::Recipient(crate::envelope::RecipientKind::P256 { key, id: recipient_id })
}

/// An RSA key that is written to under any recipient id. SPEC §8.1
#[cfg(feature = "rsa")]
#[must_use]
pub const fn rsa_recipient(key: &crate::keys::RsaPublicKey, recipient_id: [u8; 32]) -> crate::envelope::Recipient<'_> {
    crate::envelope::Recipient(crate::envelope::RecipientKind::Rsa { key, id: recipient_id })
}
