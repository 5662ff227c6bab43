//! A directory as the server: it guards nothing, and checks only what scenes ask it to.

use crate::Outcome;
use crate::now;
use crate::server::{AUDIENCE, Place, Store, file_name, hex};
use sealroom::{
    Clock, Fingerprint, PublicIdentity, RememberedProofs, Request, RequestProof, RoomId, Transition, inspect,
};
use sealroom::{Error, Info};
use std::cell::RefCell;
use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};

pub(crate) struct Directory {
    root: PathBuf,
    seen: RefCell<RememberedProofs>,
}

impl Directory {
    pub(crate) fn new(root: &Path) -> Outcome<Self> {
        fs::create_dir_all(root)?;
        if fs::read_dir(root)?.next().is_some() {
            return Err(format!("{} is not empty", root.display()).into());
        }
        for part in ["accounts", "identities", "transitions", "rooms", "keyrings", "links", "files"] {
            fs::create_dir_all(root.join(part))?;
        }
        Ok(Self { root: root.to_owned(), seen: RefCell::new(RememberedProofs::new(1000)) })
    }

    fn of_room(&self, room: &RoomId) -> PathBuf {
        self.root.join("rooms").join(hex(room.as_bytes()))
    }

    fn publish(&self, name: &str, identity: &PublicIdentity) -> Outcome<()> {
        let known = self.root.join("identities").join(hex(identity.fingerprint().as_bytes()));
        fs::write(known, identity.to_bytes())?;
        Ok(fs::write(self.root.join("accounts").join(name), identity.to_bytes())?)
    }
}

/// Numbered as they came.
fn append(to: &Path, object: &[u8]) -> Outcome<()> {
    fs::create_dir_all(to)?;
    let last = entries(to)?.last().and_then(|path| file_name(path).parse::<u32>().ok());
    let number = last.map_or(0, |last| last + 1);
    Ok(fs::write(to.join(format!("{number:04}")), object)?)
}

/// What is in a directory, by name.
fn entries(directory: &Path) -> Outcome<Vec<PathBuf>> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let mut paths = fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<Outcome<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn contents(directory: &Path, from: usize) -> Outcome<Vec<Vec<u8>>> {
    entries(directory)?.iter().skip(from).map(|path| Ok(fs::read(path)?)).collect()
}

fn if_there(path: &Path) -> Outcome<Option<Vec<u8>>> {
    Ok(if path.exists() { Some(fs::read(path)?) } else { None })
}

impl Store for Directory {
    fn register(&self, name: &str, identity: &PublicIdentity) -> Outcome<()> {
        if self.root.join("accounts").join(name).exists() {
            return Err(format!("there is an account {name}").into());
        }
        self.publish(name, identity)
    }

    fn account(&self, name: &str) -> Outcome<PublicIdentity> {
        Ok(PublicIdentity::from_bytes(&fs::read(self.root.join("accounts").join(name))?)?)
    }

    fn identity(&self, of: &Fingerprint) -> Outcome<Option<Vec<u8>>> {
        if_there(&self.root.join("identities").join(hex(of.as_bytes())))
    }

    fn succeed(&self, name: &str, transition: &Transition) -> Outcome<()> {
        let new = self.account(name)?.follow(transition)?;
        let old = hex(transition.old_fingerprint().as_bytes());
        fs::write(self.root.join("transitions").join(old), transition.to_bytes()?)?;
        self.publish(name, &new)
    }

    fn transition(&self, from: &Fingerprint) -> Outcome<Option<Vec<u8>>> {
        if_there(&self.root.join("transitions").join(hex(from.as_bytes())))
    }

    fn post(&self, who: &str, object: &[u8]) -> Outcome<()> {
        match Place::of(object)? {
            Place::Room(room) => append(&self.of_room(&room), object),
            Place::Keyring => append(&self.root.join("keyrings").join(who), object),
            Place::Answer => append(&self.root.join("links").join(who), object),
        }
    }

    fn room(&self, _who: &str, room: &RoomId, taken: usize) -> Outcome<Vec<Vec<u8>>> {
        contents(&self.of_room(room), taken)
    }

    fn packages(&self, _who: &str) -> Outcome<Vec<Vec<u8>>> {
        let mut packages = Vec::new();
        for room in entries(&self.root.join("rooms"))? {
            packages.extend(contents(&room, 0)?);
        }
        packages.retain(|object| matches!(inspect(object), Ok(Info::RoomEpoch { .. })));
        Ok(packages)
    }

    fn segments(&self, who: &str) -> Outcome<Vec<Vec<u8>>> {
        contents(&self.root.join("keyrings").join(who), 0)
    }

    fn drop_segments(&self, who: &str, starts: &[Vec<u8>]) -> Outcome<()> {
        for path in entries(&self.root.join("keyrings").join(who))? {
            let segment = fs::read(&path)?;
            if starts.iter().any(|start| segment.starts_with(start)) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn answer(&self, name: &str) -> Outcome<Vec<u8>> {
        contents(&self.root.join("links").join(name), 0)?.pop().ok_or("there is no answer".into())
    }

    fn put(&self, _who: &str, name: &str, from: &Path) -> Outcome<()> {
        fs::copy(from, self.root.join("files").join(name))?;
        Ok(())
    }

    fn get(&self, _who: &str, name: &str, to: &Path) -> Outcome<()> {
        fs::copy(self.root.join("files").join(name), to)?;
        Ok(())
    }

    fn read(&self, _who: &str, name: &str, part: &Range<u64>) -> Outcome<(Vec<u8>, u64)> {
        let mut file = File::open(self.root.join("files").join(name))?;
        let len = file.metadata()?.len();
        Ok((crate::files::read_range(&mut file, &(part.start..part.end.min(len)))?, len))
    }

    fn judge(&self, proof: &str, method: &str, target: &str, body: &[u8]) -> Outcome<Result<(), String>> {
        let checked = || -> Result<(), Error> {
            let proof: RequestProof = proof.parse()?;
            // The identity that the account has now: one that was succeeded is nobody's.
            let accounts = entries(&self.root.join("accounts")).unwrap_or_default();
            let claimed = accounts.iter().filter_map(|path| self.account(&file_name(path)).ok());
            let mut claimed = claimed.filter(|identity| identity.fingerprint() == proof.claimed_identity());
            let identity = claimed.next().ok_or(Error::Proof { check: "CRT-01" })?;
            let request = Request::new(AUDIENCE.as_bytes(), method.as_bytes(), target.as_bytes()).body(body);
            proof.verify(&request, &identity, &Clock::at(now()), &mut *self.seen.borrow_mut()).map(|_| ())
        };
        Ok(checked().map_err(|error| error.to_string()))
    }

    fn files(&self) -> Outcome<Vec<PathBuf>> {
        let mut found = Vec::new();
        let mut left = vec![self.root.clone()];
        while let Some(directory) = left.pop() {
            let (directories, files): (Vec<_>, Vec<_>) =
                entries(&directory)?.into_iter().partition(|path| path.is_dir());
            found.extend(files);
            left.extend(directories.into_iter().rev());
        }
        Ok(found)
    }

    fn is_plain(&self) -> bool {
        true
    }
}
