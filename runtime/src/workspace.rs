//! The memory of a training step, sized once for the largest batch.

use crate::memory::Memory;
use crate::network::{BatchError, Context, Mode, Weights};
use crate::{Flat, Real};

/// The memory of one training step: activations, their gradients and statistics, for at most `capacity` samples.
///
/// Made by [`Network::workspace`](crate::Network::workspace). A smaller batch runs in the same workspace.
#[derive(Clone, Debug)]
pub struct Workspace<T: Real> {
    pub(crate) capacity: usize,
    pub(crate) rows: usize,
    pub(crate) context: Context,
    /// Values of any scalar.
    pub(crate) values: Flat<f64>,
    pub(crate) statistics: Flat<T>,
    pub(crate) losses: Flat<T>,
    pub(crate) non_finite_gradient: Option<usize>,
}

impl<T: Real> Workspace<T> {
    /// The largest batch that fits.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many samples the last forward had.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The share of each sample of the last step in its loss: their sum is the loss.
    pub fn losses(&self) -> &[T] {
        &self.losses[..self.rows]
    }

    /// The place in the parameter table of the first trained parameter whose gradient, as the last backward has left it (with
    /// what was there before, where gradients are added up), is NaN or infinite.
    pub fn non_finite_gradient(&self) -> Option<usize> {
        self.non_finite_gradient
    }

    /// Keeps the first parameter whose gradient is NaN or infinite.
    #[doc(hidden)]
    pub fn set_non_finite_gradient(&mut self, parameter: Option<usize>) {
        self.non_finite_gradient = parameter;
    }

    /// Begins a forward of `rows` samples, and draws anew for it where it trains.
    #[doc(hidden)]
    pub fn begin(&mut self, rows: usize, mode: Mode, weights_seed: u64, draws: &mut u64) -> Context {
        if let Err(error) = BatchError::check(rows, 1, self.capacity) {
            panic!("{error}");
        }
        self.rows = rows;
        self.non_finite_gradient = None;
        self.context = Context { mode, seed: weights_seed, draw: *draws, first_row: 0, rows };
        *draws += u64::from(mode == Mode::Train);
        self.context
    }

    /// The context of the last forward, for its backward with as many `rows`.
    #[doc(hidden)]
    pub fn resume(&self, rows: usize) -> Context {
        assert!(rows == self.rows, "backward with {rows} inputs after a forward with {}", self.rows);
        self.context
    }

    /// The rows' values, the statistics and the rows' losses.
    #[doc(hidden)]
    pub fn parts(&mut self) -> (Memory<'_>, &mut [T], &mut [T]) {
        (Memory::new(&mut self.values), &mut self.statistics, &mut self.losses[..self.rows])
    }

    /// The array that comes first, and what follows it.
    #[doc(hidden)]
    pub fn values(&self) -> &[T] {
        T::from_words(&self.values)
    }
}

impl<T: Real> Weights<T> {
    /// Room for a network's parameters, buffers and counters, all zero.
    #[doc(hidden)]
    pub fn zeros(parameters: usize, buffers: usize, counters: usize, seed: u64) -> Self {
        Weights {
            parameters: Flat::zeros(parameters),
            buffers: Flat::zeros(buffers),
            counters: vec![0; counters],
            seed,
            draws: 0,
        }
    }

    /// The same numbers in another precision.
    #[doc(hidden)]
    pub fn cast<U: Real>(&self) -> Weights<U> {
        let cast = |from: &Flat<T>| {
            let mut to = Flat::zeros(from.len());
            to.iter_mut().zip(from.iter()).for_each(|(t, f)| *t = U::from_f64(f.to_f64()));
            to
        };
        Weights {
            parameters: cast(&self.parameters),
            buffers: cast(&self.buffers),
            counters: self.counters.clone(),
            seed: self.seed,
            draws: self.draws,
        }
    }
}
