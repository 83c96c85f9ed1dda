//! The ordinary training loop: what the trainers that `train!` emits have in common.
//!
//! `train!` writes out `step`, statement by statement; [`Trainer`] adds everything around it. It knows a trainer only
//! through its [`Parts`], so it works for any network, loss, optimizer, schedule and metrics.
//!
//! Deliberately absent: losses with several inputs, and optimizers that evaluate the loss several times in a step. They
//! are for a hand-written loop over the public parts.

mod batch;
mod builder;
mod callbacks;
mod checkpoint;
mod checks;
mod error;
mod evaluate;
mod fit;
#[doc(hidden)]
pub mod generated;
mod history;
mod look;
mod metrics;
mod place;
mod progress;
mod run;
mod schedule;
mod session;
mod share;
mod source;
mod undeclared;

use std::borrow::Cow;
use std::fmt::Debug;
use std::path::Path;

pub use batch::AsBatch;
pub use builder::{Builder, Settings, SettingsOf};
#[cfg(feature = "csv")]
pub use callbacks::CsvLog;
pub use callbacks::{BestCheckpoint, Better, Callback, EarlyStopping, Running, StepRecord};
pub use checkpoint::Resumed;
#[doc(hidden)]
pub use checks::{
    assert_accumulate, assert_chooses, assert_clip_grad_norm, assert_clip_grad_value, assert_ema, assert_group_trains,
    assert_trains, declared, moving_average,
};
pub use error::TrainError;
pub use evaluate::{Evaluation, evaluate};
pub use fit::{Epochs, Every, Fit, Steps};
pub use history::{EpochRecord, History};
#[doc(hidden)]
pub use metrics::no_metrics;
pub use metrics::{MetricList, Metrics};
pub use progress::Progress;
pub use run::{Run, RunSettings};
pub use schedule::{Schedule, ScheduleBy};
pub use source::{Defaults, Order, Source, Stream, Visit};
#[doc(hidden)]
pub use undeclared::Undeclared;

use crate::data::{DataLoader, Dataset};
use crate::loss::Loss;
use crate::lr_scheduler::LrScheduler;
use crate::optim::{GroupBuilder, Optimizer, OptimizerState};
use crate::swa_utils::AveragedModel;
use crate::{Network, Real};

/// What a step of training has done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepOutput<T, M: MetricList> {
    /// The loss of this batch, before the parameters moved. NaN if no target counts, because each is `ignore_index` or of a
    /// class with weight 0: such a batch moves nothing, as if it had not been there.
    pub loss: T,
    /// What the loss was divided by, and so what the batch weighs in a mean over batches: the number of elements, or the sum
    /// of the weights of its targets; 1 if the loss is a sum. 0 if no target counts.
    pub weight: f64,
    /// The learning rate of this step (of the first parameter group).
    pub lr: f64,
    /// The norm of the gradients before they were clipped by it; `None` if they are not, or not yet complete.
    pub grad_norm: Option<f64>,
    /// Whether the parameters have moved; not while gradients of several batches are added up, and not by a batch of which no
    /// target counts.
    pub updated: bool,
    /// The metrics over all outputs since they were last reset.
    pub metrics: M::Values,
}

/// What a step returns.
pub type StepResult<T, R> = Result<StepOutput<T, <R as Trainer<T>>::Metrics>, TrainError>;

/// The scalar of a target: `i64` for class indices, or the network's scalar.
pub trait Target: Copy + Send + Sync + 'static {}
impl<Y: Copy + Send + Sync + 'static> Target for Y {}

/// A trainer, made by `train!`: a network with its loss, optimizer and whatever else was declared.
///
/// `step` is what the macro writes out; the methods around it are the same for every trainer.
pub trait Trainer<T: Real>: Sized {
    /// The struct's name.
    const NAME: &'static str;
    /// When the schedule is stepped.
    const SCHEDULE_BY: ScheduleBy;
    /// The network.
    type Model: Network<T>;
    /// The loss.
    type Loss: Clone + Debug;
    /// The optimizer's settings.
    type Optimizer: Optimizer;
    /// The schedule's settings; of no meaning where none was declared.
    type Scheduler: LrScheduler;
    /// The metrics, a tuple.
    type Metrics: MetricList;

    /// The settings as declared.
    fn settings() -> SettingsOf<T, Self>;
    /// The parameter groups as declared, of an optimizer with these settings.
    fn groups(optimizer: Self::Optimizer) -> GroupBuilder<Self::Optimizer>;
    /// The trainer with these settings.
    ///
    /// # Errors
    /// Settings out of their range, groups that do not fit the network.
    fn assemble(model: Self::Model, settings: SettingsOf<T, Self>) -> Result<Self, TrainError>;

    /// One step of training. A batch of which no target counts (each is `ignore_index`, or of a class with weight 0) changes
    /// nothing: no parameter, no running statistic, no state of the optimizer, the schedule or the average, and it is none of
    /// the batches whose gradients are added up. Only the metrics see its outputs. If the loss is a sum such a batch has a
    /// loss and a gradient of 0, and is a step like any other, as in PyTorch.
    ///
    /// # Errors
    /// A batch without samples or larger than there is room for, targets that do not fit, a loss that is not finite; then
    /// nothing has changed. A gradient or running statistic that is not finite beside a finite loss: the error says whether
    /// parameters have moved by then.
    fn step<'batch, Y: Target>(&mut self, batch: impl AsBatch<'batch, T, Self::Model, Y>) -> StepResult<T, Self>
    where
        Self::Loss: Loss<T, Y>,
        Self::Metrics: Metrics<T, Y>;

    /// Takes the optimizer's step with the gradients that have been added up so far, if there are any, though they are of
    /// fewer batches than `accumulate` says: their mean is over the batches that are there. Returns whether there were any.
    ///
    /// `fit` does it at the end of each epoch. `step` alone never does: a hand-written loop whose epochs are no whole number
    /// of such steps calls it after each epoch, or the last gradients wait for the next one's first batches.
    ///
    /// # Errors
    /// A norm of the gradients that is not finite.
    fn flush(&mut self) -> Result<bool, TrainError> {
        Ok(false)
    }

    /// Trains on `train` for so many [`Epochs`] or [`Steps`] (or as a [`Fit`] says), evaluates on `validation` after each
    /// epoch, prints a line for each, and returns what they have reached. Data is a `&DataLoader`, or a reference to a
    /// dataset, which is then shuffled and cut into batches; `()` stands for no validation.
    ///
    /// A run that was resumed goes on where it was, to the same end: its length includes what came before. It may be given
    /// another length; a schedule that goes by the length of the run then has the rates of the new one from there on. A
    /// second `fit` of the same trainer is another run: it shuffles a dataset in orders of its own, and such a schedule
    /// begins anew with it. A run that a callback has ended is over when it is resumed, too, and refuses to be made longer,
    /// unless [`Fit::go_on`] says so.
    ///
    /// An epoch ends with a [`flush`](Self::flush), so that no gradient waits for the next one.
    ///
    /// # Errors
    /// Data that cannot be read or does not fit, a loss, a gradient, a statistic or (after an epoch, and before a file is written) weights
    /// that are not finite, a schedule or callback that watches a number which no epoch has, or that takes the worse values
    /// for better, a run of so many steps without any target, files that cannot be written: what can be known before the
    /// first step is found out then.
    fn fit<'f, Y, S, V>(&mut self, train: S, validation: V, fit: impl Into<Fit<'f>>) -> Result<History, TrainError>
    where
        Y: Target,
        S: Source<<Self::Model as Network<T>>::InputScalar, Y>,
        V: Source<<Self::Model as Network<T>>::InputScalar, Y> + Copy,
        Self::Loss: Loss<T, Y>,
        Self::Metrics: Metrics<T, Y>,
    {
        session::fit::<T, Self, Y, S, V>(self, train, validation, fit.into())
    }

    /// The loss and the metrics over `data`, in evaluation mode, of [`eval_model`](Self::eval_model).
    ///
    /// # Errors
    /// Data that cannot be read or does not fit, outputs that the loss is not defined for.
    fn evaluate<Y, S>(&self, data: S) -> Result<Evaluation, TrainError>
    where
        Y: Target,
        S: Source<<Self::Model as Network<T>>::InputScalar, Y>,
        Self::Loss: Loss<T, Y>,
        Self::Metrics: Metrics<T, Y>,
    {
        let parts = self.parts();
        // The trainer's own metrics go on with the training.
        let mut metrics = parts.metrics.clone();
        evaluate(&*self.eval_model(), parts.loss, &mut metrics, data, parts.run.settings.batch_size)
    }

    /// The network to evaluate, to save and to use: that of the moving average, if one was declared; with a schedule-free
    /// optimizer a copy with the averages that it evaluates ([`OptimizerState::eval`]); else the trained one as it is.
    ///
    /// It is not the best of a run's epochs: [`BestCheckpoint`] keeps that.
    fn eval_model(&self) -> Cow<'_, Self::Model> {
        let parts = self.parts();
        match parts.averaged {
            Some(averaged) => Cow::Borrowed(averaged.module()),
            None if <Self::Optimizer as Optimizer>::SWITCHES => {
                // The training goes on with its own parameters.
                let (mut model, mut optimizer) = (parts.model.clone(), parts.optimizer.clone());
                optimizer.eval(&mut model.weights_mut().parameters);
                Cow::Owned(model)
            }
            None => Cow::Borrowed(parts.model),
        }
    }

    /// The outputs for `inputs` in evaluation mode, of [`eval_model`](Self::eval_model). Many small predictions of a network
    /// that is a copy are better made by one copy.
    fn predict(&self, inputs: &[<Self::Model as Network<T>>::Input]) -> Vec<<Self::Model as Network<T>>::Output> {
        self.eval_model().predict(inputs)
    }

    /// Forgets what the metrics have seen: in a hand-written loop over epochs, at the beginning of each. `fit` does it.
    fn reset_metrics(&mut self) {
        self.parts_mut().metrics.reset();
    }

    /// Writes all of the trainer to a file, whole or not at all: network, optimizer, schedule, generators, and the place of
    /// the last `fit`, if there has been no step since. In a hand-written loop,
    /// [`save_checkpoint_with`](Self::save_checkpoint_with) keeps the place in the data.
    ///
    /// # Errors
    /// Parameters or running statistics that are not finite: then the file is left alone. What the file system reports.
    fn save_checkpoint(&self, path: impl AsRef<Path>) -> Result<(), TrainError> {
        checkpoint::save::<T, Self>(self, None, None, path.as_ref())
    }

    /// The same with the place of `loader` in its data.
    ///
    /// # Errors
    /// Those of [`save_checkpoint`](Self::save_checkpoint).
    fn save_checkpoint_with<D: Dataset>(
        &self,
        path: impl AsRef<Path>,
        loader: &DataLoader<D>,
    ) -> Result<(), TrainError> {
        checkpoint::save::<T, Self>(self, None, Some(loader.state()), path.as_ref())
    }

    /// Goes on from a checkpoint: of [`save_checkpoint`](Self::save_checkpoint), or of a `fit`, which the next `fit` then
    /// continues in the middle of the data. It ends with the same bits as if it had never been interrupted. Where there is
    /// no such file nothing happens, and the result says so.
    ///
    /// # Errors
    /// A file that cannot be read, is damaged, or belongs to another network, optimizer or schedule. Then nothing has
    /// changed.
    fn resume(&mut self, path: impl AsRef<Path>) -> Result<Resumed, TrainError> {
        checkpoint::load::<T, Self>(self, path.as_ref(), |_| Ok(()))
    }

    /// The same for a hand-written loop: `loader` goes on in its data where
    /// [`save_checkpoint_with`](Self::save_checkpoint_with) left it.
    ///
    /// # Errors
    /// Those of [`resume`](Self::resume), a place in other data, and a checkpoint without the place of a loader, which
    /// [`save_checkpoint`](Self::save_checkpoint) and `fit` write.
    fn resume_with<D: Dataset>(
        &mut self,
        path: impl AsRef<Path>,
        loader: &DataLoader<D>,
    ) -> Result<Resumed, TrainError> {
        checkpoint::load::<T, Self>(self, path.as_ref(), |state| match state {
            Some(state) => Ok(loader.restore(&state)?),
            None => {
                let expected = "that of a loader, as `save_checkpoint_with` writes it".to_owned();
                Err(TrainError::Checkpoint { what: "place in the data", found: "none".to_owned(), expected })
            }
        })
    }

    /// What it is made of.
    fn parts(&self) -> Parts<'_, T, Self>;
    /// What it is made of, to be changed.
    fn parts_mut(&mut self) -> PartsMut<'_, T, Self>;
}

/// What a trainer is made of.
#[derive(Debug)]
pub struct Parts<'a, T: Real, R: Trainer<T>> {
    /// The network.
    pub model: &'a R::Model,
    /// The loss.
    pub loss: &'a R::Loss,
    /// The optimizer's state.
    pub optimizer: &'a <R::Optimizer as Optimizer>::State<T>,
    /// The schedule, if one was declared.
    pub scheduler: Option<&'a Schedule<R::Scheduler>>,
    /// The metrics.
    pub metrics: &'a R::Metrics,
    /// The moving average of the network, if one was declared.
    pub averaged: Option<&'a AveragedModel<T, R::Model>>,
    /// Memory and counts.
    pub run: &'a Run<T>,
    /// The number of batches that make a step of the optimizer.
    pub batches_per_step: usize,
}

/// What a trainer is made of, to be changed.
#[derive(Debug)]
pub struct PartsMut<'a, T: Real, R: Trainer<T>> {
    /// The network.
    pub model: &'a mut R::Model,
    /// The loss.
    pub loss: &'a R::Loss,
    /// The optimizer's state.
    pub optimizer: &'a mut <R::Optimizer as Optimizer>::State<T>,
    /// The schedule, if one was declared.
    pub scheduler: Option<&'a mut Schedule<R::Scheduler>>,
    /// The metrics.
    pub metrics: &'a mut R::Metrics,
    /// The moving average of the network, if one was declared.
    pub averaged: Option<&'a mut AveragedModel<T, R::Model>>,
    /// Memory and counts.
    pub run: &'a mut Run<T>,
    /// The number of batches that make a step of the optimizer.
    pub batches_per_step: usize,
}
