//! Stopping when nothing gets better any more.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Better, Callback, Running, foreign, which_is_better};
use crate::train::{EpochRecord, TrainError};

/// Stops the run when a number has not got better for `patience` epochs in a row: a loss by falling, a metric as its
/// [`larger_is_better`](crate::metrics::Metric::larger_is_better) says.
///
/// The weights stay those of the last epoch; [`BestCheckpoint`](super::BestCheckpoint) keeps the best ones.
///
/// # Example
/// ```
/// use glulam::train::EarlyStopping;
/// let on_loss = EarlyStopping::new("val_loss", 3);
/// let on_accuracy = EarlyStopping::new("val_accuracy", 5).min_delta(0.001);
/// # assert_ne!(on_loss, on_accuracy);
/// ```
///
/// # References
/// Keras's `EarlyStopping`, with its names. Keras's `mode="auto"` too goes by the metric; Lightning's default is `min` for any.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlyStopping {
    monitor: String,
    /// `None`: as the number itself says.
    better: Option<Better>,
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
    /// Watches `monitor` (see [`EpochRecord::get`]). The run ends with the epoch number `patience` in a row that is no better.
    pub fn new(monitor: impl Into<String>, patience: usize) -> Self {
        let (better, min_delta) = (None, 0.0);
        EarlyStopping { monitor: monitor.into(), better, patience, min_delta, progress: Progress::default() }
    }

    /// Which values are better. Those of a loss or a metric say so themselves ([`Running::better`]); of any other number
    /// (`lr`, `seconds`) it has to be said.
    pub fn better(mut self, better: Better) -> Self {
        self.better = Some(better);
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
    fn on_begin(&mut self, run: &mut dyn Running) -> Result<(), TrainError> {
        which_is_better(self.better, &self.monitor, run).map(|_| ())
    }

    fn on_epoch(&mut self, epoch: &EpochRecord, run: &mut dyn Running) -> Result<(), TrainError> {
        let (value, better) = (epoch.watched(&self.monitor)?, which_is_better(self.better, &self.monitor, run)?);
        if better.than(value, self.progress.best, self.min_delta) {
            self.progress = Progress { best: Some(value), waited: 0 };
        } else {
            self.progress.waited += 1;
            if self.progress.waited >= self.patience {
                // A run that goes on all the same is given as much patience again.
                self.progress.waited = 0;
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
