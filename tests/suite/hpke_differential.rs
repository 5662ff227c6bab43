//! Our wraps against another implementation of HPKE, the crate `hpke`, in both directions; and whole envelopes against
//! a reader and a writer that are written here from SPEC.md, with that crate for HPKE.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::DhP256HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use sealroom::*;
use sha2::Digest;

type PrivateKey = <DhP256HkdfSha256 as Kem>::PrivateKey;

/// The crate's OpenBase.
fn their_open(key: &PrivateKey, enc: &[u8], info: &[u8], sealed: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
    let enc = <DhP256HkdfSha256 as Kem>::EncappedKey::from_bytes(enc).unwrap();
    hpke::setup_receiver::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(&OpModeR::Base, key, &enc, info)
        .unwrap()
        .open(sealed, aad)
        .ok()
}

/// The crate's SealBase, with empty aad: enc and ciphertext.
fn their_seal(point: &[u8], info: &[u8], plain: &[u8], rng: &mut ChaCha20Rng) -> ([u8; 65], [u8; 48]) {
    let key = <DhP256HkdfSha256 as Kem>::PublicKey::from_bytes(point).unwrap();
    let (enc, mut context) =
        hpke::setup_sender_with_rng::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(&OpModeS::Base, &key, info, rng)
            .unwrap();
    (enc.to_bytes().into(), context.seal(plain, b"").unwrap().try_into().unwrap())
}

fn random<const N: usize>(rng: &mut ChaCha20Rng) -> [u8; N] {
    let mut out = [0; N];
    rng.fill_bytes(&mut out);
    out
}

fn random_info(rng: &mut ChaCha20Rng) -> Vec<u8> {
    let mut info = vec![0; rng.next_u32() as usize % 300];
    rng.fill_bytes(&mut info);
    info
}

/// [STZ-04] [ID-04]
#[test]
fn key_pairs() {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    for len in 0..200 {
        let mut ikm = vec![0; len];
        rng.fill_bytes(&mut ikm);
        let (scalar, point) = hazmat::hpke_derive_key_pair(&ikm).unwrap();
        let (private, public) = DhP256HkdfSha256::derive_keypair(&ikm);
        assert_eq!((&scalar[..], &point[..]), (&*private.to_bytes(), &*public.to_bytes()));
    }
}

/// [STZ-04] theirs opens as ours.
#[test]
fn they_seal_we_open() {
    let mut rng = ChaCha20Rng::from_seed([2; 32]);
    for _ in 0..200 {
        let (scalar, point) = hazmat::hpke_derive_key_pair(&random::<32>(&mut rng)).unwrap();
        let (info, dek) = (random_info(&mut rng), random::<32>(&mut rng));
        let (enc, entry) = their_seal(&point, &info, &dek, &mut rng);
        assert_eq!(hazmat::hpke_open(&scalar, &enc, &info, &entry), Ok(dek));
        let other_info = [&info[..], b"x"].concat();
        assert_eq!(hazmat::hpke_open(&scalar, &enc, &other_info, &entry), Err(Error::Decrypt));
        let bit = rng.next_u32() as usize % (48 * 8);
        let mut changed = entry;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(hazmat::hpke_open(&scalar, &enc, &info, &changed), Err(Error::Decrypt));
    }
}

/// [STZ-04] ours, one enc for 1 to 20 recipients, opens for each of them as theirs, and for none as another's.
#[test]
fn we_seal_they_open() {
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    for count in 1..=20 {
        let keys: Vec<_> = (0..count).map(|_| DhP256HkdfSha256::derive_keypair(&random::<32>(&mut rng))).collect();
        let recipients: Vec<_> = keys.iter().map(|(_, key)| (key.to_bytes(), random_info(&mut rng))).collect();
        let pairs: Vec<(&[u8], &[u8])> = recipients.iter().map(|(point, info)| (&point[..], &info[..])).collect();
        let dek = random(&mut rng);
        let (enc, entries) = hazmat::hpke_seal_group(&random::<32>(&mut rng), &pairs, &dek).unwrap();
        assert_eq!(entries.len(), count);
        for (place, (key, _)) in keys.iter().enumerate() {
            let info = pairs[place].1;
            assert_eq!(their_open(key, &enc, info, &entries[place], b"").as_deref(), Some(&dek[..]));
            assert_eq!(their_open(key, &enc, info, &entries[place], b"aad"), None);
            for other in (0..count).filter(|other| *other != place) {
                assert_eq!(their_open(key, &enc, info, &entries[other], b""), None);
            }
        }
    }
}

// -- SPEC.md once more

/// `opaque x<V>`. SPEC §3
fn vector(bytes: &[u8]) -> Vec<u8> {
    let len = bytes.len() as u32;
    let prefix = match len {
        0..64 => vec![len as u8],
        64..16_384 => (0x4000 | len as u16).to_be_bytes().to_vec(),
        _ => (0x8000_0000 | len).to_be_bytes().to_vec(),
    };
    [&prefix, bytes].concat()
}

/// SPEC §4.2
fn sign_input(label: &str, content: &[u8]) -> Vec<u8> {
    [vector(format!("sealroom/1 {label}").as_bytes()), vector(content)].concat()
}

/// SPEC §4.1
fn derive<const N: usize>(key: &[u8; 32], label: &str, context: &[u8]) -> [u8; N] {
    let info = [&(N as u16).to_be_bytes()[..], &sign_input(label, context)].concat();
    let mut out = [0; N];
    hazmat::hkdf_expand(key, &info, &mut out).unwrap();
    out
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}

/// `info` of a wrap in a message's P-256 group. SPEC §8.1
fn wrap_info(salt: &[u8], id: &[u8; 32]) -> Vec<u8> {
    sign_input("wrap", &[&[0, 1, 1, 1], salt, id].concat())
}

/// Recipient id of a key without an identity. SPEC §8.1
fn bare_id(point: &[u8]) -> [u8; 32] {
    let algorithm = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
        0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ];
    sha256(&sign_input("bare key", &[&algorithm, point].concat()))
}

/// Takes `len` bytes from the front.
fn take<'a>(bytes: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (front, rest) = bytes.split_at(len);
    *bytes = rest;
    front
}

/// Takes a vector from the front. SPEC §3
fn take_vector<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let prefix = take(bytes, 1 << (bytes[0] >> 6));
    let len = prefix.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
    take(bytes, len & !(0b11 << (8 * prefix.len() - 2)))
}

/// A key pair as the crate has it, and the recipient id it is used under.
struct Party {
    private: PrivateKey,
    id: [u8; 32],
}

/// [STZ-02] [STZ-03] [STZ-04] [STZ-05] [STZ-06] [ENV-06] [ENV-07] [PAY-02] [SIG-02] [SIG-03] [ID-03] [ID-04] what we seal, read by
/// SPEC.md alone.
#[test]
fn our_envelopes_open_by_the_specification() {
    let mut rng = ChaCha20Rng::from_seed([4; 32]);
    for count in 1..=12_usize {
        // Every other recipient has an identity, made from its seed by us and by SPEC §11.
        let mut parties = Vec::new();
        let mut identities = Vec::new();
        let mut bare = Vec::new();
        for place in 0..=count {
            if place % 2 == 0 {
                let seed = random(&mut rng);
                let identity = Root::from_bip39_seed(&seed).identity(Profile::P256, 0, &mut rng).unwrap();
                let root = hazmat::hkdf_extract(b"sealroom/1 identity", &seed);
                let generation = derive(&root, "generation", &[0; 4]);
                let ikm: [u8; 32] = derive(&generation, "p256 encryption", b"");
                let (private, _) = DhP256HkdfSha256::derive_keypair(&ikm);
                // The body is all but the signature.
                let id = sha256(&sign_input("fingerprint", &identity.public().to_bytes()[..7 + 1 + 4 + 65 + 65 + 32]));
                assert_eq!(&id, identity.public().fingerprint().as_bytes());
                parties.push(Party { private, id });
                identities.push(identity);
            } else {
                let (private, public) = DhP256HkdfSha256::derive_keypair(&random::<32>(&mut rng));
                let point = <[u8; 65]>::from(public.to_bytes());
                parties.push(Party { private, id: bare_id(&point) });
                bare.push(P256PublicKey::from_bytes(&point).unwrap());
            }
        }
        // The first is the sender.
        let sender = &identities[0];
        let mut to: Vec<_> = identities[1..].iter().map(|identity| identity.public().recipient()).collect();
        to.extend(bare.iter().map(Recipient::bare_p256));
        // Named twice, and the sender too: one entry each.
        to.extend([to[0], sender.public().recipient()]);
        let decoys = count % 4;
        let mut content = vec![0; [0, 1, 16_383, 16_384, 40_000][count % 5]];
        rng.fill_bytes(&mut content);
        let envelope = Envelope::to(&to).signed_by(sender.sender()).decoys(decoys).seal(&content, &mut rng).unwrap();

        let mut rest = &envelope[..];
        assert_eq!(take(&mut rest, 9), b"SLRM\0\x01\x01\x01\0");
        let salt = take(&mut rest, 24);
        let mut stanzas = take_vector(&mut rest);
        assert_eq!(take(&mut stanzas, 1), [1]);
        let enc = take(&mut stanzas, 65);
        let entries: Vec<&[u8]> = take_vector(&mut stanzas).chunks(48).collect();
        assert_eq!((stanzas.len(), take_vector(&mut rest).len()), (0, 0));
        let header = &envelope[..envelope.len() - rest.len()];
        assert_eq!(entries.len(), count + 1 + decoys);
        assert!(entries.is_sorted_by(|a, b| a < b));

        // Each opens one entry, no two the same, and all find the same DEK.
        let mut opened = Vec::new();
        let mut deks = Vec::new();
        for party in &parties {
            let info = wrap_info(salt, &party.id);
            let places = entries.iter().enumerate();
            let found: Vec<_> = places
                .filter_map(|(place, entry)| Some((place, their_open(&party.private, enc, &info, entry, b"")?)))
                .collect();
            let [(place, dek)] = &found[..] else { panic!("{} entries", found.len()) };
            opened.push(*place);
            deks.push(<[u8; 32]>::try_from(&dek[..]).unwrap());
            let other_id = wrap_info(salt, &[0; 32]);
            assert!(entries.iter().all(|entry| their_open(&party.private, enc, &other_id, entry, b"").is_none()));
        }
        opened.sort_unstable();
        opened.dedup();
        assert_eq!(opened.len(), count + 1);
        deks.dedup();
        let [dek] = deks[..] else { panic!("{} DEKs", deks.len()) };

        let hash = sha256(header);
        let keys: [u8; 76] = derive(&dek, "envelope", &hash);
        let commitment = take(&mut rest, 32);
        assert_eq!(commitment, &keys[44..]);
        let key = keys[..32].try_into().unwrap();
        let mut plain = Vec::new();
        let mut hashes = Vec::new();
        let payload_len = rest.len() - 112;
        let mut chunks = take(&mut rest, payload_len);
        for number in 0_u8.. {
            let chunk_len = chunks.len().min(16_400);
            let chunk = take(&mut chunks, chunk_len);
            let mut nonce: [u8; 12] = keys[32..44].try_into().unwrap();
            nonce[11] ^= number;
            plain.extend(hazmat::aes_256_gcm_open(&key, &nonce, b"", chunk).unwrap());
            hashes.extend(sha256(chunk));
            if chunk.len() < 16_400 {
                break;
            }
        }
        assert!(chunks.is_empty());
        assert_eq!(plain, content);

        let keys: [u8; 44] = derive(&dek, "signature", &hash);
        let (key, nonce) = (keys[..32].try_into().unwrap(), keys[32..].try_into().unwrap());
        let block = hazmat::aes_256_gcm_open(&key, &nonce, b"", rest).unwrap();
        assert_eq!(block[..32], parties[0].id);
        let signed = [&block[..32], &[1], &hash, commitment, &sha256(&hashes)].concat();
        let digest = sha256(&sign_input("envelope signature", &signed));
        let signing_key = &sender.public().to_bytes()[7 + 1 + 4 + 65..][..65];
        assert_eq!(hazmat::p256_verify(signing_key, &digest, &block[32..]), Ok(()));

        let v = |len: usize| if len < 64 { 1 } else { 2 };
        let group = 48 * entries.len();
        let size = 260 + v(66 + v(group) + group) + v(group) + group + content.len() + 16 * (content.len() / 16_384);
        assert_eq!(envelope.len(), size);
    }
}

/// [STZ-04] [STZ-09] [ENV-08] [PAD-01] what is sealed by SPEC.md alone, we open: to one reader, among
/// entries that are a decoy or mislead.
#[test]
fn envelopes_by_the_specification_open() {
    let mut rng = ChaCha20Rng::from_seed([5; 32]);
    for round in 0..50 {
        let ours = P256PrivateKey::generate(&mut rng).unwrap();
        let point = ours.public_key().as_bytes();
        let (salt, dek): ([u8; 24], [u8; 32]) = (random(&mut rng), random(&mut rng));
        let info = wrap_info(&salt, &bare_id(point));
        let (enc, entry) = their_seal(point, &info, &dek, &mut ChaCha20Rng::from_seed([round; 32]));
        // The same ephemeral again: an entry that opens, to a DEK that is not this envelope's.
        let other_dek: [u8; 32] = random(&mut rng);
        let (same_enc, misleading) = their_seal(point, &info, &other_dek, &mut ChaCha20Rng::from_seed([round; 32]));
        assert_eq!(enc, same_enc);
        let mut entries = [entry, misleading, random(&mut rng)];
        entries.sort_unstable();
        let stanza = [&[1], &enc[..], &vector(entries.as_flattened())].concat();
        let padded = round % 2;
        let public_data = random_info(&mut rng);
        let head = [&b"SLRM\0\x01\x01\0"[..], &[padded], &salt].concat();
        let header = [head, vector(&stanza), vector(&public_data)].concat();

        let keys: [u8; 76] = derive(&dek, "envelope", &sha256(&header));
        let content = random_info(&mut rng);
        let plain = match padded {
            0 => content.clone(),
            _ => [&(content.len() as u64).to_be_bytes()[..], &content, &[0; 100]].concat(),
        };
        let (key, nonce) = (keys[..32].try_into().unwrap(), keys[32..44].try_into().unwrap());
        let chunk = hazmat::aes_256_gcm_seal(&key, &nonce, b"", &plain).unwrap();
        let envelope = [&header, &keys[44..], &chunk].concat();

        let opened = open(&envelope, &[Reader::bare_p256(&ours)], &mut rng).unwrap();
        assert_eq!(opened.claimed_signer(), None);
        assert_eq!(opened.unverified(), content);
        let stranger = P256PrivateKey::generate(&mut rng).unwrap();
        let refused = open(&envelope, &[Reader::bare_p256(&stranger)], &mut rng).err();
        assert_eq!(refused, Some(Error::Decrypt));
        // Another commitment: the DEK counts as not unwrapped.
        let mut changed = envelope.clone();
        changed[header.len() + usize::from(round) % 32] ^= 1;
        assert_eq!(open(&changed, &[Reader::bare_p256(&ours)], &mut rng).err(), Some(Error::Decrypt));
    }
}
