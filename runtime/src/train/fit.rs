//! How a run goes: its length, its callbacks, its checkpoints, what it prints.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::TrainError;
use super::callbacks::Callback;
use super::progress::Progress;

/// A run of so many epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epochs(pub usize);

/// A run of so many steps of the optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps(pub u64);

/// How often a run writes its checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// After each epoch.
    Epoch,
    /// After each so many steps of the optimizer, at least 1, and after each epoch.
    Steps(u64),
}

/// How a run goes: its length, its callbacks, its checkpoints, what it prints.
///
/// # Example
/// ```
/// use glulam::train::{EarlyStopping, Every, Fit, Progress};
/// let mut early = EarlyStopping::new("val_loss", 3);
/// let fit = Fit::epochs(20).callback(&mut early).checkpoint("run.ckpt", Every::Epoch).progress(Progress::Silent);
/// ```
pub struct Fit<'a> {
    pub(super) length: Length,
    pub(super) callbacks: Vec<&'a mut dyn Callback>,
    pub(super) checkpoint: Option<(PathBuf, Every)>,
    pub(super) progress: Progress,
    pub(super) goes_on: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Length {
    Epochs(usize),
    Steps(u64),
}

impl Length {
    /// Whether a run of this length is to do more than one of length `other`.
    pub(super) fn exceeds(self, other: Length) -> bool {
        match (self, other) {
            (Length::Epochs(this), Length::Epochs(other)) => this > other,
            (Length::Steps(this), Length::Steps(other)) => this > other,
            _ => true,
        }
    }
}

impl<'a> Fit<'a> {
    /// A run of so many epochs, those before a resume included.
    pub fn epochs(epochs: usize) -> Self {
        Fit::new(Length::Epochs(epochs))
    }

    /// A run of so many steps of the optimizer, those before a resume included. It ends with a validation.
    pub fn steps(steps: u64) -> Self {
        Fit::new(Length::Steps(steps))
    }

    fn new(length: Length) -> Self {
        Fit { length, callbacks: Vec::new(), checkpoint: None, progress: Progress::Auto, goes_on: false }
    }

    /// Adds a callback; they are called in the order in which they were added.
    pub fn callback(mut self, callback: &'a mut dyn Callback) -> Self {
        self.callbacks.push(callback);
        self
    }

    /// Writes a checkpoint to `path`, whole or not at all, from which [`resume`](super::Trainer::resume) goes on.
    pub fn checkpoint(mut self, path: impl Into<PathBuf>, every: Every) -> Self {
        self.checkpoint = Some((path.into(), every));
        self
    }

    /// Trains on where a callback has ended the run that was resumed. Otherwise such a run is over: it does nothing if it
    /// has the length that it had, and is refused if it is to be longer.
    pub fn go_on(mut self) -> Self {
        self.goes_on = true;
        self
    }

    /// What is printed: [`Progress::Auto`] by default.
    pub fn progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Refuses numbers that mean nothing.
    pub(super) fn check(&self) -> Result<(), TrainError> {
        match self.checkpoint {
            Some((_, Every::Steps(0))) => {
                let (found, expected) = ("0".to_owned(), "at least 1".to_owned());
                Err(TrainError::Setting { name: "Every::Steps", found, expected })
            }
            _ => Ok(()),
        }
    }
}

impl From<Epochs> for Fit<'_> {
    fn from(epochs: Epochs) -> Self {
        Fit::epochs(epochs.0)
    }
}

impl From<Steps> for Fit<'_> {
    fn from(steps: Steps) -> Self {
        Fit::steps(steps.0)
    }
}
