//! The loader: batches of a dataset, epoch after epoch, read ahead by a thread of its own.

mod builder;
mod epoch;
mod queue;
mod reader;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

pub use builder::DataLoaderBuilder;
pub(crate) use builder::{batch_bytes, batches_ahead};
pub use epoch::Epoch;
pub(crate) use queue::queue;
pub(crate) use reader::Reader;

use super::error::shape;
use super::pool::Pool;
use super::{Batch, DataError, Dataset, Sampler};
use crate::rng::Generator;

/// Batches of a dataset (PyTorch's `DataLoader`).
///
/// Each `for batch in &loader` is an epoch. Its order follows from the loader's seed and the number of the epoch alone;
/// [`state`](Self::state) and [`restore`](Self::restore) begin again in the middle of one. The memory of a batch is
/// used again when it has been dropped, so that no batch after the first few allocates.
///
/// # Example
/// ```
/// use glulam::data::{DataLoader, TensorDataset};
///
/// let dataset = TensorDataset::from_flat(vec![0.5f32; 20], &[2], (0..10).collect::<Vec<i64>>(), &[])?;
/// let loader = DataLoader::builder(dataset).batch_size(4).shuffle(true).seed(42).build()?;
/// assert_eq!(loader.len(), 3);
/// for epoch in 0..2 {
///     for batch in &loader {
///         let (inputs, targets) = batch.pair::<[f32; 2], i64>()?;
///         assert_eq!(inputs.len(), targets.len());
///     }
/// }
/// # Ok::<(), glulam::data::DataError>(())
/// ```
///
/// A trainer takes a batch as it is:
/// ```
/// use glulam::prelude::*;
///
/// network! { pub Tiny < Linear(2, 3) > }
/// train! { pub TinyTrainer for Tiny { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1) } }
///
/// let dataset = TensorDataset::from_flat(vec![0.5f32; 20], &[2], vec![1i64; 10], &[])?;
/// let loader = DataLoader::builder(dataset).batch_size(4).shuffle(true).seed(42).build()?;
/// let mut trainer = TinyTrainer::new(Tiny::seeded(1));
/// for batch in &loader {
///     trainer.step(&batch)?;
/// }
/// # Ok::<(), glulam::Error>(())
/// ```
///
/// # References
/// How it differs from PyTorch's: the order is another one; a seed that is not given is drawn from the default generator
/// once, when the loader is made; `prefetch` threads are one or none; a batch that could not be read is yielded as the
/// epoch's last one, and gives its error to whoever looks at it.
pub struct DataLoader<D: Dataset> {
    dataset: Arc<D>,
    sampler: Arc<dyn Sampler>,
    batch_size: usize,
    drop_last: bool,
    prefetch: usize,
    progress: Mutex<Progress>,
    pool: Arc<Pool<D::Input, D::Target>>,
}

/// The place of a loader in its data: what a checkpoint keeps of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoaderState {
    /// The seed of all epochs' orders.
    pub seed: u64,
    /// The number of the epoch, from 0.
    pub epoch: u64,
    /// How many of its samples have been handed out.
    pub position: usize,
    /// The number of samples in an epoch.
    pub samples: usize,
}

struct Progress {
    state: LoaderState,
    /// The epoch is under way: the next iteration begins another one.
    begun: bool,
    /// Counts the iterations: only the latest one moves the state.
    run: u64,
}

impl<D: Dataset> DataLoader<D> {
    /// Options for a loader of `dataset`: batches of one sample, in the dataset's order, as in PyTorch.
    pub fn builder(dataset: D) -> DataLoaderBuilder<D> {
        DataLoaderBuilder::new(dataset)
    }

    /// The dataset.
    pub fn dataset(&self) -> &D {
        &self.dataset
    }

    /// The size of all batches but perhaps the last.
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// The size of the smallest batch of an epoch, which is the last one.
    pub(crate) fn smallest_batch(&self) -> usize {
        if self.drop_last { self.batch_size } else { (self.sampler.len() - 1) % self.batch_size + 1 }
    }

    /// The number of batches in an epoch.
    pub fn len(&self) -> usize {
        if self.drop_last { self.sampler.len() / self.batch_size } else { self.sampler.len().div_ceil(self.batch_size) }
    }

    /// Always false: a loader without a batch cannot be built.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many batches are read ahead; 0: none, each is read when it is asked for.
    pub fn prefetch(&self) -> usize {
        self.prefetch
    }

    /// The place in the data: after the batch that was last handed out, whatever has been read ahead.
    pub fn state(&self) -> LoaderState {
        self.progress().state.clone()
    }

    /// Goes on from `state`: the next iteration begins with exactly the batch that would have come next.
    ///
    /// # Errors
    /// If the epochs of `state` have another number of samples.
    pub fn restore(&self, state: &LoaderState) -> Result<(), DataError> {
        let samples = self.sampler.len();
        let check = |what, found: usize, fits: bool| {
            let (found, expected) = (found as u64, samples as u64);
            if fits { Ok(()) } else { Err(DataError::State { what, found, expected }) }
        };
        check("number of samples", state.samples, state.samples == samples)?;
        check("position", state.position, state.position <= samples)?;
        let mut progress = self.progress();
        // An iteration that is under way belongs to the old state.
        *progress = Progress { state: state.clone(), begun: false, run: progress.run + 1 };
        Ok(())
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        // Nothing panics while it is locked.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Dataset + 'static> DataLoader<D> {
    /// The next epoch, or what is left of one after [`restore`](Self::restore). `for batch in &loader` calls this.
    pub fn iter(&self) -> Epoch<'_, D> {
        let (state, run) = {
            let mut progress = self.progress();
            if progress.begun {
                progress.state.epoch += 1;
                progress.state.position = 0;
            }
            progress.begun = true;
            progress.run += 1;
            (progress.state.clone(), progress.run)
        };
        let mut indices = Vec::with_capacity(state.samples);
        self.sampler.sample(&mut Generator::seed_from(state.seed).stream(state.epoch), &mut indices);
        if indices.len() != state.samples {
            let what = "number of samples that the sampler gives";
            return Epoch::failed(self, shape(what, indices.len(), state.samples), run);
        }
        let left = indices.len().saturating_sub(state.position);
        let dropped = if self.drop_last { left % self.batch_size } else { 0 };
        indices.truncate(indices.len() - dropped);
        let reader = Reader {
            dataset: Arc::clone(&self.dataset),
            pool: Arc::clone(&self.pool),
            epoch: state.epoch,
            indices,
            position: state.position,
            batch_size: self.batch_size,
        };
        Epoch::new(self, reader, run)
    }
}

impl<'a, D: Dataset + 'static> IntoIterator for &'a DataLoader<D> {
    type Item = Batch<D::Input, D::Target>;
    type IntoIter = Epoch<'a, D>;
    fn into_iter(self) -> Epoch<'a, D> {
        self.iter()
    }
}

impl<D: Dataset> fmt::Debug for DataLoader<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataLoader")
            .field("samples", &self.dataset.len())
            .field("batch_size", &self.batch_size)
            .field("drop_last", &self.drop_last)
            .field("prefetch", &self.prefetch)
            .field("state", &self.progress().state)
            .finish_non_exhaustive()
    }
}
