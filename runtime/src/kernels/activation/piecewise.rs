//! Activations made of straight lines (and [`Softsign`], of one division).
//!
//! Where a formula keeps its output, the output tells on which piece the input was.

use super::Formula;
use crate::simd::math::Math;
use crate::simd::{Simd, mul_add};

/// The rectifier: y = max(0, x).
///
/// dy/dx is 1 where x > 0, else 0 (at 0 too). Keeps its output, which is positive exactly where the input is.
///
/// # References
/// `torch.nn.ReLU`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReLU;

impl Formula for ReLU {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        // This way round NaN stays NaN, and it is one instruction.
        if T::ZERO > x { T::ZERO } else { x }
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, y: T, d: T) -> T {
        if y <= T::ZERO { T::ZERO } else { d }
    }
}

/// The rectifier cut off at 6: y = min(max(0, x), 6).
///
/// dy/dx is 1 where 0 < x < 6, else 0. Keeps its output.
///
/// # References
/// `torch.nn.ReLU6`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReLU6;

impl Formula for ReLU6 {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        clamp(x, T::ZERO, T::from_f64(6.0))
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, y: T, d: T) -> T {
        within(y, T::ZERO, T::from_f64(6.0), d)
    }
}

/// y = x where x > 0, else `negative_slope`·x.
///
/// dy/dx is 1 where x > 0, else `negative_slope`. Keeps its input, because PyTorch allows slopes that are not positive,
/// with which the output does not tell the input's sign.
///
/// # References
/// `torch.nn.LeakyReLU`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeakyReLU {
    /// The slope below zero; PyTorch's default is 0.01.
    pub negative_slope: f64,
}

impl Default for LeakyReLU {
    fn default() -> Self {
        LeakyReLU { negative_slope: 0.01 }
    }
}

impl Formula for LeakyReLU {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        let below = x * T::from_f64(self.negative_slope);
        if x > T::ZERO { x } else { below }
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, x: T, d: T) -> T {
        let below = d * T::from_f64(self.negative_slope);
        if x > T::ZERO { d } else { below }
    }
}

/// A sigmoid of three straight lines: y = min(max(0, x + 3), 6)/6.
///
/// dy/dx is 1/6 where -3 < x < 3, else 0. Keeps its input: x + 3 may round up to 6 where x < 3.
///
/// # References
/// `torch.nn.Hardsigmoid`, which has 1/6 in single precision in its gradient, in `f64` too; so has this one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Hardsigmoid;

impl Formula for Hardsigmoid {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        clamp(x + T::from_f64(3.0), T::ZERO, T::from_f64(6.0)) * T::from_f64(1.0 / 6.0)
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, x: T, d: T) -> T {
        let slope = d * T::from_f64((1f32 / 6.0) as f64);
        let inside = x > T::from_f64(-3.0) && x < T::from_f64(3.0);
        if inside { slope } else { T::ZERO }
    }
}

/// y = x, cut off at both ends: min(max(`min_val`, x), `max_val`).
///
/// dy/dx is 1 where `min_val` < x < `max_val`, else 0. Keeps its output.
///
/// # References
/// `torch.nn.Hardtanh`, which demands `min_val` < `max_val`, as the layer here does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hardtanh {
    /// The smallest output; PyTorch's default is -1.
    pub min_val: f64,
    /// The largest output; PyTorch's default is 1.
    pub max_val: f64,
}

impl Default for Hardtanh {
    fn default() -> Self {
        Hardtanh { min_val: -1.0, max_val: 1.0 }
    }
}

impl Formula for Hardtanh {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        clamp(x, T::from_f64(self.min_val), T::from_f64(self.max_val))
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, y: T, d: T) -> T {
        within(y, T::from_f64(self.min_val), T::from_f64(self.max_val), d)
    }
}

/// A swish of straight lines: y = x·min(max(0, x + 3), 6)/6.
///
/// dy/dx is 0 where x <= -3, 1 where x >= 3, x/3 + ½ between. Keeps its input.
///
/// # References
/// `torch.nn.Hardswish`; Howard et al., Searching for MobileNetV3, 2019.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Hardswish;

impl Formula for Hardswish {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        x * clamp(x + T::from_f64(3.0), T::ZERO, T::from_f64(6.0)) * T::from_f64(1.0 / 6.0)
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, x: T, d: T) -> T {
        let between = d * mul_add::<S, T>(x, T::from_f64(1.0 / 3.0), T::from_f64(0.5));
        let above = if x < T::from_f64(3.0) { between } else { d };
        if x <= T::from_f64(-3.0) { T::ZERO } else { above }
    }
}

/// y = x/(1 + |x|).
///
/// dy/dx = 1/(1 + |x|)² = (1 - |y|)². Keeps its output.
///
/// # References
/// `torch.nn.Softsign`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Softsign;

impl Formula for Softsign {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        x / (T::ONE + x.abs())
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, y: T, d: T) -> T {
        let root = T::ONE - y.abs();
        d * (root * root)
    }
}

/// y = x - `lambd` where x > `lambd`, x + `lambd` where x < -`lambd`, else 0.
///
/// dy/dx is 0 where |x| <= `lambd`, else 1. Keeps its output, which is zero exactly there.
///
/// # References
/// `torch.nn.Softshrink`, which demands `lambd` >= 0, as the layer here does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Softshrink {
    /// Half the width of the flat piece; PyTorch's default is 0.5.
    pub lambd: f64,
}

impl Default for Softshrink {
    fn default() -> Self {
        Softshrink { lambd: 0.5 }
    }
}

impl Formula for Softshrink {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        let lambd = T::from_f64(self.lambd);
        // x·0 keeps NaN.
        let inner = if x < -lambd { x + lambd } else { x * T::ZERO };
        if x > lambd { x - lambd } else { inner }
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, y: T, d: T) -> T {
        if y == T::ZERO { T::ZERO } else { d }
    }
}

/// y = x where |x| > `lambd`, else 0.
///
/// dy/dx is 0 where |x| <= `lambd`, else 1. Keeps its output, which is zero or the input.
///
/// # References
/// `torch.nn.Hardshrink`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hardshrink {
    /// Half the width of the flat piece; PyTorch's default is 0.5.
    pub lambd: f64,
}

impl Default for Hardshrink {
    fn default() -> Self {
        Hardshrink { lambd: 0.5 }
    }
}

impl Formula for Hardshrink {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        self.gradient::<S, T>(x, x)
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, y: T, d: T) -> T {
        let lambd = T::from_f64(self.lambd);
        let flat = y >= -lambd && y <= lambd;
        if flat { T::ZERO } else { d }
    }
}

/// y = x where x > `threshold`, else `value`.
///
/// dy/dx is 1 where x > `threshold`, else 0. Keeps its input: `value` may be above the threshold.
///
/// # References
/// `torch.nn.Threshold`, which has no defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// What the input must exceed.
    pub threshold: f64,
    /// The output where it does not.
    pub value: f64,
}

impl Formula for Threshold {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        if x <= T::from_f64(self.threshold) { T::from_f64(self.value) } else { x }
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, x: T, d: T) -> T {
        if x <= T::from_f64(self.threshold) { T::ZERO } else { d }
    }
}

/// min(max(x, low), high); NaN stays NaN.
#[inline(always)]
fn clamp<T: Math>(x: T, low: T, high: T) -> T {
    let x = if low > x { low } else { x };
    if high < x { high } else { x }
}

/// d where low < y < high, else 0; NaN counts as between.
#[inline(always)]
fn within<T: Math>(y: T, low: T, high: T, d: T) -> T {
    let below = if y <= low { T::ZERO } else { d };
    if y >= high { T::ZERO } else { below }
}
