//! [`LogCoshLoss`]: a smooth absolute error.

use super::check::{Problem, fits_any_shape};
use super::element::{Element, element_wise};
use super::*;

/// The logarithm of the hyperbolic cosine of the error, `L = mean(ln cosh(x − y))`.
///
/// `x` is the network's output and `y` the target. Near zero it is half the squared error, far away the absolute error
/// less ln 2, and smooth everywhere: `∂L/∂x = tanh(x − y)/n` for `n` elements. Computed as
/// `|d| + ln(1 + e^−2|d|) − ln 2`, with `d = x − y`, which is finite for errors of any size.
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
/// Beyond PyTorch; `keras.losses.LogCosh`.
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

impl<T: Real> Element<T> for LogCoshLoss {
    #[inline(always)]
    fn element(&self, _at: usize, x: T, y: T) -> (T, T) {
        let d = x - y;
        let (size, tanh, half) = (d.abs(), d.tanh(), T::from_f64(0.5));
        let value = if size < T::ONE {
            // ln cosh d = −½ ln(1 − tanh² d): the other formula would be a difference of nearly equal numbers.
            -half * (-(tanh * tanh)).ln_1p()
        } else {
            size + (-(size + size)).exp().ln_1p() - T::from_f64(std::f64::consts::LN_2)
        };
        (value, tanh)
    }
}

element_wise!(LogCoshLoss, expects Anything);
fits_any_shape!(LogCoshLoss, Anything);
