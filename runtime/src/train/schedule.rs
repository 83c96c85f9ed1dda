//! A schedule in a trainer: attached as soon as all it needs to know is known.

use super::TrainError;
use crate::Real;
use crate::lr_scheduler::{GroupsOf, LrScheduler, SchedulerError, SchedulerState};
use crate::optim::OptimizerState;

/// A length of a run that is enough for any schedule.
const LONG: usize = usize::MAX >> 8;

/// A learning-rate schedule of a trainer.
///
/// A schedule that lacks the length of the run (`OneCycleLR` without `total_steps`) waits until `fit` or the builder
/// says it; any other is attached to the optimizer from the start.
#[derive(Clone, Debug)]
pub enum Schedule<S: LrScheduler> {
    /// Not attached yet.
    Waiting(S),
    /// Driving the optimizer's rates.
    Running(S::State),
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
        if settings.check().is_err() {
            // Would it be complete if the run's length were known?
            let mut complete = settings.clone();
            complete.set_total_steps(LONG);
            complete.check()?;
            return Ok(Schedule::Waiting(settings));
        }
        Ok(Schedule::Running(settings.attach(&mut GroupsOf(optimizer.groups_mut()))?))
    }

    /// Attaches it if it has waited: for a run of `total_steps`, if that is known.
    ///
    /// # Errors
    /// Settings that are still incomplete.
    pub fn begin<T: Real, O: OptimizerState<T>>(
        &mut self,
        total_steps: Option<usize>,
        optimizer: &mut O,
    ) -> Result<(), SchedulerError> {
        if let Schedule::Waiting(settings) = self {
            let mut settings = settings.clone();
            if let Some(steps) = total_steps {
                settings.set_total_steps(steps);
            }
            *self = Schedule::Running(settings.attach(&mut GroupsOf(optimizer.groups_mut()))?);
        }
        Ok(())
    }

    /// Attaches it if it has waited, for a state that will be loaded: that has the length of the run.
    ///
    /// # Errors
    /// Those of [`begin`](Self::begin).
    pub(crate) fn begin_anyhow<T: Real, O: OptimizerState<T>>(
        &mut self,
        optimizer: &mut O,
    ) -> Result<(), SchedulerError> {
        self.begin(Some(LONG), optimizer)
    }

    /// One step of the schedule (PyTorch's `scheduler.step()`). Nothing while it waits.
    pub fn step<T: Real, O: OptimizerState<T>>(&mut self, optimizer: &mut O) {
        if let Schedule::Running(state) = self {
            state.step_groups(&mut GroupsOf(optimizer.groups_mut()));
        }
    }

    /// One step on a metric (`scheduler.step(val_loss)`).
    pub fn step_on<T: Real, O: OptimizerState<T>>(&mut self, optimizer: &mut O, metric: f64) {
        if let Schedule::Running(state) = self {
            state.step_groups_on(&mut GroupsOf(optimizer.groups_mut()), metric);
        }
    }

    /// The state, once it is attached.
    pub fn state(&self) -> Option<&S::State> {
        match self {
            Schedule::Waiting(_) => None,
            Schedule::Running(state) => Some(state),
        }
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
    /// After each epoch, by `fit`, with this number of the epoch (`val_loss`).
    EpochOn(&'static str),
}
