//! Shares of a batch, and of the parameters, for several threads.
//!
//! A step has two kinds of phases. In one ([`for_each`]) each thread takes rows of the batch through all layers; in the
//! other (`update/shares.rs`) each takes a part of the parameters and sums their gradients over all rows. Rows do not
//! meet in the first, parameters not in the second, and each sum has one order, so the result has the same bits however
//! the work is shared out, and whoever does it.

mod pool;
mod scratch;

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

pub(crate) use scratch::{with_batch_scratch, with_scratch};

/// Something with rows that can be shared out: a slice of samples, the values of a workspace.
#[doc(hidden)]
pub trait Split: Sized + Send {
    /// The number of rows.
    fn rows(&self) -> usize;
    /// It is cut into whole pieces of so many rows.
    fn piece(&self) -> usize {
        1
    }
    /// The first `rows` rows, and the rest.
    fn split_at(self, rows: usize) -> (Self, Self);
}

impl<S: Sync> Split for &[S] {
    fn rows(&self) -> usize {
        self.len()
    }
    fn split_at(self, rows: usize) -> (Self, Self) {
        <[S]>::split_at(self, rows)
    }
}

impl<S: Send> Split for &mut [S] {
    fn rows(&self) -> usize {
        self.len()
    }
    fn split_at(self, rows: usize) -> (Self, Self) {
        self.split_at_mut(rows)
    }
}

/// The number of threads that was asked for; 0 before anyone asked.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// Sets how many threads a training step may use (PyTorch's `torch.set_num_threads`). The results do not depend on it.
///
/// # Panics
/// If `threads` is zero.
pub fn set_num_threads(threads: usize) {
    assert!(threads > 0, "set_num_threads(0): at least one thread is needed");
    THREADS.store(threads, Ordering::Relaxed);
}

/// How many threads a training step may use: what [`set_num_threads`] was given, else `GLULAM_NUM_THREADS`, else the
/// number of cores.
///
/// # Panics
/// If `GLULAM_NUM_THREADS` is not a positive number.
pub fn num_threads() -> usize {
    match THREADS.load(Ordering::Relaxed) {
        0 => {
            let threads = match std::env::var("GLULAM_NUM_THREADS") {
                Ok(text) => text.parse().ok().filter(|&n| n > 0).unwrap_or_else(|| {
                    panic!("GLULAM_NUM_THREADS = {text:?}, expected a positive number");
                }),
                Err(_) => std::thread::available_parallelism().map_or(1, |n| n.get()),
            };
            THREADS.store(threads, Ordering::Relaxed);
            threads
        }
        threads => threads,
    }
}

/// What is less work than this, in floating-point operations, is done by one thread; what is more has one thread for each
/// so many. About 6 µs of a fast core, where two meetings of the threads cost about 1 µs.
const MIN_WORK: u64 = 1 << 20;

static WORK: AtomicU64 = AtomicU64::new(MIN_WORK);

/// Sets how many floating-point operations are worth a thread of their own. With 0 all work is shared out as far as it
/// can be, which is for tests.
#[doc(hidden)]
pub fn set_min_work(operations: u64) {
    WORK.store(operations, Ordering::Relaxed);
}

/// How often, since the program began, a thread other than the caller's has taken a share of some work.
#[doc(hidden)]
pub fn shares_taken_by_helpers() -> u64 {
    pool::POOL.helped()
}

/// How many threads should do `work` that can be cut into `pieces`.
#[inline]
pub(crate) fn threads_for(work: u64, pieces: usize) -> usize {
    let threads = num_threads().min(pieces);
    if threads <= 1 {
        return 1;
    }
    let enough = work.checked_div(WORK.load(Ordering::Relaxed)).unwrap_or(u64::MAX);
    threads.min(usize::try_from(enough).unwrap_or(usize::MAX))
}

/// Work of which each thread takes a share, until nothing is left.
struct Rest<P>(Mutex<Option<P>>);

impl<P> Rest<P> {
    /// Takes off a share: `cut` gets what there is, and returns the share and the rest.
    fn take(&self, cut: impl FnOnce(P) -> (P, Option<P>)) -> Option<P> {
        // If `cut` panics, nothing is left, and the panic is passed on.
        let mut rest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (share, left) = cut(rest.take()?);
        *rest = left;
        Some(share)
    }
}

/// Lets `threads` threads take shares off `all` with `cut` and do them with `body`.
pub(crate) fn share_out<P: Send>(
    threads: usize,
    all: P,
    cut: impl Fn(P) -> (P, Option<P>) + Sync,
    body: impl Fn(P) + Sync,
) {
    let rest = Rest(Mutex::new(Some(all)));
    #[cfg(test)]
    let forced = crate::simd::Isa::forced();
    let work = || {
        while let Some(share) = rest.take(&cut) {
            #[cfg(test)]
            if let Some(isa) = forced {
                isa.force(|| body(share));
                continue;
            }
            body(share);
        }
    };
    pool::POOL.run(threads - 1, &work);
}

/// Runs `body` on the rows of `part`, shared out among the threads in contiguous shares. `work` is about how many
/// floating-point operations all of it takes: what is too little to gain from a second thread is done by one.
///
/// No allocation, except for new threads after [`set_num_threads`]. With one thread it is nothing but a call of `body`.
///
/// # Panics
/// If `body` does, on whatever thread.
#[doc(hidden)]
#[inline]
pub fn for_each<P: Split>(part: P, work: u64, body: impl Fn(P) + Sync) {
    let rows = part.rows();
    let threads = threads_for(work, rows);
    if threads <= 1 {
        return body(part);
    }
    // Not rounded to whole tiles: 36 and 28 of 64 rows take longer than 32 and 32.
    let share = rows.div_ceil(threads).next_multiple_of(part.piece());
    share_out(
        threads,
        part,
        |rest: P| match rest.rows() > share {
            true => {
                let (share, rest) = rest.split_at(share);
                (share, Some(rest))
            }
            false => (rest, None),
        },
        body,
    );
}

#[cfg(test)]
pub(crate) mod tests;
