//! A device is stolen: the keys are changed everywhere, and what was stolen opens nothing from then on.

use crate::device::{Device, Read};
use crate::devices::{Certified, link, recover_linked};
use crate::people::Names;
use crate::phone::{Phone, go_through, read_all};
use crate::rooms::{Played, Scene, packages, say};
use crate::server::Server;
use crate::{Outcome, require, step};
use sealroom::{
    Account, Error, Identity, Keyring, Left, Limits, LinkedIdentity, Locked, Mnemonic, Profile, Reader, Recovery, Room,
    Succession, SystemRng,
};

/// What is in the thief's hands.
pub(crate) struct Stolen {
    pub(crate) linked: LinkedIdentity,
    pub(crate) account: Account,
    pub(crate) certified: Certified,
}

/// Alice's phone, which is still hers.
pub(crate) struct Hers<'d> {
    pub(crate) phone: Phone,
    pub(crate) old: &'d Identity,
    pub(crate) rooms: Vec<Device<'d>>,
}

fn show(succession: &Succession, rooms: &[Device<'_>]) -> Outcome<Vec<Left>> {
    let rooms: Vec<&Room> = rooms.iter().map(|device| &device.room).collect();
    let left = succession.left(&rooms);
    let tell = |left: &Left| match left {
        Left::Publish => "publish".to_owned(),
        Left::Keyring => "the keyring".to_owned(),
        Left::Room(id) => format!("room {}", crate::server::hex(id.as_bytes().get(..4).unwrap_or_default())),
        Left::Devices => "the devices".to_owned(),
        other => format!("{other:?}"),
    };
    let told = left.iter().map(tell).collect::<Vec<_>>().join(", ");
    step("  left to do", if told.is_empty() { "nothing" } else { &told });
    Ok(left)
}

/// Gives what was on the screen of the new tablet, and the new generation's keyring key.
pub(crate) fn stolen(
    thief: &mut Stolen,
    hers: &mut Hers<'_>,
    played: &mut [Played<'_>; 2],
    words: &str,
    scene: &Scene<'_>,
) -> Outcome<Vec<Vec<u8>>> {
    let Scene { server, .. } = *scene;
    let before = read_all(&mut thief.account.rooms, scene.names, server, "Alice")?;
    require(thief.certified.ask(server)?.is_ok(), "the tablet is not known")?;
    step("The tablet is stolen", &format!("with the keys, {} messages open", before.len()));

    let root = Mnemonic::parse(words)?.root();
    let mut succession = Succession::new(&root, hers.old, Profile::P256, &mut SystemRng)?;
    drop(root);
    let new = succession.identity().clone();
    let names = scene.names.with("Alice", new.public());
    let left = show(&succession, &hers.rooms)?;
    require(
        matches!(*left, [Left::Publish, Left::Keyring, Left::Room(_), Left::Room(_), Left::Devices]),
        "all is left",
    )?;

    server.succeed("Alice", succession.transition())?;
    server.sign_in("Alice", &new)?;
    succession.published();
    let refused = thief.certified.ask(server)?.err().ok_or("the server still takes the tablet's requests")?;
    require(refused.contains("CRT-01"), &refused)?;
    step("Published", &format!("the tablet's request: {refused}"));
    require(show(&succession, &hers.rooms)?.first() == Some(&Left::Keyring), "the keyring is not the next")?;

    let whole = succession.seal_keyring(&mut hers.phone.keyring, &mut SystemRng)?;
    server.post("Alice", &whole)?;
    succession.keyring_uploaded();
    hers.phone.clear(&whole, &new.keyring_key()?, server)?;
    show(&succession, &hers.rooms)?;

    for (device, played) in hers.rooms.iter_mut().zip(played.iter_mut()) {
        let package = succession.replace(&device.room)?.seal(&new.sender(), &names, &mut SystemRng)?;
        server.post("Alice", &package)?;
        device.room.apply(&package, &[new.reader(), hers.old.reader()], &names, &mut SystemRng)?;
        device.save()?;
        hers.phone.key = new.keyring_key()?;
        hers.phone.keep(&device.room, server)?;
        for other in [&mut played.bob, &mut played.carol] {
            other.catch_up(&names, server)?;
            require(other.room.transcript() == device.room.transcript(), "somebody is elsewhere")?;
            say(other, &mut played.said, scene)?;
        }
    }
    require(show(&succession, &hers.rooms)? == [Left::Devices], "a room is left")?;

    let (linked, screen) = link(&[hers.old, &new], &[succession.transition().clone()], server)?;
    succession.devices_linked();
    recover_linked(&linked, before.len() + 4, server)?;
    require(show(&succession, &hers.rooms)?.is_empty(), "something is left")?;

    useless(thief, &before, &whole, &names, server)?;
    Ok(vec![screen.into_bytes(), new.keyring_key()?.expose().to_vec()])
}

/// The thief has a copy of all that the server has, and tries all that was stolen.
fn useless(thief: &mut Stolen, before: &Read, whole: &[u8], names: &Names, server: &Server) -> Outcome<()> {
    let Stolen { linked, account, .. } = thief;
    let reader = linked.current().reader();
    let key = linked.current().keyring_key()?;
    require(
        Keyring::new(&mut SystemRng)?.merge(whole, &[&key], &mut SystemRng).err() == Some(Error::Decrypt),
        "the keyring opens",
    )?;
    let opens = |object: &[u8]| {
        let locked = Locked::decode(object, &Limits::default())?;
        locked.unlock(&[reader, Reader::symmetric(&key)], &mut SystemRng)
    };
    require(opens(&server.answer("Alice")?).is_err(), "the new tablet's keys open")?;

    let mut opened = Read::new();
    for room in &mut account.rooms {
        let objects = server.room("Bob", room.id(), 0)?;
        let _ = room.catch_up(&packages(&objects, room.id()), &[reader], names, &mut SystemRng);
        opened.append(&mut read_all(std::slice::from_mut(room), names, server, "Bob")?);
    }
    let mut recovery = Recovery::of_linked(linked, &mut SystemRng)?;
    let unused = go_through(&mut recovery, server, false, |_, _| true)?;
    let mut again = recovery.finish()?;
    opened.append(&mut read_all(&mut again.rooms, names, server, "Bob")?);
    require(opened == *before, "the thief reads something else than before")?;
    require(unused > 0, "the thief could use everything that the server gave")?;
    let still = format!("the {} messages from before, no new one", before.len());
    step("What was stolen opens", &format!("{still}; of what the server gives {unused} do not open"));
    Ok(())
}
