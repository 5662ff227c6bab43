//! What is known of a room's epochs, from whoever holds them.

use crate::common::people;
use sealroom::{Fingerprint, Member, Role, Room, RoomCode, Transcript, hazmat};
use std::collections::{BTreeMap, BTreeSet};

/// What one epoch was, on the first device that had it as its head.
struct Seen {
    number: u64,
    roster: Vec<Member>,
    code: RoomCode,
}

#[derive(Default)]
pub(super) struct Ledger {
    heads: BTreeMap<Transcript, Seen>,
    /// Number, author and message key of each epoch that was held.
    held: BTreeMap<Transcript, (u64, Fingerprint, [u8; 32])>,
    /// Which epochs came to whom by a grant.
    pub(super) granted: BTreeSet<(usize, Transcript)>,
}

impl Ledger {
    /// Whoever has a transcript has the same room, author, roster, key and code. [ROOM-27]
    pub(super) fn note(&mut self, room: &Room) {
        assert!(room.roster().iter().any(|member| member.fingerprint == *room.me()), "not in one's own room");
        assert!(room.roster().iter().any(|member| member.role == Role::Admin), "a room without an admin");
        assert!(room.roster().is_sorted_by(|a, b| a.fingerprint < b.fingerprint), "a roster out of order");
        let seen = Seen { number: room.epoch().number(), roster: room.roster().to_vec(), code: room.code() };
        let known = self.heads.entry(*room.transcript()).or_insert(seen);
        assert_eq!((known.number, &known.roster[..]), (room.epoch().number(), room.roster()));
        assert_eq!(known.code, room.code());
        for (number, transcript, author) in room.epochs() {
            let keys = hazmat::epoch_keys(room, transcript).unwrap();
            let one = (number.number(), *author, keys.message_key);
            assert_eq!(*self.held.entry(*transcript).or_insert(one), one);
        }
    }

    /// Who reads a message is in its epoch's roster; or came later, where history is shared; or was granted it.
    pub(super) fn assert_may_read(&self, person: usize, epoch: &Transcript, shared: bool) {
        let Seen { number, roster, .. } = &self.heads[epoch];
        let has = |roster: &[Member]| {
            let own = people()[person].generations.iter().map(|own| *own.public().fingerprint());
            own.into_iter().any(|own| roster.iter().any(|member| member.fingerprint == own))
        };
        let later = || self.heads.values().any(|seen| seen.number > *number && has(&seen.roster));
        let granted = self.granted.contains(&(person, *epoch));
        assert!(has(roster) || (shared && later()) || granted, "person {person} reads what is not for them");
    }
}

/// An admin stays one, and anybody else changes nothing but their own fingerprint. [ROOM-09]
pub(super) fn assert_may(author: &Fingerprint, before: &[Member], after: &[Member]) {
    let role = |roster: &[Member], who: &Fingerprint| {
        roster.iter().find(|member| member.fingerprint == *who).map(|member| member.role)
    };
    if role(before, author) == Some(Role::Admin) {
        assert_eq!(role(after, author), Some(Role::Admin), "an admin who is none any more");
        return;
    }
    let gone: Vec<&Member> = before.iter().filter(|member| !after.contains(member)).collect();
    let new: Vec<&Member> = after.iter().filter(|member| !before.contains(member)).collect();
    let refreshed = gone.is_empty() && new.is_empty() && role(before, author).is_some();
    let own = |person: &&crate::common::Person| *person.generations[1].public().fingerprint() == *author;
    let replaced = people().iter().find(own).is_some_and(|person| {
        let old = person.first().public().fingerprint();
        matches!((&gone[..], &new[..]), ([gone], [new])
            if gone.fingerprint == *old && new.fingerprint == *author && gone.role == new.role)
    });
    assert!(refreshed || replaced, "a change that its author may not make");
}
