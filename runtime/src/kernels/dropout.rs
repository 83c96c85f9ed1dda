//! Dropout: a mask that is computed, not kept.
//!
//! Whether an element is dropped is a function of (seed, draw, layer, row, element): the backward pass computes the same
//! mask again, and so does any thread.

use crate::Real;
use crate::network::{Context, Mode};
use crate::simd::math::Math;
use crate::simd::random::Streams;
use crate::simd::{Simd, multiversion};

/// The loops behind this file's functions.
pub trait DropoutKernels: Sized {
    /// y = x·`scale` where the element's number is at least `threshold`, else 0.
    fn dropout_mask(streams: Streams, sample: usize, threshold: u32, scale: f64, x: &[Self], y: &mut [Self]);
}

/// In training y = x/(1 - p) with probability 1 - p, else 0, each element on its own; in evaluation y = x.
///
/// `layer` tells one dropout of a network from the others. With p = 1 everything is 0.
///
/// # References
/// `torch.nn.Dropout` (whose random numbers are others).
#[inline]
pub fn dropout_forward<T: Real, const X: usize>(cx: &Context, layer: u64, p: f64, x: &[[T; X]], y: &mut [[T; X]]) {
    const { assert!(X as u64 <= 1 << 32, "a sample has more elements than there are random numbers for") }
    assert_eq!(x.len(), y.len(), "batches of different lengths");
    debug_assert!((0.0..=1.0).contains(&p), "dropout with probability {p}");
    if cx.mode == Mode::Eval || p == 0.0 {
        y.copy_from_slice(x);
    } else if p == 1.0 {
        y.as_flattened_mut().fill(T::ZERO);
    } else {
        let threshold = (p * (1u64 << 32) as f64) as u32;
        T::dropout_mask(Streams::new(cx, layer), X, threshold, 1.0 / (1.0 - p), x.as_flattened(), y.as_flattened_mut());
    }
}

/// dx = dy/(1 - p) where the forward pass kept the element, else 0; in evaluation dx = dy.
#[inline]
pub fn dropout_backward<T: Real, const X: usize>(cx: &Context, layer: u64, p: f64, dy: &[[T; X]], dx: &mut [[T; X]]) {
    dropout_forward(cx, layer, p, dy, dx);
}

#[inline(always)]
fn dropout_mask_body<S: Simd, T: Math>(
    streams: Streams,
    sample: usize,
    threshold: u32,
    scale: f64,
    x: &[T],
    y: &mut [T],
) {
    let scale = T::from_f64(scale);
    for (r, (x, y)) in x.chunks_exact(sample).zip(y.chunks_exact_mut(sample)).enumerate() {
        let stream = streams.row(r);
        for (e, (y, &x)) in y.iter_mut().zip(x).enumerate() {
            let kept = x * scale;
            *y = if stream.bits(e as u32) >= threshold { kept } else { T::ZERO };
        }
    }
}

macro_rules! dropout_kernels {
    ($($t:ident)*) => { $(
        impl DropoutKernels for $t {
            fn dropout_mask(streams: Streams, sample: usize, threshold: u32, scale: f64, x: &[$t], y: &mut [$t]) {
                multiversion! {
                    fn run(streams: Streams, sample: usize, threshold: u32, scale: f64, x: &[$t], y: &mut [$t])
                        = dropout_mask_body::<S, $t>;
                }
                run(streams, sample, threshold, scale, x, y);
            }
        }
    )* };
}
dropout_kernels!(f32 f64);

#[cfg(test)]
mod tests;
