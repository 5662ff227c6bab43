//! Room messages: their form, their signatures, their salts and what is remembered of them. SPEC §19.

use crate::common::hand::vector;
use crate::common::rooms::*;
use crate::common::*;
use sealroom::*;
use std::cell::Cell;

/// Alice and Bob are admins, Carol is a member, at epoch 1.
struct Cast {
    alice: Outsider,
    bob: Outsider,
    carol: Outsider,
    /// Epochs 0 and 1.
    epochs: [Known; 2],
}

impl Cast {
    fn new() -> Self {
        let [alice, bob, carol] = [1, 2, 3].map(outsider);
        let people = [(alice.id(), ADMIN), (bob.id(), ADMIN), (carol.id(), MEMBER)];
        let to = [&alice.public, &bob.public, &carol.public];
        let first = Craft::new(Body::first(FROM_JOIN, &people), alice.sender(), &to).seal();
        let first = Known::of(&first, bob.reader(), alice.id());
        let second = Craft::new(first.next(), bob.sender(), &to).with_previous(&first.secret).seal();
        let second = Known::of(&second, alice.reader(), bob.id());
        Self { alice, bob, carol, epochs: [first, second] }
    }

    fn directory(&self) -> [&PublicIdentity; 3] {
        [&self.alice.public, &self.bob.public, &self.carol.public]
    }

    /// The state of somebody's device.
    fn state(&self, who: &Outsider) -> State {
        State::of(who.id(), &[&self.epochs[0], &self.epochs[1]])
    }

    fn written(&self, content: &[u8]) -> Written<'_> {
        Written::new(&self.epochs[1], &self.carol, content)
    }
}

/// What Bob's room says to a message; a failure leaves the room and the buffer as they were.
fn hears(cast: &Cast, message: &[u8], aad: &[u8]) -> Result<RoomMessage<Vec<u8>>, Error> {
    let mut room = cast.state(&cast.bob).room();
    let before = hazmat::room_state(&room);
    let opened = room.open(message, aad, &cast.directory());
    assert_eq!(opened.is_err(), before == hazmat::room_state(&room));
    let mut room = hazmat::room_of_state(&before).unwrap();
    let mut out = vec![0; message.len()];
    match (&opened, room.open_into(message, aad, &mut out, &cast.directory())) {
        (Ok(opened), Ok(same)) => assert_eq!((opened.content(), opened.id()), (same.content(), same.id())),
        (Err(error), Err(same)) => {
            assert_eq!(*error, same);
            assert!(out.iter().all(|byte| *byte == 0));
        }
        other => panic!("{other:?}"),
    }
    let mut room = hazmat::room_of_state(&before).unwrap();
    let [many] = &room.open_many(&[(message, aad)], &cast.directory())[..] else { panic!("one message") };
    assert_eq!(format!("{opened:?}"), format!("{many:?}"));
    opened
}

/// Whom an application looks up, without being shared between threads.
struct Asked<'d> {
    directory: &'d dyn Directory,
    times: Cell<usize>,
}

impl Directory for Asked<'_> {
    fn identity(&self, fingerprint: &Fingerprint) -> Option<&PublicIdentity> {
        self.times.set(self.times.get() + 1);
        self.directory.identity(fingerprint)
    }
}

/// Many messages at once are what they are one by one: contents, what is remembered of them, and each error. [RMSG-07]
#[test]
fn many_messages_are_opened_as_one_by_one() {
    let cast = Cast::new();
    let mut sender = cast.state(&cast.carol).room();
    let mut seal = |content: &[u8]| sender.seal(&Draft::new(content), &cast.carol.sender(), &mut SystemRng).unwrap();
    let mut messages: Vec<Vec<u8>> = (0..20).map(|n| seal(&content(n * 50))).collect();
    // Again, changed, out of order, of no epoch that is held, of another room, of nothing, by somebody else.
    messages.push(messages[3].clone());
    messages[5][70] ^= 1;
    messages.swap(1, 9);
    messages[7][30] ^= 1;
    messages[8][7] ^= 1;
    messages[11].truncate(62);
    messages.push(Written::new(&cast.epochs[0], &cast.alice, b"before").seal(&cast.alice));
    messages.push(cast.written(b"not by Carol").seal(&cast.bob));
    let aad = |n: usize| if n == 12 { &b"other"[..] } else { b"" };
    let messages: Vec<(&[u8], &[u8])> = messages.iter().enumerate().map(|(n, one)| (&one[..], aad(n))).collect();

    // With and without somebody whom the directory lacks.
    for people in [&[&cast.alice.public, &cast.carol.public][..], &[&cast.carol.public]] {
        let mut one_by_one = cast.state(&cast.bob).room();
        let mut at_once = hazmat::room_of_state(&hazmat::room_state(&one_by_one)).unwrap();
        let each: Vec<_> = messages.iter().map(|(message, aad)| one_by_one.open(message, aad, &people)).collect();
        let directory = Asked { directory: &people, times: Cell::new(0) };
        let many = at_once.open_many(&messages, &directory);
        assert_eq!(many.len(), messages.len());
        for (one, other) in each.iter().zip(&many) {
            match (one, other) {
                (Ok(one), Ok(other)) => {
                    assert_eq!((one.content(), one.id(), one.epoch()), (other.content(), other.id(), other.epoch()));
                    assert_eq!((one.freshness(), one.is_superseded()), (other.freshness(), other.is_superseded()));
                }
                (one, other) => assert_eq!(one.as_ref().err(), other.as_ref().err()),
            }
        }
        assert_eq!(hazmat::room_state(&one_by_one), hazmat::room_state(&at_once));
        let refused: Vec<_> = many.iter().filter_map(|one| one.as_ref().err()).collect();
        assert_eq!(refused.len(), if people.len() == 2 { 6 } else { 7 }, "{refused:?}");
        // Only for what decrypts.
        assert_eq!(directory.times.get(), messages.len() - 5);
    }
    assert!(cast.state(&cast.bob).room().open_many(&[], &cast.directory()).is_empty());
}

/// The crate's messages are, byte for byte, those that are written after SPEC.md: header, fields, signature, id, salt, key,
/// padding; and the other way round they open. [RMSG-04] [RMSG-05] [RMSG-06]
#[test]
fn messages_are_written_as_specified() {
    let cast = Cast::new();
    let padme = |len: usize| {
        let e = len.ilog2();
        let mask = (1 << (e - (e.ilog2() + 1))) - 1;
        (len + mask) & !mask
    };
    for (len, aad) in [(0, &b""[..]), (1, b"a"), (63, b""), (64, &[7; 64]), (16383, b""), (16384, &[7; 16384])] {
        let content = content(len);
        for (padding, sequence) in [(Padding::None, 0), (Padding::Padme, u64::MAX - 1)] {
            let mut state = cast.state(&cast.carol);
            state.next_sequence = sequence;
            let (mut room, mut rng) = (state.room(), Draws::new(len as u8));
            let draft = Draft::new(&content).associated_data(aad).padding(padding);
            let message = room.seal(&draft, &cast.carol.sender(), &mut rng).unwrap();
            assert_eq!(rng.lengths(), [32]);
            let written = cast.written(&content).but(|written| {
                (written.aad, written.device, written.sequence) = (aad.to_vec(), state.device, sequence);
                written.random = rng.drawn[0][..].try_into().unwrap();
                let plain_len = 20 + 66 + v(len) + len;
                let padded = if padding == Padding::Padme { padme(plain_len) } else { plain_len };
                written.zeros = vec![0; padded - plain_len];
            });
            assert_eq!(message, written.seal(&cast.carol));
            assert_eq!(room.sealed_len(&draft, &cast.carol.public).unwrap(), message.len());
            if padding == Padding::None {
                assert_eq!(message.len(), 165 + v(len) + len);
            }
            let opened = hears(&cast, &message, aad).unwrap();
            assert_eq!((opened.content(), opened.sender()), (&content[..], cast.carol.public.fingerprint()));
            assert_eq!((opened.device().as_bytes(), opened.sequence()), (&state.device, sequence));
            assert_eq!(opened.id().as_bytes(), &written.id(&cast.carol.id()));
            assert_eq!(opened.epoch(), Epoch::new(1));
            assert_eq!(opened.freshness(), Freshness::Fresh { skipped: 0 });
        }
    }
}

/// Any other byte, any other end, any other associated data; the room's state and a caller's buffer show nothing of it.
/// [RMSG-05]
#[test]
fn changed_messages_are_refused() {
    let cast = Cast::new();
    let written =
        cast.written(b"a message").but(|written| (written.aad, written.zeros) = (b"aad".to_vec(), vec![0; 9]));
    let message = written.seal(&cast.carol);
    assert!(hears(&cast, &message, b"aad").is_ok());
    let (id, epoch, tag) = (7..23, 23..31, 31..39);
    for place in 0..message.len() {
        for bit in 0..8 {
            let mut changed = message.clone();
            changed[place] ^= 1 << bit;
            let error = hears(&cast, &changed, b"aad").unwrap_err();
            match error {
                Error::Malformed { .. } | Error::Unsupported { .. } => assert!(place < id.end, "{place}"),
                Error::UnknownEpoch { .. } => assert!(epoch.contains(&place) || tag.contains(&place), "{place}"),
                error => assert!(error == Error::Decrypt && place >= tag.end, "{place} {error}"),
            }
        }
    }
    for len in 0..message.len() {
        let error = hears(&cast, &message[..len], b"aad").unwrap_err();
        assert_eq!(matches!(error, Error::Malformed { .. }), len < 63 + 20 + 2 + 1 + 16, "{len} {error}");
    }
    assert_eq!(hears(&cast, &[&message[..], &[0]].concat(), b"aad").err(), Some(Error::Decrypt));
    for aad in [&b""[..], b"aae", b"aad\0", b"aa"] {
        assert_eq!(hears(&cast, &message, aad).err(), Some(Error::Decrypt));
    }
    // A buffer that is too small is told before anything is decrypted.
    let (mut room, needed) = (cast.state(&cast.bob).room(), message.len() - 63 - 16);
    let mut out = vec![0; needed];
    let short = room.open_into(&message, b"aad", &mut out[1..], &cast.directory()).err();
    assert_eq!(short, Some(Error::Buffer { needed }));
    assert!(room.open_into(&message, b"aad", &mut out, &cast.directory()).is_ok());
}

/// A message is of an epoch that is held: number and tag find it, and its transcript is part of what is signed. [RMSG-01]
#[test]
fn messages_belong_to_one_epoch() {
    let cast = Cast::new();
    let [first, second] = &cast.epochs;
    let old = Written::new(first, &cast.carol, b"old").seal(&cast.carol);
    let opened = hears(&cast, &old, b"").unwrap();
    assert_eq!((opened.epoch(), opened.is_superseded()), (Epoch::new(0), true));
    assert!(!hears(&cast, &cast.written(b"new").seal(&cast.carol), b"").unwrap().is_superseded());
    // One epoch's header before another's message, and the whole under the other's key.
    let new = cast.written(b"new").seal(&cast.carol);
    assert_eq!(hears(&cast, &[&old[..39], &new[39..]].concat(), b"").err(), Some(Error::Decrypt));
    for (number, transcript) in [(0, second), (1, first), (2, second), (u64::MAX, second)] {
        let tag = &transcript.transcript()[..8];
        let routed = [&new[..23], &u64::to_be_bytes(number), tag, &new[39..]].concat();
        assert_eq!(hears(&cast, &routed, b"").err(), Some(Error::UnknownEpoch { epoch: number }));
    }
    // Somebody's signature over another epoch's message, sealed again by who holds this epoch's key.
    let signature = cast.carol.sign(&Written::new(first, &cast.carol, b"new").id(&cast.carol.id()));
    assert_eq!(hears(&cast, &cast.written(b"new").seal_with(&signature), b"").err(), Some(Error::Signature));
    // Another room with the same secrets and people.
    let mut other = second.clone();
    other.body.nonce[0] ^= 1;
    let foreign = Written::new(&other, &cast.carol, b"new").seal(&cast.carol);
    assert_eq!(hears(&cast, &foreign, b"").err(), Some(Error::Malformed { field: "room_id" }));
}

/// Lengths are checked before anything is decrypted. [RMSG-02] [LIM-12]
#[test]
fn lengths_have_bounds() {
    const LIMIT: usize = 16 * 1024 * 1024;
    let cast = Cast::new();
    let mut room = cast.state(&cast.carol).room();
    let before = hazmat::room_state(&room);
    let content = vec![5; LIMIT - 20 - 66 - 4 + 1];
    let over = Error::Limit { limit: "room message bytes" };
    let sender = cast.carol.sender();
    assert_eq!(room.seal(&Draft::new(&content), &sender, &mut Draws::new(1)).err(), Some(over));
    assert_eq!(room.sealed_len(&Draft::new(&content), &cast.carol.public).err(), Some(over));
    let padded = Draft::new(&content[..content.len() - 1]).padding(Padding::Padme);
    assert_eq!(room.sealed_len(&padded, &cast.carol.public).unwrap(), LIMIT + 79);
    assert_eq!(room.request(&Draft::new(&content), &cast.carol.public).err(), Some(over));
    assert_eq!(hazmat::room_state(&room), before);
    let largest = room.seal(&Draft::new(&content[1..]), &sender, &mut Draws::new(1)).unwrap();
    assert_eq!(largest.len(), 63 + LIMIT + 16);
    let mut bobs = cast.state(&cast.bob).room();
    assert!(bobs.open(&largest, b"", &cast.directory()).unwrap().content() == &content[1..]);
    let longer = [&largest[..], &[0]].concat();
    assert_eq!(bobs.open(&longer, b"", &cast.directory()).err(), Some(over));
    assert_eq!(inspect(&longer).err(), Some(over));
    // The shortest: a signature of one byte, no content; and one byte less.
    let written = cast.written(b"");
    let plain = [&written.plaintext(&[1])[..]].concat();
    assert_eq!(plain.len(), 20 + 2 + 1);
    let short = written.seal_plain(&plain, [1; 24]);
    assert_eq!(short.len(), 102);
    assert_eq!(hears(&cast, &short, b"").err(), Some(Error::Signature));
    let shorter = written.seal_plain(&plain[..22], [1; 24]);
    assert_eq!(hears(&cast, &shorter, b"").err(), Some(Error::Malformed { field: "message" }));
    // The number of a message ends too.
    let mut state = cast.state(&cast.carol);
    state.next_sequence = u64::MAX;
    let last = state.room().seal(&Draft::new(b""), &sender, &mut Draws::new(1));
    assert_eq!(last.err(), Some(Error::Limit { limit: "messages of one device" }));
}

/// What an insider makes, who holds the epoch's key: other encodings, other places, bytes in the padding. [RMSG-03]
#[test]
fn plaintexts_have_one_form() {
    let cast = Cast::new();
    let written = cast.written(b"content");
    let signature = cast.carol.sign(&written.id(&cast.carol.id()));
    let hears_plain = |plain: &[u8]| hears(&cast, &written.seal_plain(plain, [1; 24]), b"").err();
    let plain = written.plaintext(&signature);
    assert_eq!(hears_plain(&plain), None);
    assert_eq!(hears_plain(&[&plain[..], &[0; 100]].concat()), None);
    for (place, byte) in [(0, 1), (50, 0x80), (99, 255)] {
        let mut zeros = [0; 100];
        zeros[place] = byte;
        assert_eq!(hears_plain(&[&plain[..], &zeros].concat()), Some(Error::Decrypt));
    }
    for place in [3, 4, u32::MAX] {
        assert_eq!(hears_plain(&[&place.to_be_bytes(), &plain[4..]].concat()), Some(Error::Decrypt));
    }
    let (fields, content) = (&plain[..20], vector(b"content"));
    let of = |signature: &[u8], content: &[u8]| hears_plain(&[fields, signature, content].concat());
    assert_eq!(of(&vector(&signature), &content), None);
    // Longer forms of lengths, lengths beyond the end, the form that is none.
    assert_eq!(of(&[&[0x80, 0, 0, 64][..], &signature].concat(), &content), Some(Error::Decrypt));
    assert_eq!(of(&vector(&signature), &[&[0x40, 7][..], b"content"].concat()), Some(Error::Decrypt));
    assert_eq!(of(&vector(&signature), &[&[8][..], b"content"].concat()), Some(Error::Decrypt));
    assert_eq!(of(&vector(&signature), &[&[0xc0][..], b"content"].concat()), Some(Error::Decrypt));
    assert_eq!(of(&vector(&signature), &[]), Some(Error::Decrypt));
    // Unsigned is no form; a signature of another length is nobody's.
    assert_eq!(of(&vector(&[]), &content), Some(Error::Decrypt));
    for len in [1, 63, 65, 384] {
        assert_eq!(of(&vector(&vec![1; len]), &content), Some(Error::Signature));
    }
}

/// Whoever holds an epoch's key writes as nobody but themselves. [RMSG-05]
#[test]
fn nobody_writes_as_another() {
    let cast = Cast::new();
    let honest = cast.written(b"I owe you");
    let signed = |written: &Written<'_>| cast.carol.sign(&written.id(&cast.carol.id()));
    let refuses = |written: &Written<'_>, signature: &[u8]| {
        assert_eq!(hears(&cast, &written.seal_with(signature), &written.aad).err(), Some(Error::Signature));
    };
    for forger in [&cast.alice, &cast.bob] {
        assert_eq!(hears(&cast, &honest.seal(forger), b"").err(), Some(Error::Signature));
        // Carol's message at another's place.
        let place = cast.epochs[1].body.place(&forger.id());
        refuses(&honest.but(|written| written.place = place), &signed(&honest));
    }
    refuses(&honest.but(|written| written.content[0] ^= 1), &signed(&honest));
    refuses(&honest.but(|written| written.aad = vec![0]), &signed(&honest));
    refuses(&honest.but(|written| written.device[7] ^= 1), &signed(&honest));
    refuses(&honest.but(|written| written.sequence = 1), &signed(&honest));
    refuses(&honest.but(|written| (written.aad, written.content) = (b"I owe you".to_vec(), vec![])), &signed(&honest));
    // Both halves of a signature, and its malleable twin.
    let signature = signed(&honest);
    refuses(&honest, &[&signature[32..], &signature[..32]].concat());
    refuses(&honest, &[0; 64]);
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let mut borrow = 0_i32;
    let mut twin = signature.clone();
    for place in (0..32).rev() {
        let digit = i32::from_str_radix(&order[2 * place..2 * place + 2], 16).unwrap();
        let difference = digit - i32::from(signature[32 + place]) - borrow;
        borrow = i32::from(difference < 0);
        twin[32 + place] = difference.rem_euclid(256) as u8;
    }
    refuses(&honest, &twin);
    // Encrypted again it is the same message, and is not shown twice.
    let mut room = cast.state(&cast.bob).room();
    let mut hear = |salt| {
        let message = honest.seal_plain(&[honest.plaintext(&signature), vec![0; 7]].concat(), [salt; 24]);
        let opened = room.open(&message, b"", &cast.directory()).unwrap();
        (*opened.id(), opened.freshness())
    };
    let (id, freshness) = hear(1);
    assert_eq!(freshness, Freshness::Fresh { skipped: 0 });
    assert_eq!(hear(2), (id, Freshness::Duplicate));
    let mut room = cast.state(&cast.bob).room();
    let unknown = room.open(&honest.seal(&cast.carol), b"", &[&cast.alice.public]).err();
    assert_eq!(unknown, Some(Error::UnknownIdentity { fingerprint: cast.carol.id() }));
}

/// A generator that repeats itself gives one salt only to one plaintext with one associated data. [RMSG-06]
#[test]
fn salts_repeat_only_with_the_whole_message() {
    let cast = Cast::new();
    let salt = |who: &Outsider, draft: Draft<'_>, change: &dyn Fn(&mut State)| -> [u8; 24] {
        let mut state = cast.state(who);
        change(&mut state);
        let message = state.room().seal(&draft, &who.sender(), &mut Draws::new(7)).unwrap();
        message[39..63].try_into().unwrap()
    };
    let as_it_is: &dyn Fn(&mut State) = &|_| ();
    // One byte more than Padmé leaves alone.
    let content = [5; 201];
    let mut salts = vec![
        salt(&cast.carol, Draft::new(&content), as_it_is),
        salt(&cast.carol, Draft::new(&content[1..]), as_it_is),
        salt(&cast.carol, Draft::new(b""), as_it_is),
        salt(&cast.carol, Draft::new(&content).associated_data(b"a"), as_it_is),
        salt(&cast.carol, Draft::new(&content).associated_data(&content), as_it_is),
        salt(&cast.carol, Draft::new(&content).padding(Padding::Padme), as_it_is),
        salt(&cast.alice, Draft::new(&content), as_it_is),
        salt(&cast.carol, Draft::new(&content), &|state| state.device[0] ^= 1),
        salt(&cast.carol, Draft::new(&content), &|state| state.next_sequence = 1),
        salt(&cast.carol, Draft::new(&content), &|state| {
            state.head = cast.epochs[0].transcript();
            state.epochs[1] = cast.epochs[1].stored(2);
        }),
    ];
    // A state that comes back and writes the same again repeats all of it.
    assert_eq!(salt(&cast.carol, Draft::new(&content), as_it_is), salts[0]);
    let count = salts.len();
    salts.sort_unstable();
    salts.dedup();
    assert_eq!(salts.len(), count);
}

/// What a device's messages are told to be, in whatever order they come; and that only fresh ones change what is kept.
/// [RMSG-07]
#[test]
fn replays_are_told() {
    let cast = Cast::new();
    let mut room = cast.state(&cast.bob).room();
    let mut hear = |sequence, content: &[u8]| {
        let before = hazmat::room_state(&room);
        let message = cast.written(content).but(|written| written.sequence = sequence).seal(&cast.carol);
        let opened = room.open(&message, b"", &cast.directory()).unwrap();
        assert_eq!(opened.content(), content);
        let fresh = matches!(opened.freshness(), Freshness::Fresh { .. });
        assert_eq!(fresh, before != hazmat::room_state(&room));
        opened.freshness()
    };
    let fresh = |skipped| Freshness::Fresh { skipped };
    assert_eq!(hear(10, b"a"), fresh(0));
    assert_eq!(hear(10, b"a"), Freshness::Duplicate);
    assert_eq!(hear(10, b"b"), Freshness::SequenceReused);
    assert_eq!(hear(11, b"a"), fresh(0));
    assert_eq!(hear(15, b"a"), fresh(3));
    assert_eq!(hear(12, b"a"), fresh(0));
    assert_eq!(hear(3, b"a"), fresh(0));
    assert_eq!(hear(3, b"a"), Freshness::Duplicate);
    assert_eq!(hear(15, b"other"), Freshness::SequenceReused);
    // 3, 10, 11, 12, 15 are kept. 59 more fill the window, the next one drives 3 out.
    for sequence in 16..16 + 59 {
        assert_eq!(hear(sequence, b"a"), fresh(0));
    }
    assert_eq!(hear(3, b"a"), Freshness::Duplicate);
    assert_eq!(hear(2, b"a"), Freshness::TooOld);
    assert_eq!(hear(75, b"a"), fresh(0));
    assert_eq!(hear(3, b"a"), Freshness::TooOld);
    // In the window's gap a late one is fresh, and drives out the lowest.
    assert_eq!(hear(13, b"a"), fresh(0));
    assert_eq!(hear(10, b"a"), Freshness::TooOld);
    assert_eq!(hear(11, b"a"), Freshness::Duplicate);
    assert_eq!(hear(u64::MAX, b"a"), fresh(u64::MAX - 76));
    assert_eq!(hear(u64::MAX, b"a"), Freshness::Duplicate);
    assert_eq!(hear(0, b"a"), Freshness::TooOld);
}

/// Of one sender 32 devices are kept; a 33rd drives out the one that was silent for longest, and no other sender's.
/// [RMSG-08]
#[test]
fn devices_have_places() {
    let cast = Cast::new();
    let mut room = cast.state(&cast.bob).room();
    let mut hear = |who: &Outsider, device: u8, sequence| {
        let written = Written::new(&cast.epochs[1], who, b"content").but(|written| {
            (written.device, written.sequence) = ([device; 8], sequence);
        });
        room.open(&written.seal(who), b"", &cast.directory()).unwrap().freshness()
    };
    let fresh = Freshness::Fresh { skipped: 0 };
    assert_eq!(hear(&cast.alice, 0, 0), fresh);
    for device in 0..32 {
        assert_eq!(hear(&cast.carol, device, 0), fresh);
    }
    // Device 0 speaks again, 1 repeats itself: 1 is the one that was silent for longest.
    assert_eq!(hear(&cast.carol, 0, 1), fresh);
    assert_eq!(hear(&cast.carol, 1, 0), Freshness::Duplicate);
    assert_eq!(hear(&cast.carol, 0xff, 0), fresh);
    assert_eq!(hear(&cast.carol, 0, 0), Freshness::Duplicate);
    for device in 2..32 {
        assert_eq!(hear(&cast.carol, device, 0), Freshness::Duplicate);
    }
    assert_eq!(hear(&cast.carol, 0xff, 0), Freshness::Duplicate);
    assert_eq!(hear(&cast.alice, 0, 0), Freshness::Duplicate);
    // It was forgotten, and takes the place of the next.
    assert_eq!(hear(&cast.carol, 1, 0), fresh);
    assert_eq!(hear(&cast.carol, 2, 0), fresh);
    assert_eq!(hear(&cast.carol, 1, 0), Freshness::Duplicate);
    // The state keeps it all.
    let state = hazmat::room_state(&room);
    assert_eq!(hazmat::room_state(&hazmat::room_of_state(&state).unwrap()), state);
}

/// Who wrote before a removal is told to be gone, and what was written then to be superseded. [RMSG-09]
#[test]
fn superseded_messages_are_told() {
    let cast = Cast::new();
    let mut room = cast.state(&cast.alice).room();
    let carols = cast.written(b"content").seal(&cast.carol);
    let bobs = Written::new(&cast.epochs[1], &cast.bob, b"content").seal(&cast.bob);
    let answers = |room: &mut Room| {
        [&carols, &bobs].map(|message| {
            let opened = room.open(message, b"", &cast.directory()).unwrap();
            (opened.is_superseded(), opened.sender_in_current_roster())
        })
    };
    assert_eq!(answers(&mut room), [(false, true), (false, true)]);
    let (sender, directory) = (cast.alice.sender(), cast.directory());
    let change = room.remove(&[*cast.carol.public.fingerprint()]).unwrap();
    let package = change.seal(&sender, &directory, &mut Draws::new(1)).unwrap();
    let _ = room.apply(&package, &[cast.alice.reader()], &directory, &mut Draws::new(1)).unwrap();
    assert_eq!(answers(&mut room), [(true, false), (true, true)]);
    // The header of what is written now is the new epoch's.
    let message = room.seal(&Draft::new(b""), &sender, &mut Draws::new(2)).unwrap();
    assert_eq!(message[31..39], room.transcript().as_bytes()[..8]);
    assert_eq!(message[..7], *b"SLRM\x00\x01\x23");
}
