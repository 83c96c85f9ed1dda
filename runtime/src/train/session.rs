//! The loop over epochs: training, validation, schedule, callbacks, checkpoints.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::callbacks::{Better, Callback, Running, StepRecord};
use super::checkpoint::save;
use super::evaluate::put_together;
use super::fit::{Every, Fit, Length};
use super::look::look;
use super::place::{Now, Place};
use super::progress::Display;
use super::source::{Defaults, Order, Source, Stream};
use super::{
    EpochRecord, Evaluation, History, MetricList, Metrics, ScheduleBy, StepOutput, Target, TrainError, Trainer,
};
use crate::checkpoint::{CheckpointError, StateDictExt, check_writable};
use crate::data::{DataError, LoaderState};
use crate::loss::{Loss, Reduction};
use crate::network::BatchError;
use crate::{Network, Real};

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
    fit.check()?;
    let parts = trainer.parts_mut();
    let seed = parts.run.settings.seed.unwrap_or(parts.model.weights().seed);
    let batch_size = parts.run.settings.batch_size;
    let order = Order::Shuffled { seed, epoch: parts.run.data_epoch };
    let mut stream = train.open(Defaults { batch_size, order })?.ok_or(DataError::Empty)?;
    let has_validation = validation.open(Defaults { batch_size, order: Order::AsStored })?.is_some();
    let (smallest, room) = (<R::Model as Network<T>>::MIN_TRAIN_BATCH, usize::MAX);
    BatchError::check(stream.smallest_batch(), smallest, room)?;
    parts.run.reserve(parts.model, stream.batch_size());

    // Kept until the run has begun: whatever fails before that may be tried again.
    let place = parts.run.resumed.clone();
    let mut run = Session::<T, R> {
        steps_before: place.as_ref().map_or(parts.run.steps, |place| place.steps_before),
        history: History::default(),
        now: Now::default(),
        callbacks: fit.callbacks,
        checkpoint: fit.checkpoint,
        length: fit.length,
        stopped: None,
        reduction: parts.loss.reduction(),
        clock: Instant::now(),
        scalar: PhantomData,
        trainer,
    };
    run.check_watched(has_validation)?;
    run.check_checkpoint()?;
    if let Some(place) = place {
        run.restore(place, fit.goes_on, &mut *stream)?;
    }
    run.attach_schedule(stream.batches())?;
    run.begin()?;
    run.trainer.parts_mut().run.resumed = None;

    let epochs = match run.length {
        Length::Epochs(epochs) => Some(epochs),
        Length::Steps(_) => None,
    };
    let mut display = Display::new(fit.progress, epochs);
    if let (Some(by), true) = (&run.stopped, run.is_over()) {
        display.is_over(by, run.history.epochs.len());
    }
    run.trainer.parts_mut().run.note_epoch(&stream.state(), false);
    while !run.is_over() {
        let number = run.history.epochs.len() + 1;
        display.begin(number, stream.batches(), run.now.batches);
        run.clock = Instant::now();
        run.trainer.parts_mut().run.note_epoch(&stream.state(), true);
        // A checkpoint may have been written after the last batch, before the validation.
        if !run.ends_here() {
            stream.pass(&mut |batch, state| {
                let out = run.trainer.step(batch)?;
                let step = run.count(&out, batch.len);
                display.step(&step, run.now.batches, run.loss());
                run.after_step(&step, &out, state)?;
                Ok(!run.ends_here())
            })?;
        }
        let record =
            run.end_epoch(|trainer| if has_validation { trainer.evaluate(validation).map(Some) } else { Ok(None) })?;
        run.after_epoch(record, &stream.state())?;
        display.end(run.history.last().expect("an epoch has ended"));
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
    /// The callback that has ended the run.
    stopped: Option<String>,
    reduction: Reduction,
    /// Since when the epoch under way has been trained.
    clock: Instant,
    scalar: PhantomData<T>,
}

impl<T: Real, R: Trainer<T>> Session<'_, '_, T, R> {
    /// The loss over the epoch so far.
    fn loss(&self) -> f64 {
        put_together(&self.now.losses, self.reduction)
    }

    /// Steps of the optimizer in this run.
    fn steps(&self) -> u64 {
        self.trainer.parts().run.steps - self.steps_before
    }

    fn is_over(&self) -> bool {
        // A run that ends in the middle of an epoch is over after that epoch's validation.
        match self.length {
            Length::Epochs(epochs) if self.history.epochs.len() >= epochs => true,
            _ => self.ends_here() && !self.now.is_under_way(),
        }
    }

    /// Whether the run ends in the middle of the epoch.
    fn ends_here(&self) -> bool {
        self.stopped.is_some() || matches!(self.length, Length::Steps(steps) if self.steps() >= steps)
    }

    /// Refuses a schedule or callback that watches a number which no epoch will have.
    fn check_watched(&self, has_validation: bool) -> Result<(), TrainError> {
        let mut example = EpochRecord { val_loss: has_validation.then_some(0.0), ..EpochRecord::default() };
        example.train_metrics = self.trainer.parts().metrics.by_name();
        if has_validation {
            example.val_metrics = example.train_metrics.clone();
        }
        if let ScheduleBy::EpochOn { number, given } = R::SCHEDULE_BY {
            example.watched(number)?;
            let parts = self.trainer.parts();
            if let Some(schedule) = parts.scheduler.filter(|_| !given.contains(&"mode")) {
                schedule.check_mode(number, Better::of(number, parts.metrics))?;
            }
        }
        for name in self.callbacks.iter().flat_map(|callback| callback.watches()) {
            example.watched(&name)?;
        }
        Ok(())
    }

    /// Refuses a checkpoint that cannot be written, before anything is trained for it.
    fn check_checkpoint(&self) -> Result<(), TrainError> {
        let Some((path, _)) = &self.checkpoint else { return Ok(()) };
        Ok(check_writable(path).map_err(|source| CheckpointError::io(path, source))?)
    }

    /// Tells the schedule the length of the run, if it goes by it.
    fn attach_schedule(&mut self, batches: usize) -> Result<(), TrainError> {
        let (steps, epochs) = (self.steps(), self.history.epochs.len() as u64);
        let parts = self.trainer.parts_mut();
        let steps_per_epoch = batches.div_ceil(parts.batches_per_step);
        let (total, done) = match (R::SCHEDULE_BY, self.length) {
            (ScheduleBy::Step, Length::Epochs(epochs)) => (epochs * steps_per_epoch, steps),
            (ScheduleBy::Step, Length::Steps(total)) => (total as usize, steps),
            (_, Length::Epochs(total)) => (total, epochs),
            (_, Length::Steps(total)) => ((total as usize).div_ceil(steps_per_epoch), epochs),
        };
        if let Some(scheduler) = parts.scheduler {
            scheduler.begin_run(total, done, parts.optimizer)?;
        }
        Ok(())
    }

    fn restore<X, Y>(&mut self, place: Place, goes_on: bool, stream: &mut dyn Stream<X, Y>) -> Result<(), TrainError> {
        let stopped = place.stopped.filter(|_| !goes_on);
        if let Some(by) = stopped.clone().filter(|_| self.length.exceeds(place.length)) {
            return Err(TrainError::Stopped { by, epoch: place.history.epochs.len() });
        }
        stream.restore(&place.loader)?;
        let (found, expected) = (place.callbacks.len(), self.callbacks.len());
        if found != expected {
            let (found, expected) = (found.to_string(), expected.to_string());
            return Err(TrainError::Checkpoint { what: "number of callbacks", found, expected });
        }
        for (callback, state) in self.callbacks.iter_mut().zip(&place.callbacks) {
            callback.restore(state)?;
        }
        (self.history, self.now, self.stopped) = (place.history, place.now, stopped);
        Ok(())
    }

    fn begin(&mut self) -> Result<(), TrainError> {
        if !self.now.is_under_way() {
            self.trainer.parts_mut().metrics.reset();
        }
        self.each_callback(|callback, running| callback.on_begin(running))
    }

    fn each_callback(
        &mut self,
        mut call: impl FnMut(&mut dyn Callback, &mut dyn Running) -> Result<(), TrainError>,
    ) -> Result<(), TrainError> {
        for callback in &mut self.callbacks {
            let mut view = View { trainer: &*self.trainer, history: &self.history, stop: false, scalar: PhantomData };
            call(&mut **callback, &mut view)?;
            if view.stop {
                self.stopped.get_or_insert_with(|| callback.name());
            }
        }
        Ok(())
    }

    /// Counts a batch.
    fn count(&mut self, out: &StepOutput<T, R::Metrics>, samples: usize) -> StepRecord {
        let now = &mut self.now;
        now.losses.add(out.loss.to_f64(), out.weight);
        now.samples += samples;
        now.batches += 1;
        now.without_targets += usize::from(out.weight == 0.0);
        now.lr = out.lr;
        StepRecord {
            epoch: self.history.epochs.len() + 1,
            steps: self.steps(),
            loss: out.loss.to_f64(),
            weight: out.weight,
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
            Some((_, Every::Steps(steps))) if out.updated && step.steps.is_multiple_of(steps) => {
                self.now.seconds += self.clock.elapsed().as_secs_f64();
                self.clock = Instant::now();
                self.save(state())
            }
            _ => Ok(()),
        }
    }

    /// The end of an epoch: the last gradients, a look at the weights, validation, the schedule.
    fn end_epoch(
        &mut self,
        validate: impl FnOnce(&mut R) -> Result<Option<Evaluation>, TrainError>,
    ) -> Result<EpochRecord, TrainError> {
        self.trainer.flush()?;
        look::<T, R>(self.trainer)?;
        let learns = self.now.without_targets < self.now.batches;
        if matches!(self.length, Length::Steps(_)) && !learns && !self.ends_here() {
            return Err(TrainError::NothingToLearn { epoch: self.history.epochs.len() + 1 });
        }
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
            batches_without_targets: self.now.without_targets,
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
                ScheduleBy::EpochOn { number, .. } => scheduler.step_on(parts.optimizer, record.watched(number)?),
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
            length: self.length,
            stopped: self.stopped.clone(),
        }
    }
}

/// What callbacks see.
struct View<'a, T: Real, R: Trainer<T>> {
    trainer: &'a R,
    history: &'a History,
    stop: bool,
    scalar: PhantomData<T>,
}

impl<T: Real, R: Trainer<T>> Running for View<'_, T, R> {
    fn stop(&mut self) {
        self.stop = true;
    }
    fn history(&self) -> &History {
        self.history
    }
    fn better(&self, number: &str) -> Result<Better, TrainError> {
        let unknown = || TrainError::Direction { found: number.to_owned() };
        Better::of(number, self.trainer.parts().metrics).ok_or_else(unknown)
    }
    fn save_model(&self, path: &Path) -> Result<(), TrainError> {
        look::<T, R>(self.trainer)?;
        self.trainer.eval_model().save(path)?;
        self.trainer.parts().run.looks.keep(path);
        Ok(())
    }
}
