//! What somebody with an allocator made: two packages of a room, the messages of its maker, and an envelope.

use sealroom::*;
use std::path::PathBuf;
use std::{env, fs};

#[path = "src/people.rs"]
mod people;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::copy("memory.x", out.join("memory.x"))?;
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rerun-if-changed=memory.x");

    let mut draws = people::Draws::new(1);
    let [alice, meter, carol] = [1, 2, 3].map(people::identity);
    let (alice, meter, carol) = (alice?, meter?, carol?);
    let people = [alice.public(), meter.public(), carol.public()];
    let first = Room::create(&alice.sender(), &[(meter.public(), Role::Member)], HistoryPolicy::FromJoin, &mut draws)?;
    let mut room = Room::join(&first, alice.public(), &[alice.reader()], &mut draws)?.finish()?;
    let next = room.add(&[(carol.public(), Role::Member)])?.seal(&alice.sender(), &people, &mut draws)?;
    room.apply(&next, &[alice.reader()], &people, &mut draws)?;
    let message = room.seal(&Draft::new(&people::CONTENT), &alice.sender(), &mut draws)?;
    let to = [meter.public().recipient()];
    let envelope = Envelope::to(&to).signed_by(alice.sender()).seal(&people::CONTENT, &mut draws)?;
    for (name, bytes) in [("first", first), ("next", next), ("message", message), ("envelope", envelope)] {
        fs::write(out.join(name), bytes)?;
    }
    Ok(())
}
