//! Linking: requests, answers, what is stored. SPEC §22.

use crate::common::hand::{Hand, derive, group, wrap_info, wrap_p256};
use crate::hold::{Expected, OK, vector};
use crate::rooms::{class_of, fingerprint, prefix};
use crate::samples::{SeedRng, cast, flipped, hex};
use sealroom::*;
use serde_json::{Value, json};

/// Whose root is of this number.
const ALICE: u8 = 1;
const BOB: u8 = 2;

/// `gen(g)` of the root of that number. SPEC §11.2
fn secret(n: u8, generation: u32) -> [u8; 32] {
    let root = hazmat::hkdf_extract(b"sealroom/1 identity", &[n; 64]);
    derive(&root, "generation", &generation.to_be_bytes(), 32).try_into().unwrap()
}

fn root(n: u8) -> Root {
    Root::from_bip39_seed(&[n; 64])
}

fn generation(n: u8, generation: u32) -> Identity {
    root(n).identity(Profile::P256, generation, &mut SeedRng::new(b"generation")).unwrap()
}

fn step(n: u8, from: u32) -> Transition {
    root(n).succeed(&generation(n, from), &generation(n, from + 1), &mut SeedRng::new(b"step")).unwrap()
}

/// A DeviceLink in parts. SPEC §22.2
#[derive(Clone)]
struct Link {
    echo: [u8; 32],
    generations: Vec<([u8; 32], Vec<u8>)>,
    transitions: Vec<Vec<u8>>,
}

impl Link {
    fn of(echo: [u8; 32], n: u8, last: u32) -> Self {
        let generations = (0..=last).map(|g| (secret(n, g), generation(n, g).public().to_bytes()));
        let transitions = (0..last).map(|g| step(n, g).to_bytes().unwrap());
        Self { echo, generations: generations.collect(), transitions: transitions.collect() }
    }

    fn encode(&self) -> Vec<u8> {
        let list: Vec<u8> =
            self.generations.iter().flat_map(|(secret, public)| [&secret[..], public].concat()).collect();
        let steps = self.transitions.concat();
        [&self.echo[..], &prefix(list.len()), &list, &prefix(steps.len()), &steps].concat()
    }

    fn but(&self, change: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut other = self.clone();
        change(&mut other);
        other.encode()
    }
}

/// The new device: what it drew.
struct New {
    linking: Linking,
    key: P256PrivateKey,
    echo: [u8; 32],
    random: Vec<u8>,
}

fn new_device() -> New {
    let mut rng = SeedRng::new(b"new device");
    let linking = Linking::new(&mut rng).unwrap();
    let key = P256PrivateKey::generate(&mut SeedRng::new(b"new device")).unwrap();
    let echo = linking.request().to_bytes()[72..].try_into().unwrap();
    New { linking, key, echo, random: rng.drawn }
}

/// Requests as text.
pub(crate) fn requests() -> Vec<Value> {
    let new = new_device();
    let request = new.linking.request();
    let (text, bytes) = (request.to_string(), request.to_bytes());
    let key = hex(new.key.to_pkcs8_der().unwrap().expose());
    let mut vectors = vec![vector("link_request", "link-request", "what a new device shows", OK, {
        json!({"text": text, "encryption_key": hex(&bytes[7..72]), "echo": hex(&bytes[72..]), "random": hex(&new.random),
            "pkcs8": key})
    })];
    let as_text = |bytes: &[u8]| format!("slrm-link:{}", base64url(bytes));
    assert_eq!(as_text(&bytes), text);
    let with = |at: usize, byte: u8| {
        let mut other = bytes.to_vec();
        other[at] = byte;
        as_text(&other)
    };
    for (id, comment, class, text) in [
        ("link-request-prefix", "another prefix", "malformed", text.replace("slrm-link:", "slrm-id:")),
        ("link-request-upper-case", "the prefix in upper case", "malformed", text.replace("slrm-link:", "SLRM-LINK:")),
        ("link-request-cut", "a byte is missing", "malformed", as_text(&bytes[..103])),
        ("link-request-trailing", "a byte is left over", "malformed", as_text(&[&bytes[..], &[0]].concat())),
        ("link-request-padding", "padding characters", "malformed", format!("{text}=")),
        ("link-request-suite", "suite 2", "unsupported", with(5, 2)),
        ("link-request-type", "another type", "unsupported", with(6, 0x27)),
        ("link-request-magic", "another magic", "malformed", with(0, b'X')),
        ("link-request-compressed", "a compressed point", "malformed", with(7, 2)),
        ("link-request-off-curve", "a point that is not on the curve", "malformed", with(71, !bytes[71])),
    ] {
        let error = text.parse::<LinkRequest>().expect_err(id);
        assert_eq!(class_of(error).0, class, "{id}");
        vectors.push(vector("link_request", id, comment, (class, None), json!({"text": text})));
    }
    vectors
}

/// As RFC 4648 §5 says, without padding.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        text.extend((0..=three.len()).map(|n| char::from(digits[(bits >> (18 - 6 * n)) as usize & 63])));
    }
    text
}

struct Answers {
    new: New,
    vectors: Vec<Value>,
}

impl Answers {
    fn push(&mut self, id: &str, comment: &str, expected: Expected, answer: &[u8], more: Value) {
        let opened = self.new.linking.open(answer);
        let key = hex(self.new.key.to_pkcs8_der().unwrap().expose());
        let mut fields = json!({"pkcs8": key, "echo": hex(&self.new.echo), "answer": hex(answer)});
        let all = fields.as_object_mut().unwrap();
        match opened {
            Ok(linked) => {
                assert_eq!(expected, OK, "{id}");
                all.insert("code".into(), json!(linked.code().to_string()));
                let linked = linked.confirm();
                let generations = linked.generations().map(|one| json!(hex(&fingerprint(one))));
                all.insert("generations".into(), generations.collect());
                all.extend(more.as_object().unwrap().clone());
            }
            Err(error) => assert_eq!(class_of(error), expected, "{id}"),
        }
        self.vectors.push(vector("link_answer", id, comment, expected, fields));
    }

    /// Any content, signed by anybody.
    fn seal(&self, id: &str, content: &[u8], signer: &Identity) -> (Vec<u8>, Value) {
        let to = [Recipient::bare_p256(self.new.key.public_key())];
        let envelope = Envelope::to(&to).signed_by(signer.sender()).without_copy_for_me().padding(Padding::Padme);
        let mut rng = SeedRng::new(id.as_bytes());
        let sealed = hazmat::seal_as(&envelope, ContentType::DeviceLink, content, &mut rng).unwrap();
        let [_, signing] = hazmat::identity_keys(signer).unwrap();
        let sender = json!({"identity": hex(&signer.public().to_bytes()), "pkcs8": hex(signing.expose())});
        // Salt, DEK, ephemeral, and what RSASSA-PSS draws; not what blinds.
        let listed = if signer.public().profile() == Profile::P256 { 88 } else { 120 };
        (sealed, json!({"content": hex(content), "random": hex(&rng.drawn[..listed]), "sender": sender}))
    }

    fn valid(&mut self, id: &str, comment: &str, content: &[u8], signer: &Identity) {
        let (sealed, more) = self.seal(id, content, signer);
        self.push(id, comment, OK, &sealed, more);
    }

    fn refused(&mut self, id: &str, comment: &str, check: &'static str, content: &[u8], signer: &Identity) {
        let (sealed, _) = self.seal(id, content, signer);
        self.push(id, comment, ("link", Some(check)), &sealed, json!({}));
    }
}

/// Answers, right and wrong.
pub(crate) fn answers() -> Vec<Value> {
    let new = new_device();
    let echo = new.echo;
    let mut made = Answers { new, vectors: Vec::new() };
    let alices = [0, 1, 2].map(|g| generation(ALICE, g));
    let alice = &alices[0];
    let bob = generation(BOB, 0);
    let one = Link::of(echo, ALICE, 0);
    let three = Link::of(echo, ALICE, 2);
    made.valid("link-answer", "one generation: 631 bytes", &one.encode(), alice);
    assert_eq!(made.vectors[0]["answer"].as_str().unwrap().len(), 2 * 631);
    made.valid(
        "link-answer-generations",
        "three generations and the transitions between them",
        &three.encode(),
        &alices[2],
    );
    made.valid(
        "link-answer-stranger",
        "a stranger's identity: only the code tells",
        &Link::of(echo, BOB, 0).encode(),
        &bob,
    );
    let carols = rsa_link(echo);
    made.valid("link-answer-rsa", "a generation of 3072-bit keys", &carols, &cast().carol);

    let wrong =
        |id: &'static str, comment: &'static str, check: &'static str, content: Vec<u8>| (id, comment, check, content);
    let bytes = one.encode();
    let last = &alices[2];
    let short = Link::of(echo, ALICE, 1);
    let forged = flipped(&three.transitions[1], three.transitions[1].len() - 1);
    for (id, comment, check, content) in [
        wrong("link-echo", "another echo", "LNK-03", flipped(&bytes, 0)),
        wrong("link-echo-last", "the last bit of the echo", "LNK-03", flipped(&bytes, 31)),
        wrong("link-trailing", "a byte is left over", "LNK-03", [&bytes[..], &[0]].concat()),
        wrong("link-cut", "a byte is missing", "LNK-03", bytes[..bytes.len() - 1].to_vec()),
        wrong("link-identity-signature", "the identity's own signature", "LNK-03", {
            one.but(|link| link.generations[0].1 = flipped(&link.generations[0].1, 237))
        }),
        wrong("link-identity-cut", "an identity without its last byte", "LNK-03", {
            one.but(|link| link.generations[0].1.truncate(237))
        }),
        wrong("link-empty", "no generation", "LNK-06", one.but(|link| link.generations.clear())),
        wrong("link-secret", "another secret", "LNK-08", one.but(|link| link.generations[0].0[0] ^= 1)),
        wrong("link-secret-of-another", "the secret of another person", "LNK-08", {
            one.but(|link| link.generations[0].0 = secret(BOB, 0))
        }),
        wrong("link-secret-of-another-generation", "the secret of the next generation", "LNK-08", {
            one.but(|link| link.generations[0].0 = secret(ALICE, 1))
        }),
    ] {
        made.refused(id, comment, check, &content, alice);
    }
    for (id, comment, check, content) in [
        wrong("link-not-from-zero", "the first generation is 1", "LNK-06", {
            three.but(|link| {
                link.generations.remove(0);
                link.transitions.remove(0);
            })
        }),
        wrong(
            "link-transition-missing",
            "a transition is missing",
            "LNK-06",
            three.but(|link| drop(link.transitions.pop())),
        ),
        wrong("link-transition-more", "a transition more", "LNK-06", {
            three.but(|link| link.transitions.push(step(ALICE, 2).to_bytes().unwrap()))
        }),
        wrong(
            "link-transitions-order",
            "transitions in another order",
            "LNK-06",
            three.but(|link| link.transitions.reverse()),
        ),
        wrong(
            "link-generations-order",
            "generations in another order",
            "LNK-06",
            three.but(|link| link.generations.swap(0, 1)),
        ),
        wrong("link-generation-missing", "a generation between is missing", "LNK-06", {
            three.but(|link| drop(link.generations.remove(1)))
        }),
        wrong("link-transition-forged", "the rotation key did not sign", "LNK-06", {
            three.but(|link| link.transitions[1] = forged.clone())
        }),
        wrong("link-transition-of-another", "a transition of another person", "LNK-06", {
            three.but(|link| link.transitions[1] = step(BOB, 1).to_bytes().unwrap())
        }),
        wrong("link-transition-cut", "a transition without its last byte", "LNK-03", {
            three.but(|link| link.transitions[1].truncate(470))
        }),
        wrong("link-signed-by-earlier", "signed by the generation before the last", "LNK-07", three.encode()),
        wrong(
            "link-middle-secret",
            "a secret between is another",
            "LNK-08",
            three.but(|link| link.generations[1].0[31] ^= 1),
        ),
        wrong("link-one-less", "signed by a generation that is not given", "LNK-07", short.encode()),
    ] {
        let signer = if id == "link-signed-by-earlier" { &alices[1] } else { last };
        made.refused(id, comment, check, &content, signer);
    }
    made.refused("link-signed-by-another", "signed by somebody else", "LNK-07", &bytes, &bob);
    // All of it is in order, so that the limit alone decides.
    let long = Link::of(echo, ALICE, 256);
    made.refused("link-generations-257", "257 generations", "LNK-03", &long.encode(), &generation(ALICE, 256));
    rsa_2048(&mut made);
    other_answers(&mut made, &one, alice, &bob);
    made.vectors
}

/// A DeviceLink of one generation of RSA keys.
fn rsa_link(echo: [u8; 32]) -> Vec<u8> {
    let carol = &cast().carol;
    Link { echo, generations: vec![(secret(3, 0), carol.public().to_bytes())], transitions: vec![] }.encode()
}

/// An identity of 2048-bit keys, which no words give.
fn rsa_2048(made: &mut Answers) {
    let keys = [b"a key of 2048 bits", b"its signing key..."]
        .map(|seed| RsaPrivateKey::from_pkcs8_der(&hazmat::det_keygen_rsa_pkcs8(seed, 2048).unwrap()).unwrap());
    let [encryption, signing] = keys.each_ref().map(|key| key.public_key().clone());
    let mut rng = SeedRng::new(b"rsa 2048");
    let rotation = P256PrivateKey::generate(&mut rng).unwrap();
    let public = UnsignedIdentity::rsa(0, encryption, signing, rotation.public_key()).unwrap();
    let public = public.sign(&keys[1], &mut rng).unwrap();
    let link = Link { echo: made.new.echo, generations: vec![(secret(3, 0), public.to_bytes())], transitions: vec![] };
    let to = [Recipient::bare_p256(made.new.key.public_key())];
    let sender = Sender::new(&public, &keys[1]);
    let envelope = Envelope::to(&to).signed_by(sender).without_copy_for_me().padding(Padding::Padme);
    let sealed = hazmat::seal_as(&envelope, ContentType::DeviceLink, &link.encode(), &mut rng).unwrap();
    let comment = "keys of 2048 bits, which do not come from words";
    made.push("link-rsa-2048", comment, ("link", Some("LNK-08")), &sealed, json!({}));
}

/// Other forms of envelope, and changed ones.
fn other_answers(made: &mut Answers, one: &Link, alice: &Identity, bob: &Identity) {
    let content = one.encode();
    let key = P256PrivateKey::generate(&mut SeedRng::new(b"new device")).unwrap();
    let kek = SymmetricKey::take(&mut [1; 32]);
    let me = [Recipient::bare_p256(key.public_key())];
    let other = [me[0], bob.public().recipient()];
    let with_rsa = [me[0], cast().carol.public().recipient()];
    let with_kek = [me[0], Recipient::symmetric(&kek)];
    let by_kek = [Recipient::symmetric(&kek)];
    let padme = Padding::Padme;
    let honest = |to| Envelope::to(to).signed_by(alice.sender()).without_copy_for_me().padding(padme);
    let seal = |id: &str, envelope: &Envelope<'_>, kind| {
        hazmat::seal_as(envelope, kind, &content, &mut SeedRng::new(id.as_bytes())).unwrap()
    };
    for (id, comment, envelope) in [
        ("link-two-entries", "also to somebody else", honest(&other)),
        ("link-copy", "the signer keeps a copy: gen(g) goes to a key of generation g", {
            Envelope::to(&me).signed_by(alice.sender()).padding(padme)
        }),
        ("link-decoy", "a decoy", honest(&me).decoys(1)),
        ("link-beside-rsa", "an RSA stanza as well", honest(&with_rsa)),
        ("link-beside-symmetric", "a symmetric stanza as well", honest(&with_kek)),
        ("link-symmetric", "a symmetric stanza alone", honest(&by_kek)),
        ("link-unpadded", "not padded", honest(&me).padding(Padding::None)),
        ("link-public-data", "a byte of public data", honest(&me).public_data(b"x")),
        ("link-unsigned", "not signed", Envelope::to(&me).padding(padme)),
    ] {
        let sealed = seal(id, &envelope, ContentType::DeviceLink);
        made.push(id, comment, ("malformed", None), &sealed, json!({}));
    }
    for (id, comment, kind) in [
        ("link-type-message", "a message", ContentType::Message),
        ("link-type-state", "a stored room", ContentType::RoomState),
    ] {
        made.push(id, comment, ("unsupported", None), &seal(id, &honest(&me), kind), json!({}));
    }
    let stranger = P256PrivateKey::generate(&mut SeedRng::new(b"another device")).unwrap();
    let elsewhere = [Recipient::bare_p256(stranger.public_key())];
    let sealed = seal("link-other-request", &honest(&elsewhere), ContentType::DeviceLink);
    made.push("link-other-request", "sealed to another request", ("decrypt", None), &sealed, json!({}));
    // Under the fingerprint of an identity, and not under the id of a bare key.
    let (salt, dek) = ([7; 24], [8; 32]);
    let id = alice.public().fingerprint().as_bytes();
    let (enc, entry) = wrap_p256(key.public_key(), &wrap_info(4, 1, &salt, id), &dek, [9; 32]);
    let stanzas = group(&enc, &[entry]);
    let hand = Hand { content_type: 4, signature: 1, padding: 1, salt, dek, stanzas, public_data: vec![] };
    let plain = [&(content.len() as u64).to_be_bytes()[..], &content].concat();
    let sealed = [hand.seal(&plain), hand.block(&[&id[..], &[0; 64]].concat())].concat();
    made.push(
        "link-recipient-id",
        "wrapped for an identity, not for a bare key",
        ("decrypt", None),
        &sealed,
        json!({}),
    );
    let good = seal("link-bits", &honest(&me), ContentType::DeviceLink);
    for (id, comment, at) in [
        ("link-entry-bit", "a bit of the wrapped key", 33 + 2 + 66 + 10),
        ("link-commitment-bit", "a bit of the commitment", 152),
        ("link-chunk-bit", "a bit of the payload", 300),
        ("link-block-bit", "a bit of the signature block", good.len() - 10),
    ] {
        made.push(id, comment, ("decrypt", None), &flipped(&good, at), json!({}));
    }
}

/// What a linked device stores.
pub(crate) fn stored() -> Vec<Value> {
    let kek = || SymmetricKey::take(&mut [0x4c; 32]);
    let one = Link::of([0; 32], ALICE, 0);
    let two = Link::of([0; 32], ALICE, 1);
    let mut vectors = Vec::new();
    let mut push =
        |id: &str, comment: &str, expected: Expected, stored: &[u8], content: &[u8], random: Option<&[u8]>| {
            let mut fields = json!({"state": hex(stored), "kek": hex(kek().expose())});
            match LinkedIdentity::load(stored, &kek()) {
                Ok(linked) => {
                    assert_eq!(expected, OK, "{id}");
                    let generations: Vec<String> = linked.generations().map(|one| hex(&fingerprint(one))).collect();
                    fields["generations"] = json!(generations);
                    fields["content"] = json!(hex(content));
                    fields["random"] = json!(hex(random.unwrap()));
                    let again = linked.save(&kek(), &mut SeedRng::new(id.as_bytes())).unwrap();
                    assert_eq!(again, stored, "{id}");
                }
                Err(error) => assert_eq!(class_of(error), expected, "{id}"),
            }
            vectors.push(vector("linked_state", id, comment, expected, fields));
        };
    let seal = |id: &str, envelope: &Envelope<'_>, kind, content: &[u8]| {
        let mut rng = SeedRng::new(id.as_bytes());
        (hazmat::seal_as(envelope, kind, content, &mut rng).unwrap(), rng.drawn)
    };
    let (key, other) = (kek(), SymmetricKey::take(&mut [2; 32]));
    let to = [Recipient::symmetric(&key)];
    let honest = Envelope::to(&to).padding(Padding::Padme);
    let link = ContentType::DeviceLink;
    for (id, comment, content) in
        [("linked-state", "one generation", one.encode()), ("linked-state-two", "two generations", two.encode())]
    {
        let (sealed, random) = seal(id, &honest, link, &content);
        push(id, comment, OK, &sealed, &content, Some(&random));
    }
    let refused = |check| ("link", Some(check));
    for (id, comment, check, content) in [
        ("linked-state-echo", "an echo", "LNK-03", one.but(|link| link.echo[0] = 1)),
        ("linked-state-trailing", "a byte is left over", "LNK-03", [&one.encode()[..], &[0]].concat()),
        ("linked-state-transition", "a transition is missing", "LNK-06", two.but(|link| link.transitions.clear())),
        ("linked-state-secret", "another secret", "LNK-08", two.but(|link| link.generations[1].0[0] ^= 1)),
    ] {
        push(id, comment, refused(check), &seal(id, &honest, link, &content).0, &[], None);
    }
    let alice = &cast().alice;
    let both = [to[0], Recipient::symmetric(&other)];
    let public = [alice.public().recipient()];
    for (id, comment, envelope) in [
        ("linked-state-signed", "signed", honest_signed(&to, alice)),
        ("linked-state-two-keys", "to another key as well", Envelope::to(&both).padding(Padding::Padme)),
        ("linked-state-public-key", "to an identity", Envelope::to(&public).padding(Padding::Padme)),
        ("linked-state-unpadded", "not padded", Envelope::to(&to)),
        (
            "linked-state-public-data",
            "a byte of public data",
            Envelope::to(&to).padding(Padding::Padme).public_data(b"x"),
        ),
    ] {
        push(id, comment, ("malformed", None), &seal(id, &envelope, link, &one.encode()).0, &[], None);
    }
    let id = "linked-state-type";
    push(
        id,
        "a stored keyring",
        ("unsupported", None),
        &seal(id, &honest, ContentType::KeyringState, &one.encode()).0,
        &[],
        None,
    );
    let others = [Recipient::symmetric(&other)];
    let id = "linked-state-other-key";
    let foreign = seal(id, &Envelope::to(&others).padding(Padding::Padme), link, &one.encode()).0;
    push(id, "under another key", ("decrypt", None), &foreign, &[], None);
    vectors
}

fn honest_signed<'a>(to: &'a [Recipient<'a>], by: &'a Identity) -> Envelope<'a> {
    Envelope::to(to).padding(Padding::Padme).signed_by(by.sender()).without_copy_for_me()
}
