//! Datasets, samplers and the loader: what `torch.utils.data` is to PyTorch.

use std::sync::Arc;

/// Samples by index: an input and a target each, written into the batch's own memory.
pub trait Dataset: Send + Sync {
    /// The scalars of an input: `f32`, `f64`, or `u32` for token ids.
    type Input: Copy + Default + Send + Sync + 'static;
    /// The scalars of a target: `i64` for class indices, or floating-point numbers.
    type Target: Copy + Default + Send + Sync + 'static;

    /// The number of samples.
    fn len(&self) -> usize;
    /// The shape of one input.
    fn input_shape(&self) -> &[usize];
    /// The shape of one target; `[]` for one class index.
    fn target_shape(&self) -> &[usize];
    /// Writes sample `index`: as many scalars as the shapes have.
    ///
    /// # Errors
    /// What the source of the data reports.
    fn read(&self, index: usize, input: &mut [Self::Input], target: &mut [Self::Target]) -> Result<(), DataError>;

    /// Whether there are no samples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Some samples, one after the other. Its memory is used again for the next batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch<X, Y> {
    /// The inputs, flat.
    pub inputs: Vec<X>,
    /// The targets, flat.
    pub targets: Vec<Y>,
    /// The number of samples.
    pub len: usize,
    /// The shape of one input.
    pub input_shape: Arc<[usize]>,
    /// The shape of one target.
    pub target_shape: Arc<[usize]>,
}

/// What can go wrong with data.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message says what the fields are")]
pub enum DataError {
    /// A file that cannot be opened, read or written.
    #[error("{path}: {source}")]
    Io { path: String, source: std::io::Error },
    /// A file that is not what it should be.
    #[error("{path}: {what}: found {found}, expected {expected}")]
    Format { path: String, what: &'static str, found: String, expected: String },
    /// Arrays that do not belong together.
    #[error("{what}: found {found}, expected {expected}")]
    Shape { what: &'static str, found: String, expected: String },
    /// Nothing to train on.
    #[error("the dataset has no samples")]
    Empty,
}
