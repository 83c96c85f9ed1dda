//! Adam, and the rule that it shares with AdamW.

use serde::{Deserialize, Serialize};

use super::options::{both_below_one, non_negative};
use super::rules::{Squares, bias_correction, each, first, flush};
use super::{ElementWise, ElementWiseState, Optimizer, StepProgress};
use crate::Real;

/// Adam: m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; p ← p − lr · m̂ / (√v̂ + eps), with m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ).
///
/// g is ±∇ + weight_decay · p; with `decoupled_weight_decay`, p shrinks by lr · weight_decay · p instead. With `amsgrad`
/// the largest v so far takes the place of v. State: `exp_avg` (m), `exp_avg_sq` (v), `max_exp_avg_sq`, `step` (t).
///
/// # Example
/// ```
/// use glulam::optim::Adam;
/// const SETTINGS: Adam = Adam { lr: 3e-4, betas: (0.9, 0.95), ..Adam::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// `torch.optim.Adam`. Kingma and Ba, Adam: a method for stochastic optimization (2015), algorithm 1; eps is added after
/// the correction of v, as there. Reddi et al., On the convergence of Adam and beyond (2018): `amsgrad`, where PyTorch
/// takes the maximum before the correction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adam {
    /// Learning rate, per step.
    pub lr: f64,
    /// Shares of the last moments that stay, each in [0, 1).
    pub betas: (f64, f64),
    /// Added to the denominator.
    pub eps: f64,
    /// L2 penalty, added to the gradient (or decoupled from it).
    pub weight_decay: f64,
    /// Never let the denominator fall.
    pub amsgrad: bool,
    /// Ascend instead of descend.
    pub maximize: bool,
    /// Shrink the parameters themselves, as AdamW does.
    pub decoupled_weight_decay: bool,
}

impl Adam {
    /// PyTorch's defaults.
    pub const DEFAULT: Self = Adam {
        lr: 1e-3,
        betas: (0.9, 0.999),
        eps: 1e-8,
        weight_decay: 0.0,
        amsgrad: false,
        maximize: false,
        decoupled_weight_decay: false,
    };
}

options!(Adam, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    betas: both_below_one(o.betas), "two numbers in [0, 1)";
    eps: non_negative(o.eps), "a finite number of at least 0";
    weight_decay: non_negative(o.weight_decay), "a finite number of at least 0";
});

impl Optimizer for Adam {
    const NAME: &'static str = "Adam";
    const ELEMENT_WISE: bool = true;
    type State<T: Real> = ElementWiseState<T, Self>;
    accessors!(betas, weight_decay);
}

impl ElementWise for Adam {
    const SLOTS: &'static [&'static str] = &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"];
    type Rule<T: Real> = AdamRule<T>;

    fn uses(&self, slot: usize) -> bool {
        slot < 2 || self.amsgrad
    }

    fn rule<T: Real>(&self, progress: &mut StepProgress) -> AdamRule<T> {
        AdamRule::new(self, progress.step)
    }
}

/// One step of [`Adam`] or [`AdamW`](super::AdamW).
#[derive(Clone, Debug)]
pub struct AdamRule<T> {
    sign: T,
    /// Weight decay that is added to the gradient.
    coupled: T,
    /// What the parameters are multiplied by: 1 − lr · weight_decay if decoupled.
    shrink: T,
    /// 1 − β₁.
    fresh1: T,
    squares: Squares<T>,
    eps: T,
    step_size: T,
    amsgrad: bool,
    is_coupled: bool,
}

impl<T: Real> AdamRule<T> {
    /// The rule of step `step`.
    ///
    /// lr · m̂ / (√v̂ + eps) = s · m / (√v + e) with s = lr · √(1 − β₂ᵗ) / (1 − β₁ᵗ) and e = eps · √(1 − β₂ᵗ): a division
    /// for each element less.
    pub(super) fn new(settings: &Adam, step: u64) -> Self {
        let (beta1, beta2) = settings.betas;
        let correction1 = bias_correction(beta1, step);
        let correction2 = bias_correction(beta2, step).sqrt();
        let decoupled = settings.decoupled_weight_decay;
        AdamRule {
            sign: T::from_f64(if settings.maximize { -1.0 } else { 1.0 }),
            coupled: T::from_f64(if decoupled { 0.0 } else { settings.weight_decay }),
            shrink: T::from_f64(if decoupled { 1.0 - settings.lr * settings.weight_decay } else { 1.0 }),
            fresh1: T::from_f64(1.0 - beta1),
            squares: Squares::mean(beta2, 1.0 - beta2),
            eps: T::from_f64(settings.eps * correction2),
            step_size: T::from_f64(settings.lr / correction1 * correction2),
            amsgrad: settings.amsgrad,
            is_coupled: !decoupled && settings.weight_decay != 0.0,
        }
    }

    #[inline(always)]
    pub(super) fn body(&self, p: &mut [T], g: &[T], slots: &mut [&mut [T]]) {
        match (self.amsgrad, self.is_coupled) {
            (false, false) => each(self, p, g, first(slots), Self::plain::<false>),
            (false, true) => each(self, p, g, first(slots), Self::plain::<true>),
            (true, _) => each(self, p, g, first(slots), Self::with_maximum),
        }
    }

    #[inline(always)]
    fn plain<const COUPLED: bool>(&self, p: T, g: T, [m, v]: [T; 2]) -> (T, [T; 2]) {
        let (m, v) = self.moments(COUPLED, p, g, m, v);
        (p * self.shrink - self.step_size * (m / (v.sqrt() + self.eps)), [m, v])
    }

    #[inline(always)]
    fn with_maximum(&self, p: T, g: T, [m, v, max]: [T; 3]) -> (T, [T; 3]) {
        let (m, v) = self.moments(self.is_coupled, p, g, m, v);
        let max = max.max_nan(v);
        (p * self.shrink - self.step_size * (m / (max.sqrt() + self.eps)), [m, v, max])
    }

    #[inline(always)]
    fn moments(&self, coupled: bool, p: T, g: T, m: T, v: T) -> (T, T) {
        let g = self.sign * g;
        let g = if coupled { g + self.coupled * p } else { g };
        (flush(m + self.fresh1 * (g - m)), self.squares.after(v, g))
    }
}
