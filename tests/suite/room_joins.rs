//! Joining, and objects of one type where another is expected. SPEC §18.4, §6.

use crate::common::rooms::*;
use crate::common::*;
use sealroom::*;

struct Cast {
    alice: Outsider,
    bob: Outsider,
    carol: Outsider,
    eve: Outsider,
}

impl Cast {
    fn new() -> Self {
        let [alice, bob, carol, eve] = [1, 2, 3, 5].map(outsider);
        Self { alice, bob, carol, eve }
    }

    fn directory(&self) -> [&PublicIdentity; 4] {
        [&self.alice, &self.bob, &self.carol, &self.eve].map(|person| &person.public)
    }

    /// Epoch 0 by Alice: an admin, and Bob, a member.
    fn first(&self, history: u8) -> Craft<'_> {
        let body = Body::first(history, &[(self.alice.id(), ADMIN), (self.bob.id(), MEMBER)]);
        Craft::new(body, self.alice.sender(), &[&self.alice.public, &self.bob.public])
    }

    /// Epoch 5 by Alice, which adds Carol beside a symmetric key.
    fn later<'a>(&'a self, history: u8, key: &'a SymmetricKey) -> Craft<'a> {
        let mut craft = self.first(history);
        (craft.body.epoch, craft.body.previous, craft.body.adds) = (5, [9; 32], 1);
        craft.body.roster = roster(&[craft.body.roster, vec![(self.carol.id(), MEMBER)]].concat());
        craft.to = vec![self.carol.public.recipient(), Recipient::symmetric(key)];
        if history == SHARED { craft.with_previous(&[8; 32]) } else { craft }
    }
}

/// Somebody joins by it, whom Alice was expected to invite.
fn join(cast: &Cast, package: &[u8], reader: &Outsider) -> Result<Joining, Error> {
    Room::join(package, &cast.alice.public, &[reader.reader()], &mut Draws::new(1))
}

fn refuses(cast: &Cast, name: &str, craft: &Craft<'_>, reader: &Outsider, expected: Error) {
    assert_eq!(join(cast, &craft.seal(), reader).err(), Some(expected), "{name}");
}

/// Epoch 0 has nothing before it, and is its creator's. [ROOM-04] [ROOM-11] [ROOM-15]
#[test]
fn first_epochs_are_checked() {
    let cast = Cast::new();
    let key = symmetric(1);
    let (transition, other) = (successor(&cast.bob, 40).1.to_bytes().unwrap(), Recipient::symmetric(&key));
    for history in [FROM_JOIN, SHARED] {
        let first = cast.first(history);
        let room = join(&cast, &first.seal(), &cast.bob).unwrap().finish().unwrap();
        assert_eq!((room.epoch(), room.standing()), (Epoch::new(0), Standing::Confirmed));
        assert_eq!(room.me(), cast.bob.public.fingerprint());
        let no = |name: &str, change: &dyn Fn(&mut Craft<'_>)| {
            refuses(&cast, name, &first.but(change), &cast.bob, refused("ROOM-04"));
        };
        no("a past", &|craft| craft.body.previous[31] = 1);
        no("additions", &|craft| craft.body.adds = 1);
        no("a previous secret", &|craft| (craft.has_previous, craft.previous) = (1, vec![0; 32]));
        no("a transition", &|craft| craft.transition.clone_from(&transition));
        let fewer = first.but(|craft| craft.body.creator = cast.bob.id());
        refuses(&cast, "another's room", &fewer, &cast.bob, refused("ROOM-04"));
        no("a creator who is no admin", &|craft| {
            craft.body.roster = roster(&[(cast.alice.id(), MEMBER), (cast.bob.id(), ADMIN)]);
        });
        no("a creator who is not there", &|craft| craft.body.roster = vec![(cast.bob.id(), ADMIN)]);
        refuses(&cast, "a key", &first.but(|craft| craft.to.push(other)), &cast.bob, refused("ROOM-04"));
        refuses(&cast, "a decoy", &first.but(|craft| craft.decoys = 1), &cast.bob, refused("ROOM-11"));
        refuses(&cast, "too few", &first.but(|craft| craft.to = craft.to.split_off(1)), &cast.bob, refused("ROOM-11"));
        // Whom the application expected, and who reads.
        let by_bob = Room::join(&first.seal(), &cast.bob.public, &[cast.bob.reader()], &mut Draws::new(1));
        assert_eq!(by_bob.err(), Some(Error::Signature));
        let listener = first.but(|craft| craft.to[0] = cast.eve.public.recipient());
        refuses(&cast, "who is not in the roster", &listener, &cast.eve, refused("ROOM-15"));
        refuses(&cast, "who is not sealed to", &first, &cast.eve, Error::Decrypt);
        // Under a key that is nobody's.
        let fewer = cast.later(history, &key);
        let by_key = Room::join(&fewer.seal(), &cast.alice.public, &[Reader::symmetric(&key)], &mut Draws::new(1));
        assert_eq!(by_key.err(), Some(refused("ROOM-15")));
    }
}

/// A package that adds somebody, to them: the inviter is an admin, and the form fits. [ROOM-15] [ROOM-10] [ROOM-11]
/// [ROOM-12]
#[test]
fn later_epochs_are_checked() {
    let cast = Cast::new();
    let (key, second) = (symmetric(1), symmetric(2));
    for history in [FROM_JOIN, SHARED] {
        let later = cast.later(history, &key);
        assert!(join(&cast, &later.seal(), &cast.carol).is_ok());
        let no = |name: &str, craft: Craft<'_>, expected| refuses(&cast, name, &craft, &cast.carol, refused(expected));
        let demoted = roster(&[(cast.alice.id(), MEMBER), (cast.bob.id(), ADMIN), (cast.carol.id(), MEMBER)]);
        no("no admin", later.but(|craft| craft.body.roster = demoted.clone()), "ROOM-15");
        let gone = roster(&[(cast.bob.id(), ADMIN), (cast.carol.id(), MEMBER)]);
        no("not there", later.but(|craft| craft.body.roster = gone.clone()), "ROOM-15");
        let absent = roster(&[(cast.alice.id(), ADMIN), (cast.bob.id(), ADMIN)]);
        no("the reader is not there", later.but(|craft| craft.body.roster = absent.clone()), "ROOM-15");
        let forged = later.seal_by_hand(&[&cast.carol.public], Some(&[1; 32]), cast.alice.id(), &cast.eve);
        assert_eq!(join(&cast, &forged, &cast.carol).err(), Some(Error::Signature));
        let by_eve = later.but(|craft| craft.author = Some(cast.eve.sender()));
        refuses(&cast, "another inviter", &by_eve, &cast.carol, Error::Signature);
        let toggled = later.but(|craft| match craft.has_previous {
            0 => (craft.has_previous, craft.previous) = (1, vec![8; 32]),
            _ => (craft.has_previous, craft.previous) = (0, vec![]),
        });
        no("the previous secret", toggled, "ROOM-12");
        no("two keys", later.but(|craft| craft.to.push(Recipient::symmetric(&second))), "ROOM-10");
        no("not counted", later.but(|craft| craft.body.adds = 0), "ROOM-10");
        no("the 65th", later.but(|craft| craft.body.adds = 65), "ROOM-10");
        no("counted without a key", later.but(|craft| craft.to.truncate(1)), "ROOM-10");
        no("as many as all", later.but(|craft| craft.decoys = 2), "ROOM-11");
        let rekey = later.but(|craft| {
            craft.body.adds = 0;
            craft.to = [&cast.alice, &cast.bob, &cast.carol].map(|person| person.public.recipient()).to_vec();
        });
        assert!(join(&cast, &rekey.seal(), &cast.carol).is_ok());
        no("a decoy", rekey.but(|craft| craft.decoys = 1), "ROOM-11");
        no("too few", rekey.but(|craft| craft.to = craft.to.split_off(1)), "ROOM-11");
        assert!(join(&cast, &later.but(|craft| craft.body.adds = 64).seal(), &cast.carol).is_ok());
    }
    // A transition makes somebody a successor, and nobody a newcomer.
    let (later, transition) = (cast.later(FROM_JOIN, &key), successor(&cast.bob, 40).1.to_bytes().unwrap());
    let other = later.but(|craft| craft.transition.clone_from(&transition));
    assert!(matches!(join(&cast, &other.seal(), &cast.carol), Err(Error::Room { .. })));
}

/// Under shared history everything before is opened and checked down to epoch 0. [ROOM-16]
#[test]
fn the_past_is_checked_before_a_room_is_joined() {
    let cast = Cast::new();
    let directory = cast.directory();
    let everyone = [&cast.alice.public, &cast.bob.public];
    let first_craft = cast.first(SHARED);
    let first = first_craft.seal();
    let epoch0 = Known::of(&first, cast.alice.reader(), cast.alice.id());
    let second_craft = Craft::new(epoch0.next(), cast.bob.sender(), &everyone).with_previous(&epoch0.secret);
    let second = second_craft.seal();
    let epoch1 = Known::of(&second, cast.alice.reader(), cast.bob.id());
    let third = |parent: &Known| {
        let mut body = parent.next();
        (body.adds, body.roster) = (1, roster(&[body.roster, vec![(cast.carol.id(), MEMBER)]].concat()));
        let kek = SymmetricKey::take(&mut parent.epoch_kek());
        let mut craft = Craft::new(body, cast.alice.sender(), &[&cast.carol.public]).with_previous(&parent.secret);
        craft.to.push(Recipient::symmetric(&kek));
        craft.seal()
    };
    let mut joining = join(&cast, &third(&epoch1), &cast.carol).unwrap();
    assert_eq!(joining.wanted(), Some(Epoch::new(1)));
    assert_eq!(
        join(&cast, &third(&epoch1), &cast.carol).unwrap().finish().err(),
        Some(Error::Argument { what: "earlier packages are wanted" })
    );
    // The wrong order, another room's, and other packages of the right number. What was taken last stands for itself.
    assert_eq!(joining.past(&first, &directory), Err(Error::Decrypt));
    assert_eq!(joining.past(&third(&epoch1), &directory), Ok(()));
    assert_eq!(joining.wanted(), Some(Epoch::new(1)));
    let foreign = first_craft.but(|craft| craft.body.nonce[0] ^= 1).seal();
    assert_eq!(joining.past(&foreign, &directory), Err(refused("ROOM-16")));
    let twin = second_craft.but(|craft| craft.author = Some(cast.alice.sender())).seal();
    assert_eq!(joining.past(&twin, &directory), Err(Error::Decrypt));
    assert_eq!(joining.wanted(), Some(Epoch::new(1)));
    let unknown = joining.past(&second, &[&cast.alice.public]);
    assert_eq!(unknown, Err(Error::UnknownIdentity { fingerprint: cast.bob.id() }));
    joining.past(&second, &directory).unwrap();
    assert_eq!(joining.wanted(), Some(Epoch::new(0)));
    joining.past(&first, &directory).unwrap();
    assert_eq!(joining.wanted(), None);
    assert_eq!(joining.past(&first, &directory), Err(Error::Argument { what: "no earlier package is wanted" }));
    let room = joining.finish().unwrap();
    assert_eq!(room.epochs().map(|(epoch, ..)| epoch.number()).collect::<Vec<_>>(), [0, 1, 2]);

    // A past that breaks a rule: Bob, who is no admin, makes himself one; the newcomer sees it.
    let broken =
        second_craft.but(|craft| craft.body.roster = roster(&[(cast.alice.id(), ADMIN), (cast.bob.id(), ADMIN)]));
    let broken_epoch = Known::of(&broken.seal(), cast.alice.reader(), cast.bob.id());
    let mut joining = join(&cast, &third(&broken_epoch), &cast.carol).unwrap();
    joining.past(&broken.seal(), &directory).unwrap();
    assert_eq!(joining.past(&first, &directory), Err(refused("ROOM-09")));
    // An inviter whose package does not fit what it says to follow, where the parent is known: a role changes beside it.
    let mut other = epoch1.clone();
    other.body.roster = roster(&[(cast.alice.id(), ADMIN), (cast.bob.id(), ADMIN)]);
    let mut craft =
        Craft::new(Body { previous: epoch1.transcript(), ..other.next() }, cast.alice.sender(), &[&cast.carol.public]);
    (craft.body.adds, craft.body.roster) =
        (1, roster(&[craft.body.roster.clone(), vec![(cast.carol.id(), MEMBER)]].concat()));
    let kek = SymmetricKey::take(&mut epoch1.epoch_kek());
    craft.to.push(Recipient::symmetric(&kek));
    let mut joining = join(&cast, &craft.with_previous(&epoch1.secret).seal(), &cast.carol).unwrap();
    assert_eq!(joining.past(&second, &directory), Err(refused("ROOM-10")));
    // The right secret, another transcript.
    let mut lying = epoch1.clone();
    lying.commitment[0] ^= 1;
    let mut joining = join(&cast, &third(&lying), &cast.carol).unwrap();
    assert_eq!(joining.past(&second, &directory), Err(refused("ROOM-16")));
    // A signature of the past that is not its author's.
    let to = [&cast.alice.public, &cast.bob.public];
    let forged = second_craft.seal_by_hand(&to, None, cast.bob.id(), &cast.eve);
    let forged_epoch = Known::of(&forged, cast.alice.reader(), cast.bob.id());
    let mut joining = join(&cast, &third(&forged_epoch), &cast.carol).unwrap();
    assert_eq!(joining.past(&forged, &directory), Err(Error::Signature));
}

/// One of every object. All are of the same room or people.
fn objects(cast: &Cast) -> Vec<(u8, Vec<u8>)> {
    let mut rng = Draws::new(9);
    let package = cast.first(FROM_JOIN).seal();
    let mut room = join(cast, &package, &cast.alice).unwrap().finish().unwrap();
    let sender = cast.alice.sender();
    let message = Envelope::to(&[cast.bob.public.recipient()]).seal(b"content", &mut rng).unwrap();
    let grant = room.grant_history(Epoch::new(0)..=Epoch::new(0), &[&cast.bob.public], &sender, &mut rng).unwrap();
    vec![
        (0x01, message),
        (0x02, package),
        (0x05, grant),
        (0x06, Envelope::to(&[]).seal_attachment(b"content", &mut rng).unwrap().0),
        (0x07, room.save(&symmetric(1), &mut rng).unwrap()),
        (0x20, cast.alice.public.to_bytes()),
        (0x21, successor(&cast.alice, 40).1.to_bytes().unwrap()),
        (
            0x22,
            person(1)
                .sign(b"", b"", &mut rng)
                .unwrap()
                .encode_into(&mut [0; DetachedSignature::MAX_LEN])
                .unwrap()
                .to_vec(),
        ),
        (0x23, room.seal(&Draft::new(b"content"), &sender, &mut rng).unwrap()),
        (0x24, room.leave(&sender, &mut rng).unwrap().to_bytes()),
        (0x25, room.vouch(&[7; 32], &sender, &mut rng).unwrap().to_bytes()),
    ]
}

/// Every type of object, given wherever another is expected: the same answer everywhere, and no room changes. [OBJ-02]
/// [OBJ-03]
#[test]
fn objects_of_other_types_are_refused() {
    let cast = Cast::new();
    let (directory, readers) = (cast.directory(), [cast.bob.reader()]);
    let objects = objects(&cast);
    let mut room = join(&cast, &objects[1].1, &cast.bob).unwrap().finish().unwrap();
    let before = hazmat::room_state(&room);
    let key = symmetric(1);
    let unlike = Some(Error::Unsupported { field: "type" });
    for (code, bytes) in &objects {
        assert_eq!(bytes[6], *code);
        assert!(inspect(bytes).is_ok(), "{code}");
        let rng = &mut Draws::new(2);
        let id = *room.id();
        let answers = [
            (0x02, room.apply(bytes, &readers, &directory, rng).err()),
            (0x02, join(&cast, bytes, &cast.bob).err()),
            (0x05, room.accept_grant(bytes, &cast.alice.public, &readers, rng).err()),
            (0x07, Room::load(bytes, &key).err()),
            (0x23, room.open(bytes, b"", &directory).err()),
            (0x23, room.open_into(bytes, b"", &mut [0; 512], &directory).err()),
            (0x24, LeaveStatement::from_bytes(bytes).err()),
            (0x25, HeadStatement::from_bytes(bytes).err()),
            (0x01, open(bytes, &readers, rng).err()),
            (0x01, open_into(bytes, &readers, &mut [0; 512], rng).err()),
        ];
        let recovered = Room::recover(&id, &[&bytes[..]], &readers, &directory, rng).err();
        assert_eq!(recovered, (*code != 0x02).then_some(Error::Decrypt));
        for (place, (expected, answer)) in answers.into_iter().enumerate() {
            match (code == &expected, answer) {
                // Its own type passes, but for a grant of what is held, which leads nowhere.
                (true, None) => {}
                (true, Some(error)) => assert_eq!((*code, error), (0x05, refused("ROOM-25"))),
                (false, answer) => assert_eq!(answer, unlike, "{code} at {place}"),
            }
        }
    }
    // The message that was its own was noted; the rest is as it was.
    let mut after = hazmat::room_of_state(&before).unwrap();
    let _ = after.open(&objects[8].1, b"", &directory).unwrap();
    assert_eq!(hazmat::room_state(&room), hazmat::room_state(&after));
}

/// What is inside a room's envelopes is not given to applications: not whole, not in a stream, not at an offset. [OBJ-03]
#[test]
fn rooms_envelopes_open_only_as_rooms() {
    let cast = Cast::new();
    let objects = objects(&cast);
    let unlike = Error::Unsupported { field: "type" };
    let key = symmetric(1);
    for (code, bytes) in objects.iter().filter(|(code, _)| matches!(code, 0x02 | 0x05 | 0x07)) {
        let locked = Locked::decode(bytes, &Limits::default()).unwrap();
        let unlock = || locked.unlock(&[cast.bob.reader(), Reader::symmetric(&key)], &mut Draws::new(1)).unwrap();
        assert_eq!(unlock().open(locked.payload()).err(), Some(unlike), "{code}");
        let mut out = vec![0; bytes.len()];
        assert_eq!(unlock().open_into(locked.payload(), &mut out).err(), Some(unlike));
        assert!(out.iter().all(|byte| *byte == 0));
        let mut stream = unlock().stream();
        let piece = stream.push(locked.payload()).err();
        assert!(piece == Some(unlike) || stream.finish().err() == Some(unlike) && piece.is_none());
        assert_eq!(unlock().at_offsets(bytes.len() as u64).err(), Some(unlike));
    }
}
