//! HPKE base mode with DHKEM(P-256, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM, one ephemeral for many recipients.
//! RFC 9180; SPEC §8.2.
//!
//! Only what wrapping a DEK needs: one message per context, empty associated data.

use crate::crypto::{Aead, P256Private, P256Public, expand, extract};
use crate::error::Error;
use crate::labels::{KEY_LEN, NONCE_LEN, POINT_LEN, WRAPPED_LEN};
use crate::secret::Secret;

/// `"KEM" ‖ kem_id`. RFC 9180 §4.1
const KEM_SUITE: &[u8] = b"KEM\x00\x10";
/// `"HPKE" ‖ kem_id ‖ kdf_id ‖ aead_id`. RFC 9180 §5.1
const HPKE_SUITE: &[u8] = b"HPKE\x00\x10\x00\x01\x00\x02";
const VERSION: &[u8] = b"HPKE-v1";
const MODE_BASE: u8 = 0;

/// `LabeledExtract`. RFC 9180 §4
fn labeled_extract(suite: &[u8], salt: &[u8], label: &[u8], ikm: &[u8]) -> Secret<32> {
    extract(salt, &[VERSION, suite, label, ikm])
}

/// `LabeledExpand`. RFC 9180 §4
fn labeled_expand<const N: usize>(
    suite: &[u8],
    prk: &Secret<32>,
    label: &[u8],
    info: &[&[u8]],
) -> Result<Secret<N>, Error> {
    let length = u16::try_from(N).map_err(|_| Error::Argument { what: "length of a derived key" })?;
    let mut out = Secret::zero();
    expand(prk, &[&[&length.to_be_bytes(), VERSION, suite, label], info], out.expose_mut())?;
    Ok(out)
}

/// `DeriveKeyPair` for P-256. RFC 9180 §7.1.3 [ID-04]
///
/// # Errors
/// [`Error::Key`] if 256 candidates in a row are out of range, which no input is known to reach.
pub(crate) fn derive_key_pair(ikm: &[u8]) -> Result<P256Private, Error> {
    let prk = labeled_extract(KEM_SUITE, &[], b"dkp_prk", ikm);
    for counter in 0..=u8::MAX {
        // The bitmask of P-256 is 0xff: it changes nothing.
        let candidate = labeled_expand::<32>(KEM_SUITE, &prk, b"candidate", &[&[counter]])?;
        if let Some(key) = P256Private::from_scalar(candidate.expose()) {
            return Ok(key);
        }
    }
    Err(Error::Key)
}

/// `ExtractAndExpand` over `enc ‖ pkR`: the KEM's shared secret from the Diffie-Hellman's. RFC 9180 §4.1
pub(crate) fn shared_secret(
    dh: &Secret<32>,
    enc: &[u8; POINT_LEN],
    recipient: &[u8; POINT_LEN],
) -> Result<Secret<32>, Error> {
    let prk = labeled_extract(KEM_SUITE, &[], b"eae_prk", dh.expose());
    labeled_expand(KEM_SUITE, &prk, b"shared_secret", &[enc, recipient])
}

/// Key and base nonce of a context of base mode. RFC 9180 §5.1
pub(crate) struct Context {
    pub(crate) key: Secret<KEY_LEN>,
    pub(crate) base_nonce: Secret<NONCE_LEN>,
}

/// `KeySchedule` in base mode: no PSK. RFC 9180 §5.1
pub(crate) fn key_schedule(shared_secret: &Secret<32>, info: &[u8]) -> Result<Context, Error> {
    let psk_id_hash = labeled_extract(HPKE_SUITE, &[], b"psk_id_hash", &[]);
    let info_hash = labeled_extract(HPKE_SUITE, &[], b"info_hash", info);
    let context: [&[u8]; 3] = [&[MODE_BASE], psk_id_hash.expose(), info_hash.expose()];
    let secret = labeled_extract(HPKE_SUITE, shared_secret.expose(), b"secret", &[]);
    Ok(Context {
        key: labeled_expand(HPKE_SUITE, &secret, b"key", &context)?,
        base_nonce: labeled_expand(HPKE_SUITE, &secret, b"base_nonce", &context)?,
    })
}

/// `SealBase` to one of an ephemeral's recipients, with empty aad. RFC 9180 §6.1 [STZ-04]
pub(crate) fn wrap(
    ephemeral: &P256Private,
    recipient: &P256Public,
    info: &[u8],
    dek: &Secret<KEY_LEN>,
    out: &mut [u8; WRAPPED_LEN],
) -> Result<(), Error> {
    let dh = ephemeral.agree(recipient)?;
    let secret = shared_secret(&dh, ephemeral.public().encoded(), recipient.encoded())?;
    let context = key_schedule(&secret, info)?;
    // Sequence number 0, and the context is dropped here: one message under each key.
    Aead::new(context.key.expose()).seal(context.base_nonce.expose(), &[], dek.expose(), out)
}

/// One recipient's context, ready to try entries: `OpenBase` with empty aad. RFC 9180 §6.1
pub(crate) struct Unwrapper {
    aead: Aead,
    nonce: Secret<NONCE_LEN>,
}

impl Unwrapper {
    pub(crate) fn new(
        dh: &Secret<32>,
        enc: &[u8; POINT_LEN],
        recipient: &[u8; POINT_LEN],
        info: &[u8],
    ) -> Result<Self, Error> {
        let context = key_schedule(&shared_secret(dh, enc, recipient)?, info)?;
        Ok(Self { aead: Aead::new(context.key.expose()), nonce: context.base_nonce })
    }

    /// The DEK in `entry`, if it was made for this recipient.
    pub(crate) fn unwrap(&self, entry: &[u8; WRAPPED_LEN]) -> Option<Secret<KEY_LEN>> {
        let mut dek = Secret::zero();
        self.aead.open(self.nonce.expose(), &[], entry, dek.expose_mut()).ok()?;
        Some(dek)
    }
}
