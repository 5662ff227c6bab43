//! Of the crates of RustCrypto.

use super::{PIECE_LEN, TAG_LEN};
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::Generate;
use p256::{PublicKey, SecretKey, ecdh};
use sha2::{Digest, Sha256};

/// AES-256-GCM over [pieces](PIECE_LEN), each under a nonce of its own and followed by its tag.
pub(crate) struct Pieces(Aes256Gcm);

impl Pieces {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    pub(crate) fn seal(&self, plain: &[u8], sealed: &mut [u8]) {
        let pieces = plain.chunks(PIECE_LEN).zip(sealed.chunks_mut(PIECE_LEN + TAG_LEN));
        for (index, (plain, sealed)) in pieces.enumerate() {
            let (text, tag) = sealed.split_at_mut(plain.len());
            let inout = InOutBuf::new(plain, text).unwrap();
            tag.copy_from_slice(&self.0.encrypt_inout_detached(&nonce(index), &[], inout).unwrap());
        }
    }

    pub(crate) fn open(&self, sealed: &[u8], plain: &mut [u8]) {
        let pieces = sealed.chunks(PIECE_LEN + TAG_LEN).zip(plain.chunks_mut(PIECE_LEN));
        for (index, (sealed, plain)) in pieces.enumerate() {
            let (text, tag) = sealed.split_at(plain.len());
            let inout = InOutBuf::new(text, plain).unwrap();
            self.0.decrypt_inout_detached(&nonce(index), &[], inout, &Tag::try_from(tag).unwrap()).unwrap();
        }
    }
}

fn nonce(index: usize) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&(index as u64).to_be_bytes());
    nonce.into()
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Two parties of one Diffie-Hellman.
pub(crate) struct Pair(SecretKey, PublicKey);

impl Pair {
    pub(crate) fn generate() -> Self {
        Self(SecretKey::generate(), SecretKey::generate().public_key())
    }

    pub(crate) fn agree(&self) -> [u8; 32] {
        (*ecdh::diffie_hellman(self.0.to_nonzero_scalar(), self.1.as_affine()).raw_secret_bytes()).into()
    }
}

/// An ECDSA key.
pub(crate) struct Signer(SigningKey);

impl Signer {
    pub(crate) fn generate() -> Self {
        Self(SigningKey::from(SecretKey::generate()))
    }

    pub(crate) fn sign(&self, digest: &[u8; 32]) -> Signature {
        self.0.sign_prehash(digest).unwrap()
    }

    pub(crate) fn verify(&self, digest: &[u8; 32], signature: &Signature) {
        self.0.verifying_key().verify_prehash(digest, signature).unwrap();
    }
}
