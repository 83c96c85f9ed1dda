//! Lion: the sign of a momentum is the step.

use serde::{Deserialize, Serialize};

use super::options::{both_below_one, non_negative};
use super::rules::{each, first, flush, sign};
use super::{ElementWise, ElementWiseState, Optimizer, StepProgress};
use crate::Real;

/// Lion: p ← p − lr · (sign(β₁m + (1 − β₁)g) + weight_decay · p); m ← β₂m + (1 − β₂)g, with g = ±∇.
///
/// Every parameter moves by lr, so that is 3 to 10 times smaller than Adam's, and the weight decay as much larger.
/// State: `exp_avg` (m), `step`.
///
/// # Example
/// ```
/// use glulam::optim::Lion;
/// const SETTINGS: Lion = Lion { lr: 1e-4, weight_decay: 0.1, ..Lion::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// Chen et al., Symbolic discovery of optimization algorithms (2023), algorithm 2. Not in PyTorch; the step of `optax.lion`,
/// which asks for lr and decays by `weight_decay=1e-3` unless told otherwise, and of `keras.optimizers.Lion`, which has
/// lr = 1e-3 and no decay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lion {
    /// Learning rate, per step.
    pub lr: f64,
    /// Shares of the last moments that stay, each in [0, 1).
    pub betas: (f64, f64),
    /// How much the parameters shrink, times the learning rate.
    pub weight_decay: f64,
    /// Ascend instead of descend.
    pub maximize: bool,
}

impl Lion {
    /// The authors' defaults.
    pub const DEFAULT: Self = Lion { lr: 1e-4, betas: (0.9, 0.99), weight_decay: 0.0, maximize: false };
}

options!(Lion, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    betas: both_below_one(o.betas), "two numbers in [0, 1)";
    weight_decay: non_negative(o.weight_decay), "a finite number of at least 0";
});

impl Optimizer for Lion {
    const NAME: &'static str = "Lion";
    const ELEMENT_WISE: bool = true;
    type State<T: Real> = ElementWiseState<T, Self>;
    accessors!(betas, weight_decay);
}

impl ElementWise for Lion {
    const SLOTS: &'static [&'static str] = &["exp_avg"];
    type Rule<T: Real> = LionRule<T>;

    fn rule<T: Real>(&self, _progress: &mut StepProgress) -> LionRule<T> {
        LionRule {
            sign: T::from_f64(if self.maximize { -1.0 } else { 1.0 }),
            shrink: T::from_f64(1.0 - self.lr * self.weight_decay),
            beta1: T::from_f64(self.betas.0),
            fresh1: T::from_f64(1.0 - self.betas.0),
            beta2: T::from_f64(self.betas.1),
            fresh2: T::from_f64(1.0 - self.betas.1),
            lr: T::from_f64(self.lr),
        }
    }
}

/// One step of [`Lion`].
#[derive(Clone, Debug)]
pub struct LionRule<T> {
    sign: T,
    shrink: T,
    beta1: T,
    fresh1: T,
    beta2: T,
    fresh2: T,
    lr: T,
}

impl<T: Real> LionRule<T> {
    #[inline(always)]
    pub(super) fn body(&self, p: &mut [T], g: &[T], slots: &mut [&mut [T]]) {
        each(self, p, g, first(slots), Self::element);
    }

    #[inline(always)]
    fn element(&self, p: T, g: T, [m]: [T; 1]) -> (T, [T; 1]) {
        let g = self.sign * g;
        let direction = sign(self.beta1 * m + self.fresh1 * g);
        (p * self.shrink - self.lr * direction, [flush(self.beta2 * m + self.fresh2 * g)])
    }
}
