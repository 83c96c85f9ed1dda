//! Schedules that set each group's rate by itself: nearly all of them. They give a formula; this file counts the steps,
//! knows the base rates and writes the state dict, as PyTorch's class `LRScheduler` does.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::state_dict::{check_rates, merge, read, saved_over, to_json};
use super::{Groups, LrScheduler, SchedulerError, SchedulerState};

/// A moment in a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The number of the step, from 0 (PyTorch's `last_epoch`).
    pub step: i64,
    /// How often `step()` was called, the initial step included (PyTorch's `_step_count`).
    pub count: u64,
    /// This is the initial step, which attaching makes. It differs from step 0 where a schedule is resumed.
    pub initial: bool,
}

/// A schedule that computes each group's rate from that group alone. To add a schedule of your own, implement this.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{At, GroupWise, SchedulerError, preview};
/// use serde::{Deserialize, Serialize};
///
/// /// Halves the rate at every step.
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// struct Halving;
///
/// impl GroupWise for Halving {
///     const CLASS: &'static str = "Halving";
///     fn check_options(&self) -> Result<(), SchedulerError> {
///         Ok(())
///     }
///     fn rate(&self, at: At, _group: usize, _base_lr: f64, lr: f64) -> f64 {
///         if at.initial { lr } else { lr / 2.0 }
///     }
/// }
/// assert_eq!(preview(Halving, 1.0, 3)?, [1.0, 0.5, 0.25, 0.125]);
/// # Ok::<(), SchedulerError>(())
/// ```
pub trait GroupWise: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name in `torch.optim.lr_scheduler`.
    const CLASS: &'static str;

    /// Whether every option is in its range.
    ///
    /// # Errors
    /// The first option that is not, with what is allowed.
    fn check_options(&self) -> Result<(), SchedulerError>;

    /// The rate `at` a moment of a group with the rates `base_lr` before any schedule and `lr` before this step.
    fn rate(&self, at: At, group: usize, base_lr: f64, lr: f64) -> f64;

    /// The rate of step 0 computed anew, where the formula is chainable: what SequentialLR asks for.
    fn rate_at_restart(&self, _group: usize, _base_lr: f64) -> Option<f64> {
        None
    }

    /// The momentum `at` a moment, of a schedule that changes it.
    fn momentum(&self, _at: At, _group: usize) -> Option<f64> {
        None
    }

    /// Whether the settings fit the groups.
    ///
    /// # Errors
    /// Lists that have another length than the groups, momentum to be cycled where there is none.
    fn check_groups(&self, _groups: &dyn Groups) -> Result<(), SchedulerError> {
        Ok(())
    }

    /// Sets what the groups need before the initial step.
    fn prepare(&self, _groups: &mut dyn Groups) {}

    /// The base rate after the initial step, where it is an option (CyclicLR's).
    fn base_lr(&self, _group: usize) -> Option<f64> {
        None
    }

    /// See [`LrScheduler::length`].
    fn own_length(&self) -> Option<usize> {
        None
    }

    /// See [`LrScheduler::set_total_steps`].
    fn set_own_length(&mut self, _steps: usize) {}

    /// Takes the functions of `attached`, which a state dict does not hold.
    fn keep_functions(&mut self, _attached: &Self) {}

    /// Attaches the schedule in the middle of a run: `last_epoch` is the number of the last step that is done with, and
    /// the groups have their `initial_lr`, and the rates of the step after it. PyTorch's option `last_epoch`; a saved
    /// state ([`SchedulerState::load_state_dict`]) is the safer way.
    ///
    /// # Errors
    /// Those of [`LrScheduler::attach`], and groups without an initial rate.
    fn resume(self, groups: &mut dyn Groups, last_epoch: usize) -> Result<GroupWiseState<Self>, SchedulerError> {
        let progress = Progress::resume(&self, groups, last_epoch)?;
        Ok(GroupWiseState { settings: self, progress })
    }
}

impl<S: GroupWise> LrScheduler for S {
    const NAME: &'static str = S::CLASS;
    type State = GroupWiseState<S>;

    fn check(&self) -> Result<(), SchedulerError> {
        self.check_options()
    }
    fn attach(self, groups: &mut dyn Groups) -> Result<Self::State, SchedulerError> {
        let progress = Progress::attach(&self, groups)?;
        Ok(GroupWiseState { settings: self, progress })
    }
    fn length(&self) -> Option<usize> {
        self.own_length()
    }
    fn set_total_steps(&mut self, steps: usize) {
        self.set_own_length(steps);
    }
}

/// The state of a [`GroupWise`] schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupWiseState<S> {
    settings: S,
    progress: Progress,
}

impl<S: GroupWise> GroupWiseState<S> {
    /// The settings that it was made from.
    pub fn settings(&self) -> &S {
        &self.settings
    }

    /// The groups' rates before any schedule.
    pub fn base_lrs(&self) -> &[f64] {
        &self.progress.base_lrs
    }
}

impl<S: GroupWise> SchedulerState for GroupWiseState<S> {
    fn step_groups(&mut self, groups: &mut dyn Groups) {
        self.progress.step(&self.settings, groups);
    }
    fn begin(&mut self, groups: &mut dyn Groups) {
        self.progress.begin(&self.settings, groups);
    }
    fn undo(&mut self) {
        self.progress.last_epoch -= 1;
    }
    fn restart(&mut self, groups: &mut dyn Groups) {
        self.progress.restart(&self.settings, groups);
    }
    fn last_epoch(&self) -> i64 {
        self.progress.last_epoch
    }
    fn last_lr(&self) -> &[f64] {
        &self.progress.last_lr
    }
    fn state_dict(&self) -> Value {
        merge(self.settings.options(), to_json(&self.progress))
    }
    fn load_state_dict(&mut self, state: &Value) -> Result<(), SchedulerError> {
        self.progress.load(&mut self.settings, state)
    }
}

/// What [`Progress`] asks of a [`GroupWise`] schedule. Each schedule is a `dyn Formula`, so that `Progress`, which does the
/// work, is compiled once and not for each of them; `inline(never)` there keeps the compiler from undoing that.
trait Formula {
    fn class(&self) -> &'static str;
    /// Whether the options are in their ranges and fit the groups.
    fn check_on(&self, groups: &dyn Groups) -> Result<(), SchedulerError>;
    fn prepare(&self, groups: &mut dyn Groups);
    fn base_lr(&self, group: usize) -> Option<f64>;
    /// The rate and the momentum; with `restart`, of a step 0 whose rate is computed anew.
    fn values(&self, at: At, restart: bool, group: usize, base_lr: f64, lr: f64) -> (f64, Option<f64>);
    fn options(&self) -> Value;
    /// Takes other options, if they are in their ranges.
    fn set_options(&mut self, options: &Value) -> Result<(), SchedulerError>;
}

impl<S: GroupWise> Formula for S {
    fn class(&self) -> &'static str {
        S::CLASS
    }
    fn check_on(&self, groups: &dyn Groups) -> Result<(), SchedulerError> {
        self.check_options()?;
        self.check_groups(groups)
    }
    fn prepare(&self, groups: &mut dyn Groups) {
        GroupWise::prepare(self, groups);
    }
    fn base_lr(&self, group: usize) -> Option<f64> {
        GroupWise::base_lr(self, group)
    }
    fn values(&self, at: At, restart: bool, group: usize, base_lr: f64, lr: f64) -> (f64, Option<f64>) {
        let anew = if restart { self.rate_at_restart(group, base_lr) } else { None };
        (anew.unwrap_or_else(|| self.rate(at, group, base_lr, lr)), self.momentum(at, group))
    }
    fn options(&self) -> Value {
        to_json(self)
    }
    fn set_options(&mut self, options: &Value) -> Result<(), SchedulerError> {
        let mut settings: S = read(S::CLASS, options)?;
        settings.keep_functions(self);
        settings.check_options()?;
        *self = settings;
        Ok(())
    }
}

/// What changes from step to step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Progress {
    base_lrs: Vec<f64>,
    last_epoch: i64,
    #[serde(rename = "_step_count")]
    step_count: u64,
    #[serde(rename = "_last_lr")]
    last_lr: Vec<f64>,
}

impl Progress {
    #[inline(never)]
    fn attach(formula: &dyn Formula, groups: &mut dyn Groups) -> Result<Self, SchedulerError> {
        formula.check_on(groups)?;
        formula.prepare(groups);
        for group in 0..groups.count() {
            if groups.initial_lr(group).is_none() {
                groups.set_initial_lr(group, groups.lr(group));
            }
        }
        Ok(Self::new(formula, groups, -1))
    }

    #[inline(never)]
    fn resume(formula: &dyn Formula, groups: &mut dyn Groups, last_epoch: usize) -> Result<Self, SchedulerError> {
        if let Some(group) = (0..groups.count()).find(|&group| groups.initial_lr(group).is_none()) {
            return Err(SchedulerError::NoInitialLr { scheduler: formula.class(), group, last_epoch });
        }
        formula.check_on(groups)?;
        Ok(Self::new(formula, groups, last_epoch as i64))
    }

    fn new(formula: &dyn Formula, groups: &mut dyn Groups, last_epoch: i64) -> Self {
        let initial = |group| groups.initial_lr(group).expect("the caller has seen to it");
        let base_lrs: Vec<f64> = (0..groups.count()).map(initial).collect();
        let last_lr = base_lrs.clone();
        let mut progress = Progress { base_lrs, last_epoch, step_count: 0, last_lr };
        progress.begin(formula, groups);
        for (group, base_lr) in progress.base_lrs.iter_mut().enumerate() {
            *base_lr = formula.base_lr(group).unwrap_or(*base_lr);
        }
        progress
    }

    fn begin(&mut self, formula: &dyn Formula, groups: &mut dyn Groups) {
        self.step_count = 1;
        self.last_epoch += 1;
        self.set(formula, groups, true, false);
    }

    fn step(&mut self, formula: &dyn Formula, groups: &mut dyn Groups) {
        self.step_count += 1;
        self.last_epoch += 1;
        self.set(formula, groups, false, false);
    }

    fn restart(&mut self, formula: &dyn Formula, groups: &mut dyn Groups) {
        self.last_epoch = 0;
        self.set(formula, groups, false, true);
    }

    /// Sets the rates that belong to `last_epoch`.
    #[inline(never)]
    fn set(&mut self, formula: &dyn Formula, groups: &mut dyn Groups, initial: bool, restart: bool) {
        let expected = self.base_lrs.len();
        assert_eq!(groups.count(), expected, "{}: the number of parameter groups has changed", formula.class());
        let at = At { step: self.last_epoch, count: self.step_count, initial };
        for (group, (&base_lr, last_lr)) in self.base_lrs.iter().zip(&mut self.last_lr).enumerate() {
            let (lr, momentum) = formula.values(at, restart, group, base_lr, groups.lr(group));
            groups.set_lr(group, lr);
            *last_lr = lr;
            if let Some(momentum) = momentum {
                groups.set_momentum(group, momentum);
            }
        }
    }

    /// Takes a state dict of as many groups, and gives `formula` its options.
    #[inline(never)]
    fn load(&mut self, formula: &mut dyn Formula, dict: &Value) -> Result<(), SchedulerError> {
        let class = formula.class();
        let saved: Progress = read(class, dict)?;
        check_rates(class, "base_lrs", &saved.base_lrs, self.base_lrs.len())?;
        check_rates(class, "_last_lr", &saved.last_lr, self.last_lr.len())?;
        formula.set_options(&saved_over(formula.options(), dict))?;
        *self = saved;
        Ok(())
    }
}
