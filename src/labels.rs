//! Every label and every size of the protocol. SPEC §4.3, §13.
//!
//! A test below holds the labels equal to the table in SPEC.md.

/// Stands before every label. [LAB-01]
pub(crate) const PREFIX: &[u8] = b"sealroom/1 ";

/// What a derivation, a signature or a hash is for. One constant per purpose. [LAB-02]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label(pub(crate) &'static str);

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: Label = Label($text);)*
    };
}

labels! {
    /// Key, base nonce and commitment of an envelope from its DEK. §7.3
    ENVELOPE = "envelope";
    /// Key and nonce of the signature block from the DEK. §10.1
    SIGNATURE = "signature";
    /// Signature over an envelope. §10.2
    ENVELOPE_SIGNATURE = "envelope signature";
    /// `info` of every wrap of a DEK. §8.1
    WRAP = "wrap";
    /// Recipient id of a key without an identity. §8.1
    BARE_KEY = "bare key";
    /// Key id of an RSA stanza. §8.3
    RSA_KEY_ID = "rsa key id";
    /// Key id of a symmetric stanza. §8.4
    KEY_ID = "key id";
    /// Wrapping key of a symmetric stanza. §8.4
    SYMMETRIC_WRAP = "symmetric wrap";
    /// Wrapping key of a passphrase stanza. §8.5
    PASSPHRASE_WRAP = "passphrase wrap";
    /// Digest of an attachment. §10.4
    ATTACHMENT = "attachment";
    /// Signature over any bytes. §10.3
    DETACHED_SIGNATURE = "detached signature";
    /// One generation's secret from the root. §11.2
    GENERATION = "generation";
    /// Seed of the P-256 encryption key. §11.3
    P256_ENCRYPTION = "p256 encryption";
    /// Seed of the P-256 signing key. §11.3
    P256_SIGNING = "p256 signing";
    /// Seed of the RSA encryption key. §11.3
    RSA_ENCRYPTION = "rsa encryption";
    /// Seed of the RSA signing key. §11.3
    RSA_SIGNING = "rsa signing";
    /// Seed of the rotation key. §11.3
    ROTATION = "rotation";
    /// The keyring key. §11.3
    KEYRING = "keyring";
    /// Seed of the post-quantum encryption key. §11.3
    #[expect(dead_code, reason = "reserved, so that no other purpose takes it")]
    ML_KEM = "ml-kem";
    /// Hash of the next generation's rotation key. §11.4
    ROTATION_KEY = "rotation key";
    /// Fingerprint of a public identity. §11.4
    FINGERPRINT = "fingerprint";
    /// An identity's signature over its own body. §11.4
    IDENTITY_SIGNATURE = "identity signature";
    /// The signing key's signature over a transition. §12.1
    TRANSITION = "transition";
    /// The rotation key's signature over a transition. §12.1
    TRANSITION_ROTATION = "transition rotation";
    /// Id of a room. §18.1
    ROOM_ID = "room id";
    /// Hash of what an epoch's author signed. §18.1
    ROOM_EPOCH = "room epoch";
    /// Message key of an epoch from its secret. §18.1
    MESSAGES = "messages";
    /// Transcript of an epoch from its message key. §18.1
    ROOM_TRANSCRIPT = "room transcript";
    /// Key that wraps the next addition's secret. §18.1
    EPOCH_WRAP = "epoch wrap";
    /// Signature over a leave statement. §18.6
    LEAVE = "leave";
    /// Signature over a head statement. §18.7
    HEAD = "head";
    /// The code that a room's people compare. §18.10
    ROOM_CODE = "room code";
    /// Key of one room message from its salt. §19.1
    MESSAGE = "message";
    /// Signature over a room message, and its id. §19.2
    ROOM_MESSAGE = "room message";
    /// Key that makes the salts of an epoch's messages. §19.3
    MESSAGE_SALT = "message salt";
    /// Signature over a device certificate. §23.1
    DEVICE_CERTIFICATE = "device certificate";
    /// Signature over a request proof. §23.2
    REQUEST_PROOF = "request proof";
}

/// Salt of the one HKDF-Extract, from a BIP-39 seed to an identity's root. [ID-03]
pub(crate) const ROOT_SALT: &[u8] = b"sealroom/1 identity";

/// What stands at the start of every object. [OBJ-01]
pub(crate) const MAGIC: &[u8; 4] = b"SLRM";
/// The one suite of this version. [SUITE-01]
pub(crate) const SUITE: u16 = 1;
/// Magic, suite and type: the prefix of every object.
pub(crate) const PREFIX_LEN: usize = 7;
/// An envelope's random salt.
pub(crate) const SALT_LEN: usize = 24;
/// A data encryption key and every other symmetric key.
pub(crate) const KEY_LEN: usize = 32;
/// An AES-GCM nonce.
pub(crate) const NONCE_LEN: usize = 12;
/// An AES-GCM tag.
pub(crate) const TAG_LEN: usize = 16;
/// An AES-256-GCM ciphertext of a DEK.
pub(crate) const WRAPPED_LEN: usize = KEY_LEN + TAG_LEN;
/// A key commitment.
pub(crate) const COMMITMENT_LEN: usize = 32;
/// Plaintext bytes of every chunk but the last. [PAY-01]
pub(crate) const CHUNK_LEN: usize = 16 * 1024;
/// Ciphertext bytes of every chunk but the last.
pub(crate) const SEALED_CHUNK_LEN: usize = CHUNK_LEN + TAG_LEN;
/// An uncompressed P-256 point.
pub(crate) const POINT_LEN: usize = 65;
/// A fingerprint and every other recipient id.
pub(crate) const FINGERPRINT_LEN: usize = 32;
/// An ECDSA P-256 signature, r then s.
pub(crate) const ECDSA_LEN: usize = 64;

/// Chunks in one envelope. [LIM-01]
pub(crate) const MAX_CHUNKS: u64 = 1 << 38;
/// Header bytes that a reader holds unless told otherwise. [LIM-02]
pub(crate) const MAX_HEADER_LEN: usize = 1 << 20;
/// Entries (wrapped keys of all stanzas) that a reader tries unless told otherwise. [LIM-03]
pub(crate) const MAX_ENTRIES: usize = 16_384;
/// Argon2id memory that an opener spends unless told otherwise, in KiB. [LIM-04]
pub(crate) const MAX_ARGON2_MEMORY_KIB: u32 = 256 * 1024;
/// Argon2id memory times passes times rounds that an opener spends unless told otherwise, in KiB. [LIM-05]
pub(crate) const MAX_ARGON2_WORK_KIB: u64 = 4 * 1024 * 1024;
/// PBKDF2 iterations times rounds that an opener spends unless told otherwise. [LIM-06]
pub(crate) const MAX_PBKDF2_WORK: u64 = 10_000_000;
/// Context of a detached signature, in bytes. [LIM-07]
pub(crate) const MAX_CONTEXT_LEN: usize = 255;
/// Argon2id lanes. [LIM-08]
pub(crate) const MAX_ARGON2_LANES: u8 = 16;
/// People in a room. [LIM-11]
pub(crate) const MAX_MEMBERS: usize = 16_384;
/// Plaintext bytes of a room message: fields, content, padding. [LIM-12]
pub(crate) const MAX_MESSAGE_LEN: usize = 16 * 1024 * 1024;
/// Generations of an identity that a link gives. [LIM-13]
pub(crate) const MAX_GENERATIONS: usize = 256;
/// Bytes of a DER or PEM key that is imported. [LIM-09]
pub(crate) const MAX_KEY_FILE_LEN: usize = 16 * 1024;
