//! A trainer in the making: what `train!` declared, and what a run changes of it.

use std::fmt::Debug;

use super::{MetricList, RunSettings, TrainError, Trainer};
use crate::optim::Optimizer;
use crate::{Network, Real};

/// All settings of a trainer: those that `train!` declared are the defaults.
#[derive(Clone, Debug)]
pub struct Settings<L, O, S, M> {
    /// The loss.
    pub loss: L,
    /// The optimizer; parameter groups differ from it in what their options say.
    pub optimizer: O,
    /// The schedule, if one was declared.
    pub scheduler: Option<S>,
    /// The metrics.
    pub metrics: M,
    /// The largest norm of the gradients, if clipping by it was declared.
    pub clip_grad_norm: Option<f64>,
    /// The largest absolute value of a gradient's element, if clipping by it was declared.
    pub clip_grad_value: Option<f64>,
    /// The number of batches that make one step of the optimizer, if accumulating was declared.
    pub accumulate: Option<usize>,
    /// The decay of the parameters' moving average, if one was declared.
    pub ema: Option<f64>,
    /// Memory, and how `fit` makes batches.
    pub run: RunSettings,
    /// The length of the run, for a schedule that needs to know it.
    pub total_steps: Option<usize>,
}

impl<L, O, S, M> Settings<L, O, S, M> {
    /// The required settings, and everything else as it is by default.
    pub fn new(loss: L, optimizer: O, metrics: M) -> Self {
        Settings {
            loss,
            optimizer,
            scheduler: None,
            metrics,
            clip_grad_norm: None,
            clip_grad_value: None,
            accumulate: None,
            ema: None,
            run: RunSettings { fused: true, capacity: None, batch_size: 64, seed: None },
            total_steps: None,
        }
    }
}

/// The settings of the trainer `R`.
pub type SettingsOf<T, R> = Settings<
    <R as Trainer<T>>::Loss,
    <R as Trainer<T>>::Optimizer,
    <R as Trainer<T>>::Scheduler,
    <R as Trainer<T>>::Metrics,
>;

/// Makes a trainer that differs in some numbers from what `train!` declared: a sweep over learning rates needs no
/// recompilation. What changes code (another optimizer, clipping where none was declared) is for `train!`.
#[must_use = "a builder makes nothing before `build`"]
pub struct Builder<T: Real, R: Trainer<T>> {
    model: R::Model,
    settings: SettingsOf<T, R>,
    /// Settings that the trainer was not declared with.
    undeclared: Option<&'static str>,
}

impl<T: Real, R: Trainer<T>> Builder<T, R> {
    /// The settings as declared.
    pub fn new(model: R::Model) -> Self {
        Builder { model, settings: R::settings(), undeclared: None }
    }

    /// The learning rate, as in `.optimizer(…)` with the other settings as declared. Groups with rates of their own keep
    /// them.
    pub fn lr(mut self, lr: f64) -> Self {
        self.settings.optimizer.set_lr(lr);
        self
    }

    /// The optimizer's settings.
    pub fn optimizer(mut self, optimizer: R::Optimizer) -> Self {
        self.settings.optimizer = optimizer;
        self
    }

    /// The loss.
    pub fn loss(mut self, loss: R::Loss) -> Self {
        self.settings.loss = loss;
        self
    }

    /// The schedule's settings.
    pub fn scheduler(mut self, scheduler: R::Scheduler) -> Self {
        Self::replace(&mut self.settings.scheduler, scheduler, "scheduler", &mut self.undeclared);
        self
    }

    /// The metrics.
    pub fn metrics(mut self, metrics: R::Metrics) -> Self {
        self.settings.metrics = metrics;
        self
    }

    /// The largest norm of the gradients.
    pub fn clip_grad_norm(mut self, max_norm: f64) -> Self {
        Self::replace(&mut self.settings.clip_grad_norm, max_norm, "clip_grad_norm", &mut self.undeclared);
        self
    }

    /// The largest absolute value of a gradient's element.
    pub fn clip_grad_value(mut self, clip_value: f64) -> Self {
        Self::replace(&mut self.settings.clip_grad_value, clip_value, "clip_grad_value", &mut self.undeclared);
        self
    }

    /// The number of batches that make one step of the optimizer.
    pub fn accumulate(mut self, batches: usize) -> Self {
        Self::replace(&mut self.settings.accumulate, batches, "accumulate", &mut self.undeclared);
        self
    }

    /// The decay of the parameters' moving average.
    pub fn ema(mut self, decay: f64) -> Self {
        Self::replace(&mut self.settings.ema, decay, "ema", &mut self.undeclared);
        self
    }

    /// Whether each parameter moves in the backward pass, where its gradient is finished, if nothing needs the whole
    /// gradient first. The numbers are the same either way.
    pub fn fused(mut self, fused: bool) -> Self {
        self.settings.run.fused = fused;
        self
    }

    /// The largest batch that there will be. Otherwise it is that of the first step, or the loader's in `fit`.
    pub fn capacity(mut self, samples: usize) -> Self {
        self.settings.run.capacity = Some(samples);
        self
    }

    /// The number of samples in a batch where `fit` and `evaluate` are given a dataset rather than a loader: 64 by default.
    pub fn batch_size(mut self, samples: usize) -> Self {
        self.settings.run.batch_size = samples;
        self
    }

    /// The seed of the order of the data where `fit` is given a dataset; the network's by default.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.run.seed = Some(seed);
        self
    }

    /// The length of the run in steps of the schedule, for one that needs to know it (OneCycleLR) where it does not come
    /// from `fit`. It counts for more than that of a checkpoint that the trainer goes on from.
    pub fn total_steps(mut self, steps: usize) -> Self {
        self.settings.total_steps = Some(steps);
        self
    }

    fn replace<V>(place: &mut Option<V>, value: V, name: &'static str, undeclared: &mut Option<&'static str>) {
        match place {
            Some(place) => *place = value,
            None => *undeclared = Some(name),
        }
    }

    /// The trainer.
    ///
    /// # Errors
    /// Options of the loss's targets are checked in each step; everything else here: options of the optimizer and the
    /// schedule, groups that choose no parameter or one twice, numbers out of their range, a setting that `train!` did
    /// not declare.
    pub fn build(self) -> Result<R, TrainError> {
        if let Some(name) = self.undeclared {
            let (found, expected) = ("a value".into(), format!("none: `train!` declared {} without it", R::NAME));
            return Err(TrainError::Setting { name, found, expected });
        }
        let s = &self.settings;
        let above_0 = |x: f64| x > 0.0;
        check("clip_grad_norm", s.clip_grad_norm, above_0, "a number above 0")?;
        check("clip_grad_value", s.clip_grad_value, above_0, "a number above 0")?;
        check("ema", s.ema, |decay| (0.0..=1.0).contains(&decay), "a number in [0, 1]")?;
        check("accumulate", s.accumulate, |batches| batches > 0, "at least 1")?;
        check("capacity", s.run.capacity, |samples| samples > 0, "at least 1")?;
        check("batch_size", Some(s.run.batch_size), |samples| samples > 0, "at least 1")?;
        R::assemble(self.model, self.settings)
    }
}

fn check<V: Copy + Debug>(
    name: &'static str,
    value: Option<V>,
    valid: impl Fn(V) -> bool,
    expected: &str,
) -> Result<(), TrainError> {
    match value {
        Some(found) if !valid(found) => {
            Err(TrainError::Setting { name, found: format!("{found:?}"), expected: expected.into() })
        }
        _ => Ok(()),
    }
}

impl<T: Real, R: Trainer<T>> Debug for Builder<T, R>
where
    R::Metrics: MetricList,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("model", &R::Model::NAME).field("settings", &self.settings).finish()
    }
}
