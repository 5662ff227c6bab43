//! Three people share files through a server that sees only ciphertext, lose every device, and read all of it again.
//!
//! `cargo run --release --example chat [--server DIR] [FILE...]`
//!
//! Without files it makes a few. Fails if anything is not as it should be, a missing refusal included.

use sealroom::{
    Envelope, EnvelopeStart, Fingerprint, Identity, Info, Limits, Mnemonic, Padding, Profile, Progress, PublicIdentity,
    Random, Recipient, Root, SafetyNumber, SystemRng, inspect,
};
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, IsTerminal, Write, stderr};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How much is read at once: no file is held in memory whole.
const READ_LEN: usize = 64 * 1024;

fn main() -> ExitCode {
    let outcome = arguments().and_then(|(server, device, files)| {
        let outcome = conversation(&server, &device, &files);
        // What was opened there is plaintext.
        fs::remove_dir_all(&device)?;
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chat: {error}");
            ExitCode::FAILURE
        }
    }
}

fn conversation(server: &Path, device: &Path, files: &[PathBuf]) -> Outcome<()> {
    println!("The server is {}\n", server.display());

    println!("Three people write down 24 words each, and publish what others need");
    let people = [("Alice", Profile::P256), ("Bob", Profile::P256), ("Carol", Profile::Rsa3072)];
    let people = people.map(|(name, profile)| Person::join(name, profile, server));
    let [alice, bob, carol] = people;
    let (alice, bob, carol) = (alice?, bob?, carol?);

    println!("\nThey compare safety numbers, by phone or face to face");
    compare(&alice, &bob, server)?;
    compare(&alice, &carol, server)?;

    println!("\nAlice seals to Bob, Carol and herself");
    let sent = files.iter().map(|file| send(file, &alice, server)).collect::<Outcome<Vec<_>>>()?;

    println!("\nAll devices are lost; each person has only the words");
    let words = [alice.into_words(), bob.into_words(), carol.into_words()];
    let directory = Directory::fetch(server)?;
    let mut bob = None;
    for (name, words) in &words {
        let start = Instant::now();
        let identity = recover(name, words, &directory)?;
        let recovered = start.elapsed().as_millis();
        let total = receive(name, &identity, &directory, &sent, device)?;
        let opened = start.elapsed().as_millis() - recovered;
        println!("  {name:5}  identity {recovered:4} ms  {} files, {} bytes {opened:4} ms", sent.len(), grouped(total));
        if *name == "Bob" {
            bob = Some(identity);
        }
    }

    println!("  Each file signed by Alice, and the same as the original.");

    println!("\nWhat the server saw");
    show(server)?;

    println!("\nWhat is refused");
    let bob = bob.ok_or("Bob is missing")?;
    refusals(&bob, &directory, &sent, server, device)?;

    println!("\nAll as it should be.");
    Ok(())
}

// ---- people

/// Someone on their first device.
struct Person {
    name: &'static str,
    words: String,
    identity: Identity,
}

impl Person {
    /// Draws words, derives the identity, publishes its public half under the person's name.
    fn join(name: &'static str, profile: Profile, server: &Path) -> Outcome<Self> {
        let mnemonic = Mnemonic::generate(&mut SystemRng)?;
        let words = mnemonic.words().collect::<Vec<_>>().join(" ");
        let identity = derive(name, &mnemonic.root(), profile)?;
        println!("  {name:5}  {:8} {}", format!("{profile:?}"), identity.public().fingerprint());
        fs::write(server.join(name), identity.public().to_bytes())?;
        Ok(Self { name, words, identity })
    }

    /// Forgets all but the words.
    fn into_words(self) -> (&'static str, String) {
        (self.name, self.words)
    }
}

/// Derives generation 0, and shows how far the search for RSA primes has come.
fn derive(name: &str, root: &Root, profile: Profile) -> Outcome<Identity> {
    let terminal = stderr().is_terminal();
    // Each of the two keys counts its candidates from one.
    let (mut key, mut before) = (1, 0);
    let mut watch = |progress: Progress| {
        if progress.done < before {
            key += 1;
        }
        before = progress.done;
        if terminal {
            // `expected` is a mean: a search may need more.
            let percent = (100 * progress.done / progress.expected.max(1)).min(99);
            eprint!("\r  {name}: key {key} of 2, {} candidates, {percent} % \x1b[K", progress.done);
        }
        ControlFlow::Continue(())
    };
    let identity = root.identity_watched(profile, 0, &mut watch, &mut SystemRng)?;
    if terminal {
        eprint!("\r\x1b[K");
    }
    Ok(identity)
}

fn fetch_identity(server: &Path, name: &str) -> Outcome<PublicIdentity> {
    Ok(PublicIdentity::from_bytes(&fs::read(server.join(name))?)?)
}

/// Both sides compute the number from what the server gave them. Different numbers are a server that lies.
fn compare(one: &Person, other: &Person, server: &Path) -> Outcome<()> {
    let ours = SafetyNumber::of(one.identity.public(), &fetch_identity(server, other.name)?);
    let theirs = SafetyNumber::of(other.identity.public(), &fetch_identity(server, one.name)?);
    if ours != theirs {
        return Err(format!("{} and {} see different numbers", one.name, other.name).into());
    }
    let digits = ours.to_string();
    let (first, second) = digits.split_at_checked(6 * 6).ok_or("twelve groups are expected")?;
    println!("  {:5} and {:5}  {}\n{:18}{second}", one.name, other.name, first.trim_end(), "");
    Ok(())
}

/// The published identities, by which claimed signers are looked up.
struct Directory(Vec<(&'static str, PublicIdentity)>);

impl Directory {
    fn fetch(server: &Path) -> Outcome<Self> {
        let names = ["Alice", "Bob", "Carol"];
        names.into_iter().map(|name| Ok((name, fetch_identity(server, name)?))).collect::<Outcome<_>>().map(Self)
    }

    fn find(&self, fingerprint: &Fingerprint) -> Option<&(&'static str, PublicIdentity)> {
        self.0.iter().find(|(_, identity)| identity.fingerprint() == fingerprint)
    }
}

/// From words to the identity. They do not say its profile: it is the one that was published, and the cheap one is
/// tried first.
fn recover(name: &str, words: &str, directory: &Directory) -> Outcome<Identity> {
    let root = Mnemonic::parse(words)?.root();
    for profile in [Profile::P256, Profile::Rsa3072] {
        let identity = derive(name, &root, profile)?;
        if directory.find(identity.public().fingerprint()).is_some_and(|(found, _)| *found == name) {
            return Ok(identity);
        }
    }
    Err(format!("what {name} published does not come from the words").into())
}

// ---- files

/// A file, and where its envelope is stored.
struct Sent {
    original: PathBuf,
    stored: PathBuf,
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Seals a file to Bob and Carol under a name that tells nothing.
fn send(original: &Path, alice: &Person, server: &Path) -> Outcome<Sent> {
    let mut name = [0; 16];
    SystemRng.fill(&mut name)?;
    let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
    let stored = server.join(&name);

    let (bob, carol) = (fetch_identity(server, "Bob")?, fetch_identity(server, "Carol")?);
    let to = [bob.recipient(), carol.recipient()];
    let (len, sealed_len) = seal_file(original, &stored, &to, &alice.identity)?;
    println!("  {:24} {:>14} bytes, sealed to {:>14}", file_name(original), grouped(len), grouped(sealed_len));
    Ok(Sent { original: original.to_owned(), stored })
}

/// Seals piece by piece, signed and padded; gives both lengths.
fn seal_file(from: &Path, to: &Path, recipients: &[Recipient<'_>], sender: &Identity) -> Outcome<(u64, u64)> {
    let file = File::open(from)?;
    let len = file.metadata()?.len();
    let mut input = BufReader::with_capacity(READ_LEN, file);
    let mut output = BufWriter::new(File::create_new(to)?);

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
fn open_file(from: &Path, to: &Path, reader: &Identity, directory: &Directory) -> Outcome<&'static str> {
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
    let (name, signer) = directory.find(claimed).ok_or("signed by somebody unknown")?;
    output.write_all(&end.verify(signer)?)?;
    output.flush()?;
    Ok(name)
}

/// Opens all that was sent, on a new device, and compares each file with the original; gives the bytes opened.
fn receive(name: &str, identity: &Identity, directory: &Directory, sent: &[Sent], device: &Path) -> Outcome<u64> {
    // Only what was verified gets another name than this.
    let part = device.join("part");
    let mut total = 0;
    for Sent { original, stored } in sent {
        let fail = |what: String| format!("{name} opens {}: {what}", file_name(original));
        match open_file(stored, &part, identity, directory).map_err(|error| fail(error.to_string()))? {
            "Alice" => {}
            other => return Err(fail(format!("signed by {other}")).into()),
        }
        let opened = device.join(format!("{name}-{}", file_name(stored)));
        fs::rename(&part, &opened)?;
        if !same(original, &opened)? {
            return Err(fail("it is not the file that was sent".into()).into());
        }
        total += fs::metadata(&opened)?.len();
    }
    Ok(total)
}

fn same(one: &Path, other: &Path) -> Outcome<bool> {
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

// ---- the server

/// What anyone can tell of what is stored, without a key.
fn show(server: &Path) -> Outcome<()> {
    let mut paths =
        fs::read_dir(server)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    for path in paths {
        let bytes = fs::read(&path)?;
        let what = match inspect(&bytes)? {
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
    Ok(())
}

// ---- refusals

/// What a server or a stranger may try. Fails if any of it works.
fn refusals(bob: &Identity, directory: &Directory, sent: &[Sent], server: &Path, device: &Path) -> Outcome<()> {
    // The smallest will do, whatever files were given.
    let len = |sent: &&Sent| fs::metadata(&sent.stored).map_or(u64::MAX, |metadata| metadata.len());
    let stored = &sent.iter().min_by_key(len).ok_or("nothing was sent")?.stored;
    let bytes = fs::read(stored)?;
    let Info::Envelope(info) = inspect(&bytes)? else { return Err("not an envelope".into()) };

    let mut flipped = bytes.clone();
    let place = info.header_len + 32 + usize::try_from(info.payload_len / 2)?;
    *flipped.get_mut(place).ok_or("no such byte")? ^= 1;
    let cut = bytes.get(..bytes.len() - 1).ok_or("no such byte")?;
    let stranger = Mnemonic::generate(&mut SystemRng)?.root().identity(Profile::P256, 0, &mut SystemRng)?;
    let nobody = Directory(Vec::new());

    let attempts: [(&str, &[u8], &Identity, &Directory); 4] = [
        ("a byte is flipped", &flipped, bob, directory),
        ("the last byte is cut off", cut, bob, directory),
        ("a stranger opens it", &bytes, &stranger, directory),
        ("the signer is not known", &bytes, bob, &nobody),
    ];
    for (what, bytes, reader, directory) in attempts {
        let given = device.join("given");
        fs::write(&given, bytes)?;
        match open_file(&given, &device.join("part"), reader, directory) {
            Ok(_) => return Err(format!("{what}, and it opened").into()),
            Err(refusal) => println!("  {what:26} {refusal}"),
        }
    }

    // The server gives Alice the stranger's identity for Bob's.
    let alice = fetch_identity(server, "Alice")?;
    if SafetyNumber::of(&alice, stranger.public()) == SafetyNumber::of(bob.public(), &alice) {
        return Err("an identity was swapped, and the safety numbers agree".into());
    }
    println!("  {:26} the safety numbers differ", "an identity is swapped");
    Ok(())
}

// ---- arguments and samples

/// The directories of the server and of the devices, and the files to send.
fn arguments() -> Outcome<(PathBuf, PathBuf, Vec<PathBuf>)> {
    let own = std::env::temp_dir().join(format!("sealroom-chat-{}", std::process::id()));
    let (mut server, device) = (own.join("server"), own.join("device"));
    let mut files = Vec::new();
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--server" {
            server = arguments.next().ok_or("--server wants a directory")?.into();
        } else {
            files.push(PathBuf::from(argument));
        }
    }
    fs::create_dir_all(&device)?;
    fs::create_dir_all(&server)?;
    if fs::read_dir(&server)?.next().is_some() {
        return Err(format!("{} is not empty", server.display()).into());
    }
    if files.is_empty() {
        files = samples(&own)?;
    }
    Ok((server, device, files))
}

/// An empty file, a short text, and 3 MiB and a bit of what does not compress.
fn samples(to: &Path) -> Outcome<Vec<PathBuf>> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let noise = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()
    });
    let noise: Vec<u8> = noise.flatten().take(3 * 1024 * 1024 + 7).collect();
    let samples: [(&str, &[u8]); 3] = [("empty", b""), ("note.txt", b"Meet me at noon.\n"), ("picture.raw", &noise)];
    let write = |(name, content): (&str, &[u8])| {
        let path = to.join(name);
        fs::write(&path, content)?;
        Ok(path)
    };
    samples.into_iter().map(write).collect()
}

/// With a comma between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
