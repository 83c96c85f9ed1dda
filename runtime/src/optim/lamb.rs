//! LAMB: Adam whose step is as long as the parameter is large.

use serde::{Deserialize, Serialize};

use super::options::{both_below_one, non_negative};
use super::rules::{Squares, bias_correction, flush};
use super::{Optimizer, ParamStep, ParamWise, ParamWiseState};
use crate::Real;
use crate::network::ParamSpec;

/// LAMB: p ← p − lr · ‖p‖ / ‖u‖ · u with u = m̂ / (√v̂ + eps) + weight_decay · p, for each parameter (weight, bias …) as a whole.
///
/// m̂ and v̂ are those of [`Adam`](super::Adam), of g = ±∇. Where p or u is zero the ratio is 1. State: `exp_avg`,
/// `exp_avg_sq`, `step`.
///
/// # Example
/// ```
/// use glulam::optim::LAMB;
/// const SETTINGS: LAMB = LAMB { lr: 2e-3, weight_decay: 0.01, ..LAMB::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// You et al., Large batch optimization for deep learning (2020), algorithm 2 with φ(z) = z. Not in PyTorch; as `optax.lamb`,
/// which asks for lr.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LAMB {
    /// Learning rate, per step.
    pub lr: f64,
    /// Shares of the last moments that stay, each in [0, 1).
    pub betas: (f64, f64),
    /// Added to the denominator.
    pub eps: f64,
    /// Share of the parameter in the direction of the step.
    pub weight_decay: f64,
    /// Ascend instead of descend.
    pub maximize: bool,
}

impl LAMB {
    /// The defaults of optax, and a learning rate.
    pub const DEFAULT: Self = LAMB { lr: 1e-3, betas: (0.9, 0.999), eps: 1e-6, weight_decay: 0.0, maximize: false };
}

options!(LAMB, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    betas: both_below_one(o.betas), "two numbers in [0, 1)";
    eps: non_negative(o.eps), "a finite number of at least 0";
    weight_decay: non_negative(o.weight_decay), "a finite number of at least 0";
});

impl Optimizer for LAMB {
    const NAME: &'static str = "LAMB";
    const ELEMENT_WISE: bool = false;
    type State<T: Real> = ParamWiseState<T, Self>;
    accessors!(betas, weight_decay);
}

impl ParamWise for LAMB {
    const SLOTS: &'static [&'static str] = &["exp_avg", "exp_avg_sq"];

    fn scratch_len(&self, spec: &ParamSpec) -> usize {
        spec.len
    }

    fn step_param<T: Real>(&self, step: ParamStep<'_, T>) {
        T::lamb(self, step);
    }
}

impl LAMB {
    #[inline(always)]
    pub(super) fn body<T: Real>(&self, step: ParamStep<'_, T>) {
        let ParamStep { number, parameters, gradient, slots: [m, v], scratch: u, .. } = step else {
            unreachable!("LAMB keeps two moments");
        };
        let (beta1, beta2) = self.betas;
        let correction = |beta| bias_correction(beta, number);
        let correction2 = correction(beta2).sqrt();
        // m̂ / (√v̂ + eps) = s · m / (√v + e), as in Adam's rule.
        let (s, eps) = (T::from_f64(correction2 / correction(beta1)), T::from_f64(self.eps * correction2));
        let squares = Squares::mean(beta2, 1.0 - beta2);
        let (sign, decay) = (T::from_f64(if self.maximize { -1.0 } else { 1.0 }), T::from_f64(self.weight_decay));
        let fresh1 = T::from_f64(1.0 - beta1);

        let elements = parameters.iter().zip(gradient).zip(m.iter_mut()).zip(v.iter_mut()).zip(u.iter_mut());
        for ((((&p, &g), m), v), u) in elements {
            let g = sign * g;
            *m = flush(*m + fresh1 * (g - *m));
            *v = squares.after(*v, g);
            *u = s * *m / (v.sqrt() + eps) + decay * p;
        }
        let (p_norm, u_norm) = (T::sum_of_squares(parameters).sqrt(), T::sum_of_squares(u).sqrt());
        let ratio = if p_norm > 0.0 && u_norm > 0.0 { p_norm / u_norm } else { 1.0 };
        let step_size = T::from_f64(self.lr * ratio);
        for (p, &u) in parameters.iter_mut().zip(u.iter()) {
            *p -= step_size * u;
        }
    }
}
