//! Batch norm: each channel of the whole batch is brought to mean 0 and variance 1, then scaled and shifted.
//!
//! | | formula, over the n elements of a channel |
//! |---|---|
//! | statistics | μ = Σ x/n, r = 1/√(Σ (x - μ)²/n + ε) |
//! | forward | x̂ = (x - μ)·r, y = x̂·w + b |
//! | sums | Σ dy, Σ dy·x̂ |
//! | gradient of the input | dx = r·w·(dy - Σ dy/n - x̂·Σ dy·x̂/n); with fixed statistics r·w·dy |
//! | gradients of the parameters | dw = Σ dy·x̂, db = Σ dy |
//!
//! Statistics and sums see the whole batch and are made once a pass; what lies between them is split over rows. A sample
//! is `[…, channels, inner]`: with channels last, `inner` is 1. Sums over rows and squares of differences are as in `columns.rs`: a fixed order, in `f64` beyond
//! a few dozen elements, as PyTorch adds them up in double precision.
//!
//! # References
//! `torch.nn.BatchNorm1d` and its kin; Ioffe and Szegedy, Batch Normalization, 2015.

mod loops;
mod predict;

pub(super) use loops::{BatchNormKernels, Channels, Slopes};
pub use predict::{batch_norm_predict, batch_norm_statistics_predict};
pub(super) use predict::{normalise, running_statistics};

use super::columns::{ColumnSum, Columns, Scalars, TILE};
use super::{Activation, Keeps, Span};
use crate::network::{Context, Mode, rows_of_piece};
use crate::parallel::with_scratch;
use crate::{Real, Update};

/// For each piece of the batch: the mean of every channel, then Σ (x - mean)² of every channel.
///
/// Rows of the same piece are in `x` together. Not needed in evaluation with running statistics (`tracked`).
#[inline]
pub fn batch_norm_moments<T: Real, const X: usize, const M: usize>(
    cx: &Context,
    inner: usize,
    tracked: bool,
    x: &[[T; X]],
    moments: &mut [[f64; M]],
) {
    if cx.mode == Mode::Eval && tracked {
        return;
    }
    let channels = check(X, inner, M / 2);
    for (x, moments) in x.chunks(rows_of_piece(cx.rows)).zip(moments) {
        piece_moments(Columns { count: channels, inner }, X, x.as_flattened(), moments);
    }
}

/// `sample`: the elements of one sample.
fn piece_moments<T: Real>(shape: Columns, sample: usize, x: &[T], moments: &mut [f64]) {
    let (mean, squares) = moments.split_at_mut(shape.count);
    let (n, in_sample) = ((x.len() / shape.count) as f64, (sample / shape.count) as f64);
    with_scratch(shape.count, |near: &mut [T]| {
        near.fill(T::ZERO);
        // Differences from a number near by, the mean of the first sample, lose nothing where numbers are far from zero; and
        // equal numbers are their own mean.
        let first = &x[..sample];
        channel_sums(ColumnSum::Differences, shape, first, first, Some((&*near, &*near)), mean);
        for (near, sum) in near.iter_mut().zip(&*mean) {
            *near = T::from_f64(sum / in_sample);
        }
        channel_sums(ColumnSum::Differences, shape, x, x, Some((&*near, &*near)), mean);
        channel_sums(ColumnSum::Squares, shape, x, x, Some((&*near, &*near)), squares);
        for ((mean, squares), near) in mean.iter_mut().zip(squares).zip(near) {
            let difference = *mean;
            *squares = (*squares - difference * difference / n).max(0.0);
            *mean = near.to_f64() + difference / n;
        }
    });
}

/// The sums of all channels into `sums`, with p and q of each.
///
/// Several positions of a few channels side by side count as one of more: then registers are full.
fn channel_sums<T: Real>(
    what: ColumnSum,
    shape: Columns,
    a: &[T],
    b: &[T],
    scalars: Option<(&[T], &[T])>,
    sums: &mut [f64],
) {
    let Columns { count, inner } = shape;
    let mut tile = [0.0; TILE];
    let together = TILE / count;
    if inner > 1 || together < 2 {
        for (first, sums) in (0..count).step_by(TILE).zip(sums.chunks_mut(TILE)) {
            let scalars = scalars.map_or(Scalars::None, |(p, q)| Scalars::Column(p, q));
            T::column_sums(what, shape, first..first + sums.len(), a, b, scalars, &mut tile);
            sums.copy_from_slice(&tile[..sums.len()]);
        }
        return;
    }
    let wide = together * count;
    let (mut p, mut q) = ([T::ZERO; TILE], [T::ZERO; TILE]);
    if let Some((of_p, of_q)) = scalars {
        for c in 0..wide {
            (p[c], q[c]) = (of_p[c % count], of_q[c % count]);
        }
    }
    let whole = a.len() / wide * wide;
    let shape = Columns { count: wide, inner };
    T::column_sums(what, shape, 0..wide, &a[..whole], &b[..whole], Scalars::Column(&p, &q), &mut tile);
    for (c, sum) in sums.iter_mut().enumerate() {
        *sum = tile[..wide].iter().skip(c).step_by(count).sum();
    }
    let shape = Columns { count, inner };
    T::column_sums(what, shape, 0..count, &a[whole..], &b[whole..], Scalars::Column(&p, &q), &mut tile);
    for (sum, rest) in sums.iter_mut().zip(&tile) {
        *sum += rest;
    }
}

/// Fills `statistics` with μ of every channel, then r of every channel, for the whole batch, of which each sample has `each`
/// values of a channel.
///
/// In training, and in evaluation without running statistics (empty slices), they are the batch's, with the biased
/// variance; training then moves the running ones by `momentum` towards μ and the unbiased variance (or, with `momentum`
/// `None`, to the average over all batches so far) and counts the batch in `count`. In evaluation they are the running ones.
///
/// # Panics
/// If statistics of the batch are wanted and a channel has only one value, as in PyTorch.
///
/// # References
/// Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for computing sample variances, 1979, for what
/// several pieces have in common.
pub fn batch_norm_statistics<T: Real, const M: usize>(
    cx: &Context,
    each: usize,
    eps: f64,
    momentum: Option<f64>,
    moments: &[[f64; M]],
    running_mean: &mut [T],
    running_var: &mut [T],
    count: Option<&mut u64>,
    statistics: &mut [T],
) {
    let channels = statistics.len() / 2;
    assert_eq!(M, 2 * channels, "moments of another number of channels");
    assert_eq!(running_mean.len(), running_var.len(), "running means and variances of different lengths");
    let tracked = !running_mean.is_empty();
    assert!(!tracked || running_mean.len() == channels, "{} running means, {channels} channels", running_mean.len());
    if cx.mode == Mode::Eval && tracked {
        return running_statistics(eps, running_mean, running_var, statistics);
    }
    let (mean, r) = statistics.split_at_mut(channels);
    let n = (cx.rows * each) as f64;
    assert!(n > 1.0, "batch norm needs more than 1 value per channel when training, a batch of 1 sample has 1");
    let mut factor = 0.0;
    if cx.mode == Mode::Train && tracked {
        factor = momentum.unwrap_or(0.0);
        if let Some(count) = count {
            *count += 1;
            factor = momentum.unwrap_or(1.0 / *count as f64);
        }
    }
    for c in 0..channels {
        let (mu, squares) = merged(cx.rows, each, channels, moments.as_flattened(), c);
        mean[c] = T::from_f64(mu);
        r[c] = T::from_f64(1.0 / (squares / n + eps).sqrt());
        if factor != 0.0 {
            let towards = |old: T, new: f64| T::from_f64((1.0 - factor) * old.to_f64() + factor * new);
            running_mean[c] = towards(running_mean[c], mean[c].to_f64());
            running_var[c] = towards(running_var[c], squares / (n - 1.0));
        }
    }
}

/// The mean of channel `c`, and Σ (x - mean)², of all pieces.
fn merged(rows: usize, each: usize, channels: usize, moments: &[f64], c: usize) -> (f64, f64) {
    let piece = rows_of_piece(rows);
    let pieces = || {
        let size = |first| (piece.min(rows - first) * each) as f64;
        (0..rows).step_by(piece).map(size).zip(moments.chunks_exact(2 * channels))
    };
    let n = (rows * each) as f64;
    let first = moments[c];
    let mean = first + pieces().map(|(size, moments)| size * (moments[c] - first)).sum::<f64>() / n;
    let squares = pieces().map(|(size, moments)| {
        let apart = moments[c] - mean;
        moments[channels + c] + size * apart * apart
    });
    (mean, squares.sum())
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

/// y = f((x - μ)·r·w + b): for predictions, and for activations whose derivative is computed from their output.
///
/// The activation is applied to some elements at a time, while they are in the first-level cache.
#[inline]
pub fn batch_norm_activation_forward<T: Real, const X: usize>(
    inner: usize,
    x: &[[T; X]],
    weight: &[T],
    bias: &[T],
    statistics: &[T],
    activation: impl Activation<T>,
    y: &mut [[T; X]],
) {
    assert_eq!(x.len(), y.len(), "batches of different lengths");
    let channels = Channels::new(X, inner, weight, bias, statistics);
    // Whole channels, of as many positions as stay in cache where they lie side by side.
    let one = inner * channels.r.len();
    let chunk = one * (2048 / one).max(1);
    for (x, y) in x.as_flattened().chunks(chunk).zip(y.as_flattened_mut().chunks_mut(chunk)) {
        T::channel_affine(channels, x, y);
        activation.forward_in_place(y);
    }
}

/// z = (x - μ)·r·w + b and y = f(z), for activations whose derivative is computed from their input.
#[inline]
pub fn batch_norm_activation_forward_keep<T: Real, A: Activation<T>, const X: usize>(
    inner: usize,
    x: &[[T; X]],
    weight: &[T],
    bias: &[T],
    statistics: &[T],
    activation: A,
    z: &mut [[T; X]],
    y: &mut [[T; X]],
) {
    const { assert!(matches!(A::KEEPS, Keeps::Input), "the derivative is computed from the output: z is of no use") }
    assert_eq!(z.len(), y.len(), "batches of different lengths");
    batch_norm_forward(inner, x, weight, bias, statistics, z);
    activation.forward(z.as_flattened(), y.as_flattened_mut());
}

/// For each piece of the batch: Σ dy of every channel, then Σ dy·x̂ of every channel. Rows of the same piece are in `x`
/// together.
#[inline]
pub fn batch_norm_partial_sums<T: Real, const X: usize, const M: usize>(
    cx: &Context,
    inner: usize,
    x: &[[T; X]],
    dy: &[[T; X]],
    statistics: &[T],
    partial: &mut [[f64; M]],
) {
    assert_eq!(x.len(), dy.len(), "batches of different lengths");
    assert_eq!(M, statistics.len(), "another number of sums than of statistics");
    let Channels { mean, r, .. } = Channels::new(X, inner, &[], &[], statistics);
    let (shape, piece) = (Columns { count: r.len(), inner }, rows_of_piece(cx.rows));
    for ((x, dy), partial) in x.chunks(piece).zip(dy.chunks(piece)).zip(partial) {
        let (x, dy) = (x.as_flattened(), dy.as_flattened());
        let (dy_sums, dy_x_sums) = partial.split_at_mut(r.len());
        channel_sums(ColumnSum::Differences, shape, dy, x, None, dy_sums);
        channel_sums(ColumnSum::Normalised, shape, dy, x, Some((mean, r)), dy_x_sums);
    }
}

/// Fills `sums` with Σ dy of every channel, then Σ dy·x̂ of every channel, over the whole batch: those of its pieces, in their
/// order.
pub fn batch_norm_sums<T: Real, const M: usize>(cx: &Context, partial: &[[f64; M]], sums: &mut [T]) {
    assert_eq!(M, sums.len(), "another number of sums than of statistics");
    let pieces = cx.rows.div_ceil(rows_of_piece(cx.rows));
    for (c, sum) in sums.iter_mut().enumerate() {
        *sum = T::from_f64(partial[..pieces].iter().map(|piece| piece[c]).sum());
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
        let Channels { mean, r, w, .. } = channels;
        let count = r.len();
        let (dy_sums, dy_x_sums) = sums.split_at(count);
        let one_over_n = T::from_f64(1.0 / (rows * (X / count)) as f64);
        with_scratch(3 * count, |scratch| {
            let (slope, rest) = scratch.split_at_mut(count);
            let (shift, tilt) = rest.split_at_mut(count);
            for c in 0..count {
                slope[c] = if w.is_empty() { r[c] } else { r[c] * w[c] };
                shift[c] = slope[c] * (dy_sums[c] * one_over_n);
                tilt[c] = slope[c] * (dy_x_sums[c] * one_over_n * r[c]);
            }
            T::channel_gradient(Slopes { inner, mean, slope, shift, tilt }, x, dy, dx);
        });
    }
}

/// dw = Σ dy·x̂.
#[inline]
pub fn batch_norm_backward_weight<T: Real, const C: usize>(sums: &[T], weight: Span<1, C>, update: &mut Update<'_, T>) {
    assert_eq!(sums.len(), 2 * C, "another number of sums than of channels");
    update.finish_within(weight.index, weight.offset, &sums[C..]);
}

/// db = Σ dy.
#[inline]
pub fn batch_norm_backward_bias<T: Real, const C: usize>(sums: &[T], bias: Span<1, C>, update: &mut Update<'_, T>) {
    assert_eq!(sums.len(), 2 * C, "another number of sums than of channels");
    update.finish_within(bias.index, bias.offset, &sums[..C]);
}

/// The number of channels, of which a sample is a whole number.
#[inline]
fn check(sample: usize, inner: usize, channels: usize) -> usize {
    let one = channels * inner;
    assert!(one > 0 && sample.is_multiple_of(one), "a sample of {sample} is not [.., {channels} channels, {inner}]");
    channels
}

impl<'a, T: Real> Channels<'a, T> {
    #[inline]
    fn new(sample: usize, inner: usize, w: &'a [T], b: &'a [T], statistics: &'a [T]) -> Self {
        let channels = check(sample, inner, statistics.len() / 2);
        assert!(w.is_empty() || w.len() == channels, "{} weights for {channels} channels", w.len());
        assert!(b.is_empty() || b.len() == channels, "{} biases for {channels} channels", b.len());
        let (mean, r) = statistics.split_at(channels);
        Channels { inner, mean, r, w, b }
    }
}

#[cfg(test)]
mod tests;
