//! CosineAnnealingLR: half a cosine wave down.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::fault::{Fault, demand, implement_settings};
use super::{At, GroupWise, SchedulerError};

/// Lowers the rate along half a cosine wave, from the base rate to `eta_min` in `T_max` steps, and then up again.
///
/// lrₜ = eta_min + (base_lr − eta_min) · (1 + cos(π t / T_max)) / 2 where nothing else changes the rate; as a chain,
/// lrₜ = eta_min + (lrₜ₋₁ − eta_min) · (1 + cos(π t / T_max)) / (1 + cos(π (t − 1) / T_max)), and a step away from
/// `eta_min` where that would divide by zero.
///
/// `T_max` is 1 or more, and required. `eta_min` is a rate, 0 or more.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{CosineAnnealingLR, preview};
/// let rates = preview(CosineAnnealingLR { T_max: 2, ..CosineAnnealingLR::DEFAULT }, 1.0, 2)?;
/// assert_eq!(rates, [1.0, 0.5, 0.0]);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", equation 5, without the restarts.
/// `torch.optim.lr_scheduler.CosineAnnealingLR`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(non_snake_case, reason = "PyTorch's names of the options")]
pub struct CosineAnnealingLR {
    /// The number of steps down to `eta_min`.
    pub T_max: usize,
    /// The lowest rate.
    pub eta_min: f64,
}

impl CosineAnnealingLR {
    /// PyTorch's defaults; `T_max` is required.
    pub const DEFAULT: Self = CosineAnnealingLR { T_max: 0, eta_min: 0.0 };

    const fn fault(&self) -> Option<Fault> {
        demand!(CosineAnnealingLR, T_max = self.T_max, self.T_max > 0, "1 or more (it is required)");
        let low = self.eta_min;
        demand!(CosineAnnealingLR, eta_min = low, low >= 0.0 && low.is_finite(), "a finite rate, 0 or more");
        None
    }
}

implement_settings!(CosineAnnealingLR);

impl GroupWise for CosineAnnealingLR {
    const CLASS: &'static str = "CosineAnnealingLR";

    fn check_options(&self) -> Result<(), SchedulerError> {
        Fault::check(self.fault())
    }
    fn rate(&self, at: At, _group: usize, base_lr: f64, lr: f64) -> f64 {
        if at.initial {
            return lr;
        }
        let (step, half) = (at.step as f64, self.T_max as f64);
        if (at.step - 1 - self.T_max as i64) % (2 * self.T_max as i64) == 0 {
            return lr + (base_lr - self.eta_min) * (1.0 - (PI / half).cos()) / 2.0;
        }
        (1.0 + (PI * step / half).cos()) / (1.0 + (PI * (step - 1.0) / half).cos()) * (lr - self.eta_min) + self.eta_min
    }
    fn rate_at_restart(&self, _group: usize, base_lr: f64) -> Option<f64> {
        // The closed form with cos(0), in the same order of operations.
        Some(self.eta_min + (base_lr - self.eta_min) * 2.0 / 2.0)
    }
    fn own_length(&self) -> Option<usize> {
        Some(self.T_max)
    }
}
