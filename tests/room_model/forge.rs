//! What a malicious member makes, and what a malicious server gives in the wrong place: all of it is refused.

use crate::people::{PEOPLE, Who, directory, readers};
use crate::view::View;
use crate::world::{World, attempt};
use sealroom::*;
use std::collections::BTreeSet;

/// The content of a package, to be written by hand. SPEC §18.1
struct Package {
    creator_and_nonce: [u8; 48],
    number: u64,
    previous: Transcript,
    history: u8,
    adds: u8,
    roster: BTreeSet<(Who, bool)>,
    secret: Option<[u8; 32]>,
    wrap_to: Vec<Who>,
    /// Of a symmetric stanza.
    kek: Option<[u8; 32]>,
}

fn push_vector(out: &mut Vec<u8>, content: &[u8]) {
    match content.len() {
        len @ 0..64 => out.push(len as u8),
        len => out.extend((0x4000 | len as u16).to_be_bytes()),
    }
    out.extend(content);
}

impl Package {
    fn seal(&self, world: &mut World, author: Who) -> Vec<u8> {
        let mut out = self.creator_and_nonce.to_vec();
        out.extend(self.number.to_be_bytes());
        out.extend(self.previous.as_bytes());
        out.extend([self.history, self.adds]);
        let mut roster: Vec<_> =
            self.roster.iter().map(|(who, admin)| (who.fingerprint(), 1 + u8::from(*admin))).collect();
        roster.sort();
        let roster: Vec<u8> =
            roster.iter().flat_map(|(who, role)| who.as_bytes().iter().chain([role])).copied().collect();
        push_vector(&mut out, &roster);
        out.push(u8::from(self.secret.is_some()));
        out.extend(self.secret.iter().flatten());
        out.push(0);
        let kek = self.kek.map(|mut kek| SymmetricKey::take(&mut kek));
        let mut recipients: Vec<_> = self.wrap_to.iter().map(|who| who.public().recipient()).collect();
        recipients.extend(kek.as_ref().map(Recipient::symmetric));
        let public_data = [world.id.as_bytes().as_slice(), &self.number.to_be_bytes()].concat();
        let envelope =
            Envelope::to(&recipients).signed_by(author.sender()).without_copy_for_me().public_data(&public_data);
        hazmat::seal_as(&envelope, ContentType::RoomEpoch, &out, &mut world.rng).unwrap()
    }
}

/// A device makes a package with one fault, and the server gives it to another.
pub(crate) fn offer(world: &mut World, by: usize, fault: u8, who: u8, to: usize) {
    let View { me, head, .. } = *world.view(by);
    let (number, previous, secret) = {
        let epoch = &world.ledger.epochs[head];
        (epoch.number + 1, epoch.transcript, epoch.keys.secret)
    };
    let first = Locked::decode(&world.packages[0], &Limits::default()).unwrap();
    let unlocked = first.unlock(&readers(&[Who::first(0)]), &mut world.rng).unwrap();
    let creator_and_nonce = *hazmat::dek_and_content(unlocked, first.payload()).unwrap().1.first_chunk().unwrap();
    let roster = world.ledger.epochs[head].roster.clone();
    let mut package = Package {
        creator_and_nonce,
        number,
        previous,
        history: 1 + u8::from(world.ledger.shared),
        adds: 0,
        wrap_to: roster.iter().map(|(who, _)| *who).collect(),
        roster,
        secret,
        kek: None,
    };
    let is_admin = world.ledger.is_admin(head, me);
    let (other, other_is_admin) = world.one_of_roster(by, who);
    let outsider = (0..PEOPLE).map(Who::first).find(|who| world.ledger.member(head, who.person).is_none());
    let check = match fault % 11 {
        // What only an admin may, or not even an admin.
        0 if !is_admin => {
            package.roster.remove(&(me, false));
            package.roster.insert((me, true));
            "ROOM-09"
        }
        0 if world.ledger.epochs[head].roster.iter().any(|(who, admin)| *admin && *who != me) => {
            package.roster.remove(&(me, true));
            package.roster.insert((me, false));
            "ROOM-09"
        }
        1 if !is_admin && other != me && package.roster.iter().any(|(who, admin)| *admin && *who != other) => {
            package.roster.remove(&(other, other_is_admin));
            package.wrap_to.retain(|who| *who != other);
            "ROOM-09"
        }
        2 if !is_admin && outsider.is_some() => {
            package.roster.extend(outsider.map(|outsider| (outsider, false)));
            package.wrap_to.extend(outsider);
            "ROOM-09"
        }
        // Somebody more, or fewer, or twice.
        3 if outsider.is_some() => {
            package.wrap_to.extend(outsider);
            "ROOM-11"
        }
        4 if package.wrap_to.len() > 1 => {
            package.wrap_to.retain(|who| *who != other);
            "ROOM-11"
        }
        // The old secret for a newcomer who may not read, or not for one who may; or a wrong one.
        5 if is_admin && outsider.is_some() => {
            package.roster.extend(outsider.map(|outsider| (outsider, false)));
            package.wrap_to.extend(outsider);
            package.secret = package.secret.filter(|_| !world.ledger.shared);
            "ROOM-12"
        }
        6 => {
            package.secret = Some([7; 32]);
            "ROOM-13"
        }
        7 => {
            package.secret = None;
            "ROOM-12"
        }
        8 => {
            package.history = 3 - package.history;
            "ROOM-03"
        }
        9 => {
            package.adds = 1;
            "ROOM-10"
        }
        // Somebody new in somebody's place, as if only somebody new: who is removed could read on.
        10 if is_admin && other != me && !world.ledger.shared && outsider.is_some() => {
            let path = world.ledger.path(head);
            let adds = path.iter().rev().take_while(|epoch| world.ledger.epochs[**epoch].symmetric).count();
            package.adds = 1 + adds as u8;
            package.roster.remove(&(other, other_is_admin));
            package.roster.extend(outsider.map(|outsider| (outsider, false)));
            package.wrap_to = outsider.into_iter().collect();
            (package.secret, package.kek) = (None, world.ledger.epochs[head].keys.epoch_kek);
            "ROOM-10"
        }
        _ => return,
    };
    let by_parent = package.kek.is_some() && world.view(to).has_secret(head);
    let opens = by_parent || world.keys(to).iter().any(|key| package.wrap_to.contains(key));
    let bytes = package.seal(world, me);
    let keys = readers(&world.keys(to));
    let view = world.view(to);
    let parent_known = view.held.contains_key(&head);
    let expected = if !opens {
        Error::Decrypt
    } else if parent_known {
        Error::Room { check }
    } else {
        // Without its parent it can at most stop the room, which another test is about.
        return;
    };
    let room = &mut world.devices[to].held.as_mut().unwrap().0;
    let answer = attempt(room, |room| room.apply(&bytes, &keys, directory(), &mut world.rng));
    assert_eq!(answer, Err(expected), "by device {by} to device {to}");
}

/// Every kind of thing where another belongs, and one with a bit changed.
pub(crate) fn misplace(world: &mut World, to: usize, which: u8, flip: u16) {
    let keys = readers(&world.keys(to));
    let place = |things: &[Vec<u8>]| crate::actions::of(things.len(), which).map(|place| things[place].clone());
    let (package, message, grant) = (place(&world.packages), place(&world.messages), place(&world.grants));
    let World { devices, rng, leaves, .. } = world;
    let leave = leaves.last().map(|(statement, ..)| statement.to_bytes());
    let device = &mut devices[to];
    let (key, room) = (&device.key, &mut device.held.as_mut().unwrap().0);
    let state = Some(room.save(key, rng).unwrap());
    let all = [&package, &message, &grant, &leave, &state];
    for (place, thing) in all.into_iter().enumerate() {
        let Some(thing) = thing else { continue };
        let inviter = Who::first(0).public();
        if place != 0 {
            assert!(attempt(room, |room| room.apply(thing, &keys, directory(), rng)).is_err());
            assert!(Room::join(thing, inviter, &keys, rng).is_err());
        }
        if place != 1 {
            assert!(attempt(room, |room| room.open(thing, b"", directory())).is_err());
        }
        if place != 2 {
            assert!(attempt(room, |room| room.accept_grant(thing, inviter, &keys, rng)).is_err());
        }
        assert_eq!(place == 4, Room::load(thing, key).is_ok());
        let mut changed = thing.clone();
        let bit = usize::from(flip) % (8 * changed.len());
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(attempt(room, |room| room.open(&changed, b"", directory())).is_err());
        assert!(attempt(room, |room| room.accept_grant(&changed, inviter, &keys, rng)).is_err());
        assert!(Room::load(&changed, key).is_err());
        // Of what is held, no more is read than what tells that.
        let applied = attempt(room, |room| room.apply(&changed, &keys, directory(), rng));
        assert!(matches!(applied, Err(_) | Ok(Applied::Held)), "{applied:?}");
    }
}

/// A member who can read a message puts other words, another name or another number into it.
pub(crate) fn impersonate(world: &mut World, message: usize, how: u8, to: usize) {
    let (bytes, sealed) = (&world.messages[message], &world.ledger.messages[message]);
    let message_key = &world.ledger.epochs[sealed.epoch].keys.message_key;
    let key = |header: &[u8]| {
        let key = hazmat::derive(message_key, "message", &header[39..63], 32).unwrap();
        *key.first_chunk::<32>().unwrap()
    };
    let bound = |header: &[u8]| [header, &hazmat::sha256(&sealed.aad)].concat();
    let (header, body) = bytes.split_at(63);
    let mut plain = hazmat::aes_256_gcm_open(&key(header), &[0; 12], &bound(header), body).unwrap();
    // The sender's place, its device, the number; or the content's first byte, behind the signature of 64 bytes.
    let content_len = if sealed.content.len() < 64 { 1 } else { 2 };
    let place = [3, 4, 19, 20 + 2 + 64 + content_len][usize::from(how) % 4];
    plain[place] ^= 1;
    let mut header = header.to_vec();
    header[39] ^= 1;
    let again = hazmat::aes_256_gcm_seal(&key(&header), &[0; 12], &bound(&header), &plain).unwrap();
    let again = [header, again].concat();
    let held = world.view(to).held.contains_key(&sealed.epoch);
    let aad = sealed.aad.clone();
    let room = &mut world.devices[to].held.as_mut().unwrap().0;
    let opened = attempt(room, |room| room.open(&again, &aad, directory()));
    let error = opened.expect_err("a member speaks as another");
    // No such place in the roster is no message at all.
    assert_eq!(matches!(error, Error::Signature | Error::Decrypt), held, "{error:?}");
}
