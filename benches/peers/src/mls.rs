//! Groups of openmls with P-256, held in memory.

use openmls::prelude::tls_codec::Deserialize;
use openmls::prelude::{
    BasicCredential, Ciphersuite, CredentialWithKey, KeyPackage, LeafNodeIndex, LeafNodeParameters, MlsGroup,
    MlsGroupCreateConfig, MlsMessageBodyIn, MlsMessageIn, OpenMlsProvider, ProcessedMessageContent, StagedWelcome,
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;

const SUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMP256_AES128GCM_SHA256_P256;

/// Somebody who can be in a group.
struct Person {
    provider: OpenMlsRustCrypto,
    signer: SignatureKeyPair,
    credential: CredentialWithKey,
}

impl Person {
    fn new(n: usize) -> Self {
        let signer = SignatureKeyPair::new(SUITE.signature_algorithm()).unwrap();
        let credential = BasicCredential::new(n.to_be_bytes().to_vec()).into();
        let credential = CredentialWithKey { credential, signature_key: signer.public().into() };
        Self { provider: OpenMlsRustCrypto::default(), signer, credential }
    }

    fn key_package(&self) -> KeyPackage {
        let bundle = KeyPackage::builder().build(SUITE, &self.provider, &self.signer, self.credential.clone());
        bundle.unwrap().key_package().clone()
    }
}

/// A group as one of its members holds it.
pub(crate) struct Member {
    person: Person,
    group: MlsGroup,
}

impl Member {
    fn create() -> Self {
        let person = Person::new(0);
        let config = MlsGroupCreateConfig::builder().ciphersuite(SUITE).use_ratchet_tree_extension(true).build();
        let group = MlsGroup::new(&person.provider, &person.signer, &config, person.credential.clone()).unwrap();
        Self { person, group }
    }

    /// A group of two.
    pub(crate) fn pair() -> [Self; 2] {
        let mut creator = Self::create();
        let other = creator.invite(Person::new(1));
        [creator, other]
    }

    /// The creator of a group in which nobody else has committed anything yet.
    pub(crate) fn of_fresh(members: usize) -> Self {
        let mut creator = Self::create();
        let packages: Vec<_> = (1..members).map(|n| Person::new(n).key_package()).collect();
        let Person { provider, signer, .. } = &creator.person;
        creator.group.add_members(provider, signer, &packages).unwrap();
        creator.group.merge_pending_commit(provider).unwrap();
        creator
    }

    /// The creator of a group in which each has committed once, on joining: no node of the tree is empty.
    pub(crate) fn of_settled(members: usize) -> Self {
        let mut creator = Self::create();
        for n in 1..members {
            let commit = creator.invite(Person::new(n)).update();
            creator.process(&commit);
        }
        creator
    }

    fn invite(&mut self, person: Person) -> Self {
        let Person { provider, signer, .. } = &self.person;
        let (_, welcome, _) = self.group.add_members(provider, signer, &[person.key_package()]).unwrap();
        self.group.merge_pending_commit(provider).unwrap();
        let MlsMessageBodyIn::Welcome(welcome) = decode(&welcome.to_bytes().unwrap()).extract() else {
            panic!("not a welcome")
        };
        let config = self.group.configuration();
        let joined = StagedWelcome::new_from_welcome(&person.provider, config, welcome, None).unwrap();
        let group = joined.into_group(&person.provider).unwrap();
        Self { person, group }
    }

    fn update(&mut self) -> Vec<u8> {
        let Person { provider, signer, .. } = &self.person;
        let made = self.group.self_update(provider, signer, LeafNodeParameters::default()).unwrap();
        made.into_commit().to_bytes().unwrap()
    }

    /// Takes a commit in, or gives a message's content.
    fn process(&mut self, message: &[u8]) -> Vec<u8> {
        let message = decode(message).try_into_protocol_message().unwrap();
        match self.group.process_message(&self.person.provider, message).unwrap().into_content() {
            ProcessedMessageContent::ApplicationMessage(message) => message.into_bytes(),
            ProcessedMessageContent::StagedCommitMessage(commit) => {
                self.group.merge_staged_commit(&self.person.provider, *commit).unwrap();
                Vec::new()
            }
            _ => panic!("neither a message nor a commit"),
        }
    }

    pub(crate) fn seal(&mut self, content: &[u8]) -> Vec<u8> {
        let Person { provider, signer, .. } = &self.person;
        self.group.create_message(provider, signer, content).unwrap().to_bytes().unwrap()
    }

    pub(crate) fn open(&mut self, message: &[u8]) -> Vec<u8> {
        self.process(message)
    }

    /// The commit that removes a member; it is not merged.
    pub(crate) fn remove(&mut self, member: u32) -> Vec<u8> {
        let Person { provider, signer, .. } = &self.person;
        let (commit, _, _) = self.group.remove_members(provider, signer, &[LeafNodeIndex::new(member)]).unwrap();
        commit.to_bytes().unwrap()
    }

    /// Gives a commit up that was not merged.
    pub(crate) fn give_up(&mut self) {
        self.group.clear_pending_commit(self.person.provider.storage()).unwrap();
    }
}

fn decode(message: &[u8]) -> MlsMessageIn {
    MlsMessageIn::tls_deserialize_exact(message).unwrap()
}
