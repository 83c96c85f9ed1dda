//! [`L1Loss`]: the absolute error.

use super::check::{Problem, fits_any_shape};
use super::element::{Element, element_wise};
use super::*;

/// The absolute error of each element, `L = mean(|x − y|)`.
///
/// `x` is the network's output and `y` the target; `∂L/∂x = sign(x − y)/n` for `n` elements, 0 where they are equal.
///
/// # Shapes
/// `x: [N, …]`, `y` the same.
///
/// # Errors
/// [`LossError`] for a wrong number of targets.
///
/// # Example
/// ```
/// use glulam::loss::{L1Loss, LossForward, Reduction};
/// let criterion = L1Loss { reduction: Reduction::Sum };
/// let (mut losses, mut gradient) = ([0.0; 2], [0.0; 2]);
/// let loss = criterion.forward_flat(&[1], &[1.0, 4.0], &[2.0, 4.0], &mut losses, &mut gradient);
/// assert_eq!(loss, Ok(1.0));
/// assert_eq!(gradient, [-1.0, 0.0]);
/// ```
///
/// # References
/// `torch.nn.L1Loss`, except that targets are not broadcast: PyTorch does it with a warning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct L1Loss {
    /// How the losses of all elements become one number.
    pub reduction: Reduction,
}

impl L1Loss {
    /// PyTorch's defaults: the mean.
    pub const DEFAULT: Self = L1Loss { reduction: Reduction::Mean };

    const fn problem(&self) -> Option<Problem> {
        None
    }
}

impl<T: Math> Element<T> for L1Loss {
    #[inline(always)]
    fn element<S: Simd>(&self, x: T, y: T, _w: [T; 2]) -> (T, T) {
        absolute(x - y)
    }
}

/// |d| and its derivative, 0 at 0.
#[inline(always)]
pub(super) fn absolute<T: Math>(d: T) -> (T, T) {
    let sign = if d > T::ZERO {
        T::ONE
    } else if d < T::ZERO {
        -T::ONE
    } else {
        d // 0, or NaN, which must not vanish.
    };
    (d.abs(), sign)
}

element_wise!(vector L1Loss, expects Anything);
fits_any_shape!(L1Loss, Anything);
