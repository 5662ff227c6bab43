//! Work that is done side by side with the feature `parallel`, and in turn without it: the same results either way.

use crate::error::Error;
#[cfg(feature = "parallel")]
use rayon::prelude::*;

/// Whether there are threads. Where the system gives none, rayon would panic, now and whenever it is asked again.
#[cfg(feature = "parallel")]
fn has_threads() -> bool {
    static MADE: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    let make = || match rayon::ThreadPoolBuilder::new().build_global() {
        Ok(()) => true,
        // Somebody else made them, unless it is the system's answer.
        Err(error) => core::error::Error::source(&error).is_none(),
    };
    rayon::current_thread_index().is_some() || *MADE.get_or_init(make)
}

/// How many pieces of long work are worth taking up at once.
#[cfg(feature = "rsa")]
pub(crate) fn width() -> usize {
    #[cfg(feature = "parallel")]
    if has_threads() {
        return rayon::current_num_threads();
    }
    1
}

/// `work` on each item and its place, the first at the first; gives how many there were.
///
/// # Errors
/// [`Error::Buffer`] if there are fewer places than items, and what `work` gives.
pub(crate) fn each<T: Send, P: Send>(
    items: impl Iterator<Item = T> + Clone,
    places: &mut [P],
    work: impl Fn(T, &mut P) -> Result<(), Error> + Sync + Send,
) -> Result<usize, Error> {
    let too_few = Error::Buffer { needed: places.len().saturating_add(1) };
    // A few are not worth the memory that it takes to share them out.
    #[cfg(feature = "parallel")]
    if items.clone().nth(7).is_some() && has_threads() {
        let items: alloc::vec::Vec<T> = items.collect();
        let places = places.get_mut(..items.len()).ok_or(too_few)?;
        let count = items.len();
        items.into_par_iter().zip(places).try_for_each(|(item, place)| work(item, place))?;
        return Ok(count);
    }
    let mut count = 0_usize;
    for item in items {
        work(item, places.get_mut(count).ok_or(too_few)?)?;
        count = count.saturating_add(1);
    }
    Ok(count)
}

/// Pairs of a piece of `from` and one of `to`, of these lengths each: `work` on all of them, with their numbers, and what each
/// of them leaves in `notes`, of which there are enough.
#[cfg(feature = "parallel")]
pub(crate) fn pieces<N: Send>(
    (from, from_len): (&[u8], usize),
    (to, to_len): (&mut [u8], usize),
    notes: &mut [N],
    work: impl Fn(usize, &[u8], &mut [u8], &mut N) -> Result<(), Error> + Sync + Send,
) -> Result<(), Error> {
    if !has_threads() {
        let pairs = from.chunks_exact(from_len).zip(to.chunks_exact_mut(to_len));
        return pairs.zip(notes).enumerate().try_for_each(|(number, ((from, to), note))| work(number, from, to, note));
    }
    let pairs = from.par_chunks_exact(from_len).zip(to.par_chunks_exact_mut(to_len));
    pairs.zip(notes).enumerate().try_for_each(|(number, ((from, to), note))| work(number, from, to, note))
}

/// What `test` says of each item, in their order.
#[cfg(feature = "alloc")]
pub(crate) fn map<T: Sync, V: Send>(items: &[T], test: impl Fn(&T) -> V + Sync + Send) -> alloc::vec::Vec<V> {
    #[cfg(feature = "parallel")]
    if has_threads() {
        return items.par_iter().map(test).collect();
    }
    items.iter().map(test).collect()
}
