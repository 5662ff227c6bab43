//! Envelopes of many chunks and of many readers: the same in one piece, in a stream, and on several cores. SPEC §8.2, §9

use crate::common::{Draws, person};
use sealroom::*;

const CHUNK: usize = 16 * 1024;

/// Three hundred chunks, and some bytes: more than are worked on at once.
fn content() -> Vec<u8> {
    (0..300 * CHUNK + 5).map(|n| (n % 251) as u8).collect()
}

/// A stream seals each chunk after the other. [PAY-01] [PAY-02] [SIG-01]
#[test]
fn in_one_piece_or_in_a_stream() {
    let (alice, bob, content) = (person(1), person(2), content());
    let to = [bob.public().recipient()];
    for padding in [Padding::None, Padding::Padme] {
        let unsigned = Envelope::to(&to).padding(padding);
        for envelope in [unsigned, unsigned.signed_by(alice.sender())] {
            let whole = envelope.seal(&content, &mut Draws::new(7)).unwrap();
            let rng = &mut Draws::new(7);
            let mut stream = envelope.stream(Some(content.len() as u64), rng).unwrap();
            let mut streamed = Vec::new();
            for piece in content.chunks(100_000) {
                streamed.extend_from_slice(stream.push(piece).unwrap());
            }
            while let Some(zeros) = stream.pad().unwrap() {
                streamed.extend_from_slice(zeros);
            }
            streamed.extend(stream.finish(rng).unwrap());
            assert!(whole == streamed, "{padding:?}");
            let opened = open(&whole, &[bob.reader()], &mut Draws::new(8)).unwrap();
            assert!(opened.unverified() == content);
        }
    }
}

/// Whichever chunk was changed, nothing is handed out. [PAY-04] [ENV-12]
#[test]
fn no_chunk_can_be_changed() {
    let (bob, content) = (person(2), content());
    let to = [bob.public().recipient()];
    let sealed = Envelope::to(&to).seal(&content, &mut Draws::new(1)).unwrap();
    let head = sealed.len() - content.len() - 301 * 16;
    for chunk in [0, 1, 127, 128, 255, 299, 300] {
        let mut changed = sealed.clone();
        changed[head + chunk * (CHUNK + 16)] ^= 1;
        let mut out = vec![9; content.len()];
        let opened = open_into(&changed, &[bob.reader()], &mut out, &mut Draws::new(2));
        assert_eq!(opened.map(drop), Err(Error::Decrypt), "{chunk}");
        assert!(out.iter().all(|&byte| byte == 0), "{chunk}");
    }
    let swapped =
        [&sealed[..head], &sealed[head + CHUNK + 16..head + 2 * (CHUNK + 16)], &sealed[head..head + CHUNK + 16]];
    let swapped = [&swapped.concat()[..], &sealed[head + 2 * (CHUNK + 16)..]].concat();
    assert_eq!(open(&swapped, &[bob.reader()], &mut Draws::new(2)).map(drop), Err(Error::Decrypt));
}

/// Each of many readers opens it; their order tells nothing, and nobody is in it twice. [STZ-03] [STZ-06]
#[test]
fn for_many_readers() {
    let people: Vec<Identity> = (1..=120).map(person).collect();
    let to: Vec<Recipient<'_>> = people.iter().chain(&people[..5]).map(|person| person.public().recipient()).collect();
    let sealed = Envelope::to(&to).decoys(3).seal(b"For all.", &mut Draws::new(1)).unwrap();
    let reversed: Vec<Recipient<'_>> = people.iter().rev().map(|person| person.public().recipient()).collect();
    assert_eq!(Envelope::to(&reversed).decoys(3).seal(b"For all.", &mut Draws::new(1)).unwrap(), sealed);
    for person in &people {
        assert_eq!(open(&sealed, &[person.reader()], &mut Draws::new(2)).unwrap().unverified(), b"For all.");
    }
}
