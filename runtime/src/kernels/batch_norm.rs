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

pub(super) use loops::{BatchNormKernels, Channels, Sums};

use super::Span;
use super::columns::{ColumnSum, Columns, Scalars, TILE};
use crate::network::{Context, Mode};
use crate::{Real, Update};

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

    let n = (x.len() * (X / channels)) as f64;
    assert!(n > 1.0, "batch norm needs more than 1 value per channel when training, a batch of 1 sample has 1");
    let mut factor = 0.0;
    if cx.mode == Mode::Train && tracked {
        factor = momentum.unwrap_or(0.0);
        if let Some(count) = count {
            *count += 1;
            factor = momentum.unwrap_or(1.0 / *count as f64);
        }
    }
    let (x, shape) = (x.as_flattened(), Columns { count: channels, inner });
    let mut sums = [0.0; TILE];
    for first in (0..channels).step_by(TILE) {
        let range = first..channels.min(first + TILE);
        // The differences from the first result make up for what its sums have lost, as if they had been in f64 (PyTorch's
        // are): the mean of equal numbers is that number.
        mean[range.clone()].fill(T::ZERO);
        for _ in 0..2 {
            let scalars = Scalars::Column(&*mean, &*r);
            T::column_sums(ColumnSum::Differences, shape, range.clone(), x, x, scalars, &mut sums);
            for (mean, sum) in mean[range.clone()].iter_mut().zip(&sums) {
                *mean = T::from_f64(mean.to_f64() + sum / n);
            }
        }
        T::column_sums(ColumnSum::Squares, shape, range.clone(), x, x, Scalars::Column(&*mean, &*r), &mut sums);
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
    let (shape, normalised) = (Columns { count: channels.r.len(), inner }, Scalars::Column(channels.mean, channels.r));
    let all = [(ColumnSum::Differences, Scalars::None, dy_sums), (ColumnSum::Normalised, normalised, dy_x_sums)];
    for (what, scalars, out) in all {
        for (tile, out) in out.chunks_mut(TILE).enumerate() {
            let range = tile * TILE..tile * TILE + out.len();
            T::column_sums(what, shape, range, dy, x, scalars, &mut wide);
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
        let sums = Sums {
            dy: dy_sums,
            dy_x: dy_x_sums,
            one_over_n: T::from_f64(1.0 / (rows * (X / channels.r.len())) as f64),
        };
        T::batch_norm_backward_input(channels, sums, x, dy, dx);
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

/// The number of channels, for which there are two statistics each.
#[inline]
fn check<T>(sample: usize, inner: usize, statistics: &[T]) -> usize {
    let channels = statistics.len() / 2;
    let one = channels * inner;
    assert!(one > 0 && sample.is_multiple_of(one), "a sample of {sample} is not [.., {channels} channels, {inner}]");
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

#[cfg(test)]
mod tests;
