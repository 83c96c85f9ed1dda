//! WarmupPolynomialLR: a linear warm-up, then a power of the way left.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, demand, implement_settings};
use super::{At, GroupWise, Groups, SchedulerError};

/// Raises the rate linearly from zero for `warmup_steps` steps, and lowers it to `lr_end` at `total_steps`, along a
/// power of the way that is left.
///
/// lrₜ = base_lr · t / warmup_steps for t < warmup_steps, then lr_end + (base_lr − lr_end) · (1 − p)^power, where p
/// goes from 0 to 1, and lr_end from `total_steps` on. It is computed anew at every step, whatever other schedules do.
///
/// `total_steps` is the length of the run, warm-up included, and more than `warmup_steps`; where it is not given, it
/// comes from the run ([`set_total_steps`](super::LrScheduler::set_total_steps)). `lr_end` is a rate, 0 or more and
/// below that of every group, `power` 0 or more: with 0 the rate is held, and falls at `total_steps`.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{WarmupPolynomialLR, preview};
/// let schedule = WarmupPolynomialLR { warmup_steps: 2, total_steps: 4, lr_end: 0.0, ..WarmupPolynomialLR::DEFAULT };
/// assert_eq!(preview(schedule, 1.0, 5)?, [0.0, 0.5, 1.0, 0.5, 0.0, 0.0]);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// Not in PyTorch; `get_polynomial_decay_schedule_with_warmup` of the library transformers, which with `power = 0` holds
/// the rate for one step more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WarmupPolynomialLR {
    /// The number of steps up.
    pub warmup_steps: usize,
    /// The number of steps altogether; 0 if it is not given.
    pub total_steps: usize,
    /// The last rate.
    pub lr_end: f64,
    /// The exponent; 1 is a straight line.
    pub power: f64,
}

impl WarmupPolynomialLR {
    /// No warm-up, a straight line down.
    pub const DEFAULT: Self = WarmupPolynomialLR { warmup_steps: 0, total_steps: 0, lr_end: 1e-7, power: 1.0 };

    const fn fault(&self) -> Option<Fault> {
        let long = self.total_steps == 0 || self.total_steps > self.warmup_steps;
        demand!(WarmupPolynomialLR, total_steps = self.total_steps, long, "more than `warmup_steps`");
        let (end, power) = (self.lr_end, self.power);
        demand!(WarmupPolynomialLR, lr_end = end, end >= 0.0 && end.is_finite(), "a finite rate, 0 or more");
        demand!(WarmupPolynomialLR, power = power, power >= 0.0 && power.is_finite(), "a finite number, 0 or more");
        None
    }
}

implement_settings!(WarmupPolynomialLR);

impl GroupWise for WarmupPolynomialLR {
    const CLASS: &'static str = "WarmupPolynomialLR";

    fn check_options(&self) -> Result<(), SchedulerError> {
        Fault::check(self.fault())?;
        if self.total_steps == 0 { Err(SchedulerError::unknown_total(Self::CLASS)) } else { Ok(()) }
    }
    fn check_groups(&self, groups: &dyn Groups) -> Result<(), SchedulerError> {
        let base_lr = |group| groups.initial_lr(group).unwrap_or(groups.lr(group));
        match (0..groups.count()).map(base_lr).find(|&base_lr| self.lr_end >= base_lr) {
            None => Ok(()),
            Some(base_lr) => Err(SchedulerError::Option {
                scheduler: Self::CLASS,
                option: "lr_end",
                found: self.lr_end.to_string(),
                expected: format!("less than the rate of every group: one has {base_lr}"),
            }),
        }
    }
    fn rate(&self, at: At, _group: usize, base_lr: f64, _lr: f64) -> f64 {
        let (step, warm) = (at.step as f64, self.warmup_steps as f64);
        if step < warm {
            return base_lr * (step / warm);
        }
        if at.step >= self.total_steps as i64 {
            return self.lr_end; // Of any power, and 0⁰ is 1.
        }
        let share = (step - warm) / (self.total_steps as f64 - warm);
        self.lr_end + (base_lr - self.lr_end) * (1.0 - share).powf(self.power)
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
