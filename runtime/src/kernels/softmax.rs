//! Softmax, softmin and log-softmax along one axis of a sample, and the same over rows of classes for the losses.
//!
//! | | forward | gradient from the output |
//! |---|---|---|
//! | softmax | yᵢ = e^(xᵢ - m)/Σ e^(xⱼ - m), m = max x | dxᵢ = yᵢ·(dyᵢ - Σ dyⱼ·yⱼ) |
//! | softmin | the same of -x | dxᵢ = -yᵢ·(dyᵢ - Σ dyⱼ·yⱼ) |
//! | log-softmax | yᵢ = xᵢ - m - ln Σ e^(xⱼ - m) | dxᵢ = dyᵢ - e^yᵢ·Σ dyⱼ |
//!
//! Along the innermost axis several rows are worked on at a time, so that the exponentials run over all their elements
//! in one go, however short a row; along another axis the elements behind it are the lanes.

use super::Axis;
use crate::Real;
use crate::simd::math::Math;
use crate::simd::reduce::{dot, max, sum};
use crate::simd::{Simd, multiversion};

/// Which function of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// e^x/Σ e^x.
    Softmax,
    /// e^-x/Σ e^-x.
    Softmin,
    /// x - ln Σ e^x.
    LogSoftmax,
}

/// The loops behind this file's functions, on flat slices.
pub trait SoftmaxKernels: Sized {
    /// y = f(x).
    fn softmax_family_forward(family: Family, axis: Axis, x: &[Self], y: &mut [Self]);
    /// dx from y and dy.
    fn softmax_family_backward(family: Family, axis: Axis, y: &[Self], dy: &[Self], dx: &mut [Self]);
    /// For each row of `classes` logits: the softmax into `y`, the largest logit m into `max`, and ln Σ e^(x - m) into
    /// `log_sum`, so that ln y = x - m - `log_sum` without cancellation, and log-sum-exp = m + `log_sum`.
    ///
    /// What a cross-entropy needs. `max` and `log_sum` have one element for each row.
    fn softmax_rows(classes: usize, x: &[Self], y: &mut [Self], max: &mut [Self], log_sum: &mut [Self]);
}

macro_rules! wrappers {
    ($($family:ident: $forward:ident, $backward:ident, $value:literal, $gradient:literal, $torch:literal;)*) => { $(
        #[doc = concat!($value, ", along `axis` of each sample; m is the largest x there.")]
        ///
        /// # References
        #[doc = concat!("`torch.nn.", $torch, "`.")]
        #[inline]
        pub fn $forward<T: Real, const X: usize>(axis: Axis, x: &[[T; X]], y: &mut [[T; X]]) {
            assert_eq!(x.len(), y.len(), "batches of different lengths");
            check_axis(axis, X);
            T::softmax_family_forward(Family::$family, axis, x.as_flattened(), y.as_flattened_mut());
        }

        #[doc = concat!($gradient, ", along `axis` of each sample, from the output y.")]
        #[inline]
        pub fn $backward<T: Real, const X: usize>(axis: Axis, y: &[[T; X]], dy: &[[T; X]], dx: &mut [[T; X]]) {
            assert!(y.len() == dy.len() && dy.len() == dx.len(), "batches of different lengths");
            check_axis(axis, X);
            let (y, dy, dx) = (y.as_flattened(), dy.as_flattened(), dx.as_flattened_mut());
            T::softmax_family_backward(Family::$family, axis, y, dy, dx);
        }
    )* };
}
wrappers! {
    Softmax: softmax_forward, softmax_backward_from_output,
        "yᵢ = e^(xᵢ - m)/Σ e^(xⱼ - m)", "dxᵢ = yᵢ·(dyᵢ - Σ dyⱼ·yⱼ)", "Softmax";
    Softmin: softmin_forward, softmin_backward_from_output,
        "yᵢ = e^(m - xᵢ)/Σ e^(m - xⱼ)", "dxᵢ = -yᵢ·(dyᵢ - Σ dyⱼ·yⱼ)", "Softmin";
    LogSoftmax: log_softmax_forward, log_softmax_backward_from_output,
        "yᵢ = xᵢ - m - ln Σ e^(xⱼ - m)", "dxᵢ = dyᵢ - e^yᵢ·Σ dyⱼ", "LogSoftmax";
}

#[inline]
fn check_axis(axis: Axis, sample: usize) {
    let whole = axis.len * axis.inner;
    assert!(whole > 0 && sample % whole == 0, "a sample of {sample} has no {axis:?}");
}

/// The elements of a block of rows: they are gone through several times, so they should stay in the first-level cache.
const BLOCK: usize = 1024;

/// The rows of a block at most: each has its maximum and its sum in an array.
const ROWS: usize = 64;

/// How many rows of `len` make a block.
#[inline(always)]
fn block_rows(len: usize) -> usize {
    (BLOCK / len).clamp(1, ROWS)
}

/// e = e^(±(x - m)) for the rows of one block, whose extremes m and sums of e go into the arrays.
#[inline(always)]
fn exponentials<S: Simd, T: Math, const NEGATE: bool>(
    len: usize,
    x: &[T],
    e: &mut [T],
    tops: &mut [T; ROWS],
    sums: &mut [T; ROWS],
) {
    for ((x, e), top) in x.chunks_exact(len).zip(e.chunks_exact_mut(len)).zip(&mut *tops) {
        if NEGATE {
            for (e, &x) in e.iter_mut().zip(x) {
                *e = -x;
            }
            *top = max(e);
            for e in e {
                *e = *e - *top;
            }
        } else {
            *top = max(x);
            for (e, &x) in e.iter_mut().zip(x) {
                *e = x - *top;
            }
        }
    }
    for e in &mut *e {
        *e = e.exp::<S>();
    }
    for (e, s) in e.chunks_exact(len).zip(sums) {
        *s = sum(e);
    }
}

#[inline(always)]
fn forward_body<S: Simd, T: Math>(family: Family, axis: Axis, x: &[T], y: &mut [T]) {
    if axis.inner > 1 {
        return match family {
            Family::Softmax => outer_forward::<S, T, false, false>(axis, x, y),
            Family::Softmin => outer_forward::<S, T, true, false>(axis, x, y),
            Family::LogSoftmax => outer_forward::<S, T, false, true>(axis, x, y),
        };
    }
    let (len, block) = (axis.len, axis.len * block_rows(axis.len));
    let (mut tops, mut sums) = ([T::ZERO; ROWS], [T::ONE; ROWS]);
    for (x, y) in x.chunks(block).zip(y.chunks_mut(block)) {
        if family == Family::Softmin {
            exponentials::<S, T, true>(len, x, y, &mut tops, &mut sums);
        } else {
            exponentials::<S, T, false>(len, x, y, &mut tops, &mut sums);
        }
        if family == Family::LogSoftmax {
            for s in &mut sums[..x.len() / len] {
                *s = s.ln::<S>();
            }
            let rows = x.chunks_exact(len).zip(y.chunks_exact_mut(len)).zip(&tops).zip(&sums);
            for (((x, y), &top), &log_sum) in rows {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = (x - top) - log_sum;
                }
            }
        } else {
            divide(len, y, &sums);
        }
    }
}

/// Each row over its sum.
#[inline(always)]
fn divide<T: Math>(len: usize, y: &mut [T], sums: &[T; ROWS]) {
    for (y, &s) in y.chunks_exact_mut(len).zip(sums) {
        let r = T::ONE / s;
        for y in y {
            *y = *y * r;
        }
    }
}

#[inline(always)]
fn rows_body<S: Simd, T: Math>(classes: usize, x: &[T], y: &mut [T], max: &mut [T], log_sum: &mut [T]) {
    let rows = block_rows(classes);
    let (mut tops, mut sums) = ([T::ZERO; ROWS], [T::ONE; ROWS]);
    let results = max.chunks_mut(rows).zip(log_sum.chunks_mut(rows));
    for ((x, y), (max, log_sum)) in x.chunks(rows * classes).zip(y.chunks_mut(rows * classes)).zip(results) {
        exponentials::<S, T, false>(classes, x, y, &mut tops, &mut sums);
        divide(classes, y, &sums);
        max.copy_from_slice(&tops[..max.len()]);
        for (log_sum, s) in log_sum.iter_mut().zip(sums) {
            *log_sum = s.ln::<S>();
        }
    }
}

/// The same along an axis with `inner` elements behind it, which are the lanes, [`ROWS`] at a time.
#[inline(always)]
fn outer_forward<S: Simd, T: Math, const NEGATE: bool, const LOG: bool>(axis: Axis, x: &[T], y: &mut [T]) {
    let Axis { len, inner } = axis;
    for (x, y) in x.chunks_exact(len * inner).zip(y.chunks_exact_mut(len * inner)) {
        for first in (0..inner).step_by(ROWS) {
            let width = ROWS.min(inner - first);
            let (mut top, mut total) = ([T::ZERO; ROWS], [T::ZERO; ROWS]);
            let at = |i: usize| i * inner + first..i * inner + first + width;
            for i in 0..len {
                let (x, y) = (&x[at(i)], &mut y[at(i)]);
                for ((y, &x), top) in y.iter_mut().zip(x).zip(&mut top) {
                    let x = if NEGATE { -x } else { x };
                    *top = if i > 0 && *top > x { *top } else { x };
                    *y = x;
                }
            }
            for i in 0..len {
                for ((y, &top), total) in y[at(i)].iter_mut().zip(&top).zip(&mut total) {
                    let d = *y - top;
                    let e = d.exp::<S>();
                    *y = if LOG { d } else { e };
                    *total += e;
                }
            }
            for total in &mut total {
                *total = if LOG { total.ln::<S>() } else { T::ONE / *total };
            }
            for i in 0..len {
                for (y, &total) in y[at(i)].iter_mut().zip(&total) {
                    *y = if LOG { *y - total } else { *y * total };
                }
            }
        }
    }
}

#[inline(always)]
fn backward_body<S: Simd, T: Math>(family: Family, axis: Axis, y: &[T], dy: &[T], dx: &mut [T]) {
    if axis.inner > 1 {
        return match family {
            Family::Softmax => outer_backward::<S, T, false, false>(axis, y, dy, dx),
            Family::Softmin => outer_backward::<S, T, true, false>(axis, y, dy, dx),
            Family::LogSoftmax => outer_backward::<S, T, false, true>(axis, y, dy, dx),
        };
    }
    let rows = y.chunks_exact(axis.len).zip(dy.chunks_exact(axis.len)).zip(dx.chunks_exact_mut(axis.len));
    for ((y, dy), dx) in rows {
        match family {
            Family::Softmax => gradient_row::<T, false>(dot::<S, T>(y, dy), y, dy, dx),
            Family::Softmin => gradient_row::<T, true>(dot::<S, T>(y, dy), y, dy, dx),
            Family::LogSoftmax => {
                let total = sum(dy);
                for ((dx, &y), &dy) in dx.iter_mut().zip(y).zip(dy) {
                    *dx = dy - y.exp::<S>() * total;
                }
            }
        }
    }
}

#[inline(always)]
fn gradient_row<T: Math, const NEGATE: bool>(total: T, y: &[T], dy: &[T], dx: &mut [T]) {
    for ((dx, &y), &dy) in dx.iter_mut().zip(y).zip(dy) {
        *dx = y * if NEGATE { total - dy } else { dy - total };
    }
}

#[inline(always)]
fn outer_backward<S: Simd, T: Math, const NEGATE: bool, const LOG: bool>(axis: Axis, y: &[T], dy: &[T], dx: &mut [T]) {
    let Axis { len, inner } = axis;
    let whole = len * inner;
    for ((y, dy), dx) in y.chunks_exact(whole).zip(dy.chunks_exact(whole)).zip(dx.chunks_exact_mut(whole)) {
        for first in (0..inner).step_by(ROWS) {
            let width = ROWS.min(inner - first);
            let mut total = [T::ZERO; ROWS];
            let at = |i: usize| i * inner + first..i * inner + first + width;
            for i in 0..len {
                for ((total, &y), &dy) in total.iter_mut().zip(&y[at(i)]).zip(&dy[at(i)]) {
                    *total += if LOG { dy } else { y * dy };
                }
            }
            for i in 0..len {
                let operands = y[at(i)].iter().zip(&dy[at(i)]).zip(&total);
                for (dx, ((&y, &dy), &total)) in dx[at(i)].iter_mut().zip(operands) {
                    *dx =
                        if LOG { dy - y.exp::<S>() * total } else { y * if NEGATE { total - dy } else { dy - total } };
                }
            }
        }
    }
}

macro_rules! softmax_kernels {
    ($($t:ident)*) => { $(
        impl SoftmaxKernels for $t {
            fn softmax_family_forward(family: Family, axis: Axis, x: &[$t], y: &mut [$t]) {
                multiversion! { fn run(family: Family, axis: Axis, x: &[$t], y: &mut [$t]) = forward_body::<S, $t>; }
                run(family, axis, x, y);
            }
            fn softmax_family_backward(family: Family, axis: Axis, y: &[$t], dy: &[$t], dx: &mut [$t]) {
                multiversion! {
                    fn run(family: Family, axis: Axis, y: &[$t], dy: &[$t], dx: &mut [$t]) = backward_body::<S, $t>;
                }
                run(family, axis, y, dy, dx);
            }
            fn softmax_rows(classes: usize, x: &[$t], y: &mut [$t], max: &mut [$t], log_sum: &mut [$t]) {
                let rows = max.len();
                assert!(
                    classes > 0 && log_sum.len() == rows && x.len() == rows * classes && y.len() == x.len(),
                    "{rows} rows of {classes} classes, but {} logits", x.len()
                );
                multiversion! {
                    fn run(classes: usize, x: &[$t], y: &mut [$t], max: &mut [$t], log_sum: &mut [$t])
                        = rows_body::<S, $t>;
                }
                run(classes, x, y, max, log_sum);
            }
        }
    )* };
}
softmax_kernels!(f32 f64);
