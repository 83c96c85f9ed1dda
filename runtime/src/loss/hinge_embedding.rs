//! [`HingeEmbeddingLoss`]: distances of pairs that are alike or not.

use super::check::{Problem, fits_any_shape};
use super::element::{CheckTargets, Element, element_wise};
use super::*;

/// A distance is to be small for like pairs and at least `margin` for others: `L = x` where `y = 1`, and
/// `L = max(0, margin − x)` where `y = −1`.
///
/// `x` is a distance that the network puts out, `y` is 1 or −1.
///
/// # Shapes
/// `x: [N, …]`, `y` the same.
///
/// # Errors
/// [`LossError`] for a target that is neither 1 nor −1 (PyTorch adds both terms then), or a wrong number of targets.
///
/// # Example
/// ```
/// use glulam::loss::{HingeEmbeddingLoss, LossForward};
/// let (mut losses, mut gradient) = ([0.0; 2], [0.0; 2]);
/// let loss = HingeEmbeddingLoss::DEFAULT.forward_flat(&[1], &[0.5, 0.25], &[1.0, -1.0], &mut losses, &mut gradient);
/// assert_eq!(loss, Ok((0.5 + 0.75) / 2.0));
/// assert_eq!(gradient, [0.5, -0.5]);
/// ```
///
/// # References
/// `torch.nn.HingeEmbeddingLoss`; the derivative at the kink `x = margin` is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HingeEmbeddingLoss {
    /// The distance from which on unlike pairs cost nothing.
    pub margin: f64,
    /// How the losses of all elements become one number.
    pub reduction: Reduction,
}

impl HingeEmbeddingLoss {
    /// PyTorch's defaults: a margin of 1, the mean.
    pub const DEFAULT: Self = HingeEmbeddingLoss { margin: 1.0, reduction: Reduction::Mean };

    const fn problem(&self) -> Option<Problem> {
        None
    }
}

impl<T: Math> Element<T> for HingeEmbeddingLoss {
    #[inline(always)]
    fn element<S: Simd>(&self, x: T, y: T, _w: [T; 2]) -> (T, T) {
        let slack = T::from_f64(self.margin) - x;
        if y == T::ONE {
            (x, T::ONE)
        } else if slack <= T::ZERO {
            (T::ZERO, T::ZERO)
        } else {
            (slack, -T::ONE)
        }
    }
}

impl CheckTargets for HingeEmbeddingLoss {
    fn check_targets<T: Real>(&self, _shape: &[usize], _samples: usize, targets: &[T]) -> Result<(), LossError> {
        check_signs("HingeEmbeddingLoss", targets)
    }
}

/// Whether all targets are 1 or −1.
pub(super) fn check_signs<T: Real>(loss: &'static str, targets: &[T]) -> Result<(), LossError> {
    match T::first_not_sign(targets) {
        None => Ok(()),
        Some(index) => Err(LossError::Target { loss, index, found: targets[index].to_f64(), expected: "1 or -1" }),
    }
}

element_wise!(portable HingeEmbeddingLoss, expects Anything, checked);
fits_any_shape!(HingeEmbeddingLoss, Anything);
