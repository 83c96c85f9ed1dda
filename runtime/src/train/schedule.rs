//! A schedule in a trainer: attached as soon as all it needs to know is known.

use super::TrainError;
use super::callbacks::Better;
use crate::Real;
use crate::lr_scheduler::{GroupsOf, LrScheduler, PlateauMode, SchedulerState};
use crate::optim::{Optimizer, OptimizerState};

/// A length of a run that is enough for any schedule.
const LONG: usize = usize::MAX >> 8;

/// A learning-rate schedule of a trainer.
///
/// A schedule that lacks the length of the run (`OneCycleLR` without `total_steps`) waits until `fit` says it, and begins
/// anew with each run; any other, and one whose length the builder says, is attached to the optimizer from the start.
#[derive(Clone, Debug)]
pub struct Schedule<S: LrScheduler> {
    /// As declared: incomplete if it goes by the length of the run.
    settings: S,
    /// The number of steps that it was told to take, if it was told.
    length: Option<usize>,
    /// Where it is; `None` while it waits.
    state: Option<S::State>,
}

impl<S: LrScheduler> Schedule<S> {
    /// Attaches `settings` to the groups of `optimizer`, now if they are complete, else later.
    ///
    /// # Errors
    /// Options out of their range.
    pub fn new<T: Real, O: OptimizerState<T>>(
        mut settings: S,
        total_steps: Option<usize>,
        optimizer: &mut O,
    ) -> Result<Self, TrainError> {
        if let Some(steps) = total_steps {
            settings.set_total_steps(steps);
        }
        let mut schedule = Schedule { settings, length: total_steps, state: None };
        if schedule.goes_by_the_run() {
            // Would it be complete if the run's length were known?
            schedule.of_length(LONG).check()?;
        } else {
            schedule.state = Some(schedule.settings.clone().attach(&mut GroupsOf(optimizer.groups_mut()))?);
        }
        Ok(schedule)
    }

    /// Whether it needs to know the length of the run.
    fn goes_by_the_run(&self) -> bool {
        self.settings.check().is_err()
    }

    /// The settings for a run of so many steps.
    fn of_length(&self, steps: usize) -> S {
        let mut settings = self.settings.clone();
        settings.set_total_steps(steps);
        settings
    }

    /// Attaches it for a run of `total` steps of the schedule, of which `done` have been taken, if it goes by that number.
    /// A run that goes on with the length that it had changes nothing; one of another length has the rates of that length
    /// from here on.
    ///
    /// # Errors
    /// A length that its options do not fit.
    pub(super) fn begin_run<T: Real, O: OptimizerState<T>>(
        &mut self,
        total: usize,
        done: u64,
        optimizer: &mut O,
    ) -> Result<(), TrainError> {
        let goes_on = done > 0 && self.length == Some(total) && self.state.is_some();
        if self.goes_by_the_run() && !goes_on { self.begin_anew(total, done, optimizer) } else { Ok(()) }
    }

    /// Attaches it for `total` steps, and takes `done` of them.
    fn begin_anew<T: Real, O: OptimizerState<T>>(
        &mut self,
        total: usize,
        done: u64,
        optimizer: &mut O,
    ) -> Result<(), TrainError> {
        let settings = self.of_length(total);
        settings.check()?;
        if done > 0 && settings.needs_metric() {
            let (found, expected) = (self.length.map_or("none".into(), |steps| steps.to_string()), total.to_string());
            return Err(TrainError::Checkpoint { what: "steps of the schedule", found, expected });
        }
        let groups = optimizer.groups_mut();
        for group in groups.iter_mut() {
            if let Some(lr) = group.initial_lr.take() {
                group.settings.set_lr(lr);
            }
        }
        let mut state = settings.attach(&mut GroupsOf(groups))?;
        for _ in 0..done {
            state.step_groups(&mut GroupsOf(groups));
        }
        (self.length, self.state) = (Some(total), Some(state));
        Ok(())
    }

    /// Refuses to take those values of `number` for better that are worse, unless that is what was written.
    ///
    /// # Errors
    /// [`TrainError::Mode`].
    pub(super) fn check_mode(&self, number: &'static str, better: Option<Better>) -> Result<(), TrainError> {
        let (mode, better, fix) = match (self.settings.mode(), better) {
            (Some(PlateauMode::Min), Some(Better::Higher)) => ("smaller", "larger", "Max"),
            (Some(PlateauMode::Max), Some(Better::Lower)) => ("larger", "smaller", "Min"),
            _ => return Ok(()),
        };
        Err(TrainError::Mode { scheduler: self.settings.name(), found: number, mode, better, fix })
    }

    /// Refuses to be stepped while it waits.
    ///
    /// # Errors
    /// The option that is not known.
    #[doc(hidden)]
    pub fn check(&self) -> Result<(), TrainError> {
        match self.state {
            Some(_) => Ok(()),
            None => Ok(self.settings.check()?),
        }
    }

    /// Attaches it if it waits, and goes on where it was when `saved` and `length` were saved.
    ///
    /// # Errors
    /// A state of another schedule.
    pub(super) fn restore<T: Real, O: OptimizerState<T>>(
        &mut self,
        saved: &serde_json::Value,
        length: Option<usize>,
        optimizer: &mut O,
    ) -> Result<(), TrainError> {
        let mut state = match self.state.take() {
            Some(state) => state,
            // The length is in the saved state too.
            None => self.of_length(length.unwrap_or(LONG)).attach(&mut GroupsOf(optimizer.groups_mut()))?,
        };
        state.load_state_dict(saved)?;
        (self.length, self.state) = (length, Some(state));
        Ok(())
    }

    /// Goes by the length `told`, if there is one, rather than by the one that was saved with the state.
    ///
    /// # Errors
    /// A length that its options do not fit.
    pub(super) fn keep_length<T: Real, O: OptimizerState<T>>(
        &mut self,
        told: Option<usize>,
        optimizer: &mut O,
    ) -> Result<(), TrainError> {
        let done = self.state.as_ref().map_or(0, |state| state.last_epoch().max(0));
        match told.filter(|_| self.length != told) {
            Some(total) => self.begin_anew(total, done as u64, optimizer),
            None => Ok(()),
        }
    }

    /// The number of steps that the builder has told it to take.
    pub(super) fn told(&self) -> Option<usize> {
        self.length.filter(|_| !self.goes_by_the_run())
    }

    /// One step of the schedule (PyTorch's `scheduler.step()`). Nothing while it waits.
    pub fn step<T: Real, O: OptimizerState<T>>(&mut self, optimizer: &mut O) {
        if let Some(state) = &mut self.state {
            state.step_groups(&mut GroupsOf(optimizer.groups_mut()));
        }
    }

    /// One step on a metric (`scheduler.step(val_loss)`).
    pub fn step_on<T: Real, O: OptimizerState<T>>(&mut self, optimizer: &mut O, metric: f64) {
        if let Some(state) = &mut self.state {
            state.step_groups_on(&mut GroupsOf(optimizer.groups_mut()), metric);
        }
    }

    /// The state, once it is attached.
    pub fn state(&self) -> Option<&S::State> {
        self.state.as_ref()
    }

    /// The number of steps that it was told to take, by the builder or by `fit`.
    pub fn length(&self) -> Option<usize> {
        self.length
    }
}

/// When a trainer's schedule is stepped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduleBy {
    /// There is none.
    NotAtAll,
    /// After each step of the optimizer, by `step`.
    Step,
    /// After each epoch, by `fit`.
    Epoch,
    /// After each epoch, by `fit`, with a number of the epoch.
    EpochOn {
        /// Its name, `val_loss`.
        number: &'static str,
        /// The options of the schedule that were written.
        given: &'static [&'static str],
    },
}
