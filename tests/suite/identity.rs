//! Identities and what is made of them: words, generations, transitions, safety numbers, texts, and keys that are held
//! elsewhere. SPEC §11, §12, §14, §17.

use crate::common::hand::{derive, sha256, sign_input};
use crate::common::*;
use sealroom::*;
use std::ops::ControlFlow;
use std::sync::{Mutex, mpsc};

const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                     abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art";

/// The same words give the same identity for ever: these fingerprints never change. [ID-03] [ID-04] [ID-05] [DET-02]
#[test]
fn the_same_words_give_the_same_identity() {
    let root = Mnemonic::parse(WORDS).unwrap().root();
    for (profile, fingerprint) in [
        (Profile::P256, "slrm-fp:MhHCtgE6wT3EyNuvlo6wFUG2Fn-WlyP1CId7wDzEGR4"),
        (Profile::Rsa3072, "slrm-fp:jLgK2TjY5zm_hA8B3EqyFcy8Uc5M_vU73WtvgrF-7Lk"),
    ] {
        let [one, other] = [1, 2].map(|seed| root.identity(profile, 0, &mut Draws::new(seed)).unwrap());
        assert_eq!(one.public().fingerprint().to_string(), fingerprint);
        // The signature of an RSA profile is random, the body is not.
        let [one, other] = [one, other].map(|identity| identity.public().to_bytes());
        let signature_len = if profile == Profile::P256 { 64 } else { 384 };
        let body = one.len() - signature_len;
        assert_eq!(one[..body], other[..body]);
        assert_eq!(one == other, profile == Profile::P256);
        assert_eq!(
            sha256(&sign_input("fingerprint", &one[..body])),
            *PublicIdentity::from_bytes(&one).unwrap().fingerprint().as_bytes()
        );
    }
    let passphrase = Mnemonic::parse(WORDS).unwrap().root_with_passphrase("x");
    let other = passphrase.identity(Profile::P256, 0, &mut Draws::new(1)).unwrap();
    assert_ne!(
        other.public().fingerprint(),
        root.identity(Profile::P256, 0, &mut Draws::new(1)).unwrap().public().fingerprint()
    );
}

/// [ID-01] [ID-02]
#[test]
fn words() {
    let malformed = Error::Malformed { field: "mnemonic" };
    let words: Vec<_> = WORDS.split(' ').collect();
    for count in 0..30 {
        // With a right checksum only by chance: never for another number of words.
        let text = vec!["abandon"; count].join(" ");
        assert_eq!(Mnemonic::parse(&text).unwrap_err(), malformed, "{count}");
    }
    for (count, last) in [(12, "about"), (15, "address"), (18, "agent"), (21, "admit"), (24, "art")] {
        let text = [vec!["abandon"; count - 1], vec![last]].concat().join(" ");
        assert_eq!(Mnemonic::parse(&text).unwrap().words().count(), count);
        assert_eq!(Mnemonic::parse_in(Language::English, &text).unwrap().words().collect::<Vec<_>>().join(" "), text);
        assert_eq!(Mnemonic::parse_in(Language::French, &text).unwrap_err(), malformed);
        // The checksum, an unknown word, one word less or more, two in another order.
        for wrong in ["abandon", "zoo", "abandonn", "Bob", ""] {
            let text = [vec!["abandon"; count - 1], vec![wrong]].concat().join(" ");
            assert_eq!(Mnemonic::parse(&text).unwrap_err(), malformed, "{text}");
        }
        assert_eq!(Mnemonic::parse(&text[8..]).unwrap_err(), malformed);
        assert_eq!(Mnemonic::parse(&[&text, " abandon"].concat()).unwrap_err(), malformed);
    }
    let mut swapped = words.clone();
    swapped.swap(22, 23);
    assert_eq!(Mnemonic::parse(&swapped.join(" ")).unwrap_err(), malformed);
    // White space is not content.
    assert!(Mnemonic::parse(&[" ", &words.join(" \n\t "), "\n"].concat()).is_ok());

    // BIP-39's own vector.
    let seed = Mnemonic::parse(&[&"abandon ".repeat(11), "about"].concat()).unwrap().to_bip39_seed("TREZOR");
    assert_eq!(
        hex(&seed),
        "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b\
         2f001698e7463b04"
    );
    // NFKD: one passphrase, however its accents were typed.
    let mnemonic = Mnemonic::parse(WORDS).unwrap();
    assert_eq!(mnemonic.to_bip39_seed("caf\u{e9}"), mnemonic.to_bip39_seed("cafe\u{301}"));
    assert_ne!(mnemonic.to_bip39_seed("cafe"), mnemonic.to_bip39_seed("cafe\u{301}"));

    let mut rng = Draws::new(1);
    let counts =
        [WordCount::Twelve, WordCount::Fifteen, WordCount::Eighteen, WordCount::TwentyOne, WordCount::TwentyFour];
    for (count, (expected, entropy)) in counts.into_iter().zip([(12, 16), (15, 20), (18, 24), (21, 28), (24, 32)]) {
        for language in [Language::English, Language::Japanese, Language::Spanish, Language::Korean] {
            let made = Mnemonic::generate_in(count, language, &mut rng).unwrap();
            assert_eq!(made.words().count(), expected);
            assert_eq!(rng.drawn.pop().unwrap().len(), entropy);
            let text = made.words().collect::<Vec<_>>().join(" ");
            let read = Mnemonic::parse_in(language, &text).unwrap();
            assert_eq!(read.to_bip39_seed(""), made.to_bip39_seed(""));
        }
    }
    assert_eq!(Mnemonic::generate(&mut rng).unwrap().words().count(), 24);
}

/// [ID-03] [ID-04] [ID-05]
#[test]
fn generations_differ() {
    let identities: Vec<_> = (0..4).map(|g| generation(5, g)).chain([generation(6, 0)]).collect();
    for (number, one) in identities.iter().enumerate() {
        for other in &identities[..number] {
            let (one, other) = (one.public().to_bytes(), other.public().to_bytes());
            for field in [12..77, 77..142, 142..174] {
                assert_ne!(one[field.clone()], other[field]);
            }
        }
        let (key, again) = (one.keyring_key().unwrap(), one.keyring_key().unwrap());
        assert_eq!(key, again);
        assert!(identities[..number].iter().all(|other| other.keyring_key().unwrap() != key));
    }
    let root = Root::from_bip39_seed(&[5; 64]);
    let last = root.identity(Profile::P256, u32::MAX, &mut Draws::new(1));
    assert!(matches!(last, Err(Error::Argument { .. })));
    let before = root.identity(Profile::P256, u32::MAX - 1, &mut Draws::new(1)).unwrap();
    assert_eq!(before.public().generation(), u32::MAX - 1);
    // The derivation, by other code. [LAB-01] [LAB-03]
    let (root, _) = hkdf::Hkdf::<sha2::Sha256>::extract(Some(b"sealroom/1 identity"), &[5; 64]);
    let root: [u8; 32] = root.into();
    let secret: [u8; 32] = derive(&root, "generation", &2_u32.to_be_bytes(), 32).try_into().unwrap();
    assert_eq!(identities[2].keyring_key().unwrap().expose()[..], derive(&secret, "keyring", b"", 32));
    let seed = derive(&secret, "p256 signing", b"", 32);
    let key = P256PrivateKey::from_pkcs8_der(&hazmat::det_keygen_p256_pkcs8(&seed).unwrap()).unwrap();
    assert_eq!(identities[2].public().to_bytes()[77..142], key.public_key().as_bytes()[..]);
    let encryption = derive(&secret, "p256 encryption", b"", 32);
    let (_, key) = <hpke::kem::DhP256HkdfSha256 as hpke::Kem>::derive_keypair(&encryption);
    assert_eq!(identities[2].public().to_bytes()[12..77], hpke::Serializable::to_bytes(&key)[..]);
    // `next` names the rotation key of the generation after, which comes from the root. [ID-07]
    let seed = derive(&root, "rotation", &2_u32.to_be_bytes(), 32);
    let rotation = P256PrivateKey::from_pkcs8_der(&hazmat::det_keygen_p256_pkcs8(&seed).unwrap()).unwrap();
    let next = sha256(&sign_input("rotation key", rotation.public_key().as_bytes()));
    assert_eq!(identities[1].public().to_bytes()[142..174], next);
    // Old and new keys both open what was sealed to them, and not what was sealed to the other.
    let mut rng = Draws::new(1);
    let sealed = Envelope::to(&[identities[0].public().recipient()]).seal(b"old", &mut rng).unwrap();
    assert_eq!(open(&sealed, &[identities[1].reader()], &mut rng).unwrap_err(), Error::Decrypt);
    assert!(open(&sealed, &[identities[1].reader(), identities[0].reader()], &mut rng).is_ok());
}

/// [ID-06]
#[test]
fn what_is_no_identity() {
    let good = person(1).public().to_bytes();
    let with = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        edit(&mut bytes);
        PublicIdentity::from_bytes(&bytes).unwrap_err()
    };
    for profile in (0..=255).filter(|profile| !(1..=4).contains(profile)) {
        assert_eq!(with(&|bytes| bytes[7] = profile), Error::Unsupported { field: "profile" });
    }
    assert!(is_structural(with(&|bytes| bytes[7] = 2)));
    assert!(is_structural(with(&|bytes| bytes[7] = 3)));
    assert!(is_structural(with(&|bytes| bytes[7] = 4)));
    // Generation, next, signature: the signature does not verify.
    for place in (8..12).chain(142..238) {
        assert_eq!(with(&|bytes| bytes[place] ^= 1), Error::Signature);
    }
    let same = with(&|bytes| bytes.copy_within(12..77, 77));
    assert_eq!(same, Error::Malformed { field: "signing_key" });
    // Two keys exchanged: signed by another key than it says.
    let swapped = with(&|bytes| {
        let signing = bytes[77..142].to_vec();
        bytes.copy_within(12..77, 77);
        bytes[12..77].copy_from_slice(&signing);
    });
    assert_eq!(swapped, Error::Signature);
    // [SUITE-05] moduli of another size, or even.
    let rsa = rsa_person().public().to_bytes();
    assert_eq!(rsa.len(), 1196);
    for (place, mask, field) in [
        (12, 0x80, "encryption_key"),
        (12 + 383, 1, "encryption_key"),
        (12 + 384, 0x80, "signing_key"),
        (12 + 767, 1, "signing_key"),
    ] {
        let mut changed = rsa.clone();
        changed[place] ^= mask;
        assert_eq!(PublicIdentity::from_bytes(&changed), Err(Error::Malformed { field }));
    }
    for place in (12..rsa.len()).step_by(53) {
        let mut changed = rsa.clone();
        changed[place] ^= 2;
        assert_eq!(PublicIdentity::from_bytes(&changed), Err(Error::Signature), "{place}");
    }
    let mut same = rsa.clone();
    same.copy_within(12..12 + 384, 12 + 384);
    assert_eq!(PublicIdentity::from_bytes(&same), Err(Error::Malformed { field: "signing_key" }));
}

/// Identities of keys that do not come from words. [ID-06] [SUITE-04]
#[test]
fn identities_of_external_keys() {
    let mut rng = Draws::new(1);
    let outsider = outsider(1);
    let key = |key: &P256PrivateKey| key.public_key().clone();
    let (encryption, signing, rotation) =
        (key(&outsider.encryption), key(&outsider.signing), outsider.rotation.public_key());
    let unsigned = || UnsignedIdentity::p256(7, encryption.clone(), signing.clone(), rotation).unwrap();
    let public = unsigned().sign(&outsider.signing, &mut rng).unwrap();
    assert_eq!((public.generation(), public.profile()), (7, Profile::P256));
    assert_eq!(PublicIdentity::from_bytes(&public.to_bytes()).unwrap(), public);
    assert_eq!(unsigned().digest(), sha256(&sign_input("identity signature", &public.to_bytes()[..174])));
    // By another key, or with something that is no signature.
    assert_eq!(unsigned().sign(&outsider.encryption, &mut rng), Err(Error::Key));
    let mut signature = public.to_bytes()[174..].to_vec();
    assert_eq!(unsigned().complete(&signature), Ok(public.clone()));
    assert_eq!(unsigned().complete(&signature[1..]), Err(Error::Key));
    assert_eq!(unsigned().complete(&[&signature[..], &[0]].concat()), Err(Error::Key));
    assert_eq!(unsigned().complete(&[0; 64]), Err(Error::Key));
    // A key service may answer with the upper half of s: it is brought down, and nothing else is.
    negate(&mut signature);
    let normalised = unsigned().complete(&signature).unwrap();
    assert_eq!(normalised.to_bytes(), public.to_bytes());
    let raw = [&public.to_bytes()[..174], &signature].concat();
    assert_eq!(PublicIdentity::from_bytes(&raw), Err(Error::Signature));
    assert!(matches!(
        UnsignedIdentity::p256(0, signing.clone(), signing.clone(), rotation),
        Err(Error::Argument { .. })
    ));

    let [one, two, large, larger] = rsa_keys() else { panic!() };
    let rsa = |one: &RsaPrivateKey, two: &RsaPrivateKey| {
        UnsignedIdentity::rsa(0, one.public_key().clone(), two.public_key().clone(), rotation)
    };
    for (encryption, signing, profile, len) in
        [(one, two, Profile::Rsa3072, 1196), (large, larger, Profile::Rsa4096, 1580)]
    {
        let public = rsa(encryption, signing).unwrap().sign(signing, &mut rng).unwrap();
        assert_eq!((public.profile(), public.to_bytes().len()), (profile, len));
        assert_eq!(PublicIdentity::from_bytes(&public.to_bytes()).unwrap(), public);
        assert_eq!(rsa(encryption, signing).unwrap().sign(encryption, &mut rng), Err(Error::Key));
        assert_eq!(public.to_string().parse::<PublicIdentity>().unwrap().to_bytes(), public.to_bytes());
    }
    for (one, two) in [(one, one), (one, large), (large, one), (rsa_2048(), one), (rsa_2048(), rsa_2048())] {
        assert!(matches!(rsa(one, two), Err(Error::Argument { .. })));
    }
}

/// s becomes n - s. SPEC §5 [SUITE-04]
fn negate(signature: &mut [u8]) {
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let mut borrow = 0;
    for place in (0..32).rev() {
        let digit = i32::from_str_radix(&order[2 * place..2 * place + 2], 16).unwrap();
        let difference = digit - i32::from(signature[32 + place]) - borrow;
        borrow = i32::from(difference < 0);
        signature[32 + place] = difference.rem_euclid(256) as u8;
    }
}

/// A transition by hand, after SPEC §12.1.
struct Step<'k> {
    old: [u8; 32],
    algorithm: u8,
    new: Vec<u8>,
    rotation_key: [u8; 65],
    signing: &'k P256PrivateKey,
    rotation: &'k P256PrivateKey,
    labels: [&'static str; 2],
}

impl Step<'_> {
    fn bytes(&self) -> Vec<u8> {
        let body = [b"SLRM\x00\x01\x21", &self.old[..], &[self.algorithm], &self.new, &self.rotation_key].concat();
        let sign = |key: &P256PrivateKey, label| {
            let mut signature = [0; 64];
            key.sign_digest(&sha256(&sign_input(label, &body)), &mut signature, &mut Draws::new(1)).unwrap();
            signature
        };
        [&body[..], &sign(self.signing, self.labels[0]), &sign(self.rotation, self.labels[1])].concat()
    }
}

/// Each check of a transition, broken alone, and a signature under another purpose's label.
/// [TRN-01] [TRN-02] [LAB-02] [LAB-04]
#[test]
fn transitions_are_checked() {
    let (old, new, thief) = (outsider(10), outsider(11), outsider(12));
    let at = |who: &Outsider, generation| {
        let key = |key: &P256PrivateKey| key.public_key().clone();
        let unsigned =
            UnsignedIdentity::p256(generation, key(&who.encryption), key(&who.signing), who.rotation.public_key());
        unsigned.unwrap().sign(&who.signing, &mut Draws::new(1)).unwrap()
    };
    let right = || Step {
        old: *old.public.fingerprint().as_bytes(),
        algorithm: 1,
        new: at(&new, 1).to_bytes(),
        rotation_key: *old.rotation.public_key().as_bytes(),
        signing: &old.signing,
        rotation: &old.rotation,
        labels: ["transition", "transition rotation"],
    };
    let follow = |step: Step<'_>| old.public.follow(&Transition::from_bytes(&step.bytes())?);
    assert_eq!(follow(right()), Ok(at(&new, 1)));
    let made = UnsignedTransition::new(&old.public, &at(&new, 1), old.rotation.public_key()).unwrap();
    let made = made.sign(&old.signing, &old.rotation, &mut Draws::new(1)).unwrap();
    assert_eq!(made.to_bytes().unwrap(), right().bytes());
    assert_eq!(made.old_fingerprint(), old.public.fingerprint());

    let refused = Err(Error::Signature);
    assert_eq!(follow(Step { old: *thief.public.fingerprint().as_bytes(), ..right() }), refused);
    assert_eq!(thief.public.follow(&made), refused);
    for generation in [0, 2, 3, u32::MAX] {
        assert_eq!(follow(Step { new: at(&new, generation).to_bytes(), ..right() }), refused);
    }
    // A rotation key that the old identity does not name, with its own right signature; the named one, not signing.
    let rotation_key = *thief.rotation.public_key().as_bytes();
    assert_eq!(follow(Step { rotation_key, rotation: &thief.rotation, ..right() }), refused);
    assert_eq!(follow(Step { rotation: &thief.rotation, ..right() }), refused);
    assert_eq!(follow(Step { rotation: &old.signing, ..right() }), refused);
    // What a thief of the old generation can do: all but the rotation key's part. And of the rotation key: that alone.
    assert_eq!(follow(Step { signing: &thief.signing, ..right() }), refused);
    assert_eq!(follow(Step { signing: &new.signing, ..right() }), refused);
    assert_eq!(follow(Step { signing: &old.rotation, ..right() }), refused);
    // Each signature under the other's label.
    assert_eq!(follow(Step { labels: ["transition rotation", "transition"], ..right() }), refused);
    assert_eq!(follow(Step { labels: ["transition", "transition"], ..right() }), refused);
    assert_eq!(follow(Step { labels: ["transition rotation", "transition rotation"], ..right() }), refused);
    // A new identity that is none.
    let mut unsigned = at(&new, 1).to_bytes();
    *unsigned.last_mut().unwrap() ^= 1;
    assert_eq!(follow(Step { new: unsigned, ..right() }), refused);
    assert_eq!(follow(Step { rotation_key: [4; 65], ..right() }), Err(Error::Malformed { field: "rotation_key" }));
    // Signatures with s in its upper half. [SUITE-04]
    let bytes = right().bytes();
    for end in [bytes.len() - 64, bytes.len()] {
        let mut bytes = bytes.clone();
        negate(&mut bytes[end - 64..end]);
        let decoded = Transition::from_bytes(&bytes).unwrap();
        assert_eq!(old.public.follow(&decoded), refused);
    }
    // Another algorithm, with a signature as long as that one's.
    assert_eq!(follow(Step { algorithm: 0, ..right() }), Err(Error::Malformed { field: "algorithm" }));
    assert_eq!(follow(Step { algorithm: 5, ..right() }), Err(Error::Unsupported { field: "signature" }));
    for (algorithm, len) in [(2, 256), (3, 384), (4, 512)] {
        let mut bytes = Step { algorithm, ..right() }.bytes();
        let at = bytes.len() - 128;
        bytes.splice(at..at, vec![1; len - 64]);
        assert_eq!(old.public.follow(&Transition::from_bytes(&bytes).unwrap()), refused);
    }
    // What the writer refuses, and what it verifies that comes from elsewhere.
    let next = at(&new, 1);
    let rotation_key = old.rotation.public_key();
    assert!(matches!(UnsignedTransition::new(&old.public, &at(&new, 2), rotation_key), Err(Error::Argument { .. })));
    let other_key = new.rotation.public_key();
    assert!(matches!(UnsignedTransition::new(&old.public, &next, other_key), Err(Error::Argument { .. })));
    let unsigned = || UnsignedTransition::new(&old.public, &next, rotation_key).unwrap();
    let mut rng = Draws::new(1);
    assert_eq!(unsigned().sign(&new.signing, &old.rotation, &mut rng).unwrap_err(), Error::Key);
    assert_eq!(unsigned().sign(&old.signing, &new.rotation, &mut rng).unwrap_err(), Error::Key);
    assert_eq!(unsigned().sign(&old.rotation, &old.signing, &mut rng).unwrap_err(), Error::Key);
    let digests = unsigned().digests().unwrap();
    let [mut one, mut two] = [[0; 64]; 2];
    old.signing.sign_digest(&digests[0], &mut one, &mut rng).unwrap();
    old.rotation.sign_digest(&digests[1], &mut two, &mut rng).unwrap();
    for wrong in [&[][..], &[1; 63], &[1; 64], &[0; 64], &[1; 384]] {
        assert_eq!(unsigned().complete(wrong, &two).unwrap_err(), Error::Key);
        assert_eq!(unsigned().complete(&one, wrong).unwrap_err(), Error::Key);
    }
    assert_eq!(unsigned().complete(&two, &one).unwrap_err(), Error::Key);
    for _ in 0..2 {
        assert_eq!(unsigned().complete(&one, &two).unwrap().to_bytes().unwrap(), bytes);
        negate(&mut one);
        negate(&mut two);
    }
    negate(&mut one);
    assert_eq!(unsigned().complete(&one, &two).unwrap().to_bytes().unwrap(), bytes);
}

/// Generations follow each other one by one; what was followed is not followed again. [TRN-01] [TRN-02]
#[test]
fn generations_are_followed_in_order() {
    let mut rng = Draws::new(1);
    let [zero, one, two] = [0, 1, 2].map(|g| generation(20, g));
    let words = Root::from_bip39_seed(&[20; 64]);
    let first = words.succeed(&zero, &one, &mut rng).unwrap();
    let second = words.succeed(&one, &two, &mut rng).unwrap();
    let refused = Err(Error::Signature);
    let pinned = zero.public().follow(&first).unwrap();
    assert_eq!(&pinned, one.public());
    // Rolled back, repeated, skipped.
    assert_eq!(pinned.follow(&first), refused);
    assert_eq!(zero.public().follow(&second), refused);
    let pinned = pinned.follow(&second).unwrap();
    assert_eq!(&pinned, two.public());
    for transition in [&first, &second] {
        assert_eq!(pinned.follow(transition), refused);
    }
    // The profile may change on the way, in both directions; another person's generation is none of one's own.
    let root = Root::from_bip39_seed(&[7; 64]);
    let (before, rsa) = (rsa_person(), root.identity(Profile::P256, 1, &mut rng).unwrap());
    let step = root.succeed(before, &rsa, &mut rng).unwrap();
    let step = Transition::from_bytes(&step.to_bytes().unwrap()).unwrap();
    assert_eq!(&before.public().follow(&step).unwrap(), rsa.public());
    let mut bytes = step.to_bytes().unwrap();
    let at = bytes.len() - 64 - 200;
    bytes[at] ^= 1;
    assert_eq!(before.public().follow(&Transition::from_bytes(&bytes).unwrap()), refused);
    assert!(matches!(words.succeed(&generation(21, 0), &one, &mut rng), Err(Error::Argument { .. })));
    assert!(matches!(words.succeed(&zero, &two, &mut rng), Err(Error::Argument { .. })));
    assert!(matches!(words.succeed(&one, &zero, &mut rng), Err(Error::Argument { .. })));
}

/// [SAF-01] [SAF-02]
#[test]
fn safety_numbers() {
    let people: Vec<_> = (1..6).map(person).collect();
    for one in &people {
        for other in &people {
            let number = SafetyNumber::of(one.public(), other.public());
            assert_eq!(number, SafetyNumber::of(other.public(), one.public()));
            let text = number.to_string();
            assert_eq!(text, SafetyNumber::of(other.public(), one.public()).to_string());
            let groups: Vec<_> = text.split(' ').collect();
            assert_eq!(groups.len(), 12);
            assert!(groups.iter().all(|group| group.len() == 5 && group.bytes().all(|byte| byte.is_ascii_digit())));
            assert_eq!(groups.iter().map(|group| group.parse().unwrap()).collect::<Vec<u32>>(), number.groups());
            // By SPEC §12.2.
            let half = |who: &Identity| -> Vec<String> {
                let bytes = who.public().fingerprint().as_bytes();
                let piece =
                    |i: usize| bytes[5 * i..5 * i + 5].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
                (0..6).map(|i| format!("{:05}", piece(i) % 100_000)).collect()
            };
            let mut halves = [half(one), half(other)];
            halves.sort();
            assert_eq!(groups, halves.concat());

            let qr = number.qr().to_string();
            assert_eq!(qr, SafetyNumber::of(other.public(), one.public()).qr().to_string());
            assert!(number.matches(&qr));
            let mut fingerprints = [one, other].map(|who| *who.public().fingerprint().as_bytes());
            fingerprints.sort();
            assert_eq!(qr, ["slrm-sn:", &base64url(&fingerprints.concat())].concat());
            // The wrong order, other prefixes, and everything that is no such text. [TXT-02]
            fingerprints.reverse();
            let reversed = ["slrm-sn:", &base64url(&fingerprints.concat())].concat();
            assert_eq!(number.matches(&reversed), one.public() == other.public());
            for wrong in malformed_texts(&qr) {
                assert!(!number.matches(&wrong), "{wrong}");
            }
            for third in &people {
                let other_number = SafetyNumber::of(one.public(), third.public());
                assert_eq!(number.matches(&other_number.qr().to_string()), third.public() == other.public());
            }
        }
    }
    assert!(
        !SafetyNumber::of(people[0].public(), people[1].public())
            .matches(&people[0].public().fingerprint().to_string())
    );
}

fn base64url(bytes: &[u8]) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        (0..=three.len()).for_each(|place| text.push(digits[(bits >> (18 - 6 * place)) as usize & 63].into()));
    }
    text
}

/// One fault each: prefix, padding, white space, alphabet, length, bits that mean nothing. [TXT-02]
fn malformed_texts(text: &str) -> Vec<String> {
    let (prefix, body) = text.split_at(8);
    let with = |prefix: &str, body: &str| [prefix, body].concat();
    let mut texts = vec![
        body.into(),
        with("slrm-xx:", body),
        with("SLRM-ID:", body),
        with("slrm-id", body),
        with(&prefix.to_uppercase(), body),
        with(&[" ", prefix].concat(), body),
        with(prefix, &[" ", body].concat()),
        with(prefix, &[body, " "].concat()),
        with(prefix, &[body, "\n"].concat()),
        with(prefix, &[body, "="].concat()),
        with(prefix, &[body, "=="].concat()),
        with(prefix, &[body, "A"].concat()),
        with(prefix, &[body, "AAAA"].concat()),
        with(prefix, &body[1..]),
        with(prefix, &body[4..]),
        with(prefix, &body[..body.len() - 1]),
        with(prefix, ""),
        with(prefix, &[prefix, body].concat()),
        String::new(),
    ];
    for other in ["slrm-id:", "slrm-fp:", "slrm-sn:"] {
        if other != prefix {
            texts.push(with(other, body));
        }
    }
    for character in ["+", "/", "=", " ", "\n", "\0", ".", "~", "\u{e9}"] {
        for at in [0, 1, 10, body.len() - 1] {
            texts.push(with(prefix, &[&body[..at], character, &body[at + 1..]].concat()));
        }
    }
    // The bits of the last character that stand for no byte.
    let unused = match body.len() % 4 {
        2 => 4,
        3 => 2,
        _ => 0,
    };
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = digits.find(&body[body.len() - 1..]).unwrap();
    assert_eq!(last % (1 << unused), 0);
    for bits in 1..1 << unused {
        texts.push(with(prefix, &[&body[..body.len() - 1], &digits[last + bits..=last + bits]].concat()));
    }
    texts
}

/// [TXT-01] [TXT-02]
#[test]
fn texts() {
    let public = person(1).public().clone();
    let (text, fingerprint) = (public.to_string(), public.fingerprint().to_string());
    assert_eq!(text, ["slrm-id:", &base64url(&public.to_bytes())].concat());
    assert_eq!(fingerprint, ["slrm-fp:", &base64url(public.fingerprint().as_bytes())].concat());
    assert_eq!(text.parse::<PublicIdentity>().unwrap(), public);
    assert_eq!(fingerprint.parse::<Fingerprint>().unwrap(), *public.fingerprint());
    for wrong in malformed_texts(&text).iter().chain([&fingerprint]) {
        let error = wrong.parse::<PublicIdentity>().unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{wrong} {error:?}");
    }
    for wrong in malformed_texts(&fingerprint).iter().chain([&text]) {
        let error = wrong.parse::<Fingerprint>().unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{wrong} {error:?}");
    }
    let rsa = rsa_person().public();
    assert_eq!(rsa.to_string(), ["slrm-id:", &base64url(&rsa.to_bytes())].concat());
    for wrong in malformed_texts(&rsa.to_string()) {
        assert!(wrong.parse::<PublicIdentity>().is_err());
    }
}

/// What the thread that has the keys is asked.
enum Ask {
    Agree([u8; 65], mpsc::Sender<Option<[u8; 32]>>),
    Sign([u8; 32], mpsc::Sender<Option<Vec<u8>>>),
    Decrypt(Vec<u8>, mpsc::Sender<Option<[u8; 64]>>),
}

/// How the keys' holder behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Honest,
    /// Signs with s in the upper half.
    High,
    Silent,
    Wrong,
    Zeros,
}

/// A card, an enclave, a service: keys that are in another thread, and answer through a channel.
struct Elsewhere {
    ask: Mutex<mpsc::Sender<Ask>>,
    p256: P256PublicKey,
    rsa: RsaPublicKey,
}

impl Elsewhere {
    fn new(mood: Mood, agreeing: P256PrivateKey, signing: P256PrivateKey, rsa: RsaPrivateKey) -> Self {
        let (ask, asked) = mpsc::channel::<Ask>();
        let (p256_public, rsa_public) = (agreeing.public_key().clone(), rsa.public_key().clone());
        std::thread::spawn(move || {
            let mut rng = Draws::new(1);
            // Keys leave the library as PKCS#8; the thread computes with the `p256` crate and with the library's RSA.
            let scalar = |key: &P256PrivateKey| -> p256::SecretKey {
                let der = key.to_pkcs8_der().unwrap();
                // PrivateKeyInfo, ECPrivateKey, version 1, then the scalar.
                let at = der.expose().windows(5).position(|bytes| bytes == [2, 1, 1, 4, 32]).unwrap() + 5;
                p256::SecretKey::from_slice(&der.expose()[at..at + 32]).unwrap()
            };
            let agreeing = scalar(&agreeing);
            for asked in asked {
                match (asked, mood) {
                    (Ask::Agree(_, answer), Mood::Silent) => answer.send(None).unwrap(),
                    (Ask::Sign(_, answer), Mood::Silent) => answer.send(None).unwrap(),
                    (Ask::Decrypt(_, answer), Mood::Silent) => answer.send(None).unwrap(),
                    (Ask::Agree(_, answer), Mood::Zeros) => answer.send(Some([0; 32])).unwrap(),
                    (Ask::Sign(_, answer), Mood::Zeros) => answer.send(Some(vec![0; 64])).unwrap(),
                    (Ask::Decrypt(_, answer), Mood::Zeros) => answer.send(Some([0; 64])).unwrap(),
                    (Ask::Agree(peer, answer), mood) => {
                        let peer = p256::PublicKey::from_sec1_bytes(&peer).unwrap();
                        let shared = p256::ecdh::diffie_hellman(agreeing.to_nonzero_scalar(), peer.as_affine());
                        let mut x: [u8; 32] = (*shared.raw_secret_bytes()).into();
                        x[31] ^= u8::from(mood == Mood::Wrong);
                        answer.send(Some(x)).unwrap();
                    }
                    (Ask::Sign(digest, answer), mood) => {
                        let mut signature = vec![0; 64];
                        signing.sign_digest(&digest, &mut signature, &mut rng).unwrap();
                        match mood {
                            Mood::High => negate(&mut signature),
                            Mood::Wrong => signature[0] ^= 1,
                            _ => {}
                        }
                        answer.send(Some(signature)).unwrap();
                    }
                    (Ask::Decrypt(ciphertext, answer), mood) => {
                        let der = rsa.to_pkcs8_der().unwrap();
                        let message = hazmat::rsa_oaep_decrypt_64(der.expose(), &ciphertext, &mut rng).ok();
                        answer
                            .send(message.map(|mut message| {
                                message[63] ^= u8::from(mood == Mood::Wrong);
                                message
                            }))
                            .unwrap();
                    }
                }
            }
        });
        Self { ask: Mutex::new(ask), p256: p256_public, rsa: rsa_public }
    }

    fn ask<A>(&self, question: impl FnOnce(mpsc::Sender<Option<A>>) -> Ask) -> Result<A, Error> {
        let (answer, answered) = mpsc::channel();
        self.ask.lock().unwrap().send(question(answer)).map_err(|_| Error::Key)?;
        answered.recv().map_err(|_| Error::Key)?.ok_or(Error::Key)
    }
}

impl Agree for Elsewhere {
    fn public_key(&self) -> &P256PublicKey {
        &self.p256
    }

    fn agree(&self, peer: &P256PublicKey) -> Result<SharedSecret, Error> {
        self.ask(|answer| Ask::Agree(*peer.as_bytes(), answer)).map(|mut x| SharedSecret::take(&mut x))
    }
}

impl Sign for Elsewhere {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::EcdsaP256
    }

    fn sign_digest(&self, digest: &[u8; 32], signature: &mut [u8], _: &mut dyn Random) -> Result<(), Error> {
        signature.copy_from_slice(&self.ask(|answer| Ask::Sign(*digest, answer))?);
        Ok(())
    }
}

impl DecryptOaep for Elsewhere {
    fn public_key(&self) -> &RsaPublicKey {
        &self.rsa
    }

    fn decrypt_oaep(&self, ciphertext: &[u8], _: &mut dyn Random) -> Result<WrappedContent, Error> {
        self.ask(|answer| Ask::Decrypt(ciphertext.to_vec(), answer))
            .map(|mut message| WrappedContent::take(&mut message))
    }
}

/// Keys that this process does not have, asked while sealing and opening. [SUITE-04] [ENV-11] [ERR-01]
#[test]
fn keys_held_elsewhere() {
    for mood in [Mood::Honest, Mood::High, Mood::Silent, Mood::Wrong, Mood::Zeros] {
        let mut rng = Draws::new(1);
        let Outsider { encryption, signing, public, rotation } = outsider(30);
        let elsewhere = Elsewhere::new(mood, encryption.clone(), signing.clone(), rsa_2048().clone());
        let honest = matches!(mood, Mood::Honest | Mood::High);

        // Signing.
        let bob = &people().bob;
        let to = [bob.public().recipient(), Recipient::bare_rsa(rsa_2048().public_key())];
        let envelope = Envelope::to(&to).signed_by(Sender::new(&public, &elsewhere));
        let mut stream = envelope.stream(None, &mut rng).unwrap();
        let mut streamed = stream.push(b"content").unwrap().to_vec();
        let finished = stream.finish(&mut rng);
        let detached = DetachedSignature::sign(&Sender::new(&public, &elsewhere), b"", b"content", &mut rng);
        let key = |key: &P256PrivateKey| key.public_key().clone();
        let unsigned = UnsignedIdentity::p256(0, key(&encryption), key(&signing), rotation.public_key()).unwrap();
        let identity = unsigned.sign(&elsewhere, &mut rng);
        if !honest {
            assert_eq!(envelope.seal(b"content", &mut rng), Err(Error::Key));
            assert_eq!(finished, Err(Error::Key));
            assert_eq!(detached.unwrap_err(), Error::Key);
            assert_eq!(identity, Err(Error::Key));
        } else {
            streamed.extend(finished.unwrap());
            for sealed in [envelope.seal(b"content", &mut rng).unwrap(), streamed] {
                assert_eq!(open(&sealed, &[bob.reader()], &mut rng).unwrap().verify(&public).unwrap(), b"content");
            }
            assert_eq!(detached.unwrap().verify(&public, b"", b"content"), Ok(()));
            assert_eq!(identity.unwrap().to_bytes(), public.to_bytes());
        }

        // Opening, with both kinds of keys.
        let sealed = Envelope::to(&to).signed_by(Sender::new(&public, &signing)).seal(b"content", &mut rng).unwrap();
        for reader in [Reader::p256(&elsewhere, &public), Reader::bare_rsa(&elsewhere)] {
            let opened = open(&sealed, &[reader], &mut rng).map(|opened| opened.verify(&public).unwrap());
            assert_eq!(opened, if honest { Ok(b"content".to_vec()) } else { Err(Error::Decrypt) });
            // A holder that does not answer does not stand in another reader's way.
            assert!(open(&sealed, &[reader, bob.reader()], &mut rng).is_ok());
        }
    }
}

/// A sender whose key is another's, or of another algorithm. [SIG-03]
#[test]
fn senders_with_other_keys() {
    let mut rng = Draws::new(1);
    let (one, other) = (outsider(31), outsider(32));
    let to = [people().bob.public().recipient()];
    let wrong = Sender::new(&one.public, &other.signing);
    assert_eq!(Envelope::to(&to).signed_by(wrong).seal(b"", &mut rng), Err(Error::Key));
    assert_eq!(DetachedSignature::sign(&wrong, b"", b"", &mut rng).unwrap_err(), Error::Key);
    let wrong = Sender::new(&one.public, rsa_2048());
    assert!(matches!(Envelope::to(&to).signed_by(wrong).seal(b"", &mut rng), Err(Error::Argument { .. })));
    assert!(DetachedSignature::sign(&wrong, b"", b"", &mut rng).is_err());
    let absent = Sender::elsewhere(&one.public);
    assert!(matches!(Envelope::to(&to).signed_by(absent).seal(b"", &mut rng), Err(Error::Argument { .. })));
    assert!(matches!(DetachedSignature::sign(&absent, b"", b"", &mut rng), Err(Error::Argument { .. })));
    let mut stream = Envelope::to(&to).signed_by(absent).stream(None, &mut rng).unwrap();
    stream.push(b"content").unwrap();
    assert!(matches!(stream.finish(&mut rng), Err(Error::Argument { .. })));
    // Nobody to ask.
    let stream = Envelope::to(&to).stream(None, &mut rng).unwrap();
    assert!(matches!(stream.finish_request(), Err(Error::Argument { .. })));
    let stream = Envelope::to(&to).stream(None, &mut rng).unwrap();
    assert!(matches!(stream.finish_attachment(), Err(Error::Argument { .. })));
}

/// The question goes out, the answer comes back later: opening. [ENV-11] [STZ-09] [STZ-11]
#[test]
fn questions_and_answers() {
    let mut rng = Draws::new(1);
    let bob = outsider(33);
    let rsa = rsa_2048();
    let key = symmetric(1);
    let to = [bob.public.recipient(), Recipient::bare_rsa(rsa.public_key()), Recipient::symmetric(&key)];
    let sealed = Envelope::to(&to).seal(b"content", &mut rng).unwrap();
    let locked = Locked::decode(&sealed, &Limits::default()).unwrap();
    let open = |unlocked: Result<Unlocked, Error>| {
        unlocked.and_then(|unlocked| unlocked.open(locked.payload())).map(Opened::unverified)
    };
    let refused = Err(Error::Decrypt);

    let Some(Operation::Agree { peer }) = locked.operation(&to[0]) else { panic!() };
    assert_eq!(peer[..], sealed[36..101]);
    let answer = || bob.encryption.agree(&P256PublicKey::from_bytes(peer).unwrap()).unwrap();
    assert_eq!(open(locked.answer_agree(&to[0], &answer())).unwrap(), b"content");
    // Wrong answers, and right ones in another's name.
    for mut wrong in [[0; 32], [1; 32], [0xff; 32]] {
        assert_eq!(open(locked.answer_agree(&to[0], &SharedSecret::take(&mut wrong))), refused);
        assert_eq!(wrong, [0; 32]);
    }
    for other in
        [&to[1], &to[2], &Recipient::bare_p256(bob.encryption.public_key()), &people().bob.public().recipient()]
    {
        assert_eq!(open(locked.answer_agree(other, &answer())), refused);
    }

    let Some(Operation::DecryptOaep { ciphertext }) = locked.operation(&to[1]) else { panic!() };
    assert_eq!(ciphertext.len(), 256);
    let answer = || rsa.decrypt_oaep(ciphertext, &mut Draws::new(2)).unwrap();
    assert_eq!(open(locked.answer_decrypt(&to[1], &answer())).unwrap(), b"content");
    for mut wrong in [[0; 64], [1; 64]] {
        assert_eq!(open(locked.answer_decrypt(&to[1], &WrappedContent::take(&mut wrong))), refused);
    }
    for other in [&to[0], &to[2], &Recipient::bare_rsa(rsa_keys()[0].public_key())] {
        assert_eq!(open(locked.answer_decrypt(other, &answer())), refused);
    }

    // No question for keys that are no public keys, or have no stanza here.
    assert_eq!(locked.operation(&to[2]), None);
    assert_eq!(locked.operation(&Recipient::passphrase(&people().argon2id)), None);
    assert_eq!(locked.operation(&Recipient::bare_rsa(rsa_keys()[0].public_key())), None);
    let symmetric = Locked::decode(&sample("symmetric").bytes, &Limits::default()).unwrap();
    assert_eq!(symmetric.operation(&to[0]), None);
    assert_eq!(symmetric.answer_agree(&to[0], &SharedSecret::take(&mut [1; 32])).unwrap_err(), Error::Decrypt);
}

/// The digest goes out, the signature comes back later: sealing. [SIG-03] [SUITE-04]
#[test]
fn signatures_that_come_later() {
    let mut rng = Draws::new(1);
    let alice = outsider(34);
    let (bob, rita) = (&people().bob, &people().rita);
    let to = [bob.public().recipient()];
    // The same draws each time: the same envelope, up to its signature.
    let pending = |sender: &PublicIdentity, answer: &dyn Fn(PendingSignature<'_>, Vec<u8>)| {
        let envelope = Envelope::to(&to).signed_by(Sender::elsewhere(sender)).padding(Padding::Padme);
        let mut stream = envelope.stream(Some(7), &mut Draws::new(5)).unwrap();
        let start = stream.push(b"content").unwrap().to_vec();
        answer(stream.finish_request().unwrap(), start);
    };
    let ask = |sender: &PublicIdentity| {
        let asked = std::cell::Cell::new(([0; 32], 0));
        pending(sender, &|pending, start| asked.set((*pending.digest(), start.len())));
        asked.get()
    };
    let complete = |sender: &PublicIdentity, signature: &[u8]| {
        let completed = std::cell::RefCell::new(Err(Error::Key));
        pending(sender, &|pending, start| {
            *completed.borrow_mut() = pending.complete(signature).map(|end| [start, end].concat());
        });
        completed.into_inner()
    };
    let (digest, start) = ask(&alice.public);
    let mut signature = [0; 64];
    alice.signing.sign_digest(&digest, &mut signature, &mut rng).unwrap();
    let sealed = complete(&alice.public, &signature).unwrap();
    assert!(start < sealed.len());
    assert_eq!(open(&sealed, &[bob.reader()], &mut rng).unwrap().verify(&alice.public).unwrap(), b"content");
    // The same as with the key at hand, from the same draws.
    let at_hand = Envelope::to(&to).signed_by(Sender::new(&alice.public, &alice.signing)).padding(Padding::Padme);
    assert_eq!(at_hand.seal(b"content", &mut Draws::new(5)).unwrap(), sealed);
    let mut high = signature;
    negate(&mut high);
    assert_eq!(complete(&alice.public, &high).unwrap(), sealed);
    // Wrong ones.
    for wrong in [&[0; 64][..], &[], &signature[..63], &[&signature[..], &[0]].concat(), &[1; 384]] {
        assert_eq!(complete(&alice.public, wrong), Err(Error::Key));
    }
    for place in 0..64 {
        let mut wrong = signature;
        wrong[place] ^= 1;
        assert_eq!(complete(&alice.public, &wrong), Err(Error::Key));
    }
    alice.encryption.sign_digest(&digest, &mut signature, &mut rng).unwrap();
    assert_eq!(complete(&alice.public, &signature), Err(Error::Key));

    // By RSASSA-PSS.
    let (digest, _) = ask(rita);
    let mut signature = [0; 384];
    rsa_keys()[1].sign_digest(&digest, &mut signature, &mut rng).unwrap();
    let sealed = complete(rita, &signature).unwrap();
    assert_eq!(open(&sealed, &[bob.reader()], &mut rng).unwrap().verify(rita).unwrap(), b"content");
    signature[5] ^= 1;
    assert_eq!(complete(rita, &signature), Err(Error::Key));

    // Detached.
    let digest = DetachedSignature::digest(&alice.public, b"x", b"content").unwrap();
    let mut signature = [0; 64];
    alice.signing.sign_digest(&digest, &mut signature, &mut rng).unwrap();
    negate(&mut signature);
    let made = DetachedSignature::complete(&alice.public, &digest, &signature).unwrap();
    assert_eq!(made.verify(&alice.public, b"x", b"content"), Ok(()));
    let made = DetachedSignature::complete(&alice.public, &[0; 32], &signature);
    assert_eq!(made.unwrap_err(), Error::Key);
}

/// Progress is told, and the work is given up when it is asked to be. [ERR-02]
#[test]
fn long_work_can_be_given_up() {
    let root = Root::from_bip39_seed(&[7; 64]);
    let mut all = Vec::new();
    let mut watch = |progress: Progress| {
        all.push(progress);
        ControlFlow::Continue(())
    };
    let made = root.identity_watched(Profile::Rsa3072, 0, &mut watch, &mut Draws::new(1)).unwrap();
    assert_eq!(made.public(), rsa_person().public());
    assert!(all.len() > 2 && all.iter().all(|progress| progress.expected > 0));
    for stop in [0, 1, all.len() / 2, all.len() - 1] {
        let mut heard = 0;
        let mut watch = |_: Progress| {
            heard += 1;
            if heard > stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let made = root.identity_watched(Profile::Rsa3072, 0, &mut watch, &mut Draws::new(1));
        assert_eq!(made.unwrap_err(), Error::GivenUp);
        // After the word was given there is no more work.
        assert_eq!(heard, stop + 1);
    }
    let mut never = |_: Progress| ControlFlow::Break(());
    assert!(root.identity_watched(Profile::P256, 0, &mut never, &mut Draws::new(1)).is_ok());

    for cost in [PassphraseCost::argon2id_with(16, 1, 1, 4).unwrap(), PassphraseCost::pbkdf2_with(10, 4).unwrap()] {
        let mut told = Vec::new();
        let mut watch = |progress: Progress| {
            told.push((progress.done, progress.expected));
            ControlFlow::Continue(())
        };
        let key = PassphraseKey::new(PASSPHRASE, cost, &mut watch, &mut Draws::new(1)).unwrap();
        assert_eq!(told, [(1, 4), (2, 4), (3, 4), (4, 4)]);
        let sealed = Envelope::to(&[Recipient::passphrase(&key)]).seal(b"x", &mut Draws::new(1)).unwrap();
        for stop in 1..=4 {
            let mut heard = 0;
            let mut watch = |progress: Progress| {
                heard += 1;
                if progress.done == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let made = PassphraseKey::of(&sealed, PASSPHRASE, &WorkLimits::default(), &mut watch);
            assert_eq!(made.unwrap_err(), Error::GivenUp);
            assert_eq!(heard, stop);
        }
    }
}

/// An identity of 2048-bit keys that exist already is sealed to, opens and signs; words never make one. [ID-08]
#[test]
fn keys_of_2048_bits_are_taken_and_not_made() {
    let mut rng = Draws::new(1);
    let key =
        |seed: &[u8; 32]| RsaPrivateKey::from_pkcs8_der(&hazmat::det_keygen_rsa_pkcs8(seed, 2048).unwrap()).unwrap();
    let (encryption, signing) = (key(&[1; 32]), key(&[2; 32]));
    let rotation = P256PrivateKey::generate(&mut rng).unwrap();
    let (encryption_public, signing_public) = (encryption.public_key().clone(), signing.public_key().clone());
    let unsigned = UnsignedIdentity::rsa(3, encryption_public, signing_public, rotation.public_key()).unwrap();
    let identity = unsigned.sign(&signing, &mut rng).unwrap();
    assert_eq!((identity.profile(), identity.to_bytes().len()), (Profile::Rsa2048, 12 + 512 + 32 + 256));
    let identity: PublicIdentity = identity.to_string().parse().unwrap();

    let sender = Sender::new(&identity, &signing);
    let sealed = Envelope::to(&[]).signed_by(sender).seal(b"to oneself", &mut rng).unwrap();
    let opened = open(&sealed, &[Reader::rsa(&encryption, &identity)], &mut rng).unwrap();
    assert_eq!(opened.verify(&identity).unwrap(), b"to oneself");

    let made = Root::from_bip39_seed(&[1; 64]).identity(Profile::Rsa2048, 0, &mut rng);
    assert!(matches!(made, Err(Error::Argument { .. })));
}

/// The text forms through serde. [TXT-01] [TXT-02]
#[test]
fn serde_uses_the_text_forms() {
    let person = crate::common::person(9);
    let (identity, fingerprint) = (person.public(), person.public().fingerprint());
    let json = serde_json::to_string(&(identity, fingerprint)).unwrap();
    assert_eq!(json, format!("[\"{identity}\",\"{fingerprint}\"]"));
    let (back, fingerprint_back): (PublicIdentity, Fingerprint) = serde_json::from_str(&json).unwrap();
    assert_eq!((&back, &fingerprint_back), (identity, fingerprint));
    for bad in ["[\"slrm-fp:\",\"slrm-id:\"]", "[1,2]", &json.replace("slrm-id:", "slrm-id: ")] {
        assert!(serde_json::from_str::<(PublicIdentity, Fingerprint)>(bad).is_err(), "{bad}");
    }
}
