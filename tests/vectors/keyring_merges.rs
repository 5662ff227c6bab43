//! Keyrings of several segments: what is merged, in conflict and missing; what is stored, and what is written next.
//! SPEC §20.1, §20.3, §20.4, §20.7.

use crate::hold::{Expected, OK, vector};
use crate::keyrings::{
    Entry, LAST_NUMBER, Segment, encode, entries_value, identity, kept, key, keyring, part, register,
};
use crate::keyrings::{revisions, room_id, seal_as};
use crate::room_packages::told;
use crate::rooms::{class_of, fingerprint, prefix, transcript_of};
use crate::samples::{SeedRng, cast, flipped, hex};
use sealroom::*;
use serde_json::{Value, json};

/// What a reader reads of a story: the segments as they come, each with its class.
struct Story {
    id: &'static str,
    comment: &'static str,
    segments: Vec<(Vec<u8>, &'static str)>,
    /// Those that the server has now.
    given: Vec<usize>,
}

impl Story {
    fn of(id: &'static str, comment: &'static str, segments: &[Segment]) -> Self {
        let sealed = segments.iter().enumerate().map(|(n, segment)| (segment.seal(&format!("{id} {n}")), "ok"));
        Self { id, comment, segments: sealed.collect(), given: (0..segments.len()).collect() }
    }

    /// With this one, which is refused, at the end.
    fn and(mut self, class: &'static str, segment: Vec<u8>) -> Self {
        self.segments.push((segment, class));
        self
    }

    fn given(self, given: &[usize]) -> Self {
        Self { given: given.to_vec(), ..self }
    }

    fn vector(&self) -> Value {
        let orders: [Vec<usize>; 2] = [(0..self.segments.len()).collect(), (0..self.segments.len()).rev().collect()];
        let [ahead, back] = orders.map(|order| self.merged(&order));
        let (state, changed) = ahead;
        // What is told on the way depends on the order; what is there in the end does not. [KRG-04]
        assert_eq!(state, back.0, "{}", self.id);
        let segments = self.segments.iter().zip(changed);
        let segments: Value = segments
            .map(|((segment, class), changed)| json!({"segment": hex(segment), "result": class, "changed": changed}))
            .collect();
        let refused = self.segments.iter().find(|(_, class)| *class != "ok");
        let mut fields = json!({"key": hex(key().expose()), "segments": segments, "given": self.given});
        fields.as_object_mut().unwrap().extend(state.as_object().unwrap().clone());
        vector("keyring_merge", self.id, self.comment, (refused.map_or("ok", |(_, class)| class), None), fields)
    }

    /// What is there after all of them, and the contacts that each changed.
    fn merged(&self, order: &[usize]) -> (Value, Vec<Vec<String>>) {
        let mut keyring = keyring(self.id);
        let (mut covers, mut changed) = (vec![None; self.segments.len()], vec![Vec::new(); self.segments.len()]);
        for n in order {
            let (segment, class) = &self.segments[*n];
            let before = hazmat::keyring_entries(&keyring);
            match keyring.merge(segment, &[&key()], &mut SeedRng::new(b"")) {
                Ok(merged) => {
                    assert_eq!(*class, "ok", "{}", self.id);
                    changed[*n] = merged.changed_contacts().iter().map(|name| hex(name)).collect();
                    covers[*n] = Some(merged);
                }
                Err(error) => {
                    assert_eq!((class_of(error).0, hazmat::keyring_entries(&keyring)), (*class, before), "{}", self.id);
                }
            }
        }
        let given: Vec<Merged> = self.given.iter().filter_map(|n| covers[*n].clone()).collect();
        let lacking: Vec<Value> = keyring
            .lacking(&given)
            .iter()
            .map(|gap| json!({"device": hex(gap.device.as_bytes()), "first": gap.first, "last": gap.last}))
            .collect();
        let entries = decode(&hazmat::keyring_entries(&keyring));
        let state = json!({"entries": entries_value(&entries), "conflicts": conflicts(&keyring, &entries),
            "lacking": lacking, "contacts": contacts(&keyring)});
        (state, changed)
    }
}

/// The entries of an encoding.
fn decode(mut bytes: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    while let [kind, rest @ ..] = bytes {
        let (len, used) = length(rest);
        entries.push((*kind, rest[used..used + len].to_vec()));
        bytes = &rest[used + len..];
    }
    entries
}

/// A length, and how many bytes it takes.
pub(crate) fn length(bytes: &[u8]) -> (usize, usize) {
    match bytes[0] >> 6 {
        0 => (usize::from(bytes[0]), 1),
        1 => (usize::from(u16::from_be_bytes([bytes[0] & 0x3f, bytes[1]])), 2),
        _ => (u32::from_be_bytes([bytes[0] & 0x3f, bytes[1], bytes[2], bytes[3]]) as usize, 4),
    }
}

/// Register and name of what is in conflict, found from the entries, and the same as the crate names.
fn conflicts(keyring: &Keyring, entries: &[Entry]) -> Vec<Value> {
    let mut found: Vec<(u8, Vec<u8>)> = Vec::new();
    let slots = entries.iter().filter(|(kind, _)| *kind == 4).map(|(_, content)| {
        let (len, used) = length(&content[1..]);
        let end = 1 + used + len;
        (content[0], content[1 + used..end].to_vec(), content[end + 16..].to_vec())
    });
    let slots: Vec<_> = slots.collect();
    for (number, name, value) in &slots {
        let other = slots.iter().any(|slot| (slot.0, &slot.1) == (*number, name) && slot.2 != *value);
        if other && !found.contains(&(*number, name.clone())) {
            found.push((*number, name.clone()));
        }
    }
    let named = keyring.conflicts().into_iter().map(|conflict| match conflict {
        Conflict::Head(id) => (1, id.as_bytes().to_vec()),
        Conflict::Kept(id) => (2, id.as_bytes().to_vec()),
        Conflict::Contact(name) => (3, name),
        Conflict::Verified(who) => (4, who.as_bytes().to_vec()),
        _ => found.iter().find(|(number, _)| *number > 4).unwrap().clone(),
    });
    assert_eq!(named.collect::<Vec<_>>(), found);
    found.iter().map(|(register, name)| json!({"register": register, "name": hex(name)})).collect()
}

/// Every contact whose identity is there.
pub(crate) fn contacts(keyring: &Keyring) -> Vec<Value> {
    let contact = |(name, contact): (&[u8], Contact<'_>)| json!({"name": hex(name), "identity": hex(contact.identity.fingerprint().as_bytes()), "verified": contact.verified});
    keyring.contacts().map(contact).collect()
}

pub(crate) fn merges() -> Vec<Value> {
    let (alice, bob, dave) = (&cast().alice, &cast().bob, &crate::rooms::people().dave);
    let (bobs, daves, room) = (fingerprint(bob), fingerprint(dave), room_id());
    let branch = &told().branch;
    let crate::keyrings::People { bob_1, transition } = crate::keyrings::successor();
    let heads = [0, 1].map(|n| transcript_of(&branch[n]));
    let both = [identity(bob), identity(dave)];
    let pin = |clock, device, who: &[u8]| register(3, b"bob", clock, device, who);
    let known = part(1, 1, &both);
    let one = |id, comment, entries: &[&[Entry]]| {
        let segments: Vec<_> = entries.iter().enumerate().map(|(n, entries)| part(n as u8 + 2, 1, entries)).collect();
        Story::of(id, comment, &[&[known.clone()][..], &segments].concat())
    };
    let of = Story::of;
    let stories = [
        one(
            "merge-union",
            "two devices that know different things",
            &[&[pin(1, 2, &bobs)], &[register(4, &bobs, 1, 3, &[1])]],
        ),
        one(
            "merge-clock",
            "the greater clock stays, though it comes first or last",
            &[&[pin(2, 2, &bobs)], &[pin(1, 3, &daves)]],
        ),
        one(
            "merge-conflict-device",
            "one clock, two values: that of the greater device",
            &[&[pin(1, 2, &bobs)], &[pin(1, 3, &daves)]],
        ),
        of(
            "merge-conflict-value",
            "one clock and one device, two values: the greater one",
            &[known.clone(), part(2, 1, &[pin(1, 2, &bobs)]), part(2, 2, &[pin(1, 2, &daves)])],
        ),
        one("merge-no-conflict", "one clock, one value by two devices", &[&[pin(1, 2, &bobs)], &[pin(1, 3, &bobs)]]),
        one(
            "merge-settled",
            "a greater clock settles a conflict",
            &[&[pin(1, 2, &bobs)], &[pin(1, 3, &daves)], &[pin(2, 4, &bobs)]],
        ),
        one(
            "merge-given-up",
            "a contact that is given up at a greater clock",
            &[&[pin(1, 2, &bobs)], &[pin(2, 3, &[])]],
        ),
        one("merge-given-up-and-pinned", "given up and pinned at one clock", &[&[pin(1, 3, &[])], &[pin(1, 2, &bobs)]]),
        one(
            "merge-verified",
            "verified on both devices",
            &[&[pin(1, 2, &bobs), register(4, &bobs, 1, 2, &[1])], &[register(4, &bobs, 1, 3, &[1])]],
        ),
        one(
            "merge-verified-conflict",
            "verified on one, not on the other: not verified",
            &[&[pin(1, 2, &bobs), register(4, &bobs, 1, 2, &[2])], &[register(4, &bobs, 1, 3, &[1])]],
        ),
        one(
            "merge-head-conflict",
            "two heads of one room",
            &[
                &[kept(&branch[0]), register(1, &room, 1, 2, &heads[0])],
                &[kept(&branch[1]), register(1, &room, 1, 3, &heads[1])],
            ],
        ),
        one(
            "merge-kept-conflict",
            "a room that one device gave up",
            &[&[register(2, &room, 1, 2, &[1])], &[register(2, &room, 1, 3, &[2])]],
        ),
        one(
            "merge-unknown",
            "entries of a later version are merged like others",
            &[
                &[(77, b"a fact".to_vec()), register(99, b"x", 2, 2, b"newer")],
                &[(77, b"a fact".to_vec()), (78, vec![]), register(99, b"x", 1, 3, b"older")],
            ],
        ),
        one(
            "merge-unknown-conflict",
            "a conflict in a register of a later version",
            &[&[register(99, b"x", 2, 2, b"one")], &[register(99, b"x", 2, 3, b"other")]],
        ),
        of("merge-twice", "a segment that comes twice", &[known.clone(), known.clone()]),
        of(
            "merge-epoch-and-grant",
            "one epoch with its secret and with its message key: both are kept",
            &[part(2, 1, &[kept(&branch[0])]), part(3, 1, &[kept(&crate::keyrings::granted(&branch[0]))])],
        ),
        of(
            "merge-contact-changed",
            "a name is pinned to somebody else",
            &[part(2, 1, &[identity(bob), pin(1, 2, &bobs)]), part(3, 1, &[identity(dave), pin(2, 3, &daves)])],
        ),
        of(
            "merge-contact-succeeded",
            "a name is pinned to the next generation, whose transition is held",
            &[
                part(2, 1, &[identity(bob), pin(1, 2, &bobs)]),
                part(3, 1, &[identity(bob_1), (3, transition.to_bytes().unwrap()), pin(2, 3, &fingerprint(bob_1))]),
            ],
        ),
        of(
            "lacking-none",
            "all revisions of two devices",
            &[part(2, 1, &[]), part(2, 2, &[]), part(3, 1, &[]).seen(&[(2, 2)])],
        ),
        of("lacking-between", "a revision between two", &[part(2, 1, &[]), part(2, 3, &[])]),
        of("lacking-before", "those before the first that came", &[part(2, 4, &[])]),
        of("lacking-named", "another device saw more", &[part(2, 1, &[]), part(3, 1, &[]).seen(&[(2, 5), (4, 2)])]),
        of(
            "lacking-covered",
            "a whole segment covers what it names",
            &[part(3, 7, &[identity(alice)]).seen(&[(2, 5), (4, 2)]).whole()],
        ),
        of(
            "lacking-after-whole",
            "what came after the whole one",
            &[part(3, 7, &[]).seen(&[(2, 5)]).whole(), part(2, 7, &[]), part(3, 9, &[])],
        ),
        of(
            "lacking-rolled-back",
            "the server has the first only",
            &[part(2, 1, &[]), part(2, 2, &[]), part(2, 3, &[])],
        )
        .given(&[0]),
        of("lacking-all", "the server has nothing any more", &[part(2, 2, &[]), part(3, 1, &[])]).given(&[]),
        of("lacking-great-revision", "all before a great revision", &[part(2, LAST_NUMBER, &[])]),
        // Refused, beside others that are not.
        one("merge-beside-changed", "a changed one takes nothing with it", &[&[pin(1, 2, &bobs)]])
            .and("decrypt", flipped(&part(3, 1, &[pin(2, 3, &daves)]).seal("x"), 200)),
        one("merge-beside-foreign", "one of another person", &[&[pin(1, 2, &bobs)]]).and("decrypt", {
            let other = SymmetricKey::take(&mut [6; 32]);
            seal_as("x", ContentType::Keyring, &part(3, 1, &[pin(2, 3, &daves)]).content(), &other).0
        }),
        one(
            "merge-beside-malformed",
            "one whose second entry is wrong: the first is not taken",
            &[&[pin(1, 2, &bobs)]],
        )
        .and("malformed", part(3, 1, &[pin(2, 3, &daves), register(4, &bobs, 0, 3, &[1])]).seal("x")),
        one("merge-beside-forged", "one with an identity that did not sign", &[&[pin(1, 2, &bobs)]]).and(
            "signature",
            {
                let forged = (2, flipped(&alice.public().to_bytes(), 237));
                part(3, 1, &[forged, pin(2, 3, &daves)]).seal("x")
            },
        ),
    ];
    stories.iter().map(Story::vector).collect()
}

/// A KeyringState. SPEC §20.7
fn state(whole: &Segment, fresh: &[Entry], known: &[(u8, u64)]) -> Vec<u8> {
    let (whole, fresh, known) = (whole.content(), encode(fresh), revisions(known));
    [prefix(whole.len()), whole, prefix(fresh.len()), fresh, prefix(known.len()), known].concat()
}

fn kek() -> SymmetricKey {
    SymmetricKey::take(&mut [0x4b; 32])
}

fn stored(id: &str, content: &[u8]) -> (Vec<u8>, Vec<u8>) {
    seal_as(id, ContentType::KeyringState, content, &kek())
}

pub(crate) fn states() -> Vec<Value> {
    let bob = &cast().bob;
    let entry = register(4, &fingerprint(bob), 1, 1, &[1]);
    let newer = register(4, &fingerprint(bob), 2, 1, &[1]);
    let one = std::slice::from_ref(&entry);
    let own = |revision, seen: &[(u8, u64)], entries: &[Entry]| part(9, revision, entries).seen(seen).whole();
    let mut vectors = Vec::new();
    let mut push =
        |id: &str, comment: &str, expected: Expected, sealed: &[u8], random: Option<&[u8]>, content: &[u8]| {
            let loaded = Keyring::load(sealed, &kek());
            match &loaded {
                Ok(keyring) => {
                    // Saved again, it is the same.
                    let again = keyring.save(&kek(), &mut SeedRng::new(id.as_bytes())).unwrap();
                    assert_eq!((expected, &again[..]), (OK, sealed), "{id}");
                }
                Err(error) => assert_eq!(class_of(*error), expected, "{id}"),
            }
            let mut fields = json!({"state": hex(sealed), "kek": hex(kek().expose()), "content": hex(content)});
            if let Some(random) = random {
                fields["random"] = json!(hex(random));
            }
            vectors.push(vector("keyring_state", id, comment, expected, fields));
        };
    for (id, comment, content) in [
        ("keyring-state-new", "a device that uploaded nothing", state(&own(0, &[], &[]), &[], &[])),
        ("keyring-state", "three devices, one of which was merged up to 2", {
            state(&own(3, &[(1, 2)], one), one, &[(1, 3), (2, 1)])
        }),
        ("keyring-state-epochs", "with an epoch", {
            let epoch = kept(&told().branch[0]);
            state(&own(1, &[], &[epoch.clone(), identity(bob)]), &[epoch], &[])
        }),
    ] {
        let (sealed, random) = stored(id, &content);
        push(id, comment, OK, &sealed, Some(&random), &content);
    }
    let good = state(&own(3, &[(1, 2)], one), one, &[(1, 3), (2, 1)]);
    for (id, comment, content) in [
        ("keyring-state-part", "a part in the place of a whole", state(&part(9, 3, one), one, &[])),
        ("keyring-state-fresh", "an entry that is new, and not held", state(&own(3, &[], &[]), one, &[])),
        ("keyring-state-replaced", "a register that a later one replaced", {
            state(&own(3, &[], &[entry.clone(), newer.clone()]), &[], &[])
        }),
        ("keyring-state-known-less", "known up to 1, merged up to 2", state(&own(3, &[(1, 2)], one), &[], &[(1, 1)])),
        ("keyring-state-unknown", "merged, and not known", state(&own(3, &[(1, 2)], one), &[], &[])),
        ("keyring-state-known-zero", "a revision 0", state(&own(3, &[], one), &[], &[(1, 0)])),
        ("keyring-state-known-order", "devices in descending order", state(&own(3, &[], one), &[], &[(2, 1), (1, 1)])),
        ("keyring-state-known-itself", "its own device among the others", state(&own(3, &[], one), &[], &[(9, 3)])),
        ("keyring-state-cut", "a byte is missing", good[..good.len() - 1].to_vec()),
        ("keyring-state-trailing", "a byte is left over", [&good[..], &[0]].concat()),
    ] {
        push(id, comment, ("malformed", None), &stored(id, &content).0, None, &content);
    }
    let id = "keyring-state-type";
    let segment = seal_as(id, ContentType::Keyring, &own(3, &[], one).content(), &kek()).0;
    push(id, "a segment in the place of a state", ("unsupported", None), &segment, None, &own(3, &[], one).content());
    let (sealed, _) = stored("keyring-state-bit", &good);
    push("keyring-state-bit", "a bit of the payload", ("decrypt", None), &flipped(&sealed, 150), None, &good);
    vectors
}

/// What a device writes next, from what it stored and merged.
pub(crate) fn parts() -> Vec<Value> {
    let (bob, dave) = (&cast().bob, &crate::rooms::people().dave);
    let own = |revision, seen: &[(u8, u64)], entries: &[Entry]| part(9, revision, entries).seen(seen).whole();
    let (here, fresh) = (identity(bob), identity(dave));
    let both = &mut [here.clone(), fresh.clone()];
    both.sort();
    let stored_one = state(&own(3, &[(1, 2)], both), std::slice::from_ref(&fresh), &[(1, 2)]);
    let mut vectors = Vec::new();
    for (id, comment, content, merged, whole) in [
        ("write-part", "what is new", &stored_one, vec![], false),
        ("write-whole", "all of it", &stored_one, vec![], true),
        (
            "write-seen",
            "it names what was merged up to a gap",
            &stored_one,
            { vec![part(1, 3, &[]), part(1, 5, &[]), part(2, 2, &[])] },
            false,
        ),
        (
            "write-merged",
            "what was merged is not new",
            &stored_one,
            { vec![part(1, 3, &[register(3, b"bob", 1, 1, &fingerprint(bob))])] },
            false,
        ),
        (
            "write-covered",
            "a whole segment counts as all that it covers",
            &stored_one,
            { vec![part(2, 4, &[]).seen(&[(1, 5), (3, 1)]).whole()] },
            false,
        ),
        ("write-own", "its own segment comes back: nothing changes", &stored_one, vec![part(9, 3, &[])], false),
        (
            "write-restored",
            "its own id with a greater revision: it goes on as another device",
            &stored_one,
            { vec![part(9, 4, &[])] },
            false,
        ),
        (
            "write-copied",
            "another device names a greater revision of its own",
            &stored_one,
            { vec![part(1, 3, &[]).seen(&[(9, 5)])] },
            false,
        ),
    ] {
        let (sealed, _) = stored(id, content);
        let mut keyring = Keyring::load(&sealed, &kek()).unwrap();
        let mut rng = SeedRng::new(id.as_bytes());
        let merged: Vec<Vec<u8>> =
            merged.iter().enumerate().map(|(n, segment)| segment.seal(&format!("{id} {n}"))).collect();
        for segment in &merged {
            assert!(keyring.merge(segment, &[&key()], &mut rng).is_ok(), "{id}");
        }
        let another = !rng.drawn.is_empty();
        assert_eq!(another, matches!(id, "write-restored" | "write-copied"), "{id}");
        let made = if whole { keyring.whole(&key(), &mut rng) } else { keyring.part(&key(), &mut rng) }.unwrap();
        let locked = Locked::decode(&made, &Limits::default()).unwrap();
        let unlocked = locked.unlock(&[Reader::symmetric(&key())], &mut SeedRng::new(b"")).unwrap();
        let (_, written) = hazmat::dek_and_content(unlocked, locked.payload()).unwrap();
        let merged: Value = merged.iter().map(|segment| json!(hex(segment))).collect();
        let fields = json!({"state": hex(&sealed), "kek": hex(kek().expose()), "segments": merged,
            "key": hex(key().expose()), "whole": whole, "random": hex(&rng.drawn), "segment": hex(&made),
            "content": hex(&written)});
        vectors.push(vector("keyring_write", id, comment, OK, fields));
    }
    vectors
}
