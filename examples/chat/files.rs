//! Files that are sealed to people, and attachments of messages.

use crate::people::{Names, Person};
use crate::server::{Server, file_name, hex};
use crate::{Outcome, grouped};
use sealroom::{AttachmentKey, Envelope, EnvelopeStart, Identity, Limits, Padding, Random, Recipient, SystemRng};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// How much is read at once: no file is held in memory whole.
const READ_LEN: usize = 64 * 1024;

/// A file, and under which name its envelope is stored.
pub(crate) struct Sent {
    original: PathBuf,
    pub(crate) stored: String,
    pub(crate) len: u64,
}

/// A name that tells nothing.
fn fresh_name() -> Outcome<String> {
    let mut name = [0; 16];
    SystemRng.fill(&mut name)?;
    Ok(hex(&name))
}

/// Seals a file to Bob and Carol under a name that tells nothing.
pub(crate) fn send(original: &Path, alice: &Person, server: &Server, device: &Path) -> Outcome<Sent> {
    let (stored, sealed) = (fresh_name()?, device.join("sealed"));
    let (bob, carol) = (server.account("Bob")?, server.account("Carol")?);
    let to = [bob.recipient(), carol.recipient()];
    let (len, sealed_len) = seal_file(original, &sealed, &to, &alice.identity)?;
    server.put("Alice", &stored, &sealed)?;
    println!("  {:24} {:>14} bytes, sealed to {:>14}", file_name(original), grouped(len), grouped(sealed_len));
    Ok(Sent { original: original.to_owned(), stored, len: sealed_len })
}

/// Seals piece by piece, signed and padded; gives both lengths.
pub(crate) fn seal_file(
    from: &Path,
    to: &Path,
    recipients: &[Recipient<'_>],
    sender: &Identity,
) -> Outcome<(u64, u64)> {
    let file = File::open(from)?;
    let len = file.metadata()?.len();
    let mut input = BufReader::with_capacity(READ_LEN, file);
    let mut output = BufWriter::new(File::create(to)?);

    let envelope = Envelope::to(recipients).signed_by(sender.sender()).padding(Padding::Padme);
    let mut stream = envelope.stream(Some(len), &mut SystemRng)?;
    loop {
        let piece = input.fill_buf()?;
        let read = piece.len();
        if read == 0 {
            break;
        }
        output.write_all(stream.push(piece)?)?;
        input.consume(read);
    }
    // The padding of a large file is large: piece by piece too.
    while let Some(sealed) = stream.pad()? {
        output.write_all(sealed)?;
    }
    output.write_all(&stream.finish(&mut SystemRng)?)?;
    output.flush()?;
    Ok((len, fs::metadata(to)?.len()))
}

/// Opens piece by piece and gives the signer's name. Until then `to` holds what may be anyone's.
pub(crate) fn open_file(from: &Path, to: &Path, reader: &Identity, names: &Names) -> Outcome<&'static str> {
    let mut input = BufReader::with_capacity(READ_LEN, File::open(from)?);
    let mut output = BufWriter::new(File::create(to)?);

    let mut start = EnvelopeStart::new(Limits::default());
    let (mut stream, read) = loop {
        let piece = input.fill_buf()?;
        let read = piece.len();
        match start.push(piece)? {
            Some(rest) => {
                let mut stream = start.locked()?.unlock(&[reader.reader()], &mut SystemRng)?.stream();
                output.write_all(stream.push(rest)?.unverified())?;
                break (stream, read);
            }
            None if read == 0 => return Err("it ends within its header".into()),
            None => input.consume(read),
        }
    };
    input.consume(read);
    loop {
        let piece = input.fill_buf()?;
        let read = piece.len();
        if read == 0 {
            break;
        }
        output.write_all(stream.push(piece)?.unverified())?;
        input.consume(read);
    }
    let end = stream.finish()?;
    let claimed = end.claimed_signer().ok_or("nobody signed it")?;
    let (name, signer) = names.find(claimed).ok_or("signed by somebody unknown")?;
    output.write_all(&end.verify(signer)?)?;
    output.flush()?;
    Ok(name)
}

/// Opens all that was sent, on a new device, and compares each file with the original; gives the bytes opened.
pub(crate) fn receive(
    name: &str,
    identity: &Identity,
    names: &Names,
    sent: &[Sent],
    (server, device): (&Server, &Path),
) -> Outcome<u64> {
    // Only what was verified gets another name than this.
    let (given, part) = (device.join("given"), device.join("part"));
    let mut total = 0;
    for Sent { original, stored, .. } in sent {
        server.get(name, stored, &given)?;
        let fail = |what: String| format!("{name} opens {}: {what}", file_name(original));
        match open_file(&given, &part, identity, names).map_err(|error| fail(error.to_string()))? {
            "Alice" => {}
            other => return Err(fail(format!("signed by {other}")).into()),
        }
        let opened = device.join(format!("{name}-{stored}"));
        fs::rename(&part, &opened)?;
        if !same(original, &opened)? {
            return Err(fail("it is not the file that was sent".into()).into());
        }
        total += fs::metadata(&opened)?.len();
    }
    Ok(total)
}

pub(crate) fn same(one: &Path, other: &Path) -> Outcome<bool> {
    if fs::metadata(one)?.len() != fs::metadata(other)?.len() {
        return Ok(false);
    }
    let open = |path| File::open(path).map(|file| BufReader::with_capacity(READ_LEN, file));
    let (mut one, mut other) = (open(one)?, open(other)?);
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let len = left.len().min(right.len());
        if left.get(..len) != right.get(..len) {
            return Ok(false);
        }
        if len == 0 {
            return Ok(true);
        }
        one.consume(len);
        other.consume(len);
    }
}

// ---- attachments: sealed once, their key sent in a message

/// What a message says of an attachment.
pub(crate) struct Attached {
    /// The file's name on the server.
    pub(crate) stored: String,
    pub(crate) key: AttachmentKey,
}

impl Attached {
    /// Length of a file's name on the server.
    const NAME_LEN: usize = 32;

    /// As the content of a message.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        [self.stored.as_bytes(), self.key.expose()].concat()
    }

    pub(crate) fn from_bytes(content: &[u8]) -> Outcome<Self> {
        let (stored, key) = content.split_at_checked(Self::NAME_LEN).ok_or("it is no attachment's key")?;
        let key = AttachmentKey::take(&mut key.try_into()?);
        Ok(Self { stored: String::from_utf8(stored.to_vec())?, key })
    }
}

/// Seals a file for nobody, piece by piece, under a name that tells nothing.
pub(crate) fn attach(file: &Path, who: &str, server: &Server, device: &Path) -> Outcome<Attached> {
    let (stored, sealed) = (fresh_name()?, device.join("sealed"));
    let file = File::open(file)?;
    let len = file.metadata()?.len();
    let mut input = BufReader::with_capacity(READ_LEN, file);
    let mut output = BufWriter::new(File::create(&sealed)?);
    let mut stream = Envelope::to(&[]).padding(Padding::Padme).stream_attachment(Some(len), &mut SystemRng)?;
    loop {
        let piece = input.fill_buf()?;
        let read = piece.len();
        if read == 0 {
            break;
        }
        output.write_all(stream.push(piece)?)?;
        input.consume(read);
    }
    while let Some(sealed) = stream.pad()? {
        output.write_all(sealed)?;
    }
    let (end, key) = stream.finish_attachment()?;
    output.write_all(&end)?;
    output.flush()?;
    server.put(who, &stored, &sealed)?;
    Ok(Attached { stored, key })
}

/// Opens a whole attachment, piece by piece; its end tells whether it is the very one that the key was made for.
pub(crate) fn open_attached(from: &Path, to: &Path, key: &AttachmentKey) -> Outcome<()> {
    let mut input = File::open(from)?;
    let mut output = BufWriter::new(File::create(to)?);
    let (start, rest) = read_start(&mut input)?;
    let mut stream = key.unlock(&start.locked()?)?.stream();
    output.write_all(stream.push(&rest)?.unverified())?;
    let mut piece = vec![0; READ_LEN];
    loop {
        let read = input.read(&mut piece)?;
        if read == 0 {
            break;
        }
        output.write_all(stream.push(piece.get(..read).unwrap_or_default())?.unverified())?;
    }
    output.write_all(&stream.finish()?.unverified())?;
    output.flush()?;
    Ok(())
}

/// Opens a part of an attachment: only the chunks that hold it are read.
pub(crate) fn open_part(
    server: &Server,
    (who, name): (&str, &str),
    part: &Range<u64>,
    key: &AttachmentKey,
) -> Outcome<Vec<u8>> {
    let read = |range: &Range<u64>| server.read(who, name, range);
    let (begin, len) = read(&(0..1024))?;
    let (start, _) = read_start(&mut begin.as_slice())?;
    let probe = key.unlock(&start.locked()?)?.at_offsets(len)?;
    let (last, _) = read(&probe.last_chunk())?;
    let first = probe.first_chunk().map(|range| read(&range)).transpose()?;
    let reader = probe.authenticate(&last, first.as_ref().map(|(first, _)| first.as_slice()))?;
    let (sealed, _) = read(&reader.fetch(part)?)?;
    Ok(reader.open(part, &sealed)?.unverified())
}

/// Reads until the header is complete; gives what was read of what follows it.
fn read_start(input: &mut impl Read) -> Outcome<(EnvelopeStart, Vec<u8>)> {
    let mut start = EnvelopeStart::new(Limits::default());
    let mut piece = [0; 1024];
    loop {
        let read = input.read(&mut piece)?;
        if read == 0 {
            return Err("it ends within its header".into());
        }
        if let Some(rest) = start.push(piece.get(..read).unwrap_or_default())? {
            let rest = rest.to_vec();
            return Ok((start, rest));
        }
    }
}

pub(crate) fn read_range(input: &mut File, range: &Range<u64>) -> Outcome<Vec<u8>> {
    input.seek(SeekFrom::Start(range.start))?;
    let mut bytes = vec![0; usize::try_from(range.end - range.start)?];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}
