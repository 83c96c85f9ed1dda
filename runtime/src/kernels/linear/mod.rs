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

use std::ops::Range;

use super::gemm::block::Start;
use super::gemm::{Epilogue, Factor, multiply, multiply_into_update, multiply_transposed};
use super::{Activation, Keeps, Span};
use crate::simd::multiversion;
use crate::simd::vector::Lanes;
use crate::{Real, Update};

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
    assert!(width > 0 && sample.is_multiple_of(width), "a sample is not a whole number of the layer's rows");
    sample / width
}

/// Checks two samples' shapes against I and O at compile time, and two batches' lengths at run time.
#[inline(always)]
fn check<const X: usize, const Y: usize, const I: usize, const O: usize>(x: usize, y: usize) {
    const { assert!(rows_per_sample(X, I) == rows_per_sample(Y, O), "input and output have different numbers of rows") }
    assert_eq!(x, y, "batches of different lengths");
}

/// y = x·w + b.
///
/// # Shapes
/// `x`: [N, ·, I], `weight`: `[I, O]` (PyTorch's, transposed), `bias`: `[O]` or nothing, `y`: [N, ·, O]; a sample may have
/// several rows.
///
/// # Panics
/// If the batches differ in length, or `bias` is neither empty nor O long. Shapes that do not fit do not compile.
///
/// # Example
/// ```
/// use glulam::kernels::linear_forward;
/// let weight = [[1.0f32, 2.0], [3.0, 4.0], [5.0, 6.0]];
/// let mut y = [[0.0; 2]];
/// linear_forward(&[[1.0, 0.0, -1.0]], &weight, &[0.5, 0.0], &mut y);
/// assert_eq!(y, [[-3.5, -4.0]]);
/// ```
///
/// # References
/// `torch.nn.Linear`.
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

/// y = a(x·w + b): for predictions, and for activations whose derivative is computed from their output. Shapes: see
/// [`linear_forward`].
///
/// The activation is applied to some rows at a time, while they are in the first-level cache.
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

/// z = x·w + b and y = a(z), for activations whose derivative is computed from their input. Shapes: see
/// [`linear_forward`].
///
/// # Example
/// ```
/// use glulam::kernels::{SiLU, linear_activation_forward_keep};
/// let (mut z, mut y) = ([[0.0; 1]], [[0.0; 1]]);
/// linear_activation_forward_keep(&[[2.0f32]], &[[3.0]], &[-6.0], SiLU, &mut z, &mut y);
/// assert_eq!((z, y), ([[0.0]], [[0.0]]));
/// ```
/// Where the derivative is computed from the output, z would be kept for nothing, or mistaken for it:
/// ```compile_fail,E0080
/// # use glulam::kernels::{ReLU, linear_activation_forward_keep};
/// # let (mut z, mut y) = ([[0.0; 1]], [[0.0; 1]]);
/// linear_activation_forward_keep(&[[2.0f32]], &[[3.0]], &[-6.0], ReLU, &mut z, &mut y);
/// ```
#[inline]
pub fn linear_activation_forward_keep<
    T: Real,
    A: Activation<T>,
    const X: usize,
    const Y: usize,
    const I: usize,
    const O: usize,
>(
    x: &[[T; X]],
    weight: &[[T; O]; I],
    bias: &[T],
    activation: A,
    z: &mut [[T; Y]],
    y: &mut [[T; Y]],
) {
    const { assert!(matches!(A::KEEPS, Keeps::Input), "the derivative is computed from the output: z is of no use") }
    check::<X, Y, I, O>(x.len(), z.len());
    assert_eq!(z.len(), y.len(), "batches of different lengths");
    T::linear_forward(I, O, x.as_flattened(), weight.as_flattened(), bias, z.as_flattened_mut(), &|_, _| ());
    activation.forward(z.as_flattened(), y.as_flattened_mut());
}

/// dx = dy·wᵀ: the gradient of the loss with respect to the input.
///
/// # Shapes
/// `dy`: [N, ·, O], `weight`: [I, O], `dx`: [N, ·, I].
///
/// # Panics
/// If the batches differ in length.
#[inline]
pub fn linear_backward_input<T: Real, const X: usize, const Y: usize, const I: usize, const O: usize>(
    dy: &[[T; Y]],
    weight: &[[T; O]; I],
    dx: &mut [[T; X]],
) {
    check::<X, Y, I, O>(dx.len(), dy.len());
    T::linear_backward_input(I, O, dy.as_flattened(), weight.as_flattened(), dx.as_flattened_mut(), &|_, _| ());
}

/// dx = (dy·wᵀ) ⊙ a'(kept), where a is the activation that made this layer's input, and `kept` what its derivative is
/// computed from. Shapes: see [`linear_backward_input`]; `kept` is like `dx`.
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

/// dw = xᵀ·dy, summed over the rows of the batch in their order: those rows of the weight that `update` is responsible
/// for are handed to it, while they are in cache.
///
/// # Shapes
/// `x`: [N, ·, I], `dy`: [N, ·, O], the weight: [I, O].
///
/// # Panics
/// If the batches differ in length.
#[inline]
pub fn linear_backward_weight<T: Real, const X: usize, const Y: usize, const I: usize, const O: usize>(
    x: &[[T; X]],
    dy: &[[T; Y]],
    weight: Span<I, O>,
    update: &mut Update<'_, T>,
) {
    check::<X, Y, I, O>(x.len(), dy.len());
    if !update.wants(weight.index) {
        return;
    }
    T::linear_backward_weight(I, O, x.as_flattened(), dy.as_flattened(), weight.index, weight.offset, update);
}

/// db = Σ dy, over the rows of the batch in their order: those elements of the bias that `update` is responsible for are
/// handed to it.
///
/// # Shapes
/// `dy`: `[N, ·, O]`, the bias: `[O]`.
#[inline]
pub fn linear_backward_bias<T: Real, const Y: usize, const O: usize>(
    dy: &[[T; Y]],
    bias: Span<1, O>,
    update: &mut Update<'_, T>,
) {
    const { assert!(rows_per_sample(Y, O) > 0) }
    if !update.wants(bias.index) {
        return;
    }
    T::linear_backward_bias(O, dy.as_flattened(), bias.index, bias.offset, update);
}

#[inline(always)]
fn backward_bias_body<S: Lanes<T>, T: Real>(
    s: S,
    o: usize,
    dy: &[T],
    index: usize,
    offset: usize,
    update: &mut Update<'_, T>,
) {
    // Some registers at once, to hide the latency of an addition and to read long stretches of rows.
    let Range { mut start, end } = update.part_of(offset, o);
    let mut sums = [T::ZERO; 128];
    while start < end {
        let dy = dy.get(start..).unwrap_or_default();
        let registers = match (end - start) / S::LANES {
            8.. => 8,
            4.. => 4,
            _ => 1,
        };
        let sums = &mut sums[..(registers * S::LANES).min(end - start)];
        match registers {
            8 => sum_rows::<S, T, 8>(s, o, dy, sums),
            4 => sum_rows::<S, T, 4>(s, o, dy, sums),
            _ => sum_rows::<S, T, 1>(s, o, dy, sums),
        }
        update.finish(index, offset + start, sums);
        start += sums.len();
    }
}

/// The sum of rows `o` apart: `N` registers of them, the last of which may be partly filled.
#[inline(always)]
fn sum_rows<S: Lanes<T>, T: Real, const N: usize>(s: S, o: usize, dy: &[T], sums: &mut [T]) {
    let columns = sums.len();
    let mut total = [s.splat(T::ZERO); N];
    for row in dy.chunks(o) {
        // The last row has no more than its columns.
        let Some(row) = row.get(..columns) else { break };
        for v in 0..N {
            let x =
                if columns >= N * S::LANES { s.load(&row[v * S::LANES..]) } else { s.load_part(&row[v * S::LANES..]) };
            total[v] = s.add(total[v], x);
        }
    }
    for v in 0..N {
        let to = &mut sums[v * S::LANES..];
        if to.len() >= S::LANES { s.store(total[v], to) } else { s.store_part(total[v], to) }
    }
}

macro_rules! linear_kernels {
    ($($t:ident: $bias:ident;)*) => { $(
        multiversion! {
            fn $bias(o: usize, dy: &[$t], index: usize, offset: usize, update: &mut Update<'_, $t>)
                = backward_bias_body::<S, $t> with simd;
        }
        impl LinearKernels for $t {
            fn linear_forward(i: usize, o: usize, x: &[$t], w: &[$t], b: &[$t], y: &mut [$t], then: Epilogue<'_, $t>) {
                let start = if b.is_empty() { Start::Zero } else { Start::Row(b) };
                multiply((y.len() / o, o, i), (x, i), (w, o), start, (y, o), then);
            }
            fn linear_backward_input(i: usize, o: usize, dy: &[$t], w: &[$t], dx: &mut [$t], then: Epilogue<'_, $t>) {
                multiply_transposed((dx.len() / i, i, o), (dy, o), (w, o), (dx, i), then);
            }
            fn linear_backward_weight(
                i: usize, o: usize, x: &[$t], dy: &[$t], index: usize, offset: usize, update: &mut Update<'_, $t>,
            ) {
                let part = update.part_of(offset, i * o);
                let (part, a) = (part.start / o..part.end / o, Factor::Plain { data: x, stride: i });
                multiply_into_update(part, (o, x.len() / i), a, (dy, o), (index, offset), update);
            }
            fn linear_backward_bias(o: usize, dy: &[$t], index: usize, offset: usize, update: &mut Update<'_, $t>) {
                $bias(o, dy, index, offset, update);
            }
        }
    )* };
}
linear_kernels! {
    f32: backward_bias_f32;
    f64: backward_bias_f64;
}

#[cfg(test)]
mod tests;
