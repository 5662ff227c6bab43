//! A new device is given an identity without the words. SPEC §22.

use crate::common::hand::{Hand, group, vector, wrap_info, wrap_p256};
use crate::common::*;
use sealroom::*;
use std::ops::ControlFlow;

const ALICE: u8 = 1;
const BOB: u8 = 2;

fn step(n: u8, from: u32) -> Transition {
    let root = Root::from_bip39_seed(&[n; 64]);
    root.succeed(&generation(n, from), &generation(n, from + 1), &mut Draws::new(n)).unwrap()
}

/// Generations 0 to `last` of the P-256 identity of that number, and their transitions.
fn chain(n: u8, last: u32) -> (Vec<Identity>, Vec<Transition>) {
    ((0..=last).map(|g| generation(n, g)).collect(), (0..last).map(|g| step(n, g)).collect())
}

/// A DeviceLink after SPEC §22.2.
#[derive(Clone)]
struct Link {
    echo: [u8; 32],
    generations: Vec<([u8; 32], Vec<u8>)>,
    transitions: Vec<Vec<u8>>,
}

impl Link {
    fn of(linking: &Linking, n: u8, last: u32) -> Self {
        let (identities, steps) = chain(n, last);
        Self {
            echo: linking.request().to_bytes()[72..].try_into().unwrap(),
            generations: (0..)
                .zip(&identities)
                .map(|(g, identity)| (secret(n, g), identity.public().to_bytes()))
                .collect(),
            transitions: steps.iter().map(|step| step.to_bytes().unwrap()).collect(),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let generations: Vec<u8> =
            self.generations.iter().flat_map(|(secret, public)| [&secret[..], public].concat()).collect();
        [&self.echo[..], &vector(&generations), &vector(&self.transitions.concat())].concat()
    }
}

/// The new device of these tests, always the same.
fn linking() -> Linking {
    Linking::new(&mut Draws::new(9)).unwrap()
}

/// Its private key: the first that is drawn.
fn private_key() -> P256PrivateKey {
    P256PrivateKey::generate(&mut Draws::new(9)).unwrap()
}

/// Any content as an answer that `signer` signs.
fn answer(content: &[u8], signer: &Identity) -> Vec<u8> {
    let key = private_key();
    let to = [Recipient::bare_p256(key.public_key())];
    let envelope = Envelope::to(&to).signed_by(signer.sender()).without_copy_for_me().padding(Padding::Padme);
    hazmat::seal_as(&envelope, ContentType::DeviceLink, content, &mut Draws::new(3)).unwrap()
}

fn opens(answer: &[u8]) -> Result<Linked, Error> {
    linking().open(answer)
}

fn refused(check: &'static str) -> Option<Error> {
    Some(Error::Link { check })
}

/// A request has 104 bytes, one text, and an answer only once it was confirmed. [LNK-01] [TXT-01] [TXT-02]
#[test]
fn requests_have_one_form() {
    let mut rng = Draws::new(9);
    let request = Linking::new(&mut rng).unwrap().request();
    assert_eq!(rng.lengths(), [32, 32]);
    let bytes = request.to_bytes();
    let by_hand = [b"SLRM\x00\x01\x26", &private_key().public_key().as_bytes()[..], &rng.drawn[1]].concat();
    assert_eq!(bytes.to_vec(), by_hand);
    assert_eq!(LinkRequest::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    assert_eq!(inspect(&bytes), Ok(Info::LinkRequest));

    let text = request.to_string();
    assert_eq!((text.len(), &text[..10]), (149, "slrm-link:"));
    assert_eq!(text.parse::<LinkRequest>().unwrap().to_bytes(), bytes);
    for other in [text.replace("slrm-link:", "slrm-id:"), text.to_uppercase(), format!("{text}A"), format!("{text}=")] {
        assert!(other.parse::<LinkRequest>().is_err());
    }
    for len in 0..bytes.len() {
        assert!(LinkRequest::from_bytes(&bytes[..len]).is_err());
    }
    assert!(LinkRequest::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    for at in 0..72 {
        let mut other = bytes;
        other[at] ^= 1;
        assert!(LinkRequest::from_bytes(&other).is_err(), "{at}");
    }
    let stranger = Linking::new(&mut Draws::new(8)).unwrap().request();
    assert_ne!(stranger.to_bytes(), bytes);
    assert!(Linking::new(&mut Draws::failing(1, 1)).is_err());
}

/// What one device gives, another has: every generation, and nothing of root or words. [LNK-02] [LNK-03] [LNK-04]
#[test]
fn a_new_device_gets_every_generation() {
    let (identities, steps) = chain(ALICE, 2);
    let all: Vec<_> = identities.iter().collect();
    let confirmed = linking().request().confirm();
    let answered = confirmed.answer(&all, &steps, &mut Draws::new(4)).unwrap();
    let Ok(Info::Envelope(info)) = inspect(&answered) else { panic!() };
    assert_eq!((info.content_type, info.p256_entries, info.padded), (ContentType::DeviceLink, 1, true));
    assert_eq!((info.signature, info.public_data), (Some(SignatureAlgorithm::EcdsaP256), &[][..]));

    // Its content is SPEC's, to the byte.
    let locked = Locked::decode(&answered, &Limits::default()).unwrap();
    let key = private_key();
    let unlock = || locked.unlock(&[Reader::bare_p256(&key)], &mut Draws::new(1)).unwrap();
    let (_, content) = hazmat::dek_and_content(unlock(), locked.payload()).unwrap();
    assert_eq!(content, Link::of(&linking(), ALICE, 2).encode());
    // [OBJ-03] it is no message.
    assert_eq!(
        open(&answered, &[Reader::bare_p256(&key)], &mut Draws::new(1)).err(),
        Some(Error::Unsupported { field: "type" })
    );
    assert!(unlock().open(locked.payload()).is_err());

    let linked = opens(&answered).unwrap();
    let code = linked.code();
    assert_eq!(code, LinkCode::of(identities[2].public()));
    let half = SafetyNumber::of(identities[2].public(), person(BOB).public()).to_string();
    assert!(half.starts_with(&format!("{code} ")) || half.ends_with(&format!(" {code}")));
    assert_eq!(code.groups().map(|group| format!("{group:05}")).join(" "), code.to_string());

    let has = linked.confirm();
    assert_eq!(has.current().public(), identities[2].public());
    for (given, had) in has.generations().zip(&identities) {
        assert_eq!(given.public().to_bytes(), had.public().to_bytes());
        assert!(given.keyring_key().unwrap() == had.keyring_key().unwrap());
        let sealed = Envelope::to(&[had.public().recipient()]).seal(b"old", &mut Draws::new(5)).unwrap();
        assert_eq!(open(&sealed, &[given.reader()], &mut Draws::new(6)).unwrap().unverified(), b"old");
        let signed = given.sign(b"", b"content", &mut Draws::new(7)).unwrap();
        assert_eq!(signed.verify(had.public(), b"", b"content"), Ok(()));
    }
    assert_eq!(has.generations().count(), 3);

    // It can link the next device.
    let next = Linking::new(&mut Draws::new(10)).unwrap();
    let all: Vec<_> = has.generations().collect();
    let answered = next.request().confirm().answer(&all, has.transitions(), &mut Draws::new(11)).unwrap();
    assert_eq!(next.open(&answered).unwrap().code(), code);

    let one = confirmed.answer(&[&identities[0]], &[], &mut Draws::new(4)).unwrap();
    assert_eq!(one.len(), 631);
}

/// A writer made after SPEC.md alone, and each byte of what it wrote. [LNK-02]
#[test]
fn an_answer_by_hand_opens_and_no_changed_one() {
    let (key, alice) = (private_key(), person(ALICE));
    let (salt, dek) = ([7; 24], [8; 32]);
    let info = wrap_info(4, 1, &salt, &key.public_key().bare_id());
    let (enc, entry) = wrap_p256(key.public_key(), &info, &dek, [9; 32]);
    let stanzas = group(&enc, &[entry]);
    let hand = Hand { content_type: 4, signature: 1, padding: 1, salt, dek, stanzas, public_data: vec![] };
    let content = Link::of(&linking(), ALICE, 0).encode();
    let mut plain = [&(content.len() as u64).to_be_bytes()[..], &content].concat();
    plain.resize(320, 0);
    let fingerprint = alice.public().fingerprint().as_bytes();
    let [_, signing] = hazmat::identity_keys(&alice).unwrap();
    let signing = P256PrivateKey::from_pkcs8_der(signing.expose()).unwrap();
    let mut signature = [0; 64];
    let digest = hand.signed_digest(&[&plain], fingerprint);
    signing.sign_digest(&digest, &mut signature, &mut Draws::new(1)).unwrap();
    let answered = [hand.seal(&plain), hand.block(&[&fingerprint[..], &signature].concat())].concat();
    assert_eq!(answered.len(), 631);
    assert_eq!(opens(&answered).unwrap().confirm().current().public(), alice.public());

    for at in 0..answered.len() {
        let mut other = answered.clone();
        other[at] ^= 1;
        assert!(opens(&other).is_err(), "{at}");
    }
    for len in 0..answered.len() {
        assert!(opens(&answered[..len]).is_err());
    }
    assert!(opens(&[&answered[..], &[0]].concat()).is_err());
    // Another's key in the name of the last. [LNK-07]
    private_key().sign_digest(&digest, &mut signature, &mut Draws::new(1)).unwrap();
    let forged = [hand.seal(&plain), hand.block(&[&fingerprint[..], &signature].concat())].concat();
    assert_eq!(opens(&forged).err(), refused("LNK-07"));
    // The zeros are the writer's choice.
    plain.resize(321, 0);
    let digest = hand.signed_digest(&[&plain], fingerprint);
    signing.sign_digest(&digest, &mut signature, &mut Draws::new(1)).unwrap();
    assert!(opens(&[hand.seal(&plain), hand.block(&[&fingerprint[..], &signature].concat())].concat()).is_ok());
}

/// Every other form of the envelope is refused before a key is used. [LNK-02]
#[test]
fn other_forms_are_refused() {
    let (alice, key, kek) = (person(ALICE), private_key(), symmetric(1));
    let content = Link::of(&linking(), ALICE, 0).encode();
    let (me, other) = (Recipient::bare_p256(key.public_key()), person(BOB));
    let rsa = Recipient::bare_rsa(rsa_keys()[0].public_key());
    let seal = |envelope: &Envelope<'_>, kind| hazmat::seal_as(envelope, kind, &content, &mut Draws::new(2)).unwrap();
    let good = |to: &[Recipient<'_>], change: &dyn Fn(Envelope<'_>) -> Envelope<'_>| {
        let envelope = Envelope::to(to).signed_by(alice.sender()).without_copy_for_me().padding(Padding::Padme);
        opens(&seal(&change(envelope), ContentType::DeviceLink)).map(|_| ())
    };
    let malformed = |field| Err(Error::Malformed { field });
    assert_eq!(good(&[me], &|envelope| envelope), Ok(()));
    assert_eq!(good(&[me, other.public().recipient()], &|envelope| envelope), malformed("stanzas"));
    assert_eq!(good(&[me], &|envelope| envelope.decoys(1)), malformed("stanzas"));
    assert_eq!(good(&[me, rsa], &|envelope| envelope), malformed("stanzas"));
    assert_eq!(good(&[me, Recipient::symmetric(&kek)], &|envelope| envelope), malformed("stanzas"));
    assert_eq!(good(&[rsa], &|envelope| envelope), malformed("stanzas"));
    assert_eq!(good(&[Recipient::symmetric(&kek)], &|envelope| envelope), malformed("stanzas"));
    assert_eq!(good(&[me], &|envelope| envelope.padding(Padding::None)), malformed("padding"));
    assert_eq!(good(&[me], &|envelope| envelope.public_data(b"x")), malformed("public_data"));
    let unsigned = seal(&Envelope::to(&[me]).padding(Padding::Padme), ContentType::DeviceLink);
    assert_eq!(opens(&unsigned).map(|_| ()), malformed("signature"));
    // The signer's own copy is a second entry: gen(g) would go to a key of generation g. [LNK-05]
    let to = [me];
    let with_copy = Envelope::to(&to).signed_by(alice.sender()).padding(Padding::Padme);
    assert_eq!(opens(&seal(&with_copy, ContentType::DeviceLink)).map(|_| ()), malformed("stanzas"));
    let envelope = Envelope::to(&to).signed_by(alice.sender()).without_copy_for_me().padding(Padding::Padme);
    for kind in [ContentType::Message, ContentType::RoomState, ContentType::HistoryGrant] {
        assert_eq!(opens(&seal(&envelope, kind)).err(), Some(Error::Unsupported { field: "type" }));
    }
    // To another request, or under another id.
    let stranger = Linking::new(&mut Draws::new(8)).unwrap();
    let sealed = seal(&envelope, ContentType::DeviceLink);
    assert_eq!(stranger.open(&sealed).err(), Some(Error::Decrypt));
    // No key of an identity opens an answer. [LNK-05]
    let answered = linking().request().confirm().answer(&[&alice], &[], &mut Draws::new(4)).unwrap();
    let locked = Locked::decode(&answered, &Limits::default()).unwrap();
    assert_eq!(
        locked.unlock(&[alice.reader(), generation(ALICE, 1).reader()], &mut Draws::new(1)).err(),
        Some(Error::Decrypt)
    );
}

/// What was opened is checked: encoding and echo. [LNK-03]
#[test]
fn another_content_or_echo_is_refused() {
    let alice = person(ALICE);
    let link = Link::of(&linking(), ALICE, 0);
    let content = link.encode();
    assert!(opens(&answer(&content, &alice)).is_ok());
    for len in 0..content.len() {
        assert_eq!(opens(&answer(&content[..len], &alice)).err(), refused("LNK-03"), "{len}");
    }
    assert_eq!(opens(&answer(&[&content[..], &[0]].concat(), &alice)).err(), refused("LNK-03"));
    for at in 0..content.len() {
        let mut other = content.clone();
        other[at] ^= 1;
        let error = opens(&answer(&other, &alice)).err();
        assert!(matches!(error, Some(Error::Link { .. })), "{at}");
        assert!(at >= 32 || error == refused("LNK-03"));
    }
    let stranger = Linking::new(&mut Draws::new(8)).unwrap();
    let echo = Link::of(&stranger, ALICE, 0).echo;
    assert_eq!(opens(&answer(&Link { echo, ..link.clone() }.encode(), &alice)).err(), refused("LNK-03"));
    assert_eq!(opens(&answer(&Link { echo: [0; 32], ..link }.encode(), &alice)).err(), refused("LNK-03"));
}

/// More generations than a reader takes are refused before anything is derived. [LIM-13]
#[test]
fn generations_have_a_limit() {
    let alice = person(ALICE);
    let mut link = Link::of(&linking(), ALICE, 0);
    let one = link.generations[0].clone();
    link.generations = vec![one.clone(); 256];
    assert_eq!(opens(&answer(&link.encode(), &alice)).err(), refused("LNK-06"));
    link.generations.push(one);
    assert_eq!(opens(&answer(&link.encode(), &alice)).err(), refused("LNK-03"));
}

/// What was opened is checked: which generations, and how they lead to each other. [LNK-06]
#[test]
fn generations_and_transitions_are_all_there() {
    let last = generation(ALICE, 2);
    let link = Link::of(&linking(), ALICE, 2);
    assert!(opens(&answer(&link.encode(), &last)).is_ok());
    let no = |name: &str, signer: &Identity, change: &dyn Fn(&mut Link)| {
        let mut other = link.clone();
        change(&mut other);
        assert_eq!(opens(&answer(&other.encode(), signer)).err(), refused("LNK-06"), "{name}");
    };
    let bobs = Link::of(&linking(), BOB, 2);
    no("none", &last, &|link| (link.generations, link.transitions) = (vec![], vec![]));
    no("the last alone", &last, &|link| {
        link.generations.drain(..2);
        link.transitions.clear();
    });
    no("without the first", &last, &|link| {
        link.generations.remove(0);
        link.transitions.remove(0);
    });
    no("a gap", &last, &|link| {
        link.generations.remove(1);
        link.transitions.remove(1);
    });
    no("a gap", &last, &|link| drop(link.generations.remove(1)));
    no("twice", &last, &|link| link.generations[1] = link.generations[0].clone());
    no("another order", &person(ALICE), &|link| link.generations.reverse());
    no("a transition less", &last, &|link| drop(link.transitions.pop()));
    no("no transitions", &last, &|link| link.transitions.clear());
    no("a transition more", &last, &|link| link.transitions.push(step(ALICE, 2).to_bytes().unwrap()));
    no("transitions in another order", &last, &|link| link.transitions.reverse());
    no("another's transition", &last, &|link| link.transitions[0] = bobs.transitions[0].clone());
    no("another's past", &last, &|link| link.generations[0] = bobs.generations[0].clone());
    no("another's last", &generation(BOB, 2), &|link| link.generations[2] = bobs.generations[2].clone());
    no("another's last, led to", &generation(BOB, 2), &|link| {
        link.generations[2] = bobs.generations[2].clone();
        link.transitions[1] = bobs.transitions[1].clone();
    });
    // [TRN-01] each signature of a transition.
    for back in [1, 65] {
        no("signature", &last, &|link| {
            let at = link.transitions[1].len() - back;
            link.transitions[1][at] ^= 1;
        });
    }

    // The device that answers refuses what would be refused.
    let (identities, steps) = chain(ALICE, 2);
    let [one, two, three] = [&identities[0], &identities[1], &identities[2]];
    let confirmed = linking().request().confirm();
    let lists: [(&[&Identity], &[Transition]); 7] = [
        (&[], &[]),
        (&[two], &[]),
        (&[one, two], &[]),
        (&[one], &steps[..1]),
        (&[one, three], &steps[..1]),
        (&[one, two, three], &steps[..1]),
        (&[three, two, one], &steps),
    ];
    for (generations, transitions) in lists {
        let error = confirmed.answer(generations, transitions, &mut Draws::new(1)).err();
        assert!(matches!(error, Some(Error::Argument { .. })));
    }
    let error = confirmed.answer(&[one], &[], &mut Draws::failing(1, 2)).err();
    assert_eq!(error, Some(Error::Generator));
}

/// The signature is the last identity's. [LNK-07]
#[test]
fn another_signer_is_refused() {
    let content = Link::of(&linking(), ALICE, 1).encode();
    assert!(opens(&answer(&content, &generation(ALICE, 1))).is_ok());
    for signer in [person(ALICE), generation(ALICE, 2), person(BOB)] {
        assert_eq!(opens(&answer(&content, &signer)).err(), refused("LNK-07"));
    }
}

/// A public identity is that of its secret; what no secret tells, the code does. [LNK-08] [LNK-04]
#[test]
fn a_foreign_identity_is_refused() {
    let alice = person(ALICE);
    let link = Link::of(&linking(), ALICE, 0);
    let with = |secret: [u8; 32]| Link { generations: vec![(secret, link.generations[0].1.clone())], ..link.clone() };
    for other in [secret(BOB, 0), secret(ALICE, 1), [0; 32]] {
        assert_eq!(opens(&answer(&with(other).encode(), &alice)).err(), refused("LNK-08"));
    }
    // An earlier generation's too.
    let mut earlier = Link::of(&linking(), ALICE, 1);
    earlier.generations[0].0[31] ^= 1;
    assert_eq!(opens(&answer(&earlier.encode(), &generation(ALICE, 1))).err(), refused("LNK-08"));

    // One key of two is the secret's; and keys of 2048 bits are no secret's.
    let [encryption, signing] =
        hazmat::identity_keys(&alice).unwrap().map(|key| P256PrivateKey::from_pkcs8_der(key.expose()).unwrap());
    let outsider = outsider(50);
    let identity = |encryption: &P256PrivateKey, signing: &P256PrivateKey| {
        let (one, two) = (encryption.public_key().clone(), signing.public_key().clone());
        let unsigned = UnsignedIdentity::p256(0, one, two, outsider.rotation.public_key()).unwrap();
        unsigned.sign(signing, &mut Draws::new(1)).unwrap()
    };
    let small = rsa_2048();
    let other = RsaPrivateKey::from_pkcs8_der(&hazmat::det_keygen_rsa_pkcs8(&[4; 32], 2048).unwrap()).unwrap();
    let (one, two) = (other.public_key().clone(), small.public_key().clone());
    let rsa = UnsignedIdentity::rsa(0, one, two, outsider.rotation.public_key()).unwrap();
    let rsa = rsa.sign(small, &mut Draws::new(1)).unwrap();
    let key = private_key();
    let to = [Recipient::bare_p256(key.public_key())];
    let of = |public: &PublicIdentity, signing: &dyn Sign| {
        let content = Link { generations: vec![(secret(ALICE, 0), public.to_bytes())], ..link.clone() }.encode();
        let envelope = Envelope::to(&to).signed_by(Sender::new(public, signing));
        let envelope = envelope.without_copy_for_me().padding(Padding::Padme);
        opens(&hazmat::seal_as(&envelope, ContentType::DeviceLink, &content, &mut Draws::new(1)).unwrap())
    };
    assert_eq!(of(&identity(&outsider.encryption, &signing), &signing).err(), refused("LNK-08"));
    let public = identity(&encryption, &outsider.signing);
    assert_eq!(of(&public, &outsider.signing).err(), refused("LNK-08"));
    assert_eq!(of(&identity(&signing, &encryption), &encryption).err(), refused("LNK-08"));
    assert_eq!(of(&rsa, small).err(), refused("LNK-08"));

    // Another `next`, or somebody else's words: every check holds, and the code is another.
    let public = identity(&encryption, &signing);
    let linked = of(&public, &signing).unwrap();
    assert_eq!(linked.code(), LinkCode::of(&public));
    assert_ne!(linked.code(), LinkCode::of(alice.public()));
    let bobs = Link { echo: link.echo, ..Link::of(&linking(), BOB, 0) };
    let linked = opens(&answer(&bobs.encode(), &person(BOB))).unwrap();
    assert_ne!(linked.code(), LinkCode::of(alice.public()));
}

/// A linked device has no words, so it stores what it adopted. [LNK-09]
#[test]
fn what_was_linked_is_stored() {
    let (identities, steps) = chain(ALICE, 1);
    let all: Vec<_> = identities.iter().collect();
    let answered = linking().request().confirm().answer(&all, &steps, &mut Draws::new(4)).unwrap();
    let linked = opens(&answered).unwrap().confirm();
    let key = symmetric(5);
    let stored = linked.save(&key, &mut Draws::new(1)).unwrap();
    let loaded = LinkedIdentity::load(&stored, &key).unwrap();
    assert_eq!(loaded.current().public(), identities[1].public());
    assert_eq!((loaded.generations().count(), loaded.transitions().len()), (2, 1));
    assert_eq!(LinkedIdentity::load(&stored, &symmetric(6)).err(), Some(Error::Decrypt));
    for at in 0..stored.len() {
        let mut other = stored.clone();
        other[at] ^= 1;
        assert!(LinkedIdentity::load(&other, &key).is_err(), "{at}");
    }

    let link = Link { echo: [0; 32], ..Link::of(&linking(), ALICE, 1) };
    let locked = Locked::decode(&stored, &Limits::default()).unwrap();
    let unlocked = locked.unlock(&[Reader::symmetric(&key)], &mut Draws::new(1)).unwrap();
    assert_eq!(hazmat::dek_and_content(unlocked, locked.payload()).unwrap().1, link.encode());
    let (to, two) = ([Recipient::symmetric(&key)], [Recipient::symmetric(&key), identities[0].public().recipient()]);
    let padded = Envelope::to(&to).padding(Padding::Padme);
    let load = |envelope: &Envelope<'_>, link: &Link| {
        let sealed = hazmat::seal_as(envelope, ContentType::DeviceLink, &link.encode(), &mut Draws::new(1)).unwrap();
        LinkedIdentity::load(&sealed, &key).map(|_| ())
    };
    let malformed = |field| Err(Error::Malformed { field });
    assert_eq!(load(&padded, &link), Ok(()));
    assert_eq!(load(&Envelope::to(&to), &link), malformed("padding"));
    assert_eq!(load(&padded.public_data(b"x"), &link), malformed("public_data"));
    assert_eq!(load(&Envelope::to(&two).padding(Padding::Padme), &link), malformed("stanzas"));
    let signed = Envelope::to(&to).padding(Padding::Padme).signed_by(identities[1].sender()).without_copy_for_me();
    assert_eq!(load(&signed, &link), malformed("signature"));
    let padded = Envelope::to(&to).padding(Padding::Padme);
    let other = |change: &dyn Fn(&mut Link)| {
        let mut link = link.clone();
        change(&mut link);
        load(&padded, &link).err()
    };
    assert_eq!(other(&|link| link.echo[0] = 1), refused("LNK-03"));
    assert_eq!(other(&|link| link.transitions.clear()), refused("LNK-06"));
    assert_eq!(other(&|link| link.generations[1].0[0] ^= 1), refused("LNK-08"));
    // Neither is the other.
    assert_eq!(LinkedIdentity::load(&answered, &key).err(), Some(Error::Malformed { field: "signature" }));
    assert_eq!(opens(&stored).err(), Some(Error::Malformed { field: "signature" }));
}

/// RSA keys are derived again, with progress, and the work can be given up. [LNK-08] [ERR-02]
#[test]
fn rsa_identities_are_linked() {
    let rita = rsa_person();
    let linking = linking();
    let answered = linking.request().confirm().answer(&[rita], &[], &mut Draws::new(1)).unwrap();
    let mut told = 0;
    let linked = linking.open_watched(&answered, &mut |_| {
        told += 1;
        ControlFlow::Continue(())
    });
    let linked = linked.unwrap();
    assert!(told > 0);
    assert_eq!(linked.code(), LinkCode::of(rita.public()));
    let linked = linked.confirm();
    assert_eq!(linked.current().public().to_bytes(), rita.public().to_bytes());
    let sealed = Envelope::to(&[rita.public().recipient()]).seal(b"old", &mut Draws::new(5)).unwrap();
    assert_eq!(open(&sealed, &[linked.current().reader()], &mut Draws::new(6)).unwrap().unverified(), b"old");
    let given_up = linking.open_watched(&answered, &mut |_| ControlFlow::Break(()));
    assert_eq!(given_up.err(), Some(Error::GivenUp));
    let stored = linked.save(&symmetric(1), &mut Draws::new(1)).unwrap();
    let given_up = LinkedIdentity::load_watched(&stored, &symmetric(1), &mut |_| ControlFlow::Break(()));
    assert_eq!(given_up.err(), Some(Error::GivenUp));

    // Whose signature is wrong makes nobody derive keys.
    let mut link = Link::of(&linking, ALICE, 0);
    link.generations = vec![([1; 32], rita.public().to_bytes())];
    let unwatched = linking.open_watched(&answer(&link.encode(), &person(ALICE)), &mut |_| panic!());
    assert_eq!(unwatched.err(), refused("LNK-07"));
}

/// 256 generations are handed over, and not one more. [LIM-13]
#[test]
fn generations_are_counted() {
    let (rng, root) = (&mut SystemRng, Root::from_bip39_seed(&[77; 64]));
    let generations: Vec<_> = (0..257).map(|n| root.identity(Profile::P256, n, rng).unwrap()).collect();
    let transitions: Vec<_> = generations.windows(2).map(|two| root.succeed(&two[0], &two[1], rng).unwrap()).collect();
    let answer = |count: usize| {
        let linking = Linking::new(&mut SystemRng).unwrap();
        let generations: Vec<_> = generations[..count].iter().collect();
        let answered = linking.request().confirm().answer(&generations, &transitions[..count - 1], &mut SystemRng)?;
        Ok(linking.open(&answered).unwrap().confirm().generations().count())
    };
    assert_eq!(answer(256), Ok(256));
    assert_eq!(answer(257), Err(Error::Limit { limit: "generations" }));
}
