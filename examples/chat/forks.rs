//! Two admins at once, and what is sent along with a message.

use crate::device::Device;
use crate::files::{Attached, attach, open_attached, open_part, read_range, same};
use crate::rooms::{Played, Scene, agree, bytes, read_are, say};
use crate::{Outcome, require, step};
use sealroom::SystemRng;
use std::fs::{self, File};

/// Two admins replace the key at the same time.
pub(crate) fn fork(played: &mut Played<'_>, scene: &Scene<'_>) -> Outcome<()> {
    let Scene { names, server, .. } = *scene;
    let Played { alice, bob, carol, said, .. } = played;
    for device in [&mut *alice, &mut *bob] {
        // Neither has seen the other's.
        let package = device.room.refresh()?.seal(&device.identity.sender(), names, &mut SystemRng)?;
        device.apply(&package, names)?;
        server.post(device.name, &package)?;
    }
    say(alice, said, scene)?;
    say(bob, said, scene)?;
    for device in [&mut *alice, &mut *bob, &mut *carol] {
        device.catch_up(names, server)?;
        require(read_are(device, said), "a message of one branch is missing")?;
        let fork = device.fork()?;
        let authors = [names.name(&fork.author), names.name(&fork.own_author)];
        let expected = if device.name == "Bob" { ["Alice", "Bob"] } else { ["Bob", "Alice"] };
        require(authors == expected && fork.epoch == device.room.epoch(), "the fork is shown as another")?;
    }
    let seen = alice.fork()?;
    require(alice.room.code() != bob.room.code(), "the room is forked, and the codes agree")?;
    let [first, second] = [&*alice, &*bob].map(|device| device.room.code().groups()[0]);
    let who = format!("{} beside {}", names.name(&seen.author), names.name(&seen.own_author));
    step("Two admins at once", &format!("a fork at epoch {}, {who}; codes {first:05}.. and {second:05}..", seen.epoch));

    let mut moved = Vec::new();
    for device in [&mut *alice, &mut *bob, &mut *carol] {
        if device.settle()? {
            moved.push(device.name);
        }
    }
    require(!moved.is_empty() && agree(&[alice, bob, carol]), "the fork is not settled")?;
    for device in [&mut *alice, &mut *bob, &mut *carol] {
        device.catch_up(names, server)?;
        say(device, said, scene)?;
    }
    step("They settle it", &format!("{} changed over; the codes agree, both branches are read", moved.join(" and ")));
    Ok(())
}

/// Alice sends a photo along; Bob opens it whole, Carol a part of it.
pub(crate) fn attachment(played: &mut Played<'_>, scene: &Scene<'_>) -> Outcome<()> {
    let Scene { names, server, device, photos: [photo, other], .. } = *scene;
    let Played { alice, bob, carol, said, .. } = played;
    let attached = attach(photo, "Alice", server, device)?;
    bob.catch_up(names, server)?;
    carol.catch_up(names, server)?;
    let content = attached.to_bytes();
    alice.say(&content, server)?;
    said.push(content);

    let received = |device: &mut Device<'_>| match device.catch_up(names, server)?.messages.as_slice() {
        [content] => Attached::from_bytes(content),
        _ => Err("one message was expected".into()),
    };
    let (for_bob, for_carol) = (received(bob)?, received(carol)?);
    let (whole, part) = (device.join("photo-of-bob"), 123_456..123_556);
    let given = device.join("given");
    server.get("Bob", &for_bob.stored, &given)?;
    open_attached(&given, &whole, &for_bob.key)?;
    require(same(photo, &whole)?, "Bob's photo is another")?;
    let read = open_part(server, ("Carol", &for_carol.stored), &part, &for_carol.key)?;
    require(read == read_range(&mut File::open(photo)?, &part)?, "Carol's part of the photo is another")?;

    // The server gives another one of the same length, which the same people can open.
    let swapped = attach(other, "Alice", server, device)?.stored;
    server.get("Bob", &swapped, &given)?;
    let refused = open_attached(&given, &whole, &for_bob.key).is_err();
    let refused = refused && open_part(server, ("Carol", &swapped), &part, &for_carol.key).is_err();
    require(refused, "a swapped attachment opened")?;
    let opened = "Bob opens it as a stream, Carol 100 bytes of it; swapped, it is refused";
    step("An attachment", &format!("{}; {opened}", bytes(usize::try_from(fs::metadata(photo)?.len())?)));
    Ok(())
}
