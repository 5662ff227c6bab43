//! A new device gets everything back, whatever a server gives. SPEC §21.

use crate::hold::vector;
use crate::keyring_merges::contacts;
use crate::keyrings::{granted, kept, part, seal_as};
use crate::room_views::view;
use crate::rooms::{Body, class_of, epoch_value, fingerprint, inside, people};
use crate::samples::{SeedRng, cast, flipped, hex};
use sealroom::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SEED: [u8; 64] = [0xa1; 64];

fn words() -> Root {
    Root::from_bip39_seed(&SEED)
}

/// What a server has of a person who changed keys once, is in two rooms and has a keyring of one of them.
#[derive(Clone)]
struct Server {
    me: [Identity; 2],
    transitions: Vec<Vec<u8>>,
    segments: Vec<Vec<u8>>,
    packages: Vec<Vec<u8>>,
    identities: Vec<Vec<u8>>,
}

fn server() -> Server {
    let rng = &mut SeedRng::new(b"server");
    let (bob, carol) = (&cast().bob, people().erin);
    let me = [0, 1].map(|n| words().identity(Profile::P256, n, rng).unwrap());
    let transition = words().succeed(&me[0], &me[1], rng).unwrap();
    let everyone: Vec<PublicIdentity> = [&me[0], &me[1], bob, &carol].iter().map(|who| who.public().clone()).collect();
    let readers = [me[1].reader(), me[0].reader()];
    let mut server = Server {
        transitions: vec![transition.to_bytes().unwrap()],
        segments: Vec::new(),
        packages: Vec::new(),
        identities: [bob, &carol].iter().map(|who| who.public().to_bytes()).collect(),
        me: me.clone(),
    };
    let mut keyring = Keyring::new(rng).unwrap();
    for (n, history) in [HistoryPolicy::FromJoin, HistoryPolicy::Shared].into_iter().enumerate() {
        let to = [(bob.public(), Role::Admin), (me[0].public(), Role::Admin)];
        let package = Room::create(&carol.sender(), &to, history, rng).unwrap();
        let join = |readers: &[Reader<'_>], rng: &mut SeedRng| {
            Room::join(&package, carol.public(), readers, rng).unwrap().finish().unwrap()
        };
        let (mut room, mut bobs) = (join(&readers, rng), join(&[bob.reader()], rng));
        server.packages.push(package.clone());
        for epoch in 0..4 {
            let package = match epoch {
                2 => room.replace(&transition).unwrap().seal(&me[1].sender(), &everyone, rng).unwrap(),
                _ => bobs.refresh().unwrap().seal(&bob.sender(), &everyone, rng).unwrap(),
            };
            room.apply(&package, &readers, &everyone, rng).unwrap();
            bobs.apply(&package, &[bob.reader()], &everyone, rng).unwrap();
            server.packages.push(package);
            if n == 0 && epoch < 3 {
                keyring.record(&room).unwrap();
                let key = me[if epoch < 2 { 0 } else { 1 }].keyring_key().unwrap();
                server.segments.push(keyring.part(&key, rng).unwrap());
            }
        }
    }
    server
}

impl Server {
    fn but(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut other = self.clone();
        change(&mut other);
        other
    }

    /// Each list through `change`.
    fn each(&self, change: impl Fn(&mut Vec<Vec<u8>>)) -> Self {
        self.but(|server| {
            for list in [&mut server.transitions, &mut server.segments, &mut server.packages, &mut server.identities] {
                change(list);
            }
        })
    }

    fn key(&self, generation: usize) -> SymmetricKey {
        self.me[generation].keyring_key().unwrap()
    }

    fn vector(&self, id: &str, comment: &str, refused: &'static str) -> Value {
        let rng = &mut SeedRng::new(id.as_bytes());
        let mut recovery = Recovery::new(words(), Profile::P256, rng).unwrap();
        let (mut problems, mut asked, mut again) = (Vec::new(), Vec::new(), false);
        while let Some(wanted) = recovery.wanted() {
            let (step, blobs) = match &wanted {
                // The server gives all that it has from the first on, and the first device asks once more for each.
                Wanted::Transition { .. } if again => ("generations", vec![]),
                Wanted::Transition { .. } => ("generations", self.transitions.clone()),
                Wanted::Segments => ("keyring", self.segments.clone()),
                Wanted::Packages { .. } => ("packages", self.packages.clone()),
                Wanted::Identities { of } => {
                    asked.extend(of.iter().map(|who| hex(who.as_bytes())));
                    ("identities", self.identities.clone())
                }
                _ => panic!("{wanted:?}"),
            };
            again = step == "generations";
            for (n, blob) in blobs.iter().enumerate() {
                if let Err(Refused { error, .. }) = recovery.give(blob, rng) {
                    let (class, _) = class(error);
                    problems.push(json!({"step": step, "blob": n, "result": class}));
                }
            }
            recovery.proceed(rng).unwrap();
            assert!(asked.len() < 20, "{id}");
        }
        let mut of_packages: Vec<Value> = recovery
            .refused()
            .map(|(room, Refused { error, .. })| {
                let (class, check) = class(error);
                let mut problem = json!({"step": "packages", "room_id": hex(room.as_bytes()), "result": class});
                if let Some(check) = check {
                    problem["check"] = json!(check);
                }
                problem
            })
            .collect();
        of_packages.sort_by_key(Value::to_string);
        problems.extend(of_packages);
        let missing: Vec<Value> = recovery.missing().iter().map(missing).collect();
        let account = recovery.finish().unwrap();
        let rooms: BTreeMap<String, Value> =
            account.rooms.iter().map(|room| (hex(room.id().as_bytes()), view(room))).collect();
        let generations: Vec<String> = account.identities.iter().map(|one| hex(&fingerprint(one))).collect();
        let lists = [&self.transitions, &self.segments, &self.packages, &self.identities];
        let [transitions, segments, packages, identities] =
            lists.map(|list| list.iter().map(|blob| hex(blob)).collect::<Vec<_>>());
        let first = problems.first();
        let result = first.map_or("ok", |problem| problem["result"].as_str().unwrap());
        assert_eq!(result, refused, "{id} {problems:?}");
        asked.sort();
        asked.dedup();
        let check = first.and_then(|problem| problem["check"].as_str()).map(|check| {
            ["ROOM-08", "ROOM-11"].into_iter().find(|known| *known == check).unwrap_or_else(|| panic!("{id}: {check}"))
        });
        let fields = json!({"bip39_seed": hex(&SEED), "profile": "p256", "transitions": transitions,
            "segments": segments, "packages": packages, "identities": identities, "generations": generations,
            "rooms": rooms.into_values().collect::<Vec<_>>(), "contacts": contacts(&account.keyring),
            "asked": asked, "missing": missing, "problems": problems});
        vector("recovery", id, comment, (refused, check), fields)
    }
}

/// An identity that nobody asked for has no class of its own.
fn class(error: Error) -> (&'static str, Option<&'static str>) {
    match error {
        Error::Argument { .. } => ("unknown", None),
        error => class_of(error),
    }
}

fn missing(missing: &Missing) -> Value {
    match missing {
        Missing::Segments(gap) => json!({"what": "segments", "device": hex(gap.device.as_bytes()),
            "first": gap.first, "last": gap.last}),
        Missing::Epochs { room, first, last } => json!({"what": "epochs", "room_id": hex(room.as_bytes()),
            "first": first.number(), "last": last.number()}),
        Missing::Identity(who) => json!({"what": "identity", "fingerprint": hex(who.as_bytes())}),
        Missing::Room(room) => json!({"what": "room", "room_id": hex(room.as_bytes())}),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn recoveries() -> Vec<Value> {
    let all = server();
    let rng = &mut SeedRng::new(b"recoveries");
    let (bob, dave) = (&cast().bob, people().dave);
    let mut vectors = vec![all.vector("recovery", "everything is there", "ok")];
    let mut push =
        |id: &str, comment: &str, refused, server: &Server| vectors.push(server.vector(id, comment, refused));
    push("recovery-reversed", "every list in the reverse order", "ok", &all.each(|list| list.reverse()));
    push("recovery-twice", "every object twice", "ok", &all.each(|list| list.extend(list.clone())));
    push("recovery-no-keyring", "no segment", "ok", &all.but(|server| server.segments.clear()));
    push("recovery-since-the-keyring", "of the first room only what came after its keyring", "ok", &{
        all.but(|server| drop(server.packages.drain(..4)))
    });
    push("recovery-nothing", "a server that has nothing", "ok", &all.each(Vec::clear));
    push("recovery-segment-missing", "a segment that others name is missing", "ok", &{
        all.but(|server| drop(server.segments.remove(1)))
    });
    push(
        "recovery-last-segment-missing",
        "the head's segment is missing: the room begins where the keyring ends",
        "ok",
        &{ all.but(|server| drop(server.segments.pop())) },
    );
    push("recovery-epoch-missing", "an epoch of the second room is missing", "ok", &{
        all.but(|server| drop(server.packages.remove(7)))
    });
    push("recovery-epoch-kept-back", "an epoch of the first room is missing, and is in the keyring", "ok", &{
        all.but(|server| drop(server.packages.remove(2)))
    });
    push("recovery-first-missing", "the first epochs of a room that shares its past", "ok", &{
        all.but(|server| {
            server.segments.clear();
            server.packages.drain(5..7);
        })
    });
    push("recovery-last-missing", "the last packages: nothing tells", "ok", &{
        all.but(|server| {
            server.packages.remove(9);
            server.packages.remove(4);
        })
    });
    push("recovery-transition-hidden", "no transition: an older generation", "decrypt", &{
        all.but(|server| server.transitions.clear())
    });
    // Both epochs that the first segment has, and the next one as a grant gives it.
    let next = inside(&all.packages[2], &[all.me[0].reader()]);
    let next = epoch_value(&fingerprint(bob), &next);
    let of_next = part(9, 1, &[kept(&granted(&next))]).content();
    let by_grant = seal_as("granted successor", ContentType::Keyring, &of_next, &all.key(0)).0;
    push("recovery-granted-successor", "of the epoch after the head the keyring has the message key alone", "ok", &{
        all.but(|server| {
            server.segments.truncate(1);
            server.segments.push(by_grant.clone());
            server.packages.drain(..2);
        })
    });
    // The first two epochs as a grant gives them, and none that can be the head.
    let granted = [(0, &people().erin), (1, bob)].map(|(n, author)| {
        let of = inside(&all.packages[n], &[all.me[0].reader()]);
        kept(&granted(&epoch_value(&fingerprint(author), &of)))
    });
    let by_grant = seal_as("granted apart", ContentType::Keyring, &part(9, 1, &granted).content(), &all.key(1)).0;
    push(
        "recovery-granted-apart",
        "of the first room the keyring has granted epochs alone, before those that are given",
        "ok",
        &{
            all.but(|server| {
                server.segments = vec![by_grant.clone()];
                server.packages.drain(..2);
            })
        },
    );
    let other = Room::create(&bob.sender(), &[(dave.public(), Role::Member)], HistoryPolicy::Shared, rng).unwrap();
    push("recovery-other-room", "a room of other people", "decrypt", &{
        all.but(|server| server.packages.push(other.clone()))
    });

    let mut keyring = Keyring::new(rng).unwrap();
    let room = |n: usize| Body::decode(&inside(&all.packages[n], &[all.me[0].reader()]).content()).0;
    let first = room(0);
    let id =
        hazmat::sha256(&hazmat::sign_input("room id", &[&first.creator[..], &first.nonce, &[first.history]].concat()));
    keyring.set_kept(&RoomId::from_bytes(id[..16].try_into().unwrap()), false).unwrap();
    let given_up = keyring.part(&all.key(1), rng).unwrap();
    push("recovery-given-up", "a room that was given up stays so", "ok", &{
        all.but(|server| server.segments.push(given_up.clone()))
    });
    let mut thief = Keyring::new(rng).unwrap();
    thief.pin(b"bob", dave.public()).unwrap();
    let forged = thief.part(&all.key(0), rng).unwrap();
    push("recovery-earlier-keyring", "a segment of an earlier generation, and no whole one of the latest", "ok", &{
        all.but(|server| server.segments.push(forged.clone()))
    });
    let mut mine = Keyring::new(rng).unwrap();
    mine.pin(b"bob", bob.public()).unwrap();
    let whole = mine.whole(&all.key(1), rng).unwrap();
    push(
        "recovery-earlier-keyring-left-out",
        "a whole one of the latest: those of earlier ones are not merged",
        "ok",
        &{
            all.but(|server| {
                server.segments = [&[forged.clone(), whole.clone()][..], &server.segments].concat();
                // Bob is in the keyring.
                server.identities.remove(0);
            })
        },
    );

    // One object more that is wrong, at the start of its list: nothing else is lost.
    let mut wrong = |id: &str, comment: &str, refused, change: &dyn Fn(&mut Server)| {
        push(id, comment, refused, &all.but(change));
    };
    let put = |list: &mut Vec<Vec<u8>>, blob: &[u8]| list.insert(0, blob.to_vec());
    let bit = |blob: &[u8], back: usize| flipped(blob, blob.len() - back);
    wrong("recovery-transition-changed", "a changed transition beside the right one", "signature", &|server| {
        let changed = bit(&server.transitions[0], 1);
        put(&mut server.transitions, &changed);
    });
    let stranger = people().bobs_transition.to_bytes().unwrap();
    wrong("recovery-transition-foreign", "another person's transition", "signature", &|server| {
        put(&mut server.transitions, &stranger);
    });
    let elsewhere = to_other_words(&all);
    wrong(
        "recovery-transition-elsewhere",
        "a transition to an identity that is not of these words",
        "signature",
        &|server| {
            put(&mut server.transitions, &elsewhere);
        },
    );
    wrong("recovery-transition-type", "a segment among the transitions", "unsupported", &|server| {
        let segment = server.segments[0].clone();
        put(&mut server.transitions, &segment);
    });
    wrong("recovery-segment-changed", "a changed segment beside the right one", "decrypt", &|server| {
        let changed = bit(&server.segments[0], 1);
        put(&mut server.segments, &changed);
    });
    let foreign = Keyring::new(rng).unwrap().part(&bob.keyring_key().unwrap(), rng).unwrap();
    wrong("recovery-segment-foreign", "another person's segment", "decrypt", &|server| {
        put(&mut server.segments, &foreign)
    });
    wrong("recovery-segment-type", "a package among the segments", "unsupported", &|server| {
        let package = server.packages[0].clone();
        put(&mut server.segments, &package);
    });
    wrong("recovery-package-changed", "a changed package beside the right one", "decrypt", &|server| {
        let changed = bit(&server.packages[8], 1);
        put(&mut server.packages, &changed);
    });
    wrong("recovery-package-type", "a segment among the packages", "unsupported", &|server| {
        let segment = server.segments[0].clone();
        put(&mut server.packages, &segment);
    });
    wrong("recovery-package-cut", "a package without most of it", "malformed", &|server| {
        let cut = server.packages[8][..100].to_vec();
        put(&mut server.packages, &cut);
    });
    let early = another_history(&all);
    wrong("recovery-another-history", "an admin of an early epoch begins another history", "room", &|server| {
        put(&mut server.packages, &early);
    });
    wrong("recovery-identity-unasked", "an identity that nobody asked for", "unknown", &|server| {
        let daves = people().dave.public().to_bytes();
        put(&mut server.identities, &daves);
    });
    wrong("recovery-identity-changed", "a changed identity beside the right one", "signature", &|server| {
        let changed = bit(&server.identities[0], 1);
        put(&mut server.identities, &changed);
    });
    push("recovery-removed-admin", "who was removed, by somebody who is not known yet, made a later epoch", "room", &{
        removed_admin(&all)
    });
    push(
        "recovery-granted-beside",
        "of a room the keyring has a granted epoch alone, whose package is given too",
        "ok",
        &{ granted_beside(&all) },
    );
    push(
        "recovery-granted-named",
        "a granted epoch, whose package opens only by the secret that an addition names",
        "ok",
        &{ granted_named(&all) },
    );
    let closed = closed_gap(&all);
    push("recovery-gap-closed", "what follows the head was kept, and what is between comes", "ok", &closed);
    push("recovery-gap-closed-kept", "the same, and the package of what was kept does not come", "ok", &{
        closed.but(|server| server.packages.truncate(1))
    });
    push("recovery-kept-to-be-read", "the same with one that a plain member made, as if an admin there", "ok", &{
        kept_to_be_read(&all, false)
    });
    push("recovery-kept-beside", "the same, and one beside it that an admin made", "ok", &kept_to_be_read(&all, true));
    push("recovery-behind", "from packages alone, the last of an admin who wrapped it to one too many", "room", &{
        behind(&all)
    });
    push(
        "recovery-raced",
        "after a gap an admin's epoch, and beside it as many of a plain member's",
        "ok",
        &raced(&all),
    );
    push(
        "recovery-raced-addition",
        "the same, where the admin's adds who was removed: it is only read, and the room is behind",
        "decrypt",
        &raced_addition(&all),
    );
    push("recovery-only-read", "within a gap one that is only read, and an addition that opens by its key", "ok", &{
        only_read(&all)
    });
    push("recovery-identity-missing", "somebody who made packages is not known", "unknown", &{
        all.but(|server| drop(server.identities.remove(0)))
    });
    vectors
}

/// Signed by the right keys, to the identity of other words.
fn to_other_words(server: &Server) -> Vec<u8> {
    let root = hazmat::hkdf_extract(b"sealroom/1 identity", &SEED);
    let seed = hazmat::derive(&root, "rotation", &1_u32.to_be_bytes(), 32).unwrap();
    let rotation = P256PrivateKey::from_pkcs8_der(&hazmat::det_keygen_p256_pkcs8(&seed).unwrap()).unwrap();
    let rng = &mut SeedRng::new(b"other words");
    let other = Root::from_bip39_seed(&[9; 64]).identity(Profile::P256, 1, rng).unwrap();
    let old = &server.me[0];
    let signing = P256PrivateKey::from_pkcs8_der(hazmat::identity_keys(old).unwrap()[1].expose()).unwrap();
    let made = UnsignedTransition::new(old.public(), other.public(), rotation.public_key()).unwrap();
    let made = made.sign(&signing, &rotation, rng).unwrap();
    assert!(old.public().follow(&made).is_ok());
    made.to_bytes().unwrap()
}

/// A package that follows nothing, by Bob, who is an admin.
fn another_history(server: &Server) -> Vec<u8> {
    let (bob, erin) = (&cast().bob, people().erin);
    let to = [bob.public(), erin.public(), server.me[0].public()];
    follows_nothing(&server.packages[0], &server.me[0], 1, bob, &to)
}

/// With the roster of an epoch 0.
fn follows_nothing(first: &[u8], me: &Identity, epoch: u64, author: &Identity, to: &[&PublicIdentity]) -> Vec<u8> {
    let mut parts = inside(first, &[me.reader()]);
    (parts.body.epoch, parts.body.previous, parts.previous) = (epoch, [7; 32], Some([7; 32]));
    let to: Vec<_> = to.iter().map(|who| who.recipient()).collect();
    let id = hazmat::sha256(&hazmat::sign_input(
        "room id",
        &[&parts.body.creator[..], &parts.body.nonce, &[parts.body.history]].concat(),
    ));
    let public_data = [&id[..16], &epoch.to_be_bytes()].concat();
    let envelope = Envelope::to(&to).signed_by(author.sender()).without_copy_for_me().public_data(&public_data);
    hazmat::seal_as(&envelope, ContentType::RoomEpoch, &parts.content(), &mut SeedRng::new(b"another history")).unwrap()
}

/// By a grant in the keyring.
fn by_grant(server: &Server, package: &[u8], reader: &Identity, author: &Identity) -> Vec<u8> {
    let epoch = epoch_value(&fingerprint(author), &inside(package, &[reader.reader()]));
    seal_as("granted", ContentType::Keyring, &part(9, 1, &[kept(&granted(&epoch))]).content(), &server.key(1)).0
}

/// A plain member's epoch after a gap begins no run, and is evidence beside what the keyring has.
fn granted_beside(server: &Server) -> Server {
    let rng = &mut SeedRng::new(b"granted beside");
    let (bob, dave, me) = (&cast().bob, people().dave, &server.me[1]);
    let members = [(dave.public(), Role::Member), (me.public(), Role::Member)];
    let first = Room::create(&bob.sender(), &members, HistoryPolicy::FromJoin, rng).unwrap();
    let to = [bob.public(), dave.public(), me.public()];
    let late = |epoch, author: &Identity| follows_nothing(&first, me, epoch, author, &to);
    server.but(|server| {
        server.segments = vec![by_grant(server, &first, me, bob)];
        server.packages = vec![first.clone(), late(2, &dave), late(4, bob)];
        server.identities = vec![bob.public().to_bytes(), dave.public().to_bytes()];
    })
}

/// Who was removed is added again; of the epoch before, they have a grant.
fn granted_named(server: &Server) -> Server {
    let rng = &mut SeedRng::new(b"granted named");
    let (bob, me) = (&cast().bob, &server.me[1]);
    let first = Room::create(&bob.sender(), &[(me.public(), Role::Member)], HistoryPolicy::Shared, rng).unwrap();
    let join = |who: &Identity, rng: &mut SeedRng| {
        Room::join(&first, bob.public(), &[who.reader()], rng).unwrap().finish().unwrap()
    };
    let (mine, mut bobs) = (join(me, rng), join(bob, rng));
    let people = [bob.public().clone(), me.public().clone()].to_vec();
    let mut next = |change: &dyn Fn(&Room) -> Result<Change, Error>| {
        let package = change(&bobs).unwrap().seal(&bob.sender(), &people, rng).unwrap();
        bobs.apply(&package, &[bob.reader()], &people, rng).unwrap();
        package
    };
    next(&|room| room.remove(&[*me.public().fingerprint()]));
    let refresh = next(&Room::refresh);
    let addition = next(&|room| room.add(&[(me.public(), Role::Member)]));
    let rng = &mut SeedRng::new(b"granted named, kept");
    let mut keyring = Keyring::new(rng).unwrap();
    keyring.know(bob.public()).unwrap();
    keyring.record(&mine).unwrap();
    let segment = keyring.part(&server.key(1), rng).unwrap();
    server.but(|server| {
        server.segments = vec![segment, by_grant(server, &refresh, bob, bob)];
        server.packages = vec![refresh, addition];
        server.identities = vec![];
    })
}

/// Of a room the keyring has the first epoch, which is the head, and the third, by which Dave is removed.
fn closed_gap(server: &Server) -> Server {
    let rng = &mut SeedRng::new(b"closed gap");
    let (bob, dave, me) = (&cast().bob, people().dave, &server.me[1]);
    let members = [(dave.public(), Role::Member), (me.public(), Role::Member)];
    let first = Room::create(&bob.sender(), &members, HistoryPolicy::FromJoin, rng).unwrap();
    let people = [bob.public().clone(), me.public().clone(), dave.public().clone()].to_vec();
    let mine = Room::join(&first, bob.public(), &[me.reader()], rng).unwrap().finish().unwrap();
    let mut bobs = Room::join(&first, bob.public(), &[bob.reader()], rng).unwrap().finish().unwrap();
    let mut next = |change: &dyn Fn(&Room) -> Result<Change, Error>| {
        let package = change(&bobs).unwrap().seal(&bob.sender(), &people, rng).unwrap();
        bobs.apply(&package, &[bob.reader()], &people, rng).unwrap();
        package
    };
    let refresh = next(&Room::refresh);
    let removal = next(&|room| room.remove(&[*dave.public().fingerprint()]));
    let last = next(&Room::refresh);
    let third = epoch_value(&fingerprint(bob), &inside(&removal, &[me.reader()]));
    in_keyring(server, &mine, &third, vec![refresh, removal, last])
}

/// A room as it was recorded, and one epoch more.
fn in_keyring(server: &Server, room: &Room, more: &Value, packages: Vec<Vec<u8>>) -> Server {
    let more = seal_as("one more", ContentType::Keyring, &part(9, 1, &[kept(more)]).content(), &server.key(1)).0;
    with_room(server, room, packages).but(|server| server.segments.push(more))
}

/// A room as it was recorded.
fn with_room(server: &Server, room: &Room, packages: Vec<Vec<u8>>) -> Server {
    let rng = &mut SeedRng::new(b"in a keyring");
    let mut keyring = Keyring::new(rng).unwrap();
    keyring.know(cast().bob.public()).unwrap();
    keyring.know(people().dave.public()).unwrap();
    keyring.record(room).unwrap();
    let segment = keyring.part(&server.key(1), rng).unwrap();
    server.but(|server| {
        server.segments = vec![segment];
        server.packages = packages;
        server.identities = vec![];
    })
}

/// The epoch after the head has come to the keyring as a recovery keeps it in a gap: by the rules of who begins a run.
///
/// `beside`: the epoch that follows the head is kept as well.
fn kept_to_be_read(server: &Server, beside: bool) -> Server {
    let rng = &mut SeedRng::new(b"kept to be read");
    let (bob, dave, me) = (&cast().bob, people().dave, &server.me[1]);
    let members = [(dave.public(), Role::Member), (me.public(), Role::Member)];
    let first = Room::create(&bob.sender(), &members, HistoryPolicy::FromJoin, rng).unwrap();
    let mine = Room::join(&first, bob.public(), &[me.reader()], rng).unwrap().finish().unwrap();
    let mut parts = inside(&first, &[me.reader()]);
    (parts.body.epoch, parts.body.previous) = (1, *mine.transcript().as_bytes());
    parts.body.roster.iter_mut().for_each(|(_, role)| *role = 2);
    let made_up = epoch_value(&fingerprint(&dave), &parts);
    let mut server = in_keyring(server, &mine, &made_up, vec![]);
    if beside {
        let people = [bob.public().clone(), me.public().clone(), dave.public().clone()].to_vec();
        let bobs = Room::join(&first, bob.public(), &[bob.reader()], rng).unwrap().finish().unwrap();
        let next = bobs.refresh().unwrap().seal(&bob.sender(), &people, rng).unwrap();
        let next = epoch_value(&fingerprint(bob), &inside(&next, &[me.reader()]));
        let kept = part(8, 1, &[kept(&next)]).content();
        server.segments.push(seal_as("the next", ContentType::Keyring, &kept, &server.key(1)).0);
    }
    server
}

type Step<'a> = &'a dyn Fn(&Room) -> Result<Change, Error>;

/// A room of Bob, an admin, Dave and the reader at its first epoch; what Bob makes of it by these changes, and Dave's refreshes
/// beside that.
fn beside_refreshes(server: &Server, label: &[u8], changes: &[Step<'_>]) -> (Room, [Vec<Vec<u8>>; 2]) {
    let rng = &mut SeedRng::new(label);
    let (bob, dave, me) = (&cast().bob, people().dave, &server.me[1]);
    let members = [(dave.public(), Role::Member), (me.public(), Role::Member)];
    let first = Room::create(&bob.sender(), &members, HistoryPolicy::FromJoin, rng).unwrap();
    let people = [bob.public().clone(), me.public().clone(), dave.public().clone(), people().erin.public().clone()];
    let mut makes = |who: &Identity, changes: &[Step<'_>]| {
        let mut room = Room::join(&first, bob.public(), &[who.reader()], rng).unwrap().finish().unwrap();
        let mut packages = vec![first.clone()];
        for change in changes {
            let package = change(&room).unwrap().seal(&who.sender(), &people.to_vec(), rng).unwrap();
            room.apply(&package, &[who.reader()], &people.to_vec(), rng).unwrap();
            packages.push(package);
        }
        packages
    };
    let (bobs, daves) = (makes(bob, changes), makes(&dave, &[&Room::refresh, &Room::refresh]));
    let mine = Room::join(&first, bob.public(), &[me.reader()], rng).unwrap().finish().unwrap();
    (mine, [bobs, daves])
}

/// Bob's first refresh is missing.
fn raced(server: &Server) -> Server {
    let (mine, [bobs, daves]) = beside_refreshes(server, b"raced", &[&Room::refresh, &Room::refresh]);
    with_room(server, &mine, vec![bobs[2].clone(), daves[1].clone(), daves[2].clone()])
}

/// The reader cannot open what removes them.
fn raced_addition(server: &Server) -> Server {
    let me = server.me[1].public();
    let (mine, [bobs, daves]) = beside_refreshes(
        server,
        b"raced addition",
        &[&|room| room.remove(&[*me.fingerprint()]), &|room| room.add(&[(me, Role::Member)])],
    );
    with_room(server, &mine, vec![bobs[1].clone(), bobs[2].clone(), daves[1].clone(), daves[2].clone()])
}

/// The keyring has the first epoch and the last of five, and the packages of two that follow each other between.
fn only_read(server: &Server) -> Server {
    let erin = people().erin;
    let (_, [bobs, _]) = beside_refreshes(
        server,
        b"only read",
        &[
            &Room::refresh,
            &Room::refresh,
            &|room| room.add(&[(erin.public(), Role::Member)]),
            &Room::refresh,
            &Room::refresh,
        ],
    );
    let (rng, me) = (&mut SeedRng::new(b"only read, kept"), server.me[1].reader());
    let people = [cast().bob.public().clone()].to_vec();
    let Ok(Info::RoomEpoch { room, .. }) = inspect(&bobs[0]) else { panic!() };
    let mine = Room::recover(&room, &[&bobs[0], &bobs[5]], &[me], &people, rng).unwrap().room;
    with_room(server, &mine, vec![bobs[2].clone(), bobs[3].clone()])
}

/// No epoch, and yet a reason to seal nothing. [ROOM-24]
fn behind(server: &Server) -> Server {
    let rng = &mut SeedRng::new(b"behind");
    let (bob, dave, me) = (&cast().bob, people().dave, &server.me[1]);
    let first = Room::create(&bob.sender(), &[(me.public(), Role::Member)], HistoryPolicy::FromJoin, rng).unwrap();
    let late = follows_nothing(&first, me, 5, bob, &[bob.public(), dave.public(), me.public()]);
    server.but(|server| {
        server.segments = vec![];
        server.packages = vec![first, late];
        server.identities = vec![bob.public().to_bytes()];
    })
}

/// Of a room the keyring has the first epoch. Erin, who is in no segment, removed Dave, who is in one.
fn removed_admin(server: &Server) -> Server {
    let rng = &mut SeedRng::new(b"removed admin");
    let (bob, dave, erin, me) = (&cast().bob, people().dave, people().erin, &server.me[1]);
    let to = [(dave.public(), Role::Admin), (erin.public(), Role::Admin), (me.public(), Role::Member)];
    let first = Room::create(&bob.sender(), &to, HistoryPolicy::FromJoin, rng).unwrap();
    let mut join = |who: &Identity| Room::join(&first, bob.public(), &[who.reader()], rng).unwrap().finish().unwrap();
    let (mine, erins) = (join(me), join(&erin));
    let everyone = [bob.public(), erin.public(), me.public()].map(PublicIdentity::clone).to_vec();
    let removal = erins.remove(&[*dave.public().fingerprint()]).unwrap().seal(&erin.sender(), &everyone, rng).unwrap();
    let made_up = follows_nothing(&first, me, 2, &dave, &[bob.public(), dave.public(), erin.public(), me.public()]);
    let mut keyring = Keyring::new(rng).unwrap();
    keyring.know(bob.public()).unwrap();
    keyring.know(dave.public()).unwrap();
    keyring.record(&mine).unwrap();
    let segment = keyring.part(&server.key(1), rng).unwrap();
    server.but(|server| {
        server.segments = vec![segment];
        server.packages = vec![removal, made_up];
        server.identities = vec![erin.public().to_bytes()];
    })
}
