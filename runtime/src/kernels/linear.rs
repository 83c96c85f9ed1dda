//! Fully connected layers: y = x·w + b, with the weight stored `[in][out]`.
//!
//! | | formula | sum over, in this order |
//! |---|---|---|
//! | forward | y = b + x·w | inputs 0..I |
//! | gradient of the input | dx = dy·wᵀ | outputs 0..O |
//! | gradient of the weight | dw = xᵀ·dy | rows of the batch 0..N |
//! | gradient of the bias | db = Σ dy | rows of the batch 0..N |
//!
//! Each is one chain of multiply-adds, fused where the instruction set can, that begins with the bias or with zero.

use super::{Activation, Span};
use crate::simd::{MulAdd, Simd, mul_add, multiversion};
use crate::{Real, Update};

/// What is done in place to finished rows, given the place of their first element.
type Epilogue<'a, T> = &'a dyn Fn(usize, &mut [T]);

/// The loops behind this file's functions, on flat slices with run-time sizes.
pub trait LinearKernels: Sized {
    /// y = b + x·w.
    fn linear_forward(i: usize, o: usize, x: &[Self], w: &[Self], b: &[Self], y: &mut [Self], then: Epilogue<'_, Self>);
    /// dx = dy·wᵀ.
    fn linear_backward_input(i: usize, o: usize, dy: &[Self], w: &[Self], dx: &mut [Self], then: Epilogue<'_, Self>);
    /// dw = xᵀ·dy.
    fn linear_backward_weight(
        i: usize,
        o: usize,
        x: &[Self],
        dy: &[Self],
        index: usize,
        offset: usize,
        update: &mut Update<'_, Self>,
    ) where
        Self: Real;
    /// db = Σ dy.
    fn linear_backward_bias(o: usize, dy: &[Self], index: usize, offset: usize, update: &mut Update<'_, Self>)
    where
        Self: Real;
}

/// The number of rows of `width` in samples of `sample`.
#[inline(always)]
const fn rows_per_sample(sample: usize, width: usize) -> usize {
    assert!(width > 0 && sample % width == 0, "a sample is not a whole number of the layer's rows");
    sample / width
}

/// Checks two samples' shapes against I and O at compile time, and two batches' lengths at run time.
#[inline(always)]
fn check<const X: usize, const Y: usize, const I: usize, const O: usize>(x: usize, y: usize) {
    const { assert!(rows_per_sample(X, I) == rows_per_sample(Y, O), "input and output have different numbers of rows") }
    assert_eq!(x, y, "batches of different lengths");
}

/// y = x·w + b. `bias` may be empty.
#[inline]
pub fn linear_forward<T: Real, const X: usize, const Y: usize, const I: usize, const O: usize>(
    x: &[[T; X]],
    weight: &[[T; O]; I],
    bias: &[T],
    y: &mut [[T; Y]],
) {
    check::<X, Y, I, O>(x.len(), y.len());
    T::linear_forward(I, O, x.as_flattened(), weight.as_flattened(), bias, y.as_flattened_mut(), &|_, _| ());
}

/// y = a(x·w + b). `bias` may be empty.
#[inline]
pub fn linear_activation_forward<T: Real, const X: usize, const Y: usize, const I: usize, const O: usize>(
    x: &[[T; X]],
    weight: &[[T; O]; I],
    bias: &[T],
    activation: impl Activation<T>,
    y: &mut [[T; Y]],
) {
    check::<X, Y, I, O>(x.len(), y.len());
    let then = |_, y: &mut [T]| activation.forward_in_place(y);
    T::linear_forward(I, O, x.as_flattened(), weight.as_flattened(), bias, y.as_flattened_mut(), &then);
}

/// z = x·w + b and y = a(z), for activations whose derivative is computed from their input.
#[inline]
pub fn linear_activation_forward_keep<T: Real, const X: usize, const Y: usize, const I: usize, const O: usize>(
    x: &[[T; X]],
    weight: &[[T; O]; I],
    bias: &[T],
    activation: impl Activation<T>,
    z: &mut [[T; Y]],
    y: &mut [[T; Y]],
) {
    check::<X, Y, I, O>(x.len(), z.len());
    assert_eq!(z.len(), y.len(), "batches of different lengths");
    T::linear_forward(I, O, x.as_flattened(), weight.as_flattened(), bias, z.as_flattened_mut(), &|_, _| ());
    activation.forward(z.as_flattened(), y.as_flattened_mut());
}

/// dx = dy·wᵀ.
#[inline]
pub fn linear_backward_input<T: Real, const X: usize, const Y: usize, const I: usize, const O: usize>(
    dy: &[[T; Y]],
    weight: &[[T; O]; I],
    dx: &mut [[T; X]],
) {
    check::<X, Y, I, O>(dx.len(), dy.len());
    T::linear_backward_input(I, O, dy.as_flattened(), weight.as_flattened(), dx.as_flattened_mut(), &|_, _| ());
}

/// dx = (dy·wᵀ) ⊙ a'(kept), where a is the activation that made this layer's input.
#[inline]
pub fn linear_activation_backward_input<T: Real, const X: usize, const Y: usize, const I: usize, const O: usize>(
    dy: &[[T; Y]],
    weight: &[[T; O]; I],
    activation: impl Activation<T>,
    kept: &[[T; X]],
    dx: &mut [[T; X]],
) {
    check::<X, Y, I, O>(dx.len(), dy.len());
    assert_eq!(kept.len(), dx.len(), "batches of different lengths");
    let kept = kept.as_flattened();
    let then = |at: usize, d: &mut [T]| activation.backward(&kept[at..at + d.len()], d);
    T::linear_backward_input(I, O, dy.as_flattened(), weight.as_flattened(), dx.as_flattened_mut(), &then);
}

/// dw = xᵀ·dy: those rows of the weight that `update` is responsible for are handed to it.
#[inline]
pub fn linear_backward_weight<T: Real, const X: usize, const Y: usize, const I: usize, const O: usize>(
    x: &[[T; X]],
    dy: &[[T; Y]],
    weight: Span<I, O>,
    update: &mut Update<'_, T>,
) {
    check::<X, Y, I, O>(x.len(), dy.len());
    T::linear_backward_weight(I, O, x.as_flattened(), dy.as_flattened(), weight.index, weight.offset, update);
}

/// db = Σ dy: those elements of the bias that `update` is responsible for are handed to it.
#[inline]
pub fn linear_backward_bias<T: Real, const Y: usize, const O: usize>(
    dy: &[[T; Y]],
    bias: Span<1, O>,
    update: &mut Update<'_, T>,
) {
    const { assert!(rows_per_sample(Y, O) > 0) }
    T::linear_backward_bias(O, dy.as_flattened(), bias.index, bias.offset, update);
}

#[inline(always)]
fn forward_body<S: Simd, T: Real + MulAdd>(
    i: usize,
    o: usize,
    x: &[T],
    w: &[T],
    b: &[T],
    y: &mut [T],
    then: Epilogue<'_, T>,
) {
    for (row, (x, y)) in x.chunks_exact(i).zip(y.chunks_exact_mut(o)).enumerate() {
        if b.is_empty() {
            y.fill(T::ZERO);
        } else {
            y.copy_from_slice(b);
        }
        for (&x, w) in x.iter().zip(w.chunks_exact(o)) {
            for (y, &w) in y.iter_mut().zip(w) {
                *y = mul_add::<S, T>(x, w, *y);
            }
        }
        then(row * o, y);
    }
}

#[inline(always)]
fn backward_input_body<S: Simd, T: Real + MulAdd>(
    i: usize,
    o: usize,
    dy: &[T],
    w: &[T],
    dx: &mut [T],
    then: Epilogue<'_, T>,
) {
    for (row, (dy, dx)) in dy.chunks_exact(o).zip(dx.chunks_exact_mut(i)).enumerate() {
        for (dx, w) in dx.iter_mut().zip(w.chunks_exact(o)) {
            *dx = dy.iter().zip(w).fold(T::ZERO, |sum, (&dy, &w)| mul_add::<S, T>(dy, w, sum));
        }
        then(row * i, dx);
    }
}

#[inline(always)]
fn backward_weight_body<S: Simd, T: Real + MulAdd>(
    i: usize,
    o: usize,
    x: &[T],
    dy: &[T],
    index: usize,
    offset: usize,
    update: &mut Update<'_, T>,
) {
    let range = update.range();
    let mut piece = [T::ZERO; 64];
    for row in 0..i {
        let start = offset + row * o;
        if !range.contains(&start) {
            continue;
        }
        for from in (0..o).step_by(piece.len()) {
            let len = piece.len().min(o - from);
            let sum = &mut piece[..len];
            sum.fill(T::ZERO);
            for (x, dy) in x.chunks_exact(i).zip(dy.chunks_exact(o)) {
                for (sum, &dy) in sum.iter_mut().zip(&dy[from..from + len]) {
                    *sum = mul_add::<S, T>(x[row], dy, *sum);
                }
            }
            update.finish(index, start + from, sum);
        }
    }
}

#[inline(always)]
fn backward_bias_body<S: Simd, T: Real + MulAdd>(
    o: usize,
    dy: &[T],
    index: usize,
    offset: usize,
    update: &mut Update<'_, T>,
) {
    let range = update.range();
    let (first, last) = (range.start.clamp(offset, offset + o), range.end.clamp(offset, offset + o));
    let mut piece = [T::ZERO; 64];
    for start in (first..last).step_by(piece.len()) {
        let len = piece.len().min(last - start);
        let from = start - offset;
        let sum = &mut piece[..len];
        sum.fill(T::ZERO);
        for dy in dy.chunks_exact(o) {
            for (sum, &dy) in sum.iter_mut().zip(&dy[from..from + len]) {
                *sum += dy;
            }
        }
        update.finish(index, start, sum);
    }
}

macro_rules! linear_kernels {
    ($($t:ident: $forward:ident $input:ident $weight:ident $bias:ident;)*) => { $(
        multiversion! {
            fn $forward(i: usize, o: usize, x: &[$t], w: &[$t], b: &[$t], y: &mut [$t], then: Epilogue<'_, $t>)
                = forward_body::<S, $t>;
            fn $input(i: usize, o: usize, dy: &[$t], w: &[$t], dx: &mut [$t], then: Epilogue<'_, $t>)
                = backward_input_body::<S, $t>;
            fn $weight(i: usize, o: usize, x: &[$t], dy: &[$t], index: usize, offset: usize, update: &mut Update<'_, $t>)
                = backward_weight_body::<S, $t>;
            fn $bias(o: usize, dy: &[$t], index: usize, offset: usize, update: &mut Update<'_, $t>)
                = backward_bias_body::<S, $t>;
        }
        impl LinearKernels for $t {
            fn linear_forward(i: usize, o: usize, x: &[$t], w: &[$t], b: &[$t], y: &mut [$t], then: Epilogue<'_, $t>) {
                $forward(i, o, x, w, b, y, then);
            }
            fn linear_backward_input(i: usize, o: usize, dy: &[$t], w: &[$t], dx: &mut [$t], then: Epilogue<'_, $t>) {
                $input(i, o, dy, w, dx, then);
            }
            fn linear_backward_weight(
                i: usize, o: usize, x: &[$t], dy: &[$t], index: usize, offset: usize, update: &mut Update<'_, $t>,
            ) {
                $weight(i, o, x, dy, index, offset, update);
            }
            fn linear_backward_bias(o: usize, dy: &[$t], index: usize, offset: usize, update: &mut Update<'_, $t>) {
                $bias(o, dy, index, offset, update);
            }
        }
    )* };
}
linear_kernels! {
    f32: forward_f32 backward_input_f32 backward_weight_f32 backward_bias_f32;
    f64: forward_f64 backward_input_f64 backward_weight_f64 backward_bias_f64;
}
