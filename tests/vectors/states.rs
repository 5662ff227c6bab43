//! Rooms as they are stored, and which branch of a fork is recommended. SPEC §18.5, §18.9.

use crate::room_packages::Told;
use crate::rooms::{Body, class_of, fingerprint, state, text, transcript_of};
use crate::samples::{SeedRng, cast, hex};
use sealroom::*;
use serde_json::{Value, json};

/// Id, comment, epochs, the one that is recommended.
type SettleCase<'a> = (&'a str, &'a str, Vec<&'a Value>, &'a Value);

pub(crate) fn states(told: &Told) -> Vec<Value> {
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
        vectors.push(json!({"id": id, "comment": comment, "flags": [id], "kind": "state", "state": hex(&sealed),
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
    let mut behind = good.clone();
    behind[57] = 1;
    push("state-reached", "behind an epoch that the own branch has reached", &behind);
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
    vectors
        .push(json!({"id": "state-other-key", "comment": "another key", "flags": ["state-other-key"], "kind": "state",
        "state": hex(&sealed), "kek": hex(&[1; 32]), "content": hex(&good), "result": "decrypt"}));
    vectors
}

/// Trees of epochs, from which every reader comes to the same head. [ROOM-20]
pub(crate) fn settling(told: &Told) -> Vec<Value> {
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
    // What was kept to be read, and may be nobody's who could make it.
    let stranger = [0xee; 32];
    let strangers = |gone: &[[u8; 32]], role: u8, commitment: u8| {
        let (of, _) = Body::decode(&text(root, "body"));
        let mut roster: Vec<_> = of.roster.iter().filter(|(who, _)| !gone.contains(who)).copied().collect();
        roster.push((stranger, role));
        roster.sort_unstable();
        let body = Body { epoch: of.epoch + 1, previous: transcript_of(root), roster, ..of };
        json!({"signer": hex(&stranger), "body": hex(&body.encode()), "commitment": hex(&[commitment; 32]),
            "secret": hex(&[commitment; 32])})
    };
    let (other_admin, _) = body.roster.iter().find(|(who, role)| *role == 2 && *who != alices).unwrap();
    let added = strangers(&[], 2, 6);
    let (successor, promoted) = (strangers(&[*other_admin], 2, 6), strangers(&[*by_member], 2, 6));
    let mut only_read = successor.clone();
    only_read["message_key"] = json!(hex(&crate::rooms::keys_of(&successor).0));
    only_read.as_object_mut().unwrap().remove("secret");
    let weak_successor = strangers(&[*by_member], 1, 6);
    let weak_removal = child(root, by_member, &[alices, *by_member], 3);
    let lesser = if transcript_of(&a) < transcript_of(&b) { &a } else { &b };
    let cases: [SettleCase<'_>; 13] = [
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
        (
            "settle-strangers",
            "a stranger's epoch, in which they are an admin, after a plain member's",
            vec![root, &added, &weak_a],
            &weak_a,
        ),
        (
            "settle-promoted",
            "who is nobody's successor, since a role is another, after a plain member's",
            vec![root, &promoted, &weak_a],
            &weak_a,
        ),
        (
            "settle-members-removal",
            "a plain member's that removes somebody, after one that does not",
            vec![root, &weak_removal, &weak_a],
            &weak_a,
        ),
        ("settle-only-read", "an epoch without its secret is no branch", vec![root, &only_read], root),
        (
            "settle-successor",
            "who may be an admin's successor before a plain member's",
            vec![root, &successor, &weak_a],
            &successor,
        ),
        (
            "settle-successor-beside",
            "who may be a successor, and lacks whom they replace, after one that may be made without that",
            vec![root, &successor, &a, &weak_successor],
            &a,
        ),
        ("settle-yielding-successor", "the same among those that yield", vec![root, &weak_successor, &weak_a], &weak_a),
    ];
    for (id, comment, mut epochs, best) in cases {
        let key = |epoch: &&Value| (Body::decode(&text(epoch, "body")).0.epoch, transcript_of(epoch));
        epochs.sort_by_key(key);
        // From the view of each tip that somebody may stand at.
        for tip in epochs.iter().filter(|tip| tip["secret"].is_string()) {
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
