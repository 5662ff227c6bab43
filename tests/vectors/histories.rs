//! Whole stories of rooms, from the view of one reader. SPEC §18.

use crate::common::hand::{derive, gcm_seal, sha256, sign_input};
use crate::hold::{Expected, OK};
use crate::kept::{demoted, kept, raced};
use crate::package_rejects::Forge;
use crate::plays::{Device, Play, person, step_of};
use crate::rooms::{Parts, fingerprint, inside};
use crate::samples::{SeedRng, flipped};
use sealroom::*;
use serde_json::Value;

pub(crate) const ALICE: u8 = 1;
pub(crate) const BOB: u8 = 2;
pub(crate) const CAROL: u8 = 3;
const DAVE: u8 = 4;
const ERIN: u8 = 5;

const fn room(check: &'static str) -> Expected {
    ("room", Some(check))
}

/// A room of Alice and Bob, admins, and Carol, a member; the devices of Alice and Carol.
pub(crate) struct Begin {
    pub(crate) package: Vec<u8>,
    pub(crate) alice: Device,
    pub(crate) carol: Device,
}

pub(crate) fn begin(id: &str, history: HistoryPolicy) -> Begin {
    let [alice, bob, carol] = [ALICE, BOB, CAROL].map(|n| person(n, 0));
    let others = [(bob.public(), Role::Admin), (carol.public(), Role::Member)];
    let package = Room::create(&alice.sender(), &others, history, &mut SeedRng::new(id.as_bytes())).unwrap();
    let [alice, carol] = [&alice, &carol].map(|who| Device::join(who, &alice, &package));
    Begin { package, alice, carol }
}

impl Begin {
    /// Bob's story, who joined.
    fn bobs(&self, id: &'static str, comment: &'static str) -> Play {
        let mut play = Play::new(id, comment, &[&person(BOB, 0)]);
        play.join(&self.package, &person(ALICE, 0), &[]);
        play
    }

    /// Alice makes a package that Carol takes too.
    fn makes(&mut self, change: impl FnOnce(&Room) -> Result<Change, Error>) -> Vec<u8> {
        let package = self.alice.makes(change);
        self.carol.apply(&package);
        package
    }

    fn adds(&mut self, n: u8) -> Vec<u8> {
        self.makes(|room| room.add(&[(person(n, 0).public(), Role::Member)]))
    }

    pub(crate) fn removes(&mut self, n: u8) -> Vec<u8> {
        let package = self.alice.package(|room| room.remove(&[*person(n, 0).public().fingerprint()]));
        self.alice.apply(&package);
        if n != CAROL {
            self.carol.apply(&package);
        }
        package
    }

    /// What is in a package that Alice can open.
    pub(crate) fn parts(&self, package: &[u8]) -> Parts {
        inside(package, &[self.alice.who.reader()])
    }
}

pub(crate) fn histories() -> Vec<Value> {
    vec![
        life(),
        removed(),
        race(),
        race_addition(),
        fork(),
        fork_goes_on(),
        left_out(),
        join_shared(),
        join_shared_gap(),
        join_shared_forged(),
        granted(),
        behind(),
        not_behind(),
        recovered(),
        recovered_with_a_gap(),
        replays(),
        replaced(),
        leaving(),
        copied(),
        tampered(),
        forged_author(),
        other_room(),
        full(),
        displaced(),
        kept(),
        raced(),
        demoted(),
    ]
}

fn life() -> Value {
    let mut all = begin("life", HistoryPolicy::FromJoin);
    let mut play = all.bobs("history-life", "somebody comes, writes and is removed; a refresh");
    play.hear(&all.alice.says(b"Welcome."));
    let added = all.adds(DAVE);
    let mut dave = Device::join(&person(DAVE, 0), &person(ALICE, 0), &added);
    play.apply(&added);
    play.hear(&dave.says(b"Hello."));
    play.apply(&all.removes(DAVE));
    play.hear(&dave.says(b"Am I still here?"));
    let refreshed = all.carol.makes(Room::refresh);
    all.alice.apply(&refreshed);
    play.apply(&refreshed);
    play.hear(&all.carol.says(b"New keys."));
    play.apply(&refreshed);
    play.end(OK)
}

fn removed() -> Value {
    let mut all = begin("removed", HistoryPolicy::FromJoin);
    let dave = person(DAVE, 0);
    let added = all.adds(DAVE);
    let mut play = Play::new("history-removed", "removed, an old package shown again, and added again", &[&dave]);
    play.join(&added, &person(ALICE, 0), &[]);
    let removal = all.removes(DAVE);
    play.apply(&removal);
    play.hear(&all.alice.says(b"Without Dave."));
    play.join(&added, &person(ALICE, 0), &[]);
    let again = all.adds(DAVE);
    play.join(&again, &person(ALICE, 0), &[]);
    play.hear(&all.alice.says(b"Dave is back."));
    play.end(("decrypt", None))
}

fn race() -> Value {
    let mut all = begin("race", HistoryPolicy::FromJoin);
    let mut play =
        all.bobs("history-race", "a member refreshes first, an admin removes them: the removal takes its place");
    let refreshed = all.carol.makes(Room::refresh);
    let removal = all.removes(CAROL);
    play.apply(&refreshed);
    let late = all.carol.says(b"Still here?");
    play.hear(&late);
    play.apply(&removal);
    play.hear(&all.alice.says(b"Carol is gone."));
    play.hear(&all.carol.says(b"Am I?"));
    play.end(OK)
}

fn race_addition() -> Value {
    let mut all = begin("race addition", HistoryPolicy::FromJoin);
    let mut play =
        all.bobs("history-race-addition", "a member refreshes first, an admin adds somebody: the refresh stays");
    let refreshed = all.carol.makes(Room::refresh);
    let added = all.alice.makes(|room| room.add(&[(person(DAVE, 0).public(), Role::Member)]));
    play.apply(&refreshed);
    play.apply(&added);
    play.hear(&all.alice.says(b"On the other branch."));
    play.settle();
    play.end(OK)
}

fn fork() -> Value {
    let mut all = begin("fork", HistoryPolicy::FromJoin);
    let mut play = all.bobs("history-fork", "one admin shows two packages with one parent: both are kept, and settled");
    let mut other = all.alice.copy(&person(ALICE, 0));
    let (one, two) = (all.alice.makes(Room::refresh), other.makes(Room::refresh));
    play.apply(&one);
    play.apply(&two);
    play.apply(&two);
    play.hear(&all.alice.says(b"here"));
    play.hear(&other.says(b"there"));
    play.settle();
    play.hear(&all.alice.says(b"here again"));
    play.hear(&other.says(b"there again"));
    play.end(OK)
}

fn fork_goes_on() -> Value {
    let mut all = begin("fork goes on", HistoryPolicy::FromJoin);
    let mut play = all.bobs("history-fork-goes-on", "each branch goes on; the reader goes over to the longer one");
    let mut other = all.alice.copy(&person(ALICE, 0));
    for n in 0..2 {
        let one = all.alice.makes(Room::refresh);
        let two = match n {
            0 => other.makes(|room| room.remove(&[*person(CAROL, 0).public().fingerprint()])),
            _ => other.makes(Room::refresh),
        };
        play.apply(&one);
        play.apply(&two);
    }
    play.settle();
    play.hear(&other.says(b"Without Carol."));
    play.end(OK)
}

fn left_out() -> Value {
    let mut all = begin("left out", HistoryPolicy::FromJoin);
    let mut play =
        all.bobs("history-left-out", "wrapped to a stranger in the reader's place: the next package leads on");
    let first = all.parts(&all.package);
    let (_, transcript) = keys(&first);
    let mut next = first.clone();
    (next.body.epoch, next.body.previous, next.previous) = (1, transcript, Some(first.secret));
    let [alice, carol, erin] = [ALICE, CAROL, ERIN].map(|n| person(n, 0));
    let made = Forge::new(&[&alice, &carol, &erin], &alice).seal("left out", &next.body, &next.content());
    all.alice.apply(&made);
    all.carol.apply(&made);
    play.apply(&made);
    let later = all.makes(Room::refresh);
    play.apply(&later);
    play.catch_up(&[&later, &made]);
    play.hear(&all.carol.says(b"Bob is back."));
    play.end(("decrypt", None))
}

/// Message key and transcript of epoch 0, which Alice signed.
fn keys(parts: &Parts) -> ([u8; 32], [u8; 32]) {
    crate::rooms::keys_of(&crate::rooms::epoch_value(&fingerprint(&person(ALICE, 0)), parts))
}

/// A shared room into which Erin comes at epoch 2: the packages of epochs 0 to 2.
fn shared(id: &str) -> (Begin, [Vec<u8>; 3], Vec<Vec<u8>>) {
    let mut all = begin(id, HistoryPolicy::Shared);
    let mut said = vec![all.carol.says(b"At first.")];
    let one = all.makes(Room::refresh);
    said.push(all.carol.says(b"Then."));
    let two = all.adds(ERIN);
    said.push(all.carol.says(b"Erin is here."));
    let packages = [all.package.clone(), one, two];
    (all, packages, said)
}

fn join_shared() -> Value {
    let (mut all, [zero, one, two], said) = shared("join shared");
    let mut play = Play::new("history-join-shared", "a newcomer reads all that was before", &[&person(ERIN, 0)]);
    play.join(&two, &person(ALICE, 0), &[&one, &zero]);
    said.iter().for_each(|message| play.hear(message));
    play.apply(&all.makes(Room::refresh));
    play.end(OK)
}

fn join_shared_gap() -> Value {
    let (_, [zero, one, two], _) = shared("join shared gap");
    let mut play = Play::new("history-join-shared-gap", "the past with a gap, and then whole", &[&person(ERIN, 0)]);
    play.join(&two, &person(ALICE, 0), &[&zero]);
    play.join(&two, &person(ALICE, 0), &[&one, &zero]);
    play.end(("decrypt", None))
}

fn join_shared_forged() -> Value {
    let (all, [zero, one, two], _) = shared("join shared forged");
    let carol = person(CAROL, 0);
    let forged = signed_again(&one, &all.parts(&one).secret, &carol, &carol);
    let comment = "the past signed by another member, who could open it";
    let mut play = Play::new("history-join-shared-forged", comment, &[&person(ERIN, 0)]);
    play.join(&two, &person(ALICE, 0), &[&forged, &zero]);
    play.join(&two, &person(ALICE, 0), &[&one, &zero]);
    play.end(room("ROOM-16"))
}

/// The same header and payload under another signature: who claims to have signed, and whose key did.
fn signed_again(package: &[u8], dek: &[u8; 32], claims: &Identity, by: &Identity) -> Vec<u8> {
    let locked = Locked::decode(package, &Limits::default()).unwrap();
    let head = package.len() - locked.payload().len();
    let (header, commitment, chunk) =
        (&package[..head - 32], &package[head - 32..head], &package[head..package.len() - 112]);
    let (h, signer) = (sha256(header), fingerprint(claims));
    let signed = [&signer[..], &[1], &h, commitment, &sha256(&sha256(chunk))].concat();
    let [_, key] = hazmat::identity_keys(by).unwrap();
    let key = P256PrivateKey::from_pkcs8_der(key.expose()).unwrap();
    let mut signature = [0; 64];
    let digest = sha256(&sign_input("envelope signature", &signed));
    key.sign_digest(&digest, &mut signature, &mut SeedRng::new(b"")).unwrap();
    let keys = derive(dek, "signature", &h, 44);
    let block = gcm_seal(&keys[..32], &keys[32..], &[&signer[..], &signature].concat());
    [header, commitment, chunk, &block].concat()
}

fn granted() -> Value {
    let mut all = begin("granted", HistoryPolicy::FromJoin);
    let early = all.carol.says(b"Before.");
    all.makes(Room::refresh);
    let later = all.carol.says(b"Later.");
    let added = all.adds(ERIN);
    let erin = person(ERIN, 0);
    let mut play = Play::new("history-granted", "a newcomer reads nothing from before, until it is granted", &[&erin]);
    play.join(&added, &person(ALICE, 0), &[]);
    play.hear(&early);
    let rng = &mut SeedRng::new(b"grant");
    let alice = &all.alice;
    let mut grant = |first, last| {
        let range = Epoch::new(first)..=Epoch::new(last);
        alice.room.grant_history(range, &[erin.public()], &alice.who.sender(), rng).unwrap()
    };
    let (gap, one, both) = (grant(0, 0), grant(1, 1), grant(0, 1));
    play.grant(&gap, &person(ALICE, 0));
    play.grant(&one, &person(CAROL, 0));
    play.grant(&one, &person(ALICE, 0));
    play.hear(&later);
    play.hear(&early);
    play.grant(&both, &person(ALICE, 0));
    play.hear(&early);
    play.end(("unknown", None))
}

fn behind() -> Value {
    let mut all = begin("behind", HistoryPolicy::FromJoin);
    let mut play = all.bobs("history-behind", "a package is missing: the reader is behind until it comes");
    let (one, two) = (all.makes(Room::refresh), all.makes(Room::refresh));
    play.apply(&two);
    play.hear(&all.alice.says(b"Where are you?"));
    play.apply(&one);
    play.apply(&two);
    play.hear(&all.alice.says(b"Here."));
    play.end(("unknown", None))
}

fn not_behind() -> Value {
    let mut all = begin("not behind", HistoryPolicy::FromJoin);
    let mut play = all.bobs("history-not-behind", "a plain member's package without a parent does not stop the reader");
    all.makes(Room::refresh);
    let two = all.carol.makes(Room::refresh);
    play.apply(&two);
    play.hear(&all.alice.says(b"One epoch later."));
    play.end(room("ROOM-08"))
}

fn recovered() -> Value {
    let mut all = begin("recovered", HistoryPolicy::FromJoin);
    let early = all.alice.says(b"Before.");
    let (one, two) = (all.makes(Room::refresh), all.makes(Room::refresh));
    let zero = all.package.clone();
    let mut play =
        Play::new("history-recovered", "from packages alone, in any order; then somebody vouches", &[&person(BOB, 0)]);
    play.recover(&[&two, &zero, &one, &two]);
    play.hear(&early);
    let nonce = [0x5a; 32];
    let rng = &mut SeedRng::new(b"vouch");
    let carol = person(CAROL, 0);
    let mut vouch = |nonce: &[u8; 32]| all.carol.room.vouch(nonce, &carol.sender(), rng).unwrap();
    let (old, good) = (vouch(&[1; 32]), vouch(&nonce));
    play.confirm(&old, &nonce, &carol);
    play.confirm(&good, &nonce, &person(ALICE, 0));
    play.confirm(&good, &nonce, &carol);
    play.apply(&all.makes(Room::refresh));
    play.end(room("ROOM-23"))
}

fn recovered_with_a_gap() -> Value {
    let mut all = begin("gap", HistoryPolicy::FromJoin);
    let zero = all.package.clone();
    let added = all.adds(DAVE);
    let (two, three) = (all.makes(Room::refresh), all.makes(Room::refresh));
    let comment = "an addition is missing: what is after it begins a further run; then it comes";
    let mut play = Play::new("history-recovered-gap", comment, &[&person(BOB, 0)]);
    play.recover(&[&zero, &three, &two]);
    play.accept_head();
    play.apply(&added);
    play.hear(&all.alice.says(b"All there."));
    play.end(OK)
}

fn replays() -> Value {
    let mut all = begin("replays", HistoryPolicy::FromJoin);
    let mut play = all
        .bobs("history-replays", "twice, skipped, late, over a change, and a number used again by a restored device");
    let mut restored = all.alice.copy(&person(ALICE, 0));
    let said: Vec<Vec<u8>> = (0..4_u8).map(|n| all.alice.says(&[n])).collect();
    for n in [0, 0, 3, 1, 3] {
        play.hear(&said[n]);
    }
    play.hear(&restored.says(b"Again zero."));
    play.apply(&all.makes(Room::refresh));
    play.hear(&said[2]);
    play.hear(&said[2]);
    play.hear(&all.alice.says(b"Four."));
    play.end(OK)
}

fn replaced() -> Value {
    let mut all = begin("replaced", HistoryPolicy::FromJoin);
    let bobs = [person(BOB, 1), person(BOB, 0)];
    let comment = "the reader's own fingerprint is replaced: the new keys open what comes";
    let mut play = Play::new("history-replaced", comment, &[&bobs[0], &bobs[1]]);
    play.join(&all.package, &person(ALICE, 0), &[]);
    let before = all.carol.says(b"To the old keys.");
    let package = all.makes(|room| room.replace(&step_of(BOB)));
    play.apply(&package);
    play.hear(&before);
    play.hear(&all.carol.says(b"To the new keys."));
    play.apply(&all.makes(Room::refresh));
    play.end(OK)
}

fn leaving() -> Value {
    let mut all = begin("leaving", HistoryPolicy::FromJoin);
    let mut play = all.bobs("history-leaving", "somebody leaves, is added again, and the old statement comes again");
    let carol = person(CAROL, 0);
    let statement = all.carol.room.leave(&carol.sender(), &mut SeedRng::new(b"leave")).unwrap();
    play.leave(&statement);
    play.apply(&all.makes(Room::refresh));
    play.leave(&statement);
    play.apply(&all.removes(CAROL));
    play.leave(&statement);
    let again = all.alice.makes(|room| room.add(&[(carol.public(), Role::Member)]));
    play.apply(&again);
    play.leave(&statement);
    play.end(room("ROOM-21"))
}

fn copied() -> Value {
    let mut all = begin("copied", HistoryPolicy::FromJoin);
    let mut play = all.bobs(
        "history-copied",
        "the same package under another signature: the author's is held, another's is another epoch",
    );
    let package = all.makes(Room::refresh);
    let dek = all.parts(&package).secret;
    let (alice, carol) = (person(ALICE, 0), person(CAROL, 0));
    play.apply(&package);
    play.apply(&signed_again(&package, &dek, &alice, &alice));
    play.apply(&signed_again(&package, &dek, &carol, &carol));
    play.settle();
    play.end(OK)
}

fn tampered() -> Value {
    let mut all = begin("tampered", HistoryPolicy::FromJoin);
    let mut play = all.bobs("history-tampered", "changed copies come first: none of them leaves a trace");
    let package = all.makes(Room::refresh);
    let len = package.len();
    for at in [20, 60, len - 200, len - 1] {
        play.apply(&flipped(&package, at));
    }
    play.apply(&package[..len - 1]);
    play.apply(&package);
    let message = all.alice.says(b"Hello.");
    play.hear(&flipped(&message, message.len() - 1));
    play.hear(&flipped(&message, 50));
    play.hear(&message);
    play.end(("decrypt", None))
}

fn forged_author() -> Value {
    let mut all = begin("forged", HistoryPolicy::FromJoin);
    let mut play = all.bobs("history-forged-author", "a member signs in an admin's name");
    let package = all.makes(Room::refresh);
    let dek = all.parts(&package).secret;
    play.apply(&signed_again(&package, &dek, &person(ALICE, 0), &person(CAROL, 0)));
    play.apply(&package);
    play.end(("signature", None))
}

fn other_room() -> Value {
    let mut all = begin("other room", HistoryPolicy::FromJoin);
    let mut other = begin("elsewhere", HistoryPolicy::FromJoin);
    let mut play = all.bobs("history-other-room", "a package and a message of another room");
    play.apply(&other.makes(Room::refresh));
    play.hear(&other.alice.says(b"Elsewhere."));
    play.apply(&all.makes(Room::refresh));
    play.end(room("ROOM-03"))
}

/// 64 branches by an admin beside the own one, and another.
fn full() -> Value {
    let mut all = begin("full", HistoryPolicy::FromJoin);
    let mut play =
        all.bobs("history-full", "64 branches by an admin are kept, and no 65th; what follows one of them is");
    let mut other = all.alice.copy(&person(ALICE, 0));
    let packages: Vec<Vec<u8>> = (0..66).map(|_| all.alice.package(Room::refresh)).collect();
    packages.iter().for_each(|package| play.apply(package));
    other.apply(&packages[7]);
    play.apply(&other.makes(Room::refresh));
    play.end(OK)
}

/// 64 branches by a member, and one by an admin, which takes the place of one of them.
fn displaced() -> Value {
    let mut all = begin("displaced", HistoryPolicy::FromJoin);
    let mut play = all.bobs(
        "history-displaced",
        "64 branches by a member: an admin's takes the place of the one with the greatest transcript",
    );
    let mut head = all.alice.copy(&person(ALICE, 0));
    let by_admin = all.alice.package(|room| room.remove(&[*person(CAROL, 0).public().fingerprint()]));
    let packages: Vec<Vec<u8>> = (0..64).map(|_| all.carol.package(Room::refresh)).collect();
    play.apply(&head.makes(Room::refresh));
    packages.iter().for_each(|package| play.apply(package));
    play.apply(&by_admin);
    play.end(OK)
}
