//! RAdam: Adam whose step is rectified while its variance is still unknown.

use serde::{Deserialize, Serialize};

use super::options::{both_below_one, non_negative};
use super::rules::{Squares, bias_correction, body_by, each, first, flush};
use super::{ElementWise, ElementWiseState, Optimizer, StepProgress};
use crate::Real;

/// RAdam: p ← p − lr · r · m̂ · √(1 − β₂ᵗ) / (√v + eps) once ρ > 5; before that p ← p − lr · m̂.
///
/// m, v and m̂ are those of [`Adam`](super::Adam); ρ = ρ∞ − 2t β₂ᵗ / (1 − β₂ᵗ) with ρ∞ = 2 / (1 − β₂) − 1, and
/// r² = (ρ − 4)(ρ − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρ). g is ±∇ + weight_decay · p; with `decoupled_weight_decay`, p shrinks by
/// lr · weight_decay · p instead. State: `exp_avg` (m), `exp_avg_sq` (v), `step` (t).
///
/// # Example
/// ```
/// use glulam::optim::RAdam;
/// const SETTINGS: RAdam = RAdam { weight_decay: 1e-2, decoupled_weight_decay: true, ..RAdam::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// `torch.optim.RAdam`. Liu et al., On the variance of the adaptive learning rate and beyond (2020), algorithm 2; eps is
/// added before the correction of v.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RAdam {
    /// Learning rate, per step.
    pub lr: f64,
    /// Shares of the last moments that stay, each in [0, 1).
    pub betas: (f64, f64),
    /// Added to the denominator.
    pub eps: f64,
    /// L2 penalty, added to the gradient (or decoupled from it).
    pub weight_decay: f64,
    /// Shrink the parameters themselves, as AdamW does.
    pub decoupled_weight_decay: bool,
    /// Ascend instead of descend.
    pub maximize: bool,
}

impl RAdam {
    /// PyTorch's defaults.
    pub const DEFAULT: Self = RAdam {
        lr: 1e-3,
        betas: (0.9, 0.999),
        eps: 1e-8,
        weight_decay: 0.0,
        decoupled_weight_decay: false,
        maximize: false,
    };
}

options!(RAdam, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    betas: both_below_one(o.betas), "two numbers in [0, 1)";
    eps: non_negative(o.eps), "a finite number of at least 0";
    weight_decay: non_negative(o.weight_decay), "a finite number of at least 0";
});

impl Optimizer for RAdam {
    const NAME: &'static str = "RAdam";
    const ELEMENT_WISE: bool = true;
    type State<T: Real> = ElementWiseState<T, Self>;
    accessors!(betas, weight_decay);
}

impl ElementWise for RAdam {
    const SLOTS: &'static [&'static str] = &["exp_avg", "exp_avg_sq"];
    type Rule<T: Real> = RAdamRule<T>;

    fn rule<T: Real>(&self, progress: &mut StepProgress) -> RAdamRule<T> {
        let (beta1, beta2) = self.betas;
        let step = progress.step as f64;
        let (correction1, correction2) = (bias_correction(beta1, progress.step), bias_correction(beta2, progress.step));
        let rho_inf = 2.0 / (1.0 - beta2) - 1.0;
        let rho = rho_inf - 2.0 * step * beta2.powf(step) / correction2;
        let is_rectified = rho > 5.0;
        let rectified = if is_rectified {
            let ratio = (rho - 4.0) * (rho - 2.0) * rho_inf / ((rho_inf - 4.0) * (rho_inf - 2.0) * rho);
            ratio.sqrt() * correction2.sqrt()
        } else {
            1.0
        };
        let (decay, decoupled) = (self.weight_decay, self.decoupled_weight_decay);
        RAdamRule {
            sign: T::from_f64(if self.maximize { -1.0 } else { 1.0 }),
            coupled: T::from_f64(if decoupled { 0.0 } else { decay }),
            shrink: T::from_f64(if decoupled { 1.0 - self.lr * decay } else { 1.0 }),
            fresh1: T::from_f64(1.0 - beta1),
            squares: Squares::mean(beta2, 1.0 - beta2),
            eps: T::from_f64(self.eps),
            step_size: T::from_f64(self.lr / correction1 * rectified),
            is_rectified,
        }
    }
}

/// One step of [`RAdam`].
#[derive(Clone, Debug)]
pub struct RAdamRule<T> {
    sign: T,
    coupled: T,
    shrink: T,
    fresh1: T,
    squares: Squares<T>,
    eps: T,
    step_size: T,
    is_rectified: bool,
}

impl<T: Real> RAdamRule<T> {
    body_by!(is_rectified);

    #[inline(always)]
    fn element<const RECTIFIED: bool>(&self, p: T, g: T, [m, v]: [T; 2]) -> (T, [T; 2]) {
        let g = self.sign * g + self.coupled * p;
        let m = flush(m + self.fresh1 * (g - m));
        let v = self.squares.after(v, g);
        let direction = if RECTIFIED { m / (v.sqrt() + self.eps) } else { m };
        (p * self.shrink - self.step_size * direction, [m, v])
    }
}
