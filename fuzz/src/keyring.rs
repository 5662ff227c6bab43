//! Keyrings of one person's devices, and who holds the same key.

use crate::common::{Input, Person, Rng, content_under, people, store, symmetric};
use sealroom::{ContentType, HistoryPolicy, Keyring, Merged, Role, Room, SymmetricKey, hazmat};
use std::sync::OnceLock;

/// Steps of a story.
const LONGEST: usize = 32;

/// A room that is recorded in more than one of its epochs.
fn rooms() -> &'static [Vec<u8>; 3] {
    static ROOMS: OnceLock<[Vec<u8>; 3]> = OnceLock::new();
    ROOMS.get_or_init(|| {
        let ([alice, bob, ..], rng) = (people(), &mut Rng(3));
        let (sender, known) = (alice.first().sender(), [alice.first().public(), bob.first().public()]);
        let made = Room::create(&sender, &[(bob.first().public(), Role::Member)], HistoryPolicy::Shared, rng).unwrap();
        let mut room = Room::join(&made, known[0], &alice.readers(), rng).unwrap().finish().unwrap();
        [0; 3].map(|_: u8| {
            let state = hazmat::room_state(&room);
            let next = room.refresh().unwrap().seal(&sender, &known, rng).unwrap();
            room.apply(&next, &alice.readers(), &known, rng).unwrap();
            state
        })
    })
}

struct World {
    rng: Rng,
    key: SymmetricKey,
    devices: [Keyring; 3],
    /// The server's.
    segments: Vec<Vec<u8>>,
    /// Older states.
    saved: Vec<Vec<u8>>,
    /// Nobody made a segment by hand, and no older state came back.
    honest: bool,
}

/// Devices write, forget and merge in any order, beside whoever has the key and writes anything. What is refused changes
/// nothing, what comes twice changes nothing more, a state comes back as it was, and in the end all hold the same. [KRG-01]
/// [KRG-05] [KRG-06] [KRG-09]
pub fn keyring(bytes: &[u8]) {
    let input = &mut Input(bytes);
    let mut rng = Rng(input.byte().into());
    let devices = [0; 3].map(|_: u8| Keyring::new(&mut rng).unwrap());
    let (segments, saved) = (Vec::new(), Vec::new());
    let mut world = World { rng, key: symmetric(), devices, segments, saved, honest: true };
    for _ in 0..LONGEST {
        if input.is_empty() {
            break;
        }
        world.step(input);
    }
    world.at_end();
}

/// Entries, and all else that is stored.
fn state_of(keyring: &Keyring) -> Vec<u8> {
    content_under(&symmetric(), &keyring.save(&symmetric(), &mut Rng(0)).unwrap())
}

fn merge(keyring: &mut Keyring, segment: &[u8], key: &SymmetricKey, rng: &mut Rng) -> Option<Merged> {
    let before = state_of(keyring);
    let merged = keyring.merge(segment, &[key], rng);
    if merged.is_err() {
        assert_eq!(state_of(keyring), before, "a segment was refused and changed the keyring");
    }
    merged.ok()
}

impl World {
    fn step(&mut self, input: &mut Input<'_>) {
        let (what, device) = (input.byte() % 12, input.place(3));
        match what {
            0..=4 => self.write(device, input),
            5 | 6 => {
                let keyring = &mut self.devices[device];
                let whole = what == 6;
                let segment = if whole { Keyring::whole } else { Keyring::part }(keyring, &self.key, &mut self.rng);
                self.segments.push(segment.unwrap());
                assert!(!keyring.has_news());
            }
            7 | 8 => {
                let Some(given) = self.one_of_segments(input) else { return };
                let keyring = &mut self.devices[device];
                merge(keyring, &given, &self.key, &mut self.rng).unwrap();
                let entries = hazmat::keyring_entries(keyring);
                merge(keyring, &given, &self.key, &mut self.rng).unwrap();
                assert_eq!(hazmat::keyring_entries(keyring), entries);
            }
            9 => {
                // Without the key.
                let Some(valid) = self.one_of_segments(input) else { return };
                let mut given = valid.clone();
                input.edit(&mut given);
                let taken = merge(&mut self.devices[device], &given, &self.key, &mut self.rng).is_some();
                assert_eq!(taken, given == valid);
            }
            10 => {
                // With it.
                let Some(given) = self.one_of_segments(input) else { return };
                let mut content = content_under(&self.key, &given);
                input.edit(&mut content);
                let given = store(ContentType::Keyring, &content, &self.key, &mut self.rng);
                if merge(&mut self.devices[device], &given, &self.key, &mut self.rng).is_some() {
                    self.honest = false;
                    self.segments.push(given);
                }
            }
            _ => self.stored(device, input),
        }
    }

    fn one_of_segments(&self, input: &mut Input<'_>) -> Option<Vec<u8>> {
        let which = input.byte();
        self.segments.get(usize::from(which).checked_rem(self.segments.len())?).cloned()
    }

    /// A device finds something out, or its user says something.
    fn write(&mut self, device: usize, input: &mut Input<'_>) {
        let keyring = &mut self.devices[device];
        let Person { generations, transition } = &people()[input.place(4)];
        let identity = generations[input.place(2)].public();
        let name = [b'a' + input.byte() % 3];
        let before = state_of(keyring);
        let written = match input.byte() % 8 {
            0 => keyring.sight(&name, identity).map(|_| ()),
            1 => keyring.pin(&name, identity),
            2 => keyring.unpin(&name),
            3 => keyring.know(identity),
            4 => keyring.follow(transition),
            5 => keyring.set_verified(identity.fingerprint(), input.flag()),
            6 => keyring.record(&hazmat::room_of_state(&rooms()[input.place(3)]).unwrap()),
            _ => {
                let room = hazmat::room_of_state(&rooms()[0]).unwrap();
                let kept = keyring.set_kept(room.id(), input.flag());
                let mine = [*people()[0].first().public().fingerprint()];
                if let Ok(room) = keyring.room(room.id(), &mine, &mut self.rng) {
                    crate::common::assert_state_is_stable(&room);
                }
                kept
            }
        };
        assert!(written.is_ok() || state_of(keyring) == before);
        assert!(keyring.contacts().all(|(name, contact)| {
            let found = keyring.contact(name).unwrap();
            found.identity == contact.identity && found.verified == contact.verified
        }));
        let _ = keyring.conflicts();
    }

    /// A device stores its keyring, and loads it or an older or changed one.
    fn stored(&mut self, device: usize, input: &mut Input<'_>) {
        let state = state_of(&self.devices[device]);
        let load = |content: &[u8], rng: &mut Rng| {
            let stored = store(ContentType::KeyringState, content, &symmetric(), rng);
            Keyring::load(&stored, &symmetric())
        };
        let loaded = load(&state, &mut self.rng).unwrap();
        assert_eq!(state_of(&loaded), state);
        let mut changed = state.clone();
        input.edit(&mut changed);
        if let Ok(loaded) = load(&changed, &mut self.rng) {
            assert_eq!(state_of(&loaded), changed);
        }
        self.saved.push(state);
        self.devices[device] = loaded;
        if input.byte() % 4 == 3 {
            self.honest = false;
            let older = &self.saved[input.place(self.saved.len())];
            self.devices[device] = load(older, &mut self.rng).unwrap();
        }
    }

    /// Everybody writes what they have and merges all, each in another order.
    fn at_end(&mut self) {
        for keyring in self.devices.iter_mut().filter(|keyring| keyring.has_news()) {
            self.segments.push(keyring.part(&self.key, &mut self.rng).unwrap());
        }
        let mut held = Vec::new();
        for (place, keyring) in self.devices.iter_mut().enumerate() {
            let mut order: Vec<&Vec<u8>> = self.segments.iter().collect();
            order.rotate_left(place.min(self.segments.len()));
            if place == 1 {
                order.reverse();
            }
            let merged = order.iter().map(|segment| merge(keyring, segment, &self.key, &mut self.rng).unwrap());
            let merged: Vec<Merged> = merged.collect();
            if self.honest {
                assert_eq!(keyring.lacking(&merged), []);
            }
            held.push(hazmat::keyring_entries(keyring));
        }
        assert!(held.windows(2).all(|pair| pair[0] == pair[1]), "devices that merged the same hold other entries");
    }
}
