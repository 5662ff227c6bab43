//! A room as vectors give it: what a reader holds of it.

use crate::keyring_merges::length;
use crate::rooms::{Body, transcript_of};
use crate::samples::hex;
use sealroom::*;
use serde_json::{Value, json};

/// Head, who the reader is, and every epoch with its branch: 1 the own one, 2 evidence.
pub(crate) fn view(room: &Room) -> Value {
    json!({"room_id": hex(room.id().as_bytes()), "epoch": room.epoch().number(),
        "transcript": hex(room.transcript().as_bytes()), "me": hex(room.me().as_bytes()),
        "standing": standing(room), "epochs": epochs(room)})
}

pub(crate) fn standing(room: &Room) -> String {
    match room.standing() {
        Standing::Confirmed => "confirmed".to_owned(),
        Standing::Unconfirmed => "unconfirmed".to_owned(),
        Standing::Behind { epoch } => format!("behind {}", epoch.number()),
        other => panic!("{other:?}"),
    }
}

/// All of its epochs in their order. SPEC §18.9
pub(crate) fn epochs(room: &Room) -> Vec<Value> {
    let state = hazmat::room_state(room);
    let (mine, used) = length(&state);
    let (_, rest) = state.split_at(used + mine + 57);
    let (len, used) = length(rest);
    let mut stored = &rest[used..used + len];
    let mut epochs = Vec::new();
    while !stored.is_empty() {
        let (signer, branch) = (&stored[..32], stored[32]);
        let (_, len) = Body::decode(&stored[33..]);
        let (body, rest) = stored[33..].split_at(len);
        let (commitment, kind, key) = (&rest[..32], rest[32], &rest[33..65]);
        let name = if kind == 1 { "secret" } else { "message_key" };
        let epoch = json!({"signer": hex(signer), "body": hex(body), "commitment": hex(commitment), name: hex(key)});
        let number = Body::decode(body).0.epoch;
        let transcript = hex(&transcript_of(&epoch));
        epochs.push(json!({"epoch": number, "transcript": transcript, "branch": branch, "secret": kind == 1}));
        stored = &rest[65..];
    }
    epochs
}
