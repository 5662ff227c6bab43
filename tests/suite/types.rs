//! What holds for every public type: it crosses threads, and shows no secret.

use crate::common::*;
use sealroom::*;
use std::fmt::Debug;

/// [ERR-01]
#[test]
fn all_types_cross_threads() {
    fn crosses<T: Send + Sync + Debug>() {}
    crosses::<AttachmentKey>();
    crosses::<ContentType>();
    crosses::<DetachedSignature>();
    crosses::<Envelope<'_>>();
    crosses::<EnvelopeInfo<'_>>();
    crosses::<EnvelopeStart>();
    crosses::<Error>();
    crosses::<Fingerprint>();
    crosses::<Identity>();
    crosses::<Info<'_>>();
    crosses::<Language>();
    crosses::<Limits>();
    crosses::<Locked<'_>>();
    crosses::<Mnemonic>();
    crosses::<OffsetProbe>();
    crosses::<OffsetReader>();
    crosses::<Opened<Vec<u8>>>();
    crosses::<OpenStream>();
    crosses::<Operation<'_>>();
    crosses::<P256PrivateKey>();
    crosses::<P256PublicKey>();
    crosses::<Padding>();
    crosses::<PassphraseCost>();
    crosses::<PassphraseKey>();
    crosses::<PendingSignature<'_>>();
    crosses::<Profile>();
    crosses::<Progress>();
    crosses::<PublicIdentity>();
    crosses::<Reader<'_>>();
    crosses::<Recipient<'_>>();
    crosses::<Root>();
    crosses::<RsaPrivateKey>();
    crosses::<RsaPublicKey>();
    crosses::<SafetyNumber>();
    crosses::<SealStream<'_>>();
    crosses::<SecretDer>();
    crosses::<SecretPem>();
    crosses::<Sender<'_>>();
    crosses::<SharedSecret>();
    crosses::<SignatureAlgorithm>();
    crosses::<SymmetricKey>();
    crosses::<SystemRng>();
    crosses::<Transition>();
    crosses::<UnsignedIdentity>();
    crosses::<UnsignedTransition>();
    crosses::<Unlocked>();
    crosses::<Unverified<Vec<u8>>>();
    crosses::<WordCount>();
    crosses::<WorkLimits>();
    crosses::<WrappedContent>();
    crosses::<Clock>();
    crosses::<ConfirmedLink>();
    crosses::<DeviceCertificate>();
    crosses::<LinkCode>();
    crosses::<LinkRequest>();
    crosses::<Linked>();
    crosses::<LinkedIdentity>();
    crosses::<Linking>();
    crosses::<RememberedProofs>();
    crosses::<Request<'_>>();
    crosses::<RequestProof>();
    crosses::<UnsignedCertificate>();
    crosses::<UnsignedProof>();
    crosses::<Applied>();
    crosses::<Change>();
    crosses::<DeviceId>();
    crosses::<Draft<'_>>();
    crosses::<Epoch>();
    crosses::<EpochKey>();
    crosses::<EpochMessage<Vec<u8>>>();
    crosses::<Fork>();
    crosses::<Freshness>();
    crosses::<HeadStatement>();
    crosses::<HistoryPolicy>();
    crosses::<Joining>();
    crosses::<LeaveStatement>();
    crosses::<Member>();
    crosses::<MessageId>();
    crosses::<PendingMessage<'_>>();
    crosses::<PendingPackage>();
    crosses::<Recovered>();
    crosses::<ReplayWindow>();
    crosses::<Role>();
    crosses::<Room>();
    crosses::<RoomCode>();
    crosses::<RoomId>();
    crosses::<RoomMessage<Vec<u8>>>();
    crosses::<RotationPolicy>();
    crosses::<SingleEpoch<'_>>();
    crosses::<Standing>();
    crosses::<Transcript>();
    crosses::<Conflict>();
    crosses::<Contact<'_>>();
    crosses::<Keyring>();
    crosses::<Lacking>();
    crosses::<Merged>();
    crosses::<Sighting>();
    crosses::<Account>();
    crosses::<Left>();
    crosses::<Missing>();
    crosses::<Recovery>();
    crosses::<RecoveryProgress>();
    crosses::<Refused>();
    crosses::<Step>();
    crosses::<Succession>();
    crosses::<Wanted>();
    fn is_error<T: std::error::Error + Copy + Eq + 'static>() {}
    is_error::<Error>();
    // And the list above is the list of what the crate gives out.
    let (source, this) = (include_str!("../../src/lib.rs"), include_str!("types.rs"));
    let exported = source.split("pub use ").skip(1).flat_map(|used| {
        let (_, names) = used.split_once(';').map_or(("", used), |(used, _)| used.split_once("::").unwrap());
        names.split(|c: char| !c.is_alphanumeric() && c != '_').collect::<Vec<_>>()
    });
    let traits = ["Agree", "DecryptOaep", "Directory", "Random", "Replays", "Sign", "Watch"];
    let types: Vec<_> =
        exported.filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase()) && !traits.contains(name)).collect();
    assert!(types.len() >= 50);
    for name in types {
        let listed = [format!("crosses::<{name}>()"), format!("crosses::<{name}<")];
        assert!(listed.iter().any(|line| this.contains(line)), "{name}");
    }
}

/// The text of every secret is known to the letter.
#[test]
fn debug_shows_no_secret() {
    let people = people();
    let mut rng = Draws::new(1);
    let Outsider { encryption, public, signing, .. } = outsider(1);
    let point = hex(encryption.public_key().as_bytes());
    let fingerprint = public.fingerprint().to_string();
    let shows = |value: &dyn Debug, expected: &str| assert_eq!(format!("{value:?}"), expected);

    let key = symmetric(1);
    shows(&key, "SymmetricKey(..)");
    shows(&encryption, &format!("P256PrivateKey {{ public: P256PublicKey({point}), .. }}"));
    shows(encryption.public_key(), &format!("P256PublicKey({point})"));
    let rsa = rsa_2048();
    let modulus = hex(&rsa.public_key().spki_der()[33..41]);
    shows(rsa, &format!("RsaPrivateKey {{ public: RsaPublicKey(2048 bits, {modulus}..), .. }}"));
    shows(&SharedSecret::take(&mut [7; 32]), "SharedSecret(..)");
    shows(&WrappedContent::take(&mut [7; 64]), "WrappedContent(..)");
    shows(&encryption.to_pkcs8_der().unwrap(), "SecretDer(..)");
    shows(&encryption.to_pkcs8_pem().unwrap(), "SecretPem(..)");
    shows(&rsa.to_pkcs8_der().unwrap(), "SecretDer(..)");
    let mnemonic = Mnemonic::generate(&mut rng).unwrap();
    shows(&mnemonic, "Mnemonic(..)");
    shows(&mnemonic.root(), "Root(..)");
    shows(&people.alice, &format!("Identity({})", people.alice.public().fingerprint()));
    shows(rsa_person(), &format!("Identity({})", rsa_person().public().fingerprint()));
    let identity = format!("PublicIdentity {{ profile: P256, generation: 0, fingerprint: {fingerprint}, .. }}");
    shows(&public, &identity);
    shows(public.fingerprint(), &fingerprint);
    let salt = {
        let mut rng = Draws::new(3);
        PassphraseKey::new(b"", PassphraseCost::pbkdf2_with(1, 1).unwrap(), &mut unwatched, &mut rng).unwrap();
        rng.drawn[0].clone()
    };
    let passphrase =
        PassphraseKey::new(b"pass", PassphraseCost::pbkdf2_with(2, 3).unwrap(), &mut unwatched, &mut Draws::new(3));
    let kdf = format!("Kdf {{ salt: {salt:?}, rounds: 3, cost: Pbkdf2 {{ iterations: 2 }} }}");
    shows(&passphrase.unwrap(), &format!("PassphraseKey {{ kdf: {kdf}, .. }}"));

    shows(&Recipient::bare_p256(encryption.public_key()), &format!("P256(P256PublicKey({point}))"));
    shows(&Recipient::bare_rsa(rsa.public_key()), &format!("Rsa(RsaPublicKey(2048 bits, {modulus}..))"));
    shows(&Recipient::symmetric(&key), "Symmetric(..)");
    shows(&Recipient::passphrase(&people.pbkdf2), "Passphrase(..)");
    shows(&Reader::bare_p256(&encryption), "Reader::P256(..)");
    shows(&Reader::bare_rsa(rsa), "Reader::Rsa(..)");
    shows(&Reader::symmetric(&key), "Reader::Symmetric(..)");
    shows(&Reader::passphrase(&people.pbkdf2), "Reader::Passphrase(..)");
    shows(&Sender::new(&public, &signing), &format!("Sender({fingerprint})"));

    let to = [Recipient::symmetric(&key)];
    let envelope = Envelope::to(&to).signed_by(Sender::elsewhere(&public)).without_copy_for_me();
    shows(
        &envelope,
        &format!(
            "Envelope {{ recipients: [Symmetric(..)], sender: Some(Sender({fingerprint})), copy: false, padding: None, \
             public_data: [], decoys: 0, limits: Limits {{ header_len: 1048576, entries: 16384 }} }}"
        ),
    );
    let mut stream = envelope.stream(None, &mut rng).unwrap();
    let _ = stream.push(b"secret").unwrap();
    shows(&stream, "SealStream(..)");
    let pending = stream.finish_request().unwrap();
    shows(&pending, &format!("PendingSignature {{ digest: {:?}, .. }}", pending.digest()));

    let (attachment, attachment_key) = Envelope::to(&[]).seal_attachment(b"secret", &mut rng).unwrap();
    shows(&attachment_key, "AttachmentKey(..)");
    let locked = Locked::decode(&attachment, &Limits::default()).unwrap();
    shows(&locked, "Locked { content_type: Attachment, .. }");
    let unlock = || attachment_key.unlock(&locked).unwrap();
    shows(&unlock(), "Unlocked(..)");
    shows(&unlock().stream(), "OpenStream(..)");
    let mut stream = unlock().stream();
    shows(&stream.push(locked.payload()).unwrap(), "Unverified(..)");
    shows(&stream.finish().unwrap(), "Opened { claimed_signer: None, .. }");
    shows(&unlock().open(locked.payload()).unwrap(), "Opened { claimed_signer: None, .. }");
    let probe = unlock().at_offsets(attachment.len() as u64).unwrap();
    shows(&probe, "OffsetProbe(..)");
    let last = probe.last_chunk();
    let reader = probe.authenticate(&attachment[last.start as usize..last.end as usize], None).unwrap();
    shows(&reader, "OffsetReader { probe: OffsetProbe(..), content_len: 6 }");
    shows(&reader.open(&(0..6), locked.payload()).unwrap(), "Unverified(..)");

    let signed = &sample("signed").bytes;
    let alice = people.alice.public().fingerprint();
    let opened = open(signed, &[people.bob.reader()], &mut rng).unwrap();
    shows(&opened, &format!("Opened {{ claimed_signer: Some({alice}), .. }}"));
    let detached = people.alice.sign(b"", b"", &mut rng).unwrap();
    shows(&detached, &format!("DetachedSignature {{ signer: {alice}, .. }}"));
    let (old, new) = (generation(1, 0), generation(1, 1));
    let transition = Root::from_bip39_seed(&[1; 64]).succeed(&old, &new, &mut rng).unwrap();
    let rotation = outsider(1).rotation;
    let unsigned = UnsignedTransition::new(
        &public,
        &crate::common::rooms::successor(&outsider(1), 2).0.public,
        rotation.public_key(),
    )
    .unwrap();
    let shown = format!("{unsigned:?}");
    assert!(
        shown.starts_with(&format!("UnsignedTransition {{ old: {}", public.fingerprint())) && shown.ends_with(", .. }")
    );
    shows(&transition, &format!("Transition {{ old: {}, new: {:?}, .. }}", old.public().fingerprint(), new.public()));
}

/// Each error says what it is, in a line without a full stop, and nothing of a secret. [ERR-01]
#[test]
fn errors_are_lines() {
    for error in [
        Error::Malformed { field: "x" },
        Error::Unsupported { field: "x" },
        Error::Limit { limit: "x" },
        Error::Decrypt,
        Error::Signature,
        Error::Link { check: "x" },
        Error::Proof { check: "x" },
        Error::Buffer { needed: 1 },
        Error::Argument { what: "x" },
        Error::Key,
        Error::GivenUp,
        Error::Generator,
    ] {
        let text = error.to_string();
        assert!(!text.is_empty() && !text.contains('\n') && !text.ends_with('.'));
    }
}

/// What is taken over is erased where it was.
#[test]
fn what_is_taken_is_erased() {
    let (mut x, mut message, mut key) = ([7; 32], [7; 64], [7; 32]);
    let _ = SharedSecret::take(&mut x);
    let _ = WrappedContent::take(&mut message);
    assert_eq!(SymmetricKey::take(&mut key).expose(), &[7; 32]);
    assert_eq!((x, message, key), ([0; 32], [0; 64], [0; 32]));
}

/// A room, a change and what waits for a signature show who and where, and no key.
#[test]
fn debug_of_rooms_shows_no_secret() {
    let people = people();
    let (alice, bob) = (&people.alice, &people.bob);
    let mut rng = Draws::new(5);
    let others = [(bob.public(), Role::Admin)];
    let package = Room::create(&alice.sender(), &others, HistoryPolicy::FromJoin, &mut rng).unwrap();
    let joining = Room::join(&package, alice.public(), &[alice.reader()], &mut rng).unwrap();
    let shown_room = |room: &Room| {
        let id = hex(room.id().as_bytes());
        let start = hex(&room.transcript().as_bytes()[..8]);
        let me = alice.public().fingerprint();
        format!("Room {{ id: RoomId({id}), me: {me}, epoch: 0, transcript: Transcript({start}..), .. }}")
    };
    let joining_text = format!("{joining:?}");
    let mut room = joining.finish().unwrap();
    assert_eq!(joining_text, format!("Joining {{ room: {}, wanted: None }}", shown_room(&room)));
    assert_eq!(format!("{room:?}"), shown_room(&room));
    let change = room.refresh().unwrap();
    assert_eq!(format!("{change:?}"), format!("Change {{ epoch: 1, author: {}, .. }}", alice.public().fingerprint()));
    let pending = change.request(&alice.sender(), &[alice.public(), bob.public()], &mut rng).unwrap();
    assert_eq!(format!("{pending:?}"), format!("PendingPackage {{ digest: {:?}, .. }}", pending.digest()));
    let draft = Draft::new(b"hidden").associated_data(b"too");
    assert_eq!(format!("{draft:?}"), "Draft { padding: None, .. }");
    let pending = room.request(&draft, alice.public()).unwrap();
    assert_eq!(format!("{pending:?}"), format!("PendingMessage {{ digest: {:?}, .. }}", pending.digest()));
    let message = room.seal(&draft, &alice.sender(), &mut rng).unwrap();
    let opened = room.open(&message, b"too", &[alice.public()]).unwrap();
    let expected = format!(
        "RoomMessage {{ epoch: 0, sender: {}, sequence: 1, freshness: Fresh {{ skipped: 0 }}, .. }}",
        alice.public().fingerprint()
    );
    assert_eq!(format!("{opened:?}"), expected);
    assert_eq!(format!("{:?}", opened.device()), format!("DeviceId({})", hex(opened.device().as_bytes())));
    assert_eq!(format!("{:?}", opened.id()), format!("MessageId({}..)", hex(&opened.id().as_bytes()[..8])));
    let mut memory = [0; 1000];
    let single = SingleEpoch::join(&package, alice.public(), &[bob.reader()], &mut memory, &mut rng).unwrap();
    let of_bob =
        shown_room(&room).replace(&alice.public().fingerprint().to_string(), &bob.public().fingerprint().to_string());
    assert_eq!(format!("{single:?}"), of_bob.replace("Room {", "SingleEpoch {"));
    assert_eq!(format!("{:?}", single.key()), "EpochKey(..)");
    assert_eq!((Epoch::new(7).to_string(), format!("{:3}", Epoch::new(7))), ("7".into(), "  7".into()));
    let mut out = vec![0; message.len()];
    let opened = single.open_into(&message, b"too", &mut out, &[alice.public()]).unwrap();
    let expected = format!("EpochMessage {{ epoch: 0, sender: {}, sequence: 1, .. }}", alice.public().fingerprint());
    assert_eq!(format!("{opened:?}"), expected);
    let mut window = ReplayWindow::new();
    window.observe(&opened);
    assert_eq!(format!("{window:?}"), "ReplayWindow { seen: 1, .. }");
}

/// A device that links, and what it is given, show whose and no key; a request for a server shows nothing.
#[test]
fn debug_of_devices_shows_no_secret() {
    let alice = &people().alice;
    let mut rng = Draws::new(6);
    let linking = Linking::new(&mut rng).unwrap();
    assert_eq!(format!("{linking:?}"), "Linking(..)");
    let request = linking.request();
    let point = hex(&request.to_bytes()[7..72]);
    let shown = format!("LinkRequest {{ key: P256PublicKey({point}), .. }}");
    assert_eq!(format!("{request:?}"), shown);
    let confirmed = request.confirm();
    assert_eq!(format!("{confirmed:?}"), format!("ConfirmedLink({shown})"));
    let linked = linking.open(&confirmed.answer(&[alice], &[], &mut rng).unwrap()).unwrap();
    assert_eq!(format!("{linked:?}"), "Linked(..)");
    let fingerprint = alice.public().fingerprint();
    assert_eq!(format!("{:?}", linked.confirm()), format!("LinkedIdentity({fingerprint})"));

    let key = P256PrivateKey::generate(&mut rng).unwrap();
    let id = [7; 16];
    let certificate = DeviceCertificate::issue(&alice.sender(), id, key.public_key(), 5..9, &mut rng).unwrap();
    let shown = format!("DeviceCertificate {{ identity: {fingerprint}, device_id: {id:?}, validity: 5..9, .. }}");
    assert_eq!(format!("{certificate:?}"), shown);
    let request = Request::new(b"server", b"GET", b"/secret");
    assert_eq!(format!("{request:?}"), "Request(..)");
    let unsigned = UnsignedProof::new(&request, &certificate, 6, &mut rng).unwrap();
    assert_eq!(format!("{unsigned:?}"), format!("UnsignedProof {{ digest: {:?}, .. }}", unsigned.digest()));
    let proof = RequestProof::sign(&request, &certificate, &key, 6, &mut rng).unwrap();
    assert_eq!(format!("{proof:?}"), format!("RequestProof {{ certificate: {shown}, time: 6, .. }}"));
    assert_eq!(format!("{:?}", RememberedProofs::new(3)), "RememberedProofs { held: 0, max: 3 }");
}

/// The system's generator draws, by each of its three ways.
#[test]
fn the_system_draws() {
    use rand_core::TryRng;
    use std::collections::BTreeSet;
    let mut rng = SystemRng;
    let words: BTreeSet<u32> = (0..8).map(|_| rng.try_next_u32().unwrap()).collect();
    let pairs: BTreeSet<u64> = (0..8).map(|_| rng.try_next_u64().unwrap()).collect();
    let blocks: BTreeSet<[u8; 16]> = (0..8)
        .map(|_| {
            let mut block = [0; 16];
            rng.try_fill_bytes(&mut block).unwrap();
            block
        })
        .collect();
    // Two of eight 32-bit words are equal once in 150 million times.
    assert_eq!((words.len(), pairs.len(), blocks.len()), (8, 8, 8));
    assert!(pairs.iter().any(|pair| pair >> 32 != 0));
}

/// What brings an account back, or over to new keys, shows how far it is.
#[test]
fn debug_of_accounts_shows_no_secret() {
    let mut rng = Draws::new(7);
    let mnemonic = Mnemonic::generate(&mut rng).unwrap();
    let root = mnemonic.root();
    let old = root.identity(Profile::P256, 0, &mut rng).unwrap();
    let keyring = Keyring::new(&mut rng).unwrap();
    let shown = format!("{keyring:?}");
    assert!(shown.starts_with("Keyring { device: ") && shown.ends_with(", entries: 0, rooms: 0, .. }"), "{shown}");
    let succession = Succession::new(&root, &old, Profile::P256, &mut rng).unwrap();
    let new = succession.identity().public().fingerprint();
    assert_eq!(format!("{succession:?}"), format!("Succession {{ identity: Identity({new}), .. }}"));
    let recovery = Recovery::new(root, Profile::P256, &mut rng).unwrap();
    let shown = format!("Recovery {{ wanted: {:?}, progress: {:?} }}", recovery.wanted(), recovery.progress());
    assert_eq!(format!("{recovery:?}"), shown);
    assert_eq!(recovery.progress().generations, 1);
    let secret_words: Vec<_> = mnemonic.words().filter(|word| word.len() > 5 && shown.contains(word)).collect();
    assert!(secret_words.is_empty());
}

/// Public keys are equal if they are the same key.
#[test]
fn other_keys_are_not_equal() {
    let rsa = rsa_2048().public_key();
    let mut der = rsa.spki_der().to_vec();
    assert_eq!(RsaPublicKey::from_spki_der(&der).as_ref(), Ok(rsa));
    der[100] ^= 1;
    assert_ne!(RsaPublicKey::from_spki_der(&der).as_ref(), Ok(rsa));
    let (one, other) = (outsider(1), outsider(2));
    assert_eq!(one.encryption.public_key(), outsider(1).encryption.public_key());
    assert_ne!(one.encryption.public_key(), other.encryption.public_key());
    assert_eq!(one.public, outsider(1).public);
    assert_ne!(one.public, other.public);
}

/// What a passphrase costs unless somebody says otherwise: SPEC §8.5.
#[test]
fn passphrases_cost_what_the_specification_says() {
    assert_eq!(PassphraseCost::argon2id(), PassphraseCost::argon2id_with(65_536, 3, 4, 2).unwrap());
    assert_eq!(PassphraseCost::pbkdf2(), PassphraseCost::pbkdf2_with(60_000, 10).unwrap());
    assert_eq!(PassphraseCost::default(), PassphraseCost::argon2id());
}

/// The longest encodings, with signatures of RSA-4096: SPEC §10.3, §11.4, §12, §23. And what a reader of one epoch keeps.
#[test]
fn buffers_are_as_long_as_the_longest() {
    assert_eq!(PublicIdentity::MAX_LEN, 1580);
    assert_eq!(DetachedSignature::MAX_LEN, 7 + 1 + 32 + 512);
    assert_eq!(Transition::MAX_LEN, 7 + 32 + 1 + 1580 + 65 + 512 + 64);
    assert_eq!(DeviceCertificate::MAX_LEN, 7 + 32 + 16 + 65 + 8 + 8 + 1 + 512);
    assert_eq!(RequestProof::MAX_LEN, 744);
    assert_eq!(EpochKey::LEN, 72);
}
