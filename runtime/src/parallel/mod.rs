//! Shares of a batch, and of the parameters, for several threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::network::ParamSpec;
use crate::{Real, Update};

/// Something with rows that can be shared out: a slice of samples, the values of a workspace.
pub trait Split: Sized + Send {
    /// The number of rows.
    fn rows(&self) -> usize;
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

/// Runs `body` on the rows of `part`, shared out among the threads in contiguous shares. `work` is about how many
/// floating-point operations all of it takes: what is too little to gain from a second thread is done by one.
#[inline]
pub fn for_each<P: Split>(part: P, work: u64, body: impl Fn(P) + Sync) {
    let _ = work;
    body(part);
}

/// Runs `body` on `update`, shared out among the threads by cutting the flat parameter array, each parameter at
/// multiples of its [`ParamSpec::row`] only. `work`: see [`for_each`].
#[inline]
pub fn for_each_update<T: Real>(
    update: Update<'_, T>,
    table: &[ParamSpec],
    work: u64,
    body: impl Fn(Update<'_, T>) + Sync,
) {
    let _ = (table, work);
    body(update);
}
