//! Averaged stochastic gradient descent.

use serde::{Deserialize, Serialize};

use super::options::{finite, non_negative};
use super::rules::{body_by, each, first, flush};
use super::{ElementWise, ElementWiseState, Optimizer, StepProgress};
use crate::Real;

/// Averaged gradient descent: p ← (1 − lambd · η) · p − η · g; a ← a + μ · (p − a), a being the result, g = ±∇ + weight_decay · p.
///
/// η and μ are for the next step: η = lr / (1 + lambd · lr · t)^alpha, μ = 1 / max(1, t − t0). So until step t0 the
/// average is the parameter itself. State: `ax` (a), `eta`, `mu`, `step` (t); the averages are what
/// [`slot(0)`](ElementWiseState::slot) holds.
///
/// # Example
/// ```
/// use glulam::optim::ASGD;
/// const SETTINGS: ASGD = ASGD { lr: 0.1, t0: 1000.0, ..ASGD::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// `torch.optim.ASGD`. Polyak and Juditsky, Acceleration of stochastic approximation by averaging (1992), in the form of
/// Bottou's `sgd`. `eta` and `mu` have the type of the parameters, as in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ASGD {
    /// Learning rate of the first step.
    pub lr: f64,
    /// Decay of the parameters.
    pub lambd: f64,
    /// Power with which the learning rate falls.
    pub alpha: f64,
    /// The step at which averaging begins.
    pub t0: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Ascend instead of descend.
    pub maximize: bool,
}

impl ASGD {
    /// PyTorch's defaults.
    pub const DEFAULT: Self = ASGD { lr: 1e-2, lambd: 1e-4, alpha: 0.75, t0: 1e6, weight_decay: 0.0, maximize: false };
}

options!(ASGD, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    lambd: non_negative(o.lambd), "a finite number of at least 0";
    alpha: non_negative(o.alpha), "a finite number of at least 0";
    t0: finite(o.t0), "a finite number";
    weight_decay: non_negative(o.weight_decay), "a finite number of at least 0";
});

impl Optimizer for ASGD {
    const NAME: &'static str = "ASGD";
    const ELEMENT_WISE: bool = true;
    type State<T: Real> = ElementWiseState<T, Self>;
    accessors!(-, weight_decay);
}

impl ElementWise for ASGD {
    const SLOTS: &'static [&'static str] = &["ax"];
    const SCALARS: &'static [&'static str] = &["eta", "mu"];
    type Rule<T: Real> = ASGDRule<T>;

    fn rule<T: Real>(&self, progress: &mut StepProgress) -> ASGDRule<T> {
        let rounded = |x: f64| T::from_f64(x).to_f64();
        let step = progress.step as f64;
        // At the first step, not when the optimizer is made: a schedule may have set the rate in between.
        let [eta, mu] = if progress.step == 1 { [rounded(self.lr), 1.0] } else { progress.scalars };
        let next = self.lr / (1.0 + self.lambd * self.lr * step).powf(self.alpha);
        progress.scalars = [rounded(next), rounded(1.0 / (step - self.t0).max(1.0))];
        ASGDRule {
            sign: T::from_f64(if self.maximize { -1.0 } else { 1.0 }),
            weight_decay: T::from_f64(self.weight_decay),
            shrink: T::from_f64(1.0 - self.lambd * eta),
            eta: T::from_f64(eta),
            mu: T::from_f64(mu),
            averages: mu != 1.0,
        }
    }
}

/// One step of [`ASGD`].
#[derive(Clone, Debug)]
pub struct ASGDRule<T> {
    sign: T,
    weight_decay: T,
    shrink: T,
    eta: T,
    mu: T,
    averages: bool,
}

impl<T: Real> ASGDRule<T> {
    body_by!(averages);

    #[inline(always)]
    fn element<const AVERAGES: bool>(&self, p: T, g: T, [a]: [T; 1]) -> (T, [T; 1]) {
        let g = self.sign * g + self.weight_decay * p;
        let p = p * self.shrink - self.eta * g;
        (p, [flush(if AVERAGES { a + self.mu * (p - a) } else { p })])
    }
}
