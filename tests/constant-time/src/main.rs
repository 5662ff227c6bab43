//! Every operation with secrets, for valgrind to watch: `run.py` runs it and judges the reports.
//!
//! Each function below poisons the secrets that it begins with and all that is drawn, and publishes what the protocol makes public.
//! At its end it checks that what it made did depend on a secret, so that nothing is watched in vain.

mod heap;
mod memcheck;
mod people;
mod rooms;
mod within;

use memcheck::{bits, poison, publish};
use rand_core::{TryCryptoRng, TryRng};
use sealroom::*;
use std::hint::black_box;

/// Gives numbers that are well mixed, and secret.
struct Drawn(u64);

impl TryRng for Drawn {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        for block in out.chunks_mut(8) {
            // SplitMix64
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            block.copy_from_slice(&(mixed ^ mixed >> 31).to_le_bytes()[..block.len()]);
        }
        poison(out);
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}

/// The same, and public.
struct Public(Drawn);

impl TryRng for Public {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.0.try_next_u32().inspect(publish)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0.try_next_u64().inspect(publish)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        self.0.try_fill_bytes(out)?;
        publish(out);
        Ok(())
    }
}

impl TryCryptoRng for Public {}

fn secret<const N: usize>(n: u64) -> [u8; N] {
    let mut out = [0; N];
    let _ = Drawn(n).try_fill_bytes(&mut out);
    out
}

/// What is made of a secret depends on it, or this program watches nothing.
#[track_caller]
#[inline(never)]
fn depends(bytes: &[u8]) {
    assert!(bits(bytes).iter().any(|bits| *bits != 0), "does not depend on a secret");
}

/// A ciphertext or a signature depended on secrets, and is public.
#[track_caller]
fn given_out<T: AsRef<[u8]>>(bytes: T) -> T {
    depends(bytes.as_ref());
    publish(bytes.as_ref());
    bytes
}

fn person(n: u64) -> Identity {
    let identity = Root::from_bip39_seed(&secret(n)).identity(Profile::P256, 0, &mut Drawn(n)).unwrap();
    publish(identity.public());
    identity
}

/// Somebody of whom nothing is secret.
fn plain(n: u8) -> Identity {
    let identity = Root::from_bip39_seed(&[n; 64]).identity(Profile::P256, 0, &mut Public(Drawn(n.into()))).unwrap();
    publish(&identity);
    identity
}

/// A branch on a secret and an address from one: if these are not reported, nothing of what follows says anything.
#[inline(never)]
fn control() {
    let [byte, place] = secret::<2>(1);
    branches_on_a_secret(byte);
    reads_where_a_secret_says(place);
}

#[inline(never)]
fn branches_on_a_secret(byte: u8) {
    if black_box(byte) & 1 == 1 {
        println!("odd");
    }
}

#[inline(never)]
fn reads_where_a_secret_says(place: u8) {
    static TABLE: [u8; 256] = [7; 256];
    black_box(black_box(&TABLE)[usize::from(black_box(place))]);
}

/// New words, and those that a user types.
#[inline(never)]
fn words_to_root() {
    let words = Mnemonic::generate(&mut Drawn(2)).unwrap();
    let root = words.root_with_passphrase("a passphrase");
    black_box(&root);
    black_box(typed_words().root());
}

fn typed_words() -> Mnemonic {
    let mut text = String::from(
        "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal winner thank \
         year wave sausage worth title",
    );
    poison(text.as_mut_str());
    Mnemonic::parse_in(Language::English, &text).unwrap()
}

/// From the seed of the words on: keys, the signature over one's own identity, and what signs a change of keys.
#[inline(never)]
fn seed_to_keys() {
    let root = Root::from_bip39_seed(&secret(3));
    let [old, new] = [0, 1].map(|generation| root.identity(Profile::P256, generation, &mut Drawn(4)).unwrap());
    for identity in [&old, &new] {
        depends(&identity.public().to_bytes());
        publish(identity.public());
    }
    depends(old.keyring_key().unwrap().expose());
    let transition = root.succeed(&old, &new, &mut Drawn(5)).unwrap();
    given_out(transition.to_bytes().unwrap());
}

#[inline(never)]
fn sign() {
    let alice = person(6);
    let signature = alice.sign(b"context", b"content", &mut Drawn(7)).unwrap();
    given_out(signature.to_bytes());
}

/// To a P-256 key and to a symmetric one, signed and padded: sealed, opened by each, and not opened.
#[inline(never)]
fn seal_and_open() {
    let (alice, bob, carol) = (person(8), person(9), person(10));
    let [key, other] = [11, 12].map(|n| SymmetricKey::take(&mut secret(n)));
    let to = [bob.public().recipient(), Recipient::symmetric(&key)];
    let envelope = Envelope::to(&to).signed_by(alice.sender()).padding(Padding::Padme);
    let sealed = given_out(envelope.seal(&secret::<1000>(13), &mut Drawn(14)).unwrap());
    for reader in [bob.reader(), Reader::symmetric(&key)] {
        let opened = verified(open(&sealed, &[reader], &mut Drawn(15)).unwrap(), alice.public());
        depends(&opened);
        // With padding, how long it is depends on what was opened.
        std::mem::forget(opened);
    }
    for reader in [carol.reader(), Reader::symmetric(&other)] {
        assert!(open(&sealed, &[reader], &mut Drawn(15)).is_err());
    }
    // In the wrap, the commitment, a chunk, the signature block.
    let len = sealed.len();
    for place in [100, len - 1200, len - 600, len - 20] {
        let mut changed = sealed.clone();
        changed[place] ^= 1;
        for reader in [bob.reader(), Reader::symmetric(&key)] {
            let _ = black_box(open(&changed, &[reader], &mut Drawn(16)));
        }
    }
}

#[inline(never)]
fn verified(opened: Opened<Vec<u8>>, signer: &PublicIdentity) -> Vec<u8> {
    opened.verify(signer).unwrap()
}

#[inline(never)]
fn passphrase() {
    let words = secret::<20>(17);
    for cost in [PassphraseCost::pbkdf2_with(3, 2), PassphraseCost::argon2id_with(64, 1, 2, 2)] {
        let key = PassphraseKey::new(&words, cost.unwrap(), &mut unwatched, &mut Drawn(18)).unwrap();
        let envelope = Envelope::to(&[Recipient::passphrase(&key)]).seal(b"content", &mut Drawn(19)).unwrap();
        let envelope = given_out(envelope);
        let key = PassphraseKey::of(&envelope, &words, &WorkLimits::default(), &mut unwatched).unwrap();
        depends(&open(&envelope, &[Reader::passphrase(&key)], &mut Drawn(20)).unwrap().unverified());
    }
}

/// An RSA key whose secret numbers are poisoned where they lie: its primes and all that is as long as they are, and the exponent.
///
/// AWS-LC keeps them where this program does not see them. There it is what blinds them that is poisoned, and by that all that is
/// computed with them, since a signature has stirred a poisoned key into AWS-LC's generator.
fn rsa_key() -> (RsaPrivateKey, RsaPublicKey) {
    let pkcs8 = hazmat::det_keygen_rsa_pkcs8(&[3; 32], 2048).unwrap();
    let public = RsaPublicKey::from_spki_der(&hazmat::rsa_spki(&pkcs8).unwrap()).unwrap();
    if cfg!(feature = "aws-lc-rs") {
        sign();
        return (RsaPrivateKey::from_pkcs8_der(&pkcs8).unwrap(), public);
    }
    let (key, numbers) = heap::with_blocks_poisoned(128, || RsaPrivateKey::from_pkcs8_der(&pkcs8).unwrap());
    assert!(numbers >= 4, "p, q, and what is kept of them");
    // The exponent: version, n and e stand before it.
    let at = 26 + 4 + 3 + (4 + 257) + 5;
    assert_eq!(pkcs8[at..at + 3], [2, 0x82, 1]);
    let exponent = &pkcs8[at + 4..][..usize::from(pkcs8[at + 3]) + 256][usize::from(pkcs8[at + 4] == 0)..];
    let copies = heap::poison_copies(&exponent[exponent.len() - 256..]);
    assert!(copies >= 1, "the private exponent");
    (key, public)
}

/// Opened, and not opened for each reason that there is.
#[inline(never)]
fn rsa_open() {
    let (key, public) = rsa_key();
    let envelope = Envelope::to(&[Recipient::bare_rsa(&public)]).seal(&secret::<100>(21), &mut Drawn(22)).unwrap();
    let envelope = given_out(envelope);
    depends(&open(&envelope, &[Reader::bare_rsa(&key)], &mut Drawn(23)).unwrap().unverified());
    let locked = Locked::decode(&envelope, &Limits::default()).unwrap();
    let Some(Operation::DecryptOaep { ciphertext }) = locked.operation(&Recipient::bare_rsa(&public)) else { panic!() };
    let at = envelope.windows(ciphertext.len()).position(|window| window == ciphertext).unwrap();
    let encrypt = |message: &[u8]| hazmat::rsa_oaep_encrypt(public.spki_der(), message, &[1; 32]).unwrap();
    for wrong in [encrypt(&[2; 63]), encrypt(&[2; 64]), encrypt(&[2; 65]), vec![3; 256]] {
        let mut changed = envelope.clone();
        changed[at..at + 256].copy_from_slice(&wrong);
        assert!(open(&changed, &[Reader::bare_rsa(&key)], &mut Drawn(24)).is_err());
    }
}

#[inline(never)]
fn rsa_sign() {
    let (key, _) = rsa_key();
    let mut signature = [0; 256];
    key.sign_digest(&[1; 32], &mut signature, &mut Drawn(25)).unwrap();
    given_out(signature);
}

/// What RSA decrypted, right and wrong: from there on.
#[inline(never)]
fn rsa_answer() {
    let key = RsaPrivateKey::from_pkcs8_der(&hazmat::det_keygen_rsa_pkcs8(&[3; 32], 2048).unwrap()).unwrap();
    let to = [Recipient::bare_rsa(key.public_key())];
    let rng = &mut Public(Drawn(34));
    let envelope = Envelope::to(&to).seal(&[5; 100], rng).unwrap();
    let locked = Locked::decode(&envelope, &Limits::default()).unwrap();
    let Some(Operation::DecryptOaep { ciphertext }) = locked.operation(&to[0]) else { panic!() };
    let mut right = Secret64(key.decrypt_oaep(ciphertext, rng).unwrap());
    poison(&mut right);
    depends(&locked.answer_decrypt(&to[0], &right.0).unwrap().open(locked.payload()).unwrap().unverified());
    assert!(locked.answer_decrypt(&to[0], &WrappedContent::take(&mut secret(35))).is_err());
}

/// Whose bytes are nothing but the message.
struct Secret64(WrappedContent);

/// The search for primes. SPEC §11.3
#[inline(never)]
fn rsa_from_seed() {
    let pkcs8 = hazmat::det_keygen_rsa_pkcs8(&secret::<32>(26), 2048).unwrap();
    depends(&pkcs8);
    // How long it is depends on its numbers.
    std::mem::forget(pkcs8);
}

/// A message of a room whose epoch's keys are poisoned.
#[inline(never)]
fn room_message() {
    let (alice, bob) = (plain(27), plain(28));
    let people = [alice.public(), bob.public()];
    let members = [(bob.public(), Role::Member)];
    let rng = &mut Public(Drawn(29));
    let package = Room::create(&alice.sender(), &members, HistoryPolicy::FromJoin, rng).unwrap();
    let mut alices = Room::join(&package, alice.public(), &[alice.reader()], rng).unwrap().finish().unwrap();
    let mut bobs = Room::join(&package, alice.public(), &[bob.reader()], rng).unwrap().finish().unwrap();
    let transcript = *alices.transcript();
    let keys = hazmat::epoch_keys(&alices, &transcript).unwrap();
    assert!(heap::poison_copies(&keys.message_key) >= 2 && heap::poison_copies(&keys.secret.unwrap()) >= 2);
    let message = alices.seal(&Draft::new(&secret::<100>(32)), &alice.sender(), rng).unwrap();
    let message = given_out(message);
    depends(bobs.open(&message, b"", &people).unwrap().content());
}

fn main() {
    assert!(memcheck::is_there(), "to be run by valgrind: see run.py");
    let all: &[(&str, fn())] = &[
        ("control", control),
        ("words_to_root", words_to_root),
        ("seed_to_keys", seed_to_keys),
        ("sign", sign),
        ("seal_and_open", seal_and_open),
        ("passphrase", passphrase),
        ("rsa_open", rsa_open),
        ("rsa_sign", rsa_sign),
        ("rsa_answer", rsa_answer),
        ("rsa_from_seed", rsa_from_seed),
        ("room_message", room_message),
        ("packages", rooms::packages),
        ("package_answered", rooms::package_answered),
        ("grant", rooms::grant),
        ("single_epoch", rooms::single_epoch),
        ("keyring", people::keyring),
        ("recovery", people::recovery),
        ("link", people::link),
        ("proof", people::proof),
    ];
    let within: &[(&str, fn())] = &[
        ("within_package", within::package),
        ("within_grant", within::grant),
        ("within_segment", within::segment),
        ("within_keyring_state", within::keyring_state),
        ("within_link", within::link),
    ];
    let within = if cfg!(feature = "aws-lc-rs") { &[] } else { within };
    let asked: Vec<String> = std::env::args().skip(1).collect();
    for (name, run) in
        all.iter().chain(within).filter(|(name, _)| asked.is_empty() || asked.iter().any(|one| one == name))
    {
        let start = std::time::Instant::now();
        run();
        eprintln!("{name}: {:.1} s", start.elapsed().as_secs_f32());
    }
}
