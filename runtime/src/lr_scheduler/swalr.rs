//! SWALR: to a constant rate, for stochastic weight averaging.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::fault::{Fault, demand, implement_settings};
use super::group_lists::{check_list, of_group};
use super::{AnnealStrategy, At, GroupWise, Groups, List, SchedulerError, length};

/// Moves the rate from where it is to `swa_lr` in `anneal_epochs` steps, and holds it there.
///
/// lrₜ = swa_lr · aₜ + l · (1 − aₜ) with l = (lrₜ₋₁ − aₜ₋₁ · swa_lr) / (1 − aₜ₋₁), the rate at the beginning, and
/// aₜ = (1 − cos(π t / anneal_epochs)) / 2, or t / anneal_epochs with [`AnnealStrategy::Linear`], up to 1.
///
/// `swa_lr` is a rate, 0 or more, and required, or `swa_lrs` with one for each group. With `anneal_epochs = 0` the rate
/// is `swa_lr` at once.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{AnnealStrategy, SWALR, preview};
/// let schedule = SWALR { swa_lr: 0.5, anneal_epochs: 2, anneal_strategy: AnnealStrategy::Linear, ..SWALR::DEFAULT };
/// assert_eq!(preview(schedule, 1.0, 3)?, [1.0, 0.75, 0.5, 0.5]);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization". `torch.optim.swa_utils.SWALR`,
/// which keeps the rate in the groups, where a second one on the same optimizer overwrites it; here each keeps its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SWALR {
    /// The rate to go to, the same for all groups.
    #[serde(with = "crate::nan_as_null")]
    pub swa_lr: f64,
    /// The rate of each group, instead.
    pub swa_lrs: List<f64>,
    /// How many steps the way takes.
    pub anneal_epochs: usize,
    /// The form of the way.
    pub anneal_strategy: AnnealStrategy,
}

impl SWALR {
    /// PyTorch's defaults; `swa_lr` is required.
    pub const DEFAULT: Self = SWALR {
        swa_lr: f64::NAN,
        swa_lrs: List::Borrowed(&[]),
        anneal_epochs: 10,
        anneal_strategy: AnnealStrategy::Cos,
    };

    const fn fault(&self) -> Option<Fault> {
        let lr = self.swa_lr;
        let given = length(&self.swa_lrs) > 0 || (lr >= 0.0 && lr.is_finite());
        demand!(SWALR, swa_lr = lr, given, "a rate, 0 or more (it is required)");
        None
    }

    /// The share of `swa_lr` after `steps` of the way.
    fn share(&self, steps: f64) -> f64 {
        let t = (steps / self.anneal_epochs.max(1) as f64).clamp(0.0, 1.0);
        match self.anneal_strategy {
            AnnealStrategy::Cos => (1.0 - (PI * t).cos()) / 2.0,
            AnnealStrategy::Linear => t,
        }
    }
}

implement_settings!(SWALR);

impl GroupWise for SWALR {
    const CLASS: &'static str = "SWALR";

    fn check_options(&self) -> Result<(), SchedulerError> {
        Fault::check(self.fault())
    }
    fn check_groups(&self, groups: &dyn Groups) -> Result<(), SchedulerError> {
        check_list(Self::CLASS, "swa_lrs", &self.swa_lrs, groups, |lr| lr >= 0.0, "rates, 0 or more")
    }
    fn rate(&self, at: At, group: usize, _base_lr: f64, lr: f64) -> f64 {
        let swa_lr = of_group(self.swa_lr, &self.swa_lrs, group);
        // PyTorch counts the calls here, not the steps: the two differ where the schedule is resumed.
        let mut step = at.count as f64 - 1.0;
        if self.anneal_epochs == 0 {
            step = step.max(1.0);
        }
        let before = self.share(step - 1.0);
        let first = if before == 1.0 { swa_lr } else { (lr - before * swa_lr) / (1.0 - before) };
        let now = self.share(step);
        swa_lr * now + first * (1.0 - now)
    }
    fn own_length(&self) -> Option<usize> {
        Some(self.anneal_epochs)
    }
}
