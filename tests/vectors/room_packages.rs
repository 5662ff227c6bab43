//! Packages: a story in which each kind of change happens, and one package for each rule that is broken.

use crate::rooms::{Body, Packages, Parts, People, View, fingerprint, inside, people};
use crate::samples::{SeedRng, cast, hex};
use sealroom::*;
use serde_json::{Value, json};

/// Makes packages that no honest writer makes.
struct Forge<'a> {
    recipients: Vec<Recipient<'a>>,
    sender: Option<Sender<'a>>,
    padding: Padding,
    decoys: usize,
    public_data: Option<Vec<u8>>,
    content_type: ContentType,
}

impl<'a> Forge<'a> {
    fn new(to: &[&'a Identity], sender: &'a Identity) -> Self {
        Self {
            recipients: to.iter().map(|identity| identity.public().recipient()).collect(),
            sender: Some(sender.sender()),
            padding: Padding::None,
            decoys: 0,
            public_data: None,
            content_type: ContentType::RoomEpoch,
        }
    }

    fn seal(&self, id: &str, body: &Body, content: &[u8]) -> Vec<u8> {
        let room_id = hazmat::sha256(&hazmat::sign_input("room id", &[&body.creator[..], &body.nonce].concat()));
        let public_data = [&room_id[..16], &body.epoch.to_be_bytes()].concat();
        let public_data = self.public_data.as_ref().unwrap_or(&public_data);
        let mut envelope =
            Envelope::to(&self.recipients).public_data(public_data).padding(self.padding).decoys(self.decoys);
        if let Some(sender) = self.sender {
            envelope = envelope.signed_by(sender).without_copy_for_me();
        }
        hazmat::seal_as(&envelope, self.content_type, content, &mut SeedRng::new(id.as_bytes())).unwrap()
    }
}

/// What the stories leave behind for the other kinds of vectors.
pub(crate) struct Told {
    pub(crate) vectors: Vec<Value>,
    /// The branch of the from-join room, ascending.
    pub(crate) branch: Vec<Value>,
    pub(crate) identities: Vec<Value>,
}

fn ascending(mut roster: Vec<([u8; 32], u8)>) -> Vec<([u8; 32], u8)> {
    roster.sort();
    roster
}

pub(crate) fn packages() -> Told {
    let cast = cast();
    let (alice, bob, carol) = (&cast.alice, &cast.bob, &cast.carol);
    let People { dave, erin, bob_1, dave_1, bobs_transition, daves_transition } = people();
    let everyone = [alice, bob, carol, &dave, &erin];
    let directory: Vec<PublicIdentity> = everyone.iter().map(|identity| identity.public().clone()).collect();
    let identities: Vec<Value> = directory.iter().map(|identity| json!(hex(&identity.to_bytes()))).collect();
    let mut made = Packages { vectors: Vec::new(), identities: identities.clone() };
    let mut rng = SeedRng::new(b"room story");
    let rng = &mut rng;

    // A room of Alice, Bob and Carol, whose keys are RSA.
    let others = [(bob.public(), Role::Admin), (carol.public(), Role::Member)];
    let created = Room::create(&alice.sender(), &others, HistoryPolicy::FromJoin, rng).unwrap();
    let join = |reader, inviter| View { reader, parent: Value::Null, inviter };
    let epoch_0 = made.valid("create-alice", "epoch 0, as its creator", &created, &join(alice, alice));
    made.valid("create-bob", "epoch 0, as a reader by P-256", &created, &join(bob, alice));
    made.valid("create-carol", "epoch 0, as a reader by RSA", &created, &join(carol, alice));
    let mut room = Room::join(&created, alice.public(), &[alice.reader()], rng).unwrap().finish().unwrap();
    let mut branch = vec![epoch_0.clone()];
    let view = |parent: &Value, reader| View { reader, parent: parent.clone(), inviter: alice };

    let mut step =
        |made: &mut Packages, room: &mut Room, id: &str, comment: &str, change: Change, by: &Identity, reader| {
            let package = change.seal(&by.sender(), &directory, &mut SeedRng::new(id.as_bytes())).unwrap();
            let epoch = made.valid(id, comment, &package, &view(branch.last().unwrap(), reader));
            let readers = [alice.reader(), bob.reader()];
            room.apply(&package, &readers, &directory, &mut SeedRng::new(b"")).unwrap();
            branch.push(epoch);
            package
        };
    let change = room.add(&[(dave.public(), Role::Member)]).unwrap();
    let added =
        step(&mut made, &mut room, "add-dave", "by the parent's epoch_kek, as one who was there", change, alice, bob);
    made.valid("add-dave-joined", "the same package, as the newcomer", &added, &join(&dave, alice));
    let change = room.add(&[(erin.public(), Role::Member)]).unwrap();
    step(&mut made, &mut room, "add-erin", "a second addition in a row", change, alice, carol);
    let change = room.promote(dave.public().fingerprint()).unwrap();
    step(&mut made, &mut room, "promote-dave", "an admin more", change, alice, &dave);
    let change = room.demote(dave.public().fingerprint()).unwrap();
    step(&mut made, &mut room, "demote-dave", "an admin less", change, alice, &erin);
    let change = room.remove(&[*carol.public().fingerprint()]).unwrap();
    step(&mut made, &mut room, "remove-carol", "wrapped to all who stay", change, alice, bob);
    let change = room.replace(&daves_transition).unwrap();
    step(&mut made, &mut room, "replace-dave", "an admin replaces a member's fingerprint", change, alice, bob);
    let epochs_so_far = branch.clone();
    let head = epochs_so_far.last().unwrap();
    let refreshed = {
        let mut erins = hazmat::room_of_state(&crate::rooms::state_of(head, &fingerprint(&erin))).unwrap();
        let directory: Vec<_> = directory.iter().chain([dave_1.public()]).cloned().collect();
        let package = erins.refresh().unwrap().seal(&erin.sender(), &directory, &mut SeedRng::new(b"refresh")).unwrap();
        erins.apply(&package, &[erin.reader()], &directory, &mut SeedRng::new(b"")).unwrap();
        made.valid("refresh-erin", "a plain member's refresh: it is yielding", &package, &view(head, alice));
        let package = erins.leave(&erin.sender(), &mut SeedRng::new(b"")).unwrap().to_bytes();
        assert!(LeaveStatement::from_bytes(&package).is_ok());
        inside(&made_package(&made), &[alice.reader()])
    };
    assert_eq!(refreshed.body.roster.len(), 4);
    {
        let mut bobs = hazmat::room_of_state(&crate::rooms::state_of(head, &fingerprint(bob))).unwrap();
        let directory: Vec<_> = directory.iter().chain([dave_1.public()]).cloned().collect();
        let change = bobs.replace(&bobs_transition).unwrap();
        let package = change.seal(&bob_1.sender(), &directory, &mut SeedRng::new(b"replace-bob")).unwrap();
        bobs.apply(&package, &[bob_1.reader()], &directory, &mut SeedRng::new(b"")).unwrap();
        made.valid("replace-bob-himself", "an admin's own new identity: not yielding", &package, &view(head, alice));
    }

    // A room that shares its past.
    let created = Room::create(&bob.sender(), &[(alice.public(), Role::Member)], HistoryPolicy::Shared, rng).unwrap();
    let first = made.valid("shared-create", "epoch 0 of a room that shares its past", &created, &join(alice, bob));
    let mut shared = Room::join(&created, bob.public(), &[bob.reader()], rng).unwrap().finish().unwrap();
    let package = shared.add(&[(erin.public(), Role::Member)]).unwrap().seal(&bob.sender(), &directory, rng).unwrap();
    shared.apply(&package, &[bob.reader()], &directory, rng).unwrap();
    let second =
        made.valid("shared-add", "an addition that names the secret before it", &package, &view(&first, alice));
    made.valid(
        "shared-add-joined",
        "the same package, as the newcomer, before it goes back",
        &package,
        &join(&erin, bob),
    );
    let mut named = made.vectors[made.vectors.len() - 2].clone();
    named["id"] = json!("shared-add-by-secret");
    named["comment"] = json!("the same package, opened with its secret as a later package would name it");
    (named["key"], named["secret"]) = (Value::Null, second["secret"].clone());
    crate::rooms::read_package(&named).unwrap();
    made.vectors.push(named);

    let first = created_parts(&made, alice);
    rejects(&mut made, &first, &epoch_0, &dave, &erin, (&bob_1, &bobs_transition));
    Told { vectors: made.vectors, branch, identities }
}

/// The package of the last vector.
fn made_package(made: &Packages) -> Vec<u8> {
    crate::samples::unhex(made.vectors.last().unwrap()["package"].as_str().unwrap())
}

/// The parts of the first vector's package.
fn created_parts(made: &Packages, alice: &Identity) -> Parts {
    inside(&crate::samples::unhex(made.vectors[0]["package"].as_str().unwrap()), &[alice.reader()])
}

/// One fault each, against epoch 0 of the first room: Alice and Bob are admins, Carol is a member.
fn rejects(
    made: &mut Packages,
    first: &Parts,
    epoch_0: &Value,
    dave: &Identity,
    erin: &Identity,
    (bob_1, bobs_transition): (&Identity, &Transition),
) {
    let cast = cast();
    let (alice, bob, carol) = (&cast.alice, &cast.bob, &cast.carol);
    let (_, transcript) = crate::rooms::keys_of(epoch_0);
    // A refresh: what every other one is made from.
    let next = Parts {
        body: Body { epoch: 1, previous: transcript, ..first.body.clone() },
        previous: Some(first.secret),
        transition: vec![],
        secret: [0; 32],
        commitment: [0; 32],
    };
    let three = [alice, bob, carol];
    let bobs = View { reader: bob, parent: epoch_0.clone(), inviter: alice };
    let refresh = |sender| Forge::new(&three, sender);
    let room = |check| ("room", Some(check));
    let roster =
        |people: &[(&Identity, u8)]| ascending(people.iter().map(|(who, role)| (fingerprint(who), *role)).collect());
    let all = [(alice, 2), (bob, 2), (carol, 1)];
    let with_dave = roster(&[all[0], all[1], all[2], (dave, 1)]);

    let mut forged = |id: &str, comment: &str, flag: &str, forge: &Forge<'_>, parts: &Parts, expected| {
        let package = forge.seal(id, &parts.body, &parts.content());
        made.refused((id, comment, flag), &package, &bobs, expected);
    };
    let body = |body: Body| Parts { body, ..next.clone() };

    // The form of the envelope. [ROOM-01]
    let unsigned = Forge { sender: None, ..refresh(alice) };
    forged("unsigned", "nobody signed", "ROOM-01", &unsigned, &next, ("malformed", None));
    let padded = Forge { padding: Padding::Padme, ..refresh(alice) };
    forged("padded", "padding length_prefixed", "ROOM-01", &padded, &next, ("malformed", None));
    let short = Forge { public_data: Some(vec![0; 23]), ..refresh(alice) };
    forged(
        "public-data-short",
        "a byte is missing from the public data",
        "ROOM-01",
        &short,
        &next,
        ("malformed", None),
    );
    let long = Forge { public_data: Some(vec![0; 25]), ..refresh(alice) };
    forged("public-data-long", "a byte more of public data", "ROOM-01", &long, &next, ("malformed", None));
    for (id, content_type) in [
        ("type-message", ContentType::Message),
        ("type-grant", ContentType::HistoryGrant),
        ("type-state", ContentType::RoomState),
    ] {
        let forge = Forge { content_type, ..refresh(alice) };
        forged(id, "an envelope of another type", "OBJ-03", &forge, &next, ("unsupported", None));
    }

    // The form of the content. [ROOM-02]
    let mut raw = |id: &str, comment: &str, content: Vec<u8>| {
        let package = refresh(alice).seal(id, &next.body, &content);
        made.refused((id, comment, "ROOM-02"), &package, &bobs, room("ROOM-02"));
    };
    let good = next.content();
    let mut reversed = next.clone();
    reversed.body.roster.reverse();
    raw("roster-unsorted", "the roster in descending order", reversed.content());
    let mut twice = next.clone();
    twice.body.roster.insert(0, twice.body.roster[0]);
    raw("roster-twice", "a member stands twice", twice.content());
    let mut powerless = next.clone();
    powerless.body.roster.iter_mut().for_each(|(_, role)| *role = 1);
    raw("roster-no-admin", "a roster without an admin", powerless.content());
    let mut role = next.clone();
    role.body.roster[0].1 = 3;
    raw("role-unknown", "a role 3", role.content());
    raw(
        "policy-unknown",
        "a history policy 3",
        Parts { body: Body { history: 3, ..next.body.clone() }, ..next.clone() }.content(),
    );
    raw("payload-trailing", "a byte is left over", [&good[..], &[0]].concat());
    raw("payload-cut", "a byte is missing", good[..good.len() - 1].to_vec());
    let mut presence = good.clone();
    presence[next.body.encode().len()] = 2;
    raw("presence-unknown", "has_previous is 2", presence);
    let empty = Parts { body: Body { roster: vec![], ..next.body.clone() }, ..next.clone() };
    raw("roster-empty", "nobody in the roster", empty.content());

    let mut forged = |id: &str, comment: &str, flag: &str, forge: &Forge<'_>, parts: &Parts, expected| {
        let package = forge.seal(id, &parts.body, &parts.content());
        made.refused((id, comment, flag), &package, &bobs, expected);
    };
    // [ROOM-03]
    let room_id =
        hazmat::sha256(&hazmat::sign_input("room id", &[&first.body.creator[..], &first.body.nonce].concat()));
    let other_epoch = Forge { public_data: Some([&room_id[..16], &2_u64.to_be_bytes()].concat()), ..refresh(alice) };
    forged("public-data-other-epoch", "the public data name epoch 2", "ROOM-03", &other_epoch, &next, room("ROOM-03"));
    let other_nonce = Body { nonce: [9; 16], ..next.body.clone() };
    let same_id = Forge { public_data: Some([&room_id[..16], &1_u64.to_be_bytes()].concat()), ..refresh(alice) };
    forged("creation-nonce-other", "another creation nonce", "ROOM-03", &same_id, &body(other_nonce), room("ROOM-03"));

    // [ROOM-08]
    let policy = body(Body { history: 2, ..next.body.clone() });
    forged("policy-changed", "the history policy is another", "ROOM-08", &refresh(alice), &policy, room("ROOM-08"));
    let previous = body(Body { previous: [9; 32], ..next.body.clone() });
    forged(
        "previous-transcript-other",
        "no such parent, by a plain member",
        "ROOM-08",
        &refresh(carol),
        &previous,
        room("ROOM-08"),
    );

    // [ROOM-09]
    let added = body(Body { roster: with_dave.clone(), ..next.body.clone() });
    let to_four = |sender| Forge::new(&[alice, bob, carol, dave], sender);
    let no_previous = |parts: &Parts| Parts { previous: None, ..parts.clone() };
    forged(
        "member-adds",
        "a plain member adds somebody",
        "ROOM-09",
        &to_four(carol),
        &no_previous(&added),
        room("ROOM-09"),
    );
    let removed = body(Body { roster: roster(&[all[1], all[2]]), ..next.body.clone() });
    let to_two = Forge::new(&[bob, carol], carol);
    forged("member-removes", "a plain member removes an admin", "ROOM-09", &to_two, &removed, room("ROOM-09"));
    let promoted = body(Body { roster: roster(&[all[0], all[1], (carol, 2)]), ..next.body.clone() });
    forged("member-promotes", "a plain member promotes itself", "ROOM-09", &refresh(carol), &promoted, room("ROOM-09"));
    forged("stranger-refreshes", "a stranger refreshes", "ROOM-09", &refresh(erin), &next, room("ROOM-09"));
    let demoted = body(Body { roster: roster(&[(alice, 1), all[1], all[2]]), ..next.body.clone() });
    forged("admin-demotes-itself", "an admin demotes itself", "ROOM-09", &refresh(alice), &demoted, room("ROOM-09"));
    let gone = body(Body { roster: roster(&[all[1], all[2]]), ..next.body.clone() });
    let from_outside = Forge::new(&[bob, carol], alice);
    forged("admin-removes-itself", "an admin removes itself", "ROOM-09", &from_outside, &gone, room("ROOM-09"));

    // [ROOM-10]
    let kek_of = |secret: &[u8; 32], transcript: &[u8; 32]| {
        let kek = hazmat::derive(secret, "epoch wrap", transcript, 32).unwrap();
        SymmetricKey::take(&mut kek.try_into().unwrap())
    };
    let kek = kek_of(&first.secret, &transcript);
    let other_kek = SymmetricKey::take(&mut [5; 32]);
    let by_kek = |to: &[&'static Identity], kek| {
        let mut forge = Forge::new(to, alice);
        forge.recipients.push(Recipient::symmetric(kek));
        forge
    };
    let adds = |roster: &[([u8; 32], u8)], adds: u8| {
        no_previous(&body(Body { roster: roster.to_vec(), adds, ..next.body.clone() }))
    };
    let dave: &'static Identity = Box::leak(Box::new(dave.clone()));
    let to_dave = |kek| by_kek(&[dave], kek);
    forged(
        "adds-wrong-number",
        "the second addition after none",
        "ROOM-10",
        &to_dave(&kek),
        &adds(&with_dave, 2),
        room("ROOM-10"),
    );
    forged(
        "adds-zero-with-kek",
        "a symmetric stanza and no addition",
        "ROOM-10",
        &to_dave(&kek),
        &adds(&with_dave, 0),
        room("ROOM-10"),
    );
    forged(
        "adds-without-kek",
        "an addition without a symmetric stanza",
        "ROOM-10",
        &to_four(alice),
        &adds(&with_dave, 1),
        room("ROOM-10"),
    );
    let mut two_keks = by_kek(&[dave], &kek);
    two_keks.recipients.push(Recipient::symmetric(&other_kek));
    forged("adds-two-keks", "two symmetric stanzas", "ROOM-10", &two_keks, &adds(&with_dave, 1), room("ROOM-10"));
    let mut bob_too = by_kek(&[bob, dave], &other_kek);
    forged(
        "adds-other-kek",
        "a symmetric stanza under another key",
        "ROOM-10",
        &bob_too,
        &adds(&with_dave, 1),
        room("ROOM-10"),
    );
    bob_too = to_dave(&kek);
    let swapped = roster(&[all[0], all[1], (dave, 1)]);
    forged(
        "adds-and-removes",
        "somebody is removed in an addition",
        "ROOM-10",
        &bob_too,
        &adds(&swapped, 1),
        room("ROOM-10"),
    );
    let roles = roster(&[all[0], all[1], (carol, 2), (dave, 1)]);
    forged(
        "adds-and-promotes",
        "somebody is promoted in an addition",
        "ROOM-10",
        &bob_too,
        &adds(&roles, 1),
        room("ROOM-10"),
    );

    // [ROOM-11]
    let extra = Forge::new(&[alice, bob, carol, erin], alice);
    forged(
        "entry-more",
        "also wrapped to somebody who is not in the roster",
        "ROOM-11",
        &extra,
        &next,
        room("ROOM-11"),
    );
    let decoy = Forge { decoys: 1, ..refresh(alice) };
    forged("decoy", "an entry that nobody opens", "ROOM-11", &decoy, &next, room("ROOM-11"));
    let fewer = Forge::new(&[alice, bob], alice);
    forged("entry-fewer", "not wrapped to Carol", "ROOM-11", &fewer, &next, room("ROOM-11"));
    let both = by_kek(&[bob, dave], &kek);
    forged(
        "adds-entry-more",
        "an addition that is also wrapped to Bob",
        "ROOM-11",
        &both,
        &adds(&with_dave, 1),
        room("ROOM-11"),
    );

    // [ROOM-12] [ROOM-13]
    forged(
        "previous-missing",
        "a refresh without the previous secret",
        "ROOM-12",
        &refresh(alice),
        &no_previous(&next),
        room("ROOM-12"),
    );
    let told = Parts { previous: Some(first.secret), ..adds(&with_dave, 1) };
    forged(
        "previous-told",
        "a newcomer is given the previous secret under from_join",
        "ROOM-12",
        &to_dave(&kek),
        &told,
        room("ROOM-12"),
    );
    let wrong = Parts { previous: Some([9; 32]), ..next.clone() };
    forged("previous-other", "another previous secret", "ROOM-13", &refresh(alice), &wrong, room("ROOM-13"));

    // [ROOM-14]
    let transition = bobs_transition.to_bytes().unwrap();
    let bob_1: &'static Identity = Box::leak(Box::new(bob_1.clone()));
    let replaced = roster(&[all[0], (bob_1, 2), all[2]]);
    let replacing = |roster: Vec<([u8; 32], u8)>| Parts {
        transition: transition.clone(),
        ..no_previous(&body(Body { roster, ..next.body.clone() }))
    };
    let from_bob_1 = Forge::new(&[alice, bob, carol], bob_1);
    forged(
        "transition-changes-nothing",
        "a transition, and the old roster",
        "ROOM-14",
        &from_bob_1,
        &replacing(next.body.roster.clone()),
        room("ROOM-14"),
    );
    let demoting = roster(&[all[0], (bob_1, 1), all[2]]);
    forged(
        "transition-demotes",
        "a transition that changes the role",
        "ROOM-14",
        &from_bob_1,
        &replacing(demoting),
        room("ROOM-14"),
    );
    let more = roster(&[all[0], (bob_1, 2), all[2], (dave, 1)]);
    forged(
        "transition-adds",
        "a transition, and somebody more",
        "ROOM-14",
        &Forge::new(&[alice, bob, carol, dave], bob_1),
        &replacing(more),
        room("ROOM-14"),
    );
    let mut parts = replacing(replaced.clone());
    let last = parts.transition.len() - 1;
    parts.transition[last] ^= 1;
    forged(
        "transition-bad",
        "the rotation key's signature is wrong",
        "ROOM-14",
        &from_bob_1,
        &parts,
        ("signature", None),
    );
    let from_erin = Forge::new(&[alice, bob, carol], erin);
    forged(
        "transition-by-another",
        "a stranger brings Bob's transition",
        "ROOM-09",
        &from_erin,
        &replacing(replaced),
        room("ROOM-09"),
    );

    // Epoch 0 and joins. [ROOM-04] [ROOM-15] [ROOM-12]
    let joins = View { reader: bob, parent: Value::Null, inviter: alice };
    let mut joined =
        |id: &str, comment: &str, flag: &str, forge: &Forge<'_>, parts: &Parts, inviter: &Identity, expected| {
            let package = forge.seal(id, &parts.body, &parts.content());
            let view = View { inviter, ..joins.clone() };
            made.refused((id, comment, flag), &package, &view, expected);
        };
    let zero = |change: &dyn Fn(&mut Parts)| {
        let mut parts = first.clone();
        change(&mut parts);
        parts
    };
    let forge = refresh(alice);
    let none = room("ROOM-04");
    joined("zero-adds", "epoch 0 with additions", "ROOM-04", &forge, &zero(&|parts| parts.body.adds = 1), alice, none);
    joined(
        "zero-previous",
        "epoch 0 with a transcript before it",
        "ROOM-04",
        &forge,
        &zero(&|parts| parts.body.previous = [1; 32]),
        alice,
        none,
    );
    joined(
        "zero-secret",
        "epoch 0 with a previous secret",
        "ROOM-04",
        &forge,
        &zero(&|parts| parts.previous = Some([1; 32])),
        alice,
        none,
    );
    joined(
        "zero-other-signer",
        "epoch 0 that the creator did not sign",
        "ROOM-04",
        &refresh(bob),
        &zero(&|_| ()),
        bob,
        none,
    );
    let plain = roster(&[(alice, 1), all[1], all[2]]);
    joined(
        "zero-plain-creator",
        "the creator is no admin",
        "ROOM-04",
        &forge,
        &zero(&|parts| parts.body.roster = plain.clone()),
        alice,
        none,
    );
    joined(
        "zero-entry-more",
        "epoch 0, also wrapped to a stranger",
        "ROOM-11",
        &extra,
        &zero(&|_| ()),
        alice,
        room("ROOM-11"),
    );
    joined("join-other-inviter", "not who was expected", "ROOM-15", &forge, &zero(&|_| ()), bob, ("signature", None));
    joined(
        "join-by-a-member",
        "a plain member invites",
        "ROOM-15",
        &refresh(carol),
        &no_previous(&next),
        carol,
        room("ROOM-15"),
    );
    joined(
        "join-not-in-roster",
        "wrapped to Bob, and Dave in the roster",
        "ROOM-15",
        &forge,
        &no_previous(&body(Body { roster: roster(&[all[0], (dave, 1), all[2]]), ..next.body.clone() })),
        alice,
        room("ROOM-15"),
    );
    joined(
        "join-told-previous",
        "a newcomer is given the past under from_join",
        "ROOM-12",
        &forge,
        &next,
        alice,
        room("ROOM-12"),
    );
    let untold = no_previous(&body(Body { history: 2, ..next.body.clone() }));
    joined(
        "join-shared-untold",
        "a newcomer is not given the past under shared",
        "ROOM-12",
        &forge,
        &untold,
        alice,
        room("ROOM-12"),
    );
    let with_transition = replacing(next.body.roster.clone());
    joined(
        "join-transition",
        "a newcomer by a transition",
        "ROOM-12",
        &forge,
        &with_transition,
        alice,
        room("ROOM-12"),
    );
    joined(
        "join-65",
        "the 65th addition in a row",
        "ROOM-10",
        &by_kek(&[bob], &other_kek),
        &adds(&with_dave, 65),
        alice,
        room("ROOM-10"),
    );

    // Nothing opens it.
    let package = Forge::new(&[alice, carol], alice).seal("not-for-bob", &next.body, &next.content());
    made.refused(("not-for-bob", "no entry for the reader", "decrypt"), &package, &bobs, ("decrypt", None));
}
