//! InverseSqrtLR: a linear warm-up, then one over the square root of the step.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, implement_settings};
use super::{At, GroupWise, SchedulerError};

/// Raises the rate linearly from zero for `warmup_steps` steps, and lowers it as one over the square root of the step.
///
/// lrₜ = base_lr · t / warmup_steps for t < warmup_steps, then base_lr / √((t − warmup_steps + timescale) / timescale).
/// It is computed anew at every step, whatever other schedules do.
///
/// `timescale = 0` means `warmup_steps`, or 10 000 if there is no warm-up.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{InverseSqrtLR, preview};
/// let rates = preview(InverseSqrtLR { warmup_steps: 2, ..InverseSqrtLR::DEFAULT }, 1.0, 8)?;
/// assert_eq!([rates[0], rates[1], rates[2], rates[8]], [0.0, 0.5, 1.0, 0.5]);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// Zhai et al., "Scaling Vision Transformers", section 3.4. Not in PyTorch; `get_inverse_sqrt_schedule` of the library
/// transformers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InverseSqrtLR {
    /// The number of steps up.
    pub warmup_steps: usize,
    /// In how many steps the rate falls to 1 / √2.
    pub timescale: usize,
}

impl InverseSqrtLR {
    /// No warm-up.
    pub const DEFAULT: Self = InverseSqrtLR { warmup_steps: 0, timescale: 0 };

    /// All numbers of steps will do.
    const fn fault(&self) -> Option<Fault> {
        None
    }
}

implement_settings!(InverseSqrtLR);

impl GroupWise for InverseSqrtLR {
    const CLASS: &'static str = "InverseSqrtLR";

    fn check_options(&self) -> Result<(), SchedulerError> {
        Fault::check(self.fault())
    }
    fn rate(&self, at: At, _group: usize, base_lr: f64, _lr: f64) -> f64 {
        let (step, warm) = (at.step as f64, self.warmup_steps as f64);
        if step < warm {
            return base_lr * (step / warm);
        }
        let timescale = match (self.timescale, self.warmup_steps) {
            (0, 0) => 10_000,
            (0, warmup_steps) => warmup_steps,
            (timescale, _) => timescale,
        } as f64;
        base_lr / ((step - warm + timescale) / timescale).sqrt()
    }
}
