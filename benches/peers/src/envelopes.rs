//! Envelopes: against AES-GCM and SHA-256 over the same bytes, against one Diffie-Hellman, against HPKE.

use crate::measure::{Row, Watch, by_backend};
use crate::raw::{Pair, Pieces, sealed_len, sha256};
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::DhP256HkdfSha256;
use hpke::{Kem, OpModeR, OpModeS, single_shot_open, single_shot_seal};
use sealroom::{
    Envelope, Identity, P256PrivateKey, Profile, Reader, Recipient, Root, SymmetricKey, SystemRng, open, open_into,
};

const MIB: usize = 1 << 20;

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for mib in [1, 8, 64] {
        rows.extend(payload(mib));
    }
    rows.extend(signed(16));
    rows.extend(many_readers());
    rows.extend(against_hpke());
    rows
}

fn rounds(mib: usize) -> usize {
    (512 / mib).clamp(31, 201)
}

/// Unsigned envelopes, against the encryption alone.
fn payload(mib: usize) -> Vec<Row> {
    let (key, group) =
        (P256PrivateKey::generate(&mut SystemRng).unwrap(), SymmetricKey::generate(&mut SystemRng).unwrap());
    let (person, holder) = ([Recipient::bare_p256(key.public_key())], [Recipient::symmetric(&group)]);
    let (person, holder) = (Envelope::to(&person), Envelope::to(&holder));
    let content = vec![7; mib * MIB];
    let buffer = |envelope: &Envelope<'_>| vec![0; envelope.max_sealed_len(content.len()).unwrap()];
    let (mut to_person, mut to_holder, mut out) = (buffer(&person), buffer(&holder), buffer(&person));
    let (pieces, mut raw, mut plain) = (Pieces::new(&[1; 32]), vec![0; sealed_len(content.len())], content.clone());
    let mut watch = Watch::default();
    for _ in 0..rounds(mib) {
        let rng = &mut SystemRng;
        watch.time("raw, seal", || pieces.seal(&content, &mut raw));
        let len = watch.time("person, seal", || person.seal_into(&content, &mut to_person, rng).unwrap());
        let holders_len = watch.time("holder, seal", || holder.seal_into(&content, &mut to_holder, rng).unwrap());
        watch.time("raw, open", || pieces.open(&raw, &mut plain));
        watch.time("person, open", || {
            open_into(&to_person[..len], &[Reader::bare_p256(&key)], &mut out, rng).unwrap().unverified().len()
        });
        watch.time("holder, open", || {
            open_into(&to_holder[..holders_len], &[Reader::symmetric(&group)], &mut out, rng)
                .unwrap()
                .unverified()
                .len()
        });
    }
    let row = |verb: &str, who: &str, to: &str| {
        let (ours, theirs) = (watch.median(&format!("{who}, {verb}")), watch.median(&format!("raw, {verb}")));
        Row::throughput(
            format!("envelope of {mib} MiB, {to}: {verb}"),
            ours,
            "AES-256-GCM over 16 KiB pieces",
            theirs,
            by_backend(0.95, 0.90),
        )
    };
    let (one_key, one_person) = ("one symmetric key", "one P-256 reader");
    vec![
        row("seal", "holder", one_key),
        row("open", "holder", one_key),
        row("seal", "person", one_person),
        row("open", "person", one_person),
    ]
}

/// Signed envelopes, against the encryption and the hash of what came of it.
fn signed(mib: usize) -> Vec<Row> {
    let person = |n| Root::from_bip39_seed(&[n; 64]).identity(Profile::P256, 0, &mut SystemRng).unwrap();
    let (alice, bob): (Identity, Identity) = (person(1), person(2));
    let to = [bob.public().recipient()];
    let envelope = Envelope::to(&to).signed_by(alice.sender()).without_copy_for_me();
    let content = vec![7; mib * MIB];
    let mut sealed = vec![0; envelope.max_sealed_len(content.len()).unwrap()];
    let mut out = sealed.clone();
    let (pieces, mut raw, mut plain) = (Pieces::new(&[1; 32]), vec![0; sealed_len(content.len())], content.clone());
    let mut watch = Watch::default();
    for _ in 0..rounds(mib) {
        watch.time("raw seal", || {
            pieces.seal(&content, &mut raw);
            sha256(&raw)
        });
        let len = watch.time("seal", || envelope.seal_into(&content, &mut sealed, &mut SystemRng).unwrap());
        watch.time("raw open", || {
            pieces.open(&raw, &mut plain);
            sha256(&raw)
        });
        watch.time("open", || {
            let opened = open_into(&sealed[..len], &[bob.reader()], &mut out, &mut SystemRng).unwrap();
            opened.verify(alice.public()).unwrap().len()
        });
    }
    let row = |verb: &str, raw: &str| {
        let what = format!("signed envelope of {mib} MiB, one P-256 reader: {verb}");
        Row::throughput(
            what,
            watch.median(verb),
            "AES-256-GCM and SHA-256, one after the other",
            watch.median(raw),
            by_backend(0.92, 0.88),
        )
    };
    vec![row("seal", "raw seal"), row("open", "raw open")]
}

/// What each reader costs, and what it costs to be one of them.
fn many_readers() -> Vec<Row> {
    let keys: Vec<_> = (0..1000).map(|_| P256PrivateKey::generate(&mut SystemRng).unwrap()).collect();
    let all: Vec<_> = keys.iter().map(|key| Recipient::bare_p256(key.public_key())).collect();
    let pair = Pair::generate();
    let mut watch = Watch::default();
    for _ in 0..9 {
        watch.time("seal to 100", || Envelope::to(&all[..100]).seal(b"", &mut SystemRng).unwrap());
        watch.time("seal to 1000", || Envelope::to(&all).seal(b"", &mut SystemRng).unwrap());
        (0..20).for_each(|_| _ = watch.time("agree", || pair.agree()));
    }
    let ecdh = "one ECDH";
    let mut rows: Vec<_> = [("seal to 100", 100), ("seal to 1000", 1000)]
        .map(|(name, count)| {
            let each = watch.median(name) / f64::from(count);
            Row::time(
                format!("each of {count} readers: seal"),
                each,
                ecdh,
                watch.median("agree"),
                Some(by_backend(1.05, 1.10)),
            )
        })
        .into();

    // Entries are in no order that a position among the keys would tell: all keys are all positions.
    let sealed = Envelope::to(&all).seal(b"", &mut SystemRng).unwrap();
    let mut watch = Watch::default();
    for key in &keys {
        watch.time("open", || open(&sealed, &[Reader::bare_p256(key)], &mut SystemRng).unwrap().unverified().len());
        watch.time("agree", || pair.agree());
    }
    let floor = watch.median("agree") + 150e-6;
    rows.push(Row::time("one of 1000 readers: open", watch.median("open"), "one ECDH and 0.15 ms", floor, Some(1.0)));
    rows
}

/// One message to one reader, without a signature.
fn against_hpke() -> Vec<Row> {
    let key = P256PrivateKey::generate(&mut SystemRng).unwrap();
    let to = [Recipient::bare_p256(key.public_key())];
    let (private, public) = DhP256HkdfSha256::gen_keypair();
    let content = [7; 1024];
    let mut watch = Watch::default();
    for _ in 0..500 {
        let sealed = watch.time("seal", || Envelope::to(&to).seal(&content, &mut SystemRng).unwrap());
        let (enc, theirs) = watch.time("hpke seal", || {
            let mode = OpModeS::Base;
            single_shot_seal::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(&mode, &public, b"", &content, b"").unwrap()
        });
        watch.time("open", || open(&sealed, &[Reader::bare_p256(&key)], &mut SystemRng).unwrap().unverified().len());
        watch.time("hpke open", || {
            let mode = OpModeR::Base;
            single_shot_open::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(&mode, &private, &enc, b"", &theirs, b"")
                .unwrap()
        });
    }
    let row = |verb: &str, other: &str, goal| {
        let what = format!("envelope of 1 KiB, one P-256 reader: {verb}");
        Row::time(what, watch.median(verb), "hpke 0.15, the same suite", watch.median(other), Some(goal))
    };
    vec![row("seal", "hpke seal", by_backend(0.75, 0.10)), row("open", "hpke open", by_backend(0.60, 0.10))]
}
