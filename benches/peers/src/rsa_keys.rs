//! RSA keys from words, against the `rsa` crate's own generation.
//!
//! How long a search for primes takes is chance, so times are divided by the odd numbers that were looked at.

use crate::measure::{Row, by_backend};
use chacha20::ChaCha20Rng;
use cpu_time::ProcessTime;
use rand_core::{Rng, SeedableRng, TryCryptoRng, TryRng};
use rsa::traits::PrivateKeyParts;
use sealroom::{Profile, Root, SystemRng};
use std::convert::Infallible;
use std::ops::ControlFlow;
use std::time::Instant;

const IDENTITIES: usize = 20;

pub(crate) fn rows() -> Vec<Row> {
    // They are found by the same code with either backend.
    if by_backend(true, false) {
        vec![row::<ProcessTime>("RSA-3072 key from words, per candidate", 0.7)]
    } else {
        Vec::new()
    }
}

/// By the clock, for who looks on several cores; the `rsa` crate looks on one.
pub(crate) fn by_clock(what: &str, goal: f64) -> Row {
    row::<Instant>(what, goal)
}

fn row<C: Clock>(what: &str, goal: f64) -> Row {
    // Fixed seeds: the same keys in every run, so that two runs differ by the machine alone.
    let mut seeds = ChaCha20Rng::from_seed([7; 32]);
    let (mut ours, mut theirs) = (Cost::default(), Cost::default());
    for _ in 0..IDENTITIES {
        let mut seed = [0; 64];
        seeds.fill_bytes(&mut seed);
        ours.add::<C>(|| identity(&seed));
        // An identity has two keys.
        theirs.add::<C>(|| key(&mut seeds));
        theirs.add::<C>(|| key(&mut seeds));
    }
    Row::time(what, ours.each(), "rsa 0.10, a key at random", theirs.each(), Some(goal))
}

/// Processor time, or time.
trait Clock {
    fn seconds_of(work: impl FnOnce()) -> f64;
}

impl Clock for ProcessTime {
    fn seconds_of(work: impl FnOnce()) -> f64 {
        let start = Self::now();
        work();
        start.elapsed().as_secs_f64()
    }
}

impl Clock for Instant {
    fn seconds_of(work: impl FnOnce()) -> f64 {
        let start = Self::now();
        work();
        start.elapsed().as_secs_f64()
    }
}

#[derive(Default)]
struct Cost {
    seconds: f64,
    candidates: f64,
}

impl Cost {
    fn add<C: Clock>(&mut self, work: impl FnOnce() -> u64) {
        self.seconds += C::seconds_of(|| self.candidates += work() as f64);
    }

    fn each(&self) -> f64 {
        self.seconds / self.candidates
    }
}

/// Makes an identity's two keys; gives how many candidates that took.
fn identity(seed: &[u8; 64]) -> u64 {
    let (mut before, mut last) = (0, 0);
    // Begins anew with the second key.
    let mut watch = |progress: sealroom::Progress| {
        if progress.done < last {
            before = last;
        }
        last = progress.done;
        ControlFlow::Continue(())
    };
    Root::from_bip39_seed(seed).identity_watched(Profile::Rsa3072, 0, &mut watch, &mut SystemRng).unwrap();
    u64::from(before) + u64::from(last)
}

/// Makes a key; gives how many candidates that took: all odd numbers from each number drawn to the prime found there.
fn key(rng: &mut ChaCha20Rng) -> u64 {
    let mut rng = Recorder { rng, starts: Vec::new() };
    let key = rsa::PrivateKey::new(&mut rng, 3072).unwrap();
    let low = |bytes: &[u8]| u64::from_le_bytes(bytes[..8].try_into().unwrap());
    let primes = key.primes().iter().map(|prime| low(&prime.to_le_bytes()));
    let candidates = |prime: u64| {
        // The nearest below; what is not near was drawn for the other prime.
        rng.starts
            .iter()
            .map(|start| prime.wrapping_sub(*start | 1) / 2 + 1)
            .min()
            .filter(|gap| *gap < 1 << 20)
            .unwrap()
    };
    primes.map(candidates).sum()
}

/// Remembers the low 64 bits of each number drawn.
struct Recorder<'a> {
    rng: &'a mut ChaCha20Rng,
    starts: Vec<u64>,
}

impl TryRng for Recorder<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.rng.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.rng.next_u64())
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.rng.fill_bytes(out);
        if let Some(low) = out.first_chunk() {
            self.starts.push(u64::from_le_bytes(*low));
        }
        Ok(())
    }
}

impl TryCryptoRng for Recorder<'_> {}
