//! Reads the batches of an epoch, on whichever thread, into memory that is used again.

use std::sync::Arc;

use super::super::pool::Pool;
use super::super::{Batch, DataError, Dataset};

/// What is left of an epoch. `D` is a dataset or a pointer to one.
pub(crate) struct Reader<D: Dataset> {
    pub(crate) dataset: D,
    pub(crate) pool: Arc<Pool<D::Input, D::Target>>,
    /// The number of the epoch.
    pub(crate) epoch: u64,
    /// The samples of the epoch in their order.
    pub(crate) indices: Vec<usize>,
    /// How many of them have been read.
    pub(crate) position: usize,
    pub(crate) batch_size: usize,
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
            self.dataset.read_in(self.epoch, index, input, target)?;
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
        let mut batch = Batch::of(&self.pool);
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
