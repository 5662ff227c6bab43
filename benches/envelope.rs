//! Envelopes, identities and signatures: `cargo bench --bench envelope`.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a benchmark may fail loudly"
)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sealroom::{
    DetachedSignature, Envelope, Identity, P256PrivateKey, Padding, Profile, Recipient, Root, SystemRng, open,
    open_into,
};
use std::hint::black_box;

fn person(n: u8, profile: Profile) -> Identity {
    Root::from_bip39_seed(&[n; 64]).identity(profile, 0, &mut SystemRng).unwrap()
}

fn sizes(c: &mut Criterion) {
    let (alice, bob) = (person(1, Profile::P256), person(2, Profile::P256));
    let to = [bob.public().recipient()];
    for (name, envelope) in [
        ("unsigned", Envelope::to(&to)),
        ("signed", Envelope::to(&to).signed_by(alice.sender()).without_copy_for_me()),
        ("padded", Envelope::to(&to).padding(Padding::Padme)),
    ] {
        let mut group = c.benchmark_group(name);
        for len in [64, 1 << 10, 16 << 10, 1 << 20, 16 << 20] {
            let content = vec![7; len];
            let mut sealed = vec![0; envelope.max_sealed_len(len).unwrap()];
            let mut out = sealed.clone();
            group.throughput(Throughput::Bytes(len as u64));
            group.bench_function(BenchmarkId::new("seal", len), |b| {
                b.iter(|| envelope.seal_into(black_box(&content), &mut sealed, &mut SystemRng).unwrap());
            });
            let sealed_len = envelope.seal_into(&content, &mut sealed, &mut SystemRng).unwrap();
            group.bench_function(BenchmarkId::new("open", len), |b| {
                b.iter(|| {
                    open_into(black_box(&sealed[..sealed_len]), &[bob.reader()], &mut out, &mut SystemRng)
                        .unwrap()
                        .unverified()
                        .len()
                });
            });
        }
        group.finish();
    }
}

fn readers(c: &mut Criterion) {
    let keys: Vec<_> = (0..1000).map(|_| P256PrivateKey::generate(&mut SystemRng).unwrap()).collect();
    let all: Vec<_> = keys.iter().map(|key| Recipient::bare_p256(key.public_key())).collect();
    let mut group = c.benchmark_group("readers");
    group.sample_size(10);
    for count in [1, 10, 100, 1000] {
        let envelope = Envelope::to(&all[..count]);
        group.bench_function(BenchmarkId::new("seal", count), |b| {
            b.iter(|| envelope.seal(b"", &mut SystemRng).unwrap());
        });
        let sealed = envelope.seal(b"", &mut SystemRng).unwrap();
        let reader = [sealroom::Reader::bare_p256(&keys[0])];
        group.bench_function(BenchmarkId::new("open", count), |b| {
            b.iter(|| open(black_box(&sealed), &reader, &mut SystemRng).unwrap());
        });
    }
    group.finish();
}

fn signatures(c: &mut Criterion) {
    let mut group = c.benchmark_group("signature");
    for profile in [Profile::P256, Profile::Rsa3072] {
        let identity = person(3, profile);
        let name = format!("{profile:?}");
        group.bench_function(BenchmarkId::new("sign", &name), |b| {
            b.iter(|| identity.sign(b"bench", black_box(b"content"), &mut SystemRng).unwrap());
        });
        let made: DetachedSignature = identity.sign(b"bench", b"content", &mut SystemRng).unwrap();
        group.bench_function(BenchmarkId::new("verify", &name), |b| {
            b.iter(|| made.verify(identity.public(), b"bench", black_box(b"content")).unwrap());
        });
    }
    group.bench_function("identity from a seed, P256", |b| b.iter(|| person(black_box(4), Profile::P256)));
    group.finish();
}

criterion_group!(benches, sizes, readers, signatures);
criterion_main!(benches);
