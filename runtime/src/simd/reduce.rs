//! Sums and maxima along a contiguous row, in lanes of their own: the compiler must keep the order of a scalar loop, so
//! such a loop never becomes vector instructions.
//!
//! The order is fixed by the length alone: chunks of [`WIDE`] lanes as long as there are any (several registers, so that
//! one addition need not wait for the last), then chunks of [`LANES`], the lanes joined as a tree, and what is left over
//! summed in order and added last.

use super::math::Math;
use super::{Simd, mul_add};

/// One register of `f32` with AVX-512, and some independent sums for the narrower sets.
pub(crate) const LANES: usize = 16;

/// Four registers of `f32` with AVX-512: as many additions as are under way at once.
pub(crate) const WIDE: usize = 64;

/// Folds a wide set of lanes onto [`LANES`] of them, with `f`.
macro_rules! fold {
    ($wide:expr, $f:expr) => {{
        let wide = $wide;
        let mut lanes = [T::ZERO; LANES];
        for l in 0..LANES {
            lanes[l] = $f($f(wide[l], wide[l + 16]), $f(wide[l + 32], wide[l + 48]));
        }
        lanes
    }};
}

/// One number of all lanes, as a tree, with `f`.
macro_rules! join {
    ($lanes:expr, $f:expr) => {{
        let mut lanes = $lanes;
        let mut half = LANES / 2;
        while half > 0 {
            for l in 0..half {
                lanes[l] = $f(lanes[l], lanes[l + half]);
            }
            half /= 2;
        }
        lanes[0]
    }};
}

/// The loops of a reduction of the slices `$x`: `$step(lane, x…)` for each element, `$join(lane, lane)` at the end.
macro_rules! reduce {
    ($start:expr, $step:expr, $join:expr; $first:ident $(, $x:ident)*) => {{
        let len = $first.len();
        let start = $start;
        let whole = len - len % LANES;
        let wide = len - len % WIDE;
        let mut tail = start;
        for i in whole..len {
            tail = $step(tail, $first[i] $(, $x[i])*);
        }
        if whole == 0 {
            return tail;
        }
        let mut lanes = [start; LANES];
        if wide > 0 {
            let mut sums = [start; WIDE];
            let mut i = 0;
            while i < wide {
                let $first: &[T; WIDE] = $first[i..].first_chunk().expect("a chunk is left");
                $( let $x: &[T; WIDE] = $x[i..].first_chunk().expect("slices of one length"); )*
                for l in 0..WIDE {
                    sums[l] = $step(sums[l], $first[l] $(, $x[l])*);
                }
                i += WIDE;
            }
            lanes = fold!(sums, $join);
        }
        let mut i = wide;
        while i < whole {
            let $first: &[T; LANES] = $first[i..].first_chunk().expect("a chunk is left");
            $( let $x: &[T; LANES] = $x[i..].first_chunk().expect("slices of one length"); )*
            for l in 0..LANES {
                lanes[l] = $step(lanes[l], $first[l] $(, $x[l])*);
            }
            i += LANES;
        }
        $join(join!(lanes, $join), tail)
    }};
}

#[inline(always)]
fn plus<T: Math>(a: T, b: T) -> T {
    a + b
}

#[inline(always)]
fn larger<T: Math>(a: T, b: T) -> T {
    if a > b { a } else { b }
}

/// The sum of the lanes, as a tree.
#[inline(always)]
pub(crate) fn join<T: Math>(lanes: [T; LANES]) -> T {
    join!(lanes, plus)
}

/// Σ x.
#[inline(always)]
pub(crate) fn sum<T: Math>(x: &[T]) -> T {
    reduce!(T::ZERO, plus, plus; x)
}

/// Σ (x - c).
#[inline(always)]
pub(crate) fn sum_centred<T: Math>(x: &[T], c: T) -> T {
    reduce!(T::ZERO, |sum, x: T| sum + (x - c), plus; x)
}

/// Σ (x - c)².
#[inline(always)]
pub(crate) fn sum_squares<S: Simd, T: Math>(x: &[T], c: T) -> T {
    reduce!(T::ZERO, |sum, x: T| mul_add::<S, T>(x - c, x - c, sum), plus; x)
}

/// Σ a·b.
#[inline(always)]
pub(crate) fn dot<S: Simd, T: Math>(a: &[T], b: &[T]) -> T {
    reduce!(T::ZERO, |sum, a: T, b: T| mul_add::<S, T>(a, b, sum), plus; a, b)
}

/// Σ a·(x - c).
#[inline(always)]
pub(crate) fn dot_centred<S: Simd, T: Math>(a: &[T], x: &[T], c: T) -> T {
    reduce!(T::ZERO, |sum, a: T, x: T| mul_add::<S, T>(a, x - c, sum), plus; a, x)
}

/// Σ a·b·(x - c).
#[inline(always)]
pub(crate) fn dot3_centred<S: Simd, T: Math>(a: &[T], b: &[T], x: &[T], c: T) -> T {
    reduce!(T::ZERO, |sum, a: T, b: T, x: T| mul_add::<S, T>(a * b, x - c, sum), plus; a, b, x)
}

/// The largest of `x`, which is not empty; NaN may or may not count.
#[inline(always)]
pub(crate) fn max<T: Math>(x: &[T]) -> T {
    reduce!(x[0], larger, larger; x)
}
