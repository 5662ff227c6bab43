//! Three people share files through a server that sees only ciphertext, lose every device, and read all of it again. They
//! talk in rooms that others join and leave.
//!
//! `cargo run --release --example chat [--server DIR] [FILE...]`
//!
//! Without files it makes a few. Fails if anything is not as it should be, a missing refusal included.

mod device;
mod files;
mod people;
mod refusals;
mod rooms;
mod server;

use files::{receive, send};
use people::{Names, Person, compare, recover};
use rooms::{Scene, play};
use sealroom::{HistoryPolicy, Profile};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn Error>>;

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
    let names = Names::fetch(server, &["Alice", "Bob", "Carol"])?;
    let mut identities = Vec::new();
    for (name, words) in &words {
        let start = Instant::now();
        let identity = recover(name, words, &names)?;
        let recovered = start.elapsed().as_millis();
        let total = receive(name, &identity, &names, &sent, device)?;
        let opened = start.elapsed().as_millis() - recovered;
        println!("  {name:5}  identity {recovered:4} ms  {} files, {} bytes {opened:4} ms", sent.len(), grouped(total));
        identities.push(identity);
    }
    println!("  Each file signed by Alice, and the same as the original.");
    let [alice, bob, carol] = &*identities else { return Err("somebody is missing".into()) };

    println!("\nA fourth comes");
    let dave = Person::join("Dave", Profile::P256, server)?;
    let names = Names::fetch(server, &["Alice", "Bob", "Carol", "Dave"])?;
    let photos = [device.join("photo"), device.join("other")];
    for (photo, seed) in photos.iter().zip(1..) {
        fs::write(photo, noise(seed, 300_000))?;
    }
    let scene = Scene {
        alice,
        bob,
        carol,
        dave: &dave.identity,
        bobs_words: words.get(1).map_or("", |(_, words)| words),
        names: &names,
        server,
        device,
        photos: [&photos[0], &photos[1]],
    };
    println!("\nA room, where all of the past is shared");
    let mut shared = play(HistoryPolicy::Shared, &scene)?;
    println!("\nA room, where newcomers begin when they join");
    let mut from_join = play(HistoryPolicy::FromJoin, &scene)?;

    println!("\nWhat the server saw");
    server::show(server)?;

    println!("\nWhat is refused");
    refusals::files(bob, &names, &sent, server, device)?;
    refusals::rooms(&mut shared, &mut from_join, &scene)?;

    println!("\nWhat is not on the server");
    let mut secrets: Vec<Vec<u8>> = words.iter().map(|(_, words)| words.clone().into_bytes()).collect();
    secrets.push(dave.words.clone().into_bytes());
    secrets.extend(shared.said.into_iter().chain(from_join.said));
    for file in files.iter().chain(&photos) {
        secrets.push(server::beginning(file)?);
    }
    let (searched, pieces) = server::search(server, &secrets, &fs::read(server.join("Alice"))?)?;
    let pieces = grouped(u64::try_from(pieces)?);
    println!("  {} bytes searched for {pieces} pieces of files, messages and words: none", grouped(searched));

    println!("\nAll as it should be.");
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
    let noise = noise(0x9e37_79b9_7f4a_7c15, 3 * 1024 * 1024 + 7);
    let samples: [(&str, &[u8]); 3] = [("empty", b""), ("note.txt", b"Meet me at noon.\n"), ("picture.raw", &noise)];
    let write = |(name, content): (&str, &[u8])| {
        let path = to.join(name);
        fs::write(&path, content)?;
        Ok(path)
    };
    samples.into_iter().map(write).collect()
}

/// What does not compress: another for each seed but 0.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let numbers = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()
    });
    numbers.flatten().take(len).collect()
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
