//! The error of a whole program: any of the errors of this crate, each of which says more where it arises.

use crate::checkpoint::{CheckpointError, StateDictError};
use crate::clip::ClipError;
use crate::data::DataError;
use crate::init::InitError;
use crate::loss::LossError;
use crate::lr_scheduler::SchedulerError;
use crate::metrics::MetricError;
use crate::network::BatchError;
use crate::optim::OptimError;
use crate::train::TrainError;

/// Any error of this crate, for programs that use many of its parts: `fn main() -> Result<(), glulam::Error>`.
///
/// # Example
/// ```
/// use glulam::data::{DataLoader, TensorDataset};
///
/// fn batches() -> Result<usize, glulam::Error> {
///     let dataset = TensorDataset::from_flat(vec![0.0f32; 20], &[2], vec![0i64; 10], &[])?;
///     Ok(DataLoader::builder(dataset).batch_size(4).build()?.len())
/// }
/// assert_eq!(batches()?, 3);
/// # Ok::<(), glulam::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Of training, evaluation and what belongs to a run.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// Of the size of a batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// Of a dataset or its loader.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Of a loss's options or targets.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// Of an optimizer's settings, groups or state.
    #[error(transparent)]
    Optim(#[from] OptimError),
    /// Of a schedule's settings.
    #[error(transparent)]
    Scheduler(#[from] SchedulerError),
    /// Of clipping gradients.
    #[error(transparent)]
    Clip(#[from] ClipError),
    /// Of a metric.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// Of an initialisation.
    #[error(transparent)]
    Init(#[from] InitError),
    /// Of a state dict or its file.
    #[error(transparent)]
    StateDict(#[from] StateDictError),
    /// Of a checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_its_part_says() {
        let error: Error = DataError::Empty.into();
        assert_eq!(error.to_string(), "the dataset has no samples");
        assert!(matches!(error, Error::Data(DataError::Empty)));
    }
}
