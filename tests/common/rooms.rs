//! Rooms written after SPEC.md §18 and §19 with other code than the crate's: what honest writers make, and what they do not.

use super::hand::{Hand, derive, group, length, sha256, sign_input, symmetric_stanza, vector, wrap_info, wrap_p256};
use super::*;
use cpu_time::ThreadTime;
use std::collections::BTreeSet;

pub(crate) const FROM_JOIN: u8 = 1;
pub(crate) const SHARED: u8 = 2;
pub(crate) const MEMBER: u8 = 1;
pub(crate) const ADMIN: u8 = 2;

/// A refusal by the rule of that tag.
pub(crate) const fn refused(check: &'static str) -> Error {
    Error::Room { check }
}

pub(crate) fn id(identity: &Identity) -> [u8; 32] {
    *identity.public().fingerprint().as_bytes()
}

impl Outsider {
    pub(crate) fn id(&self) -> [u8; 32] {
        *self.public.fingerprint().as_bytes()
    }

    pub(crate) fn sender(&self) -> Sender<'_> {
        Sender::new(&self.public, &self.signing)
    }

    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader::p256(&self.encryption, &self.public)
    }

    pub(crate) fn sign(&self, digest: &[u8; 32]) -> Vec<u8> {
        let mut signature = [0; 64];
        self.signing.sign_digest(digest, &mut signature, &mut Draws::new(0)).unwrap();
        signature.to_vec()
    }
}

/// A roster in its order.
pub(crate) fn roster(members: &[([u8; 32], u8)]) -> Vec<([u8; 32], u8)> {
    let mut members = members.to_vec();
    members.sort_unstable();
    members
}

/// A RoomEpoch. SPEC §18.1
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) creator: [u8; 32],
    pub(crate) nonce: [u8; 16],
    pub(crate) epoch: u64,
    pub(crate) previous: [u8; 32],
    pub(crate) history: u8,
    pub(crate) adds: u8,
    pub(crate) roster: Vec<([u8; 32], u8)>,
}

impl Body {
    /// Epoch 0 of a room of these people, the first of whom made it.
    pub(crate) fn first(history: u8, members: &[([u8; 32], u8)]) -> Self {
        let creator = members[0].0;
        Self { creator, nonce: [0x0e; 16], epoch: 0, previous: [0; 32], history, adds: 0, roster: roster(members) }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let members: Vec<u8> = self.roster.iter().flat_map(|(who, role)| [&who[..], &[*role]].concat()).collect();
        let epoch = self.epoch.to_be_bytes();
        let fields: [&[u8]; 6] =
            [&self.creator, &self.nonce, &epoch, &self.previous, &[self.history, self.adds], &vector(&members)];
        fields.concat()
    }

    /// And what follows it.
    pub(crate) fn decode(bytes: &[u8]) -> (Self, &[u8]) {
        let (len, at) = match bytes[90] >> 6 {
            0 => (usize::from(bytes[90]), 91),
            1 => (usize::from(bytes[90] & 0x3f) << 8 | usize::from(bytes[91]), 92),
            _ => panic!("larger than any room here"),
        };
        let members = bytes[at..at + len].chunks(33).map(|member| (member[..32].try_into().unwrap(), member[32]));
        let body = Self {
            creator: bytes[..32].try_into().unwrap(),
            nonce: bytes[32..48].try_into().unwrap(),
            epoch: u64::from_be_bytes(bytes[48..56].try_into().unwrap()),
            previous: bytes[56..88].try_into().unwrap(),
            history: bytes[88],
            adds: bytes[89],
            roster: members.collect(),
        };
        (body, &bytes[at + len..])
    }

    pub(crate) fn room_id(&self) -> [u8; 16] {
        let hash = sha256(&sign_input("room id", &[&self.creator[..], &self.nonce, &[self.history]].concat()));
        hash[..16].try_into().unwrap()
    }

    pub(crate) fn place(&self, who: &[u8; 32]) -> u32 {
        self.roster.iter().position(|(member, _)| member == who).unwrap() as u32
    }
}

/// An epoch with its secret. SPEC §18.1
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) signer: [u8; 32],
    pub(crate) body: Body,
    pub(crate) commitment: [u8; 32],
    pub(crate) secret: [u8; 32],
    /// What follows the body in the payload.
    pub(crate) rest: Vec<u8>,
}

impl Known {
    /// Of a package, as one of its readers.
    pub(crate) fn of(package: &[u8], reader: Reader<'_>, signer: [u8; 32]) -> Self {
        let locked = Locked::decode(package, &Limits::default()).unwrap();
        let unlocked = locked.unlock(&[reader], &mut Draws::new(0)).unwrap();
        let (secret, content) = hazmat::dek_and_content(unlocked, locked.payload()).unwrap();
        let (body, rest) = Body::decode(&content);
        let at = package.len() - locked.payload().len();
        let commitment = package[at - 32..at].try_into().unwrap();
        Self { signer, body, commitment, secret, rest: rest.to_vec() }
    }

    fn hash(&self) -> [u8; 32] {
        let content = [&self.signer[..], &self.body.encode(), &self.commitment].concat();
        sha256(&sign_input("room epoch", &content))
    }

    pub(crate) fn transcript(&self) -> [u8; 32] {
        derive(&self.message_key(), "room transcript", &self.hash(), 32).try_into().unwrap()
    }

    pub(crate) fn message_key(&self) -> [u8; 32] {
        derive(&self.secret, "messages", &self.hash(), 32).try_into().unwrap()
    }

    pub(crate) fn epoch_kek(&self) -> [u8; 32] {
        derive(&self.secret, "epoch wrap", &self.transcript(), 32).try_into().unwrap()
    }

    /// The next epoch with the same people.
    pub(crate) fn next(&self) -> Body {
        Body { epoch: self.body.epoch.wrapping_add(1), previous: self.transcript(), adds: 0, ..self.body.clone() }
    }

    /// As it stands in a grant. SPEC §18.8
    pub(crate) fn granted(&self) -> Vec<u8> {
        [&self.signer[..], &self.body.encode(), &self.commitment, &self.message_key()].concat()
    }

    /// As it stands in a stored room, of the reader's branch. SPEC §18.9
    pub(crate) fn stored(&self, branch: u8) -> Vec<u8> {
        let fields: [&[u8]; 6] = [&self.signer, &[branch], &self.body.encode(), &self.commitment, &[1], &self.secret];
        fields.concat()
    }

    /// The same of one that came by a grant.
    pub(crate) fn stored_granted(&self, branch: u8) -> Vec<u8> {
        let key = self.message_key();
        let fields: [&[u8]; 6] = [&self.signer, &[branch], &self.body.encode(), &self.commitment, &[2], &key];
        fields.concat()
    }
}

/// A RoomState of one device. SPEC §18.9
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) me: [u8; 32],
    pub(crate) device: [u8; 8],
    pub(crate) next_sequence: u64,
    pub(crate) standing: u8,
    pub(crate) behind: u64,
    pub(crate) head: [u8; 32],
    pub(crate) epochs: Vec<Vec<u8>>,
    pub(crate) used: u64,
    pub(crate) devices: Vec<Vec<u8>>,
}

impl State {
    /// Confirmed, with these epochs of one branch, the last of which is the head.
    pub(crate) fn of(me: [u8; 32], epochs: &[&Known]) -> Self {
        let stored = epochs.iter().map(|known| known.stored(1)).collect();
        let head = epochs.last().unwrap().transcript();
        let (device, devices) = ([0xde; 8], Vec::new());
        Self { me, device, next_sequence: 0, standing: 1, behind: 0, head, epochs: stored, used: 0, devices }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let fields: [&[u8]; 9] = [
            &vector(&self.me),
            &self.device,
            &self.next_sequence.to_be_bytes(),
            &[self.standing],
            &self.behind.to_be_bytes(),
            &self.head,
            &vector(&self.epochs.concat()),
            &self.used.to_be_bytes(),
            &vector(&self.devices.concat()),
        ];
        fields.concat()
    }

    pub(crate) fn room(&self) -> Room {
        hazmat::room_of_state(&self.encode()).unwrap()
    }
}

/// A package to be made, honest until a test changes a field.
#[derive(Clone)]
pub(crate) struct Craft<'a> {
    pub(crate) body: Body,
    pub(crate) has_previous: u8,
    pub(crate) previous: Vec<u8>,
    pub(crate) transition: Vec<u8>,
    /// Bytes after the payload.
    pub(crate) tail: Vec<u8>,
    pub(crate) author: Option<Sender<'a>>,
    pub(crate) to: Vec<Recipient<'a>>,
    /// `None`: those of the body.
    pub(crate) public_data: Option<Vec<u8>>,
    /// In the place of the whole payload.
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) padding: Padding,
    pub(crate) decoys: usize,
    pub(crate) content_type: ContentType,
}

impl<'a> Craft<'a> {
    pub(crate) fn new(body: Body, author: Sender<'a>, to: &[&'a PublicIdentity]) -> Self {
        Self {
            body,
            has_previous: 0,
            previous: Vec::new(),
            transition: Vec::new(),
            tail: Vec::new(),
            author: Some(author),
            to: to.iter().map(|identity| identity.recipient()).collect(),
            public_data: None,
            payload: None,
            padding: Padding::None,
            decoys: 0,
            content_type: ContentType::RoomEpoch,
        }
    }

    pub(crate) fn with_previous(mut self, secret: &[u8; 32]) -> Self {
        (self.has_previous, self.previous) = (1, secret.to_vec());
        self
    }

    /// The same with something else about it.
    pub(crate) fn but(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }

    pub(crate) fn payload(&self) -> Vec<u8> {
        let body = self.body.encode();
        let made = [&body[..], &[self.has_previous], &self.previous, &vector(&self.transition), &self.tail].concat();
        self.payload.clone().unwrap_or(made)
    }

    pub(crate) fn public_data(&self) -> Vec<u8> {
        let made = [&self.body.room_id()[..], &self.body.epoch.to_be_bytes()].concat();
        self.public_data.clone().unwrap_or(made)
    }

    pub(crate) fn seal(&self) -> Vec<u8> {
        let public_data = self.public_data();
        let envelope = Envelope::to(&self.to).padding(self.padding).decoys(self.decoys).public_data(&public_data);
        let envelope = self.author.map_or(envelope, |author| envelope.signed_by(author).without_copy_for_me());
        // Another package draws other bytes, as with an honest generator.
        let seed =
            sha256(format!("{:?}", (self.payload(), &public_data, self.author, &self.to, self.decoys)).as_bytes());
        let mut rng = ChaCha20Rng::from_seed(seed);
        hazmat::seal_as(&envelope, self.content_type, &self.payload(), &mut rng).unwrap()
    }

    /// With a signature block of whatever bytes: by whoever the first of `claims` says, signed by the key of `by`.
    pub(crate) fn seal_by_hand(
        &self,
        readers: &[&PublicIdentity],
        kek: Option<&[u8; 32]>,
        claims: [u8; 32],
        by: &Outsider,
    ) -> Vec<u8> {
        let (salt, dek) = ([0x5a; 24], [0xde; 32]);
        let mut enc = [0; 65];
        let entries: Vec<_> = readers
            .iter()
            .map(|identity| {
                let info = wrap_info(2, 1, &salt, identity.fingerprint().as_bytes());
                let entry;
                (enc, entry) = wrap_p256(identity.p256_encryption_key().unwrap(), &info, &dek, [7; 32]);
                entry
            })
            .collect();
        let mut stanzas = group(&enc, &entries);
        stanzas
            .extend(kek.map(|kek| symmetric_stanza(kek, &wrap_info(2, 3, &salt, &[0; 32]), &dek)).unwrap_or_default());
        let hand =
            Hand { content_type: 2, signature: 1, padding: 0, salt, dek, stanzas, public_data: self.public_data() };
        let payload = self.payload();
        hand.seal_signed(&payload, &claims, &by.sign(&hand.signed_digest(&[&payload], &claims)))
    }
}

/// A room message to be made. SPEC §19
#[derive(Clone)]
pub(crate) struct Written<'a> {
    pub(crate) epoch: &'a Known,
    pub(crate) place: u32,
    pub(crate) device: [u8; 8],
    pub(crate) sequence: u64,
    pub(crate) aad: Vec<u8>,
    pub(crate) content: Vec<u8>,
    /// What is there of zeros; others are faults.
    pub(crate) zeros: Vec<u8>,
    pub(crate) random: [u8; 32],
}

impl<'a> Written<'a> {
    pub(crate) fn new(epoch: &'a Known, sender: &Outsider, content: &[u8]) -> Self {
        let (place, content) = (epoch.body.place(&sender.id()), content.to_vec());
        let (aad, zeros) = (Vec::new(), Vec::new());
        Self { epoch, place, device: [0xd0; 8], sequence: 0, aad, content, zeros, random: [0x1a; 32] }
    }

    pub(crate) fn but(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }

    pub(crate) fn unsalted(&self) -> Vec<u8> {
        let (body, transcript) = (&self.epoch.body, self.epoch.transcript());
        [b"SLRM\x00\x01\x23", &body.room_id()[..], &body.epoch.to_be_bytes(), &transcript[..8]].concat()
    }

    /// `D` of SPEC §19.2.
    pub(crate) fn content_hash(&self) -> [u8; 32] {
        sha256(&[self.unsalted(), vector(&self.aad), vector(&self.content)].concat())
    }

    /// What is signed, but for its label. SPEC §19.2
    pub(crate) fn signed_content(&self, sender: &[u8; 32]) -> Vec<u8> {
        let fields: [&[u8]; 6] =
            [sender, &[1], &self.epoch.transcript(), &self.device, &self.sequence.to_be_bytes(), &self.content_hash()];
        fields.concat()
    }

    /// The id, which is the digest that is signed. SPEC §19.2
    pub(crate) fn id(&self, sender: &[u8; 32]) -> [u8; 32] {
        sha256(&sign_input("room message", &self.signed_content(sender)))
    }

    fn fields(&self) -> Vec<u8> {
        [&self.place.to_be_bytes()[..], &self.device, &self.sequence.to_be_bytes()].concat()
    }

    pub(crate) fn plaintext(&self, signature: &[u8]) -> Vec<u8> {
        [self.fields(), vector(signature), vector(&self.content), self.zeros.clone()].concat()
    }

    /// SPEC §19.3
    pub(crate) fn salt(&self, signature: &[u8]) -> [u8; 24] {
        let key = derive(&self.epoch.message_key(), "message salt", b"", 32);
        let plain_len = self.plaintext(signature).len() as u64;
        let (hash, fields, signature) = (self.content_hash(), self.fields(), vector(signature));
        let content = [&self.random[..], &hash, &fields, &signature, &plain_len.to_be_bytes()].concat();
        hmac_sha256(&key, &content)[..24].try_into().unwrap()
    }

    /// Signed by the key of `by`, which is the sender's unless it is forged.
    pub(crate) fn seal(&self, by: &Outsider) -> Vec<u8> {
        let claims = self.epoch.body.roster.get(self.place as usize).map_or([0; 32], |(who, _)| *who);
        self.seal_with(&by.sign(&self.id(&claims)))
    }

    pub(crate) fn seal_with(&self, signature: &[u8]) -> Vec<u8> {
        self.seal_plain(&self.plaintext(signature), self.salt(signature))
    }

    /// Any plaintext at all, by who holds the message key.
    pub(crate) fn seal_plain(&self, plain: &[u8], salt: [u8; 24]) -> Vec<u8> {
        let header = [&self.unsalted()[..], &salt].concat();
        let key = derive(&self.epoch.message_key(), "message", &salt, 32);
        let associated = [&header[..], &sha256(&self.aad)].concat();
        [header, gcm_seal_with(&key, &associated, plain)].concat()
    }
}

/// RFC 2104 over SHA-256, for keys of 32 bytes.
pub(crate) fn hmac_sha256(key: &[u8], content: &[u8]) -> [u8; 32] {
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        block.iter_mut().zip(key).for_each(|(place, key)| *place ^= key);
        block
    };
    sha256(&[&pad(0x5c)[..], &sha256(&[&pad(0x36)[..], content].concat())].concat())
}

/// AES-256-GCM under a nonce of zeros.
fn gcm_seal_with(key: &[u8], associated: &[u8], plain: &[u8]) -> Vec<u8> {
    use aes_gcm::aead::AeadInOut;
    use aes_gcm::{Aes256Gcm, KeyInit};
    let mut sealed = plain.to_vec();
    let tag = Aes256Gcm::new_from_slice(key)
        .unwrap()
        .encrypt_inout_detached((&[0; 12]).into(), associated, sealed.as_mut_slice().into())
        .unwrap();
    sealed.extend_from_slice(&tag);
    sealed
}

/// `V(n)` of SPEC §7.2.
pub(crate) fn v(n: usize) -> usize {
    length(n).len()
}

/// The next generation of somebody, and what leads there.
pub(crate) fn successor(old: &Outsider, n: u8) -> (Outsider, Transition) {
    let Outsider { encryption, signing, rotation, .. } = outsider(n);
    let (keys, mut rng) = ((encryption.public_key().clone(), signing.public_key().clone()), Draws::new(n));
    let generation = old.public.generation() + 1;
    let unsigned = UnsignedIdentity::p256(generation, keys.0, keys.1, rotation.public_key()).unwrap();
    let public = unsigned.sign(&signing, &mut rng).unwrap();
    let transition = UnsignedTransition::new(&old.public, &public, old.rotation.public_key()).unwrap();
    let transition = transition.sign(&old.signing, &old.rotation, &mut rng).unwrap();
    (Outsider { encryption, signing, rotation, public }, transition)
}

/// The people of the numbers 1 to 8, who can all be looked up.
pub(crate) fn crowd() -> &'static [Outsider] {
    static MADE: OnceLock<Vec<Outsider>> = OnceLock::new();
    MADE.get_or_init(|| (1..=8).map(outsider).collect())
}

pub(crate) fn directory() -> Vec<PublicIdentity> {
    crowd().iter().map(|person| person.public.clone()).collect()
}

/// Somebody's device in a room, which knows the crowd.
pub(crate) struct Device {
    pub(crate) who: &'static Outsider,
    pub(crate) room: Room,
}

impl Device {
    /// A room of the first of `people`, all of whom are admins up to the number `admins`.
    pub(crate) fn rooms(history: HistoryPolicy, people: &[usize], admins: usize) -> (Vec<Self>, Vec<u8>) {
        let role = |place| if place < admins { Role::Admin } else { Role::Member };
        let others: Vec<_> =
            people.iter().enumerate().skip(1).map(|(place, n)| (&crowd()[*n].public, role(place))).collect();
        let seed = people.iter().fold(0, |sum: u8, n| sum.wrapping_mul(8).wrapping_add(*n as u8));
        let package = Room::create(&crowd()[people[0]].sender(), &others, history, &mut Draws::new(seed)).unwrap();
        let devices = people.iter().map(|n| Self::join(*n, people[0], &package).unwrap()).collect();
        (devices, package)
    }

    /// Joins by a package that needs no other.
    pub(crate) fn join(who: usize, inviter: usize, package: &[u8]) -> Result<Self, Error> {
        let (who, inviter) = (&crowd()[who], &crowd()[inviter].public);
        let room = Room::join(package, inviter, &[who.reader()], &mut SystemRng)?.finish()?;
        Ok(Self { who, room })
    }

    /// A second device in the same state.
    pub(crate) fn copy(&self) -> Self {
        Self { who: self.who, room: hazmat::room_of_state(&self.state()).unwrap() }
    }

    pub(crate) fn state(&self) -> Vec<u8> {
        hazmat::room_state(&self.room)
    }

    /// Makes a package, which leaves the room as it was. [ROOM-06]
    pub(crate) fn package(&self, change: impl FnOnce(&Room) -> Result<Change, Error>) -> Vec<u8> {
        let before = self.state();
        let change = change(&self.room).unwrap();
        let package = change.seal(&self.who.sender(), &directory(), &mut SystemRng).unwrap();
        assert_eq!(self.state(), before);
        package
    }

    /// Applies a package; what fails leaves the room as it was. [ROOM-06]
    pub(crate) fn apply(&mut self, package: &[u8]) -> Result<Applied, Error> {
        let before = self.state();
        let applied = self.room.apply(package, &[self.who.reader()], &directory(), &mut SystemRng);
        assert!(applied.is_ok() || self.state() == before);
        applied
    }

    pub(crate) fn catch_up(&mut self, packages: &[&Vec<u8>]) -> Vec<Result<Applied, Error>> {
        let packages: Vec<&[u8]> = packages.iter().map(|package| &package[..]).collect();
        self.room.catch_up(&packages, &[self.who.reader()], &directory(), &mut SystemRng)
    }

    pub(crate) fn says(&mut self, content: &[u8]) -> Vec<u8> {
        self.room.seal(&Draft::new(content), &self.who.sender(), &mut SystemRng).unwrap()
    }

    pub(crate) fn hears(&mut self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.room.open(message, b"", &directory())?.into_content())
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        *self.who.public.fingerprint()
    }
}

pub(crate) fn head(author: usize) -> Result<Applied, Error> {
    Ok(Applied::Head { author: *crowd()[author].public.fingerprint() })
}

/// How long a device takes to catch up, and its room then.
pub(crate) fn catches_up(device: &Device, packages: &[&Vec<u8>]) -> (Duration, Room) {
    let mut device = device.copy();
    let start = ThreadTime::now();
    device.catch_up(packages);
    (start.elapsed(), device.room)
}

/// By number and transcript.
pub(crate) type Epochs = BTreeSet<(u64, [u8; 32])>;

/// What a room holds.
pub(crate) fn epochs(room: &Room) -> Epochs {
    room.epochs().map(|(epoch, transcript, _)| (epoch.number(), *transcript.as_bytes())).collect()
}

/// With other bytes each time.
pub(crate) fn sealed_anew(craft: &Craft<'_>) -> Vec<u8> {
    let public_data = craft.public_data();
    let envelope =
        Envelope::to(&craft.to).signed_by(craft.author.unwrap()).without_copy_for_me().public_data(&public_data);
    hazmat::seal_as(&envelope, craft.content_type, &craft.payload(), &mut SystemRng).unwrap()
}

/// 32 bytes, others for each number.
pub(crate) fn numbered(n: u64) -> [u8; 32] {
    *[n.to_be_bytes(); 4].as_flattened().first_chunk().unwrap()
}
