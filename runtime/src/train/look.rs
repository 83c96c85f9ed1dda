//! Whether a trainer's weights are finite: looked at before they replace good ones in a file, and after each epoch.
//!
//! A step whose loss, gradient or running statistic is not finite reports it itself. What is left is a step that makes
//! weights infinite: the loss of the next one would show it, if there is one.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{TrainError, Trainer};
use crate::{Network, Real};

/// When a trainer's weights were last found to be finite. Behind a lock, since saving does not change a trainer.
#[derive(Debug, Default)]
pub(super) struct Looks(Mutex<Look>);

#[derive(Clone, Debug, Default)]
struct Look {
    /// After so many steps of the optimizer.
    steps: u64,
    /// The file that was last written or read.
    file: Option<PathBuf>,
}

impl Clone for Looks {
    fn clone(&self) -> Self {
        Looks(Mutex::new(self.last().clone()))
    }
}

impl Looks {
    fn last(&self) -> MutexGuard<'_, Look> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers that the weights are in `file` too.
    pub(super) fn keep(&self, file: &Path) {
        self.last().file = Some(file.to_owned());
    }

    /// Forgets all but that there are weights after `steps` steps.
    pub(super) fn begin(&self, steps: u64) {
        *self.last() = Look { steps, file: None };
    }
}

/// Looks at the parameters and running statistics of the network, and of the one to evaluate if that is another.
///
/// # Errors
/// [`TrainError::NonFiniteWeights`].
pub(super) fn look<T: Real, R: Trainer<T>>(trainer: &R) -> Result<(), TrainError> {
    let parts = trainer.parts();
    let evaluated = trainer.eval_model();
    let found = match parts.model.first_non_finite() {
        Some(name) => Some((name, false)),
        None if std::ptr::eq(&*evaluated, parts.model) => None,
        None => evaluated.first_non_finite().map(|name| (name, true)),
    };
    let (mut last, now) = (parts.run.looks.last(), parts.run.steps);
    let Some((name, averaged)) = found else {
        last.steps = now;
        return Ok(());
    };
    let file = last.file.clone().filter(|file| file.exists());
    Err(TrainError::NonFiniteWeights { name, averaged, steps: now.saturating_sub(last.steps), file })
}
