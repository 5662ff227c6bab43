//! Who asks: every request but a few comes with a proof of SPEC §23, which is checked before anything is done.

use crate::api::{App, Refusal, target};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use sealroom::{Clock, Error, PublicIdentity, RequestProof};
use std::time::{SystemTime, UNIX_EPOCH};

/// The longest body that is taken, in bytes.
pub(crate) const MAX_BODY: usize = 64 << 20;

/// The account that asks.
#[derive(Clone)]
pub(crate) struct Asker(pub(crate) String);

/// What a proof is over, as it was received.
pub(crate) struct Received<'r> {
    pub(crate) method: &'r str,
    pub(crate) target: &'r str,
    pub(crate) body: &'r [u8],
}

pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Result<Response, Refusal> {
    let (mut parts, body) = request.into_parts();
    // Who has no account is not listened to any longer.
    let (proof, name, identity) = app.asker(&parts.headers)?;
    let body = to_bytes(body, MAX_BODY).await?;
    app.check(&proof, &identity, &Received { method: parts.method.as_str(), target: target(&parts.uri), body: &body })?;
    parts.extensions.insert(Asker(name));
    Ok(next.run(Request::from_parts(parts, Body::from(body))).await)
}

fn proof_of(headers: &HeaderMap) -> Result<RequestProof, Refusal> {
    let none = || Refusal(StatusCode::UNAUTHORIZED, "no proof".into());
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or_else(none)?;
    Ok(header.parse()?)
}

impl App {
    /// Whose device says to have made this request: the proof, the account, its identity.
    fn asker(&self, headers: &HeaderMap) -> Result<(RequestProof, String, PublicIdentity), Refusal> {
        let proof = proof_of(headers)?;
        let store = self.store();
        // The identity that the account has now: a transition revoked all certificates of the one before.
        let revoked = Error::Proof { check: "CRT-01" };
        let name = store.account_of(proof.claimed_identity())?.ok_or(revoked)?;
        let identity = store.identity(proof.claimed_identity())?.ok_or(revoked)?;
        Ok((proof, name, PublicIdentity::from_bytes(&identity)?))
    }

    /// Whether a device of that very identity made this request: for a registration.
    pub(crate) fn is_of(
        &self,
        identity: &PublicIdentity,
        headers: &HeaderMap,
        received: &Received<'_>,
    ) -> Result<(), Refusal> {
        self.check(&proof_of(headers)?, identity, received)
    }

    fn check(&self, proof: &RequestProof, identity: &PublicIdentity, received: &Received<'_>) -> Result<(), Refusal> {
        let Received { method, target, body } = *received;
        let request = sealroom::Request::new(self.audience.as_bytes(), method.as_bytes(), target.as_bytes()).body(body);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        proof.verify(&request, identity, &Clock::at(now), &mut *self.store())?;
        Ok(())
    }
}
