//! Segments of keyrings and their entries, right and wrong. SPEC §20.1, §20.2.

use crate::common::hand::{Hand, symmetric_stanza, wrap_info};
use crate::hold::{Expected, OK, vector};
use crate::room_packages::told;
use crate::rooms::{class_of, fingerprint, people, prefix, text};
use crate::samples::{SeedRng, cast, flipped, hex};
use sealroom::*;
use serde_json::{Value, json};

/// Kind and content.
pub(crate) type Entry = (u8, Vec<u8>);

/// A Segment in parts. SPEC §20.1
#[derive(Clone)]
pub(crate) struct Segment {
    pub(crate) device: u8,
    pub(crate) revision: u64,
    pub(crate) kind: u8,
    pub(crate) seen: Vec<(u8, u64)>,
    pub(crate) entries: Vec<Entry>,
}

/// The greatest number that every reader of JSON reads exactly.
pub(crate) const LAST_NUMBER: u64 = (1 << 53) - 1;

pub(crate) const WHOLE: u8 = 1;
pub(crate) const PART: u8 = 2;

/// A part of the device of that number, its entries in their order.
pub(crate) fn part(device: u8, revision: u64, entries: &[Entry]) -> Segment {
    let mut entries = entries.to_vec();
    entries.sort();
    Segment { device, revision, kind: PART, seen: Vec::new(), entries }
}

impl Segment {
    pub(crate) fn whole(self) -> Self {
        Self { kind: WHOLE, ..self }
    }

    pub(crate) fn seen(self, seen: &[(u8, u64)]) -> Self {
        Self { seen: seen.to_vec(), ..self }
    }

    pub(crate) fn content(&self) -> Vec<u8> {
        let seen = revisions(&self.seen);
        let entries = encode(&self.entries);
        let own = [[self.device; 8], self.revision.to_be_bytes()].concat();
        [&own[..], &[self.kind], &prefix(seen.len()), &seen, &prefix(entries.len()), &entries].concat()
    }

    pub(crate) fn seal(&self, id: &str) -> Vec<u8> {
        seal(id, &self.content()).0
    }
}

pub(crate) fn revisions(list: &[(u8, u64)]) -> Vec<u8> {
    list.iter().flat_map(|(device, revision)| [[*device; 8], revision.to_be_bytes()].concat()).collect()
}

pub(crate) fn encode(entries: &[Entry]) -> Vec<u8> {
    entries.iter().flat_map(|(kind, content)| [&[*kind][..], &prefix(content.len()), content].concat()).collect()
}

/// Alice's keyring key.
pub(crate) fn key() -> SymmetricKey {
    cast().alice.keyring_key().unwrap()
}

/// Any content as a segment, and what was drawn for it.
pub(crate) fn seal(id: &str, content: &[u8]) -> (Vec<u8>, Vec<u8>) {
    seal_as(id, ContentType::Keyring, content, &key())
}

pub(crate) fn seal_as(id: &str, kind: ContentType, content: &[u8], key: &SymmetricKey) -> (Vec<u8>, Vec<u8>) {
    let mut rng = SeedRng::new(id.as_bytes());
    let to = [Recipient::symmetric(key)];
    let sealed = hazmat::seal_as(&Envelope::to(&to).padding(Padding::Padme), kind, content, &mut rng).unwrap();
    (sealed, rng.drawn)
}

pub(crate) fn keyring(id: &str) -> Keyring {
    Keyring::new(&mut SeedRng::new(id.as_bytes())).unwrap()
}

/// A Register, of the writer of that number. SPEC §20.2
pub(crate) fn register(number: u8, name: &[u8], clock: u64, device: u8, value: &[u8]) -> Entry {
    let clock = clock.to_be_bytes();
    (4, [&[number][..], &prefix(name.len()), name, &clock, &[device; 8], &prefix(value.len()), value].concat())
}

pub(crate) fn identity(identity: &Identity) -> Entry {
    (2, identity.public().to_bytes())
}

/// A KeptEpoch of an epoch as vectors give it.
pub(crate) fn kept(epoch: &Value) -> Entry {
    let (kind, key) = match epoch["secret"].is_string() {
        true => (1, text(epoch, "secret")),
        false => (2, text(epoch, "message_key")),
    };
    (1, [&text(epoch, "body")[..], &text(epoch, "signer"), &text(epoch, "commitment"), &[kind], &key].concat())
}

/// The same epoch with its message key alone.
pub(crate) fn granted(epoch: &Value) -> Value {
    let mut granted = epoch.clone();
    granted["message_key"] = json!(hex(&crate::rooms::keys_of(epoch).0));
    granted["secret"] = Value::Null;
    granted
}

pub(crate) fn entries_value(entries: &[Entry]) -> Value {
    entries.iter().map(|(kind, content)| json!({"kind": kind, "content": hex(content)})).collect()
}

pub(crate) fn revisions_value(list: &[(u8, u64)]) -> Value {
    list.iter().map(|(device, revision)| json!({"device": hex(&[*device; 8]), "revision": revision})).collect()
}

/// Segments alone: what is in them, and every other form.
pub(crate) fn segments() -> Vec<Value> {
    let mut vectors = valid();
    let mut no = |id: &str, comment: &str, class: &'static str, segment: &[u8]| {
        let mut keyring = keyring(id);
        let error = keyring.merge(segment, &[&key()], &mut SeedRng::new(b"")).expect_err(id);
        assert_eq!((class_of(error), hazmat::keyring_entries(&keyring)), ((class, None), vec![]), "{id}");
        let fields = json!({"key": hex(key().expose()), "segment": hex(segment)});
        vectors.push(vector("segment", id, comment, (class, None), fields));
    };
    for (id, comment, class, segment) in other_envelopes() {
        no(id, comment, class, &segment);
    }
    for (id, comment, class, content) in other_contents() {
        no(id, comment, class, &seal(id, &content).0);
    }
    vectors
}

fn valid() -> Vec<Value> {
    let (bob, carol) = (&cast().bob, &cast().carol);
    let (branch, room) = (&told().branch, room_id());
    let People { bob_1, transition } = successor();
    let bobs = fingerprint(bob);
    let (longest, head) = ([b'x'; 255], crate::rooms::transcript_of(&branch[1]));
    let last = register(3, b"bob", u64::MAX, 1, &bobs);
    let cases = [
        ("segment-empty", "a part with nothing new", part(1, 1, &[])),
        (
            "segment-contact",
            "an identity, and a contact's name that is pinned to it",
            part(1, 1, &[identity(bob), register(3, b"bob", 1, 1, &bobs)]),
        ),
        ("segment-rsa", "an identity of RSA keys: a length of two bytes", part(1, 2, &[identity(carol)])),
        ("segment-seen", "it names what was merged of two devices", part(2, 9, &[]).seen(&[(1, 4), (3, 1)])),
        (
            "segment-whole",
            "a whole one, which covers what it names",
            part(2, 10, &[identity(bob), register(4, &bobs, 2, 1, &[1])]).seen(&[(1, 5)]).whole(),
        ),
        (
            "segment-room",
            "two epochs of a room, its head, and that it was kept",
            part(
                1,
                3,
                &[kept(&branch[0]), kept(&branch[1]), register(1, &room, 1, 1, &head), register(2, &room, 1, 1, &[1])],
            ),
        ),
        ("segment-granted", "an epoch by a granted message key", part(1, 4, &[kept(&granted(&branch[0]))])),
        (
            "segment-transition",
            "two generations and what leads from one to the other",
            part(1, 5, &[identity(bob), identity(bob_1), (3, transition.to_bytes().unwrap())]),
        ),
        ("segment-given-up", "a contact and a room that were given up", {
            part(1, 6, &[register(3, b"bob", 2, 1, &[]), register(2, &room, 2, 1, &[2])])
        }),
        ("segment-not-verified", "what was verified is so no more", part(1, 7, &[register(4, &bobs, 2, 1, &[2])])),
        ("segment-longest-name", "a name of 255 bytes", part(1, 8, &[register(3, &longest, 1, 1, &bobs)])),
        ("segment-last-clock", "the last clock of all", part(1, LAST_NUMBER, &[last])),
        (
            "segment-unknown",
            "entries and a register of a later version, which are kept as they are",
            part(1, 9, &[(77, b"a fact".to_vec()), (255, vec![]), register(99, b"of tomorrow", 3, 1, b"value")]),
        ),
    ];
    let mut vectors = Vec::new();
    for (id, comment, segment) in cases {
        let (sealed, random) = seal(id, &segment.content());
        vectors.push(taken(id, comment, &segment, &sealed, Some(&random)));
    }
    // The number of zeros is the writer's choice.
    let segment = part(1, 1, &[]);
    let plain = [&(segment.content().len() as u64).to_be_bytes()[..], &segment.content(), &[0; 321]].concat();
    vectors.push(taken("segment-more-zeros", "more zeros than Padmé's", &segment, &by_hand(&plain), None));
    vectors
}

/// A padded segment by hand. SPEC §20.1
fn by_hand(plain: &[u8]) -> Vec<u8> {
    let (salt, dek) = ([0x5a; 24], [0xde; 32]);
    let stanzas = symmetric_stanza(key().expose(), &wrap_info(3, 3, &salt, &[0; 32]), &dek);
    Hand { content_type: 3, signature: 0, padding: 1, salt, dek, stanzas, public_data: vec![] }.seal(plain)
}

fn taken(id: &str, comment: &str, segment: &Segment, sealed: &[u8], random: Option<&[u8]>) -> Value {
    let mut keyring = keyring(id);
    assert!(keyring.merge(sealed, &[&key()], &mut SeedRng::new(b"")).is_ok(), "{id}");
    assert_eq!(hazmat::keyring_entries(&keyring), encode(&segment.entries), "{id}");
    let mut fields = json!({"key": hex(key().expose()), "segment": hex(sealed), "content": hex(&segment.content()),
        "device": hex(&[segment.device; 8]), "revision": segment.revision, "segment_kind": segment.kind,
        "seen": revisions_value(&segment.seen), "entries": entries_value(&segment.entries)});
    if let Some(random) = random {
        assert_eq!(random.len(), 56, "{id}");
        fields["random"] = json!(hex(random));
    }
    vector("segment", id, comment, OK, fields)
}

/// Bob's next generation.
pub(crate) struct People {
    pub(crate) bob_1: &'static Identity,
    pub(crate) transition: &'static Transition,
}

pub(crate) fn successor() -> People {
    static PEOPLE: std::sync::OnceLock<crate::rooms::People> = std::sync::OnceLock::new();
    let people = PEOPLE.get_or_init(people);
    People { bob_1: &people.bob_1, transition: &people.bobs_transition }
}

/// The id of the room of the story.
pub(crate) fn room_id() -> [u8; 16] {
    let body = text(&told().branch[0], "body");
    hazmat::sha256(&hazmat::sign_input("room id", &[&body[..48], &body[88..89]].concat()))[..16].try_into().unwrap()
}

/// Id, comment, class, bytes.
type Refused = (&'static str, &'static str, &'static str, Vec<u8>);

fn other_envelopes() -> Vec<Refused> {
    let good = part(1, 1, &[register(2, &[7; 16], 1, 1, &[1])]).seen(&[(2, 1)]);
    let (mine, other, alice) = (key(), SymmetricKey::take(&mut [5; 32]), &cast().alice);
    let (to, both) = ([Recipient::symmetric(&mine)], [Recipient::symmetric(&mine), Recipient::symmetric(&other)]);
    let with_public = [Recipient::symmetric(&mine), alice.public().recipient()];
    let public = [alice.public().recipient()];
    let padme = Padding::Padme;
    let content = good.content();
    let seal = |id: &str, envelope: Envelope<'_>, kind| {
        hazmat::seal_as(&envelope, kind, &content, &mut SeedRng::new(id.as_bytes())).unwrap()
    };
    let segment = ContentType::Keyring;
    let mut all = Vec::new();
    for (id, comment, envelope) in [
        ("segment-unpadded", "not padded", Envelope::to(&to)),
        ("segment-public-data", "a byte of public data", Envelope::to(&to).padding(padme).public_data(&[0])),
        ("segment-two-keys", "to another key as well", Envelope::to(&both).padding(padme)),
        ("segment-to-an-identity", "to an identity as well", Envelope::to(&with_public).padding(padme)),
        ("segment-by-public-key", "to an identity alone", Envelope::to(&public).padding(padme)),
        ("segment-signed", "signed", Envelope::to(&to).padding(padme).signed_by(alice.sender()).without_copy_for_me()),
    ] {
        all.push((id, comment, "malformed", seal(id, envelope, segment)));
    }
    for (id, comment, kind) in [
        ("segment-type-state", "a stored room", ContentType::RoomState),
        ("segment-type-keyring-state", "a stored keyring", ContentType::KeyringState),
        ("segment-type-message", "a message", ContentType::Message),
    ] {
        all.push((id, comment, "unsupported", seal(id, Envelope::to(&to).padding(padme), kind)));
    }
    let others = [Recipient::symmetric(&other)];
    let id = "segment-other-key";
    all.push((id, "another person's", "decrypt", seal(id, Envelope::to(&others).padding(padme), segment)));
    let honest = good.seal("segment-bits");
    let len = honest.len();
    for (id, comment, at) in [
        ("segment-key-id-bit", "a bit of the key id", 36),
        ("segment-wrapped-bit", "a bit of the wrapped key", 60),
        ("segment-chunk-bit", "a bit of the payload", len - 20),
        ("segment-salt-bit", "a bit of the salt", 10),
    ] {
        all.push((id, comment, "decrypt", flipped(&honest, at)));
    }
    let length = (content.len() as u64).to_be_bytes();
    let zeros = [&length[..], &content, &[0, 1]].concat();
    all.push(("segment-zeros", "a byte of the padding is not zero", "decrypt", by_hand(&zeros)));
    all.push(("segment-cut", "a byte is missing", "decrypt", honest[..len - 1].to_vec()));
    all
}

fn other_contents() -> Vec<Refused> {
    let good = part(1, 1, &[register(2, &[7; 16], 1, 1, &[1])]).seen(&[(2, 1)]);
    let (bob, branch) = (&cast().bob, &told().branch);
    let bobs = fingerprint(bob);
    let content = good.content();
    let but = |change: &dyn Fn(&mut Segment)| {
        let mut other = good.clone();
        change(&mut other);
        other.content()
    };
    let entry = |entry: Entry| but(&|segment| segment.entries = vec![entry.clone()]);
    let epoch = kept(&branch[0]).1;
    let epoch_with = |at: usize, byte: u8| {
        let mut other = epoch.clone();
        other[at] = byte;
        entry((1, other))
    };
    let transition = successor().transition.to_bytes().unwrap();
    let kept_register = register(2, &[7; 16], 1, 1, &[1]).1;
    let malformed = |id, comment, content| (id, comment, "malformed", content);
    let longer = {
        // The length of `seen`, 16, in two bytes.
        let mut bytes = content.clone();
        bytes.splice(17..18, [0x40, 16]);
        bytes
    };
    vec![
        malformed("segment-revision-zero", "revision 0", but(&|segment| segment.revision = 0)),
        malformed("segment-kind-zero", "neither whole nor part", but(&|segment| segment.kind = 0)),
        malformed("segment-kind-unknown", "a kind 3", but(&|segment| segment.kind = 3)),
        malformed("segment-seen-itself", "it names its own device", but(&|segment| segment.seen[0].0 = 1)),
        malformed("segment-seen-zero", "it names a revision 0", but(&|segment| segment.seen[0].1 = 0)),
        malformed("segment-seen-twice", "it names a device twice", but(&|segment| segment.seen = vec![(2, 1), (2, 2)])),
        malformed("segment-seen-order", "devices in descending order", {
            but(&|segment| segment.seen = vec![(3, 1), (2, 1)])
        }),
        malformed(
            "segment-entry-twice",
            "an entry twice",
            but(&|segment| segment.entries.push(segment.entries[0].clone())),
        ),
        malformed("segment-entry-order", "entries in descending order", {
            but(&|segment| segment.entries = vec![(200, vec![2]), (200, vec![1])])
        }),
        malformed("segment-kind-order", "kinds in descending order", {
            but(&|segment| segment.entries = vec![(201, vec![1]), (200, vec![2])])
        }),
        malformed("segment-content-trailing", "a byte is left over", [&content[..], &[0]].concat()),
        malformed("segment-content-cut", "a byte is missing", content[..content.len() - 1].to_vec()),
        malformed("segment-longer-form", "a length in a longer form than its shortest", longer),
        malformed("entry-clock-zero", "a register with clock 0", entry(register(2, &[7; 16], 0, 1, &[1]))),
        malformed("entry-kept-zero", "a room neither kept nor given up", entry(register(2, &[7; 16], 1, 1, &[0]))),
        malformed("entry-kept-unknown", "a value 3", entry(register(2, &[7; 16], 1, 1, &[3]))),
        malformed("entry-kept-empty", "no value", entry(register(2, &[7; 16], 1, 1, &[]))),
        malformed("entry-kept-name", "a room id of 15 bytes", entry(register(2, &[7; 15], 1, 1, &[1]))),
        malformed("entry-head-value", "a transcript of 31 bytes", entry(register(1, &[7; 16], 1, 1, &[1; 31]))),
        malformed("entry-head-name", "a room id of 17 bytes", entry(register(1, &[7; 17], 1, 1, &[1; 32]))),
        malformed("entry-contact-unnamed", "a contact without a name", entry(register(3, &[], 1, 1, &bobs))),
        malformed("entry-contact-name", "a name of 256 bytes", entry(register(3, &[7; 256], 1, 1, &bobs))),
        malformed("entry-contact-value", "a fingerprint of 33 bytes", entry(register(3, b"bob", 1, 1, &[1; 33]))),
        malformed("entry-verified-value", "two bytes", entry(register(4, &bobs, 1, 1, &[1, 1]))),
        malformed("entry-verified-unknown", "a value 0", entry(register(4, &bobs, 1, 1, &[0]))),
        malformed("entry-verified-name", "a fingerprint of 31 bytes", entry(register(4, &bobs[1..], 1, 1, &[1]))),
        malformed("entry-register-trailing", "a byte is left over", entry((4, [&kept_register[..], &[0]].concat()))),
        malformed(
            "entry-register-cut",
            "a byte is missing",
            entry((4, kept_register[..kept_register.len() - 1].to_vec())),
        ),
        malformed("entry-unknown-register", "a register 99 with clock 0", entry(register(99, b"x", 0, 1, b"y"))),
        malformed("entry-epoch-cut", "an epoch without its last byte", entry((1, epoch[..epoch.len() - 1].to_vec()))),
        malformed("entry-epoch-trailing", "a byte after the epoch", entry((1, [&epoch[..], &[0]].concat()))),
        malformed("entry-epoch-key-zero", "neither secret nor message key", epoch_with(epoch.len() - 33, 0)),
        malformed("entry-epoch-key-unknown", "a kind of key 3", epoch_with(epoch.len() - 33, 3)),
        malformed("entry-epoch-policy", "a history policy 3", epoch_with(88, 3)),
        malformed("entry-epoch-role", "a role 3", epoch_with(92 + 32, 3)),
        malformed("entry-identity-cut", "an identity without its last byte", {
            entry((2, bob.public().to_bytes()[..237].to_vec()))
        }),
        ("entry-identity-signature", "an identity whose signature is wrong", "signature", {
            entry((2, flipped(&bob.public().to_bytes(), 237)))
        }),
        malformed("entry-transition-cut", "a transition without its last byte", {
            entry((3, transition[..transition.len() - 1].to_vec()))
        }),
        ("entry-transition-type", "an identity in the place of a transition", "unsupported", {
            entry((3, bob.public().to_bytes()))
        }),
    ]
}

/// What a keyring's result is called where it is not the class of §14.
pub(crate) fn expected_of(error: Error) -> Expected {
    match error {
        // A head that is not there is an epoch that the reader does not have yet.
        Error::Argument { .. } => ("unknown", None),
        error => class_of(error),
    }
}
