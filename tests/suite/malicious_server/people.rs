//! Who is who: identities that the server swaps, and new devices that ask for theirs.

use super::moves::FalseAnswer;
use super::world::*;
use crate::common::hand::{Hand, group, vector, wrap_info, wrap_p256};
use crate::common::*;
use sealroom::*;
use std::sync::OnceLock;

/// Under which name each has the other.
pub(super) const OTHER: &[u8] = b"the other";

/// Another account, of whose words the server knows.
fn mallory() -> &'static Identity {
    static MADE: OnceLock<Identity> = OnceLock::new();
    MADE.get_or_init(|| person(MALLORY))
}

const MALLORY: u8 = 0xee;

/// A directory with one person's identity in the place of another's, or of their own.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Swapped {
    pub(super) of: usize,
    pub(super) by: usize,
}

impl Swapped {
    pub(super) fn swaps(&self, who: &Fingerprint) -> bool {
        self.of != self.by && everyone()[self.of].fingerprint() == who
    }
}

impl Directory for Swapped {
    fn identity(&self, who: &Fingerprint) -> Option<&PublicIdentity> {
        let asked = everyone().iter().position(|identity| identity.fingerprint() == who)?;
        Some(&everyone()[if asked == self.of { self.by } else { asked }])
    }
}

/// To which request, and whether it comes from another account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    request: usize,
    of_mallory: bool,
}

impl World {
    /// What somebody's keyring says to whom the server shows as the other.
    pub(super) fn sights(&mut self, who: usize) -> Sighting {
        let shown = self.directory.identity(&fingerprint(1 - who)).unwrap();
        self.people[who].keyring.sight(OTHER, shown).unwrap()
    }

    pub(super) fn looks_up(&mut self, who: usize) {
        let pinned = fingerprint(1 - who);
        let sighting = self.sights(who);
        if self.directory.swaps(&pinned) {
            assert_eq!(sighting, Sighting::Changed { pinned });
            *self.tally.entry("swap told").or_default() += 1;
        } else {
            assert_eq!(sighting, Sighting::Known);
        }
        assert_eq!(self.people[who].keyring.contact(OTHER).unwrap().identity, honest(1 - who).public());
    }

    pub(super) fn links(&mut self, who: usize) -> Vec<u8> {
        let linking = Linking::new(&mut SystemRng).unwrap();
        let answer = linking.request().confirm().answer(&[honest(who)], &[], &mut SystemRng).unwrap();
        self.answers.insert(answer.clone(), Answer { request: self.linkings.len(), of_mallory: false });
        self.linkings.push((who, linking));
        answer
    }

    /// And whose request it was.
    pub(super) fn mallory_answers(&mut self, request: usize, lie: FalseAnswer) -> (usize, Vec<u8>) {
        if self.linkings.is_empty() {
            self.links(request % 2);
        }
        let at = request % self.linkings.len();
        let (who, asked) = (self.linkings[at].0, self.linkings[at].1.request());
        let victim = honest(who).public();
        let answer = match lie {
            FalseAnswer::Account => {
                let answer = asked.confirm().answer(&[mallory()], &[], &mut SystemRng).unwrap();
                self.answers.insert(answer.clone(), Answer { request: at, of_mallory: true });
                answer
            }
            FalseAnswer::Identity => answers(&asked, victim, &mallory().sender()),
            FalseAnswer::Name => answers_in_the_name_of(&asked, victim),
            FalseAnswer::Key => {
                let (stolen, signing) = (victim.p256_encryption_key().unwrap().clone(), mallorys_key());
                let rotation = outsider(1).rotation;
                let listed = UnsignedIdentity::p256(0, stolen, signing.public_key().clone(), rotation.public_key());
                let listed = listed.unwrap().sign(&signing, &mut SystemRng).unwrap();
                answers(&asked, &listed, &Sender::new(&listed, &signing))
            }
        };
        (who, answer)
    }

    /// Offers bytes to each new device of somebody's. What is taken answers its own request, and the code tells whose it is.
    pub(super) fn offers_answer(&self, to: usize, bytes: &[u8]) -> Option<&'static str> {
        let answer = self.answers.get(bytes);
        let mut became = answer.map(|_| "answer to another request");
        for (at, (who, linking)) in self.linkings.iter().enumerate() {
            if *who != to {
                continue;
            }
            let Ok(linked) = linking.open(bytes) else {
                assert!(answer.is_none_or(|answer| answer.request != at));
                continue;
            };
            let answer = answer.expect("nobody answered so");
            assert_eq!(answer.request, at);
            let (shown, own) = (linked.code(), LinkCode::of(honest(to).public()));
            if answer.of_mallory {
                // What users are asked to compare.
                assert_eq!((shown, shown == own), (LinkCode::of(mallory().public()), false));
                became = Some("another's answer");
            } else {
                assert_eq!(shown, own);
                assert_eq!(linked.confirm().current().public(), honest(to).public());
                became = Some("linked");
            }
        }
        became
    }
}

fn mallorys_key() -> P256PrivateKey {
    let [_, signing] = hazmat::identity_keys(mallory()).unwrap();
    P256PrivateKey::from_pkcs8_der(signing.expose()).unwrap()
}

/// Mallory's secret as that of this identity. SPEC §22.2
fn content(asked: &LinkRequest, identity: &PublicIdentity) -> Vec<u8> {
    let generation = [&secret(MALLORY, 0)[..], &identity.to_bytes()].concat();
    [&asked.to_bytes()[72..], &vector(&generation), &vector(&[])].concat()
}

fn key_of(asked: &LinkRequest) -> P256PublicKey {
    P256PublicKey::from_bytes(asked.to_bytes()[7..72].try_into().unwrap()).unwrap()
}

fn answers(asked: &LinkRequest, identity: &PublicIdentity, by: &Sender<'_>) -> Vec<u8> {
    let key = key_of(asked);
    let to = [Recipient::bare_p256(&key)];
    let envelope = Envelope::to(&to).signed_by(*by).without_copy_for_me().padding(Padding::Padme);
    hazmat::seal_as(&envelope, ContentType::DeviceLink, &content(asked, identity), &mut SystemRng).unwrap()
}

fn answers_in_the_name_of(asked: &LinkRequest, claims: &PublicIdentity) -> Vec<u8> {
    let (key, salt, dek) = (key_of(asked), [0x5a; 24], [0xde; 32]);
    let (enc, entry) = wrap_p256(&key, &wrap_info(4, 1, &salt, &key.bare_id()), &dek, [7; 32]);
    let (stanzas, public_data) = (group(&enc, &[entry]), Vec::new());
    let hand = Hand { content_type: 4, signature: 1, padding: 1, salt, dek, stanzas, public_data };
    let content = content(asked, claims);
    let plain = [&(content.len() as u64).to_be_bytes()[..], &content].concat();
    let (mut signature, claims) = ([0; 64], claims.fingerprint().as_bytes());
    mallorys_key().sign_digest(&hand.signed_digest(&[&plain], claims), &mut signature, &mut SystemRng).unwrap();
    hand.seal_signed(&plain, claims, &signature)
}
