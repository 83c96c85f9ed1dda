//! ExponentialLR: the rate falls by the same factor at every step.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, demand, implement_settings};
use super::{At, GroupWise, SchedulerError};

/// Multiplies the rate by `gamma` at every step.
///
/// lrₜ = lrₜ₋₁ · gamma; so lrₜ = base_lr · gammaᵗ where nothing else changes the rate.
///
/// `gamma` is 0 or more, and required.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{ExponentialLR, preview};
/// assert_eq!(preview(ExponentialLR { gamma: 0.5 }, 1.0, 3)?, [1.0, 0.5, 0.25, 0.125]);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// `torch.optim.lr_scheduler.ExponentialLR`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExponentialLR {
    /// The factor.
    pub gamma: f64,
}

impl ExponentialLR {
    /// `gamma` is required.
    pub const DEFAULT: Self = ExponentialLR { gamma: f64::NAN };

    const fn fault(&self) -> Option<Fault> {
        let gamma = self.gamma;
        let expected = gamma >= 0.0 && gamma.is_finite();
        demand!(ExponentialLR, gamma = gamma, expected, "a finite number, 0 or more (it is required)");
        None
    }
}

implement_settings!(ExponentialLR);

impl GroupWise for ExponentialLR {
    const CLASS: &'static str = "ExponentialLR";

    fn check_options(&self) -> Result<(), SchedulerError> {
        Fault::check(self.fault())
    }
    fn rate(&self, at: At, _group: usize, _base_lr: f64, lr: f64) -> f64 {
        if at.initial { lr } else { lr * self.gamma }
    }
    fn rate_at_restart(&self, _group: usize, base_lr: f64) -> Option<f64> {
        Some(base_lr)
    }
}
