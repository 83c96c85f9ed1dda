//! Elementary functions without branches, tables or library calls, which the compiler turns into vector instructions
//! where they stand in a loop over a slice.
//!
//! Each reduces its argument with exact steps and evaluates a polynomial of least maximal error (fitted with 60 digits;
//! the fitting weight is the relative error of the function). Every function has one body for `f32` and `f64`, generic
//! over the instruction set `S`, so a vector's lanes and a loop's remainder give the same bits.
//!
//! Error bounds, in units in the last place of the exact result, over all arguments unless a range is given; the tests
//! measure them on every instruction set against `f64` (of `f32`), the standard library and exact values (of `f64`):
//!
//! | function | `f32` | `f64` | remarks |
//! |---|---|---|---|
//! | [`exp`](Math::exp) | 1.1 | 1 | below the smallest normal number: 0 |
//! | [`expm1`](Math::expm1) | 2 | 2 | |
//! | [`ln`](Math::ln) | 1 | 1 | subnormal arguments too |
//! | [`ln_1p`](Math::ln_1p), [`ln_1p_unit`](Math::ln_1p_unit) | 2 | 1 | |
//! | [`tanh`](Math::tanh) | 3 | 3 | |
//! | [`sigmoid`](Math::sigmoid) | 3 | 3 | below the smallest normal number: 0 |
//! | [`erf`](Math::erf) | 2 | 2 | |
//!
//! NaN gives NaN, and infinities give the limits.

use std::ops::{AddAssign, Div, Neg, Sub};

use super::{MulAdd, Simd, mul_add};

/// Horner's scheme, written out: a loop might survive until the vectoriser and keep it from the loop around.
macro_rules! horner {
    ($x:expr; $c:expr) => { $c };
    ($x:expr; $c:expr, $($rest:expr),+) => { mul_add::<S, Self>(horner!($x; $($rest),+), $x, $c) };
}

/// Scalars as the bodies of kernels see them: arithmetic, elementary functions, and the bit-level steps and polynomials
/// that these are made of.
///
/// Not a part of [`Real`](crate::Real): these functions are right only where they are inlined into a body that
/// [`multiversion!`](super::multiversion) compiles.
pub(crate) trait Math:
    MulAdd + PartialOrd + Sub<Output = Self> + Div<Output = Self> + Neg<Output = Self> + AddAssign + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The smallest positive normal number.
    const MIN_POSITIVE: Self;
    /// 1/ln 2.
    const LOG2_E: Self;
    /// The upper bits of ln 2, so few that their product with an exponent is exact.
    const LN2_HIGH: Self;
    /// ln 2 - `LN2_HIGH`.
    const LN2_LOW: Self;
    /// 1.5·2^(mantissa bits): adding it rounds to an integer, which then stands in the lowest bits.
    const ROUND: Self;
    /// The largest argument whose exponential is finite.
    const EXP_MAX: Self;
    /// The smallest argument whose exponential is normal.
    const EXP_MIN: Self;
    /// Below it, e^x - 1 is -1.
    const EXPM1_MIN: Self;
    /// From here on, erf is 1.
    const ERF_ONE: Self;
    /// 2^(mantissa bits + 1): x + 1 rounds to x.
    const LARGE: Self;
    /// +∞.
    const INFINITY: Self;

    /// The nearest number of this type.
    fn from_f64(x: f64) -> Self;
    /// The same number as `f64`.
    fn to_f64(self) -> f64;
    /// |self|.
    fn abs(self) -> Self;
    /// √self.
    fn sqrt(self) -> Self;
    /// |self| with the sign of `sign`.
    fn copysign(self, sign: Self) -> Self;
    /// A whole number below 2^24.
    fn from_bits24(x: u32) -> Self;
    /// self·2^n, where `n + ROUND` is given: the exponent is added to the bits.
    fn add_exponent(self, n_rounded: Self) -> Self;
    /// self·2^i, for results in the range of normal numbers.
    fn scale(self, i: i32) -> Self;
    /// (k, m, 2^-k) with self = 2^k·m and m in [√½, √2), for a positive normal number. The last only where |k| is small.
    fn split_exponent(self) -> (Self, Self, Self);
    /// (e^r - 1 - r)/r² for |r| <= ½ ln 2.
    fn exp_polynomial<S: Simd>(r: Self) -> Self;
    /// ln(1 + f) + k·ln 2 for 1 + f in [√½, √2).
    fn ln_reduced<S: Simd>(f: Self, k: Self) -> Self;
    /// erf(x)/x - 1 as a function of z = x², for x <= 0.875.
    fn erf_small<S: Simd>(z: Self) -> Self;
    /// -ln(1 - erf(x)) for 0.875 <= x <= `ERF_ONE`.
    fn erf_large<S: Simd>(x: Self) -> Self;

    /// e^x, where it is neither too large nor too small.
    #[inline(always)]
    fn exp_within<S: Simd>(self) -> Self {
        let (r, n_rounded) = self.reduce::<S>();
        let q = Self::exp_polynomial::<S>(r);
        (mul_add::<S, Self>(r * r, q, r) + Self::ONE).add_exponent(n_rounded)
    }

    /// (r, n + `ROUND`) with self = n·ln 2 + r and |r| <= ½ ln 2.
    #[inline(always)]
    fn reduce<S: Simd>(self) -> (Self, Self) {
        let n_rounded = mul_add::<S, Self>(self, Self::LOG2_E, Self::ROUND);
        let n = n_rounded - Self::ROUND;
        let r = mul_add::<S, Self>(n, -Self::LN2_HIGH, self);
        (mul_add::<S, Self>(n, -Self::LN2_LOW, r), n_rounded)
    }

    /// e^x.
    #[inline(always)]
    fn exp<S: Simd>(self) -> Self {
        let y = self.exp_within::<S>();
        let y = if self < Self::EXP_MIN { Self::ZERO } else { y };
        if self <= Self::EXP_MAX { y } else { self + Self::INFINITY }
    }

    /// e^x - 1, precise near 0.
    #[inline(always)]
    fn expm1<S: Simd>(self) -> Self {
        let x = if self < Self::EXPM1_MIN { Self::EXPM1_MIN } else { self };
        let (r, n_rounded) = x.reduce::<S>();
        let e = mul_add::<S, Self>(r * r, Self::exp_polynomial::<S>(r), r);
        // 2^n·e + (2^n - 1), all halved, since 2^n may be one step beyond the largest number.
        let half = Self::ONE.scale(-1);
        let power = half.add_exponent(n_rounded);
        let y = mul_add::<S, Self>(power, e, power - half);
        if x <= Self::EXP_MAX { y + y } else { x + Self::INFINITY }
    }

    /// ln x; -∞ of 0, NaN of a negative number.
    #[inline(always)]
    fn ln<S: Simd>(self) -> Self {
        // Subnormal numbers are brought among the normal ones.
        let tiny = self < Self::MIN_POSITIVE;
        let (x, shift) =
            if tiny { (self * Self::LARGE, Self::from_f64(Self::LARGE_EXPONENT)) } else { (self, Self::ZERO) };
        let (k, m, _) = x.split_exponent();
        let y = Self::ln_reduced::<S>(m - Self::ONE, k - shift);
        Self::ln_ends(self, y)
    }

    /// ln(1 + x), precise near 0; -∞ of -1, NaN below.
    #[inline(always)]
    fn ln_1p<S: Simd>(self) -> Self {
        let u = Self::ONE + self;
        let (k, m, scale) = u.split_exponent();
        // 2^-k·(1 + x) - 1 from x itself, as u has lost some of its bits. Where it is large it has not.
        let near = mul_add::<S, Self>(self, scale, scale - Self::ONE);
        let f = if self < Self::LARGE { near } else { m - Self::ONE };
        Self::ln_ends(u, Self::ln_reduced::<S>(f, k))
    }

    /// ln(1 + x) for 0 <= x <= 1.
    #[inline(always)]
    fn ln_1p_unit<S: Simd>(self) -> Self {
        // k is 1 where 1 + x is above √2, else 0: rounded, not chosen, since a choice between two constants is made into two
        // copies of all that follows.
        let k = (self + Self::from_f64(1.5 - std::f64::consts::SQRT_2) + Self::ROUND) - Self::ROUND;
        let scale = mul_add::<S, Self>(k, Self::from_f64(-0.5), Self::ONE);
        // 2^-k·(1 + x) - 1.
        Self::ln_reduced::<S>(mul_add::<S, Self>(self, scale, scale - Self::ONE), k)
    }

    /// y = ln x, or its limit at the ends of the range.
    #[inline(always)]
    fn ln_ends(x: Self, y: Self) -> Self {
        let y = if x > Self::ZERO { y } else { -Self::INFINITY };
        // ∞ stays, NaN stays, and a negative number becomes 0 · ∞.
        let y = if x < Self::INFINITY { y } else { x };
        if x < Self::ZERO { Self::ZERO * Self::INFINITY } else { y }
    }

    /// tanh x = -z/(z + 2) with z = e^(-2|x|) - 1, and the sign of x.
    #[inline(always)]
    fn tanh<S: Simd>(self) -> Self {
        let a = self.abs();
        let z = (-(a + a)).expm1::<S>();
        (-z / (z + Self::ONE + Self::ONE)).copysign(self)
    }

    /// 1/(1 + e^-x).
    #[inline(always)]
    fn sigmoid<S: Simd>(self) -> Self {
        Self::ONE / (Self::ONE + (-self).exp::<S>())
    }

    /// The error function.
    #[inline(always)]
    fn erf<S: Simd>(self) -> Self {
        let a = self.abs();
        let small = mul_add::<S, Self>(a, Self::erf_small::<S>(a * a), a);
        let t = if a > Self::ERF_ONE { Self::ERF_ONE } else { a };
        let large = Self::ONE - (-Self::erf_large::<S>(t)).exp_within::<S>();
        // This way round NaN takes the side that keeps it.
        let y = if a >= Self::from_f64(0.875) { large } else { small };
        y.copysign(self)
    }

    /// The exponent of [`LARGE`](Self::LARGE).
    const LARGE_EXPONENT: f64;
}

impl Math for f32 {
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
    const MIN_POSITIVE: f32 = f32::MIN_POSITIVE;
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN2_HIGH: f32 = 0.693_359_375;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    const ROUND: f32 = 12_582_912.0;
    const EXP_MAX: f32 = 88.722_84;
    const EXP_MIN: f32 = -87.336_54;
    const EXPM1_MIN: f32 = -18.0;
    const ERF_ONE: f32 = 4.0;
    const LARGE: f32 = 16_777_216.0;
    const LARGE_EXPONENT: f64 = 24.0;
    const INFINITY: f32 = f32::INFINITY;

    #[inline(always)]
    fn from_f64(x: f64) -> f32 {
        x as f32
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self as f64
    }
    #[inline(always)]
    fn abs(self) -> f32 {
        f32::abs(self)
    }
    #[inline(always)]
    fn sqrt(self) -> f32 {
        f32::sqrt(self)
    }
    #[inline(always)]
    fn copysign(self, sign: f32) -> f32 {
        f32::copysign(self, sign)
    }
    #[inline(always)]
    fn from_bits24(x: u32) -> f32 {
        // Every instruction set converts signed numbers, not all convert unsigned ones.
        x as i32 as f32
    }
    #[inline(always)]
    fn add_exponent(self, n_rounded: f32) -> f32 {
        // `ROUND` itself has no bits as low as those that stay.
        f32::from_bits(self.to_bits().wrapping_add(n_rounded.to_bits() << 23))
    }
    #[inline(always)]
    fn scale(self, i: i32) -> f32 {
        f32::from_bits(self.to_bits().wrapping_add((i as u32) << 23))
    }
    #[inline(always)]
    fn split_exponent(self) -> (f32, f32, f32) {
        const HALF_ROOT: u32 = std::f32::consts::FRAC_1_SQRT_2.to_bits();
        const ONE: u32 = 1f32.to_bits();
        let shifted = self.to_bits().wrapping_add(ONE - HALF_ROOT);
        let exponent = (shifted >> 23) as i32;
        let m = f32::from_bits((shifted & 0x7f_ffff).wrapping_add(HALF_ROOT));
        ((exponent - 127) as f32, m, f32::from_bits(254u32.wrapping_sub(exponent as u32) << 23))
    }
    #[inline(always)]
    fn exp_polynomial<S: Simd>(r: f32) -> f32 {
        horner!(r; 0.5, 0.166_665_42, 0.041_666_28, 8.366_711e-3, 1.394_667e-3)
    }
    #[inline(always)]
    fn ln_reduced<S: Simd>(f: f32, k: f32) -> f32 {
        let p = horner!(f; 0.333_333_13, -0.250_000_1, 0.200_021_34, -0.166_680_07, 0.142_192_24, -0.124_051_355,
            0.118_903_23, -0.116_796_54, 0.067_466_006);
        let z = f * f;
        let y = mul_add::<S, f32>(f * z, p, k * Self::LN2_LOW);
        let y = mul_add::<S, f32>(-0.5, z, y);
        mul_add::<S, f32>(k, Self::LN2_HIGH, f + y)
    }
    #[inline(always)]
    fn erf_small<S: Simd>(z: f32) -> f32 {
        horner!(z; 0.128_379_16, -0.376_125_5, 0.112_824_55, -0.026_791_463, 5.032_181_3e-3, -6.203_255_6e-4)
    }
    #[inline(always)]
    fn erf_large<S: Simd>(x: f32) -> f32 {
        horner!(x; 1.335_750_6e-4, 1.127_936_1, 0.636_737_23, 0.104_327_51, -0.022_420_218, 3.092_292_2e-3,
            -2.009_962_3e-4)
    }
}

impl Math for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    const MIN_POSITIVE: f64 = f64::MIN_POSITIVE;
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const ROUND: f64 = 6_755_399_441_055_744.0;
    const EXP_MAX: f64 = 709.782_712_893_384;
    const EXP_MIN: f64 = -708.396_418_532_264_1;
    const EXPM1_MIN: f64 = -38.0;
    const ERF_ONE: f64 = 6.0;
    const LARGE: f64 = 9_007_199_254_740_992.0;
    const LARGE_EXPONENT: f64 = 53.0;
    const INFINITY: f64 = f64::INFINITY;

    #[inline(always)]
    fn from_f64(x: f64) -> f64 {
        x
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn abs(self) -> f64 {
        f64::abs(self)
    }
    #[inline(always)]
    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }
    #[inline(always)]
    fn copysign(self, sign: f64) -> f64 {
        f64::copysign(self, sign)
    }
    #[inline(always)]
    fn from_bits24(x: u32) -> f64 {
        // Every instruction set converts signed numbers, not all convert unsigned ones.
        x as i32 as f64
    }
    #[inline(always)]
    fn add_exponent(self, n_rounded: f64) -> f64 {
        f64::from_bits(self.to_bits().wrapping_add(n_rounded.to_bits() << 52))
    }
    #[inline(always)]
    fn scale(self, i: i32) -> f64 {
        f64::from_bits(self.to_bits().wrapping_add((i as u64) << 52))
    }
    #[inline(always)]
    fn split_exponent(self) -> (f64, f64, f64) {
        const HALF_ROOT: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();
        const ONE: u64 = 1f64.to_bits();
        const TWO_52: f64 = 4_503_599_627_370_496.0;
        let shifted = self.to_bits().wrapping_add(ONE - HALF_ROOT);
        let exponent = shifted >> 52;
        let m = f64::from_bits((shifted & 0xf_ffff_ffff_ffff).wrapping_add(HALF_ROOT));
        // Not every instruction set converts 64-bit integers: as the mantissa of 2^52 + exponent it needs no conversion.
        let k = f64::from_bits(TWO_52.to_bits() | exponent) - (TWO_52 + 1023.0);
        (k, m, f64::from_bits(2046u64.wrapping_sub(exponent) << 52))
    }
    #[inline(always)]
    fn exp_polynomial<S: Simd>(r: f64) -> f64 {
        horner!(r; 0.5, 0.16666666666666677, 0.0416666666666667, 0.008333333333321436, 0.0013888888888866507,
            0.00019841269886673455, 2.4801587361219044e-5, 2.7557243609126217e-6, 2.7557242186358447e-7,
            2.5109261826234543e-8, 2.0924622060862116e-9)
    }
    #[inline(always)]
    fn ln_reduced<S: Simd>(f: f64, k: f64) -> f64 {
        // With s = f/(2 + f): ln(1 + f) = 2 atanh s = f - f²/2 + s·(f²/2 + s²·R(s²)).
        let s = f / (2.0 + f);
        let z = s * s;
        let r = z * horner!(z; 0.6666666666666735, 0.39999999999407476, 0.285714287441447, 0.22222198378151592,
            0.18183575181369582, 0.15313755379993974, 0.14799069664444114);
        let half_square = 0.5 * f * f;
        let low = mul_add::<S, f64>(s, half_square + r, k * Self::LN2_LOW);
        mul_add::<S, f64>(k, Self::LN2_HIGH, f - (half_square - low))
    }
    #[inline(always)]
    fn erf_small<S: Simd>(z: f64) -> f64 {
        horner!(z; 0.1283791670955126, -0.37612638903183737, 0.11283791670954303, -0.026866170644932616,
            0.005223977622956163, -0.0008548326839446826, 0.0001205532432617845, -1.4925381491126939e-5,
            1.6456518594500042e-6, -1.628838077560601e-7, 1.411805934351147e-8, -8.655117191903214e-10)
    }
    #[inline(always)]
    fn erf_large<S: Simd>(x: f64) -> f64 {
        horner!(x; 1.986784774284065e-7, 1.1283770165102514, 0.6366305535620869, 0.10273943379248827,
            -0.019058563530724056, -0.0003154996343080711, 0.0018156325057011656, -0.0006887584011082678,
            8.267101187089046e-5, 4.666873424512894e-5, -3.330811379690051e-5, 1.1929441988332082e-5,
            -2.921000519174989e-6, 5.16507938836319e-7, -6.552584324599062e-8, 5.690883837354722e-9,
            -3.039212090671193e-10, 7.536814955187712e-12)
    }
}

#[cfg(test)]
mod tests;
