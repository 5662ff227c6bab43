//! What everyone does with bytes that the server gives them, and what must hold then.

use super::grants::offers_grant;
use super::world::*;
use sealroom::*;
use std::collections::BTreeMap;

impl World {
    /// Everything that a client or another server could do with these bytes.
    pub(super) fn gives(&mut self, to: usize, bytes: &[u8]) {
        let (person, directory) = (&mut self.people[to], self.directory);
        let (identity, rng) = (person.identity(), &mut SystemRng);
        let unknown = |error: &Error| match error {
            Error::UnknownIdentity { fingerprint } => {
                assert!(directory.swaps(&Fingerprint::from_bytes(*fingerprint)));
                true
            }
            _ => false,
        };
        let phones = self.phones.iter_mut().filter(|((who, _), _)| *who == to).map(|(_, room)| (room, true));
        for (room, is_phone) in person.rooms.iter_mut().map(|room| (room, false)).chain(phones) {
            let before = hazmat::room_state(room);
            let applied = room.apply(bytes, &[identity.reader()], &directory, rng);
            let became = check_applied(&self.packages, room, bytes, &applied);
            if !is_phone {
                assert_ne!(became, "past");
                *self.tally.entry(became).or_default() += 1;
            }
            match &applied {
                Ok(Applied::Held) => {}
                Ok(_) => assert!(!directory.swaps(&self.packages[bytes].0), "nobody looked up who made it"),
                Err(error) if unknown(error) => *self.tally.entry("not known").or_default() += 1,
                Err(_) => {}
            }
            let unchanged = hazmat::room_state(room) == before;
            assert!(unchanged || applied.is_ok_and(|applied| applied != Applied::Held));

            let before = hazmat::room_state(room);
            match room.open(bytes, b"", &directory) {
                Ok(opened) => {
                    let sent = self.sent.get(bytes).expect("nobody sent it");
                    assert_eq!((opened.sender(), opened.content()), (&sent.by, &sent.content[..]));
                    assert_eq!((*room.id(), opened.epoch()), (sent.room, sent.epoch));
                    assert!(!directory.swaps(&sent.by), "nobody looked up who wrote it");
                    if !is_phone && sent.by != *insider().public.fingerprint() {
                        // Few come of each device, so none is too old.
                        let again = !person.seen.insert(bytes.to_vec());
                        assert_eq!(opened.freshness() == Freshness::Duplicate, again, "{:?}", opened.freshness());
                        *self.tally.entry(if again { "repeated" } else { "opened" }).or_default() += 1;
                    }
                    if opened.is_superseded() && !is_phone {
                        *self.tally.entry("superseded").or_default() += 1;
                    }
                }
                Err(error) => {
                    assert!(hazmat::room_state(room) == before);
                    if unknown(&error) {
                        *self.tally.entry("not known").or_default() += 1;
                    }
                }
            }
            if let Some(became) = offers_grant(&self.grants, room, identity, bytes) {
                *self.tally.entry(became).or_default() += 1;
            }
            // Nobody vouched for anything, or leaves.
            assert!(HeadStatement::from_bytes(bytes).is_err() && LeaveStatement::from_bytes(bytes).is_err());
            assert!(Room::load(bytes, &identity.keyring_key().unwrap()).is_err());
        }
        let before = hazmat::keyring_entries(&person.keyring);
        match person.keyring.merge(bytes, &[&identity.keyring_key().unwrap()], rng) {
            Ok(_) => assert_eq!(self.segments.get(bytes), Some(&to)),
            Err(_) => assert_ne!(self.segments.get(bytes), Some(&to)),
        }
        // Its own come back to each, so nothing is new in any.
        assert!(hazmat::keyring_entries(&person.keyring) == before);
        assert!(open(bytes, &[identity.reader()], rng).is_err());
        if let Some(became) = self.offers_answer(to, bytes) {
            *self.tally.entry(became).or_default() += 1;
        }

        for (n, server) in self.servers.iter_mut().enumerate() {
            let Ok(proof) = RequestProof::from_bytes(bytes) else { break };
            for target in 0..=u8::MAX {
                // Few of those that were not asked.
                let asked = self.proofs.get(bytes) == Some(&(n, target));
                if !asked && target % 50 != 0 {
                    continue;
                }
                let target = [target];
                let request = Request::new(AUDIENCES[n], b"GET", &target);
                let answer = proof.verify(&request, honest(0).public(), &Clock::at(NOW), server);
                let first = asked && self.taken.insert(bytes.to_vec());
                assert_eq!(answer.is_ok(), first, "{answer:?}");
                if first {
                    *self.tally.entry("proof").or_default() += 1;
                }
            }
        }
    }

    pub(super) fn catches_up(&mut self, to: usize, room: usize, packages: &[Vec<u8>]) {
        let room = &mut self.people[to].rooms[room];
        let all: Vec<&[u8]> = packages.iter().map(|package| &package[..]).collect();
        let answers = room.catch_up(&all, &[honest(to).reader()], &self.directory, &mut SystemRng);
        for (package, answer) in packages.iter().zip(&answers) {
            assert_ne!(check_applied(&self.packages, room, package, answer), "past");
        }
    }
}

/// What was taken is a package, byte for byte, of this room and by its author.
#[track_caller]
fn check_applied(
    packages: &BTreeMap<Vec<u8>, (Fingerprint, RoomId)>,
    room: &Room,
    bytes: &[u8],
    applied: &Result<Applied, Error>,
) -> &'static str {
    let Ok(applied) = applied else { return if packages.contains_key(bytes) { "refused" } else { "not a package" } };
    let (by, of) = packages.get(bytes).unwrap_or_else(|| panic!("nobody made it: {applied:?}"));
    assert_eq!(of, room.id());
    let (became, author) = match applied {
        Applied::Head { author } => ("head", author),
        Applied::Fork { author, kept: true } => ("fork", author),
        Applied::Switched { author } => ("switched", author),
        Applied::Ahead { author, .. } => ("ahead", author),
        Applied::Past { author } => ("past", author),
        Applied::Held => return "held",
        other => panic!("{other:?}"),
    };
    assert_eq!(author, by);
    became
}
