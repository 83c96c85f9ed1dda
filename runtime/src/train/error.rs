//! What can stop a step or a run.

use std::io;
use std::path::{Path, PathBuf};

use crate::checkpoint::{CheckpointError, StateDictError};
use crate::clip::ClipError;
use crate::data::DataError;
use crate::loss::LossError;
use crate::lr_scheduler::SchedulerError;
use crate::metrics::MetricError;
use crate::network::BatchError;
use crate::optim::OptimError;

/// What can stop a training step or a whole run.
///
/// After an error in a step nothing has changed: no parameter, no running statistic, no state of the optimizer or the
/// schedule. A batch of which no target counts is no error, and changes nothing either. Gradients that were being accumulated
/// are dropped if a gradient, their norm or a running statistic is not finite, and a metric that does not take the targets
/// says so after the step. Where each parameter moves in the backward pass, a gradient or statistic that is not finite is
/// found out when parameters have moved: [`NonFiniteGradient`](Self::NonFiniteGradient) and
/// [`NonFiniteStatistic`](Self::NonFiniteStatistic) say so.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message says what the fields are")]
pub enum TrainError {
    /// A batch without samples, or with too few for a batch norm.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A batch larger than the workspace.
    #[error(
        "a batch of {found} samples in a trainer with room for {capacity}: set `.capacity({found})` on its builder"
    )]
    BatchTooLarge { found: usize, capacity: usize },
    /// Samples with another number of scalars than the network takes.
    #[error("inputs of shape {found:?}, expected {expected:?}")]
    InputShape { found: Vec<usize>, expected: Vec<usize> },
    /// The loss of a step is NaN or infinite.
    #[error("the loss of step {step} is {loss}; nothing has been changed by it")]
    NonFiniteLoss { step: u64, loss: f64 },
    /// A gradient of a step is NaN or infinite, though its loss is finite: `parameter` is the first in the table of those
    /// concerned. `moved`: parameters have moved in the backward pass, so that there are spoilt weights.
    #[error("the gradient of {parameter} in step {step} is not finite, though the loss is; {}", what_moved(*.moved))]
    NonFiniteGradient { step: u64, parameter: &'static str, moved: bool },
    /// A running statistic becomes NaN or infinite in a step whose loss and gradients are finite, as the variance of values
    /// beyond 1e19 does in f32: `name` is the first in the state dict of those concerned. It is taken back. `moved`: as above.
    #[error("{name} would not be finite after step {step}, though its loss is: its values are too large; {}", what_moved(*.moved))]
    NonFiniteStatistic { step: u64, name: &'static str, moved: bool },
    /// The norm of the gradients of a step is infinite, where they were to be clipped by it, though they are finite.
    #[error("the norm of the gradients of step {step} is {norm}; no parameter has been changed by it")]
    NonFiniteNorm { step: u64, norm: f64 },
    /// A parameter or running statistic is NaN or infinite, `name` being the first of them in the state dict. All were
    /// finite `steps` steps before, when they were last looked at; `file` has weights from before and was left alone.
    #[error(
        "{name}{} is not finite, after {} since the weights were last looked at; {}",
        if *.averaged { " of the average" } else { "" }, counted(*.steps), where_from(.file)
    )]
    NonFiniteWeights { name: &'static str, averaged: bool, steps: u64, file: Option<PathBuf> },
    /// A number in `train!` or on a builder that is not allowed.
    #[error("{name} = {found}, expected {expected}")]
    Setting { name: &'static str, found: String, expected: String },
    /// No target counts in a whole epoch of a run that goes by its steps.
    #[error(
        "no target of epoch {epoch} counts, as each is `ignore_index` or of a class with weight 0: a run of so many steps \
         would never end"
    )]
    NothingToLearn { epoch: usize },
    /// A longer run was to go on from the checkpoint of one that a callback has ended.
    #[error(
        "the run was ended by {by} after epoch {epoch}, and does not go on for being given another length: say `.go_on()` \
         on its `Fit` to train on from there"
    )]
    Stopped { by: String, epoch: usize },
    /// A callback watches a number of which nobody knows whether it should rise or fall.
    #[error(
        "which values of {found:?} are better? say `.better(Better::Lower)` or `.better(Better::Higher)` on what watches it"
    )]
    Direction { found: String },
    /// A schedule takes those values of a metric for better that are worse.
    #[error(
        "{scheduler} takes {mode} values of {found:?} for better, as `mode` is not given, but {better} ones are: write \
         `{scheduler}(mode = PlateauMode::{fix}) on {found}`"
    )]
    Mode { scheduler: &'static str, found: &'static str, mode: &'static str, better: &'static str, fix: &'static str },
    /// A schedule or callback watches a number that a run does not have.
    #[error("no number of an epoch is called {found:?}; there are {known}")]
    UnknownMetric { found: String, known: String },
    /// Targets, or options of the loss.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// Options or groups of the optimizer.
    #[error(transparent)]
    Optimizer(#[from] OptimError),
    /// Options of the schedule.
    #[error(transparent)]
    Scheduler(#[from] SchedulerError),
    /// A limit of the gradients that is not allowed.
    #[error(transparent)]
    Clip(#[from] ClipError),
    /// The data could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Weights that do not fit, or their file.
    #[error(transparent)]
    StateDict(#[from] StateDictError),
    /// A metric does not take the targets. The parameters have moved all the same.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// A checkpoint that cannot be read or written.
    #[error(transparent)]
    CheckpointFile(#[from] CheckpointError),
    /// A checkpoint of another kind of trainer or run.
    #[error("the checkpoint does not fit: {what}: found {found}, expected {expected}")]
    Checkpoint { what: &'static str, found: String, expected: String },
    /// A file that a run writes.
    #[error("{path}: {source}")]
    Io { path: String, source: io::Error },
    /// An error of a callback of your own.
    #[error("{0}")]
    Callback(Box<dyn std::error::Error + Send + Sync>),
}

fn what_moved(moved: bool) -> &'static str {
    if moved {
        "parameters have moved by it already: go on from weights from before (with `.fused(false)` on the builder none \
         moves)"
    } else {
        "no parameter has been changed by it"
    }
}

fn counted(steps: u64) -> String {
    if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") }
}

fn where_from(file: &Option<PathBuf>) -> String {
    match file {
        Some(file) => format!("{} holds those from before", file.display()),
        None => "no file holds those from before".to_owned(),
    }
}

impl TrainError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        TrainError::Io { path: path.display().to_string(), source }
    }
}
