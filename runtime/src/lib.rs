//! Neural networks declared in Rust source, and trained without a graph, a tape or an allocation.
#![warn(missing_docs)]

// Its own tests name this crate as its users do.
extern crate self as glulam;

#[macro_use]
mod macros;
#[doc(hidden)]
pub mod __private;
pub mod checkpoint;
pub mod clip;
#[cfg(test)]
mod conformance;
pub mod data;
mod error;
mod file;
mod flat;
pub mod init;
#[doc(hidden)]
pub mod kernels;
pub mod layer;
pub mod layers;
mod layout;
pub mod loss;
pub mod lr_scheduler;
mod memory;
pub mod metrics;
mod nan_as_null;
pub mod network;
pub mod optim;
pub mod parallel;
pub mod prelude;
mod real;
pub mod rng;
#[doc(hidden)]
pub mod simd;
mod summary;
pub mod swa_utils;
pub mod train;
mod update;
mod workspace;

pub use checkpoint::{StateDict, StateDictExt};
pub use error::Error;
pub use flat::Flat;
pub use network::{Gradients, Mode, Network, Outputs, Weights};
pub use real::Real;
pub use rng::manual_seed;
pub use update::{ElementRule, MAX_SLOTS, Rules, Update};
pub use workspace::Workspace;

/// The examples of the user's manual are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
