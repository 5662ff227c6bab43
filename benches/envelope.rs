//! Envelopes, streams, signatures and identities: `cargo bench --bench envelope`, with `--features aws-lc-rs` for that backend.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a benchmark may fail loudly"
)]

mod common;

use common::BACKEND;
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use sealroom::{
    DetachedSignature, Envelope, EnvelopeStart, Identity, Limits, P256PrivateKey, Padding, Profile, Reader, Recipient,
    Root, SystemRng, open, open_into,
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
        let mut group = c.benchmark_group(format!("{BACKEND}, {name}"));
        for len in [64, 1 << 10, 16 << 10, 1 << 20, 64 << 20] {
            if len > 1 << 20 {
                group.sampling_mode(SamplingMode::Flat).sample_size(10);
            }
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
    let mut group = c.benchmark_group(format!("{BACKEND}, readers"));
    group.sample_size(10);
    for count in [1, 10, 100, 1000] {
        let envelope = Envelope::to(&all[..count]);
        group.bench_function(BenchmarkId::new("seal", count), |b| {
            b.iter(|| envelope.seal(b"", &mut SystemRng).unwrap());
        });
        let sealed = envelope.seal(b"", &mut SystemRng).unwrap();
        let reader = [Reader::bare_p256(&keys[0])];
        group.bench_function(BenchmarkId::new("open", count), |b| {
            b.iter(|| open(black_box(&sealed), &reader, &mut SystemRng).unwrap());
        });
    }
    group.finish();
}

fn signatures(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("{BACKEND}, signature"));
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
    group.finish();
}

/// From a root to keys. The time to find primes is a matter of the seed: these are one seed's.
fn identities(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("{BACKEND}, identity"));
    group.bench_function("P256", |b| b.iter(|| person(black_box(4), Profile::P256)));
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    for profile in [Profile::Rsa3072, Profile::Rsa4096] {
        group.bench_function(format!("{profile:?}"), |b| b.iter(|| person(black_box(4), profile)));
    }
    group.finish();
}

/// As a file is read: 64 KiB at a time, and nothing kept.
fn streams(c: &mut Criterion) {
    const LEN: usize = 16 << 20;
    let (alice, bob) = (person(1, Profile::P256), person(2, Profile::P256));
    let to = [bob.public().recipient()];
    let content = vec![7; LEN];
    let mut group = c.benchmark_group(format!("{BACKEND}, stream of {LEN} bytes"));
    group.sampling_mode(SamplingMode::Flat).sample_size(10).throughput(Throughput::Bytes(LEN as u64));
    for (name, envelope) in
        [("unsigned", Envelope::to(&to)), ("signed", Envelope::to(&to).signed_by(alice.sender()).without_copy_for_me())]
    {
        let seal = |sink: &mut dyn FnMut(&[u8])| {
            let mut stream = envelope.stream(Some(LEN as u64), &mut SystemRng).unwrap();
            for piece in content.chunks(64 << 10) {
                sink(stream.push(piece).unwrap());
            }
            sink(&stream.finish(&mut SystemRng).unwrap());
        };
        group.bench_function(format!("seal, {name}"), |b| b.iter(|| seal(&mut |sealed| _ = black_box(sealed.len()))));
        let mut sealed = Vec::new();
        seal(&mut |piece| sealed.extend_from_slice(piece));
        group.bench_function(format!("open, {name}"), |b| {
            b.iter(|| {
                let mut start = EnvelopeStart::new(Limits::default());
                let rest = start.push(&sealed).unwrap().unwrap();
                let locked = start.locked().unwrap();
                let mut stream = locked.unlock(&[bob.reader()], &mut SystemRng).unwrap().stream();
                for piece in rest.chunks(64 << 10) {
                    black_box(stream.push(piece).unwrap().unverified().len());
                }
                stream.finish().unwrap().unverified().len()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, sizes, readers, streams, signatures, identities);
criterion_main!(benches);
