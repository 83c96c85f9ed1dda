//! Activations: element-wise functions without parameters.

use std::fmt::Debug;

/// What an activation's derivative is computed from, so what the forward pass must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// Its input.
    Input,
    /// Its output; the input may be overwritten.
    Output,
}

/// An element-wise function and its derivative.
pub trait Activation<T>: Copy + Debug + Send + Sync {
    /// What [`backward`](Self::backward) is given.
    const KEEPS: Keeps;
    /// y = a(x).
    fn forward(&self, x: &[T], y: &mut [T]);
    /// y = a(y).
    fn forward_in_place(&self, y: &mut [T]);
    /// d *= a'(x), where `kept` is x or a(x), as [`KEEPS`](Self::KEEPS) says.
    fn backward(&self, kept: &[T], d: &mut [T]);
}
