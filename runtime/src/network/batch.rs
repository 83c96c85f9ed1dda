//! The size of a batch: what a network and its workspace take.

/// What is wrong with the size of a batch.
///
/// # Example
/// ```
/// use glulam::network::BatchError;
/// use glulam::prelude::*;
///
/// network! { pub Mlp < Linear(4, 16) -> BatchNorm1d(16) -> ReLU -> Linear(16, 3) > }
///
/// let mut model = Mlp::seeded(1);
/// let mut workspace = model.workspace(64);
/// let error = model.try_forward(Mode::Train, &[[0.5; 4]; 100], &mut workspace).unwrap_err();
/// assert_eq!(error, BatchError::TooLarge { found: 100, capacity: 64 });
/// let error = model.try_forward(Mode::Train, &[[0.5; 4]], &mut workspace).unwrap_err();
/// assert_eq!(error, BatchError::TooSmall { found: 1, expected: 2 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message says what the fields are")]
pub enum BatchError {
    /// No samples.
    #[error("a batch of no samples, expected at least 1")]
    Empty,
    /// More samples than there is room for.
    #[error("a batch of {found} samples in a workspace for {capacity}: make it with `model.workspace({found})`")]
    TooLarge { found: usize, capacity: usize },
    /// Fewer samples than a batch norm needs (PyTorch's "Expected more than 1 value per channel when training").
    #[error(
        "a batch of {found} sample, expected at least {expected}: batch norm needs more than 1 value per channel; leave \
         such a last batch out (a loader's `drop_last(true)`) or choose another batch size"
    )]
    TooSmall { found: usize, expected: usize },
}

impl BatchError {
    /// Checks a batch of `found` samples.
    pub(crate) fn check(found: usize, smallest: usize, capacity: usize) -> Result<(), BatchError> {
        match found {
            0 => Err(BatchError::Empty),
            _ if found > capacity => Err(BatchError::TooLarge { found, capacity }),
            _ if found < smallest => Err(BatchError::TooSmall { found, expected: smallest }),
            _ => Ok(()),
        }
    }
}
