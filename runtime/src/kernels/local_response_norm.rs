//! Local response norm: each element is divided by a power of the mean square of its neighbours along the channels.
//!
//! | | formula, for channel c |
//! |---|---|
//! | scale | d = k + α/size · Σ x², over the channels c - ⌊size/2⌋ to c + ⌊(size-1)/2⌋ that there are |
//! | forward | y = x·d^-β |
//! | gradient | dx = dy·d^-β - 2αβ/size · x · Σ dy·x·d^(-β-1), over the channels whose d has x in it |
//!
//! A sample is `[…, channels, inner]`, so a neighbour is `inner` elements away, and a window a sum of shifted slices of
//! one piece `[channels, inner]`. Nothing is kept: d is cheap beside its power.
//!
//! # References
//! `torch.nn.LocalResponseNorm`; Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep Convolutional Neural
//! Networks, 2012, section 3.3.

use super::Axis;
use crate::Real;
use crate::parallel::with_scratch;
use crate::simd::math::Math;
use crate::simd::{Simd, mul_add, multiversion};

/// The numbers of a local response norm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Response {
    /// The channels of a window.
    pub size: usize,
    /// α: what the mean square is multiplied by.
    pub alpha: f64,
    /// β: the exponent.
    pub beta: f64,
    /// k: what is added to it.
    pub k: f64,
}

/// The loops behind this file's functions, on flat slices.
pub trait LocalResponseKernels: Sized {
    /// y into `out`; with `dy` and room for a piece `[channels, inner]`, dx.
    fn local_response(axis: Axis, response: Response, x: &[Self], dy: &[Self], scratch: &mut [Self], out: &mut [Self]);
}

/// y = x·(k + α/size·Σ x²)^-β, the sum over `size` channels around each.
#[inline]
pub fn local_response_norm_forward<T: Real, const X: usize>(
    axis: Axis,
    response: Response,
    x: &[[T; X]],
    y: &mut [[T; X]],
) {
    assert_eq!(x.len(), y.len(), "batches of different lengths");
    check(axis, X);
    T::local_response(axis, response, x.as_flattened(), &[], &mut [], y.as_flattened_mut());
}

/// dx of [`local_response_norm_forward`].
#[inline]
pub fn local_response_norm_backward<T: Real, const X: usize>(
    axis: Axis,
    response: Response,
    x: &[[T; X]],
    dy: &[[T; X]],
    dx: &mut [[T; X]],
) {
    assert!(x.len() == dy.len() && x.len() == dx.len(), "batches of different lengths");
    check(axis, X);
    with_scratch(axis.len * axis.inner, |scratch| {
        T::local_response(axis, response, x.as_flattened(), dy.as_flattened(), scratch, dx.as_flattened_mut());
    });
}

#[inline]
fn check(axis: Axis, sample: usize) {
    let piece = axis.len * axis.inner;
    assert!(piece > 0 && sample.is_multiple_of(piece), "a sample of {sample} in pieces of {piece}");
}

/// The elements that are worked on at a time.
const TILE: usize = 128;

/// For the elements of a piece from `start` on, Σ of `value` over the `size` channels from `before` channels earlier.
#[inline(always)]
fn window<T: Math>(
    value: impl Fn(T) -> T,
    piece: &[T],
    start: usize,
    width: usize,
    inner: usize,
    before: usize,
    size: usize,
) -> [T; TILE] {
    let mut sums = [T::ZERO; TILE];
    for o in 0..size {
        // Where the neighbours of the tile's first element and of the one after its last are, if `before` channels earlier
        // than they are.
        let (first, end) = (start + o * inner, start + width + o * inner);
        let skip = (before * inner).saturating_sub(first);
        let end = end.min(piece.len() + before * inner);
        if first + skip >= end {
            continue;
        }
        let neighbours = &piece[first + skip - before * inner..end - before * inner];
        for (sum, &x) in sums[skip..].iter_mut().zip(neighbours) {
            *sum += value(x);
        }
    }
    sums
}

#[inline(always)]
fn local_response_body<S: Simd, T: Math>(
    axis: Axis,
    response: Response,
    x: &[T],
    dy: &[T],
    scratch: &mut [T],
    out: &mut [T],
) {
    let Response { size, alpha, beta, k } = response;
    let (inner, piece) = (axis.inner, axis.len * axis.inner);
    let (over_size, k, power) = (T::from_f64(alpha / size as f64), T::from_f64(k), T::from_f64(-beta));
    let factor = T::from_f64(-2.0 * alpha * beta / size as f64);
    for (i, (x, out)) in x.chunks_exact(piece).zip(out.chunks_exact_mut(piece)).enumerate() {
        for start in (0..piece).step_by(TILE) {
            let width = TILE.min(piece - start);
            let mut d = window(|x| x * x, x, start, width, inner, size / 2, size);
            let mut scale = [T::ZERO; TILE];
            for (d, scale) in d[..width].iter_mut().zip(&mut scale) {
                *d = mul_add::<S, T>(over_size, *d, k);
                *scale = (power * (*d).ln::<S>()).exp::<S>();
            }
            let (x, out) = (&x[start..][..width], &mut out[start..][..width]);
            if dy.is_empty() {
                for ((out, &x), &scale) in out.iter_mut().zip(x).zip(&scale) {
                    *out = x * scale;
                }
                continue;
            }
            let (dy, t) = (&dy[i * piece + start..][..width], &mut scratch[start..][..width]);
            for (((((t, out), &x), &dy), &scale), &d) in t.iter_mut().zip(out).zip(x).zip(dy).zip(&scale).zip(&d) {
                *out = dy * scale;
                *t = *out * x / d;
            }
        }
        if dy.is_empty() {
            continue;
        }
        for start in (0..piece).step_by(TILE) {
            let width = TILE.min(piece - start);
            let sums = window(|t| t, scratch, start, width, inner, (size - 1) / 2, size);
            for ((out, &x), &sum) in out[start..][..width].iter_mut().zip(&x[start..]).zip(&sums) {
                *out = mul_add::<S, T>(factor * x, sum, *out);
            }
        }
    }
}

macro_rules! local_response_kernels {
    ($($t:ident)*) => { $(
        impl LocalResponseKernels for $t {
            fn local_response(
                axis: Axis, response: Response, x: &[$t], dy: &[$t], scratch: &mut [$t], out: &mut [$t],
            ) {
                multiversion! {
                    fn run(axis: Axis, response: Response, x: &[$t], dy: &[$t], scratch: &mut [$t], out: &mut [$t])
                        = local_response_body::<S, $t>;
                }
                run(axis, response, x, dy, scratch, out);
            }
        }
    )* };
}
local_response_kernels!(f32 f64);

#[cfg(test)]
mod tests;
