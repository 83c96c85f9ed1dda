//! AdamW: Adam with decoupled weight decay.

use serde::{Deserialize, Serialize};

use super::options::{both_below_one, non_negative};
use super::{Adam, AdamRule, ElementWise, ElementWiseState, Optimizer, StepProgress};
use crate::Real;

/// AdamW: p ← p − lr · weight_decay · p − lr · m̂ / (√v̂ + eps), with the moments of [`Adam`], which see the gradient alone.
///
/// State: `exp_avg`, `exp_avg_sq`, `max_exp_avg_sq` (with `amsgrad`), `step`.
///
/// # Example
/// ```
/// use glulam::optim::AdamW;
/// const SETTINGS: AdamW = AdamW { lr: 3e-4, weight_decay: 0.1, ..AdamW::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// `torch.optim.AdamW`. Loshchilov and Hutter, Decoupled weight decay regularization (2019), algorithm 2; PyTorch
/// multiplies the decay by the learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, into = "Adam")]
pub struct AdamW {
    /// Learning rate, per step.
    pub lr: f64,
    /// Shares of the last moments that stay, each in [0, 1).
    pub betas: (f64, f64),
    /// Added to the denominator.
    pub eps: f64,
    /// How much the parameters shrink, times the learning rate.
    pub weight_decay: f64,
    /// Never let the denominator fall.
    pub amsgrad: bool,
    /// Ascend instead of descend.
    pub maximize: bool,
}

impl AdamW {
    /// PyTorch's defaults.
    pub const DEFAULT: Self =
        AdamW { lr: 1e-3, betas: (0.9, 0.999), eps: 1e-8, weight_decay: 1e-2, amsgrad: false, maximize: false };

    /// The same as settings of [`Adam`], which is how they are written to a state dict, in PyTorch too.
    pub const fn as_adam(&self) -> Adam {
        let AdamW { lr, betas, eps, weight_decay, amsgrad, maximize } = *self;
        Adam { lr, betas, eps, weight_decay, amsgrad, maximize, decoupled_weight_decay: true }
    }
}

impl From<AdamW> for Adam {
    fn from(settings: AdamW) -> Adam {
        settings.as_adam()
    }
}

options!(AdamW, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    betas: both_below_one(o.betas), "two numbers in [0, 1)";
    eps: non_negative(o.eps), "a finite number of at least 0";
    weight_decay: non_negative(o.weight_decay), "a finite number of at least 0";
});

impl Optimizer for AdamW {
    const NAME: &'static str = "AdamW";
    const ELEMENT_WISE: bool = true;
    type State<T: Real> = ElementWiseState<T, Self>;
    accessors!(betas, weight_decay);
}

impl ElementWise for AdamW {
    const SLOTS: &'static [&'static str] = Adam::SLOTS;
    type Rule<T: Real> = AdamRule<T>;

    fn uses(&self, slot: usize) -> bool {
        self.as_adam().uses(slot)
    }

    fn rule<T: Real>(&self, progress: &mut StepProgress) -> AdamRule<T> {
        AdamRule::new(&self.as_adam(), progress.step)
    }
}
