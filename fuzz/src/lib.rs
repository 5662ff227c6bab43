//! Bodies of the fuzz targets: plain functions, so that an ordinary test can run them too.

use rand_core::{TryCryptoRng, TryRng};
use sealroom::{
    AttachmentKey, ContentType, DetachedSignature, DeviceCertificate, Draft, Envelope, EnvelopeStart, Epoch, Error,
    Fingerprint, HeadStatement, HistoryPolicy, Identity, LeaveStatement, Limits, LinkRequest, LinkedIdentity, Linking,
    Locked, Opened, P256PrivateKey, P256PublicKey, Padding, Profile, PublicIdentity, Reader, Recipient, RequestProof,
    Role, Room, Root, RsaPublicKey, SymmetricKey, Transition, hazmat, inspect, open_into,
};
use std::convert::Infallible;
use std::sync::OnceLock;

/// A counter: the same envelopes in every run.
struct Counter(u8);

impl TryRng for Counter {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.fill_with(|| {
            self.0 = self.0.wrapping_add(1);
            self.0
        });
        Ok(())
    }
}

impl TryCryptoRng for Counter {}

fn people() -> &'static [Identity; 2] {
    static PEOPLE: OnceLock<[Identity; 2]> = OnceLock::new();
    PEOPLE.get_or_init(|| {
        [1, 2].map(|n| Root::from_bip39_seed(&[n; 64]).identity(Profile::P256, 0, &mut Counter(0)).unwrap())
    })
}

/// Every decoder: no panic, and what decodes encodes to the same bytes.
pub fn decode(bytes: &[u8]) {
    let _ = inspect(bytes);
    let _ = Locked::decode(bytes, &Limits::default());
    if let Ok(identity) = PublicIdentity::from_bytes(bytes) {
        assert_eq!(identity.to_bytes(), bytes);
        assert_eq!(identity.to_string().parse(), Ok(identity));
    }
    if let Ok(transition) = Transition::from_bytes(bytes) {
        assert_eq!(transition.to_bytes().unwrap(), bytes);
    }
    if let Ok(signature) = DetachedSignature::from_bytes(bytes) {
        assert_eq!(signature.to_bytes(), bytes);
    }
    if let Ok(statement) = LeaveStatement::from_bytes(bytes) {
        assert_eq!(statement.to_bytes(), bytes);
    }
    if let Ok(statement) = HeadStatement::from_bytes(bytes) {
        assert_eq!(statement.to_bytes(), bytes);
    }
    if let Ok(request) = LinkRequest::from_bytes(bytes) {
        assert_eq!(request.to_bytes(), bytes);
    }
    if let Ok(certificate) = DeviceCertificate::from_bytes(bytes) {
        assert_eq!(certificate.to_bytes(), bytes);
    }
    if let Ok(proof) = RequestProof::from_bytes(bytes) {
        assert_eq!(proof.to_bytes(), bytes);
    }
    assert!(Linking::new(&mut Counter(0)).unwrap().open(bytes).is_err());
    assert!(LinkedIdentity::load(bytes, &SymmetricKey::take(&mut [3; 32])).is_err());
    if let Ok(key) = P256PublicKey::from_spki_der(bytes) {
        assert_eq!(key.to_spki_der(), bytes);
    }
    if let Ok(key) = RsaPublicKey::from_spki_der(bytes) {
        assert_eq!(key.spki_der(), bytes);
    }
    let _ = P256PrivateKey::from_pkcs8_der(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(fingerprint) = text.parse::<Fingerprint>() {
            assert_eq!(fingerprint.to_string(), text);
        }
        if let Ok(request) = text.parse::<LinkRequest>() {
            assert_eq!(request.to_string(), text);
        }
        if let Ok(proof) = text.parse::<RequestProof>() {
            assert_eq!(proof.to_string(), text);
        }
        let _ = text.parse::<PublicIdentity>();
        let _ = P256PublicKey::from_spki_pem(text);
        let _ = RsaPublicKey::from_spki_pem(text);
        let _ = sealroom::Mnemonic::parse(text);
    }
}

/// An envelope's bytes from the fuzzer: as they are, and as a change to a valid one. Nothing but the valid one opens.
pub fn open(bytes: &[u8]) {
    let [alice, bob] = people();
    let key = SymmetricKey::take(&mut [3; 32]);
    let readers = [bob.reader(), Reader::symmetric(&key), Reader::bare_p256(never())];
    assert!(sealroom_open(bytes, &readers).is_err());
    let mut out = vec![0; bytes.len()];
    assert!(open_into(bytes, &readers, &mut out, &mut Counter(0)).is_err());

    let Some((&[kind, at_high, at_low], change)) = bytes.split_first_chunk() else { return };
    let to = [bob.public().recipient(), Recipient::symmetric(&key)];
    let public_data = [kind];
    let mut builder = Envelope::to(&to).public_data(&public_data);
    if kind & 1 != 0 {
        builder = builder.signed_by(alice.sender());
    }
    if kind & 2 != 0 {
        builder = builder.padding(Padding::Padme);
    }
    let valid = builder.seal(&[kind; 300], &mut Counter(kind)).unwrap();
    let mut changed = valid.clone();
    let at = usize::from(u16::from_be_bytes([at_high, at_low])) % changed.len();
    let end = (at + change.len()).min(changed.len());
    changed.splice(at..end, change.iter().copied());
    assert_eq!(sealroom_open(&changed, &readers).is_ok(), changed == valid);
}

/// A key that no envelope here is sealed to.
fn never() -> &'static P256PrivateKey {
    static KEY: OnceLock<P256PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| P256PrivateKey::generate(&mut Counter(99)).unwrap())
}

fn sealroom_open(bytes: &[u8], readers: &[Reader<'_>]) -> Result<Opened<Vec<u8>>, Error> {
    sealroom::open(bytes, readers, &mut Counter(0))
}

/// Splits and changes chosen by the fuzzer: a stream opens what one call opens, and nothing else.
pub fn stream(bytes: &[u8]) {
    let Some((&[kind, step, at_high, at_low, bit], _)) = bytes.split_first_chunk() else { return };
    let content = vec![kind; usize::from(kind) * 200];
    let mut attachment = Envelope::to(&[]);
    if kind & 1 != 0 {
        attachment = attachment.padding(Padding::Padme);
    }
    let (mut envelope, key) = attachment.seal_attachment(&content, &mut Counter(kind)).unwrap();
    let at = usize::from(u16::from_be_bytes([at_high, at_low])) % envelope.len();
    envelope[at] ^= bit;
    envelope.truncate(envelope.len() - usize::from(step & 1));

    let whole = open_whole(&envelope, &key);
    let pieces = open_pieces(&envelope, &key, usize::from(step) + 1);
    assert_eq!(whole.is_ok(), bit == 0 && step & 1 == 0);
    assert_eq!(whole.ok(), pieces.ok());
}

fn open_whole(envelope: &[u8], key: &AttachmentKey) -> Result<Vec<u8>, Error> {
    let locked = Locked::decode(envelope, &Limits::default())?;
    Ok(key.unlock(&locked)?.open(locked.payload())?.unverified())
}

fn open_pieces(envelope: &[u8], key: &AttachmentKey, step: usize) -> Result<Vec<u8>, Error> {
    let mut start = EnvelopeStart::new(Limits::default());
    let mut pieces = envelope.chunks(step);
    let mut rest = None;
    while rest.is_none() {
        rest = start.push(pieces.next().ok_or(Error::Decrypt)?)?;
    }
    let mut stream = key.unlock(&start.locked()?)?.stream();
    let mut content = stream.push(rest.unwrap_or_default())?.unverified().to_vec();
    for piece in pieces {
        content.extend_from_slice(stream.push(piece)?.unverified());
    }
    content.extend(stream.finish()?.unverified());
    Ok(content)
}

/// A room of two as it is after a refresh, and what was made of it: packages, a grant, a message.
struct Made {
    state: Vec<u8>,
    packages: [Vec<u8>; 3],
    grant: Vec<u8>,
    message: Vec<u8>,
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let ([alice, bob], rng) = (people(), &mut Counter(0));
        let known = [alice.public(), bob.public()];
        let first =
            Room::create(&alice.sender(), &[(bob.public(), Role::Member)], HistoryPolicy::FromJoin, rng).unwrap();
        let mut room = Room::join(&first, alice.public(), &[alice.reader()], rng).unwrap().finish().unwrap();
        let refresh = |room: &Room, rng: &mut _| room.refresh().unwrap().seal(&alice.sender(), &known, rng).unwrap();
        let second = refresh(&room, rng);
        room.apply(&second, &[alice.reader()], &known, rng).unwrap();
        let message = room.seal(&Draft::new(b"content"), &alice.sender(), rng).unwrap();
        let zero = Epoch::new(0);
        let grant = room.grant_history(zero..=zero, &[bob.public()], &alice.sender(), rng).unwrap();
        let third = refresh(&room, rng);
        Made { state: hazmat::room_state(&room), packages: [first, second, third], grant, message }
    })
}

/// What is in one of our own envelopes, with changes by the fuzzer, sealed again by somebody who may or may not.
fn sealed_again(envelope: &[u8], content_type: ContentType, who: u8, changes: &[u8]) -> Vec<u8> {
    let [alice, bob] = people();
    let locked = Locked::decode(envelope, &Limits::default()).unwrap();
    let unlocked = locked.unlock(&[alice.reader(), bob.reader()], &mut Counter(0)).unwrap();
    let (_, mut content) = hazmat::dek_and_content(unlocked, locked.payload()).unwrap();
    change(&mut content, changes);
    let to = [alice.public().recipient(), bob.public().recipient()];
    let sender = if who & 1 == 0 { alice } else { bob }.sender();
    let builder = Envelope::to(&to).signed_by(sender).without_copy_for_me().public_data(locked.public_data());
    hazmat::seal_as(&builder, content_type, &content, &mut Counter(who)).unwrap()
}

/// Bytes at places, and a new length.
fn change(content: &mut Vec<u8>, changes: &[u8]) {
    for &[high, low, byte] in changes.as_chunks::<3>().0 {
        match usize::from(u16::from_be_bytes([high, low])) {
            at if at < content.len() => content[at] = byte,
            at => content.resize(content.len().saturating_sub(at & 0xff), byte),
        }
    }
}

/// Packages, grants, messages and states: any bytes, and whatever a member puts into them. What is refused changes nothing,
/// and what is taken can be stored and loaded.
pub fn room(bytes: &[u8]) {
    let Some((&[kind, who], changes)) = bytes.split_first_chunk() else { return };
    let ([alice, bob], made) = (people(), made());
    let known = [alice.public(), bob.public()];
    let readers = [alice.reader()];
    let mut room = hazmat::room_of_state(&made.state).unwrap();
    let package = &made.packages[usize::from(who >> 1) % made.packages.len()];
    let input = match kind % 6 {
        0 => changes.to_vec(),
        1 => sealed_again(package, ContentType::RoomEpoch, who, changes),
        2 => sealed_again(&made.grant, ContentType::HistoryGrant, who, changes),
        form => {
            let mut input = [package, &made.grant, &made.message][usize::from(form) % 3].clone();
            change(&mut input, changes);
            input
        }
    };
    let rng = &mut Counter(0);
    let mut attempt = |act: &mut dyn FnMut(&mut Room) -> bool| {
        let before = hazmat::room_state(&room);
        let taken = act(&mut room);
        let after = hazmat::room_state(&room);
        assert!(taken || after == before);
        assert_eq!(hazmat::room_state(&hazmat::room_of_state(&after).unwrap()), after);
    };
    attempt(&mut |room| room.open(&input, b"", &known).is_ok());
    attempt(&mut |room| room.accept_grant(&input, bob.public(), &readers, rng).is_ok());
    attempt(&mut |room| room.apply(&input, &readers, &known, rng).is_ok());
    let given: Vec<&[u8]> = made.packages.iter().chain([&input]).map(|package| &package[..]).collect();
    attempt(&mut |room| room.catch_up(&given, &readers, &known, rng).iter().any(Result::is_ok));
    let id = *room.id();
    if let Ok(recovered) = Room::recover(&id, &given, &readers, &known, rng) {
        let state = hazmat::room_state(&recovered.room);
        assert_eq!(hazmat::room_state(&hazmat::room_of_state(&state).unwrap()), state);
    }
    let _ = Room::join(&input, alice.public(), &readers, rng);
    let _ = Room::load(&input, &SymmetricKey::take(&mut [3; 32]));
    let mut state = made.state.clone();
    change(&mut state, changes);
    for state in [&state[..], changes] {
        if let Ok(room) = hazmat::room_of_state(state) {
            assert_eq!(hazmat::room_state(&room), state);
        }
    }
}

#[cfg(test)]
mod tests {
    /// Bytes from a counter, so that the bodies run without a fuzzer.
    #[test]
    fn bodies_hold() {
        for seed in 0..200_u32 {
            let bytes: Vec<u8> = (0..seed).map(|n| (n.wrapping_mul(seed ^ 0x9e37) >> 3) as u8).collect();
            super::decode(&bytes);
            super::open(&bytes);
            super::stream(&bytes);
            if seed % 8 == 0 {
                super::room(&bytes);
            }
        }
    }
}
