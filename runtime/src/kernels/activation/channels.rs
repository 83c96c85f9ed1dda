//! Activations that are more than a function of one number: with a slope for each channel ([`prelu_forward`]), a random
//! slope ([`rrelu_forward`]), or one half gating the other ([`glu_forward`]).

use crate::kernels::columns::{ColumnSum, Columns, Scalars, finish_columns};
use crate::kernels::{Axis, Span};
use crate::network::{Context, Mode};
use crate::simd::math::Math;
use crate::simd::random::{Stream, Streams};
use crate::simd::{Simd, multiversion};
use crate::{Real, Update};

/// The loops behind this file's functions, on flat slices.
pub trait ChannelKernels: Sized {
    /// y = x where x > 0, else w[c]·x.
    fn prelu_forward(inner: usize, x: &[Self], w: &[Self], y: &mut [Self]);
    /// dx = dy where x > 0, else w[c]·dy.
    fn prelu_backward_input(inner: usize, x: &[Self], w: &[Self], dy: &[Self], dx: &mut [Self]);
    /// y = a where x > 0, else s·a: the value where a is x, the gradient where it is dy. Random slopes.
    fn rrelu_random(streams: Streams, sample: usize, lower: f64, upper: f64, x: &[Self], a: &[Self], y: &mut [Self]);
    /// y = a·σ(b) for the halves a and b of x.
    fn glu_forward(axis: Axis, x: &[Self], y: &mut [Self]);
    /// da = dy·σ(b), db = dy·a·σ(b)·(1 - σ(b)).
    fn glu_backward(axis: Axis, x: &[Self], dy: &[Self], dx: &mut [Self]);
}

/// y = x where x > 0, else w·x, with a slope w for each channel or one for all.
///
/// Channel of an element: (its place in the sample / `inner`) mod the number of slopes.
///
/// # References
/// `torch.nn.PReLU`; He et al., Delving Deep into Rectifiers, 2015.
#[inline]
pub fn prelu_forward<T: Real, const X: usize>(inner: usize, x: &[[T; X]], weight: &[T], y: &mut [[T; X]]) {
    assert_eq!(x.len(), y.len(), "batches of different lengths");
    check_channels(X, weight.len(), inner);
    T::prelu_forward(inner, x.as_flattened(), weight, y.as_flattened_mut());
}

/// dx = dy where x > 0, else w·dy.
#[inline]
pub fn prelu_backward_input<T: Real, const X: usize>(
    inner: usize,
    x: &[[T; X]],
    weight: &[T],
    dy: &[[T; X]],
    dx: &mut [[T; X]],
) {
    assert!(x.len() == dy.len() && dy.len() == dx.len(), "batches of different lengths");
    check_channels(X, weight.len(), inner);
    T::prelu_backward_input(inner, x.as_flattened(), weight, dy.as_flattened(), dx.as_flattened_mut());
}

/// dw = Σ dy·x over all elements of the channel where x <= 0.
#[inline]
pub fn prelu_backward_weight<T: Real, const X: usize, const C: usize>(
    inner: usize,
    x: &[[T; X]],
    dy: &[[T; X]],
    weight: Span<1, C>,
    update: &mut Update<'_, T>,
) {
    assert_eq!(x.len(), dy.len(), "batches of different lengths");
    check_channels(X, C, inner);
    let (x, dy) = (x.as_flattened(), dy.as_flattened());
    finish_columns(update, weight.index, weight.offset, C, |range, sums| {
        T::column_sums(ColumnSum::Below, Columns { count: C, inner }, range, x, dy, Scalars::None, sums)
    });
}

/// Whether a sample is a whole number of `[channels, inner]`.
#[inline]
fn check_channels(sample: usize, channels: usize, inner: usize) {
    let one = channels * inner;
    assert!(one > 0 && sample.is_multiple_of(one), "a sample of {sample} is not [.., {channels} channels, {inner}]");
}

/// y = x where x > 0, else s·x with a slope s drawn between `lower` and `upper` for each element in training; the slope
/// (`lower` + `upper`)/2 in evaluation.
///
/// # References
/// `torch.nn.RReLU`; Xu et al., Empirical Evaluation of Rectified Activations in Convolutional Network, 2015.
#[inline]
pub fn rrelu_forward<T: Real, const X: usize>(
    cx: &Context,
    layer: u64,
    lower: f64,
    upper: f64,
    x: &[[T; X]],
    y: &mut [[T; X]],
) {
    rrelu(cx, layer, lower, upper, x, x, y);
}

/// dx = dy where x > 0, else s·dy, with the slopes of the forward pass.
#[inline]
pub fn rrelu_backward<T: Real, const X: usize>(
    cx: &Context,
    layer: u64,
    lower: f64,
    upper: f64,
    x: &[[T; X]],
    dy: &[[T; X]],
    dx: &mut [[T; X]],
) {
    rrelu(cx, layer, lower, upper, x, dy, dx);
}

#[inline]
fn rrelu<T: Real, const X: usize>(
    cx: &Context,
    layer: u64,
    lower: f64,
    upper: f64,
    x: &[[T; X]],
    a: &[[T; X]],
    y: &mut [[T; X]],
) {
    assert!(x.len() == a.len() && a.len() == y.len(), "batches of different lengths");
    let (x, a, y) = (x.as_flattened(), a.as_flattened(), y.as_flattened_mut());
    match cx.mode {
        Mode::Train => T::rrelu_random(Streams::new(cx, layer), X, lower, upper, x, a, y),
        // One slope for all is a PReLU with one channel, forward and backward alike.
        Mode::Eval => T::prelu_backward_input(X, x, &[T::from_f64((lower + upper) / 2.0)], a, y),
    }
}

/// y = a·σ(b), where a and b are the halves of x along `axis` (the input's), and σ the logistic function.
///
/// # References
/// `torch.nn.GLU`; Dauphin et al., Language Modeling with Gated Convolutional Networks, 2016.
#[inline]
pub fn glu_forward<T: Real, const X: usize, const Y: usize>(axis: Axis, x: &[[T; X]], y: &mut [[T; Y]]) {
    check_halves::<X, Y>(axis, x.len(), y.len());
    T::glu_forward(axis, x.as_flattened(), y.as_flattened_mut());
}

/// da = dy·σ(b) and db = dy·a·σ(b)·(1 - σ(b)), as the halves of dx along `axis`.
#[inline]
pub fn glu_backward<T: Real, const X: usize, const Y: usize>(
    axis: Axis,
    x: &[[T; X]],
    dy: &[[T; Y]],
    dx: &mut [[T; X]],
) {
    check_halves::<X, Y>(axis, x.len(), dy.len());
    assert_eq!(x.len(), dx.len(), "batches of different lengths");
    T::glu_backward(axis, x.as_flattened(), dy.as_flattened(), dx.as_flattened_mut());
}

#[inline]
fn check_halves<const X: usize, const Y: usize>(axis: Axis, x: usize, y: usize) {
    const { assert!(X == 2 * Y, "a gated linear unit halves its input") }
    assert_eq!(x, y, "batches of different lengths");
    let whole = axis.len * axis.inner;
    assert!(
        axis.len.is_multiple_of(2) && whole > 0 && X.is_multiple_of(whole),
        "a sample of {X} has no halves along {axis:?}"
    );
}

#[inline(always)]
fn prelu_forward_body<S: Simd, T: Math>(inner: usize, x: &[T], w: &[T], y: &mut [T]) {
    prelu_backward_input_body::<S, T>(inner, x, w, x, y);
}

/// y = a where x > 0, else w·a: the value where a is x, the gradient where it is dy.
#[inline(always)]
fn prelu_backward_input_body<S: Simd, T: Math>(inner: usize, x: &[T], w: &[T], a: &[T], y: &mut [T]) {
    match (w.len(), inner) {
        (1, _) => slope::<T>(x, w[0], a, y),
        (channels, 1) => {
            let rows = x.chunks_exact(channels).zip(a.chunks_exact(channels)).zip(y.chunks_exact_mut(channels));
            for ((x, a), y) in rows {
                for (((y, &x), &a), &w) in y.iter_mut().zip(x).zip(a).zip(w) {
                    let below = w * a;
                    *y = if x > T::ZERO { a } else { below };
                }
            }
        }
        (_, inner) => {
            let pieces = x.chunks_exact(inner).zip(a.chunks_exact(inner)).zip(y.chunks_exact_mut(inner));
            for (((x, a), y), &w) in pieces.zip(w.iter().cycle()) {
                slope::<T>(x, w, a, y);
            }
        }
    }
}

#[inline(always)]
fn slope<T: Math>(x: &[T], w: T, a: &[T], y: &mut [T]) {
    for ((y, &x), &a) in y.iter_mut().zip(x).zip(a) {
        let below = w * a;
        *y = if x > T::ZERO { a } else { below };
    }
}

#[inline(always)]
fn rrelu_random_body<S: Simd, T: Math>(
    streams: Streams,
    sample: usize,
    lower: f64,
    upper: f64,
    x: &[T],
    a: &[T],
    y: &mut [T],
) {
    let (low, width) = (T::from_f64(lower), T::from_f64(upper - lower));
    let rows = x.chunks_exact(sample).zip(a.chunks_exact(sample)).zip(y.chunks_exact_mut(sample));
    for (r, ((x, a), y)) in rows.enumerate() {
        let stream: Stream = streams.row(r);
        for (e, ((y, &x), &a)) in y.iter_mut().zip(x).zip(a).enumerate() {
            let below = a * (low + width * stream.uniform::<T>(e as u32));
            *y = if x > T::ZERO { a } else { below };
        }
    }
}

#[inline(always)]
fn glu_forward_body<S: Simd, T: Math>(axis: Axis, x: &[T], y: &mut [T]) {
    let half = axis.len / 2 * axis.inner;
    for (x, y) in x.chunks_exact(2 * half).zip(y.chunks_exact_mut(half)) {
        let (a, b) = x.split_at(half);
        for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
            *y = a * b.sigmoid::<S>();
        }
    }
}

#[inline(always)]
fn glu_backward_body<S: Simd, T: Math>(axis: Axis, x: &[T], dy: &[T], dx: &mut [T]) {
    let half = axis.len / 2 * axis.inner;
    for ((x, dy), dx) in x.chunks_exact(2 * half).zip(dy.chunks_exact(half)).zip(dx.chunks_exact_mut(2 * half)) {
        let ((a, b), (da, db)) = (x.split_at(half), dx.split_at_mut(half));
        for ((((da, db), &a), &b), &dy) in da.iter_mut().zip(db).zip(a).zip(b).zip(dy) {
            let s = b.sigmoid::<S>();
            *da = dy * s;
            *db = dy * a * (s * (T::ONE - s));
        }
    }
}

macro_rules! channel_kernels {
    ($($t:ident)*) => { $(
        impl ChannelKernels for $t {
            fn prelu_forward(inner: usize, x: &[$t], w: &[$t], y: &mut [$t]) {
                multiversion! {
                    fn run(inner: usize, x: &[$t], w: &[$t], y: &mut [$t]) = prelu_forward_body::<S, $t>;
                }
                run(inner, x, w, y);
            }
            fn prelu_backward_input(inner: usize, x: &[$t], w: &[$t], dy: &[$t], dx: &mut [$t]) {
                multiversion! {
                    fn run(inner: usize, x: &[$t], w: &[$t], dy: &[$t], dx: &mut [$t])
                        = prelu_backward_input_body::<S, $t>;
                }
                run(inner, x, w, dy, dx);
            }
            fn rrelu_random(
                streams: Streams, sample: usize, lower: f64, upper: f64, x: &[$t], a: &[$t], y: &mut [$t],
            ) {
                multiversion! {
                    fn run(streams: Streams, sample: usize, lower: f64, upper: f64, x: &[$t], a: &[$t], y: &mut [$t])
                        = rrelu_random_body::<S, $t>;
                }
                run(streams, sample, lower, upper, x, a, y);
            }
            fn glu_forward(axis: Axis, x: &[$t], y: &mut [$t]) {
                multiversion! { fn run(axis: Axis, x: &[$t], y: &mut [$t]) = glu_forward_body::<S, $t>; }
                run(axis, x, y);
            }
            fn glu_backward(axis: Axis, x: &[$t], dy: &[$t], dx: &mut [$t]) {
                multiversion! {
                    fn run(axis: Axis, x: &[$t], dy: &[$t], dx: &mut [$t]) = glu_backward_body::<S, $t>;
                }
                run(axis, x, dy, dx);
            }
        }
    )* };
}
channel_kernels!(f32 f64);

#[cfg(test)]
mod tests;
