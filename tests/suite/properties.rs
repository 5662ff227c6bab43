//! What holds for all contents, recipients and pieces. SPEC §7 to §9, §11, §12, §17.

use crate::common::hand::{Hand, sha256, wrap_info, wrap_p256};
use crate::common::*;
use proptest::collection::vec;
use proptest::prelude::*;
use sealroom::*;
use std::ops::Range;

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Lengths around the edges of chunks and elsewhere.
fn lengths() -> impl Strategy<Value = usize> {
    prop_oneof![
        0..300_usize,
        (0..4_usize, 0..40_usize).prop_map(|(chunks, more)| (chunks * CHUNK + more).saturating_sub(20)),
        0..70_000_usize,
    ]
}

fn padding() -> impl Strategy<Value = Padding> {
    prop_oneof![Just(Padding::None), Just(Padding::Padme)]
}

/// Cuts `bytes` at the given places, wherever they fall.
fn pieces<'b>(bytes: &'b [u8], cuts: &[usize]) -> Vec<&'b [u8]> {
    let mut places: Vec<_> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

fn padme(len: u64) -> u64 {
    let e = u64::from(len.ilog2());
    let s = u64::from(e.ilog2()) + 1;
    let m = (1 << (e - s)) - 1;
    (len + m) & !m
}

proptest! {
    #![proptest_config(cases(48))]

    /// Whatever is sealed opens, for each of its readers; a stream makes the same bytes however it is cut, and opens to the
    /// same. [PAY-01] [PAD-02] [STZ-05] [ENV-09] [ENV-13]
    #[test]
    fn round_trips(
        len in lengths(),
        padding in padding(),
        to in vec(0..6_usize, 0..5),
        signed in any::<bool>(),
        decoys in 0..4_usize,
        public_data in vec(any::<u8>(), 0..100),
        cuts in vec(any::<usize>(), 0..6),
        seed in any::<u8>(),
    ) {
        let people = people();
        let content = content(len);
        let (alice, bob, carol) = (&people.alice, &people.bob, &people.carol);
        let bare = outsider(90).encryption;
        let recipients = [
            (bob.public().recipient(), bob.reader()),
            (carol.public().recipient(), carol.reader()),
            (Recipient::bare_p256(bare.public_key()), Reader::bare_p256(&bare)),
            (Recipient::symmetric(&people.keys[0]), Reader::symmetric(&people.keys[0])),
            (Recipient::symmetric(&people.keys[1]), Reader::symmetric(&people.keys[1])),
            (people.stranger.public().recipient(), people.stranger.reader()),
        ];
        let given: Vec<_> = to.iter().map(|number| recipients[*number].0).collect();
        let points = signed || to.iter().any(|number| ![3, 4].contains(number));
        prop_assume!(signed || !to.is_empty());
        let mut envelope = Envelope::to(&given).padding(padding).public_data(&public_data);
        envelope = if signed { envelope.signed_by(alice.sender()) } else { envelope };
        envelope = if points { envelope.decoys(decoys) } else { envelope };

        let sealed = envelope.seal(&content, &mut Draws::new(seed)).unwrap();
        // The bound of the buffer is near.
        let bound = envelope.max_sealed_len(len).unwrap();
        prop_assert!(sealed.len() <= bound && bound <= sealed.len() + 6 + 65 * to.len());
        // [PAD-02]
        let plain = if padding == Padding::None { len as u64 } else { padme(8 + len as u64) };
        let Ok(Info::Envelope(info)) = inspect(&sealed) else { panic!() };
        prop_assert_eq!(info.payload_len, plain + 16 * (plain / 16384 + 1));
        prop_assert_eq!(info.public_data, &public_data[..]);
        prop_assert_eq!(info.padded, padding != Padding::None);

        // One shot and stream: the same bytes from the same draws.
        let mut rng = Draws::new(seed);
        let mut stream = envelope.stream(Some(len as u64), &mut rng).unwrap();
        let mut streamed = Vec::new();
        for piece in pieces(&content, &cuts) {
            streamed.extend_from_slice(stream.push(piece).unwrap());
        }
        streamed.extend(stream.finish(&mut rng).unwrap());
        prop_assert!(streamed == sealed);

        for (number, (_, reader)) in recipients.iter().enumerate() {
            let opened = open(&sealed, &[*reader], &mut rng);
            if !to.contains(&number) {
                prop_assert_eq!(opened.unwrap_err(), Error::Decrypt);
                continue;
            }
            let opened = opened.unwrap();
            prop_assert_eq!(opened.claimed_signer().is_some(), signed);
            let opened = if signed { opened.verify(alice.public()).unwrap() } else { opened.unverified() };
            prop_assert!(opened == content);

            let mut start = EnvelopeStart::new(Limits::default());
            let mut stream: Option<OpenStream> = None;
            let mut given = Vec::new();
            for piece in pieces(&sealed, &cuts) {
                let piece = match &stream {
                    Some(_) => piece,
                    None => match start.push(piece).unwrap() {
                        None => continue,
                        Some(rest) => {
                            let locked = start.locked().unwrap();
                            prop_assert_eq!(locked.public_data(), &public_data[..]);
                            stream = Some(locked.unlock(&[*reader], &mut rng).unwrap().stream());
                            rest
                        }
                    },
                };
                given.extend_from_slice(stream.as_mut().unwrap().push(piece).unwrap().unverified());
            }
            let end = stream.unwrap().finish().unwrap();
            prop_assert_eq!(end.claimed_signer().is_some(), signed);
            given.extend(if signed { end.verify(alice.public()).unwrap() } else { end.unverified() });
            prop_assert!(given == content);
        }
    }

    /// Any range, of any envelope, is the content's slice; what is asked beyond it, and what is not the chunk that was asked
    /// for, is refused. [OFF-01] [OFF-02]
    #[test]
    fn offset_reads_are_slices(
        len in lengths(),
        padding in padding(),
        signed in any::<bool>(),
        ends in vec((any::<usize>(), any::<usize>()), 1..6),
        lie in prop_oneof![-40_000_i64..40_000, Just(16_400), Just(-16_400), Just(16), Just(-16)],
    ) {
        let people = people();
        let content = content(len);
        let to = [people.bob.public().recipient()];
        let envelope = Envelope::to(&to).padding(padding);
        let envelope = if signed { envelope.signed_by(people.alice.sender()) } else { envelope };
        let mut rng = Draws::new(4);
        let sealed = envelope.seal(&content, &mut rng).unwrap();
        let unlock = || Locked::decode(&sealed, &Limits::default()).unwrap().unlock(&[people.bob.reader()], &mut Draws::new(1)).unwrap();
        let at = |range: Range<u64>| sealed.get(range.start as usize..range.end as usize).unwrap_or_default();

        let probe = unlock().at_offsets(sealed.len() as u64).unwrap();
        prop_assert_eq!(probe.first_chunk().is_some(), padding != Padding::None);
        let (last, first) = (at(probe.last_chunk()), probe.first_chunk().map(&at));
        let reader = probe.authenticate(last, first).unwrap();
        prop_assert_eq!(reader.content_len(), len as u64);
        for (one, other) in ends {
            let (one, other) = (one % (len + 1), other % (len + 1));
            let range = one.min(other) as u64..one.max(other) as u64;
            let expected = &content[range.start as usize..range.end as usize];
            let place = reader.fetch(&range).unwrap();
            prop_assert!(place.end <= sealed.len() as u64);
            let fetched = at(place.clone());
            prop_assert!(reader.open(&range, fetched).unwrap().unverified() == expected);
            let mut out = vec![0; fetched.len()];
            prop_assert!(reader.open_into(&range, fetched, &mut out).unwrap().unverified() == expected);
            // Other bytes than the ones asked for.
            prop_assert_eq!(reader.open(&range, &fetched[1..]).unwrap_err(), Error::Decrypt);
            prop_assert_eq!(reader.open(&range, &[fetched, &[0]].concat()).unwrap_err(), Error::Decrypt);
            let mut changed = fetched.to_vec();
            let at = one % changed.len();
            changed[at] ^= 1;
            prop_assert_eq!(reader.open(&range, &changed).unwrap_err(), Error::Decrypt);
            if fetched.len() >= 2 * (CHUNK + 16) {
                let (head, tail) = fetched.split_at(CHUNK + 16);
                let swapped = [&tail[..CHUNK + 16], head, &tail[CHUNK + 16..]].concat();
                prop_assert_eq!(reader.open(&range, &swapped).unwrap_err(), Error::Decrypt);
            }
            let short = &mut out[1..];
            prop_assert_eq!(reader.open_into(&range, fetched, short).unwrap_err(), Error::Buffer { needed: fetched.len() });
        }
        for range in [0..len as u64 + 1, len as u64 + 1..len as u64 + 1, u64::MAX - 3..u64::MAX, Range { start: 1, end: 0 }] {
            let refused = matches!(reader.fetch(&range), Err(Error::Argument { .. }));
            prop_assert!(refused);
            let refused = matches!(reader.open(&range, &[]), Err(Error::Argument { .. }));
            prop_assert!(refused);
        }

        // A store that lies about the envelope's length, in either direction: its last chunk is not the last.
        let lied = sealed.len() as i64 + lie;
        if lie != 0 && lied >= 0 && let Ok(probe) = unlock().at_offsets(lied as u64) {
            let last = at(probe.last_chunk());
            let first = probe.first_chunk().map(&at);
            prop_assert_eq!(probe.authenticate(last, first).unwrap_err(), Error::Decrypt);
            // Nor is the true one, at the place it would have.
            let probe = unlock().at_offsets(lied as u64).unwrap();
            let honest = unlock().at_offsets(sealed.len() as u64).unwrap().last_chunk();
            prop_assert_eq!(probe.authenticate(at(honest), first).unwrap_err(), Error::Decrypt);
        }
    }

    /// A padded stream that ends at another length than it said ends in an error. [PAD-03]
    #[test]
    fn streams_keep_their_word(len in 0..40_000_usize, other in 0..40_000_usize, padding in padding()) {
        prop_assume!(len != other);
        let to = [people().bob.public().recipient()];
        let envelope = Envelope::to(&to).padding(padding);
        let mut rng = Draws::new(1);
        let mut stream = envelope.stream(Some(len as u64), &mut rng).unwrap();
        let content = content(other);
        let pushed = stream.push(&content).map(<[u8]>::to_vec);
        let refused = if other > len {
            matches!(pushed, Err(Error::Argument { .. }))
        } else {
            let opened = open(&pushed.unwrap(), &[people().bob.reader()], &mut rng);
            opened.is_err() && matches!(stream.finish(&mut rng), Err(Error::Argument { .. }))
        };
        prop_assert!(refused);
        // Without padding no length need be said.
        prop_assert_eq!(envelope.stream(None, &mut rng).is_ok(), padding == Padding::None);
    }

    /// The sizes of SPEC §7.2, exactly. [ENV-06]
    #[test]
    fn sizes(len in lengths(), k in 1..30_usize) {
        let keys: Vec<_> = (1..k).map(|n| P256PrivateKey::generate(&mut Draws::new(n as u8)).unwrap()).collect();
        let to: Vec<_> = keys.iter().map(|key| Recipient::bare_p256(key.public_key())).collect();
        // The sender's copy is one of the k.
        let envelope = Envelope::to(&to).signed_by(people().alice.sender());
        let sealed = envelope.seal(&content(len), &mut Draws::new(1)).unwrap();
        prop_assert_eq!(sealed.len(), size(len, k));
        prop_assert!(sealed.len() <= 300 + 48 * k + len + 16 * (len / CHUNK));
    }

    /// What is decoded is encoded as it was. [WIRE-01] [TXT-01]
    #[test]
    fn encodings_are_each_others_inverse(n in any::<u8>(), generation in 0..5_u32, context in vec(any::<u8>(), 0..256)) {
        let (old, new) = (crate::common::generation(n, generation), crate::common::generation(n, generation + 1));
        let mut rng = Draws::new(n);
        let bytes = old.public().to_bytes();
        prop_assert_eq!(bytes.len(), 238);
        let decoded = PublicIdentity::from_bytes(&bytes).unwrap();
        prop_assert_eq!(&decoded, old.public());
        prop_assert_eq!(decoded.to_bytes(), &bytes[..]);
        prop_assert_eq!((decoded.generation(), decoded.profile()), (generation, Profile::P256));
        let text = decoded.to_string();
        prop_assert_eq!(text.parse::<PublicIdentity>().unwrap().to_bytes(), &bytes[..]);
        let fingerprint = *decoded.fingerprint();
        prop_assert_eq!(fingerprint.to_string().parse::<Fingerprint>().unwrap(), fingerprint);
        prop_assert_eq!(Fingerprint::from_bytes(*fingerprint.as_bytes()), fingerprint);

        let transition = Root::from_bip39_seed(&[n; 64]).succeed(&old, &new, &mut rng).unwrap().to_bytes().unwrap();
        let decoded = Transition::from_bytes(&transition).unwrap();
        prop_assert_eq!(decoded.to_bytes().unwrap(), &transition[..]);
        let mut buffer = [0; Transition::MAX_LEN];
        prop_assert_eq!(decoded.encode_into(&mut buffer).unwrap(), &transition[..]);
        prop_assert_eq!(&old.public().follow(&decoded).unwrap(), new.public());

        let signature = old.sign(&context, &transition, &mut rng).unwrap().to_bytes();
        let decoded = DetachedSignature::from_bytes(&signature).unwrap();
        prop_assert_eq!(decoded.to_bytes(), &signature[..]);
        let mut buffer = [0; DetachedSignature::MAX_LEN];
        prop_assert_eq!(decoded.encode_into(&mut buffer).unwrap(), &signature[..]);
        prop_assert_eq!(decoded.verify(old.public(), &context, &transition), Ok(()));

        let safety = SafetyNumber::of(old.public(), new.public());
        prop_assert!(safety.matches(&safety.qr().to_string()));
        let serialised = serde_json::to_string(old.public()).unwrap();
        prop_assert_eq!(&serde_json::from_str::<PublicIdentity>(&serialised).unwrap(), old.public());
        let serialised = serde_json::to_string(&fingerprint).unwrap();
        prop_assert_eq!(serde_json::from_str::<Fingerprint>(&serialised).unwrap(), fingerprint);
    }

    /// [STZ-03] whoever is given more than once, in any order and among others, is sealed to once.
    #[test]
    fn repeated_recipients_are_merged(to in vec(0..4_usize, 1..12)) {
        let people = people();
        let [one, two] = &people.keys;
        let same = PublicIdentity::from_bytes(&people.bob.public().to_bytes()).unwrap();
        let rsa = rsa_2048().public_key();
        let all = [people.bob.public().recipient(), same.recipient(), Recipient::symmetric(one), Recipient::bare_rsa(rsa)];
        let given: Vec<_> = to.iter().map(|number| all[*number]).chain([Recipient::symmetric(two)]).collect();
        let sealed = Envelope::to(&given).seal(b"", &mut Draws::new(1)).unwrap();
        let Ok(Info::Envelope(info)) = inspect(&sealed) else { panic!() };
        let has = |number: usize| to.contains(&number) as usize;
        prop_assert_eq!(info.p256_entries, has(0).max(has(1)));
        prop_assert_eq!(info.symmetric_stanzas, 1 + has(2));
        prop_assert_eq!(info.rsa_stanzas, has(3));
        // The order in which they are given changes nothing.
        let mut reversed = given.clone();
        reversed.reverse();
        prop_assert!(Envelope::to(&reversed).seal(b"", &mut Draws::new(1)).unwrap() == sealed);
    }
}

fn v(len: usize) -> usize {
    match len {
        0..64 => 1,
        64..16384 => 2,
        _ => 4,
    }
}

/// SPEC §7.2
fn size(n: usize, k: usize) -> usize {
    260 + v(66 + v(48 * k) + 48 * k) + v(48 * k) + 48 * k + n + 16 * (n / 16384)
}

/// The sizes where a length prefix grows. [ENV-06]
#[test]
fn sizes_at_the_edges() {
    let keys: Vec<_> = {
        let mut rng = Draws::new(2);
        (0..345).map(|_| P256PrivateKey::generate(&mut rng).unwrap()).collect()
    };
    let to: Vec<_> = keys.iter().map(|key| Recipient::bare_p256(key.public_key())).collect();
    for k in [1, 2, 339, 340, 341, 342, 343] {
        for n in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK] {
            let envelope = Envelope::to(&to[..k - 1]).signed_by(people().alice.sender());
            assert_eq!(envelope.seal(&vec![0; n], &mut Draws::new(1)).unwrap().len(), size(n, k));
            let envelope = Envelope::to(&to[..k]).signed_by(people().alice.sender()).without_copy_for_me();
            assert_eq!(envelope.seal(&vec![0; n], &mut Draws::new(1)).unwrap().len(), size(n, k));
        }
    }
    assert_eq!(
        (size(0, 1), size(0, 2), size(16384, 1)),
        (260 + 2 + 1 + 48, 260 + 2 + 2 + 96, 260 + 2 + 1 + 48 + 16400)
    );
}

/// What is drawn, in which order, and that it is used for what SPEC §7.4 says. [ENV-09] [ENV-10] [STZ-04] [STZ-05]
/// [LAB-01] [LAB-03] [ENV-07]
#[test]
fn draws_have_one_order() {
    let people = people();
    let (alice, bob) = (&people.alice, &people.bob);
    let [rita_key, signing, large, ..] = rsa_keys() else { panic!() };
    let _ = rita_key;
    let symmetric = Recipient::symmetric(&people.keys[0]);
    let rsa = [
        Recipient::bare_rsa(rsa_2048().public_key()),
        people.rita.recipient(),
        Recipient::bare_rsa(large.public_key()),
    ];
    let points = [bob.public().recipient(), people.carol.public().recipient()];
    let all = [rsa[0], points[0], symmetric, rsa[1], points[1], rsa[2]];
    let passphrase = [Recipient::passphrase(&people.argon2id)];
    let by_rita = Sender::new(&people.rita, signing);
    let none: &[usize] = &[];
    for (envelope, expected, more) in [
        (Envelope::to(&points), &[24, 32, 32][..], none),
        (Envelope::to(&points).decoys(3), &[24, 32, 32, 48, 48, 48], none),
        (Envelope::to(&points).signed_by(alice.sender()).decoys(1), &[24, 32, 32, 48], none),
        (Envelope::to(&all[2..3]), &[24, 32], none),
        (Envelope::to(&passphrase), &[24, 32], none),
        (Envelope::to(&rsa), &[24, 32, 32, 32, 32], none),
        (Envelope::to(&all).decoys(2), &[24, 32, 32, 48, 48, 32, 32, 32], none),
        (Envelope::to(&points).signed_by(by_rita).without_copy_for_me(), &[24, 32, 32], &[32]),
        (Envelope::to(&points).signed_by(by_rita).decoys(1), &[24, 32, 32, 48, 32], &[32]),
    ] {
        for padding in [Padding::None, Padding::Padme] {
            let mut rng = Draws::new(6);
            let envelope = envelope.padding(padding);
            let sealed = envelope.seal(b"content", &mut rng).unwrap();
            let lengths = rng.lengths();
            let (first, rest) = lengths.split_at(expected.len());
            assert_eq!(first, expected);
            // The salt of PSS; then what blinding takes.
            assert_eq!(rest.get(..more.len()), Some(more));
            assert!(!more.is_empty() || rest.is_empty());

            assert_eq!(sealed[9..33], rng.drawn[0]);
            let Ok(Info::Envelope(info)) = inspect(&sealed) else { panic!() };
            let header = &sealed[..info.header_len];
            let schedule = hand::derive(&rng.drawn[1].clone().try_into().unwrap(), "envelope", &sha256(header), 76);
            assert_eq!(sealed[info.header_len..][..32], schedule[44..]);
            if info.p256_entries == 0 {
                continue;
            }
            // The group, by the `hpke` crate.
            let (salt, dek): (&[u8; 24], &[u8; 32]) =
                (rng.drawn[0][..].try_into().unwrap(), rng.drawn[1][..].try_into().unwrap());
            let mut entries: Vec<[u8; 48]> = Vec::new();
            let mut ephemeral = [0; 65];
            let mut people: Vec<_> = vec![bob.public(), people.carol.public()];
            if info.signature == Some(SignatureAlgorithm::EcdsaP256) {
                people.push(alice.public());
            }
            for person in people {
                let id = wrap_info(1, 1, salt, person.fingerprint().as_bytes());
                let ikm = rng.drawn[2][..].try_into().unwrap();
                let (enc, entry) = wrap_p256(person.p256_encryption_key().unwrap(), &id, dek, ikm);
                entries.push(entry);
                ephemeral = enc;
            }
            entries.extend(
                rng.drawn.iter().filter(|draw| draw.len() == 48).map(|draw| <[u8; 48]>::try_from(&draw[..]).unwrap()),
            );
            let group = hand::group(&ephemeral, &entries);
            let stanzas_at = 33 + if info.header_len < 16_000 { 2 } else { 4 };
            assert_eq!(header[stanzas_at..][..group.len()], group);
        }
    }
    // A passphrase's salt is drawn when it is hashed.
    let mut rng = Draws::new(1);
    let key = PassphraseKey::new(b"", PassphraseCost::pbkdf2_with(1, 1).unwrap(), &mut unwatched, &mut rng).unwrap();
    assert_eq!(rng.lengths(), [16]);
    let sealed = Envelope::to(&[Recipient::passphrase(&key)]).seal(b"", &mut Draws::new(2)).unwrap();
    assert_eq!(sealed[33 + 2 + 2..][..16], rng.drawn[0]);
    // Attachments: salt and DEK; the DEK is in the key.
    let mut rng = Draws::new(1);
    let (_, key) = Envelope::to(&[]).seal_attachment(b"x", &mut rng).unwrap();
    assert_eq!(rng.lengths(), [24, 32]);
    assert_eq!(key.expose()[..32], rng.drawn[1]);
}

/// The `oaep seed` of each RSA stanza, in the order in which stanzas stand. [ENV-09] [STZ-10]
#[test]
fn rsa_stanzas_are_reproducible() {
    let [_, _, large, ..] = rsa_keys() else { panic!() };
    let keys = [rsa_2048().public_key(), large.public_key()];
    let to = keys.map(Recipient::bare_rsa);
    let mut rng = Draws::new(3);
    let sealed = Envelope::to(&to).seal(b"", &mut rng).unwrap();
    let (salt, dek): (&[u8; 24], _) = (rng.drawn[0][..].try_into().unwrap(), &rng.drawn[1]);
    let mut stanzas: Vec<_> = keys
        .iter()
        .map(|key| {
            let id = key.bare_id();
            let key_id = hand::rsa_key_id(&id, key.spki_der());
            let message = [&dek[..], &sha256(&wrap_info(1, 2, salt, &id))].concat();
            (key_id, key.spki_der(), message)
        })
        .collect();
    stanzas.sort();
    let written: Vec<u8> = stanzas
        .iter()
        .zip(&rng.drawn[2..])
        .flat_map(|((key_id, spki, message), seed)| {
            let wrapped = hazmat::rsa_oaep_encrypt(spki, message, seed[..].try_into().unwrap()).unwrap();
            [&[2][..], key_id, &hand::vector(&wrapped)].concat()
        })
        .collect();
    assert_eq!(sealed[33..][..2 + written.len()], hand::vector(&written));
}

/// The whole of an unsigned envelope, by the other writer. [PAY-01] [PAY-02] [PAD-02] [WIRE-02]
#[test]
fn the_other_writer_writes_the_same() {
    let kek = [31; 32];
    let key = SymmetricKey::take(&mut kek.clone());
    for len in [0, 1, 100, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 40_000] {
        for padding in [Padding::None, Padding::Padme] {
            let content = content(len);
            let mut rng = Draws::new(8);
            let to = [Recipient::symmetric(&key)];
            let sealed = Envelope::to(&to).padding(padding).public_data(b"p").seal(&content, &mut rng).unwrap();
            let (salt, dek) = (rng.drawn[0][..].try_into().unwrap(), rng.drawn[1][..].try_into().unwrap());
            let stanzas = hand::symmetric_stanza(&kek, &wrap_info(1, 3, &salt, &[0; 32]), &dek);
            let padded = padding == Padding::Padme;
            let hand = Hand {
                content_type: 1,
                signature: 0,
                padding: padded as u8,
                salt,
                dek,
                stanzas,
                public_data: b"p".to_vec(),
            };
            let mut plain = content.clone();
            if padded {
                plain = [&(len as u64).to_be_bytes()[..], &content].concat();
                plain.resize(padme(plain.len() as u64) as usize, 0);
            }
            assert!(hand.seal(&plain) == sealed);
        }
    }
}

fn decode_all(bytes: &[u8]) {
    let mut rng = Draws::new(1);
    let people = people();
    let _ = inspect(bytes);
    let readers = [people.bob.reader(), Reader::symmetric(&people.keys[0]), Reader::passphrase(&people.argon2id)];
    assert!(open(bytes, &readers, &mut rng).is_err());
    let _ = Locked::decode(bytes, &Limits::default());
    let _ = PublicIdentity::from_bytes(bytes);
    let _ = Transition::from_bytes(bytes);
    let _ = DetachedSignature::from_bytes(bytes);
    let tight = WorkLimits::default().argon2id(64, 256).pbkdf2(1000);
    let _ = PassphraseKey::of(bytes, b"", &tight, &mut unwatched);
    let _ = P256PublicKey::from_spki_der(bytes);
    let _ = P256PrivateKey::from_pkcs8_der(bytes);
    let _ = RsaPublicKey::from_spki_der(bytes);
    let _ = RsaPrivateKey::from_pkcs8_der(bytes);
    for piece in [1, 50] {
        let _ = open_stream(bytes, piece, |locked| locked.unlock(&readers, &mut rng))
            .map(|opened| assert!(opened.is_err()));
    }
}

proptest! {
    #![proptest_config(cases(1500))]

    /// Any bytes, to every decoder. [ERR-01]
    #[test]
    fn no_bytes_make_a_decoder_panic(
        bytes in vec(any::<u8>(), 0..600),
        prefix in prop_oneof![Just(0), Just(1), Just(6), Just(0x20), Just(0x21), Just(0x22), Just(255)],
        plausible in any::<bool>(),
    ) {
        decode_all(&bytes);
        let mut bytes = [b"SLRM\x00\x01", &[prefix][..], &bytes].concat();
        if plausible && bytes.len() > 60 {
            // Codes that lead on: no signature, no padding, a short vector of stanzas, a known stanza.
            (bytes[7], bytes[8]) = (bytes[7] % 5, bytes[8] % 2);
            bytes[33] %= 64;
            bytes[34] = 1 + bytes[34] % 4;
        }
        decode_all(&bytes);
    }

    /// Valid objects, with pieces of them overwritten, cut out or doubled.
    #[test]
    fn no_edit_makes_a_decoder_panic(
        which in any::<usize>(),
        edits in vec((any::<usize>(), any::<usize>(), 0..4_u8, any::<u8>()), 1..4),
    ) {
        let small: Vec<_> = samples().iter().filter(|sample| sample.bytes.len() < 3000).collect();
        let bob = &people().bob;
        let objects = [bob.public().to_bytes(), bob.sign(b"", b"", &mut Draws::new(1)).unwrap().to_bytes()];
        let mut bytes = match which % (small.len() + 2) {
            sample if sample < small.len() => small[sample].bytes.clone(),
            other => objects[other - small.len()].clone(),
        };
        let before = bytes.clone();
        for (at, len, kind, byte) in edits {
            let at = at % bytes.len();
            let end = (at + 1 + len % 60).min(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes[at..end].fill(byte),
                2 => drop(bytes.drain(at..end)),
                _ => {
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        prop_assume!(bytes != before);
        decode_all(&bytes);
    }

    /// Any text, to every parser. [TXT-02]
    #[test]
    fn no_text_makes_a_parser_panic(text in ".{0,80}", prefix in "(slrm-id:|slrm-fp:|slrm-sn:|)") {
        let text = prefix + &text;
        prop_assert!(text.parse::<PublicIdentity>().is_err());
        let _ = text.parse::<Fingerprint>();
        let _ = SafetyNumber::of(people().alice.public(), people().bob.public()).matches(&text);
        prop_assert!(Mnemonic::parse(&text).is_err());
        prop_assert!(P256PrivateKey::from_pkcs8_pem(&text).is_err());
        prop_assert!(RsaPublicKey::from_spki_pem(&text).is_err());
    }
}

/// What no envelope can hold is refused before a byte of it is asked for. [LIM-01] [PAD-03]
#[test]
fn lengths_past_the_last_chunk() {
    let people = people();
    let to = [people.bob.public().recipient()];
    let limit = Error::Limit { limit: "chunks" };
    let padded = Envelope::to(&to).padding(Padding::Padme);
    assert_eq!(padded.stream(Some(u64::MAX), &mut Draws::new(1)).err(), Some(limit));
    for envelope in [padded, Envelope::to(&to)] {
        assert_eq!(envelope.max_sealed_len(usize::MAX), Err(limit));
    }
    // A store that says so: the last chunk's number would be over the last number.
    let sample = sample("p256");
    let head = (sample.header_len + 32) as u64;
    for chunks in [1_u64 << 38, (1 << 38) + 1, 1 << 49] {
        let locked = Locked::decode(&sample.bytes, &Limits::default()).unwrap();
        let probe =
            locked.unlock(&sample.readers, &mut Draws::new(1)).unwrap().at_offsets(head + chunks * 16400 + 16).unwrap();
        assert_eq!(probe.authenticate(&[0; 16], None).unwrap_err(), Error::Decrypt);
    }
}

/// Every RSA key has a stanza of its own: also where several stand under one id, as those of nobody do, or one under several.
/// [STZ-03]
#[test]
fn every_rsa_key_reads() {
    let keys = [rsa_2048(), &rsa_keys()[0], &rsa_keys()[1]];
    let bare = keys.map(|key| Recipient::bare_rsa(key.public_key()));
    let sealed = Envelope::to(&[bare[0], bare[1], bare[2], bare[1]]).seal(b"content", &mut Draws::new(1)).unwrap();
    for key in keys {
        let opened = open(&sealed, &[Reader::bare_rsa(key)], &mut Draws::new(1)).unwrap();
        assert_eq!(opened.unverified(), b"content");
    }
    let own = rsa_person();
    let key = RsaPrivateKey::from_pkcs8_der(hazmat::identity_keys(own).unwrap()[0].expose()).unwrap();
    let to = [own.public().recipient(), Recipient::bare_rsa(key.public_key())];
    let sealed = Envelope::to(&to).seal(b"content", &mut Draws::new(1)).unwrap();
    for reader in [own.reader(), Reader::bare_rsa(&key)] {
        assert_eq!(open(&sealed, &[reader], &mut Draws::new(1)).unwrap().unverified(), b"content");
    }
}
