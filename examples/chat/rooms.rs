//! A room's life: made, joined, left, forked, settled, and recovered from words.

use crate::device::{Caught, Device, Read};
use crate::forks::{attachment, fork};
use crate::past::{new_phone, removed};
use crate::people::Names;
use crate::phone::Phone;
use crate::server::Server;
use crate::{Outcome, grouped, require, step};
use sealroom::{Epoch, HistoryPolicy, Identity, Info, LeaveStatement, Role, Room, RoomId, SystemRng, inspect};
use std::cell::RefCell;
use std::collections::BTreeSet;
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
    /// Alice's, which keeps a keyring.
    pub(crate) phone: &'a RefCell<Phone>,
    pub(crate) server: &'a Server,
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
    let keep = |played: &Played<'_>| scene.phone.borrow_mut().keep(&played.alice.room, scene.server);
    let mut played = begin(history, scene)?;
    keep(&played)?;
    let (until, packages) = leave(&mut played, scene)?;
    keep(&played)?;
    fork(&mut played, scene)?;
    keep(&played)?;
    attachment(&mut played, scene)?;
    removed(&played, &until, packages, scene)?;
    new_phone(&mut played, scene)?;
    keep(&played)?;
    Ok(played)
}

pub(crate) fn bytes(len: usize) -> String {
    format!("{} bytes", grouped(u64::try_from(len).unwrap_or(u64::MAX)))
}

/// Whether all of them show the same code.
pub(crate) fn agree(devices: &[&Device<'_>]) -> bool {
    devices.windows(2).all(|pair| matches!(pair, [one, other] if one.room.code() == other.room.code()))
}

/// Says something that was not said before.
pub(crate) fn say(device: &mut Device<'_>, said: &mut Vec<Vec<u8>>, scene: &Scene<'_>) -> Outcome<()> {
    let text = format!("{} says thing number {} under {:?}", device.name, said.len(), device.room.history());
    device.say(text.as_bytes(), scene.server)?;
    said.push(text.into_bytes());
    Ok(())
}

/// Whether what a device read are those messages, neither more nor less.
pub(crate) fn read_are(device: &Device<'_>, messages: &[Vec<u8>]) -> bool {
    device.read.values().collect::<BTreeSet<_>>() == messages.iter().collect()
}

/// Three people talk in three epochs; a fourth joins.
fn begin<'a>(history: HistoryPolicy, scene: &Scene<'a>) -> Outcome<Played<'a>> {
    let Scene { names, server, .. } = *scene;
    let others = [(scene.bob.public(), Role::Admin), (scene.carol.public(), Role::Member)];
    let package = Room::create(&scene.alice.sender(), &others, history, &mut SystemRng)?;
    server.post("Alice", &package)?;
    let Info::RoomEpoch { room, .. } = inspect(&package)? else { return Err("it is no package".into()) };
    let join = |name, identity| Device::join(name, identity, (&room, scene.alice.public()), names, server);
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
    let mut dave = join("Dave", scene.dave)?;
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
            server.post("Alice", &grant)?;
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
    let packages = packages(&server.room("Alice", alice.room.id(), 0)?, alice.room.id()).len();
    let leaver = if alice.room.history() == HistoryPolicy::FromJoin {
        let statement = dave.room.leave(&scene.dave.sender(), &mut SystemRng)?;
        server.post("Dave", &statement.to_bytes())?;
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
