//! A server in another process, which knows who asks by request proofs.

use crate::devices::Certified;
use crate::server::{AUDIENCE, Store, hex};
use crate::{Outcome, now};
use sealroom::{Fingerprint, Identity, PublicIdentity, Request, RoomId, Transition};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use ureq::Agent;
use ureq::http::Response;

pub(crate) struct Http {
    agent: Agent,
    url: String,
    database: PathBuf,
    /// Of each account a device that asks for it.
    devices: RefCell<BTreeMap<String, Certified>>,
}

/// The longest answer that is taken, in bytes.
const MAX_LEN: u64 = 256 << 20;

impl Http {
    pub(crate) fn new(url: &str, database: PathBuf) -> Self {
        let agent = Agent::config_builder().http_status_as_error(false).build().into();
        Self { agent, url: url.trim_end_matches('/').to_owned(), database, devices: RefCell::default() }
    }

    /// Sends a request with that header; without a body it is a GET.
    fn send(&self, method: &str, target: &str, proof: &str, body: &[u8]) -> Outcome<Response<Vec<u8>>> {
        let url = format!("{}{target}", self.url);
        let answer = match method {
            "GET" => self.agent.get(&url).header("authorization", proof).call()?,
            "PUT" => self.agent.put(&url).header("authorization", proof).send(body)?,
            _ => self.agent.post(&url).header("authorization", proof).send(body)?,
        };
        let (parts, mut body) = answer.into_parts();
        Ok(Response::from_parts(parts, body.with_config().limit(MAX_LEN).read_to_vec()?))
    }

    /// What an account asks, with a proof; what anyone may ask, without. A refusal is an error.
    fn ask(&self, who: Option<&str>, method: &str, target: &str, body: &[u8]) -> Outcome<Response<Vec<u8>>> {
        let request = Request::new(AUDIENCE.as_bytes(), method.as_bytes(), target.as_bytes()).body(body);
        let devices = self.devices.borrow();
        let device = who.map(|who| devices.get(who).ok_or(format!("{who} did not sign in"))).transpose()?;
        let proof = device.map(|device| device.prove(&request, now())).transpose()?.unwrap_or_default();
        let answer = self.send(method, target, &proof, body)?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(format!("{method} {target}: {} {}", answer.status(), String::from_utf8_lossy(answer.body())).into())
    }

    fn get(&self, target: &str) -> Outcome<Vec<u8>> {
        Ok(self.ask(None, "GET", target, b"")?.into_body())
    }

    fn if_there(&self, target: &str) -> Outcome<Option<Vec<u8>>> {
        let answer = self.send("GET", target, "", b"")?;
        match answer.status().as_u16() {
            200 => Ok(Some(answer.into_body())),
            404 => Ok(None),
            status => Err(format!("{target}: {status}").into()),
        }
    }

    fn list(&self, who: &str, target: &str) -> Outcome<Vec<Vec<u8>>> {
        let answer = self.ask(Some(who), "GET", target, b"")?.into_body();
        let (mut objects, mut rest) = (Vec::new(), answer.as_slice());
        while let Some((len, after)) = rest.split_first_chunk() {
            let len = usize::try_from(u32::from_be_bytes(*len))?;
            let (object, after) = after.split_at_checked(len).ok_or("an answer is cut off")?;
            objects.push(object.to_vec());
            rest = after;
        }
        if rest.is_empty() { Ok(objects) } else { Err("an answer is cut off".into()) }
    }
}

impl Store for Http {
    fn sign_in(&self, who: &str, identity: &Identity) -> Outcome<()> {
        self.devices.borrow_mut().insert(who.to_owned(), Certified::new(identity)?);
        Ok(())
    }

    fn register(&self, name: &str, identity: &PublicIdentity) -> Outcome<()> {
        self.ask(Some(name), "PUT", &format!("/accounts/{name}"), &identity.to_bytes()).map(|_| ())
    }

    fn account(&self, name: &str) -> Outcome<PublicIdentity> {
        Ok(PublicIdentity::from_bytes(&self.get(&format!("/accounts/{name}"))?)?)
    }

    fn identity(&self, of: &Fingerprint) -> Outcome<Option<Vec<u8>>> {
        self.if_there(&format!("/identities/{}", hex(of.as_bytes())))
    }

    fn succeed(&self, _name: &str, transition: &Transition) -> Outcome<()> {
        self.ask(None, "POST", "/transitions", &transition.to_bytes()?).map(|_| ())
    }

    fn transition(&self, from: &Fingerprint) -> Outcome<Option<Vec<u8>>> {
        self.if_there(&format!("/transitions/{}", hex(from.as_bytes())))
    }

    fn post(&self, who: &str, object: &[u8]) -> Outcome<()> {
        self.ask(Some(who), "POST", "/objects", object).map(|_| ())
    }

    fn room(&self, who: &str, room: &RoomId, taken: usize) -> Outcome<Vec<Vec<u8>>> {
        self.list(who, &format!("/rooms/{}?taken={taken}", hex(room.as_bytes())))
    }

    fn packages(&self, who: &str) -> Outcome<Vec<Vec<u8>>> {
        self.list(who, "/packages")
    }

    fn segments(&self, who: &str) -> Outcome<Vec<Vec<u8>>> {
        self.list(who, "/keyring")
    }

    fn drop_segments(&self, who: &str, starts: &[Vec<u8>]) -> Outcome<()> {
        self.ask(Some(who), "POST", "/keyring/replaced", &starts.concat()).map(|_| ())
    }

    fn answer(&self, name: &str) -> Outcome<Vec<u8>> {
        self.get(&format!("/links/{name}"))
    }

    fn put(&self, who: &str, name: &str, from: &Path) -> Outcome<()> {
        self.ask(Some(who), "PUT", &format!("/files/{name}"), &fs::read(from)?).map(|_| ())
    }

    fn get(&self, who: &str, name: &str, to: &Path) -> Outcome<()> {
        Ok(fs::write(to, self.ask(Some(who), "GET", &format!("/files/{name}"), b"")?.body())?)
    }

    fn read(&self, who: &str, name: &str, part: &Range<u64>) -> Outcome<(Vec<u8>, u64)> {
        let target = format!("/files/{name}?from={}&to={}", part.start, part.end);
        let answer = self.ask(Some(who), "GET", &target, b"")?;
        let len = answer.headers().get("file-length").ok_or("the file's length is missing")?.to_str()?.parse()?;
        Ok((answer.into_body(), len))
    }

    fn judge(&self, proof: &str, method: &str, target: &str, body: &[u8]) -> Outcome<Result<(), String>> {
        let answer = self.send(method, target, proof, body)?;
        let told = String::from_utf8_lossy(answer.body()).into_owned();
        Ok(if answer.status().is_success() { Ok(()) } else { Err(told) })
    }

    fn files(&self) -> Outcome<Vec<PathBuf>> {
        Ok(vec![self.database.clone()])
    }

    fn is_plain(&self) -> bool {
        false
    }
}
