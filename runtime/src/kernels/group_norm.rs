//! Group norm: each group of channels of a sample is brought to mean 0 and variance 1, then each channel scaled and
//! shifted. Instance norm is the same with one channel in each group, and may have running statistics.
//!
//! | | formula, over the n elements of a group |
//! |---|---|
//! | statistics | μ = Σ x/n, r = 1/√(Σ (x - μ)²/n + ε) |
//! | forward | x̂ = (x - μ)·r, y = x̂·w + b |
//! | gradient of the input | dx = r·(g - Σ g/n - x̂·Σ g·x̂/n), g = dy·w; with fixed statistics r·g |
//! | gradients of the parameters | dw = Σ dy·x̂, db = Σ dy, over all samples |
//!
//! A sample is `[…, channels, inner]`: with channels last, `inner` is 1. So the sums of a group are those of its channels,
//! which `columns.rs` makes in a fixed order, added up in `f64`; what is done to each element is batch norm's, with
//! coefficients that change from sample to sample. Kept are μ of all groups of a sample, then r of all.
//!
//! # References
//! `torch.nn.GroupNorm`, `torch.nn.InstanceNorm1d` and its kin; Wu and He, Group Normalization, 2018; Ulyanov, Vedaldi and
//! Lempitsky, Instance Normalization, 2016.

mod instance;

use std::ops::Range;

pub use instance::{
    instance_norm_backward_input, instance_norm_forward, instance_norm_running, instance_norm_statistics,
};

use super::Span;
use super::batch_norm::{Channels, Slopes};
use super::columns::{ColumnSum, Columns, Scalars, TILE, finish_columns};
use crate::parallel::with_scratch;
use crate::{Real, Update};

/// The channels of a sample `[…, channels, inner]`, in groups of neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups {
    /// How many groups there are.
    pub groups: usize,
    /// How many channels there are.
    pub channels: usize,
    /// The elements of a channel that lie beside each other.
    pub inner: usize,
}

/// The loops behind this file's functions, on flat slices of samples of `sample` elements.
pub trait GroupNormKernels: Sized {
    /// y, and statistics unless the slice for them is empty.
    fn group_norm_forward(
        groups: Groups,
        sample: usize,
        eps: f64,
        x: &[Self],
        w: &[Self],
        b: &[Self],
        statistics: &mut [Self],
        y: &mut [Self],
    );
    /// dx.
    fn group_norm_backward_input(
        groups: Groups,
        sample: usize,
        x: &[Self],
        w: &[Self],
        statistics: &[Self],
        dy: &[Self],
        dx: &mut [Self],
    );
    /// dw of the channels `range`.
    fn group_norm_sums(
        groups: Groups,
        sample: usize,
        range: Range<usize>,
        x: &[Self],
        statistics: &[Self],
        dy: &[Self],
        sums: &mut [f64; TILE],
    );
    /// Moves running statistics towards the means of `statistics` and of the unbiased variances.
    fn instance_norm_running(
        positions: usize,
        eps: f64,
        momentum: f64,
        statistics: &[Self],
        running_mean: &mut [Self],
        running_var: &mut [Self],
    );
}

/// y = (x - μ)·r·w + b for each group of channels; `weight` and `bias` may be empty. Fills `statistics` with μ and r of
/// each group.
#[inline]
pub fn group_norm_forward<T: Real, const X: usize, const S: usize>(
    groups: Groups,
    eps: f64,
    x: &[[T; X]],
    weight: &[T],
    bias: &[T],
    statistics: &mut [[T; S]],
    y: &mut [[T; X]],
) {
    assert!(x.len() == y.len() && x.len() == statistics.len(), "batches of different lengths");
    groups.check(X, S, weight, bias);
    let (x, y) = (x.as_flattened(), y.as_flattened_mut());
    T::group_norm_forward(groups, X, eps, x, weight, bias, statistics.as_flattened_mut(), y);
}

/// y alone, for predictions: the same numbers as [`group_norm_forward`], whose statistics are not kept.
#[inline]
pub fn group_norm_predict<T: Real, const X: usize>(
    groups: Groups,
    eps: f64,
    x: &[[T; X]],
    weight: &[T],
    bias: &[T],
    y: &mut [[T; X]],
) {
    assert_eq!(x.len(), y.len(), "batches of different lengths");
    groups.check(X, 2 * groups.groups, weight, bias);
    T::group_norm_forward(groups, X, eps, x.as_flattened(), weight, bias, &mut [], y.as_flattened_mut());
}

/// dx = r·(g - mean g - x̂·mean(g·x̂)) with g = dy·w.
#[inline]
pub fn group_norm_backward_input<T: Real, const X: usize, const S: usize>(
    groups: Groups,
    x: &[[T; X]],
    weight: &[T],
    statistics: &[[T; S]],
    dy: &[[T; X]],
    dx: &mut [[T; X]],
) {
    assert!(x.len() == dy.len() && x.len() == dx.len() && x.len() == statistics.len(), "batches of different lengths");
    groups.check(X, S, weight, &[]);
    let (x, dy, dx) = (x.as_flattened(), dy.as_flattened(), dx.as_flattened_mut());
    T::group_norm_backward_input(groups, X, x, weight, statistics.as_flattened(), dy, dx);
}

/// dw = Σ dy·x̂ over all samples.
#[inline]
pub fn group_norm_backward_weight<T: Real, const X: usize, const S: usize, const C: usize>(
    groups: Groups,
    x: &[[T; X]],
    statistics: &[[T; S]],
    dy: &[[T; X]],
    weight: Span<1, C>,
    update: &mut Update<'_, T>,
) {
    assert!(x.len() == dy.len() && x.len() == statistics.len(), "batches of different lengths");
    assert_eq!(groups.channels, C, "a weight of another length than there are channels");
    groups.check::<T>(X, S, &[], &[]);
    let (x, dy, statistics) = (x.as_flattened(), dy.as_flattened(), statistics.as_flattened());
    finish_columns(update, weight.index, weight.offset, C, |range, sums| {
        T::group_norm_sums(groups, X, range, x, statistics, dy, sums);
    });
}

/// db = Σ dy over all samples.
#[inline]
pub fn group_norm_backward_bias<T: Real, const X: usize, const C: usize>(
    groups: Groups,
    dy: &[[T; X]],
    bias: Span<1, C>,
    update: &mut Update<'_, T>,
) {
    assert_eq!(groups.channels, C, "a bias of another length than there are channels");
    groups.check::<T>(X, 2 * groups.groups, &[], &[]);
    let dy = dy.as_flattened();
    finish_columns(update, bias.index, bias.offset, C, |range, sums| {
        T::column_sums(ColumnSum::Differences, groups.columns(), range, dy, dy, Scalars::None, sums);
    });
}

impl Groups {
    #[inline]
    fn check<T>(self, sample: usize, statistics: usize, weight: &[T], bias: &[T]) {
        let Groups { groups, channels, inner } = self;
        let one = channels * inner;
        assert!(
            one > 0 && sample.is_multiple_of(one),
            "a sample of {sample} is not [.., {channels} channels, {inner}]"
        );
        assert!(channels.is_multiple_of(groups), "{channels} channels in {groups} groups");
        assert_eq!(statistics, 2 * groups, "{statistics} statistics of {groups} groups");
        assert!(weight.is_empty() || weight.len() == channels, "{} weights for {channels} channels", weight.len());
        assert!(bias.is_empty() || bias.len() == channels, "{} biases for {channels} channels", bias.len());
    }

    fn columns(self) -> Columns {
        Columns { count: self.channels, inner: self.inner }
    }

    /// The channels of a group.
    fn each(self) -> usize {
        self.channels / self.groups
    }

    /// Σ over each group, of one sample; each channel's sum times its `w`, if there are any.
    fn sums<T: Real>(self, what: ColumnSum, a: &[T], b: &[T], scalars: Scalars<'_, T>, w: &[T], sums: &mut [f64]) {
        sums.fill(0.0);
        let mut wide = [0.0; TILE];
        for first in (0..self.channels).step_by(TILE) {
            let range = first..self.channels.min(first + TILE);
            T::column_sums(what, self.columns(), range.clone(), a, b, scalars, &mut wide);
            for (c, sum) in range.zip(&wide) {
                sums[c / self.each()] += if w.is_empty() { *sum } else { sum * w[c].to_f64() };
            }
        }
    }

    /// Gives each channel of `range` what its group has.
    fn spread<T: Real>(self, of_groups: &[T], range: Range<usize>, of_channels: &mut [T]) {
        for c in range {
            of_channels[c] = of_groups[c / self.each()];
        }
    }

    /// μ and r of each group of one sample; `means` has room for one number of each channel, `sums` for two of each group.
    fn statistics<T: Real>(self, eps: f64, x: &[T], means: &mut [T], sums: &mut [f64], statistics: &mut [T]) {
        let n = (x.len() / self.groups) as f64;
        let (mean, r) = statistics.split_at_mut(self.groups);
        let (differences, squares) = sums.split_at_mut(self.groups);
        self.sums(ColumnSum::Differences, x, x, Scalars::None, &[], differences);
        for (mean, sum) in mean.iter_mut().zip(&*differences) {
            *mean = T::from_f64(sum / n);
        }
        self.spread(mean, 0..self.channels, means);
        let scalars = Scalars::Column(&*means, &*means);
        self.sums(ColumnSum::Differences, x, x, scalars, &[], differences);
        self.sums(ColumnSum::Squares, x, x, scalars, &[], squares);
        for g in 0..self.groups {
            // What the first mean has lost by rounding: the mean of equal numbers is that number.
            let lost = differences[g] / n;
            mean[g] = T::from_f64(mean[g].to_f64() + lost);
            let variance = squares[g] / n - lost * lost;
            let variance = if variance < 0.0 { 0.0 } else { variance };
            r[g] = T::from_f64(1.0 / (variance + eps).sqrt());
        }
    }
}

fn forward<T: Real>(
    groups: Groups,
    sample: usize,
    eps: f64,
    x: &[T],
    w: &[T],
    b: &[T],
    statistics: &mut [T],
    y: &mut [T],
) {
    let (channels, two) = (groups.channels, 2 * groups.groups);
    with_scratch(two, |sums| {
        with_scratch(two + 2 * channels, |scratch| {
            let (own, scratch) = scratch.split_at_mut(two);
            let (mean, r) = scratch.split_at_mut(channels);
            for (i, (x, y)) in x.chunks_exact(sample).zip(y.chunks_exact_mut(sample)).enumerate() {
                let statistics = if statistics.is_empty() { &mut *own } else { &mut statistics[i * two..][..two] };
                groups.statistics(eps, x, mean, sums, statistics);
                groups.spread(&statistics[..groups.groups], 0..channels, mean);
                groups.spread(&statistics[groups.groups..], 0..channels, r);
                T::channel_affine(Channels { inner: groups.inner, mean, r, w, b }, x, y);
            }
        });
    });
}

fn backward_input<T: Real>(groups: Groups, sample: usize, x: &[T], w: &[T], statistics: &[T], dy: &[T], dx: &mut [T]) {
    let (channels, count, inner) = (groups.channels, groups.groups, groups.inner);
    let one_over_n = count as f64 / sample as f64;
    with_scratch(2 * count, |sums: &mut [f64]| {
        with_scratch(5 * channels, |scratch| {
            let (mean, rest) = scratch.split_at_mut(channels);
            let (r, rest) = rest.split_at_mut(channels);
            let (slope, rest) = rest.split_at_mut(channels);
            let (shift, tilt) = rest.split_at_mut(channels);
            let (dy_sums, dy_x_sums) = sums.split_at_mut(count);
            let rows = x.chunks_exact(sample).zip(dy.chunks_exact(sample)).zip(dx.chunks_exact_mut(sample));
            for (((x, dy), dx), statistics) in rows.zip(statistics.chunks_exact(2 * count)) {
                groups.spread(&statistics[..count], 0..channels, mean);
                groups.spread(&statistics[count..], 0..channels, r);
                groups.sums(ColumnSum::Differences, dy, dy, Scalars::None, w, dy_sums);
                groups.sums(ColumnSum::Normalised, dy, x, Scalars::Column(&*mean, &*r), w, dy_x_sums);
                for c in 0..channels {
                    let (g, wide) = (c / groups.each(), r[c].to_f64());
                    slope[c] = if w.is_empty() { r[c] } else { r[c] * w[c] };
                    shift[c] = T::from_f64(wide * dy_sums[g] * one_over_n);
                    tilt[c] = T::from_f64(wide * wide * dy_x_sums[g] * one_over_n);
                }
                T::channel_gradient(Slopes { inner, mean, slope, shift, tilt }, x, dy, dx);
            }
        });
    });
}

fn weight_sums<T: Real>(
    groups: Groups,
    sample: usize,
    range: Range<usize>,
    x: &[T],
    statistics: &[T],
    dy: &[T],
    sums: &mut [f64; TILE],
) {
    *sums = [0.0; TILE];
    let (channels, count) = (groups.channels, groups.groups);
    with_scratch(2 * channels, |scratch| {
        let (mean, r) = scratch.split_at_mut(channels);
        let mut of_sample = [0.0; TILE];
        let rows = x.chunks_exact(sample).zip(dy.chunks_exact(sample)).zip(statistics.chunks_exact(2 * count));
        for ((x, dy), statistics) in rows {
            groups.spread(&statistics[..count], range.clone(), mean);
            groups.spread(&statistics[count..], range.clone(), r);
            let (what, scalars) = (ColumnSum::Normalised, Scalars::Column(&*mean, &*r));
            T::column_sums(what, groups.columns(), range.clone(), dy, x, scalars, &mut of_sample);
            for (sum, of_sample) in sums.iter_mut().zip(of_sample) {
                *sum += of_sample;
            }
        }
    });
}

macro_rules! group_norm_kernels {
    ($($t:ident)*) => { $(
        impl GroupNormKernels for $t {
            fn group_norm_forward(
                groups: Groups, sample: usize, eps: f64, x: &[$t], w: &[$t], b: &[$t], statistics: &mut [$t], y: &mut [$t],
            ) {
                forward(groups, sample, eps, x, w, b, statistics, y);
            }
            fn group_norm_backward_input(
                groups: Groups, sample: usize, x: &[$t], w: &[$t], statistics: &[$t], dy: &[$t], dx: &mut [$t],
            ) {
                backward_input(groups, sample, x, w, statistics, dy, dx);
            }
            fn group_norm_sums(
                groups: Groups, sample: usize, range: Range<usize>, x: &[$t], statistics: &[$t], dy: &[$t],
                sums: &mut [f64; TILE],
            ) {
                weight_sums(groups, sample, range, x, statistics, dy, sums);
            }
            fn instance_norm_running(
                positions: usize, eps: f64, momentum: f64, statistics: &[$t], running_mean: &mut [$t],
                running_var: &mut [$t],
            ) {
                instance::running(positions, eps, momentum, statistics, running_mean, running_var);
            }
        }
    )* };
}
group_norm_kernels!(f32 f64);

#[cfg(test)]
mod tests;
