//! What no honest writer makes: by the server, which has no keys, and by members, who have theirs.

use super::{Device, Signed, World, attempt};
use crate::common::{Input, Rng, people};
use sealroom::{Applied, ContentType, Envelope, Limits, Locked, Recipient, Room, SymmetricKey, hazmat};

impl World {
    /// The server changes what it has; or gives one thing where another belongs.
    pub(super) fn corrupt(&mut self, device: usize, input: &mut Input<'_>) {
        let (package, message, grant) = (input.byte(), input.byte(), input.byte());
        let Signed { bytes: package, by } = self.packages[usize::from(package) % self.packages.len()].clone();
        let message = usize::from(message).checked_rem(self.messages.len()).map(|which| &self.messages[which].bytes);
        let grant = usize::from(grant).checked_rem(self.grants.len()).map(|which| &self.grants[which].bytes);
        let valid = [Some(&package), message, grant][input.place(3)].unwrap_or(&package).clone();
        let mut given = valid.clone();
        input.edit(&mut given);
        if given == valid {
            return;
        }
        let Device { person, room: Some(room), .. } = &mut self.devices[device] else { return };
        let (readers, directory, rng) = (people()[*person].readers(), &self.directory, &mut self.rng);
        assert!(attempt(room, |room| room.open(&given, b"", directory)).is_err());
        assert!(attempt(room, |room| room.accept_grant(&given, &by, &readers, rng)).is_err());
        assert!(Room::join(&given, &by, &readers, rng).is_err());
        assert!(Room::load(&given, &crate::common::symmetric()).is_err());
        // Of what is held no more is read than what tells that. [ROOM-28]
        let before = hazmat::room_state(room);
        let applied = attempt(room, |room| room.apply(&given, &readers, directory, rng));
        assert!(matches!(applied, Err(_) | Ok(Applied::Held)), "{applied:?}");
        assert_eq!(hazmat::room_state(room), before);
    }

    /// A member opens a package, writes other things into it and signs it, for whom they like; what comes next can be made
    /// to follow their head.
    pub(super) fn forge_package(&mut self, device: usize, input: &mut Input<'_>) {
        let package = self.packages[input.place(self.packages.len())].bytes.clone();
        let Device { person, room: Some(room), .. } = &self.devices[device] else { return };
        let Some(mut content) = content_for(room, *person, &package) else { return };
        let (how, to, who) = (input.byte(), input.byte(), input.place(2));
        input.edit(&mut content);
        let keys = hazmat::epoch_keys(room, room.transcript()).unwrap();
        if how & 1 == 1 && content.len() > 90 {
            // Creator 32, nonce 16, epoch 8, previous transcript 32.
            content[48..56].copy_from_slice(&(room.epoch().number() + 1).to_be_bytes());
            content[56..88].copy_from_slice(room.transcript().as_bytes());
            // A previous secret stands before an empty transition.
            let secret = content.len() - 33;
            if let (Some(own), 2) = (keys.secret, how & 2) {
                content[secret..secret + 32].copy_from_slice(&own);
            }
        }
        let epoch = content.get(48..56).unwrap_or(&[0; 8]);
        let public_data = [&room.id().as_bytes()[..], epoch].concat();
        let kek = SymmetricKey::take(&mut keys.epoch_kek.unwrap_or_default());
        let there = |place: &usize| match how & 4 {
            0 => to >> place & 1 == 1,
            _ => {
                let own = people()[place / 2].generations[place % 2].public();
                room.roster().iter().any(|member| member.fingerprint == *own.fingerprint())
            }
        };
        let identities = (0..8).filter(there).map(|place| people()[place / 2].generations[place % 2].public());
        let mut recipients: Vec<Recipient<'_>> = identities.map(|identity| identity.recipient()).collect();
        if how & 8 != 0 {
            recipients.push(Recipient::symmetric(&kek));
        }
        let signer = *person;
        let sender = people()[signer].generations[who].sender();
        let envelope = Envelope::to(&recipients).signed_by(sender).without_copy_for_me().public_data(&public_data);
        let Ok(forged) = hazmat::seal_as(&envelope, ContentType::RoomEpoch, &content, &mut self.rng) else { return };
        let victim = self.other(input);
        if self.devices[victim].room.is_some() {
            let _ = self.apply(victim, &forged);
            self.check(victim);
        }
        self.publish(forged, people()[signer].generations[who].public());
    }

    /// A member who can read a message puts something else into it: it stays its author's, or is nobody's. [RMSG-05]
    pub(super) fn impersonate(&mut self, device: usize, input: &mut Input<'_>) {
        let Some(which) = usize::from(input.byte()).checked_rem(self.messages.len()) else { return };
        let (message, Some(room)) = (&self.messages[which], &self.devices[device].room) else { return };
        let Some(keys) = hazmat::epoch_keys(room, &message.epoch) else { return };
        // Header of 63 bytes, whose last 24 are the salt.
        let (header, body) = message.bytes.split_at(63);
        let bound = |header: &[u8]| [header, &hazmat::sha256(message.aad)].concat();
        let key = |header: &[u8]| {
            let key = hazmat::derive(&keys.message_key, "message", &header[39..], 32).unwrap();
            *key.first_chunk::<32>().unwrap()
        };
        let valid = hazmat::aes_256_gcm_open(&key(header), &[0; 12], &bound(header), body).unwrap();
        let (mut plain, mut header) = (valid.clone(), header.to_vec());
        input.edit(&mut plain);
        header[39] ^= input.byte();
        let sealed = hazmat::aes_256_gcm_seal(&key(&header), &[0; 12], &bound(&header), &plain).unwrap();
        let forged = [header, sealed].concat();
        let (message, victim) = (message.clone(), self.other(input));
        let Some(room) = &mut self.devices[victim].room else { return };
        // Zeros at the end are padding, whoever put them there.
        let same = plain.starts_with(&valid) && plain[valid.len()..].iter().all(|byte| *byte == 0)
            || valid.starts_with(&plain) && valid[plain.len()..].iter().all(|byte| *byte == 0);
        match attempt(room, |room| room.open(&forged, message.aad, &self.directory)) {
            Ok(opened) => {
                assert_eq!((opened.content(), opened.sender()), (&message.content[..], &message.sender));
                assert!(same, "another plaintext is taken");
            }
            Err(error) => {
                let held = room.epochs().any(|(_, transcript, _)| *transcript == message.epoch);
                assert!(!held || plain != valid, "{error:?}");
            }
        }
    }
}

/// What is in a package, for who has a key of theirs or the secret of a held epoch.
fn content_for(room: &Room, person: usize, package: &[u8]) -> Option<Vec<u8>> {
    let locked = Locked::decode(package, &Limits::default()).ok()?;
    let secrets = room.epochs().filter_map(|(_, transcript, _)| hazmat::epoch_keys(room, transcript)?.secret);
    let mut by_secret = secrets.filter_map(|secret| hazmat::unlock_dek(&locked, secret).ok());
    let by_key = locked.unlock(&people()[person].readers(), &mut Rng(0)).ok();
    let unlocked = by_key.or_else(|| by_secret.next())?;
    hazmat::dek_and_content(unlocked, locked.payload()).ok().map(|(_, content)| content)
}
