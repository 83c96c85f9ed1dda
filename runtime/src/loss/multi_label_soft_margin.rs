//! [`MultiLabelSoftMarginLoss`]: binary cross entropy of samples with several classes.

use super::check::{Problem, assert_repeats, assertions};
use super::kernel::{Batch, Positioned, Positions, Sink, check_len, concrete, flush, implement, sum_of};
use super::soft_margin::softplus_sigmoid;
use super::*;
use crate::simd::Portable;

/// Binary cross entropy of logits, averaged over the classes of each sample:
/// `L = −1/C · Σ_c w_c [y_c ln σ(x_c) + (1 − y_c) ln(1 − σ(x_c))]`.
///
/// `x` are logits, `y` is 1 for the true classes and 0 for the others, `w` is `weight` (1 if not given). Finite for
/// logits of any size.
///
/// # Shapes
/// `x: [N, …, C]`, `y` the same; one loss for each row of C. `weight` is repeated over the elements as [`LossWeights`]
/// says.
///
/// # Errors
/// [`LossError`] for a wrong number of targets, weights that cannot be repeated, outputs that are single numbers.
///
/// # Example
/// ```
/// use glulam::loss::{LossForward, MultiLabelSoftMarginLoss};
/// let (mut losses, mut gradient) = ([0.0; 1], [0.0; 2]);
/// let criterion = MultiLabelSoftMarginLoss::DEFAULT;
/// let loss = criterion.forward_flat(&[2], &[0.0, 1000.0], &[1.0, 0.0], &mut losses, &mut gradient);
/// assert_eq!(loss, Ok((2f64.ln() + 1000.0) / 2.0));
/// assert_eq!(gradient, [-0.25, 0.5]);
/// ```
///
/// # References
/// `torch.nn.MultiLabelSoftMarginLoss`.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiLabelSoftMarginLoss {
    /// A factor for each class (or each element).
    pub weight: LossWeights,
    /// How the losses of all samples become one number.
    pub reduction: Reduction,
}

impl MultiLabelSoftMarginLoss {
    /// PyTorch's defaults: no weights, the mean.
    pub const DEFAULT: Self = MultiLabelSoftMarginLoss { weight: LossWeights::NONE, reduction: Reduction::Mean };

    assertions!(MultiLabelSoftMarginLoss, Logits);

    /// Stops the compilation (or panics) unless a network with this output can be trained with the loss.
    ///
    /// # Panics
    /// If it cannot, with what to change.
    #[track_caller]
    pub const fn assert_fits(&self, output_shape: &[usize], output: crate::network::Output) {
        self.assert_trainable(output);
        check::assert_classes("MultiLabelSoftMarginLoss", output_shape, -1, &LossWeights::NONE);
        assert_repeats("MultiLabelSoftMarginLoss", "weight", output_shape, &self.weight);
    }

    const fn problem(&self) -> Option<Problem> {
        None
    }
}

impl Positioned for MultiLabelSoftMarginLoss {
    fn losses_len(&self, shape: &[usize]) -> usize {
        elements(&shape[..shape.len().saturating_sub(1)])
    }
}

impl<T: Real> Batch<T> for MultiLabelSoftMarginLoss {
    fn target_len(&self, shape: &[usize]) -> usize {
        elements(shape)
    }
    fn count(&self, shape: &[usize], samples: usize, targets: &[T]) -> Result<f64, LossError> {
        softmax::Axes::of("MultiLabelSoftMarginLoss", shape, -1)?;
        check_len(shape, samples, samples * elements(shape), targets.len())?;
        self.weight.check_elements("MultiLabelSoftMarginLoss", "weight", shape, samples)?;
        Ok((samples * self.losses_len(shape)) as f64)
    }
}

impl<T: Math> Positions<T, T> for MultiLabelSoftMarginLoss {
    fn each(&self, rows: Rows<'_, T, T>, sink: &mut dyn Sink<T>, gradient: &mut [T]) {
        let classes = rows.shape[rows.shape.len() - 1];
        let share = T::from_f64(1.0 / classes as f64);
        let start = rows.first * elements(rows.shape);
        let outputs = rows.outputs.chunks_exact(classes).zip(gradient.chunks_exact_mut(classes));
        for (i, ((x, dx), y)) in outputs.zip(rows.targets.chunks_exact(classes)).enumerate() {
            let scale = sink.scale(i) * share;
            let sum = sum_of(classes, |c| {
                let weight: T = self.weight.at(start + i * classes + c);
                let (softplus, q) = softplus_sigmoid::<Portable, T>(-x[c]);
                // σ(x) − y, from σ(−x): both have their digits where they are small.
                dx[c] = flush(scale * weight * ((T::ONE - y[c]) - q));
                weight * ((T::ONE - y[c]) * x[c] + softplus)
            });
            sink.put(i, share * sum);
        }
    }
}

concrete!(MultiLabelSoftMarginLoss, [f32 f32, f64 f64]);
implement!(MultiLabelSoftMarginLoss, targets T, expects Logits);
