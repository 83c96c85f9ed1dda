//! What a run has reached, epoch by epoch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The epochs of a run, those before a resume included.
///
/// # Example
/// ```
/// use glulam::train::{EpochRecord, History};
/// let epoch = EpochRecord { epoch: 1, val_loss: Some(0.5), ..EpochRecord::default() };
/// let history = History { epochs: vec![epoch] };
/// assert_eq!(history.last().and_then(|epoch| epoch.get("val_loss")), Some(0.5));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// One for each epoch, in their order.
    pub epochs: Vec<EpochRecord>,
}

impl History {
    /// The last epoch.
    pub fn last(&self) -> Option<&EpochRecord> {
        self.epochs.last()
    }

    /// A number of all epochs, by name (see [`EpochRecord::get`]): NaN where an epoch does not have it.
    pub fn column(&self, name: &str) -> Vec<f64> {
        self.epochs.iter().map(|epoch| epoch.get(name).unwrap_or(f64::NAN)).collect()
    }
}

/// What one epoch has reached.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The number of the epoch, from 1.
    pub epoch: usize,
    /// The steps of the optimizer from the beginning of the run to the end of this epoch.
    pub steps: u64,
    /// The learning rate of the epoch's last step (of the first parameter group).
    pub lr: f64,
    /// The loss over the epoch's batches, each in the step that it was trained in: their mean, each with the weight of what
    /// it was divided by (its elements, or the weights of its targets), or their sum if that is the loss's reduction. So with
    /// a rate of 0 it is what an evaluation gives, however the batches are cut. NaN if no target counts.
    #[serde(with = "crate::nan_as_null")]
    pub train_loss: f64,
    /// Batches of which no target counts, because each is `ignore_index` or of a class with weight 0. They have moved
    /// nothing, and are left out of the loss.
    #[serde(default)]
    pub batches_without_targets: usize,
    /// The metrics over the same outputs.
    #[serde(with = "crate::nan_as_null::of_each")]
    pub train_metrics: BTreeMap<String, f64>,
    /// The loss over the validation data after the epoch.
    pub val_loss: Option<f64>,
    /// The metrics over the validation data.
    #[serde(with = "crate::nan_as_null::of_each")]
    pub val_metrics: BTreeMap<String, f64>,
    /// How long the training took, in seconds, validation not included.
    pub seconds: f64,
    /// Samples trained in a second.
    pub samples_per_second: f64,
}

impl EpochRecord {
    /// A number by its name: `train_loss`, `val_loss`, `lr`, `seconds`, `samples_per_second`, `train_accuracy`,
    /// `val_accuracy`, and so on for each metric.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.columns().find(|(column, _)| column == name).map(|(_, value)| value)
    }

    /// All numbers with their names, in the order of a log's columns.
    pub fn columns(&self) -> impl Iterator<Item = (String, f64)> {
        let metrics = |prefix, metrics: &BTreeMap<String, f64>| -> Vec<(String, f64)> {
            metrics.iter().map(|(name, &value)| (format!("{prefix}_{name}"), value)).collect()
        };
        // One list: a chain of iterators would be compiled wherever it is gone through.
        let mut columns = vec![("lr".to_owned(), self.lr), ("train_loss".to_owned(), self.train_loss)];
        columns.extend(metrics("train", &self.train_metrics));
        columns.extend(self.val_loss.map(|loss| ("val_loss".to_owned(), loss)));
        columns.extend(metrics("val", &self.val_metrics));
        columns.push(("seconds".to_owned(), self.seconds));
        columns.push(("samples_per_second".to_owned(), self.samples_per_second));
        columns.into_iter()
    }

    /// The number that a schedule or callback watches.
    ///
    /// # Errors
    /// If the epoch has none of that name, with the names that it has.
    pub(crate) fn watched(&self, name: &str) -> Result<f64, super::TrainError> {
        self.get(name).ok_or_else(|| super::TrainError::UnknownMetric {
            found: name.to_owned(),
            known: self.columns().map(|(name, _)| name).collect::<Vec<_>>().join(", "),
        })
    }
}
