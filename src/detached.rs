//! Detached signatures over any bytes. SPEC §10.3.

use crate::crypto::sha256;
use crate::derive::sign_input_hash;
use crate::envelope::{Sender, verify_signature};
use crate::error::Error;
use crate::keys::{MAX_SIGNATURE_LEN, Signature, SignatureAlgorithm};
use crate::labels::{self, FINGERPRINT_LEN, MAX_CONTEXT_LEN, PREFIX_LEN};
use crate::object::{decode_prefix, prefix};
use crate::public_identity::{Fingerprint, PublicIdentity};
use crate::wire::{Reader as Wire, Writer, encode_length};
use core::fmt;
use rand_core::TryCryptoRng;

/// Object type of SPEC §6.
pub(crate) const TYPE: u8 = 0x22;

/// A signature by an identity over bytes that stand elsewhere, for a purpose that the application names.
#[derive(Clone)]
pub struct DetachedSignature {
    signer: Fingerprint,
    signature: Signature,
}

/// The digest to be signed. SPEC §10.3 [SIG-04]
fn digest(
    signer: &Fingerprint,
    algorithm: SignatureAlgorithm,
    context: &[u8],
    content: &[u8],
) -> Result<[u8; 32], Error> {
    // [LIM-07]
    if context.len() > MAX_CONTEXT_LEN {
        return Err(Error::Limit { limit: "detached signature context bytes" });
    }
    let (context_len, used) = encode_length(context.len());
    let context_len = context_len.get(..used).unwrap_or_default();
    let pieces: [&[u8]; 5] = [signer.as_bytes(), &[algorithm.code()], context_len, context, &sha256(content)];
    Ok(sign_input_hash(labels::DETACHED_SIGNATURE, &pieces))
}

impl DetachedSignature {
    /// The longest encoding in bytes.
    pub const MAX_LEN: usize = PREFIX_LEN + 1 + FINGERPRINT_LEN + MAX_SIGNATURE_LEN;

    /// Signs `content` for the purpose `context`, 0 to 255 bytes.
    ///
    /// # Errors
    /// [`Error::Limit`] for a longer context, [`Error::Argument`] for a sender whose key is elsewhere (then sign
    /// [`digest`](Self::digest) and [`complete`](Self::complete)), [`Error::Key`], [`Error::Generator`].
    pub fn sign(
        sender: &Sender<'_>,
        context: &[u8],
        content: &[u8],
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, Error> {
        let digest = Self::digest(sender.identity, context, content)?;
        let algorithm = sender.identity.signing_key().algorithm();
        let signature = Signature::make(algorithm, |place| sender.sign(&digest, place, rng))?;
        Ok(Self { signer: *sender.identity.fingerprint(), signature })
    }

    /// The SHA-256 digest that the signing key of `signer` has to sign.
    ///
    /// # Errors
    /// [`Error::Limit`] if `context` is longer than 255 bytes. [LIM-07]
    pub fn digest(signer: &PublicIdentity, context: &[u8], content: &[u8]) -> Result<[u8; 32], Error> {
        digest(signer.fingerprint(), signer.signing_key().algorithm(), context, content)
    }

    /// Takes the signature over `digest`.
    ///
    /// # Errors
    /// [`Error::Key`] if it is not the signing key's.
    pub fn complete(signer: &PublicIdentity, digest: &[u8; 32], signature: &[u8]) -> Result<Self, Error> {
        let signature = signer.signing_key().accept(digest, signature)?;
        Ok(Self { signer: *signer.fingerprint(), signature })
    }

    /// Decodes exactly one detached signature: 104, 296, 424 or 552 bytes by algorithm. [WIRE-04] [OBJ-03]
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::Unsupported`], naming the field.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut wire = Wire::new(bytes);
        if decode_prefix(&mut wire)? != TYPE {
            return Err(Error::Unsupported { field: "type" });
        }
        let algorithm = SignatureAlgorithm::from_code(wire.u8("algorithm")?)?;
        let algorithm = algorithm.ok_or(Error::Malformed { field: "algorithm" })?;
        let signer = Fingerprint::from_bytes(*wire.array("signer")?);
        let given = wire.take(algorithm.signature_len(), "signature")?;
        wire.finish("detached signature")?;
        let signature = Signature::from_slice(algorithm, given).ok_or(Error::Malformed { field: "signature" })?;
        Ok(Self { signer, signature })
    }

    /// The encoding in a caller's buffer of at most [`MAX_LEN`](Self::MAX_LEN) bytes.
    ///
    /// # Errors
    /// [`Error::Buffer`].
    pub fn encode_into<'o>(&self, out: &'o mut [u8]) -> Result<&'o [u8], Error> {
        let mut writer = Writer::new(out);
        writer.put(&prefix(TYPE))?;
        writer.u8(self.signature.algorithm().code())?;
        writer.put(self.signer.as_bytes())?;
        writer.put(self.signature.as_bytes())?;
        let len = writer.len();
        out.get(..len).ok_or(Error::Buffer { needed: len })
    }

    /// The encoding. SPEC §10.3
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn to_bytes(&self) -> alloc::vec::Vec<u8> {
        let algorithm = [self.signature.algorithm().code()];
        [&prefix(TYPE), &algorithm[..], self.signer.as_bytes(), self.signature.as_bytes()].concat()
    }

    /// Who says to have signed.
    #[must_use]
    pub const fn claimed_signer(&self) -> &Fingerprint {
        &self.signer
    }

    /// Checks that `signer` signed `content` for the purpose `context`. [SIG-04]
    ///
    /// # Errors
    /// [`Error::Signature`] if not; [`Error::Limit`] if `context` is longer than 255 bytes.
    pub fn verify(&self, signer: &PublicIdentity, context: &[u8], content: &[u8]) -> Result<(), Error> {
        let digest = digest(&self.signer, self.signature.algorithm(), context, content)?;
        verify_signature(signer, &self.signer, &digest, &self.signature)
    }
}

impl fmt::Debug for DetachedSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetachedSignature").field("signer", &self.signer).finish_non_exhaustive()
    }
}
