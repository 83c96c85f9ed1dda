//! CosineAnnealingWarmRestarts: half a cosine wave down, again and again.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::fault::{Fault, demand, implement_settings};
use super::{At, GroupWise, SchedulerError};

/// Lowers the rate along half a cosine wave to `eta_min`, then starts again at the base rate; each time takes `T_mult`
/// times as long as the one before.
///
/// lrₜ = eta_min + (base_lr − eta_min) · (1 + cos(π T_cur / T_i)) / 2, where T_cur counts the steps since the last
/// restart and T_i = T_0 · T_multⁱ is the number of steps between the restarts i and i + 1. It is computed anew at
/// every step, from the base rate, whatever other schedules do.
///
/// `T_0` is 1 or more, and required; `T_mult` is 1 or more; `eta_min` is a rate, 0 or more.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{CosineAnnealingWarmRestarts, preview};
/// let schedule = CosineAnnealingWarmRestarts { T_0: 2, T_mult: 2, ..CosineAnnealingWarmRestarts::DEFAULT };
/// let rates = preview(schedule, 1.0, 6)?;
/// assert_eq!([rates[0], rates[2], rates[6]], [1.0, 1.0, 1.0]); // Restarts after 2 and after 4 more.
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", equation 5.
/// `torch.optim.lr_scheduler.CosineAnnealingWarmRestarts`. Its `step(epoch)` with a fraction of an epoch is not there:
/// step once a batch instead. `T_cur` and `T_i` are not in the state dict, since they follow from `last_epoch`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(non_snake_case, reason = "PyTorch's names of the options")]
pub struct CosineAnnealingWarmRestarts {
    /// The number of steps before the first restart.
    pub T_0: usize,
    /// How many times as long each next one takes.
    pub T_mult: usize,
    /// The lowest rate.
    pub eta_min: f64,
}

impl CosineAnnealingWarmRestarts {
    /// PyTorch's defaults; `T_0` is required.
    pub const DEFAULT: Self = CosineAnnealingWarmRestarts { T_0: 0, T_mult: 1, eta_min: 0.0 };

    const fn fault(&self) -> Option<Fault> {
        demand!(CosineAnnealingWarmRestarts, T_0 = self.T_0, self.T_0 > 0, "1 or more (it is required)");
        demand!(CosineAnnealingWarmRestarts, T_mult = self.T_mult, self.T_mult > 0, "1 or more");
        let low = self.eta_min;
        demand!(CosineAnnealingWarmRestarts, eta_min = low, low >= 0.0 && low.is_finite(), "a finite rate, 0 or more");
        None
    }

    /// The steps since the last restart, and the steps from there to the next.
    fn position(&self, step: usize) -> (usize, usize) {
        if self.T_mult == 1 {
            return (step % self.T_0, self.T_0);
        }
        let (mut since, mut between) = (step, self.T_0);
        while since >= between {
            since -= between;
            between = between.saturating_mul(self.T_mult);
        }
        (since, between)
    }
}

implement_settings!(CosineAnnealingWarmRestarts);

impl GroupWise for CosineAnnealingWarmRestarts {
    const CLASS: &'static str = "CosineAnnealingWarmRestarts";

    fn check_options(&self) -> Result<(), SchedulerError> {
        Fault::check(self.fault())
    }
    fn rate(&self, at: At, _group: usize, base_lr: f64, _lr: f64) -> f64 {
        let (since, between) = self.position(at.step as usize);
        let wave = (PI * since as f64 / between as f64).cos();
        self.eta_min + (base_lr - self.eta_min) * (1.0 + wave) / 2.0
    }
}
