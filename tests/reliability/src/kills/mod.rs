//! SIGKILL of the example `fashion_mnist`, again and again; then `--resume` until it ends.
//!
//! A fault is a final model other than that of an unbroken run, other printed losses, a resume that fails, a model file
//! that is there and not whole, and whatever else lies around at the end.

mod calls;
mod job;
mod moments;

pub use calls::at_calls;
pub use moments::at_random;
