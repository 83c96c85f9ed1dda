//! [`BinaryFocalLoss`]: binary cross entropy that cares less for what is easy.

use super::check::{Problem, fits_any_shape};
use super::element::{Element, element_wise};
use super::soft_margin::softplus_sigmoid;
use super::*;

/// Binary cross entropy of logits, weighed down for what the network already knows:
/// `L = −α_t (1 − p_t)^γ [y ln p + (1 − y) ln(1 − p)]`, with `p = σ(x)`, `p_t = y·p + (1 − y)(1 − p)` and
/// `α_t = α·y + (1 − α)(1 − y)`.
///
/// `x` is a logit, `y` the target in [0, 1], γ is `gamma` (0 or more), α is `alpha` in [0, 1] (a negative one leaves α_t
/// out). Finite for logits of any size.
///
/// # Shapes
/// `x: [N, …]`, `y` the same.
///
/// # Errors
/// [`LossError`] for options out of their range, or a wrong number of targets.
///
/// # Example
/// ```
/// use glulam::loss::{BinaryFocalLoss, LossForward};
/// let criterion = BinaryFocalLoss { alpha: -1.0, ..BinaryFocalLoss::DEFAULT };
/// let (mut losses, mut gradient) = ([0.0; 1], [0.0; 1]);
/// let loss = criterion.forward_flat(&[1], &[0.0], &[1.0], &mut losses, &mut gradient).unwrap();
/// assert!((loss - 0.25 * 2f64.ln()).abs() < 1e-12);
/// ```
///
/// # References
/// Beyond PyTorch; Lin et al. 2017, arXiv:1708.02002, equation 5, and `torchvision.ops.sigmoid_focal_loss` (whose
/// reduction is `none` by default). `keras.losses.BinaryFocalCrossentropy` applies α only with
/// `apply_class_balancing=True`: by default it is this loss with `alpha: -1.0`, of probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BinaryFocalLoss {
    /// The weight of positive targets, 1 less it that of negative ones; none if negative.
    pub alpha: f64,
    /// How quickly the weight falls with the probability of the truth; 0 or more.
    pub gamma: f64,
    /// How the losses of all elements become one number.
    pub reduction: Reduction,
}

impl BinaryFocalLoss {
    /// The paper's numbers: α = 0.25, γ = 2; the mean.
    pub const DEFAULT: Self = BinaryFocalLoss { alpha: 0.25, gamma: 2.0, reduction: Reduction::Mean };

    const fn problem(&self) -> Option<Problem> {
        let alpha = Problem::unless(self.alpha <= 1.0, "alpha", self.alpha, "in [0, 1], or negative for none");
        if alpha.is_some() {
            return alpha;
        }
        Problem::unless(self.gamma >= 0.0, "gamma", self.gamma, "at least 0")
    }
}

impl<T: Math> Element<T> for BinaryFocalLoss {
    #[inline(always)]
    fn element<S: Simd>(&self, x: T, y: T, _w: [T; 2]) -> (T, T) {
        // p = σ(x) and q = 1 − p, each with all its digits.
        let (softplus, q) = softplus_sigmoid::<S, T>(-x);
        let (_, p) = softplus_sigmoid::<S, T>(x);
        let cross_entropy = (T::ONE - y) * x + softplus;
        let alpha = match self.alpha >= 0.0 {
            true => T::from_f64(self.alpha) * y + T::from_f64(1.0 - self.alpha) * (T::ONE - y),
            false => T::ONE,
        };
        // 1 − p_t, and its derivative (1 − 2y) p q.
        let miss = p * (T::ONE - y) + q * y;
        let (power, slope) = power_and_slope::<S, T>(miss, self.gamma);
        let derivative = power * (p - y) + slope * (T::ONE - y - y) * (p * q) * cross_entropy;
        (alpha * power * cross_entropy, alpha * derivative)
    }
}

/// `x^γ` and its derivative `γ x^(γ − 1)`, of a number in [0, 1]; the derivative at 0 is 0, so that it makes no infinity
/// of what is multiplied with it.
#[inline(always)]
pub(super) fn power_and_slope<S: Simd, T: Math>(x: T, gamma: f64) -> (T, T) {
    let exponent = T::from_f64(gamma);
    let power = match gamma {
        0.0 => T::ONE,
        2.0 => x * x,
        _ => (exponent * x.ln::<S>()).exp::<S>(),
    };
    (power, if x > T::ZERO { exponent * power / x } else { T::ZERO })
}

element_wise!(portable BinaryFocalLoss, expects Logits);
fits_any_shape!(BinaryFocalLoss, Logits);
