//! LinearLR: the usual warm-up.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, demand, implement_settings};
use super::{At, GroupWise, SchedulerError};

/// Moves a factor of the rate linearly from `start_factor` to `end_factor`, over `total_iters` steps.
///
/// lrₜ = base_lr · (start_factor + (end_factor − start_factor) · min(t, total_iters) / total_iters) where nothing else
/// changes the rate; as a chain, lrₜ = lrₜ₋₁ · (1 + (end_factor − start_factor) / (total_iters · start_factor + (t − 1)
/// · (end_factor − start_factor))).
///
/// `start_factor` is in (0, 1], `end_factor` in [0, 1], `total_iters` is 1 or more.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{LinearLR, preview};
/// let rates = preview(LinearLR { start_factor: 0.5, total_iters: 2, ..LinearLR::DEFAULT }, 1.0, 3)?;
/// assert_eq!(rates, [0.5, 0.75, 1.0, 1.0]);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// `torch.optim.lr_scheduler.LinearLR`. PyTorch lets `total_iters = 0` pass, and then holds the rate at `start_factor`
/// for ever; here it is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinearLR {
    /// The factor of step 0.
    pub start_factor: f64,
    /// The factor from step `total_iters` on.
    pub end_factor: f64,
    /// How many steps the way takes.
    pub total_iters: usize,
}

impl LinearLR {
    /// PyTorch's defaults.
    pub const DEFAULT: Self = LinearLR { start_factor: 1.0 / 3.0, end_factor: 1.0, total_iters: 5 };

    const fn fault(&self) -> Option<Fault> {
        let (start, end) = (self.start_factor, self.end_factor);
        demand!(LinearLR, start_factor = start, start > 0.0 && start <= 1.0, "above 0, and at most 1");
        demand!(LinearLR, end_factor = end, end >= 0.0 && end <= 1.0, "from 0 to 1");
        demand!(LinearLR, total_iters = self.total_iters, self.total_iters > 0, "1 or more");
        None
    }
}

implement_settings!(LinearLR);

impl GroupWise for LinearLR {
    const CLASS: &'static str = "LinearLR";

    fn check_options(&self) -> Result<(), SchedulerError> {
        Fault::check(self.fault())
    }
    fn rate(&self, at: At, _group: usize, _base_lr: f64, lr: f64) -> f64 {
        if at.step == 0 {
            return lr * self.start_factor;
        }
        if at.initial || at.step > self.total_iters as i64 {
            return lr;
        }
        let way = self.end_factor - self.start_factor;
        lr * (1.0 + way / (self.total_iters as f64 * self.start_factor + (at.step - 1) as f64 * way))
    }
    fn rate_at_restart(&self, _group: usize, base_lr: f64) -> Option<f64> {
        Some(base_lr * self.start_factor)
    }
    fn own_length(&self) -> Option<usize> {
        Some(self.total_iters)
    }
}
