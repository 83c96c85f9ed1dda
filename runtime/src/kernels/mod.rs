//! Forward and backward kernels, side by side, formulas on top.

/// The kernels of one scalar type, compiled in this crate.
pub trait Kernels {}
impl Kernels for f32 {}
impl Kernels for f64 {}
