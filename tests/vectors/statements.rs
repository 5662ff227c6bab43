//! Who leaves, who vouches for a head, and what is granted. SPEC §18.6 to §18.8.

use crate::hold::flags;
use crate::room_packages::Told;
use crate::rooms::{Body, class_of, directory, fingerprint, key_of, people, prefix, room_at, room_of, text};
use crate::samples::{SeedRng, cast, flipped, hex};
use sealroom::*;
use serde_json::{Value, json};

pub(crate) fn statements(told: &Told) -> Vec<Value> {
    let (bob, carol) = (&cast().bob, &cast().carol);
    let directory = directory(told);
    let mut vectors = Vec::new();
    let rng = &mut SeedRng::new(b"statements");

    // Carol leaves at epoch 2; the reader's branch goes on to epoch 4, and to 5, which removes her.
    let statement = room_at(&told.branch[2], carol).leave(&carol.sender(), rng).unwrap().to_bytes();
    let bobs_statement = room_at(&told.branch[2], bob).leave(&bob.sender(), rng).unwrap().to_bytes();
    let room_id = statement[7..23].to_vec();
    let mut push = |id: &str, comment: &str, statement: &[u8], epochs: &[Value], expected: (&str, Option<&str>)| {
        let room = room_of(epochs, bob);
        let checked = LeaveStatement::from_bytes(statement).and_then(|made| room.check_leave(&made, &directory));
        let mut vector = json!({"id": id, "comment": comment, "flags": flags(id, expected), "kind": "leave", "statement": hex(statement),
            "room_id": hex(&room_id), "since": epochs, "identities": told.identities, "result": expected.0});
        match checked {
            Ok(member) => {
                assert_eq!(expected.0, "ok", "{id}");
                vector["member"] = json!(hex(member.as_bytes()));
            }
            Err(error) => {
                assert_eq!(class_of(error), expected, "{id}");
                if let Some(check) = expected.1 {
                    vector["check"] = json!(check);
                }
            }
        }
        vectors.push(vector);
    };
    let no = ("room", Some("ROOM-21"));
    push("leave", "Carol wants to leave", &statement, &told.branch[1..5], ("ok", None));
    push("leave-p256", "Bob wants to leave", &bobs_statement, &told.branch[2..4], ("ok", None));
    push("leave-not-there", "she was removed since", &statement, &told.branch[1..6], no);
    push("leave-not-held", "of an epoch that is not on the branch", &statement, &told.branch[3..5], no);
    push(
        "leave-other-room",
        "another room",
        &signed_anew(&flipped(&bobs_statement, 7), "leave", bob),
        &told.branch[2..4],
        no,
    );
    push("leave-bit", "a bit of the signature", &flipped(&statement, 100), &told.branch[1..5], ("signature", None));
    push("leave-cut", "a byte is missing", &statement[..statement.len() - 1], &told.branch[1..5], ("malformed", None));
    push(
        "leave-long",
        "a byte is left over",
        &[&statement[..], &[0]].concat(),
        &told.branch[1..5],
        ("malformed", None),
    );
    push("leave-type", "another type", &flipped(&statement, 6), &told.branch[1..5], ("unsupported", None));
    let mut algorithm = bobs_statement.clone();
    algorithm[87] = 0;
    push("leave-algorithm", "the algorithm none", &algorithm, &told.branch[1..5], ("malformed", None));

    let epoch = &told.branch[4];
    let nonce = [0x5a; 32];
    let statement = room_at(epoch, bob).vouch(&nonce, &bob.sender(), rng).unwrap().to_bytes();
    let carols = room_at(epoch, carol).vouch(&nonce, &carol.sender(), rng).unwrap().to_bytes();
    let older = room_at(&told.branch[3], bob).vouch(&nonce, &bob.sender(), rng).unwrap().to_bytes();
    let mut push = |id: &str,
                    comment: &str,
                    statement: &[u8],
                    epoch: &Value,
                    nonce: &[u8; 32],
                    member: &Identity,
                    expected: (&str, Option<&str>)| {
        let me = people().erin;
        let mut room = room_at(epoch, &me);
        let confirmed =
            HeadStatement::from_bytes(statement).and_then(|made| room.confirm(&made, nonce, member.public()));
        let found = confirmed.map_or_else(class_of, |()| ("ok", None));
        assert_eq!(found, expected, "{id}");
        let mut vector = json!({"id": id, "comment": comment, "flags": flags(id, expected), "kind": "head", "statement": hex(statement),
            "epoch": epoch, "nonce": hex(nonce), "member": hex(&fingerprint(member)), "identities": told.identities,
            "result": expected.0});
        if let Some(check) = expected.1 {
            vector["check"] = json!(check);
        }
        vectors.push(vector);
    };
    let no = ("room", Some("ROOM-23"));
    push("head", "Bob vouches for the head", &statement, epoch, &nonce, bob, ("ok", None));
    push("head-rsa", "Carol does", &carols, epoch, &nonce, carol, ("ok", None));
    push("head-other-nonce", "over another nonce", &statement, epoch, &[1; 32], bob, no);
    push("head-older", "for an older head", &older, epoch, &nonce, bob, no);
    push("head-member", "not by whom the application named", &statement, epoch, &nonce, carol, ("signature", None));
    push("head-removed", "by somebody who is not in the head's roster", &carols, &told.branch[5], &nonce, carol, no);
    push("head-bit", "a bit of the signature", &flipped(&statement, 130), epoch, &nonce, bob, ("signature", None));
    let other_epoch = signed_anew(&flipped(&statement, 30), "head", bob);
    push("head-epoch", "another epoch's number", &other_epoch, epoch, &nonce, bob, no);
    push(
        "head-epoch-bit",
        "a bit of the epoch, not signed anew",
        &flipped(&statement, 30),
        epoch,
        &nonce,
        bob,
        ("signature", None),
    );
    push("head-cut", "a byte is missing", &statement[..191], epoch, &nonce, bob, ("malformed", None));
    push("head-type", "another type", &flipped(&statement, 6), epoch, &nonce, bob, ("unsupported", None));
    vectors
}

pub(crate) fn grants(told: &Told) -> Vec<Value> {
    let (alice, bob) = (&cast().alice, &cast().bob);
    let erin = people().erin;
    let mut vectors = Vec::new();
    // Erin came with epoch 2.
    let granter = room_of(&told.branch[..5], alice);
    let epoch = Epoch::new;
    let mut rng = SeedRng::new(b"grants");
    let rng = &mut rng;
    let grant = granter.grant_history(epoch(0)..=epoch(1), &[erin.public()], &alice.sender(), rng).unwrap();
    let one = granter.grant_history(epoch(1)..=epoch(1), &[erin.public()], &alice.sender(), rng).unwrap();
    let first = granter.grant_history(epoch(0)..=epoch(0), &[erin.public()], &alice.sender(), rng).unwrap();
    let mut push = |id: &str,
                    comment: &str,
                    grant: &[u8],
                    by: &Identity,
                    held: &Value,
                    expected: (&str, Option<&str>)| {
        let mut room = room_at(held, &erin);
        let taken = room.accept_grant(grant, by.public(), &[erin.reader()], &mut SeedRng::new(b""));
        let mut vector = json!({"id": id, "comment": comment, "flags": flags(id, expected), "kind": "grant", "grant": hex(grant),
            "key": key_of(&erin), "epoch": held, "granter": hex(&fingerprint(by)), "identities": told.identities,
            "result": expected.0});
        match taken {
            Ok(_) => {
                assert_eq!(expected.0, "ok", "{id}");
                let granted =
                    room.epochs().filter(|(number, ..)| *number < room.epoch()).map(|(number, transcript, _)| {
                        let keys = hazmat::epoch_keys(&room, transcript).unwrap();
                        let known = &told.branch[usize::try_from(number.number()).unwrap()];
                        json!({"signer": known["signer"], "body": known["body"], "commitment": known["commitment"],
                        "message_key": hex(&keys.message_key)})
                    });
                vector["epochs"] = granted.collect();
            }
            Err(error) => {
                assert_eq!(class_of(error), expected, "{id}");
                if let Some(check) = expected.1 {
                    vector["check"] = json!(check);
                }
            }
        }
        vectors.push(vector);
    };
    let no = ("room", Some("ROOM-25"));
    push("grant", "epochs 0 and 1 to who holds epoch 2", &grant, alice, &told.branch[2], ("ok", None));
    push("grant-one", "epoch 1 alone", &one, alice, &told.branch[2], ("ok", None));
    push("grant-gap", "epoch 0 to who holds epoch 2", &first, alice, &told.branch[2], no);
    push("grant-later", "epochs 0 and 1 to who holds epoch 3", &grant, alice, &told.branch[3], no);
    push("grant-other-granter", "not who was expected", &grant, bob, &told.branch[2], ("signature", None));
    push(
        "grant-bit",
        "a bit of the payload",
        &flipped(&grant, grant.len() - 200),
        alice,
        &told.branch[2],
        ("decrypt", None),
    );
    // Made by hand: by somebody who is not there, out of order, of another room, padded, with trailing bytes.
    let room_id = granter.id().as_bytes().to_vec();
    let granted = |at: usize| {
        let keys = hazmat::epoch_keys(&granter, &granter_transcript(&granter, at)).unwrap();
        let known = &told.branch[at];
        [text(known, "signer"), text(known, "body"), text(known, "commitment"), keys.message_key.to_vec()].concat()
    };
    let forge = |id: &str, by: &Identity, content: &[u8], padding, public_data: &[u8]| {
        let to = [erin.public().recipient()];
        let envelope = Envelope::to(&to).signed_by(by.sender()).padding(padding).public_data(public_data);
        hazmat::seal_as(&envelope, ContentType::HistoryGrant, content, &mut SeedRng::new(id.as_bytes())).unwrap()
    };
    let content = |id: &[u8], list: &[u8]| [id, &prefix(list.len()), list].concat();
    let good = content(&room_id, &[granted(0), granted(1)].concat());
    let none = Padding::None;
    let dave = people().dave;
    let outsider = &told.branch[5];
    assert!(!Body::decode(&text(outsider, "body")).0.roster.iter().any(|(who, _)| *who == fingerprint(&cast().carol)));
    let held = &told.branch[2];
    let by_carol = forge("carol", &cast().carol, &content(&room_id, &granted(4)), none, &room_id);
    push("grant-by-removed", "by somebody who is not in the head's roster", &by_carol, &cast().carol, outsider, no);
    let by_dave = forge("dave", &dave, &good, none, &room_id);
    push("grant-by-member", "by a plain member", &by_dave, &dave, held, ("ok", None));
    let swapped = content(&room_id, &[granted(1), granted(0)].concat());
    push("grant-order", "in descending order", &forge("order", alice, &swapped, none, &room_id), alice, held, no);
    let empty = content(&room_id, &[]);
    push("grant-empty", "no epochs", &forge("empty", alice, &empty, none, &room_id), alice, held, no);
    let trailing = [&good[..], &[0]].concat();
    push(
        "grant-trailing",
        "a byte is left over",
        &forge("trailing", alice, &trailing, none, &room_id),
        alice,
        held,
        no,
    );
    let other_room = content(&[1; 16], &[granted(0), granted(1)].concat());
    push("grant-room", "another room inside", &forge("room", alice, &other_room, none, &room_id), alice, held, no);
    let padded = forge("padded", alice, &good, Padding::Padme, &room_id);
    push("grant-padded", "padded", &padded, alice, held, ("malformed", None));
    let data = forge("public", alice, &good, none, &[1; 16]);
    push("grant-public-data", "another room outside", &data, alice, held, ("malformed", None));
    vectors
}

fn granter_transcript(room: &Room, at: usize) -> Transcript {
    *room.epochs().nth(at).unwrap().1
}

/// The statement of a P-256 member with a signature that fits what it says.
fn signed_anew(statement: &[u8], label: &'static str, by: &Identity) -> Vec<u8> {
    let body = &statement[..statement.len() - 64];
    let [_, signing] = hazmat::identity_keys(by).unwrap();
    let key = P256PrivateKey::from_pkcs8_der(signing.expose()).unwrap();
    let mut signature = [0; 64];
    let digest = hazmat::sha256(&hazmat::sign_input(label, &body[7..]));
    key.sign_digest(&digest, &mut signature, &mut SeedRng::new(b"")).unwrap();
    [body, &signature].concat()
}
