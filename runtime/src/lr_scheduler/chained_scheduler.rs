//! ChainedScheduler: several schedules at once.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::state_dict::{check_rates, read};
use super::{AnyScheduler, Groups, LrScheduler, SchedulerError, SchedulerState, Schedulers, States};

/// Steps several schedules one after the other at every step, so that their changes of the rate are combined.
///
/// That works for schedules that change the current rate (most of them; their docs say "as a chain"). One that computes
/// it anew, as [`LambdaLR`](super::LambdaLR) does, undoes what those before it have done.
///
/// A schedule that watches a metric is refused, as in PyTorch. In `train!` this is `A(…) + B(…)`.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{ChainedScheduler, ConstantLR, ExponentialLR, preview};
/// let low = ConstantLR { factor: 0.5, total_iters: 2, ..ConstantLR::DEFAULT };
/// let schedule = ChainedScheduler { schedulers: (low, ExponentialLR { gamma: 0.5 }) };
/// assert_eq!(preview(schedule, 1.0, 3)?, [0.5, 0.25, 0.25, 0.125]);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// `torch.optim.lr_scheduler.ChainedScheduler`. Inside a [`SequentialLR`](super::SequentialLR) it begins with the rate
/// before any schedule when its turn comes; PyTorch cannot do that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainedScheduler<L = Vec<AnyScheduler>> {
    /// The schedules: a tuple of up to eight, or a vector.
    pub schedulers: L,
}

impl<L: Schedulers> LrScheduler for ChainedScheduler<L> {
    const NAME: &'static str = "ChainedScheduler";
    type State = ChainedState<L::States>;

    fn check(&self) -> Result<(), SchedulerError> {
        if self.schedulers.count() == 0 {
            let (found, expected) = ("no schedule".to_string(), "at least one".to_string());
            return Err(SchedulerError::Option { scheduler: Self::NAME, option: "schedulers", found, expected });
        }
        if let Some(index) = (0..self.schedulers.count()).find(|&index| self.schedulers.needs_metric(index)) {
            let scheduler = self.schedulers.name(index);
            return Err(SchedulerError::NeedsMetric { scheduler, place: "in a ChainedScheduler" });
        }
        self.schedulers.check()
    }

    fn attach(self, groups: &mut dyn Groups) -> Result<Self::State, SchedulerError> {
        self.check()?;
        let states = self.schedulers.attach(groups)?;
        let mut state = ChainedState { states, last_lr: vec![0.0; groups.count()] };
        state.remember(groups);
        Ok(state)
    }

    /// As long as the longest, if all of them know.
    fn length(&self) -> Option<usize> {
        (0..self.schedulers.count()).map(|index| self.schedulers.length(index)).try_fold(0, |a, b| Some(a.max(b?)))
    }

    fn set_total_steps(&mut self, steps: usize) {
        for index in 0..self.schedulers.count() {
            self.schedulers.set_total_steps(index, steps);
        }
    }
}

/// The state of a [`ChainedScheduler`].
#[derive(Clone, Debug, PartialEq)]
pub struct ChainedState<T> {
    states: T,
    last_lr: Vec<f64>,
}

impl<T: States> ChainedState<T> {
    fn remember(&mut self, groups: &dyn Groups) {
        for (group, last_lr) in self.last_lr.iter_mut().enumerate() {
            *last_lr = groups.lr(group);
        }
    }

    fn each(&mut self, mut act: impl FnMut(&mut dyn SchedulerState)) {
        for index in 0..self.states.count() {
            act(self.states.state_mut(index));
        }
    }
}

impl<T: States + Clone> SchedulerState for ChainedState<T> {
    fn step_groups(&mut self, groups: &mut dyn Groups) {
        self.each(|state| state.step_groups(groups));
        self.remember(groups);
    }
    fn begin(&mut self, groups: &mut dyn Groups) {
        self.each(|state| state.begin(groups));
        self.remember(groups);
    }
    fn undo(&mut self) {
        self.each(|state| state.undo());
    }
    fn restart(&mut self, groups: &mut dyn Groups) {
        // The schedules build on each other's rates, so all begin anew, from the rate before any of them.
        for group in 0..groups.count() {
            if let Some(lr) = groups.initial_lr(group) {
                groups.set_lr(group, lr);
            }
        }
        self.each(|state| {
            while state.last_epoch() >= 0 {
                state.undo();
            }
        });
        self.begin(groups);
    }
    fn last_epoch(&self) -> i64 {
        self.states.state(0).last_epoch()
    }
    fn last_lr(&self) -> &[f64] {
        &self.last_lr
    }
    fn state_dict(&self) -> Value {
        let states: Vec<Value> = (0..self.states.count()).map(|i| self.states.state(i).state_dict()).collect();
        json!({ "_schedulers": states, "_last_lr": self.last_lr })
    }
    fn load_state_dict(&mut self, state: &Value) -> Result<(), SchedulerError> {
        #[derive(Deserialize)]
        struct Saved {
            _schedulers: Vec<Value>,
            _last_lr: Vec<f64>,
        }
        const NAME: &str = "ChainedScheduler";
        let saved: Saved = read(NAME, state)?;
        let (found, expected) = (saved._schedulers.len(), self.states.count());
        if found != expected {
            let what = format!("it has {found} schedules, not {expected}");
            return Err(SchedulerError::State { scheduler: NAME, what });
        }
        check_rates(NAME, "_last_lr", &saved._last_lr, self.last_lr.len())?;
        // A copy, so that nothing has changed if a later schedule's state does not fit.
        let mut states = self.states.clone();
        for (index, state) in saved._schedulers.iter().enumerate() {
            states.state_mut(index).load_state_dict(state)?;
        }
        *self = ChainedState { states, last_lr: saved._last_lr };
        Ok(())
    }
}
