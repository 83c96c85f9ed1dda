//! [`BCELoss`]: binary cross entropy of probabilities.

use super::check::{Problem, assert_repeats, assertions};
use super::element::{CheckTargets, Element, element_wise};
use super::*;

/// Binary cross entropy of probabilities, each element a yes-or-no question of its own:
/// `L = −w [y·max(ln x, −100) + (1 − y)·max(ln(1 − x), −100)]`.
///
/// `x` is a probability (a network that ends in `Sigmoid`), `y` the target, both in [0, 1], `w` is `weight` (1 if not
/// given). The logarithms are clamped so that a probability of exactly 0 or 1 gives a finite loss; so is the gradient,
/// `w (x − y)/max(x(1 − x), 1e-12)`. [`BCEWithLogitsLoss`] without the sigmoid is more precise.
///
/// # Shapes
/// `x: [N, …]`, `y` the same. `weight` is repeated over the elements as [`LossWeights`] says.
///
/// # Errors
/// [`LossError`] for a target or an output outside of [0, 1], a wrong number of targets, or weights that cannot be repeated.
///
/// # Example
/// ```
/// use glulam::loss::{BCELoss, LossForward};
/// let (mut losses, mut gradient) = ([0.0; 2], [0.0; 2]);
/// let loss = BCELoss::DEFAULT.forward_flat(&[1], &[0.5, 0.0], &[1.0, 1.0], &mut losses, &mut gradient).unwrap();
/// assert!((loss - (2f64.ln() + 100.0) / 2.0).abs() < 1e-12);
/// assert_eq!(gradient[0], -1.0);
/// ```
///
/// # References
/// `torch.nn.BCELoss`.
#[derive(Clone, Debug, PartialEq)]
pub struct BCELoss {
    /// A factor for each element's loss.
    pub weight: LossWeights,
    /// How the losses of all elements become one number; a mean divides by the number of elements.
    pub reduction: Reduction,
}

impl BCELoss {
    /// PyTorch's defaults: no weights, the mean.
    pub const DEFAULT: Self = BCELoss { weight: LossWeights::NONE, reduction: Reduction::Mean };

    assertions!(BCELoss, Probabilities);

    /// Stops the compilation (or panics) unless a network with this output can be trained with the loss.
    ///
    /// # Panics
    /// If it cannot, with what to change.
    #[track_caller]
    pub const fn assert_fits(&self, output_shape: &[usize], output: crate::network::Output) {
        self.assert_trainable(output);
        assert_repeats("BCELoss", "weight", output_shape, &self.weight);
    }

    const fn problem(&self) -> Option<Problem> {
        None
    }
}

impl<T: Math> Element<T> for BCELoss {
    #[inline(always)]
    fn element<S: Simd>(&self, x: T, y: T, [weight, _]: [T; 2]) -> (T, T) {
        let (yes, no) = (clamp(x.ln::<S>()), clamp((-x).ln_1p::<S>()));
        let value = (y - T::ONE) * no - y * yes;
        let (variance, least) = ((T::ONE - x) * x, T::from_f64(LEAST_VARIANCE));
        let derivative = (x - y) / if variance < least { least } else { variance };
        (weight * value, weight * derivative)
    }

    #[inline(always)]
    fn weights(&self) -> [&LossWeights; 2] {
        [&self.weight, &LossWeights::NONE]
    }
}

impl CheckTargets for BCELoss {
    fn check_targets<T: Real>(&self, shape: &[usize], samples: usize, targets: &[T]) -> Result<(), LossError> {
        self.weight.check_elements("BCELoss", "weight", shape, samples)?;
        match T::first_outside(targets, T::ZERO, T::ONE) {
            None => Ok(()),
            Some(index) => {
                Err(LossError::Target { loss: "BCELoss", index, found: targets[index].to_f64(), expected: "in [0, 1]" })
            }
        }
    }

    /// The logarithm of a negative number is NaN, even times 0.
    fn check_outputs<T: Real>(&self, outputs: &[T]) -> Result<(), LossError> {
        match T::first_outside(outputs, T::ZERO, T::ONE) {
            None => Ok(()),
            Some(index) => {
                let (found, expected) = (outputs[index].to_f64(), "a probability in [0, 1], as a `Sigmoid` makes it");
                Err(LossError::Output { loss: "BCELoss", index, found, expected })
            }
        }
    }
}

/// In PyTorch 1e-12 is a constant of single precision in double precision too.
const LEAST_VARIANCE: f64 = 1e-12_f32 as f64;

/// At least −100; NaN stays.
#[inline(always)]
fn clamp<T: Math>(logarithm: T) -> T {
    let least = T::from_f64(-100.0);
    if logarithm < least { least } else { logarithm }
}

element_wise!(portable BCELoss, expects Probabilities, checked);
