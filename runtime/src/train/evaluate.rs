//! The loss and the metrics of a network over a whole dataset.

use std::collections::BTreeMap;

use super::source::{Defaults, Order, Source};
use super::{AsBatch, Metrics, Target, TrainError};
use crate::data::DataError;
use crate::loss::{Loss, Reduction, total};
use crate::metrics::{Mean, Metric};
use crate::network::{BatchError, RowLoss, Sample};
use crate::{Flat, Network, Real};

/// The loss and the metrics over a dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The loss that one batch of all samples would have: the mean of the batches' losses, each with the weight of what it
    /// was divided by, or their sum if that is the loss's reduction. NaN if no target counts.
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
/// Data that cannot be read or does not fit, a loss that is not reduced to a number, outputs that it is not defined for, a
/// batch of one sample for a batch norm without running statistics.
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
    let (mut mean, mut seen) = (Mean::DEFAULT, 0);
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
        let criterion = loss.bind(shape, samples, targets)?;
        criterion.rows(0, outputs, losses, gradient);
        let value = total(losses);
        criterion.check(value, outputs)?;
        mean.add(value.to_f64(), criterion.weight());
        seen += samples;
        metrics.update(shape, N::Output::from_flat(outputs), targets)?;
        Ok(true)
    })?;
    Ok(Evaluation { loss: put_together(&mean, loss.reduction()), metrics: metrics.by_name(), samples: seen })
}

/// The loss of all batches that `losses` has seen, as one batch of them would have it.
pub(super) fn put_together(losses: &Mean, reduction: Reduction) -> f64 {
    if reduction == Reduction::Sum { losses.sum } else { losses.value() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_of_batches_are_weighted() {
        let mut losses = Mean::DEFAULT;
        losses.add(2.0, 4.0);
        losses.add(5.0, 1.0);
        losses.add(f64::NAN, 0.0);
        assert_eq!(put_together(&losses, Reduction::Mean), (2.0 * 4.0 + 5.0) / 5.0);
    }

    #[test]
    fn sums_of_batches_are_added() {
        let mut losses = Mean::DEFAULT;
        losses.add(2.0, 1.0);
        losses.add(5.0, 1.0);
        assert_eq!(put_together(&losses, Reduction::Sum), 7.0);
    }
}
