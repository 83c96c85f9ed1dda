//! Batch norm: each channel of the whole batch is brought to mean 0 and variance 1, then scaled and shifted.
//!
//! | | formula, over the n = rows·`inner` elements of a channel |
//! |---|---|
//! | statistics | μ = Σ x/n, r = 1/√(Σ (x - μ)²/n + ε) |
//! | forward | x̂ = (x - μ)·r, y = x̂·w + b |
//! | sums | Σ dy, Σ dy·x̂ |
//! | gradient of the input | dx = r·w·(dy - Σ dy/n - x̂·Σ dy·x̂/n); with fixed statistics r·w·dy |
//! | gradients of the parameters | dw = Σ dy·x̂, db = Σ dy |
//!
//! Statistics and sums see the whole batch and are made once a pass; what lies between them is split over rows. A sample
//! is `[channels, inner]`. Sums over rows and squares of differences are as in `columns.rs`: a fixed order, in `f64` beyond
//! a few dozen elements, as PyTorch adds them up in double precision.
//!
//! # References
//! `torch.nn.BatchNorm1d` and its kin; Ioffe and Szegedy, Batch Normalization, 2015.

use std::ops::Range;

use super::Span;
use super::columns::{Scalars, TILE, Term, column_sums};
use super::layer_norm::{First, Normalised};
use crate::network::{Context, Mode};
use crate::simd::math::Math;
use crate::simd::{Simd, mul_add, multiversion};
use crate::{Real, Update};

/// What is summed over a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelSum {
    /// Σ a.
    Plain,
    /// Σ (a - p)².
    Squares,
    /// Σ a·(b - p)·q.
    Normalised,
}

/// What the loops need to know of each channel; empty `mean` and `b` count as 0, empty `w` as 1.
#[derive(Clone, Copy, Debug)]
pub struct Channels<'a, T> {
    /// The elements of a channel in one sample.
    inner: usize,
    mean: &'a [T],
    r: &'a [T],
    w: &'a [T],
    b: &'a [T],
}

/// Σ dy/n and Σ dy·x̂/n of each channel.
#[derive(Clone, Copy, Debug)]
pub struct Sums<'a, T> {
    dy: &'a [T],
    dy_x: &'a [T],
    one_over_n: T,
}

/// The loops behind this file's functions, on flat slices.
pub trait BatchNormKernels: Sized {
    /// One sum for each channel of `range`; p and q are the channels' means and r.
    fn channel_sums(
        what: ChannelSum,
        channels: Channels<'_, Self>,
        range: Range<usize>,
        a: &[Self],
        b: &[Self],
        sums: &mut [f64; TILE],
    );
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

/// Fills `statistics` with μ of every channel, then r of every channel, for the whole batch `x`.
///
/// In training, and in evaluation without running statistics (empty slices), they are the batch's, with the biased
/// variance; training then moves the running ones by `momentum` towards μ and the unbiased variance (or, with `momentum`
/// `None`, to the average over all batches so far) and counts the batch in `count`. In evaluation they are the running ones.
///
/// # Panics
/// If statistics of the batch are wanted and a channel has only one value, as in PyTorch.
#[inline]
pub fn batch_norm_statistics<T: Real, const X: usize>(
    cx: &Context,
    inner: usize,
    eps: f64,
    momentum: Option<f64>,
    x: &[[T; X]],
    running_mean: &mut [T],
    running_var: &mut [T],
    count: Option<&mut u64>,
    statistics: &mut [T],
) {
    let channels = check(X, inner, statistics);
    assert_eq!(running_mean.len(), running_var.len(), "running means and variances of different lengths");
    let tracked = !running_mean.is_empty();
    assert!(!tracked || running_mean.len() == channels, "{} running means, {channels} channels", running_mean.len());
    if cx.mode == Mode::Eval && tracked {
        return running_statistics(eps, running_mean, running_var, statistics);
    }
    let (mean, r) = statistics.split_at_mut(channels);

    let n = (x.len() * inner) as f64;
    assert!(n > 1.0, "batch norm needs more than 1 value per channel when training, a batch of 1 sample has 1");
    let mut factor = 0.0;
    if cx.mode == Mode::Train && tracked {
        factor = momentum.unwrap_or(0.0);
        if let Some(count) = count {
            *count += 1;
            factor = momentum.unwrap_or(1.0 / *count as f64);
        }
    }
    let x = x.as_flattened();
    let mut sums = [0.0; TILE];
    for first in (0..channels).step_by(TILE) {
        let range = first..channels.min(first + TILE);
        let all = Channels { inner, mean: &*mean, r: &*r, w: &[], b: &[] };
        T::channel_sums(ChannelSum::Plain, all, range.clone(), x, x, &mut sums);
        for (mean, sum) in mean[range.clone()].iter_mut().zip(&sums) {
            *mean = T::from_f64(sum / n);
        }
        let all = Channels { inner, mean: &*mean, r: &*r, w: &[], b: &[] };
        T::channel_sums(ChannelSum::Squares, all, range.clone(), x, x, &mut sums);
        for (c, squares) in range.zip(&sums) {
            r[c] = T::from_f64(1.0 / (squares / n + eps).sqrt());
            if factor != 0.0 {
                let towards = |old: T, new: f64| T::from_f64((1.0 - factor) * old.to_f64() + factor * new);
                running_mean[c] = towards(running_mean[c], mean[c].to_f64());
                running_var[c] = towards(running_var[c], squares / (n - 1.0));
            }
        }
    }
}

/// The statistics for a prediction: the running ones; the batch's where there are none (empty slices).
///
/// # Panics
/// As [`batch_norm_statistics`].
#[inline]
pub fn batch_norm_statistics_predict<T: Real, const X: usize>(
    inner: usize,
    eps: f64,
    x: &[[T; X]],
    running_mean: &[T],
    running_var: &[T],
    statistics: &mut [T],
) {
    if running_mean.is_empty() {
        let cx = Context { mode: Mode::Eval, seed: 0, draw: 0, first_row: 0, rows: x.len() };
        return batch_norm_statistics(&cx, inner, eps, None, x, &mut [], &mut [], None, statistics);
    }
    let channels = check(X, inner, statistics);
    assert_eq!(running_mean.len(), channels, "another number of running means than of channels");
    assert_eq!(running_var.len(), channels, "another number of running variances than of channels");
    running_statistics(eps, running_mean, running_var, statistics);
}

/// μ and r of the running statistics.
fn running_statistics<T: Real>(eps: f64, running_mean: &[T], running_var: &[T], statistics: &mut [T]) {
    let (mean, r) = statistics.split_at_mut(running_mean.len());
    mean.copy_from_slice(running_mean);
    for (r, var) in r.iter_mut().zip(running_var) {
        *r = T::from_f64(1.0 / (var.to_f64() + eps).sqrt());
    }
}

/// y = (x - μ)·r·w + b; `weight` and `bias` may be empty.
#[inline]
pub fn batch_norm_forward<T: Real, const X: usize>(
    inner: usize,
    x: &[[T; X]],
    weight: &[T],
    bias: &[T],
    statistics: &[T],
    y: &mut [[T; X]],
) {
    assert_eq!(x.len(), y.len(), "batches of different lengths");
    let channels = Channels::new(X, inner, weight, bias, statistics);
    T::channel_affine(channels, x.as_flattened(), y.as_flattened_mut());
}

/// Fills `sums` with Σ dy of every channel, then Σ dy·x̂ of every channel, over the whole batch.
#[inline]
pub fn batch_norm_sums<T: Real, const X: usize>(
    inner: usize,
    x: &[[T; X]],
    dy: &[[T; X]],
    statistics: &[T],
    sums: &mut [T],
) {
    assert_eq!(x.len(), dy.len(), "batches of different lengths");
    assert_eq!(sums.len(), statistics.len(), "another number of sums than of statistics");
    let channels = Channels::new(X, inner, &[], &[], statistics);
    let (x, dy) = (x.as_flattened(), dy.as_flattened());
    let (dy_sums, dy_x_sums) = sums.split_at_mut(statistics.len() / 2);
    let mut wide = [0.0; TILE];
    for (what, out) in [(ChannelSum::Plain, dy_sums), (ChannelSum::Normalised, dy_x_sums)] {
        for (tile, out) in out.chunks_mut(TILE).enumerate() {
            T::channel_sums(what, channels, tile * TILE..tile * TILE + out.len(), dy, x, &mut wide);
            for (out, &sum) in out.iter_mut().zip(&wide) {
                *out = T::from_f64(sum);
            }
        }
    }
}

/// dx = r·w·(dy - Σ dy/n - x̂·Σ dy·x̂/n), where n counts the elements of a channel in the whole batch of `rows` samples.
///
/// In evaluation with running statistics (`tracked`) these do not depend on x: dx = r·w·dy.
#[inline]
pub fn batch_norm_backward_input<T: Real, const X: usize>(
    cx: &Context,
    inner: usize,
    rows: usize,
    tracked: bool,
    x: &[[T; X]],
    weight: &[T],
    statistics: &[T],
    sums: &[T],
    dy: &[[T; X]],
    dx: &mut [[T; X]],
) {
    assert!(x.len() == dy.len() && x.len() == dx.len(), "batches of different lengths");
    let channels = Channels::new(X, inner, weight, &[], statistics);
    let (x, dy, dx) = (x.as_flattened(), dy.as_flattened(), dx.as_flattened_mut());
    if cx.mode == Mode::Eval && tracked {
        T::channel_affine(Channels { mean: &[], ..channels }, dy, dx);
    } else {
        assert_eq!(sums.len(), statistics.len(), "another number of sums than of statistics");
        let (dy_sums, dy_x_sums) = sums.split_at(statistics.len() / 2);
        let sums = Sums { dy: dy_sums, dy_x: dy_x_sums, one_over_n: T::from_f64(1.0 / (rows * inner) as f64) };
        T::batch_norm_backward_input(channels, sums, x, dy, dx);
    }
}

/// dw = Σ dy·x̂.
#[inline]
pub fn batch_norm_backward_weight<T: Real, const C: usize>(sums: &[T], weight: Span<1, C>, update: &mut Update<'_, T>) {
    assert_eq!(sums.len(), 2 * C, "another number of sums than of channels");
    finish_slice(&sums[C..], weight, update);
}

/// db = Σ dy.
#[inline]
pub fn batch_norm_backward_bias<T: Real, const C: usize>(sums: &[T], bias: Span<1, C>, update: &mut Update<'_, T>) {
    assert_eq!(sums.len(), 2 * C, "another number of sums than of channels");
    finish_slice(&sums[..C], bias, update);
}

/// Hands over the part of `gradient` that is within the update's range.
#[inline]
fn finish_slice<T: Real, const C: usize>(gradient: &[T], at: Span<1, C>, update: &mut Update<'_, T>) {
    let range = update.range();
    let (start, end) = (range.start.max(at.offset), range.end.min(at.offset + C));
    if start < end && update.wants(at.index) {
        update.finish(at.index, start, &gradient[start - at.offset..end - at.offset]);
    }
}

/// The number of channels, for which there are two statistics each.
#[inline]
fn check<T>(sample: usize, inner: usize, statistics: &[T]) -> usize {
    let channels = statistics.len() / 2;
    assert_eq!(sample, channels * inner, "a sample of {sample}, {channels} channels of {inner}");
    channels
}

impl<'a, T: Real> Channels<'a, T> {
    #[inline]
    fn new(sample: usize, inner: usize, w: &'a [T], b: &'a [T], statistics: &'a [T]) -> Self {
        let channels = check(sample, inner, statistics);
        assert!(w.is_empty() || w.len() == channels, "{} weights for {channels} channels", w.len());
        assert!(b.is_empty() || b.len() == channels, "{} biases for {channels} channels", b.len());
        let (mean, r) = statistics.split_at(channels);
        Channels { inner, mean, r, w, b }
    }
}

/// (μ, r·w, b) of channel `c`.
#[inline(always)]
fn channel<T: Math>(channels: &Channels<'_, T>, c: usize) -> (T, T, T) {
    let mean = if channels.mean.is_empty() { T::ZERO } else { channels.mean[c] };
    let w = if channels.w.is_empty() { T::ONE } else { channels.w[c] };
    (mean, channels.r[c] * w, if channels.b.is_empty() { T::ZERO } else { channels.b[c] })
}

/// (a - p)².
#[derive(Clone, Copy, Debug)]
struct Square;

impl Term for Square {
    #[inline(always)]
    fn term<S: Simd, T: Math>(self, a: T, _: T, mean: T, _: T) -> T {
        (a - mean) * (a - mean)
    }
}

#[inline(always)]
fn channel_sums_body<S: Simd, T: Math>(
    what: ChannelSum,
    channels: Channels<'_, T>,
    range: Range<usize>,
    a: &[T],
    b: &[T],
    sums: &mut [f64; TILE],
) {
    let (columns, inner) = (channels.r.len(), channels.inner);
    let scalars = Scalars::Column(channels.mean, channels.r);
    match what {
        ChannelSum::Plain => column_sums::<S, T>(First, columns, inner, range, a, b, Scalars::None, sums),
        ChannelSum::Squares => column_sums::<S, T>(Square, columns, inner, range, a, b, scalars, sums),
        ChannelSum::Normalised => column_sums::<S, T>(Normalised, columns, inner, range, a, b, scalars, sums),
    }
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
            fn channel_sums(
                what: ChannelSum, channels: Channels<'_, $t>, range: Range<usize>, a: &[$t], b: &[$t],
                sums: &mut [f64; TILE],
            ) {
                multiversion! {
                    fn run(
                        what: ChannelSum, channels: Channels<'_, $t>, range: Range<usize>, a: &[$t], b: &[$t],
                        sums: &mut [f64; TILE],
                    ) = channel_sums_body::<S, $t>;
                }
                run(what, channels, range, a, b, sums);
            }
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

#[cfg(test)]
mod tests;
