//! Losses of one output and one target element each: the loops over rows, and what all of them have in common.

use super::kernel::lane_sum;
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

/// As many targets as outputs.
pub(super) fn check_len(shape: &[usize], samples: usize, expected: usize, found: usize) -> Result<(), LossError> {
    if found == expected {
        return Ok(());
    }
    Err(LossError::TargetLength { found, expected, samples, shape: shape.to_vec() })
}

/// Implements [`Loss`] for an element-wise loss, from its `problem` (a constant function) and its [`Element`].
macro_rules! element_wise {
    ($loss:ident, expects $expects:ident) => {
        $crate::loss::kernel::concrete!(
            $loss,
            [f32 f32, f64 f64],
            $crate::loss::element::rows,
            $crate::loss::element::unreduced
        );

        impl<T: $crate::Real> $crate::loss::Loss<T, T> for $loss {
            const NAME: &'static str = stringify!($loss);
            const EXPECTS: $crate::loss::Expects = $crate::loss::Expects::$expects;

            fn reduction(&self) -> $crate::loss::Reduction {
                self.reduction
            }
            fn target_len(&self, shape: &[usize]) -> usize {
                $crate::loss::elements(shape)
            }
            fn prepare(&self, shape: &[usize], samples: usize, targets: &[T]) -> Result<T, $crate::loss::LossError> {
                if let Some(problem) = self.problem() {
                    return Err(problem.error(stringify!($loss)));
                }
                let expected = samples * $crate::loss::elements(shape);
                $crate::loss::element::check_len(shape, samples, expected, targets.len())?;
                $crate::loss::element::Element::check_batch(self, shape, samples, targets)?;
                Ok($crate::loss::kernel::factor(self.reduction, expected as f64, samples))
            }
            fn rows(&self, rows: $crate::loss::Rows<'_, T, T>, factor: T, losses: &mut [T], gradient: &mut [T]) {
                <T as $crate::loss::kernel::RowKernel<$loss, T>>::rows(self, rows, factor, losses, gradient);
            }
            fn unreduced_len(&self, shape: &[usize]) -> usize {
                $crate::loss::elements(shape)
            }
            fn unreduced_rows(
                &self,
                rows: $crate::loss::Rows<'_, T, T>,
                upstream: &[T],
                losses: &mut [T],
                gradient: &mut [T],
            ) {
                <T as $crate::loss::kernel::RowKernel<$loss, T>>::unreduced(self, rows, upstream, losses, gradient);
            }
        }
    };
}
pub(super) use element_wise;

/// `assert_fits` of a loss that takes outputs of any shape.
macro_rules! fits_any_shape {
    ($loss:ident, $expects:ident) => {
        impl $loss {
            $crate::loss::element::assertions!($loss, $expects);

            /// Stops the compilation (or panics) unless a network with this output can be trained with the loss.
            ///
            /// # Panics
            /// If it cannot, with what to change.
            pub const fn assert_fits(&self, _output_shape: &[usize], output: $crate::network::Output) {
                self.assert_trainable(output);
            }
        }
    };
}
pub(super) use fits_any_shape;

/// The constant assertions that every loss has.
macro_rules! assertions {
    ($loss:ident, $expects:ident) => {
        /// Stops the compilation (or panics) if an option is out of its range.
        ///
        /// # Panics
        /// If it is, with what is allowed.
        pub const fn assert_valid(&self) {
            if let Some(problem) = self.problem() {
                problem.panic(stringify!($loss))
            }
        }

        /// Valid, reduced to one number, and what the network puts out is what the loss expects.
        const fn assert_trainable(&self, output: $crate::network::Output) {
            self.assert_valid();
            $crate::loss::check::assert_reduced(stringify!($loss), self.reduction);
            $crate::loss::Expects::$expects.assert_fits(stringify!($loss), output);
        }
    };
}
pub(super) use assertions;
