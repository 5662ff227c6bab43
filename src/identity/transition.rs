//! Transition: the signed statement that one generation of an identity becomes the next. SPEC §12.1.

use crate::derive::sign_input_hash;
use crate::error::Error;
use crate::keys::{MAX_SIGNATURE_LEN, P256PublicKey, Sign, Signature, SignatureAlgorithm, Verifiable, VerifyingKey};
use crate::labels::{self, ECDSA_LEN, FINGERPRINT_LEN, Label, POINT_LEN, PREFIX_LEN};
use crate::object::{decode_prefix, prefix};
use crate::public_identity::{Fingerprint, PublicIdentity, rotation_key_hash};
use crate::wire::{Reader as Wire, Writer};
use core::fmt;
use rand_core::TryCryptoRng;

/// Object type of SPEC §6.
pub(crate) const TYPE: u8 = 0x21;

/// The longest body: prefix, old fingerprint, algorithm, the longest identity, rotation key.
const MAX_BODY_LEN: usize = PREFIX_LEN + FINGERPRINT_LEN + 1 + PublicIdentity::MAX_LEN + POINT_LEN;

/// What both keys sign.
#[derive(Clone)]
struct Body {
    old: Fingerprint,
    algorithm: SignatureAlgorithm,
    new: PublicIdentity,
    rotation_key: P256PublicKey,
}

impl Body {
    fn encode<'o>(&self, out: &'o mut [u8]) -> Result<&'o [u8], Error> {
        let mut writer = Writer::new(out);
        writer.put(&prefix(TYPE))?;
        writer.put(self.old.as_bytes())?;
        writer.u8(self.algorithm.code())?;
        self.new.encode(&mut writer)?;
        writer.put(self.rotation_key.as_bytes())?;
        let len = writer.len();
        out.get(..len).ok_or(Error::Buffer { needed: len })
    }

    fn decode(wire: &mut Wire<'_>) -> Result<Self, Error> {
        // [OBJ-03]
        if decode_prefix(wire)? != TYPE {
            return Err(Error::Unsupported { field: "type" });
        }
        let old = Fingerprint::from_bytes(*wire.array("old_fingerprint")?);
        let algorithm = SignatureAlgorithm::from_code(wire.u8("algorithm")?)?;
        let algorithm = algorithm.ok_or(Error::Malformed { field: "algorithm" })?;
        let new = PublicIdentity::decode(wire)?;
        let rotation_key = P256PublicKey::from_bytes(wire.array("rotation_key")?);
        let rotation_key = rotation_key.map_err(|_| Error::Malformed { field: "rotation_key" })?;
        Ok(Self { old, algorithm, new, rotation_key })
    }

    fn digest(&self, label: Label) -> Result<[u8; 32], Error> {
        let mut bytes = [0; MAX_BODY_LEN];
        Ok(sign_input_hash(label, &[self.encode(&mut bytes)?]))
    }
}

/// A transition that waits for both signatures.
#[derive(Clone)]
pub struct UnsignedTransition {
    body: Body,
    old_key: VerifyingKey,
}

impl UnsignedTransition {
    /// Prepares the step from `old` to `new`; `rotation_key` is the public key that `old` named.
    ///
    /// # Errors
    /// [`Error::Argument`] if `new` is not one generation after `old`, or `rotation_key` is not the one.
    pub fn new(old: &PublicIdentity, new: &PublicIdentity, rotation_key: &P256PublicKey) -> Result<Self, Error> {
        if old.generation().checked_add(1) != Some(new.generation()) {
            return Err(Error::Argument { what: "not the next generation" });
        }
        if rotation_key_hash(rotation_key.as_bytes()) != *old.next() {
            return Err(Error::Argument { what: "not the rotation key that the old identity names" });
        }
        let body = Body {
            old: *old.fingerprint(),
            algorithm: old.signing_key().algorithm(),
            new: new.clone(),
            rotation_key: rotation_key.clone(),
        };
        Ok(Self { body, old_key: old.signing_key().clone() })
    }

    /// The SHA-256 digests that the old signing key and the rotation key have to sign, in this order.
    ///
    /// # Errors
    /// None that can be reached.
    pub fn digests(&self) -> Result<[[u8; 32]; 2], Error> {
        Ok([self.body.digest(labels::TRANSITION)?, self.body.digest(labels::TRANSITION_ROTATION)?])
    }

    /// Takes the signatures over [`digests`](Self::digests): the old signing key's, and the rotation key's of 64 bytes.
    ///
    /// # Errors
    /// [`Error::Key`] if one is not the key's.
    pub fn complete(self, signature: &[u8], rotation_signature: &[u8]) -> Result<Transition, Error> {
        let [digest, rotation_digest] = self.digests()?;
        let signature = self.old_key.accept(&digest, signature)?;
        let rotation_key = VerifyingKey::P256(self.body.rotation_key.clone());
        let rotation_signature = rotation_key.accept(&rotation_digest, rotation_signature)?;
        Ok(Transition { body: self.body, signature, rotation_signature })
    }

    /// Signs with the old signing key and the rotation key, here or elsewhere.
    ///
    /// # Errors
    /// [`Error::Key`] if a key failed or is another one, [`Error::Generator`].
    pub fn sign(
        self,
        key: &dyn Sign,
        rotation_key: &dyn Sign,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Transition, Error> {
        let [digest, rotation_digest] = self.digests()?;
        let signature = Verifiable::make(self.body.algorithm, |place| key.sign_digest(&digest, place, rng))?;
        let rotation_signature = Verifiable::make(SignatureAlgorithm::EcdsaP256, |place| {
            rotation_key.sign_digest(&rotation_digest, place, rng)
        })?;
        self.complete(signature.as_bytes(), rotation_signature.as_bytes())
    }
}

impl fmt::Debug for UnsignedTransition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsignedTransition")
            .field("old", &self.body.old)
            .field("new", &self.body.new)
            .finish_non_exhaustive()
    }
}

/// A transition from one generation to the next. One that was decoded is not checked until it is followed.
#[derive(Clone)]
pub struct Transition {
    body: Body,
    signature: Signature,
    rotation_signature: Signature,
}

impl Transition {
    /// The longest encoding in bytes.
    pub const MAX_LEN: usize = MAX_BODY_LEN + MAX_SIGNATURE_LEN + ECDSA_LEN;

    /// Decodes exactly one transition. Its new identity is checked, its signatures are not: they need the old identity.
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::Unsupported`], naming the field; [`Error::Signature`] of the new identity.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut wire = Wire::new(bytes);
        let transition = Self::decode(&mut wire)?;
        wire.finish("transition")?;
        Ok(transition)
    }

    pub(crate) fn decode(wire: &mut Wire<'_>) -> Result<Self, Error> {
        let body = Body::decode(wire)?;
        let field = "signature";
        let signature = wire.take(body.algorithm.signature_len(), field)?;
        let signature = Signature::from_slice(body.algorithm, signature).ok_or(Error::Malformed { field })?;
        let field = "rotation_signature";
        let rotation_signature = wire.take(ECDSA_LEN, field)?;
        let rotation_signature = Signature::from_slice(SignatureAlgorithm::EcdsaP256, rotation_signature)
            .ok_or(Error::Malformed { field })?;
        Ok(Self { body, signature, rotation_signature })
    }

    /// The encoding in a caller's buffer of at most [`MAX_LEN`](Self::MAX_LEN) bytes.
    ///
    /// # Errors
    /// [`Error::Buffer`].
    pub fn encode_into<'o>(&self, out: &'o mut [u8]) -> Result<&'o [u8], Error> {
        let body_len = self.body.encode(out)?.len();
        let mut writer = Writer::new(out);
        writer.reserve(body_len)?;
        writer.put(self.signature.as_bytes())?;
        writer.put(self.rotation_signature.as_bytes())?;
        let len = writer.len();
        out.get(..len).ok_or(Error::Buffer { needed: len })
    }

    /// The encoding. SPEC §12.1
    ///
    /// # Errors
    /// None that can be reached.
    #[cfg(feature = "alloc")]
    pub fn to_bytes(&self) -> Result<alloc::vec::Vec<u8>, Error> {
        let mut bytes = [0; Self::MAX_LEN];
        self.encode_into(&mut bytes).map(<[u8]>::to_vec)
    }

    /// The fingerprint of the identity that this transition starts from: look it up by it.
    #[must_use]
    pub const fn old_fingerprint(&self) -> &Fingerprint {
        &self.body.old
    }

    /// The identity that it leads to, whose right to that is not checked.
    pub(crate) const fn new_identity(&self) -> &PublicIdentity {
        &self.body.new
    }

    /// The fingerprints of the identities from which and to which it leads.
    pub(crate) const fn fingerprints(&self) -> (Fingerprint, Fingerprint) {
        (self.body.old, *self.body.new.fingerprint())
    }
}

impl PublicIdentity {
    /// The identity that `transition` leads to, if it is this identity's and rightly signed by both its keys.
    ///
    /// Replace the pinned identity by the result: the first transition from a generation stands. SPEC §12.1 [TRN-01] [TRN-02]
    ///
    /// # Errors
    /// [`Error::Signature`] if any check of SPEC §12.1 fails.
    pub fn follow(&self, transition: &Transition) -> Result<Self, Error> {
        let body = &transition.body;
        let fits = body.old == *self.fingerprint()
            && body.algorithm == self.signing_key().algorithm()
            && self.generation().checked_add(1) == Some(body.new.generation())
            && rotation_key_hash(body.rotation_key.as_bytes()) == *self.next();
        if !fits {
            return Err(Error::Signature);
        }
        self.signing_key().verify(&body.digest(labels::TRANSITION)?, transition.signature.as_bytes())?;
        body.rotation_key
            .verify(&body.digest(labels::TRANSITION_ROTATION)?, transition.rotation_signature.as_bytes())?;
        Ok(body.new.clone())
    }
}

impl fmt::Debug for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transition").field("old", &self.body.old).field("new", &self.body.new).finish_non_exhaustive()
    }
}
