//! [`KLDivLoss`]: the Kullback-Leibler divergence.

use super::check::{Problem, fits_any_shape};
use super::element::{Element, element_wise};
use super::*;

/// The Kullback-Leibler divergence of the target distribution from the network's, element by element:
/// `L = y (ln y − x)`, with `0·ln 0 = 0`.
///
/// `x` is the logarithm of a probability (a network that ends in `LogSoftmax`), `y` a probability; with `log_target` `y`
/// is a logarithm too and `L = e^y (y − x)`. `∂L/∂x = −y`. The divergence proper is `Reduction::BatchMean`: the mean
/// over all elements, PyTorch's default, divides by the number of classes too.
///
/// # Shapes
/// `x: [N, …]`, `y` the same.
///
/// # Errors
/// [`LossError`] for a wrong number of targets. A negative target gives NaN, as in PyTorch.
///
/// # Example
/// ```
/// use glulam::loss::{KLDivLoss, LossForward, Reduction};
/// let criterion = KLDivLoss { reduction: Reduction::BatchMean, ..KLDivLoss::DEFAULT };
/// let half = 0.5f64.ln();
/// let (mut losses, mut gradient) = ([0.0; 1], [0.0; 2]);
/// let loss = criterion.forward_flat(&[2], &[half, half], &[1.0, 0.0], &mut losses, &mut gradient);
/// assert_eq!(loss, Ok(-half));
/// assert_eq!(gradient, [-1.0, 0.0]);
/// ```
///
/// # References
/// `torch.nn.KLDivLoss`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KLDivLoss {
    /// How the losses of all elements become one number.
    pub reduction: Reduction,
    /// Targets are logarithms of probabilities.
    pub log_target: bool,
}

impl KLDivLoss {
    /// PyTorch's defaults: the mean over all elements, targets that are probabilities.
    pub const DEFAULT: Self = KLDivLoss { reduction: Reduction::Mean, log_target: false };

    const fn problem(&self) -> Option<Problem> {
        None
    }
}

impl<T: Math> Element<T> for KLDivLoss {
    #[inline(always)]
    fn element<S: Simd>(&self, x: T, y: T, _w: [T; 2]) -> (T, T) {
        if self.log_target {
            let p = y.exp::<S>();
            (p * (y - x), -p)
        } else {
            let entropy = if y == T::ZERO { T::ZERO } else { y * y.ln::<S>() };
            (entropy - y * x, -y)
        }
    }
}

element_wise!(portable KLDivLoss, expects LogProbabilities);
fits_any_shape!(KLDivLoss, LogProbabilities);
