//! Envelopes, for each kind of key.

use crate::common::{Input, Rng, people, symmetric};
use sealroom::{
    Envelope, Error, Limits, Locked, Opened, P256PrivateKey, Padding, PassphraseCost, PassphraseKey, Reader, Recipient,
    RsaPrivateKey, SymmetricKey, WorkLimits, hazmat, open_into, unwatched,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::OnceLock;

struct Keys {
    bare: P256PrivateKey,
    rsa: RsaPrivateKey,
    symmetric: SymmetricKey,
    passphrase: PassphraseKey,
    /// One that no envelope here is sealed to.
    never: P256PrivateKey,
}

/// The RSA key is one of the vectors', whose envelopes it opens under other ids.
const RSA_ID: [u8; 32] = [0x77; 32];

const PASSPHRASE: &[u8] = b"passphrase";

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let cost = PassphraseCost::pbkdf2_with(1, 1).unwrap();
        Keys {
            bare: P256PrivateKey::generate(&mut Rng(1)).unwrap(),
            rsa: RsaPrivateKey::from_pkcs8_der(&crate::corpus::rsa_2048()).unwrap(),
            symmetric: symmetric(),
            passphrase: PassphraseKey::new(PASSPHRASE, cost, &mut unwatched, &mut Rng(1)).unwrap(),
            never: P256PrivateKey::generate(&mut Rng(2)).unwrap(),
        }
    })
}

/// Modulo six for whom it is; the bits of the rest: whether it is signed, padded, of two chunks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Kind(u8);

impl Kind {
    const ALL: u8 = 48;

    fn passphrase(self) -> bool {
        self.0 % 6 == 4
    }

    fn signed(self) -> bool {
        (self.0 / 6) & 1 != 0
    }

    fn padding(self) -> Padding {
        if (self.0 / 6) & 2 != 0 { Padding::Padme } else { Padding::None }
    }

    fn content(self) -> Vec<u8> {
        vec![self.0; if (self.0 / 6) & 4 != 0 { 20_000 } else { 300 }]
    }

    fn readers(self) -> Vec<Reader<'static>> {
        let Keys { bare, rsa, symmetric, passphrase, .. } = keys();
        let all = [
            people()[1].first().reader(),
            Reader::bare_p256(bare),
            hazmat::rsa_reader(rsa, RSA_ID),
            Reader::symmetric(symmetric),
            Reader::passphrase(passphrase),
        ];
        match self.0 % 6 {
            5 => all[..4].to_vec(),
            one => vec![all[usize::from(one)]],
        }
    }

    /// The same in every run, and sealed once in each.
    fn envelope(self) -> Vec<u8> {
        thread_local!(static SEALED: RefCell<BTreeMap<Kind, Vec<u8>>> = RefCell::default());
        SEALED.with_borrow_mut(|sealed| sealed.entry(self).or_insert_with(|| self.seal()).clone())
    }

    fn seal(self) -> Vec<u8> {
        let (keys, [alice, bob, ..]) = (keys(), people());
        let (bare, rsa) = (keys.bare.public_key(), keys.rsa.public_key());
        let all = [
            bob.first().public().recipient(),
            Recipient::bare_p256(bare),
            hazmat::rsa_recipient(rsa, RSA_ID),
            Recipient::symmetric(&keys.symmetric),
            Recipient::passphrase(&keys.passphrase),
        ];
        let to = match self.0 % 6 {
            5 => &all[..4],
            one => &all[one.into()..=one.into()],
        };
        let public_data = [self.0];
        let mut builder = Envelope::to(to).padding(self.padding()).public_data(&public_data);
        if self.0 % 6 == 5 {
            builder = builder.decoys(2);
        }
        if self.signed() {
            builder = builder.signed_by(alice.first().sender());
            if self.passphrase() {
                builder = builder.without_copy_for_me();
            }
        }
        builder.seal(&self.content(), &mut Rng(self.0.into())).unwrap()
    }
}

/// Nothing opens but what was sealed: neither any bytes, nor a change to an envelope, nor two of them pieced together; and
/// what was sealed opens for its readers and for nobody else. [ENV-11] [ENV-13] [SIG-03]
pub fn open(bytes: &[u8]) {
    let all = Kind(5).readers();
    assert!(sealroom_open(bytes, &all).is_err());
    assert!(with_passphrase(bytes).is_err());

    let input = &mut Input(bytes);
    let (kind, other) = (Kind(input.byte() % Kind::ALL), Kind(input.byte() % Kind::ALL));
    let (valid, second) = (kind.envelope(), other.envelope());
    let mut changed = valid.clone();
    if input.flag() {
        let (cut, from) = (input.short() % valid.len(), input.short() % second.len());
        changed.truncate(cut);
        changed.extend_from_slice(&second[from..]);
    }
    input.edit(&mut changed);

    let sealed = [(kind, valid), (other, second)];
    let whole = sealed.iter().find(|(_, envelope)| *envelope == changed).map(|(kind, _)| *kind);
    for kind in [kind, other] {
        let readers = kind.readers();
        let opened = sealroom_open(&changed, &readers);
        let mut out = vec![0; changed.len()];
        let into = open_into(&changed, &readers, &mut out, &mut Rng(0));
        assert_eq!(opened.as_ref().err(), into.as_ref().err());
        match whole {
            None => assert!(opened.is_err(), "what nobody sealed opens"),
            Some(whole) if whole == kind => {
                let (alice, bob) = (people()[0].first().public(), people()[1].first().public());
                assert!(into.unwrap().verify(bob).is_err());
                assert_eq!(sealroom_open(&changed, &readers).unwrap().verify(alice).is_ok(), kind.signed());
                assert_eq!(opened.unwrap().unverified(), kind.content());
            }
            Some(_) => {}
        }
    }
    assert!(sealroom_open(&changed, &[Reader::bare_p256(&keys().never)]).is_err());
    assert_eq!(with_passphrase(&changed).is_ok(), whole.is_some_and(Kind::passphrase));
}

fn sealroom_open(bytes: &[u8], readers: &[Reader<'_>]) -> Result<Opened<Vec<u8>>, Error> {
    sealroom::open(bytes, readers, &mut Rng(0))
}

/// As who has the passphrase, and does little work for a stranger. [STZ-15]
fn with_passphrase(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let limits = WorkLimits::default().argon2id(64, 128).pbkdf2(64);
    let key = PassphraseKey::of(bytes, PASSPHRASE, &limits, &mut unwatched)?;
    let locked = Locked::decode(bytes, &Limits::default())?;
    Ok(locked.unlock(&[Reader::passphrase(&key)], &mut Rng(0))?.open(locked.payload())?.unverified())
}
