//! What a run does beside training: at the end of a step or an epoch, `fit` calls its callbacks in their order.

mod best_checkpoint;
#[cfg(feature = "csv")]
mod csv_log;
mod early_stopping;

use std::path::Path;

use serde_json::Value;

pub use best_checkpoint::BestCheckpoint;
#[cfg(feature = "csv")]
pub use csv_log::CsvLog;
pub use early_stopping::EarlyStopping;

use super::{EpochRecord, MetricList, TrainError};

/// Something to be done in the course of a run. Every method does nothing unless it is written.
///
/// # Example
/// ```
/// use glulam::train::{Callback, EpochRecord, Running, TrainError};
///
/// /// Stops as soon as the training loss is low enough.
/// struct GoodEnough(f64);
///
/// impl Callback for GoodEnough {
///     fn on_epoch(&mut self, epoch: &EpochRecord, run: &mut dyn Running) -> Result<(), TrainError> {
///         if epoch.train_loss < self.0 {
///             run.stop();
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait Callback {
    /// Before the first step of a run, or of what is left of it after a resume.
    ///
    /// # Errors
    /// Whatever makes the run impossible: the run ends with it, as with the errors of the other methods.
    fn on_begin(&mut self, _run: &mut dyn Running) -> Result<(), TrainError> {
        Ok(())
    }

    /// After a batch.
    ///
    /// # Errors
    /// See [`on_begin`](Self::on_begin).
    fn on_step(&mut self, _step: &StepRecord, _run: &mut dyn Running) -> Result<(), TrainError> {
        Ok(())
    }

    /// After an epoch and its validation.
    ///
    /// # Errors
    /// See [`on_begin`](Self::on_begin).
    fn on_epoch(&mut self, _epoch: &EpochRecord, _run: &mut dyn Running) -> Result<(), TrainError> {
        Ok(())
    }

    /// Its name, for a run that tells who has ended it: that of its type, unless it says another.
    fn name(&self) -> String {
        let path = std::any::type_name::<Self>();
        let path = path.split('<').next().unwrap_or(path);
        path.rsplit("::").next().unwrap_or(path).to_owned()
    }

    /// The names of the numbers that it watches: a run that does not have them is refused at its beginning.
    fn watches(&self) -> Vec<String> {
        Vec::new()
    }

    /// What it remembers, for a checkpoint.
    fn state(&self) -> Value {
        Value::Null
    }

    /// Takes over what [`state`](Self::state) gave, when a run is resumed.
    ///
    /// # Errors
    /// A state of something else.
    fn restore(&mut self, _state: &Value) -> Result<(), TrainError> {
        Ok(())
    }
}

/// A batch that has been trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepRecord {
    /// The number of the epoch, from 1.
    pub epoch: usize,
    /// Steps of the optimizer so far.
    pub steps: u64,
    /// The loss of the batch; NaN if no target counts, and nothing has moved.
    pub loss: f64,
    /// What the loss was divided by, and so what the batch weighs in the epoch's loss.
    pub weight: f64,
    /// The learning rate of the step.
    pub lr: f64,
    /// The norm of the gradients, if they are clipped by it.
    pub grad_norm: Option<f64>,
    /// The number of samples in the batch.
    pub samples: usize,
}

/// The run, as a callback sees it.
pub trait Running {
    /// Ends the run after this epoch (from [`Callback::on_step`]: after this batch).
    fn stop(&mut self);
    /// The epochs so far. The one at hand is not among them.
    fn history(&self) -> &super::History;
    /// Which values of a number of an epoch are better: of a loss the lower ones, of a metric what it says of itself.
    ///
    /// # Errors
    /// A number that is neither: whoever watches it has to be told.
    fn better(&self, number: &str) -> Result<Better, TrainError>;
    /// Writes the network's weights to a safetensors file (those of the moving average, if there is one).
    ///
    /// # Errors
    /// Weights that are not finite: then the file is left alone. What the file system reports.
    fn save_model(&self, path: &Path) -> Result<(), TrainError>;
}

/// Which numbers are better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Better {
    /// The lower ones: losses.
    #[default]
    Lower,
    /// The higher ones: accuracies.
    Higher,
}

impl Better {
    /// Which values of a number of an epoch are better, if it is a loss or one of `metrics`.
    pub(crate) fn of(number: &str, metrics: &impl MetricList) -> Option<Better> {
        let name = number.strip_prefix("train_").or_else(|| number.strip_prefix("val_"))?;
        match metrics.larger_is_better(name) {
            Some(true) => Some(Better::Higher),
            Some(false) => Some(Better::Lower),
            None => (name == "loss").then_some(Better::Lower),
        }
    }

    /// Whether `value` is better than `best` by more than `min_delta`. NaN never is.
    pub(crate) fn than(self, value: f64, best: Option<f64>, min_delta: f64) -> bool {
        match (self, best) {
            (_, None) => !value.is_nan(),
            (Better::Lower, Some(best)) => value < best - min_delta,
            (Better::Higher, Some(best)) => value > best + min_delta,
        }
    }
}

/// What was said of the values of a number, or what it says itself.
fn which_is_better(said: Option<Better>, number: &str, run: &dyn Running) -> Result<Better, TrainError> {
    said.map_or_else(|| run.better(number), Ok)
}

/// The error of a state that belongs to another callback.
pub(crate) fn foreign(name: &str, error: &serde_json::Error) -> TrainError {
    TrainError::Checkpoint {
        what: "state of a callback",
        found: error.to_string(),
        expected: format!("that of {name}"),
    }
}
