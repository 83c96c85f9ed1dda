//! [`SmoothL1Loss`]: squared error near zero, absolute error beyond.

use super::check::{Problem, fits_any_shape};
use super::element::{Element, element_wise};
use super::l1::absolute;
use super::*;

/// Squared error near zero and absolute error beyond: `(x − y)²/(2β)` where `|x − y| < β`, else `|x − y| − β/2`.
///
/// `x` is the network's output, `y` the target, β is `beta`. The slope is at most 1 whatever β is; `beta = 0` is
/// [`L1Loss`].
///
/// # Shapes
/// `x: [N, …]`, `y` the same.
///
/// # Errors
/// [`LossError`] for a negative `beta`, or a wrong number of targets.
///
/// # Example
/// ```
/// use glulam::loss::{LossForward, SmoothL1Loss};
/// let (mut losses, mut gradient) = ([0.0; 2], [0.0; 2]);
/// let loss = SmoothL1Loss::DEFAULT.forward_flat(&[1], &[0.5, 3.0], &[0.0, 0.0], &mut losses, &mut gradient);
/// assert_eq!(loss, Ok((0.125 + 2.5) / 2.0));
/// assert_eq!(gradient, [0.25, 0.5]);
/// ```
///
/// # References
/// `torch.nn.SmoothL1Loss`; Girshick 2015, "Fast R-CNN", equation 3 (β = 1). [`HuberLoss`] is β times it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmoothL1Loss {
    /// How the losses of all elements become one number.
    pub reduction: Reduction,
    /// Where the absolute error begins; 0 or more.
    pub beta: f64,
}

impl SmoothL1Loss {
    /// PyTorch's defaults: the mean, β = 1.
    pub const DEFAULT: Self = SmoothL1Loss { reduction: Reduction::Mean, beta: 1.0 };

    const fn problem(&self) -> Option<Problem> {
        Problem::unless(self.beta >= 0.0, "beta", self.beta, "at least 0")
    }
}

impl<T: Math> Element<T> for SmoothL1Loss {
    #[inline(always)]
    fn element<S: Simd>(&self, x: T, y: T, _w: [T; 2]) -> (T, T) {
        let (d, beta, half) = (x - y, T::from_f64(self.beta), T::from_f64(0.5));
        let (size, sign) = absolute(d);
        // With β = 0 no error is below it, so that nothing is divided by zero.
        if size < beta { (half * d * d / beta, d / beta) } else { (size - half * beta, sign) }
    }
}

element_wise!(vector SmoothL1Loss, expects Anything);
fits_any_shape!(SmoothL1Loss, Anything);
