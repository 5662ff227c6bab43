//! Bare keys in and out, and what is computed with them, against the `openssl` command. SPEC §5, §8.1, §8.3.
//!
//! Skipped, with a line that says so, where the command is absent.

use crate::common::*;
use sealroom::*;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder for one test's files, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let found = Command::new("openssl").arg("version").stdout(Stdio::null()).status();
        if !found.is_ok_and(|status| status.success()) {
            println!("skipped: there is no openssl command");
            return None;
        }
        let name = format!("sealroom-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Some(Self(path))
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.0.join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap()
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// Runs `openssl` with arguments separated by spaces, in this folder; gives what it wrote.
    #[track_caller]
    fn openssl(&self, arguments: &str) -> String {
        let run = Command::new("openssl").args(arguments.split(' ')).current_dir(&self.0).output().unwrap();
        let said = [run.stdout, run.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(run.status.success(), "openssl {arguments}: {said}");
        said
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const PSS: &str =
    "-pkeyopt digest:sha256 -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:32 -pkeyopt rsa_mgf1_md:sha256";

/// [SUITE-03] [SUITE-04] [SUITE-06] [STZ-08]
#[test]
fn p256_keys() {
    let Some(folder) = Folder::new() else { return };
    let mut rng = Draws::new(1);
    for number in 0..4 {
        folder.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem");
        folder.openssl("pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key.der");
        folder.openssl("pkey -in key.pem -pubout -out public.pem");
        folder.openssl("pkey -in key.pem -pubout -outform DER -out public.der");
        // In.
        let key = P256PrivateKey::from_pkcs8_pem(&folder.text("key.pem")).unwrap();
        let again = P256PrivateKey::from_pkcs8_der(&folder.read("key.der")).unwrap();
        assert_eq!(key.public_key(), again.public_key());
        let public = P256PublicKey::from_spki_pem(&folder.text("public.pem")).unwrap();
        assert_eq!(P256PublicKey::from_spki_der(&folder.read("public.der")).unwrap(), public);
        assert_eq!(key.public_key(), &public);
        // Out: the very same bytes.
        assert_eq!(public.to_spki_der()[..], folder.read("public.der"));
        assert_eq!(public.to_spki_pem().unwrap(), folder.text("public.pem"));
        assert_eq!(key.to_pkcs8_der().unwrap().expose(), folder.read("key.der"));
        assert_eq!(key.to_pkcs8_pem().unwrap().expose(), folder.text("key.pem"));

        // Its owner opens, here, and with the Diffie-Hellman computed there.
        let to = [Recipient::bare_p256(&public)];
        let sealed = Envelope::to(&to).seal(b"content", &mut rng).unwrap();
        assert_eq!(open(&sealed, &[Reader::bare_p256(&key)], &mut rng).unwrap().unverified(), b"content");
        let locked = Locked::decode(&sealed, &Limits::default()).unwrap();
        let Some(Operation::Agree { peer }) = locked.operation(&to[0]) else { panic!() };
        folder.write("peer.der", P256PublicKey::from_bytes(peer).unwrap().to_spki_der());
        folder.openssl("pkeyutl -derive -inkey key.pem -peerkey peer.der -peerform DER -out shared");
        let shared = SharedSecret::take(&mut folder.read("shared").try_into().unwrap());
        let opened = locked.answer_agree(&to[0], &shared).unwrap().open(locked.payload()).unwrap();
        assert_eq!(opened.unverified(), b"content");

        // Made here, checked there.
        let made = P256PrivateKey::generate(&mut rng).unwrap();
        folder.write("made.pem", made.to_pkcs8_pem().unwrap().expose());
        folder.write("made.pub", made.public_key().to_spki_pem().unwrap());
        assert!(folder.openssl("pkey -in made.pem -check -noout").contains("valid"));
        assert!(folder.openssl("pkey -in made.pub -pubin -pubcheck -noout").contains("valid"));
        folder.openssl("pkey -in made.pem -pubout -out derived.pub");
        assert_eq!(folder.text("derived.pub"), folder.text("made.pub"));

        // A signature made here, verified there; and the reverse, in whichever half s is.
        let digest = [number; 32];
        let mut signature = [0; 64];
        made.sign_digest(&digest, &mut signature, &mut rng).unwrap();
        folder.write("digest", digest);
        folder.write("signature", to_der(&signature));
        folder.openssl("pkeyutl -verify -pubin -inkey made.pub -in digest -sigfile signature");
        let signer = outsider(number);
        let key = |key: &P256PrivateKey| key.public_key().clone();
        let unsigned =
            UnsignedIdentity::p256(0, key(&signer.encryption), key(&made), signer.rotation.public_key()).unwrap();
        folder.write("digest", unsigned.digest());
        folder.openssl("pkeyutl -sign -inkey made.pem -in digest -out signature");
        let identity = unsigned.complete(&from_der(&folder.read("signature"))).unwrap();
        assert_eq!(PublicIdentity::from_bytes(&identity.to_bytes()).unwrap(), identity);
    }
}

/// ECDSA-Sig-Value of r and s. RFC 3279 §2.2.3
fn to_der(signature: &[u8; 64]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let number = &number[zeros..];
        let number = if number[0] < 0x80 { number.to_vec() } else { [&[0], number].concat() };
        [&[2, number.len() as u8][..], &number].concat()
    };
    let both = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [&[0x30, both.len() as u8][..], &both].concat()
}

fn from_der(der: &[u8]) -> [u8; 64] {
    let mut signature = [0; 64];
    let mut rest = &der[2..];
    for place in [32, 64] {
        let len = rest[1] as usize;
        let number = &rest[2..2 + len];
        let number = &number[len.saturating_sub(32)..];
        signature[place - number.len()..place].copy_from_slice(number);
        rest = &rest[2 + len..];
    }
    signature
}

/// [SUITE-05] [SUITE-06] [SUITE-07] [SUITE-08] [STZ-10]
#[test]
fn rsa_keys_of_each_size() {
    let Some(folder) = Folder::new() else { return };
    let mut rng = Draws::new(1);
    for bits in [2048, 3072] {
        folder.openssl(&format!("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{bits} -out key.pem"));
        check_rsa(&folder, &mut rng);
    }
    for key in [rsa_2048(), &rsa_keys()[0], &rsa_keys()[2]] {
        folder.write("key.pem", key.to_pkcs8_pem().unwrap().expose());
        assert!(folder.openssl("pkey -in key.pem -check -noout").contains("valid"));
        check_rsa(&folder, &mut rng);
    }
}

fn check_rsa(folder: &Folder, rng: &mut Draws) {
    folder.openssl("pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key.der");
    folder.openssl("pkey -in key.pem -pubout -out public.pem");
    folder.openssl("pkey -in key.pem -pubout -outform DER -out public.der");
    let key = RsaPrivateKey::from_pkcs8_pem(&folder.text("key.pem")).unwrap();
    let again = RsaPrivateKey::from_pkcs8_der(&folder.read("key.der")).unwrap();
    assert_eq!(key.public_key(), again.public_key());
    let public = RsaPublicKey::from_spki_pem(&folder.text("public.pem")).unwrap();
    assert_eq!(RsaPublicKey::from_spki_der(&folder.read("public.der")).unwrap(), public);
    assert_eq!(key.public_key(), &public);
    assert_eq!(public.spki_der(), folder.read("public.der"));
    assert_eq!(public.to_spki_pem().unwrap(), folder.text("public.pem"));
    assert_eq!(key.to_pkcs8_der().unwrap().expose(), folder.read("key.der"));
    folder.write("ours.pem", key.to_pkcs8_pem().unwrap().expose());
    assert!(folder.openssl("pkey -in ours.pem -check -noout").contains("valid"));

    let to = [Recipient::bare_rsa(&public)];
    let sealed = Envelope::to(&to).seal(b"content", rng).unwrap();
    assert_eq!(open(&sealed, &[Reader::bare_rsa(&key)], rng).unwrap().unverified(), b"content");
    let locked = Locked::decode(&sealed, &Limits::default()).unwrap();
    let Some(Operation::DecryptOaep { ciphertext }) = locked.operation(&to[0]) else { panic!() };
    folder.write("wrapped", ciphertext);
    folder.openssl(
        "pkeyutl -decrypt -inkey key.pem -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt \
         rsa_mgf1_md:sha256 -in wrapped -out message",
    );
    let answer = WrappedContent::take(&mut folder.read("message").try_into().unwrap());
    let opened = locked.answer_decrypt(&to[0], &answer).unwrap().open(locked.payload()).unwrap();
    assert_eq!(opened.unverified(), b"content");

    let mut signature = vec![0; public.modulus_len()];
    key.sign_digest(&[5; 32], &mut signature, rng).unwrap();
    folder.write("digest", [5; 32]);
    folder.write("signature", &signature);
    folder.openssl(&format!("pkeyutl -verify -pubin -inkey public.pem -in digest -sigfile signature {PSS}"));
    folder.openssl(&format!("pkeyutl -sign -inkey key.pem -in digest -out signature {PSS}"));
    hazmat::rsa_pss_verify(public.spki_der(), &[5; 32], &folder.read("signature")).unwrap();
    // Another length of salt is another scheme.
    let other = PSS.replace("saltlen:32", "saltlen:20");
    folder.openssl(&format!("pkeyutl -sign -inkey key.pem -in digest -out signature {other}"));
    let verified = hazmat::rsa_pss_verify(public.spki_der(), &[5; 32], &folder.read("signature"));
    assert_eq!(verified, Err(Error::Signature));
}

/// Other curves, sizes, exponents, forms and wrappings. [SUITE-03] [SUITE-05] [SUITE-06] [LIM-09]
#[test]
fn other_keys_are_refused() {
    let Some(folder) = Folder::new() else { return };
    let malformed = |error| assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    let refuse_private = |name: &str| {
        let pem = folder.text(name);
        malformed(P256PrivateKey::from_pkcs8_pem(&pem).unwrap_err());
        malformed(RsaPrivateKey::from_pkcs8_pem(&pem).unwrap_err());
    };
    let refuse_public = |name: &str| {
        let pem = folder.text(name);
        malformed(P256PublicKey::from_spki_pem(&pem).unwrap_err());
        malformed(RsaPublicKey::from_spki_pem(&pem).unwrap_err());
    };
    for other in [
        "EC -pkeyopt ec_paramgen_curve:P-384",
        "EC -pkeyopt ec_paramgen_curve:P-521",
        "EC -pkeyopt ec_paramgen_curve:secp256k1",
        "EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit",
        "ED25519",
        "X25519",
        "RSA -pkeyopt rsa_keygen_bits:1024",
        "RSA -pkeyopt rsa_keygen_bits:2056",
        "RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3",
        "RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:65539",
        "RSA-PSS -pkeyopt rsa_keygen_bits:2048",
    ] {
        folder.openssl(&format!("genpkey -algorithm {other} -out key.pem"));
        folder.openssl("pkey -in key.pem -pubout -out public.pem");
        refuse_private("key.pem");
        refuse_public("public.pem");
    }

    folder.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p256.pem");
    folder.openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem");
    for name in ["p256", "rsa"] {
        folder.openssl(&format!("pkey -in {name}.pem -pubout -out {name}.pub"));
        // Encrypted; the older forms; a public key where a private one is expected, and the reverse.
        folder.openssl(&format!("pkcs8 -topk8 -in {name}.pem -v2 aes-256-cbc -passout pass:x -out encrypted.pem"));
        refuse_private("encrypted.pem");
        folder.openssl(&format!("pkey -in {name}.pem -traditional -out traditional.pem"));
        refuse_private("traditional.pem");
        folder.openssl(&format!("pkey -in {name}.pem -traditional -outform DER -out traditional.der"));
        malformed(P256PrivateKey::from_pkcs8_der(&folder.read("traditional.der")).unwrap_err());
        malformed(RsaPrivateKey::from_pkcs8_der(&folder.read("traditional.der")).unwrap_err());
        refuse_private(&format!("{name}.pub"));
        refuse_public(&format!("{name}.pem"));
    }
    for form in ["compressed", "hybrid"] {
        folder.openssl(&format!("pkey -in p256.pem -pubout -ec_conv_form {form} -out public.pem"));
        refuse_public("public.pem");
    }
    // Each kind is not the other.
    malformed(RsaPrivateKey::from_pkcs8_pem(&folder.text("p256.pem")).unwrap_err());
    malformed(P256PrivateKey::from_pkcs8_pem(&folder.text("rsa.pem")).unwrap_err());
    malformed(RsaPublicKey::from_spki_pem(&folder.text("p256.pub")).unwrap_err());
    malformed(P256PublicKey::from_spki_pem(&folder.text("rsa.pub")).unwrap_err());

    // A private key with another one's public key in it.
    let key = P256PrivateKey::from_pkcs8_pem(&folder.text("p256.pem")).unwrap();
    let other = P256PrivateKey::generate(&mut Draws::new(1)).unwrap();
    let (der, point) = (key.to_pkcs8_der().unwrap().expose().to_vec(), other.public_key().as_bytes());
    assert!(der.ends_with(key.public_key().as_bytes()));
    let mixed = [&der[..der.len() - 65], point].concat();
    malformed(P256PrivateKey::from_pkcs8_der(&mixed).unwrap_err());
    for der in [&der[..der.len() - 1], &[&der[..], &[0]].concat(), &[]] {
        malformed(P256PrivateKey::from_pkcs8_der(der).unwrap_err());
    }
    // Every bit of a P-256 public key in SubjectPublicKeyInfo.
    let spki = key.public_key().to_spki_der();
    for place in 0..spki.len() {
        let mut changed = spki;
        changed[place] ^= 1;
        malformed(P256PublicKey::from_spki_der(&changed).unwrap_err());
    }

    // Longer than a key file may be.
    let limit = Error::Limit { limit: "imported key file bytes" };
    let (long, text) = (vec![0x30; 16_385], "-".repeat(16_385));
    assert_eq!(P256PrivateKey::from_pkcs8_der(&long).unwrap_err(), limit);
    assert_eq!(RsaPrivateKey::from_pkcs8_der(&long).unwrap_err(), limit);
    assert_eq!(RsaPublicKey::from_spki_der(&long).unwrap_err(), limit);
    malformed(P256PublicKey::from_spki_der(&long).unwrap_err());
    assert_eq!(P256PrivateKey::from_pkcs8_pem(&text).unwrap_err(), limit);
    assert_eq!(RsaPrivateKey::from_pkcs8_pem(&text).unwrap_err(), limit);
    assert_eq!(P256PublicKey::from_spki_pem(&text).unwrap_err(), limit);
    assert_eq!(RsaPublicKey::from_spki_pem(&text).unwrap_err(), limit);
    malformed(P256PrivateKey::from_pkcs8_der(&long[1..]).unwrap_err());
    malformed(RsaPrivateKey::from_pkcs8_der(&long[1..]).unwrap_err());
    malformed(RsaPublicKey::from_spki_der(&long[1..]).unwrap_err());
}
