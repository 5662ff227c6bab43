//! Rooms of 10, 100 and 1,000 people: `cargo bench --bench room`, with `--features aws-lc-rs` for that backend. First the bytes of packages, as a table.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::panic,
    reason = "a benchmark may fail loudly"
)]

mod common;

use common::BACKEND;
use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use sealroom::{
    Change, Draft, Fingerprint, HistoryPolicy, Identity, Info, Profile, PublicIdentity, Role, Room, Root, SymmetricKey,
    SystemRng, inspect,
};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

const MEMBERS: [usize; 3] = [10, 100, 1000];

fn person(n: usize) -> Identity {
    let mut seed = [0; 64];
    seed[..8].copy_from_slice(&(n as u64).to_be_bytes());
    Root::from_bip39_seed(&seed).identity(Profile::P256, 0, &mut SystemRng).unwrap()
}

/// A room of the first `members` of some people, and a newcomer.
struct Hall<'a> {
    people: &'a [Identity],
    newcomer: &'a Identity,
    directory: &'a BTreeMap<Fingerprint, PublicIdentity>,
    /// Of the admin, who is the first one.
    room: Room,
    /// Of the member who is the last one, as stored.
    state: Vec<u8>,
    key: SymmetricKey,
}

impl<'a> Hall<'a> {
    fn new(
        everyone: &'a [Identity],
        members: usize,
        directory: &'a BTreeMap<Fingerprint, PublicIdentity>,
        history: HistoryPolicy,
    ) -> Self {
        let (people, newcomer) = (&everyone[..members], &everyone[everyone.len() - 1]);
        let others: Vec<_> = people[1..].iter().map(|person| (person.public(), Role::Member)).collect();
        let package = Room::create(&people[0].sender(), &others, history, &mut SystemRng).unwrap();
        let join = |person: &Identity| {
            Room::join(&package, people[0].public(), &[person.reader()], &mut SystemRng).unwrap().finish().unwrap()
        };
        let key = SymmetricKey::generate(&mut SystemRng).unwrap();
        let state = join(&people[members - 1]).save(&key, &mut SystemRng).unwrap();
        Self { people, newcomer, directory, room: join(&people[0]), state, key }
    }

    fn member(&self) -> &Identity {
        &self.people[self.people.len() - 1]
    }

    fn add(&self) -> Change {
        self.room.add(&[(self.newcomer.public(), Role::Member)]).unwrap()
    }

    fn remove(&self) -> Change {
        self.room.remove(&[*self.people[1].public().fingerprint()]).unwrap()
    }

    fn refresh(&self) -> Change {
        self.room.refresh().unwrap()
    }

    fn seal(&self, change: &Change) -> Vec<u8> {
        change.seal(&self.people[0].sender(), self.directory, &mut SystemRng).unwrap()
    }
}

// ---- bytes

/// The formulas of SPEC §18.2. [ROOM-05]
mod formula {
    const fn v(n: usize) -> usize {
        match n {
            0..64 => 1,
            64..16384 => 2,
            _ => 4,
        }
    }

    const fn plain(m: usize, p: usize) -> usize {
        90 + v(33 * m) + 33 * m + 2 + 32 * p
    }

    const fn payload(n: usize) -> usize {
        n + 16 * (n / 16384 + 1)
    }

    const fn group(k: usize) -> usize {
        66 + v(48 * k) + 48 * k
    }

    pub(crate) const fn add(m: usize, k: usize, p: usize) -> usize {
        33 + v(group(k) + 65) + group(k) + 65 + 25 + 32 + payload(plain(m, p)) + 112
    }

    pub(crate) const fn rekey(m: usize, p: usize) -> usize {
        33 + v(group(m)) + group(m) + 25 + 32 + payload(plain(m, p)) + 112
    }
}

/// Scalar multiplications that a package took: the ephemeral key's, and one for each wrapped key that is in it.
fn multiplications(package: &[u8]) -> usize {
    let Info::RoomEpoch { envelope, .. } = inspect(package).unwrap() else { panic!("not a package") };
    assert_eq!(envelope.rsa_stanzas, 0);
    envelope.p256_entries + 1
}

fn table(everyone: &[Identity], directory: &BTreeMap<Fingerprint, PublicIdentity>) {
    println!("| members | add one: bytes | from join | multiplications | remove one: bytes | multiplications |");
    println!("|---:|---:|---:|---:|---:|---:|");
    for members in MEMBERS {
        let made = [HistoryPolicy::Shared, HistoryPolicy::FromJoin].map(|history| {
            let hall = Hall::new(everyone, members, directory, history);
            (hall.seal(&hall.add()), hall.seal(&hall.remove()))
        });
        let [(shared, _), (from_join, remove)] = &made;
        assert_eq!(shared.len(), formula::add(members + 1, 1, 1));
        assert_eq!(from_join.len(), formula::add(members + 1, 1, 0));
        made.iter().for_each(|(_, remove)| assert_eq!(remove.len(), formula::rekey(members - 1, 1)));
        let (to_add, to_remove) = (multiplications(shared), multiplications(remove));
        // One newcomer; all who stay.
        assert_eq!((to_add, to_remove), (1 + 1, (members - 1) + 1));
        println!("| {members} | {} | {} | {to_add} | {} | {to_remove} |", shared.len(), from_join.len(), remove.len());
    }
    println!();
}

// ---- time

/// Seals a change, and applies it as a member who was there.
fn change(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, hall: &Hall<'_>, plan: impl Fn() -> Change) {
    let members = hall.people.len();
    group.bench_function(BenchmarkId::new(format!("{name}, seal"), members), |b| b.iter(|| hall.seal(&plan())));
    let (package, readers) = (hall.seal(&plan()), [hall.member().reader()]);
    group.bench_function(BenchmarkId::new(format!("{name}, apply"), members), |b| {
        b.iter_batched(
            || Room::load(&hall.state, &hall.key).unwrap(),
            |mut room| {
                room.apply(black_box(&package), &readers, hall.directory, &mut SystemRng).unwrap();
                room
            },
            BatchSize::PerIteration,
        );
    });
}

fn packages(group: &mut BenchmarkGroup<'_, WallTime>, hall: &Hall<'_>) {
    change(group, "add one", hall, || hall.add());
    let (package, readers) = (hall.seal(&hall.add()), [hall.newcomer.reader()]);
    let inviter = hall.people[0].public();
    group.bench_function(BenchmarkId::new("add one, join", hall.people.len()), |b| {
        b.iter(|| Room::join(black_box(&package), inviter, &readers, &mut SystemRng).unwrap().finish().unwrap());
    });
    change(group, "remove one", hall, || hall.remove());
    change(group, "refresh", hall, || hall.refresh());
}

fn messages(c: &mut Criterion, hall: &mut Hall<'_>) {
    let members = hall.people.len();
    let mut group = c.benchmark_group(format!("{BACKEND}, message"));
    group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(500)).sample_size(20);
    for len in [64, 1 << 10, 16 << 10] {
        let content = vec![7; len];
        let (draft, sender) = (Draft::new(&content), hall.people[0].sender());
        let mut sealed = vec![0; hall.room.sealed_len(&draft, hall.people[0].public()).unwrap()];
        let mut out = sealed.clone();
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(BenchmarkId::new(format!("seal {len}"), members), |b| {
            b.iter(|| hall.room.seal_into(black_box(&draft), &sender, &mut sealed, &mut SystemRng).unwrap());
        });
        let mut room = Room::load(&hall.state, &hall.key).unwrap();
        group.bench_function(BenchmarkId::new(format!("open {len}"), members), |b| {
            b.iter(|| room.open_into(black_box(&sealed), b"", &mut out, hall.directory).unwrap().content().len());
        });
    }
    group.finish();
}

/// A thousand messages of 1 KiB, as when somebody scrolls back: in turn and at once, which is on all cores with the feature
/// `parallel`.
fn history(c: &mut Criterion, hall: &mut Hall<'_>) {
    let (content, sender) = ([7; 1024], hall.people[0].sender());
    let sealed: Vec<_> =
        (0..1000).map(|_| hall.room.seal(&Draft::new(&content), &sender, &mut SystemRng).unwrap()).collect();
    let messages: Vec<(&[u8], &[u8])> = sealed.iter().map(|message| (&message[..], &b""[..])).collect();
    let mut room = Room::load(&hall.state, &hall.key).unwrap();
    let mut group = c.benchmark_group(format!("{BACKEND}, history of 1000 messages"));
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    group.bench_function("in turn", |b| {
        b.iter(|| messages.iter().filter(|(one, aad)| room.open(one, aad, hall.directory).is_ok()).count());
    });
    group.bench_function("at once", |b| b.iter(|| room.open_many(&messages, hall.directory).len()));
    group.finish();
}

fn rooms(c: &mut Criterion) {
    let everyone: Vec<_> = (0..=MEMBERS[MEMBERS.len() - 1]).map(person).collect();
    let directory = everyone.iter().map(|person| (*person.public().fingerprint(), person.public().clone())).collect();
    table(&everyone, &directory);
    for members in MEMBERS {
        let mut hall = Hall::new(&everyone, members, &directory, HistoryPolicy::FromJoin);
        let mut group = c.benchmark_group(format!("{BACKEND}, package"));
        group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(500));
        group.sample_size(10).sampling_mode(SamplingMode::Flat);
        packages(&mut group, &hall);
        group.finish();
        messages(c, &mut hall);
        if members == MEMBERS[0] {
            history(c, &mut hall);
        }
    }
}

criterion_group!(benches, rooms);
criterion_main!(benches);
