//! What one reader of a room is given, step by step, and what comes of it. SPEC §18, §19.

use crate::hold::{Expected, OK, vector};
use crate::room_views::{standing, view};
use crate::rooms::{class_of, fingerprint};
use crate::samples::{SeedRng, hex};
use sealroom::*;
use serde_json::{Value, json};
use std::sync::OnceLock;

/// Somebody of the stories: the same for the same number and generation.
pub(crate) fn person(n: u8, generation: usize) -> Identity {
    static MADE: OnceLock<Vec<[Identity; 2]>> = OnceLock::new();
    let make = |n: u8, generation| {
        Root::from_bip39_seed(&[n; 64]).identity(Profile::P256, generation, &mut SeedRng::new(b"person")).unwrap()
    };
    let made = MADE.get_or_init(|| (0..=7).map(|n| [make(n, 0), make(n, 1)]).collect());
    made[usize::from(n)][generation].clone()
}

pub(crate) fn step_of(n: u8) -> Transition {
    Root::from_bip39_seed(&[n; 64]).succeed(&person(n, 0), &person(n, 1), &mut SeedRng::new(b"step")).unwrap()
}

/// Another's device, of which only its packages and messages are given to the reader.
pub(crate) struct Device {
    pub(crate) who: Identity,
    pub(crate) room: Room,
    rng: SeedRng,
}

impl Device {
    pub(crate) fn join(who: &Identity, inviter: &Identity, package: &[u8]) -> Self {
        let mut rng = SeedRng::new(&[package, &fingerprint(who)].concat());
        let joining = Room::join(package, inviter.public(), &[who.reader()], &mut rng).unwrap();
        Self { who: who.clone(), room: joining.finish().unwrap(), rng }
    }

    /// As it was stored.
    pub(crate) fn of(who: &Identity, state: &[u8]) -> Self {
        let rng = SeedRng::new(&[state, &fingerprint(who)].concat());
        Self { who: who.clone(), room: hazmat::room_of_state(state).unwrap(), rng }
    }

    /// A second device in the same state, which draws the same.
    pub(crate) fn copy(&self, who: &Identity) -> Self {
        let room = hazmat::room_of_state(&hazmat::room_state(&self.room)).unwrap();
        let drawn = (self.rng.drawn.len() as u64).to_be_bytes();
        Self { who: who.clone(), room, rng: SeedRng::new(&[&fingerprint(who)[..], &drawn].concat()) }
    }

    pub(crate) fn package(&mut self, change: impl FnOnce(&Room) -> Result<Change, Error>) -> Vec<u8> {
        change(&self.room).unwrap().seal(&self.who.sender(), &directory(), &mut self.rng).unwrap()
    }

    pub(crate) fn apply(&mut self, package: &[u8]) -> Applied {
        self.room.apply(package, &[self.who.reader()], &directory(), &mut self.rng).unwrap()
    }

    /// Makes a package and takes it.
    pub(crate) fn makes(&mut self, change: impl FnOnce(&Room) -> Result<Change, Error>) -> Vec<u8> {
        let package = self.package(change);
        self.apply(&package);
        package
    }

    pub(crate) fn says(&mut self, content: &[u8]) -> Vec<u8> {
        self.room.seal(&Draft::new(content), &self.who.sender(), &mut self.rng).unwrap()
    }
}

/// Everybody of the stories, of both generations.
pub(crate) fn directory() -> Vec<PublicIdentity> {
    static MADE: OnceLock<Vec<PublicIdentity>> = OnceLock::new();
    let all = || (1..=5).flat_map(|n| [person(n, 0), person(n, 1)]).map(|who| who.public().clone()).collect();
    MADE.get_or_init(all).clone()
}

/// A story from the view of one reader.
pub(crate) struct Play {
    id: &'static str,
    comment: &'static str,
    /// The reader's generations, in the order in which their keys are tried.
    me: Vec<Identity>,
    room: Option<Room>,
    rng: SeedRng,
    steps: Vec<Value>,
    result: Expected,
}

impl Play {
    pub(crate) fn new(id: &'static str, comment: &'static str, me: &[&Identity]) -> Self {
        let me = me.iter().map(|who| (*who).clone()).collect();
        let (room, rng, steps) = (None, SeedRng::new(id.as_bytes()), Vec::new());
        Self { id, comment, me, room, rng, steps, result: OK }
    }

    fn room(&mut self) -> &mut Room {
        self.room.as_mut().unwrap()
    }

    /// Notes a step with what the room is after it; what is refused leaves it as it was. [ROOM-06]
    fn note(&mut self, before: Option<Vec<u8>>, mut step: Value, answer: Result<Value, Error>) {
        let fields = step.as_object_mut().unwrap();
        match answer {
            Ok(Value::Object(more)) => {
                fields.insert("result".into(), json!("ok"));
                fields.extend(more);
            }
            Ok(_) => panic!("{}", self.id),
            Err(error) => {
                assert_eq!(self.room.as_ref().map(hazmat::room_state), before, "{}", self.id);
                let (class, check) = class_of(error);
                fields.insert("result".into(), json!(class));
                fields.extend(check.map(|check| ("check".to_owned(), json!(check))));
                if self.result == OK {
                    self.result = (class, check);
                }
            }
        }
        if let Some(room) = &self.room {
            fields.insert("transcript".into(), json!(hex(room.transcript().as_bytes())));
            fields.insert("standing".into(), json!(standing(room)));
        }
        self.steps.push(step);
    }

    fn state(&self) -> Option<Vec<u8>> {
        self.room.as_ref().map(hazmat::room_state)
    }

    /// By a package that adds the reader; `past` is what goes before it, the latest first.
    pub(crate) fn join(&mut self, package: &[u8], inviter: &Identity, past: &[&[u8]]) {
        let before = self.state();
        let me = self.me.clone();
        let readers: Vec<Reader<'_>> = me.iter().map(Identity::reader).collect();
        let joined = Room::join(package, inviter.public(), &readers, &mut self.rng).and_then(|mut joining| {
            for package in past {
                joining.past(package, &directory())?;
            }
            match &mut self.room {
                Some(room) => joining.finish_into(room),
                None => joining.finish().map(|room| self.room = Some(room)),
            }
        });
        let past: Vec<String> = past.iter().map(|package| hex(package)).collect();
        let step = json!({"do": "join", "package": hex(package), "inviter": hex(&fingerprint(inviter)), "past": past});
        self.note(before, step, joined.map(|()| json!({})));
    }

    /// As it was stored, by the content of its state. SPEC §18.9
    pub(crate) fn load(&mut self, content: &[u8]) {
        let kek = [0x77; 32];
        let key = || SymmetricKey::take(&mut kek.clone());
        let state = hazmat::room_of_state(content).unwrap().save(&key(), &mut self.rng).unwrap();
        self.room = Some(Room::load(&state, &key()).unwrap());
        self.note(None, json!({"do": "load", "state": hex(&state), "kek": hex(&kek)}), Ok(json!({})));
    }

    pub(crate) fn recover(&mut self, packages: &[&[u8]]) {
        let me = self.me.clone();
        let readers: Vec<Reader<'_>> = me.iter().map(Identity::reader).collect();
        let Ok(Info::RoomEpoch { room, .. }) = inspect(packages[0]) else { panic!("{}", self.id) };
        let recovered = Room::recover(&room, packages, &readers, &directory(), &mut self.rng).unwrap();
        let problems: Value = recovered
            .problems
            .iter()
            .map(|(place, error)| {
                let mut problem = refused(*error);
                problem["package"] = json!(place);
                problem
            })
            .collect();
        self.room = Some(recovered.room);
        let packages: Vec<String> = packages.iter().map(|package| hex(package)).collect();
        self.note(None, json!({"do": "recover", "packages": packages}), Ok(json!({"problems": problems})));
    }

    pub(crate) fn apply(&mut self, package: &[u8]) {
        let before = self.state();
        let me = self.me.clone();
        let readers: Vec<Reader<'_>> = me.iter().map(Identity::reader).collect();
        let applied = self.room.as_mut().unwrap().apply(package, &readers, &directory(), &mut self.rng);
        self.note(before, json!({"do": "apply", "package": hex(package)}), applied.map(|applied| told(&applied)));
    }

    /// Many at once: each has its own answer.
    pub(crate) fn catch_up(&mut self, packages: &[&[u8]]) {
        let me = self.me.clone();
        let readers: Vec<Reader<'_>> = me.iter().map(Identity::reader).collect();
        let answers = self.room.as_mut().unwrap().catch_up(packages, &readers, &directory(), &mut self.rng);
        let answers: Value = answers
            .into_iter()
            .map(|answer| match answer {
                Ok(applied) => {
                    let mut answer = told(&applied);
                    answer["result"] = json!("ok");
                    answer
                }
                Err(error) => refused(error),
            })
            .collect();
        let packages: Vec<String> = packages.iter().map(|package| hex(package)).collect();
        self.note(None, json!({"do": "catch_up", "packages": packages}), Ok(json!({"answers": answers})));
    }

    pub(crate) fn hear(&mut self, message: &[u8]) {
        let before = self.state();
        let heard = self.room().open(message, b"", &directory()).map(|heard| {
            json!({"sender": hex(heard.sender().as_bytes()), "content": hex(heard.content()),
                "sequence": heard.sequence(), "freshness": freshness(heard.freshness()),
                "superseded": heard.is_superseded(), "sender_in_head": heard.sender_in_current_roster()})
        });
        self.note(before, json!({"do": "message", "message": hex(message)}), heard);
    }

    pub(crate) fn grant(&mut self, grant: &[u8], granter: &Identity) {
        let before = self.state();
        let me = self.me.clone();
        let readers: Vec<Reader<'_>> = me.iter().map(Identity::reader).collect();
        let taken = self.room.as_mut().unwrap().accept_grant(grant, granter.public(), &readers, &mut self.rng);
        let step = json!({"do": "grant", "grant": hex(grant), "granter": hex(&fingerprint(granter))});
        self.note(before, step, taken.map(|count| json!({"count": count})));
    }

    pub(crate) fn confirm(&mut self, statement: &HeadStatement, nonce: &[u8; 32], member: &Identity) {
        let before = self.state();
        let confirmed = self.room().confirm(statement, nonce, member.public());
        let step = json!({"do": "confirm", "statement": hex(&statement.to_bytes()), "nonce": hex(nonce),
            "member": hex(&fingerprint(member))});
        self.note(before, step, confirmed.map(|()| json!({})));
    }

    pub(crate) fn leave(&mut self, statement: &LeaveStatement) {
        let before = self.state();
        let checked = self.room().check_leave(statement, &directory());
        let step = json!({"do": "leave", "statement": hex(&statement.to_bytes())});
        self.note(before, step, checked.map(|who| json!({"member": hex(who.as_bytes())})));
    }

    pub(crate) fn accept_head(&mut self) {
        self.room().accept_head();
        self.note(None, json!({"do": "accept_head"}), Ok(json!({})));
    }

    /// To the branch that is recommended.
    pub(crate) fn settle(&mut self) {
        let best = self.room().settle();
        self.room().switch_to(&best).unwrap();
        self.note(None, json!({"do": "settle", "recommended": hex(best.as_bytes())}), Ok(json!({})));
    }

    /// The vector, whose result has to be this one.
    pub(crate) fn end(self, expected: Expected) -> Value {
        assert_eq!(self.result, expected, "{}", self.id);
        let keys: Value = self.me.iter().map(crate::rooms::key_of).collect();
        let people: Value = (1..=5).flat_map(|n| [0, 1].map(|generation| known(n, generation))).collect();
        let room = self.room.as_ref().map(view);
        let fields = json!({"keys": keys, "people": people, "steps": self.steps, "room": room});
        vector("history", self.id, self.comment, expected, fields)
    }
}

/// Somebody whom the reader can look up, with both private keys.
fn known(n: u8, generation: usize) -> Value {
    let (who, name) = (person(n, generation), ["alice", "bob", "carol", "dave", "erin"][usize::from(n) - 1]);
    let [encryption, signing] = hazmat::identity_keys(&who).unwrap();
    json!({"name": format!("{name} {generation}"), "identity": hex(&who.public().to_bytes()),
        "encryption": hex(encryption.expose()), "signing": hex(signing.expose())})
}

fn refused(error: Error) -> Value {
    let (class, check) = class_of(error);
    match check {
        Some(check) => json!({"result": class, "check": check}),
        None => json!({"result": class}),
    }
}

fn told(applied: &Applied) -> Value {
    match applied {
        Applied::Head { author } => json!({"became": "head", "author": hex(author.as_bytes())}),
        Applied::Held => json!({"became": "held"}),
        Applied::Past { author } => json!({"became": "past", "author": hex(author.as_bytes())}),
        Applied::Fork { author, kept } => json!({"became": if *kept { "fork" } else { "fork not kept" },
            "author": hex(author.as_bytes())}),
        Applied::Switched { author } => json!({"became": "switched", "author": hex(author.as_bytes())}),
        Applied::Ahead { author, epoch } => json!({"became": "ahead", "author": hex(author.as_bytes()),
            "epoch": epoch.number()}),
        other => panic!("{other:?}"),
    }
}

/// As in the vectors of replays. SPEC §19.4
pub(crate) fn freshness(freshness: Freshness) -> String {
    match freshness {
        Freshness::Fresh { skipped } => format!("fresh {skipped}"),
        Freshness::Duplicate => "duplicate".to_owned(),
        Freshness::SequenceReused => "reused".to_owned(),
        _ => "old".to_owned(),
    }
}
