//! Keeping the best weights.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Better, Callback, Running, foreign, which_is_better};
use crate::checkpoint::{StateDictError, check_writable};
use crate::train::{EpochRecord, TrainError};

/// Writes the network's weights to a safetensors file after each epoch in which a number is the best so far: a loss the
/// lowest, a metric as its [`larger_is_better`](crate::metrics::Metric::larger_is_better) says.
///
/// # Example
/// ```
/// use glulam::train::BestCheckpoint;
/// let best = BestCheckpoint::new("best.safetensors", "val_accuracy");
/// # assert_eq!(best.best(), None);
/// ```
///
/// # References
/// Keras's `ModelCheckpoint(save_best_only=True, save_weights_only=True)`.
#[derive(Clone, Debug, PartialEq)]
pub struct BestCheckpoint {
    path: PathBuf,
    monitor: String,
    /// `None`: as the number itself says.
    better: Option<Better>,
    best: Option<f64>,
}

impl BestCheckpoint {
    /// Watches `monitor` (see [`EpochRecord::get`]), and replaces the file `path`.
    pub fn new(path: impl Into<PathBuf>, monitor: impl Into<String>) -> Self {
        BestCheckpoint { path: path.into(), monitor: monitor.into(), better: None, best: None }
    }

    /// Which values are better. Those of a loss or a metric say so themselves ([`Running::better`]); of any other number
    /// (`lr`, `seconds`) it has to be said.
    pub fn better(mut self, better: Better) -> Self {
        self.better = Some(better);
        self
    }

    /// The number of the weights in the file.
    pub fn best(&self) -> Option<f64> {
        self.best
    }
}

impl Callback for BestCheckpoint {
    fn on_begin(&mut self, run: &mut dyn Running) -> Result<(), TrainError> {
        which_is_better(self.better, &self.monitor, run)?;
        // Found out now rather than after an epoch.
        Ok(check_writable(&self.path).map_err(|source| StateDictError::io(&self.path, source))?)
    }

    fn on_epoch(&mut self, epoch: &EpochRecord, run: &mut dyn Running) -> Result<(), TrainError> {
        let (value, better) = (epoch.watched(&self.monitor)?, which_is_better(self.better, &self.monitor, run)?);
        if better.than(value, self.best, 0.0) {
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
