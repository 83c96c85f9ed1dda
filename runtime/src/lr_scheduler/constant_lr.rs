//! ConstantLR: a smaller rate at first.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, demand, implement_settings};
use super::{At, GroupWise, SchedulerError};

/// Multiplies the rate by `factor` for the first `total_iters` steps.
///
/// lrₜ = base_lr · factor for t < total_iters, then base_lr, where nothing else changes the rate; as a chain, step 0
/// multiplies by `factor`, and step `total_iters` by 1 / `factor`.
///
/// `factor` is in (0, 1], `total_iters` is 1 or more.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{ConstantLR, preview};
/// let rates = preview(ConstantLR { factor: 0.5, total_iters: 2, ..ConstantLR::DEFAULT }, 1.0, 3)?;
/// assert_eq!(rates, [0.5, 0.5, 1.0, 1.0]);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// `torch.optim.lr_scheduler.ConstantLR`. PyTorch lets two settings pass that are refused here: `factor = 0`, with
/// which it divides by zero at step `total_iters`, and `total_iters = 0`, with which it holds the smaller rate for
/// ever.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConstantLR {
    /// The factor of the first steps.
    pub factor: f64,
    /// How many steps these are.
    pub total_iters: usize,
}

impl ConstantLR {
    /// PyTorch's defaults.
    pub const DEFAULT: Self = ConstantLR { factor: 1.0 / 3.0, total_iters: 5 };

    const fn fault(&self) -> Option<Fault> {
        let factor = self.factor;
        demand!(ConstantLR, factor = factor, factor > 0.0 && factor <= 1.0, "above 0, and at most 1");
        demand!(ConstantLR, total_iters = self.total_iters, self.total_iters > 0, "1 or more");
        None
    }
}

implement_settings!(ConstantLR);

impl GroupWise for ConstantLR {
    const CLASS: &'static str = "ConstantLR";

    fn check_options(&self) -> Result<(), SchedulerError> {
        Fault::check(self.fault())
    }
    fn rate(&self, at: At, _group: usize, _base_lr: f64, lr: f64) -> f64 {
        if at.step == 0 {
            lr * self.factor
        } else if at.step == self.total_iters as i64 {
            lr * (1.0 / self.factor)
        } else {
            lr
        }
    }
    fn rate_at_restart(&self, _group: usize, base_lr: f64) -> Option<f64> {
        Some(base_lr * self.factor)
    }
    fn own_length(&self) -> Option<usize> {
        Some(self.total_iters)
    }
}
