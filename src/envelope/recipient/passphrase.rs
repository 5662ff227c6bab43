//! Passphrases, for people without keys. SPEC §8.5.

use crate::crypto::{Random, argon2id, pbkdf2};
use crate::envelope::stanza::{Kdf, KdfCost, Stanza};
use crate::envelope::{Header, Limits};
use crate::error::Error;
use crate::labels::{KEY_LEN, MAX_ARGON2_MEMORY_KIB, MAX_ARGON2_WORK_KIB, MAX_PBKDF2_WORK};
use crate::progress::{Watch, tell};
use crate::secret::Secret;
use core::fmt;

/// What hashing a passphrase costs; a reader pays it again. SPEC §8.5
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassphraseCost {
    rounds: u32,
    cost: KdfCost,
}

impl PassphraseCost {
    /// Argon2id with 64 MiB, 3 passes, 4 lanes (the second choice of RFC 9106 §4) in 2 rounds.
    #[must_use]
    pub const fn argon2id() -> Self {
        Self { rounds: 2, cost: KdfCost::Argon2id { memory_kib: 65_536, passes: 3, lanes: 4 } }
    }

    /// Argon2id with costs of one's own: memory in KiB, passes over it, lanes, and how often the whole is repeated.
    ///
    /// # Errors
    /// [`Error::Malformed`] if one is 0 or the memory is below 8 KiB per lane; [`Error::Limit`] above 16 lanes. [STZ-14]
    pub fn argon2id_with(memory_kib: u32, passes: u32, lanes: u8, rounds: u32) -> Result<Self, Error> {
        Self { rounds, cost: KdfCost::Argon2id { memory_kib, passes, lanes } }.checked()
    }

    /// PBKDF2-HMAC-SHA-256 with 60,000 iterations in 10 rounds, for readers that have no Argon2.
    #[must_use]
    pub const fn pbkdf2() -> Self {
        Self { rounds: 10, cost: KdfCost::Pbkdf2 { iterations: 60_000 } }
    }

    /// PBKDF2-HMAC-SHA-256 with costs of one's own: iterations of a round, and rounds.
    ///
    /// # Errors
    /// [`Error::Malformed`] if one is 0. [STZ-14]
    pub fn pbkdf2_with(iterations: u32, rounds: u32) -> Result<Self, Error> {
        Self { rounds, cost: KdfCost::Pbkdf2 { iterations } }.checked()
    }

    fn checked(self) -> Result<Self, Error> {
        match self.with_salt([0; 16]).check() {
            Ok(()) => Ok(self),
            Err(error) => Err(error),
        }
    }

    const fn with_salt(self, salt: [u8; 16]) -> Kdf {
        Kdf { salt, rounds: self.rounds, cost: self.cost }
    }
}

impl Default for PassphraseCost {
    fn default() -> Self {
        Self::argon2id()
    }
}

/// How much work a reader is ready to do for an envelope that a stranger may have made. SPEC §13
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkLimits {
    argon2_memory_kib: u32,
    argon2_work_kib: u64,
    pbkdf2_work: u64,
}

impl Default for WorkLimits {
    /// Argon2id: 256 MiB, and 4 GiB times passes times rounds; PBKDF2: 10,000,000 iterations in all.
    fn default() -> Self {
        Self {
            argon2_memory_kib: MAX_ARGON2_MEMORY_KIB,
            argon2_work_kib: MAX_ARGON2_WORK_KIB,
            pbkdf2_work: MAX_PBKDF2_WORK,
        }
    }
}

impl WorkLimits {
    /// Sets the greatest memory of Argon2id, and the greatest product of memory, passes and rounds, in KiB.
    #[must_use]
    pub const fn argon2id(self, memory_kib: u32, work_kib: u64) -> Self {
        Self { argon2_memory_kib: memory_kib, argon2_work_kib: work_kib, ..self }
    }

    /// Sets the greatest product of iterations and rounds of PBKDF2.
    #[must_use]
    pub const fn pbkdf2(self, iterations: u64) -> Self {
        Self { pbkdf2_work: iterations, ..self }
    }

    /// Compares costs with the limits, before any work. [STZ-15] [LIM-04] [LIM-05] [LIM-06]
    fn allow(&self, kdf: &Kdf) -> Result<(), Error> {
        let rounds = u64::from(kdf.rounds);
        match kdf.cost {
            KdfCost::Argon2id { memory_kib, passes, .. } => {
                let work = u64::from(memory_kib).saturating_mul(u64::from(passes)).saturating_mul(rounds);
                if memory_kib > self.argon2_memory_kib {
                    return Err(Error::Limit { limit: "argon2id memory KiB" });
                }
                if work > self.argon2_work_kib {
                    return Err(Error::Limit { limit: "argon2id memory KiB x passes x rounds" });
                }
            }
            KdfCost::Pbkdf2 { iterations } => {
                if u64::from(iterations).saturating_mul(rounds) > self.pbkdf2_work {
                    return Err(Error::Limit { limit: "pbkdf2 iterations x rounds" });
                }
            }
        }
        Ok(())
    }
}

/// A passphrase after hashing: seals to it, or opens what was sealed to it. Zeroized on drop.
///
/// Making one is the long work; sealing and opening with it is not.
#[derive(Clone)]
pub struct PassphraseKey {
    pub(crate) kdf: Kdf,
    pub(crate) kek: Secret<KEY_LEN>,
}

impl PassphraseKey {
    /// Hashes a passphrase to seal to it, with a random salt.
    ///
    /// `passphrase` is any bytes; text should be UTF-8 in NFC. `watch` is told after each round. SPEC §8.5 [ERR-02]
    ///
    /// # Errors
    /// [`Error::GivenUp`] if `watch` said so, [`Error::Generator`] if the generator failed, [`Error::Limit`] if there is
    /// not memory enough or the costs are over the default limits of readers. [LIM-10]
    pub fn new(
        passphrase: &[u8],
        cost: PassphraseCost,
        watch: &mut Watch<'_>,
        rng: &mut impl rand_core::TryCryptoRng,
    ) -> Result<Self, Error> {
        let mut salt = [0; 16];
        rng.fill(&mut salt)?;
        Self::hash(passphrase, cost.with_salt(salt), &WorkLimits::default(), watch)
    }

    /// Hashes a passphrase to open `envelope`, of which the header is enough.
    ///
    /// # Errors
    /// [`Error::Limit`] if the costs that the envelope asks for are over `limits`: nothing is computed then. [STZ-15]
    /// [`Error::Decrypt`] if it is not sealed to a passphrase, [`Error::GivenUp`] if `watch` said so, and the errors of
    /// decoding.
    pub fn of(envelope: &[u8], passphrase: &[u8], limits: &WorkLimits, watch: &mut Watch<'_>) -> Result<Self, Error> {
        // The bytes are held already, and a passphrase stands alone: the limits of headers have nothing to save here.
        let (header, _) = Header::decode(envelope, &Limits::default().header_len(usize::MAX))?;
        match header.stanzas().next() {
            Some(Ok(Stanza::Passphrase { kdf, .. })) => Self::hash(passphrase, kdf, limits, watch),
            _ => Err(Error::Decrypt),
        }
    }

    fn hash(passphrase: &[u8], kdf: Kdf, limits: &WorkLimits, watch: &mut Watch<'_>) -> Result<Self, Error> {
        kdf.check()?;
        limits.allow(&kdf)?;
        let mut kek: Option<Secret<KEY_LEN>> = None;
        for round in 0..kdf.rounds {
            let password = kek.as_ref().map_or(passphrase, |key| key.expose().as_slice());
            kek = Some(match kdf.cost {
                KdfCost::Argon2id { memory_kib, passes, lanes } => {
                    argon2id(password, &kdf.salt, memory_kib, passes, u32::from(lanes))?
                }
                KdfCost::Pbkdf2 { iterations } => pbkdf2(password, &kdf.salt, iterations)?,
            });
            tell(watch, round.saturating_add(1), kdf.rounds)?;
        }
        // At least one round was made: zero rounds were refused above.
        kek.map(|kek| Self { kdf, kek }).ok_or(Error::Malformed { field: "rounds" })
    }
}

impl fmt::Debug for PassphraseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PassphraseKey").field("kdf", &self.kdf).finish_non_exhaustive()
    }
}
