//! The memory of batches, used again.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Memory of batches that are not in use.
pub(crate) struct Pool<X, Y> {
    free: Mutex<Vec<Memory<X, Y>>>,
    pub(super) input_shape: Arc<[usize]>,
    pub(super) target_shape: Arc<[usize]>,
}

/// The inputs and the targets of a batch.
type Memory<X, Y> = (Vec<X>, Vec<Y>);

impl<X, Y> Pool<X, Y> {
    /// With memory for `batches` batches of `batch_size` samples, and room to keep as much: when and on which thread
    /// each of them is first used is open, but none allocates then.
    pub(crate) fn new(batches: usize, batch_size: usize, input_shape: &[usize], target_shape: &[usize]) -> Self {
        let (input, target): (usize, usize) = (input_shape.iter().product(), target_shape.iter().product());
        let mut free = Vec::with_capacity(batches);
        free.resize_with(batches, || (Vec::with_capacity(batch_size * input), Vec::with_capacity(batch_size * target)));
        Pool { free: Mutex::new(free), input_shape: input_shape.into(), target_shape: target_shape.into() }
    }

    /// Memory to be filled; new one if all is in use.
    pub(super) fn take(&self) -> Memory<X, Y> {
        self.free().pop().unwrap_or_default()
    }

    pub(super) fn give_back(&self, inputs: Vec<X>, targets: Vec<Y>) {
        let mut free = self.free();
        // Whoever kept many batches and drops them all does not fill the memory for good.
        if free.len() < free.capacity() {
            free.push((inputs, targets));
        }
    }

    fn free(&self) -> MutexGuard<'_, Vec<Memory<X, Y>>> {
        // Nothing panics while it is locked.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<X, Y> fmt::Debug for Pool<X, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("free", &self.free().len()).finish_non_exhaustive()
    }
}
