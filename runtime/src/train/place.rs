//! Where a run is: what a checkpoint keeps of it beside the trainer itself.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::History;
use crate::data::LoaderState;

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
    /// A callback has ended the run.
    pub(super) stopped: bool,
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
    pub(super) loss_sum: f64,
    pub(super) samples: usize,
    pub(super) batches: usize,
    pub(super) lr: f64,
    pub(super) seconds: f64,
}

impl Now {
    /// Whether batches of it have been trained.
    pub(super) fn is_under_way(&self) -> bool {
        self.batches > 0
    }
}
