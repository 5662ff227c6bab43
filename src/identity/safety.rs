//! Safety numbers: what two people compare to know that they have each other's identities. SPEC §12.2.

use crate::public_identity::{Fingerprint, PublicIdentity};
use crate::text;
use core::fmt;

/// Groups of five digits that each fingerprint gives.
pub(crate) const GROUPS: usize = 6;

/// The 60 digits that two identities have in common, and the same as a QR code's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SafetyNumber {
    /// Both fingerprints, the lesser first.
    fingerprints: [Fingerprint; 2],
}

impl SafetyNumber {
    /// Of two identities, in either order.
    #[must_use]
    pub fn of(one: &PublicIdentity, other: &PublicIdentity) -> Self {
        let mut fingerprints = [*one.fingerprint(), *other.fingerprint()];
        fingerprints.sort_unstable();
        Self { fingerprints }
    }

    /// The twelve groups of five digits. [SAF-01]
    #[must_use]
    pub fn groups(&self) -> [u32; 2 * GROUPS] {
        let [one, other] = self.fingerprints.map(|fingerprint| half(fingerprint.as_bytes()));
        // Groups have a fixed width: numbers compare as their digits do.
        let (lesser, greater) = if one <= other { (one, other) } else { (other, one) };
        let mut groups = [0; 2 * GROUPS];
        groups.iter_mut().zip(lesser.iter().chain(&greater)).for_each(|(place, group)| *place = *group);
        groups
    }

    /// Text for a QR code: `slrm-sn:` and both fingerprints in base64url. [SAF-02]
    pub fn qr(&self) -> impl fmt::Display {
        struct Qr([u8; 64]);
        impl fmt::Display for Qr {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                text::encode(text::SAFETY_NUMBER, &self.0, f)
            }
        }
        let mut both = [0; 64];
        let [lesser, greater] = &self.fingerprints;
        let bytes = lesser.as_bytes().iter().chain(greater.as_bytes());
        both.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
        Qr(both)
    }

    /// Whether a scanned code is of the same two identities. Anything else, malformed codes included, is not. [SAF-02]
    #[must_use]
    pub fn matches(&self, scanned: &str) -> bool {
        let mut bytes = [0; 64];
        let [lesser, greater] = &self.fingerprints;
        text::decode(text::SAFETY_NUMBER, scanned, &mut bytes)
            .is_ok_and(|bytes| bytes.strip_prefix(lesser.as_bytes().as_slice()) == Some(greater.as_bytes().as_slice()))
    }
}

impl fmt::Display for SafetyNumber {
    /// Twelve groups of five digits, separated by spaces. [SAF-01]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_groups(&self.groups(), f)
    }
}

/// Groups of five digits, separated by spaces. [SAF-01]
pub(crate) fn write_groups(groups: &[u32], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut groups = groups.iter().enumerate();
    groups.try_for_each(|(index, group)| write!(f, "{}{group:05}", if index == 0 { "" } else { " " }))
}

/// Six 40-bit pieces of a hash, each modulo 100,000. [SAF-01]
pub(crate) fn half(hash: &[u8; 32]) -> [u32; GROUPS] {
    let (pieces, _) = hash.as_chunks::<5>();
    let mut groups = [0; GROUPS];
    for (group, [a, b, c, d, e]) in groups.iter_mut().zip(pieces) {
        let piece = u64::from_be_bytes([0, 0, 0, *a, *b, *c, *d, *e]);
        *group = u32::try_from(piece % 100_000).unwrap_or_default();
    }
    groups
}
