//! Who somebody is, and who is in a room.

use super::*;

/// Answers every question with one identity.
struct Swaps(PublicIdentity);

impl Directory for Swaps {
    fn identity(&self, _: &Fingerprint) -> Option<&PublicIdentity> {
        Some(&self.0)
    }
}

/// The server gives its own identity in the place of another's: to who pins contacts, to who checks a sender, in the body of an
/// identity, in a roster. [KRG-07] [ID-06] [ROOM-07] [ROOM-11]
#[test]
fn a_server_swaps_no_identity() {
    let (alice, bob, server) = (&crowd()[1], &crowd()[2], &crowd()[3]);
    let mut keyring = Keyring::new(&mut Draws::new(1)).unwrap();
    assert_eq!(keyring.sight(b"bob", &bob.public), Ok(Sighting::First));
    let pinned = *bob.public.fingerprint();
    assert_eq!(keyring.sight(b"bob", &server.public), Ok(Sighting::Changed { pinned }));
    assert_eq!(keyring.contact(b"bob").unwrap().identity.fingerprint(), &pinned);
    assert_ne!(SafetyNumber::of(&alice.public, &bob.public), SafetyNumber::of(&alice.public, &server.public));
    // Bob's identity with the server's encryption key.
    let mut swapped = bob.public.to_bytes();
    let key = server.encryption.public_key().as_bytes();
    let at = swapped.windows(65).position(|bytes| bytes == bob.encryption.public_key().as_bytes()).unwrap();
    swapped[at..at + 65].copy_from_slice(key);
    assert_eq!(PublicIdentity::from_bytes(&swapped).unwrap_err(), Error::Signature);

    let (devices, _) = Device::rooms(HistoryPolicy::FromJoin, &[1, 2], 2);
    let [mut alices, mut bobs] = devices.try_into().ok().unwrap();
    let unknown = Error::UnknownIdentity { fingerprint: bob.id() };
    let message = bobs.says(b"content");
    assert_eq!(alices.room.open(&message, b"", &Swaps(server.public.clone())).unwrap_err(), unknown);
    let package = bobs.package(Room::refresh);
    let swaps = Swaps(server.public.clone());
    assert_eq!(alices.room.apply(&package, &[alice.reader()], &swaps, &mut SystemRng), Err(unknown));
    assert_eq!(alices.hears(&message).unwrap(), b"content");

    // A change that wraps to whom the server says is Bob: only to those of the roster, by fingerprint.
    let change = alices.room.refresh().unwrap();
    let sealed = change.seal(&alice.sender(), &Swaps(server.public.clone()), &mut SystemRng);
    assert!(matches!(sealed, Err(Error::UnknownIdentity { .. })));
    // A package whose roster names Bob and which is wrapped to the server in his place: it does not open for Bob, and opening
    // it gives the server no message that Bob or Alice believes to be Bob's.
    let head = Known::of(&bobs.package(Room::refresh), bob.reader(), bob.id());
    assert_eq!(head.body.roster, roster(&[(alice.id(), 2), (bob.id(), 2)]));
    let parent = Body { epoch: 0, ..head.body.clone() };
    assert_eq!(parent.room_id(), *bobs.room.id().as_bytes());
    let swapped = Craft::new(head.body.clone(), alice.sender(), &[&alice.public, &server.public]).seal();
    assert_eq!(bobs.apply(&swapped), Err(Error::Decrypt));
    let with_one_more = Craft::new(head.body.clone(), alice.sender(), &[&alice.public, &bob.public, &server.public]);
    assert_eq!(bobs.apply(&with_one_more.seal()), Err(refused("ROOM-11")));
}

/// A roster with another person in somebody's place, with two entries exchanged, with one's role beside the other's name, or with
/// one twice: by a stranger, by a plain member, in an admin's name: refused. An admin who lies can change who is there, as admins
/// may, in a form that all see: nobody takes somebody else for who was there, and who is left out goes on without it.
/// [ROOM-02] [ROOM-07] [ROOM-09] [ROOM-14] [ROOM-15] [ROOM-18]
#[test]
fn nobody_swaps_an_entry_of_a_roster() {
    let (alice, bob, carol, eve) = (&crowd()[1], &crowd()[2], &crowd()[3], &crowd()[4]);
    let members = [(alice.id(), ADMIN), (bob.id(), ADMIN), (carol.id(), MEMBER)];
    let people = [alice, bob, carol].map(|who| &who.public);
    for history in [FROM_JOIN, SHARED] {
        let first = Craft::new(Body::first(history, &members), alice.sender(), &people).seal();
        let parent = Known::of(&first, bob.reader(), alice.id());
        let of = |who: &Outsider| State::of(who.id(), &[&parent]).room();
        let apply = |room: &mut Room, who: &Outsider, package: &[u8]| {
            let before = hazmat::room_state(room);
            let applied = room.apply(package, &[who.reader()], &directory(), &mut Draws::new(1));
            assert!(applied.is_ok() || before == hazmat::room_state(room));
            applied
        };
        let bobs = |package: &[u8]| apply(&mut of(bob), bob, package);
        // Under from_join who is new gets no earlier secret. [ROOM-12]
        let craft = |entries: Vec<([u8; 32], u8)>, to: &[&'static PublicIdentity]| {
            let is_new = entries.iter().any(|(who, _)| *who == eve.id());
            let craft = Craft::new(Body { roster: entries, ..parent.next() }, alice.sender(), to);
            if is_new && history == FROM_JOIN { craft } else { craft.with_previous(&parent.secret) }
        };
        let placed = |old: &Outsider, new: ([u8; 32], u8)| {
            roster(&members.map(|(who, role)| if who == old.id() { new } else { (who, role) }))
        };
        let with_eve = [alice, bob, eve].map(|who| &who.public);
        let in_carols_place = craft(placed(carol, (eve.id(), MEMBER)), &with_eve);
        let in_bobs_place = craft(placed(bob, (eve.id(), ADMIN)), &people);
        let other_roles = craft(roster(&[(alice.id(), ADMIN), (bob.id(), MEMBER), (carol.id(), ADMIN)]), &people);
        let mut exchanged = parent.body.roster.clone();
        exchanged.swap(0, 2);
        let exchanged = craft(exchanged, &people);
        let twice = craft(placed(carol, (bob.id(), MEMBER)), &people);

        for who in [eve, carol] {
            let by = |change: &Craft<'static>| bobs(&change.but(|craft| craft.author = Some(who.sender())).seal());
            let as_alice = |change: &Craft<'static>| bobs(&change.seal_by_hand(&people, None, alice.id(), who));
            for change in [&in_carols_place, &in_bobs_place, &other_roles] {
                assert_eq!((by(change), as_alice(change)), (Err(refused("ROOM-09")), Err(Error::Signature)));
            }
        }
        // A roster without its form nobody makes, Alice neither.
        for form in [&exchanged, &twice] {
            for who in [alice, carol, eve] {
                let made = form.but(|craft| craft.author = Some(who.sender())).seal();
                assert_eq!(bobs(&made), Err(refused("ROOM-02")));
            }
        }
        // She may put Eve in and Carol out. All who read it see that, and Carol cannot.
        let author = *alice.public.fingerprint();
        let mut seen = of(bob);
        assert_eq!(apply(&mut seen, bob, &in_carols_place.seal()), Ok(Applied::Head { author }));
        let shown: Vec<_> = seen.roster().iter().map(|member| *member.fingerprint.as_bytes()).collect();
        assert_eq!(shown, in_carols_place.body.roster.iter().map(|(who, _)| *who).collect::<Vec<_>>());
        assert!(!seen.roster().iter().any(|member| member.fingerprint == *carol.public.fingerprint()));
        assert_eq!(apply(&mut of(carol), carol, &in_carols_place.seal()), Err(Error::Decrypt));
        // Carol's next generation takes Carol's signature.
        let (next, step) = successor(carol, 9);
        let step = step.to_bytes().unwrap();
        let signed_by = |signing: &P256PrivateKey| {
            let body = &step[..step.len() - 128];
            let mut step = step.clone();
            let at = body.len();
            signing
                .sign_digest(&sha256(&sign_input("transition", body)), &mut step[at..at + 64], &mut Draws::new(1))
                .unwrap();
            let with_next = [&alice.public, &bob.public, &next.public].map(PublicIdentity::recipient);
            let to = with_next.to_vec();
            let body = Body { roster: placed(carol, (next.id(), MEMBER)), ..parent.next() };
            let craft = Craft { transition: step, to, ..Craft::new(body, alice.sender(), &[]) };
            let craft = if history == SHARED { craft.with_previous(&parent.secret) } else { craft };
            bobs(&craft.seal())
        };
        assert_eq!(signed_by(&carol.signing), Ok(Applied::Head { author }));
        assert_eq!(signed_by(&eve.signing), Err(Error::Signature));
        // A true step does not carry somebody else in, nor in anybody else's place.
        for (old, new) in [(carol, eve.id()), (bob, next.id())] {
            let mut roles = craft(placed(old, (new, MEMBER)), &with_eve);
            roles.transition.clone_from(&step);
            assert_eq!(bobs(&roles.seal()), Err(refused("ROOM-14")));
        }
        // Bob, whose place Eve is given, reads it or not: he is not in it, and stays where he was.
        assert_eq!(bobs(&in_bobs_place.seal()), Err(refused("ROOM-15")));
        let not_for_him = in_bobs_place.but(|craft| craft.to[1] = eve.public.recipient());
        assert_eq!(bobs(&not_for_him.seal()), Err(Error::Decrypt));
        // An exchange of roles is a demotion and a promotion.
        let mut demoted = of(bob);
        assert_eq!(apply(&mut demoted, bob, &other_roles.seal()), Ok(Applied::Head { author }));
        assert!(matches!(demoted.remove(&[*carol.public.fingerprint()]), Err(Error::Room { check: "ROOM-09" })));
        // Shown to Bob alone, while Carol is shown a refresh: two rooms, and a fork by Alice once one sees both.
        let refresh = craft(parent.body.roster.clone(), &people).seal();
        let mut carols = of(carol);
        assert_eq!(apply(&mut carols, carol, &refresh), Ok(Applied::Head { author }));
        assert_ne!(seen.code(), carols.code());
        assert_eq!(apply(&mut seen, bob, &refresh), Ok(Applied::Fork { author, kept: true }));
        assert_eq!((seen.forks()[0].author, seen.forks()[0].own_author), (author, author));
    }
}

/// Who is in a room changes by an admin's signed package: not by a stranger's, the server's, a plain member's, an unsigned or
/// anonymous one, nor with a wrap for who was removed. [ROOM-01] [ROOM-07] [ROOM-09] [ROOM-10] [ROOM-11]
#[test]
fn membership_is_signed() {
    let (alice, bob, carol, eve) = (&crowd()[1], &crowd()[2], &crowd()[3], &crowd()[4]);
    let members = [(alice.id(), 2), (bob.id(), 2), (carol.id(), MEMBER)];
    let body = Body::first(FROM_JOIN, &members);
    let first = Craft::new(body, alice.sender(), &[&alice.public, &bob.public, &carol.public]).seal();
    let parent = Known::of(&first, bob.reader(), alice.id());
    let apply = |package: &[u8]| {
        let mut room = State::of(bob.id(), &[&parent]).room();
        let before = hazmat::room_state(&room);
        let applied = room.apply(package, &[bob.reader()], &directory(), &mut Draws::new(1));
        assert!(applied.is_ok() || before == hazmat::room_state(&room));
        applied
    };
    let without_carol = Body { roster: roster(&members[..2]), ..parent.next() };
    let removal =
        Craft::new(without_carol, alice.sender(), &[&alice.public, &bob.public]).with_previous(&parent.secret);
    let author = *alice.public.fingerprint();
    assert_eq!(apply(&removal.seal()), Ok(Applied::Head { author }));
    // By a stranger, by the plain member, by her in Alice's name, by nobody.
    for who in [eve, carol] {
        assert_eq!(apply(&removal.but(|craft| craft.author = Some(who.sender())).seal()), Err(refused("ROOM-09")));
        let forged = removal.seal_by_hand(&[&alice.public, &bob.public], None, alice.id(), who);
        assert_eq!(apply(&forged), Err(Error::Signature));
    }
    assert!(matches!(apply(&removal.but(|craft| craft.author = None).seal()), Err(Error::Malformed { .. })));
    // A rotation that is wrapped anonymously under the room's own key, as every member can, and whoever has it from a member.
    let kek = SymmetricKey::take(&mut parent.epoch_kek());
    let rotation = Craft::new(parent.next(), carol.sender(), &[]).with_previous(&parent.secret);
    let rotation = rotation.but(|craft| craft.to.push(Recipient::symmetric(&kek)));
    assert_eq!(apply(&rotation.seal()), Err(refused("ROOM-10")));
    // The new key also sent to who is removed: under her key, and under the old epoch's.
    let leaky = removal.but(|craft| craft.to.push(carol.public.recipient()));
    assert_eq!(apply(&leaky.seal()), Err(refused("ROOM-11")));
    let leaky = removal.but(|craft| craft.to.push(Recipient::symmetric(&kek)));
    assert_eq!(apply(&leaky.seal()), Err(refused("ROOM-10")));
    // And an honest author wraps to whom the roster has.
    let room = State::of(alice.id(), &[&parent]).room();
    let honest = room.remove(&[*carol.public.fingerprint()]).unwrap();
    let to: BTreeSet<Fingerprint> = honest.wraps_to().copied().collect();
    assert_eq!(to, [alice, bob].map(|who| *who.public.fingerprint()).into());
    let honest = honest.seal(&alice.sender(), &directory(), &mut Draws::new(1)).unwrap();
    let mut room = State::of(carol.id(), &[&parent]).room();
    assert_eq!(room.apply(&honest, &[carol.reader()], &directory(), &mut Draws::new(1)), Err(Error::Decrypt));
}
