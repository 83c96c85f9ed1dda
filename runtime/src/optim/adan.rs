//! Adan: adaptive Nesterov momentum.

use serde::{Deserialize, Serialize};

use super::options::{below_one, non_negative};
use super::rules::{Squares, bias_correction, body_by, each, first, flush};
use super::{ElementWise, ElementWiseState, Optimizer, StepProgress};
use crate::Real;

/// Adan: p ← (p − lr · (m̂ + β₂n̂) / (√v̂ + eps)) / (1 + lr · weight_decay), with averages of gradients and of their differences.
///
/// m ← β₁m + (1 − β₁)g; n ← β₂n + (1 − β₂)(g − g′); v ← β₃v + (1 − β₃)(g + β₂(g − g′))², g′ being the last gradient (at first g
/// itself), each corrected by 1 − βᵗ. With `no_prox`, p shrinks by lr · weight_decay · p first, as in AdamW. State: `exp_avg`
/// (m), `exp_avg_diff` (n), `exp_avg_sq` (v), `pre_grad` (g′), `step` (t).
///
/// # Example
/// ```
/// use glulam::optim::Adan;
/// const SETTINGS: Adan = Adan { lr: 3e-3, weight_decay: 0.02, ..Adan::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// Xie et al., Adan: adaptive Nesterov momentum algorithm (2022), with 1 − β for the paper's β, as the authors' code has it;
/// `optax.adan` takes 1 − β₂ where that takes β₂ beside the differences, and adds `eps_root=1e-8` under the root. Not in
/// PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adan {
    /// Learning rate, per step.
    pub lr: f64,
    /// Shares of the last averages that stay, each in [0, 1).
    pub betas: (f64, f64, f64),
    /// Added to the denominator.
    pub eps: f64,
    /// How much the parameters shrink, times the learning rate.
    pub weight_decay: f64,
    /// Shrink the parameters as AdamW does, not by the proximal step.
    pub no_prox: bool,
    /// Ascend instead of descend.
    pub maximize: bool,
}

impl Adan {
    /// The defaults of the authors' code.
    pub const DEFAULT: Self =
        Adan { lr: 1e-3, betas: (0.98, 0.92, 0.99), eps: 1e-8, weight_decay: 0.0, no_prox: false, maximize: false };
}

options!(Adan, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    betas: below_one(o.betas.0) && below_one(o.betas.1) && below_one(o.betas.2), "three numbers in [0, 1)";
    eps: non_negative(o.eps), "a finite number of at least 0";
    weight_decay: non_negative(o.weight_decay), "a finite number of at least 0";
});

impl Optimizer for Adan {
    const NAME: &'static str = "Adan";
    const ELEMENT_WISE: bool = true;
    type State<T: Real> = ElementWiseState<T, Self>;
    accessors!(betas, weight_decay);
}

impl ElementWise for Adan {
    const SLOTS: &'static [&'static str] = &["exp_avg", "exp_avg_diff", "exp_avg_sq", "pre_grad"];
    type Rule<T: Real> = AdanRule<T>;

    fn rule<T: Real>(&self, progress: &mut StepProgress) -> AdanRule<T> {
        let (beta1, beta2, beta3) = self.betas;
        let correction = |beta| bias_correction(beta, progress.step);
        let correction3 = correction(beta3).sqrt();
        let decay = self.lr * self.weight_decay;
        AdanRule {
            sign: T::from_f64(if self.maximize { -1.0 } else { 1.0 }),
            fresh1: T::from_f64(1.0 - beta1),
            beta2: T::from_f64(beta2),
            fresh2: T::from_f64(1.0 - beta2),
            squares: Squares::mean(beta3, 1.0 - beta3),
            eps: T::from_f64(self.eps * correction3),
            of_moment: T::from_f64(self.lr / correction(beta1) * correction3),
            of_difference: T::from_f64(self.lr * beta2 / correction(beta2) * correction3),
            before: T::from_f64(if self.no_prox { 1.0 - decay } else { 1.0 }),
            after: T::from_f64(if self.no_prox { 1.0 } else { 1.0 / (1.0 + decay) }),
            is_first: progress.step == 1,
        }
    }
}

/// One step of [`Adan`].
#[derive(Clone, Debug)]
pub struct AdanRule<T> {
    sign: T,
    fresh1: T,
    beta2: T,
    fresh2: T,
    squares: Squares<T>,
    /// As in Adam's rule, √(1 − β₃ᵗ) is in eps and in the two factors.
    eps: T,
    of_moment: T,
    of_difference: T,
    /// What the parameters are multiplied by before and after the step.
    before: T,
    after: T,
    is_first: bool,
}

impl<T: Real> AdanRule<T> {
    body_by!(is_first);

    #[inline(always)]
    fn element<const FIRST: bool>(&self, p: T, g: T, [m, n, v, last]: [T; 4]) -> (T, [T; 4]) {
        let g = self.sign * g;
        let difference = if FIRST { T::ZERO } else { g - last };
        let m = flush(m + self.fresh1 * (g - m));
        let n = flush(n + self.fresh2 * (difference - n));
        let ahead = g + self.beta2 * difference;
        let v = self.squares.after(v, ahead);
        let step = (self.of_moment * m + self.of_difference * n) / (v.sqrt() + self.eps);
        ((p * self.before - step) * self.after, [m, n, v, flush(g)])
    }
}
