//! Datasets, samplers and the loader: what `torch.utils.data` is to PyTorch.
//!
//! A [`Dataset`] writes a sample into memory that the caller owns, so that a batch is filled without an allocation. A
//! [`Sampler`] says in which order the samples of an epoch come. A [`DataLoader`] puts both together.

mod augment;
mod batch;
mod combine;
mod error;
pub mod idx;
mod loader;
mod mnist;
mod pool;
mod sampler;
mod split;
mod tensor_dataset;
mod transform;

/// What reads batches ahead, for `fit`, whose dataset is borrowed.
pub(crate) mod reading {
    pub(crate) use super::loader::{Reader, batch_bytes, batches_ahead, queue};
    pub(crate) use super::pool::Pool;
}

pub use augment::{Augmented, RandomCrop, RandomHorizontalFlip};
pub use batch::Batch;
pub use combine::ConcatDataset;
pub use error::DataError;
pub use loader::{DataLoader, DataLoaderBuilder, Epoch, LoaderState};
pub use mnist::{FashionMnist, Mnist};
pub use sampler::{RandomSampler, Sampler, SequentialSampler, SubsetRandomSampler, WeightedRandomSampler};
pub use split::{Lengths, Subset, random_split};
pub use tensor_dataset::TensorDataset;
pub use transform::{Map, Normalized};

use crate::Real;
use crate::rng::Generator;

/// Samples by index: an input and a target each, written into the batch's own memory.
///
/// # Example
/// ```
/// use glulam::data::{DataError, DataLoader, Dataset};
///
/// /// Numbers and their squares.
/// #[derive(Debug)]
/// struct Squares;
///
/// impl Dataset for Squares {
///     type Input = f32;
///     type Target = f32;
///     fn len(&self) -> usize {
///         100
///     }
///     fn input_shape(&self) -> &[usize] {
///         &[1]
///     }
///     fn target_shape(&self) -> &[usize] {
///         &[1]
///     }
///     fn read(&self, index: usize, input: &mut [f32], target: &mut [f32]) -> Result<(), DataError> {
///         input[0] = index as f32;
///         target[0] = input[0] * input[0];
///         Ok(())
///     }
/// }
///
/// let loader = DataLoader::builder(Squares).batch_size(10).shuffle(true).seed(1).build()?;
/// for batch in &loader {
///     let (inputs, targets) = batch.pair::<[f32; 1], [f32; 1]>()?;
///     assert_eq!(inputs[9][0] * inputs[9][0], targets[9][0]);
/// }
/// # Ok::<(), DataError>(())
/// ```
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
    /// Writes sample `index`, below [`len`](Self::len): as many scalars as the shapes have.
    ///
    /// # Errors
    /// What the source of the data reports.
    fn read(&self, index: usize, input: &mut [Self::Input], target: &mut [Self::Target]) -> Result<(), DataError>;

    /// Writes sample `index` as it is in epoch `epoch`, counted from 0: what is drawn at random for a sample is drawn anew for
    /// each. Training reads so; what changes nothing from epoch to epoch need not implement it.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn read_in(
        &self,
        _epoch: u64,
        index: usize,
        input: &mut [Self::Input],
        target: &mut [Self::Target],
    ) -> Result<(), DataError> {
        self.read(index, input, target)
    }

    /// Whether there are no samples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same samples, each changed in place by `change` whenever it is read.
    fn map<F>(self, change: F) -> Map<Self, F>
    where
        Self: Sized,
        F: Fn(&mut [Self::Input], &mut [Self::Target]) + Send + Sync,
    {
        Map::new(self, change)
    }

    /// The same samples, each changed in place by `change` whenever it is read, with random numbers that belong to the sample
    /// and the epoch: the same ones for the same `seed`, whatever else was read, on however many threads, and after a run
    /// has been resumed.
    ///
    /// # Example
    /// ```
    /// use glulam::data::{Dataset, RandomCrop, RandomHorizontalFlip, TensorDataset};
    ///
    /// let images = TensorDataset::from_flat(vec![0.5f32; 10 * 28 * 28], &[1, 28, 28], vec![3i64; 10], &[])?;
    /// let augmented = images.augment(42, |generator, image, _target| {
    ///     RandomCrop { padding: 2 }.apply(generator, image, &[1, 28, 28]);
    ///     RandomHorizontalFlip { p: 0.5 }.apply(generator, image, &[1, 28, 28]);
    /// });
    /// assert_eq!(augmented.len(), 10);
    /// # Ok::<(), glulam::data::DataError>(())
    /// ```
    fn augment<F>(self, seed: u64, change: F) -> Augmented<Self, F>
    where
        Self: Sized,
        F: Fn(&mut Generator, &mut [Self::Input], &mut [Self::Target]) + Send + Sync,
    {
        Augmented::new(self, seed, change)
    }

    /// The same samples, with (x - mean) / std for every input x: one mean and deviation for all, or one for each index
    /// of the input's first axis (torchvision's `Normalize`, whose channels they are).
    ///
    /// # Errors
    /// Numbers of means and deviations that differ from each other or from the axis; deviations of zero or not finite.
    fn normalize(self, mean: &[f64], std: &[f64]) -> Result<Normalized<Self>, DataError>
    where
        Self: Sized,
        Self::Input: Real,
    {
        Normalized::new(self, mean, std)
    }

    /// The samples of these indices, in this order (PyTorch's `Subset`).
    ///
    /// # Errors
    /// An index that is no sample.
    fn subset(self, indices: Vec<usize>) -> Result<Subset<Self>, DataError>
    where
        Self: Sized,
    {
        Subset::new(self, indices)
    }
}

macro_rules! by_reference {
    ($($pointer:ty),*) => { $(
        impl<D: Dataset + ?Sized> Dataset for $pointer {
            type Input = D::Input;
            type Target = D::Target;
            fn len(&self) -> usize {
                (**self).len()
            }
            fn input_shape(&self) -> &[usize] {
                (**self).input_shape()
            }
            fn target_shape(&self) -> &[usize] {
                (**self).target_shape()
            }
            fn read(&self, index: usize, input: &mut [D::Input], target: &mut [D::Target]) -> Result<(), DataError> {
                (**self).read(index, input, target)
            }
            fn read_in(
                &self,
                epoch: u64,
                index: usize,
                input: &mut [D::Input],
                target: &mut [D::Target],
            ) -> Result<(), DataError> {
                (**self).read_in(epoch, index, input, target)
            }
        }
    )* };
}
by_reference!(&D, Box<D>, std::sync::Arc<D>);

#[cfg(test)]
mod tests;
