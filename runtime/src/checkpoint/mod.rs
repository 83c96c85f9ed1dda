//! Weights and whole runs in files: state dicts with PyTorch's names, safetensors, and checkpoints.

mod error;
mod exact;
mod file_format;
mod foreign;
mod network;
mod run;
pub mod safetensors;
#[doc(hidden)]
pub mod saved;
mod state_dict;
mod tensor;

pub use crate::file::{check_writable, write_whole};
pub use error::{CheckpointError, Mismatch, ShapeMismatch, StateDictError};
pub use network::{IncompatibleKeys, StateDictExt};
pub use run::{Checkpoint, ModelState};
pub use state_dict::StateDict;
pub use tensor::{Dtype, Tensor, Values};

#[cfg(test)]
mod tests;
