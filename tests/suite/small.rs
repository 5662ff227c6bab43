//! Everything once, with few people and small contents: what Miri interprets. `tests/miri/run.py`
//!
//! Not here, since it would take Miri hours: keys of RSA from seeds (the search for primes), identities of RSA, costs of
//! passphrases as people have them.

use crate::common::*;
use sealroom::*;
use std::ops::ControlFlow;
use std::time::Duration;

fn opens(envelope: &[u8], reader: Reader<'_>) -> Opened<Vec<u8>> {
    open(envelope, &[reader], &mut Draws::new(1)).unwrap()
}

fn unlock(envelope: &[u8], reader: Reader<'_>) -> Unlocked {
    Locked::decode(envelope, &Limits::default()).unwrap().unlock(&[reader], &mut Draws::new(1)).unwrap()
}

/// Three people, who can all be looked up.
fn three() -> ([Outsider; 3], Vec<PublicIdentity>) {
    let people = [1, 2, 3].map(outsider);
    let known = people.iter().map(|person| person.public.clone()).collect();
    (people, known)
}

#[test]
fn an_envelope_to_people_and_keys() {
    let (alice, bob, key) = (outsider(1), outsider(2), symmetric(3));
    let to = [bob.public.recipient(), Recipient::bare_p256(alice.encryption.public_key()), Recipient::symmetric(&key)];
    let envelope =
        Envelope::to(&to).signed_by(alice.sender()).padding(Padding::Padme).public_data(b"to whom").decoys(1);
    let sealed = envelope.seal(b"at noon", &mut Draws::new(4)).unwrap();
    assert!(sealed.len() <= envelope.max_sealed_len(7).unwrap());
    for reader in [bob.reader(), Reader::symmetric(&key), Reader::bare_p256(&alice.encryption), alice.reader()] {
        let opened = opens(&sealed, reader);
        assert_eq!(opened.claimed_signer(), Some(alice.public.fingerprint()));
        assert_eq!(opened.verify(&alice.public).unwrap(), b"at noon");
    }
    let Ok(Info::Envelope(info)) = inspect(&sealed) else { panic!() };
    assert_eq!((info.public_data, info.padded), (&b"to whom"[..], true));
    // Into the caller's memory.
    let mut out = vec![0; envelope.max_sealed_len(7).unwrap()];
    let len = envelope.seal_into(b"at noon", &mut out, &mut Draws::new(4)).unwrap();
    assert_eq!(out[..len], sealed);
    let mut plain = vec![0; len];
    let opened = open_into(&sealed, &[bob.reader()], &mut plain, &mut Draws::new(1)).unwrap();
    assert_eq!(opened.verify(&alice.public).unwrap(), b"at noon");
    // Not for others, and not changed.
    assert_eq!(open(&sealed, &[outsider(5).reader()], &mut Draws::new(1)).err(), Some(Error::Decrypt));
    let mut changed = sealed;
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(open(&changed, &[Reader::symmetric(&key)], &mut Draws::new(1)).err(), Some(Error::Decrypt));
    assert!(Locked::decode(&changed[..60], &Limits::default()).is_err());
}

#[test]
fn keys_held_elsewhere() {
    let (alice, bob) = (outsider(1), outsider(2));
    let to = [bob.public.recipient()];
    let elsewhere = Envelope::to(&to).signed_by(Sender::elsewhere(&alice.public)).without_copy_for_me();
    let mut stream = elsewhere.stream(None, &mut Draws::new(2)).unwrap();
    let mut sealed = stream.push(b"content").unwrap().to_vec();
    let pending = stream.finish_request().unwrap();
    let signature = alice.sign(pending.digest());
    sealed.extend(pending.complete(&signature).unwrap());
    let locked = Locked::decode(&sealed, &Limits::default()).unwrap();
    let Some(Operation::Agree { peer }) = locked.operation(&bob.public.recipient()) else { panic!() };
    let shared = bob.encryption.agree(&P256PublicKey::from_bytes(peer).unwrap()).unwrap();
    let unlocked = locked.answer_agree(&bob.public.recipient(), &shared).unwrap();
    assert_eq!(unlocked.open(locked.payload()).unwrap().verify(&alice.public).unwrap(), b"content");
}

#[test]
fn a_passphrase() {
    for cost in [PassphraseCost::argon2id_with(8, 1, 1, 1), PassphraseCost::pbkdf2_with(2, 1)] {
        let key = PassphraseKey::new(PASSPHRASE, cost.unwrap(), &mut unwatched, &mut Draws::new(1)).unwrap();
        let sealed = Envelope::to(&[Recipient::passphrase(&key)]).seal(b"content", &mut Draws::new(2)).unwrap();
        let again = PassphraseKey::of(&sealed, PASSPHRASE, &WorkLimits::default(), &mut unwatched).unwrap();
        assert_eq!(opens(&sealed, Reader::passphrase(&again)).unverified(), b"content");
        let stopped = PassphraseKey::of(&sealed, PASSPHRASE, &WorkLimits::default(), &mut |_| ControlFlow::Break(()));
        assert!(stopped.is_err());
    }
}

/// The second chunk is reached, the attachment is read whole and in parts.
#[test]
fn streams_attachments_and_offsets() {
    let (key, content) = (symmetric(1), content(CHUNK + 5));
    let (to, reader) = ([Recipient::symmetric(&key)], Reader::symmetric(&key));
    let envelope = Envelope::to(&to).padding(Padding::Padme);
    let mut rng = Draws::new(2);
    let mut stream = envelope.stream(Some(content.len() as u64), &mut rng).unwrap();
    let mut sealed = Vec::new();
    for piece in content.chunks(9000) {
        sealed.extend_from_slice(stream.push(piece).unwrap());
    }
    while let Some(padding) = stream.pad().unwrap() {
        sealed.extend_from_slice(padding);
    }
    sealed.extend(stream.finish(&mut rng).unwrap());
    let (start, end) =
        open_stream(&sealed, 9000, |locked| locked.unlock(&[reader], &mut Draws::new(1))).unwrap().unwrap();
    assert_eq!([start, end.unverified()].concat(), content);

    let at = |range: std::ops::Range<u64>| &sealed[range.start as usize..range.end as usize];
    let probe = unlock(&sealed, reader).at_offsets(sealed.len() as u64).unwrap();
    let first = probe.first_chunk().map(at);
    let last = at(probe.last_chunk());
    let parts = probe.authenticate(last, first).unwrap();
    assert_eq!(parts.content_len(), content.len() as u64);
    let range = CHUNK as u64 - 2..CHUNK as u64 + 2;
    let fetched = at(parts.fetch(&range).unwrap());
    let expected = &content[range.start as usize..range.end as usize];
    assert_eq!(parts.open(&range, fetched).unwrap().unverified(), expected);

    let (attached, key) = Envelope::to(&[]).seal_attachment(b"picture", &mut rng).unwrap();
    let key = AttachmentKey::take(&mut key.expose().clone());
    assert_eq!(key.open(&attached).unwrap(), b"picture");
    let mut stream = Envelope::to(&[]).stream_attachment(None, &mut rng).unwrap();
    let mut attached = stream.push(b"picture").unwrap().to_vec();
    let (rest, key) = stream.finish_attachment().unwrap();
    attached.extend(rest);
    assert_eq!(key.open(&attached).unwrap(), b"picture");
}

/// A key of 2048 bits is read from its file, and each of its four operations is done once.
#[test]
fn rsa() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/test-vectors/external/c2sp-det-keygen-rsa.json");
    let text = std::fs::read_to_string(path).unwrap();
    let file = text.split("\"private_key_pkcs8\": \"").nth(1).unwrap().split('"').next().unwrap();
    let key = RsaPrivateKey::from_pkcs8_der(&base64(file)).unwrap();
    let public = RsaPublicKey::from_spki_der(key.public_key().spki_der()).unwrap();
    let sealed = Envelope::to(&[Recipient::bare_rsa(&public)]).seal(b"content", &mut Draws::new(1)).unwrap();
    assert_eq!(opens(&sealed, Reader::bare_rsa(&key)).unverified(), b"content");
    // Another modulus, for which nobody has a key.
    let mut other = public.spki_der().to_vec();
    other[100] ^= 1;
    let other = RsaPublicKey::from_spki_der(&other).unwrap();
    let unsigned = UnsignedIdentity::rsa(0, other, public, outsider(1).rotation.public_key()).unwrap();
    assert_eq!(unsigned.sign(&key, &mut Draws::new(2)).unwrap().profile(), Profile::Rsa2048);
}

#[test]
fn words_identities_and_what_they_sign() {
    let words = Mnemonic::generate_in(WordCount::Twelve, Language::English, &mut Draws::new(1)).unwrap();
    let text = words.words().collect::<Vec<_>>().join(" ");
    assert!(Mnemonic::parse(&text).is_ok());
    assert!(Mnemonic::parse_in(Language::English, &text.replacen(' ', " zoo ", 1)).is_err());
    let root = Root::from_bip39_seed(&[1; 64]);
    let [old, new] = [0, 1].map(|n| root.identity(Profile::P256, n, &mut Draws::new(1)).unwrap());
    let read: PublicIdentity = old.public().to_string().parse().unwrap();
    assert_eq!(
        (&read, read.to_bytes()),
        (old.public(), PublicIdentity::from_bytes(&read.to_bytes()).unwrap().to_bytes())
    );
    let transition = root.succeed(&old, &new, &mut Draws::new(2)).unwrap();
    let transition = Transition::from_bytes(&transition.to_bytes().unwrap()).unwrap();
    assert_eq!(&old.public().follow(&transition).unwrap(), new.public());
    let number = SafetyNumber::of(old.public(), new.public());
    assert!(number.matches(&number.qr().to_string()) && number.to_string().len() > 60);
    let signature = old.sign(b"file", b"content", &mut Draws::new(3)).unwrap();
    let signature = DetachedSignature::from_bytes(&signature.to_bytes()).unwrap();
    assert_eq!(signature.verify(old.public(), b"file", b"content"), Ok(()));
    assert_eq!(signature.verify(old.public(), b"file", b"other"), Err(Error::Signature));

    let key = P256PrivateKey::generate(&mut Draws::new(4)).unwrap();
    let again = P256PrivateKey::from_pkcs8_pem(key.to_pkcs8_pem().unwrap().expose()).unwrap();
    let public = P256PublicKey::from_spki_pem(&key.public_key().to_spki_pem().unwrap()).unwrap();
    assert_eq!((again.public_key(), &public), (key.public_key(), key.public_key()));
    let by_serde: Fingerprint = serde_json::from_str(&serde_json::to_string(read.fingerprint()).unwrap()).unwrap();
    assert_eq!(&by_serde, read.fingerprint());
}

/// Alice makes a room with Bob; Carol comes, is told of the past and goes; both sides of a fork are heard.
#[test]
fn a_room() {
    let ([alice, bob, carol], people) = three();
    let rng = &mut Draws::new(1);
    let first = Room::create(&alice.sender(), &[(&bob.public, Role::Admin)], HistoryPolicy::FromJoin, rng).unwrap();
    let join = |package: &[u8], who: &Outsider, rng: &mut Draws| {
        Room::join(package, &alice.public, &[who.reader()], rng).unwrap().finish().unwrap()
    };
    let (mut alices, mut bobs) = (join(&first, &alice, rng), join(&first, &bob, rng));
    let draft = Draft::new(b"hello").associated_data(b"aad").padding(Padding::Padme);
    let before = alices.seal(&draft, &alice.sender(), rng).unwrap();
    assert_eq!(bobs.open(&before, b"aad", &people).unwrap().freshness(), Freshness::Fresh { skipped: 0 });
    assert!(bobs.open(&before, b"", &people).is_err());

    let addition = alices.add(&[(&carol.public, Role::Member)]).unwrap().seal(&alice.sender(), &people, rng).unwrap();
    assert!(matches!(alices.apply(&addition, &[alice.reader()], &people, rng), Ok(Applied::Head { .. })));
    let mut carols = join(&addition, &carol, rng);
    let grant = alices.grant_history(Epoch::new(0)..=Epoch::new(0), &[&carol.public], &alice.sender(), rng).unwrap();
    assert_eq!(carols.accept_grant(&grant, &alice.public, &[carol.reader()], rng), Ok(1));
    assert_eq!(carols.open(&before, b"aad", &people).unwrap().content(), b"hello");

    // Both admins act at once, and Carol hears of both; then she is gone.
    let removal = alices.remove(&[*carol.public.fingerprint()]).unwrap().seal(&alice.sender(), &people, rng).unwrap();
    let packages: [&[u8]; 2] = [&addition, &removal];
    assert!(bobs.catch_up(&packages[..1], &[bob.reader()], &people, rng).iter().all(Result::is_ok));
    let refresh = bobs.refresh().unwrap().seal(&bob.sender(), &people, rng).unwrap();
    bobs.apply(&refresh, &[bob.reader()], &people, rng).unwrap();
    assert!(matches!(bobs.apply(&removal, &[bob.reader()], &people, rng), Ok(Applied::Fork { .. })));
    let other = bobs.forks()[0].transcript;
    let _ = bobs.settle();
    bobs.switch_to(&other).unwrap();
    assert_eq!(bobs.roster().len(), 2);
    carols.apply(&refresh, &[carol.reader()], &people, rng).unwrap();

    // What is stored, what a new device gets back, and who vouches for it.
    let key = symmetric(1);
    let mut bobs = Room::load(&bobs.save(&key, rng).unwrap(), &key).unwrap();
    alices.apply(&removal, &[alice.reader()], &people, rng).unwrap();
    assert_eq!(alices.code().to_string(), bobs.code().to_string());
    let all: [&[u8]; 3] = [&removal, &first, &addition];
    let mut recovered = Room::recover(alices.id(), &all, &[alice.reader()], &people, rng).unwrap().room;
    let nonce = HeadStatement::nonce(rng).unwrap();
    let vouched = bobs.vouch(&nonce, &bob.sender(), rng).unwrap().to_bytes();
    recovered.confirm(&HeadStatement::from_bytes(&vouched).unwrap(), &nonce, &bob.public).unwrap();
    assert_eq!(recovered.standing(), Standing::Confirmed);

    let leave = LeaveStatement::from_bytes(&bobs.leave(&bob.sender(), rng).unwrap().to_bytes()).unwrap();
    assert_eq!(alices.check_leave(&leave, &people).as_ref(), Ok(bob.public.fingerprint()));
    let message = bobs.seal(&Draft::new(b"bye"), &bob.sender(), rng).unwrap();
    let mut out = vec![0; message.len()];
    assert_eq!(alices.open_into(&message, b"", &mut out, &people).unwrap().content(), b"bye");
    let many = recovered.open_many(&[(&message, b""), (&before, b"aad")], &people);
    assert!(many.iter().all(Result::is_ok));
}

/// A member's epoch yields to an admin's; who lacks one is behind; who was removed comes back; keys unlock elsewhere.
#[test]
fn a_room_with_two_branches() {
    let ([alice, bob, carol], people) = three();
    let rng = &mut Draws::new(1);
    let to = [(&bob.public, Role::Member), (&carol.public, Role::Member)];
    let first = Room::create(&alice.sender(), &to, HistoryPolicy::FromJoin, rng).unwrap();
    let [mut alices, mut bobs, mut carols] = [&alice, &bob, &carol].map(|who| {
        let (me, unlocked) = (who.public.fingerprint(), unlock(&first, who.reader()));
        Room::join_unlocked(&first, unlocked, &alice.public, me, rng).unwrap().finish().unwrap()
    });
    let mut memory = [vec![0; 2000], vec![0; 2000]];
    let [even, odd] = &mut memory;
    let mut epoch = SingleEpoch::join(&first, &alice.public, &[bob.reader()], even, rng).unwrap();

    let race = bobs.refresh().unwrap().seal(&bob.sender(), &people, rng).unwrap();
    let removal = alices.remove(&[*carol.public.fingerprint()]).unwrap().seal(&alice.sender(), &people, rng).unwrap();
    assert!(matches!(bobs.apply(&race, &[bob.reader()], &people, rng), Ok(Applied::Head { .. })));
    assert!(matches!(alices.apply(&removal, &[alice.reader()], &people, rng), Ok(Applied::Head { .. })));
    assert!(matches!(bobs.apply(&removal, &[bob.reader()], &people, rng), Ok(Applied::Switched { .. })));
    assert!(matches!(alices.apply(&race, &[alice.reader()], &people, rng), Ok(Applied::Fork { kept: true, .. })));
    assert_eq!(carols.apply(&removal, &[carol.reader()], &people, rng).err(), Some(Error::Decrypt));
    let mut epoch = epoch.follow(&race, &[bob.reader()], &people, odd, rng).unwrap();
    let mut spare = vec![0; 2000];
    let behind = epoch.follow(&removal, &[bob.reader()], &people, &mut spare, rng);
    assert_eq!(behind.err(), Some(Error::Unconfirmed));

    let addition = alices.add(&[(&carol.public, Role::Member)]).unwrap().seal(&alice.sender(), &people, rng).unwrap();
    alices.apply(&addition, &[alice.reader()], &people, rng).unwrap();
    let refresh = alices.refresh().unwrap().seal(&alice.sender(), &people, rng).unwrap();
    assert!(matches!(bobs.apply(&refresh, &[bob.reader()], &people, rng), Ok(Applied::Ahead { .. })));
    assert_eq!(bobs.standing(), Standing::Behind { epoch: Epoch::new(3) });
    let missed: [&[u8]; 2] = [&refresh, &addition];
    assert!(bobs.catch_up(&missed, &[bob.reader()], &people, rng).iter().all(Result::is_ok));
    let unlocked = unlock(&addition, carol.reader());
    let again = Room::join_unlocked(&addition, unlocked, &alice.public, carol.public.fingerprint(), rng).unwrap();
    again.finish_into(&mut carols).unwrap();
    carols.apply_unlocked(&refresh, unlock(&refresh, carol.reader()), &people).unwrap();
    assert_eq!((carols.transcript(), carols.epochs().count()), (bobs.transcript(), 3));
    let epoch = SingleEpoch::join(&first, &alice.public, &[carol.reader()], &mut memory[0], rng).unwrap();
    let epoch = epoch.join_again(&addition, &alice.public, &[carol.reader()], &mut spare, rng).unwrap();
    assert_eq!((epoch.epoch(), epoch.roster().count()), (Epoch::new(2), 3));
    assert!(format!("{carols:?}").contains(&format!("{:?}", carols.transcript())));
    assert!(carols.needs_rotation(&RotationPolicy::default().messages(9).age(Duration::MAX), 9, Duration::ZERO));
}

/// Under shared history, and with a device of one epoch.
#[test]
fn a_room_with_a_past() {
    let ([alice, bob, carol], people) = three();
    let rng = &mut Draws::new(1);
    let first = Room::create(&alice.sender(), &[(&bob.public, Role::Member)], HistoryPolicy::Shared, rng).unwrap();
    let mut alices = Room::join(&first, &alice.public, &[alice.reader()], rng).unwrap().finish().unwrap();
    let mut memory = [vec![0; 2000], vec![0; 2000]];
    let [even, odd] = &mut memory;
    let mut epoch = SingleEpoch::join(&first, &alice.public, &[bob.reader()], even, rng).unwrap();

    let addition = alices.add(&[(&carol.public, Role::Member)]).unwrap().seal(&alice.sender(), &people, rng).unwrap();
    alices.apply(&addition, &[alice.reader()], &people, rng).unwrap();
    let mut joining = Room::join(&addition, &alice.public, &[carol.reader()], rng).unwrap();
    assert_eq!(joining.wanted(), Some(Epoch::new(0)));
    joining.past(&first, &people).unwrap();
    let mut carols = joining.finish().unwrap();

    let epoch = epoch.follow(&addition, &[bob.reader()], &people, odd, rng).unwrap();
    let (draft, device) = (Draft::new(b"21.5 degrees"), DeviceId::from_bytes([4; 8]));
    let mut out = vec![0; draft.sealed_len(&bob.public).unwrap()];
    epoch.seal_into(&draft, device, 0, &bob.sender(), &mut out, rng).unwrap();
    let heard = carols.open(&out, b"", &people).unwrap();
    assert_eq!((heard.content(), heard.device()), (&b"21.5 degrees"[..], &device));
    let message = carols.seal(&Draft::new(b"thanks"), &carol.sender(), rng).unwrap();
    let mut out = vec![0; message.len()];
    let heard = epoch.open_into(&message, b"", &mut out, &people).unwrap();
    assert_eq!(
        (heard.content(), ReplayWindow::new().observe(&heard)),
        (&b"thanks"[..], Freshness::Fresh { skipped: 0 })
    );
    let (key, me) = (epoch.key(), *epoch.me());
    let mut again = vec![0; 2000];
    let again = SingleEpoch::reopen(&addition, &key, &me, &mut again).unwrap();
    assert_eq!(again.code().to_string(), epoch.code().to_string());
}

/// A lost device is left behind; the keyring is merged; the words bring all of it back, and a linked device what it is given.
#[test]
fn an_account() {
    let rng = &mut Draws::new(1);
    let (bob, carol, root) = (outsider(2), outsider(3), Root::from_bip39_seed(&[1; 64]));
    let old = root.identity(Profile::P256, 0, rng).unwrap();
    let to = [(old.public(), Role::Admin), (&carol.public, Role::Admin)];
    let package = Room::create(&bob.sender(), &to, HistoryPolicy::FromJoin, rng).unwrap();
    let mut room = Room::join(&package, &bob.public, &[old.reader()], rng).unwrap().finish().unwrap();
    let carols = Room::join(&package, &bob.public, &[carol.reader()], rng).unwrap().finish().unwrap();
    let mut keyring = Keyring::new(rng).unwrap();
    let _ = keyring.sight(b"bob", &bob.public).unwrap();
    keyring.pin(b"bob", &bob.public).unwrap();
    keyring.set_verified(bob.public.fingerprint(), true).unwrap();
    keyring.know(old.public()).unwrap();
    keyring.record(&room).unwrap();
    let part = keyring.part(&old.keyring_key().unwrap(), rng).unwrap();
    let mut other = Keyring::new(rng).unwrap();
    other.merge(&part, &[&old.keyring_key().unwrap()], rng).unwrap();
    assert_eq!(other.contacts().count(), 1);

    let mut succession = Succession::new(&root, &old, Profile::P256, rng).unwrap();
    let new = succession.identity().clone();
    let people: Vec<_> = [old.public(), new.public(), &bob.public, &carol.public].map(Clone::clone).into();
    let refresh = carols.refresh().unwrap().seal(&carol.sender(), &people, rng).unwrap();
    room.apply(&refresh, &[old.reader()], &people, rng).unwrap();
    let replacement = succession.replace(&room).unwrap().seal(&new.sender(), &people, rng).unwrap();
    room.apply(&replacement, &[new.reader()], &people, rng).unwrap();
    keyring.follow(succession.transition()).unwrap();
    keyring.record(&room).unwrap();
    let whole = succession.seal_keyring(&mut keyring, rng).unwrap();
    succession.published();
    succession.keyring_uploaded();
    assert_eq!(succession.left(&[&room]), [Left::Devices]);
    let key = symmetric(1);
    let keyring = Keyring::load(&keyring.save(&key, rng).unwrap(), &key).unwrap();
    assert!(keyring.conflicts().is_empty() && keyring.contact(b"bob").is_some());

    let mut recovery = Recovery::new(Root::from_bip39_seed(&[1; 64]), Profile::P256, rng).unwrap();
    let transition = succession.transition();
    let drive = |recovery: &mut Recovery, segments: &[&[u8]], packages: &[&[u8]], rng: &mut Draws| {
        while let Some(wanted) = recovery.wanted() {
            let blobs: Vec<Vec<u8>> = match wanted {
                Wanted::Transition { .. } => vec![transition.to_bytes().unwrap()],
                Wanted::Segments => segments.iter().map(|segment| segment.to_vec()).collect(),
                Wanted::Packages { .. } => packages.iter().map(|package| package.to_vec()).collect(),
                Wanted::Identities { of } => {
                    assert_eq!(of, [*carol.public.fingerprint()]);
                    vec![carol.public.to_bytes()]
                }
                _ => panic!(),
            };
            for blob in blobs {
                recovery.give(&blob, rng).unwrap();
            }
            recovery.proceed(rng).unwrap();
        }
    };
    drive(&mut recovery, &[&whole], &[&package, &refresh, &replacement], rng);
    assert_eq!((recovery.missing(), recovery.progress().epochs), (vec![], 3));
    let account = recovery.finish().unwrap();
    assert_eq!((account.rooms.len(), account.rooms[0].transcript()), (1, room.transcript()));

    let linking = Linking::new(rng).unwrap();
    let request = linking.request().confirm();
    let answer = request.answer(&[&old, &new], std::slice::from_ref(transition), rng).unwrap();
    let linked = linking.open(&answer).unwrap().confirm();
    // The keyring before the refresh, whose package was lost.
    let mut recovery = Recovery::of_linked(&linked, rng).unwrap();
    drive(&mut recovery, &[&part], &[&package, &replacement], rng);
    let lost = Missing::Epochs { room: *room.id(), first: Epoch::new(1), last: Epoch::new(1) };
    assert!(recovery.missing().contains(&lost), "{:?}", recovery.missing());
    assert_eq!(recovery.refused().count(), 0);
    let account = recovery.finish().unwrap();
    assert_eq!(account.rooms[0].transcript(), room.transcript());
}

#[test]
fn devices_and_requests() {
    let rng = &mut Draws::new(1);
    let (alice, device, key) = (person(1), P256PrivateKey::generate(rng).unwrap(), symmetric(1));
    let linking = Linking::new(rng).unwrap();
    let request: LinkRequest = linking.request().to_string().parse().unwrap();
    let answer = request.confirm().answer(&[&alice], &[], rng).unwrap();
    let linked = linking.open(&answer).unwrap();
    assert_eq!(linked.code(), LinkCode::of(alice.public()));
    let linked = LinkedIdentity::load(&linked.confirm().save(&key, rng).unwrap(), &key).unwrap();
    assert_eq!(linked.current().public(), alice.public());

    let issued = DeviceCertificate::issue(&alice.sender(), [1; 16], device.public_key(), 100..200, rng).unwrap();
    let certificate = DeviceCertificate::from_bytes(&issued.to_bytes()).unwrap();
    let asked = Request::new(b"api.example.org", b"POST", b"/mail").body(b"Hello.").server_nonce(b"nonce");
    let proof: RequestProof =
        RequestProof::sign(&asked, &certificate, &device, 150, rng).unwrap().to_string().parse().unwrap();
    let (mut seen, clock) = (RememberedProofs::new(2), Clock::at(150));
    let who = proof.verify(&asked, alice.public(), &clock, &mut seen).unwrap();
    assert_eq!(who.device_id(), &[1; 16]);
    assert!(proof.verify(&asked, alice.public(), &clock, &mut seen).is_err());
    assert!(certificate.verify(alice.public(), &Clock::at(900)).is_err());
}
