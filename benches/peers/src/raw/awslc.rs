//! Of the crate `aws-lc-rs`.

use super::{PIECE_LEN, TAG_LEN};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P256, PrivateKey, PublicKey, UnparsedPublicKey};
use aws_lc_rs::digest::{self, Digest, SHA256};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey, Signature,
};

/// AES-256-GCM over [pieces](PIECE_LEN), each under a nonce of its own and followed by its tag.
pub(crate) struct Pieces(LessSafeKey);

impl Pieces {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap()))
    }

    pub(crate) fn seal(&self, plain: &[u8], sealed: &mut [u8]) {
        let pieces = plain.chunks(PIECE_LEN).zip(sealed.chunks_mut(PIECE_LEN + TAG_LEN));
        for (index, (plain, sealed)) in pieces.enumerate() {
            let (text, tag) = sealed.split_at_mut(plain.len());
            text.copy_from_slice(plain);
            let made = self.0.seal_in_place_separate_tag(nonce(index), Aad::empty(), text).unwrap();
            tag.copy_from_slice(made.as_ref());
        }
    }

    pub(crate) fn open(&self, sealed: &[u8], plain: &mut [u8]) {
        let pieces = sealed.chunks(PIECE_LEN + TAG_LEN).zip(plain.chunks_mut(PIECE_LEN));
        for (index, (sealed, plain)) in pieces.enumerate() {
            let (text, tag) = sealed.split_at(plain.len());
            self.0.open_separate_gather(nonce(index), Aad::empty(), text, tag, plain).unwrap();
        }
    }
}

fn nonce(index: usize) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&(index as u64).to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&SHA256, bytes).as_ref().try_into().unwrap()
}

/// Two parties of one Diffie-Hellman.
pub(crate) struct Pair(PrivateKey, PublicKey);

impl Pair {
    pub(crate) fn generate() -> Self {
        let [one, other] = [(); 2].map(|()| PrivateKey::generate(&ECDH_P256).unwrap());
        Self(one, other.compute_public_key().unwrap())
    }

    pub(crate) fn agree(&self) -> [u8; 32] {
        let peer = UnparsedPublicKey::new(&ECDH_P256, &self.1);
        agreement::agree(&self.0, peer, (), |shared| Ok(shared.try_into().unwrap()))
            .unwrap_or_else(|()| panic!("no agreement"))
    }
}

/// An ECDSA key.
pub(crate) struct Signer(EcdsaKeyPair, ParsedPublicKey);

impl Signer {
    pub(crate) fn generate() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let public = key.public_key().as_ref().to_vec();
        let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &public).unwrap();
        Self(key, public)
    }

    pub(crate) fn sign(&self, digest: &[u8; 32]) -> Signature {
        self.0.sign_digest(&imported(digest)).unwrap()
    }

    pub(crate) fn verify(&self, digest: &[u8; 32], signature: &Signature) {
        self.1.verify_digest_sig(&imported(digest), signature.as_ref()).unwrap();
    }
}

fn imported(digest: &[u8; 32]) -> Digest {
    Digest::import_less_safe(digest, &SHA256).unwrap()
}
