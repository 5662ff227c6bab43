//! Text forms: base64url after a prefix that names the type. SPEC §17.

use crate::error::Error;
use base64ct::{Base64UrlUnpadded, Encoding};
use core::fmt;

pub(crate) const IDENTITY: &str = "slrm-id:";
pub(crate) const FINGERPRINT: &str = "slrm-fp:";
pub(crate) const SAFETY_NUMBER: &str = "slrm-sn:";
#[cfg(feature = "alloc")]
pub(crate) const LINK_REQUEST: &str = "slrm-link:";
pub(crate) const REQUEST_PROOF: &str = "slrm-proof:";

/// Writes `prefix` and `bytes`, without an allocation. [TXT-01]
pub(crate) fn encode(prefix: &str, bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(prefix)?;
    let mut text = [0; 64];
    // 48 bytes make 64 characters with nothing left over, so pieces join without padding.
    for piece in bytes.chunks(48) {
        f.write_str(Base64UrlUnpadded::encode(piece, &mut text).map_err(|_| fmt::Error)?)?;
    }
    Ok(())
}

/// The bytes of `text` after `prefix`, in `out`. [TXT-02]
pub(crate) fn decode<'o>(prefix: &'static str, text: &str, out: &'o mut [u8]) -> Result<&'o [u8], Error> {
    let text = text.strip_prefix(prefix).ok_or(Error::Malformed { field: "text prefix" })?;
    Base64UrlUnpadded::decode(text, out).map_err(|_| Error::Malformed { field: "base64url" })
}
