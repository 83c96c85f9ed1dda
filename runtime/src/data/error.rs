//! What can go wrong with data.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What can go wrong with data. Cheap to copy: it travels in the batch that could not be read.
#[derive(Clone, Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message says what the fields are")]
pub enum DataError {
    /// A file that cannot be opened, read or written.
    #[error("{path}: {source}")]
    Io { path: String, source: Arc<io::Error> },
    /// A file that ends too early.
    #[error("{path}: the file is truncated: found {found} bytes, expected {expected}")]
    Truncated { path: String, found: u64, expected: u64 },
    /// A file whose contents contradict themselves: a failed checksum, something after the end.
    #[error("{path}: the file is corrupt: {problem}")]
    Corrupt { path: String, problem: String },
    /// A file that is not what it should be.
    #[error("{path}: {what}: found {found}, expected {expected}")]
    Format { path: String, what: &'static str, found: String, expected: String },
    /// A class index that is no class.
    #[error("{path}: label {index} is {found}, expected 0..{classes}")]
    Label { path: String, index: usize, found: i64, classes: usize },
    /// Arrays that do not belong together.
    #[error("{what}: found {found}, expected {expected}")]
    Shape { what: &'static str, found: String, expected: String },
    /// An index beyond the end.
    #[error("index {index} of a dataset of {len} samples")]
    Index { index: usize, len: usize },
    /// An option has a value that is not allowed.
    #[error("{option} = {found}, expected {expected}")]
    Option { option: &'static str, found: String, expected: String },
    /// A loader's state that belongs to another loader.
    #[error("loader state: {what}: found {found}, expected {expected}")]
    State { what: &'static str, found: u64, expected: u64 },
    /// Nothing to train on.
    #[error("the dataset has no samples")]
    Empty,
    /// The thread that reads ahead could not be started.
    #[error("the thread that reads ahead could not be started: {0}")]
    Thread(Arc<io::Error>),
    /// What a dataset of the user's own reports.
    #[error("{0}")]
    Other(Arc<dyn Error + Send + Sync>),
}

impl DataError {
    /// An error of the user's own dataset.
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        DataError::Other(error.into().into())
    }

    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        DataError::Io { path: path.display().to_string(), source: Arc::new(source) }
    }
}

/// Arrays that do not belong together.
pub(super) fn shape(what: &'static str, found: impl ToString, expected: impl ToString) -> DataError {
    DataError::Shape { what, found: found.to_string(), expected: expected.to_string() }
}

/// An option that is out of its range.
pub(super) fn option(option: &'static str, found: impl ToString, expected: impl ToString) -> DataError {
    DataError::Option { option, found: found.to_string(), expected: expected.to_string() }
}
