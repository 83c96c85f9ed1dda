//! WarmupCosineLR: a linear warm-up, then a cosine, in one schedule.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::fault::{Fault, demand, implement_settings};
use super::{At, GroupWise, SchedulerError};

/// Raises the rate linearly for `warmup_steps` steps, and lowers it along a cosine wave to `eta_min` at `total_steps`.
///
/// lrₜ = base_lr · (start_factor + (1 − start_factor) · t / warmup_steps) for t < warmup_steps, then eta_min + (base_lr
/// − eta_min) · max(0, (1 + cos(2 π num_cycles p)) / 2), where p goes from 0 to 1 and stays there. It is computed anew
/// at every step, whatever other schedules do.
///
/// `total_steps` is the length of the run, warm-up included, and more than `warmup_steps`; where it is not given, it
/// comes from the run ([`set_total_steps`](super::LrScheduler::set_total_steps)). `start_factor` is in [0, 1],
/// `eta_min` a rate, 0 or more, `num_cycles` 0 or more: 0.5 is half a wave, down.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{WarmupCosineLR, preview};
/// let schedule = WarmupCosineLR { warmup_steps: 2, total_steps: 4, ..WarmupCosineLR::DEFAULT };
/// assert_eq!(preview(schedule, 1.0, 5)?, [0.0, 0.5, 1.0, 0.5, 0.0, 0.0]);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// Not in PyTorch; `get_cosine_schedule_with_warmup` of the library transformers (without `start_factor` and
/// `eta_min`), whose wave goes on beyond the last step: the rate rises again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WarmupCosineLR {
    /// The number of steps up.
    pub warmup_steps: usize,
    /// The number of steps altogether; 0 if it is not given.
    pub total_steps: usize,
    /// The number of waves after the warm-up.
    pub num_cycles: f64,
    /// The factor of step 0. With 0 the first step changes nothing.
    pub start_factor: f64,
    /// The lowest rate after the warm-up.
    pub eta_min: f64,
}

impl WarmupCosineLR {
    /// No warm-up, half a wave down to zero.
    pub const DEFAULT: Self =
        WarmupCosineLR { warmup_steps: 0, total_steps: 0, num_cycles: 0.5, start_factor: 0.0, eta_min: 0.0 };

    const fn fault(&self) -> Option<Fault> {
        let long = self.total_steps == 0 || self.total_steps > self.warmup_steps;
        demand!(WarmupCosineLR, total_steps = self.total_steps, long, "more than `warmup_steps`");
        let (cycles, start, low) = (self.num_cycles, self.start_factor, self.eta_min);
        demand!(WarmupCosineLR, num_cycles = cycles, cycles >= 0.0 && cycles.is_finite(), "a finite number, 0 or more");
        demand!(WarmupCosineLR, start_factor = start, start >= 0.0 && start <= 1.0, "from 0 to 1");
        demand!(WarmupCosineLR, eta_min = low, low >= 0.0 && low.is_finite(), "a finite rate, 0 or more");
        None
    }
}

implement_settings!(WarmupCosineLR);

impl GroupWise for WarmupCosineLR {
    const CLASS: &'static str = "WarmupCosineLR";

    fn check_options(&self) -> Result<(), SchedulerError> {
        Fault::check(self.fault())?;
        if self.total_steps == 0 { Err(SchedulerError::unknown_total(Self::CLASS)) } else { Ok(()) }
    }
    fn rate(&self, at: At, _group: usize, base_lr: f64, _lr: f64) -> f64 {
        let (step, warm) = (at.step as f64, self.warmup_steps as f64);
        if step < warm {
            return base_lr * (self.start_factor + (1.0 - self.start_factor) * step / warm);
        }
        let share = ((step - warm) / (self.total_steps as f64 - warm)).min(1.0);
        let wave = (1.0 + (2.0 * PI * self.num_cycles * share).cos()) / 2.0;
        self.eta_min + (base_lr - self.eta_min) * wave.max(0.0)
    }
    fn own_length(&self) -> Option<usize> {
        (self.total_steps > 0).then_some(self.total_steps)
    }
    fn set_own_length(&mut self, steps: usize) {
        if self.total_steps == 0 {
            self.total_steps = steps;
        }
    }
}
