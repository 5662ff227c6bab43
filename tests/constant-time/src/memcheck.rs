//! Requests to valgrind's memcheck: a secret is memory that is not defined, and what depends on it is not either. memcheck reports a
//! branch and an address that are not defined, and nothing else. Outside of valgrind the requests do nothing.

use std::mem::size_of_val;

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!("the instructions that valgrind listens to are written down for x86-64 alone");

const RUNNING_ON_VALGRIND: usize = 0x1001;
/// `'M' << 24 | 'C' << 16`.
const MEMCHECK: usize = 0x4d43_0000;
const MAKE_MEM_UNDEFINED: usize = MEMCHECK + 1;
const MAKE_MEM_DEFINED: usize = MEMCHECK + 2;
const GET_VBITS: usize = MEMCHECK + 8;
const SET_VBITS: usize = MEMCHECK + 9;

/// The sequence of valgrind.h for amd64: rotations that cancel out, and an exchange of a register with itself.
#[allow(unsafe_code, reason = "the instructions that valgrind listens to")]
#[inline(never)]
fn request(code: usize, arguments: [usize; 3]) -> usize {
    let block = [code, arguments[0], arguments[1], arguments[2], 0, 0];
    let mut result = 0_usize;
    // SAFETY: rdi is rotated by 128 bits in all, rbx is exchanged with itself. Under valgrind rdx is written, and of the memory at
    // the arguments nothing but what memcheck notes of it; GET_VBITS writes a buffer that its caller gave for it.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") block.as_ptr(), inout("rdx") result, options(nostack)
        );
    }
    std::hint::black_box(&block);
    result
}

pub(crate) fn is_there() -> bool {
    request(RUNNING_ON_VALGRIND, [0; 3]) != 0
}

/// Where a value lies.
#[derive(Clone, Copy)]
pub(crate) struct Place([usize; 3]);

pub(crate) fn place<T: ?Sized>(value: &T) -> Place {
    Place([std::ptr::from_ref(value).cast::<u8>() as usize, size_of_val(value), 0])
}

/// From here on `value` is secret. Only its own bytes, not what it points to.
pub(crate) fn poison<T: ?Sized>(value: &mut T) {
    request(MAKE_MEM_UNDEFINED, place(value).0);
}

/// From here on `value` is public: only its own bytes, not what it points to.
pub(crate) fn publish<T: ?Sized>(value: &T) {
    publish_at(place(value));
}

/// The same for memory that is lent to somebody meanwhile.
pub(crate) fn publish_at(place: Place) {
    request(MAKE_MEM_DEFINED, place.0);
}

/// For each byte, which of its bits depend on a secret.
pub(crate) fn bits(bytes: &[u8]) -> Vec<u8> {
    let mut bits = vec![0_u8; bytes.len()];
    let Place([at, len, _]) = place(bytes);
    assert!(len == 0 || request(GET_VBITS, [at, bits.as_mut_ptr() as usize, len]) == 1);
    publish(&bits[..]);
    bits
}

/// The reverse of [`bits`].
pub(crate) fn set_bits(bytes: &mut [u8], bits: &[u8]) {
    let Place([at, len, _]) = place(bytes);
    assert!(len == bits.len() && (len == 0 || request(SET_VBITS, [at, bits.as_ptr() as usize, len]) == 1));
}
