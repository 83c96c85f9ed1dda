//! [`NLLLoss`]: negative log-likelihood of log-probabilities.

use super::check::{Problem, assert_classes, assertions};
use super::cross_entropy::weight_of_targets;
use super::kernel::{Batch, Positioned, Positions, Sink, check_len, concrete, implement};
use super::softmax::Axes;
use super::*;

/// Negative log-likelihood of a class: `L = mean_w(−w_y · x_y)`.
///
/// `x` are logarithms of probabilities (a network that ends in `LogSoftmax`), `y` is the class, `w` is `weight` (1 if not
/// given), and the mean is weighted: the sum divided by `Σ w_y` over the targets that are not `ignore_index`.
/// [`CrossEntropyLoss`] without the `LogSoftmax` gives the same numbers in less time.
///
/// # Shapes
/// `x: [N, C]` and `y: [N]`, or `x: [N, C, d1, …]` and `y: [N, d1, …]`. The classes are along axis `dim`, 1 unless said
/// otherwise.
///
/// # Errors
/// [`LossError`] for a class that does not exist, a wrong number of targets or weights, a mean over no samples.
///
/// # Example
/// ```
/// use glulam::loss::{LossForward, NLLLoss};
/// let (mut losses, mut gradient) = ([0.0; 2], [0.0; 4]);
/// let targets = [0_i64, -100];
/// let loss = NLLLoss::DEFAULT.forward_flat(&[2], &[-0.5, -1.0, -0.7, -0.7], &targets, &mut losses, &mut gradient);
/// assert_eq!(loss, Ok(0.5));
/// assert_eq!(gradient, [-1.0, 0.0, 0.0, 0.0]);
/// ```
///
/// # References
/// `torch.nn.NLLLoss`; `dim` is beyond it. As there, the mean is NaN and the gradient zero if all targets are
/// ignored; so they are if the weights of all targets are 0, where PyTorch's gradient is NaN.
#[derive(Clone, Debug, PartialEq)]
pub struct NLLLoss {
    /// A factor for each class.
    pub weight: LossWeights,
    /// A target that counts for nothing, such as padding.
    pub ignore_index: i64,
    /// How the losses of all targets become one number.
    pub reduction: Reduction,
    /// The axis of the classes, the batch being axis 0.
    pub dim: isize,
}

impl NLLLoss {
    /// PyTorch's defaults: no weights, −100 ignored, the mean, classes along axis 1.
    pub const DEFAULT: Self =
        NLLLoss { weight: LossWeights::NONE, ignore_index: -100, reduction: Reduction::Mean, dim: 1 };

    assertions!(NLLLoss, LogProbabilities);

    /// Stops the compilation (or panics) unless a network with this output can be trained with the loss.
    ///
    /// # Panics
    /// If it cannot, with what to change.
    #[track_caller]
    pub const fn assert_fits(&self, output_shape: &[usize], output: crate::network::Output) {
        self.assert_trainable(output);
        assert_classes("NLLLoss", output_shape, self.dim, &self.weight);
    }

    const fn problem(&self) -> Option<Problem> {
        None
    }
}

impl Positioned for NLLLoss {
    fn losses_len(&self, shape: &[usize]) -> usize {
        Axes::of_checked(shape, self.dim).positions()
    }
}

impl Batch<i64> for NLLLoss {
    fn target_len(&self, shape: &[usize]) -> usize {
        Axes::of_checked(shape, self.dim).positions()
    }
    fn count(&self, shape: &[usize], samples: usize, targets: &[i64]) -> Result<f64, LossError> {
        let axes = Axes::of("NLLLoss", shape, self.dim)?;
        self.weight.check_classes("NLLLoss", "weight", axes.classes)?;
        check_len(shape, samples, samples * axes.positions(), targets.len())?;
        weight_of_targets(targets, axes.classes, self.ignore_index, &self.weight)
    }
}

impl<T: Math> Positions<T, i64> for NLLLoss {
    fn each(&self, rows: Rows<'_, T, i64>, sink: &mut dyn Sink<T>, gradient: &mut [T]) {
        let Axes { classes, inner, .. } = Axes::of_checked(rows.shape, self.dim);
        gradient.fill(T::ZERO);
        for (index, &target) in rows.targets.iter().enumerate() {
            if target == self.ignore_index {
                sink.put(index, T::ZERO);
                continue;
            }
            let (plane, place) = (index / inner, index % inner);
            let at = (plane * classes + target as usize) * inner + place;
            let weight: T = self.weight.of(target as usize);
            gradient[at] = -(sink.scale(index) * weight);
            sink.put(index, -(weight * rows.outputs[at]));
        }
    }
}

concrete!(NLLLoss, [f32 i64, f64 i64]);
implement!(NLLLoss, targets i64, expects LogProbabilities);
