//! The scalar types that a network computes in: `f32`, the default, and `f64`, for checking.

use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use serde::Serialize;
use serde::de::DeserializeOwned;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A floating-point type of parameters, activations and gradients: `f32` or `f64`.
///
/// Sealed: every kernel is compiled in this crate for exactly these two types.
pub trait Real:
    sealed::Sealed
    + crate::kernels::Kernels
    + crate::network::Sample<Self>
    + crate::optim::ParamKernels
    + crate::optim::RuleKernels
    + crate::optim::VectorKernels
    + crate::loss::LossKernels
    + crate::memory::Words
    + Copy
    + Debug
    + Display
    + Default
    + PartialEq
    + PartialOrd
    + Send
    + Sync
    + Serialize
    + DeserializeOwned
    + Sum
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The difference between 1 and the next larger number (PyTorch's `finfo(dtype).eps`).
    const EPSILON: Self;
    /// The smallest positive normal number; moments below it are flushed to zero.
    const MIN_POSITIVE: Self;
    /// ∞.
    const INFINITY: Self;
    /// The name that safetensors and PyTorch give to the type: `F32` or `F64`.
    const DTYPE: &'static str;

    /// The nearest number of this type.
    fn from_f64(x: f64) -> Self;
    /// The same number as `f64`, exactly.
    fn to_f64(self) -> f64;
    /// |x|.
    fn abs(self) -> Self;
    /// √x.
    fn sqrt(self) -> Self;
    /// The larger of two numbers, NaN if either is NaN.
    fn max_nan(self, other: Self) -> Self;
    /// The smaller of two numbers, NaN if either is NaN.
    fn min_nan(self, other: Self) -> Self;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// NaN.
    fn is_nan(self) -> bool;
}

macro_rules! real {
    ($t:ident, $dtype:literal) => {
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const EPSILON: Self = $t::EPSILON;
            const MIN_POSITIVE: Self = $t::MIN_POSITIVE;
            const INFINITY: Self = $t::INFINITY;
            const DTYPE: &'static str = $dtype;

            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $t::abs(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $t::sqrt(self)
            }
            #[inline(always)]
            fn max_nan(self, other: Self) -> Self {
                if self > other || self.is_nan() { self } else { other }
            }
            #[inline(always)]
            fn min_nan(self, other: Self) -> Self {
                if self < other || self.is_nan() { self } else { other }
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                $t::is_nan(self)
            }
        }
    };
}
real!(f32, "F32");
real!(f64, "F64");
