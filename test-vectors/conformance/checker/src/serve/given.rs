//! What requests hold, and bytes in parts.

use crate::Outcome;
use rand_core::{TryCryptoRng, TryRng};
use sealroom::{Error, P256PrivateKey, Padding, PublicIdentity, Reader, RsaPrivateKey, Sign, SymmetricKey, hazmat};
use serde_json::{Value, json};

pub(super) fn text<'v>(value: &'v Value, name: &str) -> Outcome<&'v str> {
    value[name].as_str().ok_or_else(|| format!("no {name}").into())
}

pub(super) fn bytes(value: &Value, name: &str) -> Outcome<Vec<u8>> {
    let digits = text(value, name)?.as_bytes();
    let (pairs, rest) = digits.as_chunks::<2>();
    let byte = |pair: &[u8; 2]| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { Err(format!("{name} is cut").into()) }
}

pub(super) fn array<const LEN: usize>(value: &Value, name: &str) -> Outcome<[u8; LEN]> {
    bytes(value, name)?.try_into().map_err(|_| format!("{name} has another length").into())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn identity(value: &Value, name: &str) -> Outcome<PublicIdentity> {
    Ok(PublicIdentity::from_bytes(&bytes(value, name)?)?)
}

pub(super) fn identities(request: &Value) -> Outcome<Vec<PublicIdentity>> {
    let list = request["identities"].as_array().ok_or("no identities")?;
    list.iter().map(|one| identity(&json!({"one": one}), "one")).collect()
}

pub(super) fn padding(request: &Value) -> Outcome<Padding> {
    Ok(if text(request, "padding")? == "padme" { Padding::Padme } else { Padding::None })
}

pub(super) fn signing_key(der: &[u8]) -> Outcome<Box<dyn Sign>> {
    Ok(match P256PrivateKey::from_pkcs8_der(der) {
        Ok(key) => Box::new(key),
        Err(_) => Box::new(RsaPrivateKey::from_pkcs8_der(der)?),
    })
}

pub(super) fn symmetric(value: &Value, name: &str) -> Outcome<SymmetricKey> {
    Ok(SymmetricKey::take(&mut array(value, name)?))
}

/// A private key of a vector, which lives as long as the request is answered.
pub(super) enum Private {
    P256(Box<P256PrivateKey>, [u8; 32]),
    Rsa(Box<RsaPrivateKey>, [u8; 32]),
    Symmetric(SymmetricKey),
}

impl Private {
    pub(super) fn of(key: &Value) -> Outcome<Self> {
        Ok(match text(key, "kind")? {
            "p256" => {
                let private = P256PrivateKey::from_pkcs8_der(&bytes(key, "pkcs8")?)?;
                Self::P256(Box::new(private), array(key, "recipient_id")?)
            }
            "rsa" => {
                let private = RsaPrivateKey::from_pkcs8_der(&bytes(key, "pkcs8")?)?;
                Self::Rsa(Box::new(private), array(key, "recipient_id")?)
            }
            "symmetric" => Self::Symmetric(symmetric(key, "key")?),
            kind => Err(format!("a key of the kind {kind}"))?,
        })
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        match self {
            Self::P256(key, id) => hazmat::p256_reader(&**key, *id),
            Self::Rsa(key, id) => hazmat::rsa_reader(&**key, *id),
            Self::Symmetric(key) => Reader::symmetric(key),
        }
    }
}

/// A length prefix of up to 4 bytes. SPEC §3.3
pub(super) fn length(len: usize) -> Outcome<Vec<u8>> {
    Ok(match len {
        0..0x40 => vec![u8::try_from(len)?],
        0x40..0x4000 => (u16::try_from(len)? | 0x4000).to_be_bytes().to_vec(),
        _ => (u32::try_from(len)? | 0x8000_0000).to_be_bytes().to_vec(),
    })
}

/// Bytes that the crate accepted, read in parts. SPEC §3
pub(super) struct Parts<'b>(pub(super) &'b [u8]);

impl<'b> Parts<'b> {
    pub(super) fn take(&mut self, len: usize) -> Outcome<&'b [u8]> {
        let (piece, rest) = self.0.split_at_checked(len).ok_or("an object is cut")?;
        self.0 = rest;
        Ok(piece)
    }

    pub(super) fn byte(&mut self) -> Outcome<u8> {
        Ok(*self.take(1)?.first().ok_or("no byte")?)
    }

    pub(super) fn number(&mut self) -> Outcome<u64> {
        Ok(u64::from_be_bytes(self.take(8)?.try_into()?))
    }

    /// What follows its length of 1, 2 or 4 bytes. SPEC §3.3
    pub(super) fn vector(&mut self) -> Outcome<&'b [u8]> {
        let (width, mask) = match self.0.first().ok_or("no length")? >> 6 {
            0 => (1, 0x3f),
            1 => (2, 0x3fff),
            _ => (4, 0x3fff_ffff),
        };
        let len = self.take(width)?.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)) & mask;
        self.take(len)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a device drew, drawn again.
pub(super) struct Tape(pub(super) Vec<u8>);

impl TryRng for Tape {
    type Error = Error;

    fn try_next_u32(&mut self) -> Result<u32, Error> {
        let mut out = [0; 4];
        self.try_fill_bytes(&mut out).map(|()| u32::from_le_bytes(out))
    }

    fn try_next_u64(&mut self) -> Result<u64, Error> {
        let mut out = [0; 8];
        self.try_fill_bytes(&mut out).map(|()| u64::from_le_bytes(out))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Error> {
        let rest = self.0.split_off(out.len().min(self.0.len()));
        let drawn = std::mem::replace(&mut self.0, rest);
        if drawn.len() < out.len() {
            return Err(Error::Generator);
        }
        out.copy_from_slice(&drawn);
        Ok(())
    }
}

impl TryCryptoRng for Tape {}
