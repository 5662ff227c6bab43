//! People: their words, what they publish, what they compare.

use crate::Outcome;
use crate::server::Server;
use sealroom::{
    Directory, Fingerprint, Identity, Mnemonic, Profile, Progress, PublicIdentity, Root, SafetyNumber, SystemRng,
};
use std::io::{IsTerminal, stderr};
use std::ops::ControlFlow;

/// Someone on their first device.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) words: String,
    pub(crate) identity: Identity,
}

impl Person {
    /// Draws words, derives the identity, publishes its public half under the person's name.
    pub(crate) fn join(name: &'static str, profile: Profile, server: &Server) -> Outcome<Self> {
        let mnemonic = Mnemonic::generate(&mut SystemRng)?;
        let words = mnemonic.words().collect::<Vec<_>>().join(" ");
        let identity = derive(name, &mnemonic.root(), profile)?;
        println!("  {name:5}  {:8} {}", format!("{profile:?}"), identity.public().fingerprint());
        server.sign_in(name, &identity)?;
        server.register(name, identity.public())?;
        Ok(Self { name, words, identity })
    }

    /// Forgets all but the words.
    pub(crate) fn into_words(self) -> (&'static str, String) {
        (self.name, self.words)
    }
}

/// Derives generation 0, and shows how far the search for RSA primes has come.
pub(crate) fn derive(name: &str, root: &Root, profile: Profile) -> Outcome<Identity> {
    let terminal = stderr().is_terminal();
    // Each of the two keys counts its candidates from one.
    let (mut key, mut before) = (1, 0);
    let mut watch = |progress: Progress| {
        if progress.done < before {
            key += 1;
        }
        before = progress.done;
        if terminal {
            // `expected` is a mean: a search may need more.
            let percent = (100 * progress.done / progress.expected.max(1)).min(99);
            eprint!("\r  {name}: key {key} of 2, {} candidates, {percent} % \x1b[K", progress.done);
        }
        ControlFlow::Continue(())
    };
    let identity = root.identity_watched(profile, 0, &mut watch, &mut SystemRng)?;
    if terminal {
        eprint!("\r\x1b[K");
    }
    Ok(identity)
}

/// Both sides compute the number from what the server gave them. Different numbers are a server that lies.
pub(crate) fn compare(one: &Person, other: &Person, server: &Server) -> Outcome<()> {
    let ours = SafetyNumber::of(one.identity.public(), &server.account(other.name)?);
    let theirs = SafetyNumber::of(other.identity.public(), &server.account(one.name)?);
    if ours != theirs {
        return Err(format!("{} and {} see different numbers", one.name, other.name).into());
    }
    let digits = ours.to_string();
    let (first, second) = digits.split_at_checked(6 * 6).ok_or("twelve groups are expected")?;
    println!("  {:5} and {:5}  {}\n{:18}{second}", one.name, other.name, first.trim_end(), "");
    Ok(())
}

/// The published identities, by which signers are looked up.
pub(crate) struct Names(Vec<(&'static str, PublicIdentity)>);

impl Names {
    pub(crate) fn fetch(server: &Server, names: &[&'static str]) -> Outcome<Self> {
        names.iter().map(|name| Ok((*name, server.account(name)?))).collect::<Outcome<_>>().map(Self)
    }

    /// These, and a later generation of somebody.
    pub(crate) fn with(&self, name: &'static str, identity: &PublicIdentity) -> Self {
        Self(self.0.iter().cloned().chain([(name, identity.clone())]).collect())
    }

    /// Of somebody who was not published, "a stranger".
    pub(crate) fn name(&self, fingerprint: &Fingerprint) -> &'static str {
        self.find(fingerprint).map_or("a stranger", |(name, _)| name)
    }

    pub(crate) fn find(&self, fingerprint: &Fingerprint) -> Option<&(&'static str, PublicIdentity)> {
        self.0.iter().find(|(_, identity)| identity.fingerprint() == fingerprint)
    }
}

impl Directory for Names {
    fn identity(&self, fingerprint: &Fingerprint) -> Option<&PublicIdentity> {
        self.find(fingerprint).map(|(_, identity)| identity)
    }
}

/// From words to the identity. They do not say its profile: it is the one that was published, and the cheap one is
/// tried first.
pub(crate) fn recover(name: &str, words: &str, names: &Names) -> Outcome<Identity> {
    let root = Mnemonic::parse(words)?.root();
    for profile in [Profile::P256, Profile::Rsa3072] {
        let identity = derive(name, &root, profile)?;
        if names.find(identity.public().fingerprint()).is_some_and(|(found, _)| *found == name) {
            return Ok(identity);
        }
    }
    Err(format!("what {name} published does not come from the words").into())
}
