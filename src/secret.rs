//! Secret bytes: zeroized on drop, without a Debug, compared in constant time, read by one named method.

use core::ops::Deref;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroize;

/// `N` secret bytes.
pub(crate) struct Secret<const N: usize>([u8; N]);

impl<const N: usize> Secret<N> {
    /// All zeros, to be filled in place by a derivation.
    pub(crate) const fn zero() -> Self {
        Self([0; N])
    }

    /// Takes `bytes` over and erases the original.
    pub(crate) fn take(bytes: &mut [u8; N]) -> Self {
        let secret = Self(*bytes);
        bytes.zeroize();
        secret
    }

    /// The bytes: the one way to read them, so that every reading can be found by this name.
    pub(crate) const fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// The bytes, to be written.
    pub(crate) const fn expose_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }
}

impl<const N: usize> Clone for Secret<N> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// What holds secrets and is kept in lists: in a place of its own where there is an allocator, since a list that grows, or gives an
/// item away, leaves copies behind that nobody erases.
#[derive(Clone)]
pub(crate) struct Settled<T>(#[cfg(feature = "alloc")] alloc::boxed::Box<T>, #[cfg(not(feature = "alloc"))] T);

impl<T> Settled<T> {
    pub(crate) fn new(value: T) -> Self {
        #[cfg(feature = "alloc")]
        let value = alloc::boxed::Box::new(value);
        Self(value)
    }
}

impl<T> Deref for Settled<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<const N: usize> ConstantTimeEq for Secret<N> {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}
