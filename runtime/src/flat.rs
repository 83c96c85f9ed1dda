//! One flat, aligned array: what parameters, gradients, optimizer state and workspaces live in.

use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::Real;
use crate::simd::pages::prefer_large_pages;

/// Alignment of the first element, in bytes: one cache line, one AVX-512 register.
pub(crate) const ALIGN: usize = 64;

/// A heap array of fixed length whose first element lies on a cache line. Dereferences to a slice.
pub struct Flat<T> {
    /// Some elements more than asked for, so that an aligned start exists.
    storage: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Real> Flat<T> {
    /// `len` zeros. The pages of a large array are not touched before they are written.
    pub fn zeros(len: usize) -> Self {
        let slack = ALIGN / size_of::<T>();
        let mut storage = vec![T::ZERO; len + slack];
        prefer_large_pages(&mut storage);
        let start = storage.as_ptr().align_offset(ALIGN);
        // `align_offset` may give up (it does in const evaluation and Miri): then any start is as good.
        let start = if start <= slack { start } else { 0 };
        Flat { storage, start, len }
    }
}

impl<T> Flat<T> {
    /// No elements, and no memory.
    pub(crate) const fn empty() -> Self {
        Flat { storage: Vec::new(), start: 0, len: 0 }
    }
}

impl<T> Deref for Flat<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.storage[self.start..self.start + self.len]
    }
}

impl<T> DerefMut for Flat<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.storage[self.start..self.start + self.len]
    }
}

impl<T: Real> Clone for Flat<T> {
    fn clone(&self) -> Self {
        let mut copy = Flat::zeros(self.len);
        copy.copy_from_slice(self);
        copy
    }
}

impl<T: PartialEq> PartialEq for Flat<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T> fmt::Debug for Flat<T> {
    /// The length alone: the contents may be millions of numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} numbers]", self.len)
    }
}
