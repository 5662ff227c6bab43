//! What the plain member makes who is on the server's side.

use super::grants::Given;
use super::moves::Lie;
use super::world::*;
use crate::common::hand::{Hand, group, vector, wrap_info, wrap_p256};
use crate::common::rooms::{Craft, Known, Written, id};
use sealroom::*;

impl World {
    /// Of what the insider holds, mostly the last.
    pub(super) fn recent(&self, at: usize) -> Known {
        let len = self.known.len();
        self.known[len - 1 - at % if at.is_multiple_of(2) { len.min(3) } else { len }].clone()
    }

    pub(super) fn insider_writes(&mut self, at: usize, package: bool) {
        let known = self.recent(at);
        if !known.body.roster.iter().any(|(who, _)| *who == insider().id()) {
            return;
        }
        let (room, by) = (room_id(&known), *insider().public.fingerprint());
        if package {
            let made = self.refresh_by_insider(&known).seal();
            self.stores_package(made, by, room);
        } else {
            let sequence = self.stored.len() as u64;
            let written = Written { sequence, ..Written::new(&known, insider(), b"from Carol") };
            let sent = Sent { by, room, epoch: Epoch::new(known.body.epoch), content: written.content.clone() };
            self.stores_message(written.seal(insider()), sent);
        }
    }

    pub(super) fn refresh_by_insider(&self, known: &Known) -> Craft<'static> {
        let is_there =
            |who: &&PublicIdentity| known.body.roster.iter().any(|(member, _)| member == who.fingerprint().as_bytes());
        let to: Vec<&'static PublicIdentity> = everyone().iter().filter(is_there).collect();
        Craft::new(known.next(), insider().sender(), &to).with_previous(&known.secret)
    }

    /// Nothing of this is stored as sent: nobody may take it.
    pub(super) fn insider_forges(&mut self, at: usize, package: bool, as_who: usize) {
        let known = self.recent(at);
        let claimed = *fingerprint(as_who).as_bytes();
        let forged = if package {
            let refresh = self.refresh_by_insider(&known);
            match at % 3 {
                // In an admin's name.
                0 => {
                    let to: Vec<&PublicIdentity> = everyone().iter().take(refresh.to.len()).collect();
                    refresh.seal_by_hand(&to, None, claimed, insider())
                }
                // In their own, with an admin's rights.
                1 => refresh
                    .but(|craft| {
                        craft.body.roster.retain(|(who, _)| *who != claimed);
                        craft.to = everyone()
                            .iter()
                            .filter(|who| {
                                craft.body.roster.iter().any(|(member, _)| member == who.fingerprint().as_bytes())
                            })
                            .map(PublicIdentity::recipient)
                            .collect();
                    })
                    .seal(),
                _ => refresh
                    .but(|craft| {
                        craft.body.roster.iter_mut().for_each(|(who, role)| {
                            *role = if *who == insider().id() { 2 } else { *role };
                        })
                    })
                    .but(|craft| {
                        if !craft.body.roster.iter().any(|(who, _)| *who == insider().id()) {
                            craft.body.adds = 9;
                        }
                    })
                    .seal(),
            }
        } else {
            let place = known.body.place(&claimed);
            Written { place, sequence: at as u64, ..written(&known, b"not from them") }.seal(insider())
        };
        self.stored.push(forged);
    }

    /// Of what the insider holds, in a row up to what somebody's new phone wants.
    pub(super) fn insider_grants(&mut self, at: usize, to: usize, lie: Lie) -> Vec<u8> {
        let (wanted_room, epoch) = (self.id(at % 2), self.wanted(to, at % 2));
        let is_wanted = |known: &&Known| room_id(known) == wanted_room && Some(known.body.epoch) == epoch;
        let wanted = self.known.iter().rfind(is_wanted).cloned();
        let mut run = vec![wanted.unwrap_or_else(|| self.recent(at))];
        while run.len() < 3
            && let Some(before) = self.known.iter().find(|known| known.transcript() == run[0].body.previous)
        {
            run.insert(0, before.clone());
        }
        let (room, carol) = (room_id(&run[0]), insider().public.fingerprint());
        let epochs = run.iter().map(Known::transcript).collect();
        let mut named = *room.as_bytes();
        // It is about one of them.
        let place = at / 2 % run.len();
        let about = &mut run[place];
        match lie {
            Lie::Nothing | Lie::Name | Lie::Key => {}
            Lie::Author => about.signer = [insider().id(), id(honest(0))][usize::from(about.signer == insider().id())],
            Lie::Roster => about.body.roster.iter_mut().for_each(|(_, role)| *role ^= 3),
            Lie::Room => named = *[0, 1].map(|n| self.id(n)).iter().find(|id| **id != room).unwrap().as_bytes(),
        }
        let mut granted: Vec<Vec<u8>> = run.iter().map(Known::granted).collect();
        if let Lie::Key = lie {
            *granted[place].last_mut().unwrap() ^= 1;
        }
        let content = [&named[..], &vector(&granted.concat())].concat();
        let reader = honest(to).public();
        let grant = if let Lie::Name = lie {
            grant_in_the_name_of(fingerprint(1 - to), &content, &named, reader)
        } else {
            let to = [reader.recipient()];
            let envelope = Envelope::to(&to).signed_by(insider().sender()).public_data(&named);
            hazmat::seal_as(&envelope, ContentType::HistoryGrant, &content, &mut SystemRng).unwrap()
        };
        if let Lie::Nothing = lie {
            let given = Given { by: *carol, to: *reader.fingerprint(), room, epochs };
            self.grants.insert(grant.clone(), given);
        }
        grant
    }
}

/// By the insider's key.
fn grant_in_the_name_of(claims: Fingerprint, content: &[u8], public_data: &[u8], to: &PublicIdentity) -> Vec<u8> {
    let (salt, dek, public_data) = ([0x5a; 24], [0xde; 32], public_data.to_vec());
    let info = wrap_info(5, 1, &salt, to.fingerprint().as_bytes());
    let (enc, entry) = wrap_p256(to.p256_encryption_key().unwrap(), &info, &dek, [7; 32]);
    let stanzas = group(&enc, &[entry]);
    let hand = Hand { content_type: 5, signature: 1, padding: 0, salt, dek, stanzas, public_data };
    let signature = insider().sign(&hand.signed_digest(&[content], claims.as_bytes()));
    hand.seal_signed(content, claims.as_bytes(), &signature)
}

fn written<'k>(known: &'k Known, content: &[u8]) -> Written<'k> {
    Written {
        epoch: known,
        place: 0,
        device: [0xd0; 8],
        sequence: 0,
        aad: Vec::new(),
        content: content.to_vec(),
        zeros: Vec::new(),
        random: [0x1a; 32],
    }
}
