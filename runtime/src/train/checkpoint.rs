//! A whole run in one file: network, optimizer, schedule, average, generators, counts, and the place in the data.
//!
//! The file is a safetensors file, so the weights in it can be read by anything that reads those (`model.…`). Everything
//! that is no tensor is JSON in its metadata. Numbers keep every bit, so a run that goes on from its checkpoint ends
//! with the same bits as one that was never interrupted.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fit::Place;
use super::{MetricList, Schedule, TrainError, Trainer};
use crate::checkpoint::{StateDict, StateDictExt, Tensor, Values, safetensors};
use crate::lr_scheduler::SchedulerState;
use crate::optim::{GroupState, Optimizer, OptimizerState, OptimizerStateDict, StateValue};
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

/// The layout of the file. A later one that reads differently has a higher number.
const VERSION: u32 = 1;

/// Where the JSON stands in the metadata.
const KEY: &str = "glulam.run";

#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    trainer: String,
    optimizer: String,
    dtype: String,
    seed: u64,
    draws: u64,
    steps: u64,
    accumulated: usize,
    /// Serialised settings of the groups.
    param_groups: Value,
    /// The numbers of the optimizer's state; its tensors stand beside the weights.
    scalars: BTreeMap<usize, BTreeMap<String, f64>>,
    scheduler: Option<Value>,
    averaged_steps: Option<u64>,
    metrics: Value,
    place: Option<Place>,
}

fn prefixed(dict: &mut StateDict, prefix: &str, tensors: StateDict) {
    for (name, tensor) in tensors {
        dict.insert(format!("{prefix}{name}"), tensor);
    }
}

fn without_prefix(dict: &StateDict, prefix: &str) -> StateDict {
    dict.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?, tensor.clone()))).collect()
}

fn wrong(what: impl Into<String>, problem: impl ToString) -> TrainError {
    TrainError::Checkpoint { what: what.into(), problem: problem.to_string() }
}

fn json<V: Serialize>(what: &str, value: &V) -> Result<Value, TrainError> {
    serde_json::to_value(value).map_err(|error| wrong(what, error))
}

fn from_json<V: DeserializeOwned>(what: &str, value: Value) -> Result<V, TrainError> {
    serde_json::from_value(value).map_err(|error| wrong(what, error))
}

/// Writes all of `trainer` to `path`, whole or not at all.
pub(super) fn save<T: Real, R: Trainer<T>>(trainer: &R, place: Option<Place>, path: &Path) -> Result<(), TrainError> {
    let parts = trainer.parts();
    let mut tensors = StateDict::new();
    prefixed(&mut tensors, "model.", parts.model.state_dict());
    if let Some(averaged) = parts.averaged {
        prefixed(&mut tensors, "averaged.", averaged.model().state_dict());
    }
    if parts.run.accumulated > 0 {
        let gradients = parts.run.gradients.0.to_vec();
        let tensor = Tensor::new(vec![gradients.len()], Values::from_reals(gradients))?;
        tensors.insert("gradients", tensor);
    }
    let optimizer = parts.optimizer.state_dict();
    let mut scalars = BTreeMap::<usize, BTreeMap<String, f64>>::new();
    for (number, entries) in optimizer.state {
        // An entry for each parameter that has state, even if none of it is a number.
        let scalars = scalars.entry(number).or_default();
        for (name, value) in entries {
            match value {
                StateValue::Scalar(x) => drop(scalars.insert(name, x)),
                StateValue::Tensor { shape, values } => {
                    let tensor = Tensor::new(shape, Values::from_reals(values))?;
                    tensors.insert(format!("optimizer.{number}.{name}"), tensor);
                }
            }
        }
    }
    let weights = parts.model.weights();
    let header = Header {
        version: VERSION,
        trainer: R::NAME.into(),
        optimizer: R::Optimizer::NAME.into(),
        dtype: T::DTYPE.into(),
        seed: weights.seed,
        draws: weights.draws,
        steps: parts.run.steps,
        accumulated: parts.run.accumulated,
        param_groups: json("the optimizer's groups", &optimizer.param_groups)?,
        scalars,
        scheduler: parts.scheduler.and_then(Schedule::state).map(SchedulerState::state_dict),
        averaged_steps: parts.averaged.map(super::Averaged::steps),
        metrics: parts.metrics.state(),
        place,
    };
    let text = serde_json::to_string(&header).map_err(|error| wrong("the run", error))?;
    Ok(safetensors::save_with(&tensors, HashMap::from([(KEY.to_owned(), text)]), path)?)
}

/// Takes all of a trainer over from `path`. On an error nothing has changed.
pub(super) fn load<T: Real, R: Trainer<T>>(trainer: &mut R, path: &Path) -> Result<Resumed, TrainError> {
    match path.try_exists() {
        Ok(false) => return Ok(Resumed::NoCheckpoint),
        Ok(true) => {}
        Err(source) => return Err(TrainError::io(path, source)),
    }
    let (mut tensors, mut metadata) = safetensors::load_with(path)?;
    let text = metadata.remove(KEY);
    let text = text.ok_or_else(|| wrong(path.display().to_string(), "weights alone, and no run to go on with"))?;
    let header: Header = serde_json::from_str(&text).map_err(|error| wrong(path.display().to_string(), error))?;
    let same = |what: &str, found: &str, expected: &str| match found == expected {
        true => Ok(()),
        false => Err(wrong(what, format!("found {found}, expected {expected}"))),
    };
    same("layout of the file", &header.version.to_string(), &VERSION.to_string())?;
    same("numbers", &header.dtype, T::DTYPE)?;
    same("optimizer", &header.optimizer, R::Optimizer::NAME)?;

    let parts = trainer.parts_mut();
    let mut model = parts.model.clone();
    model.load_state_dict(&without_prefix(&tensors, "model."))?;
    (model.weights_mut().seed, model.weights_mut().draws) = (header.seed, header.draws);

    let mut averaged = parts.averaged.as_deref().cloned();
    match (&mut averaged, header.averaged_steps) {
        (Some(averaged), Some(count)) => {
            let (model, steps) = averaged.restore();
            model.load_state_dict(&without_prefix(&tensors, "averaged."))?;
            *steps = count;
        }
        (None, None) => {}
        (Some(_), None) => return Err(wrong("moving average", "the checkpoint has none")),
        (None, Some(_)) => return Err(wrong("moving average", "the trainer has none")),
    }

    let mut gradients = None;
    if header.accumulated > 0 {
        let saved = tensors.remove("gradients").map(|tensor| tensor.to_reals::<T>()).unwrap_or_default();
        let (found, expected) = (saved.len(), parts.run.gradients.0.len());
        if found != expected {
            return Err(wrong("gradients", format!("found {found} numbers, expected {expected}")));
        }
        gradients = Some(saved);
    }

    let mut optimizer = parts.optimizer.clone();
    let mut scheduler = parts.scheduler.as_deref().cloned();
    // A schedule that waits for the length of the run has it in its saved state.
    if let (Some(scheduler), Some(_)) = (&mut scheduler, &header.scheduler) {
        scheduler.begin(Some(1), &mut optimizer)?;
    }
    let mut state = BTreeMap::<usize, BTreeMap<String, StateValue<T>>>::new();
    for (number, scalars) in header.scalars {
        let mut entries: BTreeMap<_, _> = scalars.into_iter().map(|(name, x)| (name, StateValue::Scalar(x))).collect();
        for (name, tensor) in without_prefix(&tensors, &format!("optimizer.{number}.")) {
            let (shape, values) = (tensor.shape().to_vec(), tensor.to_reals());
            entries.insert(name, StateValue::Tensor { shape, values });
        }
        state.insert(number, entries);
    }
    let param_groups: Vec<GroupState<R::Optimizer>> = from_json("the optimizer's groups", header.param_groups)?;
    optimizer.load_state_dict(&OptimizerStateDict { state, param_groups })?;
    match (&mut scheduler, &header.scheduler) {
        (Some(Schedule::Running(state)), Some(saved)) => state.load_state_dict(saved)?,
        (None, Some(_)) => return Err(wrong("schedule", "the trainer has none")),
        // Saved before the first step: it begins as it would have begun.
        _ => {}
    }
    let mut metrics = parts.metrics.clone();
    metrics.restore(&header.metrics)?;

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
    if let Some(saved) = gradients {
        parts.run.gradients.0.copy_from_slice(&saved);
    }
    parts.run.accumulated = header.accumulated;
    parts.run.steps = header.steps;
    let epochs = header.place.as_ref().map_or(0, |place| place.history.epochs.len());
    parts.run.place = header.place;
    Ok(Resumed::At { epochs, steps: header.steps })
}
