//! Attacks: each test is something that was tried against the crate, and must not work. SPEC §1.

use chacha20::ChaCha20Rng;
use cpu_time::ThreadTime;
use rand_core::{Rng, SeedableRng};
use sealroom::*;

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn identity(n: u8) -> Identity {
    Root::from_bip39_seed(&[n; 64]).identity(Profile::P256, 0, &mut SystemRng).unwrap()
}

fn below(rng: &mut ChaCha20Rng, bound: usize) -> usize {
    (rng.next_u64() % bound as u64) as usize
}

/// Content of any length, often near a chunk's border.
fn some_len(rng: &mut ChaCha20Rng) -> usize {
    match below(rng, 4) {
        0 => below(rng, 40),
        1 => 16384 * below(rng, 3) + below(rng, 20),
        2 => (16384 * (1 + below(rng, 3))).saturating_sub(below(rng, 30)),
        _ => below(rng, 60_000),
    }
}

// -- sealing

/// A number of decoys that no header can hold is an error, before anything is allocated for it.
#[test]
fn absurd_numbers_of_decoys_are_an_error() {
    let bob = identity(2);
    let to = [bob.public().recipient()];
    let wrapped_keys_of_a_vector = ((1 << 30) - 1) / 48;
    for decoys in [usize::MAX, usize::MAX / 48, 1 << 45, wrapped_keys_of_a_vector + 1] {
        for limits in [Limits::default(), Limits::default().entries(usize::MAX).header_len(usize::MAX)] {
            let envelope = Envelope::to(&to).decoys(decoys).limits(limits);
            let limit = Error::Limit { limit: "entries" };
            assert_eq!(envelope.seal(b"", &mut rng(1)), Err(limit));
            assert_eq!(envelope.stream(None, &mut rng(1)).err(), Some(limit));
            let nobody = Envelope::to(&[]).decoys(decoys).limits(limits);
            assert!(nobody.seal_attachment(b"", &mut rng(1)).is_err());
            assert!(nobody.stream_attachment(None, &mut rng(1)).is_err());
        }
    }
}

/// A stream ends as what it began as: a message gives no attachment's key, an attachment is not ended without its key.
#[test]
fn streams_end_as_what_they_began_as() {
    let (alice, bob) = (identity(1), identity(2));
    let to = [bob.public().recipient()];
    for envelope in [Envelope::to(&to), Envelope::to(&to).signed_by(alice.sender())] {
        let stream = envelope.stream(None, &mut rng(1)).unwrap();
        assert!(matches!(stream.finish_attachment(), Err(Error::Argument { .. })));
    }
    let stream = Envelope::to(&[]).stream_attachment(None, &mut rng(1)).unwrap();
    assert!(matches!(stream.finish(&mut rng(1)), Err(Error::Argument { .. })));
}

struct Liar(SignatureAlgorithm, Vec<u8>);

impl Sign for Liar {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.0
    }

    fn sign_digest(&self, _: &[u8; 32], signature: &mut [u8], _: &mut dyn Random) -> Result<(), Error> {
        signature.iter_mut().zip(&self.1).for_each(|(place, byte)| *place = *byte);
        Ok(())
    }
}

/// A key held elsewhere that signs wrongly, or is another identity's, is found out before the envelope is given out.
#[test]
fn a_key_that_is_not_the_senders_does_not_seal() {
    let (alice, bob) = (identity(1), identity(2));
    let other = P256PrivateKey::generate(&mut rng(3)).unwrap();
    let liar = Liar(SignatureAlgorithm::EcdsaP256, vec![1; 64]);
    let zeros = Liar(SignatureAlgorithm::EcdsaP256, vec![0; 64]);
    let keys: [&dyn Sign; 3] = [&other, &liar, &zeros];
    let to = [bob.public().recipient()];
    for key in keys {
        let envelope = Envelope::to(&to).signed_by(Sender::new(alice.public(), key));
        assert_eq!(envelope.seal(b"content", &mut rng(1)), Err(Error::Key));
        let stream = envelope.stream(None, &mut rng(1)).unwrap();
        assert_eq!(stream.finish(&mut rng(1)), Err(Error::Key));
        assert!(DetachedSignature::sign(&Sender::new(alice.public(), key), b"", b"", &mut rng(1)).is_err());
    }
}

/// What waits for an answer from elsewhere must be able to wait on any thread.
#[test]
fn public_types_go_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<Envelope<'_>>();
    check::<Recipient<'_>>();
    check::<Locked<'_>>();
    check::<Unlocked>();
    check::<Opened<Vec<u8>>>();
    check::<OpenStream>();
    check::<EnvelopeStart>();
    check::<OffsetProbe>();
    check::<OffsetReader>();
    check::<Identity>();
    check::<PublicIdentity>();
    check::<UnsignedIdentity>();
    check::<UnsignedTransition>();
    check::<AttachmentKey>();
    check::<Reader<'_>>();
    check::<Sender<'_>>();
    check::<SealStream<'_>>();
    check::<PendingSignature<'_>>();
}

/// `max_sealed_len` is enough whatever is merged, and as near as it says.
#[test]
fn max_sealed_len_is_a_bound() {
    let mut rng = rng(7);
    let people: Vec<_> = (1..6).map(identity).collect();
    let symmetric: Vec<_> = (0..4).map(|_| SymmetricKey::generate(&mut rng).unwrap()).collect();
    let public = vec![9; 16_390];
    for round in 0..400 {
        let mut to = Vec::new();
        for _ in 0..1 + below(&mut rng, 12) {
            let n = below(&mut rng, 9);
            to.push(match n {
                0..5 => people[n].public().recipient(),
                _ => Recipient::symmetric(&symmetric[n - 5]),
            });
        }
        let lens = [0, 1, 62, 63, 64, 65, 16_382, 16_383, 16_384, 16_385];
        let mut envelope = Envelope::to(&to).public_data(&public[..lens[below(&mut rng, lens.len())]]);
        if round % 3 > 0 {
            envelope = envelope.signed_by(people[0].sender()).decoys(below(&mut rng, 500));
        }
        if round % 2 == 0 {
            envelope = envelope.padding(Padding::Padme);
        }
        let content = vec![3; some_len(&mut rng)];
        let max = envelope.max_sealed_len(content.len()).unwrap();
        let mut out = vec![0xaa; max + below(&mut rng, 2) * 1000];
        let len = envelope.seal_into(&content, &mut out, &mut rng).unwrap();
        // 65 bytes is the longest that a repeat of these kinds takes.
        assert!(len <= max && max - len <= 6 + 65 * (to.len() + 1), "{len} of {max}");
        let mut readers: Vec<_> = people.iter().map(Identity::reader).collect();
        readers.extend(symmetric.iter().map(Reader::symmetric));
        assert_eq!(open(&out[..len], &readers, &mut rng).unwrap().unverified(), content);
        assert!(matches!(envelope.seal_into(&content, &mut out[..max - 1], &mut rng), Err(Error::Buffer { .. })));
    }
}

// -- opening

fn stream_open(envelope: &[u8], readers: &[Reader<'_>], rng: &mut ChaCha20Rng) -> Result<Vec<u8>, Error> {
    let mut start = EnvelopeStart::new(Limits::default());
    let mut left = envelope;
    let mut piece = |rng: &mut ChaCha20Rng| {
        let step = [1, 7, 100, 5_000, 16_400, 40_000][below(rng, 6)];
        let (head, tail) = left.split_at(step.min(left.len()));
        left = tail;
        head
    };
    let rest = loop {
        let next = piece(rng);
        if let Some(rest) = start.push(next)? {
            break rest;
        }
        if next.is_empty() {
            return Err(Error::Malformed { field: "cut" });
        }
    };
    let mut out = Vec::new();
    let mut stream = start.locked()?.unlock(readers, rng)?.stream();
    out.extend_from_slice(stream.push(rest)?.unverified());
    loop {
        let next = piece(rng);
        if next.is_empty() {
            break;
        }
        match stream.push(next) {
            Ok(part) => out.extend_from_slice(part.unverified()),
            Err(error) => {
                // Nothing comes after a failure.
                assert!(stream.push(&[0; 20_000]).is_err() && stream.finish().is_err());
                return Err(error);
            }
        }
    }
    out.extend_from_slice(&stream.finish()?.unverified());
    Ok(out)
}

fn offset_open(envelope: &[u8], readers: &[Reader<'_>], rng: &mut ChaCha20Rng) -> Result<Vec<u8>, Error> {
    let at = |range: core::ops::Range<u64>| envelope.get(range.start as usize..range.end as usize).unwrap_or_default();
    let locked = Locked::decode(envelope, &Limits::default())?;
    let probe = locked.unlock(readers, rng)?.at_offsets(envelope.len() as u64)?;
    let (last, first) = (at(probe.last_chunk()), probe.first_chunk().map(at));
    let reader = probe.authenticate(last, first)?;
    let len = reader.content_len();
    let whole = reader.open(&(0..len), at(reader.fetch(&(0..len))?))?.unverified();
    for _ in 0..6 {
        let a = rng.next_u64() % (len + 1);
        let b = a + rng.next_u64() % (len - a + 1);
        for range in [a..b, a..a, 0..0, len..len, a..len] {
            let part = reader.open(&range, at(reader.fetch(&range)?))?.unverified();
            assert_eq!(part, whole[range.start as usize..range.end as usize]);
        }
    }
    assert!(reader.fetch(&(0..len + 1)).is_err() && reader.fetch(&(len..u64::MAX)).is_err());
    Ok(whole)
}

/// One shot, stream and offsets say the same of every envelope, whole or changed; and no change opens.
#[test]
fn every_way_to_open_agrees_and_no_change_opens() {
    let mut rng = rng(11);
    let (alice, bob) = (identity(1), identity(2));
    let to = [bob.public().recipient()];
    for round in 0..150 {
        let mut envelope = Envelope::to(&to).public_data(b"public").decoys(round % 3);
        if round % 2 == 0 {
            envelope = envelope.signed_by(alice.sender());
        }
        if round % 4 < 2 {
            envelope = envelope.padding(Padding::Padme);
        }
        let mut content = vec![0; some_len(&mut rng)];
        if round % 5 > 0 {
            rng.fill_bytes(&mut content);
        }
        let sealed = envelope.seal(&content, &mut rng).unwrap();
        let readers = [bob.reader()];
        assert_eq!(open(&sealed, &readers, &mut rng).unwrap().unverified(), content);
        assert_eq!(stream_open(&sealed, &readers, &mut rng).unwrap(), content);
        assert_eq!(offset_open(&sealed, &readers, &mut rng).unwrap(), content);
        for _ in 0..30 {
            let mut bad = sealed.clone();
            let head = 400.min(bad.len());
            let place = if below(&mut rng, 2) == 0 { below(&mut rng, head) } else { below(&mut rng, bad.len()) };
            match below(&mut rng, 7) {
                0 => bad.truncate(place),
                1 => bad.extend_from_slice(&sealed[..1 + below(&mut rng, 40)]),
                2 => drop(bad.remove(place)),
                3 => bad.insert(place, rng.next_u32() as u8),
                4 if bad.len() > 33_200 => {
                    // Whole chunks taken out of the middle.
                    let at = bad.len() - 16_500;
                    bad.drain(at - 16_400..at);
                }
                _ => bad[place] ^= 1 << below(&mut rng, 8),
            }
            if bad == sealed {
                continue;
            }
            let mut out = vec![0xee; bad.len()];
            assert!(open_into(&bad, &readers, &mut out, &mut rng).is_err(), "{place}");
            assert!(out.iter().all(|&byte| byte == 0xee || byte == 0), "plaintext is left");
            assert!(open(&bad, &readers, &mut rng).is_err());
            assert!(stream_open(&bad, &readers, &mut rng).is_err());
        }
    }
}

/// A length that the store lies about opens nothing, and nothing overflows.
#[test]
fn lied_lengths_at_offsets() {
    let mut rng = rng(12);
    let bob = identity(2);
    let to = [bob.public().recipient()];
    for padding in [Padding::None, Padding::Padme] {
        let sealed = Envelope::to(&to).padding(padding).seal(&[5; 40_000], &mut rng).unwrap();
        let true_len = sealed.len() as u64;
        for lie in [0, 1, 200, true_len - 16_400, true_len - 1, true_len + 1, true_len + 16_400, 1 << 53, 1 << 62]
            .into_iter()
            .chain((0..60).map(|less| u64::MAX - less * 555))
        {
            let unlocked = Locked::decode(&sealed, &Limits::default()).unwrap().unlock(&[bob.reader()], &mut rng);
            let Ok(probe) = unlocked.unwrap().at_offsets(lie) else { continue };
            let last = probe.last_chunk();
            assert!(last.start < last.end && last.end <= lie && last.end - last.start < 16_400);
            let at = |range: core::ops::Range<u64>| {
                let mut bytes = vec![0; (range.end - range.start) as usize];
                let source = sealed.get(usize::try_from(range.start).unwrap_or(usize::MAX)..).unwrap_or_default();
                bytes.iter_mut().zip(source).for_each(|(place, byte)| *place = *byte);
                bytes
            };
            let first = probe.first_chunk().map(at);
            assert!(probe.authenticate(&at(last), first.as_deref()).is_err(), "{lie}");
        }
    }
}

/// What was decrypted before a failure at an offset is not left in the caller's buffer.
#[test]
fn offsets_leave_nothing_after_a_failure() {
    let mut rng = rng(13);
    let bob = identity(2);
    let sealed = Envelope::to(&[bob.public().recipient()]).seal(&[5; 40_000], &mut rng).unwrap();
    let at = |range: core::ops::Range<u64>| &sealed[range.start as usize..range.end as usize];
    let unlocked = Locked::decode(&sealed, &Limits::default()).unwrap().unlock(&[bob.reader()], &mut rng).unwrap();
    let probe = unlocked.at_offsets(sealed.len() as u64).unwrap();
    let last = at(probe.last_chunk());
    let reader = probe.authenticate(last, None).unwrap();
    let range = 0..40_000;
    let mut bytes = at(reader.fetch(&range).unwrap()).to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    let mut out = vec![0; bytes.len()];
    assert!(reader.open_into(&range, &bytes, &mut out).is_err());
    assert!(out.iter().all(|&byte| byte == 0), "plaintext is left");
}

/// Any bytes to any decoder: an answer, no panic.
#[test]
fn decoders_take_any_bytes() {
    let mut rng = rng(21);
    let (alice, bob) = (identity(1), identity(2));
    let next = Root::from_bip39_seed(&[1; 64]).identity(Profile::P256, 1, &mut rng).unwrap();
    let key = SymmetricKey::generate(&mut rng).unwrap();
    let to = [bob.public().recipient(), Recipient::symmetric(&key)];
    let (attachment, attachment_key) = Envelope::to(&[]).seal_attachment(b"attached", &mut rng).unwrap();
    let samples = [
        Envelope::to(&to).signed_by(alice.sender()).decoys(3).public_data(b"p").seal(b"hello", &mut rng).unwrap(),
        attachment,
        alice.public().to_bytes(),
        Root::from_bip39_seed(&[1; 64]).succeed(&alice, &next, &mut rng).unwrap().to_bytes().unwrap(),
        alice.sign(b"context", b"content", &mut rng).unwrap().to_bytes(),
        b"SLRM\x00\x01".to_vec(),
    ];
    let public = P256PrivateKey::generate(&mut rng).unwrap();
    let ders = [public.public_key().to_spki_der().to_vec(), public.to_pkcs8_der().unwrap().expose().to_vec()];
    let pem = public.to_pkcs8_pem().unwrap().expose().to_owned();
    let text = alice.public().to_string();
    let interesting = [0, 1, 2, 3, 4, 5, 6, 7, 0x20, 0x21, 0x22, 0x30, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xff];
    for round in 0..60_000 {
        let mut bytes = samples[round % samples.len()].clone();
        for _ in 0..1 + below(&mut rng, 6) {
            let len = bytes.len();
            let front = below(&mut rng, len + 1).min(below(&mut rng, len + 1));
            match below(&mut rng, 6) {
                0 => bytes.truncate(front),
                1 => bytes.insert(front, rng.next_u32() as u8),
                2 => bytes.extend((0..below(&mut rng, 90)).map(|_| 0x31)),
                _ if front < len => bytes[front] = interesting[below(&mut rng, interesting.len())],
                _ => {}
            }
        }
        let _ = inspect(&bytes);
        let _ = PublicIdentity::from_bytes(&bytes);
        let _ = Transition::from_bytes(&bytes).map(|transition| alice.public().follow(&transition));
        let _ = DetachedSignature::from_bytes(&bytes).map(|made| made.verify(alice.public(), b"context", b"content"));
        let mut start = EnvelopeStart::new(Limits::default());
        let _ = start.push(&bytes);
        let _ = start.push(&bytes);
        if let Ok(locked) = Locked::decode(&bytes, &Limits::default().entries(5)) {
            let opened = locked.unlock(&[bob.reader(), Reader::symmetric(&key)], &mut rng);
            let _ = opened.map(|opened| opened.open(locked.payload()));
            let _ = attachment_key.unlock(&locked).map(|opened| opened.open(locked.payload()));
            let _ = locked.operation(&to[0]);
        }
        let _ = PassphraseKey::of(&bytes, b"", &WorkLimits::default().argon2id(8, 8).pbkdf2(1), &mut unwatched);
        let mut der = ders[round % 2].clone();
        let place = below(&mut rng, der.len());
        der[place] = interesting[below(&mut rng, interesting.len())];
        let _ = P256PublicKey::from_spki_der(&der);
        let _ = P256PrivateKey::from_pkcs8_der(&der);
        let mut words = if round % 2 == 0 { pem.clone() } else { text.clone() }.into_bytes();
        let place = below(&mut rng, words.len());
        words[place] = rng.next_u32() as u8 & 0x7f;
        let words = String::from_utf8(words).unwrap();
        let _ = P256PrivateKey::from_pkcs8_pem(&words);
        if words != text {
            assert!(words.parse::<PublicIdentity>().is_err());
        }
        let _ = words.parse::<Fingerprint>();
        if round % 50 == 0 {
            let _ = Mnemonic::parse(&words);
        }
    }
}

/// A header of the greatest size, of the most stanzas, offered byte for byte or at once: linear work.
#[test]
fn full_headers_are_cheap() {
    let mut bytes = b"SLRM\x00\x01\x01\x00\x00".to_vec();
    bytes.extend([0; 24]);
    let mut stanzas = Vec::new();
    for number in 0u32..3_900 {
        stanzas.push(2);
        stanzas.extend(u64::from(number).to_be_bytes());
        stanzas.extend([0x41, 0x00]);
        stanzas.extend([7; 256]);
    }
    bytes.extend((0x8000_0000 | stanzas.len() as u32).to_be_bytes());
    bytes.extend(stanzas);
    bytes.push(0);
    bytes.extend([0; 32 + 16]);
    let started = ThreadTime::now();
    let mut start = EnvelopeStart::new(Limits::default());
    for byte in &bytes {
        start.push(core::slice::from_ref(byte)).unwrap();
    }
    assert!(matches!(inspect(&bytes), Ok(Info::Envelope(info)) if info.rsa_stanzas == 3_900));
    let bob = identity(2);
    let readers = vec![bob.reader(); 100];
    assert_eq!(open(&bytes, &readers, &mut rng(1)).err(), Some(Error::Decrypt));
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

/// A malformed header is refused by its first bytes, not after as many as it says it has.
#[test]
fn wrong_beginnings_are_refused_at_once() {
    for (at, value) in [(0, b'X'), (4, 9), (5, 9), (6, 9), (6, 0x20), (7, 5), (8, 2)] {
        let mut bytes = b"SLRM\x00\x01\x01\x00\x00".to_vec();
        bytes[at] = value;
        let mut start = EnvelopeStart::new(Limits::default());
        assert!(start.push(&bytes).is_err(), "{at}");
    }
}

/// What one identity's keys sign is not another's, though it lists the same keys; nor one object's another's.
#[test]
fn signatures_are_bound_to_their_signer_and_kind() {
    let mut rng = rng(31);
    let [encryption, signing, rotation] = [1, 2, 3].map(|_| P256PrivateKey::generate(&mut rng).unwrap());
    let identity_of = |generation| {
        UnsignedIdentity::p256(
            generation,
            encryption.public_key().clone(),
            signing.public_key().clone(),
            rotation.public_key(),
        )
        .unwrap()
        .sign(&signing, &mut SystemRng)
        .unwrap()
    };
    let (one, two) = (identity_of(0), identity_of(7));
    let bob = identity(2);
    let sealed =
        Envelope::to(&[bob.public().recipient()]).signed_by(Sender::new(&one, &signing)).seal(b"x", &mut rng).unwrap();
    assert_eq!(open(&sealed, &[bob.reader()], &mut rng).unwrap().verify(&two), Err(Error::Signature));
    // The copy opens under the id it was made for only.
    assert!(open(&sealed, &[Reader::p256(&encryption, &one)], &mut rng).is_ok());
    assert!(open(&sealed, &[Reader::p256(&encryption, &two)], &mut rng).is_err());
    assert!(open(&sealed, &[Reader::bare_p256(&encryption)], &mut rng).is_err());
    let detached = DetachedSignature::sign(&Sender::new(&one, &signing), b"a", b"b", &mut rng).unwrap();
    assert!(detached.verify(&one, b"a", b"b").is_ok());
    assert!(detached.verify(&two, b"a", b"b").is_err() && detached.verify(&one, b"ab", b"").is_err());
    // Unsigned never passes for signed.
    let plain = Envelope::to(&[bob.public().recipient()]).seal(b"x", &mut rng).unwrap();
    let opened = open(&plain, &[bob.reader()], &mut rng).unwrap();
    assert!(opened.claimed_signer().is_none());
    assert_eq!(opened.verify(bob.public()), Err(Error::Signature));
}

/// Padding that takes gigabytes of zeros comes out piece by piece, not in one vector.
#[test]
fn padding_of_a_long_stream_is_given_out_piece_by_piece() {
    let bob = identity(2);
    let mut rng = rng(41);
    // The worst case: just over a length of few bits.
    let len = (1u64 << 25) + 1;
    let to = [bob.public().recipient()];
    let mut stream = Envelope::to(&to).padding(Padding::Padme).stream(Some(len), &mut rng).unwrap();
    let mut sealed = Vec::new();
    let piece = vec![1; 1 << 20];
    for _ in 0..32 {
        sealed.extend_from_slice(stream.push(&piece).unwrap());
    }
    sealed.extend_from_slice(stream.push(&[1]).unwrap());
    while let Some(more) = stream.pad().unwrap() {
        assert!(more.len() < 1 << 17);
        sealed.extend_from_slice(more);
    }
    let end = stream.finish(&mut rng).unwrap();
    assert!(end.len() < 1 << 16, "{}", end.len());
    sealed.extend(end);
    assert_eq!(open(&sealed, &[bob.reader()], &mut rng).unwrap().unverified().len() as u64, len);
}

// -- keys from files

mod rsa_files {
    use super::*;

    fn der(tag: u8, body: &[u8]) -> Vec<u8> {
        let len = body.len();
        let mut out = vec![tag];
        match len {
            0..0x80 => out.push(len as u8),
            0x80..0x100 => out.extend([0x81, len as u8]),
            _ => out.extend([0x82, (len >> 8) as u8, len as u8]),
        }
        out.extend(body);
        out
    }

    fn integer(value: &[u8]) -> Vec<u8> {
        let mut body: Vec<u8> = value.iter().copied().skip_while(|&byte| byte == 0).collect();
        if body.first().is_none_or(|first| first & 0x80 != 0) {
            body.insert(0, 0);
        }
        der(2, &body)
    }

    const ALGORITHM: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];

    fn pkcs8(numbers: &[&[u8]; 8]) -> Vec<u8> {
        let numbers: Vec<u8> = numbers.iter().flat_map(|number| integer(number)).collect();
        let key = der(0x30, &[&integer(&[0])[..], &numbers].concat());
        der(0x30, &[&integer(&[0])[..], ALGORITHM, &der(4, &key)].concat())
    }

    fn spki(n: &[u8], e: &[u8]) -> Vec<u8> {
        let key = der(0x30, &[integer(n), integer(e)].concat());
        der(0x30, &[ALGORITHM, &der(3, &[&[0][..], &key].concat())].concat())
    }

    /// Numbers that divide by zero elsewhere, and numbers of all sizes: errors, and soon.
    #[test]
    fn odd_numbers_in_key_files() {
        let mut rng = rng(51);
        let mut numbers: Vec<Vec<u8>> = vec![vec![0], vec![1], vec![2], vec![3], vec![1, 0, 1], vec![9], vec![0xff; 8]];
        for len in [128, 192, 255, 256, 257, 384, 512, 513] {
            let mut number = vec![0; len];
            rng.fill_bytes(&mut number);
            number[0] |= 0x80;
            number[len - 1] |= 1;
            numbers.push(number);
            numbers.push([vec![1], vec![0; len - 1]].concat());
            numbers.push(vec![0xff; len]);
        }
        for round in 0..3_000 {
            let pick: [usize; 8] = core::array::from_fn(|_| below(&mut rng, numbers.len()));
            let mut chosen: [&[u8]; 8] = pick.map(|index| &numbers[index][..]);
            if round % 2 == 0 {
                chosen[1] = &[1, 0, 1];
            }
            if round % 3 == 0 {
                // n = p * 1
                (chosen[3], chosen[4]) = (chosen[0], &[1]);
            }
            assert!(RsaPrivateKey::from_pkcs8_der(&pkcs8(&chosen)).is_err());
            let _ = RsaPublicKey::from_spki_der(&spki(chosen[0], chosen[1]));
        }
    }

    /// A file of the greatest size, with numbers that pass for a key of 51,200 bits, costs no more than an honest one.
    #[test]
    fn large_numbers_in_key_files_are_refused_before_work() {
        // p = 3 * 2^(k - 1) + 1, q = 2^k + 1 and d = 1 / 65537 mod 3 * 2^k: no primes, but all that is checked holds.
        let k = 25_600;
        let power = |exponents: &[usize]| {
            let mut bytes = vec![0u8; 2 * k / 8 + 1];
            let last = bytes.len() - 1;
            exponents.iter().for_each(|exponent| bytes[last - exponent / 8] |= 1 << (exponent % 8));
            bytes
        };
        let p = power(&[k, k - 1, 0]);
        let q = power(&[k, 0]);
        // 3 * 2^(2k - 1) + 5 * 2^(k - 1) + 1
        let n = power(&[2 * k, 2 * k - 1, k + 1, k - 1, 0]);
        let mut d = [vec![1], [0xff, 0xff, 0, 0].repeat(k / 32)].concat();
        *d.last_mut().unwrap() = 1;
        let one = &[1][..];
        let file = pkcs8(&[&n, &[1, 0, 1], &d, &p, &q, one, one, one]);
        assert!(file.len() < 16_384);
        let started = ThreadTime::now();
        assert!(RsaPrivateKey::from_pkcs8_der(&file).is_err());
        assert!(RsaPublicKey::from_spki_der(&spki(&n, &[1, 0, 1])).is_err());
        assert!(started.elapsed().as_millis() < 20, "{:?}", started.elapsed());
    }

    /// The bound holds for RSA recipients too, to the byte.
    #[test]
    fn max_sealed_len_with_rsa() {
        let mut rng = rng(52);
        let mut modulus = vec![0xa5; 384];
        modulus[383] = 1;
        let key = RsaPublicKey::from_spki_der(&spki(&modulus, &[1, 0, 1])).unwrap();
        modulus[0] = 0xa6;
        let other = RsaPublicKey::from_spki_der(&spki(&modulus, &[1, 0, 1])).unwrap();
        modulus[0] = 0xa7;
        let third = RsaPublicKey::from_spki_der(&spki(&modulus, &[1, 0, 1])).unwrap();
        let to = [Recipient::bare_rsa(&key), Recipient::bare_rsa(&other), Recipient::bare_rsa(&third)];
        let envelope = Envelope::to(&to);
        let len = envelope.seal(b"", &mut rng).unwrap().len();
        assert!(envelope.max_sealed_len(0).unwrap() - len <= 6, "{len}");
    }
}

/// A thief of everything that devices of generations 0 and 1 hold cannot step from 0 to a generation 1 of their own: the
/// rotation key comes from the root, which no device keeps. SPEC §15.6 [ID-07] [TRN-01]
#[test]
fn a_thief_of_two_generations_does_not_step() {
    let mut rng = rng(61);
    let root = Root::from_bip39_seed(&[1; 64]);
    let [old, new] = [0, 1].map(|number| root.identity(Profile::P256, number, &mut SystemRng).unwrap());
    let (secret_root, _) = hkdf::Hkdf::<sha2::Sha256>::extract(Some(b"sealroom/1 identity"), &[1; 64]);
    let derive =
        |key: &[u8], label, context: &[u8]| hazmat::derive(key.try_into().unwrap(), label, context, 32).unwrap();
    let key = |seed: &[u8]| P256PrivateKey::from_pkcs8_der(&hazmat::det_keygen_p256_pkcs8(seed).unwrap()).unwrap();
    let [encryption, signing, rotation] = [1, 2, 3].map(|_| P256PrivateKey::generate(&mut rng).unwrap());
    let thief =
        UnsignedIdentity::p256(1, encryption.public_key().clone(), signing.public_key().clone(), rotation.public_key());
    let thief = thief.unwrap().sign(&signing, &mut rng).unwrap();

    // What the generations' secrets and private keys give is never the rotation key.
    let mut held = vec![rotation];
    for (number, identity) in [(0, &old), (1, &new)] {
        let generation = derive(&secret_root, "generation", &[0, 0, 0, number]);
        held.push(key(&derive(&generation, "rotation", b"")));
        held.push(key(&derive(&generation, "rotation", &[0, 0, 0, 1])));
        for pkcs8 in hazmat::identity_keys(identity).unwrap() {
            held.push(P256PrivateKey::from_pkcs8_der(pkcs8.expose()).unwrap());
        }
    }
    for stolen in &held {
        assert!(UnsignedTransition::new(old.public(), &thief, stolen.public_key()).is_err());
    }
    // The words do give it.
    let rotation = key(&derive(&secret_root, "rotation", &[0, 0, 0, 1]));
    assert!(UnsignedTransition::new(old.public(), new.public(), rotation.public_key()).is_ok());
    assert_eq!(&old.public().follow(&root.succeed(&old, &new, &mut rng).unwrap()).unwrap(), new.public());
}

/// An attachment's key opens the very attachment it was made for, in one piece or in many.
#[test]
fn an_attachments_key_is_for_one_attachment() {
    let mut rng = rng(62);
    let none = Envelope::to(&[]);
    for len in [0, 5, 16_384, 40_000] {
        let (sealed, key) = none.seal_attachment(&vec![1; len], &mut rng).unwrap();
        let (other, other_key) = none.seal_attachment(&vec![2; len], &mut rng).unwrap();
        let locked = Locked::decode(&sealed, &Limits::default()).unwrap();
        assert_eq!(key.unlock(&locked).unwrap().open(locked.payload()).unwrap().unverified(), vec![1; len]);
        // The DEK of the one with the digest of the other.
        let mixed: Vec<u8> = [&key.expose()[..32], &other_key.expose()[32..]].concat();
        let mixed = AttachmentKey::take(&mut mixed.try_into().unwrap());
        assert_eq!(mixed.unlock(&locked).unwrap().open(locked.payload()).err(), Some(Error::Decrypt));
        let mut stream = mixed.unlock(&locked).unwrap().stream();
        let _ = stream.push(locked.payload()).unwrap();
        assert_eq!(stream.finish().err(), Some(Error::Decrypt));
        assert!(key.unlock(&Locked::decode(&other, &Limits::default()).unwrap()).is_err());
        let bob = identity(2);
        assert!(open(&sealed, &[bob.reader()], &mut rng).is_err());
        let message = Envelope::to(&[bob.public().recipient()]).seal(b"", &mut rng).unwrap();
        assert!(key.unlock(&Locked::decode(&message, &Limits::default()).unwrap()).is_err());
    }
}
