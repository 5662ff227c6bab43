//! One person with a keyring, and segments of it by hand. SPEC §20

use super::hand::vector;
use super::rooms::Known;
use sealroom::*;

pub(crate) fn words() -> Root {
    Root::from_bip39_seed(&[0xa1; 64])
}

/// Whose keyring it is: the person of [`words`].
pub(crate) fn me() -> Identity {
    words().identity(Profile::P256, 0, &mut SystemRng).unwrap()
}

pub(crate) fn key() -> SymmetricKey {
    me().keyring_key().unwrap()
}

pub(crate) fn keyring() -> Keyring {
    Keyring::new(&mut SystemRng).unwrap()
}

/// A part by hand, of whoever holds the keyring key; its entries in their order. SPEC §20.1
pub(crate) fn by_hand(device: u8, revision: u64, entries: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut entries = entries.to_vec();
    entries.sort();
    let entries: Vec<u8> = entries.iter().flat_map(|(kind, content)| [vec![*kind], vector(content)].concat()).collect();
    let content = [&[device; 8][..], &revision.to_be_bytes(), &[2], &vector(&[]), &vector(&entries)].concat();
    let (key, rng) = (key(), &mut SystemRng);
    let to = [Recipient::symmetric(&key)];
    hazmat::seal_as(&Envelope::to(&to).padding(Padding::Padme), ContentType::Keyring, &content, rng).unwrap()
}

/// A Register by hand. SPEC §20.2
pub(crate) fn register(number: u8, name: &[u8], clock: u64, device: u8, value: &[u8]) -> (u8, Vec<u8>) {
    (4, [&[number][..], &vector(name), &clock.to_be_bytes(), &[device; 8], &vector(value)].concat())
}

/// A KeptEpoch by hand. SPEC §20.2
pub(crate) fn kept(known: &Known) -> (u8, Vec<u8>) {
    (1, [&known.body.encode()[..], &known.signer, &known.commitment, &[1], &known.secret].concat())
}

pub(crate) fn part(keyring: &mut Keyring) -> Vec<u8> {
    keyring.part(&key(), &mut SystemRng).unwrap()
}

pub(crate) fn merge(keyring: &mut Keyring, segment: &[u8]) -> Merged {
    keyring.merge(segment, &[&key()], &mut SystemRng).unwrap()
}
