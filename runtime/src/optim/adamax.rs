//! Adamax: Adam with the largest gradient in place of the mean square.

use serde::{Deserialize, Serialize};

use super::options::{both_below_one, non_negative};
use super::rules::{Squares, bias_correction, each, first, flush};
use super::{ElementWise, ElementWiseState, Optimizer, StepProgress};
use crate::Real;

/// Adamax: m ← β₁m + (1 − β₁)g; u ← max(β₂u, |g| + eps); p ← p − lr / (1 − β₁ᵗ) · m / u, with g = ±∇ + weight_decay · p.
///
/// State: `exp_avg` (m), `exp_inf` (u), `step` (t).
///
/// # Example
/// ```
/// use glulam::optim::Adamax;
/// const SETTINGS: Adamax = Adamax { lr: 1e-3, ..Adamax::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// `torch.optim.Adamax`. Kingma and Ba, Adam: a method for stochastic optimization (2015), algorithm 2; PyTorch adds eps
/// to |g|.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adamax {
    /// Learning rate, per step.
    pub lr: f64,
    /// Shares of the last moments that stay, each in [0, 1).
    pub betas: (f64, f64),
    /// Added to the magnitude of the gradient.
    pub eps: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Ascend instead of descend.
    pub maximize: bool,
}

impl Adamax {
    /// PyTorch's defaults.
    pub const DEFAULT: Self = Adamax { lr: 2e-3, betas: (0.9, 0.999), eps: 1e-8, weight_decay: 0.0, maximize: false };
}

options!(Adamax, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    betas: both_below_one(o.betas), "two numbers in [0, 1)";
    eps: non_negative(o.eps), "a finite number of at least 0";
    weight_decay: non_negative(o.weight_decay), "a finite number of at least 0";
});

impl Optimizer for Adamax {
    const NAME: &'static str = "Adamax";
    const ELEMENT_WISE: bool = true;
    type State<T: Real> = ElementWiseState<T, Self>;
    accessors!(betas, weight_decay);
}

impl ElementWise for Adamax {
    const SLOTS: &'static [&'static str] = &["exp_avg", "exp_inf"];
    type Rule<T: Real> = AdamaxRule<T>;

    fn rule<T: Real>(&self, progress: &mut StepProgress) -> AdamaxRule<T> {
        let (beta1, beta2) = self.betas;
        AdamaxRule {
            sign: T::from_f64(if self.maximize { -1.0 } else { 1.0 }),
            weight_decay: T::from_f64(self.weight_decay),
            fresh1: T::from_f64(1.0 - beta1),
            beta2: T::from_f64(beta2),
            settles: Squares::mean(beta2, 1.0),
            eps: T::from_f64(self.eps),
            step_size: T::from_f64(self.lr / bias_correction(beta1, progress.step)),
        }
    }
}

/// One step of [`Adamax`].
#[derive(Clone, Debug)]
pub struct AdamaxRule<T> {
    sign: T,
    weight_decay: T,
    fresh1: T,
    beta2: T,
    /// What keeps u from becoming subnormal.
    settles: Squares<T>,
    eps: T,
    step_size: T,
}

impl<T: Real> AdamaxRule<T> {
    #[inline(always)]
    pub(super) fn body(&self, p: &mut [T], g: &[T], slots: &mut [&mut [T]]) {
        each(self, p, g, first(slots), Self::element);
    }

    #[inline(always)]
    fn element(&self, p: T, g: T, [m, u]: [T; 2]) -> (T, [T; 2]) {
        let g = self.sign * g + self.weight_decay * p;
        let m = flush(m + self.fresh1 * (g - m));
        let u = self.settles.settled(u, (self.beta2 * u).max_nan(g.abs() + self.eps));
        (p - self.step_size * (m / u), [m, u])
    }
}
