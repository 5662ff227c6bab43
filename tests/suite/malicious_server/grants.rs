//! New phones that hold little, and grants of what was before.

use super::world::*;
use sealroom::*;
use std::collections::BTreeMap;

/// A grant that somebody made.
pub(super) struct Given {
    pub(super) by: Fingerprint,
    pub(super) to: Fingerprint,
    pub(super) room: RoomId,
    pub(super) epochs: Vec<[u8; 32]>,
}

impl World {
    /// As in recovery, from a server that keeps all but one package back.
    pub(super) fn begins(&mut self, who: usize, room: usize, at: usize) {
        let packages = self.packages_of(room);
        let package = &packages[packages.len() - 1 - at % packages.len()];
        // Additions are for newcomers.
        if let Some(phone) = self.phone(who, room, package) {
            self.phones.insert((who, room), phone);
        }
    }

    fn phone(&self, who: usize, room: usize, package: &[u8]) -> Option<Room> {
        let readers = [honest(who).reader()];
        let begun = Room::recover(&self.id(room), &[package], &readers, everyone(), &mut SystemRng);
        begun.ok().map(|begun| begun.room)
    }

    /// What comes right before what somebody's new phone holds; for who has none, before the head.
    pub(super) fn wanted(&self, to: usize, room: usize) -> Option<u64> {
        let first = self.phones.get(&(to, room)).and_then(|phone| phone.epochs().next());
        first.map_or(self.people[0].rooms[room].epoch(), |(epoch, ..)| epoch).number().checked_sub(1)
    }

    pub(super) fn grants(&mut self, who: usize, room: usize, len: usize, to: usize) -> Option<Vec<u8>> {
        let (held, reader) = (&self.people[who].rooms[room], &everyone()[to]);
        let last = self.wanted(to, room).filter(|last| *last <= held.epoch().number())?;
        let range = last.saturating_sub(len as u64)..=last;
        let epochs = Epoch::new(*range.start())..=Epoch::new(last);
        let is_there = held.roster().iter().any(|member| member.fingerprint == *reader.fingerprint());
        let grant = match held.grant_history(epochs, &[reader], &honest(who).sender(), &mut SystemRng) {
            Ok(grant) => grant,
            Err(error) => {
                assert!(error == Error::Unconfirmed && !self.may_write(who, room) || !is_there, "{error:?}");
                return None;
            }
        };
        assert!(is_there && self.may_write(who, room));
        let locked = Locked::decode(&grant, &Limits::default()).unwrap();
        let opens = locked.unlock(&[insider().reader()], &mut SystemRng).is_ok();
        assert_eq!(opens, reader == &insider().public);
        // Those of other branches too.
        let epochs = held.epochs().filter(|(epoch, ..)| range.contains(&epoch.number()));
        let epochs = epochs.map(|(_, transcript, _)| *transcript.as_bytes()).collect();
        let given = Given { by: fingerprint(who), to: *reader.fingerprint(), room: self.id(room), epochs };
        self.grants.insert(grant.clone(), given);
        Some(grant)
    }

    /// What honest people do in the end: a new phone that begins with the last package is granted what was before it, and
    /// reads every message of its branch.
    pub(super) fn reads_what_is_granted(&mut self) {
        for room in 0..2 {
            let [alice, bob] = &self.people;
            let head = bob.rooms[room].transcript();
            let begun = self
                .packages_of(room)
                .iter()
                .find_map(|package| self.phone(1, room, package).filter(|phone| phone.transcript() == head));
            let Some(mut phone) = begun else { continue };
            let Some(last) = phone.epoch().number().checked_sub(1) else { continue };
            let epochs = Epoch::new(0)..=Epoch::new(last);
            let (alices, sender) = (&alice.rooms[room], honest(0).sender());
            let grant = alices.grant_history(epochs, &[honest(1).public()], &sender, &mut SystemRng).unwrap();
            let readers = [honest(1).reader()];
            let came = phone.accept_grant(&grant, honest(0).public(), &readers, &mut SystemRng);
            assert_eq!(came, Ok(last as usize + 1));
            let held: Vec<Transcript> = phone.epochs().map(|(_, transcript, _)| *transcript).collect();
            assert!(held.iter().all(|transcript| self.agreed.contains_key(transcript)));
            let id = *phone.id();
            for (bytes, sent) in self.sent.iter().filter(|(_, sent)| sent.room == id) {
                // A message names its epoch by the first bytes of the transcript. SPEC §19.1
                let is_of_branch = held.iter().any(|transcript| transcript.as_bytes()[..8] == bytes[31..39]);
                let opened = phone.open(bytes, b"", everyone());
                assert_eq!(opened.is_ok(), is_of_branch, "{opened:?}");
                assert!(opened.is_ok_and(|opened| opened.content() == sent.content) || !is_of_branch);
                *self.tally.entry("read by grant").or_default() += 1;
            }
        }
    }
}

/// Offers bytes as a grant by anyone. What is taken somebody made, for this person and room, and who made it is there; it opens
/// what it names, and gives no secret.
pub(super) fn offers_grant(
    grants: &BTreeMap<Vec<u8>, Given>,
    room: &mut Room,
    me: &Identity,
    bytes: &[u8],
) -> Option<&'static str> {
    let given = grants.get(bytes);
    let mut became = given.map(|_| "grant refused");
    for granter in everyone() {
        let (before, old) = (hazmat::room_state(room), held(room));
        let Ok(came) = room.accept_grant(bytes, granter, &[me.reader()], &mut SystemRng) else {
            assert!(hazmat::room_state(room) == before);
            continue;
        };
        let given = given.expect("nobody granted it");
        assert_eq!((given.by, given.room), (*granter.fingerprint(), *room.id()));
        // Whoever makes one keeps a copy.
        assert!([given.to, given.by].contains(me.public().fingerprint()));
        assert!(room.roster().iter().any(|member| member.fingerprint == given.by));
        let new: Vec<_> = held(room).into_iter().filter(|epoch| !old.contains(epoch)).collect();
        assert!(new.iter().all(|(transcript, has_secret)| given.epochs.contains(transcript) && !has_secret));
        assert_eq!((new.len(), came > 0), (came, hazmat::room_state(room) != before));
        became = Some(match came {
            0 => "granted again",
            _ if given.by == *insider().public.fingerprint() => "granted by Carol",
            _ => "granted",
        });
    }
    became
}

/// The epochs that somebody can read, and whether they have the secret of each.
fn held(room: &Room) -> Vec<([u8; 32], bool)> {
    let has_secret = |transcript| hazmat::epoch_keys(room, transcript).unwrap().secret.is_some();
    room.epochs().map(|(_, transcript, _)| (*transcript.as_bytes(), has_secret(transcript))).collect()
}
