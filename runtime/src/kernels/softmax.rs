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

/// e = e^(x - m) for each row of `len` elements of one block, whose largest elements m and sums of e go into the arrays.
///
/// What every loss over a softmax begins with: p = e/Σ e, and ln p = x - m - ln Σ e does not cancel.
#[inline(always)]
pub(crate) fn exponentials<S: Simd, T: Math>(
    len: usize,
    x: &[T],
    e: &mut [T],
    tops: &mut [T; ROWS],
    sums: &mut [T; ROWS],
) {
    e.copy_from_slice(x);
    exponentials_in_place::<S, T>(len, e, tops, sums);
}

/// The same, where e holds x.
#[inline(always)]
fn exponentials_in_place<S: Simd, T: Math>(len: usize, e: &mut [T], tops: &mut [T; ROWS], sums: &mut [T; ROWS]) {
    // Rows this short are worth code of their own, in which the loops over a row are unrolled.
    match len {
        2 => subtract_max(2, e, tops),
        3 => subtract_max(3, e, tops),
        10 => subtract_max(10, e, tops),
        _ => subtract_max(len, e, tops),
    }
    for e in &mut *e {
        *e = e.exp::<S>();
    }
    match len {
        2 => row_sums(2, e, sums),
        3 => row_sums(3, e, sums),
        10 => row_sums(10, e, sums),
        _ => row_sums(len, e, sums),
    }
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

/// Each row of `len` over its sum.
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
fn divide_rows<T: Math>(len: usize, y: &mut [T], sums: &[T; ROWS]) {
    match len {
        2 => divide(2, y, sums),
        3 => divide(3, y, sums),
        10 => divide(10, y, sums),
        _ => divide(len, y, sums),
    }
}

/// -1 of softmin, which is the softmax of -x; else 1.
#[inline(always)]
fn sign<T: Math>(family: Family) -> T {
    if family == Family::Softmin { -T::ONE } else { T::ONE }
}

#[inline(always)]
fn forward_body<S: Simd, T: Math>(family: Family, axis: Axis, x: &[T], y: &mut [T]) {
    if axis.inner > 1 {
        return match family {
            Family::LogSoftmax => outer_forward::<S, T, true>(axis, T::ONE, x, y),
            _ => outer_forward::<S, T, false>(axis, sign(family), x, y),
        };
    }
    let (len, sign) = (axis.len, sign::<T>(family));
    let block = len * block_rows(len);
    let (mut tops, mut sums) = ([T::ZERO; ROWS], [T::ONE; ROWS]);
    for (x, y) in x.chunks(block).zip(y.chunks_mut(block)) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = sign * x;
        }
        exponentials_in_place::<S, T>(len, y, &mut tops, &mut sums);
        if family != Family::LogSoftmax {
            divide_rows(len, y, &sums);
            continue;
        }
        for s in &mut sums[..x.len() / len] {
            *s = s.ln::<S>();
        }
        let rows = x.chunks_exact(len).zip(y.chunks_exact_mut(len)).zip(tops.iter().zip(&sums));
        for ((x, y), (&top, &log_sum)) in rows {
            for (y, &x) in y.iter_mut().zip(x) {
                *y = (x - top) - log_sum;
            }
        }
    }
}

/// The same along an axis with `inner` elements behind it, which are the lanes, [`ROWS`] at a time.
#[inline(always)]
fn outer_forward<S: Simd, T: Math, const LOG: bool>(axis: Axis, sign: T, x: &[T], y: &mut [T]) {
    let Axis { len, inner } = axis;
    for (x, y) in x.chunks_exact(len * inner).zip(y.chunks_exact_mut(len * inner)) {
        for first in (0..inner).step_by(ROWS) {
            let width = ROWS.min(inner - first);
            let at = |i: usize| i * inner + first..i * inner + first + width;
            let (mut top, mut total) = ([-T::INFINITY; ROWS], [T::ZERO; ROWS]);
            for i in 0..len {
                for (top, &x) in top.iter_mut().zip(&x[at(i)]) {
                    let x = sign * x;
                    *top = if *top > x { *top } else { x };
                }
            }
            for i in 0..len {
                let operands = x[at(i)].iter().zip(&top).zip(&mut total);
                for (y, ((&x, &top), total)) in y[at(i)].iter_mut().zip(operands) {
                    let d = sign * x - top;
                    let e = d.exp::<S>();
                    *y = if LOG { d } else { e };
                    *total += e;
                }
            }
            for total in &mut total[..width] {
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
        }
    )* };
}
softmax_kernels!(f32 f64);

#[cfg(test)]
mod tests;
