//! Where `fit` and `evaluate` get their batches: a loader, or a dataset of which they make batches themselves.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use super::TrainError;
use crate::data::reading::{Pool, Reader, batch_bytes, batches_ahead, queue};
use crate::data::{Batch, DataError, DataLoader, Dataset, LoaderState, RandomSampler, Sampler, SequentialSampler};
use crate::rng::Generator;

/// How batches of a dataset are made. A loader has its own answers.
#[derive(Clone, Copy, Debug)]
pub struct Defaults {
    /// The number of samples in a batch; the last one may have fewer.
    pub batch_size: usize,
    /// The order of the samples.
    pub order: Order,
}

/// The order of the samples of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they are stored.
    AsStored,
    /// A new random order in each epoch, from a seed.
    Shuffled {
        /// The seed of all orders.
        seed: u64,
        /// The number of the first epoch's order, from 0.
        epoch: u64,
    },
}

/// Data for `fit` and `evaluate`, with inputs of scalars `X` and targets of scalars `Y`: a `&DataLoader`, a `&Dataset`, or
/// `()` for no validation data.
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds no inputs of `{X}` with targets of `{Y}`",
    note = "`fit` and `evaluate` take a `&DataLoader` or a reference to a dataset; `()` stands for no validation data"
)]
pub trait Source<X, Y> {
    /// Its batches. `None`: there are none at all.
    ///
    /// # Errors
    /// A dataset without samples.
    fn open<'s>(self, defaults: Defaults) -> Result<Option<Box<dyn Stream<X, Y> + 's>>, TrainError>
    where
        Self: 's;
}

/// Batches, epoch after epoch.
pub trait Stream<X, Y> {
    /// The number of batches in an epoch.
    fn batches(&self) -> usize;
    /// The number of samples in all batches but perhaps the last.
    fn batch_size(&self) -> usize;
    /// The number of samples in the smallest batch, which is the last one.
    fn smallest_batch(&self) -> usize;
    /// The place in the data.
    fn state(&self) -> LoaderState;
    /// Goes on from there.
    ///
    /// # Errors
    /// A place in other data.
    fn restore(&mut self, state: &LoaderState) -> Result<(), TrainError>;
    /// Hands out what is left of an epoch, batch by batch, as long as `visit` returns true. Returns whether the epoch has
    /// come to its end.
    ///
    /// # Errors
    /// Data that cannot be read, and what `visit` reports.
    fn pass(&mut self, visit: &mut Visit<'_, X, Y>) -> Result<bool, TrainError>;
}

/// What is done with a batch, and with the place in the data after it, if that is asked for.
pub type Visit<'v, X, Y> = dyn FnMut(&Batch<X, Y>, &dyn Fn() -> LoaderState) -> Result<bool, TrainError> + 'v;

impl<X, Y> Source<X, Y> for () {
    fn open<'s>(self, _defaults: Defaults) -> Result<Option<Box<dyn Stream<X, Y> + 's>>, TrainError>
    where
        Self: 's,
    {
        Ok(None)
    }
}

impl<D: Dataset + 'static> Source<D::Input, D::Target> for &DataLoader<D> {
    fn open<'s>(self, _defaults: Defaults) -> Result<Option<Box<dyn Stream<D::Input, D::Target> + 's>>, TrainError>
    where
        Self: 's,
    {
        Ok(Some(Box::new(self)))
    }
}

impl<D: Dataset + 'static> Stream<D::Input, D::Target> for &DataLoader<D> {
    fn batches(&self) -> usize {
        self.len()
    }
    fn batch_size(&self) -> usize {
        DataLoader::batch_size(self)
    }
    fn smallest_batch(&self) -> usize {
        DataLoader::smallest_batch(self)
    }
    fn state(&self) -> LoaderState {
        DataLoader::state(self)
    }
    fn restore(&mut self, state: &LoaderState) -> Result<(), TrainError> {
        Ok(DataLoader::restore(self, state)?)
    }
    fn pass(&mut self, visit: &mut Visit<'_, D::Input, D::Target>) -> Result<bool, TrainError> {
        for batch in *self {
            batch.check()?;
            if !visit(&batch, &|| DataLoader::state(self))? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl<D: Dataset> Source<D::Input, D::Target> for &D {
    fn open<'s>(self, defaults: Defaults) -> Result<Option<Box<dyn Stream<D::Input, D::Target> + 's>>, TrainError>
    where
        Self: 's,
    {
        Ok(Some(Box::new(Samples::new(self, defaults)?)))
    }
}

/// The samples of a dataset, as batches that are read ahead.
struct Samples<'a, D: Dataset> {
    dataset: &'a D,
    sampler: Box<dyn Sampler>,
    batch_size: usize,
    /// How many batches are read ahead.
    ahead: usize,
    pool: Arc<Pool<D::Input, D::Target>>,
    state: LoaderState,
}

impl<'a, D: Dataset> Samples<'a, D> {
    fn new(dataset: &'a D, defaults: Defaults) -> Result<Self, TrainError> {
        let samples = dataset.len();
        if samples == 0 {
            return Err(DataError::Empty.into());
        }
        let (sampler, seed, epoch): (Box<dyn Sampler>, _, _) = match defaults.order {
            Order::AsStored => (Box::new(SequentialSampler::new(samples)), 0, 0),
            Order::Shuffled { seed, epoch } => (Box::new(RandomSampler::new(samples)), seed, epoch),
        };
        let state = LoaderState { seed, epoch, position: 0, samples };
        let batch_size = defaults.batch_size;
        let ahead = batches_ahead(batch_bytes(dataset, batch_size));
        // As many as wait, one that is being filled, and one that is in use.
        let pool = Pool::new(ahead + 2, batch_size.min(samples), dataset.input_shape(), dataset.target_shape());
        Ok(Samples { dataset, sampler, batch_size, ahead, pool: Arc::new(pool), state })
    }
}

impl<D: Dataset> Stream<D::Input, D::Target> for Samples<'_, D> {
    fn batches(&self) -> usize {
        self.state.samples.div_ceil(self.batch_size)
    }
    fn batch_size(&self) -> usize {
        self.batch_size
    }
    fn smallest_batch(&self) -> usize {
        (self.state.samples - 1) % self.batch_size + 1
    }
    fn state(&self) -> LoaderState {
        self.state.clone()
    }
    fn restore(&mut self, state: &LoaderState) -> Result<(), TrainError> {
        let (found, expected) = (state.samples as u64, self.state.samples as u64);
        if found != expected || state.position > self.state.samples {
            return Err(DataError::State { what: "number of samples", found, expected }.into());
        }
        self.state = state.clone();
        Ok(())
    }
    fn pass(&mut self, visit: &mut Visit<'_, D::Input, D::Target>) -> Result<bool, TrainError> {
        let mut indices = Vec::with_capacity(self.state.samples);
        self.sampler.sample(&mut Generator::seed_from(self.state.seed).stream(self.state.epoch), &mut indices);
        let state = &mut self.state;
        let (dataset, pool, batch_size) = (self.dataset, Arc::clone(&self.pool), self.batch_size);
        let ahead = self.ahead;
        let mut reader = Reader { dataset, pool, epoch: state.epoch, indices, position: state.position, batch_size };
        let whole = thread::scope(|scope| {
            let (writer, batches) = queue(ahead);
            // Ends when nobody listens any more.
            let thread = scope.spawn(move || reader.all(|batch| writer.push(batch)));
            let mut visit_all = || {
                while let Some(batch) = batches.pop() {
                    batch.check()?;
                    state.position += batch.len;
                    if !visit(&batch, &|| state.clone())? {
                        return Ok(false);
                    }
                }
                Ok::<_, TrainError>(true)
            };
            let whole = visit_all();
            drop(batches);
            match thread.join() {
                // The dataset has panicked, on its thread, in a batch that was wanted.
                Err(panic) if matches!(whole, Ok(true)) => resume_unwind(panic),
                _ => whole,
            }
        })?;
        if whole {
            state.epoch += 1;
            state.position = 0;
        }
        Ok(whole)
    }
}
