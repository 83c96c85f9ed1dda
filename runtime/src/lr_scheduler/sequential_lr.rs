//! SequentialLR: one schedule after the other.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::state_dict::read;
use super::{AnyScheduler, Groups, List, LrScheduler, SchedulerError, SchedulerState, Schedulers, States};

/// Follows the first schedule until the first milestone, then the second until the next, and so on.
///
/// Schedule i begins at its own step 0 when the number of steps reaches `milestones[i - 1]`. All of them are attached
/// at the beginning, in their order; then the rates are set back to what they were before any schedule, and the first
/// one makes its initial step.
///
/// There is one milestone less than there are schedules; they do not fall. A schedule that watches a metric is refused,
/// as in PyTorch. In `train!` this is `A(…) for 500 -> B(…)`.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{CosineAnnealingLR, LinearLR, SequentialLR, preview};
/// let warm_up = LinearLR { start_factor: 0.5, total_iters: 2, ..LinearLR::DEFAULT };
/// let cosine = CosineAnnealingLR { T_max: 2, ..CosineAnnealingLR::DEFAULT };
/// let schedule = SequentialLR { schedulers: (warm_up, cosine), milestones: vec![2].into() };
/// assert_eq!(preview(schedule, 1.0, 4)?, [0.5, 0.75, 1.0, 0.5, 0.0]);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// `torch.optim.lr_scheduler.SequentialLR`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SequentialLR<L = Vec<AnyScheduler>> {
    /// The schedules: a tuple of up to eight, or a vector.
    pub schedulers: L,
    /// The steps at which the second schedule begins, the third, and so on.
    pub milestones: List<usize>,
}

/// A milestone after a schedule that does not know how long it takes.
const UNKNOWN: usize = usize::MAX;

impl<L: Schedulers> SequentialLR<L> {
    /// Schedules one after the other, each but the last for so many steps; `None`: for as many as it knows that it
    /// takes ([`LrScheduler::length`]).
    pub fn in_turn(schedulers: L, steps: &[Option<usize>]) -> Self {
        let mut end = 0usize;
        let milestone = |(index, steps): (usize, &Option<usize>)| {
            end = steps.or_else(|| schedulers.length(index)).map_or(UNKNOWN, |steps| end.saturating_add(steps));
            end
        };
        let milestones: Vec<usize> = steps.iter().enumerate().map(milestone).collect();
        SequentialLR { schedulers, milestones: Cow::Owned(milestones) }
    }

    fn wrong(option: &'static str, found: String, expected: String) -> Result<(), SchedulerError> {
        Err(SchedulerError::Option { scheduler: Self::NAME, option, found, expected })
    }
}

impl<L: Schedulers> LrScheduler for SequentialLR<L> {
    const NAME: &'static str = "SequentialLR";
    type State = SequentialState<L::States>;

    fn check(&self) -> Result<(), SchedulerError> {
        let count = self.schedulers.count();
        if count == 0 {
            return Self::wrong("schedulers", "no schedule".to_string(), "at least one".to_string());
        }
        if self.milestones.len() != count - 1 {
            let found = format!("{} milestones", self.milestones.len());
            return Self::wrong("milestones", found, format!("{}, one less than there are schedules", count - 1));
        }
        if let Some(index) = self.milestones.iter().position(|&milestone| milestone == UNKNOWN) {
            let expected =
                format!("a number of steps: {} does not know how long it takes", self.schedulers.name(index));
            return Self::wrong("milestones", "nothing".to_string(), expected);
        }
        if !self.milestones.is_sorted() {
            return Self::wrong("milestones", format!("{:?}", self.milestones), "rising numbers of steps".to_string());
        }
        if let Some(index) = (0..count).find(|&index| self.schedulers.needs_metric(index)) {
            let scheduler = self.schedulers.name(index);
            return Err(SchedulerError::NeedsMetric { scheduler, place: "in a SequentialLR" });
        }
        self.schedulers.check()
    }

    fn attach(self, groups: &mut dyn Groups) -> Result<Self::State, SchedulerError> {
        self.check()?;
        let mut states = self.schedulers.attach(groups)?;
        for group in 0..groups.count() {
            if let Some(lr) = groups.initial_lr(group) {
                groups.set_lr(group, lr);
            }
        }
        for index in 0..states.count() {
            states.state_mut(index).undo();
        }
        let mut state = SequentialState { states, milestones: self.milestones.into_owned(), last_epoch: -1 };
        state.begin(groups);
        Ok(state)
    }

    fn length(&self) -> Option<usize> {
        let last = self.schedulers.length(self.schedulers.count().checked_sub(1)?)?;
        Some(self.milestones.last().copied().unwrap_or(0).saturating_add(last))
    }

    /// The last schedule gets the steps that are left for it.
    fn set_total_steps(&mut self, steps: usize) {
        let mut begin = 0;
        for index in 0..self.schedulers.count() {
            let end = self.milestones.get(index).copied().unwrap_or(steps);
            self.schedulers.set_total_steps(index, end.saturating_sub(begin));
            begin = end;
        }
    }
}

/// The state of a [`SequentialLR`].
#[derive(Clone, Debug, PartialEq)]
pub struct SequentialState<T> {
    states: T,
    milestones: Vec<usize>,
    last_epoch: i64,
}

impl<T: States> SequentialState<T> {
    /// The schedule whose turn it is.
    fn turn(&self) -> usize {
        self.milestones.partition_point(|&milestone| milestone as i64 <= self.last_epoch)
    }

    fn active(&mut self) -> &mut dyn SchedulerState {
        self.states.state_mut(self.turn())
    }
}

impl<T: States + Clone> SchedulerState for SequentialState<T> {
    fn step_groups(&mut self, groups: &mut dyn Groups) {
        self.last_epoch += 1;
        let turn = self.turn();
        let state = self.states.state_mut(turn);
        if turn > 0 && self.milestones[turn - 1] as i64 == self.last_epoch {
            state.restart(groups);
        } else {
            state.step_groups(groups);
        }
    }
    fn begin(&mut self, groups: &mut dyn Groups) {
        self.last_epoch += 1;
        self.active().begin(groups);
    }
    fn undo(&mut self) {
        self.active().undo();
        self.last_epoch -= 1;
    }
    fn restart(&mut self, groups: &mut dyn Groups) {
        self.last_epoch = 0;
        self.active().restart(groups);
    }
    fn last_epoch(&self) -> i64 {
        self.last_epoch
    }
    fn last_lr(&self) -> &[f64] {
        self.states.state(self.turn()).last_lr()
    }
    fn state_dict(&self) -> Value {
        let states: Vec<Value> = (0..self.states.count()).map(|i| self.states.state(i).state_dict()).collect();
        json!({
            "_schedulers": states,
            "_milestones": self.milestones,
            "last_epoch": self.last_epoch,
            "_last_lr": self.last_lr(),
        })
    }
    fn load_state_dict(&mut self, state: &Value) -> Result<(), SchedulerError> {
        #[derive(Deserialize)]
        struct Saved {
            _schedulers: Vec<Value>,
            _milestones: Vec<usize>,
            last_epoch: i64,
        }
        const NAME: &str = "SequentialLR";
        let saved: Saved = read(NAME, state)?;
        let (found, expected) = (saved._schedulers.len(), self.states.count());
        if found != expected || saved._milestones.len() + 1 != expected || !saved._milestones.is_sorted() {
            let what = format!("{found} schedules with milestones {:?}, not {expected}", saved._milestones);
            return Err(SchedulerError::State { scheduler: NAME, what });
        }
        // A copy, so that nothing has changed if a later schedule's state does not fit.
        let mut states = self.states.clone();
        for (index, state) in saved._schedulers.iter().enumerate() {
            states.state_mut(index).load_state_dict(state)?;
        }
        *self = SequentialState { states, milestones: saved._milestones, last_epoch: saved.last_epoch };
        Ok(())
    }
}
