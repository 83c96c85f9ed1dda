//! [`BCEWithLogitsLoss`]: binary cross entropy of logits.

use super::check::{Problem, assert_repeats, assertions};
use super::element::{CheckTargets, Element, element_wise};
use super::*;

/// Binary cross entropy of logits, each element a yes-or-no question of its own:
/// `L = −w [p·y·ln σ(x) + (1 − y)·ln(1 − σ(x))]`, with `σ(x) = 1/(1 + e⁻ˣ)`.
///
/// `x` is a logit, `y` the target in [0, 1], `w` is `weight` and `p` is `pos_weight` (both 1 if not given). The sigmoid
/// is part of the loss, so that logits of any size give a finite loss:
/// `L = w [(1 − y)·x + (1 + (p − 1)·y)·(ln(1 + e^−|x|) + max(−x, 0))]`.
///
/// # Shapes
/// `x: [N, …]`, `y` the same. `weight` and `pos_weight` are repeated over the elements as [`LossWeights`] says.
///
/// # Errors
/// [`LossError`] for a wrong number of targets, or weights that cannot be repeated.
///
/// # Example
/// ```
/// use glulam::loss::{BCEWithLogitsLoss, LossForward};
/// let criterion = BCEWithLogitsLoss { pos_weight: [3.0].into(), ..BCEWithLogitsLoss::DEFAULT };
/// let (mut losses, mut gradient) = ([0.0; 2], [0.0; 2]);
/// let loss = criterion.forward_flat(&[1], &[0.0, 0.0], &[1.0, 0.0], &mut losses, &mut gradient).unwrap();
/// assert!((loss - 2.0 * 2f64.ln()).abs() < 1e-12);
/// assert_eq!(gradient, [-0.75, 0.25]);
/// ```
///
/// # References
/// `torch.nn.BCEWithLogitsLoss`. Weights of a shape that is not a row of last axes (`[C, 1, 1]`) are written out.
#[derive(Clone, Debug, PartialEq)]
pub struct BCEWithLogitsLoss {
    /// A factor for each element's loss.
    pub weight: LossWeights,
    /// How the losses of all elements become one number; a mean divides by the number of elements.
    pub reduction: Reduction,
    /// A factor for the loss of positive answers, for classes that are rarely positive.
    pub pos_weight: LossWeights,
}

impl BCEWithLogitsLoss {
    /// PyTorch's defaults: no weights, the mean.
    pub const DEFAULT: Self =
        BCEWithLogitsLoss { weight: LossWeights::NONE, reduction: Reduction::Mean, pos_weight: LossWeights::NONE };

    assertions!(BCEWithLogitsLoss, Logits);

    /// Stops the compilation (or panics) unless a network with this output can be trained with the loss.
    ///
    /// # Panics
    /// If it cannot, with what to change.
    #[track_caller]
    pub const fn assert_fits(&self, output_shape: &[usize], output: crate::network::Output) {
        self.assert_trainable(output);
        assert_repeats("BCEWithLogitsLoss", "weight", output_shape, &self.weight);
        assert_repeats("BCEWithLogitsLoss", "pos_weight", output_shape, &self.pos_weight);
    }

    const fn problem(&self) -> Option<Problem> {
        None
    }
}

impl<T: Math> Element<T> for BCEWithLogitsLoss {
    #[inline(always)]
    fn element<S: Simd>(&self, x: T, y: T, [weight, positive]: [T; 2]) -> (T, T) {
        // ln(1 + e⁻ˣ) = ln(1 + eˣ) − x, but without a difference of large numbers; e^−|x| cannot overflow.
        let e = (-x.abs()).exp::<S>();
        let (least, numerator) = if x >= T::ZERO { (T::ZERO, T::ONE) } else { (-x, e) };
        let (softplus_of_minus_x, sigmoid) = (least + e.ln_1p::<S>(), numerator / (T::ONE + e));
        let balance = T::ONE + (positive - T::ONE) * y;
        let value = (T::ONE - y) * x + balance * softplus_of_minus_x;
        let derivative = balance * sigmoid - positive * y;
        (weight * value, weight * derivative)
    }

    #[inline(always)]
    fn weights(&self) -> [&LossWeights; 2] {
        [&self.weight, &self.pos_weight]
    }
}

impl CheckTargets for BCEWithLogitsLoss {
    fn check_targets<T: Real>(&self, shape: &[usize], samples: usize, _targets: &[T]) -> Result<(), LossError> {
        self.weight.check_elements("BCEWithLogitsLoss", "weight", shape, samples)?;
        self.pos_weight.check_elements("BCEWithLogitsLoss", "pos_weight", shape, samples)
    }
}

element_wise!(vector BCEWithLogitsLoss, expects Logits, checked);
