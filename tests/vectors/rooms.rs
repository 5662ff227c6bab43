//! The vectors of rooms: stories told by the crate, and packages that no honest writer makes. SPEC §16, §18, §19.

use crate::samples::{SeedRng, cast, class, hex, unhex};
use sealroom::*;
use serde_json::{Value, json};

/// A RoomEpoch in parts. SPEC §18.1
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) creator: [u8; 32],
    pub(crate) nonce: [u8; 16],
    pub(crate) epoch: u64,
    pub(crate) previous: [u8; 32],
    pub(crate) history: u8,
    pub(crate) adds: u8,
    pub(crate) roster: Vec<([u8; 32], u8)>,
}

/// A vector's length prefix. SPEC §3
pub(crate) fn prefix(len: usize) -> Vec<u8> {
    match len {
        0..64 => vec![len as u8],
        64..16_384 => (len as u16 | 0x4000).to_be_bytes().to_vec(),
        _ => (len as u32 | 0x8000_0000).to_be_bytes().to_vec(),
    }
}

impl Body {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = [&self.creator[..], &self.nonce, &self.epoch.to_be_bytes(), &self.previous].concat();
        out.extend([self.history, self.adds]);
        out.extend(prefix(33 * self.roster.len()));
        for (fingerprint, role) in &self.roster {
            out.extend(fingerprint);
            out.push(*role);
        }
        out
    }

    /// The body at the start of `bytes`, and how long it is.
    pub(crate) fn decode(bytes: &[u8]) -> (Self, usize) {
        let (len, used) = match bytes[90] >> 6 {
            0 => (usize::from(bytes[90]), 1),
            _ => (usize::from(u16::from_be_bytes([bytes[90] & 0x3f, bytes[91]])), 2),
        };
        let members = &bytes[90 + used..90 + used + len];
        let body = Self {
            creator: bytes[..32].try_into().unwrap(),
            nonce: bytes[32..48].try_into().unwrap(),
            epoch: u64::from_be_bytes(bytes[48..56].try_into().unwrap()),
            previous: bytes[56..88].try_into().unwrap(),
            history: bytes[88],
            adds: bytes[89],
            roster: members.chunks(33).map(|member| (member[..32].try_into().unwrap(), member[32])).collect(),
        };
        (body, 90 + used + len)
    }
}

/// A whole package's content in parts, and what it was sealed with.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) body: Body,
    pub(crate) previous: Option<[u8; 32]>,
    pub(crate) transition: Vec<u8>,
    pub(crate) secret: [u8; 32],
    pub(crate) commitment: [u8; 32],
}

impl Parts {
    pub(crate) fn content(&self) -> Vec<u8> {
        let mut out = self.body.encode();
        out.push(u8::from(self.previous.is_some()));
        out.extend(self.previous.iter().flatten());
        out.extend(prefix(self.transition.len()));
        out.extend(&self.transition);
        out
    }

    fn decode(dek: [u8; 32], content: &[u8], commitment: [u8; 32]) -> Self {
        let (body, mut at) = Body::decode(content);
        let has_previous = content[at] == 1;
        at += 1;
        let previous = has_previous.then(|| content[at..at + 32].try_into().unwrap());
        at += if has_previous { 32 } else { 0 };
        let transition_len = match content[at] >> 6 {
            0 => usize::from(content[at]),
            _ => usize::from(u16::from_be_bytes([content[at] & 0x3f, content[at + 1]])),
        };
        Self { body, previous, transition: content[content.len() - transition_len..].to_vec(), secret: dek, commitment }
    }
}

/// The people of the stories.
pub(crate) struct People {
    pub(crate) dave: Identity,
    pub(crate) erin: Identity,
    pub(crate) bob_1: Identity,
    pub(crate) dave_1: Identity,
    pub(crate) bobs_transition: Transition,
    pub(crate) daves_transition: Transition,
}

pub(crate) fn people() -> People {
    let mut rng = SeedRng::new(b"people of rooms");
    let mut person =
        |n: u8, generation| Root::from_bip39_seed(&[n; 64]).identity(Profile::P256, generation, &mut rng).unwrap();
    let (bob_1, dave, dave_1, erin) = (person(2, 1), person(4, 0), person(4, 1), person(5, 0));
    let succeed = |n: u8, old: &Identity, new: &Identity| {
        Root::from_bip39_seed(&[n; 64]).succeed(old, new, &mut SeedRng::new(b"succeed")).unwrap()
    };
    let bobs_transition = succeed(2, &cast().bob, &bob_1);
    let daves_transition = succeed(4, &dave, &dave_1);
    People { dave, erin, bob_1, dave_1, bobs_transition, daves_transition }
}

pub(crate) fn fingerprint(identity: &Identity) -> [u8; 32] {
    *identity.public().fingerprint().as_bytes()
}

/// How a vector gives an identity's encryption key.
pub(crate) fn key_of(identity: &Identity) -> Value {
    let kind = if identity.public().profile() == Profile::P256 { "p256" } else { "rsa" };
    let [encryption, _] = hazmat::identity_keys(identity).unwrap();
    json!({"kind": kind, "pkcs8": hex(encryption.expose()), "recipient_id": hex(&fingerprint(identity))})
}

/// What is inside of a package that one of `readers` can open.
pub(crate) fn inside(package: &[u8], readers: &[Reader<'_>]) -> Parts {
    let locked = Locked::decode(package, &Limits::default()).unwrap();
    let unlocked = locked.unlock(readers, &mut SeedRng::new(b"inside")).unwrap();
    let (dek, content) = hazmat::dek_and_content(unlocked, locked.payload()).unwrap();
    let head_len = package.len() - locked.payload().len();
    Parts::decode(dek, &content, package[head_len - 32..head_len].try_into().unwrap())
}

/// An epoch as vectors give it.
pub(crate) fn epoch_value(signer: &[u8; 32], parts: &Parts) -> Value {
    json!({"signer": hex(signer), "body": hex(&parts.body.encode()), "commitment": hex(&parts.commitment),
        "secret": hex(&parts.secret)})
}

/// A RoomState of one epoch. SPEC §18.9
pub(crate) fn state_of(epoch: &Value, me: &[u8; 32]) -> Vec<u8> {
    let text = |name: &str| unhex(epoch[name].as_str().unwrap());
    let (kind, key) = if epoch["secret"].is_string() { (1, text("secret")) } else { (2, text("message_key")) };
    let transcript = keys_of(epoch).1;
    let stored = [&text("signer")[..], &[1], &text("body"), &text("commitment"), &[kind], &key].concat();
    let mut state = [&[32][..], me, &[7; 8], &[0; 8], &[1], &[0; 8], &transcript].concat();
    state.extend(prefix(stored.len()));
    state.extend(stored);
    state.extend([0; 8]);
    state.push(0);
    state
}

/// Message key and transcript of an epoch in a vector. SPEC §18.1
pub(crate) fn keys_of(epoch: &Value) -> ([u8; 32], [u8; 32]) {
    let text = |name: &str| unhex(epoch[name].as_str().unwrap());
    let signed = [text("signer"), text("body"), text("commitment")].concat();
    let hash = hazmat::sha256(&hazmat::sign_input("room epoch", &signed));
    let derived =
        |key: &[u8; 32], label| -> [u8; 32] { hazmat::derive(key, label, &hash, 32).unwrap().try_into().unwrap() };
    let message_key = if epoch["secret"].is_string() {
        derived(&bytes(&epoch["secret"]), "messages")
    } else {
        bytes(&epoch["message_key"])
    };
    (message_key, derived(&message_key, "room transcript"))
}

fn identities(vector: &Value) -> Vec<PublicIdentity> {
    let list = vector["identities"].as_array().unwrap();
    list.iter().map(|text| PublicIdentity::from_bytes(&unhex(text.as_str().unwrap())).unwrap()).collect()
}

fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    unhex(value.as_str().unwrap()).try_into().unwrap()
}

/// Reads a package vector as a stranger would: gives the room after it.
pub(crate) fn read_package(vector: &Value) -> Result<Room, Error> {
    let package = unhex(vector["package"].as_str().unwrap());
    let identities = identities(vector);
    let mut rng = SeedRng::new(b"blinding");
    let (p256, rsa);
    let key = &vector["key"];
    let readers = match key["kind"].as_str() {
        Some("p256") => {
            p256 = P256PrivateKey::from_pkcs8_der(&unhex(key["pkcs8"].as_str().unwrap())).unwrap();
            vec![hazmat::p256_reader(&p256, bytes(&key["recipient_id"]))]
        }
        Some("rsa") => {
            rsa = RsaPrivateKey::from_pkcs8_der(&unhex(key["pkcs8"].as_str().unwrap())).unwrap();
            vec![hazmat::rsa_reader(&rsa, bytes(&key["recipient_id"]))]
        }
        _ => vec![],
    };
    if vector["parent"].is_null() {
        let inviter = Fingerprint::from_bytes(bytes(&vector["inviter"]));
        let inviter = Directory::identity(&identities, &inviter).unwrap();
        let joining = Room::join(&package, inviter, &readers, &mut rng)?;
        // Under shared history the rest would follow: what was joined is looked at as it is.
        return Ok(match joining.wanted() {
            None => joining.finish()?,
            Some(_) => {
                let parts = inside(&package, &readers);
                let epoch = epoch_value(inviter.fingerprint().as_bytes(), &parts);
                hazmat::room_of_state(&state_of(&epoch, &bytes(&key["recipient_id"]))).unwrap()
            }
        });
    }
    let (body, _) = Body::decode(&unhex(vector["parent"]["body"].as_str().unwrap()));
    let me = if key.is_null() { body.roster[0].0 } else { bytes(&key["recipient_id"]) };
    let mut room = hazmat::room_of_state(&state_of(&vector["parent"], &me)).unwrap();
    let before = hazmat::room_state(&room);
    let applied = match vector["secret"].as_str() {
        Some(secret) => {
            let locked = Locked::decode(&package, &Limits::default())?;
            let unlocked = hazmat::unlock_dek(&locked, unhex(secret).try_into().unwrap())?;
            room.apply_unlocked(&package, unlocked, &identities)
        }
        None => room.apply(&package, &readers, &identities, &mut rng),
    };
    match applied {
        Ok(Applied::Head { .. }) => Ok(room),
        Ok(other) => panic!("{}: {other:?}", vector["id"]),
        Err(error) => {
            assert_eq!(before, hazmat::room_state(&room), "{}", vector["id"]);
            Err(error)
        }
    }
}

/// Class and tag of an error.
pub(crate) fn class_of(error: Error) -> (&'static str, Option<&'static str>) {
    match error {
        Error::Room { check } => ("room", Some(check)),
        Error::Link { check } => ("link", Some(check)),
        Error::Proof { check } => ("proof", Some(check)),
        error => (class(&Err(error)), None),
    }
}

/// Collects package vectors, each of which is read as soon as it was made.
pub(crate) struct Packages {
    pub(crate) vectors: Vec<Value>,
    pub(crate) identities: Vec<Value>,
}

/// From whose view a package is read.
#[derive(Clone)]
pub(crate) struct View<'a> {
    pub(crate) reader: &'a Identity,
    /// Null for a join.
    pub(crate) parent: Value,
    pub(crate) inviter: &'a Identity,
}

impl Packages {
    fn vector(&self, id: &str, comment: &str, package: &[u8], view: &View<'_>) -> Value {
        let inviter = if view.parent.is_null() { json!(hex(&fingerprint(view.inviter))) } else { Value::Null };
        json!({"id": id, "comment": comment, "flags": [id], "kind": "package", "package": hex(package),
            "key": key_of(view.reader), "parent": view.parent, "inviter": inviter,
            "me": hex(&fingerprint(view.reader)), "identities": self.identities})
    }

    /// One that is taken; gives the new epoch.
    pub(crate) fn valid(&mut self, id: &str, comment: &str, package: &[u8], view: &View<'_>) -> Value {
        let mut vector = self.vector(id, comment, package, view);
        vector["flags"] = json!(["valid"]);
        let room = read_package(&vector).unwrap_or_else(|error| panic!("{id}: {error}"));
        let keys = hazmat::epoch_keys(&room, room.transcript()).unwrap();
        let locked = Locked::decode(package, &Limits::default()).unwrap();
        let unlocked = hazmat::unlock_dek(&locked, keys.secret.unwrap()).unwrap();
        let (_, content) = hazmat::dek_and_content(unlocked, locked.payload()).unwrap();
        let head_len = package.len() - locked.payload().len();
        let parts = Parts::decode(keys.secret.unwrap(), &content, package[head_len - 32..head_len].try_into().unwrap());
        let signer = room.epochs().last().unwrap().2;
        let epoch = epoch_value(signer.as_bytes(), &parts);
        let fields = [
            ("room_id", json!(hex(room.id().as_bytes()))),
            ("epoch", epoch.clone()),
            ("transcript", json!(hex(room.transcript().as_bytes()))),
            ("message_key", json!(hex(&keys.message_key))),
            ("epoch_kek", json!(hex(&keys.epoch_kek.unwrap()))),
            ("previous_secret", parts.previous.map_or(Value::Null, |secret| json!(hex(&secret)))),
            ("yielding", json!(keys.yielding)),
            ("code", json!(room.code().to_string())),
            ("result", json!("ok")),
        ];
        let object = vector.as_object_mut().unwrap();
        object.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self.vectors.push(vector);
        epoch
    }

    /// One that is refused for exactly this.
    pub(crate) fn refused(
        &mut self,
        (id, comment): (&str, &str),
        package: &[u8],
        view: &View<'_>,
        expected: (&str, Option<&str>),
    ) {
        let mut vector = self.vector(id, comment, package, view);
        let error = read_package(&vector).expect_err(id);
        assert_eq!(class_of(error), expected, "{id}");
        vector["result"] = json!(expected.0);
        if let Some(check) = expected.1 {
            vector["check"] = json!(check);
        }
        self.vectors.push(vector);
    }
}

/// The people who are in the epochs here.
pub(crate) fn directory(told: &crate::room_packages::Told) -> Vec<PublicIdentity> {
    let decode = |text: &Value| PublicIdentity::from_bytes(&unhex(text.as_str().unwrap())).unwrap();
    told.identities.iter().map(decode).collect()
}

pub(crate) fn text(value: &Value, name: &str) -> Vec<u8> {
    unhex(value[name].as_str().unwrap())
}

/// A room of one member at one epoch.
pub(crate) fn room_at(epoch: &Value, me: &Identity) -> Room {
    hazmat::room_of_state(&state_of(epoch, &fingerprint(me))).unwrap()
}

/// A StoredEpoch. SPEC §18.9
pub(crate) fn stored(epoch: &Value, branch: u8) -> Vec<u8> {
    let (kind, key) = match epoch["secret"].is_string() {
        true => (1, text(epoch, "secret")),
        false => (2, text(epoch, "message_key")),
    };
    [&text(epoch, "signer")[..], &[branch], &text(epoch, "body"), &text(epoch, "commitment"), &[kind], &key].concat()
}

pub(crate) fn transcript_of(epoch: &Value) -> [u8; 32] {
    keys_of(epoch).1
}

/// The content of a state with these epochs, as (epoch, branch); the last but those of evidence is the head.
pub(crate) fn state(me: &[u8; 32], epochs: &[(&Value, u8)], head: &[u8; 32]) -> Vec<u8> {
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

pub(crate) fn room_of(epochs: &[Value], me: &Identity) -> Room {
    let list: Vec<_> = epochs.iter().map(|epoch| (epoch, 1)).collect();
    hazmat::room_of_state(&state(&fingerprint(me), &list, &transcript_of(epochs.last().unwrap()))).unwrap()
}
