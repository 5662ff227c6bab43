//! What a server does, what it sees, and what cannot be found on it.

use crate::{Outcome, grouped};
use sealroom::{ContentType, Fingerprint, Identity, Info, PublicIdentity, RoomId, Transition, inspect};
use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The name that proofs of requests are made for.
pub(crate) const AUDIENCE: &str = "chat.example";

/// Bytes at the start of a segment by which it is named to be dropped.
pub(crate) const SEGMENT_START: usize = 33;

/// A server: a directory that nobody guards, or another process that asks for proofs. `who` names the account that asks.
pub(crate) trait Store {
    /// Lets a device of an account ask. A directory lets everyone.
    fn sign_in(&self, _who: &str, _identity: &Identity) -> Outcome<()> {
        Ok(())
    }

    /// Binds a name to an identity: once.
    fn register(&self, name: &str, identity: &PublicIdentity) -> Outcome<()>;
    /// The identity that an account has now.
    fn account(&self, name: &str) -> Outcome<PublicIdentity>;
    /// Any identity that was ever published, by its fingerprint.
    fn identity(&self, of: &Fingerprint) -> Outcome<Option<Vec<u8>>>;
    /// Moves an account to its next generation.
    fn succeed(&self, name: &str, transition: &Transition) -> Outcome<()>;
    /// The transition from an identity.
    fn transition(&self, from: &Fingerprint) -> Outcome<Option<Vec<u8>>>;

    /// Keeps an object: of which room, or that it is of an account, the object says.
    fn post(&self, who: &str, object: &[u8]) -> Outcome<()>;
    /// The objects of a room that came after the first `taken`.
    fn room(&self, who: &str, room: &RoomId, taken: usize) -> Outcome<Vec<Vec<u8>>>;
    /// The packages of all rooms that an account had to do with.
    fn packages(&self, who: &str) -> Outcome<Vec<Vec<u8>>>;
    /// The segments of an account's keyring.
    fn segments(&self, who: &str) -> Outcome<Vec<Vec<u8>>>;
    /// Drops segments: each is named by its first [`SEGMENT_START`] bytes, which hold a random salt.
    fn drop_segments(&self, who: &str, starts: &[Vec<u8>]) -> Outcome<()>;
    /// The last answer to a device that an account links, for anyone: it opens for that device only.
    fn answer(&self, name: &str) -> Outcome<Vec<u8>>;

    /// Keeps a file.
    fn put(&self, who: &str, name: &str, from: &Path) -> Outcome<()>;
    /// Gives a file.
    fn get(&self, who: &str, name: &str, to: &Path) -> Outcome<()>;
    /// Gives a part of a file, and how long all of it is.
    fn read(&self, who: &str, name: &str, part: &Range<u64>) -> Outcome<(Vec<u8>, u64)>;

    /// Judges a request by the proof that came with it: says why it is refused.
    fn judge(&self, proof: &str, method: &str, target: &str, body: &[u8]) -> Outcome<Result<(), String>>;
    /// The files in which all of it is stored.
    fn files(&self) -> Outcome<Vec<PathBuf>>;
    /// Whether each of them is one object.
    fn is_plain(&self) -> bool;
}

pub(crate) type Server = dyn Store;

/// Where an object belongs, by what anyone can tell of it.
pub(crate) enum Place {
    Room(RoomId),
    Keyring,
    Answer,
}

impl Place {
    pub(crate) fn of(object: &[u8]) -> Outcome<Self> {
        Ok(match inspect(object)? {
            Info::Envelope(info) if info.content_type == ContentType::Keyring => Self::Keyring,
            Info::Envelope(info) if info.content_type == ContentType::DeviceLink => Self::Answer,
            _ => Self::Room(kind(object)?.room),
        })
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

// ---- what it sees

/// What anyone can tell of what is stored, without a key.
pub(crate) fn show(server: &Server) -> Outcome<()> {
    let mut seen: BTreeMap<(RoomId, &str), Seen> = BTreeMap::new();
    for path in server.files()? {
        let bytes = fs::read(&path)?;
        let info = inspect(&bytes)?;
        let what = match &info {
            Info::Envelope(info) if info.content_type == ContentType::Attachment => {
                format!("Attachment, {}", if info.padded { "padded" } else { "not padded" })
            }
            Info::Envelope(info) => format!(
                "{:?}, {}, {}, {}",
                info.content_type,
                info.signature.map_or("unsigned".into(), |algorithm| format!("signed {algorithm:?}")),
                if info.padded { "padded" } else { "not padded" },
                match (info.p256_entries, info.rsa_stanzas, info.symmetric_stanzas) {
                    (0, 0, own) => format!("{own} key of its own"),
                    (p256, rsa, _) => format!("{p256} P-256 readers, {rsa} RSA"),
                },
            ),
            Info::PublicIdentity { generation, .. } => format!("public identity, generation {generation}"),
            Info::Transition { .. } => "transition".into(),
            _ => {
                let Kind { room, what, epoch, readers } = kind(&bytes)?;
                let seen = seen.entry((room, what)).or_default();
                seen.count += 1;
                seen.bytes += u64::try_from(bytes.len())?;
                seen.readers = seen.readers.max(readers);
                if let Some(epoch) = epoch {
                    let (first, last) = seen.epochs.unwrap_or((epoch, epoch));
                    seen.epochs = Some((first.min(epoch), last.max(epoch)));
                }
                continue;
            }
        };
        let place = path.parent().map(file_name).unwrap_or_default();
        let name: String = format!("{place}/{}", file_name(&path)).chars().take(32).collect();
        println!("  {name:32} {:>14} bytes  {what}", grouped(u64::try_from(bytes.len())?));
    }
    for ((room, what), Seen { count, bytes, epochs, readers }) in seen {
        let name: String = room.as_bytes().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let epochs = match epochs {
            None => String::new(),
            Some((first, last)) if first == last => format!(", epoch {first}"),
            Some((first, last)) => format!(", epochs {first} to {last}"),
        };
        let readers = if readers > 0 { format!(", up to {readers} readers") } else { String::new() };
        println!("  room {name:27} {:>14} bytes  {count:2} x {what}{epochs}{readers}", grouped(bytes));
    }
    Ok(())
}

/// What a server sees of a room's objects of one kind.
#[derive(Default)]
struct Seen {
    count: usize,
    bytes: u64,
    epochs: Option<(u64, u64)>,
    readers: usize,
}

/// What a server sees of one object.
struct Kind {
    room: RoomId,
    what: &'static str,
    epoch: Option<u64>,
    readers: usize,
}

fn kind(object: &[u8]) -> Outcome<Kind> {
    let (room, what, epoch, readers) = match inspect(object)? {
        Info::RoomEpoch { room, epoch, envelope } => {
            let readers = envelope.p256_entries + envelope.rsa_stanzas + envelope.symmetric_stanzas;
            (room, "package", Some(epoch.number()), readers)
        }
        Info::RoomMessage { room, epoch } => (room, "message", Some(epoch.number()), 0),
        Info::HeadStatement { room, epoch, .. } => (room, "head statement, and whose", Some(epoch.number()), 0),
        Info::LeaveStatement { room, .. } => (room, "leave statement, and whose", None, 0),
        Info::HistoryGrant { room, envelope } => (room, "history grant", None, envelope.p256_entries),
        other => return Err(format!("an object of a room is {other:?}").into()),
    };
    Ok(Kind { room, what, epoch, readers })
}

// ---- what is not there

/// How much of a secret is looked for at once: whoever leaks more than twice as much in a row is found.
const PIECE_LEN: usize = 12;

/// Looks through every byte of what the server has for every piece of the secrets; gives how many bytes and pieces.
pub(crate) fn search(files: &[PathBuf], secrets: &[Vec<u8>], public: &[u8]) -> Outcome<(u64, usize)> {
    let pieces = |secret: &[u8]| -> Vec<[u8; PIECE_LEN]> { secret.as_chunks().0.to_vec() };
    let mut wanted: HashSet<_> = secrets.iter().flat_map(|secret| pieces(secret)).collect();
    // Long runs of one byte stand in public fields too.
    wanted.retain(|piece| piece.iter().any(|byte| Some(byte) != piece.first()));
    let control = *pieces(public).first().ok_or("nothing public to look for")?;
    let (mut searched, mut found) = (0, false);
    for path in files {
        let bytes = fs::read(path)?;
        searched += u64::try_from(bytes.len())?;
        for window in bytes.windows(PIECE_LEN) {
            if wanted.contains(window) {
                return Err(format!("{} holds \"{}\"", path.display(), String::from_utf8_lossy(window)).into());
            }
            found |= window == control;
        }
    }
    // A search that finds nothing at all is none.
    if found { Ok((searched, wanted.len())) } else { Err("what is public was not found either".into()) }
}

/// The beginning of a file, to look for.
pub(crate) fn beginning(file: &Path) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(1 << 20).read_to_end(&mut bytes)?;
    Ok(bytes)
}
