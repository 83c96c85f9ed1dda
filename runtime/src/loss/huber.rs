//! [`HuberLoss`]: squared error near zero, absolute error beyond.

use super::check::{Problem, fits_any_shape};
use super::element::{Element, element_wise};
use super::*;

/// Squared error near zero and absolute error beyond: `(x − y)²/2` where `|x − y| ≤ δ`, else `δ(|x − y| − δ/2)`.
///
/// `x` is the network's output, `y` the target, δ is `delta`: the largest slope.
///
/// # Shapes
/// `x: [N, …]`, `y` the same.
///
/// # Errors
/// [`LossError`] for a `delta` that is not positive, or a wrong number of targets.
///
/// # Example
/// ```
/// use glulam::loss::{HuberLoss, LossForward};
/// let criterion = HuberLoss { delta: 2.0, ..HuberLoss::DEFAULT };
/// let (mut losses, mut gradient) = ([0.0; 2], [0.0; 2]);
/// let loss = criterion.forward_flat(&[1], &[1.0, 3.0], &[0.0, 0.0], &mut losses, &mut gradient);
/// assert_eq!(loss, Ok((0.5 + 4.0) / 2.0));
/// assert_eq!(gradient, [0.5, 1.0]);
/// ```
///
/// # References
/// `torch.nn.HuberLoss`; Huber 1964, "Robust Estimation of a Location Parameter". [`SmoothL1Loss`] with β = δ is 1/δ
/// times it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HuberLoss {
    /// How the losses of all elements become one number.
    pub reduction: Reduction,
    /// Where the absolute error begins; positive.
    pub delta: f64,
}

impl HuberLoss {
    /// PyTorch's defaults: the mean, δ = 1.
    pub const DEFAULT: Self = HuberLoss { reduction: Reduction::Mean, delta: 1.0 };

    const fn problem(&self) -> Option<Problem> {
        Problem::unless(self.delta > 0.0, "delta", self.delta, "more than 0")
    }
}

impl<T: Math> Element<T> for HuberLoss {
    #[inline(always)]
    fn element<S: Simd>(&self, x: T, y: T, _w: [T; 2]) -> (T, T) {
        let (d, delta, half) = (x - y, T::from_f64(self.delta), T::from_f64(0.5));
        if d > delta {
            (delta * (d - half * delta), delta)
        } else if d < -delta {
            (delta * (-d - half * delta), -delta)
        } else {
            (half * d * d, d)
        }
    }
}

element_wise!(vector HuberLoss, expects Anything);
fits_any_shape!(HuberLoss, Anything);
