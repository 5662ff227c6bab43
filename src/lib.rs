//! Hybrid encryption between people: sealed envelopes to many recipients, and identities that come back from words.
//!
//! A server stores what people write to each other and sees only ciphertext and wrapped keys. A new phone opens all of it
//! again from 12 to 24 words. The protocol is defined in [SPEC.md], which this documentation cites as `SPEC §n [TAG]`.
//!
//! ```
//! use sealroom::*;
//!
//! # #[cfg(all(feature = "std", feature = "mnemonic"))]
//! # fn main() -> Result<(), Error> {
//! let mut rng = SystemRng;
//! let words = Mnemonic::generate(&mut rng)?; // 24 words, to be written down
//! let alice = words.root().identity(Profile::P256, 0, &mut rng)?;
//! # let bob = Mnemonic::generate(&mut rng)?.root().identity(Profile::P256, 0, &mut rng)?;
//! # let (published, alice_public) = (bob.public().to_string(), alice.public());
//! let bob_public: PublicIdentity = published.parse()?; // and compare SafetyNumber::of(..) with Bob
//!
//! let envelope = Envelope::to(&[bob_public.recipient()])
//!     .signed_by(alice.sender()) // and Alice keeps a copy
//!     .padding(Padding::Padme)
//!     .seal(b"Meet me at noon.", &mut rng)?;
//!
//! let opened = open(&envelope, &[bob.reader()], &mut rng)?; // who signed? opened.claimed_signer()
//! assert_eq!(opened.verify(alice_public)?, b"Meet me at noon.");
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "std", feature = "mnemonic")))]
//! # fn main() {}
//! ```
//!
//! # Where to begin
//!
//! | to | see |
//! |---|---|
//! | make or recover an identity | [`Mnemonic`], [`Root`], [`Identity`], [`PublicIdentity`] |
//! | be sure whose identity it is | [`SafetyNumber`], [`Fingerprint`] |
//! | change an identity's keys | [`Root::succeed`], [`PublicIdentity::follow`] |
//! | seal to people, keys or a passphrase | [`Envelope`], [`Recipient`], [`Sender`] |
//! | open | [`open`], or step by step: [`Locked`], [`Unlocked`], [`Opened`] |
//! | seal or open more than memory holds | [`Envelope::stream`], [`EnvelopeStart`], [`OpenStream`] |
//! | read a part of a large envelope | [`Unlocked::at_offsets`] |
//! | write to a group over time, chat included | [`Room`], [`Draft`] |
//! | change a group, join one, get one back | [`Change`], [`Joining`], [`Room::catch_up`], [`Room::recover`] |
//! | take part in a group with a small device | [`SingleEpoch`], [`ReplayWindow`] |
//! | keep what all devices of a person know, contacts included | [`Keyring`] |
//! | get everything back on a new device | [`Recovery`] |
//! | change keys everywhere, after a device was lost | [`Succession`] |
//! | give an identity to a new device without the words | [`Linking`], [`LinkRequest`] |
//! | let a server know a device's requests | [`DeviceCertificate`], [`RequestProof`] |
//! | sign bytes that stand elsewhere | [`DetachedSignature`] |
//! | keep private keys in hardware or a service | [`Agree`], [`Sign`], [`Operation`], [`PendingSignature`] |
//! | know what a blob is without a key | [`inspect`] |
//!
//! # Layers and features
//!
//! No I/O, no clock, no global state, no `unsafe`: bytes in, bytes out, a generator passed in.
//!
//! - Without features: `no_std`, no allocator. Envelopes for P-256 and symmetric keys in the caller's buffer
//!   ([`Envelope::seal_into`], [`open_into`]), the messages of a room's epoch ([`SingleEpoch`]), P-256 identities,
//!   signatures, transitions, safety numbers, device certificates, request proofs.
//! - `alloc`: vectors, streams, PEM, rooms, linked devices.
//! - `rsa`, `passphrase`, `mnemonic`: each its own weight, and off where it is not needed.
//! - `std` (default, with the three above): the system's generator, [`SystemRng`].
//! - `aws-lc-rs`: the primitives from AWS-LC, for hosted platforms. Nothing about an object or the API changes.
//! - `parallel`: large envelopes, many readers, RSA keys from words and a room's history on all cores; the same bytes. The work is
//!   rayon's: who holds a lock during a call and wants the same lock in other tasks of its pool may wait for itself.
//! - `serde`: text forms of public identities and fingerprints.
//! - `hazmat`: derandomised entry points for vectors and fuzzing. Not for applications.
//!
//! [SPEC.md]: https://github.com/sealroom/sealroom/blob/main/SPEC.md
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
// Labels, limits and the wire's forms stand whole in their files, also where a feature that uses one of them is off.
#![cfg_attr(not(all(feature = "rsa", feature = "passphrase")), allow(dead_code))]
// Tests may fail loudly.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::as_conversions,
        clippy::panic
    )
)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(test, feature = "aws-lc-rs", feature = "parallel"))]
extern crate std;

// -- ground: no protocol
mod error; // SPEC §14
mod labels; // SPEC §4.3, §13
mod object; // SPEC §6
mod progress;
mod secret;
mod side_by_side;
mod text; // SPEC §17
mod wire; // SPEC §3
// -- primitives
mod crypto; // SPEC §5
mod derive; // SPEC §4.1, §4.2
mod det_keygen; // SPEC §11.3
mod hpke; // SPEC §8.2
// -- keys
mod keys; // SPEC §5
mod public_identity; // SPEC §11.4
// -- envelope
mod envelope; // SPEC §7 to §10
// -- people
mod detached; // SPEC §10.3
mod identity; // SPEC §11.2, §11.3, §12
#[cfg(feature = "mnemonic")]
mod mnemonic; // SPEC §11.1
// -- devices
mod device; // SPEC §22, §23
// -- rooms
mod epoch; // SPEC §18.1, §18.11, §19
#[cfg(feature = "alloc")]
mod room; // SPEC §18, §19
// -- keyring
#[cfg(feature = "alloc")]
mod keyring; // SPEC §20
// -- recovery
#[cfg(feature = "alloc")]
mod recovery; // SPEC §21
#[cfg(feature = "alloc")]
mod succession; // SPEC §22.4
// -- at the edges
#[cfg(feature = "hazmat")]
pub mod hazmat;
mod inspect; // SPEC §6
#[cfg(feature = "serde")]
mod serde;
#[cfg(feature = "std")]
mod system;

/// The examples of the README, which show all of their lines, as tests.
#[cfg(all(doctest, feature = "std", feature = "mnemonic", feature = "passphrase", feature = "rsa"))]
#[doc = include_str!("../README.md")]
struct Readme;

pub use crypto::Random;
pub use detached::DetachedSignature;
pub use device::{Clock, DeviceCertificate, Replays, Request, RequestProof, UnsignedCertificate, UnsignedProof};
#[cfg(feature = "alloc")]
pub use device::{ConfirmedLink, LinkCode, LinkRequest, Linked, LinkedIdentity, Linking, RememberedProofs};
pub use envelope::{
    AttachmentKey, ContentType, Envelope, EnvelopeInfo, Limits, Locked, OffsetProbe, OffsetReader, Opened, Operation,
    Padding, Reader, Recipient, Sender, Unlocked, Unverified, open_into,
};
#[cfg(feature = "alloc")]
pub use envelope::{EnvelopeStart, OpenStream, PendingSignature, SealStream, open};
#[cfg(feature = "passphrase")]
pub use envelope::{PassphraseCost, PassphraseKey, WorkLimits};
pub use epoch::{
    DeviceId, Directory, Draft, Epoch, EpochKey, EpochMessage, Freshness, HistoryPolicy, Member, MessageId,
    ReplayWindow, Role, RoomCode, RoomId, SingleEpoch, Transcript,
};
pub use error::Error;
pub use identity::{Identity, Root, SafetyNumber, Transition, UnsignedTransition};
pub use inspect::{Info, inspect};
#[cfg(feature = "alloc")]
pub use keyring::{Conflict, Contact, Keyring, Lacking, Merged, Sighting};
pub use keys::{Agree, P256PrivateKey, P256PublicKey, SharedSecret, Sign, SignatureAlgorithm, SymmetricKey};
#[cfg(feature = "rsa")]
pub use keys::{DecryptOaep, RsaPrivateKey, RsaPublicKey, WrappedContent};
#[cfg(feature = "alloc")]
pub use keys::{SecretDer, SecretPem};
#[cfg(feature = "mnemonic")]
pub use mnemonic::{Language, Mnemonic, WordCount};
pub use progress::{Progress, Watch, unwatched};
pub use public_identity::{Fingerprint, Profile, PublicIdentity, UnsignedIdentity};
#[cfg(feature = "alloc")]
pub use recovery::{Account, Missing, Recovery, RecoveryProgress, Refused, Step, Wanted};
#[cfg(feature = "alloc")]
pub use room::{
    Applied, Change, Fork, HeadStatement, Joining, LeaveStatement, PendingMessage, PendingPackage, Recovered, Room,
    RoomMessage, RotationPolicy, Standing,
};
#[cfg(feature = "alloc")]
pub use succession::{Left, Succession};
#[cfg(feature = "std")]
pub use system::SystemRng;
