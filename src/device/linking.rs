//! Linking, on the new device: its request, the answer, the comparison, and what it stores. SPEC §22.

use super::link::{ECHO_LEN, LinkCode, LinkRequest, chained, encode};
use crate::crypto::Random;
use crate::envelope::{Claim, ContentType, Envelope, Limits, Locked, Padding, Recipient, Stanza, Unlocked};
use crate::error::Error;
use crate::identity::{Identity, Transition};
use crate::keys::{Agree, P256PrivateKey, P256PublicKey, SymmetricKey};
use crate::labels::MAX_GENERATIONS;
use crate::progress::{Watch, unwatched};
use crate::public_identity::PublicIdentity;
use crate::secret::Secret;
use crate::wire::Reader as Wire;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use rand_core::TryCryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The echo of what a device stores: nobody asked for it. [LNK-09]
const NO_ECHO: Secret<ECHO_LEN> = Secret::zero();

const fn refused(check: &'static str) -> Error {
    Error::Link { check }
}

/// A new device that shows a request and waits for its answer. In memory only: it is not stored. SPEC §22.1
///
/// ```
/// use sealroom::*;
/// # #[cfg(feature = "std")]
/// # fn main() -> Result<(), Error> {
/// # let mut rng = SystemRng;
/// # let alice = Root::from_bip39_seed(&[1; 64]).identity(Profile::P256, 0, &mut rng)?;
/// // The new device shows a QR code.
/// let linking = Linking::new(&mut rng)?;
/// let qr = linking.request().to_string(); // "slrm-link:..."
///
/// // Alice's phone reads it from the screen, and asks Alice.
/// let answer = qr.parse::<LinkRequest>()?.confirm().answer(&[&alice], &[], &mut rng)?;
/// let on_the_phone = LinkCode::of(alice.public()).to_string();
///
/// // A server carried the answer. Alice compares, and says so.
/// let linked = linking.open(&answer)?;
/// assert_eq!(linked.code().to_string(), on_the_phone);
/// let alices = linked.confirm();
/// assert_eq!(alices.current().public(), alice.public());
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "std"))]
/// # fn main() {}
/// ```
pub struct Linking {
    key: P256PrivateKey,
    echo: Secret<ECHO_LEN>,
}

impl Linking {
    /// Draws a fresh key and 32 bytes that the answer has to repeat. SPEC §22.1
    ///
    /// # Errors
    /// [`Error::Generator`].
    pub fn new(rng: &mut impl TryCryptoRng) -> Result<Self, Error> {
        let key = P256PrivateKey::generate(rng)?;
        let mut echo = Secret::zero();
        rng.fill(echo.expose_mut())?;
        Ok(Self { key, echo })
    }

    /// What this device shows to the one that links it.
    #[must_use]
    pub fn request(&self) -> LinkRequest {
        LinkRequest { key: self.key.public_key().clone(), echo: self.echo.clone() }
    }

    /// Opens and checks an answer. Nothing is kept of one that is refused: another may still come. SPEC §22.2 [LNK-03]
    ///
    /// Takes seconds for RSA profiles, whose keys are derived again.
    ///
    /// # Errors
    /// The errors of decoding, [`Error::Malformed`] for another form than an answer's [LNK-02]; [`Error::Decrypt`] if it is
    /// not sealed to this request; [`Error::Link`] with the tag of what is wrong with it.
    pub fn open(&self, answer: &[u8]) -> Result<Linked, Error> {
        self.open_with(answer, &mut unwatched)
    }

    /// [`open`](Self::open), with progress of the search for RSA primes, which can be given up. [ERR-02]
    ///
    /// `watch` hears of each key of each generation in turn: encryption first, then signing.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`Error::GivenUp`].
    #[cfg(feature = "rsa")]
    pub fn open_watched(&self, answer: &[u8], watch: &mut Watch<'_>) -> Result<Linked, Error> {
        self.open_with(answer, watch)
    }

    fn open_with(&self, answer: &[u8], watch: &mut Watch<'_>) -> Result<Linked, Error> {
        let locked = decode(answer)?;
        // [LNK-02]
        let header = locked.header();
        if header.signature.is_none() {
            return Err(Error::Malformed { field: "signature" });
        }
        let mut stanzas = header.stanzas();
        let one = matches!(stanzas.next(), Some(Ok(Stanza::P256Group { entries: [_], .. })));
        let (true, None, Some(enc)) = (one, stanzas.next(), header.enc.clone()) else {
            return Err(Error::Malformed { field: "stanzas" });
        };
        let shared = self.key.agree(&P256PublicKey(enc))?;
        let unlocked = locked.answer_agree(&Recipient::bare_p256(self.key.public_key()), &shared)?;
        let (content, claim) = Content::open(unlocked, locked.payload(), &self.echo)?;
        content.adopt(Some(claim.ok_or(Error::Decrypt)?), watch).map(Linked)
    }
}

impl fmt::Debug for Linking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Linking(..)")
    }
}

/// An envelope of the type, with what both of its forms have in common. [LNK-02] [LNK-09]
fn decode(bytes: &[u8]) -> Result<Locked<'_>, Error> {
    let locked = Locked::decode(bytes, &Limits::default())?;
    locked.require(ContentType::DeviceLink)?;
    if !locked.header().padded {
        return Err(Error::Malformed { field: "padding" });
    }
    if !locked.public_data().is_empty() {
        return Err(Error::Malformed { field: "public_data" });
    }
    Ok(locked)
}

/// A DeviceLink whose form was checked.
struct Content {
    /// Each secret in a place of its own: what is moved within a list leaves a copy behind.
    generations: Vec<(Box<Secret<32>>, PublicIdentity)>,
    transitions: Vec<Transition>,
}

impl Content {
    fn open(unlocked: Unlocked, payload: &[u8], echo: &Secret<ECHO_LEN>) -> Result<(Self, Option<Claim>), Error> {
        let (content, claim) = unlocked.open_any(payload)?.into_parts();
        let content = Zeroizing::new(content);
        // [LNK-03]
        let content = Self::decode(&content, echo).ok().flatten().ok_or(refused("LNK-03"))?;
        Ok((content, claim))
    }

    /// `None` if it repeats another echo.
    fn decode(content: &[u8], echo: &Secret<ECHO_LEN>) -> Result<Option<Self>, Error> {
        let mut wire = Wire::new(content);
        if !bool::from(wire.array::<ECHO_LEN>("echo")?.ct_eq(echo.expose())) {
            return Ok(None);
        }
        let mut list = Wire::new(wire.vector("generations")?);
        let mut steps = Wire::new(wire.vector("transitions")?);
        wire.finish("device link")?;
        let (mut generations, mut transitions) = (Vec::new(), Vec::new());
        while list.remaining() > 0 {
            if generations.len() == MAX_GENERATIONS {
                return Err(Error::Limit { limit: "generations" });
            }
            let mut secret = Box::new(Secret::zero());
            secret.expose_mut().copy_from_slice(list.array::<32>("secret")?);
            generations.push((secret, PublicIdentity::decode(&mut list)?));
        }
        while steps.remaining() > 0 {
            transitions.push(Transition::decode(&mut steps)?);
        }
        Ok(Some(Self { generations, transitions }))
    }

    /// The checks of what was decoded, those that take long at the end. SPEC §22.2
    fn adopt(self, claim: Option<Claim>, watch: &mut Watch<'_>) -> Result<LinkedIdentity, Error> {
        let Self { generations, transitions } = self;
        let publics: Vec<&PublicIdentity> = generations.iter().map(|(_, public)| public).collect();
        // [LNK-06]
        let last = publics.last().filter(|_| chained(&publics, &transitions)).ok_or(refused("LNK-06"))?;
        // [LNK-07]
        claim.map_or(Ok(()), |claim| claim.verify(last)).map_err(|_| refused("LNK-07"))?;
        // [LNK-08]
        let mut identities = Vec::new();
        for (secret, public) in generations {
            identities.push(Identity::of_secret(&secret, public, watch)?.ok_or(refused("LNK-08"))?);
        }
        let current = identities.pop().ok_or(refused("LNK-06"))?;
        Ok(LinkedIdentity { earlier: identities, current, transitions })
    }
}

/// An answer that was checked: whose identity it is, its user has to say. SPEC §22.2 [LNK-04]
#[must_use]
pub struct Linked(LinkedIdentity);

impl Linked {
    /// To be compared with the one that the other device shows.
    #[must_use]
    pub fn code(&self) -> LinkCode {
        LinkCode::of(self.0.current.public())
    }

    /// To be called once the user said that both devices show the same code: there are no keys before. [LNK-04]
    pub fn confirm(self) -> LinkedIdentity {
        self.0
    }
}

impl fmt::Debug for Linked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Linked(..)")
    }
}

/// A person's identity on a device that has no words: all of its generations. Zeroized on drop. SPEC §22.2
///
/// It opens, seals and signs as one from words, and cannot make a transition.
#[derive(Clone)]
pub struct LinkedIdentity {
    earlier: Vec<Identity>,
    current: Identity,
    transitions: Vec<Transition>,
}

impl LinkedIdentity {
    /// The last generation: who seals and signs.
    #[must_use]
    pub const fn current(&self) -> &Identity {
        &self.current
    }

    /// All generations, from 0 to the last: who opens.
    pub fn generations(&self) -> impl Iterator<Item = &Identity> {
        self.earlier.iter().chain([&self.current])
    }

    /// The transitions between them, in the same order: for [`ConfirmedLink::answer`](crate::ConfirmedLink::answer) and
    /// for people who hold an earlier generation.
    #[must_use]
    pub fn transitions(&self) -> &[Transition] {
        &self.transitions
    }

    /// Seals it for the device's own store, under a key that stays in the device. SPEC §22.3 [LNK-09]
    ///
    /// # Errors
    /// [`Error::Limit`]; [`Error::Generator`].
    pub fn save(&self, key: &SymmetricKey, rng: &mut impl TryCryptoRng) -> Result<Vec<u8>, Error> {
        let generations: Vec<&Identity> = self.generations().collect();
        let content = encode(&NO_ECHO, &generations, &self.transitions)?;
        let to = [Recipient::symmetric(key)];
        Envelope::to(&to).padding(Padding::Padme).seal_as(ContentType::DeviceLink, &content, rng)
    }

    /// Opens what [`save`](Self::save) sealed. Takes seconds for RSA profiles. SPEC §22.3 [LNK-09]
    ///
    /// # Errors
    /// The errors of decoding; [`Error::Decrypt`] for another key or a changed byte; [`Error::Link`] with the tag of what is
    /// wrong with it.
    pub fn load(stored: &[u8], key: &SymmetricKey) -> Result<Self, Error> {
        Self::load_with(stored, key, &mut unwatched)
    }

    /// [`load`](Self::load), with progress of the search for RSA primes, which can be given up. [ERR-02]
    ///
    /// # Errors
    /// As [`load`](Self::load), and [`Error::GivenUp`].
    #[cfg(feature = "rsa")]
    pub fn load_watched(stored: &[u8], key: &SymmetricKey, watch: &mut Watch<'_>) -> Result<Self, Error> {
        Self::load_with(stored, key, watch)
    }

    fn load_with(stored: &[u8], key: &SymmetricKey, watch: &mut Watch<'_>) -> Result<Self, Error> {
        let locked = decode(stored)?;
        let header = locked.header();
        if header.signature.is_some() {
            return Err(Error::Malformed { field: "signature" });
        }
        let mut stanzas = header.stanzas();
        let one = matches!(stanzas.next(), Some(Ok(Stanza::Symmetric { .. })));
        if !one || stanzas.next().is_some() {
            return Err(Error::Malformed { field: "stanzas" });
        }
        let (content, _) = Content::open(locked.unlock_symmetric(key)?, locked.payload(), &NO_ECHO)?;
        content.adopt(None, watch)
    }
}

impl fmt::Debug for LinkedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LinkedIdentity").field(self.current.public().fingerprint()).finish()
    }
}
