//! NoamLR: the schedule of the first transformer.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, demand, implement_settings};
use super::{At, GroupWise, SchedulerError};

/// Raises the rate linearly for `warmup_steps` steps, and lowers it as one over the square root of the step, scaled by
/// the width of the model.
///
/// lrₜ = base_lr · d_model^−0.5 · min((t + 1)^−0.5, (t + 1) · warmup_steps^−1.5). The optimizer's rate is a factor
/// here, usually 1. It is computed anew at every step, whatever other schedules do.
///
/// `d_model` is 1 or more, and required; `warmup_steps` is 1 or more.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{NoamLR, preview};
/// let rates = preview(NoamLR { d_model: 4, warmup_steps: 4, ..NoamLR::DEFAULT }, 1.0, 15)?;
/// assert_eq!([rates[0], rates[3], rates[15]], [0.0625, 0.25, 0.125]);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// Vaswani et al., "Attention Is All You Need", equation 3, with steps counted from 1. Not in PyTorch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NoamLR {
    /// The width of the model.
    pub d_model: usize,
    /// The number of steps up.
    pub warmup_steps: usize,
}

impl NoamLR {
    /// The paper's; `d_model` is required.
    pub const DEFAULT: Self = NoamLR { d_model: 0, warmup_steps: 4000 };

    const fn fault(&self) -> Option<Fault> {
        demand!(NoamLR, d_model = self.d_model, self.d_model > 0, "1 or more (it is required)");
        demand!(NoamLR, warmup_steps = self.warmup_steps, self.warmup_steps > 0, "1 or more");
        None
    }
}

implement_settings!(NoamLR);

impl GroupWise for NoamLR {
    const CLASS: &'static str = "NoamLR";

    fn check_options(&self) -> Result<(), SchedulerError> {
        Fault::check(self.fault())
    }
    fn rate(&self, at: At, _group: usize, base_lr: f64, _lr: f64) -> f64 {
        let (step, warm) = ((at.step + 1) as f64, self.warmup_steps as f64);
        base_lr * (self.d_model as f64).powf(-0.5) * step.powf(-0.5).min(step * warm.powf(-1.5))
    }
}
