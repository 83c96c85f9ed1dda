//! What a prediction takes of the running statistics.

use super::super::columns::Columns;
use super::{check, merged, piece_moments};
use crate::Real;
use crate::network::{PIECES, rows_of_piece};
use crate::parallel::with_scratch;

/// The statistics for a prediction: the running ones; the batch's where there are none (empty slices).
#[inline]
pub fn batch_norm_statistics_predict<T: Real, const X: usize>(
    inner: usize,
    eps: f64,
    x: &[[T; X]],
    running_mean: &[T],
    running_var: &[T],
    statistics: &mut [T],
) {
    let channels = check(X, inner, statistics.len() / 2);
    if running_mean.is_empty() {
        return with_scratch(PIECES * 2 * channels, |moments: &mut [f64]| {
            let pieces = x.chunks(rows_of_piece(x.len()));
            for (x, moments) in pieces.zip(moments.chunks_exact_mut(2 * channels)) {
                piece_moments(Columns { count: channels, inner }, X, x.as_flattened(), moments);
            }
            let (mean, r) = statistics.split_at_mut(channels);
            let n = (x.len() * (X / channels)) as f64;
            for c in 0..channels {
                let (mu, squares) = merged(x.len(), X / channels, channels, moments, c);
                (mean[c], r[c]) = (T::from_f64(mu), T::from_f64(1.0 / (squares / n + eps).sqrt()));
            }
        });
    }
    assert_eq!(running_mean.len(), channels, "another number of running means than of channels");
    assert_eq!(running_var.len(), channels, "another number of running variances than of channels");
    running_statistics(eps, running_mean, running_var, statistics);
}

/// Fills `norm` with μ, r·w and b of every channel, for a prediction with running statistics in which the layer before scales and
/// shifts in its write-back ([`conv_norm_forward`](crate::kernels::conv_norm_forward)); `weight` and `bias` may be empty.
pub fn batch_norm_predict<T: Real>(
    eps: f64,
    running_mean: &[T],
    running_var: &[T],
    weight: &[T],
    bias: &[T],
    norm: &mut [T],
) {
    assert_eq!(norm.len(), 3 * running_mean.len(), "a norm of another number of channels");
    let (statistics, b) = norm.split_at_mut(2 * running_mean.len());
    running_statistics(eps, running_mean, running_var, statistics);
    for (r, &w) in statistics[running_mean.len()..].iter_mut().zip(weight) {
        *r *= w;
    }
    if bias.is_empty() { b.fill(T::ZERO) } else { b.copy_from_slice(bias) }
}

/// y = (y - μ)·r·w + b, where `norm` is what [`batch_norm_predict`] makes.
pub(in crate::kernels) fn normalise<T: Real>(norm: &[T], y: &mut [T]) {
    let (mean, rest) = norm.split_at(norm.len() / 3);
    let (r, b) = rest.split_at(mean.len());
    T::scale_and_shift(mean, r, b, y);
}

/// μ and r of the running statistics.
pub(in crate::kernels) fn running_statistics<T: Real>(
    eps: f64,
    running_mean: &[T],
    running_var: &[T],
    statistics: &mut [T],
) {
    let (mean, r) = statistics.split_at_mut(running_mean.len());
    mean.copy_from_slice(running_mean);
    for (r, var) in r.iter_mut().zip(running_var) {
        *r = T::from_f64(1.0 / (var.to_f64() + eps).sqrt());
    }
}
