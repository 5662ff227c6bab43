//! Linking, on the device that has the identity: a request, its user's confirmation, the answer. SPEC §22.
//!
//! ```text
//! Linking --request--> LinkRequest ==QR==> LinkRequest --confirm--> ConfirmedLink --answer--> bytes
//! bytes --Linking::open--> Linked --confirm, once the codes are the same--> LinkedIdentity
//! ```

use crate::envelope::{ContentType, Envelope, Padding, Recipient};
use crate::error::Error;
use crate::identity::{Identity, SAFETY_GROUPS, Transition, safety_half, write_groups};
use crate::keys::{P256PublicKey, VerifyingKey};
use crate::labels::{KEY_LEN, MAX_GENERATIONS, POINT_LEN, PREFIX_LEN};
use crate::object::{decode_prefix, prefix};
use crate::public_identity::PublicIdentity;
use crate::secret::Secret;
use crate::text;
use crate::wire::{Reader as Wire, push_length};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

/// Object type of SPEC §6.
pub(crate) const TYPE: u8 = 0x26;

/// Bytes of a request's echo.
pub(super) const ECHO_LEN: usize = 32;

/// What a new device shows as a QR code: a fresh key, and random bytes that its answer repeats. SPEC §22.1
#[derive(Clone)]
pub struct LinkRequest {
    pub(super) key: P256PublicKey,
    pub(super) echo: Secret<ECHO_LEN>,
}

impl LinkRequest {
    /// Length of the encoding in bytes.
    pub const LEN: usize = PREFIX_LEN + POINT_LEN + ECHO_LEN;

    /// Decodes exactly one request of 104 bytes. SPEC §22.1 [WIRE-04]
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::Unsupported`], naming the field.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut wire = Wire::new(bytes);
        // [OBJ-03]
        if decode_prefix(&mut wire)? != TYPE {
            return Err(Error::Unsupported { field: "type" });
        }
        let field = "encryption_key";
        let key = P256PublicKey::from_bytes(wire.array(field)?).map_err(|_| Error::Malformed { field })?;
        let mut echo = Secret::zero();
        echo.expose_mut().copy_from_slice(wire.array::<ECHO_LEN>("echo")?);
        wire.finish("link request")?;
        Ok(Self { key, echo })
    }

    /// The encoding, 104 bytes: for the eyes of the device that links, and for no server.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let pieces = prefix(TYPE).into_iter().chain(*self.key.as_bytes()).chain(*self.echo.expose());
        bytes.iter_mut().zip(pieces).for_each(|(place, byte)| *place = byte);
        bytes
    }

    /// To be called once the user of the device that links agreed to give the identity away to the device that showed this
    /// request: there is no answer without. SPEC §22.1 [LNK-01]
    ///
    /// ```compile_fail
    /// fn without_asking(request: sealroom::LinkRequest, me: &sealroom::Identity) {
    ///     let _ = request.answer(&[me], &[], &mut sealroom::SystemRng);
    /// }
    /// ```
    #[must_use]
    pub const fn confirm(self) -> ConfirmedLink {
        ConfirmedLink(self)
    }
}

impl fmt::Display for LinkRequest {
    /// `slrm-link:` and 139 characters of base64url. SPEC §17 [TXT-01]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::encode(text::LINK_REQUEST, &self.to_bytes(), f)
    }
}

impl FromStr for LinkRequest {
    type Err = Error;

    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), and [`Error::Malformed`] for other text. [TXT-02]
    fn from_str(s: &str) -> Result<Self, Error> {
        let mut bytes = [0; Self::LEN];
        Self::from_bytes(text::decode(text::LINK_REQUEST, s, &mut bytes)?)
    }
}

impl fmt::Debug for LinkRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkRequest").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A link request that the user of the device that links agreed to. SPEC §22.1 [LNK-01]
#[derive(Clone, Debug)]
pub struct ConfirmedLink(LinkRequest);

impl ConfirmedLink {
    /// Seals a person's generations, from 0 to the last, and the transitions between them to the new device: and to nobody
    /// else, no key of an identity among them. SPEC §22.2 [LNK-02] [LNK-05]
    ///
    /// Any server may carry the answer. Show [`LinkCode::of`] the last identity, for the user to compare. One P-256
    /// generation takes 631 bytes.
    ///
    /// # Errors
    /// [`Error::Argument`] for generations and transitions that no device would take; [`Error::Limit`]; [`Error::Generator`].
    pub fn answer(
        &self,
        generations: &[&Identity],
        transitions: &[Transition],
        rng: &mut impl TryCryptoRng,
    ) -> Result<Vec<u8>, Error> {
        let last = generations.last().filter(|_| is_chain(generations, transitions));
        let last = last.ok_or(Error::Argument { what: "not all generations and the transitions between them" })?;
        // [LNK-05] A key that an earlier generation has is not fresh.
        let own = self.0.key.as_bytes();
        let has = |one: &PublicIdentity| {
            one.p256_encryption_key().is_some_and(|key| key.as_bytes() == own)
                || matches!(one.signing_key(), VerifyingKey::P256(key) if key.as_bytes() == own)
        };
        if generations.iter().any(|one| has(one.public())) {
            return Err(Error::Argument { what: "a request for a key of a generation" });
        }
        let content = encode(&self.0.echo, generations, transitions)?;
        let to = [Recipient::bare_p256(&self.0.key)];
        Envelope::to(&to).signed_by(last.sender()).without_copy_for_me().padding(Padding::Padme).seal_as(
            ContentType::DeviceLink,
            &content,
            rng,
        )
    }
}

/// What users compare on both devices: 30 digits of the identity that is given on. SPEC §22.2 [LNK-04]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkCode([u32; SAFETY_GROUPS]);

impl LinkCode {
    /// Of the last generation.
    #[must_use]
    pub fn of(identity: &PublicIdentity) -> Self {
        Self(safety_half(identity.fingerprint().as_bytes()))
    }

    /// The six groups of five digits.
    #[must_use]
    pub const fn groups(&self) -> [u32; SAFETY_GROUPS] {
        self.0
    }
}

impl fmt::Display for LinkCode {
    /// Six groups of five digits, separated by spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_groups(&self.0, f)
    }
}

/// Whether these are generations 0, 1, .. g and the transitions between them. [LNK-06]
fn is_chain(generations: &[&Identity], transitions: &[Transition]) -> bool {
    let publics: Vec<&PublicIdentity> = generations.iter().map(|identity| identity.public()).collect();
    chained(&publics, transitions)
}

/// [`is_chain`] of public identities.
pub(super) fn chained(generations: &[&PublicIdentity], transitions: &[Transition]) -> bool {
    let Some((first, later)) = generations.split_first() else { return false };
    if first.generation() != 0 || later.len() != transitions.len() {
        return false;
    }
    // [TRN-01] which also makes generations ascend by one.
    generations
        .iter()
        .zip(later)
        .zip(transitions)
        .all(|((old, new), transition)| old.follow(transition).is_ok_and(|followed| followed == **new))
}

/// DeviceLink. SPEC §22.2
pub(super) fn encode(
    echo: &Secret<ECHO_LEN>,
    generations: &[&Identity],
    transitions: &[Transition],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    if generations.len() > MAX_GENERATIONS {
        return Err(Error::Limit { limit: "generations" });
    }
    let mut steps = Vec::new();
    for transition in transitions {
        steps.extend_from_slice(&transition.to_bytes()?);
    }
    // As much as it will ever hold, so that no copy with a secret is left behind.
    let capacity = generations.len().saturating_mul(KEY_LEN.saturating_add(PublicIdentity::MAX_LEN));
    let mut list = Zeroizing::new(Vec::with_capacity(capacity));
    for identity in generations {
        list.extend_from_slice(identity.secret().expose());
        list.extend_from_slice(&identity.public().to_bytes());
    }
    let capacity = list.len().saturating_add(steps.len()).saturating_add(ECHO_LEN + 8);
    let mut content = Zeroizing::new(Vec::with_capacity(capacity));
    content.extend_from_slice(echo.expose());
    push_length(&mut content, list.len());
    content.extend_from_slice(&list);
    push_length(&mut content, steps.len());
    content.extend_from_slice(&steps);
    Ok(content)
}
