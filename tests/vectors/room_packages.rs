//! Packages: a story in which each kind of change happens, and one package for each rule that is broken.

use crate::rooms::{Packages, Parts, People, View, fingerprint, inside, people};
use crate::samples::{SeedRng, cast, hex};
use sealroom::*;
use serde_json::{Value, json};
use std::sync::OnceLock;

/// What the stories leave behind for the other kinds of vectors.
pub(crate) struct Told {
    pub(crate) vectors: Vec<Value>,
    /// The branch of the from-join room, ascending.
    pub(crate) branch: Vec<Value>,
    pub(crate) identities: Vec<Value>,
}

/// The stories, told once.
pub(crate) fn told() -> &'static Told {
    static TOLD: OnceLock<Told> = OnceLock::new();
    TOLD.get_or_init(packages)
}

fn packages() -> Told {
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
    crate::package_rejects::rejects(&mut made, &first, &epoch_0, &dave, &erin, (&bob_1, &bobs_transition));
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
