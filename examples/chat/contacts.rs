//! Whom Alice's phone takes for whom.

use crate::rooms::Scene;
use crate::{Outcome, require, step};
use sealroom::{Fingerprint, Keyring, Mnemonic, Profile, SafetyNumber, Sighting, SystemRng, Transition};

/// How Alice names them: nobody's business.
pub(crate) const CAROL: &[u8] = b"Carol from the climbing club";
pub(crate) const DAVE: &[u8] = b"Dave who roasts the coffee";

/// First sight, a comparison, a change of keys that is followed, one that is not.
pub(crate) fn contacts(daves_words: &str, scene: &Scene<'_>) -> Outcome<()> {
    let Scene { server, .. } = *scene;
    let mut phone = scene.phone.borrow_mut();
    let keyring = &mut phone.keyring;
    let (carol, dave) = (server.account("Carol")?, server.account("Dave")?);
    let verified = |keyring: &Keyring, name| keyring.contact(name).map(|contact| contact.verified);

    let first = [keyring.sight(CAROL, &carol)?, keyring.sight(DAVE, &dave)?];
    require(first == [Sighting::First; 2], "somebody was known before")?;
    require(verified(keyring, CAROL) == Some(false), "Carol is verified at first sight")?;
    step("First sight", "Carol and Dave are pinned, on the server's word; not verified");

    for (name, their) in [(CAROL, scene.carol), (DAVE, scene.dave)] {
        let pinned = keyring.contact(name).ok_or("a contact is missing")?.identity.clone();
        let ours = SafetyNumber::of(scene.alice.public(), &pinned);
        let theirs = SafetyNumber::of(their.public(), &server.account("Alice")?);
        require(ours == theirs, "the safety numbers differ")?;
        keyring.set_verified(pinned.fingerprint(), true)?;
    }
    let known = keyring.sight(CAROL, &carol)? == Sighting::Known && verified(keyring, CAROL) == Some(true);
    require(known, "Carol is not known, or not verified")?;
    step("Safety numbers", "they agree, by phone: both are verified");

    let root = Mnemonic::parse(daves_words)?.root();
    let next = root.identity(Profile::P256, 1, &mut SystemRng)?;
    server.succeed("Dave", &root.succeed(scene.dave, &next, &mut SystemRng)?)?;
    server.sign_in("Dave", &next)?;
    let given = server.account("Dave")?;
    let pinned: Fingerprint = *dave.fingerprint();
    let before = keyring.sight(DAVE, &given)?;
    require(before == Sighting::Changed { pinned }, "Dave's new keys are taken without his word")?;
    let transition = server.transition(&pinned)?.ok_or("the transition is missing")?;
    keyring.follow(&Transition::from_bytes(&transition)?)?;
    let after = keyring.sight(DAVE, &given)?;
    require(after == Sighting::Succeeded { from: pinned }, "Dave's transition is not followed")?;
    require(verified(keyring, DAVE) == Some(false), "keys that nobody compared are verified")?;
    step("Dave changes his keys", "his transition is followed: pinned, and to be compared again");

    let stranger = Mnemonic::generate(&mut SystemRng)?.root().identity(Profile::P256, 0, &mut SystemRng)?;
    let told = keyring.sight(CAROL, stranger.public())?;
    require(told == Sighting::Changed { pinned: *carol.fingerprint() }, "a stranger passes for Carol")?;
    let contact = keyring.contact(CAROL).ok_or("Carol is missing")?;
    let stays = contact.identity.fingerprint() == carol.fingerprint() && contact.verified;
    require(stays && keyring.conflicts().is_empty(), "Carol is not who she was")?;
    step("A stranger as Carol", "told as a changed key; the one that is pinned stays, and is verified");
    phone.upload(server)
}
