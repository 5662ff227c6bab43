//! The P-256 group: one ephemeral for all, 48 bytes for each. SPEC §8.2.

use super::WrapInfo;
use crate::crypto::Random;
use crate::envelope::{ContentType, Header, KeySchedule, stanza};
use crate::error::Error;
use crate::hpke::{self, Unwrapper};
use crate::keys::{P256PublicKey, RecipientId, SharedSecret};
use crate::labels::{COMMITMENT_LEN, KEY_LEN, POINT_LEN, SALT_LEN, WRAPPED_LEN};
use crate::secret::Secret;
use crate::side_by_side;
use crate::wire::{Writer, length_len};

/// Most bytes that a group of `entries` entries takes.
pub(crate) const fn max_len(entries: usize) -> usize {
    (1 + POINT_LEN + 4_usize).saturating_add(entries.saturating_mul(WRAPPED_LEN))
}

/// Writes the group to `out` and returns its length.
///
/// Draws the ephemeral's 32 bytes, then 48 for each decoy. [ENV-09] [STZ-04] [STZ-05]
pub(crate) fn write<'k>(
    recipients: impl Iterator<Item = (&'k P256PublicKey, RecipientId)> + Clone,
    decoys: usize,
    content_type: ContentType,
    salt: &[u8; SALT_LEN],
    dek: &Secret<KEY_LEN>,
    out: &mut [u8],
    rng: &mut dyn Random,
) -> Result<usize, Error> {
    const ENTRIES_AT: usize = 1 + POINT_LEN + 4;

    let mut ikm = Secret::<32>::zero();
    rng.fill(ikm.expose_mut())?;
    let ephemeral = hpke::derive_key_pair(ikm.expose())?;

    let needed = max_len(0);
    let (entries, _) = out.get_mut(ENTRIES_AT..).ok_or(Error::Buffer { needed })?.as_chunks_mut::<WRAPPED_LEN>();
    let mut used = 0_usize;
    for place in 0..decoys {
        rng.fill(entries.get_mut(place).ok_or(Error::Buffer { needed })?)?;
        used = used.saturating_add(1);
    }
    let free = entries.get_mut(used..).ok_or(Error::Buffer { needed })?;
    let wrapped = side_by_side::each(recipients, free, |(key, id), place| {
        let info = WrapInfo::new(content_type, stanza::P256_GROUP, salt, &id);
        hpke::wrap(&ephemeral, &key.0, info.as_bytes(), dek, place)
    });
    used = used.saturating_add(wrapped?);

    // [STZ-06] Sorting hides who is who. [STZ-03] Under one ephemeral, the same key and id give the same 48 bytes, so
    // merging recipients is dropping repeats.
    let entries = entries.get_mut(..used).ok_or(Error::Buffer { needed })?;
    sort(entries);
    let unique = drop_repeats(entries);

    // The prefix's length is known only now: the entries move up to it.
    let entries_len = unique.saturating_mul(WRAPPED_LEN);
    let entries_at = (1 + POINT_LEN).saturating_add(length_len(entries_len));
    out.copy_within(ENTRIES_AT..ENTRIES_AT.saturating_add(entries_len), entries_at);
    let mut head = Writer::new(out);
    head.u8(stanza::P256_GROUP)?;
    head.put(ephemeral.public().encoded())?;
    head.length(entries_len)?;
    Ok(entries_at.saturating_add(entries_len))
}

/// Ascending, in place: a heap sort. Those of the standard library take kilobytes of code and stack, which a small device
/// does not have.
pub(crate) fn sort<T: Ord>(items: &mut [T]) {
    for top in (0..items.len() / 2).rev() {
        sift_down(items, top);
    }
    for end in (1..items.len()).rev() {
        items.swap(0, end);
        sift_down(items.get_mut(..end).unwrap_or_default(), 0);
    }
}

/// Moves the item at `top` below those that are greater.
fn sift_down<T: Ord>(heap: &mut [T], mut top: usize) {
    loop {
        let left = top.saturating_mul(2).saturating_add(1);
        let right = left.saturating_add(1);
        let greater = if heap.get(right) > heap.get(left) { right } else { left };
        // There is always an item at the top, and nothing is less than one.
        if heap.get(greater) <= heap.get(top) {
            return;
        }
        heap.swap(top, greater);
        top = greater;
    }
}

/// Moves the first of each run of equals to the front; returns how many there are.
pub(crate) fn drop_repeats<T: PartialEq + Copy>(sorted: &mut [T]) -> usize {
    let mut kept = 0_usize;
    for index in 0..sorted.len() {
        let Some(&item) = sorted.get(index) else { break };
        let repeat = kept.checked_sub(1).and_then(|last| sorted.get(last)) == Some(&item);
        if let (false, Some(place)) = (repeat, sorted.get_mut(kept)) {
            *place = item;
            kept = kept.saturating_add(1);
        }
    }
    kept
}

/// Tries every entry of the group with the Diffie-Hellman's result. [STZ-09]
pub(crate) fn unwrap(
    header: &Header<'_>,
    commitment: &[u8; COMMITMENT_LEN],
    entries: &[[u8; WRAPPED_LEN]],
    key: &P256PublicKey,
    id: &RecipientId,
    shared: &SharedSecret,
) -> Option<KeySchedule> {
    let enc = header.enc.as_ref()?;
    let info = WrapInfo::new(header.content_type, stanza::P256_GROUP, header.salt, id);
    let unwrapper = Unwrapper::new(&shared.0, enc.encoded(), key.as_bytes(), info.as_bytes()).ok()?;
    entries
        .iter()
        .filter_map(|entry| unwrapper.unwrap(entry))
        .find_map(|dek| KeySchedule::committed(dek, &header.hash, commitment))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the standard library sorts, whatever the order and the number. [STZ-06]
    #[test]
    fn sorted_is_sorted() {
        let mut word = 1_u32;
        for len in (0..70).chain([1000]) {
            let draw = |_| {
                word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // Few enough that some are there twice.
                (word >> 16) % 200
            };
            let items: std::vec::Vec<u32> = (0..len).map(draw).collect();
            let (mut own, mut expected) = (items.clone(), items);
            sort(&mut own);
            expected.sort_unstable();
            assert_eq!(own, expected);
            sort(&mut own);
            assert_eq!(own, expected);
        }
    }
}
