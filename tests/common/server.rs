//! A server that does what it likes with what it stores: its moves, on bytes alone.

use proptest::prelude::*;

/// What a server does to an object before it gives it out. Places and other objects are taken modulo what there is.
#[derive(Clone, Debug)]
pub(crate) enum Spoil {
    /// As it was stored.
    Not,
    Flip {
        place: usize,
        bit: u8,
    },
    Cut {
        len: usize,
    },
    Extend {
        by: Vec<u8>,
    },
    /// Goes on as another object from some place on.
    Splice {
        with: usize,
        at: usize,
    },
    /// The head of one envelope, or header of one message, and what follows that of another.
    Transplant {
        with: usize,
    },
    /// Another envelope's wrapped keys under this one's salt.
    SwapStanzas {
        with: usize,
    },
    /// Another type.
    Retype {
        code: u8,
    },
}

impl Spoil {
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        let any_place = || 0..4096_usize;
        prop_oneof![
            any_place().prop_flat_map(|place| (0..8_u8).prop_map(move |bit| Self::Flip { place, bit })),
            any_place().prop_map(|len| Self::Cut { len }),
            prop::collection::vec(any::<u8>(), 1..20).prop_map(|by| Self::Extend { by }),
            (any_place(), any_place()).prop_map(|(with, at)| Self::Splice { with, at }),
            any_place().prop_map(|with| Self::Transplant { with }),
            any_place().prop_map(|with| Self::SwapStanzas { with }),
            prop_oneof![1..=8_u8, 0x20..=0x28_u8].prop_map(|code| Self::Retype { code }),
        ]
    }

    /// The object at `at` of all that are stored, after the move.
    pub(crate) fn apply(&self, stored: &[Vec<u8>], at: usize) -> Vec<u8> {
        let mut bytes = stored[at].clone();
        let other = |with: &usize| &stored[with % stored.len()];
        match self {
            Self::Not => {}
            Self::Flip { place, bit } => {
                let place = place % bytes.len();
                bytes[place] ^= 1 << bit;
            }
            Self::Cut { len } => bytes.truncate(len % bytes.len()),
            Self::Extend { by } => bytes.extend(by),
            Self::Splice { with, at } => {
                let at = at % bytes.len();
                bytes.truncate(at);
                bytes.extend(other(with).iter().skip(at));
            }
            Self::Transplant { with } => {
                bytes.truncate(head_len(&bytes));
                bytes.extend(&other(with)[head_len(other(with))..]);
            }
            Self::SwapStanzas { with } => {
                if let (Some(own), Some(others)) = (stanzas(&bytes), stanzas(other(with))) {
                    bytes.splice(own, other(with)[others].iter().copied());
                }
            }
            Self::Retype { code } => bytes[6] = *code,
        }
        bytes
    }
}

/// Where the vector at `at` ends. SPEC §3
fn vector_end(bytes: &[u8], at: usize) -> usize {
    match bytes[at] >> 6 {
        0 => at + 1 + usize::from(bytes[at]),
        1 => at + 2 + (usize::from(bytes[at] & 0x3f) << 8 | usize::from(bytes[at + 1])),
        _ => panic!("larger than any object here"),
    }
}

/// The stanzas of an envelope, with their length. SPEC §7.1
fn stanzas(bytes: &[u8]) -> Option<std::ops::Range<usize>> {
    (bytes[6] < 0x20).then(|| 33..vector_end(bytes, 33))
}

/// What stands before what is sealed: Header and commitment, or MessageHeader; of others the prefix. SPEC §7.1, §19.1
fn head_len(bytes: &[u8]) -> usize {
    match bytes[6] {
        0x23 => 63,
        kind if kind < 0x20 => vector_end(bytes, vector_end(bytes, 33)) + 32,
        _ => 7,
    }
}
