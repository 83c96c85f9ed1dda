//! Keeping the best weights.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Better, Callback, Running, foreign};
use crate::checkpoint::{StateDictError, check_writable};
use crate::train::{EpochRecord, TrainError};

/// Writes the network's weights to a safetensors file after each epoch in which a number is the best so far.
///
/// # Example
/// ```
/// use glulam::train::{BestCheckpoint, Better};
/// let best = BestCheckpoint::new("best.safetensors", "val_accuracy").better(Better::Higher);
/// # assert_eq!(best.best(), None);
/// ```
///
/// # References
/// Keras's `ModelCheckpoint(save_best_only=True, save_weights_only=True)`.
#[derive(Clone, Debug, PartialEq)]
pub struct BestCheckpoint {
    path: PathBuf,
    monitor: String,
    better: Better,
    best: Option<f64>,
}

impl BestCheckpoint {
    /// Watches `monitor` (see [`EpochRecord::get`]), of which lower numbers are better, and replaces the file `path`.
    pub fn new(path: impl Into<PathBuf>, monitor: impl Into<String>) -> Self {
        BestCheckpoint { path: path.into(), monitor: monitor.into(), better: Better::Lower, best: None }
    }

    /// Which numbers are better.
    pub fn better(mut self, better: Better) -> Self {
        self.better = better;
        self
    }

    /// The number of the weights in the file.
    pub fn best(&self) -> Option<f64> {
        self.best
    }
}

impl Callback for BestCheckpoint {
    fn on_begin(&mut self, _run: &mut dyn Running) -> Result<(), TrainError> {
        // Found out now rather than after an epoch.
        Ok(check_writable(&self.path).map_err(|source| StateDictError::io(&self.path, source))?)
    }

    fn on_epoch(&mut self, epoch: &EpochRecord, run: &mut dyn Running) -> Result<(), TrainError> {
        let value = epoch.watched(&self.monitor)?;
        if self.better.than(value, self.best, 0.0) {
            run.save_model(&self.path)?;
            self.best = Some(value);
        }
        Ok(())
    }

    fn watches(&self) -> Vec<String> {
        vec![self.monitor.clone()]
    }

    fn state(&self) -> Value {
        json!(self.best)
    }

    fn restore(&mut self, state: &Value) -> Result<(), TrainError> {
        self.best = Option::deserialize(state).map_err(|error| foreign("BestCheckpoint", &error))?;
        Ok(())
    }
}
