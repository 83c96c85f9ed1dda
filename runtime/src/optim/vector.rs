//! Loops over whole vectors that optimizers, clipping and averages share, compiled in this crate.
//!
//! A sum goes over 16 lanes, each in rising order, which are then added in order, in `f64`: the same bits on every
//! instruction set and for any number of threads.
#![allow(clippy::extra_unused_type_parameters, reason = "bodies are compiled for each set, but do not ask which it is")]

use crate::Real;
use crate::simd::vector::Lanes;
use crate::simd::{Simd, multiversion};

const LANES: usize = 16;

/// The sum of `term` over all elements.
#[inline(always)]
fn sum<T: Real>(x: &[T], term: impl Fn(f64) -> f64 + Copy) -> f64 {
    let mut lanes = [0.0; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += term(x.to_f64());
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane += term(x.to_f64());
    }
    lanes.iter().sum()
}

#[inline(always)]
fn square(x: f64) -> f64 {
    x * x
}

#[inline(always)]
fn sum_of_squares_body<S: Simd, T: Real>(x: &[T]) -> f64 {
    sum(x, square)
}

#[inline(always)]
fn sum_of_magnitudes_body<S: Simd, T: Real>(x: &[T]) -> f64 {
    sum(x, f64::abs)
}

#[inline(always)]
fn largest_magnitude_body<S: Simd, T: Real>(x: &[T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane = x.abs().max_nan(*lane);
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane = x.abs().max_nan(*lane);
    }
    lanes.into_iter().fold(T::ZERO, T::max_nan)
}

#[inline(always)]
fn scale_body<S: Simd, T: Real>(x: &mut [T], factor: T) {
    for x in x {
        *x *= factor;
    }
}

#[inline(always)]
fn clamp_body<S: Simd, T: Real>(x: &mut [T], limit: T) {
    for x in x {
        let below = if *x > limit { limit } else { *x };
        *x = if below < -limit { -limit } else { below };
    }
}

#[inline(always)]
fn lerp_body<S: Simd, T: Real>(x: &mut [T], end: &[T], weight: T) {
    for (x, &end) in x.iter_mut().zip(end) {
        *x = *x + weight * (end - *x);
    }
}

#[inline(always)]
fn dot_body<S: Simd, T: Real>(x: &[T], y: &[T]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (x_chunks, x_rest) = x.as_chunks::<LANES>();
    let (y_chunks, y_rest) = y[..x.len()].as_chunks::<LANES>();
    for (x, y) in x_chunks.iter().zip(y_chunks) {
        for lane in 0..LANES {
            lanes[lane] += x[lane].to_f64() * y[lane].to_f64();
        }
    }
    for ((lane, x), y) in lanes.iter_mut().zip(x_rest).zip(y_rest) {
        *lane += x.to_f64() * y.to_f64();
    }
    lanes.iter().sum()
}

#[inline(always)]
fn add_scaled_body<S: Simd, T: Real>(y: &mut [T], factor: T, x: &[T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}

/// A sum of which one term is NaN or infinite is so too, so one addition for each register tells. As a sum of finite terms
/// may be infinite, each element is looked at where it is.
#[inline(always)]
fn all_finite_body<S: Lanes<T>, T: Real>(s: S, x: &[T]) -> bool {
    // As many additions as are under way at once.
    const REGISTERS: usize = 8;
    let mut sums = [s.splat(T::ZERO); REGISTERS];
    let mut chunks = x.chunks_exact(REGISTERS * S::LANES);
    for chunk in &mut chunks {
        for r in 0..REGISTERS {
            sums[r] = s.add(sums[r], s.load(&chunk[r * S::LANES..]));
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    let mut sum = s.add(s.add(s.add(a, b), s.add(c, d)), s.add(s.add(e, f), s.add(g, h)));
    let mut rest = chunks.remainder().chunks_exact(S::LANES);
    for part in &mut rest {
        sum = s.add(sum, s.load(part));
    }
    sum = s.add(sum, s.load_part(rest.remainder()));
    let mut lanes = [T::ZERO; LANES];
    s.store(sum, &mut lanes);
    // Without a branch for each lane.
    lanes[..S::LANES].iter().fold(true, |finite, sum| finite & sum.is_finite()) || x.iter().all(|x| x.is_finite())
}

macro_rules! vector_kernels {
    ($($t:ident: $squares:ident $magnitudes:ident $largest:ident $scale:ident $clamp:ident $lerp:ident
        $dot:ident $add_scaled:ident $all_finite:ident;)*) => { $(
        multiversion! {
            fn $dot(x: &[$t], y: &[$t]) -> f64 = dot_body::<S, $t>;
            fn $add_scaled(y: &mut [$t], factor: $t, x: &[$t]) = add_scaled_body::<S, $t>;
            fn $all_finite(x: &[$t]) -> bool = all_finite_body::<S, $t> with simd;
            fn $squares(x: &[$t]) -> f64 = sum_of_squares_body::<S, $t>;
            fn $magnitudes(x: &[$t]) -> f64 = sum_of_magnitudes_body::<S, $t>;
            fn $largest(x: &[$t]) -> $t = largest_magnitude_body::<S, $t>;
            fn $scale(x: &mut [$t], factor: $t) = scale_body::<S, $t>;
            fn $clamp(x: &mut [$t], limit: $t) = clamp_body::<S, $t>;
            fn $lerp(x: &mut [$t], end: &[$t], weight: $t) = lerp_body::<S, $t>;
        }
        impl VectorKernels for $t {
            fn sum_of_squares(x: &[$t]) -> f64 {
                $squares(x)
            }
            fn sum_of_magnitudes(x: &[$t]) -> f64 {
                $magnitudes(x)
            }
            fn largest_magnitude(x: &[$t]) -> $t {
                $largest(x)
            }
            fn scale(x: &mut [$t], factor: $t) {
                $scale(x, factor);
            }
            fn clamp_all(x: &mut [$t], limit: $t) {
                $clamp(x, limit);
            }
            fn lerp(x: &mut [$t], end: &[$t], weight: $t) {
                $lerp(x, end, weight);
            }
            fn dot(x: &[$t], y: &[$t]) -> f64 {
                $dot(x, y)
            }
            fn add_scaled(y: &mut [$t], factor: $t, x: &[$t]) {
                $add_scaled(y, factor, x);
            }
            fn all_finite(x: &[$t]) -> bool {
                $all_finite(x)
            }
        }
    )* };
}

vector_kernels! {
    f32: squares_f32 magnitudes_f32 largest_f32 scale_f32 clamp_f32 lerp_f32 dot_f32 add_scaled_f32 all_finite_f32;
    f64: squares_f64 magnitudes_f64 largest_f64 scale_f64 clamp_f64 lerp_f64 dot_f64 add_scaled_f64 all_finite_f64;
}

/// Loops over whole vectors of one scalar type.
pub trait VectorKernels: Sized {
    /// ∑ xᵢ².
    fn sum_of_squares(x: &[Self]) -> f64;
    /// ∑ |xᵢ|.
    fn sum_of_magnitudes(x: &[Self]) -> f64;
    /// max |xᵢ|, NaN if there is one.
    fn largest_magnitude(x: &[Self]) -> Self;
    /// x ← factor · x.
    fn scale(x: &mut [Self], factor: Self);
    /// x ← x within [−limit, limit]; NaN stays.
    fn clamp_all(x: &mut [Self], limit: Self);
    /// x ← x + weight · (end − x).
    fn lerp(x: &mut [Self], end: &[Self], weight: Self);
    /// ∑ xᵢ · yᵢ.
    fn dot(x: &[Self], y: &[Self]) -> f64;
    /// y ← y + factor · x.
    fn add_scaled(y: &mut [Self], factor: Self, x: &[Self]);
    /// Whether no element is NaN or infinite.
    fn all_finite(x: &[Self]) -> bool;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_place_counts<T: Real>(large: f64) {
        for isa in crate::simd::Isa::all() {
            isa.force(|| {
                for len in (0..70).chain([127, 128, 129, 403]) {
                    // Their sum is infinite.
                    let mut x = vec![T::from_f64(large); len];
                    assert!(T::all_finite(&x), "{isa:?}, {len}");
                    x.fill(T::from_f64(-0.5));
                    for place in 0..len {
                        for spoilt in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
                            x[place] = T::from_f64(spoilt);
                            assert!(!T::all_finite(&x), "{isa:?}, {place} of {len}: {spoilt}");
                        }
                        x[place] = T::from_f64(-0.5);
                    }
                    if len > 1 {
                        (x[0], x[len - 1]) = (T::from_f64(f64::INFINITY), T::from_f64(f64::NEG_INFINITY));
                        assert!(!T::all_finite(&x), "{isa:?}: they cancel out in {len}");
                    }
                }
            });
        }
    }

    #[test]
    fn all_elements_are_looked_at_on_every_instruction_set() {
        every_place_counts::<f32>(f32::MAX.into());
        every_place_counts::<f64>(f64::MAX);
    }
}
