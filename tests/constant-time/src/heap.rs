//! An allocator that knows its blocks, so that a secret inside of a value can be found and poisoned where it lies.

use crate::memcheck::{bits, poison, publish, set_bits};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

const PLACES: usize = 1 << 14;
const FREE: usize = 0;

/// Address and length of each block, by address. This program has one thread.
static BLOCKS: [[AtomicUsize; 2]; PLACES] = [const { [const { AtomicUsize::new(FREE) }; 2] }; PLACES];

struct Listed;

#[global_allocator]
static ALLOCATOR: Listed = Listed;

/// The place of the block at `address`, or the first free one if `address` is [`FREE`].
fn place(block: usize, address: usize) -> &'static [AtomicUsize; 2] {
    let places = (0..PLACES).map(|step| &BLOCKS[((block >> 4) + step) % PLACES]);
    places
        .into_iter()
        .find(|place| place[0].load(Ordering::Relaxed) == address)
        .unwrap_or_else(|| std::process::abort())
}

#[allow(unsafe_code, reason = "an allocator is unsafe to implement; this one hands on to the system's")]
// SAFETY: every call is the system allocator's with the same arguments.
unsafe impl GlobalAlloc for Listed {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let block = unsafe { System.alloc(layout) };
        let [address, len] = place(block as usize, FREE);
        address.store(block as usize, Ordering::Relaxed);
        len.store(layout.size(), Ordering::Relaxed);
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        place(block as usize, block as usize)[0].store(FREE, Ordering::Relaxed);
        unsafe { System.dealloc(block, layout) }
    }
}

fn blocks() -> Vec<(usize, usize)> {
    // Taken first, so that no block comes or goes while they are listed.
    let mut all = Vec::with_capacity(PLACES);
    let listed = BLOCKS.iter().map(|[address, len]| (address.load(Ordering::Relaxed), len.load(Ordering::Relaxed)));
    let own = all.as_ptr() as usize;
    all.extend(listed.filter(|(address, _)| *address != FREE && *address != own));
    all
}

#[allow(unsafe_code, reason = "writes what memcheck notes of blocks of others")]
fn block<'a>((address, len): (usize, usize)) -> &'a mut [u8] {
    // SAFETY: the block is there, as long as this, and nobody else uses it meanwhile.
    unsafe { std::slice::from_raw_parts_mut(address as *mut u8, len) }
}

/// Poisons every copy of `secret` in the blocks that are there, also where it is held backwards; gives how many there were.
pub(crate) fn poison_copies(secret: &[u8]) -> usize {
    let backwards: Vec<u8> = secret.iter().rev().copied().collect();
    let own = [secret.as_ptr() as usize, backwards.as_ptr() as usize];
    let mut found = 0;
    for listed in blocks().into_iter().filter(|(address, _)| !own.contains(address)) {
        let block = block(listed);
        let bits = bits(block);
        for at in 0..(block.len() + 1).saturating_sub(secret.len()) {
            let place = at..at + secret.len();
            let begins = bits[at] == 0 && [secret[0], backwards[0]].contains(&block[at]);
            let is_defined = begins && bits[place.clone()].iter().all(|bits| *bits == 0);
            if is_defined && (block[place.clone()] == *secret || block[place.clone()] == backwards) {
                poison(&mut block[place]);
                found += 1;
            }
        }
    }
    found
}

/// Publishes every copy of `value`, which is public, in the blocks that are there.
pub(crate) fn publish_copies(value: &[u8]) {
    for listed in blocks().into_iter().filter(|(address, _)| *address != value.as_ptr() as usize) {
        let block = block(listed);
        let mut bits = bits(block);
        publish(block);
        for at in 0..(block.len() + 1).saturating_sub(value.len()) {
            if block[at..at + value.len()] == *value {
                bits[at..at + value.len()].fill(0);
            }
        }
        set_bits(block, &bits);
    }
}

/// What `make` gives, with each block poisoned that it took, still has and that is `len` bytes long; and how many these were.
pub(crate) fn with_blocks_poisoned<T>(len: usize, make: impl FnOnce() -> T) -> (T, usize) {
    let before = blocks();
    let made = make();
    let new: Vec<_> = blocks().into_iter().filter(|listed| listed.1 == len && !before.contains(listed)).collect();
    new.iter().for_each(|listed| poison(block(*listed)));
    (made, new.len())
}
