//! What newcomers read of the past: nothing, all of it, or what is granted. SPEC §18.4, §18.8.

use super::attacks_batch::sealed;
use crate::common::Outsider;
use crate::common::hand::{derive, vector};
use crate::common::rooms::*;
use sealroom::*;
use std::ops::RangeInclusive;

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;
const EVE: usize = 4;

fn public(n: usize) -> &'static PublicIdentity {
    &crowd()[n].public
}

/// A room at epoch 4 with a message of each epoch: Alice and Bob from the beginning, Carol by the last.
struct Past {
    alice: Device,
    bob: Device,
    packages: Vec<Vec<u8>>,
    messages: Vec<Vec<u8>>,
    known: Vec<Known>,
}

fn past(history: HistoryPolicy) -> Past {
    let (devices, first) = Device::rooms(history, &[ALICE, BOB], 1);
    let [mut alice, mut bob] = devices.try_into().ok().unwrap();
    let (mut packages, mut messages) = (vec![first], vec![alice.says(b"0")]);
    for number in 1..=4_u8 {
        let (package, author) = match number {
            // A fresh addition at the end, and one before that does not stay.
            4 => (alice.package(|room| room.add(&[(public(CAROL), Role::Member)])), ALICE),
            2 => (bob.package(Room::refresh), BOB),
            _ => (alice.package(Room::refresh), ALICE),
        };
        assert_eq!((alice.apply(&package), bob.apply(&package)), (head(author), head(author)));
        packages.push(package);
        messages.push(bob.says(&[b'0' + number]));
    }
    let mut known: Vec<_> = packages[..4]
        .iter()
        .zip([ALICE, ALICE, BOB, ALICE])
        .map(|(package, author)| Known::of(package, crowd()[ALICE].reader(), crowd()[author].id()))
        .collect();
    known.push(Known::of(&packages[4], crowd()[CAROL].reader(), crowd()[ALICE].id()));
    Past { alice, bob, packages, messages, known }
}

/// Which of the messages somebody can read.
fn reads(device: &mut Device, past: &Past) -> Vec<usize> {
    let mut read = Vec::new();
    for (number, message) in past.messages.iter().enumerate() {
        match device.hears(message) {
            Ok(content) => {
                assert_eq!(content, [b'0' + number as u8]);
                read.push(number);
            }
            Err(error) => assert_eq!(error, Error::UnknownEpoch { epoch: number as u64 }),
        }
    }
    read
}

fn carol_joins(past: &Past) -> Device {
    Device::join(CAROL, ALICE, &past.packages[4]).unwrap()
}

/// Who joins reads from then on under from-join, and everything under shared history. [ROOM-12] [ROOM-16]
#[test]
fn the_policy_tells_what_newcomers_read() {
    let from_join = past(HistoryPolicy::FromJoin);
    assert_eq!(reads(&mut carol_joins(&from_join), &from_join), [4]);
    assert_eq!(reads(&mut from_join.bob.copy(), &from_join), [0, 1, 2, 3, 4]);
    let shared = past(HistoryPolicy::Shared);
    let mut joining =
        Room::join(&shared.packages[4], public(ALICE), &[crowd()[CAROL].reader()], &mut SystemRng).unwrap();
    while let Some(epoch) = joining.wanted() {
        joining.past(&shared.packages[epoch.number() as usize], &directory()).unwrap();
    }
    let mut carol = Device { who: &crowd()[CAROL], room: joining.finish().unwrap() };
    assert_eq!(reads(&mut carol, &shared), [0, 1, 2, 3, 4]);
    assert_eq!((carol.room.history(), carol.room.standing()), (HistoryPolicy::Shared, Standing::Confirmed));
    // The packages that were opened on the way are held as they are by those who were there.
    for package in &shared.packages {
        assert_eq!(carol.apply(package), Ok(Applied::Held));
    }
}

fn range(first: u64, last: u64) -> RangeInclusive<Epoch> {
    Epoch::new(first)..=Epoch::new(last)
}

fn grant(granter: &Device, epochs: RangeInclusive<Epoch>) -> Result<Vec<u8>, Error> {
    granter.room.grant_history(epochs, &[public(CAROL)], &granter.who.sender(), &mut SystemRng)
}

fn accept(device: &mut Device, grant: &[u8], granter: usize) -> Result<usize, Error> {
    let before = device.state();
    let taken = device.room.accept_grant(grant, public(granter), &[device.who.reader()], &mut SystemRng);
    assert!(taken.is_ok() || device.state() == before);
    taken
}

/// An epoch that was granted, and that a later grant put on another branch, is only read: its package is one of an epoch that is
/// not held. [ROOM-25] [ROOM-28]
#[test]
fn what_is_granted_beside_the_own_branch_is_only_read() {
    let (devices, _) = Device::rooms(HistoryPolicy::FromJoin, &[ALICE, BOB, CAROL], 2);
    let [mut alice, mut bob, _] = devices.try_into().ok().unwrap();
    let run = |device: &mut Device, len: usize| -> Vec<Vec<u8>> {
        let step = |_| {
            let package = device.package(Room::refresh);
            device.apply(&package).unwrap();
            package
        };
        (0..len).map(step).collect()
    };
    let (own, beside) = (run(&mut alice, 4), run(&mut bob, 2));
    // Of Alice's branch the last is there, of Bob's the second: between them is a gap.
    let given = [&beside[1][..], &own[3][..]];
    let found =
        Room::recover(alice.room.id(), &given, &[crowd()[CAROL].reader()], &directory(), &mut SystemRng).unwrap();
    let mut carol = Device { who: &crowd()[CAROL], room: found.room };
    let first = grant(&bob, range(1, 1)).unwrap();
    assert_eq!(accept(&mut carol, &first, BOB), Ok(1));
    let second = grant(&alice, range(1, 3)).unwrap();
    assert_eq!(accept(&mut carol, &second, ALICE), Ok(3));
    let said = bob.says(b"beside");
    let before = carol.state();
    assert_eq!(carol.apply(&beside[0]), Err(refused("ROOM-08")));
    assert_eq!((carol.state(), carol.copy().state()), (before.clone(), before));
    assert_eq!(carol.room.forks(), []);
    assert_eq!(carol.hears(&said).unwrap(), b"beside");
}

/// A member lets another read a run of epochs that leads to what they hold: nothing before it opens by that. [ROOM-25]
#[test]
fn grants_open_what_they_name() {
    let past = past(HistoryPolicy::FromJoin);
    let mut carol = carol_joins(&past);
    let late = grant(&past.bob, range(2, 3)).unwrap();
    assert!(matches!(inspect(&late), Ok(Info::HistoryGrant { room, .. }) if room == *past.bob.room.id()));
    assert_eq!(accept(&mut carol, &late, BOB), Ok(2));
    assert_eq!(reads(&mut carol, &past), [2, 3, 4]);
    // A run that leads to what was granted before.
    let early = grant(&past.alice, range(1, 1)).unwrap();
    assert_eq!(accept(&mut carol, &early, ALICE), Ok(1));
    assert_eq!(reads(&mut carol, &past), [1, 2, 3, 4]);
    let copy = carol.copy();
    assert_eq!(copy.state(), carol.state());
    // Keys of the past make no packages and open none: nothing of a secret is there.
    for known in &past.known[1..4] {
        let transcript =
            carol.room.epochs().map(|(_, transcript, _)| *transcript).find(|t| *t.as_bytes() == known.transcript());
        let keys = hazmat::epoch_keys(&carol.room, &transcript.unwrap()).unwrap();
        assert_eq!((keys.secret, keys.message_key, keys.epoch_kek), (None, known.message_key(), None));
    }
    // What is held is left as it is.
    let mut bob = past.bob.copy();
    let all = past
        .alice
        .room
        .grant_history(range(0, 3), &[public(BOB), public(CAROL)], &past.alice.who.sender(), &mut SystemRng)
        .unwrap();
    assert_eq!(accept(&mut bob, &all, ALICE), Ok(0));
    assert_eq!(bob.state(), past.bob.state());
    assert_eq!(accept(&mut carol, &all, ALICE), Ok(1));
    assert_eq!(reads(&mut carol, &past), [0, 1, 2, 3, 4]);
    // What was granted can be granted on, by who has it.
    assert!(carol.room.grant_history(range(0, 4), &[public(BOB)], &carol.who.sender(), &mut SystemRng).is_ok());
}

/// What cannot be granted: gaps, what is not held, to nobody, by another, from a head that nobody vouched for. [ROOM-25]
/// [ROOM-22]
#[test]
fn grants_are_refused_to_their_author() {
    let past = past(HistoryPolicy::FromJoin);
    let mut carol = carol_joins(&past);
    let argument = |granted: Result<Vec<u8>, Error>| assert!(matches!(granted, Err(Error::Argument { .. })));
    argument(grant(&past.bob, range(3, 5)));
    argument(grant(&past.bob, range(5, 9)));
    argument(grant(&past.bob, range(3, 2)));
    argument(grant(&carol, range(3, 4)));
    let (room, sender) = (&past.bob.room, past.bob.who.sender());
    argument(room.grant_history(range(0, 3), &[], &sender, &mut SystemRng));
    argument(room.grant_history(range(0, 3), &[public(CAROL), public(EVE)], &sender, &mut SystemRng));
    argument(room.grant_history(range(0, 3), &[public(CAROL)], &past.alice.who.sender(), &mut SystemRng));
    // With a gap in what is held.
    let only = crafted(&past, &past.known[1..2]);
    assert_eq!(accept(&mut carol, &only.seal(), BOB), Err(refused("ROOM-25")));
    let mut state = State::of(crowd()[BOB].id(), &[&past.known[0], &past.known[2], &past.known[3], &past.known[4]]);
    let device = Device { who: &crowd()[BOB], room: state.room() };
    argument(grant(&device, range(0, 3)));
    assert!(grant(&device, range(2, 4)).is_ok());
    state.standing = 2;
    let device = Device { who: &crowd()[BOB], room: state.room() };
    assert_eq!(grant(&device, range(2, 3)), Err(Error::Unconfirmed));
}

/// A grant to be made by Bob, honest until a test changes a field.
#[derive(Clone)]
struct Crafted<'a> {
    room_id: [u8; 16],
    epochs: Vec<Vec<u8>>,
    tail: Vec<u8>,
    public_data: Vec<u8>,
    author: Option<Sender<'a>>,
    padding: Padding,
}

impl Crafted<'_> {
    fn but(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }

    fn seal(&self) -> Vec<u8> {
        let content = [&self.room_id[..], &vector(&self.epochs.concat()), &self.tail].concat();
        let to = [public(CAROL).recipient()];
        let envelope = Envelope::to(&to).public_data(&self.public_data).padding(self.padding);
        let envelope = self.author.map_or(envelope, |author| envelope.signed_by(author));
        hazmat::seal_as(&envelope, ContentType::HistoryGrant, &content, &mut SystemRng).unwrap()
    }
}

fn crafted(past: &Past, epochs: &[Known]) -> Crafted<'static> {
    let room_id = past.known[0].body.room_id();
    let epochs = epochs.iter().map(Known::granted).collect();
    let (public_data, author) = (room_id.to_vec(), Some(crowd()[BOB].sender()));
    Crafted { room_id, epochs, tail: vec![], public_data, author, padding: Padding::None }
}

/// Each check of a grant, broken alone. [ROOM-25]
#[test]
fn grants_are_checked() {
    let past = past(HistoryPolicy::FromJoin);
    let mut carol = carol_joins(&past);
    let known = &past.known;
    let honest = crafted(&past, &known[1..4]);
    assert_eq!(accept(&mut carol.copy(), &honest.seal(), BOB), Ok(3));
    let mut no = |name: &str, crafted: Crafted<'_>, error| {
        assert_eq!(accept(&mut carol, &crafted.seal(), BOB), Err(error), "{name}");
    };
    let rule = refused("ROOM-25");
    let of = |epochs: &[&Known]| crafted(&past, &epochs.iter().copied().cloned().collect::<Vec<_>>());
    no("another's", honest.but(|grant| grant.author = Some(crowd()[ALICE].sender())), Error::Signature);
    no("nobody's", honest.but(|grant| grant.author = None), Error::Signature);
    no("padded", honest.but(|grant| grant.padding = Padding::Padme), Error::Malformed { field: "padding" });
    no("public data", honest.but(|grant| grant.public_data.push(0)), Error::Malformed { field: "public_data" });
    no("of another room", honest.but(|grant| grant.public_data[0] ^= 1), Error::Malformed { field: "public_data" });
    no("room id", honest.but(|grant| grant.room_id[0] ^= 1), rule);
    no("trailing byte", honest.but(|grant| grant.tail = vec![0]), rule);
    no("no epoch", honest.but(|grant| grant.epochs.clear()), rule);
    no("a cut epoch", honest.but(|grant| grant.epochs[2] = grant.epochs[2][1..].to_vec()), rule);
    no("a gap", of(&[&known[1], &known[3]]), rule);
    no("the wrong order", of(&[&known[2], &known[1], &known[3]]), rule);
    no("twice", of(&[&known[2], &known[3], &known[3]]), rule);
    no("to nothing that is held", of(&[&known[1], &known[2]]), rule);
    let changed = |change: &dyn Fn(&mut Known)| {
        let mut other = known[3].clone();
        change(&mut other);
        other
    };
    for other in [
        changed(&|known| known.signer[0] ^= 1),
        changed(&|known| known.commitment[31] ^= 1),
        changed(&|known| known.body.roster[0].1 ^= 3),
        changed(&|known| known.body.nonce[0] ^= 1),
        changed(&|known| known.body.creator[0] ^= 1),
        changed(&|known| known.body.previous[0] ^= 1),
        changed(&|known| known.body.epoch = 2),
        changed(&|known| known.body.history = SHARED),
        changed(&|known| known.body.history = 3),
        changed(&|known| known.body.roster.reverse()),
    ] {
        no("another epoch", of(&[&known[2], &other]), rule);
    }
    // An epoch of another policy that leads here by a transcript of its own.
    let mut strange = known[2].clone();
    strange.body.history = SHARED;
    let mut after = known[3].clone();
    after.body.previous = strange.transcript();
    after.body.roster = roster(&[after.body.roster, vec![(crowd()[CAROL].id(), MEMBER)]].concat());
    let state = State::of(crowd()[CAROL].id(), &[&after]);
    let mut device = Device { who: &crowd()[CAROL], room: state.room() };
    assert_eq!(accept(&mut device, &of(&[&strange]).seal(), BOB), Err(rule));
    // Who is not in the room, whatever the application expected.
    let by_eve = honest.but(|grant| grant.author = Some(crowd()[EVE].sender()));
    assert_eq!(accept(&mut carol, &by_eve.seal(), EVE), Err(rule));
    let unsealed = past.bob.room.grant_history(range(1, 3), &[public(ALICE)], &crowd()[BOB].sender(), &mut SystemRng);
    assert_eq!(accept(&mut carol, &unsealed.unwrap(), BOB), Err(Error::Decrypt));
    assert_eq!(reads(&mut carol, &past), [4]);
}

/// With a wrong message key it is another epoch, which leads nowhere. [ROOM-25]
#[test]
fn wrong_grants_are_refused() {
    let past = past(HistoryPolicy::FromJoin);
    let mut carol = carol_joins(&past);
    for at in 0..3 {
        let wrong = crafted(&past, &past.known[1..4]).but(|grant| *grant.epochs[at].last_mut().unwrap() ^= 1);
        assert_eq!(accept(&mut carol, &wrong.seal(), BOB), Err(refused("ROOM-25")));
    }
    let right = grant(&past.alice, range(1, 3)).unwrap();
    assert_eq!(accept(&mut carol, &right, ALICE), Ok(3));
    assert_eq!(reads(&mut carol, &past), [1, 2, 3, 4]);
    // Whoever has only a message key derives nothing else of its epoch.
    let secret = derive(&past.known[3].message_key(), "epoch wrap", &past.known[3].transcript(), 32);
    assert_ne!(secret, past.known[3].epoch_kek());
}

/// Of the package of an epoch that came by a grant its own signature is enough, by what its transition names: whose place its
/// author took need not be known. SPEC §18.3
#[test]
fn the_secret_of_what_was_granted() {
    let (alice, bob, carol) = (&crowd()[ALICE], &crowd()[BOB], &crowd()[CAROL]);
    let (later, transition) = successor(carol, 71);
    let members = |carol: &Outsider| [(alice.id(), MEMBER), (bob.id(), ADMIN), (carol.id(), ADMIN)];
    let first = Body::first(FROM_JOIN, &members(carol));
    let first = Craft::new(first, bob.sender(), &[&alice.public, &bob.public, &carol.public]).seal();
    let zero = Known::of(&first, bob.reader(), bob.id());
    let to = [&alice.public, &bob.public, &later.public];
    let body = Body { roster: roster(&members(&later)), ..zero.next() };
    let mut craft = Craft::new(body, later.sender(), &to).with_previous(&zero.secret);
    craft.transition = transition.to_bytes().unwrap();
    let package = sealed(&craft, &to, 7, later.id(), &later);
    let one = Known::of(&package, bob.reader(), later.id());
    let last = Craft::new(one.next(), bob.sender(), &to).with_previous(&one.secret).seal();
    let two = Known::of(&last, bob.reader(), bob.id());
    let mut state = State::of(alice.id(), &[&one, &two]);
    state.epochs[0] = one.stored_granted(1);
    let mut room = state.room();
    let people = vec![bob.public.clone()];
    let forged = sealed(&craft, &to, 7, later.id(), bob);
    assert_eq!(room.apply(&forged, &[alice.reader()], &people, &mut SystemRng), Err(Error::Signature));
    let author = *later.public.fingerprint();
    let past = room.apply(&package, &[alice.reader()], &people, &mut SystemRng);
    assert_eq!(past, Ok(Applied::Past { author }));
    assert_eq!(room.apply(&package, &[alice.reader()], &people, &mut SystemRng), Ok(Applied::Held));
}
