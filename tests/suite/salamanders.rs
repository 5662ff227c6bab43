//! Ciphertexts that AES-256-GCM opens under two keys, wherever a reader could be made to take them: what is committed to one
//! key opens under no other. SPEC §15.2, §15.11
//!
//! Each test first shows that both keys do open the ciphertext where nothing commits to one of them.

use crate::common::hand::{Hand, derive, group, sha256, sign_input, wrap_info, wrap_p256};
use crate::common::rooms::{Device, Known, Written, crowd, hmac_sha256};
use crate::common::salamander::{Lock, with_both};
use crate::common::*;
use sealroom::*;

const FOR_BOB: &[u8; 16] = b"Meet us at noon.";
const FOR_CAROL: &[u8; 16] = b"Stay where u are";

/// An envelope's two key schedules, under which one chunk is sealed: it begins as one text under the first, and has the other
/// after it under the second.
struct TwoFaced {
    hands: [Hand; 2],
    chunk: Vec<u8>,
}

impl TwoFaced {
    /// Of the same header, under two DEKs.
    fn new(hand: &Hand, deks: [[u8; 32]; 2]) -> Self {
        let hands = deks.map(|dek| Hand { dek, ..hand.clone() });
        let [one, other] = hands.each_ref().map(|hand| {
            let (key, nonce, _) = hand.schedule();
            Lock::new(&key, nonce, b"")
        });
        let sealed = [one.stream(0, FOR_BOB), other.stream(16, FOR_CAROL), vec![0; 16], one.stream(48, b"!")].concat();
        Self { chunk: with_both([&one, &other], sealed, 32), hands }
    }

    /// Both keys open the chunk: by AES-GCM alone, and by the crate's own code once it was given the key.
    fn is_two_faced(&self) {
        for (hand, (text, at)) in self.hands.iter().zip([(FOR_BOB, 0), (FOR_CAROL, 16)]) {
            let (key, nonce, _) = hand.schedule();
            let key = key.try_into().unwrap();
            let plain = hazmat::aes_256_gcm_open(&key, &nonce, b"", &self.chunk).unwrap();
            assert_eq!((&plain[at..at + 16], plain.len()), (&text[..], 49));
            assert_eq!(hazmat::chunks_unlocked(&key, &nonce).open(&self.chunk).unwrap().unverified(), plain);
        }
    }

    fn committed(&self, commitment: &[u8]) -> Vec<u8> {
        [&self.hands[0].header(), commitment, &self.chunk].concat()
    }

    fn commitments(&self) -> [Vec<u8>; 2] {
        self.hands.each_ref().map(|hand| hand.schedule().2)
    }
}

/// What each way of opening says, which must all say the same.
fn says(envelope: &[u8], unlock: &dyn Fn(&Locked<'_>) -> Result<Unlocked, Error>) -> Result<Vec<u8>, Error> {
    let locked = Locked::decode(envelope, &Limits::default()).unwrap();
    let said = unlock(&locked).and_then(|unlocked| unlocked.open(locked.payload())).map(Opened::unverified);
    let mut buffer = vec![0; envelope.len()];
    let into = unlock(&locked).and_then(|unlocked| Ok(unlocked.open_into(locked.payload(), &mut buffer)?.unverified()));
    assert_eq!(into.map(<[u8]>::to_vec), said);
    let streamed = open_stream(envelope, 7, unlock).unwrap().map(|(mut begun, end)| {
        begun.extend(end.unverified());
        begun
    });
    assert_eq!(streamed, said);
    let at_offsets = unlock(&locked).and_then(|unlocked| read_at(envelope, unlocked, 0, u64::MAX));
    assert_eq!(at_offsets, said);
    said
}

/// One header and two DEKs, one for each reader. [ENV-07] [ENV-08]
#[test]
fn an_envelope_has_one_content_for_all_of_its_readers() {
    let (bob, carol) = (&people().bob, &people().carol);
    let deks = [[0xaa; 32], [0xbb; 32]];
    let salt = [0x5a; 24];
    let entry = |person: &Identity, dek| {
        let info = wrap_info(1, 1, &salt, person.public().fingerprint().as_bytes());
        wrap_p256(person.public().p256_encryption_key().unwrap(), &info, dek, [4; 32])
    };
    let ((enc, to_bob), (_, to_carol)) = (entry(bob, &deks[0]), entry(carol, &deks[1]));
    let hand = Hand { stanzas: group(&enc, &[to_bob, to_carol]), salt, ..Hand::symmetric(&[31; 32]) };
    let two_faced = TwoFaced::new(&hand, deks);
    two_faced.is_two_faced();
    let opens = |commitment: &[u8], who: &Identity| {
        let envelope = two_faced.committed(commitment);
        says(&envelope, &|locked| locked.unlock(&[who.reader()], &mut Draws::new(1)))
    };
    let [one, other] = two_faced.commitments();
    assert_eq!(&opens(&one, bob).unwrap()[..16], FOR_BOB);
    assert_eq!(opens(&one, carol), Err(Error::Decrypt));
    assert_eq!(opens(&other, bob), Err(Error::Decrypt));
    assert_eq!(&opens(&other, carol).unwrap()[16..32], FOR_CAROL);
    // Nothing between the two serves both, or either.
    for cut in 1..32 {
        let mixed = [&one[..cut], &other[cut..]].concat();
        assert_eq!((opens(&mixed, bob), opens(&mixed, carol)), (Err(Error::Decrypt), Err(Error::Decrypt)), "{cut}");
    }
}

/// One attachment and two keys, each with the digest that its holder would find. [ATT-01] [ENV-07]
#[test]
fn an_attachment_has_one_content_for_all_of_its_keys() {
    let deks = [[0xaa; 32], [0xbb; 32]];
    let hand = Hand { content_type: 6, stanzas: vec![], ..Hand::symmetric(&[31; 32]) };
    let two_faced = TwoFaced::new(&hand, deks);
    two_faced.is_two_faced();
    for (honest, commitment) in two_faced.commitments().iter().enumerate() {
        let content = [&sha256(&hand.header())[..], commitment, &sha256(&sha256(&two_faced.chunk))].concat();
        let digest = sha256(&sign_input("attachment", &content));
        let opens = deks.map(|dek| {
            let key = AttachmentKey::take(&mut [dek, digest].concat().try_into().unwrap());
            says(&two_faced.committed(commitment), &|locked| key.unlock(locked)).map(drop)
        });
        let mut expected = [Err(Error::Decrypt), Err(Error::Decrypt)];
        expected[honest] = Ok(());
        assert_eq!(opens, expected);
    }
}

/// One wrapped DEK that two passphrases unwrap, each to another, and one chunk that both of these open: an answer that two
/// passphrases get would tell which half of a dictionary the right one is in, a partitioning oracle. [STZ-13] [ENV-07]
/// [ENV-11]
#[test]
fn a_wrap_answers_for_one_passphrase() {
    let salt = [0x5a; 24];
    let kdf = [&[2][..], &[0x5c; 16], &1_u32.to_be_bytes(), &1_u32.to_be_bytes()].concat();
    let locks = [&b"correct"[..], b"horse"].map(|passphrase| {
        // PBKDF2 of one iteration and one block. RFC 8018 §5.2
        let kek = hmac_sha256(passphrase, &[&[0x5c; 16][..], &1_u32.to_be_bytes()].concat());
        let key = derive(&kek, "passphrase wrap", &wrap_info(1, 4, &salt, &[0; 32]), 32);
        (Lock::new(&key, [0; 12], b""), <[u8; 32]>::try_from(key).unwrap())
    });
    let [(one, one_key), (other, other_key)] = &locks;
    let wrapped = with_both([one, other], vec![0x77; 32], 16);
    let deks = [one_key, other_key]
        .map(|key| <[u8; 32]>::try_from(hazmat::aes_256_gcm_open(key, &[0; 12], b"", &wrapped).unwrap()).unwrap());
    assert_ne!(deks[0], deks[1]);
    let stanzas = [&[4][..], &kdf, &wrapped].concat();
    let two_faced = TwoFaced::new(&Hand { stanzas, salt, ..Hand::symmetric(&[31; 32]) }, deks);
    two_faced.is_two_faced();
    let opens = |commitment: &[u8]| {
        let envelope = two_faced.committed(commitment);
        [&b"correct"[..], b"horse", b"battery"].map(|passphrase| {
            let key = PassphraseKey::of(&envelope, passphrase, &WorkLimits::default(), &mut unwatched).unwrap();
            says(&envelope, &|locked| locked.unlock(&[Reader::passphrase(&key)], &mut Draws::new(1))).map(drop)
        })
    };
    let (no, [first, second]) = (Err(Error::Decrypt), two_faced.commitments());
    assert_eq!(opens(&first), [Ok(()), no, no]);
    assert_eq!(opens(&second), [no, Ok(()), no]);
    assert_eq!(opens(&[0xee; 32]), [no, no, no]);
}

/// A room message under the keys of both branches of a fork. It commits by the epoch that it names and by what is signed: the
/// signature is inside, so even the first key shows nobody what they did not sign. [RMSG-01] [RMSG-05]
#[test]
fn a_room_message_has_no_second_content() {
    let (devices, package) = Device::rooms(HistoryPolicy::FromJoin, &[1, 2, 3], 3);
    let [mut alice, mut bob, mut carol] = devices.try_into().ok().unwrap();
    let base = Known::of(&package, alice.who.reader(), alice.who.id());
    // Carol forks the room: Alice is on one branch, Bob on the other, and she holds both.
    let [first, second] = [(); 2].map(|()| carol.package(Room::refresh));
    alice.apply(&first).unwrap();
    bob.apply(&second).unwrap();
    carol.apply(&first).unwrap();
    carol.apply(&second).unwrap();
    let branches = [&first, &second].map(|package| Known::of(package, crowd()[3].reader(), crowd()[3].id()));
    assert!(branches.iter().all(|branch| branch.body.previous == base.transcript()));

    // Within the dots stand a block for the second key and the free one.
    let content = [&[b'.'; 200][..], FOR_BOB, FOR_CAROL].concat();
    let salt = [0x11; 24];
    for (named, other) in [(0, 1), (1, 0)] {
        let written = Written::new(&branches[named], &crowd()[3], &content);
        let header = [&written.unsalted()[..], &salt].concat();
        let aad = [&header[..], &sha256(b"")].concat();
        let lock = |branch: &Known| {
            let key: [u8; 32] = derive(&branch.message_key(), "message", &salt, 32).try_into().unwrap();
            (Lock::new(&key, [0; 12], &aad), key)
        };
        let ((one, one_key), (two, two_key)) = (lock(&branches[named]), lock(&branches[other]));
        let honest = written.plaintext(&crowd()[3].sign(&written.id(&crowd()[3].id())));
        let mut sealed = one.stream(0, &honest);
        sealed[240..256].copy_from_slice(&two.stream(240, FOR_CAROL));
        let message = [header.clone(), with_both([&one, &two], sealed, 256)].concat();
        let raw = |key| hazmat::aes_256_gcm_open(key, &[0; 12], &aad, &message[63..]);
        assert_eq!(raw(&one_key).unwrap()[..240], honest[..240]);
        assert_eq!(raw(&two_key).unwrap()[240..256], FOR_CAROL[..]);

        let unknown = Err(Error::UnknownEpoch { epoch: 1 });
        let refusals = [Err(Error::Signature), unknown];
        assert_eq!(alice.hears(&message), refusals[named]);
        assert_eq!(bob.hears(&message), refusals[other]);
        // Who holds both does not go on to the second.
        assert_eq!(carol.hears(&message), Err(Error::Signature));
        // Without the free block it is a message like any other, so the form was right.
        let right = written.seal_plain(&honest, salt);
        assert_eq!(right[..63], header);
        assert_eq!([&mut alice, &mut bob][named].hears(&right), Ok(content.clone()));
        // The true signature, for the one branch, is none for the other.
        let moved = Written { epoch: &branches[other], ..written.clone() };
        let moved = moved.seal_with(&crowd()[3].sign(&written.id(&crowd()[3].id())));
        assert_eq!([&mut alice, &mut bob][other].hears(&moved), Err(Error::Signature));
    }
}
