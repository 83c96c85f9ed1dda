//! Dropout: a mask that is computed, not kept.
//!
//! | | kept, with probability 1 - p | dropped |
//! |---|---|---|
//! | dropout | x/(1 - p) | 0 |
//! | alpha dropout | a·x - a·p·α | a·(1 - p)·α |
//!
//! α = -1.7580993408473766 is what SELU tends to for x → -∞, and a = 1/√((1 - p)·(1 + p·α²)): mean 0 and variance 1 stay.
//!
//! Whether an element is dropped is a function of (seed, draw, layer, row, element): the backward pass computes the same
//! mask again, and so does any thread. Where whole channels are dropped, it is one of (…, row, channel).
//!
//! # References
//! `torch.nn.Dropout` and its kin (whose random numbers are others, and which multiply by the mask); Srivastava et al.,
//! Dropout, 2014; Tompson et al., Efficient Object Localization Using Convolutional Networks, 2015; Klambauer et al.,
//! Self-Normalizing Neural Networks, 2017.

use crate::Real;
use crate::network::{Context, Mode};
use crate::simd::math::Math;
use crate::simd::random::Streams;
use crate::simd::{Simd, mul_add, multiversion};

/// What has a random number of its own, in a sample of `sample` elements that is `[…, count, inner]`: all `inner` elements
/// at one place of `count`, the same ones for each place of what is before.
#[derive(Clone, Copy, Debug)]
pub struct Pattern {
    sample: usize,
    count: usize,
    inner: usize,
}

/// What becomes of an element: `scale`·x + `shift`, or `dropped`.
#[derive(Clone, Copy, Debug)]
pub struct Fate {
    scale: f64,
    shift: f64,
    dropped: f64,
}

/// The loops behind this file's functions.
pub trait DropoutKernels: Sized {
    /// Each element's fate: it is kept where its number is at least `threshold`.
    fn dropout_mask(streams: Streams, pattern: Pattern, threshold: u32, fate: Fate, x: &[Self], y: &mut [Self]);
}

/// In training y = x/(1 - p) with probability 1 - p, else 0, each element on its own; in evaluation y = x.
///
/// `layer` tells one dropout of a network from the others. With p = 1 everything is 0.
#[inline]
pub fn dropout_forward<T: Real, const X: usize>(cx: &Context, layer: u64, p: f64, x: &[[T; X]], y: &mut [[T; X]]) {
    drop_out(cx, layer, p, Pattern::elements(X), Fate::scaled(p), x, y);
}

/// dx = dy/(1 - p) where the forward pass kept the element, else 0; in evaluation dx = dy.
#[inline]
pub fn dropout_backward<T: Real, const X: usize>(cx: &Context, layer: u64, p: f64, dy: &[[T; X]], dx: &mut [[T; X]]) {
    dropout_forward(cx, layer, p, dy, dx);
}

/// [`dropout_forward`] of whole channels: a sample is `[…, channels, inner]`.
#[inline]
pub fn channel_dropout_forward<T: Real, const X: usize>(
    cx: &Context,
    layer: u64,
    p: f64,
    channels: usize,
    inner: usize,
    x: &[[T; X]],
    y: &mut [[T; X]],
) {
    drop_out(cx, layer, p, Pattern::channels(X, channels, inner), Fate::scaled(p), x, y);
}

/// dx of [`channel_dropout_forward`].
#[inline]
pub fn channel_dropout_backward<T: Real, const X: usize>(
    cx: &Context,
    layer: u64,
    p: f64,
    channels: usize,
    inner: usize,
    dy: &[[T; X]],
    dx: &mut [[T; X]],
) {
    channel_dropout_forward(cx, layer, p, channels, inner, dy, dx);
}

/// In training y = a·x - a·p·α with probability 1 - p, else a·(1 - p)·α, each element on its own; in evaluation y = x.
///
/// With p = 1 everything is 0, as in PyTorch.
#[inline]
pub fn alpha_dropout_forward<T: Real, const X: usize>(
    cx: &Context,
    layer: u64,
    p: f64,
    x: &[[T; X]],
    y: &mut [[T; X]],
) {
    drop_out(cx, layer, p, Pattern::elements(X), Fate::alpha(p), x, y);
}

/// dx = a·dy where the forward pass kept the element, else 0; in evaluation dx = dy.
#[inline]
pub fn alpha_dropout_backward<T: Real, const X: usize>(
    cx: &Context,
    layer: u64,
    p: f64,
    dy: &[[T; X]],
    dx: &mut [[T; X]],
) {
    drop_out(cx, layer, p, Pattern::elements(X), Fate::alpha(p).gradient(), dy, dx);
}

/// [`alpha_dropout_forward`] of whole channels: a sample is `[…, channels, inner]`.
#[inline]
pub fn channel_alpha_dropout_forward<T: Real, const X: usize>(
    cx: &Context,
    layer: u64,
    p: f64,
    channels: usize,
    inner: usize,
    x: &[[T; X]],
    y: &mut [[T; X]],
) {
    drop_out(cx, layer, p, Pattern::channels(X, channels, inner), Fate::alpha(p), x, y);
}

/// dx of [`channel_alpha_dropout_forward`].
#[inline]
pub fn channel_alpha_dropout_backward<T: Real, const X: usize>(
    cx: &Context,
    layer: u64,
    p: f64,
    channels: usize,
    inner: usize,
    dy: &[[T; X]],
    dx: &mut [[T; X]],
) {
    drop_out(cx, layer, p, Pattern::channels(X, channels, inner), Fate::alpha(p).gradient(), dy, dx);
}

#[inline]
fn drop_out<T: Real, const X: usize>(
    cx: &Context,
    layer: u64,
    p: f64,
    pattern: Pattern,
    fate: Fate,
    x: &[[T; X]],
    y: &mut [[T; X]],
) {
    const { assert!(X as u64 <= 1 << 32, "a sample has more elements than there are random numbers for") }
    assert_eq!(x.len(), y.len(), "batches of different lengths");
    debug_assert!((0.0..=1.0).contains(&p), "dropout with probability {p}");
    if cx.mode == Mode::Eval || p == 0.0 {
        y.copy_from_slice(x);
    } else if p == 1.0 {
        y.as_flattened_mut().fill(T::ZERO);
    } else {
        let threshold = (p * (1u64 << 32) as f64) as u32;
        T::dropout_mask(Streams::new(cx, layer), pattern, threshold, fate, x.as_flattened(), y.as_flattened_mut());
    }
}

impl Pattern {
    fn elements(sample: usize) -> Pattern {
        Pattern { sample, count: sample, inner: 1 }
    }

    fn channels(sample: usize, count: usize, inner: usize) -> Pattern {
        let one = count * inner;
        assert!(one > 0 && sample.is_multiple_of(one), "a sample of {sample} is not [.., {count} channels, {inner}]");
        Pattern { sample, count, inner }
    }
}

impl Fate {
    fn scaled(p: f64) -> Fate {
        // x + -0 is x, also where x is -0.
        Fate { scale: 1.0 / (1.0 - p), shift: -0.0, dropped: 0.0 }
    }

    fn alpha(p: f64) -> Fate {
        const ALPHA: f64 = -1.758_099_340_847_376_6;
        let a = 1.0 / ((ALPHA * ALPHA * p + 1.0) * (1.0 - p)).sqrt();
        Fate { scale: a, shift: -(a * p * ALPHA), dropped: a * (1.0 - p) * ALPHA }
    }

    /// What becomes of the gradient.
    fn gradient(self) -> Fate {
        Fate { shift: -0.0, dropped: 0.0, ..self }
    }
}

#[inline(always)]
fn dropout_mask_body<S: Simd, T: Math>(
    streams: Streams,
    pattern: Pattern,
    threshold: u32,
    fate: Fate,
    x: &[T],
    y: &mut [T],
) {
    let Pattern { sample, count, inner } = pattern;
    let (scale, shift, dropped) = (T::from_f64(fate.scale), T::from_f64(fate.shift), T::from_f64(fate.dropped));
    for (r, (x, y)) in x.chunks_exact(sample).zip(y.chunks_exact_mut(sample)).enumerate() {
        let stream = streams.row(r);
        for (x, y) in x.chunks_exact(count * inner).zip(y.chunks_exact_mut(count * inner)) {
            if inner > 1 {
                for (c, (x, y)) in x.chunks_exact(inner).zip(y.chunks_exact_mut(inner)).enumerate() {
                    if stream.bits(c as u32) < threshold {
                        y.fill(dropped);
                        continue;
                    }
                    for (y, &x) in y.iter_mut().zip(x) {
                        *y = mul_add::<S, T>(x, scale, shift);
                    }
                }
                continue;
            }
            for (e, (y, &x)) in y.iter_mut().zip(x).enumerate() {
                let kept = mul_add::<S, T>(x, scale, shift);
                *y = if stream.bits(e as u32) >= threshold { kept } else { dropped };
            }
        }
    }
}

macro_rules! dropout_kernels {
    ($($t:ident)*) => { $(
        impl DropoutKernels for $t {
            fn dropout_mask(
                streams: Streams, pattern: Pattern, threshold: u32, fate: Fate, x: &[$t], y: &mut [$t],
            ) {
                multiversion! {
                    fn run(streams: Streams, pattern: Pattern, threshold: u32, fate: Fate, x: &[$t], y: &mut [$t])
                        = dropout_mask_body::<S, $t>;
                }
                run(streams, pattern, threshold, fate, x, y);
            }
        }
    )* };
}
dropout_kernels!(f32 f64);

#[cfg(test)]
mod tests;
