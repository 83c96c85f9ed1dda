//! Optimizers, under the names and with the options and defaults of `torch.optim`. One file each.
//!
//! The *settings* of an optimizer are a plain struct (`Adam { lr: 1e-3, ..Adam::DEFAULT }`), its *state* another type,
//! made from the settings and the model. An element-wise optimizer says only how one step's rule follows from the
//! settings ([`ElementWise`]); groups, folding into the backward pass, state dicts and the flushing of subnormal state
//! are written once, in [`ElementWiseState`].

#[macro_use]
mod options;
mod adadelta;
mod adafactor;
mod adagrad;
mod adam;
mod adamax;
mod adamw;
mod adan;
mod asgd;
mod closure;
mod element_wise;
mod groups;
mod lamb;
mod lars;
mod lbfgs;
mod lion;
mod lookahead;
mod muon;
mod nadam;
mod param_wise;
mod pattern;
mod radam;
mod rmsprop;
mod rprop;
mod rules;
mod sam;
mod schedule_free;
mod sgd;
mod sparse_adam;
mod state_dict;
mod strong_wolfe;
#[cfg(test)]
mod tests;
mod vector;

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::network::ParamSpec;
use crate::{Real, Update};

pub use adadelta::{Adadelta, AdadeltaRule};
pub use adafactor::Adafactor;
pub use adagrad::{Adagrad, AdagradRule};
pub use adam::{Adam, AdamRule};
pub use adamax::{Adamax, AdamaxRule};
pub use adamw::AdamW;
pub use adan::{Adan, AdanRule};
pub use asgd::{ASGD, ASGDRule};
pub use element_wise::{ElementWise, ElementWiseState, MAX_SCALARS, StepProgress};
pub use groups::{GroupBuilder, groups};
pub use lamb::LAMB;
pub use lars::LARS;
pub use lbfgs::{LBFGS, LBFGSState, LineSearch};
pub use lion::{Lion, LionRule};
pub use lookahead::{Lookahead, LookaheadState};
pub use muon::{AdjustLr, Muon, NsDtype};
pub use nadam::{NAdam, NAdamRule};
pub use param_wise::{ParamKernels, ParamStep, ParamWise, ParamWiseState};
pub use pattern::{matches, matches_any};
pub use radam::{RAdam, RAdamRule};
pub use rmsprop::{RMSprop, RMSpropRule};
pub use rprop::{Rprop, RpropRule};
pub use rules::RuleKernels;
pub use sam::{SAM, SAMState};
pub use schedule_free::{AdamWScheduleFree, AdamWScheduleFreeRule};
pub use sgd::{SGD, SGDRule};
pub use sparse_adam::SparseAdam;
pub use state_dict::{GroupState, OptimizerStateDict, StateValue};
pub use vector::VectorKernels;

/// The settings of an optimizer.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an optimizer that moves the parameters by one gradient",
    note = "`LBFGS` and `SAM` evaluate the loss several times in a step: they are for a hand-written loop"
)]
pub trait Optimizer: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name in `torch.optim`.
    const NAME: &'static str;
    /// PyTorch's defaults.
    const DEFAULT: Self;
    /// Whether its rule is element-wise, so that it can be folded into the backward pass.
    const ELEMENT_WISE: bool;
    /// Whether it evaluates other parameters than it trains, so that [`OptimizerState::eval`] changes them.
    const SWITCHES: bool = false;
    /// What it remembers between steps.
    type State<T: Real>: OptimizerState<T, Settings = Self>;

    /// Whether every option is in its range.
    ///
    /// # Errors
    /// The first option that is not, with what is allowed.
    fn check(&self) -> Result<(), OptimError>;
    /// The learning rate.
    fn lr(&self) -> f64;
    /// Sets the learning rate, as schedules do.
    fn set_lr(&mut self, lr: f64);
    /// The number that OneCycleLR and CyclicLR call momentum: `momentum`, or `betas[0]`; `None` if it has neither.
    fn momentum(&self) -> Option<f64>;
    /// Sets it.
    fn set_momentum(&mut self, momentum: f64);
    /// Sets the weight decay (`no_decay` groups set it to zero). An optimizer without one ignores the call.
    fn set_weight_decay(&mut self, weight_decay: f64);

    /// The state for the parameters of `table`, all in one group.
    ///
    /// # Errors
    /// Those of [`check`](Self::check).
    fn init_for<T: Real>(self, table: &'static [ParamSpec]) -> Result<Self::State<T>, OptimError> {
        let all =
            ParamGroup { settings: self, name: String::new(), params: (0..table.len()).collect(), initial_lr: None };
        Self::State::new(table, vec![all])
    }

    /// The state for `model`, all parameters in one group.
    ///
    /// # Panics
    /// If an option is out of its range; [`init_for`](Self::init_for) returns an error instead.
    fn init<T: Real, N: crate::Network<T>>(self, _model: &N) -> Self::State<T> {
        match self.init_for(N::PARAMS) {
            Ok(state) => state,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Parameters that share settings. A parameter in no group is frozen.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamGroup<S> {
    /// The settings, with the learning rate as the schedule left it.
    pub settings: S,
    /// Its name (a label or pattern), or nothing.
    pub name: String,
    /// Places in the parameter table, in rising order.
    pub params: Vec<usize>,
    /// The learning rate before any schedule, once one is attached.
    pub initial_lr: Option<f64>,
}

/// The state of an optimizer: its groups, its moments, its step count.
pub trait OptimizerState<T: Real>: Clone + Debug + Send + Sized {
    /// The settings that it was made from.
    type Settings: Optimizer;

    /// Fresh state for the parameters of `table` in these groups.
    ///
    /// # Errors
    /// Settings out of range, a parameter in two groups, no parameter at all.
    fn new(table: &'static [ParamSpec], groups: Vec<ParamGroup<Self::Settings>>) -> Result<Self, OptimError>;
    /// The parameter groups.
    fn groups(&self) -> &[ParamGroup<Self::Settings>];
    /// The parameter groups, to change their settings.
    fn groups_mut(&mut self) -> &mut [ParamGroup<Self::Settings>];
    /// For each parameter of the table whether it is in a group; the others are frozen.
    fn trainable(&self) -> &[bool];
    /// Adds a group of parameters that were frozen, with fresh state (PyTorch's `add_param_group`).
    ///
    /// # Errors
    /// Settings out of range, a parameter that is in a group already, no parameter at all.
    fn add_param_group(&mut self, group: ParamGroup<Self::Settings>) -> Result<(), OptimError>;
    /// All that is remembered, in PyTorch's structure, names, numbering and shapes.
    fn state_dict(&self) -> OptimizerStateDict<Self::Settings, T>;
    /// Takes over what [`state_dict`](Self::state_dict) gave: groups' settings and state. Training goes on with the same
    /// bits as if it had not been interrupted.
    ///
    /// # Errors
    /// The first thing that does not fit; then nothing has changed.
    fn load_state_dict(&mut self, dict: &OptimizerStateDict<Self::Settings, T>) -> Result<(), OptimError>;
    /// One step: moves `parameters` by `gradients` (whole flat arrays).
    fn step_flat(&mut self, parameters: &mut [T], gradients: &[T]);
    /// Sets `parameters` to those that the optimizer would evaluate, where they are not those that it trains
    /// (schedule-free ones); [`train`](Self::train) brings the others back, to the bit.
    fn eval(&mut self, _parameters: &mut [T]) {}
    /// Sets `parameters` to those that are trained, after [`eval`](Self::eval).
    fn train(&mut self, _parameters: &mut [T]) {}
    /// The same state as something that can be folded into the backward pass; `None` if the rule is not element-wise.
    fn fold(&mut self) -> Option<&mut dyn FoldedUpdate<T>>;

    /// One step of `model` (PyTorch's `optimizer.step()`).
    fn step<N: crate::Network<T>>(&mut self, model: &mut N, gradients: &crate::Gradients<T>) {
        self.step_flat(&mut model.weights_mut().parameters, &gradients.0);
    }
}

/// An optimizer that moves each parameter where its gradient is finished.
pub trait FoldedUpdate<T: Real>: Debug {
    /// Begins the next step: counts it, fixes the step's numbers, and says what is to be done with each gradient.
    fn begin<'a>(&'a mut self, parameters: &'a mut [T]) -> Update<'a, T>;

    /// Whether the parameter at `index` of the table is in a group, rather than frozen.
    fn trains(&self, index: usize) -> bool;
}

/// What is wrong with an optimizer's settings, groups or state dict.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OptimError {
    /// An option has a value that is not allowed.
    #[error("{optimizer}: {option} = {found}, expected {expected}")]
    Option {
        /// The optimizer's name.
        optimizer: &'static str,
        /// The option's name.
        option: &'static str,
        /// Its value.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A parameter that the optimizer cannot train.
    #[error("{optimizer} cannot train {parameter}: found {found}, expected {expected}")]
    Unsupported {
        /// The optimizer's name.
        optimizer: &'static str,
        /// The parameter's name.
        parameter: String,
        /// What it is.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A group's label or pattern matches no parameter.
    #[error("no parameter is called {pattern:?}; there are {names}")]
    UnknownPattern {
        /// What was asked for.
        pattern: String,
        /// All names that there are.
        names: String,
    },
    /// Two groups claim one parameter.
    #[error("{parameter} is in two groups, {first:?} and {second:?}")]
    TwoGroups {
        /// The parameter's name.
        parameter: String,
        /// One group's label or pattern.
        first: String,
        /// The other's.
        second: String,
    },
    /// A group whose parameters are all frozen.
    #[error("all parameters of the group {group:?} are frozen")]
    FrozenGroup {
        /// The group's label or pattern.
        group: String,
    },
    /// A group names a place that the parameter table does not have.
    #[error("there is no parameter {index}; the network has {count}")]
    NoSuchParameter {
        /// The place asked for.
        index: usize,
        /// The length of the table.
        count: usize,
    },
    /// Every parameter is frozen.
    #[error("every parameter is frozen: nothing would be trained")]
    NothingToTrain,
    /// A state dict that does not fit.
    #[error("optimizer state: {what}: found {found}, expected {expected}")]
    State {
        /// Where in the state dict.
        what: String,
        /// What is there.
        found: String,
        /// What should be.
        expected: String,
    },
}
