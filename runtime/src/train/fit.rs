//! The loop over epochs: training, validation, schedule, callbacks, checkpoints.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::callbacks::{Callback, Running, StepRecord};
use super::checkpoint::save;
use super::progress::{Display, Progress};
use super::source::{Defaults, Order, Source, Stream};
use super::{
    EpochRecord, Evaluation, History, MetricList, Metrics, ScheduleBy, StepOutput, Target, TrainError, Trainer,
};
use crate::checkpoint::StateDictExt;
use crate::data::{DataError, LoaderState};
use crate::loss::{Loss, Reduction};
use crate::{Network, Real};

/// A run of so many epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epochs(pub usize);

/// A run of so many steps of the optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps(pub u64);

/// How often a run writes its checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// After each epoch.
    Epoch,
    /// After each so many steps of the optimizer, and after each epoch.
    Steps(u64),
}

/// How a run goes: its length, its callbacks, its checkpoints, what it prints.
///
/// # Example
/// ```
/// use glulam::train::{EarlyStopping, Every, Fit, Progress};
/// let mut early = EarlyStopping::new("val_loss", 3);
/// let fit = Fit::epochs(20).callback(&mut early).checkpoint("run.ckpt", Every::Epoch).progress(Progress::Silent);
/// ```
pub struct Fit<'a> {
    length: Length,
    callbacks: Vec<&'a mut dyn Callback>,
    checkpoint: Option<(PathBuf, Every)>,
    progress: Progress,
}

#[derive(Clone, Copy, Debug)]
enum Length {
    Epochs(usize),
    Steps(u64),
}

impl<'a> Fit<'a> {
    /// A run of so many epochs, those before a resume included.
    pub fn epochs(epochs: usize) -> Self {
        Fit::new(Length::Epochs(epochs))
    }

    /// A run of so many steps of the optimizer, those before a resume included. It ends with a validation.
    pub fn steps(steps: u64) -> Self {
        Fit::new(Length::Steps(steps))
    }

    fn new(length: Length) -> Self {
        Fit { length, callbacks: Vec::new(), checkpoint: None, progress: Progress::Auto }
    }

    /// Adds a callback; they are called in the order in which they were added.
    pub fn callback(mut self, callback: &'a mut dyn Callback) -> Self {
        self.callbacks.push(callback);
        self
    }

    /// Writes a checkpoint to `path`, whole or not at all, from which [`resume`](Trainer::resume) goes on.
    pub fn checkpoint(mut self, path: impl Into<PathBuf>, every: Every) -> Self {
        self.checkpoint = Some((path.into(), every));
        self
    }

    /// What is printed: [`Progress::Auto`] by default.
    pub fn progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }
}

impl From<Epochs> for Fit<'_> {
    fn from(epochs: Epochs) -> Self {
        Fit::epochs(epochs.0)
    }
}

impl From<Steps> for Fit<'_> {
    fn from(steps: Steps) -> Self {
        Fit::steps(steps.0)
    }
}

/// Where a run is: what a checkpoint keeps of it beside the trainer itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The epochs that are over.
    history: History,
    /// Steps of the optimizer before the run, and up to here.
    steps_before: u64,
    pub(crate) steps_after: u64,
    /// The epoch under way.
    now: Now,
    /// The place in the data.
    loader: LoaderState,
    /// What the callbacks remember, in their order.
    callbacks: Vec<Value>,
    /// A callback has ended the run.
    stopped: bool,
}

impl Place {
    /// The number of epochs that are over.
    pub(crate) fn epochs(&self) -> usize {
        self.history.epochs.len()
    }
}

/// The numbers of the epoch under way.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Now {
    loss_sum: f64,
    samples: usize,
    batches: usize,
    lr: f64,
    seconds: f64,
}

/// A run of `trainer`. See [`Trainer::fit`].
pub(super) fn fit<T, R, Y, S, V>(trainer: &mut R, train: S, validation: V, fit: Fit<'_>) -> Result<History, TrainError>
where
    T: Real,
    R: Trainer<T>,
    Y: Target,
    S: Source<<R::Model as Network<T>>::InputScalar, Y>,
    V: Source<<R::Model as Network<T>>::InputScalar, Y> + Copy,
    R::Loss: Loss<T, Y>,
    R::Metrics: Metrics<T, Y>,
{
    let parts = trainer.parts_mut();
    let seed = parts.run.settings.seed.unwrap_or(parts.model.weights().seed);
    let batch_size = parts.run.settings.batch_size;
    let mut stream = train.open(Defaults { batch_size, order: Order::Shuffled(seed) })?.ok_or(DataError::Empty)?;
    let has_validation = validation.open(Defaults { batch_size, order: Order::AsStored })?.is_some();
    parts.run.reserve(parts.model, stream.batch_size());

    let place = parts.run.resumed.take();
    let mut run = Session::<T, R> {
        steps_before: place.as_ref().map_or(parts.run.steps, |place| place.steps_before),
        history: History::default(),
        now: Now::default(),
        callbacks: fit.callbacks,
        checkpoint: fit.checkpoint,
        length: fit.length,
        stop: false,
        summed: parts.loss.reduction() == Reduction::Sum,
        clock: Instant::now(),
        scalar: PhantomData,
        trainer,
    };
    run.check_watched(has_validation)?;
    run.attach_schedule(stream.batches())?;
    if let Some(place) = place {
        run.restore(place, &mut *stream)?;
    }
    run.begin()?;

    let epochs = match run.length {
        Length::Epochs(epochs) => Some(epochs),
        Length::Steps(_) => None,
    };
    let mut display = Display::new(fit.progress, epochs);
    while !run.is_over() {
        let number = run.history.epochs.len() + 1;
        display.begin(number, stream.batches(), run.now.batches);
        run.clock = Instant::now();
        stream.pass(&mut |batch, state| {
            let out = run.trainer.step(batch)?;
            let step = run.count(&out, batch.len);
            display.step(&step, run.now.batches, run.loss());
            run.after_step(&step, &out, state)?;
            Ok(!run.ends_here())
        })?;
        let record =
            run.end_epoch(|trainer| if has_validation { trainer.evaluate(validation).map(Some) } else { Ok(None) })?;
        display.end(&record).map_err(|source| TrainError::io(Path::new("the standard output"), source))?;
        run.after_epoch(record, &stream.state())?;
    }
    let ended = run.place(stream.state());
    let history = run.history;
    run.trainer.parts_mut().run.ended = Some(ended);
    Ok(history)
}

/// A run under way.
struct Session<'r, 'c, T: Real, R: Trainer<T>> {
    trainer: &'r mut R,
    steps_before: u64,
    history: History,
    now: Now,
    callbacks: Vec<&'c mut dyn Callback>,
    checkpoint: Option<(PathBuf, Every)>,
    length: Length,
    stop: bool,
    /// The loss is a sum over samples, not a mean.
    summed: bool,
    /// Since when the epoch under way has been trained.
    clock: Instant,
    scalar: PhantomData<T>,
}

impl<T: Real, R: Trainer<T>> Session<'_, '_, T, R> {
    /// The loss over the epoch so far.
    fn loss(&self) -> f64 {
        if self.summed { self.now.loss_sum } else { self.now.loss_sum / self.now.samples as f64 }
    }

    /// Steps of the optimizer in this run.
    fn steps(&self) -> u64 {
        self.trainer.parts().run.steps - self.steps_before
    }

    fn is_over(&self) -> bool {
        self.stop
            || match self.length {
                Length::Epochs(epochs) => self.history.epochs.len() >= epochs,
                Length::Steps(steps) => self.steps() >= steps,
            }
    }

    /// Whether the run ends in the middle of the epoch.
    fn ends_here(&self) -> bool {
        self.stop || matches!(self.length, Length::Steps(steps) if self.steps() >= steps)
    }

    /// Refuses a schedule or callback that watches a number which no epoch will have.
    fn check_watched(&self, has_validation: bool) -> Result<(), TrainError> {
        let mut example = EpochRecord { val_loss: has_validation.then_some(0.0), ..EpochRecord::default() };
        example.train_metrics = self.trainer.parts().metrics.by_name();
        if has_validation {
            example.val_metrics = example.train_metrics.clone();
        }
        if let ScheduleBy::EpochOn(name) = R::SCHEDULE_BY {
            example.watched(name)?;
        }
        for name in self.callbacks.iter().flat_map(|callback| callback.watches()) {
            example.watched(&name)?;
        }
        Ok(())
    }

    /// Tells the schedule the length of the run, if it has waited for it.
    fn attach_schedule(&mut self, batches: usize) -> Result<(), TrainError> {
        let parts = self.trainer.parts_mut();
        let steps_per_epoch = batches.div_ceil(parts.batches_per_step);
        let total = match (R::SCHEDULE_BY, self.length) {
            (ScheduleBy::Step, Length::Epochs(epochs)) => epochs * steps_per_epoch,
            (ScheduleBy::Step, Length::Steps(steps)) => steps as usize,
            (_, Length::Epochs(epochs)) => epochs,
            (_, Length::Steps(steps)) => (steps as usize).div_ceil(steps_per_epoch),
        };
        if let Some(scheduler) = parts.scheduler {
            scheduler.begin(Some(total), parts.optimizer)?;
        }
        Ok(())
    }

    fn restore<X, Y>(&mut self, place: Place, stream: &mut dyn Stream<X, Y>) -> Result<(), TrainError> {
        stream.restore(&place.loader)?;
        let (found, expected) = (place.callbacks.len(), self.callbacks.len());
        if found != expected {
            let (found, expected) = (found.to_string(), expected.to_string());
            return Err(TrainError::Checkpoint { what: "number of callbacks", found, expected });
        }
        for (callback, state) in self.callbacks.iter_mut().zip(&place.callbacks) {
            callback.restore(state)?;
        }
        (self.history, self.now, self.stop) = (place.history, place.now, place.stopped);
        Ok(())
    }

    fn begin(&mut self) -> Result<(), TrainError> {
        if self.now.batches == 0 {
            self.trainer.parts_mut().metrics.reset();
        }
        self.each_callback(|callback, running| callback.on_begin(running))
    }

    fn each_callback(
        &mut self,
        mut call: impl FnMut(&mut dyn Callback, &mut dyn Running) -> Result<(), TrainError>,
    ) -> Result<(), TrainError> {
        let mut view =
            View { trainer: &*self.trainer, history: &self.history, stop: &mut self.stop, scalar: PhantomData };
        self.callbacks.iter_mut().try_for_each(|callback| call(&mut **callback, &mut view))
    }

    /// Counts a batch.
    fn count(&mut self, out: &StepOutput<T, R::Metrics>, samples: usize) -> StepRecord {
        let now = &mut self.now;
        now.loss_sum += out.loss.to_f64() * if self.summed { 1.0 } else { samples as f64 };
        now.samples += samples;
        now.batches += 1;
        now.lr = out.lr;
        StepRecord {
            epoch: self.history.epochs.len() + 1,
            steps: self.steps(),
            loss: out.loss.to_f64(),
            lr: out.lr,
            grad_norm: out.grad_norm,
            samples,
        }
    }

    fn after_step(
        &mut self,
        step: &StepRecord,
        out: &StepOutput<T, R::Metrics>,
        state: &dyn Fn() -> LoaderState,
    ) -> Result<(), TrainError> {
        if !self.callbacks.is_empty() {
            self.each_callback(|callback, running| callback.on_step(step, running))?;
        }
        match self.checkpoint {
            Some((_, Every::Steps(steps))) if out.updated && step.steps.is_multiple_of(steps.max(1)) => {
                self.now.seconds += self.clock.elapsed().as_secs_f64();
                self.clock = Instant::now();
                self.save(state())
            }
            _ => Ok(()),
        }
    }

    /// The end of an epoch: the last gradients, validation, the schedule.
    fn end_epoch(
        &mut self,
        validate: impl FnOnce(&mut R) -> Result<Option<Evaluation>, TrainError>,
    ) -> Result<EpochRecord, TrainError> {
        self.trainer.flush()?;
        let seconds = self.now.seconds + self.clock.elapsed().as_secs_f64();
        let train_metrics = self.trainer.parts().metrics.by_name();
        self.trainer.parts_mut().metrics.reset();
        let validation = validate(self.trainer)?;
        let (val_loss, val_metrics) = validation.map_or_else(Default::default, |v| (Some(v.loss), v.metrics));
        let record = EpochRecord {
            epoch: self.history.epochs.len() + 1,
            steps: self.steps(),
            lr: self.now.lr,
            train_loss: self.loss(),
            train_metrics,
            val_loss,
            val_metrics,
            seconds,
            samples_per_second: self.now.samples as f64 / seconds,
        };
        let parts = self.trainer.parts_mut();
        if let Some(scheduler) = parts.scheduler {
            match R::SCHEDULE_BY {
                ScheduleBy::Epoch => scheduler.step(parts.optimizer),
                ScheduleBy::EpochOn(name) => scheduler.step_on(parts.optimizer, record.watched(name)?),
                ScheduleBy::Step | ScheduleBy::NotAtAll => {}
            }
        }
        self.now = Now::default();
        Ok(record)
    }

    fn after_epoch(&mut self, record: EpochRecord, state: &LoaderState) -> Result<(), TrainError> {
        self.each_callback(|callback, running| callback.on_epoch(&record, running))?;
        self.history.epochs.push(record);
        self.save(state.clone())
    }

    fn save(&mut self, loader: LoaderState) -> Result<(), TrainError> {
        let Some((path, _)) = &self.checkpoint else { return Ok(()) };
        save::<T, R>(self.trainer, Some(&self.place(loader)), None, path)
    }

    /// Where the run is.
    fn place(&self, loader: LoaderState) -> Place {
        Place {
            history: self.history.clone(),
            steps_before: self.steps_before,
            steps_after: self.trainer.parts().run.steps,
            now: self.now.clone(),
            loader,
            callbacks: self.callbacks.iter().map(|callback| callback.state()).collect(),
            stopped: self.stop,
        }
    }
}

/// What callbacks see.
struct View<'a, T: Real, R: Trainer<T>> {
    trainer: &'a R,
    history: &'a History,
    stop: &'a mut bool,
    scalar: PhantomData<T>,
}

impl<T: Real, R: Trainer<T>> Running for View<'_, T, R> {
    fn stop(&mut self) {
        *self.stop = true;
    }
    fn history(&self) -> &History {
        self.history
    }
    fn save_model(&self, path: &Path) -> Result<(), TrainError> {
        Ok(self.trainer.best_model().save(path)?)
    }
}
