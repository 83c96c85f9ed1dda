//! Activations made of exponentials: sigmoid, tanh, GELU and their kin.
//!
//! Written so that no intermediate result overflows or cancels, whatever the input.

use super::Formula;
use crate::simd::math::Math;
use crate::simd::{Simd, mul_add};

/// The logistic function: y = 1/(1 + e^-x), in [0, 1].
///
/// dy/dx = y·(1 - y). Keeps its output.
///
/// # References
/// `torch.nn.Sigmoid`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sigmoid;

impl Formula for Sigmoid {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        x.sigmoid::<S>()
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, y: T, d: T) -> T {
        d * (y * (T::ONE - y))
    }
}

/// The hyperbolic tangent, in [-1, 1].
///
/// dy/dx = 1 - y². Keeps its output.
///
/// # References
/// `torch.nn.Tanh`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tanh;

impl Formula for Tanh {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        x.tanh::<S>()
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, y: T, d: T) -> T {
        d * mul_add::<S, T>(-y, y, T::ONE)
    }
}

/// The Gaussian error linear unit: y = x·Φ(x), with the normal distribution Φ(x) = ½(1 + erf(x/√2)), or approximately
/// y = ½x·(1 + tanh u) with u = √(2/π)·(x + 0.044715x³).
///
/// dy/dx = Φ(x) + x·φ(x) with φ(x) = e^(-x²/2)/√(2π); or ½(1 + tanh u) + ½x·(1 - tanh² u)·√(2/π)·(1 + 0.134145x²).
/// Keeps its input.
///
/// # References
/// `torch.nn.GELU`; Hendrycks and Gimpel, Gaussian Error Linear Units, 2016.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GELU {
    /// The approximation by tanh: PyTorch's `approximate = "tanh"`; its default is "none".
    pub tanh: bool,
}

/// √(2/π).
const ROOT_2_OVER_PI: f64 = std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2;

/// ½(1 + tanh u), as a logistic function, which does not cancel.
#[inline(always)]
fn gelu_gate<S: Simd, T: Math>(x: T) -> T {
    let cubic = mul_add::<S, T>(T::from_f64(2.0 * ROOT_2_OVER_PI * 0.044715), x * x, T::from_f64(2.0 * ROOT_2_OVER_PI));
    (x * cubic).sigmoid::<S>()
}

/// Φ(x).
#[inline(always)]
fn normal_cdf<S: Simd, T: Math>(x: T) -> T {
    let half = T::from_f64(0.5);
    mul_add::<S, T>(half, (x * T::from_f64(std::f64::consts::FRAC_1_SQRT_2)).erf::<S>(), half)
}

/// [`GELU`] with the error function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErfGELU;

impl Formula for ErfGELU {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        x * normal_cdf::<S, T>(x)
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, x: T, d: T) -> T {
        let density = (x * x * T::from_f64(-0.5)).exp::<S>() * T::from_f64(0.5 * ROOT_2_OVER_PI);
        d * mul_add::<S, T>(x, density, normal_cdf::<S, T>(x))
    }
}

/// [`GELU`] with its approximation by tanh.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TanhGELU;

impl Formula for TanhGELU {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        x * gelu_gate::<S, T>(x)
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, x: T, d: T) -> T {
        // With the gate g = ½(1 + tanh u): ½(1 - tanh² u) = 2g(1 - g).
        let g = gelu_gate::<S, T>(x);
        let cubic = T::from_f64(2.0 * ROOT_2_OVER_PI * 3.0 * 0.044715);
        let du = mul_add::<S, T>(cubic, x * x, T::from_f64(2.0 * ROOT_2_OVER_PI));
        d * mul_add::<S, T>(x * (g * (T::ONE - g)), du, g)
    }
}

/// The sigmoid linear unit, or swish: y = x·σ(x) with the logistic function σ.
///
/// dy/dx = σ(x)·(1 + x·(1 - σ(x))). Keeps its input.
///
/// # References
/// `torch.nn.SiLU`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SiLU;

impl Formula for SiLU {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        x / (T::ONE + (-x).exp::<S>())
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, x: T, d: T) -> T {
        let s = x.sigmoid::<S>();
        d * (s * mul_add::<S, T>(x, T::ONE - s, T::ONE))
    }
}

/// y = x·tanh(ln(1 + e^x)).
///
/// With e = e^x and n = e·(e + 2): tanh(ln(1 + e^x)) = n/(n + 2), and
/// dy/dx = n/(n + 2) + x·4e·(e + 1)/(n + 2)². Keeps its input.
///
/// # References
/// `torch.nn.Mish`; Misra, Mish: A Self Regularized Non-Monotonic Activation Function, 2019.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mish;

/// (e, n, 1/(n + 2)); for x above 20 what they give is 1, as it is at 20 to the precision of `f32` and `f64`.
#[inline(always)]
fn mish_parts<S: Simd, T: Math>(x: T) -> (T, T, T) {
    let limit = T::from_f64(20.0);
    let two = T::from_f64(2.0);
    let e = if x > limit { limit } else { x }.exp::<S>();
    let n = e * (e + two);
    (e, n, T::ONE / (n + two))
}

impl Formula for Mish {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        let (_, n, r) = mish_parts::<S, T>(x);
        x * (n * r)
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, x: T, d: T) -> T {
        let (e, n, r) = mish_parts::<S, T>(x);
        let slope = T::from_f64(4.0) * (e * r) * ((e + T::ONE) * r);
        // Above the limit the second term is below rounding, but x times it need not be.
        let slope = if x > T::from_f64(20.0) { T::ZERO } else { slope };
        d * mul_add::<S, T>(x, slope, n * r)
    }
}

/// y = ln σ(x) = min(x, 0) - ln(1 + e^-|x|), with the logistic function σ.
///
/// dy/dx = σ(-x) = 1 - e^y. Keeps its output.
///
/// # References
/// `torch.nn.LogSigmoid`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LogSigmoid;

impl Formula for LogSigmoid {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        let low = if x > T::ZERO { T::ZERO } else { x };
        low - (-x.abs()).exp::<S>().ln_1p_unit::<S>()
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, y: T, d: T) -> T {
        d * -y.expm1::<S>()
    }
}

/// A smooth rectifier: y = ln(1 + e^(`beta`·x))/`beta`, and y = x where `beta`·x > `threshold`.
///
/// dy/dx = σ(`beta`·x) with the logistic function σ, and 1 beyond the threshold. Keeps its input.
///
/// # References
/// `torch.nn.Softplus`, which overflows where `threshold` is set so high that e^`threshold` does; this one does not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Softplus {
    /// How sharp the bend is; PyTorch's default is 1.
    pub beta: f64,
    /// Where the straight line begins; PyTorch's default is 20.
    pub threshold: f64,
}

impl Default for Softplus {
    fn default() -> Self {
        Softplus { beta: 1.0, threshold: 20.0 }
    }
}

impl Formula for Softplus {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        let z = x * T::from_f64(self.beta);
        let high = if z < T::ZERO { T::ZERO } else { z };
        let y = (high + (-z.abs()).exp::<S>().ln_1p_unit::<S>()) * T::from_f64(1.0 / self.beta);
        if z > T::from_f64(self.threshold) { x } else { y }
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, x: T, d: T) -> T {
        let z = x * T::from_f64(self.beta);
        let slope = d * z.sigmoid::<S>();
        if z > T::from_f64(self.threshold) { d } else { slope }
    }
}

/// y = x - tanh x.
///
/// dy/dx = tanh² x. Keeps its input.
///
/// # References
/// `torch.nn.Tanhshrink`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tanhshrink;

impl Formula for Tanhshrink {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        x - x.tanh::<S>()
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, x: T, d: T) -> T {
        let t = x.tanh::<S>();
        d * (t * t)
    }
}
