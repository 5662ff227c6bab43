//! What somebody who was removed can read, and somebody who has only words.

use crate::device::{Device, Read};
use crate::people::recover;
use crate::rooms::{Played, Scene, agree, packages, read_are, say};
use crate::{Outcome, require, step};
use sealroom::{Draft, Error, HeadStatement, Limits, Locked, Reader, Recovered, Room, SystemRng};
use std::time::Instant;

/// Dave tries everything that he ever had on everything that the server has.
pub(crate) fn removed(played: &Played<'_>, until: &Read, packages_then: usize, scene: &Scene<'_>) -> Outcome<()> {
    let Scene { names, server, .. } = *scene;
    let Played { dave, said, .. } = played;
    let mut objects = server.room("Bob", dave.room.id(), 0)?;
    // Those of other rooms too, though they are none of this one's.
    let of_others = |package: &Vec<u8>| packages(std::slice::from_ref(package), dave.room.id()).is_empty();
    objects.extend(server.packages("Bob")?.into_iter().filter(of_others));
    let (packages, reader) = (packages(&objects, dave.room.id()), dave.identity.reader());
    let mut rooms = dave.states.iter().map(|state| Room::load(state, &dave.key)).collect::<Result<Vec<_>, _>>()?;
    rooms.extend(Room::recover(dave.room.id(), &packages, &[reader], names, &mut SystemRng).map(|found| found.room));
    let inviters = [scene.alice, scene.bob, scene.carol];
    for package in &packages {
        let joined = inviters.map(|inviter| Room::join(package, inviter.public(), &[reader], &mut SystemRng));
        rooms.extend(joined.into_iter().flatten().filter_map(|joining| joining.finish().ok()));
    }
    let mut opened = Read::new();
    let tried = rooms.len();
    for mut room in rooms {
        let _ = room.catch_up(&packages, &[reader], names, &mut SystemRng);
        // A second time, for what the first one may have made possible.
        for object in objects.iter().chain(&objects) {
            let _ = room.apply(object, &[reader], names, &mut SystemRng);
            for granter in inviters {
                let _ = room.accept_grant(object, granter.public(), &[reader], &mut SystemRng);
            }
            if let Ok(message) = room.open(object, b"", names) {
                opened.insert(*message.id(), message.into_content());
            }
        }
    }
    let keys = [reader, Reader::symmetric(&dave.key)];
    let unlocks = |package: &&&[u8]| {
        Locked::decode(package, &Limits::default()).is_ok_and(|locked| locked.unlock(&keys, &mut SystemRng).is_ok())
    };
    let (before, after) = packages.split_at_checked(packages_then).ok_or("packages are missing")?;
    require(before.iter().filter(unlocks).count() == 1, "Dave's own invitation does not open")?;
    require(after.iter().filter(unlocks).count() == 0, "a package after Dave's removal opens by his keys")?;
    // What he could read he still can, so the attempts are real ones.
    require(opened == *until, "what Dave reads is not what he read before")?;
    let others = said.iter().filter(|said| !until.values().any(|read| read == *said)).count();
    let all = format!("{tried} rooms, his keys, {} objects", objects.len());
    step("Dave, with all he had", &format!("{all}: what he read before, and none of the other {others}"));
    Ok(())
}

/// Bob has only his words, and a server that may have left something out.
pub(crate) fn new_phone(played: &mut Played<'_>, scene: &Scene<'_>) -> Outcome<()> {
    let Scene { names, server, .. } = *scene;
    let Played { alice, carol, said, .. } = played;
    let start = Instant::now();
    let identity = recover("Bob", scene.bobs_words, names)?;
    let objects = server.room("Bob", alice.room.id(), 0)?;
    let packages = packages(&objects, alice.room.id());
    let Recovered { room, problems, .. } =
        Room::recover(alice.room.id(), &packages, &[identity.reader()], names, &mut SystemRng)?;
    require(problems.is_empty(), "a package could not be used")?;
    let mut phone = Device::new("Bob", &identity, room)?;
    phone.settle()?;
    phone.catch_up(names, server)?;
    require(read_are(&phone, said), "the new phone does not read everything")?;
    let found = format!("{} epochs, {} messages", phone.room.epochs().count(), said.len());
    step("Bob's new phone", &format!("{found} in {} ms from 24 words", start.elapsed().as_millis()));

    let sealed = phone.room.seal(&Draft::new(b"Is anybody there?"), &identity.sender(), &mut SystemRng);
    let changed = phone.room.refresh();
    let unconfirmed = sealed.err() == Some(Error::Unconfirmed) && changed.err() == Some(Error::Unconfirmed);
    require(unconfirmed, "it seals, and nobody vouched for its head")?;
    alice.catch_up(names, server)?;
    let nonce = HeadStatement::nonce(&mut SystemRng)?;
    let statement = alice.room.vouch(&nonce, &scene.alice.sender(), &mut SystemRng)?.to_bytes();
    server.post("Alice", &statement)?;
    let statement = HeadStatement::from_bytes(&statement)?;
    let replayed = phone.room.confirm(&statement, &HeadStatement::nonce(&mut SystemRng)?, scene.alice.public());
    require(replayed.is_err(), "a statement over another nonce is taken")?;
    phone.room.confirm(&statement, &nonce, scene.alice.public())?;
    phone.save()?;
    say(&mut phone, said, scene)?;
    for device in [&mut *alice, &mut *carol] {
        device.catch_up(names, server)?;
        require(read_are(device, said), "the new phone is not heard")?;
    }
    require(agree(&[alice, carol, &phone]), "the codes differ at the end")?;
    step(
        "It may not write yet",
        &format!("{}; Alice vouches, over its nonce; it writes, and is read", Error::Unconfirmed),
    );
    let digits = phone.room.code().to_string();
    let (first, second) = digits.split_at_checked(6 * 6).ok_or("twelve groups are expected")?;
    step("The code of all three", first.trim_end());
    step("", second);
    Ok(())
}
