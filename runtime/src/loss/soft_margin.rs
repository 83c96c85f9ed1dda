//! [`SoftMarginLoss`]: the logistic loss of signs.

use super::check::{Problem, fits_any_shape};
use super::element::{Element, element_wise};
use super::*;

/// The logistic loss of a sign, `L = mean(ln(1 + e^(−y·x)))`.
///
/// `x` is a score (a logit), `y` is 1 or −1; `∂L/∂x = −y σ(−y·x)/n` for `n` elements. Computed as
/// `max(−y·x, 0) + ln(1 + e^−|y·x|)`, which is finite for scores of any size (PyTorch's overflows).
///
/// # Shapes
/// `x: [N, …]`, `y` the same.
///
/// # Errors
/// [`LossError`] for a wrong number of targets. Targets other than 1 and −1 are scaled scores, as in PyTorch.
///
/// # Example
/// ```
/// use glulam::loss::{LossForward, SoftMarginLoss};
/// let (mut losses, mut gradient) = ([0.0; 2], [0.0; 2]);
/// let loss = SoftMarginLoss::DEFAULT.forward_flat(&[2], &[0.0, -1000.0], &[1.0, 1.0], &mut losses[..1], &mut gradient);
/// assert_eq!(loss, Ok((2f64.ln() + 1000.0) / 2.0));
/// assert_eq!(gradient, [-0.25, -0.5]);
/// ```
///
/// # References
/// `torch.nn.SoftMarginLoss`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoftMarginLoss {
    /// How the losses of all elements become one number.
    pub reduction: Reduction,
}

impl SoftMarginLoss {
    /// PyTorch's defaults: the mean.
    pub const DEFAULT: Self = SoftMarginLoss { reduction: Reduction::Mean };

    const fn problem(&self) -> Option<Problem> {
        None
    }
}

impl<T: Math> Element<T> for SoftMarginLoss {
    #[inline(always)]
    fn element<S: Simd>(&self, x: T, y: T, _w: [T; 2]) -> (T, T) {
        let (softplus, sigmoid) = softplus_sigmoid::<S, T>(-(y * x));
        (softplus, -(y * sigmoid))
    }
}

/// `ln(1 + eˣ)` and its derivative `1/(1 + e⁻ˣ)`, of numbers of any size.
#[inline(always)]
pub(super) fn softplus_sigmoid<S: Simd, T: Math>(x: T) -> (T, T) {
    // e^−|x| serves both, and cannot overflow.
    let e = (-x.abs()).exp::<S>();
    let (least, numerator) = if x >= T::ZERO { (x, T::ONE) } else { (T::ZERO, e) };
    (least + e.ln_1p::<S>(), numerator / (T::ONE + e))
}

element_wise!(portable SoftMarginLoss, expects Logits);
fits_any_shape!(SoftMarginLoss, Logits);
