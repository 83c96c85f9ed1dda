//! [`MultiLabelMarginLoss`]: the hinge of samples with several classes.

use super::check::{Problem, assert_one_axis, assertions};
use super::cross_entropy::check_class_targets;
use super::kernel::{Batch, Positioned, Positions, Sink, check_len, concrete, implement};
use super::*;

/// The scores of all true classes are to be larger than those of all others by 1:
/// `L = 1/C · Σ_{j true} Σ_{i not true} max(0, 1 − (x_j − x_i))`.
///
/// `x` are scores. The true classes of a sample are listed in its row of `y`, up to the first −1.
///
/// # Shapes
/// `x: [N, C]`, `y: [N, C]` of class indices.
///
/// # Errors
/// [`LossError`] for a target that is neither a class nor −1, a wrong number of targets, outputs of another shape.
///
/// # Example
/// ```
/// use glulam::loss::{LossForward, MultiLabelMarginLoss};
/// let (mut losses, mut gradient) = ([0.0; 1], [0.0; 3]);
/// let criterion = MultiLabelMarginLoss::DEFAULT;
/// let truth = [2_i64, -1, 0]; // What follows −1 does not count.
/// let loss = criterion.forward_flat(&[3], &[0.5, -1.0, 0.0], &truth, &mut losses, &mut gradient).unwrap();
/// assert!((loss - 0.5_f64).abs() < 1e-12);
/// ```
///
/// # References
/// `torch.nn.MultiLabelMarginLoss`; the derivative at a kink is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MultiLabelMarginLoss {
    /// How the losses of all samples become one number; a mean divides by the number of samples.
    pub reduction: Reduction,
}

impl MultiLabelMarginLoss {
    /// PyTorch's defaults: the mean.
    pub const DEFAULT: Self = MultiLabelMarginLoss { reduction: Reduction::Mean };

    assertions!(MultiLabelMarginLoss, Anything);

    /// Stops the compilation (or panics) unless a network with this output can be trained with the loss.
    ///
    /// # Panics
    /// If it cannot, with what to change.
    #[track_caller]
    pub const fn assert_fits(&self, output_shape: &[usize], output: crate::network::Output) {
        self.assert_trainable(output);
        assert_one_axis("MultiLabelMarginLoss", output_shape);
    }

    const fn problem(&self) -> Option<Problem> {
        None
    }
}

impl Positioned for MultiLabelMarginLoss {
    fn losses_len(&self, _shape: &[usize]) -> usize {
        1
    }
}

impl Batch<i64> for MultiLabelMarginLoss {
    fn target_len(&self, shape: &[usize]) -> usize {
        elements(shape)
    }
    fn count(&self, shape: &[usize], samples: usize, targets: &[i64]) -> Result<f64, LossError> {
        let classes = check::one_axis("MultiLabelMarginLoss", shape)?;
        check_len(shape, samples, samples * classes, targets.len())?;
        check_class_targets(targets, -1, classes)?;
        Ok(samples as f64)
    }
}

impl<T: Math> Positions<T, i64> for MultiLabelMarginLoss {
    fn each(&self, rows: Rows<'_, T, i64>, sink: &mut dyn Sink<T>, gradient: &mut [T]) {
        let classes = elements(rows.shape);
        let share = T::from_f64(1.0 / classes as f64);
        gradient.fill(T::ZERO);
        let samples = rows.outputs.chunks_exact(classes).zip(gradient.chunks_exact_mut(classes));
        for (n, ((x, dx), targets)) in samples.zip(rows.targets.chunks_exact(classes)).enumerate() {
            let end = targets.iter().position(|&t| t < 0).unwrap_or(classes);
            let truths = &targets[..end];
            let scale = sink.scale(n) * share;
            let mut sum = T::ZERO;
            for i in (0..classes).filter(|&i| !truths.contains(&(i as i64))) {
                for &truth in truths {
                    let short = T::ONE - x[truth as usize] + x[i];
                    if short > T::ZERO {
                        sum += short;
                        dx[i] += scale;
                        dx[truth as usize] += -scale;
                    }
                }
            }
            sink.put(n, share * sum);
        }
    }
}

concrete!(MultiLabelMarginLoss, [f32 i64, f64 i64]);
implement!(MultiLabelMarginLoss, targets i64, expects Anything);
