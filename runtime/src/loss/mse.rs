//! [`MSELoss`]: the squared error.

use super::check::{Problem, fits_any_shape};
use super::element::{Element, element_wise};
use super::*;

/// The squared error of each element, `L = mean((x − y)²)`.
///
/// `x` is the network's output and `y` the target; `∂L/∂x = 2(x − y)/n` for `n` elements.
///
/// # Shapes
/// `x: [N, …]`, `y` the same.
///
/// # Errors
/// [`LossError`] for a wrong number of targets.
///
/// # Example
/// ```
/// use glulam::loss::{LossForward, MSELoss};
/// let (mut losses, mut gradient) = ([0.0; 2], [0.0; 2]);
/// let loss = MSELoss::DEFAULT.forward_flat(&[1], &[1.0, 4.0], &[2.0, 2.0], &mut losses, &mut gradient);
/// assert_eq!(loss, Ok(2.5));
/// assert_eq!(gradient, [-1.0, 2.0]);
/// ```
///
/// # References
/// `torch.nn.MSELoss`, except that targets are not broadcast: PyTorch does it with a warning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MSELoss {
    /// How the losses of all elements become one number.
    pub reduction: Reduction,
}

impl MSELoss {
    /// PyTorch's defaults: the mean.
    pub const DEFAULT: Self = MSELoss { reduction: Reduction::Mean };

    const fn problem(&self) -> Option<Problem> {
        None
    }
}

impl<T: Math> Element<T> for MSELoss {
    #[inline(always)]
    fn element<S: Simd>(&self, x: T, y: T, _w: [T; 2]) -> (T, T) {
        let d = x - y;
        (d * d, d + d)
    }
}

element_wise!(vector MSELoss, expects Anything);
fits_any_shape!(MSELoss, Anything);
