//! Losses of one output and one target element each: the loops over rows, and what all of them have in common.

use super::kernel::{check_len, lane_sum};
use super::*;

/// A loss that is a function of one output and one target.
pub(super) trait Element<T> {
    /// The loss of output `x` for target `y`, and its derivative with respect to `x`. `at` is the element's place in
    /// the batch, for losses with weights.
    fn element(&self, at: usize, x: T, y: T) -> (T, T);

    /// What more there is to check of the options and the targets of a batch.
    fn check_batch(&self, _shape: &[usize], _samples: usize, _targets: &[T]) -> Result<(), LossError> {
        Ok(())
    }
}

/// Σ over each sample, times `factor`.
#[inline(always)]
pub(super) fn rows<T: Real>(
    loss: &impl Element<T>,
    rows: Rows<'_, T, T>,
    factor: T,
    losses: &mut [T],
    gradient: &mut [T],
) {
    let len = elements(rows.shape);
    let samples = rows.outputs.chunks_exact(len).zip(rows.targets.chunks_exact(len));
    for (i, ((x, y), (sum, dx))) in samples.zip(losses.iter_mut().zip(gradient.chunks_exact_mut(len))).enumerate() {
        let start = (rows.first + i) * len;
        let (x, y, dx) = (&x[..len], &y[..len], &mut dx[..len]);
        *sum = factor
            * lane_sum(len, |j| {
                let (value, derivative) = loss.element(start + j, x[j], y[j]);
                dx[j] = factor * derivative;
                value
            });
    }
}

/// Each element for itself.
#[inline(always)]
pub(super) fn unreduced<T: Real>(
    loss: &impl Element<T>,
    rows: Rows<'_, T, T>,
    upstream: &[T],
    losses: &mut [T],
    gradient: &mut [T],
) {
    let start = rows.first * elements(rows.shape);
    let (n, targets) = (rows.outputs.len(), rows.targets);
    let (targets, upstream, losses, gradient) = (&targets[..n], &upstream[..n], &mut losses[..n], &mut gradient[..n]);
    for j in 0..n {
        let (value, derivative) = loss.element(start + j, rows.outputs[j], targets[j]);
        losses[j] = value;
        gradient[j] = upstream[j] * derivative;
    }
}

/// [`Batch::count`](super::kernel::Batch::count) of an element-wise loss: a target for each output.
pub(super) fn count<T: Real>(
    loss: &impl Element<T>,
    shape: &[usize],
    samples: usize,
    targets: &[T],
) -> Result<f64, LossError> {
    let expected = samples * elements(shape);
    check_len(shape, samples, expected, targets.len())?;
    loss.check_batch(shape, samples, targets)?;
    Ok(expected as f64)
}

/// Implements [`Loss`] for an element-wise loss, from its `problem` (a constant function) and its [`Element`].
macro_rules! element_wise {
    ($loss:ident, expects $expects:ident) => {
        impl<T: $crate::Real> $crate::loss::kernel::Batch<T> for $loss {
            fn target_len(&self, shape: &[usize]) -> usize {
                $crate::loss::elements(shape)
            }
            fn losses_len(&self, shape: &[usize]) -> usize {
                $crate::loss::elements(shape)
            }
            fn count(&self, shape: &[usize], samples: usize, targets: &[T]) -> Result<f64, $crate::loss::LossError> {
                $crate::loss::element::count(self, shape, samples, targets)
            }
        }
        $crate::loss::kernel::concrete!(
            $loss,
            [f32 f32, f64 f64],
            $crate::loss::element::rows,
            $crate::loss::element::unreduced
        );
        $crate::loss::kernel::implement!($loss, targets T, expects $expects);
    };
}
pub(super) use element_wise;
