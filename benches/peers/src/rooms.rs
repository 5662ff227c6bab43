//! Rooms: messages against signatures, openmls and vodozemac; a removal against openmls.

use crate::measure::{Row, Watch, by_backend};
use crate::mls;
use crate::raw::{Signer, sha256};
use sealroom::{Draft, Fingerprint, HistoryPolicy, Identity, Profile, PublicIdentity, Role, Room, Root, SystemRng};
use std::collections::BTreeMap;
use vodozemac::megolm::{GroupSession, InboundGroupSession};
use vodozemac::{megolm, olm};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = against_signatures();
    rows.extend(against_others());
    rows.extend(removal(1000, Some((by_backend(1.2, 0.2), 0.75)), "fresh tree", mls::Member::of_fresh(1000)));
    rows.extend(removal(100, None, "fresh tree", mls::Member::of_fresh(100)));
    rows.extend(removal(100, None, "settled tree", mls::Member::of_settled(100)));
    rows
}

fn person(n: usize) -> Identity {
    let mut seed = [0; 64];
    seed[..8].copy_from_slice(&(n as u64).to_be_bytes());
    Root::from_bip39_seed(&seed).identity(Profile::P256, 0, &mut SystemRng).unwrap()
}

/// The first one's room of all of them.
fn room(people: &[Identity]) -> (Vec<u8>, Room) {
    let others: Vec<_> = people[1..].iter().map(|person| (person.public(), Role::Member)).collect();
    let package = Room::create(&people[0].sender(), &others, HistoryPolicy::FromJoin, &mut SystemRng).unwrap();
    let room = join(&package, &people[0], &people[0]);
    (package, room)
}

fn join(package: &[u8], inviter: &Identity, reader: &Identity) -> Room {
    Room::join(package, inviter.public(), &[reader.reader()], &mut SystemRng).unwrap().finish().unwrap()
}

/// A room of two, as both of them hold it.
fn pair(people: &[Identity; 2]) -> [Room; 2] {
    let (package, mine) = room(people);
    [mine, join(&package, &people[0], &people[1])]
}

const CONTENT: [u8; 1024] = [7; 1024];

/// Messages against the signature in them: each right after another signature, since the first one in a while has to fetch
/// its tables.
fn against_signatures() -> Vec<Row> {
    let people = [person(0), person(1)];
    let public = [people[0].public(), people[1].public()];
    let [mut mine, mut other] = pair(&people);
    let (signer, draft, sender) = (Signer::generate(), Draft::new(&CONTENT), people[0].sender());
    let mut watch = Watch::default();
    for n in 0..1000_u32 {
        let digest = sha256(&n.to_be_bytes());
        signer.sign(&digest);
        let message = watch.time("seal", || mine.seal(&draft, &sender, &mut SystemRng).unwrap());
        let signature = watch.time("sign", || signer.sign(&digest));
        signer.verify(&digest, &signature);
        watch.time("open", || other.open(&message, b"", &public).unwrap().content().len());
        watch.time("verify", || signer.verify(&digest, &signature));
    }
    let row = |verb: &str, name: &str, other: &str, goal| {
        Row::time(format!("room message of 1 KiB: {verb}"), watch.median(verb), name, watch.median(other), Some(goal))
    };
    vec![
        row("seal", "one ECDSA signature", "sign", by_backend(1.05, 1.20)),
        row("open", "one ECDSA verification", "verify", by_backend(1.03, 1.10)),
    ]
}

fn against_others() -> Vec<Row> {
    let people = [person(0), person(1)];
    let public = [people[0].public(), people[1].public()];
    let [mut mine, mut other] = pair(&people);
    let [mut mls_mine, mut mls_other] = mls::Member::pair();
    let mut megolm_mine = GroupSession::new(megolm::SessionConfig::version_1());
    let mut megolm_other = InboundGroupSession::new(&megolm_mine.session_key(), megolm::SessionConfig::version_1());
    let [mut olm_mine, mut olm_other] = olm_pair();
    let (draft, sender) = (Draft::new(&CONTENT), people[0].sender());
    let mut watch = Watch::default();
    for _ in 0..1000 {
        let message = watch.time("seal", || mine.seal(&draft, &sender, &mut SystemRng).unwrap());
        let mls_message = watch.time("mls seal", || mls_mine.seal(&CONTENT));
        let megolm_message = watch.time("megolm seal", || megolm_mine.encrypt(CONTENT).to_bytes());
        let olm_message = watch.time("olm seal", || olm_mine.encrypt(CONTENT).unwrap());
        watch.time("open", || assert_eq!(other.open(&message, b"", &public).unwrap().content(), CONTENT));
        watch.time("mls open", || assert_eq!(mls_other.open(&mls_message), CONTENT));
        watch.time("megolm open", || {
            let message = megolm::MegolmMessage::from_bytes(&megolm_message).unwrap();
            assert_eq!(megolm_other.decrypt(&message).unwrap().plaintext, CONTENT);
        });
        watch.time("olm open", || assert_eq!(olm_other.decrypt(&olm_message).unwrap(), CONTENT));
    }
    let row = |verb: &str, peer: &str, name: &str, goal| {
        let theirs = watch.median(&format!("{peer} {verb}"));
        Row::time(format!("room message of 1 KiB: {verb}"), watch.median(verb), name, theirs, goal)
    };
    vec![
        row("seal", "mls", "openmls 0.9, P-256", Some(by_backend(0.35, 0.10))),
        row("open", "mls", "openmls 0.9, P-256", Some(by_backend(1.3, 0.25))),
        row("seal", "megolm", "vodozemac 0.11, Megolm (Ed25519)", by_backend(None, Some(1.0))),
        row("open", "megolm", "vodozemac 0.11, Megolm (Ed25519)", None),
        row("seal", "olm", "vodozemac 0.11, Olm (no signature)", None),
        row("open", "olm", "vodozemac 0.11, Olm (no signature)", None),
    ]
}

/// Two ends of an Olm session that was answered, so that its messages are no longer those of the beginning.
fn olm_pair() -> [olm::Session; 2] {
    let (alice, mut bob) = (olm::Account::new(), olm::Account::new());
    bob.generate_one_time_keys(1);
    let one_time_key = *bob.one_time_keys().values().next().unwrap();
    let config = olm::SessionConfig::version_1();
    let mut mine = alice.create_outbound_session(config, bob.curve25519_key(), one_time_key).unwrap();
    let olm::OlmMessage::PreKey(first) = mine.encrypt("").unwrap() else { panic!("not a first message") };
    let mut other = bob.create_inbound_session(config, alice.curve25519_key(), &first).unwrap().session;
    let answer = other.encrypt("").unwrap();
    mine.decrypt(&answer).unwrap();
    [mine, other]
}

/// Somebody in the middle is removed, and everyone who stays gets a new key.
fn removal(members: usize, goal: Option<(f64, f64)>, tree: &str, mut group: mls::Member) -> Vec<Row> {
    let people: Vec<_> = (0..members).map(person).collect();
    let directory: BTreeMap<Fingerprint, PublicIdentity> =
        people.iter().map(|person| (*person.public().fingerprint(), person.public().clone())).collect();
    let (_, room) = room(&people);
    let (mut package, mut commit) = (Vec::new(), Vec::new());
    let mut watch = Watch::default();
    for _ in 0..(3000 / members).min(15) | 1 {
        package = watch.time("ours", || {
            let change = room.remove(&[*people[members / 2].public().fingerprint()]).unwrap();
            change.seal(&people[0].sender(), &directory, &mut SystemRng).unwrap()
        });
        commit = watch.time("theirs", || group.remove((members / 2) as u32));
        group.give_up();
    }
    let (what, other) = (format!("remove one of {members}"), format!("openmls 0.9, P-256, {tree}"));
    let (time, bytes) = goal.unzip();
    vec![
        Row::time(&what, watch.median("ours"), &other, watch.median("theirs"), time),
        Row::bytes(&what, package.len(), other, commit.len(), bytes),
    ]
}
