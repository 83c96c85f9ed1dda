//! Reads the batches of an epoch, on whichever thread, into memory that is used again.

use std::sync::{Arc, Mutex, PoisonError};

use super::super::{Batch, DataError, Dataset};

/// Batches that are not in use.
#[derive(Debug)]
pub(super) struct Pool<X, Y> {
    free: Mutex<Vec<Batch<X, Y>>>,
    input_shape: Arc<[usize]>,
    target_shape: Arc<[usize]>,
}

impl<X, Y> Pool<X, Y> {
    /// With `batches` batches of `batch_size` samples, and room to keep as many: when and where the first of them is
    /// used is up to two threads, but none allocates then.
    pub(super) fn new(
        batches: usize,
        batch_size: usize,
        input_shape: Arc<[usize]>,
        target_shape: Arc<[usize]>,
    ) -> Self {
        let (input, target): (usize, usize) = (input_shape.iter().product(), target_shape.iter().product());
        let pool = Pool { free: Mutex::new(Vec::with_capacity(batches)), input_shape, target_shape };
        for _ in 0..batches {
            let mut batch = Batch::empty(Arc::clone(&pool.input_shape), Arc::clone(&pool.target_shape));
            batch.inputs.reserve_exact(batch_size * input);
            batch.targets.reserve_exact(batch_size * target);
            pool.give_back(batch);
        }
        pool
    }

    pub(super) fn take(&self) -> Batch<X, Y> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_else(|| Batch::empty(Arc::clone(&self.input_shape), Arc::clone(&self.target_shape)))
    }

    pub(super) fn give_back(&self, batch: Batch<X, Y>) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever kept many batches and drops them all does not fill the memory for good.
        if free.len() < free.capacity() && batch.check().is_ok() {
            free.push(batch);
        }
    }
}

/// What is left of an epoch.
pub(super) struct Reader<D: Dataset> {
    pub(super) dataset: Arc<D>,
    pub(super) pool: Arc<Pool<D::Input, D::Target>>,
    /// The samples of the epoch in their order.
    pub(super) indices: Vec<usize>,
    /// How many of them have been read.
    pub(super) position: usize,
    pub(super) batch_size: usize,
}

impl<D: Dataset> Reader<D> {
    /// How many batches are left.
    pub(super) fn batches(&self) -> usize {
        self.indices.len().saturating_sub(self.position).div_ceil(self.batch_size)
    }

    fn fill(&self, indices: &[usize], batch: &mut Batch<D::Input, D::Target>) -> Result<(), DataError> {
        let input: usize = batch.input_shape.iter().product();
        let target: usize = batch.target_shape.iter().product();
        batch.len = indices.len();
        batch.inputs.resize(indices.len() * input, D::Input::default());
        batch.targets.resize(indices.len() * target, D::Target::default());
        let len = self.dataset.len();
        for (i, &index) in indices.iter().enumerate() {
            if index >= len {
                return Err(DataError::Index { index, len });
            }
            let (input, target) = (&mut batch.inputs[i * input..][..input], &mut batch.targets[i * target..][..target]);
            self.dataset.read(index, input, target)?;
        }
        Ok(())
    }
}

impl<D: Dataset> Iterator for Reader<D> {
    type Item = Batch<D::Input, D::Target>;

    fn next(&mut self) -> Option<Self::Item> {
        let left = self.indices.len().saturating_sub(self.position);
        if left == 0 {
            return None;
        }
        let mut batch = self.pool.take();
        let indices = self.position..self.position + left.min(self.batch_size);
        match self.fill(&self.indices[indices.clone()], &mut batch) {
            Ok(()) => self.position = indices.end,
            Err(error) => {
                // Nothing comes after a batch that could not be read.
                batch.fail(error);
                self.position = self.indices.len();
            }
        }
        Some(batch)
    }
}
