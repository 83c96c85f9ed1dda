//! [`MultiMarginLoss`]: the multi-class hinge.

use super::check::{Problem, assert_classes, assert_one_axis, assertions};
use super::cross_entropy::check_class_targets;
use super::kernel::{Batch, Positioned, Positions, Sink, check_len, concrete, implement};
use super::*;

/// The score of the truth is to be larger than all others by a margin:
/// `L = 1/C · Σ_{c ≠ y} w_y max(0, m − x_y + x_c)^p`.
///
/// `x` are scores, `y` is the class, m is `margin`, p is 1 or 2, `w` is `weight` (1 if not given).
///
/// # Shapes
/// `x: [N, C]`, `y: [N]`.
///
/// # Errors
/// [`LossError`] for a class that does not exist, a `p` other than 1 and 2, a wrong number of targets or weights, outputs
/// of another shape.
///
/// # Example
/// ```
/// use glulam::loss::{LossForward, MultiMarginLoss};
/// let (mut losses, mut gradient) = ([0.0; 1], [0.0; 2]);
/// let criterion = MultiMarginLoss::DEFAULT;
/// let loss = criterion.forward_flat(&[2], &[0.5, 0.0], &[0_i64], &mut losses, &mut gradient);
/// assert_eq!(loss, Ok(0.25));
/// assert_eq!(gradient, [-0.5, 0.5]);
/// ```
///
/// # References
/// `torch.nn.MultiMarginLoss`; the derivative at a kink is 0.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiMarginLoss {
    /// The power of each shortfall: 1 or 2.
    pub p: u32,
    /// By how much the truth is to win.
    pub margin: f64,
    /// A factor for each class, applied where it is the truth.
    pub weight: LossWeights,
    /// How the losses of all samples become one number; a mean divides by the number of samples.
    pub reduction: Reduction,
}

impl MultiMarginLoss {
    /// PyTorch's defaults: p = 1, a margin of 1, no weights, the mean.
    pub const DEFAULT: Self =
        MultiMarginLoss { p: 1, margin: 1.0, weight: LossWeights::NONE, reduction: Reduction::Mean };

    assertions!(MultiMarginLoss, Anything);

    /// Stops the compilation (or panics) unless a network with this output can be trained with the loss.
    ///
    /// # Panics
    /// If it cannot, with what to change.
    #[track_caller]
    pub const fn assert_fits(&self, output_shape: &[usize], output: crate::network::Output) {
        self.assert_trainable(output);
        assert_one_axis("MultiMarginLoss", output_shape);
        assert_classes("MultiMarginLoss", output_shape, 1, &self.weight);
    }

    const fn problem(&self) -> Option<Problem> {
        Problem::unless(self.p == 1 || self.p == 2, "p", self.p as f64, "1 or 2")
    }
}

impl Positioned for MultiMarginLoss {
    fn losses_len(&self, _shape: &[usize]) -> usize {
        1
    }
}

impl Batch<i64> for MultiMarginLoss {
    fn target_len(&self, _shape: &[usize]) -> usize {
        1
    }
    fn count(&self, shape: &[usize], samples: usize, targets: &[i64]) -> Result<f64, LossError> {
        let classes = check::one_axis("MultiMarginLoss", shape)?;
        self.weight.check_classes("MultiMarginLoss", "weight", classes)?;
        check_len(shape, samples, samples, targets.len())?;
        check_class_targets(targets, 0, classes)?;
        Ok(samples as f64)
    }
}

impl<T: Math> Positions<T, i64> for MultiMarginLoss {
    fn each(&self, rows: Rows<'_, T, i64>, sink: &mut dyn Sink<T>, gradient: &mut [T]) {
        let classes = elements(rows.shape);
        let (margin, share) = (T::from_f64(self.margin), T::from_f64(1.0 / classes as f64));
        let samples = rows.outputs.chunks_exact(classes).zip(gradient.chunks_exact_mut(classes));
        for (i, (x, dx)) in samples.enumerate() {
            let y = rows.targets[i] as usize;
            let weight = share * self.weight.of(y);
            let (scale, truth) = (sink.scale(i) * weight, x[y]);
            let (mut sum, mut slopes) = (T::ZERO, T::ZERO);
            for c in 0..classes {
                let short = margin - truth + x[c];
                let (value, slope) = match short > T::ZERO {
                    _ if c == y => (T::ZERO, T::ZERO),
                    false => (T::ZERO, T::ZERO),
                    true if self.p == 1 => (short, T::ONE),
                    true => (short * short, short + short),
                };
                sum += value;
                slopes += slope;
                dx[c] = scale * slope;
            }
            dx[y] = -(scale * slopes);
            sink.put(i, weight * sum);
        }
    }
}

concrete!(MultiMarginLoss, [f32 i64, f64 i64]);
implement!(MultiMarginLoss, targets i64, expects Anything);
