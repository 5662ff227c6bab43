//! Everyone who may be in a room: derived once.

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;
use sealroom::*;
use std::collections::BTreeMap;
use std::sync::OnceLock;

pub(crate) const PEOPLE: u8 = 8;
/// Generations of keys that each of them may come to have.
pub(crate) const GENERATIONS: u8 = 3;

/// One generation of one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Who {
    pub(crate) person: u8,
    pub(crate) generation: u8,
}

impl Who {
    pub(crate) const fn first(person: u8) -> Self {
        Self { person, generation: 0 }
    }

    /// The same person after the next change of keys, if there is one more.
    pub(crate) fn next(self) -> Option<Self> {
        let generation = self.generation + 1;
        (generation < GENERATIONS).then_some(Self { generation, ..self })
    }

    pub(crate) fn identity(self) -> &'static Identity {
        &everyone()[&self].0
    }

    pub(crate) fn public(self) -> &'static PublicIdentity {
        self.identity().public()
    }

    pub(crate) fn fingerprint(self) -> Fingerprint {
        *self.public().fingerprint()
    }

    pub(crate) fn sender(self) -> Sender<'static> {
        self.identity().sender()
    }

    /// The statement that the next generation follows this one.
    pub(crate) fn transition(self) -> Option<&'static Transition> {
        everyone()[&self].1.as_ref()
    }

    /// Somebody who is nowhere in the world.
    pub(crate) fn outsider() -> &'static PublicIdentity {
        static MADE: OnceLock<Identity> = OnceLock::new();
        let make = || {
            let root = Root::from_bip39_seed(&[0xee; 64]);
            root.identity(Profile::P256, 0, &mut ChaCha20Rng::seed_from_u64(1)).unwrap()
        };
        MADE.get_or_init(make).public()
    }

    pub(crate) fn of(fingerprint: &Fingerprint) -> Self {
        static MADE: OnceLock<BTreeMap<Fingerprint, Who>> = OnceLock::new();
        MADE.get_or_init(|| everyone().keys().map(|who| (who.fingerprint(), *who)).collect())[fingerprint]
    }
}

/// The first `generations` of a person, the oldest first.
pub(crate) fn generations(person: u8, generations: u8) -> Vec<Who> {
    (0..generations).map(|generation| Who { person, generation }).collect()
}

pub(crate) fn readers(keys: &[Who]) -> Vec<Reader<'static>> {
    keys.iter().map(|who| who.identity().reader()).collect()
}

pub(crate) fn directory() -> &'static BTreeMap<Fingerprint, PublicIdentity> {
    static MADE: OnceLock<BTreeMap<Fingerprint, PublicIdentity>> = OnceLock::new();
    MADE.get_or_init(|| everyone().keys().map(|who| (who.fingerprint(), who.public().clone())).collect())
}

type Everyone = BTreeMap<Who, (Identity, Option<Transition>)>;

fn everyone() -> &'static Everyone {
    static MADE: OnceLock<Everyone> = OnceLock::new();
    MADE.get_or_init(|| {
        let mut made = Everyone::new();
        // The same in each run, so that a history that fails can be repeated.
        let rng = &mut ChaCha20Rng::seed_from_u64(0);
        for person in 0..PEOPLE {
            let root = Root::from_bip39_seed(&[person + 1; 64]);
            let make = |generation, rng: &mut _| root.identity(Profile::P256, generation, rng).unwrap();
            for who in generations(person, GENERATIONS) {
                let (identity, next) = (make(who.generation.into(), rng), make(u32::from(who.generation) + 1, rng));
                let transition = who.next().map(|_| root.succeed(&identity, &next, rng).unwrap());
                made.insert(who, (identity, transition));
            }
        }
        made
    })
}
