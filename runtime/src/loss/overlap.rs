//! [`DiceLoss`] and [`TverskyLoss`]: how little two masks overlap.

use super::check::{Problem, assert_classes, assertions};
use super::kernel::{Batch, Positioned, Positions, Sink, check_len, concrete, implement, sum_of};
use super::*;

/// One less the Dice coefficient of two masks: `L = 1 − (2 Σ p·y + s)/(Σ p + Σ y + s)`, over all elements of a sample.
///
/// `p` is a predicted mask of probabilities (a network that ends in `Sigmoid` or `Softmax`), `y` the true mask in [0, 1],
/// s is `smooth`, which keeps the loss of two empty masks defined (0). With `per_channel` there is one loss for each
/// channel of a sample.
///
/// # Shapes
/// `p: [N, …]`, `y` the same; with `per_channel` `[N, C, …]`.
///
/// # Errors
/// [`LossError`] for a negative `smooth`, a wrong number of targets, channels of outputs that are single numbers.
///
/// # Example
/// ```
/// use glulam::loss::{DiceLoss, LossForward};
/// let criterion = DiceLoss { smooth: 0.0, ..DiceLoss::DEFAULT };
/// let (mut losses, mut gradient) = ([0.0; 1], [0.0; 4]);
/// let loss = criterion.forward_flat(&[4], &[1.0, 1.0, 0.0, 0.0], &[1.0, 0.0, 1.0, 0.0], &mut losses, &mut gradient);
/// assert_eq!(loss, Ok(0.5));
/// ```
///
/// # References
/// Beyond PyTorch; Milletari et al. 2016, arXiv:1606.04797 (whose denominator has squares); `keras.losses.Dice`, which
/// sums over the whole batch, has no `smooth` (1e-7 below alone), and is 1 for two empty masks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiceLoss {
    /// Added above and below; 0 or more.
    pub smooth: f64,
    /// A loss for each channel (axis 1) rather than for each sample.
    pub per_channel: bool,
    /// How the losses become one number.
    pub reduction: Reduction,
}

/// One less the Tversky index of two masks: `L = 1 − (TP + s)/(TP + α·FP + β·FN + s)`, over all elements of a sample,
/// with `TP = Σ p·y`, `FP = Σ p(1 − y)` and `FN = Σ (1 − p)y`.
///
/// `p` is a predicted mask of probabilities (a network that ends in `Sigmoid` or `Softmax`), `y` the true mask in [0, 1],
/// α is `alpha`, the price of what is wrongly marked, β is `beta`, the price of what is missed, s is `smooth`. With
/// α = β = ½ it is the [`DiceLoss`] of twice the `smooth`.
///
/// # Shapes
/// `p: [N, …]`, `y` the same; with `per_channel` `[N, C, …]`.
///
/// # Errors
/// [`LossError`] for a negative option, a wrong number of targets, channels of outputs that are single numbers.
///
/// # Example
/// ```
/// use glulam::loss::{LossForward, TverskyLoss};
/// let criterion = TverskyLoss { alpha: 0.0, beta: 1.0, smooth: 0.0, ..TverskyLoss::DEFAULT };
/// let (mut losses, mut gradient) = ([0.0; 1], [0.0; 4]);
/// let loss = criterion.forward_flat(&[4], &[1.0, 1.0, 0.0, 0.0], &[1.0, 0.0, 0.0, 0.0], &mut losses, &mut gradient);
/// assert_eq!(loss, Ok(0.0)); // Nothing is missed.
/// ```
///
/// # References
/// Beyond PyTorch; Salehi et al. 2017, arXiv:1706.05721, equation 4. `keras.losses.Tversky` exchanges α and β, against the
/// paper and its own documentation: there `alpha` is the price of what is missed, `beta` of what is wrongly marked (keras
/// 3.15.1). It sums over the whole batch, has no `smooth` (1e-7 below alone), and is 1 for two empty masks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TverskyLoss {
    /// The price of what is wrongly marked; 0 or more.
    pub alpha: f64,
    /// The price of what is missed; 0 or more.
    pub beta: f64,
    /// Added above and below; 0 or more.
    pub smooth: f64,
    /// A loss for each channel (axis 1) rather than for each sample.
    pub per_channel: bool,
    /// How the losses become one number.
    pub reduction: Reduction,
}

impl DiceLoss {
    /// One added above and below, a loss for each sample, the mean.
    pub const DEFAULT: Self = DiceLoss { smooth: 1.0, per_channel: false, reduction: Reduction::Mean };

    const fn problem(&self) -> Option<Problem> {
        Problem::unless(self.smooth >= 0.0, "smooth", self.smooth, "at least 0")
    }

    const fn index(&self) -> Index {
        Index { alpha: 0.5, beta: 0.5, smooth: 0.5 * self.smooth }
    }
}

impl TverskyLoss {
    /// Both prices ½, one added above and below, a loss for each sample, the mean.
    pub const DEFAULT: Self =
        TverskyLoss { alpha: 0.5, beta: 0.5, smooth: 1.0, per_channel: false, reduction: Reduction::Mean };

    const fn problem(&self) -> Option<Problem> {
        if let Some(problem) = Problem::unless(self.alpha >= 0.0, "alpha", self.alpha, "at least 0") {
            return Some(problem);
        }
        if let Some(problem) = Problem::unless(self.beta >= 0.0, "beta", self.beta, "at least 0") {
            return Some(problem);
        }
        Problem::unless(self.smooth >= 0.0, "smooth", self.smooth, "at least 0")
    }

    const fn index(&self) -> Index {
        Index { alpha: self.alpha, beta: self.beta, smooth: self.smooth }
    }
}

/// The numbers of a Tversky index.
#[derive(Clone, Copy)]
struct Index {
    alpha: f64,
    beta: f64,
    smooth: f64,
}

impl Index {
    /// The loss of one mask; its derivative goes to `dp`. (Compiled once for both losses.)
    #[inline(never)]
    fn mask<T: Math>(self, p: &[T], y: &[T], scale: T, dp: &mut [T]) -> T {
        let (p, y, dp) = (p, &y[..p.len()], &mut dp[..p.len()]);
        let (alpha, beta, smooth) = (T::from_f64(self.alpha), T::from_f64(self.beta), T::from_f64(self.smooth));
        let both = sum_of(p.len(), |i| p[i] * y[i]);
        let wrong = sum_of(p.len(), |i| p[i] * (T::ONE - y[i]));
        let missed = sum_of(p.len(), |i| (T::ONE - p[i]) * y[i]);
        let price = alpha * wrong + beta * missed;
        let whole = both + price + smooth;
        // L = price/D with D = TP + price + s; ∂D/∂p = y + ∂price/∂p.
        let (loss, inverse) = (price / whole, T::ONE / whole);
        for i in 0..p.len() {
            let slope = alpha * (T::ONE - y[i]) - beta * y[i];
            dp[i] = scale * inverse * (slope - loss * (y[i] + slope));
        }
        loss
    }
}

macro_rules! overlap {
    ($loss:ident) => {
        impl $loss {
            assertions!($loss, Probabilities);

            /// Stops the compilation (or panics) unless a network with this output can be trained with the loss.
            ///
            /// # Panics
            /// If it cannot, with what to change.
            #[track_caller]
            pub const fn assert_fits(&self, output_shape: &[usize], output: crate::network::Output) {
                self.assert_trainable(output);
                if self.per_channel {
                    assert_classes(stringify!($loss), output_shape, 1, &LossWeights::NONE);
                }
            }
        }

        impl Positioned for $loss {
            fn losses_len(&self, shape: &[usize]) -> usize {
                if self.per_channel { shape.first().copied().unwrap_or(1) } else { 1 }
            }
        }

        impl<T: Real> Batch<T> for $loss {
            fn target_len(&self, shape: &[usize]) -> usize {
                elements(shape)
            }
            fn count(&self, shape: &[usize], samples: usize, targets: &[T]) -> Result<f64, LossError> {
                if self.per_channel {
                    softmax::Axes::of(stringify!($loss), shape, 1)?;
                }
                check_len(shape, samples, samples * elements(shape), targets.len())?;
                Ok((samples * self.losses_len(shape)) as f64)
            }
        }

        impl<T: Math> Positions<T, T> for $loss {
            fn each(&self, rows: Rows<'_, T, T>, sink: &mut dyn Sink<T>, gradient: &mut [T]) {
                let len = elements(rows.shape) / self.losses_len(rows.shape);
                let masks = rows.outputs.chunks_exact(len).zip(rows.targets.chunks_exact(len));
                for (i, ((p, y), dp)) in masks.zip(gradient.chunks_exact_mut(len)).enumerate() {
                    let value = self.index().mask(p, y, sink.scale(i), dp);
                    sink.put(i, value);
                }
            }
        }

        concrete!($loss, [f32 f32, f64 f64]);
        implement!($loss, targets T, expects Probabilities);
    };
}
overlap!(DiceLoss);
overlap!(TverskyLoss);
