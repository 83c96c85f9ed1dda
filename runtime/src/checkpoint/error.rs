//! What can be wrong with state dicts and their files.

use std::fmt;
use std::io;
use std::path::Path;

/// What can be wrong with a state dict or its file.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message says what the fields are")]
pub enum StateDictError {
    /// The dict belongs to another network. Nothing of it was taken over.
    #[error("{0}")]
    Mismatch(Mismatch),
    /// A tensor whose shape and number of values disagree.
    #[error("{found} values for shape {shape:?}")]
    Length { found: usize, shape: Vec<usize> },
    /// A file that cannot be opened, read or written.
    #[error("{path}: {source}")]
    Io { path: String, source: io::Error },
    /// A file that is not a whole safetensors file.
    #[error("{path}: not a whole safetensors file: {problem}")]
    Format { path: String, problem: String },
    /// Another kind of file.
    #[error("{path}: it is {found}, not a safetensors file; {advice}")]
    Foreign { path: String, found: &'static str, advice: String },
    /// Numbers of a type that no network here has.
    #[error("{path}: {name} has type {found}, expected F32, F64, F16, BF16, BOOL or integers up to those of I64")]
    Dtype { path: String, name: String, found: String },
}

impl StateDictError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        StateDictError::Io { path: path.display().to_string(), source }
    }
}

/// All that keeps a state dict from fitting a network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// The network's name.
    pub model: &'static str,
    /// Names that the network has and the dict has not, in the order of the network.
    pub missing: Vec<String>,
    /// Names that the dict has and the network has not, in the order of the dict.
    pub unexpected: Vec<String>,
    /// Tensors of another shape.
    pub shapes: Vec<ShapeMismatch>,
    /// Counters with a value that is negative or not a whole number.
    pub counters: Vec<String>,
}

/// A tensor whose shape is not that of the network's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeMismatch {
    /// Its name.
    pub name: String,
    /// Its shape in the dict.
    pub found: Vec<usize>,
    /// Its shape in the network.
    pub expected: Vec<usize>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the state dict does not fit {}", self.model)?;
        for (what, names) in
            [("missing", &self.missing), ("unexpected", &self.unexpected), ("not a count", &self.counters)]
        {
            if !names.is_empty() {
                write!(f, "; {what}: {}", names.join(", "))?;
            }
        }
        for ShapeMismatch { name, found, expected } in &self.shapes {
            write!(f, "; {name} has shape {found:?}, expected {expected:?}")?;
        }
        Ok(())
    }
}

/// What can be wrong with a checkpoint.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message says what the fields are")]
pub enum CheckpointError {
    /// A file that cannot be opened, read or written.
    #[error("{path}: {source}")]
    Io { path: String, source: io::Error },
    /// A file whose contents are wrong, by name.
    #[error("{path}: {source}")]
    File { path: String, source: Box<CheckpointError> },
    /// Another kind of file.
    #[error("not a checkpoint: it begins with \"{found}\", expected \"GLULAMCP\"")]
    Magic { found: String },
    /// Another kind of file, which is known.
    #[error("not a checkpoint: it is {found}")]
    Foreign { found: &'static str },
    /// A checkpoint of another version of this crate.
    #[error("the checkpoint has version {found}, expected {expected}")]
    Version { found: u32, expected: u32 },
    /// A file that ends too early.
    #[error("the checkpoint is truncated: found {found} bytes, expected {expected}")]
    Truncated { found: u64, expected: u64 },
    /// A file that has changed since it was written.
    #[error("the checkpoint is corrupt: {problem}")]
    Corrupt { problem: String },
    /// A section that is not there.
    #[error("the checkpoint has no section {section:?}; it has {names}")]
    Section { section: String, names: String },
    /// A section that holds something else.
    #[error("section {section:?}: {problem}")]
    Decode { section: String, problem: String },
    /// A value that serde cannot write.
    #[error("section {section:?} cannot be written: {problem}")]
    Encode { section: String, problem: String },
    /// A model's section that belongs to another network.
    #[error("section {section:?} is of the network {found}: {source}")]
    Model { section: String, found: String, source: Box<StateDictError> },
}

impl CheckpointError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        CheckpointError::Io { path: path.display().to_string(), source }
    }

    /// The same error, with the name of the file.
    pub(super) fn at(self, path: &Path) -> Self {
        CheckpointError::File { path: path.display().to_string(), source: Box::new(self) }
    }
}
