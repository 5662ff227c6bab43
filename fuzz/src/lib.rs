//! Bodies of the fuzz targets: plain functions, so that an ordinary test can run them too.

use rand_core::{TryCryptoRng, TryRng};
use sealroom::{
    AttachmentKey, DetachedSignature, Envelope, EnvelopeStart, Error, Fingerprint, Identity, Limits, Locked, Opened,
    P256PrivateKey, P256PublicKey, Padding, Profile, PublicIdentity, Reader, Recipient, Root, RsaPublicKey,
    SymmetricKey, Transition, inspect, open_into,
};
use std::convert::Infallible;
use std::sync::OnceLock;

/// A counter: the same envelopes in every run.
struct Counter(u8);

impl TryRng for Counter {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.fill_with(|| {
            self.0 = self.0.wrapping_add(1);
            self.0
        });
        Ok(())
    }
}

impl TryCryptoRng for Counter {}

fn people() -> &'static [Identity; 2] {
    static PEOPLE: OnceLock<[Identity; 2]> = OnceLock::new();
    PEOPLE.get_or_init(|| {
        [1, 2].map(|n| Root::from_bip39_seed(&[n; 64]).identity(Profile::P256, 0, &mut Counter(0)).unwrap())
    })
}

/// Every decoder: no panic, and what decodes encodes to the same bytes.
pub fn decode(bytes: &[u8]) {
    let _ = inspect(bytes);
    let _ = Locked::decode(bytes, &Limits::default());
    if let Ok(identity) = PublicIdentity::from_bytes(bytes) {
        assert_eq!(identity.to_bytes(), bytes);
        assert_eq!(identity.to_string().parse(), Ok(identity));
    }
    if let Ok(transition) = Transition::from_bytes(bytes) {
        assert_eq!(transition.to_bytes().unwrap(), bytes);
    }
    if let Ok(signature) = DetachedSignature::from_bytes(bytes) {
        assert_eq!(signature.to_bytes(), bytes);
    }
    if let Ok(key) = P256PublicKey::from_spki_der(bytes) {
        assert_eq!(key.to_spki_der(), bytes);
    }
    if let Ok(key) = RsaPublicKey::from_spki_der(bytes) {
        assert_eq!(key.spki_der(), bytes);
    }
    let _ = P256PrivateKey::from_pkcs8_der(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(fingerprint) = text.parse::<Fingerprint>() {
            assert_eq!(fingerprint.to_string(), text);
        }
        let _ = text.parse::<PublicIdentity>();
        let _ = P256PublicKey::from_spki_pem(text);
        let _ = RsaPublicKey::from_spki_pem(text);
        let _ = sealroom::Mnemonic::parse(text);
    }
}

/// An envelope's bytes from the fuzzer: as they are, and as a change to a valid one. Nothing but the valid one opens.
pub fn open(bytes: &[u8]) {
    let [alice, bob] = people();
    let key = SymmetricKey::take(&mut [3; 32]);
    let readers = [bob.reader(), Reader::symmetric(&key), Reader::bare_p256(never())];
    assert!(sealroom_open(bytes, &readers).is_err());
    let mut out = vec![0; bytes.len()];
    assert!(open_into(bytes, &readers, &mut out, &mut Counter(0)).is_err());

    let Some((&[kind, at_high, at_low], change)) = bytes.split_first_chunk() else { return };
    let to = [bob.public().recipient(), Recipient::symmetric(&key)];
    let public_data = [kind];
    let mut builder = Envelope::to(&to).public_data(&public_data);
    if kind & 1 != 0 {
        builder = builder.signed_by(alice.sender());
    }
    if kind & 2 != 0 {
        builder = builder.padding(Padding::Padme);
    }
    let valid = builder.seal(&[kind; 300], &mut Counter(kind)).unwrap();
    let mut changed = valid.clone();
    let at = usize::from(u16::from_be_bytes([at_high, at_low])) % changed.len();
    let end = (at + change.len()).min(changed.len());
    changed.splice(at..end, change.iter().copied());
    assert_eq!(sealroom_open(&changed, &readers).is_ok(), changed == valid);
}

/// A key that no envelope here is sealed to.
fn never() -> &'static P256PrivateKey {
    static KEY: OnceLock<P256PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| P256PrivateKey::generate(&mut Counter(99)).unwrap())
}

fn sealroom_open(bytes: &[u8], readers: &[Reader<'_>]) -> Result<Opened<Vec<u8>>, Error> {
    sealroom::open(bytes, readers, &mut Counter(0))
}

/// Splits and changes chosen by the fuzzer: a stream opens what one call opens, and nothing else.
pub fn stream(bytes: &[u8]) {
    let Some((&[kind, step, at_high, at_low, bit], _)) = bytes.split_first_chunk() else { return };
    let content = vec![kind; usize::from(kind) * 200];
    let mut attachment = Envelope::to(&[]);
    if kind & 1 != 0 {
        attachment = attachment.padding(Padding::Padme);
    }
    let (mut envelope, key) = attachment.seal_attachment(&content, &mut Counter(kind)).unwrap();
    let at = usize::from(u16::from_be_bytes([at_high, at_low])) % envelope.len();
    envelope[at] ^= bit;
    envelope.truncate(envelope.len() - usize::from(step & 1));

    let whole = open_whole(&envelope, &key);
    let pieces = open_pieces(&envelope, &key, usize::from(step) + 1);
    assert_eq!(whole.is_ok(), bit == 0 && step & 1 == 0);
    assert_eq!(whole.ok(), pieces.ok());
}

fn open_whole(envelope: &[u8], key: &AttachmentKey) -> Result<Vec<u8>, Error> {
    let locked = Locked::decode(envelope, &Limits::default())?;
    Ok(key.unlock(&locked)?.open(locked.payload())?.unverified())
}

fn open_pieces(envelope: &[u8], key: &AttachmentKey, step: usize) -> Result<Vec<u8>, Error> {
    let mut start = EnvelopeStart::new(Limits::default());
    let mut pieces = envelope.chunks(step);
    let mut rest = None;
    while rest.is_none() {
        rest = start.push(pieces.next().ok_or(Error::Decrypt)?)?;
    }
    let mut stream = key.unlock(&start.locked()?)?.stream();
    let mut content = stream.push(rest.unwrap_or_default())?.unverified().to_vec();
    for piece in pieces {
        content.extend_from_slice(stream.push(piece)?.unverified());
    }
    content.extend(stream.finish()?.unverified());
    Ok(content)
}

#[cfg(test)]
mod tests {
    /// Bytes from a counter, so that the bodies run without a fuzzer.
    #[test]
    fn bodies_hold() {
        for seed in 0..200_u32 {
            let bytes: Vec<u8> = (0..seed).map(|n| (n.wrapping_mul(seed ^ 0x9e37) >> 3) as u8).collect();
            super::decode(&bytes);
            super::open(&bytes);
            super::stream(&bytes);
        }
    }
}
