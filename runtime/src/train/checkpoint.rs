//! A whole run in one file: network, optimizer, schedule, average, metrics, counts, and the place in the data.
//!
//! A run that goes on from its checkpoint ends with the same bits as one that was never interrupted.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::look::look;
use super::place::Place;
use super::{Schedule, TrainError, Trainer};
use crate::checkpoint::Checkpoint;
use crate::data::LoaderState;
use crate::lr_scheduler::SchedulerState;
use crate::optim::{Optimizer, OptimizerState, OptimizerStateDict};
use crate::swa_utils::AveragedModel;
use crate::{Network, Real};

/// What [`Trainer::resume`] has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a run that was to be resumed may have no checkpoint yet"]
pub enum Resumed {
    /// A checkpoint, from which the trainer goes on.
    At {
        /// The epochs of `fit` that are over.
        epochs: usize,
        /// The steps of the optimizer so far.
        steps: u64,
    },
    /// There is no such file: the trainer is as it was.
    NoCheckpoint,
}

/// The section `run`: counts, and what must be the same in the trainer that goes on.
#[derive(Debug, Serialize, Deserialize)]
struct Run {
    network: String,
    optimizer: String,
    numbers: String,
    schedule: bool,
    averaged: Option<u64>,
    steps: u64,
    accumulated: usize,
    share: usize,
    data_epoch: u64,
}

impl Run {
    fn of<T: Real, R: Trainer<T>>(trainer: &R) -> Self {
        let parts = trainer.parts();
        Run {
            network: R::Model::NAME.into(),
            optimizer: R::Optimizer::NAME.into(),
            numbers: T::DTYPE.into(),
            schedule: parts.scheduler.is_some(),
            averaged: parts.averaged.map(AveragedModel::n_averaged),
            steps: parts.run.steps,
            accumulated: parts.run.accumulated,
            // Of no sum, it says nothing.
            share: if parts.run.accumulated > 0 { parts.run.share } else { 1 },
            data_epoch: parts.run.data_epoch,
        }
    }

    /// Whether a trainer like `other` can go on from here.
    fn check(&self, other: &Run) -> Result<(), TrainError> {
        let same = |what: &'static str, found: &dyn ToString, expected: &dyn ToString| {
            let (found, expected) = (found.to_string(), expected.to_string());
            if found == expected { Ok(()) } else { Err(TrainError::Checkpoint { what, found, expected }) }
        };
        let presence = |there: bool| if there { "one" } else { "none" };
        same("network", &self.network, &other.network)?;
        same("optimizer", &self.optimizer, &other.optimizer)?;
        same("numbers", &self.numbers, &other.numbers)?;
        same("schedule", &presence(self.schedule), &presence(other.schedule))?;
        let averages = (self.averaged.is_some(), other.averaged.is_some());
        same("moving average", &presence(averages.0), &presence(averages.1))
    }
}

/// Writes all of `trainer` to `path`, whole or not at all, unless its weights are not finite. The place in the data is that of the `fit` under way, or of the
/// last one if there has been no step since; `loader` is that of a hand-written loop.
pub(super) fn save<T: Real, R: Trainer<T>>(
    trainer: &R,
    place: Option<&Place>,
    loader: Option<LoaderState>,
    path: &Path,
) -> Result<(), TrainError> {
    look::<T, R>(trainer)?;
    let parts = trainer.parts();
    let ended = parts.run.ended.as_ref().filter(|ended| ended.steps_after == parts.run.steps);
    let place = place.or(ended);
    let mut file = Checkpoint::new();
    file.put("run", &Run::of(trainer))?;
    file.put_model("model", parts.model)?;
    file.put("optimizer", &parts.optimizer.state_dict())?;
    file.put("metrics", parts.metrics)?;
    file.put("place", &place)?;
    file.put("loader", &loader)?;
    let state = parts.scheduler.and_then(Schedule::state).map(SchedulerState::state_dict);
    file.put("schedule", &state)?;
    file.put("length", &parts.scheduler.and_then(Schedule::length))?;
    if let Some(averaged) = parts.averaged {
        file.put_model("average", averaged.module())?;
    }
    if parts.run.accumulated > 0 {
        file.put("gradients", &parts.run.gradients.0[..])?;
    }
    file.save(path)?;
    parts.run.looks.keep(path);
    Ok(())
}

/// Takes all of a trainer over from `path`, and hands the place of the loader of a hand-written loop, if there is one, to
/// `restore`. On an error nothing has changed.
pub(super) fn load<T: Real, R: Trainer<T>>(
    trainer: &mut R,
    path: &Path,
    restore: impl FnOnce(Option<LoaderState>) -> Result<(), TrainError>,
) -> Result<Resumed, TrainError> {
    if !path.try_exists().map_err(|source| TrainError::io(path, source))? {
        return Ok(Resumed::NoCheckpoint);
    }
    let file = Checkpoint::load(path)?;
    let run: Run = file.get("run")?;
    run.check(&Run::of(trainer))?;

    // Copies, which take the trainer's place once all of them are complete.
    let parts = trainer.parts_mut();
    let mut model = parts.model.clone();
    file.load_model("model", &mut model)?;
    let mut averaged = parts.averaged.as_deref().cloned();
    if let (Some(averaged), Some(count)) = (&mut averaged, run.averaged) {
        file.load_model("average", averaged.module_mut())?;
        averaged.set_n_averaged(count);
    }
    let mut gradients = parts.run.gradients.clone();
    if run.accumulated > 0 && R::settings().accumulate.is_none() {
        let (found, expected) = (format!("those of {}", run.accumulated), "none without `accumulate`".to_owned());
        return Err(TrainError::Checkpoint { what: "batches whose gradients wait", found, expected });
    }
    if run.accumulated > 0 {
        let saved: Vec<T> = file.get("gradients")?;
        let (found, expected) = (saved.len().to_string(), gradients.0.len().to_string());
        if found != expected {
            return Err(TrainError::Checkpoint { what: "number of gradients", found, expected });
        }
        gradients.0.copy_from_slice(&saved);
    }

    let mut optimizer = parts.optimizer.clone();
    let mut scheduler = parts.scheduler.as_deref().cloned();
    let schedule: Option<Value> = file.get("schedule")?;
    let told = scheduler.as_ref().and_then(Schedule::told);
    if let (Some(scheduler), Some(saved)) = (&mut scheduler, &schedule) {
        scheduler.restore(saved, file.get("length")?, &mut optimizer)?;
    }
    // After the schedule, which sets the groups' rates when it is attached.
    let state: OptimizerStateDict<R::Optimizer, T> = file.get("optimizer")?;
    optimizer.load_state_dict(&state)?;
    if let Some(scheduler) = &mut scheduler {
        scheduler.keep_length(told, &mut optimizer)?;
    }
    let metrics: R::Metrics = file.get("metrics")?;
    let place: Option<Place> = file.get("place")?;
    if let Some(place) = place.as_ref().filter(|place| place.steps_before > run.steps) {
        let (found, expected) = (place.steps_before.to_string(), format!("at most {}, its steps in all", run.steps));
        return Err(TrainError::Checkpoint { what: "number of steps before the run", found, expected });
    }
    restore(file.get("loader")?)?;

    // From here on nothing can fail.
    *parts.model = model;
    *parts.optimizer = optimizer;
    *parts.metrics = metrics;
    if let (Some(place), Some(scheduler)) = (parts.scheduler, scheduler) {
        *place = scheduler;
    }
    if let (Some(place), Some(averaged)) = (parts.averaged, averaged) {
        *place = averaged;
    }
    parts.run.gradients = gradients;
    (parts.run.accumulated, parts.run.share, parts.run.steps) = (run.accumulated, run.share, run.steps);
    parts.run.data_epoch = run.data_epoch;
    let epochs = place.as_ref().map_or(0, Place::epochs);
    parts.run.resumed = place;
    parts.run.looks.begin(run.steps);
    // A file that was written by other means may hold anything.
    if look::<T, R>(trainer).is_ok() {
        trainer.parts().run.looks.keep(path);
    }
    Ok(Resumed::At { epochs, steps: run.steps })
}
