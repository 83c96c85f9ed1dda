//! Softmax, softmin and log-softmax along one axis of a sample, and the exponentials that the losses begin with.
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
    /// e = e^(x - m) for each row of `len` elements of one block, at most [`ROWS`], where e holds x.
    fn row_exponentials(len: usize, e: &mut [Self], terms: &mut Terms<Self>);
    /// The same along an axis with `inner` elements behind it, for `width` of those from `first` on, at most [`ROWS`].
    fn plane_exponentials(axis: Axis, first: usize, width: usize, e: &mut [Self], terms: &mut Terms<Self>);
}

/// What every loss over a softmax begins with, for each position of a block: p = e/Σ e, and ln p = x - m - ln Σ e does
/// not cancel.
#[derive(Debug)]
pub struct Terms<T> {
    /// m = max x.
    pub(crate) tops: [T; ROWS],
    /// ln Σ e.
    pub(crate) log_sums: [T; ROWS],
    /// 1/Σ e.
    pub(crate) inverses: [T; ROWS],
}

impl<T: Copy> Terms<T> {
    /// Room for a block's.
    pub(crate) fn filled(zero: T) -> Self {
        Terms { tops: [zero; ROWS], log_sums: [zero; ROWS], inverses: [zero; ROWS] }
    }
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
    assert!(whole > 0 && sample.is_multiple_of(whole), "a sample of {sample} has no {axis:?}");
}

/// The elements of a block of rows: they are gone through several times, so they should stay in the first-level cache.
const BLOCK: usize = 1024;

/// The rows of a block at most: each has its maximum and its sum in an array.
pub(crate) const ROWS: usize = 64;

/// How many rows of `len` make a block.
#[inline(always)]
pub(crate) fn block_rows(len: usize) -> usize {
    (BLOCK / len).clamp(1, ROWS)
}

#[inline(always)]
fn row_exponentials_body<S: Simd, T: Math>(len: usize, e: &mut [T], terms: &mut Terms<T>) {
    // Rows this short are worth code of their own, in which the loops over a row are unrolled.
    match len {
        2 => subtract_max(2, e, &mut terms.tops),
        3 => subtract_max(3, e, &mut terms.tops),
        10 => subtract_max(10, e, &mut terms.tops),
        _ => subtract_max(len, e, &mut terms.tops),
    }
    for e in &mut *e {
        *e = e.exp::<S>();
    }
    let mut sums = [T::ONE; ROWS];
    match len {
        2 => row_sums(2, e, &mut sums),
        3 => row_sums(3, e, &mut sums),
        10 => row_sums(10, e, &mut sums),
        _ => row_sums(len, e, &mut sums),
    }
    // Whole registers: what follows the last row is not read.
    finish_terms::<S, T>((e.len() / len).next_multiple_of(16), &sums, terms);
}

/// The logarithms and inverses of the first `rows` sums.
#[inline(always)]
fn finish_terms<S: Simd, T: Math>(rows: usize, sums: &[T; ROWS], terms: &mut Terms<T>) {
    let results = terms.log_sums[..rows].iter_mut().zip(&mut terms.inverses[..rows]);
    for ((logarithm, inverse), &sum) in results.zip(sums) {
        (*logarithm, *inverse) = (sum.ln::<S>(), T::ONE / sum);
    }
}

#[inline(always)]
fn plane_exponentials_body<S: Simd, T: Math>(
    axis: Axis,
    first: usize,
    width: usize,
    e: &mut [T],
    terms: &mut Terms<T>,
) {
    let Axis { len, inner } = axis;
    let at = |i: usize| i * inner + first..i * inner + first + width;
    let tops = &mut terms.tops;
    tops[..width].copy_from_slice(&e[at(0)]);
    for i in 1..len {
        for (top, &x) in tops.iter_mut().zip(&e[at(i)]) {
            *top = if *top > x { *top } else { x };
        }
    }
    let mut sums = [T::ZERO; ROWS];
    for i in 0..len {
        for ((e, &top), sum) in e[at(i)].iter_mut().zip(&*tops).zip(&mut sums) {
            *e = (*e - top).exp::<S>();
            *sum += *e;
        }
    }
    finish_terms::<S, T>(width, &sums, terms);
}

#[inline(always)]
fn subtract_max<T: Math>(len: usize, y: &mut [T], tops: &mut [T; ROWS]) {
    for (y, top) in y.chunks_exact_mut(len).zip(tops) {
        *top = max(y);
        for y in y {
            *y = *y - *top;
        }
    }
}

#[inline(always)]
fn row_sums<T: Math>(len: usize, y: &[T], sums: &mut [T; ROWS]) {
    for (y, s) in y.chunks_exact(len).zip(sums) {
        *s = sum(y);
    }
}

/// -1 of softmin, which is the softmax of -x; else 1.
#[inline(always)]
fn sign<T: Math>(family: Family) -> T {
    if family == Family::Softmin { -T::ONE } else { T::ONE }
}

#[inline(always)]
fn forward_body<S: Simd, T: Math + SoftmaxKernels>(family: Family, axis: Axis, x: &[T], y: &mut [T]) {
    if axis.inner > 1 {
        return outer_forward(family, axis, x, y);
    }
    let (len, sign) = (axis.len, sign::<T>(family));
    let block = len * block_rows(len);
    let mut terms = Terms::filled(T::ZERO);
    for (x, y) in x.chunks(block).zip(y.chunks_mut(block)) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = sign * x;
        }
        T::row_exponentials(len, y, &mut terms);
        let rows = x.chunks_exact(len).zip(y.chunks_exact_mut(len)).enumerate();
        for (i, (x, y)) in rows {
            let (top, log_sum, inverse) = (terms.tops[i], terms.log_sums[i], terms.inverses[i]);
            if family == Family::LogSoftmax {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = (x - top) - log_sum;
                }
            } else {
                for y in y {
                    *y = *y * inverse;
                }
            }
        }
    }
}

/// The same along an axis with `inner` elements behind it, which are the lanes, [`ROWS`] at a time.
#[inline(always)]
fn outer_forward<T: Math + SoftmaxKernels>(family: Family, axis: Axis, x: &[T], y: &mut [T]) {
    let Axis { len, inner } = axis;
    let sign = sign::<T>(family);
    let mut terms = Terms::filled(T::ZERO);
    for (x, y) in x.chunks_exact(len * inner).zip(y.chunks_exact_mut(len * inner)) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = sign * x;
        }
        for first in (0..inner).step_by(ROWS) {
            let width = ROWS.min(inner - first);
            T::plane_exponentials(axis, first, width, y, &mut terms);
            for i in 0..len {
                let at = i * inner + first..i * inner + first + width;
                let (x, y) = (&x[at.clone()], &mut y[at]);
                if family == Family::LogSoftmax {
                    for (((y, &x), &top), &log_sum) in y.iter_mut().zip(x).zip(&terms.tops).zip(&terms.log_sums) {
                        *y = (x - top) - log_sum;
                    }
                } else {
                    for (y, &inverse) in y.iter_mut().zip(&terms.inverses) {
                        *y = *y * inverse;
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn backward_body<S: Simd, T: Math>(family: Family, axis: Axis, y: &[T], dy: &[T], dx: &mut [T]) {
    if axis.inner > 1 {
        return match family {
            Family::LogSoftmax => outer_backward::<S, T, true>(axis, T::ONE, y, dy, dx),
            _ => outer_backward::<S, T, false>(axis, sign(family), y, dy, dx),
        };
    }
    let (len, sign) = (axis.len, sign::<T>(family));
    for ((y, dy), dx) in y.chunks_exact(len).zip(dy.chunks_exact(len)).zip(dx.chunks_exact_mut(len)) {
        if family == Family::LogSoftmax {
            let total = sum(dy);
            for ((dx, &y), &dy) in dx.iter_mut().zip(y).zip(dy) {
                *dx = dy - y.exp::<S>() * total;
            }
        } else {
            let total = dot::<S, T>(y, dy);
            for ((dx, &y), &dy) in dx.iter_mut().zip(y).zip(dy) {
                *dx = sign * y * (dy - total);
            }
        }
    }
}

#[inline(always)]
fn outer_backward<S: Simd, T: Math, const LOG: bool>(axis: Axis, sign: T, y: &[T], dy: &[T], dx: &mut [T]) {
    let Axis { len, inner } = axis;
    let whole = len * inner;
    for ((y, dy), dx) in y.chunks_exact(whole).zip(dy.chunks_exact(whole)).zip(dx.chunks_exact_mut(whole)) {
        for first in (0..inner).step_by(ROWS) {
            let width = ROWS.min(inner - first);
            let at = |i: usize| i * inner + first..i * inner + first + width;
            let mut total = [T::ZERO; ROWS];
            for i in 0..len {
                for ((total, &y), &dy) in total.iter_mut().zip(&y[at(i)]).zip(&dy[at(i)]) {
                    *total += if LOG { dy } else { y * dy };
                }
            }
            for i in 0..len {
                let operands = y[at(i)].iter().zip(&dy[at(i)]).zip(&total);
                for (dx, ((&y, &dy), &total)) in dx[at(i)].iter_mut().zip(operands) {
                    *dx = if LOG { dy - y.exp::<S>() * total } else { sign * y * (dy - total) };
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
            fn row_exponentials(len: usize, e: &mut [$t], terms: &mut Terms<$t>) {
                multiversion! {
                    fn run(len: usize, e: &mut [$t], terms: &mut Terms<$t>) = row_exponentials_body::<S, $t>;
                }
                run(len, e, terms);
            }
            fn plane_exponentials(axis: Axis, first: usize, width: usize, e: &mut [$t], terms: &mut Terms<$t>) {
                multiversion! {
                    fn run(axis: Axis, first: usize, width: usize, e: &mut [$t], terms: &mut Terms<$t>) =
                        plane_exponentials_body::<S, $t>;
                }
                run(axis, first, width, e, terms);
            }
        }
    )* };
}
softmax_kernels!(f32 f64);

#[cfg(test)]
mod tests;
