//! Rooms and their messages. SPEC §18, §19.

use super::given::{Parts, Private, array, bytes, hex, identities, length, padding, signing_key, symmetric};
use crate::Outcome;
use sealroom::{
    Applied, Draft, Fingerprint, HeadStatement, LeaveStatement, Limits, Locked, PublicIdentity, Reader, Room,
    RoomMessage, Sender, SystemRng, hazmat,
};
use serde_json::{Value, json};

// ---- rooms of vectors

/// An epoch as a vector gives it, in a RoomState; and its transcript. SPEC §18.1, §18.9
fn stored(epoch: &Value) -> Outcome<(Vec<u8>, Vec<u8>)> {
    let (signer, body) = (bytes(epoch, "signer")?, bytes(epoch, "body")?);
    let commitment = bytes(epoch, "commitment")?;
    let (kind, key) =
        if epoch["secret"].is_string() { (1, bytes(epoch, "secret")?) } else { (2, bytes(epoch, "message_key")?) };
    let hash = hazmat::sha256(&hazmat::sign_input("room epoch", &[&signer[..], &body, &commitment].concat()));
    let derive = |key: &[u8], label| -> Outcome<Vec<u8>> { Ok(hazmat::derive(key.try_into()?, label, &hash, 32)?) };
    let message_key = if kind == 1 { derive(&key, "messages")? } else { key.clone() };
    let transcript = derive(&message_key, "room transcript")?;
    Ok(([&signer[..], &[1], &body, &commitment, &[kind], &key].concat(), transcript))
}

/// The room of such epochs, the last its head, as a device of it that has sent `sequence` messages. SPEC §18.9
fn room(epochs: &[Value], me: &Fingerprint, device: [u8; 8], sequence: u64) -> Outcome<Room> {
    let epochs = epochs.iter().map(stored).collect::<Outcome<Vec<_>>>()?;
    let (_, head) = epochs.last().ok_or("no epoch")?;
    let mut state = [&[32][..], me.as_bytes(), &device, &sequence.to_be_bytes(), &[1], &[0; 8], head].concat();
    let list: Vec<u8> = epochs.iter().flat_map(|(stored, _)| stored.clone()).collect();
    state.extend(length(list.len())?);
    state.extend(list);
    state.extend([0; 9]);
    Ok(hazmat::room_of_state(&state)?)
}

/// Anyone of an epoch's roster: a fingerprint and a role each, at the end.
fn anyone(epoch: &Value) -> Outcome<Fingerprint> {
    let body = bytes(epoch, "body")?;
    let last = body.len().checked_sub(33).and_then(|at| body.get(at..at + 32)).ok_or("a roster")?;
    Ok(Fingerprint::from_bytes(last.try_into()?))
}

/// The room as its epoch's member, whoever it is.
fn room_at(epoch: &Value) -> Outcome<Room> {
    room(std::slice::from_ref(epoch), &anyone(epoch)?, [9; 8], 0)
}

fn person<'p>(people: &'p [PublicIdentity], request: &Value, name: &str) -> Outcome<&'p PublicIdentity> {
    let named = Fingerprint::from_bytes(array(request, name)?);
    Ok(people.iter().find(|one| *one.fingerprint() == named).ok_or("nobody of that fingerprint")?)
}

/// The part of a package's or a state's content that is an epoch's body. SPEC §18.1
fn take_body<'b>(parts: &mut Parts<'b>) -> Outcome<&'b [u8]> {
    let from = parts.0;
    parts.take(90)?;
    parts.vector()?;
    Ok(from.get(..from.len() - parts.0.len()).unwrap_or_default())
}

/// What a room holds, ascending, as vectors give epochs. SPEC §18.9
fn held(room: &Room) -> Outcome<Vec<Value>> {
    let state = hazmat::room_state(room);
    let mut parts = Parts(&state);
    parts.vector()?;
    parts.take(8 + 8 + 1 + 8 + 32)?;
    let mut list = Parts(parts.vector()?);
    let mut epochs = Vec::new();
    for (_, transcript, signer) in room.epochs() {
        let keys = hazmat::epoch_keys(room, transcript).ok_or("an epoch without keys")?;
        let stored_signer = list.take(32)?;
        list.byte()?;
        let (body, commitment) = (take_body(&mut list)?, list.take(32)?);
        list.take(33)?;
        if stored_signer != signer.as_bytes() {
            return Err("a state in another order".into());
        }
        let mut epoch = json!({"signer": hex(stored_signer), "body": hex(body), "commitment": hex(commitment)});
        match keys.secret {
            Some(secret) => epoch["secret"] = json!(hex(&secret)),
            None => epoch["message_key"] = json!(hex(&keys.message_key)),
        }
        epochs.push(epoch);
    }
    if list.is_empty() { Ok(epochs) } else { Err("a state of more epochs".into()) }
}

// ---- what requests ask

pub(super) fn read_package(request: &Value) -> Outcome<Value> {
    let (package, people) = (bytes(request, "package")?, identities(request)?);
    let key = if request["key"].is_null() { None } else { Some(Private::of(&request["key"])?) };
    let readers: Vec<_> = key.iter().map(Private::reader).collect();
    let room = if request["parent"].is_null() {
        join(request, &package, person(&people, request, "inviter")?, &readers)?
    } else {
        apply(request, &package, &people, &readers)?
    };
    let keys = hazmat::epoch_keys(&room, room.transcript()).ok_or("a head without keys")?;
    let (content, _) = inside(&package, keys.secret.ok_or("a head without its secret")?)?;
    let mut parts = Parts(&content);
    take_body(&mut parts)?;
    let previous = if parts.byte()? == 1 { Some(hex(parts.take(32)?)) } else { None };
    Ok(json!({"room_id": hex(room.id().as_bytes()), "epoch": held(&room)?.last(),
        "transcript": hex(room.transcript().as_bytes()), "message_key": hex(&keys.message_key),
        "epoch_kek": keys.epoch_kek.map(|kek| hex(&kek)), "previous_secret": previous, "yielding": keys.yielding,
        "code": room.code().to_string()}))
}

/// Content and commitment of a package whose DEK is known.
fn inside(package: &[u8], secret: [u8; 32]) -> Outcome<(Vec<u8>, &[u8])> {
    let locked = Locked::decode(package, &Limits::default())?;
    let (_, content) = hazmat::dek_and_content(hazmat::unlock_dek(&locked, secret)?, locked.payload())?;
    let head = package.len().checked_sub(locked.payload().len()).and_then(|len| package.get(..len));
    Ok((content, head.and_then(<[u8]>::last_chunk::<32>).ok_or("a package without a commitment")?))
}

/// As somebody who was added by the package.
fn join(request: &Value, package: &[u8], inviter: &PublicIdentity, readers: &[Reader<'_>]) -> Outcome<Room> {
    let joining = Room::join(package, inviter, readers, &mut SystemRng)?;
    if joining.wanted().is_none() {
        return Ok(joining.finish()?);
    }
    // Under shared history the packages before it would follow: what was joined is looked at as it is.
    let locked = Locked::decode(package, &Limits::default())?;
    let (secret, content) = hazmat::dek_and_content(locked.unlock(readers, &mut SystemRng)?, locked.payload())?;
    let (_, commitment) = inside(package, secret)?;
    let epoch = json!({"signer": hex(inviter.fingerprint().as_bytes()),
        "body": hex(take_body(&mut Parts(&content))?), "commitment": hex(commitment), "secret": hex(&secret)});
    room(&[epoch], &Fingerprint::from_bytes(array(request, "me")?), [9; 8], 0)
}

/// As somebody who holds the epoch before.
fn apply(request: &Value, package: &[u8], people: &[PublicIdentity], readers: &[Reader<'_>]) -> Outcome<Room> {
    let parent = &request["parent"];
    // Without a key of their own it does not matter whose room it is.
    let me = if readers.is_empty() { anyone(parent)? } else { Fingerprint::from_bytes(array(request, "me")?) };
    let mut room = room(std::slice::from_ref(parent), &me, [9; 8], 0)?;
    let before = hazmat::room_state(&room);
    let applied = if request["secret"].is_null() {
        room.apply(package, readers, &people, &mut SystemRng)
    } else {
        let locked = Locked::decode(package, &Limits::default())?;
        let unlocked = hazmat::unlock_dek(&locked, array(request, "secret")?)?;
        room.apply_unlocked(package, unlocked, &people)
    };
    match applied {
        Ok(Applied::Head { .. }) => Ok(room),
        Ok(other) => Err(format!("{}: {other:?}", request["id"]).into()),
        Err(_) if before != hazmat::room_state(&room) => Err("what was refused changed the room".into()),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn check_leave(request: &Value) -> Outcome<Value> {
    let people = identities(request)?;
    let statement = LeaveStatement::from_bytes(&bytes(request, "statement")?)?;
    let since = request["since"].as_array().ok_or("no epochs")?;
    let room = room(since, &anyone(since.last().ok_or("no epochs")?)?, [9; 8], 0)?;
    if room.id().as_bytes()[..] != bytes(request, "room_id")? {
        return Err("epochs of another room".into());
    }
    let member = room.check_leave(&statement, &&people[..])?;
    Ok(json!({"member": hex(member.as_bytes())}))
}

pub(super) fn confirm_head(request: &Value) -> Outcome<Value> {
    let people = identities(request)?;
    let statement = HeadStatement::from_bytes(&bytes(request, "statement")?)?;
    let mut room = room_at(&request["epoch"])?;
    room.confirm(&statement, &array(request, "nonce")?, person(&people, request, "member")?)?;
    Ok(json!({}))
}

pub(super) fn accept_grant(request: &Value) -> Outcome<Value> {
    let (people, key) = (identities(request)?, Private::of(&request["key"])?);
    let mut room = room_at(&request["epoch"])?;
    let (grant, granter) = (bytes(request, "grant")?, person(&people, request, "granter")?);
    let before = hazmat::room_state(&room);
    match room.accept_grant(&grant, granter, &[key.reader()], &mut SystemRng) {
        Ok(count) => {
            let epochs = held(&room)?;
            Ok(json!({"epochs": epochs.get(..count).ok_or("fewer epochs than were granted")?}))
        }
        Err(_) if before != hazmat::room_state(&room) => Err("what was refused changed the room".into()),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn load_state(request: &Value) -> Outcome<Value> {
    let room = if request["state"].is_null() {
        hazmat::room_of_state(&bytes(request, "content")?)?
    } else {
        Room::load(&bytes(request, "state")?, &symmetric(request, "kek")?)?
    };
    Ok(json!({"content": hex(&hazmat::room_state(&room))}))
}

pub(super) fn read_message(request: &Value) -> Outcome<Value> {
    let (people, mut room) = (identities(request)?, room_at(&request["epoch"])?);
    let message: RoomMessage<Vec<u8>> = room.open(&bytes(request, "message")?, &bytes(request, "aad")?, &people)?;
    Ok(json!({"sender": hex(message.sender().as_bytes()), "device": hex(message.device().as_bytes()),
        "sequence": message.sequence(), "content": hex(message.content()), "message_id": hex(message.id().as_bytes())}))
}

pub(super) fn seal_message(request: &Value) -> Outcome<Value> {
    let (people, key) = (identities(request)?, signing_key(&bytes(request, "pkcs8")?)?);
    let sender = person(&people, request, "sender")?;
    let sequence = request["sequence"].as_u64().ok_or("no sequence")?;
    let mut room =
        room(std::slice::from_ref(&request["epoch"]), sender.fingerprint(), array(request, "device")?, sequence)?;
    let (content, aad) = (bytes(request, "content")?, bytes(request, "aad")?);
    let draft = Draft::new(&content).associated_data(&aad).padding(padding(request)?);
    let sealed = room.seal(&draft, &Sender::new(sender, &*key), &mut SystemRng)?;
    Ok(json!({"message": hex(&sealed)}))
}
