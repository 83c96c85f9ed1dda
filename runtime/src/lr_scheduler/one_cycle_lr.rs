//! OneCycleLR: up to a high rate and down to almost nothing, in one run.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::fault::{Fault, demand, implement_settings};
use super::group_lists::{check_list, check_momentum, of_group};
use super::{AnnealStrategy, At, GroupWise, Groups, List, SchedulerError, length};

/// Raises the rate from `max_lr / div_factor` to `max_lr` and lowers it to `max_lr / (div_factor · final_div_factor)`,
/// in exactly `total_steps` steps; the momentum goes the other way. To be stepped once a batch.
///
/// Phases, of a run of n steps and with p = `pct_start`: up to step p n − 1, and down to step n − 1; or, with
/// `three_phase`, up to step p n − 1, back to the initial rate at step 2 p n − 2, and down from there. At a share s of
/// a phase from a to b the value is b + (a − b) / 2 · (1 + cos π s), or a + (b − a) · s with
/// [`AnnealStrategy::Linear`]. It is computed anew at every step, whatever other schedules do, and sets the rate before
/// any schedule (`initial_lr`).
///
/// `max_lr` is a rate, above 0, and required, or `max_lrs` with one for each group. The number of steps is
/// `total_steps`, or `epochs · steps_per_epoch`, or comes from the run
/// ([`set_total_steps`](super::LrScheduler::set_total_steps)). `pct_start` is in [0, 1]; both divisors are above 0.
/// Momenta are in [0, 1).
///
/// # Errors
/// `cycle_momentum` (the default) with an optimizer that has neither momentum nor betas.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{OneCycleLR, preview};
/// let rates = preview(OneCycleLR { max_lr: 0.1, total_steps: 100, ..OneCycleLR::DEFAULT }, 1e-3, 99)?;
/// assert!((rates[0] - 0.004).abs() < 1e-12); // 0.1 / 25
/// assert!((rates[29] - 0.1).abs() < 1e-12);
/// assert!((rates[99] - 4e-7).abs() < 1e-12);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates".
/// `torch.optim.lr_scheduler.OneCycleLR`, which follows its last phase one step too far (to a negative rate, with
/// `anneal_strategy="linear"`) and stops with an error at the next; here the rate and the momentum of step `total_steps` − 1
/// stay. Where a phase has no length (`total_steps = 2` with `pct_start = 0.5`, `pct_start = 1`) PyTorch may divide by zero;
/// here it is over at once. PyTorch keeps the highest rate and the momenta in the groups, where a second OneCycleLR or CyclicLR on the
/// same optimizer overwrites them; here each keeps its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OneCycleLR {
    /// The highest rate, the same for all groups.
    #[serde(with = "crate::nan_as_null")]
    pub max_lr: f64,
    /// The highest rate of each group, instead.
    pub max_lrs: List<f64>,
    /// The number of steps; 0 if it is not given.
    pub total_steps: usize,
    /// The number of epochs, with `steps_per_epoch` instead of `total_steps`.
    pub epochs: usize,
    /// The number of steps in an epoch.
    pub steps_per_epoch: usize,
    /// The share of the steps that the way up takes.
    pub pct_start: f64,
    /// The form of the way.
    pub anneal_strategy: AnnealStrategy,
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
    /// The highest rate divided by the first.
    pub div_factor: f64,
    /// The first rate divided by the last.
    pub final_div_factor: f64,
    /// Whether the way down is in two phases.
    pub three_phase: bool,
}

/// The end of a phase, as a step and as the values there.
struct Phase {
    end: f64,
    lr: f64,
    momentum: f64,
}

impl OneCycleLR {
    /// PyTorch's defaults; `max_lr` is required.
    pub const DEFAULT: Self = OneCycleLR {
        max_lr: f64::NAN,
        max_lrs: List::Borrowed(&[]),
        total_steps: 0,
        epochs: 0,
        steps_per_epoch: 0,
        pct_start: 0.3,
        anneal_strategy: AnnealStrategy::Cos,
        cycle_momentum: true,
        base_momentum: 0.85,
        base_momentums: List::Borrowed(&[]),
        max_momentum: 0.95,
        max_momentums: List::Borrowed(&[]),
        div_factor: 25.0,
        final_div_factor: 1e4,
        three_phase: false,
    };

    const fn fault(&self) -> Option<Fault> {
        let lr = self.max_lr;
        let given = length(&self.max_lrs) > 0 || (lr > 0.0 && lr.is_finite());
        demand!(OneCycleLR, max_lr = lr, given, "a rate above 0 (it is required)");
        let share = self.pct_start;
        demand!(OneCycleLR, pct_start = share, share >= 0.0 && share <= 1.0, "from 0 to 1");
        let (base, max) = (self.base_momentum, self.max_momentum);
        demand!(OneCycleLR, base_momentum = base, base >= 0.0 && base < 1.0, "from 0 to below 1");
        demand!(OneCycleLR, max_momentum = max, max >= 0.0 && max < 1.0, "from 0 to below 1");
        let (first, last) = (self.div_factor, self.final_div_factor);
        demand!(OneCycleLR, div_factor = first, first > 0.0 && first.is_finite(), "above 0");
        demand!(OneCycleLR, final_div_factor = last, last > 0.0 && last.is_finite(), "above 0");
        let half = (self.epochs > 0) != (self.steps_per_epoch > 0) && self.total_steps == 0;
        demand!(OneCycleLR, epochs = self.epochs, !half, "given together with `steps_per_epoch`, or neither");
        None
    }

    fn max_lr(&self, group: usize) -> f64 {
        of_group(self.max_lr, &self.max_lrs, group)
    }

    /// The share of the way from `a` to `b`.
    fn anneal(&self, a: f64, b: f64, share: f64) -> f64 {
        match self.anneal_strategy {
            AnnealStrategy::Cos => b + (a - b) / 2.0 * ((PI * share).cos() + 1.0),
            AnnealStrategy::Linear => (b - a) * share + a,
        }
    }

    /// Rate and momentum.
    fn values(&self, at: At, group: usize, initial_lr: f64) -> (f64, f64) {
        let total = self.own_length().unwrap_or(1) as f64;
        let base = of_group(self.base_momentum, &self.base_momentums, group);
        let max = of_group(self.max_momentum, &self.max_momentums, group);
        let up = Phase { end: self.pct_start * total - 1.0, lr: self.max_lr(group), momentum: base };
        let back = Phase { end: 2.0 * self.pct_start * total - 2.0, lr: initial_lr, momentum: max };
        let down = Phase { end: total - 1.0, lr: initial_lr / self.final_div_factor, momentum: max };

        // Beyond the last step the phase would be followed on, below zero along a line.
        let step = (at.step as f64).min(total - 1.0);
        let mut from = Phase { end: 0.0, lr: initial_lr, momentum: max };
        let mut to = up;
        if step > to.end && self.three_phase {
            (from, to) = (to, back);
        }
        if step > to.end {
            (from, to) = (to, down);
        }
        // A phase of no length is over at once.
        let share = if to.end == from.end { 1.0 } else { (step - from.end) / (to.end - from.end) };
        (self.anneal(from.lr, to.lr, share), self.anneal(from.momentum, to.momentum, share))
    }
}

implement_settings!(OneCycleLR);

impl GroupWise for OneCycleLR {
    const CLASS: &'static str = "OneCycleLR";

    fn check_options(&self) -> Result<(), SchedulerError> {
        Fault::check(self.fault())?;
        if self.own_length().is_none() {
            return Err(SchedulerError::unknown_total(Self::CLASS));
        }
        Ok(())
    }
    fn check_groups(&self, groups: &dyn Groups) -> Result<(), SchedulerError> {
        check_list(Self::CLASS, "max_lrs", &self.max_lrs, groups, |lr| lr > 0.0, "rates above 0")?;
        if self.cycle_momentum {
            check_momentum(Self::CLASS, &self.base_momentums, &self.max_momentums, groups)?;
        }
        Ok(())
    }
    fn prepare(&self, groups: &mut dyn Groups) {
        for group in 0..groups.count() {
            groups.set_initial_lr(group, self.max_lr(group) / self.div_factor);
        }
    }
    fn rate(&self, at: At, group: usize, base_lr: f64, _lr: f64) -> f64 {
        self.values(at, group, base_lr).0
    }
    fn momentum(&self, at: At, group: usize) -> Option<f64> {
        self.cycle_momentum.then(|| self.values(at, group, 0.0).1)
    }
    fn own_length(&self) -> Option<usize> {
        let total =
            if self.total_steps > 0 { self.total_steps } else { self.epochs.saturating_mul(self.steps_per_epoch) };
        (total > 0).then_some(total)
    }
    fn set_own_length(&mut self, steps: usize) {
        if self.own_length().is_none() {
            self.total_steps = steps;
        }
    }
}
