//! LARS: momentum descent whose step is as long as the parameter is large.

use serde::{Deserialize, Serialize};

use super::options::{non_negative, positive};
use super::rules::flush;
use super::{Optimizer, ParamStep, ParamWise, ParamWiseState};
use crate::Real;

/// LARS: b ← momentum · b + lr · λ · (g + weight_decay · p); p ← p − b, with
/// λ = trust_coefficient · ‖p‖ / (‖g‖ + weight_decay · ‖p‖ + eps) for each parameter (weight, bias …) as a whole.
///
/// g = ±∇. Where p is zero, λ is 1. State: `momentum_buffer` (b).
///
/// # Example
/// ```
/// use glulam::optim::LARS;
/// const SETTINGS: LARS = LARS { lr: 2.0, weight_decay: 1e-4, ..LARS::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// You, Gitman and Ginsburg, Large batch training of convolutional networks (2017), algorithm 1: the learning rate is in
/// the buffer, unlike in PyTorch's SGD. Not in PyTorch. `optax.lars` divides by the norm of
/// the gradient with the decay, instead of the sum of their norms. `timm.optim.Lars` has the learning rate behind the
/// buffer, takes λ = 1 where the gradient is zero, and without weight decay everywhere unless `always_adapt`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LARS {
    /// Learning rate, per step.
    pub lr: f64,
    /// Share of the last buffer that stays, at least 0.
    pub momentum: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// How much of its length a parameter moves at learning rate 1.
    pub trust_coefficient: f64,
    /// Added to the denominator of λ.
    pub eps: f64,
    /// Ascend instead of descend.
    pub maximize: bool,
}

impl LARS {
    /// The paper's momentum and trust coefficient.
    pub const DEFAULT: Self =
        LARS { lr: 1.0, momentum: 0.9, weight_decay: 0.0, trust_coefficient: 1e-3, eps: 1e-8, maximize: false };
}

options!(LARS, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    momentum: non_negative(o.momentum), "a finite number of at least 0";
    weight_decay: non_negative(o.weight_decay), "a finite number of at least 0";
    trust_coefficient: positive(o.trust_coefficient), "a finite number above 0";
    eps: non_negative(o.eps), "a finite number of at least 0";
});

impl Optimizer for LARS {
    const NAME: &'static str = "LARS";
    const ELEMENT_WISE: bool = false;
    type State<T: Real> = ParamWiseState<T, Self>;
    accessors!(momentum, weight_decay);
}

impl ParamWise for LARS {
    const SLOTS: &'static [&'static str] = &["momentum_buffer"];
    const HAS_STEP: bool = false;

    fn step_param<T: Real>(&self, step: ParamStep<'_, T>) {
        T::lars(self, step);
    }
}

impl LARS {
    #[inline(always)]
    pub(super) fn body<T: Real>(&self, step: ParamStep<'_, T>) {
        let ParamStep { parameters, gradient, slots: [b], .. } = step else {
            unreachable!("LARS keeps one buffer");
        };
        let (p_norm, g_norm) = (T::sum_of_squares(parameters).sqrt(), T::sum_of_squares(gradient).sqrt());
        let length = g_norm + self.weight_decay * p_norm + self.eps;
        // A parameter that is zero would stay so for ever. Where the length is, nothing moves.
        let trust = if p_norm > 0.0 && length > 0.0 { self.trust_coefficient * p_norm / length } else { 1.0 };
        let (sign, decay) = (T::from_f64(if self.maximize { -1.0 } else { 1.0 }), T::from_f64(self.weight_decay));
        let (momentum, step_size) = (T::from_f64(self.momentum), T::from_f64(self.lr * trust));
        for ((p, &g), b) in parameters.iter_mut().zip(gradient).zip(b.iter_mut()) {
            *b = flush(momentum * *b + step_size * (sign * g + decay * *p));
            *p -= *b;
        }
    }
}
