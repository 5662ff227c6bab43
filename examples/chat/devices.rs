//! Alice's devices: one is lost, one is linked, one is stolen.

use crate::contacts::{CAROL, DAVE};
use crate::device::{Device, Read};
use crate::phone::{Phone, go_through, missing, read_all, whole};
use crate::rooms::{Played, Scene, say};
use crate::server::{AUDIENCE, Server};
use crate::{Outcome, now, require, step};
use sealroom::{
    Account, DeviceCertificate, Error, HeadStatement, Identity, Keyring, LinkCode, LinkRequest, LinkedIdentity,
    Linking, Mnemonic, P256PrivateKey, Profile, Random, Recovery, Request, RequestProof, SymmetricKey, SystemRng,
    Transition, Wanted,
};

/// The old phone's last day: it reads all, uploads all, and is gone. Bob goes on.
pub(crate) fn lose_phone(played: &mut [Played<'_>; 2], scene: &Scene<'_>) -> Outcome<Read> {
    let Scene { names, server, .. } = *scene;
    let mut read = Read::new();
    for Played { alice, bob, said, .. } in played {
        alice.catch_up(names, server)?;
        scene.phone.borrow_mut().keep(&alice.room, server)?;
        read.append(&mut alice.read.clone());
        bob.catch_up(names, server)?;
        bob.make(&bob.room.refresh()?, names, server)?;
        say(bob, said, scene)?;
    }
    let parts = scene.phone.borrow().parts;
    step("The old phone", &format!("read {} messages, uploaded its keyring in {parts} parts, is lost", read.len()));
    Ok(read)
}

/// Words on a new phone: everything is back. First from a server that keeps something back, which is told.
pub(crate) fn recover(words: &str, read: &Read, scene: &Scene<'_>) -> Outcome<Account> {
    let Scene { names, server, .. } = *scene;
    let begin = || Recovery::new(Mnemonic::parse(words)?.root(), Profile::P256, &mut SystemRng);
    let mut recovery = begin()?;
    go_through(&mut recovery, server, false, |wanted, number| match wanted {
        Wanted::Segments => number != 5,
        Wanted::Identities { .. } => false,
        _ => true,
    })?;
    let told = missing(&recovery, &|fingerprint| names.name(fingerprint));
    let expected = ["segment 6", "epochs 4 to 23 of a room", "Bob's identity"];
    require(expected.iter().all(|what| told.iter().any(|told| told == what)), &format!("told is {told:?}"))?;
    step("A part is kept back", &format!("missing: {}", told.join(", ")));

    step("All is given", "step by step, what the new phone has:");
    let mut account = whole(begin()?, server)?;
    let again = read_all(&mut account.rooms, &account.keyring, server, "Alice")?;
    require(read.iter().all(|(id, content)| again.get(id) == Some(content)), "a message does not open again")?;
    // And those that Bob wrote since.
    require(again.len() == read.len() + account.rooms.len(), "other messages open than were written")?;
    require(same_contacts(&account.keyring, &scene.phone.borrow().keyring), "the contacts are others")?;
    let (count, new) = (read.len(), account.rooms.len());
    step("Everything is back", &format!("{count} messages open again, {new} new ones; contacts, and who is verified"));
    Ok(account)
}

fn same_contacts(one: &Keyring, other: &Keyring) -> bool {
    let of = |keyring: &Keyring| {
        [CAROL, DAVE].map(|name| keyring.contact(name).map(|found| (*found.identity.fingerprint(), found.verified)))
    };
    of(one) == of(other) && of(one).iter().all(Option::is_some)
}

/// The new phone may write once Bob vouched.
pub(crate) fn confirm(phone: &mut Device<'_>, played: &mut Played<'_>, scene: &Scene<'_>) -> Outcome<()> {
    let Scene { names, server, .. } = *scene;
    phone.catch_up(names, server)?;
    played.bob.catch_up(names, server)?;
    let nonce = HeadStatement::nonce(&mut SystemRng)?;
    let statement = played.bob.room.vouch(&nonce, &scene.bob.sender(), &mut SystemRng)?;
    server.post("Bob", &statement.to_bytes())?;
    phone.room.confirm(&statement, &nonce, scene.bob.public())?;
    phone.save()?;
    say(phone, &mut played.said, scene)
}

/// A device without the words: asks by QR code, is answered over the server. Gives what was on its screen too.
pub(crate) fn link(
    generations: &[&Identity],
    transitions: &[Transition],
    server: &Server,
) -> Outcome<(LinkedIdentity, String)> {
    let linking = Linking::new(&mut SystemRng)?;
    let screen = linking.request().to_string();

    // The phone reads the screen, and Alice says yes.
    let confirmed = screen.parse::<LinkRequest>()?.confirm();
    server.post("Alice", &confirmed.answer(generations, transitions, &mut SystemRng)?)?;
    let on_phone = LinkCode::of(generations.last().ok_or("no generation")?.public());

    let answer = server.answer("Alice")?;
    let other = Linking::new(&mut SystemRng)?.open(&answer);
    require(other.err() == Some(Error::Decrypt), "another device opens the answer")?;
    let linked = linking.open(&answer)?;
    require(linked.code() == on_phone, "the codes differ")?;
    let linked = linked.confirm();
    let key = SymmetricKey::generate(&mut SystemRng)?;
    let linked = LinkedIdentity::load(&linked.save(&key, &mut SystemRng)?, &key)?;
    let len = answer.len();
    step("A tablet, by QR code", &format!("{} characters, {len} bytes back; both show {on_phone}", screen.len()));
    Ok((linked, screen))
}

/// A linked device recovers as one with the words does.
pub(crate) fn recover_linked(linked: &LinkedIdentity, messages: usize, server: &Server) -> Outcome<Account> {
    let mut account = whole(Recovery::of_linked(linked, &mut SystemRng)?, server)?;
    let read = read_all(&mut account.rooms, &account.keyring, server, "Alice")?;
    require(read.len() == messages, "the tablet does not read everything")?;
    step("The tablet", &format!("reads all {messages} messages, without the words"));
    Ok(account)
}

/// A device's key, and the identity's word for it.
pub(crate) struct Certified {
    key: P256PrivateKey,
    certificate: DeviceCertificate,
}

impl Certified {
    pub(crate) fn new(identity: &Identity) -> Outcome<Self> {
        let key = P256PrivateKey::generate(&mut SystemRng)?;
        let mut id = [0; 16];
        SystemRng.fill(&mut id)?;
        let day = now()..now() + 86_400;
        let certificate = DeviceCertificate::issue(&identity.sender(), id, key.public_key(), day, &mut SystemRng)?;
        Ok(Self { key, certificate })
    }

    /// The header of a request.
    pub(crate) fn prove(&self, request: &Request<'_>, time: u64) -> Outcome<String> {
        Ok(RequestProof::sign(request, &self.certificate, &self.key, time, &mut SystemRng)?.to_string())
    }

    /// Asks for the keyring: what the server answers.
    pub(crate) fn ask(&self, server: &Server) -> Outcome<Result<(), String>> {
        let request = Request::new(AUDIENCE.as_bytes(), b"GET", b"/keyring");
        server.judge(&self.prove(&request, now())?, "GET", "/keyring", b"")
    }
}

/// The server knows the tablet by its requests, each once.
pub(crate) fn requests(tablet: &Certified, server: &Server) -> Outcome<()> {
    let request = Request::new(AUDIENCE.as_bytes(), b"GET", b"/keyring");
    let proof = tablet.prove(&request, now())?;
    let elsewhere = Request::new(b"elsewhere.example", b"GET", b"/keyring");
    let attempts = [
        ("A request", &proof, "/keyring", None),
        ("The same once more", &proof, "/keyring", Some("PRF-05")),
        ("With another target", &tablet.prove(&request, now())?, "/packages", Some("PRF-04")),
        ("For another server", &tablet.prove(&elsewhere, now())?, "/keyring", Some("PRF-04")),
        ("Without a proof", &String::new(), "/keyring", Some("")),
        ("An hour old", &tablet.prove(&request, now() - 3600)?, "/keyring", Some("PRF-03")),
    ];
    for (what, proof, target, refusal) in attempts {
        let answer = match (server.judge(proof, "GET", target, b"")?, refusal) {
            (Ok(()), None) => "accepted".to_owned(),
            (Err(answer), Some(tag)) if answer.contains(tag) => answer,
            (answer, _) => return Err(format!("{what}: {answer:?}").into()),
        };
        step(what, &answer);
    }
    Ok(())
}

/// The server gives an older keyring than the phone has seen.
pub(crate) fn rolled_back(phone: &mut Phone, server: &Server) -> Outcome<()> {
    let segments = server.segments("Alice")?;
    let mut merge = |segments: &[Vec<u8>]| {
        let covers = segments.iter().map(|segment| phone.keyring.merge(segment, &[&phone.key], &mut SystemRng));
        let covers = covers.collect::<Result<Vec<_>, _>>()?;
        Ok::<_, Error>(phone.keyring.lacking(&covers))
    };
    require(merge(&segments)?.is_empty(), "a segment is lacking, and all were given")?;
    let older = segments.get(..segments.len() / 2).unwrap_or_default();
    let lacking = merge(older)?;
    let count: u64 = lacking.iter().map(|lacking| lacking.last - lacking.first + 1).sum();
    require(count == u64::try_from(segments.len() - older.len())?, "a keyring that was rolled back is not noticed")?;
    step("A keyring rolled back", &format!("{} segments of {}: {count} are lacking", older.len(), segments.len()));
    Ok(())
}
