//! Three people share files through a server that sees only ciphertext, lose every device, and read all of it again. They
//! talk in rooms that others join and leave. A phone is lost, a tablet linked and stolen.
//!
//! `cargo run --release --example chat [--server DIR] [FILE...]`
//! `cargo run --release --example chat --server URL --database FILE [FILE...]`
//!
//! The server is a directory, or the program in `examples/server`, whose database is searched at the end. Without files it
//! makes a few. Fails if anything is not as it should be, a missing refusal included.

mod contacts;
mod device;
mod devices;
mod directory;
mod files;
mod forks;
mod http;
mod past;
mod people;
mod phone;
mod refusals;
mod rooms;
mod server;
mod stolen;

use device::Device;
use devices::{Certified, link, lose_phone, recover_linked, requests, rolled_back};
use directory::Directory;
use files::{Attached, receive, send};
use http::Http;
use people::{Names, Person, compare, recover};
use phone::Phone;
use rooms::{Played, Scene, play};
use sealroom::{Account, HistoryPolicy, Keyring, Profile, SystemRng};
use server::{Server, search};
use std::cell::RefCell;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let outcome = arguments().and_then(|(server, device, files)| {
        let outcome = conversation(&*server, &device, &files);
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

fn conversation(server: &Server, device: &Path, files: &[PathBuf]) -> Outcome<()> {
    println!("Three people write down 24 words each, and publish what others need");
    let people = [("Alice", Profile::P256), ("Bob", Profile::P256), ("Carol", Profile::Rsa3072)];
    let people = people.map(|(name, profile)| Person::join(name, profile, server));
    let [alice, bob, carol] = people;
    let (alice, bob, carol) = (alice?, bob?, carol?);

    println!("\nThey compare safety numbers, by phone or face to face");
    compare(&alice, &bob, server)?;
    compare(&alice, &carol, server)?;

    println!("\nAlice seals to Bob, Carol and herself");
    let sent = files.iter().map(|file| send(file, &alice, server, device)).collect::<Outcome<Vec<_>>>()?;

    println!("\nAll devices are lost; each person has only the words");
    let words = [alice.into_words(), bob.into_words(), carol.into_words()];
    let names = Names::fetch(server, &["Alice", "Bob", "Carol"])?;
    let mut identities = Vec::new();
    for (name, words) in &words {
        let start = Instant::now();
        let identity = recover(name, words, &names)?;
        let recovered = start.elapsed().as_millis();
        let total = receive(name, &identity, &names, &sent, (server, device))?;
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
    let phone = RefCell::new(Phone::new(alice, Keyring::new(&mut SystemRng)?)?);
    let scene = Scene {
        alice,
        bob,
        carol,
        dave: &dave.identity,
        bobs_words: words.get(1).map_or("", |(_, words)| words),
        names: &names,
        phone: &phone,
        server,
        device,
        photos: [&photos[0], &photos[1]],
    };
    println!("\nA room, where all of the past is shared");
    let shared = play(HistoryPolicy::Shared, &scene)?;
    println!("\nA room, where newcomers begin when they join");
    let mut played = [shared, play(HistoryPolicy::FromJoin, &scene)?];

    println!("\nWhat is refused");
    refusals::files(bob, &names, &sent, server, device)?;
    let [shared, from_join] = &mut played;
    refusals::rooms(shared, from_join, &scene)?;

    println!("\nWhom Alice's phone takes for whom");
    contacts::contacts(&dave.words, &scene)?;
    let alices_words = words.first().map_or("", |(_, words)| words);
    let mut secrets = devices(alices_words, &mut played, &scene)?;

    if server.is_plain() {
        println!("\nWhat the server saw");
        server::show(server)?;
    }

    println!("\nWhat is not on the server");
    secrets.extend(words.iter().map(|(_, words)| words.clone().into_bytes()));
    secrets.push(dave.words.clone().into_bytes());
    for content in played.into_iter().flat_map(|played| played.said) {
        // What is said of an attachment begins with a name that the server knows.
        secrets.push(Attached::from_bytes(&content).map_or(content, |attached| attached.key.expose().to_vec()));
    }
    for file in files.iter().chain(&photos) {
        secrets.push(server::beginning(file)?);
    }
    let (searched, pieces) = search(&server.files()?, &secrets, &server.account("Alice")?.to_bytes())?;
    let pieces = grouped(u64::try_from(pieces)?);
    println!("  {} bytes searched for {pieces} pieces of files, messages, words, keys: none", grouped(searched));

    println!("\nAll as it should be.");
    Ok(())
}

/// Alice's devices; gives what must not be found.
fn devices(words: &str, played: &mut [Played<'_>; 2], scene: &Scene<'_>) -> Outcome<Vec<Vec<u8>>> {
    let server = scene.server;
    println!("\nAlice loses her phone, and types her words on a new one");
    let read = lose_phone(played, scene)?;
    let Account { identities, keyring, rooms: mut found, .. } = devices::recover(words, &read, scene)?;
    let identity = identities.first().ok_or("no identity")?;
    let mut rooms = Vec::new();
    for played in played.iter_mut() {
        let place = found.iter().position(|room| room.id() == played.alice.room.id()).ok_or("a room is missing")?;
        let mut device = Device::new("Alice", identity, found.swap_remove(place))?;
        devices::confirm(&mut device, played, scene)?;
        rooms.push(device);
    }
    let mut phone = Phone::new(identity, keyring)?;
    rooms.iter().try_for_each(|device| phone.keep(&device.room, server))?;

    println!("\nShe links a tablet");
    // Bob's after the loss, and her own: one in each room.
    let messages = read.len() + 4;
    let (linked, screen) = link(&[identity], &[], server)?;
    let account = recover_linked(&linked, messages, server)?;
    let certified = Certified::new(linked.current())?;
    requests(&certified, server)?;
    rolled_back(&mut phone, server)?;

    println!("\nThe tablet is stolen");
    let mut secrets = [contacts::CAROL, contacts::DAVE, screen.as_bytes()].map(<[u8]>::to_vec).to_vec();
    secrets.extend([&phone.key, &phone.store].map(|key| key.expose().to_vec()));
    secrets.push(scene.phone.borrow().store.expose().to_vec());
    let mut thief = stolen::Stolen { linked, account, certified };
    let mut hers = stolen::Hers { phone, old: identity, rooms };
    secrets.extend(stolen::stolen(&mut thief, &mut hers, played, words, scene)?);
    Ok(secrets)
}

// ---- what all scenes use

/// Tells what happened.
fn step(what: &str, happened: &str) {
    println!("  {what:22} {happened}");
}

/// Ends the program if it is not so.
fn require(holds: bool, what: &str) -> Outcome<()> {
    if holds { Ok(()) } else { Err(what.into()) }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

// ---- arguments and samples

/// The server, the directory of the devices, and the files to send.
fn arguments() -> Outcome<(Box<Server>, PathBuf, Vec<PathBuf>)> {
    let own = std::env::temp_dir().join(format!("sealroom-chat-{}", std::process::id()));
    let (mut server, mut database, device) = (own.join("server").into_os_string(), None, own.join("device"));
    let mut files = Vec::new();
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--server" {
            server = arguments.next().ok_or("--server wants a directory or a URL")?;
        } else if argument == "--database" {
            database = Some(PathBuf::from(arguments.next().ok_or("--database wants a file")?));
        } else {
            files.push(PathBuf::from(argument));
        }
    }
    fs::create_dir_all(&device)?;
    println!("The server is {}\n", server.display());
    let server: Box<Server> = match server.to_str().filter(|server| server.starts_with("http://")) {
        Some(url) => Box::new(Http::new(url, database.ok_or("a URL wants --database, to be searched")?)),
        None => Box::new(Directory::new(Path::new(&server))?),
    };
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
