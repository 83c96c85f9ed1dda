//! Memory for copies of operands, for gradients that wait for their rule and for the values of a prediction: a piece of
//! each for each thread.
//!
//! A step allocates nothing after the first, on any thread. Which thread takes which share is chance, so a thread's own
//! first use of some size may come late: whenever one has needed more than before, the pool gives all the others as much.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::LocalKey;

use crate::{Flat, Real};

/// The most words that any thread has needed at once.
static NEEDED: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SCRATCH: Cell<Option<Scratch>> = const { Cell::new(None) };
    static GATHERED: Cell<Option<Scratch>> = const { Cell::new(None) };
    static VALUES: Cell<Option<Scratch>> = const { Cell::new(None) };
}

/// One thread's piece. Words, so that all scalars find room in it.
pub(super) type Scratch = Flat<f64>;

/// Gives `body` the first `len` elements of the calling thread's scratch memory, with whatever is in them.
pub(crate) fn with_scratch<T: Real, R>(len: usize, body: impl FnOnce(&mut [T]) -> R) -> R {
    lend(&SCRATCH, len, |words| NEEDED.fetch_max(words, Ordering::Relaxed).max(words), body)
}

/// The same of the memory for gradients that wait, while kernels use the other.
pub(crate) fn with_gathered<T: Real, R>(len: usize, body: impl FnOnce(&mut [T]) -> R) -> R {
    lend(&GATHERED, len, |words| words, body)
}

/// The same of the memory for the values of a prediction.
pub(crate) fn with_values<T: Real, R>(len: usize, body: impl FnOnce(&mut [T]) -> R) -> R {
    lend(&VALUES, len, |words| words, body)
}

/// Gives `body` the first `len` elements of a thread's piece. If it has fewer, a new one is made, of at least as many words
/// as `wanted` makes of those needed.
#[inline]
fn lend<T: Real, R>(
    piece: &'static LocalKey<Cell<Option<Scratch>>>,
    len: usize,
    wanted: impl FnOnce(usize) -> usize,
    body: impl FnOnce(&mut [T]) -> R,
) -> R {
    let words = (len * size_of::<T>()).div_ceil(size_of::<f64>());
    // Taken out while it is lent: what runs within and wants the same gets memory of its own.
    let own = piece.take().filter(|own| own.len() >= words);
    let mut lent = own.unwrap_or_else(|| first_piece(words, wanted));
    let result = body(&mut T::from_words(&mut lent)[..len]);
    piece.set(Some(lent));
    result
}

/// A thread's first piece of so many words. Apart, so that lending, which a step does again and again, is inlined.
#[cold]
#[inline(never)]
fn first_piece(words: usize, wanted: impl FnOnce(usize) -> usize) -> Scratch {
    make(wanted(words.next_power_of_two()))
}

/// The most words that any thread has needed at once.
pub(super) fn needed() -> usize {
    NEEDED.load(Ordering::Relaxed)
}

/// A piece of `words` words.
pub(super) fn make(words: usize) -> Scratch {
    Flat::zeros(words)
}

/// Makes `scratch` the calling thread's, if it has less.
pub(super) fn equip(scratch: Scratch) {
    let own = SCRATCH.take().filter(|own| own.len() >= scratch.len());
    SCRATCH.set(Some(own.unwrap_or(scratch)));
}

/// Scalars that words have room for.
pub trait Words: Sized {
    /// The same memory as scalars.
    fn from_words(words: &mut [f64]) -> &mut [Self];
}

impl Words for f64 {
    fn from_words(words: &mut [f64]) -> &mut [f64] {
        words
    }
}

impl Words for f32 {
    fn from_words(words: &mut [f64]) -> &mut [f32] {
        // SAFETY: two f32s fill the memory of an f64, with a weaker alignment. Every bit pattern is an f32, and after whatever
        // is written as f32s it is still f64s.
        unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len() * 2) }
    }
}
