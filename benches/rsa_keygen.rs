//! An RSA-3072 key from a seed, against one from the `rsa` crate's own generation: medians over keys made in turn.
//!
//! `cargo bench --bench rsa_keygen --features hazmat [-- KEYS]`

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "a benchmark fails by panicking"
)]

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use std::hint::black_box;
use std::time::{Duration, Instant};

fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}

/// Median and mean in milliseconds.
fn summary(times: &mut [Duration]) -> (f64, f64) {
    times.sort_unstable();
    let middle = (times[(times.len() - 1) / 2] + times[times.len() / 2]) / 2;
    let mean = times.iter().sum::<Duration>() / times.len() as u32;
    (middle.as_secs_f64() * 1e3, mean.as_secs_f64() * 1e3)
}

fn main() {
    let keys = std::env::args().find_map(|argument| argument.parse::<usize>().ok()).unwrap_or(60).max(30);
    // Fixed seeds: the same keys in every run, so that two runs differ by the machine alone.
    let mut rng = ChaCha20Rng::from_seed([7; 32]);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..keys {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        ours.push(time(|| sealroom::hazmat::det_keygen_rsa_pkcs8(&seed, 3072).unwrap()));
        theirs.push(time(|| rsa::PrivateKey::new(&mut rng, 3072).unwrap()));
    }
    let ((our_median, our_mean), (their_median, their_mean)) = (summary(&mut ours), summary(&mut theirs));
    println!("RSA-3072, {keys} keys each, in turn");
    println!("det_keygen        median {our_median:8.1} ms   mean {our_mean:8.1} ms");
    println!("rsa::PrivateKey   median {their_median:8.1} ms   mean {their_mean:8.1} ms");
    println!("ratio             median {:8.2}      mean {:8.2}", our_median / their_median, our_mean / their_mean);
}
