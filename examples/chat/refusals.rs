//! What a server, a stranger, a removed member may try.

use crate::Outcome;
use crate::files::{Sent, open_file};
use crate::people::Names;
use crate::rooms::{Played, Scene};
use crate::server::Server;
use sealroom::{
    Applied, Draft, Error, Freshness, HistoryPolicy, Identity, Info, Mnemonic, Profile, Role, Room, SafetyNumber,
    SystemRng, inspect,
};
use std::fs;
use std::path::Path;

/// With files. Fails if any of it works.
pub(crate) fn files(bob: &Identity, names: &Names, sent: &[Sent], server: &Server, device: &Path) -> Outcome<()> {
    // The smallest will do, whatever files were given.
    let stored = &sent.iter().min_by_key(|sent| sent.len).ok_or("nothing was sent")?.stored;
    server.get("Bob", stored, &device.join("given"))?;
    let bytes = fs::read(device.join("given"))?;
    let Info::Envelope(info) = inspect(&bytes)? else { return Err("not an envelope".into()) };

    let mut flipped = bytes.clone();
    let place = info.header_len + 32 + usize::try_from(info.payload_len / 2)?;
    *flipped.get_mut(place).ok_or("no such byte")? ^= 1;
    let cut = bytes.get(..bytes.len() - 1).ok_or("no such byte")?;
    let stranger = Mnemonic::generate(&mut SystemRng)?.root().identity(Profile::P256, 0, &mut SystemRng)?;
    let nobody = Names::fetch(server, &[])?;

    let attempts: [(&str, &[u8], &Identity, &Names); 4] = [
        ("a byte is flipped", &flipped, bob, names),
        ("the last byte is cut off", cut, bob, names),
        ("a stranger opens it", &bytes, &stranger, names),
        ("the signer is not known", &bytes, bob, &nobody),
    ];
    for (what, bytes, reader, names) in attempts {
        let given = device.join("given");
        fs::write(&given, bytes)?;
        match open_file(&given, &device.join("part"), reader, names) {
            Ok(_) => return Err(format!("{what}, and it opened").into()),
            Err(refusal) => show(what, refusal),
        }
    }

    server.sign_in("Bob", &stranger)?;
    let Err(refusal) = server.register("Bob", stranger.public()) else {
        return Err("Bob's name is a stranger's".into());
    };
    show("a name is taken over", refusal);
    server.sign_in("Bob", bob)?;

    // The server gives Alice the stranger's identity for Bob's.
    let alice = server.account("Alice")?;
    if SafetyNumber::of(&alice, stranger.public()) == SafetyNumber::of(bob.public(), &alice) {
        return Err("an identity was swapped, and the safety numbers agree".into());
    }
    show("an identity is swapped", "the safety numbers differ");
    Ok(())
}

fn show(what: &str, refusal: impl std::fmt::Display) {
    println!("  {what:31} {refusal}");
}

/// Shows the error, or fails: it should have been one.
fn refused<T>(what: &str, attempt: Result<T, Error>) -> Outcome<()> {
    match attempt {
        Ok(_) => Err(format!("{what}, and it worked").into()),
        Err(refusal) => {
            show(what, refusal);
            Ok(())
        }
    }
}

/// With rooms. Fails if any of it works, or is shown as what it is not.
pub(crate) fn rooms(played: &mut Played<'_>, other: &mut Played<'_>, scene: &Scene<'_>) -> Outcome<()> {
    let Scene { names, .. } = *scene;
    let Played { alice, carol, dave, .. } = played;
    let (readers, rng) = ([scene.alice.reader()], &mut SystemRng);
    let head = *alice.room.transcript();

    // Of the epoch before he was removed, in which he could make one: a second child, that nobody goes to.
    let package = dave.room.refresh()?.seal(&scene.dave.sender(), names, rng)?;
    match alice.room.apply(&package, &readers, names, rng)? {
        Applied::Fork { author, .. } if *alice.room.transcript() == head && alice.room.settle() == head => {
            show("a removed member's package", format!("shown as a fork by {}; the head stays", names.name(&author)));
        }
        applied => return Err(format!("a removed member's package is {applied:?}").into()),
    }
    let message = dave.room.seal(&Draft::new(b"I am still here."), &scene.dave.sender(), rng)?;
    let opened = alice.room.open(&message, b"", names)?;
    if opened.sender_in_current_roster() || !opened.is_superseded() {
        return Err("a removed member's message looks like any other".into());
    }
    show("a removed member's message", "shown as old, and of somebody who is not in the room");

    let stranger = Mnemonic::generate(rng)?.root();
    let (first, second) = (stranger.identity(Profile::P256, 0, rng)?, stranger.identity(Profile::P256, 1, rng)?);
    let people = [(scene.alice.public(), Role::Admin), (scene.bob.public(), Role::Admin)];
    let mut package = Room::create(&first.sender(), &people, HistoryPolicy::Shared, rng)?;
    refused("a stranger's package", alice.room.apply(&package, &readers, names, rng))?;
    let Info::RoomEpoch { room, .. } = inspect(&package)? else { return Err("not a package".into()) };
    let id_len = room.as_bytes().len();
    let place = package.windows(id_len).position(|window| window == room.as_bytes()).ok_or("no room id")?;
    package.get_mut(place..place + id_len).ok_or("no room id")?.copy_from_slice(alice.room.id().as_bytes());
    refused("and under this room's id", alice.room.apply(&package, &readers, names, rng))?;
    let transition = stranger.succeed(&first, &second, rng)?;
    refused("a stranger's change of keys", alice.room.replace(&transition))?;
    refused("a plain member adds somebody", carol.room.add(&[(first.public(), Role::Member)]))?;

    let message = carol.room.seal(&Draft::new(b"Only once."), &scene.carol.sender(), rng)?;
    let freshness = [(); 2].map(|()| alice.room.open(&message, b"", names).map(|opened| opened.freshness()));
    if !matches!(freshness, [Ok(Freshness::Fresh { .. }), Ok(Freshness::Duplicate)]) {
        return Err(format!("a message that came twice is {freshness:?}").into());
    }
    show("a message is replayed", "shown as a duplicate");
    refused("a message is moved elsewhere", other.alice.room.open(&message, b"", names))?;
    // With the start of a header of that room: all but the salt.
    let theirs = other.alice.room.seal(&Draft::new(b"There."), &scene.alice.sender(), rng)?;
    let moved = [theirs.get(..39).unwrap_or_default(), message.get(39..).unwrap_or_default()].concat();
    refused("and under that room's header", other.alice.room.open(&moved, b"", names))?;
    Ok(())
}
