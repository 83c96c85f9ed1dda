//! The loops of batch norm, compiled for each instruction set.

use super::super::columns::TILE;
use crate::simd::math::Math;
use crate::simd::{Simd, mul_add, multiversion};

/// What the loops need to know of each channel; empty `mean` and `b` count as 0, empty `w` as 1.
#[derive(Clone, Copy, Debug)]
pub struct Channels<'a, T> {
    /// The elements of a channel in one sample.
    pub(super) inner: usize,
    pub(super) mean: &'a [T],
    pub(super) r: &'a [T],
    pub(super) w: &'a [T],
    pub(super) b: &'a [T],
}

/// Σ dy/n and Σ dy·x̂/n of each channel.
#[derive(Clone, Copy, Debug)]
pub struct Sums<'a, T> {
    pub(super) dy: &'a [T],
    pub(super) dy_x: &'a [T],
    pub(super) one_over_n: T,
}

/// The loops behind batch norm's functions, on flat slices.
pub trait BatchNormKernels: Sized {
    /// y = (x - μ)·r·w + b.
    fn channel_affine(channels: Channels<'_, Self>, x: &[Self], y: &mut [Self]);
    /// dx = r·w·(dy - Σ dy/n - x̂·Σ dy·x̂/n).
    fn batch_norm_backward_input(
        channels: Channels<'_, Self>,
        sums: Sums<'_, Self>,
        x: &[Self],
        dy: &[Self],
        dx: &mut [Self],
    );
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
fn backward_input_body<S: Simd, T: Math>(
    channels: Channels<'_, T>,
    sums: Sums<'_, T>,
    x: &[T],
    dy: &[T],
    dx: &mut [T],
) {
    let (count, inner) = (channels.r.len(), channels.inner);
    // dx = slope·(dy - shift - (x - μ)·tilt).
    let at = |c: usize| {
        let (mean, slope, _) = channel(&channels, c);
        (mean, slope, sums.dy[c] * sums.one_over_n, sums.dy_x[c] * sums.one_over_n * channels.r[c])
    };
    if inner > 1 {
        let pieces = x.chunks_exact(inner).zip(dy.chunks_exact(inner)).zip(dx.chunks_exact_mut(inner));
        for (((x, dy), dx), c) in pieces.zip((0..count).cycle()) {
            let (mean, slope, shift, tilt) = at(c);
            for ((dx, &x), &dy) in dx.iter_mut().zip(x).zip(dy) {
                *dx = slope * mul_add::<S, T>(mean - x, tilt, dy - shift);
            }
        }
        return;
    }
    for first in (0..count).step_by(TILE) {
        let width = TILE.min(count - first);
        let (mut mean, mut slope) = ([T::ZERO; TILE], [T::ZERO; TILE]);
        let (mut shift, mut tilt) = ([T::ZERO; TILE], [T::ZERO; TILE]);
        for c in 0..width {
            (mean[c], slope[c], shift[c], tilt[c]) = at(first + c);
        }
        let rows = x.chunks_exact(count).zip(dy.chunks_exact(count)).zip(dx.chunks_exact_mut(count));
        for ((x, dy), dx) in rows {
            let at = first..first + width;
            let (x, dy, dx) = (&x[at.clone()], &dy[at.clone()], &mut dx[at]);
            for c in 0..width {
                dx[c] = slope[c] * mul_add::<S, T>(mean[c] - x[c], tilt[c], dy[c] - shift[c]);
            }
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
            fn batch_norm_backward_input(
                channels: Channels<'_, $t>, sums: Sums<'_, $t>, x: &[$t], dy: &[$t], dx: &mut [$t],
            ) {
                multiversion! {
                    fn run(channels: Channels<'_, $t>, sums: Sums<'_, $t>, x: &[$t], dy: &[$t], dx: &mut [$t])
                        = backward_input_body::<S, $t>;
                }
                run(channels, sums, x, dy, dx);
            }
        }
    )* };
}
batch_norm_kernels!(f32 f64);
