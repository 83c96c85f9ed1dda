//! The loss and the metrics of a network over a whole dataset.

use std::collections::BTreeMap;

use super::source::{Defaults, Order, Source};
use super::{AsBatch, Metrics, Target, TrainError};
use crate::data::DataError;
use crate::loss::{Loss, LossError, Reduction, Rows, total};
use crate::network::{BatchError, Sample};
use crate::{Flat, Network, Real};

/// The loss and the metrics over a dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The loss that one batch of all samples would have (the losses of ordinary batches put together by their weights).
    pub loss: f64,
    /// The metrics, by name.
    pub metrics: BTreeMap<String, f64>,
    /// The number of samples.
    pub samples: usize,
}

/// Runs `model` over `data` in evaluation mode: no dropout, running statistics. `metrics` are reset first, and have seen
/// the data afterwards.
///
/// # Errors
/// Data that cannot be read or does not fit, a loss that is not reduced to a number, a batch of one sample for a batch norm
/// without running statistics.
pub fn evaluate<T, N, L, M, Y, S>(
    model: &N,
    loss: &L,
    metrics: &mut M,
    data: S,
    batch_size: usize,
) -> Result<Evaluation, TrainError>
where
    T: Real,
    N: Network<T>,
    Y: Target,
    L: Loss<T, Y>,
    M: Metrics<T, Y>,
    S: Source<N::InputScalar, Y>,
{
    if loss.reduction() == Reduction::None {
        return Err(LossError::NotReduced(L::NAME).into());
    }
    let mut mean = Mean::new(loss.reduction());
    let mut scratch = Scratch::<T>::new(0, 0);
    metrics.reset();
    let mut stream = data.open(Defaults { batch_size, order: Order::AsStored })?.ok_or(DataError::Empty)?;
    stream.pass(&mut |batch, _state| {
        let (inputs, targets) = AsBatch::<T, N, Y>::samples(batch)?;
        let (samples, shape) = (inputs.len(), N::OUTPUT_SHAPE);
        BatchError::check(samples, N::MIN_EVAL_BATCH, usize::MAX)?;
        scratch.reserve(samples, N::Output::LEN);
        let (outputs, gradient, losses) = scratch.parts(samples, N::Output::LEN);
        model.predict_into(inputs, N::Output::from_flat_mut(outputs));
        let factor = loss.prepare(shape, samples, targets)?;
        loss.rows(Rows { shape, first: 0, outputs, targets }, factor, losses, gradient);
        mean.add(total(losses).to_f64(), factor.to_f64(), samples);
        metrics.update(shape, N::Output::from_flat(outputs), targets)?;
        Ok(true)
    })?;
    Ok(Evaluation { loss: mean.value(), metrics: metrics.by_name(), samples: mean.samples })
}

/// Memory for the outputs of a batch.
struct Scratch<T: Real> {
    outputs: Flat<T>,
    gradient: Flat<T>,
    losses: Flat<T>,
}

impl<T: Real> Scratch<T> {
    fn new(samples: usize, len: usize) -> Self {
        Scratch {
            outputs: Flat::zeros(samples * len),
            gradient: Flat::zeros(samples * len),
            losses: Flat::zeros(samples),
        }
    }

    fn reserve(&mut self, samples: usize, len: usize) {
        if self.losses.len() < samples {
            *self = Scratch::new(samples, len);
        }
    }

    fn parts(&mut self, samples: usize, len: usize) -> (&mut [T], &mut [T], &mut [T]) {
        let elements = samples * len;
        (&mut self.outputs[..elements], &mut self.gradient[..elements], &mut self.losses[..samples])
    }
}

/// Losses of batches put together: their sum, or their mean with the weight that each has in the whole.
struct Mean {
    reduction: Reduction,
    sum: f64,
    weight: f64,
    samples: usize,
}

impl Mean {
    fn new(reduction: Reduction) -> Self {
        Mean { reduction, sum: 0.0, weight: 0.0, samples: 0 }
    }

    /// `loss` is the sum over a batch times `factor`.
    fn add(&mut self, loss: f64, factor: f64, samples: usize) {
        self.samples += samples;
        // A batch in which every target is ignored has no weight, and a mean of NaN.
        if factor.is_finite() && factor > 0.0 {
            self.sum += loss / factor;
            self.weight += 1.0 / factor;
        }
    }

    fn value(&self) -> f64 {
        if self.reduction == Reduction::Sum { self.sum } else { self.sum / self.weight }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_of_batches_are_weighted() {
        let mut mean = Mean::new(Reduction::Mean);
        mean.add(2.0, 0.25, 4);
        mean.add(5.0, 1.0, 1);
        mean.add(f64::NAN, f64::INFINITY, 3);
        assert_eq!((mean.value(), mean.samples), ((2.0 * 4.0 + 5.0) / 5.0, 8));
    }

    #[test]
    fn sums_of_batches_are_added() {
        let mut sum = Mean::new(Reduction::Sum);
        sum.add(2.0, 1.0, 4);
        sum.add(5.0, 1.0, 1);
        assert_eq!(sum.value(), 7.0);
    }
}
