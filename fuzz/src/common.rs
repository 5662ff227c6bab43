//! What the targets share: people, a generator, an input that is read like a script, and changes that it makes.

use rand_core::{TryCryptoRng, TryRng};
use sealroom::{
    ContentType, Envelope, Identity, Limits, Locked, Padding, Profile, PublicIdentity, Reader, Recipient, Root,
    SymmetricKey, Transition, hazmat,
};
use std::convert::Infallible;
use std::sync::OnceLock;

/// SplitMix64: the same in every run, so that an input always does the same.
pub(crate) struct Rng(pub(crate) u64);

impl TryRng for Rng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|wide| wide as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(z ^ (z >> 31))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for piece in out.chunks_mut(8) {
            let word = self.try_next_u64()?.to_le_bytes();
            piece.copy_from_slice(&word[..piece.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Rng {}

/// The fuzzer's bytes, read as a script; what is past the end is zeros.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(crate) fn short(&mut self) -> usize {
        usize::from(u16::from_be_bytes([self.byte(), self.byte()]))
    }

    /// Eight bytes.
    pub(crate) fn long(&mut self) -> u64 {
        u64::from_be_bytes([0; 8].map(|_: u8| self.byte()))
    }

    /// A place among `many`, of which there is at least one.
    pub(crate) fn place(&mut self, many: usize) -> usize {
        usize::from(self.byte()) % many
    }

    /// Up to `len` bytes.
    pub(crate) fn take(&mut self, len: usize) -> &'a [u8] {
        self.0.split_off(..len.min(self.0.len())).unwrap_or_default()
    }

    /// Bytes after one that says how many.
    pub(crate) fn string(&mut self) -> &'a [u8] {
        let len = self.byte();
        self.take(len.into())
    }

    /// Makes up to seven changes, or none.
    pub(crate) fn edit(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..self.byte() % 8 {
            let (how, at, byte) = (self.byte(), self.short() % (bytes.len() + 1), self.byte());
            let end = (at + usize::from(byte)).min(bytes.len());
            match how % 6 {
                0 | 1 if at < bytes.len() => bytes[at] = byte,
                2 if at < bytes.len() => bytes[at] ^= 1 << (byte % 8),
                3 => bytes.truncate(at),
                4 => drop(bytes.drain(at..end)),
                5 => drop(bytes.splice(at..at, self.string().iter().copied())),
                _ => bytes.push(byte),
            }
        }
    }
}

/// Somebody with two generations of keys.
pub(crate) struct Person {
    pub(crate) generations: [Identity; 2],
    pub(crate) transition: Transition,
}

impl Person {
    pub(crate) fn first(&self) -> &Identity {
        &self.generations[0]
    }

    pub(crate) fn readers(&self) -> [Reader<'_>; 2] {
        [self.generations[1].reader(), self.generations[0].reader()]
    }
}

/// Nobody of the vectors, whose envelopes are among what the fuzzer begins with.
pub(crate) fn root(person: u8) -> Root {
    Root::from_bip39_seed(&[0x70 + person; 64])
}

pub(crate) fn people() -> &'static [Person; 4] {
    static PEOPLE: OnceLock<[Person; 4]> = OnceLock::new();
    PEOPLE.get_or_init(|| {
        [0, 1, 2, 3].map(|person| {
            let (root, rng) = (root(person), &mut Rng(0));
            let generations = [0, 1].map(|generation| root.identity(Profile::P256, generation, rng).unwrap());
            let transition = root.succeed(&generations[0], &generations[1], rng).unwrap();
            Person { generations, transition }
        })
    })
}

/// Everybody's identities, for whoever looks one up.
pub(crate) fn directory() -> Vec<PublicIdentity> {
    people().iter().flat_map(|person| &person.generations).map(|identity| identity.public().clone()).collect()
}

pub(crate) fn symmetric() -> SymmetricKey {
    SymmetricKey::take(&mut [3; 32])
}

/// What is sealed in an envelope under a symmetric key.
pub(crate) fn content_under(key: &SymmetricKey, envelope: &[u8]) -> Vec<u8> {
    content_of(envelope, &[Reader::symmetric(key)]).unwrap()
}

/// What is sealed in an envelope, of whatever type, if one of the readers opens it.
pub(crate) fn content_of(envelope: &[u8], readers: &[Reader<'_>]) -> Option<Vec<u8>> {
    let locked = Locked::decode(envelope, &Limits::default()).ok()?;
    let unlocked = locked.unlock(readers, &mut Rng(0)).ok()?;
    hazmat::dek_and_content(unlocked, locked.payload()).ok().map(|(_, content)| content)
}

/// Seals any content as what a device stores under a key of its own.
pub(crate) fn store(content_type: ContentType, content: &[u8], key: &SymmetricKey, rng: &mut Rng) -> Vec<u8> {
    let to = [Recipient::symmetric(key)];
    hazmat::seal_as(&Envelope::to(&to).padding(Padding::Padme), content_type, content, rng).unwrap()
}

/// A room's state is encoded and decoded in one way. [ROOM-26]
pub(crate) fn assert_state_is_stable(room: &sealroom::Room) {
    let state = hazmat::room_state(room);
    assert_eq!(hazmat::room_state(&hazmat::room_of_state(&state).unwrap()), state);
}
