//! [`PoissonNLLLoss`]: counts.

use super::check::{Problem, fits_any_shape};
use super::element::{CheckTargets, Element, element_wise};
use super::*;

/// Negative log-likelihood of counts under a Poisson distribution: `L = e^x − y·x`, or without `log_input`
/// `L = x − y·ln(x + eps)`.
///
/// `x` is the logarithm of the expected count (or the count itself), `y` the count found. The term `ln y!` does not
/// depend on the network and is left out; with `full` Stirling's approximation `y ln y − y + ½ ln(2πy)` stands for it
/// where `y > 1`.
///
/// # Shapes
/// `x: [N, …]`, `y` the same.
///
/// # Errors
/// [`LossError`] for an `eps` that is not positive, or a wrong number of targets; without `log_input` for an output of
/// `-eps` or less, unless the loss is finite.
///
/// # Example
/// ```
/// use glulam::loss::{LossForward, PoissonNLLLoss};
/// let (mut losses, mut gradient) = ([0.0; 1], [0.0; 1]);
/// let loss = PoissonNLLLoss::DEFAULT.forward_flat(&[1], &[0.0], &[3.0], &mut losses, &mut gradient);
/// assert_eq!(loss, Ok(1.0));
/// assert_eq!(gradient, [-2.0]);
/// ```
///
/// # References
/// `torch.nn.PoissonNLLLoss`, which returns NaN or infinity for the outputs that are refused here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PoissonNLLLoss {
    /// Outputs are logarithms of expected counts.
    pub log_input: bool,
    /// Add Stirling's approximation of the constant term.
    pub full: bool,
    /// Keeps the logarithm finite at 0, without `log_input`; positive.
    pub eps: f64,
    /// How the losses of all elements become one number.
    pub reduction: Reduction,
}

impl PoissonNLLLoss {
    /// PyTorch's defaults: logarithms, no constant term, the mean.
    pub const DEFAULT: Self = PoissonNLLLoss { log_input: true, full: false, eps: 1e-8, reduction: Reduction::Mean };

    const fn problem(&self) -> Option<Problem> {
        Problem::unless(self.eps > 0.0, "eps", self.eps, "more than 0")
    }
}

impl<T: Math> Element<T> for PoissonNLLLoss {
    #[inline(always)]
    fn element<S: Simd>(&self, x: T, y: T, _w: [T; 2]) -> (T, T) {
        let (value, derivative) = if self.log_input {
            let rate = x.exp::<S>();
            (rate - y * x, rate - y)
        } else {
            let rate = x + T::from_f64(self.eps);
            (x - y * rate.ln::<S>(), T::ONE - y / rate)
        };
        if self.full && y > T::ONE {
            let (half, two_pi) = (T::from_f64(0.5), T::from_f64(std::f64::consts::TAU));
            (value + (y * y.ln::<S>() - y + half * (two_pi * y).ln::<S>()), derivative)
        } else {
            (value, derivative)
        }
    }
}

impl CheckTargets for PoissonNLLLoss {
    fn check_targets<T: Real>(&self, _shape: &[usize], _samples: usize, _targets: &[T]) -> Result<(), LossError> {
        Ok(())
    }

    /// The logarithm of a count that is not above −eps is no number.
    fn check_outputs<T: Real>(&self, outputs: &[T]) -> Result<(), LossError> {
        let defined = |x: &T| self.log_input || *x + T::from_f64(self.eps) > T::ZERO;
        match outputs.iter().position(|x| !defined(x)) {
            None => Ok(()),
            Some(index) => {
                let (found, expected) =
                    (outputs[index].to_f64(), "a count of at least 0, or its logarithm (`log_input`)");
                Err(LossError::Output { loss: "PoissonNLLLoss", index, found, expected })
            }
        }
    }
}

element_wise!(portable PoissonNLLLoss, expects Anything, checked);
fits_any_shape!(PoissonNLLLoss, Anything);
