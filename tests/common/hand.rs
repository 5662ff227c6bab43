//! Envelopes written after SPEC.md with other code than the crate's: the `hpke` crate, HKDF, AES-GCM and SHA-256.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::DhP256HkdfSha256;
use hpke::{Deserializable, OpModeS, Serializable};
use rand_core::{TryCryptoRng, TryRng};
use sealroom::{P256PublicKey, RsaPublicKey};
use sha2::{Digest, Sha256};

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The length prefix of a vector in its shortest form. SPEC §3
pub(crate) fn length(len: usize) -> Vec<u8> {
    match len {
        0..64 => vec![len as u8],
        64..16384 => (len as u16 | 0x4000).to_be_bytes().to_vec(),
        _ => (len as u32 | 0x8000_0000).to_be_bytes().to_vec(),
    }
}

/// `opaque x<V>`. SPEC §3
pub(crate) fn vector(bytes: &[u8]) -> Vec<u8> {
    [&length(bytes.len()), bytes].concat()
}

/// SPEC §4.1
pub(crate) fn derive(key: &[u8; 32], label: &str, context: &[u8], len: usize) -> Vec<u8> {
    let label = ["sealroom/1 ", label].concat();
    let info = [&(len as u16).to_be_bytes()[..], &vector(label.as_bytes()), &vector(context)].concat();
    let mut out = vec![0; len];
    hkdf::Hkdf::<Sha256>::from_prk(key).unwrap().expand(&info, &mut out).unwrap();
    out
}

/// SPEC §4.2
pub(crate) fn sign_input(label: &str, content: &[u8]) -> Vec<u8> {
    [vector(["sealroom/1 ", label].concat().as_bytes()), vector(content)].concat()
}

pub(crate) fn gcm_seal(key: &[u8], nonce: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut sealed = plain.to_vec();
    let nonce: [u8; 12] = nonce.try_into().unwrap();
    let tag = Aes256Gcm::new_from_slice(key)
        .unwrap()
        .encrypt_inout_detached((&nonce).into(), b"", sealed.as_mut_slice().into())
        .unwrap();
    sealed.extend_from_slice(&tag);
    sealed
}

/// SPEC §8.1
pub(crate) fn wrap_info(content_type: u8, stanza_type: u8, salt: &[u8; 24], recipient_id: &[u8; 32]) -> Vec<u8> {
    sign_input("wrap", &[&[0, 1, content_type, stanza_type][..], salt, recipient_id].concat())
}

/// A generator that gives the same bytes whenever it is asked: HPKE's ephemeral is then a known one.
struct Fixed([u8; 32]);

impl TryRng for Fixed {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        panic!("not asked for")
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        panic!("not asked for")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        assert_eq!(out.len(), 32);
        out.copy_from_slice(&self.0);
        Ok(())
    }
}

impl TryCryptoRng for Fixed {}

/// `enc` and one entry, of the ephemeral that `ikm` gives. SPEC §8.2
pub(crate) fn wrap_p256(key: &P256PublicKey, info: &[u8], dek: &[u8; 32], ikm: [u8; 32]) -> ([u8; 65], [u8; 48]) {
    let key = <DhP256HkdfSha256 as hpke::Kem>::PublicKey::from_bytes(key.as_bytes()).unwrap();
    let (enc, sealed) = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(
        &OpModeS::Base,
        &key,
        info,
        dek,
        b"",
        &mut Fixed(ikm),
    )
    .unwrap();
    (enc.to_bytes().as_slice().try_into().unwrap(), sealed.try_into().unwrap())
}

/// A stanza of type 1 with these entries, in the order that they should have. SPEC §8
pub(crate) fn group(enc: &[u8; 65], entries: &[[u8; 48]]) -> Vec<u8> {
    let mut entries = entries.to_vec();
    entries.sort_unstable();
    [&[1][..], enc, &vector(&entries.concat())].concat()
}

/// The key id of a key under a recipient id. SPEC §8.3
pub(crate) fn rsa_key_id(id: &[u8; 32], spki: &[u8]) -> [u8; 8] {
    *sha256(&sign_input("rsa key id", &[&id[..], spki].concat())).first_chunk().unwrap()
}

/// A stanza of type 2. SPEC §8.3
pub(crate) fn rsa_stanza(key: &RsaPublicKey, id: &[u8; 32], info_hash: &[u8; 32], dek: &[u8; 32]) -> Vec<u8> {
    let message = [&dek[..], info_hash].concat();
    let wrapped = sealroom::hazmat::rsa_oaep_encrypt(key.spki_der(), &message, &[8; 32]).unwrap();
    [&[2][..], &rsa_key_id(id, key.spki_der()), &vector(&wrapped)].concat()
}

/// A stanza of type 3. SPEC §8.4
pub(crate) fn symmetric_stanza(kek: &[u8; 32], info: &[u8], dek: &[u8; 32]) -> Vec<u8> {
    let wrapped = gcm_seal(&derive(kek, "symmetric wrap", info, 32), &[0; 12], dek);
    [&[3][..], &derive(kek, "key id", b"", 16), &wrapped].concat()
}

/// What an envelope is made of. SPEC §7.1
#[derive(Clone)]
pub(crate) struct Hand {
    pub(crate) content_type: u8,
    pub(crate) signature: u8,
    pub(crate) padding: u8,
    pub(crate) salt: [u8; 24],
    pub(crate) dek: [u8; 32],
    pub(crate) stanzas: Vec<u8>,
    pub(crate) public_data: Vec<u8>,
}

impl Hand {
    /// Unsigned, not padded, to the key `kek`.
    pub(crate) fn symmetric(kek: &[u8; 32]) -> Self {
        let (salt, dek) = ([0x5a; 24], [0xde; 32]);
        let stanzas = symmetric_stanza(kek, &wrap_info(1, 3, &salt, &[0; 32]), &dek);
        Self { content_type: 1, signature: 0, padding: 0, salt, dek, stanzas, public_data: Vec::new() }
    }

    pub(crate) fn header(&self) -> Vec<u8> {
        let Self { content_type, signature, padding, salt, stanzas, public_data, .. } = self;
        let fixed = [*content_type, *signature, *padding];
        [b"SLRM\x00\x01", &fixed[..], salt, &vector(stanzas), &vector(public_data)].concat()
    }

    /// key, base nonce, commitment. SPEC §7.3
    pub(crate) fn schedule(&self) -> (Vec<u8>, [u8; 12], Vec<u8>) {
        let out = derive(&self.dek, "envelope", &sha256(&self.header()), 76);
        (out[..32].to_vec(), out[32..44].try_into().unwrap(), out[44..].to_vec())
    }

    /// One chunk under its number. SPEC §9.1
    pub(crate) fn chunk(&self, number: u64, plain: &[u8]) -> Vec<u8> {
        let (key, mut nonce, _) = self.schedule();
        nonce[4..].iter_mut().zip(number.to_be_bytes()).for_each(|(byte, number)| *byte ^= number);
        gcm_seal(&key, &nonce, plain)
    }

    /// Header, commitment, and these plaintexts each as one chunk.
    pub(crate) fn envelope(&self, chunks: &[&[u8]]) -> Vec<u8> {
        let mut out = [self.header(), self.schedule().2].concat();
        for (number, plain) in chunks.iter().enumerate() {
            out.extend(self.chunk(number as u64, plain));
        }
        out
    }

    /// Header, commitment, and a plaintext cut as it should be.
    pub(crate) fn seal(&self, plain: &[u8]) -> Vec<u8> {
        let mut chunks: Vec<_> = plain.chunks(16384).collect();
        if plain.len().is_multiple_of(16384) {
            chunks.push(&[]);
        }
        self.envelope(&chunks)
    }

    /// What is signed, but for its label. SPEC §10.2
    pub(crate) fn signed_content(&self, chunks: &[&[u8]], signer: &[u8; 32]) -> Vec<u8> {
        let hashes: Vec<u8> =
            chunks.iter().enumerate().flat_map(|(number, plain)| sha256(&self.chunk(number as u64, plain))).collect();
        let (h, commitment) = (sha256(&self.header()), self.schedule().2);
        [&signer[..], &[self.signature], &h, &commitment, &sha256(&hashes)].concat()
    }

    /// The digest of what is signed. SPEC §10.2
    pub(crate) fn signed_digest(&self, chunks: &[&[u8]], signer: &[u8; 32]) -> [u8; 32] {
        sha256(&sign_input("envelope signature", &self.signed_content(chunks, signer)))
    }

    /// One chunk, and a block that names `claims`, with this signature.
    pub(crate) fn seal_signed(&self, plain: &[u8], claims: &[u8; 32], signature: &[u8]) -> Vec<u8> {
        [self.seal(plain), self.block(&[&claims[..], signature].concat())].concat()
    }

    /// The signature block of whatever bytes. SPEC §10.1
    pub(crate) fn block(&self, plain: &[u8]) -> Vec<u8> {
        let out = derive(&self.dek, "signature", &sha256(&self.header()), 44);
        gcm_seal(&out[..32], &out[32..], plain)
    }
}
