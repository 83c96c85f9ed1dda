//! MultiStepLR: the rate falls at given steps.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, demand, implement_settings};
use super::{At, GroupWise, List, SchedulerError, length};

/// Multiplies the rate by `gamma` at each of the steps `milestones`.
///
/// lrₜ = lrₜ₋₁ · gammaᵏ where t is k times among the milestones; so lrₜ = base_lr · gamma^(number of milestones ≤ t)
/// where nothing else changes the rate.
///
/// There is at least one milestone; a step may be given twice, and the order does not matter. `gamma` is 0 or more.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{MultiStepLR, preview};
/// let schedule = MultiStepLR { milestones: vec![1, 3].into(), gamma: 0.5, ..MultiStepLR::DEFAULT };
/// assert_eq!(preview(schedule, 1.0, 4)?, [1.0, 0.5, 0.5, 0.25, 0.25]);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// `torch.optim.lr_scheduler.MultiStepLR`, which accepts an empty list; here it counts as not given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MultiStepLR {
    /// The steps at which the rate changes.
    pub milestones: List<usize>,
    /// The factor.
    pub gamma: f64,
}

impl MultiStepLR {
    /// PyTorch's defaults; `milestones` is required.
    pub const DEFAULT: Self = MultiStepLR { milestones: List::Borrowed(&[]), gamma: 0.1 };

    const fn fault(&self) -> Option<Fault> {
        let (count, gamma) = (length(&self.milestones), self.gamma);
        demand!(MultiStepLR, milestones = count, count > 0, "one step or more (they are required)");
        demand!(MultiStepLR, gamma = gamma, gamma >= 0.0 && gamma.is_finite(), "a finite number, 0 or more");
        None
    }
}

implement_settings!(MultiStepLR);

impl GroupWise for MultiStepLR {
    const CLASS: &'static str = "MultiStepLR";

    fn check_options(&self) -> Result<(), SchedulerError> {
        Fault::check(self.fault())
    }
    fn rate(&self, at: At, _group: usize, _base_lr: f64, lr: f64) -> f64 {
        match self.milestones.iter().filter(|&&milestone| milestone as i64 == at.step).count() {
            0 => lr,
            times => lr * self.gamma.powf(times as f64),
        }
    }
    fn rate_at_restart(&self, _group: usize, base_lr: f64) -> Option<f64> {
        let past = self.milestones.iter().filter(|&&milestone| milestone == 0).count();
        Some(base_lr * self.gamma.powf(past as f64))
    }
}
