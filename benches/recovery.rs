//! What it takes to get everything back: `cargo bench --bench recovery`, with `--features aws-lc-rs` for that backend.
//!
//! An account of 200 rooms with 20 epochs each from the words alone, beside the Diffie-Hellman operations and signature checks
//! that it cannot do without; and a keyring of 1,000 rooms with 20 epochs each.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a benchmark may fail loudly"
)]

mod common;

use common::BACKEND;
use criterion::{BatchSize, Criterion, SamplingMode, criterion_group, criterion_main};
use sealroom::{
    Agree, ContentType, Envelope, HistoryPolicy, Identity, Keyring, Missing, P256PrivateKey, Padding, Profile,
    Recipient, Recovery, Role, Room, RoomId, Root, SymmetricKey, SystemRng, Wanted, hazmat,
};
use std::hint::black_box;
use std::time::{Duration, Instant};

const ROOMS: usize = 200;
const EPOCHS: usize = 20;
const KEPT_ROOMS: usize = 1000;

fn root() -> Root {
    Root::from_bip39_seed(&[1; 64])
}

fn person(n: u8) -> Identity {
    Root::from_bip39_seed(&[n; 64]).identity(Profile::P256, 0, &mut SystemRng).unwrap()
}

/// All packages of a room of Alice, Bob and Carol, as Bob made them, and the room as Alice holds it.
fn room(alice: &Identity, bob: &Identity, carol: &Identity) -> (Vec<Vec<u8>>, Room) {
    let rng = &mut SystemRng;
    let people = [alice.public(), bob.public(), carol.public()];
    let to = [(alice.public(), Role::Member), (carol.public(), Role::Member)];
    let mut packages = vec![Room::create(&bob.sender(), &to, HistoryPolicy::FromJoin, rng).unwrap()];
    let mut room = Room::join(&packages[0], bob.public(), &[alice.reader()], rng).unwrap().finish().unwrap();
    let mut bobs = Room::join(&packages[0], bob.public(), &[bob.reader()], rng).unwrap().finish().unwrap();
    for _ in 1..EPOCHS {
        let package = bobs.refresh().unwrap().seal(&bob.sender(), &people, rng).unwrap();
        bobs.apply(&package, &[bob.reader()], &people, rng).unwrap();
        room.apply(&package, &[alice.reader()], &people, rng).unwrap();
        packages.push(package);
    }
    (packages, room)
}

fn recover(packages: &[Vec<u8>], identities: &[Vec<u8>]) -> usize {
    let rng = &mut SystemRng;
    let mut recovery = Recovery::new(root(), Profile::P256, rng).unwrap();
    while let Some(wanted) = recovery.wanted() {
        let blobs = match wanted {
            Wanted::Packages { .. } => packages,
            Wanted::Identities { .. } => identities,
            _ => &[],
        };
        for blob in blobs {
            let _ = recovery.give(blob, rng);
        }
        recovery.proceed(rng).unwrap();
    }
    assert_eq!(recovery.missing(), Vec::<Missing>::new());
    recovery.progress().epochs
}

/// As many Diffie-Hellman operations as rooms, since a package tells the secret of the one before, and a check of each
/// package's signature.
fn unavoidable(packages: usize) {
    let (scalar, point) = hazmat::hpke_derive_key_pair(&[3; 32]).unwrap();
    let signature = hazmat::p256_sign(&scalar, &[9; 32]).unwrap();
    let (key, peer) =
        [4, 5].map(|n| P256PrivateKey::from_pkcs8_der(&hazmat::det_keygen_p256_pkcs8(&[n; 32]).unwrap())).into();
    let (key, peer): (P256PrivateKey, P256PrivateKey) = (key.unwrap(), peer.unwrap());
    for _ in 0..ROOMS {
        black_box(key.agree(black_box(peer.public_key())).unwrap());
    }
    for _ in 0..packages {
        hazmat::p256_verify(black_box(&point), black_box(&[9; 32]), black_box(&signature)).unwrap();
    }
}

/// The entries of a keyring with one room, as those of another one with the same people.
fn of_another_room(entries: &[u8], n: u64) -> Vec<u8> {
    let (mut at, mut epochs) = (0, Vec::new());
    while at < entries.len() {
        let short = usize::from(entries[at + 1]);
        let (len, from) = match short >> 6 {
            0 => (short, at + 2),
            _ => ((short & 0x3f) << 8 | usize::from(entries[at + 2]), at + 3),
        };
        if entries[at] == 1 {
            epochs.push(entries[from..from + len].to_vec());
        }
        at = from + len;
    }
    let hash = |label, bytes: &[u8]| hazmat::sha256(&hazmat::sign_input(label, bytes));
    let (mut previous, mut list) = ([0; 32], Vec::new());
    for epoch in &mut epochs {
        epoch[32..40].copy_from_slice(&n.to_be_bytes());
        epoch[56..88].copy_from_slice(&previous);
        let (body, rest) = epoch.split_at(epoch.len() - 97);
        let epoch_hash = hash("room epoch", &[&rest[..32], body, &rest[32..64]].concat());
        let derived = |key: &[u8], label| -> [u8; 32] {
            hazmat::derive(key.try_into().unwrap(), label, &epoch_hash, 32).unwrap().try_into().unwrap()
        };
        previous = derived(&derived(&rest[65..], "messages"), "room transcript");
        list.extend([1]);
        list.extend(vector(epoch));
    }
    let id = hash("room id", &[&epochs[0][..48], &epochs[0][88..89]].concat());
    let head = [&[1][..], &vector(&id[..16]), &1_u64.to_be_bytes(), &[7; 8], &vector(&previous)].concat();
    list.extend([4]);
    list.extend(vector(&head));
    [&[7; 8][..], &n.to_be_bytes(), &[2, 0], &vector(&list)].concat()
}

fn vector(bytes: &[u8]) -> Vec<u8> {
    match bytes.len() {
        len @ 0..64 => [&[len as u8], bytes].concat(),
        len => [&(0x4000 | len as u16).to_be_bytes()[..], bytes].concat(),
    }
}

fn account(c: &mut Criterion) {
    let [alice, bob, carol] = [1, 2, 3].map(person);
    let packages: Vec<Vec<u8>> = (0..ROOMS).flat_map(|_| room(&alice, &bob, &carol).0).collect();
    let identities = [bob.public().to_bytes()];
    // In turns, so that whatever else the machine does weighs on both.
    let (mut whole, mut floor) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..3 {
        let started = Instant::now();
        assert_eq!(recover(&packages, &identities), ROOMS * EPOCHS);
        whole += started.elapsed();
        let started = Instant::now();
        unavoidable(packages.len());
        floor += started.elapsed();
    }
    println!("from the words, {ROOMS} rooms with {EPOCHS} epochs each, {} packages:", packages.len());
    println!("  all of it                                  {:>8.1} ms", whole.as_secs_f64() / 3.0 * 1e3);
    println!(
        "  {ROOMS} Diffie-Hellman, {} signature checks {:>8.1} ms",
        packages.len(),
        floor.as_secs_f64() / 3.0 * 1e3
    );
    println!("  ratio                                      {:>8.2}", whole.as_secs_f64() / floor.as_secs_f64());
    let mut group = c.benchmark_group(format!("{BACKEND}, recovery"));
    group.sampling_mode(SamplingMode::Flat).sample_size(10).warm_up_time(Duration::from_millis(100));
    group.bench_function("200 rooms, 20 epochs", |b| b.iter(|| recover(&packages, &identities)));
    group.finish();
}

fn keyring(c: &mut Criterion) {
    let [alice, bob, carol] = [1, 2, 3].map(person);
    let (rng, key) = (&mut SystemRng, alice.keyring_key().unwrap());
    let mut full = Keyring::new(rng).unwrap();
    let (_, first) = room(&alice, &bob, &carol);
    full.record(&first).unwrap();
    let entries = hazmat::keyring_entries(&full);
    for n in 1..KEPT_ROOMS {
        // Of the same size, without the cost of making it: another room's epochs, and nobody's keys.
        let to = [Recipient::symmetric(&key)];
        let envelope = Envelope::to(&to).padding(Padding::Padme);
        let content = of_another_room(&entries, n as u64);
        let segment = hazmat::seal_as(&envelope, ContentType::Keyring, &content, rng).unwrap();
        full.merge(&segment, &[&key], &mut SystemRng).unwrap();
    }
    let whole = full.whole(&key, rng).unwrap();
    let mut next = first;
    let people = [alice.public(), bob.public(), carol.public()];
    let package = next.refresh().unwrap().seal(&alice.sender(), &people, rng).unwrap();
    next.apply(&package, &[alice.reader()], &people, rng).unwrap();
    full.record(&next).unwrap();
    let part = full.part(&key, rng).unwrap();
    println!("keyring of {KEPT_ROOMS} rooms with {EPOCHS} epochs each, of 3 people:");
    println!("  whole                {:>10} bytes", whole.len());
    println!("  one epoch more       {:>10} bytes", part.len());
    let mut group = c.benchmark_group(format!("{BACKEND}, keyring"));
    group.sampling_mode(SamplingMode::Flat).sample_size(10).warm_up_time(Duration::from_millis(100));
    let open = |keys: &[&SymmetricKey]| {
        let mut keyring = Keyring::new(&mut SystemRng).unwrap();
        keyring.merge(&whole, keys, &mut SystemRng).unwrap();
        assert_eq!(keyring.rooms().count(), KEPT_ROOMS);
        keyring
    };
    group.bench_function("open a whole one", |b| b.iter(|| open(&[&key])));
    let id: RoomId = *next.id();
    let mine = [*alice.public().fingerprint()];
    let opened = open(&[&key]);
    group.bench_function("a room of it", |b| {
        b.iter_batched(|| (), |()| opened.room(&id, &mine, &mut SystemRng).unwrap(), BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group!(benches, account, keyring);
criterion_main!(benches);
