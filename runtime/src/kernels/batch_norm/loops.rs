//! The loops of batch norm, compiled for each instruction set.

use super::super::columns::TILE;
use crate::simd::math::Math;
use crate::simd::{Simd, mul_add, multiversion};

/// What the loops need to know of each channel; empty `mean` and `b` count as 0, empty `w` as 1.
#[derive(Clone, Copy, Debug)]
pub struct Channels<'a, T> {
    /// The elements of a channel that lie beside each other.
    pub(in crate::kernels) inner: usize,
    pub(in crate::kernels) mean: &'a [T],
    pub(in crate::kernels) r: &'a [T],
    pub(in crate::kernels) w: &'a [T],
    pub(in crate::kernels) b: &'a [T],
}

/// The gradient's coefficients of each channel.
#[derive(Clone, Copy, Debug)]
pub struct Slopes<'a, T> {
    /// As that of [`Channels`].
    pub(in crate::kernels) inner: usize,
    pub(in crate::kernels) mean: &'a [T],
    pub(in crate::kernels) slope: &'a [T],
    pub(in crate::kernels) shift: &'a [T],
    pub(in crate::kernels) tilt: &'a [T],
}

/// The loops behind batch norm's functions, and group norm's, on flat slices.
pub trait BatchNormKernels: Sized {
    /// y = (x - μ)·r·w + b.
    fn channel_affine(channels: Channels<'_, Self>, x: &[Self], y: &mut [Self]);
    /// y = (y - mean)·slope + shift of channels side by side: with the bits of [`channel_affine`](Self::channel_affine).
    fn scale_and_shift(mean: &[Self], slope: &[Self], shift: &[Self], y: &mut [Self]);
    /// dx = slope·dy - shift - tilt·(x - μ).
    fn channel_gradient(slopes: Slopes<'_, Self>, x: &[Self], dy: &[Self], dx: &mut [Self]);
}

/// (μ, r·w, b) of channel `c`.
#[inline(always)]
fn channel<T: Math>(channels: &Channels<'_, T>, c: usize) -> (T, T, T) {
    let mean = if channels.mean.is_empty() { T::ZERO } else { channels.mean[c] };
    let w = if channels.w.is_empty() { T::ONE } else { channels.w[c] };
    (mean, channels.r[c] * w, if channels.b.is_empty() { T::ZERO } else { channels.b[c] })
}

#[inline(always)]
fn channel_affine_body<S: Simd, T: Math>(channels: Channels<'_, T>, x: &[T], y: &mut [T]) {
    let (count, inner) = (channels.r.len(), channels.inner);
    if inner > 1 {
        let pieces = x.chunks_exact(inner).zip(y.chunks_exact_mut(inner));
        for ((x, y), c) in pieces.zip((0..count).cycle()) {
            let (mean, slope, b) = channel(&channels, c);
            for (y, &x) in y.iter_mut().zip(x) {
                *y = mul_add::<S, T>(x - mean, slope, b);
            }
        }
        return;
    }
    for first in (0..count).step_by(TILE) {
        let width = TILE.min(count - first);
        let (mut mean, mut slope, mut b) = ([T::ZERO; TILE], [T::ZERO; TILE], [T::ZERO; TILE]);
        for c in 0..width {
            (mean[c], slope[c], b[c]) = channel(&channels, first + c);
        }
        for (x, y) in x.chunks_exact(count).zip(y.chunks_exact_mut(count)) {
            let (x, y) = (&x[first..first + width], &mut y[first..first + width]);
            for c in 0..width {
                y[c] = mul_add::<S, T>(x[c] - mean[c], slope[c], b[c]);
            }
        }
    }
}

#[inline(always)]
fn scale_and_shift_body<S: Simd, T: Math>(mean: &[T], slope: &[T], shift: &[T], y: &mut [T]) {
    for y in y.chunks_exact_mut(mean.len()) {
        for (((y, &mean), &slope), &shift) in y.iter_mut().zip(mean).zip(slope).zip(shift) {
            *y = mul_add::<S, T>(*y - mean, slope, shift);
        }
    }
}

#[inline(always)]
fn channel_gradient_body<S: Simd, T: Math>(slopes: Slopes<'_, T>, x: &[T], dy: &[T], dx: &mut [T]) {
    let (count, inner) = (slopes.mean.len(), slopes.inner);
    if inner > 1 {
        let pieces = x.chunks_exact(inner).zip(dy.chunks_exact(inner)).zip(dx.chunks_exact_mut(inner));
        for (((x, dy), dx), c) in pieces.zip((0..count).cycle()) {
            let (mean, slope, shift, tilt) = (slopes.mean[c], slopes.slope[c], slopes.shift[c], slopes.tilt[c]);
            for ((dx, &x), &dy) in dx.iter_mut().zip(x).zip(dy) {
                *dx = mul_add::<S, T>(slope, dy, mul_add::<S, T>(mean - x, tilt, -shift));
            }
        }
        return;
    }
    let Slopes { mean, slope, shift, tilt, .. } = slopes;
    for ((x, dy), dx) in x.chunks_exact(count).zip(dy.chunks_exact(count)).zip(dx.chunks_exact_mut(count)) {
        let coefficients = mean.iter().zip(slope).zip(shift).zip(tilt);
        for (((dx, &x), &dy), (((&mean, &slope), &shift), &tilt)) in dx.iter_mut().zip(x).zip(dy).zip(coefficients) {
            *dx = mul_add::<S, T>(slope, dy, mul_add::<S, T>(mean - x, tilt, -shift));
        }
    }
}

macro_rules! batch_norm_kernels {
    ($($t:ident)*) => { $(
        impl BatchNormKernels for $t {
            fn channel_affine(channels: Channels<'_, $t>, x: &[$t], y: &mut [$t]) {
                multiversion! {
                    fn run(channels: Channels<'_, $t>, x: &[$t], y: &mut [$t]) = channel_affine_body::<S, $t>;
                }
                run(channels, x, y);
            }
            fn scale_and_shift(mean: &[$t], slope: &[$t], shift: &[$t], y: &mut [$t]) {
                multiversion! {
                    fn run(mean: &[$t], slope: &[$t], shift: &[$t], y: &mut [$t]) = scale_and_shift_body::<S, $t>;
                }
                run(mean, slope, shift, y);
            }
            fn channel_gradient(slopes: Slopes<'_, $t>, x: &[$t], dy: &[$t], dx: &mut [$t]) {
                multiversion! {
                    fn run(slopes: Slopes<'_, $t>, x: &[$t], dy: &[$t], dx: &mut [$t]) = channel_gradient_body::<S, $t>;
                }
                run(slopes, x, dy, dx);
            }
        }
    )* };
}
batch_norm_kernels!(f32 f64);
