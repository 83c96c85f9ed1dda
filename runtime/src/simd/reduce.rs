//! Sums and maxima along a contiguous row, in lanes of their own: the compiler must keep the order of a scalar loop, so
//! such a loop never becomes vector instructions.
//!
//! The order is fixed by the length alone: element i of the whole chunks belongs to lane i mod [`LANES`], the lanes are
//! joined as a tree, and what is left over is summed in order and added last.

use super::math::Math;
use super::{Simd, mul_add};

/// One register of `f32` with AVX-512, and enough independent sums for the narrower sets.
pub(crate) const LANES: usize = 16;

/// The sum of the lanes, as a tree.
#[inline(always)]
pub(crate) fn join<T: Math>(mut lanes: [T; LANES]) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for l in 0..half {
            lanes[l] = lanes[l] + lanes[l + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// Σ x.
#[inline(always)]
pub(crate) fn sum<T: Math>(x: &[T]) -> T {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut tail = T::ZERO;
    for &x in rest {
        tail += x;
    }
    if chunks.is_empty() {
        return tail;
    }
    let mut lanes = [T::ZERO; LANES];
    for x in chunks {
        for l in 0..LANES {
            lanes[l] += x[l];
        }
    }
    join(lanes) + tail
}

/// Σ (x - c)².
#[inline(always)]
pub(crate) fn sum_squares<S: Simd, T: Math>(x: &[T], c: T) -> T {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut tail = T::ZERO;
    for &x in rest {
        tail = mul_add::<S, T>(x - c, x - c, tail);
    }
    if chunks.is_empty() {
        return tail;
    }
    let mut lanes = [T::ZERO; LANES];
    for x in chunks {
        for l in 0..LANES {
            let d = x[l] - c;
            lanes[l] = mul_add::<S, T>(d, d, lanes[l]);
        }
    }
    join(lanes) + tail
}

/// Σ a·b.
#[inline(always)]
pub(crate) fn dot<S: Simd, T: Math>(a: &[T], b: &[T]) -> T {
    let ((chunks_a, rest_a), (chunks_b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut tail = T::ZERO;
    for (&a, &b) in rest_a.iter().zip(rest_b) {
        tail = mul_add::<S, T>(a, b, tail);
    }
    if chunks_a.is_empty() {
        return tail;
    }
    let mut lanes = [T::ZERO; LANES];
    for (a, b) in chunks_a.iter().zip(chunks_b) {
        for l in 0..LANES {
            lanes[l] = mul_add::<S, T>(a[l], b[l], lanes[l]);
        }
    }
    join(lanes) + tail
}

/// The largest of `x`, which is not empty; NaN may or may not count.
#[inline(always)]
pub(crate) fn max<T: Math>(x: &[T]) -> T {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut top = x[0];
    for &x in rest {
        top = if top > x { top } else { x };
    }
    let Some(first) = chunks.first() else { return top };
    let mut lanes = *first;
    for x in chunks {
        for l in 0..LANES {
            lanes[l] = if lanes[l] > x[l] { lanes[l] } else { x[l] };
        }
    }
    let mut half = LANES / 2;
    while half > 0 {
        for l in 0..half {
            lanes[l] = if lanes[l] > lanes[l + half] { lanes[l] } else { lanes[l + half] };
        }
        half /= 2;
    }
    if top > lanes[0] { top } else { lanes[0] }
}
