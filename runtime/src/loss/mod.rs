//! Losses, under the names and with the options and defaults of `torch.nn`. One file each.
//!
//! A loss is a plain struct of its options (`CrossEntropyLoss { label_smoothing: 0.1, ..CrossEntropyLoss::DEFAULT }`).
//! Its value and its gradient are computed in one pass over the outputs, row by row.
//!
//! A loss of one output and one target implements [`Loss`]; `train!` takes any such type, the user's own too. A loss of
//! several inputs (triplets, pairs, sequences with lengths) has methods of its own, for a hand-written loop.
//!
//! All losses of `torch.nn` are here but two, which have parameters of their own. `LinearCrossEntropyLoss` is a linear layer and
//! a [`CrossEntropyLoss`] in one module: here the layer stands in the network, `… -> head: Linear(D, C, bias = false)`, and has the
//! same numbers, gradients and (under the name `head.weight`) state dict. What PyTorch's module saves with its `options`, the memory
//! of the logits, is not saved: logits and their gradients are kept for the whole batch. `AdaptiveLogSoftmaxWithLoss`, for very many
//! classes of very different frequencies, does not exist here; a `Linear` head with [`CrossEntropyLoss`] computes the full softmax that it
//! approximates.
//!
//! What depends on a whole batch (the sum of the weights of its targets) is settled in [`Loss::prepare`], so that its
//! rows can be shared out among threads; each row's numbers are the same however they are shared out.

mod check;
mod element;
mod joint;
mod kernel;
mod softmax;
mod weights;

mod bce;
mod bce_with_logits;
mod binary_focal;
mod categorical_focal;
mod cosine_embedding;
mod cross_entropy;
mod ctc;
mod distance;
mod gaussian_nll;
mod hinge_embedding;
mod huber;
mod kl_div;
mod l1;
mod log_cosh;
mod margin_ranking;
mod mse;
mod multi_label_margin;
mod multi_label_soft_margin;
mod multi_margin;
mod nll;
mod overlap;
mod poisson_nll;
mod smooth_l1;
mod soft_margin;
mod triplet;

#[cfg(test)]
mod tests;

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::Real;
use crate::network::{Outputs, RowLoss, Sample};
use crate::simd::math::Math;
use crate::simd::{Simd, reduce};

pub use bce::BCELoss;
pub use bce_with_logits::BCEWithLogitsLoss;
pub use binary_focal::BinaryFocalLoss;
pub use categorical_focal::CategoricalFocalLoss;
pub use check::Expects;
pub(crate) use check::Text;
pub use cosine_embedding::CosineEmbeddingLoss;
pub use cross_entropy::CrossEntropyLoss;
pub use ctc::{CTCLoss, CTCWorkspace};
pub use distance::{Distance, PairwiseDistance};
pub use gaussian_nll::GaussianNLLLoss;
pub use hinge_embedding::HingeEmbeddingLoss;
pub use huber::HuberLoss;
pub use joint::Input;
#[doc(hidden)]
pub use kernel::LossKernels;
pub use kl_div::KLDivLoss;
pub use l1::L1Loss;
pub use log_cosh::LogCoshLoss;
pub use margin_ranking::MarginRankingLoss;
pub use mse::MSELoss;
pub use multi_label_margin::MultiLabelMarginLoss;
pub use multi_label_soft_margin::MultiLabelSoftMarginLoss;
pub use multi_margin::MultiMarginLoss;
pub use nll::NLLLoss;
pub use overlap::{DiceLoss, TverskyLoss};
pub use poisson_nll::PoissonNLLLoss;
pub use smooth_l1::SmoothL1Loss;
pub use soft_margin::SoftMarginLoss;
pub use triplet::{TripletMarginLoss, TripletMarginWithDistanceLoss};
pub use weights::LossWeights;

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
    /// Their sum divided by the number of samples. PyTorch has it for `KLDivLoss` alone, here every loss takes it.
    BatchMean,
}

/// What is wrong with a loss's options, or with targets for an output.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "each field is what the variant's message says of it")]
pub enum LossError {
    /// A class index is neither a class nor `ignore_index`.
    #[error("target {index} of the batch is class {found}, expected {expected}")]
    ClassOutOfRange { index: usize, found: i64, expected: String },
    /// A target is not what the loss allows.
    #[error("{loss}: target {index} of the batch is {found}, expected {expected}")]
    Target { loss: &'static str, index: usize, found: f64, expected: &'static str },
    /// The number of targets does not fit the number of outputs.
    #[error("{found} target elements for {samples} outputs of shape {shape:?}, expected {expected}")]
    TargetLength { found: usize, expected: usize, samples: usize, shape: Vec<usize> },
    /// An output that the loss is not defined for.
    #[error("{loss}: output {index} of the batch is {found}, expected {expected}")]
    Output { loss: &'static str, index: usize, found: f64, expected: &'static str },
    /// An option has a value that is not allowed.
    #[error("{loss}: {option} = {found}, expected {expected}")]
    Option { loss: &'static str, option: &'static str, found: String, expected: String },
    /// One of several inputs does not fit the others, or holds what is not allowed.
    #[error("{loss}: {input} has {found}, expected {expected}")]
    Input { loss: &'static str, input: &'static str, found: String, expected: String },
    /// An output whose shape the loss cannot read.
    #[error("{loss}: outputs of shape {shape:?}, expected {expected}")]
    Shape { loss: &'static str, shape: Vec<usize>, expected: String },
    /// `reduction = Reduction::None` where one number is needed.
    #[error("{0}: a training step needs one number, but the reduction is `None`; use `Mean` or `Sum`")]
    NotReduced(&'static str),
    /// The mean of nothing. PyTorch returns NaN.
    #[error("{0}: the mean over a batch of 0 samples; expected at least 1")]
    Empty(&'static str),
}

/// Some rows of a batch, and where they lie in it.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T, Y> {
    /// The shape of one sample of the output.
    pub shape: &'a [usize],
    /// The place in the batch of the first row.
    pub first: usize,
    /// The outputs of these rows, flat.
    pub outputs: &'a [T],
    /// The targets of these rows, flat.
    pub targets: &'a [Y],
}

/// A loss of one output and one target: `Y` is the target's element (`i64` for class indices, or the network's scalar).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no loss of one output with targets of type `{Y}`",
    label = "`Loss<{T}, {Y}>` is not implemented",
    note = "class indices are `i64`; all other targets have the scalar type of the network",
    note = "a loss of several inputs (triplets, pairs, sequences with lengths) is called in a hand-written loop"
)]
pub trait Loss<T: Real, Y: Copy>: Clone + Debug + PartialEq + Send + Sync {
    /// The name in `torch.nn`.
    const NAME: &'static str;
    /// What the outputs must be: logits, probabilities, …
    const EXPECTS: Expects = Expects::Anything;

    /// How single losses become one number.
    fn reduction(&self) -> Reduction;

    /// How many target elements belong to one output sample of `shape`.
    fn target_len(&self, shape: &[usize]) -> usize;

    /// Checks the options and the targets of a whole batch, and computes what depends on all of it: the factor of each
    /// element's loss (for a mean, one over the number of elements or over the sum of weights; else 1). It is infinite where
    /// no target counts: then the loss is NaN and its gradient zero, and [`rows`](Self::rows) is not called.
    ///
    /// # Errors
    /// Options out of their range, a class that does not exist, a wrong number of targets.
    fn prepare(&self, shape: &[usize], samples: usize, targets: &[Y]) -> Result<T, LossError>;

    /// One pass over some samples: writes to `losses` one number for each sample, the sum of its elements' losses times
    /// `factor`, and to `gradient` the derivative of their sum with respect to the outputs.
    ///
    /// `factor` is what [`prepare`](Self::prepare) gave.
    fn rows(&self, rows: Rows<'_, T, Y>, factor: T, losses: &mut [T], gradient: &mut [T]);

    /// Whether the loss is defined for the outputs of a batch. It has to be NaN for those that it is not defined for: only
    /// then are they looked at, so that a step pays nothing for it.
    ///
    /// # Errors
    /// The first output that it is not defined for.
    fn check_outputs(&self, _outputs: &[T]) -> Result<(), LossError> {
        Ok(())
    }

    /// The number of elements that [`unreduced`](Self::unreduced) writes for one sample of `shape`.
    fn unreduced_len(&self, shape: &[usize]) -> usize;

    /// Writes the loss of each element, and the gradient for `upstream`, the gradient flowing into each. The targets
    /// have been checked.
    fn unreduced_rows(&self, rows: Rows<'_, T, Y>, upstream: &[T], losses: &mut [T], gradient: &mut [T]);

    /// The loss of each element whatever the reduction (PyTorch's `reduction="none"`), and the gradient for `upstream`,
    /// the gradient flowing into each. As many elements as PyTorch's result has; none for an empty batch.
    ///
    /// # Errors
    /// Those of [`prepare`](Self::prepare) and [`check_outputs`](Self::check_outputs).
    ///
    /// # Panics
    /// If `upstream`, `losses` or `gradient` have a wrong length.
    fn unreduced(
        &self,
        shape: &[usize],
        outputs: &[T],
        targets: &[Y],
        upstream: &[T],
        losses: &mut [T],
        gradient: &mut [T],
    ) -> Result<(), LossError> {
        let samples = outputs.len() / elements(shape).max(1);
        self.prepare(shape, samples, targets)?;
        self.check_outputs(outputs)?;
        let expected = samples * self.unreduced_len(shape);
        assert_eq!(upstream.len(), expected, "{}: one upstream gradient for each loss", Self::NAME);
        assert_eq!(losses.len(), expected, "{}: room for each loss", Self::NAME);
        assert_eq!(gradient.len(), outputs.len(), "{}: room for each output's gradient", Self::NAME);
        self.unreduced_rows(Rows { shape, first: 0, outputs, targets }, upstream, losses, gradient);
        Ok(())
    }

    /// A loss bound to the targets of one batch, to be applied to any share of its rows.
    ///
    /// # Errors
    /// Those of [`prepare`](Self::prepare), a reduction of `None`, and a mean over no samples.
    fn bind<'a>(
        &'a self,
        shape: &'a [usize],
        samples: usize,
        targets: &'a [Y],
    ) -> Result<Bound<'a, T, Y, Self>, LossError> {
        if self.reduction() == Reduction::None {
            return Err(LossError::NotReduced(Self::NAME));
        }
        if samples == 0 && self.reduction() != Reduction::Sum {
            return Err(LossError::Empty(Self::NAME));
        }
        let factor = self.prepare(shape, samples, targets)?;
        Ok(Bound {
            loss: self,
            shape,
            factor,
            targets,
            per_output: elements(shape),
            per_target: self.target_len(shape),
        })
    }
}

/// A loss with the targets of one batch. Made by [`Loss::bind`].
#[derive(Clone, Debug)]
pub struct Bound<'a, T, Y, L: ?Sized> {
    loss: &'a L,
    shape: &'a [usize],
    factor: T,
    targets: &'a [Y],
    per_output: usize,
    per_target: usize,
}

impl<T: Real, Y: Copy, L: Loss<T, Y>> Bound<'_, T, Y, L> {
    /// What the loss is divided by, and so what the batch weighs in a mean over batches: the number of elements, or the sum
    /// of the weights of its targets; 1 if the loss is a sum. At 0 no target counts (each is `ignore_index`, or of a class
    /// with weight 0), the loss is NaN and its gradient zero.
    pub fn weight(&self) -> f64 {
        1.0 / self.factor.to_f64()
    }

    /// Looks for what has made `loss`, that of `outputs`, no number. That no target counts is no mistake.
    ///
    /// # Errors
    /// Those of [`Loss::check_outputs`].
    pub fn check(&self, loss: T, outputs: &[T]) -> Result<(), LossError> {
        if loss.is_finite() || self.weight() == 0.0 { Ok(()) } else { self.loss.check_outputs(outputs) }
    }
}

impl<T: Real, Y: Copy + Sync, L: Loss<T, Y>> RowLoss<T> for Bound<'_, T, Y, L> {
    fn rows(&self, first_row: usize, outputs: &[T], losses: &mut [T], gradient: &mut [T]) {
        let samples = losses.len();
        assert_eq!(outputs.len(), samples * self.per_output, "{}: outputs for each of {samples} losses", L::NAME);
        assert_eq!(gradient.len(), outputs.len(), "{}: room for each output's gradient", L::NAME);
        if self.weight() == 0.0 {
            // 0/0, and no target that a gradient could come from.
            losses.fill(T::from_f64(f64::NAN));
            return gradient.fill(T::ZERO);
        }
        let from = first_row * self.per_target;
        let targets = &self.targets[from..from + samples * self.per_target];
        let rows = Rows { shape: self.shape, first: first_row, outputs, targets };
        self.loss.rows(rows, self.factor, losses, gradient);
    }
}

/// The sum of the rows' shares of a loss, in an order that their number alone fixes.
pub fn total<T: Real>(losses: &[T]) -> T {
    T::total(losses)
}

/// What `criterion.forward(outputs, targets)` needs: the outputs of a network and the place of their gradient.
pub trait LossForward<T: Real, Y: Copy + Sync>: Loss<T, Y> {
    /// The loss of a batch; its gradient is left beside the outputs, where `backward` finds it. No allocation. Where no
    /// target counts it is NaN, as in PyTorch, with a gradient of zero: a step of an optimizer would still decay weights.
    ///
    /// # Errors
    /// Those of [`Loss::bind`] and [`Loss::check_outputs`].
    fn forward<O: Sample<T>>(&self, outputs: Outputs<'_, T, O>, targets: &[Y]) -> Result<T, LossError> {
        let Outputs { values, gradient, losses, shape } = outputs;
        self.forward_flat(shape, O::to_flat(values), targets, &mut losses[..values.len()], O::to_flat_mut(gradient))
    }

    /// The same for flat arrays: `losses` gets the share of each sample, `gradient` that of each output.
    ///
    /// # Errors
    /// Those of [`Loss::bind`] and [`Loss::check_outputs`].
    ///
    /// # Panics
    /// If the lengths do not agree: `outputs` and `gradient` have `losses.len()` samples of `shape`.
    fn forward_flat(
        &self,
        shape: &[usize],
        outputs: &[T],
        targets: &[Y],
        losses: &mut [T],
        gradient: &mut [T],
    ) -> Result<T, LossError> {
        let criterion = self.bind(shape, losses.len(), targets)?;
        criterion.rows(0, outputs, losses, gradient);
        let loss = total(losses);
        criterion.check(loss, outputs)?;
        Ok(loss)
    }
}
impl<T: Real, Y: Copy + Sync, L: Loss<T, Y>> LossForward<T, Y> for L {}

/// The number of elements of one sample.
pub(crate) const fn elements(shape: &[usize]) -> usize {
    let (mut product, mut axis) = (1, 0);
    while axis < shape.len() {
        product *= shape[axis];
        axis += 1;
    }
    product
}
