//! People's devices, and the server between them, which keeps everything. Each act is done to a room and to its view, and
//! both have to agree.

use crate::invariants::{check_device, sealed_once};
use crate::ledger::{Epoch, Grant, Ledger, Message, Plan};
use crate::people::{PEOPLE, Who, directory, generations, readers};
use crate::view::View;
use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use sealroom::*;
use std::collections::BTreeSet;

pub(crate) const DEVICES: usize = 2 * PEOPLE as usize;

pub(crate) struct Device {
    pub(crate) person: u8,
    pub(crate) key: SymmetricKey,
    pub(crate) held: Option<(Room, View)>,
    /// States that it stored.
    pub(crate) saved: Vec<(Vec<u8>, View)>,
}

pub(crate) struct World {
    pub(crate) rng: ChaCha20Rng,
    pub(crate) id: RoomId,
    pub(crate) ledger: Ledger,
    /// The server's, in the ledger's order.
    pub(crate) packages: Vec<Vec<u8>>,
    pub(crate) grants: Vec<Vec<u8>>,
    pub(crate) messages: Vec<Vec<u8>>,
    /// Who said at which epoch to leave.
    pub(crate) leaves: Vec<(LeaveStatement, usize, Who)>,
    pub(crate) devices: Vec<Device>,
    /// How many generations of keys each person has.
    pub(crate) generations: [u8; PEOPLE as usize],
    /// Every state that a person's devices ever had.
    pub(crate) states: [BTreeSet<Vec<u8>>; PEOPLE as usize],
    /// Message key and salt of each message.
    pub(crate) salts: BTreeSet<([u8; 32], [u8; 24])>,
}

/// A call that fails changes nothing. [ROOM-06]
pub(crate) fn attempt<T>(room: &mut Room, call: impl FnOnce(&mut Room) -> Result<T, Error>) -> Result<T, Error> {
    let before = hazmat::room_state(room);
    let answer = call(room);
    assert!(answer.is_ok() || hazmat::room_state(room) == before, "a call failed and changed the room");
    answer
}

/// The room as another device would hold it with the same state.
pub(crate) fn copy(room: &Room) -> Room {
    hazmat::room_of_state(&hazmat::room_state(room)).unwrap()
}

const fn role(admin: bool) -> Role {
    if admin { Role::Admin } else { Role::Member }
}

/// The same change, wrapped to some and to an outsider.
fn wrap_again(package: &[u8], author: Who, to: &[Who], rng: &mut ChaCha20Rng) -> Vec<u8> {
    let locked = Locked::decode(package, &Limits::default()).unwrap();
    let unlocked = locked.unlock(&readers(&[author]), rng).unwrap();
    let (_, content) = hazmat::dek_and_content(unlocked, locked.payload()).unwrap();
    let to = to.iter().map(|who| who.public()).chain([Who::outsider()]);
    let recipients: Vec<_> = to.map(PublicIdentity::recipient).collect();
    let public_data = locked.public_data();
    let envelope = Envelope::to(&recipients).signed_by(author.sender()).without_copy_for_me().public_data(public_data);
    hazmat::seal_as(&envelope, ContentType::RoomEpoch, &content, rng).unwrap()
}

impl World {
    /// A room of the first person, an admin, and `others`: admins or not.
    pub(crate) fn new(shared: bool, others: &[bool], seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let creator = Who::first(0);
        let others: Vec<(Who, bool)> = (1..).map(Who::first).zip(others.iter().copied()).collect();
        let to: Vec<_> = others.iter().map(|(who, admin)| (who.public(), role(*admin))).collect();
        let history = if shared { HistoryPolicy::Shared } else { HistoryPolicy::FromJoin };
        let package = Room::create(&creator.sender(), &to, history, &mut rng).unwrap();
        let room = Room::join(&package, creator.public(), &readers(&[creator]), &mut rng).unwrap().finish().unwrap();
        let roster: BTreeSet<_> = others.into_iter().chain([(creator, true)]).collect();
        let epoch = Epoch {
            number: 0,
            parent: None,
            author: creator,
            wrapped: roster.iter().map(|(who, _)| *who).collect(),
            roster,
            replaced: None,
            symmetric: false,
            carries_previous: false,
            transcript: *room.transcript(),
            code: room.code(),
            keys: hazmat::epoch_keys(&room, room.transcript()).unwrap(),
        };
        let device = |place: usize| Device {
            person: (place / 2) as u8,
            key: SymmetricKey::take(&mut [place as u8; 32]),
            held: None,
            saved: Vec::new(),
        };
        let mut world = Self {
            rng,
            id: *room.id(),
            ledger: Ledger { shared, epochs: vec![epoch], grants: Vec::new(), messages: Vec::new() },
            packages: vec![package],
            grants: Vec::new(),
            messages: Vec::new(),
            leaves: Vec::new(),
            devices: (0..DEVICES).map(device).collect(),
            generations: [1; PEOPLE as usize],
            states: Default::default(),
            salts: BTreeSet::new(),
        };
        world.spread(0, u16::MAX);
        world
    }

    /// Whose private keys a device has: all of its person's.
    pub(crate) fn keys(&self, device: usize) -> Vec<Who> {
        let person = self.devices[device].person;
        generations(person, self.generations[usize::from(person)])
    }

    pub(crate) fn view(&self, device: usize) -> &View {
        &self.devices[device].held.as_ref().unwrap().1
    }

    pub(crate) fn room(&self, device: usize) -> &Room {
        &self.devices[device].held.as_ref().unwrap().0
    }

    /// The devices that are in the room.
    pub(crate) fn there(&self) -> Vec<usize> {
        (0..DEVICES).filter(|device| self.devices[*device].held.is_some()).collect()
    }

    /// One of them.
    pub(crate) fn pick(&self, which: u8) -> usize {
        let there = self.there();
        there[usize::from(which) % there.len()]
    }

    /// Does something to a device's room and to its view, which have to answer alike.
    pub(crate) fn act<T: PartialEq + std::fmt::Debug>(
        &mut self,
        device: usize,
        real: impl FnOnce(&mut Room, &mut ChaCha20Rng) -> Result<T, Error>,
        model: impl FnOnce(&mut View, &Ledger) -> Result<T, Error>,
    ) -> bool {
        let (room, view) = self.devices[device].held.as_mut().unwrap();
        let mut next = view.clone();
        let expected = model(&mut next, &self.ledger);
        let answer = attempt(room, |room| real(room, &mut self.rng));
        assert_eq!(answer, expected, "device {device}");
        if answer.is_ok() {
            *view = next;
        }
        self.note(device);
        answer.is_ok()
    }

    /// Compares a device with its view, and remembers what its person has now.
    fn note(&mut self, device: usize) {
        let Device { person, held, .. } = &self.devices[device];
        let (room, view) = held.as_ref().unwrap();
        check_device(room, view, &self.ledger);
        self.states[usize::from(*person)].insert(hazmat::room_state(room));
    }

    // -- packages

    /// Takes a change into the ledger and to the server, if the plan says that it may be made.
    pub(crate) fn publish(&mut self, device: usize, plan: Plan, change: Result<Change, Error>) -> Option<usize> {
        let (room, view) = self.devices[device].held.as_ref().unwrap();
        let parent = view.head;
        let may = view.may_write(&self.ledger) && self.ledger.may_follow(parent, &plan);
        assert_eq!(change.is_ok(), may, "device {device}: {plan:?} gave {:?}", change.err());
        let change = change.ok()?;
        let (wrapped, symmetric, carries_previous) = self.ledger.wrap(parent, &plan);
        let to: BTreeSet<Who> = change.wraps_to().map(Who::of).collect();
        assert_eq!((*change.author(), &to), (plan.author.fingerprint(), &wrapped.iter().copied().collect()));
        let mut package = change.seal(&plan.author.sender(), directory(), &mut self.rng).unwrap();
        let mut wrapped = wrapped;
        if let Some(left_out) = plan.left_out {
            wrapped.retain(|who| *who != left_out);
            package = wrap_again(&package, plan.author, &wrapped, &mut self.rng);
        }

        // The author's own device takes it, whenever it comes to it.
        let mut after = copy(room);
        let (before, author) = (hazmat::room_state(room), plan.author);
        let keys = [view.me, author];
        let applied = after.apply(&package, &readers(&keys), directory(), &mut self.rng);
        assert_eq!(applied, Ok(Applied::Head { author: author.fingerprint() }));
        assert_eq!(hazmat::room_state(room), before);
        self.ledger.epochs.push(Epoch {
            number: self.ledger.epochs[parent].number + 1,
            parent: Some(parent),
            author,
            roster: plan.roster,
            replaced: plan.replaced,
            wrapped,
            symmetric,
            carries_previous,
            transcript: *after.transcript(),
            code: after.code(),
            keys: hazmat::epoch_keys(&after, after.transcript()).unwrap(),
        });
        if let Some((_, new)) = plan.replaced {
            let generations = &mut self.generations[usize::from(new.person)];
            *generations = (*generations).max(new.generation + 1);
        }
        self.packages.push(package);
        Some(self.packages.len() - 1)
    }

    /// The server gives a package to the devices of a mask.
    pub(crate) fn spread(&mut self, package: usize, mask: u16) {
        for device in (0..DEVICES).filter(|device| mask >> device & 1 == 1) {
            let Device { person, held, .. } = &self.devices[device];
            if held.is_some() || self.ledger.member(package, *person).is_some() {
                self.deliver(device, package);
            }
        }
    }

    /// A device applies a package, or joins by it.
    pub(crate) fn deliver(&mut self, device: usize, package: usize) {
        if self.devices[device].held.is_none() {
            return self.join(device, package);
        }
        let (keys, bytes) = (self.keys(device), self.packages[package].clone());
        self.act(
            device,
            |room, rng| room.apply(&bytes, &readers(&keys), directory(), rng),
            |view, ledger| view.apply(ledger, package, &keys),
        );
    }

    /// A device gets some packages at once, in any order.
    pub(crate) fn catch_up(&mut self, device: usize, given: &[usize]) {
        let keys = self.keys(device);
        let packages = self.packages.clone();
        let bytes: Vec<&[u8]> = given.iter().map(|package| &*packages[*package]).collect();
        self.act(
            device,
            |room, rng| Ok(room.catch_up(&bytes, &readers(&keys), directory(), rng)),
            |view, ledger| Ok(view.catch_up(ledger, given, &keys)),
        );
    }

    /// A device joins by a package, again if it is there already.
    pub(crate) fn join(&mut self, device: usize, package: usize) {
        let keys = self.keys(device);
        let expected = View::join(&self.ledger, package, &keys);
        let inviter = self.ledger.epochs[package].author;
        let bytes = &self.packages[package];
        let joining = Room::join(bytes, inviter.public(), &readers(&keys), &mut self.rng);
        let (mut joining, joined) = match (joining, expected) {
            (Ok(joining), Ok(joined)) => (joining, joined),
            (joining, expected) => return assert_eq!(joining.err(), Some(expected.unwrap_err())),
        };
        let other = Who::first((inviter.person + 1) % PEOPLE).public();
        assert!(Room::join(bytes, other, &readers(&keys), &mut self.rng).is_err());
        let past = self.ledger.path(package).into_iter().rev().skip(1);
        for epoch in past.filter(|_| self.ledger.shared) {
            assert_eq!(joining.wanted().map(sealroom::Epoch::number), Some(self.ledger.epochs[epoch].number));
            let wrong = (epoch + 1) % self.packages.len();
            // What was taken last stands for itself.
            let again = Some(epoch) == self.ledger.epochs[wrong].parent;
            assert!(wrong == epoch || again || joining.past(&self.packages[wrong], directory()).is_err());
            joining.past(&self.packages[epoch], directory()).unwrap();
        }
        assert_eq!(joining.wanted(), None);
        if self.devices[device].held.is_some() {
            self.act(device, |room, _| joining.finish_into(room), |view, ledger| view.rejoin(ledger, joined));
        } else {
            self.devices[device].held = Some((joining.finish().unwrap(), joined));
            self.note(device);
        }
    }

    /// A device is put together anew from some of the server's packages, in any order.
    pub(crate) fn recover(&mut self, device: usize, given: &[usize]) {
        let keys = self.keys(device);
        let packages: Vec<&[u8]> = given.iter().map(|package| &*self.packages[*package]).collect();
        let recovered = Room::recover(&self.id, &packages, &readers(&keys), directory(), &mut self.rng);
        let expected = View::recover(&self.ledger, given, &keys);
        match (recovered, expected) {
            (Ok(recovered), Some((view, used))) => {
                let problems: Vec<usize> = recovered.problems.iter().map(|(place, _)| *place).collect();
                let unused: Vec<usize> = (0..given.len()).filter(|place| !used[*place]).collect();
                assert_eq!(problems, unused);
                assert!(unused.iter().all(|place| !view.has_secret(given[*place])));
                self.devices[device].held = Some((recovered.room, view));
                self.note(device);
            }
            (recovered, expected) => {
                assert_eq!(recovered.err(), Some(Error::Decrypt));
                assert!(expected.is_none(), "device {device} can be recovered");
            }
        }
    }

    // -- states

    pub(crate) fn save(&mut self, device: usize) {
        let Device { key, held, saved, .. } = &mut self.devices[device];
        let (room, view) = held.as_ref().unwrap();
        saved.push((room.save(key, &mut self.rng).unwrap(), view.clone()));
    }

    /// An older state comes back, to one of the devices that stored any, and the device writes on.
    pub(crate) fn restore(&mut self, who: u8, which: u8) {
        let stored: Vec<usize> = (0..DEVICES).filter(|device| !self.devices[*device].saved.is_empty()).collect();
        let Some(device) = usize::from(who).checked_rem(stored.len()).map(|place| stored[place]) else { return };
        let Device { key, held, saved, .. } = &mut self.devices[device];
        let (state, view) = &saved[usize::from(which) % saved.len()];
        *held = Some((Room::load(state, key).unwrap(), view.clone()));
        self.note(device);
        self.seal(device, which.into(), Padding::None, b"");
    }

    // -- messages and grants

    pub(crate) fn seal(&mut self, device: usize, len: usize, padding: Padding, aad: &[u8]) {
        let mut content = vec![0; len];
        self.rng.fill_bytes(&mut content);
        content.extend((self.messages.len() as u32).to_be_bytes());
        let (room, view) = self.devices[device].held.as_mut().unwrap();
        let draft = Draft::new(&content).padding(padding).associated_data(aad);
        let sealed = attempt(room, |room| room.seal(&draft, &view.me.sender(), &mut self.rng));
        if !view.may_write(&self.ledger) {
            return assert_eq!(sealed, Err(Error::Unconfirmed));
        }
        let sealed = sealed.unwrap();
        assert_eq!(room.sealed_len(&draft, view.me.public()), Ok(sealed.len()));
        sealed_once(&mut self.salts, &self.ledger.epochs[view.head].keys.message_key, &sealed);
        self.ledger.messages.push(Message {
            sender: view.me,
            device: *room.device(),
            sequence: view.next_sequence,
            epoch: view.head,
            content,
            aad: aad.to_vec(),
        });
        view.next_sequence += 1;
        self.messages.push(sealed);
        self.note(device);
    }

    pub(crate) fn open(&mut self, device: usize, message: usize) {
        let bytes = self.messages[message].clone();
        let Message { aad, content, sender, device: writer, sequence, epoch } = self.ledger.messages[message].clone();
        let number = sealroom::Epoch::new(self.ledger.epochs[epoch].number);
        let (room, view) = self.devices[device].held.as_mut().unwrap();
        let (superseded, in_roster) = (view.head != epoch, self.ledger.has(view.head, sender));
        let unbound = attempt(room, |room| room.open(&bytes, b"other data", directory()));
        assert_eq!(unbound.err() == Some(Error::Decrypt), view.held.contains_key(&epoch));
        let real = |room: &mut Room, _: &mut ChaCha20Rng| {
            let opened = room.open(&bytes, &aad, directory())?;
            assert_eq!(opened.content(), content);
            assert_eq!((opened.sender(), opened.device()), (&sender.fingerprint(), &writer));
            assert_eq!((opened.epoch(), opened.sequence()), (number, sequence));
            assert_eq!((opened.is_superseded(), opened.sender_in_current_roster()), (superseded, in_roster));
            Ok(opened.freshness())
        };
        self.act(device, real, |view, ledger| match view.held.contains_key(&epoch) {
            true => Ok(view.observe(ledger, message)),
            false => Err(Error::UnknownEpoch { epoch: number.number() }),
        });
    }

    pub(crate) fn grant(&mut self, device: usize, to: Who, first: u64, last: u64) {
        let (room, view) = self.devices[device].held.as_ref().unwrap();
        let numbers = sealroom::Epoch::new(first)..=sealroom::Epoch::new(last);
        let grant = room.grant_history(numbers, &[to.public()], &view.me.sender(), &mut self.rng);
        let epochs = view.grantable(&self.ledger, first, last);
        let may = view.may_write(&self.ledger) && self.ledger.has(view.head, to);
        assert_eq!(grant.is_ok(), may && epochs.is_some(), "{:?}", grant.err());
        if let (Ok(grant), Some(epochs)) = (grant, epochs) {
            self.ledger.grants.push(Grant { by: view.me, to, epochs });
            self.grants.push(grant);
        }
    }

    pub(crate) fn accept_grant(&mut self, device: usize, grant: usize) {
        let (keys, bytes, by) = (self.keys(device), self.grants[grant].clone(), self.ledger.grants[grant].by);
        self.act(
            device,
            |room, rng| room.accept_grant(&bytes, by.public(), &readers(&keys), rng),
            |view, ledger| view.accept_grant(ledger, grant, &keys),
        );
    }
}
