//! [`MarginRankingLoss`]: which of two scores is larger.

use super::check::Problem;
use super::joint::{self, Input, Joint, JointBody, joint};
use super::kernel::Sink;
use super::*;

/// One of two scores is to be larger than the other by a margin: `L = max(0, −y (x₁ − x₂) + m)`.
///
/// `x₁` and `x₂` are scores, `y` is 1 where the first is to be larger and −1 where the second is, m is `margin`.
///
/// # Shapes
/// `x₁`, `x₂` and `y: [N, …]`, all the same.
///
/// # Example
/// ```
/// use glulam::loss::{Input, MarginRankingLoss};
/// let (mut d1, mut d2) = ([0.0; 1], [0.0; 1]);
/// let (x1, x2) = (Input::new(1, &[0.5], &mut d1), Input::new(1, &[1.5], &mut d2));
/// assert_eq!(MarginRankingLoss::DEFAULT.forward(x1, x2, &[1.0]), Ok(1.0));
/// assert_eq!((d1, d2), ([-1.0], [1.0]));
/// ```
///
/// # References
/// `torch.nn.MarginRankingLoss`; the derivative at the kink is 0. Inputs are not broadcast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarginRankingLoss {
    /// By how much the one is to be larger.
    pub margin: f64,
    /// How the losses of all elements become one number.
    pub reduction: Reduction,
}

const NAME: &str = "MarginRankingLoss";

impl MarginRankingLoss {
    /// PyTorch's defaults: no margin, the mean.
    pub const DEFAULT: Self = MarginRankingLoss { margin: 0.0, reduction: Reduction::Mean };

    joint::pair!(NAME);

    fn check<T: Real>(&self, input: &Input<'_, T>, targets: &[T]) -> Result<(), LossError> {
        joint::check_targets(NAME, targets, input.values().len())
    }

    const fn problem(&self) -> Option<Problem> {
        None
    }
}

impl<T: Math> JointBody<T, 2> for MarginRankingLoss {
    fn each(&self, joint: Joint<'_, T, 2>, sink: &mut dyn Sink<T>) {
        let Joint { values: [x1, x2], gradients: [d1, d2], targets, .. } = joint;
        let margin = T::from_f64(self.margin);
        for (i, &y) in targets.iter().enumerate() {
            let value = -y * (x1[i] - x2[i]) + margin;
            let slope = if value > T::ZERO { sink.scale(i) * y } else { T::ZERO };
            (d1[i], d2[i]) = (-slope, slope);
            sink.put(i, if value < T::ZERO { T::ZERO } else { value });
        }
    }
}

joint!(MarginRankingLoss, 2, [f32 f64]);
