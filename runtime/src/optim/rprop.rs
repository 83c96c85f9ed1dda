//! Resilient backpropagation: the sign of the gradient, with a step of its own for each parameter.

use serde::{Deserialize, Serialize};

use super::options::{finite, non_negative};
use super::rules::{body_by, each, first, flush, sign};
use super::{ElementWise, ElementWiseState, Optimizer, StepProgress};
use crate::Real;

/// Rprop: p ← p − sign(g) · s, where s grows by η⁺ while the gradient keeps its sign, and shrinks by η⁻ when it changes.
///
/// When it changes, the step is left out and the gradient forgotten. `etas` is (η⁻, η⁺); s begins with `lr` and stays
/// within `step_sizes`. For whole batches: a noisy gradient changes its sign all the time. State: `prev` (the last
/// gradient), `step_size` (s), `step`.
///
/// # Example
/// ```
/// use glulam::optim::Rprop;
/// const SETTINGS: Rprop = Rprop { step_sizes: (1e-5, 1.0), ..Rprop::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// `torch.optim.Rprop`. Riedmiller and Braun, A direct adaptive method for faster backpropagation learning (1993), in the
/// variant iRprop⁻ of Igel and Hüsken (2000).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rprop {
    /// The first step size.
    pub lr: f64,
    /// Factors of the step size: below 1 for a changed sign, above 1 for the same.
    pub etas: (f64, f64),
    /// The smallest and the largest step size.
    pub step_sizes: (f64, f64),
    /// Ascend instead of descend.
    pub maximize: bool,
}

impl Rprop {
    /// PyTorch's defaults.
    pub const DEFAULT: Self = Rprop { lr: 1e-2, etas: (0.5, 1.2), step_sizes: (1e-6, 50.0), maximize: false };
}

options!(Rprop, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    etas: o.etas.0 > 0.0 && o.etas.0 < 1.0 && o.etas.1 > 1.0 && finite(o.etas.1), "0 < etas.0 < 1 < etas.1";
    step_sizes: o.step_sizes.0 >= 0.0 && o.step_sizes.0 <= o.step_sizes.1, "0 <= step_sizes.0 <= step_sizes.1";
});

impl Optimizer for Rprop {
    const NAME: &'static str = "Rprop";
    const ELEMENT_WISE: bool = true;
    type State<T: Real> = ElementWiseState<T, Self>;
    accessors!(-, -);
}

impl ElementWise for Rprop {
    const SLOTS: &'static [&'static str] = &["prev", "step_size"];
    type Rule<T: Real> = RpropRule<T>;

    fn rule<T: Real>(&self, progress: &mut StepProgress) -> RpropRule<T> {
        RpropRule {
            sign: T::from_f64(if self.maximize { -1.0 } else { 1.0 }),
            minus: T::from_f64(self.etas.0),
            plus: T::from_f64(self.etas.1),
            smallest: T::from_f64(self.step_sizes.0),
            largest: T::from_f64(self.step_sizes.1),
            lr: T::from_f64(self.lr),
            is_first: progress.step == 1,
        }
    }
}

/// One step of [`Rprop`].
#[derive(Clone, Debug)]
pub struct RpropRule<T> {
    sign: T,
    minus: T,
    plus: T,
    smallest: T,
    largest: T,
    lr: T,
    is_first: bool,
}

impl<T: Real> RpropRule<T> {
    body_by!(is_first);

    #[inline(always)]
    fn element<const FIRST: bool>(&self, p: T, g: T, [prev, size]: [T; 2]) -> (T, [T; 2]) {
        let g = self.sign * g;
        // Of the signs, not of the numbers: their product may be too small to have one.
        let agreement = sign(g) * sign(prev);
        let factor = if agreement > T::ZERO { self.plus } else { T::ONE };
        let factor = if agreement < T::ZERO { self.minus } else { factor };
        let size = if FIRST { self.lr } else { size } * factor;
        let size = flush(size.max_nan(self.smallest).min_nan(self.largest));
        let g = if agreement < T::ZERO { T::ZERO } else { g };
        (p - sign(g) * size, [flush(g), size])
    }
}
