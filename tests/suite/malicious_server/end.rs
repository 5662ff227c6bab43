//! How a game ends: all is delivered, all that is stored opened at once, the removed member kept out, an account recovered.

use super::people::{OTHER, Swapped};
use super::world::*;
use crate::common::rooms::{FROM_JOIN, Known};
use crate::common::server::Spoil;
use sealroom::*;
impl World {
    /// An honest server from here on: both get everything.
    pub(super) fn delivers(&mut self) {
        self.directory = Swapped::default();
        for room in 0..2 {
            let packages = self.packages_of(room);
            for who in 0..2 {
                self.catches_up(who, room, &packages);
                self.catches_up(who, room, &packages);
            }
            self.agree();
            let held = |world: &Self, who: usize| -> Vec<Transcript> {
                world.people[who].rooms[room].epochs().map(|(_, transcript, _)| *transcript).collect()
            };
            assert_eq!(held(self, 0), held(self, 1), "both hold all epochs");
            let [alice, bob] = &mut self.people;
            let (alices, bobs) = (&mut alice.rooms[room], &mut bob.rooms[room]);
            let settled = alices.settle();
            assert_eq!(settled, bobs.settle());
            if alices.transcript() != bobs.transcript() {
                assert!(!alices.forks().is_empty() && !bobs.forks().is_empty(), "the fork is told");
            }
            for room in [alices, bobs] {
                if *room.transcript() != settled {
                    assert!(!room.forks().is_empty(), "another branch is told");
                    room.switch_to(&settled).unwrap();
                }
                // Of a longer branch that both left.
                if room.standing() != Standing::Confirmed {
                    assert!(matches!(room.standing(), Standing::Behind { .. }));
                    room.accept_head();
                }
            }
            self.agree();
            assert_eq!(self.people[0].rooms[room].code(), self.people[1].rooms[room].code());
            assert_eq!(self.people[0].rooms[room].roster(), self.people[1].rooms[room].roster());
            for who in 0..2 {
                self.says(who, room, 0xee);
            }
        }
        // Every message that was sent opens for both.
        let sent: Vec<(Vec<u8>, Sent)> = self.sent.iter().map(|(bytes, sent)| (bytes.clone(), sent.clone())).collect();
        for (bytes, sent) in &sent {
            for who in 0..2 {
                let room = self.people[who].rooms.iter_mut().find(|room| *room.id() == sent.room).unwrap();
                let opened = room.open(bytes, b"", everyone()).unwrap();
                assert_eq!((opened.sender(), opened.content()), (&sent.by, &sent.content[..]));
            }
        }
        // Whatever a new phone was given, it holds nothing that others do not hold now.
        for phone in self.phones.values() {
            let bobs = self.people[1].rooms.iter().find(|room| room.id() == phone.id()).unwrap();
            assert!(phone.epochs().all(|(_, transcript, _)| hazmat::epoch_keys(bobs, transcript).is_some()));
        }
        self.reads_what_is_granted();
        self.opens_many();
        self.locks_out();
    }

    /// All that is stored, and each of it spoilt, opened at once: as one by one.
    pub(super) fn opens_many(&self) {
        let spoilt = |(at, _): (usize, &Vec<u8>)| Spoil::Flip { place: 64 + at, bit: 3 }.apply(&self.stored, at);
        let spoilt: Vec<Vec<u8>> = self.stored.iter().enumerate().map(spoilt).collect();
        let all: Vec<(&[u8], &[u8])> =
            self.stored.iter().zip(&spoilt).flat_map(|(one, other)| [(&one[..], &b""[..]), (other, b"")]).collect();
        for room in self.people.iter().flat_map(|person| &person.rooms) {
            let copy = || hazmat::room_of_state(&hazmat::room_state(room)).unwrap();
            let (mut at_once, mut one_by_one) = (copy(), copy());
            for (answer, (bytes, aad)) in at_once.open_many(&all, everyone()).into_iter().zip(&all) {
                let alone = one_by_one.open(bytes, aad, everyone());
                assert_eq!(answer.is_ok(), self.sent.get(*bytes).is_some_and(|sent| sent.room == *room.id()));
                assert_eq!(format!("{answer:?}"), format!("{alone:?}"));
            }
            assert!(hazmat::room_state(&at_once) == hazmat::room_state(&one_by_one));
        }
    }

    /// The insider, with all that they ever held and all that the server has, reads what was written while they were there.
    pub(super) fn locks_out(&mut self) {
        let carol = *insider().public.fingerprint();
        for (transcript, agreed) in &self.agreed {
            let Some(roster) = self.rosters.get(transcript) else { continue };
            // Under shared history a newcomer is told of the past, so there an earlier secret is rightly theirs.
            let named = |known: &Known| known.body.history == FROM_JOIN && known.rest[0] == 1;
            let holds = self.known.iter().any(|known| {
                known.message_key() == agreed.message_key
                    || named(known) && agreed.secret.is_some_and(|secret| secret == known.rest[1..33])
            });
            let is_member = roster.iter().any(|member| member.fingerprint == carol);
            assert!(is_member || !holds, "who was removed has the key of {:?}", agreed.epoch);
        }
    }

    /// A new device of Alice's, from a server that kept back some segments and packages, and then from all.
    pub(super) fn recovers(&mut self, kept: u64) {
        self.records(0);
        let segments: Vec<Vec<u8>> =
            self.stored.iter().filter(|bytes| self.segments.get(*bytes) == Some(&0)).cloned().collect();
        let packages: Vec<Vec<u8>> = [self.packages_of(0), self.packages_of(1)].concat();
        // A server that rolls the keyring back is noticed by the device that saw more.
        let upto = kept as usize % segments.len();
        let key = honest(0).keyring_key().unwrap();
        let mut own = self.people[0].keyring.save(&key, &mut SystemRng).map(|kept| Keyring::load(&kept, &key).unwrap());
        let own = own.as_mut().unwrap();
        let mut merge = |segments: &[Vec<u8>]| -> Vec<Lacking> {
            let merged: Vec<Merged> =
                segments.iter().map(|bytes| own.merge(bytes, &[&key], &mut SystemRng).unwrap()).collect();
            own.lacking(&merged)
        };
        let told = merge(&segments[..upto]);
        let revisions = (upto as u64 + 1, segments.len() as u64);
        assert_eq!(told.iter().map(|lacking| (lacking.first, lacking.last)).collect::<Vec<_>>(), [revisions]);
        assert_eq!(merge(&segments), []);

        for all in [false, true] {
            let is_kept = |place: usize| all || kept >> (place % 64) & 1 == 1;
            let mut recovery =
                Recovery::new(Root::from_bip39_seed(&[0xa1; 64]), Profile::P256, &mut SystemRng).unwrap();
            while let Some(wanted) = recovery.wanted() {
                let given: Vec<Vec<u8>> = match wanted {
                    Wanted::Segments => segments[..if all { segments.len() } else { upto }].to_vec(),
                    Wanted::Packages { .. } => {
                        packages.iter().enumerate().filter(|(at, _)| is_kept(*at)).map(|(_, one)| one.clone()).collect()
                    }
                    // Those that it asks for, or the others in their place.
                    Wanted::Identities { of } => everyone()
                        .iter()
                        .filter(|who| of.contains(who.fingerprint()) == (all || !kept.is_multiple_of(3)))
                        .map(PublicIdentity::to_bytes)
                        .collect(),
                    _ => Vec::new(),
                };
                for blob in given {
                    let _ = recovery.give(&blob, &mut SystemRng);
                }
                recovery.proceed(&mut SystemRng).unwrap();
            }
            let missing = recovery.missing();
            let mut account = recovery.finish().unwrap();
            for room in &mut account.rooms {
                let held = self.agreed.len();
                agree(&mut self.agreed, room);
                assert_eq!(self.agreed.len(), held, "an epoch that nobody made");
                assert_eq!(room.standing(), Standing::Unconfirmed);
                let sealed = room.seal(&Draft::new(b"x"), &honest(0).sender(), &mut SystemRng);
                assert_eq!(sealed, Err(Error::Unconfirmed));
                let bobs = self.people[1].rooms.iter().find(|bobs| bobs.id() == room.id()).unwrap();
                let nonce = HeadStatement::nonce(&mut SystemRng).unwrap();
                let vouched = bobs.vouch(&nonce, &honest(1).sender(), &mut SystemRng).unwrap();
                let other = bobs.vouch(&[7; 32], &honest(1).sender(), &mut SystemRng).unwrap();
                assert!(room.confirm(&other, &nonce, honest(1).public()).is_err());
                let confirmed = room.confirm(&vouched, &nonce, honest(1).public());
                assert_eq!(confirmed.is_ok(), room.transcript() == bobs.transcript());
                if all {
                    assert_eq!((confirmed, room.code()), (Ok(()), bobs.code()));
                }
            }
            if all {
                assert_eq!(account.keyring.contact(OTHER).unwrap().identity, honest(1).public());
                assert_eq!((account.rooms.len(), missing), (2, Vec::new()));
            }
        }
    }
}
