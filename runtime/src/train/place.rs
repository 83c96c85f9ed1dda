//! Where a run is: what a checkpoint keeps of it beside the trainer itself.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::History;
use super::fit::Length;
use crate::data::LoaderState;
use crate::metrics::Mean;

/// Where a run is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Place {
    /// The epochs that are over.
    pub(super) history: History,
    /// Steps of the optimizer before the run, and up to here.
    pub(super) steps_before: u64,
    pub(super) steps_after: u64,
    /// The epoch under way.
    pub(super) now: Now,
    /// The place in the data.
    pub(super) loader: LoaderState,
    /// What the callbacks remember, in their order.
    pub(super) callbacks: Vec<Value>,
    /// The length that the run was to have.
    pub(super) length: Length,
    /// The callback that has ended the run.
    pub(super) stopped: Option<String>,
}

impl Place {
    /// The number of epochs that are over.
    pub(super) fn epochs(&self) -> usize {
        self.history.epochs.len()
    }
}

/// The numbers of the epoch under way.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Now {
    /// The losses of its batches, each with the weight of what it was divided by.
    pub(super) losses: Mean,
    pub(super) samples: usize,
    pub(super) batches: usize,
    /// Those of which no target counts.
    pub(super) without_targets: usize,
    pub(super) lr: f64,
    pub(super) seconds: f64,
}

impl Now {
    /// Whether batches of it have been trained.
    pub(super) fn is_under_way(&self) -> bool {
        self.batches > 0
    }
}
