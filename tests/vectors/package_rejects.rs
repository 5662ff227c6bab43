//! Packages that no honest writer makes: one for each rule that is broken.

use crate::rooms::{Body, Packages, Parts, View, fingerprint};
use crate::samples::{SeedRng, cast};
use sealroom::*;
use serde_json::Value;

/// Makes packages that no honest writer makes.
pub(crate) struct Forge<'a> {
    recipients: Vec<Recipient<'a>>,
    sender: Option<Sender<'a>>,
    padding: Padding,
    decoys: usize,
    public_data: Option<Vec<u8>>,
    content_type: ContentType,
}

impl<'a> Forge<'a> {
    pub(crate) fn new(to: &[&'a Identity], sender: &'a Identity) -> Self {
        Self {
            recipients: to.iter().map(|identity| identity.public().recipient()).collect(),
            sender: Some(sender.sender()),
            padding: Padding::None,
            decoys: 0,
            public_data: None,
            content_type: ContentType::RoomEpoch,
        }
    }

    pub(crate) fn seal(&self, id: &str, body: &Body, content: &[u8]) -> Vec<u8> {
        let room_id =
            hazmat::sha256(&hazmat::sign_input("room id", &[&body.creator[..], &body.nonce, &[body.history]].concat()));
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

fn ascending(mut roster: Vec<([u8; 32], u8)>) -> Vec<([u8; 32], u8)> {
    roster.sort();
    roster
}

/// One fault each, against epoch 0 of the first room: Alice and Bob are admins, Carol is a member.
pub(crate) fn rejects(
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

    let mut forged = |id: &str, comment: &str, forge: &Forge<'_>, parts: &Parts, expected| {
        let package = forge.seal(id, &parts.body, &parts.content());
        made.refused((id, comment), &package, &bobs, expected);
    };
    let body = |body: Body| Parts { body, ..next.clone() };

    // The form of the envelope. [ROOM-01]
    let unsigned = Forge { sender: None, ..refresh(alice) };
    forged("package-unsigned", "nobody signed", &unsigned, &next, ("malformed", None));
    let padded = Forge { padding: Padding::Padme, ..refresh(alice) };
    forged("package-padded", "padding length_prefixed", &padded, &next, ("malformed", None));
    let short = Forge { public_data: Some(vec![0; 23]), ..refresh(alice) };
    forged("package-public-data-short", "a byte is missing from the public data", &short, &next, ("malformed", None));
    let long = Forge { public_data: Some(vec![0; 25]), ..refresh(alice) };
    forged("package-public-data-long", "a byte more of public data", &long, &next, ("malformed", None));
    for (id, content_type) in [
        ("package-type-message", ContentType::Message),
        ("package-type-grant", ContentType::HistoryGrant),
        ("package-type-state", ContentType::RoomState),
    ] {
        let forge = Forge { content_type, ..refresh(alice) };
        forged(id, "an envelope of another type", &forge, &next, ("unsupported", None));
    }

    // The form of the content. [ROOM-02]
    let mut raw = |id: &str, comment: &str, content: Vec<u8>| {
        let package = refresh(alice).seal(id, &next.body, &content);
        made.refused((id, comment), &package, &bobs, room("ROOM-02"));
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

    let mut forged = |id: &str, comment: &str, forge: &Forge<'_>, parts: &Parts, expected| {
        let package = forge.seal(id, &parts.body, &parts.content());
        made.refused((id, comment), &package, &bobs, expected);
    };
    // [ROOM-03]
    let room_id = hazmat::sha256(&hazmat::sign_input(
        "room id",
        &[&first.body.creator[..], &first.body.nonce, &[first.body.history]].concat(),
    ));
    let other_epoch = Forge { public_data: Some([&room_id[..16], &2_u64.to_be_bytes()].concat()), ..refresh(alice) };
    forged("public-data-other-epoch", "the public data name epoch 2", &other_epoch, &next, room("ROOM-03"));
    let other_nonce = Body { nonce: [9; 16], ..next.body.clone() };
    let same_id = Forge { public_data: Some([&room_id[..16], &1_u64.to_be_bytes()].concat()), ..refresh(alice) };
    forged("creation-nonce-other", "another creation nonce", &same_id, &body(other_nonce), room("ROOM-03"));

    let policy = body(Body { history: 2, ..next.body.clone() });
    forged("policy-changed", "the history policy is another", &refresh(alice), &policy, room("ROOM-03"));
    // [ROOM-08]
    let previous = body(Body { previous: [9; 32], ..next.body.clone() });
    forged(
        "previous-transcript-other",
        "no such parent, by a plain member",
        &refresh(carol),
        &previous,
        room("ROOM-08"),
    );

    // [ROOM-09]
    let added = body(Body { roster: with_dave.clone(), ..next.body.clone() });
    let to_four = |sender| Forge::new(&[alice, bob, carol, dave], sender);
    let no_previous = |parts: &Parts| Parts { previous: None, ..parts.clone() };
    forged("member-adds", "a plain member adds somebody", &to_four(carol), &no_previous(&added), room("ROOM-09"));
    let removed = body(Body { roster: roster(&[all[1], all[2]]), ..next.body.clone() });
    let to_two = Forge::new(&[bob, carol], carol);
    forged("member-removes", "a plain member removes an admin", &to_two, &removed, room("ROOM-09"));
    let promoted = body(Body { roster: roster(&[all[0], all[1], (carol, 2)]), ..next.body.clone() });
    forged("member-promotes", "a plain member promotes itself", &refresh(carol), &promoted, room("ROOM-09"));
    forged("stranger-refreshes", "a stranger refreshes", &refresh(erin), &next, room("ROOM-09"));
    let demoted = body(Body { roster: roster(&[(alice, 1), all[1], all[2]]), ..next.body.clone() });
    forged("admin-demotes-itself", "an admin demotes itself", &refresh(alice), &demoted, room("ROOM-09"));
    let gone = body(Body { roster: roster(&[all[1], all[2]]), ..next.body.clone() });
    let from_outside = Forge::new(&[bob, carol], alice);
    forged("admin-removes-itself", "an admin removes itself", &from_outside, &gone, room("ROOM-09"));

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
        &to_dave(&kek),
        &adds(&with_dave, 2),
        room("ROOM-10"),
    );
    forged(
        "adds-zero-with-kek",
        "a symmetric stanza and no addition",
        &to_dave(&kek),
        &adds(&with_dave, 0),
        room("ROOM-10"),
    );
    forged(
        "adds-without-kek",
        "an addition without a symmetric stanza",
        &to_four(alice),
        &adds(&with_dave, 1),
        room("ROOM-10"),
    );
    let mut two_keks = by_kek(&[dave], &kek);
    two_keks.recipients.push(Recipient::symmetric(&other_kek));
    forged("adds-two-keks", "two symmetric stanzas", &two_keks, &adds(&with_dave, 1), room("ROOM-10"));
    let mut bob_too = by_kek(&[bob, dave], &other_kek);
    forged("adds-other-kek", "a symmetric stanza under another key", &bob_too, &adds(&with_dave, 1), room("ROOM-10"));
    bob_too = to_dave(&kek);
    let swapped = roster(&[all[0], all[1], (dave, 1)]);
    forged("adds-and-removes", "somebody is removed in an addition", &bob_too, &adds(&swapped, 1), room("ROOM-10"));
    let roles = roster(&[all[0], all[1], (carol, 2), (dave, 1)]);
    forged("adds-and-promotes", "somebody is promoted in an addition", &bob_too, &adds(&roles, 1), room("ROOM-10"));

    // [ROOM-11]
    let extra = Forge::new(&[alice, bob, carol, erin], alice);
    forged("entry-more", "also wrapped to somebody who is not in the roster", &extra, &next, room("ROOM-11"));
    let decoy = Forge { decoys: 1, ..refresh(alice) };
    forged("package-decoy", "an entry that nobody opens", &decoy, &next, room("ROOM-11"));
    let fewer = Forge::new(&[alice, bob], alice);
    forged("entry-fewer", "not wrapped to Carol", &fewer, &next, room("ROOM-11"));
    let both = by_kek(&[bob, dave], &kek);
    forged("adds-entry-more", "an addition that is also wrapped to Bob", &both, &adds(&with_dave, 1), room("ROOM-11"));

    // [ROOM-12] [ROOM-13]
    forged(
        "previous-missing",
        "a refresh without the previous secret",
        &refresh(alice),
        &no_previous(&next),
        room("ROOM-12"),
    );
    let told = Parts { previous: Some(first.secret), ..adds(&with_dave, 1) };
    forged(
        "previous-told",
        "a newcomer is given the previous secret under from_join",
        &to_dave(&kek),
        &told,
        room("ROOM-12"),
    );
    let wrong = Parts { previous: Some([9; 32]), ..next.clone() };
    forged("previous-other", "another previous secret", &refresh(alice), &wrong, room("ROOM-13"));

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
        &from_bob_1,
        &replacing(next.body.roster.clone()),
        room("ROOM-14"),
    );
    let demoting = roster(&[all[0], (bob_1, 1), all[2]]);
    forged(
        "transition-demotes",
        "a transition that changes the role",
        &from_bob_1,
        &replacing(demoting),
        room("ROOM-14"),
    );
    let more = roster(&[all[0], (bob_1, 2), all[2], (dave, 1)]);
    forged(
        "transition-adds",
        "a transition, and somebody more",
        &Forge::new(&[alice, bob, carol, dave], bob_1),
        &replacing(more),
        room("ROOM-14"),
    );
    let mut parts = replacing(replaced.clone());
    let last = parts.transition.len() - 1;
    parts.transition[last] ^= 1;
    forged("transition-bad", "the rotation key's signature is wrong", &from_bob_1, &parts, ("signature", None));
    let from_erin = Forge::new(&[alice, bob, carol], erin);
    forged(
        "transition-by-another",
        "a stranger brings Bob's transition",
        &from_erin,
        &replacing(replaced),
        room("ROOM-09"),
    );

    // Epoch 0 and joins. [ROOM-04] [ROOM-15] [ROOM-12]
    let joins = View { reader: bob, parent: Value::Null, inviter: alice };
    let mut joined = |id: &str, comment: &str, forge: &Forge<'_>, parts: &Parts, inviter: &Identity, expected| {
        let package = forge.seal(id, &parts.body, &parts.content());
        let view = View { inviter, ..joins.clone() };
        made.refused((id, comment), &package, &view, expected);
    };
    let zero = |change: &dyn Fn(&mut Parts)| {
        let mut parts = first.clone();
        change(&mut parts);
        parts
    };
    let forge = refresh(alice);
    let none = room("ROOM-04");
    joined("zero-adds", "epoch 0 with additions", &forge, &zero(&|parts| parts.body.adds = 1), alice, none);
    joined(
        "zero-previous",
        "epoch 0 with a transcript before it",
        &forge,
        &zero(&|parts| parts.body.previous = [1; 32]),
        alice,
        none,
    );
    joined(
        "zero-secret",
        "epoch 0 with a previous secret",
        &forge,
        &zero(&|parts| parts.previous = Some([1; 32])),
        alice,
        none,
    );
    joined("zero-other-signer", "epoch 0 that the creator did not sign", &refresh(bob), &zero(&|_| ()), bob, none);
    let plain = roster(&[(alice, 1), all[1], all[2]]);
    joined(
        "zero-plain-creator",
        "the creator is no admin",
        &forge,
        &zero(&|parts| parts.body.roster = plain.clone()),
        alice,
        none,
    );
    joined("zero-entry-more", "epoch 0, also wrapped to a stranger", &extra, &zero(&|_| ()), alice, room("ROOM-11"));
    joined("join-other-inviter", "not who was expected", &forge, &zero(&|_| ()), bob, ("signature", None));
    joined("join-by-a-member", "a plain member invites", &refresh(carol), &no_previous(&next), carol, room("ROOM-15"));
    joined(
        "join-not-in-roster",
        "wrapped to Bob, and Dave in the roster",
        &forge,
        &no_previous(&body(Body { roster: roster(&[all[0], (dave, 1), all[2]]), ..next.body.clone() })),
        alice,
        room("ROOM-15"),
    );
    joined("join-told-previous", "a newcomer is given the past under from_join", &forge, &next, alice, room("ROOM-12"));
    let untold = no_previous(&body(Body { history: 2, ..next.body.clone() }));
    joined(
        "join-shared-untold",
        "a newcomer is not given the past under shared",
        &forge,
        &untold,
        alice,
        room("ROOM-12"),
    );
    let with_transition = replacing(next.body.roster.clone());
    joined("join-transition", "a newcomer by a transition", &forge, &with_transition, alice, room("ROOM-12"));
    joined(
        "join-65",
        "the 65th addition in a row",
        &by_kek(&[bob], &other_kek),
        &adds(&with_dave, 65),
        alice,
        room("ROOM-10"),
    );

    // Nothing opens it.
    let package = Forge::new(&[alice, carol], alice).seal("not-for-bob", &next.body, &next.content());
    made.refused(("not-for-bob", "no entry for the reader"), &package, &bobs, ("decrypt", None));
}
