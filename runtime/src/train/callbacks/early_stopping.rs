//! Stopping when nothing gets better any more.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Better, Callback, Running, foreign};
use crate::train::{EpochRecord, TrainError};

/// Stops the run when a number has not got better for `patience` epochs in a row.
///
/// The weights stay those of the last epoch; [`BestCheckpoint`](super::BestCheckpoint) keeps the best ones.
///
/// # Example
/// ```
/// use glulam::train::{Better, EarlyStopping};
/// let on_loss = EarlyStopping::new("val_loss", 3);
/// let on_accuracy = EarlyStopping::new("val_accuracy", 5).better(Better::Higher).min_delta(0.001);
/// # assert_ne!(on_loss, on_accuracy);
/// ```
///
/// # References
/// Keras's `EarlyStopping`, with its names.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlyStopping {
    monitor: String,
    better: Better,
    patience: usize,
    min_delta: f64,
    progress: Progress,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Progress {
    best: Option<f64>,
    waited: usize,
}

impl EarlyStopping {
    /// Watches `monitor` (see [`EpochRecord::get`]), of which lower numbers are better. The run ends with the epoch number
    /// `patience` in a row that is no better.
    pub fn new(monitor: impl Into<String>, patience: usize) -> Self {
        let (better, min_delta) = (Better::Lower, 0.0);
        EarlyStopping { monitor: monitor.into(), better, patience, min_delta, progress: Progress::default() }
    }

    /// Which numbers are better.
    pub fn better(mut self, better: Better) -> Self {
        self.better = better;
        self
    }

    /// By how much a number must be better than the best so far, to count: 0 by default.
    pub fn min_delta(mut self, min_delta: f64) -> Self {
        self.min_delta = min_delta;
        self
    }

    /// The best number so far.
    pub fn best(&self) -> Option<f64> {
        self.progress.best
    }
}

impl Callback for EarlyStopping {
    fn on_epoch(&mut self, epoch: &EpochRecord, run: &mut dyn Running) -> Result<(), TrainError> {
        let value = epoch.watched(&self.monitor)?;
        if self.better.than(value, self.progress.best, self.min_delta) {
            self.progress = Progress { best: Some(value), waited: 0 };
        } else {
            self.progress.waited += 1;
            if self.progress.waited >= self.patience {
                run.stop();
            }
        }
        Ok(())
    }

    fn watches(&self) -> Vec<String> {
        vec![self.monitor.clone()]
    }

    fn state(&self) -> Value {
        json!(self.progress)
    }

    fn restore(&mut self, state: &Value) -> Result<(), TrainError> {
        self.progress = Progress::deserialize(state).map_err(|error| foreign("EarlyStopping", &error))?;
        Ok(())
    }
}
