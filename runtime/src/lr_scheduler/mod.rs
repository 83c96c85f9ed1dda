//! Learning-rate schedules, under the names and with the options and defaults of `torch.optim.lr_scheduler`. One file
//! each. Settings (`StepLR { step_size: 30, ..StepLR::DEFAULT }`) and state are two types here too.
//!
//! Most schedules are [`GroupWise`]: they say how one group's rate follows from its rate before, and [`GroupWiseState`]
//! does the rest. They keep PyTorch's *chainable* forms, which change the current rate instead of computing it anew,
//! so that schedules compose as they do there. All of it is computed in `f64`, and nothing allocates in a step.
//!
//! An option that PyTorch requires has an invalid value in `DEFAULT` (0, or NaN), which is refused as not given.

use std::borrow::Cow;
use std::fmt::Debug;

use serde_json::Value;

use crate::Real;
use crate::optim::{Optimizer, OptimizerState};

mod any;
mod chained_scheduler;
mod constant_lr;
mod cosine_annealing_lr;
mod cosine_annealing_warm_restarts;
mod cyclic_lr;
mod exponential_lr;
mod fault;
mod group_lists;
mod group_wise;
mod inverse_sqrt_lr;
mod lambda;
mod lambda_lr;
mod linear_lr;
mod multi_step_lr;
mod multiplicative_lr;
mod names;
mod noam_lr;
mod one_cycle_lr;
mod polynomial_lr;
mod preview;
mod reduce_lr_on_plateau;
mod sequential_lr;
mod several;
mod state_dict;
mod step_lr;
mod swalr;
#[cfg(test)]
mod tests;
mod warmup_cosine_lr;
mod warmup_polynomial_lr;
mod warmup_stable_decay_lr;

pub use any::{AnyScheduler, AnyState};
pub use chained_scheduler::{ChainedScheduler, ChainedState};
pub use constant_lr::ConstantLR;
pub use cosine_annealing_lr::CosineAnnealingLR;
pub use cosine_annealing_warm_restarts::CosineAnnealingWarmRestarts;
pub use cyclic_lr::CyclicLR;
pub use exponential_lr::ExponentialLR;
pub use group_wise::{At, GroupWise, GroupWiseState};
pub use inverse_sqrt_lr::InverseSqrtLR;
pub use lambda::Lambda;
pub use lambda_lr::LambdaLR;
pub use linear_lr::LinearLR;
pub use multi_step_lr::MultiStepLR;
pub use multiplicative_lr::MultiplicativeLR;
pub use names::{AnnealStrategy, Curve, CyclicMode, PlateauMode, ScaleMode, ThresholdMode, UnknownName};
pub use noam_lr::NoamLR;
pub use one_cycle_lr::OneCycleLR;
pub use polynomial_lr::PolynomialLR;
pub use preview::{Rates, preview, preview_momentum};
pub use reduce_lr_on_plateau::{PlateauState, ReduceLROnPlateau};
pub use sequential_lr::{SequentialLR, SequentialState};
pub use several::{Schedulers, States};
pub use step_lr::StepLR;
pub use swalr::SWALR;
pub use warmup_cosine_lr::WarmupCosineLR;
pub use warmup_polynomial_lr::WarmupPolynomialLR;
pub use warmup_stable_decay_lr::WarmupStableDecayLR;

/// The examples of the manual are run too.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/optimizers.md")]
pub struct Manual;

/// A list in a schedule's settings: `List::Borrowed(&[30, 80])` in constants, `vec![30, 80].into()` at run time.
pub type List<T> = Cow<'static, [T]>;

/// The length of a list, in constants too.
const fn length<T: Clone>(list: &List<T>) -> usize {
    match list {
        Cow::Borrowed(list) => list.len(),
        Cow::Owned(list) => list.len(),
    }
}

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
    /// Whether each step needs a metric ([`SchedulerState::step_groups_on`]): `on val_loss` in `train!`.
    const NEEDS_METRIC: bool = false;
    /// What it remembers between steps.
    type State: SchedulerState + Clone + 'static;

    /// [`NAME`](Self::NAME), of a schedule that is one of several kinds that of its kind.
    fn name(&self) -> &'static str {
        Self::NAME
    }
    /// [`NEEDS_METRIC`](Self::NEEDS_METRIC), likewise.
    fn needs_metric(&self) -> bool {
        Self::NEEDS_METRIC
    }

    /// Which values of its metric it takes for better, if it needs one.
    fn mode(&self) -> Option<PlateauMode> {
        None
    }

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

    /// The number of steps after which it has done its work, if it knows (`total_iters`, `T_max`): how long it runs
    /// before the next one in `A(…) -> B(…)`.
    fn length(&self) -> Option<usize> {
        None
    }

    /// Tells a schedule without its own length how many steps the whole run has. Others ignore it.
    fn set_total_steps(&mut self, _steps: usize) {}

    /// Attaches the schedule to an optimizer.
    ///
    /// # Errors
    /// Those of [`attach`](Self::attach).
    fn init<T: Real, O: OptimizerState<T>>(self, optimizer: &mut O) -> Result<Self::State, SchedulerError> {
        self.attach(&mut GroupsOf(optimizer.groups_mut()))
    }
}

/// The state of a schedule.
pub trait SchedulerState: Debug + Send {
    /// One `scheduler.step()`: sets the rates of the groups. No allocation.
    ///
    /// # Panics
    /// If there are more or fewer groups than it was attached to; if the schedule needs a metric.
    fn step_groups(&mut self, groups: &mut dyn Groups);
    /// `scheduler.step(metric)`: what ReduceLROnPlateau needs; others ignore the metric.
    fn step_groups_on(&mut self, groups: &mut dyn Groups, _metric: f64) {
        self.step_groups(groups);
    }
    /// The initial step, which [`attach`](LrScheduler::attach) makes (PyTorch's `_initial_step`).
    fn begin(&mut self, groups: &mut dyn Groups);
    /// Takes one step back, without touching the rates: what SequentialLR does to all of its schedules once each of
    /// them has made its initial step.
    fn undo(&mut self);
    /// Goes to step 0 with the rates that belong to it: what SequentialLR does when the schedule's turn comes.
    fn restart(&mut self, groups: &mut dyn Groups);
    /// The number of steps since it was attached; -1 if the first is still to be made.
    fn last_epoch(&self) -> i64;
    /// The rates of the groups that the last step set (PyTorch's `get_last_lr()`).
    fn last_lr(&self) -> &[f64];
    /// Options and progress, under the names that they have in PyTorch's `state_dict()`. Functions are not saved.
    fn state_dict(&self) -> Value;
    /// Goes on where a schedule of the same kind was when its state was saved. As in PyTorch, the options come from
    /// there too, but functions stay, and the groups' rates come back with the optimizer's state.
    ///
    /// # Errors
    /// A state of another schedule, of other groups, or with options out of their range; then nothing has changed.
    fn load_state_dict(&mut self, state: &Value) -> Result<(), SchedulerError>;

    /// One step of the schedule that drives `optimizer`.
    fn step<T: Real, O: OptimizerState<T>>(&mut self, optimizer: &mut O)
    where
        Self: Sized,
    {
        self.step_groups(&mut GroupsOf(optimizer.groups_mut()));
    }
    /// One step of the schedule that drives `optimizer`, for one that watches a metric.
    fn step_on<T: Real, O: OptimizerState<T>>(&mut self, optimizer: &mut O, metric: f64)
    where
        Self: Sized,
    {
        self.step_groups_on(&mut GroupsOf(optimizer.groups_mut()), metric);
    }
}

/// What is wrong with a schedule's settings, its groups or its state dict.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum SchedulerError {
    /// An option has a value that is not allowed.
    #[error("{scheduler}: {option} = {found}, expected {expected}")]
    Option { scheduler: &'static str, option: &'static str, found: String, expected: String },
    /// A list with one value for each group has another length.
    #[error("{scheduler}: {option} has {found} values for {groups} parameter groups")]
    Groups { scheduler: &'static str, option: &'static str, found: usize, groups: usize },
    /// `cycle_momentum` with an optimizer that has neither momentum nor betas.
    #[error("{scheduler}: the optimizer has no momentum to cycle; set cycle_momentum = false")]
    NoMomentum { scheduler: &'static str },
    /// Resuming in the middle, but no schedule has ever been attached to the groups.
    #[error("{scheduler}: group {group} has no initial_lr, so the schedule cannot go on at step {last_epoch}")]
    NoInitialLr { scheduler: &'static str, group: usize, last_epoch: usize },
    /// A schedule that watches a metric, where there is none.
    #[error("{scheduler} watches a metric, and cannot be used {place}")]
    NeedsMetric { scheduler: &'static str, place: &'static str },
    /// A state dict that does not fit.
    #[error("{scheduler}: the saved state does not fit: {what}")]
    State { scheduler: &'static str, what: String },
}

impl SchedulerError {
    /// A schedule that goes by the length of the run, which nobody has told it.
    fn unknown_total(scheduler: &'static str) -> Self {
        let expected = "1 or more: give it, or let `fit` or the builder tell it".to_string();
        SchedulerError::Option { scheduler, option: "total_steps", found: "nothing".to_string(), expected }
    }
}
