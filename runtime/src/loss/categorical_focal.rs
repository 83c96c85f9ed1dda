//! [`CategoricalFocalLoss`]: cross entropy that cares less for what is easy.

use super::binary_focal::power_and_slope;
use super::check::{Problem, assert_classes, assertions};
use super::cross_entropy::weight_of_targets;
use super::kernel::{Batch, Positioned, Positions, Sink, check_len, concrete, flush, implement};
use super::softmax::{Axes, Finish, Position, clear, each_position};
use super::*;
use crate::kernels::softmax::SoftmaxKernels;
use crate::simd::Portable;

/// Cross entropy of logits, weighed down for what the network already knows: `L = mean(−w_y (1 − p_y)^γ ln p_y)`, with
/// `p = softmax(x)`.
///
/// `x` are logits, `y` is the class, `w` is `weight` (the paper's α; 1 if not given), γ is `gamma` (0 or more). The mean
/// is over the targets that are not `ignore_index`, whatever their weights. Finite for logits of any size.
///
/// # Shapes
/// `x: [N, C]` and `y: [N]`, or `x: [N, C, d1, …]` and `y: [N, d1, …]`. The classes are along axis `dim`, 1 unless said
/// otherwise.
///
/// # Errors
/// [`LossError`] for a class that does not exist, a wrong number of targets or weights, a negative `gamma`, a mean over
/// no samples.
///
/// # Example
/// ```
/// use glulam::loss::{CategoricalFocalLoss, LossForward};
/// let (mut losses, mut gradient) = ([0.0; 1], [0.0; 2]);
/// let criterion = CategoricalFocalLoss::DEFAULT;
/// let loss = criterion.forward_flat(&[2], &[0.0, 0.0], &[1_i64], &mut losses, &mut gradient).unwrap();
/// assert!((loss - 0.25 * 2f64.ln()).abs() < 1e-12);
/// ```
///
/// # References
/// Beyond PyTorch; Lin et al. 2017, arXiv:1708.02002, equation 5, with a softmax. `keras.losses.CategoricalFocalCrossentropy`
/// takes one α for all classes or a list, as `weight`; its default is 0.25, where here it is 1, so with the defaults of both
/// its loss is a quarter of this one. It takes probabilities unless `from_logits=True`, and cuts them off at 1e-7: a sure
/// mistake costs no more than 16.1 α there.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoricalFocalLoss {
    /// A factor for each class.
    pub weight: LossWeights,
    /// How quickly the weight falls with the probability of the truth; 0 or more.
    pub gamma: f64,
    /// A target that counts for nothing, such as padding.
    pub ignore_index: i64,
    /// How the losses of all targets become one number.
    pub reduction: Reduction,
    /// The axis of the classes, the batch being axis 0.
    pub dim: isize,
}

impl CategoricalFocalLoss {
    /// No weights, γ = 2 as in the paper, −100 ignored, the mean, classes along axis 1.
    pub const DEFAULT: Self = CategoricalFocalLoss {
        weight: LossWeights::NONE,
        gamma: 2.0,
        ignore_index: -100,
        reduction: Reduction::Mean,
        dim: 1,
    };

    assertions!(CategoricalFocalLoss, Logits);

    /// Stops the compilation (or panics) unless a network with this output can be trained with the loss.
    ///
    /// # Panics
    /// If it cannot, with what to change.
    #[track_caller]
    pub const fn assert_fits(&self, output_shape: &[usize], output: crate::network::Output) {
        self.assert_trainable(output);
        assert_classes("CategoricalFocalLoss", output_shape, self.dim, &self.weight);
    }

    const fn problem(&self) -> Option<Problem> {
        Problem::unless(self.gamma >= 0.0, "gamma", self.gamma, "at least 0")
    }
}

impl Positioned for CategoricalFocalLoss {
    fn losses_len(&self, shape: &[usize]) -> usize {
        Axes::of_checked(shape, self.dim).positions()
    }
}

impl Batch<i64> for CategoricalFocalLoss {
    fn target_len(&self, shape: &[usize]) -> usize {
        Axes::of_checked(shape, self.dim).positions()
    }
    fn count(&self, shape: &[usize], samples: usize, targets: &[i64]) -> Result<f64, LossError> {
        let axes = Axes::of("CategoricalFocalLoss", shape, self.dim)?;
        self.weight.check_classes("CategoricalFocalLoss", "weight", axes.classes)?;
        check_len(shape, samples, samples * axes.positions(), targets.len())?;
        weight_of_targets(targets, axes.classes, self.ignore_index, &LossWeights::NONE)
    }
}

impl<T: Math + SoftmaxKernels> Positions<T, i64> for CategoricalFocalLoss {
    fn each(&self, rows: Rows<'_, T, i64>, sink: &mut dyn Sink<T>, gradient: &mut [T]) {
        let axes = Axes::of_checked(rows.shape, self.dim);
        let mut finish = Focus { loss: self, classes: axes.classes, targets: rows.targets, sink };
        each_position(axes, rows.outputs, gradient, &mut finish);
    }
}

struct Focus<'a, T> {
    loss: &'a CategoricalFocalLoss,
    classes: usize,
    targets: &'a [i64],
    sink: &'a mut dyn Sink<T>,
}

impl<T: Math> Finish<T> for Focus<'_, T> {
    #[inline(always)]
    fn finish(&mut self, at: Position<'_, T>) {
        let Position { index, stride, x, dx, softmax: s, .. } = at;
        let target = self.targets[index];
        if target == self.loss.ignore_index {
            clear(self.classes, stride, dx);
            return self.sink.put(index, T::ZERO);
        }
        let (y, weight) = (target as usize * stride, self.loss.weight.of::<T>(target as usize));
        let (log_p, p) = (x[y] - s.shift - s.log_sum, dx[y] * s.inverse);
        // Rounding may take p above 1, where powers of what is missing are NaN.
        let miss = if p > T::ONE { T::ZERO } else { T::ONE - p };
        let (power, slope) = power_and_slope::<Portable, T>(miss, self.loss.gamma);
        // ∂L/∂ln p_y = w (γ (1 − p_y)^(γ − 1) p_y ln p_y − (1 − p_y)^γ), and ∂ln p_y/∂x_c = [c = y] − p_c
        let by = self.sink.scale(index) * weight * (slope * p * log_p - power);
        let scale = by * s.inverse;
        for c in 0..self.classes {
            dx[c * stride] = flush(-(scale * dx[c * stride]));
        }
        dx[y] += by;
        self.sink.put(index, -(weight * power * log_p));
    }
}

concrete!(CategoricalFocalLoss, [f32 i64, f64 i64]);
implement!(CategoricalFocalLoss, targets i64, expects Logits);
