//! NAdam: Adam with Nesterov momentum.

use serde::{Deserialize, Serialize};

use super::options::{both_below_one, non_negative};
use super::rules::{Squares, bias_correction, each, first, flush};
use super::{ElementWise, ElementWiseState, Optimizer, StepProgress};
use crate::Real;

/// NAdam: Adam that looks ahead by one momentum step,
/// p ← p − lr · ((1 − μₜ) / (1 − ∏μ) · g + μₜ₊₁ / (1 − μₜ₊₁∏μ) · m) / (√v̂ + eps).
///
/// m, v and v̂ are those of [`Adam`](super::Adam), and μₜ = β₁ (1 − 0.96^(t · momentum_decay) / 2). g is ±∇ + weight_decay · p; with
/// `decoupled_weight_decay`, p shrinks by lr · weight_decay · p instead. State: `exp_avg`, `exp_avg_sq`, `mu_product` (∏μ,
/// over the steps so far), `step` (t).
///
/// # Example
/// ```
/// use glulam::optim::NAdam;
/// const SETTINGS: NAdam = NAdam { lr: 1e-3, momentum_decay: 0.0, ..NAdam::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// `torch.optim.NAdam`. Dozat, Incorporating Nesterov momentum into Adam (2016). `mu_product` has the type of the
/// parameters, as in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NAdam {
    /// Learning rate, per step.
    pub lr: f64,
    /// Shares of the last moments that stay, each in [0, 1).
    pub betas: (f64, f64),
    /// Added to the denominator.
    pub eps: f64,
    /// L2 penalty, added to the gradient (or decoupled from it).
    pub weight_decay: f64,
    /// How fast the momentum grows to its full value.
    pub momentum_decay: f64,
    /// Shrink the parameters themselves, as AdamW does.
    pub decoupled_weight_decay: bool,
    /// Ascend instead of descend.
    pub maximize: bool,
}

impl NAdam {
    /// PyTorch's defaults.
    pub const DEFAULT: Self = NAdam {
        lr: 2e-3,
        betas: (0.9, 0.999),
        eps: 1e-8,
        weight_decay: 0.0,
        momentum_decay: 4e-3,
        decoupled_weight_decay: false,
        maximize: false,
    };
}

options!(NAdam, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    betas: both_below_one(o.betas), "two numbers in [0, 1)";
    eps: non_negative(o.eps), "a finite number of at least 0";
    weight_decay: non_negative(o.weight_decay), "a finite number of at least 0";
    momentum_decay: non_negative(o.momentum_decay), "a finite number of at least 0";
});

impl Optimizer for NAdam {
    const NAME: &'static str = "NAdam";
    const ELEMENT_WISE: bool = true;
    type State<T: Real> = ElementWiseState<T, Self>;
    accessors!(betas, weight_decay);
}

impl ElementWise for NAdam {
    const SLOTS: &'static [&'static str] = &["exp_avg", "exp_avg_sq"];
    const SCALARS: &'static [&'static str] = &["mu_product"];
    type Rule<T: Real> = NAdamRule<T>;

    fn initial_scalar(&self, _scalar: usize) -> f64 {
        1.0
    }

    fn rule<T: Real>(&self, progress: &mut StepProgress) -> NAdamRule<T> {
        let (beta1, beta2) = self.betas;
        let step = progress.step as f64;
        let mu_at = |step: f64| beta1 * (1.0 - 0.5 * 0.96f64.powf(step * self.momentum_decay));
        let (mu, mu_next) = (mu_at(step), mu_at(step + 1.0));
        let product = (T::from_f64(progress.scalars[0]) * T::from_f64(mu)).to_f64();
        progress.scalars[0] = product;

        let correction2 = bias_correction(beta2, progress.step).sqrt();
        let (decay, decoupled) = (self.weight_decay, self.decoupled_weight_decay);
        NAdamRule {
            sign: T::from_f64(if self.maximize { -1.0 } else { 1.0 }),
            coupled: T::from_f64(if decoupled { 0.0 } else { decay }),
            shrink: T::from_f64(if decoupled { 1.0 - self.lr * decay } else { 1.0 }),
            fresh1: T::from_f64(1.0 - beta1),
            squares: Squares::mean(beta2, 1.0 - beta2),
            eps: T::from_f64(self.eps * correction2),
            of_gradient: T::from_f64(self.lr * (1.0 - mu) / (1.0 - product) * correction2),
            of_moment: T::from_f64(self.lr * mu_next / (1.0 - product * mu_next) * correction2),
        }
    }
}

/// One step of [`NAdam`].
#[derive(Clone, Debug)]
pub struct NAdamRule<T> {
    sign: T,
    coupled: T,
    shrink: T,
    fresh1: T,
    squares: Squares<T>,
    /// As in Adam's rule, √(1 − β₂ᵗ) is in eps and in the two factors.
    eps: T,
    of_gradient: T,
    of_moment: T,
}

impl<T: Real> NAdamRule<T> {
    #[inline(always)]
    pub(super) fn body(&self, p: &mut [T], g: &[T], slots: &mut [&mut [T]]) {
        each(self, p, g, first(slots), Self::element);
    }

    #[inline(always)]
    fn element(&self, p: T, g: T, [m, v]: [T; 2]) -> (T, [T; 2]) {
        let g = self.sign * g + self.coupled * p;
        let m = flush(m + self.fresh1 * (g - m));
        let v = self.squares.after(v, g);
        (p * self.shrink - (self.of_gradient * g + self.of_moment * m) / (v.sqrt() + self.eps), [m, v])
    }
}
