//! Learning-rate schedules, under the names and with the options and defaults of `torch.optim.lr_scheduler`. One file
//! each. Settings (`StepLR { step_size: 30, ..StepLR::DEFAULT }`) and state are two types here too.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Real;
use crate::optim::{Optimizer, OptimizerState};

/// The rates that a schedule drives: the groups of any optimizer.
pub trait Groups {
    /// The number of groups.
    fn count(&self) -> usize;
    /// A group's learning rate.
    fn lr(&self, group: usize) -> f64;
    /// Sets it.
    fn set_lr(&mut self, group: usize, lr: f64);
    /// The rate before any schedule (PyTorch's `initial_lr`), if one is set.
    fn initial_lr(&self, group: usize) -> Option<f64>;
    /// Sets it.
    fn set_initial_lr(&mut self, group: usize, lr: f64);
    /// A group's momentum (or first beta), if it has one.
    fn momentum(&self, group: usize) -> Option<f64>;
    /// Sets it.
    fn set_momentum(&mut self, group: usize, momentum: f64);
}

/// The groups of an optimizer's state, as a schedule sees them.
#[derive(Debug)]
pub struct GroupsOf<'a, S>(pub &'a mut [crate::optim::ParamGroup<S>]);

impl<S: Optimizer> Groups for GroupsOf<'_, S> {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn lr(&self, group: usize) -> f64 {
        self.0[group].settings.lr()
    }
    fn set_lr(&mut self, group: usize, lr: f64) {
        self.0[group].settings.set_lr(lr);
    }
    fn initial_lr(&self, group: usize) -> Option<f64> {
        self.0[group].initial_lr
    }
    fn set_initial_lr(&mut self, group: usize, lr: f64) {
        self.0[group].initial_lr = Some(lr);
    }
    fn momentum(&self, group: usize) -> Option<f64> {
        self.0[group].settings.momentum()
    }
    fn set_momentum(&mut self, group: usize, momentum: f64) {
        self.0[group].settings.set_momentum(momentum);
    }
}

/// The settings of a schedule.
pub trait LrScheduler: Clone + Debug + PartialEq + Send + Sync + 'static {
    /// The name in `torch.optim.lr_scheduler`.
    const NAME: &'static str;
    /// What it remembers between steps.
    type State: SchedulerState;

    /// Whether every option is in its range.
    ///
    /// # Errors
    /// The first option that is not, with what is allowed.
    fn check(&self) -> Result<(), SchedulerError>;

    /// Attaches the schedule to an optimizer's groups: sets the rates of step 0, as PyTorch's constructor does.
    ///
    /// # Errors
    /// Those of [`check`](Self::check), and settings that do not fit the groups.
    fn attach(self, groups: &mut dyn Groups) -> Result<Self::State, SchedulerError>;

    /// Attaches the schedule to an optimizer.
    ///
    /// # Errors
    /// Those of [`attach`](Self::attach).
    fn init<T: Real, O: OptimizerState<T>>(self, optimizer: &mut O) -> Result<Self::State, SchedulerError> {
        self.attach(&mut GroupsOf(optimizer.groups_mut()))
    }
}

/// The state of a schedule.
pub trait SchedulerState: Clone + Debug + Serialize + DeserializeOwned + Send {
    /// One `scheduler.step()`: sets the rates of the groups. No allocation.
    fn step_groups(&mut self, groups: &mut dyn Groups);
    /// `scheduler.step(metric)`: what ReduceLROnPlateau needs; others ignore the metric.
    fn step_groups_on(&mut self, groups: &mut dyn Groups, _metric: f64) {
        self.step_groups(groups);
    }
    /// One step of the schedule that drives `optimizer`.
    fn step<T: Real, O: OptimizerState<T>>(&mut self, optimizer: &mut O) {
        self.step_groups(&mut GroupsOf(optimizer.groups_mut()));
    }
}

/// What is wrong with a schedule's settings.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SchedulerError {
    /// An option has a value that is not allowed.
    #[error("{scheduler}: {option} = {found}, expected {expected}")]
    Option { scheduler: &'static str, option: &'static str, found: String, expected: String },
}
