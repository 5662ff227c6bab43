//! Two threads against one, by the clock: with the feature `parallel`.

use crate::measure::{Row, Watch, by_backend};
use crate::raw::{Pieces, sealed_len};
use crate::rsa_keys;
use rayon::{ThreadPool, ThreadPoolBuilder};
use sealroom::{Envelope, Reader, Recipient, SymmetricKey, SystemRng, open_into};
use std::hint::black_box;
use std::time::Instant;

const LEN: usize = 64 << 20;

pub(crate) fn rows() -> Vec<Row> {
    let [one, two] = [1, 2].map(|threads| ThreadPoolBuilder::new().num_threads(threads).build().unwrap());
    let mut rows = envelope(&one, &two);
    rows.push(primitive(&one, &two));
    // RSA keys are found by the same code with either backend.
    if by_backend(true, false) {
        rows.push(two.install(|| rsa_keys::by_clock("RSA-3072 key from words, two threads, per candidate", 0.4)));
    }
    rows
}

impl Watch {
    /// As [`time`](Self::time), but by the clock: the work is on several cores.
    fn clock<T>(&mut self, name: &'static str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let made = black_box(work());
        self.0.entry(name).or_default().push(start.elapsed().as_secs_f64());
        made
    }
}

/// What the machine can do: the same bytes by the primitive alone, in two halves that know nothing of each other.
fn primitive(one: &ThreadPool, two: &ThreadPool) -> Row {
    let content = vec![7; LEN];
    let mut sealed = vec![0; sealed_len(LEN)];
    let pieces = Pieces::new(&[1; 32]);
    let mut watch = Watch::default();
    for _ in 0..15 {
        for (pool, name) in [(one, "one"), (two, "two")] {
            let (first, second) = sealed.split_at_mut(sealed_len(LEN / 2));
            let (left, right) = content.split_at(LEN / 2);
            let seal = || rayon::join(|| pieces.seal(left, first), || pieces.seal(right, second));
            watch.clock(name, || pool.install(seal));
        }
    }
    let what = "AES-256-GCM alone over 64 MiB, two threads";
    Row::time(what, watch.median("two"), "one thread", watch.median("one"), None)
}

fn envelope(one: &ThreadPool, two: &ThreadPool) -> Vec<Row> {
    let key = SymmetricKey::generate(&mut SystemRng).unwrap();
    let to = [Recipient::symmetric(&key)];
    let envelope = Envelope::to(&to);
    let content = vec![7; LEN];
    let mut sealed = vec![0; envelope.max_sealed_len(LEN).unwrap()];
    let mut out = sealed.clone();
    let mut watch = Watch::default();
    for _ in 0..15 {
        for (pool, seal, open) in [(one, "one, seal", "one, open"), (two, "two, seal", "two, open")] {
            pool.install(|| {
                let len = watch.clock(seal, || envelope.seal_into(&content, &mut sealed, &mut SystemRng).unwrap());
                watch.clock(open, || {
                    let reader = [Reader::symmetric(&key)];
                    open_into(&sealed[..len], &reader, &mut out, &mut SystemRng).unwrap().unverified().len()
                });
            });
        }
    }
    let row = |verb: &str| {
        let what = format!("envelope of 64 MiB, two threads: {verb}");
        let [two, one] = ["two", "one"].map(|name| watch.median(&format!("{name}, {verb}")));
        Row::throughput(what, two, "one thread", one, by_backend(1.8, 1.7))
    };
    vec![row("seal"), row("open")]
}
