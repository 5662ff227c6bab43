//! The signature block and what it signs. SPEC §10.1, §10.2.

use crate::crypto::Aead;
use crate::derive::{derive, sign_input_hash};
use crate::error::Error;
use crate::keys::{MAX_SIGNATURE_LEN, Signature, SignatureAlgorithm, Verifiable};
use crate::labels::{self, COMMITMENT_LEN, FINGERPRINT_LEN, KEY_LEN, NONCE_LEN, TAG_LEN};
use crate::public_identity::{Fingerprint, PublicIdentity};
use crate::secret::Secret;
use crate::wire::Reader as Wire;

/// Bytes of a signature block. [SIG-01]
pub(crate) const fn block_len(algorithm: SignatureAlgorithm) -> usize {
    FINGERPRINT_LEN + algorithm.signature_len() + TAG_LEN
}

/// The longest block.
pub(crate) const MAX_BLOCK_LEN: usize = FINGERPRINT_LEN + MAX_SIGNATURE_LEN + TAG_LEN;

/// What the digest of a signed envelope covers besides the signer.
#[derive(Clone, Copy)]
pub(crate) struct Signed<'a> {
    pub(crate) header_hash: &'a [u8; 32],
    pub(crate) commitment: &'a [u8; COMMITMENT_LEN],
    pub(crate) chunks_hash: &'a [u8; 32],
}

impl Signed<'_> {
    /// SHA-256 of `SignInput("envelope signature", signer ‖ algorithm ‖ h ‖ commitment ‖ chunks_hash)`. SPEC §10.2
    pub(crate) fn digest(&self, signer: &Fingerprint, algorithm: SignatureAlgorithm) -> [u8; 32] {
        let content: [&[u8]; 5] =
            [signer.as_bytes(), &[algorithm.code()], self.header_hash, self.commitment, self.chunks_hash];
        sign_input_hash(labels::ENVELOPE_SIGNATURE, &content)
    }
}

/// The key and nonce of one envelope's block. SPEC §10.1
pub(crate) struct BlockKey {
    key: Secret<KEY_LEN>,
    nonce: Secret<NONCE_LEN>,
}

impl BlockKey {
    pub(crate) fn new(dek: &Secret<KEY_LEN>, header_hash: &[u8; 32]) -> Result<Self, Error> {
        let out = derive::<{ KEY_LEN + NONCE_LEN }>(dek, labels::SIGNATURE, &[header_hash])?;
        let mut fields = Wire::new(out.expose());
        let mut key = Secret::zero();
        key.expose_mut().copy_from_slice(fields.array::<KEY_LEN>("key")?);
        let mut nonce = Secret::zero();
        nonce.expose_mut().copy_from_slice(fields.array::<NONCE_LEN>("nonce")?);
        Ok(Self { key, nonce })
    }

    /// Fills `block`, whose length is [`block_len`]: `sign` is given the signature's place.
    pub(crate) fn seal(
        &self,
        signer: &Fingerprint,
        block: &mut [u8],
        sign: impl FnOnce(&mut [u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let needed = FINGERPRINT_LEN + TAG_LEN;
        let (place, rest) = block.split_first_chunk_mut::<FINGERPRINT_LEN>().ok_or(Error::Buffer { needed })?;
        *place = *signer.as_bytes();
        let (signature, _) = rest.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::Buffer { needed })?;
        sign(signature)?;
        Aead::new(self.key.expose()).seal_in_place(self.nonce.expose(), &[], block)
    }

    /// Opens a block of exactly the algorithm's length. [SIG-01] [SIG-02]
    #[inline(never)]
    pub(crate) fn open(
        &self,
        algorithm: SignatureAlgorithm,
        sealed: &[u8],
        signed: &Signed<'_>,
    ) -> Result<Claim, Error> {
        let mut block = [0; MAX_BLOCK_LEN];
        let plain = block.get_mut(..algorithm.signature_len() + FINGERPRINT_LEN).ok_or(Error::Decrypt)?;
        if sealed.len() != block_len(algorithm) {
            return Err(Error::Decrypt);
        }
        Aead::new(self.key.expose()).open(self.nonce.expose(), &[], sealed, plain)?;
        let (signer, signature) = plain.split_first_chunk::<FINGERPRINT_LEN>().ok_or(Error::Decrypt)?;
        let signer = Fingerprint::from_bytes(*signer);
        let signature = Signature::from_slice(algorithm, signature).ok_or(Error::Decrypt)?;
        Ok(Claim { signer, digest: signed.digest(&signer, algorithm), signature })
    }
}

/// Who says to have signed, with what is needed to check it.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) signer: Fingerprint,
    digest: [u8; 32],
    signature: Verifiable,
}

impl Claim {
    /// The three checks of SPEC §10.2. [SIG-03]
    pub(crate) fn verify(&self, identity: &PublicIdentity) -> Result<(), Error> {
        verify(identity, &self.signer, &self.digest, &self.signature)
    }
}

/// The checks that every signature by an identity takes. [SIG-03] [SIG-04]
pub(crate) fn verify<const N: usize>(
    identity: &PublicIdentity,
    signer: &Fingerprint,
    digest: &[u8; 32],
    signature: &Signature<N>,
) -> Result<(), Error> {
    let key = identity.signing_key();
    if identity.fingerprint() != signer || key.algorithm() != signature.algorithm() {
        return Err(Error::Signature);
    }
    key.verify(digest, signature.as_bytes())
}
