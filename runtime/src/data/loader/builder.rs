//! The options of a loader.

use std::sync::{Arc, Mutex};

use super::super::error::option;
use super::super::pool::Pool;
use super::super::{DataError, Dataset, RandomSampler, Sampler, SequentialSampler};
use super::{DataLoader, LoaderState, Progress};
use crate::rng::{Generator, draw_seed};

/// Below this size of a batch, in bytes, no thread reads ahead unless told to: to hand a batch from thread to thread
/// takes a microsecond or more, in which one thread copies some 16 KiB.
const WORTH_A_THREAD: usize = 16 << 10;

/// The bytes of a batch.
pub(crate) fn batch_bytes<D: Dataset>(dataset: &D, batch_size: usize) -> usize {
    let elements = |shape: &[usize]| shape.iter().product::<usize>();
    let input = elements(dataset.input_shape()) * size_of::<D::Input>();
    batch_size.saturating_mul(input + elements(dataset.target_shape()) * size_of::<D::Target>())
}

/// How many batches of `bytes` are read ahead unless said otherwise. Several small ones, so that the thread that reads is
/// seldom woken; of large ones one waits while the next is read.
pub(crate) fn batches_ahead(bytes: usize) -> usize {
    const TOGETHER: usize = 4 << 20;
    (TOGETHER / bytes.max(1)).clamp(2, 8)
}

/// Options for a [`DataLoader`]. Made by [`DataLoader::builder`].
#[derive(Debug)]
pub struct DataLoaderBuilder<D> {
    dataset: D,
    batch_size: usize,
    shuffle: bool,
    seed: Option<u64>,
    sampler: Option<Arc<dyn Sampler>>,
    drop_last: bool,
    prefetch: Option<usize>,
}

impl<D: Dataset> DataLoaderBuilder<D> {
    pub(super) fn new(dataset: D) -> Self {
        DataLoaderBuilder {
            dataset,
            batch_size: 1,
            shuffle: false,
            seed: None,
            sampler: None,
            drop_last: false,
            prefetch: None,
        }
    }

    /// The number of samples in a batch; the last one of an epoch may have fewer. 1 by default.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = batch_size;
        self
    }

    /// Whether each epoch has a new random order. Not by default.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// The seed of all random orders. By default it is drawn from the default generator
    /// (see [`manual_seed`](crate::rng::manual_seed)).
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Draws the seed of all random orders from `generator`.
    pub fn generator(self, generator: &mut Generator) -> Self {
        let seed = generator.next_u64();
        self.seed(seed)
    }

    /// The order of the samples, instead of `shuffle`.
    pub fn sampler(mut self, sampler: impl Sampler + 'static) -> Self {
        self.sampler = Some(Arc::new(sampler));
        self
    }

    /// Whether a last batch of fewer samples is left out. Not by default.
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.drop_last = drop_last;
        self
    }

    /// How many batches a thread of its own reads ahead; 0: none. By default as many as 4 MiB hold, 2 at least and 8 at
    /// most, and 0 where a batch is so small (under 16 KiB) that handing it over would cost as much as reading it, or where
    /// there is only one processor. The batches are the same.
    pub fn prefetch(mut self, batches: usize) -> Self {
        self.prefetch = Some(batches);
        self
    }

    /// Makes the loader.
    ///
    /// # Errors
    /// A dataset without samples, batches of no samples, `shuffle` together with a sampler, a sampler without samples,
    /// and `drop_last` where it leaves no batch.
    pub fn build(self) -> Result<DataLoader<D>, DataError> {
        let dataset = self.dataset;
        if dataset.is_empty() {
            return Err(DataError::Empty);
        }
        if self.batch_size == 0 {
            return Err(option("batch_size", 0, "at least 1"));
        }
        let sampler = match self.sampler {
            Some(_) if self.shuffle => return Err(option("shuffle", true, "false, because there is a sampler")),
            Some(sampler) => sampler,
            None if self.shuffle => Arc::new(RandomSampler::new(dataset.len())),
            None => Arc::new(SequentialSampler::new(dataset.len())),
        };
        if sampler.is_empty() {
            return Err(option("number of samples of the sampler", 0, "at least 1"));
        }
        if self.drop_last && sampler.len() < self.batch_size {
            let expected = format!("at most {}, the samples of an epoch, with drop_last", sampler.len());
            return Err(option("batch_size", self.batch_size, expected));
        }
        let prefetch = self.prefetch.unwrap_or_else(|| {
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let bytes = batch_bytes(&dataset, self.batch_size);
            if threads > 1 && bytes >= WORTH_A_THREAD { batches_ahead(bytes) } else { 0 }
        });
        let seed = self.seed.unwrap_or_else(draw_seed);
        let state = LoaderState { seed, epoch: 0, position: 0, samples: sampler.len() };
        // One waits in each place, one is being filled, one is in use; or it is the same that is filled and used.
        let batches = if prefetch == 0 || sampler.len() <= self.batch_size { 1 } else { prefetch + 2 };
        let largest = self.batch_size.min(sampler.len());
        let pool = Pool::new(batches, largest, dataset.input_shape(), dataset.target_shape());
        Ok(DataLoader {
            dataset: Arc::new(dataset),
            sampler,
            batch_size: self.batch_size,
            drop_last: self.drop_last,
            prefetch,
            progress: Mutex::new(Progress { state, begun: false, run: 0 }),
            pool: Arc::new(pool),
        })
    }
}
