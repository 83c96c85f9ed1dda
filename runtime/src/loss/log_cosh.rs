//! [`LogCoshLoss`]: a smooth absolute error.

use super::check::{Problem, fits_any_shape};
use super::element::{Element, element_wise};
use super::*;

/// The logarithm of the hyperbolic cosine of the error, `L = mean(ln cosh(x − y))`.
///
/// `x` is the network's output and `y` the target. Near zero it is half the squared error, far away the absolute error
/// less ln 2, and smooth everywhere: `∂L/∂x = tanh(x − y)/n` for `n` elements. Computed as
/// `−½ ln(1 − tanh² d)` or `|d| + ln(1 + e^−2|d|) − ln 2`, with `d = x − y`: exact for small errors, finite for large ones.
///
/// # Shapes
/// `x: [N, …]`, `y` the same.
///
/// # Errors
/// [`LossError`] for a wrong number of targets.
///
/// # Example
/// ```
/// use glulam::loss::{LogCoshLoss, LossForward};
/// let (mut losses, mut gradient) = ([0.0; 2], [0.0; 2]);
/// let loss = LogCoshLoss::DEFAULT.forward_flat(&[2], &[0.0, 1000.0], &[0.0, 0.0], &mut losses[..1], &mut gradient);
/// assert_eq!(loss, Ok((1000.0 - 2f64.ln()) / 2.0));
/// assert_eq!(gradient, [0.0, 0.5]);
/// ```
///
/// # References
/// Beyond PyTorch; `keras.losses.LogCosh`, whose loss of small errors is lost in rounding (0 for 1e-4 in single precision).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogCoshLoss {
    /// How the losses of all elements become one number.
    pub reduction: Reduction,
}

impl LogCoshLoss {
    /// The mean.
    pub const DEFAULT: Self = LogCoshLoss { reduction: Reduction::Mean };

    const fn problem(&self) -> Option<Problem> {
        None
    }
}

impl<T: Math> Element<T> for LogCoshLoss {
    #[inline(always)]
    fn element<S: Simd>(&self, x: T, y: T, _w: [T; 2]) -> (T, T) {
        let d = x - y;
        let (size, tanh) = (d.abs(), d.tanh::<S>());
        // Near 0 the second would be a difference of nearly equal numbers; far from it tanh² is 1.
        let near = T::from_f64(-0.5) * (-(tanh * tanh)).ln_1p::<S>();
        let far = size + (-(size + size)).exp::<S>().ln_1p::<S>() - T::from_f64(std::f64::consts::LN_2);
        (if size < T::ONE { near } else { far }, tanh)
    }
}

element_wise!(portable LogCoshLoss, expects Anything);
fits_any_shape!(LogCoshLoss, Anything);
