//! Measures sealroom against age: files as streams, and many readers. Prints rows for `peers table`.

#[path = "../../src/measure.rs"]
mod measure;

use age::x25519;
use measure::{Row, Watch, by_backend};
use sealroom::{Envelope, EnvelopeStart, Limits, P256PrivateKey, Reader, Recipient, SystemRng, inspect, open_into};
use std::io::{Read, Write};

const MIB: usize = 1 << 20;
/// As a program would read a file.
const READ_LEN: usize = 64 * 1024;
const AGE: &str = "age 0.12, X25519";

fn main() {
    files(64).iter().chain(&in_memory(64)).chain(&many_readers(1000)).for_each(Row::print);
}

fn seal(envelope: &Envelope<'_>, content: &[u8], sealed: &mut Vec<u8>) {
    sealed.clear();
    let mut stream = envelope.stream(None, &mut SystemRng).unwrap();
    for piece in content.chunks(READ_LEN) {
        sealed.extend_from_slice(stream.push(piece).unwrap());
    }
    sealed.extend_from_slice(&stream.finish(&mut SystemRng).unwrap());
}

/// Gives how many bytes came out.
fn open(sealed: &[u8], reader: Reader<'_>) -> usize {
    let mut pieces = sealed.chunks(READ_LEN);
    let mut start = EnvelopeStart::new(Limits::default());
    let rest = pieces.by_ref().find_map(|piece| start.push(piece).unwrap()).unwrap();
    let mut stream = start.locked().unwrap().unlock(&[reader], &mut SystemRng).unwrap().stream();
    let mut len = stream.push(rest).unwrap().unverified().len();
    for piece in pieces {
        len += stream.push(piece).unwrap().unverified().len();
    }
    len + stream.finish().unwrap().unverified().len()
}

fn age_seal(keys: &[x25519::Recipient], content: &[u8], sealed: &mut Vec<u8>) {
    sealed.clear();
    let recipients = keys.iter().map(|key| -> &dyn age::Recipient { key });
    let mut stream = age::Encryptor::with_recipients(recipients).unwrap().wrap_output(sealed).unwrap();
    content.chunks(READ_LEN).for_each(|piece| stream.write_all(piece).unwrap());
    stream.finish().unwrap();
}

fn age_open(sealed: &[u8], key: &x25519::Identity) -> usize {
    let key: &dyn age::Identity = key;
    let mut stream = age::Decryptor::new_buffered(sealed).unwrap().decrypt(std::iter::once(key)).unwrap();
    let (mut piece, mut len) = (vec![0; READ_LEN], 0);
    loop {
        match stream.read(&mut piece).unwrap() {
            0 => return len,
            read => len += read,
        }
    }
}

/// One file to one reader, as a stream: it is copied to a buffer on its way in, and out of one.
fn files(mib: usize) -> Vec<Row> {
    let (key, age_key) = (P256PrivateKey::generate(&mut SystemRng).unwrap(), x25519::Identity::generate());
    let (to, age_to) = ([Recipient::bare_p256(key.public_key())], [age_key.to_public()]);
    let content = vec![7; mib * MIB];
    let room = content.len() + content.len() / 64;
    let (mut sealed, mut age_sealed) = (Vec::with_capacity(room), Vec::with_capacity(room));
    let mut watch = Watch::default();
    for _ in 0..11 {
        watch.time("seal", || seal(&Envelope::to(&to), &content, &mut sealed));
        watch.time("age seal", || age_seal(&age_to, &content, &mut age_sealed));
        let len = watch.time("open", || open(&sealed, Reader::bare_p256(&key)));
        let age_len = watch.time("age open", || age_open(&age_sealed, &age_key));
        assert_eq!((len, age_len), (content.len(), content.len()));
    }
    let row = |verb: &str, other: &str| {
        let what = format!("file of {mib} MiB, one P-256 reader: {verb}");
        Row::throughput(what, watch.median(verb), AGE, watch.median(other), by_backend(1.5, 6.0))
    };
    vec![row("seal", "age seal"), row("open", "age open")]
}

/// The same file where it is in memory as a whole.
fn in_memory(mib: usize) -> Vec<Row> {
    let (key, age_key) = (P256PrivateKey::generate(&mut SystemRng).unwrap(), x25519::Identity::generate());
    let (to, age_to) = ([Recipient::bare_p256(key.public_key())], age_key.to_public());
    let envelope = Envelope::to(&to);
    let content = vec![7; mib * MIB];
    let mut sealed = vec![0; envelope.max_sealed_len(content.len()).unwrap()];
    let mut out = sealed.clone();
    let mut watch = Watch::default();
    for _ in 0..11 {
        let len = watch.time("seal", || envelope.seal_into(&content, &mut sealed, &mut SystemRng).unwrap());
        let age_sealed = watch.time("age seal", || age::encrypt(&age_to, &content).unwrap());
        watch.time("open", || {
            let opened = open_into(&sealed[..len], &[Reader::bare_p256(&key)], &mut out, &mut SystemRng).unwrap();
            assert_eq!(opened.unverified().len(), content.len());
        });
        watch.time("age open", || assert_eq!(age::decrypt(&age_key, &age_sealed).unwrap().len(), content.len()));
    }
    let row = |verb: &str, other: &str| {
        let what = format!("{mib} MiB in memory, one P-256 reader: {verb}");
        Row::throughput(what, watch.median(verb), AGE, watch.median(other), by_backend(1.5, 6.0))
    };
    vec![row("seal", "age seal"), row("open", "age open")]
}

/// A small file to many; opened by one in the middle of age's list. An envelope has no list: every place is as good.
fn many_readers(count: usize) -> Vec<Row> {
    let keys: Vec<_> = (0..count).map(|_| P256PrivateKey::generate(&mut SystemRng).unwrap()).collect();
    let to: Vec<_> = keys.iter().map(|key| Recipient::bare_p256(key.public_key())).collect();
    let age_keys: Vec<_> = (0..count).map(|_| x25519::Identity::generate()).collect();
    let age_to: Vec<_> = age_keys.iter().map(x25519::Identity::to_public).collect();
    let content = vec![7; MIB];
    let (mut sealed, mut age_sealed) = (Vec::new(), Vec::new());
    let mut watch = Watch::default();
    for round in 0..9 {
        watch.time("seal", || seal(&Envelope::to(&to), &content, &mut sealed));
        watch.time("age seal", || age_seal(&age_to, &content, &mut age_sealed));
        // Entries are in no order that is the keys': another key is another place.
        watch.time("open", || open(&sealed, Reader::bare_p256(&keys[round * count / 9])));
        watch.time("age open", || age_open(&age_sealed, &age_keys[count / 2]));
    }
    let what = format!("file of 1 MiB, {count} readers");
    let Ok(sealroom::Info::Envelope(info)) = inspect(&sealed) else { panic!("not an envelope") };
    let age_header = age_sealed.windows(5).position(|bytes| bytes == b"\n--- ").unwrap() + 5 + 43 + 1;
    vec![
        Row::time(format!("{what}: seal"), watch.median("seal"), AGE, watch.median("age seal"), None),
        Row::time(format!("{what}: open"), watch.median("open"), AGE, watch.median("age open"), None),
        Row::bytes(format!("{what}: header"), info.header_len, AGE, age_header, None),
    ]
}
