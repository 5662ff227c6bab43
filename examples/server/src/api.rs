//! What can be asked.

use crate::guard::{Asker, MAX_BODY, Received, guard};
use crate::store::{SEGMENT_START, Store};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Extension, Router, middleware};
use sealroom::{ContentType, Fingerprint, Info, PublicIdentity, RoomId, Transition, inspect};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Clone)]
pub(crate) struct App {
    store: Arc<Mutex<Store>>,
    pub(crate) audience: Arc<str>,
}

impl App {
    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn router(store: Store, audience: String) -> Router {
    let app = App { store: Arc::new(Mutex::new(store)), audience: audience.into() };
    Router::new()
        .route("/objects", post(post_object))
        .route("/rooms/{id}", get(room))
        .route("/packages", get(packages))
        .route("/keyring", get(keyring))
        .route("/keyring/replaced", post(drop_segments))
        .route("/files/{name}", put(put_file).get(file))
        .route_layer(middleware::from_fn_with_state(app.clone(), guard))
        // For anyone: what is public, and what opens for one new device only.
        .route("/accounts/{name}", put(register).get(account))
        .route("/identities/{fingerprint}", get(identity))
        .route("/transitions", post(succeed))
        .route("/transitions/{fingerprint}", get(transition))
        .route("/links/{name}", get(answer))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(app)
}

/// Why a request is refused.
pub(crate) struct Refusal(pub(crate) StatusCode, pub(crate) String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

impl From<sealroom::Error> for Refusal {
    fn from(error: sealroom::Error) -> Self {
        let proof = matches!(error, sealroom::Error::Proof { .. });
        Self(if proof { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST }, error.to_string())
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        // Whoever asks learns nothing of the database.
        eprintln!("sealroom-server: {error}");
        Self(StatusCode::INTERNAL_SERVER_ERROR, "the database".into())
    }
}

impl From<axum::Error> for Refusal {
    fn from(error: axum::Error) -> Self {
        Self(StatusCode::PAYLOAD_TOO_LARGE, error.to_string())
    }
}

type Answer<T> = Result<T, Refusal>;

fn no(what: &str) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, what.into())
}

fn found(bytes: Option<Vec<u8>>) -> Answer<Vec<u8>> {
    bytes.ok_or_else(|| Refusal(StatusCode::NOT_FOUND, "not there".into()))
}

/// Each with its length before it, 4 bytes.
fn list(objects: Vec<Vec<u8>>) -> Answer<Vec<u8>> {
    let mut out = Vec::new();
    for object in objects {
        let len = u32::try_from(object.len()).map_err(|_| no("too long"))?;
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&object);
    }
    Ok(out)
}

fn bytes_of<const LEN: usize>(hex: &str) -> Answer<[u8; LEN]> {
    // What is read below takes a sign as well.
    let digits =
        if hex.bytes().all(|digit| digit.is_ascii_hexdigit()) { hex.as_bytes().as_chunks::<2>().0 } else { &[] };
    let byte = |pair: &[u8; 2]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = digits.iter().map(byte).collect();
    bytes
        .filter(|_| hex.len() == 2 * LEN)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| no("not that many digits"))
}

/// The number of that name in a query.
fn number(query: &str, name: &str) -> Answer<Option<u32>> {
    let mut fields = query.split('&').filter_map(|field| field.split_once('='));
    let value = fields.find(|(key, _)| *key == name).map(|(_, value)| value.parse());
    value.transpose().map_err(|_| no("not a number"))
}

/// The target of a request, as it was sent.
pub(crate) fn target(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |target| target.as_str())
}

// ---- people

/// Once: by a device of the identity that the name is bound to.
async fn register(
    State(app): State<App>,
    Path(name): Path<String>,
    (uri, headers): (Uri, HeaderMap),
    body: Bytes,
) -> Answer<StatusCode> {
    let identity = PublicIdentity::from_bytes(&body)?;
    app.is_of(&identity, &headers, &Received { method: Method::PUT.as_str(), target: target(&uri), body: &body })?;
    let bound = app.store().register(&name, &identity)?;
    if bound { Ok(StatusCode::CREATED) } else { Err(Refusal(StatusCode::CONFLICT, "bound before".into())) }
}

async fn account(State(app): State<App>, Path(name): Path<String>) -> Answer<Vec<u8>> {
    found(app.store().account(&name)?)
}

async fn identity(State(app): State<App>, Path(hex): Path<String>) -> Answer<Vec<u8>> {
    found(app.store().identity(&Fingerprint::from_bytes(bytes_of(&hex)?))?)
}

async fn transition(State(app): State<App>, Path(hex): Path<String>) -> Answer<Vec<u8>> {
    found(app.store().transition(&Fingerprint::from_bytes(bytes_of(&hex)?))?)
}

/// Its signatures say who may: no proof is needed.
async fn succeed(State(app): State<App>, body: Bytes) -> Answer<StatusCode> {
    let transition = Transition::from_bytes(&body)?;
    let mut store = app.store();
    let old = transition.old_fingerprint();
    if store.account_of(old)?.is_none() {
        return Err(no("not an identity that an account has now"));
    }
    let new = PublicIdentity::from_bytes(&found(store.identity(old)?)?)?.follow(&transition)?;
    store.succeed(old, &body, &new)?;
    Ok(StatusCode::CREATED)
}

async fn answer(State(app): State<App>, Path(name): Path<String>) -> Answer<Vec<u8>> {
    found(app.store().answer(&name)?)
}

// ---- with a proof

/// What it is, and where it belongs, the object says.
async fn post_object(
    State(app): State<App>,
    Extension(Asker(name)): Extension<Asker>,
    body: Bytes,
) -> Answer<StatusCode> {
    let mut store = app.store();
    match inspect(&body)? {
        Info::RoomEpoch { room, .. } => store.post(&name, &room, true, &body)?,
        Info::RoomMessage { room, .. }
        | Info::LeaveStatement { room, .. }
        | Info::HeadStatement { room, .. }
        | Info::HistoryGrant { room, .. } => store.post(&name, &room, false, &body)?,
        Info::Envelope(info) => match info.content_type {
            ContentType::Keyring => store.add_segment(&name, &body)?,
            ContentType::DeviceLink => store.set_answer(&name, &body)?,
            _ => return Err(no("a file, or nothing that is given away")),
        },
        // A link request among them, which is for the eyes of a device.
        _ => return Err(no("nothing that is kept here")),
    }
    Ok(StatusCode::CREATED)
}

async fn room(
    State(app): State<App>,
    Extension(Asker(name)): Extension<Asker>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<Vec<u8>> {
    let taken = number(&query.unwrap_or_default(), "taken")?.unwrap_or(0);
    list(app.store().room(&name, &RoomId::from_bytes(bytes_of(&id)?), taken)?)
}

async fn packages(State(app): State<App>, Extension(Asker(name)): Extension<Asker>) -> Answer<Vec<u8>> {
    list(app.store().packages(&name)?)
}

async fn keyring(State(app): State<App>, Extension(Asker(name)): Extension<Asker>) -> Answer<Vec<u8>> {
    list(app.store().segments(&name)?)
}

/// Named by their first bytes, which hold a random salt.
async fn drop_segments(
    State(app): State<App>,
    Extension(Asker(name)): Extension<Asker>,
    body: Bytes,
) -> Answer<StatusCode> {
    let (starts, rest) = body.as_chunks::<SEGMENT_START>();
    if !rest.is_empty() {
        return Err(no("not starts of segments"));
    }
    app.store().drop_segments(&name, starts)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn put_file(
    State(app): State<App>,
    Extension(Asker(account)): Extension<Asker>,
    Path(name): Path<String>,
    body: Bytes,
) -> Answer<StatusCode> {
    let sealed = match inspect(&body)? {
        Info::Envelope(info) => matches!(info.content_type, ContentType::Message | ContentType::Attachment),
        _ => false,
    };
    if !sealed {
        return Err(no("not a sealed file"));
    }
    let free = app.store().put(&account, &name, &body)?;
    if free { Ok(StatusCode::CREATED) } else { Err(Refusal(StatusCode::CONFLICT, "the name is taken".into())) }
}

/// All of it, or the part that the query names; says how long all of it is. (Not by a header: a proof covers none.)
async fn file(
    State(app): State<App>,
    _: Extension<Asker>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<([(&'static str, String); 1], Vec<u8>)> {
    let (query, bytes) = (query.unwrap_or_default(), found(app.store().file(&name)?)?);
    let place = |name| -> Answer<Option<usize>> { Ok(number(&query, name)?.and_then(|number| number.try_into().ok())) };
    let (from, to) = (place("from")?.unwrap_or(0), place("to")?.unwrap_or(bytes.len()).min(bytes.len()));
    let part = bytes.get(from..to).ok_or_else(|| no("no such part"))?.to_vec();
    Ok(([("file-length", bytes.len().to_string())], part))
}
