//! Rooms and contacts of keyrings. SPEC §20.5, §20.6.

use crate::hold::{Expected, OK, vector};
use crate::keyrings::{Entry, expected_of, granted, identity, kept, key, keyring, part, register, room_id, successor};
use crate::room_packages::told;
use crate::room_views::view;
use crate::rooms::{Body, class_of, fingerprint, text, transcript_of};
use crate::samples::{SeedRng, cast, flipped, hex};
use sealroom::*;
use serde_json::{Value, json};

/// An epoch that follows another.
pub(crate) fn child(parent: &Value, signer: &[u8; 32], n: u8, change: impl FnOnce(&mut Body)) -> Value {
    let (of, _) = Body::decode(&text(parent, "body"));
    let mut body = Body { epoch: of.epoch + 1, previous: transcript_of(parent), adds: 0, ..of };
    change(&mut body);
    body.roster.sort();
    json!({"signer": hex(signer), "body": hex(&body.encode()), "commitment": hex(&[n; 32]), "secret": hex(&[n; 32])})
}

pub(crate) fn rooms() -> Vec<Value> {
    let (alice, bob) = (&cast().alice, &cast().bob);
    let (alices, bobs, bob_1) = (fingerprint(alice), fingerprint(bob), fingerprint(successor().bob_1));
    let root = &told().branch[0];
    let (of, _) = Body::decode(&text(root, "body"));
    let (by_member, _) = *of.roster.iter().find(|(_, role)| *role == 1).unwrap();
    let same = |_: &mut Body| ();
    let a = child(root, &alices, 1, same);
    let b = child(root, &alices, 2, same);
    let weak = child(root, &by_member, 3, same);
    let deeper = child(&a, &bobs, 4, same);
    let other_deeper = child(&b, &bobs, 5, same);
    let deepest = child(&deeper, &bobs, 6, same);
    let both_bobs = child(root, &alices, 7, |body| body.roster.push((bob_1, 1)));
    let shared = child(root, &alices, 8, |body| body.history = 2);
    let room = room_id();
    let head = |epoch: &Value| register(1, &room, 1, 1, &transcript_of(epoch));
    let all = |epochs: &[&Value]| epochs.iter().map(|epoch| kept(epoch)).collect::<Vec<_>>();
    let with = |epochs: &[&Value], more: &[Entry]| [all(epochs), more.to_vec()].concat();
    let mine = &[bobs][..];
    let mut vectors = Vec::new();
    let mut push =
        |id: &str, comment: &str, expected: Expected, entries: &[Entry], room: &[u8; 16], mine: &[[u8; 32]]| {
            let segment = part(1, 1, entries).seal(id);
            let mut keyring = keyring(id);
            keyring.merge(&segment, &[&key()], &mut SeedRng::new(b"")).unwrap();
            let fingerprints: Vec<Fingerprint> = mine.iter().map(|who| Fingerprint::from_bytes(*who)).collect();
            let made = keyring.room(&RoomId::from_bytes(*room), &fingerprints, &mut SeedRng::new(b"device"));
            let mine: Vec<String> = mine.iter().map(|who| hex(who)).collect();
            let mut fields =
                json!({"key": hex(key().expose()), "segments": [hex(&segment)], "room_id": hex(room), "mine": mine});
            match made {
                Ok(room) => {
                    assert_eq!((expected, room.standing()), (OK, Standing::Unconfirmed), "{id}");
                    fields["room"] = view(&room);
                }
                Err(error) => assert_eq!(expected_of(error), expected, "{id}"),
            }
            vectors.push(vector("keyring_room", id, comment, expected, fields));
        };
    for (id, comment, entries, mine) in [
        (
            "keyring-room",
            "three epochs, the last of which is the head",
            { with(&[root, &a, &deeper], &[head(&deeper)]) },
            mine,
        ),
        (
            "keyring-room-further",
            "what follows the head is held: it leads on",
            with(&[root, &a, &deeper], &[head(&a)]),
            mine,
        ),
        ("keyring-room-best", "two follow the head: the better one", with(&[root, &weak, &a], &[head(root)]), mine),
        (
            "keyring-room-fork",
            "two branches: the head's is the own one",
            { with(&[root, &a, &b, &other_deeper], &[head(&other_deeper)]) },
            mine,
        ),
        (
            "keyring-room-gap",
            "a parent is missing: on from the latest epoch before it",
            { with(&[root, &a, &deepest], &[head(&deepest)]) },
            mine,
        ),
        (
            "keyring-room-gap-fork",
            "of two before the gap, the greater transcript",
            { with(&[root, &a, &b, &deepest], &[head(&deepest)]) },
            mine,
        ),
        ("keyring-room-granted", "an epoch by its message key", { with(&[&granted(root), &a], &[head(&a)]) }, mine),
        (
            "keyring-room-secret-and-grant",
            "an epoch by both: the secret",
            with(&[root, &granted(root)], &[head(root)]),
            mine,
        ),
        (
            "keyring-room-generations",
            "two generations in the roster: the later one",
            { with(&[root, &both_bobs], &[head(&both_bobs)]) },
            &[bobs, bob_1],
        ),
        (
            "keyring-room-earlier-generation",
            "the earlier generation alone",
            { with(&[root, &a], &[head(&a)]) },
            &[bobs, bob_1],
        ),
        (
            "keyring-room-given-up",
            "given up: it is put together all the same",
            { with(&[root, &a], &[head(&a), register(2, &room, 1, 1, &[2])]) },
            mine,
        ),
        (
            "keyring-room-policies",
            "an epoch of another policy is left out",
            { with(&[root, &a, &shared], &[head(&a)]) },
            mine,
        ),
        (
            "keyring-room-two-heads",
            "two heads at one clock: the greater device's",
            { with(&[root, &a, &b], &[head(&a), register(1, &room, 1, 2, &transcript_of(&b))]) },
            mine,
        ),
        (
            "keyring-room-further-elsewhere",
            "what follows is not for this person: the head stays",
            {
                let without = child(&a, &alices, 9, |body| body.roster.retain(|(who, _)| *who != bobs));
                with(&[root, &a, &without], &[head(&a)])
            },
            mine,
        ),
    ] {
        push(id, comment, OK, &entries, &room, mine);
    }
    let missing = ("unknown", None);
    push("keyring-room-headless", "no head is known", missing, &all(&[root, &a]), &room, mine);
    push("keyring-room-head-missing", "the head is not there", missing, &with(&[root], &[head(&a)]), &room, mine);
    let by_grant = with(&[root, &granted(&a)], &[head(&a)]);
    push("keyring-room-head-granted", "the head is there without its secret", missing, &by_grant, &room, mine);
    let entries = with(&[root, &a], &[head(&a)]);
    push("keyring-room-nobody", "nobody of the person is in it", ("room", Some("KRG-08")), &entries, &room, &[bob_1]);
    push("keyring-room-unknown", "a room of which nothing is there", missing, &entries, &[1; 16], mine);
    vectors
}

/// What an application does with a contact.
enum Act<'a> {
    Sight(&'a Identity, &'static str),
    Pin(&'a Identity),
    Unpin,
    Verify(&'a Identity, bool),
    Know(&'a Identity),
    Follow(Vec<u8>, &'static str),
    Merge(Vec<Entry>),
}

pub(crate) fn contacts() -> Vec<Value> {
    use Act::*;
    let (alice, bob) = (&cast().alice, &cast().bob);
    let crate::keyrings::People { bob_1, transition } = successor();
    let root = Root::from_bip39_seed(&[2; 64]);
    let bob_2 = root.identity(Profile::P256, 2, &mut SeedRng::new(b"bob 2")).unwrap();
    let later = root.succeed(bob_1, &bob_2, &mut SeedRng::new(b"later")).unwrap().to_bytes().unwrap();
    let transition = transition.to_bytes().unwrap();
    let pin = |clock, device, who: &Identity| register(3, b"bob", clock, device, &fingerprint(who));
    let cases = [
        (
            "contact-first",
            "the first identity is pinned, and is nobody's word but the server's",
            vec![Sight(bob, "first")],
        ),
        ("contact-known", "the same again", vec![Sight(bob, "first"), Sight(bob, "known")]),
        (
            "contact-changed",
            "another: the pinned one stays",
            vec![Sight(bob, "first"), Verify(bob, true), Sight(alice, "changed")],
        ),
        (
            "contact-changed-and-pinned",
            "another, on the user's word: not verified",
            vec![Sight(bob, "first"), Verify(bob, true), Sight(alice, "changed"), Pin(alice), Sight(alice, "known")],
        ),
        (
            "contact-succeeded",
            "the next generation, whose transition is held: verified is that one or none",
            vec![Sight(bob, "first"), Verify(bob, true), Follow(transition.clone(), "ok"), Sight(bob_1, "succeeded")],
        ),
        (
            "contact-succeeded-unseen",
            "the next generation, and no transition",
            vec![Sight(bob, "first"), Sight(bob_1, "changed")],
        ),
        (
            "contact-succeeded-twice",
            "two generations later",
            vec![
                Sight(bob, "first"),
                Follow(transition.clone(), "ok"),
                Follow(later.clone(), "ok"),
                Sight(&bob_2, "succeeded"),
            ],
        ),
        (
            "contact-succeeded-gap",
            "two generations later, the first transition missing",
            vec![Sight(bob, "first"), Know(bob_1), Follow(later, "ok"), Sight(&bob_2, "changed")],
        ),
        (
            "contact-back",
            "the generation before: nothing leads back",
            vec![
                Sight(bob, "first"),
                Follow(transition.clone(), "ok"),
                Sight(bob_1, "succeeded"),
                Sight(bob, "changed"),
            ],
        ),
        ("contact-given-up", "given up, and seen again", vec![Sight(bob, "first"), Unpin, Sight(alice, "first")]),
        (
            "contact-verified-no-more",
            "verified, and then not",
            vec![Sight(bob, "first"), Verify(bob, true), Verify(bob, false)],
        ),
        (
            "contact-verified-before",
            "the identity that comes by a transition was verified itself",
            vec![Sight(bob, "first"), Follow(transition.clone(), "ok"), Verify(bob_1, true), Sight(bob_1, "succeeded")],
        ),
        (
            "contact-conflict",
            "pinned to two at one clock: any other is a changed key",
            vec![
                Merge(vec![identity(bob), identity(alice), pin(1, 1, alice), pin(1, 2, bob)]),
                Follow(transition.clone(), "ok"),
                Sight(bob_1, "changed"),
            ],
        ),
        (
            "contact-conflict-settled",
            "the user pins one of them",
            vec![
                Merge(vec![identity(bob), identity(alice), pin(1, 1, alice), pin(1, 2, bob)]),
                Follow(transition.clone(), "ok"),
                Pin(bob),
                Sight(bob_1, "succeeded"),
            ],
        ),
        (
            "contact-pinned-elsewhere",
            "another device pinned it, and the identity comes later",
            vec![Merge(vec![pin(1, 2, bob)]), Sight(bob, "known")],
        ),
        (
            "contact-transition-unknown",
            "a transition from somebody who is not known",
            vec![Sight(alice, "first"), Follow(transition.clone(), "unknown")],
        ),
        (
            "contact-transition-forged",
            "a transition whose last signature is wrong",
            vec![
                Sight(bob, "first"),
                Follow(flipped(&transition, transition.len() - 1), "signature"),
                Sight(bob_1, "changed"),
            ],
        ),
    ];
    cases.into_iter().map(|(id, comment, acts)| story(id, comment, &acts)).collect()
}

fn story(id: &str, comment: &str, acts: &[Act<'_>]) -> Value {
    let name = b"bob";
    let (mut keyring, mut steps, mut result) = (keyring(id), Vec::new(), "ok");
    for act in acts {
        steps.push(match act {
            Act::Sight(who, answer) => {
                let (told, fingerprint) = match keyring.sight(name, who.public()).unwrap() {
                    Sighting::First => ("first", None),
                    Sighting::Known => ("known", None),
                    Sighting::Succeeded { from } => ("succeeded", Some(from)),
                    Sighting::Changed { pinned } => ("changed", Some(pinned)),
                    other => panic!("{other:?}"),
                };
                assert_eq!(told, *answer, "{id}");
                let before = fingerprint.map(|before| hex(before.as_bytes()));
                json!({"do": "sight", "identity": hex(&who.public().to_bytes()), "answer": answer, "pinned": before})
            }
            Act::Pin(who) => {
                keyring.pin(name, who.public()).unwrap();
                json!({"do": "pin", "identity": hex(&who.public().to_bytes())})
            }
            Act::Unpin => {
                keyring.unpin(name).unwrap();
                json!({"do": "unpin"})
            }
            Act::Verify(who, verified) => {
                keyring.set_verified(who.public().fingerprint(), *verified).unwrap();
                json!({"do": "verify", "fingerprint": hex(&fingerprint(who)), "verified": verified})
            }
            Act::Know(who) => {
                keyring.know(who.public()).unwrap();
                json!({"do": "know", "identity": hex(&who.public().to_bytes())})
            }
            Act::Follow(transition, answer) => {
                let followed = Transition::from_bytes(transition).and_then(|made| keyring.follow(&made));
                let answered = followed.map_or_else(|error| class_of(error).0, |()| "ok");
                assert_eq!(answered, *answer, "{id}");
                if answered != "ok" {
                    result = answered;
                }
                json!({"do": "follow", "transition": hex(transition), "answer": answer})
            }
            Act::Merge(entries) => {
                let segment = part(1, 1, entries).seal(id);
                assert!(keyring.merge(&segment, &[&key()], &mut SeedRng::new(b"")).is_ok());
                json!({"do": "merge", "segment": hex(&segment)})
            }
        });
    }
    let contact = keyring.contact(name);
    let pinned = contact.map(|contact| hex(contact.identity.fingerprint().as_bytes()));
    let verified = contact.is_some_and(|contact| contact.verified);
    let fields =
        json!({"key": hex(key().expose()), "name": hex(name), "steps": steps, "pinned": pinned, "verified": verified});
    vector("contact", id, comment, (result, None), fields)
}
