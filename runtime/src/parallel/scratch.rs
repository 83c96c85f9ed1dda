//! Memory for copies of operands, for gradients that wait for their rule and for the values of a prediction: a stack of
//! pieces for each thread.
//!
//! A step allocates nothing after the first, on any thread. Which thread takes which share is chance, so a thread's own
//! first use of some size may come late: whenever one has needed more than any before, all the others get as much.

use std::array;
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::pool::POOL;
use crate::Flat;
use crate::memory::{Words, words_of};

/// How many uses within one another have pieces that are kept: the values of a prediction or gradients that wait, a
/// kernel, a product within it, and one to spare. What is used within them allocates each time.
const DEPTH: usize = 4;

/// The most words that any thread has needed at once, at each depth.
static NEEDED: [AtomicUsize; DEPTH] = [const { AtomicUsize::new(0) }; DEPTH];

thread_local! {
    /// A piece is borrowed while it is lent, so the first free one is that of the present depth, after a panic too.
    static PIECES: [RefCell<Piece>; DEPTH] = const { [const { RefCell::new(Piece::empty()) }; DEPTH] };
    /// Memory as large as a batch, which is lent on the caller's thread alone.
    static BATCH: Cell<Piece> = const { Cell::new(Piece::empty()) };
}

/// One thread's memory at one depth. Words, so that all scalars find room in it.
type Piece = Flat<f64>;

/// One thread's memory at all depths.
pub(super) type Scratch = [Piece; DEPTH];

/// Gives `body` the first `len` elements of a piece of the calling thread's own, with whatever is in them. What `body` calls
/// may want scratch memory too: it gets another piece.
#[inline]
pub(crate) fn with_scratch<T: Words, R>(len: usize, body: impl FnOnce(&mut [T]) -> R) -> R {
    let words = words_of(len * size_of::<T>(), 0);
    PIECES.with(|pieces| {
        let mut free =
            pieces.iter().zip(&NEEDED).find_map(|(piece, needed)| Some((piece.try_borrow_mut().ok()?, needed)));
        let mut beyond;
        let piece = match &mut free {
            Some((piece, needed)) => {
                if piece.len() < words {
                    grow(piece, words, needed);
                }
                &mut **piece
            }
            None => {
                beyond = Piece::zeros(words);
                &mut beyond
            }
        };
        body(&mut T::from_words_mut(piece)[..len])
    })
}

/// The same for what no thread of the pool does, and may be as large as a batch: none of them gets as much.
pub(crate) fn with_batch_scratch<T: Words, R>(len: usize, body: impl FnOnce(&mut [T]) -> R) -> R {
    let words = words_of(len * size_of::<T>(), 0);
    // Taken out while it is lent: another network's prediction within `body` has memory of its own.
    let mut piece = BATCH.replace(Piece::empty());
    if piece.len() < words {
        piece = Piece::zeros(words);
    }
    let result = body(&mut T::from_words_mut(&mut piece)[..len]);
    BATCH.set(piece);
    result
}

/// Makes a piece of at least so many words. Apart, so that lending, which a step does again and again, is inlined.
#[cold]
#[inline(never)]
fn grow(piece: &mut Piece, words: usize, needed: &AtomicUsize) {
    let words = words.next_power_of_two();
    let before = needed.fetch_max(words, Ordering::Relaxed);
    *piece = Piece::zeros(words.max(before));
    if before < words {
        POOL.equip();
    }
}

/// As much memory as any thread has needed.
pub(super) fn make() -> Scratch {
    array::from_fn(|depth| Piece::zeros(NEEDED[depth].load(Ordering::Relaxed)))
}

/// Makes `scratch` the calling thread's, where it has less.
pub(super) fn equip(scratch: Scratch) {
    PIECES.with(|pieces| {
        for (piece, given) in pieces.iter().zip(scratch) {
            if let Ok(mut own) = piece.try_borrow_mut()
                && own.len() < given.len()
            {
                *own = given;
            }
        }
    });
}

/// Makes as much memory for the calling thread as any has needed, where it has less.
pub(super) fn catch_up() {
    PIECES.with(|pieces| {
        for (piece, needed) in pieces.iter().zip(&NEEDED) {
            let needed = needed.load(Ordering::Relaxed);
            if let Ok(mut own) = piece.try_borrow_mut()
                && own.len() < needed
            {
                *own = Piece::zeros(needed);
            }
        }
    });
}
