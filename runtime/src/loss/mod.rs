//! Losses, under the names and with the options and defaults of `torch.nn`. One file each.
//!
//! A loss is a plain struct of its options (`CrossEntropyLoss { label_smoothing: 0.1, ..CrossEntropyLoss::DEFAULT }`).
//! Its value and its gradient are computed in one pass over the outputs, row by row.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::Real;
use crate::network::{Outputs, RowLoss, Sample};

/// How the losses of single elements (or samples) become one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reduction {
    /// Their mean; weighted, where the loss says so.
    #[default]
    Mean,
    /// Their sum.
    Sum,
    /// They stay apart: see [`Loss::unreduced`].
    None,
}

/// What is wrong with a loss's options, or with targets for an output.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LossError {
    /// A class index is neither a class nor `ignore_index`.
    #[error("target {index} of the batch is class {found}, expected 0..{classes} (or ignore_index {ignore_index})")]
    ClassOutOfRange { index: usize, found: i64, classes: usize, ignore_index: i64 },
    /// The number of targets does not fit the number of outputs.
    #[error("{found} target elements for {samples} outputs of shape {shape:?}, expected {expected}")]
    TargetLength { found: usize, expected: usize, samples: usize, shape: Vec<usize> },
    /// An option has a value that is not allowed.
    #[error("{loss}: {option} = {found}, expected {expected}")]
    Option { loss: &'static str, option: &'static str, found: String, expected: String },
    /// `reduction = Reduction::None` where one number is needed.
    #[error("{0}: a training step needs one number, but the reduction is `None`; use `Mean` or `Sum`")]
    NotReduced(&'static str),
}

/// A loss of one output and one target: `Y` is the target's element (`i64` for class indices, or the network's scalar).
pub trait Loss<T: Real, Y: Copy>: Clone + Debug + PartialEq + Send + Sync {
    /// The name in `torch.nn`.
    const NAME: &'static str;

    /// How single losses become one number.
    fn reduction(&self) -> Reduction;

    /// How many target elements belong to one output sample of `shape`.
    fn target_len(&self, shape: &[usize]) -> usize;

    /// Checks the options and the targets of a whole batch, and computes what depends on all of it: the factor of each
    /// element's loss (for a mean, one over the number of elements or over the sum of weights).
    ///
    /// # Errors
    /// Options out of their range, a class that does not exist, a wrong number of targets.
    fn prepare(&self, shape: &[usize], samples: usize, targets: &[Y]) -> Result<T, LossError>;

    /// One pass over some samples: writes to `losses` one number for each sample, the sum of its elements' losses times
    /// `factor`, and to `gradient` the derivative of their sum with respect to `outputs`.
    ///
    /// `factor` is what [`prepare`](Self::prepare) gave, and 1 with `Reduction::Sum`.
    fn rows(&self, shape: &[usize], factor: T, outputs: &[T], targets: &[Y], losses: &mut [T], gradient: &mut [T]);

    /// The loss of each element (`Reduction::None`), and the gradient for `upstream`, the gradient flowing into each.
    /// As many elements as PyTorch's result has.
    fn unreduced(
        &self,
        shape: &[usize],
        outputs: &[T],
        targets: &[Y],
        upstream: &[T],
        losses: &mut [T],
        gradient: &mut [T],
    );

    /// The number of elements that `unreduced` writes for one sample of `shape`.
    fn unreduced_len(&self, shape: &[usize]) -> usize;

    /// A loss bound to the targets of one batch, to be applied to any share of its rows.
    ///
    /// # Errors
    /// Those of [`prepare`](Self::prepare), and a reduction of `None`.
    fn bind<'a>(
        &'a self,
        shape: &'a [usize],
        samples: usize,
        targets: &'a [Y],
    ) -> Result<Bound<'a, T, Y, Self>, LossError> {
        if self.reduction() == Reduction::None {
            return Err(LossError::NotReduced(Self::NAME));
        }
        let factor = self.prepare(shape, samples, targets)?;
        Ok(Bound { loss: self, shape, factor, targets, per_sample: self.target_len(shape) })
    }
}

/// A loss with the targets of one batch. Made by [`Loss::bind`].
#[derive(Clone, Debug)]
pub struct Bound<'a, T, Y, L: ?Sized> {
    loss: &'a L,
    shape: &'a [usize],
    factor: T,
    targets: &'a [Y],
    per_sample: usize,
}

impl<T: Real, Y: Copy + Sync, L: Loss<T, Y>> RowLoss<T> for Bound<'_, T, Y, L> {
    fn rows(&self, first_row: usize, outputs: &[T], losses: &mut [T], gradient: &mut [T]) {
        let from = first_row * self.per_sample;
        let targets = &self.targets[from..from + losses.len() * self.per_sample];
        self.loss.rows(self.shape, self.factor, outputs, targets, losses, gradient);
    }
}

/// The sum of the rows' shares of a loss: always in their order, whatever the number of threads.
pub fn total<T: Real>(losses: &[T]) -> T {
    // In f64: the value of a large batch keeps its digits, and the gradient does not depend on it.
    T::from_f64(losses.iter().map(|l| l.to_f64()).sum())
}

/// What `criterion.forward(outputs, targets)` needs: the outputs of a network and the place of their gradient.
pub trait LossForward<T: Real, Y: Copy + Sync>: Loss<T, Y> {
    /// The loss of a batch; its gradient is left beside the outputs, where `backward` finds it.
    ///
    /// # Errors
    /// Those of [`Loss::bind`].
    fn forward<O: Sample<T>>(&self, outputs: Outputs<'_, O>, targets: &[Y]) -> Result<T, LossError> {
        let bound = self.bind(outputs.shape, outputs.values.len(), targets)?;
        let mut losses = vec![T::ZERO; outputs.values.len()];
        bound.rows(0, O::to_flat(outputs.values), &mut losses, O::to_flat_mut(outputs.gradient));
        Ok(total(&losses))
    }
}
impl<T: Real, Y: Copy + Sync, L: Loss<T, Y>> LossForward<T, Y> for L {}
