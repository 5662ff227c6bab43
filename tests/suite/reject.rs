//! What must not open, and how it is refused: mutations of every kind of envelope, and envelopes made by hand with one
//! fault each. SPEC §3 to §10, §13, §14.

use crate::common::hand::{
    Hand, derive, gcm_seal, group, length, rsa_key_id, rsa_stanza, sha256, sign_input, symmetric_stanza, vector,
    wrap_info, wrap_p256,
};
use crate::common::*;
use sealroom::*;

const KEK: [u8; 32] = [31; 32];

/// Offers `mutant` to every way of opening that `sample` has; all must refuse it, and say no more than they may: a
/// decoder's error if a decoder stopped, else [`Error::Decrypt`] and nothing else.
#[track_caller]
fn refused(sample: &Sample, mutant: &[u8], with_slow: bool) -> Error {
    let mut rng = Draws::new(1);
    let locked = Locked::decode(mutant, &Limits::default());
    let expected = match &locked {
        Err(error) => {
            assert!(is_structural(*error), "{}: {error:?}", sample.name);
            assert!(inspect(mutant).is_err());
            *error
        }
        Ok(_) => Error::Decrypt,
    };
    let agrees = |error: Error| if is_structural(expected) { is_structural(error) } else { error == expected };

    let slow = sample.slow.iter().filter(|_| with_slow || locked.is_err());
    for (number, reader) in sample.readers.iter().chain(slow).enumerate() {
        let readers = [*reader];
        assert_eq!(open(mutant, &readers, &mut rng).map(Opened::unverified), Err(expected), "{}", sample.name);
        if number > 0 {
            continue;
        }
        let mut buffer = vec![0xee; mutant.len()];
        let into = open_into(mutant, &readers, &mut buffer, &mut rng).map(|opened| opened.unverified().to_vec());
        assert_eq!(into, Err(expected), "{}", sample.name);
        match open_stream(mutant, 1000, |locked| locked.unlock(&readers, &mut rng)) {
            None => assert!(is_structural(expected), "{}: a stream waits", sample.name),
            Some(Err(error)) => assert!(agrees(error), "{}: {error:?} {expected:?}", sample.name),
            Some(Ok(_)) => panic!("{}: opened as a stream", sample.name),
        }
    }
    if let Some(key) = &sample.key {
        let opened = locked.and_then(|locked| key.unlock(&locked)?.open(locked.payload()));
        assert_eq!(opened.map(Opened::unverified), Err(expected), "{}", sample.name);
        match open_stream(mutant, 1000, |locked| key.unlock(locked)) {
            None => assert!(is_structural(expected), "{}: a stream waits", sample.name),
            Some(Err(error)) => assert!(agrees(error), "{}: {error:?} {expected:?}", sample.name),
            Some(Ok(_)) => panic!("{}: opened as a stream", sample.name),
        }
    }
    expected
}

/// Places worth a mutation: all of the head and of the last bytes, some of the chunks between.
fn places(sample: &Sample) -> impl Iterator<Item = usize> + '_ {
    let (head, len) = (sample.header_len + 32, sample.bytes.len());
    (0..len).filter(move |place| *place < head + 40 || *place + 620 > len || place % 241 == 0)
}

/// All samples open for all their readers, each way.
#[test]
fn samples_open() {
    let mut rng = Draws::new(0);
    for sample in samples() {
        let check = |opened: Opened<Vec<u8>>| {
            assert_eq!(opened.claimed_signer(), sample.signer.map(PublicIdentity::fingerprint), "{}", sample.name);
            match sample.signer {
                Some(signer) => assert_eq!(opened.verify(signer).unwrap(), sample.content, "{}", sample.name),
                None => assert_eq!(opened.unverified(), sample.content, "{}", sample.name),
            }
        };
        for reader in sample.all_readers() {
            check(open(&sample.bytes, &[reader], &mut rng).unwrap());
            let mut buffer = vec![0; sample.bytes.len()];
            let opened = open_into(&sample.bytes, &[reader], &mut buffer, &mut rng).unwrap();
            assert_eq!(opened.unverified(), sample.content);
            let opened = open_stream(&sample.bytes, 777, |locked| locked.unlock(&[reader], &mut rng));
            let (mut content, end) = opened.unwrap().unwrap();
            assert_eq!(end.claimed_signer(), sample.signer.map(PublicIdentity::fingerprint));
            content.extend(match sample.signer {
                Some(signer) => end.verify(signer).unwrap(),
                None => end.unverified(),
            });
            assert_eq!(content, sample.content);
        }
        if let Some(key) = &sample.key {
            let locked = Locked::decode(&sample.bytes, &Limits::default()).unwrap();
            check(key.unlock(&locked).unwrap().open(locked.payload()).unwrap());
            let (mut content, end) = open_stream(&sample.bytes, 777, |locked| key.unlock(locked)).unwrap().unwrap();
            content.extend(end.unverified());
            assert_eq!(content, sample.content);
        }
        if let Some(reader) = sample.readers.first() {
            // A key that is for nobody here: the one failure. [ENV-11] [ERR-01]
            let unknown = symmetric(99);
            let stranger = [people().stranger.reader(), Reader::symmetric(&unknown)];
            assert_eq!(open(&sample.bytes, &stranger, &mut rng).unwrap_err(), Error::Decrypt);
            assert_eq!(open(&sample.bytes, &[], &mut rng).unwrap_err(), Error::Decrypt);
            // Beside it, a key that is: in any order.
            let [one, other] = stranger;
            for readers in [[one, other, *reader], [*reader, one, other], [one, *reader, other]] {
                assert!(open(&sample.bytes, &readers, &mut rng).is_ok());
            }
        }
    }
}

/// One bit of each byte: header, commitment, chunks, tags, block. Another recipient's entry is covered like one's own: by
/// the commitment. [ENV-07] [ENV-08] [ENV-11] [ERR-01] [PAY-02] [PAY-04] [SIG-01] [ATT-01] [WIRE-01]
#[test]
fn every_flipped_byte_is_refused() {
    for sample in samples() {
        let mut slow = 0;
        for place in places(sample) {
            let mut mutant = sample.bytes.clone();
            mutant[place] ^= 1 << (place % 8);
            let error = refused(sample, &mutant, place % 13 == 0);
            slow += usize::from(error == Error::Decrypt && place % 13 == 0);
            match place {
                0..4 => assert_eq!(error, Error::Malformed { field: "magic" }),
                4..6 => assert_eq!(error, Error::Unsupported { field: "suite" }),
                // Within the header either a decoder sees it or no key fits.
                6.. if place < sample.header_len => {}
                _ => assert_eq!(error, Error::Decrypt, "{} at {place}", sample.name),
            }
        }
        assert!(sample.slow.is_empty() || slow > 8, "{} {slow}", sample.name);
    }
}

/// [PAY-01] [PAY-03] [WIRE-04]
#[test]
fn every_truncation_and_extension_is_refused() {
    for sample in samples() {
        for len in places(sample) {
            let error = refused(sample, &sample.bytes[..len], len % 41 == 0);
            assert_eq!(is_structural(error), len < sample.header_len + 32, "{} {len}", sample.name);
        }
        for more in [1, 15, 16, 17, 48, 112, CHUNK + 15, CHUNK + 16, CHUNK + 17, 2 * (CHUNK + 16)] {
            for byte in [0, 0xff] {
                let mutant = [&sample.bytes[..], &vec![byte; more]].concat();
                assert_eq!(refused(sample, &mutant, byte == 0), Error::Decrypt);
            }
        }
        // A byte less, at the front and between head and payload.
        refused(sample, &sample.bytes[1..], true);
        let head = sample.header_len + 32;
        let mutant = [&sample.bytes[..head], &sample.bytes[head + 1..]].concat();
        assert_eq!(refused(sample, &mutant, true), Error::Decrypt);
    }
}

/// Chunks moved within an envelope, and between two that share a DEK. [PAY-02] [PAY-03]
#[test]
fn spliced_chunks_are_refused() {
    const SEALED: usize = CHUNK + 16;
    for name in ["p256 chunks", "p256 padded chunks", "attachment padded", "signed decoys", "p256 exact chunk"] {
        let sample = sample(name);
        let (head, payload) = sample.bytes.split_at(sample.header_len + 32);
        let with =
            |pieces: &[&[u8]]| assert_eq!(refused(sample, &[head, &pieces.concat()].concat(), true), Error::Decrypt);
        let (first, rest) = payload.split_at(SEALED);
        with(&[rest]);
        with(&[first]);
        with(&[first, first, rest]);
        with(&[rest, first]);
        if rest.len() > SEALED {
            let (second, rest) = rest.split_at(SEALED);
            with(&[second, first, rest]);
            with(&[first, rest]);
            with(&[second, rest]);
            with(&[first, second, first, rest]);
            with(&[first, second]);
        }
    }

    let kek = Hand::symmetric(&KEK);
    let other = Hand { public_data: b"other".to_vec(), ..kek.clone() };
    let (one, two) = ([1; CHUNK], [2; 5]);
    assert_eq!(kek.dek, other.dek);
    let assemble = |chunks: &[Vec<u8>]| [kek.header(), kek.schedule().2, chunks.concat()].concat();
    assert_eq!(open_by_hand(&assemble(&[kek.chunk(0, &one), kek.chunk(1, &two)])).unwrap().len(), CHUNK + 5);
    for chunks in [
        [other.chunk(0, &one), kek.chunk(1, &two)],
        [kek.chunk(0, &one), other.chunk(1, &two)],
        [kek.chunk(1, &one), kek.chunk(0, &two)],
        [kek.chunk(0, &one), kek.chunk(0, &two)],
        [kek.chunk(0, &one), kek.chunk(2, &two)],
        [kek.chunk(0, &two), kek.chunk(1, &one)],
    ] {
        assert_eq!(open_by_hand(&assemble(&chunks)), Err(Error::Decrypt));
    }
}

/// Opens what was made by hand, each way; all must agree.
#[track_caller]
fn open_by_hand(envelope: &[u8]) -> Result<Vec<u8>, Error> {
    let key = SymmetricKey::take(&mut KEK.clone());
    open_with(envelope, &[Reader::symmetric(&key)])
}

#[track_caller]
fn open_with(envelope: &[u8], readers: &[Reader<'_>]) -> Result<Vec<u8>, Error> {
    let mut rng = Draws::new(1);
    let opened = open(envelope, readers, &mut rng).map(Opened::unverified);
    let mut buffer = vec![0; envelope.len()];
    let into = open_into(envelope, readers, &mut buffer, &mut rng).map(|opened| opened.unverified().to_vec());
    assert_eq!(opened, into);
    for piece in [1, 997, usize::MAX] {
        if piece == 1 && envelope.len() > 3000 {
            continue;
        }
        let stream = open_stream(envelope, piece.min(envelope.len()), |locked| locked.unlock(readers, &mut rng));
        let stream = stream.unwrap_or_else(|| Err(opened.clone().unwrap_err()));
        let stream = stream.map(|(content, end)| [content, end.unverified()].concat());
        match (&stream, &opened) {
            (Err(one), Err(other)) => assert_eq!(one, other),
            _ => assert_eq!(stream, opened),
        }
    }
    opened
}

/// [OBJ-01] [OBJ-02] [SUITE-01] [ENV-01] [ENV-02] [ATT-02]
#[test]
fn unknown_codes_are_refused() {
    let hand = Hand::symmetric(&KEK);
    assert_eq!(open_by_hand(&hand.envelope(&[b"content"])).unwrap(), b"content");
    let with = |place: usize, code: u8| {
        let mut envelope = hand.envelope(&[b"content"]);
        envelope[place] = code;
        let error = open_by_hand(&envelope).unwrap_err();
        // Of a room message nobody can tell without a key what is behind its header.
        assert!(inspect(&envelope).is_err() || error == Error::Decrypt || (place, code) == (6, 0x23));
        error
    };
    for code in 0..=255 {
        for place in 0..4 {
            if code != b"SLRM"[place] {
                assert_eq!(with(place, code), Error::Malformed { field: "magic" });
            }
        }
        if code != 0 {
            assert_eq!(with(4, code), Error::Unsupported { field: "suite" });
        }
        if code != 1 {
            assert_eq!(with(5, code), Error::Unsupported { field: "suite" });
        }
        match code {
            1 => {}
            // An attachment has no stanzas.
            6 => assert_eq!(with(6, code), Error::Malformed { field: "stanzas" }),
            // Another envelope: the type is in the input of all keys.
            2..=5 | 7 | 8 => {
                let mut envelope = hand.envelope(&[b"content"]);
                envelope[6] = code;
                let key = SymmetricKey::take(&mut KEK.clone());
                let readers = [Reader::symmetric(&key)];
                let opened = open(&envelope, &readers, &mut Draws::new(1)).err();
                assert_eq!(opened, Some(Error::Unsupported { field: "type" }));
                let locked = Locked::decode(&envelope, &Limits::default()).unwrap();
                assert_eq!(locked.unlock(&readers, &mut Draws::new(1)).err(), Some(Error::Decrypt));
            }
            // Reserved, of other objects, or in no registry.
            _ => assert_eq!(with(6, code), Error::Unsupported { field: "type" }),
        }
        match code {
            0 => {}
            1..=4 => assert_eq!(with(7, code), Error::Decrypt),
            _ => assert_eq!(with(7, code), Error::Unsupported { field: "signature" }),
        }
        match code {
            0 => {}
            1 => assert_eq!(with(8, code), Error::Decrypt),
            _ => assert_eq!(with(8, code), Error::Unsupported { field: "padding" }),
        }
    }
    // No stanza in a message; a signature on an attachment, with the commitment and all else in order.
    let nobody = Hand { stanzas: vec![], ..hand.clone() };
    assert_eq!(open_by_hand(&nobody.envelope(&[b""])), Err(Error::Malformed { field: "stanzas" }));
    for signature in 1..=4 {
        let attachment = Hand { content_type: 6, signature, ..nobody.clone() };
        let envelope = [attachment.envelope(&[b""]), attachment.block(&[0; 96])].concat();
        assert_eq!(Locked::decode(&envelope, &Limits::default()).unwrap_err(), Error::Malformed { field: "signature" });
    }
}

/// Some valid stanzas, one of each type, with the DEK of `Hand::symmetric`.
fn stanzas() -> [Vec<u8>; 4] {
    let hand = Hand::symmetric(&KEK);
    let bob = people().bob.public();
    let id = *bob.fingerprint().as_bytes();
    let info = wrap_info(1, 1, &hand.salt, &id);
    let (enc, entry) = wrap_p256(bob.p256_encryption_key().unwrap(), &info, &hand.dek, [4; 32]);
    let key = rsa_2048().public_key();
    let rsa_info = sha256(&wrap_info(1, 2, &hand.salt, &key.bare_id()));
    let passphrase = passphrase_stanza(&argon2id_kdf(1, 16, 1, 2), &hand);
    [group(&enc, &[entry]), rsa_stanza(key, &key.bare_id(), &rsa_info, &hand.dek), hand.stanzas, passphrase]
}

fn argon2id_kdf(rounds: u32, memory_kib: u32, passes: u32, lanes: u8) -> Vec<u8> {
    let costs = [rounds, memory_kib, passes].map(u32::to_be_bytes).concat();
    [&[1][..], &[0x5c; 16], &costs, &[lanes]].concat()
}

fn pbkdf2_kdf(rounds: u32, iterations: u32) -> Vec<u8> {
    [&[2][..], &[0x5c; 16], &rounds.to_be_bytes(), &iterations.to_be_bytes()].concat()
}

/// SPEC §8.5, with a KEK of zeros: what it wraps is not opened here.
fn passphrase_stanza(kdf: &[u8], hand: &Hand) -> Vec<u8> {
    let key = derive(&[0; 32], "passphrase wrap", &wrap_info(1, 4, &hand.salt, &[0; 32]), 32);
    [&[4][..], kdf, &gcm_seal(&key, &[0; 12], &hand.dek)].concat()
}

/// All openers refuse a header of these stanzas, which are in order but for the fault, at the same field.
#[track_caller]
fn refuses(stanzas: &[&[u8]], error: Error) {
    let hand = Hand { stanzas: stanzas.concat(), ..Hand::symmetric(&KEK) };
    let envelope = hand.envelope(&[b"content"]);
    assert_eq!(open_by_hand(&envelope), Err(error));
    assert_eq!(inspect(&envelope), Err(error));
}

#[track_caller]
fn accepts(stanzas: &[&[u8]]) {
    let hand = Hand { stanzas: stanzas.concat(), ..Hand::symmetric(&KEK) };
    let envelope = hand.envelope(&[b"content"]);
    assert!(inspect(&envelope).is_ok());
    let bob = Reader::symmetric(&people().keys[0]);
    let readers = [people().bob.reader(), Reader::bare_rsa(rsa_2048()), bob];
    assert_eq!(open_with(&envelope, &readers).unwrap(), b"content");
}

/// [STZ-01] [ENV-03] [ENV-04] [ENV-05]
#[test]
fn stanzas_have_one_order() {
    let [p256, rsa, symmetric, passphrase] = &stanzas();
    let (out_of_order, unknown) = (Error::Malformed { field: "stanzas" }, Error::Unsupported { field: "stanza type" });
    for valid in [&[&p256[..]][..], &[rsa], &[symmetric], &[p256, rsa], &[p256, symmetric], &[p256, rsa, symmetric]] {
        accepts(valid);
    }
    for swapped in [&[&rsa[..], p256][..], &[symmetric, p256], &[symmetric, rsa], &[p256, symmetric, rsa]] {
        refuses(swapped, out_of_order);
    }
    for repeated in [&[&p256[..], p256][..], &[rsa, rsa], &[symmetric, symmetric], &[passphrase, passphrase]] {
        refuses(repeated, out_of_order);
    }
    for beside in [
        &[&p256[..], passphrase][..],
        &[rsa, passphrase],
        &[symmetric, passphrase],
        &[passphrase, p256],
        &[passphrase, rsa],
        &[passphrase, symmetric],
    ] {
        refuses(beside, out_of_order);
    }
    // A second group, of another ephemeral and to another person.
    let carol = people().carol.public();
    let info = wrap_info(1, 1, &[0x5a; 24], carol.fingerprint().as_bytes());
    let (enc, entry) = wrap_p256(carol.p256_encryption_key().unwrap(), &info, &[0xde; 32], [5; 32]);
    let second = group(&enc, &[entry]);
    accepts(&[p256]);
    refuses(&[p256, &second], out_of_order);
    refuses(&[&second, p256], out_of_order);
    // Key ids in descending order.
    let info = wrap_info(1, 3, &[0x5a; 24], &[0; 32]);
    let mut two: Vec<_> = [32, 33].map(|n| symmetric_stanza(&[n; 32], &info, &[0xde; 32])).to_vec();
    two.push(symmetric.clone());
    two.sort();
    accepts(&[&two[0], &two[1], &two[2]]);
    refuses(&[&two[1], &two[0], &two[2]], out_of_order);
    refuses(&[&two[0], &two[2], &two[1]], out_of_order);
    let mut bigger = rsa.clone();
    bigger[8] ^= 1;
    let (lesser, greater) = if *rsa < bigger { (rsa, &bigger) } else { (&bigger, rsa) };
    accepts(&[lesser, greater]);
    refuses(&[greater, lesser], out_of_order);
    // The same key id over another wrapped key.
    let mut same = rsa.clone();
    *same.last_mut().unwrap() ^= 1;
    refuses(&[rsa, &same], out_of_order);
    let mut same = symmetric.clone();
    *same.last_mut().unwrap() ^= 1;
    refuses(&[symmetric, &same], out_of_order);

    for unassigned in (0..=255).filter(|code| !(1..=4).contains(code)) {
        let mut stanza = symmetric.clone();
        stanza[0] = unassigned;
        refuses(&[&stanza], unknown);
        refuses(&[symmetric, &stanza], unknown);
        refuses(&[p256, rsa, &[unassigned]], unknown);
    }
    // A stanza that its vector cuts. [WIRE-04]
    for stanza in [p256, rsa, symmetric, passphrase] {
        for len in 1..stanza.len() {
            let hand = Hand { stanzas: stanza[..len].to_vec(), ..Hand::symmetric(&KEK) };
            let error = open_by_hand(&hand.envelope(&[b""])).unwrap_err();
            assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
        }
    }
}

/// [STZ-06] [STZ-07]
#[test]
fn entries_have_one_order() {
    let [p256, ..] = &stanzas();
    let enc: [u8; 65] = p256[1..66].try_into().unwrap();
    let own: [u8; 48] = p256[p256.len() - 48..].try_into().unwrap();
    let malformed = Error::Malformed { field: "entries" };
    let of = |entries: &[u8]| [&[1][..], &enc, &vector(entries)].concat();
    let (low, high) = ([0; 48], [0xff; 48]);
    accepts(&[&of(&[low, own, high].concat())]);
    for wrong in [[own, low, high], [low, high, own], [low, low, own], [low, own, own], [own, high, high]] {
        refuses(&[&of(&wrong.concat())], malformed);
    }
    for len in [0, 1, 47, 49, 95, 97] {
        refuses(&[&of(&vec![7; len])], malformed);
    }
}

/// [STZ-08] [SUITE-03] [WIRE-02]
#[test]
fn points_have_one_form() {
    let [p256, ..] = &stanzas();
    let own: [u8; 48] = p256[p256.len() - 48..].try_into().unwrap();
    let right: [u8; 65] = p256[1..66].try_into().unwrap();
    let prime = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";
    let prime: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&prime[2 * i..2 * i + 2], 16).unwrap()).collect();
    let with = |first: u8, x: &[u8], y: &[u8]| -> [u8; 65] { [&[first][..], x, y].concat().try_into().unwrap() };
    let (x, y) = (&right[1..33], &right[33..]);
    let mut wrong = vec![
        [0; 65],
        [0xff; 65],
        with(4, &[0; 32], &[0; 32]),
        with(0, x, y),
        with(2, x, y),
        with(3, x, y),
        with(5, x, y),
        with(6, x, y),
        with(7, x, y),
        with(4, y, x),
        with(4, x, x),
        with(4, &prime, y),
        with(4, x, &prime),
        with(4, &[0xff; 32], &[0xff; 32]),
    ];
    // x = 5 is on the curve; p + 5, which is the same modulo p, must not pass for it.
    let y_of_5 = "459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc";
    let y_of_5: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&y_of_5[2 * i..2 * i + 2], 16).unwrap()).collect();
    let mut five = [0; 32];
    five[31] = 5;
    assert!(P256PublicKey::from_bytes(&with(4, &five, &y_of_5)).is_ok());
    let mut over = prime.clone();
    over[19] = 1;
    over[20..].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4]);
    wrong.push(with(4, &over, &y_of_5));
    for place in 1..65 {
        let mut point = right;
        point[place] ^= 1;
        wrong.push(point);
    }
    for point in wrong {
        refuses(&[&group(&point, &[own])], Error::Malformed { field: "enc" });
        assert!(matches!(P256PublicKey::from_bytes(&point), Err(Error::Malformed { .. })));
        // In an identity, in either place.
        let identity = people().bob.public().to_bytes();
        for (place, field) in [(12, "encryption_key"), (12 + 65, "signing_key")] {
            let mut identity = identity.clone();
            identity[place..place + 65].copy_from_slice(&point);
            assert_eq!(PublicIdentity::from_bytes(&identity), Err(Error::Malformed { field }));
        }
    }
    // The other root of y is a point, and another one.
    let mut negated = y.to_vec();
    let mut borrow = 0;
    for (place, digit) in prime.iter().enumerate().rev() {
        let difference = i32::from(*digit) - i32::from(negated[place]) - borrow;
        borrow = i32::from(difference < 0);
        negated[place] = difference.rem_euclid(256) as u8;
    }
    let hand = Hand { stanzas: group(&with(4, x, &negated), &[own]), ..Hand::symmetric(&KEK) };
    // The Diffie-Hellman's x is the same, but enc is in the KEM's context.
    assert_eq!(open_with(&hand.envelope(&[b""]), &[people().bob.reader()]), Err(Error::Decrypt));
}

/// [STZ-10]
#[test]
fn wrapped_keys_are_as_long_as_a_modulus() {
    for len in [0, 1, 64, 255, 257, 383, 385, 511, 513, 1024] {
        let stanza = [&[2][..], &[1; 8], &vector(&vec![7; len])].concat();
        refuses(&[&stanza], Error::Malformed { field: "wrapped" });
    }
    for len in [256, 384, 512] {
        let [_, _, symmetric, _] = &stanzas();
        accepts(&[&[&[2][..], &[1; 8], &vector(&vec![7; len])].concat(), symmetric]);
        // For a key that does have this id, of another size, or with a number over the modulus.
        let key = rsa_2048();
        let key_id = rsa_key_id(&key.public_key().bare_id(), key.public_key().spki_der());
        for byte in [0, 7, 0xff] {
            let stanza = [&[2][..], &key_id, &vector(&vec![byte; len])].concat();
            let hand = Hand { stanzas: stanza, ..Hand::symmetric(&KEK) };
            assert_eq!(open_with(&hand.envelope(&[b""]), &[Reader::bare_rsa(key)]), Err(Error::Decrypt));
        }
    }
}

/// A length in other forms than its shortest: what must be refused. [WIRE-02] [WIRE-03] [WIRE-05]
fn other_lengths(len: usize) -> Vec<Vec<u8>> {
    let mut forms =
        vec![vec![0xc0 | len as u8 & 0x3f], vec![0xff; 8], (len as u32 | 0xc000_0000).to_be_bytes().to_vec()];
    if len < 64 {
        forms.push((len as u16 | 0x4000).to_be_bytes().to_vec());
    }
    if len < 16384 {
        forms.push((len as u32 | 0x8000_0000).to_be_bytes().to_vec());
    }
    forms
}

/// [WIRE-02] [WIRE-03] [WIRE-05]
#[test]
fn lengths_have_one_form() {
    let hand = Hand { public_data: vec![9; 10], ..Hand::symmetric(&KEK) };
    let (fixed, commitment) = (hand.header()[..33].to_vec(), [0; 64]);
    let [p256, rsa, ..] = &stanzas();
    let check = |stanzas_len: &[u8], stanzas: &[u8], public_len: &[u8], error: Error| {
        let envelope = [&fixed[..], stanzas_len, stanzas, public_len, &hand.public_data, &commitment].concat();
        assert_eq!(open_by_hand(&envelope), Err(error));
        assert!(inspect(&envelope) == Err(error) || error == Error::Decrypt);
    };
    let most = [0xbf, 0xff, 0xff, 0xff];
    let (right, limit) = (length(hand.stanzas.len()), Error::Limit { limit: "header bytes" });
    check(&right, &hand.stanzas, &[10], Error::Decrypt);
    for form in other_lengths(hand.stanzas.len()) {
        check(&form, &hand.stanzas, &[10], Error::Malformed { field: "stanzas" });
    }
    check(&most, &hand.stanzas, &[10], limit);
    for form in other_lengths(10) {
        check(&right, &hand.stanzas, &form, Error::Malformed { field: "public_data" });
    }
    check(&right, &hand.stanzas, &most, limit);
    // Longer than what is there, under the limit.
    check(&right, &hand.stanzas, &[0x50, 0], Error::Malformed { field: "public_data" });
    check(&[0x50, 0], &hand.stanzas, &[10], Error::Malformed { field: "stanzas" });

    let inner = [(p256, 66, 48, "entries"), (rsa, 9, 256, "wrapped")];
    for (stanza, place, len, field) in inner {
        let prefix = length(len).len();
        for form in other_lengths(len).into_iter().chain([most.to_vec(), vec![0x7f, 0xff], vec![63]]) {
            let changed = [&stanza[..place], &form, &stanza[place + prefix..]].concat();
            let length = length(changed.len());
            let envelope = [&fixed[..], &length, &changed, &[10], &hand.public_data, &commitment].concat();
            assert_eq!(open_by_hand(&envelope), Err(Error::Malformed { field }));
        }
    }
}

/// [STZ-14] [STZ-15] [LIM-04] [LIM-05] [LIM-06] [LIM-08]
#[test]
fn costs_are_refused_before_any_work() {
    let hand = Hand::symmetric(&KEK);
    let costs = Error::Malformed { field: "kdf costs" };
    let limit = |limit| Error::Limit { limit };
    let stanza = |kdf: &[u8]| passphrase_stanza(kdf, &hand);
    for (rounds, memory, passes, lanes, error) in [
        (0, 16, 1, 1, costs),
        (1, 16, 0, 1, costs),
        (1, 16, 1, 0, costs),
        (1, 0, 1, 1, costs),
        (1, 7, 1, 1, costs),
        (1, 31, 1, 4, costs),
        (1, 127, 1, 16, costs),
        (1, 1024, 1, 17, limit("argon2id lanes")),
        (1, u32::MAX, 1, 255, limit("argon2id lanes")),
    ] {
        refuses(&[&stanza(&argon2id_kdf(rounds, memory, passes, lanes))], error);
        assert_eq!(PassphraseCost::argon2id_with(memory, passes, lanes, rounds), Err(error));
    }
    for (rounds, iterations) in [(0, 1), (1, 0), (0, 0)] {
        refuses(&[&stanza(&pbkdf2_kdf(rounds, iterations))], costs);
        assert_eq!(PassphraseCost::pbkdf2_with(iterations, rounds), Err(costs));
    }
    for kind in [0, 3, 4, 255] {
        let mut kdf = argon2id_kdf(1, 16, 1, 1);
        kdf[0] = kind;
        refuses(&[&stanza(&kdf)], Error::Unsupported { field: "kdf" });
    }

    // A reader's own limits: no round is computed.
    let (memory, argon2_work, pbkdf2_work) = (
        limit("argon2id memory KiB"),
        limit("argon2id memory KiB x passes x rounds"),
        limit("pbkdf2 iterations x rounds"),
    );
    let rejects = |kdf: &[u8], limits: WorkLimits, error| {
        let envelope = Hand { stanzas: stanza(kdf), ..hand.clone() }.envelope(&[b""]);
        let mut rounds = 0;
        let mut watch = |_: Progress| {
            rounds += 1;
            std::ops::ControlFlow::Continue(())
        };
        let made = PassphraseKey::of(&envelope, b"", &limits, &mut watch);
        assert_eq!(made.err(), error);
        assert_eq!(rounds > 0, error.is_none());
    };
    let default = WorkLimits::default();
    rejects(&argon2id_kdf(1, 262_145, 1, 1), default, Some(memory));
    rejects(&argon2id_kdf(1, u32::MAX, u32::MAX, 1), default, Some(memory));
    rejects(&argon2id_kdf(1, 262_144, 17, 1), default, Some(argon2_work));
    rejects(&argon2id_kdf(17, 262_144, 1, 1), default, Some(argon2_work));
    rejects(&argon2id_kdf(u32::MAX, 8, u32::MAX, 1), default, Some(argon2_work));
    rejects(&pbkdf2_kdf(1, 10_000_001), default, Some(pbkdf2_work));
    rejects(&pbkdf2_kdf(10_000_001, 1), default, Some(pbkdf2_work));
    rejects(&pbkdf2_kdf(u32::MAX, u32::MAX), default, Some(pbkdf2_work));
    let tight = default.argon2id(16, 64).pbkdf2(100);
    rejects(&argon2id_kdf(2, 16, 2, 1), tight, None);
    rejects(&argon2id_kdf(2, 17, 1, 1), tight, Some(memory));
    rejects(&argon2id_kdf(5, 16, 1, 1), tight, Some(argon2_work));
    rejects(&pbkdf2_kdf(10, 10), tight, None);
    rejects(&pbkdf2_kdf(10, 11), tight, Some(pbkdf2_work));
    // What is not sealed to a passphrase cannot be hashed for.
    let sample = &sample("p256").bytes;
    let made = PassphraseKey::of(sample, b"", &default, &mut unwatched);
    assert_eq!(made.unwrap_err(), Error::Decrypt);
    // [LIM-10] a writer keeps to what readers take.
    let cost = PassphraseCost::pbkdf2_with(10_000_001, 1).unwrap();
    assert_eq!(PassphraseKey::new(b"", cost, &mut unwatched, &mut Draws::new(1)).unwrap_err(), pbkdf2_work);
    let cost = PassphraseCost::argon2id_with(262_145, 1, 1, 1).unwrap();
    assert_eq!(PassphraseKey::new(b"", cost, &mut unwatched, &mut Draws::new(1)).unwrap_err(), memory);
}

/// Costs over every limit of a reader are no matter of those who hash nothing: the envelope is decoded, shown, and to their
/// keys it is one that does not open. [STZ-15] [LIM-04] [LIM-05] [LIM-06]
#[test]
fn costs_concern_who_hashes() {
    const MOST: u32 = u32::MAX;
    let hand = Hand::symmetric(&KEK);
    let key = SymmetricKey::take(&mut KEK.clone());
    // Hashed with other costs, for another envelope.
    let cost = PassphraseCost::pbkdf2_with(1, 1).unwrap();
    let hashed = PassphraseKey::new(b"", cost, &mut unwatched, &mut Draws::new(1)).unwrap();
    let others =
        [people().bob.reader(), Reader::bare_rsa(rsa_2048()), Reader::symmetric(&key), Reader::passphrase(&hashed)];
    for (kdf, limit) in [
        (argon2id_kdf(MOST, MOST, MOST, 16), "argon2id memory KiB"),
        (argon2id_kdf(1, 262_145, 1, 1), "argon2id memory KiB"),
        (argon2id_kdf(MOST, 8, 1, 1), "argon2id memory KiB x passes x rounds"),
        (argon2id_kdf(1, 8, MOST, 1), "argon2id memory KiB x passes x rounds"),
        (pbkdf2_kdf(MOST, MOST), "pbkdf2 iterations x rounds"),
        (pbkdf2_kdf(MOST, 1), "pbkdf2 iterations x rounds"),
    ] {
        let stanzas = passphrase_stanza(&kdf, &hand);
        let envelope = Hand { stanzas, ..hand.clone() }.envelope(&[b"content"]);
        assert!(matches!(inspect(&envelope), Ok(Info::Envelope(_))));
        assert!(Locked::decode(&envelope, &Limits::default()).is_ok());
        let mut start = EnvelopeStart::new(Limits::default());
        assert!(start.push(&envelope).is_ok());
        // At once, in place and as a stream.
        for reader in others {
            assert_eq!(open_with(&envelope, &[reader]), Err(Error::Decrypt));
        }
        assert_eq!(open_with(&envelope, &others), Err(Error::Decrypt));
        let made = PassphraseKey::of(&envelope, b"", &WorkLimits::default(), &mut unwatched);
        assert_eq!(made.unwrap_err(), Error::Limit { limit });
    }

    // Whose limits allow it begins the work.
    let stanzas = passphrase_stanza(&pbkdf2_kdf(MOST, 1), &hand);
    let envelope = Hand { stanzas, ..hand }.envelope(&[b"content"]);
    let mut once = |_: Progress| std::ops::ControlFlow::Break(());
    let made = PassphraseKey::of(&envelope, b"", &WorkLimits::default().pbkdf2(u64::MAX), &mut once);
    assert_eq!(made.unwrap_err(), Error::GivenUp);
}

/// [STZ-14] a passphrase opens with the costs that the envelope states; another one does not.
#[test]
fn passphrases() {
    for name in ["argon2id", "pbkdf2"] {
        let sample = sample(name);
        let tight = WorkLimits::default().argon2id(64, 256).pbkdf2(1000);
        let key = |envelope: &[u8], passphrase: &[u8]| PassphraseKey::of(envelope, passphrase, &tight, &mut unwatched);
        let right = key(&sample.bytes, PASSPHRASE).unwrap();
        assert_eq!(open_with(&sample.bytes, &[Reader::passphrase(&right)]).unwrap(), sample.content);
        for wrong in [&b"correct horsf"[..], b"", b"correct horse "] {
            let wrong = key(&sample.bytes, wrong).unwrap();
            assert_eq!(open_with(&sample.bytes, &[Reader::passphrase(&wrong)]), Err(Error::Decrypt));
        }
        // Every bit of the stanza: type, KDF, salt, costs, wrapped key.
        for bit in 8 * 34..8 * (sample.header_len - 1) {
            let mut mutant = sample.bytes.clone();
            mutant[bit / 8] ^= 1 << (bit % 8);
            match key(&mutant, PASSPHRASE) {
                Ok(key) => assert_eq!(open_with(&mutant, &[Reader::passphrase(&key)]), Err(Error::Decrypt)),
                Err(error) => assert!(is_structural(error), "{error:?}"),
            }
        }
    }
}

/// [LIM-02] [LIM-03] [LIM-00]
#[test]
fn limits_of_headers() {
    let (bytes, entries) = (Error::Limit { limit: "header bytes" }, Error::Limit { limit: "entries" });
    let hand = |public: usize| Hand { public_data: vec![3; public], ..Hand::symmetric(&KEK) };
    let at_limit = 1_048_576 - (hand(16384).header().len() - 16384);
    let (largest, over) = (hand(at_limit), hand(at_limit + 1));
    assert_eq!(largest.header().len(), 1_048_576);
    assert_eq!(open_by_hand(&largest.envelope(&[b"x"])).unwrap(), b"x");
    assert_eq!(open_by_hand(&over.envelope(&[b"x"])), Err(bytes));
    let raised = Limits::default().header_len(1_048_577);
    assert!(Locked::decode(&over.envelope(&[b"x"]), &raised).is_ok());
    // A stream refuses it when the length arrives, not when the bytes do.
    let mut start = EnvelopeStart::new(Limits::default());
    assert_eq!(start.push(&over.header()[..over.header().len() - at_limit - 1]), Err(bytes));
    for limit in 1..largest.header().len().min(200) {
        let limits = Limits::default().header_len(limit);
        assert_eq!(Locked::decode(&hand(100).envelope(&[b"x"]), &limits).is_ok(), limit >= hand(100).header().len());
        let mut start = EnvelopeStart::new(limits);
        assert_eq!(start.push(&hand(100).envelope(&[b"x"])).is_ok(), limit >= hand(100).header().len());
    }

    // [ENV-03] entries of all stanzas together.
    let [p256, _, symmetric, _] = &stanzas();
    let of = |count: u32| {
        let entries: Vec<u8> = (0..count).flat_map(|n| [&n.to_be_bytes()[..], &[0; 44]].concat()).collect();
        [&p256[..66], &vector(&entries)].concat()
    };
    let envelope = |stanzas: &[&[u8]]| Hand { stanzas: stanzas.concat(), ..hand(0) }.envelope(&[b"x"]);
    let most = of(16_384);
    assert!(inspect(&envelope(&[&most])).is_ok());
    assert_eq!(open_by_hand(&envelope(&[&of(16_383), symmetric])).unwrap(), b"x");
    assert_eq!(open_by_hand(&envelope(&[&of(16_385)])), Err(entries));
    assert_eq!(open_by_hand(&envelope(&[&most, symmetric])), Err(entries));
    let raised = Limits::default().entries(16_385);
    assert!(Locked::decode(&envelope(&[&most, symmetric]), &raised).is_ok());
    let tight = Limits::default().entries(2);
    assert!(Locked::decode(&envelope(&[&of(2)]), &tight).is_ok());
    assert_eq!(Locked::decode(&envelope(&[&of(2), symmetric]), &tight).unwrap_err(), entries);
}

/// [LIM-10]
#[test]
fn writers_keep_to_the_limits() {
    let mut rng = Draws::new(1);
    let key = symmetric(1);
    let to = [Recipient::symmetric(&key)];
    let bytes = Error::Limit { limit: "header bytes" };
    let (fits, long) = (vec![0; 1_048_576 - 33 - 2 - 65 - 4], vec![0; 1_048_576 - 33 - 2 - 65 - 4 + 1]);
    let sealed = Envelope::to(&to).public_data(&fits).seal(b"", &mut rng).unwrap();
    assert!(open(&sealed, &[Reader::symmetric(&key)], &mut rng).is_ok());
    let envelope = Envelope::to(&to).public_data(&long);
    assert_eq!(envelope.seal(b"", &mut rng), Err(bytes));
    assert_eq!(envelope.stream(None, &mut rng).err(), Some(bytes));
    let raised = Limits::default().header_len(1_048_577);
    let sealed = envelope.limits(raised).seal(b"", &mut rng).unwrap();
    assert_eq!(open(&sealed, &[Reader::symmetric(&key)], &mut rng).unwrap_err(), bytes);
    assert!(Locked::decode(&sealed, &raised).unwrap().unlock(&[Reader::symmetric(&key)], &mut rng).is_ok());
    let to = [people().bob.public().recipient()];
    let crowd = Envelope::to(&to).decoys(16_384);
    assert_eq!(crowd.seal(b"", &mut rng), Err(Error::Limit { limit: "entries" }));
    let full = Envelope::to(&to).decoys(16_383).seal(b"full", &mut rng).unwrap();
    assert_eq!(open_with(&full, &[people().bob.reader()]).unwrap(), b"full");
}

/// What a builder cannot seal, and that nothing is drawn or given out for it. [ENV-02] [ENV-05] [ATT-02]
#[test]
fn what_cannot_be_sealed() {
    let mut rng = Draws::new(1);
    let (alice, bob) = (&people().alice, people().bob.public().recipient());
    let passphrase = Recipient::passphrase(&people().argon2id);
    let (with_bob, alone, key) = ([bob, passphrase], [passphrase], [Recipient::symmetric(&people().keys[0])]);
    let refuse = |envelope: Envelope<'_>, rng: &mut Draws| {
        assert!(matches!(envelope.seal(b"", rng), Err(Error::Argument { .. })));
        assert!(matches!(envelope.stream(None, rng), Err(Error::Argument { .. })));
        let mut out = vec![0xee; 5000];
        assert!(matches!(envelope.seal_into(b"", &mut out, rng), Err(Error::Argument { .. })));
        assert_eq!(out, [0xee; 5000]);
        assert!(rng.drawn.is_empty());
    };
    refuse(Envelope::to(&[]), &mut rng);
    refuse(Envelope::to(&[]).signed_by(alice.sender()).without_copy_for_me(), &mut rng);
    refuse(Envelope::to(&with_bob), &mut rng);
    refuse(Envelope::to(&alone).signed_by(alice.sender()), &mut rng);
    refuse(Envelope::to(&alone).decoys(1), &mut rng);
    refuse(Envelope::to(&key).decoys(1), &mut rng);
    // An attachment is for nobody and from nobody.
    for envelope in [Envelope::to(&key), Envelope::to(&[]).signed_by(alice.sender()), Envelope::to(&[]).decoys(1)] {
        assert!(matches!(envelope.seal_attachment(b"", &mut rng), Err(Error::Argument { .. })));
        assert!(matches!(envelope.stream_attachment(None, &mut rng), Err(Error::Argument { .. })));
    }
    assert!(rng.drawn.is_empty());
    // Signed and to a passphrase, without a copy.
    let signed = Envelope::to(&alone).signed_by(alice.sender()).without_copy_for_me().seal(b"x", &mut rng).unwrap();
    let opened = open(&signed, &[Reader::passphrase(&people().argon2id)], &mut rng).unwrap();
    assert_eq!(opened.verify(alice.public()).unwrap(), b"x");
    // Too small a buffer.
    let envelope = Envelope::to(&key);
    let needed = envelope.max_sealed_len(10).unwrap();
    let mut out = vec![0; needed - 1];
    assert_eq!(envelope.seal_into(&[0; 10], &mut out, &mut rng), Err(Error::Buffer { needed }));
}

/// Two keys with one key id, which was searched for: moduli that begin as another key's and end in these eight bytes and a 1.
/// Nobody knows their factors, so nobody opens what is sealed to them. [STZ-12]
#[test]
fn two_rsa_keys_with_one_key_id() {
    let key = |end: u64| {
        let mut spki = rsa_2048().public_key().spki_der().to_vec();
        // The exponent's five bytes stand behind the modulus, which is odd.
        spki[280..289].copy_from_slice(&[&end.to_be_bytes()[..], &[1]].concat());
        RsaPublicKey::from_spki_der(&spki).unwrap()
    };
    let [one, other] = [0x5897_0abd_f6ac_e6eb, 0xd768_9c7d_cb7a_9803].map(key);
    let key_id = |key: &RsaPublicKey| rsa_key_id(&key.bare_id(), key.spki_der());
    assert_ne!(one.spki_der(), other.spki_der());
    assert_eq!(key_id(&one), key_id(&other));
    let mut rng = Draws::new(1);
    let [one, other] = [&one, &other].map(Recipient::bare_rsa);
    let refused = Error::Argument { what: "two RSA recipients with one key id" };
    assert_eq!(Envelope::to(&[one, other]).seal(b"", &mut rng), Err(refused));
    assert_eq!(Envelope::to(&[other, one]).stream(None, &mut rng).err(), Some(refused));
    let alone = Envelope::to(&[other]).seal(b"", &mut rng).unwrap();
    assert_eq!(Envelope::to(&[one, one]).seal(b"", &mut rng).unwrap().len(), alone.len());
}

/// One header, two DEKs: each wrapped to its reader, in every kind of stanza, and a payload that is committed to one.
/// Who holds the other gets the one failure. [ENV-07] [ENV-08] [STZ-09] [STZ-04] [SUITE-02]
#[test]
fn two_deks_under_one_header() {
    let (bob, carol) = (&people().bob, &people().carol);
    let salt = [0x5a; 24];
    let entry = |person: &Identity, dek: &[u8; 32]| {
        let public = person.public();
        let info = wrap_info(1, 1, &salt, public.fingerprint().as_bytes());
        wrap_p256(public.p256_encryption_key().unwrap(), &info, dek, [4; 32])
    };
    let symmetric_info = wrap_info(1, 3, &salt, &[0; 32]);
    let rsa = rsa_2048();
    let rsa_id = rsa.public_key().bare_id();
    let rsa_info = sha256(&wrap_info(1, 2, &salt, &rsa_id));
    let (ours, theirs) = ([0xaa; 32], [0xbb; 32]);
    let ((enc, to_bob), (same, to_carol)) = (entry(bob, &ours), entry(carol, &theirs));
    assert_eq!(enc, same);
    let stanzas = [
        group(&enc, &[to_bob, to_carol]),
        rsa_stanza(rsa.public_key(), &rsa_id, &rsa_info, &theirs),
        symmetric_stanza(&KEK, &symmetric_info, &ours),
    ]
    .concat();
    let key = SymmetricKey::take(&mut KEK.clone());
    let readers = [
        (bob.reader(), ours),
        (carol.reader(), theirs),
        (Reader::bare_rsa(rsa), theirs),
        (Reader::symmetric(&key), ours),
    ];
    for dek in [ours, theirs] {
        let hand = Hand { stanzas: stanzas.clone(), dek, ..Hand::symmetric(&KEK) };
        let envelope = hand.envelope(&[b"content"]);
        for (reader, theirs) in readers {
            let expected = if theirs == dek { Ok(b"content".to_vec()) } else { Err(Error::Decrypt) };
            assert_eq!(open_with(&envelope, &[reader]), expected);
        }
        // With all keys, whichever comes first.
        assert_eq!(open_with(&envelope, &readers.map(|(reader, _)| reader)).unwrap(), b"content");
        let [a, b, c, d] = readers.map(|(reader, _)| reader);
        assert_eq!(open_with(&envelope, &[d, c, b, a]).unwrap(), b"content");
        // The payload sealed under one DEK with the other's commitment.
        let other = Hand { dek: if dek == ours { theirs } else { ours }, ..hand.clone() };
        let crossed = [hand.header(), other.schedule().2, hand.chunk(0, b"content")].concat();
        for (reader, _) in readers {
            assert_eq!(open_with(&crossed, &[reader]), Err(Error::Decrypt));
        }
    }
}

/// An entry that opens for the reader but misses the commitment is skipped, wherever it stands. [STZ-09] [ENV-08]
#[test]
fn entries_that_miss_the_commitment_are_skipped() {
    let bob = &people().bob;
    let info = wrap_info(1, 1, &[0x5a; 24], bob.public().fingerprint().as_bytes());
    let key = bob.public().p256_encryption_key().unwrap();
    let right = wrap_p256(key, &info, &[0xde; 32], [4; 32]);
    let wrong: Vec<_> = (0..40_u8).map(|n| wrap_p256(key, &info, &[6 * n + 1; 32], [4; 32]).1).collect();
    let (before, after): (Vec<[u8; 48]>, Vec<[u8; 48]>) = wrong.iter().copied().partition(|entry| *entry < right.1);
    assert!(!before.is_empty() && !after.is_empty());
    let of = |entries: &[[u8; 48]]| {
        let hand = Hand { stanzas: group(&right.0, entries), ..Hand::symmetric(&KEK) };
        open_with(&hand.envelope(&[b"content"]), &[bob.reader()])
    };
    assert_eq!(of(&[right.1]).unwrap(), b"content");
    assert_eq!(of(&[before[0], right.1]).unwrap(), b"content");
    assert_eq!(of(&[after[0], right.1]).unwrap(), b"content");
    assert_eq!(of(&[&wrong[..], &[right.1]].concat()).unwrap(), b"content");
    assert_eq!(of(&wrong), Err(Error::Decrypt));
}

/// A wrap opens in its own envelope, for its own type, under its own id, and nowhere else. [STZ-02] [STZ-11] [STZ-13]
#[test]
fn wraps_are_bound() {
    let hand = Hand::symmetric(&KEK);
    let bob = outsider(50);
    let key = bob.encryption.public_key();
    let (id, salt, dek) = (*bob.public.fingerprint().as_bytes(), hand.salt, hand.dek);
    let mut other_salt = salt;
    other_salt[23] ^= 1;
    let suite = |suite: u8| sign_input("wrap", &[&[0, suite, 1, 1][..], &salt, &id].concat());
    let opens = |stanzas: Vec<u8>, reader: Reader<'_>| {
        let hand = Hand { stanzas, ..hand.clone() };
        let opened = open_with(&hand.envelope(&[b"content"]), &[reader]);
        assert!(opened.is_ok() || opened == Err(Error::Decrypt));
        opened.is_ok()
    };

    let p256 = |info: &[u8]| {
        let (enc, entry) = wrap_p256(key, info, &dek, [4; 32]);
        group(&enc, &[entry])
    };
    let right = wrap_info(1, 1, &salt, &id);
    assert_eq!(right, suite(1));
    let own = Reader::p256(&bob.encryption, &bob.public);
    assert!(opens(p256(&right), own));
    for info in [
        wrap_info(1, 1, &other_salt, &id),
        wrap_info(6, 1, &salt, &id),
        wrap_info(1, 2, &salt, &id),
        wrap_info(1, 1, &salt, &key.bare_id()),
        wrap_info(1, 1, &salt, &[0; 32]),
        suite(2),
        vec![],
        sign_input("bare key", &[&[0, 1, 1, 1][..], &salt, &id].concat()),
    ] {
        assert!(!opens(p256(&info), own));
    }
    // The same key without its identity, or under another one that lists it.
    assert!(!opens(p256(&right), Reader::bare_p256(&bob.encryption)));
    assert!(opens(p256(&wrap_info(1, 1, &salt, &key.bare_id())), Reader::bare_p256(&bob.encryption)));
    let thief = outsider(51);
    let claimed =
        UnsignedIdentity::p256(0, key.clone(), thief.signing.public_key().clone(), thief.rotation.public_key());
    let claimed = claimed.unwrap().sign(&thief.signing, &mut Draws::new(1)).unwrap();
    assert!(!opens(p256(&right), Reader::p256(&bob.encryption, &claimed)));
    assert!(opens(
        p256(&wrap_info(1, 1, &salt, claimed.fingerprint().as_bytes())),
        Reader::p256(&bob.encryption, &claimed)
    ));
    // A point that is not the group's, with an entry that was made under another ephemeral.
    let (enc, _) = wrap_p256(key, &right, &dek, [5; 32]);
    assert!(!opens(group(&enc, &[wrap_p256(key, &right, &dek, [4; 32]).1]), own));

    let symmetric = SymmetricKey::take(&mut KEK.clone());
    let reader = Reader::symmetric(&symmetric);
    assert!(opens(symmetric_stanza(&KEK, &wrap_info(1, 3, &salt, &[0; 32]), &dek), reader));
    for info in [
        wrap_info(1, 3, &other_salt, &[0; 32]),
        wrap_info(6, 3, &salt, &[0; 32]),
        wrap_info(1, 4, &salt, &[0; 32]),
        wrap_info(1, 3, &salt, &id),
    ] {
        assert!(!opens(symmetric_stanza(&KEK, &info, &dek), reader));
    }

    let rsa = rsa_2048();
    let rsa_id = rsa.public_key().bare_id();
    let stanza = |info: &[u8]| rsa_stanza(rsa.public_key(), &rsa_id, &sha256(info), &dek);
    assert!(opens(stanza(&wrap_info(1, 2, &salt, &rsa_id)), Reader::bare_rsa(rsa)));
    for info in [
        wrap_info(1, 2, &other_salt, &rsa_id),
        wrap_info(6, 2, &salt, &rsa_id),
        wrap_info(1, 1, &salt, &rsa_id),
        wrap_info(1, 2, &salt, &id),
    ] {
        assert!(!opens(stanza(&info), Reader::bare_rsa(rsa)));
    }
    // Of the decrypted message, all of the hash counts.
    for place in 0..32 {
        let mut hash = sha256(&wrap_info(1, 2, &salt, &rsa_id));
        hash[place] ^= 1;
        assert!(!opens(rsa_stanza(rsa.public_key(), &rsa_id, &hash, &dek), Reader::bare_rsa(rsa)));
    }
    // The stanza of one id, renamed to another.
    let mut renamed = stanza(&wrap_info(1, 2, &salt, &rsa_id));
    let other_id = hazmat::rsa_reader(rsa, id);
    assert!(!opens(renamed.clone(), other_id));
    renamed[1..9].copy_from_slice(&rsa_key_id(&id, rsa.public_key().spki_der()));
    assert!(!opens(renamed, other_id));
}

/// Stanzas of one envelope in another to the same people. [STZ-02] [ENV-10]
#[test]
fn stanzas_moved_between_envelopes_are_refused() {
    for name in ["p256", "symmetric", "rsa 2048", "argon2id", "signed"] {
        let sample = sample(name);
        let people = people();
        let to = match name {
            "p256" => vec![people.bob.public().recipient()],
            "symmetric" => vec![Recipient::symmetric(&people.keys[0])],
            "rsa 2048" => vec![Recipient::bare_rsa(rsa_2048().public_key())],
            "argon2id" => vec![Recipient::passphrase(&people.argon2id)],
            _ => vec![
                people.bob.public().recipient(),
                people.carol.public().recipient(),
                people.alice.public().recipient(),
            ],
        };
        let second = Envelope::to(&to).seal(b"second", &mut Draws::new(77)).unwrap();
        let (of_first, of_second) = (&sample.bytes[..sample.header_len], &second[..sample.header_len]);
        // Fixed fields, salt and stanzas of each with the rest of the other. The salt is fresh, and so is the DEK.
        assert_ne!(of_first[9..33], of_second[9..33]);
        assert_ne!(of_first[33..], of_second[33..]);
        for (salt, stanzas) in [(of_first, of_second), (of_second, of_first), (of_second, of_second)] {
            let header = [&of_first[..9], &salt[9..33], &stanzas[33..]].concat();
            refused(sample, &[&header, &sample.bytes[sample.header_len..]].concat(), true);
        }
    }
}

/// [PAY-01] [PAY-03] [PAY-04]
#[test]
fn chunks_are_cut_in_one_way() {
    let hand = Hand::symmetric(&KEK);
    let (full, over) = ([1; CHUNK], [1; CHUNK + 1]);
    let good: [&[&[u8]]; 5] = [&[b""], &[b"x"], &[&full, b""], &[&full, &full[1..]], &[&full, &full, b"end"]];
    for chunks in good {
        assert_eq!(open_by_hand(&hand.envelope(chunks)).unwrap(), chunks.concat());
    }
    let bad: [&[&[u8]]; 8] = [
        &[],
        &[&full],
        &[&full, &full],
        &[&over],
        &[b"x", b"y"],
        &[b"", b""],
        &[b"x", &full, b""],
        &[&full[1..], &full[1..]],
    ];
    for chunks in bad {
        assert_eq!(open_by_hand(&hand.envelope(chunks)), Err(Error::Decrypt));
    }
    // Shorter than a tag.
    for len in 1..16 {
        let envelope = [hand.envelope(&[&full]), hand.chunk(1, b"")[..len].to_vec()].concat();
        assert_eq!(open_by_hand(&envelope), Err(Error::Decrypt));
    }
    // [PAY-04] [ENV-12] what a stream gives before a bad chunk is whole chunks; after it, nothing, and for ever.
    let mut envelope = hand.envelope(&[&full, &full, b"end"]);
    let place = envelope.len() - 19 - 16400 + 5;
    envelope[place] ^= 1;
    let key = SymmetricKey::take(&mut KEK.clone());
    let mut start = EnvelopeStart::new(Limits::default());
    let rest = start.push(&envelope).unwrap().unwrap();
    let unlock = || start.locked().unwrap().unlock(&[Reader::symmetric(&key)], &mut Draws::new(1)).unwrap();
    let mut stream = unlock().stream();
    let mut given = Vec::new();
    let mut failed = false;
    for byte in rest {
        match stream.push(&[*byte]) {
            Ok(piece) => {
                assert!(!failed);
                given.extend_from_slice(piece.unverified());
            }
            Err(error) => {
                failed = true;
                assert_eq!(error, Error::Decrypt);
            }
        }
    }
    assert!(failed);
    assert_eq!(given, full);
    assert_eq!(stream.finish().unwrap_err(), Error::Decrypt);
    // In one push, the good chunk before the bad one is not given out either; and one call was enough to fail.
    let mut stream = unlock().stream();
    assert!(stream.push(rest).is_err());
    assert!(stream.push(&[]).is_err());
    // A whole envelope's buffer holds nothing after a failure.
    let mut buffer = vec![0xee; envelope.len()];
    let opened = open_into(&envelope, &[Reader::symmetric(&key)], &mut buffer, &mut Draws::new(1));
    assert_eq!(opened.map(Opened::unverified), Err(Error::Decrypt));
    assert!(!buffer.contains(&1));
}

/// [PAD-01]
#[test]
fn padding_is_zeros() {
    let hand = Hand { padding: 1, ..Hand::symmetric(&KEK) };
    let of = |len: u64, content: &[u8], zeros: usize| [&len.to_be_bytes()[..], content, &vec![0; zeros]].concat();
    let opened = |plain: &[u8]| open_by_hand(&hand.seal(plain));
    let at_offsets = |plain: &[u8]| {
        let envelope = hand.seal(plain);
        let key = SymmetricKey::take(&mut KEK.clone());
        let locked = Locked::decode(&envelope, &Limits::default()).unwrap();
        let unlocked = locked.unlock(&[Reader::symmetric(&key)], &mut Draws::new(1)).unwrap();
        read_at(&envelope, unlocked, 0, u64::MAX)
    };
    let content = content(20_000);
    for (len, zeros) in
        [(0, 0), (0, 1), (5, 0), (5, 11), (5, 40_000), (16376, 0), (16376, 9), (16384, 3), (20_000, 700)]
    {
        assert_eq!(opened(&of(len as u64, &content[..len], zeros)).unwrap(), content[..len]);
        assert_eq!(at_offsets(&of(len as u64, &content[..len], zeros)).unwrap(), content[..len]);
        let plain = of(len as u64, &content[..len], zeros);
        // Each of the zeros, or some of many.
        for place in (8 + len..plain.len()).step_by(1 + zeros / 40) {
            let mut plain = plain.clone();
            plain[place] = 0x80;
            assert_eq!(opened(&plain), Err(Error::Decrypt), "{len} {zeros} {place}");
            // Who reads at offsets sees the first chunk, the last one, and those that content is in. [OFF-01]
            let seen = [0, (len + 7) / CHUNK, plain.len() / CHUNK].contains(&(place / CHUNK));
            let expected = if seen { Err(Error::Decrypt) } else { Ok(content[..len].to_vec()) };
            assert_eq!(at_offsets(&plain), expected, "{len} {zeros} {place}");
        }
        // Longer than what is there.
        let there = (len + zeros) as u64;
        for more in [1, 2, 16384, 1 << 32, u64::MAX - 8 - there, u64::MAX - 7 - there, u64::MAX - there] {
            let plain = of(there + more, &content[..len], zeros);
            assert_eq!(opened(&plain), Err(Error::Decrypt), "{len} {zeros} {more}");
            // Nor is it read at offsets. [OFF-01]
            assert_eq!(at_offsets(&plain), Err(Error::Decrypt), "{len} {zeros} {more}");
        }
    }
    // No room for a length.
    for len in 0..8 {
        assert_eq!(opened(&vec![0; len]), Err(Error::Decrypt));
    }
}

/// [SIG-01] [SIG-02] [SIG-03] [SUITE-04] [ENV-13]
#[test]
fn signatures_are_checked() {
    let (alice, mallory) = (outsider(60), outsider(61));
    let hand = Hand { signature: 1, ..Hand::symmetric(&KEK) };
    let chunks: [&[u8]; 2] = [&[1; CHUNK], b"content"];
    let key = SymmetricKey::take(&mut KEK.clone());
    let readers = [Reader::symmetric(&key)];
    let fingerprint = |who: &Outsider| *who.public.fingerprint().as_bytes();
    let sign = |who: &Outsider, digest: &[u8; 32]| {
        let mut signature = [0; 64];
        who.signing.sign_digest(digest, &mut signature, &mut Draws::new(1)).unwrap();
        signature
    };
    let envelope = |block: &[u8]| [hand.envelope(&chunks), hand.block(block)].concat();
    let opened = |envelope: &[u8]| open(envelope, &readers, &mut Draws::new(1));
    let verified = |signer: &[u8; 32], signature: &[u8], by: &PublicIdentity| {
        let envelope = envelope(&[&signer[..], signature].concat());
        let verified = opened(&envelope).unwrap().verify(by).map(|content| assert_eq!(content, chunks.concat()));
        let (_, end) =
            open_stream(&envelope, 999, |locked| locked.unlock(&readers, &mut Draws::new(1))).unwrap().unwrap();
        assert_eq!(end.verify(by).map(drop), verified);
        verified
    };
    let by_alice = fingerprint(&alice);
    let right = sign(&alice, &hand.signed_digest(&chunks, &by_alice));
    assert_eq!(verified(&by_alice, &right, &alice.public), Ok(()));
    let refused = Err(Error::Signature);
    // By another identity's key, in another's name, to another verifier.
    assert_eq!(verified(&by_alice, &right, &mallory.public), refused);
    assert_eq!(verified(&fingerprint(&mallory), &right, &alice.public), refused);
    assert_eq!(verified(&fingerprint(&mallory), &right, &mallory.public), refused);
    let forged = sign(&mallory, &hand.signed_digest(&chunks, &by_alice));
    assert_eq!(verified(&by_alice, &forged, &alice.public), refused);
    assert_eq!(verified(&fingerprint(&mallory), &forged, &mallory.public), refused);
    // An identity of another algorithm.
    assert_eq!(verified(people().rita.fingerprint().as_bytes(), &right, &people().rita), refused);
    // Over other things: the digest itself of other chunks, header, algorithm, label.
    let other_chunks: [&[u8]; 2] = [&[1; CHUNK], b"CONTENT"];
    let other_header = Hand { public_data: vec![1], ..hand.clone() };
    let h = sha256(&hand.header());
    let hashes = [sha256(&hand.chunk(0, chunks[0])), sha256(&hand.chunk(1, chunks[1]))].concat();
    let content = |algorithm: u8| [&by_alice[..], &[algorithm], &h, &hand.schedule().2, &sha256(&hashes)].concat();
    assert_eq!(sha256(&sign_input("envelope signature", &content(1))), hand.signed_digest(&chunks, &by_alice));
    for digest in [
        hand.signed_digest(&other_chunks, &by_alice),
        hand.signed_digest(&chunks[..1], &by_alice),
        other_header.signed_digest(&chunks, &by_alice),
        sha256(&sign_input("envelope signature", &content(2))),
        sha256(&sign_input("detached signature", &content(1))),
        sha256(&content(1)),
        [0; 32],
    ] {
        assert_eq!(verified(&by_alice, &sign(&alice, &digest), &alice.public), refused);
    }
    // r or s zero, or not below n; the upper half of s.
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let order: [u8; 32] = std::array::from_fn(|i| u8::from_str_radix(&order[2 * i..2 * i + 2], 16).unwrap());
    let (r, s) = (&right[..32], &right[32..]);
    let mut high = order;
    let mut borrow = 0;
    for place in (0..32).rev() {
        let difference = i32::from(order[place]) - i32::from(s[place]) - borrow;
        borrow = i32::from(difference < 0);
        high[place] = difference.rem_euclid(256) as u8;
    }
    for (r, s) in [
        (r, &high[..]),
        (&[0; 32], s),
        (r, &[0; 32]),
        (&[0; 32], &[0; 32]),
        (&order, s),
        (r, &order),
        (&[0xff; 32], s),
        (r, &[0xff; 32]),
        (s, r),
    ] {
        assert_eq!(verified(&by_alice, &[r, s].concat(), &alice.public), refused);
    }
    // A block of another length, none, or one too much.
    for len in [0, 31, 32, 95, 97, 128, 32 + 256] {
        assert_eq!(opened(&envelope(&vec![7; len])).unwrap_err(), Error::Decrypt);
    }
    assert_eq!(opened(&hand.envelope(&chunks)).unwrap_err(), Error::Decrypt);
    let block = [&by_alice[..], &right].concat();
    assert_eq!(opened(&[envelope(&block), hand.block(&block)].concat()).unwrap_err(), Error::Decrypt);
    let unsigned = Hand { signature: 0, ..hand.clone() };
    let with_block = [unsigned.envelope(&chunks), unsigned.block(&block)].concat();
    assert_eq!(opened(&with_block).unwrap_err(), Error::Decrypt);
    // Not signed at all: nobody's.
    let opened = opened(&unsigned.envelope(&chunks)).unwrap();
    assert_eq!(opened.claimed_signer(), None);
    assert_eq!(opened.verify(&alice.public).map(|_| ()), refused);
    // The lengths of all algorithms, with blocks that verify for nobody. [SIG-01]
    for (signature, len) in [(1, 64), (2, 256), (3, 384), (4, 512)] {
        let hand = Hand { signature, ..hand.clone() };
        for (other, fits) in [64, 256, 384, 512].map(|other| (other, other == len)) {
            let block = hand.block(&[&by_alice[..], &vec![1; other]].concat());
            let envelope = [hand.envelope(&chunks), block].concat();
            match open(&envelope, &readers, &mut Draws::new(1)) {
                Ok(opened) => {
                    assert!(fits);
                    assert_eq!(opened.claimed_signer(), Some(alice.public.fingerprint()));
                    assert_eq!(opened.verify(&alice.public).map(|_| ()), refused);
                }
                Err(error) => assert!(!fits && error == Error::Decrypt),
            }
        }
    }
}

/// A key that opens an attachment opens only the one it was made for. [ATT-01] [ENV-10]
#[test]
fn attachments_are_bound_to_their_digest() {
    let sample = sample("attachment");
    let bytes = *sample.key.as_ref().unwrap().expose();
    let locked = Locked::decode(&sample.bytes, &Limits::default()).unwrap();
    let opened = |bytes: &[u8; 64], locked: &Locked<'_>| {
        let opened = AttachmentKey::take(&mut bytes.clone()).unlock(locked)?.open(locked.payload());
        let mut buffer = vec![0; 100_000];
        let into = AttachmentKey::take(&mut bytes.clone())
            .unlock(locked)?
            .open_into(locked.payload(), &mut buffer)
            .map(Opened::unverified);
        assert_eq!(into.map(<[u8]>::to_vec), opened.as_ref().map(|_| sample.content.clone()).map_err(|error| *error));
        opened.map(Opened::unverified)
    };
    assert_eq!(opened(&bytes, &locked).unwrap(), sample.content);
    for place in 0..64 {
        let mut bytes = bytes;
        bytes[place] ^= 0x10;
        assert_eq!(opened(&bytes, &locked), Err(Error::Decrypt), "{place}");
    }
    // Whoever knows the DEK makes another attachment under it: it opens for nobody who holds the digest.
    let dek: [u8; 32] = bytes[..32].try_into().unwrap();
    let forged = Hand {
        content_type: 6,
        stanzas: vec![],
        dek,
        salt: sample.bytes[9..33].try_into().unwrap(),
        public_data: b"image/png".to_vec(),
        ..Hand::symmetric(&KEK)
    };
    assert_eq!(forged.header(), sample.bytes[..sample.header_len]);
    assert_eq!(forged.seal(&sample.content), sample.bytes);
    let (h, commitment) = (sha256(&forged.header()), forged.schedule().2);
    let hashes = sha256(&forged.chunk(0, &sample.content));
    let digest = sha256(&sign_input("attachment", &[&h[..], &commitment, &sha256(&hashes)].concat()));
    assert_eq!(digest, bytes[32..]);
    let other = forged.seal(b"something else");
    let other_locked = Locked::decode(&other, &Limits::default()).unwrap();
    assert_eq!(opened(&bytes, &other_locked), Err(Error::Decrypt));
    let stream = open_stream(&other, 10, |locked| sample.key.as_ref().unwrap().unlock(locked));
    assert_eq!(stream.unwrap().unwrap_err(), Error::Decrypt);
}

/// Each kind of object where another is expected. [OBJ-03] [OBJ-02] [WIRE-04]
#[test]
fn objects_are_not_taken_for_each_other() {
    let mut rng = Draws::new(3);
    let (old, new) = (generation(1, 0), generation(1, 1));
    let (message, attachment) = (sample("p256").bytes.clone(), sample("attachment").bytes.clone());
    let identity = old.public().to_bytes();
    let transition = Root::from_bip39_seed(&[1; 64]).succeed(&old, &new, &mut rng).unwrap().to_bytes().unwrap();
    let signature = old.sign(b"", b"content", &mut rng).unwrap().to_bytes();
    let objects = [&message, &attachment, &identity, &transition, &signature];
    let wrong = Error::Unsupported { field: "type" };
    for (number, object) in objects.iter().enumerate() {
        assert!(inspect(object).is_ok());
        let opened = open(object, &[people().bob.reader()], &mut rng).map(|_| ());
        assert_eq!(opened, if number == 0 { Ok(()) } else { Err(wrong) });
        let locked = Locked::decode(object, &Limits::default());
        let unlocked = locked.and_then(|locked| sample("attachment").key.as_ref().unwrap().unlock(&locked).map(|_| ()));
        assert_eq!(unlocked, if number == 1 { Ok(()) } else { Err(wrong) });
        let decoded = PublicIdentity::from_bytes(object).map(|_| ());
        assert_eq!(decoded, if number == 2 { Ok(()) } else { Err(wrong) });
        let decoded = Transition::from_bytes(object).map(|_| ());
        assert_eq!(decoded, if number == 3 { Ok(()) } else { Err(wrong) });
        let decoded = DetachedSignature::from_bytes(object).map(|_| ());
        assert_eq!(decoded, if number == 4 { Ok(()) } else { Err(wrong) });
        let mut start = EnvelopeStart::new(Limits::default());
        assert_eq!(start.push(object).map(|_| ()), if number < 2 { Ok(()) } else { Err(wrong) });
        // Its type byte set to any other: refused, or not what it was.
        for code in (0..=255).filter(|code| *code != object[6]) {
            let mut object = object.to_vec();
            object[6] = code;
            // Who has no key cannot tell that an envelope was of another type, or that a message is no such.
            assert!(inspect(&object).is_err() || matches!(code, 0x03..=0x05 | 0x07 | 0x08 | 0x23), "{code}");
            assert!(open(&object, &[people().bob.reader()], &mut rng).is_err());
        }
    }
    // Within a transition, something else in the new identity's place.
    let mut inner = transition.clone();
    inner[7 + 32 + 1 + 6] = 1;
    assert_eq!(Transition::from_bytes(&inner).unwrap_err(), wrong);
    // One byte more or less, of each. [WIRE-04]
    for object in [&identity, &transition, &signature] {
        let mut longer = object.to_vec();
        longer.push(0);
        assert!(matches!(inspect(&longer), Err(Error::Malformed { .. })));
        for len in 0..object.len() {
            assert!(matches!(inspect(&object[..len]), Err(Error::Malformed { .. })), "{len}");
        }
        // And every bit of it, where a key checks it.
        for place in 0..object.len() {
            let mut changed = object.to_vec();
            changed[place] ^= 1 << (place % 8);
            if let Ok(decoded) = PublicIdentity::from_bytes(&changed) {
                panic!("{decoded:?}");
            }
            assert!(Transition::from_bytes(&changed).and_then(|decoded| old.public().follow(&decoded)).is_err());
            let decoded = DetachedSignature::from_bytes(&changed);
            assert!(decoded.and_then(|decoded| decoded.verify(old.public(), b"", b"content")).is_err());
        }
    }
}

/// Detached signatures: each of the three checks, and the context. [SIG-04] [LIM-07] [LAB-04]
#[test]
fn detached_signatures_are_checked() {
    let (alice, bob) = (person(1), person(2));
    let mut rng = Draws::new(9);
    let refused = Err(Error::Signature);
    for context in [&b""[..], b"file", &[7; 63], &[7; 64], &[7; 255]] {
        for content in [&b""[..], b"content", &[1; 100_000]] {
            let signature = alice.sign(context, content, &mut rng).unwrap();
            assert_eq!(signature.claimed_signer(), alice.public().fingerprint());
            assert_eq!(signature.verify(alice.public(), context, content), Ok(()));
            assert_eq!(signature.verify(bob.public(), context, content), refused);
            assert_eq!(signature.verify(alice.public(), b"other", content), refused);
            assert_eq!(signature.verify(alice.public(), context, b"other"), refused);
            // By SPEC §10.3.
            let input =
                [&alice.public().fingerprint().as_bytes()[..], &[1], &vector(context), &sha256(content)].concat();
            let digest = sha256(&sign_input("detached signature", &input));
            assert_eq!(DetachedSignature::digest(alice.public(), context, content).unwrap(), digest);
        }
    }
    // What moves between context and content is another signature.
    let signature = alice.sign(b"ab", b"c", &mut rng).unwrap();
    assert_eq!(signature.verify(alice.public(), b"a", b"bc"), refused);
    let limit = Error::Limit { limit: "detached signature context bytes" };
    assert_eq!(alice.sign(&[7; 256], b"", &mut rng).unwrap_err(), limit);
    assert_eq!(signature.verify(alice.public(), &[7; 256], b""), Err(limit));
    // Another signer's name on it.
    let mut bytes = signature.to_bytes();
    bytes[8..40].copy_from_slice(bob.public().fingerprint().as_bytes());
    let renamed = DetachedSignature::from_bytes(&bytes).unwrap();
    for who in [&alice, &bob] {
        assert_eq!(renamed.verify(who.public(), b"ab", b"c"), refused);
    }
    // Another algorithm.
    for (code, len) in [(2, 256), (3, 384), (4, 512)] {
        let mut bytes = [&signature.to_bytes()[..40], &vec![1; len]].concat();
        bytes[7] = code;
        let other = DetachedSignature::from_bytes(&bytes).unwrap();
        assert_eq!(other.verify(alice.public(), b"ab", b"c"), refused);
        assert_eq!(other.verify(&people().rita, b"ab", b"c"), refused);
        assert!(DetachedSignature::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    }
    let mut bytes = signature.to_bytes();
    for code in (0..=255).filter(|code| !(1..=4).contains(code)) {
        bytes[7] = code;
        let field =
            if code == 0 { Error::Malformed { field: "algorithm" } } else { Error::Unsupported { field: "signature" } };
        assert_eq!(DetachedSignature::from_bytes(&bytes).unwrap_err(), field);
    }
    // RSASSA-PSS.
    let rita = rsa_person();
    let signature = rita.sign(b"x", b"content", &mut rng).unwrap();
    assert_eq!(signature.to_bytes().len(), 424);
    assert_eq!(signature.verify(rita.public(), b"x", b"content"), Ok(()));
    assert_eq!(signature.verify(rita.public(), b"x", b"Content"), refused);
    assert_eq!(signature.verify(alice.public(), b"x", b"content"), refused);
}

/// A generator that fails after some draws: the error, and nothing that opens. [ENV-09] [ERR-01]
#[test]
fn failing_generators() {
    let people = people();
    let (alice, bob) = (&people.alice, people.bob.public().recipient());
    let signing = &rsa_keys()[1];
    let rsa = Recipient::bare_rsa(rsa_2048().public_key());
    let (points, mixed) = ([bob], [bob, rsa]);
    let envelopes = [
        (Envelope::to(&points), 3),
        (Envelope::to(&points).decoys(2).signed_by(alice.sender()), 5),
        (Envelope::to(&mixed), 4),
        // The salt of PSS at least: what blinding draws is the key's own matter.
        (Envelope::to(&points).signed_by(Sender::new(&people.rita, signing)).without_copy_for_me(), 4),
    ];
    for (envelope, draws) in envelopes {
        for count in 0..draws {
            let mut rng = Draws::failing(5, count);
            assert_eq!(envelope.seal(b"content", &mut rng), Err(Error::Generator));
            let mut out = vec![0; envelope.max_sealed_len(7).unwrap()];
            let sealed = envelope.seal_into(b"content", &mut out, &mut Draws::failing(5, count));
            assert_eq!(sealed, Err(Error::Generator));
            for len in 0..=out.len() {
                assert!(open(&out[..len], &[people.bob.reader()], &mut Draws::new(1)).is_err());
            }
            let mut rng = Draws::failing(5, count);
            let streamed = envelope.stream(None, &mut rng).and_then(|mut stream| {
                stream.push(b"content")?;
                stream.finish(&mut rng)
            });
            assert_eq!(streamed, Err(Error::Generator));
        }
        let mut rng = Draws::new(5);
        let sealed = envelope.seal(b"content", &mut rng).unwrap();
        assert!(rng.drawn.len() >= draws);
        // An opener's generator serves RSA alone.
        let mut none = Draws::failing(1, 0);
        assert!(open(&sealed, &[people.bob.reader()], &mut none).is_ok());
    }
    let sealed = &sample("rsa 2048").bytes;
    let opened = open(sealed, &[Reader::bare_rsa(rsa_2048())], &mut Draws::failing(1, 0));
    // That it fails says nothing of key or envelope, so it is told. AWS-LC blinds with what it draws itself.
    assert_eq!(opened.err(), if cfg!(feature = "aws-lc-rs") { None } else { Some(Error::Generator) });
    // Another of the keys opens it all the same.
    let sealed = Envelope::to(&mixed).seal(b"content", &mut Draws::new(5)).unwrap();
    for readers in
        [[Reader::bare_rsa(rsa_2048()), people.bob.reader()], [people.bob.reader(), Reader::bare_rsa(rsa_2048())]]
    {
        assert_eq!(open(&sealed, &readers, &mut Draws::failing(1, 0)).err(), None);
    }
    assert_eq!(Envelope::to(&[]).seal_attachment(b"", &mut Draws::failing(1, 1)).unwrap_err(), Error::Generator);
    assert_eq!(P256PrivateKey::generate(&mut Draws::failing(1, 0)).unwrap_err(), Error::Generator);
    assert_eq!(SymmetricKey::generate(&mut Draws::failing(1, 0)).unwrap_err(), Error::Generator);
    assert_eq!(Mnemonic::generate(&mut Draws::failing(1, 0)).unwrap_err(), Error::Generator);
    let cost = PassphraseCost::pbkdf2();
    let key = PassphraseKey::new(b"", cost, &mut unwatched, &mut Draws::failing(1, 0));
    assert_eq!(key.unwrap_err(), Error::Generator);
    assert_eq!(rsa_person().sign(b"", b"", &mut Draws::failing(1, 0)).unwrap_err(), Error::Generator);
    assert!(person(1).sign(b"", b"", &mut Draws::failing(1, 0)).is_ok());
}
