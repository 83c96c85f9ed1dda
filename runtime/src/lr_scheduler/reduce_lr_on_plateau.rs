//! ReduceLROnPlateau: the rate falls when a metric stops getting better.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::{Fault, demand, implement_settings};
use super::group_lists::{check_list, of_group};
use super::state_dict::{check_rates, merge, read, saved_over, to_json};
use super::{Groups, List, LrScheduler, PlateauMode, SchedulerError, SchedulerState, ThresholdMode};

/// Multiplies the rate by `factor` when a metric has not got better for more than `patience` steps. To be stepped once
/// an epoch, with [`step_on`](SchedulerState::step_on): `ReduceLROnPlateau(…) on val_loss` in `train!`. There a metric of
/// which more is better needs `mode = PlateauMode::Max`: a run whose schedule would take the worse values for better is
/// refused before its first step, unless `mode` is written.
///
/// A metric m is better than the best so far, b, if m < b · (1 − threshold); with [`ThresholdMode::Abs`], if m < b −
/// threshold; with [`PlateauMode::Max`], if m > b · (1 + threshold), or m > b + threshold. NaN never is. A group's new
/// rate is max(lr · factor, min_lr), unless it would change by no more than `eps`. Then `cooldown` steps pass in which
/// nothing is counted.
///
/// `factor` is in [0, 1). `threshold`, `min_lr` and `eps` are 0 or more; `min_lrs` has one for each group.
///
/// # Panics
/// If it is stepped without a metric.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{Groups, LrScheduler, Rates, ReduceLROnPlateau, SchedulerState};
/// let mut rates = Rates::new(&[1.0], None);
/// let settings = ReduceLROnPlateau { patience: 1, ..ReduceLROnPlateau::DEFAULT };
/// let mut schedule = settings.attach(&mut rates)?;
/// for val_loss in [0.5, 0.4, 0.4, 0.4] {
///     schedule.step_groups_on(&mut rates, val_loss);
/// }
/// assert_eq!(rates.lr(0), 0.1);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// `torch.optim.lr_scheduler.ReduceLROnPlateau`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReduceLROnPlateau {
    /// Whether a smaller metric is better, or a larger one.
    pub mode: PlateauMode,
    /// The factor.
    pub factor: f64,
    /// How many steps without getting better are let pass.
    pub patience: usize,
    /// How much better is better.
    pub threshold: f64,
    /// Whether `threshold` is a share or an amount.
    pub threshold_mode: ThresholdMode,
    /// How many steps are not counted after a change.
    pub cooldown: usize,
    /// The lowest rate, the same for all groups.
    pub min_lr: f64,
    /// The lowest rate of each group, instead.
    pub min_lrs: List<f64>,
    /// The smallest change that is made.
    pub eps: f64,
}

impl ReduceLROnPlateau {
    /// PyTorch's defaults.
    pub const DEFAULT: Self = ReduceLROnPlateau {
        mode: PlateauMode::Min,
        factor: 0.1,
        patience: 10,
        threshold: 1e-4,
        threshold_mode: ThresholdMode::Rel,
        cooldown: 0,
        min_lr: 0.0,
        min_lrs: List::Borrowed(&[]),
        eps: 1e-8,
    };

    const fn fault(&self) -> Option<Fault> {
        let (factor, threshold, low, eps) = (self.factor, self.threshold, self.min_lr, self.eps);
        demand!(ReduceLROnPlateau, factor = factor, factor >= 0.0 && factor < 1.0, "from 0 to below 1");
        demand!(ReduceLROnPlateau, threshold = threshold, threshold >= 0.0 && threshold.is_finite(), "0 or more");
        demand!(ReduceLROnPlateau, min_lr = low, low >= 0.0 && low.is_finite(), "a rate, 0 or more");
        demand!(ReduceLROnPlateau, eps = eps, eps >= 0.0 && eps.is_finite(), "0 or more");
        None
    }

    fn better(&self, metric: f64, best: f64) -> bool {
        match (self.mode, self.threshold_mode) {
            (PlateauMode::Min, ThresholdMode::Rel) => metric < best * (1.0 - self.threshold),
            (PlateauMode::Min, ThresholdMode::Abs) => metric < best - self.threshold,
            (PlateauMode::Max, ThresholdMode::Rel) => metric > best * (self.threshold + 1.0),
            (PlateauMode::Max, ThresholdMode::Abs) => metric > best + self.threshold,
        }
    }

    /// What any metric is better than.
    fn worst(&self) -> f64 {
        match self.mode {
            PlateauMode::Min => f64::INFINITY,
            PlateauMode::Max => f64::NEG_INFINITY,
        }
    }
}

implement_settings!(ReduceLROnPlateau);

impl LrScheduler for ReduceLROnPlateau {
    const NAME: &'static str = "ReduceLROnPlateau";
    const NEEDS_METRIC: bool = true;
    type State = PlateauState;

    fn mode(&self) -> Option<PlateauMode> {
        Some(self.mode)
    }
    fn check(&self) -> Result<(), SchedulerError> {
        Fault::check(self.fault())
    }
    fn attach(self, groups: &mut dyn Groups) -> Result<PlateauState, SchedulerError> {
        self.check()?;
        check_list(Self::NAME, "min_lrs", &self.min_lrs, groups, |lr| lr >= 0.0, "rates, 0 or more")?;
        let last_lr = (0..groups.count()).map(|group| groups.lr(group)).collect();
        let progress = Progress { last_epoch: 0, last_lr, best: self.worst(), cooldown_counter: 0, num_bad_epochs: 0 };
        Ok(PlateauState { settings: self, progress })
    }
}

/// The state of a [`ReduceLROnPlateau`].
#[derive(Clone, Debug, PartialEq)]
pub struct PlateauState {
    settings: ReduceLROnPlateau,
    progress: Progress,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Progress {
    last_epoch: i64,
    #[serde(rename = "_last_lr")]
    last_lr: Vec<f64>,
    #[serde(with = "with_infinities")]
    best: f64,
    cooldown_counter: usize,
    num_bad_epochs: usize,
}

impl PlateauState {
    /// The settings that it was made from.
    pub fn settings(&self) -> &ReduceLROnPlateau {
        &self.settings
    }

    /// The best metric so far; infinite before the first.
    pub fn best(&self) -> f64 {
        self.progress.best
    }

    fn reduce(&self, groups: &mut dyn Groups) {
        for group in 0..groups.count() {
            let old = groups.lr(group);
            let lowest = of_group(self.settings.min_lr, &self.settings.min_lrs, group);
            let new = (old * self.settings.factor).max(lowest);
            if old - new > self.settings.eps {
                groups.set_lr(group, new);
            }
        }
    }
}

impl SchedulerState for PlateauState {
    fn step_groups(&mut self, _groups: &mut dyn Groups) {
        panic!("ReduceLROnPlateau watches a metric: step it with `step_on(optimizer, metric)`");
    }
    fn step_groups_on(&mut self, groups: &mut dyn Groups, metric: f64) {
        let expected = self.progress.last_lr.len();
        assert_eq!(groups.count(), expected, "ReduceLROnPlateau: the number of parameter groups has changed");
        let progress = &mut self.progress;
        progress.last_epoch += 1;
        if self.settings.better(metric, progress.best) {
            progress.best = metric;
            progress.num_bad_epochs = 0;
        } else {
            progress.num_bad_epochs += 1;
        }
        if progress.cooldown_counter > 0 {
            progress.cooldown_counter -= 1;
            progress.num_bad_epochs = 0;
        }
        if progress.num_bad_epochs > self.settings.patience {
            progress.cooldown_counter = self.settings.cooldown;
            progress.num_bad_epochs = 0;
            self.reduce(groups);
        }
        for (group, last_lr) in self.progress.last_lr.iter_mut().enumerate() {
            *last_lr = groups.lr(group);
        }
    }
    /// Attaching makes no step.
    fn begin(&mut self, _groups: &mut dyn Groups) {}
    fn undo(&mut self) {
        self.progress.last_epoch -= 1;
    }
    /// Forgets what it has seen; the rates stay.
    fn restart(&mut self, _groups: &mut dyn Groups) {
        let progress = &mut self.progress;
        (progress.last_epoch, progress.cooldown_counter, progress.num_bad_epochs) = (0, 0, 0);
        progress.best = self.settings.worst();
    }
    fn last_epoch(&self) -> i64 {
        self.progress.last_epoch
    }
    fn last_lr(&self) -> &[f64] {
        &self.progress.last_lr
    }
    fn state_dict(&self) -> Value {
        merge(to_json(&self.settings), to_json(&self.progress))
    }
    fn load_state_dict(&mut self, state: &Value) -> Result<(), SchedulerError> {
        let progress: Progress = read(ReduceLROnPlateau::NAME, state)?;
        check_rates(ReduceLROnPlateau::NAME, "_last_lr", &progress.last_lr, self.progress.last_lr.len())?;
        let options = saved_over(to_json(&self.settings), state);
        let settings: ReduceLROnPlateau = read(ReduceLROnPlateau::NAME, &options)?;
        settings.check()?;
        *self = PlateauState { settings, progress };
        Ok(())
    }
}

/// JSON has no infinities, but the best metric before the first is one: they are strings there.
mod with_infinities {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;
    use serde_json::Value;

    const INFINITY: &str = "Infinity";
    const MINUS_INFINITY: &str = "-Infinity";

    pub(super) fn serialize<S: Serializer>(&value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            f64::INFINITY => serializer.serialize_str(INFINITY),
            f64::NEG_INFINITY => serializer.serialize_str(MINUS_INFINITY),
            finite => serializer.serialize_f64(finite),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        let number = match Value::deserialize(deserializer)? {
            Value::String(name) if name == INFINITY => Some(f64::INFINITY),
            Value::String(name) if name == MINUS_INFINITY => Some(f64::NEG_INFINITY),
            other => other.as_f64(),
        };
        number.ok_or_else(|| D::Error::custom("it is neither a number nor an infinity"))
    }
}
