//! Messages, statements, grants, states, settling and replays.

use crate::room_packages::Told;
use crate::rooms::{Body, class_of, fingerprint, key_of, keys_of, people, prefix, state_of};
use crate::samples::{SeedRng, cast, flipped, hex, unhex};
use sealroom::*;
use serde_json::{Value, json};

/// Id, comment, content, associated data, padding.
type MessageCase<'a> = (&'a str, &'a str, &'a [u8], &'a [u8], Padding);
/// Id, comment, epochs, the one that is recommended.
type SettleCase<'a> = (&'a str, &'a str, Vec<&'a Value>, &'a Value);
/// Id, comment, messages as device, sequence, id.
type ReplayCase<'a> = (&'a str, &'a str, Vec<(u8, u64, u8)>);

/// The people who are in the epochs here.
fn directory(told: &Told) -> Vec<PublicIdentity> {
    let decode = |text: &Value| PublicIdentity::from_bytes(&unhex(text.as_str().unwrap())).unwrap();
    told.identities.iter().map(decode).collect()
}

fn text(value: &Value, name: &str) -> Vec<u8> {
    unhex(value[name].as_str().unwrap())
}

/// A room of one member at one epoch.
fn room_at(epoch: &Value, me: &Identity) -> Room {
    hazmat::room_of_state(&state_of(epoch, &fingerprint(me))).unwrap()
}

pub(crate) fn others(told: &Told) -> Vec<Value> {
    let mut vectors = messages(told);
    vectors.extend(statements(told));
    vectors.extend(grants(told));
    vectors.extend(states(told));
    vectors.extend(settling(told));
    vectors.extend(replays());
    vectors
}

fn messages(told: &Told) -> Vec<Value> {
    let (alice, carol) = (&cast().alice, &cast().carol);
    let directory = directory(told);
    let mut vectors = Vec::new();
    // Epoch 1: Dave was added, Carol is still there.
    let epoch = &told.branch[1];
    let mut push = |id: &str, comment: &str, flag: &str, message: &[u8], aad: &[u8], expected: &str, more: Value| {
        let mut reader = room_at(epoch, &cast().bob);
        let before = hazmat::room_state(&reader);
        let mut vector = json!({"id": id, "comment": comment, "flags": [flag], "kind": "message", "message": hex(message),
            "aad": hex(aad), "epoch": epoch, "identities": told.identities, "result": expected});
        match reader.open(message, aad, &directory) {
            Ok(opened) => {
                assert_eq!(expected, "ok", "{id}");
                let fields = vector.as_object_mut().unwrap();
                fields.insert("sender".into(), json!(hex(opened.sender().as_bytes())));
                fields.insert("device".into(), json!(hex(opened.device().as_bytes())));
                fields.insert("sequence".into(), json!(opened.sequence()));
                fields.insert("content".into(), json!(hex(opened.content())));
                fields.insert("message_id".into(), json!(hex(opened.id().as_bytes())));
                fields.extend(more.as_object().unwrap().clone());
            }
            Err(error) => {
                assert_eq!((class_of(error).0, hazmat::room_state(&reader)), (expected, before), "{id}");
            }
        }
        vectors.push(vector);
    };
    let long: Vec<u8> = (0..20_000_u32).map(|n| n as u8).collect();
    let cases: [MessageCase<'_>; 7] = [
        ("message", "a short message", b"Hello.", b"", Padding::None),
        ("message-empty", "no content", b"", b"", Padding::None),
        ("message-aad", "with associated data", b"Hello.", b"thread 7", Padding::None),
        ("message-64", "a length of two bytes", &long[..64], b"", Padding::None),
        ("message-16384", "a length of four bytes", &long[..16_384], b"", Padding::None),
        ("message-padded", "padded", &long[..1000], b"", Padding::Padme),
        ("message-padded-empty", "no content, padded", b"", &long[..70], Padding::Padme),
    ];
    let [_, signing] = hazmat::identity_keys(alice).unwrap();
    for (id, comment, content, aad, padding) in cases {
        let mut room = room_at(epoch, alice);
        let mut rng = SeedRng::new(id.as_bytes());
        let draft = Draft::new(content).associated_data(aad).padding(padding);
        let message = room.seal(&draft, &alice.sender(), &mut rng).unwrap();
        assert_eq!(rng.drawn.len(), 32, "{id}");
        let padding = if padding == Padding::Padme { "padme" } else { "none" };
        let again = json!({"pkcs8": hex(signing.expose()), "random": hex(&rng.drawn), "padding": padding});
        push(id, comment, "valid", &message, aad, "ok", again);
    }
    let none = json!({});
    let mut carols = room_at(epoch, carol);
    let by_rsa = carols.seal(&Draft::new(b"By RSA."), &carol.sender(), &mut SeedRng::new(b"rsa")).unwrap();
    push("message-rsa", "signed with RSASSA-PSS", "valid", &by_rsa, b"", "ok", none.clone());

    let mut alices = room_at(epoch, alice);
    let draft = Draft::new(b"Hello.").associated_data(b"here");
    let good = alices.seal(&draft, &alice.sender(), &mut SeedRng::new(b"good")).unwrap();
    let mut bad = |id: &str, comment: &str, flag: &str, message: &[u8], aad: &[u8], expected: &str| {
        push(id, comment, flag, message, aad, expected, none.clone());
    };
    bad("message-aad-other", "other associated data", "aad", &good, b"there", "decrypt");
    bad("message-aad-none", "associated data left out", "aad", &good, b"", "decrypt");
    for (id, at, expected) in [
        ("message-magic", 0, "malformed"),
        ("message-suite", 5, "unsupported"),
        ("message-type", 6, "unsupported"),
        ("message-room", 7, "malformed"),
        ("message-epoch", 30, "unknown"),
        ("message-tag", 31, "unknown"),
        ("message-salt", 39, "decrypt"),
        ("message-sealed", 63, "decrypt"),
        ("message-gcm-tag", good.len() - 1, "decrypt"),
    ] {
        bad(id, "one bit changed", "bit", &flipped(&good, at), b"here", expected);
    }
    bad("message-cut", "a byte is missing", "truncated", &good[..good.len() - 1], b"here", "decrypt");
    bad("message-short", "shorter than any message", "RMSG-02", &good[..101], b"here", "malformed");
    bad("message-long", "a byte is left over", "trailing", &[&good[..], &[0]].concat(), b"here", "decrypt");

    // By hand: an insider, who knows the message key.
    let (key, _) = keys_of(epoch);
    let seal = |plain: &[u8]| {
        let header = [&good[..39], &[5; 24]].concat();
        let message_key = hazmat::derive(&key, "message", &[5; 24], 32).unwrap().try_into().unwrap();
        let aad = [&header[..], &hazmat::sha256(b"")].concat();
        let sealed = hazmat::aes_256_gcm_seal(&message_key, &[0; 12], &aad, plain).unwrap();
        [header, sealed].concat()
    };
    let mut alices = room_at(epoch, alice);
    let known = alices.seal(&Draft::new(b"Hello."), &alice.sender(), &mut SeedRng::new(b"known")).unwrap();
    let message_key = hazmat::derive(&key, "message", &known[39..63], 32).unwrap().try_into().unwrap();
    let aad = [&known[..63], &hazmat::sha256(b"")].concat();
    let plain = hazmat::aes_256_gcm_open(&message_key, &[0; 12], &aad, &known[63..]).unwrap();
    let with = |at: usize, byte: u8| {
        let mut plain = plain.clone();
        plain[at] = byte;
        seal(&plain)
    };
    push(
        "message-again",
        "the same message, encrypted again: the same id",
        "valid",
        &seal(&plain),
        b"",
        "ok",
        none.clone(),
    );
    let mut bad = |id: &str, comment: &str, flag: &str, message: &[u8], expected: &str| {
        push(id, comment, flag, message, b"", expected, none.clone());
    };
    bad("message-place", "a sender's place that is not in the roster", "RMSG-03", &with(3, 4), "decrypt");
    let other = if plain[3] == 0 { 1 } else { 0 };
    bad("message-as-another", "an insider puts another's place", "RMSG-05", &with(3, other), "signature");
    bad("message-device", "an insider changes the device", "RMSG-05", &with(4, !plain[4]), "signature");
    bad("message-sequence", "an insider changes the sequence", "RMSG-05", &with(19, 9), "signature");
    bad("message-content", "an insider changes the content", "RMSG-05", &with(plain.len() - 1, b'!'), "signature");
    bad(
        "message-padding",
        "a padding byte that is not zero",
        "RMSG-03",
        &seal(&[&plain[..], &[0, 1]].concat()),
        "decrypt",
    );
    let unsigned = [&plain[..20], &[0], &plain[86..]].concat();
    bad("message-unsigned", "an empty signature", "RMSG-03", &seal(&unsigned), "decrypt");
    let short = [&plain[..20], &[0x40, 63], &plain[22..85], &plain[86..]].concat();
    bad(
        "message-signature-short",
        "a signature of 63 bytes, its length in a longer form",
        "RMSG-03",
        &seal(&short),
        "decrypt",
    );
    let cut = [&plain[..20], &[63], &plain[22..85], &plain[86..]].concat();
    bad("message-signature-63", "a signature of 63 bytes", "RMSG-05", &seal(&cut), "signature");
    bad("message-content-length", "a content that is longer than what is there", "RMSG-03", &with(86, 7), "decrypt");
    vectors
}

fn statements(told: &Told) -> Vec<Value> {
    let (bob, carol) = (&cast().bob, &cast().carol);
    let directory = directory(told);
    let mut vectors = Vec::new();
    let rng = &mut SeedRng::new(b"statements");

    // Carol leaves at epoch 2; the reader's branch goes on to epoch 4, and to 5, which removes her.
    let statement = room_at(&told.branch[2], carol).leave(&carol.sender(), rng).unwrap().to_bytes();
    let bobs_statement = room_at(&told.branch[2], bob).leave(&bob.sender(), rng).unwrap().to_bytes();
    let room_id = statement[7..23].to_vec();
    let mut push = |id: &str,
                    comment: &str,
                    flag: &str,
                    statement: &[u8],
                    epochs: &[Value],
                    expected: (&str, Option<&str>)| {
        let room = room_of(epochs, bob);
        let checked = LeaveStatement::from_bytes(statement).and_then(|made| room.check_leave(&made, &directory));
        let mut vector = json!({"id": id, "comment": comment, "flags": [flag], "kind": "leave", "statement": hex(statement),
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
    push("leave", "Carol wants to leave", "valid", &statement, &told.branch[1..5], ("ok", None));
    push("leave-p256", "Bob wants to leave", "valid", &bobs_statement, &told.branch[2..4], ("ok", None));
    push("leave-not-there", "she was removed since", "ROOM-21", &statement, &told.branch[1..6], no);
    push("leave-not-held", "of an epoch that is not on the branch", "ROOM-21", &statement, &told.branch[3..5], no);
    push(
        "leave-other-room",
        "another room",
        "ROOM-21",
        &flipped(&statement, 7),
        &told.branch[1..5],
        ("signature", None),
    );
    push(
        "leave-bit",
        "a bit of the signature",
        "ROOM-21",
        &flipped(&statement, 100),
        &told.branch[1..5],
        ("signature", None),
    );
    push(
        "leave-cut",
        "a byte is missing",
        "truncated",
        &statement[..statement.len() - 1],
        &told.branch[1..5],
        ("malformed", None),
    );
    push(
        "leave-long",
        "a byte is left over",
        "trailing",
        &[&statement[..], &[0]].concat(),
        &told.branch[1..5],
        ("malformed", None),
    );
    push("leave-type", "another type", "OBJ-03", &flipped(&statement, 6), &told.branch[1..5], ("unsupported", None));
    let mut algorithm = bobs_statement.clone();
    algorithm[87] = 0;
    push("leave-algorithm", "the algorithm none", "algorithm", &algorithm, &told.branch[1..5], ("malformed", None));

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
        let flag = if expected.0 == "ok" { "valid" } else { "ROOM-23" };
        let mut vector = json!({"id": id, "comment": comment, "flags": [flag], "kind": "head", "statement": hex(statement),
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
    push("head-epoch", "a bit of the epoch", &flipped(&statement, 30), epoch, &nonce, bob, ("signature", None));
    push("head-cut", "a byte is missing", &statement[..191], epoch, &nonce, bob, ("malformed", None));
    push("head-type", "another type", &flipped(&statement, 6), epoch, &nonce, bob, ("unsupported", None));
    vectors
}

/// A StoredEpoch. SPEC §18.9
fn stored(epoch: &Value, branch: u8) -> Vec<u8> {
    let (kind, key) = match epoch["secret"].is_string() {
        true => (1, text(epoch, "secret")),
        false => (2, text(epoch, "message_key")),
    };
    [&text(epoch, "signer")[..], &[branch], &text(epoch, "body"), &text(epoch, "commitment"), &[kind], &key].concat()
}

fn transcript_of(epoch: &Value) -> [u8; 32] {
    keys_of(epoch).1
}

/// The content of a state with these epochs, as (epoch, branch); the last but those of evidence is the head.
fn state(me: &[u8; 32], epochs: &[(&Value, u8)], head: &[u8; 32]) -> Vec<u8> {
    let list: Vec<u8> = epochs.iter().flat_map(|(epoch, branch)| stored(epoch, *branch)).collect();
    let mut out = [&[32][..], me, &[7; 8], &5_u64.to_be_bytes(), &[1], &[0; 8], head].concat();
    out.extend(prefix(list.len()));
    out.extend(list);
    out.extend(2_u64.to_be_bytes());
    let mut device = [&[9; 32][..], &[8; 8], &2_u64.to_be_bytes(), &[48]].concat();
    device.extend([&3_u64.to_be_bytes()[..], &[1; 16], &9_u64.to_be_bytes(), &[2; 16]].concat());
    out.extend(prefix(device.len()));
    out.extend(device);
    out
}

fn room_of(epochs: &[Value], me: &Identity) -> Room {
    let list: Vec<_> = epochs.iter().map(|epoch| (epoch, 1)).collect();
    hazmat::room_of_state(&state(&fingerprint(me), &list, &transcript_of(epochs.last().unwrap()))).unwrap()
}

fn grants(told: &Told) -> Vec<Value> {
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
                    flag: &str,
                    grant: &[u8],
                    by: &Identity,
                    held: &Value,
                    expected: (&str, Option<&str>)| {
        let mut room = room_at(held, &erin);
        let taken = room.accept_grant(grant, by.public(), &[erin.reader()], &mut SeedRng::new(b""));
        let mut vector = json!({"id": id, "comment": comment, "flags": [flag], "kind": "grant", "grant": hex(grant),
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
    push("grant", "epochs 0 and 1 to who holds epoch 2", "valid", &grant, alice, &told.branch[2], ("ok", None));
    push("grant-one", "epoch 1 alone", "valid", &one, alice, &told.branch[2], ("ok", None));
    push("grant-gap", "epoch 0 to who holds epoch 2", "ROOM-25", &first, alice, &told.branch[2], no);
    push("grant-later", "epochs 0 and 1 to who holds epoch 3", "ROOM-25", &grant, alice, &told.branch[3], no);
    push("grant-other-granter", "not who was expected", "ROOM-25", &grant, bob, &told.branch[2], ("signature", None));
    push(
        "grant-bit",
        "a bit of the payload",
        "bit",
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
    push(
        "grant-by-removed",
        "by somebody who is not in the head's roster",
        "ROOM-25",
        &by_carol,
        &cast().carol,
        outsider,
        no,
    );
    let by_dave = forge("dave", &dave, &good, none, &room_id);
    push("grant-by-member", "by a plain member", "valid", &by_dave, &dave, held, ("ok", None));
    let swapped = content(&room_id, &[granted(1), granted(0)].concat());
    push(
        "grant-order",
        "in descending order",
        "ROOM-25",
        &forge("order", alice, &swapped, none, &room_id),
        alice,
        held,
        no,
    );
    let empty = content(&room_id, &[]);
    push("grant-empty", "no epochs", "ROOM-25", &forge("empty", alice, &empty, none, &room_id), alice, held, no);
    let trailing = [&good[..], &[0]].concat();
    push(
        "grant-trailing",
        "a byte is left over",
        "ROOM-25",
        &forge("trailing", alice, &trailing, none, &room_id),
        alice,
        held,
        no,
    );
    let other_room = content(&[1; 16], &[granted(0), granted(1)].concat());
    push(
        "grant-room",
        "another room inside",
        "ROOM-25",
        &forge("room", alice, &other_room, none, &room_id),
        alice,
        held,
        no,
    );
    let padded = forge("padded", alice, &good, Padding::Padme, &room_id);
    push("grant-padded", "padded", "ROOM-25", &padded, alice, held, ("malformed", None));
    let data = forge("public", alice, &good, none, &[1; 16]);
    push("grant-public-data", "another room outside", "ROOM-25", &data, alice, held, ("malformed", None));
    vectors
}

fn granter_transcript(room: &Room, at: usize) -> Transcript {
    *room.epochs().nth(at).unwrap().1
}

fn states(told: &Told) -> Vec<Value> {
    let bob = &cast().bob;
    let me = fingerprint(bob);
    let kek = [0x77; 32];
    let mut vectors = Vec::new();
    let epochs: Vec<(&Value, u8)> = told.branch[..3].iter().map(|epoch| (epoch, 1)).collect();
    let head = transcript_of(&told.branch[2]);
    let good = state(&me, &epochs, &head);
    let room = hazmat::room_of_state(&good).unwrap();
    let key = || SymmetricKey::take(&mut kek.clone());
    let sealed = room.save(&key(), &mut SeedRng::new(b"state")).unwrap();
    assert_eq!(hazmat::room_state(&Room::load(&sealed, &key()).unwrap()), good);
    vectors.push(
        json!({"id": "state", "comment": "three epochs, a device that was heard", "flags": ["valid"], "kind": "state",
        "state": hex(&sealed), "kek": hex(&kek), "content": hex(&good), "result": "ok"}),
    );
    let mut push = |id: &str, comment: &str, content: &[u8]| {
        let kept = key();
        let to = [Recipient::symmetric(&kept)];
        let envelope = Envelope::to(&to).padding(Padding::Padme);
        let sealed =
            hazmat::seal_as(&envelope, ContentType::RoomState, content, &mut SeedRng::new(id.as_bytes())).unwrap();
        let error = Room::load(&sealed, &key()).expect_err(id);
        assert_eq!(class_of(error), ("room", Some("ROOM-26")), "{id}");
        vectors
            .push(json!({"id": id, "comment": comment, "flags": ["ROOM-26"], "kind": "state", "state": hex(&sealed),
            "kek": hex(&kek), "content": hex(content), "result": "room", "check": "ROOM-26"}));
    };
    let with = |at: usize, byte: u8| {
        let mut content = good.clone();
        content[at] = byte;
        content
    };
    push("state-standing", "a standing of 3", &with(49, 3));
    push("state-head", "a head that is not held", &with(58, !good[58]));
    push("state-mine", "a head whose roster lacks this member", &with(1, !good[1]));
    push("state-cut", "a byte is missing", &good[..good.len() - 1]);
    push("state-long", "a byte is left over", &[&good[..], &[0]].concat());
    push("state-order", "epochs in another order", &state(&me, &[epochs[1], epochs[0], epochs[2]], &head));
    push("state-twice", "an epoch twice", &state(&me, &[epochs[0], epochs[1], epochs[1], epochs[2]], &head));
    push(
        "state-evidence-head",
        "a head that is kept as evidence",
        &state(&me, &[epochs[0], epochs[1], (epochs[2].0, 2)], &head),
    );
    push(
        "state-evidence-between",
        "an epoch that leads to the head is kept as evidence",
        &state(&me, &[epochs[0], (epochs[1].0, 2), epochs[2]], &head),
    );
    push("state-branch", "a branch 3", &state(&me, &[epochs[0], epochs[1], (epochs[2].0, 3)], &head));
    let shared = Body { history: 2, ..Body::decode(&text(&told.branch[1], "body")).0 };
    let mut other = told.branch[1].clone();
    other["body"] = json!(hex(&shared.encode()));
    push("state-policies", "epochs of two policies", &state(&me, &[epochs[0], (&other, 1), epochs[2]], &head));
    let mut elsewhere = told.branch[1].clone();
    elsewhere["body"] = json!(hex(&Body { nonce: [1; 16], ..Body::decode(&text(&told.branch[1], "body")).0 }.encode()));
    push("state-rooms", "epochs of two rooms", &state(&me, &[epochs[0], (&elsewhere, 1), epochs[2]], &head));
    let mut granted = told.branch[2].clone();
    granted["message_key"] = json!(hex(&[3; 32]));
    granted["secret"] = Value::Null;
    push("state-granted-head", "a head without its secret", &state(&me, &[epochs[0], epochs[1], (&granted, 1)], &head));
    let flipped_key = Room::load(&sealed, &SymmetricKey::take(&mut [1; 32])).expect_err("another key");
    assert_eq!(flipped_key, Error::Decrypt);
    vectors.push(json!({"id": "state-other-key", "comment": "another key", "flags": ["decrypt"], "kind": "state",
        "state": hex(&sealed), "kek": hex(&[1; 32]), "content": hex(&good), "result": "decrypt"}));
    vectors
}

/// Trees of epochs, from which every reader comes to the same head. [ROOM-20]
fn settling(told: &Told) -> Vec<Value> {
    let alice = &cast().alice;
    let root = &told.branch[0];
    let (body, _) = Body::decode(&text(root, "body"));
    let [one, two, three] = [0, 1, 2].map(|at| body.roster[at].0);
    let mut vectors = Vec::new();
    let by_admin = text(root, "signer");
    let (by_member, _) = body.roster.iter().find(|(_, role)| *role == 1).unwrap();
    let child = |parent: &Value, signer: &[u8], roster: &[[u8; 32]], commitment: u8| {
        let (of, _) = Body::decode(&text(parent, "body"));
        let roster = of.roster.iter().filter(|(who, _)| roster.contains(who)).copied().collect();
        let body = Body { epoch: of.epoch + 1, previous: transcript_of(parent), roster, ..of };
        json!({"signer": hex(signer), "body": hex(&body.encode()), "commitment": hex(&[commitment; 32]),
            "secret": hex(&[commitment; 32])})
    };
    let all = [one, two, three];
    let alices = fingerprint(alice);
    let stay: Vec<_> = all.into_iter().filter(|who| *who == alices || *who == fingerprint(&cast().bob)).collect();
    let (a, b) = (child(root, &by_admin, &all, 1), child(root, &by_admin, &all, 2));
    let removal = child(root, &by_admin, &stay, 3);
    let (weak_a, weak_b) = (child(root, by_member, &all, 1), child(root, by_member, &all, 2));
    let deeper = child(&a, by_member, &all, 4);
    let deepest = child(&deeper, by_member, &all, 5);
    let weak_deeper = child(&weak_a, &by_admin, &all, 4);
    let lesser = if transcript_of(&a) < transcript_of(&b) { &a } else { &b };
    let cases: [SettleCase<'_>; 6] = [
        ("settle-alone", "no fork", vec![root, &a], &a),
        ("settle-lesser", "two of the same kind: the lesser transcript", vec![root, &a, &b], lesser),
        ("settle-removal", "the one that removes somebody", vec![root, &a, &removal, &b], &removal),
        ("settle-yielding", "an admin's before a plain member's", vec![root, &a, &weak_b], &a),
        (
            "settle-deep",
            "the best child first, then its children",
            vec![root, &a, &weak_b, &deeper, &deepest],
            &deepest,
        ),
        (
            "settle-length-does-not-count",
            "a longer branch is not better, even where an admin went on from a plain member's epoch",
            vec![root, &weak_a, &removal, &weak_deeper],
            &removal,
        ),
    ];
    for (id, comment, mut epochs, best) in cases {
        let key = |epoch: &&Value| (Body::decode(&text(epoch, "body")).0.epoch, transcript_of(epoch));
        epochs.sort_by_key(key);
        // From the view of each tip that somebody may stand at.
        for tip in &epochs {
            if epochs.iter().any(|other| Body::decode(&text(other, "body")).0.previous == transcript_of(tip)) {
                continue;
            }
            let path = |epoch: &Value| {
                let mut at = (*tip).clone();
                loop {
                    if transcript_of(&at) == transcript_of(epoch) {
                        return 1;
                    }
                    let previous = Body::decode(&text(&at, "body")).0.previous;
                    match epochs.iter().find(|other| transcript_of(other) == previous) {
                        Some(parent) => at = (*parent).clone(),
                        None => return 2,
                    }
                }
            };
            let list: Vec<_> = epochs.iter().map(|epoch| (*epoch, path(epoch))).collect();
            let room = hazmat::room_of_state(&state(&alices, &list, &transcript_of(tip))).unwrap();
            assert_eq!(*room.settle().as_bytes(), transcript_of(best), "{id}");
        }
        vectors.push(json!({"id": id, "comment": comment, "flags": ["valid"], "kind": "settle",
            "epochs": epochs, "transcript": hex(&transcript_of(best)), "result": "ok"}));
    }
    vectors
}

/// The guard's answers, as a real room gives them. [RMSG-07]
fn replays() -> Vec<Value> {
    let mut vectors = Vec::new();
    let long: Vec<(u8, u64, u8)> =
        (0..66).map(|n| (1, n, 1)).chain([(1, 0, 1), (1, 1, 1), (1, 2, 1), (1, 2, 2)]).collect();
    let cases: [ReplayCase<'_>; 5] = [
        ("replays-order", "one after the other", vec![(1, 0, 1), (1, 1, 1), (1, 2, 1)]),
        (
            "replays-gap",
            "numbers are skipped, and come late",
            vec![(1, 5, 1), (1, 9, 1), (1, 7, 1), (1, 7, 1), (1, 10, 1)],
        ),
        ("replays-reused", "a number with another id", vec![(1, 0, 1), (1, 0, 2), (1, 0, 1)]),
        ("replays-devices", "each device counts for itself", vec![(1, 0, 1), (2, 0, 1), (1, 0, 1), (2, 1, 1)]),
        ("replays-window", "66 messages, then old ones", long),
    ];
    for (id, comment, seen) in cases {
        let answers: Vec<_> = hazmat::replay_answers(
            &seen.iter().map(|(device, sequence, id)| ([*device; 8], *sequence, [*id; 16])).collect::<Vec<_>>(),
        );
        let answers: Vec<_> = answers
            .into_iter()
            .map(|answer| match answer {
                Freshness::Fresh { skipped } => format!("fresh {skipped}"),
                Freshness::Duplicate => "duplicate".to_owned(),
                Freshness::SequenceReused => "reused".to_owned(),
                _ => "old".to_owned(),
            })
            .collect();
        let list: Vec<_> = seen
            .iter()
            .map(|(device, sequence, id)| json!({"device": hex(&[*device; 8]), "sequence": sequence, "id": hex(&[*id; 16])}))
            .collect();
        vectors.push(json!({"id": id, "comment": comment, "flags": ["valid"], "kind": "replays", "seen": list,
            "answers": answers, "result": "ok"}));
    }
    let expected = ["fresh 0", "fresh 3", "fresh 0", "duplicate", "fresh 0"];
    assert_eq!(vectors[1]["answers"], json!(expected));
    let tail = vectors[4]["answers"].as_array().unwrap()[66..].to_vec();
    assert_eq!(json!(tail), json!(["old", "old", "duplicate", "reused"]));
    vectors
}
