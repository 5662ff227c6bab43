//! Stanzas on the wire. SPEC §8.

use super::Limits;
use crate::crypto::P256Public;
use crate::error::Error;
use crate::labels::{MAX_ARGON2_LANES, POINT_LEN, WRAPPED_LEN};
use crate::wire::{Reader as Wire, Writer};

/// Stanza types. [STZ-01]
pub(crate) const P256_GROUP: u8 = 1;
pub(crate) const RSA: u8 = 2;
pub(crate) const SYMMETRIC: u8 = 3;
pub(crate) const PASSPHRASE: u8 = 4;

/// Bytes of an RSA key id.
pub(crate) const RSA_KEY_ID_LEN: usize = 8;
/// Bytes of a symmetric key id.
pub(crate) const KEY_ID_LEN: usize = 16;
/// Bytes of a whole symmetric stanza: type, key id, wrapped key.
pub(crate) const SYMMETRIC_LEN: usize = 1 + KEY_ID_LEN + WRAPPED_LEN;
/// Bytes of the longest passphrase stanza: type, KDF with Argon2id's costs, wrapped key.
pub(crate) const PASSPHRASE_MAX_LEN: usize = 1 + Kdf::MAX_LEN + WRAPPED_LEN;

/// One stanza, borrowed from the header.
#[derive(Clone, Debug)]
pub(crate) enum Stanza<'a> {
    P256Group { enc: &'a [u8; POINT_LEN], entries: &'a [[u8; WRAPPED_LEN]] },
    Rsa { key_id: &'a [u8; RSA_KEY_ID_LEN], wrapped: &'a [u8] },
    Symmetric { key_id: &'a [u8; KEY_ID_LEN], wrapped: &'a [u8; WRAPPED_LEN] },
    Passphrase { kdf: Kdf, wrapped: &'a [u8; WRAPPED_LEN] },
}

impl<'a> Stanza<'a> {
    fn decode(wire: &mut Wire<'a>) -> Result<Self, Error> {
        match wire.u8("stanza type")? {
            P256_GROUP => {
                let enc = wire.array("enc")?;
                // [STZ-07] at least one entry, nothing left over.
                let (entries, rest) = wire.vector("entries")?.as_chunks();
                if entries.is_empty() || !rest.is_empty() {
                    return Err(Error::Malformed { field: "entries" });
                }
                Ok(Self::P256Group { enc, entries })
            }
            RSA => {
                let key_id = wire.array("key_id")?;
                let wrapped = wire.vector("wrapped")?;
                // [STZ-10] exactly a modulus.
                if !matches!(wrapped.len(), 256 | 384 | 512) {
                    return Err(Error::Malformed { field: "wrapped" });
                }
                Ok(Self::Rsa { key_id, wrapped })
            }
            SYMMETRIC => Ok(Self::Symmetric { key_id: wire.array("key_id")?, wrapped: wire.array("wrapped")? }),
            PASSPHRASE => Ok(Self::Passphrase { kdf: Kdf::decode(wire)?, wrapped: wire.array("wrapped")? }),
            // [STZ-01]
            _ => Err(Error::Unsupported { field: "stanza type" }),
        }
    }

    /// Type and key id: what stanzas are ordered by. A group and a passphrase have no id and so cannot repeat.
    fn order(&self) -> (u8, &'a [u8]) {
        match self {
            Self::P256Group { .. } => (P256_GROUP, &[]),
            Self::Rsa { key_id, .. } => (RSA, key_id.as_slice()),
            Self::Symmetric { key_id, .. } => (SYMMETRIC, key_id.as_slice()),
            Self::Passphrase { .. } => (PASSPHRASE, &[]),
        }
    }

    /// Wrapped keys in this stanza.
    const fn entries(&self) -> usize {
        match self {
            Self::P256Group { entries, .. } => entries.len(),
            Self::Rsa { .. } | Self::Symmetric { .. } | Self::Passphrase { .. } => 1,
        }
    }
}

/// The stanzas of a header, in order.
#[derive(Clone, Debug)]
pub(crate) struct Stanzas<'a>(Wire<'a>);

impl<'a> Stanzas<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(Wire::new(bytes))
    }
}

impl<'a> Iterator for Stanzas<'a> {
    type Item = Result<Stanza<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.0.remaining() > 0).then(|| Stanza::decode(&mut self.0))
    }
}

/// Checks all that stanzas must keep among each other; returns the group's point.
pub(crate) fn check(bytes: &[u8], limits: &Limits) -> Result<Option<P256Public>, Error> {
    let mut previous: Option<(u8, &[u8])> = None;
    let mut total = 0_usize;
    let mut enc_point = None;
    for stanza in Stanzas::new(bytes) {
        let stanza = stanza?;
        let order = stanza.order();
        // [ENV-03] ascending types, strictly ascending key ids; [ENV-04] so a second group is refused too.
        // [ENV-05] a passphrase has the greatest type: it is alone exactly if it comes first.
        if previous.is_some_and(|last| last >= order || order.0 == PASSPHRASE) {
            return Err(Error::Malformed { field: "stanzas" });
        }
        previous = Some(order);
        total = total.saturating_add(stanza.entries());
        if total > limits.entries {
            return Err(Error::Limit { limit: "entries" });
        }
        if let Stanza::P256Group { enc, entries } = stanza {
            // [STZ-06] strictly ascending: one order, no repeats.
            if !entries.is_sorted_by(|a, b| a < b) {
                return Err(Error::Malformed { field: "entries" });
            }
            // [STZ-08]
            enc_point = Some(P256Public::decode(enc).map_err(|_| Error::Malformed { field: "enc" })?);
        }
    }
    Ok(enc_point)
}

/// A passphrase hash: algorithm, salt and costs. SPEC §8.5
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kdf {
    pub(crate) salt: [u8; 16],
    pub(crate) rounds: u32,
    pub(crate) cost: KdfCost,
}

/// Cost of one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KdfCost {
    Argon2id { memory_kib: u32, passes: u32, lanes: u8 },
    Pbkdf2 { iterations: u32 },
}

impl Kdf {
    /// Type, salt, rounds and Argon2id's costs.
    const MAX_LEN: usize = 1 + 16 + 4 + 9;

    pub(crate) fn decode(wire: &mut Wire<'_>) -> Result<Self, Error> {
        let kind = wire.u8("kdf")?;
        let salt = *wire.array("kdf salt")?;
        let rounds = wire.u32("rounds")?;
        let cost = match kind {
            1 => KdfCost::Argon2id {
                memory_kib: wire.u32("memory_kib")?,
                passes: wire.u32("passes")?,
                lanes: wire.u8("lanes")?,
            },
            2 => KdfCost::Pbkdf2 { iterations: wire.u32("iterations")? },
            _ => return Err(Error::Unsupported { field: "kdf" }),
        };
        let kdf = Self { salt, rounds, cost };
        kdf.check()?;
        Ok(kdf)
    }

    /// What the standards require of the costs. [STZ-14] [LIM-08]
    pub(crate) fn check(&self) -> Result<(), Error> {
        let sound = match self.cost {
            KdfCost::Argon2id { memory_kib, passes, lanes } => {
                if lanes > MAX_ARGON2_LANES {
                    return Err(Error::Limit { limit: "argon2id lanes" });
                }
                passes >= 1 && lanes >= 1 && memory_kib / 8 >= u32::from(lanes)
            }
            KdfCost::Pbkdf2 { iterations } => iterations >= 1,
        };
        if sound && self.rounds >= 1 { Ok(()) } else { Err(Error::Malformed { field: "kdf costs" }) }
    }

    pub(crate) fn encode(&self, out: &mut Writer<'_>) -> Result<(), Error> {
        out.u8(match self.cost {
            KdfCost::Argon2id { .. } => 1,
            KdfCost::Pbkdf2 { .. } => 2,
        })?;
        out.put(&self.salt)?;
        out.put(&self.rounds.to_be_bytes())?;
        match self.cost {
            KdfCost::Argon2id { memory_kib, passes, lanes } => {
                out.put(&memory_kib.to_be_bytes())?;
                out.put(&passes.to_be_bytes())?;
                out.u8(lanes)
            }
            KdfCost::Pbkdf2 { iterations } => out.put(&iterations.to_be_bytes()),
        }
    }
}
