//! What went wrong elsewhere, played against sealroom: one test for each.
//!
//! | where | what went wrong | shown by |
//! |---|---|---|
//! | Matrix 2022, CVE-2022-39250, CVE-2022-39251 | a key or message of one kind taken for another's | [`kinds_are_not_confused`] |
//! | Matrix backup, MSC4048 | a MAC over the empty string | [`every_byte_is_authenticated`] |
//! | MEGA 2022, Threema 2023 | wrapped keys overwritten, a key in two protocols | [`wraps_do_not_move`], [`signatures_do_not_move`], [`sealed_signatures_do_not_move`] |
//! | Nextcloud v1 (ePrint 2024/546), cloud stores (ePrint 2024/1616) | a recipient put in, keys swapped, metadata rewritten | [`a_server_puts_no_reader_in`], [`a_server_swaps_no_identity`], [`nobody_swaps_an_entry_of_a_roster`] |
//! | WhatsApp; xmreur/prysm#120 | unsigned membership, anonymous rotation, the key sent to who was removed | [`membership_is_signed`] |
//! | clients of MLS (vitorpamplona/amethyst#3499) | a restored state repeats a nonce | [`any_state_may_be_restored`], [`a_server_may_be_restored`] |
//! | EFAIL, streaming readers | content before it is authentic | [`streams_give_out_verified_chunks_only`] |
//! | partitioning oracles, invisible salamanders | one ciphertext, two keys | the module `salamanders` |
//! | JOSE `p2c`, password managers 2026 | the attacker chooses how much work | [`strangers_choose_no_work`] |
//! | RUSTSEC-2026-0071 (`hpke`), RUSTSEC-2024-0447 (`rpgp`), panics of rage | counters wrap, parsers panic | [`counters_end`], [`parsers_take_anything`]; `fuzz/` |
//! | Marvin (RUSTSEC-2023-0071), Manger | decryption that is not blinded, or says why it failed | [`rsa_decryption_is_blinded_and_says_one_thing`]; that its time tells nothing, `tests/constant-time` |
//! | graviola | wrong signatures where p < q | [`either_prime_may_be_the_larger`] |
//! | `rsa` 0.10 | OAEP without its first octet | [`oaep_has_a_first_octet`], also with the other backend |

mod restored;
mod signatures;
mod who_is_there;

use crate::common::hand::{
    Hand, derive, group, rsa_stanza, sha256, sign_input, symmetric_stanza, vector, wrap_info, wrap_p256,
};
use crate::common::rooms::{
    ADMIN, Body, Craft, Device, FROM_JOIN, Known, MEMBER, SHARED, State, Written, crowd, directory, refused, roster,
    successor,
};
use crate::common::*;
use crate::single_epoch;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PrivateKeyParts;
use sealroom::*;
use std::collections::BTreeSet;
use std::rc::Rc;

const NOW: u64 = 1_800_000_000;

fn copy(room: &Room) -> Room {
    hazmat::room_of_state(&hazmat::room_state(room)).unwrap()
}

fn no_bytes<T>(_: T) {}

type Says = Box<dyn Fn(&[u8]) -> Result<(), Error>>;

/// An object, and what its reader says to any bytes in its place.
struct Offered {
    name: &'static str,
    bytes: Vec<u8>,
    reader: Says,
}

/// One of every object that there is. All are made by or for the same people and room, under the same keys as far as there is
/// a choice, so that nothing but their kind tells them apart.
fn objects() -> Vec<Offered> {
    let (alice, bob, rng) = (|| person(1), || person(2), &mut Draws::new(5));
    let (public, people) = (alice().public().clone(), [1, 2, 3].map(|n| person(n).public().clone()).to_vec());
    // Alice's keyring key stands for every symmetric key.
    let key = || person(1).keyring_key().unwrap();

    let first = Room::create(&alice().sender(), &[(&people[2], Role::Admin)], HistoryPolicy::FromJoin, rng).unwrap();
    let mut alices = Room::join(&first, &public, &[alice().reader()], rng).unwrap().finish().unwrap();
    let second = alices.add(&[(bob().public(), Role::Admin)]).unwrap().seal(&alice().sender(), &people, rng).unwrap();
    alices.apply(&second, &[alice().reader()], &people, rng).unwrap();
    let bobs = Room::join(&second, &public, &[bob().reader()], rng).unwrap().finish().unwrap();
    let bobs = Rc::new(bobs);
    let bobs = move || copy(&bobs);
    let grant = alices.grant_history(Epoch::new(0)..=Epoch::new(0), &[bob().public()], &alice().sender(), rng).unwrap();
    let nonce = [7; 32];
    let package = alices.refresh().unwrap().seal(&alice().sender(), &people, rng).unwrap();
    let said = alices.seal(&Draft::new(b"content"), &alice().sender(), rng).unwrap();
    let leave = alices.leave(&alice().sender(), rng).unwrap().to_bytes();
    let vouched = alices.vouch(&nonce, &alice().sender(), rng).unwrap().to_bytes();

    let to = [bob().public().clone()];
    let message = Envelope::to(&[to[0].recipient(), Recipient::symmetric(&key())])
        .signed_by(alice().sender())
        .seal(b"content", rng)
        .unwrap();
    let (attachment, attached) = Envelope::to(&[]).seal_attachment(b"content", rng).unwrap();
    let mut keyring = Keyring::new(rng).unwrap();
    let _ = keyring.sight(b"bob", bob().public()).unwrap();
    let segment = keyring.part(&key(), rng).unwrap();

    let (next, root) = (generation(1, 1), Root::from_bip39_seed(&[1; 64]));
    let transition = root.succeed(&alice(), &next, rng).unwrap().to_bytes().unwrap();
    let linking = Linking::new(rng).unwrap();
    let answer = linking.request().confirm().answer(&[&alice()], &[], rng).unwrap();
    let linked = linking.open(&answer).unwrap().confirm().save(&key(), rng).unwrap();
    let request = linking.request().to_bytes().to_vec();
    let device = P256PrivateKey::generate(rng).unwrap();
    let certificate =
        DeviceCertificate::issue(&alice().sender(), [1; 16], device.public_key(), NOW..NOW + 10, rng).unwrap();
    let asked = || Request::new(b"server", b"GET", b"/");
    let proof = RequestProof::sign(&asked(), &certificate, &device, NOW, rng).unwrap().to_bytes();
    let signature = alice().sign(b"file", b"content", rng).unwrap().to_bytes();

    let mut made = Vec::new();
    let mut add = |name, bytes: &[u8], reader: Says| {
        assert_eq!(reader(bytes), Ok(()), "{name}");
        made.push(Offered { name, bytes: bytes.to_vec(), reader });
    };
    let by = public.clone();
    add(
        "message",
        &message,
        Box::new(move |bytes| open(bytes, &[person(2).reader()], &mut Draws::new(1))?.verify(&by).map(no_bytes)),
    );
    let by = public.clone();
    add(
        "message, to a symmetric key",
        &message,
        Box::new(move |bytes| {
            let key = person(1).keyring_key().unwrap();
            open(bytes, &[Reader::symmetric(&key)], &mut Draws::new(1))?.verify(&by).map(no_bytes)
        }),
    );
    let (room, them) = (bobs.clone(), people.clone());
    add(
        "package",
        &package,
        Box::new(move |bytes| room().apply(bytes, &[person(2).reader()], &them, &mut Draws::new(1)).map(no_bytes)),
    );
    let by = public.clone();
    add(
        "first package",
        &second,
        Box::new(move |bytes| {
            Room::join(bytes, &by, &[person(2).reader()], &mut Draws::new(1))?.finish().map(no_bytes)
        }),
    );
    add(
        "keyring segment",
        &segment,
        Box::new(move |bytes| {
            Keyring::new(&mut Draws::new(2))?.merge(bytes, &[&key()], &mut Draws::new(1)).map(no_bytes)
        }),
    );
    add("link answer", &answer, Box::new(move |bytes| linking.open(bytes).map(no_bytes)));
    add("linked state", &linked, Box::new(move |bytes| LinkedIdentity::load(bytes, &key()).map(no_bytes)));
    let (room, by) = (bobs.clone(), public.clone());
    add(
        "grant",
        &grant,
        Box::new(move |bytes| {
            room().accept_grant(bytes, &by, &[person(2).reader()], &mut Draws::new(1)).map(|came| assert_eq!(came, 1))
        }),
    );
    add("attachment", &attachment, Box::new(move |bytes| attached.open(bytes).map(no_bytes)));
    let state = alices.save(&key(), &mut Draws::new(3)).unwrap();
    add("room state", &state, Box::new(move |bytes| Room::load(bytes, &key()).map(no_bytes)));
    let state = keyring.save(&key(), &mut Draws::new(3)).unwrap();
    add("keyring state", &state, Box::new(move |bytes| Keyring::load(bytes, &key()).map(no_bytes)));
    add("identity", &public.to_bytes(), Box::new(|bytes| PublicIdentity::from_bytes(bytes).map(no_bytes)));
    let old = public.clone();
    add("transition", &transition, Box::new(move |bytes| old.follow(&Transition::from_bytes(bytes)?).map(no_bytes)));
    let by = public.clone();
    add(
        "detached signature",
        &signature,
        Box::new(move |bytes| DetachedSignature::from_bytes(bytes)?.verify(&by, b"file", b"content")),
    );
    let (room, them) = (bobs.clone(), people.clone());
    add("room message", &said, Box::new(move |bytes| room().open(bytes, b"", &them).map(no_bytes)));
    let (room, them) = (bobs.clone(), people.clone());
    add(
        "leave statement",
        &leave,
        Box::new(move |bytes| room().check_leave(&LeaveStatement::from_bytes(bytes)?, &them).map(no_bytes)),
    );
    let by = public.clone();
    add(
        "head statement",
        &vouched,
        Box::new(move |bytes| bobs().confirm(&HeadStatement::from_bytes(bytes)?, &nonce, &by)),
    );
    add("link request", &request, Box::new(|bytes| LinkRequest::from_bytes(bytes).map(no_bytes)));
    let by = public.clone();
    add(
        "certificate",
        &certificate.to_bytes(),
        Box::new(move |bytes| DeviceCertificate::from_bytes(bytes)?.verify(&by, &Clock::at(NOW))),
    );
    add(
        "request proof",
        &proof,
        Box::new(move |bytes| {
            let proof = RequestProof::from_bytes(bytes)?;
            proof.verify(&asked(), &public, &Clock::at(NOW), &mut RememberedProofs::new(1)).map(no_bytes)
        }),
    );
    made
}

/// Every object offered to the reader of every other one, as it is and under that one's type: refused, all of them. (The two
/// messages are one object, and the first package is one too: to a room that has it already.) [OBJ-02] [OBJ-03] [STZ-02]
/// [LAB-02]
#[test]
fn kinds_are_not_confused() {
    let objects = objects();
    let types: BTreeSet<u8> = objects.iter().map(|object| object.bytes[6]).collect();
    assert_eq!(types, (1..=8).chain(0x20..=0x28).collect());
    let mut offered = 0;
    for object in &objects {
        for reader in objects.iter().filter(|reader| reader.bytes != object.bytes) {
            if (object.name, reader.name) == ("first package", "package") {
                continue;
            }
            let answer = (reader.reader)(&object.bytes);
            match object.bytes[6] == reader.bytes[6] {
                false => {
                    assert_eq!(answer, Err(Error::Unsupported { field: "type" }), "{} as {}", object.name, reader.name)
                }
                true => assert!(answer.is_err(), "{} as {}", object.name, reader.name),
            }
            let mut renamed = object.bytes.clone();
            renamed[6] = reader.bytes[6];
            assert!((reader.reader)(&renamed).is_err(), "{} renamed to {}", object.name, reader.name);
            offered += 1;
        }
    }
    assert_eq!(offered, 20 * 19 - 2 - 1);
}

/// Every byte of every object is under a tag or signature, or else what is not one of the kind. (A link request has nothing
/// that could authenticate it: it goes from one screen to another.) [SUITE-02] [WIRE-04]
#[test]
fn every_byte_is_authenticated() {
    let mut flipped = 0;
    for object in objects().iter().filter(|object| object.name != "link request") {
        let len = object.bytes.len();
        for place in 0..len {
            let mut changed = object.bytes.clone();
            changed[place] ^= 1 << (place % 8);
            assert!((object.reader)(&changed).is_err(), "{} at {place}", object.name);
            flipped += 1;
        }
        // Nothing, and no MAC over nothing.
        for cut in [0, 7, len - 16, len - 1] {
            assert!((object.reader)(&object.bytes[..cut]).is_err(), "{} of {cut}", object.name);
        }
        let emptied = [&object.bytes[..len - 16], &[0; 16]].concat();
        assert!((object.reader)(&emptied).is_err(), "{}", object.name);
    }
    assert!(flipped > 6000, "{flipped}");
}

/// A wrapped key in another envelope, for another purpose, to another identity that lists the same key, and a wrapped key
/// overwritten by one that the reader does unwrap. [STZ-02] [ENV-07]
#[test]
fn wraps_do_not_move() {
    let (bob, kek, salt, dek) = (outsider(50), [31; 32], [0x5a; 24], [0xde; 32]);
    let key = SymmetricKey::take(&mut { kek });
    let hand = Hand { salt, dek, ..Hand::symmetric(&kek) };
    let entry = |info: &[u8], dek| {
        let (enc, entry) = wrap_p256(bob.encryption.public_key(), info, dek, [4; 32]);
        group(&enc, &[entry])
    };
    let opens = |stanzas: Vec<u8>, reader| {
        let envelope = Hand { stanzas, ..hand.clone() }.envelope(&[b"content"]);
        open(&envelope, &[reader], &mut Draws::new(1)).map(|opened| assert_eq!(opened.unverified(), b"content"))
    };
    let (id, other_salt) = (*bob.public.fingerprint().as_bytes(), [0xa5; 24]);
    let refused = Err(Error::Decrypt);
    let own = Reader::p256(&bob.encryption, &bob.public);
    assert_eq!(opens(entry(&wrap_info(1, 1, &salt, &id), &dek), own), Ok(()));
    assert_eq!(opens(symmetric_stanza(&kek, &wrap_info(1, 3, &salt, &[0; 32]), &dek), Reader::symmetric(&key)), Ok(()));
    // From every other purpose, and from another message.
    let others = (2..=8).map(|purpose| (purpose, salt)).chain([(1, other_salt)]);
    for (purpose, salt) in others {
        assert_eq!(opens(entry(&wrap_info(purpose, 1, &salt, &id), &dek), own), refused);
        let stanza = symmetric_stanza(&kek, &wrap_info(purpose, 3, &salt, &[0; 32]), &dek);
        assert_eq!(opens(stanza, Reader::symmetric(&key)), refused);
        let rsa = rsa_2048();
        let info = wrap_info(purpose, 2, &salt, &rsa.public_key().bare_id());
        let stanza = rsa_stanza(rsa.public_key(), &rsa.public_key().bare_id(), &sha256(&info), &dek);
        assert_eq!(opens(stanza, Reader::bare_rsa(rsa)), refused);
    }
    // Mallory lists Bob's key as her own, and what is for her comes to Bob.
    let mallory = outsider(51);
    let stolen = (bob.encryption.public_key().clone(), mallory.signing.public_key().clone());
    let listed = UnsignedIdentity::p256(0, stolen.0, stolen.1, mallory.rotation.public_key()).unwrap();
    let listed = listed.sign(&mallory.signing, &mut Draws::new(1)).unwrap();
    let for_mallory = entry(&wrap_info(1, 1, &salt, listed.fingerprint().as_bytes()), &dek);
    assert_eq!(opens(for_mallory.clone(), own), refused);
    assert_eq!(opens(for_mallory, Reader::p256(&bob.encryption, &listed)), Ok(()));
    // Bob's entry replaced by a key of the server's choice: his, but not the envelope's.
    assert_eq!(opens(entry(&wrap_info(1, 1, &salt, &id), &[0xbb; 32]), own), refused);
    // And then all of the envelope, which is the server's then, and by nobody.
    let (alice, to) = (person(1), [bob.public.recipient()]);
    let honest = Envelope::to(&to).signed_by(alice.sender()).seal(b"content", &mut Draws::new(1)).unwrap();
    let forged = Hand { stanzas: entry(&wrap_info(1, 1, &salt, &id), &dek), ..hand.clone() }.envelope(&[b"forged"]);
    let verifies = |bytes: &[u8]| open(bytes, &[own], &mut Draws::new(1)).unwrap().verify(alice.public());
    assert_eq!((verifies(&honest), verifies(&forged)), (Ok(b"content".to_vec()), Err(Error::Signature)));
}

/// The server is given envelopes, and adds itself: to the stanzas as they are, and, with a recipient's help, to the key that
/// they wrap. Public data are authentic. [ENV-07] [SIG-03]
#[test]
fn a_server_puts_no_reader_in() {
    let (alice, bob, server) = (outsider(60), outsider(61), outsider(62));
    let reads = |bytes: &[u8], who: &Outsider| {
        let opened = open(bytes, &[who.reader()], &mut Draws::new(1));
        opened.and_then(|opened| opened.verify(&alice.public))
    };
    let to = [bob.public.recipient()];
    let envelope = Envelope::to(&to).signed_by(alice.sender()).public_data(b"folder 1");
    let honest = envelope.seal(b"content", &mut Draws::new(1)).unwrap();
    assert_eq!(reads(&honest, &bob), Ok(b"content".to_vec()));

    let locked = Locked::decode(&honest, &Limits::default()).unwrap();
    let unlocked = locked.unlock(&[bob.reader()], &mut Draws::new(1)).unwrap();
    let (dek, _) = hazmat::dek_and_content(unlocked, locked.payload()).unwrap();
    let Info::Envelope(info) = inspect(&honest).unwrap() else { panic!() };
    let (header_len, salt) = (info.header_len, <[u8; 24]>::try_from(&honest[9..33]).unwrap());
    // V(162): two bytes of length, the type, enc, two bytes, two entries.
    let (enc, entries) = (&honest[36..101], &honest[103..199]);
    assert_eq!((entries.len(), honest[33..36].to_vec()), (96, vec![0x40, 66 + 98, 1]));
    let entries: Vec<[u8; 48]> = entries.chunks(48).map(|entry| entry.try_into().unwrap()).collect();
    let with = |entry: &[u8; 48], enc: &[u8; 65], public_data: &[u8]| {
        let stanzas = group(enc, &[&entries[..], &[*entry]].concat());
        Hand { signature: 1, stanzas, salt, dek, public_data: public_data.to_vec(), ..Hand::symmetric(&[0; 32]) }
    };
    let enc: [u8; 65] = enc.try_into().unwrap();
    let own = Hand { stanzas: group(&enc, &entries), ..with(&[0; 48], &enc, b"folder 1") };
    assert_eq!(own.header(), honest[..header_len]);
    // Without the DEK: the header is another, and so nobody opens it.
    let (_, blind) = wrap_p256(server.encryption.public_key(), b"", &[9; 32], [9; 32]);
    for hand in [with(&blind, &enc, b"folder 1"), Hand { public_data: b"folder 2".to_vec(), ..own.clone() }] {
        let moved = [&hand.header(), &honest[header_len..]].concat();
        assert_eq!(reads(&moved, &bob), Err(Error::Decrypt));
    }
    // With it, from Bob say, who then makes all anew around Alice's block: Alice did not write to these people.
    let id = *server.public.fingerprint().as_bytes();
    let (enc2, entry) = wrap_p256(server.encryption.public_key(), &wrap_info(1, 1, &salt, &id), &dek, [9; 32]);
    let to_bob = wrap_info(1, 1, &salt, bob.public.fingerprint().as_bytes());
    let (_, bobs) = wrap_p256(bob.encryption.public_key(), &to_bob, &dek, [9; 32]);
    let hand = Hand { stanzas: group(&enc2, &[bobs, entry]), ..own.clone() };
    let block = {
        let out = derive(&dek, "signature", &sha256(&own.header()), 44);
        let block = &honest[honest.len() - 112..];
        hazmat::aes_256_gcm_open(out[..32].try_into().unwrap(), out[32..].try_into().unwrap(), b"", block).unwrap()
    };
    assert_eq!(block[..32], *alice.public.fingerprint().as_bytes());
    for hand in [&hand, &Hand { public_data: b"folder 2".to_vec(), ..hand.clone() }] {
        let forged = [hand.seal(b"content"), hand.block(&block)].concat();
        assert_eq!((reads(&forged, &server), reads(&forged, &bob)), (Err(Error::Signature), Err(Error::Signature)));
    }
    assert_eq!([own.seal(b"content"), own.block(&block)].concat(), honest);
}

/// A stream gives out a chunk once it is verified, marked as unverified by its sender; what follows a fault never comes; and
/// who sent it is known at the end. [PAY-04] [ENV-13] [SUITE-02]
#[test]
fn streams_give_out_verified_chunks_only() {
    let (alice, bob) = (person(1), person(2));
    let content = content(3 * CHUNK + 100);
    let to = [bob.public().recipient()];
    let sealed = Envelope::to(&to).signed_by(alice.sender()).seal(&content, &mut Draws::new(1)).unwrap();
    let Info::Envelope(info) = inspect(&sealed).unwrap() else { panic!() };
    let begin = info.header_len + 32;
    // How many bytes come out of so many: byte by byte where a chunk is complete, and that the next failed.
    let reads = |bytes: &[u8]| {
        let mut start = EnvelopeStart::new(Limits::default());
        let rest = start.push(&bytes[..begin]).unwrap().unwrap();
        assert!(rest.is_empty());
        let mut stream = start.locked().unwrap().unlock(&[bob.reader()], &mut Draws::new(1)).unwrap().stream();
        let mut came = Vec::new();
        for (place, piece) in bytes[begin..].chunks(100).enumerate() {
            let given: Unverified<&[u8]> = match stream.push(piece) {
                Ok(given) => given,
                Err(error) => return (came, Err(error)),
            };
            came.extend_from_slice(given.unverified());
            let whole = (place + 1) * 100 / (CHUNK + 16);
            assert!(came.len() <= whole * CHUNK, "a chunk before it was whole");
        }
        match stream.finish() {
            Ok(end) => {
                let verified = end.verify(alice.public());
                let rest = verified.map(|rest| came.extend(rest));
                (came, rest)
            }
            Err(error) => (came, Err(error)),
        }
    };
    assert_eq!(reads(&sealed), (content.clone(), Ok(())));
    for chunk in 0..4 {
        for place in [0, CHUNK / 2, CHUNK + 15] {
            let place = (begin + chunk * (CHUNK + 16) + place).min(sealed.len() - 112 - 1);
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            let (came, end) = reads(&changed);
            assert_eq!(end, Err(Error::Decrypt));
            assert_eq!(came, content[..chunk * CHUNK], "what comes is what was sealed, up to the chunk before");
        }
    }
    // Cut after a chunk: what came is authentic, and the end says that it is not all.
    let (came, end) = reads(&sealed[..begin + 2 * (CHUNK + 16)]);
    assert_eq!(end, Err(Error::Decrypt));
    assert!(content.starts_with(&came));
    // The signature of somebody else over all of it: at the end, and not before.
    let mut other = sealed.clone();
    let len = other.len();
    other[len - 1] ^= 1;
    let (came, end) = reads(&other);
    assert_eq!((came.len(), end), (3 * CHUNK, Err(Error::Decrypt)));
}

/// Costs over the reader's limits end before the first round: those that are just over one of them, of which a round is made in
/// seconds where the limit is not looked at, and then those that nobody could pay. [STZ-15] [LIM-04] [LIM-05] [LIM-06] [LIM-08]
#[test]
fn strangers_choose_no_work() {
    let hand = Hand::symmetric(&[31; 32]);
    let argon2id = |rounds: u32, memory: u32, passes: u32, lanes: u8| {
        let costs = [rounds, memory, passes].map(u32::to_be_bytes).concat();
        [&[1][..], &[0x5c; 16], &costs, &[lanes]].concat()
    };
    let pbkdf2 = |rounds: u32, iterations: u32| {
        [&[2][..], &[0x5c; 16], &rounds.to_be_bytes(), &iterations.to_be_bytes()].concat()
    };
    // What comes of it, and how many rounds were made: one at most.
    let hash = |kdf: Vec<u8>| {
        let envelope = Hand { stanzas: [&[4][..], &kdf, &[7; 48]].concat(), ..hand.clone() }.envelope(&[b""]);
        let mut rounds = 0;
        let mut watch = |_: Progress| {
            rounds += 1;
            std::ops::ControlFlow::Break(())
        };
        let key = PassphraseKey::of(&envelope, b"passphrase", &WorkLimits::default(), &mut watch);
        (key.map(no_bytes), rounds)
    };
    let over = |limit| (Err(Error::Limit { limit }), 0);
    let (memory, work) = ("argon2id memory KiB", "argon2id memory KiB x passes x rounds");
    let iterations = "pbkdf2 iterations x rounds";
    for (kdf, limit) in [
        (argon2id(1, 262_145, 1, 4), memory),
        (argon2id(65, 65_536, 1, 4), work),
        (argon2id(1, 65_536, 65, 4), work),
        (argon2id(2, 262_144, 9, 4), work),
        (argon2id(1, 65_536, 1, 17), "argon2id lanes"),
        (pbkdf2(10_000_001, 1), iterations),
        (pbkdf2(1, 10_000_001), iterations),
        (pbkdf2(2, 5_000_001), iterations),
    ] {
        assert_eq!(hash(kdf), over(limit));
    }
    // At the limits it is work that is begun.
    for kdf in [argon2id(64, 65_536, 1, 4), pbkdf2(10_000_000, 1)] {
        assert_eq!(hash(kdf), (Err(Error::GivenUp), 1));
    }
    // Nothing of this ends, but each is over a limit that was seen to be kept.
    for (kdf, limit) in [
        (argon2id(1, u32::MAX, 1, 1), memory),
        (argon2id(1, 65_536, u32::MAX, 4), work),
        (argon2id(u32::MAX, 65_536, 1, 4), work),
        (argon2id(u32::MAX, u32::MAX, u32::MAX, 16), memory),
        (argon2id(u32::MAX, 262_144, u32::MAX, 16), work),
        (pbkdf2(1, u32::MAX), iterations),
        (pbkdf2(u32::MAX, 1), iterations),
        (pbkdf2(u32::MAX, u32::MAX), iterations),
    ] {
        assert_eq!(hash(kdf), over(limit));
    }
    // As many entries as a header can hold are no more than a reader's limit.
    let few = Limits::default().entries(3);
    let many = Hand { stanzas: group(&[4; 65], &[1, 2, 3, 4].map(|n| [n; 48])), ..hand }.envelope(&[b""]);
    assert_eq!(Locked::decode(&many, &few).unwrap_err(), Error::Limit { limit: "entries" });
}

/// Each counter at its end: an error, or what says the same for ever, and never the first number again. [LIM-01] [ROOM-08]
/// [RMSG-07] [ID-03] [TRN-01]
#[test]
fn counters_end() {
    let base = [0x11; 12];
    let mut nonces = BTreeSet::new();
    for index in [0, 1, u64::from(u32::MAX), u64::from(u32::MAX) + 1, (1 << 38) - 1] {
        assert!(nonces.insert(hazmat::chunk_nonce(&base, index).unwrap()));
    }
    for index in [1 << 38, (1 << 38) + 1, u64::MAX] {
        assert_eq!(hazmat::chunk_nonce(&base, index), Err(Error::Limit { limit: "chunks" }));
    }
    let (alice, bob) = (&crowd()[1], &crowd()[2]);
    let members = [(alice.id(), 2), (bob.id(), 2)];
    let first = Craft::new(Body::first(FROM_JOIN, &members), alice.sender(), &[&alice.public, &bob.public]).seal();
    let known = Known::of(&first, alice.reader(), alice.id());
    // The last message of a device.
    let mut state = State::of(alice.id(), &[&known]);
    state.next_sequence = u64::MAX - 1;
    let mut device = Device { who: alice, room: state.room() };
    let last = device.says(b"the last");
    let over = device.room.seal(&Draft::new(b"one more"), &alice.sender(), &mut SystemRng);
    assert_eq!(over, Err(Error::Limit { limit: "messages of one device" }));
    let mut bobs = Device { who: bob, room: State::of(bob.id(), &[&known]).room() };
    let opened = bobs.room.open(&last, b"", &directory()).unwrap();
    assert_eq!((opened.sequence(), opened.freshness()), (u64::MAX - 1, Freshness::Fresh { skipped: 0 }));
    let again = bobs.room.open(&last, b"", &directory()).unwrap();
    assert_eq!(again.freshness(), Freshness::Duplicate);
    // The last epoch of a room.
    let end = Known { body: Body { epoch: u64::MAX, previous: [7; 32], ..known.body.clone() }, ..known.clone() };
    let mut room = State::of(alice.id(), &[&end]).room();
    assert_eq!(room.refresh().unwrap_err(), Error::Limit { limit: "epochs" });
    let around = Body { epoch: 0, ..end.next() };
    let around = Craft::new(around, bob.sender(), &[&alice.public, &bob.public]).with_previous(&end.secret).seal();
    assert!(matches!(
        room.apply(&around, &[alice.reader()], &directory(), &mut SystemRng),
        Err(Error::Room { check: "ROOM-04" | "ROOM-08" })
    ));
    // The last generation.
    let root = Root::from_bip39_seed(&[1; 64]);
    assert!(root.identity(Profile::P256, u32::MAX - 1, &mut SystemRng).is_ok());
    assert!(matches!(root.identity(Profile::P256, u32::MAX, &mut SystemRng), Err(Error::Argument { .. })));
}

/// Every object cut, doubled, and with its lengths and codes at their bounds, to every reader: an answer, and no panic. More
/// is asked of the fuzzers. [WIRE-05]
#[test]
fn parsers_take_anything() {
    let objects = objects();
    let mut given = 0;
    for object in &objects {
        for place in (7..object.bytes.len()).step_by(17).chain(7..60.min(object.bytes.len())) {
            for bytes in [
                [&object.bytes[..place], &[0xff; 4], &object.bytes[place..]].concat(),
                [&object.bytes[..place], &[0xbf, 0xff, 0xff, 0xff]].concat(),
                object.bytes[..place].to_vec(),
            ] {
                let _ = inspect(&bytes);
                assert!((object.reader)(&bytes).is_err(), "{} at {place}", object.name);
                given += 1;
            }
        }
    }
    assert!(given > 2000, "{given}");
}

/// The generator is asked for a blinding of each decryption, which fails without it; every fault in what is decrypted is the
/// same error. [SUITE-07] [SUITE-08] [ERR-01]
#[test]
fn rsa_decryption_is_blinded_and_says_one_thing() {
    let key = rsa_2048();
    let (pkcs8, spki) = (key.to_pkcs8_der().unwrap(), key.public_key().spki_der());
    let ciphertext = hazmat::rsa_oaep_encrypt(spki, &[5; 64], &[9; 32]).unwrap();
    let mut rng = Draws::new(1);
    assert_eq!(hazmat::rsa_oaep_decrypt_64(pkcs8.expose(), &ciphertext, &mut rng), Ok([5; 64]));
    if !cfg!(feature = "aws-lc-rs") {
        // AWS-LC draws its own. Here what blinds the base is drawn first, as long as the modulus, then what blinds the exponents and
        // the primes; and nothing is computed without all of it.
        let lengths = rng.lengths();
        assert!(lengths.iter().sum::<usize>() > 256 && lengths.len() >= 5, "{lengths:?}");
        for draws in 0..lengths.len() {
            let without = hazmat::rsa_oaep_decrypt_64(pkcs8.expose(), &ciphertext, &mut Draws::failing(1, draws));
            assert_eq!(without, Err(Error::Generator), "{draws}");
        }
    }
    let mut faults: Vec<Vec<u8>> = (0..256)
        .step_by(16)
        .map(|place| {
            let mut changed = ciphertext.clone();
            changed[place] ^= 1;
            changed
        })
        .collect();
    for len in [0, 63, 65] {
        faults.push(hazmat::rsa_oaep_encrypt(spki, &vec![5; len], &[9; 32]).unwrap());
    }
    faults.extend([vec![0; 256], vec![0xff; 256], [&[0; 255][..], &[1]].concat()]);
    for fault in &faults {
        let refused = hazmat::rsa_oaep_decrypt_64(pkcs8.expose(), fault, &mut Draws::new(1));
        assert_eq!(refused, Err(Error::Decrypt));
        // And through an envelope.
        let id = key.public_key().bare_id();
        let mut stanza = rsa_stanza(key.public_key(), &id, &[0; 32], &[0xde; 32]);
        let at = stanza.len() - 256;
        stanza[at..].copy_from_slice(fault);
        let envelope = Hand { stanzas: stanza, ..Hand::symmetric(&[31; 32]) }.envelope(&[b"content"]);
        let opened = open(&envelope, &[Reader::bare_rsa(key)], &mut Draws::new(1));
        assert_eq!(opened.map(|_| ()), Err(Error::Decrypt));
    }
}

/// Keys from seeds with p < q and with p > q, in that order in their files: what each signs and decrypts, many times, is right, by
/// each operation that there is. [DET-02]
#[test]
fn either_prime_may_be_the_larger() {
    let mut orders = BTreeSet::new();
    for seed in 0..8_u8 {
        let pkcs8 = hazmat::det_keygen_rsa_pkcs8(&[seed; 32], 2048).unwrap();
        let key = rsa::PrivateKey::from_pkcs8_der(&pkcs8).unwrap();
        if !orders.insert(key.primes()[0] < key.primes()[1]) {
            continue;
        }
        let spki = hazmat::rsa_spki(&pkcs8).unwrap();
        let mut rng = Draws::new(seed);
        let own = RsaPrivateKey::from_pkcs8_der(&pkcs8).unwrap();
        assert_eq!(own.to_pkcs8_der().unwrap().expose(), pkcs8);
        let to = [Recipient::bare_rsa(own.public_key())];
        // A fault of one in fifty is seen in 150 tries but for a chance of 5 %.
        for n in 0..150_u8 {
            let signature = hazmat::rsa_pss_sign(&pkcs8, &sha256(&[n]), &mut rng).unwrap();
            assert_eq!(hazmat::rsa_pss_verify(&spki, &sha256(&[n]), &signature), Ok(()), "{n}");
            let ciphertext = hazmat::rsa_oaep_encrypt(&spki, &[n; 64], &[n; 32]).unwrap();
            assert_eq!(hazmat::rsa_oaep_decrypt_64(&pkcs8, &ciphertext, &mut rng), Ok([n; 64]), "{n}");
            // The key as applications have it, which is read once.
            let mut signature = [0; 256];
            own.sign_digest(&sha256(&[n]), &mut signature, &mut rng).unwrap();
            assert_eq!(hazmat::rsa_pss_verify(&spki, &sha256(&[n]), &signature), Ok(()), "{n}");
            let envelope = Envelope::to(&to).seal(&[n], &mut rng).unwrap();
            assert_eq!(open(&envelope, &[Reader::bare_rsa(&own)], &mut rng).unwrap().unverified(), [n]);
        }
    }
    assert_eq!(orders.len(), 2);
}

/// Wycheproof's ciphertext whose encoded message begins with 1 and is right otherwise. [SUITE-08]
#[test]
fn oaep_has_a_first_octet() {
    use wycheproof::rsa_oaep::{TestName, TestSet};
    let mut seen = 0;
    for name in [TestName::Rsa2048Sha256Mgf1Sha256, TestName::Rsa3072Sha256Mgf1Sha256] {
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests.iter().filter(|test| test.comment == "First byte is 1") {
                let decrypted = hazmat::rsa_oaep_decrypt(&group.pkcs8, &test.ct, &mut Draws::new(1));
                assert_eq!(decrypted, Err(Error::Decrypt));
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 2);
}
