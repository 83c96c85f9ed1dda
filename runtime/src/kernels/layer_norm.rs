//! Layer norm: each group of consecutive elements is brought to mean 0 and variance 1, then scaled and shifted. RMS norm is
//! the same with 0 in the place of the mean: it brings the mean square to 1.
//!
//! | | formula, over a group of `len` elements |
//! |---|---|
//! | statistics | μ = Σ x/len, r = 1/√(Σ (x - μ)²/len + ε) |
//! | forward | x̂ = (x - μ)·r, y = x̂·w + b |
//! | gradient of the input | dx = r·(g - Σ g/len - x̂·Σ g·x̂/len), g = dy·w |
//! | gradients of the parameters | dw = Σ dy·x̂, db = Σ dy, over all groups of all rows |
//!
//! The variance is that of the differences from the mean (two passes over what lies in the first-level cache), so it does
//! not cancel. Kept are μ and r of each group, one after the other.
//!
//! # References
//! `torch.nn.LayerNorm`; Ba, Kiros and Hinton, Layer Normalization, 2016. `torch.nn.RMSNorm`; Zhang and Sennrich, Root Mean
//! Square Layer Normalization, 2019.

use super::Span;
use super::columns::{ColumnSum, Columns, Scalars, finish_columns};
use crate::simd::math::Math;
use crate::simd::reduce::{dot, dot_centred, dot3_centred, sum, sum_centred, sum_squares};
use crate::simd::{Simd, mul_add, multiversion};
use crate::{Real, Update};

/// Groups of `len` elements, brought to mean 0 first if they are to be centred; else μ is 0.
#[derive(Clone, Copy, Debug)]
pub struct Norm {
    len: usize,
    centred: bool,
}

/// The loops behind this file's functions, on flat slices; `statistics` are μ and r of each group.
pub trait LayerNormKernels: Sized {
    /// Statistics and y.
    fn layer_norm_forward(
        norm: Norm,
        eps: f64,
        x: &[Self],
        w: &[Self],
        b: &[Self],
        statistics: &mut [Self],
        y: &mut [Self],
    );
    /// dx.
    fn layer_norm_backward_input(norm: Norm, x: &[Self], w: &[Self], statistics: &[Self], dy: &[Self], dx: &mut [Self]);
}

/// y = (x - μ)·r·w + b for each group of `len` elements; `weight` and `bias` may be empty. Fills `statistics` with μ and r
/// of each group.
#[inline]
pub fn layer_norm_forward<T: Real, const X: usize, const S: usize>(
    len: usize,
    eps: f64,
    x: &[[T; X]],
    weight: &[T],
    bias: &[T],
    statistics: &mut [[T; S]],
    y: &mut [[T; X]],
) {
    assert!(x.len() == y.len() && x.len() == statistics.len(), "batches of different lengths");
    check::<T, X, S>(len, weight, bias);
    let (x, y) = (x.as_flattened(), y.as_flattened_mut());
    T::layer_norm_forward(Norm::centred(len), eps, x, weight, bias, statistics.as_flattened_mut(), y);
}

/// y alone, for predictions: the same numbers as [`layer_norm_forward`], whose statistics are not kept.
#[inline]
pub fn layer_norm_predict<T: Real, const X: usize>(
    len: usize,
    eps: f64,
    x: &[[T; X]],
    weight: &[T],
    bias: &[T],
    y: &mut [[T; X]],
) {
    predict(Norm::centred(len), eps, x, weight, bias, y);
}

/// dx = r·(g - mean g - x̂·mean(g·x̂)) with g = dy·w.
#[inline]
pub fn layer_norm_backward_input<T: Real, const X: usize, const S: usize>(
    len: usize,
    x: &[[T; X]],
    weight: &[T],
    statistics: &[[T; S]],
    dy: &[[T; X]],
    dx: &mut [[T; X]],
) {
    assert!(x.len() == dy.len() && x.len() == dx.len() && x.len() == statistics.len(), "batches of different lengths");
    check::<T, X, S>(len, weight, &[]);
    let (x, dy, dx) = (x.as_flattened(), dy.as_flattened(), dx.as_flattened_mut());
    T::layer_norm_backward_input(Norm::centred(len), x, weight, statistics.as_flattened(), dy, dx);
}

/// dw = Σ dy·x̂ over all groups of all rows.
#[inline]
pub fn layer_norm_backward_weight<T: Real, const X: usize, const S: usize, const D: usize>(
    len: usize,
    x: &[[T; X]],
    statistics: &[[T; S]],
    dy: &[[T; X]],
    weight: Span<1, D>,
    update: &mut Update<'_, T>,
) {
    assert!(x.len() == dy.len() && x.len() == statistics.len(), "batches of different lengths");
    assert_eq!(len, D, "a weight of another length than the group");
    check::<T, X, S>(len, &[], &[]);
    let (x, dy, statistics) = (x.as_flattened(), dy.as_flattened(), statistics.as_flattened());
    finish_columns(update, weight.index, weight.offset, D, |range, sums| {
        let shape = Columns { count: len, inner: 1 };
        T::column_sums(ColumnSum::Normalised, shape, range, dy, x, Scalars::Row(statistics), sums);
    });
}

/// db = Σ dy over all groups of all rows.
#[inline]
pub fn layer_norm_backward_bias<T: Real, const X: usize, const D: usize>(
    dy: &[[T; X]],
    bias: Span<1, D>,
    update: &mut Update<'_, T>,
) {
    const { assert!(X.is_multiple_of(D), "a sample is not a whole number of groups") }
    let dy = dy.as_flattened();
    finish_columns(update, bias.index, bias.offset, D, |range, sums| {
        let shape = Columns { count: D, inner: 1 };
        T::column_sums(ColumnSum::Differences, shape, range, dy, dy, Scalars::None, sums);
    });
}

/// y = x·r·w with r = 1/√(mean x² + ε) for each group of `len` elements; `weight` may be empty, and without `eps` it is the
/// type's epsilon. Fills `statistics` with 0 and r of each group, so that the gradient of the weight is
/// [`layer_norm_backward_weight`]'s.
#[inline]
pub fn rms_norm_forward<T: Real, const X: usize, const S: usize>(
    len: usize,
    eps: Option<f64>,
    x: &[[T; X]],
    weight: &[T],
    statistics: &mut [[T; S]],
    y: &mut [[T; X]],
) {
    assert!(x.len() == y.len() && x.len() == statistics.len(), "batches of different lengths");
    check::<T, X, S>(len, weight, &[]);
    let (eps, norm) = (eps.unwrap_or(T::EPSILON.to_f64()), Norm { len, centred: false });
    let (x, y) = (x.as_flattened(), y.as_flattened_mut());
    T::layer_norm_forward(norm, eps, x, weight, &[], statistics.as_flattened_mut(), y);
}

/// y alone, for predictions: the same numbers as [`rms_norm_forward`].
#[inline]
pub fn rms_norm_predict<T: Real, const X: usize>(
    len: usize,
    eps: Option<f64>,
    x: &[[T; X]],
    weight: &[T],
    y: &mut [[T; X]],
) {
    predict(Norm { len, centred: false }, eps.unwrap_or(T::EPSILON.to_f64()), x, weight, &[], y);
}

/// dx = r·(g - x̂·mean(g·x̂)) with g = dy·w and x̂ = x·r.
#[inline]
pub fn rms_norm_backward_input<T: Real, const X: usize, const S: usize>(
    len: usize,
    x: &[[T; X]],
    weight: &[T],
    statistics: &[[T; S]],
    dy: &[[T; X]],
    dx: &mut [[T; X]],
) {
    assert!(x.len() == dy.len() && x.len() == dx.len() && x.len() == statistics.len(), "batches of different lengths");
    check::<T, X, S>(len, weight, &[]);
    let (x, dy, dx) = (x.as_flattened(), dy.as_flattened(), dx.as_flattened_mut());
    T::layer_norm_backward_input(Norm { len, centred: false }, x, weight, statistics.as_flattened(), dy, dx);
}

#[inline]
fn predict<T: Real, const X: usize>(norm: Norm, eps: f64, x: &[[T; X]], weight: &[T], bias: &[T], y: &mut [[T; X]]) {
    let len = norm.len;
    assert_eq!(x.len(), y.len(), "batches of different lengths");
    assert!(len > 0 && X.is_multiple_of(len), "a sample of {X} in groups of {len}");
    assert!(weight.is_empty() || weight.len() == len, "{} weights for groups of {len}", weight.len());
    assert!(bias.is_empty() || bias.len() == len, "{} biases for groups of {len}", bias.len());
    // Room on the stack for the statistics of a few groups at a time.
    const GROUPS: usize = 32;
    let mut statistics = [T::ZERO; 2 * GROUPS];
    let (x, y) = (x.as_flattened().chunks(GROUPS * len), y.as_flattened_mut().chunks_mut(GROUPS * len));
    for (x, y) in x.zip(y) {
        T::layer_norm_forward(norm, eps, x, weight, bias, &mut statistics[..2 * (x.len() / len)], y);
    }
}

impl Norm {
    fn centred(len: usize) -> Norm {
        Norm { len, centred: true }
    }
}

#[inline]
fn check<T, const X: usize, const S: usize>(len: usize, weight: &[T], bias: &[T]) {
    assert!(
        len > 0 && X.is_multiple_of(len) && S == 2 * (X / len),
        "{S} statistics for a sample of {X} in groups of {len}"
    );
    assert!(weight.is_empty() || weight.len() == len, "{} weights for groups of {len}", weight.len());
    assert!(bias.is_empty() || bias.len() == len, "{} biases for groups of {len}", bias.len());
}

#[inline(always)]
fn forward_body<S: Simd, T: Math>(norm: Norm, eps: f64, x: &[T], w: &[T], b: &[T], statistics: &mut [T], y: &mut [T]) {
    let Norm { len, centred } = norm;
    let (one_over_len, eps) = (T::from_f64(1.0 / len as f64), T::from_f64(eps));
    let groups = x.chunks_exact(len).zip(y.chunks_exact_mut(len)).zip(statistics.chunks_exact_mut(2));
    for ((x, y), statistics) in groups {
        // From the first element on: that of equal numbers is exact, however far from zero they are.
        let mean = if centred { x[0] + sum_centred(x, x[0]) * one_over_len } else { T::ZERO };
        let variance = sum_squares::<S, T>(x, mean) * one_over_len;
        let r = T::ONE / (variance + eps).sqrt();
        (statistics[0], statistics[1]) = (mean, r);
        match (w.is_empty(), b.is_empty()) {
            (true, true) => {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = (x - mean) * r;
                }
            }
            (false, true) => {
                for ((y, &x), &w) in y.iter_mut().zip(x).zip(w) {
                    *y = (x - mean) * r * w;
                }
            }
            (true, false) => {
                for ((y, &x), &b) in y.iter_mut().zip(x).zip(b) {
                    *y = mul_add::<S, T>(x - mean, r, b);
                }
            }
            (false, false) => {
                for (((y, &x), &w), &b) in y.iter_mut().zip(x).zip(w).zip(b) {
                    *y = mul_add::<S, T>((x - mean) * r, w, b);
                }
            }
        }
    }
}

#[inline(always)]
fn backward_input_body<S: Simd, T: Math>(norm: Norm, x: &[T], w: &[T], statistics: &[T], dy: &[T], dx: &mut [T]) {
    let Norm { len, centred } = norm;
    let one_over_len = T::from_f64(1.0 / len as f64);
    let groups = x.chunks_exact(len).zip(dy.chunks_exact(len)).zip(dx.chunks_exact_mut(len));
    for (((x, dy), dx), statistics) in groups.zip(statistics.chunks_exact(2)) {
        let (mean, r) = (statistics[0], statistics[1]);
        let (total, total_x) = if w.is_empty() {
            (sum(dy), dot_centred::<S, T>(dy, x, mean))
        } else {
            (dot::<S, T>(dy, w), dot3_centred::<S, T>(dy, w, x, mean))
        };
        let shift = if centred { total * one_over_len } else { T::ZERO };
        let slope = total_x * one_over_len * r * r;
        if w.is_empty() {
            for ((dx, &x), &dy) in dx.iter_mut().zip(x).zip(dy) {
                *dx = r * mul_add::<S, T>(-slope, x - mean, dy - shift);
            }
        } else {
            for (((dx, &x), &dy), &w) in dx.iter_mut().zip(x).zip(dy).zip(w) {
                *dx = r * mul_add::<S, T>(-slope, x - mean, dy * w - shift);
            }
        }
    }
}

macro_rules! layer_norm_kernels {
    ($($t:ident)*) => { $(
        impl LayerNormKernels for $t {
            fn layer_norm_forward(
                norm: Norm, eps: f64, x: &[$t], w: &[$t], b: &[$t], statistics: &mut [$t], y: &mut [$t],
            ) {
                multiversion! {
                    fn run(norm: Norm, eps: f64, x: &[$t], w: &[$t], b: &[$t], statistics: &mut [$t], y: &mut [$t])
                        = forward_body::<S, $t>;
                }
                run(norm, eps, x, w, b, statistics, y);
            }
            fn layer_norm_backward_input(
                norm: Norm, x: &[$t], w: &[$t], statistics: &[$t], dy: &[$t], dx: &mut [$t],
            ) {
                multiversion! {
                    fn run(norm: Norm, x: &[$t], w: &[$t], statistics: &[$t], dy: &[$t], dx: &mut [$t])
                        = backward_input_body::<S, $t>;
                }
                run(norm, x, w, statistics, dy, dx);
            }
        }
    )* };
}
layer_norm_kernels!(f32 f64);

#[cfg(test)]
mod tests;
