//! ELU and its kin: a straight line above zero, an exponential below.

use super::Formula;
use crate::simd::Simd;
use crate::simd::math::Math;

/// The exponential linear unit: y = x where x > 0, else `alpha`·(e^x - 1).
///
/// dy/dx is 1 where x > 0, else `alpha`·e^x. Keeps its input: with a negative `alpha` the output does not tell the
/// input's sign.
///
/// # References
/// `torch.nn.ELU`; Clevert, Unterthiner and Hochreiter, Fast and Accurate Deep Network Learning by Exponential Linear
/// Units, 2015.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ELU {
    /// The output's limit towards -∞, negated; PyTorch's default is 1.
    pub alpha: f64,
}

impl Default for ELU {
    fn default() -> Self {
        ELU { alpha: 1.0 }
    }
}

impl Formula for ELU {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        let below = T::from_f64(self.alpha) * x.expm1::<S>();
        if x > T::ZERO { x } else { below }
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, x: T, d: T) -> T {
        let below = d * (T::from_f64(self.alpha) * x.exp::<S>());
        if x > T::ZERO { d } else { below }
    }
}

/// The self-normalising ELU: y = s·x where x > 0, else s·α·(e^x - 1), with s = 1.0507… and α = 1.6732….
///
/// dy/dx is s where x > 0, else s·α·e^x = y + s·α. Keeps its output.
///
/// # References
/// `torch.nn.SELU`; Klambauer et al., Self-Normalizing Neural Networks, 2017.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SELU;

impl SELU {
    const SCALE: f64 = 1.050_700_987_355_480_5;
    const ALPHA: f64 = 1.673_263_242_354_377_2;
}

impl Formula for SELU {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        let below = T::from_f64(Self::SCALE * Self::ALPHA) * x.expm1::<S>();
        let above = T::from_f64(Self::SCALE) * x;
        if x > T::ZERO { above } else { below }
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, y: T, d: T) -> T {
        let slope = y + T::from_f64(Self::SCALE * Self::ALPHA);
        d * if y > T::ZERO { T::from_f64(Self::SCALE) } else { slope }
    }
}

/// The continuously differentiable ELU: y = x where x > 0, else `alpha`·(e^(x/`alpha`) - 1).
///
/// dy/dx is 1 where x > 0, else e^(x/`alpha`). Keeps its input: PyTorch's derivative divides by `alpha` rounded to single
/// precision (in the forward it does not), which the output does not tell exactly enough in f64.
///
/// # References
/// `torch.nn.CELU`, which demands `alpha` ≠ 0, as the layer here does; Barron, Continuously Differentiable Exponential
/// Linear Units, 2017.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CELU {
    /// The output's limit towards -∞, negated; PyTorch's default is 1.
    pub alpha: f64,
}

impl Default for CELU {
    fn default() -> Self {
        CELU { alpha: 1.0 }
    }
}

impl Formula for CELU {
    #[inline(always)]
    fn value<S: Simd, T: Math>(self, x: T) -> T {
        let below = T::from_f64(self.alpha) * (x * T::from_f64(1.0 / self.alpha)).expm1::<S>();
        if x > T::ZERO { x } else { below }
    }
    #[inline(always)]
    fn gradient<S: Simd, T: Math>(self, x: T, d: T) -> T {
        let rounded = 1.0 / f64::from(self.alpha as f32);
        let below = d * (T::from_f64(self.alpha * rounded) * (x * T::from_f64(rounded)).exp::<S>());
        if x > T::ZERO { d } else { below }
    }
}
