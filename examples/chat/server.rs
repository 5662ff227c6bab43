//! The server: what it keeps, what it sees, and what cannot be found on it.

use crate::files::file_name;
use crate::{Outcome, grouped};
use sealroom::{ContentType, Info, RoomId, inspect};
use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Where the objects of rooms are, numbered as they came.
fn rooms(server: &Path) -> PathBuf {
    server.join("rooms")
}

/// Keeps an object of a room.
pub(crate) fn post(server: &Path, object: &[u8]) -> Outcome<()> {
    fs::create_dir_all(rooms(server))?;
    let number = fs::read_dir(rooms(server))?.count();
    fs::write(rooms(server).join(format!("{number:04}")), object)?;
    Ok(())
}

/// The objects of rooms that came after the first `taken`.
pub(crate) fn posted(server: &Path, taken: usize) -> Outcome<Vec<Vec<u8>>> {
    files(&rooms(server))?.iter().skip(taken).map(|path| Ok(fs::read(path)?)).collect()
}

/// The files in a directory, by name.
fn files(directory: &Path) -> Outcome<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

// ---- what it sees

/// What anyone can tell of what is stored, without a key.
pub(crate) fn show(server: &Path) -> Outcome<()> {
    for path in files(server)? {
        let bytes = fs::read(&path)?;
        let what = match inspect(&bytes)? {
            Info::Envelope(info) if info.content_type == ContentType::Attachment => {
                format!("Attachment, {}", if info.padded { "padded" } else { "not padded" })
            }
            Info::Envelope(info) => format!(
                "{:?}, {}, {}, {} P-256 readers, {} RSA",
                info.content_type,
                info.signature.map_or("unsigned".into(), |algorithm| format!("signed {algorithm:?}")),
                if info.padded { "padded" } else { "not padded" },
                info.p256_entries,
                info.rsa_stanzas,
            ),
            Info::PublicIdentity { generation, .. } => format!("public identity, generation {generation}"),
            other => return Err(format!("{} is {other:?}", path.display()).into()),
        };
        println!("  {:32} {:>14} bytes  {what}", file_name(&path), grouped(u64::try_from(bytes.len())?));
    }
    let mut seen: BTreeMap<(RoomId, &str), Seen> = BTreeMap::new();
    for object in posted(server, 0)? {
        let Kind { room, what, epoch, readers } = kind(&object)?;
        let seen = seen.entry((room, what)).or_default();
        seen.count += 1;
        seen.bytes += u64::try_from(object.len())?;
        seen.readers = seen.readers.max(readers);
        if let Some(epoch) = epoch {
            let (first, last) = seen.epochs.unwrap_or((epoch, epoch));
            seen.epochs = Some((first.min(epoch), last.max(epoch)));
        }
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
        Info::Envelope(info) if info.content_type == ContentType::HistoryGrant => {
            (RoomId::from_bytes(info.public_data.try_into()?), "history grant", None, info.p256_entries)
        }
        other => return Err(format!("an object of a room is {other:?}").into()),
    };
    Ok(Kind { room, what, epoch, readers })
}

// ---- what is not there

/// How much of a secret is looked for at once: whoever leaks more than twice as much in a row is found.
const PIECE_LEN: usize = 12;

/// Looks through every byte that the server has for every piece of the secrets; gives how many bytes and pieces.
pub(crate) fn search(server: &Path, secrets: &[Vec<u8>], public: &[u8]) -> Outcome<(u64, usize)> {
    let pieces = |secret: &[u8]| -> Vec<[u8; PIECE_LEN]> { secret.as_chunks().0.to_vec() };
    let mut wanted: HashSet<_> = secrets.iter().flat_map(|secret| pieces(secret)).collect();
    // Long runs of one byte stand in public fields too.
    wanted.retain(|piece| piece.iter().any(|byte| Some(byte) != piece.first()));
    let control = *pieces(public).first().ok_or("nothing public to look for")?;
    let (mut searched, mut found) = (0, false);
    for path in files(server)?.into_iter().chain(files(&rooms(server))?) {
        let bytes = fs::read(&path)?;
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
