//! StepLR: the rate falls every so many steps.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, demand, implement_settings};
use super::{At, GroupWise, SchedulerError};

/// Multiplies the rate by `gamma` every `step_size` steps.
///
/// lrₜ = lrₜ₋₁ · gamma where t is a multiple of `step_size`, else lrₜ₋₁; so lrₜ = base_lr · gamma^⌊t / step_size⌋ where
/// nothing else changes the rate.
///
/// `step_size` is 1 or more, and required; `gamma` is 0 or more.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{StepLR, preview};
/// let rates = preview(StepLR { step_size: 2, gamma: 0.5, ..StepLR::DEFAULT }, 1.0, 4)?;
/// assert_eq!(rates, [1.0, 1.0, 0.5, 0.5, 0.25]);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// `torch.optim.lr_scheduler.StepLR`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StepLR {
    /// Steps between two changes of the rate.
    pub step_size: usize,
    /// The factor.
    pub gamma: f64,
}

impl StepLR {
    /// PyTorch's defaults; `step_size` is required.
    pub const DEFAULT: Self = StepLR { step_size: 0, gamma: 0.1 };

    const fn fault(&self) -> Option<Fault> {
        demand!(StepLR, step_size = self.step_size, self.step_size > 0, "1 or more (it is required)");
        demand!(StepLR, gamma = self.gamma, self.gamma >= 0.0 && self.gamma.is_finite(), "a finite number, 0 or more");
        None
    }
}

implement_settings!(StepLR);

impl GroupWise for StepLR {
    const CLASS: &'static str = "StepLR";

    fn check_options(&self) -> Result<(), SchedulerError> {
        Fault::check(self.fault())
    }
    fn rate(&self, at: At, _group: usize, _base_lr: f64, lr: f64) -> f64 {
        if at.step == 0 || at.step % self.step_size as i64 != 0 { lr } else { lr * self.gamma }
    }
    fn rate_at_restart(&self, _group: usize, base_lr: f64) -> Option<f64> {
        Some(base_lr)
    }
}
