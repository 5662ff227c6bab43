//! A room's life: made, joined, left, forked, settled, and recovered from words.

use crate::device::{Caught, Device, Read};
use crate::files::{Attached, attach, open_attached, open_part, read_range, same};
use crate::people::{Names, recover};
use crate::{Outcome, grouped, server};
use sealroom::{
    Draft, Epoch, Error, HeadStatement, HistoryPolicy, Identity, Info, LeaveStatement, Limits, Locked, Reader,
    Recovered, Role, Room, RoomId, SystemRng, inspect,
};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::time::Instant;

/// How many epochs somebody misses who is offline.
const MISSED: u64 = 20;

/// Who takes part, where, and what they send to each other.
pub(crate) struct Scene<'a> {
    pub(crate) alice: &'a Identity,
    pub(crate) bob: &'a Identity,
    pub(crate) carol: &'a Identity,
    pub(crate) dave: &'a Identity,
    pub(crate) bobs_words: &'a str,
    pub(crate) names: &'a Names,
    pub(crate) server: &'a Path,
    /// Where plaintext is.
    pub(crate) device: &'a Path,
    /// Two files as long as each other.
    pub(crate) photos: [&'a Path; 2],
}

/// A room while it is played.
pub(crate) struct Played<'a> {
    pub(crate) alice: Device<'a>,
    pub(crate) bob: Device<'a>,
    pub(crate) carol: Device<'a>,
    /// Joins later, and is removed again.
    pub(crate) dave: Device<'a>,
    /// All that was said, and sent along.
    pub(crate) said: Vec<Vec<u8>>,
}

/// Plays a room of that policy from its beginning.
pub(crate) fn play<'a>(history: HistoryPolicy, scene: &Scene<'a>) -> Outcome<Played<'a>> {
    let mut played = begin(history, scene)?;
    let (until, packages) = leave(&mut played, scene)?;
    fork(&mut played, scene)?;
    attachment(&mut played, scene)?;
    removed(&played, &until, packages, scene)?;
    new_phone(&mut played, scene)?;
    Ok(played)
}

fn step(what: &str, happened: &str) {
    println!("  {what:22} {happened}");
}

fn require(holds: bool, what: &str) -> Outcome<()> {
    if holds { Ok(()) } else { Err(what.into()) }
}

fn bytes(len: usize) -> String {
    format!("{} bytes", grouped(u64::try_from(len).unwrap_or(u64::MAX)))
}

/// Whether all of them show the same code.
fn agree(devices: &[&Device<'_>]) -> bool {
    devices.windows(2).all(|pair| matches!(pair, [one, other] if one.room.code() == other.room.code()))
}

/// Says something that was not said before.
fn say(device: &mut Device<'_>, said: &mut Vec<Vec<u8>>, scene: &Scene<'_>) -> Outcome<()> {
    let text = format!("{} says thing number {} under {:?}", device.name, said.len(), device.room.history());
    device.say(text.as_bytes(), scene.server)?;
    said.push(text.into_bytes());
    Ok(())
}

/// Whether what a device read are those messages, neither more nor less.
fn read_are(device: &Device<'_>, messages: &[Vec<u8>]) -> bool {
    device.read.values().collect::<BTreeSet<_>>() == messages.iter().collect()
}

/// Three people talk in three epochs; a fourth joins.
fn begin<'a>(history: HistoryPolicy, scene: &Scene<'a>) -> Outcome<Played<'a>> {
    let Scene { names, server, .. } = *scene;
    let others = [(scene.bob.public(), Role::Admin), (scene.carol.public(), Role::Member)];
    let package = Room::create(&scene.alice.sender(), &others, history, &mut SystemRng)?;
    server::post(server, &package)?;
    let join = |name, identity| Device::join(name, identity, scene.alice.public(), names, server);
    let (mut alice, mut bob) = (join("Alice", scene.alice)?, join("Bob", scene.bob)?);
    let mut carol = join("Carol", scene.carol)?;
    require(agree(&[&alice, &bob, &carol]), "the codes differ at the start")?;
    step("Alice, Bob, Carol", &format!("package of epoch 0: {}; the codes agree", bytes(package.len())));

    let mut said = Vec::new();
    for epoch in 0..3 {
        if epoch > 0 {
            alice.make(&alice.room.refresh()?, names, server)?;
        }
        for device in [&mut alice, &mut bob, &mut carol] {
            device.catch_up(names, server)?;
            say(device, &mut said, scene)?;
        }
    }
    for device in [&mut alice, &mut bob, &mut carol] {
        device.catch_up(names, server)?;
        require(read_are(device, &said), "not everyone read everything")?;
    }
    step("They talk", &format!("{} messages in epochs 0 to 2, read by all", said.len()));

    let package = alice.make(&alice.room.add(&[(scene.dave.public(), Role::Member)])?, names, server)?;
    let mut dave = Device::join("Dave", scene.dave, scene.alice.public(), names, server)?;
    dave.catch_up(names, server)?;
    let joined = format!("package of epoch 3: {}; of the {} from before", bytes(package), said.len());
    match history {
        HistoryPolicy::Shared => {
            require(read_are(&dave, &said), "Dave lacks what was shared")?;
            step("Dave joins", &format!("{joined} he reads {}", dave.read.len()));
        }
        _ => {
            require(dave.read.is_empty(), "Dave reads what was before him")?;
            let epochs = Epoch::new(1)..=Epoch::new(2);
            let grant =
                alice.room.grant_history(epochs, &[scene.dave.public()], &scene.alice.sender(), &mut SystemRng)?;
            server::post(server, &grant)?;
            dave.room.accept_grant(&grant, scene.alice.public(), &[scene.dave.reader()], &mut SystemRng)?;
            dave.save()?;
            dave.start_over(names, server)?;
            // The three of epoch 0 stay closed.
            require(read_are(&dave, said.get(3..).unwrap_or_default()), "Dave reads other epochs than were granted")?;
            step(
                "Dave joins",
                &format!("{joined} he reads 0, and {} once Alice granted epochs 1 and 2", dave.read.len()),
            );
        }
    }
    for device in [&mut alice, &mut bob, &mut dave] {
        device.catch_up(names, server)?;
        say(device, &mut said, scene)?;
    }
    dave.catch_up(names, server)?;
    Ok(Played { alice, bob, carol, dave, said })
}

/// Dave goes, and the key is replaced again and again, while Carol is offline. Gives what Dave could read until then, and
/// how many packages there were.
fn leave(played: &mut Played<'_>, scene: &Scene<'_>) -> Outcome<(Read, usize)> {
    let Scene { names, server, .. } = *scene;
    let Played { alice, bob, carol, dave, said } = played;
    let packages = packages(&server::posted(server, 0)?, alice.room.id()).len();
    let leaver = if alice.room.history() == HistoryPolicy::FromJoin {
        let statement = dave.room.leave(&scene.dave.sender(), &mut SystemRng)?;
        server::post(server, &statement.to_bytes())?;
        alice.room.check_leave(&LeaveStatement::from_bytes(&statement.to_bytes())?, names)?
    } else {
        *scene.dave.public().fingerprint()
    };
    let package = alice.make(&alice.room.remove(&[leaver])?, names, server)?;
    let caught = dave.catch_up(names, server)?;
    require(caught.closed == 1, "Dave opened the package that removes him")?;
    let until = dave.read.clone();
    step("Alice removes Dave", &format!("package of epoch {}: {}", alice.room.epoch(), bytes(package)));

    for number in 0..MISSED {
        let device = if number % 2 == 0 { &mut *bob } else { &mut *alice };
        device.catch_up(names, server)?;
        device.make(&device.room.refresh()?, names, server)?;
        say(device, said, scene)?;
    }
    let since = carol.room.epoch();
    let start = Instant::now();
    let Caught { packages: applied, messages, closed } = carol.catch_up(names, server)?;
    let millis = start.elapsed().as_millis();
    alice.catch_up(names, server)?;
    bob.catch_up(names, server)?;
    require(closed == 0 && read_are(carol, said), "Carol missed something")?;
    require(agree(&[alice, bob, carol]), "the codes differ after Carol came back")?;
    require(carol.room.epoch().number() - since.number() > MISSED, "Carol was not offline")?;
    let back = format!("{applied} packages, {} messages in {millis} ms; the codes agree", messages.len());
    step("Carol was offline", &format!("since epoch {since}: {back}"));
    Ok((until, packages))
}

/// The packages of a room among what a server has.
pub(crate) fn packages<'o>(objects: &'o [Vec<u8>], id: &RoomId) -> Vec<&'o [u8]> {
    let of_room = |object: &&[u8]| matches!(inspect(object), Ok(Info::RoomEpoch { room, .. }) if room == *id);
    objects.iter().map(Vec::as_slice).filter(of_room).collect()
}

/// Two admins replace the key at the same time.
fn fork(played: &mut Played<'_>, scene: &Scene<'_>) -> Outcome<()> {
    let Scene { names, server, .. } = *scene;
    let Played { alice, bob, carol, said, .. } = played;
    for device in [&mut *alice, &mut *bob] {
        // Neither has seen the other's.
        let package = device.room.refresh()?.seal(&device.identity.sender(), names, &mut SystemRng)?;
        device.apply(&package, names)?;
        server::post(server, &package)?;
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
fn attachment(played: &mut Played<'_>, scene: &Scene<'_>) -> Outcome<()> {
    let Scene { names, server, device, photos: [photo, other], .. } = *scene;
    let Played { alice, bob, carol, said, .. } = played;
    let attached = attach(photo, server)?;
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
    open_attached(&server.join(&for_bob.stored), &whole, &for_bob.key)?;
    require(same(photo, &whole)?, "Bob's photo is another")?;
    let read = open_part(&server.join(&for_carol.stored), &part, &for_carol.key)?;
    require(read == read_range(&mut File::open(photo)?, &part)?, "Carol's part of the photo is another")?;

    // The server gives another one of the same length, which the same people can open.
    let swapped = server.join(attach(other, server)?.stored);
    let refused = open_attached(&swapped, &whole, &for_bob.key).is_err();
    let refused = refused && open_part(&swapped, &part, &for_carol.key).is_err();
    require(refused, "a swapped attachment opened")?;
    let opened = "Bob opens it as a stream, Carol 100 bytes of it; swapped, it is refused";
    step("An attachment", &format!("{}; {opened}", bytes(usize::try_from(fs::metadata(photo)?.len())?)));
    Ok(())
}

/// Dave tries everything that he ever had on everything that the server has.
fn removed(played: &Played<'_>, until: &Read, packages_then: usize, scene: &Scene<'_>) -> Outcome<()> {
    let Scene { names, server, .. } = *scene;
    let Played { dave, said, .. } = played;
    let objects = server::posted(server, 0)?;
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
fn new_phone(played: &mut Played<'_>, scene: &Scene<'_>) -> Outcome<()> {
    let Scene { names, server, .. } = *scene;
    let Played { alice, carol, said, .. } = played;
    let start = Instant::now();
    let identity = recover("Bob", scene.bobs_words, names)?;
    let objects = server::posted(server, 0)?;
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
    server::post(server, &statement)?;
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
