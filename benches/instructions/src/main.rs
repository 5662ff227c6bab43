//! One call each, all that is random from a fixed seed: the same count in every run on one kind of processor. Without an
//! argument the names of the calls, with one of them that call.

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;
use sealroom::{
    Draft, Envelope, HistoryPolicy, Identity, P256PrivateKey, Profile, Reader, Recipient, Role, Room, Root, open_into,
};
use std::hint::black_box;

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([1; 32])
}

fn person(n: u8) -> Identity {
    Root::from_bip39_seed(&[n; 64]).identity(Profile::P256, 0, &mut rng()).unwrap()
}

/// Alice, Bob, and whether Alice signs.
fn two(signed: bool) -> (Identity, Identity, bool) {
    (person(1), person(2), signed)
}

fn envelope<T>(people: &(Identity, Identity, bool), with: impl FnOnce(&Envelope<'_>) -> T) -> T {
    let (alice, bob, signed) = people;
    let to = [bob.public().recipient()];
    let envelope = Envelope::to(&to);
    with(&if *signed { envelope.signed_by(alice.sender()).without_copy_for_me() } else { envelope })
}

const KIB: usize = 1024;

/// What is sealed, and where to.
fn buffers(people: &(Identity, Identity, bool), len: usize) -> (Vec<u8>, Vec<u8>) {
    (vec![7; len], vec![0; envelope(people, |envelope| envelope.max_sealed_len(len).unwrap())])
}

type ToSeal = ((Identity, Identity, bool), Vec<u8>, Vec<u8>);

fn to_seal(signed: bool, len: usize) -> ToSeal {
    let people = two(signed);
    let (content, sealed) = buffers(&people, len);
    (people, content, sealed)
}

fn to_open(signed: bool, len: usize) -> ToSeal {
    let (people, content, mut sealed) = to_seal(signed, len);
    let len = envelope(&people, |envelope| envelope.seal_into(&content, &mut sealed, &mut rng()).unwrap());
    sealed.truncate(len);
    let out = vec![0; sealed.len()];
    (people, sealed, out)
}

fn envelope_seal((people, content, mut sealed): ToSeal) -> ToSeal {
    envelope(&people, |envelope| {
        black_box(envelope.seal_into(black_box(&content), &mut sealed, &mut rng()).unwrap());
    });
    (people, content, sealed)
}

fn envelope_open((people, sealed, mut out): ToSeal) -> ToSeal {
    let opened = open_into(black_box(&sealed), &[people.1.reader()], &mut out, &mut rng()).unwrap();
    if people.2 {
        black_box(opened.verify(people.0.public()).unwrap());
    } else {
        black_box(opened.unverified());
    }
    (people, sealed, out)
}

fn keys(count: usize) -> Vec<P256PrivateKey> {
    let mut rng = rng();
    (0..count).map(|_| P256PrivateKey::generate(&mut rng).unwrap()).collect()
}

fn seal_to(keys: Vec<P256PrivateKey>) -> (Vec<P256PrivateKey>, Vec<u8>) {
    let to: Vec<_> = keys.iter().map(|key| Recipient::bare_p256(key.public_key())).collect();
    let sealed = Envelope::to(&to).seal(b"", &mut rng()).unwrap();
    (keys, sealed)
}

fn readers_seal(keys: Vec<P256PrivateKey>) -> (Vec<P256PrivateKey>, Vec<u8>) {
    seal_to(keys)
}

fn reader_open((keys, sealed): (Vec<P256PrivateKey>, Vec<u8>)) -> (Vec<P256PrivateKey>, Vec<u8>) {
    let opened = sealroom::open(black_box(&sealed), &[Reader::bare_p256(&keys[50])], &mut rng()).unwrap();
    black_box(opened.unverified());
    (keys, sealed)
}

/// Alice's device and Bob's, in one room.
struct Pair {
    alice: Identity,
    bob: Identity,
    rooms: [Room; 2],
}

fn pair() -> Pair {
    let (alice, bob, rng) = (person(1), person(2), &mut rng());
    let others = [(bob.public(), Role::Member)];
    let package = Room::create(&alice.sender(), &others, HistoryPolicy::FromJoin, rng).unwrap();
    let mut join = |reader| Room::join(&package, alice.public(), &[reader], rng).unwrap().finish().unwrap();
    let rooms = [join(alice.reader()), join(bob.reader())];
    Pair { alice, bob, rooms }
}

fn message(mut pair: Pair) -> (Pair, Vec<u8>) {
    let sealed = pair.rooms[0].seal(&Draft::new(&[7; KIB]), &pair.alice.sender(), &mut rng()).unwrap();
    (pair, sealed)
}

fn message_seal(pair: Pair) -> (Pair, Vec<u8>) {
    message(pair)
}

fn message_open((mut pair, sealed): (Pair, Vec<u8>)) -> (Pair, Vec<u8>) {
    let people = [pair.alice.public(), pair.bob.public()];
    let opened = pair.rooms[1].open(black_box(&sealed), b"", &people).unwrap().into_content();
    (pair, opened)
}

fn identity(root: Root) -> (Root, Identity) {
    let identity = root.identity(Profile::P256, 0, &mut rng()).unwrap();
    (root, identity)
}

/// What is counted, and nothing else: the profiler knows it by its name.
#[inline(never)]
fn counted<I, O>(call: fn(I) -> O, input: I) -> O {
    black_box(call(black_box(input)))
}

const CALLS: [(&str, fn()); 13] = [
    ("envelope_seal one_kib", || drop(counted(envelope_seal, to_seal(false, KIB)))),
    ("envelope_seal one_mib", || drop(counted(envelope_seal, to_seal(false, KIB * KIB)))),
    ("envelope_seal one_kib_signed", || drop(counted(envelope_seal, to_seal(true, KIB)))),
    ("envelope_seal one_mib_signed", || drop(counted(envelope_seal, to_seal(true, KIB * KIB)))),
    ("envelope_open one_kib", || drop(counted(envelope_open, to_open(false, KIB)))),
    ("envelope_open one_mib", || drop(counted(envelope_open, to_open(false, KIB * KIB)))),
    ("envelope_open one_kib_signed", || drop(counted(envelope_open, to_open(true, KIB)))),
    ("envelope_open one_mib_signed", || drop(counted(envelope_open, to_open(true, KIB * KIB)))),
    ("readers_seal hundred", || drop(counted(readers_seal, keys(100)))),
    ("reader_open of_hundred", || drop(counted(reader_open, seal_to(keys(100))))),
    ("message_seal one_kib", || drop(counted(message_seal, pair()))),
    ("message_open one_kib", || drop(counted(message_open, message(pair())))),
    ("identity p256", || drop(counted(identity, Root::from_bip39_seed(&[4; 64])))),
];

fn main() {
    let wanted = std::env::args().nth(1);
    for (name, call) in CALLS {
        match &wanted {
            None => println!("{name}"),
            Some(wanted) if wanted == name => call(),
            Some(_) => {}
        }
    }
}
