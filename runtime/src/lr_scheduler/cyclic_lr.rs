//! CyclicLR: up and down between two rates, again and again.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, demand, implement_settings};
use super::group_lists::{check_list, check_momentum, of_group};
use super::{At, CyclicMode, GroupWise, Groups, List, ScaleMode, SchedulerError, length};

/// Moves the rate up from `base_lr` to `max_lr` in `step_size_up` steps, down again in `step_size_down`, and so on; the
/// momentum goes the other way. To be stepped once a batch.
///
/// lrₜ = base_lr + (max_lr − base_lr) · h · s, where h goes from 0 to 1 and back along straight lines, and s is the
/// height of the cycle: 1, with [`CyclicMode::Triangular2`] 1 / 2^(cycle − 1), with [`CyclicMode::ExpRange`] gammaᵗ, or
/// what `scale_fn` says of the cycle (from 1) or of the step (`scale_mode`). The momentum is max_momentum −
/// (max_momentum − base_momentum) · h · s. It is computed anew at every step, whatever other schedules do.
///
/// `base_lr` and `max_lr` are rates, 0 or more, and required, or `base_lrs` and `max_lrs` with one for each group.
/// `step_size_up` is 1 or more; `step_size_down = 0` means as many. Momenta are in [0, 1).
///
/// # Errors
/// `cycle_momentum` (the default) with an optimizer that has neither momentum nor betas.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{CyclicLR, preview};
/// let schedule = CyclicLR { base_lr: 0.0, max_lr: 1.0, step_size_up: 2, ..CyclicLR::DEFAULT };
/// assert_eq!(preview(schedule, 0.1, 5)?, [0.0, 0.5, 1.0, 0.5, 0.0, 0.5]);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// Smith, "Cyclical Learning Rates for Training Neural Networks". `torch.optim.lr_scheduler.CyclicLR`. Its initial step
/// uses the groups' `initial_lr` where an earlier schedule has set one, and so does this one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CyclicLR {
    /// The lowest rate, the same for all groups.
    #[serde(with = "crate::nan_as_null")]
    pub base_lr: f64,
    /// The lowest rate of each group, instead.
    pub base_lrs: List<f64>,
    /// The highest rate of the first cycle.
    #[serde(with = "crate::nan_as_null")]
    pub max_lr: f64,
    /// The highest rate of each group, instead.
    pub max_lrs: List<f64>,
    /// The number of steps up.
    pub step_size_up: usize,
    /// The number of steps down; 0: as many as up.
    pub step_size_down: usize,
    /// How the height of the cycles develops. Not asked if there is a `scale_fn`.
    pub mode: CyclicMode,
    /// The factor of [`CyclicMode::ExpRange`].
    pub gamma: f64,
    /// The height of a cycle or step, a function with values in [0, 1]. It is not saved in a state dict: the schedule
    /// that loads one keeps its own.
    #[serde(skip)]
    pub scale_fn: Option<fn(f64) -> f64>,
    /// What `scale_fn` is a function of.
    pub scale_mode: ScaleMode,
    /// Whether the momentum (or the first beta) goes the other way.
    pub cycle_momentum: bool,
    /// The lowest momentum, where the rate is highest.
    pub base_momentum: f64,
    /// The lowest momentum of each group, instead.
    pub base_momentums: List<f64>,
    /// The highest momentum.
    pub max_momentum: f64,
    /// The highest momentum of each group, instead.
    pub max_momentums: List<f64>,
}

impl CyclicLR {
    /// PyTorch's defaults; `base_lr` and `max_lr` are required.
    pub const DEFAULT: Self = CyclicLR {
        base_lr: f64::NAN,
        base_lrs: List::Borrowed(&[]),
        max_lr: f64::NAN,
        max_lrs: List::Borrowed(&[]),
        step_size_up: 2000,
        step_size_down: 0,
        mode: CyclicMode::Triangular,
        gamma: 1.0,
        scale_fn: None,
        scale_mode: ScaleMode::Cycle,
        cycle_momentum: true,
        base_momentum: 0.8,
        base_momentums: List::Borrowed(&[]),
        max_momentum: 0.9,
        max_momentums: List::Borrowed(&[]),
    };

    const fn fault(&self) -> Option<Fault> {
        let (low, high) = (self.base_lr, self.max_lr);
        let low_given = length(&self.base_lrs) > 0 || (low >= 0.0 && low.is_finite());
        demand!(CyclicLR, base_lr = low, low_given, "a rate, 0 or more (it is required)");
        let high_given = length(&self.max_lrs) > 0 || (high >= 0.0 && high.is_finite());
        demand!(CyclicLR, max_lr = high, high_given, "a rate, 0 or more (it is required)");
        demand!(CyclicLR, step_size_up = self.step_size_up, self.step_size_up > 0, "1 or more");
        let gamma = self.gamma;
        demand!(CyclicLR, gamma = gamma, gamma >= 0.0 && gamma.is_finite(), "a finite number, 0 or more");
        let (base, max) = (self.base_momentum, self.max_momentum);
        demand!(CyclicLR, base_momentum = base, base >= 0.0 && base < 1.0, "from 0 to below 1");
        demand!(CyclicLR, max_momentum = max, max >= 0.0 && max < 1.0, "from 0 to below 1");
        None
    }

    /// The place in the cycle (0 at the bottom, 1 at the top) times the height of the cycle is `.0 · .1`.
    fn height(&self, step: i64) -> (f64, f64) {
        let up = self.step_size_up as f64;
        let down = if self.step_size_down > 0 { self.step_size_down as f64 } else { up };
        let (total, ratio) = (up + down, up / (up + down));
        let step = step as f64;
        let cycle = (1.0 + step / total).floor();
        let x = 1.0 + step / total - cycle;
        let place = if x <= ratio { x / ratio } else { (x - 1.0) / (ratio - 1.0) };
        let scale = match (self.scale_fn, self.mode, self.scale_mode) {
            (Some(scale_fn), _, ScaleMode::Cycle) => scale_fn(cycle),
            (Some(scale_fn), _, ScaleMode::Iterations) => scale_fn(step),
            (None, CyclicMode::Triangular, _) => 1.0,
            (None, CyclicMode::Triangular2, _) => 1.0 / 2f64.powf(cycle - 1.0),
            (None, CyclicMode::ExpRange, _) => self.gamma.powf(step),
        };
        (place, scale)
    }
}

implement_settings!(CyclicLR);

impl PartialEq for CyclicLR {
    fn eq(&self, other: &Self) -> bool {
        let same_function = match (self.scale_fn, other.scale_fn) {
            (Some(a), Some(b)) => std::ptr::fn_addr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        let numbers = |s: &Self| (s.base_lr, s.max_lr, s.gamma, s.base_momentum, s.max_momentum);
        let kinds = |s: &Self| (s.step_size_up, s.step_size_down, s.mode, s.scale_mode, s.cycle_momentum);
        same_function
            && numbers(self) == numbers(other)
            && kinds(self) == kinds(other)
            && (&self.base_lrs, &self.max_lrs) == (&other.base_lrs, &other.max_lrs)
            && (&self.base_momentums, &self.max_momentums) == (&other.base_momentums, &other.max_momentums)
    }
}

impl GroupWise for CyclicLR {
    const CLASS: &'static str = "CyclicLR";

    fn check_options(&self) -> Result<(), SchedulerError> {
        Fault::check(self.fault())
    }
    fn check_groups(&self, groups: &dyn Groups) -> Result<(), SchedulerError> {
        for (option, list) in [("base_lrs", &self.base_lrs), ("max_lrs", &self.max_lrs)] {
            check_list(Self::CLASS, option, list, groups, |lr| lr >= 0.0, "rates, 0 or more")?;
        }
        if self.cycle_momentum {
            check_momentum(Self::CLASS, &self.base_momentums, &self.max_momentums, groups)?;
        }
        Ok(())
    }
    fn prepare(&self, groups: &mut dyn Groups) {
        for group in 0..groups.count() {
            groups.set_lr(group, of_group(self.base_lr, &self.base_lrs, group));
        }
    }
    fn rate(&self, at: At, group: usize, base_lr: f64, _lr: f64) -> f64 {
        let (place, scale) = self.height(at.step);
        base_lr + (of_group(self.max_lr, &self.max_lrs, group) - base_lr) * place * scale
    }
    fn momentum(&self, at: At, group: usize) -> Option<f64> {
        if !self.cycle_momentum {
            return None;
        }
        let (place, scale) = self.height(at.step);
        let base = of_group(self.base_momentum, &self.base_momentums, group);
        let max = of_group(self.max_momentum, &self.max_momentums, group);
        Some(max - (max - base) * place * scale)
    }
    fn base_lr(&self, group: usize) -> Option<f64> {
        Some(of_group(self.base_lr, &self.base_lrs, group))
    }
    fn keep_functions(&mut self, attached: &Self) {
        self.scale_fn = attached.scale_fn;
    }
}
