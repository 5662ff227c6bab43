//! Whether the time of a whole `open` with an RSA key tells why a ciphertext did not decrypt, after dudect (Reparaz, Balasch and
//! Verbauwhede, 2017): kinds of ciphertexts in random order, every one a fresh one; Welch's t of each two kinds, over all times and
//! over those below each of many percentiles, since the slow ones are the machine's.
//!
//!     cargo run --release --bin rsa-timing [--features aws-lc-rs] [-- SECONDS]
//!
//! |t| above 4.5 for one comparison would be noise once in 150,000 times; of a hundred percentiles, which hang together, the
//! greatest is shown. It prints and judges nothing: times are the machine's as much as the code's.

use rsa::pkcs8::DecodePublicKey;
use sealroom::*;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// What a ciphertext holds: the envelope's own message; no encoding of any, without and with the zero that each begins with, which
/// is what Manger's attack asks for; one of 63 bytes, and another one of 64.
const KINDS: [&str; 5] = ["opens", "no zero", "a zero", "63 bytes", "64 others"];
/// Ciphertexts of each kind that are made before they are measured.
const BATCH: usize = 100;
const PERCENTILES: u32 = 100;

fn random(rng: &mut SystemRng, below: usize) -> usize {
    let mut bytes = [0; 8];
    Random::fill(rng, &mut bytes).expect("random bytes");
    usize::try_from(u64::from_le_bytes(bytes) % below as u64).expect("below a usize")
}

struct Target {
    key: RsaPrivateKey,
    /// Its public key, for what is no encoding.
    raw: rsa::PublicKey,
    envelope: Vec<u8>,
    at: usize,
    /// What the envelope's own ciphertext holds.
    message: [u8; 64],
}

impl Target {
    fn new(rng: &mut SystemRng) -> Self {
        let pkcs8 = hazmat::det_keygen_rsa_pkcs8(&[7; 32], 2048).expect("a key");
        let key = RsaPrivateKey::from_pkcs8_der(&pkcs8).expect("a key");
        let to = [Recipient::bare_rsa(key.public_key())];
        let envelope = Envelope::to(&to).seal(&[1; 32], rng).expect("sealed");
        let locked = Locked::decode(&envelope, &Limits::default()).expect("decoded");
        let Some(Operation::DecryptOaep { ciphertext }) = locked.operation(&to[0]) else { panic!("an RSA stanza") };
        let at = envelope.windows(256).position(|window| window == ciphertext).expect("in the envelope");
        let message = hazmat::rsa_oaep_decrypt_64(&pkcs8, ciphertext, rng).expect("decrypted");
        let raw = rsa::PublicKey::from_public_key_der(key.public_key().spki_der()).expect("a public key");
        Self { key, raw, envelope, at, message }
    }

    /// A fresh envelope of a kind: sealed anew, or with another ciphertext.
    fn of_kind(&self, kind: usize, rng: &mut SystemRng) -> Vec<u8> {
        let mut seed = [0; 32];
        let mut fresh = [0; 256];
        for out in [&mut seed[..], &mut fresh] {
            Random::fill(rng, out).expect("random bytes");
        }
        let encrypt = |message: &[u8]| {
            hazmat::rsa_oaep_encrypt(self.key.public_key().spki_der(), message, &seed).expect("encrypted")
        };
        let ciphertext = match kind {
            0 => {
                // Sealed anew.
                let to = [Recipient::bare_rsa(self.key.public_key())];
                return Envelope::to(&to).seal(&[1; 32], rng).expect("sealed");
            }
            1 | 2 => {
                // Below the modulus, whose first bit is set.
                fresh[0] = if kind == 1 { fresh[0] & 0x7f | 1 } else { 0 };
                let number = rsa::BoxedUint::from_be_slice(&fresh, 2048).expect("a number");
                let power = rsa::hazmat::rsa_encrypt(&self.raw, &number).expect("below the modulus");
                power.to_be_bytes().to_vec()
            }
            3 => encrypt(&self.message[..63]),
            _ => encrypt(&fresh[..64]),
        };
        let mut envelope = self.envelope.clone();
        envelope[self.at..][..256].copy_from_slice(&ciphertext);
        envelope
    }

    fn time(&self, kind: usize, envelope: &[u8], rng: &mut SystemRng) -> f64 {
        let start = Instant::now();
        let opened = black_box(open(black_box(envelope), &[Reader::bare_rsa(&self.key)], rng));
        let time = start.elapsed();
        assert_eq!(opened.is_ok(), kind == 0);
        time.as_nanos() as f64
    }
}

fn mean_and_variance(times: &[f64]) -> (f64, f64) {
    let count = times.len() as f64;
    let mean = times.iter().sum::<f64>() / count;
    (mean, times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0))
}

/// Welch's t, and the difference of the means.
fn welch(one: &[f64], other: &[f64]) -> (f64, f64) {
    let ((mean, variance), (mean_2, variance_2)) = (mean_and_variance(one), mean_and_variance(other));
    let error = (variance / one.len() as f64 + variance_2 / other.len() as f64).sqrt();
    ((mean - mean_2) / error, mean - mean_2)
}

fn at(sorted: &[f64], part: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * part) as usize]
}

fn compare(one: &[f64], other: &[f64]) -> String {
    let (t, difference) = welch(one, other);
    let mut all = [one, other].concat();
    all.sort_unstable_by(f64::total_cmp);
    let mut greatest = (0.0_f64, 1.0_f64, 0.0_f64);
    for step in 1..=PERCENTILES {
        // As dudect has them: close together where most of the times are.
        let part = 1.0 - 0.5_f64.powf(10.0 * f64::from(step) / f64::from(PERCENTILES));
        let limit = at(&all, part);
        let [one, other] = [one, other].map(|times| times.iter().copied().filter(|t| *t < limit).collect::<Vec<_>>());
        if one.len() > 1000 && other.len() > 1000 {
            let (t, difference) = welch(&one, &other);
            if t.abs() > greatest.0.abs() {
                greatest = (t, part, difference);
            }
        }
    }
    let (cropped, part, cropped_difference) = greatest;
    format!("{t:8.2} ({difference:9.0} ns) {cropped:8.2} ({cropped_difference:7.0} ns, fastest {:.1} %)", part * 100.0)
}

fn main() {
    let seconds = std::env::args().nth(1).map_or(60, |text| text.parse().expect("a number of seconds"));
    let mut rng = SystemRng;
    let target = Target::new(&mut rng);
    let mut times: [Vec<f64>; KINDS.len()] = Default::default();
    let start = Instant::now();
    let mut first = true;
    while start.elapsed() < Duration::from_secs(seconds) {
        let mut batch: Vec<(usize, Vec<u8>)> =
            (0..BATCH * KINDS.len()).map(|n| (n % KINDS.len(), target.of_kind(n % KINDS.len(), &mut rng))).collect();
        for place in (1..batch.len()).rev() {
            batch.swap(place, random(&mut rng, place + 1));
        }
        for (kind, envelope) in &batch {
            let time = target.time(*kind, envelope, &mut rng);
            // While the first ones run, caches are filled.
            if !first {
                times[*kind].push(time);
            }
        }
        first = false;
    }
    let backend = if cfg!(feature = "aws-lc-rs") { "AWS-LC" } else { "RustCrypto" };
    println!("{backend}, RSA-2048: {} times of each kind, in random order", times[0].len());
    for (kind, times) in KINDS.iter().zip(&times) {
        let mut sorted = times.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let [low, median, high] = [0.1, 0.5, 0.9].map(|part| at(&sorted, part) / 1000.0);
        println!("    {kind:<12} median {median:8.1} us, 10 % below {low:8.1}, 10 % above {high:8.1}");
    }
    println!("    {:<27} {:>23}  greatest of the cropped", "Welch's t (difference):", "all");
    for (one, other) in [(1, 2), (2, 3), (2, 4), (3, 4), (0, 4)] {
        let name = format!("{} - {}", KINDS[one], KINDS[other]);
        println!("    {name:<27} {}", compare(&times[one], &times[other]));
    }
    // The same kind twice: what noise looks like here.
    let [even, odd] = [0, 1].map(|n| times[2].iter().copied().skip(n).step_by(2).collect::<Vec<_>>());
    println!("    {:<27} {}", "a zero, split in two", compare(&even, &odd));
}
