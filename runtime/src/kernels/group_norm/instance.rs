//! Instance norm: groups of one channel, which may have running statistics.

use super::super::batch_norm::{Channels, running_statistics};
use super::{Groups, group_norm_backward_input, group_norm_forward};
use crate::Real;
use crate::network::{Context, Mode};
use crate::parallel::with_scratch;

/// Fills `statistics` with μ and r of the running statistics of each channel.
#[inline]
pub fn instance_norm_statistics<T: Real>(eps: f64, running_mean: &[T], running_var: &[T], statistics: &mut [T]) {
    let channels = running_mean.len();
    assert!(running_var.len() == channels && statistics.len() == 2 * channels, "statistics of different lengths");
    running_statistics(eps, running_mean, running_var, statistics);
}

/// [`group_norm_forward`] in training. In evaluation the statistics are the `running` ones, of which every sample keeps a copy.
#[inline]
pub fn instance_norm_forward<T: Real, const X: usize, const S: usize>(
    cx: &Context,
    groups: Groups,
    eps: f64,
    x: &[[T; X]],
    weight: &[T],
    bias: &[T],
    running: &[T],
    statistics: &mut [[T; S]],
    y: &mut [[T; X]],
) {
    if cx.mode == Mode::Train {
        return group_norm_forward(groups, eps, x, weight, bias, statistics, y);
    }
    assert!(x.len() == y.len() && x.len() == statistics.len(), "batches of different lengths");
    assert!(running.len() == S && S == 2 * groups.channels, "{} running statistics for {S}", running.len());
    groups.check(X, S, weight, bias);
    for statistics in statistics {
        statistics.copy_from_slice(running);
    }
    let (mean, r) = running.split_at(groups.channels);
    let channels = Channels { inner: groups.inner, mean, r, w: weight, b: bias };
    T::channel_affine(channels, x.as_flattened(), y.as_flattened_mut());
}

/// In training moves the running statistics by `momentum` towards the mean, over all samples, of μ and of the unbiased
/// variance, which 1/r² - ε gives back.
#[inline]
pub fn instance_norm_running<T: Real, const S: usize>(
    cx: &Context,
    positions: usize,
    eps: f64,
    momentum: f64,
    statistics: &[[T; S]],
    running_mean: &mut [T],
    running_var: &mut [T],
) {
    let channels = running_mean.len();
    assert!(running_var.len() == channels && S == 2 * channels, "statistics of different lengths");
    if cx.mode == Mode::Train && !statistics.is_empty() {
        T::instance_norm_running(positions, eps, momentum, statistics.as_flattened(), running_mean, running_var);
    }
}

/// [`group_norm_backward_input`] in training. In evaluation the statistics do not depend on x: dx = r·w·dy.
#[inline]
pub fn instance_norm_backward_input<T: Real, const X: usize, const S: usize>(
    cx: &Context,
    groups: Groups,
    x: &[[T; X]],
    weight: &[T],
    statistics: &[[T; S]],
    dy: &[[T; X]],
    dx: &mut [[T; X]],
) {
    let running = match statistics.first() {
        Some(running) if cx.mode == Mode::Eval => running,
        _ => return group_norm_backward_input(groups, x, weight, statistics, dy, dx),
    };
    assert!(x.len() == dy.len() && x.len() == dx.len() && x.len() == statistics.len(), "batches of different lengths");
    groups.check(X, S, weight, &[]);
    let channels = Channels { inner: groups.inner, mean: &[], r: &running[groups.channels..], w: weight, b: &[] };
    T::channel_affine(channels, dy.as_flattened(), dx.as_flattened_mut());
}

pub(super) fn running<T: Real>(
    positions: usize,
    eps: f64,
    momentum: f64,
    statistics: &[T],
    running_mean: &mut [T],
    running_var: &mut [T],
) {
    let channels = running_mean.len();
    let (rows, n) = ((statistics.len() / (2 * channels)) as f64, positions as f64);
    with_scratch(2 * channels, |sums: &mut [f64]| {
        sums.fill(0.0);
        let (means, variances) = sums.split_at_mut(channels);
        for statistics in statistics.chunks_exact(2 * channels) {
            for c in 0..channels {
                let r = statistics[channels + c].to_f64();
                let variance = 1.0 / (r * r) - eps;
                means[c] += statistics[c].to_f64();
                variances[c] += if variance < 0.0 { 0.0 } else { variance };
            }
        }
        let towards = |old: T, new: f64| T::from_f64((1.0 - momentum) * old.to_f64() + momentum * new);
        for c in 0..channels {
            running_mean[c] = towards(running_mean[c], means[c] / rows);
            running_var[c] = towards(running_var[c], variances[c] / rows * (n / (n - 1.0)));
        }
    });
}
